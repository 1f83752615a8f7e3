package tc

import (
	"fmt"
	"strings"
)

// usages say what stands where, in words of this program. tc(8) prints its
// own, which name much that is not here.
var usages = map[string]string{
	"tc": `Usage: tc [OPTIONS] qdisc|chain|filter|actions COMMAND …
       tc [-force] -batch FILE
OPTIONS: -s with counters, -d with details, -j as JSON, -p indented, -br in brief, -o in one line, -V version
More: tc filter help, tc qdisc help, tc chain help, tc actions help`,
	"qdisc": `Usage: tc qdisc add|replace|del dev DEVICE [handle ffff:] [ingress_block N] [egress_block N] ingress|clsact
       tc qdisc show [dev DEVICE]
The kind comes last. Devices that have the same N share one block of filters.`,
	"chain": `Usage: tc chain add|del|get dev DEVICE ingress|egress [chain N] [protocol PROTO flower MATCHES]
       tc chain add|del|get block N [chain N] …
       tc chain show dev DEVICE ingress|egress | block N`,
	"filter": `Usage: tc filter add|change|replace WHERE [chain N] [pref N] [protocol PROTO] [handle N] KIND OPTIONS
       tc filter del WHERE [chain N] [pref N [protocol PROTO] [handle N] [KIND]]
       tc filter get WHERE [chain N] pref N protocol PROTO handle N KIND
       tc filter show dev DEVICE [ingress|egress] | block N
WHERE: dev DEVICE ingress|egress, or block N
KIND:  flower or matchall; more: tc filter add flower help
The lowest preference is tried first. Filters of one preference have one protocol.`,
	"actions": `Usage: tc actions add|change|replace action KIND …
       tc actions del|get action KIND index N …
       tc actions ls|flush action KIND
       tc actions ls action KIND since MILLISECONDS
More: tc actions add action ct help`,
	"flower": `Usage: … flower [MATCH …] [skip_hw] [skip_sw] [verbose] [classid MAJOR:MINOR] [hw_tc N] [action ACTION …]
MATCH, each VALUE with /MASK where it has bits:
  ct_state +trk[+new|+est|+rel|+inv][+rpl] (- for unset)   ct_zone N   ct_mark N   ct_label HEX
  dst_mac, src_mac MAC   vlan_id N   vlan_prio N   vlan_ethtype PROTO   cvlan_… (the inner tag)   num_of_vlans N
  ip_proto tcp|udp|sctp|icmp|icmpv6|N (before ports)   dst_ip, src_ip PREFIX   ip_tos N   ip_ttl N   ip_flags [no]frag/[no]firstfrag
  dst_port, src_port N[-N]   tcp_flags N   type N   code N   arp_op, arp_tip, arp_sip, arp_tha, arp_sha   mpls …   ppp…
  enc_dst_ip, enc_src_ip, enc_key_id, enc_dst_port, enc_tos, enc_ttl, geneve_opts, vxlan_opts, erspan_opts, gtp_opts   indev DEVICE`,
	"matchall": `Usage: … matchall [skip_hw] [skip_sw] [classid MAJOR:MINOR] action ACTION …
It takes every packet.`,
	"ct": `Usage: … action ct [zone N] [nat] [CONTROL]
       … action ct commit [force] [zone N] [mark N[/MASK]] [label HEX[/MASK]] [nat src|dst addr A[-B] [port P[-Q]]] [helper NAME] [CONTROL]
       … action ct clear [CONTROL]`,
	"mirred": `Usage: … action mirred egress|ingress redirect|mirror dev DEVICE [index N]`,
	"tunnel_key": `Usage: … action tunnel_key set src_ip ADDRESS dst_ip ADDRESS [id N] [dst_port PORT] [tos N] [ttl N] [csum|nocsum] [nofrag]
                          [geneve_opts|vxlan_opts|erspan_opts OPTIONS] [CONTROL]
       … action tunnel_key unset [CONTROL]`,
	"gact": `Usage: … action [gact] CONTROL [random netrand|determ CONTROL N] [index N]
CONTROL: ` + controlWords,
	"ingress": `Usage: … ingress [handle ffff:]`,
	"clsact":  `Usage: … clsact`,
}

// finished ends a command that is done before its end.
type finished struct{}

// help prints a usage text and ends the command with tc's exit status.
func (c *cursor) help(topic string, code int) {
	if code == 0 {
		if c.s.Err != nil {
			fmt.Fprintln(c.s.Err, usages[topic])
		}
		panic(finished{})
	}
	e := c.errorAt(c.i, usages[topic], "")
	e.code, e.help, e.final = code, true, true
	panic(e)
}

// what is iproute2's answer to a word that a kind does not know.
func (c *cursor) what(kind, want string) {
	e := c.errorAt(c.i, fmt.Sprintf(`What is "%s"?`, c.text()), want)
	e.Detail, e.code = []string{strings.SplitN(usages[kind], "\n", 2)[0]}, 1
	panic(e)
}

// version is what -V prints.
const version = "tc utility, sluice (the language of iproute2-6.1)"
