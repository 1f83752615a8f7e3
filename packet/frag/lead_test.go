package frag_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/frag"
	"sluice/packet/packettest"
)

// TestLead compares what is foretold of a packet with the packet that its
// fragments come to.
func TestLead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limits := frag.DefaultLimits()
		r := frag.New(&limits, 7)
		data := string(bytes.Repeat([]byte("abcdefg"), rapid.IntRange(1, 400).Draw(rt, "size")))
		src, dst := "10.0.0.1", "10.0.0.2"
		v6 := rapid.Bool().Draw(rt, "v6")
		if v6 {
			src, dst = "fd00::1", "fd00::2"
		}
		frame := packettest.UDP(src, dst, 1000, 53, data)
		if rapid.Bool().Draw(rt, "tcp") {
			frame = packettest.TCP(src, dst, 1000, 80, "A", 1, 2, data)
		}
		if rapid.Bool().Draw(rt, "tag") {
			frame = append(append(append([]byte(nil), frame[:12]...), 0x81, 0, 0, 7), frame[12:]...)
		}
		first := 24 // tiny ones hide the ports from whoever has but them
		if !v6 {
			first = rapid.SampledFrom([]int{8, 16, 24}).Draw(rt, "first")
		}
		pieces := packettest.Fragments(frame, 9, first, 64, 64, 64)
		order := rapid.Permutation(pieces).Draw(rt, "order")
		head := false // the first fragment has come
		for i, p := range order {
			var h packet.Headers
			packet.Parse(p, &h)
			isFirst := bytes.Equal(p, pieces[0])
			head = head || isFirst
			lead := r.Lead(1e9, p, int(h.L3), v6, 3, 1, nil)
			if (lead != nil) != head {
				rt.Fatalf("piece %d: known %v, want %v", i, lead != nil, head)
			}
			if other := r.Lead(1e9, p, int(h.L3), v6, 4, 1, nil); (other != nil) != isFirst {
				rt.Fatalf("piece %d in another zone: known %v", i, other != nil)
			}
			var w frag.Whole
			if r.Add(1e9, p, int(h.L3), v6, 3, 1, &w) != frag.Complete {
				continue
			}
			var got, want packet.Headers
			packet.Parse(lead, &got)
			packet.Parse(w.Frame, &want)
			if got.Tuple != want.Tuple || got.Tuple.SPort != 1000 || i != len(order)-1 {
				rt.Fatalf("foretold %v, came to %v", got.Tuple, want.Tuple)
			}
			n := min(len(lead)-int(got.L4), len(w.Frame)-int(want.L4))
			if !bytes.Equal(lead[got.L4:int(got.L4)+n], w.Frame[want.L4:int(want.L4)+n]) || n < min(1024, len(w.Frame)-int(want.L4)) {
				rt.Fatalf("%d bytes of payload are foretold, %d are there", len(lead)-int(got.L4), len(w.Frame)-int(want.L4))
			}
		}
		if r.Waiting() != 0 {
			rt.Fatalf("%d fragments wait", r.Waiting())
		}
	})
	t.Run("nothing_after_its_time", func(t *testing.T) {
		limits := frag.DefaultLimits()
		r := frag.New(&limits, 7)
		pieces := packettest.Fragments(packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, string(make([]byte, 100))), 9, 48, 48)
		var w frag.Whole
		r.Add(1e9, pieces[0], 14, false, 0, 1, &w)
		if r.Lead(30e9, pieces[1], 14, false, 0, 1, nil) == nil {
			t.Error("the first fragment is forgotten")
		}
		if r.Lead(31e9, pieces[1], 14, false, 0, 1, nil) != nil {
			t.Error("the first fragment is remembered for ever")
		}
		if r.Lead(1e9, pieces[1][:34], 14, false, 0, 1, nil) != nil {
			t.Error("a fragment without anything in it")
		}
	})
}

