package conntrack

import (
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestUDPLengths: the length that a UDP or UDP-Lite header states, and how much of it
// must be there (udp_error, udplite_error). Padding may follow a datagram.
func TestUDPLengths(t *testing.T) {
	udp := func(n, length int, sum uint16) []byte {
		b := make([]byte, n+8)
		binary.BigEndian.PutUint16(b, 1000)
		binary.BigEndian.PutUint16(b[2:], 53)
		if n >= 8 {
			binary.BigEndian.PutUint16(b[4:], uint16(length))
		}
		f := packettest.IP(cAddr, sAddr, packet.ProtoUDP, b[:n])
		if n >= 8 {
			binary.BigEndian.PutUint16(f[14+20+4:], uint16(length)) // whatever was made of it
			binary.BigEndian.PutUint16(f[14+20+6:], sum)
		}
		return f
	}
	for _, tc := range []struct {
		name string
		f    []byte
		want string
		why  Invalid
	}{
		{"three bytes", udp(3, 0, 0), "inv", InvalidTruncated},
		{"four bytes", udp(4, 0, 0), "inv", InvalidTruncated},
		{"seven bytes", udp(7, 0, 0), "inv", InvalidTruncated},
		{"eight bytes", udp(8, 8, 0), "new", noReason},
		{"a length of seven", udp(12, 7, 0), "inv", InvalidTruncated},
		{"a length of eight, and padding", udp(12, 8, 0), "new", noReason},
		{"as long as the packet", udp(12, 12, 0), "new", noReason},
		{"longer than the packet", udp(12, 13, 0), "inv", InvalidTruncated},
		{"a wrong checksum", udp(12, 12, 1), "inv", InvalidChecksum},
	} {
		b := newBed(t)
		if got, why := b.reasonOf(tc.f); got != tc.want || why != tc.why {
			t.Errorf("%s: %s, reason %d; want %s, %d", tc.name, got, why, tc.want, tc.why)
		}
		var h packet.Headers
		packet.Parse(tc.f, &h)
		if h.L4 != 0 && b.SoundUDP(tc.f, &h) != (tc.want == "new") {
			t.Errorf("%s: sound %v", tc.name, tc.want != "new")
		}
	}
	b := newBed(t, "nf_conntrack_checksum=0")
	if got := b.in(udp(12, 12, 1)); got != "new" {
		t.Errorf("unchecked: %s", got)
	}
	f := udp(12, 12, 0)
	var h packet.Headers
	packet.Parse(f, &h)
	if b.SoundUDP(f[:h.L4-1], &h) {
		t.Error("a frame that ends before the header is sound")
	}
	for n, want := range map[int]Invalid{7: InvalidTruncated, 8: InvalidChecksum} { // without a sum UDP-Lite is invalid
		b := newBed(t, "nf_conntrack_checksum=0")
		f := packettest.IP(cAddr, sAddr, packet.ProtoUDPLite, make([]byte, n))
		clear(f[14+20+6:])
		if _, why := b.reasonOf(f); why != want {
			t.Errorf("UDP-Lite of %d bytes: reason %d, want %d", n, why, want)
		}
	}
}

// TestUnansweredAccount: what a packet that another has carried does to an unanswered
// connection's end, and to which connections.
func TestUnansweredAccount(t *testing.T) {
	for _, tc := range []struct {
		name     string
		limit    int64 // udp.unanswered, in seconds
		proto    uint8
		status   uint16
		at, want int64 // seconds after the first packet; the end then
		entry    bool  // the end is the flow table's
	}{
		{"no limit", 0, packet.ProtoUDP, 0, 20, 50, false},
		{"before the limit", 100, packet.ProtoUDP, 0, 20, 50, false},
		{"near the limit", 40, packet.ProtoUDP, 0, 20, 40, false},
		{"at the limit", 40, packet.ProtoUDP, 0, 40, 40, false},
		{"behind it", 40, packet.ProtoUDP, 0, 45, 45, false},
		{"answered", 40, packet.ProtoUDP, StatusSeenReply, 20, 30, false},
		{"fixed", 40, packet.ProtoUDP, StatusFixedTimeout, 20, 30, false},
		{"UDP-Lite", 40, packet.ProtoUDPLite, 0, 20, 30, false},
		{"sooner than its end", 25, packet.ProtoUDP, 0, 20, 30, false},
		{"sooner than the flow table's", 25, packet.ProtoUDP, 0, 20, 25, true},
	} {
		b := newBed(t)
		b.Settings().UDPUnanswered = tc.limit * second
		b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "x"))
		ref := b.onlyRef()
		c, start := b.Conn(ref), b.now
		c.Timeout = start + 30*second // however short the limit
		if tc.entry {
			c.Timeout = start + 24*3600*second
		}
		proto := c.Orig.Proto
		c.Orig.Proto, c.Status = tc.proto, c.Status|tc.status
		if got, want := b.Lapses(c), tc.limit != 0 && tc.proto == packet.ProtoUDP && tc.status != StatusSeenReply; got != want {
			t.Errorf("%s: lapses %v", tc.name, got)
		}
		b.Unanswered(start+tc.at*second, start+tc.at*second, ref, c)
		c.Orig.Proto = proto
		if got := (c.Timeout - start) / second; got != tc.want {
			t.Errorf("%s: ends after %d s, want %d", tc.name, got, tc.want)
		}
	}
}

