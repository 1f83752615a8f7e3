package flowtable

import (
	"sluice/conntrack"
	"sluice/packet"
)

// Admit says whether the kernel's act_ct would offload a connection now, and
// with both directions (act_ct.c tcf_ct_flow_table_process_conn): TCP once it
// is assured and established, UDP as soon as it is confirmed, GRE without keys
// once it is assured, nothing else, and nothing that a helper watches.
func Admit(c *conntrack.Conn, info packet.CTInfo) (ok, both bool) {
	switch c.Orig.Proto {
	case packet.ProtoTCP:
		if info != packet.CTEstablished && info != packet.CTEstablishedReply {
			return false, false
		}
		if c.Status&conntrack.StatusAssured == 0 || c.TCP.State != conntrack.TCPEstablished {
			return false, false
		}
		both = true
	case packet.ProtoUDP:
		if c.Status&conntrack.StatusConfirmed == 0 {
			return false, false
		}
		both = c.Status&conntrack.StatusAssured != 0
	case packet.ProtoGRE:
		established := info == packet.CTEstablished || info == packet.CTEstablishedReply
		if !established || c.Status&conntrack.StatusAssured == 0 || c.Status&(conntrack.StatusSrcNAT|conntrack.StatusDstNAT) != 0 {
			return false, false
		}
		if c.Orig.SPort|c.Orig.DPort != 0 {
			return false, false // version 1, PPTP's
		}
		both = true
	default:
		return false, false
	}
	if c.Status&(conntrack.StatusHelper|conntrack.StatusSeqAdjust) != 0 {
		return false, false
	}
	return true, both
}

// Offer is called after the tracker has judged a packet of the connection.
// The table takes it if Admit says so and no table holds it yet. From then on
// its windows are not checked any more, even after it has come back
// (act_ct.c tcf_ct_flow_table_add). chain is the one whose ct action has offered
// it; the first one stays with the flow.
func (t *Table) Offer(now int64, ref packet.ConnRef, info packet.CTInfo, chain uint32) {
	if c := t.conn(ref); c != nil {
		t.Consider(now, ref, c, info, chain)
	}
}

// Consider is Offer for a caller that has the connection at hand.
func (t *Table) Consider(now int64, ref packet.ConnRef, c *conntrack.Conn, info packet.CTInfo, chain uint32) {
	if info == packet.CTNew && c.Orig.Proto == packet.ProtoTCP && c.Status&conntrack.StatusOffload == 0 {
		return // the most frequent of what Admit refuses
	}
	t.consider(now, ref, c, info, chain)
}

func (t *Table) consider(now int64, ref packet.ConnRef, c *conntrack.Conn, info packet.CTInfo, chain uint32) {
	if c.Status&conntrack.StatusOffload != 0 {
		if t.devs != 0 && mine(c) && c.FlowTable == t.id {
			t.review(c, ref, now)
			if c.FlowFlags&flowWants != 0 {
				t.attend(c, now) // packets of what is not assured are no hits
			}
		}
		return
	}
	ok, both := Admit(c, info)
	if !ok || t.set.off || t.tr.Lapses(c) {
		return
	}
	c.Status |= conntrack.StatusOffload
	c.FlowFlags = flowLive
	if both {
		c.FlowFlags |= flowBidirectional
	}
	if c.Orig.Proto == packet.ProtoTCP {
		c.TCP.Flags[0] |= conntrack.TCPFlagBeLiberal
		c.TCP.Flags[1] |= conntrack.TCPFlagBeLiberal
	}
	c.FlowTable = t.id
	c.FlowDeadline = now + t.timeout(c)
	c.FlowPos = uint32(t.flows.add(ref))
	t.chains.add(chain)
	t.set.enter(c, now)
	t.tr.Sooner(ref, c)
	t.set.n.Added++
	t.tr.Moved(now, ref, conntrack.EventOffload, 0, 0)
	if t.devs != 0 {
		c.FlowFlags |= flowWants
		t.attend(c, now)
	}
}
