package conntrack

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// udpFrom begins connection n of a tracker of several, which ends 30 s later.
func (s *several) udpFrom(member, n int, now int64) bool {
	return s.pass(member, now, packettest.UDP(fmt.Sprintf("10.%d.%d.%d", member, n>>8, n&255), sAddr, 1000, 53, "q"), 0, &NATRange{Manip: SrcNAT}) != nil
}

func (s *several) lens() (out []int) {
	for _, b := range s.beds {
		out = append(out, b.Len())
	}
	return out
}

// TestRoomElsewhere: at the limit of all, expired connections of another tracker
// make room: once the own ones have, of the next tracker that has any, and no
// sooner than they expire.
func TestRoomElsewhere(t *testing.T) {
	const begun = 2e9
	for _, tc := range []struct {
		name string
		have []int // by tracker; the last one's begin a second later
		late int64 // after all but the last one's have expired
		want []int // after tracker 1 has begun another; nil: it is refused
	}{
		{"a moment before", []int{4, 0, 0}, -1, nil},
		{"at the deadline", []int{4, 0, 0}, 0, []int{0, 1, 0}},
		{"a group of eight slots at a time", []int{20, 0, 0}, 0, []int{13, 1, 0}},
		{"its own first", []int{4, 4, 0}, 0, []int{4, 1, 0}},
		{"the next one's first", []int{4, 0, 4}, second, []int{4, 1, 0}},
		{"the next one that has any", []int{4, 0, 4}, second - 1, []int{0, 1, 4}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			total := 0
			for _, n := range tc.have {
				total += n
			}
			s := newSeveral(t, 3, int64(total))
			// Early drop would make room, too: from what lives.
			for m, n := range tc.have {
				at := int64(begun)
				if m == 2 {
					at += second
				}
				for i := range n {
					if !s.udpFrom(m, i, at) {
						t.Fatalf("connection %d of tracker %d was refused", i, m)
					}
				}
				for _, c := range s.beds[m].All(at) {
					c.Status |= StatusAssured
				}
			}
			if tc.late == 0 && s.udpFrom(1, 99, begun+30*second-1) { // now the trackers know the ends to the nanosecond
				t.Error("begun before anything has expired")
			}
			if got := s.udpFrom(1, 100, begun+30*second+tc.late); got != (tc.want != nil) {
				t.Errorf("begun: %v", got)
			}
			if tc.want != nil && !slices.Equal(s.lens(), tc.want) {
				t.Errorf("there are %d, want %d", s.lens(), tc.want)
			}
			if tc.want == nil && (!slices.Equal(s.lens(), tc.have) || s.beds[1].Stats().Drop != 1) {
				t.Errorf("there are %d, want %d; %+v", s.lens(), tc.have, s.beds[1].Stats())
			}
			if errs := s.checkAll(); len(errs) != 0 {
				t.Error(errs)
			}
		})
	}
}

// TestPortsElsewhere: before a map of ports is asked, the expired connections of
// all trackers go, so that a search begins where it would if they had never been.
func TestPortsElsewhere(t *testing.T) {
	const ports = 100
	for late, left := range map[int64]int{-1: ports - 1, 0: 0} {
		s := newSeveral(t, 3, 1000)
		s.translating()
		r := *addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
		r.HasPort, r.MinPort, r.MaxPort, r.Hash = true, 5000, 5000+ports-1, true
		client := func(n int) []byte {
			return packettest.UDP(fmt.Sprintf("10.0.%d.%d", n>>8, n&255), sAddr, 1000, 53, "q")
		}
		// All ports but one, and one that finds the row and has a map made.
		const begun = 2e9
		for n := range ports - 1 {
			if s.pass(2*(n%2), begun, client(n), 0, &r) == nil {
				t.Fatalf("connection %d got no port", n)
			}
		}
		if s.claims.ports.n.Load() == 0 {
			t.Fatal("the ports have no map")
		}
		c := client(ports)
		var h packet.Headers
		packet.Parse(c, &h)
		to := h.Tuple
		to.Src = r.Min
		b := s.beds[1]
		first := 5000 + uint16(uint32(b.Hash(&to))&0xffff%ports)
		reply := to
		reply.SPort = first
		reply = invert(&reply)
		if _, _, ok := s.claims.get(ptrTo(s.claims.keyOf(&reply, 0))); !ok {
			t.Fatal("the port that is tried first is free")
		}
		if late == 0 { // a look before the deadline: the trackers know it to the nanosecond
			for _, b := range s.beds {
				b.collect(begun + 30*second - 1)
			}
		}
		f := s.pass(1, begun+30*second+late, c, 0, &r)
		if f == nil {
			t.Fatal("it got no port")
		}
		packet.Parse(f, &h)
		if (h.Tuple.SPort == first) != (left == 0) {
			t.Errorf("%d ns after the deadline: port %d; port %d is tried first", late, h.Tuple.SPort, first)
		}
		if n := s.beds[0].Len() + s.beds[2].Len(); n != left || b.Len() != 1 {
			t.Errorf("%d ns after the deadline: %d are left, want %d", late, n, left)
		}
		if errs := s.checkAll(); len(errs) != 0 {
			t.Error(errs)
		}
	}
}

