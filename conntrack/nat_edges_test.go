package conntrack

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestInRange: a source is in a range from its first address and port to its last
// (nf_nat_core.c nf_in_range, l4proto_in_range).
func TestInRange(t *testing.T) {
	r := NATRange{Min: packet.Addr{10, 0, 0, 5}, Max: packet.Addr{10, 0, 1, 3}, HasPort: true, MinPort: 100, MaxPort: 200}
	for _, tc := range []struct {
		addr  packet.Addr
		port  uint16
		proto uint8
		want  bool
	}{
		{packet.Addr{10, 0, 0, 5}, 100, packet.ProtoUDP, true}, {packet.Addr{10, 0, 1, 3}, 200, packet.ProtoUDP, true},
		{packet.Addr{10, 0, 0, 4}, 100, packet.ProtoUDP, false}, {packet.Addr{10, 0, 1, 4}, 100, packet.ProtoUDP, false},
		{packet.Addr{10, 0, 0, 255}, 150, packet.ProtoUDP, true}, {packet.Addr{10, 0, 0, 5}, 99, packet.ProtoUDP, false},
		{packet.Addr{10, 0, 0, 5}, 201, packet.ProtoUDP, false}, {packet.Addr{10, 0, 0, 5}, 99, 89, true},
		{packet.Addr{10, 0, 0, 5}, 99, packet.ProtoICMP, false}, {packet.Addr{10, 0, 0, 5}, 100, packet.ProtoICMP, true},
	} {
		tu := packet.Tuple{Src: tc.addr, SPort: tc.port, DPort: 100, Proto: tc.proto, Family: packet.IPv4}
		if got := inRange(&tu, &r); got != tc.want {
			t.Errorf("%v: %v", tu, got)
		}
		any := r
		any.HasPort = false
		if got := inRange(&tu, &any); got != (tc.addr != packet.Addr{10, 0, 0, 4} && tc.addr != packet.Addr{10, 0, 1, 4}) {
			t.Errorf("%v: %v without ports", tu, got)
		}
	}
	var ported, clash []int
	for proto := range 256 {
		if hasQuotedPorts(uint8(proto)) {
			ported = append(ported, proto)
		}
		if !allowsClash(uint8(proto)) {
			clash = append(clash, proto)
		}
		// The identifier is on either side.
		tu := packet.Tuple{SPort: 1, DPort: 2, Proto: uint8(proto)}
		icmp := proto == 1 || proto == 58
		if natPort(&tu, SrcNAT) != 1 || natPort(&tu, DstNAT) != map[bool]uint16{true: 1, false: 2}[icmp] {
			t.Errorf("protocol %d: ports %d and %d", proto, natPort(&tu, SrcNAT), natPort(&tu, DstNAT))
		}
		setNATPort(&tu, SrcNAT, 7)
		a := tu
		if setNATPort(&tu, DstNAT, 8); a.SPort != 7 || a.DPort != 2 || (tu.SPort == 8) != icmp || (tu.DPort == 8) == icmp {
			t.Errorf("protocol %d: %v, %v", proto, a, tu)
		}
	}
	if want := []int{1, 6, 17, 33, 47, 58, 132, 136}; !slices.Equal(ported, want) {
		t.Errorf("protocols %d have ports that a quote's translation changes, want %d", ported, want)
	}
	if want := []int{1, 6, 33, 58, 132}; !slices.Equal(clash, want) {
		t.Errorf("protocols %d clash, want %d", clash, want)
	}
}

