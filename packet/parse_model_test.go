package packet_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// slowParse is Parse as the headers' standards tell it, one field after the
// other. link says that an Ethernet header comes first; otherwise the frame
// begins with an IP header of the family.
func slowParse(frame []byte, link bool, family uint8) (h packet.Headers) {
	h.Len = uint32(len(frame))
	b := frame
	if len(b) > 65535 {
		b = b[:65535]
	}
	n := len(b)
	word := func(at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
	at := 0
	if link {
		if n < 14 {
			h.Flags = packet.TruncL2
			return h
		}
		at = 14
		for h.EtherType = word(12); h.EtherType == 0x8100 || h.EtherType == 0x88a8; h.EtherType = word(at - 2) {
			if n-at < 4 || h.NVLAN == 8 {
				h.Flags = packet.TruncL2
				return h
			}
			if h.NVLAN < 2 {
				h.VLAN[h.NVLAN] = packet.VLANTag{TPID: word(at - 2), TCI: word(at)}
			}
			h.NVLAN, at = h.NVLAN+1, at+4
		}
		h.L3 = uint16(at)
	} else if family == packet.IPv4 {
		h.EtherType = 0x0800
	} else if family == packet.IPv6 {
		h.EtherType = 0x86dd
	}
	if !link && h.EtherType == 0 {
		return h
	}
	need := map[uint16]int{0x0800: 20, 0x86dd: 40, 0x0806: 28}[h.EtherType]
	if n-at < need {
		h.Flags, h.End = packet.TruncL3, uint16(n)
		return h
	}
	var states int // where the IP header says that the packet ends
	switch h.EtherType {
	case 0x0800:
		h.Tuple.Family, states, h.IPLen = packet.IPv4, at+int(word(at+2)), word(at+2)
		h.TOS, h.TTL, h.NextHdr = b[at+1], b[at+8], b[at+9]
		copy(h.Tuple.Src[:], b[at+12:at+16])
		copy(h.Tuple.Dst[:], b[at+16:at+20])
	case 0x86dd:
		length := int(word(at + 4))
		h.Tuple.Family, states, h.IPLen = packet.IPv6, at+40+length, uint16(min(40+length, 65535))
		h.TOS, h.TTL, h.NextHdr = uint8(word(at)>>4), b[at+7], b[at+6]
		copy(h.Tuple.Src[:], b[at+8:at+24])
		copy(h.Tuple.Dst[:], b[at+24:at+40])
	case 0x0806:
		h.Flags, h.End = packet.HasL3, uint16(n)
		return h
	default:
		h.End = uint16(n)
		return h
	}
	h.Flags, h.Proto, h.Tuple.Proto = packet.HasL3, h.NextHdr, h.NextHdr
	switch {
	case states > len(frame):
		h.Flags |= packet.ShortIP
	case states > n:
		h.Flags |= packet.LongIP
	}
	end := min(states, n)
	h.End = uint16(end)
	if h.TTL == 0 || h.TTL == 1 {
		h.Flags |= packet.TTLLow
	}
	if h.EtherType == 0x0800 {
		header, frag := int(b[at]%16)*4, word(at+6)
		if frag>>14&1 == 1 {
			h.Flags |= packet.DontFrag
		}
		if header < 20 || header > int(h.IPLen) {
			h.Flags |= packet.BadL3
			return h
		}
		if header != 20 {
			h.Flags |= packet.IPOptions
		}
		if frag<<2 != 0 {
			h.Flags |= packet.IsFrag
			if h.FragOff = frag % 0x2000 * 8; h.FragOff != 0 {
				return h
			}
			h.Flags |= packet.FirstFrag
		}
		if end-at < header {
			h.Flags = h.Flags&^packet.HasL3 | packet.TruncL3
			return h
		}
		at += header
	} else {
		at += 40
		for {
			next := h.Proto
			length := 8
			switch next {
			case 0, 43, 60, 44, 51: // RFC 8200, section 4; RFC 4302, section 2.2
			case 59:
				h.L4 = uint16(at)
				return h
			default:
				length = 0
			}
			if length == 0 {
				break
			}
			if end-at < 8 {
				h.Flags |= packet.BadExt
				return h
			}
			h.Flags |= packet.IP6Ext | packet.IPOptions
			switch next {
			case 44:
				h.FragOff = word(at+2) / 8 * 8
				h.Flags |= packet.IsFrag
			case 51:
				length = 8 + 4*int(b[at+1])
			default:
				length = 8 + 8*int(b[at+1])
			}
			if end-at < length {
				h.Flags |= packet.BadExt
				return h
			}
			h.Proto, h.Tuple.Proto = b[at], b[at]
			at += length
			if next == 44 {
				if h.FragOff != 0 {
					return h
				}
				h.Flags |= packet.FirstFrag
			}
		}
	}
	h.L4, h.Payload = uint16(at), uint16(at)
	have := end - at
	header := 0
	switch h.Proto {
	case 6, 17, 136, 132, 33:
		header = map[uint8]int{6: 20, 17: 8, 136: 8, 132: 12, 33: 12}[h.Proto]
		if have >= 4 {
			h.Tuple.SPort, h.Tuple.DPort = word(at), word(at+2)
		}
	case 1, 58:
		header = 8
	case 47:
		header = 4
		if have >= 4 && b[at+1]%8 == 1 {
			header = 8
		}
	}
	if have < header {
		h.Flags |= packet.TruncL4
		return h
	}
	h.Flags |= packet.HasL4
	switch h.Proto {
	case 6:
		h.TCPFlags = word(at+12) % 0x1000
		header = int(b[at+12]/16) * 4
	case 1, 58:
		h.ICMPType, h.ICMPCode = b[at], b[at+1]
		h.Tuple.SPort, h.Tuple.DPort = word(at+4), word(at)
	case 47:
		if header == 8 {
			h.Tuple.DPort = word(at + 6)
			break
		}
		for _, bit := range []int{7, 5, 4} {
			header += int(b[at]>>bit&1) * 4
		}
	}
	h.Payload = uint16(at + min(header, have))
	return h
}

// tag prepends VLAN tags to what follows the addresses.
func tag(n int, rest string) string { return strings.Repeat("\x81\x00\x60\x07", n) + rest }

// kinds are frames of every kind that Parse tells apart.
func kinds() (out [][]byte) {
	dst6 := "\x3c\x00\x01\x04\x00\x00\x00\x00" // destination options in front of themselves
	ah := "\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	for _, s := range []string{
		"\x88\xcc", "\x08\x06" + string(make([]byte, 28)), tag(1, "\x08\x06"+string(make([]byte, 28))),
		ip4(6, 0, "", tcpSYN+"and some data"), ip4(6, 0x4000, "", tcpSYN), ip4(6, 0, "\x01\x01\x01\x00", tcpSYN+"data"),
		ip4(17, 0, "", udpDNS), ip4(17, 0, "", udpDNS+"and more than fifty-four bytes"), ip4(17, 0x2000, "", udpDNS), ip4(17, 0x2001, "", udpDNS), ip4(17, 0x1fff, "", udpDNS),
		ip4(136, 0, "", udpDNS), ip4(132, 0, "", "\x00\x07\x00\x08\x00\x00\x00\x09\x00\x00\x00\x0a\x01\x00\x00\x04"), ip4(33, 0, "", "\x00\x07\x00\x08\x00\x00\x00\x09\x00\x00\x00\x0a\x01\x00\x00\x04"),
		ip4(1, 0, "", echo), ip4(89, 0, "", "ospf"), ip4(47, 0, "", "\xb0\x00\x08\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03inner"), ip4(47, 0, "", "\x30\x81\x88\x0b\x00\x04\x12\x34\x00\x00\x00\x01data"),
		ip6(6, tcpSYN+"data"), ip6(17, udpDNS), ip6(17, udpDNS[:8]), ip6(58, "\x80\x00\x00\x00\x00\x07\x00\x01data"), ip6(59, "x"), ip6(200, "x"), ip6(47, "\x20\x00\x65\x58\x00\x00\x00\x01inner"),
		ip6(0, "\x3c\x00\x01\x04\x00\x00\x00\x00"+"\x2b\x01\x00\x00"+string(make([]byte, 12))+"\x11\x00\x01\x04\x00\x00\x00\x00"+udpDNS),
		ip6(60, dst6+"\x33\x00\x01\x04\x00\x00\x00\x00"+"\x06\x02\x00\x00"+string(make([]byte, 12))+tcpSYN), ip6(51, "\x11"+ah+udpDNS),
		ip6(44, "\x11\x00\x00\x01\x00\x00\x00\x07"+udpDNS), ip6(44, "\x11\x00\x00\x08\x00\x00\x00\x07"+udpDNS), ip6(0, "\x2c\x00\x01\x04\x00\x00\x00\x00"+"\x06\x00\x00\x07\x00\x00\x00\x07"+tcpSYN),
		tag(1, ip4(6, 0, "", tcpSYN)), "\x88\xa8\x00\x05" + tag(1, ip6(17, udpDNS)), tag(3, ip4(17, 0, "", udpDNS)), tag(8, ip4(17, 0, "", udpDNS)), tag(9, ip4(17, 0, "", udpDNS)),
	} {
		out = append(out, []byte(eth+s), []byte(eth+s+"padding that is not the packet's"))
	}
	return out
}

