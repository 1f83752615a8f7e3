package conntrack

import (
	"encoding/binary"

	"sluice/packet"
)

// Flags of a direction, numbered as the kernel's IP_CT_TCP_FLAG_*, which
// conntrack dumps show.
const (
	TCPFlagWindowScale  uint8 = 0x01
	TCPFlagSACKPerm     uint8 = 0x02
	TCPFlagCloseInit    uint8 = 0x04 // sent the first FIN
	TCPFlagBeLiberal    uint8 = 0x08 // windows are not enforced
	TCPFlagDataUnacked  uint8 = 0x10
	TCPFlagMaxAckSet    uint8 = 0x20
	tcpFlagChallengeACK uint8 = 0x40 // of LastFlags: an answer to an ignored SYN may be a challenge
	tcpFlagSimultOpen   uint8 = 0x80 // of LastFlags
)

// TCPSeen is what one direction has been seen to send (struct ip_ct_tcp_state).
type TCPSeen struct {
	End    uint32 // highest sequence number sent, plus one
	MaxEnd uint32 // highest that the other side's window allowed
	MaxWin uint32 // largest window advertised, scaled; 0: nothing seen yet
	MaxAck uint32 // highest acknowledgement sent; valid iff TCPFlagMaxAckSet
}

// TCPTrack is a TCP connection's state (struct ip_ct_tcp).
type TCPTrack struct {
	Seen       [2]TCPSeen // by direction
	Scale      [2]uint8   // by direction: shift of its windows
	Flags      [2]uint8   // by direction: TCPFlag*
	LastSeq    uint32
	LastAck    uint32
	LastEnd    uint32
	LastWin    uint16
	State      uint8 // TCP*
	Retrans    uint8
	LastDir    uint8
	LastIndex  uint8 // kind of the last segment
	LastFlags  uint8
	LastWScale uint8
}

// segment is what the state machine needs of a TCP header.
type segment struct {
	seq, ack uint32
	ackOff   uint32 // by how much ack is more than was sent, see seqAdjust
	end      uint32 // seq plus payload, SYN and FIN
	win      uint16
	flags    uint16
	kind     uint8
	options  []byte
}

// before and after compare sequence numbers modulo 2^32 (RFC 9293, 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }
func after(a, b uint32) bool  { return int32(b-a) < 0 }

