package replay

import (
	"math"
	"strings"
	"time"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/internal/report"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
	"sluice/policy/tc"
)

// Report is what a replay did. Its JSON and text forms are the same, byte for
// byte, whenever the same is replayed; what differs (Elapsed) is in neither.
type Report struct {
	PolicyFile string         `json:"policy"`
	Inputs     []*InputReport `json:"inputs"`
	Incomplete string         `json:"incomplete,omitempty"` // why not all was replayed; empty: all was
	Packets    uint64         `json:"packets"`
	Bytes      uint64         `json:"bytes"`
	First      string         `json:"first_time,omitempty"` // by the wall clock, RFC 3339 in UTC; empty: no packet
	FirstTime  int64          `json:"first_time_ns"`        // since the epoch
	LastTime   int64          `json:"last_time_ns"`
	Verdicts   []Named        `json:"verdicts"`
	Copies     CopyReport     `json:"copies"`
	Samples    uint64         `json:"samples,omitempty"` // copies that sample actions took
	States     []Named        `json:"ct_states"`
	Drops      []Named        `json:"drops"`  // by reason
	Stolen     []Named        `json:"stolen"` // likewise
	CopyDrops  []Named        `json:"copy_drops"`
	Invalid    []Named        `json:"invalid"` // why ct found packets invalid
	Devices    []DeviceReport `json:"devices"`
	Filters    []FilterReport `json:"filters"`
	Conntrack  TrackerReport  `json:"conntrack"`
	Zones      []ZoneReport   `json:"zones"`               // those with connections, limits, or refusals
	NATPools   []PoolReport   `json:"nat_pools,omitempty"` // that are nearly used up
	Flows      int            `json:"flows"`               // in flow tables in the end
	// NoFlowTable: connections were kept out of flow tables.
	NoFlowTable bool           `json:"no_flow_table,omitempty"`
	Fragments   FragmentReport `json:"fragments"`
	Reloads     []ReloadReport `json:"reloads,omitempty"`
	Offload     *OffloadReport `json:"offload,omitempty"` // with devices

	// Elapsed is how long reading and judging took, by the wall clock.
	Elapsed time.Duration `json:"-"`

	samples              []report.Sample
	policy               *policy.Policy
	engine               *datapath.Engine
	verdicts             [packet.NumVerdicts]Count
	reasons, copyReasons [256]Count
	stolen               [256]Count
}

// CopyReport counts what mirrors and clones made: Made = Out + Up + Dropped.
type CopyReport struct {
	Made    uint64 `json:"made"`
	Out     uint64 `json:"out"`      // left by a device
	Up      uint64 `json:"to_stack"` // handed up
	Dropped uint64 `json:"dropped"`  // or consumed
}

// Count counts frames and their bytes, from the Ethernet header on.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func (c *Count) add(bytes uint64) {
	c.Packets++
	c.Bytes += bytes
}

// Named is a count of packets by name.
type Named struct {
	Name    string `json:"name"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// DeviceReport counts a device's frames: in, out of it, and up to the stack.
type DeviceReport struct {
	Name string `json:"name"`
	In   Count  `json:"in"`
	Out  Count  `json:"out"`
	Up   Count  `json:"to_stack"`
}

// FilterReport is a filter with the counters of its first action, as tc shows
// them: bytes from the network header on.
type FilterReport struct {
	Dev    string `json:"dev,omitempty"`
	Block  uint32 `json:"block,omitempty"` // a shared block, instead of a device
	Egress bool   `json:"egress,omitempty"`
	Chain  uint32 `json:"chain"`
	// Protocol is the EtherType that the filter takes, in tc's word for it.
	Protocol string `json:"protocol"`
	Prio     uint16 `json:"prio"`
	Kind     string `json:"kind"`
	Handle   uint32 `json:"handle"`
	Line     int    `json:"line"` // of the policy file
	Rule     string `json:"rule"` // its protocol, and what is written there
	// Counted is false for a filter without actions: nothing counts it.
	Counted bool   `json:"counted"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	Drops   uint64 `json:"drops"` // by any of its actions
}

