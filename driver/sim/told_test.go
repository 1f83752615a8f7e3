package sim

import (
	"bytes"
	"fmt"
	"strings"
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

// between stands between the flow tables and a card: it keeps what the card is
// told, and may change it on the way.
type between struct {
	*NIC
	told  []offload.Flow
	alter func(*offload.Flow)
}

// listed is a flow table whose flows go by way of between.
type listed struct {
	offload.FlowTable
	b *between
}

func (l listed) Register(now int64, _ offload.Driver)   { l.FlowTable.Register(now, l.b) }
func (l listed) Unregister(now int64, _ offload.Driver) { l.FlowTable.Unregister(now, l.b) }

func (b *between) Replace(now int64, r *offload.Rule) error {
	mine := *r
	mine.Tables = nil
	for _, t := range r.Tables {
		if t != nil {
			t = listed{t, b}
		}
		mine.Tables = append(mine.Tables, t)
	}
	return b.NIC.Replace(now, &mine)
}

func (b *between) Submit(now int64, reqs []offload.Request) int {
	for i := range reqs {
		r := reqs[i]
		if r.Op == offload.Add {
			if b.alter != nil {
				b.alter(&r.Flow)
			}
			b.told = append(b.told, r.Flow)
		}
		if b.NIC.Submit(now, []offload.Request{r}) != 1 {
			return i
		}
	}
	return len(reqs)
}

// toldRig is an engine with a card on both ports, and what the card is told.
func toldRig(t testing.TB, desc string, lines ...string) (*datapathtest.Rig, *between) {
	t.Helper()
	r := datapathtest.NewWith(t, datapath.Config{Trace: true}, lines...)
	b := &between{NIC: cardWith(t, desc, r.E.Tracker())}
	r.E.Attach(b, "uplink_rep", "vf0_rep")
	if err := r.E.Load(r.P, r.Now); err != nil {
		t.Fatal(err)
	}
	return r, b
}

// natLines translate what comes from uplink_rep, of either family.
func natLines(nat string) (lines []string) {
	for i, proto := range []string{"ip", "ipv6"} {
		for _, l := range []string{
			"filter add dev uplink_rep ingress prio %d chain 0 proto %s flower ct_state -trk action ct zone 3 nat pipe action goto chain 4",
			"filter add dev uplink_rep ingress prio %d chain 4 proto %s flower ct_state +trk+new action ct commit zone 3 nat " + nat + " pipe action mirred egress redirect dev vf0_rep",
			"filter add dev uplink_rep ingress prio 1%d chain 4 proto %s flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
			"filter add dev vf0_rep ingress prio %d chain 0 proto %s flower ct_state -trk action ct zone 3 nat pipe action goto chain 5",
			"filter add dev vf0_rep ingress prio %d chain 5 proto %s flower ct_state +trk+est+rpl action mirred egress redirect dev uplink_rep",
		} {
			if strings.Contains(nat, ":") == (proto == "ipv6") || !strings.Contains(l, nat) {
				lines = append(lines, fmt.Sprintf(l, i+1, proto))
			}
		}
	}
	return lines
}

func ip(s string) packet.Addr {
	var h packet.Headers
	packet.Parse(packettest.UDP(s, s, 1, 1, ""), &h)
	return h.Tuple.Src
}

// TestRewrite: a device is told the translation as header rewrites (act_ct.c
// tcf_ct_flow_table_add_action_nat), and the bytes that leave a card come from
// what it was told.
func TestRewrite(t *testing.T) {
	const c4, s4, c6, s6 = datapathtest.Client, datapathtest.Server, "fd00::1", "fd00::2"
	for _, c := range []struct {
		name, nat      string
		client, server string
		want           [2]offload.Rewrite
	}{
		{"A052_A145_source_address", "src addr 192.0.2.1", c4, s4, [2]offload.Rewrite{
			{What: offload.SrcAddr, Src: ip("192.0.2.1")}, {What: offload.DstAddr, Dst: ip(c4)}}},
		{"A052_A145_source_address_and_port", "src addr 192.0.2.1 port 7000", c4, s4, [2]offload.Rewrite{
			{What: offload.Source, Src: ip("192.0.2.1"), SPort: 7000}, {What: offload.Dest, Dst: ip(c4), DPort: 1000}}},
		{"A052_A145_destination", "dst addr 192.0.2.9 port 8080", c4, s4, [2]offload.Rewrite{
			{What: offload.Dest, Dst: ip("192.0.2.9"), DPort: 8080}, {What: offload.Source, Src: ip(s4), SPort: 80}}},
		{"A052_A145_destination_address", "dst addr 192.0.2.9", c4, s4, [2]offload.Rewrite{
			{What: offload.DstAddr, Dst: ip("192.0.2.9")}, {What: offload.SrcAddr, Src: ip(s4)}}},
		{"A052_A145_IPv6", "src addr 2001:db8::1 port 7000", c6, s6, [2]offload.Rewrite{
			{What: offload.Source, Src: ip("2001:db8::1"), SPort: 7000}, {What: offload.Dest, Dst: ip(c6), DPort: 1000}}},
	} {
		for _, udp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s_udp_%v", c.name, udp), func(t *testing.T) {
				soft := datapathtest.NewWith(t, datapath.Config{}, natLines(c.nat)...)
				hard, card := toldRig(t, "plain", natLines(c.nat)...)
				same := exchange(t, c.client, c.server, udp, soft, hard)
				if n := card.Packets().Packets; n < 6 || !same {
					t.Fatalf("same %v, %d packets finished by the card", same, n)
				}
				if len(card.told) == 0 {
					t.Fatal("told nothing")
				}
				if told := card.told[len(card.told)-1]; told.Rewrite != c.want {
					t.Errorf("told %+v, want %+v", told.Rewrite, c.want)
				}
			})
		}
	}
	t.Run("A054_A055_policy_first_then_translation", func(t *testing.T) {
		// What chain 4 lets through is decided by the connection; the translation
		// is of what came through.
		lines := append(natLines("src addr 192.0.2.1"),
			"filter add dev uplink_rep ingress prio 3 chain 4 proto ip flower ct_state +trk+est ip_proto tcp tcp_flags 0x8/0x8 src_ip 192.0.2.1 action drop")
		soft := datapathtest.NewWith(t, datapath.Config{}, lines...)
		hard, card := toldRig(t, "plain", lines...)
		exchange(t, c4, s4, false, soft, hard)
		want, got := soft.Stats("uplink_rep", 4, 3, 0), hard.Stats("uplink_rep", 4, 3, 0)
		if got.Packets == 0 || got.HWPackets == 0 || got.Packets != want.Packets || card.Packets().Packets == 0 {
			t.Errorf("dropped %+v, software alone %+v", got, want)
		}
	})
	t.Run("A053_A145_none_without_translation", func(t *testing.T) {
		r, card := toldRig(t, "plain", datapathtest.HTTPPolicy...)
		r.Handshake(1000)
		r.Send("uplink_rep", data(1000, 0))
		if len(card.told) != 1 || card.told[0].Rewrite != [2]offload.Rewrite{} {
			t.Errorf("%+v", card.told)
		}
	})
	for _, c := range []struct {
		name  string
		alter func(*offload.Flow)
		there string // what leaves by vf0_rep
		back  string
	}{
		{"as_it_is", func(*offload.Flow) {}, "192.0.2.1:7000>10.0.0.2:80", "10.0.0.2:80>10.0.0.1:1000"},
		{"another_address", func(f *offload.Flow) { f.Rewrite[0].Src = ip("203.0.113.5") }, "203.0.113.5:7000>10.0.0.2:80", "10.0.0.2:80>10.0.0.1:1000"},
		{"another_port", func(f *offload.Flow) { f.Rewrite[0].SPort = 9 }, "192.0.2.1:9>10.0.0.2:80", "10.0.0.2:80>10.0.0.1:1000"},
		{"another_address_back", func(f *offload.Flow) { f.Rewrite[1].Dst = ip("203.0.113.5") }, "192.0.2.1:7000>10.0.0.2:80", "10.0.0.2:80>203.0.113.5:1000"},
		{"another_port_back", func(f *offload.Flow) { f.Rewrite[1].DPort = 9 }, "192.0.2.1:7000>10.0.0.2:80", "10.0.0.2:80>10.0.0.1:9"},
		{"the_port_alone", func(f *offload.Flow) { f.Rewrite[0].What &^= offload.SrcAddr }, "10.0.0.1:7000>10.0.0.2:80", "10.0.0.2:80>10.0.0.1:1000"},
		{"nothing", func(f *offload.Flow) { f.Rewrite = [2]offload.Rewrite{} }, "10.0.0.1:1000>10.0.0.2:80", "10.0.0.2:80>192.0.2.1:7000"},
		{"the_other_end_besides", func(f *offload.Flow) {
			f.Rewrite[0].Dst, f.Rewrite[0].What = ip("203.0.113.6"), f.Rewrite[0].What|offload.DstAddr
		}, "192.0.2.1:7000>203.0.113.6:80", "10.0.0.2:80>10.0.0.1:1000"},
	} {
		t.Run("A052_the_bytes_are_those_told_"+c.name, func(t *testing.T) {
			r, card := toldRig(t, "plain", natLines("src addr 192.0.2.1 port 7000")...)
			card.alter = c.alter
			there, back := packettest.UDP(c4, s4, 1000, 80, "question"), packettest.UDP(s4, "192.0.2.1", 80, 7000, "answer")
			for range 5 {
				r.Now += 3e9
				r.Send("uplink_rep", bytes.Clone(there))
				r.Send("vf0_rep", bytes.Clone(back))
			}
			before := card.Packets().Packets
			for _, p := range []struct {
				dev   string
				frame []byte
				want  string
			}{{"uplink_rep", there, c.there}, {"vf0_rep", back, c.back}} {
				res := r.Send(p.dev, bytes.Clone(p.frame))
				if len(res.Tx) != 1 {
					t.Fatalf("%v %s", res.Verdict, res.Reason)
				}
				var h packet.Headers
				packet.Parse(res.Tx[0].Frame, &h)
				tu := h.Tuple
				if got := fmt.Sprintf("%v:%d>%v:%d", tu.Src.Netip(tu.Family), tu.SPort, tu.Dst.Netip(tu.Family), tu.DPort); got != p.want {
					t.Errorf("%s: left as %s, want %s", p.dev, got, p.want)
				}
				fixed := bytes.Clone(res.Tx[0].Frame)
				if packettest.Fix(fixed); !bytes.Equal(fixed, res.Tx[0].Frame) {
					t.Errorf("%s: a checksum is wrong", p.dev)
				}
			}
			if n := card.Packets().Packets - before; n != 2 {
				t.Errorf("the card has finished %d of 2 packets", n)
			}
		})
	}
}

