package offloadtest

import (
	"errors"
	"testing"

	"sluice/offload"
)

// Run tests a driver. open gives a new one each time, with nothing in it and
// no faults.
func Run(t *testing.T, open func() offload.Driver) {
	for _, c := range []struct {
		name string
		test func(*rig)
	}{
		{"A136_A137_rules_are_held_or_refused_at_once", rules},
		{"A174_C03_refusals_have_words", refusals},
		{"A146_A148_A149_A151_registered_by_reference", registration},
		{"A150_told_of_flows_that_are_there", replay},
		{"A152_A155_flows_enter_and_leave", flows},
		{"A153_answers_come_to_small_buffers", smallBuffers},
		{"A153_requests_that_are_too_many_wait", crowd},
		{"A156_a_flow_may_be_added_again", again},
		{"A142_a_flow_is_replaced_in_place", replace},
		{"removal_is_effective_at_once", removal},
		{"A133_counters_never_run_backwards", counters},
		{"A151_late_answers_after_leaving_do_no_harm", late},
		{"A151_stop_lets_go_of_everything", stop},
		{"bad_requests_do_no_harm", bad},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(&rig{t: t, d: open(), now: 1e9})
		})
	}
}

func rules(r *rig) {
	a, b := TrackRule(NewTable(1)), TrackRule(NewTable(1))
	for i, rule := range []*offload.Rule{a, b, a, a} {
		if err := r.d.Replace(r.now, rule); err != nil {
			r.t.Fatalf("rule %d: %v", i, err)
		}
	}
	r.d.Destroy(r.now, a)
	r.d.Destroy(r.now, a) // it is gone already
	if err := r.d.Replace(r.now, a); err != nil {
		r.t.Fatal(err)
	}
	if s := r.d.ActionStats(a.Filter.Actions[0]); s.Packets != 0 || s.Bytes != 0 {
		r.t.Errorf("an action that nothing has reached counts %+v", s)
	}
	if r.d.Name() == "" {
		r.t.Error("a driver has a name")
	}
}

func refusals(r *rig) {
	table := NewTable(1)
	rule := HelperRule(table)
	wants := func(err error) {
		r.t.Helper()
		var ref *offload.Refusal
		if !errors.As(err, &ref) || ref.Reason == "" || ref.Device == "" {
			r.t.Fatalf("Replace says %#v, want a *Refusal with a device and a reason", err)
		}
	}
	wants(r.d.Replace(r.now, rule))
	if table.Calls != 0 {
		r.t.Error("registered for a rule that was refused")
	}
	r.d.Destroy(r.now, rule) // never held
	// A rule that cannot be held any more is let go of.
	good := TrackRule(table)
	if err := r.d.Replace(r.now, good); err != nil {
		r.t.Fatal(err)
	}
	good.Filter.Actions[0] = rule.Filter.Actions[0]
	wants(r.d.Replace(r.now, good))
	if table.Registered[r.d] != 0 {
		r.t.Error("still registered for a rule that was let go of")
	}
}

func registration(r *rig) {
	one, two := NewTable(1), NewTable(2)
	is := func(what string, n1, n2 int) {
		r.t.Helper()
		if one.Registered[r.d] != n1 || two.Registered[r.d] != n2 {
			r.t.Errorf("%s: registered with zone 1 %d times and with zone 2 %d times, want %d and %d", what, one.Registered[r.d], two.Registered[r.d], n1, n2)
		}
	}
	must := func(rule *offload.Rule) {
		r.t.Helper()
		if err := r.d.Replace(r.now, rule); err != nil {
			r.t.Fatal(err)
		}
	}
	a, b, c := TrackRule(one), TrackRule(one), TrackRule(two)
	must(a)
	is("first rule", 1, 0)
	must(b)
	must(c)
	is("more rules", 1, 1)
	must(a)
	if one.Calls != 1 {
		r.t.Error("a rule given again makes the driver leave and come back")
	}
	r.d.Destroy(r.now, a)
	is("one of two rules", 1, 1)
	b.Tables[0] = two
	b.Filter.Actions[0].CT.Zone = 2
	must(b)
	is("a rule that moved to another zone", 0, 1)
	r.d.Destroy(r.now, c)
	is("still in use by the one that moved", 0, 1)
	r.d.Destroy(r.now, b)
	is("last rule", 0, 0)
}

