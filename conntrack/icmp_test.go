package conntrack

import (
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

const (
	noReason   = NumInvalid     // the packet is not invalid
	notCounted = NumInvalid + 1 // invalid, for no reason that is told
)

// reasonOf judges a frame and says what it is and why it is invalid.
func (b *bed) reasonOf(f []byte) (string, Invalid) {
	before := b.Stats()
	got := b.in(f)
	why := noReason
	if got == "inv" {
		why = notCounted
	}
	after := b.Stats()
	for w := range NumInvalid {
		if after.InvalidBy[w] != before.InvalidBy[w] {
			why = w
		}
	}
	return got, why
}

// TestICMPTypes: what each ICMP type is to the tracker, and why
// (nf_conntrack_icmpv4_error, icmp_pkt_to_tuple, nf_conntrack_icmp_packet).
func TestICMPTypes(t *testing.T) {
	for typ := range 256 {
		want, why := "inv", InvalidICMPAnswer
		switch {
		case typ == 8 || typ == 13 || typ == 15 || typ == 17:
			want, why = "new", noReason
		case typ == 3 || typ == 4 || typ == 5 || typ == 11 || typ == 12:
			why = InvalidICMPQuote
		case typ > 18:
			why = InvalidICMPType
		}
		b := newBed(t)
		got, reason := b.reasonOf(packettest.ICMP(cAddr, sAddr, byte(typ), 0, 7<<16, nil))
		if got != want || reason != why {
			t.Errorf("type %d: %s, reason %d; want %s, %d", typ, got, reason, want, why)
		}
		if st := b.Stats(); want == "inv" && (st.Invalid+st.ICMPError != 1 || st.ICMPError == 1 != (why == InvalidICMPQuote || why == InvalidICMPType)) {
			t.Errorf("type %d: %d invalid, %d ICMP errors", typ, st.Invalid, st.ICMPError)
		}
		if want == "new" && b.left() != 30 {
			t.Errorf("type %d: %d s left", typ, b.left())
		}
	}
}

// TestICMPv6Types is its twin (nf_conntrack_icmpv6_error, icmpv6_pkt_to_tuple).
func TestICMPv6Types(t *testing.T) {
	for typ := range 256 {
		want, why := "inv", InvalidICMPAnswer
		switch {
		case typ == 128 || typ == 139:
			want, why = "new", noReason
		case typ >= 130 && typ <= 136 || typ == 143 || typ == 151 || typ == 152:
			why = InvalidUntracked
		case typ == 137:
			why = InvalidTruncated
		case typ < 128:
			why = InvalidICMPQuote
		}
		b := newBed(t)
		got, reason := b.reasonOf(packettest.ICMP("fd00::1", "fd00::2", byte(typ), 0, 7<<16, nil))
		if got != want || reason != why {
			t.Errorf("type %d: %s, reason %d; want %s, %d", typ, got, reason, want, why)
		}
		wantErrors := uint64(0)
		if why == InvalidTruncated || why == InvalidICMPQuote {
			wantErrors = 1
		}
		if st := b.Stats(); st.ICMPError != wantErrors || st.Invalid != b2u(why == InvalidICMPAnswer) {
			t.Errorf("type %d: %d invalid, %d ICMP errors", typ, st.Invalid, st.ICMPError)
		}
		if want == "new" && b.left() != 30 {
			t.Errorf("type %d: %d s left", typ, b.left())
		}
	}
}

func b2u(v bool) uint64 {
	if v {
		return 1
	}
	return 0
}

// TestICMPQuotes: what an error must quote, and whom it must be addressed to
// (nf_conntrack_inet_error).
func TestICMPQuotes(t *testing.T) {
	q := packettest.UDP(cAddr, sAddr, 1000, 53, "hello")
	change := func(f []byte, at int, v byte) []byte {
		f = append([]byte(nil), f...)
		f[at] = v
		return f
	}
	quote := func(b []byte) []byte { return packettest.ICMP(sAddr, cAddr, 3, 3, 0, b) }
	ip := q[14:]
	tcp := packettest.TCP(cAddr, sAddr, 1000, 53, "A", 1, 1, "")[14:]
	for _, tc := range []struct {
		name string
		f    []byte
		want string
		why  Invalid
	}{
		{"eight bytes behind the header", quote(ip[:28]), "rel+rpl", noReason},
		{"four bytes, the ports", quote(ip[:24]), "rel+rpl", noReason},
		{"three bytes", quote(ip[:23]), "inv", InvalidICMPQuote},
		{"less than a header", quote(ip[:19]), "inv", InvalidICMPQuote},
		{"a later fragment", quote(change(ip, 7, 1)), "inv", InvalidICMPQuote},
		{"a header length that cannot be", quote(change(ip, 0, 0x44)), "inv", InvalidICMPQuote},
		{"another port", quote(change(ip, 23, 9)), "inv", InvalidICMPUnknown},
		{"TCP between the same ports", quote(tcp[:28]), "inv", InvalidICMPUnknown},
		{"to another than the sender", packettest.ICMP(sAddr, "10.0.0.3", 3, 3, 0, ip), "inv", InvalidICMPUnknown},
		{"an echo reply that answers nothing", quote(packettest.ICMP(cAddr, sAddr, 0, 0, 7<<16, nil)[14:]), "inv", InvalidICMPUnknown},
		{"an error", quote(packettest.ICMP(cAddr, sAddr, 3, 0, 0, ip)[14:]), "inv", InvalidICMPQuote},
		{"seven bytes of ICMP", quote(packettest.ICMP(cAddr, sAddr, 8, 0, 7<<16, nil)[14:41]), "inv", InvalidICMPQuote},
		{"cut off within the ICMP header", packettest.IP(sAddr, cAddr, packet.ProtoICMP, []byte{3, 3, 0xfc, 0xfc, 0, 0, 0}), "inv", InvalidTruncated},
		{"a checksum that is wrong", change(quote(ip), 36, 0xee), "inv", InvalidChecksum},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t)
			b.in(q)
			left := b.only().Timeout
			if got, why := b.reasonOf(tc.f); got != tc.want || why != tc.why {
				t.Errorf("%s, reason %d; want %s, %d", got, why, tc.want, tc.why)
			}
			if c := b.only(); c.Packets() != [2]uint64{1, 0} || c.Timeout != left || c.Status&StatusSeenReply != 0 {
				t.Errorf("the connection counts %v, status %#x", c.Packets(), c.Status)
			}
		})
	}
	t.Run("unchecked", func(t *testing.T) {
		b := newBed(t, "nf_conntrack_checksum=0")
		b.in(q)
		if got := b.in(change(quote(ip), 36, 0xee)); got != "rel+rpl" {
			t.Error(got)
		}
	})
	t.Run("in its zone", func(t *testing.T) {
		b := newBed(t)
		b.inZone(q, 4, true)
		if zero, four := b.inZone(quote(ip), 0, true), b.inZone(quote(ip), 4, true); zero != "inv" || four != "rel+rpl" {
			t.Errorf("%s in zone 0, %s in zone 4", zero, four)
		}
	})
}

