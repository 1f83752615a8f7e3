package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/internal/course"
	"sluice/internal/state"
	"sluice/packet"
	"sluice/policy"
	"sluice/policy/tc"
)

// Options say what to replay, and what to write besides the report.
type Options struct {
	Policy  string // a file of tc commands
	Inputs  []Input
	Split   []string // --split's arguments
	OutDir  string   // where frames go; empty: nowhere
	Profile string   // of timeouts; empty: linux
	Table   string   // where the caller will write the connection table; empty: nowhere
	Sysctls []string // NAME=VALUE
	// TimeoutPolicies, ZoneLimits, SourceLimits and ZoneChecks are lists in the forms that
	// conntrack.Settings takes.
	TimeoutPolicies []string
	ZoneLimits      []string
	SourceLimits    []string
	ZoneChecks      []string
	Until           uint64 // packets; 0: all
	Seed            uint64 // of hashes and of random choices; a state brings its own
	// FromState is a state to go on from, of Run's StateOut; empty: an empty
	// table. The settings above change what it says.
	FromState string
	// Reloads change the policy under way, SECONDS=FILE; OnReload says what
	// becomes of established connections.
	Reloads  []string
	OnReload string
	// NoFlowTable keeps connections out of flow tables, as on machines that have
	// none. With devices or OnReload it is refused.
	NoFlowTable bool
	Devices     []string // offloading devices: [DEV[+DEV]…:]PROFILE[,KEY=VALUE]…
	Admit       string   // what goes into them, in admission's words; empty: all
	Aging       string   // one of flowtable.AgingNames; empty: the first
	Others      []Other  // further files that the caller will write
	Page        bool     // the caller will write a page with the course of the replay
	StateOut    string   // where the state at the end goes; empty: nowhere
	Events      int      // how many connection events a state keeps; 0: DefaultEvents
	NoEvents    bool     // a state keeps none
	// Notes are about the policy's spelling and about rules that can never
	// match; nil: nobody reads them.
	Notes io.Writer
	// Ready is called once the policy and the state are read and the outputs are
	// checked, before the first capture is opened; nil: not at all. Only from then
	// on is there anything to report when the context ends.
	Ready func()
	// Progress is shown once a second; nil: not at all.
	Progress io.Writer
}

// Other is a file that the caller of Run will write afterwards.
type Other struct {
	Flag string // that names it, for messages
	Path string // empty: none
}

// granule is how far apart in time the packets of a vector may be, in
// nanoseconds: all of them are judged at the time of the first. Linux's own
// clock for timeouts is no finer (one jiffy: 1 to 10 ms).
const granule = 1_000_000

// granuleOf is how far apart a vector's packets may be under a policy. Token
// buckets are filled by ktime_get_ns, packet by packet (act_police.c
// tcf_police_act): with one of them only packets of the same time go together.
func granuleOf(p *policy.Policy) int64 {
	if len(p.Actions["police"]) > 0 {
		return 1
	}
	return granule
}

