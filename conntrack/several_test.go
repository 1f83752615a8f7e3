package conntrack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// several are trackers that share a limit, claims and translations.
type several struct {
	*Shared
	beds []*bed
	set  *Settings
}

func newSeveral(t testing.TB, n int, conns int64) *several {
	set := DefaultSettings()
	set.Max = conns
	s := &several{Shared: NewShared(n, [2]uint64{3, 4}, set), set: set}
	for i := range n {
		s.beds = append(s.beds, &bed{TB: t, Tracker: New(Config{Seed: [2]uint64{3, 4}, Settings: set, Shared: s.Shared, Member: i}), now: 1e9})
	}
	return s
}

// translating makes connections claim their tuples.
func (s *several) translating() {
	s.Stop()
	s.Translate()
	s.Shared.Resume()
}

// pass lets one tracker have a frame at a time.
func (s *several) pass(member int, now int64, frame []byte, zone uint16, r *NATRange) []byte {
	b := s.beds[member]
	b.Lock()
	defer b.Unlock()
	b.now = now - 1e6
	return b.translate(frame, zone, r)
}

// of is the tracker that a frame belongs to.
func (s *several) of(frame []byte, zone uint16) int {
	var h packet.Headers
	packet.Parse(frame, &h)
	return s.Member(&h.Tuple, zone, s.Translates())
}

// checkAll walks all tables.
func (s *several) checkAll() (errs []error) {
	s.Stop()
	errs = s.Check()
	for _, b := range s.beds {
		errs = append(errs, b.Check()...)
	}
	s.Shared.Resume()
	return errs
}

// listing is what lives at a time, sorted.
func listing(now int64, beds ...*bed) string {
	var out []string
	for _, b := range beds {
		for ref, c := range b.All(now) {
			out = append(out, fmt.Sprintf("zone %d %v, answers %v, status %#x, %d packets, until %d", c.Zone, c.Orig, b.Reply(ref), c.Status, c.Packets(), c.Timeout))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// TestSeveralAreAsOne: of one sequence of packets, one tracker and several that
// share make the same, to the byte, whichever has a connection: ports, what a
// client keeps, what is refused, what expires.
func TestSeveralAreAsOne(t *testing.T) {
	refused, translated, elsewhere, maps := 0, 0, 0, 0
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		n := 1 + int(seed%4)
		s := newSeveral(t, n, 100000)
		one := &bed{TB: t, Tracker: New(Config{Seed: [2]uint64{3, 4}, MaxConns: 100000}), now: 1e9}
		ports := []int{1, 3, 40, 70, 90, 140}[rng.IntN(6)]
		ranges := []*NATRange{nil, addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), addrRange(SrcNAT, "192.0.2.1", "192.0.2.2"), addrRange(DstNAT, "10.0.0.102", "10.0.0.102"), {Manip: SrcNAT}}
		for _, r := range []NATRange{{HasPort: true}, {HasPort: true, Random: true}, {HasPort: true, Hash: true}, {Persistent: true, HasPort: true}} {
			r.Manip, r.HasAddr, r.Family, r.Min, r.Max = SrcNAT, true, packet.IPv4, ranges[1].Min, ranges[1].Max
			r.MinPort, r.MaxPort = 2000, uint16(2000+ports-1)
			ranges = append(ranges, &r, &r)
		}
		now, filled := int64(2e9), false
		var out [][]byte
		send := func(f []byte, zone uint16, r *NATRange) []byte {
			t.Helper()
			one.now = now - 1e6
			want := one.translate(f, zone, r)
			m := s.of(f, zone)
			if got := s.pass(m, now, f, zone, r); !bytes.Equal(got, want) {
				t.Fatalf("seed %d: tracker %d of %d makes of\n%x\n%x, want\n%x", seed, m, n, f, got, want)
			}
			if want == nil {
				refused++
			} else if !bytes.Equal(want, f) {
				translated++
				if want[23] != packet.ProtoTCP && s.of(turned(want), zone) != m {
					elsewhere++
				}
			}
			return want
		}
		client := func() []byte {
			src, dst := fmt.Sprintf("10.0.%d.%d", 1+rng.IntN(2), 1+rng.IntN(4)), fmt.Sprintf("10.0.0.%d", 100+rng.IntN(3))
			port := uint16(rng.IntN(3) + 2000)
			switch rng.IntN(5) {
			case 0:
				return packettest.ICMP(src, dst, 8, 0, uint32(port)<<16, []byte("ping"))
			case 1:
				return packettest.TCP(src, dst, port, 80, []string{"S", "S", "A", "R"}[rng.IntN(4)], rng.Uint32(), 1, "")
			}
			return packettest.UDP(src, dst, port, 53, "query")
		}
		before := rng.IntN(10)
		for range before { // connections that do not claim yet
			now += 1e6
			send(client(), 0, nil)
		}
		s.translating()
		for step := range 100 {
			now += []int64{0, 1, 1e6, second, 12 * second, 31 * second}[min(rng.IntN(30), 5)]
			zone := uint16(rng.IntN(8) / 7)
			switch k := rng.IntN(12); {
			case k == 0 && !filled && len(out) > 0: // nearly all ports
				filled = true
				for next := range ports - 2 {
					send(packettest.UDP(fmt.Sprintf("10.9.%d.%d", next>>8, next&255), "10.0.0.100", 2000, 53, "q"), 0, ranges[5])
				}
			case k < 4 && len(out) > 0:
				if f := out[rng.IntN(len(out))]; f[23] != packet.ProtoTCP {
					send(turned(f), 0, nil)
				}
			case k == 4:
				for ref, c := range one.All(now) {
					if rng.IntN(3) == 0 {
						continue
					}
					for _, b := range s.beds {
						b.Lock()
						if o, _ := b.Lookup(&c.Orig, b.Hash(&c.Orig), c.Zone, now); o != 0 {
							b.Kill(o)
						}
						b.Unlock()
					}
					one.Kill(ref)
					break
				}
			default:
				if f := send(client(), zone, ranges[rng.IntN(len(ranges))]); f != nil && zone == 0 {
					out = append(out, f)
				}
			}
			if step%10 != 0 {
				continue
			}
			if want, got := listing(now, one), listing(now, s.beds...); got != want {
				t.Fatalf("seed %d: there are\n%s\nwant\n%s", seed, got, want)
			}
		}
		if errs := append(s.checkAll(), one.Check()...); len(errs) != 0 {
			t.Fatalf("seed %d: %v", seed, errs)
		}
		if maps += len(s.claims.ports.maps); len(s.claims.ports.maps) != len(one.ports.maps) {
			t.Errorf("seed %d: %d maps of ports, want %d", seed, len(s.claims.ports.maps), len(one.ports.maps))
		}
		// All that ends gives everything back.
		for _, b := range s.beds {
			b.Lock()
			b.collect(now + 1e15)
			b.Unlock()
		}
		if errs := s.checkAll(); len(errs) != 0 {
			t.Fatalf("seed %d: %v", seed, errs)
		}
		for i := range s.claims.shard {
			if s.claims.shard[i].used != 0 || s.sources.shard[i].used != 0 {
				t.Errorf("seed %d: %d claims and %d sources are left", seed, s.claims.shard[i].used, s.sources.shard[i].used)
			}
		}
	}
	if refused < 20 || translated < 500 || elsewhere != 0 || maps < 4 {
		t.Errorf("%d were refused, %d translated, %d answers would go elsewhere, %d maps", refused, translated, elsewhere, maps)
	}
}
