package frag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestECN: what fragments' code points come to (RFC 3168, section 5.3;
// inet_fragment.c ip_frag_ecn_table), for every three of them.
func TestECN(t *testing.T) {
	for _, frame := range [][]byte{v4, v6} {
		ipv6 := len(frame) == len(v6)
		set := func(f []byte, ecn int) []byte {
			if ipv6 {
				return edit(f, 1, byte(ecn<<4)|0x0a)
			}
			return edit(f, 1, byte(ecn)|0xa8)
		}
		for combination := range 64 {
			ecn := []int{combination & 3, combination >> 2 & 3, combination >> 4}
			seen := [4]bool{}
			for _, e := range ecn {
				seen[e] = true
			}
			want := ecn[0]
			mixed := seen[0] && (seen[1] || seen[2] || seen[3])
			if seen[3] {
				want = 3
			}
			r := newRig()
			var got Result
			for i, f := range packettest.Fragments(frame, 1, 1000, 1000) {
				got = r.put(set(f, ecn[i]))
			}
			if (got == MixedECN) != mixed || !mixed && got != Complete {
				t.Errorf("code points %v: %v", ecn, got)
			}
			if s := r.Stats(); mixed && s.Discarded[map[bool]int{true: 1}[ipv6]] != 3 {
				t.Errorf("%d are discarded", s.Discarded)
			}
			check(t, r.Reassembler)
			if mixed {
				continue
			}
			dsfield := 0xa8 | want
			if ipv6 {
				dsfield = want
			}
			if h := headersOf(r.w.Frame); int(h.TOS) != dsfield {
				t.Errorf("code points %v, IPv6 %v: TOS %#x, want %#x", ecn, ipv6, h.TOS, dsfield)
			}
			if !ipv6 && packet.Checksum(r.w.Frame[14:34]) != 0 {
				t.Error("bad header checksum")
			}
		}
	}
}

// TestDF: a packet has DF if its longest fragment had (ip_frag_reasm), and its
// MRU is the longest's length.
func TestDF(t *testing.T) {
	for df := range 8 {
		for _, sizes := range [][]int{{1000, 1000}, {1000, 1008}, {1504, 1000}} {
			r := newRig()
			longest, longestDF := 0, 0
			for i, f := range packettest.Fragments(v4, 1, sizes...) {
				n := len(f) - 14
				longest = max(longest, n)
				if df>>i&1 == 1 {
					f = edit(f, 6, f[20]|0x40)
					longestDF = max(longestDF, n)
				}
				r.put(f)
			}
			bits := binary.BigEndian.Uint16(r.w.Frame[20:])
			if want := map[bool]uint16{true: 0x4000}[longest == longestDF]; bits != want || r.w.Max != longest || r.w.Fragments() != 3 {
				t.Errorf("DF in %03b of %v: %#x, want %#x; MRU %d, want %d", df, sizes, bits, want, r.w.Max, longest)
			}
		}
	}
}

// TestWholeIPv6: extension headers in front of the fragment header, longer than
// what a chunk holds, stay, and the payload loses nothing.
func TestWholeIPv6(t *testing.T) {
	for _, words := range []int{0, 1, 55, 60, 63, 64, 130} {
		for _, tagged := range []bool{false, true} {
			ext := append([]byte{44, byte(words)}, make([]byte, 6+8*words)...)
			payload := bytes.Repeat([]byte("0123456789abcdef"), 60)
			var pieces [][]byte
			for off := 0; off < len(payload); off += 320 {
				bits := byte(1)
				if off+320 == len(payload) {
					bits = 0
				}
				fh := []byte{99, 0, byte(off >> 8), byte(off) | bits, 0, 0, 0, 9}
				f := packettest.IP("fd00::1", "fd00::2", 60, append(append(bytes.Clone(ext), fh...), payload[off:off+320]...))
				if tagged {
					f = packettest.Tagged(f, packet.EtherVLAN, 7)
				}
				pieces = append(pieces, f)
			}
			want := packettest.IP("fd00::1", "fd00::2", 60, append(append([]byte{99, byte(words)}, ext[2:]...), payload...))
			l3 := 14
			if tagged {
				want, l3 = packettest.Tagged(want, packet.EtherVLAN, 7), 18
			}
			for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
				r := newRig()
				for i, k := range order {
					if i == 2 {
						r.Reassembler = restarted(t, r.Reassembler, 1)
					}
					r.put(bytes.Clone(pieces[k]))
					check(t, r.Reassembler)
				}
				if !bytes.Equal(r.w.Frame, want) || r.w.L3 != l3 || r.w.Max != len(pieces[0])-l3 || r.w.total != len(want)-l3 || r.w.least != 40+len(ext) {
					t.Fatalf("%d bytes of headers, order %v: MRU %d, %d in all, least %d\n%x, want\n%x", 40+len(ext), order, r.w.Max, r.w.total, r.w.least, r.w.Frame, want)
				}
			}
		}
	}
}

