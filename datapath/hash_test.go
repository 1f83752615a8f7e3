package datapath

import "testing"

// TestNoClusters: filters that differ in an address's last bits, as whole
// networks of them do, spread over a group's table.
func TestNoClusters(t *testing.T) {
	for _, word := range []int{wSrcIP, wDstIP, wL4, wBase, wDstMAC} {
		for _, shift := range []int{0, 16, 32, 40, 48} {
			var mask key
			mask[word] = 0xffff << shift
			c := chain{end: 5000, groups: []group{{mask: mask}}}
			g := &c.groups[0]
			filters := make([]filter, 5000)
			last := map[key]int32{}
			for i := range filters {
				filters[i].nextSame = -1
				var k key
				k[word] = uint64(i) << shift
				g.insert(&k, int32(i), last, filters)
			}
			c.seal()
			run, longest := 0, 0
			for _, e := range g.table {
				if run++; e == 0 {
					run = 0
				}
				longest = max(longest, run)
			}
			if longest > 100 {
				t.Errorf("word %d, bits from %d: %d entries in a row", word, shift, longest)
			}
			for i := range filters {
				var k key
				k[word] = uint64(i) << shift
				if f := c.next(&k, nil, filters, -1); f != int32(i) {
					t.Fatalf("word %d, bits from %d: filter %d found for %d", word, shift, f, i)
				}
			}
			missed := 0
			for i := 5000; i < 10000; i++ {
				var k key
				k[word] = uint64(i) << shift
				if c.next(&k, nil, filters, -1) >= 0 {
					t.Fatal("found what is not there")
				}
				if !c.gates[0].maybe.has(scatter(0, k[word])) {
					missed++
				}
			}
			if missed < 4000 {
				t.Errorf("word %d, bits from %d: the filter's bits stop %d of 5000", word, shift, missed)
			}
		}
	}
}
