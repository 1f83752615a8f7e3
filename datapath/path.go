package datapath

import (
	"sluice/flowtable"
	"sluice/packet"
	"sluice/policy"
)

// An established connection's packets always take the same way: they hit the
// same filters in the same order, and end the same. The first one that the
// flow table judges is classified and its way noted; the connection remembers
// it, by number, and those that follow take it without being classified: one
// lookup, the counters, and out.
//
// A way holds as long as everything it was found by does: the policy's
// generation, the device, the tunnel as far as filters look at it, the
// flow-table entry, and the connection's mark and label (changing them makes the
// connection forget). It is noted only under
// policies that look at nothing that may differ between two packets of a
// connection (program.steady), and only if its actions do nothing but count,
// track, go on, wrap for a tunnel, and send out or drop.

// maxPathActions is the longest way that is remembered.
const maxPathActions = 12

// path is a way of one direction's packets: what tells it from others.
type path struct {
	generation uint32
	dev        int32
	enc        [encWords]uint64 // of the tunnel, as far as filters look at it
	verdict    packet.Verdict
	reason     uint8
	up         bool // it ends in the host's stack
	nat        bool // its packets are translated as their connection is
	early      bool // something is sent before ct cuts off what lies behind the IP packet
	n, nhits   uint8
	table      *flowtable.Table // that judged the packet
	acts       [maxPathActions]pathAction
	hits       [maxPathActions]pathHit // only when tracing
}

// pathHit is a filter on the way.
type pathHit struct {
	filter int32 // in the program
	state  uint16
	conn   bool // the packet had its connection by then
}

// pathAction is an action on the way.
type pathAction struct {
	stat   uint32
	dev    int32 // where a frame leaves by; -1: none
	mirror bool
	hits   uint8 // hits so far, its own filter's the last, when tracing
	nth    uint8 // as in action
	to     int32 // where the action sends
	drop   bool  // counts a drop
	set    int32 // the tunnel_key that a frame is wrapped by; -1: none
	port   int32 // through which tunnel port
}

// wayOut is where a frame leaves.
type wayOut struct {
	dev, copy int32 // as in packet.Tx
	up        bool
	set, port int32 // as in pathAction
}

// way is a path in use. Its packets are counted here, and its actions' share
// is added when the vector is done.
type way struct {
	at      uint64 // where and when it holds: generation<<32 | device
	packets uint64
	bytes   uint64 // of whole frames
	one     wayOut // the one frame that it ends in
	single  bool   // and nothing else happens
	odd     bool   // not every packet may take it: see fits
	wraps   bool   // some of out goes into a tunnel
	mirrors bool   // some action makes a copy
	out     []wayOut
	counted [maxPathActions]uint32 // Hit.Counted of its hits
	path
	next *way // of the same digest
}

// pathPair is what a connection's number stands for: its ways by direction.
type pathPair [2]*way

// paths numbers the pairs of ways that connections remember.
type paths struct {
	pairs []pathPair
	of    map[pathPair]uint16
	same  map[uint64]*way // by digest, linked: equal ways are one
	used  []*way          // by packets of the vector under way
	note  path            // the way of the packet under way
	ok    bool            // it can be remembered so far
	set   int32           // the tunnel_key in force; -1: none

	followed uint64 // packets that took a remembered way
}

func (ps *paths) reset() {
	ps.pairs = append(ps.pairs[:0], pathPair{}) // 0 is none
	ps.of = map[pathPair]uint16{}
	ps.same = map[uint64]*way{}
}

