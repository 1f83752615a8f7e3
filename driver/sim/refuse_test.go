package sim

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/policy"
)

// refusal gives a policy of one filter to a card and tells what it says;
// "held" when it holds it.
func refusal(t *testing.T, desc, filter string) string {
	t.Helper()
	r := datapathtest.NewWith(t, datapath.Config{}, "filter add dev uplink_rep ingress "+filter)
	cfg, err := ParseProfile(desc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tracker, cfg.Ports = conntrack.New(conntrack.Config{MaxConns: 16}), []string{"uplink_rep", "vf0_rep"}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.E.Attach(n, cfg.Ports...)
	if err := r.E.Load(r.P, r.Now); err != nil {
		if strings.Contains(filter, "skip_sw") {
			return err.Error()
		}
		t.Fatal(err)
	}
	var f *policy.Filter
	for _, d := range r.P.Devices {
		if d.Name == "uplink_rep" {
			f = d.Block[policy.Ingress].Chains[0].Protos[0].Filters[0]
			if f == nil {
				f = d.Block[policy.Ingress].Chains[1].Protos[0].Filters[0]
			}
		}
	}
	held, refusals := r.E.InHW(f)
	switch {
	case held == 1 && len(refusals) == 0:
		return "held"
	case held == 0 && len(refusals) == 1:
		if refusals[0].Device != cfg.Name {
			t.Errorf("refused by %q", refusals[0].Device)
		}
		return refusals[0].Reason
	}
	t.Fatalf("%d held, %v refused", held, refusals)
	return ""
}

const (
	track = "prio 1 chain 0 proto ip flower "
	after = "prio 1 chain 2 proto ip flower "
	out   = " action mirred egress redirect dev vf0_rep"
)

// TestRefusals compares what each card's driver says of a rule with the kernel's
// words.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, card, filter, want string }{
		// All: what the kernel does not even ask drivers for.
		{"B004_helper", "mlx5", track + "ip_proto tcp action ct commit helper ipv4-tcp-ftp pipe" + out, "Operation not supported"},
		{"B004_helper", "linux", track + "ip_proto tcp action ct commit helper ipv4-tcp-ftp pipe" + out, "Operation not supported"},
		{"continue", "plain", track + "action continue", `act_gact: Offload of "continue" action is not supported`},
		{"reclassify", "mlx5", track + "action reclassify", `act_gact: Offload of "reclassify" action is not supported`},
		{"pipe", "sfc", track + "action gact pipe", `act_gact: Offload of "pipe" action is not supported`},
		{"random", "mlx5", track + "action drop random netrand ok 10", "act_gact: Unsupported generic action offload"},
		{"police", "nfp", track + "action police rate 1mbit burst 10k", `act_police: Offload not supported when conform/exceed action is "reclassify"`},
		{"two_edits", "mlx5", track + "action skbedit mark 1 priority 3", "act_skbedit: Unsupported skbedit option offload"},
		{"A089_skip_sw", "plain", track + "skip_sw action ct pipe action goto chain 2", "skip_sw is refused while connections are tracked"},
		{"A089_skip_sw", "mlx5", track + "skip_sw ct_state -trk" + out, "skip_sw is refused while connections are tracked"},
		{"X5_A089_skip_sw_without_ct", "mlx5", track + "skip_sw" + out, "held"},

		// The papers' card.
		{"A162_track", "plain", track + "ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2", "held"},
		{"A163_new", "plain", after + "ct_state +trk+new action ct commit pipe" + out, "matching on ct_state +new isn't supported"},
		{"A163_commit", "plain", track + "action ct commit pipe" + out, "ct commit isn't supported"},
		{"A164_established", "plain", after + "ct_state -new+est+trk" + out, "held"},
		{"A139_states", "plain", after + "ct_state +trk+est+rpl-rel-inv" + out, "held"},
		{"A139_invalid", "plain", after + "ct_state +trk+inv action drop", "matching on ct_state +inv isn't supported"},
		{"elsewhere", "plain", track + "action mirred egress redirect dev tap", "devices are not on same switch HW, can't offload forwarding"},
		{"B005_new", "linux", after + "ct_state +trk+new action ct commit pipe" + out, "held"},
		{"B005_new_by_key", "plain,oneway=on", after + "ct_state +trk+new action ct commit pipe" + out, "held"},

		{"B035_rel", "mlx5", after + "ct_state +trk+rel" + out, "matching on ct_state +rel isn't supported"},
		{"B035_inv", "mlx5", after + "ct_state +trk+inv action drop", "matching on ct_state +inv isn't supported"},
		{"B035_without", "mlx5", after + "ct_state +trk+est+rpl-rel-inv" + out, "held"},
		{"B035_new", "mlx5", after + "ct_state +trk+new action ct commit pipe" + out, "held"},
		{"mlx5_twice", "mlx5", track + "action mirred egress mirror dev vf0_rep pipe" + out, "can't duplicate output to same device"},
		{"mlx5_elsewhere", "mlx5", track + "action mirred egress redirect dev tap", "devices are not on same switch HW, can't offload forwarding"},
		{"mlx5_ingress", "mlx5", track + "action mirred ingress redirect dev vf0_rep", "redirect to ingress is supported only for OVS internal ports"},
		{"mlx5_ingress_copy", "mlx5", track + "action mirred ingress mirror dev vf0_rep pipe" + out, "Not implemented offload action"},
		{"mlx5_vlan", "mlx5", track + "action vlan push id 5 pipe" + out, "held"},
		{"mlx5_vlans", "mlx5", track + "action vlan push id 5 pipe action vlan push id 6 pipe action vlan push id 7 pipe" + out, "Total vlans used is greater than supported"},
		{"mlx5_pedit", "mlx5", track + "ip_proto tcp action pedit ex munge ip ttl set 9 pipe action csum ip pipe" + out, "held"},
		{"mlx5_pedit_proto", "mlx5", track + "action pedit ex munge ip src set 1.2.3.4 pipe action csum ip pipe" + out, "can't offload re-write of non TCP/UDP"},
		{"mlx5_pedit_ttl", "mlx5", track + "action pedit ex munge ip ttl set 9 pipe action csum ip pipe" + out, "held"},
		{"mlx5_pedit_legacy", "mlx5", track + "action pedit munge offset 0 u8 set 1 pipe" + out, "legacy pedit isn't offloaded"},
		{"mlx5_pedit_twice", "mlx5", track + "ip_proto tcp action pedit ex munge ip ttl set 9 munge ip ttl set 8 pipe action csum ip pipe" + out, "curr_pmask and new mask same. Acting twice on same location"},
		{"mlx5_pedit_ct", "mlx5", track + "ip_proto tcp action ct pipe action pedit ex munge ip src set 1.2.3.4 pipe action csum ip tcp pipe action goto chain 2", "can't offload re-write of ipv4 address with action ct"},
		{"mlx5_pedit_ports_ct", "mlx5", track + "ip_proto tcp action ct pipe action pedit ex munge tcp dport set 81 pipe action csum tcp pipe action goto chain 2", "can't offload re-write of transport header ports with action ct"},
		{"mlx5_pedit_trk", "mlx5", after + "ip_proto tcp ct_state +trk+est action pedit ex munge tcp dport set 81 pipe action csum tcp pipe" + out, "can't offload tuple modification with ct matches and no ct(clear) action"},
		{"mlx5_pedit_drop", "mlx5", track + "ip_proto tcp action pedit ex munge ip tos set 9 pipe action drop", "Drop with modify header action is not supported"},
		{"mlx5_nothing", "mlx5", track + "action ct pipe", "Rule must have at least one forward/drop action"},
		{"mlx5_both", "mlx5", track + "action mirred egress mirror dev vf0_rep pipe action drop", "Rule cannot support forward+drop action"},
		{"mlx5_mark", "mlx5", track + "action skbedit mark 1 pipe" + out, "Not implemented offload action"},
		{"mlx5_ptype", "mlx5", track + "action skbedit ptype otherhost pipe" + out, "skbedit ptype is only supported with type host"},
		{"mlx5_sample", "mlx5", track + "action ct pipe action sample rate 10 group 5 pipe" + out, "Sample action with connection tracking is not supported"},
		{"mlx5_police", "mlx5", track + "action police rate 1mbit burst 10k conform-exceed drop/pipe" + out, "Operation not supported"},
		{"mlx5_mpls", "mlx5", track + "action mpls push protocol mpls_uc label 5 pipe" + out, "mpls is supported only through a bareudp device"},
		{"mlx5_encap", "mlx5", track + "action tunnel_key set id 5 src_ip 1.1.1.1 dst_ip 2.2.2.2 dst_port 4789 pipe" + out, "Operation not supported"},
		{"mlx5_key", "mlx5", "prio 1 chain 0 proto arp flower arp_op request action mirred egress redirect dev vf0_rep", "Unsupported key"},
		{"mlx5_matchall", "mlx5", "prio 1 chain 0 proto all matchall" + out, "mlx5 supports only police action for matchall"},
		{"mlx5_trap", "mlx5", track + "action trap", "held"},

		{"B039_track", "nfp", track + "ct_state -trk action ct pipe action goto chain 2", "held"},
		{"B039_goto", "nfp", track + "action ct pipe" + out, "unsupported offload: Conntrack requires ACTION_GOTO"},
		{"B039_zone", "nfp", after + "ct_state +trk+est ct_zone 0x10/0xf0" + out, "unsupported offload: partially wildcarded ct_zone is not supported"},
		{"B039_zone_whole", "nfp", after + "ct_state +trk+est ct_zone 16" + out, "held"},
		{"B039_new", "nfp", after + "ct_state +trk+new" + out, "unsupported offload: match not supported"},
		{"B039_commit", "nfp", track + "action ct commit pipe action goto chain 2", "unsupported offload: unsupported action in action list"},
		{"nfp_pass", "nfp", track + "action pass", "unsupported offload: unsupported action in action list"},
		{"nfp_police", "nfp", track + "action police rate 1mbit burst 10k conform-exceed drop/pipe" + out, "unsupported offload: unsupported police action in action list"},
		{"nfp_icmp", "nfp", track + "ip_proto icmp type 8" + out, "unsupported offload: match not supported"},
		{"nfp_csum", "nfp", track + "action csum ip pipe" + out, "unsupported offload: unsupported csum update action in action list"},
		{"nfp_sums", "nfp", track + "ip_proto tcp action pedit ex munge ip ttl set 9 pipe action csum ip tcp udp pipe" + out, "held"},
		{"nfp_no_sums", "nfp", track + "ip_proto tcp action pedit ex munge ip ttl set 9 pipe" + out, "unsupported offload: set actions without updating checksums are not supported"},
		{"nfp_elsewhere", "nfp", track + "action mirred egress redirect dev tap", "unsupported offload: invalid egress interface for mirred action"},

		{"B041_track", "sfc", track + "ct_state -trk action ct pipe action goto chain 2", "held"},
		{"B041_est", "sfc", after + "ct_state +trk+est" + out, "held"},
		{"B041_nat", "sfc", after + "ct_state +trk+est action ct nat pipe" + out, "held"},
		{"B041_new", "sfc", after + "ct_state +trk+new" + out, "Unsupported ct_state match 0x9"},
		{"B041_label", "sfc", after + "ct_state +trk+est ct_label 01000000000000000000000000000000" + out, "Matching on ct_label not supported"},
		{"B041_commit", "sfc", track + "action ct commit pipe action goto chain 2", "Can't offload ct commit/force"},
		{"B041_nat_first", "sfc", track + "action ct nat pipe action goto chain 2", "Can't perform NAT in LHS rule - packet isn't conntracked yet"},
		{"B041_chain", "sfc", after + "action ct pipe action goto chain 3", "LHS rule only allowed in chain 0"},
		{"B041_goto", "sfc", track + "action ct pipe" + out, "Unhandled action 4 for LHS rule"},
		{"B041_alone", "sfc", track + "action ct pipe", "Missing goto chain in LHS rule"},
		{"B041_commit_late", "sfc", after + "ct_state +trk+est action ct commit pipe" + out, "Can only offload CT 'nat' action in RHS rules, not 1"},
		{"sfc_pass", "sfc", track + "action pass", "Unhandled action 0"},
		{"sfc_trap", "sfc", track + "action trap", "Unhandled action 2"},
		{"sfc_icmp", "sfc", track + "ip_proto icmp type 8" + out, "Unsupported flower keys 0x43"},
		{"sfc_ports", "sfc", track + "ip_proto tcp action pedit ex munge tcp dport set 81 pipe" + out, "Unhandled mangle htype 4 for action rule"},
		{"sfc_elsewhere", "sfc", track + "action mirred egress redirect dev tap", "Mirred egress device not on switch"},

		{"B040_track", "window", track + "action ct pipe action goto chain 2", "held"},
		{"B040_twice", "window", track + "action ct pipe action ct zone 2 pipe action goto chain 2", "one conntrack action per rule"},
		{"B040_inv", "window", after + "ct_state +trk+inv action drop", "packets that conntrack calls invalid are left to software"},
		{"B040_commit", "window", track + "action ct commit pipe" + out, "a conntrack context is made by the flow table, not by a rule"},
	} {
		t.Run(c.card+"_"+c.name, func(t *testing.T) {
			if got := refusal(t, c.card, c.filter); got != c.want && (!strings.Contains(c.filter, "skip_sw") || !strings.Contains(got, c.want)) {
				t.Errorf("%s\n got %q\nwant %q", c.filter, got, c.want)
			}
		})
	}
}

