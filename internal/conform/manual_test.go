package conform

import (
	"slices"
	"strings"
	"testing"
)

// manualFirewall is the example of tc-ct(8), word by word but for the name of
// the devices' qdiscs.
var manualFirewall = []string{
	"tc filter add dev eth0 ingress prio 1 chain 0 proto ip flower ip_proto tcp ct_state -trk action ct zone 2 pipe action goto chain 2",
	"tc filter add dev eth0 ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct zone 2 commit mark 0xbb nat src addr 5.5.5.7 pipe action mirred egress redirect dev eth1",
	"tc filter add dev eth0 ingress prio 1 chain 2 proto ip flower ct_zone 2 ct_mark 0xbb ct_state +trk+est action ct nat pipe action mirred egress redirect dev eth1",
	"tc filter add dev eth1 ingress prio 1 chain 0 proto ip flower ip_proto tcp ct_state -trk action ct zone 2 pipe action goto chain 1",
	"tc filter add dev eth1 ingress prio 1 chain 1 proto ip flower ct_zone 2 ct_mark 0xbb ct_state +trk+est action ct nat pipe action mirred egress redirect dev eth0",
}

// TestF6: the manual's firewall, packet by packet, beside the kernel's answer.
// Its last rules name no zone, so the kernel looks packets up anew in zone 0
// (act_ct.c tcf_ct_skb_nfct_cached compares zones), where nothing translates
// them: only the first packet of a connection leaves with the public address.
func TestF6_the_manuals_firewall(t *testing.T) {
	c := read(t, "nat_manual_firewall")
	if !slices.Equal(c.Policy, manualFirewall) {
		t.Fatalf("another policy: %q", c.Policy)
	}
	a, err := Answer(c)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(c, a); d != "" {
		t.Error(d)
	}
	const client, public = "0a000001", "05050507"
	for i, want := range []string{public, public, "", client, client, "", client} {
		out := a.Steps[i].Out
		if len(out) != 1 {
			t.Fatalf("packet %d: %d frames out", i+1, len(out))
		}
		src, dst := out[0].Frame[52:60], out[0].Frame[60:68]
		switch {
		case want != "" && (src != want || out[0].Dev != "eth1"):
			t.Errorf("packet %d leaves %s from %s, want eth1, %s", i+1, out[0].Dev, src, want)
		case want == "" && (dst != public || out[0].Dev != "eth0"):
			t.Errorf("packet %d, an answer, leaves %s to %s, want eth0, %s", i+1, out[0].Dev, dst, public)
		}
	}
	passed := 0
	for _, s := range a.Steps {
		if s.Verdict == "pass" {
			passed++
			if strings.HasPrefix(s.Note, "SYN from") && s.Out[0].Dev != "pass:eth1" {
				t.Errorf("a SYN from outside went to %s", s.Out[0].Dev)
			}
		}
	}
	if passed != 4 {
		t.Errorf("%d packets met no filter, want 4", passed)
	}
}