// TestLengths: the longest packets that fragments may come to, of both
// families, and fragments that promise more than is there.
func TestLengths(t *testing.T) {
	for _, c := range []struct {
		ext  int // bytes of extension headers before the fragment header
		end  int
		want Result
	}{
		{0, 65528, Complete}, {0, 65535, Complete}, {0, 65536, Oversize}, {8, 65527, Complete}, {8, 65528, Oversize},
	} {
		r := newRig()
		put := func(off, n int, more byte) Result {
			ext := append([]byte{44, 0}, make([]byte, 6)...)[:c.ext]
			fh := []byte{99, 0, byte(off >> 8), byte(off) | more, 0, 0, 0, 9}
			next := uint8(60)
			if c.ext == 0 {
				next = 44
			}
			return r.put(packettest.IP("fd00::1", "fd00::2", next, append(append(ext, fh...), make([]byte, n)...)))
		}
		off := 0
		for ; off+4000 < c.end; off += 4000 {
			if got := put(off, 4000, 1); got != Held {
				t.Fatal(got)
			}
		}
		if got := put(off, c.end-off, 0); got != c.want {
			t.Errorf("%d bytes behind %d of extension headers: %v, want %v", c.end, c.ext, got, c.want)
		}
		check(t, r.Reassembler)
	}
	for end, want := range map[int]Result{65535: Held, 65536: Oversize} { // the last one first
		fh := []byte{99, 0, 65528 >> 8, 65528 & 0xff, 0, 0, 0, 9}
		if got := newRig().put(packettest.IP("fd00::1", "fd00::2", 44, append(fh, make([]byte, end-65528)...))); got != want {
			t.Errorf("a last fragment that ends at %d: %v, want %v", end, got, want)
		}
	}
	// Bytes behind an IPv6 packet are not its payload.
	r := newRig()
	for _, f := range packettest.Fragments(v6, 1, 1000, 1000) {
		r.put(append(bytes.Clone(f), "padding"...))
	}
	if !bytes.Equal(r.w.Frame, v6) {
		t.Errorf("%d bytes came out of %d", len(r.w.Frame), len(v6))
	}
	// IPv4 frames longer than a packet can be, padding included.
	for n, want := range map[int]Result{65535: Held, 65536: Oversize} {
		f := packettest.Fragment(v4, 1, 0, 1000, true)
		if got := newRig().put(append(f, make([]byte, n-len(f)+14)...)); got != want {
			t.Errorf("%d bytes of IPv4: %v, want %v", n, got, want)
		}
	}
	// IPv6: the frame ends before what the header promises.
	b := packettest.Fragments(v6, 1, 1000, 1000)
	for cut, want := range map[int]Result{0: Held, 1: Held, 999: Held, 1000: Empty} {
		r := newRig()
		if got := r.put(b[1][:len(b[1])-cut]); got != want {
			t.Errorf("a later fragment %d bytes short: %v, want %v", cut, got, want)
		}
		check(t, r.Reassembler)
		if want != Held {
			continue
		}
		if got := r.fam[1].nodes.all[1].len; int(got) != 1000-cut {
			t.Errorf("%d bytes wait of a fragment %d bytes short", got, cut)
		}
		r.put(b[0])
		if got := r.put(b[2]); (got == Complete) != (cut == 0) {
			t.Errorf("%d bytes short: %v", cut, got)
		}
	}
}

