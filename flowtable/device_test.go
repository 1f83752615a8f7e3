package flowtable_test

import (
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// device is a driver under test: it answers when it is told to, and carries
// packets as a card would.
type device struct {
	name  string
	limit int // flows; 0: no end
	auto  bool
	// uncounted: it tells when it carried a packet last, and nothing else.
	uncounted bool
	refuse    offload.Reason // refuses everything for this reason
	fail      bool
	takes     int // requests taken by one Submit; 0: all
	flows     map[packet.ConnRef]*held
	requests  []offload.Request // all that were submitted
	answers   []offload.Completion
	batches   int
}

type held struct {
	offload.Flow
	live  bool // the insertion was answered
	stats offload.FlowStats
}

func newDevice() *device {
	return &device{name: "nic0", auto: true, flows: map[packet.ConnRef]*held{}}
}

func (d *device) Name() string                                { return d.name }
func (d *device) Replace(int64, *offload.Rule) error          { return nil }
func (d *device) Destroy(int64, *offload.Rule)                {}
func (d *device) ActionStats(*policy.Action) (s policy.Stats) { return s }

func (d *device) Submit(now int64, reqs []offload.Request) int {
	d.batches++
	if d.takes > 0 && len(reqs) > d.takes {
		reqs = reqs[:d.takes]
	}
	for _, r := range reqs {
		d.requests = append(d.requests, r)
		if d.auto {
			d.answers = append(d.answers, d.do(now, r))
		}
	}
	return len(reqs)
}

// do carries a request out.
func (d *device) do(now int64, r offload.Request) offload.Completion {
	k := offload.Completion{Conn: r.Flow.Conn, Op: r.Op}
	f := d.flows[r.Flow.Conn]
	switch r.Op {
	case offload.Add:
		switch {
		case d.refuse != 0:
			k.Result, k.Reason = offload.Refused, d.refuse
		case d.fail:
			k.Result = offload.Failed
		case d.limit > 0 && f == nil && len(d.flows) >= d.limit:
			k.Result = offload.Full
		default:
			d.flows[r.Flow.Conn] = &held{Flow: r.Flow, live: true}
		}
	case offload.Remove:
		if f != nil {
			k.Stats = d.told(f, now)
		}
		delete(d.flows, r.Flow.Conn)
	case offload.Read:
		if f == nil {
			k.Result = offload.Failed
		} else {
			k.Stats = d.told(f, now)
		}
	}
	return k
}

func (d *device) Poll(_ int64, out []offload.Completion) int {
	n := copy(out, d.answers)
	d.answers = d.answers[:copy(d.answers, d.answers[n:])]
	return n
}

// told is what the device tells of a flow.
func (d *device) told(f *held, now int64) offload.FlowStats {
	st := f.stats
	if st.At = now; d.uncounted {
		st.Packets, st.Bytes = [2]uint64{}, [2]uint64{}
	}
	return st
}

// carry has the device carry a packet of the only flow it holds, or of all.
func (d *device) carry(now int64, dir int, bytes uint64) {
	for _, f := range d.flows {
		f.stats.Packets[dir]++
		f.stats.Bytes[dir] += bytes
		f.stats.Used = now
	}
}

func (d *device) count(op offload.Op) (n int) {
	for _, r := range d.requests {
		if r.Op == op {
			n++
		}
	}
	return n
}

// prober is a device that answers at once.
type prober struct{ *device }

func (p prober) Probe(now int64, ref packet.ConnRef) (offload.FlowStats, bool) {
	f := p.flows[ref]
	if f == nil {
		return offload.FlowStats{}, false
	}
	return p.told(f, now), true
}
