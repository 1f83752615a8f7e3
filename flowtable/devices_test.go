package flowtable_test

import (
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

// rig is an engine whose flow tables know devices.
type rig struct {
	*datapathtest.Rig
	t *testing.T
}

func newRig(t *testing.T, lines []string, devs ...offload.Driver) *rig {
	t.Helper()
	r := &rig{datapathtest.New(t, lines...), t}
	r.E.Tracker().Listen(1000)
	for _, d := range devs {
		r.register(d)
	}
	return r
}

func (r *rig) set() *flowtable.Set { return r.E.Flows() }

// tables are the engine's, one a zone. Acquiring counts as another ct action.
func (r *rig) table(zone uint16) *flowtable.Table { return r.set().Acquire(zone, r.Now) }

func (r *rig) register(d offload.Driver) { r.table(0).Register(r.Now, d) }

// pump hands over and takes in what there is, and checks everything.
func (r *rig) pump() {
	r.t.Helper()
	r.set().Pump(r.Now)
	r.set().Pump(r.Now)
	r.check()
}

func (r *rig) check() {
	r.t.Helper()
	for _, err := range r.set().Check() {
		r.t.Error(err)
	}
}

func (r *rig) send(dev string, frame []byte) datapathtest.Result {
	r.t.Helper()
	res := r.Send(dev, frame)
	r.pump()
	return res
}

// idle lets time pass.
func (r *rig) idle(ns int64) {
	r.t.Helper()
	for end := r.Now + ns; r.Now < end; {
		r.Now += min(end-r.Now, 100e6)
		r.E.Tick(r.Now)
		r.pump()
	}
}

// conn is the only connection, as it is, nothing read.
func (r *rig) conn() (packet.ConnRef, *conntrack.Conn) {
	r.t.Helper()
	for ref, c := range r.E.Tracker().Known() {
		return ref, c
	}
	r.t.Fatal("no connection")
	return 0, nil
}

func inDevice(c *conntrack.Conn) bool { return c.Status&conntrack.StatusHWOffload != 0 }

func (r *rig) why(want offload.Reason) {
	r.t.Helper()
	ref, _ := r.conn()
	if got, _ := r.set().Why(ref); got != want {
		r.t.Errorf("reason %q, want %q", got, want)
	}
}

func TestRegister(t *testing.T) {
	t.Run("A146_A148_A152_told_of_what_enters_and_leaves", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.Handshake(40000)
		r.pump()
		ref, c := r.conn()
		if !inDevice(c) || len(d.requests) != 1 {
			t.Fatalf("status %#x, requests %+v", c.Status, d.requests)
		}
		f := d.requests[0].Flow
		if f.Conn != ref || f.Tuple[0] != c.Orig || f.Tuple[1] != r.E.Tracker().Reply(ref) || !f.Both || f.Fresh || f.Idle != 30e9 || f.Used != r.Now {
			t.Errorf("told %+v", f)
		}
		r.send("uplink_rep", fromClient(40000, "FA", 1001, 5001, ""))
		if inDevice(c) || d.count(offload.Remove) != 1 || len(d.flows) != 0 {
			t.Errorf("status %#x, requests %+v", c.Status, d.requests)
		}
	})
	t.Run("A148_B019_a_replay_tells_of_all_that_are_there", func(t *testing.T) {
		r := newRig(t, datapathtest.HTTPPolicy)
		const n = 1500
		for i := range n {
			r.Handshake(uint16(10000 + i))
		}
		d := newDevice()
		r.register(d)
		r.set().Pump(r.Now)
		if len(d.flows) == 0 || len(d.flows) == n {
			t.Errorf("%d flows at once: not a few at a time", len(d.flows))
		}
		r.pump()
		r.pump()
		if len(d.flows) != n || r.set().InDevices() != n {
			t.Errorf("%d flows in the device, %d say so", len(d.flows), r.set().InDevices())
		}
	})
	t.Run("A151_unregistering_takes_everything_back", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.Handshake(40000)
		r.pump()
		d.carry(r.Now, 0, 100)
		_, c := r.conn()
		before := c.Packets()[0]
		r.table(0).Unregister(r.Now, prober{d})
		if inDevice(c) || !offloaded(c) || c.Packets()[0] != before+1 || len(d.flows) != 0 {
			t.Errorf("status %#x, %d packets, %d flows in the device", c.Status, c.Packets()[0], len(d.flows))
		}
		d.answers = append(d.answers, offload.Completion{Conn: 1, Op: offload.Add})
		r.pump()
		r.why(offload.NoDevice)
		if len(r.set().Devices()) != 0 {
			t.Errorf("devices %v", r.set().Devices())
		}
	})
	t.Run("A109_the_zone's_last_action_empties_devices_at_once", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy)
		tab := r.table(0)
		tab.Register(r.Now, prober{d})
		r.set().Release(tab, r.Now)
		r.Handshake(40000)
		r.pump()
		r.Run("qdisc del dev uplink_rep ingress")
		r.Run("qdisc del dev vf0_rep ingress")
		if _, c := r.conn(); len(d.flows) != 0 || inDevice(c) {
			t.Errorf("%d flows stayed", len(d.flows))
		}
		r.check()
	})
	t.Run("A150_eight_devices_each_for_itself", func(t *testing.T) {
		r := newRig(t, datapathtest.HTTPPolicy)
		var all []*device
		for i := range 9 {
			d := newDevice()
			d.name = string(rune('a' + i))
			all = append(all, d)
			r.register(d)
		}
		all[3].refuse = offload.Unsupported
		r.Handshake(40000)
		r.pump()
		for i, d := range all {
			if want := i < 8 && i != 3; (len(d.flows) == 1) != want {
				t.Errorf("device %d holds %d flows", i, len(d.flows))
			}
		}
		if r.set().Counters().TooMany != 1 {
			t.Error("the ninth was not counted")
		}
		for i, d := range all[:8] {
			r.table(0).Unregister(r.Now, d)
			r.check()
			if _, c := r.conn(); inDevice(c) != (i < 7) {
				t.Errorf("after device %d: status %#x", i, c.Status)
			}
		}
	})
}