func replay(r *rig) {
	table := NewTable(3)
	for i := range uint32(5) {
		table.Flows = append(table.Flows, Flow(i))
	}
	rule := TrackRule(table)
	if err := r.d.Replace(r.now, rule); err != nil {
		r.t.Fatal(err)
	}
	for _, c := range r.collect(5, 3) {
		if c.Op != offload.Add || c.Result != offload.Done {
			r.t.Errorf("%+v", c)
		}
	}
	r.held("after the first rule", 5)
	r.d.Destroy(r.now, rule)
	r.collect(5, 8)
	r.held("after the last rule", 0)
}

func flows(r *rig) {
	const n = 50
	r.held("new", 0)
	for i := range uint32(n) {
		r.submit(offload.Request{Op: offload.Add, Flow: Flow(i)})
	}
	r.held("under way", n)
	seen := map[string]bool{}
	for _, c := range r.collect(n, 16) {
		if c.Op != offload.Add || c.Result != offload.Done || seen[key(&c)] {
			r.t.Errorf("%+v", c)
		}
		seen[key(&c)] = true
	}
	r.held("full", n)
	for i := range uint32(n) {
		c := r.one(offload.Remove, Flow(i))
		if c.Result != offload.Done || c.Stats.Packets != [2]uint64{} || c.Stats.Used != 0 {
			r.t.Errorf("%+v", c)
		}
	}
	r.held("empty", 0)
}

func smallBuffers(r *rig) {
	for i := range uint32(40) {
		r.submit(offload.Request{Op: offload.Add, Flow: Flow(i)}, offload.Request{Op: offload.Read, Flow: offload.Named(Flow(i).Conn)})
	}
	if n := r.d.Poll(r.now, nil); n != 0 {
		r.t.Fatalf("Poll wrote %d completions nowhere", n)
	}
	seen := map[string]bool{}
	for _, c := range r.collect(80, 1) {
		if c.Result != offload.Done || seen[key(&c)] {
			r.t.Errorf("%+v", c)
		}
		seen[key(&c)] = true
	}
}

// crowd submits more than any queue should hold, then lets the driver work.
func crowd(r *rig) {
	const n = 3000
	reqs := make([]offload.Request, n)
	for i := range reqs {
		reqs[i] = offload.Request{Op: offload.Add, Flow: Flow(uint32(i))}
	}
	answers := map[string]int{}
	out := make([]offload.Completion, 256)
	for end := r.now + patient; len(answers) < n && r.now < end; r.now += step {
		if len(reqs) > 0 {
			k := r.d.Submit(r.now, reqs)
			if k < 0 || k > len(reqs) {
				r.t.Fatalf("Submit took %d of %d", k, len(reqs))
			}
			reqs = reqs[k:]
		}
		k := r.d.Poll(r.now, out)
		for i := range out[:k] {
			answers[key(&out[i])]++
		}
	}
	if len(reqs) != 0 || len(answers) != n {
		r.t.Fatalf("%d requests were not taken, %d answered", len(reqs), len(answers))
	}
	for k, c := range answers {
		if c != 1 {
			r.t.Fatalf("%s was answered %d times", k, c)
		}
	}
}

func again(r *rig) {
	f := Flow(1)
	for range 3 {
		r.add(f)
		r.held("added", 1)
		if c := r.one(offload.Remove, f); c.Result != offload.Done {
			r.t.Fatal(c)
		}
		r.held("removed", 0)
	}
	// All three at once: the last word counts.
	r.submit(offload.Request{Op: offload.Add, Flow: f}, offload.Request{Op: offload.Remove, Flow: offload.Named(f.Conn)}, offload.Request{Op: offload.Add, Flow: f})
	r.collect(3, 8)
	r.held("added, removed and added", 1)
}

func replace(r *rig) {
	f := Flow(1)
	r.add(f)
	f.Mark, f.Label[0] = 7, 9
	f.Tuple[1].Dst[3] = 99 // it is translated now
	f.Rewrite[0] = offload.Rewrite{Src: f.Tuple[1].Dst, What: offload.SrcAddr}
	f.Rewrite[1] = offload.Rewrite{Dst: f.Tuple[0].Src, What: offload.DstAddr}
	r.add(f)
	r.held("replaced", 1)
	if c := r.one(offload.Read, f); c.Result != offload.Done {
		r.t.Error(c)
	}
	r.one(offload.Remove, f)
	r.held("removed", 0)
}

