package datapath

import (
	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
)

// pkt is a packet being judged by one block. Nested judgements use the next
// one on the engine's stack.
type pkt struct {
	life

	// Memory that a life's pointers may point to, and what its refresh fills in.
	// What an earlier packet left here has no meaning.
	key     key
	meta    packet.Meta    // a nested judgement's own
	rx      packet.Tunnel  // tun's memory for a packet that was unwrapped here
	left    packet.CT      // what ct had said of it in the chain that it missed in
	headers packet.Headers // in place of the vector's, once the frame is its own copy
}

// life is all that is known of the packet under way. start and child clear it
// whole before they fill it in, so that no judgement finds what another packet
// has left.
type life struct {
	e       *Engine
	now     int64
	frame   []byte
	h       *packet.Headers
	m       *packet.Meta
	from    int32  // where the packet's way began: the device, or the tunnel's that it came out of
	dev     int32  // whose block this is
	iif     int32  // ingress device, for `indev`
	i       int32  // index in the vector
	depth   int32  // position on the engine's stack
	nest    int32  // mirred calls around it that send out of a device
	size    uint32 // what counters count: bytes from the network header on
	proto   uint16 // protocol as cls_api sees it
	copy    int32  // which copy of the packet it is; 0: the packet itself
	hit     int32  // the filter under way, by its place in the engine's hits; valid when tracing
	missed  uint32 // the chain that it fell out of; valid with outMiss
	egress  bool
	named   bool           // it is at egress because a mirred action names the device
	turns   uint8          // how often mirred has sent it into ingress (skb->tc_depth)
	shared  packet.ConnRef // an unconfirmed connection that the caller still needs
	reason  uint8
	flowHit bool            // the flow table has judged the packet
	held    bool            // it is a fragment that waits for the others
	split   frag.Split      // how a packet put together leaves again
	fate    packet.Verdict  // what became of a packet that is gone; valid with outGone
	found   conntrack.Found // its connection, as far as somebody has searched for it
	known   packet.ConnRef  // the connection it had after its last ct action, if that was confirmed

	tun *packet.Tunnel // metadata of the tunnel that it came out of, or is to go into
	set int32          // the tunnel_key that ordered the latter; -1: none

	// See frame.go and edit.go.
	lent  bool   // the frame's bytes are still needed elsewhere
	base  []byte // the frame's memory; the frame begins at front
	front int
	tag   bool   // the outer VLAN tag counts as taken out of the packet
	dirty bool   // the key is older than the frame
	shot  bool   // a device's own filters dropped it
	typ   uint16 // what the network header is, even if the bytes before it say otherwise
	strip int    // leading bytes of the frame that the packet has not: it lost its Ethernet header
}

// outcome is how a block ended for a packet.
type outcome uint8

const (
	outMiss outcome = iota // nothing matched, or continue at the end: as pass
	outPass
	outDrop
	outGone // redirected, or consumed
	outStop // a device cannot go on
)

const (
	maxReclassify = 16 // cls_api.c max_reclassify_loop
	maxNest       = 4  // act_mirred.c MIRRED_NEST_LIMIT
	maxTurns      = 3  // act_mirred.c MIRRED_DEFER_LIMIT
	maxJumps      = 32 // act_api.c jmp_ttl, TCA_ACT_MAX_PRIO
)

// judge runs packet i of the vector from its start or its resume point. from is
// the device where its way began, f what a search for its connection in the zone
// of that device has come to.
func (e *Engine) judge(v *packet.Vector, i int, from int32, f conntrack.Found) (packet.Verdict, uint8) {
	p := e.start(v, i, from)
	p.found = f
	if p.m.Resume.On {
		p.goOn()
	}
	// Only a packet that the flow table hits has a way to be remembered.
	e.paths.ok = false
	if f.Conn != nil && f.Conn.Status&conntrack.StatusOffload != 0 && p.m.Chain == 0 && !p.m.CT.PostCT && p.h.NVLAN == 0 && !p.m.Resume.On {
		e.paths.begin(e, p.dev, p.tun)
	}
	if p.m.CT.Conn != 0 {
		e.tier = TierFlow
	}
	verdict, reason := p.ingress()
	e.tiers[i] = e.tier
	v.Frame[i] = p.wire()
	if p.h != &v.H[i] {
		v.H[i] = *p.h
	}
	p.m.CT, p.m.Resume, p.m.Chain = packet.CT{}, packet.Resume{}, 0
	if p.missed != 0 && verdict == packet.Pass {
		// tcf_classify tells the next reader (net/sched/cls_api.c, tc_skb_ext).
		p.m.CT, p.m.Chain = p.left, p.missed
	}
	return verdict, reason
}