func ptrTo[T any](v T) *T { return &v }

// TestClaimAgain: a connection whose reply is an expired connection's of another
// tracker takes its place; one that lives keeps it, and then nothing has come of
// the new one.
func TestClaimAgain(t *testing.T) {
	const begun = 2e9
	for _, alone := range []bool{false, true} { // one goroutine holds all locks
		for late, want := range map[int64]Result{-1: DropClash, 0: Accept} {
			s := newSeveral(t, 2, 1000)
			s.translating()
			r := *addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
			r.HasPort, r.MinPort, r.MaxPort = true, 5000, 5000 // taken without a look
			if s.pass(0, begun, packettest.UDP("10.0.0.7", sAddr, 5000, 53, "q"), 0, &r) == nil {
				t.Fatal("the first was refused")
			}
			b := s.beds[1]
			if alone {
				s.Stop()
			} else {
				b.Lock()
			}
			b.now = begun + 30*second + late
			f := packettest.UDP("10.0.0.8", sAddr, 5000, 53, "q")
			ct := b.fresh(f)
			var h packet.Headers
			packet.Parse(f, &h)
			if _, res := b.NAT(b.now, f, &h, &ct, &r, true); res != Accept {
				t.Fatal(res)
			}
			timeout := b.Conn(ct.Conn).Timeout
			if got := b.Confirm(b.now, &ct); got != want {
				t.Errorf("%d ns after the deadline: %v, want %v", late, got, want)
			}
			switch c := b.Conn(ct.Conn); want {
			case Accept:
				if c.Timeout != timeout+b.now || s.beds[0].Len() != 0 || b.ZoneStats(0).Conns != 1 || b.Stats().Insert != 1 || b.Stats().InsertFailed != 0 {
					t.Errorf("%+v, %d elsewhere", c, s.beds[0].Len())
				}
			case DropClash:
				if c.Status&StatusConfirmed != 0 || c.Timeout != timeout || s.beds[0].Len() != 1 || b.ZoneStats(0).Conns != 0 ||
					b.Stats().Insert != 0 || b.Stats().InsertFailed != 1 || b.Stats().Drop != 1 {
					t.Errorf("%+v, %d elsewhere, %+v", c, s.beds[0].Len(), b.Stats())
				}
			}
			b.Discard(&ct)
			if alone {
				s.Shared.Resume()
			} else {
				b.Unlock()
			}
			if errs := s.checkAll(); len(errs) != 0 {
				t.Error(errs)
			}
		}
	}
}

