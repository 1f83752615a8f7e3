package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/flowtable"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/packet/packettest"
)

// fill sets every exported field below v to a value of its own, none zero.
// Numbers stay below ten in a byte, since bytes name things.
func fill(v reflect.Value, n *uint64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), n)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprint("s", *n))
	case reflect.Uint8:
		v.SetUint(*n%9 + 1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		v.SetUint(*n + 1000)
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(int64(*n) + 1000)
	default:
		panic(v.Type().String())
	}
}

func filled[T any]() (v T) {
	var n uint64
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

// through is what a line's other end reads of it.
func through[L any](t *testing.T, l L) (out L) {
	t.Helper()
	b, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
	return out
}

// TestEveryFieldIsKept: the writer's lines hold every field of what is saved,
// and the reader takes every one back: one that is added to a saved type and
// forgotten here fails.
func TestEveryFieldIsKept(t *testing.T) {
	same := func(name string, got, want any, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, want) {
			t.Errorf("%s comes back as\n%+v, was\n%+v", name, got, want)
		}
	}
	v4 := func(a byte) packet.Addr { return packet.Addr{10, 0, 0, a} }
	tuple := func(proto uint8) packet.Tuple {
		return packet.Tuple{Src: v4(1), Dst: v4(2), SPort: 7, DPort: 8, Proto: proto, Family: packet.IPv4}
	}

	action := filled[datapath.ActionState]()
	l := through(t, newActionLine(&action))
	same("an action", l.state(), action, nil)

	checkState(t, "a flow table", State{Tables: filled[[]flowtable.Saved]()}, func(s *State) any { return s.Tables }, filled[[]flowtable.Saved]())

	flows := filled[flowtable.Counters]()
	fl := through(t, newFlowsLine(flows))
	same("flow tables' counters", fl.counters(), flows, nil)

	st := filled[conntrack.Stats]()
	st.Entries = 0 // counted, not kept
	sl := through(t, newStatsLine(st))
	same("the tracker's counters", sl.stats(), st, nil)

	expectation := filled[conntrack.SavedExpectation]()
	expectation.Helper, expectation.Adopts = conntrack.FTP, conntrack.SIPTCP
	expectation.Tuple, expectation.MasterOf, expectation.SavedAddr = tuple(packet.ProtoUDP), tuple(packet.ProtoTCP), v4(9)
	el := through(t, newExpectLine(&expectation))
	e, err := el.saved()
	same("an expectation", e, expectation, err)

	waiting := filled[frag.Saved]()
	waiting.Packets[0].IPv6, waiting.Packets[0].Src, waiting.Packets[0].Dst, waiting.Packets[0].Dev = false, v4(1), v4(2), 1
	waiting.Packets[1].Dev, waiting.Packets[1].Counted, waiting.Packets[1].Count, waiting.Packets[1].Seen = -1, false, 0, 0
	checkState(t, "fragments", State{Fragments: &waiting, Devices: []string{"d0", "d1"}}, func(s *State) any {
		for i := range s.Fragments.Packets { // numbers of devices are the reader's own
			if p := &s.Fragments.Packets[i]; p.Dev >= 0 && s.Devices[p.Dev] == "d1" {
				p.Dev = 1
			}
		}
		return *s.Fragments
	}, waiting)

	checkState(t, "what splits know", State{Split: []SplitFlow{{A: bareEnd(ptr(tuple(6))).Src, B: bareEnd(ptr(tuple(6))).Dst, APort: 1, BPort: 2, Proto: 6, Hosts: true, First: true, Old: true}}, MACs: filled[[]SplitMAC]()},
		func(s *State) any { return []any{s.Split, s.MACs} },
		[]any{[]SplitFlow{{A: bareEnd(ptr(tuple(6))).Src, B: bareEnd(ptr(tuple(6))).Dst, APort: 1, BPort: 2, Proto: 6, Hosts: true, First: true, Old: true}}, filled[[]SplitMAC]()})
	checkState(t, "devices", State{Cards: filled[[]Card](), Places: filled[[]Place]()},
		func(s *State) any { return []any{s.Cards, s.Places} }, []any{filled[[]Card](), filled[[]Place]()})
	long := datapath.Origins{In: [2]string{"d0", "d1"}}
	for i := range uint32(3*slotsPerLine + 1) {
		long.Slots = append(long.Slots, 7+i)
	}
	origins := []datapath.Origins{long, {In: [2]string{"", "d0"}, Slots: []uint32{1, 2}}}
	checkState(t, "where packets came in", State{Origins: origins}, func(s *State) any { return s.Origins }, origins)
	checkState(t, "the clock", State{Clock: filled[Clock]()}, func(s *State) any { return s.Clock }, filled[Clock]())

	for _, proto := range []uint8{packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoGRE, 99} {
		for _, helper := range []conntrack.Helper{conntrack.NoHelper, conntrack.FTP, conntrack.TFTP, conntrack.SIP, conntrack.SIPTCP} {
			name := fmt.Sprintf("a connection of protocol %d with helper %d", proto, helper)
			s := conntrack.Saved{Slot: 3, Start: 4, Pending: conntrack.EventMark | conntrack.EventHelper, Reply: tuple(proto)}
			n := uint64(proto)
			fill(reflect.ValueOf(&s.Conn).Elem(), &n)
			s.Conn.Orig, s.Conn.Path, s.Conn.FlowPos = tuple(proto), 0, 0 // the datapath's own: not saved
			s.Conn.FlowFlags = flowtable.Lasting(&s.Conn)
			s.Conn.Status &^= conntrack.StatusHWOffload
			s.Conn.SetCounters([2]uint64{5, 6}, [2]uint64{7, 8})
			switch proto {
			case packet.ProtoTCP:
				s.Conn.TCP.State %= uint8(conntrack.NumTCPStates)
			case packet.ProtoUDP, packet.ProtoUDPLite:
				s.Conn.TCP = conntrack.TCPTrack{}
				s.Conn.SetStreamAt(77)
			}
			x := filled[conntrack.SavedExtra]()
			x.Helper, x.MasterOf = helper, tuple(packet.ProtoTCP)
			s.Extra = &x
			line := through(t, newConnLine(&s))
			got, err := line.saved()
			same(name, got, s, err)
		}
	}
}

