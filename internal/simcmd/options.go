package simcmd

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"sluice/conntrack"
	"sluice/driver/sim"
	"sluice/flowtable"
	"sluice/internal/admission"
	"sluice/internal/workload"
	"sluice/policy"
	"sluice/policy/tc"
)

// Options say what to simulate.
type Options struct {
	Workload string   // in workload's words
	Device   string   // in driver/sim's words
	Policies []string // in admission's words, or Off; none: "none"
	TC       string   // a file of tc commands; empty: two ports, and TCP and UDP from the first
	Clients  string   // the device where clients' packets come in; empty: the policy's first
	Servers  string   // and servers'; empty: the policy's second
	Duration time.Duration
	Settle   time.Duration // what comes before does not count as steady; 0: half the duration
	Aging    string        // one of flowtable.AgingNames; empty: the first
	Scale    float64       // of connections, rates, and the device; 0: 1
	Seed     uint64
	Costs    Costs
	Sysctls  []string // NAME=VALUE

	// Find looks for the first policy that keeps Target of the packets in the
	// device in the steady part.
	Find   bool
	Target float64

	Notes    io.Writer // about the policy's spelling; nil: nobody reads them
	Progress io.Writer // rewritten once a second; nil: not at all
}

// Off is the policy of a host without a device.
const Off = "off"

//go:embed two_ports.tc
var twoPorts string

// plan is what Options come to.
type plan struct {
	Options
	parts    []workload.Part
	card     sim.Config
	aging    flowtable.Aging
	policies []candidate
}

// candidate is an offload policy to be tried.
type candidate struct {
	name string
	adm  flowtable.Admission
	off  bool
}

// newPlan reads all options and says what is wrong with them.
func newPlan(o Options) (*plan, error) {
	p := &plan{Options: o}
	var err error
	if p.Scale == 0 {
		p.Scale = 1
	}
	switch {
	case !(p.Scale > 0 && p.Scale <= 100):
		return nil, fmt.Errorf("--scale %v: want a number above 0, at most 100", p.Scale)
	case p.Duration < time.Millisecond || p.Duration > 24*time.Hour:
		return nil, fmt.Errorf("--duration %v: want 1ms to 24h", p.Duration)
	case p.Settle < 0 || p.Settle >= p.Duration:
		return nil, fmt.Errorf("--settle %v: want less than --duration, which is %v", p.Settle, p.Duration)
	case !(p.Target >= 0 && p.Target <= 1):
		return nil, fmt.Errorf("--target %v: want a share from 0 to 1", p.Target)
	}
	if p.Settle == 0 {
		p.Settle = p.Duration / 2
	}
	if p.Costs, err = p.Costs.check(); err != nil {
		return nil, err
	}
	if p.parts, err = workload.Parse(o.Workload); err != nil {
		return nil, err
	}
	if p.card, err = sim.ParseProfile(o.Device); err != nil {
		return nil, err
	}
	if p.aging, err = agingOf(o.Aging); err != nil {
		return nil, err
	}
	names := o.Policies
	switch {
	case len(names) == 0 && o.Find:
		names = candidates
	case len(names) == 0:
		names = []string{"none"}
	}
	for i, name := range names {
		for _, before := range names[:i] {
			if before == name {
				return nil, fmt.Errorf("--policy %s is there twice", name)
			}
		}
		c := candidate{name: name, off: name == Off}
		if !c.off {
			if c.adm, err = admission.Parse(name); err != nil {
				return nil, fmt.Errorf("%w, or off alone for no device at all", err)
			}
		}
		p.policies = append(p.policies, c)
	}
	if _, err := p.newSettings(1); err != nil {
		return nil, err
	}
	return p, nil
}

func agingOf(name string) (flowtable.Aging, error) {
	if name == "" {
		return 0, nil
	}
	for i, n := range flowtable.AgingNames {
		if n == name {
			return flowtable.Aging(i), nil
		}
	}
	return 0, fmt.Errorf("--aging %s: want one of %s", name, strings.Join(flowtable.AgingNames[:], ", "))
}

