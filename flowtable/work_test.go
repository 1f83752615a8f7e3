package flowtable_test

import (
	"testing"

	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
)

// crowd is n flows in a device that answers readings, at time 1.
func crowd(t *testing.T, n int, aging flowtable.Aging) (*flowtable.Set, *fast, []packet.ConnRef) {
	t.Helper()
	set, table, refs := established(t, n)
	f := &fast{}
	set.Age(aging)
	table.Register(0, fastProber{f})
	for i, ref := range refs {
		table.Offer(1, ref, packet.CTEstablished, 0)
		if i%64 == 63 {
			set.Pump(1)
		}
	}
	set.Pump(1)
	set.Pump(1)
	if set.InDevices() != n {
		t.Fatalf("%d of %d in the device", set.InDevices(), n)
	}
	return set, f, refs
}

func TestWork(t *testing.T) {
	const n = 30000
	t.Run("A127_X7_sampling_looks_at_2N_K_a_second", func(t *testing.T) {
		set, f, _ := crowd(t, n, flowtable.Sample)
		now := int64(1)
		second := func() int {
			before := f.reads
			for range 1000 {
				now += 1e6
				set.Tick(now, 8192)
			}
			return f.reads - before
		}
		second()
		for range 5 {
			if got, want := second(), 2*n/30; got < want-10 || got > want+10 {
				t.Errorf("%d flows read in a second, want %d", got, want)
			}
		}
		for range 60 {
			second()
		}
		if set.Len() != n {
			t.Errorf("%d flows of %d are left: some were not seen in time", set.Len(), n)
		}
	})
	t.Run("A129_A131_B013_the_timeout_is_settable", func(t *testing.T) {
		set, f, _ := crowd(t, n, flowtable.Sample)
		for _, name := range []string{"nf_flowtable_tcp_timeout", "nf_flowtable_udp_timeout"} {
			if s, err := set.Tracker().Settings().Get(name); s != "30" || err != nil {
				t.Errorf("%s is %q, %v", name, s, err)
			}
		}
		if err := set.Tracker().Settings().Set("nf_flowtable_udp_timeout", "10"); err != nil {
			t.Fatal(err)
		}
		if err := set.Tracker().Settings().Set("nf_flowtable_tcp_timeout", "10"); err != nil {
			t.Fatal(err)
		}
		for now := int64(1); now < 1e9; now += 1e6 {
			set.Tick(now, 8192)
		}
		if want := 2 * n / 10; f.reads < want-10 || f.reads > want+10 {
			t.Errorf("%d flows read in a second, want %d", f.reads, want)
		}
	})
	t.Run("A126_B016_a_sweep_asks_late", func(t *testing.T) {
		set, f, _ := crowd(t, n, flowtable.Sweep)
		for now := int64(1e6); now < 30e9; now += 1e6 {
			set.Tick(now, 8192)
		}
		// Used all the time: a tenth of the timeout after a reading the next.
		if f.reads < 7*n || f.reads > 10*n {
			t.Errorf("%.1f readings a flow in 30 s", float64(f.reads)/n)
		}
	})
	t.Run("A123_C22_C23_a_tick_is_bounded", func(t *testing.T) {
		for _, aging := range []flowtable.Aging{flowtable.Sweep, flowtable.Sample} {
			set, f, _ := crowd(t, n, aging)
			now, most := int64(20e9), 0
			for range 100 {
				before := f.reads
				now += 1e9
				set.Tick(now, 1000)
				most = max(most, f.reads-before)
			}
			if most == 0 || most > 1000 {
				t.Errorf("%v: up to %d flows read in a tick", aging, most)
			}
		}
	})
	t.Run("A153_requests_go_in_batches", func(t *testing.T) {
		set, table, refs := established(t, 1024)
		d := newDevice()
		table.Register(0, prober{d})
		for _, ref := range refs {
			table.Offer(1, ref, packet.CTEstablished, 0)
		}
		if len(d.requests) != 0 {
			t.Error("handed over with the packet")
		}
		set.Pump(1)
		if d.batches != 1024/64 || d.count(offload.Add) != 1024 {
			t.Errorf("%d requests in %d batches", d.count(offload.Add), d.batches)
		}
	})
	t.Run("nothing_is_allocated_in_the_steady_state", func(t *testing.T) {
		set, table, refs := established(t, 256)
		f := &fast{answers: make([]offload.Completion, 0, 4096)}
		table.Register(0, fastProber{f})
		now := int64(1)
		round := func() {
			for _, ref := range refs {
				table.Offer(now, ref, packet.CTEstablished, 0)
			}
			set.Pump(now)
			set.Read(now)
			now += 1e6
			set.Tick(now, 8192)
			set.RemoveIf(now, flowtable.Match{})
			set.Pump(now)
			now += 2e9
			set.Tick(now, 8192)
		}
		round()
		round()
		if got := testing.AllocsPerRun(20, round); got != 0 {
			t.Errorf("%v allocations a round", got)
		}
	})
}