// TestParseIsSlowParse holds Parse, ParseInner, Reparse and the gists to the
// slow way, on frames of every kind, cut off everywhere and with every byte
// of their headers changed.
func TestParseIsSlowParse(t *testing.T) {
	for _, frame := range kinds() {
		packettest.Near(frame, 110, func(b []byte) {
			want := slowParse(b, true, 0)
			var got packet.Headers
			packet.Parse(b, &got)
			if got != want {
				t.Fatalf("%x\ngot  %+v\nwant %+v", b, got, want)
			}
			sound(t, b, &got)
			gistAgrees(t, b)
			for _, family := range []uint8{packet.FamilyNone, packet.IPv4, packet.IPv6} {
				for _, from := range []int{14, 18} {
					if len(b) < from {
						continue
					}
					inner := slowParse(b[from:], false, family)
					if packet.ParseInner(b[from:], family, &got); got != inner {
						t.Fatalf("%x as quoted\ngot  %+v\nwant %+v", b[from:], got, inner)
					}
				}
			}
			if want.Flags&packet.TruncL2 != 0 {
				return
			}
			if packet.Reparse(b, 14, binary.BigEndian.Uint16(b[12:]), false, &got); got != want {
				t.Fatalf("%x read from byte 14\ngot  %+v\nwant %+v", b, got, want)
			}
			if want.NVLAN == 0 {
				return
			}
			if packet.Reparse(b, 18, binary.BigEndian.Uint16(b[16:]), true, &got); got != want {
				t.Fatalf("%x read from byte 18\ngot  %+v\nwant %+v", b, got, want)
			}
		})
	}
}

