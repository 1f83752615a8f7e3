package datapath

import (
	"unsafe"

	"sluice/policy"
)

// key is what a packet is classified by: flower's fields and the protocol as
// cls_api sees it, which is the outer tag's type for a tagged frame.
type key struct {
	policy.Key
	proto uint64
}

const keyWords = policy.KeyWords + 1

var _ [keyWords * 8]byte = [unsafe.Sizeof(key{})]byte{} // no padding anywhere

func (k *key) words() *[keyWords]uint64 { return (*[keyWords]uint64)(unsafe.Pointer(k)) }

// group is all filters of a chain that share a mask, whatever their
// preference: one tuple space. A packet is looked up once in each group, not
// once in each filter (Srinivasan, Suri, Varghese 1999).
//
// Entries lie in an open-addressing table of indices; entry i's key is the
// i-th run of len(word) words in keys. Equal keys of several preferences are
// chained in the order in which the kernel would try them.
type group struct {
	word  []uint8  // which words of the key the mask touches
	mask  []uint64 // the mask of each
	keys  []uint64
	head  []int32 // by entry: its first filter
	table []int32 // entry + 1; 0 is free; length a power of two
	first int32   // the least filter index in the group
	rng   bool    // filters carry port ranges, checked after the key
}

// smallGroup is up to how many entries a group is scanned in order: comparing
// a few keys costs less than hashing one.
const smallGroup = 4

// find returns the first filter after index after that matches, or -1. least
// is the best candidate so far: nothing at or beyond it is of interest.
func (g *group) find(k *[keyWords]uint64, filters []filter, after, least int32) int32 {
	n := len(g.word)
	if len(g.head) <= smallGroup {
		for e := range g.head {
			kk := g.keys[e*n : e*n+n]
			ok := true
			for j, w := range g.word {
				if k[w]&g.mask[j] != kk[j] {
					ok = false
					break
				}
			}
			if ok {
				return g.pick(k, filters, g.head[e], after, least)
			}
		}
		return -1
	}
	h := uint64(len(g.word))
	for j, w := range g.word {
		h = mix(h, k[w]&g.mask[j])
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
		return g.pick(k, filters, g.head[e], after, least)
	}
	return -1
}

// pick walks the filters of one key for the first one after index after.
func (g *group) pick(k *[keyWords]uint64, filters []filter, i, after, least int32) int32 {
	for ; i >= 0 && i < least; i = filters[i].nextSame {
		if i > after && (!g.rng || filters[i].inRange(k)) {
			return i
		}
	}
	return -1
}

// inRange checks flower's port ranges (cls_flower.c fl_range_port_dst_cmp).
func (f *filter) inRange(k *[keyWords]uint64) bool {
	p := (*key)(unsafe.Pointer(k))
	if f.dst.Max != 0 && (p.DstPort < f.dst.Min || p.DstPort > f.dst.Max) {
		return false
	}
	return f.src.Max == 0 || (p.SrcPort >= f.src.Min && p.SrcPort <= f.src.Max)
}

// next returns the chain's first matching filter after index after, or -1.
func (c *chain) next(k *[keyWords]uint64, filters []filter, after int32) int32 {
	best := c.end
	for i := range c.groups {
		g := &c.groups[i]
		if g.first >= best {
			break // groups are sorted by first: no later one can be better
		}
		if f := g.find(k, filters, after, best); f >= 0 {
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
	h ^= x
	h *= 0x9e3779b97f4a7c15
	return h ^ h>>29
}