// TestAllot: a limit is divided to one connection, and one that changes takes
// effect at once.
func TestAllot(t *testing.T) {
	rooms := func(s *several) (sum, least, most int64) {
		least = math.MaxInt64
		for i := range s.parts {
			n := s.parts[i].room.Load()
			sum, least, most = sum+n, min(least, n), max(most, n)
		}
		return sum, least, most
	}
	for n := 1; n <= 5; n++ {
		for limit := int64(1); limit < 12; limit++ {
			if sum, least, most := rooms(newSeveral(t, n, limit)); sum != limit || most-least > 1 {
				t.Errorf("%d among %d trackers: %d to %d, %d in all", limit, n, least, most, sum)
			}
		}
	}
	unlimited := func(s *several) bool { _, least, _ := rooms(s); return least > math.MaxInt64/8 }
	if !unlimited(newSeveral(t, 3, 0)) {
		t.Error("no limit is one")
	}
	for _, tc := range []struct{ limit, room, deficit int64 }{{0, -1, 0}, {10, 3, 0}, {8, 1, 0}, {7, 0, 0}, {6, 0, 1}, {5, 0, 2}} {
		s := newSeveral(t, 3, 100)
		for i := range 7 {
			s.udpFrom(i%2, i, 2e9)
		}
		s.deficit.Store(4) // of a limit before
		s.set.Max = tc.limit
		s.Stop()
		s.Limited()
		s.Shared.Resume()
		if tc.limit == 0 {
			if !unlimited(s) || s.deficit.Load() != 0 {
				t.Error("no limit is one")
			}
			continue
		}
		if sum, _, _ := rooms(s); sum != tc.room || s.deficit.Load() != tc.deficit {
			t.Errorf("a limit of %d: room for %d, %d too many; want %d and %d", tc.limit, sum, s.deficit.Load(), tc.room, tc.deficit)
		}
		if errs := s.checkAll(); len(errs) != 0 {
			t.Error(errs)
		}
		// Room comes back once there are fewer than the limit.
		for ended := int64(1); ended <= 7; ended++ {
			for _, b := range s.beds {
				stop := false
				for ref := range b.All(2e9) {
					b.Kill(ref)
					stop = true
					break
				}
				if stop {
					break
				}
			}
			if sum, _, _ := rooms(s); sum != max(0, tc.limit-(7-ended)) {
				t.Errorf("a limit of %d, %d ended: room for %d", tc.limit, ended, sum)
			}
		}
	}
}

// TestHomes: both directions of a connection are one tracker's, every tracker has
// its share, and what is claimed is its claimant's.
func TestHomes(t *testing.T) {
	s := newSeveral(t, 5, 1000)
	var count [5]int
	for n := range 5000 {
		tu := packet.Tuple{Src: packet.Addr{10, byte(n >> 8), byte(n)}, Dst: packet.Addr{192, 0, 2, 1}, SPort: uint16(n), DPort: 53, Proto: packet.ProtoUDP, Family: packet.IPv4}
		inv := invert(&tu)
		home := s.Member(&tu, 0, false)
		count[home]++
		if other := s.Member(&inv, 0, true); other != home || s.Member(&tu, 7, true) != home {
			t.Fatalf("%v is tracker %d's, its inverse %d's", tu, home, other)
		}
	}
	if slices.Min(count[:]) < 800 || slices.Max(count[:]) > 1200 {
		t.Errorf("%d by tracker", count)
	}
	s.translating()
	f := packettest.UDP(cAddr, sAddr, 1000, 53, "q")
	var h packet.Headers
	packet.Parse(f, &h)
	for m := range 5 {
		s.pass(m, 2e9, f, uint16(m), &NATRange{Manip: SrcNAT})
		inv := invert(&h.Tuple)
		for _, tu := range []*packet.Tuple{&h.Tuple, &inv} {
			if got := s.Member(tu, uint16(m), true); got != m {
				t.Errorf("tracker %d's is %d's", m, got)
			}
			if got, home := s.Member(tu, uint16(m), false), s.Member(&h.Tuple, 9, true); got != home {
				t.Errorf("without claims tracker %d has it, want %d", got, home)
			}
		}
	}
}