// TestQuotedPorts: an error that quotes less than eight bytes of a header with
// ports is known, and cannot be translated (nf_nat_proto.c l4proto_manip_pkt).
func TestQuotedPorts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		query  []byte
		quoted int
		want   Result
	}{
		{"TCP", packettest.TCP(cAddr, sAddr, 1000, 80, "S", 1, 0, ""), 27, DropNATError},
		{"TCP", packettest.TCP(cAddr, sAddr, 1000, 80, "S", 1, 0, ""), 28, Accept},
		{"UDP", packettest.UDP(cAddr, sAddr, 1000, 53, "question"), 27, DropNATError},
		{"UDP", packettest.UDP(cAddr, sAddr, 1000, 53, "question"), 28, Accept},
		{"none", packettest.IP(cAddr, sAddr, 89, []byte("12345678")), 20, Accept},
	} {
		b := newBed(t)
		f := b.translate(tc.query, 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"))
		e := packettest.ICMP("10.9.9.9", "192.0.2.1", 3, 1, 0, f[14:14+tc.quoted])
		var h packet.Headers
		var ct packet.CT
		packet.Parse(e, &h)
		h.Hash = b.Hash(&h.Tuple)
		if r := b.In(b.now, e, &h, 0, &ct); r != Accept || ct.Info != packet.CTRelated && ct.Info != packet.CTRelatedReply {
			t.Errorf("%s, %d bytes quoted: %v, %v", tc.name, tc.quoted, r, ct.Info)
			continue
		}
		if _, got := b.NAT(b.now, e, &h, &ct, &NATRange{}, false); got != tc.want {
			t.Errorf("%s, %d bytes quoted: %v, want %v", tc.name, tc.quoted, got, tc.want)
		}
	}
}

// TestKeepAddr: a range of ports without addresses moves the port alone, on its
// own side; a range of the other family is refused; a stale reference has nothing.
func TestKeepAddr(t *testing.T) {
	f := packettest.UDP(cAddr, sAddr, 1000, 53, "q")
	ends := func(b *bed, r *NATRange) string {
		out := b.translate(f, 0, r)
		if out == nil {
			return "dropped"
		}
		var h packet.Headers
		packet.Parse(out, &h)
		return fmt.Sprint(h.Tuple)
	}
	for _, tc := range []struct {
		r    NATRange
		want string
	}{
		{NATRange{Manip: SrcNAT, KeepAddr: true, MinPort: 6000, MaxPort: 6000}, "proto 17 10.0.0.1:6000 > 10.0.0.2:53"},
		{NATRange{Manip: SrcNAT, KeepAddr: true, MinPort: 1000, MaxPort: 6000}, "proto 17 10.0.0.1:1000 > 10.0.0.2:53"},
		{NATRange{Manip: SrcNAT, MinPort: 6000, MaxPort: 6000}, "proto 17 10.0.0.1:1000 > 10.0.0.2:53"},
		{NATRange{Manip: DstNAT, KeepAddr: true, MinPort: 6000, MaxPort: 6000}, "proto 17 10.0.0.1:1000 > 10.0.0.2:6000"},
		{NATRange{Manip: SrcNAT, HasAddr: true, Family: packet.IPv6}, "dropped"},
	} {
		if got := ends(newBed(t), &tc.r); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.r, got, tc.want)
		}
	}
	for _, random := range []string{"random", "by hash"} {
		moved := 0
		for n := range uint16(8) {
			b := newBed(t)
			r := NATRange{Manip: SrcNAT, KeepAddr: true, MinPort: 900 + n, MaxPort: 1100, Random: random == "random", Hash: random == "by hash"}
			if ends(b, &r) != "proto 17 10.0.0.1:1000 > 10.0.0.2:53" {
				moved++
			}
		}
		if moved < 6 {
			t.Errorf("%s: its own port %d times", random, 8-moved)
		}
	}
	b := newBed(t)
	if got := b.Reply(1<<32 | 1); got != (packet.Tuple{}) {
		t.Errorf("%v answers nothing", got)
	}
	var h packet.Headers
	packet.Parse(f, &h)
	if m, res := b.NAT(b.now, f, &h, &packet.CT{Conn: 5}, &NATRange{Manip: SrcNAT, HasAddr: true}, true); m != 0 || res != Accept {
		t.Errorf("%v, %v", m, res)
	}
	ct := b.fresh(f)
	if m, res := b.NAT(b.now, f, &h, &ct, &NATRange{}, true); m != 0 || res != Accept || b.Conn(ct.Conn).Status != 0 {
		t.Errorf("nothing asked for: %v, %v, status %#x", m, res, b.Conn(ct.Conn).Status)
	}
}