// TestHeaderLengths: IPv4 headers that are shorter or longer than they can be.
func TestHeaderLengths(t *testing.T) {
	for words := range 16 {
		for _, have := range []int{20, 24, 28, 60, 100} {
			f := edit(packettest.Fragment(v4, 1, 0, 1000, true), 0, byte(0x40|words))[:14+have]
			want := Held
			switch header := words * 4; {
			case header < 20 || header > have:
				want = BadHeader
			case have-header < 8:
				want = Empty
			}
			r := newRig()
			r.put(packettest.Fragment(v4, 1, 2000, 2008, true))
			if s := r.Stats(); want != Held {
				defer func() {
					if d := r.Stats().Discarded; d != [2]uint64{1, 0} || s.Waiting[0] != 1 {
						t.Errorf("header of %d bytes, %d there: %v discarded", words*4, have, d)
					}
				}()
			}
			if got := r.put(f); got != want {
				t.Errorf("header of %d bytes, %d there: %v, want %v", words*4, have, got, want)
			}
			check(t, r.Reassembler)
			if s := r.Stats(); s.Queues[0] != map[bool]int{true: 1}[want == Held] {
				t.Errorf("header of %d bytes, %d there: %d queues", words*4, have, s.Queues[0])
			}
		}
	}
}

// TestDistance: MaxDist other fragments of the same source between two of one
// packet, and one more (ip_frag_too_far).
func TestDistance(t *testing.T) {
	a, other := packettest.Fragments(v4, 1, 1000, 1000), packettest.Fragments(v4, 2, 8)[0]
	elsewhere := edit(other, 15, 77)
	for _, dist := range []int64{-1, 0, 1, 2, 5, 64} {
		for _, between := range []int{0, 1, 2, 4, 5, 63, 64} {
			r := newRig()
			r.lim.MaxDist = dist
			r.put(a[0])
			r.now = 5e9
			for range between {
				r.put(other)
				r.put(elsewhere)
			}
			far := dist > 0 && int64(between) >= dist
			r.put(a[1])
			check(t, r.Reassembler)
			s := r.Stats()
			if got := s.Restarted[0] == 1; got != far || s.Restarted[0] > 1 || s.Discarded[0] != s.Restarted[0] {
				t.Errorf("limit %d, %d between: begun anew %d times, %d discarded", dist, between, s.Restarted[0], s.Discarded[0])
			}
			if got := r.put(a[2]); (got == Complete) == far {
				t.Errorf("limit %d, %d between: %v", dist, between, got)
			}
			if !far {
				continue
			}
			// Begun anew, it has its whole time from then on.
			r.now += r.lim.Timeout[0] - 1
			r.Tick(r.now, 10)
			if s := r.Stats(); s.Waiting[0] != 4 {
				t.Errorf("limit %d, %d between: %d wait just before its time", dist, between, s.Waiting[0])
			}
			r.now++
			r.Tick(r.now, 10)
			if s := r.Stats(); s.Waiting[0] != 0 || s.Memory[0] != 0 || s.Queues[0] != 0 {
				t.Errorf("limit %d, %d between: %+v", dist, between, s)
			}
		}
	}
	t.Run("nothing_is_left_of_what_was", func(t *testing.T) {
		r := newRig()
		r.lim.MaxDist = 1
		r.put(edit(a[1], 1, 0)) // no ECN, and 20 bytes of header
		r.put(other)
		for i, f := range packettest.Fragments(packets(3000)["24"], 1, 1000, 1000) {
			f = edit(f, 9, 17)
			if got := r.put(edit(f, 1, 1)); (got == Complete) != (i == 2) {
				t.Errorf("fragment %d: %v", i, got)
			}
			check(t, r.Reassembler)
		}
		if s := r.Stats(); s.Restarted[0] != 1 || r.w.least != 24 || r.w.Frame[15] != 1 {
			t.Errorf("begun anew %d times, least header %d, TOS %d", s.Restarted[0], r.w.least, r.w.Frame[15])
		}
	})
	t.Run("switched_off_and_on", func(t *testing.T) {
		r := newRig()
		r.lim.MaxDist = 1
		r.put(a[0])
		r.lim.MaxDist = 0
		for range 9 {
			r.put(other)
		}
		r.put(a[1])
		if got := r.put(a[2]); got != Complete || r.Stats().Restarted[0] != 0 {
			t.Errorf("%v, %d restarts", got, r.Stats().Restarted[0])
		}
		r.lim.MaxDist = 1
		r.put(a[0]) // a new queue, while the other's source is counted no more
		r.put(a[1])
		if got := r.put(a[2]); got != Complete {
			t.Error(got)
		}
		check(t, r.Reassembler)
	})
}

