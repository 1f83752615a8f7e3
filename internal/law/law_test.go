package law_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/driver/sim"
	"sluice/flowtable"
	"sluice/internal/state"
	"sluice/packet"
	"sluice/policy/tc"
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

// place is where and how packets are judged: all that their fate must not depend
// on.
type place struct {
	rig      *datapathtest.Rig
	cfg      datapath.Config
	cards    []sim.Config
	ports    [][]string
	nics     []*sim.NIC
	adm      flowtable.Admission
	aging    flowtable.Aging
	vector   int // most packets that are judged together
	ticks    int // one vector in so many is preceded by maintenance; 0: none
	vectors  int
	restarts int
	n        datapath.PipelineStats
	added    uint64 // flows in cards
}

func drawPlace(rt *rapid.T, t *testing.T, cfg datapath.Config, lines []string) *place {
	pl := &place{cfg: cfg, adm: drawAdmission(rt)}
	pl.adm.Low = cmp.Or(min(pl.adm.Low, pl.adm.High), pl.adm.Low)
	pl.cfg.ClassifyAll = rapid.IntRange(0, 3).Draw(rt, "classify all") == 3
	pl.vector = rapid.SampledFrom([]int{1, packet.VectorSize, 2, 16, 17}).Draw(rt, "vector")
	pl.ticks = rapid.SampledFrom([]int{1, 0, 5}).Draw(rt, "ticks")
	if rapid.IntRange(0, 4).Draw(rt, "sampling") == 4 {
		pl.aging = flowtable.Sample
	}
	switch rapid.IntRange(0, 4).Draw(rt, "cards") {
	case 0: // software alone
	case 4: // one for each port
		pl.cards, pl.ports = []sim.Config{drawCard(rt), drawCard(rt)}, [][]string{{"uplink_rep"}, {"vf0_rep"}}
		pl.cards[0].Name, pl.cards[1].Name = "one", "two"
	default:
		pl.cards, pl.ports = []sim.Config{drawCard(rt)}, [][]string{{"uplink_rep", "vf0_rep"}}
	}
	pl.rig = datapathtest.NewWith(t, pl.cfg, lines...)
	if err := pl.plug(pl.rig.E); err != nil {
		rt.Fatal(err)
	}
	if err := pl.rig.E.Load(pl.rig.P, pl.rig.Now); err != nil {
		rt.Fatal(err)
	}
	return pl
}

// plug puts new cards into an engine.
func (pl *place) plug(e *datapath.Engine) error {
	pl.nics = nil
	for i, cfg := range pl.cards {
		cfg.Tracker = e.Tracker()
		card, err := sim.New(cfg)
		if err != nil {
			return err
		}
		e.Attach(card, pl.ports[i]...)
		pl.nics = append(pl.nics, card)
	}
	e.Flows().Age(pl.aging)
	return e.Flows().SetAdmission(pl.rig.Now, pl.adm)
}

// tally adds up what the cards have done.
func (pl *place) tally() {
	for _, card := range pl.nics {
		s := card.Pipeline().Stats()
		pl.n.Packets += s.Packets
		pl.n.Start += s.Start
		pl.n.Middle += s.Middle
		d, _ := pl.rig.E.Flows().DeviceStats(card)
		pl.added += d.Added
	}
}

// restart saves all, and lets another engine with other cards go on from what was
// saved, as a replay's --state and --from-state do.
func (pl *place) restart() error {
	pl.restarts++
	pl.tally()
	r := pl.rig
	now := r.Now
	if len(pl.nics) > 0 {
		r.E.Flows().Read(now)
	}
	waiting := r.E.SaveFragments(now)
	s := &state.State{
		Clock: state.Clock{Now: now, Vector: now}, Tracker: r.E.Tracker(), Tables: r.E.Flows().Save(), Flows: r.E.Flows().Counters(),
		Actions: r.E.SaveActions(tc.Homes(r.P)), Random: r.E.Choices(), Fragments: &waiting, Origins: r.E.SaveOrigins(),
	}
	for i := int32(0); r.E.DeviceName(i) != ""; i++ {
		s.Devices = append(s.Devices, r.E.DeviceName(i))
	}
	var file bytes.Buffer
	if err := s.Write(&file); err != nil {
		return err
	}
	s, err := state.Read(&file)
	if err != nil {
		return err
	}
	cfg, p := pl.cfg, r.Policy()
	cfg.Tracker = s.Tracker
	e := datapath.New(cfg)
	if err := pl.plug(e); err != nil {
		return err
	}
	if err := e.Load(p, now); err != nil {
		return err
	}
	if err := e.Flows().Restore(now, s.Tables, s.Flows); err != nil {
		return err
	}
	if left := e.RestoreActions(s.Actions, tc.Homes(p)); len(left) > 0 {
		return fmt.Errorf("actions without a home: %+v", left)
	}
	e.RestoreOrigins(s.Origins)
	if err := e.SetChoices(s.Random); err != nil {
		return err
	}
	if err := e.RestoreFragments(*s.Fragments); err != nil {
		return err
	}
	r.Replace(e, p)
	return nil
}

