package datapath_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestWhatAConnectionDoesNotTell: a filter that asks for what each packet says
// anew, and stands where the packets of a connection come by, leaves it open
// what becomes of them: a reload that ends connections does not end this one,
// and its next packet is judged. A filter that does not match whatever that
// packet says changes nothing.
func TestWhatAConnectionDoesNotTell(t *testing.T) {
	const known, open, ends = "vf0_rep", "not known", "drop (drop action)"
	policy := strings.Split(strings.NewReplacer("prio 1 chain 0", "prio 9 chain 0").Replace(strings.Join(datapathtest.HTTPPolicy, "\n")), "\n")
	for _, c := range []struct{ filter, want string }{
		{"proto ip flower src_mac 02:00:00:00:00:77", open},
		{"proto ip flower dst_mac 02:00:00:00:00:77", open},
		{"proto ip flower ip_tos 0x10/0xfc", open},
		{"proto ip flower ip_tos 0/0xfc", open},
		{"proto ip flower ip_ttl 64", open},
		{"proto ip flower ip_ttl 63", open},
		{"proto ip flower ip_flags frag", open},
		{"proto ip flower ip_flags nofrag", open},
		{"proto ip flower ip_proto tcp tcp_flags 0x10/0x10", open},
		{"proto ip flower ip_proto tcp tcp_flags 0x2/0x2", open},
		{"proto 802.1q flower vlan_id 7", open},
		{"proto 802.1ad flower", open},
		{"proto 802.1q flower vlan_id 7 vlan_ethtype ip ip_proto tcp dst_port 80", open},
		{"proto 802.1q flower vlan_id 7 vlan_ethtype ip ip_proto tcp dst_port 81", open}, // no tagged packet of it meets this, but those without a tag alone meet the rest
		{"proto mpls_uc flower mpls lse depth 1 label 7", open},
		{"proto mpls_uc flower mpls lse depth 2", open},
		{"proto all flower num_of_vlans 1", open},
		// With more that does not fit, the answer stays.
		{"proto ip flower ip_tos 0x10/0xfc ip_proto udp", known},
		{"proto ip flower ip_ttl 64 dst_ip 10.0.0.9", known},
		{"proto ip flower ip_proto tcp tcp_flags 0x10/0x10 dst_port 81", known},
		{"proto ip flower src_mac 02:00:00:00:00:77 ip_proto tcp src_port 40001", known},
		{"proto ipv6 flower ip_ttl 64", known},
		{"proto arp flower arp_op request", known},
		{"proto ip flower ip_proto icmp type 8", known},
		{"proto ip flower ip_proto esp spi 5", known},
		// What came in by a port has come out of no tunnel.
		{"proto ip flower enc_key_id 5 enc_dst_port 4789", known},
		{"proto ip flower enc_key_id 5 geneve_opts 0102:80:00880022", known},
		// The connection tells these.
		{"proto ip flower ip_proto tcp src_port 40000", ends},
		{"proto ip flower ip_proto tcp src_port 39999-40000", ends},
		{"proto ip flower ip_proto tcp src_port 40001-40002", known},
		{"proto ip flower src_ip 10.0.0.1 dst_ip 10.0.0.2", ends},
		{"proto all matchall", ends},
		{"proto ip flower ct_state -trk", ends},
		{"proto ip flower ct_state +trk", known},
		{"proto ip flower indev uplink_rep", ends},
		{"proto ip flower indev vf0_rep", known},
	} {
		t.Run(c.filter, func(t *testing.T) {
			r := datapathtest.New(t, policy...)
			r.Handshake(40000)
			before, err := r.E.Prospect(r.P, r.Now)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.TryRun("filter add dev uplink_rep ingress prio 1 chain 0 " + c.filter + " action drop"); err != nil {
				t.Fatal(err)
			}
			after, err := r.E.Prospect(r.P, r.Now)
			if err != nil {
				t.Fatal(err)
			}
			for ref := range r.E.Tracker().All(r.Now) {
				if got := after.Judge(r.Now, ref, 0); got.String() != c.want || got.Decided != (c.want != open) {
					t.Errorf("%+v, want %s", got, c.want)
				}
				if got := after.Judge(r.Now, ref, 1).String(); got != "uplink_rep" {
					t.Errorf("the other direction: %s", got)
				}
			}
			cuts, unknown := r.E.Compare(r.Now, before, after)
			wantCuts, wantUnknown := 1, 0
			switch c.want {
			case known:
				wantCuts = 0
			case open:
				wantUnknown = 1
			}
			if len(cuts) != wantCuts || unknown != wantUnknown || len(cuts) == 1 && cuts[0].Ends() != (c.want == ends) {
				t.Errorf("cuts %+v, %d unknown", cuts, unknown)
			}
		})
	}
}

