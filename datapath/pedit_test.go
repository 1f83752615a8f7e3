package datapath

import (
	"slices"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestPeditReach: a key reaches the bytes of Linux's packet, in which the outer tag
// is not, counted from its network header; before the frame it reads zeros and
// writes nothing, down to what is kept free before a received frame
// (act_pedit.c tcf_pedit_act, skb_cow_head).
func TestPeditReach(t *testing.T) {
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	plain := packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "data")
	for i := range plain[:12] {
		plain[i] = byte(0xa0 + i)
	}
	tagged := slices.Insert(slices.Clone(plain), 12, 0x81, 0, 0x70, 5)
	for _, c := range []struct {
		name  string
		frame []byte
		linux []byte // the packet from its Ethernet header on
		strip int
	}{
		{"plain", plain, plain, 0},
		{"tagged", tagged, append(slices.Clone(plain[:12]), tagged[16:]...), 0},
		{"without an Ethernet header", plain, plain, 14},
	} {
		start := func() *pkt {
			var v packet.Vector
			v.Add(slices.Clone(c.frame), 0)
			packet.Parse(v.Frame[0], &v.H[0])
			p := e.start(&v, 0, 0)
			p.strip = c.strip
			return p
		}
		at := func(off int) (b byte, there, ok bool) {
			i := 14 + off
			switch {
			case off < -78 || i >= len(c.linux):
				return 0, false, false
			case i < c.strip:
				return 0, false, true
			}
			return c.linux[i], true, true
		}
		for off := -90; off < len(c.linux); off++ {
			want, _, ok := at(off)
			if b, got := start().byteAt(off); got != ok || b != want {
				t.Errorf("%s: byte %d is %#x, %v; want %#x, %v", c.name, off, b, got, want, ok)
			}
			w, whole := uint32(0), off >= -78 && 14+off+4 <= len(c.linux)
			for i := range 4 {
				b, _, _ := at(off + i)
				w = w<<8 | uint32(b)
			}
			p := start()
			got, ok := p.word(off)
			if ok != whole || ok && got != w {
				t.Errorf("%s: word %d is %#x, %v; want %#x, %v", c.name, off, got, ok, w, whole)
			}
			if !ok {
				continue
			}
			p.setWord(off, 0x01020304)
			for i := -14; i < len(c.linux)-14; i++ {
				want, there, _ := at(i)
				if n := i - off; there && n >= 0 && n < 4 {
					want = byte(1 + n)
				}
				if b, _ := p.byteAt(i); b != want {
					t.Errorf("%s: after word %d was set byte %d is %#x, want %#x", c.name, off, i, b, want)
				}
			}
		}
	}
}

// TestBswap: bytes in the other order.
func TestBswap(t *testing.T) {
	if got := bswap(0x01020384); got != 0x84030201 {
		t.Errorf("%#x", got)
	}
}
