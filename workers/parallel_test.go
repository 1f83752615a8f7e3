package workers_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"sluice/datapath"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// station is a worker with a queue of vectors, on a goroutine of its own.
type station struct {
	in   chan *packet.Vector
	free chan *packet.Vector
}

// run starts all workers; the returned function waits until they have judged
// what they were given.
func run(j *judge, out func(worker int, v *packet.Vector)) (stations []*station, wait func()) {
	var all sync.WaitGroup
	for i, w := range j.set.Workers() {
		st := &station{in: make(chan *packet.Vector, 4), free: make(chan *packet.Vector, 4)}
		for range 4 {
			st.free <- new(packet.Vector)
		}
		stations = append(stations, st)
		all.Go(func() {
			for v := range st.in {
				w.Tick(v.Now)
				w.Process(v)
				out(i, v)
				st.free <- v
			}
		})
	}
	return stations, func() {
		for _, st := range stations {
			close(st.in)
		}
		all.Wait()
	}
}

// feed deals frames, from a device, to workers that run.
func feed(j *judge, stations []*station, dev string, at int64, frames [][]byte) {
	id, _ := j.set.Device(dev)
	var in packet.Vector
	to := make([]*packet.Vector, len(stations))
	for len(frames) > 0 {
		in.Reset()
		for len(frames) > 0 && in.N < packet.VectorSize {
			in.Add(frames[0], id)
			frames = frames[1:]
		}
		for i, st := range stations {
			to[i] = <-st.free
			to[i].Reset()
			to[i].Now = at
		}
		j.set.Deal(&in, to)
		for i, st := range stations {
			st.in <- to[i]
		}
	}
}

// clients begin connections, speak, and end, in phases: within one, frames of
// different connections may overtake one another, as they do between workers.
func clients(n int, phase int, seen map[int]packet.Tuple) (dev string, frames [][]byte) {
	for i := range n {
		src, sport := fmt.Sprintf("10.2.%d.%d", i/200, i%200+1), uint16(1000+i%7)
		dst, dport := fmt.Sprintf("10.0.0.%d", 2+i%5), uint16(80)
		back := func(flags string, seq, ack uint32, data string) []byte {
			s := seen[i]
			return packettest.TCP(dst, s.Src.Netip(s.Family).String(), dport, s.SPort, flags, seq, ack, data)
		}
		big := packettest.UDP(src, dst, sport, 53, string(bytes.Repeat([]byte{byte(i)}, 200)))
		switch phase {
		case 0:
			f := packettest.TCP(src, dst, sport, dport, "S", 1000, 0, "")
			binary.BigEndian.PutUint16(f[48:], uint16(i)) // its window tells whose it is, translated or not
			packettest.Fix(f)
			frames = append(frames, f)
		case 1:
			frames = append(frames, back("SA", 5000, 1001, ""))
		case 2:
			frames = append(frames, packettest.TCP(src, dst, sport, dport, "A", 1001, 5001, ""))
		case 3, 5:
			frames = append(frames, packettest.TCP(src, dst, sport, dport, "PA", 1001, 5001, "x"))
			if i%8 == 0 {
				frames = append(frames, packettest.Fragments(big, uint32(i+phase<<16), 48, 48, 48)...)
			}
		case 4:
			frames = append(frames, back("PA", 5001, 1001, "y"))
			s := seen[i]
			quote := packettest.TCP(s.Src.Netip(s.Family).String(), dst, s.SPort, dport, "A", 1001, 5001, "")
			if i%5 == 0 {
				frames = append(frames, packettest.ICMP("10.0.0.254", s.Src.Netip(s.Family).String(), 3, 4, 0, quote[14:42]))
			}
		case 6:
			frames = append(frames, packettest.TCP(src, dst, sport, dport, "R", 1002, 0, ""))
		}
	}
	dev = "uplink_rep"
	if phase == 1 || phase == 4 {
		dev = "vf0_rep"
	}
	return dev, frames
}

