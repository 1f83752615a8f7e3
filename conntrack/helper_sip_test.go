package conntrack

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

const nAddr = "192.168.199.199" // the client's at the translator

// phones are a client, a server and a tracker with the SIP helper between.
type phones struct {
	*bed
	nat *NATRange
	ref packet.ConnRef
}

func newPhones(t testing.TB, translated bool, sysctls ...string) *phones {
	p := &phones{bed: newBed(t, sysctls...)}
	if translated {
		p.nat = addrRange(SrcNAT, nAddr, nAddr)
	}
	return p
}

// pass sends a frame through tracker, translator and helper, and commits what
// is new.
func (p *phones) pass(f []byte, h Helper) (out []byte, ok bool) {
	p.Helper()
	p.now += 1e6
	var hd packet.Headers
	var ct packet.CT
	packet.Parse(f, &hd)
	hd.Hash = p.Hash(&hd.Tuple)
	if p.In(p.now, f, &hd, 0, &ct) != Accept || ct.Conn == 0 {
		return f, false
	}
	r := &NATRange{}
	if ct.Info == packet.CTNew && p.nat != nil {
		r = p.nat
	}
	if _, res := p.NAT(p.now, f, &hd, &ct, r, r == p.nat); res != Accept {
		p.Fatalf("not translated: %v", res)
	}
	p.SetHelper(ct.Conn, h, hd.Tuple.Family)
	if out, ok = p.Tracker.Help(p.now, f, make([]byte, len(f)+MaxGrowth), &hd, &ct); !ok {
		p.Discard(&ct)
		return out, false
	}
	if p.Confirm(p.now, &ct) != Accept {
		p.Fatal("not confirmed")
	}
	if p.ref == 0 {
		p.ref = ct.Conn
	}
	fixed := bytes.Clone(out)
	packettest.Fix(fixed)
	if !bytes.Equal(fixed, out) {
		p.Fatalf("checksums are wrong: %x", out)
	}
	return out, true
}

func (p *phones) client(text string) bool {
	p.Helper()
	_, ok := p.pass(packettest.UDP(cAddr, sAddr, 5060, 5060, text), SIP)
	return ok
}

func (p *phones) server(text string) bool {
	p.Helper()
	to := cAddr
	if p.nat != nil {
		to = nAddr
	}
	_, ok := p.pass(packettest.UDP(sAddr, to, 5060, 5060, text), SIP)
	return ok
}

// sdpOf describes a session at an address.
func sdpOf(addr string, media ...string) string {
	return fmt.Sprintf("v=0\r\no=u 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=%s\r\n", addr, addr, strings.Join(media, "\r\nm="))
}

// sipText is a message from a first line, further headers and a body.
func sipText(first, headers, body string) string {
	return fmt.Sprintf("%s\r\n%sContent-Length: %d\r\n\r\n%s", first, headers, len(body), body)
}

func invite(seq int, body string) string {
	return sipText("INVITE sip:b@10.0.0.2 SIP/2.0", fmt.Sprintf("CSeq: %d INVITE\r\n", seq), body)
}

func answer(code, seq int, method, more string) string {
	return sipText(fmt.Sprintf("SIP/2.0 %d X", code), fmt.Sprintf("CSeq: %d %s\r\n%s", seq, method, more), "")
}

func register(seq int, contact string) string {
	return sipText("REGISTER sip:10.0.0.2 SIP/2.0", fmt.Sprintf("CSeq: %d REGISTER\r\nContact: %s\r\n", seq, contact), "")
}

// ports lists what is expected, as destination ports.
func (p *phones) ports() (out []uint16) {
	for _, e := range p.Expectations(p.now) {
		out = append(out, e.Tuple.DPort)
	}
	return out
}

func (p *phones) wantPorts(what string, want ...uint16) {
	p.Helper()
	if got := p.ports(); fmt.Sprint(got) != fmt.Sprint(want) {
		p.Errorf("%s: %v is expected, want %v", what, got, want)
	}
}

