package packet_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestRewrite changes addresses and ports of sound frames and expects frames
// as sound as if they had been built that way.
func TestRewrite(t *testing.T) {
	addrs := [2][]string{{"10.0.0.1", "192.168.255.255", "0.0.0.0", "255.255.255.255"}, {"fd00::1", "2001:db8:ffff::", "::", "ffff:ffff::ffff"}}
	build := func(kind string, a, b string, sp, dp uint16, data string) []byte {
		switch kind {
		case "tcp":
			return packettest.TCP(a, b, sp, dp, "A", 1, 2, data)
		case "udp":
			return packettest.UDP(a, b, sp, dp, data)
		case "udplite":
			f := packettest.UDP(a, b, sp, dp, data)
			h := packet.Headers{}
			packet.Parse(f, &h)
			return packettest.IP(a, b, packet.ProtoUDPLite, f[h.L4:])
		case "icmp":
			typ := uint8(8)
			if bytes.Contains([]byte(a), []byte(":")) {
				typ = 128
			}
			return packettest.ICMP(a, b, typ, 0, uint32(sp)<<16|7, []byte(data))
		}
		return packettest.IP(a, b, 89, []byte(data))
	}
	rapid.Check(t, func(rt *rapid.T) {
		fam := rapid.IntRange(0, 1).Draw(rt, "family")
		addr := rapid.SampledFrom(addrs[fam])
		port := rapid.SampledFrom([]uint16{0, 1, 80, 0x7fff, 0xffff})
		kind := rapid.SampledFrom([]string{"tcp", "udp", "udplite", "icmp", "ospf"}).Draw(rt, "kind")
		src, dst, to := addr.Draw(rt, "src"), addr.Draw(rt, "dst"), addr.Draw(rt, "to")
		sp, dp, toPort := port.Draw(rt, "sport"), port.Draw(rt, "dport"), port.Draw(rt, "to port")
		data := rapid.SampledFrom([]string{"", "x", "data", "\xff\xff"}).Draw(rt, "data")
		side := rapid.IntRange(0, 1).Draw(rt, "side")
		f := build(kind, src, dst, sp, dp, data)
		var h, want packet.Headers
		packet.Parse(f, &h)
		packet.Parse(build(kind, to, to, toPort, toPort, data), &want)
		if side == packet.Source || kind == "icmp" {
			sp = toPort
		} else {
			dp = toPort
		}
		newSrc, newDst := src, dst
		if side == packet.Source {
			newSrc = to
		} else {
			newDst = to
		}
		packet.Rewrite(f, &h, side, &want.Tuple.Src, toPort)
		if built := build(kind, newSrc, newDst, sp, dp, data); !bytes.Equal(f, built) {
			rt.Fatalf("rewritten\n%x\nbuilt\n%x", f, built)
		}
		var again packet.Headers
		packet.Parse(f, &again)
		if again.Tuple != h.Tuple {
			rt.Fatalf("tuple %v, the frame says %v", h.Tuple, again.Tuple)
		}
	})
}

// TestRewriteKeepsNoChecksum: a UDP packet without checksum stays one.
func TestRewriteKeepsNoChecksum(t *testing.T) {
	f := packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "x")
	f[40], f[41] = 0, 0
	var h packet.Headers
	packet.Parse(f, &h)
	packet.Rewrite(f, &h, packet.Source, &packet.Addr{192, 168, 0, 1}, 99)
	if f[40]|f[41] != 0 {
		t.Errorf("checksum %x", f[40:42])
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "S", 3, 4, ""), uint16(5), true)
	f.Add(packettest.ICMP("fd00::1", "fd00::2", 128, 0, 1, nil), uint16(5), false)
	f.Fuzz(func(t *testing.T, b []byte, port uint16, inner bool) {
		var h packet.Headers
		if inner {
			packet.ParseInner(b, packet.IPv4, &h)
		} else {
			packet.Parse(b, &h)
		}
		if h.Tuple.Family == packet.FamilyNone || h.Flags&(packet.TruncL3|packet.BadL3|packet.BadExt) != 0 {
			return
		}
		packet.Rewrite(b, &h, int(port)&1, &packet.Addr{1, 2, 3, 4}, port)
	})
}

func BenchmarkRewriteTCP(b *testing.B) {
	f := packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "S", 3, 4, "")
	var h packet.Headers
	packet.Parse(f, &h)
	to := [2]packet.Addr{{1, 2, 3, 4}, {4, 3, 2, 1}}
	for i := 0; b.Loop(); i++ {
		packet.Rewrite(f, &h, packet.Source, &to[i&1], uint16(i))
	}
}
