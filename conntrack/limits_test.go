package conntrack

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// limited makes a bed with lists in the forms of SetZoneLimit (zone:),
// SetSourceLimit (source:) and SetTimeoutPolicy (policy:), or sysctls.
func limited(t testing.TB, conns int, lists ...[2]string) *bed {
	t.Helper()
	s := DefaultSettings()
	for _, l := range lists {
		set, ok := map[string]func(string) error{"zone": s.SetZoneLimit, "source": s.SetSourceLimit, "policy": s.SetTimeoutPolicy, "profile": s.SetProfile, "checks": s.SetZoneChecks}[l[0]]
		if !ok {
			set = func(v string) error { return s.Set(l[0], v) }
		}
		if err := set(l[1]); err != nil {
			t.Fatal(err)
		}
	}
	return &bed{TB: t, Tracker: New(Config{Seed: [2]uint64{3, 4}, MaxConns: conns, Settings: s}), now: 1e9}
}

func flowFrom(src string, port int) []byte {
	return packettest.UDP(src, sAddr, uint16(port), 53, "")
}

func TestZoneLimits(t *testing.T) {
	t.Run("B047_own_default_and_none", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"zone", "zone=1,limit=3"}, [2]string{"zone", "default=5"}, [2]string{"zone", "zone=2,limit=0"})
		for zone, want := range map[uint16]int{0: 5, 1: 3, 2: 20, 9: 5} {
			taken, refused := 0, 0
			for i := range 20 {
				switch got := b.inZone(flowFrom(cAddr, 1000+i), zone, true); got {
				case "new":
					taken++
				case DropZoneLimit.String():
					refused++
				default:
					t.Fatal(got)
				}
			}
			if taken != want || refused != 20-want {
				t.Errorf("zone %d: %d taken, %d refused, want %d taken", zone, taken, refused, want)
			}
			limit := map[uint16]uint32{0: 5, 1: 3, 9: 5}[zone]
			if st := b.ZoneStats(zone); st != (ZoneStats{zone, uint32(want), limit, uint64(20 - want)}) {
				t.Errorf("%+v", st)
			}
		}
		if n := b.Refused(DropZoneLimit); n != 15+17+15 || b.Stats().Drop != n {
			t.Errorf("%d refused, %+v", n, b.Stats())
		}
	})
	t.Run("B047_only_commit_counts_and_known_connections_go_on", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"zone", "zone=0,limit=1"})
		f := flowFrom(cAddr, 1000)
		for range 5 {
			if got := b.inZone(flowFrom(cAddr, 2000), 0, false); got != "new" {
				t.Error(got)
			}
		}
		for range 3 {
			if got := b.in(f); got != "new" {
				t.Errorf("the zone's one connection: %s", got)
			}
		}
		if got := b.in(packettest.UDP(sAddr, cAddr, 53, 1000, "")); got != "est+rpl" {
			t.Error(got)
		}
	})
	t.Run("B047_changed_and_taken_back_while_running", func(t *testing.T) {
		b := limited(t, 4096)
		b.in(flowFrom(cAddr, 1000))
		b.in(flowFrom(cAddr, 1001))
		b.SetZone(0, Zone{HasLimit: true, Limit: 2})
		if got := b.in(flowFrom(cAddr, 1002)); got != DropZoneLimit.String() {
			t.Error(got)
		}
		b.SetZone(0, Zone{})
		if got := b.in(flowFrom(cAddr, 1002)); got != "new" {
			t.Error(got)
		}
	})
	t.Run("B047_room_again", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"zone", "zone=0,limit=1"})
		b.in(flowFrom(cAddr, 1000))
		b.now += 30 * second
		b.Tick(b.now, 1<<20)
		if got := b.in(flowFrom(cAddr, 1001)); got != "new" {
			t.Errorf("after its connection has been collected: %s", got)
		}
		b.Flush()
		if got := b.in(flowFrom(cAddr, 1002)); got != "new" {
			t.Errorf("after a flush: %s", got)
		}
	})
	t.Run("refused_by_a_RST", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"zone", "zone=0,limit=1"})
		b.in(c("S", 1, 0))
		b.in(s("RA", 0, 2))
		if st := b.ZoneStats(0); st.Conns != 0 {
			t.Errorf("%+v", st)
		}
		if got := b.in(c("S", 1, 0)); got != "new" {
			t.Error(got)
		}
	})
}

