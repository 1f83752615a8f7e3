package sim

import (
	"encoding/binary"

	"sluice/packet"
)

// windows are what a window-checking card (DPDK's rte_flow conntrack action)
// knows of TCP flows, by slot and direction. It has not seen the handshake, so
// it takes the first segment's word, and the largest scale that there is.
type windows struct {
	chunk []*[chunkSize][2]side
}

// side is one direction's sender.
type side struct {
	end, ack uint32 // behind the last byte sent, and the highest acknowledgement
	win      uint32 // largest window offered, bytes
	seen     bool
}

const (
	maxScale = 14    // RFC 7323, section 2.3
	leastLag = 66000 // by which an acknowledgement may lag, as in the tracker
)

func (w *windows) of(slot uint32) *[2]side {
	for int(slot>>chunkBits) >= len(w.chunk) {
		w.chunk = append(w.chunk, new([chunkSize][2]side))
	}
	return &w.chunk[slot>>chunkBits][slot&(chunkSize-1)]
}

func (n *NIC) startWindow(f *flow) {
	if n.cfg.Window {
		*n.windows.of(f.slot) = [2]side{}
	}
}

func later(a, b uint32) bool { return int32(a-b) > 0 }

// inWindow judges a segment by what its flow has carried, and learns from one
// that is sound. SYN, and what has no acknowledgement, is software's.
func (n *NIC) inWindow(f *flow, dir int, frame []byte, h *packet.Headers) bool {
	t := frame[h.L4:]
	if len(t) < 20 || h.TCPFlags&(2|16) != 16 {
		return false
	}
	seq, ack := binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:])
	end := seq + uint32(h.End-h.L4) - uint32(t[12]>>4)*4
	win := uint32(binary.BigEndian.Uint16(t[14:])) << maxScale
	w := n.windows.of(f.slot)
	me, you := &w[dir], &w[1-dir]
	if me.seen && later(me.end-max(you.win, leastLag), end) {
		return false // repeats what is long past
	}
	if you.seen {
		switch {
		case later(seq, you.ack+you.win), later(ack, you.end):
			return false // beyond what the receiver allows, or has sent
		case later(you.end-max(me.win, leastLag), ack):
			return false
		}
	}
	if !me.seen || later(end, me.end) {
		me.end = end
	}
	if !me.seen || later(ack, me.ack) {
		me.ack = ack
	}
	me.win, me.seen = max(me.win, win), true
	return true
}
