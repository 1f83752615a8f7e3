package conntrack

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestIndexSizes: five connections a bucket, in a power of two of buckets.
func TestIndexSizes(t *testing.T) {
	for n, want := range map[int]struct {
		buckets int
		shift   uint
	}{0: {64, 58}, 320: {64, 58}, 321: {128, 57}, 640: {128, 57}, 641: {256, 56}} {
		if x := newIndex(n); len(x.buckets) != want.buckets || x.shift != want.shift {
			t.Errorf("for %d connections: %d buckets, shift %d", n, len(x.buckets), x.shift)
		}
	}
}

// TestOverflow: entries beyond a line go to overflow buckets, which are made by
// the thousand, and come back when they are empty.
func TestOverflow(t *testing.T) {
	x := newIndex(1)
	const hash = 0x1234
	slots := func() (out []uint32) {
		for slot, n := range x.entries() {
			for range n {
				out = append(out, slot)
			}
		}
		slices.Sort(out)
		return out
	}
	for slot := uint32(1); slot <= 31; slot++ {
		x.insert(hash, 0, slot)
		if want := (slot - 1) / slotsPerBucket; x.used != want {
			t.Errorf("%d entries: %d overflow buckets", slot, x.used)
		}
	}
	if got := slots(); len(got) != 31 || got[0] != 1 || got[30] != 31 || x.memory() != (64+1024)*64 {
		t.Errorf("%d, %d bytes", got, x.memory())
	}
	if !x.remove(hash, 0, 31) || x.free != 3 || x.remove(hash, 0, 31) || x.remove(hash, 1, 1) || len(slots()) != 30 {
		t.Errorf("the last bucket is free: %d", x.free)
	}
	for slot := uint32(11); slot <= 20; slot++ { // in the middle of the chain: stays
		x.remove(hash, 0, slot)
	}
	if x.free != 3 || len(slots()) != 20 {
		t.Errorf("free %d, %d", x.free, slots())
	}
	for slot := uint32(21); slot <= 30; slot++ {
		x.remove(hash, 0, slot)
	}
	if x.free != 2 || x.over(2).next != 3 || x.over(3).next != 0 || len(slots()) != 10 {
		t.Errorf("free %d, then %d", x.free, x.over(2).next)
	}
	for slot := uint32(41); slot <= 61; slot++ {
		x.insert(hash, 0, slot)
	}
	if x.used != 3 || x.free != 0 || len(slots()) != 31 {
		t.Errorf("%d buckets used, free %d, %d", x.used, x.free, slots())
	}
	for n := uint32(0); x.used < overflowChunk; n++ {
		x.insert(hash, 0, 1000+n)
	}
	if len(x.overflow) != 1 {
		t.Errorf("%d chunks for %d buckets", len(x.overflow), x.used)
	}
	for n := range uint32(slotsPerBucket) {
		x.insert(hash, 0, 100000+n)
	}
	if x.used != overflowChunk+1 || len(x.overflow) != 2 || x.memory() != (64+2048)*64 {
		t.Errorf("%d chunks for %d buckets, %d bytes", len(x.overflow), x.used, x.memory())
	}
}

