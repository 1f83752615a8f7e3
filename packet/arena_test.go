package packet_test

import (
	"testing"

	"sluice/packet"
)

// TestArenaLayout: what is given begins at multiples of 64 bytes, a chunk is
// used to its end, and the next one only for what no longer fits.
func TestArenaLayout(t *testing.T) {
	const chunk = 1 << 18
	at := func(a *packet.Arena) int { // bytes that are left of the chunk, as they show
		m := a.Mark()
		defer a.Return(m)
		lo, hi := 0, chunk
		first := a.Left()
		for lo < hi {
			mid := (lo + hi + 1) / 2
			a.Return(m)
			if a.Alloc(mid); a.Left() == first {
				lo = mid
			} else {
				hi = mid - 1
			}
		}
		return lo
	}
	for n, left := range map[int]int{0: chunk, 1: chunk - 64, 63: chunk - 64, 64: chunk - 64, 65: chunk - 128, chunk - 64: 64, chunk - 63: 0, chunk: 0} {
		var a packet.Arena
		b := a.Alloc(n)
		if len(b) != n || cap(b) != n {
			t.Errorf("%d bytes: %d of %d", n, len(b), cap(b))
		}
		if got := at(&a); got != left {
			t.Errorf("behind %d bytes, %d are left of the chunk, want %d", n, got, left)
		}
	}
}

// TestArenaEnd: 128 chunks, no more, and none lost.
func TestArenaEnd(t *testing.T) {
	var a packet.Arena
	if a.Left() != 127*(1<<17) {
		t.Errorf("%d bytes left in an empty one", a.Left())
	}
	for i := range 128 {
		if want := (127 - max(i-1, 0)) * (1 << 17); a.Left() != want { // a full chunk is left only when more is wanted
			t.Errorf("%d bytes left before chunk %d, want %d", a.Left(), i, want)
		}
		if a.Alloc(1<<18) == nil {
			t.Fatalf("no chunk %d", i)
		}
	}
	if a.Alloc(1) != nil || a.Alloc(1<<18) != nil || a.Left() != 0 {
		t.Error("chunk 129")
	}
	a.Reset()
	first := a.Alloc(1 << 18)
	m := a.Mark()
	b := a.Alloc(100)
	c := a.Alloc(100)
	a.Return(m)
	if again := a.Alloc(100); &again[0] != &b[0] || &again[0] == &c[0] || &again[0] == &first[0] {
		t.Error("memory since a mark is not given again")
	}
}
