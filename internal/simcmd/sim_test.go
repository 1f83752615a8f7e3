package simcmd

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/report"
)

// simulate runs a workload for 20 seconds, at a small scale.
func simulate(t *testing.T, o Options) *Result {
	t.Helper()
	if o.Duration == 0 {
		o.Duration = 20 * time.Second
	}
	o.Seed = 1
	r, err := Simulate(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range r.Runs {
		// Whatever the policy, packets have the same fate.
		if n.Packets != r.Runs[0].Packets && n.Scale == r.Runs[0].Scale || !reflect.DeepEqual(n.Dropped, r.Runs[0].Dropped) {
			t.Errorf("%s: %d packets, dropped %v; with %s %d packets, dropped %v", n.Policy, n.Packets, n.Dropped, r.Runs[0].Policy, r.Runs[0].Packets, r.Runs[0].Dropped)
		}
		sum := n.Whole.Device.Packets + n.Whole.FlowTable.Packets + n.Whole.Tracker.Packets + n.Whole.Untracked.Packets
		if sum != n.Packets {
			t.Errorf("%s: %d packets by tier, %d in all", n.Policy, sum, n.Packets)
		}
	}
	return r
}

// count is how many attempts came to nothing for a reason.
func (n *Run) refused(reason string) uint64 {
	for _, c := range n.Refusals {
		if c.Name == reason {
			return c.Count
		}
	}
	return 0
}

// A talk's figures: with a million connections, all in the device, host and
// card forward 23 times what the host does alone.
func TestA190_A226_TheTalksMillion(t *testing.T) {
	r := simulate(t, Options{
		Workload: "idle,conns=1M,active=1M,rate=2M/s,open=500k/s", Device: "plain,flows=2M,rate=1M", Scale: 0.01, Policies: []string{"none", Off},
	})
	card, host := r.Runs[0], r.Runs[1]
	if card.Steady.DeviceShare < 0.99 || card.HeldMost != 10_000 {
		t.Errorf("the device carries %.3f of packets and holds %d flows, want all", card.Steady.DeviceShare, card.HeldMost)
	}
	if f := card.Forward; f.Bound != "device" || f.PacketsPerSecond != 23e6 {
		t.Errorf("host and card would forward %v, want 23 M/s", f)
	}
	if f := host.Forward; f.Bound != "software" || f.PacketsPerSecond < 0.99e6 || f.PacketsPerSecond > 1.01e6 {
		t.Errorf("the host alone would forward %v, want 1 M/s", f)
	}
}

// TestX11: the talk's 23 million packets a second, of 114 bytes and in
// encapsulation, are what 25 Gb/s Ethernet carries with preamble and gap (20
// bytes), and 23 times what the host does.
func TestX11_TheTalksFigureIsLineRate(t *testing.T) {
	const frame, overhead, line = 114, 20, 25e9
	bits := TalkCosts.Device * (frame + overhead) * 8
	if bits > line || bits < 0.98*line {
		t.Errorf("%.3g b/s of %.3g", bits, float64(line))
	}
	if TalkCosts.Device != 23*TalkCosts.Tracker {
		t.Errorf("%+v", TalkCosts)
	}
}

func TestA191_TenMillionOfWhichTwoAreActive(t *testing.T) {
	r := simulate(t, Options{
		Workload: "idle,conns=10M,active=2M", Device: "plain,flows=2M,rate=300k", Scale: 0.002, Duration: 60 * time.Second, Find: true, Target: 0.95,
	})
	if r.Found == "" {
		t.Fatal("no policy was found")
	}
	last := r.Runs[len(r.Runs)-1]
	if last.Policy != r.Found || last.Steady.DeviceShare < 0.95 || last.HeldMost > 4000 {
		t.Errorf("%s keeps %.3f of packets in a device that holds %d flows", last.Policy, last.Steady.DeviceShare, last.HeldMost)
	}
	if none := r.Runs[0]; none.Policy != "none" || none.Steady.DeviceShare > 0.8 {
		t.Errorf("%s keeps %.3f in the device: there is nothing to be found", none.Policy, none.Steady.DeviceShare)
	}
}

// More connections than the device has room for: it is never overfull, and
// eviction keeps those that matter.
func TestA189_MoreThanTheDeviceHolds(t *testing.T) {
	r := simulate(t, Options{Workload: "zipf,conns=5000,rate=50k/s,s=1.2,open=2k/s", Device: "plain,flows=500", Policies: []string{"none", "rate"}})
	none, rate := r.Runs[0], r.Runs[1]
	for _, n := range r.Runs {
		if n.HeldMost > 500 || n.HeldMost < 490 {
			t.Errorf("%s: the device held %d flows, its room is for 500", n.Policy, n.HeldMost)
		}
	}
	if rate.Steady.DeviceShare < none.Steady.DeviceShare+0.1 || rate.Evictions == 0 {
		t.Errorf("with eviction the device carries %.3f (%d evictions), without %.3f", rate.Steady.DeviceShare, rate.Evictions, none.Steady.DeviceShare)
	}
}

func TestAdmission(t *testing.T) {
	t.Run("A192_A202_the_host_sets_the_limit", func(t *testing.T) {
		r := simulate(t, Options{Workload: "zipf,conns=2000,rate=20k/s,open=2k/s", Device: "plain", Duration: 5 * time.Second, Policies: []string{"none", "max=300"}})
		if all, some := r.Runs[0].HeldMost, r.Runs[1].HeldMost; all != 2000 || some != 300 {
			t.Errorf("held %d without a limit and %d with one of 300", all, some)
		}
	})
	t.Run("A195_A196_A197_thresholds_keep_mice_out", func(t *testing.T) {
		r := simulate(t, Options{
			Workload: "web,rate=500/s,min=2,gap=0s + elephants,conns=10,rate=20k/s", Device: "plain", Duration: 10 * time.Second,
			Policies: []string{"none", "packets=20", "bytes=30k", "packets=1M"},
		})
		none, packets, bytes, never := r.Runs[0], r.Runs[1], r.Runs[2], r.Runs[3]
		for _, n := range []*Run{packets, bytes} {
			if n.Insertions*2 > none.Insertions || n.Steady.DeviceShare < none.Steady.DeviceShare-0.15 || n.Insertions < 10 {
				t.Errorf("%s: %d insertions, %.3f in the device; without a threshold %d, %.3f", n.Policy, n.Insertions, n.Steady.DeviceShare, none.Insertions, none.Steady.DeviceShare)
			}
		}
		if never.Insertions != 0 {
			t.Errorf("%d connections of a million packets were inserted", never.Insertions)
		}
	})
	// Where insertions are what is scarce, connections that end before their
	// turn has come hold up the others; a threshold keeps them out of the queue.
	t.Run("A195_A197_insertion_rate_is_the_bottleneck", func(t *testing.T) {
		r := simulate(t, Options{
			Workload: "web,rate=500/s + elephants,conns=20,rate=5k/s", Device: "plain,flows=1000,rate=100", Duration: 5 * time.Second, Policies: []string{"none", "packets=100"},
		})
		none, some := r.Runs[0], r.Runs[1]
		if some.Insertions < 2*none.Insertions || some.QueueMost*5 > none.QueueMost || some.Steady.DeviceShare < none.Steady.DeviceShare+0.05 {
			t.Errorf("with a threshold %d insertions, a queue of %d, %.3f in the device; without %d, %d, %.3f",
				some.Insertions, some.QueueMost, some.Steady.DeviceShare, none.Insertions, none.QueueMost, none.Steady.DeviceShare)
		}
	})
	t.Run("A199_DNS_stays_out", func(t *testing.T) {
		r := simulate(t, Options{Workload: "dns,rate=1k/s", Device: "plain,oneway=on", Duration: 3 * time.Second, Policies: []string{"none", "never=dns"}})
		if all, no := r.Runs[0].Insertions, r.Runs[1].Insertions; all < 2900 || no != 0 {
			t.Errorf("%d insertions, and %d with never=dns", all, no)
		}
	})
	t.Run("A200_half_open_connections_are_not_offloaded", func(t *testing.T) {
		r := simulate(t, Options{Workload: "synflood,rate=5k/s + halfopen,rate=5k/s", Device: "plain", Duration: 3 * time.Second})
		if n := r.Runs[0]; n.Insertions != 0 || n.QueueMost != 0 || n.Tracked < 29_000 {
			t.Errorf("%d insertions, a queue of %d; %d connections are tracked", n.Insertions, n.QueueMost, n.Tracked)
		}
	})
	t.Run("A204_what_the_device_has_lost_is_put_back", func(t *testing.T) {
		r := simulate(t, Options{Workload: "idle,conns=200,active=200,rate=10k/s", Device: "plain,forget=0.001", Duration: 10 * time.Second})
		if n := r.Runs[0]; n.Insertions < 220 || n.Steady.DeviceShare < 0.8 {
			t.Errorf("%d insertions, %.3f in the device", n.Insertions, n.Steady.DeviceShare)
		}
	})
	t.Run("A201_queues_are_bounded", func(t *testing.T) {
		r := simulate(t, Options{Workload: "web,rate=2k/s", Device: "plain,rate=100,queue=10", Duration: 5 * time.Second, Policies: []string{"queue=50", Off}})
		n := r.Runs[0]
		// The flow table's own, the card's, and removals, which nobody refuses.
		if n.QueueMost > 50+10+20 || n.refused("the queue to the device overflowed") == 0 {
			t.Errorf("the queue grew to %d of 50; refused: %v", n.QueueMost, n.Refusals)
		}
		if len(n.Dropped) > 0 {
			t.Errorf("packets were dropped: %v", n.Dropped)
		}
	})
}

// A flood of SYNs takes nothing from established connections: neither their
// place in the device nor, with the table full, in the tracker.
func TestA200_A201_FloodLeavesEstablishedConnections(t *testing.T) {
	r := simulate(t, Options{
		Workload: "idle,conns=500,active=500,rate=20k/s + synflood,rate=20k/s,start=10s", Device: "plain,flows=1000", Duration: 20 * time.Second, Settle: 11 * time.Second,
		Policies: []string{"none", "lru"}, Sysctls: []string{"nf_conntrack_max=20000"},
	})
	for _, n := range r.Runs {
		// In the steady part every second packet is a SYN.
		if n.Steady.DeviceShare < 0.495 || n.Insertions != 500 || n.Evictions != 0 {
			t.Errorf("%s: the device carries %.3f of packets; %d insertions, %d evictions", n.Policy, n.Steady.DeviceShare, n.Insertions, n.Evictions)
		}
		if n.TrackerRefused+n.TrackerReplaced == 0 || n.Tracked > 20_000 {
			t.Errorf("%s: the tracker is not full: %d connections, %d refused, %d replaced", n.Policy, n.Tracked, n.TrackerRefused, n.TrackerReplaced)
		}
	}
}

// One-way streams are a device's only if it can.
func TestOneWayStreams(t *testing.T) {
	r := simulate(t, Options{Workload: "udp-oneway,conns=20,rate=5k/s", Device: "plain,oneway=off", Duration: 3 * time.Second})
	if n := r.Runs[0]; n.Insertions != 0 {
		t.Errorf("%d insertions into a device that cannot", n.Insertions)
	}
}

func asJSON(t *testing.T, r *Result) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestI6_SameSeedSameResult(t *testing.T) {
	o := Options{
		Workload: "web,rate=300/s + zipf,conns=500,rate=5k/s", Device: "plain,flows=200,rate=500,fail=0.1", Duration: 3 * time.Second,
		Policies: []string{"packets=8,lru", "rate"},
	}
	a, b := asJSON(t, simulate(t, o)), asJSON(t, simulate(t, o))
	if a != b {
		t.Error("two runs differ")
	}
	var back Result
	if err := json.Unmarshal([]byte(a), &back); err != nil || len(back.Runs) != 2 || back.Runs[1].Policy != "rate" {
		t.Errorf("%v; read back: %+v", err, back)
	}
}

func TestStoppedEarly(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	r, err := Simulate(ctx, Options{Workload: "zipf,conns=1000,rate=1M/s", Device: "plain,flows=1000", Duration: time.Hour, Policies: []string{"none", "lru"}})
	if !errors.Is(err, context.DeadlineExceeded) || r == nil {
		t.Fatalf("%v, %v", r, err)
	}
	n := r.Runs[0]
	if len(r.Runs) != 1 || !n.Incomplete || r.Incomplete == "" || n.Packets == 0 || n.Seconds >= 3600 {
		t.Errorf("%d runs; the first had %d packets in %v seconds, incomplete: %q", len(r.Runs), n.Packets, n.Seconds, r.Incomplete)
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "incomplete: policy none: stopped after ") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

func TestTextAndPage(t *testing.T) {
	r := simulate(t, Options{Workload: "web,rate=200/s", Device: "plain,flows=20", Duration: 4 * time.Second, Policies: []string{"none", "packets=8,lru", Off}})
	var text, page strings.Builder
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.Page().Write(&page); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"packets=8,lru", "off", "device", "(20 flows)", "4 s of 4 s", "would forward"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, text.String())
		}
	}
	for _, want := range []string{"packets=8,lru", "web,rate=200/s", "Flows in the device", "Elephants and mice"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, n := range r.Runs {
		at := int64(0)
		for _, s := range n.page.Samples {
			if at += s.Length; at != s.At {
				t.Fatalf("%s: a sample ends at %d, after %d", n.Policy, s.At, at)
			}
		}
		if at != int64(4*time.Second) {
			t.Errorf("%s: samples cover %d ns", n.Policy, at)
		}
	}
}

