package sim

import (
	"bytes"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// TestEntryPoints: rules and flows come to a driver by the same calls, whoever
// makes them (RFC part 2, Netfilter changes 1): tc is one of them, the flow
// table another.
func TestEntryPoints(t *testing.T) {
	t.Run("A138_flows_without_tc", func(t *testing.T) {
		// The card is no port's of the engine's, and no rule has led it to the
		// zone's flow table: it registers all the same, is told, and is asked.
		r := datapathtest.NewWith(t, datapath.Config{}, datapathtest.HTTPPolicy...)
		n := cardWith(t, "mlx5,rate=0", r.E.Tracker())
		table := r.E.Flows().Acquire(0, r.Now)
		table.Register(r.Now, n)
		r.Handshake(1000)
		r.E.Flows().Pump(r.Now)
		r.E.Flows().Pump(r.Now)
		if n.Held() != 1 || r.E.Flows().InDevices() != 1 || len(n.Tables()) != 0 {
			t.Fatalf("the card holds %d flows and %d tables of rules", n.Held(), len(n.Tables()))
		}
		for ref, c := range r.E.Tracker().All(r.Now) {
			h := packet.Headers{Tuple: c.Orig, Hash: r.E.Tracker().Hash(&c.Orig), Proto: packet.ProtoTCP, TCPFlags: 16}
			f, _, dir := n.Find(r.Now, 0, nil, &h)
			if f == nil || f.Conn != ref || dir != 0 || c.Status&conntrack.StatusHWOffload == 0 {
				t.Fatalf("%+v, direction %d, status %#x", f, dir, c.Status)
			}
			before := c.Packets()[0]
			n.Carried(r.Now, f, dir, 100)
			if r.E.Flows().Read(r.Now); c.Packets()[0] != before+1 {
				t.Errorf("%d packets, before %d", c.Packets()[0], before)
			}
		}
		if table.Unregister(r.Now, n); n.Held() != 0 || r.E.Flows().InDevices() != 0 {
			t.Errorf("left: the card holds %d flows", n.Held())
		}
	})
	t.Run("A138_rules_without_flows", func(t *testing.T) {
		r, n := rig(t, "mlx5", "filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto udp action drop")
		if res := r.Send("uplink_rep", packettest.UDP(datapathtest.Client, datapathtest.Server, 1, 2, "")); res.Verdict != packet.Drop || n.Packets().Packets != 1 {
			t.Errorf("%v, %+v", res.Verdict, n.Packets())
		}
		if len(n.Tables()) != 1 || len(n.Zones()) != 0 {
			t.Errorf("%v %v", n.Tables(), n.Zones())
		}
	})
}

// TestWholeDriver follows a connection through the model of mlx5 and the flow
// table from its first packet to its end, as the slides have it of the first
// driver (kernel 5.7): rules to tables, a flow table a zone, insertion, both
// directions with translation in the card, counters, aging, FIN.
func TestWholeDriver(t *testing.T) {
	lines := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp action ct zone 3 nat pipe action goto chain 4",
		"filter add dev uplink_rep ingress prio 1 chain 4 proto ip flower ct_state +trk+new ip_proto tcp action ct commit zone 3 mark 5 nat src addr 192.0.2.1 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 4 proto ip flower ct_state +trk+est ct_mark 5 ip_proto tcp action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 3 chain 4 proto ip flower ct_state +trk+inv action drop",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp action ct zone 3 nat pipe action goto chain 5",
		"filter add dev vf0_rep ingress prio 1 chain 5 proto ip flower ct_state +trk+est+rpl ip_proto tcp action mirred egress redirect dev uplink_rep",
	}
	soft := datapathtest.NewWith(t, datapath.Config{Trace: true}, lines...)
	hard, n := rig(t, "mlx5,delay=1ms", lines...)
	var want, got datapathtest.Transcript
	at := hard.Now + 1e9
	send := func(dev string, frame []byte) {
		at += 2e6
		in := datapathtest.Input{Dev: dev, Frame: frame, At: at}
		want.Send(soft, in)
		got.Send(hard, in)
	}
	there := func(flags string, seq, ack uint32, data string) {
		send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, flags, seq, ack, data))
	}
	back := func(flags string, seq, ack uint32, data string) {
		send("vf0_rep", packettest.TCP(datapathtest.Server, "192.0.2.1", 80, 1000, flags, seq, ack, data))
	}
	conn := func() *conntrack.Conn {
		for _, c := range hard.E.Tracker().All(hard.Now) {
			return c
		}
		t.Fatal("no connection")
		return nil
	}
	t.Run("A157_rules_and_registration", func(t *testing.T) {
		if got := stripped(sprint(n.Tables())); got != "[{{uplink_rep 0 0 1} 1} {{uplink_rep 0 4 1} 1} {{uplink_rep 0 4 2} 1} {{vf0_rep 0 0 1} 1} {{vf0_rep 0 5 1} 1}]" {
			t.Errorf("tables %s", got)
		}
		if z := n.Zones(); len(z) != 1 || z[0] != 3 {
			t.Errorf("zones %v", z)
		}
		inv := hard.P.Devices[0].Block[policy.Ingress].Chain(4).Protos[2].Filters[0]
		if _, refusals := hard.E.InHW(inv); len(refusals) != 1 || refusals[0].Reason != "matching on ct_state +inv isn't supported" {
			t.Errorf("%v", refusals)
		}
	})
	t.Run("A157_insertion", func(t *testing.T) {
		there("S", 1000, 0, "")
		back("SA", 5000, 1001, "")
		if there("A", 1001, 5001, ""); n.Held() != 0 || n.Inserting() != 1 || conn().Status&conntrack.StatusHWOffload != 0 {
			t.Errorf("%d held, %d inserting", n.Held(), n.Inserting())
		}
		at += 2e6
		hard.E.Flows().Pump(at)
		if n.Held() != 1 || conn().Status&conntrack.StatusHWOffload == 0 {
			t.Errorf("%d held, status %#x", n.Held(), conn().Status)
		}
	})
	t.Run("A157_both_directions", func(t *testing.T) {
		before := n.Packets()
		for k := range uint32(10) {
			there("PA", 1001+4*k, 5001+4*k, "data")
			back("PA", 5001+4*k, 1005+4*k, "back")
		}
		if s := n.Packets(); s.Packets != before.Packets+20 || s.Start+s.Middle != before.Start+before.Middle {
			t.Errorf("%+v, before %+v", s, before)
		}
	})
	t.Run("A157_counters", func(t *testing.T) {
		hard.E.Flows().Read(at)
		if p := conn().Packets(); p != [2]uint64{12, 11} {
			t.Errorf("the connection counts %v packets", p)
		}
		if s := hard.Stats("uplink_rep", 4, 2, 0); s.Packets != 11 || s.HWPackets != 10 {
			t.Errorf("the rule counts %+v", s)
		}
	})
	t.Run("A157_aging", func(t *testing.T) {
		at += 29e9
		hard.E.Flows().Sync(at)
		if soft.E.Flows().Sync(at); n.Held() != 1 || hard.E.Flows().Len() != 1 {
			t.Error("gone too early")
		}
		there("PA", 1041, 5041, "data")
		at += 32e9
		hard.E.Flows().Sync(at)
		soft.E.Flows().Sync(at)
		at += 2e6
		if hard.E.Flows().Pump(at); n.Held() != 0 || hard.E.Flows().Len() != 0 || conn().Status&(conntrack.StatusOffload|conntrack.StatusHWOffload) != 0 {
			t.Error("still there")
		}
	})
	t.Run("A157_FIN", func(t *testing.T) {
		there("PA", 1045, 5041, "data")
		at += 2e6
		if hard.E.Flows().Pump(at); n.Held() != 1 {
			t.Fatal("not offered again")
		}
		there("FA", 1049, 5041, "")
		at += 2e6
		if hard.E.Flows().Pump(at); n.Held() != 0 || conn().Status&conntrack.StatusOffload != 0 {
			t.Errorf("%d held", n.Held())
		}
		back("FA", 5041, 1050, "")
		there("A", 1050, 5042, "")
	})
	t.Run("A157_I1_I2_as_software", func(t *testing.T) {
		soft.Now, hard.Now = at+1e9, at+1e9
		if a, b := want.End(soft), got.End(hard); a != b {
			t.Error(datapathtest.Differences(a, b))
		}
	})
}