func TestCompletions(t *testing.T) {
	t.Run("B019_HW_OFFLOAD_from_the_answer_on", func(t *testing.T) {
		d := newDevice()
		d.auto = false
		r := newRig(t, datapathtest.HTTPPolicy, d)
		r.Handshake(40000)
		r.pump()
		_, c := r.conn()
		if inDevice(c) {
			t.Error("marked before the device has answered")
		}
		r.why(offload.Asked)
		d.answers = append(d.answers, d.do(r.Now, d.requests[0]))
		r.pump()
		if !inDevice(c) {
			t.Error("not marked afterwards")
		}
		r.why(offload.NoReason)
	})
	t.Run("A156_refused_for_good", func(t *testing.T) {
		d := newDevice()
		d.refuse = offload.LabelSpace
		r := newRig(t, datapathtest.HTTPPolicy, d)
		r.Handshake(40000)
		r.pump()
		for range 5 {
			r.idle(2e9)
			r.send("uplink_rep", fromClient(40000, "A", 1001, 5001, ""))
		}
		if n := d.count(offload.Add); n != 1 {
			t.Errorf("asked %d times", n)
		}
		r.why(offload.LabelSpace)
		d.refuse = 0
		if err := r.set().SetAdmission(r.Now, flowtable.Admission{}); err != nil {
			t.Fatal(err)
		}
		r.pump()
		if _, c := r.conn(); !inDevice(c) {
			t.Error("another policy did not have it judged again")
		}
	})
	t.Run("A156_B017_A204_failed_is_tried_again_once_a_second", func(t *testing.T) {
		d := newDevice()
		d.fail = true
		r := newRig(t, datapathtest.HTTPPolicy, d)
		r.Handshake(40000)
		r.pump()
		r.why(offload.Fault)
		for range 50 {
			r.Now += 99e6
			r.send("uplink_rep", fromClient(40000, "A", 1001, 5001, ""))
		}
		if n := d.count(offload.Add); n < 5 || n > 7 {
			t.Errorf("asked %d times in five seconds", n)
		}
		d.fail = false
		r.Now += 1e9
		r.send("uplink_rep", fromClient(40000, "A", 1001, 5001, ""))
		r.why(offload.NoReason)
	})
	t.Run("wrong_answers_are_counted_by_kind", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, d)
		r.Handshake(40000)
		r.pump()
		ref, _ := r.conn()
		d.answers = append(d.answers,
			offload.Completion{Conn: ref, Op: offload.Add},
			offload.Completion{Conn: ref + 1<<33, Op: offload.Add},
			offload.Completion{Conn: 77, Op: offload.Remove},
			offload.Completion{Conn: ref, Op: 9},
			offload.Completion{Conn: ref, Op: offload.Read},
		)
		r.pump()
		st, _ := r.set().DeviceStats(d)
		want := [flowtable.NumIgnored]uint64{flowtable.IgnoredUnknown: 1, flowtable.IgnoredStale: 1, flowtable.IgnoredDouble: 2, flowtable.IgnoredOp: 1}
		if st.Ignored != want {
			t.Errorf("ignored %v, want %v", st.Ignored, want)
		}
	})
	t.Run("late_insertion_after_removal", func(t *testing.T) {
		d := newDevice()
		d.auto = false
		r := newRig(t, datapathtest.HTTPPolicy, d)
		r.Handshake(40000)
		r.pump()
		r.send("uplink_rep", fromClient(40000, "R", 1001, 0, ""))
		if d.count(offload.Remove) != 1 {
			t.Fatalf("requests %+v", d.requests)
		}
		// Out of order: the removal is answered first.
		d.answers = append(d.answers, d.do(r.Now, d.requests[1]), offload.Completion{Conn: d.requests[0].Flow.Conn, Op: offload.Add})
		r.pump()
		if _, c := r.conn(); inDevice(c) {
			t.Error("marked by a late answer")
		}
		if st, _ := r.set().DeviceStats(d); st.Ignored[flowtable.IgnoredLate] != 1 || st.Leaving != 0 {
			t.Errorf("%+v", st)
		}
	})
	t.Run("never_answered_is_given_up", func(t *testing.T) {
		d := newDevice()
		d.auto = false
		r := newRig(t, datapathtest.HTTPPolicy, d)
		r.Handshake(40000)
		for range 60 {
			r.idle(2e9)
			r.send("uplink_rep", fromClient(40000, "A", 1001, 5001, ""))
		}
		st, _ := r.set().DeviceStats(d)
		if st.Lost < 2 || d.count(offload.Add) < 2 {
			t.Errorf("lost %d, asked %d times", st.Lost, d.count(offload.Add))
		}
	})
}

