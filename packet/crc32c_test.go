package packet_test

import (
	"testing"

	"sluice/packet"
)

// TestSCTPChecksum holds it to a bit-by-bit model and to a published vector.
func TestSCTPChecksum(t *testing.T) {
	slow := func(b []byte) uint32 {
		c := ^uint32(0)
		for i, x := range b {
			if i >= 8 && i < 12 {
				x = 0
			}
			c ^= uint32(x)
			for range 8 {
				c = c>>1 ^ 0x82f63b78&-(c&1)
			}
		}
		return ^c
	}
	b := make([]byte, 0, 300)
	for i := range 300 {
		b = append(b, byte(i*i+i>>3))
		want := uint32(0)
		if len(b) >= 12 {
			want = slow(b)
		}
		if got := packet.SCTPChecksum(b); got != want {
			t.Fatalf("%d bytes: %#x, want %#x", len(b), got, want)
		}
	}
	if got := packet.SCTPChecksum(make([]byte, 32)); got != 0x8a9136aa { // RFC 7143, A.4
		t.Errorf("32 zeros: %#x", got)
	}
}
