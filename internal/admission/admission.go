// Package admission reads an offload policy in words: which flows go into
// devices, and who makes room for whom.
package admission

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"sluice/flowtable"
	"sluice/packet"
)

// word is one that a policy may consist of.
type word struct {
	name, form, what string
	set              func(*flowtable.Admission, string) error // the value behind =; "" without one
}

var words = []word{
	{"none", "none", "every established flow, first come, first served", func(a *flowtable.Admission, v string) error { return noValue(v) }},
	{"packets", "packets=N", "not before it has had N packets", func(a *flowtable.Admission, v string) (err error) {
		a.MinPackets, err = count(v, math.MaxInt64)
		return err
	}},
	{"bytes", "bytes=N", "not before it has had N bytes", func(a *flowtable.Admission, v string) (err error) {
		a.MinBytes, err = count(v, math.MaxInt64)
		return err
	}},
	{"age", "age=TIME", "not before it has been in the flow table so long", func(a *flowtable.Admission, v string) (err error) {
		a.MinAge, err = span(v)
		return err
	}},
	{"never", "never=dns, never=udp/53, never=gre", "never these (may be repeated)", never},
	{"share", "share=ZONE:N", "at most N flows of a zone (may be repeated)", share},
	{"max", "max=N", "at most N flows, whatever a device could hold", number(func(a *flowtable.Admission) *int { return &a.MaxFlows })},
	{"lru", "lru", "when the device is full, the longest idle goes, if it was idle for retry", evict(flowtable.EvictLRU)},
	{"rate", "rate", "when the device is full, the slowest goes", evict(flowtable.EvictRate)},
	{"state", "state", "when the device is full, one-way flows go first, then as lru", evict(flowtable.EvictState)},
	{"high", "high=PERCENT", "at so full it takes nothing any more", percent(func(a *flowtable.Admission) *int { return &a.High })},
	{"low", "low=PERCENT", "until it is down to that", percent(func(a *flowtable.Admission) *int { return &a.Low })},
	{"retry", "retry=TIME", "between two attempts for one flow", func(a *flowtable.Admission, v string) (err error) {
		a.RetryEvery, err = span(v)
		return err
	}},
	{"pending", "pending=N", "flows that wait for room at most", number(func(a *flowtable.Admission) *int { return &a.PendingMax })},
	{"queue", "queue=N", "insertions that wait to be handed over at most", number(func(a *flowtable.Admission) *int { return &a.QueueMax })},
}

// repeatable words stand for one thing each time.
var repeatable = map[string]bool{"never": true, "share": true}

// Parse reads a policy: words separated by commas, such as
// "packets=20,never=dns,lru".
func Parse(text string) (flowtable.Admission, error) {
	var a flowtable.Admission
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		w := find(name)
		if w == nil {
			return a, fmt.Errorf("policy %q: nothing is called %q; there are %s", text, name, strings.Join(names(), ", "))
		}
		if seen[name] && !repeatable[name] {
			return a, fmt.Errorf("policy %q: %s is there twice", text, name)
		}
		seen[name] = true
		if err := w.set(&a, value); err != nil {
			return a, fmt.Errorf("policy %q: %s: %w", text, name, err)
		}
	}
	n := 0
	for _, e := range []string{"lru", "rate", "state"} {
		if seen[e] {
			n++
		}
	}
	switch {
	case n > 1:
		return a, fmt.Errorf("policy %q: one of lru, rate and state can say who goes, not several", text)
	case seen["low"] && !seen["high"]:
		return a, fmt.Errorf("policy %q: low goes with high", text)
	case a.Low > a.High:
		return a, fmt.Errorf("policy %q: low is above high", text)
	}
	return a, nil
}

func find(name string) *word {
	for i := range words {
		if words[i].name == name {
			return &words[i]
		}
	}
	return nil
}

func names() (s []string) {
	for i := range words {
		s = append(s, words[i].name)
	}
	return s
}

// Help lists all words.
func Help() string {
	var b strings.Builder
	for i := range words {
		fmt.Fprintf(&b, "  %-36s %s\n", words[i].form, words[i].what)
	}
	return b.String()
}

