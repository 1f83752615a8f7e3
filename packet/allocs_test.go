package packet_test

import (
	"bytes"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestParseAllocatesNothing reads frames of every kind, ordinary and not.
func TestParseAllocatesNothing(t *testing.T) {
	udp := packettest.UDP("10.0.0.1", "10.0.0.2", 1, 53, "x")
	vlan := append(make([]byte, packet.TagLen), udp...)
	packet.PushVLAN(vlan, packet.VLANTag{TPID: packet.EtherQinQ, TCI: 5})
	for name, frame := range map[string][]byte{
		"tcp":                packettest.TCP("10.0.0.1", "10.0.0.2", 1, 80, "S", 1, 0, ""),
		"tcp_v6":             packettest.TCP("fd00::1", "fd00::2", 1, 80, "A", 1, 1, "data"),
		"udp":                udp,
		"vlan":               vlan,
		"icmp":               packettest.ICMP("10.0.0.1", "10.0.0.2", 8, 0, 7, []byte("ping")),
		"icmp_error":         packettest.ICMP("10.0.0.1", "10.0.0.2", 3, 1, 0, udp[14:]),
		"sctp":               packettest.SCTP("10.0.0.1", "10.0.0.2", 1, 2, 3, packettest.InitChunk(1, 9)),
		"gre":                packettest.GRETap("192.0.2.1", "192.0.2.2", 5, udp),
		"v6_extension":       []byte(eth + ip6(0, "\x11\x00\x01\x04\x00\x00\x00\x00"+udpDNS)),
		"fragment":           []byte(eth + ip4(17, 0x2001, "", udpDNS)),
		"ipv4_options":       []byte(eth + ip4(6, 0, "\x01\x01\x01\x01", tcpSYN)),
		"ethernet_alone":     []byte(eth + "\x88\xb5"),
		"shorter_than_that":  []byte("\x02"),
		"nothing_inside_ip4": []byte(eth + ip4(6, 0, "", "")),
	} {
		t.Run(name, func(t *testing.T) {
			var h packet.Headers
			var g packet.Gist
			if n := testing.AllocsPerRun(100, func() {
				packet.Parse(frame, &h)
				g.Read(frame)
				g.From(&h)
				if h.L3 != 0 {
					packet.ParseInner(frame[h.L3:], h.Tuple.Family, &h)
				}
			}); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestChangesAllocateNothing changes frames in every way there is, and changes
// them back, so that each run finds what the last one found.
func TestChangesAllocateNothing(t *testing.T) {
	there, back := packet.Addr{10, 9, 9, 9}, packet.Addr{10, 0, 0, 1}
	there6, back6 := packet.Addr{0xfd, 1}, packet.Addr{0xfd, 15: 1}
	tcp := packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 80, "A", 1, 2, "some data")
	udp6 := packettest.UDP("fd00::1", "fd00::2", 1000, 53, "some data")
	sctp := packettest.SCTP("10.0.0.1", "10.0.0.2", 1, 2, 3, packettest.Chunk(0, 3, 1, 2, 3, 4))
	buf := make([]byte, 0, 512)
	longer, shorter := []byte("rather more data"), []byte("some data")
	for name, c := range map[string]struct {
		frame []byte
		room  int // free bytes before it
		work  func(f []byte, h *packet.Headers)
	}{
		"rewrite": {frame: tcp, work: func(f []byte, h *packet.Headers) {
			packet.Rewrite(f, h, 0, &there, 9)
			packet.Rewrite(f, h, 0, &back, 1000)
		}},
		"rewrite_v6": {frame: udp6, work: func(f []byte, h *packet.Headers) {
			packet.Rewrite(f, h, 0, &there6, 9)
			packet.Rewrite(f, h, 0, &back6, 1000)
		}},
		"rewrite_plain": {frame: tcp, work: func(f []byte, h *packet.Headers) {
			h.RewritePlain(f, 1, 0x01020304, 9)
			packet.Rewrite(f, h, 1, &packet.Addr{10, 0, 0, 2}, 80)
		}},
		"rewrite_gist": {frame: tcp, work: func(f []byte, h *packet.Headers) {
			var g packet.Gist
			g.Read(f)
			g.Rewrite(f, 1, 0x01020304, 9)
			packet.Rewrite(f, h, 1, &packet.Addr{10, 0, 0, 2}, 80)
		}},
		"payload": {frame: tcp, work: func(f []byte, h *packet.Headers) {
			long := packet.ReplacePayload(f, buf[:cap(buf)], h, 0, len(shorter), longer)
			copy(f, packet.ReplacePayload(long, buf[:cap(buf)], h, 0, len(longer), shorter))
		}},
		"vlan": {frame: tcp, room: packet.TagLen, work: func(f []byte, h *packet.Headers) {
			tag := packet.VLANTag{TPID: packet.EtherVLAN, TCI: 7}
			packet.PushVLAN(f, tag)
			packet.SetVLAN(f, tag)
			packet.PopVLAN(f)
		}},
		"mpls": {frame: tcp, room: 4, work: func(f []byte, h *packet.Headers) {
			packet.PushMPLS(f, 14, 0x9140, 0x8847)
			packet.PopMPLS(f, 14, packet.EtherIPv4)
		}},
		"checksums": {frame: sctp, work: func(f []byte, h *packet.Headers) {
			packet.IPv4HeaderChecksum(f[14:])
			packet.Patch(f[24:26], packet.Diff16(1, 2))
			packet.Patch(f[24:26], packet.Diff16(2, 1))
			packet.SumPayload(f, h)
			if packet.SCTPChecksum(f[h.L4:h.End]) == 0 {
				panic("no checksum")
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := append(make([]byte, c.room), bytes.Clone(c.frame)...)
			var h packet.Headers
			packet.Parse(f[c.room:], &h)
			c.work(f, &h)
			if !bytes.Equal(f[c.room:], c.frame) && name != "checksums" {
				t.Fatalf("not as it was:\n%x\n%x", f[c.room:], c.frame)
			}
			if n := testing.AllocsPerRun(100, func() { c.work(f, &h) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}
