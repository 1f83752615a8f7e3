package conform

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/flowtable"
	"sluice/internal/ctcmd"
	"sluice/observe"
	"sluice/packet"
	"sluice/policy"
	"sluice/policy/tc"
)

const (
	// start is the clock at the first command; any time will do.
	start = int64(10e9)
	// frameGap is the time between two frames. The recordings' came within
	// some milliseconds of each other.
	frameGap = int64(1e6)
	// waitSlice is how often maintenance runs while a step waits.
	waitSlice = int64(50e6)
)

// Answer runs a case through the datapath and gives what came of it, in the
// case's own format. An error means that it could not be run at all: a policy
// line that is refused though the recording's was not, among others.
func Answer(c *Case) (*Case, error) {
	r, err := newRunner(c)
	if err != nil {
		return nil, err
	}
	a := r.answer
	for i := range c.Steps {
		st, err := r.step(&c.Steps[i])
		if err != nil {
			return nil, fmt.Errorf("step %d%s: %w", i, note(&c.Steps[i]), err)
		}
		a.Steps = append(a.Steps, st)
	}
	r.engine.Flows().Sync(r.now)
	a.Conntrack = r.table()
	for _, x := range r.engine.Tracker().Expectations(r.now) {
		a.Expectations = append(a.Expectations, expectation(&x, r.now))
	}
	for ref := range r.engine.Tracker().All(r.now) {
		a.Proc = append(a.Proc, string(observe.AppendProc(nil, r.engine.Tracker(), ref, r.now)))
	}
	if err := r.show(); err != nil {
		return nil, err
	}
	return a, nil
}

type runner struct {
	c       *Case
	answer  *Case
	policy  *policy.Policy
	session *tc.Session
	out     strings.Builder
	engine  *datapath.Engine
	vector  packet.Vector
	now     int64
	last    map[hitKey][]policy.Stats
	shown   string // the table when it was last given

	recorded []Entry // the kernel's table by now
}

// egress is how a case calls the side on which frames leave.
const egress = "egress"

// hitKey names a filter the way a reader of counters does. A filter that is
// replaced keeps its name, and its counters begin again under it.
type hitKey struct {
	dev, dir            string
	chain, prio, handle uint32
}

func newRunner(c *Case) (*runner, error) {
	set := conntrack.DefaultSettings()
	for k, v := range c.Sysctl {
		if err := set.Set(k, fmt.Sprint(v)); err != nil {
			return nil, fmt.Errorf("sysctl: %w", err)
		}
	}
	r := &runner{c: c, now: start, policy: &policy.Policy{}, last: map[hitKey][]policy.Stats{}}
	r.engine = datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{Settings: set})})
	if strings.HasPrefix(c.RecordedFrom, "Linux 6.1.") {
		r.engine.Flows().Behave(flowtable.Linux6_1)
	}
	r.session = &tc.Session{
		Policy: r.policy, Out: &r.out, Strict: true,
		Stats: r.engine.ActionStats,
		Now:   func() int64 { return r.now },
	}
	r.answer = &Case{
		Name: c.Name, RecordedFrom: c.RecordedFrom, Needs: c.Needs, Devices: c.Devices, Qdisc: c.Qdisc, Sysctl: c.Sysctl, Policy: c.Policy,
		Free: c.Free, KernelsDiffer: c.KernelsDiffer, Steps: []Step{}, Conntrack: []Entry{}, Expectations: []Entry{}, Proc: []string{},
	}
	for _, d := range c.Devices {
		r.policy.Devices = append(r.policy.Devices, &policy.Device{Name: d})
	}
	for _, d := range c.Devices {
		if bringsQdisc(c.Policy, d) {
			continue
		}
		kind, err := portQdisc(c, d)
		if err != nil {
			return nil, err
		}
		if kind == "none" {
			continue
		}
		if err := r.session.Run("qdisc add dev " + d + " " + kind); err != nil {
			return nil, fmt.Errorf("qdisc of %s: %w", d, err)
		}
	}
	recorded := map[int]bool{}
	for _, f := range c.Refused {
		recorded[f.Line] = true
	}
	for i, line := range c.Policy {
		err := r.session.Run(line)
		if err == nil {
			continue
		}
		var e *tc.Error
		if !errors.As(err, &e) || !e.Kernel && !recorded[i] {
			return nil, fmt.Errorf("policy line %d: %w", i, err)
		}
		r.answer.Refused = append(r.answer.Refused, Refusal{i, strings.TrimPrefix(e.Msg, "RTNETLINK answers: ")})
	}
	return r, r.load()
}

