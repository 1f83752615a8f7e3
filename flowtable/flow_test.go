package flowtable_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// only returns the single connection of the tracker.
func only(t *testing.T, r *datapathtest.Rig) *conntrack.Conn {
	t.Helper()
	r.E.Flows().Sync(r.Now)
	var found *conntrack.Conn
	n := 0
	for _, c := range r.E.Tracker().All(r.Now) {
		found = c
		n++
	}
	if n != 1 {
		t.Fatalf("%d connections, want 1", n)
	}
	return found
}

func offloaded(c *conntrack.Conn) bool { return c.Status&conntrack.StatusOffload != 0 }

func fromClient(port uint16, flags string, seq, ack uint32, data string) []byte {
	return packettest.TCP(datapathtest.Client, datapathtest.Server, port, 80, flags, seq, ack, data)
}

func fromServer(port uint16, flags string, seq, ack uint32, data string) []byte {
	return packettest.TCP(datapathtest.Server, datapathtest.Client, 80, port, flags, seq, ack, data)
}

// idle lets time pass with regular ticks.
func idle(r *datapathtest.Rig, ns int64) {
	for end := r.Now + ns; r.Now < end; {
		r.Now += min(end-r.Now, 100e6)
		r.E.Tick(r.Now)
	}
}

// udpPolicy commits whatever is new in zone 0 and sends it on.
var udpPolicy = []string{
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
	"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
	"filter add dev b ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
	"filter add dev b ingress prio 1 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev a",
}

func TestAdmission(t *testing.T) {
	t.Run("C31_what_lapses_stays_out", func(t *testing.T) {
		r := datapathtest.New(t, udpPolicy...)
		if err := r.E.Tracker().Settings().Set("udp.unanswered", "100"); err != nil {
			t.Fatal(err)
		}
		q, a := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"), packettest.UDP(datapathtest.Server, datapathtest.Client, 53, 1000, "a")
		r.Send("a", q)
		r.Send("a", q)
		if n := r.E.Flows().Len(); n != 0 {
			t.Errorf("%d flows that nothing has answered", n)
		}
		r.Send("b", a)
		if n := r.E.Flows().Len(); n != 1 {
			t.Errorf("answered, and %d flows", n)
		}
	})
	t.Run("A111_A119_B007_tcp_enters_when_assured_and_established", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		steps := []struct {
			dev   string
			frame []byte
			want  bool
		}{
			{"uplink_rep", fromClient(40000, "S", 1000, 0, ""), false},
			{"vf0_rep", fromServer(40000, "SA", 5000, 1001, ""), false},
			{"uplink_rep", fromClient(40000, "A", 1001, 5001, ""), true},
		}
		for i, s := range steps {
			r.Send(s.dev, s.frame)
			if got := offloaded(only(t, r)); got != s.want {
				t.Errorf("packet %d: offloaded %v, want %v", i+1, got, s.want)
			}
		}
	})
	t.Run("A111_udp_enters_with_the_first_commit", func(t *testing.T) {
		r := datapathtest.New(t, udpPolicy...)
		r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		c := only(t, r)
		if !offloaded(c) || c.Status&conntrack.StatusSeenReply != 0 {
			t.Errorf("status %#x", c.Status)
		}
	})
	t.Run("icmp_never_enters", func(t *testing.T) {
		r := datapathtest.New(t, udpPolicy...)
		echo := func(src, dst string, typ byte) []byte {
			return packettest.IP(src, dst, packet.ProtoICMP, []byte{typ, 0, 0, 0, 0, 7, 0, 1})
		}
		r.Send("a", echo(datapathtest.Client, datapathtest.Server, 8))
		r.Send("b", echo(datapathtest.Server, datapathtest.Client, 0))
		r.Send("a", echo(datapathtest.Client, datapathtest.Server, 8))
		if c := only(t, r); offloaded(c) || c.Status&conntrack.StatusSeenReply == 0 {
			t.Errorf("status %#x", c.Status)
		}
	})
	t.Run("B004_helper_connections_never_enter", func(t *testing.T) {
		c := &conntrack.Conn{Status: conntrack.StatusConfirmed | conntrack.StatusAssured | conntrack.StatusHelper}
		c.Orig.Proto = packet.ProtoUDP
		if ok, _ := flowtable.Admit(c, packet.CTEstablished); ok {
			t.Error("a connection with a helper was admitted")
		}
		c.Status = c.Status&^conntrack.StatusHelper | conntrack.StatusSeqAdjust
		if ok, _ := flowtable.Admit(c, packet.CTEstablished); ok {
			t.Error("a connection with sequence adjustment was admitted")
		}
	})
	t.Run("B005_udp_enters_one_way_until_assured", func(t *testing.T) {
		c := &conntrack.Conn{Status: conntrack.StatusConfirmed}
		c.Orig.Proto = packet.ProtoUDP
		if ok, both := flowtable.Admit(c, packet.CTNew); !ok || both {
			t.Errorf("unassured: admitted %v, both directions %v", ok, both)
		}
		c.Status |= conntrack.StatusAssured
		if ok, both := flowtable.Admit(c, packet.CTEstablished); !ok || !both {
			t.Errorf("assured: admitted %v, both directions %v", ok, both)
		}
	})
}

