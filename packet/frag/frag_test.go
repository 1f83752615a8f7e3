package frag

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// rig adds fragments to a Reassembler.
type rig struct {
	*Reassembler
	lim Limits
	now int64
	w   Whole
}

func newRig() *rig {
	r := &rig{lim: DefaultLimits(), now: 1}
	r.Reassembler = New(&r.lim, 3)
	return r
}

func (r *rig) put(f []byte) Result {
	h := headersOf(f)
	return r.Add(r.now, f, int(h.L3), h.EtherType == packet.EtherIPv6, 0, 0, &r.w)
}

var (
	v4 = packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, string(make([]byte, 2992)))
	v6 = packettest.UDP("fd00::1", "fd00::2", 1000, 53, string(make([]byte, 2992)))
)

// edit returns a fragment with a byte of its IP header, or behind it, changed.
func edit(f []byte, at int, to byte) []byte {
	f = bytes.Clone(f)
	f[14+at] = to
	return f
}

func TestResults(t *testing.T) {
	tcp6 := packettest.TCP("fd00::1", "fd00::2", 1000, 80, "A", 1, 2, string(make([]byte, 100)))
	a := packettest.Fragments(v4, 1, 1000, 1000)
	b := packettest.Fragments(v6, 1, 1000, 1000)
	cut := func(frame []byte, off, end int, more bool) []byte {
		return packettest.Fragment(frame, 1, off, end, more)
	}
	huge := func(frame []byte, off int, more bool) []byte {
		f := cut(frame, 0, 1000, more)
		if h := headersOf(f); h.EtherType == packet.EtherIPv6 {
			binary.BigEndian.PutUint16(f[14+42:], uint16(off)|binary.BigEndian.Uint16(f[14+42:])&1)
		} else {
			binary.BigEndian.PutUint16(f[14+6:], uint16(off/8)|uint16(f[14+6])<<8&0x2000)
		}
		return f
	}
	for _, c := range []struct {
		name   string
		limits func(*Limits)
		frames [][]byte
		want   []Result
		left   int // fragments that wait in the end
	}{
		{name: "in order", frames: a, want: []Result{Held, Held, Complete}},
		{name: "in order, IPv6", frames: b, want: []Result{Held, Held, Complete}},
		{name: "duplicate", frames: [][]byte{a[0], a[0], a[2], a[1]}, want: []Result{Held, Duplicate, Held, Complete}},
		{name: "overlap gives the queue up", frames: [][]byte{a[0], cut(v4, 992, 2000, true), a[1]}, want: []Result{Held, Overlap, Held}, left: 1},
		{name: "overlap, IPv6", frames: [][]byte{b[0], cut(v6, 992, 2000, true), b[1]}, want: []Result{Held, Overlap, Held}, left: 1},
		{name: "last one ends before another", frames: [][]byte{a[1], cut(v4, 1000, 1500, false), a[0]}, want: []Result{Held, BadEnd, Held}, left: 1},
		{name: "last one ends before another, IPv6: the queue stays", frames: [][]byte{b[1], cut(v6, 1000, 1500, false), b[0], b[2]}, want: []Result{Held, BadEnd, Held, Complete}},
		{name: "two ends", frames: [][]byte{a[2], cut(v4, 2000, 2500, false)}, want: []Result{Held, BadEnd}},
		{name: "behind the end", frames: [][]byte{cut(v4, 1000, 2000, false), cut(v4, 2000, 2800, true)}, want: []Result{Held, BadEnd}},
		{name: "empty", frames: [][]byte{cut(v4, 0, 0, true), cut(v4, 1000, 1000, false), cut(v4, 0, 5, true)}, want: []Result{Empty, Empty, Empty}},
		{name: "empty, IPv6", frames: [][]byte{cut(v6, 1000, 1000, false)}, want: []Result{Empty}},
		{name: "header longer than the frame", frames: [][]byte{edit(cut(v4, 0, 8, true), 0, 0x4f), edit(a[0], 0, 0x44)}, want: []Result{BadHeader, BadHeader}},
		{name: "IPv6 headers in a later fragment", frames: [][]byte{edit(b[1], 40, packet.ProtoDstOpts)}, want: []Result{BadHeader}},
		{name: "IPv6 headers in the first fragment", frames: [][]byte{edit(b[0], 40, packet.ProtoDstOpts), b[1]}, want: []Result{Held, Held}, left: 2},
		{name: "longer than 65535", frames: [][]byte{huge(v4, 65000, false), huge(v6, 65000, false)}, want: []Result{Held, Oversize}, left: 1},
		{name: "not a multiple of eight", frames: [][]byte{cut(v4, 0, 1005, true), a[1], a[2]}, want: []Result{Held, Held, Complete}},
		{name: "not a multiple of eight, IPv6", frames: [][]byte{b[0], cut(v6, 1000, 2005, true)}, want: []Result{Held, AsIs}},
		{name: "truncated transport header, IPv6", frames: [][]byte{cut(v6, 0, 7, true)}, want: []Result{AsIs}},
		{name: "truncated TCP header, IPv6", frames: [][]byte{packettest.Fragment(tcp6, 1, 0, 16, true), packettest.Fragment(tcp6, 1, 0, 24, true)}, want: []Result{AsIs, Held}, left: 1},
		{name: "no payload length, IPv6", frames: [][]byte{edit(edit(b[0], 4, 0), 5, 0)}, want: []Result{AsIs}},
		{name: "payload length below the headers', IPv6", frames: [][]byte{edit(edit(b[0], 4, 0), 5, 4)}, want: []Result{Oversize}},
		{name: "fragment header cut off, IPv6", frames: [][]byte{b[0][:61]}, want: []Result{AsIs}},
		{name: "atomic", frames: [][]byte{cut(v6, 0, 3000, false)}, want: []Result{Complete}},
		{name: "mixed ECN", frames: [][]byte{a[0], edit(a[1], 1, 3), a[2]}, want: []Result{Held, Held, MixedECN}},
		{name: "mixed ECN, IPv6", frames: [][]byte{b[0], edit(b[1], 1, 0x30), b[2]}, want: []Result{Held, Held, MixedECN}},
		{name: "B053_no_memory", limits: func(l *Limits) { l.HighThresh = [2]int64{} }, frames: [][]byte{a[0], b[0]}, want: []Result{NoMemory, NoMemory}},
		{name: "B053_min_frag", limits: func(l *Limits) { l.MinFrag = [2]int64{1200, 1280} }, frames: [][]byte{a[0], b[0], a[2], cut(v4, 0, 1200, true)}, want: []Result{TooSmall, TooSmall, Held, Held}, left: 2},
		{name: "B053_max_nfrags", limits: func(l *Limits) { l.MaxFrags = 2 }, frames: [][]byte{a[0], b[0], a[1], b[1]}, want: []Result{Held, Held, TooMany, TooMany}, left: 2},
		{name: "B053_disabled", limits: func(l *Limits) { l.Disabled = [2]bool{true, true} }, frames: [][]byte{a[0], b[0]}, want: []Result{AsIs, AsIs}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			if c.limits != nil {
				c.limits(&r.lim)
			}
			for i, f := range c.frames {
				if got := r.put(f); got != c.want[i] {
					t.Errorf("fragment %d: %v, want %v", i, got, c.want[i])
				}
				check(t, r.Reassembler)
			}
			if s := r.Stats(); s.Waiting[0]+s.Waiting[1] != c.left {
				t.Errorf("%d fragments wait, want %d", s.Waiting[0]+s.Waiting[1], c.left)
			}
		})
	}
}

