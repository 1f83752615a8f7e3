package datapath

import (
	"sluice/packet"
	"sluice/policy"
)

// A packet has one record of what happened to it: the filters that it and its
// copies hit, in order, with the actions that counted it, what ct made of it, and
// what became of each copy. Counters move where the record is written (pkt.count)
// and, for packets on a remembered way, by the list that the record is read from
// (way.acts). Comments, reports and explanations are words for the record and
// nothing else.

// Hit is one filter that a packet hit, with what ct had made of the packet
// when the filter's actions were done.
type Hit struct {
	Dev     int32 // the device whose block held the filter
	Egress  bool
	Copy    int32 // which copy of the packet it was; 0: the packet itself
	Chain   uint32
	Proto   *policy.Proto
	Filter  *policy.Filter
	Counted uint32 // actions that counted the packet: bit n for the filter's n-th, from 0
	CTState uint16 // policy.CT* bits; 0 before any ct action
	// Fragments is of how many ct has put the packet together here; 0: it has not.
	Fragments uint16
	Conn      packet.ConnRef
}

// Uncounted reports a hit that the filter's own counter does not show: its first
// action has not counted the packet. That is mirred's one time too many
// (act_mirred.c MIRRED_NEST_LIMIT), and an action that software skips. A filter
// without actions has no counter.
func (h *Hit) Uncounted() bool { return h.Counted&1 == 0 && len(h.Filter.Actions) > 0 }

// Copy is one copy of a packet: a mirror's, or the clone of a ct action.
// Packets have numbered copies, from 1.
type Copy struct {
	Of      int32          // the copy that it is a copy of; 0: the packet itself
	Hits    int32          // how many hits of the packet came before it
	Dev     int32          // where it was sent
	Verdict packet.Verdict // what became of it
	Reason  uint8
	Frame   []byte // as it was when it was dropped or consumed; valid until the next Process
}

// Trace lists what packet i of the last vector hit, in the order in which it
// and its copies met the filters, nested judgements (redirects into another
// device's ingress, egress blocks, clones) and what a device has done included.
// It is empty unless Config.Trace is set, and valid until the next Process or
// Load.
func (e *Engine) Trace(i int) []Hit {
	if w := e.wayOf[i].way; w != nil {
		n := len(e.retold)
		e.retold = w.retell(e.retold, e.prog, e.wayOf[i].conn)
		return e.retold[n:len(e.retold):len(e.retold)]
	}
	return e.hits[e.first[i]:e.first[i+1]]
}

// CTState is ct_state as the last filter that packet i itself has hit left it;
// 0 if it hit none. Like Trace it needs Config.Trace.
func (e *Engine) CTState(i int) uint16 {
	if w := e.wayOf[i].way; w != nil {
		return w.hits[w.nhits-1].state // all are the packet's own
	}
	for hits := e.Trace(i); len(hits) > 0; hits = hits[:len(hits)-1] {
		if h := &hits[len(hits)-1]; h.Copy == 0 {
			return h.CTState
		}
	}
	return 0
}

// traced is a packet that took a remembered way, which has its record.
type traced struct {
	way  *way // nil: its hits are written down
	conn packet.ConnRef
}

// retell appends what a packet on the way hits.
func (w *way) retell(dst []Hit, prog *program, ref packet.ConnRef) []Hit {
	for i, ph := range w.path.hits[:w.nhits] {
		f := &prog.filters[ph.filter]
		hit := Hit{Dev: w.dev, Chain: f.chain, Proto: f.proto, Filter: f.filter, Counted: w.counted[i], CTState: ph.state}
		if ph.conn {
			hit.Conn = ref
		}
		dst = append(dst, hit)
	}
	return dst
}

// Copies lists the copies of packet i of the last vector by number, the first
// being number 1. Like Trace's, the list needs Config.Trace.
func (e *Engine) Copies(i int) []Copy { return e.copies[e.firstCopy[i]:e.firstCopy[i+1]] }

// AppendHits appends what a copy of packet i has hit, or the packet itself for
// number 0. What its original had hit before it was made is part of it.
func (e *Engine) AppendHits(dst []Hit, i int, number int32) []Hit {
	copies, hits := e.Copies(i), e.Trace(i)
	for k, h := range hits {
		for n, end := number, len(hits); ; n, end = copies[n-1].Of, int(copies[n-1].Hits) {
			if h.Copy == n && k < end {
				dst = append(dst, h)
			}
			if n == 0 {
				break
			}
		}
	}
	return dst
}

// meet records that the packet has come to the program's filter i. If a device
// has done so already, and run the actions before first, its record goes on.
func (p *pkt) meet(i, first int32) {
	e := p.e
	f := &e.prog.filters[i]
	if n := int32(len(e.hits)); p.m.Resume.On && p.depth == 0 && n > e.first[p.i] && e.hits[n-1].Filter == f.filter && first >= 0 && p.m.Resume.Filter == i {
		p.m.Resume.Filter = -1
		p.hit = n - 1
		return
	}
	if e.paths.ok {
		e.paths.noteHit(i)
	}
	p.hit = int32(len(e.hits))
	e.hits = append(e.hits, Hit{Dev: p.dev, Egress: p.egress, Copy: p.copy, Chain: f.chain, Proto: f.proto, Filter: f.filter})
}

// met completes a record once the filter's actions are done.
func (p *pkt) met() {
	p.extractCT()
	state := p.key.state()
	if p.e.paths.ok {
		p.e.paths.noteState(state, p.m.CT.Conn != 0)
	}
	h := &p.e.hits[p.hit]
	h.CTState, h.Conn = state, p.m.CT.Conn
}

// branch numbers a new copy of the packet.
func (p *pkt) branch(dev int32) int32 {
	e := p.e
	e.ncopies++
	if e.trace {
		e.copies = append(e.copies, Copy{
			Of: p.copy, Hits: int32(len(e.hits)) - e.first[p.i], Dev: dev, Verdict: packet.Forward,
		})
	}
	return e.ncopies
}

// ended records what became of copy n of the packet under way.
func (e *Engine) ended(n int32, verdict packet.Verdict, reason uint8, frame []byte) {
	lost := verdict == packet.Drop || verdict == packet.Stolen
	if lost {
		e.copyDrops[reason]++
	}
	if !e.trace {
		return
	}
	c := &e.copies[len(e.copies)-int(e.ncopies-n)-1]
	if c.Verdict, c.Reason = verdict, reason; lost {
		c.Frame = frame
	}
}

// leave lets a frame out of a device or up to its stack.
func (p *pkt) leave(frame []byte, dev int32, up bool, copy int32) {
	p.e.v.Send(p.i, dev, copy, up, frame)
}
