package datapath

import (
	"sluice/packet"
	"sluice/policy"
)

// Hit is one filter that a packet hit, with what ct had made of the packet
// when the filter's actions were done.
type Hit struct {
	Dev     int32 // the device whose block held the filter
	Egress  bool
	Chain   uint32
	Proto   *policy.Proto
	Filter  *policy.Filter
	CTState uint16 // policy.CT* bits; 0 before any ct action
	Conn    packet.ConnRef
}

// Trace lists what packet i of the last vector hit, in order, nested
// judgements (redirects into another device's ingress, egress blocks, clones)
// included. It is empty unless Config.Trace is set, and valid until the next
// Process.
func (e *Engine) Trace(i int) []Hit { return e.hits[e.first[i]:e.first[i+1]] }

// note records a hit of the program's filter i once its actions are done.
func (p *pkt) note(i int32) {
	p.extractCT()
	f := &p.e.prog.filters[i]
	if p.e.paths.ok {
		p.e.paths.noteHit(i, p.key.state(), p.m.CT.Conn != 0)
	}
	p.e.hits = append(p.e.hits, Hit{
		Dev: p.dev, Egress: p.egress, Chain: f.chain, Proto: f.proto, Filter: f.filter,
		CTState: p.key.state(), Conn: p.m.CT.Conn,
	})
}
