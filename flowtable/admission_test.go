package flowtable_test

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

// sized is a device that says how much it can hold.
type sized struct{ prober }

func (s sized) Capacity() (limit, used int) { return s.limit, len(s.flows) }

func (r *rig) admit(a flowtable.Admission) {
	r.t.Helper()
	if err := r.set().SetAdmission(r.Now, a); err != nil {
		r.t.Fatal(err)
	}
	r.pump()
}

func (r *rig) data(port uint16) {
	r.t.Helper()
	r.send("uplink_rep", fromClient(port, "PA", 1001, 5001, "0123456789"))
}

func TestDeviceAdmission(t *testing.T) {
	start := func(t *testing.T, a flowtable.Admission) (*rig, *device) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.admit(a)
		r.Handshake(40000)
		r.pump()
		return r, d
	}
	t.Run("A195_A196_A198_B101_C45_after_so_many_packets", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{MinPackets: 20})
		for n := 4; n <= 20; n++ {
			r.why(offload.Few)
			if len(d.flows) != 0 || r.set().Len() != 1 {
				t.Fatalf("%d packets: in the device %d, in the flow table %d", n-1, len(d.flows), r.set().Len())
			}
			r.data(40000)
		}
		r.why(offload.NoReason)
	})
	t.Run("A196_after_so_many_bytes", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{MinBytes: 200})
		r.why(offload.Small)
		for len(d.flows) == 0 {
			r.data(40000)
		}
		if _, c := r.conn(); c.Bytes()[0]+c.Bytes()[1] < 200 || c.Bytes()[0]+c.Bytes()[1] >= 250 {
			t.Errorf("%v bytes", c.Bytes())
		}
	})
	t.Run("C45_after_so_long", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{MinAge: 5e9})
		r.why(offload.Young)
		for range 48 {
			r.idle(100e6)
			r.data(40000)
		}
		if len(d.flows) != 0 {
			t.Error("too young")
		}
		r.idle(200e6)
		r.data(40000)
		r.why(offload.NoReason)
	})
	t.Run("A199_C45_never_DNS", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, udpPolicy, prober{d})
		r.admit(flowtable.Admission{Never: flowtable.DNS})
		r.send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		r.why(offload.Never)
		r.send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 54, "q"))
		if len(d.flows) != 1 {
			t.Errorf("%d flows in the device", len(d.flows))
		}
	})
	t.Run("C45_never_a_protocol", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{NeverProto: []uint8{packet.ProtoTCP}})
		r.why(offload.Never)
		r.admit(flowtable.Admission{})
		if len(d.flows) != 1 {
			t.Error("not judged again by another policy")
		}
	})
	t.Run("A192_A202_zones_have_shares", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{ZoneShare: map[uint16]int{0: 1, 7: 5}})
		r.Handshake(40001)
		r.pump()
		if len(d.flows) != 1 || r.set().Len() != 2 {
			t.Errorf("%d flows in the device, %d in the flow table", len(d.flows), r.set().Len())
		}
		r.send("uplink_rep", fromClient(40000, "FA", 1001, 5001, ""))
		r.Now += 1e9
		r.data(40001)
		if len(d.flows) != 1 {
			t.Error("the share that became free was not given away")
		}
	})
	t.Run("A193_A203_the_program's_own_policy", func(t *testing.T) {
		asked, verdict := 0, flowtable.No
		r, d := start(t, flowtable.Admission{MinPackets: 1000, Hook: func(c *conntrack.Conn) flowtable.Verdict {
			asked++
			return verdict
		}})
		r.why(offload.Hook)
		for range 100 {
			r.data(40000)
		}
		if asked != 1 {
			t.Errorf("asked %d times in a tenth of a second", asked)
		}
		verdict = flowtable.Undecided
		r.Now += 1e9
		r.data(40000)
		r.why(offload.Few)
		verdict = flowtable.Yes
		r.Now += 1e9
		r.data(40000)
		if len(d.flows) != 1 {
			t.Error("not let in")
		}
	})
	t.Run("A200_B007_half_open_floods_never_reach_it", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{})
		for p := range uint16(500) {
			r.Send("uplink_rep", fromClient(20000+p, "S", 1, 0, ""))
		}
		r.pump()
		if len(d.requests) != 1 {
			t.Errorf("%d requests", len(d.requests))
		}
	})
	t.Run("B102_tunable_while_it_runs_and_checked", func(t *testing.T) {
		r, d := start(t, flowtable.Admission{MinPackets: 128})
		r.admit(flowtable.Admission{MinPackets: 3})
		if len(d.flows) != 1 {
			t.Error("a lower threshold changed nothing")
		}
		if a := r.set().Admission(); a.MinPackets != 3 || a.RetryEvery != 1e9 || a.High != 100 {
			t.Errorf("in force: %+v", a)
		}
		for want, a := range map[string]flowtable.Admission{
			"low water mark, 90 %, is above the high one, 80 %": {High: 80, Low: 90},
			"water marks of 101 % and 101 %":                    {High: 101},
			"least age is negative":                             {MinAge: -1},
			"between attempts is negative":                      {RetryEvery: -1},
			"number of flows is negative":                       {QueueMax: -1},
			"no eviction has the number 9":                      {Eviction: 9},
			"zone 3's share is negative":                        {ZoneShare: map[uint16]int{3: -1}},
		} {
			if err := r.set().SetAdmission(r.Now, a); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		if a := r.set().Admission(); a.MinPackets != 3 {
			t.Error("a refused policy is in force")
		}
	})
}