func TestHit(t *testing.T) {
	t.Run("A103_A104_hit_sets_state_and_bypasses_the_tracker", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		hits := r.E.Flows().Counters().Hits
		// Far outside the window, and with a wrong checksum: the tracker
		// would call it invalid (B009).
		f := fromClient(40000, "PA", 900_000_000, 77, "x")
		f[len(f)-1] ^= 0xff
		res := r.Send("uplink_rep", f)
		if r.Out(res) != "vf0_rep" || res.Hits[0].CTState != policy.CTTracked|policy.CTEstablished {
			t.Errorf("went to %q with state %#x", r.Out(res), res.Hits[0].CTState)
		}
		if n := r.E.Flows().Counters().Hits - hits; n != 1 {
			t.Errorf("%d hits, want 1", n)
		}
		res = r.Send("vf0_rep", fromServer(40000, "A", 5001, 1001, ""))
		if res.Hits[0].CTState != policy.CTTracked|policy.CTEstablished|policy.CTReply {
			t.Errorf("reply direction: state %#x", res.Hits[0].CTState)
		}
	})
	t.Run("B021_hits_count_the_connection's_packets", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		r.Send("uplink_rep", fromClient(40000, "PA", 1001, 5001, "GET /"))
		c := only(t, r)
		if c.Packets() != [2]uint64{3, 1} || c.Bytes() != [2]uint64{40 + 40 + 45, 40} {
			t.Errorf("packets %v bytes %v", c.Packets(), c.Bytes())
		}
	})
	t.Run("A103_A104_zone_mark_and_label_of_a_hit", func(t *testing.T) {
		// The same addresses and ports in two zones; behind the table only the
		// filter with the connection's own zone, mark and label lets on.
		lines := []string{"filter add dev back ingress prio 1 proto ip flower action ct zone 5 pipe action mirred egress redirect dev a",
			"filter add dev back2 ingress prio 1 proto ip flower action ct zone 6 pipe action mirred egress redirect dev b"}
		for _, z := range []struct{ dev, zone, mark, label string }{
			{"a", "5", "0x55", "05000000000000000000000000000000"}, {"b", "6", "0x66", "06000000000000000000000000000000"},
		} {
			head := "filter add dev " + z.dev + " ingress proto ip "
			lines = append(lines,
				head+"prio 1 chain 0 flower ct_state -trk action ct zone "+z.zone+" pipe action goto chain 1",
				head+"prio 1 chain 1 flower ct_state +trk+new action ct commit zone "+z.zone+" mark "+z.mark+" label "+z.label+" pipe action mirred egress redirect dev out"+z.zone,
				head+"prio 2 chain 1 flower ct_state +trk+est ct_zone "+z.zone+" ct_mark "+z.mark+" ct_label "+z.label+" action mirred egress redirect dev out"+z.zone,
				head+"prio 3 chain 1 flower action drop",
			)
		}
		r := datapathtest.New(t, lines...)
		for _, z := range []struct{ dev, back, out string }{{"a", "back", "out5"}, {"b", "back2", "out6"}} {
			r.Send(z.dev, fromClient(40000, "S", 1000, 0, ""))
			r.Send(z.back, fromServer(40000, "SA", 5000, 1001, ""))
			r.Send(z.dev, fromClient(40000, "A", 1001, 5001, ""))
		}
		if r.E.Flows().Len() != 2 {
			t.Fatalf("%d flows, want one a zone", r.E.Flows().Len())
		}
		for dev, out := range map[string]string{"a": "out5", "b": "out6"} {
			hits := r.E.Flows().Counters().Hits
			res := r.Send(dev, fromClient(40000, "PA", 900_000_000, 77, "far outside the window"))
			if n := r.E.Flows().Counters().Hits - hits; r.Out(res) != out || n != 1 {
				t.Errorf("from %s to %q (%s), %d hits; want %s", dev, r.Out(res), res.Reason, n, out)
			}
		}
	})
	t.Run("B010_I4_options_and_low_ttl_are_the_tracker's", func(t *testing.T) {
		const client6, server6 = "fd00::1", "fd00::2"
		segment := func(flags string, seq, ack uint32) []byte {
			return packettest.Segment{SPort: 40000, DPort: 80, Flags: flags, Seq: seq, Ack: ack}.Bytes()
		}
		v4 := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "A", 1001, 5001, "")
		v6 := packettest.TCP(client6, server6, 40000, 80, "A", 1001, 5001, "")
		ttl := bytes.Clone(v4)
		ttl[22] = 1
		options := slices.Concat(v4[:34], []byte{1, 1, 1, 0}, segment("A", 1001, 5001)) // no operation
		options[14], options[17] = 0x46, 44
		hop := bytes.Clone(v6)
		hop[21] = 1
		extension := packettest.IP(client6, server6, 60, slices.Concat([]byte{6, 0, 1, 4, 0, 0, 0, 0}, segment("A", 1001, 5001))) // destination options: padding
		for _, w := range []struct {
			name     string
			v6       bool
			frame    []byte
			tracker  bool
			checksum int // where the transport's is
		}{
			{"IPv4", false, v4, false, 50}, {"TTL 1", false, ttl, true, 50}, {"IP options", false, options, true, 54},
			{"IPv6", true, v6, false, 70}, {"hop limit 1", true, hop, true, 70}, {"an extension header", true, extension, true, 78},
		} {
			lines, client, server := datapathtest.HTTPPolicy, datapathtest.Client, datapathtest.Server
			if w.v6 {
				lines, client, server = strings.Split(strings.ReplaceAll(strings.Join(lines, "\n"), "proto ip ", "proto ipv6 "), "\n"), client6, server6
			}
			r := datapathtest.New(t, lines...)
			r.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "S", 1000, 0, ""))
			r.Send("vf0_rep", packettest.TCP(server, client, 80, 40000, "SA", 5000, 1001, ""))
			r.Send("uplink_rep", packettest.TCP(client, server, 40000, 80, "A", 1001, 5001, ""))
			if !offloaded(only(t, r)) {
				t.Fatalf("%s: not offloaded", w.name)
			}
			packettest.Fix(w.frame)
			hits := r.E.Flows().Counters().Hits
			if res := r.Send("uplink_rep", bytes.Clone(w.frame)); r.Out(res) != "vf0_rep" {
				t.Errorf("%s: went to %q", w.name, r.Out(res))
			}
			if n := r.E.Flows().Counters().Hits - hits; (n == 0) != w.tracker {
				t.Errorf("%s: %d hits", w.name, n)
			}
			// Only the tracker minds a wrong checksum.
			bad := bytes.Clone(w.frame)
			bad[w.checksum] ^= 0x55
			res := r.Send("uplink_rep", bad)
			if inv := res.Hits[0].CTState&policy.CTInvalid != 0; inv != w.tracker {
				t.Errorf("%s with a wrong checksum: state %#x", w.name, res.Hits[0].CTState)
			}
		}
	})
	t.Run("B010_I4_extension_headers_are_the_tracker's", func(t *testing.T) {
		var lines []string
		for _, l := range udpPolicy {
			lines = append(lines, strings.Replace(l, "proto ip ", "proto ipv6 ", 1))
		}
		r := datapathtest.New(t, lines...)
		q, a := packettest.UDP("fd00::1", "fd00::2", 1000, 53, "q"), packettest.UDP("fd00::2", "fd00::1", 53, 1000, "a")
		r.Send("a", q)
		r.Send("b", a)
		idle(r, 2500e6)
		r.Send("a", q)
		for name, want := range map[string]uint64{"none": 1, "hop-by-hop": 0, "destination": 0, "routing": 0, "authentication": 0} {
			f := append([]byte(nil), q...)
			if next, ok := map[string]byte{"hop-by-hop": 0, "destination": 60, "routing": 43, "authentication": 51}[name]; ok {
				ext := []byte{17, 0, 1, 4, 0, 0, 0, 0}
				f = append(append(append([]byte(nil), q[:54]...), ext...), q[54:]...)
				f[19] += 8 // the payload's length
				f[20] = next
			}
			hits, packets := r.E.Flows().Counters().Hits, only(t, r).Packets()[0]
			if res := r.Send("a", f); r.Out(res) != "b" || res.Hits[0].CTState != policy.CTTracked|policy.CTEstablished {
				t.Errorf("%s: went to %q with state %#x", name, r.Out(res), res.Hits[0].CTState)
			}
			if n := r.E.Flows().Counters().Hits - hits; n != want {
				t.Errorf("%s: %d hits, want %d", name, n, want)
			}
			if only(t, r).Packets()[0] != packets+1 {
				t.Errorf("%s: counted %d times", name, only(t, r).Packets()[0]-packets)
			}
		}
	})
	t.Run("B012_unassured_udp_runs_through_the_tracker", func(t *testing.T) {
		r := datapathtest.New(t, udpPolicy...)
		q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q")
		a := packettest.UDP(datapathtest.Server, datapathtest.Client, 53, 1000, "a")
		r.Send("a", q)
		r.Send("b", a)
		if c := only(t, r); c.Status&(conntrack.StatusSeenReply|conntrack.StatusAssured) != conntrack.StatusSeenReply {
			t.Fatalf("status %#x", c.Status)
		}
		idle(r, 2500e6)
		r.Send("a", q)
		if c := only(t, r); c.Status&conntrack.StatusAssured == 0 {
			t.Errorf("not assured after traffic both ways for two seconds: %#x", c.Status)
		}
	})
}