// TestReparse: the type that is told counts, not the one in the frame; a
// header that begins behind the frame's end is none.
func TestReparse(t *testing.T) {
	f := []byte(eth + "\x88\x47\x00\x00\x11\x40" + ip4(17, 0, "", udpDNS)[2:])
	var h packet.Headers
	packet.Reparse(f, 18, packet.EtherIPv4, false, &h)
	if h.EtherType != packet.EtherIPv4 || h.L3 != 18 || h.Tuple.DPort != 53 || h.NVLAN != 0 || h.Len != uint32(len(f)) {
		t.Errorf("behind a label: %+v", h)
	}
	for n, want := range map[int]packet.Headers{17: {Len: 17, Flags: packet.TruncL2}, 18: {Len: 18, Flags: packet.TruncL3, EtherType: 0x800, L3: 18, End: 18}} {
		if packet.Reparse(f[:n], 18, packet.EtherIPv4, false, &h); h != want {
			t.Errorf("%d bytes: %+v, want %+v", n, h, want)
		}
	}
	for _, n := range []int{65534, 65535, 65536, 70000} {
		long := packettest.IP("10.0.0.1", "10.0.0.2", 99, make([]byte, 100))
		long = append(long, make([]byte, n-len(long))...)
		long[12] = 0x88 // an unknown type, whose packet ends with the frame
		want := slowParse(long, true, 0)
		if packet.Parse(long, &h); h != want {
			t.Errorf("%d bytes: %+v, want %+v", n, h, want)
		}
		if packet.Reparse(long, 14, 0x8800, false, &h); h != want {
			t.Errorf("%d bytes, again: %+v, want %+v", n, h, want)
		}
		quoted := slowParse(long[14:], false, packet.IPv4)
		if packet.ParseInner(long[14:], packet.IPv4, &h); h != quoted {
			t.Errorf("%d bytes quoted: %+v, want %+v", n-14, h, quoted)
		}
	}
}

