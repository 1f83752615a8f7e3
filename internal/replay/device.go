package replay

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/driver/sim"
	"sluice/flowtable"
	"sluice/internal/admission"
	"sluice/internal/course"
	"sluice/internal/report"
	"sluice/internal/state"
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
	"sluice/policy/tc"
)

// OffloadReport is what devices have done.
type OffloadReport struct {
	Admission string       `json:"admission"` // in --admit's words
	Aging     string       `json:"aging"`
	Tiers     []Named      `json:"tiers"` // packets by who finished them
	Held      int          `json:"held"`  // connections in a device in the end
	Cards     []CardReport `json:"devices"`
}

// CardReport is one device.
type CardReport struct {
	Name    string   `json:"name"`
	Profile string   `json:"profile"` // in --device's words
	Ports   []string `json:"ports"`

	RulesHeld    int            `json:"rules_held"`
	RulesRefused []RefusedRules `json:"rules_refused"` // by reason

	Limit     int     `json:"flows_limit"`
	Held      int     `json:"flows_held"`
	Pending   int     `json:"flows_pending"`
	Queue     int     `json:"queue"`
	Submitted uint64  `json:"insertions_asked"`
	Added     uint64  `json:"insertions"`
	Removals  uint64  `json:"removals"`
	Evicted   uint64  `json:"evictions"`
	Refused   []Named `json:"not_inserted"` // by reason

	Finished Count   `json:"finished"`
	Start    uint64  `json:"given_back_from_the_start"`
	Middle   uint64  `json:"given_back_in_the_middle"`
	Misses   []Named `json:"misses"` // why packets were given back
}

// RefusedRules are the rules that a device has refused for one reason.
type RefusedRules struct {
	Reason string   `json:"name"`  // in the driver's words
	Rules  []string `json:"rules"` // by their places in the policy's file and in tc's listing
}

// card is a device of the replay.
type card struct {
	words string
	ports []string
	cfg   sim.Config
	nic   *sim.NIC
}

// parseCards reads --device's arguments: [DEV[+DEV]…:]PROFILE[,KEY=VALUE]…
func parseCards(o Options, p *policy.Policy) ([]card, flowtable.Admission, flowtable.Aging, error) {
	fail := func(format string, args ...any) ([]card, flowtable.Admission, flowtable.Aging, error) {
		return nil, flowtable.Admission{}, 0, fmt.Errorf(format, args...)
	}
	if len(o.Devices) == 0 {
		if o.Admit != "" || o.Aging != "" {
			return fail("--admit and --aging are about devices: say --device, too")
		}
		return nil, flowtable.Admission{}, 0, nil
	}
	var ports []string // all that a card may have
	for _, d := range p.Devices {
		if d.Tunnel == nil {
			ports = append(ports, d.Name)
		}
	}
	taken := map[string]bool{}
	var cards []card
	for i, words := range o.Devices {
		c := card{words: words, ports: ports}
		at, profile, ok := strings.Cut(words, ":")
		if ok && !strings.Contains(at, ",") && !strings.Contains(at, "=") {
			c.ports = strings.Split(at, "+")
		} else {
			profile = words
		}
		for i, name := range c.ports {
			if slices.Contains(c.ports[:i], name) {
				return fail("--device %s: port %s is there twice", words, name)
			}
			if !slices.Contains(ports, name) {
				return fail("--device %s: policy %s has no port %q; it has %s", words, o.Policy, name, strings.Join(ports, ", "))
			}
			if taken[name] {
				return fail("--device %s: another device has port %s; say which has which, DEV+DEV:PROFILE", words, name)
			}
			taken[name] = true
		}
		var err error
		if c.cfg, err = sim.ParseProfile(profile); err != nil {
			return fail("--device: %w", err)
		}
		if len(o.Devices) > 1 && c.cfg.Name == c.cfg.Profile {
			c.cfg.Name = fmt.Sprintf("%s-%d", c.cfg.Profile, i)
		}
		c.cfg.Ports = c.ports
		for _, other := range cards {
			if other.cfg.Name == c.cfg.Name {
				return fail("--device %s: another device is called %s; say name=WORD", words, c.cfg.Name)
			}
		}
		cards = append(cards, c)
	}
	adm, err := admission.Parse(cmp.Or(o.Admit, "none"))
	if err != nil {
		return fail("--admit %s: %w", o.Admit, err)
	}
	aging := slices.Index(flowtable.AgingNames[:], cmp.Or(o.Aging, flowtable.AgingNames[0]))
	if aging < 0 {
		return fail("--aging %s: want %s", o.Aging, strings.Join(flowtable.AgingNames[:], " or "))
	}
	return cards, adm, flowtable.Aging(aging), nil
}

