package sim

import (
	"bytes"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet/packettest"
)

// oneWayLines forward what comes from uplink_rep, new or not, unless the tracker
// finds it invalid.
var oneWayLines = []string{
	"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action ct pipe action goto chain 1",
	"filter add dev uplink_rep ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 2 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
	"filter add dev uplink_rep ingress prio 3 chain 1 proto ip flower ct_state +trk+inv action drop",
	"filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower action ct pipe action mirred egress redirect dev uplink_rep",
}

// TestChecksums: a card that cannot check checksums leaves to software what the
// tracker checks, packet by packet: connections that are not assured. Of others
// nobody checks any, and it may carry them.
func TestChecksums(t *testing.T) {
	q := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 514, "syslog")
	a := packettest.UDP(datapathtest.Server, datapathtest.Client, 514, 1000, "answer")
	bad := bytes.Clone(q)
	bad[len(bad)-1] ^= 1
	for _, c := range []struct {
		name, desc string
		oneWay     bool // packets of one direction are the card's
	}{
		{"A075_with", "linux", true},
		{"A075_without", "linux,checksums=off", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			soft := datapathtest.NewWith(t, datapath.Config{Trace: true}, oneWayLines...)
			hard, n := rig(t, c.desc, oneWayLines...)
			var want, got datapathtest.Transcript
			at := int64(2e9)
			send := func(dev string, frame []byte) {
				at += 700e6
				in := datapathtest.Input{Dev: dev, Frame: frame, At: at}
				want.Send(soft, in)
				got.Send(hard, in)
			}
			for _, f := range [][]byte{q, q, bad, q, bad, q} {
				send("uplink_rep", f)
			}
			if s := n.Packets(); (s.Packets > 0) != c.oneWay {
				t.Errorf("of one direction the card has finished %d packets", s.Packets)
			}
			for _, conn := range hard.E.Tracker().All(hard.Now) {
				if conn.Status&conntrack.StatusOffload == 0 {
					t.Error("not in the flow table")
				}
			}
			if why, _ := hard.E.Flows().DeviceStats(n); !c.oneWay && why.Refused[offload.Unchecked] == 0 {
				t.Errorf("not refused for that: %+v", why.Refused)
			}
			for range 4 { // both ways, and assured
				send("vf0_rep", a)
				send("uplink_rep", q)
			}
			before := n.Packets().Packets
			for range 3 {
				send("uplink_rep", bad)
				send("vf0_rep", a)
			}
			if s := n.Packets().Packets - before; s != 6 {
				t.Errorf("of both directions the card has finished %d of 6 packets", s)
			}
			if a, b := want.End(soft), got.End(hard); a != b {
				t.Error(datapathtest.Differences(a, b))
			}
		})
	}
}

