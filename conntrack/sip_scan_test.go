package conntrack

import (
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
)

// TestSIPCharacters: what the kernel's isdigit, isalpha and the like take each byte
// for (lib/ctype.c, which counts Latin-1's letters).
func TestSIPCharacters(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		for name, is := range map[string][2]bool{
			"newline": {isNewline(c), c == '\r' || c == '\n'},
			"blank":   {isBlank(c), c == ' ' || c == '\t'},
			"digit":   {isDigit(c), strings.IndexByte("0123456789", c) >= 0},
			"hex":     {isHex(c), strings.IndexByte("0123456789abcdefABCDEF", c) >= 0},
			"letter": {isLetter(c), strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c) >= 0 ||
				i >= 192 && i != 215 && i != 247},
		} {
			if is[0] != is[1] {
				t.Errorf("byte %d is a %s: %v", i, name, is[0])
			}
		}
	}
}

// TestSIPScanning: the functions by which a message is walked, at the edges of the
// text (nf_conntrack_sip.c). -1 is nowhere.
func TestSIPScanning(t *testing.T) {
	for _, c := range []struct {
		what string
		got  int
		want int
	}{
		{"the line behind CR LF", sipLine([]byte("a\r\nb"), 1), 3},
		{"behind CR", sipLine([]byte("a\rb"), 1), 2},
		{"behind LF", sipLine([]byte("a\nb"), 1), 2},
		{"behind LF CR", sipLine([]byte("a\n\rb"), 1), 2},
		{"behind LF LF", sipLine([]byte("a\n\nb"), 1), 2},
		{"behind CR at the end", sipLine([]byte("a\r"), 1), 2},
		{"behind CR LF at the end", sipLine([]byte("a\r\n"), 1), 3},

		{"a fold", sipFold([]byte("a\r\n \t b"), 1), 6},
		{"a fold of one blank", sipFold([]byte("a\n b"), 1), 3},
		{"no fold", sipFold([]byte("a\r\nb"), 1), -1},
		{"nothing behind the newline", sipFold([]byte("a\r\n"), 1), -1},
		{"blanks to the end", sipFold([]byte("a\r\n  "), 1), 5},

		{"blanks", sipBlank([]byte("a \tb"), 1), 3},
		{"no blanks", sipBlank([]byte("ab"), 1), 1},
		{"blanks to the end", sipBlank([]byte("a  "), 1), 3},
		{"at the end", sipBlank([]byte("a"), 1), 1},
		{"blanks and a fold", sipBlank([]byte("a \r\n b"), 1), 5},
		{"blanks and a line", sipBlank([]byte("a \r\nb"), 1), -1},
		{"blanks and a newline at the end", sipBlank([]byte("a \r\n"), 1), -1},

		{"a word", sipSearch([]byte("xx sip:y"), 0, "sip:"), 3},
		{"a word in capitals", sipSearch([]byte("xx SIP:y"), 0, "sip:"), 3},
		{"a word where the search begins", sipSearch([]byte("sip:y"), 0, "sip:"), 0},
		{"a word before it", sipSearch([]byte("sip:yyyyyy"), 1, "sip:"), -1},
		{"nothing behind the word", sipSearch([]byte("xx sip:"), 0, "sip:"), -1},
		{"a word in the next line", sipSearch([]byte("xx\r\nsip:y"), 0, "sip:"), -1},
		{"a word behind a fold's first character", sipSearch([]byte("xx\r\n xsip:y"), 0, "sip:"), 6},
		{"a word that is a fold's first", sipSearch([]byte("xx\r\n sip:y"), 0, "sip:"), -1},
		{"a fold near the end", sipSearch([]byte("xx\r\n s"), 0, "s"), -1},
		{"one character", sipSearch([]byte("a,b"), 0, ","), 1},
		{"one character at the end", sipSearch([]byte("ab,"), 0, ","), -1},
		{"a shorter text than the word", sipSearch([]byte("si"), 0, "sip:"), -1},
		{"another word with its beginning", sipSearch([]byte("sis sip:y"), 0, "sip:"), 4},
		{"a control character that folds to a comma's", sipSearch([]byte("a\x0cb,c"), 0, ","), 3},

		{"digits", sipDigits([]byte("12a3")), 2},
		{"digits to the end", sipDigits([]byte("12")), 2},
		{"no digits", sipDigits([]byte("a")), 0},
		{"letters", sipLetters([]byte("aB1c")), 2},
		{"letters to the end", sipLetters([]byte("aB")), 2},
		{"no letters", sipLetters(nil), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, c.got, c.want)
		}
	}
	for text, want := range map[string]bool{"sip:": true, "SIP:x": true, "sip": false, "": false, "xsip:": false} {
		if hasFold([]byte(text), "sip:") != want {
			t.Errorf("%q begins with sip:: %v", text, !want)
		}
	}
}

