package conntrack

import (
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// awaiting is a tracker with two masters, each of which may announce.
type awaiting struct {
	*bed
	master [2]packet.ConnRef
}

func newAwaiting(t *testing.T, sysctls ...string) *awaiting {
	a := &awaiting{bed: newBed(t, sysctls...)}
	for i := range a.master {
		a.in(packettest.UDP(cAddr, sAddr, uint16(5000+i), 5060, "x"))
		for ref, c := range a.All(a.now) {
			if c.Orig.SPort == uint16(5000+i) {
				a.master[i] = ref
				c.Timeout = a.now + 3600*second // as sip_timeout gives it
				c.Status |= StatusHelper
				a.extra(slotOf(ref))
			}
		}
	}
	return a
}

// to expects UDP at a port of the client's, from anywhere at the server.
func (a *awaiting) to(master int, helper Helper, class uint8, port uint16) Expectation {
	return Expectation{Master: a.master[master], Helper: helper, class: class, Tuple: packet.Tuple{
		Src: packet.Addr{10, 0, 0, 2}, Dst: packet.Addr{10, 0, 0, 1}, DPort: port, Proto: packet.ProtoUDP, Family: packet.IPv4,
	}}
}

func (a *awaiting) list() string {
	var s []string
	for _, e := range a.Expectations(a.now) {
		s = append(s, fmt.Sprint(e.Tuple.DPort))
	}
	return strings.Join(s, " ")
}

// TestAnnounce: what becomes of an expectation beside others
// (nf_conntrack_expect.c __nf_ct_expect_check).
func TestAnnounce(t *testing.T) {
	from := func(e Expectation, sport uint16) Expectation { e.Tuple.SPort = sport; return e }
	zoned := func(e Expectation, zone uint16) Expectation { e.Zone = zone; return e }
	for _, tc := range []struct {
		name   string
		first  func(a *awaiting) Expectation
		second func(a *awaiting) Expectation
		anyone bool
		want   expectResult
		list   string
	}{
		{"another port", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4001) }, false, expectOK, "4000 4001"},
		{"the same is renewed", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, false, expectOK, "4000"},
		{"the same of another class", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return a.to(0, SIP, sipVideo, 4000) }, false, expectThere, "4000"},
		{"the same of another master", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return a.to(1, SIP, sipAudio, 4000) }, false, expectBusy, "4000"},
		{"the same of another master, where anyone's will do", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return a.to(1, SIP, sipAudio, 4000) }, true, expectThere, "4000"},
		{"of any port where one port is expected", func(a *awaiting) Expectation { return from(a.to(0, SIP, sipAudio, 4000), 7) }, func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, false, expectBusy, "4000"},
		{"of one port where any is expected", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return from(a.to(0, SIP, sipAudio, 4000), 7) }, false, expectBusy, "4000"},
		{"of another port each", func(a *awaiting) Expectation { return from(a.to(0, SIP, sipAudio, 4000), 7) }, func(a *awaiting) Expectation { return from(a.to(0, SIP, sipAudio, 4000), 8) }, false, expectOK, "4000 4000"},
		{"in another zone", func(a *awaiting) Expectation { return a.to(0, SIP, sipAudio, 4000) }, func(a *awaiting) Expectation { return zoned(a.to(0, SIP, sipAudio, 4000), 3) }, false, expectOK, "4000 4000"},
		{"the oldest of a class goes", func(a *awaiting) Expectation { return a.to(0, FTP, 0, 4000) }, func(a *awaiting) Expectation { return a.to(0, FTP, 0, 4001) }, false, expectOK, "4001"},
		{"not another master's", func(a *awaiting) Expectation { return a.to(0, FTP, 0, 4000) }, func(a *awaiting) Expectation { return a.to(1, FTP, 0, 4001) }, false, expectOK, "4000 4001"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAwaiting(t)
			if e, res := a.announce(a.now, tc.first(a), tc.anyone); res != expectOK || e == nil {
				t.Fatal(res)
			}
			e, res := a.announce(a.now, tc.second(a), tc.anyone)
			if res != tc.want || (e != nil) != (res == expectOK) {
				t.Errorf("%d, want %d", res, tc.want)
			}
			if got := a.list(); got != tc.list {
				t.Errorf("%s is expected, want %s", got, tc.list)
			}
			n := uint64(strings.Count(tc.list, " ") + 1)
			st, made := a.Stats(), uint64(1)
			if tc.want == expectOK {
				made = 2
			}
			if st.ExpectCreate != made || st.ExpectDelete != made-n {
				t.Errorf("%d made, %d gone", st.ExpectCreate, st.ExpectDelete)
			}
			if errs := a.Check(); len(errs) != 0 {
				t.Error(errs)
			}
		})
	}
	t.Run("no more than expect_max, whoever announces", func(t *testing.T) {
		a := newAwaiting(t, "nf_conntrack_expect_max=2")
		for i, want := range []expectResult{expectOK, expectOK, expectFull} {
			if _, res := a.announce(a.now, a.to(i&1, SIP, sipAudio, uint16(4000+i)), false); res != want {
				t.Errorf("expectation %d: %d, want %d", i+1, res, want)
			}
		}
	})
	t.Run("both of a pair, or none", func(t *testing.T) {
		a := newAwaiting(t, "nf_conntrack_expect_max=3")
		if _, res := a.announcePair(a.now, a.to(0, SIP, sipAudio, 4000), a.to(0, SIP, sipAudio, 4001), false); res != expectOK || a.list() != "4000 4001" {
			t.Errorf("%d, %s", res, a.list())
		}
		if _, res := a.announcePair(a.now, a.to(0, SIP, sipAudio, 4002), a.to(0, SIP, sipAudio, 4003), false); res != expectFull || a.list() != "4000 4001" {
			t.Errorf("%d, %s", res, a.list())
		}
		if _, res := a.announcePair(a.now, a.to(1, SIP, sipAudio, 4000), a.to(1, SIP, sipAudio, 4005), false); res != expectBusy || a.list() != "4000 4001" {
			t.Errorf("%d, %s", res, a.list())
		}
	})
}

