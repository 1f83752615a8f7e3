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