// TestICMPv6Redirects: which redirects are read (nf_conntrack_icmpv6_redirect): from a
// neighbour, with code 0, and a redirected header first.
func TestICMPv6Redirects(t *testing.T) {
	q := packettest.UDP("fd00::1", "fd00::2", 1000, 53, "hello")
	header := func(n int, option ...byte) []byte { return append(make([]byte, n), option...) }
	option := func(typ, size byte) []byte { return []byte{typ, size, 0, 0, 0, 0, 0, 0} }
	body := func(option []byte, quoted []byte) []byte { return append(header(32, option...), quoted...) }
	redirect := func(src string, code, hop byte, data []byte) []byte {
		f := packettest.ICMP(src, "fd00::1", 137, code, 0, data)
		f[14+7] = hop
		return f
	}
	right := body(option(4, 7), q[14:])
	for _, tc := range []struct {
		name string
		f    []byte
		want string
		why  Invalid
	}{
		{"right", redirect("fe80::1", 0, 255, right), "rel+rpl", noReason},
		{"the last of the link's own addresses", redirect("febf:ffff::1", 0, 255, right), "rel+rpl", noReason},
		{"from the link's groups", redirect("ff02::1", 0, 255, right), "rel+rpl", noReason},
		{"from the link's groups, with flags", redirect("ff12::1", 0, 255, right), "rel+rpl", noReason},
		{"from another group", redirect("ff03::1", 0, 255, right), "inv", InvalidICMPQuote},
		{"from beyond the link's own", redirect("fec0::1", 0, 255, right), "inv", InvalidICMPQuote},
		{"from below the link's own", redirect("fe40::1", 0, 255, right), "inv", InvalidICMPQuote},
		{"from another's 80", redirect("fd80::1", 0, 255, right), "inv", InvalidICMPQuote},
		{"from another's 02", redirect("fd02::1", 0, 255, right), "inv", InvalidICMPQuote},
		{"with a code", redirect("fe80::1", 1, 255, right), "inv", InvalidICMPAnswer},
		{"passed on by a router", redirect("fe80::1", 0, 254, right), "inv", InvalidICMPQuote},
		{"another option first", redirect("fe80::1", 0, 255, body(option(2, 1), right[32:])), "inv", InvalidICMPAnswer},
		{"an option without a length", redirect("fe80::1", 0, 255, body(option(4, 0), q[14:])), "inv", InvalidICMPQuote},
		{"no option", redirect("fe80::1", 0, 255, header(32)), "inv", InvalidICMPQuote},
		{"a cut-off option", redirect("fe80::1", 0, 255, header(32, 4)), "inv", InvalidICMPQuote},
		{"two bytes of another option", redirect("fe80::1", 0, 255, header(32, 2, 1)), "inv", InvalidICMPAnswer},
		{"two bytes of the option", redirect("fe80::1", 0, 255, header(32, 4, 1)), "inv", InvalidICMPQuote},
		{"a header cut off", redirect("fe80::1", 0, 255, header(31)), "inv", InvalidTruncated},
		{"about another connection", redirect("fe80::1", 0, 255, body(option(4, 7), packettest.UDP("fd00::1", "fd00::2", 1000, 54, "hello")[14:])), "inv", InvalidICMPUnknown},
	} {
		b := newBed(t)
		b.in(q)
		if got, why := b.reasonOf(tc.f); got != tc.want || why != tc.why {
			t.Errorf("%s: %s, reason %d; want %s, %d", tc.name, got, why, tc.want, tc.why)
		}
	}
}

// TestICMPAnswersTimeOut: an answer has the query's timeout, or where a policy says
// so one of its own, in either family.
func TestICMPAnswersTimeOut(t *testing.T) {
	for _, tc := range []struct {
		client, server string
		query, answer  byte
		timeout        string
	}{{cAddr, sAddr, 8, 0, "nf_conntrack_icmp_timeout=11"}, {"fd00::1", "fd00::2", 128, 129, "nf_conntrack_icmpv6_timeout=12"}} {
		for _, reply := range []int64{0, 5} {
			b := newBed(t, tc.timeout)
			b.Settings().ICMPReply = reply * second
			want := map[bool]int64{true: 11, false: 12}[strings.Contains(tc.client, ".")]
			if b.in(packettest.ICMP(tc.client, tc.server, tc.query, 0, 7<<16, nil)); b.left() != want {
				t.Errorf("%s: the query has %d s", tc.timeout, b.left())
			}
			if reply != 0 {
				want = reply
			}
			if b.in(packettest.ICMP(tc.server, tc.client, tc.answer, 0, 7<<16, nil)); b.left() != want {
				t.Errorf("%s: the answer has %d s, want %d", tc.timeout, b.left(), want)
			}
		}
	}
}
