package datapath

import (
	"math/bits"

	"sluice/packet"
)

// group is all filters of a chain that share a mask, whatever their
// preference: one tuple space. A packet is looked up once in each group, not
// once in each filter (Srinivasan, Suri, Varghese 1999).
//
// Entries lie in an open-addressing table of indices; entry i's key is the
// i-th run of len(word) words in keys. Equal keys of several preferences are
// chained in the order in which the kernel would try them.
type group struct {
	word  []uint8  // which words of the key the mask touches; at least two
	mask  []uint64 // the mask of each; zero where there is just one
	keys  []uint64
	head  []int32  // by entry: its first filter
	table []int32  // entry + 1; 0 is free; length a power of two
	maybe []uint64 // a bit set for each entry's hash: most packets match nothing in most groups, and end here
	first int32    // the least filter index in the group
	rng   bool     // filters carry port ranges or tunnel options, checked after the key
}

// smallGroup is up to how many entries a group is scanned in order: comparing
// a few keys costs less than hashing one.
const smallGroup = 4

// find returns the first filter after index after that matches, or -1. least
// is the best candidate so far: nothing at or beyond it is of interest.
func (g *group) find(k *key, t *packet.Tunnel, filters []filter, after, least int32) int32 {
	n := len(g.word)
	if len(g.head) <= smallGroup {
		x := k[g.word[0]] & g.mask[0]
		y := k[g.word[1]] & g.mask[1]
	next:
		for e, f := range g.head {
			kk := g.keys[e*n : e*n+n]
			if (x^kk[0])|(y^kk[1]) != 0 {
				continue
			}
			for j := 2; j < n; j++ {
				if k[g.word[j]]&g.mask[j] != kk[j] {
					continue next
				}
			}
			return g.pick(k, t, filters, f, after, least)
		}
		return -1
	}
	h := uint64(len(g.word))
	for j, w := range g.word {
		h = mix(h, k[w]&g.mask[j])
	}
	if b := h >> 40; g.maybe[b>>6&uint64(len(g.maybe)-1)]&(1<<(b&63)) == 0 {
		return -1
	}
	m := uint64(len(g.table) - 1)
probe:
	for i := h & m; g.table[i] != 0; i = (i + 1) & m {
		e := int(g.table[i] - 1)
		kk := g.keys[e*n : e*n+n]
		for j, w := range g.word {
			if k[w]&g.mask[j] != kk[j] {
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
	for i := range c.groups {
		g := &c.groups[i]
		if g.first >= best {
			break // groups are sorted by first: no later one can be better
		}
		if f := g.find(k, t, filters, after, best); f >= 0 {
			best = f
		}
	}
	if best == c.end {
		return -1
	}
	return best
}

// mix folds a word into a hash. Filters come from the policy's author, not
// from packets, so this needs no secret: a packet cannot lengthen a probe
// beyond what the author's own filters make it.
func mix(h, x uint64) uint64 {
	// Both halves of the product: addresses are in a word's upper half, and a
	// product's lower one would not see them.
	hi, lo := bits.Mul64(h^x^0xa0761d6478bd642f, 0x9e3779b97f4a7c15)
	return hi ^ lo
}
