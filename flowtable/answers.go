package flowtable

import (
	"sluice/conntrack"
	"sluice/offload"
)

// maxPolls bounds what one call takes in: a device that never stops answering
// must not stop the packets.
const maxPolls = 64

// poll takes in what the device has answered by now.
func (d *device) poll(now int64) {
	for range maxPolls {
		n := min(max(d.drv.Poll(now, d.done), 0), len(d.done))
		for i := range d.done[:n] {
			if d.dead {
				d.stats.Ignored[IgnoredGone] += uint64(n - i)
				return
			}
			d.complete(&d.done[i], now)
		}
		if n < len(d.done) {
			return
		}
	}
}

// Kinds of completions that mean nothing to the table.
const (
	IgnoredUnknown  = iota // of a connection that the device was never asked about, or long ago
	IgnoredStale           // of an earlier connection in the same slot
	IgnoredDouble          // of something that was answered already, or not asked
	IgnoredLate            // of an addition that had been taken back since
	IgnoredBackward        // with counters less than told before
	IgnoredOp              // of no kind of request
	IgnoredGone            // after the device had gone

	NumIgnored
)

// IgnoredNames are the kinds' names, for listings.
var IgnoredNames = [NumIgnored]string{"unknown", "stale", "double", "late", "backward", "no such request", "after unregistering"}

// complete takes in one answer.
func (d *device) complete(k *offload.Completion, now int64) {
	e := d.entries.of(k.Conn)
	if e == nil {
		kind := IgnoredUnknown
		if uint32(k.Conn) != 0 && d.entries.taken(k.Conn) {
			kind = IgnoredStale
		}
		d.stats.Ignored[kind]++
		return
	}
	var open *uint8
	switch k.Op {
	case offload.Add:
		open = &e.adds
	case offload.Remove:
		open = &e.removes
	case offload.Read:
		open = &e.reads
	default:
		d.stats.Ignored[IgnoredOp]++
		return
	}
	if *open == 0 && k.Op == offload.Remove && e.held {
		d.returned(e, k, now)
		return
	}
	if *open == 0 {
		d.stats.Ignored[IgnoredDouble]++
		return
	}
	*open--
	why := k.Reason
	if int(why) >= offload.NumReasons {
		why = offload.NoReason
	}
	switch k.Op {
	case offload.Add:
		d.added(e, k.Result, why, now)
	case offload.Remove:
		d.full = 0
		if e.gone && e.adds == 0 && d.prober == nil {
			d.absorb(e, d.set.tr.Conn(e.ref), &k.Stats)
		}
		d.settleEntry(e)
	case offload.Read:
		switch {
		case !e.held:
			d.stats.Ignored[IgnoredLate]++
			d.settleEntry(e)
		case k.Result != offload.Done:
			d.stats.Forgot++
			d.remove(e, offload.Fault)
		default:
			d.absorb(e, d.set.tr.Conn(e.ref), &k.Stats)
		}
	}
}

// returned takes in that the device has let go of a flow by itself, because it
// was idle or for some reason of its own. Whether it is idle is for the
// flow table to say: its next packet is a reason to try again. The device is
// told to remove it all the same, lest this be the second answer to an earlier
// removal.
func (d *device) returned(e *entry, k *offload.Completion, now int64) {
	s := d.set
	if d.prober == nil {
		d.absorb(e, s.tr.Conn(e.ref), &k.Stats)
	}
	d.stats.Returned++
	why := k.Reason
	if why == offload.NoReason || int(why) >= offload.NumReasons {
		why = offload.Idle
	}
	c, x := s.tr.Conn(e.ref), s.known(e.ref)
	d.remove(e, why)
	if x != nil {
		x.next = max(x.next, now+s.adm.RetryEvery)
		if mine(c) {
			s.settleFlags(c, x)
		}
	}
}

// added takes in what became of an addition.
func (d *device) added(e *entry, r offload.Result, why offload.Reason, now int64) {
	s := d.set
	if e.gone {
		d.stats.Ignored[IgnoredLate]++
		d.settleEntry(e)
		return
	}
	ref := e.ref
	c, x := s.tr.Conn(ref), s.known(ref)
	if r == offload.Done {
		e.held = true
		d.stats.Added++
		x.why[d.n] = offload.NoReason
		if x.held == 0 {
			s.held++
		}
		x.held |= d.bit
		c.Status |= conntrack.StatusHWOffload
		s.tr.Moved(now, ref, conntrack.EventHWOffload, d.name, 0)
		return
	}
	d.forget(e)
	or := func(other offload.Reason) offload.Reason {
		if why == offload.NoReason {
			return other
		}
		return why
	}
	switch r {
	case offload.Full:
		d.stats.Full++
		d.full, d.learnt = max(now, 1), d.entries.n
		x.why[d.n] = or(offload.DeviceFull)
		d.shelf(ref, x)
	case offload.Refused:
		why = or(offload.Unsupported)
		d.stats.Refused[why]++
		x.refused |= d.bit
		x.why[d.n] = why
	default:
		d.stats.Failed++
		x.why[d.n] = or(offload.Fault)
		x.next = max(x.next, now+s.adm.RetryEvery)
	}
	s.settleFlags(c, x)
}

// settleEntry lets go of an entry once everything is answered.
func (d *device) settleEntry(e *entry) {
	if !e.gone || e.open() {
		return
	}
	ref, again := e.ref, e.again
	d.forget(e)
	if !again {
		return
	}
	s := d.set
	if c := s.tr.Conn(ref); mine(c) {
		if x := s.side(ref); !x.home {
			d.ask(ref, x)
			s.settleFlags(c, x)
		}
	}
}

// forget removes an entry that is not held, even if requests about it are unanswered.
func (d *device) forget(e *entry) {
	s, ref := d.set, e.ref
	if e.gone {
		d.leaving--
	}
	if x := s.known(ref); x != nil && !e.gone {
		x.in &^= d.bit
	}
	*d.zone.at(int(e.zone))--
	d.entries.drop(e)
}

// patrolEvery is how long the walk over a device's entries takes that finds
// requests without an answer; patience is how long one may take.
const (
	patrolEvery = 10 * second
	patience    = 30 * second
)

// patrol looks at a share of the entries: what a device never answers must not
// be waited for for ever.
func (d *device) patrol(now int64, budget int) {
	if d.entries.n == 0 {
		d.patrols = now
		return
	}
	share := int((now - d.patrols) * int64(d.entries.n) / patrolEvery)
	if share == 0 {
		return
	}
	d.patrols = now
	for range min(share, d.entries.n, budget) {
		if d.patrolAt = min(d.patrolAt, d.entries.n); d.patrolAt == 0 {
			if d.patrolAt = d.entries.n; d.patrolAt == 0 {
				return // the last one has been let go of
			}
		}
		d.patrolAt--
		e := d.entries.all.at(d.patrolAt)
		if !e.open() || now-e.asked < patience {
			continue
		}
		d.stats.Lost += uint64(e.adds) + uint64(e.removes) + uint64(e.reads)
		switch {
		case e.gone:
			e.adds, e.removes, e.reads = 0, 0, 0
			d.settleEntry(e)
		case e.adds > 0:
			x := d.set.known(e.ref)
			d.remove(e, offload.Fault)
			if x != nil {
				x.next = max(x.next, now+d.set.adm.RetryEvery)
			}
		default:
			e.reads = 0
		}
	}
}
