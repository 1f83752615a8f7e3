//go:build !(amd64 || arm64 || loong64 || riscv64)

package conntrack

// find returns the slot of the first entry with a tag, or 0.
func (b *bucket) find(tag uint16) uint32 {
	for i, g := range b.tag {
		if g == tag && tag != 0 {
			return b.slot[i]
		}
	}
	return 0
}
