package datapath_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/policy/tc"
)

// twoZones tracks in one zone or another, and in both what comes from tap.
var twoZones = []string{
	"filter add dev uplink_rep ingress prio 1 chain 0 proto all flower ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev uplink_rep ingress prio 1 chain 2 proto all flower ct_state +trk+new action ct commit zone 4 pipe action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 2 chain 2 proto all flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto all flower ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev vf0_rep ingress prio 1 chain 2 proto all flower ct_state +trk+est action mirred egress redirect dev uplink_rep",
	"filter add dev vf0_rep ingress prio 2 chain 2 proto all flower ct_state +trk+new action ct commit force zone 4 pipe action mirred egress redirect dev uplink_rep",
	"filter add dev tap ingress prio 1 chain 0 proto all flower ct_state -trk action ct zone 5 pipe action goto chain 2",
	"filter add dev tap ingress prio 1 chain 2 proto all flower ct_state +trk+new action ct commit zone 5 pipe action mirred egress redirect dev vf0_rep",
	"filter add dev tap ingress prio 2 chain 2 proto all flower ct_state +trk+est action ct zone 4 pipe action goto chain 3",
	"filter add dev tap ingress prio 2 chain 3 proto all flower action mirred egress redirect dev vf0_rep",
}

// bursts are vectors of packets of a few connections, which open, close and
// open again within one vector, with the odd mangled frame in between.
func bursts(r *rand.Rand) (vectors [][]input) {
	at := int64(2e9)
	type ends struct{ seq [2]uint32 }
	conns := map[string]*ends{}
	ports := 1 + r.IntN(6)
	for range 2 + r.IntN(30) {
		at += []int64{1e6, 1e6, 1e6, 1e6, 500e6, 2100e6, 31e9, 121e9}[r.IntN(8)]
		mood := r.IntN(4)
		var in []input
		for range []int{1, 7, 16, 17, 40, 100}[r.IntN(6)] {
			port, from, six, tap := uint16(1000+r.IntN(ports)), r.IntN(2), r.IntN(5) == 0, r.IntN(6) == 0
			c, s := datapathtest.Client, datapathtest.Server
			if six {
				c, s = "2001:db8::1", "2001:db8::2"
			}
			key := fmt.Sprint(port, six, tap)
			if conns[key] == nil {
				conns[key] = &ends{[2]uint32{1000, 5000}}
			}
			q := &conns[key].seq
			dev, src, dst, sp, dp := "uplink_rep", c, s, port, uint16(80)
			if from == 1 {
				dev, src, dst, sp, dp = "vf0_rep", s, c, 80, port
				if !six && r.IntN(2) == 0 {
					dst = "10.0.0.77" // what some policies make of the client
				}
			}
			if tap {
				dev = "tap"
			}
			kinds := []string{"S", "SA", "A", "A", "A", "PA", "PA", "A", "udp", "udp", "FA", "R", "RA"}
			kind := kinds[r.IntN(len(kinds))]
			switch {
			case mood == 0:
				kind = kinds[2+r.IntN(7)]
			case mood == 1 && r.IntN(3) == 0:
				kind = []string{"FA", "R", "S", "A"}[r.IntN(4)]
			}
			f := packettest.UDP(src, dst, sp, dp, strings.Repeat("x", r.IntN(16)))
			if kind != "udp" {
				data := strings.Repeat("x", r.IntN(4))
				f = packettest.TCP(src, dst, sp, dp, kind, q[from], q[1-from], data)
				q[from] += uint32(len(data) + strings.Count(kind, "S") + strings.Count(kind, "F"))
			}
			switch r.IntN(25) {
			case 0:
				f = append(f, make([]byte, 6)...)
			case 1:
				f[14+r.IntN(len(f)-14)] ^= 1 << r.IntN(8)
			case 2:
				f = f[:r.IntN(len(f))]
			case 3:
				if !six {
					f[22] = byte(r.IntN(3)) // TTL
				}
			case 4:
				f[14] ^= byte(1 + r.IntN(255)) // version and header length
			}
			in = append(in, input{dev, f, at})
		}
		vectors = append(vectors, in)
	}
	return vectors
}

