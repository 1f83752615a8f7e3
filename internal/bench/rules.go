package bench

import (
	"fmt"
	"strings"
	"time"

	"sluice/conntrack"
)

// rulesFilters is how many filters stand before the ones that match.
const rulesFilters = 10_000

// rulesMasks are the masks that these have, and how each names its n-th value.
var rulesMasks = []func(n int) string{
	func(n int) string { return fmt.Sprintf("dst_ip 172.16.%d.%d", n>>8&255, n&255) },
	func(n int) string { return fmt.Sprintf("dst_ip 172.%d.%d.0/24", 16+n>>8, n&255) },
	func(n int) string { return fmt.Sprintf("src_ip 172.16.%d.%d", n>>8&255, n&255) },
	func(n int) string { return fmt.Sprintf("src_ip 172.%d.%d.0/24", 16+n>>8, n&255) },
	func(n int) string { return fmt.Sprintf("ip_proto tcp dst_port %d", 10000+n) },
	func(n int) string { return fmt.Sprintf("ip_proto tcp src_port %d dst_port 22", 1+n) },
	func(n int) string {
		return fmt.Sprintf("ip_proto tcp dst_ip 172.16.%d.%d dst_port 443", n>>8&255, n&255)
	},
	func(n int) string {
		return fmt.Sprintf("ip_proto tcp src_ip 172.16.%d.%d dst_ip 192.168.0.1 dst_port 80", n>>8&255, n&255)
	},
}

// Rules measures new connections that pass 10,000 filters of 8 masks, in
// each of the two chains that they go through, before one matches; beside the
// same without them.
func Rules(o Options) (Result, error) {
	var b strings.Builder
	for n := range rulesFilters {
		for _, at := range []string{"chain 0 prio 1", "chain 2 prio 1"} {
			m := rulesMasks[n%len(rulesMasks)](n / len(rulesMasks))
			fmt.Fprintf(&b, "filter add dev uplink_rep ingress %s proto ip flower %s action drop\n", at, m)
		}
	}
	// Behind them.
	full := b.String() + strings.ReplaceAll(Policy, "prio 1", "prio 2")
	var res Result
	var plain, ruled time.Duration
	var rigs [2]*rig
	for !o.enough(res.Packets, ruled) {
		for i, text := range []string{Policy, full} {
			// A table that is filled often is emptied instead of made anew, which
			// takes the filters a second.
			r := rigs[i]
			if r == nil || o.Conns > rulesFilters {
				var err error
				if r, err = newRigWith(text, o.Conns); err != nil {
					return Result{}, err
				}
				rigs[i] = r
			} else {
				r.eng.Tracker().Delete(r.now, &conntrack.Match{AnyZone: true}, nil)
			}
			once := o.once()
			if text != full {
				once.Profile, once.uncounted = nil, true
			}
			got, err := r.measure(once, "rules", func() error { return r.each(o.Conns, fromClient, flagSYN, 1000, 0) })
			if err != nil {
				return Result{}, err
			}
			if text == full {
				got.Packets += res.Packets
				ruled += r.busy
				res = got
			} else {
				plain += r.busy
			}
		}
	}
	res.rate(ruled)
	res.ConnsPerSecond = res.Mpps * 1e6
	res.PlainNsPerPacket = float64(plain.Nanoseconds()) / float64(res.Packets)
	return res, nil
}
