package replay

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/state"
	"sluice/packet"
	"sluice/packet/packettest"
)

// natPolicy translates, marks, labels and drops at random, in two zones.
var natPolicy = lines(
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk src_ip 10.1.0.0/16 action ct zone 3 nat pipe action goto chain 2",
	"filter add dev a ingress prio 2 chain 0 proto ip flower ct_state -trk action ct zone 4 pipe action goto chain 3",
	"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit zone 3 mark 0x5/0xff nat src addr 192.0.2.1-192.0.2.2 port 1000-1030 pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
	"filter add dev a ingress prio 1 chain 3 proto ip flower ct_state +trk+new action pass random determ drop 3 pipe action ct commit zone 4 label 0102030405060708090a0b0c0d0e0f10 pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 3 proto ip flower ct_state +trk+est action pipe random netrand drop 7 pipe action mirred egress redirect dev b",
	"filter add dev b ingress prio 1 chain 0 proto ip flower ct_state -trk dst_ip 192.0.2.0/24 action ct zone 3 nat pipe action goto chain 2",
	"filter add dev b ingress prio 2 chain 0 proto ip flower ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev b ingress prio 1 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev a",
)

// chatter is traffic of a few clients with two networks' addresses: opening,
// talking, closing, falling silent, coming back.
func chatter(seed uint64, n int) []packetAt {
	rng := rand.New(rand.NewPCG(seed, 1))
	pick := func(from ...string) string { return from[rng.IntN(len(from))] }
	now := int64(1_700_000_000e9)
	var out []packetAt
	for range n {
		switch rng.IntN(12) {
		case 0:
			now += rng.Int64N(40e9)
		case 1:
			now += rng.Int64N(3e9)
		default:
			now += rng.Int64N(400_000) // several to a vector
		}
		c, s := pick("10.1.0.1", "10.1.0.2", "10.2.0.1"), pick("198.51.100.1", "198.51.100.2")
		cp, sp := uint16(2000+rng.IntN(6)), uint16(80)
		back := rng.IntN(2) == 0
		if c[:5] == "10.1." && back {
			c, cp = pick("192.0.2.1", "192.0.2.2"), uint16(1000+rng.IntN(6))
		}
		if back {
			c, s, cp, sp = s, c, sp, cp
		}
		var f []byte
		switch rng.IntN(4) {
		case 0:
			f = packettest.UDP(c, s, cp, sp, "hello")
		case 1:
			typ := byte(8)
			if back {
				typ = 0
			}
			f = packettest.ICMP(c, s, typ, 0, uint32(cp)<<16|1, nil)
		default:
			flags := pick("S", "A", "A", "PA", "FA", "R")
			if back && flags == "S" {
				flags = "SA"
			}
			f = packettest.TCP(c, s, cp, sp, flags, 1000+uint32(rng.IntN(3)), 1000+uint32(rng.IntN(3)), "")
		}
		out = append(out, packetAt{time: now, data: f})
	}
	return out
}

// halves are a capture's packets by direction, so that --in tells the device.
func inputs(t testing.TB, name string, packets []packetAt) []Input {
	var a, b []packetAt
	for _, p := range packets {
		var h packet.Headers
		packet.Parse(p.data, &h)
		if h.Tuple.Src[0] == 10 {
			a = append(a, p)
		} else {
			b = append(b, p)
		}
	}
	return []Input{{"a", file(t, name+"a.pcap", pcap(1, a...))}, {"b", file(t, name+"b.pcap", pcap(1, b...))}}
}

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sides of a report that must not depend on where a replay was cut.
func table(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteConntrack(&b); err != nil {
		t.Fatal(err)
	}
	FilterTable(&b, r.Filters)
	fmt.Fprintf(&b, "%+v %d flows\n", r.Conntrack, r.Flows)
	return b.String()
}

