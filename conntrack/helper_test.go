package conntrack

import (
	"bytes"
	"fmt"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

func TestFTPAnnouncements(t *testing.T) {
	from := packet.Addr{10, 0, 0, 1}
	for _, c := range []struct {
		text  string
		reply bool
		want  string
	}{
		{"PORT 10,0,0,1,200,10\r\n", false, "10.0.0.1:51210 in 10,0,0,1,200,10"},
		{"port 10,0,0,1,200,10\r\n", false, "10.0.0.1:51210 in 10,0,0,1,200,10"},
		{"PORT  10,0,0,1,200,10\r\n", false, "part"},
		{"PORT 10,0,0,1,200\r\n", false, "part"},
		{"PORT 10,0,0,1,200,10,3\r\n", false, "part"},
		{"PORT 10,0,0,256,200,10\r\n", false, "10.0.1.0:51210 in 10,0,0,256,200,10"},
		{"PORT 266,0,0,1,300,10\r\n", false, "10.0.0.1:11274 in 266,0,0,1,300,10"},
		{"PORT 10,0,0,1,200,10", false, "part"},
		{"PORT", false, "part"},
		{"PO", false, "part"},
		{"PORTER is a word\r\n", false, "part"},
		{"EPRT |1|10.0.0.1|51210|\r\n", false, "10.0.0.1:51210 in |1|10.0.0.1|51210|"},
		{"EPRT !1!10.0.0.1!51210!\r\n", false, "10.0.0.1:51210 in !1!10.0.0.1!51210!"},
		{"EPRT |2|fd00::1|51210|\r\n", false, "part"},
		{"EPRT |1|10.0.0.1|65536|\r\n", false, "part"},
		{"EPRT |1|10.0.0.1|0|\r\n", false, "part"},
		{"EPRT |1|10.0.0|80|\r\n", false, "part"},
		{"EPRT 11110.0.0.1151210|\r\n", false, "part"},
		{"LIST\r\n", false, "nothing"},
		{"227 Entering Passive Mode (10,0,0,1,195,80)\r\n", true, "10.0.0.1:50000 in 10,0,0,1,195,80"},
		{"227 Entering Passive Mode 10,0,0,1,195,80\r\n", true, "10.0.0.1:50000 in 10,0,0,1,195,80"},
		{"227 nothing\r\n", true, "part"},
		{"229 Entering Extended Passive Mode (|||50000|)\r\n", true, "10.0.0.1:50000 in |||50000|"},
		{"229 no (||50000|)\r\n", true, "part"},
		{"229 no parenthesis\r\n", true, "part"},
		{"220 ready\r\n", true, "nothing"},
	} {
		dir := 0
		if c.reply {
			dir = 1
		}
		got := "nothing"
		for _, w := range ftpWords[dir] {
			at, n, addr, port, found := ftpFind([]byte(c.text), w.word, w.skip, w.term, w.kind, from, packet.IPv4)
			if found == ftpPart {
				got = "part"
			}
			if found == ftpWhole {
				got = fmt.Sprintf("%s:%d in %s", addr.Netip(packet.IPv4), port, c.text[at:at+n])
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

// control is a control connection under test.
type control struct {
	*bed
	seq, ack uint32
	ref      packet.ConnRef
}

func newControl(t testing.TB, helper Helper, sysctls ...string) *control {
	t.Helper()
	c := &control{bed: newBed(t, sysctls...), seq: 1001, ack: 5001}
	for i, f := range [][]byte{
		packettest.TCP(cAddr, sAddr, 40000, 21, "S", 1000, 0, ""),
		packettest.TCP(sAddr, cAddr, 21, 40000, "SA", 5000, 1001, ""),
		packettest.TCP(cAddr, sAddr, 40000, 21, "A", 1001, 5001, ""),
	} {
		if _, ok := c.pass(f, helper); !ok {
			t.Fatalf("packet %d of the handshake was dropped", i+1)
		}
	}
	return c
}

// pass sends a frame through tracker and helper.
func (c *control) pass(f []byte, helper Helper) ([]byte, bool) {
	c.Helper()
	c.now += 1e6
	var h packet.Headers
	packet.Parse(f, &h)
	h.Hash = c.Hash(&h.Tuple)
	var ct packet.CT
	if c.In(c.now, f, &h, 0, &ct) != Accept || ct.Conn == 0 {
		return f, false
	}
	c.SetHelper(ct.Conn, helper, h.Tuple.Family)
	out, ok := c.Tracker.Help(c.now, f, make([]byte, len(f)+MaxGrowth), &h, &ct)
	if ok && c.Confirm(c.now, &ct) != Accept {
		c.Fatal("not confirmed")
	}
	if c.ref == 0 {
		c.ref = ct.Conn
	}
	return out, ok
}

// say sends a line from the client.
func (c *control) say(line string) bool {
	f := packettest.TCP(cAddr, sAddr, 40000, 21, "PA", c.seq, c.ack, line)
	c.seq += uint32(len(line))
	_, ok := c.pass(f, NoHelper)
	return ok
}

func portLine(port int) string { return fmt.Sprintf("PORT 10,0,0,1,%d,%d\r\n", port>>8, port&255) }

// data is the first packet of a data connection to the client.
func (c *control) data(port uint16) string {
	return c.in(packettest.TCP(sAddr, cAddr, 20, port, "S", 1, 0, ""))
}

func TestExpectations(t *testing.T) {
	t.Run("related_and_no_other_port", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		c.say(portLine(51210))
		if got := c.data(51211); got != "new" {
			t.Errorf("another port: %s", got)
		}
		if got := c.data(51210); got != "rel" {
			t.Errorf("the announced port: %s", got)
		}
		if n := c.Children(c.ref); n != 1 {
			t.Errorf("%d children", n)
		}
	})
	t.Run("not_before_a_line_was_seen_to_end", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say(portLine(51210))
		if len(c.Expectations(c.now)) != 0 {
			t.Error("the first line of a direction is not known to be one")
		}
	})
	t.Run("no_helper_no_expectation", func(t *testing.T) {
		c := newControl(t, NoHelper)
		c.say("USER a\r\n")
		c.say(portLine(51210))
		if got := c.data(51210); got != "new" {
			t.Error(got)
		}
	})
	t.Run("a_third_host_is_not_expected", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		if !c.say("PORT 10,0,0,9,200,10\r\n") || len(c.Expectations(c.now)) != 0 {
			t.Error("a door was opened to another host")
		}
	})
	t.Run("half_an_announcement_is_dropped", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		if c.say("PORT 10,0,0,1,2") {
			t.Error("went through")
		}
	})
	t.Run("B031_one_at_a_time_the_oldest_goes", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		c.say(portLine(51210))
		c.say(portLine(51211))
		x := c.Expectations(c.now)
		if len(x) != 1 || x[0].Tuple.DPort != 51211 || c.Stats().ExpectCreate != 2 || c.Stats().ExpectDelete != 1 {
			t.Errorf("%+v, %+v", x, c.Stats())
		}
	})
	t.Run("five_minutes", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		c.say(portLine(51210))
		c.now += 300 * second
		if got := c.data(51210); got != "new" || len(c.Expectations(c.now)) != 0 {
			t.Errorf("%s after its time", got)
		}
	})
	t.Run("gone_with_their_master", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		c.say(portLine(51210))
		c.Kill(c.ref)
		if got := c.data(51210); got != "new" || len(c.Expectations(c.now)) != 0 {
			t.Errorf("%s without its master", got)
		}
	})
	t.Run("I7_no_more_than_expect_max", func(t *testing.T) {
		c := newControl(t, FTP, "nf_conntrack_expect_max=0")
		c.say("USER a\r\n")
		if c.say(portLine(51210)) {
			t.Error("an announcement that cannot be kept went through")
		}
	})
	t.Run("a_child_outlives_its_master", func(t *testing.T) {
		c := newControl(t, FTP)
		c.say("USER a\r\n")
		c.say(portLine(51210))
		c.data(51210)
		c.Kill(c.ref)
		for ref, conn := range c.All(c.now) {
			if m, ok := c.Master(ref); conn.Status&StatusExpected == 0 || !ok || m.DPort != 21 {
				t.Errorf("master %v", m)
			}
			c.Kill(ref)
		}
		if len(c.extras) != 0 {
			t.Errorf("%d records are left", len(c.extras))
		}
	})
}

