package conntrack

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"sluice/packet"
)

// SavedExtra is what a connection with a helper, with a master, or with a
// payload that grew has besides its record.
type SavedExtra struct {
	Helper   Helper
	Family   uint8 // that the helper was asked for
	Master   packet.ConnRef
	MasterOf packet.Tuple
	Seq      [2]SavedSeq // by direction
	// Lines are the sequence numbers after which lines of FTP begin, by
	// direction.
	Lines [2][]uint32
	SIP   SavedSIP
}

// SavedSIP is what SIP's helper remembers of a connection: the numbers of the
// last requests, and where a client listens that sends from elsewhere.
type SavedSIP struct {
	Register, Invite uint32
	ForcedPort       uint16
}

// SavedSeq is by how much sequence numbers are off, see SeqAdjust.
type SavedSeq struct {
	Pos           uint32
	Before, After int32
}

// SavedExpectation is an expectation with what its helper and its translation
// need.
type SavedExpectation struct {
	Expectation
	Class     uint8
	Adopts    Helper
	Follow    uint8
	Dir       uint8
	SavedAddr packet.Addr
	SavedPort uint16
}

// SavedSource is how fast a source has begun connections.
type SavedSource struct {
	Zone   uint16
	Addr   packet.Addr
	Family uint8
	Last   int64 // ns
	Rate   uint32
}

// SavedZone is how many connections a zone has refused.
type SavedZone struct {
	Zone    uint16
	Refused uint64
}

func (t *Tracker) savedExtra(slot uint32, c *Conn) *SavedExtra {
	if c.Status&extraBits == 0 && t.extras[slot] == nil {
		return nil
	}
	x := t.extra(slot)
	s := &SavedExtra{Helper: x.helper, Family: x.family, Master: x.master, MasterOf: x.masterOf}
	s.SIP = SavedSIP{x.sip.register, x.sip.invite, x.sip.forcedPort}
	for d := range s.Seq {
		s.Seq[d] = SavedSeq{x.seq[d].pos, x.seq[d].before, x.seq[d].after}
		s.Lines[d] = slices.Clone(x.ftp.line[d][:x.ftp.n[d]])
	}
	return s
}

// putExtra is the inverse. Children are counted when all connections are
// there.
func (t *Tracker) putExtra(slot uint32, c *Conn, s *SavedExtra) error {
	if s == nil {
		if c.Status&extraBits != 0 {
			return fmt.Errorf("its status says that it has a helper, a master or another length")
		}
		return nil
	}
	if s.Helper >= numHelpers {
		return fmt.Errorf("helper %d", s.Helper)
	}
	x := t.extra(slot)
	x.helper, x.family, x.master, x.masterOf = s.Helper, s.Family, s.Master, s.MasterOf
	x.sip = sipState{s.SIP.Register, s.SIP.Invite, s.SIP.ForcedPort}
	for d := range s.Seq {
		x.seq[d] = seqAdjust{s.Seq[d].Pos, s.Seq[d].Before, s.Seq[d].After}
		if len(s.Lines[d]) > len(x.ftp.line[d]) {
			return fmt.Errorf("%d lines of FTP", len(s.Lines[d]))
		}
		x.ftp.n[d] = uint8(copy(x.ftp.line[d][:], s.Lines[d]))
	}
	return nil
}

// adopt counts every master's children.
func (t *Tracker) adopt() {
	for slot, x := range t.extras {
		if t.slab.at(slot).Status&StatusExpected != 0 && t.Conn(x.master) != nil {
			t.extra(slotOf(x.master)).children++
		}
	}
}

func (t *Tracker) savedExpectations() (out []SavedExpectation) {
	for _, list := range t.expect.by {
		for _, e := range list {
			out = append(out, SavedExpectation{*e, e.class, e.adopts, uint8(e.follow), e.dir, e.savedAddr, e.savedPort})
		}
	}
	slices.SortFunc(out, func(a, b SavedExpectation) int { return cmp.Compare(a.serial, b.serial) })
	return out
}

func (t *Tracker) putExpectations(saved []SavedExpectation) error {
	for i := range saved {
		s := &saved[i]
		e := s.Expectation
		e.class, e.adopts, e.follow, e.dir, e.savedAddr, e.savedPort = s.Class, s.Adopts, follow(s.Follow), s.Dir, s.SavedAddr, s.SavedPort
		if e.Helper == NoHelper || e.Helper >= numHelpers || !t.hasHelper(e.Master) || e.dir > 1 ||
			int(e.class) >= len(expectPolicies[e.Helper]) || e.adopts >= numHelpers || e.follow > followSIP {
			return fmt.Errorf("the expectation of %v: nobody can expect it", e.Tuple)
		}
		t.await(&e)
	}
	return nil
}

func (t *Tracker) hasHelper(ref packet.ConnRef) bool {
	c := t.Conn(ref)
	return c != nil && c.Status&StatusHelper != 0
}

// FlushExpectations forgets all expectations and says how many there were.
func (t *Tracker) FlushExpectations() int {
	n := t.expect.n
	for _, x := range t.extras {
		t.disown(x)
	}
	return n
}

// savedSources lists idle sources first, the one to be forgotten next at the
// head, then the others by zone and address.
func (t *Tracker) savedSources() (out []SavedSource) {
	l := &t.lim.src
	saved := func(e *source) SavedSource { return SavedSource{e.zone, e.addr, e.family, e.last, e.rate} }
	for n := l.oldest; n != 0; n = l.at(n).newer {
		out = append(out, saved(l.at(n)))
	}
	idle := len(out)
	for _, n := range l.heads {
		for ; n != 0; n = l.at(n).next {
			if e := l.at(n); !e.idle {
				out = append(out, saved(e))
			}
		}
	}
	slices.SortFunc(out[idle:], func(a, b SavedSource) int {
		return cmp.Or(cmp.Compare(a.Zone, b.Zone), cmp.Compare(a.Family, b.Family), bytes.Compare(a.Addr[:], b.Addr[:]))
	})
	return out
}

func (t *Tracker) putSources(saved []SavedSource) error {
	l := &t.lim
	for _, s := range saved {
		if z := l.zone(s.Zone); z == nil || z.source == 0 {
			continue // the zone no longer limits sources
		}
		tu := packet.Tuple{Src: s.Addr, Family: s.Family}
		n := l.src.find(&tu, s.Zone)
		if n == 0 {
			n = l.src.add(s.Last, &tu, s.Zone)
		}
		e := l.src.at(n)
		e.last, e.rate = s.Last, s.Rate
	}
	return nil
}

// count takes a connection into its zone's and source's counts, whatever the
// limits are.
func (l *limits) count(c *Conn) {
	z := l.makeZone(c.Zone)
	z.conns++
	if z.source == 0 {
		return
	}
	n := l.src.find(&c.Orig, c.Zone)
	if n == 0 {
		n = l.src.add(0, &c.Orig, c.Zone)
	}
	l.src.enter(n)
}
