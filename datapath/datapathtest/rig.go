// Package datapathtest is an engine under test: a policy in tc's language, a
// scripted clock, and frames built on the spot.
package datapathtest

import (
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/policy/tc"
)

// Rig is an engine under test with a policy in tc's language.
type Rig struct {
	E   *datapath.Engine
	P   *policy.Policy
	Now int64 // time of the last frame
	t   testing.TB
	s   *tc.Session
	v   packet.Vector

	lines []string // the policy's
	drops []uint64 // of engines that others have taken the place of
}

// New makes an engine that traces.
func New(t testing.TB, lines ...string) *Rig {
	t.Helper()
	return NewWith(t, datapath.Config{Trace: true}, lines...)
}

// NewWith makes an engine with a tracker of its own.
func NewWith(t testing.TB, cfg datapath.Config, lines ...string) *Rig {
	t.Helper()
	p := load(t, lines)
	r := &Rig{t: t, P: p, Now: 1e9, lines: slices.Clone(lines)}
	cfg.Tracker = conntrack.New(conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: 4096})
	r.E = datapath.New(cfg)
	r.s = &tc.Session{Policy: p, Out: new(strings.Builder), Err: new(strings.Builder)}
	if err := r.E.Load(p, r.Now); err != nil {
		t.Fatal(err)
	}
	return r
}

func load(t testing.TB, lines []string) *policy.Policy {
	t.Helper()
	p, _, err := tc.Load("test.tc", strings.NewReader(strings.Join(lines, "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Run changes the policy while packets flow.
func (r *Rig) Run(line string) {
	r.t.Helper()
	if err := r.s.Run(line); err != nil {
		r.t.Fatal(err)
	}
	r.note(line)
	if err := r.E.Load(r.P, r.Now); err != nil {
		r.t.Fatal(err)
	}
}

// TryRun changes the policy and returns what Load says of it.
func (r *Rig) TryRun(line string) error {
	r.t.Helper()
	if err := r.s.Run(line); err != nil {
		r.t.Fatal(err)
	}
	r.note(line)
	return r.E.Load(r.P, r.Now)
}

// note keeps a command that the policy is made of.
func (r *Rig) note(line string) {
	if !strings.Contains(line, " show ") {
		r.lines = append(r.lines, line)
	}
}

// Policy reads the policy anew, as another process would: its actions are other
// instances.
func (r *Rig) Policy() *policy.Policy { return load(r.t, r.lines) }

// Lines are the commands that the policy is made of.
func (r *Rig) Lines() []string { return r.lines }

// Replace lets another engine go on, with the policy that it has loaded.
func (r *Rig) Replace(e *datapath.Engine, p *policy.Policy) {
	r.drops = r.Drops()
	r.E, r.P, r.s.Policy = e, p, p
}

// Drops are Engine.Drops, those of engines before this one included.
func (r *Rig) Drops() []uint64 {
	all := slices.Clone(r.E.Drops())
	for i, n := range r.drops {
		all[i] += n
	}
	return all
}

// Reload changes the policy as a replay's --reload does: "keep" leaves connections
// alone, "recheck" ends those whose packets are dropped now, "kill" all that the
// flow table holds, and "dry-run" changes nothing. It returns how many
// connections end, or would.
func (r *Rig) Reload(mode, line string) (n int) {
	r.t.Helper()
	must := func(err error) {
		if err != nil {
			r.t.Fatal(err)
		}
	}
	r.E.Flows().Sync(r.Now)
	before, err := r.E.Prospect(r.P, r.Now)
	must(err)
	p := r.P
	if mode == "dry-run" {
		p = r.Policy()
	}
	must((&tc.Session{Policy: p, Out: new(strings.Builder), Err: new(strings.Builder)}).Run(line))
	after, err := r.E.Prospect(p, r.Now)
	must(err)
	cuts, _ := r.E.Compare(r.Now, before, after)
	if mode != "dry-run" {
		r.note(line)
		must(r.E.Load(p, r.Now))
	}
	tr, ends := r.E.Tracker(), map[packet.ConnRef]bool{}
	tr.Clock(r.Now)
	for _, c := range cuts {
		ends[c.Conn] = ends[c.Conn] || mode != "kill" && c.Ends()
	}
	for ref, c := range tr.Known() {
		ends[ref] = ends[ref] || mode == "kill" && c.Status&conntrack.StatusOffload != 0
	}
	for ref, ok := range ends {
		if ok {
			n++
			if mode == "recheck" || mode == "kill" {
				tr.Kill(ref)
			}
		}
	}
	return n
}

// Result is what became of one frame.
type Result struct {
	Verdict packet.Verdict
	Reason  string
	Tx      []packet.Tx
	Hits    []datapath.Hit
}

// Out names where frames went: "dev" by a port, "pass:dev" to the stack.
func (r *Rig) Out(res Result) string {
	var s []string
	for _, t := range res.Tx {
		n := r.E.DeviceName(t.Dev)
		if t.Up {
			n = "pass:" + n
		}
		s = append(s, n)
	}
	return strings.Join(s, " ")
}

// Send judges one frame, a millisecond after the last.
func (r *Rig) Send(dev string, frame []byte) Result {
	r.t.Helper()
	r.Now += 1e6
	id, ok := r.E.Device(dev)
	if !ok {
		r.t.Fatalf("no device %s", dev)
	}
	r.v.Reset()
	r.v.Now = r.Now
	r.v.Add(frame, id)
	r.E.Tick(r.Now)
	r.E.Process(&r.v)
	return Result{r.v.Verdict[0], datapath.ReasonName(r.v.Reason[0]), r.v.Tx, append([]datapath.Hit(nil), r.E.Trace(0)...)}
}

// Stats returns the counters of a filter's n-th action.
func (r *Rig) Stats(dev string, chain uint32, prio uint16, action int) policy.Stats {
	r.t.Helper()
	for _, d := range r.P.Devices {
		if d.Name != dev {
			continue
		}
		for _, c := range d.Block[policy.Ingress].Chains {
			for _, pr := range c.Protos {
				if c.Index == chain && pr.Prio == prio {
					return r.E.ActionStats(pr.Filters[0].Actions[action])
				}
			}
		}
	}
	r.t.Fatalf("no filter %s chain %d prio %d", dev, chain, prio)
	return policy.Stats{}
}

// HTTPPolicy is the use case of a Server behind vf0_rep: HTTP comes in,
// answers go out, nothing new leaves.
var HTTPPolicy = []string{
	"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
	"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp src_port 80 action ct pipe action goto chain 2",
	"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +est+trk action mirred egress redirect dev uplink_rep",
	"filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +new+trk action drop",
}

// Addresses of the two ends.
const (
	Client = "10.0.0.1"
	Server = "10.0.0.2"
)

// Handshake establishes Client:port to Server:80.
func (r *Rig) Handshake(port uint16) {
	r.t.Helper()
	for _, s := range []struct {
		dev   string
		frame []byte
	}{
		{"uplink_rep", packettest.TCP(Client, Server, port, 80, "S", 1000, 0, "")},
		{"vf0_rep", packettest.TCP(Server, Client, 80, port, "SA", 5000, 1001, "")},
		{"uplink_rep", packettest.TCP(Client, Server, port, 80, "A", 1001, 5001, "")},
	} {
		if res := r.Send(s.dev, s.frame); res.Verdict != packet.Forward {
			r.t.Fatalf("Handshake: %v (%s)", res.Verdict, res.Reason)
		}
	}
}
