package bench

import "testing"

// Connections lie outside of what the collector scans: two hundred times as
// many give it nothing more to do.
func TestCollectorDoesNotScanConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("200,000 connections take a second")
	}
	scan := func(conns int) (uint64, *rig) {
		before := scanBytes()
		r, err := newRig(conns)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.warm(conns); err != nil {
			t.Fatal(err)
		}
		after := scanBytes()
		if after < before {
			return 0, r
		}
		return after - before, r
	}
	few, a := scan(1000)
	many, b := scan(200_000)
	const slack = 64 << 10 // a slice of chunks, and stacks
	if many > few+slack {
		t.Errorf("%d bytes to scan more with 200,000 connections, %d with 1000", many, few)
	}
	if table := b.eng.Tracker().MemoryBytes(); table < 200_000*64 {
		t.Errorf("only %d bytes of connections", table)
	}
	if a.eng.Flows().Len() != 1000 || b.eng.Flows().Len() != 200_000 {
		t.Error("the connections did not live")
	}
}

func TestCollection(t *testing.T) {
	res, err := Collection(Options{Conns: 1000, Packets: 200_000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := res.Collector
	if c.Cycles < 1 || c.ScanBytes == 0 || c.TableBytes == 0 || c.LongestPauseUs < c.MedianPauseUs || c.MedianPauseUs <= 0 {
		t.Errorf("%+v", c)
	}
	if res.Packets < 200_000 || res.PlainNsPerPacket <= 0 {
		t.Errorf("%+v", res)
	}
}
