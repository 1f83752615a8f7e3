package conntrack

import (
	"cmp"
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
	Deadline int64  // ns

	follow    bool   // the connection is translated as its master is
	dir       uint8  // of the master's packets, when translating
	savedPort uint16 // where the connection really goes
	serial    uint64
}

type expectKey struct {
	dst   packet.Addr
	dport uint16
	zone  uint16
	proto uint8
}

// expectations are all that are waiting, in the order of their coming.
type expectations struct {
	by     map[expectKey][]*Expectation
	n      int
	serial uint64
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
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, func(a, b Expectation) int { return cmp.Compare(a.serial, b.serial) })
	return out
}

// expected finds what a new connection's tuple was announced as
// (nf_ct_find_expectation). Under a ct action the expectation stays: its
// connection is not known for sure before the commit.
func (t *Tracker) expected(now int64, tu *packet.Tuple, zone uint16) *Expectation {
	if t.expect.n == 0 {
		return nil
	}
	for _, e := range t.expect.by[expectKey{tu.Dst, tu.DPort, zone, tu.Proto}] {
		if e.fits(tu) && now < e.Deadline && t.Conn(e.Master) != nil {
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
	expectFull
)

// announce adds an expectation. One that is there already is renewed; one
// that could be mistaken for another is refused as busy; beyond the helper's
// share of the master the oldest goes, and beyond nf_conntrack_expect_max none
// is taken (nf_conntrack_expect.c __nf_ct_expect_check).
func (t *Tracker) announce(now int64, e Expectation) expectResult {
	t.dropExpired(now)
	p := expectPolicies[e.Helper]
	k := e.key()
	for _, o := range t.expect.by[k] {
		same := o.Tuple == e.Tuple
		if same && o.Master == e.Master {
			t.unexpect(o)
			break
		}
		if o.fits(&e.Tuple) || e.fits(&o.Tuple) {
			return expectBusy
		}
	}
	if mine := t.of(e.Master); len(mine) >= p.max {
		t.unexpect(mine[0])
	}
	if int64(t.expect.n) >= t.set.ExpectMax {
		return expectFull
	}
	if t.expect.by == nil {
		t.expect.by = map[expectKey][]*Expectation{}
	}
	t.expect.serial++
	e.serial = t.expect.serial
	e.Deadline = now + p.timeout
	t.expect.by[k] = append(t.expect.by[k], &e)
	t.expect.n++
	t.st.ExpectCreate++
	return expectOK
}

// of lists a master's expectations, the oldest first.
func (t *Tracker) of(master packet.ConnRef) (out []*Expectation) {
	for _, list := range t.expect.by {
		for _, e := range list {
			if e.Master == master {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b *Expectation) int { return cmp.Compare(a.serial, b.serial) })
	return out
}

func (t *Tracker) unexpect(e *Expectation) {
	k := e.key()
	list := slices.DeleteFunc(t.expect.by[k], func(o *Expectation) bool { return o == e })
	if len(list) == 0 {
		delete(t.expect.by, k)
	} else {
		t.expect.by[k] = list
	}
	t.expect.n--
	t.st.ExpectDelete++
}

// dropExpired removes what nobody has come for in time.
func (t *Tracker) dropExpired(now int64) {
	t.unexpectIf(func(e *Expectation) bool { return now >= e.Deadline })
}

// disown removes a dying master's expectations (nf_ct_remove_expectations).
func (t *Tracker) disown(master packet.ConnRef) {
	t.unexpectIf(func(e *Expectation) bool { return e.Master == master })
}

func (t *Tracker) unexpectIf(cond func(*Expectation) bool) {
	if t.expect.n == 0 {
		return
	}
	var gone []*Expectation
	for _, list := range t.expect.by {
		for _, e := range list {
			if cond(e) {
				gone = append(gone, e)
			}
		}
	}
	for _, e := range gone {
		t.unexpect(e)
	}
}
