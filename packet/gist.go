package packet

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Gist is what tells an ordinary packet's connection, and all that is needed
// of its headers once the connection's fate is known.
//
// Ordinary is an untagged frame with one whole IP packet that is no fragment,
// has no options or extension headers and is not about to expire, and has a
// whole transport header.
type Gist struct {
	Tuple    Tuple
	Hash     uint64 // the tracker's keyed symmetric hash of Tuple; set by the datapath
	End      uint16 // as in Headers
	TCPFlags uint16
	_        uint32
}

// Bytes is how many bytes the IP packet has.
func (g *Gist) Bytes() uint32 { return uint32(g.End) - 14 }

// Read finds the gist of a frame that holds an ordinary TCP or UDP packet. It
// reports false, with g in any state, for everything else: Parse and From know
// the rest.
func (g *Gist) Read(frame []byte) bool {
	odd, _ := ReadGists([][]byte{frame}, unsafe.Slice(g, 1))
	return odd == 0
}

// ReadGists reads up to 32 frames: odd has a bit for each of which Read would
// report false, marked one for each ordinary packet with SYN, FIN or RST.
func ReadGists(frames [][]byte, gists []Gist) (odd, marked uint32) {
	if len(frames) == 0 {
		return 0, 0
	}
	gists = gists[:len(frames)]
	rest, marked := readPlain(unsafe.SliceData(frames), unsafe.SliceData(gists), len(frames))
	for odd = rest; rest != 0; rest &= rest - 1 {
		i := bits.TrailingZeros32(rest)
		if g := &gists[i]; g.read6(frames[i]) {
			odd &^= 1 << i
			if g.TCPFlags&7 != 0 {
				marked |= 1 << i
			}
		}
	}
	return odd, marked
}

// readPlainGo is ReadGists for IPv4 alone; other frames are odd to it.
func readPlainGo(first *[]byte, gist *Gist, n int) (odd, marked uint32) {
	le := binary.LittleEndian
	gists := unsafe.Slice(gist, n)
	for i, frame := range unsafe.Slice(first, n) {
		g := &gists[i]
		if len(frame) < 54 || len(frame) > 65535 {
			odd |= 1 << i // UDP over IPv4 may be shorter; it is rare
			continue
		}
		b := frame[12:54:54] // one bounds check for all that follows
		// Type, version and header length; then fragments, and how long it lives.
		head, rest := le.Uint64(b), le.Uint64(b[8:])
		total := uint(bits.ReverseBytes16(uint16(head >> 32)))
		proto, flags := uint8(rest>>24), uint16(0)
		switch {
		case head&0xffffff != 0x45_0008 || rest&0xff3f != 0 || rest&0xff0000 < 0x020000, 14+total > uint(len(frame)):
			odd |= 1 << i
			continue
		case proto == ProtoTCP && total >= 40:
			if flags = binary.BigEndian.Uint16(b[34:]) & 0x0fff; flags&7 != 0 {
				marked |= 1 << i
			}
		case proto != ProtoUDP || total < 28:
			odd |= 1 << i
			continue
		}
		t := g.Tuple.words()
		t.src[0], t.src[1] = word4(b[14:]), 0
		t.dst[0], t.dst[1] = word4(b[18:]), 0
		t.ports, t.proto, t.family, t.spare = portsOf(b[22:]), proto, IPv4, 0
		g.End, g.TCPFlags = uint16(14+total), flags
	}
	return odd, marked
}

// tupleWords is a Tuple in as few pieces as it can be written in: what is
// hashed and compared as words next should have been stored as such.
type tupleWords struct {
	src, dst      [2]uint64
	ports         uint32
	proto, family uint8
	spare         uint16
}

func (t *Tuple) words() *tupleWords { return (*tupleWords)(unsafe.Pointer(t)) }

const _ = uint(unsafe.Sizeof(Tuple{}) - unsafe.Sizeof(tupleWords{}))
const _ = uint(unsafe.Sizeof(tupleWords{}) - unsafe.Sizeof(Tuple{}))

// read6 is Read for IPv6.
func (g *Gist) read6(frame []byte) bool {
	if len(frame) < 54 || len(frame) > 65535 {
		return false
	}
	b := frame[12:54:54]
	if b[0] != 0x86 || b[1] != 0xdd || b[9] < 2 {
		return false
	}
	n, proto := uint(binary.BigEndian.Uint16(b[6:])), b[8]
	if 54+n > uint(len(frame)) {
		return false
	}
	flags := uint16(0)
	switch proto {
	case ProtoTCP:
		if n < 20 {
			return false
		}
		flags = binary.BigEndian.Uint16(frame[66:]) & 0x0fff
	case ProtoUDP:
		if n < 8 {
			return false
		}
	default:
		return false
	}
	g.Tuple = Tuple{Src: Addr(b[10:26]), Dst: Addr(b[26:42]), Proto: proto, Family: IPv6}
	g.Tuple.SPort, g.Tuple.DPort = binary.BigEndian.Uint16(frame[54:]), binary.BigEndian.Uint16(frame[56:])
	g.End, g.TCPFlags = uint16(54+n), flags
	return true
}

// From takes the gist from a packet's headers and reports whether the packet is
// an ordinary one, of any protocol.
func (g *Gist) From(h *Headers) bool {
	*g = Gist{Tuple: h.Tuple, Hash: h.Hash, End: h.End, TCPFlags: h.TCPFlags}
	return h.Flags&^DontFrag == HasL3|HasL4 && h.NVLAN == 0
}
