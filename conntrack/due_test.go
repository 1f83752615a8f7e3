package conntrack

import (
	"bytes"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestDueTree compares the tree of minima with a plain list, over one chunk,
// several, and one that grows.
func TestDueTree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := &due{min: never}
		size := rapid.SampledFrom([]int{1, 8, 9, 17, 64, 65, 1000, chunkConns}).Draw(rt, "first chunk")
		d.grow(0, size)
		if rapid.Bool().Draw(rt, "more") {
			size = chunkConns
			d.grow(0, size)
			for range rapid.IntRange(0, 2).Draw(rt, "chunks") {
				d.grow(len(d.chunks), chunkConns)
				size += chunkConns
			}
		}
		want := map[uint32]int64{}
		slot := func() uint32 {
			if rapid.Bool().Draw(rt, "edge") {
				return uint32(rapid.SampledFrom([]int{0, size - 1, size / 2, min(size-1, 7), min(size-1, 8), min(size-1, chunkConns)}).Draw(rt, "slot"))
			}
			return uint32(rapid.IntRange(0, size-1).Draw(rt, "slot"))
		}
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			n, at := slot(), rapid.Int64Range(0, 20).Draw(rt, "at")
			switch rapid.IntRange(0, 2).Draw(rt, "do") {
			case 0:
				d.lower(n, at)
				if was, ok := want[n>>groupBits]; !ok || at < was {
					want[n>>groupBits] = at
				}
			case 1:
				if was, ok := want[n>>groupBits]; ok && at >= was {
					d.raise(n>>groupBits, at)
					want[n>>groupBits] = at
				}
			case 2:
				groups := uint32((size + 7) >> groupBits)
				found, expect := false, uint32(0)
				for i := range groups {
					g := (n>>groupBits + i) % groups
					if w, ok := want[g]; ok && w <= at {
						found, expect = true, g
						break
					}
				}
				if got, ok := d.next(at, n); ok != found || ok && got != expect {
					rt.Fatalf("at %d from slot %d: group %d, %v; want %d, %v", at, n, got, ok, expect, found)
				}
				for _, w := range want {
					if w < d.min {
						rt.Fatalf("no end before %d, but one at %d", d.min, w)
					}
				}
			}
		}
	})
}

// checkDue reports connections that may end before their group's time.
func (b *bed) checkDue() {
	b.Helper()
	for ref, c := range b.Known() {
		slot := slotOf(ref)
		k := &b.slab.due.chunks[slot>>chunkBits]
		i := k.base + slot&(chunkConns-1)>>groupBits
		if at := b.end(c); at < k.node[i] {
			b.Fatalf("slot %d ends at %d, its group no earlier than %d", slot, at, k.node[i])
		}
		for ; i != 0; i = (i - 1) >> groupBits {
			if k.node[(i-1)>>groupBits] > k.node[i] {
				b.Fatalf("node %d is later than its child %d", (i-1)>>groupBits, i)
			}
		}
		if b.slab.due.min > k.node[0] {
			b.Fatalf("min is %d, a root %d", b.slab.due.min, k.node[0])
		}
	}
}

// living describes the connections that live, whatever slots they are in.
func (b *bed) living() map[string]bool {
	out := map[string]bool{}
	for ref, c := range b.All(b.now) {
		out[fmt.Sprint(c.Orig, c.Zone, b.Reply(ref), c.StateName(), c.Timeout, c.Status, c.TCP.Seen)] = true
	}
	return out
}

