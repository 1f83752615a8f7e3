package workers_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/policy/tc"
	"sluice/workers"
)

// judge is one engine, or a set, that judges frames one after the other.
type judge struct {
	p       *policy.Policy
	engines []*datapath.Engine
	set     *workers.Set // nil: one engine
	v       packet.Vector
	out     bytes.Buffer
	tx      []packet.Tx // of the last frame
	sent    int
}

func loadPolicy(t testing.TB, lines []string) *policy.Policy {
	t.Helper()
	p, _, err := tc.Load("test.tc", strings.NewReader(strings.Join(lines, "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newJudge makes a set of n workers, or one engine for n 0.
func newJudge(t testing.TB, n, conns int, lines []string) *judge {
	t.Helper()
	j := &judge{p: loadPolicy(t, lines)}
	cfg := conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: conns}
	if n == 0 {
		e := datapath.New(datapath.Config{Tracker: conntrack.New(cfg), Seed: 3})
		if err := e.Load(j.p, 1e9); err != nil {
			t.Fatal(err)
		}
		j.engines = []*datapath.Engine{e}
		return j
	}
	s, err := workers.New(workers.Config{Workers: n, Tracker: cfg, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(j.p, 1e9); err != nil {
		t.Fatal(err)
	}
	j.set = s
	for _, w := range s.Workers() {
		j.engines = append(j.engines, w.Engine())
	}
	return j
}

// send judges a frame and notes what became of it.
func (j *judge) send(dev string, frame []byte, at int64) {
	v := &j.v
	v.Reset()
	v.Now = at
	id, _ := j.engines[0].Device(dev)
	v.Add(bytes.Clone(frame), id)
	if j.set == nil {
		j.engines[0].Tick(at)
		j.engines[0].Process(v)
	} else {
		if j.sent++; j.sent%16 == 0 { // seldom: others must not need it
			for _, w := range j.set.Workers() {
				w.Tick(at)
			}
		}
		j.set.Workers()[j.set.Steer(frame)].Process(v)
	}
	fmt.Fprintf(&j.out, "%d %s %v %s %+v %x", at, dev, v.Verdict[0], datapath.ReasonName(v.Reason[0]), v.M[0].Mark, v.Frame[0])
	j.tx = j.tx[:0]
	for _, tx := range v.Tx {
		fmt.Fprintf(&j.out, " %s/%v/%d/%v/%x", j.engines[0].DeviceName(tx.Dev), tx.Mirror, tx.Copy, tx.Up, tx.Frame)
		tx.Frame = bytes.Clone(tx.Frame)
		j.tx = append(j.tx, tx)
	}
	j.out.WriteByte('\n')
}

// end notes tables and counters, all workers' together.
func (j *judge) end(at int64) string {
	var lines []string
	var sum conntrack.Stats
	drops := make([]uint64, len(j.engines[0].Drops()))
	for _, e := range j.engines {
		tr := e.Tracker()
		tr.Lock()
		e.Flows().Sync(at) // an overdue flow may be anybody's
		tr.Unlock()
		for ref, c := range tr.All(at) {
			timeout := c.Timeout
			if c.Status&conntrack.StatusOffload != 0 {
				timeout = c.FlowDeadline
			}
			lines = append(lines, fmt.Sprintf("%v reply %v zone %d status %#x state %s timeout %d packets %v bytes %v mark %d label %x\n",
				c.Orig, tr.Reply(ref), c.Zone, c.Status, c.StateName(), timeout, c.Packets(), c.Bytes(), c.Mark, c.Label))
		}
		st := tr.Stats()
		st.Entries, st.Delete = 0, 0 // expired ones go when somebody comes upon them
		sum.Add(&st)
		for i, n := range e.Drops() {
			drops[i] += n
		}
	}
	slices.Sort(lines)
	j.out.WriteString(strings.Join(lines, ""))
	fmt.Fprintf(&j.out, "%+v\ndrops %v\n", sum, drops)
	frags := j.engines[0].Fragments()
	stats := func(a *policy.Action) policy.Stats { return j.engines[0].ActionStats(a) }
	if j.set != nil {
		stats, frags = j.set.ActionStats, j.set.Fragments()
	}
	fmt.Fprintf(&j.out, "fragments %+v\n", frags.Results)
	for _, d := range j.p.Devices {
		for _, b := range d.Block {
			if b == nil {
				continue
			}
			for _, c := range b.Chains {
				for _, pr := range c.Protos {
					for _, f := range pr.Filters {
						for _, a := range f.Actions {
							fmt.Fprintf(&j.out, "%s chain %d prio %d %s %+v\n", d.Name, c.Index, pr.Prio, a.Kind, stats(a))
						}
					}
				}
			}
		}
	}
	return j.out.String()
}

// talk is a client's conversation with a server, whoever they appear to be.
type talk struct {
	client, server string
	cport, sport   uint16
	proto          uint8
	seq            [2]uint32
	seen           packet.Tuple // the client as the server sees it
	last           []byte       // what the server has got last
	id             uint32       // of fragments
}

// input is a frame on its way, or a piece of one.
type input struct {
	dev   string
	frame []byte
	gap   int64
}

// traffic lets two judges see the same frames, drawn by rapid, and answers to
// what the first one lets through.
func traffic(rt *rapid.T, one, set *judge) {
	hosts := []string{"10.0.0.1", "10.0.0.7", "10.0.0.9"}
	talks := make([]*talk, rapid.IntRange(1, 6).Draw(rt, "conversations"))
	for i := range talks {
		k := &talk{
			client: rapid.SampledFrom(hosts).Draw(rt, "client"), cport: uint16(1000 + rapid.IntRange(0, 3).Draw(rt, "port")),
			server: rapid.SampledFrom([]string{"10.0.0.2", "10.0.0.2", "10.0.0.3"}).Draw(rt, "server"), sport: 80,
			proto: rapid.SampledFrom([]uint8{6, 6, 17, 1}).Draw(rt, "proto"), seq: [2]uint32{1000, 5000}, id: uint32(i) << 8,
		}
		if k.proto != 1 && rapid.IntRange(0, 4).Draw(rt, "v6") == 0 {
			k.client, k.server = "fd00::1", "fd00::2"
		}
		talks[i] = k
	}
	at := int64(2e9)
	var waiting []input // pieces that come later than they should
	send := func(k *talk, side int, in input) {
		at += in.gap
		one.send(in.dev, in.frame, at)
		set.send(in.dev, in.frame, at)
		for _, tx := range one.tx {
			if tu := datapathtest.Tuple(tx.Frame); side == 0 && k != nil && !tx.Up && !tx.Mirror && tu.Family != packet.FamilyNone && tu.Proto == k.proto {
				k.seen, k.last = tu, tx.Frame
			}
		}
	}
	step := func(k *talk, side int, flags string) {
		dev := []string{"uplink_rep", "vf0_rep"}[side]
		f := k.frame(side, flags, rapid.SampledFrom([]int{0, 1, 60, 200}).Draw(rt, "data"))
		gap := rapid.SampledFrom([]int64{1000, 1e6, 1e6, 1e6, 20e6, 2100e6, 31e9, 130e9}).Draw(rt, "gap")
		switch rapid.IntRange(0, 14).Draw(rt, "how") {
		case 0: // in pieces, one of them late or never
			k.id++
			pieces := packettest.Fragments(f, k.id, rapid.SampledFrom([]int{8, 16, 24, 48}).Draw(rt, "first"), 48, 48)
			for i, p := range rapid.Permutation(pieces).Draw(rt, "order") {
				in := input{dev, p, min(gap, 1e6)}
				if i == 0 && rapid.IntRange(0, 5).Draw(rt, "late") == 0 {
					waiting = append(waiting, in)
					continue
				}
				send(k, side, in)
			}
			return
		case 1: // the server complains of what it has got
			if k.last != nil && f[12] == 8 {
				quote := k.last[14:]
				src := rapid.SampledFrom([]string{k.server, "10.0.0.254"}).Draw(rt, "who complains")
				to := k.seen.Src.Netip(k.seen.Family).String()
				send(nil, 1, input{"vf0_rep", packettest.ICMP(src, to, 3, 1, 0, quote[:min(len(quote), 28)]), gap})
				return
			}
		case 2: // a tag
			f = append(append(append([]byte(nil), f[:12]...), 0x81, 0, 0, 7), f[12:]...)
		case 3:
			f[len(f)-1] ^= 1
		}
		send(k, side, input{dev, f, gap})
	}
	for _, k := range talks {
		if k.proto == 6 && rapid.IntRange(0, 5).Draw(rt, "handshake") > 0 {
			step(k, 0, "S")
			step(k, 1, "SA")
			step(k, 0, "A")
		}
	}
	for range rapid.IntRange(1, 100).Draw(rt, "packets") {
		k := talks[rapid.IntRange(0, len(talks)-1).Draw(rt, "who")]
		if len(waiting) > 0 && rapid.Bool().Draw(rt, "at last") {
			send(nil, 0, waiting[0])
			waiting = waiting[1:]
		}
		if rapid.IntRange(0, 40).Draw(rt, "flush") == 20 {
			for _, j := range []*judge{one, set} {
				for _, e := range j.engines {
					e.Tracker().Lock()
					e.Tracker().Flush()
					e.Tracker().Unlock()
				}
			}
		}
		flags := rapid.SampledFrom([]string{"A", "PA", "PA", "PA", "PA", "PA", "S", "FA", "R", "A"}).Draw(rt, "flags")
		step(k, rapid.IntRange(0, 1).Draw(rt, "side"), flags)
	}
	want, got := one.end(at), set.end(at)
	if want != got {
		rt.Fatalf("several workers differ from one engine:\n%s", datapathtest.Differences(want, got))
	}
	for _, err := range set.set.Check() {
		rt.Error(err)
	}
}

// frame builds a conversation's next packet.
func (k *talk) frame(side int, flags string, size int) []byte {
	src, dst, sp, dp := k.client, k.server, k.cport, k.sport
	data := strings.Repeat("x", size)
	if side == 1 {
		src, dst, sp, dp = dst, src, dp, sp
		if s := &k.seen; s.Family != packet.FamilyNone {
			src, dst, sp, dp = s.Dst.Netip(s.Family).String(), s.Src.Netip(s.Family).String(), s.DPort, s.SPort
		}
	}
	switch k.proto {
	case packet.ProtoICMP:
		id := uint32(k.cport)
		if side == 1 {
			if k.seen.Family != packet.FamilyNone {
				id = uint32(k.seen.SPort)
			}
			return packettest.ICMP(src, dst, 0, 0, id<<16|1, []byte(data))
		}
		return packettest.ICMP(src, dst, 8, 0, id<<16|1, []byte(data))
	case packet.ProtoUDP:
		return packettest.UDP(src, dst, sp, dp, data)
	}
	f := packettest.TCP(src, dst, sp, dp, flags, k.seq[side], k.seq[1-side], data)
	k.seq[side] += uint32(len(data))
	if strings.ContainsAny(flags, "SF") {
		k.seq[side]++
	}
	return f
}

// TestSame proves that a packet's fate, bytes and counters are those of one
// engine, whatever the policy, the traffic, and the number of workers.
func TestSame(t *testing.T) {
	policies := []struct {
		name string
		draw func(rt *rapid.T) []string
	}{
		{"C41_random_policies", func(rt *rapid.T) []string { return datapathtest.Policy(rt, false) }},
		{"C41_scarce_ports", func(rt *rapid.T) []string {
			return scarce(rapid.SampledFrom([]string{
				"10.0.0.70 port 2000-2003", "10.0.0.70", "10.0.0.70-10.0.0.71", "10.0.0.70-10.0.0.72 port 2000-2001",
			}).Draw(rt, "range"))
		}},
	}
	for _, x := range policies {
		t.Run(x.name, func(t *testing.T) {
			several := 0
			rapid.Check(t, func(rt *rapid.T) {
				lines := x.draw(rt)
				n, conns := rapid.IntRange(2, 5).Draw(rt, "workers"), 4096
				one, set := newJudge(t, 0, conns, lines), newJudge(t, n, conns, lines)
				if len(set.engines) > 1 {
					several++
				} else if len(set.set.Why()) == 0 {
					rt.Fatal("one worker, and no reason")
				}
				traffic(rt, one, set)
			})
			if several == 0 {
				t.Error("no policy ran on several workers")
			}
		})
	}
}

// scarce is a policy that translates all clients to a range of addresses and
// ports, so that their translations collide.
func scarce(to string) []string {
	return []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 3 nat pipe action goto chain 1",
		"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit zone 3 nat src addr " + to + " pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 3 nat pipe action goto chain 1",
		"filter add dev vf0_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit zone 3 pipe action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev uplink_rep",
	}
}
