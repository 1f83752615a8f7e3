package tc

import (
	"bytes"
	"strings"
	"testing"

	"sluice/policy"
)

// show gives what a show command prints for a policy.
func show(t *testing.T, p *policy.Policy, cmd string, st policy.Stats, now int64) string {
	t.Helper()
	var out bytes.Buffer
	s := &Session{Policy: p, Out: &out, Now: func() int64 { return now }, Stats: func(*policy.Action) policy.Stats { return st }}
	if err := s.Run(cmd); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestF2_FlowerMatches: every match of flower's list is read and shown. The
// wanted text and JSON are iproute2's forms; those of 6.1's matches are also
// compared with a real tc in TestTranscripts.
func TestF2_FlowerMatches(t *testing.T) {
	for _, c := range []struct{ id, proto, words, text, json string }{
		{"F.2_indev", "ip", "indev e", "indev e", `"indev":"e","keys":{"eth_type":"ipv4"}`},
		{"F.2_num_of_vlans", "all", "num_of_vlans 2", "num_of_vlans 2", `"num_of_vlans":2`},
		{"F.2_vlan_id", "802.1q", "vlan_id 100", "vlan_id 100", `"vlan_id":100`},
		{"F.2_vlan_prio", "802.1q", "vlan_prio 3", "vlan_prio 3", `"vlan_prio":3`},
		{"F.2_vlan_ethtype", "802.1q", "vlan_ethtype ipv6", "vlan_ethtype ipv6\n  eth_type ipv6", `"vlan_ethtype":"ipv6"`},
		{"F.2_cvlan", "802.1ad", "vlan_ethtype 802.1q cvlan_id 5 cvlan_prio 1 cvlan_ethtype ip", "cvlan_id 5\n  cvlan_prio 1\n  cvlan_ethtype ip", `"cvlan_id":5,"cvlan_prio":1,"cvlan_ethtype":"ip"`},
		{"F.2_pppoe_sid", "ppp_ses", "pppoe_sid 7", "pppoe_sid 7", `"pppoe_sid":7`},
		{"F.2_ppp_proto", "ppp_ses", "ppp_proto ip", "ppp_proto ip", `"ppp_proto":"ip"`},
		{"F.2_dst_mac", "ip", "dst_mac 02:00:00:00:00:01/24", "dst_mac 02:00:00:00:00:01/24", `"dst_mac":"02:00:00:00:00:01/24"`},
		{"F.2_src_mac", "ip", "src_mac 02:00:00:00:00:01/ff:00:ff:00:00:00", "src_mac 02:00:00:00:00:01/ff:00:ff:00:00:00", `"src_mac":"02:00:00:00:00:01/ff:00:ff:00:00:00"`},
		{"F.2_ip_proto", "ip", "ip_proto sctp", "ip_proto sctp", `"ip_proto":"sctp"`},
		{"F.2_ip_proto_number", "ip", "ip_proto 2f", "ip_proto 2f", `"ip_proto":"2f"`},
		{"F.2_ip_tos", "ip", "ip_tos 0x10/0xf0", "ip_tos 16/0xf0", `"ip_tos":16,"ip_tos_mask":"f0"`},
		{"F.2_ip_ttl", "ip", "ip_ttl 64", "ip_ttl 64", `"ip_ttl":64`},
		{"F.2_mpls_lse", "mpls_uc", "mpls lse depth 2 label 7 ttl 5", "mpls\n    lse depth 2 label 7 ttl 5", `"mpls":[{"depth":2,"label":7,"ttl":5}]`},
		{"F.2_mpls_label", "mpls_uc", "mpls_label 7", "mpls_label 7", `"mpls_label":7`},
		{"F.2_mpls_tc_bos_ttl", "mpls_mc", "mpls_tc 1 mpls_bos 1 mpls_ttl 9", "mpls_tc 1\n  mpls_bos 1\n  mpls_ttl 9", `"mpls_tc":"1","mpls_bos":"1","mpls_ttl":"9"`},
		{"F.2_spi", "ip", "ip_proto esp spi 0x1f", "spi 0x1f", `"spi":"1f"`},
		{"F.2_l2tpv3_sid", "ip", "ip_proto l2tp l2tpv3_sid 12", "l2tpv3_sid 12", `"l2tpv3_sid":12`},
		{"F.2_dst_ip", "ip", "dst_ip 10.0.0.1/8", "dst_ip 10.0.0.1/8", `"dst_ip":"10.0.0.1/8"`},
		{"F.2_src_ip6", "ipv6", "src_ip fd00::/32", "src_ip fd00::/32", `"src_ip":"fd00::/32"`},
		{"F.2_dst_port", "ip", "ip_proto tcp dst_port 80", "dst_port 80", `"dst_port":80`},
		{"F.2_src_port_mask", "ip", "ip_proto udp src_port 80/0xfff0", "src_port 80/0xfff0", `"src_port":80,"src_port_mask":"fff0"`},
		{"F.2_port_range", "ip", "ip_proto udp dst_port 50-500", "dst_port 50-500", `"dst_port":{"start":50,"end":500}`},
		{"F.2_tcp_flags", "ip", "ip_proto tcp tcp_flags 0x2/0x17", "tcp_flags 0x2/17", `"tcp_flags":"0x2/17"`},
		{"F.2_type_code", "ip", "ip_proto icmp type 8 code 0/3", "icmp_type 8\n  icmp_code 0/3", `"icmp_type":"8","icmp_code":"0/3"`},
		{"F.2_arp_ip", "arp", "arp_sip 10.0.0.1 arp_tip 10.0.0.2/24", "arp_sip 10.0.0.1\n  arp_tip 10.0.0.2/24", `"arp_sip":"10.0.0.1","arp_tip":"10.0.0.2/24"`},
		{"F.2_arp_op", "arp", "arp_op reply", "arp_op reply", `"arp_op":"reply"`},
		{"F.2_arp_mac", "arp", "arp_sha 02:00:00:00:00:01 arp_tha 02:00:00:00:00:02", "arp_sha 02:00:00:00:00:01\n  arp_tha 02:00:00:00:00:02", `"arp_sha":"02:00:00:00:00:01","arp_tha":"02:00:00:00:00:02"`},
		{"F.2_enc_ip", "ip", "enc_dst_ip 1.1.1.1 enc_src_ip 2.0.0.0/8", "enc_dst_ip 1.1.1.1\n  enc_src_ip 2.0.0.0/8", `"enc_dst_ip":"1.1.1.1","enc_src_ip":"2.0.0.0/8"`},
		{"F.2_enc_key", "ip", "enc_key_id 5 enc_dst_port 4789", "enc_key_id 5\n  enc_dst_port 4789", `"enc_key_id":5,"enc_dst_port":4789`},
		{"F.2_enc_tos_ttl", "ip", "enc_tos 4 enc_ttl 64/f0", "enc_tos 4\n  enc_ttl 64/0xf0", `"enc_tos":4,"enc_ttl":64,"enc_ttl_mask":"f0"`},
		{"F.2_geneve_opts", "ip", "geneve_opts 0102:80:00880022", "geneve_opts 0102:80:00880022/ffff:ff:ffffffff", `"geneve_opt_key":[{"class":258,"type":128,"data":[0,136,0,34]}],"geneve_opt_mask":[{"class":65535,"type":255,"data":[255,255,255,255]}]`},
		{"F.2_vxlan_opts", "ip", "vxlan_opts 5/255", "vxlan_opts 5/255", `"vxlan_opt_key":[{"gbp":5}],"vxlan_opt_mask":[{"gbp":255}]`},
		{"F.2_erspan_opts", "ip", "erspan_opts 1:5:0:0", "erspan_opts 1:5:0:0/1:4294967295:0:0", `"erspan_opt_key":[{"ver":1,"index":5,"dir":0,"hwid":0}]`},
		{"F.2_gtp_opts", "ip", "gtp_opts 01:09", "gtp_opts 01:09/ff:ff", `"keys":{"eth_type":"ipv4"}`},
		{"F.2_pfcp_opts", "ip", "pfcp_opts 01:00000000000000ff", "pfcp_opts 01:00000000000000ff/ff:ffffffffffffffff", `"keys":{"eth_type":"ipv4"}`},
		{"F.2_ip_flags", "ip", "ip_flags frag/nofirstfrag", "ip_flags frag/nofirstfrag", `"ip_flags":{"frag":true,"firstfrag":false}`},
		{"F.2_enc_flags", "ip", "enc_flags csum/nooam", "enc_flags csum/nooam", `"enc_flags":{"csum":true,"oam":false}`},
		{"F.2_l2_miss", "ip", "l2_miss 1", "l2_miss 1", `"l2_miss":1`},
		{"F.2_ct_state", "ip", "ct_state -rpl+est+trk", "ct_state +trk+est-rpl", `"ct_state":"+trk+est-rpl"`},
		{"F.2_ct_zone", "ip", "ct_zone 9/0xff", "ct_zone 9/0xff", `"ct_zone":9,"ct_zone_mask":"ff"`},
		{"F.2_ct_mark", "ip", "ct_mark 187/0xff", "ct_mark 187/0xff", `"ct_mark":187,"ct_mark_mask":"ff"`},
		{"F.2_ct_label", "ip", "ct_label 123123", "ct_label 12312300000000000000000000000000", `"ct_label":"12312300000000000000000000000000"`},
		{"F.2_ct_label_mask", "ip", "ct_label 12/f0", "ct_label 12000000000000000000000000000000/f0000000000000000000000000000000", `"ct_label":"12000000000000000000000000000000/f0000000000000000000000000000000"`},
		{"F.2_cfm", "cfm", "cfm mdl 5 op 46", "cfm mdl 5 op 46", `"cfm":{"mdl":5,"op":46}`},
		{"F.2_skip_hw", "ip", "skip_hw", "skip_hw\n  not_in_hw", `"skip_hw":true,"not_in_hw":true`},
		{"F.2_skip_sw", "ip", "skip_sw", "skip_sw\n  not_in_hw", `"skip_sw":true,"not_in_hw":true`},
	} {
		t.Run(c.id, func(t *testing.T) {
			line := "filter add dev d ingress pref 1 proto " + c.proto + " flower " + c.words
			p, notes := load(t, "qdisc add dev e ingress", line)
			if len(notes) != 0 {
				t.Errorf("notes %v", notes)
			}
			if got := show(t, p, "filter show dev d ingress", policy.Stats{}, 0); !strings.Contains(got, "\n  "+c.text+"\n") {
				t.Errorf("text\n%s\nhas no\n  %s", got, c.text)
			}
			if got := show(t, p, "-j filter show dev d ingress", policy.Stats{}, 0); !strings.Contains(got, c.json) {
				t.Errorf("JSON\n%s\nhas no\n%s", got, c.json)
			}
			again, _ := load(t, format(t, p))
			if a, b := format(t, p), format(t, again); a != b {
				t.Errorf("does not survive Format:\n%s\n%s", a, b)
			}
		})
	}
	t.Run("F.2_ignored_by_the_kernel", func(t *testing.T) {
		p, notes := load(t, "filter add dev d ingress proto ip flower tcp_flags 0x2")
		if len(notes) != 1 || !strings.Contains(notes[0].Msg, "tcp_flags") {
			t.Errorf("notes %v", notes)
		}
		if p.Device("d").Block[0].Chain(0).Protos[0].Filters[0].Match.Mask.TCPFlags != 0 {
			t.Error("tcp_flags without ip_proto tcp is matched")
		}
	})
}

// TestF3_CTChecks are the ct action's client-side errors.
func TestF3_CTChecks(t *testing.T) {
	for _, c := range []struct{ id, words, msg string }{
		{"F.3_clear_alone", "ct clear commit", "ct: clear can only be used alone"},
		{"F.3_src_and_dst", "ct commit nat src addr 1.1.1.1 nat dst addr 1.1.1.1", "ct: src and dst nat can't be used together"},
		{"F.3_commit_and_nat", "ct commit nat", "ct: commit and nat must set src or dst"},
		{"F.3_src_without_commit", "ct nat src addr 1.1.1.1", "ct: src or dst is only valid if commit is set"},
		{"F.3_zone", "ct zone 70000", `ct: Illegal "zone"`},
		{"F.3_mark", "ct mark z", `ct: Illegal "mark"`},
		{"F.3_helper", "ct helper ftp", `ct: Illegal "helper"`},
		{"F.3_index", "ct index z", `ct: Illegal "index"`},
		{"F.3_port_range", "ct commit nat src addr 1.1.1.1 port z", "ct: Illegal nat port range"},
		{"F.3_label", "ct label zz", `Error: argument "zz" is wrong: ct: labels must be a hex string`},
		{"F.3_label_length", "ct label 1111111111111111111111111111111111", `Error: argument "1111111111111111111111111111111111" is wrong: 34 Max allowed size 32`},
	} {
		t.Run(c.id, func(t *testing.T) {
			_, _, err := Load("f", strings.NewReader("filter add dev d ingress proto ip flower action "+c.words))
			var e *Error
			if !as(err, &e) || e.Msg != c.msg {
				t.Errorf("got %v, want %s", err, c.msg)
			}
		})
	}
	t.Run("F.3_prefixes_in_iproute2s_order", func(t *testing.T) {
		a, _ := load(t, "filter add dev d ingress proto ip flower action ct co f z 3 ma 5 la 01 n s a 1.1.1.1 p 7 i 9")
		b, _ := load(t, "filter add dev d ingress proto ip flower action ct commit force zone 3 mark 5 label 01 nat src addr 1.1.1.1 port 7 index 9")
		if x, y := format(t, a), format(t, b); x != y {
			t.Errorf("%s\n%s", x, y)
		}
	})
}

// TestF4_ActionPrint is the form of ct in both outputs, with counters.
func TestF4_ActionPrint(t *testing.T) {
	const sec = 1e9
	st := policy.Stats{Packets: 3, Bytes: 300, Drops: 1, Installed: 5 * sec, FirstUsed: 6 * sec, LastUsed: 9 * sec}
	p, _ := load(t, "filter add dev d ingress pref 1 proto ip flower action ct commit force mark 66/0xf0 zone 404 label 123123 helper ipv4-tcp-ftp nat src addr 5.5.5.7-5.5.6.0 port 1000-2000 index 42 cookie deadbeef no_percpu")
	t.Run("F.4_text", func(t *testing.T) {
		want := "\taction order 1: ct commit force mark 66/0xf0 zone 404 label 12312300000000000000000000000000 helper ipv4-tcp-ftp nat src addr 5.5.5.7-5.5.6.0 port 1000-2000 pipe\n" +
			"\t index 42 ref 1 bind 1 installed 5 sec used 1 sec firstused 4 sec\n" +
			"\tAction statistics:\n\tSent 300 bytes 3 pkt (dropped 1, overlimits 0 requeues 0) \n\tbacklog 0b 0p requeues 0\n\tcookie deadbeef\n\tno_percpu\n"
		if got := show(t, p, "-s filter show dev d ingress", st, 10*sec); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("F.4_json", func(t *testing.T) {
		want := `{"order":1,"kind":"ct","action":"commit force","mark":66,"mark_mask":"f0","zone":404,"label":"12312300000000000000000000000000","helper":"ipv4-tcp-ftp","nat":"src addr 5.5.5.7-5.5.6.0 port 1000-2000","control_action":{"type":"pipe"},"index":42,"ref":1,"bind":1,"installed":5,"last_used":1,"first_used":4,"stats":{"bytes":300,"packets":3,"drops":1,"overlimits":0,"requeues":0,"backlog":0,"qlen":0},"cookie":"deadbeef","no_percpu":true}`
		if got := show(t, p, "-s -j filter show dev d ingress", st, 10*sec); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
	t.Run("B034_counters_by_tier", func(t *testing.T) {
		both := st
		both.HWPackets, both.HWBytes = 2, 250
		want := "\tSent 300 bytes 3 pkt (dropped 1, overlimits 0 requeues 0) \n\tSent software 50 bytes 1 pkt\n\tSent hardware 250 bytes 2 pkt\n\tbacklog 0b 0p requeues 0\n"
		if got := show(t, p, "-s filter show dev d ingress", both, 10*sec); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		want = `"requeues":0,"sw_bytes":50,"sw_packets":1,"hw_bytes":250,"hw_packets":2,"backlog":0`
		if got := show(t, p, "-s -j filter show dev d ingress", both, 10*sec); !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		// A device's counters that have overtaken the sum stand alone.
		both.HWPackets = 4
		if got := show(t, p, "-s filter show dev d ingress", both, 10*sec); strings.Contains(got, "software") || !strings.Contains(got, "Sent hardware 250 bytes 4 pkt") {
			t.Error(got)
		}
	})
	t.Run("F.4_bare_nat", func(t *testing.T) {
		p, _ := load(t, "filter add dev d ingress pref 1 proto ip flower action ct nat pipe action goto chain 2")
		if got := show(t, p, "filter show dev d ingress", policy.Stats{}, 0); !strings.Contains(got, "order 1: ct zone 0 nat pipe\n") {
			t.Error(got)
		}
		got := show(t, p, "-j filter show dev d ingress", policy.Stats{}, 0)
		if !strings.Contains(got, `"zone":0,"nat":"","control_action":{"type":"pipe"}`) || !strings.Contains(got, `"control_action":{"type":"goto","chain":2}`) {
			t.Error(got)
		}
	})
	t.Run("F.4_clear_has_no_zone", func(t *testing.T) {
		p, _ := load(t, "filter add dev d ingress pref 1 proto ip flower action ct clear")
		if got := show(t, p, "-j filter show dev d ingress", policy.Stats{}, 0); !strings.Contains(got, `"kind":"ct","action":"clear","control_action"`) {
			t.Error(got)
		}
	})
	t.Run("F.5_total_acts", func(t *testing.T) {
		p, _ := load(t, "actions add action ct zone 3 index 7", "actions add action ct zone 4")
		if got := show(t, p, "actions ls action ct", policy.Stats{}, 0); !strings.HasPrefix(got, "total acts 2\n\n\taction order 0: ct zone 4 pipe\n\t index 1 ref 1 bind 0\n") {
			t.Error(got)
		}
	})
}
