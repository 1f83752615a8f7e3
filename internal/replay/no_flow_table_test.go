package replay

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/internal/state"
	"sluice/internal/why"
	"sluice/packet/packettest"
)

// outOfWindow is a connection that is established, then sends far beyond its window,
// from a third time on.
func outOfWindow() (packets []packetAt) {
	tcp := packettest.TCP
	at := int64(1e18)
	for _, f := range [][]byte{
		tcp(hostA, hostB, 4000, 80, "S", 1000, 0, ""),
		tcp(hostB, hostA, 80, 4000, "SA", 5000, 1001, ""),
		tcp(hostA, hostB, 4000, 80, "A", 1001, 5001, ""),
		tcp(hostA, hostB, 4000, 80, "PA", 1001, 5001, "good"),
		tcp(hostA, hostB, 4000, 80, "PA", 900_000_000, 5001, "far"),
		tcp(hostB, hostA, 80, 4000, "A", 5001, 1005, ""),
		tcp(hostA, hostB, 4000, 80, "PA", 900_000_000, 5001, "far"),
	} {
		packets = append(packets, packetAt{time: at, data: f})
		at += 5e6
	}
	return packets
}

const windowPolicy = `
filter add dev uplink_rep ingress chain 0 prio 1 proto ip flower ct_state -trk action ct pipe action goto chain 2
filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep
filter add dev uplink_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+est action mirred egress redirect dev vf0_rep
filter add dev uplink_rep ingress chain 2 prio 3 proto ip flower ct_state +trk+inv action drop
filter add dev vf0_rep ingress chain 0 prio 1 proto ip flower ct_state -trk action ct pipe action goto chain 2
filter add dev vf0_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+est action mirred egress redirect dev uplink_rep
`

// TestNoFlowTable: without a flow table no connection enters one, and what is out of
// its window is invalid, also behind a reload and behind a state.
func TestNoFlowTable(t *testing.T) {
	packets := outOfWindow()
	o := Options{
		Policy: file(t, "w.tc", windowPolicy), Split: []string{"initiator=uplink_rep,vf0_rep"},
		Inputs: []Input{{"uplink_rep", file(t, "all.pcap", pcap(1, packets...))}},
	}
	judged := func(o Options, flows int, added, invalid uint64) *Report {
		t.Helper()
		o.StateOut = filepath.Join(t.TempDir(), "s")
		rep := mustRun(t, o)
		if n := rep.engine.Flows().Counters().Added; rep.Flows != flows || n != added || named(rep.States, "+trk+inv") != invalid || named(rep.Verdicts, "drop") != invalid {
			t.Errorf("%d flows, %d added, %d invalid; want %d, %d, %d", rep.Flows, n, named(rep.States, "+trk+inv"), flows, added, invalid)
		}
		return rep
	}
	if rep := judged(o, 1, 1, 0); rep.NoFlowTable { // with one, Linux looks at no window
		t.Error("the report denies the flow table")
	}
	o.NoFlowTable = true
	whole := judged(o, 0, 0, 2)
	if s := text(t, whole); !strings.Contains(s, "1 connection, 0 in flow tables (--no-flow-table)\n") {
		t.Errorf("%s", s)
	}
	var js bytes.Buffer
	if err := whole.WriteJSON(&js, "", nil); err != nil || !strings.Contains(js.String(), `"no_flow_table": true`) {
		t.Errorf("%v: JSON does not say so", err)
	}
	t.Run("reload", func(t *testing.T) {
		o := o
		o.Reloads = []string{"0.018=" + file(t, "more.tc", "filter add dev uplink_rep ingress chain 2 prio 9 proto ip flower ip_proto udp action ct zone 7 pipe action drop\n")}
		judged(o, 0, 0, 2)
	})
	t.Run("state", func(t *testing.T) {
		for cut := 1; cut < len(packets); cut++ {
			first, second := o, o
			first.StateOut = filepath.Join(t.TempDir(), "half")
			first.Inputs = []Input{{"uplink_rep", file(t, "1.pcap", pcap(1, packets[:cut]...))}}
			second.FromState = first.StateOut
			second.Inputs = []Input{{"uplink_rep", file(t, "2.pcap", pcap(1, packets[cut:]...))}}
			a, b := mustRun(t, first), mustRun(t, second)
			if n := named(a.States, "+trk+inv") + named(b.States, "+trk+inv"); n != 2 || b.engine.Flows().Counters().Added != 0 {
				t.Errorf("cut before packet %d: %d invalid, want 2", cut+1, n)
			}
			if got, want := table(t, b), table(t, whole); got != want {
				t.Errorf("cut before packet %d: %s", cut+1, firstDifference(got, want))
			}
		}
	})
	t.Run("state with a flow table", func(t *testing.T) {
		first, second := o, o
		first.NoFlowTable, first.StateOut = false, filepath.Join(t.TempDir(), "half")
		first.Inputs = []Input{{"uplink_rep", file(t, "1.pcap", pcap(1, packets[:4]...))}}
		second.FromState = first.StateOut
		second.Inputs = []Input{{"uplink_rep", file(t, "2.pcap", pcap(1, packets[4:]...))}}
		if a := mustRun(t, first); a.Flows != 1 {
			t.Fatalf("%d flows: nothing is tested", a.Flows)
		}
		b := judged(second, 0, 1, 0) // in the first half; its windows stay unchecked
		for _, c := range b.Connections {
			if c.Status&conntrack.StatusOffload != 0 {
				t.Errorf("%v is still in the flow table", c.Orig)
			}
		}
	})
	t.Run("why", func(t *testing.T) {
		o := o
		o.StateOut = filepath.Join(t.TempDir(), "s")
		mustRun(t, o)
		st, err := state.ReadFile(o.StateOut)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := why.Parse([]string{":4000"})
		lives := why.Find(st, q)
		if len(lives) != 1 || lives[0].Reason != "there was none (--no-flow-table)" {
			t.Errorf("%+v", lives)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for want, change := range map[string]func(*Options){
			"--no-flow-table beside --device":            func(o *Options) { o.Devices = []string{"plain"} },
			"--no-flow-table beside --on-reload recheck": func(o *Options) { o.Reloads, o.OnReload = []string{"1=" + o.Policy}, "recheck" },
		} {
			bad := o
			change(&bad)
			if _, err := Run(t.Context(), bad); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
}
