package datapath_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// colliding are policies under which connections of different protocols, zones
// and directions have the same tuples: two zones by device, the same zone on
// both sides, translations to what other connections have already.
var colliding = [][]string{
	everything,
	{
		"qdisc add dev c clsact",
		"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 1 nat pipe action goto chain 1",
		"filter add dev a ingress prio 2 chain 0 proto ipv6 flower ct_state -trk action ct zone 1 pipe action goto chain 1",
		"filter add dev a ingress prio 3 chain 0 proto 802.1q flower vlan_ethtype ip action ct zone 2 pipe action ct commit zone 2 pipe action mirred egress redirect dev c",
		"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new ip_proto tcp action ct commit zone 1 nat src addr 10.0.0.1-10.0.0.2 port 1000-1001 pipe action mirred egress redirect dev b",
		"filter add dev a ingress prio 2 chain 1 proto ip flower ct_state +trk+new ip_proto udp action ct commit zone 1 nat dst addr 10.0.0.2 port 1000-1001 pipe action mirred egress redirect dev b",
		"filter add dev a ingress prio 3 chain 1 proto all flower ct_state +trk+new action ct commit zone 1 pipe action mirred egress redirect dev b",
		"filter add dev a ingress prio 4 chain 1 proto all flower ct_state +trk+est action mirred egress redirect dev b",
		"filter add dev a ingress prio 5 chain 1 proto all flower ct_state +trk+inv action drop",
		"filter add dev b ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 1 nat pipe action goto chain 1",
		"filter add dev b ingress prio 2 chain 0 proto ipv6 flower ct_state -trk action ct zone 1 pipe action goto chain 1",
		"filter add dev b ingress prio 1 chain 1 proto all flower ct_state +trk+est action mirred egress redirect dev a",
		"filter add dev b ingress prio 2 chain 1 proto all flower ct_state +trk+new action ct commit force zone 1 pipe action mirred egress redirect dev a",
		"filter add dev c ingress prio 1 chain 0 proto ip flower ct_state -trk action mirred ingress mirror dev a pipe action ct zone 2 pipe action goto chain 1",
		"filter add dev c ingress prio 1 chain 1 proto ip flower ct_state +trk+est action ct zone 1 pipe action mirred egress redirect dev a",
		"filter add dev c ingress prio 2 chain 1 proto ip flower ct_state +trk+new action ct commit zone 2 mark 3 pipe action ct commit zone 1 pipe action mirred egress redirect dev b",
	},
}

