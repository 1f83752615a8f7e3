package policy

import (
	"errors"
	"testing"
)

// TestEditChecks: what act_vlan.c, act_mpls.c, act_pedit.c, act_skbedit.c and
// act_sample.c refuse. Value is what stands behind the keyword that is refused.
func TestEditChecks(t *testing.T) {
	const label, unknown = "act_mpls: MPLS label out of range", "act_mpls: Unknown MPLS action"
	key := func(k PeditKey) *Action { return &Action{Kind: "pedit", Pedit: &Pedit{Keys: []PeditKey{{}, k}}} }
	vlan := func(v VLAN) *Action { return &Action{Kind: "vlan", VLAN: &v} }
	mpls := func(m MPLS) *Action { return &Action{Kind: "mpls", MPLS: &m} }
	edit := func(s Skbedit) *Action { return &Action{Kind: "skbedit", Skbedit: &s} }
	sample := func(s Sample) *Action { return &Action{Kind: "sample", Sample: &s} }
	for _, c := range []struct {
		name  string
		a     *Action
		no    Errno
		msg   string
		key   string
		value uint32
	}{
		{"vlan without an operation", vlan(VLAN{}), EINVAL, "", "", 0},
		{"vlan push 4094", vlan(VLAN{Op: VLANPush, ID: 4094}), "", "", "", 0},
		{"vlan push 4095", vlan(VLAN{Op: VLANPush, ID: 4095}), ERANGE, "", "id", 4095},
		{"vlan modify 4095", vlan(VLAN{Op: VLANModify, ID: 4095}), ERANGE, "", "id", 4095},
		{"vlan pop 4095", vlan(VLAN{Op: VLANPop, ID: 4095}), "", "", "", 0},
		{"mpls push", mpls(MPLS{Op: MPLSPush, HasLabel: true, Label: 0xfffff}), "", "", "", 0},
		{"mpls push 1048576", mpls(MPLS{Op: MPLSPush, HasLabel: true, Label: 0x100000}), EINVAL, label, "label", 0x100000},
		{"mpls push 2", mpls(MPLS{Op: MPLSPush, HasLabel: true, Label: 2}), "", "", "", 0},
		{"mpls push 3", mpls(MPLS{Op: MPLSPush, HasLabel: true, Label: 3}), EINVAL, label, "label", 3},
		{"mpls push 4", mpls(MPLS{Op: MPLSPush, HasLabel: true, Label: 4}), "", "", "", 0},
		{"mpls push nothing", mpls(MPLS{Op: MPLSPush}), EINVAL, "act_mpls: Label is required for MPLS push", "", 0},
		{"mpls mac_push nothing", mpls(MPLS{Op: MPLSMACPush}), EINVAL, "act_mpls: Label is required for MPLS push", "", 0},
		{"mpls push multicast", mpls(MPLS{Op: MPLSPush, HasLabel: true, Proto: 0x8848}), "", "", "", 0},
		{"mpls push unicast", mpls(MPLS{Op: MPLSPush, HasLabel: true, Proto: 0x8847}), "", "", "", 0},
		{"mpls push ip", mpls(MPLS{Op: MPLSPush, HasLabel: true, Proto: 0x0800}), EPROTONOSUPPORT, "act_mpls: Protocol must be an MPLS type for MPLS push", "", 0},
		{"mpls pop to 0x600", mpls(MPLS{Op: MPLSPop, Proto: 0x600}), "", "", "", 0},
		{"mpls pop to 0x5ff", mpls(MPLS{Op: MPLSPop, Proto: 0x5ff}), EINVAL, "act_mpls: Invalid protocol type for MPLS pop", "", 0},
		{"mpls modify", mpls(MPLS{Op: MPLSModify, Label: 3}), "", "", "", 0},
		{"mpls modify 3", mpls(MPLS{Op: MPLSModify, HasLabel: true, Label: 3}), EINVAL, label, "label", 3},
		{"mpls modify 1048575", mpls(MPLS{Op: MPLSModify, HasLabel: true, Label: 0xfffff}), "", "", "", 0},
		{"mpls modify 1048576", mpls(MPLS{Op: MPLSModify, HasLabel: true, Label: 0x100000}), EINVAL, label, "label", 0x100000},
		{"mpls dec_ttl", mpls(MPLS{Op: MPLSDecTTL}), "", "", "", 0},
		{"mpls nothing", mpls(MPLS{}), EINVAL, unknown, "", 0},
		{"mpls 6", mpls(MPLS{Op: 6}), EINVAL, unknown, "", 0},
		{"pedit without keys", &Action{Kind: "pedit", Pedit: &Pedit{}}, EINVAL, "act_pedit: Pedit requires keys to be passed", "", 0},
		{"pedit at 8", key(PeditKey{Off: 8}), "", "", "", 0},
		{"pedit at -4", key(PeditKey{Off: -4}), "", "", "", 0},
		{"pedit at 9", key(PeditKey{Off: 9}), EINVAL, "act_pedit: Offsets must be on 32bit boundaries", "", 0},
		{"pedit at 10", key(PeditKey{Off: 10}), EINVAL, "act_pedit: Offsets must be on 32bit boundaries", "", 0},
		{"pedit at what a byte says", key(PeditKey{Off: 9, OffMask: 1}), "", "", "", 0},
		{"skbedit nothing", edit(Skbedit{Mark: 1}), EINVAL, "", "", 0},
		{"skbedit mark", edit(Skbedit{HasMark: true}), "", "", "", 0},
		{"skbedit priority", edit(Skbedit{HasPriority: true}), "", "", "", 0},
		{"skbedit queue", edit(Skbedit{HasQueue: true}), "", "", "", 0},
		{"skbedit ptype", edit(Skbedit{HasPType: true}), "", "", "", 0},
		{"skbedit inheritdsfield", edit(Skbedit{InheritDS: true}), "", "", "", 0},
		{"sample without rate", sample(Sample{Rate: 1}), EINVAL, "sample rate and group are required", "", 0},
		{"sample of 0", sample(Sample{Given: true}), EINVAL, "invalid sample rate", "rate", 0},
		{"sample of 1", sample(Sample{Given: true, Rate: 1}), "", "", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPolicy(t)
			err := p.AddActions([]*Action{c.a}, false)
			if c.no == "" {
				if err != nil || p.Action(c.a.Kind, 1) == nil {
					t.Errorf("%v", err)
				}
				return
			}
			if err == nil {
				t.Fatal("taken")
			}
			says(t, err, c.no, c.msg)
			var e *Error
			if errors.As(err, &e); e.Key != c.key || e.Value != c.value || (e.Want == "") != (c.key == "") || !errors.Is(err, c.no) {
				t.Errorf("%q %d, wants %q", e.Key, e.Value, e.Want)
			}
			if want := c.msg; want != "" && err.Error() != want || want == "" && err.Error() != string(c.no) || c.no.Error() != string(c.no) {
				t.Errorf("says %q", err)
			}
		})
	}
}

