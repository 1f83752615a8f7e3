package datapath

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

// TestTunnelOfAWay: a remembered way is taken by packets of the same tunnel, as
// far as filters look at it, and by no others, however little they differ.
func TestTunnelOfAWay(t *testing.T) {
	few := rapid.SampledFrom([]byte{0, 1, 2, 3})
	tunnel := func(rt *rapid.T, name string) *packet.Tunnel {
		n := &packet.Tunnel{Family: rapid.SampledFrom([]uint8{packet.IPv4, packet.IPv6}).Draw(rt, name)}
		for _, i := range []int{0, 3, 15} {
			n.Src[i], n.Dst[i] = few.Draw(rt, name), few.Draw(rt, name)
		}
		n.ID, n.DPort = uint32(few.Draw(rt, name)), uint16(few.Draw(rt, name))
		return n
	}
	rapid.Check(t, func(rt *rapid.T) {
		var p program
		for i := range p.encMask {
			p.encMask[i] = rapid.SampledFrom([]uint64{0, 0xff, ^uint64(0)}).Draw(rt, "mask")
		}
		one, two := tunnel(rt, "one"), tunnel(rt, "two")
		w := p.encOf(one)
		if got, want := p.encIs(two, &w), p.encOf(two) == w; got != want {
			rt.Fatalf("%+v is on the way of %+v: %v, want %v", two, one, got, want)
		}
		if !p.encIs(one, &w) {
			rt.Fatal("not on its own way")
		}
	})
}