func TestTeardown(t *testing.T) {
	for _, flag := range []string{"FA", "R"} {
		t.Run("A071_B011_I4_"+flag+"_goes_to_the_tracker", func(t *testing.T) {
			r := datapathtest.New(t, datapathtest.HTTPPolicy...)
			r.Handshake(40000)
			r.Send("uplink_rep", fromClient(40000, flag, 1001, 5001, ""))
			c := only(t, r)
			if offloaded(c) {
				t.Error("still offloaded")
			}
			if want := map[string]uint8{"FA": conntrack.TCPFinWait, "R": conntrack.TCPClose}[flag]; c.TCP.State != want {
				t.Errorf("state %d, want %d", c.TCP.State, want)
			}
			if flowtable.Held(c) != 1 {
				t.Errorf("the entry torn down is held %d times until the next sweep, want 1", flowtable.Held(c))
			}
		})
	}
	for release, want := range map[flowtable.Release]int64{flowtable.Linux6_12: 86393, flowtable.Linux6_1: 431993} {
		t.Run(fmt.Sprintf("A070_A106_A113_B013_B014_idle_flows_are_handed_back_%d", release), func(t *testing.T) {
			r := datapathtest.New(t, datapathtest.HTTPPolicy...)
			r.E.Flows().Behave(release)
			if err := r.E.Tracker().Settings().Set("nf_flowtable_tcp_timeout", "5"); err != nil {
				t.Fatal(err)
			}
			r.Handshake(40000)
			idle(r, 4e9)
			if !offloaded(only(t, r)) {
				t.Fatal("handed back before its timeout")
			}
			idle(r, 3e9)
			c := only(t, r)
			if offloaded(c) || c.TCP.Seen[0].MaxWin != 0 || c.TCP.Seen[1].MaxWin != 0 {
				t.Errorf("status %#x, windows %+v", c.Status, c.TCP.Seen)
			}
			if left := (c.Timeout - r.Now) / 1e9; left < want-1 || left > want+1 {
				t.Errorf("%d s left, want %d", left, want)
			}
			r.Send("uplink_rep", fromClient(40000, "PA", 1001, 5001, "x"))
			if !offloaded(only(t, r)) {
				t.Error("the next packet does not offload it again")
			}
		})
	}
	t.Run("B048_handed_back_by_its_zone's_policy", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		tr := r.E.Tracker()
		own := tr.Settings().Timeouts
		own.TCPTimeouts[conntrack.TCPEstablished] = 1000e9
		tr.SetZone(0, conntrack.Zone{Timeouts: &own})
		r.Handshake(40000)
		idle(r, 32e9)
		if c := only(t, r); offloaded(c) || (c.Timeout-r.Now)/1e9 > 970 || (c.Timeout-r.Now)/1e9 < 960 {
			t.Errorf("status %#x, %d s left", c.Status, (c.Timeout-r.Now)/1e9)
		}
	})
	t.Run("aging_does_not_depend_on_ticks", func(t *testing.T) {
		states := map[bool]uint16{}
		for _, ticks := range []bool{true, false} {
			r := datapathtest.New(t, datapathtest.HTTPPolicy...)
			r.Handshake(40000)
			if ticks {
				idle(r, 40e9)
			} else {
				r.Now += 40e9
			}
			hits := r.E.Flows().Counters().Hits
			res := r.Send("uplink_rep", fromClient(40000, "PA", 1001, 5001, "x"))
			if r.E.Flows().Counters().Hits != hits {
				t.Errorf("ticks %v: an idle flow was hit", ticks)
			}
			states[ticks] = res.Hits[0].CTState
		}
		if states[true] != states[false] {
			t.Errorf("state %#x with ticks, %#x without", states[true], states[false])
		}
	})
}