// plug connects the cards, before the policy is loaded.
func (r *runner) plug(cards []card, adm flowtable.Admission, aging flowtable.Aging) error {
	r.cards = cards
	for i := range cards {
		c := &r.cards[i]
		c.cfg.Tracker = r.e.Tracker()
		var err error
		if c.nic, err = sim.New(c.cfg); err != nil {
			return err
		}
		r.e.Attach(c.nic, c.ports...)
	}
	if len(cards) > 0 {
		r.e.Flows().Age(aging)
		if err := r.e.Flows().SetAdmission(0, adm); err != nil {
			return fmt.Errorf("--admit: %w", err)
		}
	}
	return nil
}

// follow begins to record the course of the replay.
func (r *runner) follow(now int64) {
	var devs []offload.Driver
	for i := range r.cards {
		devs = append(devs, r.cards[i].nic)
	}
	r.course = course.New(r.e, devs, now, 0)
}

// offloadReport tells what the cards have done.
func (r *runner) offloadReport(o Options) *OffloadReport {
	if len(r.cards) == 0 {
		return nil
	}
	rep := &OffloadReport{
		Admission: cmp.Or(o.Admit, "none"), Aging: cmp.Or(o.Aging, flowtable.AgingNames[0]), Held: r.e.Flows().InDevices(), Cards: []CardReport{},
	}
	for t, c := range r.tiers {
		rep.Tiers = append(rep.Tiers, Named{datapath.Tier(t).String(), c.Packets, c.Bytes})
	}
	for i := range r.cards {
		rep.Cards = append(rep.Cards, r.cards[i].report(r.e, r.policy))
	}
	return rep
}

func (c *card) report(e *datapath.Engine, p *policy.Policy) CardReport {
	d, _ := e.Flows().DeviceStats(c.nic)
	pl := c.nic.Pipeline().Stats()
	rep := CardReport{
		Name: c.nic.Name(), Profile: c.words, Ports: c.ports, RulesRefused: []RefusedRules{}, Refused: []Named{}, Misses: []Named{},
		Limit: d.Limit, Held: d.Held, Pending: d.Pending, Queue: d.Queue, Submitted: d.Submitted, Added: d.Added, Removals: d.Removals,
		Evicted: d.Evicted, Finished: Count{pl.Packets, pl.Bytes}, Start: pl.Start, Middle: pl.Middle,
	}
	if limit, _ := c.nic.Capacity(); rep.Limit == 0 {
		rep.Limit = limit
	}
	byReason := map[string][]string{}
	e.EachRule(c.nic, func(u *offload.Rule, why *offload.Refusal) {
		if why == nil {
			rep.RulesHeld++
			return
		}
		byReason[why.Reason] = append(byReason[why.Reason], ruleName(u))
	})
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		rep.RulesRefused = append(rep.RulesRefused, RefusedRules{reason, byReason[reason]})
	}
	refused := func(name string, n uint64) {
		if n > 0 {
			rep.Refused = addNamed(rep.Refused, name, n)
		}
	}
	refused(offload.DeviceFull.String(), d.Full)
	refused(offload.Fault.String(), d.Failed)
	refused(offload.QueueFull.String(), d.Dropped)
	refused(course.Reasons[0], d.Unlisted)
	for i := range offload.NumReasons {
		refused(offload.Reason(i).String(), d.Refused[i]+d.Declined[i])
	}
	for i, n := range pl.Miss {
		if n > 0 {
			rep.Misses = append(rep.Misses, Named{Name: datapath.MissNames[i], Packets: n})
		}
	}
	return rep
}