// TestSharedSources compares the lists of sources with slices.
func TestSharedSources(t *testing.T) {
	s := &sharedSources{key: keyOfSeed([2]uint64{1, 2})}
	rng := rand.New(rand.NewPCG(1, 2))
	type entry struct {
		at     uint32
		port   uint16
		until  int64
		member uint8
	}
	type key struct {
		tu   packet.Tuple
		zone uint16
	}
	model := map[key][]entry{}
	var keys []key
	for n := range 900 { // each shard grows several times
		tu := packet.Tuple{Src: packet.Addr{10, byte(n >> 9), byte(n >> 1)}, SPort: uint16(n % 2), Proto: packet.ProtoUDP, Family: packet.IPv4}
		switch n % 3 {
		case 0:
			tu.Family = packet.IPv6
		case 1:
			tu.Proto = packet.ProtoTCP
		}
		keys = append(keys, key{tu, uint16(n % 2)})
	}
	for step := range 6000 {
		k := keys[rng.IntN(len(keys))]
		list := model[k]
		switch op := rng.IntN(10); {
		case op < 5:
			e := entry{port: uint16(step), until: int64(step), member: uint8(step)}
			e.at = s.add(&k.tu, k.zone, sourceNode{addr: k.tu.Src, sport: k.tu.SPort, proto: k.tu.Proto, family: k.tu.Family, zone: k.zone, toPort: e.port, until: e.until, member: e.member})
			model[k] = append([]entry{e}, list...)
		case len(list) == 0:
		case op < 7:
			i := rng.IntN(len(list))
			s.remove(&k.tu, k.zone, list[i].at)
			model[k] = slices.Delete(list, i, i+1)
		case op < 8:
			i := rng.IntN(len(list))
			list[i].port++
			s.set(&k.tu, k.zone, list[i].at, packet.Addr{1}, list[i].port)
		default:
			i, at, later := rng.IntN(len(list)), int64(step+rng.IntN(3)-1), rng.IntN(2) == 0
			if at = min(at, list[i].until+1); later || at < list[i].until {
				list[i].until = at
			}
			s.expires(&k.tu, k.zone, list[i].at, at, later)
		}
	}
	total := 0
	for _, k := range keys {
		var got []entry
		for _, n := range s.list(&k.tu, k.zone, nil) {
			got = append(got, entry{n.at, n.toPort, n.until, n.member})
		}
		if !slices.Equal(got, model[k]) {
			t.Fatalf("%v: %v, want %v", k, got, model[k])
		}
		total += len(got)
	}
	used := 0
	for i := range s.shard {
		sh := &s.shard[i]
		used += sh.used
		if len(sh.nodes) > 1+sh.used*2 || len(sh.heads) < sh.used {
			t.Errorf("shard %d: %d nodes and %d heads for %d", i, len(sh.nodes), len(sh.heads), sh.used)
		}
	}
	if used != total {
		t.Errorf("%d are counted, want %d", used, total)
	}
	// One source's list is looked at so far.
	k := key{packet.Tuple{Src: packet.Addr{9}, Family: packet.IPv4, Proto: packet.ProtoUDP}, 0}
	for range 100 {
		s.add(&k.tu, 0, sourceNode{addr: k.tu.Src, proto: k.tu.Proto, family: k.tu.Family})
	}
	if n := len(s.list(&k.tu, 0, nil)); n != 64 {
		t.Errorf("%d are looked at", n)
	}
	if s.list(&k.tu, 0, make([]sourceSeen, 2))[1].at != 0 || len((&sharedSources{}).list(&k.tu, 0, nil)) != 0 {
		t.Error("what was there is lost, or nothing is something")
	}
}

