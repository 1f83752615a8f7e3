package datapath_test

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
)

// everything is a policy with ct in two zones, mirrors, nested redirects and
// an egress block: whatever a frame is, something in it applies.
var everything = []string{
	"qdisc add dev b clsact",
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 1 pipe action goto chain 2",
	"filter add dev a ingress prio 2 chain 0 proto ipv6 flower ct_state -trk action ct zone 1 pipe action goto chain 2",
	"filter add dev a ingress prio 3 chain 0 proto 802.1q flower vlan_ethtype ip action ct pipe action goto chain 2",
	"filter add dev a ingress prio 4 chain 0 proto arp flower arp_op request action mirred egress mirror dev b pipe action mirred ingress redirect dev c",
	"filter add dev a ingress prio 1 chain 2 proto all flower ct_state +trk+new action ct commit zone 1 mark 7/0xff pipe action mirred egress mirror dev c pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 2 proto all flower ct_state +trk+est action mirred egress redirect dev b",
	"filter add dev a ingress prio 3 chain 2 proto all flower ct_state +trk+rel action mirred ingress redirect dev c",
	"filter add dev a ingress prio 4 chain 2 proto all flower ct_state +trk+inv action drop",
	"filter add dev b ingress prio 1 chain 0 proto ip flower action ct zone 1 pipe action goto chain 3",
	"filter add dev b ingress prio 1 chain 3 proto ip flower ct_state +trk+est action mirred egress redirect dev a",
	"filter add dev b ingress prio 2 chain 3 proto ip flower ct_state +trk+new ip_proto tcp dst_port 22 action ct commit force zone 1 pipe action mirred egress redirect dev a",
	"filter add dev b egress prio 1 proto ip flower ip_proto udp dst_port 666 action drop",
	"filter add dev c ingress prio 1 proto all matchall action ct zone 2 pipe action mirred egress redirect dev a",
}

// input is one frame for one device.
type input struct {
	dev   string
	frame []byte
	at    int64
}

// drawTraffic makes a few conversations, interleaved, with the odd mangled
// frame in between.
func drawTraffic(t *rapid.T) []input {
	var in []input
	at := int64(2e9)
	for i := range rapid.IntRange(1, 120).Draw(t, "packets") {
		at += rapid.SampledFrom([]int64{0, 1e3, 1e6, 700e6}).Draw(t, "gap")
		port := rapid.Uint16Range(1000, 1003).Draw(t, "port")
		dport := rapid.SampledFrom([]uint16{22, 53, 80, 666}).Draw(t, "dport")
		dev, src, dst, sp, dp := "a", datapathtest.Client, datapathtest.Server, port, dport
		if rapid.Bool().Draw(t, "reply") {
			dev, src, dst, sp, dp = "b", dst, src, dp, sp
		}
		var f []byte
		if rapid.Bool().Draw(t, "tcp") {
			flags := rapid.SampledFrom([]string{"S", "SA", "A", "PA", "FA", "R", "SF"}).Draw(t, "flags")
			seq := rapid.Uint32Range(1000, 1003).Draw(t, "seq")
			f = packettest.TCP(src, dst, sp, dp, flags, seq, rapid.Uint32Range(999, 1003).Draw(t, "ack"), "")
		} else {
			f = packettest.UDP(src, dst, sp, dp, "payload")
		}
		if rapid.IntRange(0, 7).Draw(t, "mangle") == 0 {
			f[rapid.IntRange(0, len(f)-1).Draw(t, "where")] ^= rapid.Byte().Draw(t, "how")
			f = f[:rapid.IntRange(0, len(f)).Draw(t, "cut")]
		}
		at := at + int64(i)
		if len(f) >= 51 && string(f[12:15]) == "\x08\x00\x45" && rapid.IntRange(0, 3).Draw(t, "cut up") == 0 {
			parts := packettest.Fragments(f, rapid.Uint32Range(1, 3).Draw(t, "id"), 8, 8)
			for _, p := range rapid.Permutation(parts).Draw(t, "order")[:rapid.IntRange(1, len(parts)).Draw(t, "parts")] {
				in = append(in, input{dev, p, at})
			}
			continue
		}
		in = append(in, input{dev, f, at})
	}
	return in
}

