package conntrack

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"sluice/packet"
)

// An Expectation is a connection that a helper has read about in another's
// payload: the first packet that fits it is related, not new
// (nf_conntrack_expect.c).
type Expectation struct {
	Master   packet.ConnRef
	MasterOf packet.Tuple // the master's original tuple
	Tuple    packet.Tuple // source port 0: any
	Zone     uint16
	Helper   Helper // who expects it
	Flags    uint8  // Expect* bits
	Deadline int64  // ns

	class     uint8  // of its helper's; a master may announce so many of each
	adopts    Helper // the helper that its connection gets
	follow    follow
	dir       uint8       // of the master's packets, when translating
	savedAddr packet.Addr // where the connection really goes; FTP's and TFTP's go to the master's
	savedPort uint16
	serial    uint64
}

// Flags of an expectation, numbered as NF_CT_EXPECT_*.
const (
	// ExpectPermanent ones are there for any number of connections.
	ExpectPermanent uint8 = 1 << iota
	// ExpectInactive ones fit nothing yet.
	ExpectInactive
)

// follow says how an announced connection is translated.
type follow uint8

const (
	followNot    follow = iota
	followMaster        // nf_nat_follow_master
	followSIP           // nf_nat_sip_expected
)

type expectKey struct {
	dst   packet.Addr
	dport uint16
	zone  uint16
	proto uint8
}

// expectations are all that are waiting. Each master's are in its extra, too.
type expectations struct {
	by      map[expectKey][]*Expectation
	n       int
	serial  uint64
	soonest int64 // no later than the first deadline
}

func (e *Expectation) key() expectKey {
	return expectKey{e.Tuple.Dst, e.Tuple.DPort, e.Zone, e.Tuple.Proto}
}

// fits reports whether a packet's tuple is what is expected.
func (e *Expectation) fits(tu *packet.Tuple) bool {
	return e.Tuple.Family == tu.Family && e.Tuple.Src == tu.Src && (e.Tuple.SPort == 0 || e.Tuple.SPort == tu.SPort)
}

// Expectations lists what is waited for at time now, by age.
func (t *Tracker) Expectations(now int64) (out []Expectation) {
	t.dropExpired(now)
	for _, list := range t.expect.by {
		for _, e := range list {
			if !t.masterGone(now, e.Master) {
				out = append(out, *e)
			}
		}
	}
	slices.SortFunc(out, func(a, b Expectation) int { return cmp.Compare(a.serial, b.serial) })
	return out
}

// masterGone reports whether an expectation's master is past its deadline.
func (t *Tracker) masterGone(now int64, master packet.ConnRef) bool {
	c := t.Conn(master)
	return c.Status&StatusConfirmed != 0 && t.gone(now, slotOf(master), c)
}

// waiting are the expectations of a key. Masters past their deadline end before,
// so that what is expected does not depend on when they are collected: all but
// own, whose packet is being judged.
func (t *Tracker) waiting(now int64, k expectKey, own packet.ConnRef) []*Expectation {
	for i := 0; i < len(t.expect.by[k]); {
		ref := t.expect.by[k][i].Master
		if ref == own || !t.masterGone(now, ref) {
			i++
			continue
		}
		t.clock(now)
		t.destroy(slotOf(ref), t.Conn(ref)) // takes its expectations out of the list
	}
	return t.expect.by[k]
}

// expected finds what a new connection's tuple was announced as
// (nf_ct_find_expectation). Under a ct action the expectation stays: its
// connection is not known for sure before the commit.
func (t *Tracker) expected(now int64, tu *packet.Tuple, zone uint16) *Expectation {
	if t.expect.n == 0 {
		return nil
	}
	for _, e := range t.waiting(now, expectKey{tu.Dst, tu.DPort, zone, tu.Proto}, 0) {
		if e.Flags&ExpectInactive == 0 && e.fits(tu) && now < e.Deadline {
			return e
		}
	}
	return nil
}

// awaited finds an expectation by its tuple, active or not
// (__nf_ct_expect_find). own is the connection whose packet asks.
func (t *Tracker) awaited(now int64, tu *packet.Tuple, zone uint16, own packet.ConnRef) *Expectation {
	t.dropExpired(now)
	for _, e := range t.waiting(now, expectKey{tu.Dst, tu.DPort, zone, tu.Proto}, own) {
		if e.fits(tu) {
			return e
		}
	}
	return nil
}

// expectResult says what became of an expectation.
type expectResult uint8

const (
	expectOK expectResult = iota
	expectBusy
	expectThere // the same of another class or, if asked for, of another master
	expectFull
)

