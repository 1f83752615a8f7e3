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
	if err := New(&lim, 1).Restore(Saved{Packets: []SavedPacket{good(), good()}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("twice: %v", err)
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
