package tc

import (
	"strings"
	"testing"

	"sluice/policy"
)

// TestWithin: a range takes another one, or a port, only if both its ends do.
func TestWithin(t *testing.T) {
	r := func(min, max uint16) policy.PortRange { return policy.PortRange{Min: min, Max: max} }
	none := policy.PortRange{}
	for _, c := range []struct {
		inner      policy.PortRange
		port, mask uint16
		outer      policy.PortRange
		want       bool
	}{
		{none, 0, 0, none, true}, {r(1, 9), 0, 0, none, true}, {none, 5, 0xffff, none, true},
		{r(10, 20), 0, 0, r(10, 20), true}, {r(11, 19), 0, 0, r(10, 20), true},
		{r(9, 20), 0, 0, r(10, 20), false}, {r(10, 21), 0, 0, r(10, 20), false}, {r(1, 9), 0, 0, r(10, 20), false},
		{none, 10, 0xffff, r(10, 20), true}, {none, 20, 0xffff, r(10, 20), true}, {none, 15, 0xffff, r(10, 20), true},
		{none, 9, 0xffff, r(10, 20), false}, {none, 21, 0xffff, r(10, 20), false},
		{none, 15, 0xfffe, r(10, 20), false}, {none, 15, 0, r(10, 20), false}, {none, 15, 0xff, r(10, 20), false},
	} {
		if got := within(c.inner, c.port, c.mask, c.outer); got != c.want {
			t.Errorf("within(%v, %d/%#x, %v) = %v", c.inner, c.port, c.mask, c.outer, got)
		}
	}
}