// waiting is how many flows wait at most unless said (flowtable.Admission).
const waiting = 1 << 16

// Scale returns the policy for an experiment f times as large.
func Scale(a flowtable.Admission, f float64) flowtable.Admission {
	part := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(int(math.Round(float64(n)*f)), 1)
	}
	a.MaxFlows, a.PendingMax, a.QueueMax = part(a.MaxFlows), part(cmp.Or(a.PendingMax, waiting)), part(cmp.Or(a.QueueMax, waiting))
	zones := a.ZoneShare
	a.ZoneShare = nil
	for z, n := range zones {
		if a.ZoneShare == nil {
			a.ZoneShare = map[uint16]int{}
		}
		a.ZoneShare[z] = part(n)
	}
	return a
}

func noValue(v string) error {
	if v != "" {
		return fmt.Errorf("it takes no value")
	}
	return nil
}

func evict(e flowtable.Eviction) func(*flowtable.Admission, string) error {
	return func(a *flowtable.Admission, v string) error {
		a.Eviction = e
		return noValue(v)
	}
}

// count reads a whole number with k or M behind it, from 1 on.
func count(v string, most uint64) (uint64, error) {
	digits, unit := v, uint64(1)
	switch {
	case strings.HasSuffix(v, "k"):
		digits, unit = v[:len(v)-1], 1e3
	case strings.HasSuffix(v, "M"):
		digits, unit = v[:len(v)-1], 1e6
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n < 1 || n > most/unit {
		return 0, fmt.Errorf("%q: want a whole number from 1 to %d, such as 20, 5k or 2M", v, most)
	}
	return n * unit, nil
}

func number(at func(*flowtable.Admission) *int) func(*flowtable.Admission, string) error {
	return func(a *flowtable.Admission, v string) error {
		n, err := count(v, 1<<30)
		*at(a) = int(n)
		return err
	}
}

func percent(at func(*flowtable.Admission) *int) func(*flowtable.Admission, string) error {
	return func(a *flowtable.Admission, v string) error {
		n, err := strconv.ParseUint(strings.TrimSuffix(v, "%"), 10, 8)
		if err != nil || n < 1 || n > 100 {
			return fmt.Errorf("%q: want a percentage from 1 to 100", v)
		}
		*at(a) = int(n)
		return nil
	}
}

func span(v string) (int64, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 || d > 24*time.Hour {
		return 0, fmt.Errorf("%q: want a time up to 24h, such as 500ms or 2s", v)
	}
	return int64(d), nil
}

// protocols are those that flow tables hold (act_ct.c).
var protocols = map[string]uint8{"tcp": packet.ProtoTCP, "udp": packet.ProtoUDP, "gre": packet.ProtoGRE}

func never(a *flowtable.Admission, v string) error {
	if v == "dns" {
		a.Never = append(a.Never, flowtable.DNS...)
		return nil
	}
	name, port, ports := strings.Cut(v, "/")
	proto, ok := protocols[name]
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case !ok || ports && (err != nil || n == 0 || name == "gre"):
		return fmt.Errorf("%q: want dns, a protocol (tcp, udp, gre), or a protocol and port such as udp/53", v)
	case ports:
		a.Never = append(a.Never, flowtable.Service{Proto: proto, Port: uint16(n)})
	default:
		a.NeverProto = append(a.NeverProto, proto)
	}
	return nil
}

func share(a *flowtable.Admission, v string) error {
	zone, flows, _ := strings.Cut(v, ":")
	z, err := strconv.ParseUint(zone, 10, 16)
	n, bad := count(flows, 1<<30)
	if err != nil || bad != nil {
		return fmt.Errorf("%q: want ZONE:N, such as 5:100k", v)
	}
	if _, twice := a.ZoneShare[uint16(z)]; twice {
		return fmt.Errorf("zone %d has two shares", z)
	}
	if a.ZoneShare == nil {
		a.ZoneShare = map[uint16]int{}
	}
	a.ZoneShare[uint16(z)] = int(n)
	return nil
}