// TestSIPAddresses: an address and how long it is, with and without brackets.
func TestSIPAddresses(t *testing.T) {
	v6 := "1111:2222:3333:4444:5555:6666:7777:8888"
	mapped := "0000:0000:0000:0000:0000:ffff:255.255.255.255" // 45 characters, the longest
	for _, c := range []struct {
		family    uint8
		delimited bool
		text      string
		want      string
	}{
		{packet.IPv4, false, "10.0.0.1", "10.0.0.1 8"},
		{packet.IPv4, true, "10.0.0.1;x", "10.0.0.1 8"},
		{packet.IPv4, false, "255.255.255.255 ", "255.255.255.255 15"},
		{packet.IPv4, false, "10.0.0.1g", "10.0.0.1 8"},
		{packet.IPv4, false, "10.0.0.1F", " 0"},
		{packet.IPv4, false, "[10.0.0.1]", " 0"},
		{packet.IPv4, false, "10.0.0.", " 0"},
		{packet.IPv4, false, "256.0.0.1", " 0"},
		{packet.IPv4, false, "10.0;0.1", " 0"},
		{packet.IPv6, false, "fd00::1", "fd00::1 7"},
		{packet.IPv6, false, "fd00::1 x", "fd00::1 7"},
		{packet.IPv6, false, "[fd00::1]", "fd00::1 8"}, // a bracket that opens is passed over
		{packet.IPv6, true, "[fd00::1]x", "fd00::1 9"},
		{packet.IPv6, true, "[fd00::1]", "fd00::1 9"},
		{packet.IPv6, true, "[fd00::1", " 0"},
		{packet.IPv6, true, "[fd00::1x", " 0"},
		{packet.IPv6, true, "fd00::1", " 0"},
		{packet.IPv6, true, "", " 0"},
		{packet.IPv6, false, "", " 0"},
		{packet.IPv6, false, v6, v6 + " 39"},
		{packet.IPv6, false, mapped, "::ffff:255.255.255.255 45"},
		{packet.IPv6, false, mapped + "5", " 0"},
		{packet.IPv6, false, "0" + mapped, " 0"},
		{packet.IPv6, false, "10.0.0.1", " 0"},
		{packet.IPv6, false, "FD00::A", "fd00::a 7"},
	} {
		addr, n := sipAddr([]byte(c.text), c.family, c.delimited)
		got := fmt.Sprintf(" %d", n)
		if n != 0 {
			got = addr.Netip(c.family).String() + got
		}
		if got != c.want {
			t.Errorf("%q, delimited %v: %s, want %s", c.text, c.delimited, got, c.want)
		}
		if n == 0 && addr != (packet.Addr{}) {
			t.Errorf("%q: an address of no bytes: %v", c.text, addr)
		}
	}
	// What is written can be read.
	for _, c := range []struct {
		text      string
		family    uint8
		delimited bool
		want      string
	}{{"10.0.0.1", packet.IPv4, true, "x10.0.0.1"}, {"10.0.0.1", packet.IPv4, false, "x10.0.0.1"}, {"fd00::1", packet.IPv6, true, "x[fd00::1]"}, {"fd00::1", packet.IPv6, false, "xfd00::1"}} {
		addr, _ := sipAddr([]byte(c.text), c.family, false)
		if got := string(appendSIPAddr([]byte("x"), addr, c.family, c.delimited)); got != c.want {
			t.Errorf("%s is written %s", c.text, got)
		}
	}
}

