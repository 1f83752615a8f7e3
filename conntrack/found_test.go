package conntrack

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

// TestFoundIsWhatFindFinds: what a group's lookup has met is, as long as its
// owner may use it, what Find would find, whatever happens between.
func TestFoundIsWhatFindFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := New(Config{MaxConns: 64})
		tu := packet.Tuple{Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 2}, SPort: 1000, DPort: 80, Proto: packet.ProtoTCP, Family: packet.IPv4}
		begin := func(deadline int64) packet.CT {
			slot, c := tr.slab.get()
			c.Orig, c.Timeout = tu, deadline
			return packet.CT{Conn: tr.slab.ref(slot, c), Info: packet.CTNew}
		}
		ct := begin(10)
		tr.Confirm(0, &ct) // lives until 10
		var s Seek
		g := [SeekSize]packet.Gist{{Tuple: tu}}
		tr.Aim(&s, &g, 0, 1, 1)
		tr.Fetch(&s, 0, 1, 1)
		switch rapid.SampledFrom([]string{"nothing", "ends", "ends, and another begins in its slot", "ends, and another takes its place"}).Draw(rt, "happens") {
		case "ends":
			tr.Kill(ct.Conn)
		case "ends, and another begins in its slot":
			tr.Kill(ct.Conn)
			begin(10)
		case "ends, and another takes its place":
			tr.Kill(ct.Conn)
			ct = begin(20)
			tr.Confirm(0, &ct)
		}
		met, reply := tr.Meet(&s, &g, 0, 1)
		tr.FetchRest(&s, met)
		var f Found
		if met != 0 {
			f = tr.MetFound(&s, 0, int(reply))
		}
		if rapid.Bool().Draw(rt, "ends meanwhile") && f.Known {
			tr.Kill(f.Ref)
		}
		now := rapid.SampledFrom([]int64{1, 15, 25}).Draw(rt, "now")
		ref, c, dir := tr.find(&tu, tr.Hash(&tu), 0)
		if c != nil && c.Timeout <= now {
			ref, c, dir = 0, nil, 0
		}
		if lives := f.Known && tr.Lives(&f, now); lives != (c != nil) && f.Known || lives && (f.Ref != ref || f.Conn != c || f.Dir != dir) {
			rt.Fatalf("found %+v, lives %v; Find: %#x %p %d", f, lives, ref, c, dir)
		}
		if errs := tr.Check(); errs != nil {
			rt.Fatal(errs)
		}
	})
}

// collider draws tuples that are easily taken for one another: few addresses,
// the same in both families and at both ends, few ports, every protocol.
func collider(rt *rapid.T, name string) packet.Tuple {
	pick := func(of ...byte) byte { return rapid.SampledFrom(of).Draw(rt, name) }
	tu := packet.Tuple{
		Src: packet.Addr{10, 0, 0, pick(1, 2)}, Dst: packet.Addr{10, 0, 0, pick(1, 2)}, SPort: uint16(pick(8, 0)) << 8, DPort: uint16(pick(8, 0)) << 8,
		Proto:  pick(packet.ProtoTCP, packet.ProtoUDP, packet.ProtoTCP, packet.ProtoUDP, packet.ProtoICMP, packet.ProtoSCTP, packet.ProtoUDPLite, packet.ProtoDCCP, packet.ProtoGRE),
		Family: pick(packet.IPv4, packet.IPv4, packet.IPv6),
	}
	if tu.Proto == packet.ProtoICMP && tu.Family == packet.IPv6 {
		tu.Proto, tu.DPort = packet.ProtoICMPv6, 128<<8
	}
	return tu
}

