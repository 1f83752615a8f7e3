package flowtable_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

// wild is a device that answers late, twice, never, out of order, with wrong
// names, with counters that run backwards, and refuses at will.
type wild struct {
	*device
	rt *rapid.T
}

func (w wild) Submit(now int64, reqs []offload.Request) int {
	took := len(reqs)
	if rapid.IntRange(0, 9).Draw(w.rt, "short") == 0 {
		took = rapid.IntRange(0, len(reqs)).Draw(w.rt, "took")
	}
	for _, r := range reqs[:took] {
		w.requests = append(w.requests, r)
		switch rapid.IntRange(0, 12).Draw(w.rt, "mood") {
		case 0: // never
		case 1: // twice
			k := w.do(now, r)
			w.answers = append(w.answers, k, k)
		case 2: // of somebody else
			k := w.do(now, r)
			k.Conn += packet.ConnRef(rapid.Uint64Range(1, 1<<34).Draw(w.rt, "off"))
			w.answers = append(w.answers, k)
		case 3:
			k := w.do(now, r)
			k.Result = offload.Result(rapid.IntRange(0, 5).Draw(w.rt, "result"))
			k.Reason = offload.Reason(rapid.IntRange(0, 255).Draw(w.rt, "reason"))
			w.answers = append(w.answers, k)
		case 4: // an answer to another question, with any counters
			k := w.do(now, r)
			k.Op = offload.Op(rapid.IntRange(0, 4).Draw(w.rt, "op"))
			k.Stats.Used = rapid.Int64().Draw(w.rt, "used")
			k.Stats.At = rapid.Int64().Draw(w.rt, "at")
			w.answers = append(w.answers, k)
		case 5: // before all others
			w.answers = append([]offload.Completion{w.do(now, r)}, w.answers...)
		default:
			w.answers = append(w.answers, w.do(now, r))
		}
	}
	return took
}

func (w wild) Poll(_ int64, out []offload.Completion) int {
	n := min(len(w.answers), rapid.IntRange(0, 8).Draw(w.rt, "answered"))
	copy(out, w.answers[:n])
	w.answers = append([]offload.Completion(nil), w.answers[n:]...)
	return n
}

// wildProber forgets flows besides.
type wildProber struct{ wild }

func (w wildProber) Probe(now int64, ref packet.ConnRef) (offload.FlowStats, bool) {
	if rapid.IntRange(0, 19).Draw(w.rt, "forget") == 0 {
		delete(w.flows, ref)
	}
	return prober{w.device}.Probe(now, ref)
}

