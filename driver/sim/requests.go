package sim

import (
	"sluice/offload"
)

// Submit takes requests in order, until one would be too much. Removals are
// effective at once and always taken; an addition takes the place of its
// connection's former one at once, too, so that nothing is carried in between.
func (n *NIC) Submit(now int64, reqs []offload.Request) int {
	n.advance(now)
	k := 0
	for k < len(reqs) && n.take(&reqs[k]) {
		k++
	}
	n.n.Turned += uint64(len(reqs) - k)
	n.advance(now)
	return k
}

func (n *NIC) take(r *offload.Request) bool {
	if r.Op != offload.Remove && n.queue.open >= n.cfg.Queue {
		return false
	}
	f := n.flows.byConn(r.Flow.Conn)
	switch r.Op {
	case offload.Add:
		if f != nil && f.adds == 255 {
			return false
		}
		f = n.begin(f, &r.Flow)
	case offload.Remove:
		if f != nil {
			f.flags |= removed
			f.flags &^= live
			n.flows.unlink(f)
		}
	case offload.Read:
	default:
		return true
	}
	it := item{conn: r.Flow.Conn, op: r.Op}
	if f != nil {
		it.slot = f.slot
	}
	n.queue.push(n.now, it)
	return true
}

// begin prepares an addition.
func (n *NIC) begin(f *flow, want *offload.Flow) *flow {
	if f == nil {
		f = n.flows.get()
		f.Entry = want.Entry
	} else {
		used := f.Used
		n.unlabel(f)
		n.flows.unlink(f)
		f.Entry = want.Entry
		f.Used = max(f.Used, used)
	}
	f.flags &^= live | closed | doomed
	f.epoch = n.zone[f.Zone]
	f.adds++
	// Two flows must not have a tuple in common. Should it be, neither may
	// be carried: it is not the card's to say whose a packet is.
	h := n.flows.hashes(f)
	for dir := range f.Tuple {
		if o, _ := n.flows.find(f.Zone, &f.Tuple[dir], h[dir]); o != nil && o != f {
			o.flags |= closed
			f.flags |= doomed
		}
	}
	n.flows.link(f, &h)
	if f.adds == 1 && f.flags&held == 0 {
		n.adding++
	}
	n.startWindow(f, want)
	n.setRewrite(f, want)
	return f
}

// finish does what a request asks for. Its time has come.
func (n *NIC) finish(it item) {
	c := offload.Completion{Conn: it.conn, Op: it.op}
	var f *flow
	if it.slot != 0 {
		if f = n.flows.at(it.slot); f.Conn != it.conn {
			f = nil
		}
	}
	switch it.op {
	case offload.Add:
		if f == nil {
			c.Result, c.Reason = offload.Failed, offload.Fault
			break
		}
		n.add(f, &c)
	case offload.Remove:
		if f != nil {
			c.Stats = n.stats(f, n.now)
			n.release(f)
		}
	case offload.Read:
		switch {
		case f == nil || f.flags&held == 0:
			c.Result, c.Reason = offload.Failed, offload.Fault
		case n.crashed:
			c.Result, c.Reason, c.Stats = offload.Failed, offload.Gone, n.stats(f, n.now)
		default:
			c.Stats = n.sample(f)
		}
	}
	n.n.Done[it.op][c.Result]++
	if c.Reason != offload.NoReason {
		n.n.Reasons[c.Reason]++
	}
	n.answer(answer{it.slot, c})
}

// add ends an addition.
func (n *NIC) add(f *flow, c *offload.Completion) {
	f.adds--
	if f.flags&held == 0 && f.adds == 0 {
		n.adding--
	}
	if f.flags&removed != 0 {
		return // done, and undone by the removal behind it
	}
	c.Result, c.Reason = n.judge(f)
	if c.Result == offload.Done {
		if f.flags&held == 0 {
			f.flags |= held
			n.held++
			if f.adds > 0 {
				n.adding--
			}
		} else {
			n.entries -= f.entries()
		}
		f.flags &^= twoWay
		if f.Both {
			f.flags |= twoWay
		}
		n.entries += f.entries()
		return
	}
	if f.adds == 0 {
		c.Stats = n.stats(f, n.now) // of a former addition's
		n.flows.unlink(f)
		n.release(f)
	}
}

