package conntrack

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/packet"
)

// TestIdleTimeouts: how long a connection may be idle in its state, by protocol,
// which is what a table that fills brings it down to.
func TestIdleTimeouts(t *testing.T) {
	to := Timeouts{UDPTimeout: 1, UDPTimeoutStream: 2, ICMPTimeout: 3, ICMPv6Timeout: 4, GenericTimeout: 5, GRETimeout: 6, GRETimeoutStream: 7}
	for i := range to.TCPTimeouts {
		to.TCPTimeouts[i] = 100 + int64(i)
	}
	for i := range to.SCTPTimeouts {
		to.SCTPTimeouts[i] = 200 + int64(i)
	}
	for i := range to.DCCPTimeouts {
		to.DCCPTimeouts[i] = 300 + int64(i)
	}
	with := func(proto uint8, status uint16, set func(*Conn)) *Conn {
		c := &Conn{Status: status}
		c.Orig.Proto = proto
		if set != nil {
			set(c)
		}
		return c
	}
	gre := func(c *Conn) { *c.GRE() = GRETrack{61, 62} }
	for _, tc := range []struct {
		name string
		c    *Conn
		want int64
	}{
		{"TCP established", with(packet.ProtoTCP, StatusSeenReply, func(c *Conn) { c.TCP.State = TCPEstablished }), 103},
		{"TCP closed", with(packet.ProtoTCP, 0, func(c *Conn) { c.TCP.State = TCPClose }), 108},
		{"UDP", with(packet.ProtoUDP, 0, nil), 1},
		{"UDP answered", with(packet.ProtoUDP, StatusSeenReply, nil), 2},
		{"UDP-Lite", with(packet.ProtoUDPLite, 0, nil), 1},
		{"UDP-Lite answered", with(packet.ProtoUDPLite, StatusSeenReply, nil), 2},
		{"ICMP", with(packet.ProtoICMP, StatusSeenReply, nil), 3},
		{"ICMPv6", with(packet.ProtoICMPv6, StatusSeenReply, nil), 4},
		{"SCTP without a state", with(packet.ProtoSCTP, 0, nil), 200},
		{"SCTP closed", with(packet.ProtoSCTP, 0, func(c *Conn) { c.SCTP().State = SCTPClosed }), 200},
		{"SCTP established", with(packet.ProtoSCTP, 0, func(c *Conn) { c.SCTP().State = SCTPEstablished }), 203},
		{"SCTP heartbeat sent", with(packet.ProtoSCTP, 0, func(c *Conn) { c.SCTP().State = SCTPHeartbeatSent }), 207},
		{"DCCP without a state", with(packet.ProtoDCCP, 0, nil), 300},
		{"DCCP requested", with(packet.ProtoDCCP, 0, func(c *Conn) { c.DCCP().State = DCCPRequest }), 300},
		{"DCCP over", with(packet.ProtoDCCP, 0, func(c *Conn) { c.DCCP().State = DCCPTimeWait }), 306},
		{"GRE", with(packet.ProtoGRE, 0, gre), 61},
		{"GRE answered", with(packet.ProtoGRE, StatusSeenReply, gre), 62},
		{"OSPF", with(89, StatusSeenReply, nil), 5},
	} {
		if got := to.idle(tc.c); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// TestShorten: an idle connection is brought down to what its state gives it now,
// never up, and not where its time is another's affair.
func TestShorten(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status uint16
		left   int64
		want   int64
	}{
		{"longer than its state's", 0, 500, 30},
		{"as long", 0, 30, 30},
		{"shorter", 0, 20, 20},
		{"of the flow table", StatusOffload, 500, 500},
		{"fixed", StatusFixedTimeout, 500, 500},
	} {
		b := newBed(t)
		b.in(flowFrom(cAddr, 1000))
		ref := b.onlyRef()
		c := b.Conn(ref)
		c.Status |= tc.status
		c.Timeout = b.now + tc.left*second
		b.shorten(b.now, slotOf(ref), c)
		if got := (c.Timeout - b.now) / second; got != tc.want {
			t.Errorf("%s: %d s left, want %d", tc.name, got, tc.want)
		}
		c.Status &^= tc.status
	}
}

// onlyRef is the reference of the single live connection.
func (b *bed) onlyRef() (ref packet.ConnRef) {
	for r := range b.All(b.now) {
		ref = r
	}
	return ref
}

// TestProfilesWhole lists every timeout of every profile, in seconds: Linux's from
// nf_conntrack-sysctl.rst, Open vSwitch's from lib/conntrack-tp.c, the others from the
// documents that profiles.go names.
func TestProfilesWhole(t *testing.T) {
	want := map[string]string{
		"linux": "tcp 0 120 60 432000 120 60 30 120 10 120 300 300; udp 30 120 0 0; icmp 30 30 0; generic 600; gre 30 180; " +
			"sctp 10 3 3 210 3 3 3 30; dccp 240 480 480 43200 64 64 240; frag 30 60; flow table 30 30",
		"ovs": "tcp 0 30 30 86400 900 900 45 45 30 30 86400 86400; udp 60 30 60 30; icmp 60 60 30; generic 60; gre 60 30; " +
			"sctp 10 3 3 210 3 3 3 30; dccp 240 480 480 43200 64 64 240; frag 15 15; flow table 30 30",
		"paper": "tcp 0 120 60 432000 120 60 30 120 10 120 300 300; udp 180 180 0 0; icmp 180 180 0; generic 600; gre 30 180; " +
			"sctp 10 3 3 210 3 3 3 30; dccp 240 480 480 43200 64 64 240; frag 30 60; flow table 3600 180",
		"rfc": "tcp 0 240 240 7440 240 240 240 240 240 240 7440 7440; udp 300 300 0 0; icmp 60 60 0; generic 600; gre 30 180; " +
			"sctp 10 3 3 210 3 3 3 30; dccp 240 240 240 7440 240 240 240; frag 30 60; flow table 30 30",
	}
	list := func(v ...int64) string {
		s := make([]string, len(v))
		for i := range v {
			s[i] = fmt.Sprint(v[i] / second)
			if v[i]%second != 0 {
				s[i] = fmt.Sprint(v[i], "ns")
			}
		}
		return strings.Join(s, " ")
	}
	for _, name := range Profiles {
		s := DefaultSettings()
		// Whatever was set before is taken back.
		s.Frag.Timeout = [2]int64{1, 1}
		s.UDPFirst, s.UDPReplied, s.ICMPReply, s.FlowtableTCPTimeout, s.FlowtableUDPTimeout = 1, 1, 1, 1, 1
		if err := s.SetProfile(name); err != nil {
			t.Fatal(err)
		}
		got := strings.Join([]string{
			"tcp " + list(s.TCPTimeouts[:]...), "udp " + list(s.UDPTimeout, s.UDPTimeoutStream, s.UDPFirst, s.UDPReplied),
			"icmp " + list(s.ICMPTimeout, s.ICMPv6Timeout, s.ICMPReply), "generic " + list(s.GenericTimeout), "gre " + list(s.GRETimeout, s.GRETimeoutStream),
			"sctp " + list(s.SCTPTimeouts[:]...), "dccp " + list(s.DCCPTimeouts[:]...), "frag " + list(s.Frag.Timeout[:]...),
			"flow table " + list(s.FlowtableTCPTimeout, s.FlowtableUDPTimeout),
		}, "; ")
		if got != want[name] {
			t.Errorf("%s:\n%s, want\n%s", name, got, want[name])
		}
	}
	if len(want) != len(Profiles) || !slices.IsSorted(Profiles) {
		t.Errorf("profiles %v", Profiles)
	}
	err := DefaultSettings().SetProfile("bsd")
	if err == nil || err.Error() != `timeout profile: "bsd" is not one of linux, ovs, paper, rfc` {
		t.Error(err)
	}
}
