package lab

import (
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// TestScene plays the scene live and looks at what the switch saw.
func TestScene(t *testing.T) {
	if testing.Short() {
		t.Skip("takes four seconds")
	}
	if err := Available(); err != nil {
		t.Skip(err)
	}
	n, err := New()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()

	var (
		frames  [2]int
		payload int                    // bytes of HTTP from the server
		fin     = map[[2]uint32]bool{} // by source port and number: a slow machine sends them again
		callOut int
		kinds   = map[string]int{}
	)
	err = n.Scene(func(port int, at int64, frame []byte) {
		frames[port]++
		if len(frame) > 1514 {
			t.Errorf("frame of %d bytes: segmentation was left to the device", len(frame))
		}
		if at < 1e18 {
			t.Errorf("time %d is no time since the epoch in nanoseconds", at)
		}
		p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		for _, l := range p.Layers() {
			kinds[l.LayerType().String()]++
		}
		tcp, ok := p.TransportLayer().(*layers.TCP)
		if !ok {
			return
		}
		if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
			t.Fatal(err)
		}
		if err, bad := p.VerifyChecksums(); err != nil || len(bad) > 0 {
			t.Errorf("bad checksum: %v %v", err, bad)
		}
		switch {
		case tcp.DstPort == 8080:
			if port != 1 || !tcp.SYN || tcp.SrcPort != 80 {
				t.Errorf("call out: port %d, %v", port, tcp)
			}
			callOut++
		case tcp.SrcPort == 8080:
			t.Error("somebody answered the call")
		case tcp.SrcPort == 80:
			payload += len(tcp.Payload)
		}
		if tcp.FIN {
			fin[[2]uint32{uint32(tcp.SrcPort), tcp.Seq + uint32(len(tcp.Payload))}] = true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if frames[0] == 0 || frames[1] == 0 {
		t.Errorf("frames by port: %v", frames)
	}
	if payload < PageSize { // retransmissions count again
		t.Errorf("%d bytes of HTTP answer, want at least %d", payload, PageSize)
	}
	if len(fin) != 2 {
		t.Errorf("%d FINs, want one each way: %v", len(fin), fin)
	}
	if callOut < 2 {
		t.Errorf("%d SYNs of the call out, want a retransmission at least", callOut)
	}
	for _, k := range []string{"ARP", "ICMPv4", "DNS"} {
		if kinds[k] < 2 {
			t.Errorf("%d frames of %s, want a question and an answer", kinds[k], k)
		}
	}
}