// Runs of a search at a smaller scale are drawn as large as the last one.
func TestPageOfDifferentScales(t *testing.T) {
	r := simulate(t, Options{Workload: "zipf,conns=100k,rate=100k/s,open=100k/s", Device: "plain,flows=1M", Scale: 0.02, Duration: 2 * time.Second, Find: true, Target: 0.2})
	small := *r.Runs[0]
	small.Scale, small.page.Samples = r.Scale/2, enlarged(r.Runs[0].page.Samples, 0.5)
	r.Runs = append(r.Runs, &small)
	p := r.Page()
	a, b := p.Runs[0].Total(), p.Runs[len(p.Runs)-1].Total()
	if p.Runs[0].Name == p.Runs[1].Name || !near(a.Packets[report.Device], b.Packets[report.Device]) || !near(a.NewConns, b.NewConns) || a.NewConns == 0 {
		t.Errorf("drawn as %v, %d and %v, %d", a.Packets, a.NewConns, b.Packets, b.NewConns)
	}
}

// near is within a tenth.
func near(a, b uint64) bool { return a <= b+b/10 && b <= a+a/10 }

func TestOwnPolicy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.tc")
	text := "filter add dev srv ingress chain 0 proto ip flower action mirred egress redirect dev cli\n" +
		"filter add dev cli ingress chain 0 proto ip flower action mirred egress redirect dev srv\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	o := Options{Workload: "dns,rate=1k/s", Device: "plain", Duration: time.Second, TC: file, Clients: "cli", Servers: "srv", Policies: []string{Off}}
	if n := simulate(t, o).Runs[0]; n.Steady.Untracked.Packets == 0 || n.Tracked != 0 {
		t.Errorf("without ct: %+v, %d connections", n.Steady, n.Tracked)
	}
	o.Clients = "eth7"
	if _, err := Simulate(context.Background(), o); err == nil || !strings.Contains(err.Error(), `does not mention device "eth7"; it knows `) {
		t.Error(err)
	}
	o.Clients = "srv"
	if _, err := Simulate(context.Background(), o); err == nil || !strings.Contains(err.Error(), "behind the same device") {
		t.Error(err)
	}
}

