package conntrack

import (
	"strings"

	"sluice/packet/frag"
)

// flowtableTimeout is Linux's for flows of either protocol (nf_flowtable-sysctl).
const flowtableTimeout = 30 * second

// Profiles are the named sets of timeouts.
var Profiles = []string{"linux", "ovs", "paper", "rfc"}

// SetProfile replaces all timeouts, the flow table's included, by a profile's. Set it before single
// timeouts and zones' policies.
func (s *Settings) SetProfile(name string) error {
	s.Frag.Timeout = frag.DefaultLimits().Timeout
	s.FlowtableTCPTimeout, s.FlowtableUDPTimeout = flowtableTimeout, flowtableTimeout
	switch name {
	case "linux":
		s.Timeouts = linuxTimeouts()
	case "ovs":
		s.Timeouts = ovsTimeouts()
		s.Frag.Timeout = [2]int64{15 * second, 15 * second} // lib/ipf.c
	case "paper":
		s.Timeouts = paperTimeouts()
		s.FlowtableTCPTimeout, s.FlowtableUDPTimeout = 3600*second, paperUDP
	case "rfc":
		s.Timeouts = rfcTimeouts()
	default:
		return &SettingError{Name: "timeout profile", Value: name, Want: "one of " + strings.Join(Profiles, ", ")}
	}
	return nil
}

// linuxTimeouts are the kernel's (nf_conntrack-sysctl.rst, and the arrays at
// the head of nf_conntrack_proto_*.c).
func linuxTimeouts() Timeouts {
	return Timeouts{
		TCPTimeouts: seconds([numTCPTimeouts]int64{
			TCPSynSent: 120, TCPSynRecv: 60, TCPEstablished: 432000, TCPFinWait: 120, TCPCloseWait: 60, TCPLastAck: 30,
			TCPTimeWait: 120, TCPClose: 10, TCPSynSent2: 120, tcpRetrans: 300, tcpUnack: 300,
		}),
		UDPTimeout: 30 * second, UDPTimeoutStream: 120 * second,
		ICMPTimeout: 30 * second, ICMPv6Timeout: 30 * second, GenericTimeout: 600 * second,
		GRETimeout: 30 * second, GRETimeoutStream: 180 * second,
		SCTPTimeouts: [...]int64{10 * second, 3 * second, 3 * second, 210 * second, 3 * second, 3 * second, 3 * second, 30 * second},
		DCCPTimeouts: [...]int64{240 * second, 480 * second, 480 * second, 43200 * second, 64 * second, 64 * second, 240 * second},
	}
}

// ovsTimeouts are Open vSwitch's user-space tracker's (lib/conntrack-tp.c).
// Its states are coarser: one side's FIN is "fin_wait", both sides' are
// "time_wait", and nothing shortens an established connection. All that is
// neither TCP nor ICMP has its UDP timeouts there; SCTP keeps Linux's here,
// since it is tracked by its states.
func ovsTimeouts() Timeouts {
	const established, closing, closed = 86400, 900, 45
	t := linuxTimeouts()
	t.TCPTimeouts = seconds([numTCPTimeouts]int64{
		TCPSynSent: 30, TCPSynRecv: 30, TCPSynSent2: 30, TCPEstablished: established, TCPFinWait: closing, TCPCloseWait: closing,
		TCPLastAck: closed, TCPTimeWait: closed, TCPClose: 30, tcpRetrans: established, tcpUnack: established,
	})
	t.UDPFirst, t.UDPTimeout, t.UDPReplied, t.UDPTimeoutStream = 60*second, 60*second, 30*second, 30*second
	t.ICMPTimeout, t.ICMPv6Timeout, t.ICMPReply = 60*second, 60*second, 30*second
	t.GRETimeout, t.GRETimeoutStream, t.GenericTimeout = 60*second, 30*second, 60*second
	return t
}

// paperUDP is what the paper gives UDP and ICMP.
const paperUDP = 180 * second

// paperTimeouts are those of the RFC on connection tracking offload (part 2,
// Netfilter changes 4): five days for established TCP, which is Linux's, and
// about 180 seconds for UDP and ICMP. Its flow table looks at each flow twice in
// K seconds, K being 180 for these and 3600 for TCP.
func paperTimeouts() Timeouts {
	t := linuxTimeouts()
	t.UDPTimeout, t.UDPTimeoutStream = paperUDP, paperUDP
	t.ICMPTimeout, t.ICMPv6Timeout = paperUDP, paperUDP
	return t
}

// rfcTimeouts are the least that the RFCs on NAT allow, or what they
// recommend: TCP 2 h 4 min when established and 4 min before and after (RFC
// 5382, REQ-5; RFC 6146, 4), so that nothing may shorten an established
// connection; UDP 5 min (RFC 4787, REQ-5); ICMP 60 s (RFC 5508, REQ-1); DCCP
// 2 h 4 min and 4 min (RFC 5597, REQ-2). Other protocols keep Linux's.
func rfcTimeouts() Timeouts {
	const established, transitory = 7440, 240
	t := linuxTimeouts()
	for i := range t.TCPTimeouts {
		t.TCPTimeouts[i] = transitory * second
	}
	t.TCPTimeouts[TCPNone] = 0
	for _, i := range []int{int(TCPEstablished), tcpRetrans, tcpUnack} {
		t.TCPTimeouts[i] = established * second
	}
	t.UDPTimeout, t.UDPTimeoutStream = 300*second, 300*second
	t.ICMPTimeout, t.ICMPv6Timeout = 60*second, 60*second
	for i, n := range dccpNames {
		t.DCCPTimeouts[i] = transitory * second
		if n == "open" {
			t.DCCPTimeouts[i] = established * second
		}
	}
	return t
}

func seconds(t [numTCPTimeouts]int64) [numTCPTimeouts]int64 {
	for i := range t {
		t[i] *= second
	}
	return t
}