// announce adds an expectation. One that is there already is renewed; one
// that could be mistaken for another is refused as busy; beyond the helper's
// share of the master the oldest goes, and beyond nf_conntrack_expect_max none
// is taken (nf_conntrack_expect.c __nf_ct_expect_check). anyone: the same
// expectation of another master is not busy, but there already.
func (t *Tracker) announce(now int64, e Expectation, anyone bool) (*Expectation, expectResult) {
	t.dropExpired(now)
	p := expectPolicies[e.Helper][e.class]
	k := e.key()
	for _, o := range t.waiting(now, k, e.Master) {
		if o.Tuple == e.Tuple && (anyone || o.Master == e.Master) {
			if o.class != e.class || o.Master != e.Master {
				return nil, expectThere
			}
			t.unexpect(o)
			break
		}
		if o.fits(&e.Tuple) || e.fits(&o.Tuple) {
			return nil, expectBusy
		}
	}
	x := t.extra(slotOf(e.Master))
	var oldest *Expectation
	n := 0
	for _, o := range x.waiting {
		if o.class == e.class {
			if n++; oldest == nil {
				oldest = o
			}
		}
	}
	if n >= p.max {
		t.unexpect(oldest)
	}
	if int64(t.expect.n) >= t.set.ExpectMax && !t.masterGone(now, e.Master) {
		t.collect(now) // expired masters make room before an announcement is refused
	}
	if int64(t.expect.n) >= t.set.ExpectMax {
		return nil, expectFull
	}
	e.Deadline = now + p.timeout
	t.await(&e)
	t.st.ExpectCreate++
	return &e, expectOK
}

// await enters an expectation in all lists, as the youngest.
func (t *Tracker) await(e *Expectation) {
	if t.expect.by == nil {
		t.expect.by = map[expectKey][]*Expectation{}
	}
	t.expect.serial++
	e.serial = t.expect.serial
	if t.expect.n == 0 || e.Deadline < t.expect.soonest {
		t.expect.soonest = e.Deadline
	}
	k, x := e.key(), t.extra(slotOf(e.Master))
	t.expect.by[k] = append(t.expect.by[k], e)
	x.waiting = append(x.waiting, e)
	t.expect.n++
}

// announcePair adds both or none (nf_ct_expect_related_pair).
func (t *Tracker) announcePair(now int64, a, b Expectation, anyone bool) (pair [2]*Expectation, res expectResult) {
	if pair[0], res = t.announce(now, a, anyone); res != expectOK {
		return pair, res
	}
	if pair[1], res = t.announce(now, b, anyone); res != expectOK {
		t.unexpect(pair[0])
	}
	return pair, res
}

func (t *Tracker) unexpect(e *Expectation) {
	other := func(o *Expectation) bool { return o == e }
	k := e.key()
	list := slices.DeleteFunc(t.expect.by[k], other)
	if len(list) == 0 {
		delete(t.expect.by, k)
	} else {
		t.expect.by[k] = list
	}
	x := t.extra(slotOf(e.Master))
	x.waiting = slices.DeleteFunc(x.waiting, other)
	t.expect.n--
	t.st.ExpectDelete++
}

// renew makes an expectation wait until a deadline.
func (t *Tracker) renew(e *Expectation, deadline int64) {
	e.Deadline = deadline
	t.expect.soonest = min(t.expect.soonest, deadline)
}

// dropExpired removes what nobody has come for in time.
func (t *Tracker) dropExpired(now int64) {
	if t.expect.n == 0 || now < t.expect.soonest {
		return
	}
	var gone []*Expectation
	soonest := int64(math.MaxInt64)
	for _, list := range t.expect.by {
		for _, e := range list {
			if now >= e.Deadline {
				gone = append(gone, e)
			} else {
				soonest = min(soonest, e.Deadline)
			}
		}
	}
	for _, e := range gone {
		t.unexpect(e)
	}
	t.expect.soonest = soonest
}

// disown removes a dying master's expectations (nf_ct_remove_expectations).
func (t *Tracker) disown(x *extra) {
	for len(x.waiting) > 0 {
		t.unexpect(x.waiting[len(x.waiting)-1])
	}
}

// check reports expectations that are in one list and not in the other.
func (x *expectations) check(extras map[uint32]*extra) (errs []error) {
	n, mine := 0, 0
	for k, list := range x.by {
		n += len(list)
		for _, e := range list {
			if own := extras[slotOf(e.Master)]; e.key() != k || own == nil || !slices.Contains(own.waiting, e) {
				errs = append(errs, fmt.Errorf("expectation %v is in the wrong place, or its master does not know it", e.Tuple))
			}
		}
	}
	for _, own := range extras {
		mine += len(own.waiting)
	}
	if n != x.n || mine != x.n {
		errs = append(errs, fmt.Errorf("%d expectations, %d by master, %d are counted", n, mine, x.n))
	}
	return errs
}