func TestFull(t *testing.T) {
	for name, mk := range map[string]func(*device) offload.Driver{
		"that_says_so":     func(d *device) offload.Driver { return sized{prober{d}} },
		"that_is_found_so": func(d *device) offload.Driver { return prober{d} },
	} {
		t.Run("A186_A187_X6_waiting_for_a_device_"+name, func(t *testing.T) {
			d := newDevice()
			d.limit = 2
			r := newRig(t, datapathtest.HTTPPolicy, mk(d))
			for p := range uint16(4) {
				r.Handshake(40000 + p)
				r.pump()
			}
			drv := r.set()
			st, _ := drv.DeviceStats(mk(d))
			if len(d.flows) != 2 || st.Pending != 2 || r.set().Len() != 4 {
				t.Fatalf("%d in the device, %d pending", len(d.flows), st.Pending)
			}
			r.send("uplink_rep", fromClient(40000, "FA", 1001, 5001, ""))
			r.pump()
			if len(d.flows) != 2 {
				t.Errorf("%d in the device", len(d.flows))
			}
			third := false
			for _, f := range d.flows {
				third = third || f.Tuple[0].SPort == 40002
			}
			if st, _ := drv.DeviceStats(mk(d)); !third || st.Pending != 1 {
				t.Errorf("first come, first served: %v, %d pending", third, st.Pending)
			}
		})
	}
	t.Run("A186_C47_the_pending_list_is_bounded", func(t *testing.T) {
		d := newDevice()
		d.limit = 1
		r := newRig(t, datapathtest.HTTPPolicy, sized{prober{d}})
		r.admit(flowtable.Admission{PendingMax: 3})
		for p := range uint16(20) {
			r.Handshake(40000 + p)
			r.pump()
		}
		st, _ := r.set().DeviceStats(sized{prober{d}})
		if st.Pending != 3 || st.Unlisted != 16 {
			t.Errorf("%d pending, %d turned away", st.Pending, st.Unlisted)
		}
		if len(d.requests) != 1 {
			t.Errorf("%d requests to a device known to be full", len(d.requests))
		}
	})
	t.Run("A201_the_queue_drops_the_oldest_additions", func(t *testing.T) {
		d := newDevice()
		d.takes = -1
		r := newRig(t, datapathtest.HTTPPolicy, stuck{d})
		r.admit(flowtable.Admission{QueueMax: 5})
		for p := range uint16(20) {
			r.Handshake(40000 + p)
			r.pump()
		}
		st, _ := r.set().DeviceStats(stuck{d})
		if st.Queue != 5 || st.Dropped != 15 {
			t.Errorf("%d wait, %d were dropped", st.Queue, st.Dropped)
		}
		if ref, _ := r.conn(); ref != 0 {
			if why, _ := r.set().Why(ref); why != offload.QueueFull {
				t.Errorf("reason %q", why)
			}
		}
		if add, del, stats := r.set().Backlog(); add != 5 || del != 0 || stats != 0 {
			t.Errorf("B018: %d %d %d", add, del, stats)
		}
	})
}

// stuck is a device that takes nothing.
type stuck struct{ *device }

func (stuck) Submit(int64, []offload.Request) int { return 0 }

