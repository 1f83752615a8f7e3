package conntrack

import (
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// said gives what a message of the client (dir 0) or of the server becomes behind
// the translator: its text, or "dropped".
func (p *phones) said(t *testing.T, dir int, text string) string {
	t.Helper()
	f := packettest.UDP(cAddr, sAddr, 5060, 5060, text)
	if dir == 1 {
		f = packettest.UDP(sAddr, nAddr, 5060, 5060, text)
	}
	out, ok := p.pass(f, SIP)
	if !ok {
		return "dropped"
	}
	var h packet.Headers
	packet.Parse(out, &h)
	return string(out[h.Payload:h.End])
}

// lines is a SIP message of lines.
func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n" }

// TestSIPTranslation: what of a message is translated, and what is left as it is
// (nf_nat_sip.c nf_nat_sip). The client is 10.0.0.1, known to the server as
// 192.168.199.199; the server is 10.0.0.2.
func TestSIPTranslation(t *testing.T) {
	const options, ok = "OPTIONS sip:x SIP/2.0", "SIP/2.0 200 OK"
	for _, tc := range []struct {
		name     string
		dir      int
		in, want string
	}{
		{"a request to the client by its known address", 1, lines("OPTIONS sip:a@192.168.199.199 SIP/2.0"), lines("OPTIONS sip:a@10.0.0.1:5060 SIP/2.0")},
		{"a request to the server", 0, lines("OPTIONS sip:a@10.0.0.2 SIP/2.0"), lines("OPTIONS sip:a@10.0.0.2 SIP/2.0")},
		{"a request to another port", 1, lines("OPTIONS sip:a@192.168.199.199:5061 SIP/2.0"), lines("OPTIONS sip:a@192.168.199.199:5061 SIP/2.0")},
		{"a request to the sender itself", 0, lines("OPTIONS sip:a@10.0.0.1 SIP/2.0"), lines("OPTIONS sip:a@192.168.199.199:5060 SIP/2.0")},

		{"From, To and Contact", 0, lines(options, "From: <sip:10.0.0.1:5060>", "t: <sip:10.0.0.2>", "m: <sip:a@10.0.0.1>;q=1"), lines(options, "From: <sip:192.168.199.199:5060>", "t: <sip:10.0.0.2>", "m: <sip:a@192.168.199.199:5060>;q=1")},
		{"f and To, back", 1, lines(options, "f: <sip:10.0.0.2>", "To: <sip:192.168.199.199>"), lines(options, "f: <sip:10.0.0.2>", "To: <sip:10.0.0.1:5060>")},
		{"the first From alone", 0, lines(options, "f: <sip:10.0.0.1>", "f: <sip:10.0.0.1>"), lines(options, "f: <sip:192.168.199.199:5060>", "f: <sip:10.0.0.1>")},
		{"all contacts", 0, lines(options, "m: <sip:10.0.0.1>, <sip:10.0.0.1:5061>, <sip:10.0.0.1:5060>", "x: y", "m: <sip:b@10.0.0.1>"),
			lines(options, "m: <sip:192.168.199.199:5060>, <sip:10.0.0.1:5061>, <sip:192.168.199.199:5060>", "x: y", "m: <sip:b@192.168.199.199:5060>")},
		{"contacts that become shorter", 1, lines(options, "m: <sip:192.168.199.199:5060>, <sip:192.168.199.199>, <sip:192.168.199.199:5060>"), lines(options, "m: <sip:10.0.0.1:5060>, <sip:10.0.0.1:5060>, <sip:10.0.0.1:5060>")},
		{"a user on the line hides addresses before it (skp_epaddr_len)", 0, lines(options, "m: <sip:10.0.0.1>, <sip:x@10.0.0.1>"), lines(options, "m: <sip:10.0.0.1>, <sip:x@192.168.199.199:5060>")},

		{"Via of a request", 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=1"), lines(options, "Via: SIP/2.0/UDP 192.168.199.199:5060;branch=1")},
		{"Via of a request, without a port", 0, lines(options, "v: SIP/2.0/UDP 10.0.0.1;branch=1"), lines(options, "v: SIP/2.0/UDP 192.168.199.199:5060;branch=1")},
		{"Via of another", 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.3:5060;maddr=10.0.0.1;x"), lines(options, "Via: SIP/2.0/UDP 10.0.0.3:5060;maddr=10.0.0.1;x")},
		{"Via over TCP", 0, lines(options, "Via: SIP/2.0/TCP 10.0.0.1:5060;branch=1"), lines(options, "Via: SIP/2.0/TCP 10.0.0.1:5060;branch=1")},
		{"the topmost Via", 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=1", "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=2"), lines(options, "Via: SIP/2.0/UDP 192.168.199.199:5060;branch=1", "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=2")},
		{"Via of a response is its receiver's", 1, lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 192.168.199.199:5060;branch=1"), lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=1")},
		{"Via of a response that is its sender's", 1, lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 10.0.0.2:5060;rport=5060;x"), lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 10.0.0.2:5060;rport=5060;x")},
		{"maddr", 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.1:5060;maddr=10.0.0.1;x"), lines(options, "Via: SIP/2.0/UDP 192.168.199.199:5060;maddr=192.168.199.199;x")},
		{"maddr of another", 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.1:5060;maddr=10.0.0.3;x"), lines(options, "Via: SIP/2.0/UDP 192.168.199.199:5060;maddr=10.0.0.3;x")},
		{"received", 1, lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 192.168.199.199:5060;received=192.168.199.199;x"), lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 10.0.0.1:5060;received=10.0.0.1;x")},
		{"received of another", 1, lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 192.168.199.199:5060;received=10.0.0.3;x"), lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 10.0.0.1:5060;received=10.0.0.3;x")},
		{"rport that is the same", 1, lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 192.168.199.199:5060;rport=5060;x"), lines(ok, "CSeq: 1 OPTIONS", "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=5060;x")},
		{"maddr, received and rport", 1, lines(options, "Via: SIP/2.0/UDP 10.0.0.2:5060;maddr=10.0.0.2;received=192.168.199.199;rport=5060;x"), lines(options, "Via: SIP/2.0/UDP 10.0.0.2:5060;maddr=10.0.0.2;received=10.0.0.1;rport=5060;x")},

		{"a response has no request URI", 1, lines("SIP/2.0 200 sip:192.168.199.199 x", "CSeq: 1 OPTIONS"), lines("SIP/2.0 200 sip:192.168.199.199 x", "CSeq: 1 OPTIONS")},
		{"nothing of a message that is too short", 0, "OPTIONS x\r\n"[:10], "OPTIONS x\r"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPhones(t, true)
			p.said(t, 0, lines(options))
			if got := p.said(t, tc.dir, tc.in); got != tc.want {
				t.Errorf("\n%q, want\n%q", got, tc.want)
			}
		})
	}
}

// portMoved are phones whose client is known to the server under another port, too.
func portMoved(t *testing.T) *phones {
	p := newPhones(t, true)
	p.nat.HasPort, p.nat.MinPort, p.nat.MaxPort = true, 7777, 7777
	return p
}

// TestSIPPortTranslation: rport and ports of the client that the translator moved.
func TestSIPPortTranslation(t *testing.T) {
	p := portMoved(t)
	const options = "OPTIONS sip:x SIP/2.0"
	if got, want := p.said(t, 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=5060;x", "m: <sip:10.0.0.1>")), lines(options, "Via: SIP/2.0/UDP 192.168.199.199:7777;rport=5060;x", "m: <sip:192.168.199.199:7777>"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	server := func(text string) string {
		out, ok := p.pass(packettest.UDP(sAddr, nAddr, 5060, 7777, text), SIP)
		if !ok {
			return "dropped"
		}
		return string(out[42:])
	}
	ok := "SIP/2.0 200 OK"
	for in, want := range map[string]string{
		"Via: SIP/2.0/UDP 192.168.199.199:7777;rport=7777;x":                             "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=5060;x",
		"Via: SIP/2.0/UDP 192.168.199.199:7777;rport=7778;x":                             "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=7778;x",
		"Via: SIP/2.0/UDP 192.168.199.199:7777;rport=73313;x":                            "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=73313;x", // 7777 + 65536
		"Via: SIP/2.0/UDP 192.168.199.199:7777;rport=x;x":                                "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=x;x",
		"Via: SIP/2.0/UDP 192.168.199.199:7777;received=192.168.199.199;rport=7777;x":    "Via: SIP/2.0/UDP 10.0.0.1:5060;received=10.0.0.1;rport=5060;x",
		"Via: SIP/2.0/UDP 192.168.199.199;rport=7777;x":                                  "Via: SIP/2.0/UDP 192.168.199.199;rport=7777;x",
		"Contact: <sip:192.168.199.199:7777>\r\nTo: <sip:192.168.199.199>\r\nFrom: sip:": "Contact: <sip:10.0.0.1:5060>\r\nTo: <sip:192.168.199.199>\r\nFrom: sip:",
	} {
		if got, want := server(lines(ok, "CSeq: 1 OPTIONS", in)), lines(ok, "CSeq: 1 OPTIONS", want); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestSIPForcedPort: a client that listens elsewhere than it sends from gets its
// answers there (RFC 3261, 18.2.2).
func TestSIPForcedPort(t *testing.T) {
	p := newPhones(t, true)
	const options = "OPTIONS sip:x SIP/2.0"
	p.said(t, 0, lines(options, "Via: SIP/2.0/UDP 10.0.0.1:5070;branch=1"))
	if got := p.extra(slotOf(p.ref)).sip.forcedPort; got != 5070 {
		t.Fatalf("forced port %d", got)
	}
	out, ok := p.pass(packettest.UDP(sAddr, nAddr, 5060, 5060, lines("OPTIONS sip:a@192.168.199.199 SIP/2.0")), SIP)
	var h packet.Headers
	packet.Parse(out, &h)
	if !ok || h.Tuple.DPort != 5070 || string(out[h.Payload:h.End]) != lines("OPTIONS sip:a@10.0.0.1:5070 SIP/2.0") {
		t.Errorf("to port %d: %q", h.Tuple.DPort, out[42:])
	}
	// Its own direction keeps its ports.
	if out, ok := p.pass(packettest.UDP(cAddr, sAddr, 5060, 5060, lines(options)), SIP); !ok || out[36] != 5060>>8 || out[37] != 5060&255 {
		t.Errorf("%v, % x", ok, out[34:38])
	}
	for _, via := range []string{"10.0.0.1:5060", "10.0.0.3:5070", "host"} {
		p := newPhones(t, true)
		p.said(t, 0, lines(options, "Via: SIP/2.0/UDP "+via+";branch=1"))
		if got := p.extra(slotOf(p.ref)).sip.forcedPort; got != 0 {
			t.Errorf("Via %s forces port %d", via, got)
		}
	}
}

// TestSIPMediaTranslation: a description's addresses, ports and length
// (nf_nat_sip.c nf_nat_sdp_media, nf_nat_sdp_session), with what is expected for it.
func TestSIPMediaTranslation(t *testing.T) {
	desc := func(owner, conn string, rest ...string) string {
		b := "v=0\r\no=u 1 1 IN IP4 " + owner + "\r\ns=-\r\n"
		if conn != "" {
			b += "c=IN IP4 " + conn + "\r\n"
		}
		return b + "t=0 0\r\n" + strings.Join(rest, "\r\n") + "\r\n"
	}
	media := func(p *phones) string {
		var s []string
		for _, e := range p.Expectations(p.now) {
			s = append(s, fmt.Sprintf("%s:%d-%d/%d", e.Tuple.Dst.Netip(packet.IPv4), e.Tuple.DPort, e.savedPort, e.class))
			if e.savedAddr != (packet.Addr{10, 0, 0, 1}) || e.follow != followSIP || e.dir != 1 || e.Tuple.Src != (packet.Addr{10, 0, 0, 2}) || e.Tuple.SPort != 0 {
				s = append(s, fmt.Sprintf("%+v", e))
			}
		}
		return strings.Join(s, " ")
	}
	const n = "192.168.199.199"
	for _, tc := range []struct {
		name     string
		in, want string
		expected string
	}{
		{"the session's address", desc(cAddr, cAddr, "m=audio 4000 x"), desc(nAddr, nAddr, "m=audio 4000 x"), n + ":4000-4000/1 " + n + ":4001-4001/1"},
		{"the medium's own", desc(cAddr, "", "m=audio 4000 x", "c=IN IP4 10.0.0.1"), desc(nAddr, "", "m=audio 4000 x", "c=IN IP4 192.168.199.199"), n + ":4000-4000/1 " + n + ":4001-4001/1"},
		{"both", desc(cAddr, cAddr, "m=audio 4000 x", "c=IN IP4 10.0.0.1", "m=video 4010 x"), desc(nAddr, nAddr, "m=audio 4000 x", "c=IN IP4 192.168.199.199", "m=video 4010 x"),
			n + ":4000-4000/1 " + n + ":4001-4001/1 " + n + ":4010-4010/2 " + n + ":4011-4011/2"},
		{"an image", desc(cAddr, cAddr, "m=image 4000 x"), desc(nAddr, nAddr, "m=image 4000 x"), n + ":4000-4000/3 " + n + ":4001-4001/3"},
		{"off", desc(cAddr, cAddr, "m=audio 0 x"), desc(cAddr, cAddr, "m=audio 0 x"), ""},
		{"no medium", desc(cAddr, cAddr), desc(cAddr, cAddr), ""},
		{"an unknown medium", desc(cAddr, cAddr, "m=text 4000 x"), desc(cAddr, cAddr, "m=text 4000 x"), ""},
		{"no address at all", desc(cAddr, "", "m=audio 4000 x"), "dropped", ""},
		{"no owner", "v=0\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 x\r\n", "dropped", n + ":4000-4000/1 " + n + ":4001-4001/1"},
		{"a privileged port", desc(cAddr, cAddr, "m=audio 1023 x"), "dropped", ""},
		{"the lowest port", desc(cAddr, cAddr, "m=audio 1024 x"), desc(nAddr, nAddr, "m=audio 1024 x"), n + ":1024-1024/1 " + n + ":1025-1025/1"},
		{"the highest port", desc(cAddr, cAddr, "m=audio 65535 x"), desc(nAddr, nAddr, "m=audio 65535 x"), n + ":65534-65534/1 " + n + ":65535-65535/1"},
		{"beyond the highest", desc(cAddr, cAddr, "m=audio 65536 x"), "dropped", ""},
		{"odd", desc(cAddr, cAddr, "m=audio 4001 x"), desc(nAddr, nAddr, "m=audio 4001 x"), n + ":4000-4000/1 " + n + ":4001-4001/1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			msg := func(body string) string {
				return fmt.Sprintf("INVITE sip:x SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}
			p := newPhones(t, true)
			p.said(t, 0, lines("OPTIONS sip:x SIP/2.0"))
			want := tc.want
			if want != "dropped" {
				want = msg(want)
			}
			if got := p.said(t, 0, msg(tc.in)); got != want {
				t.Errorf("\n%q, want\n%q", got, want)
			}
			if got := media(p); got != tc.expected {
				t.Errorf("%s is expected, want %s", got, tc.expected)
			}
		})
	}
	// Where the pair is promised, the next pair of ports is written instead.
	p := newPhones(t, true)
	p.said(t, 0, lines("OPTIONS sip:x SIP/2.0"))
	taken := Expectation{Master: p.ref, MasterOf: p.Conn(p.ref).Orig, Helper: SIP, class: sipVideo, Tuple: packet.Tuple{
		Src: packet.Addr{10, 0, 0, 2}, Dst: p.nat.Min, DPort: 4001, SPort: 9, Proto: packet.ProtoUDP, Family: packet.IPv4,
	}}
	if _, res := p.announce(p.now, taken, false); res != expectOK {
		t.Fatal(res)
	}
	msg := func(verb, body string) string {
		return fmt.Sprintf("%s sip:x SIP/2.0\r\nCSeq: 1 %s\r\nContent-Length: %d\r\n\r\n%s", verb, verb, len(body), body)
	}
	if got, want := p.said(t, 0, msg("UPDATE", desc(cAddr, cAddr, "m=audio 4000 x"))), msg("UPDATE", desc(nAddr, nAddr, "m=audio 4002 x")); got != want {
		t.Errorf("\n%q, want\n%q", got, want)
	}
	if got, want := fmt.Sprint(p.ports()), "[4001 4002 4003]"; got != want {
		t.Errorf("%s is expected, want %s", got, want)
	}
	// No pair is free up to the end: the message goes.
	taken.Tuple.DPort = 65535
	p.announce(p.now, taken, false)
	if got := p.said(t, 0, msg("UPDATE", desc(cAddr, cAddr, "m=audio 65534 x"))); got != "dropped" {
		t.Errorf("%q", got)
	}
}

// TestSIPRegistration: a contact is announced under the translator's address, and
// written so (nf_nat_sip.c nf_nat_sip_expect).
func TestSIPRegistration(t *testing.T) {
	reg := func(contact string) string {
		return lines("REGISTER sip:x SIP/2.0", "CSeq: 9 REGISTER", "Contact: "+contact)
	}
	const n = "192.168.199.199"
	for _, tc := range []struct {
		name     string
		moved    bool // the client is known under port 7777
		before   string
		contact  string
		want     string
		expected string
	}{
		{"where it sends from", true, "", "<sip:a@10.0.0.1:5060>;expires=60", "<sip:a@192.168.199.199:7777>;expires=60", n + ":7777-5060"},
		{"elsewhere", true, "", "<sip:a@10.0.0.1:5062>;expires=60", "<sip:a@192.168.199.199:5062>;expires=60", n + ":5062-5062"},
		{"where its answers go", true, "Via: SIP/2.0/UDP 10.0.0.1:5062;x", "<sip:a@10.0.0.1:5062>;expires=60", "<sip:a@192.168.199.199:7777>;expires=60", n + ":7777-5062"},
		{"for no time", false, "", "<sip:a@10.0.0.1:5062>;expires=0", "<sip:a@10.0.0.1:5062>;expires=0", ""},
		{"for no time that is said", false, "", "<sip:a@10.0.0.1:5062>", "<sip:a@10.0.0.1:5062>", ""},
		{"for a time that is none", false, "", "<sip:a@10.0.0.1:5062>;expires=x;y", "dropped", ""},
		{"over TCP", false, "", "<sip:a@10.0.0.1:5062;transport=tcp>;expires=60", "<sip:a@10.0.0.1:5062;transport=tcp>;expires=60", ""},
		{"over UDP", false, "", "<sip:a@10.0.0.1:5062;transport=udp>;expires=60", "<sip:a@192.168.199.199:5062;transport=udp>;expires=60", n + ":5062-5062"},
		{"another's", false, "", "<sip:a@10.0.0.3:5062>;expires=60", "<sip:a@10.0.0.3:5062>;expires=60", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPhones(t, true)
			if tc.moved {
				p = portMoved(t)
			}
			first := []string{"OPTIONS sip:x SIP/2.0"}
			if tc.before != "" {
				first = append(first, tc.before)
			}
			p.said(t, 0, lines(first...))
			want := tc.want
			if want != "dropped" {
				want = reg(want)
			}
			if got := p.said(t, 0, reg(tc.contact)); got != want {
				t.Errorf("\n%q, want\n%q", got, want)
			}
			got := ""
			for _, e := range p.Expectations(p.now) {
				got = fmt.Sprintf("%s:%d-%d", e.Tuple.Dst.Netip(packet.IPv4), e.Tuple.DPort, e.savedPort)
				if e.adopts != SIP || e.class != sipSignalling || e.Flags != ExpectPermanent|ExpectInactive || e.savedAddr != (packet.Addr{10, 0, 0, 1}) || e.Deadline != p.now+180*second {
					t.Errorf("%+v", e)
				}
			}
			if got != tc.expected {
				t.Errorf("%s is expected, want %s", got, tc.expected)
			}
			if seq := p.extra(slotOf(p.ref)).sip.register; (seq == 9) != (tc.expected != "" || strings.HasPrefix(tc.name, "for no time") && want != "dropped") {
				t.Errorf("request %d is remembered", seq)
			}
		})
	}
}
