package conntrack

import (
	"fmt"
	"iter"
	"unsafe"

	"sluice/packet"
)

// Zone is what holds for the connections of one zone alone.
type Zone struct {
	HasLimit bool   // Limit takes the place of Settings.ZoneLimit
	Limit    uint32 // committed connections that the zone may have; 0: any number
	Source   SourceLimit
	Timeouts *Timeouts // nil: everybody's
	TCP      TCPChecks `json:",omitempty"`
}

// SourceLimit bounds what one source, the sender of a connection's first
// packet, may have in a zone (pf.conf(5) max-src-states, max-src-conn-rate).
// The zero value bounds nothing.
type SourceLimit struct {
	States uint32 // committed connections at the same time; 0: any number
	New    uint32 // connections begun within Per, refused ones included; 0: any number
	Per    int64  // nanoseconds, above zero where New is
}

// ZoneStats is how full a zone is.
type ZoneStats struct {
	Zone    uint16
	Conns   uint32 // committed, and not yet collected
	Limit   uint32 // 0: none
	Refused uint64 // connections that were not committed for a limit of the zone
}

// zone is a zone's record: what creating and ending a connection touch.
type zone struct {
	conns   uint32
	limit   uint32 // valid iff own
	refused uint64
	policy  uint32 // limits.policies, plus one; 0: it never had one
	source  uint32 // limits.rules, plus one; 0: none
	own     bool
	timed   bool // policy holds
	tcp     TCPChecks
	_       [5]byte
}

const _ = uint(32 - unsafe.Sizeof(zone{}))

// limits counts the connections of zones and sources. It counts expired ones
// until they are collected, which is before anything is refused.
//
// Records of zones come in pages, so that the few zones in use cost little.
type limits struct {
	set      *Settings
	pages    [256]*[256]zone
	policies []Timeouts // a zone keeps its place
	rules    []SourceLimit
	uses     []uint32 // of rules, by how many zones; 0: the place is free
	lax      bool     // a zone has other checks than all
	bounded  bool     // a zone has, or had, a limit of its own or of its sources
	src      sources
	refused  [NumResults]uint64
}

// zone returns a zone's record; nil if nothing was ever said or counted of it.
func (l *limits) zone(id uint16) *zone {
	p := l.pages[id>>8]
	if p == nil {
		return nil
	}
	return &p[id&255]
}

func (l *limits) makeZone(id uint16) *zone {
	if l.pages[id>>8] == nil {
		l.pages[id>>8] = new([256]zone)
	}
	return l.zone(id)
}

func (l *limits) limitOf(z *zone) uint32 {
	if z.own {
		return z.limit
	}
	return l.set.ZoneLimit
}

// none reports whether no zone and no source is bounded: most tables' case.
func (l *limits) none() bool { return !l.bounded && l.set.ZoneLimit == 0 }

// full reports whether a connection that is about to be committed finds all taken
// that its zone, or its source there, may have.
func (l *limits) full(c *Conn) bool {
	z := l.zone(c.Zone)
	if z == nil {
		return false
	}
	if limit := l.limitOf(z); limit != 0 && z.conns >= limit {
		return true
	}
	if z.source == 0 || l.rules[z.source-1].States == 0 {
		return false
	}
	n := l.src.find(&c.Orig, c.Zone)
	return n != 0 && l.src.at(n).conns >= l.rules[z.source-1].States
}

// enter counts a connection that is about to be committed, or refuses it.
func (l *limits) enter(now int64, c *Conn) Result {
	z := l.zone(c.Zone)
	if z == nil {
		z = l.makeZone(c.Zone)
	}
	if limit := l.limitOf(z); limit != 0 && z.conns >= limit {
		return l.refuse(z, DropZoneLimit)
	}
	if z.source != 0 {
		if r := l.enterSource(now, c, &l.rules[z.source-1]); r != Accept {
			return l.refuse(z, r)
		}
	}
	z.conns++
	return Accept
}

func (l *limits) refuse(z *zone, r Result) Result {
	z.refused++
	l.refused[r]++
	return r
}

// leave takes a committed connection out of the counts.
func (l *limits) leave(c *Conn) {
	z := l.zone(c.Zone)
	z.conns--
	if z.source != 0 {
		l.src.leave(l.src.find(&c.Orig, c.Zone))
	}
}

func (l *limits) enterSource(now int64, c *Conn, r *SourceLimit) Result {
	l.forget(now)
	n := l.src.find(&c.Orig, c.Zone)
	if n == 0 {
		n = l.src.add(now, &c.Orig, c.Zone)
	}
	s := l.src.at(n)
	if r.States != 0 && s.conns >= r.States {
		return DropSourceStates
	}
	if r.New != 0 && !s.begin(now, r) {
		l.src.touch(n)
		return DropSourceRate
	}
	l.src.enter(n)
	return Accept
}

// forgetAtOnce is how many idle sources a new connection may forget: more than
// it can add.
const forgetAtOnce = 2

// forget lets go of idle sources whose rate is nothing any more.
func (l *limits) forget(now int64) {
	for range forgetAtOnce {
		n := l.src.oldest
		if n == 0 {
			return
		}
		e := l.src.at(n)
		if z := l.zone(e.zone); z.source != 0 && now-e.last < l.rules[z.source-1].Per {
			return
		}
		l.src.drop(n)
	}
}

