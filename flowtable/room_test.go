package flowtable

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

// gauged is a card that says how much it can hold and holds.
type gauged struct {
	card
	most, used int
}

func (g *gauged) Capacity() (int, int) { return g.most, g.used }

// bare is a device with n entries of zone 0, and nothing else.
func bare(t testing.TB, n int) *device {
	s := New(conntrack.New(conntrack.Config{MaxConns: 64}))
	s.Acquire(0, 0).Register(0, &card{open: true})
	d := s.devs[0]
	for i := range n {
		d.entries.add(packet.ConnRef(uint64(1)<<32 | uint64(i+1)))
		*d.zone.at(0)++
	}
	return d
}

// TestRoom: how many flows a device can hold, and how many may be handed over.
func TestRoom(t *testing.T) {
	for _, row := range []struct {
		name            string
		gauge           *gauged
		max, high, low  int
		entries, learnt int
		full            int64 // it said so so long ago, plus 1; 0: it has not
		closed          bool
		limit, room     int
		left            string // closed and full afterwards
	}{
		{name: "nobody knows", limit: 0, room: 64, left: "false false"},
		{name: "it says so", gauge: &gauged{most: 10}, entries: 3, limit: 10, room: 7, left: "false false"},
		{name: "it says so, and others use it", gauge: &gauged{most: 10, used: 8}, entries: 3, limit: 10, room: 2, left: "false false"},
		{name: "it says less than there is", gauge: &gauged{most: 10, used: 1}, entries: 3, limit: 10, room: 7, left: "false false"},
		{name: "it does not know", gauge: &gauged{most: 0}, entries: 3, limit: 0, room: 64, left: "false false"},
		{name: "it says nonsense", gauge: &gauged{most: -5}, entries: 3, limit: 0, room: 64, left: "false false"},
		{name: "policy says less", gauge: &gauged{most: 10}, max: 4, entries: 3, limit: 4, room: 1, left: "false false"},
		{name: "policy says more", gauge: &gauged{most: 10}, max: 11, entries: 3, limit: 10, room: 7, left: "false false"},
		{name: "policy alone", max: 5, entries: 3, limit: 5, room: 2, left: "false false"},
		{name: "policy and a gauge that does not know", gauge: &gauged{}, max: 5, entries: 3, limit: 5, room: 2, left: "false false"},
		{name: "full just now", max: 9, entries: 3, learnt: 3, full: 1, limit: 3, room: 0, left: "false true"},
		{name: "full just under a second ago", max: 9, entries: 3, learnt: 3, full: second, limit: 3, room: 0, left: "false true"},
		{name: "full a second ago", max: 9, entries: 3, learnt: 3, full: second + 1, limit: 3, room: 6, left: "false false"},
		{name: "full with nothing in it", learnt: 0, full: 1, limit: 1, room: 0, left: "false true"},
		{name: "full of more than policy says", max: 2, entries: 3, learnt: 3, full: 1, limit: 2, room: 0, left: "false true"},
		{name: "full of as much as policy says", max: 3, entries: 3, learnt: 3, full: 1, limit: 3, room: 0, left: "false true"},
		{name: "at the limit", max: 3, entries: 3, limit: 3, room: 0, left: "true false"},
		{name: "at the high mark", max: 10, high: 30, low: 20, entries: 3, limit: 10, room: 0, left: "true false"},
		{name: "under the high mark", max: 10, high: 40, low: 20, entries: 3, limit: 10, room: 1, left: "false false"},
		{name: "under it and not at the low one", max: 10, high: 40, low: 20, entries: 3, closed: true, limit: 10, room: 0, left: "true false"},
		{name: "at the low mark", max: 10, high: 40, low: 30, entries: 3, closed: true, limit: 10, room: 1, left: "false false"},
		{name: "a high mark of less than one flow", max: 10, high: 1, entries: 0, limit: 10, room: 1, left: "false false"},
		{name: "a high mark of less than one flow, and one", max: 10, high: 1, entries: 1, limit: 10, room: 0, left: "true false"},
	} {
		d := bare(t, row.entries)
		if row.gauge != nil {
			d.gauge = row.gauge
		}
		if err := d.set.SetAdmission(0, Admission{MaxFlows: row.max, High: row.high, Low: row.low}); err != nil {
			t.Fatal(err)
		}
		d.set.now, d.closed, d.learnt = 10*second, row.closed, row.learnt
		if row.full > 0 {
			d.full = 10*second - row.full + 1
		}
		limit := d.limit()
		room := d.room()
		if left := fmt.Sprint(d.closed, d.full != 0); limit != row.limit || room != row.room || left != row.left {
			t.Errorf("%s: limit %d room %d, closed and full: %s", row.name, limit, room, left)
		}
	}
}

