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