// follow lets packets of a batch, from n on, take the remembered ways of the
// connections that they have met, up to the first one that has none; it says how many.
// With that one nothing is done.
//
// What packets do to their connections comes first, and then what becomes of them:
// two short loops keep what they need in registers.
func (e *Engine) follow(v *packet.Vector, b *batch, n int, met, reply uint32) int {
	var ways [batchSize]*way
	begin := &b.begin
	pairs, generation, now := e.paths.pairs, uint64(e.generation)<<32, v.Now
	devices, encUsed := e.flows.HasDevices(), e.prog.encUsed
	k := n
	for ; k < b.hi && k < batchSize && met>>k&1 != 0; k++ {
		c, g, dir := b.seek.Met(k), &b.gist[k], reply>>k&1
		w := pairs[c.Path][dir]
		if w == nil || w.at != generation|uint64(uint32(begin[k])) {
			break
		}
		if encUsed && !e.prog.encIs(v.M[b.base+k].Tunnel, &w.enc) || w.odd && !e.fits(w, v, b.base+k, int(g.End), k > n) {
			break
		}
		idle := &e.idle[0]
		if g.Tuple.Proto != packet.ProtoTCP {
			idle = &e.idle[1]
		}
		if !w.table.Carry(c, dir, g, now, *idle) {
			break
		}
		if devices {
			w.table.Attend(c, now)
		}
		ways[k] = w
	}
	if k == n {
		return 0
	}
	frames := (*[batchSize][]byte)(v.Frame[b.base : b.base+batchSize])
	verdicts := (*[batchSize]packet.Verdict)(v.Verdict[b.base : b.base+batchSize])
	reasons := (*[batchSize]uint8)(v.Reason[b.base : b.base+batchSize])
	tiers := (*[batchSize]Tier)(e.tiers[b.base : b.base+batchSize])
	for j := n; j < k && j < batchSize; j++ {
		w, f := ways[j], &frames[j]
		if w.packets++; w.packets == 1 {
			e.paths.used = append(e.paths.used, w)
		}
		w.bytes += uint64(len(*f))
		if end := int(b.gist[j].End); end < len(*f) {
			*f = (*f)[:end]
		}
		verdicts[j], reasons[j], tiers[j] = w.verdict, w.reason, TierFlow
		if w.nat {
			e.tr.Restore(b.seek.Met(j), *f, &b.gist[j], &b.seek, j, int(reply>>j&1))
		}
		if w.single {
			v.Send(int32(b.base+j), w.one.dev, 0, w.one.up, *f)
			continue
		}
		e.followOut(w, v, b, j)
	}
	return k - n
}

// followOut does what not all ways ask for: send more than one frame, wrap, and
// tell.
func (e *Engine) followOut(w *way, v *packet.Vector, b *batch, n int) {
	i := b.base + n
	frame := v.Frame[i]
	if w.wraps {
		packet.Parse(frame, &v.H[i])
	}
	if e.trace {
		e.first[i], e.firstCopy[i], e.wayOf[i].way = int32(len(e.hits)), int32(len(e.copies)), nil
	}
	for j := range w.out {
		o := &w.out[j]
		b := frame
		if o.set >= 0 {
			b = e.encap(o.set, o.port, frame, &v.H[i])
		}
		v.Send(int32(i), o.dev, o.copy, o.up, b)
	}
	if w.nhits > 0 {
		e.traceWay(i, w, e.tr.Ref(&b.seek, n))
	}
}

// fits reports whether a packet may take a way that not all may take. Those
// that need memory go alone.
func (e *Engine) fits(w *way, v *packet.Vector, i, end int, after bool) bool {
	n := len(v.Frame[i])
	if w.early && end < n {
		return false
	}
	return !w.wraps || !after && n <= wrapMax && v.Arena.Left() >= len(w.out)*(wrapRoom+n)
}

// traceWay notes that packet i was on a remembered way, which tells what it has
// hit, and lists the copies that were made of it.
func (e *Engine) traceWay(i int, w *way, ref packet.ConnRef) {
	e.wayOf[i] = traced{w, ref}
	if !w.mirrors {
		return
	}
	for i := range w.acts[:w.n] {
		if a := &w.acts[i]; a.mirror {
			e.copies = append(e.copies, Copy{Hits: int32(a.hits), Dev: a.to, Verdict: packet.Forward})
		}
	}
}

// settleWays adds what packets on remembered ways have counted to their
// actions' counters.
func (e *Engine) settleWays(now int64) {
	for _, w := range e.paths.used {
		for i := range w.acts[:w.n] {
			a := &w.acts[i]
			s := &e.counters.slots[a.stat]
			s.add(w.packets, w.bytes-14*w.packets, now)
			if a.drop {
				s.drops += w.packets
			}
		}
		w.table.Carried(w.packets)
		e.drops[w.reason] += w.packets
		e.paths.followed += w.packets
		w.packets, w.bytes = 0, 0
	}
	e.paths.used = e.paths.used[:0]
}

// Followed counts packets that took a remembered way instead of being
// classified.
func (e *Engine) Followed() uint64 { return e.paths.followed }

