package sim_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/flowtable"
)

// drawCard draws any card, good or bad.
func drawCard(rt *rapid.T) sim.Config {
	names, _ := sim.Profiles()
	c, err := sim.ParseProfile(rapid.SampledFrom(names).Draw(rt, "profile"))
	if err != nil {
		rt.Fatal(err)
	}
	if rapid.IntRange(0, 2).Draw(rt, "good") > 0 {
		return c // nothing in its way
	}
	span := func(what string, of ...time.Duration) time.Duration { return rapid.SampledFrom(of).Draw(rt, what) }
	chance := func(what string) float64 { return rapid.SampledFrom([]float64{0, 0, 0, 0, 0.1, 0.5, 1}).Draw(rt, what) }
	c.Flows = rapid.SampledFrom([]int{1, 2, 3, 1000}).Draw(rt, "flows")
	c.Rate = rapid.SampledFrom([]int64{0, 0, 1, 100, 10000}).Draw(rt, "rate")
	c.Removals = rapid.SampledFrom([]int64{0, 0, 1, 100}).Draw(rt, "removals")
	c.Delay = span("delay", 0, 0, 0, time.Millisecond, 100*time.Millisecond, 40*time.Second)
	c.Stats = span("stats", 0, 0, time.Millisecond, time.Second)
	c.Queue = rapid.SampledFrom([]int{1, 2, 64}).Draw(rt, "queue")
	c.FromStart = c.FromStart || rapid.Bool().Draw(rt, "from the start")
	c.OneWay = rapid.Bool().Draw(rt, "one way")
	c.Seeds = rapid.SampledFrom([]sim.Seeds{sim.SeedWide, sim.SeedTold, sim.SeedNone}).Draw(rt, "seeds")
	c.Counters = rapid.SampledFrom([]sim.Counters{sim.CountPackets, sim.CountPackets, sim.CountUse, sim.CountNothing}).Draw(rt, "counters")
	c.Unchecked = rapid.IntRange(0, 2).Draw(rt, "unchecked") == 0
	c.Window = c.Window || rapid.IntRange(0, 3).Draw(rt, "window") == 0
	f := &c.Faults
	f.Fail, f.Lose, f.Twice, f.Forget = chance("fail"), chance("lose"), chance("twice"), chance("forget")
	f.Late = span("late", 0, 0, time.Millisecond, time.Second)
	f.Slow = rapid.SampledFrom([]float64{0, 0, 10}).Draw(rt, "slow")
	if rapid.IntRange(0, 5).Draw(rt, "crash") == 0 {
		f.Crash, f.At, f.Down = true, span("crash at", 0, 2*time.Second, 20*time.Second), span("down", 0, time.Second, time.Minute)
	}
	c.Seed = rapid.Uint64().Draw(rt, "card's seed")
	return c
}

func drawAdmission(rt *rapid.T) flowtable.Admission {
	return flowtable.Admission{
		MinPackets: rapid.SampledFrom([]uint64{0, 0, 0, 3, 10}).Draw(rt, "least packets"),
		MinBytes:   rapid.SampledFrom([]uint64{0, 0, 0, 200}).Draw(rt, "least bytes"),
		MinAge:     rapid.SampledFrom([]int64{0, 0, 0, 1e9}).Draw(rt, "least age"),
		Eviction:   flowtable.Eviction(rapid.IntRange(0, 3).Draw(rt, "eviction")),
		High:       rapid.SampledFrom([]int{0, 100, 90}).Draw(rt, "high"),
		Low:        rapid.SampledFrom([]int{0, 50}).Draw(rt, "low"),
		RetryEvery: rapid.SampledFrom([]int64{0, 1e6}).Draw(rt, "retry"),
		PendingMax: rapid.SampledFrom([]int{0, 1}).Draw(rt, "pending"),
		QueueMax:   rapid.SampledFrom([]int{0, 1}).Draw(rt, "queue max"),
	}
}

// checks is how many runs TestI1_I2 makes; SLUICE_SOAK asks for more.
func checks(t *testing.T) time.Duration {
	s := os.Getenv("SLUICE_SOAK")
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("SLUICE_SOAK=%s: want seconds", s)
	}
	return time.Duration(n) * time.Second
}

// TestI1_I2_exact: whatever card, policy, admission and traffic, what leaves,
// what becomes of every packet, and what is counted is what software alone
// does, bit for bit.
func TestI1_I2_exact(t *testing.T) {
	var n datapath.PipelineStats
	var held uint64
	prop := func(rt *rapid.T) {
		tunnel := rapid.IntRange(0, 3).Draw(rt, "tunnel") == 0
		lines := datapathtest.Policy(rt, tunnel)
		cfg := drawCard(rt)
		adm := drawAdmission(rt)
		trace := rapid.Bool().Draw(rt, "trace")
		soft := datapathtest.NewWith(t, datapath.Config{Trace: trace}, lines...)
		hard := datapathtest.NewWith(t, datapath.Config{Trace: trace}, lines...)
		cfg.Tracker = hard.E.Tracker()
		card, err := sim.New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		hard.E.Attach(card, "uplink_rep", "vf0_rep")
		if err := hard.E.Load(hard.P, hard.Now); err != nil {
			rt.Fatal(err)
		}
		if adm.Low > adm.High && adm.High > 0 {
			adm.Low = adm.High
		}
		if err := hard.E.Flows().SetAdmission(hard.Now, adm); err != nil {
			rt.Fatal(err)
		}
		if rapid.Bool().Draw(rt, "sampling") {
			hard.E.Flows().Age(flowtable.Sample)
		}
		var want, got datapathtest.Transcript
		want.Uncounted = cfg.Counters == sim.CountUse
		got.Uncounted = want.Uncounted
		var wrap func([]byte) []byte
		if tunnel {
			wrap = datapathtest.InTunnel
		}
		in := datapathtest.Traffic(rt, soft, &want, wrap)
		for _, p := range in {
			got.Send(hard, p)
			if errs := hard.E.Flows().Check(); len(errs) > 0 {
				rt.Fatalf("after the packet at %d: %v", p.At, errs)
			}
		}
		soft.Now += 5e9
		hard.Now = soft.Now
		if a, b := want.End(soft), got.End(hard); a != b {
			rt.Fatalf("%+v\n%+v\n%+v\n%s\n%s", cfg, adm, card.Pipeline().Stats(), fmt.Sprint(lines), datapathtest.Differences(a, b))
		}
		s := card.Pipeline().Stats()
		n.Packets += s.Packets
		n.Start += s.Start
		n.Middle += s.Middle
		d, _ := hard.E.Flows().DeviceStats(card)
		held += d.Added
	}
	for end := time.Now().Add(checks(t)); ; {
		rapid.Check(t, prop)
		if t.Failed() || time.Now().After(end) {
			break
		}
	}
	if (n.Packets == 0 || n.Start == 0 || n.Middle == 0 || held == 0) && !testing.Short() {
		t.Errorf("not everything has happened: %+v, %d flows", n, held)
	}
	t.Logf("packets that a card finished %d, gave back from the start %d, from the middle %d; %d flows", n.Packets, n.Start, n.Middle, held)
}