// TestScore: who must go first, and who may not be evicted.
func TestScore(t *testing.T) {
	const now = 100 * second
	for _, row := range []struct {
		name        string
		by          Eviction
		idle, asked int64 // so long ago
		rate        float32
		packets     uint64
		status      uint16
		score       float64
		ok          bool
	}{
		{"nobody", EvictNone, 5e9, 5e9, 1, 5, sure, 0, false},
		{"idle", EvictLRU, 5e9, 0, 0, 0, sure, 5e9, true},
		{"idle for a second", EvictLRU, 1e9, 0, 0, 0, sure, 1e9, true},
		{"idle for less", EvictLRU, 1e9 - 1, 0, 0, 0, sure, 1e9 - 1, false},
		{"one way", EvictState, 5, 0, 0, 0, confirmed, 1<<62 + 5, true},
		{"assured", EvictState, 5e9, 0, 0, 0, sure, 5e9, true},
		{"assured for a second", EvictState, 1e9, 0, 0, 0, sure, 1e9, true},
		{"assured and busy", EvictState, 1e9 - 1, 0, 0, 0, sure, 1e9 - 1, false},
		{"its rate", EvictRate, 1e9, 5e9, 7, 100, sure, -7, true},
		{"its rate by its packets", EvictRate, 10e9, 5e9, 700, 100, sure, -10, true},
		{"a rate a second after it was asked for", EvictRate, 1e9, 1e9, 7, 100, sure, -7, true},
		{"a rate not known yet", EvictRate, 1e9, 1e9 - 1, 7, 100, sure, 0, false},
		{"no packets", EvictRate, 2e9, 5e9, 700, 0, sure, -0.5, true},
		{"a packet this instant", EvictRate, 0, 5e9, 2, 1, sure, -2, true},
	} {
		d := bare(t, 1)
		if err := d.set.SetAdmission(0, Admission{Eviction: row.by}); err != nil {
			t.Fatal(err)
		}
		c := &conntrack.Conn{Status: row.status}
		c.Add(0, row.packets/2, 0)
		c.Add(1, row.packets-row.packets/2, 0)
		e := &entry{asked: now - row.asked, rate: row.rate, base: offload.FlowStats{Used: now - row.idle}}
		if score, ok := d.score(e, c, now); score != row.score || ok != row.ok {
			t.Errorf("%s: %v %v, want %v %v", row.name, score, ok, row.score, row.ok)
		}
	}
	for e, name := range map[Eviction]string{EvictNone: "none", EvictLRU: "lru", EvictRate: "rate", EvictState: "state", 4: "unknown"} {
		if e.String() != name {
			t.Errorf("eviction %d is called %q", e, e)
		}
	}
}

// TestGenerator: the flows looked at for a victim are the same in every run:
// xorshift64* with shifts 12, 25, 27 (Vigna, "An experimental exploration of
// Marsaglia's xorshift generators, scrambled"), its upper 56 bits.
func TestGenerator(t *testing.T) {
	d := &device{random: 1}
	x := uint64(1)
	for range 1000 {
		x ^= x >> 12
		x ^= x << 25
		x ^= x >> 27
		if got, want := d.rand(), x*2685821657736338717>>8; got != want {
			t.Fatalf("%#x, want %#x", got, want)
		}
	}
}

