package frag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// model is reassembly done slowly: a map of queues, each with its runs in a
// slice that is searched from its beginning.
type model struct {
	limits Limits
	queues map[string]*modelQueue
	rid    map[string]int64
}

type modelQueue struct {
	begun  int64
	runs   [][]modelPiece // by offset
	length int
	last   bool
	rid    int64
}

type modelPiece struct {
	off  int
	data []byte
}

func (p modelPiece) end() int { return p.off + len(p.data) }

// drop ends queues that are too old, but for those that a limit on distance has
// begun anew.
func (m *model) drop(now int64, timeout int64) {
	for k, q := range m.queues {
		if now >= q.begun+timeout {
			delete(m.queues, k)
		}
	}
}

// add takes a fragment and returns what becomes of it and, if it completes a
// packet, the payload and the pieces' sizes.
func (m *model) add(now int64, v6 bool, src, name string, p modelPiece, more bool) (res Result, payload []byte, sizes []int) {
	fam := 0
	if v6 {
		fam = 1
	}
	m.drop(now, m.limits.Timeout[fam])
	q := m.queues[name]
	if q == nil {
		q = &modelQueue{begun: now}
		m.queues[name] = q
	}
	if !v6 && m.limits.MaxDist > 0 {
		m.rid[src]++
		if len(q.runs) > 0 && m.rid[src]-q.rid > m.limits.MaxDist {
			*q = modelQueue{begun: now}
		}
		q.rid = m.rid[src]
	}
	kill := func(r Result) (Result, []byte, []int) {
		if !v6 || r == Overlap || r == AsIs {
			delete(m.queues, name)
		}
		return r, nil, nil
	}
	if more && len(p.data)%8 != 0 {
		if v6 {
			return kill(AsIs)
		}
		p.data = p.data[:len(p.data)/8*8]
	}
	switch {
	case !more && (p.end() < q.length || q.last && p.end() != q.length), more && q.last && p.end() > q.length:
		return kill(BadEnd)
	case !more:
		q.last = true
	}
	q.length = max(q.length, p.end())
	if len(p.data) == 0 {
		return kill(Empty)
	}
	if n := len(q.runs); n > 0 && p.end() > q.runs[n-1][len(q.runs[n-1])-1].end() {
		last := q.runs[n-1]
		switch end := last[len(last)-1].end(); {
		case p.off < end:
			return kill(Overlap)
		case p.off == end:
			q.runs[n-1] = append(last, p)
		default:
			q.runs = append(q.runs, []modelPiece{p})
		}
	} else {
		for _, run := range q.runs {
			lo, hi := run[0].off, run[len(run)-1].end()
			switch {
			case p.end() <= lo || p.off >= hi:
			case p.off >= lo && p.end() <= hi:
				return Duplicate, nil, nil
			default:
				return kill(Overlap)
			}
		}
		q.runs = append(q.runs, []modelPiece{p})
		slices.SortFunc(q.runs, func(a, b []modelPiece) int { return a[0].off - b[0].off })
	}
	at := 0
	for _, p := range slices.Concat(q.runs...) {
		if p.off != at {
			return Held, nil, nil
		}
		payload = append(payload, p.data...)
		sizes = append(sizes, len(p.data))
		at = p.end()
	}
	if !q.last || at != q.length {
		return Held, nil, nil
	}
	delete(m.queues, name)
	return Complete, payload, sizes
}

