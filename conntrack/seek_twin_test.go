package conntrack

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"sluice/packet"
)

// TestLayouts: the offsets that assembly has.
func TestLayouts(t *testing.T) {
	var s Seek
	var b bucket
	var c Conn
	var g packet.Gist
	var w tupleWords
	for _, o := range []struct {
		name      string
		got, want uintptr
	}{
		{"Seek.place", unsafe.Offsetof(s.place), 0}, {"Seek.slot", unsafe.Offsetof(s.slot), 128}, {"Seek.zone", unsafe.Offsetof(s.zone), 192},
		{"Seek.line", unsafe.Offsetof(s.line), 224},
		{"bucket.tag", unsafe.Offsetof(b.tag), 0}, {"bucket.slot", unsafe.Offsetof(b.slot), 20}, {"bucket.next", unsafe.Offsetof(b.next), 60},
		{"Gist", unsafe.Sizeof(g), 56}, {"Gist.Tuple", unsafe.Offsetof(g.Tuple), 0}, {"Gist.Hash", unsafe.Offsetof(g.Hash), 40},
		{"Conn.Orig", unsafe.Offsetof(c.Orig), 0}, {"Conn.Status", unsafe.Offsetof(c.Status), 54}, {"Conn.Zone", unsafe.Offsetof(c.Zone), 58},
		{"Conn.natAddr", unsafe.Offsetof(c.natAddr), 60}, {"Conn", unsafe.Sizeof(c), 192},
		{"ports", unsafe.Offsetof(w.ports), 32}, {"kind", unsafe.Offsetof(w.kind), 36}, {"port", unsafe.Offsetof(w.port), 38},
	} {
		if o.got != o.want {
			t.Errorf("%s is at %d, assembly has it at %d", o.name, o.got, o.want)
		}
	}
	if chunkBits != 15 || StatusSrcNAT != 0x10 || StatusDstNAT != 0x20 || SeekSize != 16 || slotsPerBucket != 10 {
		t.Error("a constant has changed that assembly has")
	}
}

// few draws numbers that are often equal.
var few = rapid.SampledFrom([]byte{0, 1, 2, 255})

func drawTuple(rt *rapid.T, name string) packet.Tuple {
	tu := packet.Tuple{Proto: rapid.SampledFrom([]uint8{1, 6, 17, 47, 58}).Draw(rt, name), Family: packet.IPv4}
	n := 4
	if rapid.IntRange(0, 3).Draw(rt, name) == 0 {
		tu.Family, n = packet.IPv6, 16
	}
	for _, i := range []int{0, n - 1} {
		tu.Src[i], tu.Dst[i] = few.Draw(rt, name), few.Draw(rt, name)
	}
	port := func() uint16 { return uint16(few.Draw(rt, name))<<8 | uint16(few.Draw(rt, name)) }
	tu.SPort, tu.DPort = port(), port()
	return tu
}

// TestSeekTwins holds the steps of a Seek, as the machine does them, to what
// they are in Go.
func TestSeekTwins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := New(Config{MaxConns: 64, Seed: [2]uint64{rapid.Uint64().Draw(rt, "key"), rapid.Uint64().Draw(rt, "key")}})
		var g, h [SeekSize]packet.Gist
		var s, p Seek
		n := rapid.IntRange(0, SeekSize).Draw(rt, "lookups")
		from := rapid.IntRange(0, n).Draw(rt, "from")
		for i := range n {
			g[i].Tuple = drawTuple(rt, "packet")
			s.Zone(i, uint16(rapid.IntRange(0, 2).Draw(rt, "zone")))
		}
		h, p = g, s
		shift := uint(rapid.IntRange(16, 63).Draw(rt, "shift"))
		none := make([]bucket, 1) // only asked for, never read
		aim(&s, &g, from, n, &tr.key, shift, &none[0])
		aimPlain(&p, &h, from, n, &tr.key, shift)
		if s.place != p.place || g != h {
			rt.Fatalf("aim: %x, in Go %x", s.place, p.place)
		}

		buckets := make([]bucket, 4)
		for i := range buckets {
			for j := range buckets[i].tag {
				buckets[i].tag[j] = uint16(rapid.IntRange(0, 3).Draw(rt, "tag")) * 0x4001
				buckets[i].slot[j] = uint32(rapid.IntRange(1, 60).Draw(rt, "slot"))
			}
			buckets[i].next = uint32(rapid.IntRange(0, 1).Draw(rt, "overflow"))
		}
		for i := range n {
			s.place[i] = uint64(rapid.IntRange(0, 3).Draw(rt, "bucket"))<<16 | uint64(rapid.IntRange(1, 4).Draw(rt, "its tag"))*0x4001
			if rapid.IntRange(0, 5).Draw(rt, "none") == 0 {
				s.place[i] = 0
			}
		}
		p.place = s.place
		again, more := fetch(&s, &buckets[0], unsafe.SliceData(tr.slab.chunks), from, n), fetchPlain(&p, &buckets[0], from, n)
		if s.slot != p.slot || again != more {
			rt.Fatalf("fetch: %v %b, in Go %v %b", s.slot, again, p.slot, more)
		}

		for i := range n {
			s.slot[i] = uint32(rapid.IntRange(0, 3).Draw(rt, "connection"))
		}
		p.slot = s.slot
		for slot := uint32(1); slot <= 3; slot++ {
			c := &tr.slab.chunks[0][slot]
			c.Orig = drawTuple(rt, "connection")
			if k := rapid.IntRange(0, SeekSize-1).Draw(rt, "like"); rapid.Bool().Draw(rt, "alike") {
				if c.Orig = g[k].Tuple; rapid.Bool().Draw(rt, "turned") {
					c.Orig.Src, c.Orig.Dst, c.Orig.SPort, c.Orig.DPort = c.Orig.Dst, c.Orig.Src, c.Orig.DPort, c.Orig.SPort
				}
			}
			c.Zone = uint16(rapid.IntRange(0, 2).Draw(rt, "zone"))
			c.Status = StatusConfirmed | rapid.SampledFrom([]uint16{0, StatusSrcNAT, StatusDstNAT, natMask}).Draw(rt, "translated")
			if c.Status&natMask != 0 {
				k := rapid.IntRange(0, SeekSize-1).Draw(rt, "natAddr")
				copy(c.natAddr[:], g[k].Tuple.Src[:4])
				wordsOfTuple(&c.Orig).port = rapid.SampledFrom([]uint16{g[k].Tuple.SPort, g[k].Tuple.DPort}).Draw(rt, "natPort")
			}
		}
		lo := rapid.IntRange(0, n).Draw(rt, "lo")
		hi := rapid.IntRange(lo, n).Draw(rt, "hi")
		m1, r1, w1 := meet(&s, &g, unsafe.SliceData(tr.slab.chunks), lo, hi)
		m2, r2, w2 := meetPlain(&p, &h, unsafe.SliceData(tr.slab.chunks), lo, hi)
		for i := lo; i < hi; i++ {
			if m1>>i&1 != 0 && s.Met(i) != p.Met(i) {
				rt.Fatalf("lookup %d meets another connection", i)
			}
		}
		if m1 != m2 || r1 != r2 || w1 != w2 {
			rt.Fatalf("meet: %b %b %b, in Go %b %b %b", m1, r1, w1, m2, r2, w2)
		}
	})
}
