package packet_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// patchWord is RFC 1624's equation 3 for one word.
func patchWord(sum, old, new uint16) uint16 {
	s := uint32(^sum) + uint32(^old) + uint32(new)
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return ^uint16(s)
}

// slowRewrite is Rewrite done word by word (nf_nat_proto.c nf_nat_manip_pkt).
// It gives the frame and the tuple as they are afterwards.
func slowRewrite(frame []byte, h *packet.Headers, side int, addr packet.Addr, port uint16) ([]byte, packet.Tuple) {
	f, tuple := bytes.Clone(frame), h.Tuple
	at, n := int(h.L3)+12+side*4, 4
	if tuple.Family == packet.IPv6 {
		at, n = int(h.L3)+8+side*16, 16
	}
	var l4 []byte
	if h.L4 != 0 && int(h.L4) <= len(f) {
		l4 = f[h.L4:min(h.IPEnd(f), len(f))]
	}
	words := [][2]uint16{} // that a checksum with a pseudo header has to follow
	change := func(field []byte, to uint16) {
		words = append(words, [2]uint16{binary.BigEndian.Uint16(field), to})
		binary.BigEndian.PutUint16(field, to)
	}
	same := bytes.Equal(f[at:at+n], addr[:n])
	for i := 0; i < n; i += 2 {
		change(f[at+i:], binary.BigEndian.Uint16(addr[i:]))
		if ip := f[h.L3:]; n == 4 {
			w := words[len(words)-1]
			binary.BigEndian.PutUint16(ip[10:], patchWord(binary.BigEndian.Uint16(ip[10:]), w[0], w[1]))
		}
	}
	if same {
		words = nil
	}
	if side == 0 {
		tuple.Src = addr
	} else {
		tuple.Dst = addr
	}
	least, sumAt, portAt := 4, -1, side*2
	switch h.Proto {
	case 6:
		sumAt = 16
	case 17, 136, 33:
		sumAt = 6
	case 132:
		sumAt = 8
	case 1, 58:
		if least, sumAt, portAt = 8, 2, 4; h.Proto == 1 {
			words = nil
		}
	default:
		return f, tuple
	}
	if len(l4) < least {
		return f, tuple
	}
	if portAt == 4 {
		query := map[byte]bool{0: true, 8: true, 13: true, 14: true, 15: true, 16: true, 17: true, 18: true}
		if h.Proto == 58 {
			query = map[byte]bool{128: true, 129: true}
		}
		if query[l4[0]] {
			change(l4[4:], port)
			tuple.SPort = port
		}
	} else {
		change(l4[portAt:], port)
		if side == 0 {
			tuple.SPort = port
		} else {
			tuple.DPort = port
		}
	}
	switch whole := map[uint8]int{6: 20, 132: 12}[h.Proto]; {
	case len(l4) < whole || len(l4) < sumAt+2:
	case h.Proto == 132:
		binary.LittleEndian.PutUint32(l4[8:], packet.SCTPChecksum(l4))
	default:
		old := binary.BigEndian.Uint16(l4[sumAt:])
		if h.Proto == 17 && old == 0 {
			break
		}
		sum := old
		for _, w := range words {
			sum = patchWord(sum, w[0], w[1])
		}
		if h.Proto == 17 && sum == 0 {
			sum = 0xffff
		}
		binary.BigEndian.PutUint16(l4[sumAt:], sum)
	}
	return f, tuple
}