func TestTFTP(t *testing.T) {
	c := &control{bed: newBed(t)}
	rrq := packettest.UDP(cAddr, sAddr, 2000, 69, "\x00\x01file\x00octet\x00")
	if _, ok := c.pass(rrq, TFTP); !ok {
		t.Fatal("request dropped")
	}
	if got := c.in(packettest.UDP(sAddr, cAddr, 3000, 2001, "\x00\x03\x00\x01")); got != "new" {
		t.Errorf("to another port: %s", got)
	}
	if got := c.in(packettest.UDP(sAddr, cAddr, 3000, 2000, "\x00\x03\x00\x01")); got != "rel" {
		t.Errorf("the transfer: %s", got)
	}
	if got := c.in(packettest.UDP(cAddr, sAddr, 2000, 3000, "\x00\x04\x00\x01")); got != "est+rpl" {
		t.Errorf("its acknowledgement: %s", got)
	}
}

func TestHelperByName(t *testing.T) {
	for _, c := range []struct {
		name  string
		proto uint8
		want  Helper
	}{{"ftp", 6, FTP}, {"ftp", 17, NoHelper}, {"tftp", 17, TFTP}, {"irc", 6, NoHelper}, {"", 6, NoHelper}} {
		if h, ok := HelperByName(c.name, c.proto); h != c.want || ok != (c.want != NoHelper) {
			t.Errorf("%s/%d: %v %v", c.name, c.proto, h, ok)
		}
	}
}

