package conntrack

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// clientAddr is the address of client number i of many, which has 16 ports.
func clientAddr(i int) string { return fmt.Sprintf("10.%d.%d.%d", i>>20, i>>12&255, i>>4&255) }

// TestGrowth drives an index that starts small through many sizes: connections
// come, translated and not, go and are looked up while one index is being made
// beside the other.
func TestGrowth(t *testing.T) {
	during := 0
	rapid.Check(t, func(rt *rapid.T) {
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 32, Seed: [2]uint64{rapid.Uint64().Draw(rt, "seed"), 1}}), now: 1e9}
		b.Settings().Max, b.growSlots = 0, uint32(rapid.IntRange(1, 100).Draw(rt, "share"))
		type pair struct {
			ref         packet.ConnRef
			there, back packet.Tuple
		}
		var live []pair
		var gone []packet.Tuple
		next := 0
		r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.250")
		look := func(tu packet.Tuple, ref packet.ConnRef, dir int) {
			g := [SeekSize]packet.Gist{{Tuple: tu}}
			var s Seek
			s.Zone(0, 0)
			b.Aim(&s, &g, 0, 1, 1)
			b.Fetch(&s, 0, 1, 0)
			met, reply := b.Meet(&s, &g, 0, 1)
			got, d := b.Lookup(&tu, b.Hash(&tu), 0, b.now)
			if got != ref || ref != 0 && d != dir {
				rt.Fatalf("%v: found %#x in direction %d, want %#x in %d", tu, got, d, ref, dir)
			}
			if met != 0 && (b.Ref(&s, 0) != ref || int(reply) != dir) {
				rt.Fatalf("%v: met %#x in direction %d, want %#x in %d", tu, b.Ref(&s, 0), reply, ref, dir)
			}
		}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			if b.next.done != 0 {
				during++
			}
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1, 2:
				nat := rapid.Bool().Draw(rt, "translated")
				for range rapid.IntRange(1, 150).Draw(rt, "connections") {
					f := packettest.UDP(clientAddr(next), sAddr, uint16(1000+next&15), 53, "q")
					next++
					var h packet.Headers
					packet.Parse(f, &h)
					p := pair{0, h.Tuple, invert(&h.Tuple)}
					if nat {
						var g packet.Headers
						packet.Parse(b.translate(f, 0, r), &g)
						p.back = invert(&g.Tuple)
					} else {
						b.inZone(f, 0, true)
					}
					p.ref, _ = b.Lookup(&p.there, b.Hash(&p.there), 0, b.now)
					live = append(live, p)
				}
			case 3:
				n := rapid.IntRange(0, len(live)).Draw(rt, "ends")
				for _, p := range live[:n] {
					b.Kill(p.ref)
					gone = append(gone, p.there) // what it was translated to may be another's by now
				}
				live = live[n:]
			default:
				for range rapid.IntRange(1, 6).Draw(rt, "ticks") {
					b.now++
					b.Tick(b.now, 100)
				}
			}
			for i := 0; i < len(live); i += 1 + len(live)/20 {
				look(live[i].there, live[i].ref, 0)
				look(live[i].back, live[i].ref, 1)
			}
		}
		for _, p := range live {
			look(p.there, p.ref, 0)
			look(p.back, p.ref, 1)
		}
		for _, tu := range gone {
			look(tu, 0, 0)
		}
		if errs := b.Check(); len(errs) != 0 {
			rt.Fatal(errs)
		}
	})
	if during == 0 {
		t.Error("no step found the index growing")
	}
}

// TestGrowthIsBounded: however large the index, no Tick carries over more than
// its share, and the index keeps up with a table that only ever grows.
func TestGrowthIsBounded(t *testing.T) {
	b := &bed{TB: t, Tracker: New(Config{MaxConns: 32}), now: 1e9}
	b.Settings().Max = 0
	most, was, sizes := 0, uint32(0), 1
	for i := range 200_000 {
		var ct packet.CT
		var h packet.Headers
		f := packettest.UDP(clientAddr(i), sAddr, uint16(1000+i&15), 53, "q")
		packet.Parse(f, &h)
		h.Hash = b.Hash(&h.Tuple)
		if b.In(b.now, f, &h, 0, &ct) != Accept || b.Confirm(b.now, &ct) != Accept {
			t.Fatalf("connection %d", i)
		}
		if i%256 != 0 {
			continue
		}
		n := len(b.ix.buckets)
		b.now++
		b.Tick(b.now, 0)
		if d := b.next.done - was; b.next.done >= was && d > growSlots {
			t.Fatalf("a tick carried %d slots over", d)
		}
		if was = b.next.done; len(b.ix.buckets) != n {
			sizes++
		}
		if n >= 1024 {
			most = max(most, b.Len()/n)
		}
	}
	if most > crowded*4/3 || sizes < 5 {
		t.Errorf("%d entries a bucket at most, in %d sizes", most, sizes)
	}
	if errs := b.Check(); len(errs) != 0 {
		t.Error(errs)
	}
}
