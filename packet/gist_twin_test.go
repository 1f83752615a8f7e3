package packet

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// TestGistLayout: the offsets that assembly has.
func TestGistLayout(t *testing.T) {
	var g Gist
	var w tupleWords
	for _, o := range [][2]uintptr{
		{unsafe.Sizeof(g), 56}, {unsafe.Offsetof(g.Tuple), 0}, {unsafe.Offsetof(g.Tuple.Dst), 16}, {unsafe.Offsetof(w.ports), 32},
		{unsafe.Offsetof(w.proto), 36}, {unsafe.Offsetof(w.family), 37}, {unsafe.Offsetof(g.End), 48}, {unsafe.Offsetof(g.TCPFlags), 50},
	} {
		if o[0] != o[1] {
			t.Errorf("%d, assembly has %d", o[0], o[1])
		}
	}
}

// TestGistTwins holds readPlain to what it is in Go, frame by frame, with
// frames that are nearly ordinary.
func TestGistTwins(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var frames [][]byte
		for range rapid.IntRange(1, 32).Draw(rt, "frames") {
			f := make([]byte, rapid.SampledFrom([]int{0, 13, 53, 54, 55, 60, 1514, 65535, 65536}).Draw(rt, "size"))
			if len(f) >= 54 {
				copy(f[12:], "\x08\x00\x45\x00\x00\x28\x12\x34\x40\x00\x40\x06\x00\x00")
				f[17] = byte(rapid.IntRange(26, 48).Draw(rt, "length"))
				copy(f[26:], rapid.SliceOfN(rapid.Byte(), 22, 22).Draw(rt, "ends"))
				if rapid.Bool().Draw(rt, "udp") {
					f[23] = ProtoUDP
				}
				if rapid.Bool().Draw(rt, "odd") {
					f[rapid.IntRange(12, 24).Draw(rt, "at")] = rapid.SampledFrom([]byte{0, 1, 2, 0x20, 0x46, 0x80, 0xff}).Draw(rt, "byte")
				}
			}
			frames = append(frames, f)
		}
		a, b := make([]Gist, len(frames)), make([]Gist, len(frames))
		o1, m1 := readPlain(&frames[0], &a[0], len(frames))
		o2, m2 := readPlainGo(&frames[0], &b[0], len(frames))
		if o1 != o2 || m1 != m2 {
			rt.Fatalf("odd %b marked %b, in Go %b %b", o1, m1, o2, m2)
		}
		for i := range a {
			if o1>>i&1 == 0 && a[i] != b[i] {
				rt.Fatalf("frame %d: %+v, in Go %+v", i, a[i], b[i])
			}
		}
	})
}