// TestSourceLives: what was believed is asked of the tracker that knows.
func TestSourceLives(t *testing.T) {
	for _, tc := range []struct {
		name  string
		until int64 // after now
		of    int   // tracker
		make  func(b *bed, c *Conn, ref packet.ConnRef)
		want  bool
	}{
		{"not before", 1, 1, func(b *bed, _ *Conn, ref packet.ConnRef) { b.Kill(ref) }, true},
		{"from then on", 0, 1, func(b *bed, _ *Conn, ref packet.ConnRef) { b.Kill(ref) }, false},
		{"its own, gone", 0, 0, func(b *bed, _ *Conn, ref packet.ConnRef) { b.Kill(ref) }, false},
		{"lives", 0, 1, func(*bed, *Conn, packet.ConnRef) {}, true},
		{"its own lives", 0, 0, func(*bed, *Conn, packet.ConnRef) {}, true},
		{"expired", 0, 1, func(b *bed, c *Conn, _ packet.ConnRef) { c.Timeout = b.now }, false},
		{"nearly", 0, 1, func(b *bed, c *Conn, _ packet.ConnRef) { c.Timeout = b.now + 1 }, true},
		{"not committed", 0, 1, func(b *bed, c *Conn, _ packet.ConnRef) { c.Status &^= StatusConfirmed; c.Timeout = 1 }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newSeveral(t, 2, 100)
			s.translating()
			s.pass(tc.of, 2e9, packettest.UDP(cAddr, sAddr, 1000, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"))
			b := s.beds[tc.of]
			var ref packet.ConnRef
			var c *Conn
			for ref, c = range b.All(2e9) {
			}
			tu := c.Orig
			seen := s.sources.list(&tu, 0, nil)
			if len(seen) != 1 {
				t.Fatalf("%d sources", len(seen))
			}
			seen[0].until = b.now + tc.until
			tc.make(b, c, ref)
			asks := s.beds[0]
			asks.Lock()
			got := asks.sourceLives(b.now, &tu, &seen[0])
			asks.Unlock()
			if got != tc.want {
				t.Errorf("lives %v", got)
			}
			if tc.want && tc.until == 0 && c.Status&StatusConfirmed != 0 {
				if now := s.sources.list(&tu, 0, nil); now[0].until != b.mayExpire(c) {
					t.Errorf("believed until %d, want %d", now[0].until, b.mayExpire(c))
				}
			}
		})
	}
}

// TestSharedCheckSeesDrift: what does not go together is reported.
func TestSharedCheckSeesDrift(t *testing.T) {
	for _, tc := range []struct {
		want  string
		drift func(s *several, c *Conn)
	}{
		{"", func(*several, *Conn) {}},
		{"is tracker 1's, and claimed by -1", func(s *several, c *Conn) {
			r := s.beds[1].reply(1, c)
			s.beds[1].unclaim(c, &r)
		}},
		{"is tracker 1's, and claimed by 0", func(s *several, c *Conn) {
			r := s.beds[1].reply(1, c)
			s.beds[1].unclaim(c, &r)
			s.beds[0].claim(c, &r)
		}},
		{"and is believed to live until", func(s *several, c *Conn) {
			k := s.claims.keyOf(&c.Orig, c.Zone)
			s.claims.expires(&k, c.Timeout+1, true)
		}},
		{"", func(s *several, c *Conn) {
			k := s.claims.keyOf(&c.Orig, c.Zone)
			s.claims.expires(&k, c.Timeout, true)
		}},
		{"3 tuples are claimed, want 2", func(s *several, c *Conn) {
			tu := packet.Tuple{Family: packet.IPv4}
			k := s.claims.keyOf(&tu, 0)
			var sides [2]*packet.Tuple
			sides[k.side] = &tu
			s.claims.put(&k, sides, 0, 0, 0)
		}},
		{"map 0 of ports is not what all trackers' connections occupy", func(s *several, c *Conn) {
			k, _ := keyOf(&packet.Tuple{Family: packet.IPv4}, 0)
			s.addShared(&k).bits[3] = 1
		}},
		{"1 connections and room for 100 more, want 100", func(s *several, c *Conn) { s.parts[0].room.Add(1) }},
		{"1 connections and room for 98 more, want 100", func(s *several, c *Conn) { s.deficit.Add(1) }},
	} {
		s := newSeveral(t, 2, 100)
		s.translating()
		s.pass(1, 2e9, packettest.UDP(cAddr, sAddr, 1000, 53, "q"), 0, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"))
		tc.drift(s, s.beds[1].Conn(1<<32|1))
		got := fmt.Sprint(s.checkAll())
		if (tc.want == "") != (got == "[]") || !strings.Contains(got, tc.want) {
			t.Errorf("%s, want %q", got, tc.want)
		}
	}
}