// exchange establishes a connection through a translation and sends data both
// ways, and reports whether all rigs let the same bytes out.
func exchange(t *testing.T, client, server string, udp bool, rigs ...*datapathtest.Rig) bool {
	t.Helper()
	same := true
	seen := packet.Tuple{}
	send := func(dev string, frame []byte) {
		var first datapathtest.Result
		for i, r := range rigs {
			r.Now += 1100e6 // a UDP exchange is a stream after two seconds
			res := r.Send(dev, bytes.Clone(frame))
			if i == 0 {
				if first = res; dev == "uplink_rep" && len(res.Tx) == 1 {
					seen = datapathtest.Tuple(res.Tx[0].Frame)
				}
				continue
			}
			if res.Verdict != first.Verdict || len(res.Tx) != len(first.Tx) || len(res.Tx) == 1 && !bytes.Equal(res.Tx[0].Frame, first.Tx[0].Frame) {
				t.Errorf("%s: %v (%s) %v\nsoftware alone: %v (%s) %v", dev, res.Verdict, res.Reason, res.Tx, first.Verdict, first.Reason, first.Tx)
				same = false
			}
		}
	}
	back := func(flags string, seq, ack uint32, data string) {
		src, dst := seen.Dst.Netip(seen.Family).String(), seen.Src.Netip(seen.Family).String()
		if udp {
			send("vf0_rep", packettest.UDP(src, dst, seen.DPort, seen.SPort, "answer"+data))
			return
		}
		send("vf0_rep", packettest.TCP(src, dst, seen.DPort, seen.SPort, flags, seq, ack, data))
	}
	there := func(flags string, seq, ack uint32, data string) {
		if udp {
			send("uplink_rep", packettest.UDP(client, server, 1000, 80, "question"+data))
			return
		}
		send("uplink_rep", packettest.TCP(client, server, 1000, 80, flags, seq, ack, data))
	}
	there("S", 1000, 0, "")
	back("SA", 5000, 1001, "")
	there("A", 1001, 5001, "")
	for k := range uint32(6) {
		there("PA", 1001+4*k, 5001+6*k, "data")
		back("PA", 5001+6*k, 1005+4*k, "answer")
	}
	return same
}