// TestInvalidHeaders: the other family's ICMP is invalid for no reason of
// ICMP's (nf_conntrack_icmp_packet), and what has no sound header is judged before.
func TestInvalidHeaders(t *testing.T) {
	b := newBed(t, "nf_conntrack_checksum=0")
	b.in(packettest.IP(cAddr, sAddr, packet.ProtoICMPv6, []byte{128, 0, 0, 0, 0, 1, 0, 1}))
	if st := b.Stats(); st.Invalid != 1 || st.ICMPError != 0 {
		t.Errorf("%d invalid, %d ICMP errors", st.Invalid, st.ICMPError)
	}
	f := c("S", 1000, 0)
	for _, harm := range []func(h *packet.Headers){
		func(h *packet.Headers) { h.Flags |= packet.BadL3 }, func(h *packet.Headers) { h.Flags |= packet.TruncL3 }, func(h *packet.Headers) { h.Flags |= packet.BadExt },
	} {
		b := newBed(t)
		var h packet.Headers
		packet.Parse(f, &h)
		h.Hash = b.Hash(&h.Tuple)
		harm(&h)
		ct := packet.CT{Conn: 77, Info: packet.CTEstablished}
		if r := b.In(b.now, f, &h, 0, &ct); r != Accept || ct.Conn != 0 || ct.Info != packet.CTUntracked || b.Stats().InvalidBy[InvalidHeader] != 1 {
			t.Errorf("flags %#x: %v, %+v", h.Flags, r, ct)
		}
	}
	for name, harm := range map[string]func(h *packet.Headers){
		"no family":                 func(h *packet.Headers) { h.Tuple.Family = packet.FamilyNone },
		"no transport header":       func(h *packet.Headers) { h.L4 = 0 },
		"one behind the frame":      func(h *packet.Headers) { h.L4 = uint16(len(f) + 1) },
		"none, as IPv6 says itself": func(h *packet.Headers) { h.Tuple.Family, h.Proto = packet.IPv6, packet.ProtoNoNext },
	} {
		var h packet.Headers
		packet.Parse(f, &h)
		harm(&h)
		if b, ok := transport(f, &h); ok || b != nil {
			t.Errorf("%s: %d bytes", name, len(b))
		}
	}
	var h packet.Headers
	packet.Parse(f, &h)
	h.Proto = packet.ProtoNoNext
	if b, ok := transport(f, &h); !ok || len(b) != 20 {
		t.Errorf("protocol 59 over IPv4: %d bytes, %v", len(b), ok)
	}
}