// drawCollisions makes packets that are easily taken for one another's: few
// addresses, alike in both families, few ports, the same at both ends,
// every protocol that has connections, and TCP that ends and begins anew.
func drawCollisions(t *rapid.T) (in []input) {
	at := int64(2e9)
	hosts := []string{"10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2", "::ffff:10.0.0.1", "::ffff:10.0.0.2", "a00:1::", "a00:2::"}
	for range rapid.IntRange(1, 120).Draw(t, "packets") {
		at += rapid.SampledFrom([]int64{0, 130e9, 0, 0, 0, 0, 0, 0, 31e9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1e6}).Draw(t, "gap")
		family := rapid.SampledFrom([]int{0, 0, 0, 0, 4, 6}).Draw(t, "addresses")
		src, dst := hosts[family+rapid.IntRange(0, 1).Draw(t, "src")], hosts[family+rapid.IntRange(0, 1).Draw(t, "dst")]
		sp, dp := rapid.Uint16Range(1000, 1001).Draw(t, "sport"), rapid.Uint16Range(1000, 1001).Draw(t, "dport")
		var f []byte
		switch rapid.IntRange(0, 11).Draw(t, "proto") {
		default:
			flags := rapid.SampledFrom([]string{"S", "S", "SA", "A", "A", "PA", "FA", "R"}).Draw(t, "flags")
			f = packettest.TCP(src, dst, sp, dp, flags, rapid.Uint32Range(1000, 1002).Draw(t, "seq"), rapid.Uint32Range(1000, 1002).Draw(t, "ack"), "")
		case 1, 2, 3:
			f = packettest.UDP(src, dst, sp, dp, "data")
		case 4:
			f = packettest.UDP(src, dst, sp, dp, "data")
			if family == 0 {
				f[23] = packet.ProtoUDPLite
			} else {
				f[20] = packet.ProtoUDPLite
			}
			packettest.Fix(f)
		case 5:
			chunk := rapid.SampledFrom([]uint8{1, 2, 0, 6, 10, 11}).Draw(t, "chunk")
			f = packettest.SCTP(src, dst, sp, dp, 7, packettest.InitChunk(chunk, 7))
		case 6:
			// What would be ports is the type and the identifier.
			if family == 0 {
				f = packettest.ICMP(src, dst, rapid.SampledFrom([]uint8{8, 0}).Draw(t, "type"), 0, uint32(sp)<<16|uint32(dp), nil)
			} else {
				f = packettest.ICMP(src, dst, rapid.SampledFrom([]uint8{128, 129}).Draw(t, "type"), 0, uint32(sp)<<16|uint32(dp), nil)
			}
		case 7:
			if family == 0 {
				f = packettest.IP(src, dst, packet.ProtoGRE, []byte{0, 0, 8, 0, byte(sp >> 8), byte(sp), byte(dp >> 8), byte(dp)})
			} else {
				f = packettest.TCP(src, dst, sp, dp, "A", 1000, 1000, "")
			}
		case 8:
			dccp := []byte{byte(sp >> 8), byte(sp), byte(dp >> 8), byte(dp), 4, 0, 0, 0, rapid.SampledFrom([]byte{0, 2, 4}).Draw(t, "type")<<1 | 1, 0, 0, 0, 0, 0, 0, 1}
			if family == 0 {
				f = packettest.IP(src, dst, packet.ProtoDCCP, dccp)
			} else {
				f = packettest.UDP(src, dst, sp, dp, "")
			}
		}
		if family == 0 && rapid.IntRange(0, 9).Draw(t, "tagged") == 9 {
			f = append(append(append([]byte(nil), f[:12]...), 0x81, 0, 0, 7), f[12:]...)
		}
		in = append(in, input{rapid.SampledFrom([]string{"a", "a", "a", "b", "b", "c"}).Draw(t, "dev"), f, at})
	}
	return in
}

// TestVectorSizeDoesNotMatterWhereTuplesCollide: what is looked up ahead for a
// packet is never the connection of another protocol, zone or direction that
// the packets before it end, begin or translate.
func TestVectorSizeDoesNotMatterWhereTuplesCollide(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := drawCollisions(rt)
		lines := rapid.SampledFrom(colliding).Draw(rt, "policy")
		one := judgeBy(t, lines, in, 1, 1)
		n := rapid.SampledFrom([]int{2, 16, 17, packet.VectorSize}).Draw(rt, "vector")
		if many := judgeBy(t, lines, in, n, rapid.SampledFrom([]int{0, 1, 3}).Draw(rt, "ticks")); one != many {
			rt.Fatalf("in vectors of %d, compared with one at a time:\n%s", n, datapathtest.Differences(one, many))
		}
	})
}

// TestSYNIsNotBookedOnUDP: a TCP connection ends in the middle of a vector, UDP
// with its addresses and ports takes its memory, and a SYN that was looked up
// before begins a connection of its own.
func TestSYNIsNotBookedOnUDP(t *testing.T) {
	tcp := func(flags string, seq, ack uint32, at int64) input {
		return input{"a", packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 53, flags, seq, ack, ""), at}
	}
	in := []input{
		tcp("S", 1000, 0, 2e9),
		tcp("SA", 1000, 1000, 200e9), // comes upon the connection's end, and begins none
		{"a", packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, ""), 200e9},
		tcp("S", 1000, 0, 200e9),
	}
	one, many := judgeBy(t, everything, in, 1, 0), judgeBy(t, everything, in, packet.VectorSize, 0)
	if one != many || strings.Count(one, "packets [1 0]") != 2 {
		t.Errorf("in vectors, compared with one at a time:\n%s", datapathtest.Differences(one, many))
	}
}