// TestExpectationsExpire: each goes at its deadline, whichever was announced first.
func TestExpectationsExpire(t *testing.T) {
	a := newAwaiting(t)
	a.announce(a.now, a.to(0, FTP, 0, 4000), false)        // 300 s
	a.announce(a.now, a.to(1, SIP, sipAudio, 4001), false) // 180 s
	start := a.now
	for _, tc := range []struct {
		after int64
		want  string
	}{{180*second - 1, "4000 4001"}, {180 * second, "4000"}, {300*second - 1, "4000"}, {300 * second, ""}} {
		a.now = start + tc.after
		if got := a.list(); got != tc.want {
			t.Errorf("after %d ns: %q, want %q", tc.after, got, tc.want)
		}
	}
	// A renewal may bring the end nearer.
	a = newAwaiting(t)
	ftp, _ := a.announce(a.now, a.to(0, FTP, 0, 4000), false)
	a.announce(a.now, a.to(1, FTP, 0, 4001), false)
	a.renew(ftp, a.now+second)
	if a.now += second; a.list() != "4001" {
		t.Errorf("%q after the renewed one's end", a.list())
	}
	// What comes at the deadline comes too late, although none has looked since.
	a = newAwaiting(t)
	a.announce(a.now, a.to(0, SIP, sipAudio, 4000), false)
	start = a.now
	tu := packet.Tuple{Src: packet.Addr{10, 0, 0, 2}, Dst: packet.Addr{10, 0, 0, 1}, SPort: 9, DPort: 4000, Proto: packet.ProtoUDP, Family: packet.IPv4}
	if a.expected(start+180*second-1, &tu, 0) == nil || a.expected(start+180*second, &tu, 0) != nil {
		t.Error("its deadline is not exact")
	}
}

// TestExpected: which packets an expectation fits (nf_ct_expect_find).
func TestExpected(t *testing.T) {
	base := packet.Tuple{Src: packet.Addr{10, 0, 0, 2}, Dst: packet.Addr{10, 0, 0, 1}, SPort: 7, DPort: 4000, Proto: packet.ProtoUDP, Family: packet.IPv4}
	for _, tc := range []struct {
		name   string
		change func(e *Expectation, tu *packet.Tuple, zone *uint16)
		want   bool
	}{
		{"the port it says", func(*Expectation, *packet.Tuple, *uint16) {}, true},
		{"any port", func(e *Expectation, _ *packet.Tuple, _ *uint16) { e.Tuple.SPort = 0 }, true},
		{"another port", func(_ *Expectation, tu *packet.Tuple, _ *uint16) { tu.SPort = 8 }, false},
		{"another sender", func(_ *Expectation, tu *packet.Tuple, _ *uint16) { tu.Src[3] = 9 }, false},
		{"another receiver", func(_ *Expectation, tu *packet.Tuple, _ *uint16) { tu.Dst[3] = 9 }, false},
		{"another receiver's port", func(_ *Expectation, tu *packet.Tuple, _ *uint16) { tu.DPort = 4001 }, false},
		{"another protocol", func(_ *Expectation, tu *packet.Tuple, _ *uint16) { tu.Proto = packet.ProtoTCP }, false},
		{"another family", func(_ *Expectation, tu *packet.Tuple, _ *uint16) { tu.Family = packet.IPv6 }, false},
		{"another zone", func(_ *Expectation, _ *packet.Tuple, zone *uint16) { *zone = 1 }, false},
	} {
		a := newAwaiting(t)
		e, tu, zone := a.to(0, SIP, sipAudio, 4000), base, uint16(0)
		e.Tuple.SPort = 7
		tc.change(&e, &tu, &zone)
		a.announce(a.now, e, false)
		if got := a.expected(a.now, &tu, zone) != nil; got != tc.want {
			t.Errorf("%s: expected %v", tc.name, got)
		}
		if got := a.awaited(a.now, &tu, zone, 0) != nil; got != tc.want {
			t.Errorf("%s: awaited %v", tc.name, got)
		}
	}
	a := newAwaiting(t)
	e := a.to(0, SIP, sipSignalling, 4000)
	e.Flags = ExpectInactive
	a.announce(a.now, e, false)
	if a.expected(a.now, &base, 0) != nil || a.awaited(a.now, &base, 0, 0) == nil {
		t.Error("an inactive one is awaited, and fits nothing")
	}
}

