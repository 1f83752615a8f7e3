package state

import (
	"bytes"
	"slices"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet/packettest"
)

// TestC15_moves_are_kept: what went to a device and came back is told by a
// state as it was, and nothing in the state is in a device any more.
func TestC15_moves_are_kept(t *testing.T) {
	r := datapathtest.New(t, datapathtest.HTTPPolicy...)
	tr := r.E.Tracker()
	tr.Listen(64)
	r.Handshake(40000)
	for ref, c := range tr.Known() {
		c.Status |= conntrack.StatusHWOffload
		c.FlowFlags |= 0x0c // wants a device, and is in one
		tr.Moved(r.Now, ref, conntrack.EventHWOffload, tr.DeviceNumber("nic1"), 0)
		tr.Moved(r.Now, ref, conntrack.EventBack, tr.DeviceNumber("nic1"), uint8(offload.Evicted))
	}
	s := &State{Clock: Clock{Now: r.Now, Vector: r.Now}, Tracker: tr, Tables: r.E.Flows().Save(), Flows: r.E.Flows().Counters()}
	var first, second bytes.Buffer
	if err := s.Write(&first); err != nil {
		t.Fatal(err)
	}
	back, err := Read(bytes.NewReader(first.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range back.Tracker.Known() {
		if c.Status&conntrack.StatusHWOffload != 0 || c.Status&conntrack.StatusOffload == 0 || c.FlowFlags&0x0c != 0 {
			t.Errorf("status %#x, flags %#x", c.Status, c.FlowFlags)
		}
	}
	var last conntrack.Event
	n := 0
	for _, e := range back.Tracker.Events(0) {
		if e.What&conntrack.Outside != 0 {
			n++
		}
		last = *e
	}
	if n != 3 || last.What != conntrack.EventBack || back.Tracker.DeviceName(last.Device) != "nic1" || offload.Reason(last.Reason) != offload.Evicted || last.Conn.Status&conntrack.StatusHWOffload == 0 {
		t.Errorf("%d moves, the last %#x of %q for %d, status %#x", n, last.What, back.Tracker.DeviceName(last.Device), last.Reason, last.Conn.Status)
	}
	if err := back.Write(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("written again it differs:\n%s\n%s", first.Bytes(), second.Bytes())
	}
}

// TestA121_chains_are_kept: the chain whose ct action gave a flow to its table
// is there after reading, and deletes the same flows.
func TestA121_chains_are_kept(t *testing.T) {
	r := datapathtest.New(t,
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp dst_port 80 action goto chain 10",
		"filter add dev uplink_rep ingress prio 2 chain 0 proto ip flower action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 1 chain 10 proto ip flower action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep")
	for port := range uint16(600) { // more than a line's
		r.Handshake(40000 + port)
	}
	for port := range uint16(5) {
		r.Send("uplink_rep", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000+port, 53, "q"))
	}
	for _, lines := range []int{600, 0} {
		with := "with chains"
		if lines == 0 {
			with = "without"
			r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 10})
		}
		s := &State{Clock: Clock{Now: r.Now, Vector: r.Now}, Tracker: r.E.Tracker(), Tables: r.E.Flows().Save(), Flows: r.E.Flows().Counters()}
		var out bytes.Buffer
		if err := s.Write(&out); err != nil {
			t.Fatal(err)
		}
		back, err := Read(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back.Tables[0].Chains, s.Tables[0].Chains) || (s.Tables[0].Chains == nil) != (lines == 0) {
			t.Errorf("%s: %d chains were read, %d written", with, len(back.Tables[0].Chains), len(s.Tables[0].Chains))
		}
		set := flowtable.New(back.Tracker)
		set.Acquire(0, r.Now)
		if err := set.Restore(r.Now, back.Tables, back.Flows); err != nil {
			t.Fatal(err)
		}
		if n := set.RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 10}); n != lines {
			t.Errorf("%s: %d flows deleted, want %d", with, n, lines)
		}
		if n := set.RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 0}); n != 5 {
			t.Errorf("%s: %d flows of chain 0 deleted, want 5", with, n)
		}
		back.Tables[0].Chains = []uint32{1}
		other := flowtable.New(back.Tracker)
		other.Acquire(0, r.Now)
		if err := other.Restore(r.Now, back.Tables, back.Flows); err == nil {
			t.Errorf("%s: chains of one flow were taken for all", with)
		}
	}
}