// noteAction adds an action to the way of the packet under way, or gives the
// way up.
func (e *Engine) noteAction(a *action) {
	ps := &e.paths
	if !ps.ok {
		return
	}
	n := &ps.note
	if n.n == maxPathActions || a.skipSW {
		ps.ok = false
		return
	}
	out := pathAction{stat: a.stat, dev: -1, set: -1, hits: n.nhits, nth: a.nth}
	switch a.kind {
	case actGact:
		ps.ok = a.random == randomNone
		out.drop = a.control == policy.Shot
	case actMirred:
		ps.ok = !a.ingress && a.toBlock < 0 && uint(a.dev) < uint(len(e.prog.devs)) && e.prog.devs[a.dev].block[policy.Egress] < 0
		out.dev, out.to, out.mirror = a.dev, a.dev, a.mirror || a.control != policy.Stolen
		if ps.ok && e.prog.devs[a.dev].tunnel >= 0 {
			e.noteWrap(&out, e.prog.devs[a.dev].tunnel)
		}
	case actCT:
		ps.ok = n.table == nil && !a.ct.Commit && !a.ct.Clear && !a.ct.Clone
		n.table, n.nat = a.ct.table, a.ct.NAT
		for _, before := range n.acts[:n.n] {
			ps.ok = ps.ok && (!n.nat || before.dev < 0) // sent untranslated
			n.early = n.early || before.dev >= 0
		}
	case actTunnelKey:
		ps.set = a.set
	default:
		// Edited packets are classified, every one of them.
		ps.ok = false
	}
	n.acts[n.n] = out
	n.n++
}

// noteWrap makes an action on the way one that sends into a tunnel.
func (e *Engine) noteWrap(out *pathAction, port int32) {
	ps := &e.paths
	if ps.ok = ps.set >= 0; !ps.ok {
		return
	}
	o := &e.prog.sets[ps.set].out[port]
	ps.ok = o.reason == ReasonNone && e.prog.devs[o.dev].block[policy.Egress] < 0
	out.dev, out.set, out.port = o.dev, ps.set, port
}

// noteHit adds a filter to the way of the packet under way.
func (ps *paths) noteHit(filter int32) {
	n := &ps.note
	if n.nhits == maxPathActions {
		ps.ok = false
		return
	}
	n.hits[n.nhits] = pathHit{filter: filter}
	n.nhits++
}

// noteState completes the latest hit once its actions are done.
func (ps *paths) noteState(state uint16, conn bool) {
	h := &ps.note.hits[ps.note.nhits-1]
	h.state, h.conn = state, conn
}

// begin starts noting a packet's way.
func (ps *paths) begin(e *Engine, dev int32, t *packet.Tunnel) {
	if !e.prog.steady || e.classifyAll {
		return
	}
	ps.note = path{generation: e.generation, dev: dev}
	if e.prog.encUsed {
		ps.note.enc = e.prog.encOf(t)
	}
	ps.ok, ps.set = true, -1
}

// remember gives the connection the way that its packet has just taken.
func (e *Engine) remember(ref packet.ConnRef, dir int) {
	ps := &e.paths
	c := e.tr.Conn(ref)
	if c == nil {
		return
	}
	var pair pathPair
	if c.Path != 0 && int(c.Path) < len(ps.pairs) {
		pair = ps.pairs[c.Path]
		if other := pair[1-dir]; other != nil && other.generation != e.generation {
			pair[1-dir] = nil
		}
	}
	pair[dir] = ps.way()
	n, ok := ps.of[pair]
	if !ok {
		if len(ps.pairs) > 65535 {
			e.tr.ForgetPaths()
			ps.reset()
			return
		}
		n = uint16(len(ps.pairs))
		ps.pairs = append(ps.pairs, pair)
		ps.of[pair] = n
	}
	c.Path = n
}

// way returns the one way that equals the note.
func (ps *paths) way() *way {
	n := &ps.note
	sum := uint64(n.generation)<<32 | uint64(uint32(n.dev))
	for _, w := range n.enc {
		sum = mix(sum, w)
	}
	for i := range n.acts[:n.n] {
		sum = (sum ^ uint64(n.acts[i].stat)) * 0x9e3779b97f4a7c15
	}
	first := ps.same[sum]
	for w := first; w != nil; w = w.next {
		if w.path == *n {
			return w
		}
	}
	w := newWay(*n)
	w.next = first
	ps.same[sum] = w
	return w
}

func newWay(p path) *way {
	w := &way{path: p, at: uint64(p.generation)<<32 | uint64(uint32(p.dev))}
	copies := int32(0)
	for _, a := range p.acts[:p.n] {
		w.mirrors = w.mirrors || a.mirror
		if a.hits > 0 {
			// The same list that settleWays counts by.
			w.counted[a.hits-1] |= 1 << a.nth
		}
		if a.dev >= 0 {
			o := wayOut{dev: a.dev, set: a.set, port: a.port}
			if a.mirror {
				copies++
				o.copy = copies
			}
			w.out = append(w.out, o)
			w.wraps = w.wraps || a.set >= 0
		}
	}
	if p.up {
		w.out = append(w.out, wayOut{dev: p.dev, up: true, set: -1})
	}
	w.odd = w.early || w.wraps
	if w.single = len(w.out) == 1 && w.out[0].copy == 0 && !w.wraps && w.nhits == 0; w.single {
		w.one = w.out[0]
	}
	return w
}
