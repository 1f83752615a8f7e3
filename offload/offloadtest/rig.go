// Package offloadtest holds what every offload.Driver must pass, and what it
// takes to drive one: flow tables that note who registers, rules, flows.
package offloadtest

import (
	"fmt"
	"testing"

	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// Table is a zone's flow table, as a driver sees it. It tells drivers of its
// flows when they register, and takes them back when they leave.
type Table struct {
	zone  uint16
	Flows []offload.Flow
	// Registered counts who is registered now; Calls, how often anybody did
	// either.
	Registered map[offload.Driver]int
	Calls      int
}

// NewTable makes the flow table of a zone.
func NewTable(zone uint16) *Table {
	return &Table{zone: zone, Registered: map[offload.Driver]int{}}
}

// Zone implements offload.FlowTable.
func (t *Table) Zone() uint16 { return t.zone }

// Register implements offload.FlowTable.
func (t *Table) Register(now int64, d offload.Driver) {
	t.Calls++
	t.Registered[d]++
	for _, f := range t.Flows {
		f.Zone = t.zone
		d.Submit(now, []offload.Request{{Op: offload.Add, Flow: f}})
	}
}

// Unregister implements offload.FlowTable.
func (t *Table) Unregister(now int64, d offload.Driver) {
	t.Calls++
	t.Registered[d]--
	for _, f := range t.Flows {
		d.Submit(now, []offload.Request{{Op: offload.Remove, Flow: offload.Named(f.Conn)}})
	}
}

// TrackRule is the rule that a card which tracks at all can hold: `ct zone Z,
// goto chain 1` for IPv4 in chain 0.
func TrackRule(t *Table) *offload.Rule {
	ct := &policy.Action{Kind: "ct", Control: policy.Pipe, CT: &policy.CTAction{Zone: t.zone}}
	to := &policy.Action{Kind: "gact", Control: policy.GotoChain, ControlArg: 1, Gact: &policy.Gact{RandomType: "none"}}
	return Rule(t, ct, to)
}

// HelperRule is one that no card holds: its ct action asks for a
// helper.
func HelperRule(t *Table) *offload.Rule {
	r := TrackRule(t)
	r.Filter.Actions[0].CT.Commit = true
	r.Filter.Actions[0].CT.Helper = "ipv4-tcp-ftp"
	return r
}

// Rule makes a rule for IPv4 in chain 0 with the given actions.
func Rule(t *Table, acts ...*policy.Action) *offload.Rule {
	m := &policy.Match{}
	m.Key.EthType, m.Mask.EthType = packet.EtherIPv4, 0xffff
	r := &offload.Rule{Dev: "uplink_rep", Chain: 0, Prio: 1, Protocol: packet.EtherIPv4, Tracks: true, Filter: &policy.Filter{Handle: 1, Match: m, Actions: acts}}
	for _, a := range acts {
		var ft offload.FlowTable
		if a.CT != nil && !a.CT.Clear {
			ft = t
		}
		r.Tables = append(r.Tables, ft)
	}
	return r
}

// Flow is the i-th of many connections: established TCP in zone 0.
func Flow(i uint32) offload.Flow {
	f := offload.Flow{Entry: offload.Entry{Conn: packet.ConnRef(uint64(i)<<32 | 1), Both: true, Idle: 30e9}}
	f.Tuple[0] = packet.Tuple{
		Src: packet.Addr{10, byte(i >> 16), byte(i >> 8), byte(i)}, Dst: packet.Addr{192, 168, 0, 1},
		SPort: 1000 + uint16(i>>24), DPort: 80, Proto: packet.ProtoTCP, Family: packet.IPv4,
	}
	f.Tuple[1] = packet.Tuple{
		Src: f.Tuple[0].Dst, Dst: f.Tuple[0].Src,
		SPort: f.Tuple[0].DPort, DPort: f.Tuple[0].SPort, Proto: packet.ProtoTCP, Family: packet.IPv4,
	}
	return f
}

// rig drives one driver through time.
type rig struct {
	t   *testing.T
	d   offload.Driver
	now int64
}

const (
	step    = int64(1e6)  // between polls
	patient = int64(60e9) // by then every answer must be there
)

func (r *rig) submit(reqs ...offload.Request) {
	r.t.Helper()
	for len(reqs) > 0 {
		n := r.d.Submit(r.now, reqs)
		if n < 0 || n > len(reqs) {
			r.t.Fatalf("Submit took %d of %d requests", n, len(reqs))
		}
		if reqs = reqs[n:]; n == 0 {
			r.t.Fatalf("Submit takes nothing with so few requests under way")
		}
	}
}

// collect polls until so many answers are there.
func (r *rig) collect(n, buffer int) (all []offload.Completion) {
	r.t.Helper()
	out := make([]offload.Completion, buffer)
	for end := r.now + patient; len(all) < n && r.now < end; r.now += step {
		for {
			k := r.d.Poll(r.now, out)
			if k < 0 || k > len(out) {
				r.t.Fatalf("Poll wrote %d completions to a buffer of %d", k, len(out))
			}
			all = append(all, out[:k]...)
			if k == 0 {
				break
			}
		}
	}
	if len(all) != n {
		r.t.Fatalf("%d answers to %d requests", len(all), n)
	}
	return all
}

// one submits a request and waits for its answer.
func (r *rig) one(op offload.Op, f offload.Flow) offload.Completion {
	r.t.Helper()
	if op != offload.Add {
		f = offload.Named(f.Conn)
	}
	r.submit(offload.Request{Op: op, Flow: f})
	c := r.collect(1, 8)[0]
	if c.Conn != f.Conn || c.Op != op {
		r.t.Fatalf("%v of %d was answered as %v of %d", op, f.Conn, c.Op, c.Conn)
	}
	return c
}

func (r *rig) add(f offload.Flow) {
	r.t.Helper()
	if c := r.one(offload.Add, f); c.Result != offload.Done {
		r.t.Fatalf("add: %v (%v)", c.Result, c.Reason)
	}
}

func (r *rig) held(what string, want int) {
	r.t.Helper()
	if g, ok := r.d.(offload.Gauge); ok {
		if limit, used := g.Capacity(); used != want || limit <= 0 {
			r.t.Errorf("%s: %d of %d flows held, want %d", what, used, limit, want)
		}
	}
}

// key tells answers apart.
func key(c *offload.Completion) string { return fmt.Sprint(c.Op, c.Conn) }