func TestBadOptions(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Workload = "wbe" }, `no workload is called "wbe"`},
		{func(o *Options) { o.Device = "mlx6" }, `unknown device profile "mlx6"; there are `},
		{func(o *Options) { o.Device = "plain,flos=5" }, `unknown key "flos"; there are flows`},
		{func(o *Options) { o.Policies = []string{"lur"} }, `nothing is called "lur"; there are none, `},
		{func(o *Options) { o.Policies = []string{"lur"} }, "or off alone"},
		{func(o *Options) { o.Policies = []string{"lru", "none", "lru"} }, "--policy lru is there twice"},
		{func(o *Options) { o.Duration = 0 }, "--duration 0s: want 1ms to 24h"},
		{func(o *Options) { o.Settle = time.Hour }, "--settle 1h0m0s: want less than --duration"},
		{func(o *Options) { o.Scale = -1 }, "--scale -1: want a number above 0"},
		{func(o *Options) { o.Target = 95 }, "--target 95: want a share"},
		{func(o *Options) { o.Aging = "never" }, "--aging never: want one of sweep, sample"},
		{func(o *Options) { o.Sysctls = []string{"nf_conntrack_max"} }, "--sysctl nf_conntrack_max: want NAME=VALUE"},
		{func(o *Options) { o.Sysctls = []string{"nf_conntrack_mix=5"} }, `unknown setting "nf_conntrack_mix"`},
		{func(o *Options) { o.TC = "nowhere.tc" }, "nowhere.tc: no such file"},
		{func(o *Options) { o.Costs = Costs{Device: -1} }, "costs must be above 0"},
	} {
		o := Options{Workload: "web", Device: "plain", Duration: time.Second}
		c.change(&o)
		if _, err := Simulate(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want %q", err, c.want)
		}
	}
}

