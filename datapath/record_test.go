package datapath_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// looping reaches actions that count a packet twice, or not at all: jumps back,
// filters that come again, a circle of mirrors, chance, rates and samples.
var looping = append([]string{
	"filter add dev a ingress prio 1 chain 0 proto ip flower ip_proto udp dst_port 53 action police rate 1mbit burst 2000 conform-exceed drop/pipe action sample rate 2 group 5 action gact pipe random determ drop 3 action continue",
	"filter add dev a ingress prio 2 chain 0 proto ip flower ip_proto tcp dst_port 22 action skbedit mark 3 pipe action gact pass random netrand reclassify 2",
	"filter add dev a ingress prio 3 chain 0 proto ip flower ip_proto tcp dst_port 80 action gact jump 2 action drop action pedit ex munge ip ttl dec pipe action csum ip pipe action gact pipe random netrand jump 2 2 action mirred ingress mirror dev d pipe action goto chain 5",
	"filter add dev a ingress prio 1 chain 5 proto ip flower action ct zone 1 pipe action goto chain 2",
	"filter add dev d ingress prio 1 proto all matchall action mirred ingress mirror dev d pipe action mirred egress mirror dev b pipe action drop",
}, func() (rest []string) {
	for _, l := range everything[1:] {
		rest = append(rest, renumber(l))
	}
	return rest
}()...)

// renumber makes room for looping's preferences.
func renumber(l string) string {
	for _, p := range []struct{ from, to string }{{"prio 4 chain 0", "prio 14 chain 0"}, {"prio 3 chain 0", "prio 13 chain 0"}, {"prio 2 chain 0", "prio 12 chain 0"}, {"a ingress prio 1 chain 0", "a ingress prio 11 chain 0"}} {
		l = strings.Replace(l, p.from, p.to, 1)
	}
	return l
}

// TestI8_records_are_the_counters: what a packet's record says of every filter and
// action is what their counters have moved by, for single packets and vectors,
// copies, nested redirects, egress, clones, fragments, chance and rates.
func TestI8_records_are_the_counters(t *testing.T) {
	hits, uncounted := 0, 0
	for _, lines := range [][]string{everything, copying, looping} {
		rapid.Check(t, func(rt *rapid.T) {
			r := datapathtest.New(t, append([]string{"qdisc add dev b clsact"}, drop(lines, "qdisc add dev b clsact")...)...)
			l := datapathtest.NewLedger(r.E, r.P)
			in := drawTraffic(rt)
			for len(in) > 0 {
				var v packet.Vector
				for range min(len(in), rapid.SampledFrom([]int{1, 1, 3, 40}).Draw(rt, "vector")) {
					id, _ := r.E.Device(in[0].dev)
					v.Now = in[0].at
					v.Add(in[0].frame, id)
					in = in[1:]
				}
				r.E.Process(&v)
				if err := l.Check(v.N); err != nil {
					rt.Fatal(err)
				}
				for i := range v.N {
					checkRecord(rt, r.E, &v, i)
					for _, h := range r.E.Trace(i) {
						if h.Uncounted() {
							uncounted++
						}
					}
				}
			}
			hits += l.Hits
		})
	}
	if hits == 0 || uncounted == 0 {
		t.Errorf("%d hits, %d of them uncounted: want some of both", hits, uncounted)
	}
}

func drop(lines []string, line string) (out []string) {
	for _, l := range lines {
		if l != line {
			out = append(out, l)
		}
	}
	return out
}

// checkRecord: a frame that left because of a filter has a filter in its record,
// and each hit is told of one end at least: the packet's or a copy's.
func checkRecord(rt *rapid.T, e *datapath.Engine, v *packet.Vector, i int) {
	for _, tx := range v.Tx {
		if int(tx.Pkt) == i && !tx.Up && len(e.AppendHits(nil, i, tx.Copy)) == 0 {
			rt.Fatalf("packet %d, copy %d left by device %d, and its record has no filter", i, tx.Copy, tx.Dev)
		}
	}
	if v.Verdict[i] == packet.Forward && len(e.AppendHits(nil, i, 0)) == 0 {
		rt.Fatalf("packet %d was forwarded, and its record has no filter", i)
	}
	told := 0
	trace := e.Trace(i)
	for _, h := range trace {
		if int(h.Copy) <= len(e.Copies(i)) {
			for _, w := range e.AppendHits(nil, i, h.Copy) {
				if w == h {
					told++
					break
				}
			}
		}
	}
	if told != len(trace) {
		rt.Fatalf("packet %d: %d of %d hits are told of its ends", i, told, len(trace))
	}
}

