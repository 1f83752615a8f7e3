package simcmd

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/driver/sim"
	"sluice/internal/admission"
	"sluice/internal/course"
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

// runner is one run under way.
type runner struct {
	p    *plan
	e    *datapath.Engine
	card *sim.NIC // nil: no device
	gen  *workload.Generator
	v    packet.Vector
	out  *Run

	every  int64 // between samples
	course *course.Recorder
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
	var cards []offload.Driver
	if r.card != nil {
		cards = append(cards, r.card)
	}
	r.course = course.New(r.e, cards, begin, r.every)
	r.out.page = report.Run{Name: c.name, Reasons: course.Reasons}
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
		r.course.Advance(v.Now)
		r.e.Tick(v.Now)
		for i := range v.N {
			size[i] = uint32(len(v.Frame[i]))
		}
		r.e.Process(v)
		for i := range v.N {
			r.course.Count(r.e.Tier(i), uint64(size[i]))
			r.out.Bytes += uint64(size[i])
		}
		r.out.Packets += uint64(v.N)
	}
	return nil
}

// evictions is how many flows have made room for others.
func (r *runner) evictions() uint64 {
	if r.card == nil {
		return 0
	}
	d, _ := r.e.Flows().DeviceStats(r.card)
	return d.Evicted
}

// finish adds everything up.
func (r *runner) finish() {
	o := r.out
	o.page.Samples = r.course.Finish(begin + r.gen.Now())
	o.Seconds = float64(r.gen.Now()) / 1e9
	for _, s := range r.gen.Stats() {
		o.Connections += s.Conns
	}
	whole := o.page.Total()
	rest := report.Run{Reasons: course.Reasons}
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
	o.Insertions, o.Evictions = whole.Insertions, r.evictions()
	for i, n := range whole.Refusals {
		if n > 0 {
			o.Refusals = append(o.Refusals, Named{course.Reasons[i], n})
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
	all, _ := tr.Count(begin + r.gen.Now())
	o.Tracked, o.Expired, o.Flows = all.Live, all.Expired, r.e.Flows().Len()
	o.TrackerRefused, o.TrackerReplaced = st.Drop, st.EarlyDrop
	o.Memory = tr.MemoryBytes() + r.e.Flows().MemoryBytes()
	for b := range r.gen.Sizes().Falling {
		o.page.Sizes = append(o.page.Sizes, report.Size(b))
	}
	o.page.Facts = o.facts()
}