// judge runs traffic in vectors of at most n packets that share one time, and
// renders everything that can be seen from outside.
func judge(t testing.TB, in []input, n int) string { return judgeBy(t, everything, in, n, 1) }

// judgeBy is judge for another policy, with a Tick before every so many vectors;
// 0: never.
func judgeBy(t testing.TB, lines []string, in []input, n, ticks int) string {
	vectors := 0
	r := datapathtest.New(t, lines...)
	var v packet.Vector
	var out bytes.Buffer
	flush := func() {
		if vectors++; ticks != 0 && vectors%ticks == 0 {
			r.E.Tick(v.Now)
		}
		r.E.Process(&v)
		tx := v.Tx
		for i := range v.N {
			fmt.Fprintf(&out, "%v %s", v.Verdict[i], datapath.ReasonName(v.Reason[i]))
			for len(tx) > 0 && int(tx[0].Pkt) == i {
				fmt.Fprintf(&out, " %d/%v/%x", tx[0].Dev, tx[0].Up, tx[0].Frame)
				tx = tx[1:]
			}
			for _, h := range r.E.Trace(i) {
				fmt.Fprintf(&out, " %d:%d:%#x", h.Chain, h.Proto.Prio, h.CTState)
			}
			out.WriteByte('\n')
		}
		v.Reset()
	}
	for _, p := range in {
		if v.N == n || v.N > 0 && v.Now != p.at {
			flush()
		}
		id, _ := r.E.Device(p.dev)
		v.Now = p.at
		v.Add(bytes.Clone(p.frame), id)
	}
	flush()
	r.E.Flows().Sync(v.Now)
	// Which slot a connection is in depends on when the memory of others was
	// given back; nothing else does.
	var conns []string
	for ref, c := range r.E.Tracker().All(v.Now) {
		conns = append(conns, fmt.Sprintf("%v reply %v zone %d status %#x state %d timeout %d packets %v bytes %v mark %d\n",
			c.Orig, r.E.Tracker().Reply(ref), c.Zone, c.Status, c.TCP.State, c.Timeout, c.Packets(), c.Bytes(), c.Mark))
	}
	slices.Sort(conns)
	out.WriteString(strings.Join(conns, ""))
	for _, d := range r.P.Devices {
		for _, b := range d.Block {
			if b == nil {
				continue
			}
			for _, c := range b.Chains {
				for _, pr := range c.Protos {
					for _, f := range pr.Filters {
						for _, a := range f.Actions {
							fmt.Fprintf(&out, "%+v\n", r.E.ActionStats(a))
						}
					}
				}
			}
		}
	}
	return out.String()
}

// TestVectorSizeDoesNotMatter: a vector of many packets is judged as if each
// had come alone; the stages that overlap memory accesses change nothing.
func TestVectorSizeDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := drawTraffic(rt)
		for i := range in { // few distinct times, so that vectors fill
			in[i].at = in[i].at / 1e9 * 1e9
		}
		one, many := judge(t, in, 1), judge(t, in, packet.VectorSize)
		if one != many {
			rt.Fatalf("one at a time:\n%s\nin vectors:\n%s", one, many)
		}
	})
}

func TestI6_same_input_same_output(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := drawTraffic(rt)
		if a, b := judge(t, in, 256), judge(t, in, 256); a != b {
			rt.Fatalf("first:\n%s\nsecond:\n%s", a, b)
		}
	})
}