func (l *limits) memory() (n int) {
	for _, p := range l.pages {
		if p != nil {
			n += int(unsafe.Sizeof(*p))
		}
	}
	return n + len(l.policies)*int(unsafe.Sizeof(Timeouts{})) + l.src.memory()
}

// SetZone says what holds for a zone from now on, in place of what was said
// before; the zero value takes everything back. Connections that are there
// stay, also those above the limit. Their timeouts change with their next
// packets. Changing a SourceLimit counts all connections anew, and forgets how
// fast sources were.
func (t *Tracker) SetZone(id uint16, s Zone) {
	l := &t.lim
	z := l.makeZone(id)
	z.own, z.limit = s.HasLimit, s.Limit
	l.bounded = l.bounded || s.HasLimit || s.Source.States != 0
	z.tcp, l.lax = s.TCP, l.lax || s.TCP != ChecksStrict
	switch {
	case s.Timeouts == nil:
	case z.policy == 0:
		l.policies = append(l.policies, *s.Timeouts)
		z.policy = uint32(len(l.policies))
	default:
		l.policies[z.policy-1] = *s.Timeouts
	}
	z.timed = s.Timeouts != nil
	was := SourceLimit{}
	if z.source != 0 {
		was = l.rules[z.source-1]
	}
	if s.Source == was {
		return
	}
	if z.source != 0 {
		l.uses[z.source-1]--
	}
	z.source = 0
	if s.Source != (SourceLimit{}) {
		z.source = l.rule(s.Source)
	}
	l.src.reset(t.set.room())
	for n := uint32(1); n <= t.slab.used; n++ {
		c := t.slab.at(n)
		if c.Status&StatusConfirmed == 0 || l.zone(c.Zone).source == 0 {
			continue
		}
		i := l.src.find(&c.Orig, c.Zone)
		if i == 0 {
			i = l.src.add(0, &c.Orig, c.Zone)
		}
		l.src.enter(i)
	}
}

// rule numbers a source limit for one more zone; equal ones share a number, and
// one that no zone has any more makes room for another.
func (l *limits) rule(r SourceLimit) uint32 {
	at := -1
	for i := range l.rules {
		if l.uses[i] == 0 {
			at = i
		} else if l.rules[i] == r {
			l.uses[i]++
			return uint32(i + 1)
		}
	}
	if at < 0 {
		at = len(l.rules)
		l.rules, l.uses = append(l.rules, r), append(l.uses, 0)
	}
	l.rules[at], l.uses[at] = r, 1
	return uint32(at + 1)
}

// ZoneStats tells how full a zone is, without looking at its connections.
func (t *Tracker) ZoneStats(id uint16) ZoneStats {
	z := t.lim.zone(id)
	if z == nil {
		return ZoneStats{Zone: id, Limit: t.set.ZoneLimit}
	}
	return ZoneStats{Zone: id, Conns: z.conns, Limit: t.lim.limitOf(z), Refused: z.refused}
}

// ZonesInUse yields the zones that have connections, a limit of their own, or
// have refused any, by number.
func (t *Tracker) ZonesInUse() iter.Seq[ZoneStats] {
	return func(yield func(ZoneStats) bool) {
		for i, p := range t.lim.pages {
			if p == nil {
				continue
			}
			for j := range p {
				if z := &p[j]; z.conns == 0 && !z.own && z.refused == 0 {
					continue
				}
				if !yield(t.ZoneStats(uint16(i<<8 | j))) {
					return
				}
			}
		}
	}
}

// SourceConns is how many connections a source has in a zone that limits
// sources; 0 in any other.
func (t *Tracker) SourceConns(id uint16, addr packet.Addr, family uint8) uint32 {
	tu := packet.Tuple{Src: addr, Family: family}
	if n := t.lim.src.find(&tu, id); n != 0 {
		return t.lim.src.at(n).conns
	}
	return 0
}

// Refused is how many connections were not committed, by the result that
// Confirm gave.
func (t *Tracker) Refused(r Result) uint64 { return t.lim.refused[r] }

// checkLimits counts everything anew and compares.
func (t *Tracker) checkLimits() (errs []error) {
	type source struct {
		addr   packet.Addr
		zone   uint16
		family uint8
	}
	zones, sources := map[uint16]uint32{}, map[source]uint32{}
	for n := uint32(1); n <= t.slab.used; n++ {
		c := t.slab.at(n)
		if c.Status&StatusConfirmed == 0 {
			continue
		}
		zones[c.Zone]++
		if t.lim.zone(c.Zone).source != 0 {
			sources[source{c.Orig.Src, c.Zone, c.Orig.Family}]++
		}
	}
	for z := range t.ZonesInUse() {
		if zones[z.Zone] != z.Conns {
			errs = append(errs, fmt.Errorf("zone %d has %d connections and counts %d", z.Zone, zones[z.Zone], z.Conns))
		}
		delete(zones, z.Zone)
	}
	for z, n := range zones {
		errs = append(errs, fmt.Errorf("zone %d has %d connections and counts none", z, n))
	}
	for s, want := range sources {
		if n := t.SourceConns(s.zone, s.addr, s.family); n != want {
			errs = append(errs, fmt.Errorf("source %v has %d connections in zone %d and counts %d", s.addr.Netip(s.family), want, s.zone, n))
		}
	}
	return append(errs, t.lim.src.check(len(sources))...)
}