// TestMeetOutlivesWhatABatchDoes: connections of tuples that resemble one another
// end, begin and are translated while a group of lookups is under way. What a
// lookup has met, asked anew whenever Moves says so, is what Find would find.
func TestMeetOutlivesWhatABatchDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := New(Config{MaxConns: 64})
		begin := func() {
			tu := collider(rt, "connection")
			zone := uint16(rapid.IntRange(0, 1).Draw(rt, "its zone"))
			if !invertible(&tu) {
				return
			}
			slot, c := tr.slab.get()
			c.Orig, c.Zone, c.Timeout = tu, zone, 10
			ct := packet.CT{Conn: tr.slab.ref(slot, c), Info: packet.CTNew}
			if nat := rapid.SampledFrom([]uint16{0, 0, 0, StatusSrcNAT, StatusDstNAT, natMask}).Draw(rt, "translated"); nat != 0 {
				r, to := invert(&tu), collider(rt, "to")
				if nat&StatusSrcNAT != 0 {
					r.Dst, r.DPort = to.Dst, to.DPort
				}
				if nat&StatusDstNAT != 0 {
					r.Src, r.SPort = to.Src, to.SPort
				}
				if tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
					r.DPort = invert(&tu).DPort
				}
				c.Status |= nat
				tr.slab.setReply(slot, c, &r)
			}
			if rapid.IntRange(0, 3).Draw(rt, "committed") == 0 || tr.Confirm(0, &ct) != Accept {
				tr.Discard(&ct)
			}
		}
		end := func() {
			var all []packet.ConnRef
			for ref := range tr.Known() {
				all = append(all, ref)
			}
			if len(all) > 0 {
				tr.Kill(rapid.SampledFrom(all).Draw(rt, "ends"))
			}
		}
		for range rapid.IntRange(1, 6).Draw(rt, "before") {
			begin()
		}
		var s Seek
		var g [SeekSize]packet.Gist
		var zones [SeekSize]uint16
		for i := range g {
			g[i].Tuple, zones[i] = collider(rt, "packet"), uint16(rapid.IntRange(0, 1).Draw(rt, "zone"))
			s.Zone(i, zones[i])
		}
		tr.Aim(&s, &g, 0, SeekSize, 0)
		tr.Fetch(&s, 0, SeekSize, 0)
		met, reply := tr.Meet(&s, &g, 0, SeekSize)
		moves := tr.Moves()
		for range rapid.IntRange(1, 12).Draw(rt, "meanwhile") {
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				end()
			case 1:
				begin()
			case 2: // one packet does both, as a SYN that opens a connection anew
				end()
				begin()
			}
			if moves != tr.Moves() {
				met, reply = tr.Meet(&s, &g, 0, SeekSize)
				moves = tr.Moves()
			}
			for i := range g {
				tu := &g[i].Tuple
				if met>>i&1 == 0 || tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
					continue
				}
				f := tr.MetFound(&s, i, int(reply>>i&1))
				ref, c, dir := tr.find(tu, tr.Hash(tu), zones[i])
				if !f.Known || f.Ref != ref || f.Conn != c || f.Dir != dir || s.Met(i) != c {
					rt.Fatalf("%v in zone %d meets %+v, Find: %#x %p %d", tu, zones[i], f, ref, c, dir)
				}
			}
		}
		if errs := tr.Check(); errs != nil {
			rt.Fatal(errs)
		}
	})
}

// TestFreshHasNoRival: a connection that nobody could have come before is
// committed without a search, and one that somebody has come before is
// refused.
func TestFreshHasNoRival(t *testing.T) {
	b := newBed(t)
	var first, second packet.CT
	for _, ct := range []*packet.CT{&first, &second} {
		var h packet.Headers
		frame := c("S", 1, 0)
		packet.Parse(frame, &h)
		h.Hash = b.Hash(&h.Tuple)
		if r := b.In(1, frame, &h, 0, ct); r != Accept || ct.Info != packet.CTNew {
			t.Fatal(r, ct)
		}
	}
	if r := b.Confirm(1, &first); r != Accept {
		t.Error("the first:", r)
	}
	if r := b.Confirm(1, &second); r != DropClash {
		t.Error("the second:", r)
	}
	b.Discard(&second)
	if errs := b.Check(); errs != nil {
		t.Error(errs)
	}
}
