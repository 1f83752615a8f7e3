package packet_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

// plainSum is RFC 1071 as it is written there.
func plainSum(b []byte) uint16 {
	var s uint32
	for i := 0; i < len(b); i += 2 {
		w := uint32(b[i]) << 8
		if i+1 < len(b) {
			w |= uint32(b[i+1])
		}
		s += w
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

func TestSum(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xfe, 0xff}), 0, 100).Draw(rt, "bytes")
		if got, want := packet.Fold(packet.Sum(0, b)), plainSum(b); got != want && (got|want != 0xffff || got&want != 0) {
			rt.Fatalf("%x: %#x, want %#x", b, got, want)
		}
		cut := rapid.IntRange(0, len(b)/2).Draw(rt, "cut") * 2
		if got, want := packet.Fold(packet.Sum(packet.Sum(0, b[:cut]), b[cut:])), packet.Fold(packet.Sum(0, b)); got != want {
			rt.Fatalf("in two pieces %#x, in one %#x", got, want)
		}
	})
	// RFC 1071, section 3.
	if got := packet.Fold(packet.Sum(0, []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})); got != 0xddf2 {
		t.Errorf("RFC 1071's example: %#x", got)
	}
}

// TestSumEveryLength adds up bytes of every length around the sixty-four and
// eight that are taken at once, onto sums near where they wrap.
func TestSumEveryLength(t *testing.T) {
	for _, fill := range []func(i int) byte{
		func(int) byte { return 0xff }, func(int) byte { return 0 }, func(int) byte { return 0x80 }, func(i int) byte { return byte(i*167 + 13) },
	} {
		for n := range 300 {
			b := make([]byte, n)
			for i := range b {
				b[i] = fill(i)
			}
			for _, acc := range []uint64{0, 1, 0xfffe, 0xffff, 0x10000, 0xffffffff, 1 << 32, 1 << 63, 0x123456789abcdef0, 1<<64 - 2, 1<<64 - 1} {
				want := plainSum(append(binary.BigEndian.AppendUint64(nil, acc), b...))
				if got := packet.Fold(packet.Sum(acc, b)); got != want && (got|want != 0xffff || got&want != 0) {
					t.Fatalf("%d bytes onto %#x: %#x, want %#x", n, acc, got, want)
				}
				if got := packet.Fold(acc); got != plainSum(binary.BigEndian.AppendUint64(nil, acc)) {
					t.Fatalf("%#x folds to %#x", acc, got)
				}
			}
		}
	}
}

// TestChecksumsOfHeaders: where each protocol has its checksum, and what the
// pseudo header is (RFC 9293, 768, 8200 section 8.1, 4340, 3828).
func TestChecksumsOfHeaders(t *testing.T) {
	for proto := range 256 {
		want := -1
		switch proto {
		case 6:
			want = 16
		case 17, 136, 33:
			want = 6
		case 1, 58:
			want = 2
		}
		if got := packet.ChecksumOffset(uint8(proto)); got != want {
			t.Errorf("protocol %d: offset %d, want %d", proto, got, want)
		}
	}
	ip := make([]byte, 40)
	for i := range ip {
		ip[i] = byte(i*37 + 5)
	}
	for _, n := range []int{0, 8, 1480, 65515} {
		length := []byte{0, 17, byte(n >> 8), byte(n)}
		if got, want := packet.Fold(packet.PseudoSum(ip, packet.IPv4, 17, n)), plainSum(append(bytes.Clone(ip[12:20]), length...)); got != want {
			t.Errorf("IPv4, %d bytes: %#x, want %#x", n, got, want)
		}
		if got, want := packet.Fold(packet.PseudoSum(ip, packet.IPv6, 17, n)), plainSum(append(bytes.Clone(ip[8:40]), length...)); got != want {
			t.Errorf("IPv6, %d bytes: %#x, want %#x", n, got, want)
		}
	}
}

// TestPatch changes bytes of a message with a right checksum and expects the
// patched checksum to be the one computed afresh, bit for bit: RFC 1624 tells
// why 0x0000 and 0xffff are not the same here.
func TestPatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x80, 0xff}), 12, 40).Draw(rt, "message")
		b = append(b, 1) // never all zero: no real header is
		b[10], b[11] = 0, 0
		binary.BigEndian.PutUint16(b[10:], packet.Checksum(b))
		at := rapid.SampledFrom([]int{0, 2, 4, 6, 8}).Draw(rt, "at")
		repl := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0xff}), 2, 2).Draw(rt, "new")
		var diff uint64
		old16 := binary.BigEndian.Uint16(b[at:])
		switch rapid.IntRange(0, 2).Draw(rt, "by") {
		case 0:
			diff = packet.Diff(b[at:at+2], repl)
		case 1:
			diff = packet.Diff16(old16, binary.BigEndian.Uint16(repl))
		case 2:
			at = min(at, 6)
			old := binary.BigEndian.Uint32(b[at:])
			repl = append(repl, byte(old>>8)^0x55, byte(old))
			diff = packet.Diff32(old, binary.BigEndian.Uint32(repl))
		}
		copy(b[at:], repl)
		packet.Patch(b[10:12], diff)
		got := bytes.Clone(b[10:12])
		b[10], b[11] = 0, 0
		if want := packet.Checksum(b); binary.BigEndian.Uint16(got) != want {
			rt.Fatalf("patched %x, computed %#x", got, want)
		}
	})
}

func TestPatchUDP(t *testing.T) {
	none := []byte{0, 0}
	packet.PatchUDP(none, packet.Diff16(1, 2))
	if none[0]|none[1] != 0 {
		t.Errorf("a packet without checksum got one: %x", none)
	}
	// ~(~HC + diff) comes to zero: written as 0xffff.
	field := []byte{0, 1}
	packet.PatchUDP(field, packet.Diff16(0, 1))
	if field[0] != 0xff || field[1] != 0xff {
		t.Errorf("checksum of zero written as %x", field)
	}
}

func FuzzPatch(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 40, 1, 2, 3, 4}, uint16(7), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, repl uint16, at uint8) {
		b = append([]byte{0, 0, 0x45, 1}, b...)
		if len(b)%2 == 1 {
			b = append(b, 0)
		}
		binary.BigEndian.PutUint16(b, packet.Checksum(b))
		i := 4 + int(at)&^1
		if i+2 > len(b) {
			return
		}
		packet.Patch(b, packet.Diff16(binary.BigEndian.Uint16(b[i:]), repl))
		binary.BigEndian.PutUint16(b[i:], repl)
		if s := packet.Fold(packet.Sum(0, b)); s != 0xffff {
			t.Errorf("sum %#x after patching", s)
		}
	})
}

func BenchmarkSum1460(b *testing.B) {
	buf := make([]byte, 1460)
	b.SetBytes(1460)
	x := uint64(0)
	for b.Loop() {
		x += packet.Sum(0, buf)
	}
	_ = x
}

func BenchmarkPatch(b *testing.B) {
	buf := []byte{1, 2}
	for b.Loop() {
		packet.Patch(buf, packet.Diff32(0x0a000001, 0xc0a80001))
	}
}