// tcp judges a segment (nf_conntrack_proto_tcp.c nf_conntrack_tcp_packet).
func (t *Tracker) tcp(now int64, frame, b []byte, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	s, ok := t.segment(frame, b, h)
	if !ok {
		return invalid // segment has said why
	}
	if c.Status&StatusSeqAdjust != 0 {
		// Acknowledgements count what the other side's helper made of it.
		s.ackOff = t.extra(slotOf(ct.Conn)).seq[1-ct.Info.Dir()].offset(s.ack - 1)
	}
	if c.Status&StatusConfirmed == 0 {
		if s.flags == flagSYN && c.Status == 0 && ct.Info == packet.CTNew {
			return t.tcpOpen(now, h, c, ct, &s)
		}
		if !t.tcpNew(c, &s) {
			return t.not(InvalidState)
		}
	}
	w := &c.TCP
	dir := uint8(ct.Info.Dir())
	old := w.State
	next := tcpNext[dir][s.kind][old]
	checkWindow := true
	switch next {
	case TCPSynSent:
		if old < TCPTimeWait {
			break
		}
		// A new SYN on a connection that is over: by a FIN on either side, or
		// by a RST of this one. Forget it and begin again.
		if (w.Flags[0]|w.Flags[1])&TCPFlagCloseInit != 0 || w.LastDir == dir && w.LastIndex == segRST {
			t.Kill(ct.Conn)
			return again
		}
		fallthrough
	case tcpIgnore:
		if s.kind == segSYNACK && w.LastIndex == segSYN && w.LastDir != dir && s.ack == w.LastEnd {
			// It answers a SYN that was ignored: both ends agree and the
			// tracker was wrong. Catch up with what that SYN said.
			old, next = TCPSynSent, TCPSynRecv
			o := &w.Seen[w.LastDir]
			o.End, o.MaxEnd = w.LastEnd, w.LastEnd
			o.MaxWin = uint32(max(w.LastWin, 1))
			w.LastFlags &^= tcpFlagChallengeACK
			w.Scale[w.LastDir], w.Flags[w.LastDir] = w.LastWScale, w.LastFlags
			w.Seen[dir] = TCPSeen{}
			w.Scale[dir], w.Flags[dir] = 0, w.Flags[dir]&TCPFlagBeLiberal
			break
		}
		t.tcpRemember(c, &s, dir, old)
		return valid
	case tcpInvalid:
		if next = t.oneWay(c, &s, old); next == tcpInvalid {
			return t.not(InvalidState)
		}
	case TCPTimeWait:
		// A server in LAST_ACK challenges a stray SYN with an ACK that must
		// not pass for the ACK of its FIN (RFC 5961, 4).
		if old == TCPLastAck && s.kind == segACK && w.LastDir != dir && w.LastIndex == segSYN && w.LastFlags&tcpFlagChallengeACK != 0 {
			w.LastFlags &^= tcpFlagChallengeACK
			return valid
		}
	case TCPSynSent2:
		w.LastFlags |= tcpFlagSimultOpen
	case TCPSynRecv:
		if dir == 1 && s.kind == segACK && w.LastFlags&tcpFlagSimultOpen != 0 {
			next = TCPEstablished
		}
	case TCPClose:
		if s.kind != segRST {
			break
		}
		var v verdict
		if next, checkWindow, v = t.tcpReset(c, &s, dir, old); v != valid {
			return v
		}
	}
	if checkWindow {
		switch t.tcpWindow(c, dir, &s) {
		case windowIgnore:
			return valid
		case windowInvalid:
			t.tcpInvalidSegment(now, slotOf(ct.Conn), c, dir, s.kind)
			return t.not(InvalidWindow)
		}
	}
	w.LastIndex, w.LastDir, w.State = s.kind, dir, next
	if old != next && next == TCPFinWait {
		w.Flags[dir] |= TCPFlagCloseInit
	}
	return t.tcpTimeout(now, h, c, ct, &s, old, next)
}

// tcpTimeout chooses the deadline and what the segment makes of the
// connection as a whole.
func (t *Tracker) tcpTimeout(now int64, h *packet.Headers, c *Conn, ct *packet.CT, s *segment, old, next uint8) verdict {
	w, to := &c.TCP, &t.Timeouts(c).TCPTimeouts
	timeout := to[next]
	switch {
	case int64(w.Retrans) >= t.set.TCPMaxRetrans && timeout > to[tcpRetrans]:
		timeout = to[tcpRetrans]
	case s.kind == segRST && next == TCPEstablished && timeout > to[tcpUnack]:
		// It did not hit exactly. The receiver's answer tells; were the entry to
		// go before that, a RST from off the path would end the connection.
		timeout = to[tcpUnack]
	case (w.Flags[0]|w.Flags[1])&TCPFlagDataUnacked != 0 && timeout > to[tcpUnack]:
		timeout = to[tcpUnack]
	case w.LastWin == 0 && timeout > to[tcpRetrans]:
		timeout = to[tcpRetrans]
	}
	if c.Status&StatusSeenReply == 0 {
		if s.flags&flagRST != 0 {
			// Nothing but a RST has ever come back, or the client gave up.
			t.refused(ct, c, h)
			return valid
		}
		if s.kind == segSYN && old == TCPSynSent {
			return valid // a repeated SYN must not keep the entry alive for ever
		}
		if next == TCPEstablished && timeout > to[tcpUnack] {
			timeout = to[tcpUnack] // picked up in its middle, one side heard
		}
	} else if c.Status&StatusAssured == 0 && (old == TCPSynRecv || old == TCPEstablished) && next == TCPEstablished {
		c.Status |= StatusAssured
	}
	return t.refreshAcct(now, h, c, ct, timeout)
}