func TestDeviceCounters(t *testing.T) {
	t.Run("C05_A133_A223_A224_readings_reach_the_connection", func(t *testing.T) {
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
				_, c := r.conn()
				before := *c
				for i := range 10 {
					d.carry(r.Now, i%2, 100)
				}
				r.set().Read(r.Now)
				r.pump()
				if c.Packets()[0] != before.Packets()[0]+5 || c.Bytes()[1] != before.Bytes()[1]+500 {
					t.Errorf("%v packets, %v bytes", c.Packets(), c.Bytes())
				}
				r.set().Read(r.Now)
				r.pump()
				if c.Packets()[0] != before.Packets()[0]+5 {
					t.Error("counted twice")
				}
				d.carry(r.Now, 0, 1)
				r.send("uplink_rep", fromClient(40000, "FA", 1001, 5001, ""))
				if c.Packets()[0] != before.Packets()[0]+7 {
					t.Errorf("the removal's last counts are missing: %v", c.Packets())
				}
			})
		}
	})
	t.Run("C15_the_end_tells_what_devices_have_counted", func(t *testing.T) {
		d := newDevice()
		r := newRig(t, datapathtest.HTTPPolicy, prober{d})
		r.Handshake(40000)
		r.pump()
		d.carry(r.Now, 0, 1000)
		ref, _ := r.conn()
		r.E.Tracker().Kill(ref)
		if len(d.flows) != 0 {
			t.Error("the device still holds it")
		}
		var what []uint16
		var last conntrack.Event
		for _, e := range r.E.Tracker().Events(0) {
			if e.What&(conntrack.Outside|conntrack.EventDestroy) != 0 {
				what = append(what, e.What)
			}
			last = *e
		}
		if len(what) != 4 || what[0] != conntrack.EventOffload || what[1] != conntrack.EventHWOffload || what[2] != conntrack.EventBack || what[3] != conntrack.EventDestroy {
			t.Errorf("events %#x", what)
		}
		if last.Conn.Packets()[0] != 3 || last.Conn.Bytes()[0] < 1000 {
			t.Errorf("final counters %v %v", last.Conn.Packets(), last.Conn.Bytes())
		}
		r.pump()
	})
}

