package state

import (
	"bytes"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
)

// talk judges one packet of a connection with FTP's helper, in a zone that
// limits sources.
func (w *world) talk(t *testing.T, frame []byte) {
	t.Helper()
	w.now += 1e6
	var h packet.Headers
	var ct packet.CT
	packet.Parse(frame, &h)
	h.Hash = w.t.Hash(&h.Tuple)
	if r := w.t.In(w.now, frame, &h, 4, &ct); r != conntrack.Accept || ct.Conn == 0 {
		t.Fatalf("In: %v, %v", r, ct.Conn)
	}
	if ct.Info == packet.CTNew {
		w.t.SetHelper(ct.Conn, conntrack.FTP, packet.IPv4)
	}
	if _, ok := w.t.Help(w.now, frame, make([]byte, len(frame)+conntrack.MaxGrowth), &h, &ct); !ok {
		t.Fatal("Help drops")
	}
	if r := w.t.Confirm(w.now, &ct); r != conntrack.Accept {
		t.Fatalf("Confirm: %v", r)
	}
	w.t.Tell(w.now, ct.Conn)
	w.t.Discard(&ct)
}

// TestHelpersAndLimits: helpers, what they have read, expectations, masters,
// and what sources have done survive.
func TestHelpersAndLimits(t *testing.T) {
	set := conntrack.DefaultSettings()
	set.Max = 64
	for _, err := range []error{
		set.SetZoneLimit("zone=4,limit=9"), set.SetSourceLimit("zone=4,states=5,new=100/10"), set.SetTimeoutPolicy("zone=4,tcp_established=77"),
		set.SetZoneLimit("default=20"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tcp := packettest.TCP
	const c, s = client, server
	steps := [][]byte{
		tcp(c, s, 1000, 21, "S", 100, 0, ""), tcp(s, c, 21, 1000, "SA", 500, 101, ""), tcp(c, s, 1000, 21, "A", 101, 501, ""),
		tcp(s, c, 21, 1000, "PA", 501, 101, "220 hello\r\n"), tcp(c, s, 1000, 21, "PA", 101, 512, "USER x\r\n"), tcp(s, c, 21, 1000, "PA", 512, 109, "230 ok\r\n"),
		tcp(c, s, 1000, 21, "PA", 109, 520, "PORT 10,0,0,1,4,1\r\n"),
		tcp(s, c, 20, 1025, "S", 900, 0, ""),
		tcp(c, s, 1025, 20, "SA", 700, 901, ""),
	}
	for cut := range steps {
		w := &world{t: conntrack.New(conntrack.Config{Seed: [2]uint64{5, ^uint64(5)}, Settings: set}), now: 1e18}
		w.t.Listen(50)
		for _, f := range steps[:cut] {
			w.talk(t, bytes.Clone(f))
		}
		saved := w.bytes(t)
		st, err := Read(bytes.NewReader(saved))
		if err != nil {
			t.Fatalf("after %d packets: %v", cut, err)
		}
		twin := &world{t: st.Tracker, now: st.Clock.Now}
		if again := twin.bytes(t); !bytes.Equal(again, saved) {
			t.Fatalf("after %d packets\n%s\nthen\n%s", cut, saved, again)
		}
		for _, f := range steps[cut:] {
			w.talk(t, bytes.Clone(f))
			twin.talk(t, bytes.Clone(f))
		}
		if got, want := twin.bytes(t), w.bytes(t); !bytes.Equal(got, want) {
			t.Errorf("in the end\n%s\nwant\n%s", got, want)
		}
		for _, x := range []*world{w, twin} {
			if n := len(x.t.Expectations(x.now)); n != 1 || x.t.Len() != 2 {
				t.Fatalf("%d expectations, %d connections", n, x.t.Len())
			}
			related := 0
			for ref, c := range x.t.All(x.now) {
				if c.Status&conntrack.StatusExpected != 0 {
					related++
					if m, ok := x.t.Master(ref); !ok || m.DPort != 21 {
						t.Errorf("master %v", m)
					}
				} else if x.t.Children(ref) != 1 || x.t.HelperOf(ref) != conntrack.FTP {
					t.Errorf("%d children", x.t.Children(ref))
				}
			}
			if related != 1 {
				t.Errorf("%d related connections", related)
			}
			if z := x.t.ZoneStats(4); z.Limit != 9 || z.Conns != 2 {
				t.Errorf("zone %+v", z)
			}
			if errs := x.t.Check(); len(errs) > 0 {
				t.Error(errs)
			}
			x.t.Flush()
			if errs := x.t.Check(); len(errs) > 0 || len(x.t.Expectations(x.now)) != 0 {
				t.Error(errs)
			}
		}
	}
}
