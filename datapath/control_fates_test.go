package datapath_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
)

// TestFatesOfControls: loops, jumps, copies to ports and blocks, clones, and
// redirects on ingress and egress, each at its bound. The fates were read through
// once and are held since.
func TestFatesOfControls(t *testing.T) {
	const a, b = "filter add dev a ingress ", "filter add dev b "
	frames := []named{
		{"udp", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")},
		{"again", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x")},
		{"syn", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1, 0, "")},
		{"tagged", tagged(query(), 0x81000005)},
		{"arp", []byte(packettest.Ether + "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01ABCDEF\x0a\x00\x00\x01GHIJKL\x0a\x00\x00\x02")},
	}
	type one struct {
		name  string
		lines []string
	}
	var all []one
	add := func(name string, lines ...string) { all = append(all, one{name, lines}) }
	for _, n := range []int{15, 16, 17} {
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprintf(a+"prio 1 chain %d proto all matchall action goto chain %d", i, i+1))
		}
		add(fmt.Sprintf("%d times goto", n), append(lines, fmt.Sprintf(a+"prio 1 chain %d proto all matchall action mirred egress redirect dev b", n))...)
	}
	for n := range 5 {
		add(fmt.Sprintf("jump %d", n), a+fmt.Sprintf("prio 1 proto all matchall action gact jump %d action gact pipe action mirred egress mirror dev c pipe action drop", n))
		add(fmt.Sprintf("jump %d at last", n), a+fmt.Sprintf("prio 1 proto all matchall action gact pipe action mirred egress mirror dev c pipe action gact jump %d", n))
	}
	for _, n := range []int{1, 2, 9, 30, 31} {
		// Each goes on with the next.
		var w strings.Builder
		for i := range n {
			fmt.Fprintf(&w, " action gact jump %d", i+1)
		}
		add(fmt.Sprintf("%d jumps", n), a+"prio 1 proto all matchall"+w.String()+" action drop")
	}
	add("jump by a second action", a+"prio 1 proto all matchall action gact pipe random determ jump 2 2 action drop action mirred egress redirect dev b")
	add("goto by chance", a+"prio 1 proto all matchall action gact pipe random determ goto chain 3 2 action drop", a+"prio 1 chain 3 proto ip flower action mirred egress redirect dev b")
	add("goto an empty chain by chance", a+"prio 1 proto all matchall action gact pipe random determ goto chain 4 2 action drop", a+"prio 1 chain 3 proto ip flower action mirred egress redirect dev b")
	add("determ 1", a+"prio 1 proto all matchall action gact pass random determ drop 1")
	add("continue at the end", a+"prio 1 proto all matchall action continue", a+"prio 2 proto ip flower ip_proto udp action continue", a+"prio 3 proto all matchall action mirred egress redirect dev b")
	add("continue in another chain", a+"prio 1 proto all matchall action goto chain 7", a+"prio 5 chain 7 proto ip matchall action continue")
	add("reclassify when edited", a+"prio 2 proto 802.1q matchall action vlan pop reclassify", a+"prio 3 proto ip flower ip_proto udp action mirred egress redirect dev b")
	add("reclassify from another chain", a+"prio 1 proto 802.1q matchall action goto chain 4", a+"prio 2 proto ip matchall action mirred egress redirect dev b", a+"prio 1 chain 4 proto all matchall action vlan pop reclassify")
	for _, what := range []string{"trap", "drop", "pass", "continue", "reclassify", "pipe"} {
		add("redirect and "+what, a+"prio 1 proto all matchall action mirred egress redirect dev b "+what, a+"prio 2 proto ip matchall action mirred egress redirect dev c")
		add("mirror and "+what, a+"prio 1 proto all matchall action mirred egress mirror dev b "+what, a+"prio 2 proto ip matchall action mirred egress redirect dev c")
		add("skbedit and "+what, a+"prio 1 proto all matchall action skbedit mark 1 "+what, a+"prio 2 proto ip matchall action mirred egress redirect dev c")
		add("ct and "+what, a+"prio 1 proto all matchall action ct "+what, a+"prio 2 proto ip matchall action mirred egress redirect dev c")
	}
	for _, way := range []string{"mirror", "redirect"} {
		for _, side := range []string{"ingress", "egress"} {
			head := []string{"qdisc add dev b clsact", "qdisc add dev c clsact", a + "prio 1 proto all matchall action mirred " + side + " " + way + " dev b pipe action mirred egress redirect dev d"}
			add(way+" to "+side+" that drops", append(head, b+side+" prio 1 proto all matchall action drop")...)
			add(way+" to "+side+" that passes", append(head, b+side+" prio 1 proto all matchall action pass")...)
			add(way+" to "+side+" that traps", append(head, b+side+" prio 1 proto all matchall action trap")...)
			add(way+" to "+side+" that sends on", append(head, b+side+" prio 1 proto all matchall action mirred "+side+" redirect dev c")...)
			add(way+" to "+side+" that tracks", append(head, b+side+" prio 1 proto ip matchall action ct commit zone 3 pass")...)
			add(way+" to "+side+" that edits", append(head, b+side+" prio 1 proto ip matchall action pedit ex munge ip ttl set 3 pipe action vlan push id 9 pass")...)
			add(way+" to "+side+" that asks for the device", append(head, b+side+" prio 1 proto ip flower indev a action drop", b+side+" prio 2 proto ip flower indev b action mirred egress redirect dev c")...)
			add(way+" to "+side+" that asks for the tag", append(head, b+side+" prio 1 proto 802.1q flower vlan_id 5 action mirred egress redirect dev c")...)
			add(way+" to "+side+" that loops", append(head, b+side+" prio 1 proto all matchall action mirred "+side+" redirect dev b")...)
		}
		for _, block := range []string{"", "c", "c d", "a c d"} {
			lines := []string{"qdisc add dev e clsact", "qdisc add dev z ingress_block 9 ingress"}
			for _, d := range strings.Fields(block) {
				if d == "a" {
					lines = append(lines, "qdisc add dev a ingress_block 9 ingress", "filter add block 9 prio 1 proto all matchall action mirred egress "+way+" blockid 9")
					continue
				}
				lines = append(lines, "qdisc add dev "+d+" ingress_block 9 ingress")
			}
			if !strings.Contains(block, "a") {
				lines = append(lines, a+"prio 1 proto all matchall action mirred egress "+way+" blockid 9 pipe action mirred egress redirect dev e")
			}
			add(way+" to a block of z "+block, lines...)
		}
	}
	add("to a block of itself alone", "qdisc add dev a ingress_block 9 ingress", "filter add block 9 prio 1 proto ip matchall action mirred egress redirect blockid 9", "filter add block 9 prio 2 proto all matchall action mirred egress mirror blockid 9 pipe action mirred egress redirect dev b")
	for _, ct := range []string{"ct", "ct commit", "ct commit zone 2", "ct clear", "ct commit force", "ct commit nat src addr 192.0.2.1", "ct commit mark 6"} {
		back := ct + " pipe action goto chain 1"
		add(ct, a+"prio 1 proto all matchall action "+back, a+"prio 1 chain 1 proto ip flower ct_state +trk+new action mirred egress redirect dev new", a+"prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev old")
		add(ct+" twice", a+"prio 1 proto all matchall action "+ct+" pipe action ct pipe action "+back, a+"prio 1 chain 1 proto ip flower ct_state +trk+new action mirred egress redirect dev new", a+"prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev old")
		if strings.Contains(ct, "clear") {
			continue
		}
		for _, rest := range []string{"drop", "pass", "trap", "mirred egress redirect dev c", "ct commit pipe action goto chain 9"} {
			add(ct+" clone that is for "+rest, a+"prio 1 proto all matchall action "+ct+" chain 8 pipe action mirred egress redirect dev d", a+"prio 1 chain 8 proto ip flower ct_state +trk action "+rest)
		}
		add(ct+" clone that nothing waits for", a+"prio 1 proto all matchall action "+ct+" chain 8 pipe action mirred egress redirect dev d")
	}
	add("clones of clones", a+"prio 1 proto all matchall action ct chain 1 pipe action mirred egress redirect dev d", a+"prio 1 chain 1 proto all matchall action ct chain 1 pipe action mirred egress redirect dev c")
	add("clone on egress", "qdisc add dev b clsact", a+"prio 1 proto all matchall action mirred egress redirect dev b", b+"egress prio 1 proto all matchall action ct chain 5 pipe action drop", b+"egress prio 1 chain 5 proto ip flower ip_proto udp action pass")
	add("to a device that is gone", a+"prio 1 proto ip matchall action mirred egress mirror dev b pipe action mirred ingress mirror dev b pipe action ct clear pipe action skbedit mark 0xff/0x0f priority 1:1 ptype host pass")
	var out strings.Builder
	for _, c := range all {
		out.WriteString(fates(t, c.name, "", c.lines, frames, 0))
	}
	golden(t, "controls", out.String())
}