// TestCounters: a card without counters of packets says when a flow was last
// used, and it is aged by that; one that does not even say so takes none.
func TestCounters(t *testing.T) {
	for _, c := range []struct {
		name, desc string
		carried    bool
		counted    bool
	}{
		{"A075_packets_and_last_use", "plain", true, true},
		{"A075_last_use_alone", "plain,counters=used", true, false},
		{"A075_last_use_alone_sampled", "plain,counters=used,stats=1s", true, false},
		{"A075_nothing", "plain,counters=off", false, true},
	} {
		for _, aging := range []flowtable.Aging{flowtable.Sweep, flowtable.Sample} {
			t.Run(c.name+"_"+aging.String(), func(t *testing.T) {
				soft := datapathtest.NewWith(t, datapath.Config{Trace: true}, datapathtest.HTTPPolicy...)
				hard, n := rig(t, c.desc, datapathtest.HTTPPolicy...)
				hard.E.Flows().Age(aging)
				soft.Handshake(1000)
				hard.Handshake(1000)
				want, got := datapathtest.Transcript{Uncounted: !c.counted}, datapathtest.Transcript{Uncounted: !c.counted}
				at := hard.Now
				// In use for ten times as long as it may be idle: always in the flow table,
				// and always the card's, if it takes any.
				for k := range uint32(30) {
					at += 10e9
					in := datapathtest.Input{Dev: "uplink_rep", Frame: data(1000, k), At: at}
					want.Send(soft, in)
					got.Send(hard, in)
					soft.E.Flows().Tick(at, 1<<20)
					hard.E.Flows().Tick(at, 1<<20)
					if a, b := soft.E.Flows().Len(), hard.E.Flows().Len(); a != 1 || b != 1 {
						t.Fatalf("packet %d: %d flows with the card, %d without", k, b, a)
					}
				}
				if s := n.Packets().Packets; (s == 30) != c.carried || s != 0 && !c.carried {
					t.Errorf("the card has finished %d of 30 packets", s)
				}
				st, _ := hard.E.Flows().DeviceStats(n)
				if c.carried && st.Added != 1 {
					t.Errorf("inserted %d times", st.Added)
				}
				if !c.carried && st.Refused[offload.Uncounted] == 0 {
					t.Errorf("not refused for that: %+v", st.Refused)
				}
				for ref, conn := range hard.E.Tracker().All(at) {
					hard.E.Flows().Read(at)
					p := conn.Packets()
					if want := map[bool]uint64{true: 32, false: 2}[c.counted]; p[0] != want {
						t.Errorf("the connection counts %d packets, want %d", p[0], want)
					}
					if s, ok := n.Probe(at, ref); ok && !c.counted && (s.Packets != [2]uint64{} || s.Bytes != [2]uint64{} || s.Used != at) {
						t.Errorf("%+v", s)
					}
				}
				// What rules count is exact.
				if s := hard.Stats("uplink_rep", 0, 1, 0); s.Packets != 32 || (s.HWPackets == 30) != c.carried {
					t.Errorf("the rule counts %+v", s)
				}
				// And idle: both give it back at the same moment.
				for _, dt := range []int64{29e9, 1e9, 1e9} {
					at += dt
					soft.Now, hard.Now = at, at
					soft.E.Flows().Sync(at)
					hard.E.Flows().Sync(at)
					if a, b := soft.E.Flows().Len(), hard.E.Flows().Len(); a != b {
						t.Errorf("%d flows with the card, %d without", b, a)
					}
				}
				if hard.E.Flows().Len() != 0 || n.Held() != 0 {
					t.Errorf("idle: %d flows, the card holds %d", hard.E.Flows().Len(), n.Held())
				}
				if a, b := want.End(soft), got.End(hard); a != b {
					t.Error(datapathtest.Differences(a, b))
				}
			})
		}
	}
	t.Run("A075_a_flow_that_the_card_cannot_carry_is_told_from_one_that_it_does", func(t *testing.T) {
		// Whether the card carries packets of what it holds is seen from the last
		// use where nothing is counted: it is not asked anew for nothing.
		for _, desc := range []string{"plain", "plain,counters=used"} {
			r, n := rig(t, desc, datapathtest.HTTPPolicy...)
			r.Handshake(1000)
			for k := range uint32(40) {
				r.Now += 1100e6
				r.Send("uplink_rep", data(1000, k))
				odd := data(1000, k)
				odd[22] = 1 // its TTL ends: software's
				packettest.Fix(odd)
				r.Send("uplink_rep", odd)
			}
			if st, _ := r.E.Flows().DeviceStats(n); st.Added != 1 {
				t.Errorf("%s: inserted %d times", desc, st.Added)
			}
		}
	})
	t.Run("A075_words", func(t *testing.T) {
		for desc, want := range map[string]string{"plain,counters=maybe": "one of on, used, off", "plain,checksums=1": "on or off", "window,seeds=big": "one of wide, told, none"} {
			if _, err := ParseProfile(desc); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", desc, err, want)
			}
		}
		c, err := ParseProfile("window,counters=used,checksums=off,seeds=told")
		if err != nil || c.Counters != CountUse || !c.Unchecked || c.Seeds != SeedTold {
			t.Errorf("%+v, %v", c, err)
		}
		if c, err = ParseProfile("window"); err != nil || c.Counters != CountPackets || c.Unchecked || c.Seeds != SeedWide {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestWithItself: to the tracker every packet of a connection with itself but
// the first is a reply, and makes it assured in the end; to the flow table none
// is. Before it is assured a card must not carry it.
func TestWithItself(t *testing.T) {
	q := packettest.UDP(datapathtest.Client, datapathtest.Client, 1000, 1000, "echo")
	soft := datapathtest.NewWith(t, datapath.Config{Trace: true}, oneWayLines...)
	hard, n := rig(t, "linux", oneWayLines...)
	var want, got datapathtest.Transcript
	for k := range int64(12) {
		in := datapathtest.Input{Dev: "uplink_rep", Frame: q, At: 2e9 + k*500e6}
		want.Send(soft, in)
		got.Send(hard, in)
	}
	soft.Now, hard.Now = 9e9, 9e9
	t.Run("B005_I1_a_connection_with_itself", func(t *testing.T) {
		if a, b := want.End(soft), got.End(hard); a != b {
			t.Error(datapathtest.Differences(a, b))
		}
		if n.Packets().Packets == 0 {
			t.Error("the card carries nothing once it is assured")
		}
	})
}