// TestRefusedNAT: a translated connection that a RST answers leaves nothing
// behind, neither its reply in the index nor a count.
func TestRefusedNAT(t *testing.T) {
	b := newBed(t)
	send := func(f []byte, r *NATRange) {
		t.Helper()
		var h packet.Headers
		var ct packet.CT
		packet.Parse(f, &h)
		h.Hash = b.Hash(&h.Tuple)
		b.In(b.now, f, &h, 0, &ct)
		if _, res := b.NAT(b.now, f, &h, &ct, r, r.Manip != 0); res != Accept {
			t.Fatal(res)
		}
		b.Confirm(b.now, &ct)
		b.Discard(&ct)
	}
	to := packet.AddrFrom(netip.MustParseAddr("10.9.9.9"))
	send(c("S", 1, 0), &NATRange{Manip: SrcNAT, Min: to, Max: to, Family: packet.IPv4, HasAddr: true})
	if b.ZoneStats(0).Conns != 1 {
		t.Fatal("not committed")
	}
	send(between(sAddr, "10.9.9.9", 80, 40000, "RA", 0, 2, nil), &NATRange{})
	if n := b.ZoneStats(0).Conns; n != 0 || b.Len() != 0 || b.natted != 0 {
		t.Errorf("%d connections counted, %d there, %d translated", n, b.Len(), b.natted)
	}
	if errs := b.Check(); len(errs) != 0 {
		t.Error(errs)
	}
}

func TestSourceLimits(t *testing.T) {
	t.Run("B088_states_of_a_source", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"source", "zone=3,states=2"})
		for _, src := range []string{"10.0.0.1", "10.0.0.9"} {
			for i, want := range []string{"new", "new", DropSourceStates.String(), DropSourceStates.String()} {
				if got := b.inZone(flowFrom(src, 1000+i), 3, true); got != want {
					t.Errorf("%s, connection %d: %s, want %s", src, i+1, got, want)
				}
			}
		}
		if got := b.inZone(flowFrom("10.0.0.1", 1003), 4, true); got != "new" {
			t.Errorf("another zone: %s", got)
		}
		if n := b.SourceConns(3, packet.AddrFrom(netip.MustParseAddr("10.0.0.9")), packet.IPv4); n != 2 {
			t.Errorf("%d connections of a source", n)
		}
		b.now += 30 * second
		b.Tick(b.now, 1<<20)
		if got := b.inZone(flowFrom("10.0.0.1", 1003), 3, true); got != "new" {
			t.Errorf("after they are gone: %s", got)
		}
	})
	t.Run("B088_new_connections_in_a_time", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"source", "zone=0,new=3/10"})
		port := 1000
		try := func() string { port++; return b.in(flowFrom(cAddr, port)) }
		for i, want := range []string{"new", "new", "new", DropSourceRate.String(), DropSourceRate.String()} {
			if got := try(); got != want {
				t.Errorf("attempt %d: %s, want %s", i+1, got, want)
			}
		}
		for range 30 { // once a second is more than three in ten
			b.now += second
			if got := try(); got != DropSourceRate.String() {
				t.Errorf("a source that never rests: %s", got)
			}
		}
		if got := b.in(flowFrom("10.0.0.9", 1)); got != "new" {
			t.Errorf("another source: %s", got)
		}
		b.now += 10 * second
		if got := try(); got != "new" {
			t.Errorf("rested: %s", got)
		}
	})
	t.Run("B088_ipv4_and_ipv6_are_told_apart", func(t *testing.T) {
		b := limited(t, 64, [2]string{"source", "zone=0,states=1"})
		if got := b.in(packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "")); got != "new" {
			t.Error(got)
		}
		if got := b.in(packettest.UDP("a00:1::", "fd00::2", 1, 2, "")); got != "new" {
			t.Error(got)
		}
	})
	t.Run("I7_idle_sources_are_bounded", func(t *testing.T) {
		b := limited(t, 64, [2]string{"source", "zone=0,new=1/1000"}, [2]string{"zone", "zone=0,limit=40"})
		var addr [4]byte
		for i := range uint32(5000) {
			binary.BigEndian.PutUint32(addr[:], 0x0b000000+i)
			f := flowFrom(netip.AddrFrom4(addr).String(), 1)
			var h packet.Headers
			packet.Parse(f, &h)
			h.Hash = b.Hash(&h.Tuple)
			var ct packet.CT
			b.In(b.now, f, &h, 0, &ct)
			b.Confirm(b.now, &ct)
			b.Kill(ct.Conn) // leaves a rate to remember
			b.now += 1e6
		}
		if errs := b.Check(); len(errs) != 0 {
			t.Fatal(errs)
		}
		if n := b.lim.src.live; n > 1024 {
			t.Errorf("%d sources are remembered", n)
		}
		if m := b.lim.src.memory(); m > 1<<20 {
			t.Errorf("%d bytes", m)
		}
	})
}