// TestLimitsAtTheirBounds: one fragment, byte or nanosecond less and more.
func TestLimitsAtTheirBounds(t *testing.T) {
	if got := fmt.Sprint(DefaultLimits()); got != "{[4194304 4194304] [30000000000 60000000000] 64 [false false] [0 0] 0}" {
		t.Errorf("Linux's defaults: %s", got) // ip_fragment.c ipv4_frags_init_net, nf_conntrack_reasm.c nf_ct_net_init
	}
	a, b := packettest.Fragments(v4, 1, 1000, 1000), packettest.Fragments(v6, 1, 1000, 1000)
	for _, c := range []struct {
		name   string
		limits func(*Limits)
		frames [][]byte
		want   []Result
	}{
		{"as long as it must be", func(l *Limits) { l.MinFrag = [2]int64{1020, 1048} }, [][]byte{a[0], b[0]}, []Result{Held, Held}},
		{"one byte shorter", func(l *Limits) { l.MinFrag = [2]int64{1021, 1049} }, [][]byte{a[0], b[0]}, []Result{TooSmall, TooSmall}},
		{"the last may be shorter", func(l *Limits) { l.MinFrag = [2]int64{5000, 5000} }, [][]byte{a[2], b[2]}, []Result{Held, Held}},
		{"one may wait", func(l *Limits) { l.MaxFrags = 1 }, [][]byte{a[0], a[1], b[0]}, []Result{Held, TooMany, TooMany}},
		{"two may wait", func(l *Limits) { l.MaxFrags = 2 }, [][]byte{a[0], b[1], a[1], b[0]}, []Result{Held, Held, TooMany, TooMany}},
		{"one byte of memory", func(l *Limits) { l.HighThresh = [2]int64{1, 1} }, [][]byte{a[0], a[1], b[0], b[1]}, []Result{Held, NoMemory, Held, NoMemory}},
		{"no memory for IPv6", func(l *Limits) { l.HighThresh[1] = 0 }, [][]byte{a[0], b[0]}, []Result{Held, NoMemory}},
		{"less than none", func(l *Limits) { l.HighThresh = [2]int64{-1, -1} }, [][]byte{a[0], b[0]}, []Result{NoMemory, NoMemory}},
		{"IPv6 switched off", func(l *Limits) { l.Disabled[1] = true }, [][]byte{a[0], b[0]}, []Result{Held, AsIs}},
	} {
		r := newRig()
		c.limits(&r.lim)
		for i, f := range c.frames {
			if got := r.put(f); got != c.want[i] {
				t.Errorf("%s: fragment %d: %v, want %v", c.name, i, got, c.want[i])
			}
		}
	}
	// A queue, a node and three chunks: what a first fragment of 1000 bytes with its headers counts.
	for fam, f := range [][]byte{a[0], b[0]} {
		r := newRig()
		if r.put(f); r.Stats().Memory[fam] != 192+40+3*512 {
			t.Errorf("family %d: %d bytes", fam, r.Stats().Memory[fam])
		}
		r.lim.HighThresh[fam] = r.Stats().Memory[fam]
		if got := r.put([][]byte{a[1], b[1]}[fam]); got != Held {
			t.Errorf("family %d: with what is used just at the limit: %v", fam, got)
		}
		if got := r.put([][]byte{a[2], b[2]}[fam]); got != NoMemory {
			t.Errorf("family %d: above the limit: %v", fam, got)
		}
	}
}