// Run replays. The report tells how far it came even when the error says that
// it could not finish; it is nil if nothing was replayed, and then nothing has
// been written either.
func Run(ctx context.Context, o Options) (*Report, error) {
	p, notes, text, err := loadPolicy(o)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if len(p.Devices) == 0 {
		return nil, fmt.Errorf("policy %s names no device: there is nowhere for packets to come in", o.Policy)
	}
	if errs := tc.NeedsDevice(p); len(errs) > 0 && len(o.Devices) == 0 {
		return nil, fmt.Errorf("load policy: %w", errs[0])
	}
	if o.Events < 0 || o.Events > state.MaxEvents {
		return nil, fmt.Errorf("--events %d: want a number from 0 to %d", o.Events, state.MaxEvents)
	}
	var from *state.State
	settings := conntrack.DefaultSettings()
	if o.FromState != "" {
		if from, err = state.ReadFile(o.FromState); err != nil {
			return nil, err
		}
		settings = from.Tracker.Settings()
		o.Seed = from.Clock.Seed
	}
	if err := adjust(settings, o); err != nil {
		return nil, err
	}
	if o.NoFlowTable && len(o.Devices) > 0 {
		return nil, errors.New("--no-flow-table beside --device: what devices carry are the flow table's connections")
	}
	if o.NoFlowTable && o.OnReload != "" && o.OnReload != keepConns {
		return nil, fmt.Errorf("--no-flow-table beside --on-reload %s: it is about the flow table's connections", o.OnReload)
	}
	cards, adm, aging, err := parseCards(o, p)
	if err != nil {
		return nil, err
	}
	reloads, err := parseReloads(o, p, text, cards)
	if err != nil {
		return nil, err
	}
	devs, split, err := places(p, &o)
	if err != nil {
		return nil, err
	}
	split.bound(settings.Max)
	files, err := outputFiles(p, o)
	if err != nil {
		return nil, err
	}
	if o.Ready != nil {
		o.Ready()
	}
	f, err := openFeed(ctx, o.Inputs, devs, o.Until)
	if err != nil {
		return nil, err
	}
	r := newRunner(p, settings, o, from)
	if err := r.plug(cards, adm, aging); err != nil {
		f.close()
		return nil, err
	}
	r.split, r.texts, r.notes = split, map[string]string{o.Policy: text}, o.Notes
	r.page = o.Page
	r.reloads, r.onReload = reloads, cmp.Or(o.OnReload, keepConns)
	if from != nil {
		if err := r.resume(from); err != nil {
			f.close()
			return nil, fmt.Errorf("go on from state %s: %w", o.FromState, err)
		}
	}
	if f.now = r.now; r.now == math.MinInt64 {
		// Only a packet tells what time it is.
		if err := r.e.Load(p, f.begins()); err != nil {
			f.close()
			return nil, err
		}
	}
	if o.Notes != nil {
		for _, n := range notes {
			fmt.Fprintf(o.Notes, "%s\n", n)
		}
		for _, w := range tc.Check(p) {
			fmt.Fprintf(o.Notes, "warning: %s\n", w)
		}
	}
	if o.OutDir != "" {
		if r.out, err = newOutput(o.OutDir, p, files); err != nil {
			f.close()
			return nil, err
		}
	}
	if o.StateOut == "" {
		// Nobody will ask what the splitter knows, so it may be ahead of the
		// datapath even if something ends that early.
		f.split, r.split = split, new(splitter)
	}
	err = r.run(ctx, f)
	if err != nil {
		r.Incomplete = err.Error()
	}
	// A file that cannot be written takes no other with it, nor the report.
	if r.out != nil {
		err = errors.Join(err, r.out.close())
	}
	if o.StateOut != "" {
		// Before the report finishes all maintenance: what goes on from the
		// state must find it where it was.
		err = errors.Join(err, r.state(o).WriteFile(o.StateOut))
	}
	r.finish(f)
	r.Offload = r.offloadReport(o)
	return &r.Report, err
}

// adjust changes the tracker's settings: the profile first, then single
// values, then what builds on them.
func adjust(s *conntrack.Settings, o Options) error {
	if o.Profile != "" {
		if err := s.SetProfile(o.Profile); err != nil {
			return fmt.Errorf("--timeout-profile %s: %w", o.Profile, err)
		}
	}
	for _, kv := range o.Sysctls {
		if err := setSysctl(s, kv); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		flag  string
		lists []string
		set   func(string) error
	}{
		{"timeout-policy", o.TimeoutPolicies, s.SetTimeoutPolicy},
		{"zone-limit", o.ZoneLimits, s.SetZoneLimit},
		{"source-limit", o.SourceLimits, s.SetSourceLimit},
		{"zone-checks", o.ZoneChecks, s.SetZoneChecks},
	} {
		for _, list := range f.lists {
			if err := f.set(list); err != nil {
				return fmt.Errorf("--%s %s: %w", f.flag, list, err)
			}
		}
	}
	return s.Check()
}

