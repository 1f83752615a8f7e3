package conntrack

import (
	"testing"

	"pgregory.net/rapid"
)

func TestLateCountsAreExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := Conn{FlowDeadline: 1}
		var packets, bytes [2]uint64
		for range rapid.IntRange(1, 1000).Draw(rt, "packets") {
			dir := rapid.IntRange(0, 1).Draw(rt, "dir")
			size := rapid.OneOf(rapid.Uint32Range(0, 100), rapid.Uint32Range(0, 65535)).Draw(rt, "size")
			if rapid.Bool().Draw(rt, "late") {
				if !c.Prolong(uint32(dir), size, -1, 1) {
					rt.Fatal("it is over")
				}
			} else {
				c.Add(dir, 1, uint64(size))
			}
			packets[dir]++
			bytes[dir] += uint64(size)
		}
		s := c.Settled()
		if c.Packets() != packets || c.Bytes() != bytes || s.packets != packets || s.bytes != bytes || s.late != (lateCount{}) {
			rt.Fatalf("%v %v, settled %v %v; want %v %v", c.Packets(), c.Bytes(), s.packets, s.bytes, packets, bytes)
		}
	})
}
