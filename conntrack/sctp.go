package conntrack

import (
	"encoding/binary"
	"unsafe"

	"sluice/packet"
)

// SCTPTrack is an SCTP association's state (struct ip_ct_sctp). It shares
// memory with TCP's.
type SCTPTrack struct {
	VTag    [2]uint32 // the verification tag that packets of a direction carry; 0: not known
	State   uint8     // SCTP*
	LastDir uint8     // direction of the heartbeat that heartbeatTag is about
	Flags   uint8     // sctp* bits
	Init    [2]uint8  // 1: this direction's INIT has been seen, and no COOKIE ACK since
}

const _ = uint(unsafe.Sizeof(TCPTrack{}) - unsafe.Sizeof(SCTPTrack{}))

// sctpHeartbeatTag: a heartbeat came with another tag than expected; its
// answer tells whether the association has begun anew.
const sctpHeartbeatTag uint8 = 1

// SCTP is the state of a connection whose protocol is SCTP.
func (c *Conn) SCTP() *SCTPTrack { return (*SCTPTrack)(unsafe.Pointer(&c.TCP)) }

const (
	sctpHeader  = 12
	chunkHeader = 4
	initHeader  = 16 // of INIT and INIT ACK, behind the chunk's: tag, window, streams, TSN
	chunkFlagT  = 1  // the tag is the other direction's, reflected
)

// chunks walks the chunks of a packet. Only headers that are all there count.
type chunks struct {
	b   []byte // from the SCTP header on
	at  int
	typ uint8
	fl  uint8
	len uint16
}

func (k *chunks) next() bool {
	if k.at == 0 {
		k.at = sctpHeader
	} else {
		k.at += (int(k.len) + 3) &^ 3
	}
	if len(k.b) < k.at+chunkHeader {
		return false
	}
	h := k.b[k.at:]
	k.typ, k.fl, k.len = h[0], h[1], binary.BigEndian.Uint16(h[2:])
	return true
}

// initTag is the tag that an INIT or INIT ACK gives to the other side.
func (k *chunks) initTag() (tag uint32, ok bool) {
	h := k.b[k.at:]
	if len(h) < chunkHeader+initHeader {
		return 0, false
	}
	return binary.BigEndian.Uint32(h[chunkHeader:]), true
}

// chunkSet holds chunk types below 64, which is all that anybody asks about.
type chunkSet uint64

func (s chunkSet) has(typ uint8) bool { return s>>typ&1 != 0 }

func (s chunkSet) any(of chunkSet) bool { return s&of != 0 }

const (
	// sctpStray begin no association: whoever gets them out of the blue
	// discards them (RFC 9260, 8.4).
	sctpStray chunkSet = 1<<chunkAbort | 1<<chunkShutdownComplete | 1<<chunkCookieAck
	// sctpOwnTag have a tag rule of their own (8.5.1).
	sctpOwnTag chunkSet = 1<<chunkInit | 1<<chunkShutdownComplete | 1<<chunkCookieEcho | 1<<chunkAbort | 1<<chunkShutdownAck | 1<<chunkHeartbeat | 1<<chunkHeartbeatAck
)

// sctpChunks collects a packet's chunks. INIT, INIT ACK and SHUTDOWN COMPLETE
// stand alone, COOKIE ECHO and COOKIE ACK stand first, and no chunk is of
// length zero (do_basic_checks).
func sctpChunks(b []byte) (set chunkSet, ok bool) {
	alone := false
	n := 0
	for k := (chunks{b: b}); k.next(); n++ {
		switch k.typ {
		case chunkInit, chunkInitAck, chunkShutdownComplete:
			alone = true
		}
		if k.len == 0 || n > 0 && (alone || k.typ == chunkCookieAck || k.typ == chunkCookieEcho) {
			return 0, false
		}
		if k.typ < 64 {
			set |= 1 << k.typ
		}
	}
	return set, n > 0
}

