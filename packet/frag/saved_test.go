package frag

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// restarted is another Reassembler that goes on where one has come to.
func restarted(t interface{ Fatalf(string, ...any) }, r *Reassembler, now int64) *Reassembler {
	s := r.Save(now)
	twin := New(r.limits, r.key[0])
	if err := twin.Restore(s); err != nil {
		t.Fatalf("restore: %v", err)
	}
	if again := twin.Save(now); !reflect.DeepEqual(s, again) {
		t.Fatalf("saved\n%+v\nthen\n%+v", s, again)
	}
	twin.stats = r.stats // check sums them up
	return twin
}

// TestRestart saves between any two fragments of packets that come in all
// kinds of order: the same packets come out, in the same pieces, with the same
// identifications.
func TestRestart(t *testing.T) {
	for _, frame := range [][]byte{v4, v6} {
		ipv6 := len(frame) == len(v6)
		in := packettest.Fragments(frame, 5, 800, 640, 8, 1000)
		other := packettest.Fragments(frame, 6, 1200)
		for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 2, 4, 0, 3}} {
			t.Run(fmt.Sprintf("C44_C36_ipv6_%v_%v", ipv6, order), func(t *testing.T) {
				play := func(cut int) (said string, pieces [][]byte) {
					lim := DefaultLimits()
					r := New(&lim, 9)
					var w Whole
					for n, k := range order {
						if n == cut {
							r = restarted(t, r, int64(n))
						}
						said += fmt.Sprint(r.Add(int64(n), other[0], 14, ipv6, 3, 0, &w), " ", r.Add(int64(n), in[k], 14, ipv6, 3, 0, &w), " ")
						check(t, r)
					}
					for range 2 {
						p, ok := r.Cut(w.Frame, w.L3, ipv6, w.Split, false)
						if !ok {
							t.Fatal("cannot be taken apart")
						}
						for b, ok := p.Next(); ok; b, ok = p.Next() {
							pieces = append(pieces, bytes.Clone(b))
						}
					}
					s := r.Stats()
					return said + fmt.Sprint(s.Memory, s.Waiting, s.Queues), pieces
				}
				want, pieces := play(-1)
				for cut := range order {
					if got, same := play(cut); got != want || !reflect.DeepEqual(same, pieces) {
						t.Errorf("cut at %d: %s, %d pieces; want %s, %d", cut, got, len(same), want, len(pieces))
					}
				}
			})
		}
	}
}

// six makes a saved packet one of IPv6 with a first fragment's headers and n
// bytes in front of eight of payload.
func six(p *SavedPacket, header, next uint32, n int) {
	p.IPv6, p.Header, p.Next = true, header, next
	p.Fragments[0].Data = make([]byte, n+8)
}