// TestParallel lets workers run as they please, and compares with one engine:
// every frame of every phase, however they were ordered.
func TestParallel(t *testing.T) {
	const n = 300
	for _, x := range []struct {
		name  string
		lines []string
	}{
		{"tracking", scarceless("")},
		{"C41_translation", scarceless(" nat src addr 10.0.0.70")},
	} {
		t.Run(x.name, func(t *testing.T) {
			one, many := newJudge(t, 0, 8192, x.lines), newJudge(t, 4, 8192, x.lines)
			var mu sync.Mutex
			got, bad := map[string]int{}, 0
			seen, fresh := map[int]packet.Tuple{}, map[int]packet.Tuple{}
			stations, wait := run(many, func(_ int, v *packet.Vector) {
				mu.Lock()
				defer mu.Unlock()
				for i := range v.N {
					if v.Verdict[i] == packet.Drop {
						bad++
					}
				}
				for _, tx := range v.Tx {
					var h packet.Headers
					packet.Parse(tx.Frame, &h)
					got[many.set.DeviceName(tx.Dev)]++
					if h.TCPFlags == 2 {
						fresh[clientOf(tx.Frame)] = h.Tuple
					}
				}
			})
			quiet := func() {
				// All vectors are back: everything given so far is judged.
				for _, st := range stations {
					var all []*packet.Vector
					for range 4 {
						all = append(all, <-st.free)
					}
					for _, v := range all {
						st.free <- v
					}
				}
			}
			want := map[string]int{}
			oneSeen := map[int]packet.Tuple{}
			at := int64(2e9)
			for phase := range 7 {
				at += 10e6
				dev, frames := clients(n, phase, oneSeen)
				for _, f := range frames {
					one.send(dev, f, at)
					for _, tx := range one.tx {
						want[one.engines[0].DeviceName(tx.Dev)]++
						var h packet.Headers
						packet.Parse(tx.Frame, &h)
						if h.TCPFlags == 2 {
							oneSeen[clientOf(tx.Frame)] = h.Tuple
						}
					}
				}
				dev, frames = clients(n, phase, seen)
				if phase != 1 && phase != 4 {
					rand.New(rand.NewPCG(1, uint64(phase))).Shuffle(len(frames), func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
				}
				for round := 0; ; round++ {
					feed(many, stations, dev, at, frames)
					quiet()
					mu.Lock()
					for k, v := range fresh {
						seen[k] = v
					}
					done := phase > 0 || len(seen) == n
					mu.Unlock()
					if done {
						break
					}
					// Two that chose one port at the same instant: the one
					// that lost tries again.
					var again [][]byte
					for _, f := range frames {
						if _, ok := seen[clientOf(f)]; !ok {
							again = append(again, f)
						}
					}
					if frames = again; round > 20 {
						t.Fatalf("%d of %d clients got through", len(seen), n)
					}
				}
			}
			wait()
			for dev, k := range want {
				if got[dev] != k {
					t.Errorf("%s: %d frames went out, want %d (%d packets were dropped)", dev, got[dev], k, bad)
				}
			}
			if a, b := len(tables(one, at)), len(tables(many, at)); a != b {
				t.Errorf("%d connections, want %d", b, a)
			}
			ports := map[packet.Tuple]bool{}
			for _, e := range many.engines {
				for ref := range e.Tracker().All(at) {
					r := e.Tracker().Reply(ref)
					if ports[r] {
						t.Errorf("two connections expect %v", r)
					}
					ports[r] = true
				}
			}
			for _, err := range many.set.Check() {
				t.Error(err)
			}
		})
	}
}

// clientOf is the number of a SYN's client.
func clientOf(frame []byte) int { return int(binary.BigEndian.Uint16(frame[48:])) }

func tables(j *judge, at int64) (out []packet.Tuple) {
	for _, e := range j.engines {
		e.Flows().Sync(at)
		for _, c := range e.Tracker().All(at) {
			out = append(out, c.Orig)
		}
	}
	return out
}

// scarceless forwards everything between two ports, translated as told.
func scarceless(nat string) []string {
	bare := ""
	if nat != "" {
		bare = " nat"
	}
	return []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct" + bare + " pipe action goto chain 1",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit" + nat + " pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct" + bare + " pipe action goto chain 1",
		"filter add dev vf0_rep ingress prio 2 chain 1 proto ip flower ct_state +trk-new action mirred egress redirect dev uplink_rep",
	}
}

// TestStandStill reads counters and changes the policy while workers run.
func TestStandStill(t *testing.T) {
	j := newJudge(t, 3, 4096, scarceless(" nat src addr 10.0.0.70"))
	stations, wait := run(j, func(int, *packet.Vector) {})
	a := j.p.Devices[0].Block[policy.Ingress].Chains[0].Protos[0].Filters[0].Actions[0]
	var all sync.WaitGroup
	stop := make(chan struct{})
	all.Go(func() {
		last := uint64(0)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			if n := j.set.ActionStats(a).Packets; n < last {
				t.Errorf("%d packets, after %d", n, last)
			} else {
				last = n
			}
			if i%10 == 0 {
				if err := j.set.Load(j.p, 2e9); err != nil {
					t.Error(err)
				}
			}
			j.set.Do(func(engines []*datapath.Engine) {
				for _, e := range engines {
					if len(e.Tracker().Check()) > 0 {
						t.Error("a table is broken")
					}
				}
			})
		}
	})
	n := uint64(0)
	for round := range 30 {
		var frames [][]byte
		for i := range 400 {
			frames = append(frames, packettest.TCP(fmt.Sprintf("10.3.0.%d", i%200+1), "10.0.0.2", uint16(1000+i), 80, "S", uint32(round), 0, ""))
		}
		n += uint64(len(frames))
		feed(j, stations, "uplink_rep", 2e9+int64(round), frames)
	}
	close(stop)
	all.Wait()
	wait()
	if got := j.set.ActionStats(a).Packets; got != n {
		t.Errorf("the first action has counted %d packets, want %d", got, n)
	}
}
