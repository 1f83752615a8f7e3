package replay

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/packet/packettest"
)

// TestFragmentsGoOn cuts captures of fragments (built ones, and real ones where
// they are) between their packets: what waits in
// a state becomes the same packets, cut into the same pieces, as without one.
func TestFragmentsGoOn(t *testing.T) {
	var made []packetAt
	at := int64(1e18)
	add := func(frames ...[]byte) {
		for _, f := range frames {
			at += 300e3
			made = append(made, packetAt{time: at, data: f})
		}
	}
	for id, pair := range [][2]string{{"10.0.0.1", "10.0.0.2"}, {"fd00::1", "fd00::2"}, {"fe80::1", "ff02::5"}} {
		frame := packettest.UDP(pair[0], pair[1], 1000, 53, string(make([]byte, 3000)))
		a, b := packettest.Fragments(frame, uint32(3*id+1), 800, 800, 8, 640), packettest.Fragments(frame, uint32(3*id+2), 1200, 1200)
		add(a[4], a[0], b[2], a[2], a[2], a[1], b[0], a[3], b[1])
		at += 29e9 + int64(id)*1e9 // the first of these comes just in time
		late := packettest.Fragments(frame, uint32(3*id+3), 1400)
		add(late[0])
	}
	policies := []string{fragmentPolicy, lines(
		"filter add dev a ingress prio 1 proto ip flower action ct zone 2 pipe action mirred egress mirror dev b pipe action mirred egress redirect dev c",
		"filter add dev a ingress prio 2 proto ipv6 flower action ct zone 2 pipe action mirred egress mirror dev b pipe action mirred egress redirect dev c")}
	captures := map[string]func(*testing.T) []packetAt{"made": func(*testing.T) []packetAt { return made }}
	for _, c := range packettest.Traces() {
		if kind, what, _ := strings.Cut(c.Name, "/"); kind == "fragments" {
			captures[what] = func(t *testing.T) []packetAt { return capturePackets(t, built(t, c)) }
		}
	}
	for _, name := range []string{"fragmented-1", "fragmented-2", "fragmented-3", "fragmented-4", "fragmented-syn", "ipv6-fragmented-dns", "ipv6-http-atomic-frag"} {
		captures["real_"+name] = func(t *testing.T) []packetAt {
			return capturePackets(t, packettest.Capture(t, "fragments/"+name+".pcap"))
		}
	}
	cuts := 6
	if os.Getenv("SLUICE_SOAK") != "" {
		cuts = 1000
	}
	for _, name := range slices.Sorted(maps.Keys(captures)) {
		t.Run("C44_C36_"+name, func(t *testing.T) {
			all := captures[name](t)
			for _, policy := range policies {
				dir := t.TempDir()
				in := func(p string) string { return filepath.Join(dir, p) }
				o := Options{Policy: file(t, "p.tc", policy), Seed: 3}
				run := func(packets []packetAt, from, to string) {
					o := o
					o.Inputs = []Input{{"a", file(t, "in.pcap", pcap(1, packets...))}}
					o.StateOut, o.OutDir = in(to+".state"), in(to)
					if from != "" {
						o.FromState, o.Seed = in(from+".state"), 0
					}
					mustRun(t, o)
				}
				run(all, "", "whole")
				for cut := 1; cut < len(all); cut += 1 + len(all)/cuts {
					run(all[:cut], "", "first")
					run(all[cut:], "first", "second")
					if got, want := read(t, in("second.state")), read(t, in("whole.state")); got != want {
						t.Fatalf("cut at %d: states differ: %s", cut, firstDifference(got, want))
					}
					for file := range readDir(t, in("whole")) {
						got := slices.Concat(readCommented(t, in("first/"+file)), readCommented(t, in("second/"+file)))
						want := readCommented(t, in("whole/"+file))
						if !slices.EqualFunc(got, want, func(a, b commented) bool { return a.time == b.time && bytes.Equal(a.data, b.data) }) {
							t.Fatalf("cut at %d: %s differs", cut, file)
						}
					}
				}
			}
		})
	}
}