// refused ends a connection that a RST answered. The packet keeps its
// state, so the entry goes when the packet does: it leaves the index now, and
// becomes the packet's own, unconfirmed one.
func (t *Tracker) refused(ct *packet.CT, c *Conn, h *packet.Headers) {
	c.count(ct.Info.Dir(), h)
	if c.Status&StatusConfirmed != 0 {
		t.forget(slotOf(ct.Conn), c)
	}
	c.Status = c.Status&^StatusConfirmed | StatusDying
}

// segment reads and checks a TCP header (tcp_error).
func (t *Tracker) segment(frame, b []byte, h *packet.Headers) (s segment, ok bool) {
	if len(b) < 20 {
		t.why = InvalidTruncated
		return s, false
	}
	n := int(b[12]>>4) * 4
	if n < 20 || n > len(b) {
		t.why = InvalidTruncated
		return s, false
	}
	if t.set.Checksum && !checksumOK(frame, b, h) {
		t.why = InvalidChecksum
		return s, false
	}
	s.flags = uint16(b[13])
	if !soundFlags[s.flags&^(flagPSH|flagECE|flagCWR)&63] {
		t.why = InvalidFlags
		return s, false
	}
	s.kind = segmentKind(s.flags)
	s.seq = binary.BigEndian.Uint32(b[4:])
	s.ack = binary.BigEndian.Uint32(b[8:])
	s.win = binary.BigEndian.Uint16(b[14:])
	s.end = s.seq + uint32(len(b)-n)
	if s.flags&flagSYN != 0 {
		s.end++
	}
	if s.flags&flagFIN != 0 {
		s.end++
	}
	s.options = b[20:n]
	return s, true
}

// tcpNew begins a connection (tcp_new). Without tcp_loose only a SYN does.
func (t *Tracker) tcpNew(c *Conn, s *segment) bool {
	switch tcpNext[0][s.kind][TCPNone] {
	case TCPSynSent:
		c.TCP = TCPTrack{}
		o := &c.TCP.Seen[0]
		o.End, o.MaxEnd = s.end, s.end
		o.MaxWin = uint32(max(s.win, 1))
		readOptions(s.options, &c.TCP.Scale[0], &c.TCP.Flags[0])
	default:
		lost := tcpNext[0][s.kind][TCPNone] != tcpInvalid && t.set.TCPLoose
		if !lost && t.checks(c) != ChecksOneWay {
			return false
		}
		// Its beginning is lost, and with it what the ends agreed on. Assume
		// the most and check the least.
		c.TCP = TCPTrack{}
		o := &c.TCP.Seen[0]
		o.MaxWin = uint32(max(s.win, 1))
		o.End, o.MaxEnd = s.end, s.end+o.MaxWin
		const liberal = TCPFlagSACKPerm | TCPFlagBeLiberal
		c.TCP.Flags = [2]uint8{liberal, liberal}
	}
	c.TCP.LastIndex = segNone
	t.relax(c)
	return true
}

// tcpOpen is what all of the above comes to for the SYN that begins a connection,
// which is most of what begins any: nothing is known yet that it could
// contradict.
func (t *Tracker) tcpOpen(now int64, h *packet.Headers, c *Conn, ct *packet.CT, s *segment) verdict {
	w := &c.TCP
	*w = TCPTrack{State: TCPSynSent, LastIndex: segSYN}
	w.Seen[0] = TCPSeen{End: s.end, MaxEnd: s.end, MaxWin: uint32(max(s.win, 1))}
	w.Seen[1].MaxEnd = uint32(max(s.win, 1))
	if len(s.options) > 0 {
		readOptions(s.options, &w.Scale[0], &w.Flags[0])
	}
	if t.lim.lax {
		t.relax(c)
	}
	to := &t.Timeouts(c).TCPTimeouts
	// No window has been remembered, which reads as one of zero.
	return t.refreshAcct(now, h, c, ct, min(to[TCPSynSent], to[tcpRetrans]))
}

