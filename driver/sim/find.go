package sim

import (
	"unsafe"

	"sluice/offload"
	"sluice/packet"
)

// Misses are why the card did not carry a packet that came to ct.
const (
	missUnknown = iota
	missInserting
	missRemoving
	missForgotten
	missFinal
	missDirection
	missIdle
	missWindow

	numMisses
)

var missNames = [numMisses]string{
	"not in the device", "insertion under way", "of a zone it has left", "closed or forgotten", "FIN or RST", "not in this direction", "idle too long", "outside of the TCP window",
}

const tcpFinal = 1 | 4 // FIN, RST

// Find gives the flow that may carry a packet now (offload's rules), what it
// was told to rewrite, and the packet's direction.
func (n *NIC) Find(now int64, zone uint16, frame []byte, h *packet.Headers) (*offload.Entry, *offload.Rewrite, int) {
	n.advance(now)
	f, dir := n.flows.find(zone, &h.Tuple, zoneHash(h.Hash, zone))
	if f == nil {
		n.n.Misses[missUnknown]++
		return nil, nil, 0
	}
	if why := n.misses(f, dir, frame, h); why >= 0 {
		n.n.Misses[why]++
		return nil, nil, 0
	}
	return &f.Entry, n.rewrite(f, dir), dir
}

// misses says why a flow may not carry a packet; -1: it may.
func (n *NIC) misses(f *flow, dir int, frame []byte, h *packet.Headers) int {
	final := h.Proto == packet.ProtoTCP && h.TCPFlags&tcpFinal != 0
	if final {
		f.flags |= closed
	}
	switch {
	case final:
		return missFinal
	case f.flags&closed != 0:
		return missForgotten
	case f.flags&live == 0:
		return missInserting
	case f.epoch != n.zone[f.Zone]:
		return missRemoving
	case dir != 0 && !f.Both:
		return missDirection
	case n.now-f.Used >= f.Idle:
		return missIdle
	case n.cfg.Window && h.Proto == packet.ProtoTCP && !n.inWindow(f, dir, frame, h):
		return missWindow
	}
	return -1
}

// Carried counts a packet that Find's flow has carried.
func (n *NIC) Carried(now int64, of *offload.Entry, dir int, bytes uint64) {
	f := (*flow)(unsafe.Pointer(of)) // Find gives no others, and Entry is a flow's first field
	if n.cfg.Stats > 0 {
		n.before(n.now, f)
	}
	f.packets[dir]++
	f.bytes[dir] += bytes
	f.Used = max(f.Used, now)
	n.n.Carried++
	if n.chance(n.cfg.Faults.Forget) {
		f.flags |= closed
		n.n.Forgotten++
	}
}
