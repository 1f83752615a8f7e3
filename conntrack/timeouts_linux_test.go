package conntrack

import (
	"testing"

	"sluice/packet/packettest"
)

// TestLinuxTimeouts: all default timeouts in seconds, as at the head of each
// nf_conntrack_proto_*.c.
func TestLinuxTimeouts(t *testing.T) {
	s := DefaultSettings()
	for name, want := range map[string]string{
		"tcp_timeout_syn_sent": "120", "tcp_timeout_syn_recv": "60", "tcp_timeout_established": "432000", "tcp_timeout_fin_wait": "120",
		"tcp_timeout_close_wait": "60", "tcp_timeout_last_ack": "30", "tcp_timeout_time_wait": "120", "tcp_timeout_close": "10",
		"tcp_timeout_max_retrans": "300", "tcp_timeout_unacknowledged": "300", "tcp_max_retrans": "3",
		"udp_timeout": "30", "udp_timeout_stream": "120", "icmp_timeout": "30", "icmpv6_timeout": "30", "generic_timeout": "600",
		"gre_timeout": "30", "gre_timeout_stream": "180",
		"sctp_timeout_closed": "10", "sctp_timeout_cookie_wait": "3", "sctp_timeout_cookie_echoed": "3", "sctp_timeout_established": "210",
		"sctp_timeout_shutdown_sent": "3", "sctp_timeout_shutdown_recd": "3", "sctp_timeout_shutdown_ack_sent": "3", "sctp_timeout_heartbeat_sent": "30",
		"dccp_timeout_request": "240", "dccp_timeout_respond": "480", "dccp_timeout_partopen": "480", "dccp_timeout_open": "43200",
		"dccp_timeout_closereq": "64", "dccp_timeout_closing": "64", "dccp_timeout_timewait": "240",
	} {
		if got, err := s.Get("nf_conntrack_" + name); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %s", name, got, err, want)
		}
	}
	// SYN_SENT2 has no sysctl.
	if got := s.TCPTimeouts[TCPSynSent2]; got != 120*second {
		t.Errorf("SYN_SENT2 has %d ns", got)
	}
}

// TestTCPTimeoutOfStates: each state's segment gives the connection its state's
// timeout, and TIME_WAIT is repeated with the full one.
func TestTCPTimeoutOfStates(t *testing.T) {
	for _, st := range closingStates {
		b := newBed(t)
		b.establish()
		for _, f := range st.frames {
			b.in(f)
		}
		want := map[string]int64{"FIN_WAIT": 120, "CLOSE_WAIT": 60, "LAST_ACK": 30, "TIME_WAIT": 120, "CLOSE": 10}[st.state]
		if b.left() != want {
			t.Errorf("%s: %d s left, want %d", st.state, b.left(), want)
		}
	}
}

// TestUDPStreamBegins: a UDP exchange counts as a stream when it has lasted more
// than two seconds from its first packet (nf_conntrack_udp_packet).
func TestUDPStreamBegins(t *testing.T) {
	q, a := packettest.UDP(cAddr, sAddr, 1000, 53, "hello"), packettest.UDP(sAddr, cAddr, 53, 1000, "hello")
	for _, tc := range []struct {
		after   int64 // ns, from the first packet
		status  uint16
		left    int64
		assured bool
	}{
		{2*second - 1, 0, 30, false}, {2 * second, 0, 30, false}, {2*second + 1, 0, 120, true},
		// What lost a race for its tuple times out soon, and is never assured.
		{2*second + 1, StatusNATClash, 120, false},
	} {
		b := newBed(t)
		b.in(q)
		first := b.now
		b.in(a)
		b.only().Status |= tc.status
		b.now = first + tc.after
		b.inZone(q, 0, true)
		if c := b.only(); b.left() != tc.left || c.Status&StatusAssured != 0 != tc.assured {
			t.Errorf("after %d ns: %d s left, status %#x", tc.after, b.left(), c.Status)
		}
	}
	// The time counts from the packet that began the connection, not from later ones.
	b := newBed(t)
	b.in(q)
	first := b.now
	b.now += second
	b.in(q)
	b.in(a)
	b.now = first + 2*second + 1
	b.inZone(q, 0, true)
	if c := b.only(); c.Status&StatusAssured == 0 {
		t.Error("a later packet put the stream off")
	}
}