// TestI3_wild_devices drives packets, time and every call there is against
// devices that do as they like: nothing contradicts itself after any step, and
// once they are gone nothing of them is left.
func TestI3_I7_wild_devices_are_contained(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := &rig{datapathtest.New(t, append(append([]string{}, datapathtest.HTTPPolicy...), udpPolicy...)...), t}
		set, tr := r.set(), r.E.Tracker()
		tr.Listen(64)
		table := r.table(0)
		devs := []offload.Driver{wild{newDevice(), rt}, wildProber{wild{newDevice(), rt}}, wildProber{wild{newDevice(), rt}}}
		devs[2].(wildProber).limit = 3
		port := rapid.Map(rapid.IntRange(0, 5), func(n int) uint16 { return uint16(40000 + n) })
		check := func(step string) {
			for _, err := range set.Check() {
				rt.Fatalf("after %s: %v", step, err)
			}
			for _, err := range tr.Check() {
				rt.Fatalf("after %s: %v", step, err)
			}
		}
		pick := func() (packet.ConnRef, *conntrack.Conn) {
			n := rapid.IntRange(0, 7).Draw(rt, "which")
			for ref, c := range tr.Known() {
				if n--; n < 0 {
					return ref, c
				}
			}
			return 0, nil
		}
		steps := map[string]func(){
			"handshake": func() {
				p := port.Draw(rt, "p")
				r.Send("uplink_rep", fromClient(p, "S", 1000, 0, ""))
				r.Send("vf0_rep", fromServer(p, "SA", 5000, 1001, ""))
				r.Send("uplink_rep", fromClient(p, "A", 1001, 5001, ""))
			},
			"syn":    func() { r.Send("uplink_rep", fromClient(port.Draw(rt, "p"), "S", 1000, 0, "")) },
			"synack": func() { r.Send("vf0_rep", fromServer(port.Draw(rt, "p"), "SA", 5000, 1001, "")) },
			"data":   func() { r.Send("uplink_rep", fromClient(port.Draw(rt, "p"), "PA", 1001, 5001, "x")) },
			"answer": func() { r.Send("vf0_rep", fromServer(port.Draw(rt, "p"), "PA", 5001, 1002, "y")) },
			"fin":    func() { r.Send("uplink_rep", fromClient(port.Draw(rt, "p"), "FA", 1002, 5002, "")) },
			"rst":    func() { r.Send("vf0_rep", fromServer(port.Draw(rt, "p"), "R", 5002, 0, "")) },
			"query": func() {
				r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, port.Draw(rt, "p"), 53, "q"))
			},
			"reply": func() {
				r.Send("b", packettest.UDP(datapathtest.Server, datapathtest.Client, 53, port.Draw(rt, "p"), "a"))
			},
			"carry": func() {
				for _, d := range devs {
					switch d := d.(type) {
					case wild:
						d.carry(r.Now, 1, 10)
					case wildProber:
						d.carry(r.Now, 0, 10)
					}
				}
			},
			"pump": func() { set.Pump(r.Now) },
			"time": func() {
				r.Now += rapid.SampledFrom([]int64{1e6, 5e8, 3e9, 31e9}).Draw(rt, "ns")
				r.E.Tick(r.Now)
			},
			"register":   func() { table.Register(r.Now, devs[rapid.IntRange(0, 2).Draw(rt, "dev")]) },
			"register2":  func() { table.Register(r.Now, devs[rapid.IntRange(0, 2).Draw(rt, "dev")]) },
			"unregister": func() { table.Unregister(r.Now, devs[rapid.IntRange(0, 2).Draw(rt, "dev")]) },
			"kill":       func() { ref, _ := pick(); tr.Kill(ref) },
			"mark":       func() { ref, _ := pick(); tr.SetMark(ref, rapid.Uint32Range(0, 3).Draw(rt, "mark"), 3) },
			"back":       func() { ref, _ := pick(); set.Back(r.Now, ref, rapid.Bool().Draw(rt, "again")) },
			"removeif":   func() { set.RemoveIf(r.Now, flowtable.Match{Mark: 1, MarkMask: 1}) },
			"flush":      func() { tr.Flush() },
			"read":       func() { set.Read(r.Now) },
			"sync":       func() { set.Sync(r.Now) },
			"save":       func() { set.Save() },
			"age":        func() { set.Age(flowtable.Aging(rapid.IntRange(0, 1).Draw(rt, "aging"))) },
			"why":        func() { ref, _ := pick(); set.Why(ref) },
			"admission": func() {
				a := flowtable.Admission{
					MinPackets: rapid.Uint64Range(0, 4).Draw(rt, "packets"), MaxFlows: rapid.IntRange(0, 4).Draw(rt, "max"),
					PendingMax: rapid.IntRange(0, 2).Draw(rt, "pending"), QueueMax: rapid.IntRange(0, 2).Draw(rt, "queue"),
					Eviction: flowtable.Eviction(rapid.IntRange(0, 3).Draw(rt, "eviction")), Low: 50,
				}
				if err := set.SetAdmission(r.Now, a); err != nil {
					rt.Fatal(err)
				}
			},
		}
		names := make([]string, 0, len(steps))
		for n := range steps {
			names = append(names, n)
		}
		slices.Sort(names)
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "step")
			steps[name]()
			check(name)
		}
		for _, d := range devs {
			table.Unregister(r.Now, d)
			check("unregistering")
		}
		if set.InDevices() != 0 || len(set.Devices()) != 0 {
			rt.Fatalf("%d flows, devices %v", set.InDevices(), set.Devices())
		}
		for _, c := range tr.Known() {
			if inDevice(c) {
				rt.Fatalf("status %#x", c.Status)
			}
		}
	})
}