// send lets the place judge what software alone has judged.
func (pl *place) send(t *datapathtest.Transcript, in []datapathtest.Input) error {
	frame := func(i int) bool { return i < len(in) && in[i].Do == nil && !in[i].Restart }
	for i := 0; i < len(in); {
		n := 1
		for frame(i) && frame(i+n) && in[i+n].At == in[i].At && n < pl.vector {
			n++
		}
		if in[i].Restart {
			pl.rig.Now = in[i].At
			if err := pl.restart(); err != nil {
				return fmt.Errorf("restart at %d: %w", in[i].At, err)
			}
		}
		if frame(i) {
			pl.vectors++
		}
		t.SendAll(pl.rig, in[i:i+n], pl.ticks > 0 && pl.vectors%pl.ticks == 0)
		i += n
		if errs := pl.rig.E.Flows().Check(); len(errs) > 0 {
			return fmt.Errorf("after the packet at %d: %v", in[i-1].At, errs)
		}
	}
	if errs := pl.rig.E.Tracker().Check(); len(errs) > 0 {
		return fmt.Errorf("in the end: %v", errs)
	}
	return nil
}

// TestI1_I2_exact: wherever packets are judged, what leaves, what becomes of every
// packet, and what is counted and told is what software alone does, one packet
// at a time, bit for bit: whatever card, policy, admission and traffic, whatever
// is loaded and ended meanwhile, and whoever goes on from a saved state.
func TestI1_I2_exact(t *testing.T) {
	var n datapath.PipelineStats
	var held uint64
	var reloads, restarts int
	rapid.Check(t, func(rt *rapid.T) {
		tunnel := rapid.IntRange(0, 3).Draw(rt, "tunnel") == 0
		lines := datapathtest.Policy(rt, tunnel)
		cfg := datapath.Config{Trace: rapid.Bool().Draw(rt, "trace")}
		soft := datapathtest.NewWith(t, cfg, lines...)
		hard := drawPlace(rt, t, cfg, lines)
		for _, r := range []*datapathtest.Rig{soft, hard.rig} {
			r.E.Tracker().Listen(1 << 12)
		}
		var want, got datapathtest.Transcript
		for _, c := range hard.cards {
			want.Uncounted = want.Uncounted || c.Counters == sim.CountUse
		}
		got.Uncounted = want.Uncounted
		var wrap func([]byte) []byte
		if tunnel {
			wrap = datapathtest.InTunnel
		}
		in := datapathtest.Traffic(rt, soft, &want, wrap)
		if err := hard.send(&got, in); err != nil {
			rt.Fatal(err)
		}
		soft.Now += 5e9
		hard.rig.Now = soft.Now
		a, b := want.End(soft)+events(soft), got.End(hard.rig)+events(hard.rig)
		if a != b {
			rt.Fatalf("%+v, vectors of %d, ticks %d, %d restarts\n%+v\n%s\n%s", hard.cards, hard.vector, hard.ticks, hard.restarts, hard.adm,
				fmt.Sprint(soft.Lines()), datapathtest.Differences(a, b))
		}
		hard.tally()
		n.Packets += hard.n.Packets
		n.Start += hard.n.Start
		n.Middle += hard.n.Middle
		held += hard.added
		restarts += hard.restarts
		for _, i := range in {
			if i.Do != nil {
				reloads++
			}
		}
	})
	if (n.Packets == 0 || n.Start == 0 || n.Middle == 0 || held == 0 || reloads == 0 || restarts == 0) && !testing.Short() {
		t.Errorf("not everything has happened: %+v, %d flows, %d changes, %d restarts", n, held, reloads, restarts)
	}
	t.Logf("packets that a card finished %d, gave back from the start %d, from the middle %d; %d flows, %d changes, %d restarts",
		n.Packets, n.Start, n.Middle, held, reloads, restarts)
}

// events lists what the tracker has told, but for where connections were carried.
// When an expiry is noticed depends on maintenance; that it is told, with what
// time, does not.
func events(r *datapathtest.Rig) string {
	tr := r.E.Tracker()
	for _, c := range tr.Known() {
		if tr.Expired(c, r.Now) {
			tu := c.Orig
			tr.Lookup(&tu, tr.Hash(&tu), c.Zone, r.Now)
		}
	}
	var lines []string
	for _, e := range tr.Events(0) {
		if e.What&^conntrack.Outside == 0 {
			continue
		}
		lines = append(lines, fmt.Sprintf("event %016d %#x expired %v %v reply %v zone %d status %#x mark %d\n", e.Time, e.What, e.Expired,
			e.Conn.Orig, e.Reply, e.Conn.Zone, e.Conn.Status&^conntrack.StatusHWOffload, e.Conn.Mark))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}
