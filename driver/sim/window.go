package sim

import (
	"encoding/binary"

	"sluice/offload"
	"sluice/packet"
)

// windows are what a window-checking card (DPDK's rte_flow conntrack action)
// knows of TCP flows, by slot and direction. It has not seen the handshake:
// what it was told of it is as old as the insertion took.
type windows struct {
	chunk []*[chunkSize][2]side
}

// side is one direction's sender.
type side struct {
	end   uint32 // behind the last byte sent
	limit uint32 // what the other side allows it to send; valid if that was seen
	win   uint32 // largest window offered, bytes
	scale uint8
	seen  bool // end and win are known, and the other side's limit
	wide  bool // win and the other side's limit are larger than anybody has offered
}

const (
	maxScale = 14    // RFC 7323, section 2.3
	leastLag = 66000 // by which an acknowledgement may lag, as in the tracker

	widest = 0xffff << maxScale // the largest window that there can be
)

func (w *windows) of(slot uint32) *[2]side {
	for int(slot>>chunkBits) >= len(w.chunk) {
		w.chunk = append(w.chunk, new([chunkSize][2]side))
	}
	return &w.chunk[slot>>chunkBits][slot&(chunkSize-1)]
}

// Seeds are how a card that checks windows begins with a flow.
type Seeds uint8

const (
	// SeedWide: with the ends that it was told and the largest windows. Each
	// side's first segment brings its window back to what it offers (RFC part 2,
	// possible synchronization issues).
	SeedWide Seeds = iota
	// SeedTold: with what it was told as it is. What was sent while the insertion
	// was under way may be outside of it.
	SeedTold
	// SeedNone: with nothing. The first segment's word is as good as any.
	SeedNone

	numSeeds
)

var seedNames = [numSeeds]string{"wide", "told", "none"}

func (s Seeds) String() string { return seedNames[s] }

// startWindow begins with a flow's windows anew.
func (n *NIC) startWindow(f *flow, want *offload.Flow) {
	if !n.cfg.Window {
		return
	}
	w := n.windows.of(f.slot)
	for dir := range w {
		told := &want.Window[dir]
		if told.MaxWin == 0 || n.cfg.Seeds == SeedNone {
			*w = [2]side{{scale: maxScale}, {scale: maxScale}}
			return
		}
		w[dir] = side{end: told.End, limit: told.MaxEnd, win: told.MaxWin, scale: told.Scale, seen: true}
		if n.cfg.Seeds == SeedWide {
			w[dir].limit, w[dir].win, w[dir].wide = told.End+widest, widest, true
		}
	}
}

func later(a, b uint32) bool { return int32(a-b) > 0 }

// inWindow judges a segment by the tracker's rules (conntrack's tcpWindow has
// their numbers), and learns from one that is sound. SYN, and what has no
// acknowledgement, is software's.
func (n *NIC) inWindow(f *flow, dir int, frame []byte, h *packet.Headers) bool {
	t := frame[h.L4:]
	if len(t) < 20 || h.TCPFlags&(2|16) != 16 {
		return false
	}
	seq, ack := binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:])
	end := seq + uint32(h.End-h.L4) - uint32(t[12]>>4)*4
	w := n.windows.of(f.slot)
	me, you := &w[dir], &w[1-dir]
	switch {
	case !you.seen:
	case later(seq, me.limit), // I: beyond what the receiver allows
		me.seen && later(me.end-you.win, end),                // II: repeats what is long past
		later(ack, you.end),                                  // III: of what was never sent
		me.seen && later(you.end-max(me.win, leastLag), ack), // IV: far too late
		!me.seen && later(you.end-leastLag, ack):
		return false
	}
	win := uint32(binary.BigEndian.Uint16(t[14:])) << me.scale
	limit := ack + win
	if win == 0 {
		limit++ // a probe of the closed window
	}
	if !me.seen || later(end, me.end) {
		me.end = end
	}
	if !me.seen || me.wide {
		me.win, you.limit = win, limit
	}
	me.win = max(me.win, win)
	if later(limit, you.limit) {
		you.limit = limit
	}
	me.seen, me.wide = true, false
	return true
}
