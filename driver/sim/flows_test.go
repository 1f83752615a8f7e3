package sim

import (
	"testing"
	"unsafe"

	"pgregory.net/rapid"

	"sluice/offload"
	"sluice/packet"
)

// TestStoreModel adds and removes flows, translated ones among them, and
// compares with maps: each is found by either tuple and by name, and nothing
// else is.
func TestStoreModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := card(t, "plain,flows=40,queue=40")
		byConn := map[packet.ConnRef]offload.Flow{}
		for range rapid.IntRange(1, 120).Draw(rt, "steps") {
			f := flowOf(rapid.Uint32Range(0, 39).Draw(rt, "conn"))
			f.Zone = uint16(rapid.IntRange(0, 2).Draw(rt, "zone"))
			f.Tuple[0].SPort += f.Zone // else two zones of one connection would be two flows
			f.Tuple[1].DPort = f.Tuple[0].SPort
			if rapid.Bool().Draw(rt, "snat") {
				f.Tuple[1].Dst = packet.Addr{10, 99, 0, f.Tuple[0].Src[3]}
			}
			if rapid.Bool().Draw(rt, "add") {
				n.Submit(1, []offload.Request{add(f)})
				byConn[f.Conn] = f
			} else {
				n.Submit(1, []offload.Request{remove(f)})
				delete(byConn, f.Conn)
			}
			poll(n, 1)
			for i := range uint32(40) {
				want, there := byConn[flowOf(i).Conn]
				got := n.flows.byConn(flowOf(i).Conn)
				if (got != nil) != there {
					rt.Fatalf("connection %d: found %v, want %v", i, got != nil, there)
				}
				for dir := range 2 {
					if there && !n.carries(1, &want, dir) {
						rt.Fatalf("connection %d, direction %d is not carried", i, dir)
					}
				}
				if !there {
					f := flowOf(i)
					for z := range uint16(3) {
						f.Zone = z
						f.Tuple[0].SPort = flowOf(i).Tuple[0].SPort + z
						f.Tuple[1].DPort = f.Tuple[0].SPort
						if n.carries(1, &f, 0) || n.carries(1, &f, 1) {
							rt.Fatalf("connection %d is carried", i)
						}
					}
				}
			}
			if n.held != len(byConn) || n.adding != 0 {
				rt.Fatalf("%d held and %d being added, want %d", n.held, n.adding, len(byConn))
			}
		}
	})
}

// TestA190_flows_are_small: a card for ten million connections fits a laptop.
func TestA190_flows_are_small(t *testing.T) {
	n := card(t, "plain,flows=2M,queue=1000")
	index := 4 * (len(n.flows.conns.w) + len(n.flows.tuple.w))
	if per := int(unsafe.Sizeof(flow{})) + index/2_000_000; per > 200 {
		t.Errorf("a flow takes %d bytes", per)
	}
}

// TestSteadyStateAllocatesNothing covers packets and requests.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	n := card(t, "plain,flows=5000,queue=1000,rate=1000000,delay=10us,stats=1ms,window=on,labels=4,twice=0.1,late=5us")
	reqs := make([]offload.Request, 0, 64)
	out := make([]offload.Completion, 256)
	now, i := int64(1), uint32(0)
	round := func() {
		reqs = reqs[:0]
		for range 16 {
			i++
			f := flowOf(i % 1000)
			f.Label[0] = byte(i % 3)
			reqs = append(reqs, add(f), read(f))
			g := flowOf((i + 500) % 1000)
			reqs = append(reqs, remove(g))
			h := n.headers(&g, 1)
			if of, _, dir := n.Find(now, 0, nil, &h); of != nil {
				n.Carried(now, of, dir, 60)
			}
		}
		now += 100_000
		n.Submit(now, reqs)
		for n.Poll(now, out) > 0 {
		}
	}
	for range 500 {
		round()
	}
	if a := testing.AllocsPerRun(200, round); a > 0 {
		t.Errorf("%v allocations a round", a)
	}
}

// BenchmarkFind1M finds a million flows in random order.
func BenchmarkFind1M(b *testing.B) {
	const flows = 1 << 20
	n := card(b, "plain,flows=1100000")
	fill(b, n, flows)
	hs := make([]packet.Headers, 1<<16)
	for i := range hs {
		f := flowOf(uint32(i) * 2654435761 % flows)
		hs[i] = n.headers(&f, i&1)
	}
	b.ResetTimer()
	i := 0
	for b.Loop() {
		f, _, dir := n.Find(2, 0, nil, &hs[i&(1<<16-1)])
		if f == nil {
			b.Fatal("not found")
		}
		n.Carried(2, f, dir, 100)
		i++
	}
}

func fill(t testing.TB, n *NIC, flows int) {
	reqs := make([]offload.Request, 1024)
	out := make([]offload.Completion, 1024)
	for i := 0; i < flows; i += len(reqs) {
		for k := range reqs {
			reqs[k] = add(flowOf(uint32(i + k)))
		}
		if n.Submit(1, reqs) != len(reqs) || n.Poll(1, out) != len(out) {
			t.Fatal("not all were taken")
		}
	}
}

// BenchmarkInsert adds flows to a card that holds a million.
func BenchmarkInsert(b *testing.B) {
	const flows, more = 1 << 20, 1 << 16
	n := card(b, "plain,flows=1200000")
	fill(b, n, flows)
	reqs := make([]offload.Request, 256)
	out := make([]offload.Completion, 256)
	batch := func(op offload.Op, i uint32) {
		for k := range reqs {
			reqs[k] = offload.Request{Op: op, Flow: flowOf(flows + (i+uint32(k))%more)}
		}
		if n.Submit(2, reqs) != len(reqs) || n.Poll(2, out) != len(out) {
			b.Fatal("not all were taken")
		}
	}
	i := uint32(0)
	b.ResetTimer()
	for b.Loop() {
		batch(offload.Add, i)
		if i += uint32(len(reqs)); i%more == 0 {
			b.StopTimer()
			for k := uint32(0); k < more; k += uint32(len(reqs)) {
				batch(offload.Remove, k)
			}
			b.StartTimer()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(i), "ns/insertion")
}
