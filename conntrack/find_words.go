//go:build amd64 || arm64 || loong64 || riscv64

package conntrack

import (
	"math/bits"
	"unsafe"
)

// find returns the slot of the first entry with a tag, or 0. On machines that
// store the low byte first it compares four tags at a time and takes no branch that depends on where the entry is.
func (b *bucket) find(tag uint16) uint32 {
	const (
		low  = 0x0001_0001_0001_0001
		high = 0x8000_8000_8000_8000
		// gather moves the lowest bit of each lane next to each other, into
		// bits 48 to 51.
		gather = 1<<48 | 1<<33 | 1<<18 | 1<<3
	)
	w := (*struct {
		a, b uint64
		c    uint32
	})(unsafe.Pointer(&b.tag))
	all := uint64(tag) * low
	x0 := w.a ^ all
	x1 := w.b ^ all
	x2 := uint64(w.c) ^ all&0xffffffff | 1<<32 | 1<<48
	// A lane is zero where the tags agree. Lanes above a zero one may look
	// zero too; the first is right, and it is the one that counts.
	m := (x0-low)&^x0&high>>15*gather>>48&15 |
		(x1-low)&^x1&high>>15*gather>>48&15<<4 |
		(x2-low)&^x2&high>>15*gather>>48&3<<8
	if m == 0 || tag == 0 {
		return 0
	}
	return b.slot[bits.TrailingZeros64(m)%slotsPerBucket]
}
