package conntrack

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// crowd has connections that differ in one thing each from the first.
func crowd(t testing.TB) *bed {
	b := newBed(t)
	b.told(packettest.UDP("10.0.0.1", "10.9.0.1", 1000, 53, ""), 0) // 1
	b.told(packettest.UDP("10.0.0.2", "10.9.0.1", 1000, 53, ""), 0) // 2: source
	b.told(packettest.UDP("10.0.0.1", "10.9.0.2", 1000, 53, ""), 0) // 3: destination
	b.told(packettest.UDP("10.0.0.1", "10.9.0.1", 1001, 53, ""), 0) // 4: source port
	b.told(packettest.UDP("10.0.0.1", "10.9.0.1", 1000, 54, ""), 0) // 5: destination port
	b.told(packettest.UDP("10.0.0.1", "10.9.0.1", 1000, 53, ""), 7) // 6: zone
	b.told(between("10.0.0.1", "10.9.0.1", 1000, 53, "S", 1, 0, nil), 0)
	b.told(packettest.ICMP("10.0.0.1", "10.9.0.1", 8, 0, 1000<<16|1, nil), 0)
	b.told(packettest.UDP("fd00::1", "fd00::2", 1000, 53, ""), 0)
	b.told(packettest.UDP("10.9.0.1", "10.0.0.1", 53, 1000, ""), 0) // a reply to 1
	n := uint32(0)
	for _, c := range b.All(b.now) {
		n++
		c.Mark, c.Label[15] = n<<8|0x5, byte(n)
	}
	return b
}