// TestExpectationListsAreChecked: Check finds an expectation that is not in all
// lists, and a wrong count.
func TestExpectationListsAreChecked(t *testing.T) {
	for name, harm := range map[string]func(a *awaiting, e *Expectation){
		"under another key":         func(_ *awaiting, e *Expectation) { e.Tuple.DPort++ },
		"its master knows nothing":  func(a *awaiting, e *Expectation) { a.extra(slotOf(e.Master)).waiting = nil },
		"its master has none":       func(a *awaiting, e *Expectation) { delete(a.extras, slotOf(e.Master)) },
		"counted twice":             func(a *awaiting, _ *Expectation) { a.expect.n++ },
		"known to its master alone": func(a *awaiting, e *Expectation) { delete(a.expect.by, e.key()) },
		"another's":                 func(a *awaiting, e *Expectation) { a.extra(slotOf(a.master[1])).waiting = []*Expectation{{}} },
	} {
		a := newAwaiting(t)
		e, _ := a.announce(a.now, a.to(0, SIP, sipAudio, 4000), false)
		if errs := a.expect.check(a.extras); len(errs) != 0 {
			t.Fatal(errs)
		}
		harm(a, e)
		errs := a.expect.check(a.extras)
		if len(errs) == 0 {
			t.Errorf("%s: not found", name)
		}
		for _, err := range errs {
			if s := err.Error(); !strings.Contains(s, "in the wrong place, or its master does not know it") && !strings.Contains(s, "are counted") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	a := newAwaiting(t)
	a.announce(a.now, a.to(0, SIP, sipAudio, 4000), false)
	a.expect.n = 3
	if errs := a.expect.check(a.extras); len(errs) != 1 || errs[0].Error() != "1 expectations, 1 by master, 3 are counted" {
		t.Error(errs)
	}
}

// TestFollowed: an announced connection has its master's mark, tells its master and
// is counted there; of connections that nobody announced nothing is told.
func TestFollowed(t *testing.T) {
	a := newAwaiting(t)
	m := a.Conn(a.master[0])
	m.Mark = 77
	a.announce(a.now, a.to(0, SIP, sipAudio, 4000), false)
	e := a.to(0, SIP, sipSignalling, 4001)
	e.MasterOf, e.adopts, e.Flags = m.Orig, SIP, ExpectPermanent
	a.announce(a.now, e, false)
	for i, port := range []uint16{4000, 4001, 4001} {
		if got := a.in(packettest.UDP(sAddr, cAddr, uint16(9+i), port, "x")); got != "rel" {
			t.Errorf("connection %d: %s", i+1, got)
		}
	}
	if n, created := a.Children(a.master[0]), a.Stats().ExpectNew; n != 3 || created != 3 {
		t.Errorf("%d children, %d began", n, created)
	}
	if n := a.Children(a.master[1]); n != 0 {
		t.Errorf("the other master has %d children", n)
	}
	for ref, c := range a.All(a.now) {
		master, ok := a.Master(ref)
		switch {
		case c.Orig.DPort == 5060:
			if ok || c.Status&StatusExpected != 0 || a.HelperOf(ref) != NoHelper {
				t.Errorf("%v: announced by %v, helper %d", c.Orig, master, a.HelperOf(ref))
			}
		case c.Orig.DPort == 4000:
			if !ok || c.Mark != 77 || a.HelperOf(ref) != NoHelper {
				t.Errorf("%v: mark %d, helper %d", c.Orig, c.Mark, a.HelperOf(ref))
			}
		default:
			if !ok || master != m.Orig || a.HelperOf(ref) != SIP || a.extra(slotOf(ref)).family != packet.IPv4 {
				t.Errorf("%v: master %v, helper %d", c.Orig, master, a.HelperOf(ref))
			}
		}
		if _, _, _, ok := a.SeqAdjust(ref, 0); ok {
			t.Errorf("%v: has grown", c.Orig)
		}
	}
	if _, ok := a.Master(0); ok || a.HelperOf(0) != NoHelper || a.Children(0) != 0 {
		t.Error("no connection has a master, a helper or children")
	}
	if _, _, _, ok := a.SeqAdjust(0, 0); ok {
		t.Error("no connection has grown")
	}
}

// TestSetHelper: a helper is given once, to connections that are new.
func TestSetHelper(t *testing.T) {
	b := newBed(t)
	ct := b.fresh(packettest.UDP(cAddr, sAddr, 5060, 5060, "x"))
	if !b.SetHelper(ct.Conn, SIP, packet.IPv4) || b.SetHelper(ct.Conn, TFTP, packet.IPv4) || b.HelperOf(ct.Conn) != SIP {
		t.Errorf("the helper is %d", b.HelperOf(ct.Conn))
	}
	b.Confirm(b.now, &ct)
	a := newAwaiting(t)
	if a.SetHelper(a.master[0], SIP, packet.IPv4) || a.HelperOf(a.master[0]) != NoHelper || a.SetHelper(0, SIP, packet.IPv4) {
		t.Error("a helper for what is known already")
	}
	for h, want := range map[Helper]uint8{NoHelper: 0, FTP: 6, TFTP: 17, SIP: 17, SIPTCP: 6} {
		if h.Proto() != want {
			t.Errorf("helper %d reads protocol %d", h, h.Proto())
		}
	}
	if h, ok := HelperByName("sip", 6); h != SIPTCP || !ok {
		t.Error(h, ok)
	}
	if h, ok := HelperByName("sip", 17); h != SIP || !ok {
		t.Error(h, ok)
	}
}

// TestHelperReads: which packets Linux makes one piece of because of a helper
// (skb_linearize in nf_conntrack_ftp.c help, nf_conntrack_sip.c sip_help_tcp and
// sip_help_udp).
func TestHelperReads(t *testing.T) {
	tcp := func(data string) []byte { return packettest.TCP(cAddr, sAddr, 40000, 21, "PA", 1001, 5001, data) }
	udp := func(data string) []byte { return packettest.UDP(cAddr, sAddr, 40000, 21, data) }
	for _, tc := range []struct {
		name   string
		helper Helper
		f      []byte
		info   packet.CTInfo
		family uint8
		want   bool
	}{
		{"FTP's data", FTP, tcp("x"), packet.CTEstablished, packet.IPv4, true},
		{"FTP's answers", FTP, tcp("x"), packet.CTEstablishedReply, packet.IPv4, true},
		{"FTP without data", FTP, tcp(""), packet.CTEstablished, packet.IPv4, true},
		{"FTP's first", FTP, tcp("x"), packet.CTNew, packet.IPv4, false},
		{"FTP over UDP", FTP, udp("x"), packet.CTEstablished, packet.IPv4, false},
		{"FTP asked for of the other family", FTP, tcp("x"), packet.CTEstablished, packet.IPv6, false},
		{"an error", FTP, tcp("x"), packet.CTRelatedReply, packet.IPv4, false},
		{"TFTP", TFTP, udp("x"), packet.CTEstablished, packet.IPv4, false},
		{"SIP over UDP", SIP, udp("x"), packet.CTNew, packet.IPv4, true},
		{"SIP over UDP without data", SIP, udp(""), packet.CTEstablished, packet.IPv4, false},
		{"SIP over TCP", SIPTCP, tcp("x"), packet.CTEstablished, packet.IPv4, true},
		{"SIP over TCP, answers", SIPTCP, tcp("x"), packet.CTEstablishedReply, packet.IPv4, true},
		{"SIP over TCP without data", SIPTCP, tcp(""), packet.CTEstablished, packet.IPv4, false},
		{"SIP over TCP's first", SIPTCP, tcp("x"), packet.CTNew, packet.IPv4, false},
		{"SIP over TCP's of another connection", SIPTCP, tcp("x"), packet.CTRelated, packet.IPv4, false},
	} {
		b := newBed(t)
		ct := b.fresh(tc.f)
		var h packet.Headers
		packet.Parse(tc.f, &h)
		if ct.Info = tc.info; b.HelperReads(&h, &ct) {
			t.Errorf("%s: read without a helper", tc.name)
		}
		b.SetHelper(ct.Conn, tc.helper, tc.family)
		if got := b.HelperReads(&h, &ct); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
		h.Flags &^= packet.HasL4
		if b.HelperReads(&h, &ct) {
			t.Errorf("%s: a fragment is read", tc.name)
		}
		if b.HelperReads(&h, &packet.CT{Info: tc.info}) {
			t.Errorf("%s: read without a connection", tc.name)
		}
	}
}
