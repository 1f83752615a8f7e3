package datapath

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/policy"
)

// compile turns a policy into a program. The engine lends it counters and
// flow tables.
func (e *Engine) compile(p *policy.Policy, now int64) (*program, error) {
	c := e.compiler(p, now)
	// Number all blocks first: an action may name one that comes later.
	for _, d := range p.Devices {
		dp := devProg{name: d.Name, block: [2]int32{-1, -1}}
		for b := range d.Block {
			if d.Block[b] != nil {
				dp.block[b] = c.number(d.Block[b])
			}
		}
		zone := int32(-1)
		if b := d.Block[policy.Ingress]; b != nil {
			if z, ok := firstZone(b); ok {
				zone = int32(z)
			}
		}
		c.p.devs, c.p.zones = append(c.p.devs, dp), append(c.p.zones, zone)
	}
	for _, i := range slices.Sorted(maps.Keys(p.Blocks)) {
		c.number(p.Blocks[i])
	}
	c.ports(p)
	for n, b := range c.order {
		if err := c.block(&c.p.blocks[n], b); err != nil {
			return nil, err
		}
	}
	for i := range c.p.devs {
		d := &c.p.devs[i]
		n := d.block[policy.Ingress]
		d.bare = n < 0 || c.p.blocks[n].zero < 0 || c.p.blocks[n].chains[c.p.blocks[n].zero].empty()
	}
	c.p.steady = c.p.findSteady()
	c.p.findEnc()
	return c.p, nil
}

// compiler begins a program; its blocks are still to be compiled.
func (e *Engine) compiler(p *policy.Policy, now int64) *compiler {
	c := &compiler{e: e, p: &program{policy: p}, now: now, devs: map[string]int32{}, blocks: map[*policy.Block]int32{}}
	for i, d := range p.Devices {
		c.devs[d.Name] = int32(i)
	}
	return c
}

type compiler struct {
	e      *Engine
	p      *program
	now    int64
	devs   map[string]int32
	blocks map[*policy.Block]int32
	order  []*policy.Block
}

// number gives a block its place in the program, once, however many devices
// share it.
func (c *compiler) number(b *policy.Block) int32 {
	n, ok := c.blocks[b]
	if !ok {
		n = int32(len(c.p.blocks))
		c.blocks[b] = n
		c.order = append(c.order, b)
		c.p.blocks = append(c.p.blocks, block{})
	}
	return n
}

func (c *compiler) block(out *block, b *policy.Block) error {
	for _, ch := range b.Chains {
		out.chains = append(out.chains, chain{index: ch.Index})
	}
	out.zero = out.chainAt(0)
	for i, ch := range b.Chains {
		if err := c.chain(out, &out.chains[i], ch); err != nil {
			return err
		}
	}
	return nil
}

// ordered is a filter with its place among those of its preference.
type ordered struct {
	f     *policy.Filter
	mask  int // rank of its mask
	place int // among the mask's filters
}

// order lists a preference's filters as the kernel would try them: masks in
// the order of their first filter; within a mask, filters with port ranges in
// the order in which their range was first used (cls_flower.c
// fl_mask_lookup, fl_lookup_range). Without ranges a mask has at most one
// filter for any packet, so their order does not matter.
func order(p *policy.Proto) []ordered {
	out := make([]ordered, 0, len(p.Filters))
	if p.Kind != "flower" {
		for i, f := range p.Filters {
			out = append(out, ordered{f, 0, i})
		}
		return out
	}
	ranks := maskRanks(p)
	type ranges struct {
		mask     int
		src, dst policy.PortRange
	}
	seen := map[ranges]int{}
	for i, f := range p.Filters {
		r := ranges{ranks[i], f.Match.SrcPorts, f.Match.DstPorts}
		place, ok := seen[r]
		if !ok {
			place = i
			seen[r] = i
		}
		out = append(out, ordered{f, ranks[i], place})
	}
	slices.SortStableFunc(out, func(a, b ordered) int {
		return cmp.Or(cmp.Compare(a.mask, b.mask), cmp.Compare(a.place, b.place))
	})
	return out
}

// maskRanks numbers each filter's mask as the kernel tries them.
func maskRanks(p *policy.Proto) []int {
	rank := map[policy.Mask]int{}
	for i, m := range p.Masks() {
		rank[m] = i
	}
	ranks := make([]int, len(p.Filters))
	for i, f := range p.Filters {
		ranks[i] = rank[policy.MaskOf(f.Match)]
	}
	return ranks
}