// TestRecheckKeepsWhatItCannotTell: the connection lives, and the packet that the
// filter is meant for is dropped.
func TestRecheckKeepsWhatItCannotTell(t *testing.T) {
	policy := strings.Split(strings.ReplaceAll(strings.Join(datapathtest.HTTPPolicy, "\n"), "prio 1 chain 0", "prio 9 chain 0"), "\n")
	for _, c := range []struct {
		filter string
		ends   int
	}{{"ip_tos 0x10/0xfc", 0}, {"ip_proto tcp", 1}} {
		r := datapathtest.New(t, policy...)
		r.Handshake(40000)
		if n := r.Reload("recheck", "filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower "+c.filter+" action drop"); n != c.ends || r.E.Tracker().Len() != 1-c.ends {
			t.Errorf("%s: %d ended, %d live", c.filter, n, r.E.Tracker().Len())
		}
		data := func(tos byte) datapathtest.Result {
			f := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "PA", 1001, 5001, "x")
			f[15] = tos
			packettest.Fix(f)
			return r.Send("uplink_rep", f)
		}
		if c.ends == 0 {
			if res := data(0); r.Out(res) != "vf0_rep" {
				t.Errorf("%s: %v (%s)", c.filter, res.Verdict, res.Reason)
			}
		}
		if res := data(0x10); res.Verdict != packet.Drop {
			t.Errorf("%s: %v (%s)", c.filter, res.Verdict, res.Reason)
		}
	}
}

// TestTaggedOrNot: where a block tells tagged packets from others, a connection
// does not say which of its filters it meets; a filter for all protocols takes both.
func TestTaggedOrNot(t *testing.T) {
	for _, c := range []struct{ tag, rest, want string }{
		{"proto ip flower ip_proto udp", "proto ip", "vf0_rep"},
		{"proto 802.1q flower vlan_id 7 vlan_ethtype ip ip_proto udp", "proto ip", "not known"},
		{"proto all flower num_of_vlans 2", "proto ip", "not known"},
		{"proto mpls_uc flower mpls lse depth 1 label 7", "proto ip", "not known"},
		{"proto 802.1q flower vlan_id 7 vlan_ethtype ipv6", "proto all", "vf0_rep"},
	} {
		r := datapathtest.New(t,
			"filter add dev uplink_rep ingress prio 9 chain 0 "+c.rest+" matchall action ct commit pipe action mirred egress redirect dev vf0_rep",
			"filter add dev vf0_rep ingress prio 9 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep",
			"filter add dev uplink_rep ingress prio 5 chain 0 "+c.tag+" action drop")
		if strings.Contains(c.tag, "mpls") {
			r.Run("filter del dev uplink_rep ingress prio 5")
			r.Run("filter add dev uplink_rep ingress prio 10 chain 0 " + c.tag + " action drop")
		}
		r.Handshake(40000)
		pr, err := r.E.Prospect(r.P, r.Now)
		if err != nil {
			t.Fatal(err)
		}
		for ref := range r.E.Tracker().All(r.Now) {
			if got := pr.Judge(r.Now, ref, 0).String(); got != c.want {
				t.Errorf("%s, %s: %s, want %s", c.tag, c.rest, got, c.want)
			}
		}
	}
}

// TestTunnelIsNotKnown: of what came out of a tunnel a connection does not tell
// which it was.
func TestTunnelIsNotKnown(t *testing.T) {
	for _, c := range []struct{ match, want string }{
		{"", "vf0_rep"},
		{"enc_key_id 5", "not known"}, {"enc_key_id 6", "not known"}, {"enc_dst_port 4789", "not known"}, {"enc_src_ip 192.0.2.2", "not known"},
		{"enc_dst_ip 192.0.2.9", "not known"}, {"enc_tos 4", "not known"}, {"enc_ttl 9", "not known"},
		{"enc_key_id 5 geneve_opts 0102:80:00880022", "not known"}, {"enc_key_id 5 ip_proto udp", "vf0_rep"},
	} {
		lines := []string{
			"ip link set dev uplink_rep address 02:00:00:00:00:0b", "ip address add 192.0.2.1/24 dev uplink_rep",
			"ip link add vxlan0 address 02:00:00:00:99:01 type vxlan external dstport 4789",
			"filter add dev vxlan0 ingress prio 9 chain 0 proto ip flower action ct commit pipe action tunnel_key unset pipe action mirred egress redirect dev vf0_rep",
			"filter add dev vf0_rep ingress prio 9 chain 0 proto ip flower action ct pipe action drop",
		}
		r := datapathtest.New(t, lines...)
		for i, flags := range []string{"S", "A"} {
			if i == 1 {
				r.Send("vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, "SA", 5000, 1001, ""))
			}
			f := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, flags, uint32(1000+i), uint32(5001*i), "")
			if res := r.Send("uplink_rep", datapathtest.InTunnel(f)); r.Out(res) != "vf0_rep" {
				t.Fatalf("%v (%s) to %q", res.Verdict, res.Reason, r.Out(res))
			}
		}
		if c.match != "" {
			r.Run("filter add dev vxlan0 ingress prio 1 chain 0 proto ip flower " + c.match + " action drop")
		}
		pr, err := r.E.Prospect(r.P, r.Now)
		if err != nil {
			t.Fatal(err)
		}
		for ref := range r.E.Tracker().All(r.Now) {
			if got := fmt.Sprint(pr.Judge(r.Now, ref, 0)); got != c.want {
				t.Errorf("%s: %s, want %s", c.match, got, c.want)
			}
			if got := fmt.Sprint(pr.Judge(r.Now, ref, 1)); got != "drop (drop action)" {
				t.Errorf("%s: the other direction: %s", c.match, got)
			}
		}
	}
}