// TestTold: what comes with an offer (RFC part 2, offloading ct_action): the
// connection's state and TCP window as the tracker has them, and the chain.
func TestTold(t *testing.T) {
	lines := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action goto chain 6",
		"filter add dev uplink_rep ingress prio 1 chain 6 proto ip flower ct_state -trk action ct zone 3 pipe action goto chain 7",
		"filter add dev uplink_rep ingress prio 1 chain 7 proto ip flower ct_state +trk+new action ct commit zone 3 mark 9 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress prio 2 chain 7 proto ip flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct zone 3 pipe action mirred egress redirect dev uplink_rep",
	}
	handshake := func(r *datapathtest.Rig) {
		up := func(s packettest.Segment) {
			s.SPort, s.DPort = 1000, 80
			r.Send("uplink_rep", packettest.IP(datapathtest.Client, datapathtest.Server, packet.ProtoTCP, s.Bytes()))
		}
		up(packettest.Segment{Flags: "S", Seq: 1000, Window: 5000, Options: []byte{3, 3, 7, 0}})
		r.Send("vf0_rep", packettest.IP(datapathtest.Server, datapathtest.Client, packet.ProtoTCP, packettest.Segment{
			SPort: 80, DPort: 1000, Flags: "SA", Seq: 5000, Ack: 1001, Window: 6000, Options: []byte{3, 3, 2, 0},
		}.Bytes()))
		up(packettest.Segment{Flags: "A", Seq: 1001, Ack: 5001, Window: 300})
	}
	r, card := toldRig(t, "window,rate=0", lines...)
	handshake(r)
	if len(card.told) != 1 {
		t.Fatalf("told of %d flows", len(card.told))
	}
	f := card.told[0]
	c := r.E.Tracker().Conn(f.Conn)
	t.Run("A074_A120_the_window", func(t *testing.T) {
		for dir, w := range f.Window {
			is := c.TCP.Seen[dir]
			if w.End != is.End || w.MaxEnd != is.MaxEnd || w.MaxWin != is.MaxWin || w.Scale != c.TCP.Scale[dir] || w.MaxWin == 0 {
				t.Errorf("direction %d: told %+v, the tracker has %+v, scale %d", dir, w, is, c.TCP.Scale[dir])
			}
		}
		want := [2]offload.Window{
			{End: 1001, MaxEnd: 1001 + 6000, MaxWin: 300 << 7, Scale: 7},
			{End: 5001, MaxEnd: 5001 + 300<<7, MaxWin: 6000, Scale: 2},
		}
		if f.Window != want {
			t.Errorf("told %+v, want %+v", f.Window, want)
		}
	})
	t.Run("A053_A120_the_chain", func(t *testing.T) {
		if f.Chain != 6 {
			t.Errorf("told chain %d, and the ct action that gave it is in chain 6", f.Chain)
		}
	})
	t.Run("A120_the_state", func(t *testing.T) {
		if !f.Both || f.Fresh || f.Mark != 9 || f.Zone != 3 || f.Info(0) != packet.CTEstablished || f.Info(1) != packet.CTEstablishedReply || c == nil || c.Orig != f.Tuple[0] {
			t.Errorf("%+v", f)
		}
	})
	t.Run("A074_no_window_of_UDP", func(t *testing.T) {
		r, card := toldRig(t, "linux", lines...)
		r.Send("uplink_rep", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		r.Send("uplink_rep", packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "q"))
		if len(card.told) == 0 || card.told[0].Window != [2]offload.Window{} || card.told[0].Chain != 7 || !card.told[0].Fresh {
			t.Errorf("%+v", card.told)
		}
	})
}