func TestZones(t *testing.T) {
	t.Run("A107_A108_A109_A110_one_table_a_zone_by_reference", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 handle 1 proto ip flower ip_proto udp action ct zone 1 pipe action goto chain 1",
			"filter add dev a ingress prio 1 handle 2 proto ip flower ip_proto tcp action ct zone 1 pipe action goto chain 1",
			"filter add dev a ingress prio 2 handle 1 proto ip flower action ct zone 2 pipe action goto chain 1")
		zones := func(want int) {
			t.Helper()
			if n := r.E.Flows().Zones(); n != want {
				t.Errorf("%d zones have a table, want %d", n, want)
			}
		}
		zones(2)
		r.Run("filter del dev a ingress prio 1 handle 1 proto ip flower")
		zones(2)
		r.Run("filter del dev a ingress prio 1 handle 2 proto ip flower")
		zones(1)
		r.Run("qdisc del dev a ingress")
		zones(0)
	})
	t.Run("A109_the_last_action_gives_the_flows_back", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		r.Run("qdisc del dev uplink_rep ingress")
		r.Run("qdisc del dev vf0_rep ingress")
		if !offloaded(only(t, r)) {
			t.Error("flows went before the grace period")
		}
		idle(r, 500e6)
		c := only(t, r)
		if offloaded(c) {
			t.Error("still offloaded half a second later")
		}
		if left := (c.Timeout - r.Now) / 1e9; left < 86398 || left > 86400 {
			t.Errorf("%d s left", left)
		}
		if n := r.E.Flows().Len(); n != 0 {
			t.Errorf("%d flows left", n)
		}
	})
	t.Run("A011_zones_do_not_see_each_other's_flows", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 proto ip flower action ct commit zone 1 pipe action ct commit zone 2 pipe action mirred egress redirect dev b")
		r.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		zones := map[uint16]bool{}
		for _, c := range r.E.Tracker().All(r.Now) {
			zones[c.Zone] = offloaded(c)
		}
		if !zones[1] || !zones[2] || len(zones) != 2 {
			t.Errorf("offloaded by zone: %v", zones)
		}
	})
}

