package conntrack

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/packet/packettest"
)

func TestTimeoutPolicies(t *testing.T) {
	q, a := packettest.UDP(cAddr, sAddr, 1000, 53, ""), packettest.UDP(sAddr, cAddr, 53, 1000, "")
	t.Run("B048_by_zone", func(t *testing.T) {
		b := limited(t, 64, [2]string{"policy", "zone=5,udp_first=7,udp_single=11,udp_multiple=13"})
		run := func(zone uint16, want ...int64) {
			t.Helper()
			b.Flush()
			for i, f := range [][]byte{q, q, a, q} {
				b.inZone(f, zone, true)
				if b.left() != want[i] {
					t.Errorf("zone %d, packet %d: %d s left, want %d", zone, i+1, b.left(), want[i])
				}
			}
		}
		run(5, 7, 11, 13, 13)
		run(4, 30, 30, 30, 30)
	})
	t.Run("B048_every_name", func(t *testing.T) {
		s := DefaultSettings()
		names := strings.Fields("tcp_syn_sent tcp_syn_recv tcp_established tcp_fin_wait tcp_close_wait tcp_last_ack tcp_time_wait tcp_close tcp_syn_sent2 tcp_retransmit tcp_unack udp_first udp_single udp_multiple icmp_first icmp_reply")
		for i, n := range names {
			if err := s.SetTimeoutPolicy("zone=1," + n + "=" + strings.Repeat("1", i%3+1)); err != nil {
				t.Error(err)
			}
		}
		z := s.Zones[1].Timeouts
		for i, n := range names {
			want := []int64{1, 11, 111}[i%3] * second
			for _, p := range z.policyNames()[n] {
				if *p != want {
					t.Errorf("%s: %d, want %d", n, *p, want)
				}
			}
		}
		if z.GenericTimeout != s.GenericTimeout {
			t.Error("what the policy does not name has changed")
		}
	})
	t.Run("B048_tcp_states", func(t *testing.T) {
		b := limited(t, 64, [2]string{"policy", "zone=0,tcp_syn_sent=11,tcp_syn_recv=12,tcp_established=13,tcp_fin_wait=14,tcp_close=15"})
		for i, f := range [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001), c("FA", 1001, 5001), s("R", 5001, 0)} {
			b.in(f)
			if want := int64(11 + i); b.left() != want {
				t.Errorf("packet %d: %d s left, want %d", i+1, b.left(), want)
			}
		}
	})
	t.Run("B048_icmp_and_the_sysctls_names", func(t *testing.T) {
		b := limited(t, 64, [2]string{"policy", "zone=0,icmp_first=9,icmp_reply=4,generic_timeout=77,nf_conntrack_gre_timeout=5"})
		for i, f := range [][]byte{packettest.ICMP(cAddr, sAddr, 8, 0, 1, nil), packettest.ICMP(sAddr, cAddr, 0, 0, 1, nil), packettest.ICMP(cAddr, sAddr, 8, 0, 1, nil)} {
			b.in(f)
			if want := []int64{9, 4, 9}[i]; b.left() != want {
				t.Errorf("packet %d: %d s left, want %d", i+1, b.left(), want)
			}
		}
		b.Flush()
		b.in(packettest.IP(cAddr, sAddr, 89, nil))
		if b.left() != 77 {
			t.Errorf("generic: %d s left", b.left())
		}
	})
}

