package simcmd

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/driver/sim"
	"sluice/flowtable"
	"sluice/internal/admission"
	"sluice/internal/report"
	"sluice/internal/workload"
	"sluice/offload"
	"sluice/packet"
)

// samples is into how many stretches a run's time is divided.
const samples = 120

// begin is the time at which traffic begins, on the datapath's clock; any will
// do.
const begin = int64(1e9)

// Simulate runs the workload once for each policy. The result tells how far it
// came even when ctx was done before.
func Simulate(ctx context.Context, o Options) (*Result, error) {
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	if _, _, err := p.loadPolicy(o.Notes); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	r := &Result{Device: o.Device, Card: p.cardText(), Scale: p.Scale, Seconds: p.Duration.Seconds(), SteadyFrom: p.Settle.Seconds(), Costs: p.Costs}
	for _, part := range workload.Scale(p.parts, p.Scale) {
		r.Workload = append(r.Workload, part.String())
	}
	if o.Find {
		r.Target = o.Target
		err = p.find(ctx, r)
	} else {
		for i := range p.policies {
			var run *Run
			if run, err = p.run(ctx, &p.policies[i], p.Scale); run != nil {
				r.Runs = append(r.Runs, run)
			}
			if err != nil {
				break
			}
		}
	}
	if len(r.Runs) == 0 {
		return nil, err
	}
	if err != nil {
		r.Incomplete = err.Error()
	}
	return r, err
}

// tiers are datapath's in report's order.
var tiers = [datapath.NumTiers]report.Tier{
	datapath.TierNone: report.Untracked, datapath.TierDevice: report.Device, datapath.TierFlow: report.FlowTable, datapath.TierTracker: report.Tracker,
}

// runner is one run under way.
type runner struct {
	p    *plan
	e    *datapath.Engine
	card *sim.NIC // nil: no device
	gen  *workload.Generator
	v    packet.Vector
	out  *Run

	every, next int64 // between samples, and the next one
	cur         report.Sample
	last        flowtable.DeviceStats // at the last sample
	conns       uint64                // likewise: made by the tracker
}

// run simulates one policy.
func (p *plan) run(ctx context.Context, c *candidate, scale float64) (*Run, error) {
	r, err := p.newRunner(c, scale)
	if err != nil {
		return nil, err
	}
	show := progress{w: p.Progress, name: c.name, of: p.Duration}
	err = r.traffic(ctx, &show)
	show.clear()
	r.finish()
	out := r.out
	// The tables' memory goes with their owner.
	*r = runner{}
	runtime.GC()
	if err != nil {
		out.Incomplete = true
		err = fmt.Errorf("policy %s: stopped after %s of %s of traffic: %w", c.name, secondsText(out.Seconds), secondsText(p.Duration.Seconds()), err)
	}
	return out, err
}

func (p *plan) newRunner(c *candidate, scale float64) (*runner, error) {
	pol, ends, err := p.loadPolicy(nil)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	settings, err := p.newSettings(scale)
	if err != nil {
		return nil, err
	}
	tr := conntrack.New(conntrack.Config{Seed: [2]uint64{p.Seed, ^p.Seed}, MaxConns: int(settings.Max), Settings: settings})
	r := &runner{p: p, e: datapath.New(datapath.Config{Tracker: tr, Seed: p.Seed}), out: &Run{Policy: c.name, Scale: scale, Refusals: []Named{}, NotInDevice: []Named{}, Dropped: []Named{}}}
	r.e.Flows().Age(p.aging)
	if !c.off {
		cfg := p.cardAt(scale)
		cfg.Tracker = tr
		if r.card, err = sim.New(cfg); err != nil {
			return nil, err
		}
		if err := r.e.Flows().SetAdmission(begin, admission.Scale(c.adm, scale)); err != nil {
			return nil, fmt.Errorf("policy %s: %w", c.name, err)
		}
		r.e.Attach(r.card, ends[0], ends[1])
	}
	if err := r.e.Load(pol, begin); err != nil {
		return nil, err
	}
	var devs [2]int32
	for i, name := range ends {
		devs[i], _ = r.e.Device(name)
	}
	r.gen = workload.New(workload.Config{Parts: workload.Scale(p.parts, scale), Duration: int64(p.Duration), Seed: p.Seed, Start: begin, Devs: devs})
	r.every = max(int64(p.Duration)/samples, 1)
	r.next = begin + r.every
	r.cur.Refusals = make([]uint64, len(reasons))
	r.out.page = report.Run{Name: c.name, Reasons: reasons}
	return r, nil
}

// checkEvery is how many vectors go by between looks at the clock.
const checkEvery = 64

