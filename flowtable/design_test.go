package flowtable_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// TestDesign holds the table to what its design promises.
func TestDesign(t *testing.T) {
	t.Run("A097_A099_the_ct_action_is_the_way_in", func(t *testing.T) {
		// The same connection, tracked without an action's offer, stays out.
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		if r.E.Flows().Len() != 1 {
			t.Fatalf("%d flows after three packets through ct", r.E.Flows().Len())
		}
		tr := conntrack.New(conntrack.Config{MaxConns: 16})
		for i, f := range [][]byte{fromClient(40000, "S", 1000, 0, ""), fromServer(40000, "SA", 5000, 1001, ""), fromClient(40000, "A", 1001, 5001, "")} {
			var h packet.Headers
			var ct packet.CT
			packet.Parse(f, &h)
			h.Hash = tr.Hash(&h.Tuple)
			tr.In(int64(i), f, &h, 0, &ct)
			tr.Confirm(int64(i), &ct)
		}
		for _, c := range tr.All(10) {
			if offloaded(c) || c.TCP.State != conntrack.TCPEstablished {
				t.Errorf("status %#x, state %d", c.Status, c.TCP.State)
			}
		}
	})
	t.Run("A098_A111_states_decide_entering_and_leaving", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		r.Send("uplink_rep", fromClient(40000, "FA", 1001, 5001, ""))
		r.Send("vf0_rep", fromServer(40000, "A", 5001, 1002, ""))
		if r.E.Flows().Len() != 0 {
			t.Error("a closing connection is back in the table")
		}
	})
	t.Run("A100_A114_a_hit_bypasses_the_tracker", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		before := *only(t, r)
		for range 5 {
			r.Send("uplink_rep", fromClient(40000, "PA", 1001, 5001, "data"))
		}
		after := *only(t, r)
		if before.TCP != after.TCP || before.Timeout != after.Timeout {
			t.Error("the tracker's state moved")
		}
		if n := r.E.Flows().Counters().Hits; n != 5 {
			t.Errorf("%d hits, want 5", n)
		}
	})
	t.Run("A101_the_tracker_does_not_age_what_the_table_owns", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		c := only(t, r)
		c.Timeout = r.Now // the tracker alone would let it go now
		r.Now += 1e9
		r.E.Tracker().Tick(r.Now, 1<<20)
		if res := r.Send("uplink_rep", fromClient(40000, "PA", 1001, 5001, "x")); r.Out(res) != "vf0_rep" {
			t.Errorf("the connection is gone: %v", res.Verdict)
		}
	})
	t.Run("hand_back_takes_it_out_of_any_device_too", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		only(t, r).Status |= conntrack.StatusHWOffload
		r.Send("uplink_rep", fromClient(40000, "FA", 1001, 5001, ""))
		if c := only(t, r); c.Status&(conntrack.StatusHWOffload|conntrack.StatusOffload) != 0 {
			t.Errorf("status %#x", c.Status)
		}
	})
	t.Run("A112_one_entry_serves_both_directions", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		r.Send("uplink_rep", fromClient(40000, "PA", 1001, 5001, "GET"))
		r.Send("vf0_rep", fromServer(40000, "PA", 5001, 1004, "200"))
		if n := r.E.Flows().Counters().Hits; n != 2 || r.E.Flows().Len() != 1 {
			t.Errorf("%d hits by %d flows", n, r.E.Flows().Len())
		}
		c := only(t, r)
		ref, _ := r.E.Tracker().Lookup(&c.Orig, r.E.Tracker().Hash(&c.Orig), 0, r.Now)
		if rep := r.E.Tracker().Reply(ref); rep.Src != c.Orig.Dst || rep.DPort != c.Orig.SPort {
			t.Errorf("%v and %v", c.Orig, rep)
		}
	})
	t.Run("A115_a_subset_of_the_connection_table", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		r.Send("uplink_rep", fromClient(40001, "S", 1, 0, "")) // half open
		if f, c := r.E.Flows().Len(), r.E.Tracker().Len(); f != 1 || c != 2 {
			t.Errorf("%d flows of %d connections", f, c)
		}
	})
	t.Run("A067_an_unknown_UDP_packet_is_the_tracker's", func(t *testing.T) {
		r := datapathtest.New(t, udpPolicy...)
		res := r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		if r.E.Flows().Counters().Hits != 0 || res.Hits[0].CTState != policy.CTTracked|policy.CTNew {
			t.Errorf("state %#x", res.Hits[0].CTState)
		}
		// It goes on in the chain behind ct, which matches what ct has found.
		if len(res.Hits) != 2 || res.Hits[1].Chain != 2 || r.Out(res) != "b" {
			t.Errorf("hits %+v, went to %q", res.Hits, r.Out(res))
		}
	})
}