func TestC01_A133_activity_in_either_direction(t *testing.T) {
	for name, exact := range map[string]bool{"at_once": true, "later": false} {
		for dir := range 2 {
			for _, aging := range []flowtable.Aging{flowtable.Sweep, flowtable.Sample} {
				t.Run(name+"_"+aging.String()+"_"+string(rune('0'+dir)), func(t *testing.T) {
					d := newDevice()
					var drv offload.Driver = d
					if exact {
						drv = prober{d}
					}
					r := newRig(t, datapathtest.HTTPPolicy, drv)
					r.set().Age(aging)
					r.Handshake(40000)
					r.pump()
					for range 20 {
						r.idle(25e9)
						d.carry(r.Now, dir, 100)
					}
					_, c := r.conn()
					if !inDevice(c) || !offloaded(c) {
						t.Errorf("status %#x", c.Status)
					}
					r.idle(60e9)
					if inDevice(c) || offloaded(c) || len(d.flows) != 0 {
						t.Errorf("idle, and status %#x", c.Status)
					}
					if want := uint64(20); c.Packets()[dir] < want {
						t.Errorf("%v packets", c.Packets())
					}
				})
			}
		}
	}
}

func TestOneWay(t *testing.T) {
	d := newDevice()
	r := newRig(t, udpPolicy, prober{d})
	q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 2000, "q")
	a := packettest.UDP(datapathtest.Server, datapathtest.Client, 2000, 1000, "a")
	r.send("a", q)
	ref, c := r.conn()
	t.Run("B005_A111_one_way_and_fresh", func(t *testing.T) {
		if f := d.flows[ref]; f == nil || f.Both || !f.Fresh {
			t.Fatalf("%+v", d.flows)
		}
	})
	t.Run("B006_an_answer_takes_it_out_until_it_is_assured", func(t *testing.T) {
		r.send("b", a)
		if len(d.flows) != 0 || inDevice(c) {
			t.Fatal("the device would still say +new")
		}
		r.why(offload.OneWay)
		r.Now += 3e9
		r.send("a", q)
		if f := d.flows[ref]; f == nil || !f.Both || f.Fresh || !inDevice(c) {
			t.Errorf("%+v", f)
		}
	})
}

func TestB005_one_way_flows_try_again(t *testing.T) {
	d := newDevice()
	d.fail = true
	r := newRig(t, udpPolicy, prober{d})
	r.admit(flowtable.Admission{MinPackets: 3})
	q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 2000, "q")
	for i, want := range []int{0, 0, 1, 1} {
		r.send("a", q)
		if n := d.count(offload.Add); n != want {
			t.Errorf("packet %d: asked %d times, want %d", i+1, n, want)
		}
	}
	d.fail = false
	r.Now += 1e9
	r.send("a", q)
	r.why(offload.NoReason)
}
