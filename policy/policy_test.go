package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ingress is the place that most tests use.
var ingress = Where{Dev: "d", Parent: ParentIngress}

func newPolicy(t interface{ Fatal(...any) }) *Policy {
	p := &Policy{}
	p.Declare("d")
	p.Declare("e")
	if err := p.AddQdisc("d", "clsact", 0, 0); err != nil {
		t.Fatal(err)
	}
	return p
}

// ipRule is a flower rule on protocol ip for an address of the given length.
func ipRule(prio uint16, a byte, bits int, acts ...*Action) Rule {
	m := &Match{AddrFamily: 4}
	m.Key.EthType, m.Mask.EthType = etherIP, 0xffff
	m.Key.DstIP = [16]byte{10, 0, 0, a}
	for i := range bits {
		m.Mask.DstIP[i/8] |= 0x80 >> (i % 8)
	}
	return Rule{Prio: prio, Protocol: etherIP, Kind: "flower", Filter: &Filter{Match: m, Actions: acts}}
}

func gact(c Control, arg uint32) *Action {
	return &Action{Kind: "gact", Control: c, ControlArg: arg, Gact: &Gact{RandomType: "none"}}
}

// says checks an error's number and message.
func says(t *testing.T, err error, no Errno, msg string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Errno != no || e.Msg != msg {
		t.Errorf("got %#v, want %s %q", err, no, msg)
	}
}

func TestAutomaticPreference(t *testing.T) {
	p := newPolicy(t)
	add := func(prio uint16) uint16 {
		r := ipRule(prio, 1, 32)
		if _, err := p.AddFilter(ingress, r); err != nil {
			t.Fatal(err)
		}
		var prios []uint16
		for _, pr := range p.Device("d").Block[Ingress].Chain(0).Protos {
			prios = append(prios, pr.Prio)
		}
		if !slices.IsSorted(prios) {
			t.Errorf("preferences out of order: %v", prios)
		}
		return prios[0]
	}
	// From 49152 (0xc000) down, below what is in the upper half.
	add(0)
	if got := add(0); got != 49151 {
		t.Errorf("second automatic preference %d, want 49151", got)
	}
	add(40000)
	if got := add(0); got != 39999 {
		t.Errorf("automatic preference under 40000 is %d, want 39999", got)
	}
	add(7)
	add(32768)
	_, err := p.AddFilter(ingress, ipRule(0, 9, 32))
	says(t, err, EINVAL, "Filter with specified priority/protocol not found")
}

func TestOneProtocolAndKindPerPreference(t *testing.T) {
	p := newPolicy(t)
	if _, err := p.AddFilter(ingress, ipRule(1, 1, 32)); err != nil {
		t.Fatal(err)
	}
	r := ipRule(1, 2, 32)
	r.Protocol = etherIPv6
	_, err := p.AddFilter(ingress, r)
	says(t, err, EINVAL, "Filter with specified priority/protocol not found")
	r = Rule{Prio: 1, Protocol: etherIP, Kind: "matchall", Filter: &Filter{}}
	_, err = p.AddFilter(ingress, r)
	says(t, err, EINVAL, "Specified filter kind does not match existing one")
}

func TestFlowerDuplicates(t *testing.T) {
	p := newPolicy(t)
	first, err := p.AddFilter(ingress, ipRule(1, 1, 24))
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.AddFilter(ingress, ipRule(1, 2, 24)) // same under the mask
	says(t, err, EEXIST, "")
	if e := err.(*Error); e.Other != first {
		t.Errorf("Other is %+v", e.Other)
	}
	if _, err := p.AddFilter(ingress, ipRule(1, 2, 32)); err != nil {
		t.Errorf("another mask: %v", err)
	}
	if _, err := p.AddFilter(ingress, ipRule(2, 1, 24)); err != nil {
		t.Errorf("another preference: %v", err)
	}
	// dst_ip 0.0.0.0/0 is a match on the kind of address to the kernel.
	if _, err := p.AddFilter(ingress, ipRule(3, 0, 0)); err != nil {
		t.Fatal(err)
	}
	r := ipRule(3, 0, 0)
	r.Filter.Match.AddrFamily = 0
	if _, err := p.AddFilter(ingress, r); err != nil {
		t.Errorf("without an address: %v", err)
	}
	// Ranges are part of the key and their presence part of the mask.
	rng := func(min, max uint16) Rule {
		r := ipRule(4, 1, 32)
		r.Filter.Match.DstPorts = PortRange{min, max}
		return r
	}
	for _, r := range []Rule{rng(1, 5), rng(2, 5), ipRule(4, 1, 32)} {
		if _, err := p.AddFilter(ingress, r); err != nil {
			t.Error(err)
		}
	}
	_, err = p.AddFilter(ingress, rng(2, 5))
	says(t, err, EEXIST, "")
	_, err = p.AddFilter(ingress, rng(5, 5))
	says(t, err, EINVAL, "Invalid destination port range (min must be strictly smaller than max)")
}

