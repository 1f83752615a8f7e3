package flowtable_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/packet"
)

// TestPacketsAllocateNothing: packets of flows in software, by every way that
// one takes, and of flows that come and go, for both ways of aging.
func TestPacketsAllocateNothing(t *testing.T) {
	const flows = 256
	for name, aging := range map[string]flowtable.Aging{"sweep": flowtable.Sweep, "sample": flowtable.Sample} {
		for _, c := range []struct {
			name string
			step int64 // between rounds
			hits bool  // flows stay
		}{{"they_stay", 1e6, true}, {"they_come_and_go", 100e9, false}} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				set, table, refs := established(t, flows)
				set.Age(aging)
				tr := set.Tracker()
				frames := make([][]byte, flows)
				for i, ref := range refs {
					frames[i] = udpFrame(tr.Conn(ref).Orig)
				}
				now, carried, found, hit := int64(1), 0, 0, 0
				var h packet.Headers
				var g packet.Gist
				round := func() {
					now += c.step
					set.Tick(now, 1024)
					for i, ref := range refs {
						conn := tr.Conn(ref)
						if conn == nil { // a connection's own time was up
							continue
						}
						table.Offer(now, ref, packet.CTEstablished, 0)
						packet.Parse(frames[i], &h)
						h.Hash = tr.Hash(&h.Tuple)
						g.From(&h)
						var ct packet.CT
						if table.Lookup(now, &h, &ct, &conntrack.Found{}) {
							found++
						}
						if table.Hit(now, &h, ref, conn, 0) {
							hit++
						}
						if table.Carry(conn, 0, &g, now, set.Idle(packet.ProtoUDP)) {
							carried++
						}
						table.Carried(1)
					}
				}
				round()
				round()
				if n := testing.AllocsPerRun(20, round); n != 0 {
					t.Errorf("%v allocations a round", n)
				}
				if want := 23 * flows; c.hits && (carried != want || found != want || hit != want) {
					t.Errorf("carried %d, found %d, hit %d; want %d", carried, found, hit, want)
				}
				if carried == 0 {
					t.Error("no packet was carried")
				}
			})
		}
	}
}
