// Package course records how a run with offloading devices went, stretch by
// stretch of its time: who carried what, how full tables were, and why
// insertions came to nothing.
package course

import (
	"sluice/datapath"
	"sluice/flowtable"
	"sluice/internal/report"
	"sluice/offload"
)

// maxSamples is when two samples become one and stretches twice as long, for
// runs whose length nobody knows beforehand.
const maxSamples = 240

// Recorder records a run.
type Recorder struct {
	e     *datapath.Engine
	devs  []offload.Driver
	begin int64
	every int64
	fixed bool
	next  int64
	cur   report.Sample
	last  []flowtable.DeviceStats
	conns uint64
	all   []report.Sample
}

// Reasons are why an insertion came to nothing, for report.Run and by
// Sample.Refusals.
var Reasons = func() []string {
	words := []string{"no room on the list of those that wait"}
	for i := range offload.NumReasons {
		words = append(words, offload.Reason(i).String())
	}
	return words
}()

const (
	unlisted = iota
	firstReason
)

// tiers are datapath's in report's order.
var tiers = [datapath.NumTiers]report.Tier{
	datapath.TierNone: report.Untracked, datapath.TierDevice: report.Device, datapath.TierFlow: report.FlowTable, datapath.TierTracker: report.Tracker,
}

// New begins a record at a time. every is the length of a stretch in
// nanoseconds; 0: what makes a good plot.
func New(e *datapath.Engine, devs []offload.Driver, begin, every int64) *Recorder {
	r := &Recorder{e: e, devs: devs, begin: begin, every: every, fixed: every > 0, last: make([]flowtable.DeviceStats, len(devs)), conns: e.Tracker().Stats().Insert}
	if !r.fixed {
		r.every = 1e6
	}
	r.next = begin + r.every
	r.fresh()
	return r
}

func (r *Recorder) fresh() { r.cur = report.Sample{Refusals: make([]uint64, len(Reasons))} }

// Count adds a packet.
func (r *Recorder) Count(t datapath.Tier, bytes uint64) {
	r.cur.Packets[tiers[t]]++
	r.cur.Bytes[tiers[t]] += bytes
}

// Advance ends the stretches that are over by now. Call it before the packets
// of that time are judged.
func (r *Recorder) Advance(now int64) {
	for now >= r.next {
		r.sample(r.next)
		if gap := now - r.next; !r.fixed && gap > maxSamples*r.every {
			// A long silence is one stretch.
			r.next += gap / r.every * r.every
			continue
		}
		r.next += r.every
	}
}

// Finish ends the record and returns it.
func (r *Recorder) Finish(now int64) []report.Sample {
	r.sample(now)
	return r.all
}

func (r *Recorder) sample(now int64) {
	s := &r.cur
	s.At = now - r.begin
	s.Length = s.At
	if n := len(r.all); n > 0 {
		s.Length -= r.all[n-1].At
	}
	if s.Length <= 0 {
		return
	}
	tr := r.e.Tracker()
	made := tr.Stats().Insert
	s.NewConns, r.conns = made-r.conns, made
	s.Conns, s.Flows = tr.Len(), r.e.Flows().Len()
	for i, dev := range r.devs {
		d, _ := r.e.Flows().DeviceStats(dev)
		last := &r.last[i]
		s.Held += d.Held
		s.Limit += d.Limit
		s.Pending += d.Pending
		// What a slow card has taken and not done yet waits, too.
		s.Queue += d.Queue + d.Open[offload.Add] + d.Open[offload.Remove]
		s.Insertions += d.Added - last.Added
		s.Refusals[unlisted] += d.Unlisted - last.Unlisted
		s.Refusals[firstReason+int(offload.DeviceFull)] += d.Full - last.Full
		s.Refusals[firstReason+int(offload.Fault)] += d.Failed - last.Failed
		s.Refusals[firstReason+int(offload.QueueFull)] += d.Dropped - last.Dropped
		for k := range offload.NumReasons {
			s.Refusals[firstReason+k] += d.Refused[k] - last.Refused[k] + d.Declined[k] - last.Declined[k]
		}
		*last = d
	}
	r.all = append(r.all, *s)
	r.fresh()
	if !r.fixed && len(r.all) >= maxSamples {
		r.halve()
	}
}

// halve joins samples by two.
func (r *Recorder) halve() {
	out := r.all[:0]
	for i := 0; i+1 < len(r.all); i += 2 {
		a, b := r.all[i], r.all[i+1]
		for t := range a.Packets {
			b.Packets[t] += a.Packets[t]
			b.Bytes[t] += a.Bytes[t]
		}
		b.Length += a.Length
		b.NewConns += a.NewConns
		b.Insertions += a.Insertions
		for k := range b.Refusals {
			b.Refusals[k] += a.Refusals[k]
		}
		out = append(out, b)
	}
	r.all = out
	r.every *= 2
	r.next = r.begin + (r.all[len(r.all)-1].At/r.every+1)*r.every
}