// TestTwoHalves: a state between two halves of a capture changes nothing: not
// the packets that leave, not the table, not the next state.
func TestTwoHalves(t *testing.T) {
	policy := file(t, "p.tc", natPolicy)
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("B094_C36_%d", seed), func(t *testing.T) {
			all := chatter(seed, 1500)
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			o := Options{Policy: policy, Seed: seed + 1, Events: 200, Sysctls: []string{"nf_conntrack_timestamp=1", "nf_conntrack_acct=1"}}
			if seed%2 == 0 {
				o.ZoneLimits, o.SourceLimits = []string{"zone=3,limit=12", "default=30"}, []string{"zone=4,states=4,new=20/10"}
				o.TimeoutPolicies = []string{"zone=4,udp_single=7"}
			}
			if seed%3 != 0 {
				o.OutDir = at("whole")
			}
			o.Inputs, o.StateOut = inputs(t, "w", all), at("whole.state")
			whole := mustRun(t, o)

			cut := rand.New(rand.NewPCG(seed, 2)).IntN(len(all))
			o.Inputs, o.StateOut = inputs(t, "1", all[:cut]), at("half.state")
			if o.OutDir != "" {
				o.OutDir = at("first")
			}
			mustRun(t, o)
			o.Inputs, o.StateOut, o.FromState = inputs(t, "2", all[cut:]), at("both.state"), at("half.state")
			o.Sysctls, o.ZoneLimits, o.SourceLimits, o.TimeoutPolicies, o.Events, o.Seed = nil, nil, nil, nil, 0, 0
			if o.OutDir != "" {
				o.OutDir = at("second")
			}
			second := mustRun(t, o)

			if got, want := table(t, second), table(t, whole); got != want {
				t.Errorf("cut at %d\ngot  %s\nwant %s", cut, got, want)
			}
			if got, want := read(t, at("both.state")), read(t, at("whole.state")); got != want {
				t.Errorf("cut at %d: states differ: %s", cut, firstDifference(got, want))
			}
			if o.OutDir == "" {
				return
			}
			for _, name := range []string{"a", "b", "pass", "drop"} {
				got := slices.Concat(readCommented(t, filepath.Join(dir, "first", name+".pcapng")), readCommented(t, filepath.Join(dir, "second", name+".pcapng")))
				want := readCommented(t, filepath.Join(dir, "whole", name+".pcapng"))
				if len(got) != len(want) {
					t.Fatalf("%s: %d packets, want %d", name, len(got), len(want))
				}
				for i := range got {
					if !bytes.Equal(got[i].data, want[i].data) || got[i].time != want[i].time {
						t.Fatalf("%s: packet %d differs", name, i)
					}
				}
			}
		})
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d\ngot  %.1500s\nwant %.1500s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(a), len(b))
}

// TestTwoHalvesOfRealTraffic cuts the demo's capture at every packet, with
// the initiator's side remembered, too.
func TestTwoHalvesOfRealTraffic(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	o := Options{Policy: httpPolicy, Inputs: []Input{{"", httpCapture}}, Split: []string{"initiator=uplink_rep,vf0_rep"}, StateOut: at("whole"), Seed: 3}
	whole := mustRun(t, o)
	packets := capturePackets(t, httpCapture)
	for cut := 1; cut < len(packets); cut++ {
		o := o
		o.Until, o.StateOut = uint64(cut), at("half")
		mustRun(t, o)
		o.Until, o.StateOut, o.FromState = 0, at("both"), at("half")
		o.Inputs = []Input{{"", file(t, "rest.pcap", pcap(1, packets[cut:]...))}}
		rest := mustRun(t, o)
		if got, want := table(t, rest), table(t, whole); got != want {
			t.Fatalf("cut at %d\ngot  %s\nwant %s", cut, got, want)
		}
		if got, want := read(t, at("both")), read(t, at("whole")); got != want {
			t.Fatalf("cut at %d: %s", cut, firstDifference(got, want))
		}
	}
}

// TestFromStateRefusals: what cannot be gone on from says why.
func TestFromStateRefusals(t *testing.T) {
	dir := t.TempDir()
	o := httpOptions()
	o.StateOut = filepath.Join(dir, "s")
	mustRun(t, o)
	good := read(t, o.StateOut)
	for _, c := range []struct{ name, text, want string }{
		{"cut off", good[:len(good)/2], "cut off"},
		{"no state", "hello\n", "this is no state"},
		{"damaged", strings.Replace(good, `"mark":0`, `"mark":1`, 1), "checksum"},
		{"of tomorrow", strings.Replace(good, `"version":1`, `"version":9`, 1), "version 9"},
	} {
		o := httpOptions()
		o.FromState = file(t, "bad", c.text)
		_, err := Run(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	o.FromState, o.Events = filepath.Join(dir, "none"), 0
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("a state that is not there was gone on from")
	}
	o.Events = state.MaxEvents + 1
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "--events") {
		t.Errorf("too many events: %v", err)
	}
}

