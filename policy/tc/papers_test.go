package tc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/policy"
)

// load makes a policy from lines, which must be right.
func load(t *testing.T, lines ...string) (*policy.Policy, []Note) {
	t.Helper()
	p, notes, err := Load("test.tc", strings.NewReader(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return p, notes
}

// format gives a policy as commands.
func format(t *testing.T, p *policy.Policy) string {
	t.Helper()
	var b strings.Builder
	if err := Format(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// filtersOf lists the filters that Format writes, from their kind on.
func filtersOf(t *testing.T, p *policy.Policy) (out []string) {
	t.Helper()
	for _, l := range strings.Split(format(t, p), "\n") {
		if strings.HasPrefix(l, "filter add ") {
			out = append(out, l[strings.Index(l, " flower")+1:])
		}
	}
	return out
}

// TestPaperCommands lists every tc command that the papers print, each with
// what it means in tc's own spelling and how many notes it gives.
func TestPaperCommands(t *testing.T) {
	const (
		toVF     = "action mirred egress redirect dev vf0_rep index 1"
		toUplink = "action mirred egress redirect dev uplink_rep index 1"
	)
	for _, c := range []struct {
		id    string
		line  string
		want  string
		notes int
	}{
		// The slides' use case, chain 1 throughout, "mirrored".
		{"A080_X1_use_case_1", "tc filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
			"flower ip_proto tcp dst_port 80/0xffff ct_state -trk action ct zone 0 index 1 pipe action gact goto chain 2 index 1", 0},
		{"A081_X3_use_case_2", "tc filter add dev uplink_rep ingress chain 1 prio 1 proto ip flower ct_state +new+trk action ct commit pipe action mirrored egress redirect dev vf0_rep",
			"flower ct_state +trk+new action ct commit zone 0 index 1 pipe " + toVF, 1},
		{"A082_X3_use_case_3", "tc filter add dev uplink_rep ingress chain 1 prio 1 proto ip flower ct_state -new+est+trk action mirrored egress redirect dev vf0_rep",
			"flower ct_state +trk-new+est " + toVF, 1},
		{"A083_use_case_4", "tc filter add dev vf0_rep ingress prio 1 chain 1 proto ip flower ct_state -trk ip_proto tcp src_port 80 action ct pipe action goto chain 2",
			"flower ip_proto tcp src_port 80/0xffff ct_state -trk action ct zone 0 index 1 pipe action gact goto chain 2 index 1", 0},
		{"A084_X3_use_case_5", "tc filter add dev vf0_rep ingress chain 1 prio 1 proto ip flower ct_state +est+trk action mirrored egress redirect dev uplink_rep",
			"flower ct_state +trk+est " + toUplink, 1},
		{"A085_use_case_6", "tc filter add dev vf0_rep ingress chain 1 prio 1 proto ip flower ct_state +new+trk action drop",
			"flower ct_state +trk+new action gact drop index 1", 0},
		// The slides' hardware model, chains 0 and 2, both spellings.
		{"A079_A093_hw_model_1", "tc filter add dev uplink_rep ingress chain 0 prio 1 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
			"flower ip_proto tcp dst_port 80/0xffff ct_state -trk action ct zone 0 index 1 pipe action gact goto chain 2 index 1", 0},
		{"A086_hw_model_2_mirrored", "tc filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state +new+trk action ct commit pipe action mirrored egress redirect dev vf0_rep",
			"flower ct_state +trk+new action ct commit zone 0 index 1 pipe " + toVF, 1},
		{"A086_hw_model_3_mirrored", "tc filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state -new+est+trk action mirrored egress redirect dev vf0_rep",
			"flower ct_state +trk-new+est " + toVF, 1},
		{"A032_hw_model_2", "tc filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev vf0_rep",
			"flower ct_state +trk+new action ct commit zone 0 index 1 pipe " + toVF, 0},
		{"A086_hw_model_3", "tc filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep",
			"flower ct_state +trk-new+est " + toVF, 0},
		// The first RFC, examples with a whole command.
		{"A021_X4_rfc_example_1", "tc filter add dev eth5 protocol ip parent ffff: chain 100 flower ct_state \\\n       +trk +est -dnat action mirred egress redirect dev eth6",
			"flower ct_state +trk+est-dnat action mirred egress redirect dev eth6 index 1", 1},
		{"A014_X4_rfc_example_2", "tc filter add dev eth5 protocol ip parent ffff: chain 100 flower  \\\n ct_state +trk +est ct_label 10 ct_zone 9 action drop ",
			"flower ct_state +trk+est ct_zone 9/0xffff ct_label 10000000000000000000000000000000/ffffffffffffffffffffffffffffffff action gact drop index 1", 1},
		{"A044_X4_rfc_example_8", "tc filter add dev eth5 protocol ip parent ffff: chain 100 flower action \\\n ct commit nat src 10.0.0.0 10.0.0.255",
			"flower action ct commit zone 0 nat src addr 10.0.0.0-10.0.0.255 index 1 pipe", 1},
		{"A045_X4_rfc_example_9", "tc filter add dev eth5 protocol ip parent ffff: chain 100 flower action ct \\\n commit nat auto",
			"flower action ct zone 0 nat index 1 pipe action ct commit zone 0 index 2 pipe", 1},
	} {
		t.Run(c.id, func(t *testing.T) {
			p, notes := load(t, c.line)
			got := filtersOf(t, p)
			if len(got) != 1 || got[0] != c.want {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), c.want)
			}
			if len(notes) != c.notes {
				t.Errorf("notes %v, want %d", notes, c.notes)
			}
		})
	}
}

// TestPaperFragments lists the first RFC's examples that leave parts of the
// command out.
func TestPaperFragments(t *testing.T) {
	for _, c := range []struct {
		id, text, want string
		notes          []string // the modern forms, in order
	}{
		{"A029_A030_X4_rfc_example_3", "tc .... action ct ct_zone 7 commit ct_label 0x0123456789ABCDEF0000111222",
			"action ct commit zone 7 label 0123456789abcdef0000111222000000/ffffffffffffffffffffffffffffffff pipe",
			[]string{"zone", "label", "0123456789abcdef0000111222"}},
		{"A043_X4_rfc_example_4", "ct_action nat src 10.0.0.1 10.1.1.0",
			"action ct commit zone 0 nat src addr 10.0.0.1-10.1.1.0 pipe",
			[]string{"action ct", "ct commit nat …", "nat src addr 10.0.0.1-10.1.1.0"}},
		{"A043_X4_rfc_example_5", "tc ... action ct nat src 10.0.0.1 10.1.1.0",
			"action ct commit zone 0 nat src addr 10.0.0.1-10.1.1.0 pipe",
			[]string{"ct commit nat …", "nat src addr 10.0.0.1-10.1.1.0"}},
		{"A042_X4_rfc_example_6", "tc ... action ct nat auto", "action ct zone 0 nat pipe", []string{"nat"}},
		{"A029_A030_X4_rfc_example_7", "tc..... action ct ct_zone 7 commit ct_label x0123456789ABCDEF0000111222",
			"action ct commit zone 7 label 0123456789abcdef0000111222000000/ffffffffffffffffffffffffffffffff pipe",
			[]string{"zone", "label", "0123456789abcdef0000111222"}},
		{"A015_rfc_example_10", "tc ct_zone 3 ct_mark 0x333 ....", "ct_zone 3/0xffff ct_mark 0x333/0xffffffff", nil},
		{"A026_X4_chain_is_K", "action ct commit chain = 5", "action ct commit zone 0 chain 5 pipe", []string{"action ct pipe action goto chain 5"}},
		{"A026_X4_chain_K", "action ct chain 5 zone 2 pipe", "action ct zone 2 chain 5 pipe", []string{"action ct pipe action goto chain 5"}},
		{"A026_X4_chain_joined", "action ct chain=5", "action ct zone 0 chain 5 pipe", []string{"action ct pipe action goto chain 5"}},
		{"A028_X4_ct_mark", "action ct commit ct_mark 0x10/0xf0", "action ct commit mark 0x10/0xf0 zone 0 pipe", []string{"mark"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			got, notes, err := Explain(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var modern []string
			for _, n := range notes {
				modern = append(modern, n.Modern)
				if n.Col == 0 || n.Word == "" {
					t.Errorf("note without a place: %+v", n)
				}
			}
			if d := cmp.Diff(c.notes, modern); d != "" {
				t.Errorf("notes (-want +got):\n%s", d)
			}
		})
	}
}

// TestManualNattedFirewall is the example of tc-ct(8).
func TestManualNattedFirewall(t *testing.T) {
	p, notes := load(t,
		"tc qdisc add dev eth0 handle ffff: ingress",
		"tc filter add dev eth0 ingress prio 1 chain 0 proto ip flower ip_proto tcp ct_state -trk action ct zone 2 pipe action goto chain 2",
		"tc filter add dev eth0 ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct zone 2 commit mark 0xbb nat src addr 5.5.5.7 pipe action mirred egress redirect dev eth1",
		"tc filter add dev eth0 ingress prio 1 chain 2 proto ip flower ct_zone 2 ct_mark 0xbb ct_state +trk+est action ct nat pipe action mirred egress redirect dev eth1",
		"tc qdisc add dev eth1 handle ffff: ingress",
		"tc filter add dev eth1 ingress prio 1 chain 0 proto ip flower ip_proto tcp ct_state -trk action ct zone 2 pipe action goto chain 1",
		"tc filter add dev eth1 ingress prio 1 chain 1 proto ip flower ct_zone 2 ct_mark 0xbb ct_state +trk+est action ct nat pipe action mirred egress redirect dev eth0",
	)
	if len(notes) != 0 {
		t.Errorf("notes: %v", notes)
	}
	want := []string{
		"flower ip_proto tcp ct_state -trk action ct zone 2 index 1 pipe action gact goto chain 2 index 1",
		"flower ct_state +trk+new action ct commit mark 0xbb/0xffffffff zone 2 nat src addr 5.5.5.7 index 2 pipe action mirred egress redirect dev eth1 index 1",
		"flower ct_state +trk+est ct_zone 2/0xffff ct_mark 0xbb/0xffffffff action ct zone 0 nat index 3 pipe action mirred egress redirect dev eth1 index 2",
		"flower ip_proto tcp ct_state -trk action ct zone 2 index 4 pipe action gact goto chain 1 index 2",
		"flower ct_state +trk+est ct_zone 2/0xffff ct_mark 0xbb/0xffffffff action ct zone 0 nat index 5 pipe action mirred egress redirect dev eth0 index 3",
	}
	if d := cmp.Diff(want, filtersOf(t, p)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestMatches proves the ct matches of the first RFC one by one.
func TestMatches(t *testing.T) {
	match := func(t *testing.T, words string) *policy.Match {
		t.Helper()
		p, _ := load(t, "filter add dev d ingress proto ip flower "+words+" action drop")
		return p.Device("d").Block[policy.Ingress].Chain(0).Protos[0].Filters[0].Match
	}
	for _, c := range []struct {
		id, word   string
		bits, mask uint16
	}{
		{"A001_A002_trk", "+trk", policy.CTTracked, policy.CTTracked},
		{"A002_trk_unset", "-trk", 0, policy.CTTracked},
		{"A003_new", "+trk+new", policy.CTTracked | policy.CTNew, policy.CTTracked | policy.CTNew},
		{"A004_est", "+trk+est", policy.CTTracked | policy.CTEstablished, policy.CTTracked | policy.CTEstablished},
		{"A007_inv", "+trk+inv", policy.CTTracked | policy.CTInvalid, policy.CTTracked | policy.CTInvalid},
		{"A008_rel", "+trk+rel", policy.CTTracked | policy.CTRelated, policy.CTTracked | policy.CTRelated},
		{"A009_rpl", "+trk+est+rpl", policy.CTTracked | policy.CTEstablished | policy.CTReply, policy.CTTracked | policy.CTEstablished | policy.CTReply},
		{"A010_each_bit_unset", "+trk-new-est-rel-inv-rpl-snat-dnat", policy.CTTracked, 0xff},
		{"A010_joined_in_any_order", "+new+trk", policy.CTTracked | policy.CTNew, policy.CTTracked | policy.CTNew},
		{"A010_X4_in_words", "+trk +est -dnat", policy.CTTracked | policy.CTEstablished, policy.CTTracked | policy.CTEstablished | policy.CTDNAT},
		{"X2_snat_is_the_source's_translation", "+trk+snat", policy.CTTracked | policy.CTSNAT, policy.CTTracked | policy.CTSNAT},
		{"X2_dnat_is_the_destination's_translation", "+trk+dnat", policy.CTTracked | policy.CTDNAT, policy.CTTracked | policy.CTDNAT},
		{"B001_snat_dnat_extension", "+trk+snat-dnat", policy.CTTracked | policy.CTSNAT, policy.CTTracked | policy.CTSNAT | policy.CTDNAT},
	} {
		t.Run(c.id, func(t *testing.T) {
			m := match(t, "ct_state "+c.word)
			if m.Key.CTState != c.bits || m.Mask.CTState != c.mask {
				t.Errorf("ct_state %#x/%#x, want %#x/%#x", m.Key.CTState, m.Mask.CTState, c.bits, c.mask)
			}
		})
	}
	t.Run("B001_bits_as_in_the_kernel", func(t *testing.T) {
		// TCA_FLOWER_KEY_CT_FLAGS_* of include/uapi/linux/pkt_cls.h.
		got := [6]uint16{policy.CTNew, policy.CTEstablished, policy.CTRelated, policy.CTTracked, policy.CTInvalid, policy.CTReply}
		if want := [6]uint16{1, 2, 4, 8, 16, 32}; got != want {
			t.Errorf("bits %v, want %v", got, want)
		}
	})
	t.Run("A011_ct_zone", func(t *testing.T) {
		if m := match(t, "ct_zone 0x10/0xff"); m.Key.CTZone != 16 || m.Mask.CTZone != 0xff {
			t.Errorf("ct_zone %#x/%#x", m.Key.CTZone, m.Mask.CTZone)
		}
	})
	t.Run("A012_ct_mark", func(t *testing.T) {
		if m := match(t, "ct_mark 0x333"); m.Key.CTMark != 0x333 || m.Mask.CTMark != 0xffffffff {
			t.Errorf("ct_mark %#x/%#x", m.Key.CTMark, m.Mask.CTMark)
		}
	})
	t.Run("A013_ct_label", func(t *testing.T) {
		m := match(t, "ct_label 0102/ff0f")
		if want := [16]byte{1, 2}; m.Key.CTLabel != want {
			t.Errorf("ct_label %x", m.Key.CTLabel)
		}
		if want := [16]byte{0xff, 0x0f}; m.Mask.CTLabel != want {
			t.Errorf("ct_label mask %x", m.Mask.CTLabel)
		}
	})
	t.Run("A018_check_warns_of_ct_state_without_ct", func(t *testing.T) {
		p, _ := load(t, "filter add dev d ingress proto ip flower ct_state +trk+est action pass")
		w := Check(p)
		if len(w) == 0 || w[0].Kind != WarnUntracked || w[0].Line != 1 || w[0].File != "test.tc" {
			t.Errorf("warnings %v", w)
		}
	})
	for id, c := range map[string]struct{ state, msg string }{
		"B002_no_trk":       {"+new", "no trk, so no other flag can be set"},
		"B002_minus_trk":    {"-trk+est", "no trk, so no other flag can be set"},
		"B002_new_and_est":  {"+trk+new+est", "new and est are mutually exclusive"},
		"B002_inv_is_alone": {"+trk+inv+rel", "when inv is set, only trk may be set"},
		"B002_new_and_rpl":  {"+trk+new+rpl", "new and rpl are mutually exclusive"},
	} {
		t.Run(id, func(t *testing.T) {
			_, _, err := Load("b.tc", strings.NewReader("\n  filter add dev d ingress proto ip flower ct_state "+c.state+" action drop"))
			want := "Error: " + c.msg + "."
			var e *Error
			if !as(err, &e) || e.Msg != want || !e.Kernel || e.Line != 2 || e.Col == 0 {
				t.Errorf("got %#v, want %s on line 2", err, want)
			}
		})
	}
}

// TestCTAction proves the ct action's options one by one.
func TestCTAction(t *testing.T) {
	t.Run("B042_words_of_the_switch", func(t *testing.T) {
		p, notes := load(t, "filter add dev d ingress proto ip flower action ct commit nat src addr 10.0.0.1-10.0.0.9 random persistent")
		if ct := p.Device("d").Block[policy.Ingress].Chain(0).Protos[0].Filters[0].Actions[0].CT; !ct.NATRandom || !ct.NATPersistent || ct.NATHash {
			t.Errorf("%+v", ct)
		}
		if len(notes) != 2 || notes[0].Word != "random" || notes[1].Word != "persistent" || !strings.Contains(notes[0].String(), "Open vSwitch's word") {
			t.Errorf("%v", notes)
		}
	})
	act := func(t *testing.T, words string) *policy.Action {
		t.Helper()
		p, _ := load(t, "filter add dev d ingress proto ip flower action "+words)
		return p.Device("d").Block[policy.Ingress].Chain(0).Protos[0].Filters[0].Actions[0]
	}
	ip := func(a, b, c, d byte) [16]byte { return [16]byte{a, b, c, d} }
	for _, c := range []struct {
		id, words string
		want      policy.CTAction
	}{
		{"A023_ct", "ct", policy.CTAction{}},
		{"A024_commit", "ct commit", policy.CTAction{Commit: true}},
		{"A025_force", "ct commit force", policy.CTAction{Commit: true, Force: true}},
		{"A026_ct_chain_clones", "ct chain 7", policy.CTAction{Clone: true, CloneChain: 7}},
		{"A027_zone", "ct zone 65535", policy.CTAction{Zone: 65535}},
		{"A028_mark", "ct commit mark 1/0xf", policy.CTAction{Commit: true, Mark: 1, MarkMask: 15}},
		{"A029_label", "ct commit label 01/0f", policy.CTAction{Commit: true, Label: [16]byte{1}, LabelMask: [16]byte{15}}},
		{"A030_any_order", "ct mark 2 zone 7 commit", policy.CTAction{Commit: true, Zone: 7, Mark: 2, MarkMask: 0xffffffff}},
		{"A033_clear", "ct clear", policy.CTAction{Clear: true}},
		{"A040_nat_src", "ct commit nat src addr 10.0.0.1 port 5-9", policy.CTAction{Commit: true, NAT: true, NATSrc: true, NATHasAddr: true, NATMin: ip(10, 0, 0, 1), NATMax: ip(10, 0, 0, 1), NATHasPort: true, PortMin: 5, PortMax: 9}},
		{"A041_nat_dst", "ct commit nat dst addr 10.0.0.1-10.0.0.2", policy.CTAction{Commit: true, NAT: true, NATDst: true, NATHasAddr: true, NATMin: ip(10, 0, 0, 1), NATMax: ip(10, 0, 0, 2)}},
		{"A042_nat_restore_at_the_end", "ct nat", policy.CTAction{NAT: true}},
		{"B003_helper", "ct commit helper ipv4-tcp-ftp", policy.CTAction{Commit: true, Helper: "ipv4-tcp-ftp"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			a := act(t, c.words)
			if d := cmp.Diff(c.want, *a.CT); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if a.Control != policy.Pipe {
				t.Errorf("ends in %v, want pipe", a.Control)
			}
		})
	}
	t.Run("A031_ct_pipe_goto_chain", func(t *testing.T) {
		p, _ := load(t, "filter add dev d ingress proto ip flower action ct pipe action goto chain 2")
		b := p.Device("d").Block[policy.Ingress]
		acts := b.Chain(0).Protos[0].Filters[0].Actions
		if len(acts) != 2 || acts[0].CT == nil || acts[1].Control != policy.GotoChain || acts[1].ControlArg != 2 || b.Chain(2) == nil {
			t.Errorf("actions %v", acts)
		}
	})
	t.Run("A037_two_chains", func(t *testing.T) {
		p, _ := load(t,
			"filter add dev d ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
			"filter add dev d ingress prio 1 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev e",
			"filter add dev d ingress prio 2 chain 2 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev e",
			"filter add dev d ingress prio 3 chain 2 proto ip flower ct_state +trk action drop")
		if w := Check(p); len(w) != 0 {
			t.Errorf("warnings %v", w)
		}
	})
	t.Run("A033_twice_in_one_filter", func(t *testing.T) {
		p, _ := load(t, "filter add dev d ingress proto ip flower action ct zone 1 pipe action ct clear pipe action ct zone 2 pipe")
		if n := len(p.Device("d").Block[0].Chain(0).Protos[0].Filters[0].Actions); n != 3 {
			t.Errorf("%d actions", n)
		}
	})
	t.Run("A087_devices_are_declared_by_being_named", func(t *testing.T) {
		p, _ := load(t, "filter add dev uplink_rep ingress proto ip flower action mirred egress redirect dev vf0_rep")
		if len(p.Devices) != 2 || p.Devices[0].Name != "uplink_rep" || p.Devices[0].Qdisc != "ingress" || p.Devices[1].Name != "vf0_rep" || p.Devices[1].Qdisc != "" {
			t.Errorf("devices %+v %+v", p.Devices[0], p.Devices[1])
		}
	})
	t.Run("A093_chain_100", func(t *testing.T) {
		p, _ := load(t, "filter add dev eth5 parent ffff: protocol ip chain 100 flower action drop")
		if p.Device("eth5").Block[0].Chain(100) == nil {
			t.Error("no chain 100")
		}
	})
}

// TestF1_Head proves the head of `tc filter`: synonyms, prefixes, order.
func TestF1_Head(t *testing.T) {
	same := func(id, a, b string) {
		t.Run(id, func(t *testing.T) {
			pa, _ := load(t, a)
			pb, _ := load(t, b)
			if d := cmp.Diff(format(t, pb), format(t, pa)); d != "" {
				t.Errorf("%s\n%s\n(-want +got):\n%s", a, b, d)
			}
		})
	}
	full := "filter add dev d ingress chain 3 pref 7 handle 0x5 protocol ip flower ip_proto tcp dst_ip 10.0.0.1 action pass"
	same("F.1_prio", "filter add dev d ingress chain 3 prio 7 handle 5 proto ip flower ip_proto tcp dst_ip 10.0.0.1 action pass", full)
	same("F.1_priority", "filter add dev d ingress chain 3 priority 7 handle 5 protocol 0x800 flower ip_p t dst_i 10.0.0.1 act ok", full)
	same("F.1_prefixes", "f a dev d ingress ch 3 pri 7 handle 05 pro IP flower ip_proto tcp dst_ip 10.0.0.1/32 action pass", full)
	same("F.1_parent_ffff", "filter add dev d parent ffff: chain 3 pref 7 handle 5 protocol ip flower ip_proto tcp dst_ip 10.0.0.1 action pass", full)
	same("F.1_parent_fff2", "filter add dev d parent ffff:fff2 chain 3 pref 7 handle 5 protocol ip flower ip_proto tcp dst_ip 10.0.0.1 action pass", full)
	same("F.1_option_order", "filter add protocol ip chain 3 ingress handle 5 pref 7 dev d flower ip_proto tcp dst_ip 10.0.0.1 action pass", full)
	t.Run("B026_ct_needs_ingress_or_clsact", func(t *testing.T) {
		// act_ct.c tcf_ct_init takes no other qdisc; here there is no other.
		const ct = " proto ip flower action ct"
		for line, ok := range map[string]bool{
			"filter add dev d ingress" + ct: true, "filter add dev d egress" + ct: true, "filter add dev d parent ffff:" + ct: true,
			"filter add dev d parent 1:" + ct: false, "filter add dev d parent 8001:1" + ct: false,
			"qdisc add dev d root htb": false, "qdisc add dev d root handle 1: prio": false, "qdisc add dev d clsact": true, "qdisc add dev d ingress": true,
		} {
			if _, _, err := Load("t.tc", strings.NewReader(line+"\n")); (err == nil) != ok {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
	same("F.1_egress_makes_clsact", "filter add dev d egress proto ip flower", "qdisc add dev d clsact\nfilter add dev d egress proto ip flower")
	t.Run("F.1_default_protocol_is_all", func(t *testing.T) {
		p, _ := load(t, "filter add dev d ingress flower action pass")
		if pr := p.Device("d").Block[0].Chain(0).Protos[0]; pr.Protocol != policy.EtherAll || pr.Prio != 49152 {
			t.Errorf("%+v", pr)
		}
	})
	t.Run("A079_grammar_of_the_slides", func(t *testing.T) {
		p, _ := load(t, "tc filter add dev DEV ingress prio 9 chain 4 proto ip flower")
		if pr := p.Device("DEV").Block[0].Chain(4).Protos[0]; pr.Prio != 9 {
			t.Errorf("%+v", pr)
		}
	})
	t.Run("A022_any_match_before_ct", func(t *testing.T) {
		for i, m := range []string{"ip_proto tcp tcp_flags 0x2/0x12", "src_mac 02:00:00:00:00:01", "dst_ip 10.0.0.0/8", "ip_tos 4", "ip_flags nofrag", "ct_mark 5", "enc_key_id 5 enc_dst_port 4789"} {
			load(t, fmt.Sprintf("filter add dev d%d ingress proto ip flower %s action ct pipe action goto chain 1", i, m))
		}
	})
}
