package datapath_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
)

// tunnelEnds are tunnels of all kinds that end in a host behind device a. Each copies
// what comes out to a device named after what of the outer headers it asks for.
func tunnelEnds(more ...string) []string {
	lines := []string{
		"ip link set dev a address 02:00:00:00:00:0b", "ip address add 192.0.2.1/24 dev a", "ip address add 2001:db8::1/64 dev a",
		"ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev a", "ip neighbour add 2001:db8::2 lladdr 02:00:00:00:00:0c dev a",
		"ip link add vx address 02:00:00:00:99:01 type vxlan external dstport 4789", "ip link add gbp type vxlan external dstport 4790 gbp",
		"ip link add gnv type geneve external", "ip link add gt type gretap external", "ip link add gt6 type ip6gretap external",
		"qdisc add dev a clsact",
	}
	for _, dev := range []string{"vx", "gbp", "gnv", "gt", "gt6"} {
		for i, q := range []struct{ to, match string }{
			{"id", "enc_key_id 5"}, {"src", "enc_src_ip 192.0.2.2"}, {"dst", "enc_dst_ip 192.0.2.1"}, {"src6", "enc_src_ip 2001:db8::2"},
			{"port", "enc_dst_port 4789"}, {"tos", "enc_tos 0x10/0xfc"}, {"ttl", "enc_ttl 64"},
		} {
			lines = append(lines, fmt.Sprintf("filter add dev %s ingress prio %d proto all flower %s action mirred egress mirror dev %s continue", dev, i+1, q.match, q.to))
		}
		lines = append(lines, "filter add dev "+dev+" ingress prio 99 proto all matchall action mirred egress redirect dev b")
	}
	return append(lines, more...)
}

// outer are frames in tunnels of all kinds.
func outer() []named {
	in := packettest.TCP(datapathtest.Client, datapathtest.Server, 1, 2, "PA", 5, 6, "data")
	ecn := bytes.Clone(in)
	ecn[15] = 1
	packettest.Fix(ecn)
	in6 := packettest.TCP("fd00::1", "fd00::2", 1, 2, "PA", 5, 6, "data")
	const there6, here6 = "2001:db8::2", "2001:db8::1"
	tos := func(f []byte, tos byte) []byte {
		f = bytes.Clone(f)
		f[15] = tos
		packettest.Fix(f)
		return f
	}
	mac := func(f []byte, mac string) []byte {
		f = bytes.Clone(f)
		copy(f, mac)
		return f
	}
	vx := packettest.VXLAN(there, here, 9, 5, in)
	gbp := packettest.VXLAN(there, here, 9, 5, in)
	gbp[36], gbp[37], gbp[42], gbp[44], gbp[45] = 4790>>8, 4790&0xff, 0x88, 1, 2
	packettest.Fix(gbp)
	options := bytes.Clone(vx)
	options = append(options[:34:34], append([]byte{1, 1, 1, 0}, options[34:]...)...)
	options[14], options[17] = 0x46, options[17]+4
	packettest.Fix(options)
	return []named{
		{"vxlan", vx}, {"vxlan without a checksum", packettest.NoSum(vx)}, {"vxlan over IPv6", packettest.VXLAN(there6, here6, 9, 5, in6)},
		{"vxlan over IPv6 without a checksum", packettest.NoSum(packettest.VXLAN(there6, here6, 9, 5, in))}, {"group policy", gbp}, {"vxlan behind IP options", options},
		{"geneve", packettest.Geneve(there, here, 9, 5, "\x01\x02\x80\x01\x00\x80\x00\x22", in)}, {"geneve over IPv6", packettest.Geneve(there6, here6, 9, 5, "", in)},
		{"gretap", packettest.GRETap(there, here, 5, in)}, {"ip6gretap", packettest.GRETap(there6, here6, 5, in)},
		{"congestion, no ECN inside", tos(vx, 3)}, {"congestion, ECN inside", tos(packettest.VXLAN(there, here, 9, 5, ecn), 3)}, {"congestion in geneve", tos(packettest.Geneve(there, here, 9, 5, "", ecn), 3)},
		{"tagged with 0", tagged(vx, 0x81000000)}, {"tagged with 1", tagged(vx, 0x81000001)}, {"tagged with a priority", tagged(vx, 0x8100e000)}, {"tagged twice", tagged(vx, 0x81000000, 0x81000000)},
		{"to a group's MAC address", mac(vx, "\x01\x00\x5e\x00\x00\x01")}, {"to another's MAC address", mac(vx, "\x02\x00\x5e\x00\x00\x01")},
		{"to another address", packettest.VXLAN(there, "192.0.2.3", 9, 5, in)}, {"to another IPv6 address", packettest.VXLAN(there6, "2001:db8::3", 9, 5, in)},
		{"vxlan in vxlan", packettest.VXLAN(there, here, 9, 5, mac(vx, "\x02\x00\x00\x00\x99\x01"))},
		{"first fragment", packettest.Fragment(vx, 7, 0, 48, true)}, {"no tunnel", in}, {"vxlan with padding", append(bytes.Clone(vx), 1, 2, 3)}, {"geneve with padding", append(packettest.Geneve(there, here, 9, 5, "", in), 1, 2, 3)},
		{"gretap with padding", append(packettest.GRETap(there, here, 5, in), 1, 2, 3)},
	}
}