func TestEviction(t *testing.T) {
	full := func(t *testing.T, a flowtable.Admission, n uint16) (*rig, *device, sized) {
		d := newDevice()
		d.limit = int(n)
		s := sized{prober{d}}
		r := newRig(t, datapathtest.HTTPPolicy, s)
		r.admit(a)
		for p := range n {
			r.Handshake(40000 + p)
			r.pump()
			r.Now += 1e9
		}
		return r, d, s
	}
	holds := func(d *device, port uint16) bool {
		for _, f := range d.flows {
			if f.Tuple[0].SPort == port {
				return true
			}
		}
		return false
	}
	carry := func(r *rig, d *device, port uint16, n uint64) {
		for _, f := range d.flows {
			if f.Tuple[0].SPort == port {
				f.stats.Packets[0] += n
				f.stats.Bytes[0] += 100 * n
				f.stats.Used = r.Now
			}
		}
	}
	t.Run("A188_A189_A190_C46_least_recently_used", func(t *testing.T) {
		r, d, s := full(t, flowtable.Admission{Eviction: flowtable.EvictLRU}, 4)
		carry(r, d, 40000, 1)
		r.Handshake(40010)
		r.pump()
		r.pump()
		if holds(d, 40001) || !holds(d, 40000) || !holds(d, 40010) || len(d.flows) != 4 {
			t.Errorf("the wrong one went: %d flows", len(d.flows))
		}
		st, _ := r.set().DeviceStats(s)
		if st.Evicted != 1 || r.set().Len() != 5 {
			t.Errorf("%d evicted, %d in the flow table", st.Evicted, r.set().Len())
		}
		// A speed bump, never an end: it is a connection and a flow as before.
		if res := r.Send("uplink_rep", fromClient(40001, "PA", 1001, 5001, "x")); r.Out(res) != "vf0_rep" {
			t.Errorf("went to %q", r.Out(res))
		}
	})
	t.Run("A188_lowest_rate", func(t *testing.T) {
		r, d, _ := full(t, flowtable.Admission{Eviction: flowtable.EvictRate}, 4)
		for range 30 {
			for p := range uint16(4) {
				carry(r, d, 40000+p, uint64(100*(p+1)))
			}
			if r.Now += 1e9; !holds(d, 40010) {
				r.set().Read(r.Now)
			}
		}
		mouse := func() { r.Handshake(40020); r.pump() }
		mouse()
		for range 20 {
			r.Now += 1e8
			r.data(40020)
			for p := range uint16(4) {
				carry(r, d, 40000+p, uint64(100*(p+1)/10))
			}
		}
		if holds(d, 40020) {
			t.Error("a mouse pushed out an elephant")
		}
		r.Handshake(40010)
		for range 2500 {
			r.Send("uplink_rep", fromClient(40010, "PA", 1001, 5001, "0123456789")) // a thousand a second
			if r.Now%1e8 < 1e6 {
				for p := range uint16(4) {
					carry(r, d, 40000+p, uint64(100*(p+1)/10))
				}
				r.pump()
			}
		}
		if !holds(d, 40010) || holds(d, 40000) {
			t.Errorf("the elephant is in: %v, the slowest still: %v", holds(d, 40010), holds(d, 40000))
		}
	})
	t.Run("B103_one_way_first", func(t *testing.T) {
		d := newDevice()
		d.limit = 2
		r := newRig(t, append(append([]string{}, datapathtest.HTTPPolicy...), udpPolicy...), sized{prober{d}})
		r.admit(flowtable.Admission{Eviction: flowtable.EvictState})
		r.Handshake(40000)
		r.pump()
		r.Now += 5e9
		r.send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 2000, "q"))
		r.Handshake(40001)
		r.pump()
		r.pump()
		if !holds(d, 40000) || holds(d, 1000) || !holds(d, 40001) {
			t.Errorf("%d flows", len(d.flows))
		}
	})
	t.Run("B100_water_marks", func(t *testing.T) {
		r, d, s := full(t, flowtable.Admission{High: 80, Low: 50}, 10)
		if len(d.flows) != 8 {
			t.Fatalf("%d flows at the high water mark", len(d.flows))
		}
		for p := range uint16(2) {
			r.send("uplink_rep", fromClient(40000+p, "FA", 1001, 5001, ""))
			r.pump()
		}
		if len(d.flows) != 6 {
			t.Errorf("%d flows: opened above the low water mark", len(d.flows))
		}
		r.send("uplink_rep", fromClient(40002, "FA", 1001, 5001, ""))
		r.pump()
		if st, _ := r.set().DeviceStats(s); len(d.flows) != 7 || st.Pending != 0 {
			t.Errorf("%d flows, %d pending below the low water mark", len(d.flows), st.Pending)
		}
	})
	t.Run("A191_B098_idle_flows_leave_room_to_active_ones", func(t *testing.T) {
		r, d, _ := full(t, flowtable.Admission{Eviction: flowtable.EvictLRU, High: 100, Low: 75}, 8)
		for range 3 {
			for p := range uint16(4) {
				carry(r, d, 40000+p, 1)
			}
			for p := range uint16(4) {
				r.Handshake(41000 + p)
				r.data(41000 + p)
			}
			r.idle(3e9)
		}
		for p := range uint16(4) {
			if !holds(d, 40000+p) {
				t.Errorf("active flow %d was evicted", p)
			}
		}
	})
}