// chain compiles a chain's filters into tuple spaces.
func (c *compiler) chain(b *block, out *chain, ch *policy.Chain) error {
	out.begin = int32(len(c.p.filters))
	type space struct {
		mask key
		rng  bool
	}
	spaces := map[space]int{}
	entries := []map[key]int32{} // by group: masked key to last filter with it
	for _, pr := range ch.Protos {
		first := int32(len(c.p.filters))
		for _, o := range order(pr) {
			k, m, rng := maskedKey(pr, o.f)
			if d := c.e.device; d != nil {
				k, m = d.blurred(pr, k, m)
			}
			// Never: no packet here can match it, or software does not see it. It
			// has a number all the same, which devices know it by.
			never, ok := o.f.SkipSW && c.e.device == nil, true
			i := int32(len(c.p.filters))
			fl := filter{nextSame: -1, proto: pr, filter: o.f, chain: ch.Index}
			if o.f.Match != nil {
				fl.src, fl.dst = o.f.Match.SrcPorts, o.f.Match.DstPorts
				if len(o.f.Match.EncOpts) > 0 && (c.e.device == nil || !c.e.device.anyTunnel) {
					if fl.opts, ok = compileOpts(o.f.Match); !ok {
						never = true
					}
					rng = true
				}
			}
			if err := c.actions(b, &fl, o.f); err != nil {
				return err
			}
			c.p.filters = append(c.p.filters, fl)
			if never {
				continue
			}
			if o.f.Match != nil {
				c.p.need |= needed(&o.f.Match.Mask, rng)
				if fl.opts != nil {
					c.p.need |= needTunnel | needTunnelOpts
				}
			}
			s := space{m, rng}
			n, there := spaces[s]
			if !there {
				n = len(out.groups)
				spaces[s] = n
				out.groups = append(out.groups, group{mask: m, first: i, rng: rng})
				entries = append(entries, map[key]int32{})
			}
			out.groups[n].insert(&k, i, entries[n], c.p.filters)
		}
		end := int32(len(c.p.filters)) - 1
		for i := first; i <= end; i++ {
			c.p.filters[i].protoEnd = end
		}
	}
	out.end = int32(len(c.p.filters))
	out.seal()
	return nil
}

// maskedKey gives what a filter compares.
func maskedKey(pr *policy.Proto, f *policy.Filter) (k, m key, rng bool) {
	var any policy.Key
	kk, mm, proto, pmask := &any, &any, uint16(0), uint16(0)
	if pr.Protocol != policy.EtherAll {
		proto, pmask = pr.Protocol, 0xffff
	}
	if f.Match != nil {
		kk, mm = &f.Match.Key, &f.Match.Mask
		rng = f.Match.SrcPorts != policy.PortRange{} || f.Match.DstPorts != policy.PortRange{}
	}
	k, m = pack(kk, proto), pack(mm, pmask)
	for i := range k {
		k[i] &= m[i]
	}
	return k, m, rng
}

// actions compiles a filter's actions.
func (c *compiler) actions(b *block, fl *filter, f *policy.Filter) error {
	fl.act, fl.nact = int32(len(c.p.actions)), int32(len(f.Actions))
	for i, a := range f.Actions {
		out := action{nth: uint8(i), control: a.Control, skipSW: a.SkipSW, dev: -1, toBlock: -1, stat: c.e.counters.slot(a, c.e.generation, c.now)}
		out.arg = controlArg(b, a.Control, a.ControlArg)
		switch {
		case a.Gact != nil:
			out.kind = actGact
			switch a.Gact.RandomType {
			case "netrand":
				out.random = randomNet
			case "determ":
				out.random = randomDeterm
			}
			out.randomCtl, out.randomVal = a.Gact.RandomCtl, a.Gact.RandomVal
			out.randomArg = controlArg(b, a.Gact.RandomCtl, a.Gact.RandomArg)
		case a.Mirred != nil:
			out.kind = actMirred
			out.mirror, out.ingress = a.Mirred.Mirror, a.Mirred.Ingress
			if d, ok := c.devs[a.Mirred.Dev]; ok {
				out.dev = d
			}
			if a.Mirred.Block != 0 {
				sb := c.p.policy.Blocks[a.Mirred.Block]
				if sb == nil {
					return fmt.Errorf("mirred: block %d does not exist", a.Mirred.Block)
				}
				out.toBlock = c.blocks[sb]
			}
		case a.CT != nil:
			out.kind = actCT
			out.ct = &ctParams{CTAction: *a.CT, nat: natRange(a.CT), clone: -1, chain: fl.chain}
			if c.e.device == nil {
				out.ct.table = c.e.table(a, c.now)
			}
			if a.CT.Helper != "" && !out.ct.setHelper(a.CT.Helper) {
				// Letting such connections run without their helper would
				// be worse than not running the policy.
				return &UnsupportedError{Place: a.Place, What: "action ct helper " + a.CT.Helper + " (Failed to add helper)"}
			}
			if a.CT.Clone {
				out.ct.clone = b.chainAt(a.CT.CloneChain)
			}
		case a.TunnelKey != nil:
			out.kind = actTunnelKey
			out.set = c.tunnelKey(a.TunnelKey)
		default:
			kind, ed, ok := c.e.newEdit(a, c.now)
			if !ok {
				return fmt.Errorf("action %s is not known to the datapath", a.Kind)
			}
			out.kind, out.edit = kind, ed
		}
		c.p.actions = append(c.p.actions, out)
	}
	if c.e.device == nil && endsHere(f) {
		for i := range c.p.actions[fl.act:] {
			c.p.actions[int(fl.act)+i].final = true
		}
	}
	return nil
}

