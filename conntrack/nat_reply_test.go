package conntrack

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// translation is one connection translated at one end or both.
type translation struct {
	b           *bed
	ref         packet.ConnRef
	there, back []byte // what either side sends
}

// newTranslation makes a connection whose ends become from and to, where not
// empty.
func newTranslation(t testing.TB, there []byte, from, to *NATRange) translation {
	b := newBed(t)
	frame := bytes.Clone(there)
	var h packet.Headers
	packet.Parse(frame, &h)
	h.Hash = b.Hash(&h.Tuple)
	var ct packet.CT
	if b.In(b.now, frame, &h, 0, &ct) != Accept || ct.Info != packet.CTNew {
		t.Fatal("it begins no connection")
	}
	slot, c := slotOf(ct.Conn), b.Conn(ct.Conn)
	// As an announced connection gets both (followMaster).
	if from != nil && b.setupNAT(b.now, slot, c, from, SrcNAT) != Accept || to != nil && b.setupNAT(b.now, slot, c, to, DstNAT) != Accept {
		t.Fatal("it cannot be translated")
	}
	if b.Confirm(b.now, &ct) != Accept {
		t.Fatal("it was refused")
	}
	x := translation{b: b, ref: ct.Conn, there: there}
	r := b.Reply(ct.Conn)
	src, dst := r.Src.Netip(r.Family).String(), r.Dst.Netip(r.Family).String()
	if r.Proto == packet.ProtoTCP {
		x.back = packettest.TCP(src, dst, r.SPort, r.DPort, "SA", 7, 2, "")
	} else {
		x.back = packettest.UDP(src, dst, r.SPort, r.DPort, "answer")
	}
	return x
}

// lookup is a group with one lookup in it.
func (x *translation) lookup(s *Seek, g *packet.Gist, frame []byte) (*Conn, int) {
	var h packet.Headers
	packet.Parse(frame, &h)
	g.From(&h)
	group := [SeekSize]packet.Gist{*g}
	x.b.Aim(s, &group, 0, 1, 0)
	x.b.Fetch(s, 0, 1, 0)
	met, reply := x.b.Meet(s, &group, 0, 1)
	if met == 0 {
		return nil, 0
	}
	return s.Met(0), int(reply)
}

// TestRestoreAgreesWithNAT sends packets both ways through the translation of
// remembered ways and through the ct action's: the same comes out, sums are
// right, and an end that was translated is what it should be.
func TestRestoreAgreesWithNAT(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fam := rapid.IntRange(0, 1).Draw(rt, "family")
		host := [2]string{"10.0.0.%d", "fd00::%d"}[fam]
		addr := func(n int) string { return fmt.Sprintf(host, n) }
		sp, dp := rapid.Uint16Min(1).Draw(rt, "source port"), rapid.Uint16Min(1).Draw(rt, "port")
		udp := rapid.Bool().Draw(rt, "udp")
		frame := packettest.TCP(addr(1), addr(2), sp, dp, "S", 1, 0, "")
		if udp {
			frame = packettest.UDP(addr(1), addr(2), sp, dp, "query")
		}
		ends := rapid.IntRange(1, 3).Draw(rt, "ends")
		var from, to *NATRange
		if ends&1 != 0 {
			from = addrRange(SrcNAT, addr(3), addr(3))
			from.HasPort = rapid.Bool().Draw(rt, "source port too")
			from.MinPort, from.MaxPort = 4000, 4000
		}
		if ends&2 != 0 {
			to = addrRange(DstNAT, addr(4), addr(4))
			to.HasPort = rapid.Bool().Draw(rt, "port too")
			to.MinPort, to.MaxPort = 5000, 5000
		}
		x := newTranslation(t, frame, from, to)
		if errs := x.b.Check(); len(errs) != 0 {
			rt.Fatal(errs)
		}
		r, o := x.b.Reply(x.ref), x.b.Conn(x.ref).Orig
		if want := map[bool]string{true: addr(3), false: addr(1)}[from != nil]; r.Dst.Netip(r.Family).String() != want {
			rt.Fatalf("the answer goes to %v, want %s", r, want)
		}
		if want := map[bool]string{true: addr(4), false: addr(2)}[to != nil]; r.Src.Netip(r.Family).String() != want {
			rt.Fatalf("the answer comes from %v, want %s", r, want)
		}
		for dir, frame := range [2][]byte{x.there, x.back} {
			if udp && fam == 0 && rapid.Bool().Draw(rt, "no checksum") {
				frame = packettest.NoSum(frame)
			}
			var s Seek
			var g packet.Gist
			var h [2]packet.Headers
			got, want := bytes.Clone(frame), bytes.Clone(frame)
			packet.Parse(want, &h[1])
			c, d := x.lookup(&s, &g, got)
			if c == nil || d != dir {
				rt.Fatalf("direction %d is found as %v, %d", dir, c, d)
			}
			x.b.Restore(c, got, &g, &s, 0, d)
			packet.Parse(got, &h[0])
			ct := packet.CT{Conn: x.ref, Info: [2]packet.CTInfo{packet.CTEstablished, packet.CTEstablishedReply}[dir]}
			x.b.NAT(x.b.now, want, &h[1], &ct, &NATRange{}, false)
			if !bytes.Equal(got, want) || h[0].Tuple != h[1].Tuple {
				rt.Fatalf("direction %d:\n%x\n%x\n%v\n%v", dir, got, want, h[0].Tuple, h[1].Tuple)
			}
			target := [2]packet.Tuple{invert(&r), invert(&o)}[dir]
			var after packet.Headers
			if packet.Parse(got, &after); after.Tuple != target {
				rt.Fatalf("direction %d: %v, want %v", dir, after.Tuple, target)
			}
			if fixed := bytes.Clone(got); h[0].Proto == packet.ProtoTCP {
				if packettest.Fix(fixed); !bytes.Equal(fixed, got) {
					rt.Fatalf("sums are wrong: %x, want %x", got, fixed)
				}
			}
			// Somebody else's packet of the same hash is not the connection's.
			other := h[1].Tuple
			other.Src, other.SPort = packet.Addr{9, 9, 9, 9}, 9
			if met, _ := x.b.Meet(&s, &[SeekSize]packet.Gist{{Tuple: other}}, 0, 1); met != 0 {
				rt.Fatalf("%v is taken for %v", other, c.Orig)
			}
		}
	})
}