// judge says whether the card takes a flow.
func (n *NIC) judge(f *flow) (offload.Result, offload.Reason) {
	switch {
	case n.crashed:
		return offload.Failed, offload.Gone
	case f.flags&doomed != 0:
		return offload.Failed, offload.Fault
	case !f.Both && !n.cfg.OneWay:
		return offload.Refused, offload.OneWay
	case n.cfg.Counters == CountNothing:
		return offload.Refused, offload.Uncounted
	case n.cfg.Unchecked && !f.Both:
		return offload.Refused, offload.Unchecked
	case !n.prof.takes(f.Tuple[0].Proto):
		return offload.Refused, offload.Unsupported
	case n.chance(n.cfg.Faults.Fail):
		return offload.Failed, offload.Fault
	case f.flags&held == 0 && n.held >= n.cfg.Flows && !n.reclaim():
		return offload.Full, offload.DeviceFull
	case !n.label(f):
		return offload.Failed, offload.LabelSpace
	}
	return offload.Done, offload.NoReason
}

// release gives a flow's room back.
func (n *NIC) release(f *flow) {
	n.unlabel(f)
	if f.flags&held != 0 {
		n.held--
		n.entries -= f.entries()
	} else if f.adds > 0 {
		n.adding--
	}
	n.flows.put(f)
}

// reclaim finds room that a flow takes up for a zone that the card does not
// serve any more. It looks at a few flows each time.
func (n *NIC) reclaim() bool {
	for range min(16, n.flows.used) {
		if n.hand++; n.hand > n.flows.used {
			n.hand = 1
		}
		f := n.flows.at(n.hand)
		if f.flags&(held|removed) == held && f.epoch != n.zone[f.Zone] && f.adds == 0 {
			n.flows.unlink(f)
			n.release(f)
			return true
		}
	}
	return false
}

// label finds room for a flow's label: cards map labels to a few small numbers
// (mlx5 mapping_add).
func (n *NIC) label(f *flow) bool {
	if n.cfg.Labels == 0 || f.flags&labeled != 0 || f.Label == [16]byte{} {
		return true
	}
	if n.labels[f.Label] == 0 && len(n.labels) >= n.cfg.Labels {
		return false
	}
	n.labels[f.Label]++
	f.flags |= labeled
	return true
}

func (n *NIC) unlabel(f *flow) {
	if f.flags&labeled == 0 {
		return
	}
	f.flags &^= labeled
	if n.labels[f.Label]--; n.labels[f.Label] == 0 {
		delete(n.labels, f.Label)
	}
}

// Poll writes completions that are there by now to out.
func (n *NIC) Poll(now int64, out []offload.Completion) int {
	n.advance(now)
	k := 0
	for k < len(out) && n.queue.ready.n > 0 {
		a := n.queue.ready.pop()
		out[k] = a.c
		n.queue.open -= n.queue.counts(a.c.Op)
		n.told(&a)
		k++
	}
	return k
}

// told makes a flow be carried: its insertion is complete when the flow table
// knows of it, lest a late or lost answer hide what the card carries.
func (n *NIC) told(a *answer) {
	if a.slot == 0 || a.c.Op != offload.Add || a.c.Result != offload.Done {
		return
	}
	if f := n.flows.at(a.slot); f.Conn == a.c.Conn && f.adds == 0 && f.flags&(held|removed) == held {
		f.flags |= live
	}
}

// Settle completes all requests taken so far.
func (n *NIC) Settle(now int64) {
	n.advance(now)
	for n.queue.waiting() {
		n.finish(n.queue.pop())
	}
	n.queue.tellLate(1<<63 - 1)
	n.queue.free = n.now
}

// answer tells of a request's end, with the faults that befall answers.
func (n *NIC) answer(a answer) {
	f := &n.cfg.Faults
	if n.chance(f.Lose) {
		n.n.Lost++
		n.queue.open -= n.queue.counts(a.c.Op)
		return
	}
	at := n.now
	if f.Late > 0 {
		at += n.rand.Int64N(int64(f.Late) + 1)
	}
	n.queue.answer(a, at, n.now)
	if n.chance(f.Twice) {
		n.n.Twice++
		n.queue.open += n.queue.counts(a.c.Op)
		n.queue.answer(a, at, n.now)
	}
}