func removal(r *rig) {
	p, ok := r.d.(offload.Prober)
	if !ok {
		r.t.Skip("the driver does not answer at once")
	}
	f := Flow(1)
	if _, ok := p.Probe(r.now, f.Conn); ok {
		r.t.Error("it knows a flow that it was never given")
	}
	r.add(f)
	if s, ok := p.Probe(r.now, f.Conn); !ok || s.Packets != [2]uint64{} {
		r.t.Errorf("held: %v, %+v", ok, s)
	}
	r.submit(offload.Request{Op: offload.Remove, Flow: offload.Named(f.Conn)})
	if _, ok := p.Probe(r.now, f.Conn); ok {
		r.t.Error("it still holds what was taken back")
	}
	r.collect(1, 1)
}

func counters(r *rig) {
	f := Flow(1)
	r.add(f)
	var last offload.FlowStats
	for range 20 {
		c := r.one(offload.Read, f)
		s := c.Stats
		if c.Result != offload.Done || s.At < last.At || s.Used < last.Used || s.Used > r.now {
			r.t.Fatalf("%+v after %+v", c, last)
		}
		for dir := range 2 {
			if s.Packets[dir] < last.Packets[dir] || s.Bytes[dir] < last.Bytes[dir] {
				r.t.Fatalf("%+v after %+v", s, last)
			}
		}
		last = s
		r.now += 50e6
	}
	if c := r.one(offload.Remove, f); c.Stats.Packets != last.Packets {
		r.t.Errorf("the last counts are %+v, those before %+v", c.Stats, last)
	}
	if c := r.one(offload.Read, f); c.Result == offload.Done {
		r.t.Error("it tells the counters of a flow that it does not hold")
	}
}

func late(r *rig) {
	table := NewTable(3)
	for i := range uint32(20) {
		table.Flows = append(table.Flows, Flow(i))
	}
	rule := TrackRule(table)
	for range 3 {
		if err := r.d.Replace(r.now, rule); err != nil {
			r.t.Fatal(err)
		}
		r.d.Destroy(r.now, rule) // with everything under way
	}
	r.collect(3*40, 7)
	r.held("after leaving", 0)
	if err := r.d.Replace(r.now, rule); err != nil {
		r.t.Fatal(err)
	}
	for _, c := range r.collect(20, 7) {
		if c.Result != offload.Done {
			r.t.Error(c)
		}
	}
	r.held("back again", 20)
}

func stop(r *rig) {
	s, ok := r.d.(offload.Stopper)
	if !ok {
		r.t.Skip("the driver cannot be stopped")
	}
	one, two := NewTable(1), NewTable(2)
	one.Flows = []offload.Flow{Flow(1), Flow(2)}
	for _, table := range []*Table{one, one, two} {
		if err := r.d.Replace(r.now, TrackRule(table)); err != nil {
			r.t.Fatal(err)
		}
	}
	s.Stop(r.now)
	if one.Registered[r.d] != 0 || two.Registered[r.d] != 0 {
		r.t.Error("still registered")
	}
	r.collect(4, 4)
	r.held("stopped", 0)
	s.Stop(r.now)
}

func bad(r *rig) {
	f := Flow(1)
	for _, op := range []offload.Op{offload.Remove, offload.Read} {
		r.one(op, f)
	}
	r.add(f)
	r.submit(offload.Request{Op: offload.Remove, Flow: offload.Named(f.Conn)}, offload.Request{Op: offload.Remove, Flow: offload.Named(f.Conn)})
	r.collect(2, 8)
	r.held("removed twice", 0)
	// Somebody else's tuple: it must not be carried as either's, and nothing
	// else may break.
	r.add(f)
	g := Flow(2)
	g.Tuple = f.Tuple
	r.one(offload.Add, g)
	r.one(offload.Remove, g)
	r.one(offload.Remove, f)
	r.held("after two flows with one tuple", 0)
	if s, ok := r.d.(offload.Settler); ok {
		r.submit(offload.Request{Op: offload.Add, Flow: f})
		s.Settle(r.now)
		if n := r.d.Poll(r.now, make([]offload.Completion, 4)); n != 1 {
			r.t.Errorf("%d answers after Settle", n)
		}
		s.Settle(r.now)
	}
}