// TestLeadBytes spells out the packet that is foretold: the first fragment's
// headers and what follows them without a gap, with lengths of its own.
func TestLeadBytes(t *testing.T) {
	data := make([]byte, 3000)
	for i := range data {
		data[i] = byte(i * 13)
	}
	for _, ipv6 := range []bool{false, true} {
		src, dst := "10.1.2.3", "10.4.5.6"
		if ipv6 {
			src, dst = "fd01:203:405:607:809:a0b:c0d:e0f", "fd10:1112:1314:1516:1718:191a:1b1c:1d1e"
		}
		for _, df := range []bool{false, true} {
			whole := packettest.IP(src, dst, 99, data)
			if df && !ipv6 {
				whole[20] = 0x40
			}
			whole = packettest.Tagged(whole, packet.EtherVLAN, 7)
			for _, c := range []struct {
				sizes []int
				order []int
				known []int // bytes of payload with each of them; 0: nothing is
			}{
				{[]int{480, 480, 480, 480}, []int{0, 1, 2, 3}, []int{480, 960, 1440, 1440}}, // with 1024 bytes it is enough
				{[]int{480, 480, 480, 480}, []int{3, 2, 1, 0}, []int{0, 0, 0, 1440}},
				{[]int{480, 480, 480, 480}, []int{1, 0, 3, 2}, []int{0, 960, 960, 1440}},
				{[]int{480, 480, 480, 480}, []int{2, 0, 3, 1}, []int{0, 480, 480, 1440}},
				{[]int{1024, 8, 480}, []int{0, 1, 2}, []int{1024, 1024, 1024}},
				{[]int{1016, 8, 480}, []int{0, 1, 2}, []int{1016, 1024, 1024}},
				{[]int{1016, 16, 480}, []int{1, 0, 2}, []int{0, 1032, 1032}},
				{[]int{8, 8, 2000}, []int{2, 0, 1}, []int{0, 8, 2016}},
			} {
				limits := frag.DefaultLimits()
				r := frag.New(&limits, 7)
				pieces := packettest.Fragments(whole, 0x5678, c.sizes...)
				first := 0
				for i, k := range c.order {
					if k == 0 {
						first = 1
					}
					lead := r.Lead(1e9, pieces[k], 18, ipv6, 3, 1, []byte("before"))
					if c.known[i] == 0 {
						if lead != nil {
							t.Errorf("IPv6 %v, %v %v: %d bytes are foretold of nothing", ipv6, c.sizes, c.order, len(lead))
						}
					} else {
						header := 18 + 20
						want := append([]byte("before"), pieces[0][:header]...)
						if ipv6 {
							header = 18 + 48
							want = append([]byte("before"), pieces[0][:header]...)
							want[6+18+4], want[6+18+5] = byte((8+c.known[i])>>8), byte(8+c.known[i])
							want[6+18+42], want[6+18+43] = 0, 0
						} else {
							want[6+18+2], want[6+18+3] = byte((20+c.known[i])>>8), byte(20+c.known[i])
							want[6+18+6], want[6+18+7] = 0, 0
							if df {
								want[6+18+6] = 0x40
							}
						}
						want = append(want, data[:c.known[i]]...)
						if !bytes.Equal(lead, want) || first == 0 {
							t.Errorf("IPv6 %v, DF %v, %v %v, fragment %d:\n%x, want\n%x", ipv6, df, c.sizes, c.order, k, lead[:min(len(lead), 80)], want[:min(len(want), 80)])
						}
					}
					var w frag.Whole
					r.Add(1e9, pieces[k], 18, ipv6, 3, 1, &w)
				}
			}
		}
	}
}

