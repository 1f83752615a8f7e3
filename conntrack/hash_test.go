package conntrack

import (
	"fmt"
	"slices"
	"testing"
	"unsafe"

	"sluice/packet"
)

// TestHashesArePinned: which worker has a connection, which port a hash gives
// it, and where it lies in each table are the same from one release to the next,
// as long as the seed is. On a machine that stores the high byte first they are
// others.
func TestHashesArePinned(t *testing.T) {
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) == 0 {
		return
	}
	tr := New(Config{Seed: [2]uint64{3, 4}, MaxConns: 4096})
	tr.sources = natSources{heads: make([]uint32, 1<<10), shift: 54}
	tr.lim.src.reset(4096)
	cl, ss := &claims{key: tr.key}, &sharedSources{key: tr.key}
	var got []string
	for _, tu := range []packet.Tuple{
		{Src: packet.Addr{10, 1, 2, 3}, Dst: packet.Addr{10, 4, 5, 6}, SPort: 0x1234, DPort: 0x5678, Proto: packet.ProtoTCP, Family: packet.IPv4},
		{Src: packet.Addr{0: 0xfd, 7: 9, 8: 1, 15: 2}, Dst: packet.Addr{0: 0xfd, 7: 8, 8: 3, 15: 4}, SPort: 7, DPort: 8, Proto: packet.ProtoUDP, Family: packet.IPv6},
		{Src: packet.Addr{10, 1, 2, 3}, Dst: packet.Addr{10, 4, 5, 6}, SPort: 77, DPort: 8 << 8, Proto: packet.ProtoICMP, Family: packet.IPv4},
	} {
		const zone = 0x0907
		h := tr.Hash(&tu)
		inv := invert(&tu)
		if tr.Hash(&inv) != h {
			t.Errorf("%v has another hash than its reply", tu)
		}
		bucket, tag := tr.ix.place(h, zone)
		k, _ := keyOf(&tu, zone)
		c := cl.keyOf(&tu, zone)
		_, s := ss.of(&tu, zone)
		head, headTag := tr.sourceHead(&tu, zone)
		at := (uintptr(unsafe.Pointer(head)) - uintptr(unsafe.Pointer(&tr.sources.heads[0]))) / 4
		src := (uintptr(unsafe.Pointer(tr.lim.src.bucket(&tu, zone))) - uintptr(unsafe.Pointer(&tr.lim.src.heads[0]))) / 4
		got = append(got, fmt.Sprintf("%016x %d/%04x ports %016x claim %016x %016x %d sources %016x %d/%08x %d",
			h, bucket, tag, hashPortKey(&tr.key, &k), c.a, c.b, c.side, s, at, headTag, src))
	}
	want := []string{
		"512caf844fe03ebc 659/5afd ports 458eefede92ce402 claim d63f2172817741bd dbb7fc582f4e0000 0 sources 1bfb07c287711348 111/87711348 517",
		"ec9707f209285132 398/c973 ports a9d1ec275b298742 claim 014d49975f3a797b 50a89f4d83b60000 1 sources 8d1b808bfd32a2a5 564/fd32a2a5 964",
		"aac74f96c4b0cc98 595/fc51 ports d0bf72e60b349c44 claim 7e05217a9787515b f7ec99bc63290000 0 sources 2632cddc86d1f17c 152/86d1f17c 517",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
