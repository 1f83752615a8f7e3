package datapath

import (
	"errors"
	"fmt"
	"sluice/conntrack"

	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// attached is a device with its ports.
type attached struct {
	offload.Driver
	ports map[string]bool
	pl    *Pipeline // nil: its packets come by themselves
	rules map[*policy.Filter]*offload.Rule
	held  map[*policy.Filter]*offload.Refusal // nil: held
}

// Attach connects a device that has the named ports. From the next Load on it
// is asked to hold the rules of their ingress blocks, and if it has a
// Pipeline, what comes in on them goes through it first.
func (e *Engine) Attach(d offload.Driver, ports ...string) {
	a := attached{Driver: d, ports: map[string]bool{}, rules: map[*policy.Filter]*offload.Rule{}, held: map[*policy.Filter]*offload.Refusal{}}
	for _, p := range ports {
		a.ports[p] = true
	}
	if m, ok := d.(interface{ Pipeline() *Pipeline }); ok {
		a.pl = m.Pipeline()
		a.pl.e.trace = e.trace
	}
	e.devices = append(e.devices, a)
}

// Detach lets go of a device: its rules and flows are software's again, and so
// is what it has counted.
func (e *Engine) Detach(d offload.Driver, now int64) {
	for i := range e.devices {
		if e.devices[i].Driver != d {
			continue
		}
		for a := range e.counters.of {
			if s := d.ActionStats(a); s != (policy.Stats{}) {
				e.left[a] = addStats(e.left[a], s)
			}
		}
		e.devices[i].dropRules(now)
		if s, ok := d.(offload.Stopper); ok {
			s.Stop(now)
		}
		e.devices = append(e.devices[:i], e.devices[i+1:]...)
		e.steer()
		return
	}
}

// dropRules takes all rules back.
func (d *attached) dropRules(now int64) {
	for f, r := range d.rules {
		if d.held[f] == nil {
			d.Destroy(now, r)
		}
	}
	clear(d.rules)
	clear(d.held)
}

// withdraw leaves everything to software until the next Load: a policy that
// devices were told of has turned out to be none.
func (e *Engine) withdraw(now int64) {
	for i := range e.devices {
		d := &e.devices[i]
		d.dropRules(now)
		if d.pl != nil {
			d.pl.failed = true
		}
	}
}

// offer gives every device the rules of its ports, in the order in which they
// are tried, and takes back what the policy does not have any more.
func (e *Engine) offer(p *policy.Policy, now int64) error {
	for i := range e.devices {
		d := &e.devices[i]
		fresh := d.collect(e, p)
		for f, r := range d.rules {
			if !has(fresh, f) {
				if d.held[f] == nil {
					d.Destroy(now, r)
				}
				delete(d.rules, f)
				delete(d.held, f)
			}
		}
		for _, r := range fresh {
			err := d.Replace(now, r)
			var ref *offload.Refusal
			if err != nil && !errors.As(err, &ref) {
				ref = &offload.Refusal{Device: d.Name(), Reason: err.Error()}
			}
			d.rules[r.Filter], d.held[r.Filter] = r, ref
		}
		if l, ok := d.Driver.(offload.Loader); ok {
			if err := l.Loaded(now, p); err != nil {
				return fmt.Errorf("device %s: %w", d.Name(), err)
			}
		}
	}
	return e.skipSW(p)
}

func has(rules []*offload.Rule, f *policy.Filter) bool {
	for _, r := range rules {
		if r.Filter == f {
			return true
		}
	}
	return false
}

// skipSW refuses filters that would have no effect. Where connections are tracked
// every filter must be software's, too (RFC part 2, TC command-line interface):
// what came in second is refused, be it the filter with skip_sw or the first
// that tracks.
func (e *Engine) skipSW(p *policy.Policy) (err error) {
	if len(e.devices) == 0 {
		return nil
	}
	tracking := p.Tracking()
	eachFilter(p, func(f *policy.Filter) {
		if f.Born < tracking.Since && err == nil {
			if at, what := skipsSW(f); what != "" {
				err = &UnsupportedError{Place: tracking.At, What: fmt.Sprintf("tracking connections beside the %s of line %d", what, at.Line)}
			}
		}
		for _, a := range f.Actions {
			if a.SkipSW && tracking.Since != 0 && err == nil {
				err = &UnsupportedError{Place: a.SkipSWAt, What: "skip_sw of an action while connections are tracked"}
			}
		}
		if n, refusals := e.InHW(f); f.SkipSW && n == 0 && err == nil {
			what := "skip_sw"
			for _, r := range refusals {
				what += " (" + r.Error() + ")"
			}
			err = &UnsupportedError{Place: f.SkipSWAt, What: what}
		}
	})
	return err
}

// skipsSW says what of a filter software does not see, and where that stands.
func skipsSW(f *policy.Filter) (at policy.Place, what string) {
	if f.SkipSW {
		return f.SkipSWAt, "filter with skip_sw"
	}
	for _, a := range f.Actions {
		if a.SkipSW {
			return a.SkipSWAt, "action with skip_sw"
		}
	}
	return at, ""
}

func eachFilter(p *policy.Policy, do func(*policy.Filter)) {
	eachBlock(p, func(b *policy.Block) {
		each(b, func(_ *policy.Proto, f *policy.Filter) { do(f) })
	})
}

// eachBlock visits a policy's blocks; one that devices share, once for each.
func eachBlock(p *policy.Policy, do func(*policy.Block)) {
	for _, d := range p.Devices {
		for _, b := range d.Block {
			if b != nil {
				do(b)
			}
		}
	}
	for _, b := range p.Blocks {
		do(b)
	}
}

// each visits a block's filters.
func each(b *policy.Block, do func(*policy.Proto, *policy.Filter)) {
	for _, ch := range b.Chains {
		for _, pr := range ch.Protos {
			for _, f := range pr.Filters {
				do(pr, f)
			}
		}
	}
}

// collect lists the rules of a device's ports. What comes out of a tunnel came
// in by some port, so the blocks of tunnel ports are every device's.
func (d *attached) collect(e *Engine, p *policy.Policy) (rules []*offload.Rule) {
	tracks := p.Tracking().Since != 0
	seen := map[*policy.Block]bool{}
	for _, dev := range p.Devices {
		b := dev.Block[policy.Ingress]
		if b == nil || seen[b] || !d.ports[dev.Name] && dev.Tunnel == nil {
			continue
		}
		seen[b] = true
		for _, ch := range b.Chains {
			for _, pr := range ch.Protos {
				for _, o := range order(pr) {
					if o.f.SkipHW {
						continue
					}
					r := &offload.Rule{Dev: dev.Name, Binding: policy.Ingress, Chain: ch.Index, Prio: pr.Prio, Protocol: pr.Protocol, Filter: o.f, Tracks: tracks}
					for _, a := range o.f.Actions {
						var t offload.FlowTable
						if a.CT != nil && !a.CT.Clear {
							t = e.flowTable(a)
						}
						r.Tables = append(r.Tables, t)
					}
					rules = append(rules, r)
				}
			}
		}
	}
	return rules
}

// steer notes which ports' packets go through a device first. The first
// device that has a port has it.
func (e *Engine) steer() {
	e.byDev = nil
	for i := range e.prog.devs {
		for j := range e.devices {
			if d := &e.devices[j]; d.pl != nil && d.ports[e.prog.devs[i].name] {
				for len(e.byDev) < len(e.prog.devs) {
					e.byDev = append(e.byDev, nil)
				}
				e.byDev[i] = d.pl
				break
			}
		}
	}
}

// InHW is how many devices hold a filter, and why others do not.
func (e *Engine) InHW(f *policy.Filter) (n int, refusals []*offload.Refusal) {
	for i := range e.devices {
		switch r, there := e.devices[i].held[f]; {
		case !there:
		case r == nil:
			n++
		default:
			refusals = append(refusals, r)
		}
	}
	return n, refusals
}

// EachRule yields the rules that a device was asked to hold, and why it does
// not; nil: it does.
func (e *Engine) EachRule(d offload.Driver, yield func(*offload.Rule, *offload.Refusal)) {
	for i := range e.devices {
		if a := &e.devices[i]; a.Driver == d {
			for f, r := range a.rules {
				yield(r, a.held[f])
			}
		}
	}
}

// withDevices adds what devices have counted for an action.
func (e *Engine) withDevices(a *policy.Action, s policy.Stats) policy.Stats {
	s = addStats(s, e.left[a])
	for i := range e.devices {
		s = addStats(s, e.devices[i].ActionStats(a))
	}
	return s
}

// addStats adds what a device has counted.
func addStats(s, d policy.Stats) policy.Stats {
	s.Packets += d.Packets
	s.Bytes += d.Bytes
	s.Drops += d.Drops
	s.Overlimits += d.Overlimits
	s.HWPackets += d.Packets
	s.HWBytes += d.Bytes
	s.LastUsed = max(s.LastUsed, d.LastUsed)
	if s.FirstUsed == 0 || d.FirstUsed != 0 && d.FirstUsed < s.FirstUsed {
		s.FirstUsed = d.FirstUsed
	}
	return s
}

// processDevices judges a vector packet by packet: each goes through its
// port's device, and software does the rest before the next one comes, so that
// what one packet changes is there for the next.
func (e *Engine) processDevices(v *packet.Vector) {
	for i := range v.N {
		e.first[i], e.firstCopy[i], e.wayOf[i].way = int32(len(e.hits)), int32(len(e.copies)), nil
		v.M[i].Resume = packet.Resume{}
		if m := &v.M[i]; uint(m.Dev) < uint(len(e.byDev)) && e.byDev[m.Dev] != nil && m.Chain == 0 && !m.CT.PostCT {
			pl := e.byDev[m.Dev]
			done := pl.process(v, i)
			for _, c := range pl.e.device.carried {
				e.cameFrom(c.f.Conn, c.dir, pl.e.device.from)
			}
			if e.trace {
				e.hits = append(e.hits, pl.e.hits...)
				e.copies = append(e.copies, pl.e.copies...)
			}
			if done {
				e.drops[v.Reason[i]]++
				e.tiers[i] = TierDevice
				continue
			}
		}
		if r := &v.M[i].Resume; r.On {
			v.Verdict[i], v.Reason[i] = e.judge(v, i, r.Dev, conntrack.Found{})
			e.drops[v.Reason[i]]++
			continue
		}
		e.judgeAlone(v, i)
	}
}
