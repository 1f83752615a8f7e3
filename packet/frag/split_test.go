package frag

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// slowCut lists the payloads' lengths of the pieces that a packet with a
// header, n bytes in all, leaves as (ip_output.c ip_do_fragment, ip6_output.c
// ip6_fragment): those that came, if these can be sent, or as much as fits.
func slowCut(n, header, room int, s Split, clone bool) (lengths []int) {
	payload := n - header
	came := !clone && len(s.sizes) > 0 && n == s.total && s.least >= header
	var pieces []int // as they lie in the packet's payload now
	left := payload
	for i := len(s.sizes) - 1; i > 0 && came; i-- {
		size := int(s.sizes[i])
		if size > room || i < len(s.sizes)-1 && size%8 != 0 {
			came = false
		}
		pieces = append([]int{size}, pieces...)
		left -= size
	}
	pieces = append([]int{left}, pieces...)
	// What was pulled has moved to the first piece, from the next ones.
	for i := 1; came && header+pieces[0] < s.pulled && i < len(pieces); i++ {
		take := min(pieces[i], s.pulled-header-pieces[0])
		pieces[0] += take
		pieces[i] -= take
	}
	if came && (pieces[0] == payload || pieces[0] <= 0 || pieces[0] > room || pieces[0]%8 != 0) {
		came = false
	}
	if !came {
		for left := payload; left > 0; left -= lengths[len(lengths)-1] {
			lengths = append(lengths, left)
			if left > room {
				lengths[len(lengths)-1] = room / 8 * 8
			}
		}
		return lengths
	}
	for _, size := range pieces {
		if size > 0 {
			lengths = append(lengths, size)
		}
	}
	return lengths
}

// packets are whole IPv4 and IPv6 packets with what is repeated in front of
// every piece: 20 and 24 bytes, 40, and 40 with extension headers.
func packets(payload int) map[string][]byte {
	data := make([]byte, payload)
	for i := range data {
		data[i] = byte(i * 11)
	}
	data[0] = 99 // what a routing header would name
	plain := packettest.IP("10.0.0.1", "10.0.0.2", 99, data)
	options := append(append(bytes.Clone(plain[:34]), 1, 1, 1, 0), data...)
	options[14] = 0x46
	binary.BigEndian.PutUint16(options[16:], uint16(len(options)-14))
	packettest.Fix(options)
	hop := append(append([]byte{99, 1}, make([]byte, 14)...), data...)
	return map[string][]byte{
		"20": plain, "24": options, "40": packettest.IP("fd00::1", "fd00::2", 99, data), "56": packettest.IP("fd00::1", "fd00::2", 0, hop),
	}
}

// TestCut cuts packets that came in fragments of many sizes, with some of it
// pulled, headers that have become longer, and other lengths than they had.
func TestCut(t *testing.T) {
	r := newRig()
	pieces := 0
	for name, frame := range packets(200) {
		header := map[string]int{"20": 20, "24": 24, "40": 40, "56": 56}[name]
		ipv6 := header >= 40
		n := len(frame) - 14
		for _, sizes := range [][]uint16{nil, {200}, {8, 192}, {96, 104}, {104, 96}, {64, 64, 72}, {64, 60, 76}, {60, 64, 76}, {8, 8, 8, 176}, {0, 100, 100}, {0, 104, 96}, {128, 64, 8}, {80, 80, 33}, {80, 48, 80}} {
			for _, limit := range []int{7, 8, 9, 63, 64, 95, 96, 103, 104, 128, 199, 200, 201, 300} {
				for _, total := range []int{n - 1, n, n + 1} {
					for _, least := range []int{header - 1, header, header + 4} {
						for _, pull := range []int{0, 20, header + 8, header + 63, header + 64, header + 65, header + 72, header + 96, header + 128, header + 136, header + 199, n, n + 1, n + 50} {
							for _, clone := range []bool{false, true} {
								if total != n && pull != 20 || least != header && pull > 20 || clone && pull > 0 {
									continue
								}
								s := Split{Max: limit + header, total: total, sizes: sizes, least: least}
								s.Pull(pull)
								if want := map[bool]int{true: pull}[pull <= total]; s.pulled != want {
									t.Fatalf("%d of %d bytes pulled: %d", pull, total, s.pulled)
								}
								s.Pull(1)
								room := limit
								if ipv6 {
									room = 1280 - header - 8
								}
								p, ok := r.Cut(frame, 14, ipv6, s, clone)
								if ok != (room >= 8) {
									t.Fatalf("room for %d bytes: %v", room, ok)
								}
								if !ok {
									continue
								}
								what := fmt.Sprintf("header %s, %d of %d bytes, %v, limit %d, least %d, pulled %d, clone %v", name, n, total, sizes, limit, least, pull, clone)
								pieces += cutAll(t, what, frame, header, p, slowCut(n, header, room, s, clone))
								r.Recycle()
							}
						}
					}
				}
			}
		}
	}
	if pieces < 10000 {
		t.Errorf("only %d pieces", pieces)
	}
}