// TrackerReport is what the tracker counted, by the columns' names in
// /proc/net/stat/nf_conntrack.
type TrackerReport struct {
	Live          int    `json:"live"`    // connections: those that are listed
	Expired       int    `json:"expired"` // past their deadline and not collected yet
	Entries       uint64 `json:"entries"` // both
	Found         uint64 `json:"found"`
	Invalid       uint64 `json:"invalid"`
	Insert        uint64 `json:"insert"`
	InsertFailed  uint64 `json:"insert_failed"`
	Drop          uint64 `json:"drop"`
	EarlyDrop     uint64 `json:"early_drop"`
	ICMPError     uint64 `json:"icmp_error"`
	ClashResolved uint64 `json:"clash_resolve"`
	NATExhausted  uint64 `json:"nat_exhausted"` // no port was left to translate to; Linux counts a drop
	ExpectNew     uint64 `json:"expect_new"`
	ExpectCreate  uint64 `json:"expect_create"`
	ExpectDelete  uint64 `json:"expect_delete"`
}

// ZoneReport is how full a zone is in the end. Limits count what has expired until
// it is collected, too.
type ZoneReport struct {
	Zone        uint16 `json:"zone"`
	Connections int    `json:"connections"`     // that live
	Expired     int    `json:"expired"`         // and not collected yet
	Limit       uint32 `json:"limit,omitempty"` // 0: none
	Refused     uint64 `json:"refused"`         // connections not committed for a limit
}

// FragmentReport is what became of the fragments that ct actions held, both
// families together. A packet that is not whole yet is not late before somebody
// looks: those are among the waiting.
type FragmentReport struct {
	Held        uint64  `json:"held"`        // and copied, but for those that completed a packet
	Packets     uint64  `json:"packets"`     // put together
	Used        uint64  `json:"used"`        // fragments that these were made of
	Discarded   uint64  `json:"discarded"`   // held fragments thrown away: too late, contradicted by another, too far apart
	Waiting     int     `json:"waiting"`     // in the end
	TimedOut    uint64  `json:"timed_out"`   // packets given up for their age
	Restarted   uint64  `json:"restarted"`   // packets begun anew: too many of their source's fragments between two of theirs
	Unprocessed []Named `json:"unprocessed"` // fragments that were not held, by why
}

func newFragmentReport(st frag.Stats) FragmentReport {
	r := FragmentReport{Unprocessed: []Named{}}
	for fam := range 2 {
		r.Held += st.Results[fam][frag.Held]
		r.Packets += st.Results[fam][frag.Complete]
		r.Used += st.Used[fam]
		r.Discarded += st.Discarded[fam]
		r.Waiting += st.Waiting[fam]
		r.TimedOut += st.TimedOut[fam]
		r.Restarted += st.Restarted[fam]
	}
	for res := frag.AsIs; int(res) < frag.NumResults; res++ {
		if n := st.Results[0][res] + st.Results[1][res]; n > 0 {
			r.Unprocessed = append(r.Unprocessed, Named{Name: res.String(), Packets: n})
		}
	}
	return r
}

// finish fills in everything that is known only in the end.
func (r *runner) finish(f *feed) {
	r.engine = r.e
	if r.now != math.MinInt64 {
		r.LastTime = r.now
		r.e.Flows().Sync(r.now)
	}
	if r.Packets > 0 {
		r.First = wallClock(r.FirstTime)
	}
	if r.course != nil {
		r.samples = r.course.Finish(r.now + 1)
	}
	for _, s := range f.sources {
		in := s.InputReport
		r.Inputs = append(r.Inputs, &in)
	}
	for v, c := range r.verdicts {
		r.Verdicts = append(r.Verdicts, Named{packet.Verdict(v).String(), c.Packets, c.Bytes})
	}
	r.States = []Named{}
	for state, c := range r.states {
		if c.Packets > 0 {
			r.States = append(r.States, Named{string(AppendState(nil, uint16(state))), c.Packets, c.Bytes})
		}
	}
	r.Drops, r.Stolen, r.CopyDrops = byReason(&r.reasons), byReason(&r.stolen), byReason(&r.copyReasons)
	r.Filters = Filters(r.policy, r.e, r.texts)
	st := r.e.Tracker().Stats()
	r.Invalid = []Named{}
	for why, n := range st.InvalidBy {
		if n > 0 {
			r.Invalid = append(r.Invalid, Named{Name: conntrack.Invalid(why).String(), Packets: n})
		}
	}
	all, zones := r.e.Tracker().Count(r.LastTime)
	r.Conntrack = TrackerReport{
		Live: all.Live, Expired: all.Expired, Entries: st.Entries, Found: st.Found, Invalid: st.Invalid, Insert: st.Insert, InsertFailed: st.InsertFailed,
		Drop: st.Drop, EarlyDrop: st.EarlyDrop, ICMPError: st.ICMPError, ClashResolved: st.ClashRes, NATExhausted: st.NATExhausted,
		ExpectNew: st.ExpectNew, ExpectCreate: st.ExpectCreate, ExpectDelete: st.ExpectDelete,
	}
	r.Zones = []ZoneReport{}
	for z := range r.e.Tracker().ZonesInUse() {
		r.Zones = append(r.Zones, ZoneReport{z.Zone, zones[z.Zone].Live, zones[z.Zone].Expired, z.Limit, z.Refused})
	}
	for _, c := range r.reloads {
		r.Reloads = append(r.Reloads, ReloadReport{File: c.file, Mode: r.onReload, Changed: []CutReport{}})
	}
	r.NATPools = natPools(r.policy, r.e.Tracker(), r.now)
	r.Flows = all.Flows
	r.Fragments = newFragmentReport(r.e.Fragments())
}