// FuzzHelper lets both sides of a translated control connection say anything.
func FuzzHelper(f *testing.F) {
	f.Add("USER a\r\n", "PORT 10,0,0,1,200,10\r\n", "227 Passive (10,0,0,2,195,80)\r\n")
	f.Add("x\n", "EPRT |1|10.0.0.1|51210|\r\n", "229 (|||50000|)\r\n")
	f.Fuzz(func(t *testing.T, first, second, answer string) {
		if len(first)+len(second)+len(answer) > 3000 {
			return
		}
		b := newBed(t)
		r := addrRange(SrcNAT, "192.168.199.199", "192.168.199.199")
		seq, ack, grown := uint32(1000), uint32(5000), uint32(0)
		send := func(fromClient bool, flags, data string) {
			b.now += 1e6
			frame := packettest.TCP(cAddr, sAddr, 40000, 21, flags, seq, ack, data)
			if !fromClient {
				frame = packettest.TCP(sAddr, "192.168.199.199", 21, 40000, flags, ack, seq+grown, data)
			}
			var h packet.Headers
			packet.Parse(frame, &h)
			h.Hash = b.Hash(&h.Tuple)
			var ct packet.CT
			if b.In(b.now, frame, &h, 0, &ct) != Accept || ct.Conn == 0 {
				return
			}
			rng := &NATRange{}
			if ct.Info == packet.CTNew {
				rng = r
			}
			if _, res := b.NAT(b.now, frame, &h, &ct, rng, rng == r); res != Accept {
				t.Fatalf("not translated: %v", res)
			}
			b.SetHelper(ct.Conn, FTP, packet.IPv4)
			out, ok := b.Tracker.Help(b.now, frame, make([]byte, len(frame)+MaxGrowth), &h, &ct)
			if !ok {
				return
			}
			b.Confirm(b.now, &ct)
			fixed := bytes.Clone(out)
			packettest.Fix(fixed)
			if !bytes.Equal(fixed, out) {
				t.Fatalf("checksums are wrong: %x", out)
			}
			grown += uint32(len(out) - len(frame))
			if fromClient {
				seq += uint32(len(data))
			} else {
				grown -= uint32(len(out) - len(frame))
				ack += uint32(len(data))
			}
		}
		send(true, "S", "")
		seq++
		send(false, "SA", "")
		ack++
		send(true, "A", "")
		for _, s := range []string{first, second} {
			send(true, "PA", s)
			send(false, "PA", answer)
		}
		if errs := b.Check(); len(errs) != 0 {
			t.Fatal(errs)
		}
		if len(b.Expectations(b.now)) > 1 {
			t.Fatal("more than one data connection is expected")
		}
	})
}