// TestOversize puts together as much as an IPv4 packet can hold, and more.
func TestOversize(t *testing.T) {
	for last, want := range map[int]Result{65512: Complete, 65515: Complete, 65516: Oversize, 65528 + 8: Oversize} {
		r := newRig()
		data := packettest.IP("10.0.0.1", "10.0.0.2", 99, make([]byte, 70000))
		off := 0
		for ; off+1400 < last; off += 1400 {
			if got := r.put(packettest.Fragment(data, 1, off, off+1400, true)); got != Held {
				t.Fatal(got)
			}
		}
		if got := r.put(packettest.Fragment(data, 1, off, last, false)); got != want {
			t.Errorf("%d bytes: %v, want %v", last, got, want)
		}
		check(t, r.Reassembler)
		if want == Complete && len(r.w.Frame) != 34+last {
			t.Errorf("%d bytes came out of %d", len(r.w.Frame), last)
		}
	}
}

func TestB025_keys_tell_packets_apart(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		other func(f []byte) []byte
		zone  uint16
		dev   int32
		want  Result
	}{
		{"the same", v4, bytes.Clone, 0, 1, Complete},
		{"zone", v4, bytes.Clone, 1, 0, Held},
		{"identification", v4, func(f []byte) []byte { return edit(f, 5, 9) }, 0, 0, Held},
		{"protocol", v4, func(f []byte) []byte { return edit(f, 9, 6) }, 0, 0, Held},
		{"source", v4, func(f []byte) []byte { return edit(f, 15, 9) }, 0, 0, Held},
		{"destination", v4, func(f []byte) []byte { return edit(f, 19, 9) }, 0, 0, Held},
		{"IPv6, device and next header do not matter", v6, func(f []byte) []byte { return edit(f, 40, 6) }, 0, 1, Complete},
		{"IPv6 zone", v6, bytes.Clone, 1, 0, Held},
		{"IPv6 identification", v6, func(f []byte) []byte { return edit(f, 44, 9) }, 0, 0, Held},
		{"IPv6 source", v6, func(f []byte) []byte { return edit(f, 23, 9) }, 0, 0, Held},
		{"IPv6 link-local: the device matters", packettest.UDP("fe80::1", "fe80::2", 1, 2, string(make([]byte, 2992))), bytes.Clone, 0, 1, Held},
		{"IPv6 link-local, not fe80::/16: the device matters", packettest.UDP("fe80::1", "fe81::2", 1, 2, string(make([]byte, 2992))), bytes.Clone, 0, 1, Held},
		{"IPv6 behind link-local: the device does not matter", packettest.UDP("fe80::1", "fec0::2", 1, 2, string(make([]byte, 2992))), bytes.Clone, 0, 1, Complete},
		{"IPv6 unique local: the device does not matter", packettest.UDP("fe80::1", "fd80::2", 1, 2, string(make([]byte, 2992))), bytes.Clone, 0, 1, Complete},
		{"IPv6 multicast: the device matters", packettest.UDP("fe80::1", "ff02::2", 1, 2, string(make([]byte, 2992))), bytes.Clone, 0, 1, Held},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			f := packettest.Fragments(c.frame, 1, 1496)
			r.put(f[0])
			h := headersOf(f[1])
			if got := r.Add(1, c.other(f[1]), 14, h.EtherType == packet.EtherIPv6, c.zone, c.dev, &r.w); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestB053_age(t *testing.T) {
	for fam, frame := range [][]byte{v4, v6} {
		f := packettest.Fragments(frame, 1, 1496)
		limit := DefaultLimits().Timeout[fam]
		r := newRig()
		r.put(f[0])
		r.now += limit - 1
		if got := r.put(f[1]); got != Complete {
			t.Errorf("just in time: %v", got)
		}
		r.put(f[0])
		r.now += limit
		if got := r.put(f[1]); got != Held || r.Stats().TimedOut[fam] != 1 || r.Stats().Discarded[fam] != 1 {
			t.Errorf("too late: %v, %+v", got, r.Stats())
		}
		r.now += limit
		r.Tick(r.now, 10)
		if s := r.Stats(); s.TimedOut[fam] != 2 || s.Waiting[fam] != 0 || s.Memory[fam] != 0 {
			t.Errorf("after a tick: %+v", s)
		}
		check(t, r.Reassembler)
	}
	t.Run("a shorter time holds for what comes after", func(t *testing.T) {
		r := newRig()
		f, g := packettest.Fragments(v4, 1, 1496), packettest.Fragments(v4, 2, 1496)
		r.put(f[0])
		r.lim.Timeout[0] = 1e9
		r.put(g[0])
		r.now += 1e9
		if late, early := r.put(g[1]), r.put(f[1]); late != Held || early != Complete {
			t.Errorf("%v, %v", late, early)
		}
		if s := r.Stats(); s.TimedOut[0] != 1 || s.Queues[0] != 1 || s.Waiting[0] != 1 {
			t.Errorf("%+v", s)
		}
		check(t, r.Reassembler)
	})
	t.Run("a full house empties by time alone", func(t *testing.T) {
		r := newRig()
		r.lim.MaxFrags = 1
		r.put(packettest.Fragments(v6, 1, 1496)[0])
		r.now += r.lim.Timeout[1]
		if got := r.put(packettest.Fragments(v4, 1, 1496)[0]); got != Held {
			t.Error(got)
		}
		r.now += r.lim.Timeout[0]
		if got := r.put(packettest.Fragments(v6, 1, 1496)[0]); got != Held || r.Stats().TimedOut != [2]uint64{1, 1} {
			t.Errorf("%v, %v timed out", got, r.Stats().TimedOut)
		}
	})
}

// TestI7_memory_is_bounded floods a Reassembler with first fragments, and with
// the smallest ones of long packets.
func TestI7_memory_is_bounded(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		next  func(f []byte, i int)
	}{
		{"first fragments", packettest.Fragment(v4, 1, 0, 1480, true), func(f []byte, i int) { binary.BigEndian.PutUint32(f[26:], uint32(i)) }},
		{"eight bytes each", packettest.Fragment(v4, 1, 0, 8, true), func(f []byte, i int) {
			binary.BigEndian.PutUint16(f[20:], 0x2000|uint16(i*2&0x1fff))
			binary.BigEndian.PutUint16(f[18:], uint16(i>>12))
		}},
		{"first fragments, IPv6", packettest.Fragment(v6, 1, 0, 1432, true), func(f []byte, i int) { binary.BigEndian.PutUint32(f[58:], uint32(i)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig()
			refused := 0
			for i := range 50000 {
				c.next(c.frame, i)
				if r.put(c.frame) == NoMemory {
					refused++
				}
			}
			s := r.Stats()
			fam := 0
			if headersOf(c.frame).EtherType == packet.EtherIPv6 {
				fam = 1
			}
			if over := s.Memory[fam] - r.lim.HighThresh[fam]; over < 0 || over > 4096 || refused == 0 {
				t.Errorf("%d bytes over the limit, %d refused", over, refused)
			}
			if slabs := len(r.fam[fam].chunks.slabs) * chunksPerSlab * chunkSize; int64(slabs) > r.lim.HighThresh[fam]+chunksPerSlab*chunkSize {
				t.Errorf("%d bytes of chunks", slabs)
			}
			check(t, r.Reassembler)
			r.now += 100e9
			c.next(c.frame, 1)
			if got := r.put(c.frame); got != Held {
				t.Errorf("after their time: %v", got)
			}
			check(t, r.Reassembler)
		})
	}
}

// TestNoAllocs: in steady state nothing is allocated, whatever becomes of the
// fragments.
func TestNoAllocs(t *testing.T) {
	r := newRig()
	var frames [][]byte
	for id := range uint32(8) {
		frames = append(frames, packettest.Fragments(v4, id, 1000, 1000)...)
		frames = append(frames, packettest.Fragments(v6, id, 1000, 1000)...)
		frames = append(frames, packettest.Fragments(v4, 100+id, 8, 16)[:2]...)
	}
	if n := testing.AllocsPerRun(50, func() {
		r.now += 31e9
		r.Recycle()
		for _, f := range frames {
			if r.put(f) != Complete {
				continue
			}
			p, ok := r.Cut(r.w.Frame, 14, len(r.w.Frame) == len(v6), r.w.Split, false)
			for ok {
				_, ok = p.Next()
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if s := r.Stats(); s.Results[0][Complete] < 100 || s.TimedOut[0] < 100 {
		t.Errorf("%+v", s)
	}
}

// FuzzAdd feeds frames as fragments: nothing panics, what comes out parses, and
// the books balance (I9).
func FuzzAdd(f *testing.F) {
	for _, s := range [][][]byte{packettest.Fragments(v4, 1, 1000, 1000), packettest.Fragments(v6, 1, 1000, 1000), packettest.Fragments(v4, 1, 8, 8)} {
		f.Add(bytes.Join(s, nil), uint16(len(s[0])))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint16) {
		r := newRig()
		r.lim.HighThresh = [2]int64{8192, 8192}
		for i := 0; len(data) > 0; i++ {
			n := min(len(data), 1+int(step))
			frame := data[:n]
			data = data[n:]
			h := headersOf(frame)
			if !IsFragment(frame, h) || h.L3 == 0 || h.EtherType == packet.EtherIPv6 && len(frame) < int(h.L3)+40 {
				continue
			}
			r.now += int64(i) * 1e9
			if r.put(frame) != Complete {
				check(t, r.Reassembler)
				continue
			}
			check(t, r.Reassembler)
			p, ok := r.Cut(r.w.Frame, r.w.L3, h.EtherType == packet.EtherIPv6, r.w.Split, step&1 != 0)
			total := 0
			for ok {
				var b []byte
				if b, ok = p.Next(); ok && !IsFragment(b, headersOf(b)) && total > 0 {
					t.Fatalf("a piece is no fragment: %x", b)
				}
				total += len(b)
			}
		}
	})
}

// BenchmarkFlood is a fragment of a packet that never completes, with memory
// used up and given back all the time.
func BenchmarkFlood(b *testing.B) {
	r := newRig()
	f := packettest.Fragment(v4, 1, 0, 1480, true)
	i := uint32(0)
	for b.Loop() {
		i++
		r.now += 1e6
		binary.BigEndian.PutUint32(f[26:], i)
		r.Add(r.now, f, 14, false, 0, 0, &r.w)
	}
}

// BenchmarkTiny is a flood of the smallest fragments of one long packet, which
// come from its end and from its beginning in turn.
func BenchmarkTiny(b *testing.B) {
	r := newRig()
	f := packettest.Fragment(v4, 1, 0, 8, true)
	i := 0
	for b.Loop() {
		i = (i + 1) & 4095
		if i == 0 {
			r.now += 100e9
		}
		off := i
		if i&1 == 0 {
			off = 8000 - i
		}
		binary.BigEndian.PutUint16(f[20:], 0x2000|uint16(off))
		r.Add(r.now, f, 14, false, 0, 0, &r.w)
	}
}

// BenchmarkRoundTrip puts 3000 bytes in three fragments together and takes
// them apart again; the unit is the packet.
func BenchmarkRoundTrip(b *testing.B) {
	r := newRig()
	frames := packettest.Fragments(v4, 1, 1000, 1000)
	b.SetBytes(3000)
	for b.Loop() {
		r.Recycle()
		for _, f := range frames {
			r.Add(1, f, 14, false, 0, 0, &r.w)
		}
		p, ok := r.Cut(r.w.Frame, 14, false, r.w.Split, false)
		for ok {
			_, ok = p.Next()
		}
	}
}
