package tc

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"

	"sluice/policy"
)

// controlWord is iproute2's action_n2a.
func controlWord(c policy.Control) string {
	switch c {
	case policy.Pipe:
		return "pipe"
	case policy.OK:
		return "pass"
	case policy.Shot:
		return "drop"
	case policy.Continue:
		return "continue"
	case policy.Reclassify:
		return "reclassify"
	case policy.Stolen:
		return "stolen"
	case policy.Trap:
		return "trap"
	case policy.GotoChain:
		return "goto"
	case policy.Jump:
		return "jump"
	}
	panic(fmt.Sprintf("control %d", c))
}

// control writes how an action ends, after a prefix and before a suffix.
func (p *printer) control(prefix string, c policy.Control, arg uint32, suffix string) {
	p.textf("%s", prefix)
	p.openObject("control_action")
	p.str("type", "%s", controlWord(c))
	switch c {
	case policy.GotoChain:
		p.uint("chain", " chain %d", uint64(arg))
	case policy.Jump:
		p.uint("jump", " %d", uint64(arg))
	}
	p.close()
	p.textf("%s", suffix)
}

// actions writes a filter's actions, or those of `tc actions`, from the given
// number on. bound: they are a filter's.
func (p *printer) actions(acts []*policy.Action, first int, bound bool) {
	if len(acts) == 0 {
		return
	}
	p.openArray("actions")
	for i, a := range acts {
		p.openObject("")
		p.nl()
		p.uint("order", "\taction order %d: ", uint64(first+i))
		p.action(a, bound)
		p.close()
	}
	p.close()
}

func (p *printer) action(a *policy.Action, bound bool) {
	if p.o.brief {
		text := a.Kind
		switch a.Kind {
		case "ct":
		case "pedit":
			text = " pedit "
		case "police":
			text = "" // iproute2 writes the kind later, with the index
		default:
			text += " "
		}
		p.textf("%s", text)
		p.jsonStr("kind", a.Kind)
		if !bound {
			p.uint("index", "\t index %d", uint64(a.Index))
			p.nl()
		}
		p.cookie(a)
		return
	}
	var st policy.Stats
	if p.s.Stats != nil {
		st = p.s.Stats(a)
	}
	switch {
	case a.Gact != nil:
		p.gact(a)
	case a.Mirred != nil:
		p.mirred(a)
	case a.CT != nil:
		p.ct(a)
	case a.TunnelKey != nil:
		p.tunnelKey(a)
	case a.VLAN != nil:
		p.vlan(a)
	case a.MPLS != nil:
		p.mpls(a)
	case a.Pedit != nil:
		p.pedit(a)
	case a.Csum != nil:
		p.csum(a)
	case a.Skbedit != nil:
		p.skbedit(a)
	case a.Police != nil:
		p.police(a)
	case a.Sample != nil:
		p.sample(a)
	default:
		p.str("kind", "%s", a.Kind)
	}
	ref, bind := " ref %d", " bind %d"
	if a.Police != nil {
		ref, bind = "\tref %d", " bind %d "
	}
	p.int("ref", ref, a.Ref)
	p.int("bind", bind, a.Bind)
	if p.o.stats {
		p.times(st)
	}
	if a.Pedit != nil {
		p.peditKeys(a.Pedit)
	}
	p.nl()
	if p.o.stats {
		p.textf("\tAction statistics:")
		p.nl()
		p.textf("\t")
		p.openObject("stats")
		p.stats2(st, "\t")
		p.close()
		p.nl()
	}
	p.cookie(a)
	p.flags(a, bound)
}

func (p *printer) cookie(a *policy.Action) {
	if len(a.Cookie) > 0 {
		p.str("cookie", "\tcookie %s", hex.EncodeToString(a.Cookie))
		p.nl()
	}
}

func (p *printer) int(key, format string, v int) { p.uint(key, format, uint64(max(v, 0))) }

// flags writes what may follow an action, in tc's order.
func (p *printer) flags(a *policy.Action, bound bool) {
	line := false
	flag := func(key string, on bool) {
		if on {
			p.boolean(key, "\t"+key, true)
			line = true
		}
	}
	flag("no_percpu", a.NoPercpu)
	if !bound {
		flag("skip_hw", a.SkipHW)
		flag("skip_sw", a.SkipSW)
		flag("not_in_hw", !a.SkipHW)
	}
	if line {
		p.nl()
	}
	list := func(key string, names []string) {
		p.textf("\t%s", key)
		p.openArray(key)
		for _, n := range names {
			p.str("", " %s", n)
		}
		p.close()
		p.nl()
	}
	if len(a.HWStats) > 0 {
		list("hw_stats", a.HWStats)
	}
	if !bound && a.Listed && offloads(a) {
		// No device has counted. The kernel says so once it has listed the
		// instance.
		list("used_hw_stats", []string{"disabled"})
	}
}

// offloads reports whether the kernel has a form of the action for devices;
// it does not ask after others (each action's offload_act_setup).
func offloads(a *policy.Action) bool {
	switch {
	case a.Pedit != nil:
		return a.Pedit.Extended && !slices.ContainsFunc(a.Pedit.Keys, func(k policy.PeditKey) bool { return k.Add != a.Pedit.Keys[0].Add })
	case a.MPLS != nil:
		return a.MPLS.Op != policy.MPLSDecTTL && a.MPLS.Op != policy.MPLSMACPush
	case a.Skbedit != nil:
		s := *a.Skbedit
		n := 0
		for _, has := range []bool{s.HasMark, s.HasPriority, s.HasPType} {
			if has {
				n++
			}
		}
		return n == 1 && !s.HasMask && !s.HasQueue && !s.InheritDS
	}
	return true
}