// TestRoomForTranslations: a small table that fills with translated
// connections doubles its index once, and nobody is lost.
func TestRoomForTranslations(t *testing.T) {
	b := newBed(t)
	was := len(b.ix.buckets)
	r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.250")
	var there, back []packet.Tuple
	for i := range 3000 {
		f := packettest.UDP(fmt.Sprintf("10.0.%d.%d", i>>8, i&255), sAddr, 1000, 53, "q")
		out := b.translate(f, 0, r)
		var h, g packet.Headers
		packet.Parse(f, &h)
		packet.Parse(out, &g)
		there, back = append(there, h.Tuple), append(back, invert(&g.Tuple))
		b.Tick(b.now, 0)
	}
	b.Tick(b.now, 0)
	if n := len(b.ix.buckets); n != 2*was {
		t.Errorf("%d buckets, were %d", n, was)
	}
	for i := range there {
		one, _ := b.Lookup(&there[i], b.Hash(&there[i]), 0, b.now)
		two, dir := b.Lookup(&back[i], b.Hash(&back[i]), 0, b.now)
		if one == 0 || one != two || dir != 1 {
			t.Fatalf("connection %d is %#x there and %#x back", i, one, two)
		}
	}
	if errs := b.Check(); len(errs) != 0 {
		t.Error(errs)
	}
	l := b.Ledger()
	var conns []Saved
	for s := range b.Saved() {
		conns = append(conns, s)
	}
	again := newBed(t)
	if err := again.Resume(l, conns); err != nil {
		t.Fatal(err)
	}
	if n := len(again.ix.buckets); n != 2*was {
		t.Errorf("resumed with %d buckets", n)
	}
}

func BenchmarkRestore(b *testing.B) {
	for _, c := range []struct {
		name     string
		from, to *NATRange
	}{
		{"one_end", addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), nil},
		{"both_ends", addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), addrRange(DstNAT, "192.0.2.2", "192.0.2.2")},
	} {
		b.Run(c.name, func(b *testing.B) {
			x := newTranslation(b, packettest.TCP(cAddr, sAddr, 1000, 80, "S", 1, 0, ""), c.from, c.to)
			var s Seek
			var g packet.Gist
			conn, dir := x.lookup(&s, &g, x.there)
			work := func() { x.b.Restore(conn, x.there, &g, &s, 0, dir) }
			if n := testing.AllocsPerRun(100, work); n != 0 {
				b.Fatalf("%v allocations a packet", n)
			}
			for b.Loop() {
				work()
			}
		})
	}
}
