package replay

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/driver/sim"
	"sluice/internal/infile"
	"sluice/observe"
	"sluice/packet"
	"sluice/policy"
	"sluice/policy/tc"
)

// A replay may change its policy under way: a file of tc commands is run on
// it, whole or not at all, between two packets.

// reload is one change to come.
type reload struct {
	at   int64 // ns after the first packet
	file string
	text []byte
}

// What becomes of established connections that a change of policy cuts.
const (
	// keepConns leaves them alone: their packets are judged by the new policy.
	keepConns = "keep"
	// recheckConns ends those whose packets the new policy drops.
	recheckConns = "recheck"
	// killConns ends all that the flow table holds.
	killConns = "kill"
	// dryRun lists what recheck would end, and changes nothing, the policy
	// included.
	dryRun = "dry-run"
)

var onReload = []string{keepConns, recheckConns, killConns, dryRun}

// ReloadReport is what a change of policy has done.
type ReloadReport struct {
	File    string      `json:"file"`
	Time    int64       `json:"time_ns"` // since the epoch; 0: the capture ended before
	Mode    string      `json:"mode"`
	Filters int         `json:"filters"` // afterwards
	Flows   int         `json:"flows"`   // connections that the flow table held
	Changed []CutReport `json:"changed"` // directions whose packets go another way
	Unknown int         `json:"unknown"` // connections of which only their packets will tell
	Killed  int         `json:"killed"`
}

// CutReport is one direction of an established connection that the new policy
// treats otherwise.
type CutReport struct {
	Connection string `json:"connection"` // in nf_conntrack's words
	Packets    string `json:"packets"`    // "original" or "reply"
	Before     string `json:"before"`
	After      string `json:"after"`
	Ends       bool   `json:"ends"` // they are dropped now
}

// parseReloads reads --reload's arguments and the files, and proves that they
// can be run, one after the other.
func parseReloads(o Options, p *policy.Policy, text string, cards []card) ([]reload, error) {
	if !slices.Contains(onReload, cmp.Or(o.OnReload, keepConns)) {
		return nil, fmt.Errorf("--on-reload %s: want %s", o.OnReload, strings.Join(onReload, ", "))
	}
	if len(o.Reloads) == 0 {
		if o.OnReload != "" {
			return nil, errors.New("--on-reload without --reload: nothing changes")
		}
		return nil, nil
	}
	var all []reload
	for _, arg := range o.Reloads {
		at, file, ok := strings.Cut(arg, "=")
		s, err := strconv.ParseFloat(at, 64)
		if !ok || err != nil || !(s >= 0 && s <= 1e9) || file == "" {
			return nil, fmt.Errorf("--reload %s: want SECONDS=FILE, seconds after the first packet", arg)
		}
		b, err := infile.Read(file, tc.MaxBatch)
		if err != nil {
			return nil, fmt.Errorf("--reload: %w", err)
		}
		all = append(all, reload{int64(math.Round(s * 1e9)), file, b})
	}
	slices.SortStableFunc(all, func(a, b reload) int { return cmp.Compare(a.at, b.at) })
	scratch, _, err := tc.Load(o.Policy, strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if o.OnReload == dryRun {
			if scratch, _, err = tc.Load(o.Policy, strings.NewReader(text)); err != nil {
				return nil, err
			}
		}
		if err := r.run(scratch, nil); err != nil {
			return nil, fmt.Errorf("--reload: %w", err)
		}
		if len(scratch.Devices) > len(p.Devices) {
			return nil, fmt.Errorf("--reload %s: device %s is not in policy %s", r.file, scratch.Devices[len(p.Devices)].Name, o.Policy)
		}
		if errs := tc.NeedsDevice(scratch); len(errs) > 0 && len(o.Devices) == 0 {
			return nil, fmt.Errorf("--reload: %w", errs[0])
		}
		if err := tryLoad(scratch, cards); err != nil {
			return nil, fmt.Errorf("--reload %s: %w", r.file, err)
		}
	}
	return all, nil
}

