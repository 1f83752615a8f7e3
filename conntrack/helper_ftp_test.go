package conntrack

import (
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestFTPPatterns: which announcements are read, in both families, and what of a
// line is replaced (nf_conntrack_ftp.c find_pattern, try_rfc959, try_eprt,
// try_epsv_response).
func TestFTPPatterns(t *testing.T) {
	v6 := "1111:2222:3333:4444:5555:6666:7777:8888"
	long := "0000:0000:0000:0000:0000:ffff:255.255.255.255" // 45 characters, the longest
	for _, c := range []struct {
		family uint8
		reply  bool
		text   string
		want   string
	}{
		{packet.IPv6, false, "EPRT |2|fd00::1|51210|\r\n", "fd00::1 51210 at 5+17"},
		{packet.IPv6, false, "eprt |2|fd00::1|51210|\r\n", "fd00::1 51210 at 5+17"},
		{packet.IPv6, false, "EPRT |2|" + v6 + "|1|\r\n", v6 + " 1 at 5+45"},
		{packet.IPv6, false, "EPRT |2|" + long + "|1|\r\n", "::ffff:255.255.255.255 1 at 5+51"},
		{packet.IPv6, false, "EPRT |2|0" + long + "|1|\r\n", "part"},
		{packet.IPv6, false, "EPRT |2|fd00::1%e|1|\r\n", "part"},
		{packet.IPv6, false, "EPRT |2|10.0.0.1|1|\r\n", "part"},
		{packet.IPv6, false, "EPRT |1|10.0.0.1|1|\r\n", "part"},
		{packet.IPv6, false, "EPRT |2|fd00::1", "part"},
		{packet.IPv6, false, "EPRT |2||1|\r\n", "part"},
		{packet.IPv6, false, "EPRT |2|fd00::1|1", "part"},
		{packet.IPv6, false, "PORT 10,0,0,1,200,10\r\n", "part"},
		{packet.IPv6, true, "229 x (|||50000|)\r\n", "fd00::9 50000 at 7+9"},
		{packet.IPv6, true, "227 (10,0,0,1,1,1)\r\n", "part"},
		{packet.IPv4, true, "229 (|||50000|", "10.0.0.9 50000 at 5+9"},
		{packet.IPv4, true, "229 (|||0|)", "part"},
		{packet.IPv4, true, "229 (|||5a|)", "part"},
		{packet.IPv4, true, "229 (||!5|)", "part"},
		{packet.IPv4, true, "229 (|!|5|)", "part"},
		{packet.IPv4, true, "229 (1115|)", "part"},
		{packet.IPv4, true, "229 (|||", "part"},
		{packet.IPv4, true, "229 (|||1", "part"},
		{packet.IPv4, true, "229 (~~~7~)", "10.0.0.9 7 at 5+5"},
		{packet.IPv4, true, "229 (\x7f\x7f\x7f7\x7f)", "part"},
		{packet.IPv4, true, "229 (   7 )", "part"},
		{packet.IPv4, true, "229 (!!!7!)", "10.0.0.9 7 at 5+5"},
		{packet.IPv4, true, "229 (///7/)", "10.0.0.9 7 at 5+5"},
		{packet.IPv4, true, "229 (:::7:)", "10.0.0.9 7 at 5+5"},
		{packet.IPv4, true, "229 (00070)", "part"},
		{packet.IPv4, true, "229 (99979)", "part"},
		{packet.IPv4, true, "229 x(", "part"},
		{packet.IPv4, true, "227 1,2,3,4,5,6)", "1.2.3.4 1286 at 4+11"},
		{packet.IPv4, true, "227 =1,2,3,4,5,6\r", "1.2.3.4 1286 at 5+11"},
		{packet.IPv4, true, "227 1,2,3,4,5,6", "part"},
		{packet.IPv4, true, "227 1,2,3,4,5)", "part"},
		{packet.IPv4, true, "227 code 9 (1,2,3,4,5,6)", "part"},
		{packet.IPv4, true, "227", "part"},
		{packet.IPv4, true, "227 ", "part"},
		{packet.IPv4, true, "228 1,2,3,4,5,6)", "nothing"},
		{packet.IPv4, true, "2", "part"},
		{packet.IPv4, true, "3", "nothing"},
		{packet.IPv4, false, "PORT 1,2,3,4,5,6\n", "part"},
		{packet.IPv4, false, "PORT 1,2,3,4,5,6\r", "1.2.3.4 1286 at 5+11"},
		{packet.IPv4, false, "PORT\t1,2,3,4,5,6\r", "part"},
		{packet.IPv4, false, "PORT 1,2,3,4,5,6,\r", "part"},
		{packet.IPv4, false, "PORT 1.2.3.4.5.6\r", "part"},
		{packet.IPv4, false, "PORT 1,2,3,4,0,0\r", "1.2.3.4 0 at 5+11"},
		{packet.IPv4, false, "PORT 255,255,255,255,255,255\r", "255.255.255.255 65535 at 5+23"},
		{packet.IPv4, false, "PORT ", "part"},
		{packet.IPv4, false, "EPRT |1", "part"},
		{packet.IPv4, false, "EPRT |1|", "part"},
		{packet.IPv4, false, "EPRT |1|1.2.3.4|7|", "1.2.3.4 7 at 5+13"},
		{packet.IPv4, false, "EPRT |1!1.2.3.4|7|", "part"},
		{packet.IPv4, false, "EPRT |3|1.2.3.4|7|", "part"},
		{packet.IPv4, false, "EPRX |1|1.2.3.4|7|", "nothing"},
	} {
		dir, from := 0, packet.Addr{10, 0, 0, 9}
		if c.reply {
			dir = 1
		}
		if c.family == packet.IPv6 {
			from, _ = sipAddr([]byte("fd00::9"), packet.IPv6, false)
		}
		got := "nothing"
		for _, w := range ftpWords[dir] {
			at, n, addr, port, found := ftpFind([]byte(c.text), w.word, w.skip, w.term, w.kind, from, c.family)
			if found != ftpWhole && (n != 0 || port != 0) {
				t.Errorf("%q: %d bytes of nothing", c.text, n)
			}
			if found == ftpPart {
				got = "part"
			}
			if found == ftpWhole {
				got = fmt.Sprintf("%s %d at %d+%d", addr.Netip(c.family), port, at, n)
			}
			if found != ftpNothing {
				break
			}
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
	}
}

// TestFTPText: how each kind is written (nf_nat_ftp.c nf_nat_ftp_fmt_cmd, with %pI4
// and %pI6).
func TestFTPText(t *testing.T) {
	four := packet.Addr{192, 168, 9, 254}
	six, _ := sipAddr([]byte("fd00::9"), packet.IPv6, false)
	for _, c := range []struct {
		kind   ftpKind
		addr   packet.Addr
		family uint8
		want   string
	}{
		{ftpPORT, four, packet.IPv4, "192,168,9,254,200,10"},
		{ftpPASV, four, packet.IPv4, "192,168,9,254,200,10"},
		{ftpEPRT, four, packet.IPv4, "|1|192.168.9.254|51210|"},
		{ftpEPRT, six, packet.IPv6, "|2|fd00:0000:0000:0000:0000:0000:0000:0009|51210|"},
		{ftpEPSV, four, packet.IPv4, "|||51210|"},
		{ftpEPSV, six, packet.IPv6, "|||51210|"},
	} {
		if got := string(ftpText(c.kind, c.addr, c.family, 51210)); got != c.want {
			t.Errorf("kind %d: %s, want %s", c.kind, got, c.want)
		}
	}
}

// TestFTPLineEnds: a command counts where a line was seen to end: not behind a part
// of an announcement, nor behind a segment without a newline.
func TestFTPLineEnds(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines []string
		want  int // how many are expected then
	}{
		{"behind a line", []string{"USER a\r\n", portLine(51210)}, 1},
		{"behind a bare newline", []string{"\n", portLine(51210)}, 1},
		{"behind half a line", []string{"USER a\r\n", "USER", portLine(51210)}, 0},
		{"behind a carriage return", []string{"USER a\r", portLine(51210)}, 0},
		{"behind an announcement", []string{"USER a\r\n", portLine(51210), portLine(51211)}, 1},
		{"behind half an announcement with a newline", []string{"USER a\r\n", "PORT 1,2\n", portLine(51210)}, 0},
	} {
		c := newControl(t, FTP)
		for _, l := range tc.lines {
			c.say(l)
		}
		if got := len(c.Expectations(c.now)); got != tc.want {
			t.Errorf("%s: %d expected, want %d", tc.name, got, tc.want)
		}
	}
	// Segments without data, and those before the connection is established, say nothing.
	c := newControl(t, FTP)
	c.say("USER a\r\n")
	seq := c.seq
	if !c.say("") || c.seq != seq {
		t.Error("a segment without data was dropped")
	}
	c.say(portLine(51210))
	if len(c.Expectations(c.now)) != 1 {
		t.Error("a segment without data ended the line")
	}
}

// TestFTPExpectations: what is expected of a server's line and of a client's, with and
// without translation.
func TestFTPExpectations(t *testing.T) {
	answer := func(c *control, to, line string) bool {
		f := packettest.TCP(sAddr, to, 21, 40000, "PA", c.ack, c.seq, line)
		c.ack += uint32(len(line))
		_, ok := c.pass(f, NoHelper)
		return ok
	}
	for _, tc := range []struct {
		name, line string
		want       string
	}{
		{"PASV", "227 (10,0,0,2,195,80)\r\n", "10.0.0.1:0 - 10.0.0.2:50000"},
		{"EPSV", "229 (|||50000|)\r\n", "10.0.0.1:0 - 10.0.0.2:50000"},
		{"PASV at another host", "227 (10,0,0,3,195,80)\r\n", ""},
		{"another answer", "226 (10,0,0,2,195,80)\r\n", ""},
	} {
		c := newControl(t, FTP)
		answer(c, cAddr, "220 x\r\n")
		if !answer(c, cAddr, tc.line) {
			t.Errorf("%s: dropped", tc.name)
		}
		got := ""
		for _, e := range c.Expectations(c.now) {
			got = fmt.Sprintf("%s:%d - %s:%d", e.Tuple.Src.Netip(packet.IPv4), e.Tuple.SPort, e.Tuple.Dst.Netip(packet.IPv4), e.Tuple.DPort)
			if e.Tuple.Proto != packet.ProtoTCP || e.Tuple.Family != packet.IPv4 || e.Helper != FTP || e.Master != c.ref || e.MasterOf.DPort != 21 || e.Flags != 0 || e.Deadline != c.now+300*second {
				t.Errorf("%s: %+v", tc.name, e)
			}
		}
		if got != tc.want {
			t.Errorf("%s: %s is expected, want %s", tc.name, got, tc.want)
		}
	}
	// A client's PORT waits for the server's address, whatever the port.
	c := newControl(t, FTP)
	c.say("USER a\r\n")
	c.say(portLine(51210))
	if e := c.Expectations(c.now)[0]; e.Tuple.Src != (packet.Addr{10, 0, 0, 2}) || e.Tuple.Dst != (packet.Addr{10, 0, 0, 1}) || e.Tuple.SPort != 0 || e.follow != followNot {
		t.Errorf("%+v", e)
	}
}

// TestTFTPRequests: only requests to read and to write announce a transfer.
func TestTFTPRequests(t *testing.T) {
	for op, want := range map[string]int{"\x00\x01": 1, "\x00\x02": 1, "\x00\x00": 0, "\x00\x03": 0, "\x01\x01": 0, "\x00": 0, "": 0, "\x00\x01x": 1} {
		c := &control{bed: newBed(t)}
		if _, ok := c.pass(packettest.UDP(cAddr, sAddr, 2000, 69, op), TFTP); !ok {
			t.Errorf("%q: dropped", op)
		}
		got := c.Expectations(c.now)
		if len(got) != want {
			t.Errorf("%q: %d expected, want %d", op, len(got), want)
		}
		for _, e := range got {
			want := Expectation{
				Master: c.ref, MasterOf: c.Conn(c.ref).Orig, Helper: TFTP, Deadline: c.now + 300*second, serial: 1,
				Tuple: packet.Tuple{Src: packet.Addr{10, 0, 0, 2}, Dst: packet.Addr{10, 0, 0, 1}, DPort: 2000, Proto: packet.ProtoUDP, Family: packet.IPv4},
			}
			if e != want {
				t.Errorf("%q: %+v, want %+v", op, e, want)
			}
		}
	}
	c := &control{bed: newBed(t, "nf_conntrack_expect_max=0")}
	if _, ok := c.pass(packettest.UDP(cAddr, sAddr, 2000, 69, "\x00\x01"), TFTP); ok {
		t.Error("a request whose transfer cannot be expected went through")
	}
	// Of a translated client the transfer goes to its own port.
	p := newPhones(t, true)
	p.pass(packettest.UDP(cAddr, sAddr, 2000, 69, "\x00\x01"), TFTP)
	e := p.Expectations(p.now)
	if len(e) != 1 || e[0].follow != followMaster || e[0].dir != 1 || e[0].savedPort != 2000 || e[0].Tuple.Dst != p.nat.Min {
		t.Errorf("%+v", e)
	}
}

// TestPlace: an expectation whose port is promised gets another above it, or none
// (nf_nat_helper.c nf_nat_exp_find_port).
func TestPlace(t *testing.T) {
	parleyOf := func(a *awaiting, master int) *parley {
		ref := a.master[master]
		return &parley{t: a.Tracker, now: a.now, c: a.Conn(ref), ref: ref, x: a.extra(slotOf(ref))}
	}
	for _, tc := range []struct {
		name  string
		taken []uint16
		port  uint16
		want  func(got uint16) bool
	}{
		{"free", nil, 4000, func(p uint16) bool { return p == 4000 }},
		{"taken", []uint16{4000}, 4000, func(p uint16) bool { return p > 4000 }},
		{"the last one", nil, 65535, func(p uint16) bool { return p == 65535 }},
		{"the last one is taken", []uint16{65535}, 65535, nil},
		{"the last but one is taken", []uint16{65534}, 65534, nil},
		{"zero", nil, 0, nil},
	} {
		a := newAwaiting(t)
		for _, port := range tc.taken {
			a.announce(a.now, a.to(1, SIP, sipAudio, port), false)
		}
		e := parleyOf(a, 0).place(a.to(0, SIP, sipAudio, tc.port))
		switch {
		case tc.want == nil:
			if e != nil {
				t.Errorf("%s: %d", tc.name, e.Tuple.DPort)
			}
		case e == nil || !tc.want(e.Tuple.DPort):
			t.Errorf("%s: %+v", tc.name, e)
		}
		if n := len(a.Expectations(a.now)); tc.name == "zero" && n != 1 {
			t.Errorf("%s: %d are expected", tc.name, n)
		}
	}
	// An expectation that cannot be kept has no place.
	a := newAwaiting(t, "nf_conntrack_expect_max=0")
	if e := parleyOf(a, 0).place(a.to(0, SIP, sipAudio, 4000)); e != nil {
		t.Errorf("%+v", e)
	}
}

// TestRefresh: a helper's timeout counts from now on for a connection that is known,
// and from the commit for one that is not; a fixed one stays (nf_ct_refresh).
func TestRefresh(t *testing.T) {
	b := newBed(t)
	ct := b.fresh(packettest.UDP(cAddr, sAddr, 5060, 5060, "x"))
	c := b.Conn(ct.Conn)
	p := &parley{t: b.Tracker, now: b.now, c: c, ref: ct.Conn}
	if p.refresh(77 * second); c.Timeout != 77*second {
		t.Errorf("unknown: %d", c.Timeout)
	}
	b.Confirm(b.now, &ct)
	if p.refresh(5 * second); c.Timeout != b.now+5*second {
		t.Errorf("known: %d", c.Timeout-b.now)
	}
	c.Status |= StatusFixedTimeout
	if p.refresh(99 * second); c.Timeout != b.now+5*second {
		t.Errorf("fixed: %d", c.Timeout-b.now)
	}
	c.Status &^= StatusFixedTimeout
	// A shorter time is noted: it ends then, without a packet.
	b.Tick(b.now, 1<<20)
	b.now += 20 * second
	if b.Tick(b.now, 1<<20); b.Len() != 0 {
		t.Error("it lives on")
	}
}

// TestMangle: a packet grows no longer than its buffer, nor than an IP packet may be.
func TestMangle(t *testing.T) {
	for _, tc := range []struct {
		name       string
		room, grow int
		want       bool
	}{
		{"as long as the buffer", 10, 10, true},
		{"longer than the buffer", 9, 10, false},
		{"shorter", 0, -3, true},
		{"as long as it was", 0, 0, true},
	} {
		f := packettest.UDP(cAddr, sAddr, 5060, 5060, "hello world")
		var h packet.Headers
		packet.Parse(f, &h)
		p := &parley{frame: f, buf: make([]byte, len(f)+tc.room), h: &h}
		if ok := p.mangle(0, 5, []byte(strings.Repeat("y", 5+tc.grow))); ok != tc.want || p.changed != tc.want {
			t.Errorf("%s: %v", tc.name, ok)
		}
		if want := strings.Repeat("y", 5+tc.grow) + " world"; tc.want && string(p.payload()) != want {
			t.Errorf("%s: %q", tc.name, p.payload())
		}
	}
	// An Ethernet header stands before the IP packet: the end is at most 65535.
	for n, want := range map[int]bool{65535: true, 65536: false} {
		f := packettest.UDP(cAddr, sAddr, 5060, 5060, "x")
		var h packet.Headers
		packet.Parse(f, &h)
		p := &parley{frame: f, buf: make([]byte, 70000), h: &h}
		if got := p.mangle(0, 1, make([]byte, n-len(f)+1)); got != want {
			t.Errorf("to %d bytes: %v", n, got)
		}
	}
}