// TestLengthsInHeaders: total and payload lengths one less and one more than
// the frame has, and at the limits of a 16-bit offset.
func TestLengthsInHeaders(t *testing.T) {
	for _, dst := range []string{"10.0.0.2", "fd00::2"} {
		src, header := "10.0.0.1", 20
		if strings.Contains(dst, ":") {
			src, header = "fd00::1", 40
		}
		for _, n := range []int{65521 - header, 65522 - header, 65520, 65515, 65534, 65535} {
			if n+header > 65535 && header == 20 {
				continue
			}
			f := packettest.IP(src, dst, 99, make([]byte, n))
			for _, cut := range []int{0, 1, 2, 30} {
				var h packet.Headers
				b := f[:len(f)-cut]
				packet.Parse(b, &h)
				if want := slowParse(b, true, 0); h != want {
					t.Errorf("%s, %d bytes less %d: %+v, want %+v", dst, n, cut, h, want)
				}
				gistAgrees(t, b)
			}
		}
		for _, proto := range []uint8{packet.ProtoTCP, packet.ProtoUDP} { // whose gist Read takes
			for _, n := range []int{65521 - header, 65522 - header} {
				f := packettest.IP(src, dst, proto, make([]byte, n))
				gistAgrees(t, f)
				gistAgrees(t, append(bytes.Clone(f), 0))
			}
		}
	}
}

func TestReadGists(t *testing.T) {
	if odd, marked := packet.ReadGists(nil, nil); odd != 0 || marked != 0 {
		t.Errorf("no frames: %b %b", odd, marked)
	}
	syn, ack := ip4(6, 0, "", tcpSYN), ip4(6, 0, "", strings.Replace(tcpSYN, "\x50\x02", "\x50\x10", 1))
	syn6, ack6 := ip6(6, tcpSYN), ip6(6, strings.Replace(tcpSYN, "\x50\x02", "\x50\x10", 1))
	kinds := []string{syn, ack, syn6, ack6, ip4(1, 0, "", echo+"more than fifty-four bytes"), ip6(17, udpDNS), ip6(58, echo+"more than fifty-four")}
	odd, marked := []bool{false, false, false, false, true, false, true}, []bool{true, false, true, false, false, false, false}
	var frames [][]byte
	var wantOdd, wantMarked uint32
	for i := range 32 {
		k := i * 5 % len(kinds)
		frames = append(frames, []byte(eth+kinds[k]))
		if odd[k] {
			wantOdd |= 1 << i
		}
		if marked[k] {
			wantMarked |= 1 << i
		}
	}
	gists := make([]packet.Gist, 32)
	if o, m := packet.ReadGists(frames, gists); o != wantOdd || m != wantMarked {
		t.Errorf("odd %032b, want %032b; marked %032b, want %032b", o, wantOdd, m, wantMarked)
	}
	for i, f := range frames {
		var g packet.Gist
		if g.Read(f) && g != gists[i] {
			t.Errorf("frame %d: %+v among others, %+v alone", i, gists[i], g)
		}
	}
}