// change makes every exported field below v another one that its sysctl can
// say: times in whole seconds.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				change(v.Field(i))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			change(v.Index(i))
		}
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Uint32:
		v.SetUint(v.Uint() + 1)
	case reflect.Int64:
		step := int64(1)
		if v.Int() >= 1e9 {
			step = 1e9
		}
		v.SetInt(v.Int() + step)
	}
}

// TestEverySettingIsKept: a state brings all settings, by whatever line.
func TestEverySettingIsKept(t *testing.T) {
	set := conntrack.DefaultSettings()
	if err := errors.Join(set.SetZoneLimit("zone=4,limit=9"), set.SetSourceLimit("zone=4,states=5,new=100/10"), set.SetTimeoutPolicy("zone=5,tcp_established=77"), set.SetZoneChecks("zone=6,tcp=one-way")); err != nil {
		t.Fatal(err)
	}
	zones := set.Zones
	set.Zones = nil
	change(reflect.ValueOf(set).Elem())
	set.UDPFirst, set.UDPReplied, set.ICMPReply = 3e9, 4e9, 5e9
	set.TCPTimeouts[conntrack.TCPNone] = 0 // no connection is in it
	set.AdaptiveStart, set.AdaptiveEnd, set.UDPUnanswered = 100, 200, 6e9
	set.Zones = zones
	s := State{Tracker: conntrack.New(conntrack.Config{Settings: set})}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if have := got.Tracker.Settings(); !reflect.DeepEqual(have, set) {
		t.Errorf("settings come back as\n%+v, were\n%+v", have, set)
	}
}

func ptr[T any](v T) *T { return &v }

// checkState writes and reads a state with a tracker that is empty.
func checkState(t *testing.T, name string, s State, part func(*State) any, want any) {
	t.Helper()
	s.Tracker = conntrack.New(conntrack.Config{})
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if p := part(got); !reflect.DeepEqual(p, want) {
		t.Errorf("%s comes back as\n%+v, was\n%+v", name, p, want)
	}
}

// TestHelperOfAnotherProtocol: a connection has the helper that its ct action
// names, whatever its protocol (nf_conntrack_helper.c
// __nf_ct_try_assign_helper), and no packet is shown to it
// (nf_conntrack_ovs.c nf_ct_helper); the state says so and is read back.
func TestHelperOfAnotherProtocol(t *testing.T) {
	frames := map[uint8][]byte{
		packet.ProtoTCP: packettest.TCP(client, server, 1000, 21, "PA", 100, 100, "PORT 10,0,0,1,4,1\r\n"), packet.ProtoUDP: packettest.UDP(client, server, 1000, 69, "\x00\x01x\x00octet\x00"),
		packet.ProtoICMP: packettest.ICMP(client, server, 8, 0, 1, nil), packet.ProtoGRE: packettest.IP(client, server, packet.ProtoGRE, []byte{0, 0, 8, 0}),
	}
	for proto, frame := range frames {
		for _, helper := range []conntrack.Helper{conntrack.FTP, conntrack.TFTP, conntrack.SIP, conntrack.SIPTCP} {
			t.Run(fmt.Sprintf("C36_protocol_%d_helper_%d", proto, helper), func(t *testing.T) {
				w := newWorld()
				var h packet.Headers
				var ct packet.CT
				frame := slices.Clone(frame)
				packet.Parse(frame, &h)
				h.Hash = w.t.Hash(&h.Tuple)
				w.t.In(w.now, frame, &h, 0, &ct)
				w.t.SetHelper(ct.Conn, helper, packet.IPv4)
				if _, ok := w.t.Help(w.now, frame, make([]byte, len(frame)+conntrack.MaxGrowth), &h, &ct); !ok {
					t.Fatal("Help drops")
				}
				w.t.Confirm(w.now, &ct)
				w.t.Tell(w.now, ct.Conn)
				if n := len(w.t.Expectations(w.now)); n > 0 && helper.Proto() != proto {
					t.Errorf("the helper has read a packet of another protocol: %d expectations", n)
				}
				saved := w.bytes(t)
				s, err := Read(bytes.NewReader(saved))
				if err != nil {
					t.Fatal(err)
				}
				if got := s.Tracker.HelperOf(ct.Conn); got != helper {
					t.Errorf("helper %d, want %d", got, helper)
				}
				for _, e := range s.Tracker.Events(0) {
					if e.Helper != helper {
						t.Errorf("an event's helper is %d, want %d", e.Helper, helper)
					}
				}
				if again := (&world{t: s.Tracker, now: w.now}).bytes(t); !bytes.Equal(again, saved) {
					t.Errorf("first\n%s\nthen\n%s", saved, again)
				}
			})
		}
	}
}
