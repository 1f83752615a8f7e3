package sim

import (
	"bytes"
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/policy/tc"
)

// missLines let established packets fall out of chain 5, or of chain 6, which
// has no filter at all; what came before is done to them.
var missLines = []string{
	"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action pedit ex munge ip tos set 8 pipe action csum ip pipe action ct zone 7 nat pipe action goto chain 4",
	"filter add dev uplink_rep ingress prio 1 chain 4 proto ip flower ct_state +trk+new action ct commit zone 7 mark 5 nat src addr 192.0.2.1 pipe action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 2 chain 4 proto ip flower ct_state +trk+est ip_proto tcp tcp_flags 0x20/0x20 action goto chain 6",
	"filter add dev uplink_rep ingress prio 3 chain 4 proto ip flower ct_state +trk+est ip_proto tcp tcp_flags 0x8/0x8 action goto chain 5",
	"filter add dev uplink_rep ingress prio 4 chain 4 proto ip flower ct_state +trk+est action pass",
	"filter add dev uplink_rep ingress prio 1 chain 5 proto ip flower ip_proto udp action drop",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct zone 7 nat pipe action mirred egress redirect dev uplink_rep",
}

// nextLines are what comes next has: chains 5 and 6, in which it forwards what
// ct has said the right things of and what is translated already.
var nextLines = []string{
	"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action drop",
	"filter add dev uplink_rep ingress prio 1 chain 5 proto ip flower ct_state +trk+est ct_zone 7 ct_mark 5 ip_tos 8 src_ip 192.0.2.1 action mirred egress redirect dev five",
	"filter add dev uplink_rep ingress prio 1 chain 6 proto ip flower ct_state +trk+est ct_zone 7 ct_mark 5 ip_tos 8 src_ip 192.0.2.1 action mirred egress redirect dev six",
}