// bringsQdisc reports whether a policy gives the device a qdisc itself: a
// recording's devices have none of their own then.
func bringsQdisc(lines []string, dev string) bool {
	for _, l := range lines {
		w := strings.Fields(strings.TrimPrefix(l, "tc "))
		if len(w) >= 4 && w[0] == "qdisc" && w[1] == "add" && w[2] == "dev" && w[3] == dev {
			return true
		}
	}
	return false
}

// portQdisc gives the qdisc of a port that the policy gives none: the case's,
// or clsact where the recording lists egress filters.
func portQdisc(c *Case, dev string) (string, error) {
	switch c.Qdisc {
	case "ingress", "clsact", "none":
		return c.Qdisc, nil
	case "":
	default:
		return "", fmt.Errorf("qdisc %q: expected ingress, clsact or none", c.Qdisc)
	}
	if _, ok := c.Filters[dev]["egress"]; ok {
		return "clsact", nil
	}
	return "ingress", nil
}

func (r *runner) load() error { return r.engine.Load(r.policy, r.now) }

// step runs one step and gives its answer.
func (r *runner) step(s *Step) (Step, error) {
	a := Step{In: s.In, Frame: s.Frame, WaitMs: s.WaitMs, Run: s.Run, Note: s.Note}
	if s.WaitMs > 0 {
		for end := r.now + s.WaitMs*1e6; r.now < end; {
			r.now = min(r.now+waitSlice, end)
			r.engine.Tick(r.now)
		}
	}
	if s.Run != "" {
		if err := r.commands(s.Run); err != nil {
			return a, err
		}
	}
	if s.Frame != "" || s.In != "" {
		if err := r.frame(s, &a); err != nil {
			return a, err
		}
	}
	if s.Conntrack != nil {
		r.recorded = *s.Conntrack
	}
	r.engine.Flows().Sync(r.now)
	t := r.table()
	if shown := withoutTimeouts(t); shown != r.shown || s.Frame == "" && s.Conntrack != nil {
		r.shown = shown
		a.Conntrack = &t
	}
	return a, nil
}

// commands runs tc and conntrack(8) commands. What the kernel's rules refuse,
// and a deletion that finds nothing, goes on to the next command as a shell
// does: what stands in the tables afterwards tells.
func (r *runner) commands(line string) error {
	for cmd := range strings.SplitSeq(line, ";") {
		w := strings.Fields(cmd)
		switch {
		case len(w) == 0:
		case w[0] == "tc":
			var e *tc.Error
			if err := r.session.Run(strings.Join(w, " ")); err != nil && !(errors.As(err, &e) && e.Kernel) {
				return err
			}
		case w[0] == "conntrack":
			if _, err := ctcmd.Live(r.engine.Tracker(), r.now, w[1:], io.Discard, io.Discard); err != nil {
				return fmt.Errorf("command %q: %w", strings.Join(w, " "), err)
			}
		default:
			return fmt.Errorf("command %q: expected tc or conntrack", strings.Join(w, " "))
		}
	}
	return r.load()
}

// frame sends a frame in and notes what came out and which counters moved.
func (r *runner) frame(s *Step, a *Step) error {
	sent := s.Frame
	if choosesFreely(r.c.Free) {
		sent = arriving(sent, choices(r.recorded, r.table(), r.c.Free))
	}
	b, err := hex.DecodeString(sent)
	if err != nil {
		return fmt.Errorf("frame: %w", err)
	}
	dev, ok := r.engine.Device(s.In)
	if !ok {
		return fmt.Errorf("no device %q", s.In)
	}
	r.now += frameGap
	r.vector.Reset()
	r.vector.Now = r.now
	r.vector.Add(b, dev)
	r.engine.Tick(r.now)
	r.engine.Process(&r.vector)
	a.Verdict, a.Out = "drop", []Out{}
	for _, tx := range r.vector.Tx {
		name := r.engine.DeviceName(tx.Dev)
		if tx.Up {
			name = "pass:" + name
			if a.Verdict == "drop" {
				a.Verdict = "pass"
			}
		} else {
			a.Verdict = "fwd"
		}
		a.Out = append(a.Out, Out{name, hex.EncodeToString(tx.Frame)})
	}
	a.Hits = r.hits()
	return nil
}

