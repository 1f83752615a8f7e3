package conntrack

import (
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

func TestUDPLite(t *testing.T) {
	lite := func(src, dst string, sp, dp, cover uint16, data string) []byte {
		b := binary.BigEndian.AppendUint16(nil, sp)
		b = binary.BigEndian.AppendUint16(b, dp)
		b = binary.BigEndian.AppendUint16(b, cover)
		return packettest.IP(src, dst, packet.ProtoUDPLite, append(append(b, 0, 0), data...))
	}
	q, a := lite(cAddr, sAddr, 1, 2, 0, "data"), lite(sAddr, cAddr, 2, 1, 0, "data")
	t.Run("a_stream_from_the_first_reply_on", func(t *testing.T) {
		b := newBed(t, "nf_conntrack_checksum=0")
		for i, f := range [][]byte{q, q, a, q} {
			if got, want := b.in(f), []string{"new", "new", "est+rpl", "est"}[i]; got != want || b.left() != []int64{30, 30, 30, 120}[i] {
				t.Errorf("packet %d: %s, %d s left", i+1, got, b.left())
			}
		}
		if b.only().Status&StatusAssured == 0 {
			t.Error("not assured")
		}
	})
	t.Run("Linux_takes_right_checksums_for_wrong", func(t *testing.T) {
		if got := newBed(t).in(q); got != "inv" {
			t.Error(got)
		}
		as := append([]byte(nil), q...) // with UDP's number in the pseudo header
		packet.Patch(as[40:], packet.Diff16(uint16(packet.ProtoUDPLite), uint16(packet.ProtoUDP)))
		if got := newBed(t).in(as); got != "new" {
			t.Errorf("summed as UDP: %s", got)
		}
	})
	t.Run("coverage", func(t *testing.T) {
		for cover, want := range map[uint16]string{0: "new", 8: "new", 12: "new", 1: "inv", 7: "inv", 13: "inv"} {
			if got := newBed(t, "nf_conntrack_checksum=0").in(lite(cAddr, sAddr, 1, 2, cover, "data")); got != want {
				t.Errorf("coverage %d: %s, want %s", cover, got, want)
			}
		}
	})
}

func TestGRE(t *testing.T) {
	const plain, keyed, pptp = "\x00\x00\x08\x00inner", "\x20\x00\x08\x00\x00\x00\x00\x09inner", "\x20\x01\x88\x0b\x00\x04\x12\x34data"
	there := func(s string) []byte { return packettest.IP(cAddr, sAddr, packet.ProtoGRE, []byte(s)) }
	back := func(s string) []byte { return packettest.IP(sAddr, cAddr, packet.ProtoGRE, []byte(s)) }
	t.Run("keys_make_no_difference", func(t *testing.T) {
		b := newBed(t)
		for i, f := range [][]byte{there(plain), there(keyed), back(keyed), there(plain)} {
			if got, want := b.in(f), []string{"new", "new", "est+rpl", "est"}[i]; got != want || b.left() != []int64{30, 30, 30, 180}[i] {
				t.Errorf("packet %d: %s, %d s left", i+1, got, b.left())
			}
		}
	})
	t.Run("PPTP_calls_are_one_way", func(t *testing.T) {
		b := newBed(t)
		if got := b.in(there(pptp)); got != "new" || b.only().Orig.SPort != 0 || b.only().Orig.DPort != 0x1234 {
			t.Errorf("%s, %v", got, b.only().Orig)
		}
		if got := b.in(back(pptp)); got != "new" || b.Len() != 2 {
			t.Errorf("%s, %d connections", got, b.Len())
		}
		if got := newBed(t).in(there("\x20\x01\x08\x00\x00\x04\x12\x34data")); got != "inv" {
			t.Errorf("not PPP: %s", got)
		}
		if got := newBed(t).in(there(pptp[:6])); got != "new" {
			t.Errorf("cut before the call id: %s", got)
		}
	})
	t.Run("keeps_the_timeouts_it_began_with", func(t *testing.T) {
		b := newBed(t)
		b.in(there(plain))
		if err := b.Settings().Set("nf_conntrack_gre_timeout", "99"); err != nil {
			t.Fatal(err)
		}
		b.in(there(plain))
		if b.left() != 30 {
			t.Errorf("%d s left", b.left())
		}
	})
}

// TestICMPOfTheOtherFamily: ICMPv6 over IPv4, and ICMP over IPv6, are invalid.
func TestICMPOfTheOtherFamily(t *testing.T) {
	b := newBed(t, "nf_conntrack_checksum=0")
	if got := b.in(packettest.IP(cAddr, sAddr, packet.ProtoICMPv6, []byte{128, 0, 0, 0, 0, 1, 0, 1})); got != "inv" {
		t.Error(got)
	}
	if got := b.in(packettest.IP("fd00::1", "fd00::2", packet.ProtoICMP, []byte{8, 0, 0, 0, 0, 1, 0, 1})); got != "inv" {
		t.Error(got)
	}
}

// established packets of the protocols that the flow table never takes, or
// takes late.
func otherProtocols(b *bed) map[string][]byte {
	b.dccpRun(dccpUp)
	return map[string][]byte{
		"dccp":    dccp(0, dccpDataAck, 102, 201, "data"),
		"gre":     packettest.IP(cAddr, sAddr, packet.ProtoGRE, []byte("\x20\x01\x88\x0b\x00\x04\x12\x34data")),
		"udplite": packettest.IP(cAddr, sAddr, packet.ProtoUDPLite, []byte("\x00\x01\x00\x02\x00\x00\x00\x01data")),
	}
}

func TestOtherProtocolsAllocateNothing(t *testing.T) {
	b := newBed(t, "nf_conntrack_checksum=0")
	for name, f := range otherProtocols(b) {
		if got := b.in(f); got == "inv" {
			t.Fatalf("%s: %s", name, got)
		}
		var h packet.Headers
		packet.Parse(f, &h)
		h.Hash = b.Hash(&h.Tuple)
		if n := testing.AllocsPerRun(100, func() {
			var ct packet.CT
			b.now += 1e6
			b.In(b.now, f, &h, 0, &ct)
		}); n != 0 {
			t.Errorf("%s: %v allocations a packet", name, n)
		}
	}
}

func BenchmarkOtherProtocols(b *testing.B) {
	bed := newBed(b)
	frames := otherProtocols(bed)
	for _, name := range []string{"dccp", "gre"} {
		b.Run(name, func(b *testing.B) {
			f := frames[name]
			bed.in(f)
			var h packet.Headers
			packet.Parse(f, &h)
			h.Hash = bed.Hash(&h.Tuple)
			var ct packet.CT
			for b.Loop() {
				bed.In(bed.now, f, &h, 0, &ct)
			}
		})
	}
}