// TestI8_records_of_ways_and_devices: the same for packets on remembered ways,
// with translations, mirrors and tunnels, and for those that a card carries, gives
// back in the middle, or gives back from the start.
func TestI8_records_of_ways_and_devices(t *testing.T) {
	followed, carried, middle := uint64(0), uint64(0), uint64(0)
	rapid.Check(t, func(rt *rapid.T) {
		tunnel := rapid.IntRange(0, 3).Draw(rt, "tunnel") == 0
		lines := datapathtest.Policy(rt, tunnel)
		var wrap func([]byte) []byte
		if tunnel {
			wrap = datapathtest.InTunnel
		}
		soft := datapathtest.New(t, lines...)
		in := datapathtest.Traffic(rt, soft, new(datapathtest.Transcript), wrap)
		names, _ := sim.Profiles()
		card := rapid.SampledFrom(append([]string{""}, names...)).Draw(rt, "card")
		r := datapathtest.New(t, lines...)
		if card != "" {
			cfg, err := sim.ParseProfile(card)
			if err != nil {
				rt.Fatal(err)
			}
			cfg.Tracker = r.E.Tracker()
			nic, err := sim.New(cfg)
			if err != nil {
				rt.Fatal(err)
			}
			r.E.Attach(nic, "uplink_rep", "vf0_rep")
			if err := r.E.Load(r.P, r.Now); err != nil {
				rt.Fatal(err)
			}
			defer func() {
				s := nic.Pipeline().Stats()
				carried += s.Packets
				middle += s.Middle
			}()
		}
		l := datapathtest.NewLedger(r.E, r.P)
		for _, p := range in {
			if new(datapathtest.Transcript).Send(r, p); p.Do != nil || p.Restart {
				l.Begin()
				continue
			}
			if err := l.Check(1); err != nil {
				rt.Fatalf("card %q: %v", card, err)
			}
		}
		followed += r.E.Followed()
	})
	if followed == 0 || carried == 0 || middle == 0 {
		t.Errorf("%d packets on remembered ways, %d carried, %d given back in the middle: want some of each", followed, carried, middle)
	}
}

// TestWayOfAlonePacket: a packet on a remembered way says what it has hit, also
// when no other packet of its vector was classified.
func TestWayOfAlonePacket(t *testing.T) {
	r := datapathtest.NewWith(t, datapath.Config{Trace: true}, datapathtest.HTTPPolicy...)
	r.Handshake(1000)
	for i := range 4 {
		f := packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "A", 1001, 5001, "")
		before := r.E.Followed()
		if res := r.Send("uplink_rep", f); res.Verdict != packet.Forward {
			t.Fatalf("%v", res.Verdict)
		}
		hits := r.E.AppendHits(nil, 0, 0)
		if len(hits) != 2 || hits[0].Counted != 3 || hits[1].Counted != 1 || hits[1].Conn == 0 {
			t.Errorf("packet %d: %+v", i, hits)
		}
		if i > 0 && r.E.Followed() != before+1 {
			t.Errorf("packet %d took no remembered way: nothing was tested", i)
		}
	}
}

// TestUncounted: a filter's counter is its first action's; a filter without actions
// has none.
func TestUncounted(t *testing.T) {
	some, none := &policy.Filter{Actions: make([]*policy.Action, 2)}, &policy.Filter{}
	for _, c := range []struct {
		hit  datapath.Hit
		want bool
	}{
		{datapath.Hit{Filter: some, Counted: 0}, true},
		{datapath.Hit{Filter: some, Counted: 1}, false},
		{datapath.Hit{Filter: some, Counted: 2}, true}, // software skips the first
		{datapath.Hit{Filter: some, Counted: 3}, false},
		{datapath.Hit{Filter: none}, false},
	} {
		if got := c.hit.Uncounted(); got != c.want {
			t.Errorf("%d actions, counted %b: %v", len(c.hit.Filter.Actions), c.hit.Counted, got)
		}
	}
}
