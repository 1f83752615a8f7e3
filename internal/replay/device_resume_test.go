package replay

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/internal/state"
	"sluice/internal/why"
	"sluice/offload"
	"sluice/packet/packettest"
)

// steady is a TCP connection that lives, of n packets, a hundredth of a second
// apart.
func steady(n int) (out []packetAt) {
	const client, server = "10.1.0.1", "198.51.100.1"
	seq := [2]uint32{1000, 9000}
	for i := range n {
		src, dst, sp, dp, dir := client, server, uint16(2000), uint16(80), i%2
		if dir == 1 {
			src, dst, sp, dp = dst, src, dp, sp
		}
		flags, payload, ack := "PA", "hello", seq[1-dir]
		if i < 3 {
			flags, payload = []string{"S", "SA", "A"}[i], ""
		}
		if i == 0 {
			ack = 0
		}
		out = append(out, packetAt{time: 1_700_000_000e9 + int64(i)*10e6, data: packettest.TCP(src, dst, sp, dp, flags, seq[dir], ack, payload)})
		if seq[dir] += uint32(len(payload)); i < 2 {
			seq[dir]++
		}
	}
	return out
}

// events are those of a device's in a state, in order.
func deviceEvents(s *state.State) (out []string) {
	for _, e := range s.Tracker.Events(0) {
		switch e.What {
		case conntrack.EventHWOffload:
			out = append(out, "in "+s.Tracker.DeviceName(e.Device))
		case conntrack.EventBack:
			out = append(out, "out "+s.Tracker.DeviceName(e.Device)+": "+offload.Reason(e.Reason).String())
		}
	}
	return out
}

// TestResumedDevice: flows that the flow table holds are offered to the cards
// of a replay that goes on from a state, whichever cards, or none, there were
// before; what those held is told as ended.
func TestResumedDevice(t *testing.T) {
	all := steady(300)
	for _, c := range []struct {
		name          string
		before, after []string
		events        []string
	}{
		{"other_card", []string{"plain,name=one"}, []string{"plain,name=two"}, []string{"in one", "out one: the device went away", "in two"}},
		{"none_before", nil, []string{"plain"}, []string{"in plain"}},
		{"none_after", []string{"plain"}, nil, []string{"in plain", "out plain: the device went away"}},
		{"admission", []string{"plain,name=one"}, []string{"plain,name=two"}, []string{"in one", "out one: the device went away", "in two"}},
	} {
		t.Run("C15_"+c.name, func(t *testing.T) {
			dir := t.TempDir()
			o := Options{Policy: file(t, "p.tc", plainPolicy), Seed: 1, Events: 100, Devices: c.before}
			o.Inputs, o.StateOut = inputs(t, "1", all[:100]), filepath.Join(dir, "1")
			first := mustRun(t, o)
			if len(c.before) > 0 && first.Offload.Held != 1 {
				t.Fatalf("the first card holds %d connections, want 1", first.Offload.Held)
			}
			o.Inputs, o.StateOut, o.FromState, o.Devices = inputs(t, "2", all[100:]), filepath.Join(dir, "2"), o.StateOut, c.after
			o.Seed, o.Events = 0, 0
			if c.name == "admission" {
				o.Admit = "packets=200"
			}
			second := mustRun(t, o)
			s, err := state.ReadFile(o.StateOut)
			if err != nil {
				t.Fatal(err)
			}
			if got := deviceEvents(s); !slices.Equal(got, c.events) {
				t.Errorf("events %q, want %q", got, c.events)
			}
			if len(c.after) == 0 {
				return
			}
			card := second.Offload.Cards[0]
			if card.Submitted != 1 || card.Held != 1 || card.Finished.Packets < 50 {
				t.Errorf("%d insertions asked, %d flows held, %d packets finished; want 1, 1, 50 or more", card.Submitted, card.Held, card.Finished.Packets)
			}
			q, err := why.Parse([]string{"tcp"})
			if err != nil {
				t.Fatal(err)
			}
			if lives := why.Find(s, q); len(lives) != 1 || lives[0].Place != "device "+card.Name || lives[0].Reason != "" {
				t.Errorf("why says %s", fmt.Sprintf("%+v", lives))
			}
		})
	}
}

// TestGivenBackInTheMiddle: packets whose connection a card finds and that
// software finishes are the flow table's in the report, and carried in a state,
// as docs/replay.md says.
func TestGivenBackInTheMiddle(t *testing.T) {
	mirrored := strings.ReplaceAll(plainPolicy, "action mirred egress redirect dev a", "action mirred egress mirror dev c pipe action mirred egress redirect dev a")
	mirrored = strings.ReplaceAll(mirrored, "+est action mirred egress redirect dev b", "+est action mirred egress mirror dev c pipe action mirred egress redirect dev b")
	mirrored += "filter add dev b egress matchall action pass\nfilter add dev a egress matchall action pass\n"
	o := Options{Policy: file(t, "p.tc", mirrored), Seed: 1, Devices: []string{"plain"}}
	o.Inputs, o.StateOut = inputs(t, "1", steady(200)), filepath.Join(t.TempDir(), "s")
	r := mustRun(t, o)
	s, err := state.ReadFile(o.StateOut)
	if err != nil {
		t.Fatal(err)
	}
	middle := r.Offload.Cards[0].Middle
	if middle < 150 || named(r.Offload.Tiers, "device") != 0 || named(r.Offload.Tiers, "flow table") != middle+s.Flows.Hits || s.Flows.Carried != middle {
		t.Errorf("%d given back in the middle, judged by %+v, flows %+v", middle, r.Offload.Tiers, s.Flows)
	}
}
