package conntrack

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// keeper is an owner that writes down what it is told.
type keeper struct {
	told  []string
	again int64 // what Overdue answers
	back  func(c *Conn)
}

func (k *keeper) Ending(ref packet.ConnRef, c *Conn) {
	k.told = append(k.told, fmt.Sprintf("ending %#x", ref))
}

func (k *keeper) Overdue(now int64, ref packet.ConnRef, c *Conn) int64 {
	k.told = append(k.told, fmt.Sprintf("overdue %#x at %d", ref, now))
	if k.back != nil {
		k.back(c)
	}
	return k.again
}

func (k *keeper) Altered(ref packet.ConnRef, c *Conn) {
	k.told = append(k.told, fmt.Sprintf("altered %#x", ref))
}

// held is a connection that an owner has until its FlowDeadline at 100, or that
// its timeout ends at 200.
func held(t *testing.T) (*bed, *Conn, packet.ConnRef) {
	b := newBed(t)
	b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "q"))
	for ref, c := range b.All(b.now) {
		c.Status |= StatusOffload | StatusAssured
		c.FlowDeadline, c.Timeout, c.FlowFlags = 100, 200, 1
		b.Sooner(ref, c)
		return b, c, ref
	}
	panic("no connection")
}

// TestOwnersAreTold: owners hear of the ends and changes of what is theirs, and of
// nothing else, until they are taken away.
func TestOwnersAreTold(t *testing.T) {
	b, c, ref := held(t)
	one, two := &keeper{again: math.MaxInt64}, &keeper{again: math.MaxInt64}
	b.Watch(one)
	b.Watch(two)
	if b.Watched() != 2 {
		t.Errorf("%d owners", b.Watched())
	}
	b.SetMark(ref, 1, 1)
	b.SetMark(ref, 1, 1) // nothing new
	b.SetLabel(ref, [16]byte{1}, [16]byte{1})
	b.SetLabel(ref, [16]byte{1}, [16]byte{1})
	c.FlowFlags = 0
	b.SetMark(ref, 2, 3)
	c.FlowFlags = 1
	b.Unwatch(two)
	b.Unwatch(two)
	b.Kill(ref)
	want := []string{"altered 0x100000001", "altered 0x100000001"}
	if !slices.Equal(two.told, want) || !slices.Equal(one.told, append(want, "ending 0x100000001")) || b.Watched() != 1 {
		t.Errorf("told %q and %q", one.told, two.told)
	}
	b, c, ref = held(t)
	b.Watch(one)
	c.FlowFlags = 0
	one.told = nil
	b.Kill(ref)
	if one.told != nil {
		t.Errorf("told %q of another's", one.told)
	}
}

// TestOverdue: an owner is asked about a flow at its deadline and not before, and
// only about what it holds; then the connection's own timeout counts.
func TestOverdue(t *testing.T) {
	for _, tc := range []struct {
		name   string
		now    int64
		change func(*Tracker, *Conn)
		back   bool // the owner gives it back
		asked  bool
		gone   bool
	}{
		{"before", 99, nil, false, false, false},
		{"at its deadline", 100, nil, false, true, false},
		{"kept beyond its timeout", 200, nil, false, true, false},
		{"given back", 199, nil, true, true, false},
		{"given back too late", 200, nil, true, true, true},
		{"nobody's", 199, func(_ *Tracker, c *Conn) { c.Status &^= StatusOffload }, false, false, false},
		{"nobody's, at its timeout", 200, func(_ *Tracker, c *Conn) { c.Status &^= StatusOffload }, false, false, true},
		{"not assured", 200, func(_ *Tracker, c *Conn) { c.Status &^= StatusAssured }, false, true, false},
		{"not assured, as in Linux 6.1", 200, func(t *Tracker, c *Conn) { c.Status &^= StatusAssured; t.OffloadExpires(true) }, false, true, true},
		{"not assured, a moment before", 199, func(t *Tracker, c *Conn) { c.Status &^= StatusAssured; t.OffloadExpires(true) }, false, true, false},
		{"assured, as in Linux 6.1", 200, func(t *Tracker, _ *Conn) { t.OffloadExpires(true) }, false, true, false},
	} {
		for _, way := range []string{"gone", "Find", "Lives", "reap", "expired"} {
			b, c, ref := held(t)
			b.Listen(10)
			k := &keeper{again: math.MaxInt64}
			if tc.back {
				k.back = func(c *Conn) { c.Status &^= StatusOffload }
			}
			b.Watch(k)
			if tc.change != nil {
				tc.change(b.Tracker, c)
			}
			b.events.now = 0
			tu, got, there := c.Orig, false, true
			switch way {
			case "gone":
				got = b.gone(tc.now, 1, c)
			case "Find":
				_, found, _ := b.Find(&tu, b.Hash(&tu), 0, tc.now)
				got, there = found == nil, found != nil
			case "Lives":
				f := Found{Conn: c, Ref: ref, Known: true}
				got = !b.Lives(&f, tc.now)
				there = !got
			case "reap":
				got = b.reap(tc.now, 0, 8) == 1
				there = !got
			case "expired":
				if got = b.expired(c, tc.now); tc.back {
					got = tc.gone // it is not asked
				}
			}
			if got != tc.gone {
				t.Errorf("%s, %s: gone %v", way, tc.name, got)
			}
			if asked := slices.Contains(k.told, fmt.Sprintf("overdue 0x100000001 at %d", tc.now)); asked != tc.asked && way != "expired" {
				t.Errorf("%s, %s: told %q", way, tc.name, k.told)
			}
			if (b.Conn(ref) != nil) != there {
				t.Errorf("%s, %s: %d connections are left", way, tc.name, b.Len())
			}
			if !there && b.EventTime() != tc.now {
				t.Errorf("%s, %s: the end was told at %d", way, tc.name, b.EventTime())
			}
		}
	}
}