// TestTick: as many as are asked for, of each family, and none before its time.
func TestTick(t *testing.T) {
	r := newRig()
	for id := range uint32(5) {
		r.now = int64(id)
		r.put(packettest.Fragments(v4, id, 1000)[0])
		r.put(packettest.Fragments(v6, id, 1000)[0])
	}
	r.lim.Timeout = [2]int64{}
	for _, c := range []struct {
		now, n   int64
		queues   [2]int
		timedOut [2]uint64
	}{
		{30e9 - 1, 9, [2]int{5, 5}, [2]uint64{0, 0}}, {30e9, 9, [2]int{4, 5}, [2]uint64{1, 0}}, {60e9 + 3, 0, [2]int{4, 5}, [2]uint64{1, 0}},
		{60e9 + 3, 1, [2]int{3, 4}, [2]uint64{2, 1}}, {60e9 + 3, 2, [2]int{1, 2}, [2]uint64{4, 3}}, {60e9 + 3, 9, [2]int{0, 1}, [2]uint64{5, 4}}, {60e9 + 4, 1, [2]int{0, 0}, [2]uint64{5, 5}},
	} {
		r.Tick(c.now, int(c.n))
		if s := r.Stats(); s.Queues != c.queues || s.TimedOut != c.timedOut || s.Discarded != c.timedOut || r.Waiting() != c.queues[0]+c.queues[1] {
			t.Errorf("at %d, %d of them: %v queues, %v timed out, %v discarded; want %v, %v", c.now, c.n, s.Queues, s.TimedOut, s.Discarded, c.queues, c.timedOut)
		}
		check(t, r.Reassembler)
	}
}

// TestManyPackets: more packets and sources than the tables begin with, all of
// which are found again.
func TestManyPackets(t *testing.T) {
	for fam, frame := range [][]byte{v4, v6} {
		r := newRig()
		r.lim.HighThresh = [2]int64{1 << 30, 1 << 30}
		f := packettest.Fragments(frame, 1, 1496)
		from := map[int]int{0: 14 + 12, 1: 14 + 8}[fam]
		for round, want := range []Result{Held, Complete} {
			for i := range 300 {
				g := bytes.Clone(f[round])
				g[from+2], g[from+3] = byte(i>>8), byte(i)
				if lead := r.Lead(r.now, g, 14, fam == 1, 0, 0, nil); lead == nil {
					t.Fatalf("family %d, source %d: nothing is foretold", fam, i)
				}
				if got := r.put(g); got != want {
					t.Fatalf("family %d, source %d: %v, want %v", fam, i, got, want)
				}
				if i%50 == 0 {
					check(t, r.Reassembler)
				}
				// A table is doubled by the packet that it has no bucket for.
				if n := len(r.fam[fam].table); round == 0 && (i == 63 && n != 64 || i == 64 && n != 128) {
					t.Errorf("family %d: %d buckets for %d packets", fam, n, i+1)
				}
				if n := len(r.fam[0].peerTable); round == 0 && fam == 0 && (i == 63 && n != 64 || i == 64 && n != 128) {
					t.Errorf("%d buckets for %d sources", n, i+1)
				}
			}
			if n := len(r.fam[fam].table); n != 512 {
				t.Errorf("family %d: %d buckets", fam, n)
			}
			if n := len(r.fam[fam].peerTable); n != map[int]int{0: 512, 1: 64}[fam] {
				t.Errorf("family %d: %d buckets of sources", fam, n)
			}
			r.Recycle()
		}
		s := r.Stats()
		if s.Queues[fam] != 0 || s.Memory[fam] != 0 || s.Used[fam] != 600 || len(r.fam[fam].all) != 301 || fam == 0 && len(r.fam[0].peers.all) != 301 {
			t.Errorf("family %d: %+v, %d slots", fam, s, len(r.fam[fam].all))
		}
		r.put(f[0])
		if len(r.fam[fam].all) != 301 || fam == 0 && len(r.fam[0].peers.all) != 301 {
			t.Errorf("family %d: slots are not used again", fam)
		}
	}
}