// TestSettle: an admission's defaults and what it refuses.
func TestSettle(t *testing.T) {
	for _, row := range []struct {
		a    Admission
		want string // what settles, or the error's end
	}{
		{Admission{}, "1000000000 65536 65536 100 100"},
		{Admission{High: 80}, "1000000000 65536 65536 80 80"},
		{Admission{Low: 1}, "1000000000 65536 65536 100 1"},
		{Admission{High: 1, Low: 1, RetryEvery: 5, PendingMax: 6, QueueMax: 7}, "5 6 7 1 1"},
		{Admission{High: 100, Low: 100}, "1000000000 65536 65536 100 100"},
		{Admission{MinAge: -1}, "the least age is negative"},
		{Admission{RetryEvery: -1}, "the time between attempts is negative"},
		{Admission{PendingMax: -1}, "a number of flows is negative"},
		{Admission{QueueMax: -1}, "a number of flows is negative"},
		{Admission{MaxFlows: -1}, "a number of flows is negative"},
		{Admission{High: 101}, "water marks of 101 % and 101 %; 1 to 100 are possible"},
		{Admission{High: -1}, "water marks of -1 % and -1 %; 1 to 100 are possible"},
		{Admission{Low: -1}, "water marks of -1 % and 100 %; 1 to 100 are possible"},
		{Admission{High: 50, Low: 101}, "water marks of 101 % and 50 %; 1 to 100 are possible"},
		{Admission{High: 50, Low: 51}, "the low water mark, 51 %, is above the high one, 50 %"},
		{Admission{High: 50, Low: 50, Eviction: EvictState}, "1000000000 65536 65536 50 50"},
		{Admission{Eviction: 4}, "no eviction has the number 4"},
		{Admission{ZoneShare: map[uint16]int{3: -1}}, "zone 3's share is negative"},
		{Admission{ZoneShare: map[uint16]int{3: 0}}, "1000000000 65536 65536 100 100"},
	} {
		a := row.a
		got := ""
		if err := a.settle(); err != nil {
			got = strings.TrimPrefix(err.Error(), "admission: ")
		} else {
			got = fmt.Sprint(a.RetryEvery, a.PendingMax, a.QueueMax, a.High, a.Low)
		}
		if got != row.want {
			t.Errorf("%+v: %s, want %s", row.a, got, row.want)
		}
	}
}

// TestJudge: what admission says of a flow at each threshold, and when it is to
// be asked next.
func TestJudge(t *testing.T) {
	const now = 10 * second
	always := func(v Verdict) func(*conntrack.Conn) Verdict { return func(*conntrack.Conn) Verdict { return v } }
	dns := []Service{{packet.ProtoUDP, 53}, {packet.ProtoTCP, 5353}}
	for _, row := range []struct {
		name           string
		a              Admission
		proto          uint8
		sport, dport   uint16
		packets, bytes uint64
		since          int64
		home, alien    bool
		want           offload.Reason
		next           int64
		enough         bool
	}{
		{"anything", Admission{}, 17, 1, 2, 0, 0, now, false, false, 0, 99 * second, true},
		{"moved back", Admission{Hook: always(Yes)}, 17, 1, 2, 0, 0, now, true, false, offload.Flushed, 99 * second, true},
		{"not assured", Admission{Hook: always(Yes)}, 17, 1, 2, 0, 0, now, false, true, offload.OneWay, 99 * second, true},
		{"the program says yes", Admission{Hook: always(Yes), MinPackets: 9, NeverProto: []uint8{17}}, 17, 1, 2, 0, 0, now, false, false, 0, 99 * second, true},
		{"the program says no", Admission{Hook: always(No)}, 17, 1, 2, 0, 0, now, false, false, offload.Hook, 99 * second, true},
		{"the program says nothing", Admission{Hook: always(Undecided), NeverProto: []uint8{17}}, 17, 1, 2, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"never its protocol", Admission{NeverProto: []uint8{6, 17}}, 17, 1, 2, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"never another protocol", Admission{NeverProto: []uint8{6, 16, 18}}, 17, 1, 2, 0, 0, now, false, false, 0, 99 * second, true},
		{"never its server's port", Admission{Never: dns}, 17, 1, 53, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"never its client's port", Admission{Never: dns}, 17, 53, 1, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"never another port", Admission{Never: dns}, 17, 52, 54, 0, 0, now, false, false, 0, 99 * second, true},
		{"never a port 64 away", Admission{Never: dns}, 17, 53 + 64, 53 + 128, 0, 0, now, false, false, 0, 99 * second, true},
		{"never the port of another protocol", Admission{Never: dns}, 17, 1, 5353, 0, 0, now, false, false, 0, 99 * second, true},
		{"never that port of its protocol", Admission{Never: dns}, 6, 1, 5353, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"never the highest port", Admission{Never: []Service{{17, 65535}}}, 17, 1, 65535, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"never port 0", Admission{Never: []Service{{17, 0}}}, 17, 0, 9, 0, 0, now, false, false, offload.Never, 99 * second, true},
		{"a packet too few", Admission{MinPackets: 6}, 17, 1, 2, 5, 0, now, false, false, offload.Few, now, false},
		{"just enough packets", Admission{MinPackets: 6}, 17, 1, 2, 6, 0, now, false, false, 0, 99 * second, true},
		{"a byte too few", Admission{MinBytes: 600}, 17, 1, 2, 9, 599, now, false, false, offload.Small, now, false},
		{"just enough bytes", Admission{MinBytes: 600}, 17, 1, 2, 9, 600, now, false, false, 0, 99 * second, true},
		{"a nanosecond too young", Admission{MinAge: 3 * second}, 17, 1, 2, 9, 9, now - 3*second + 1, false, false, offload.Young, now + 1, true},
		{"just old enough", Admission{MinAge: 3 * second}, 17, 1, 2, 9, 9, now - 3*second, false, false, 0, 99 * second, true},
		{"few, and the program decides", Admission{Hook: always(Undecided), MinPackets: 6}, 17, 1, 2, 5, 0, now, false, false, offload.Few, now, true},
	} {
		s := New(conntrack.New(conntrack.Config{MaxConns: 4}))
		if err := s.SetAdmission(0, row.a); err != nil {
			t.Fatal(err)
		}
		c := &conntrack.Conn{Status: sure, Orig: packet.Tuple{Proto: row.proto, SPort: row.sport, DPort: row.dport}}
		if row.alien {
			c.Status = seen | confirmed
		}
		c.Add(0, row.packets/2, row.bytes/2)
		c.Add(1, row.packets-row.packets/2, row.bytes-row.bytes/2)
		x := &side{since: row.since, home: row.home, next: 99 * second}
		if got := s.judge(c, x, now); got != row.want || x.next != row.next {
			t.Errorf("%s: %q, next at %d; want %q, %d", row.name, got, x.next, row.want, row.next)
		}
		if got := s.enough(c); got != row.enough {
			t.Errorf("%s: enough %v", row.name, got)
		}
	}
}

