package packet_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// roomy gives a frame with n free bytes before it.
func roomy(frame []byte, n int) []byte { return append(make([]byte, n), frame...) }

func TestPushAndPop(t *testing.T) {
	plain := packettest.UDP("10.0.0.1", "10.0.0.2", 1, 53, "x")
	b := roomy(plain, packet.TagLen)
	packet.PushVLAN(b, packet.VLANTag{TPID: packet.EtherQinQ, TCI: 0x6005})
	want := append(append(bytes.Clone(plain[:12]), 0x88, 0xa8, 0x60, 0x05), plain[12:]...)
	if !bytes.Equal(b, want) {
		t.Errorf("vlan push: %x, want %x", b, want)
	}
	packet.SetVLAN(b, packet.VLANTag{TPID: packet.EtherVLAN, TCI: 7})
	if b[12] != 0x81 || b[15] != 7 {
		t.Errorf("vlan set: %x", b[:18])
	}
	packet.PopVLAN(b)
	if !bytes.Equal(b[packet.TagLen:], plain) {
		t.Errorf("vlan pop: %x", b[packet.TagLen:])
	}

	b = roomy(plain, packet.LSELen)
	packet.PushMPLS(b, 14, 77<<packet.LabelShift|packet.BOSMask|64, packet.EtherMPLS)
	want = append(append(bytes.Clone(plain[:12]), 0x88, 0x47, 0, 4, 0xd1, 64), plain[14:]...)
	if !bytes.Equal(b, want) {
		t.Errorf("mpls push: %x, want %x", b, want)
	}
	packet.PopMPLS(b, 14, packet.EtherIPv4)
	if !bytes.Equal(b[packet.LSELen:], plain) {
		t.Errorf("mpls pop: %x", b[packet.LSELen:])
	}
}

// TestReparseIsParse: headers found from a known network header are those that
// parsing from the front finds, wherever the EtherType is what it says.
func TestReparseIsParse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := packettest.TCP("10.0.0.1", "10.0.0.2", 1, 80, "S", 1, 0, "data")
		if rapid.Bool().Draw(rt, "v6") {
			f = packettest.UDP("fd00::1", "fd00::2", 1, 53, "data")
		}
		tags := rapid.IntRange(0, 4).Draw(rt, "tags")
		for range tags {
			b := roomy(f, packet.TagLen)
			packet.PushVLAN(b, packet.VLANTag{TPID: packet.EtherVLAN, TCI: rapid.Uint16().Draw(rt, "tci")})
			f = b
		}
		f = f[:rapid.IntRange(18, len(f)).Draw(rt, "cut")]
		var want, got packet.Headers
		packet.Parse(f, &want)
		at, tagged := 14, tags > 0
		if tagged {
			at = 18
		}
		packet.Reparse(f, at, uint16(f[at-2])<<8|uint16(f[at-1]), tagged, &got)
		if got != want {
			rt.Fatalf("reparsed %+v\nparsed   %+v\n%x", got, want, f)
		}
	})
}

func TestIPv4HeaderChecksum(t *testing.T) {
	f := packettest.UDP("10.0.0.1", "10.0.0.2", 1, 53, "x")
	want := bytes.Clone(f)
	f[24], f[25] = 0xde, 0xad
	packet.IPv4HeaderChecksum(f[14:])
	if !bytes.Equal(f, want) {
		t.Errorf("%x, want %x", f[14:34], want[14:34])
	}
	options := packettest.IP("10.0.0.1", "10.0.0.2", 99, []byte("\x01\x02\x03\x04payload"))[14:]
	for first, covered := range map[byte]int{0x45: 20, 0x46: 24, 0x47: 28, 0x4f: 31} { // the last one claims more than there is
		b := bytes.Clone(options)
		b[0], b[10], b[11] = first, 0xde, 0xad
		packet.IPv4HeaderChecksum(b)
		if s := plainSum(b[:covered]); s != 0xffff {
			t.Errorf("header that begins with %#x: sum %#x", first, s)
		}
	}
	f[14] = 0x44 // too short a header: what x86 leaves
	packet.IPv4HeaderChecksum(f[14:])
	if f[24] != 0x44 || f[25] != f[15] {
		t.Errorf("%x", f[14:34])
	}
}

func TestArena(t *testing.T) {
	var a packet.Arena
	x := a.Alloc(100)
	y := a.Alloc(100)
	for i := range x {
		x[i], y[i] = 1, 2
	}
	if cap(x) != 100 || x[99] != 1 {
		t.Error("memory was given out twice")
	}
	if a.Alloc(1<<18+1) != nil {
		t.Error("more than a chunk")
	}
	// I7: it ends somewhere.
	n := 0
	for a.Alloc(64<<10) != nil {
		if n++; n > 1000 {
			t.Fatal("no bound")
		}
	}
	if n < 256 {
		t.Errorf("only %d frames of the largest size", n)
	}
	a.Reset()
	if b := a.Alloc(10); b == nil || &b[0] != &x[0] {
		t.Error("memory is not used again")
	}
	if n := testing.AllocsPerRun(10, func() {
		a.Reset()
		for range 300 {
			a.Alloc(1600)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