func TestB008_gre(t *testing.T) {
	const plain, keyed, pptp = "\x00\x00\x08\x00inner", "\x20\x00\x08\x00\x00\x00\x00\x09inner", "\x20\x01\x88\x0b\x00\x04\x12\x34data"
	run := func(payload string) *datapathtest.Rig {
		r := datapathtest.New(t, udpPolicy...)
		out := packettest.IP(datapathtest.Client, datapathtest.Server, packet.ProtoGRE, []byte(payload))
		back := packettest.IP(datapathtest.Server, datapathtest.Client, packet.ProtoGRE, []byte(payload))
		r.Send("a", out)
		r.Send("b", back)
		r.Send("a", out) // assured by now
		r.Send("a", out)
		return r
	}
	for name, p := range map[string]string{"plain": plain, "keyed": keyed} {
		if r := run(p); r.E.Flows().Len() != 1 || r.E.Flows().Counters().Hits == 0 {
			t.Errorf("%s: %d flows, %d hits", name, r.E.Flows().Len(), r.E.Flows().Counters().Hits)
		}
	}
	if r := run(pptp); r.E.Flows().Len() != 0 {
		t.Error("PPTP's GRE entered")
	}
	translated := &conntrack.Conn{Status: conntrack.StatusConfirmed | conntrack.StatusAssured | conntrack.StatusSrcNAT}
	translated.Orig.Proto = packet.ProtoGRE
	if ok, _ := flowtable.Admit(translated, packet.CTEstablished); ok {
		t.Error("translated GRE was admitted")
	}
}

// TestB006 promotes a flow that entered one way: its state follows the
// connection's from then on, with no second entry.
func TestB006_promotion_is_seen_at_once(t *testing.T) {
	r := datapathtest.New(t, udpPolicy...)
	q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q")
	a := packettest.UDP(datapathtest.Server, datapathtest.Client, 53, 1000, "a")
	states := []uint16{}
	for i, f := range [][]byte{q, q, a, q} {
		res := r.Send([]string{"a", "a", "b", "a"}[i], f)
		states = append(states, res.Hits[0].CTState)
	}
	want := []uint16{policy.CTTracked | policy.CTNew, policy.CTTracked | policy.CTNew,
		policy.CTTracked | policy.CTEstablished | policy.CTReply, policy.CTTracked | policy.CTEstablished}
	for i := range want {
		if states[i] != want[i] {
			t.Errorf("packet %d: state %#x, want %#x", i+1, states[i], want[i])
		}
	}
	if r.E.Flows().Len() != 1 {
		t.Errorf("%d flows", r.E.Flows().Len())
	}
}

// TestA062_A035 lets two policies share one tracker.
func TestA062_A035_one_tracker_serves_several_front_ends(t *testing.T) {
	first := datapathtest.New(t, datapathtest.HTTPPolicy...)
	first.Handshake(40000)
	second := datapath.New(datapath.Config{Tracker: first.E.Tracker(), Trace: true})
	if err := second.Load(datapathtest.New(t, udpPolicy...).P, first.Now); err != nil {
		t.Fatal(err)
	}
	dev, _ := second.Device("a")
	var v packet.Vector
	v.Now = first.Now + 1e6
	v.Add(fromClient(40000, "A", 1001, 5001, ""), dev)
	second.Process(&v)
	if hits := second.Trace(0); len(hits) == 0 || hits[0].CTState != policy.CTTracked|policy.CTEstablished {
		t.Errorf("the second front end sees %+v", hits)
	}
}