// flips lists what becomes of a frame with each bit of its first n bytes turned
// over, checksums put right or not: by byte, the bits for each fate.
func flips(t *testing.T, name string, lines []string, f named, n int, fix bool) string {
	r := datapathtest.New(t, lines...)
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s, checksums right: %v\n", name, f.name, fix)
	for at := range min(n, len(f.bytes)) {
		var fates []string
		bits := map[string]int{}
		for bit := range 8 {
			b := bytes.Clone(f.bytes)
			b[at] ^= 1 << bit
			if fix {
				packettest.Fix(b)
			}
			res := r.Send("a", b)
			fate := fmt.Sprintf("%v (%s) %s", res.Verdict, res.Reason, r.Out(res))
			if bits[fate] == 0 {
				fates = append(fates, fate)
			}
			bits[fate] |= 1 << bit
		}
		fmt.Fprintf(&out, "\t%d", at)
		for _, s := range fates {
			fmt.Fprintf(&out, " | %02x %s", bits[s], s)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// TestFatesOfTunnels: frames in tunnels, cut off at every byte and with every bit
// of the outer headers wrong, where a filter looks at them and where none does;
// and frames of all kinds on their way into tunnels of all kinds. The fates
// were read through once and are held since.
func TestFatesOfTunnels(t *testing.T) {
	var out strings.Builder
	// Where a filter is asked, frames are not taken out of their tunnels at once.
	asked := tunnelEnds("filter add dev a ingress prio 1 proto arp flower action drop")
	frames := outer()
	for _, c := range []struct {
		name  string
		lines []string
	}{{"at once", tunnelEnds()}, {"behind filters", asked}} {
		out.WriteString(fates(t, c.name, "", c.lines, frames, 200))
		for _, i := range []int{0, 2, 5, 6, 8, 9} {
			n := 52
			if strings.Contains(frames[i].name, "6") {
				n = 72
			}
			out.WriteString(flips(t, c.name, c.lines, frames[i], n, i%4 == 0))
		}
	}
	// Without addresses any is the host's, on the tunnel's own device.
	out.WriteString(fates(t, "any address", "", []string{"ip link add vx type vxlan external dstport 4789 dev a", "qdisc add dev a clsact", "filter add dev vx ingress prio 1 proto all matchall action drop"}, frames, 0))
	out.WriteString(fates(t, "another device", "", []string{"ip link add vx type vxlan external dstport 4789 dev c", "qdisc add dev a clsact", "qdisc add dev c clsact", "filter add dev vx ingress prio 1 proto all matchall action drop"}, frames, 0))
	kinds := oddFrames()
	for _, set := range []string{
		"id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2", "id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 dst_port 99 tos 0x12 ttl 7 nocsum",
		"id 16777215 src_ip 2001:db8::1 dst_ip 2001:db8::2 tos 3", "src_ip 192.0.2.1 dst_ip 192.0.2.2 geneve_opts 0102:80:00800022",
		"id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 vxlan_opts 65793", "id 5 src_ip 192.0.2.1 dst_ip 224.1.130.3", "id 5 src_ip 2001:db8::1 dst_ip ff02::1:3",
		"id 5 src_ip 192.0.2.9 dst_ip 192.0.2.2", "id 5 src_ip 192.0.2.1 dst_ip 192.0.2.1", "id 5 src_ip 192.0.2.1 dst_ip 192.0.2.3", "id 5 src_ip 192.0.2.1 dst_ip 203.0.113.1",
	} {
		for _, dev := range []string{"vx", "gbp", "gnv", "gt", "gt6"} {
			for _, first := range []string{"", "vlan pop_eth pipe action ", "vlan push id 3 pipe action "} {
				if first != "" && dev != "vx" {
					continue
				}
				out.WriteString(fates(t, first+"set "+set+" to "+dev, "fwd (none) a", tunnelEnds("filter add dev a ingress prio 1 proto all matchall action "+first+"tunnel_key set "+set+" pipe action mirred egress redirect dev "+dev), kinds, 0))
			}
		}
	}
	golden(t, "tunnels", out.String())
}