// hits gives the filters whose counters moved since it was last asked.
func (r *runner) hits() []Hit {
	hits := []Hit{}
	// A filter that is gone when counters are read is forgotten: one that comes
	// under its name begins anew.
	was := r.last
	r.last = make(map[hitKey][]policy.Stats, len(was))
	for _, d := range r.policy.Devices {
		for dir, b := range d.Block {
			if b == nil {
				continue
			}
			name := "" // there is one side
			if d.Qdisc == "clsact" {
				name = [...]string{policy.Ingress: "ingress", policy.Egress: egress}[dir]
			}
			for _, ch := range b.Chains {
				for _, pr := range ch.Protos {
					for _, f := range pr.Filters {
						k := hitKey{d.Name, name, ch.Index, uint32(pr.Prio), f.Handle}
						if h, moved := r.moved(k, f, was[k]); moved {
							hits = append(hits, h)
						}
					}
				}
			}
		}
	}
	return hits
}

func (r *runner) moved(k hitKey, f *policy.Filter, last []policy.Stats) (Hit, bool) {
	h, moved := Hit{Dev: k.dev, Dir: k.dir, Chain: k.chain, Prio: k.prio, Handle: k.handle}, false
	now := make([]policy.Stats, len(f.Actions))
	for i, act := range f.Actions {
		now[i] = r.engine.ActionStats(act)
		var was policy.Stats
		if i < len(last) {
			was = last[i]
		}
		d := ActionHit{act.Kind, int64(now[i].Packets - was.Packets), int64(now[i].Bytes - was.Bytes), int64(now[i].Drops - was.Drops)}
		moved = moved || d.Packets != 0 || d.Bytes != 0 || d.Drops != 0
		h.Actions = append(h.Actions, d)
	}
	r.last[k] = now
	return h, moved
}

// show fills in tc -s -j filter show of every device.
func (r *runner) show() error {
	r.answer.Filters = map[string]map[string]json.RawMessage{}
	for _, d := range r.policy.Devices {
		r.answer.Filters[d.Name] = map[string]json.RawMessage{}
		dirs := []string{"ingress"}
		if d.Qdisc == "clsact" {
			dirs = append(dirs, egress)
		}
		for _, dir := range dirs {
			r.out.Reset()
			if err := r.session.Run("tc -s -j filter show dev " + d.Name + " " + dir); err != nil {
				return fmt.Errorf("show filters of %s: %w", d.Name, err)
			}
			text := strings.TrimSpace(r.out.String())
			if text == "" {
				text = "[]"
			}
			if !json.Valid([]byte(text)) {
				return fmt.Errorf("show filters of %s: not JSON: %s", d.Name, text)
			}
			r.answer.Filters[d.Name][dir] = json.RawMessage(text)
		}
	}
	return nil
}

// table gives the connections as a dump does, in the recordings' order.
func (r *runner) table() []Entry {
	out := []Entry{}
	for ref, c := range r.engine.Tracker().All(r.now) {
		out = append(out, entry(r.engine.Tracker(), ref, c, r.now))
	}
	sortEntries(out)
	return out
}

// sortEntries orders a table by zone and original tuple.
func sortEntries(t []Entry) {
	slices.SortFunc(t, func(a, b Entry) int { return strings.Compare(entryKey(a), entryKey(b)) })
}

func entryKey(e Entry) string {
	zone, _ := number(e["zone"])
	return fmt.Sprintf("%05d %s", zone, canonical(e["orig"]))
}

func note(s *Step) string {
	if s.Note == "" {
		return ""
	}
	return " (" + s.Note + ")"
}