func TestProfiles(t *testing.T) {
	q, a := packettest.UDP(cAddr, sAddr, 1000, 53, ""), packettest.UDP(sAddr, cAddr, 53, 1000, "")
	t.Run("B054_ovs", func(t *testing.T) {
		b := limited(t, 64, [2]string{"profile", "ovs"})
		for i, want := range []int64{30, 30, 86400, 900, 45, 45} {
			b.in([][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001), c("FA", 1001, 5001), s("FA", 5001, 1002), c("A", 1002, 5002)}[i])
			if b.left() != want {
				t.Errorf("TCP packet %d: %d s left, want %d", i+1, b.left(), want)
			}
		}
		b.Flush()
		b.establish()
		b.in(c("R", 1001, 0))
		if b.left() != 30 {
			t.Errorf("after a RST: %d s left", b.left())
		}
		b.Flush()
		for i, want := range []int64{60, 60, 30, 30} {
			b.in([][]byte{q, q, a, q}[i])
			if b.left() != want {
				t.Errorf("UDP packet %d: %d s left, want %d", i+1, b.left(), want)
			}
		}
		b.Flush()
		for i, want := range []int64{60, 30} {
			b.in([][]byte{packettest.ICMP(cAddr, sAddr, 8, 0, 1, nil), packettest.ICMP(sAddr, cAddr, 0, 0, 1, nil)}[i])
			if b.left() != want {
				t.Errorf("ICMP packet %d: %d s left, want %d", i+1, b.left(), want)
			}
		}
	})
	t.Run("rfc", func(t *testing.T) {
		b := limited(t, 64, [2]string{"profile", "rfc"})
		b.establish()
		if b.left() != 7440 {
			t.Errorf("established TCP: %d s left", b.left())
		}
		b.in(c("FA", 1001, 5001))
		if b.left() != 240 {
			t.Errorf("closing TCP: %d s left", b.left())
		}
		b.Flush()
		b.in(q)
		if b.left() != 300 {
			t.Errorf("UDP: %d s left", b.left())
		}
	})
	t.Run("A128_X9_paper", func(t *testing.T) {
		b := limited(t, 64, [2]string{"profile", "paper"})
		if s := b.Settings(); s.FlowtableUDPTimeout != 180*second || s.FlowtableTCPTimeout != 3600*second {
			t.Errorf("the flow table keeps UDP %d ns and TCP %d ns", s.FlowtableUDPTimeout, s.FlowtableTCPTimeout)
		}
		b.establish()
		if b.left() != 432000 {
			t.Errorf("established TCP: %d s left", b.left())
		}
		b.Flush()
		for i, f := range [][]byte{q, a, packettest.ICMP(cAddr, sAddr, 8, 0, 1, nil)} {
			if b.in(f); b.left() != 180 {
				t.Errorf("packet %d: %d s left", i, b.left())
			}
			if i == 1 {
				b.Flush()
			}
		}
	})
	t.Run("another_profile_takes_the_flow_table's_back", func(t *testing.T) {
		for _, p := range Profiles {
			s := DefaultSettings()
			if s.SetProfile("paper") != nil || s.SetProfile(p) != nil {
				t.Fatal(p)
			}
			if d := DefaultSettings(); p != "paper" && (s.FlowtableTCPTimeout != d.FlowtableTCPTimeout || s.FlowtableUDPTimeout != d.FlowtableUDPTimeout) {
				t.Errorf("%s: %d, %d", p, s.FlowtableTCPTimeout, s.FlowtableUDPTimeout)
			}
		}
	})
	t.Run("linux_is_the_default", func(t *testing.T) {
		s := DefaultSettings()
		for _, p := range Profiles {
			if err := s.SetProfile(p); err != nil {
				t.Fatal(err)
			}
			if same := s.Timeouts == DefaultSettings().Timeouts; same != (p == "linux") {
				t.Errorf("%s: same as the default %v", p, same)
			}
		}
		var e *SettingError
		if err := s.SetProfile("bsd"); !errors.As(err, &e) || !strings.Contains(e.Want, "rfc") {
			t.Error(err)
		}
	})
}

func TestAdaptiveTimeouts(t *testing.T) {
	t.Run("B087_shrink_linearly", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"adaptive.start", "100"}, [2]string{"adaptive.end", "200"}, [2]string{"nf_conntrack_udp_timeout", "1000"})
		for i := range 199 {
			b.now++
			b.inZone(flowFrom(cAddr, 1000+i), 0, true)
		}
		for _, c := range b.All(b.now) {
			n := int64(c.Orig.SPort) - 1000 + 1 // it was the n-th
			want := int64(1000)
			if n > 100 {
				want = 1000 * (200 - n) / 100
			}
			if left := (c.Timeout - b.now + second/2) / second; left != want {
				t.Errorf("connection %d: %d s left, want %d", n, left, want)
			}
		}
	})
	t.Run("B087_idle_ones_follow_as_they_are_collected", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"adaptive.start", "10"}, [2]string{"adaptive.end", "110"}, [2]string{"nf_conntrack_udp_timeout", "1000"})
		for i := range 60 {
			b.in(flowFrom(cAddr, 1000+i))
		}
		b.now += 10 * second
		b.Tick(b.now, 1<<20)
		b.now += 510 * second
		b.Tick(b.now, 1<<20)
		if b.Len() != 0 {
			t.Errorf("%d connections are left", b.Len())
		}
	})
	t.Run("B087_at_the_end_nothing_is_left_and_below_the_start_all", func(t *testing.T) {
		b := limited(t, 4096, [2]string{"adaptive.start", "10"}, [2]string{"adaptive.end", "20"})
		if got := b.scaled(100 * second); got != 100*second {
			t.Error(got)
		}
		for i := range 30 {
			b.inZone(flowFrom(cAddr, 1000+i), 0, true)
		}
		if got := b.scaled(432000 * second); got != 0 {
			t.Error(got)
		}
	})
	t.Run("settings_that_do_not_go_together", func(t *testing.T) {
		for _, v := range [][2]string{{"10", "10"}, {"10", "5"}, {"10", "0"}} {
			s := DefaultSettings()
			for i, n := range []string{"adaptive.start", "adaptive.end"} {
				if err := s.Set(n, v[i]); err != nil {
					t.Fatal(err)
				}
			}
			if s.Check() == nil {
				t.Errorf("%v: no error", v)
			}
		}
		if err := DefaultSettings().Check(); err != nil {
			t.Error(err)
		}
	})
}