// TestShare: a zone's share of a device; zones that are not named may have all.
func TestShare(t *testing.T) {
	d := bare(t, 3)
	for _, row := range []struct {
		share map[uint16]int
		want  bool
	}{{nil, true}, {map[uint16]int{}, true}, {map[uint16]int{5: 0}, true}, {map[uint16]int{0: 3}, false}, {map[uint16]int{0: 4}, true}, {map[uint16]int{0: 0}, false}} {
		if err := d.set.SetAdmission(0, Admission{ZoneShare: row.share}); err != nil {
			t.Fatal(err)
		}
		if got := d.set.share(d, 0); got != row.want {
			t.Errorf("%v: %v", row.share, got)
		}
	}
}

// TestAbsorb: what a device has counted is added once, its last packet's time
// puts the deadline off, and its rate is known from a tenth of a second on.
func TestAbsorb(t *testing.T) {
	base := offload.FlowStats{Packets: [2]uint64{10, 20}, Bytes: [2]uint64{1000, 2000}, Used: 50 * second, At: 60 * second}
	stats := func(p0, p1, b0, b1 uint64, used, at int64) offload.FlowStats {
		return offload.FlowStats{Packets: [2]uint64{p0, p1}, Bytes: [2]uint64{b0, b1}, Used: used, At: at}
	}
	for _, row := range []struct {
		name string
		st   offload.FlowStats
		gone bool // the entry has gone
		want string
	}{
		{"more both ways", stats(15, 21, 1500, 2100, 70*second, 70*second), false, "carried 6 packets [6 2] deadline 100000000000 used 70000000000 at 70000000000 rate 0.6 ignored 0"},
		{"nothing", base, false, "carried 0 packets [1 1] deadline 90000000000 used 50000000000 at 60000000000 rate 9 ignored 0"},
		{"a packet less", stats(9, 21, 1500, 2100, 70*second, 70*second), false, "carried 0 packets [1 1] deadline 90000000000 used 50000000000 at 60000000000 rate 9 ignored 1"},
		{"a byte less", stats(15, 21, 1500, 1999, 70*second, 70*second), false, "carried 0 packets [1 1] deadline 90000000000 used 50000000000 at 60000000000 rate 9 ignored 1"},
		{"from the future", stats(11, 20, 1000, 2000, 99*second, 99*second), false, "carried 1 packets [2 1] deadline 110000000000 used 80000000000 at 80000000000 rate 0.05 ignored 0"},
		{"read before", stats(11, 20, 1000, 2000, 40*second, 40*second), false, "carried 1 packets [2 1] deadline 90000000000 used 50000000000 at 60000000000 rate 9 ignored 0"},
		{"soon", stats(11, 20, 1000, 2000, 60*second, 60*second+second/10-1), false, "carried 1 packets [2 1] deadline 90000000000 used 60000000000 at 60099999999 rate 9 ignored 0"},
		{"a tenth of a second later", stats(11, 20, 1000, 2000, 60*second, 60*second+second/10), false, "carried 1 packets [2 1] deadline 90000000000 used 60000000000 at 60100000000 rate 10 ignored 0"},
		{"a packet that software knew of", stats(11, 20, 1000, 2000, 55*second, 70*second), false, "carried 1 packets [2 1] deadline 90000000000 used 55000000000 at 70000000000 rate 0.1 ignored 0"},
		{"no packet, and a later time", stats(10, 20, 1000, 2000, 60*second+1, 70*second), false, "carried 0 packets [1 1] deadline 90000000001 used 60000000001 at 70000000000 rate 0 ignored 0"},
		{"of one that leaves", stats(15, 21, 1500, 2100, 70*second, 70*second), true, "carried 6 packets [6 2] deadline 90000000000 used 70000000000 at 70000000000 rate 0.6 ignored 0"},
	} {
		tr := conntrack.New(conntrack.Config{MaxConns: 4})
		s := New(tr)
		tab := s.Acquire(0, 0)
		ref := assured(t, tr, 0, 1000, 1)[0]
		c := tr.Conn(ref)
		c.Add(1, 1, 0)
		tab.Offer(60*second, ref, packet.CTEstablished, 0)
		tab.Register(0, &card{})
		d := s.devs[0]
		s.now = 80 * second
		e := &entry{ref: ref, base: base, rate: 9, held: true, gone: row.gone}
		d.absorb(e, c, &row.st)
		if got := fmt.Sprintf("carried %d packets %d deadline %d used %d at %d rate %v ignored %d", s.n.Carried, c.Packets(), c.FlowDeadline, e.base.Used, e.base.At, e.rate, d.stats.Ignored[IgnoredBackward]); got != row.want {
			t.Errorf("%s:\n%s, want\n%s", row.name, got, row.want)
		}
		if row.name == "more both ways" {
			before := c.Bytes()
			d.absorb(e, nil, &offload.FlowStats{Packets: [2]uint64{16, 23}, Bytes: [2]uint64{1500, 2100}})
			if d.stats.Orphans != 3 || c.Bytes() != before || before[0] < 500 {
				t.Errorf("%d orphans, bytes %v", d.stats.Orphans, before)
			}
		}
	}
}