func addNamed(all []Named, name string, n uint64) []Named {
	for i := range all {
		if all[i].Name == name {
			all[i].Packets += n
			return all
		}
	}
	return append(all, Named{Name: name, Packets: n})
}

// savePlaces adds to a state where connections are, for sluice why.
func (r *runner) savePlaces(s *state.State, o Options) {
	if len(r.cards) == 0 {
		return
	}
	for i := range r.cards {
		c := &r.cards[i]
		d, _ := r.e.Flows().DeviceStats(c.nic)
		k := state.Card{Name: c.nic.Name(), Profile: c.words, Admit: cmp.Or(o.Admit, "none"), Limit: d.Limit, Held: d.Held}
		r.e.EachRule(c.nic, func(u *offload.Rule, why *offload.Refusal) {
			if why != nil {
				k.Refusals = append(k.Refusals, state.RuleRefusal{Rule: ruleName(u), Reason: why.Reason})
			}
		})
		slices.SortFunc(k.Refusals, func(a, b state.RuleRefusal) int {
			return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Reason, b.Reason))
		})
		s.Cards = append(s.Cards, k)
	}
	for ref := range r.e.Tracker().Known() {
		why, at := r.e.Flows().Why(ref)
		p := state.Place{Slot: uint32(ref), Reason: uint8(why)}
		for _, w := range at {
			p.Devices = append(p.Devices, state.DevicePlace{Device: w.Device, Held: w.Held, Reason: uint8(w.Reason)})
		}
		s.Places = append(s.Places, p)
	}
}

// unplugged tells of each connection that a state's devices held that it is
// software's again: those devices have gone, and this replay's begin empty.
func (r *runner) unplugged(s *state.State) {
	tr := r.e.Tracker()
	refs := map[uint32]packet.ConnRef{}
	for ref := range tr.Known() {
		refs[uint32(ref)] = ref
	}
	for _, p := range s.Places {
		for _, d := range p.Devices {
			if d.Held {
				tr.Moved(r.begin, refs[p.Slot], conntrack.EventBack, tr.DeviceNumber(d.Device), uint8(offload.Gone))
			}
		}
	}
}

// ruleName names a rule by its place in the policy's file and in tc's listing.
func ruleName(u *offload.Rule) string {
	return fmt.Sprintf("%s:%d:%d (%s chain %d protocol %s prio %d handle %#x)",
		u.Filter.File, u.Filter.Line, u.Filter.Col, u.Dev, u.Chain, tc.ProtocolWord(u.Protocol), u.Prio, u.Filter.Handle)
}

