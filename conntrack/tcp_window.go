package conntrack

import "encoding/binary"

// windowResult says what a segment is to the window.
type windowResult uint8

const (
	windowAccept windowResult = iota
	// windowIgnore: let it on without learning from it (an old
	// retransmission, a late ACK).
	windowIgnore
	windowInvalid
)

// maxAckWindow is the least by which an acknowledgement may lag
// (MAXACKWINCONST).
const maxAckWindow = 66000

// tcpWindow checks a segment against what both sides have said, and learns
// from it (tcp_in_window; Guido van Rooij, "Real Stateful TCP Packet
// Filtering in IP Filter", 2001). With I as the sender and J as the receiver
// a segment is sound when
//
//	seq  <= max end that J allowed            (I)
//	end  >= I's end - J's largest window      (II)
//	ack  <= J's end                           (III)
//	ack  >= J's end - max(I's window, 66000)  (IV)
func (t *Tracker) tcpWindow(c *Conn, dir uint8, s *segment) windowResult {
	w := &c.TCP
	sender, receiver := &w.Seen[dir], &w.Seen[1-dir]
	seq, end, ack := s.seq, s.end, s.ack
	win := uint32(s.win)
	sack := ack
	if w.Flags[1-dir]&TCPFlagSACKPerm != 0 {
		sack = sackEdge(s.options, sack)
	}
	ack -= s.ackOff
	sack -= s.ackOff
	syn, hasACK := s.flags&flagSYN != 0, s.flags&flagACK != 0

	if sender.MaxWin == 0 {
		if syn {
			w.begin(dir, s)
			if !hasACK {
				return windowAccept // simultaneous open
			}
		} else {
			// Mid-stream: take the segment's word for it.
			sender.End = end
			sender.MaxWin = max(win<<w.Scale[dir], 1)
			sender.MaxEnd = end + sender.MaxWin
			if receiver.MaxWin == 0 {
				receiver.End, receiver.MaxEnd = sack, sack
			} else if sack == receiver.End+1 {
				receiver.End++ // the answer to a keep-alive
			}
		}
	} else if syn && after(end, sender.End) && (w.State == TCPSynSent || w.State == TCPSynRecv) {
		// A different SYN for the same connection: the first attempt is void.
		w.begin(dir, s)
		if dir == 1 && !hasACK {
			return windowAccept
		}
	}
	if !hasACK || s.flags&flagRST != 0 && ack == 0 {
		// No acknowledgement, or the zero of stacks that set ACK in any RST.
		ack, sack = receiver.End, receiver.End
	}
	if s.flags&flagRST != 0 && seq == 0 && w.State == TCPSynSent {
		seq, end = sender.End, sender.End // answers a SYN
	}

	if !before(seq, sender.MaxEnd+1) {
		over := end - sender.MaxEnd + 1
		if receiver.MaxWin != 0 && after(end, sender.End-receiver.MaxWin-1) &&
			after(sack, receiver.End-ackWindow(sender)-1) && over <= receiver.MaxWin && before(sack, receiver.End+1) {
			// More than the window allows, but near: if the policy lets it
			// pass, the peer's ACK of it must not look invalid.
			sender.End = end
			w.Flags[dir] |= TCPFlagDataUnacked
			return t.outside(w.Flags[dir], windowIgnore)
		}
		return t.outside(w.Flags[dir], windowInvalid)
	}
	if !before(sack, receiver.End+1) {
		return t.outside(w.Flags[dir], windowInvalid)
	}
	if receiver.MaxWin != 0 && !after(end, sender.End-receiver.MaxWin-1) {
		return t.outside(w.Flags[dir], windowIgnore)
	}
	if !after(sack, receiver.End-ackWindow(sender)-1) {
		return t.outside(w.Flags[dir], windowIgnore)
	}
	w.learn(sender, receiver, dir, s, seq, end, ack, sack, win)
	return windowAccept
}

// outside is the answer for a segment that failed a check: with liberal
// windows everything passes. The kernel learns nothing from such a segment.
func (t *Tracker) outside(flags uint8, r windowResult) windowResult {
	if flags&TCPFlagBeLiberal != 0 || t.set.TCPBeLiberal {
		return windowAccept
	}
	return r
}

