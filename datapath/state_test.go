package datapath_test

import (
	"net/netip"
	"slices"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
)

// TestDelete: deleting a connection that the flow table holds and whose way is
// remembered takes effect with the very next packet.
func TestDelete(t *testing.T) {
	match := map[string]conntrack.Match{
		"C08_by_tuple": {Orig: conntrack.TupleMatch{Src: conntrack.Within(netip.MustParsePrefix("10.0.0.1/32")), SPort: conntrack.Exactly(1000)}},
		"C08_by_zone":  {Zone: 0},
		"C08_by_mark":  {MarkMask: 0xffffffff},
		"C08_by_label": {LabelMask: [16]byte{0xff}},
	}
	for name, m := range match {
		t.Run(name, func(t *testing.T) {
			r := datapathtest.New(t, datapathtest.HTTPPolicy...)
			data := func() datapathtest.Result {
				return r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "PA", 1001, 5001, "x"))
			}
			r.Handshake(1000)
			for range 3 {
				if res := data(); r.Out(res) != "vf0_rep" || res.Hits[1].Filter.Handle != 2 {
					t.Fatalf("established: %+v", res)
				}
			}
			if n := r.E.Tracker().Delete(r.Now, &m, nil); n != 1 {
				t.Fatalf("%d deleted", n)
			}
			// Picked up in its middle, by the filter of new connections.
			if res := data(); res.Hits[1].Filter.Handle != 1 {
				t.Errorf("after the deletion: %+v", res.Hits)
			}
			r.Now += 2e9
			r.E.Tick(r.Now)
			r.E.Flows().Sync(r.Now)
			if n := r.E.Flows().Counters().Vanished; n != 1 {
				t.Errorf("%d flows vanished", n)
			}
			if errs := r.E.Tracker().Check(); len(errs) > 0 {
				t.Error(errs)
			}
		})
	}
}

// TestActionState: another engine goes on counting and choosing where one
// stopped.
func TestActionState(t *testing.T) {
	policy := []string{"filter add dev a ingress prio 1 proto ip flower action pass random netrand drop 3 pipe action mirred egress redirect dev b"}
	one, two := datapathtest.New(t, policy...), datapathtest.New(t, policy...)
	fates := func(r *datapathtest.Rig) (out []string) {
		for range 50 {
			out = append(out, r.Out(r.Send("a", packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, ""))))
		}
		return out
	}
	fates(one)
	other := []datapath.ActionState{{Kind: "gact", Index: 99}, {Kind: "gact", Index: 1, Home: "another filter"}}
	if left := two.E.RestoreActions(append(one.E.SaveActions(nil), other...), nil); !slices.Equal(left, other) {
		t.Errorf("left behind: %+v, want %+v", left, other)
	}
	if err := two.E.SetChoices(one.E.Choices()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(one.E.SaveActions(nil), two.E.SaveActions(nil)) {
		t.Errorf("counters %+v, want %+v", two.E.SaveActions(nil), one.E.SaveActions(nil))
	}
	if a, b := fates(one), fates(two); !slices.Equal(a, b) {
		t.Errorf("choices %v, want %v", b, a)
	}
	if err := two.E.SetChoices([]byte("nonsense")); err == nil {
		t.Error("nonsense was taken for random state")
	}
}