func TestBack(t *testing.T) {
	start := func(t *testing.T) (*rig, *device) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		for p := range uint16(4) {
			r.Handshake(40000 + p)
			r.pump()
		}
		return r, d
	}
	t.Run("A122_never_again", func(t *testing.T) {
		r, d := start(t)
		ref, c := r.conn()
		d.carry(r.Now, 1, 7)
		if !r.set().Back(r.Now, ref, false) || inDevice(c) || !offloaded(c) || c.Packets()[1] != 2 || len(d.flows) != 3 {
			t.Errorf("status %#x, %v packets, %d flows", c.Status, c.Packets(), len(d.flows))
		}
		for range 5 {
			r.Now += 2e9
			r.data(c.Orig.SPort)
		}
		if inDevice(c) {
			t.Error("it is back in the device")
		}
		r.why(offload.Flushed)
	})
	t.Run("A122_later", func(t *testing.T) {
		r, _ := start(t)
		ref, c := r.conn()
		r.set().Back(r.Now, ref, true)
		r.data(c.Orig.SPort)
		if inDevice(c) {
			t.Error("at once, and not later")
		}
		r.Now += 1e9
		r.data(c.Orig.SPort)
		if !inDevice(c) {
			t.Error("not moved in again")
		}
	})
	for name, m := range map[string]flowtable.Match{
		"by_zone":      {InZone: true, Zone: 0},
		"by_mark":      {Mark: 5, MarkMask: 0xff},
		"by_label":     {Label: [16]byte{1}, LabelMask: [16]byte{3}},
		"by_predicate": {If: func(_ packet.ConnRef, c *conntrack.Conn) bool { return c.Orig.SPort == 40001 }},
	} {
		t.Run(name, func(t *testing.T) {
			r, d := start(t)
			want := 0
			for ref, c := range r.E.Tracker().Known() {
				if c.Orig.SPort == 40001 {
					r.E.Tracker().SetMark(ref, 5, 5)
					r.E.Tracker().SetLabel(ref, [16]byte{1}, [16]byte{1})
				}
			}
			r.Now += 1e9
			r.data(40001)
			if n := len(d.flows); n != 4 {
				t.Fatalf("%d flows", n)
			}
			for ref, c := range r.E.Tracker().Known() {
				if (!m.InZone || c.Zone == m.Zone) && (m.MarkMask == 0 || c.Mark == 5) && (m.LabelMask[0] == 0 || c.Label[0] == 1) && (m.If == nil || m.If(ref, c)) {
					want++
				}
			}
			if n := r.set().RemoveIf(r.Now, m); n != want || len(d.flows) != 4-want || r.set().Len() != 4-want || r.E.Tracker().Len() != 4 {
				t.Errorf("%d removed, want %d; %d in the device, %d in the flow table", n, want, len(d.flows), r.set().Len())
			}
			r.check()
		})
	}
	t.Run("B006_another_mark_or_label_is_told", func(t *testing.T) {
		r, d := start(t)
		ref, _ := r.conn()
		r.idle(1e9)
		r.E.Tracker().SetMark(ref, 9, 15)
		if d.flows[ref] != nil {
			t.Error("the device still has the old mark")
		}
		r.pump()
		if f := d.flows[ref]; f == nil || f.Mark != 9 {
			t.Errorf("%+v", f)
		}
	})
}
