package conntrack

import (
	"sluice/packet"
)

// verdict is what a protocol says of a packet.
type verdict uint8

const (
	valid verdict = iota
	invalid
	again // the connection is gone; look the packet up anew (NF_REPEAT)
)

// In judges a packet in a zone, as nf_conntrack_in does at PRE_ROUTING. It
// replaces ct.Conn and ct.Info; ct.Conn is zero afterwards when the packet is
// invalid. A packet of no known connection gets a new, unconfirmed one.
//
// h must be the frame's headers with h.Hash set. The caller has dealt with
// fragments and with what lies behind the IP packet.
func (t *Tracker) In(now int64, frame []byte, h *packet.Headers, zone uint16, ct *packet.CT) Result {
	var f Found
	return t.InFound(now, frame, h, zone, ct, &f)
}

// InFound is In for a caller that may have searched for the packet's connection
// in the zone; nothing has become known since. What f says afterwards is of no
// use.
func (t *Tracker) InFound(now int64, frame []byte, h *packet.Headers, zone uint16, ct *packet.CT, f *Found) Result {
	ct.Conn, ct.Info = 0, packet.CTUntracked
	b, ok := transport(frame, h)
	if !ok {
		t.why = InvalidHeader
		t.invalid()
		return Accept
	}
	switch h.Proto {
	case packet.ProtoICMP, packet.ProtoICMPv6:
		if h.Proto == packet.ProtoICMP != (h.Tuple.Family == packet.IPv4) {
			t.st.Invalid++ // the other family's ICMP (nf_conntrack_icmp_packet)
			return Accept
		}
		switch t.icmpError(now, frame, b, h, zone, ct) {
		case icmpRelated:
			return Accept
		case icmpInvalid:
			t.icmpInvalid()
			return Accept
		}
	}
	for {
		c, res := t.resolve(now, b, h, zone, ct, f)
		if res != Accept {
			return res
		}
		if c == nil {
			t.invalid()
			return Accept
		}
		var was traits
		if t.events != nil {
			t.clock(now) // the packet may end its connection and begin another
			was = c.traits()
		}
		var v verdict
		switch h.Proto {
		case packet.ProtoTCP:
			v = t.tcp(now, frame, b, h, c, ct)
		case packet.ProtoUDPLite:
			v = t.udplite(now, frame, b, h, c, ct)
		case packet.ProtoDCCP:
			v = t.dccp(now, frame, b, h, c, ct)
		case packet.ProtoUDP:
			v = t.udp(now, frame, b, h, c, ct)
		case packet.ProtoICMP, packet.ProtoICMPv6:
			v = t.icmp(now, h, c, ct)
		case packet.ProtoGRE:
			v = t.gre(now, h, c, ct)
		case packet.ProtoSCTP:
			v = t.sctp(now, b, h, c, ct)
		default:
			v = t.refreshAcct(now, h, c, ct, t.Timeouts(c).GenericTimeout)
		}
		switch v {
		case again:
			ct.Conn, f.Known = 0, false
			continue
		case invalid:
			t.Discard(ct)
			t.invalid()
			return Accept
		}
		if ct.Info == packet.CTEstablishedReply && ct.Conn != 0 {
			if c := t.Conn(ct.Conn); c != nil {
				c.Status |= StatusSeenReply
			}
		}
		if t.events != nil {
			t.changed(now, ct.Conn, was)
		}
		return Accept
	}
}

// transport returns the transport header with all that follows in the IP
// packet; false when the network header gives none (nf_conntrack_core.c
// get_l4proto).
func transport(frame []byte, h *packet.Headers) ([]byte, bool) {
	if h.Tuple.Family == packet.FamilyNone || h.Flags&(packet.BadL3|packet.TruncL3|packet.BadExt) != 0 {
		return nil, false
	}
	if h.L4 == 0 || int(h.L4) > len(frame) || h.Proto == packet.ProtoNoNext && h.Tuple.Family == packet.IPv6 {
		return nil, false
	}
	return frame[h.L4:min(h.IPEnd(frame), len(frame))], true
}

// resolve finds the packet's connection or begins one (resolve_normal_ct); nil
// if it can have none.
func (t *Tracker) resolve(now int64, b []byte, h *packet.Headers, zone uint16, ct *packet.CT, f *Found) (*Conn, Result) {
	if !hasTuple(b, h) {
		t.why = InvalidTruncated
		return nil, Accept
	}
	if !f.Known {
		*f = t.Search(&h.Tuple, h.Hash, zone, now)
	} else if !t.Lives(f, now) {
		f.Conn = nil
	}
	if f.Conn == nil {
		return t.first(now, h, zone, ct)
	}
	c := f.Conn
	ct.Conn = f.Ref
	switch {
	case f.Dir == 1 || c.Orig.SPort == c.Orig.DPort && c.toItself():
		ct.Info = packet.CTEstablishedReply
	case c.Status&StatusSeenReply != 0:
		ct.Info = packet.CTEstablished
	case c.Status&StatusExpected != 0:
		ct.Info = packet.CTRelated
	default:
		ct.Info = packet.CTNew
	}
	return c, Accept
}