// badLists are refused, each with a word that its error must have.
var badLists = []struct{ kind, list, want string }{
	{"zone", "", ZoneLimitForm}, {"zone", "limit=5", ZoneLimitForm}, {"zone", "zone=1", ZoneLimitForm}, {"zone", "zone=1,limit=5,limit=6", "twice"},
	{"zone", "zone=65536,limit=1", "65535"}, {"zone", "zone=x,limit=1", `"x"`}, {"zone", "zone=1,limit=-1", "number"}, {"zone", "default=lots", "number"},
	{"zone", "zone=1,states=5", ZoneLimitForm}, {"zone", "zone=1,limit", ZoneLimitForm},
	{"source", "zone=1,limit=5", SourceLimitForm}, {"source", "zone=1,new=5", "CONNECTIONS/SECONDS"}, {"source", "zone=1,new=5/0", "above 0"},
	{"source", "zone=1,new=0/5", "above 0"}, {"source", "zone=1,states=many", "number"},
	{"policy", "zone=1,tcp_establishd=5", "tcp_established"}, {"policy", "zone=1,tcp_close=-5", "number"}, {"policy", "tcp_close=5,zone=1", TimeoutPolicyForm},
	{"policy", "zone=1,nf_conntrack_max=5", "unknown"},
}

func TestBadLists(t *testing.T) {
	for _, l := range badLists {
		s := DefaultSettings()
		err := map[string]func(string) error{"zone": s.SetZoneLimit, "source": s.SetSourceLimit, "policy": s.SetTimeoutPolicy}[l.kind](l.list)
		if err == nil || !strings.Contains(err.Error(), l.want) {
			t.Errorf("%s %q: %v; want something with %q", l.kind, l.list, err, l.want)
		}
		if len(s.Zones) != 0 || s.ZoneLimit != 0 {
			t.Errorf("%s %q: something was set", l.kind, l.list)
		}
	}
}

// FuzzLists: a list is refused with an error or sets exactly one zone or the
// default; a tracker can be made of it.
func FuzzLists(f *testing.F) {
	for _, l := range badLists {
		f.Add(l.list)
	}
	for _, l := range []string{"zone=1,limit=5", "default=7", "zone=0,states=3,new=10/2", "zone=9,tcp_close=3,udp_first=0x10"} {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, list string) {
		for i := range 3 {
			s := DefaultSettings()
			err := []func(string) error{s.SetZoneLimit, s.SetSourceLimit, s.SetTimeoutPolicy}[i](list)
			if set := len(s.Zones) == 1 || strings.HasPrefix(list, "default"); (err == nil) != set && !(err != nil && strings.HasPrefix(list, "default")) {
				t.Fatalf("%v, %v", err, s.Zones)
			}
			if err == nil {
				b := &bed{TB: t, Tracker: New(Config{MaxConns: 16, Settings: s}), now: 1e9}
				ids := slices.Collect(func(yield func(uint16) bool) {
					for id := range s.Zones {
						yield(id)
					}
				})
				for _, id := range append(ids, 0) {
					b.inZone(flowFrom(cAddr, 1), id, true)
				}
			}
		}
	})
}