// TestShadowing: what an earlier filter takes altogether is told of, and
// nothing else: every way for packets to get past it is tried.
func TestShadowing(t *testing.T) {
	for _, c := range []struct {
		first, second string
		shadowed      bool
	}{
		// How the first one ends.
		{"proto ip flower action drop", "proto ip flower dst_ip 1.1.1.1 action drop", true},
		{"proto ip flower action continue", "proto ip flower dst_ip 1.1.1.1 action drop", false},
		{"proto ip flower action pipe", "proto ip flower dst_ip 1.1.1.1 action drop", true},
		{"proto ip flower action drop random netrand continue 3", "proto ip flower dst_ip 1.1.1.1 action drop", false},
		{"proto ip flower action drop random netrand pass 3", "proto ip flower dst_ip 1.1.1.1 action drop", true},
		{"proto ip flower action police rate 1mbit burst 10k conform-exceed drop/continue", "proto ip flower action drop", false},
		{"proto ip flower action police rate 1mbit burst 10k conform-exceed continue/pass", "proto ip flower action drop", false},
		{"proto ip flower action police rate 1mbit burst 10k conform-exceed drop/pass", "proto ip flower dst_ip 1.1.1.1 action drop", true},
		{"proto ip flower action csum ip pipe action gact continue", "proto ip flower dst_ip 1.1.1.1 action drop", false},
		{"proto ip flower skip_sw action drop", "proto ip flower dst_ip 1.1.1.1 action drop", false},
		// Protocols.
		{"proto all matchall action drop", "proto ip flower action drop", true},
		{"proto all flower action drop", "proto ipv6 flower dst_ip fd00::1 action drop", true},
		{"proto ip matchall action drop", "proto all matchall action drop", false},
		{"proto ip matchall action drop", "proto ipv6 flower action drop", false},
		{"proto ip matchall action drop", "proto ip flower dst_ip 1.1.1.1 action drop", true},
		{"proto ip flower action drop", "proto ip matchall action drop", false},
		// Masks and keys.
		{"proto ip flower dst_ip 10.0.0.0/8 action drop", "proto ip flower dst_ip 10.1.0.0/16 action drop", true},
		{"proto ip flower dst_ip 10.0.0.0/16 action drop", "proto ip flower dst_ip 10.0.0.0/8 action drop", false},
		{"proto ip flower dst_ip 10.0.0.0/8 action drop", "proto ip flower dst_ip 11.1.0.0/16 action drop", false},
		{"proto ip flower dst_ip 10.0.0.0/8 action drop", "proto ip flower src_ip 10.1.0.0/16 action drop", false},
		{"proto ip flower ip_proto tcp dst_port 80 action drop", "proto ip flower ip_proto tcp dst_port 80 src_port 9 action drop", true},
		{"proto ip flower ip_proto tcp dst_port 80 action drop", "proto ip flower ip_proto udp dst_port 80 action drop", false},
		{"proto ip flower ip_tos 0x10/0xf0 action drop", "proto ip flower ip_tos 0x1f action drop", true},
		{"proto ip flower ip_tos 0x10/0xf0 action drop", "proto ip flower ip_tos 0x2f action drop", false},
		{"proto ip flower dst_ip 0.0.0.0/0 action drop", "proto ip flower action drop", false}, // a match on the kind of address
		{"proto ip flower dst_ip 1.1.1.1/0 action drop", "proto ip flower dst_ip 2.2.2.2 action drop", true},
		{"proto ip flower enc_dst_ip 1.1.1.1/0 action drop", "proto ip flower action drop", false},
		// Ranges, of both ends.
		{"proto ip flower ip_proto tcp dst_port 10-20 action drop", "proto ip flower ip_proto tcp dst_port 20 action drop", true},
		{"proto ip flower ip_proto tcp dst_port 10-20 action drop", "proto ip flower ip_proto tcp dst_port 21 action drop", false},
		{"proto ip flower ip_proto tcp dst_port 10-20 action drop", "proto ip flower ip_proto tcp src_port 15 action drop", false},
		{"proto ip flower ip_proto tcp src_port 10-20 action drop", "proto ip flower ip_proto tcp src_port 11-19 action drop", true},
		{"proto ip flower ip_proto tcp src_port 10-20 action drop", "proto ip flower ip_proto tcp src_port 9-19 action drop", false},
		{"proto ip flower ip_proto tcp dst_port 10-20 src_port 10-20 action drop", "proto ip flower ip_proto tcp dst_port 10-20 src_port 10-21 action drop", false},
		{"proto ip flower ip_proto tcp dst_port 10-20 src_port 10-20 action drop", "proto ip flower ip_proto tcp dst_port 10-21 src_port 10-20 action drop", false},
		{"proto ip flower ip_proto tcp dst_port 10-20 action drop", "proto ip flower ip_proto tcp action drop", false},
		// Tunnel options.
		{"proto ip flower enc_key_id 1 action drop", "proto ip flower enc_key_id 1 vxlan_opts 5 action drop", true},
		{"proto ip flower vxlan_opts 5 action drop", "proto ip flower vxlan_opts 5 enc_key_id 1 action drop", true},
		{"proto ip flower vxlan_opts 5 action drop", "proto ip flower vxlan_opts 6 enc_key_id 1 action drop", false},
		{"proto ip flower vxlan_opts 5/7 action drop", "proto ip flower vxlan_opts 5/3 enc_key_id 1 action drop", false},
		{"proto ip flower vxlan_opts 5 action drop", "proto ip flower erspan_opts 1:5:0:0 enc_key_id 1 action drop", false},
		{"proto ip flower vxlan_opts 5 action drop", "proto ip flower enc_key_id 1 action drop", false},
	} {
		p, _ := load(t, "filter add dev d ingress pref 1 "+c.first, "filter add dev d ingress pref 2 "+c.second)
		var got []string
		for _, w := range Check(p) {
			if w.Kind == WarnShadowed {
				got = append(got, w.String())
			}
		}
		switch {
		case c.shadowed && (len(got) != 1 || !strings.HasPrefix(got[0], "test.tc:2:") || !strings.Contains(got[0], "pref 1 handle 0x1 (test.tc:1:")):
			t.Errorf("%s\n%s\nis not told: %q", c.first, c.second, got)
		case !c.shadowed && len(got) != 0:
			t.Errorf("%s\n%s\n%s", c.first, c.second, got)
		}
	}
}