// first begins a connection with its first packet (init_conntrack).
func (t *Tracker) first(now int64, h *packet.Headers, zone uint16, ct *packet.CT) (*Conn, Result) {
	if !invertible(&h.Tuple) {
		t.why = InvalidICMPAnswer
		return nil, Accept
	}
	slot, c, ok := t.alloc(now, h, zone)
	if !ok {
		t.st.Drop++
		return nil, DropFull
	}
	c.Orig, c.Zone = h.Tuple, zone
	if t.natted != 0 {
		t.askSource(c)
	}
	ct.Conn, ct.Info = t.slab.ref(slot, c), packet.CTNew
	t.fresh = fresh{ct.Conn, h.Hash, t.entered}
	if e := t.expected(now, &h.Tuple, zone); e != nil {
		t.begin(now, slot, c, e)
		ct.Info = packet.CTRelated
	}
	return c, Accept
}

// hasTuple reports whether enough of the transport header is there to name a
// connection (nf_ct_get_tuple).
func hasTuple(b []byte, h *packet.Headers) bool {
	switch h.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		return len(b) >= 4
	case packet.ProtoICMP, packet.ProtoICMPv6:
		return len(b) >= 8
	case packet.ProtoGRE:
		return greHasTuple(b)
	}
	return true
}

// alloc takes a slot for a new connection. At the limit expired ones must go
// first, and where there are none an unassured one nearby (nf_conntrack_core.c early_drop).
func (t *Tracker) alloc(now int64, h *packet.Headers, zone uint16) (uint32, *Conn, bool) {
	if t.shared != nil {
		for !t.shared.take(t.member) {
			if t.makeRoom(now) || t.makeRoomElsewhere(now) {
				continue
			}
			if !t.earlyDrop(now, h.Hash, zone) || !t.shared.take(t.member) {
				return 0, nil, false
			}
			break
		}
	} else if t.set.Max != 0 && int64(t.slab.live) >= t.set.Max {
		for int64(t.slab.live) >= t.set.Max && t.makeRoom(now) {
		}
		if int64(t.slab.live) >= t.set.Max && !t.earlyDrop(now, h.Hash, zone) {
			return 0, nil, false
		}
	}
	slot, c := t.slab.get()
	return slot, c, true
}

// evictionRange is how many buckets are searched for a victim
// (NF_CT_EVICTION_RANGE).
const evictionRange = 8

// earlyDrop removes a connection that is not assured from the buckets around a
// hash, none of which holds an expired one any more (nf_conntrack_core.c
// early_drop_list, which removes all such of a bucket). What the flow table owns is
// spared. Of a bucket's it is the one that would expire first: where each
// stands in its bucket depends on what was there before.
func (t *Tracker) earlyDrop(now int64, hash uint64, zone uint16) bool {
	i, _ := t.ix.place(hash, zone)
	for n := range uint64(evictionRange) {
		victim, first := uint32(0), (*Conn)(nil)
		for b := &t.ix.buckets[(i+n)%uint64(len(t.ix.buckets))]; ; b = t.ix.over(b.next) {
			for j := range b.tag {
				if b.tag[j] == 0 {
					continue
				}
				c := t.slab.at(b.slot[j])
				if c.Status&(StatusOffload|StatusAssured) != 0 {
					continue
				}
				if first == nil || c.Timeout < first.Timeout || c.Timeout == first.Timeout && t.Hash(&c.Orig) < t.Hash(&first.Orig) {
					victim, first = b.slot[j], c
				}
			}
			if b.next == 0 {
				break
			}
		}
		if first != nil {
			t.clock(now)
			t.destroy(victim, first)
			t.st.EarlyDrop++
			return true
		}
	}
	return false
}

// refreshAcct counts the packet and puts the deadline off
// (nf_ct_refresh_acct).
func (t *Tracker) refreshAcct(now int64, h *packet.Headers, c *Conn, ct *packet.CT, timeout int64) verdict {
	if c.Status&StatusFixedTimeout == 0 {
		timeout = t.scaledAt(now, timeout)
		if c.Status&StatusConfirmed != 0 {
			timeout += now
		}
		sooner := timeout < c.Timeout
		if c.Timeout = timeout; sooner {
			t.sooner(slotOf(ct.Conn), c)
		}
	}
	c.count(ct.Info.Dir(), h)
	return valid
}