// cutAll compares the pieces, byte for byte, with those of the given lengths.
func cutAll(t *testing.T, what string, frame []byte, header int, p Pieces, lengths []int) int {
	t.Helper()
	off := 0
	var id []byte
	for i, n := range lengths {
		got, ok := p.Next()
		if !ok {
			t.Fatalf("%s: only %d pieces of %v", what, i, lengths)
		}
		last := off+n == len(frame)-14-header
		want := append(bytes.Clone(frame[:14+header]), frame[14+header+off:14+header+off+n]...)
		if header < 40 {
			binary.BigEndian.PutUint16(want[16:], uint16(header+n))
			binary.BigEndian.PutUint16(want[20:], uint16(off/8))
			if !last {
				want[20] |= 0x20
			}
			want[24], want[25] = 0, 0
			binary.BigEndian.PutUint16(want[24:], packet.Checksum(want[14:14+header]))
		} else {
			named := 20
			if header > 40 {
				named = 54
			}
			fh := []byte{want[named], 0, byte(off >> 8), byte(off), 0, 0, 0, 0}
			if !last {
				fh[3] |= 1
			}
			if id == nil {
				id = bytes.Clone(got[14+header+4 : 14+header+8])
			}
			copy(fh[4:], id)
			want[named] = packet.ProtoFragment
			want = append(append(bytes.Clone(want[:14+header]), fh...), want[14+header:]...)
			binary.BigEndian.PutUint16(want[18:], uint16(header-40+8+n))
			if bytes.Equal(id, make([]byte, 4)) {
				t.Fatalf("%s: identification of zero", what)
			}
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%s: piece %d of %v\n%x, want\n%x", what, i, lengths, got, want)
		}
		off += n
	}
	if b, ok := p.Next(); ok || b != nil {
		t.Fatalf("%s: one more piece than %v: %x", what, lengths, b)
	}
	return len(lengths)
}

// TestCutRoom: how much of an IPv6 packet fits into a piece, whose identification
// is the next of the generator's upper halves that is not zero.
func TestCutRoom(t *testing.T) {
	frame := packets(4000)["40"]
	for limit, want := range map[int]int{1000: 1232, 1280: 1232, 1281: 1232, 1287: 1232, 1288: 1240, 1500: 1448} {
		r := newRig()
		p, _ := r.Cut(frame, 14, true, Split{Max: limit}, false)
		b, _ := p.Next()
		if got := len(b) - 14 - 40 - 8; got != want {
			t.Errorf("limit %d: %d bytes of payload, want %d", limit, got, want)
		}
		twin := New(&r.lim, 3)
		if id := binary.BigEndian.Uint32(b[14+44:]); id != uint32(twin.next()>>32) {
			t.Errorf("identification %#x", id)
		}
	}
}

// TestCutOneByte: a last piece of one byte.
func TestCutOneByte(t *testing.T) {
	r := newRig()
	frame := packets(9)["20"]
	p, _ := r.Cut(frame, 14, false, Split{Max: 28}, false)
	cutAll(t, "nine bytes, eight at a time", frame, 20, p, []int{8, 1})
}

// TestCutRefuses: headers that are none.
func TestCutRefuses(t *testing.T) {
	good := packets(64)
	r := newRig()
	for _, c := range []struct {
		name  string
		frame []byte
		ipv6  bool
		max   int
		ok    bool
	}{
		{"IPv4", good["20"], false, 28, true},
		{"IPv4, header alone", good["20"][:34], false, 28, true},
		{"IPv4, header cut off", good["20"][:33], false, 28, false},
		{"IPv4, options cut off", good["24"][:37], false, 40, false},
		{"IPv4, options and nothing else", good["24"][:38], false, 40, true},
		{"IPv4, header length 16", edit(good["20"], 0, 0x44), false, 28, false},
		{"IPv4, header length 60 of 84", edit(good["20"], 0, 0x4f), false, 68, true},
		{"IPv4, no room", good["20"], false, 27, false},
		{"IPv6", good["40"], true, 0, true},
		{"IPv6, header alone", good["40"][:54], true, 0, true},
		{"IPv6, header cut off", good["40"][:53], true, 0, false},
		{"IPv6, extension header cut off", good["56"][:69], true, 0, false},
		{"IPv6, extension header and nothing else", good["56"][:70], true, 0, true},
	} {
		if _, ok := r.Cut(c.frame, 14, c.ipv6, Split{Max: c.max}, false); ok != c.ok {
			t.Errorf("%s: %v, want %v", c.name, ok, c.ok)
		}
	}
	// Headers as long as what a piece may be.
	long := packettest.IP("fd00::1", "fd00::2", 0, append([]byte{99, 153}, make([]byte, 1300)...))
	for _, c := range []struct {
		max int
		ok  bool
	}{{1279, false}, {1280, false}, {1287, false}, {1288, true}} {
		if _, ok := r.Cut(long, 14, true, Split{Max: c.max}, false); ok != c.ok {
			t.Errorf("1272 bytes of headers, limit %d: %v", c.max, ok)
		}
	}
}

// TestNeeded: longer than the longest fragment, of a packet that came in any.
func TestNeeded(t *testing.T) {
	frame := make([]byte, 14+100)
	for limit, want := range map[int]bool{0: false, 1: true, 99: true, 100: false, 101: false} {
		if s := (Split{Max: limit}); s.Needed(frame, 14) != want {
			t.Errorf("limit %d: %v", limit, !want)
		}
	}
	if n := (&Split{sizes: []uint16{1, 2, 3}}).Fragments(); n != 3 {
		t.Errorf("%d fragments", n)
	}
}