// TestLate: devices are asked once less than nine tenths of the timeout are
// left, and what waits for room goes stale once a third has passed.
func TestLate(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 4})
	s := New(tr)
	tab := s.Acquire(0, 0)
	c := &conntrack.Conn{FlowDeadline: 100 * second, Orig: packet.Tuple{Proto: packet.ProtoUDP}}
	for left, want := range map[int64][2]bool{30 * second: {}, 27 * second: {}, 27*second - 1: {true, false}, 20 * second: {true, false}, 20*second - 1: {true, true}} {
		if got := s.late(1, c, 100*second-left); got != want[0] {
			t.Errorf("%d ns left: late %v", left, got)
		}
		if got := s.stale(tab, c, 100*second-left); got != want[1] {
			t.Errorf("%d ns left: stale %v", left, got)
		}
	}
}

// TestMemory counts what the set's own memory takes.
func TestMemory(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 64})
	s := New(tr)
	tab := s.Acquire(0, 0)
	if n := s.MemoryBytes(); n != 0 {
		t.Errorf("nothing takes %d bytes", n)
	}
	refs := assured(t, tr, 0, 1000, 3)
	for _, ref := range refs {
		tab.Offer(1, ref, packet.CTEstablished, 0)
	}
	// A chunk of 8,192 references of 8 bytes, and one of chains of 4.
	if n := s.MemoryBytes(); n != 8192*12 {
		t.Errorf("flows take %d bytes", n)
	}
	s.RemoveIf(1, Match{})
	stale := cap(tab.stale) * 16
	if n := s.MemoryBytes(); n != 8192*12+stale || stale < 48 {
		t.Errorf("with those torn down %d bytes", n)
	}
	tab.Register(1, &card{open: true})
	tab.Offer(1, refs[0], packet.CTEstablished, 0)
	// A page of records of 56 bytes, and a queue of 256 references.
	queue := s.MemoryBytes()
	if want := 8192*12 + stale + 8192*56 + 256*8; queue != want {
		t.Errorf("with a record and a queue %d bytes, want %d", queue, want)
	}
	s.Pump(1)
	// A page of entries of 88 bytes, of their positions, and of zones.
	if got, want := s.MemoryBytes()-queue, 8192*(88+4+4); got != want {
		t.Errorf("an entry takes %d bytes, want %d", got, want)
	}
}