// loadPolicy reads the tc policy. It is read for each run: rules belong to an
// engine once they are loaded.
func (p *plan) loadPolicy(notes io.Writer) (*policy.Policy, [2]string, error) {
	var ends [2]string
	name, in := "two_ports.tc", io.Reader(strings.NewReader(twoPorts))
	if p.TC != "" {
		f, err := os.Open(p.TC)
		if err != nil {
			return nil, ends, err
		}
		defer f.Close()
		name, in = p.TC, f
	}
	pol, spelling, err := tc.Load(name, in)
	if err != nil {
		return nil, ends, err
	}
	if errs := tc.NeedsDevice(pol); len(errs) > 0 && p.off() {
		return nil, ends, errs[0]
	}
	if notes != nil {
		for _, n := range spelling {
			fmt.Fprintf(notes, "%s\n", n)
		}
		for _, w := range tc.Check(pol) {
			fmt.Fprintf(notes, "warning: %s\n", w)
		}
	}
	if len(pol.Devices) < 2 {
		return nil, ends, fmt.Errorf("policy %s: want two devices, for clients and for servers", name)
	}
	for i, want := range [2]string{p.Clients, p.Servers} {
		ends[i] = pol.Devices[i].Name
		if want == "" {
			continue
		}
		ends[i] = ""
		var known []string
		for _, d := range pol.Devices {
			known = append(known, d.Name)
			if d.Name == want {
				ends[i] = want
			}
		}
		if ends[i] == "" {
			return nil, ends, fmt.Errorf("policy %s does not mention device %q; it knows %s", name, want, strings.Join(known, ", "))
		}
	}
	if ends[0] == ends[1] {
		return nil, ends, errors.New("clients and servers cannot be behind the same device")
	}
	return pol, ends, nil
}

// off reports whether a run has no device.
func (p *plan) off() bool {
	for _, c := range p.policies {
		if c.off {
			return true
		}
	}
	return false
}

// transient is the most connections beside populations that a table is made
// for: floods fill whatever there is.
const transient = 2_000_000

// newSettings are the tracker's, with room for the workload's connections at a
// scale.
func (p *plan) newSettings(scale float64) (*conntrack.Settings, error) {
	s := conntrack.DefaultSettings()
	stay, come := 0.0, 0.0
	for _, part := range p.parts {
		if part.Conns > 0 {
			stay += float64(part.Conns) * scale
		} else {
			come += part.Rate * scale * p.Duration.Seconds()
		}
	}
	s.Max = int64(stay+min(come, transient*scale)) + 1024
	for _, kv := range p.Sysctls {
		name, value, ok := strings.Cut(kv, "=")
		if !ok {
			return nil, fmt.Errorf("--sysctl %s: want NAME=VALUE", kv)
		}
		if err := s.Set(strings.TrimSpace(name), strings.TrimSpace(value)); err != nil {
			return nil, fmt.Errorf("--sysctl %s: %w", kv, err)
		}
	}
	return s, s.Check()
}

// cardAt is the device at a scale.
func (p *plan) cardAt(scale float64) sim.Config {
	c := p.card
	c.Flows = max(int(float64(c.Flows)*scale), 1)
	for _, rate := range []*int64{&c.Rate, &c.Removals} {
		if *rate != 0 {
			*rate = max(int64(float64(*rate)*scale), 1)
		}
	}
	c.Queue = max(int(float64(c.Queue)*scale), 1)
	return c
}

// cardText is the device in words, with the figures that matter most here.
func (p *plan) cardText() string {
	c := p.cardAt(p.Scale)
	s := fmt.Sprintf("%s (%d flows", p.Device, c.Flows)
	if c.Rate > 0 {
		s += fmt.Sprintf(", %d insertions/s", c.Rate)
	}
	return s + ")"
}