func TestReplace(t *testing.T) {
	p := newPolicy(t)
	if _, err := p.AddFilter(ingress, ipRule(1, 1, 32, gact(OK, 0))); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddFilter(ingress, ipRule(1, 2, 32, gact(OK, 0))); err != nil {
		t.Fatal(err)
	}
	r := ipRule(1, 3, 32, gact(Shot, 0))
	r.Filter.Handle = 1
	_, err := p.AddFilter(ingress, r)
	says(t, err, EEXIST, "Filter already exists")
	f, err := p.ReplaceFilter(ingress, r)
	if err != nil {
		t.Fatal(err)
	}
	pr := p.Device("d").Block[Ingress].Chain(0).Protos[0]
	if pr.Filters[0] != f || f.Handle != 1 || f.Actions[0].Control != Shot {
		t.Errorf("replaced: %+v", f)
	}
	if _, err := p.AddFilter(ingress, ipRule(1, 1, 32)); err != nil {
		t.Errorf("the old key is still taken: %v", err)
	}
	narrower := ipRule(1, 3, 24)
	narrower.Filter.Handle = 1
	_, err = p.ReplaceFilter(ingress, narrower)
	says(t, err, EINVAL, "")
	r.Filter.Handle = 77
	_, err = p.ChangeFilter(ingress, r)
	says(t, err, ENOENT, "Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter")
	if f, err := p.ReplaceFilter(ingress, ipRule(1, 9, 32)); err != nil || f.Handle != 4 {
		t.Errorf("lowest free handle: %v %v", f, err)
	}
}

func TestDelete(t *testing.T) {
	p := newPolicy(t)
	b := p.Device("d").Block[Ingress]
	add := func(chain uint32, prio uint16, a byte) {
		r := ipRule(prio, a, 32)
		r.Chain = chain
		if _, err := p.AddFilter(ingress, r); err != nil {
			t.Fatal(err)
		}
	}
	add(0, 1, 1)
	add(0, 1, 2)
	add(0, 2, 1)
	add(2, 1, 1)
	says(t, p.DeleteFilter(ingress, Rule{Prio: 9}), ENOENT, "Filter with specified priority/protocol not found")
	says(t, p.DeleteFilter(ingress, Rule{Chain: 9, Prio: 9}), EINVAL, "Cannot find specified filter chain")
	says(t, p.DeleteFilter(ingress, Rule{Prio: 1, Filter: &Filter{Handle: 9}}), ENOENT, "Specified filter handle not found")
	says(t, p.DeleteFilter(ingress, Rule{Kind: "flower"}), ENOENT, "Cannot flush filters with protocol, handle or kind set")
	if err := p.DeleteFilter(ingress, Rule{Prio: 1, Filter: &Filter{Handle: 1}}); err != nil || len(b.Chain(0).Protos[0].Filters) != 1 {
		t.Errorf("one filter: %v", err)
	}
	if err := p.DeleteFilter(ingress, Rule{Prio: 1, Filter: &Filter{Handle: 2}}); err != nil || len(b.Chain(0).Protos) != 1 {
		t.Errorf("a preference goes with its last filter: %v", err)
	}
	if err := p.DeleteFilter(ingress, Rule{}); err != nil || b.Chain(0) != nil || b.Chain(2) == nil {
		t.Errorf("flushing without a chain is flushing chain 0: %v", err)
	}
	if err := p.DeleteFilter(ingress, Rule{Chain: 77}); err != nil {
		t.Errorf("flushing what is not there: %v", err)
	}
}

