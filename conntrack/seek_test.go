package conntrack

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

// TestBucketFind compares the search by words with the obvious one.
func TestBucketFind(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var b bucket
		// Few values, so that tags repeat, neighbour each other, and are free.
		tag := rapid.SampledFrom([]uint16{0, 1, 2, 3, 0x7fff, 0x8000, 0x8001, 0xffff})
		for i := range b.tag {
			b.tag[i], b.slot[i] = tag.Draw(rt, "tag"), uint32(100+i)
		}
		want, look := uint32(0), tag.Draw(rt, "look for")
		for i, g := range b.tag {
			if g == look && look != 0 {
				want = b.slot[i]
				break
			}
		}
		if got := b.find(look); got != want {
			rt.Fatalf("tag %#x in %#x: slot %d, want %d", look, b.tag, got, want)
		}
	})
}

// TestSeekAgreesWithFind looks every tuple up both ways, in both directions,
// while connections come and go between a group's steps.
func TestSeekAgreesWithFind(t *testing.T) {
	tr := New(Config{MaxConns: 4000})
	tuple := func(n int) packet.Tuple {
		return packet.Tuple{Src: packet.Addr{10, 0, byte(n >> 8), byte(n)}, Dst: packet.Addr{10, 0, 9, byte(n % 7)},
			SPort: uint16(n), DPort: 80, Proto: packet.ProtoTCP, Family: packet.IPv4}
	}
	refs := make([]packet.ConnRef, 3000)
	commit := func(n int) {
		slot, c := tr.slab.get()
		c.Orig, c.Zone, c.Timeout = tuple(n), uint16(n%3), 1<<60
		ct := packet.CT{Conn: tr.slab.ref(slot, c)}
		if tr.Confirm(1, &ct) == Accept {
			refs[n] = ct.Conn
		}
	}
	for n := 0; n < len(refs); n += 2 {
		commit(n)
	}
	found, missed := 0, 0
	var s Seek
	var tus [SeekSize]packet.Gist
	for base := 0; base+SeekSize <= len(refs); base += SeekSize {
		for i := range tus {
			tu := tuple(base + i)
			if (base+i)%5 == 0 {
				tu = invert(&tu)
			}
			tus[i].Tuple = tu
			s.Zone(i, uint16((base+i)%3))
		}
		tr.Aim(&s, &tus, 0, SeekSize, 1<<3)
		tr.Kill(refs[base])
		tr.Fetch(&s, 0, SeekSize, 0)
		tr.Kill(refs[base+2])
		commit(base + 5) // takes the slot of one that has just gone
		met, reply := tr.Meet(&s, &tus, 0, SeekSize)
		for i := range tus {
			zone := uint16((base + i) % 3)
			var c *Conn
			dir := int(reply >> i & 1)
			if met>>i&1 != 0 {
				c = s.Met(i)
			}
			ref, f, fdir := tr.Find(&tus[i].Tuple, tr.Hash(&tus[i].Tuple), zone, 1)
			switch {
			case i == 3 && c != nil:
				t.Fatal("a lookup that was skipped found something")
			case c == nil && f != nil:
				missed++
			case c != nil && f == nil && c.Gen&1 == 1:
				t.Fatalf("tuple %d: found one that Find does not know", base+i)
			case c != nil && f != nil:
				found++
				if c != f || dir != fdir || tr.Ref(&s, i) != ref {
					t.Fatalf("tuple %d: found another connection or direction than Find", base+i)
				}
			}
		}
	}
	// Only the few that came late, or overflowed their bucket, are left to Find.
	if found < 900 || missed > 250 {
		t.Errorf("%d found, %d left to Find", found, missed)
	}
}

// TestCandidateComparesEverything asks for tuples that differ from a
// connection's in few bits, in places that could make up for one another.
func TestCandidateComparesEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := New(Config{MaxConns: 4})
		draw := func(name string) packet.Tuple {
			tu := packet.Tuple{Proto: packet.ProtoUDP, Family: packet.IPv4}
			n := 4
			if rapid.Bool().Draw(rt, name+" wide") {
				tu.Family, n = packet.IPv6, 16
			}
			few := rapid.SampledFrom([]byte{0, 1, 2, 3})
			for _, i := range []int{0, n - 1} {
				tu.Src[i], tu.Dst[i] = few.Draw(rt, name), few.Draw(rt, name)
			}
			tu.SPort, tu.DPort = uint16(few.Draw(rt, name)), uint16(few.Draw(rt, name))
			return tu
		}
		one := draw("connection")
		slot, c := tr.slab.get()
		c.Orig, c.Timeout = one, 1<<60
		if tr.natted = rapid.IntRange(0, 1).Draw(rt, "others are translated"); tr.Confirm(1, &packet.CT{Conn: tr.slab.ref(slot, c)}) != Accept {
			rt.Fatal("it was refused")
		}
		for _, tu := range []packet.Tuple{draw("packet"), one, invert(&one)} {
			var s Seek
			s.slot[0] = slot // whatever the hash says
			g := [SeekSize]packet.Gist{{Tuple: tu}}
			met, reply := tr.Meet(&s, &g, 0, 1)
			var got *Conn
			dir := int(reply)
			if met != 0 {
				got = s.Met(0)
			}
			switch {
			case tu == one:
				if got != c || dir != 0 {
					rt.Fatalf("%v is not found, or %d", tu, dir)
				}
			case tu == invert(&one):
				if got != c || dir != 1 {
					rt.Fatalf("the answer %v is not found, or %d", tu, dir)
				}
			case got != nil:
				rt.Fatalf("%v is taken for %v", tu, one)
			}
		}
	})
}