// wallClock writes a time of the captures', nanoseconds since the epoch.
func wallClock(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

// byReason names the reasons that occurred.
func byReason(counts *[256]Count) []Named {
	out := []Named{}
	for reason, c := range counts {
		if c.Packets > 0 {
			out = append(out, Named{datapath.ReasonName(uint8(reason)), c.Packets, c.Bytes})
		}
	}
	return out
}

// Filters lists a policy's filters in the order in which packets meet them,
// with their counters. texts are the files that they were read from, by name.
func Filters(p *policy.Policy, e *datapath.Engine, texts map[string]string) []FilterReport {
	lines := map[string][]string{}
	for file, text := range texts {
		lines[file] = strings.Split(text, "\n")
	}
	out := []FilterReport{}
	seen := map[*policy.Block]bool{}
	for _, d := range p.Devices {
		for dir, b := range d.Block {
			if b == nil || seen[b] {
				continue
			}
			seen[b] = true
			at := FilterReport{Dev: d.Name, Egress: policy.Binding(dir) == policy.Egress}
			if b.Index != 0 {
				at = FilterReport{Block: b.Index}
			}
			for _, c := range b.Chains {
				for _, pr := range c.Protos {
					for _, f := range pr.Filters {
						fr := at
						fr.Chain, fr.Protocol, fr.Prio, fr.Kind = c.Index, tc.ProtocolWord(pr.Protocol), pr.Prio, pr.Kind
						fr.count(f, e, lines[f.File])
						out = append(out, fr)
					}
				}
			}
		}
	}
	return out
}

func (fr *FilterReport) count(f *policy.Filter, e *datapath.Engine, lines []string) {
	fr.Handle, fr.Line, fr.Rule = f.Handle, f.Line, "protocol "+fr.Protocol+" "+ruleText(lines, f.Line, fr.Kind)
	for i, a := range f.Actions {
		st := e.ActionStats(a)
		if i == 0 {
			fr.Counted, fr.Packets, fr.Bytes = true, st.Packets, st.Bytes
		}
		fr.Drops += st.Drops
	}
}

// ruleText is what the policy's line says from the classifier's name on, with
// continued lines joined and single blanks between words.
func ruleText(lines []string, line int, kind string) string {
	var words []string
	for i := line - 1; i >= 0 && i < len(lines); i++ {
		l, _, _ := strings.Cut(lines[i], "#")
		l = strings.TrimRight(l, " \t\r")
		body, more := strings.CutSuffix(l, `\`)
		words = append(words, strings.Fields(body)...)
		if !more {
			break
		}
	}
	for i, w := range words {
		if w == kind {
			return strings.Join(words[i:], " ")
		}
	}
	return kind
}

// Connections are the connections that live at the end, in the order of their
// slots: that of their creation, as long as none was freed.
func (r *Report) Connections(yield func(packet.ConnRef, *conntrack.Conn) bool) {
	for ref, c := range r.engine.Tracker().All(r.LastTime) {
		if !yield(ref, c) {
			return
		}
	}
}
