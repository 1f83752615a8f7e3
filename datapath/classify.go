package datapath

import (
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// group is all filters of a chain that share a mask, whatever their
// preference: one tuple space. A packet is looked up once in each group, not
// once in each filter (Srinivasan, Suri, Varghese 1999).
//
// Entries lie in an open-addressing table of indices; entry i's key is the
// i-th run of len(parts) words in keys. Equal keys of several preferences are
// chained in the order in which the kernel would try them.
type group struct {
	parts []part // the words in which entries differ, or that the gate has no room for
	keys  []uint64
	head  []int32 // by entry: its first filter
	table []int32 // entry + 1; 0 is free; length a power of two; none for a small group
	maybe bitSet  // of the entries; empty where one word tells, and the gate has asked for it
	first int32   // the least filter index in the group
	last  int32   // the greatest
	rng   bool    // filters carry port ranges or tunnel options, checked after the key
	mask  key
	all   []key // by entry: its masked key, until the group is sealed
}

// part is a word of the key that a group looks at.
type part struct {
	mask uint64
	word uint8
}

// gate is what stands before a group, in two cache lines. The first: what all
// of its entries have in common. Filters of a mask are written for a purpose:
// they are of one protocol, one network, one range of ports. So most packets
// come no further, and a word that is the same in all entries is compared here
// and nowhere else.
//
// The second: the word in which entries differ most, and for each of its values
// two bits. With many masks and nothing in common this costs one product a
// mask.
type gate struct {
	sure  [3]uint64 // bits of the mask in which all entries agree
	value [3]uint64 // how they are
	word  [3]uint8
	alone bool  // the group is one filter, and there is nothing to compare but this
	first int32 // of the group
	last  int32
	_     int32

	maybe bitSet // empty: not asked
	most  part
	_     [3]uint64
}

const _ = uint(128 - unsafe.Sizeof(gate{}))
const _ = uint(unsafe.Sizeof(gate{}) - 128)

// wordMask keeps a word's number within a key.
const wordMask = uint8(len(key{}) - 1)

// smallGroup is up to how many entries a group is scanned in order: comparing
// a few keys costs less than hashing one.
const smallGroup = 4

// find returns the first filter after index after that matches a packet that
// has passed the gate, or -1. least is the best candidate so far: nothing at
// or beyond it is of interest.
func (g *group) find(k *key, t *packet.Tunnel, filters []filter, after, least int32) int32 {
	n := len(g.parts)
	if len(g.table) == 0 {
	next:
		for e, f := range g.head {
			kk := g.keys[e*n : e*n+n]
			for j := range g.parts {
				if p := &g.parts[j]; k[p.word&wordMask]&p.mask != kk[j] {
					continue next
				}
			}
			return g.pick(k, t, filters, f, after, least)
		}
		return -1
	}
	h := uint64(0)
	for j := range g.parts {
		p := &g.parts[j]
		h += scatter(j, k[p.word&wordMask]&p.mask)
	}
	if n > 1 && !g.maybe.has(h) {
		return -1
	}
	m := uint64(len(g.table) - 1)
probe:
	for i := h & m; g.table[i] != 0; i = (i + 1) & m {
		e := int(g.table[i] - 1)
		kk := g.keys[e*n : e*n+n]
		for j := range g.parts {
			if p := &g.parts[j]; k[p.word&wordMask]&p.mask != kk[j] {
				continue probe
			}
		}
		return g.pick(k, t, filters, g.head[e], after, least)
	}
	return -1
}

// pick walks the filters of one key for the first one after index after.
func (g *group) pick(k *key, t *packet.Tunnel, filters []filter, i, after, least int32) int32 {
	for ; i >= 0 && i < least; i = filters[i].nextSame {
		if i > after && (!g.rng || filters[i].inRange(k) && filters[i].hasOpts(t)) {
			return i
		}
	}
	return -1
}

// inRange checks flower's port ranges (cls_flower.c fl_range_port_dst_cmp).
func (f *filter) inRange(k *key) bool {
	src, dst := k.ports()
	if f.dst.Max != 0 && (dst < f.dst.Min || dst > f.dst.Max) {
		return false
	}
	return f.src.Max == 0 || (src >= f.src.Min && src <= f.src.Max)
}

// hasOpts checks tunnel options.
func (f *filter) hasOpts(t *packet.Tunnel) bool { return f.opts == nil || f.opts.matches(t) }

// next returns the chain's first matching filter after index after, or -1.
func (c *chain) next(k *key, t *packet.Tunnel, filters []filter, after int32) int32 {
	best := c.end
	for i := pass(c.gates, 0, k, after, best); i < len(c.gates); i = pass(c.gates, i+1, k, after, best) {
		if c.gates[i].alone {
			return c.gates[i].first // no later group begins before it
		}
		if f := c.groups[i].find(k, t, filters, after, best); f >= 0 {
			best = f
		}
	}
	if best == c.end {
		return -1
	}
	return best
}

// pass returns the first gate from i on that lets a packet through, or how many
// gates there are. Groups are sorted by first: none from the first on that
// begins at or beyond least can be better.
func pass(gates []gate, i int, k *key, after, least int32) int {
	for ; i < len(gates); i++ {
		g := &gates[i]
		if g.first >= least {
			break
		}
		if (k[g.word[0]&wordMask]^g.value[0])&g.sure[0] != 0 {
			continue
		}
		y, z := k[g.word[1]&wordMask], k[g.word[2]&wordMask]
		if (y^g.value[1])&g.sure[1]|(z^g.value[2])&g.sure[2] != 0 || g.last <= after {
			continue
		}
		if len(g.maybe) == 0 || g.maybe.has(scatter(0, k[g.most.word&wordMask]&g.most.mask)) {
			return i
		}
	}
	return len(gates)
}

// scatter digests word j of a masked key. A key's hash is the sum of its words',
// which do not wait for each other. Filters come from the policy's author, not
// from packets, so this needs no secret: a packet cannot lengthen a probe
// beyond what the author's own filters make it.
func scatter(j int, x uint64) uint64 {
	// Both halves of the product: addresses are in a word's upper half, and a
	// product's lower one would not see them.
	hi, lo := bits.Mul64(x^0xa0761d6478bd642f, 0x9e3779b97f4a7c15+uint64(j)*0xd6e8feb86659fd92)
	return hi ^ lo
}

// bitSet knows of hashes whether they may have been added: each sets two bits
// in one word. With sixteen bits a hash one packet of fifty looks on for
// nothing.
type bitSet []uint64 // length a power of two

func (s bitSet) add(h uint64) { s[h>>32&uint64(len(s)-1)] |= twoBits(h) }

func (s bitSet) has(h uint64) bool { return twoBits(h)&^s[h>>32&uint64(len(s)-1)] == 0 }

func twoBits(h uint64) uint64 { return 1<<(h>>52&63) | 1<<(h>>58) }

// mix folds a word into a hash.
func mix(h, x uint64) uint64 {
	hi, lo := bits.Mul64(h^x^0xa0761d6478bd642f, 0x9e3779b97f4a7c15)
	return hi ^ lo
}
