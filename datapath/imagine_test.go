package datapath

import (
	"encoding/hex"
	"net/netip"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestImagine: an imagined packet is a whole one of its tuple, with no payload:
// an acknowledgement, or an empty datagram without a checksum. The frames are
// written out; packettest builds the same but for the checksums behind IPv4's.
func TestImagine(t *testing.T) {
	addr := func(s string) packet.Addr { return packet.AddrFrom(netip.MustParseAddr(s)) }
	four := packet.Tuple{Src: addr("10.0.0.1"), Dst: addr("10.0.0.2"), SPort: 0x1234, DPort: 0x50, Family: packet.IPv4}
	six := packet.Tuple{Src: addr("fd00::1"), Dst: addr("fd00::2"), SPort: 0x1234, DPort: 0x50, Family: packet.IPv6}
	const mac = "020000000002" + "020000000001"
	const a6 = "fd000000000000000000000000000001" + "fd000000000000000000000000000002"
	for _, c := range []struct {
		name  string
		t     packet.Tuple
		proto uint8
		want  string
		same  []byte
	}{
		{"TCP", four, packet.ProtoTCP, mac + "0800" + "4500002800004000400626ce" + "0a0000010a000002" + "12340050" + "00000001" + "00000001" + "5010ffff00000000",
			packettest.TCP("10.0.0.1", "10.0.0.2", 0x1234, 0x50, "A", 1, 1, "")},
		{"UDP", four, packet.ProtoUDP, mac + "0800" + "4500001c00004000401126cf" + "0a0000010a000002" + "12340050" + "00080000",
			packettest.UDP("10.0.0.1", "10.0.0.2", 0x1234, 0x50, "")},
		{"TCP over IPv6", six, packet.ProtoTCP, mac + "86dd" + "6000000000140640" + a6 + "12340050" + "00000001" + "00000001" + "5010ffff00000000",
			packettest.TCP("fd00::1", "fd00::2", 0x1234, 0x50, "A", 1, 1, "")},
		{"UDP over IPv6", six, packet.ProtoUDP, mac + "86dd" + "6000000000081140" + a6 + "12340050" + "00080000",
			packettest.UDP("fd00::1", "fd00::2", 0x1234, 0x50, "")},
		{"GRE", four, packet.ProtoGRE, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.t.Proto = c.proto
			got := imagine(nil, &c.t)
			if hex.EncodeToString(got) != c.want {
				t.Fatalf("%x\nwant %s", got, c.want)
			}
			if got == nil {
				return
			}
			if len(got) != len(c.same) {
				t.Errorf("%d bytes, a whole packet has %d", len(got), len(c.same))
			}
			var h packet.Headers
			packet.Parse(got, &h)
			if h.Flags&^packet.DontFrag != packet.HasL3|packet.HasL4 || h.Tuple != c.t || int(h.End) != len(got) {
				t.Errorf("%+v", h)
			}
			if c.t.Family == packet.IPv4 && packet.Fold(packet.Sum(0, got[14:34])) != 0xffff {
				t.Error("wrong header checksum")
			}
		})
	}
}