// TestExpiredSource: a client keeps its translation as long as one of its
// connections lives, to the nanosecond (nf_nat_core.c find_appropriate_src).
func TestExpiredSource(t *testing.T) {
	wide := addrRange(SrcNAT, "192.0.2.1", "192.0.2.200")
	for late, kept := range map[int64]bool{-1: true, 0: false} {
		b := newBed(t)
		b.translate(packettest.UDP(cAddr, "10.0.1.1", 9, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.77", "192.0.2.77"))
		b.now = b.only().Timeout + late - 1e6
		f := b.translate(packettest.UDP(cAddr, "10.0.1.2", 9, 53, "q"), 0, wide)
		if f == nil || (f[29] == 77) != kept {
			t.Errorf("%d ns after the deadline: leaves from %d", late, f[26:30])
		}
	}
	// Another port, zone, protocol or client has a choice of its own.
	for name, other := range map[string][]byte{
		"port":     packettest.UDP(cAddr, "10.0.1.2", 10, 53, "q"),
		"client":   packettest.UDP("10.0.0.9", "10.0.1.2", 9, 53, "q"),
		"protocol": packettest.TCP(cAddr, "10.0.1.2", 9, 53, "S", 1, 0, ""),
		"zone":     packettest.UDP(cAddr, "10.0.1.2", 9, 53, "q"),
	} {
		b := newBed(t)
		b.translate(packettest.UDP(cAddr, "10.0.1.1", 9, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.77", "192.0.2.77"))
		zone := uint16(0)
		if name == "zone" {
			zone = 1
		}
		if f := b.translate(other, zone, wide); f == nil || f[29] == 77 {
			t.Errorf("another %s: leaves from %d", name, f[26:30])
		}
	}
}

// TestNoMoreMaps: where there are as many maps of ports as there may be, ports
// are tried one after the other, to the last.
func TestNoMoreMaps(t *testing.T) {
	b := newBed(t)
	for i := range maxMaps {
		k := portKey{uint64(i)}
		b.ports.add(hashPortKey(&b.key, &k), &k)
	}
	r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
	r.HasPort, r.MinPort, r.MaxPort = true, 5000, 5099
	seen := map[uint16]bool{}
	for n := range 101 {
		f := b.translate(packettest.UDP(fmt.Sprintf("10.0.0.%d", n), sAddr, 1000, 53, "q"), 0, r)
		if (f != nil) != (n < 100) {
			t.Fatalf("connection %d: %v", n, f != nil)
		}
		if f != nil {
			var h packet.Headers
			packet.Parse(f, &h)
			seen[h.Tuple.SPort] = true
		}
	}
	if len(seen) != 100 || seen[5100] || seen[4999] || len(b.ports.maps) != maxMaps {
		t.Errorf("%d ports, %d maps", len(seen), len(b.ports.maps))
	}
}

// TestMapNext: the first free port of a stretch of a map, by a loop.
func TestMapNext(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &portMap{}
		for i := range m.bits[:4] {
			m.bits[i] = ^uint64(0)
		}
		for range rapid.IntRange(0, 3).Draw(rt, "free") {
			p := rapid.SampledFrom([]int{0, 1, 62, 63, 64, 65, 127, 128, 191, 192, 255}).Draw(rt, "port")
			m.bits[p/64] &^= 1 << (p % 64)
		}
		lo, hi := rapid.Uint32Range(0, 255).Draw(rt, "lo"), rapid.Uint32Range(0, 256).Draw(rt, "hi")
		want, ok := uint32(0), false
		for p := lo; p < hi && !ok; p++ {
			if m.bits[p/64]>>(p%64)&1 == 0 {
				want, ok = p, true
			}
		}
		if got, found := m.next(lo, hi); found != ok || ok && got != want {
			rt.Fatalf("%d, %v; want %d, %v", got, found, want, ok)
		}
	})
}

// TestKeysOfBothDirections: a tuple and its inverse are two sides of one claim,
// and no other tuple's.
func TestKeysOfBothDirections(t *testing.T) {
	cl := &claims{key: keyOfSeed([2]uint64{1, 2})}
	rapid.Check(t, func(rt *rapid.T) {
		tu := drawTuple(rt, "tuple")
		if !invertible(&tu) {
			return
		}
		inv := invert(&tu)
		a, b := cl.keyOf(&tu, 3), cl.keyOf(&inv, 3)
		if less(&tu, &tu) || less(&tu, &inv) && less(&inv, &tu) || tu != inv && !less(&tu, &inv) && !less(&inv, &tu) {
			rt.Fatalf("%v and %v are not in an order", tu, inv)
		}
		if a.a != b.a || a.b != b.b || a.a&1 == 0 || a.b&0xffff != 0 || (a.side == b.side) != (tu == inv) {
			rt.Fatalf("%+v and %+v", a, b)
		}
		for i, other := range []func(tu *packet.Tuple, zone *uint16){
			func(tu *packet.Tuple, _ *uint16) { tu.Src[rapid.IntRange(0, 15).Draw(rt, "byte")] ^= 4 }, func(tu *packet.Tuple, _ *uint16) { tu.Dst[rapid.IntRange(0, 15).Draw(rt, "byte")] ^= 4 },
			func(tu *packet.Tuple, _ *uint16) { tu.SPort ^= 4 }, func(tu *packet.Tuple, _ *uint16) { tu.Proto = 99 },
			func(tu *packet.Tuple, _ *uint16) { tu.Family ^= packet.IPv4 ^ packet.IPv6 }, func(_ *packet.Tuple, zone *uint16) { *zone = 4 },
		} {
			o, zone := tu, uint16(3)
			if other(&o, &zone); o == inv && zone == 3 {
				continue
			}
			if k := cl.keyOf(&o, zone); k.a == a.a || k.b == a.b {
				rt.Fatalf("%v is claimed as %v, %d", o, tu, i)
			}
		}
	})
}

// TestPickedAddresses pins what clients are translated to: they keep it from one
// release to the next. The recorded cases hold some of these to the kernel's.
func TestPickedAddresses(t *testing.T) {
	pick := func(family uint8, min, max, src, dst string, zone uint16, persistent bool) string {
		r := addrRange(SrcNAT, min, max)
		r.Persistent = persistent
		s, d := addrRange(SrcNAT, src, src), addrRange(SrcNAT, dst, dst)
		tu := packet.Tuple{Src: s.Min, Dst: d.Min, Family: family}
		(&Tracker{}).pickAddr(&tu, zone, r, SrcNAT)
		return tu.Src.Netip(family).String()
	}
	var got []string
	for _, persistent := range []bool{false, true} {
		for _, zone := range []uint16{0, 5} {
			got = append(got, pick(packet.IPv4, "192.0.2.1", "192.0.3.254", "10.0.0.1", "10.1.2.3", zone, persistent),
				pick(packet.IPv6, "2001:db8::1", "2001:db8:0:3::fffe", "fd00::1", "fd00:1:2::3", zone, persistent))
		}
	}
	want := []string{
		"192.0.2.40", "2001:db8:0:1:6eba:ce5f:6eba:ce5f", "192.0.2.48", "2001:db8:0:1:5b85:6b0b:5b85:6b0b",
		"192.0.2.138", "2001:db8:0:3::d894", "192.0.2.138", "2001:db8:0:3::d894",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestProlong: a packet that prolongs a flow is counted; of one that is over it is
// not.
func TestProlong(t *testing.T) {
	c := &Conn{FlowDeadline: 100}
	if c.Prolong(1, 60, 100, 200) || c.FlowDeadline != 100 || c.Packets() != [2]uint64{} {
		t.Error("a flow that is over is prolonged")
	}
	if !c.Prolong(1, 60, 99, 200) || c.FlowDeadline != 200 || c.Packets() != [2]uint64{0, 1} || c.Bytes() != [2]uint64{0, 60} {
		t.Errorf("%+v", c)
	}
	c.Add(0, 3, 4)
	if s := c.Settled(); s.late != (lateCount{}) || s.Packets() != [2]uint64{3, 1} || s.Bytes() != [2]uint64{4, 60} {
		t.Errorf("%+v", s)
	}
	if c.ZeroCounters(); c.Packets() != [2]uint64{} || c.Bytes() != [2]uint64{} {
		t.Errorf("%+v", c)
	}
}

// TestZoneRecords: zones' rules and policies are kept once each, and zones are
// listed that have anything to say.
func TestZoneRecords(t *testing.T) {
	b := newBed(t)
	rules := func() string { return fmt.Sprint(b.lim.rules, b.lim.uses) }
	limit := func(n uint32) Zone { return Zone{Source: SourceLimit{States: n}} }
	for _, step := range []struct {
		zone uint16
		set  Zone
		want string
	}{
		{1, limit(1), "[{1 0 0}] [1]"}, {2, limit(1), "[{1 0 0}] [2]"}, {1, limit(2), "[{1 0 0} {2 0 0}] [1 1]"},
		{2, limit(2), "[{1 0 0} {2 0 0}] [0 2]"}, {3, limit(3), "[{3 0 0} {2 0 0}] [1 2]"}, {1, Zone{}, "[{3 0 0} {2 0 0}] [1 1]"},
		{1, limit(2), "[{3 0 0} {2 0 0}] [1 2]"}, {1, limit(2), "[{3 0 0} {2 0 0}] [1 2]"},
	} {
		if b.SetZone(step.zone, step.set); rules() != step.want {
			t.Errorf("zone %d, %+v: %s, want %s", step.zone, step.set, rules(), step.want)
		}
	}
	c := &Conn{Zone: 9}
	for _, seconds := range []int64{7, 8} {
		to := DefaultSettings().Timeouts
		to.GenericTimeout = seconds
		b.SetZone(9, Zone{Timeouts: &to})
		if got := b.Timeouts(c).GenericTimeout; got != seconds || len(b.lim.policies) != 1 {
			t.Errorf("%d s, want %d; %d policies", got, seconds, len(b.lim.policies))
		}
	}
	if b.SetZone(9, Zone{}); b.Timeouts(c) != &b.set.Timeouts {
		t.Error("a policy that was taken back")
	}
	b.Settings().ZoneLimit = 4
	for _, zone := range []uint16{0, 255, 256, 65535} {
		b.inZone(packettest.UDP(cAddr, sAddr, 1, 53, "q"), zone, true)
	}
	b.SetZone(300, Zone{HasLimit: true})
	b.lim.makeZone(301).refused = 2
	b.lim.makeZone(302)
	var got []ZoneStats
	for z := range b.ZonesInUse() {
		got = append(got, z)
	}
	want := []ZoneStats{{0, 1, 4, 0}, {255, 1, 4, 0}, {256, 1, 4, 0}, {300, 0, 0, 0}, {301, 0, 4, 2}, {65535, 1, 4, 0}}
	if !slices.Equal(got, want) || b.ZoneStats(9999) != (ZoneStats{Zone: 9999, Limit: 4}) || b.ZoneStats(256) != want[2] {
		t.Errorf("%+v, %+v", got, b.ZoneStats(9999))
	}
	for range b.ZonesInUse() {
		break
	}
	// A limit that comes later counts those that are there.
	var h packet.Headers
	packet.Parse(packettest.UDP(cAddr, sAddr, 1, 53, "q"), &h)
	b.fresh(packettest.UDP(cAddr, sAddr, 3, 53, "q"))
	b.SetZone(0, limit(5))
	if n := b.SourceConns(0, h.Tuple.Src, packet.IPv4); n != 1 || b.SourceConns(255, h.Tuple.Src, packet.IPv4) != 0 || b.SourceConns(0, h.Tuple.Dst, packet.IPv4) != 0 {
		t.Errorf("%d connections of the source", n)
	}
	b.lim.src.at(1).conns = 2
	if got := fmt.Sprint(b.Check()); got != "[source 10.0.0.1 has 1 connections in zone 0 and counts 2]" {
		t.Error(got)
	}
}
