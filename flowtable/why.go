package flowtable

import (
	"unsafe"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// DeviceStats count what became of a device's flows.
type DeviceStats struct {
	Name string

	Held, Leaving int // now: in it, and being removed
	Limit         int // how many it can hold; 0: nobody knows
	Queue         int // additions that wait to be handed over
	Pending       int // flows that wait for room
	Open          [3]int

	Submitted, Removals, Reads uint64 // requests handed over; Reads with those answered at once

	Added    uint64                     // insertions that the device has confirmed
	Full     uint64                     // that it had no room for
	Refused  [offload.NumReasons]uint64 // that it will never take
	Failed   uint64                     // that should have worked
	Declined [offload.NumReasons]uint64 // that it was not asked for, by its own quota
	Evicted  uint64                     // flows taken out to make room
	Dropped  uint64                     // additions dropped because too many waited
	Unlisted uint64                     // flows that found the pending list full, or lost their place on it
	Lost     uint64                     // requests never answered
	Forgot   uint64                     // flows that it did not hold although it had said so
	Returned uint64                     // flows that it has let go of by itself
	Orphans  uint64                     // packets told of after their connection had ended
	Ignored  [NumIgnored]uint64         // completions that meant nothing
}

// DeviceStats returns the counts of a registered device.
func (s *Set) DeviceStats(drv offload.Driver) (DeviceStats, bool) {
	d := s.device(drv)
	if d == nil {
		return DeviceStats{}, false
	}
	st := d.stats
	st.Leaving, st.Limit, st.Pending = d.leaving, d.limit(), d.waiting
	st.Open = d.open()
	st.Held = d.entries.n - d.leaving - st.Open[offload.Add]
	for i := range d.adds.len() {
		if x := s.known(d.adds.at(i)); x != nil && x.queued&d.bit != 0 {
			st.Queue++
		}
	}
	return st, true
}

// open counts unanswered requests by Op. It walks all entries.
func (d *device) open() (n [3]int) {
	for i := range d.entries.n {
		e := d.entries.all.at(i)
		if !e.gone {
			n[offload.Add] += int(e.adds)
		}
		n[offload.Remove] += int(e.removes)
		n[offload.Read] += int(e.reads)
	}
	return n
}

// Backlog is the work that waits or is under way in devices, as
// /proc/net/stat/nf_flowtable shows it: additions, removals, readings
// (nf_flow_table_procfs.c).
func (s *Set) Backlog() (add, del, stats int) {
	for d := range s.each(0xff) {
		n := d.open()
		st, _ := s.DeviceStats(d.drv)
		add += n[offload.Add] + st.Queue
		del += n[offload.Remove]
		stats += n[offload.Read]
	}
	return add, del, stats
}

// InDevices is the number of flows that at least one device holds; the rest of
// Len are software's.
func (s *Set) InDevices() int { return s.held }

func (d *device) memory() int {
	n := d.entries.all.len()*int(unsafe.Sizeof(entry{})) + d.entries.pos.len()*4 + d.zone.len()*4
	for _, q := range []*queue{&d.adds, &d.removes, &d.reads, &d.pending} {
		n += len(q.ring) * 8
	}
	return n
}

// Where is what a device does with a flow.
type Where struct {
	Device string
	Held   bool
	Reason offload.Reason // if it is not held
}

// Why says why no device holds a connection, NoReason if one does, and how it
// stands with each device of its zone.
func (s *Set) Why(ref packet.ConnRef) (offload.Reason, []Where) {
	c := s.tr.Conn(ref)
	switch {
	case c == nil:
		return offload.Ended, nil
	case !mine(c):
		return Outside(c), nil
	}
	t := s.table(c)
	if t == nil || t.devs == 0 {
		return offload.NoDevice, nil
	}
	x := s.known(ref)
	if x == nil {
		x = &side{epoch: s.epoch, since: s.now}
	}
	if x.epoch != s.epoch { // what was refused then is asked again
		now := *x
		now.refused, now.why = 0, [maxDevices]offload.Reason{}
		x = &now
	}
	var all []Where
	main := offload.NoDevice
	for d := range s.each(t.devs) {
		w := Where{Device: d.stats.Name, Held: x.held&d.bit != 0}
		if !w.Held {
			w.Reason = s.reason(d, c, x)
		}
		if main == offload.NoDevice || w.Held {
			main = w.Reason
		}
		all = append(all, w)
	}
	return main, all
}

// reason is why a device does not hold a flow.
func (s *Set) reason(d *device, c *conntrack.Conn, x *side) offload.Reason {
	switch {
	case x.home:
		return offload.Flushed
	case x.pending&d.bit != 0:
		return offload.Waiting
	case (x.queued|x.in)&d.bit != 0:
		return offload.Asked
	case x.refused&d.bit != 0:
		return x.why[d.n]
	case s.adm.Hook == nil && c.Packets()[0]+c.Packets()[1] < s.adm.MinPackets:
		return offload.Few
	case s.adm.Hook == nil && c.Bytes()[0]+c.Bytes()[1] < s.adm.MinBytes:
		return offload.Small
	case x.why[d.n] == offload.NoReason:
		return offload.Untried
	}
	return x.why[d.n]
}

// Outside is why a connection is not in the flow table, as far as the
// connection tells.
func Outside(c *conntrack.Conn) offload.Reason {
	switch c.Orig.Proto {
	case packet.ProtoTCP, packet.ProtoUDP:
	case packet.ProtoGRE:
		if c.Orig.SPort|c.Orig.DPort != 0 || c.Status&(conntrack.StatusSrcNAT|conntrack.StatusDstNAT) != 0 {
			return offload.Protocol
		}
	default:
		return offload.Protocol
	}
	if c.Status&(conntrack.StatusHelper|conntrack.StatusSeqAdjust) != 0 {
		return offload.Helper
	}
	return offload.NotEstablished
}
