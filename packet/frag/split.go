package frag

import (
	"encoding/binary"

	"sluice/packet"
)

// Pieces is a packet being taken apart. Its frames are the Reassembler's
// memory, good until Recycle.
type Pieces struct {
	r      *Reassembler
	frame  []byte
	l3     int
	header int      // bytes of IP header, and extension headers, that every piece repeats
	named  int      // IPv6: offset of the byte that names what follows the header
	proto  uint8    // IPv6: what it named
	ipv6   bool     //
	id     uint32   // IPv6
	room   int      // payload bytes that fit
	sizes  []uint16 // the pieces' payloads; nil: as much as fits
	first  int      // the first piece's payload, of sizes
	ahead  int      // payload bytes of the pieces after it that went into the first, see Pull
	done   int      // payload bytes that have left
}

// minMTU is IPv6's (IPV6_MIN_MTU): Linux never cuts its packets smaller.
const minMTU = 1280

// Needed reports whether a packet is to be taken apart to leave by a port:
// whether it is longer than the longest of its fragments (sch_frag.c
// sch_frag_xmit_hook).
func (s *Split) Needed(frame []byte, l3 int) bool { return s.Max != 0 && len(frame)-l3 > s.Max }

// Pull notes that the caller has read or written the first n bytes of the IP
// packet, its header included, as one piece. Linux keeps the packet as the
// fragments that came, and moves bytes that are asked for from later ones to the
// first (skbuff.c pskb_may_pull): the first is longer when the packet is taken
// apart, and a first one whose payload is no multiple of 8 bytes cannot be sent.
func (s *Split) Pull(n int) {
	if n <= s.total {
		s.pulled = max(s.pulled, n)
	}
}

// Cut begins to take a packet apart (sch_fragment): into the pieces that it
// came in, if these have not been lost track of and it is no copy, otherwise
// into pieces no longer than the longest of them. ipv6 tells its family. It
// reports false if that cannot be done.
//
// A copy (clone) is cut anew because Linux cuts it anew: it shares its
// fragments with the original, so they cannot be sent (ip_do_fragment,
// ip6_fragment).
func (r *Reassembler) Cut(frame []byte, l3 int, ipv6 bool, s Split, clone bool) (p Pieces, ok bool) {
	p = Pieces{r: r, frame: frame, l3: l3, ipv6: ipv6}
	ip := frame[l3:]
	if ipv6 {
		if p.header, p.named, ok = unfragmentable(ip); !ok {
			return p, false
		}
		p.proto = ip[p.named]
		p.room = max(s.Max, minMTU) - p.header - fragHeader
		for p.id == 0 {
			p.id = uint32(r.next() >> 32)
		}
	} else {
		if len(ip) < 20 || ip[0]&15 < 5 {
			return p, false
		}
		p.header = int(ip[0]&15) * 4
		p.room = s.Max - p.header
	}
	if p.room < 8 || p.header > len(ip) {
		return p, false
	}
	if !clone && p.fits(len(ip), &s) {
		p.sizes = s.sizes
	}
	return p, true
}

// fits reports whether a packet of n bytes can be cut into the pieces that it
// came in.
func (p *Pieces) fits(n int, s *Split) bool {
	if len(s.sizes) == 0 || n != s.total { // a helper may have changed its length
		return false
	}
	if s.least < p.header {
		// Linux makes pieces out of the fragments that came if their buffers
		// have room for the header to be repeated, in place of their own. On veth
		// they have none to spare; with a driver that leaves more, packets whose
		// first fragment alone has options may come out otherwise.
		return false
	}
	sum := 0
	for i, size := range s.sizes {
		sum += int(size)
		if i > 0 && (int(size) > p.room || size&7 != 0 && i < len(s.sizes)-1) {
			return false
		}
	}
	// IPv6 headers that stood in the first fragment's payload may have come to
	// be repeated.
	p.first = n - sum + int(s.sizes[0]) - p.header
	p.ahead = max(s.pulled-p.header-p.first, 0)
	p.first += p.ahead
	return p.first >= 8 && p.first <= p.room && p.first&7 == 0
}

// Next gives the next piece; false if there is none.
func (p *Pieces) Next() ([]byte, bool) {
	payload := p.frame[p.l3+p.header:]
	left := len(payload) - p.done
	if left <= 0 {
		return nil, false
	}
	n := left
	if p.sizes != nil {
		n = min(p.nextSize(), left)
	} else if n > p.room {
		n = p.room &^ 7
	}
	payload = payload[p.done : p.done+n]
	off, more := p.done, n < left
	p.done += n
	if p.ipv6 {
		return p.piece6(payload, off, more), true
	}
	return p.piece4(payload, off, more), true
}

// nextSize is how long the next piece's payload is, of those that came.
func (p *Pieces) nextSize() int {
	n := int(p.sizes[0])
	p.sizes = p.sizes[1:]
	if p.done == 0 {
		return p.first
	}
	for n <= p.ahead { // not the last, see fits
		p.ahead -= n
		n = int(p.sizes[0])
		p.sizes = p.sizes[1:]
	}
	n -= p.ahead
	p.ahead = 0
	return n
}

func (p *Pieces) piece4(payload []byte, off int, more bool) []byte {
	head := p.l3 + p.header
	b := p.r.mem.get(head + len(payload))
	copy(b, p.frame[:head])
	copy(b[head:], payload)
	ip := b[p.l3:head]
	binary.BigEndian.PutUint16(ip[2:], uint16(p.header+len(payload)))
	bits := uint16(off / 8) // DF is lost: sch_fragment forgets that it was set
	if more {
		bits |= 0x2000
	}
	binary.BigEndian.PutUint16(ip[6:], bits)
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], packet.Checksum(ip))
	return b
}

func (p *Pieces) piece6(payload []byte, off int, more bool) []byte {
	head := p.l3 + p.header
	b := p.r.mem.get(head + fragHeader + len(payload))
	copy(b, p.frame[:head])
	copy(b[head+fragHeader:], payload)
	ip := b[p.l3:]
	binary.BigEndian.PutUint16(ip[4:], uint16(p.header-40+fragHeader+len(payload)))
	ip[p.named] = packet.ProtoFragment
	fh := b[head : head+fragHeader]
	fh[0], fh[1] = p.proto, 0
	bits := uint16(off)
	if more {
		bits |= 1
	}
	binary.BigEndian.PutUint16(fh[2:], bits)
	binary.BigEndian.PutUint32(fh[4:], p.id)
	return b
}

// unfragmentable returns how long the part of an IPv6 packet is that every
// fragment repeats, and where the byte is that names what follows
// (ip6_find_1stfragopt).
func unfragmentable(ip []byte) (n, named int, ok bool) {
	n, named = 40, 6
	if len(ip) < n {
		return n, named, false
	}
	routed := false
	for {
		switch ip[named] {
		case packet.ProtoHopByHop:
		case packet.ProtoRouting:
			routed = true
		case packet.ProtoDstOpts:
			if routed {
				return n, named, true
			}
		default:
			return n, named, true
		}
		_, at, fits := skipExtension(ip, ip[named], n)
		if !fits {
			return n, named, false
		}
		named, n = n, at
	}
}