// account checks I8 for a judged vector: every packet left, went up, was
// consumed, or was dropped for a reason.
func account(t testing.TB, v *packet.Vector) {
	t.Helper()
	for i := range v.N {
		left, up := 0, 0
		for _, tx := range v.Tx {
			if int(tx.Pkt) == i && !tx.Mirror {
				if tx.Up {
					up++
				} else {
					left++
				}
			}
		}
		switch v.Verdict[i] {
		case packet.Drop, packet.Stolen:
			if v.Reason[i] == datapath.ReasonNone {
				t.Errorf("packet %d: %v without a reason", i, v.Verdict[i])
			}
		case packet.Pass:
			if up == 0 {
				t.Errorf("packet %d passed to nobody", i)
			}
		case packet.Forward:
			if left+up == 0 && v.Reason[i] == datapath.ReasonNone {
				t.Errorf("packet %d was forwarded to nobody", i)
			}
		}
	}
}

// FuzzProcess feeds arbitrary bytes as frames: nothing panics, nothing is
// lost, and the tables stay sound (I8, I9).
func FuzzProcess(f *testing.F) {
	f.Add(packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1, 0, ""), uint8(0))
	f.Add(packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 666, "x"), uint8(0))
	f.Add(packettest.IP(datapathtest.Server, datapathtest.Client, 1, append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "")[14:]...)), uint8(1))
	f.Add([]byte{}, uint8(2))
	f.Fuzz(func(t *testing.T, frame []byte, dev uint8) {
		if len(frame) > 65535 {
			return
		}
		r := datapathtest.New(t, everything...)
		var v packet.Vector
		v.Now = 5e9
		v.Add(packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1, 0, ""), 0)
		for range 3 {
			v.Add(bytes.Clone(frame), int32(dev%4))
		}
		r.E.Process(&v)
		account(t, &v)
		if errs := r.E.Tracker().Check(); len(errs) > 0 {
			t.Fatal(errs)
		}
	})
}

func TestI8_every_packet_is_accounted_for(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := datapathtest.New(t, everything...)
		var v packet.Vector
		in := drawTraffic(rt)
		for _, p := range in {
			id, _ := r.E.Device(p.dev)
			v.Now = p.at
			v.Add(p.frame, id)
		}
		r.E.Process(&v)
		account(t, &v)
		var drops, want uint64
		for _, n := range r.E.Drops() {
			drops += n
		}
		for i := range v.N {
			if v.Verdict[i] == packet.Drop || v.Verdict[i] == packet.Stolen || v.Reason[i] != datapath.ReasonNone {
				want++
			}
		}
		if got := drops - r.E.Drops()[datapath.ReasonNone]; got != want {
			rt.Fatalf("%d drops counted, %d packets dropped", got, want)
		}
	})
}

// TestNoAllocs: judging packets allocates nothing once buffers have grown.
func TestNoAllocs(t *testing.T) {
	p := mustLoad(t, datapathtest.HTTPPolicy...)
	tr := conntrack.New(conntrack.Config{Seed: [2]uint64{1, 2}, MaxConns: 1 << 16})
	e := datapath.New(datapath.Config{Tracker: tr})
	if err := e.Load(p, 1); err != nil {
		t.Fatal(err)
	}
	var v packet.Vector
	frames := make([][]byte, packet.VectorSize)
	for i := range frames {
		frames[i] = packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1000, 0, "")
	}
	port, now := uint16(0), int64(1e9)
	allocs := testing.AllocsPerRun(50, func() {
		v.Reset()
		now += 1e6
		v.Now = now
		for i := range frames {
			port++
			f := frames[i]
			f[34], f[35] = byte(port>>8), byte(port)
			v.Add(f, 0)
		}
		e.Tick(now)
		e.Process(&v)
	})
	if allocs != 0 {
		t.Errorf("%v allocations a vector", allocs)
	}
}

func mustLoad(t testing.TB, lines ...string) *policy.Policy {
	t.Helper()
	return datapathtest.New(t, lines...).P
}
