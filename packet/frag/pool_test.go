package frag

import (
	"bytes"
	"math/bits"
	"testing"

	"sluice/packet"
)

// TestChunks stores and loads pieces of every size around a chunk's.
func TestChunks(t *testing.T) {
	var c chunks
	data := make([]byte, 3*chunkSize+9)
	for i := range data {
		data[i] = byte(i * 7)
	}
	for _, n := range []int{1, 2, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 2*chunkSize + 1, len(data)} {
		first, last, count := c.store(data[:n], 0)
		if want := (n + 511) / 512; count != want {
			t.Errorf("%d bytes take %d chunks, want %d", n, count, want)
		}
		more, end, _ := c.store([]byte("more"), last)
		if c.next[last] != more {
			t.Errorf("%d bytes: what is stored behind them is not linked", n)
		}
		for _, skip := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 3 * chunkSize} {
			if skip >= n {
				continue
			}
			got := make([]byte, n-skip)
			if c.load(got, first, skip); !bytes.Equal(got, data[skip:n]) {
				t.Errorf("%d bytes from %d on: %x", n, skip, got[:min(len(got), 16)])
			}
		}
		c.release(first, end)
	}
	if first, last, n := c.store(nil, 7); first != 0 || last != 7 || n != 0 {
		t.Errorf("nothing is stored as %d to %d, %d chunks", first, last, n)
	}
	free := map[uint32]bool{}
	for i := c.free; i != 0; i = c.next[i] {
		free[i] = true
	}
	if len(free) != chunksPerSlab-1 || len(c.slabs) != 1 {
		t.Errorf("%d chunks of %d slabs are free", len(free), len(c.slabs))
	}
	for range chunksPerSlab - 1 {
		c.get()
	}
	if i := c.get(); i < chunksPerSlab || len(c.slabs) != 2 || len(c.next) != 2*chunksPerSlab {
		t.Errorf("chunk %d of %d slabs", i, len(c.slabs))
	}
}

// TestSlots: numbers from 1 on, used again in reverse order, and zero then.
func TestSlots(t *testing.T) {
	var s slots[int]
	for want := range uint32(4) {
		if i := s.get(); i != want+1 {
			t.Errorf("slot %d, want %d", i, want+1)
		}
		*s.at(want + 1) = 7
	}
	s.put(2)
	s.put(3)
	for _, want := range []uint32{3, 2, 5} {
		if i := s.get(); i != want || *s.at(i) != 0 {
			t.Errorf("slot %d holds %d, want slot %d", i, *s.at(i), want)
		}
	}
	var n nodes
	a, b := n.get(), n.get()
	n.all[a], n.all[b] = node{next: b, off: 9}, node{off: 8}
	n.release(0, 0)
	n.release(a, b)
	if x, y, z := n.get(), n.get(), n.get(); x != a || y != b || z != 3 || n.all[x] != (node{}) || n.all[y] != (node{}) {
		t.Errorf("nodes %d %d %d: %+v %+v", x, y, z, n.all[x], n.all[y])
	}
}

// TestArena: memory does not overlap, a block is used to its end, and what a
// flood has needed is given back but for eight blocks.
func TestArena(t *testing.T) {
	var a arena
	x, y := a.get(100), a.get(arenaBlock-100)
	if len(x) != 100 || cap(x) != 100 || len(y) != arenaBlock-100 || len(a.blocks) != 1 {
		t.Errorf("%d and %d bytes of %d blocks", len(x), len(y), len(a.blocks))
	}
	z := a.get(1)
	if len(a.blocks) != 2 || &z[0] != &a.blocks[1][0] {
		t.Errorf("one byte more: %d blocks", len(a.blocks))
	}
	if w := a.get(arenaBlock); &w[0] != &a.blocks[2][0] {
		t.Error("a whole block")
	}
	for len(a.blocks) < 10 {
		a.get(arenaBlock)
	}
	u, v := a.words(3), a.words(5)
	u[2], v[0] = 1, 2
	if len(u) != 3 || cap(u) != 3 || len(v) != 5 || u[2] != 1 {
		t.Errorf("words %v %v", u, v)
	}
	if a.reset(); len(a.blocks) != 8 || cap(a.blocks) > 8 && a.blocks[:9][8] != nil {
		t.Errorf("%d blocks are kept", len(a.blocks))
	}
	if again := a.get(5); &again[0] != &x[0] {
		t.Error("memory is not used again")
	}
	if again := a.words(3); &again[0] != &u[0] {
		t.Error("words are not used again")
	}
	a.words(4093)
	if w := a.words(1); &w[0] == &a.wordBuf[1] || len(a.wordBuf) != 8192 {
		t.Errorf("%d words", len(a.wordBuf))
	}
	if w := a.words(9000); len(w) != 9000 {
		t.Errorf("%d words of 9000", len(w))
	}
	a.reset()
	if cut := a.get(7); len(a.blocks) != 8 || len(cut) != 7 {
		t.Errorf("%d blocks", len(a.blocks))
	}
}

// TestRandom: the numbers that splitmix64's author gives for seed 1234567.
func TestRandom(t *testing.T) {
	r := New(&Limits{}, 1234567)
	for _, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := r.next(); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}

// TestHashSpreads: every bit of a key, and of the seed, turns about half of
// the hash's bits, and keys that count up fill a table evenly.
func TestHashSpreads(t *testing.T) {
	turned := func(a, b uint64) { // of one input bit's two hashes
		t.Helper()
		if n := bits.OnesCount64(a ^ b); n < 8 || n > 56 {
			t.Errorf("%d bits turned", n)
		}
	}
	for seed := range uint64(4) {
		r := New(&Limits{}, 0x123456789abcdef*seed)
		k := key{src: packet.Addr{10, 0, 0, 1}, dst: packet.Addr{10, 0, 0, 2}, id: 7, dev: -1, zone: 3, proto: 17}
		was, peer := r.hash(&k), r.hashAddr(&k.src)
		for bit := range 128 {
			o := k
			o.src[bit/8] ^= 1 << (bit % 8)
			turned(was, r.hash(&o))
			turned(peer, r.hashAddr(&o.src))
			o = k
			o.dst[bit/8] ^= 1 << (bit % 8)
			turned(was, r.hash(&o))
		}
		for bit := range 32 {
			o := k
			o.id ^= 1 << bit
			turned(was, r.hash(&o))
			o = k
			o.dev ^= 1 << bit
			turned(was, r.hash(&o))
			o = k
			o.zone ^= 1 << (bit % 16)
			turned(was, r.hash(&o))
			o = k
			o.proto ^= 1 << (bit % 8)
			turned(was, r.hash(&o))
		}
		for bit := range 64 {
			s := New(&Limits{}, 0x123456789abcdef*seed^1<<bit)
			turned(was, s.hash(&k))
			turned(peer, s.hashAddr(&k.src))
		}
		full := make(index, 256)
		for i := range uint32(4096) {
			o := k
			o.id = i
			*full.bucket(r.hash(&o))++
		}
		for i, n := range full {
			if n > 48 || n == 0 { // 16 on average
				t.Errorf("bucket %d of 256 has %d of 4096", i, n)
			}
		}
	}
}