func TestParseCosts(t *testing.T) {
	for text, want := range map[string]Costs{
		"device=100M,software=2M":  {100e6, 2e6, 2e6},
		"tracker=500k":             {23e6, 1e6, 0.5e6},
		"flowtable=3M, tracker=1M": {23e6, 3e6, 1e6},
		"software=1M,device=23.5M": {23.5e6, 1e6, 1e6},
	} {
		if got, err := ParseCosts(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                      "want NAME=PACKETS",
		"device":                "want NAME=PACKETS",
		"device=0":              "want NAME=PACKETS",
		"host=1M":               `nothing is called "host"; there are device, software, flowtable, tracker`,
		"software=1M,tracker=1": "each but once",
		"device=1M,device=2M":   "each but once",
	} {
		if _, err := ParseCosts(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// The model: software's tiers share its time, and the device passes all.
func TestForward(t *testing.T) {
	c := Costs{Device: 20e6, FlowTable: 2e6, Tracker: 1e6}
	for _, k := range []struct {
		packets [4]uint64
		card    bool
		want    Forward
	}{
		{[4]uint64{100, 0, 0, 0}, true, Forward{20e6, "device"}},
		{[4]uint64{0, 100, 0, 0}, false, Forward{2e6, "software"}},
		{[4]uint64{0, 50, 50, 0}, false, Forward{1 / 0.75e-6, "software"}},
		{[4]uint64{90, 0, 10, 0}, true, Forward{10e6, "software"}},
		{[4]uint64{90, 10, 0, 0}, true, Forward{20e6, "device"}},
		{[4]uint64{}, false, Forward{}},
		{[4]uint64{}, true, Forward{}},
	} {
		got := c.forward(k.packets, k.card)
		if got.Bound != k.want.Bound || got.PacketsPerSecond < k.want.PacketsPerSecond*0.999 || got.PacketsPerSecond > k.want.PacketsPerSecond*1.001 {
			t.Errorf("%v: %v, want %v", k.packets, got, k.want)
		}
	}
}

func TestFindGivesUp(t *testing.T) {
	r := simulate(t, Options{Workload: "dns,rate=500/s", Device: "plain", Duration: 2 * time.Second, Find: true, Target: 0.95, Policies: []string{"none", "lru"}})
	if r.Found != "" || len(r.Runs) != 2 {
		t.Errorf("found %q after %d runs", r.Found, len(r.Runs))
	}
	var b strings.Builder
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "not found: no policy keeps 95.0 %") {
		t.Errorf("%v\n%s", err, b.String())
	}
	if !slices.Contains(candidates, "none") {
		t.Error("the simplest policy is not tried")
	}
}
