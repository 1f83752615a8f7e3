package conntrack

import (
	"encoding/binary"
	"unsafe"

	"sluice/packet"
)

// GRETrack holds the timeouts that a GRE connection got when it began (struct
// nf_ct_gre), in nanoseconds. It shares memory with TCP's.
type GRETrack struct {
	Timeout, StreamTimeout int64
}

// GRE is the state of a connection whose protocol is GRE.
func (c *Conn) GRE() *GRETrack { return (*GRETrack)(unsafe.Pointer(&c.TCP)) }

// etherPPP is what PPTP's GRE carries (RFC 2637, 4.1).
const etherPPP = 0x880b

// greHasTuple refuses GRE version 1 that carries anything but PPP. Version 1
// that is cut off before its call id counts as any other GRE
// (gre_pkt_to_tuple).
func greHasTuple(b []byte) bool {
	return len(b) < 8 || b[1]&7 != 1 || binary.BigEndian.Uint16(b[2:]) == etherPPP
}

// gre judges a GRE packet: a stream once both sides have spoken
// (nf_conntrack_proto_gre.c). Versions other than 1, PPTP's, have no ports,
// whatever key they carry.
func (t *Tracker) gre(now int64, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	g := c.GRE()
	if c.Status&StatusConfirmed == 0 {
		to := t.Timeouts(c)
		*g = GRETrack{to.GRETimeout, to.GRETimeoutStream}
	}
	if c.Status&StatusSeenReply == 0 {
		return t.refreshAcct(now, h, c, ct, g.Timeout)
	}
	if c.Status&StatusNATClash == 0 { // those time out soon
		c.Status |= StatusAssured
	}
	return t.refreshAcct(now, h, c, ct, g.StreamTimeout)
}
