package conntrack

import (
	"unsafe"

	"sluice/packet"
)

// A translated connection's reply is its original tuple turned round, with
// something else in one place or two. Over IPv4, what took one end's place fits
// into bytes that the connection has to spare on the lines that every lookup
// reads: natAddr, and two behind the tuple. Only IPv6's replies, and those that
// differ at both ends, are kept whole, in an array of their own: one more
// line that a packet has to wait for.

// tupleWords is a tuple as it is compared.
type tupleWords struct {
	src, dst [2]uint64
	ports    uint32 // turned by half: the other direction's
	kind     uint16 // protocol and family
	// port goes with natAddr. It is a connection's alone: nobody compares it,
	// and packets' tuples have zero here.
	port uint16
}

const _ = uint(unsafe.Sizeof(packet.Tuple{}) - unsafe.Sizeof(tupleWords{}))
const _ = uint(unsafe.Sizeof(tupleWords{}) - unsafe.Sizeof(packet.Tuple{}))

func wordsOfTuple(t *packet.Tuple) *tupleWords { return (*tupleWords)(unsafe.Pointer(t)) }

// wideReply is the reply of a connection whose own lines cannot hold it.
type wideReply struct {
	src, dst     packet.Addr
	sport, dport uint16
}

// isWide reports whether a translated connection's reply is kept whole.
func isWide(c *Conn) bool {
	return c.Status&natMask == natMask || c.Orig.Family != packet.IPv4
}

// setReply keeps a translated connection's reply.
func (s *slab) setReply(slot uint32, c *Conn, r *packet.Tuple) {
	if isWide(c) {
		*sparse(&s.wide, slot) = wideReply{r.Src, r.Dst, r.SPort, r.DPort}
		return
	}
	addr, port := r.Dst, r.DPort
	if c.Status&StatusDstNAT != 0 {
		addr, port = r.Src, r.SPort
	}
	if r.Proto == packet.ProtoICMP {
		port = r.SPort // the identifier, at whatever end
	}
	copy(c.natAddr[:], addr[:4])
	wordsOfTuple(&c.Orig).port = port
}

// reply is the tuple that answers to a connection come with.
func (t *Tracker) reply(slot uint32, c *Conn) packet.Tuple {
	r := invert(&c.Orig)
	if c.Status&natMask == 0 {
		return r
	}
	if isWide(c) {
		w := sparse(&t.slab.wide, slot)
		r.Src, r.Dst, r.SPort = w.src, w.dst, w.sport
		if r.Proto != packet.ProtoICMP && r.Proto != packet.ProtoICMPv6 {
			r.DPort = w.dport
		}
		return r
	}
	addr, port := &r.Dst, &r.DPort
	if c.Status&StatusDstNAT != 0 {
		addr, port = &r.Src, &r.SPort
	}
	if r.Proto == packet.ProtoICMP {
		port = &r.SPort
	}
	copy(addr[:4], c.natAddr[:])
	*port = wordsOfTuple(&c.Orig).port
	return r
}

// wideLine is where a slot's whole reply is, if anywhere.
func (s *slab) wideLine(slot uint32) uintptr {
	i := int(slot >> chunkBits)
	if i >= len(s.wide) || s.wide[i] == nil {
		return 0
	}
	return uintptr(unsafe.Pointer(&s.wide[i][slot&(chunkConns-1)]))
}

// Restore translates an ordinary packet of an established connection, lookup i
// of a group, in direction dir, as NAT does. g stays as it was.
func (t *Tracker) Restore(c *Conn, frame []byte, g *packet.Gist, s *Seek, i, dir int) {
	if c.Status&natMask == 0 {
		return
	}
	d := dir & 1
	if isWide(c) {
		t.restoreWide(s.slot[i&(SeekSize-1)], c, frame, d)
		return
	}
	// What an end becomes: on the way there what took its place, on the way
	// back what it was. Chosen by arithmetic, since no branch predictor guesses
	// a packet's direction.
	o := wordsOfTuple(&c.Orig)
	dst := int(c.Status / StatusDstNAT & 1)
	ends := (*[2]packet.Addr)(unsafe.Pointer(&c.Orig.Src))
	ports := (*[2]uint16)(unsafe.Pointer(&c.Orig.SPort))
	back := -uint32(d)
	was := *(*uint32)(unsafe.Pointer(&ends[dst]))
	addr := *(*uint32)(unsafe.Pointer(&c.natAddr))
	addr ^= (addr ^ was) & back
	port := o.port ^ (o.port^ports[dst])&uint16(back)
	side := d ^ dst
	if g.Rewrite(frame, side, addr, port) {
		return
	}
	var h packet.Headers
	packet.Parse(frame, &h)
	var to packet.Addr
	*(*uint32)(unsafe.Pointer(&to)) = addr
	packet.Rewrite(frame, &h, side, &to, port)
}

// restoreWide is Restore for a reply that is kept whole.
func (t *Tracker) restoreWide(slot uint32, c *Conn, frame []byte, dir int) {
	var h packet.Headers
	packet.Parse(frame, &h)
	r := &c.Orig
	if dir == 0 {
		reply := t.reply(slot, c)
		r = &reply
	}
	if c.Status&[2]uint16{StatusSrcNAT, StatusDstNAT}[dir] != 0 {
		packet.Rewrite(frame, &h, packet.Source, &r.Dst, r.DPort)
	}
	if c.Status&[2]uint16{StatusDstNAT, StatusSrcNAT}[dir] != 0 {
		packet.Rewrite(frame, &h, packet.Dest, &r.Src, r.SPort)
	}
}
