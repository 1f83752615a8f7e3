package flowtable

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// Admission says which flows go into devices, and what happens when there is
// no room. It decides about devices only: what the flow table holds follows
// from packets and policy alone.
type Admission struct {
	// Thresholds, of both directions together, as software has seen them, or
	// software and devices after a flow has come back.
	MinPackets, MinBytes uint64
	MinAge               int64 // ns since the flow table has had it

	Never      []Service // what is never worth it; either end's port counts
	NeverProto []uint8

	// ZoneShare is how many flows of a zone a device may hold; zones that are
	// not named may have them all.
	ZoneShare map[uint16]int

	MaxFlows int // a device holds no more, whatever it says; 0: no bound
	// High and Low are water marks, in percent of what a device can hold: at
	// High it takes no flow any more until it is down to Low. 0: 100.
	High, Low int
	Eviction  Eviction

	RetryEvery int64 // ns between two attempts for one flow; 0: a second
	PendingMax int   // flows that wait for room, per device; 0: 65536
	QueueMax   int   // additions that wait to be handed over, per device; 0: 65536

	// Hook is asked before everything else but the flow's being moved back, at
	// most once in RetryEvery for a flow. It must not change or keep the
	// connection.
	Hook func(*conntrack.Conn) Verdict
}

// Service is a protocol's port.
type Service struct {
	Proto uint8
	Port  uint16
}

// DNS is what asks once and is answered once.
var DNS = []Service{{packet.ProtoUDP, 53}, {packet.ProtoTCP, 53}, {packet.ProtoUDP, 5353}}

// Verdict is what Hook says.
type Verdict uint8

const (
	Undecided Verdict = iota // the rest of the policy decides
	Yes                      // now, whatever thresholds say
	No                       // not now
)

const (
	defaultRetry = second
	defaultMax   = 1 << 16
)

// settle fills in defaults and checks.
func (a *Admission) settle() error {
	if a.RetryEvery == 0 {
		a.RetryEvery = defaultRetry
	}
	if a.PendingMax == 0 {
		a.PendingMax = defaultMax
	}
	if a.QueueMax == 0 {
		a.QueueMax = defaultMax
	}
	if a.High == 0 {
		a.High = 100
	}
	if a.Low == 0 {
		a.Low = a.High
	}
	switch {
	case a.MinAge < 0:
		return errors.New("admission: the least age is negative")
	case a.RetryEvery < 0:
		return errors.New("admission: the time between attempts is negative")
	case min(a.PendingMax, a.QueueMax, a.MaxFlows) < 0:
		return errors.New("admission: a number of flows is negative")
	case a.High < 1 || a.High > 100 || a.Low < 1 || a.Low > 100:
		return fmt.Errorf("admission: water marks of %d %% and %d %%; 1 to 100 are possible", a.Low, a.High)
	case a.Low > a.High:
		return fmt.Errorf("admission: the low water mark, %d %%, is above the high one, %d %%", a.Low, a.High)
	case a.Eviction >= numEvictions:
		return fmt.Errorf("admission: no eviction has the number %d", a.Eviction)
	}
	for z, n := range a.ZoneShare {
		if n < 0 {
			return fmt.Errorf("admission: zone %d's share is negative", z)
		}
	}
	return nil
}

// admission is the policy in force, in the form that attempts need.
type admission struct {
	Admission
	proto [256]bool
	ports [256]*[1 << 16 / 64]uint64
	share map[uint16]int
}

// Admission returns the policy in force.
func (s *Set) Admission() Admission { return s.adm.Admission }

// SetAdmission makes another policy current. Flows that the former one, or a
// device, had refused are judged anew, a few at a time; those that devices
// hold stay there.
func (s *Set) SetAdmission(now int64, a Admission) error {
	if err := a.settle(); err != nil {
		return err
	}
	s.now = max(s.now, now)
	a.Never, a.NeverProto, a.ZoneShare = slices.Clone(a.Never), slices.Clone(a.NeverProto), maps.Clone(a.ZoneShare)
	n := admission{Admission: a, share: a.ZoneShare}
	for _, p := range a.NeverProto {
		n.proto[p] = true
	}
	for _, v := range a.Never {
		if n.ports[v.Proto] == nil {
			n.ports[v.Proto] = new([1 << 16 / 64]uint64)
		}
		n.ports[v.Proto][v.Port/64] |= 1 << (v.Port % 64)
	}
	s.adm = n
	s.epoch++
	for _, t := range s.all {
		if t.devs != 0 {
			t.replay = t.flows.len()
		}
	}
	for d := range s.each(0xff) {
		d.full, d.closed, d.evictAt = 0, false, 0
		for d.waiting > a.PendingMax && d.pending.len() > 0 {
			d.turnAway()
		}
	}
	return nil
}

// judge says why admission keeps a flow out; NoReason lets it in.
func (s *Set) judge(c *conntrack.Conn, x *side, now int64) offload.Reason {
	a := &s.adm
	if x.home {
		return offload.Flushed
	}
	if !s.fits(c) {
		return offload.OneWay
	}
	if a.Hook != nil {
		switch a.Hook(c) {
		case Yes:
			return offload.NoReason
		case No:
			return offload.Hook
		}
	}
	if a.proto[c.Orig.Proto] {
		return offload.Never
	}
	if p := a.ports[c.Orig.Proto]; p != nil {
		for _, port := range [2]uint16{c.Orig.SPort, c.Orig.DPort} {
			if p[port/64]>>(port%64)&1 != 0 {
				return offload.Never
			}
		}
	}
	switch {
	case c.Packets()[0]+c.Packets()[1] < a.MinPackets:
		x.next = now // as soon as it has had enough, which a comparison tells
		return offload.Few
	case c.Bytes()[0]+c.Bytes()[1] < a.MinBytes:
		x.next = now
		return offload.Small
	case now < x.since+a.MinAge:
		x.next = min(x.next, x.since+a.MinAge)
		return offload.Young
	}
	return offload.NoReason
}

// enough reports whether an attempt can come to anything as far as thresholds
// say: what keeps most flows out costs a comparison a packet.
func (s *Set) enough(c *conntrack.Conn) bool {
	return s.adm.Hook != nil || c.Packets()[0]+c.Packets()[1] >= s.adm.MinPackets && c.Bytes()[0]+c.Bytes()[1] >= s.adm.MinBytes
}

// share reports whether a zone may have another flow in the device.
func (s *Set) share(d *device, zone uint16) bool {
	if s.adm.share == nil {
		return true
	}
	n, ok := s.adm.share[zone]
	return !ok || int(*d.zone.at(int(zone))) < n
}
