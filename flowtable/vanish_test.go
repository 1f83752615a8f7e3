package flowtable

import (
	"fmt"
	"testing"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// fickle is a card that unregisters in the middle of its n-th call.
type fickle struct {
	card
	tab   *Table
	calls int
	n     int
	held  map[packet.ConnRef]uint64 // packets carried
}

func (f *fickle) call(now int64) {
	if f.calls++; f.calls == f.n {
		f.tab.Unregister(now, f.driver())
	}
}

func (f *fickle) driver() offload.Driver { return f.tab.set.devs[0].drv }

func (f *fickle) Submit(now int64, reqs []offload.Request) int {
	for _, r := range reqs {
		switch r.Op {
		case offload.Add:
			f.held[r.Flow.Conn] = 0
		case offload.Remove:
			delete(f.held, r.Flow.Conn)
		}
	}
	n := f.card.Submit(now, reqs)
	f.call(now)
	return n
}

func (f *fickle) Poll(now int64, out []offload.Completion) int {
	n := f.card.Poll(now, out)
	f.call(now)
	return n
}

type fickleProber struct{ *fickle }

func (f fickleProber) Probe(now int64, ref packet.ConnRef) (offload.FlowStats, bool) {
	n, ok := f.held[ref]
	if ok {
		n++
		f.held[ref] = n
	}
	f.call(now)
	return offload.FlowStats{Packets: [2]uint64{n}, Used: now, At: now}, ok
}

// TestVanish lets a device go in the middle of every call that it is given:
// nothing contradicts itself afterwards, no flow is the device's, and each is in
// the flow table as before.
func TestI3_devices_vanish_in_the_middle_of_any_call(t *testing.T) {
	for _, exact := range []bool{true, false} {
		for _, evict := range []Eviction{EvictLRU, EvictRate, EvictState} {
			most := 1000
			for n := 1; n <= most; n++ {
				name := fmt.Sprintf("prober %v, %v, call %d", exact, evict, n)
				tr := conntrack.New(conntrack.Config{MaxConns: 64})
				s := New(tr)
				if err := s.SetAdmission(0, Admission{MaxFlows: 3, Eviction: evict}); err != nil {
					t.Fatal(err)
				}
				tab := s.Acquire(0, 0)
				f := &fickle{card: card{open: true}, tab: tab, n: n, held: map[packet.ConnRef]uint64{}}
				var drv offload.Driver = f
				if exact {
					drv = fickleProber{f}
				}
				tab.Register(0, drv)
				refs := assured(t, tr, 0, 1000, 6)
				check := func(step string) {
					for _, err := range s.Check() {
						t.Fatalf("%s, after %s: %v", name, step, err)
					}
				}
				now := int64(0)
				for i, ref := range refs[:5] {
					tab.Offer(now, ref, packet.CTEstablished, 0)
					s.Pump(now)
					s.Pump(now)
					now += second / 2
					check(fmt.Sprint("offering ", i))
				}
				s.Read(now)
				check("reading")
				for range 3 {
					now += 2 * second
					s.Tick(now, 100)
					check("a tick")
					for _, ref := range refs[:5] {
						tab.attend(tr.Conn(ref), now)
						check("a packet")
					}
					s.Pump(now)
					check("handing over")
				}
				s.RemoveIf(now, Match{If: func(ref packet.ConnRef, _ *conntrack.Conn) bool { return ref == refs[0] || ref == refs[4] }})
				check("a removal")
				s.Back(now, refs[1], true)
				check("moving back")
				tr.Kill(refs[2])
				tab.Offer(now, refs[5], packet.CTEstablished, 0)
				s.Pump(now)
				s.Sync(now)
				check("all")
				if f.calls < n {
					most = n // it was never called so often
					if s.ndev != 1 {
						t.Fatalf("%s: %d devices", name, s.ndev)
					}
					continue
				}
				if s.ndev != 0 || s.held != 0 || tab.devs != 0 || s.HasDevices() {
					t.Fatalf("%s: %d devices, %d flows held", name, s.ndev, s.held)
				}
				for _, ref := range tab.list() {
					if c := tr.Conn(ref); c != nil && (c.FlowFlags&^flowWants != flowLive|flowBidirectional || c.Status&conntrack.StatusHWOffload != 0) {
						t.Fatalf("%s: flow %d: flags %#x, status %#x, %s", name, c.Orig.SPort, c.FlowFlags, c.Status, s.Record(ref))
					}
				}
				if len(f.held) != 0 {
					t.Fatalf("%s: the device holds %d flows", name, len(f.held))
				}
			}
			if most < 20 || most == 1000 {
				t.Errorf("%d calls", most)
			}
		}
	}
}

func (t *Table) list() (refs []packet.ConnRef) {
	for i := range t.flows.len() {
		refs = append(refs, t.flows.at(i))
	}
	return refs
}