// loadPolicy loads the policy and gives its text, too; "-" is standard input.
func loadPolicy(o Options) (p *policy.Policy, notes []tc.Note, text string, err error) {
	f := os.Stdin
	if o.Policy != "-" {
		if f, err = os.Open(o.Policy); err != nil {
			return nil, nil, "", err
		}
		defer f.Close()
	}
	for _, in := range o.Inputs {
		if o.Policy == "-" && in.File == "-" {
			return nil, nil, "", errors.New("standard input cannot be both the policy and a capture")
		}
	}
	var b strings.Builder
	p, notes, err = tc.Load(o.Policy, io.TeeReader(f, &b))
	return p, notes, b.String(), err
}

func setSysctl(s *conntrack.Settings, kv string) error {
	name, value, ok := strings.Cut(kv, "=")
	if !ok {
		return fmt.Errorf("--sysctl %s: want NAME=VALUE", kv)
	}
	if err := s.Set(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
		return fmt.Errorf("--sysctl %s: %w", kv, err)
	}
	return nil
}

// places finds the devices that inputs and splits name.
func places(p *policy.Policy, o *Options) ([]int32, *splitter, error) {
	var names []string
	for _, d := range p.Devices {
		names = append(names, d.Name)
	}
	device := func(name string) (int32, error) {
		for i, n := range names {
			if n == name {
				return int32(i), nil
			}
		}
		return 0, fmt.Errorf("policy %s does not mention device %q; it knows %s", o.Policy, name, strings.Join(names, ", "))
	}
	split, err := newSplitter(o.Split, device)
	if err != nil {
		return nil, nil, err
	}
	if len(o.Inputs) == 0 {
		return nil, nil, errors.New("no capture: say --in DEV=FILE")
	}
	devs := make([]int32, len(o.Inputs))
	stdin := false
	for i := range o.Inputs {
		in := &o.Inputs[i]
		devs[i], err = device(in.Device)
		if whole := in.Device + "=" + in.File; err != nil && in.Device != "" && split.initiator && exists(whole) {
			*in = Input{File: whole} // a file with = in its name
		}
		switch {
		case in.File == "":
			return nil, nil, fmt.Errorf("--in %s=: want DEV=FILE", in.Device)
		case in.File == "-" && stdin:
			return nil, nil, errors.New("--in: standard input cannot be two captures")
		case in.Device == "" && split.initiator:
			devs[i] = split.ends[0] // the split tells for every frame
		case in.Device == "":
			return nil, nil, fmt.Errorf("--in %s: want DEV=FILE (a file alone needs --split initiator=DEV,DEV)", in.File)
		case err != nil:
			return nil, nil, fmt.Errorf("--in %s=%s: %w", in.Device, in.File, err)
		}
		stdin = stdin || in.File == "-"
	}
	return devs, split, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// runner is a replay under way: the datapath's side of it.
type runner struct {
	Report
	e     *datapath.Engine
	v     packet.Vector
	limit int   // packets a vector takes
	span  int64 // the policy's granule
	now   int64 // time already reached
	begin int64 // time of the granule under way; all its packets are judged at it
	split *splitter
	out   *output
	way   []datapath.Hit // of the comment under way
	prog  progress

	// Of the vector under way, as captured.
	size [packet.VectorSize]uint32
	time [packet.VectorSize]int64

	texts    map[string]string // of the policy's files
	notes    io.Writer
	page     bool
	reloads  []reload // to come
	onReload string

	cards  []card
	tiers  [datapath.NumTiers]Count
	course *course.Recorder // nil: nobody asks for it

	states [1 << 8]Count // packets by ct_state as the last filter hit left it
}

// newRunner makes a runner over an empty tracker, or over a state's.
func newRunner(p *policy.Policy, settings *conntrack.Settings, o Options, from *state.State) *runner {
	var tr *conntrack.Tracker
	if from != nil {
		tr = from.Tracker
		for id, z := range settings.Zones { // as just adjusted
			tr.SetZone(id, z)
		}
	} else {
		tr = conntrack.New(conntrack.Config{
			Seed: [2]uint64{o.Seed, ^o.Seed}, MaxConns: int(settings.Max), Settings: settings,
		})
	}
	if from == nil && o.StateOut != "" && !o.NoEvents { // a state brings its own events, or none
		tr.Listen(cmp.Or(o.Events, DefaultEvents))
	}
	r := &runner{
		e:     datapath.New(datapath.Config{Tracker: tr, Seed: o.Seed, Trace: true, NoFlowTable: o.NoFlowTable}),
		limit: packet.VectorSize, span: granuleOf(p), now: math.MinInt64, prog: progress{w: o.Progress},
	}
	if o.OutDir != "" {
		// One at a time, so that a comment shows the connection as the packet
		// left it and not as a later one of its vector did.
		r.limit = 1
	}
	r.policy = p
	r.PolicyFile, r.NoFlowTable = o.Policy, o.NoFlowTable
	r.Devices = make([]DeviceReport, len(p.Devices))
	for i, d := range p.Devices {
		r.Devices[i].Name = d.Name
	}
	return r
}

// run judges everything the feed brings. When ctx is done it judges what has
// been read by then, and waits for nothing.
func (r *runner) run(ctx context.Context, f *feed) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started := time.Now()
	go f.run(ctx)
	err := r.each(ctx, f)
	if err != nil {
		cancel()
		f.stop()
	}
	r.Elapsed = time.Since(started)
	r.prog.clear()
	return err
}

