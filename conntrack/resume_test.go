package conntrack

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// snapshot is all that is saved of a tracker.
type snapshot struct {
	Ledger Ledger
	Conns  []Saved
}

func (b *bed) snapshot() snapshot {
	s := snapshot{Ledger: b.Ledger(), Conns: slices.Collect(b.Saved())}
	for i := range s.Ledger.Expectations {
		s.Ledger.Expectations[i].serial = 0 // an order, not a number
	}
	return s
}

// resumed is another tracker that goes on where a snapshot was taken.
func (b *bed) resumed(s snapshot) (*bed, error) {
	set := *b.Settings()
	n := &bed{TB: b.TB, Tracker: New(Config{Seed: [2]uint64{3, 4}, Settings: &set}), now: b.now}
	return n, n.Resume(s.Ledger, s.Conns)
}

// eventful is a tracker that holds something of everything that is saved.
func eventful(t *testing.T) *bed {
	t.Helper()
	c := newControl(t, FTP, "nf_conntrack_timestamp=1")
	b := c.bed
	set := b.Settings()
	for _, err := range []error{set.SetSourceLimit("zone=7,states=2,new=100/10"), set.SetSourceLimit("zone=3,new=2/10"), set.SetZoneLimit("zone=8,limit=1")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for id, z := range set.Zones {
		b.SetZone(id, z)
	}
	c.say("USER a\r\n")
	c.say(portLine(51210))
	if got := c.data(51210); got != "rel" {
		t.Fatal(got)
	}
	c.say(portLine(51211)) // waits
	x := c.extra(slotOf(c.ref))
	x.sip = sipState{11, 12, 13}
	x.seq = [2]seqAdjust{{1, 2, 3}, {4, 5, 6}}
	c.Conn(c.ref).Status |= StatusSeqAdjust

	p := newPhones(t, false)
	p.bed = b
	p.client(invite(1, sdpOf(cAddr, "audio 4000 RTP/AVP 0")))

	b.in(packettest.UDP(cAddr, sAddr, 1, 53, "q"))
	b.in(packettest.UDP(sAddr, cAddr, 53, 1, "a"))
	for _, f := range sctpUp {
		b.in(f.frame)
	}
	for _, server := range []string{"10.0.1.1", "10.0.1.2", "10.0.1.3"} { // one client's
		b.translate(packettest.UDP(cAddr, server, 9, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"))
	}
	b.translate(packettest.UDP(cAddr, "10.0.1.1", 10, 53, "q"), 0, addrRange(DstNAT, "10.0.2.1", "10.0.2.1"))
	b.translate(packettest.UDP("fd00::1", "fd00::2", 9, 53, "q"), 0, addrRange(SrcNAT, "2001:db8::1", "2001:db8::9"))
	b.translate(packettest.ICMP(cAddr, "10.0.1.1", 8, 0, 77<<16, nil), 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"))

	// Senders, of which some are idle, and what was refused.
	for i, src := range []string{"10.3.0.1", "10.3.0.2", "10.3.0.3"} {
		b.now += second
		b.inZone(packettest.UDP(src, sAddr, 1, 53, "q"), 7, true)
		if i != 1 {
			for ref, conn := range b.All(b.now) {
				if conn.Zone == 7 && conn.Orig.Src[3] == byte(i+1) {
					b.Kill(ref)
				}
			}
		}
	}
	b.inZone(packettest.UDP("fd00::1", "fd00::2", 1, 53, "q"), 7, true)
	for i := range 3 {
		b.inZone(packettest.UDP("10.3.0.9", sAddr, uint16(i), 53, "q"), 3, true)
		b.inZone(packettest.UDP("10.3.0.9", sAddr, uint16(i), 53, "q"), 8, true)
	}

	// Free slots in an order of their own, and one that a packet has alone.
	for _, port := range []int{103, 101, 102} {
		b.in(packettest.UDP(cAddr, sAddr, uint16(port), 53, "q"))
	}
	for _, port := range []uint16{102, 103, 101} {
		for ref, conn := range b.All(b.now) {
			if conn.Orig.SPort == port {
				b.Kill(ref)
			}
		}
	}
	b.fresh(packettest.UDP(cAddr, sAddr, 200, 53, "q"))

	b.Listen(5)
	for ref := range b.All(b.now) { // changes that have not been told yet
		b.SetMark(ref, 5, 7)
		b.SetLabel(ref, [16]byte{1: 2}, [16]byte{1: 15})
		break
	}
	b.now += 100
	b.Tick(b.now, 1)
	b.now += second / 4
	b.Tick(b.now, 1)
	b.cursor = 2
	return b
}

// TestResume: a tracker that resumes holds what the saved one did, field by
// field, and goes on alike.
func TestResume(t *testing.T) {
	b := eventful(t)
	was := b.snapshot()
	if l := was.Ledger; l.Cursor != 2 || l.Ticked != b.now || l.Credit <= 0 || len(l.Sources) != 6 || len(l.Free) != 3 ||
		len(l.Expectations) != 3 || len(l.Senders) != 5 || len(l.Zones) != 2 || l.Refused[DropZoneLimit] != 2 || l.Refused[DropSourceRate] != 1 {
		t.Fatalf("not all is there: %+v", l)
	}
	next, err := b.resumed(was)
	if err != nil {
		t.Fatal(err)
	}
	next.Listen(5)
	is := next.snapshot()
	for i := range was.Conns {
		if !reflect.DeepEqual(is.Conns[i], was.Conns[i]) {
			t.Errorf("connection %d is\n%+v, was\n%+v", i, is.Conns[i], was.Conns[i])
		}
	}
	if !reflect.DeepEqual(is, was) {
		t.Errorf("resumed as\n%+v, was\n%+v", is.Ledger, was.Ledger)
	}
	if errs := next.Check(); len(errs) != 0 {
		t.Error(errs)
	}
	if next.Len() != len(was.Conns) || next.natted != b.natted || next.lim.src.live != b.lim.src.live || next.lim.src.idle != b.lim.src.idle {
		t.Errorf("%d connections, %d translated, %d sources, %d idle", next.Len(), next.natted, next.lim.src.live, next.lim.src.idle)
	}
	for ref, c := range b.Known() {
		o := next.Conn(ref)
		if o == nil || next.Children(ref) != b.Children(ref) || next.HelperOf(ref) != b.HelperOf(ref) || next.Started(ref) != b.Started(ref) {
			t.Errorf("%v: %+v", c.Orig, o)
			continue
		}
		for d := range 2 {
			p, x, y, ok := b.SeqAdjust(ref, d)
			if p2, x2, y2, ok2 := next.SeqAdjust(ref, d); p2 != p || x2 != x || y2 != y || ok2 != ok {
				t.Errorf("%v: direction %d is off by %d and %d", c.Orig, d, x2, y2)
			}
		}
	}
	// The slot that a packet had alone is handed out last of the free ones.
	for _, want := range was.Ledger.Free {
		slot, c := next.slab.get()
		if slot != slotOf(want) || c.Gen != uint32(want>>32)+1 {
			t.Errorf("slot %d, generation %d, want %#x", slot, c.Gen, want)
		}
	}
	if slot, c := next.slab.get(); slot != was.Ledger.Slots+1 || c.Gen != 1 {
		t.Errorf("slot %d behind the last of %d", slot, was.Ledger.Slots)
	}
}

// TestResumedSources: of a client's translations the latest is looked at first,
// in a resumed tracker, too (nf_nat_core.c find_appropriate_src).
func TestResumedSources(t *testing.T) {
	b := newBed(t)
	for i := range 3 {
		r := addrRange(SrcNAT, fmt.Sprintf("192.0.2.%d", i+1), fmt.Sprintf("192.0.2.%d", i+1))
		b.translate(packettest.UDP(cAddr, fmt.Sprintf("10.0.1.%d", i+1), 9, 53, "q"), 0, r)
	}
	next, err := b.resumed(b.snapshot())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []*bed{b, next} {
		f := b.translate(packettest.UDP(cAddr, "10.0.1.9", 9, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.3"))
		if f == nil || f[29] != 3 {
			t.Errorf("leaves as % x", f[26:30])
		}
	}
}

// TestResumeRefuses: a ledger and connections that do not go together.
func TestResumeRefuses(t *testing.T) {
	const client = 0 // the control connection's place
	for _, tc := range []struct {
		name, want string
		spoil      func(*snapshot)
	}{
		{"as it was", "", func(*snapshot) {}},
		{"a slot too many", "20 slots hold 16 connections and 3 are free", func(s *snapshot) { s.Ledger.Slots++ }},
		{"a slot too few", "18 slots hold 16 connections and 3 are free", func(s *snapshot) { s.Ledger.Slots-- }},
		{"the last slot's cursor", "", func(s *snapshot) { s.Ledger.Cursor = s.Ledger.Slots }},
		{"a cursor behind", "cursor 20 lies behind the last of 19 slots", func(s *snapshot) { s.Ledger.Cursor = s.Ledger.Slots + 1 }},
		{"no credit", "", func(s *snapshot) { s.Ledger.Credit = 0 }},
		{"a debt", "credit of -1", func(s *snapshot) { s.Ledger.Credit = -1 }},
		{"slot 0", "connection in slot 0: no such slot", func(s *snapshot) { s.Conns[1].Slot = 0 }},
		{"a slot behind the last", "connection in slot 20: no such slot", func(s *snapshot) { s.Conns[1].Slot = 20 }},
		{"two in a slot", "connection in slot 1: another one is there", func(s *snapshot) { s.Conns[1].Slot = 1 }},
		{"an impossible one", "connection in slot 1: generation 2 is a free slot's", func(s *snapshot) { s.Conns[0].Conn.Gen++ }},
		{"one tuple twice", "connection in slot 3: slot 1 has the same tuple", func(s *snapshot) { s.Conns[2].Conn.Orig = s.Conns[0].Conn.Orig }},
		{"another's tuple as reply", "connection in slot 3: slot 1 has the same tuple", func(s *snapshot) { s.Conns[2].Reply = s.Conns[0].Reply }},
		{"a reply to nothing", "connection in slot 3: proto 17 10.0.0.2:5060 > 10.0.0.1:5061 does not answer proto 17 10.0.0.1:5060 > 10.0.0.2:5060", func(s *snapshot) { s.Conns[2].Reply.DPort++ }},
		{"a helper that there is none", "connection in slot 1: helper 5", func(s *snapshot) { s.Conns[client].Extra.Helper = numHelpers }},
		{"the last helper", "", func(s *snapshot) { s.Conns[client].Extra.Helper = numHelpers - 1 }},
		{"three lines of FTP", "connection in slot 1: 3 lines of FTP", func(s *snapshot) { s.Conns[client].Extra.Lines[1] = make([]uint32, 3) }},
		{"two lines of FTP", "", func(s *snapshot) { s.Conns[client].Extra.Lines[1] = make([]uint32, 2) }},
		{"a helper of nothing", "connection in slot 1: its status says that it has a helper, a master or another length", func(s *snapshot) { s.Conns[client].Extra = nil }},
		{"no slot that is free", "slot 0, generation 2, cannot be free", func(s *snapshot) { s.Ledger.Free[0] = 2 << 32 }},
		{"a free slot behind the last", "slot 20, generation 2, cannot be free", func(s *snapshot) { s.Ledger.Free[0] = 2<<32 | 20 }},
		{"a slot that is free and not", "slot 1, generation 2, cannot be free", func(s *snapshot) { s.Ledger.Free[0] = 2<<32 | 1 }},
		{"free twice", "", func(s *snapshot) { s.Ledger.Free[0] = s.Ledger.Free[1] }},
		{"never used and free", "", func(s *snapshot) { s.Ledger.Free[0] &= 0xffffffff }},
		{"in use and free", "", func(s *snapshot) { s.Ledger.Free[0] += 1 << 32 }},
		{"a source of no slot", "slot 0 is no translated connection's, or comes twice", func(s *snapshot) { s.Ledger.Sources[0] = 0 }},
		{"a source behind the last slot", "slot 20 is no translated connection's, or comes twice", func(s *snapshot) { s.Ledger.Sources[0] = 20 }},
		{"a source without a translation", "slot 1 is no translated connection's, or comes twice", func(s *snapshot) { s.Ledger.Sources[0] = 1 }},
		{"a source twice", "comes twice", func(s *snapshot) { s.Ledger.Sources[1] = s.Ledger.Sources[0] }},
		{"no random state", "", func(s *snapshot) { s.Ledger.Random = nil }},
		{"a random state of nothing", "NAT's random state: invalid PCG encoding", func(s *snapshot) { s.Ledger.Random = []byte{1} }},
		{"expected by no helper", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Helper = NoHelper }},
		{"expected by another helper", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Helper = numHelpers }},
		{"expected by nothing", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Master += 1 << 32 }},
		{"expected without a helper", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Master = refOf(&s.Conns[3]) }},
		{"the other direction's", "", func(s *snapshot) { s.Ledger.Expectations[0].Dir = 1 }},
		{"a third direction's", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Dir = 2 }},
		{"of no class", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Class = 1 }},
		{"of the last class", "", func(s *snapshot) { s.Ledger.Expectations[1].Class = uint8(len(sipPolicy) - 1) }},
		{"adopting the last helper", "", func(s *snapshot) { s.Ledger.Expectations[0].Adopts = numHelpers - 1 }},
		{"adopting no such helper", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Adopts = numHelpers }},
		{"translated as SIP's", "", func(s *snapshot) { s.Ledger.Expectations[0].Follow = uint8(followSIP) }},
		{"translated as nothing", "nobody can expect it", func(s *snapshot) { s.Ledger.Expectations[0].Follow = uint8(followSIP) + 1 }},
	} {
		if tc.name == "free twice" || tc.name == "never used and free" || tc.name == "in use and free" {
			tc.want = "cannot be free"
		}
		t.Run(tc.name, func(t *testing.T) {
			b := eventful(t)
			s := b.snapshot()
			tc.spoil(&s)
			next, err := b.resumed(s)
			if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%v, want %q", err, tc.want)
			}
			if err == nil {
				if errs := next.Check(); len(errs) != 0 {
					t.Error(errs)
				}
			}
		})
	}
	b := eventful(t)
	if err := b.Resume(Ledger{}, nil); err == nil || err.Error() != "the tracker is not empty" {
		t.Error(err)
	}
}

