package datapath

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/policy"
)

// A chain compiled into tuple spaces must answer what the kernel's own loops
// answer: preferences in order, in each the masks in order of their first
// filter, in each mask the filters.

// modelFirst is those loops, written out.
func modelFirst(ch *policy.Chain, k *policy.Key, fromProto int) (proto int, f *policy.Filter) {
	for pi := fromProto; pi < len(ch.Protos); pi++ {
		pr := ch.Protos[pi]
		if pr.Protocol != policy.EtherAll && pr.Protocol != k.EthType {
			continue
		}
		type mask struct {
			m        policy.Key
			src, dst bool
		}
		var masks []mask
		members := map[mask][]*policy.Filter{}
		for _, f := range pr.Filters {
			m := mask{f.Match.Mask, f.Match.SrcPorts != policy.PortRange{}, f.Match.DstPorts != policy.PortRange{}}
			if members[m] == nil {
				masks = append(masks, m)
			}
			members[m] = append(members[m], f)
		}
		for _, m := range masks {
			if f := modelMask(m.m, m.src || m.dst, members[m], k); f != nil && !f.SkipSW {
				return pi, f
			}
		}
	}
	return -1, nil
}

// modelMask looks a key up among one mask's filters. With ranges the kernel
// takes the ranges of each filter that they fit, in order, and looks for the
// filter with just these ranges and the packet's masked key.
func modelMask(mask policy.Key, ranges bool, filters []*policy.Filter, k *policy.Key) *policy.Filter {
	masked := *k
	for i, w := range mask.Words() {
		masked.Words()[i] &= w
	}
	lookup := func(src, dst policy.PortRange) *policy.Filter {
		for _, f := range filters {
			if f.Match.Key == masked && f.Match.SrcPorts == src && f.Match.DstPorts == dst {
				return f
			}
		}
		return nil
	}
	if !ranges {
		return lookup(policy.PortRange{}, policy.PortRange{})
	}
	in := func(r policy.PortRange, p uint16) bool { return r.Max == 0 || p >= r.Min && p <= r.Max }
	for _, f := range filters {
		if in(f.Match.SrcPorts, k.SrcPort) && in(f.Match.DstPorts, k.DstPort) {
			if g := lookup(f.Match.SrcPorts, f.Match.DstPorts); g != nil {
				return g
			}
		}
	}
	return nil
}

// drawKey makes a key over few values, so that filters and packets meet.
func drawKey(t *rapid.T) (k policy.Key) {
	k.EthType = rapid.SampledFrom([]uint16{0x800, 0x86dd}).Draw(t, "eth")
	k.IPProto = rapid.SampledFrom([]uint8{6, 17}).Draw(t, "proto")
	k.CTState = rapid.Uint16Range(0, 7).Draw(t, "state")
	k.SrcPort = rapid.Uint16Range(1, 4).Draw(t, "sport")
	k.DstPort = rapid.Uint16Range(1, 4).Draw(t, "dport")
	k.DstIP[3] = rapid.Uint8Range(0, 7).Draw(t, "ip")
	k.CTMark = rapid.Uint32Range(0, 1).Draw(t, "mark")
	return k
}

func drawFilter(t *rapid.T, ranges bool) *policy.Filter {
	m := &policy.Match{Key: drawKey(t)}
	pick := func(name string) bool { return rapid.Bool().Draw(t, name) }
	if pick("m.eth") {
		m.Mask.EthType = 0xffff
	}
	if pick("m.proto") {
		m.Mask.IPProto = 0xff
	}
	if pick("m.state") {
		m.Mask.CTState = rapid.SampledFrom([]uint16{1, 3, 6}).Draw(t, "statemask")
	}
	if pick("m.ip") {
		m.Mask.DstIP[3] = rapid.SampledFrom([]uint8{0xff, 0x06}).Draw(t, "ipmask")
	}
	if pick("m.mark") {
		m.Mask.CTMark = 1
	}
	switch {
	case ranges && pick("range"):
		lo := rapid.Uint16Range(1, 3).Draw(t, "lo")
		m.DstPorts = policy.PortRange{Min: lo, Max: rapid.Uint16Range(lo+1, 5).Draw(t, "hi")}
	case pick("m.dport"):
		m.Mask.DstPort = 0xffff
	}
	for i, w := range m.Mask.Words() {
		m.Key.Words()[i] &= w
	}
	return &policy.Filter{Match: m, SkipSW: rapid.IntRange(0, 9).Draw(t, "skip_sw") == 0}
}