// TestHWOffload: the connection says that it is in hardware when the device has
// said so, and no longer than it is (act_ct.c, nf_flow_table_offload.c
// IPS_HW_OFFLOAD).
func TestHWOffload(t *testing.T) {
	is := func(r *datapathtest.Rig) bool {
		for _, c := range r.E.Tracker().All(r.Now) {
			return c.Status&conntrack.StatusHWOffload != 0
		}
		return false
	}
	later := func(r *datapathtest.Rig, dt int64) {
		r.Now += dt
		r.E.Flows().Pump(r.Now)
	}
	t.Run("A102_set_by_the_device's_answer_and_not_before", func(t *testing.T) {
		r, n := rig(t, "plain,delay=5ms,late=0s", datapathtest.HTTPPolicy...)
		r.Handshake(1000)
		if later(r, 4e6-1e6); is(r) || n.Inserting() != 1 {
			t.Errorf("set while the insertion is under way; %d inserting", n.Inserting())
		}
		if later(r, 5e6); !is(r) || n.Held() != 1 {
			t.Error("not set once the device has answered")
		}
	})
	t.Run("A102_never_by_a_refusal", func(t *testing.T) {
		for _, desc := range []string{"plain,fail=1", "plain,counters=off", "plain,lose=1"} {
			r, _ := rig(t, desc, datapathtest.HTTPPolicy...)
			r.Handshake(1000)
			for range 5 {
				later(r, 1e9)
				if r.Send("uplink_rep", data(1000, 0)); is(r) {
					t.Fatalf("%s: set", desc)
				}
			}
		}
	})
	for name, leaves := range map[string]func(*datapathtest.Rig, *NIC){
		"A102_cleared_with_FIN": func(r *datapathtest.Rig, _ *NIC) {
			r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "FA", 1001, 5001, ""))
		},
		"A102_cleared_by_idleness": func(r *datapathtest.Rig, _ *NIC) {
			r.Now += 40e9
			r.E.Flows().Sync(r.Now)
		},
		"A102_cleared_by_deletion": func(r *datapathtest.Rig, _ *NIC) { r.E.Flows().RemoveIf(r.Now, flowtable.Match{}) },
		"A102_cleared_by_being_moved_back": func(r *datapathtest.Rig, _ *NIC) {
			for ref := range r.E.Tracker().All(r.Now) {
				r.E.Flows().Back(r.Now, ref, false)
			}
		},
		"A102_cleared_when_the_device_has_lost_it": func(r *datapathtest.Rig, n *NIC) {
			n.advance(r.Now)
			for slot := uint32(1); slot <= n.flows.used; slot++ { // a card that forgets without a word
				n.flows.unlink(n.flows.at(slot))
				n.release(n.flows.at(slot))
			}
			r.E.Flows().Read(r.Now)
		},
		"A102_cleared_when_the_device_goes": func(r *datapathtest.Rig, n *NIC) { r.E.Detach(n, r.Now) },
		"A102_cleared_when_the_rule_goes": func(r *datapathtest.Rig, n *NIC) {
			r.Run("filter del dev uplink_rep ingress chain 0")
			r.Run("filter del dev vf0_rep ingress chain 0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, n := rig(t, "plain", datapathtest.HTTPPolicy...)
			r.Handshake(1000)
			later(r, 1e6)
			if !is(r) {
				t.Fatal("not set")
			}
			if leaves(r, n); is(r) {
				t.Error("still set")
			}
			if errs := r.E.Flows().Check(); len(errs) != 0 {
				t.Error(errs)
			}
		})
	}
}