// TestMiss: a packet that falls out of a chain is handed up with the chain and
// what ct said, wherever its way began (RFC part 2, fallbacks), and whoever comes
// next goes on there.
func TestMiss(t *testing.T) {
	segment := func(flags string) []byte {
		return packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, flags, 1001, 5001, "data")
	}
	for _, desc := range []string{"", "plain", "linux", "plain,miss=start", "plain,rules=1", "plain,fail=1", "nfp"} {
		name := desc
		if name == "" {
			name = "software"
		}
		t.Run("A181_"+name, func(t *testing.T) {
			var r *datapathtest.Rig
			var n *NIC
			if desc == "" {
				r = datapathtest.NewWith(t, datapath.Config{}, missLines...)
			} else {
				r, n = rig(t, desc, missLines...)
			}
			for _, p := range []struct {
				dev   string
				frame []byte
			}{
				{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1000, 0, "")},
				{"vf0_rep", packettest.TCP(datapathtest.Server, "192.0.2.1", 80, 1000, "SA", 5000, 1001, "")},
				{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "A", 1001, 5001, "")},
			} {
				r.Send(p.dev, p.frame)
			}
			next, policy := datapath.New(datapath.Config{Tracker: r.E.Tracker()}), &policy.Policy{}
			if err := (&tc.Session{Policy: policy}).Batch("next.tc", strings.NewReader(strings.Join(nextLines, "\n")+"\n")); err != nil {
				t.Fatal(err)
			}
			if err := next.Load(policy, r.Now); err != nil {
				t.Fatal(err)
			}
			dev, _ := r.E.Device("uplink_rep")
			in, _ := next.Device("uplink_rep")
			for round := range 6 {
				for _, c := range []struct {
					flags string
					chain uint32
					out   string
				}{{"PA", 5, "five"}, {"UA", 6, "six"}, {"A", 0, ""}} {
					r.Now += 1e6
					var v packet.Vector
					v.Now = r.Now
					v.Add(segment(c.flags), dev)
					r.E.Process(&v)
					m := &v.M[0]
					if v.Verdict[0] != packet.Pass || len(v.Tx) != 1 || !v.Tx[0].Up || m.Chain != c.chain {
						t.Fatalf("round %d, flags %s: %v, %d frames out, chain %d; want chain %d", round, c.flags, v.Verdict[0], len(v.Tx), m.Chain, c.chain)
					}
					if c.chain == 0 {
						if m.CT != (packet.CT{}) {
							t.Errorf("a packet that a filter let up carries %+v", m.CT)
						}
						continue
					}
					if !m.CT.PostCT || m.CT.Zone != 7 || m.CT.Conn == 0 || m.CT.Info != packet.CTEstablished || m.CT.NAT != 1 {
						t.Errorf("round %d: ct says %+v", round, m.CT)
					}
					var w packet.Vector
					w.Now = r.Now
					w.Add(bytes.Clone(v.Tx[0].Frame), in)
					w.M[0].Chain, w.M[0].CT = m.Chain, m.CT
					next.Process(&w)
					if w.Verdict[0] != packet.Forward || next.DeviceName(w.Tx[0].Dev) != c.out {
						t.Errorf("round %d: went on to %v (%s)", round, w.Verdict[0], datapath.ReasonName(w.Reason[0]))
					}
				}
			}
			if n == nil {
				return
			}
			if s := n.Packets(); desc != "nfp" && desc != "plain,miss=start" && s.Middle == 0 || desc == "plain,miss=start" && (s.Start == 0 || s.Middle != 0) {
				t.Errorf("%+v", s)
			}
		})
	}
	t.Run("A181_on_a_way_that_could_be_remembered", func(t *testing.T) {
		r := datapathtest.NewWith(t, datapath.Config{}, append([]string{"filter add dev uplink_rep ingress prio 5 chain 2 proto ip flower ct_state +trk+est action goto chain 5"},
			"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
			"filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
			"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep")...)
		for k, p := range []struct {
			dev   string
			frame []byte
		}{
			{"uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1000, 0, "")},
			{"vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "SA", 5000, 1001, "")},
			{"uplink_rep", segment("A")}, {"uplink_rep", segment("PA")}, {"uplink_rep", segment("PA")}, {"uplink_rep", segment("PA")}, {"uplink_rep", segment("PA")},
		} {
			dev, _ := r.E.Device(p.dev)
			var v packet.Vector
			r.Now += 1e6
			v.Now = r.Now
			v.Add(p.frame, dev)
			r.E.Process(&v)
			if want := map[bool]uint32{true: 5}[k > 1]; v.M[0].Chain != want {
				t.Errorf("packet %d: chain %d, want %d", k, v.M[0].Chain, want)
			}
		}
	})
	t.Run("A181_what_nobody_knows_outside_stays_inside", func(t *testing.T) {
		// A connection that was not committed ends with its packet.
		r, _ := rig(t, "plain", "filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action ct zone 7 pipe action goto chain 5")
		dev, _ := r.E.Device("uplink_rep")
		var v packet.Vector
		v.Now = r.Now + 1
		v.Add(segment("S"), dev)
		r.E.Process(&v)
		if v.M[0].Chain != 5 || v.M[0].CT != (packet.CT{}) || r.E.Tracker().Len() != 0 {
			t.Errorf("%+v, %d connections", v.M[0], r.E.Tracker().Len())
		}
	})
	t.Run("A182_a_chain_that_nobody_has", func(t *testing.T) {
		// Left as it is, and the next stop is told the same.
		r, _ := rig(t, "plain", missLines...)
		dev, _ := r.E.Device("uplink_rep")
		f := segment("PA")
		var v packet.Vector
		v.Now = r.Now + 1
		v.Add(bytes.Clone(f), dev)
		ct := packet.CT{PostCT: true, Zone: 7, NAT: 1}
		v.M[0].Chain, v.M[0].CT = 99, ct
		r.E.Process(&v)
		if v.Verdict[0] != packet.Pass || len(v.Tx) != 1 || !v.Tx[0].Up || !bytes.Equal(v.Tx[0].Frame, f) || v.M[0].Chain != 99 || v.M[0].CT != ct {
			t.Errorf("%v, %+v, %+v", v.Verdict[0], v.Tx, v.M[0])
		}
	})
	t.Run("A182_chain_0_is_the_beginning", func(t *testing.T) {
		r, _ := rig(t, "plain", "filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ip_proto udp action drop")
		dev, _ := r.E.Device("uplink_rep")
		f := segment("PA")
		var v packet.Vector
		v.Now = r.Now + 1
		v.Add(bytes.Clone(f), dev)
		r.E.Process(&v)
		if v.Verdict[0] != packet.Pass || v.M[0].Chain != 0 || !bytes.Equal(v.Tx[0].Frame, f) {
			t.Errorf("%v, %+v", v.Verdict[0], v.M[0])
		}
	})
}