// TestGistTwinsNear holds the two ways of reading IPv4's gists to each other,
// on frames of every kind and what is near them.
func TestGistTwinsNear(t *testing.T) {
	for _, frame := range kinds() {
		packettest.Near(frame, 60, func(b []byte) {
			if len(b) == 0 {
				return
			}
			var g, inGo packet.Gist
			o1, m1 := packet.ReadPlain(&b, &g, 1)
			o2, m2 := packet.ReadPlainGo(&b, &inGo, 1)
			if o1 != o2 || m1 != m2 || o1 == 0 && g != inGo {
				t.Fatalf("%x: odd %d marked %d %+v, in Go %d %d %+v", b, o1, m1, g, o2, m2, inGo)
			}
		})
	}
	for _, n := range []int{65535, 65536} {
		f := packettest.IP("10.0.0.1", "10.0.0.2", packet.ProtoUDP, make([]byte, 65000))
		f = append(f, make([]byte, n-len(f))...)
		var g packet.Gist
		odd, _ := packet.ReadPlainGo(&f, &g, 1)
		if want := map[int]uint32{65535: 0, 65536: 1}[n]; odd != want {
			t.Errorf("%d bytes: odd %d, want %d", n, odd, want)
		}
	}
}

// TestFlagNumbers: each flag is one bit of its own.
func TestFlagNumbers(t *testing.T) {
	all := []packet.Flag{packet.HasL3, packet.HasL4, packet.IsFrag, packet.FirstFrag, packet.IPOptions, packet.TTLLow, packet.TruncL2, packet.TruncL3,
		packet.BadL3, packet.TruncL4, packet.ShortIP, packet.DontFrag, packet.IP6Ext, packet.BadExt, packet.LongIP}
	for i, f := range all {
		if f != 1<<i {
			t.Errorf("flag %d is %#x", i, f)
		}
	}
	h := packet.Headers{Flags: packet.HasL3 | packet.IsFrag}
	if !h.Has(packet.HasL3|packet.IsFrag) || h.Has(packet.HasL3|packet.HasL4) {
		t.Error("Has wants all of them")
	}
}

// TestTupleString: what traces and messages say of a tuple.
func TestTupleString(t *testing.T) {
	for frame, want := range map[string]string{
		ip4(6, 0, "", tcpSYN): "proto 6 10.0.0.1:40000 > 10.0.0.2:80",
		ip6(17, udpDNS):       "proto 17 [fd00::1]:1000 > [fd00::2]:53",
		ip4(132, 0, "", "\x00\x07\x00\x08\x00\x00\x00\x09\x00\x00\x00\x0a"): "proto 132 10.0.0.1:7 > 10.0.0.2:8",
		ip4(33, 0, "", "\x00\x07\x00\x08\x00\x00\x00\x09\x00\x00\x00\x0a"):  "proto 33 10.0.0.1:7 > 10.0.0.2:8",
		ip4(136, 0, "", udpDNS):                            "proto 136 10.0.0.1:1000 > 10.0.0.2:53",
		ip4(1, 0, "", "\x0d\x01\x00\x00\x12\x34\x00\x01"):  "proto 1 10.0.0.1 > 10.0.0.2 type 13 code 1 id 4660",
		ip6(58, "\x81\x02\x00\x00\x12\x34\x00\x01"):        "proto 58 fd00::1 > fd00::2 type 129 code 2 id 4660",
		ip4(47, 0, "", "\x20\x00\x65\x58\x00\x00\x00\x01"): "proto 47 10.0.0.1 > 10.0.0.2",
	} {
		var h packet.Headers
		packet.Parse([]byte(eth+frame), &h)
		if got := fmt.Sprint(h.Tuple); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		for _, a := range []packet.Addr{h.Tuple.Src, h.Tuple.Dst} {
			if back := packet.AddrFrom(a.Netip(h.Tuple.Family)); back != a {
				t.Errorf("address %v came back as %v", a, back)
			}
		}
	}
}
