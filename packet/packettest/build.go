// Package packettest builds frames for tests: plain ones with right lengths
// and checksums, to be broken by whoever needs them broken.
package packettest

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"sluice/packet"
)

// Ether is the Ethernet header that all frames here begin with, but for the
// EtherType.
const Ether = "\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a"

// IP wraps a transport segment into an Ethernet and IP header, of the family
// that src is of, and fills in all checksums.
func IP(src, dst string, proto uint8, l4 []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	var f []byte
	if s.Is4() {
		f = append([]byte(Ether), "\x08\x00\x45\x00\x00\x00\x00\x01\x00\x00\x40\x00\x00\x00"...)
		binary.BigEndian.PutUint16(f[16:], uint16(20+len(l4)))
		f[23] = proto
	} else {
		f = append([]byte(Ether), "\x86\xdd\x60\x00\x00\x00\x00\x00\x00\x40"...)
		binary.BigEndian.PutUint16(f[18:], uint16(len(l4)))
		f[20] = proto
	}
	f = append(append(append(f, s.AsSlice()...), d.AsSlice()...), l4...)
	Fix(f)
	return f
}

// Fix computes the checksums of an untagged frame anew. It leaves fragments'
// transport and protocols without an Internet checksum alone.
func Fix(frame []byte) {
	var h packet.Headers
	packet.Parse(frame, &h)
	ip := frame[h.L3:]
	if h.Tuple.Family == packet.IPv4 {
		n := int(ip[0]&15) * 4
		ip[10], ip[11] = 0, 0
		binary.BigEndian.PutUint16(ip[10:], packet.Checksum(ip[:n]))
	}
	at := packet.ChecksumOffset(h.Proto)
	if h.L4 == 0 || at < 0 || h.Flags&packet.IsFrag != 0 {
		return
	}
	seg := frame[h.L4:h.End]
	if len(seg) < at+2 {
		return
	}
	seg[at], seg[at+1] = 0, 0
	sum := uint64(0)
	if h.Proto != packet.ProtoICMP {
		sum = packet.PseudoSum(ip, h.Tuple.Family, h.Proto, len(seg))
	}
	c := ^packet.Fold(packet.Sum(sum, seg))
	if c == 0 && h.Proto == packet.ProtoUDP {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(seg[at:], c)
}

// Segment is a TCP header, its options and its data.
type Segment struct {
	SPort, DPort uint16
	Flags        string // letters of "FSRPAUEC"
	Seq, Ack     uint32
	Window       int    // 0: 65535
	ZeroWindow   bool   // a window of 0 indeed
	Options      []byte // a multiple of four bytes
	Data         string
}

// Bytes is the segment without a checksum.
func (s Segment) Bytes() []byte {
	h := make([]byte, 20+len(s.Options), 20+len(s.Options)+len(s.Data))
	binary.BigEndian.PutUint16(h[0:], s.SPort)
	binary.BigEndian.PutUint16(h[2:], s.DPort)
	binary.BigEndian.PutUint32(h[4:], s.Seq)
	binary.BigEndian.PutUint32(h[8:], s.Ack)
	h[12] = byte(len(h) / 4 << 4)
	for i, c := range "FSRPAUEC" {
		if strings.ContainsRune(s.Flags, c) {
			h[13] |= 1 << i
		}
	}
	win := s.Window
	if win == 0 && !s.ZeroWindow {
		win = 65535
	}
	binary.BigEndian.PutUint16(h[14:], uint16(win))
	copy(h[20:], s.Options)
	return append(h, s.Data...)
}

// TCP is a frame with a segment.
func TCP(src, dst string, sport, dport uint16, flags string, seq, ack uint32, data string) []byte {
	return IP(src, dst, packet.ProtoTCP, Segment{SPort: sport, DPort: dport, Flags: flags, Seq: seq, Ack: ack, Data: data}.Bytes())
}

// UDP is a frame with a datagram.
func UDP(src, dst string, sport, dport uint16, data string) []byte {
	h := make([]byte, 8, 8+len(data))
	binary.BigEndian.PutUint16(h[0:], sport)
	binary.BigEndian.PutUint16(h[2:], dport)
	binary.BigEndian.PutUint16(h[4:], uint16(8+len(data)))
	return IP(src, dst, packet.ProtoUDP, append(h, data...))
}

// ICMP is a frame with an ICMP message, or an ICMPv6 one between IPv6
// addresses. rest is the header's second half: identifier<<16 | sequence for
// queries.
func ICMP(src, dst string, typ, code uint8, rest uint32, data []byte) []byte {
	h := make([]byte, 8, 8+len(data))
	h[0], h[1] = typ, code
	binary.BigEndian.PutUint32(h[4:], rest)
	proto := packet.ProtoICMP
	if netip.MustParseAddr(src).Is6() {
		proto = packet.ProtoICMPv6
	}
	return IP(src, dst, proto, append(h, data...))
}

// SCTP is a frame with an SCTP packet of the given chunks.
func SCTP(src, dst string, sport, dport uint16, tag uint32, chunks ...[]byte) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint16(b[0:], sport)
	binary.BigEndian.PutUint16(b[2:], dport)
	binary.BigEndian.PutUint32(b[4:], tag)
	for _, c := range chunks {
		b = append(b, c...)
	}
	binary.LittleEndian.PutUint32(b[8:], packet.SCTPChecksum(b))
	return IP(src, dst, packet.ProtoSCTP, b)
}

// Chunk is an SCTP chunk, padded to four bytes.
func Chunk(typ, flags uint8, body ...byte) []byte {
	c := append([]byte{typ, flags, 0, 0}, body...)
	binary.BigEndian.PutUint16(c[2:], uint16(len(c)))
	for len(c)%4 != 0 {
		c = append(c, 0)
	}
	return c
}

// InitChunk is INIT (type 1) or INIT ACK (type 2) with the tag that it gives.
func InitChunk(typ uint8, tag uint32) []byte {
	body := binary.BigEndian.AppendUint32(nil, tag)
	return Chunk(typ, 0, append(body, 0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1)...)
}
