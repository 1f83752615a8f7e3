package demo

import (
	"fmt"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/packet"
)

// story follows connections and tells what a packet changed about its own.
type story struct {
	conns map[packet.ConnRef]face
	held  bool // the flow table held the last packet's connection, before and after it
}

// face is what of a connection the story watches.
type face struct {
	status uint16
	tcp    uint8
}

// look compares the packet's connection with how it was before the packet.
func (s *story) look(e *datapath.Engine, v *packet.Vector, hits []datapath.Hit) (news []string) {
	s.held = false
	var ref packet.ConnRef
	for _, h := range hits {
		if h.Conn != 0 {
			ref = h.Conn
		}
	}
	if ref == 0 {
		return nil
	}
	c := e.Tracker().Conn(ref)
	if c == nil {
		return nil // never committed
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
	if known && now.tcp != was.tcp {
		change := conntrack.TCPStateNames[was.tcp] + " ─▶ " + conntrack.TCPStateNames[now.tcp]
		if now.status&conntrack.StatusOffload == 0 {
			change += fmt.Sprintf(", %d s to live", (c.Timeout-v.Now)/1e9)
		}
		news = append(news, change)
	}
	if gained&conntrack.StatusOffload != 0 {
		news = append(news, "assured: the flow table takes it over [OFFLOAD]; the tracker is not asked any more")
	}
	if lost&conntrack.StatusOffload != 0 {
		news = append(news, tcpFlags(v.H[0].TCPFlags&5)+": the flow table has given the connection back to the tracker")
	}
	s.held = known && was.status&now.status&conntrack.StatusOffload != 0
	return news
}

// why explains the first packet of a kind, where its connection does not.
func (s *show) why() []string {
	switch v := s.v.Verdict[0]; {
	case v == packet.Pass:
		return []string{"no filter is about such packets: at the end of chain 0 they go up to the host"}
	case v == packet.Drop:
		return []string{
			"the server opens a connection itself, from port 80, so that it looks like an answer;",
			"but no connection has this tuple: new, dropped, and never committed to the table",
		}
	case s.story.held:
		return []string{"found in the flow table"}
	}
	return nil
}