// TestI3 drives many connections through their lives and checks that the
// tables agree after every step.
func TestI3_flow_table_within_connection_table(t *testing.T) {
	r := datapathtest.New(t, datapathtest.HTTPPolicy...)
	if err := r.E.Tracker().Settings().Set("nf_flowtable_tcp_timeout", "2"); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		r.E.Flows().Sync(r.Now)
		live := 0
		for _, c := range r.E.Tracker().All(r.Now) {
			if offloaded(c) {
				live++
			}
		}
		if n := r.E.Flows().Len(); n != live {
			t.Fatalf("%d flows, %d connections carry OFFLOAD", n, live)
		}
		if errs := r.E.Tracker().Check(); len(errs) > 0 {
			t.Fatal(errs)
		}
	}
	for port := uint16(40000); port < 40200; port++ {
		r.Handshake(port)
		switch port % 4 {
		case 1:
			r.Send("uplink_rep", fromClient(port, "FA", 1001, 5001, ""))
		case 2:
			r.Send("vf0_rep", fromServer(port, "R", 5001, 0, ""))
		}
		if port%16 == 0 {
			idle(r, 300e6)
		}
		check()
	}
	r.E.Tracker().Flush()
	idle(r, 3e9)
	check()
	if r.E.Flows().Len() != 0 {
		t.Error("flows outlive their connections")
	}
	if drops := r.E.Drops(); drops[datapath.ReasonCTFull]+drops[datapath.ReasonCTClash] != 0 {
		t.Errorf("packets refused: %v", drops)
	}
}