// TestMatch: connections are selected by any part of what they are, and the
// zone always takes part.
func TestMatch(t *testing.T) {
	prefix := func(s string) AddrMatch { return Within(netip.MustParsePrefix(s)) }
	var label, labelMask [16]byte
	label[15], labelMask[15] = 2, 2
	cases := []struct {
		name string
		m    Match
		want []uint32
	}{
		{"C32_the_zero_match_is_zone_0", Match{}, []uint32{1, 2, 3, 4, 5, 7, 8, 9}},
		{"C32_a_zone", Match{Zone: 7}, []uint32{6}},
		{"C32_a_zone_without_connections", Match{Zone: 8}, nil},
		{"C32_all_zones_when_asked_for", Match{AnyZone: true, Orig: TupleMatch{SPort: Exactly(1000), DPort: Exactly(53)}, Proto: Exactly(17)}, []uint32{1, 2, 3, 6, 9}},
		{"C32_the_same_tuple_in_one_zone", Match{Orig: TupleMatch{Src: prefix("10.0.0.1/32"), Dst: prefix("10.9.0.1/32"), SPort: Exactly(1000), DPort: Exactly(53)}, Proto: Exactly(17)}, []uint32{1}},
		{"B050_source", Match{Orig: TupleMatch{Src: prefix("10.0.0.2/32")}}, []uint32{2}},
		{"B050_prefix", Match{Orig: TupleMatch{Src: prefix("10.0.0.0/30")}}, []uint32{1, 2, 3, 4, 5, 7, 8}},
		{"B050_odd_prefix", Match{Orig: TupleMatch{Src: prefix("10.0.0.2/31")}}, []uint32{2}},
		{"B050_destination", Match{Orig: TupleMatch{Dst: prefix("10.9.0.2/32")}}, []uint32{3}},
		{"B050_source_port", Match{Orig: TupleMatch{SPort: Exactly(1001)}}, []uint32{4}},
		{"B050_destination_port", Match{Orig: TupleMatch{DPort: Exactly(54)}}, []uint32{5}},
		{"B050_protocol", Match{Proto: Exactly(6)}, []uint32{7}},
		{"B050_ICMP_type", Match{Proto: Exactly(1), Orig: TupleMatch{DPort: PartMatch{8 << 8, 0xff00}}}, []uint32{8}},
		{"B050_ICMP_other_type", Match{Proto: Exactly(1), Orig: TupleMatch{DPort: PartMatch{13 << 8, 0xff00}}}, nil},
		{"B050_ICMP_reply_type", Match{Proto: Exactly(1), Reply: TupleMatch{DPort: PartMatch{0, 0xff00}}}, []uint32{8}},
		{"B050_family", Match{Family: packet.IPv6}, []uint32{9}},
		{"B050_IPv6_prefix", Match{Orig: TupleMatch{Dst: prefix("fd00::/8")}}, []uint32{9}},
		{"B050_all_of_a_family", Match{Orig: TupleMatch{Dst: prefix("::/0")}}, []uint32{9}},
		{"B050_reply_source", Match{Reply: TupleMatch{Src: prefix("10.9.0.2/32")}}, []uint32{3}},
		{"B050_reply_destination", Match{Reply: TupleMatch{Dst: prefix("10.0.0.2/32")}}, []uint32{2}},
		{"B050_reply_port", Match{Reply: TupleMatch{SPort: Exactly(54), DPort: Exactly(1000)}}, []uint32{5}},
		{"B050_mark", Match{Mark: 0x305, MarkMask: 0xffffffff}, []uint32{3}},
		{"B050_mark_under_mask", Match{Mark: 0x5, MarkMask: 0x1ff}, []uint32{2, 4, 8}},
		{"B050_label_under_mask", Match{Label: label, LabelMask: labelMask}, []uint32{2, 3, 7}},
		{"status", Match{Status: StatusSeenReply}, []uint32{1}},
		{"no_status", Match{NoStatus: StatusSeenReply, Orig: TupleMatch{SPort: Exactly(1000)}, Proto: Exactly(17)}, []uint32{2, 3, 5, 9}},
		{"any_status", Match{AnyStatus: StatusSeenReply | StatusAssured}, []uint32{1}},
		{"state", Match{State: Exactly(uint16(TCPSynSent)), Proto: Exactly(6)}, []uint32{7}},
		{"other_state", Match{State: Exactly(uint16(TCPClose)), Proto: Exactly(6)}, nil},
		{"not_translated", Match{AnyNAT: NATMatch{On: true}}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := crowd(t)
			before := b.Len()
			var got []uint32
			n := b.Delete(b.now, &c.m, func(_ packet.ConnRef, c *Conn) { got = append(got, c.Mark>>8) })
			if !slices.Equal(got, c.want) || n != len(got) {
				t.Errorf("deleted %v, %d; want %v", got, n, c.want)
			}
			if b.Len() != before-len(c.want) {
				t.Errorf("%d of %d are left", b.Len(), before)
			}
			for range b.Select(b.now, &c.m) {
				t.Error("one that matches is left")
			}
			if errs := b.Check(); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

// TestMatchStateOfOffloaded: an offloaded connection has no state to show.
func TestMatchStateOfOffloaded(t *testing.T) {
	c := &Conn{Status: StatusConfirmed}
	c.Orig = packet.Tuple{Proto: packet.ProtoTCP, Family: packet.IPv4}
	c.TCP.State = TCPEstablished
	m := Match{State: Exactly(uint16(TCPEstablished))}
	if reply := invert(&c.Orig); !m.Matches(c, &reply) {
		t.Error("its own state does not match")
	}
	c.Status |= StatusOffload
	if reply := invert(&c.Orig); m.Matches(c, &reply) {
		t.Error("the state matches although the flow table has it")
	}
}

// TestMatchTranslation: a translated connection is found by what it was
// translated to.
func TestMatchTranslation(t *testing.T) {
	addr := func(s string) packet.Addr { return packet.AddrFrom(netip.MustParseAddr(s)) }
	c := &Conn{Status: StatusConfirmed | StatusSrcNAT}
	c.Orig = packet.Tuple{Src: addr("10.0.0.1"), Dst: addr("10.9.0.1"), SPort: 1000, DPort: 53, Proto: 17, Family: packet.IPv4}
	src := packet.Tuple{Src: addr("10.9.0.1"), Dst: addr("192.0.2.1"), SPort: 53, DPort: 2000, Proto: 17, Family: packet.IPv4}
	dst := packet.Tuple{Src: addr("192.0.2.9"), Dst: addr("10.0.0.1"), SPort: 5353, DPort: 1000, Proto: 17, Family: packet.IPv4}
	to := func(s string, port uint16) NATMatch {
		return NATMatch{On: true, Addr: netip.MustParseAddr(s), Port: port}
	}
	any := NATMatch{On: true}
	for i, v := range []struct {
		m                Match
		srcWant, dstWant bool
	}{
		{Match{SrcNAT: any}, true, false},
		{Match{DstNAT: any}, false, true},
		{Match{AnyNAT: any}, true, true},
		{Match{SrcNAT: any, DstNAT: any}, false, false},
		{Match{SrcNAT: to("192.0.2.1", 0)}, true, false},
		{Match{SrcNAT: to("192.0.2.1", 2000)}, true, false},
		{Match{SrcNAT: to("192.0.2.1", 2001)}, false, false},
		{Match{SrcNAT: to("192.0.2.2", 0)}, false, false},
		{Match{AnyNAT: to("192.0.2.9", 0)}, false, true},
		{Match{AnyNAT: to("192.0.2.9", 53)}, false, false},
		{Match{DstNAT: to("192.0.2.9", 5353)}, false, true},
	} {
		t.Run(fmt.Sprint("B094_", i), func(t *testing.T) {
			c.Status = StatusConfirmed | StatusSrcNAT
			if got := v.m.Matches(c, &src); got != v.srcWant {
				t.Errorf("source NAT: %v", got)
			}
			c.Status = StatusConfirmed | StatusDstNAT
			if got := v.m.Matches(c, &dst); got != v.dstWant {
				t.Errorf("destination NAT: %v", got)
			}
		})
	}
}