// TestRelieve: when an index begins to grow, and how large it becomes.
func TestRelieve(t *testing.T) {
	for _, tc := range []struct {
		name                string
		buckets             int // there are
		live, natted, limit int
		max                 int64
		want                int // buckets of the next; 0: none
	}{
		{"six a bucket", 64, 384, 0, 320, 0, 0},
		{"more", 64, 385, 0, 320, 0, 128},
		{"translated ones are two", 64, 300, 85, 320, 0, 128},
		{"as large as the limit asks for", 64, 385, 0, 320, 320, 0},
		{"smaller", 64, 385, 0, 320, 321, 128},
		{"where a fourth is translated", 64, 340, 85, 320, 320, 0},
		{"where more is", 64, 339, 85, 320, 161, 128},
		{"as large as twice the limit asks for", 64, 339, 85, 320, 160, 0},
		{"early, for translations", 512, 2000, 1000, 2560, 2560, 1024},
		{"not for a few", 512, 2000, 999, 2560, 2560, 0},
		{"not without need", 512, 2000, 1000, 1280, 1280, 0},
		{"with need", 512, 2000, 1000, 1281, 1281, 1024},
		{"not for a fourth", 1024, 4000, 1000, 5120, 5120, 0},
		{"for more than a fourth", 1024, 3999, 1000, 5120, 5120, 2048},
	} {
		tr := New(Config{MaxConns: tc.buckets * 5})
		if len(tr.ix.buckets) != tc.buckets {
			t.Fatalf("%d buckets", len(tr.ix.buckets))
		}
		tr.set.Max, tr.slab.live, tr.natted, tr.slab.limit = tc.max, tc.live, tc.natted, tc.limit
		tr.relieve()
		if got := len(tr.next.ix.buckets); got != tc.want {
			t.Errorf("%s: %d buckets, want %d", tc.name, got, tc.want)
		}
		if tr.next.touched != tc.want {
			t.Errorf("%s: %d of %d are ready", tc.name, tr.next.touched, tc.want)
		}
	}
}

// TestCarryOver: a Tick carries its share of the slots over, and changes over
// with the last.
func TestCarryOver(t *testing.T) {
	b := newBed(t)
	for i := range 100 {
		b.inZone(packettest.UDP(cAddr, sAddr, uint16(i), 53, "q"), 0, true)
	}
	b.growSlots = 40
	n := len(b.ix.buckets)
	b.enlarge(2 * n)
	for _, want := range []uint32{40, 80} {
		b.Tick(b.now, 0)
		if errs := b.Check(); b.next.done != want || len(b.next.ix.entries()) != int(want) || len(errs) != 0 {
			t.Fatalf("%d carried over, want %d; %v", b.next.done, want, errs)
		}
	}
	// What comes and goes meanwhile does so in both, as far as it has come.
	for ref, c := range b.Known() {
		if port := c.Orig.SPort; port == 79 || port == 80 {
			b.Kill(ref)
		}
	}
	b.inZone(packettest.UDP(cAddr, sAddr, 1000, 53, "q"), 0, true) // slot 81
	b.inZone(packettest.UDP(cAddr, sAddr, 1001, 53, "q"), 0, true) // slot 80
	if errs := b.Check(); len(errs) != 0 || len(b.next.ix.entries()) != 80 {
		t.Errorf("%d are in the next index; %v", len(b.next.ix.entries()), errs)
	}
	b.Tick(b.now, 0)
	if errs := b.Check(); len(errs) != 0 || len(b.ix.buckets) != 2*n || b.next.ix.buckets != nil || b.next.done != 0 || len(b.ix.entries()) != 100 {
		t.Errorf("%d buckets, %d entries; %v", len(b.ix.buckets), len(b.ix.entries()), errs)
	}
}

