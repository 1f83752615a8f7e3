package policy

import (
	"strings"
	"testing"
)

// TestOffloadFlagsOfBoundActions: the flags of an action that a filter binds
// by its index are the filter's (act_api.c tcf_action_init). An action that
// `tc actions` made has them exactly; one that a filter made takes on those
// of the filters that bind it, and gives none of them up.
func TestOffloadFlagsOfBoundActions(t *testing.T) {
	type flags struct{ hw, sw bool }
	none, hw, sw := flags{}, flags{hw: true}, flags{sw: true}
	for _, c := range []struct {
		made       flags
		standalone bool
		binds      []flags
		refused    bool // the last of them
	}{
		{none, true, []flags{none}, false}, {none, true, []flags{hw}, true}, {none, true, []flags{sw}, true},
		{hw, true, []flags{hw}, false}, {hw, true, []flags{none}, true}, {hw, true, []flags{sw}, true},
		{sw, true, []flags{sw}, false}, {sw, true, []flags{none}, true}, {sw, true, []flags{hw}, true},
		{none, false, []flags{none, none}, false}, {none, false, []flags{none, hw}, false}, {none, false, []flags{none, sw}, false},
		{none, false, []flags{hw, none}, true}, {none, false, []flags{sw, none}, true}, {none, false, []flags{hw, hw}, false},
		{none, false, []flags{none, hw, none}, true}, {hw, false, []flags{none}, true}, {sw, false, []flags{hw}, true}, {hw, false, []flags{hw}, false},
	} {
		p := &Policy{}
		p.Declare("d")
		if err := p.AddQdisc("d", "ingress", 0, 0); err != nil {
			t.Fatal(err)
		}
		a := &Action{Kind: "gact", Index: 7, Control: Shot, Gact: &Gact{RandomType: "none"}, SkipHW: c.made.hw, SkipSW: c.made.sw}
		if c.standalone {
			if err := p.AddActions([]*Action{a}, false); err != nil {
				t.Fatal(err)
			}
		}
		var err error
		for i, f := range c.binds {
			if err != nil {
				t.Fatalf("%+v: filter %d: %v", c, i, err)
			}
			b := *a
			_, err = p.AddFilter(Where{Dev: "d", Parent: ParentIngress}, Rule{Kind: "matchall", Prio: uint16(i + 1), Protocol: 3, Filter: &Filter{SkipHW: f.hw, SkipSW: f.sw, Actions: []*Action{&b}}})
		}
		if c.refused != (err != nil) || err != nil && !strings.Contains(err.Error(), "Mismatch between action and filter offload flags") {
			t.Errorf("%+v: %v", c, err)
		}
		if bound := p.Action("gact", 7); c.refused && c.standalone && (bound == nil || bound.Bind != 0 || bound.Ref != 1) {
			t.Errorf("%+v: the refused filter's reference stays: %+v", c, bound)
		}
	}
}