func TestChains(t *testing.T) {
	p := newPolicy(t)
	b := p.Device("d").Block[Ingress]
	if _, err := p.AddFilter(ingress, ipRule(1, 1, 32, gact(GotoChain, 5))); err != nil {
		t.Fatal(err)
	}
	if c := b.Chain(5); c == nil || !c.HeldByGotoOnly() {
		t.Fatalf("goto makes no chain: %+v", c)
	}
	_, err := p.GetChain(ingress, 5)
	says(t, err, EINVAL, "Cannot find specified filter chain")
	if err := p.AddChain(ingress, 5, nil, 0); err != nil {
		t.Error(err)
	}
	says(t, p.AddChain(ingress, 5, nil, 0), EEXIST, "Filter chain already exists")
	says(t, p.AddChain(ingress, MaxChain+1, nil, 0), EINVAL, "Specified chain index exceeds upper limit")
	if err := p.DelChain(ingress, 5); err != nil || b.Chain(5) == nil {
		t.Errorf("a chain goes while an action leads to it: %v", err)
	}
	if err := p.DeleteFilter(ingress, Rule{}); err != nil {
		t.Fatal(err)
	}
	if b.Chain(5) == nil {
		t.Error("the chain goes before the kernel's grace period is over")
	}
	if p.Settle(); b.Chain(5) != nil {
		t.Error("the chain stays after the last action that leads to it")
	}
	// Dumps go by creation, chains are kept by index.
	for _, i := range []uint32{9, 3, 4} {
		if err := p.AddChain(ingress, i, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	var order []uint32
	for _, c := range b.ByCreation() {
		order = append(order, c.Index)
	}
	if !slices.Equal(order, []uint32{9, 3, 4}) || b.Chains[0].Index != 3 {
		t.Errorf("by creation %v, first by index %d", order, b.Chains[0].Index)
	}
}

func TestB034_Templates(t *testing.T) {
	p := newPolicy(t)
	tmpl := ipRule(1, 0, 24).Filter.Match
	if err := p.AddChain(ingress, 1, tmpl, etherIP); err != nil {
		t.Fatal(err)
	}
	r := ipRule(1, 1, 16)
	r.Chain = 1
	if _, err := p.AddFilter(ingress, r); err != nil {
		t.Errorf("a mask within the template: %v", err)
	}
	r = ipRule(1, 1, 32)
	r.Chain = 1
	_, err := p.AddFilter(ingress, r)
	says(t, err, EINVAL, "cls_flower: Mask does not fit the template")
	_, err = p.AddFilter(ingress, Rule{Chain: 1, Prio: 2, Protocol: etherIP, Kind: "matchall", Filter: &Filter{}})
	says(t, err, EINVAL, "Chain template is set to a different filter kind")
}

func TestActionInstances(t *testing.T) {
	p := newPolicy(t)
	ct := func(index uint32, zone uint16) *Action {
		return &Action{Kind: "ct", Index: index, CT: &CTAction{Zone: zone}}
	}
	a, err := p.AddFilter(ingress, ipRule(1, 1, 32, ct(0, 1), gact(OK, 0), ct(0, 2)))
	if err != nil {
		t.Fatal(err)
	}
	if i := [3]uint32{a.Actions[0].Index, a.Actions[1].Index, a.Actions[2].Index}; i != [3]uint32{1, 1, 2} {
		t.Errorf("indices %v: each kind counts for itself", i)
	}
	// Naming an index binds what is there; parameters given beside it do not
	// count.
	b, err := p.AddFilter(ingress, ipRule(1, 2, 32, ct(2, 99)))
	if err != nil {
		t.Fatal(err)
	}
	if b.Actions[0] != a.Actions[2] || b.Actions[0].CT.Zone != 2 || b.Actions[0].Ref != 2 || b.Actions[0].Bind != 2 {
		t.Errorf("shared: %+v", b.Actions[0])
	}
	says(t, p.DeleteAction("ct", 2), EPERM, "Failed to delete TC action")
	says(t, p.DeleteAction("ct", 9), ENOENT, "TC action with specified index not found")
	says(t, p.AddActions([]*Action{ct(2, 7)}, false), EEXIST, "")
	if err := p.AddActions([]*Action{ct(2, 7)}, true); err != nil || b.Actions[0].CT.Zone != 7 || a.Actions[2].CT.Zone != 7 || b.Actions[0].Ref != 2 {
		t.Errorf("replaced in place: %v %+v", err, b.Actions[0])
	}
	says(t, p.AddActions([]*Action{gact(GotoChain, 3)}, false), EINVAL, "can't goto NULL proto/chain")
	if err := p.AddActions([]*Action{ct(5, 5), ct(0, 6)}, false); err != nil {
		t.Fatal(err)
	}
	if x := p.Action("ct", 3); x == nil || x.Ref != 1 || x.Bind != 0 {
		t.Errorf("lowest free index: %+v", x)
	}
	// Flushing stops at the first that is bound: index 1.
	_, err = p.FlushActions("ct")
	says(t, err, EPERM, "")
	if err := p.DeleteFilter(ingress, Rule{}); err != nil {
		t.Fatal(err)
	}
	if p.Action("ct", 1) != nil || p.Action("ct", 5) == nil {
		t.Error("filters' own instances go with them, others stay")
	}
	// Until the grace period is over the indices are taken.
	f, err := p.AddFilter(ingress, ipRule(1, 1, 32, ct(0, 1)))
	if err != nil || f.Actions[0].Index != 4 {
		t.Errorf("index %d %v, want 4", f.Actions[0].Index, err)
	}
	p.Settle()
	if f, err = p.AddFilter(ingress, ipRule(1, 2, 32, ct(0, 1))); err != nil || f.Actions[0].Index != 1 {
		t.Errorf("index %d %v, want 1", f.Actions[0].Index, err)
	}
	if all, err := p.FlushActions("gact"); !all || err != nil {
		t.Errorf("flush of nothing: %v %v", all, err)
	}
}

func TestActionChecks(t *testing.T) {
	p := newPolicy(t)
	for _, c := range []struct {
		a   *Action
		no  Errno
		msg string
	}{
		{&Action{Kind: "mirred", Mirred: &Mirred{}}, EINVAL, "act_mirred: Unknown mirred option"},
		{&Action{Kind: "mirred", Mirred: &Mirred{Dev: "e", Block: 3}}, EINVAL, "Cannot specify Block ID and dev simultaneously"},
		{&Action{Kind: "mirred", Mirred: &Mirred{Dev: "x"}}, ENODEV, ""},
		{&Action{Kind: "skbedit", Skbedit: &Skbedit{HasQueue: true}}, EOPNOTSUPP, `act_skbedit: "queue_mapping" option on receive side is hardware only, use skip_sw`},
		{&Action{Kind: "ct", CT: &CTAction{NATSrc: true, NATDst: true}}, EOPNOTSUPP, "dnat and snat can't be enabled at the same time"},
		{&Action{Kind: "ct", CT: &CTAction{Helper: "ipv4-tcp-foo"}}, EINVAL, "act_ct: Failed to add helper"},
		{&Action{Kind: "ct", CT: &CTAction{Helper: "ipv6-udp-ftp"}}, EINVAL, "act_ct: Failed to add helper"},
		{&Action{Kind: "ct", SkipHW: true, CT: &CTAction{}}, EINVAL, "Mismatch between action and filter offload flags"},
	} {
		_, err := p.AddFilter(ingress, ipRule(1, 1, 32, gact(OK, 0), c.a))
		says(t, err, c.no, c.msg)
	}
	if p.Device("d").Block[Ingress].Chain(0) != nil || len(p.ActionsOf("gact")) != 0 {
		t.Error("a refused filter leaves something behind")
	}
}

func TestQdiscsAndBlocks(t *testing.T) {
	p := newPolicy(t)
	says(t, p.AddQdisc("d", "ingress", 0, 0), EEXIST, "Exclusivity flag on, cannot modify")
	says(t, p.AddQdisc("x", "ingress", 0, 0), ENODEV, "")
	says(t, p.DelQdisc("e", "ingress"), EINVAL, "Cannot find specified qdisc on specified device")
	says(t, p.DelQdisc("d", "ingress"), EINVAL, "Invalid qdisc name")
	says(t, p.AddQdisc("e", "ingress", 5, 6), EINVAL, "Egress block sharing is not supported")
	_, err := p.AddFilter(Where{Block: 5}, ipRule(1, 1, 32))
	says(t, err, EINVAL, "Block of given index was not found")
	p.Declare("g")
	if err := errors.Join(p.AddQdisc("e", "clsact", 5, 6), p.AddQdisc("g", "ingress", 5, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AddFilter(Where{Block: 5}, ipRule(1, 1, 32, gact(GotoChain, 3))); err != nil {
		t.Fatal(err)
	}
	if b := p.Device("g").Block[Ingress]; b != p.Device("e").Block[Ingress] || len(b.Chain(0).Protos) != 1 {
		t.Error("the block is not shared")
	}
	_, err = p.AddFilter(Where{Dev: "g", Parent: ParentIngress}, ipRule(2, 1, 32))
	says(t, err, EOPNOTSUPP, "This filter block is shared. Please use the block index to manipulate the filters")
	if err := p.DelQdisc("e", ""); err != nil || p.Blocks[5] == nil || p.Blocks[6] != nil {
		t.Errorf("the block lives as long as one device binds it: %v", err)
	}
	if err := p.DelQdisc("g", "ingress"); err != nil || p.Blocks[5] != nil || len(p.ActionsOf("gact")) != 0 {
		t.Errorf("the block's filters go with it: %v", err)
	}
	_, err = p.AddFilter(Where{Dev: "g", Parent: ParentIngress}, ipRule(1, 1, 32))
	says(t, err, EINVAL, "Parent Qdisc doesn't exists")
	_, err = p.AddFilter(Where{Dev: "d", Parent: ParentQdisc}, ipRule(1, 1, 32))
	says(t, err, EINVAL, "")
	_, err = p.AddFilter(Where{Dev: "d", Parent: 0xffff0001}, ipRule(1, 1, 32))
	says(t, err, ENOENT, "Specified class doesn't exist")
	p.Imply("g", false)
	p.Imply("g", true)
	if d := p.Device("g"); d.Qdisc != "clsact" || !d.Implied || d.Block[Egress] == nil {
		t.Errorf("implied: %+v", d)
	}
}

func TestMaskOrder(t *testing.T) {
	p := newPolicy(t)
	lens := func() (out []int) {
		for _, m := range p.Device("d").Block[Ingress].Chain(0).Protos[0].Masks() {
			n := 0
			for _, b := range m.Key.DstIP {
				for ; b != 0; b <<= 1 {
					n++
				}
			}
			out = append(out, n)
		}
		return out
	}
	for i, bits := range []int{16, 24, 16 + 8, 32} {
		if _, err := p.AddFilter(ingress, func() Rule { r := ipRule(1, byte(i), bits); r.Filter.Match.Key.DstIP[2] = byte(i); return r }()); err != nil {
			t.Fatal(err)
		}
	}
	if got := lens(); !slices.Equal(got, []int{16, 24, 32}) {
		t.Errorf("masks %v, want by first use", got)
	}
	del := func(h uint32) {
		if err := p.DeleteFilter(ingress, Rule{Prio: 1, Filter: &Filter{Handle: h}}); err != nil {
			t.Fatal(err)
		}
	}
	del(2) // one of two with /24
	if got := lens(); !slices.Equal(got, []int{16, 24, 32}) {
		t.Errorf("masks %v: a mask keeps its place as long as it has a filter", got)
	}
	del(1)
	if _, err := p.AddFilter(ingress, ipRule(1, 1, 16)); err != nil {
		t.Fatal(err)
	}
	if got := lens(); !slices.Equal(got, []int{24, 32, 16}) {
		t.Errorf("masks %v: a mask that comes back is the last", got)
	}
}

func TestCTStateCombinations(t *testing.T) {
	bits := [6]uint16{CTTracked, CTNew, CTEstablished, CTRelated, CTInvalid, CTReply}
	// The rule in other words: of what must be set, anything needs trk, new
	// excludes est and rpl, and inv excludes all but trk. What must be unset
	// does not matter.
	for set := range 1 << 6 {
		has := func(i int) bool { return set>>i&1 == 1 }
		ok := set == 0 || has(0) && !(has(1) && (has(2) || has(5))) && !(has(4) && (has(1) || has(2) || has(3) || has(5)))
		m := Match{}
		for i, b := range bits {
			if has(i) {
				m.Key.CTState |= b
			}
		}
		m.Mask.CTState = 0xff
		if err := Validate(&m); (err == nil) != ok {
			t.Errorf("state %06b: %v, want ok=%v", set, err, ok)
		}
		m.Mask.CTState = 0
		if err := Validate(&m); err != nil {
			t.Errorf("state %06b under an empty mask: %v", set, err)
		}
	}
}

// TestConsistency drives a policy through random changes and compares what
// must hold: counts of references, order, holds of chains, and that a refused
// change changes nothing.
func TestConsistency(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPolicy(rt)
		at := func(name string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, name) }
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			before := snapshot(p)
			var err error
			switch at("op", 7) {
			case 0, 1, 2:
				r := ipRule(uint16(at("prio", 4)), byte(at("addr", 4)), 8*at("bits", 5))
				r.Chain = uint32(at("chain", 3))
				r.Filter.Handle = uint32(at("handle", 4))
				for range at("acts", 3) {
					a := gact(GotoChain, uint32(at("goto", 4)))
					if at("kind", 2) == 0 {
						a = &Action{Kind: "ct", CT: &CTAction{}}
					}
					a.Index = uint32(at("index", 4))
					r.Filter.Actions = append(r.Filter.Actions, a)
				}
				_, err = [3]func(Where, Rule) (*Filter, error){p.AddFilter, p.ChangeFilter, p.ReplaceFilter}[at("verb", 3)](ingress, r)
			case 3:
				err = p.DeleteFilter(ingress, Rule{Chain: uint32(at("chain", 3)), Prio: uint16(at("prio", 4)), Filter: &Filter{Handle: uint32(at("handle", 3))}})
			case 4:
				err = p.AddChain(ingress, uint32(at("chain", 4)), nil, 0)
			case 5:
				err = p.DelChain(ingress, uint32(at("chain", 4)))
			case 6:
				err = p.AddActions([]*Action{{Kind: "ct", Index: uint32(at("index", 4)), CT: &CTAction{}}}, at("replace", 2) == 1)
			}
			if err != nil && snapshot(p) != before {
				rt.Fatalf("%v, and yet\n%s\nbecame\n%s", err, before, snapshot(p))
			}
			if at("settle", 3) == 0 {
				p.Settle()
			}
			consistent(rt, p)
		}
	})
}