// TestRateModel compares the count that fades with one in floating point:
// they differ by no more than the thousandth that each attempt may round.
func TestRateModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := SourceLimit{New: rapid.Uint32Range(1, 1000).Draw(rt, "new"), Per: rapid.Int64Range(1, 1<<40).Draw(rt, "per")}
		e, now, model := source{}, int64(0), 0.0
		for i := range rapid.IntRange(1, 200).Draw(rt, "attempts") {
			d := rapid.Int64Range(0, r.Per/int64(r.New)*4+1).Draw(rt, "pause")
			now += d
			model = model*max(0, 1-float64(d)/float64(r.Per)) + 1
			got, slack := e.begin(now, &r), float64(i+1)/1000+1e-6
			if diff := float64(e.rate)/1000 - model; diff < -1e-6 || diff > slack {
				rt.Fatalf("attempt %d: %d thousandths, model %f", i+1, e.rate, model)
			}
			if model > float64(r.New)+1e-6 && got || model+slack < float64(r.New) && !got {
				rt.Fatalf("attempt %d of %d in %d: %v at %f", i+1, r.New, r.Per, got, model)
			}
		}
	})
}

// TestC48_limits_model counts with maps what the tracker counts as it goes: through
// commits, refusals, kills, flushes, expiry, early drops and changed limits,
// nothing drifts (Check counts anew after every step).
func TestC48_limits_model(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := limited(t, rapid.SampledFrom([]int{20, 300}).Draw(rt, "max"))
		limits := map[uint16]Zone{}
		frame := func(rt *rapid.T) ([]byte, uint16) {
			src := fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 4).Draw(rt, "source"))
			port := rapid.Uint16Range(1, 30).Draw(rt, "port")
			if rapid.Bool().Draw(rt, "tcp") {
				return packettest.TCP(src, sAddr, port, 80, "S", 1, 0, ""), rapid.Uint16Range(0, 2).Draw(rt, "zone")
			}
			return packettest.UDP(src, sAddr, port, 53, ""), rapid.Uint16Range(0, 2).Draw(rt, "zone")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"packet": func(rt *rapid.T) {
				f, zone := frame(rt)
				var h packet.Headers
				packet.Parse(f, &h)
				before := b.ZoneStats(zone)
				ofSource := b.SourceConns(zone, h.Tuple.Src, packet.IPv4)
				z := limits[zone]
				got := b.inZone(f, zone, rapid.Bool().Draw(rt, "commit"))
				after := b.ZoneStats(zone)
				switch {
				case z.HasLimit && z.Limit != 0 && after.Conns > max(z.Limit, before.Conns):
					rt.Fatalf("%d connections of %d", after.Conns, z.Limit)
				case got == DropZoneLimit.String() && before.Conns < z.Limit:
					rt.Fatalf("refused at %d of %d", before.Conns, z.Limit)
				case got == DropSourceStates.String() && ofSource < z.Source.States:
					rt.Fatalf("refused at %d of %d", ofSource, z.Source.States)
				case z.Source.States != 0 && after.Conns > before.Conns && ofSource >= z.Source.States:
					rt.Fatalf("taken at %d of %d", ofSource, z.Source.States)
				}
			},
			"answer": func(rt *rapid.T) {
				for ref, c := range b.All(b.now) {
					if c.Orig.Proto == packet.ProtoTCP {
						r := b.Reply(ref)
						f := packettest.TCP(r.Src.Netip(packet.IPv4).String(), r.Dst.Netip(packet.IPv4).String(), r.SPort, r.DPort, "RA", 0, 2, "")
						b.inZone(f, c.Zone, true)
						return
					}
				}
			},
			"zone": func(rt *rapid.T) {
				id := rapid.Uint16Range(0, 2).Draw(rt, "zone")
				z := Zone{HasLimit: rapid.Bool().Draw(rt, "own"), Limit: rapid.Uint32Range(0, 12).Draw(rt, "limit")}
				z.Source.States = rapid.Uint32Range(0, 5).Draw(rt, "states")
				if rapid.Bool().Draw(rt, "rate") {
					z.Source.New, z.Source.Per = rapid.Uint32Range(1, 9).Draw(rt, "new"), rapid.Int64Range(1, 20).Draw(rt, "per")*second
				}
				b.SetZone(id, z)
				limits[id] = z
			},
			"time": func(rt *rapid.T) { b.now += rapid.Int64Range(0, 20e9).Draw(rt, "ns") },
			"tick": func(rt *rapid.T) { b.Tick(b.now, rapid.IntRange(0, 50).Draw(rt, "budget")) },
			"kill": func(rt *rapid.T) {
				n := rapid.IntRange(0, 20).Draw(rt, "which")
				for ref := range b.All(b.now) {
					if n--; n < 0 {
						b.Kill(ref)
						return
					}
				}
			},
			"flush": func(rt *rapid.T) {
				if rapid.IntRange(0, 9).Draw(rt, "really") == 0 {
					b.Flush()
				}
			},
			"": func(rt *rapid.T) {
				if errs := b.Check(); len(errs) > 0 {
					rt.Fatal(errs)
				}
			},
		})
	})
}