func TestSIP(t *testing.T) {
	t.Run("B031_sip_media_are_expected", func(t *testing.T) {
		p := newPhones(t, false)
		p.client(invite(1, sdpOf(cAddr, "audio 4001 RTP/AVP 0", "video 0 x", "text 9 x", "image 4010 x")))
		p.wantPorts("an INVITE", 4000, 4001, 4010, 4011)
		for port, want := range map[uint16]string{4000: "rel", 4011: "rel", 4012: "new"} {
			if got := p.in(packettest.UDP(sAddr, cAddr, 6000, port, "rtp")); got != want {
				t.Errorf("to port %d: %s, want %s", port, got, want)
			}
		}
		if got := p.in(packettest.UDP("10.0.0.9", cAddr, 6000, 4001, "rtp")); got != "new" {
			t.Errorf("from another host: %s", got)
		}
	})
	t.Run("B031_sip_media_end_with_the_call", func(t *testing.T) {
		p := newPhones(t, false)
		p.client(invite(1, sdpOf(cAddr, "audio 4000 x")))
		p.server(answer(486, 2, "INVITE", ""))
		p.wantPorts("another request has failed", 4000, 4001)
		p.server(answer(486, 1, "INVITE", ""))
		p.wantPorts("this request has failed")
		p.client(invite(2, sdpOf(cAddr, "audio 4000 x")))
		p.client(invite(3, sdpOf(cAddr, "audio 4002 x")))
		p.wantPorts("a new INVITE", 4002, 4003)
		p.server(sipText("BYE sip:a@10.0.0.1 SIP/2.0", "CSeq: 1 BYE\r\n", ""))
		p.wantPorts("BYE")
	})
	t.Run("B031_sip_expectations_live_three_minutes", func(t *testing.T) {
		p := newPhones(t, false)
		p.client(invite(1, sdpOf(cAddr, "audio 4000 x")))
		if p.now += 180*second - 1; len(p.ports()) != 2 {
			t.Error("gone too early")
		}
		if p.now++; len(p.ports()) != 0 {
			t.Error("still there")
		}
		if left := p.left(); left != 3600-180 {
			t.Errorf("the connection itself has %d s left", left)
		}
	})
	t.Run("B031_sip_limits_by_class", func(t *testing.T) {
		p := newPhones(t, false)
		p.client(invite(1, sdpOf(cAddr, "audio 4000 x", "audio 4002 x", "audio 4004 x", "audio 4006 x")))
		p.wantPorts("two pairs of audio, three media", 4002, 4003, 4004, 4005)
		p.client(invite(1, sdpOf(cAddr, "image 4000 x", "image 4002 x", "video 4004 x")))
		p.wantPorts("one pair of an image", 4002, 4003, 4004, 4005)
	})
	t.Run("B031_sip_a_third_host_opens_nothing", func(t *testing.T) {
		for _, translated := range []bool{false, true} {
			p := newPhones(t, translated)
			for _, text := range []string{
				invite(1, sdpOf("10.0.0.9", "audio 4000 x")),
				invite(2, sdpOf(cAddr, "audio 4000 x\r\nc=IN IP4 10.0.0.9")),
				invite(3, sdpOf(sAddr, "audio 4000 x")),
				register(4, "<sip:a@10.0.0.9:5060>;expires=60"),
			} {
				if !p.client(text) || len(p.ports()) != 0 {
					t.Errorf("translated %v: %q made %v expected", translated, text, p.ports())
				}
			}
		}
	})
	t.Run("B031_sip_calls_are_expected_after_the_registrar's_consent", func(t *testing.T) {
		p := newPhones(t, false)
		call := packettest.UDP(sAddr, cAddr, 7000, 5062, "x")
		p.client(register(7, "<sip:a@10.0.0.1:5062>;expires=60"))
		if p.wantPorts("REGISTER", 5062); p.Expectations(p.now)[0].Flags != ExpectPermanent|ExpectInactive {
			t.Error("it is active already")
		}
		if got := p.in(bytes.Clone(call)); got != "new" {
			t.Errorf("before: %s", got)
		}
		p.server(answer(200, 6, "REGISTER", "Contact: <sip:a@10.0.0.1:5062>;expires=60\r\n"))
		p.server(answer(100, 7, "REGISTER", ""))
		p.server(answer(200, 7, "REGISTER", "Expires: 90\r\nContact: <sip:x@10.0.0.8>\r\nContact: <sip:a@10.0.0.1:5062>\r\n"))
		p.now += 89 * second
		if got := p.in(packettest.UDP(sAddr, cAddr, 7001, 5062, "x")); got != "rel" {
			t.Errorf("after: %s", got)
		}
		p.now += second
		p.wantPorts("its time is over")
		p.client(register(8, "<sip:a@10.0.0.1:5062>;expires=60"))
		p.server(answer(403, 8, "REGISTER", ""))
		p.wantPorts("refused")
	})
	t.Run("B031_sip_an_expected_call_has_the_helper", func(t *testing.T) {
		p := newPhones(t, false)
		p.client(register(1, "<sip:a@10.0.0.1:5062>;expires=60"))
		p.server(answer(200, 1, "REGISTER", "Contact: <sip:a@10.0.0.1:5062>;expires=60\r\n"))
		out, ok := p.pass(packettest.UDP(sAddr, cAddr, 7000, 5062, invite(1, sdpOf(sAddr, "audio 6000 x"))), NoHelper)
		p.wantPorts("an incoming call", 5062, 6000, 6001)
		if _, again := p.pass(packettest.UDP(cAddr, sAddr, 5062, 7000, register(2, "<sip:a@10.0.0.1:5063>;expires=60")), NoHelper); !ok || !again {
			t.Fatalf("%x dropped", out)
		}
		p.wantPorts("it cannot register again", 5062, 6000, 6001)
	})
	t.Run("B031_sip_translated_to_the_end", func(t *testing.T) {
		p := newPhones(t, true)
		text := sipText("INVITE sip:b@10.0.0.2:5060 SIP/2.0",
			"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=1\r\nFrom: <sip:10.0.0.1:5060>\r\nTo: <sip:10.0.0.2:5060>\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.1>\r\n",
			sdpOf(cAddr, "audio 4000 x"))
		out, ok := p.pass(packettest.UDP(cAddr, sAddr, 5060, 5060, text), SIP)
		want := packettest.UDP(nAddr, sAddr, 5060, 5060, sipText("INVITE sip:b@10.0.0.2:5060 SIP/2.0",
			"Via: SIP/2.0/UDP 192.168.199.199:5060;branch=1\r\nFrom: <sip:192.168.199.199:5060>\r\nTo: <sip:10.0.0.2:5060>\r\nCSeq: 1 INVITE\r\nContact: <sip:a@192.168.199.199:5060>\r\n",
			sdpOf(nAddr, "audio 4000 x")))
		if !ok || !bytes.Equal(out, want) {
			t.Errorf("%q, want %q", out, want)
		}
	})
	t.Run("B031_sip_over_TCP", func(t *testing.T) {
		p := newPhones(t, true)
		p.pass(packettest.TCP(cAddr, sAddr, 40000, 5060, "S", 1000, 0, ""), SIPTCP)
		p.pass(packettest.TCP(sAddr, nAddr, 5060, 40000, "SA", 5000, 1001, ""), SIPTCP)
		p.pass(packettest.TCP(cAddr, sAddr, 40000, 5060, "A", 1001, 5001, ""), SIPTCP)
		one := sipText("OPTIONS sip:10.0.0.2 SIP/2.0", "CSeq: 1 OPTIONS\r\nContact: <sip:10.0.0.1:40000>\r\n", "")
		text := one + invite(1, sdpOf(cAddr, "audio 4000 x")) + one[:20]
		whole := len(text) - 20
		out, ok := p.pass(packettest.TCP(cAddr, sAddr, 40000, 5060, "PA", 1001, 5001, text[:whole]), SIPTCP)
		if !ok || strings.Contains(string(out), cAddr) || strings.Count(string(out), nAddr) != 3 {
			t.Errorf("%q", out)
		}
		p.wantPorts("two messages in a segment", 4000, 4001)
		if pos, _, after, ok := p.SeqAdjust(p.ref, 0); !ok || pos != 1001 || int(after) != 3*(len(nAddr)-len(cAddr)) {
			t.Errorf("adjusted by %d from %d on", after, pos)
		}
		if _, ok := p.pass(packettest.TCP(cAddr, sAddr, 40000, 5060, "PA", 1001+uint32(whole), 5001, text[whole:]), SIPTCP); !ok {
			t.Error("a part of a message was dropped")
		}
	})
	t.Run("I7_many_media_and_endless_headers", func(t *testing.T) {
		p := newPhones(t, true)
		for _, text := range []string{
			invite(1, sdpOf(cAddr, strings.Repeat("audio 4000 x\r\nm=", 4000))),
			invite(1, sdpOf(cAddr, strings.Repeat("nothing 4000 x\r\nm=", 3000)+"audio 4000 x")),
			invite(1, strings.Repeat("c=IN IP4 ", 7000)),
			"INVITE sip:b@10.0.0.2 SIP/2.0\r\nVia: " + strings.Repeat("SIP/2.0/UDP ", 5000),
			"INVITE sip:b@10.0.0.2 SIP/2.0\r\nContact: " + strings.Repeat("<sip:10.0.0.1:5060>,", 3000),
			"INVITE sip:b@10.0.0.2 SIP/2.0\r\nContact: " + strings.Repeat("sip:,", 12000),
			"INVITE sip:b@10.0.0.2 SIP/2.0" + strings.Repeat("\r\n ", 20000),
			strings.Repeat("m:sip:@\r\n", 7000),
		} {
			p.client(text)
			if n := len(p.ports()); n > 4 {
				t.Errorf("%d expectations after %.60q…", n, text)
			}
		}
	})
	t.Run("I7_no_more_than_expect_max", func(t *testing.T) {
		p := newPhones(t, false, "nf_conntrack_expect_max=1")
		if p.client(invite(1, sdpOf(cAddr, "audio 4000 x"))) || len(p.ports()) != 0 {
			t.Errorf("half a pair is expected: %v", p.ports())
		}
	})
}