// TestDeleteByChain: flows are deleted by the chain whose ct action gave them
// (RFC part 2, Netfilter changes 6), out of the flow table and out of the card,
// and no others.
func TestDeleteByChain(t *testing.T) {
	lines := []string{
		"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto tcp dst_port 80 action goto chain 10",
		"filter add dev uplink_rep ingress prio 2 chain 0 proto ip flower ip_proto tcp dst_port 443 action goto chain 20",
	}
	for _, chain := range []int{10, 20} {
		lines = append(lines,
			fmt.Sprintf("filter add dev uplink_rep ingress prio 1 chain %d proto ip flower action ct commit pipe action mirred egress redirect dev vf0_rep", chain))
	}
	lines = append(lines, "filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep")
	start := func(t *testing.T) (*datapathtest.Rig, *NIC) {
		r, n := rig(t, "linux", lines...)
		for port := range uint16(6) {
			dport := uint16(80)
			if port%3 == 0 {
				dport = 443
			}
			for _, p := range []struct {
				dev   string
				frame []byte
			}{
				{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000+port, dport, "S", 1000, 0, "")},
				{"vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, dport, 1000+port, "SA", 5000, 1001, "")},
				{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000+port, dport, "A", 1001, 5001, "")},
			} {
				r.Send(p.dev, p.frame)
			}
		}
		r.E.Flows().Pump(r.Now)
		if n.Held() != 6 || r.E.Flows().Len() != 6 {
			t.Fatalf("the card holds %d flows, the flow table %d", n.Held(), r.E.Flows().Len())
		}
		return r, n
	}
	t.Run("A121_A213_from_the_table_and_the_card", func(t *testing.T) {
		for chain, want := range map[uint32]int{10: 4, 20: 2, 0: 0, 30: 0} {
			r, n := start(t)
			gone := r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: chain})
			if r.E.Flows().Pump(r.Now); gone != want || n.Held() != 6-want || r.E.Flows().Len() != 6-want || r.E.Tracker().Len() != 6 {
				t.Errorf("chain %d: %d deleted, the card holds %d, the flow table %d, the tracker %d", chain, gone, n.Held(), r.E.Flows().Len(), r.E.Tracker().Len())
			}
			for _, c := range r.E.Tracker().All(r.Now) {
				if in, of := c.Status&conntrack.StatusOffload != 0, c.Orig.DPort == uint16(map[uint32]int{10: 80, 20: 443}[chain]); in == of {
					t.Errorf("chain %d: port %d, offloaded %v", chain, c.Orig.DPort, in)
				}
			}
			if errs := r.E.Flows().Check(); len(errs) != 0 {
				t.Error(errs)
			}
		}
	})
	t.Run("A121_with_what_else_a_match_says", func(t *testing.T) {
		r, _ := start(t)
		odd := func(_ packet.ConnRef, c *conntrack.Conn) bool { return c.Orig.SPort%2 == 1 }
		if n := r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 10, If: odd}); n != 2 {
			t.Errorf("%d deleted, want 2", n)
		}
		if n := r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 10, InZone: true, Zone: 1}); n != 0 {
			t.Errorf("%d deleted in a zone that has none", n)
		}
	})
	t.Run("A121_packets_go_on_and_flows_come_back", func(t *testing.T) {
		r, n := start(t)
		r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 10})
		for range 2 {
			r.Now += 2e9
			if res := r.Send("uplink_rep", data(1001, 0)); res.Verdict != packet.Forward {
				t.Errorf("%v %s", res.Verdict, res.Reason)
			}
		}
		if r.E.Flows().Pump(r.Now); n.Held() != 3 {
			t.Errorf("the card holds %d flows", n.Held())
		}
		if got := r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 10}); got != 1 {
			t.Errorf("%d of the chain came back, want 1", got)
		}
	})
	t.Run("A135_counters_tell_whether_a_rule_is_in_use_before_it_is_evicted", func(t *testing.T) {
		r, n := start(t)
		before := r.Stats("uplink_rep", 10, 1, 0)
		r.Now += 5e9
		for k := range uint32(3) {
			r.Send("uplink_rep", data(1001, k))
		}
		used, unused := r.Stats("uplink_rep", 10, 1, 0), r.Stats("uplink_rep", 20, 1, 0)
		if used.Packets != before.Packets+3 || used.HWPackets != before.HWPackets+3 || used.LastUsed != r.Now || unused.LastUsed >= r.Now-4e9 {
			t.Errorf("in use: %+v, before %+v; not in use: %+v", used, before, unused)
		}
		// The unused rule goes, and with it what its ct action has offloaded.
		r.Run("filter del dev uplink_rep ingress prio 1 chain 20")
		if gone := r.E.Flows().RemoveIf(r.Now, flowtable.Match{InChain: true, Chain: 20}); gone != 2 || n.Held() != 4 {
			t.Errorf("%d flows deleted, the card holds %d", gone, n.Held())
		}
		if f := r.P.Devices[0].Block[policy.Ingress].Chain(10); f == nil {
			t.Error("the rule in use is gone")
		}
	})
}