// tcpRemember notes an ignored segment: the other side's answer to it may show
// that the tracker was out of step.
func (t *Tracker) tcpRemember(c *Conn, s *segment, dir, old uint8) {
	w := &c.TCP
	w.LastIndex, w.LastDir = s.kind, dir
	w.LastSeq, w.LastEnd, w.LastWin = s.seq, s.end, s.win
	if s.kind == segSYN && dir == 0 {
		var scale, flags uint8
		readOptions(s.options, &scale, &flags)
		w.LastFlags, w.LastWScale = flags&(TCPFlagWindowScale|TCPFlagSACKPerm), 0
		if flags&TCPFlagWindowScale != 0 {
			w.LastWScale = scale
		}
		if old == TCPLastAck {
			w.LastFlags |= tcpFlagChallengeACK
		}
	}
	if old == TCPSynSent && s.kind == segACK && dir == 1 {
		w.LastAck = s.ack // perhaps a challenge; the client's RST will quote it
	}
}

// tcpReset decides what a RST does, and whether its window is to be checked
// (nf_conntrack_tcp_packet, TCP_CONNTRACK_CLOSE).
//
// Of a connection that is closing already nothing is checked, and the RST
// teaches nothing: the ends may have used the tuple anew, and what the tracker
// remembers may be about their last connection. Of an established one a RST
// that is in the window but not exactly the next expected leaves the state,
// since the receiver will challenge it (RFC 5961, 3.2).
func (t *Tracker) tcpReset(c *Conn, s *segment, dir, old uint8) (next uint8, checkWindow bool, v verdict) {
	w := &c.TCP
	if old >= TCPFinWait && old <= TCPClose {
		return TCPClose, false, valid // tcp_can_early_drop
	}
	next = TCPClose
	// After a SYN that was let through, the highest acknowledgement may be of the
	// connection before it.
	if peer := &w.Seen[1-dir]; w.Flags[1-dir]&TCPFlagMaxAckSet != 0 && w.LastIndex != segSYN {
		// nf_conntrack_tcp_established: a connection that was picked up in its
		// middle is not, until both sides have been heard.
		established := old == TCPEstablished && c.Status&StatusAssured != 0
		switch {
		case s.seq == 0 && !established:
			// Most likely the answer to a SYN that was let through.
			return next, true, valid
		case before(s.seq, peer.MaxAck) && !t.set.TCPIgnoreInvalidRST:
			return next, false, t.not(InvalidWindow)
		case !established || s.seq == peer.MaxAck:
			return next, true, valid
		case w.LastIndex == segACK && w.LastDir == dir && s.seq == w.LastEnd:
			// Right behind the data it follows.
			return next, true, valid
		}
		next = old
	}
	switch {
	case s.ack != w.LastEnd:
	case c.Status&StatusSeenReply != 0 && w.LastIndex == segSYN && w.LastDir != dir, c.Status&StatusAssured == 0 && w.LastIndex == segACK:
		// It answers a segment that was ignored; its numbers are not ours.
		return next, false, valid
	}
	if old == TCPSynSent && w.LastIndex == segACK && w.LastDir == 1 && s.seq == w.LastAck {
		// It answers a challenge ACK (RFC 5961, 4.2), which the tracker ignored.
		return next, false, valid
	}
	return next, true, valid
}

// tcpInvalidSegment shortens the life of an assured connection when an
// out-of-window FIN or RST is answered by one from the other side: the ends
// are closing, and the tracker is out of step (nf_tcp_handle_invalid).
func (t *Tracker) tcpInvalidSegment(now int64, slot uint32, c *Conn, dir, kind uint8) {
	if c.Status&StatusAssured == 0 || c.Status&StatusFixedTimeout != 0 || kind != segRST && kind != segFIN {
		return
	}
	w := &c.TCP
	if w.LastDir == dir || w.LastIndex != segFIN && w.LastIndex != segRST {
		w.LastIndex, w.LastDir = kind, dir
		return
	}
	if left, unack := c.Timeout-now, t.Timeouts(c).TCPTimeouts[tcpUnack]; left >= 120*second && left > unack {
		c.Timeout = now + unack
		t.sooner(slot, c)
	}
}