func refOf(s *Saved) packet.ConnRef {
	return packet.ConnRef(uint64(s.Conn.Gen)<<32 | uint64(s.Slot))
}

// TestSound: what makes a record impossible, at the edge of each bound.
func TestSound(t *testing.T) {
	const tcp, sctp, dccp = packet.ProtoTCP, packet.ProtoSCTP, packet.ProtoDCCP
	for _, tc := range []struct {
		name, want string
		proto      uint8
		spoil      func(*Conn)
	}{
		{"UDP", "", packet.ProtoUDP, func(*Conn) {}},
		{"IPv6", "", packet.ProtoUDP, func(c *Conn) { c.Orig.Family = packet.IPv6 }},
		{"generation", "generation 4 is a free slot's", packet.ProtoUDP, func(c *Conn) { c.Gen = 4 }},
		{"no family", "address family 0", packet.ProtoUDP, func(c *Conn) { c.Orig.Family = packet.FamilyNone }},
		{"not committed", "it was never confirmed", packet.ProtoUDP, func(c *Conn) { c.Status = StatusSeenReply }},
		{"last TCP state", "", tcp, func(c *Conn) { c.TCP.State = uint8(NumTCPStates) - 1 }},
		{"TCP state", fmt.Sprintf("TCP state %d", NumTCPStates), tcp, func(c *Conn) { c.TCP.State = uint8(NumTCPStates) }},
		{"of UDP", "", packet.ProtoUDP, func(c *Conn) {
			c.TCP = TCPTrack{State: 99, LastDir: 9, LastIndex: 99, LastWScale: 99, Scale: [2]uint8{99, 99}}
		}},
		{"TCP direction 1", "", tcp, func(c *Conn) { c.TCP.LastDir = 1 }},
		{"TCP direction", "TCP's last segment was of no kind", tcp, func(c *Conn) { c.TCP.LastDir = 2 }},
		{"no segment yet", "", tcp, func(c *Conn) { c.TCP.LastIndex = segNone }},
		{"TCP segment", "TCP's last segment was of no kind", tcp, func(c *Conn) { c.TCP.LastIndex = segNone + 1 }},
		{"scales of 14", "", tcp, func(c *Conn) { c.TCP.Scale, c.TCP.LastWScale = [2]uint8{14, 14}, 14 }},
		{"first scale", "TCP window scale over 14", tcp, func(c *Conn) { c.TCP.Scale[0] = 15 }},
		{"second scale", "TCP window scale over 14", tcp, func(c *Conn) { c.TCP.Scale[1] = 15 }},
		{"last scale", "TCP window scale over 14", tcp, func(c *Conn) { c.TCP.LastWScale = 15 }},
		{"last SCTP state", "", sctp, func(c *Conn) { c.SCTP().State = uint8(len(SCTPStateNames)) - 1; c.SCTP().LastDir = 1 }},
		{"SCTP state", fmt.Sprintf("SCTP state %d", len(SCTPStateNames)), sctp, func(c *Conn) { c.SCTP().State = uint8(len(SCTPStateNames)) }},
		{"SCTP direction", "SCTP state 0", sctp, func(c *Conn) { c.SCTP().LastDir = 2 }},
		{"last DCCP state", "", dccp, func(c *Conn) {
			*c.DCCP() = DCCPTrack{State: uint8(len(DCCPStateNames)) - 1, LastDir: 1, LastType: numDCCPTypes - 1}
		}},
		{"DCCP state", fmt.Sprintf("DCCP state %d", len(DCCPStateNames)), dccp, func(c *Conn) { c.DCCP().State = uint8(len(DCCPStateNames)) }},
		{"DCCP direction", "DCCP state 0", dccp, func(c *Conn) { c.DCCP().LastDir = 2 }},
		{"DCCP type", "DCCP state 0", dccp, func(c *Conn) { c.DCCP().LastType = numDCCPTypes }},
		{"an echo request", "", packet.ProtoICMP, func(c *Conn) { c.Orig.DPort = 8 << 8 }},
		{"no query", "nothing can answer it", packet.ProtoICMP, func(c *Conn) { c.Orig.DPort = 3 << 8 }},
	} {
		c := &Conn{Gen: 3, Status: StatusConfirmed, Orig: packet.Tuple{Proto: tc.proto, Family: packet.IPv4}}
		tc.spoil(c)
		got := ""
		if err := c.sound(); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestResumeEvents: a ring that another tracker kept, and what cannot be one.
func TestResumeEvents(t *testing.T) {
	event := func(at int64) Event {
		return Event{Time: at, What: EventMark, Conn: Conn{Gen: 1, Status: StatusConfirmed, Orig: packet.Tuple{Proto: packet.ProtoUDP, Family: packet.IPv4}}}
	}
	for _, tc := range []struct {
		capacity, kept int
		total          uint64
		ok             bool
	}{
		{3, 3, 7, true}, {3, 3, 3, true}, {3, 2, 2, true}, {3, 0, 0, true}, {0, 0, 7, true}, {0, 0, 0, true},
		{3, 4, 7, false}, {3, 3, 2, false}, {3, 2, 3, false}, {3, 0, 1, false}, {0, 1, 1, false},
	} {
		b := newBed(t)
		b.ticked = 50
		kept := make([]Event, tc.kept)
		for i := range kept {
			kept[i] = event(int64(i + 1))
		}
		err := b.ResumeEvents(tc.capacity, tc.total, kept, 40)
		if (err == nil) != tc.ok {
			t.Errorf("%+v: %v", tc, err)
		}
		if err != nil {
			if want := fmt.Sprintf("%d events kept of %d, in a ring of %d", tc.kept, tc.total, tc.capacity); err.Error() != want {
				t.Errorf("%v, want %s", err, want)
			}
			continue
		}
		total, capacity := b.EventCount()
		if tc.capacity == 0 {
			if total != 0 || capacity != 0 || b.EventTime() != 0 {
				t.Errorf("%+v: %d of %d at %d", tc, total, capacity, b.EventTime())
			}
			continue
		}
		if total != tc.total || capacity != tc.capacity || b.EventTime() != 50 {
			t.Errorf("%+v: %d of %d at %d", tc, total, capacity, b.EventTime())
		}
		n := tc.total - uint64(tc.kept)
		for i, e := range b.Events(0) {
			if i != n || e.Time != int64(i-(tc.total-uint64(tc.kept)))+1 {
				t.Errorf("%+v: event %d of time %d", tc, i, e.Time)
			}
			n++
		}
		if n != tc.total {
			t.Errorf("%+v: %d come back", tc, n)
		}
		if e := event(60); tc.kept == tc.capacity { // the next takes the oldest one's place
			b.events.record(e)
			first := uint64(0)
			for i := range b.Events(0) {
				first = i
				break
			}
			if first != tc.total-uint64(tc.kept)+1 {
				t.Errorf("%+v: event %d is the oldest", tc, first)
			}
		}
	}
	b := newBed(t)
	b.ticked = 50
	if err := b.ResumeEvents(2, 2, []Event{event(70), event(60)}, 65); err != nil || b.EventTime() != 70 {
		t.Errorf("%v, %d", err, b.EventTime())
	}
	bad := event(1)
	bad.Conn.Gen = 2
	if err := b.ResumeEvents(2, 9, []Event{event(1), bad}, 0); err == nil || err.Error() != "event 8: generation 2 is a free slot's" {
		t.Error(err)
	}
}

// TestSavedSenders: idle sources come first, the one that is forgotten next at
// the head, then the others by zone, family and address, and so they come back.
func TestSavedSenders(t *testing.T) {
	b := limited(t, 64, [2]string{"source", "zone=2,new=100/10"}, [2]string{"source", "zone=1,new=100/10"})
	for i, src := range []string{"10.0.0.5", "10.0.0.3", "fd00::1", "10.0.0.4", "10.0.0.9"} {
		dst := sAddr
		if strings.Contains(src, ":") {
			dst = "fd00::2"
		}
		b.now++
		b.inZone(packettest.UDP(src, dst, 1, 53, "q"), uint16(2-i%2), true)
		b.inZone(packettest.UDP(src, dst, 1, 53, "q"), 1, true)
	}
	for _, last := range []byte{9, 3} {
		for ref, c := range b.All(b.now) {
			if c.Orig.Src[3] == last && c.Orig.Family == packet.IPv4 {
				b.Kill(ref)
			}
		}
	}
	text := func(l []SavedSource) (out []string) {
		for _, s := range l {
			out = append(out, fmt.Sprintf("%d %s %d %d", s.Zone, s.Addr.Netip(s.Family), s.Last-1e9, s.Rate))
		}
		return out
	}
	want := []string{
		"1 10.0.0.9 5 1000", "2 10.0.0.9 5 1000", "1 10.0.0.3 2 1000",
		"1 10.0.0.4 4 1000", "1 10.0.0.5 1 1000", "1 fd00::1 3 1000", "2 10.0.0.5 1 1000", "2 fd00::1 3 1000",
	}
	got := text(b.Ledger().Senders)
	slices.Sort(got[:2]) // of one moment
	slices.Sort(want[:2])
	if !slices.Equal(got, want) {
		t.Errorf("saved as\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s := b.snapshot()
	next, err := b.resumed(s)
	if err != nil || !slices.Equal(text(next.Ledger().Senders), text(s.Ledger.Senders)) {
		t.Errorf("%v: resumed as\n%s", err, strings.Join(text(next.Ledger().Senders), "\n"))
	}
	// A zone that does not limit sources any more forgets them.
	b.Settings().Zones[1] = Zone{}
	if next, err = b.resumed(s); err != nil || len(next.Ledger().Senders) != 3 {
		t.Errorf("%v, %d sources of zone 2", err, len(next.Ledger().Senders))
	}
}

// TestFlushExpectations: they go, and are counted, with all that knew of them.
func TestFlushExpectations(t *testing.T) {
	b := eventful(t)
	if n := b.FlushExpectations(); n != 3 || len(b.Expectations(b.now)) != 0 || b.Stats().ExpectDelete != b.Stats().ExpectCreate {
		t.Errorf("%d were there, %+v", n, b.Stats())
	}
	if n := b.FlushExpectations(); n != 0 {
		t.Errorf("%d more", n)
	}
	if errs := b.Check(); len(errs) != 0 {
		t.Error(errs)
	}
}

// TestIDs: numbers that conntrack(8) shows are one-to-one with slots at every
// generation, and pinned, since states and listings outlive a program.
func TestIDs(t *testing.T) {
	if got := [...]uint32{ID(1<<32 | 1), ID(3<<32 | 1), ID(1<<32 | 2)}; got != [...]uint32{0x1bdcb3da, 0x0ff426f0, 0xb9853909} {
		t.Errorf("%#x", got)
	}
	seen := map[uint32]uint32{}
	for slot := range uint32(1 << 16) {
		id := ID(packet.ConnRef(uint64(5)<<32 | uint64(slot)))
		if other, ok := seen[id]; ok {
			t.Fatalf("slots %d and %d", other, slot)
		}
		seen[id] = slot
	}
}

// TestKnown: it yields what All does, and what has expired, and stops where the
// caller does.
func TestKnown(t *testing.T) {
	b := newBed(t)
	for port := range 4 {
		b.in(packettest.UDP(cAddr, sAddr, uint16(port+1), 53, "q"))
	}
	b.fresh(packettest.UDP(cAddr, sAddr, 9, 53, "q"))
	for ref := range b.All(b.now) {
		b.Kill(ref)
		break
	}
	list := func(seq func(func(packet.ConnRef, *Conn) bool)) (ports []uint16) {
		for _, c := range seq {
			if ports = append(ports, c.Orig.SPort); len(ports) == 2 {
				break
			}
		}
		return ports
	}
	for _, l := range [][]uint16{list(b.Known()), list(b.All(b.now)), list(b.Known())} {
		if !slices.Equal(l, []uint16{2, 3}) {
			t.Errorf("%d", l)
		}
	}
	n := 0
	for s := range b.Saved() {
		if n++; s.Slot != uint32(n+1) || n == 2 {
			break
		}
	}
	if late := int64(math.MaxInt64); n != 2 || len(list(b.All(late))) != 0 || len(list(b.Known())) != 2 {
		t.Errorf("%d saved", n)
	}
}
