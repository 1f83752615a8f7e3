package flowtable

import (
	"math/rand/v2"
	"slices"
	"testing"

	"sluice/packet"
)

// TestQueue runs a queue beside a slice, through growth and round its end.
func TestQueue(t *testing.T) {
	var q queue
	var want []packet.ConnRef
	r := rand.New(rand.NewPCG(1, 2))
	next := packet.ConnRef(1)
	if q.pop() != 0 {
		t.Error("an empty queue gives something")
	}
	same := func() {
		t.Helper()
		if q.len() != len(want) {
			t.Fatalf("%d wait, want %d", q.len(), len(want))
		}
		for i, w := range want {
			if q.at(i) != w {
				t.Fatalf("at %d: %d, want %d", i, q.at(i), w)
			}
		}
	}
	sizes := map[int]bool{0: true}
	for round := range 4000 {
		switch n := r.IntN(10); {
		case n < 5 || round < 600 && n < 9:
			q.push(next)
			want = append(want, next)
			next++
		case len(want) > 0:
			if got := q.pop(); got != want[0] {
				t.Fatalf("popped %d, want %d", got, want[0])
			}
			want = want[1:]
			if n == 9 {
				q.unpop(next)
				want = slices.Insert(want, 0, next)
				next++
			}
		}
		sizes[len(q.ring)] = true
		if round%16 == 0 {
			same()
		}
	}
	same()
	q.filter(func(ref packet.ConnRef) bool { return ref%3 == 0 })
	want = slices.DeleteFunc(want, func(ref packet.ConnRef) bool { return ref%3 != 0 })
	same()
	for q.len() > 0 {
		q.pop()
	}
	if q.pop() != 0 {
		t.Error("an emptied queue gives something")
	}
	// A full ring grows by either end, to twice its size.
	for i := range packet.ConnRef(256) {
		q.push(i + 1)
	}
	for q.len() < len(q.ring) {
		q.push(1000)
	}
	size := len(q.ring)
	first := q.at(0)
	q.unpop(77)
	if q.len() != size+1 || q.at(0) != 77 || q.at(1) != first || len(q.ring) != 2*size {
		t.Errorf("%d in a ring of %d that had %d; first %d, %d", q.len(), len(q.ring), size, q.at(0), q.at(1))
	}
	if !sizes[256] {
		t.Errorf("rings of %v", sizes)
	}
}

// TestList fills a position with the last, over chunks' boundaries, and counts
// its memory by chunks of 8,192.
func TestList(t *testing.T) {
	var l list[uint32]
	if l.memory() != 0 {
		t.Errorf("an empty list takes %d bytes", l.memory())
	}
	for i := range 8193 {
		if at := l.add(uint32(i)); at != i {
			t.Fatalf("%d was put at %d", i, at)
		}
		if want := (i/8192 + 1) * 8192 * 4; l.memory() != want {
			t.Fatalf("%d entries take %d bytes, want %d", i+1, l.memory(), want)
		}
	}
	if l.len() != 8193 || l.at(8192) != 8192 || l.at(8191) != 8191 {
		t.Errorf("%d entries, the last %d and %d", l.len(), l.at(8191), l.at(8192))
	}
	if moved, ok := l.remove(5); !ok || moved != 8192 || l.at(5) != 8192 || l.len() != 8192 {
		t.Errorf("moved %d %v, now %d; %d entries", moved, ok, l.at(5), l.len())
	}
	if _, ok := l.remove(8191); ok || l.len() != 8191 {
		t.Errorf("the last moved: %v; %d entries", ok, l.len())
	}
	l.add(7)
	l.add(8)
	if l.memory() != 2*8192*4 {
		t.Errorf("%d bytes", l.memory())
	}
}

// TestPages makes pages where they are used, and none when looked at.
func TestPages(t *testing.T) {
	var p pages[uint16]
	for _, i := range []int{0, 8191, 8192, 100000} {
		if p.peek(i) != nil {
			t.Errorf("%d is there before it was used", i)
		}
	}
	*p.at(8192)++
	*p.at(16384) = 9
	for i, want := range map[int]uint16{8192: 1, 8193: 0, 16383: 0, 16384: 9} {
		if g := p.peek(i); g == nil || *g != want || p.at(i) != g {
			t.Errorf("element %d is %v, want %d", i, g, want)
		}
	}
	for _, i := range []int{0, 8191, 3 * 8192} {
		if p.peek(i) != nil {
			t.Errorf("%d has a page", i)
		}
	}
	if p.len() != 2*8192 {
		t.Errorf("room for %d", p.len())
	}
}

// TestEntries keeps positions right while entries come and go in any order.
func TestEntries(t *testing.T) {
	var es entries
	want := map[packet.ConnRef]uint16{}
	r := rand.New(rand.NewPCG(3, 4))
	for range 3000 {
		slot := packet.ConnRef(r.IntN(40) + 1)
		ref := packet.ConnRef(3)<<32 | slot
		if _, ok := want[ref]; ok {
			es.drop(es.of(ref))
			delete(want, ref)
		} else {
			if es.taken(ref) {
				t.Fatalf("slot %d is taken", slot)
			}
			v := uint16(r.IntN(1000))
			e := es.add(ref)
			if *e != (entry{ref: ref}) {
				t.Fatalf("a new entry has %+v", *e)
			}
			e.zone, e.asked = v, 7
			want[ref] = v
		}
		if es.n != len(want) {
			t.Fatalf("%d entries, want %d", es.n, len(want))
		}
		for slot := range packet.ConnRef(42) {
			ref := packet.ConnRef(3)<<32 | slot
			e := es.of(ref)
			v, ok := want[ref]
			if (e != nil) != ok || es.taken(ref) != ok || ok && (e.zone != v || e.ref != ref) {
				t.Fatalf("slot %d: %+v, want %d %v", slot, e, v, ok)
			}
			if es.of(5<<32|slot) != nil || es.taken(5<<32|slot) != ok {
				t.Fatalf("slot %d: found under another generation", slot)
			}
		}
	}
}
