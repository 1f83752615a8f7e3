package datapath_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestNoAllocsFromSYNToClose: connections that open, speak, close and open
// again allocate nothing once memory has grown.
func TestNoAllocsFromSYNToClose(t *testing.T) {
	p := mustLoad(t, datapathtest.HTTPPolicy...)
	tr := conntrack.New(conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: 1 << 12})
	e := datapath.New(datapath.Config{Tracker: tr})
	if err := e.Load(p, 1); err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		dev      string
		flags    string
		seq, ack uint32
	}{
		{"uplink_rep", "S", 1000, 0},
		{"vf0_rep", "SA", 5000, 1001},
		{"uplink_rep", "A", 1001, 5001},
		{"vf0_rep", "PA", 5001, 1001}, // takes the flow table's way
		{"uplink_rep", "FA", 1001, 5001},
		{"vf0_rep", "FA", 5001, 1002},
		{"uplink_rep", "A", 1002, 5002},
	}
	frames := make([][packet.VectorSize][]byte, len(steps))
	for i, s := range steps {
		for n := range packet.VectorSize {
			src, dst, sport, dport := datapathtest.Client, datapathtest.Server, uint16(1000+n), uint16(80)
			if s.dev == "vf0_rep" {
				src, dst, sport, dport = dst, src, dport, sport
			}
			frames[i][n] = packettest.TCP(src, dst, sport, dport, s.flags, s.seq, s.ack, "")
		}
	}
	var v packet.Vector
	now := int64(1e9)
	round := func() {
		now += 200e9 // behind TIME_WAIT
		for i, s := range steps {
			v.Reset()
			now += 1e6
			v.Now = now
			dev, _ := e.Device(s.dev)
			for _, f := range frames[i] {
				v.Add(f, dev)
			}
			e.Tick(now)
			e.Process(&v)
			for n := range v.N {
				if v.Verdict[n] != packet.Forward {
					t.Fatalf("%s: packet %d: %v (%s)", s.flags, n, v.Verdict[n], datapath.ReasonName(v.Reason[n]))
				}
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(20, round); n != 0 {
		t.Errorf("%v allocations for %d connections", n, packet.VectorSize)
	}
	if n := tr.Len(); n > packet.VectorSize {
		t.Errorf("%d connections, want at most %d", n, packet.VectorSize)
	}
	if c := e.Flows().Counters(); c.Closed != c.Added || c.Added == 0 {
		t.Errorf("%d flows entered, %d were closed", c.Added, c.Closed)
	}
}