func (r *runner) each(ctx context.Context, f *feed) error {
	for {
		select {
		case b, more := <-f.full:
			if !more {
				if !f.complete {
					return r.interrupted(ctx, f)
				}
				return nil
			}
			if err := r.judge(b); err != nil {
				return err
			}
			select {
			case f.free <- b:
			default: // one that the feed added at its end
			}
		case <-ctx.Done():
			return r.interrupted(ctx, f)
		}
	}
}

// interrupted ends a replay that was told to stop.
func (r *runner) interrupted(ctx context.Context, f *feed) error {
	if err := r.rest(f); err != nil {
		return err
	}
	return fmt.Errorf("stopped after %s: %w", count(int(r.Packets), "packet"), context.Cause(ctx))
}

// rest judges what the feed has read so far and ends it.
func (r *runner) rest(f *feed) error {
	last := f.stop()
	for {
		select {
		case b, more := <-f.full:
			if more {
				if err := r.judge(b); err != nil {
					return err
				}
				continue
			}
		default:
		}
		if last == nil || last.judged {
			return nil
		}
		return r.judge(last)
	}
}

// judge judges a batch and says why it was the last, if something was wrong.
func (r *runner) judge(b *batch) error {
	b.judged = true
	if err := r.batch(b); err != nil {
		return err
	}
	r.prog.show(r.Packets, r.e.Tracker().Len())
	return b.err
}

// batch judges a batch's frames.
func (r *runner) batch(b *batch) error {
	for i := range b.frames {
		f := &b.frames[i]
		if r.Packets == 0 && r.v.N == 0 {
			if r.now == math.MinInt64 {
				r.now, r.begin = f.time, f.time
			}
			r.FirstTime = f.time
			if r.page {
				r.follow(r.now)
			}
		}
		r.now = max(r.now, f.time)
		if len(r.reloads) > 0 {
			if err := r.reloadUntil(r.now); err != nil {
				return err
			}
		}
		if r.now-r.begin >= r.span {
			r.flush()
			r.begin = r.now
		}
		r.size[r.v.N], r.time[r.v.N] = f.len, f.time
		data := b.data[f.off : f.off+f.len : f.off+f.len]
		r.v.Add(data, r.split.device(data, f.dev))
		if r.v.N == r.limit {
			r.flush()
		}
	}
	r.flush() // the frames are the batch's
	return nil
}

// flush judges the vector and accounts for every packet of it.
func (r *runner) flush() {
	if r.v.N == 0 {
		return
	}
	v := &r.v
	v.Now = r.begin
	if r.out != nil {
		r.out.keep(v)
	}
	if r.course != nil {
		r.course.Advance(v.Now)
	}
	r.e.Tick(v.Now)
	r.e.Process(v)
	r.account(v)
	r.Samples += uint64(len(v.Samples))
	if r.out != nil {
		r.out.write(r)
	}
	v.Reset()
}