// TestInsert: places of fragments, and that what has none gets no number.
func TestInsert(t *testing.T) {
	for seed := range uint32(8) {
		var s nodes
		var q runs
		prio := seed * 0x9e3779b9
		for i, c := range []struct {
			off, end uint32
			want     Result
		}{
			{80, 96, Held}, {96, 104, Held}, {160, 168, Held}, {40, 48, Held}, {0, 8, Held}, {120, 128, Held}, {48, 56, Held},
			{80, 104, Duplicate}, {88, 96, Duplicate}, {96, 104, Duplicate}, {160, 168, Duplicate}, {0, 8, Duplicate}, {48, 56, Duplicate},
			{72, 88, Overlap}, {72, 104, Overlap}, {88, 112, Overlap}, {40, 56, Overlap}, {160, 176, Overlap}, {164, 168, Duplicate}, {0, 200, Overlap},
			{8, 40, Held}, {168, 176, Held}, {176, 184, Held}, {168, 184, Duplicate}, {160, 184, Duplicate}, {56, 80, Held}, {104, 120, Held}, {128, 160, Held}, {0, 184, Overlap},
		} {
			prio = prio*1664525 + 1013904223
			n, got := q.insert(&s, c.off, c.end, c.end-c.off, prio)
			if got != c.want || (n == 0) != (got != Held) {
				t.Errorf("fragment %d, %d to %d: number %d, %v, want %v", i, c.off, c.end, n, got, c.want)
			}
		}
		at := uint32(0)
		for i := q.first; i != 0; i = s.all[i].next {
			if n := s.all[i]; n.off != at {
				t.Errorf("one at %d, want %d", n.off, at)
			}
			at = s.all[i].off + s.all[i].len
		}
		if at != 184 || s.all[q.tail].off != 176 || s.all[q.run].off != 160 || s.all[q.run].end != 184 || s.all[q.run].last != q.tail {
			t.Errorf("ends at %d, the last run at %d to %d", at, s.all[q.run].off, s.all[q.run].end)
		}
		treap(t, &s, q.root, 0, 1<<20, 1<<32-1)
	}
}

// treap checks a treap's order by offset and by priority.
func treap(t *testing.T, s *nodes, i, from, to, prio uint32) {
	t.Helper()
	if i == 0 {
		return
	}
	n := s.all[i]
	if n.off < from || n.off >= to || n.prio > prio {
		t.Errorf("run at %d with priority %d under one of %d, between %d and %d", n.off, n.prio, prio, from, to)
	}
	treap(t, s, n.left, from, n.off, n.prio)
	treap(t, s, n.right, n.off+1, to, n.prio)
}

// TestResultNames: what traces say, and which results are drops.
func TestResultNames(t *testing.T) {
	want := []string{"held", "complete", "as is", "duplicate", "overlap", "contradicting end", "no payload", "bad header", "packet too long", "mixed ECN", "out of memory", "too small", "too many"}
	for i, name := range want {
		if r := Result(i); r.String() != name || r.Dropped() != (i > 2) {
			t.Errorf("%d: %q, dropped %v", i, r, r.Dropped())
		}
	}
	if NumResults != len(want) {
		t.Errorf("%d results", NumResults)
	}
}