// learn updates both sides from a sound segment.
func (w *TCPTrack) learn(sender, receiver *TCPSeen, dir uint8, s *segment, seq, end, ack, sack, win uint32) {
	if s.flags&flagSYN == 0 {
		win <<= w.Scale[dir]
	}
	if swin := win + (sack - ack); sender.MaxWin < swin {
		sender.MaxWin = swin
	}
	if after(end, sender.End) {
		sender.End = end
		w.Flags[dir] |= TCPFlagDataUnacked
	}
	if s.flags&flagACK != 0 {
		if w.Flags[dir]&TCPFlagMaxAckSet == 0 {
			sender.MaxAck = ack
			w.Flags[dir] |= TCPFlagMaxAckSet
		} else if after(ack, sender.MaxAck) {
			sender.MaxAck = ack
		}
	}
	if receiver.MaxWin != 0 && after(end, sender.MaxEnd) {
		receiver.MaxWin += end - sender.MaxEnd
	}
	if after(sack+win, receiver.MaxEnd-1) {
		receiver.MaxEnd = sack + win
		if win == 0 {
			receiver.MaxEnd++
		}
	}
	if ack == receiver.End {
		w.Flags[1-dir] &^= TCPFlagDataUnacked
	}
	if s.kind == segACK {
		if w.LastDir == dir && w.LastSeq == seq && w.LastAck == ack && w.LastEnd == end && w.LastWin == s.win {
			w.Retrans++ // eight bits, which wrap as the kernel's do
		} else {
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin, w.Retrans = dir, seq, ack, end, s.win, 0
		}
	}
}

// begin sets a side from its SYN or SYN-ACK (tcp_init_sender). Windows are
// scaled only if both sides offered it (RFC 7323).
func (w *TCPTrack) begin(dir uint8, s *segment) {
	sender := &w.Seen[dir]
	sender.End, sender.MaxEnd = s.end, s.end
	sender.MaxWin = uint32(max(s.win, 1))
	readOptions(s.options, &w.Scale[dir], &w.Flags[dir])
	if dir == 1 && w.Flags[0]&w.Flags[1]&TCPFlagWindowScale == 0 {
		w.Scale = [2]uint8{}
	}
}

func ackWindow(sender *TCPSeen) uint32 { return max(sender.MaxWin, maxAckWindow) }

// TCP options (RFC 9293, 7323, 2018).
const (
	optEnd       = 0
	optNop       = 1
	optWindow    = 3
	optSACKPerm  = 4
	optSACK      = 5
	maxWinScale  = 14
	sackBlockLen = 8
)

// readOptions takes window scaling and SACK from a SYN's options. Without any
// options everything stays as it is, as in the kernel.
func readOptions(b []byte, scale, flags *uint8) {
	if len(b) == 0 {
		return
	}
	*scale = 0
	*flags &= TCPFlagBeLiberal
	for len(b) > 0 && b[0] != optEnd {
		if b[0] == optNop {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return
		}
		switch {
		case b[0] == optSACKPerm && b[1] == 2:
			*flags |= TCPFlagSACKPerm
		case b[0] == optWindow && b[1] == 3:
			*scale = min(b[2], maxWinScale)
			*flags |= TCPFlagWindowScale
		}
		b = b[b[1]:]
	}
}

// sackEdge returns the highest sequence number that a segment acknowledges,
// selectively or not.
func sackEdge(b []byte, ack uint32) uint32 {
	// Most segments carry timestamps and nothing else.
	if len(b) == 12 && binary.BigEndian.Uint32(b) == 0x0101080a {
		return ack
	}
	for len(b) > 0 && b[0] != optEnd {
		if b[0] == optNop {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return ack
		}
		if n := int(b[1]) - 2; b[0] == optSACK && n >= sackBlockLen && n%sackBlockLen == 0 {
			for blocks := b[2 : 2+n]; len(blocks) > 0; blocks = blocks[sackBlockLen:] {
				if edge := binary.BigEndian.Uint32(blocks[4:]); after(edge, ack) {
					ack = edge
				}
			}
			return ack
		}
		b = b[b[1]:]
	}
	return ack
}
