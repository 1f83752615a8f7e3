package datapath

import (
	"cmp"
	"math/bits"
	"slices"
)

// insert adds filter i under key k. Filters come in ascending order, so each
// key's chain is in order.
func (g *group) insert(k *key, i int32, last map[key]int32, filters []filter) {
	g.last = i
	if l, ok := last[*k]; ok {
		filters[l].nextSame = i
		last[*k] = i
		return
	}
	last[*k] = i
	g.all = append(g.all, *k)
	g.head = append(g.head, i)
}

// seal makes the chain ready to be looked up in, once it has all its filters.
func (c *chain) seal() {
	slices.SortStableFunc(c.groups, func(a, b group) int { return cmp.Compare(a.first, b.first) })
	c.gates = make([]gate, len(c.groups))
	for i := range c.groups {
		c.groups[i].seal(&c.gates[i])
	}
}

// common finds in which of a mask's bits of a word all entries agree.
func (g *group) common(word int) (sure uint64) {
	sure = g.mask[word]
	for i := range g.all {
		sure &^= g.all[i][word] ^ g.all[0][word]
	}
	return sure
}

// seal fills in the gate and makes the table of what the gate leaves open.
func (g *group) seal(gt *gate) {
	gt.first, gt.last = g.first, g.last
	var words []int
	for w, m := range g.mask {
		if m != 0 {
			words = append(words, w)
		}
	}
	// The gate takes the words that say most, and asks for the one that says
	// most first: not the protocols, which most packets and filters share.
	shared := key{wBase: 0xffffff << 40, wL4: 0xffff}
	said := func(w int) int { return bits.OnesCount64(g.common(w) &^ shared[w]) }
	slices.SortStableFunc(words, func(a, b int) int { return cmp.Compare(said(b), said(a)) })
	for i, w := range words {
		if i < len(gt.word) {
			sure := g.common(w)
			gt.word[i], gt.sure[i], gt.value[i] = uint8(w), sure, g.all[0][w]&sure
			if sure == g.mask[w] {
				continue
			}
		}
		g.parts = append(g.parts, part{word: uint8(w), mask: g.mask[w]})
	}
	gt.alone = len(g.parts) == 0 && g.first == g.last && !g.rng
	for i := range g.all {
		for _, p := range g.parts {
			g.keys = append(g.keys, g.all[i][p.word&wordMask])
		}
	}
	if len(g.head) > smallGroup {
		g.sealMost(gt)
		g.table = make([]int32, 2*powerOf2(len(g.head)))
		if len(g.parts) > 1 {
			g.maybe = newBitSet(len(g.head))
		}
		for e := range g.head {
			g.place(e)
		}
	}
	g.all = nil
}

// sealMost lets the gate ask for the word in which entries differ most.
func (g *group) sealMost(gt *gate) {
	var values map[uint64]bool
	for _, p := range g.parts {
		seen := map[uint64]bool{}
		for i := range g.all {
			seen[g.all[i][p.word]] = true
		}
		if len(seen) > len(values) {
			gt.most, values = p, seen
		}
	}
	gt.maybe = newBitSet(len(values))
	for x := range values {
		gt.maybe.add(scatter(0, x))
	}
}

func newBitSet(n int) bitSet { return make(bitSet, max(powerOf2(n)/4, 1)) }

func powerOf2(n int) int { return 1 << bits.Len(uint(n-1)) }

// place puts an entry into the table.
func (g *group) place(e int) {
	n := len(g.parts)
	h := uint64(0)
	for j, x := range g.keys[e*n : e*n+n] {
		h += scatter(j, x)
	}
	if n > 1 {
		g.maybe.add(h)
	}
	m := uint64(len(g.table) - 1)
	i := h & m
	for g.table[i] != 0 {
		i = (i + 1) & m
	}
	g.table[i] = int32(e + 1)
}