// TestRestoreRefuses: what no fragments can have left behind.
func TestRestoreRefuses(t *testing.T) {
	good := func() SavedPacket {
		return SavedPacket{
			ID: 7, Proto: 17, Dev: -1, Deadline: 30e9, Length: 24, L3: 14, Header: 34, Least: 20, Max: 36,
			Fragments: []SavedFragment{{0, true, make([]byte, 34+8)}, {16, true, make([]byte, 8)}},
		}
	}
	for _, c := range []struct {
		want  string
		spoil func(*SavedPacket)
	}{
		{"", func(*SavedPacket) {}},
		{"no IP header", func(p *SavedPacket) { p.L3 = 30 }},
		{"no IP header", func(p *SavedPacket) { p.Header = 1 << 20 }},
		{"no IP header", func(p *SavedPacket) { p.IPv6 = true }},
		{"payload of 0 bytes", func(p *SavedPacket) { p.Fragments[0].Data = p.Fragments[0].Data[:20] }},
		{"payload of 0 bytes", func(p *SavedPacket) { p.Fragments[1].Data = nil }},
		{"payload of 70000 bytes", func(p *SavedPacket) { p.Fragments[1].Data = make([]byte, 70000) }},
		{"out of order", func(p *SavedPacket) { p.Fragments[1].Off = 4 }},
		{"out of order", func(p *SavedPacket) { p.Fragments[1].Run = false }},
		{"out of order", func(p *SavedPacket) { p.Fragments[0].Run = false }},
		{"behind the packet's end", func(p *SavedPacket) { p.Length = 20 }},
		{"out of range", func(p *SavedPacket) { p.ECN = 16 }},
		{"out of range", func(p *SavedPacket) { p.Length = 1 << 30 }},
		{"out of range", func(p *SavedPacket) { p.Dev = -2 }},
		{"out of range", func(p *SavedPacket) { p.Length = 1<<17 + 1 }},
		{"out of range", func(p *SavedPacket) { p.Max = 1<<17 + 1 }},
		{"out of range", func(p *SavedPacket) { p.MaxDF = 1<<17 + 1 }},
		{"", func(p *SavedPacket) { p.ECN, p.Length, p.Max, p.MaxDF, p.Dev = 15, 1<<17, 1<<17, 1<<17, 0 }},
		{"", func(p *SavedPacket) { p.L3, p.Header = 14, 14+60; p.Fragments[0].Data = make([]byte, 82) }},
		{"no IP header", func(p *SavedPacket) { p.L3, p.Header = 14, 14+61; p.Fragments[0].Data = make([]byte, 83) }},
		{"no IP header", func(p *SavedPacket) { p.L3, p.Header = 14, 14+19; p.Fragments[0].Data = make([]byte, 41) }},
		{"no IP header", func(p *SavedPacket) { p.L3, p.Header = 1<<32-20, 4; p.Fragments[0].Data = make([]byte, 41) }},
		{"", func(p *SavedPacket) { p.L3, p.Header = 65500, 65535; p.Fragments[0].Data = make([]byte, 65535+8) }},
		{"no IP header", func(p *SavedPacket) { p.L3, p.Header = 65500, 65536; p.Fragments[0].Data = make([]byte, 65536+8) }},
		{"", func(p *SavedPacket) { six(p, 54, 20, 62) }},
		{"", func(p *SavedPacket) { six(p, 54, 53, 62) }},
		{"", func(p *SavedPacket) { six(p, 62, 54, 70) }},
		{"no IP header", func(p *SavedPacket) { six(p, 53, 20, 61) }},
		{"no IP header", func(p *SavedPacket) { six(p, 54, 19, 62) }},
		{"no IP header", func(p *SavedPacket) { six(p, 54, 54, 62) }},
		{"payload of 0 bytes", func(p *SavedPacket) { six(p, 54, 20, 54) }},
		{"", func(p *SavedPacket) { p.Fragments[1].Data, p.Length = make([]byte, 65535), 16+65535 }},
		{"payload of 65536 bytes", func(p *SavedPacket) { p.Fragments[1].Data, p.Length = make([]byte, 65536), 16+65536 }},
		{"", func(p *SavedPacket) { p.Fragments[1].Off = 8 }},
		{"", func(p *SavedPacket) { p.Fragments[1].Data, p.Length = make([]byte, 1), 17 }},
		{"", func(p *SavedPacket) { p.Fragments[1].Off, p.Fragments[1].Run = 8, false }},
		{"out of order", func(p *SavedPacket) { p.Fragments[1].Off = 7 }},
		{"behind the packet's end", func(p *SavedPacket) { p.Length = 23 }},
		{"behind the packet's end at 131072", func(p *SavedPacket) { p.Length, p.Fragments[1].Off = 1<<17, 1<<17 }},
		{"out of order", func(p *SavedPacket) { p.Length, p.Fragments[1].Off = 1<<17, 1<<17+1 }},
	} {
		lim := DefaultLimits()
		p := good()
		c.spoil(&p)
		err := New(&lim, 1).Restore(Saved{Packets: []SavedPacket{p}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	lim := DefaultLimits()
	for _, later := range []int64{0, 1, 2, 1e12} {
		again := good()
		again.Deadline += later
		if err := New(&lim, 1).Restore(Saved{Packets: []SavedPacket{good(), again}}); err == nil || !strings.Contains(err.Error(), "twice") {
			t.Errorf("twice, the second one %d ns later: %v", later, err)
		}
	}
}

// TestSavedFields: each of them, of a packet whose source is counted, one whose
// device counts, and one without its first fragment.
func TestSavedFields(t *testing.T) {
	r := newRig()
	a := packettest.Fragments(edit(edit(v4, 1, 1), 6, 0x40), 0x1234, 1000, 1000)
	r.now = 5
	r.Add(r.now, a[2], 14, false, 3, 9, &r.w)
	r.now = 6
	r.Add(r.now, a[0], 14, false, 3, 9, &r.w)
	local := packettest.Fragments(packettest.UDP("fe80::1", "fe80::2", 1, 2, string(make([]byte, 2992))), 0x12345678, 1000, 1000)
	r.Add(r.now, local[1], 14, true, 4, 9, &r.w)
	r.Add(r.now, local[2], 14, true, 4, 9, &r.w)
	s := r.Save(7)
	for i := range s.Packets {
		for k := range s.Packets[i].Fragments {
			f := &s.Packets[i].Fragments[k]
			f.Data = make([]byte, len(f.Data)) // TestRestart has their bytes
		}
	}
	want := []SavedPacket{
		{Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 2}, ID: 0x1234, Dev: -1, Zone: 3, Proto: 17, ECN: 2, Deadline: 30e9 + 5, Length: 3000, Last: true,
			Max: 1020, MaxDF: 1020, Least: 20, L3: 14, Header: 34, Counted: true, Count: 2, Seen: 2,
			Fragments: []SavedFragment{{0, true, make([]byte, 1034)}, {2000, true, make([]byte, 1000)}}},
		{IPv6: true, Src: packet.Addr{0xfe, 0x80, 15: 1}, Dst: packet.Addr{0xfe, 0x80, 15: 2}, ID: 0x12345678, Dev: 9, Zone: 4, ECN: 1, Deadline: 60e9 + 6, Length: 3000, Last: true,
			Max: 1048, Least: 40, Fragments: []SavedFragment{{1000, true, make([]byte, 1000)}, {2000, false, make([]byte, 1000)}}},
	}
	if !reflect.DeepEqual(s.Packets, want) {
		t.Errorf("%+v\nwant\n%+v", s.Packets, want)
	}
	// Where a run ends is known again.
	again := restarted(t, r.Reassembler, 7)
	for i, f := range [][]byte{local[1], local[2], packettest.Fragment(packettest.UDP("fe80::1", "fe80::2", 1, 2, string(make([]byte, 2992))), 0x12345678, 1992, 2008, true)} {
		if got := again.Add(8, f, 14, true, 4, 9, &r.w); got != Duplicate {
			t.Errorf("fragment %d of a saved run, again: %v", i, got)
		}
	}
	if s := r.Save(30e9 + 4); len(s.Packets) != 2 {
		t.Errorf("%d packets just before the first one's time", len(s.Packets))
	}
	if s := r.Save(30e9 + 5); len(s.Packets) != 1 || r.Stats().TimedOut[0] != 1 {
		t.Errorf("%d packets at the first one's time", len(s.Packets))
	}
	// A source that is counted, where none is any more, and the other way round.
	for _, dist := range []int64{0, 1} {
		lim := DefaultLimits()
		lim.MaxDist = dist
		twin := New(&lim, 1)
		if err := twin.Restore(Saved{Packets: want[:1]}); err != nil {
			t.Fatal(err)
		}
		if got := twin.Save(7).Packets[0]; got.Count != 2 || got.Seen != 2 || !got.Counted {
			t.Errorf("limit %d: %+v", dist, got)
		}
		if err := twin.fam[0].check(twin); err != nil {
			t.Error(err)
		}
	}
	uncounted := want[0]
	uncounted.Counted, uncounted.Count, uncounted.Seen = false, 0, 0
	twin := New(&r.lim, 1)
	if err := twin.Restore(Saved{Packets: []SavedPacket{uncounted}}); err != nil {
		t.Fatal(err)
	}
	if got := twin.Save(7).Packets[0]; !got.Counted || got.Count != 0 || got.Seen != 0 {
		t.Errorf("%+v", got)
	}
	uncounted.ID++
	both := New(&r.lim, 1)
	if err := both.Restore(Saved{Packets: []SavedPacket{want[0], uncounted}}); err != nil {
		t.Fatal(err)
	}
	if got := both.Save(7).Packets[0]; got.Count != 2 || got.Seen != 2 {
		t.Errorf("counted beside one of the same source that is not: %+v", got)
	}
	var w Whole
	if got := twin.Add(8, a[1], 14, false, 3, 9, &w); got != Complete {
		t.Error(got)
	}
}

// FuzzRestore: whatever a state says waits, nothing panics when the rest of it
// comes, and what is there adds up.
func FuzzRestore(f *testing.F) {
	f.Add(false, uint32(14), uint32(34), uint32(0), uint32(16), uint32(8), true, []byte("abcdefgh"))
	f.Add(true, uint32(14), uint32(54), uint32(20), uint32(16), uint32(8), true, []byte("abcdefgh"))
	f.Fuzz(func(t *testing.T, ipv6 bool, l3, header, next, length, off uint32, last bool, data []byte) {
		lim := DefaultLimits()
		r := New(&lim, 1)
		p := SavedPacket{
			IPv6: ipv6, Dev: -1, Proto: 17, ID: 1, Deadline: 30e9, Length: length, Last: last, L3: l3, Header: header, Next: next, Least: l3,
			Fragments: []SavedFragment{{off, true, data}},
		}
		src, dst := "10.0.0.1", "10.0.0.2"
		p.Src, p.Dst = packet.Addr{10, 0, 0, 1}, packet.Addr{10, 0, 0, 2}
		if ipv6 {
			src, dst = "fd00::1", "fd00::2"
			p.Src, p.Dst, p.Proto = packet.Addr{0xfd, 15: 1}, packet.Addr{0xfd, 15: 2}, 0
		} else {
			p.Counted, p.Count, p.Seen = last, length, header
		}
		if off != 0 && len(data) > int(header) && header < 1<<16 {
			p.Fragments = append([]SavedFragment{{0, true, append(make([]byte, header), data...)}}, p.Fragments...)
		}
		if r.Restore(Saved{Packets: []SavedPacket{p}}) != nil {
			return
		}
		frame := packettest.UDP(src, dst, 1, 2, string(make([]byte, 192)))
		var w Whole
		for at := 0; at < 200; at += 8 {
			if r.Add(1, packettest.Fragment(frame, 1, at, at+8, at < 192), 14, ipv6, 0, 0, &w) == Complete {
				if pieces, ok := r.Cut(w.Frame, w.L3, ipv6, w.Split, false); ok {
					for _, ok := pieces.Next(); ok; _, ok = pieces.Next() {
						continue
					}
				}
			}
			for fam := range r.fam {
				if err := r.fam[fam].check(r); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
