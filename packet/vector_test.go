package packet_test

import (
	"fmt"
	"reflect"
	"testing"

	"sluice/packet"
)

// TestVector: what a vector takes and what it gives out again.
func TestVector(t *testing.T) {
	v := new(packet.Vector)
	frame := []byte("frame")
	for i := range packet.VectorSize {
		v.M[i] = packet.Meta{Mark: 7, Chain: 3} // of an earlier use
		if !v.Add(frame[:i%5], int32(i)) {
			t.Fatalf("full with %d", i)
		}
		if v.N != i+1 || len(v.Frame[i]) != i%5 || v.M[i] != (packet.Meta{Dev: int32(i)}) {
			t.Fatalf("packet %d: %d of them, %q, %+v", i, v.N, v.Frame[i], v.M[i])
		}
	}
	if v.Add(frame, 1) || v.N != 256 {
		t.Errorf("a full one took another: %d", v.N)
	}
	for range 2 { // what is sent the second time finds memory that has been used
		v.Send(1, 2, 0, false, frame)
		v.Send(3, 4, 5, true, frame[:2])
		v.Samples = append(v.Samples, packet.Sample{Pkt: 1})
		want := []packet.Tx{{Pkt: 1, Dev: 2, Frame: frame}, {Pkt: 3, Dev: 4, Mirror: true, Copy: 5, Up: true, Frame: frame[:2]}}
		if !reflect.DeepEqual(v.Tx, want) {
			t.Errorf("%+v, want %+v", v.Tx, want)
		}
		v.Reset()
		if v.N != 0 || len(v.Tx) != 0 || len(v.Samples) != 0 || cap(v.Tx) < 2 || cap(v.Samples) < 1 {
			t.Errorf("after a reset: %d packets, %d of %d to send, %d of %d samples", v.N, len(v.Tx), cap(v.Tx), len(v.Samples), cap(v.Samples))
		}
		v.Send(9, 9, 9, true, frame)
		v.Send(9, 9, 0, false, frame)
		v.Reset()
	}
}

// TestNumbers: what is printed, saved, or numbered as Linux numbers it.
func TestNumbers(t *testing.T) {
	if got := fmt.Sprint(packet.Drop, packet.Forward, packet.Pass, packet.Stolen, packet.NumVerdicts); got != "drop fwd pass stolen 4" {
		t.Errorf("verdicts %s", got)
	}
	// enum ip_conntrack_info of nf_conntrack_common.h.
	for info, dir := range map[packet.CTInfo]int{0: 0, 1: 0, 2: 0, 3: 1, 4: 1} {
		if info.Dir() != dir {
			t.Errorf("ctinfo %d: direction %d", info, info.Dir())
		}
	}
	for _, c := range []struct{ got, want int }{
		{int(packet.CTEstablished), 0}, {int(packet.CTRelated), 1}, {int(packet.CTNew), 2}, {int(packet.CTEstablishedReply), 3}, {int(packet.CTRelatedReply), 4}, {int(packet.CTUntracked), 7},
		{int(packet.IPv4), 2}, {int(packet.IPv6), 10}, // AF_INET, AF_INET6
		{int(packet.PktHost), 0}, {int(packet.PktBroadcast), 1}, {int(packet.PktMulticast), 2}, {int(packet.PktOtherHost), 3}, // if_packet.h
		{int(packet.ProtoHopByHop), 0}, {int(packet.ProtoICMP), 1}, {int(packet.ProtoIGMP), 2}, {int(packet.ProtoIPIP), 4}, {int(packet.ProtoIPv6), 41},
		{int(packet.ProtoESP), 50}, {int(packet.ProtoSCTP), 132}, {int(packet.ProtoMobility), 135}, {int(packet.ProtoUDPLite), 136}, // IANA
		{int(packet.EtherMPLS), 0x8847}, {int(packet.EtherMPLSM), 0x8848}, {int(packet.EtherPPPoE), 0x8864}, {int(packet.EtherTEB), 0x6558}, // IEEE
		{int(packet.PortVXLAN), 4789}, {int(packet.PortGeneve), 6081}, // IANA
		{int(packet.LabelMask), 0xfffff000}, {int(packet.TCMask), 0xe00}, {int(packet.BOSMask), 0x100}, {int(packet.TTLMask), 0xff}, // RFC 3032
		{int(packet.TunnelChecksum), 1}, {int(packet.TunnelDF), 2}, {int(packet.TunnelOAM), 4}, {int(packet.TunnelCritical), 8}, // pkt_cls.h TCA_FLOWER_KEY_FLAGS_TUNNEL_*
		{packet.MaxTunnelOpts, 255}, // ip_tunnels.h IP_TUNNEL_OPTS_MAX
	} {
		if c.got != c.want {
			t.Errorf("%#x, want %#x", c.got, c.want)
		}
	}
}
