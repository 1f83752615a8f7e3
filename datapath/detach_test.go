package datapath_test

import (
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// card is a device of its own name.
type card struct {
	*mirrorDevice
	name string
}

func (p *card) Name() string { return p.name }

// TestDetachOne: of several devices the one that is detached goes, with its rules,
// and what it has counted stays; the others carry on.
func TestDetachOne(t *testing.T) {
	r := datapathtest.New(t,
		"filter add dev one ingress prio 1 proto ip flower ip_proto udp action drop",
		"filter add dev two ingress prio 1 proto ip flower ip_proto udp action drop",
		"filter add dev three ingress prio 1 proto ip flower ip_proto udp action drop")
	var devs []*card
	for _, name := range []string{"one", "two", "three"} {
		m := attachMirror(r, false, all)
		r.E.Detach(m, r.Now)
		d := &card{m, name}
		devs = append(devs, d)
		r.E.Attach(d, name)
	}
	if err := r.E.Load(r.P, r.Now); err != nil {
		t.Fatal(err)
	}
	filter := func(i int) *policy.Filter {
		return r.P.Devices[i].Block[policy.Ingress].Chains[0].Protos[0].Filters[0]
	}
	check := func(step string, held ...int) {
		t.Helper()
		for i, d := range devs {
			want := 0
			for _, h := range held {
				if h == i {
					want = 1
				}
			}
			if n, refusals := r.E.InHW(filter(i)); n != want || len(refusals) != 0 {
				t.Errorf("%s: filter of %s is held by %d devices, want %d", step, d.name, n, want)
			}
			rules := 0
			r.E.EachRule(d, func(rule *offload.Rule, ref *offload.Refusal) {
				if rules++; rule.Dev != d.name || ref != nil {
					t.Errorf("%s: %s has a rule of %s (%v)", step, d.name, rule.Dev, ref)
				}
			})
			if rules != want {
				t.Errorf("%s: %s has %d rules", step, d.name, rules)
			}
			if res := r.Send(d.name, packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "")); res.Verdict != packet.Drop {
				t.Errorf("%s: %v", step, res.Verdict)
			}
		}
	}
	check("all", 0, 1, 2)
	r.E.Detach(devs[1], r.Now)
	check("without two", 0, 2)
	r.E.Detach(devs[1], r.Now)
	check("without two, twice", 0, 2)
	r.E.Detach(devs[2], r.Now)
	check("without three", 0)
	r.E.Detach(devs[0], r.Now)
	check("alone")
	for i, hw := range []uint64{4, 1, 3} {
		s := r.E.ActionStats(filter(i).Actions[0])
		if s.Packets != 5 || s.HWPackets != hw || s.HWBytes != 28*hw || s.Drops != 5 {
			t.Errorf("%s: %+v", devs[i].name, s)
		}
		if len(devs[i].rules) != 0 {
			t.Errorf("%s still has rules", devs[i].name)
		}
	}
}
