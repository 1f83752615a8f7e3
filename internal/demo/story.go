package demo

import (
	"fmt"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/packet"
	"sluice/policy"
)

// story follows connections and tells what a packet changed about its own.
type story struct {
	conns map[packet.ConnRef]face
}

// face is what of a connection the story watches.
type face struct {
	status uint32
	tcp    uint8
}

// look compares the packet's connection with how it was before the packet.
func (s *story) look(e *datapath.Engine, v *packet.Vector, hits []datapath.Hit) (news []string) {
	var ref packet.ConnRef
	var state uint16
	for _, h := range hits {
		if h.Conn != 0 {
			ref, state = h.Conn, h.CTState
		}
	}
	if ref == 0 {
		return nil
	}
	c := e.Tracker().Conn(ref)
	if c == nil {
		if state&policy.CTNew != 0 && v.Verdict[0] == packet.Drop {
			news = append(news, "the server opens a connection: new, and [6] drops it. By port and address it could pass for an answer",
				"it was never committed, so nothing of it stays in the table")
		}
		return news
	}
	was, known := s.conns[ref]
	now := face{c.Status, c.TCP.State}
	s.conns[ref] = now
	gained, lost := now.status&^was.status, was.status&^now.status
	if !known && gained&conntrack.StatusConfirmed != 0 {
		news = append(news, "no connection has this tuple: new; `ct commit` puts it into the table")
	}
	if gained&conntrack.StatusSeenReply != 0 {
		news = append(news, "the answer: traffic in both directions makes the connection established")
	}
	if gained&conntrack.StatusOffload != 0 {
		news = append(news, "assured: into the flow table it goes [OFFLOAD]; look-ups end there from now on, with windows unchecked")
	}
	if lost&conntrack.StatusOffload != 0 {
		news = append(news, "FIN: the flow table gives the connection back to the tracker")
	}
	if known && now.tcp != was.tcp {
		news = append(news, fmt.Sprintf("%s ─▶ %s, %d s to live", conntrack.TCPStateNames[was.tcp], conntrack.TCPStateNames[now.tcp], (c.Timeout-v.Now)/1e9))
	}
	return news
}

// plain explains the first packet of a kind that changes no connection.
func plain(hits []datapath.Hit, v packet.Verdict) []string {
	switch {
	case len(hits) == 0 && v == packet.Pass:
		return []string{"no filter is about such packets; at the end of chain 0 they go up to the host"}
	case v == packet.Forward && len(hits) > 1 && hits[len(hits)-1].CTState&policy.CTReply != 0:
		return []string{"data of the answer, by the flow table"}
	}
	return nil
}
