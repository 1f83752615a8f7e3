package flowtable_test

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/packet/packettest"
)

// carries has the device carry a packet if a card would: it holds the flow, of
// that direction, and has not been idle for too long.
func (d *device) carries(now int64, dir int, frame []byte) bool {
	for _, f := range d.flows {
		if (f.Both || dir == 0) && now-max(f.stats.Used, f.Used) < f.Idle {
			f.stats.Packets[dir]++
			f.stats.Bytes[dir] += uint64(len(frame) - 14)
			f.stats.Used = now
			return true
		}
	}
	return false
}

// expiring sets the TTL of an IPv4 frame to 1, and its header's checksum.
func expiring(frame []byte) {
	sum := uint32(binary.BigEndian.Uint16(frame[24:])) + uint32(frame[22]-1)<<8
	frame[22] = 1
	binary.BigEndian.PutUint16(frame[24:], uint16(sum+sum>>16))
}

// TestC01_A123_aging_is_exact sends the same packets to an engine alone and to
// one with a device that carries what it may: after every step both say the
// same of the connection, whenever maintenance runs and however it ages.
func TestC01_A123_aging_is_exact(t *testing.T) {
	carried := 0
	rapid.Check(t, func(rt *rapid.T) {
		tcp := rapid.Bool().Draw(rt, "tcp")
		uncounted := rapid.IntRange(0, 3).Draw(rt, "uncounted") == 0
		ways := rapid.IntRange(0, 1).Draw(rt, "ways") // 0: what is never answered
		lines := udpPolicy
		if tcp {
			lines = datapathtest.HTTPPolicy
		}
		alone, d := datapathtest.New(t, lines...), newDevice()
		d.uncounted = uncounted
		r := newRig(t, lines, prober{d})
		r.set().Age(flowtable.Aging(rapid.IntRange(0, 1).Draw(rt, "aging")))
		devs := [2]string{"a", "b"}
		if tcp {
			devs = [2]string{"uplink_rep", "vf0_rep"}
			alone.Handshake(40000)
			r.Handshake(40000)
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			dt := rapid.SampledFrom([]int64{1e6, 3e8, 2e9, 10e9, 29e9, 30e9 - 1e6, 30e9, 305e8, 31e9, 65e9}).Draw(rt, "dt")
			dt += rapid.Int64Range(0, 3).Draw(rt, "more") * 1e8
			if rapid.IntRange(0, 4).Draw(rt, "at once") == 0 {
				dt = -1e6 // Send comes a millisecond later: at the last packet's instant
			}
			dir := rapid.IntRange(0, ways).Draw(rt, "dir")
			var f []byte
			switch fin := rapid.IntRange(0, 30).Draw(rt, "fin") == 0; {
			case tcp && fin:
				f = [2][]byte{fromClient(40000, "FA", 1001, 5001, ""), fromServer(40000, "FA", 5001, 1001, "")}[dir]
			case tcp:
				f = [2][]byte{fromClient(40000, "A", 1001, 5001, ""), fromServer(40000, "A", 5001, 1001, "")}[dir]
			case dir == 0:
				f = packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 2000, "q")
			default:
				f = packettest.UDP(datapathtest.Server, datapathtest.Client, 2000, 1000, "q")
			}
			last := rapid.IntRange(0, 4).Draw(rt, "about to expire") == 0 // the tracker's alone
			if last {
				expiring(f)
			}
			alone.Now += dt
			r.Now += dt
			if rapid.Bool().Draw(rt, "tick") {
				r.E.Tick(r.Now)
			}
			r.set().Pump(r.Now)
			frame := append([]byte(nil), f...)
			alone.Send(devs[dir], f)
			plain := !tcp || frame[47]&0x05 == 0
			if plain && !last && d.carries(r.Now+1e6, dir, frame) {
				r.Now += 1e6
				carried++
			} else {
				r.Send(devs[dir], frame)
			}
			r.set().Pump(r.Now)
			for _, err := range r.set().Check() {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "look") {
				same(rt, alone, r.Rig, uncounted)
			}
		}
		same(rt, alone, r.Rig, uncounted)
	})
	if carried == 0 {
		t.Error("the device never carried a packet")
	}
}

// same compares what two engines say of their connections, but for what they have
// carried where the device does not count it.
func same(rt *rapid.T, a, b *datapathtest.Rig, uncounted bool) {
	a.E.Flows().Sync(a.Now)
	b.E.Flows().Sync(b.Now)
	list := func(r *datapathtest.Rig) (all []conntrack.Conn) {
		for _, c := range r.E.Tracker().All(r.Now) {
			k := c.Settled()
			k.Status &^= conntrack.StatusHWOffload
			k.FlowFlags = flowtable.Lasting(c)
			k.Path = 0
			if uncounted {
				k.ZeroCounters()
			}
			all = append(all, k)
		}
		return all
	}
	x, y := list(a), list(b)
	if len(x) != len(y) {
		rt.Fatalf("%d connections, with a device %d", len(x), len(y))
	}
	for i := range x {
		if x[i] != y[i] {
			rt.Fatalf("alone\n%+v\nwith a device\n%+v", x[i], y[i])
		}
	}
}
