package datapath_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
)

const payload = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"

// tracked sends what is new or established from a to b.
var tracked = []string{
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 4 pipe action goto chain 2",
	"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk+new ip_proto udp dst_port 53 action ct commit zone 4 pipe action mirred egress redirect dev b",
	"filter add dev a ingress prio 2 chain 2 proto ip flower ct_state +trk+est ip_proto udp dst_port 53 action mirred egress redirect dev b",
}

func datagram() []byte {
	return packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, payload)
}

// sendAll sends frames and renders their verdicts, reasons and exits.
func sendAll(r *datapathtest.Rig, dev string, frames [][]byte) string {
	var s []string
	for _, f := range frames {
		res := r.Send(dev, bytes.Clone(f))
		s = append(s, fmt.Sprintf("%v %s [%s]", res.Verdict, res.Reason, r.Out(res)))
	}
	return strings.Join(s, ", ")
}

func TestFragments(t *testing.T) {
	parts := packettest.Fragments(datagram(), 9, 48, 48)
	const held = "stolen fragment: held for the others []"
	t.Run("B025_held_then_judged_whole_then_cut_up_again", func(t *testing.T) {
		r := datapathtest.New(t, tracked...)
		for i, f := range parts[:2] {
			if got := sendAll(r, "a", parts[i:i+1]); got != held {
				t.Errorf("%x: %s", f, got)
			}
		}
		res := r.Send("a", parts[2])
		if len(res.Tx) != 3 || res.Verdict != packet.Forward {
			t.Fatalf("%v, %d frames", res.Verdict, len(res.Tx))
		}
		for i, tx := range res.Tx {
			if !bytes.Equal(tx.Frame, parts[i]) {
				t.Errorf("frame %d\n%x, want\n%x", i, tx.Frame, parts[i])
			}
		}
		whole := uint64(len(datagram()) - 14)
		if s := r.Stats("a", 0, 1, 0); s.Packets != 3 || s.Bytes != whole+2*20 {
			t.Errorf("ct counted %+v", s)
		}
		if s := r.Stats("a", 2, 1, 1); s.Packets != 1 || s.Bytes != whole {
			t.Errorf("mirred counted %+v", s)
		}
	})
	t.Run("B025_the_vector_shows_the_whole_packet", func(t *testing.T) {
		r := datapathtest.New(t, tracked...)
		var v packet.Vector
		v.Now = 1e9
		for _, f := range parts {
			v.Add(bytes.Clone(f), 0)
		}
		r.E.Process(&v)
		if h := &v.H[2]; h.Tuple.DPort != 53 || h.Has(packet.IsFrag) || !bytes.Equal(v.Frame[2][34:], datagram()[34:]) {
			t.Errorf("%+v\n%x", h, v.Frame[2])
		}
	})
	t.Run("C44_ports_match_again", func(t *testing.T) {
		r := datapathtest.New(t, append([]string{
			"filter add dev a ingress prio 1 chain 0 proto ip flower ip_proto udp dst_port 53 ct_state -trk action drop",
		}, strings.Replace(tracked[0], "prio 1", "prio 2", 1), tracked[1], tracked[2])...)
		want := held + ", " + held + ", fwd none [b b b]"
		if got := sendAll(r, "a", parts); got != want {
			t.Error(got)
		}
		// What the fragments hit on their way is not what the connection's whole
		// packets hit.
		for range 4 {
			sendAll(r, "a", packettest.Fragments(datagram(), 10, 48, 48))
			if got := sendAll(r, "a", [][]byte{datagram()}); got != "drop drop action []" {
				t.Error(got)
			}
		}
	})
	t.Run("B025_zones_are_apart", func(t *testing.T) {
		r := datapathtest.New(t, append(tracked,
			"filter add dev c ingress prio 1 proto ip flower ct_state -trk action ct zone 5 pipe action mirred egress redirect dev b")...)
		if got := sendAll(r, "a", parts[:2]) + ", " + sendAll(r, "c", parts[2:]); got != held+", "+held+", "+held {
			t.Error(got)
		}
		if got := sendAll(r, "a", parts[2:]); got != "fwd none [b b b]" {
			t.Error(got)
		}
	})
	t.Run("up to the stack it goes whole", func(t *testing.T) {
		r := datapathtest.New(t, tracked[0])
		if got := sendAll(r, "a", parts); got != held+", "+held+", pass none [pass:a]" {
			t.Error(got)
		}
	})
	t.Run("without ct nothing is held", func(t *testing.T) {
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower ip_flags frag action mirred egress redirect dev b")
		if got := sendAll(r, "a", parts); strings.Count(got, "fwd none [b]") != 3 {
			t.Error(got)
		}
	})
	t.Run("an egress block sees the pieces", func(t *testing.T) {
		r := datapathtest.New(t, append([]string{"qdisc add dev b clsact",
			"filter add dev b egress prio 1 proto ip flower ip_flags firstfrag action drop",
			"filter add dev b egress prio 2 proto ip flower ip_flags frag action pass"}, tracked...)...)
		if got := sendAll(r, "a", parts); got != held+", "+held+", fwd none [b b]" {
			t.Error(got)
		}
	})
	t.Run("ct in an egress block: out it goes whole", func(t *testing.T) {
		r := datapathtest.New(t, "qdisc add dev b clsact",
			"filter add dev a ingress prio 1 proto ip flower action mirred egress redirect dev b",
			"filter add dev b egress prio 1 proto ip flower ct_state -trk action ct commit")
		if got := sendAll(r, "a", parts); got != held+", "+held+", fwd none [b]" {
			t.Error(got)
		}
	})
	t.Run("X8_ct_chain_holds_the_copy", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct chain 2 action mirred egress redirect dev c",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk action mirred egress redirect dev b")
		if got := sendAll(r, "a", parts); got != "fwd none [c], fwd none [c], fwd none [b b b c]" {
			t.Error(got)
		}
	})
	t.Run("a copy for another device's ingress is held, the packet goes on", func(t *testing.T) {
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 proto ip flower action mirred ingress mirror dev c pipe action mirred egress redirect dev b",
			"filter add dev c ingress prio 1 proto ip flower ct_state -trk action ct pipe action mirred egress redirect dev a")
		if got := sendAll(r, "a", parts); got != "fwd none [b], fwd none [b], fwd none [a a a b]" {
			t.Error(got)
		}
		res := r.Send("a", parts[0])
		if !bytes.Equal(res.Tx[0].Frame, parts[0]) {
			t.Errorf("%x", res.Tx[0].Frame)
		}
	})
	t.Run("B053_drops_have_reasons", func(t *testing.T) {
		r := datapathtest.New(t, tracked...)
		r.E.Tracker().Settings().Frag.MinFrag[0] = 40
		tiny := packettest.Fragment(datagram(), 3, 0, 16, true)
		overlap := packettest.Fragment(datagram(), 9, 40, 96, true)
		got := sendAll(r, "a", [][]byte{tiny, parts[0], parts[0], overlap})
		if got != "drop fragment: too small [], "+held+", drop fragment: duplicate [], drop fragment: overlap []" {
			t.Error(got)
		}
		if s := r.Stats("a", 0, 1, 0); s.Drops != 3 || s.Packets != 4 {
			t.Errorf("ct counted %+v", s)
		}
		if n := r.E.Fragments().Discarded[0]; n != 1 {
			t.Errorf("%d held fragments discarded", n)
		}
	})
}