// drawChain makes a chain of several preferences without duplicates.
func drawChain(t *rapid.T) *policy.Chain {
	ch := &policy.Chain{}
	for prio := range rapid.IntRange(1, 4).Draw(t, "prios") {
		pr := &policy.Proto{Prio: uint16(prio + 1), Kind: "flower", Protocol: rapid.SampledFrom([]uint16{policy.EtherAll, 0x800}).Draw(t, "protocol")}
		seen := map[string]bool{}
		ranges := rapid.Bool().Draw(t, "ranges")
		for range rapid.IntRange(0, 14).Draw(t, "filters") {
			f := drawFilter(t, ranges)
			if ranges && f.SkipSW {
				f.SkipSW = false // the kernel finds it and gives up on the mask; nobody mixes the two
			}
			id := fmt.Sprint(*f.Match)
			if !seen[id] {
				seen[id] = true
				pr.Filters = append(pr.Filters, f)
			}
		}
		ch.Protos = append(ch.Protos, pr)
	}
	return ch
}

func TestClassifierAgreesWithKernelOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ch := drawChain(t)
		p := &policy.Policy{Devices: []*policy.Device{{Name: "d", Block: [2]*policy.Block{{Chains: []*policy.Chain{ch}}}}}}
		e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
		if err := e.Load(p, 1); err != nil {
			t.Fatal(err)
		}
		c := &e.prog.blocks[0].chains[0]
		for range 20 {
			k := drawKey(t)
			packed := pack(&k, k.EthType)
			proto, after := 0, c.begin-1
			for {
				wp, want := modelFirst(ch, &k, proto)
				i := c.next(&packed, nil, e.prog.filters, after)
				if want == nil {
					if i >= 0 {
						t.Fatalf("matched %+v, want nothing", e.prog.filters[i].filter.Match)
					}
					break
				}
				if i < 0 || e.prog.filters[i].filter != want {
					t.Fatalf("matched filter %d, want one of prio index %d; filters %s", i, wp, dump(ch))
				}
				// As `continue` does: on with the next preference.
				proto, after = wp+1, e.prog.filters[i].protoEnd
			}
		}
	})
}

// TestManyFiltersOneLookup: the cost of a chain is its masks, not its filters.
func TestManyFiltersOneLookup(t *testing.T) {
	ch := &policy.Chain{}
	for i := range 10_000 {
		m := &policy.Match{}
		m.Key.EthType, m.Mask.EthType = 0x800, 0xffff
		m.Key.DstIP = [16]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
		m.Mask.DstIP = [16]byte{255, 255, 255, 255}
		ch.Protos = append(ch.Protos, &policy.Proto{Prio: uint16(i + 1), Kind: "flower", Protocol: 0x800, Filters: []*policy.Filter{{Handle: 1, Match: m}}})
	}
	p := &policy.Policy{Devices: []*policy.Device{{Name: "d", Block: [2]*policy.Block{{Chains: []*policy.Chain{ch}}}}}}
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
	if err := e.Load(p, 1); err != nil {
		t.Fatal(err)
	}
	c := &e.prog.blocks[0].chains[0]
	if n := len(c.groups); n != 1 {
		t.Fatalf("%d tuple spaces for one mask over 10,000 preferences, want 1", n)
	}
	k := policy.Key{EthType: 0x800}
	for _, i := range []int{0, 1, 777, 9999} {
		k.DstIP = [16]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
		packed := pack(&k, 0x800)
		if got := c.next(&packed, nil, e.prog.filters, -1); int(got) != i {
			t.Errorf("filter %d: found %d", i, got)
		}
	}
}

// TestChainAgreesWithScan: gates, small groups and tables find what comparing
// with one filter after the other finds, from any filter on.
func TestChainAgreesWithScan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := []int{wBase, wL4, wMark, wSrcIP, wDstIP + 1, wLabel, wCFM}
		draw := func(name string) (k key) {
			for _, w := range words {
				k[w] = uint64(rapid.IntRange(0, 7).Draw(t, name)) << 30
			}
			return k
		}
		masks := make([]key, rapid.IntRange(1, 5).Draw(t, "masks"))
		for i := range masks {
			masks[i] = draw("mask")
		}
		var c chain
		var keys, of []key
		var filters []filter
		last := make([]map[key]int32, len(masks))
		place := make([]int, len(masks))
		for i := range int32(rapid.IntRange(1, 120).Draw(t, "filters")) {
			n := rapid.IntRange(0, len(masks)-1).Draw(t, "mask of")
			k := draw("key")
			for w := range k {
				k[w] &= masks[n][w]
			}
			if last[n] == nil {
				last[n], place[n] = map[key]int32{}, len(c.groups)
				c.groups = append(c.groups, group{mask: masks[n], first: i})
			}
			filters = append(filters, filter{nextSame: -1})
			c.groups[place[n]].insert(&k, i, last[n], filters)
			keys, of = append(keys, k), append(of, masks[n])
		}
		c.end = int32(len(filters))
		c.seal()
		for range 30 {
			k := draw("packet")
			for after := int32(-1); ; {
				want := int32(-1)
			scan:
				for i := after + 1; i < c.end; i++ {
					for w := range k {
						if k[w]&of[i][w] != keys[i][w] {
							continue scan
						}
					}
					want = i
					break
				}
				if got := c.next(&k, nil, filters, after); got != want {
					t.Fatalf("after filter %d: found %d, want %d", after, got, want)
				}
				if after = want; want < 0 {
					break
				}
			}
		}
	})
}