// endsHere reports whether a packet that a filter has matched is classified no
// more, whatever its actions say.
func endsHere(f *policy.Filter) bool {
	for _, a := range f.Actions {
		switch a.Control {
		case policy.Pipe, policy.OK, policy.Shot, policy.Stolen, policy.Trap:
		default:
			return false
		}
		if a.Gact != nil && a.Gact.RandomType != "" && a.Gact.RandomType != "none" || a.Police != nil || a.CT != nil && a.CT.Clone {
			return false
		}
	}
	return true
}

// UnsupportedError names an action that this datapath cannot carry out.
type UnsupportedError struct {
	Place policy.Place
	What  string
}

func (e *UnsupportedError) Error() string {
	s := e.What + " is not supported by this datapath"
	if p := e.Place; p.Line != 0 && p.Word == "" {
		s = fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, s)
	} else if p.Line != 0 {
		s = fmt.Sprintf("%s:%d:%d: %s (at %q)", p.File, p.Line, p.Col, s, p.Word)
	}
	return s
}

// natRange is what a ct action may translate to.
func natRange(a *policy.CTAction) conntrack.NATRange {
	r := conntrack.NATRange{
		Min: a.NATMin, Max: a.NATMax, Family: packet.IPv4, HasAddr: a.NATHasAddr,
		MinPort: a.PortMin, MaxPort: a.PortMax, HasPort: a.NATHasPort,
		Random: a.NATRandom, Hash: a.NATHash, Persistent: a.NATPersistent,
	}
	if a.NATSrc && a.NATMin == [16]byte{} && a.NATMax == [16]byte{} {
		// ovs-actions(7): nothing but the port changes, and that only where
		// two connections would get in each other's way, or where a range is
		// given. Linux' act_ct would give packets the source 0.0.0.0, which
		// nobody can have meant.
		r.HasAddr, r.KeepAddr = false, a.NATHasPort
	}
	if a.NATIPv6 {
		r.Family = packet.IPv6
	}
	switch {
	case a.NATSrc:
		r.Manip = conntrack.SrcNAT
	case a.NATDst:
		r.Manip = conntrack.DstNAT
	}
	return r
}

// setHelper finds the helper that FAMILY-PROTOCOL-NAME names.
func (p *ctParams) setHelper(s string) (ok bool) {
	f := strings.SplitN(s, "-", 3)
	if len(f) != 3 {
		return false
	}
	proto := map[string]uint8{"tcp": packet.ProtoTCP, "udp": packet.ProtoUDP}[f[1]]
	p.fam = map[string]uint8{"ipv4": packet.IPv4, "ipv6": packet.IPv6}[f[0]]
	p.help, ok = conntrack.HelperByName(f[2], proto)
	return ok
}

func controlArg(b *block, ctl policy.Control, arg uint32) int32 {
	if ctl == policy.GotoChain {
		return b.goTo(arg)
	}
	return int32(arg)
}

// firstZone guesses which zone a block's packets are looked up in first, so
// that their connections can be fetched before they are needed: the zone of
// the first ct action in the lowest chain. A wrong guess costs time only.
func firstZone(b *policy.Block) (uint16, bool) {
	for _, ch := range b.Chains {
		for _, pr := range ch.Protos {
			for _, f := range pr.Filters {
				for _, a := range f.Actions {
					if a.CT != nil && !a.CT.Clear {
						return a.CT.Zone, true
					}
				}
			}
		}
	}
	return 0, false
}