// TestCheckSeesDrift: a count that is wrong is reported.
func TestCheckSeesDrift(t *testing.T) {
	fresh := func() *bed {
		b := limited(t, 64, [2]string{"source", "zone=0,states=9"})
		b.in(flowFrom(cAddr, 1))
		return b
	}
	for name, drift := range map[string]func(*limits){
		"zone":        func(l *limits) { l.zone(0).conns++ },
		"source":      func(l *limits) { l.src.at(1).conns++ },
		"idle source": func(l *limits) { l.src.at(1).idle = true },
		"live":        func(l *limits) { l.src.live++ },
	} {
		b := fresh()
		drift(&b.lim)
		if len(b.Check()) == 0 {
			t.Errorf("%s: nothing reported", name)
		}
	}
}

func TestLimitsAllocateNothing(t *testing.T) {
	b := limited(t, 1<<16, [2]string{"zone", "zone=0,limit=60000"}, [2]string{"source", "zone=0,states=60000,new=1000000/1"}, [2]string{"policy", "zone=0,udp_single=5"}, [2]string{"adaptive.start", "100"}, [2]string{"adaptive.end", "90000"})
	f := flowFrom(cAddr, 1)
	f[40], f[41] = 0, 0 // no checksum: port and address change
	var h packet.Headers
	i := uint32(0)
	one := func() {
		i++
		binary.BigEndian.PutUint32(f[26:], 0x0a000000+i%1000)
		binary.BigEndian.PutUint16(f[34:], uint16(i))
		packet.Parse(f, &h)
		h.Hash = b.Hash(&h.Tuple)
		b.now += 1e6
		var ct packet.CT
		b.In(b.now, f, &h, 0, &ct)
		b.Confirm(b.now, &ct)
		b.Tick(b.now, 16)
	}
	for range 20000 {
		one()
	}
	if n := testing.AllocsPerRun(2000, one); n != 0 {
		t.Errorf("%v allocations a new connection", n)
	}
}

// BenchmarkLimits is the cost of counting: a commit and a removal.
func BenchmarkLimits(b *testing.B) {
	for name, lists := range map[string][][2]string{
		"zones":   nil,
		"sources": {{"source", "zone=0,states=1000000,new=100000000/1"}},
	} {
		b.Run(name, func(b *testing.B) {
			bed := limited(b, 1<<16, lists...)
			var c Conn
			c.Orig.Family = packet.IPv4
			for i := uint32(0); b.Loop(); i++ {
				binary.BigEndian.PutUint32(c.Orig.Src[:], i&0xffff)
				if bed.lim.enter(int64(i), &c) == Accept {
					bed.lim.leave(&c)
				}
			}
		})
	}
}