// TestModel plays fragments of several packets, in any order, twice, cut
// differently, broken and late, against the model.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lim := DefaultLimits()
		lim.MaxDist = rapid.SampledFrom([]int64{0, 2, 5, 64}).Draw(rt, "max dist")
		r := New(&lim, 7)
		m := model{limits: lim, queues: map[string]*modelQueue{}, rid: map[string]int64{}}
		v6 := rapid.Bool().Draw(rt, "ipv6")
		sources, dst := []string{"10.0.0.1", "10.0.0.3"}, "10.0.0.2"
		if v6 {
			sources, dst = []string{"fd00::1", "fd00::3"}, "fd00::2"
		}
		data := make([]byte, 200)
		for i := range data {
			data[i] = byte(i)
		}
		now := int64(1e9)
		for range rapid.IntRange(1, 80).Draw(rt, "fragments") {
			now += rapid.SampledFrom([]int64{0, 1e6, 1e9, 25e9}).Draw(rt, "gap")
			if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
				r = restarted(rt, r, now)
			}
			src := rapid.SampledFrom(sources).Draw(rt, "source")
			id := uint32(rapid.IntRange(1, 2).Draw(rt, "id"))
			zone := uint16(rapid.IntRange(0, 1).Draw(rt, "zone"))
			off := rapid.IntRange(0, 9).Draw(rt, "offset") * 8
			n := rapid.SampledFrom([]int{8, 8, 8, 16, 16, 24, 32, 80, 0, 5}).Draw(rt, "bytes")
			more := rapid.IntRange(0, 3).Draw(rt, "more") > 0
			name := fmt.Sprint(src, " ", id, " ", zone)
			frame := packettest.Fragment(packettest.IP(src, dst, 99, data), id, off, off+n, more)
			if v6 && off == 0 && n == 0 {
				continue // not even a transport header
			}
			var w Whole
			got := r.Add(now, frame, 14, v6, zone, 0, &w)
			want, payload, sizes := m.add(now, v6, src, name, modelPiece{off, data[off : off+n]}, more)
			if got != want {
				rt.Fatalf("%s, %d to %d, more %v: %v, want %v", name, off, off+n, more, got, want)
			}
			check(t, r)
			if got != Complete {
				continue
			}
			header := 20
			if v6 {
				header = 40
			}
			if !bytes.Equal(w.Frame[14+header:], payload) {
				rt.Fatalf("%s: put together %x, want %x", name, w.Frame[14+header:], payload)
			}
			for i, s := range w.sizes {
				if int(s) != sizes[i] {
					rt.Fatalf("%s: pieces of %v, want %v", name, w.sizes, sizes)
				}
			}
			r.Recycle()
		}
	})
}

// TestRoundTrip: what is put together and taken apart again is what came in.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lim := DefaultLimits()
		r := New(&lim, rapid.Uint64().Draw(rt, "seed"))
		v6 := rapid.Bool().Draw(rt, "ipv6")
		src, dst := "10.0.0.1", "10.0.0.2"
		if v6 {
			src, dst = "fd00::1", "fd00::2"
		}
		data := rapid.SliceOfN(rapid.Byte(), 24, 4000).Draw(rt, "data")
		var sizes []int
		for sum := 0; sum < len(data); {
			n := 8 * rapid.IntRange(1, 150).Draw(rt, "size")
			sizes = append(sizes, n)
			sum += n
		}
		frame := packettest.UDP(src, dst, 1, 2, string(data))
		if rapid.Bool().Draw(rt, "tagged") {
			frame = append(append(append([]byte(nil), frame[:12]...), 0x81, 0, 0, 5), frame[12:]...)
		}
		in := packettest.Fragments(frame, 77, sizes...)
		l3 := int(headersOf(frame).L3)
		if len(in) < 2 {
			return
		}
		order := rapid.Permutation(in).Draw(rt, "order")
		var w Whole
		for i, f := range order {
			f = bytes.Clone(f)
			want := Held
			if i == len(order)-1 {
				want = Complete
			}
			if got := r.Add(1, f, l3, v6, 0, 0, &w); got != want {
				rt.Fatalf("fragment %d: %v, want %v", i, got, want)
			}
			clear(f) // it may be reused by now
		}
		whole := bytes.Clone(frame)
		if ip := whole[l3:]; !v6 {
			ip[5] = 77 // the identification that the fragments had
			ip[10], ip[11] = 0, 0
			binary.BigEndian.PutUint16(ip[10:], packet.Checksum(ip[:20]))
		}
		if !bytes.Equal(w.Frame, whole) {
			rt.Fatalf("whole\n%x, want\n%x", w.Frame, whole)
		}
		if !w.Needed(w.Frame, w.L3) {
			if longest(in)-l3 < len(w.Frame)-l3 {
				rt.Fatalf("%d bytes need not be taken apart, but the longest was %d", len(w.Frame)-l3, longest(in)-l3)
			}
			return
		}
		p, ok := r.Cut(w.Frame, w.L3, v6, w.Split, false)
		if !ok {
			rt.Fatal("cannot be taken apart")
		}
		for i, f := range in {
			b, ok := p.Next()
			if !ok {
				rt.Fatalf("only %d pieces", i)
			}
			if v6 { // a new identification
				copy(b[l3+44:l3+48], f[l3+44:l3+48])
			}
			if !bytes.Equal(b, f) {
				rt.Fatalf("piece %d\n%x, want\n%x", i, b, f)
			}
		}
		if b, ok := p.Next(); ok {
			rt.Fatalf("one more piece: %x", b)
		}
	})
}