// traffic judges all of it.
func (r *runner) traffic(ctx context.Context, show *progress) error {
	v := &r.v
	var size [packet.VectorSize]uint32
	for n := 0; r.gen.Next(v); n++ {
		if n%checkEvery == 0 {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			show.show(time.Duration(r.gen.Now()), r.out.Packets, r.e.Tracker().Len())
		}
		for v.Now >= r.next {
			r.sample(r.next)
			r.next += r.every
		}
		r.e.Tick(v.Now)
		for i := range v.N {
			size[i] = uint32(len(v.Frame[i]))
		}
		r.e.Process(v)
		for i := range v.N {
			t := tiers[r.e.Tier(i)]
			r.cur.Packets[t]++
			r.cur.Bytes[t] += uint64(size[i])
			r.out.Bytes += uint64(size[i])
		}
		r.out.Packets += uint64(v.N)
	}
	r.sample(begin + r.gen.Now())
	return nil
}

// sample ends a stretch of time.
func (r *runner) sample(now int64) {
	s := &r.cur
	s.At = now - begin
	if n := len(r.out.page.Samples); n > 0 {
		s.Length = s.At - r.out.page.Samples[n-1].At
	} else {
		s.Length = s.At
	}
	if s.Length <= 0 {
		return
	}
	tr := r.e.Tracker()
	made := tr.Stats().Insert
	s.NewConns, r.conns = made-r.conns, made
	s.Conns, s.Flows = tr.Len(), r.e.Flows().Len()
	if r.card != nil {
		d, _ := r.e.Flows().DeviceStats(r.card)
		s.Held, s.Limit, s.Pending = d.Held, d.Limit, d.Pending
		s.Queue = d.Queue + d.Open[offload.Add] + d.Open[offload.Remove]
		s.Insertions = d.Added - r.last.Added
		s.Refusals[unlisted] += d.Unlisted - r.last.Unlisted
		s.Refusals[firstReason+int(offload.DeviceFull)] += d.Full - r.last.Full
		s.Refusals[firstReason+int(offload.Fault)] += d.Failed - r.last.Failed
		s.Refusals[firstReason+int(offload.QueueFull)] += d.Dropped - r.last.Dropped
		for i := range offload.NumReasons {
			s.Refusals[firstReason+i] += d.Refused[i] - r.last.Refused[i] + d.Declined[i] - r.last.Declined[i]
		}
		r.last = d
	}
	r.out.page.Samples = append(r.out.page.Samples, *s)
	r.cur = report.Sample{Refusals: make([]uint64, len(reasons))}
}

// finish adds everything up.
func (r *runner) finish() {
	o := r.out
	r.sample(begin + r.gen.Now()) // of what was cut short
	o.Seconds = float64(r.gen.Now()) / 1e9
	for _, s := range r.gen.Stats() {
		o.Connections += s.Conns
	}
	whole := o.page.Total()
	rest := report.Run{Reasons: reasons}
	for _, s := range o.page.Samples {
		o.HeldMost, o.PendingMost, o.QueueMost = max(o.HeldMost, s.Held), max(o.PendingMost, s.Pending), max(o.QueueMost, s.Queue)
		if s.At-s.Length >= int64(r.p.Settle)-r.every/2 {
			rest.Samples = append(rest.Samples, s)
		}
	}
	steady := rest.Total()
	if steady.Length > 0 {
		o.InsertionRate = float64(steady.Insertions) * 1e9 / float64(steady.Length)
	}
	o.Whole, o.Steady = tiersOf(&whole), tiersOf(&steady)
	o.Forward = r.p.Costs.forward(steady.Packets, r.card != nil)
	o.Insertions, o.Evictions = whole.Insertions, r.last.Evicted
	for i, n := range whole.Refusals {
		if n > 0 {
			o.Refusals = append(o.Refusals, Named{reasons[i], n})
		}
	}
	if r.card != nil {
		for _, c := range r.card.Refusals() {
			o.NotInDevice = append(o.NotInDevice, Named{c.What, c.N})
		}
	}
	for reason, n := range r.e.Drops() {
		if n > 0 && uint8(reason) != datapath.ReasonNone {
			o.Dropped = append(o.Dropped, Named{datapath.ReasonName(uint8(reason)), n})
		}
	}
	tr := r.e.Tracker()
	st := tr.Stats()
	o.Tracked, o.Flows = tr.Len(), r.e.Flows().Len()
	o.TrackerRefused, o.TrackerReplaced = st.Drop, st.EarlyDrop
	o.Memory = tr.MemoryBytes() + r.e.Flows().MemoryBytes()
	for b := range r.gen.Sizes().Falling {
		o.page.Sizes = append(o.page.Sizes, report.Size(b))
	}
	o.page.Facts = o.facts()
}