// TestFragmentsStayValid: frames of one vector do not share memory.
func TestFragmentsStayValid(t *testing.T) {
	r := datapathtest.New(t, tracked...)
	var v packet.Vector
	v.Now = 1e9
	var want [][]byte
	for id := range uint32(80) {
		data := bytes.Repeat([]byte{byte(id)}, 1000+int(id))
		for _, f := range packettest.Fragments(packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, string(data)), id, 800) {
			v.Add(bytes.Clone(f), 0)
			want = append(want, f)
		}
	}
	for range 3 {
		v.Tx = v.Tx[:0]
		for i, f := range want {
			v.Frame[i] = bytes.Clone(f)
		}
		r.E.Process(&v)
		if len(v.Tx) != len(want) {
			t.Fatalf("%d frames out of %d", len(v.Tx), len(want))
		}
		for i, tx := range v.Tx {
			if !bytes.Equal(tx.Frame, want[i]) {
				t.Fatalf("frame %d: %x, want %x", i, tx.Frame, want[i])
			}
		}
	}
}

// flood is an engine with an established connection, and a vector with share
// of its packets in four, the others being first fragments that never end.
func flood(t testing.TB, share int) (e *datapath.Engine, fill func(v *packet.Vector)) {
	r := datapathtest.NewWith(t, datapath.Config{}, append([]string{
		"filter add dev uplink_rep ingress prio 2 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
	}, datapathtest.HTTPPolicy...)...)
	r.Handshake(1000)
	dev, _ := r.E.Device("uplink_rep")
	whole := packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "A", 1001, 5001, "")
	bad := packettest.Fragment(packettest.UDP(datapathtest.Client, datapathtest.Server, 7, 7, strings.Repeat(payload, 10)), 1, 0, 1000, true)
	frames := make([][]byte, packet.VectorSize)
	for i := range frames {
		frames[i] = bytes.Clone(bad)
	}
	n, now := uint32(0), r.Now
	return r.E, func(v *packet.Vector) {
		v.Reset()
		now += 100_000
		v.Now = now
		for i := range frames {
			if i&3 < share {
				v.Add(whole, dev)
				continue
			}
			n++
			binary.BigEndian.PutUint32(frames[i][26:], n)
			v.Add(frames[i], dev)
		}
	}
}

