package conntrack

import (
	"encoding/binary"

	"sluice/packet"
)

// streamAfter is how long a UDP exchange must last to count as a stream.
const streamAfter = 2 * second

// udp judges a UDP or UDP-Lite packet (nf_conntrack_proto_udp.c).
func (t *Tracker) udp(now int64, frame, b []byte, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	if !t.udpSound(frame, b, h) {
		return invalid
	}
	if c.Status&StatusConfirmed == 0 {
		c.setStreamAt(now + streamAfter)
	}
	to := t.Timeouts(c)
	if c.Status&StatusSeenReply == 0 {
		return t.refreshAcct(now, h, c, ct, to.udpUnseen(c, ct.Info.Dir()))
	}
	timeout := to.udpReplied()
	if now > c.streamAt() {
		timeout = to.UDPTimeoutStream
		if c.Status&StatusNATClash == 0 {
			c.Status |= StatusAssured
		}
	}
	return t.refreshAcct(now, h, c, ct, timeout)
}

// udpSound checks length and checksum. UDP's length may leave out padding;
// UDP-Lite's is how much the checksum covers.
func (t *Tracker) udpSound(frame, b []byte, h *packet.Headers) bool {
	if len(b) < 8 {
		return false
	}
	n, sum := int(binary.BigEndian.Uint16(b[4:])), binary.BigEndian.Uint16(b[6:])
	if h.Proto == packet.ProtoUDPLite {
		if n == 0 {
			n = len(b)
		}
		if n < 8 || n > len(b) || sum == 0 {
			return false
		}
		return !t.set.Checksum || transportSum(frame, h, b[:n], len(b)) == 0xffff
	}
	if n > len(b) || n < 8 {
		return false
	}
	return sum == 0 || !t.set.Checksum || checksumOK(frame, b, h)
}

// gre judges a GRE packet: a stream once both sides have spoken
// (nf_conntrack_proto_gre.c).
func (t *Tracker) gre(now int64, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	if c.Status&StatusSeenReply == 0 {
		return t.refreshAcct(now, h, c, ct, t.set.GRETimeout)
	}
	c.Status |= StatusAssured
	return t.refreshAcct(now, h, c, ct, t.set.GRETimeoutStream)
}
