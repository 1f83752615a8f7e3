package workers_test

import (
	"fmt"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestNoAllocations proves that neither dealing nor judging takes memory once
// connections are known, translated or not.
func TestNoAllocations(t *testing.T) {
	for _, nat := range []string{"", " nat src addr 10.0.0.70"} {
		t.Run("translated"+nat, func(t *testing.T) {
			j := newJudge(t, 3, 8192, scarceless(nat))
			var frames [][]byte
			for i := range 200 {
				src := fmt.Sprintf("10.4.0.%d", i+1)
				j.send("uplink_rep", packettest.TCP(src, "10.0.0.2", 1000, 80, "S", 1000, 0, ""), 2e9)
				s := tupleOf(j.tx[0].Frame)
				j.send("vf0_rep", packettest.TCP("10.0.0.2", s.Src.Netip(s.Family).String(), 80, s.SPort, "SA", 5000, 1001, ""), 2e9)
				f := packettest.TCP(src, "10.0.0.2", 1000, 80, "A", 1001, 5001, "")
				j.send("uplink_rep", f, 2e9)
				frames = append(frames, f)
			}
			id, _ := j.set.Device("uplink_rep")
			in, to := new(packet.Vector), make([]*packet.Vector, 3)
			for i := range to {
				to[i] = new(packet.Vector)
			}
			work := make([][]byte, len(frames))
			for i := range work {
				work[i] = make([]byte, len(frames[i]))
			}
			round := func() {
				in.Reset()
				for i, f := range frames {
					copy(work[i], f)
					in.Add(work[i], id)
				}
				for i, v := range to {
					v.Reset()
					v.Now = 2e9 + 1000
					to[i] = v
				}
				j.set.Deal(in, to)
				for i, w := range j.set.Workers() {
					w.Tick(to[i].Now)
					w.Process(to[i])
					for k := range to[i].N {
						if to[i].Verdict[k] != packet.Forward {
							t.Fatal(to[i].Verdict[k])
						}
					}
				}
			}
			round()
			if n := testing.AllocsPerRun(50, round); n != 0 {
				t.Errorf("%v allocations for %d packets", n, len(frames))
			}
		})
	}
}

func tupleOf(frame []byte) packet.Tuple {
	var h packet.Headers
	packet.Parse(frame, &h)
	return h.Tuple
}

// BenchmarkDeal is what steering costs, with and without claims to look up.
func BenchmarkDeal(b *testing.B) {
	for _, nat := range []string{"", " nat src addr 10.0.0.70"} {
		b.Run("translated"+nat, func(b *testing.B) {
			j := newJudge(b, 2, 65536, scarceless(nat))
			in, to := new(packet.Vector), []*packet.Vector{new(packet.Vector), new(packet.Vector)}
			for i := range packet.VectorSize {
				f := packettest.TCP(fmt.Sprintf("10.4.0.%d", i), "10.0.0.2", 1000, 80, "S", 1000, 0, "")
				j.send("uplink_rep", f, 2e9)
				in.Add(f, 0)
			}
			b.ReportAllocs()
			for b.Loop() {
				to[0].Reset()
				to[1].Reset()
				j.set.Deal(in, to)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.VectorSize, "ns/packet")
		})
	}
}