func TestI7_a_flood_of_fragments(t *testing.T) {
	e, fill := flood(t, 2)
	var v packet.Vector
	for range 200 {
		fill(&v)
		e.Process(&v)
		for i := range v.N {
			if i&3 < 2 && v.Verdict[i] != packet.Forward {
				t.Fatalf("a packet that is no fragment: %v %s", v.Verdict[i], datapath.ReasonName(v.Reason[i]))
			}
		}
	}
	s := e.Fragments()
	if s.Memory[0] > 4<<20+2048 || e.Drops()[datapath.ReasonFragNoMemory] == 0 {
		t.Errorf("%+v", s)
	}
	if n := testing.AllocsPerRun(20, func() { fill(&v); e.Process(&v) }); n != 0 {
		t.Errorf("%v allocations a vector", n)
	}
}

func TestFragmentsNoAllocs(t *testing.T) {
	r := datapathtest.NewWith(t, datapath.Config{}, tracked...)
	parts := packettest.Fragments(datagram(), 9, 48, 48)
	var v packet.Vector
	now := int64(1e9)
	if n := testing.AllocsPerRun(50, func() {
		v.Reset()
		now += 1e6
		v.Now = now
		for range 60 {
			for _, f := range parts {
				v.Add(f, 0)
			}
		}
		r.E.Tick(now)
		r.E.Process(&v)
	}); n != 0 || len(v.Tx) != 180 {
		t.Errorf("%v allocations, %d frames out", n, len(v.Tx))
	}
}

// BenchmarkBesideFlood is an established connection's packet, alone and with as
// many, or three times as many, fragments of a flood around it; the unit is the
// packet that is no fragment.
func BenchmarkBesideFlood(b *testing.B) {
	for share, name := range []string{1: "three_quarters", 2: "half", 4: "alone"} {
		if name == "" {
			continue
		}
		b.Run(name, func(b *testing.B) {
			e, fill := flood(b, share)
			var v packet.Vector
			for i := 0; i < b.N; i += packet.VectorSize * share / 4 {
				fill(&v)
				e.Process(&v)
			}
		})
	}
}

// BenchmarkFragmented is a packet that comes and goes in three fragments.
func BenchmarkFragmented(b *testing.B) {
	r := datapathtest.NewWith(b, datapath.Config{}, tracked...)
	parts := packettest.Fragments(packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, strings.Repeat(payload, 27)), 9, 1480, 1480)
	var v packet.Vector
	b.SetBytes(int64(len(payload) * 27))
	for i := 0; i < b.N; i += 80 {
		v.Reset()
		v.Now += 1e6
		for range 80 {
			for _, f := range parts {
				v.Add(f, 0)
			}
		}
		r.E.Process(&v)
	}
}