// offloadText writes it for people.
func (r *Report) offloadText(b io.Writer) {
	o := r.Offload
	if o == nil {
		return
	}
	rows := [][]string{{"judged by", "packets", "share", "bytes"}}
	for _, t := range o.Tiers {
		share := "-"
		if r.Packets > 0 {
			share = fmt.Sprintf("%.1f %%", 100*float64(t.Packets)/float64(r.Packets))
		}
		rows = append(rows, []string{t.Name, fmt.Sprint(t.Packets), share, fmt.Sprint(t.Bytes)})
	}
	grid(b, "lrrr", rows)
	for _, c := range o.Cards {
		fmt.Fprintf(b, "device %s (%s) on %s: %d of %d rules in it; %d of %d flows, %d pending, %d in the queue\n",
			c.Name, c.Profile, strings.Join(c.Ports, ", "), c.RulesHeld, c.RulesHeld+c.refused(), c.Held, c.Limit, c.Pending, c.Queue)
		fmt.Fprintf(b, "  insertions %d asked, %d done, %d evicted, %d removed; packets %d finished, %d given back from the start, %d in the middle\n",
			c.Submitted, c.Added, c.Evicted, c.Removals, c.Finished.Packets, c.Start, c.Middle)
		for _, u := range c.RulesRefused {
			fmt.Fprintf(b, "  rule refused %d times: %s\n", len(u.Rules), u.Reason)
			for _, name := range u.Rules[:min(len(u.Rules), rulesNamed)] {
				fmt.Fprintf(b, "    %s\n", name)
			}
			if more := len(u.Rules) - rulesNamed; more > 0 {
				fmt.Fprintf(b, "    and %d more (all in --json)\n", more)
			}
		}
		for _, l := range []struct {
			head string
			rows []Named
		}{{"flow not inserted", c.Refused}, {"given back", c.Misses}} {
			for _, n := range l.rows {
				fmt.Fprintf(b, "  %s %d times: %s\n", l.head, n.Packets, n.Name)
			}
		}
		fmt.Fprintln(b)
	}
}

// rulesNamed is how many rules the text names for a reason.
const rulesNamed = 5

// refused is how many rules the device has refused.
func (c *CardReport) refused() (n int) {
	for _, u := range c.RulesRefused {
		n += len(u.Rules)
	}
	return n
}

// WritePage writes the replay's course as a page with plots.
func (r *Report) WritePage(w io.Writer) error {
	p := report.Page{Title: "sluice replay " + r.PolicyFile}
	for _, in := range r.Inputs {
		p.About = append(p.About, report.Fact{Name: "capture", Value: fmt.Sprintf("%s, %d packets", in.File, in.Packets)})
	}
	if r.First != "" {
		p.About = append(p.About, report.Fact{Name: "first packet", Value: r.First})
	}
	run := report.Run{Name: "software", Reasons: course.Reasons, Samples: r.samples, Sizes: r.sizes()}
	facts := func(name string, v any) {
		run.Facts = append(run.Facts, report.Fact{Name: name, Value: fmt.Sprint(v)})
	}
	facts("packets", r.Packets)
	facts("connections in the end", r.Conntrack.Live)
	facts("expired and not collected yet", r.Conntrack.Expired)
	facts("in flow tables", r.Flows)
	if o := r.Offload; o != nil {
		run.Name = o.Admission
		p.About = append(p.About, report.Fact{Name: "admission", Value: o.Admission}, report.Fact{Name: "aging", Value: o.Aging})
		for _, c := range o.Cards {
			p.About = append(p.About, report.Fact{Name: "device " + c.Name, Value: c.Profile + " on " + strings.Join(c.Ports, ", ")})
			facts(c.Name+": rules in it", fmt.Sprintf("%d of %d", c.RulesHeld, c.RulesHeld+c.refused()))
			facts(c.Name+": flows in the end", c.Held)
			facts(c.Name+": insertions", c.Added)
			facts(c.Name+": evictions", c.Evicted)
			facts(c.Name+": packets finished", c.Finished.Packets)
		}
	}
	p.Runs = []report.Run{run}
	return p.Write(w)
}

// sizes are the connections that live in the end by their packets, the largest
// first.
func (r *Report) sizes() (out []report.Size) {
	var all []uint64
	for _, c := range r.Connections {
		all = append(all, c.Packets()[0]+c.Packets()[1])
	}
	slices.Sort(all)
	slices.Reverse(all)
	for _, n := range all {
		if k := len(out); k > 0 && out[k-1].Packets/out[k-1].Conns == n {
			out[k-1].Conns++
			out[k-1].Packets += n
			continue
		}
		out = append(out, report.Size{Conns: 1, Packets: n})
	}
	return out
}