// TestHook: a program gathers statistics and decides which connections a card
// gets, with the flow table and a card as they are.
func TestHook(t *testing.T) {
	lines := bytes.ReplaceAll([]byte("filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action ct commit mark MARK pipe action mirred egress redirect dev vf0_rep"), []byte("MARK"), []byte("0x5"))
	t.Run("A193_statistics_and_a_policy_of_the_program's", func(t *testing.T) {
		r, n := rig(t, "linux", string(lines), "filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep")
		seen := map[uint16]uint64{} // the program's own statistics
		err := r.E.Flows().SetAdmission(r.Now, flowtable.Admission{RetryEvery: 1e6, Hook: func(c *conntrack.Conn) flowtable.Verdict {
			seen[c.Orig.SPort] = c.Packets()[0]
			if c.Mark == 5 && c.Orig.SPort%2 == 0 && c.Packets()[0] > 5 {
				return flowtable.Yes
			}
			return flowtable.No
		}})
		if err != nil {
			t.Fatal(err)
		}
		for k := range 10 {
			for port := range uint16(4) {
				r.Now += 2e6
				r.Send("uplink_rep", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000+port, 53, "q"))
			}
			if k == 3 && n.Held() != 0 {
				t.Error("let in too early")
			}
		}
		r.E.Flows().Pump(r.Now)
		if n.Held() != 2 || seen[1000] < 6 || seen[1001] != 10 {
			t.Errorf("the card holds %d flows, the program has seen %v", n.Held(), seen)
		}
		for ref, c := range r.E.Tracker().All(r.Now) {
			why, _ := r.E.Flows().Why(ref)
			if in := c.Status&conntrack.StatusHWOffload != 0; in != (c.Orig.SPort%2 == 0) || !in && why != offload.Hook {
				t.Errorf("port %d: in the card %v, since %v", c.Orig.SPort, in, why)
			}
		}
	})
}
