package conntrack

import (
	"encoding/binary"

	"sluice/packet"
)

// streamAfter is how long a UDP exchange must last to count as a stream.
const streamAfter = 2 * second

// udp judges a UDP packet (nf_conntrack_proto_udp.c).
func (t *Tracker) udp(now int64, frame, b []byte, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	if why, ok := t.udpSound(frame, b, h); !ok {
		return t.not(why)
	}
	if c.Status&StatusConfirmed == 0 {
		c.setStreamAt(now + streamAfter)
	}
	to := t.Timeouts(c)
	if c.Status&StatusSeenReply == 0 {
		timeout := to.udpUnseen(c, ct.Info.Dir())
		if ct.Info.Dir() == 0 {
			timeout = t.unanswered(now, c, timeout)
		}
		return t.refreshAcct(now, h, c, ct, timeout)
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

// unanswered is a timeout that does not reach beyond udp.unanswered.
func (t *Tracker) unanswered(now int64, c *Conn, timeout int64) int64 {
	if limit := t.set.UDPUnanswered; limit != 0 {
		return max(0, min(timeout, c.streamAt()-streamAfter+limit-now))
	}
	return timeout
}

// Lapses reports whether a connection ends at its time although packets come:
// one that is unanswered, with udp.unanswered set.
func (t *Tracker) Lapses(c *Conn) bool {
	return t.set.UDPUnanswered != 0 && c.Orig.Proto == packet.ProtoUDP && c.Status&StatusSeenReply == 0
}

// Unanswered is what the tracker would have done to an unanswered UDP
// connection for a packet of its original direction that a device carried at a
// time that has passed, ns. A packet that the tracker has judged since may have
// put the end off further, and then it stays. An end that no packet can have given
// until now, the latest time, is the one that the flow table gave when the
// connection entered: the packet replaces it.
func (t *Tracker) Unanswered(at, now int64, ref packet.ConnRef, c *Conn) {
	if c.Orig.Proto != packet.ProtoUDP || c.Status&(StatusSeenReply|StatusFixedTimeout) != 0 {
		return
	}
	most := t.Timeouts(c).udpUnseen(c, 0)
	end := at + t.scaled(t.unanswered(at, c, most))
	if end <= c.Timeout && c.Timeout <= now+most {
		return
	}
	sooner := end < c.Timeout
	if c.Timeout = end; sooner {
		t.sooner(slotOf(ref), c)
	}
}

// udplite judges a UDP-Lite packet: a stream as soon as a reply has been seen
// (nf_conntrack_udplite_packet).
func (t *Tracker) udplite(now int64, frame, b []byte, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	if why, ok := t.udpliteSound(frame, b, h); !ok {
		return t.not(why)
	}
	to := t.Timeouts(c)
	if c.Status&StatusSeenReply == 0 {
		return t.refreshAcct(now, h, c, ct, to.udpUnseen(c, ct.Info.Dir()))
	}
	if c.Status&StatusNATClash == 0 {
		c.Status |= StatusAssured
	}
	return t.refreshAcct(now, h, c, ct, to.UDPTimeoutStream)
}

// udpliteSound checks coverage and checksum. The kernel sums the pseudo header
// with UDP's protocol number instead of UDP-Lite's (RFC 3828, 3.2), and so
// takes every right checksum for a wrong one (udplite_error). Only with
// nf_conntrack_checksum=0 is UDP-Lite tracked.
func (t *Tracker) udpliteSound(frame, b []byte, h *packet.Headers) (why Invalid, ok bool) {
	if len(b) < 8 {
		return InvalidTruncated, false
	}
	cover := int(binary.BigEndian.Uint16(b[4:]))
	if cover == 0 {
		cover = len(b)
	}
	if cover < 8 || cover > len(b) {
		return InvalidTruncated, false
	}
	return InvalidChecksum, binary.BigEndian.Uint16(b[6:]) != 0 && (!t.set.Checksum || partialOK(frame, b, cover, h, packet.ProtoUDP))
}

// SoundUDP reports whether a UDP packet is one that the tracker would not find
// invalid, whatever its connection. A device that carries connections before
// they are assured must see to that itself.
func (t *Tracker) SoundUDP(frame []byte, h *packet.Headers) bool {
	if int(h.L4) > len(frame) {
		return false
	}
	_, ok := t.udpSound(frame, frame[h.L4:min(h.IPEnd(frame), len(frame))], h)
	return ok
}

// udpSound checks length and checksum, and says what is wrong. The length may
// leave out padding.
func (t *Tracker) udpSound(frame, b []byte, h *packet.Headers) (why Invalid, ok bool) {
	if len(b) < 8 {
		return InvalidTruncated, false
	}
	n, sum := int(binary.BigEndian.Uint16(b[4:])), binary.BigEndian.Uint16(b[6:])
	if n > len(b) || n < 8 {
		return InvalidTruncated, false
	}
	return InvalidChecksum, sum == 0 || !t.set.Checksum || checksumOK(frame, b, h)
}