// runBursts tells all that became of bursts.
func runBursts(t *testing.T, room int, cfg datapath.Config, lines []string, vectors [][]input) (string, uint64) {
	p, _, err := tc.Load("test.tc", strings.NewReader(strings.Join(lines, "\n")+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tracker = conntrack.New(conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: room})
	e := datapath.New(cfg)
	if err := e.Load(p, 1e9); err != nil {
		t.Fatal(err)
	}
	var v packet.Vector
	var out bytes.Buffer
	for _, in := range vectors {
		v.Reset()
		v.Now = in[0].at
		for _, x := range in {
			dev, ok := e.Device(x.dev)
			if !ok {
				dev = 99
			}
			v.Add(bytes.Clone(x.frame), dev)
		}
		e.Tick(v.Now)
		e.Process(&v)
		for k := range v.N {
			fmt.Fprintf(&out, "%d: %v %s %x", k, v.Verdict[k], datapath.ReasonName(v.Reason[k]), v.Frame[k])
			for _, h := range e.Trace(k) {
				fmt.Fprintf(&out, " hit %d %d %d %#x %x", h.Dev, h.Chain, h.Proto.Prio, h.CTState, h.Conn)
			}
			fmt.Fprintln(&out, e.Copies(k))
		}
		for _, tx := range v.Tx {
			fmt.Fprintf(&out, "tx %d %d %v %d %v %x\n", tx.Pkt, tx.Dev, tx.Mirror, tx.Copy, tx.Up, tx.Frame)
		}
		var conns []string
		for _, c := range e.Tracker().All(v.Now) {
			conns = append(conns, fmt.Sprintf("%v zone %d status %#x state %d timeout %d %v %v mark %d until %d\n",
				c.Orig, c.Zone, c.Status, c.TCP.State, c.Timeout, c.Packets(), c.Bytes(), c.Mark, c.FlowDeadline))
		}
		slices.Sort(conns)
		out.WriteString(strings.Join(conns, ""))
	}
	for _, d := range p.Devices {
		if d.Block[policy.Ingress] == nil {
			continue
		}
		for _, c := range d.Block[policy.Ingress].Chains {
			for _, pr := range c.Protos {
				for _, f := range pr.Filters {
					for _, a := range f.Actions {
						fmt.Fprintf(&out, "%s %d %d %+v\n", d.Name, c.Index, pr.Prio, e.ActionStats(a))
					}
				}
			}
		}
	}
	fmt.Fprintf(&out, "%+v %v\n", e.Flows().Counters(), e.Drops())
	if errs := e.Tracker().Check(); len(errs) > 0 {
		t.Fatal(errs)
	}
	return out.String(), e.Followed()
}

// TestI1_bursts: within a vector, too, remembered ways change nothing, in tables
// so small that slots change hands all the time.
func TestI1_bursts(t *testing.T) {
	policies := append([][]string{twoZones, twoZones}, steadyPolicies...)
	followed := uint64(0)
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		lines, room := policies[r.IntN(len(policies))], []int{2, 3, 5, 4096}[r.IntN(4)]
		vectors := bursts(r)
		for _, trace := range []bool{false, true} {
			want, _ := runBursts(t, room, datapath.Config{Trace: trace, ClassifyAll: true}, lines, vectors)
			got, n := runBursts(t, room, datapath.Config{Trace: trace}, lines, vectors)
			followed += n
			if got == want {
				continue
			}
			w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
			for i := range w {
				if i >= len(g) || w[i] != g[i] {
					t.Fatalf("seed %d, room %d, trace %v:\nclassified %s\nremembered %s", seed, room, trace, w[i], g[min(i, len(g)-1)])
				}
			}
		}
	}
	if followed < 1000 {
		t.Errorf("%d packets took a remembered way", followed)
	}
}

// TestI4_FIN_of_another_version: a header that only the general parser reads
// ends a connection as any other does.
func TestI4_FIN_of_another_version(t *testing.T) {
	for _, all := range []bool{true, false} {
		r := datapathtest.NewWith(t, datapath.Config{ClassifyAll: all}, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		for range 3 {
			r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, ""))
		}
		f := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "FA", 1001, 5001, "")
		f[14] = 0x55
		r.Send("uplink_rep", f)
		for _, c := range r.E.Tracker().All(r.Now) {
			if c.Status&conntrack.StatusOffload != 0 {
				t.Errorf("every packet classified %v: the flow table has kept the connection", all)
			}
		}
	}
}