// TestMaintenanceNeverShows judges the same packets in trackers of which one is
// ticked after each packet, one at times and by little, one never, and one
// is saved and restored time and again. At limits of the table, of zones, of
// sources, of expectations and of ports every packet meets the same.
func TestMaintenanceNeverShows(t *testing.T) {
	limited := 0
	rapid.Check(t, func(rt *rapid.T) {
		set := func() *Settings {
			s := DefaultSettings()
			s.UDPTimeout, s.UDPTimeoutStream = 2*second, 4*second
			s.TCPTimeouts[TCPSynSent], s.TCPTimeouts[TCPTimeWait], s.TCPTimeouts[TCPClose] = 3*second, 4*second, second
			return s
		}
		sets := [4]*Settings{set(), set(), set(), set()}
		maxConns := rapid.IntRange(2, 24).Draw(rt, "max")
		for _, l := range rapid.SampledFrom([][]string{{}, {}, {"z", "zone=1,limit=3"}, {"s", "zone=1,states=2"}, {"s", "zone=1,new=4/3"}}).Draw(rt, "limit") {
			for _, s := range sets {
				switch l {
				case "z":
				case "s":
				case "zone=1,limit=3":
					_ = s.SetZoneLimit(l)
				default:
					_ = s.SetSourceLimit(l)
				}
			}
		}
		var beds [4]*bed
		for i := range beds {
			beds[i] = &bed{TB: t, Tracker: New(Config{Seed: [2]uint64{3, 4}, MaxConns: maxConns, Settings: sets[i]}), now: 1e9}
		}
		r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
		r.HasPort, r.MinPort, r.MaxPort = true, 2000, 2000+rapid.SampledFrom([]uint16{0, 1, 3, 200}).Draw(rt, "ports")
		seq := uint32(1000)
		for range rapid.IntRange(1, 80).Draw(rt, "packets") {
			now := beds[0].now + rapid.SampledFrom([]int64{0, 1e6, 5e8, second, 2 * second, 3 * second}).Draw(rt, "later")
			src := fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 5).Draw(rt, "client"))
			port := rapid.Uint16Range(1, 3).Draw(rt, "port")
			zone := rapid.Uint16Range(0, 1).Draw(rt, "zone")
			back := rapid.IntRange(0, 3).Draw(rt, "back") == 0
			f := packettest.UDP(src, sAddr, port, 53, "q")
			if rapid.Bool().Draw(rt, "tcp") {
				flags := rapid.SampledFrom([]string{"S", "S", "A", "FA", "R"}).Draw(rt, "flags")
				seq += 1000
				f = packettest.TCP(src, sAddr, port, 80, flags, seq, 1, "")
				if back {
					f = packettest.TCP(sAddr, src, 80, port, rapid.SampledFrom([]string{"SA", "A", "FA", "R"}).Draw(rt, "answer"), 1, seq+1, "")
				}
			} else if back {
				f = packettest.UDP(sAddr, src, 53, port, "a")
			}
			nat := rapid.IntRange(0, 2).Draw(rt, "nat") == 0
			budget := rapid.IntRange(0, 3).Draw(rt, "budget")
			again := rapid.IntRange(0, 5).Draw(rt, "again") == 0
			var first string
			for i, b := range beds {
				b.now = now
				switch i {
				case 0:
					b.Tick(now, 1000)
				case 1:
					b.Tick(now, budget)
				case 3:
					if again {
						var conns []Saved
						for s := range b.Saved() {
							conns = append(conns, s)
						}
						next := New(Config{Seed: [2]uint64{3, 4}, MaxConns: maxConns, Settings: sets[i]})
						if err := next.Resume(b.Ledger(), conns); err != nil {
							rt.Fatal(err)
						}
						b.Tracker = next
					}
				}
				got := ""
				if nat {
					b.now -= 1e6
					got = fmt.Sprintf("%x", b.translate(bytes.Clone(f), zone, r))
				} else {
					got = b.inZone(bytes.Clone(f), zone, true)
				}
				b.checkDue()
				if errs := b.Check(); len(errs) != 0 {
					rt.Fatal(i, errs)
				}
				if i == 0 {
					first = got
					if got == DropZoneLimit.String() || got == DropSourceStates.String() || b.Stats().EarlyDrop+b.Stats().Drop != 0 {
						limited++
					}
					continue
				}
				if got != first {
					rt.Fatalf("tracker %d: %s, want %s", i, got, first)
				}
				if a, w := b.living(), beds[0].living(); !maps.Equal(a, w) {
					rt.Fatalf("tracker %d has\n%v, want\n%v", i, a, w)
				}
				if a, w := b.Stats(), beds[0].Stats(); a.EarlyDrop != w.EarlyDrop || a.Drop != w.Drop {
					rt.Fatalf("tracker %d: %+v, want %+v", i, a, w)
				}
			}
		}
	})
	if limited == 0 {
		t.Error("no limit was ever met")
	}
}

