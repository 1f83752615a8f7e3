package conntrack

import (
	"unsafe"

	"sluice/packet"
)

// Status bits of a connection, numbered as the kernel's enum ip_conntrack_status.
const (
	StatusExpected uint16 = 1 << iota
	StatusSeenReply
	StatusAssured
	StatusConfirmed
	StatusSrcNAT
	StatusDstNAT
	StatusSeqAdjust
	StatusSrcNATDone
	StatusDstNATDone
	StatusDying
	StatusFixedTimeout
	StatusTemplate
	StatusNATClash
	StatusHelper
	StatusOffload
	StatusHWOffload
)

// Conn is a connection. It lives in a slab, holds no pointers, and fills
// exactly three cache lines: what a packet on a remembered way reads and
// writes, what the tracker counts and judges time by, and TCP's windows.
//
// A *Conn may be held as long as one likes, also when its tracker is gone: its
// memory is the collector's, and holding one record keeps a chunk of 6 MiB. What
// it says is the connection's until Gen is no longer what it was; from
// then on the slot is free or another connection's. Who wants to know keeps the
// packet.ConnRef and asks Tracker.Conn. A tracker's goroutine alone may read it
// while packets flow.
//
// A connection that was never committed has no CONFIRMED bit, is not in the
// index, and its Timeout is still relative.
type Conn struct {
	// Line 0: all that a packet on a remembered way touches, most of the time.
	Orig         packet.Tuple // the original direction
	FlowDeadline int64        // flow table room, ns
	late         lateCount
	Status       uint16 // Status* bits
	Path         uint16 // datapath room: the remembered way of its packets, 0 none
	Zone         uint16
	natAddr      [4]byte // see slab.setReply

	// Line 1
	Timeout int64     // deadline, ns; before confirmation: how long from then
	packets [2]uint64 // by direction, but for late's
	bytes   [2]uint64 // from the network header on
	Mark    uint32
	Gen     uint32 // generation of the slot; odd while in use
	Label   [16]byte

	// Line 2
	TCP       TCPTrack // SCTP's, DCCP's and GRE's state, and UDP's stream time, are here too
	FlowPos   uint32   // flow table room; next free slot while the slot is free
	FlowTable uint16   // flow table room: which table holds it, 0 none
	FlowFlags uint8    // flow table room
	FlowRefs  uint8    // flow table room
}

const _ = uint(192 - unsafe.Sizeof(Conn{}))
const _ = uint(unsafe.Sizeof(Conn{}) - 192)
const _ = uint(64 - unsafe.Offsetof(Conn{}.Timeout))
const _ = uint(unsafe.Offsetof(Conn{}.Timeout) - 64)
const _ = uint(128 - unsafe.Offsetof(Conn{}.TCP))
const _ = uint(unsafe.Offsetof(Conn{}.TCP) - 128)

// StateName is the protocol's state as Linux prints it, empty for protocols
// that have none.
func (c *Conn) StateName() string {
	switch c.Orig.Proto {
	case packet.ProtoTCP:
		return TCPStateNames[c.TCP.State]
	case packet.ProtoSCTP:
		return SCTPStateNames[c.SCTP().State]
	case packet.ProtoDCCP:
		return DCCPStateNames[c.DCCP().State]
	}
	return ""
}

// streamAt is when a UDP exchange counts as a stream: two seconds after its
// first packet. It shares memory with TCP's last segment.
func (c *Conn) streamAt() int64 { return int64(c.TCP.LastSeq)<<32 | int64(c.TCP.LastAck) }

func (c *Conn) setStreamAt(t int64) { c.TCP.LastSeq, c.TCP.LastAck = uint32(t>>32), uint32(t) }

// icmpAnswer gives the type of the reply to each ICMP query, plus one; zero
// marks types that begin no connection (nf_conntrack_proto_icmp.c invmap).
var icmpAnswer = [256]uint8{
	8: 0 + 1, 0: 8 + 1, // echo
	13: 14 + 1, 14: 13 + 1, // timestamp
	15: 16 + 1, 16: 15 + 1, // information
	17: 18 + 1, 18: 17 + 1, // address mask
}

// icmp6Answer is the same for ICMPv6: echo and node information.
var icmp6Answer = [256]uint8{128: 129 + 1, 129: 128 + 1, 139: 140 + 1, 140: 139 + 1}

// invert gives the tuple of the other direction.
func invert(t *packet.Tuple) packet.Tuple {
	r := *t
	r.Src, r.Dst = t.Dst, t.Src
	switch t.Proto {
	case packet.ProtoICMP:
		r.DPort = uint16(icmpAnswer[t.DPort>>8]-1)<<8 | t.DPort&0xff
	case packet.ProtoICMPv6:
		r.DPort = uint16(icmp6Answer[t.DPort>>8]-1)<<8 | t.DPort&0xff
	default:
		r.SPort, r.DPort = t.DPort, t.SPort
	}
	return r
}

// Inverse is the tuple of the other direction of an untranslated connection;
// of ICMP messages that are no queries it is not one.
func Inverse(t *packet.Tuple) packet.Tuple { return invert(t) }

// invertible reports whether a tuple has another direction at all. ICMP
// messages that are no queries have none, and begin no connection.
func invertible(t *packet.Tuple) bool {
	switch t.Proto {
	case packet.ProtoICMP:
		return icmpAnswer[t.DPort>>8] != 0
	case packet.ProtoICMPv6:
		return icmp6Answer[t.DPort>>8] != 0
	}
	return true
}

// toItself reports that a connection's tuple is its own reply's. The kernel's
// tracker finds the reply first, which it has put in front of the original
// (nf_conntrack_core.c __nf_conntrack_hash_insert): every packet but the first
// is one. Its flow table finds the original, and so do Find and Meet.
func (c *Conn) toItself() bool {
	o := &c.Orig
	return o.SPort == o.DPort && o.Src == o.Dst && c.Status&natMask == 0 && isReply(o, o)
}

// isReply reports whether t is the other direction of o, without building it.
func isReply(o, t *packet.Tuple) bool {
	if o.Src != t.Dst || o.Dst != t.Src || o.Proto != t.Proto || o.Family != t.Family {
		return false
	}
	if t.Proto == packet.ProtoICMP || t.Proto == packet.ProtoICMPv6 {
		return invert(o) == *t
	}
	return o.SPort == t.DPort && o.DPort == t.SPort
}
