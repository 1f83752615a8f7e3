package sim

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/policy"
	"sluice/policy/tc"
)

// TestSkipSW follows the RFC's algorithm (part 2, TC command-line interface):
// the first ct action or match looks through all chains for skip_sw, and is
// refused if there is one; from then on skip_sw is refused, until all filters
// are gone.
func TestSkipSW(t *testing.T) {
	const (
		skip   = "filter add dev uplink_rep ingress prio 7 chain 0 proto ip flower skip_sw ip_proto tcp dst_port 80 action drop"
		deep   = "filter add dev vf0_rep ingress prio 3 chain 9 proto ip flower skip_sw ip_proto tcp dst_port 80 action drop"
		act    = "filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp action ct pipe action goto chain 2"
		match  = "filter add dev uplink_rep ingress prio 2 chain 2 proto ip flower ct_mark 5 action drop"
		plain  = "filter add dev uplink_rep ingress prio 8 chain 0 proto ip flower ip_proto udp action drop"
		noAct  = "filter del dev uplink_rep ingress prio 1 chain 0"
		noSkip = "filter del dev uplink_rep ingress prio 7 chain 0"
		noDeep = "filter del dev vf0_rep ingress prio 3 chain 9"
		none   = "filter del dev uplink_rep ingress prio 8 chain 0"
	)
	for _, c := range []struct {
		name  string
		lines []string
		want  string // of the error; empty: accepted
	}{
		{"A090_the_ct_line_is_refused", []string{skip, act}, "p.tc:2:"},
		{"A090_so_is_a_ct_match", []string{plain, skip, match}, "p.tc:3:59: tracking connections beside the filter with skip_sw of line 2"},
		{"A090_all_chains_and_ports_are_looked_through", []string{plain, deep, act}, "p.tc:3:"},
		{"A090_skip_sw_is_refused_afterwards", []string{plain, act, skip}, "p.tc:3:"},
		{"A090_in_any_chain_of_any_port", []string{act, plain, deep}, "p.tc:3:"},
		{"A090_the_flag_stays_without_the_filter_that_raised_it", []string{act, plain, noAct, skip}, "p.tc:4:"},
		{"A090_the_flag_goes_with_the_last_filter", []string{act, plain, noAct, none, skip}, ""},
		{"A090_and_comes_back", []string{act, noAct, skip, act}, "p.tc:4:"},
		{"A090_skip_sw_that_is_gone_is_not_found", []string{skip, plain, noSkip, act}, ""},
		{"A090_nor_in_another_chain", []string{deep, plain, noDeep, match}, ""},
		{"A090_a_chain_flushed", []string{act, plain, "filter del dev uplink_rep ingress chain 0", skip}, ""},
		{"A090_a_qdisc_deleted", []string{act, "filter add dev vf0_rep ingress prio 1 proto ip flower action drop", "qdisc del dev uplink_rep ingress", skip}, "p.tc:4:"},
		{"A090_all_qdiscs_deleted", []string{act, "qdisc del dev uplink_rep ingress", skip}, ""},
		{"A090_a_filter_replaced_is_new", []string{plain, act, "filter replace dev uplink_rep ingress prio 8 chain 0 proto ip handle 1 flower skip_sw ip_proto udp action drop"}, "p.tc:3:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &policy.Policy{}
			s := tc.Session{Policy: p}
			if err := s.Batch("p.tc", strings.NewReader(strings.Join(c.lines, "\n")+"\n")); err != nil {
				t.Fatal(err)
			}
			e := datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
			e.Attach(cardWith(t, "plain", e.Tracker()), "uplink_rep", "vf0_rep")
			err := e.Load(p, 1)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
