package conntrack

import (
	"bytes"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestTooLate: a connection that is known already gets no translation
// (nf_nat_core.c nf_nat_setup_info).
func TestTooLate(t *testing.T) {
	b := newBed(t)
	f := packettest.UDP(cAddr, sAddr, 1000, 53, "q")
	b.in(bytes.Clone(f))
	if got := b.translate(f, 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")); !bytes.Equal(got, f) {
		t.Errorf("left as % x", got)
	}
	if errs := b.Check(); len(errs) != 0 {
		t.Error(errs)
	}
}

// TestOwnPortIsTheRange: a range of one port that the client has already is
// taken without a look; that another has it, too, is Confirm's to find out
// (nf_nat_core.c get_unique_tuple).
func TestOwnPortIsTheRange(t *testing.T) {
	b := newBed(t)
	r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
	r.HasPort, r.MinPort, r.MaxPort = true, 5000, 5000
	if b.translate(packettest.UDP("10.0.0.1", sAddr, 5000, 53, "q"), 0, r) == nil {
		t.Error("the first was dropped")
	}
	if b.translate(packettest.UDP("10.0.0.2", sAddr, 5000, 53, "q"), 0, r) != nil {
		t.Error("the second was let through")
	}
	if n := b.Stats().NATExhausted; n != 0 {
		t.Errorf("%d were found to have no port", n)
	}
	if b.translate(packettest.UDP("10.0.0.3", sAddr, 5001, 53, "q"), 0, r) != nil || b.Stats().NATExhausted != 1 {
		t.Errorf("one with another port: %+v", b.Stats())
	}
}

// TestPortRange: without a range of its own, a source port stays in its class
// (nf_nat_core.c nf_nat_l4proto_unique_tuple).
func TestPortRange(t *testing.T) {
	for _, c := range []struct {
		proto    uint8
		port     uint16
		manip    Manip
		r        NATRange
		lo, last uint32
		ok       bool
	}{
		{packet.ProtoTCP, 1, SrcNAT, NATRange{}, 1, 511, true},
		{packet.ProtoUDP, 511, SrcNAT, NATRange{}, 1, 511, true},
		{packet.ProtoUDP, 512, SrcNAT, NATRange{}, 600, 1023, true},
		{packet.ProtoSCTP, 1023, SrcNAT, NATRange{}, 600, 1023, true},
		{packet.ProtoDCCP, 1024, SrcNAT, NATRange{}, 1024, 65535, true},
		{packet.ProtoTCP, 1, SrcNAT, NATRange{HasPort: true, MinPort: 0, MaxPort: 65535}, 0, 65535, true},
		{packet.ProtoTCP, 1, DstNAT, NATRange{HasPort: true, MinPort: 7, MaxPort: 7}, 7, 7, true},
		{packet.ProtoTCP, 1, DstNAT, NATRange{}, 0, 0, false},
		{packet.ProtoICMP, 9, SrcNAT, NATRange{}, 0, 65535, true},
		{packet.ProtoICMPv6, 9, SrcNAT, NATRange{HasPort: true, MinPort: 7, MaxPort: 8}, 7, 8, true},
		{packet.ProtoGRE, 9, SrcNAT, NATRange{}, 0, 0, false},
		{89, 0, SrcNAT, NATRange{HasPort: true, MinPort: 7, MaxPort: 8}, 0, 0, false},
	} {
		lo, size, ok := portRange(&packet.Tuple{Proto: c.proto, SPort: c.port, DPort: 80}, &c.r, c.manip)
		if ok != c.ok || ok && (lo != c.lo || lo+size-1 != c.last) {
			t.Errorf("%+v: %d and %d more, %v", c, lo, size, ok)
		}
	}
}

// TestPickAddr: a client's address goes by the server and the zone, unless it
// is persistent.
func TestPickAddr(t *testing.T) {
	for _, family := range []uint8{packet.IPv4, packet.IPv6} {
		r := NATRange{Min: packet.Addr{192, 0, 2, 0}, Max: packet.Addr{192, 0, 2, 255}}
		if family == packet.IPv6 {
			r = NATRange{Min: packet.Addr{0: 0xfd}, Max: packet.Addr{0: 0xfd, 15: 255}}
		}
		pick := func(r NATRange, server byte, zone uint16) packet.Addr {
			tu := packet.Tuple{Family: family, Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 1, server}}
			(&Tracker{}).pickAddr(&tu, zone, &r, SrcNAT)
			if string(tu.Src[:]) < string(r.Min[:]) || string(tu.Src[:]) > string(r.Max[:]) {
				t.Fatalf("%v is not in the range", tu.Src)
			}
			return tu.Src
		}
		seen, zones, fixed := map[packet.Addr]bool{}, map[packet.Addr]bool{}, map[packet.Addr]bool{}
		last := r
		last.Persistent = true
		for i := range 20 {
			seen[pick(r, byte(i), 0)] = true
			zones[pick(r, 1, uint16(i))] = true
			fixed[pick(last, byte(i), uint16(i))] = true
		}
		if len(seen) < 15 || len(zones) < 15 || len(fixed) != 1 {
			t.Errorf("family %d: %d addresses by server, %d by zone, %d persistent", family, len(seen), len(zones), len(fixed))
		}
	}
}