// TestOtherPolicy: flows whose zone the new policy does not name go back to
// the tracker, and connections stay.
func TestOtherPolicy(t *testing.T) {
	o := httpOptions()
	o.StateOut = filepath.Join(t.TempDir(), "s")
	mustRun(t, o)
	o.FromState, o.StateOut = o.StateOut, ""
	o.Policy = file(t, "other.tc", lines(
		"filter add dev uplink_rep ingress prio 1 proto ip flower ip_proto tcp action ct zone 9",
		"filter add dev vf0_rep ingress prio 1 proto ip flower ip_proto tcp action ct zone 9"))
	o.Inputs[0].File = file(t, "one.pcap", pcap(1, packetAt{time: 1<<62 - 1, data: packettest.UDP("192.0.2.1", "192.0.2.2", 1, 2, "")}))
	r := mustRun(t, o)
	if r.Flows != 0 {
		t.Errorf("%d flows, want none", r.Flows)
	}
}

// TestCountersOfAnotherPolicy: counters go on only where the filter is the
// same; a filter that merely has an action of the same kind and index begins
// at zero, and a note says what was left behind.
func TestCountersOfAnotherPolicy(t *testing.T) {
	const first = "filter add dev a ingress prio 1 proto ip flower dst_ip 192.0.2.1 action drop"
	dir := t.TempDir()
	packets := pcap(1, packetAt{time: 5e9, data: packettest.UDP("192.0.2.2", "192.0.2.1", 1, 2, "")})
	o := Options{
		Policy: file(t, "first.tc", lines(first)), StateOut: filepath.Join(dir, "s"),
		Inputs: []Input{{File: file(t, "one.pcap", packets), Device: "a"}},
	}
	mustRun(t, o)
	o.FromState, o.StateOut = o.StateOut, ""
	for _, c := range []struct {
		name string
		text []string
		want uint64 // packets of the last filter
		note string
	}{
		{"the same", []string{first}, 2, ""},
		{"another filter behind it", []string{"filter add dev a ingress prio 2 proto ip flower action drop", first}, 1, `gact index 1 of "filter add dev a ingress chain 0 pref 1`},
		{"another match", []string{"filter add dev a ingress matchall action drop"}, 1, `gact index 1 of "filter add dev a ingress chain 0 pref 1`},
		{"another control", []string{strings.Replace(first, "drop", "pass", 1)}, 1, "1 are not in this policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var notes strings.Builder
			o := o
			o.Policy, o.Notes = file(t, "then.tc", lines(c.text...)), &notes
			r := mustRun(t, o)
			total := uint64(0)
			for _, f := range r.Filters {
				total += f.Packets
			}
			if total != c.want {
				t.Errorf("%d packets, want %d", total, c.want)
			}
			if c.note == "" && notes.Len() > 0 || !strings.Contains(notes.String(), c.note) {
				t.Errorf("notes %q, want %q", notes.String(), c.note)
			}
		})
	}
}

// TestLongCommands: counters of filters whose command is too long for a line
// of a state go on with them, and with no other.
func TestLongCommands(t *testing.T) {
	long := func(last string) string {
		b := "filter add dev a ingress prio 1 proto ip flower dst_ip 192.0.2.1"
		for range 5 {
			b += " action pedit ex" + strings.Repeat(" munge ip ttl set 9 munge ip tos set 4", 50) + " pipe"
		}
		return b + " action " + last
	}
	dir := t.TempDir()
	o := Options{
		Policy: file(t, "p.tc", lines(long("drop"))), StateOut: filepath.Join(dir, "s"),
		Inputs: []Input{{File: file(t, "one.pcap", pcap(1, packetAt{time: 5e9, data: packettest.UDP("192.0.2.2", "192.0.2.1", 1, 2, "")})), Device: "a"}},
	}
	mustRun(t, o)
	if text := read(t, o.StateOut); !strings.Contains(text, "… sha256:") || len(text) > 1<<15 {
		t.Errorf("a state of %d bytes", len(text))
	}
	o.FromState, o.StateOut = o.StateOut, ""
	for last, want := range map[string]uint64{"drop": 2, "pass": 1} {
		o.Policy = file(t, "then.tc", lines(long(last)))
		if r := mustRun(t, o); len(r.Filters) != 1 || r.Filters[0].Packets != want {
			t.Errorf("%s: %+v packets, want %d", last, r.Filters[0].Packets, want)
		}
	}
	s, err := state.ReadFile(o.FromState)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Vector = s.Clock.Now + 1
	bad := filepath.Join(dir, "bad")
	if err := s.WriteFile(bad); err != nil {
		t.Fatal(err)
	}
	o.FromState = bad
	if _, err := Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is after now_ns") {
		t.Errorf("a vector after the last packet: %v", err)
	}
}