// snapshot writes what a policy holds, dying actions left out.
func snapshot(p *Policy) string {
	var b strings.Builder
	for _, c := range p.Device("d").Block[Ingress].Chains {
		if c.HeldByGotoOnly() {
			continue
		}
		b.WriteString("chain " + string(rune('0'+c.Index)))
		for _, pr := range c.Protos {
			for _, f := range pr.Filters {
				b.WriteString(" " + string(rune('0'+f.Handle)))
				for _, a := range f.Actions {
					b.WriteString(a.Kind + string(rune('0'+a.Index)) + string(rune('0'+a.Ref)))
				}
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func consistent(t *rapid.T, p *Policy) {
	bound := map[*Action]int{}
	held := map[*Chain]int{}
	b := p.Device("d").Block[Ingress]
	count := func(a *Action) {
		for _, h := range a.holds {
			held[h.chain]++
		}
	}
	last := int64(-1)
	for _, c := range b.Chains {
		if int64(c.Index) <= last {
			t.Fatal("chains out of order")
		}
		last = int64(c.Index)
		prio := -1
		for _, pr := range c.Protos {
			if int(pr.Prio) <= prio || len(pr.Filters) == 0 {
				t.Fatalf("preference %d out of order or empty", pr.Prio)
			}
			prio = int(pr.Prio)
			keys, masks := map[maskedMatch]bool{}, map[Mask]bool{}
			for _, f := range pr.Filters {
				if pr.find(f.Handle) != f {
					t.Fatalf("handle %d is lost", f.Handle)
				}
				keys[masked(f.Match)], masks[MaskOf(f.Match)] = true, true
				for _, a := range f.Actions {
					bound[a]++
				}
			}
			if len(pr.index.byHandle) != len(pr.Filters) || len(pr.index.keys) != len(keys) {
				t.Fatalf("the index has %d handles and %d keys for %d filters and %d keys", len(pr.index.byHandle), len(pr.index.keys), len(pr.Filters), len(keys))
			}
			if got := pr.Masks(); len(got) != len(masks) || len(pr.masks) != len(masks) {
				t.Fatalf("%d masks listed, %d kept, %d in use", len(got), len(pr.masks), len(masks))
			}
		}
	}
	for _, kind := range []string{"ct", "gact"} {
		for _, a := range p.ActionsOf(kind) {
			if a.Bind != bound[a] || a.Ref < a.Bind || a.Ref == 0 || a.Ref > a.Bind+1 {
				t.Fatalf("%s %d: ref %d bind %d, bound %d times", kind, a.Index, a.Ref, a.Bind, bound[a])
			}
			count(a)
		}
	}
	for _, a := range p.dying {
		if p.Actions[a.Kind][a.Index] == a {
			t.Fatal("a dying action is listed")
		}
		count(a)
	}
	for _, c := range b.Chains {
		if c.gotos != held[c] {
			t.Fatalf("chain %d: %d holds, counted %d", c.Index, held[c], c.gotos)
		}
		if !c.Explicit && len(c.Protos) == 0 && c.gotos == 0 {
			t.Fatalf("chain %d is held by nothing", c.Index)
		}
	}
}