// TestSIPUsers: a user's name before an address is passed over, but not one of
// another line.
func TestSIPUsers(t *testing.T) {
	for text, want := range map[string]string{
		"a@10.0.0.1>":           "10.0.0.1:5060 at 2+8",
		"10.0.0.1:5061>":        "10.0.0.1:5061 at 0+13",
		"10.0.0.1>, <a@host>":   "",
		"10.0.0.1>\r\nb@host":   "10.0.0.1:5060 at 0+8",
		"10.0.0.1>\nb@host":     "10.0.0.1:5060 at 0+8",
		"10.0.0.1>\rb@host":     "10.0.0.1:5060 at 0+8",
		"@10.0.0.1>":            "10.0.0.1:5060 at 1+8",
		"a@b@10.0.0.1>":         "",
		"a@10.0.0.1:1024>":      "10.0.0.1:1024 at 2+13",
		"a@10.0.0.1:65535>":     "10.0.0.1:65535 at 2+14",
		"a@10.0.0.1:99999>":     "",
		"a@10.0.0.1:100000>":    "",
		"a@10.0.0.1:":           "",
		"longer.name@10.0.0.1;": "10.0.0.1:5060 at 12+8",
	} {
		got := ""
		if e, ok := sipUserEndAt([]byte(text), 0, packet.IPv4); ok {
			got = fmt.Sprintf("%s:%d at %d+%d", e.addr.Netip(packet.IPv4), e.port, e.at, e.n)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestSIPParameters: parameters of the value that a position is in, up to the next
// comma (ct_sip_parse_param and its likes).
func TestSIPParameters(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       string // the rest's place and length
		number     string
	}{
		{"<sip:x>;expires=60;q=1", "expires=", "16+2", "60 at 16+2"},
		{"<sip:x>;EXPIRES=60;q=1", "expires=", "16+2", "60 at 16+2"},
		{"<sip:x>;expires=60", "expires=", "16+2", "60 at 16+2"},
		{"<sip:x>;q=1, <sip:y>;expires=60", "expires=", "none", "none"},
		{"<sip:x>;expires=7,<sip:y>", "expires=", "16+1", "7 at 16+1"},
		{"<sip:x>;expires=,<sip:y>", "expires=", "none", "none"},
		{"<sip:x>;expires=x;q", "expires=", "16+1", "bad"},
		{"<sip:x>;expires=4294967296;q", "expires=", "16+10", "bad"},
		{"<sip:x>;expires=", "expires=", "none", "none"},
		{"<sip:x>", "expires=", "none", "none"},
	} {
		b := []byte(c.text)
		got := "none"
		if at, n := sipParam(b, 0, c.name); at >= 0 {
			got = fmt.Sprintf("%d+%d", at, n)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.text, got, c.want)
		}
		got = "none"
		if v, at, n, bad := sipNumberParam(b, 0, c.name); bad {
			got = "bad"
		} else if n > 0 {
			got = fmt.Sprintf("%d at %d+%d", v, at, n)
		}
		if got != c.number {
			t.Errorf("%q: number %s, want %s", c.text, got, c.number)
		}
	}
	for text, want := range map[string]string{
		";maddr=10.0.0.1;x":    "10.0.0.1 at 7+8",
		";maddr=10.0.0.1":      "10.0.0.1 at 7+8",
		";maddr=10.0.0.1,x":    "10.0.0.1 at 7+8",
		";x=1,;maddr=10.0.0.1": "",
		";maddr=host;x":        "",
		";x":                   "",
	} {
		got := ""
		if addr, at, n := sipAddrParam([]byte(text), 0, "maddr=", packet.IPv4, true); n > 0 {
			got = fmt.Sprintf("%s at %d+%d", addr.Netip(packet.IPv4), at, n)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string][2]bool{ // by TCP, by UDP
		"<sip:x>":                  {true, true},
		"<sip:x;transport=tcp>":    {true, false},
		"<sip:x;transport=UDP>":    {false, true},
		"<sip:x;transport=sctp>":   {false, false},
		"<sip:x>,<y;transport=tcp": {true, true},
	} {
		if got := [2]bool{sipTransport([]byte(text), 0, packet.ProtoTCP), sipTransport([]byte(text), 0, packet.ProtoUDP)}; got != want {
			t.Errorf("%q: followed over TCP and UDP %v, want %v", text, got, want)
		}
	}
}

// TestSIPNumbersOfHeaders: a header's number, with names in full and in short, and
// blanks and folds around the colon (ct_sip_get_header).
func TestSIPNumbersOfHeaders(t *testing.T) {
	for _, c := range []struct {
		h    *sipHeader
		text string
		want string
	}{
		{&sipCSeq, "A\r\nCSeq: 12 INVITE\r\n", "12 at 9+2"},
		{&sipCSeq, "A\r\ncseq:12\r\n", "12 at 8+2"},
		{&sipCSeq, "A\r\nCSeq \t:  12\r\n", "12 at 12+2"},
		{&sipCSeq, "A\r\nCSeq\r\n : \r\n\t12\r\n", "12 at 15+2"},
		{&sipCSeq, "A\r\nCSeq\r\n: 12\r\n", "no"},
		{&sipCSeq, "A\r\nCSeq: \r\n12\r\n", "no"},
		{&sipCSeq, "A\r\nCSeq: x\r\n", "no"},
		{&sipCSeq, "A\r\nCSeq: 4294967296\r\n", "too great"},
		{&sipCSeq, "A\r\n CSeq: 1\r\nCSeq: 2\r\n", "2 at 19+1"},
		{&sipCSeq, "A\r\nX: y\r\nCSeq: 3\r\n", "3 at 15+1"},
		{&sipCSeq, "A\r\nC: 3\r\n", "no"},
		{&sipCSeq, "A\r\nCSeq:", "no"},
		{&sipCSeq, "A\r\nCSeq:1", "1 at 8+1"},
		{&sipContentLength, "A\r\nl: 7\r\n", "7 at 6+1"},
		{&sipContentLength, "A\r\nL:7\r\n", "7 at 5+1"},
		{&sipContentLength, "A\r\nl", "no"},
		{&sipContentLength, "A\r\nla: 7\r\nl: 8\r\n", "8 at 13+1"},
		{&sipContentLength, "A\r\nl1: 7\r\nl: 8\r\n", "no"},
		{&sipContentLength, "A\r\nContent-Length: 9\r\n", "9 at 19+1"},
		{&sipContentLength, "A\r\nContent-Lengt: 9\r\nl:1\r\n", "1 at 23+1"},
		{&sipExpires, "A\r\nExpires: 3600\r\n", "3600 at 12+4"},
		{&sipExpires, "A\r\ne: 3600\r\n", "no"},
		{&sipExpires, "Expires: 1\r\n", "no"},
	} {
		v, e, ok, valid := c.h.num([]byte(c.text))
		got := "no"
		switch {
		case ok && !valid:
			got = "too great"
		case ok:
			got = fmt.Sprintf("%d at %d+%d", v, e.at, e.n)
		}
		if got != c.want {
			t.Errorf("%s in %q: %s, want %s", c.h.name, c.text, got, c.want)
		}
	}
}
