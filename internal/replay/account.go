package replay

import (
	"sluice/datapath"
	"sluice/packet"
)

// account counts every packet of a vector that has been judged, and all that
// came out of it.
func (r *runner) account(v *packet.Vector) {
	sum := uint64(0)
	for i := range v.N {
		n := uint64(r.size[i])
		sum += n
		r.tiers[r.e.Tier(i)].add(n)
		r.verdicts[v.Verdict[i]].add(n)
		r.Devices[v.M[i].Dev].In.add(n)
		r.states[uint8(r.e.CTState(i))].add(n)
		if reason := v.Reason[i]; reason != datapath.ReasonNone || v.Verdict[i] == packet.Stolen {
			if v.Verdict[i] == packet.Stolen {
				r.stolen[reason].add(n)
			} else {
				r.reasons[reason].add(n)
			}
		}
		for _, c := range r.e.Copies(i) {
			r.copied(&c)
		}
	}
	r.Packets += uint64(v.N)
	r.Bytes += sum
	if r.course != nil {
		for i := range v.N {
			r.course.Count(r.e.Tier(i), uint64(r.size[i]))
		}
	}
	for i := range v.Tx {
		t := &v.Tx[i]
		d := &r.Devices[t.Dev]
		if t.Up {
			d.Up.add(uint64(len(t.Frame)))
		} else {
			d.Out.add(uint64(len(t.Frame)))
		}
	}
}

// copied counts what became of a copy.
func (r *runner) copied(c *datapath.Copy) {
	r.Copies.Made++
	switch c.Verdict {
	case packet.Forward:
		r.Copies.Out++
	case packet.Pass:
		r.Copies.Up++
	default:
		r.Copies.Dropped++
		r.copyReasons[c.Reason].add(uint64(len(c.Frame)))
	}
}