// TestC11_refusals_are_counted by reason, and the list of reasons is bounded.
func TestC11_refusals_are_counted(t *testing.T) {
	r, n := rig(t, "plain", datapathtest.HTTPPolicy...)
	got := n.Refusals()
	if len(got) != 1 || got[0] != (Count{newUnsupported, 2}) {
		t.Errorf("%v", got)
	}
	if err := r.E.Load(r.P, r.Now); err != nil { // asked again: counted again, listed once
		t.Fatal(err)
	}
	if got := n.Refusals(); len(got) != 1 || got[0].N != 4 {
		t.Errorf("%v", got)
	}
	for i := range 2 * maxReasons {
		n.n.refuse(strings.Repeat("x", i))
	}
	got = n.Refusals()
	if len(got) != maxReasons+1 || got[0].What != "other reasons" || got[0].N != maxReasons+1 {
		t.Errorf("%d reasons, first %v", len(got), got[0])
	}
	if c := n.n.Reasons; c != [offload.NumReasons]uint64{} {
		t.Error("refused rules are not refused flows")
	}
}

// TestA160_table_space: rules, tables and rules in a table are limited, and what the
// limit refuses fits as soon as there is room.
func TestA160_table_space(t *testing.T) {
	lines := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp action drop",
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto udp action drop",
		"filter add dev uplink_rep ingress prio 2 chain 0 proto ip flower ip_proto icmp action drop",
		"filter add dev uplink_rep ingress prio 1 chain 5 proto ip flower ip_proto tcp action drop",
	}
	for _, c := range []struct {
		desc   string
		tables string
		full   uint64
	}{
		{"plain", "[{{uplink_rep 0 0 1} 2} {{uplink_rep 0 0 2} 1} {{uplink_rep 0 5 1} 1}]", 0},
		{"plain,rules=3", "[{{uplink_rep 0 0 1} 2} {{uplink_rep 0 0 2} 1}]", 1},
		{"plain,tables=1", "[{{uplink_rep 0 0 1} 2}]", 2},
		{"plain,table=1", "[{{uplink_rep 0 0 1} 1} {{uplink_rep 0 0 2} 1} {{uplink_rep 0 5 1} 1}]", 1},
	} {
		t.Run(c.desc, func(t *testing.T) {
			r, n := rig(t, c.desc, lines...)
			if got := strings.TrimSpace(strings.ReplaceAll(sprint(n.Tables()), "Table:", "")); stripped(got) != c.tables {
				t.Errorf("%s, want %s", stripped(got), c.tables)
			}
			var full uint64
			for _, k := range n.Refusals() {
				if k.What == "No space left on device" {
					full = k.N
				}
			}
			if full != c.full {
				t.Errorf("%d refused for want of room, want %d", full, c.full)
			}
			if c.full == 0 {
				return
			}
			r.Run("filter del dev uplink_rep ingress prio 1 chain 0")
			if len(n.rules.held) < 2 && c.desc != "plain,tables=1" {
				t.Errorf("%d rules held once there was room", len(n.rules.held))
			}
			if c.desc == "plain,tables=1" && len(n.rules.held) != 1 {
				t.Errorf("%d rules held once there was room", len(n.rules.held))
			}
		})
	}
}