// TestSettledEnd: when an overdue flow is looked at again: when its owner says,
// or its deadline or timeout comes, and later than now.
func TestSettledEnd(t *testing.T) {
	for _, tc := range []struct {
		name        string
		now, again  int64
		change      func(*Tracker, *Conn)
		want, plain int64 // settledEnd's and end's
	}{
		{"before its deadline", 50, 0, nil, 100, 100},
		{"a moment before", 99, 0, nil, 100, 100},
		{"its owner's word", 100, 150, nil, 150, 100},
		{"its owner's word at once", 100, 100, nil, 101, 100},
		{"its owner's word, past", 100, 7, nil, 101, 100},
		{"nobody's word", 100, never, nil, never, 100},
		{"given back", 100, never, func(t *Tracker, c *Conn) { t.owners[0].(*keeper).back = func(c *Conn) { c.Status &^= StatusOffload } }, 200, 100},
		{"given back late", 200, never, func(t *Tracker, c *Conn) { t.owners[0].(*keeper).back = func(c *Conn) { c.Status &^= StatusOffload } }, 200, 100},
		{"put off", 100, never, func(t *Tracker, c *Conn) { t.owners[0].(*keeper).back = func(c *Conn) { c.FlowDeadline = 170 } }, 170, 100},
		{"nobody's", 50, 0, func(_ *Tracker, c *Conn) { c.Status &^= StatusOffload }, 200, 200},
		{"6.1's", 50, 0, func(t *Tracker, c *Conn) { c.Status &^= StatusAssured; t.OffloadExpires(true) }, 100, 100},
		{"6.1's with an early timeout", 50, 0, func(t *Tracker, c *Conn) {
			c.Status &^= StatusAssured
			c.Timeout = 70
			t.OffloadExpires(true)
		}, 70, 70},
		{"6.1's overdue", 100, never, func(t *Tracker, c *Conn) { c.Status &^= StatusAssured; t.OffloadExpires(true) }, 200, 100},
		{"6.1's expired", 200, never, func(t *Tracker, c *Conn) { c.Status &^= StatusAssured; t.OffloadExpires(true) }, 200, 100},
		{"6.1's assured", 50, 0, func(t *Tracker, c *Conn) { c.Timeout = 70; t.OffloadExpires(true) }, 100, 100},
	} {
		b, c, _ := held(t)
		b.Watch(&keeper{again: tc.again})
		if tc.change != nil {
			tc.change(b.Tracker, c)
		}
		if got := b.end(c); got != tc.plain {
			t.Errorf("%s: ends at %d, want %d", tc.name, got, tc.plain)
		}
		if got := b.settledEnd(tc.now, 1, c); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// TestMoved: what happens to a connection outside the tracker is an event with
// all that is known of it.
func TestMoved(t *testing.T) {
	b, _, ref := held(t)
	b.Moved(50, ref, EventOffload, 0, 0) // nobody listens
	b.Listen(5)
	b.Moved(50, ref+1<<32, EventOffload, 0, 0) // another one
	if total, _ := b.EventCount(); total != 0 || b.EventTime() != 0 {
		t.Errorf("%d events at %d", total, b.EventTime())
	}
	b.note(1, b.Conn(ref)).start = 7
	b.Moved(50, ref, EventBack, 3, 4)
	b.Moved(40, ref, EventOffload, 0, 0)
	var all []Event
	for _, e := range b.Events(0) {
		all = append(all, *e)
	}
	want := Event{Time: 50, Start: 7, Ref: ref, What: EventBack, Device: 3, Reason: 4, Conn: b.Conn(ref).Settled(), Reply: b.Reply(ref)}
	if len(all) != 2 || all[0] != want || all[1].Time != 40 || b.EventTime() != 50 {
		t.Errorf("%+v, at %d", all, b.EventTime())
	}
	if Outside != EventOffload|EventHWOffload|EventBack || EventOffload != 1<<13 || EventHWOffload != 1<<14 || EventBack != 1<<15 {
		t.Error("bits have moved")
	}
}

// TestDeviceNumbers: names and numbers are one-to-one, from 1 to 255.
func TestDeviceNumbers(t *testing.T) {
	b := newBed(t)
	for i := range 255 {
		if n := b.DeviceNumber(fmt.Sprint("d", i)); int(n) != i+1 {
			t.Fatalf("device %d has number %d", i, n)
		}
	}
	for name, want := range map[string]uint8{"": 0, "one too many": 0, "d0": 1, "d254": 255, "d7": 8} {
		if got := b.DeviceNumber(name); got != want {
			t.Errorf("%q has number %d, want %d", name, got, want)
		}
	}
	for n, want := range map[uint8]string{0: "", 1: "d0", 255: "d254"} {
		if got := b.DeviceName(n); got != want {
			t.Errorf("number %d is %q, want %q", n, got, want)
		}
	}
	if got := newBed(t).DeviceName(1); got != "" {
		t.Errorf("number 1 of none is %q", got)
	}
}

// TestStatsAdd: each count is added to its own.
func TestStatsAdd(t *testing.T) {
	var a, b, want Stats
	n := uint64(0)
	var fill func(x, y, z reflect.Value)
	fill = func(x, y, z reflect.Value) {
		if x.Kind() == reflect.Array {
			for i := range x.Len() {
				fill(x.Index(i), y.Index(i), z.Index(i))
			}
			return
		}
		n++
		x.SetUint(n)
		y.SetUint(1000 * n)
		z.SetUint(1001 * n)
	}
	for i := range reflect.TypeFor[Stats]().NumField() {
		fill(reflect.ValueOf(&a).Elem().Field(i), reflect.ValueOf(&b).Elem().Field(i), reflect.ValueOf(&want).Elem().Field(i))
	}
	if a.Add(&b); a != want {
		t.Errorf("%+v", a)
	}
}

// TestResultNames: what In and Confirm say, as it is shown.
func TestResultNames(t *testing.T) {
	want := []string{"accept", "table full", "tuple clash", "no port", "other family", "bad error", "redirect", "zone limit", "source limit", "source rate"}
	for r := range NumResults {
		if r.String() != want[r] {
			t.Errorf("%d is %q, want %q", r, r, want[r])
		}
	}
	if len(want) != int(NumResults) {
		t.Errorf("there are %d", NumResults)
	}
}

// TestReplies: which tuple is the other direction of which. Each part counts.
func TestReplies(t *testing.T) {
	for _, tc := range []struct {
		o, t packet.Tuple
	}{
		{packet.Tuple{SPort: 1, DPort: 2, Proto: packet.ProtoUDP}, packet.Tuple{SPort: 2, DPort: 1, Proto: packet.ProtoUDP}},
		{packet.Tuple{SPort: 1, DPort: 8 << 8, Proto: packet.ProtoICMP}, packet.Tuple{SPort: 1, DPort: 0, Proto: packet.ProtoICMP}},
		{packet.Tuple{SPort: 1, DPort: 13<<8 | 5, Proto: packet.ProtoICMP}, packet.Tuple{SPort: 1, DPort: 14<<8 | 5, Proto: packet.ProtoICMP}},
		{packet.Tuple{SPort: 1, DPort: 15 << 8, Proto: packet.ProtoICMP}, packet.Tuple{SPort: 1, DPort: 16 << 8, Proto: packet.ProtoICMP}},
		{packet.Tuple{SPort: 1, DPort: 17 << 8, Proto: packet.ProtoICMP}, packet.Tuple{SPort: 1, DPort: 18 << 8, Proto: packet.ProtoICMP}},
		{packet.Tuple{SPort: 1, DPort: 128 << 8, Proto: packet.ProtoICMPv6}, packet.Tuple{SPort: 1, DPort: 129 << 8, Proto: packet.ProtoICMPv6}},
		{packet.Tuple{SPort: 1, DPort: 139 << 8, Proto: packet.ProtoICMPv6}, packet.Tuple{SPort: 1, DPort: 140 << 8, Proto: packet.ProtoICMPv6}},
	} {
		tc.o.Src, tc.o.Dst, tc.o.Family = packet.Addr{10}, packet.Addr{11}, packet.IPv4
		tc.t.Src, tc.t.Dst, tc.t.Family = packet.Addr{11}, packet.Addr{10}, packet.IPv4
		if Inverse(&tc.o) != tc.t || Inverse(&tc.t) != tc.o || !isReply(&tc.o, &tc.t) || !isReply(&tc.t, &tc.o) || !invertible(&tc.o) || !invertible(&tc.t) {
			t.Errorf("%v and %v are not each other's", tc.o, tc.t)
		}
		for i, other := range []func(tu *packet.Tuple){
			func(tu *packet.Tuple) { tu.Src[15]++ }, func(tu *packet.Tuple) { tu.Dst[0]++ }, func(tu *packet.Tuple) { tu.SPort++ },
			func(tu *packet.Tuple) { tu.DPort++ }, func(tu *packet.Tuple) { tu.Proto = 99 }, func(tu *packet.Tuple) { tu.Family = packet.IPv6 },
		} {
			tu := tc.t
			if other(&tu); isReply(&tc.o, &tu) {
				t.Errorf("%v answers %v, %d", tu, tc.o, i)
			}
		}
	}
	queries := 0
	for typ := range uint16(256) {
		for _, proto := range []uint8{packet.ProtoICMP, packet.ProtoICMPv6} {
			if invertible(&packet.Tuple{DPort: typ << 8, Proto: proto}) {
				queries++
			}
		}
	}
	if queries != 8+4 || !invertible(&packet.Tuple{Proto: packet.ProtoTCP}) {
		t.Errorf("%d types have another direction", queries)
	}
}

// TestStateNames: of the protocols that have states.
func TestStateNames(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    Conn
	}{
		{"ESTABLISHED", Conn{Orig: packet.Tuple{Proto: packet.ProtoTCP}, TCP: TCPTrack{State: TCPEstablished}}},
		{"", Conn{Orig: packet.Tuple{Proto: packet.ProtoUDP}, TCP: TCPTrack{State: TCPEstablished}}},
		{"", Conn{Orig: packet.Tuple{Proto: packet.ProtoGRE}}},
	} {
		state := tc.c.TCP.State
		if tc.c.Orig.Proto != packet.ProtoTCP {
			state = 0
		}
		if got := tc.c.StateName(); got != tc.name || protoState(&tc.c) != state {
			t.Errorf("%d: %q, state %d", tc.c.Orig.Proto, got, protoState(&tc.c))
		}
	}
	c := Conn{Orig: packet.Tuple{Proto: packet.ProtoSCTP}}
	if c.SCTP().State = SCTPEstablished; c.StateName() != "ESTABLISHED" || protoState(&c) != SCTPEstablished {
		t.Errorf("SCTP: %q, %d", c.StateName(), protoState(&c))
	}
	c = Conn{Orig: packet.Tuple{Proto: packet.ProtoDCCP}}
	if c.DCCP().State = DCCPOpen; c.StateName() != "OPEN" || protoState(&c) != DCCPOpen {
		t.Errorf("DCCP: %q, %d", c.StateName(), protoState(&c))
	}
	for _, at := range []int64{0, 1, 1<<32 - 1, 1 << 32, 1<<62 | 77} {
		if c.SetStreamAt(at); c.StreamAt() != at {
			t.Errorf("%d comes back as %d", at, c.StreamAt())
		}
	}
}
