package packettest_test

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"sluice/packet/packettest"
)

// TestFramesAreSound asks gopacket, which verifies checksums.
func TestFramesAreSound(t *testing.T) {
	for name, f := range map[string][]byte{
		"tcp":    packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "PA", 3, 4, "odd"),
		"tcp6":   packettest.TCP("fd00::1", "fd00::2", 1, 2, "S", 3, 4, ""),
		"udp":    packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "data"),
		"udp6":   packettest.UDP("fd00::1", "fd00::2", 1, 2, "data!"),
		"sctp":   packettest.SCTP("10.0.0.1", "10.0.0.2", 1, 2, 3, packettest.InitChunk(1, 7)),
		"icmp":   packettest.ICMP("10.0.0.1", "10.0.0.2", 8, 0, 7<<16|1, []byte("ping")),
		"icmpv6": packettest.ICMP("fd00::1", "fd00::2", 128, 0, 7<<16|1, []byte("ping")),
		"options": packettest.IP("10.0.0.1", "10.0.0.2", 6, packettest.Segment{
			SPort: 1, DPort: 2, Flags: "S", Options: []byte{2, 4, 5, 0xb4}, ZeroWindow: true}.Bytes()),
	} {
		p := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
		if p.ErrorLayer() != nil {
			t.Errorf("%s: %v", name, p.ErrorLayer().Error())
		}
		for _, l := range p.Layers() {
			if l, ok := l.(interface {
				SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
			}); ok {
				if err := l.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
					t.Fatal(err)
				}
			}
		}
		err, bad := p.VerifyChecksums()
		if err != nil || len(bad) != 0 {
			t.Errorf("%s: %v %v", name, err, bad)
		}
	}
}