// TestMemoryBytes: all memory is counted, and a small table takes little of it.
func TestMemoryBytes(t *testing.T) {
	b := &bed{TB: t, Tracker: New(Config{MaxConns: 10}), now: 1e9}
	want := 11*192 + 9*8 + 64*64 // slots, their times, buckets
	check := func(what string) {
		t.Helper()
		if got := b.MemoryBytes(); got != want {
			t.Errorf("%s: %d bytes, want %d", what, got, want)
		}
	}
	check("a new one")
	b.in(packettest.UDP(cAddr, sAddr, 1, 53, "q"))
	want += 256 * 32
	check("a page of zones")
	b.translate(packettest.UDP(cAddr, sAddr, 2, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"))
	want += 1024*4 + chunkConns*12
	check("sources of translations")
	b.translate(packettest.UDP("fd00::1", "fd00::2", 2, 53, "q"), 0, addrRange(SrcNAT, "2001:db8::1", "2001:db8::1"))
	want += chunkConns * 36
	check("IPv6's replies")
	b.SetZone(3, Zone{Source: SourceLimit{States: 9}})
	want += 64 * 4
	check("buckets of sources")
	b.inZone(packettest.UDP(cAddr, sAddr, 1, 53, "q"), 3, true)
	want += 4096 * 48
	check("sources")
	to := DefaultSettings().Timeouts
	b.SetZone(3, Zone{Timeouts: &to})
	want += int(unsafe.Sizeof(Timeouts{}))
	check("a policy")
	b.enlarge(128)
	want += 128 * 64
	check("a growing index")
}

// TestSlabGrows: a small table is made whole when its limit is raised, and keeps
// what it has; a large one has its next chunk ready when half of one is left.
func TestSlabGrows(t *testing.T) {
	b := &bed{TB: t, Tracker: New(Config{MaxConns: 10}), now: 1e9}
	b.Settings().Max = 0
	for i := range 10 {
		b.in(packettest.UDP(cAddr, sAddr, uint16(i), 53, "q"))
	}
	if len(b.slab.chunks[0]) != 11 || b.Moves() != 0 {
		t.Fatalf("%d slots, moved %d times", len(b.slab.chunks[0]), b.Moves())
	}
	ends := b.slab.due.chunks[0].node
	b.in(packettest.UDP(cAddr, sAddr, 10, 53, "q"))
	if len(b.slab.chunks[0]) != chunkConns || b.Moves() != 1 || b.Len() != 11 {
		t.Errorf("%d slots, moved %d times", len(b.slab.chunks[0]), b.Moves())
	}
	if k := b.slab.due.chunks[0]; len(k.node) != (chunkConns/8-1)/7+chunkConns/8 || k.node[k.base] != ends[1] || len(b.slab.due.chunks) != 1 {
		t.Errorf("%d times of groups", len(k.node))
	}
	b.checkDue()

	tr := New(Config{MaxConns: 1 << 17})
	memory := func() int { return tr.MemoryBytes() }
	begun := memory()
	for tr.slab.used < chunkConns/2-1 {
		tr.slab.get()
	}
	if memory() != begun {
		t.Error("the next chunk is made too early")
	}
	tr.slab.get()
	if memory() != begun+chunkConns*192 {
		t.Errorf("half of the first chunk: %d bytes more", memory()-begun)
	}
	for tr.slab.used < chunkConns-1 {
		tr.slab.get()
	}
	if len(tr.slab.chunks) != 1 {
		t.Errorf("%d chunks for %d slots", len(tr.slab.chunks), tr.slab.used)
	}
	if slot, c := tr.slab.get(); slot != chunkConns || c.Gen != 1 || tr.slab.spare != nil || len(tr.slab.chunks) != 2 || len(tr.slab.due.chunks) != 2 {
		t.Errorf("slot %d of %d chunks", slot, len(tr.slab.chunks))
	}
	for tr.slab.used < chunkConns+chunkConns/2 {
		tr.slab.get()
	}
	if tr.slab.spare == nil {
		t.Error("the third chunk is not ready")
	}
}

// TestSlots: a slot that is given back is nobody's, and the next to be used.
func TestSlots(t *testing.T) {
	tr := New(Config{MaxConns: 100})
	a, first := tr.slab.get()
	b, _ := tr.slab.get()
	first.Orig = packet.Tuple{Proto: 6, Family: packet.IPv4}
	first.Status, first.Path, first.Zone, first.Mark = 1, 2, 3, 4
	ref := tr.slab.ref(a, first)
	if a != 1 || b != 2 || ref != 1<<32|1 || tr.Conn(ref) != first || tr.Conn(1<<32) != nil || tr.Conn(1<<32|3) != nil || tr.Conn(2<<32|1) != nil {
		t.Fatal("references")
	}
	moves := tr.Moves()
	tr.slab.put(a)
	if tr.Conn(ref) != nil || tr.slab.live != 1 || tr.Moves() != moves+1 || first.Status != 0 || first.Path != 0 ||
		first.Orig.Proto != 0 || first.Orig.Family != packet.FamilyNone || first.Gen != 2 {
		t.Errorf("%+v", first)
	}
	tr.slab.put(b)
	for _, want := range []uint32{b, a, 3} {
		slot, c := tr.slab.get()
		gen := uint32(3)
		if want == 3 {
			gen = 1
		}
		if slot != want || *c != (Conn{Gen: gen}) {
			t.Errorf("slot %d: %+v, want %d", slot, c, want)
		}
	}
	if tr.slab.live != 3 || tr.slab.used != 3 {
		t.Errorf("%d live of %d", tr.slab.live, tr.slab.used)
	}
}

// TestCheckReports: each inconsistency of the tables is told in its own words.
func TestCheckReports(t *testing.T) {
	for _, tc := range []struct {
		want  string
		drift func(b *bed, c *Conn)
	}{
		{"[]", func(*bed, *Conn) {}},
		{"[slot 1 is in the index 0 times, want 1]", func(b *bed, c *Conn) { b.delist(b.Hash(&c.Orig), 0, 1) }},
		{"[slot 1 is in the index 2 times, want 1]", func(b *bed, c *Conn) { b.enlist(b.Hash(&c.Orig), 0, 1) }},
		{"[the index names slot 2, which is not confirmed]", func(b *bed, c *Conn) { b.enlist(b.Hash(&c.Orig), 0, 2) }},
		{"[the index names slot 9, which is not confirmed]", func(b *bed, c *Conn) { b.enlist(b.Hash(&c.Orig), 0, 9) }},
		{"[slot 1 is in the growing index 0 times, want 1; it has come to 1]", func(b *bed, c *Conn) {
			b.enlarge(128)
			b.next.done = 1
		}},
		{"[]", func(b *bed, c *Conn) { b.enlarge(128) }},
		{"[slot 1 is in the growing index 1 times, want 0; it has come to 0]", func(b *bed, c *Conn) {
			b.enlarge(128)
			b.next.ix.insert(b.Hash(&c.Orig), 0, 1)
		}},
		{"[the growing index names slot 2, which is not confirmed]", func(b *bed, c *Conn) {
			b.enlarge(128)
			b.next.ix.insert(b.Hash(&c.Orig), 0, 2)
		}},
		{"[slots 1 and 3 share a tuple slots 1 and 3 share a tuple zone 0 has 2 connections and counts 1]", func(b *bed, c *Conn) {
			_, o := b.slab.get()
			o.Orig, o.Status = c.Orig, StatusConfirmed
			b.enlist(b.Hash(&c.Orig), 0, 3)
		}},
		{"[2 slots are in use, 3 are counted]", func(b *bed, c *Conn) { b.slab.live++ }},
		{"[zone 0 has 1 connections and counts none]", func(b *bed, c *Conn) { b.lim.zone(0).conns-- }},
		{"[zone 7 has 0 connections and counts 1]", func(b *bed, c *Conn) { b.lim.makeZone(7).conns++ }},
		{"[0 expectations, 0 by master, 1 are counted]", func(b *bed, c *Conn) { b.expect.n++ }},
		{"[map 0 of ports is not what the connections occupy]", func(b *bed, c *Conn) {
			k, bit := keyOf(&c.Orig, 0)
			b.ports.add(hashPortKey(&b.key, &k), &k).bits[bit/64] = 2
		}},
		{"[]", func(b *bed, c *Conn) {
			k, _ := keyOf(&c.Orig, 0)
			b.ports.add(hashPortKey(&b.key, &k), &k)
			b.occupy(&c.Orig, c)
		}},
		{"[the list of idle sources is broken at 1]", func(b *bed, c *Conn) {
			b.SetZone(7, Zone{Source: SourceLimit{States: 9}})
			b.lim.src.add(0, &c.Orig, 7)
			b.lim.src.at(1).older = 5
		}},
		{"[source 1 has 0 connections, idle false the list of idle sources is broken at 1]", func(b *bed, c *Conn) {
			b.SetZone(7, Zone{Source: SourceLimit{States: 9}})
			b.lim.src.add(0, &c.Orig, 7)
			b.lim.src.at(1).idle = false
		}},
	} {
		b := newBed(t)
		b.in(packettest.UDP(cAddr, sAddr, 1, 53, "q"))
		b.fresh(packettest.UDP(cAddr, sAddr, 2, 53, "q"))
		tc.drift(b, b.Conn(1<<32|1))
		if got := fmt.Sprint(b.Check()); got != tc.want {
			t.Errorf("%s, want %s", got, tc.want)
		}
	}
}