// start puts packet i, whose way began at the device from, on the engine's stack.
func (e *Engine) start(v *packet.Vector, i int, from int32) *pkt {
	p := &e.stack[0]
	p.life = life{}
	p.e, p.now, p.frame, p.h, p.m = e, v.Now, v.Frame[i], &v.H[i], &v.M[i]
	p.from, p.dev, p.iif, p.i = from, from, from, int32(i)
	p.tun, p.set = p.m.Tunnel, -1
	p.fate = packet.Stolen
	p.layout()
	e.ncopies, e.tier = int32(p.m.Resume.Copies), TierNone
	return p
}

// ingress judges a packet by its device's ingress block and hands up what
// nothing caught.
func (p *pkt) ingress() (packet.Verdict, uint8) {
	p.m.CT.PostCT = p.m.CT.PostCT && p.depth == 0
	resume := p.depth == 0 && p.m.Resume.On
	if !resume && p.tagCut() {
		p.shot = true
		p.dropCT()
		return packet.Drop, ReasonTagCut
	}
	if p.depth > 0 && !p.tag && isVLAN(p.typ) {
		if !p.own(0) {
			p.dropCT()
			return packet.Drop, p.reason
		}
		p.untag()
		p.rewritten()
	}
	if !resume {
		p.begin()
	}
	var out outcome
	if devs := p.e.prog.devs; uint(p.dev) < uint(len(devs)) {
		if n := devs[p.dev].block[policy.Ingress]; n >= 0 {
			b := &p.e.prog.blocks[n]
			start := b.zero
			if p.m.Chain != 0 && p.depth == 0 {
				start = b.goTo(p.m.Chain)
			}
			if resume {
				out = p.runOn(b, start)
			} else {
				out = p.run(b, start)
			}
		}
	}
	if p.flowHit && p.depth == 0 && p.e.paths.ok {
		p.settle(out)
	}
	if p.missed != 0 {
		p.left = p.m.CT
		if c := p.e.tr.Conn(p.left.Conn); p.left.Conn != 0 && (c == nil || c.Status&conntrack.StatusConfirmed == 0) {
			p.left = packet.CT{} // it ends here
		}
	}
	p.dropCT()
	switch out {
	case outDrop:
		p.shot = true
		return packet.Drop, p.reason
	case outGone:
		return p.fate, p.reason
	}
	if len(p.e.prog.tunnels) > 0 {
		if v, reason, ok := p.unwrap(); ok {
			p.missed = 0
			return v, reason
		}
	}
	p.leave(p.wire(), p.dev, true, p.copy)
	return packet.Pass, ReasonNone
}

// settle makes the connection remember the way that its packet has taken, if
// it ended in one of the ways that can be remembered.
func (p *pkt) settle(out outcome) {
	n := &p.e.paths.note
	switch out {
	case outMiss, outPass:
		if p.e.prog.tunnelFor(p.frame, p.h, p.dev) >= 0 {
			return // it goes on out of its tunnel
		}
		if out == outMiss && p.missed != 0 {
			return // the next reader is told where
		}
		n.up, n.verdict = true, packet.Pass
	case outDrop:
		if p.reason != ReasonGact {
			return
		}
		n.verdict, n.reason = packet.Drop, p.reason
	case outGone:
		if p.fate != packet.Forward || p.reason != ReasonNone {
			return
		}
		n.verdict = packet.Forward
	}
	p.e.remember(p.m.CT.Conn, p.m.CT.Info.Dir())
}

// begin sets what a packet's counters count and how cls_api sees its
// protocol. The outer VLAN tag is not in the kernel's packet any more when tc
// sees it, so it counts as little as the Ethernet header; on egress both do.
func (p *pkt) begin() {
	skip := p.at()
	if p.egress {
		skip -= packet.MACLen - p.strip
	}
	p.size = uint32(len(p.frame) - min(skip, len(p.frame)))
	p.refresh()
}

// run classifies the packet, starting in the chain at position start.
func (p *pkt) run(b *block, start int32) outcome {
	return p.walk(b, start, walk{chain: start, filter: -1})
}

// walk is where classification begins: usually with a chain's first filter.
type walk struct {
	chain  int32
	loops  int
	filter int32 // this filter is under way, or done; -1: none
	action int32 // its next action; -1: it is done
}

