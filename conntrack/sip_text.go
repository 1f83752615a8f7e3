package conntrack

import (
	"bytes"
	"math"
	"net/netip"

	"sluice/packet"
)

// SIP's text is read where it lies: positions go into a message's bytes, and
// -1 is nowhere. What is taken for a line, a number or an address is what
// nf_conntrack_sip.c takes for one, since a door opens or stays shut by it.

// sipDefaultPort is meant where no port is written (RFC 3261, 19.1.2).
const sipDefaultPort = 5060

func isNewline(c byte) bool { return c == '\r' || c == '\n' }
func isBlank(c byte) bool   { return c == ' ' || c == '\t' }
func isDigit(c byte) bool   { return c >= '0' && c <= '9' }

// isLetter counts Latin-1's letters, as the kernel's isalpha does.
func isLetter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0xc0 && c != 0xd7 && c != 0xf7
}

// hasFold reports whether b begins with a word, in any case.
func hasFold(b []byte, word string) bool {
	return len(b) >= len(word) && bytes.EqualFold(b[:len(word)], []byte(word))
}

// sipLine gives the beginning of the line behind the newline at i; len(b) when
// nothing follows.
func sipLine(b []byte, i int) int {
	if i++; i < len(b) && b[i-1] == '\r' && b[i] == '\n' {
		i++
	}
	return i
}

// sipFold goes on behind the newline at i, where a blank makes the next line a
// part of this one (RFC 3261, 7.3.1; sip_follow_continuation).
func sipFold(b []byte, i int) int {
	if i = sipLine(b, i); i >= len(b) || !isBlank(b[i]) {
		return -1
	}
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	return i
}

// sipBlank skips blanks and at most one fold (sip_skip_whitespace).
func sipBlank(b []byte, i int) int {
	for i < len(b) && isBlank(b[i]) {
		i++
	}
	if i < len(b) && isNewline(b[i]) {
		return sipFold(b, i)
	}
	return i
}

// sipSearch finds a word in a header's value, folds included. Something must
// follow it, and a fold hides the first character behind it
// (ct_sip_header_search).
func sipSearch(b []byte, i int, word string) int {
	for limit := len(b) - len(word); i < limit; i++ {
		if isNewline(b[i]) {
			if i = sipFold(b[:limit], i); i < 0 {
				return -1
			}
		} else if b[i]|0x20 == word[0]|0x20 && hasFold(b[i:], word) {
			return i
		}
	}
	return -1
}

// sipDigits is how many digits b begins with.
func sipDigits(b []byte) (n int) {
	for n < len(b) && isDigit(b[n]) {
		n++
	}
	return n
}

// sipLetters is how many letters b begins with.
func sipLetters(b []byte) (n int) {
	for n < len(b) && isLetter(b[n]) {
		n++
	}
	return n
}

// sipNumber reads a number of n digits; n is 0 when there is none, or one that
// is too great (sip_strtouint).
func sipNumber(b []byte) (v uint32, n int) {
	const most = len("4294967295") + 1
	sum := uint64(0)
	for n < len(b) && isDigit(b[n]) {
		if sum = sum*10 + uint64(b[n]-'0'); n == most || sum > math.MaxUint32 {
			return 0, 0
		}
		n++
	}
	return uint32(sum), n
}

// sipAddr reads an address of n bytes; n is 0 when there is none. delimited:
// IPv6 addresses stand in brackets, as they must in URIs (sip_parse_addr,
// sdp_parse_addr).
func sipAddr(b []byte, family uint8, delimited bool) (addr packet.Addr, n int) {
	if family == packet.IPv4 {
		return dotted(b)
	}
	open := len(b) > 0 && b[0] == '['
	if open {
		n = 1
	} else if delimited {
		return addr, 0
	}
	end := n
	for end < len(b) && end-n <= 45 && (b[end] == ':' || b[end] == '.' || isHex(b[end])) {
		end++
	}
	a, err := netip.ParseAddr(string(b[n:end]))
	if err != nil || !a.Is6() {
		return addr, 0
	}
	if n = end; delimited {
		if n >= len(b) || b[n] != ']' {
			return addr, 0
		}
		n++
	}
	return packet.AddrFrom(a), n
}

func isHex(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }

// dotted reads four numbers and whatever ends them that is no hexadecimal
// digit (net/core/utils.c in4_pton).
func dotted(b []byte) (addr packet.Addr, n int) {
	v, digits := 0, 0
	for i := 0; ; n++ {
		c := byte(0)
		if n < len(b) {
			c = b[n]
		}
		switch {
		case isDigit(c):
			digits++
			if v = v*10 + int(c-'0'); v > 255 {
				return packet.Addr{}, 0
			}
		case isHex(c) || digits == 0:
			return packet.Addr{}, 0
		default:
			addr[i] = byte(v)
			i, v, digits = i+1, 0, 0
			if i == 4 && c != '.' {
				return addr, n
			}
			if i == 4 || c != '.' {
				return packet.Addr{}, 0
			}
		}
	}
}

// sipPort reads what may follow an address: a colon and a port that is not
// privileged. Something must end it (sip_parse_port).
func sipPort(b []byte, i int) (port uint16, end int, ok bool) {
	if i >= len(b) {
		return 0, 0, false
	}
	if b[i] != ':' {
		return sipDefaultPort, i, true
	}
	n := sipDigits(b[i+1:])
	if end = i + 1 + n; n == 0 || n > 5 || end >= len(b) {
		return 0, 0, false
	}
	v, _ := sipNumber(b[i+1 : end])
	return uint16(v), end, v >= 1024 && v <= 65535
}

// sipEnd is an address and port in a message: n bytes from at on.
type sipEnd struct {
	at, n int
	addr  packet.Addr
	port  uint16
}

// sipEndAt reads the address and port at i (epaddr_len).
func sipEndAt(b []byte, i int, family uint8) (e sipEnd, ok bool) {
	addr, n := sipAddr(b[i:], family, true)
	if n == 0 {
		return e, false
	}
	port, end, ok := sipPort(b, i+n)
	return sipEnd{i, end - i, addr, port}, ok
}

// sipUserEndAt is sipEndAt behind a user's name, if there is one
// (skp_epaddr_len).
func sipUserEndAt(b []byte, i int, family uint8) (sipEnd, bool) {
	// Many addresses may share a line without a user.
	if user := bytes.IndexByte(b[i:], '@'); user >= 0 {
		name := b[i : i+user]
		if bytes.IndexByte(name, '\n') < 0 && bytes.IndexByte(name, '\r') < 0 {
			i += user + 1
		}
	}
	return sipEndAt(b, i, family)
}

// appendSIPAddr writes an address.
func appendSIPAddr(b []byte, addr packet.Addr, family uint8, delimited bool) []byte {
	if delimited = delimited && family == packet.IPv6; delimited {
		b = append(b, '[')
	}
	if b = addr.Netip(family).AppendTo(b); delimited {
		b = append(b, ']')
	}
	return b
}
