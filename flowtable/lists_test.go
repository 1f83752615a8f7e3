package flowtable_test

import (
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
)

// joiner is a driver that registers itself with the flow tables of the rules
// it takes, and counts.
type joiner struct {
	*device
	rules int
}

func (j *joiner) Replace(now int64, r *offload.Rule) error {
	for _, t := range r.Tables {
		if t != nil {
			if j.rules == 0 {
				t.Register(now, j)
			}
			j.rules++
		}
	}
	return nil
}

func (j *joiner) Destroy(now int64, r *offload.Rule) {
	for _, t := range r.Tables {
		if t != nil {
			if j.rules--; j.rules == 0 {
				t.Unregister(now, j)
			}
		}
	}
}

func TestLists(t *testing.T) {
	t.Run("A116_A117_A118_soft_and_hardware", func(t *testing.T) {
		d := newDevice()
		d.limit = 2
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		for p := range uint16(5) {
			r.Handshake(40000 + p)
			r.pump()
		}
		if all, hard := r.set().Len(), r.set().InDevices(); all != 5 || hard != 2 || len(d.flows) != hard {
			t.Errorf("%d flows, %d of them in devices, which hold %d", all, hard, len(d.flows))
		}
		for range 10 {
			r.idle(10e9)
			d.carry(r.Now, 0, 10)
		}
		// What software holds is aged by software's packets alone, what the
		// device holds by the device's.
		if all, hard := r.set().Len(), r.set().InDevices(); all != 2 || hard != 2 {
			t.Errorf("%d flows, %d of them in devices", all, hard)
		}
	})
	t.Run("A120_what_is_known_when_it_is_considered", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, append([]string{
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct commit zone 3 mark 7 label 05000000000000000000000000000000 nat src addr 10.9.9.9 pipe action mirred egress redirect dev b",
		}, datapathtest.HTTPPolicy...))
		r.table(3).Register(r.Now, prober{d})
		r.send("a", udpFrame(packet.Tuple{Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 2}, SPort: 1000, DPort: 2000}))
		ref, c := r.conn()
		f := d.flows[ref]
		if f == nil {
			t.Fatal("not told")
		}
		if f.Zone != 3 || f.Mark != 7 || f.Label != c.Label || f.Label == [16]byte{} || f.Rewrite[0].What != offload.SrcAddr || !f.Fresh {
			t.Errorf("%+v", f.Flow)
		}
		if f.Tuple[1] != r.E.Tracker().Reply(ref) || f.Tuple[1].Dst == f.Tuple[0].Src {
			t.Errorf("the reply comes as %v", f.Tuple[1])
		}
	})
	t.Run("A130_A134_a_device_may_let_go_by_itself", func(t *testing.T) {
		for name, exact := range map[string]bool{"at_once": true, "later": false} {
			t.Run(name, func(t *testing.T) {
				d := newDevice()
				var drv offload.Driver = d
				if exact {
					drv = prober{d}
				}
				r := newRig(t, datapathtest.HTTPPolicy, drv)
				r.Handshake(40000)
				r.pump()
				ref, c := r.conn()
				d.answers = append(d.answers, offload.Completion{Conn: ref, Op: offload.Remove, Reason: offload.Idle})
				r.pump()
				if inDevice(c) || !offloaded(c) || len(d.flows) != 0 {
					t.Errorf("status %#x, the device has %d flows", c.Status, len(d.flows))
				}
				r.why(offload.Idle)
				r.Now += 2e9
				r.data(40000)
				if st, _ := r.set().DeviceStats(drv); !inDevice(c) || st.Returned != 1 {
					t.Errorf("status %#x, %+v", c.Status, st)
				}
			})
		}
	})
	t.Run("A147_A149_A151_A155_drivers_register_themselves_by_rules", func(t *testing.T) {
		r := newRig(t, datapathtest.HTTPPolicy)
		j := &joiner{device: newDevice()}
		rule := &offload.Rule{Tables: []offload.FlowTable{r.table(0), nil}}
		if err := j.Replace(r.Now, rule); err != nil {
			t.Fatal(err)
		}
		if err := j.Replace(r.Now, rule); err != nil {
			t.Fatal(err)
		}
		r.Handshake(40000)
		r.pump()
		j.Destroy(r.Now, rule)
		if len(j.flows) != 1 {
			t.Errorf("%d flows while a rule is left", len(j.flows))
		}
		j.Destroy(r.Now, rule)
		if len(j.flows) != 0 || len(r.set().Devices()) != 0 {
			t.Errorf("%d flows behind the last rule", len(j.flows))
		}
		r.check()
	})
	t.Run("A132_A154_flows_come_from_packets_alone_and_leave_when_idle", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.pump()
		if len(d.requests) != 0 {
			t.Error("requests without packets")
		}
		r.Handshake(40000)
		r.idle(35e9)
		ops := []offload.Op{}
		for _, q := range d.requests {
			ops = append(ops, q.Op)
		}
		if len(ops) != 2 || ops[0] != offload.Add || ops[1] != offload.Remove {
			t.Errorf("requests %v", ops)
		}
	})
	t.Run("A194_what_a_device_has_and_what_became_of_requests", func(t *testing.T) {
		d := newDevice()
		d.limit = 3
		s := sized{prober{d}}
		r := newRig(t, datapathtest.HTTPPolicy, s)
		for p := range uint16(5) {
			r.Handshake(40000 + p)
			r.pump()
		}
		st, ok := r.set().DeviceStats(s)
		if !ok || st.Name != "nic0" || st.Held != 3 || st.Limit != 3 || st.Pending != 2 || st.Added != 3 || st.Submitted != 3 {
			t.Errorf("%+v", st)
		}
		if _, ok := r.set().DeviceStats(newDevice()); ok {
			t.Error("counts of a device that is not registered")
		}
	})
	t.Run("A195_A197_short_connections_cost_no_insertions", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.admit(flowtable.Admission{MinPackets: 20})
		for p := range uint16(50) {
			r.Handshake(40000 + p)
			r.data(40000 + p)
			r.send("uplink_rep", fromClient(40000+p, "FA", 1001, 5001, ""))
		}
		if len(d.requests) != 0 || r.set().Counters().Added != 50 {
			t.Errorf("%d requests, %d flows", len(d.requests), r.set().Counters().Added)
		}
	})
	t.Run("B015_the_tracker_s_own_timeout_is_a_day", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.Handshake(40000)
		r.pump()
		_, c := r.conn()
		if left := c.Timeout - r.Now; left != 86400e9 {
			t.Errorf("%d s", left/1e9)
		}
		c.Timeout = r.Now // a day later, say
		for range 3 {
			r.idle(20e9)
			d.carry(r.Now, 1, 10)
		}
		if r.E.Tracker().Len() != 1 || !inDevice(c) {
			t.Error("the tracker has aged what a device holds")
		}
		r.idle(40e9)
		if left := (c.Timeout - r.Now) / 1e9; offloaded(c) || left < 86300 || left > 86400 {
			t.Errorf("handed back with %d s", left)
		}
	})
	t.Run("B099_falling_back_to_software_and_returning", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.Handshake(40000)
		r.pump()
		_, c := r.conn()
		for range 10 {
			d.carry(r.Now, 0, 50)
			r.table(0).Unregister(r.Now, prober{d})
			r.data(40000)
			r.register(prober{d})
			r.pump()
		}
		if !inDevice(c) || c.Packets()[0] != 2+20 {
			t.Errorf("status %#x, %v packets", c.Status, c.Packets())
		}
	})
}