// times writes the ages in seconds of making, last and first use.
func (p *printer) times(st policy.Stats) {
	var now int64
	if p.s.Now != nil {
		now = p.s.Now()
	}
	age := func(t int64) uint64 { return uint64(max(now-t, 0)) / 1e9 }
	p.uint("installed", " installed %d sec", age(st.Installed))
	last := st.LastUsed
	if st.FirstUsed == 0 && last == 0 {
		last = st.Installed
	}
	p.uint("last_used", " used %d sec", age(last))
	if st.FirstUsed != 0 || st.Packets > 0 {
		p.uint("first_used", " firstused %d sec", age(st.FirstUsed))
	}
}

func (p *printer) gact(a *policy.Action) {
	g := a.Gact
	p.str("kind", "%s ", "gact")
	p.control("action ", a.Control, a.ControlArg, "")
	p.openObject("prob")
	p.nl()
	typ, ctl, arg := g.RandomType, g.RandomCtl, g.RandomArg
	if typ == "" || typ == "none" {
		typ, ctl, arg = "none", policy.OK, 0
	}
	p.str("random_type", "\t random type %s", typ)
	p.control(" ", ctl, arg, " ")
	p.uint("val", "val %d", uint64(g.RandomVal))
	p.close()
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

func (p *printer) mirred(a *policy.Action) {
	m := a.Mirred
	p.str("kind", "%s ", "mirred")
	dir, verb, words := "egress", "redirect", "Egress"
	if m.Ingress {
		dir, words = "ingress", "Ingress"
	}
	if m.Mirror {
		verb, words = "mirror", words+" Mirror"
	} else {
		words += " Redirect"
	}
	p.textf("(%s", words)
	p.jsonStr("mirred_action", verb)
	p.jsonStr("direction", dir)
	if m.Block != 0 {
		p.uint("to_blockid", " to blockid %d)", uint64(m.Block))
	} else {
		p.str("to_dev", " to device %s)", m.Dev)
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\tindex %d", uint64(a.Index))
}

func (p *printer) ct(a *policy.Action) {
	c := a.CT
	p.str("kind", "%s", "ct")
	switch {
	case c.Commit && c.Force:
		p.str("action", " %s", "commit force")
	case c.Commit:
		p.str("action", " %s", "commit")
	case c.Clear:
		p.str("action", " %s", "clear")
	}
	if !c.Clear {
		if c.MarkMask != 0 {
			p.masked("mark", uint64(c.Mark), uint64(c.MarkMask), 0xffffffff, " ")
		}
		p.uint("zone", " zone %d", uint64(c.Zone))
		if c.LabelMask != [16]byte{} {
			p.str("label", " label %s", labelText(c.Label, c.LabelMask))
		}
		if c.Helper != "" {
			p.str("helper", " helper %s", c.Helper)
		}
		if c.NAT {
			if s := natText(c); s != "" {
				p.str("nat", " nat %s", s)
			} else {
				p.textf(" nat")
				p.jsonStr("nat", "")
			}
		}
		if c.Clone {
			// Not iproute2's: it has no such action.
			p.uint("clone_chain", " chain %d", uint64(c.CloneChain))
		}
	}
	p.control(" ", a.Control, a.ControlArg, "")
	p.nl()
	p.uint("index", "\t index %d", uint64(a.Index))
}

// masked writes VALUE[/MASK]: in text one word with a hexadecimal mask, in
// JSON the mask under a key of its own, as a string. full is the mask that
// does not show.
func (p *printer) masked(name string, v, mask, full uint64, before string) {
	p.uint(name, before+name+" %d", v)
	if mask != full {
		p.str(name+"_mask", map[bool]string{true: "%s", false: "/0x%s"}[p.o.json], fmt.Sprintf("%x", mask))
	}
}

// labelText writes a label, with its mask unless that is full.
func labelText(v, mask [16]byte) string {
	s := hex.EncodeToString(v[:])
	for _, b := range mask {
		if b != 0xff {
			return s + "/" + hex.EncodeToString(mask[:])
		}
	}
	return s
}

func natText(c *policy.CTAction) string {
	s := ""
	switch {
	case c.NATSrc:
		s = "src"
	case c.NATDst:
		s = "dst"
	default:
		return ""
	}
	if c.NATHasAddr {
		fam := uint8(4)
		if c.NATIPv6 {
			fam = 6
		}
		s += " addr " + addrText(c.NATMin, fam)
		if c.NATMax != c.NATMin {
			s += "-" + addrText(c.NATMax, fam)
		}
	}
	if c.NATHasPort {
		s += fmt.Sprintf(" port %d", c.PortMin)
		if c.PortMax != c.PortMin {
			s += fmt.Sprintf("-%d", c.PortMax)
		}
	}
	for _, flag := range []struct {
		on   bool
		name string
	}{{c.NATRandom, " random"}, {c.NATHash, " hash"}, {c.NATPersistent, " persistent"}} {
		if flag.on {
			s += flag.name
		}
	}
	return s
}

// addrText writes an address as inet_ntop does.
func addrText(a [16]byte, family uint8) string {
	if family == 4 {
		return netip.AddrFrom4([4]byte(a[:4])).String()
	}
	return netip.AddrFrom16(a).String()
}