// TestLeadOtherHeaders: the headers are the first fragment's, wherever a later
// one has its own.
func TestLeadOtherHeaders(t *testing.T) {
	data := make([]byte, 600)
	limits := frag.DefaultLimits()
	plain, six := packettest.IP("10.0.0.1", "10.0.0.2", 99, data), packettest.IP("fd00::1", "fd00::2", 99, data)
	longer := packettest.Fragment(six, 1, 200, 600, false) // behind destination options
	longer = append(append(bytes.Clone(longer[:54]), 44, 0, 0, 0, 0, 0, 0, 0), longer[54:]...)
	longer[20], longer[19], longer[18] = 60, byte((8+8+400)&0xff), byte((8+8+400)>>8)
	options := packettest.Fragment(plain, 1, 200, 600, false)
	options = append(append(bytes.Clone(options[:34]), 1, 1, 1, 0), options[34:]...)
	options[14] = 0x46
	for _, c := range []struct {
		name        string
		first, then []byte
		ipv6        bool
		l3          int // of then
	}{
		{"a tag", packettest.Fragment(plain, 1, 0, 200, true), packettest.Tagged(packettest.Fragment(plain, 1, 200, 600, false), packet.EtherVLAN, 7), false, 18},
		{"options", packettest.Fragment(plain, 1, 0, 200, true), options, false, 14},
		{"extension headers", packettest.Fragment(six, 1, 0, 200, true), longer, true, 14},
	} {
		r := frag.New(&limits, 7)
		var w frag.Whole
		if got := r.Add(1, c.first, 14, c.ipv6, 0, 0, &w); got != frag.Held {
			t.Fatal(got)
		}
		want := append(bytes.Clone(c.first), data[200:]...)
		if c.ipv6 {
			want[18], want[19], want[57] = 608>>8, 608&0xff, 0
		} else {
			want[16], want[17], want[20] = 620>>8, 620&0xff, 0
		}
		if lead := r.Lead(1, c.then, c.l3, c.ipv6, 0, 0, nil); !bytes.Equal(lead, want) {
			t.Errorf("%s:\n%x, want\n%x", c.name, lead[:80], want[:80])
		}
	}
}

// TestLeadOfNothing: what is no fragment, or has no bytes, foretells nothing.
func TestLeadOfNothing(t *testing.T) {
	limits := frag.DefaultLimits()
	four := packettest.Fragment(packettest.IP("10.0.0.1", "10.0.0.2", 99, make([]byte, 100)), 1, 0, 16, true)
	six := packettest.Fragment(packettest.IP("fd00::1", "fd00::2", 99, make([]byte, 100)), 1, 0, 16, true)
	change := func(f []byte, at int, to byte) []byte {
		f = bytes.Clone(f)
		f[at] = to
		return f
	}
	for _, c := range []struct {
		name  string
		frame []byte
		want  int // bytes
	}{
		{"IPv4", four, 50},
		{"IPv4, header of 16 bytes", change(four, 14, 0x44), 0},
		{"IPv4, header of 32 bytes", change(four, 14, 0x48), 50},
		{"IPv4, header of 36 bytes, all there is", change(four, 14, 0x49), 0},
		{"IPv4, one byte behind the header", four[:35], 35},
		{"IPv4, header alone", four[:34], 0},
		{"IPv6", six, 78},
		{"IPv6, not a fragment", change(six, 20, 99), 0},
		{"IPv6, fragment header cut off", six[:61], 0},
		{"IPv6, fragment header alone", six[:62], 0},
		{"IPv6, one byte behind it", six[:63], 63},
		{"IPv6, the length ends within the fragment header", change(six, 19, 7), 0},
		{"IPv6, the length ends with the fragment header", change(six, 19, 8), 0},
		{"IPv6, the length ends one byte behind it", change(six, 19, 9), 63},
		{"IPv6, the length is beyond the frame", change(six, 19, 99), 78},
	} {
		r := frag.New(&limits, 7)
		lead := r.Lead(1, c.frame, 14, c.frame[12] == 0x86, 0, 0, nil)
		if len(lead) != c.want || (lead == nil) != (c.want == 0) {
			t.Errorf("%s: %d bytes, want %d", c.name, len(lead), c.want)
		}
	}
}