// TestWhy: why a device does not hold a flow, what decides first coming first.
func TestWhy(t *testing.T) {
	for _, row := range []struct {
		name string
		a    Admission
		x    side
		want offload.Reason
	}{
		{"moved back", Admission{}, side{home: true, pending: 1, queued: 1}, offload.Flushed},
		{"waits for room", Admission{}, side{pending: 1, queued: 1, refused: 1}, offload.Waiting},
		{"queued", Admission{}, side{queued: 1, refused: 1}, offload.Asked},
		{"asked for", Admission{}, side{in: 1, refused: 1}, offload.Asked},
		{"refused", Admission{MinPackets: 99}, side{refused: 1, why: [8]offload.Reason{offload.LabelSpace}}, offload.LabelSpace},
		{"few", Admission{MinPackets: 8, MinBytes: 999}, side{why: [8]offload.Reason{offload.Fault}}, offload.Few},
		{"small", Admission{MinPackets: 7, MinBytes: 64}, side{why: [8]offload.Reason{offload.Fault}}, offload.Small},
		{"enough", Admission{MinPackets: 7, MinBytes: 63}, side{why: [8]offload.Reason{offload.Fault}}, offload.Fault},
		{"few, and the program decides", Admission{MinPackets: 99, Hook: func(*conntrack.Conn) Verdict { return No }}, side{why: [8]offload.Reason{offload.Hook}}, offload.Hook},
		{"small, and the program decides", Admission{MinBytes: 99, Hook: func(*conntrack.Conn) Verdict { return No }}, side{why: [8]offload.Reason{offload.Hook}}, offload.Hook},
		{"not looked at yet", Admission{}, side{}, offload.Untried},
		{"another device's state", Admission{}, side{pending: 2, queued: 2, in: 2, refused: 2, why: [8]offload.Reason{offload.Idle}}, offload.Idle},
	} {
		d := bare(t, 0)
		if err := d.set.SetAdmission(0, row.a); err != nil {
			t.Fatal(err)
		}
		c := &conntrack.Conn{Status: sure}
		c.Add(0, 3, 30)
		c.Add(1, 4, 33)
		if got := d.set.reason(d, c, &row.x); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	tr := conntrack.New(conntrack.Config{MaxConns: 8})
	s := New(tr)
	tab := s.Acquire(0, 0)
	refs := assured(t, tr, 0, 1000, 2)
	why := func(ref packet.ConnRef, want offload.Reason, where ...Where) {
		t.Helper()
		if got, all := s.Why(ref); got != want || !slices.Equal(all, where) {
			t.Errorf("%q %+v, want %q %+v", got, all, want, where)
		}
	}
	why(77, offload.Ended)
	why(refs[0], offload.NotEstablished)
	tab.Offer(0, refs[0], packet.CTEstablished, 0)
	why(refs[0], offload.NoDevice)
	first, second := &card{}, &card{open: true}
	tab.Register(0, first)
	why(refs[0], offload.Untried, Where{"card", false, offload.Untried})
	tab.Register(0, second)
	s.Pump(0)
	why(refs[0], offload.Asked, Where{"card", false, offload.Asked}, Where{"card", false, offload.Asked})
	s.Pump(0)
	why(refs[0], offload.NoReason, Where{"card", false, offload.Asked}, Where{"card", true, offload.NoReason})
	first.open = true
	second.todo = append(second.todo, offload.Completion{Conn: refs[0], Op: offload.Remove, Reason: offload.Uncounted})
	s.Pump(0)
	why(refs[0], offload.NoReason, Where{"card", true, offload.NoReason}, Where{"card", false, offload.Uncounted})
}