// TestCopiesAreCutAnew: a copy's pieces are no longer than the longest
// fragment, and carry the same bytes.
func TestCopiesAreCutAnew(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lim := DefaultLimits()
		r := New(&lim, 1)
		v6 := rapid.Bool().Draw(rt, "ipv6")
		src, dst := "10.0.0.1", "10.0.0.2"
		if v6 {
			src, dst = "fd00::1", "fd00::2"
		}
		n := rapid.IntRange(3000, 9000).Draw(rt, "bytes")
		frame := packettest.UDP(src, dst, 1, 2, string(bytes.Repeat([]byte("abcdefghijk"), n/11)))
		var w Whole
		in := packettest.Fragments(frame, 5, 8*rapid.IntRange(1, 150).Draw(rt, "first"), 1200, 1200, 600, 1200, 1200, 1200)
		for _, f := range in {
			r.Add(1, f, 14, v6, 0, 0, &w)
		}
		limit := longest(in)
		if v6 {
			limit = max(limit, 14+minMTU)
		}
		p, ok := r.Cut(w.Frame, w.L3, v6, w.Split, true)
		if !ok {
			rt.Fatal("cannot be taken apart")
		}
		var again Whole
		for {
			b, ok := p.Next()
			if !ok {
				break
			}
			if len(b) > limit {
				rt.Fatalf("a piece of %d bytes, the longest fragment had %d", len(b), limit)
			}
			r.Add(1, b, 14, v6, 1, 0, &again)
		}
		if !bytes.Equal(again.Frame, w.Frame) {
			rt.Fatalf("%x, want %x", again.Frame, w.Frame)
		}
	})
}

// TestLongerPacket: a packet that has grown, as a helper's may, is cut anew.
func TestLongerPacket(t *testing.T) {
	for _, frame := range [][]byte{v4, v6} {
		r := newRig()
		for _, f := range packettest.Fragments(frame, 5, 1000, 1480) {
			r.put(f)
		}
		ipv6 := len(frame) == len(v6)
		for grown, want := range map[int]int{0: 1000, 3: 1480, 8: 1480} {
			p, ok := r.Cut(append(bytes.Clone(r.w.Frame), make([]byte, grown)...), 14, ipv6, r.w.Split, false)
			b, _ := p.Next()
			if got := len(b) - (len(frame) - 3000) - map[bool]int{true: 8}[ipv6]; !ok || got != want {
				t.Errorf("%d bytes longer: the first piece has %d, want %d", grown, got, want)
			}
		}
	}
}

func longest(frames [][]byte) (n int) {
	for _, f := range frames {
		n = max(n, len(f))
	}
	return n
}

func headersOf(frame []byte) *packet.Headers {
	h := new(packet.Headers)
	packet.Parse(frame, h)
	return h
}