// TestSIPAllocations: what is allocated for a message are expectations and the
// texts that go in.
func TestSIPAllocations(t *testing.T) {
	p := newPhones(t, true)
	text := sipText("OPTIONS sip:b@10.0.0.2:5060 SIP/2.0", "Via: SIP/2.0/UDP 10.0.0.1:5060\r\nFrom: <sip:10.0.0.1:5060>\r\nCSeq: 1 OPTIONS\r\nContact: <sip:a@10.0.0.1>\r\n", "")
	p.client(text)
	frame := packettest.UDP(cAddr, sAddr, 5060, 5060, text)
	f, buf := make([]byte, len(frame)), make([]byte, len(frame)+MaxGrowth)
	n := testing.AllocsPerRun(100, func() {
		p.message(copy(f, frame), f, buf)
	})
	if n > 4 {
		t.Errorf("%v allocations a message", n)
	}
}

// message is pass without tests.
func (p *phones) message(n int, f, buf []byte) {
	var h packet.Headers
	var ct packet.CT
	packet.Parse(f[:n], &h)
	h.Hash = p.Hash(&h.Tuple)
	p.In(p.now, f, &h, 0, &ct)
	p.NAT(p.now, f, &h, &ct, &NATRange{}, false)
	if _, ok := p.Tracker.Help(p.now, f, buf, &h, &ct); !ok {
		p.Fatal("dropped")
	}
}