// TestExpiredGoFirst fills a table with connections that soon expire, and begins
// others at its limit, faster than the memory could be given back: none that
// lives is ended, none is refused, and the sweep leaves little behind.
func TestExpiredGoFirst(t *testing.T) {
	const n, step, perStep = 1 << 16, second / 100, 200
	for _, ticks := range []bool{false, true} {
		b := &bed{TB: t, Tracker: New(Config{Seed: [2]uint64{3, 4}, MaxConns: n}), now: 1e9}
		b.Settings().UDPTimeout = 150 * step
		begin := func(i int) bool {
			tu := packet.Tuple{Src: packet.Addr{10, byte(i >> 24), byte(i >> 16), byte(i >> 8)}, Dst: packet.Addr{192, 0, 2, 1}, SPort: uint16(i & 255), DPort: 53, Proto: packet.ProtoUDP, Family: packet.IPv4}
			h := packet.Headers{Tuple: tu, Proto: packet.ProtoUDP, Hash: b.Hash(&tu)}
			slot, c, ok := b.alloc(b.now, &h, 0)
			if !ok {
				return false
			}
			c.Orig, c.Timeout = tu, b.Settings().UDPTimeout
			ct := packet.CT{Conn: b.slab.ref(slot, c), Info: packet.CTNew}
			return b.Confirm(b.now, &ct) == Accept
		}
		next, most := 0, 0
		for range 500 {
			b.now += step
			for range perStep {
				if next++; !begin(next) {
					t.Fatalf("connection %d was refused", next)
				}
			}
			if ticks {
				b.Tick(b.now, 2048)
				most = max(most, b.Len())
			}
		}
		if st := b.Stats(); st.EarlyDrop != 0 || st.Drop != 0 {
			t.Errorf("ticked %v: %d ended early, %d refused", ticks, st.EarlyDrop, st.Drop)
		}
		live := 0
		for range b.All(b.now) {
			live++
		}
		if live != 150*perStep {
			t.Errorf("ticked %v: %d live, want %d", ticks, live, 150*perStep)
		}
		if ticks && most > (151+50)*perStep {
			t.Errorf("the sweep left %d, %d live", most, live)
		}
		if errs := b.Check(); len(errs) != 0 {
			t.Error(errs)
		}
	}
}

// TestShorterFlowTimeouts: deadlines that come forward because a timeout of the
// flow table was lowered, which no packet tells the tracker, are looked at anew.
func TestShorterFlowTimeouts(t *testing.T) {
	b := newBed(t)
	b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "q"))
	if got := b.slab.due.min; got <= b.now {
		t.Fatalf("nothing ends before %d", got)
	}
	b.Settings().FlowtableUDPTimeout /= 2
	if _, ok := b.nextDue(b.now); !ok {
		t.Error("nothing is looked at anew")
	}
	b.collect(b.now)
	b.checkDue()
	if got := b.slab.due.min; got <= b.now || b.Len() != 1 {
		t.Errorf("min is %d at %d, %d connections", got, b.now, b.Len())
	}
	b.Settings().FlowtableUDPTimeout *= 2
	if _, ok := b.nextDue(b.now); ok {
		t.Error("a longer timeout has everything looked at")
	}
}
