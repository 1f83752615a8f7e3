package frag

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// header is one of an IPv6 packet's extension headers.
type header struct {
	typ       uint8
	at, named int // where it begins, and the byte that names it
	end       int
}

// slowHeaders lists an IPv6 packet's extension headers up to the first that
// does not fit, and what follows them; whole is false if one did not fit.
func slowHeaders(ip []byte, next uint8, at, named int) (list []header, then uint8, end, lastNamed int, whole bool) {
	for next == 0 || next == 43 || next == 44 || next == 51 || next == 60 { // RFC 8200, section 4; RFC 4302
		if at+8 > len(ip) {
			return list, next, at, named, false
		}
		length := 8 * (1 + int(ip[at+1]))
		if next == 44 {
			length = 8
		} else if next == 51 {
			length = 8 + 4*int(ip[at+1])
		}
		h := header{next, at, named, at + length}
		if h.end > len(ip) {
			return list, next, at, named, false
		}
		list = append(list, h)
		next, at, named = ip[at], h.end, h.at
	}
	return list, next, at, named, true
}

// chained are IPv6 frames with extension headers of every kind before, behind,
// and without a fragment header.
func chained() (out [][]byte) {
	ext := func(next uint8, words int) string {
		return string([]byte{next, byte(words)}) + string(make([]byte, 6+8*words))
	}
	ah := func(next uint8, words int) string {
		return string([]byte{next, byte(words + 1)}) + string(make([]byte, 10+4*words-4+4))
	}
	frag := func(next uint8, off uint16) string {
		return string([]byte{next, 9, byte(off >> 8), byte(off), 1, 2, 3, 4})
	}
	udp := "\x03\xe8\x00\x35\x00\x10\x00\x00datadata"
	tcp := "\x03\xe8\x00\x35" + string(make([]byte, 16)) + "data"
	for _, c := range []struct {
		first uint8
		rest  string
	}{
		{44, frag(17, 1) + udp}, {44, frag(17, 0x10) + udp}, {44, frag(6, 1) + tcp}, {44, frag(58, 1) + udp}, {44, frag(99, 1) + "x"}, {44, frag(59, 1)},
		{0, ext(44, 0) + frag(17, 1) + udp}, {0, ext(43, 1) + ext(44, 0) + frag(17, 9) + udp}, {0, ext(60, 1) + ext(43, 0) + ext(44, 2) + frag(60, 1) + ext(6, 1) + tcp},
		{60, ext(51, 0) + ah(44, 1) + frag(17, 1) + udp}, {43, ext(60, 0) + ext(17, 0) + udp}, {60, ext(17, 0) + udp}, {60, ext(43, 0) + ext(60, 0) + ext(17, 0) + udp},
		{44, frag(44, 1) + frag(17, 0) + udp}, {44, frag(44, 1) + frag(17, 8) + udp}, {44, frag(51, 1) + ah(58, 0) + udp}, {44, frag(0, 1) + ext(43, 1) + ext(17, 0) + udp[:8]}, {17, udp},
	} {
		out = append(out, packettest.IP("fd00::1", "fd00::2", c.first, []byte(c.rest)))
	}
	return out
}

// TestHeaderWalks holds the walks along IPv6's extension headers to the slow
// list, on packets cut off everywhere and with every byte changed.
func TestHeaderWalks(t *testing.T) {
	for _, frame := range chained() {
		packettest.Near(frame[14:], 110, func(ip []byte) {
			if len(ip) < 40 {
				if _, _, ok := unfragmentable(ip); ok {
					t.Fatalf("%x: unfragmentable", ip)
				}
				return
			}
			list, _, end, named, whole := slowHeaders(ip, ip[6], 40, 6)

			// nf_conntrack_reasm.c find_prev_fhdr
			var at, by int
			ok := false
			for _, h := range list {
				if h.typ == 44 {
					at, by, ok = h.at, h.named, true
					break
				}
			}
			gotAt, gotBy, gotOK := findFragHeader(ip)
			if gotOK != ok || ok && (gotAt != at || gotBy != by) {
				t.Fatalf("%x: fragment header %d %d %v, want %d %d %v", ip, gotAt, gotBy, gotOK, at, by, ok)
			}

			// ip6_output.c ip6_find_1stfragopt
			wantN, wantNamed, wantOK := end, named, whole
			routed := false
			for _, h := range list {
				if h.typ == 43 {
					routed = true
				}
				if h.typ == 60 && routed || h.typ == 44 || h.typ == 51 {
					wantN, wantNamed, wantOK = h.at, h.named, true
					break
				}
			}
			if !whole && !wantOK {
				// The header that does not fit may be one that ends the walk.
				switch next := ip[named]; {
				case next == 44 || next == 51 || next == 60 && routed:
					wantN, wantNamed, wantOK = end, named, true
				}
			}
			if n, named, ok := unfragmentable(ip); ok != wantOK || ok && (n != wantN || named != wantNamed) {
				t.Fatalf("%x: unfragmentable %d %d %v, want %d %d %v", ip, n, named, ok, wantN, wantNamed, wantOK)
			}

			// exthdrs_core.c ipv6_frag_thdr_truncated
			if !gotOK {
				return
			}
			behind, next, end, _, whole := slowHeaders(ip, ip[at], at+8, at)
			need := map[uint8]int{6: 20, 17: 8, 58: 8}[next]
			short := whole && end+max(need, 1) > len(ip)
			for _, h := range behind {
				if h.typ == 44 && binary.BigEndian.Uint16(ip[h.at+2:])>>3 != 0 {
					short = false
				}
			}
			if got := truncatedTransport(ip, ip[at], at+8); got != short {
				t.Fatalf("%x: truncated %v, want %v", ip, got, short)
			}
		})
	}
}

// TestIsFragment: what Add is asked about.
func TestIsFragment(t *testing.T) {
	for _, frame := range [][]byte{packettest.Fragment(v4, 1, 0, 16, true), packettest.Fragment(v4, 1, 16, 32, false), packettest.Fragment(v4, 1, 2048, 2056, false),
		packettest.Fragment(v6, 1, 0, 16, true), packettest.Fragment(v6, 1, 16, 32, false), packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "x"), packettest.UDP("fd00::1", "fd00::2", 1, 2, "x")} {
		packettest.Near(frame, 60, func(b []byte) {
			h := headersOf(b)
			want := false
			switch {
			case h.EtherType == packet.EtherIPv4 && len(b) >= 34:
				want = binary.BigEndian.Uint16(b[20:])<<2 != 0 // whatever DF and the reserved bit are
			case h.EtherType == packet.EtherIPv6 && len(b) >= 54:
				list, _, _, _, _ := slowHeaders(b[14:h.End], b[20], 40, 6)
				for _, x := range list {
					want = want || x.typ == 44
				}
			}
			if h.L3 != 14 {
				return
			}
			if got := IsFragment(b, h); got != want {
				t.Fatalf("%x: %v, want %v", b, got, want)
			}
		})
	}
	if IsFragment(bytes.Repeat([]byte{0xff}, 60), &packet.Headers{EtherType: packet.EtherIPv4}) {
		t.Error("a frame without an IP header")
	}
}