// TestQueueOfReceivedPackets: a transmit queue is chosen at ingress by hardware
// alone (act_skbedit.c tcf_skbedit_init).
func TestQueueOfReceivedPackets(t *testing.T) {
	p := newPolicy(t)
	if err := p.AddQdisc("e", "ingress", 7, 0); err != nil {
		t.Fatal(err)
	}
	const msg = `act_skbedit: "queue_mapping" option on receive side is hardware only, use skip_sw`
	for _, c := range []struct {
		name string
		w    Where
		skip bool
		ok   bool
	}{
		{"ingress", ingress, false, false}, {"ingress, skip_sw", ingress, true, true},
		{"egress", Where{Dev: "d", Parent: ParentEgress}, false, true}, {"shared block", Where{Block: 7}, false, true},
	} {
		r := ipRule(1, 1, 32, &Action{Kind: "skbedit", Skbedit: &Skbedit{HasQueue: true}, SkipSW: c.skip})
		r.Filter.SkipSW = c.skip
		_, err := p.AddFilter(c.w, r)
		if c.ok != (err == nil) {
			t.Errorf("%s: %v", c.name, err)
		} else if err != nil {
			says(t, err, EOPNOTSUPP, msg)
		}
	}
}

// TestNumbersOfTheKernel: pkt_cls.h, tc_vlan.h, tc_mpls.h, tc_csum.h,
// tc_pedit.h and rtnetlink.h.
func TestNumbersOfTheKernel(t *testing.T) {
	for _, c := range []struct{ got, want int }{
		{int(VLANPop), 1}, {int(VLANPush), 2}, {int(VLANModify), 3}, {int(VLANPopEth), 4}, {int(VLANPushEth), 5},
		{int(MPLSPop), 1}, {int(MPLSPush), 2}, {int(MPLSModify), 3}, {int(MPLSDecTTL), 4}, {int(MPLSMACPush), 5},
		{int(PeditNetwork), 0}, {int(PeditEth), 1}, {int(PeditIP4), 2}, {int(PeditIP6), 3}, {int(PeditTCP), 4}, {int(PeditUDP), 5},
		{int(CsumIPv4), 1}, {int(CsumICMP), 2}, {int(CsumIGMP), 4}, {int(CsumTCP), 8}, {int(CsumUDP), 16}, {int(CsumUDPLite), 32}, {int(CsumSCTP), 64},
		{int(CTNew), 1}, {int(CTEstablished), 2}, {int(CTRelated), 4}, {int(CTTracked), 8}, {int(CTInvalid), 16}, {int(CTReply), 32},
		{int(IPFlagFrag), 1}, {int(IPFlagFirstFrag), 2}, {int(EtherAll), 3}, {MaxActions, 32}, {MaxChain, 0xfffffff},
		{int(ParentIngress), 0xfffffff2}, {int(ParentEgress), 0xfffffff3}, {int(ParentQdisc), 0xffff0000}, {int(ParentRoot), 0xffffffff},
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
}

// TestPlaces: names of devices, blocks and chains that are not there, and the
// order of the checks (cls_api.c __tcf_qdisc_find, tcf_block_find).
func TestPlaces(t *testing.T) {
	p := newPolicy(t)
	p.Declare("none")
	p.Declare("in")
	p.Declare("s")
	if err := p.AddQdisc("in", "ingress", 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := p.AddQdisc("s", "clsact", 5, 6); err != nil {
		t.Fatal(err)
	}
	const noQdisc, shared, high = "Parent Qdisc doesn't exists", "This filter block is shared. Please use the block index to manipulate the filters", "Specified chain index exceeds upper limit"
	for _, c := range []struct {
		w   Where
		no  Errno
		msg string
	}{
		{Where{Block: 9}, EINVAL, "Block of given index was not found"}, {Where{Block: 5}, "", ""}, {Where{Dev: "x", Parent: ParentIngress}, ENODEV, ""},
		{Where{Dev: "d"}, EINVAL, "Qdisc not classful"}, {Where{Dev: "d", Parent: 0xfffefff2}, EINVAL, noQdisc}, {Where{Dev: "none", Parent: ParentIngress}, EINVAL, noQdisc},
		{ingress, "", ""}, {Where{Dev: "d", Parent: ParentEgress}, "", ""}, {Where{Dev: "d", Parent: ParentQdisc}, EINVAL, ""}, {Where{Dev: "d", Parent: ParentRoot}, ENOENT, "Specified class doesn't exist"},
		{Where{Dev: "in", Parent: ParentQdisc}, "", ""}, {Where{Dev: "in", Parent: ParentEgress}, "", ""},
		{Where{Dev: "s", Parent: ParentIngress}, EOPNOTSUPP, shared}, {Where{Dev: "s", Parent: ParentEgress}, EOPNOTSUPP, shared},
	} {
		b, err := p.Find(c.w, false)
		if c.no == "" {
			if err != nil || b == nil {
				t.Errorf("%+v: %v", c.w, err)
			}
			continue
		}
		says(t, err, c.no, c.msg)
		for what, err := range map[string]error{
			"add chain": p.AddChain(c.w, 1, nil, 0), "delete chain": p.DelChain(c.w, 1), "delete filter": p.DeleteFilter(c.w, Rule{Prio: 1}),
		} {
			if err == nil {
				t.Errorf("%+v: %s was taken", c.w, what)
				continue
			}
			says(t, err, c.no, c.msg)
		}
		if _, err := p.GetChain(c.w, 1); err == nil {
			t.Errorf("%+v: a chain", c.w)
		}
		if _, _, err := p.GetFilter(c.w, Rule{Prio: 1}); err == nil {
			t.Errorf("%+v: a filter", c.w)
		}
	}
	if b, err := p.Find(Where{Dev: "s", Parent: ParentEgress}, true); err != nil || b.Index != 6 {
		t.Errorf("a shared block to look at: %v", err)
	}
	if b, _ := p.Find(Where{Dev: "d", Parent: ParentEgress}, false); b != p.Device("d").Block[Egress] {
		t.Error("not the egress block")
	}
	says(t, p.AddChain(ingress, MaxChain+1, nil, 0), EINVAL, high)
	if err := p.AddChain(ingress, MaxChain, nil, 0); err != nil {
		t.Error(err)
	}
	says(t, p.DelChain(ingress, MaxChain+1), EINVAL, high)
	says(t, p.DeleteFilter(ingress, Rule{Chain: MaxChain + 1}), EINVAL, high)
	_, _, err := p.GetFilter(ingress, Rule{Prio: 1, Chain: MaxChain + 1})
	says(t, err, EINVAL, high)
	_, _, err = p.GetFilter(ingress, Rule{Chain: 1})
	says(t, err, ENOENT, "Invalid filter command with priority of zero")
	_, _, err = p.GetFilter(ingress, Rule{Prio: 1, Chain: 2})
	says(t, err, EINVAL, "Cannot find specified filter chain")
	bad := Match{DstPorts: PortRange{2, 1}}
	was := p.Generation
	says(t, p.AddChain(ingress, 9, &bad, etherIP), EINVAL, "Invalid destination port range (min must be strictly smaller than max)")
	if p.Device("d").Block[Ingress].Chain(9) != nil || p.Generation != was {
		t.Error("a refused chain is there")
	}
	for what, c := range map[string]struct{ got, want error }{
		"no device": {p.AddQdisc("x", "clsact", 0, 0), &Error{Errno: ENODEV}}, "no device to delete from": {p.DelQdisc("x", "clsact"), &Error{Errno: ENODEV}},
		"another": {p.AddQdisc("d", "clsact", 0, 0), &Error{Errno: EEXIST, Msg: "Exclusivity flag on, cannot modify"}}, "egress of ingress": {p.AddQdisc("none", "ingress", 0, 1), &Error{Errno: EINVAL, Msg: "Egress block sharing is not supported"}},
		"one block twice": {p.AddQdisc("none", "clsact", 3, 3), &Error{Errno: EBUSY, Msg: "block dev insert failed"}}, "wrong kind": {p.DelQdisc("d", "ingress"), &Error{Errno: EINVAL, Msg: "Invalid qdisc name"}},
		"never any": {p.DelQdisc("none", ""), &Error{Errno: EINVAL, Msg: "Cannot find specified qdisc on specified device"}},
	} {
		want := c.want.(*Error)
		if c.got == nil {
			t.Errorf("%s: taken", what)
			continue
		}
		says(t, c.got, want.Errno, want.Msg)
	}
	if err := p.DelQdisc("in", ""); err != nil {
		t.Error(err)
	}
	says(t, p.DelQdisc("in", ""), EINVAL, "Invalid handle")
}