func BenchmarkSIP(b *testing.B) {
	p := newPhones(b, true)
	text := invite(1, sdpOf(cAddr, "audio 4000 x", "video 4002 x"))
	p.client(text)
	frame := packettest.UDP(cAddr, sAddr, 5060, 5060, text)
	f, buf := make([]byte, len(frame)), make([]byte, len(frame)+MaxGrowth)
	b.ReportAllocs()
	for b.Loop() {
		p.message(copy(f, frame), f, buf)
	}
}

// FuzzSIP lets both sides of a connection say anything, translated or not, in
// datagrams or in a stream.
func FuzzSIP(f *testing.F) {
	inv := sipText("INVITE sip:b@10.0.0.2:5060 SIP/2.0", "Via: SIP/2.0/UDP 10.0.0.1:5060;rport=5060;maddr=10.0.0.1\r\nCSeq: 1 INVITE\r\nm: <sip:a@10.0.0.1>,\r\n <sip:10.0.0.1>\r\n", sdpOf(cAddr, "audio 4000 x", "video 4002 x"))
	f.Add(inv, answer(200, 1, "INVITE", "Contact: <sip:10.0.0.2>\r\n"), byte(1))
	f.Add(inv+inv, answer(486, 1, "INVITE", ""), byte(3))
	f.Add(register(1, "<sip:a@10.0.0.1:5060>;expires=60"), answer(200, 1, "REGISTER", "Contact: <sip:a@192.168.199.199:5060>;expires=60\r\n"), byte(1))
	f.Add("INVITE x\r\nl:4294967295\r\n\r\n", "SIP/2.0 200 \r\nCSeq: 4294967296", byte(2))
	f.Add("OPTIONS sip:b@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5070;x\r\nCSeq: 1 x\r\n\r\n", "SIP/2.0 200 \r\nCSeq: 1 x\r\n\r\n", byte(1))
	f.Fuzz(func(t *testing.T, said, answered string, how byte) {
		if len(said)+len(answered) > 3000 {
			return
		}
		p := newPhones(t, how&1 != 0)
		server := cAddr
		if p.nat != nil {
			server = nAddr
		}
		if how&2 == 0 {
			for range 2 {
				p.pass(packettest.UDP(cAddr, sAddr, 5060, 5060, said), SIP)
				p.pass(packettest.UDP(sAddr, server, 5060, 5060, answered), SIP)
			}
		} else {
			p.pass(packettest.TCP(cAddr, sAddr, 5060, 5060, "S", 1000, 0, ""), SIPTCP)
			p.pass(packettest.TCP(sAddr, server, 5060, 5060, "SA", 5000, 1001, ""), SIPTCP)
			for i := range uint32(2) {
				p.pass(packettest.TCP(cAddr, sAddr, 5060, 5060, "PA", 1001+i*uint32(len(said)), 5001, said), SIPTCP)
				p.pass(packettest.TCP(sAddr, server, 5060, 5060, "PA", 5001+i*uint32(len(answered)), 1001, answered), SIPTCP)
			}
		}
		if errs := p.Check(); len(errs) != 0 {
			t.Fatal(errs)
		}
		if n := len(p.ports()); n > 1+4+4+2 {
			t.Fatalf("%d expectations", n)
		}
		for _, e := range p.Expectations(p.now) {
			own := e.Tuple.Dst.Netip(packet.IPv4).String()
			if own != cAddr && own != sAddr && own != nAddr {
				t.Fatalf("a door is open at %s", own)
			}
		}
	})
}