// sctp judges a packet (nf_conntrack_sctp_packet).
func (t *Tracker) sctp(now int64, b []byte, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	if len(b) < sctpHeader {
		return t.not(InvalidTruncated)
	}
	if t.set.Checksum && binary.LittleEndian.Uint32(b[8:]) != packet.SCTPChecksum(b) {
		return t.not(InvalidChecksum)
	}
	set, ok := sctpChunks(b)
	if !ok {
		return t.not(InvalidTruncated)
	}
	tag := binary.BigEndian.Uint32(b[4:])
	if c.Status&StatusConfirmed == 0 && (set.any(sctpStray) || !sctpNew(c, b, tag)) {
		return t.not(InvalidState)
	}
	a := c.SCTP()
	dir := ct.Info.Dir()
	if !set.any(sctpOwnTag) && tag != a.VTag[dir&1] {
		return t.not(InvalidState)
	}
	refresh := true
	next := SCTPNone
	for k := (chunks{b: b}); k.next(); {
		v := a.tags(&k, dir, tag, set, !refresh)
		if v == sctpTagWrong {
			return t.not(InvalidState)
		}
		if v == sctpTagWait {
			refresh = false
			continue
		}
		old := a.State
		if next = sctpNext(dir, k.typ, old); next == sctpInvalid {
			return t.not(InvalidState)
		}
		switch k.typ {
		case chunkInit:
			if !a.init(&k, dir, old) {
				return t.not(InvalidState)
			}
			// Repeating INIT to a port that nobody listens on must not keep
			// the entry alive.
			if next == SCTPClosed && old == SCTPClosed && c.Status&StatusConfirmed != 0 {
				refresh = false
			}
		case chunkInitAck:
			if !a.initAck(&k, dir) {
				return t.not(InvalidState)
			}
		}
		a.State = next
		if old != next && next == SCTPEstablished {
			c.Status |= StatusAssured
		}
	}
	if !refresh {
		return valid
	}
	return t.refreshAcct(now, h, c, ct, t.Timeouts(c).SCTPTimeouts[max(next, SCTPClosed)-SCTPClosed])
}

// sctpNew begins a connection (sctp_new). Only chunks that change a state do.
func sctpNew(c *Conn, b []byte, tag uint32) bool {
	a := c.SCTP()
	*a = SCTPTrack{}
	for k := (chunks{b: b}); k.next(); {
		if sctpNext(0, k.typ, SCTPNone) == SCTPNone {
			return false
		}
		switch k.typ {
		case chunkInit:
			mine, ok := k.initTag()
			if tag != 0 || !ok {
				return false
			}
			a.VTag[1] = mine
		case chunkHeartbeat:
			a.VTag[0] = tag // another path of an association
		case chunkShutdownAck:
			// Out of the blue: the answer reflects the tag (8.4).
			a.VTag[1] = tag
		}
	}
	return true
}

// sctpTag is what a chunk's verification tag says.
type sctpTag uint8

const (
	sctpTagRight sctpTag = iota
	sctpTagWrong
	sctpTagWait // let it by, change nothing: the answer will tell
)

// tags checks the verification tag as the chunk demands (RFC 9260, 8.5.1), and
// learns it where it may. waited: an earlier heartbeat of the packet had a
// wrong one.
func (a *SCTPTrack) tags(k *chunks, dir int, tag uint32, set chunkSet, waited bool) sctpTag {
	own, peer := &a.VTag[dir&1], &a.VTag[1-dir&1]
	switch k.typ {
	case chunkInit:
		if tag != 0 {
			return sctpTagWrong
		}
	case chunkAbort, chunkShutdownComplete:
		want := *own
		if k.fl&chunkFlagT != 0 {
			want = *peer
		}
		if tag != want {
			return sctpTagWrong
		}
	case chunkCookieEcho:
		if tag != *own {
			return sctpTagWrong
		}
	case chunkCookieAck:
		a.Init = [2]uint8{}
	case chunkHeartbeat, chunkHeartbeatAck:
		switch {
		case *own == 0:
			*own = tag
			return sctpTagRight
		case tag == *own:
			a.Flags &^= sctpHeartbeatTag
			return sctpTagRight
		case set.has(chunkData) || waited:
			return sctpTagWrong
		case k.typ == chunkHeartbeat:
			a.Flags |= sctpHeartbeatTag
			a.LastDir = uint8(dir)
			return sctpTagWait
		case a.Flags&sctpHeartbeatTag == 0 || a.LastDir == uint8(dir):
			return sctpTagWrong
		}
		// The other side answers such a heartbeat: both have new tags.
		a.Flags &^= sctpHeartbeatTag
		*own, *peer = tag, 0
	}
	return sctpTagRight
}

// init notes the tag that an INIT gives to the other side. One that gives the
// tag that is known is a repetition: unless it begins the association, no INIT
// ACK with another tag is expected because of it.
func (a *SCTPTrack) init(k *chunks, dir int, old uint8) bool {
	tag, ok := k.initTag()
	if !ok {
		return false
	}
	if old == SCTPNone || a.VTag[1-dir&1] != tag {
		if a.Init[dir&1] != 0 && a.Init[1-dir&1] != 0 {
			a.Init[1-dir&1] = 0
		}
		a.Init[dir&1] = 1
	}
	a.VTag[1-dir&1] = tag
	return true
}

// initAck notes the tag that an INIT ACK gives to the other side. It may be
// another than is known only if that side has sent an INIT, and not where the
// INITs of both have crossed.
func (a *SCTPTrack) initAck(k *chunks, dir int) bool {
	tag, ok := k.initTag()
	if !ok {
		return false
	}
	known := a.VTag[1-dir&1]
	if a.Init[1-dir&1] == 0 && known != 0 && known != tag {
		return false
	}
	if a.Init[dir&1] != 0 && a.Init[1-dir&1] != 0 && known != tag {
		return false
	}
	a.VTag[1-dir&1] = tag
	return true
}
