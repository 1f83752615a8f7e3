package replay

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/driver/sim"
	"sluice/internal/state"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy/tc"
)

// plainPolicy tracks and forwards both ways without translation, which every
// card holds whole; sourcePolicy translates, too; natPolicy has actions that
// cards leave to software.
var plainPolicy = lines(
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 4 pipe action goto chain 3",
	"filter add dev a ingress prio 1 chain 3 proto ip flower ct_state +trk+new action ct commit zone 4 pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 3 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
	"filter add dev b ingress prio 2 chain 0 proto ip flower ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev b ingress prio 1 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev a",
)

var sourcePolicy = lines(
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 4 nat pipe action goto chain 3",
	"filter add dev a ingress prio 1 chain 3 proto ip flower ct_state +trk+new action ct commit zone 4 nat src addr 192.0.2.1 pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 3 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
	"filter add dev b ingress prio 2 chain 0 proto ip flower ct_state -trk action ct zone 4 nat pipe action goto chain 2",
	"filter add dev b ingress prio 1 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev a",
)

// dialogue is traffic of a few clients that talk long enough for cards to carry
// it: TCP with right numbers, UDP both ways, closing, resets, segments out of
// the window, silence of every length. Clients' ports differ, so that their
// translations keep them; outside, if not empty, is their address in replies.
func dialogue(seed uint64, n int, outside string) (out []packetAt) {
	type talk struct {
		cp    uint16
		stage int // packets so far
		seq   [2]uint32
		udp   bool
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	const client, server = "10.1.0.1", "198.51.100.1"
	if outside == "" {
		outside = client
	}
	talks := make([]talk, 8)
	next := uint16(2000)
	renew := func(k *talk) {
		next++
		*k = talk{cp: next, seq: [2]uint32{rng.Uint32(), rng.Uint32()}, udp: rng.IntN(3) == 0}
	}
	for i := range talks {
		renew(&talks[i])
	}
	now := int64(1_700_000_000e9)
	for range n {
		switch rng.IntN(60) {
		case 0:
			now += rng.Int64N(45e9)
		case 1, 2:
			now += rng.Int64N(4e9)
		default:
			now += rng.Int64N(20e6)
		}
		k := &talks[rng.IntN(len(talks))]
		dir, flags, payload := rng.IntN(2), "PA", strings.Repeat("x", 1+rng.IntN(60))
		switch {
		case k.udp:
		case k.stage < 3:
			dir, flags, payload = k.stage%2, []string{"S", "SA", "A"}[k.stage], ""
		case rng.IntN(25) == 0:
			flags = []string{"FA", "R", "RA", "FA", "SA", "S"}[rng.IntN(6)]
		}
		src, dst, sp, dp := client, server, k.cp, uint16(80)
		if dir == 1 {
			src, dst, sp, dp = server, outside, dp, sp
		}
		k.stage++
		var f []byte
		if k.udp {
			f = packettest.UDP(src, dst, sp, dp, payload)
		} else {
			seq, ack := k.seq[dir], k.seq[1-dir]
			if flags == "S" {
				ack = 0
			}
			if rng.IntN(40) == 0 && k.stage > 3 {
				seq += 1 << 30
			} else if k.seq[dir] += uint32(len(payload)); strings.ContainsAny(flags, "SF") {
				k.seq[dir]++
			}
			f = packettest.TCP(src, dst, sp, dp, flags, seq, ack, payload)
		}
		if rng.IntN(90) == 0 {
			renew(k)
		}
		out = append(out, packetAt{time: now, data: f})
	}
	return out
}

// TestDeviceState: with any card, a state's counters are the report's, and
// whether a replay was cut, and where, shows neither in the report's table and
// filters nor in the state's connections, flow tables, filters' packets and
// bytes, and events of the tracker and the flow table. What shows is that the
// cards of the second half begin empty: which packets a card found (hits and
// carried apart, filters' hw_packets and hw_bytes), and devices' own events.
func TestDeviceState(t *testing.T) {
	profiles, _ := sim.Profiles()
	for _, profile := range profiles {
		for _, c := range []struct {
			name, policy string
			traffic      func(seed uint64) []packetAt
			carried      uint64 // at least
		}{
			{"plain", plainPolicy, func(seed uint64) []packetAt { return dialogue(seed, 1500, "") }, 300},
			{"translated", sourcePolicy, func(seed uint64) []packetAt { return dialogue(seed, 1500, "192.0.2.1") }, 300},
			// Connections of every protocol get FTP's helper.
			{"helper", strings.ReplaceAll(plainPolicy, "ct commit zone 4", "ct commit zone 4 helper ipv4-tcp-ftp"), func(seed uint64) []packetAt { return chatter(seed+200, 400) }, 0},
			{"chatter", natPolicy, func(seed uint64) []packetAt { return chatter(seed+100, 500) }, 0},
		} {
			for seed := range uint64(1 + min(c.carried, 1)) { // one of what cards leave to software
				t.Run(fmt.Sprintf("C15_I6_%s_%s_%d", profile, c.name, seed), func(t *testing.T) {
					all := c.traffic(seed)
					dir := t.TempDir()
					at := func(name string) string { return filepath.Join(dir, name) }
					o := Options{
						Policy: file(t, "p.tc", c.policy), Seed: seed + 1, Events: 5000, Devices: []string{profile}, Admit: "none",
						Sysctls: []string{"nf_conntrack_timestamp=1", "nf_conntrack_acct=1"},
					}
					o.Inputs, o.StateOut = inputs(t, "w", all), at("whole.state")
					whole := mustRun(t, o)
					checkSavedCounters(t, whole, o.StateOut)

					cut := rand.New(rand.NewPCG(seed, 3)).IntN(len(all))
					o.Inputs, o.StateOut = inputs(t, "1", all[:cut]), at("half.state")
					checkSavedCounters(t, mustRun(t, o), o.StateOut)
					o.Inputs, o.StateOut, o.FromState = inputs(t, "2", all[cut:]), at("both.state"), at("half.state")
					o.Sysctls, o.Events, o.Seed = nil, 0, 0
					both := mustRun(t, o)
					checkSavedCounters(t, both, o.StateOut)

					if got, want := table(t, both), table(t, whole); got != want {
						t.Errorf("cut at %d\ngot  %s\nwant %s", cut, got, want)
					}
					checkDeviceEvents(t, at("whole.state"))
					checkDeviceEvents(t, at("both.state"))
					if got, want := sides(t, at("both.state")), sides(t, at("whole.state")); got != want {
						t.Errorf("cut at %d: states differ: %s", cut, firstDifference(got, want))
					}
					// sfc's cards translate nothing (driver/sim's profile).
					if n := named(whole.Offload.Tiers, "device"); n < c.carried && !(profile == "sfc" && c.name == "translated") {
						t.Errorf("the card carried %d packets, want %d: too few to say anything", n, c.carried)
					}
				})
			}
		}
	}
}

// checkSavedCounters compares a state's counters with the report's.
func checkSavedCounters(t *testing.T, r *Report, path string) {
	t.Helper()
	s, err := state.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	saved := map[string]datapath.ActionState{}
	for _, a := range s.Actions {
		saved[fmt.Sprint(a.Kind, a.Index)] = a
	}
	for a := range tc.Homes(r.policy) {
		if got, want := saved[fmt.Sprint(a.Kind, a.Index)].Stats, r.engine.ActionStats(a); got != want {
			t.Errorf("%s index %d: the state says %+v, the report %+v", a.Kind, a.Index, got, want)
		}
	}
}

// sides is what a state says of packets, connections and flows, whichever card
// carried what: without who counted, and without devices' own events, which
// checkDeviceEvents judges by themselves.
func sides(t *testing.T, path string) string {
	t.Helper()
	s, err := state.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, a := range s.Actions {
		a.Stats.HWPackets, a.Stats.HWBytes = 0, 0
		fmt.Fprintf(&b, "%+v\n", a)
	}
	flows := s.Flows
	flows.Hits, flows.Carried = flows.Hits+flows.Carried, 0
	fmt.Fprintf(&b, "%+v\n", flows)
	for _, v := range s.Tables {
		v.Flows = slices.Clone(v.Flows)
		slices.Sort(v.Flows)
		fmt.Fprintf(&b, "%+v\n", v)
	}
	for ref, c := range s.Tracker.Known() {
		fmt.Fprintf(&b, "%x %v %v %#x %v %v %d %d %d %#x\n", ref, c.Orig, c.TCP, c.Status&^conntrack.StatusHWOffload, c.Packets(), c.Bytes(), c.Timeout, c.Mark, c.FlowDeadline, c.FlowFlags)
		fmt.Fprintln(&b, s.Tracker.HelperOf(ref))
	}
	n := 0
	for _, e := range s.Tracker.Events(0) {
		if e.Device != 0 {
			continue
		}
		n++
		fmt.Fprintf(&b, "event %d: %d %x %#x %v %v %#x %v\n", n, e.Time, e.Ref, e.What, e.Expired, e.Conn.Orig, e.Conn.Status&^conntrack.StatusHWOffload, e.Conn.Packets())
		fmt.Fprintln(&b, e.Helper)
	}
	return b.String()
}

// checkDeviceEvents: by a state's events each connection is in a device once
// and out of it once, by turns, out before it ends, and in the end in those
// that the state says hold it.
func checkDeviceEvents(t *testing.T, path string) {
	t.Helper()
	s, err := state.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	type in struct {
		ref packet.ConnRef
		dev string
	}
	held := map[in]bool{}
	for i, e := range s.Tracker.Events(0) {
		k := in{e.Ref, s.Tracker.DeviceName(e.Device)}
		switch {
		case e.What == conntrack.EventHWOffload && held[k], e.What == conntrack.EventBack && e.Device != 0 && !held[k]:
			t.Errorf("event %d of %#x and device %s: in it is %v already", i, k.ref, k.dev, held[k])
		case e.What == conntrack.EventHWOffload:
			held[k] = true
		case e.What == conntrack.EventBack:
			delete(held, k)
		case e.What&conntrack.EventDestroy != 0:
			for k := range held {
				if k.ref == e.Ref {
					t.Errorf("event %d: %#x ends in device %s", i, k.ref, k.dev)
				}
			}
		}
	}
	refs := map[uint32]packet.ConnRef{}
	for ref := range s.Tracker.Known() {
		refs[uint32(ref)] = ref
	}
	for _, p := range s.Places {
		for _, d := range p.Devices {
			k := in{refs[p.Slot], d.Device}
			if held[k] != d.Held {
				t.Errorf("%#x in device %s: %v by its events, %v by its place", k.ref, k.dev, held[k], d.Held)
			}
			delete(held, k)
		}
	}
	if len(held) != 0 {
		t.Errorf("in a device by their events, and in no place: %v", held)
	}
}
