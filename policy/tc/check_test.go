package tc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestX1_Check: what is warned of, where, and what is not.
func TestX1_Check(t *testing.T) {
	const f = "filter add dev d ingress "
	for _, c := range []struct {
		id    string
		lines []string
		want  []string // "LINE KIND", in order
	}{
		{"X1_use_case_slide_as_written", []string{
			"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
			"filter add dev uplink_rep ingress chain 1 prio 1 proto ip flower ct_state +new+trk action ct commit pipe action mirrored egress redirect dev vf0_rep",
			"filter add dev uplink_rep ingress chain 1 prio 1 proto ip flower ct_state -new+est+trk action mirrored egress redirect dev vf0_rep",
		}, []string{"1 chain-empty", "1 chain-unused"}},
		{"X1_use_case_slide_from_chain_0", []string{
			f + "prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
			f + "chain 0 prio 1 proto ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev e",
			f + "chain 0 prio 1 proto ip flower ct_state -new+est+trk action mirred egress redirect dev e",
		}, []string{"1 chain-empty", "2 untracked", "3 untracked"}},
		{"X1_hw_model_leaves_states", []string{
			f + "chain 0 prio 1 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
			f + "chain 2 prio 1 proto ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev e",
			f + "chain 2 prio 1 proto ip flower ct_state -new+est+trk action mirred egress redirect dev e",
		}, []string{"3 falls-through"}},
		{"X1_complete", []string{
			f + "chain 0 prio 1 proto ip flower ct_state -trk action ct pipe action goto chain 2",
			f + "chain 2 prio 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev e",
			f + "chain 2 prio 2 proto ip flower ct_state +trk+est action mirred egress redirect dev e",
			f + "chain 2 prio 3 proto ip flower ct_state +trk+rel action mirred egress redirect dev e",
			f + "chain 2 prio 4 proto ip flower ct_state +trk+inv action drop",
		}, nil},
		{"X1_no_such_state", []string{
			f + "chain 0 prio 1 proto ip flower action ct pipe action goto chain 2",
			f + "chain 2 prio 1 proto ip flower ct_state +trk+new+rel action drop",
			f + "chain 2 prio 2 proto ip flower ct_state +trk-new-est-rel-inv action drop",
			f + "chain 2 prio 3 proto ip flower ct_state -trk action drop",
			f + "chain 2 prio 4 proto ip flower action drop",
		}, []string{"2 never-matches", "3 never-matches", "4 never-matches"}},
		{"X1_after_clear", []string{
			f + "chain 0 prio 1 proto ip flower action ct pipe action ct clear pipe action goto chain 2",
			f + "chain 2 prio 1 proto ip flower ct_state +trk action drop",
			f + "chain 2 prio 2 proto ip flower ct_state -trk action drop",
		}, []string{"2 untracked"}},
		{"X1_zone_nobody_uses", []string{
			f + "chain 0 prio 1 proto ip flower action ct zone 5 pipe action goto chain 2",
			f + "chain 2 prio 1 proto ip flower ct_zone 6 action drop",
			f + "chain 2 prio 2 proto ip flower ct_zone 5 action drop",
		}, []string{"2 never-matches"}},
		{"X1_mark_of_an_untracked_packet", []string{f + "prio 1 proto ip flower ct_mark 5 action drop"}, []string{"1 untracked"}},
		{"X1_untracked_with_a_mark", []string{f + "prio 1 proto ip flower ct_state -trk ct_mark 5 action drop"}, []string{"1 never-matches"}},
		{"X1_through_continue", []string{
			f + "prio 1 proto ip flower action ct continue",
			f + "prio 2 proto ip flower ct_state +trk action drop",
		}, nil},
		{"X1_through_reclassify", []string{
			f + "prio 1 proto ip flower ct_state -trk action ct reclassify",
			f + "prio 2 proto ip flower ct_state +trk action drop",
		}, nil},
		{"X1_clone_is_tracked_and_the_packet_is_not", []string{
			f + "prio 1 proto ip flower ct_state -trk action ct chain 5 pipe action goto chain 6",
			f + "chain 5 prio 1 proto ip flower ct_state +trk action drop",
			f + "chain 6 prio 1 proto ip flower ct_state +trk action drop",
		}, []string{"3 untracked"}},
		{"X1_ends_in_ct", []string{f + "prio 1 proto ip flower action ct commit"}, []string{"1 ends-in-ct"}},
		{"X1_goto_an_empty_chain", []string{f + "prio 1 proto ip flower action goto chain 9"}, []string{"1 chain-empty"}},
		{"X1_chain_reached_from_the_unreached", []string{
			f + "chain 4 prio 1 proto ip flower action goto chain 5",
			f + "chain 5 prio 1 proto ip flower action drop",
		}, []string{"1 chain-unused", "2 chain-unused"}},
		{"X1_shadowed_by_mask", []string{
			f + "prio 1 proto ip flower dst_ip 10.0.0.0/8 action drop",
			f + "prio 2 proto ip flower dst_ip 10.1.0.0/16 ip_proto tcp action drop",
			f + "prio 3 proto ip flower dst_ip 11.1.0.0/16 action drop",
			f + "prio 4 proto ipv6 flower action drop",
			f + "prio 5 proto all matchall action drop",
			f + "prio 6 proto arp flower arp_op request action drop",
		}, []string{"2 shadowed", "6 shadowed"}},
		{"X1_not_shadowed_by_continue", []string{
			f + "prio 1 proto ip flower action continue",
			f + "prio 2 proto ip flower dst_ip 10.1.0.0/16 action drop",
		}, nil},
		{"X1_shadowed_by_the_order_of_automatic_prefs", []string{
			f + "proto ip flower dst_ip 10.1.0.0/16 action drop",
			f + "proto ip flower dst_ip 10.0.0.0/8 action pass",
		}, []string{"1 shadowed"}},
		{"X1_shadowed_by_a_range", []string{
			f + "prio 1 proto ip flower ip_proto tcp dst_port 1-100 action drop",
			f + "prio 2 proto ip flower ip_proto tcp dst_port 80 action drop",
			f + "prio 3 proto ip flower ip_proto tcp dst_port 80-99 action drop",
			f + "prio 4 proto ip flower ip_proto tcp dst_port 80-101 action drop",
			f + "prio 5 proto ip flower ip_proto udp dst_port 80 action drop",
		}, []string{"2 shadowed", "3 shadowed"}},
		{"X1_shadowed_within_a_pref", []string{
			f + "prio 1 proto ip flower ip_proto tcp action drop",
			f + "prio 1 proto ip flower ip_proto tcp dst_ip 1.1.1.1 action drop",
		}, []string{"2 shadowed"}},
		{"X1_fragments_have_no_ports", []string{f + "prio 1 proto ip flower ip_proto tcp ip_flags frag dst_port 80 action drop"}, []string{"1 never-matches"}},
		{"X1_first_fragment_is_one", []string{f + "prio 1 proto ip flower ip_flags nofrag/firstfrag action drop"}, []string{"1 never-matches"}},
		{"X1_a_loop", []string{
			f + "chain 0 prio 1 proto ip flower ip_proto udp action goto chain 0",
			f + "chain 0 prio 2 proto ip flower ip_proto tcp ct_state -trk action ct pipe action goto chain 0",
			f + "chain 0 prio 3 proto ip flower ip_proto tcp ct_state +trk+new action reclassify",
			f + "chain 0 prio 4 proto ip flower ip_proto icmp action pedit ex munge ip ttl decrement pipe action goto chain 0",
			f + "chain 0 prio 5 proto ip flower ip_proto sctp action pass random netrand goto chain 0 5",
			f + "chain 0 prio 6 proto ip flower ip_proto esp action ct pipe action goto chain 0",
			f + "chain 0 prio 9 proto ip flower action drop",
		}, []string{"1 loop", "3 loop", "6 loop"}},
		{"X1_jumps", []string{
			f + "prio 1 proto ip flower ip_proto tcp action jump 99 action drop",
			f + "prio 2 proto ip flower ip_proto udp action jump 2 action drop action pass",
			f + "prio 3 proto ip flower ip_proto icmp action pass random determ pipe 2 action jump 1",
			f + "prio 4 proto ip flower ip_proto sctp action jump 0 action drop",
			f + "prio 5 proto ip flower ip_proto esp action pass random determ jump 3 2 action drop",
			f + "prio 6 proto ip flower action drop",
		}, []string{"1 jump", "3 jump", "4 jump", "5 jump"}},
		{"X1_helpers_that_read_nothing", []string{
			f + "prio 1 proto ip flower ip_proto tcp dst_port 21 action ct commit helper ipv6-tcp-ftp action drop",
			f + "prio 2 proto ip flower ip_proto udp dst_port 69 action ct commit helper ipv4-tcp-ftp action drop",
			f + "prio 3 proto ip flower ip_proto tcp dst_port 22 action ct helper ipv4-tcp-ftp action drop",
			f + "prio 4 proto ip flower ip_proto tcp dst_port 23 action ct commit helper ipv4-tcp-ftp action drop",
			f + "prio 5 proto 802.1q flower vlan_ethtype ipv6 ip_proto tcp action ct commit helper ipv4-tcp-ftp action drop",
			f + "prio 6 proto ip flower action drop",
		}, []string{"1 helper", "2 helper", "3 helper", "5 helper"}},
		{"B055_X1_announced_and_not_translated", []string{
			f + "prio 1 chain 0 proto ip flower ct_state -trk action ct zone 3 nat pipe action goto chain 2",
			f + "prio 1 chain 2 proto ip flower ct_state +trk+new ip_proto tcp dst_port 21 action ct commit zone 3 helper ipv4-tcp-ftp nat src addr 192.0.2.1 action drop",
			f + "prio 2 chain 2 proto ip flower ct_state +trk+rel src_ip 10.0.0.1 action ct commit zone 3 action drop",
			f + "prio 3 chain 2 proto ip flower ct_state +trk+rel src_ip 10.0.0.2 action ct nat zone 3 pipe action ct commit zone 3 action drop",
			f + "prio 4 chain 2 proto ip flower ct_state +trk+rel src_ip 10.0.0.3 action ct commit zone 3 nat src addr 192.0.2.1 action drop",
			f + "prio 5 chain 2 proto ip flower ct_state +trk+rel src_ip 10.0.0.4 action ct commit zone 4 action drop",
			f + "prio 6 chain 2 proto ip flower ct_state +trk+new action ct commit zone 3 action drop",
			f + "prio 7 chain 2 proto ip flower action drop",
		}, []string{"3 related-untranslated", "4 related-untranslated"}},
		{"X1_indev_elsewhere", []string{f + "prio 1 proto ip flower indev e action drop", "qdisc add dev e ingress"}, []string{"1 never-matches"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			p, _ := load(t, c.lines...)
			ws := Check(p)
			var got []string
			for _, w := range ws {
				got = append(got, fmt.Sprintf("%d %s", w.Line, w.Kind))
				if w.File != "test.tc" || w.Why == "" || w.Do == "" || !strings.HasPrefix(w.String(), fmt.Sprintf("test.tc:%d:%d: ", w.Line, w.Col)) {
					t.Errorf("incomplete: %+v", w)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q\n%v", got, c.want, ws)
			}
		})
	}
}
