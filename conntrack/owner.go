package conntrack

import (
	"slices"

	"sluice/packet"
)

// Owner holds connections besides the tracker: the flow table does, and
// devices behind it. Only connections whose FlowFlags are set are its.
type Owner interface {
	// Ending is called before a connection's end is told and its memory given
	// back, so that what others have counted for it can still be added.
	Ending(ref packet.ConnRef, c *Conn)
	// Overdue is called when the tracker comes upon an offloaded connection past
	// its FlowDeadline: if it should have been given back by now, it is to be
	// given back, as of then. It returns when to ask again about a connection
	// that it keeps, and no earlier; math.MaxInt64 for any other.
	Overdue(now int64, ref packet.ConnRef, c *Conn) (again int64)
	// Altered is called after a connection's mark or label has become another.
	Altered(ref packet.ConnRef, c *Conn)
}

// Watch adds an owner, which the tracker refers to until Unwatch.
func (t *Tracker) Watch(o Owner) { t.owners = append(t.owners, o) }

// Unwatch takes an owner away that Watch has added. It must hold no connection
// any more: no event would tell it of their end.
func (t *Tracker) Unwatch(o Owner) {
	if i := slices.Index(t.owners, o); i >= 0 {
		t.owners = slices.Delete(t.owners, i, i+1)
	}
}

// Watched is how many owners there are.
func (t *Tracker) Watched() int { return len(t.owners) }

func (t *Tracker) ending(slot uint32, c *Conn) {
	if c.FlowFlags != 0 {
		for _, o := range t.owners {
			o.Ending(t.slab.ref(slot, c), c)
		}
	}
}

// gone reports that a confirmed connection is past its deadline, its owner's
// included. What a packet meets must not depend on whether somebody's
// maintenance has come by.
func (t *Tracker) gone(now int64, slot uint32, c *Conn) bool {
	if c.Status&StatusOffload != 0 && now >= c.FlowDeadline {
		for _, o := range t.owners {
			o.Overdue(now, t.slab.ref(slot, c), c)
		}
	}
	return now >= c.Timeout && t.expired(c, now)
}

func (t *Tracker) altered(ref packet.ConnRef, c *Conn) {
	if c.FlowFlags != 0 {
		for _, o := range t.owners {
			o.Altered(ref, c)
		}
	}
}

// What happens to a connection outside the tracker, told among its other
// events. The kernel has no such events; the bits are those that its enum
// leaves free.
const (
	EventOffload   uint16 = 1 << (13 + iota) // a flow table has taken it
	EventHWOffload                           // a device has taken it
	EventBack                                // the device, or without one the flow table, has given it back
)

// Outside are the bits of events that the tracker has no part in.
const Outside = EventOffload | EventHWOffload | EventBack

// Moved records that a connection has gone to, or come back from, somebody
// else: what is one of the bits of Outside, device a number that DeviceNumber
// gave or zero, reason why it came back (an offload.Reason).
func (t *Tracker) Moved(now int64, ref packet.ConnRef, what uint16, device, reason uint8) {
	l := t.events
	if l == nil {
		return
	}
	c := t.Conn(ref)
	if c == nil {
		return
	}
	l.now = max(l.now, now)
	l.record(Event{
		Time: now, Start: t.Started(ref), Ref: ref, What: what, Device: device, Reason: reason,
		Conn: c.Settled(), Reply: t.reply(slotOf(ref), c),
	})
}

// DeviceNumber gives a device's name a number for events, the same whenever it
// is asked; 0 once there are more than 255.
func (t *Tracker) DeviceNumber(name string) uint8 {
	for i, n := range t.devices {
		if n == name {
			return uint8(i + 1)
		}
	}
	if len(t.devices) == 255 || name == "" {
		return 0
	}
	t.devices = append(t.devices, name)
	return uint8(len(t.devices))
}

// DeviceName is the inverse of DeviceNumber.
func (t *Tracker) DeviceName(n uint8) string {
	if n == 0 || int(n) > len(t.devices) {
		return ""
	}
	return t.devices[n-1]
}
