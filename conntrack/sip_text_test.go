package conntrack

import (
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
)

func TestSIPNumbers(t *testing.T) {
	for _, c := range []struct {
		text string
		v    uint32
		n    int
	}{
		{"0", 0, 1}, {"4000 RTP", 4000, 4}, {"00000000001", 1, 11}, {"000000000001", 0, 0}, {"4294967295;", 4294967295, 10},
		{"4294967296", 0, 0}, {"99999999999999999999999999", 0, 0}, {"", 0, 0}, {"x1", 0, 0}, {"-1", 0, 0},
	} {
		if v, n := sipNumber([]byte(c.text)); v != c.v || n != c.n {
			t.Errorf("%q: %d in %d bytes, want %d in %d", c.text, v, n, c.v, c.n)
		}
	}
}

func TestSIPEnds(t *testing.T) {
	for _, c := range []struct {
		family     uint8
		text, want string
	}{
		{4, "10.0.0.1:5062;x", "10.0.0.1:5062 in 13"},
		{4, "10.0.0.1>", "10.0.0.1:5060 in 8"},
		{4, "010.00000.0.1>", "10.0.0.1:5060 in 13"},
		{4, "10.0.0.1", ""},
		{4, "10.0.0.1:5062", ""},
		{4, "10.0.0.1:>", ""},
		{4, "10.0.0.1:1023>", ""},
		{4, "10.0.0.1:65535>", "10.0.0.1:65535 in 14"},
		{4, "10.0.0.1:65536>", ""},
		{4, "10.0.0.1:050600>", ""},
		{4, "10.0.0.1:05060>", "10.0.0.1:5060 in 14"},
		{4, "10.0.0.256>", ""},
		{4, "10.0.0>", ""},
		{4, "10.0.0.1.2>", ""},
		{4, "10.0.0.1.>", ""},
		{4, "10..0.1>", ""},
		{4, "10.0.0.1a>", ""},
		{4, "host>", ""},
		{4, "", ""},
		{6, "[fd00::1]:5062>", "fd00::1:5062 in 14"},
		{6, "[fd00:0:0:0:0:0:0:1]>", "fd00::1:5060 in 20"},
		{6, "[::ffff:10.0.0.1]>", "::ffff:10.0.0.1:5060 in 17"},
		{6, "fd00::1>", ""},
		{6, "[fd00::1>", ""},
		{6, "[fd00::1::]>", ""},
		{6, "[10.0.0.1]>", ""},
		{6, "[" + strings.Repeat("0", 60) + "]>", ""},
		{6, "[", ""},
	} {
		family := map[uint8]uint8{4: packet.IPv4, 6: packet.IPv6}[c.family]
		got := ""
		if e, ok := sipEndAt([]byte(c.text), 0, family); ok {
			got = fmt.Sprintf("%s:%d in %d", e.addr.Netip(family), e.port, e.n)
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// TestSIPHeaders reads all addresses of a header of a message.
func TestSIPHeaders(t *testing.T) {
	for _, c := range []struct {
		name string
		h    *sipHeader
		text string
		want string
	}{
		{"one", &sipContact, "A\r\nContact: <sip:a@10.0.0.1:5061>\r\n\r\n", "10.0.0.1:5061"},
		{"short", &sipContact, "A\r\nm:sip:10.0.0.1>\r\n", "10.0.0.1:5060"},
		{"short name of another", &sipContact, "A\r\nmx: <sip:10.0.0.1>\r\n", ""},
		{"several in a line", &sipContact, "A\r\nContact: <sip:10.0.0.1>, sip:host, \"x\" <sip:10.0.0.2>;q=1\r\n", "10.0.0.1:5060 10.0.0.2:5060"},
		{"several lines", &sipContact, "A\r\ncontact: *\r\nCONTACT : <sip:10.0.0.1>\r\nx: y\r\nm\t: <sip:10.0.0.2>\r\n", "10.0.0.1:5060 10.0.0.2:5060"},
		{"folded", &sipContact, "A\r\nContact:\r\n <sip:10.0.0.1>,\r\n\t <sip:10.0.0.2>\r\n", "10.0.0.1:5060 10.0.0.2:5060"},
		{"a fold hides a character", &sipContact, "A\r\nContact: x\r\n sip:10.0.0.1>\r\n", ""},
		{"not in the next line", &sipContact, "A\r\nContact: \"x\"\r\nsip:10.0.0.1>\r\n", ""},
		{"bare newlines", &sipContact, "A\nContact: <sip:10.0.0.1>\nx: y\n", "10.0.0.1:5060"},
		{"a longer name ends the search", &sipContact, "A\r\nContact-x: y\r\nContact: <sip:10.0.0.1>\r\n", ""},
		{"in the first line", &sipContact, "Contact: <sip:10.0.0.1>\r\n", ""},
		{"cut off", &sipContact, "A\r\nContact", ""},
		{"cut off behind the colon", &sipContact, "A\r\nContact: ", ""},
		{"cut off in the address", &sipContact, "A\r\nContact: sip:10.0.0.1", ""},
		{"no user in Via", &sipViaUDP, "A\r\nVia: SIP/2.0/UDP a@10.0.0.1;x\r\n", ""},
		{"Via", &sipViaUDP, "A\r\nv: SIP/2.0/TCP 10.0.0.1;x\r\nv: SIP/2.0/UDP 10.0.0.2;x\r\n", "10.0.0.2:5060"},
	} {
		var got []string
		for w := (sipWalk{h: c.h}); ; {
			e, ok := w.next([]byte(c.text), packet.IPv4)
			if !ok {
				break
			}
			got = append(got, fmt.Sprintf("%s:%d", e.addr.Netip(packet.IPv4), e.port))
			if c.h == &sipViaUDP {
				break
			}
		}
		if g := strings.Join(got, " "); g != c.want {
			t.Errorf("%s: %q, want %q", c.name, g, c.want)
		}
	}
}

func TestSIPRequestURI(t *testing.T) {
	for text, want := range map[string]string{
		"INVITE sip:b@10.0.0.2:5070 SIP/2.0\r\n": "10.0.0.2:5070",
		"INVITE SIP:10.0.0.2 SIP/2.0\r\n":        "10.0.0.2:5060",
		"INVITE tel:1 SIP/2.0\r\nsip:10.0.0.2 x": "",
		"INVITE sip:host SIP/2.0\r\n":            "",
		" sip:10.0.0.2 SIP/2.0\r\n":              "",
		"INVITE":                                 "",
		"":                                       "",
	} {
		got := ""
		if e, ok := sipRequestURI([]byte(text), packet.IPv4); ok {
			got = fmt.Sprintf("%s:%d", e.addr.Netip(packet.IPv4), e.port)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestSDPLines(t *testing.T) {
	const text = "\r\nv=0\r\no=a IN IP4 10.0.0.1\r\nc=IN IP6 fd00::1\r\nm=audio 4000 RTP\nc=IN IP4 10.0.0.2\nm=x\r"
	for _, c := range []struct {
		l, end sdpLine
		from   int
		want   string
	}{
		{sdpVersion, sdpAny, 0, "0"},
		{sdpOwner, sdpMedia, 0, "10.0.0.1"},
		{sdpConnection, sdpMedia, 0, ""}, // of another family, and the next is a medium's
		{sdpConnection, sdpMedia, strings.Index(text, "RTP"), "10.0.0.2"},
		{sdpMedia, sdpAny, 0, "audio 4000"},
		{sdpMedia, sdpAny, strings.Index(text, "RTP"), ""},
	} {
		at, n, ok := c.l.find([]byte(text), c.from, c.end, packet.IPv4)
		if got := text[at : at+n]; got != c.want || ok != (c.want != "") {
			t.Errorf("%s from %d: %q, want %q", sdpNames[c.l], c.from, got, c.want)
		}
	}
}