// walk classifies the packet. start is where reclassify begins again.
func (p *pkt) walk(b *block, start int32, from walk) outcome {
	prog := p.e.prog
	kw := &p.key
	c, loops := from.chain, from.loops
	for {
		if c < 0 {
			p.missed = uint32(^c)
			return outMiss
		}
		ch := &b.chains[c]
		after := ch.begin - 1
		again := false
		for {
			if p.dirty {
				p.refresh()
			}
			i, first := int32(0), int32(0)
			if from.filter >= 0 {
				i, first = from.filter, from.action
				from.filter = -1
				if first < 0 {
					after = i
					continue
				}
			} else if i = ch.next(kw, p.tun, prog.filters, after); i < 0 {
				p.missed = ch.index
				return outMiss
			}
			if d := p.e.device; d != nil && !d.holds(i) {
				return p.stop(missRule, walk{c, loops, -1, after}, ch)
			}
			f := &prog.filters[i]
			if p.e.trace {
				p.meet(i, first)
			}
			ctl, arg := p.actions(f, first)
			if p.e.trace {
				p.met()
			}
			switch ctl {
			case stopHere:
				return p.stop(p.e.device.why, walk{c, loops, i, arg}, ch)
			case policy.Continue:
				// The next filter tried is the next preference's.
				after = f.protoEnd
				continue
			case policy.Shot:
				if p.reason == ReasonNone {
					p.reason = ReasonGact // another action's own control said it
				}
				return outDrop
			case policy.Stolen, policy.Trap:
				return outGone
			case policy.GotoChain:
				c, again = arg, true
			case policy.Reclassify:
				c, again = start, true
			default:
				return outPass
			}
			break
		}
		if again {
			if loops++; loops > maxReclassify {
				p.reason = ReasonLoop
				return outDrop
			}
		}
	}
}

// actions runs a filter's actions from one on (act_api.c tcf_action_exec).
func (p *pkt) actions(f *filter, first int32) (policy.Control, int32) {
	e, device := p.e, p.e.device
	acts := e.prog.actions[f.act : f.act+f.nact]
	if len(acts) == 0 {
		return policy.OK, 0
	}
	jumps := 0
	ctl, arg := policy.OK, int32(0)
	for i := int(first); i < len(acts); i++ {
		a := &acts[i]
		if device != nil {
			if !p.deviceAction(a) {
				return stopHere, int32(i)
			}
		} else if a.skipSW {
			continue
		}
		if e.paths.ok {
			e.noteAction(a)
		}
		switch a.kind {
		case actGact:
			ctl, arg = p.gact(a)
		case actMirred:
			ctl, arg = p.mirred(a)
		case actCT:
			if device != nil {
				ctl, arg = p.carry(a)
			} else {
				ctl, arg = p.ct(a)
			}
		case actTunnelKey:
			ctl, arg = p.tunnelKey(a)
		case actVLAN:
			ctl, arg = p.vlan(a)
		case actMPLS:
			ctl, arg = p.mpls(a)
		case actPedit:
			ctl, arg = p.pedit(a)
		case actCsum:
			ctl, arg = p.csum(a)
		case actSkbedit:
			ctl, arg = p.skbedit(a)
		case actPolice:
			ctl, arg = p.police(a)
		case actSample:
			ctl, arg = p.sample(a)
		default:
			panic("datapath: unknown action kind")
		}
		switch ctl {
		case policy.Pipe:
			continue
		case policy.Jump:
			// Start over and skip that many actions: jump N goes to action N
			// counted from zero.
			if arg <= 0 || int(arg) > len(acts) {
				return policy.OK, 0
			}
			if jumps++; jumps >= maxJumps {
				return policy.OK, 0
			}
			i = int(arg) - 1
			continue
		}
		return ctl, arg
	}
	return ctl, arg
}

// child prepares the next place on the stack for a nested judgement of the
// same frame.
func (p *pkt) child() *pkt {
	if int(p.depth)+1 >= maxDepth {
		return nil
	}
	c := &p.e.stack[p.depth+1]
	c.life = life{}
	c.meta = *p.m
	c.e, c.now, c.frame, c.h, c.m = p.e, p.now, p.frame, p.h, &c.meta
	c.from, c.dev, c.iif, c.i, c.depth, c.nest, c.turns = p.from, p.dev, p.iif, p.i, p.depth+1, p.nest, p.turns
	c.copy, c.hit, c.egress, c.split = p.copy, p.hit, p.egress, p.split
	c.fate = packet.Stolen
	c.tag, c.typ, c.strip, c.dirty = p.tag, p.typ, p.strip, p.dirty
	c.tun, c.set = p.tun, p.set
	c.lent, p.lent = true, true
	p.found.Known = false // the child may end the connection
	return c
}

// dropCT takes the connection off the packet. One that was never committed
// ends here.
func (p *pkt) dropCT() {
	ct := &p.m.CT
	if ct.Conn == 0 {
		return
	}
	if ct.Conn != p.shared && ct.Conn != p.known && p.e.device == nil {
		p.e.tr.Discard(ct)
	}
	ct.Conn, ct.Info = 0, 0
}