// masks64 is a chain of 10,000 filters of 64 masks with nothing in common, so
// that no gate stops anything by what entries agree in; and how a packet that
// none matches is looked up.
func masks64(tb testing.TB) (look func() int32) {
	rng := rand.New(rand.NewPCG(1, 2))
	ch := &policy.Chain{}
	for i := range 10_000 {
		m := &policy.Match{}
		m.Key.EthType, m.Mask.EthType = 0x800, 0xffff
		put := func(k, mask *[16]byte, bits int) {
			binary.BigEndian.PutUint32(mask[:], ^uint32(0)<<(32-bits))
			binary.BigEndian.PutUint32(k[:], rng.Uint32()&(^uint32(0)<<(32-bits)))
		}
		put(&m.Key.SrcIP, &m.Mask.SrcIP, 17+i%8)
		put(&m.Key.DstIP, &m.Mask.DstIP, 17+i/8%8)
		ch.Protos = append(ch.Protos, &policy.Proto{Prio: uint16(i + 1), Kind: "flower", Protocol: 0x800, Filters: []*policy.Filter{{Handle: 1, Match: m}}})
	}
	p := &policy.Policy{Devices: []*policy.Device{{Name: "d", Block: [2]*policy.Block{{Chains: []*policy.Chain{ch}}}}}}
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
	if err := e.Load(p, 1); err != nil {
		tb.Fatal(err)
	}
	c := &e.prog.blocks[0].chains[0]
	if len(c.groups) != 64 {
		tb.Fatal(len(c.groups), "groups")
	}
	k := policy.Key{EthType: 0x800}
	i, packed := uint32(0), pack(&k, 0x800)
	return func() int32 {
		i += 0x9e3779b9
		packed[wDstIP], packed[wSrcIP] = uint64(i)<<32, uint64(i*7)<<32
		return c.next(&packed, nil, e.prog.filters, -1)
	}
}

func TestLookupsAllocateNothing(t *testing.T) {
	look := masks64(t)
	if n := testing.AllocsPerRun(1000, func() { look() }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkClassify64Masks(b *testing.B) {
	look := masks64(b)
	for b.Loop() {
		look()
	}
}

func BenchmarkClassify10kFilters8Masks(b *testing.B) {
	ch := &policy.Chain{}
	for i := range 10_000 {
		m := &policy.Match{}
		m.Key.EthType, m.Mask.EthType = 0x800, 0xffff
		bits := 32 - i%8
		ip := uint32(10)<<24 | uint32(i)<<8
		mask := ^uint32(0) << (32 - bits)
		for j := range 4 {
			m.Key.DstIP[j], m.Mask.DstIP[j] = byte(ip&mask>>(24-8*j)), byte(mask>>(24-8*j))
		}
		ch.Protos = append(ch.Protos, &policy.Proto{Prio: uint16(i + 1), Kind: "flower", Protocol: 0x800, Filters: []*policy.Filter{{Handle: 1, Match: m}}})
	}
	p := &policy.Policy{Devices: []*policy.Device{{Name: "d", Block: [2]*policy.Block{{Chains: []*policy.Chain{ch}}}}}}
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
	if err := e.Load(p, 1); err != nil {
		b.Fatal(err)
	}
	c := &e.prog.blocks[0].chains[0]
	k := policy.Key{EthType: 0x800}
	i, packed := uint32(0), pack(&k, 0x800)
	for b.Loop() {
		i += 7919
		packed[wDstIP] = 10<<56 | uint64(i&0xffff00)<<32
		c.next(&packed, nil, e.prog.filters, -1)
	}
}

// dump renders a chain's filters shortly.
func dump(ch *policy.Chain) string {
	s := ""
	for _, pr := range ch.Protos {
		for _, f := range pr.Filters {
			m := f.Match
			s += fmt.Sprintf("\n  prio %d protocol %#x skip_sw %v: eth %x/%x proto %d/%x state %x/%x mark %x/%x ip %d/%x dport %d/%x range %v", pr.Prio, pr.Protocol, f.SkipSW,
				m.Key.EthType, m.Mask.EthType, m.Key.IPProto, m.Mask.IPProto, m.Key.CTState, m.Mask.CTState, m.Key.CTMark, m.Mask.CTMark,
				m.Key.DstIP[3], m.Mask.DstIP[3], m.Key.DstPort, m.Mask.DstPort, m.DstPorts)
		}
	}
	return s
}