// tryLoad proves that a policy can be loaded with the cards there are.
func tryLoad(p *policy.Policy, cards []card) error {
	tr := conntrack.New(conntrack.Config{MaxConns: 16})
	e := datapath.New(datapath.Config{Tracker: tr})
	for i := range cards {
		cfg := cards[i].cfg
		cfg.Tracker, cfg.Flows, cfg.Queue = tr, 1, 1
		nic, err := sim.New(cfg)
		if err != nil {
			return err
		}
		e.Attach(nic, cards[i].ports...)
	}
	return e.Load(p, 0)
}

// run runs the commands.
func (r *reload) run(p *policy.Policy, notes io.Writer) error {
	s := tc.Session{Policy: p}
	if err := s.Batch(r.file, bytes.NewReader(r.text)); err != nil {
		return err
	}
	for _, n := range s.Notes {
		if notes != nil {
			fmt.Fprintf(notes, "%s\n", n)
		}
	}
	p.Settle()
	return nil
}

// reloadUntil makes the changes that are due before a packet's time.
func (r *runner) reloadUntil(t int64) error {
	for len(r.reloads) > 0 && r.FirstTime+r.reloads[0].at <= t {
		r.flush()
		c := r.reloads[0]
		r.reloads = r.reloads[1:]
		r.begin = max(r.begin, r.FirstTime+c.at)
		if err := r.reload(&c, r.begin); err != nil {
			return fmt.Errorf("reload policy: %w", err)
		}
	}
	return nil
}

func (r *runner) reload(c *reload, now int64) error {
	r.e.Flows().Sync(now)
	before, err := r.e.Prospect(r.policy, now)
	if err != nil {
		return err
	}
	p := r.policy
	if r.onReload == dryRun {
		if p, _, err = tc.Load(r.PolicyFile, strings.NewReader(r.texts[r.PolicyFile])); err != nil {
			return err
		}
	}
	if err := c.run(p, r.notes); err != nil {
		return err
	}
	r.texts[c.file] = string(c.text)
	after, err := r.e.Prospect(p, now)
	if err != nil {
		return err
	}
	all, _ := r.e.Tracker().Count(now)
	rep := ReloadReport{File: c.file, Time: now, Mode: r.onReload, Flows: all.Flows, Changed: []CutReport{}}
	rep.Filters = len(Filters(p, r.e, nil))
	var cuts []datapath.Cut
	cuts, rep.Unknown = r.e.Compare(now, before, after)
	tr := r.e.Tracker()
	for _, cut := range cuts {
		rep.Changed = append(rep.Changed, CutReport{
			Connection: strings.TrimSpace(string(observe.AppendProc(nil, tr, cut.Conn, now))), Packets: [2]string{"original", "reply"}[cut.Dir],
			Before: cut.Before.String(), After: cut.After.String(), Ends: cut.Ends(),
		})
	}
	if r.onReload != dryRun {
		if err := r.e.Load(p, now); err != nil {
			return err
		}
		r.span = granuleOf(p)
	}
	tr.Clock(now)
	rep.Killed = r.kill(cuts)
	r.Reloads = append(r.Reloads, rep)
	return nil
}

// kill ends connections as --on-reload says.
func (r *runner) kill(cuts []datapath.Cut) (n int) {
	tr := r.e.Tracker()
	gone := func(ref packet.ConnRef) {
		if tr.Conn(ref) != nil {
			tr.Kill(ref)
			n++
		}
	}
	switch r.onReload {
	case recheckConns:
		for _, c := range cuts {
			if c.Ends() {
				gone(c.Conn)
			}
		}
	case killConns:
		var all []packet.ConnRef
		for ref, c := range tr.Known() {
			if c.Status&conntrack.StatusOffload != 0 {
				all = append(all, ref)
			}
		}
		for _, ref := range all {
			gone(ref)
		}
	}
	return n
}
