package bench

import (
	"os"
	"testing"
	"time"
)

// With Packets, every run measures the same packets, and at least so many; no
// packet is left out, and nothing is allocated for one.
func TestFixedPackets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, b := range All {
		t.Run(b.Name, func(t *testing.T) {
			if b.Name == "machine" {
				t.Skip("has no packets")
			}
			o := Options{Conns: 2000, Packets: 3000, Seed: 1, For: time.Hour}
			first, err := b.Run(o)
			if err != nil {
				t.Fatal(err)
			}
			again, err := b.Run(o)
			if err != nil {
				t.Fatal(err)
			}
			if first.Packets < o.Packets || first.Packets != again.Packets {
				t.Errorf("%d packets, then %d; want at least %d, twice the same", first.Packets, again.Packets, o.Packets)
			}
			if first.AllocsPerPacket > 0.1 { // of a pass, not of a packet
				t.Errorf("%.3f allocations a packet", first.AllocsPerPacket)
			}
		})
	}
}

func TestEnough(t *testing.T) {
	for _, c := range []struct {
		name    string
		o       Options
		packets uint64
		busy    time.Duration
		want    bool
	}{
		{"one pass in any case", Options{}, 0, time.Hour, false},
		{"a single pass", Options{}, 1, 0, true},
		{"too short", Options{For: 2}, 5, 1, false},
		{"long enough", Options{For: 2}, 5, 2, true},
		{"packets, whatever the time", Options{Packets: 5, For: 2}, 4, 99, false},
		{"packets, in no time", Options{Packets: 5, For: 2}, 5, 0, true},
	} {
		if got := c.o.enough(c.packets, c.busy); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// The chain of lines that depend on one another goes through all of them.
func TestMachineChain(t *testing.T) {
	m, err := newLoops(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	const lines = 1 << 20 / 64
	seen := make(map[uint64]bool)
	for range lines {
		m.chain(1)
		seen[m.at] = true
	}
	if len(seen) != lines || m.at != 0 {
		t.Errorf("%d lines of %d, back at %d", len(seen), lines, m.at)
	}
}

// A line further away takes longer; all loops take some time.
func TestMachine(t *testing.T) {
	if os.Getenv("SLUICE_SLOW") == "" {
		t.Skip("needs half a gigabyte and a quiet machine; SLUICE_SLOW=1 runs it")
	}
	res, err := MeasureMachine(Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := res.Machine
	if m.LineNs <= 0 || m.CopyNs <= 0 || m.HashNs <= 0 || m.DependentLineNs <= m.LineNs {
		t.Errorf("%+v", m)
	}
}
