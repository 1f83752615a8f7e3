package sim

import (
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestPacketsAllocateNothing: vectors of packets that a card finishes, that it
// gives back from the middle, and that it knows nothing of.
func TestPacketsAllocateNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		card  bool // it finishes them
	}{
		{"finished", data(1000, 0), true},
		{"fin_from_the_middle", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "FA", 1001, 5001, ""), false},
		{"another_protocol", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 80, "x"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, n := rig(t, "plain", datapathtest.HTTPPolicy...)
			r.Handshake(1000)
			r.Send("uplink_rep", data(1000, 0))
			before := n.Packets().Packets
			dev, _ := r.E.Device("uplink_rep")
			var v packet.Vector
			vectors := uint64(0)
			run := func() {
				v.Reset()
				r.Now += 1e6
				v.Now = r.Now
				for range packet.VectorSize {
					v.Add(c.frame, dev)
				}
				r.E.Tick(r.Now)
				r.E.Process(&v)
				vectors++
			}
			for range 20 {
				run()
			}
			if a := testing.AllocsPerRun(50, run); a != 0 {
				t.Errorf("%v allocations a vector", a)
			}
			if got := n.Packets().Packets - before; (got == vectors*packet.VectorSize) != c.card {
				t.Errorf("the card has finished %d of %d packets", got, vectors*packet.VectorSize)
			}
		})
	}
}
