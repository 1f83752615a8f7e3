package state

import (
	"bytes"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/offload"
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
