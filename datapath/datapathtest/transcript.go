package datapathtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/flowtable"
	"sluice/packet"
	"sluice/policy"
)

// Input is a frame that comes in on a device at a time, or something else that
// happens then.
type Input struct {
	Dev   string
	Frame []byte
	At    int64
	Do    func(*Rig) // nil: the frame comes in

	// Restart: a test that restarts do not matter saves, and goes on from
	// what was saved.
	Restart bool
}

// Transcript is what a run shows to the outside, a line a packet.
type Transcript struct {
	out bytes.Buffer
	// Uncounted leaves out how much each connection has carried: a device without
	// counters of flows cannot tell.
	Uncounted bool
}

// Send judges one input and notes what became of it.
func (t *Transcript) Send(r *Rig, in Input) Result { return t.SendAll(r, []Input{in}, true)[0] }

// SendAll judges inputs of one time together and notes what became of each. Of
// those that are no frames there is one alone. tick: maintenance comes first,
// on which nothing depends.
func (t *Transcript) SendAll(r *Rig, in []Input, tick bool) (all []Result) {
	r.Now = in[0].At
	if in[0].Do != nil {
		r.E.Flows().Sync(r.Now) // as all do that look from outside
		r.E.Tracker().Clock(r.Now)
		in[0].Do(r)
		return []Result{{}}
	}
	if in[0].Restart {
		return []Result{{}}
	}
	r.v.Reset()
	r.v.Now = r.Now
	for i := range in {
		id, ok := r.E.Device(in[i].Dev)
		if !ok {
			r.t.Fatalf("no device %s", in[i].Dev)
		}
		r.v.Add(bytes.Clone(in[i].Frame), id)
	}
	if tick {
		r.E.Tick(r.Now)
	}
	r.E.Process(&r.v)
	tx := r.v.Tx
	for i := range in {
		n := 0
		for n < len(tx) && int(tx[n].Pkt) == i {
			n++
		}
		res := Result{r.v.Verdict[i], datapath.ReasonName(r.v.Reason[i]), tx[:n:n], append([]datapath.Hit(nil), r.E.Trace(i)...)}
		tx = tx[n:]
		t.note(r, &in[i], &res, r.E.Copies(i))
		all = append(all, res)
	}
	return all
}

func (t *Transcript) note(r *Rig, in *Input, res *Result, copies []datapath.Copy) {
	fmt.Fprintf(&t.out, "%d %s %v %s %s", in.At, in.Dev, res.Verdict, res.Reason, r.Out(*res))
	for _, tx := range res.Tx {
		fmt.Fprintf(&t.out, " %v/%d/%x", tx.Mirror, tx.Copy, tx.Frame)
	}
	for _, hit := range res.Hits {
		fmt.Fprintf(&t.out, " hit %d %v %d %d %#x %#x %v", hit.Dev, hit.Egress, hit.Chain, hit.Proto.Prio, hit.Filter.Handle, hit.CTState, hit.Conn != 0)
	}
	for _, c := range copies {
		fmt.Fprintf(&t.out, " copy %+v", c)
	}
	t.out.WriteByte('\n')
}

// End notes the tables and counters, whichever tier has counted.
func (t *Transcript) End(r *Rig) string {
	r.E.Flows().Sync(r.Now)
	tr := r.E.Tracker()
	var conns []string // whose slots are nobody's business
	for ref, c := range tr.All(r.Now) {
		packets, bytes := c.Packets(), c.Bytes()
		if t.Uncounted {
			packets, bytes = [2]uint64{}, [2]uint64{}
		}
		conns = append(conns, fmt.Sprintf("%v reply %v zone %d status %#x flow %#x state %d timeout %d packets %v bytes %v mark %d label %x\n",
			c.Orig, tr.Reply(ref), c.Zone, c.Status&^conntrack.StatusHWOffload, flowtable.Lasting(c), c.TCP.State, c.Timeout, packets, bytes, c.Mark, c.Label))
	}
	slices.Sort(conns)
	t.out.WriteString(strings.Join(conns, ""))
	for _, d := range r.P.Devices {
		for _, b := range d.Block {
			if b != nil {
				t.block(r, d.Name, b)
			}
		}
	}
	f := r.E.Flows().Counters()
	// A flow that was overdue when its connection was killed may count as either.
	fmt.Fprintf(&t.out, "flows added %d aged or vanished %d closed %d flushed %d, drops %v\n", f.Added, f.Aged+f.Vanished, f.Closed, f.Flushed, r.Drops())
	return t.out.String()
}

func (t *Transcript) block(r *Rig, dev string, b *policy.Block) {
	for _, c := range b.Chains {
		for _, pr := range c.Protos {
			for _, f := range pr.Filters {
				for _, a := range f.Actions {
					s := r.E.ActionStats(a)
					s.HWPackets, s.HWBytes = 0, 0
					fmt.Fprintf(&t.out, "%s chain %d prio %d handle %#x %s %+v\n", dev, c.Index, pr.Prio, f.Handle, a.Kind, s)
				}
			}
		}
	}
}

// Differences lists the lines in which two transcripts differ.
func Differences(want, got string) string {
	var out strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			fmt.Fprintf(&out, "software: %s\n    here: %s\n", a, b)
		}
	}
	return out.String()
}

// Tuple is a frame's tuple; the zero tuple when it has none.
func Tuple(frame []byte) packet.Tuple {
	var h packet.Headers
	packet.Parse(frame, &h)
	return h.Tuple
}
