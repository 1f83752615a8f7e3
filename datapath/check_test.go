package datapath_test

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/policy/tc"
)

func TestCheck(t *testing.T) {
	const head = "filter add dev a ingress prio 1 proto ip "
	for _, c := range []struct {
		name, line, want string
		refused          bool
	}{
		{"plain", head + "flower ip_proto tcp dst_port 80 action ct pipe action mirred egress redirect dev b", "", false},
		{"tunnel key", head + "flower enc_key_id 5 action drop", "a tunnel that the packet came out of", false},
		{"tunnel addresses", head + "flower enc_dst_ip 10.0.0.1 action drop", "a tunnel that the packet came out of", false},
		{"tunnel options that no tunnel has", head + "flower erspan_opts 1:5:0:0 action drop", "erspan_opts", false},
		{"tunnel key with a tunnel", "ip link add vx type vxlan external dstport 4789\n" + "filter add dev vx ingress prio 1 proto ip flower enc_key_id 5 action drop", "", false},
		{"PPPoE", "filter add dev a ingress prio 1 proto ppp_ses flower pppoe_sid 5 action drop", "PPPoE", false},
		{"a block that is not there", head + "flower action mirred egress mirror blockid 99", "block 99 does not exist", true},
		{"in a shared block", "qdisc add dev a ingress_block 7 ingress\nfilter add block 7 prio 1 proto ip flower enc_key_id 5 action drop", "a tunnel that the packet came out of", false},
	} {
		p, _, err := tc.Load("test.tc", strings.NewReader(c.line+"\n"))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		found := datapath.Check(p)
		if c.want == "" {
			if len(found) != 0 {
				t.Errorf("%s: %+v", c.name, found)
			}
			continue
		}
		if len(found) != 1 || !strings.Contains(found[0].What, c.want) || found[0].Refused != c.refused || found[0].Prio != 1 || found[0].Filter == nil {
			t.Errorf("%s: %+v, want one about %q", c.name, found, c.want)
		}
		// What is refused is what Load refuses.
		e := datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
		if err := e.Load(p, 0); (err != nil) != c.refused {
			t.Errorf("%s: Load says %v", c.name, err)
		}
	}
}