// TestRewriteIsSlowRewrite rewrites both sides of frames of every kind, of
// their cut-off beginnings and of what they are with one byte changed, whole
// and as an ICMP error quotes them.
func TestRewriteIsSlowRewrite(t *testing.T) {
	frames := kinds()
	for typ := range 20 {
		frames = append(frames, []byte(eth+ip4(1, 0, "", string(rune(typ))+"\x00\x12\x34\x00\x07\x00\x01data")))
	}
	for typ := byte(126); typ < 132; typ++ {
		frames = append(frames, []byte(eth+ip6(58, string([]byte{typ})+"\x00\x12\x34\x00\x07\x00\x01data")))
	}
	to := packet.Addr{0xc0, 0xa8, 0xff, 0xfe, 0x12, 5: 0x34, 15: 0x99}
	try := func(b []byte, h packet.Headers, what string) {
		if h.Tuple.Family == packet.FamilyNone || h.Flags&(packet.TruncL3|packet.BadL3|packet.BadExt) != 0 {
			return
		}
		to4 := to
		if h.Tuple.Family == packet.IPv4 {
			to4 = packet.Addr{0xc0, 0xa8, 0xff, 0xfe}
		}
		for side := range 2 {
			want, tuple := slowRewrite(b, &h, side, to4, 0xfedc)
			got, g := bytes.Clone(b), h
			packet.Rewrite(got, &g, side, &to4, 0xfedc)
			if !bytes.Equal(got, want) || g.Tuple != tuple {
				t.Fatalf("%s, side %d of\n%x:\n%x %v, want\n%x %v", what, side, b, got, g.Tuple, want, tuple)
			}
			if again, _ := slowRewrite(want, &g, side, to4, 0xfedc); h.Proto != packet.ProtoSCTP && bytes.Equal(again, want) {
				if packet.Rewrite(got, &g, side, &to4, 0xfedc); !bytes.Equal(got, want) {
					t.Fatalf("%s, side %d: rewritten to what it was, %x became %x", what, side, want, got)
				}
			}
			// The quick ways do the same, or nothing.
			ordinary := h.Flags&^packet.DontFrag == packet.HasL3|packet.HasL4 && h.NVLAN == 0 && h.L3 == 14 && h.Tuple.Family == packet.IPv4 && (h.Proto == 6 || h.Proto == 17)
			if h.Proto == packet.ProtoTCP && len(b) < 54 || h.Proto == packet.ProtoUDP && len(b) < 42 {
				ordinary = false
			}
			four := binary.NativeEndian.Uint32(to4[:])
			got, g = bytes.Clone(b), h
			if ok := g.RewritePlain(got, side, four, 0xfedc); ok != ordinary {
				t.Fatalf("%s: RewritePlain of %x: %v", what, b, ok)
			} else if ok && (!bytes.Equal(got, want) || g.Tuple != tuple) || !ok && (!bytes.Equal(got, b) || g.Tuple != h.Tuple) {
				t.Fatalf("%s, side %d: RewritePlain, %v, of\n%x\n%x, want\n%x", what, side, ok, b, got, want)
			}
			var gist packet.Gist
			if !gist.Read(b) {
				continue
			}
			got = bytes.Clone(b)
			if ok := gist.Rewrite(got, side, four, 0xfedc); ok != ordinary {
				t.Fatalf("%s: a gist's Rewrite of %x: %v", what, b, ok)
			} else if ok && !bytes.Equal(got, want) || !ok && !bytes.Equal(got, b) {
				t.Fatalf("%s, side %d: a gist's Rewrite, %v, of\n%x\n%x, want\n%x", what, side, ok, b, got, want)
			}
		}
	}
	for _, frame := range frames {
		packettest.Near(frame, 90, func(b []byte) {
			var h packet.Headers
			packet.Parse(b, &h)
			try(b, h, "a frame")
			if len(b) > 14 {
				packet.ParseInner(b[14:], map[byte]uint8{0x08: packet.IPv4, 0x86: packet.IPv6}[b[12]], &h)
				try(b[14:], h, "a quoted packet")
			}
		})
	}
}

// TestRewritePlainBounds: headers of a longer frame do not make the quick way
// write behind a shorter one.
func TestRewritePlainBounds(t *testing.T) {
	for _, c := range []struct {
		frame []byte
		least int
	}{{packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "A", 3, 4, "x"), 52}, {packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "x"), 42}} {
		var h packet.Headers
		packet.Parse(c.frame, &h)
		for n := range len(c.frame) + 1 {
			g := h
			if ok := g.RewritePlain(bytes.Clone(c.frame)[:n:n], 0, 1, 2); ok != (n >= c.least) {
				t.Errorf("protocol %d, %d bytes: %v", h.Proto, n, ok)
			}
		}
	}
}

// TestRewriteSums: the checksums at the ends of their range.
func TestRewriteSums(t *testing.T) {
	for _, proto := range []uint8{packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite} {
		for _, sum := range []uint16{0, 1, 0x7fff, 0xfffe, 0xffff} {
			for port := 0; port < 65536; port += 251 {
				f := packettest.IP("10.0.0.1", "10.0.0.2", proto, []byte(tcpSYN))
				at := 34 + packet.ChecksumOffset(proto)
				binary.BigEndian.PutUint16(f[at:], sum)
				var h packet.Headers
				packet.Parse(f, &h)
				to := packet.Addr{0xff, byte(port), byte(port >> 8), 0xff}
				for side := range 2 {
					want, _ := slowRewrite(f, &h, side, to, uint16(port))
					got, g := bytes.Clone(f), h
					packet.Rewrite(got, &g, side, &to, uint16(port))
					if !bytes.Equal(got, want) {
						t.Fatalf("protocol %d, checksum %#x, port %d: %x, want %x", proto, sum, port, got, want)
					}
				}
			}
		}
	}
}
