package conntrack

import (
	"slices"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// told judges a frame as a ct action does: In, Confirm for what is new, Tell.
func (b *bed) told(frame []byte, zone uint16) {
	b.Helper()
	b.now += 1e6
	var h packet.Headers
	var ct packet.CT
	packet.Parse(frame, &h)
	h.Hash = b.Hash(&h.Tuple)
	if b.In(b.now, frame, &h, zone, &ct) == Accept && ct.Conn != 0 {
		b.Confirm(b.now, &ct)
		b.Tell(b.now, ct.Conn)
	}
	b.Discard(&ct)
}

// heard lists the events' bits, oldest first.
func (b *bed) heard() (what []uint16) {
	for _, e := range b.Events(0) {
		what = append(what, e.What)
	}
	return what
}

func TestEvents(t *testing.T) {
	const proto = EventProtoInfo
	t.Run("B094_life_of_a_TCP_connection", func(t *testing.T) {
		b := newBed(t, "nf_conntrack_timestamp=1")
		b.Listen(16)
		for _, f := range [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001), c("A", 1001, 5001), s("R", 5001, 0)} {
			b.told(f, 0)
		}
		began := b.now - 4e6
		ended := b.now + 10*second
		b.now += 3600 * second
		b.Tick(b.now, 100)
		b.now += 3600 * second
		b.Tick(b.now, 100)
		want := []uint16{EventNew | proto, EventReply | proto, EventAssured | proto, proto, EventDestroy}
		if got := b.heard(); !slices.Equal(got, want) {
			t.Fatalf("events %x, want %x", got, want)
		}
		for n, e := range b.Events(4) {
			if n != 4 || !e.Expired || e.Time != ended || e.Start != began || e.Conn.Packets() != [2]uint64{3, 2} || e.Conn.Status&StatusDying == 0 {
				t.Errorf("the end: %d %+v", n, e)
			}
		}
	})
	t.Run("a_refused_SYN_ends_at_once", func(t *testing.T) {
		b := newBed(t)
		b.Listen(16)
		b.told(c("S", 1000, 0), 0)
		b.told(s("RA", 0, 1001), 0)
		if got := b.heard(); !slices.Equal(got, []uint16{EventNew | proto, EventDestroy}) {
			t.Errorf("events %x", got)
		}
	})
	t.Run("mark_and_label_of_a_known_connection", func(t *testing.T) {
		b := newBed(t)
		b.Listen(16)
		b.told(packettest.UDP(cAddr, sAddr, 1, 2, ""), 0)
		for ref := range b.All(b.now) {
			b.SetMark(ref, 5, 0xff)
			b.SetMark(ref, 5, 0xff) // nothing new
			b.SetLabel(ref, [16]byte{1}, [16]byte{1})
			b.Tell(b.now, ref)
			b.SetMark(ref, 5, 0xff)
			b.Tell(b.now, ref)
		}
		if got := b.heard(); !slices.Equal(got, []uint16{EventNew, EventMark | EventLabel}) {
			t.Errorf("events %x", got)
		}
	})
	t.Run("what_is_never_committed_is_never_told", func(t *testing.T) {
		b := newBed(t)
		b.Listen(16)
		b.inZone(c("S", 1000, 0), 0, false)
		if got := b.heard(); got != nil {
			t.Errorf("events %x", got)
		}
	})
	t.Run("I7_the_ring_keeps_the_last_and_counts_all", func(t *testing.T) {
		b := newBed(t)
		b.Listen(4)
		for port := range uint16(10) {
			b.told(packettest.UDP(cAddr, sAddr, port, 2, ""), 0)
		}
		if total, capacity := b.EventCount(); total != 10 || capacity != 4 {
			t.Errorf("%d events in a ring of %d", total, capacity)
		}
		var ports []uint16
		for n, e := range b.Events(0) {
			if uint16(n) != e.Conn.Orig.SPort {
				t.Errorf("event %d is port %d's", n, e.Conn.Orig.SPort)
			}
			ports = append(ports, e.Conn.Orig.SPort)
		}
		if !slices.Equal(ports, []uint16{6, 7, 8, 9}) {
			t.Errorf("kept %v", ports)
		}
		for n := range b.Events(9) {
			if n != 9 {
				t.Errorf("a reader at 9 gets %d", n)
			}
		}
	})
}

// TestEventAllocs: events cost no allocation, whether somebody listens or not.
func TestEventAllocs(t *testing.T) {
	for _, size := range []int{0, 64} {
		b := newBed(t, "nf_conntrack_timestamp=1")
		b.Listen(size)
		frames := [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001), c("R", 1001, 0)}
		run := func() {
			for _, f := range frames {
				b.told(f, 0)
			}
			b.Flush()
		}
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("ring of %d: %v allocations a connection", size, n)
		}
		if total, _ := b.EventCount(); size > 0 && total < 800 {
			t.Errorf("only %d events", total)
		}
	}
}

// BenchmarkEvents judges a connection's four packets with nobody listening
// and with somebody.
func BenchmarkEvents(b *testing.B) {
	for _, m := range []struct {
		name string
		size int
	}{{"deaf", 0}, {"listening", 1 << 12}} {
		b.Run(m.name, func(b *testing.B) {
			bed := newBed(b)
			bed.Listen(m.size)
			frames := [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001), c("R", 5001, 0)}
			for b.Loop() {
				for _, f := range frames {
					bed.told(f, 0)
				}
				bed.Flush()
			}
		})
	}
}

// TestRefusedTranslation: a RST that refuses a translated connection takes
// both of its tuples out of the index.
func TestRefusedTranslation(t *testing.T) {
	b := newBed(t)
	to := packet.Addr{192, 0, 2, 1}
	nat := &NATRange{Manip: SrcNAT, HasAddr: true, Family: packet.IPv4, Min: to, Max: to}
	send := func(frame []byte) {
		b.now += 1e6
		var h packet.Headers
		var ct packet.CT
		packet.Parse(frame, &h)
		h.Hash = b.Hash(&h.Tuple)
		if r := b.In(b.now, frame, &h, 0, &ct); r != Accept || ct.Conn == 0 {
			t.Fatalf("In: %v", r)
		}
		if _, r := b.NAT(b.now, frame, &h, &ct, nat, true); r != Accept {
			t.Fatalf("NAT: %v", r)
		}
		b.Confirm(b.now, &ct)
		b.Discard(&ct)
	}
	send(c("S", 1000, 0))
	send(between(sAddr, "192.0.2.1", 80, 40000, "RA", 0, 1001, nil))
	if errs := b.Check(); len(errs) > 0 || b.Len() != 0 {
		t.Errorf("%d connections, %v", b.Len(), errs)
	}
	b.Listen(0)
	send(c("S", 2000, 0))
	if errs := b.Check(); len(errs) > 0 {
		t.Error(errs)
	}
}

// TestResumedClock: a tracker that goes on from a state knows the time that
// the other had come to, not only that of its last event.
func TestResumedClock(t *testing.T) {
	b := newBed(t)
	b.Listen(8)
	b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "q"))
	b.now += 5 * second
	b.Tick(b.now, 0)
	l := b.Ledger()
	var conns []Saved
	for s := range b.Saved() {
		conns = append(conns, s)
	}
	var kept []Event
	for _, e := range b.Events(0) {
		kept = append(kept, *e)
	}
	again := newBed(t)
	if err := again.Resume(l, conns); err != nil {
		t.Fatal(err)
	}
	if err := again.ResumeEvents(8, uint64(len(kept)), kept, 0); err != nil {
		t.Fatal(err)
	}
	for ref := range again.Known() {
		again.Kill(ref)
	}
	last := int64(0)
	for _, e := range again.Events(0) {
		last = e.Time
	}
	if last != b.now {
		t.Errorf("it ended at %d, want %d", last, b.now)
	}

	// A packet that changed nothing told the time, too, and no tick did.
	b.now += 3 * second
	b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "q"))
	if b.EventTime() != b.now {
		t.Errorf("the tracker was told %d, want %d", b.EventTime(), b.now)
	}
	third := newBed(t)
	if err := third.Resume(l, conns); err != nil {
		t.Fatal(err)
	}
	if err := third.ResumeEvents(8, uint64(len(kept)), kept, b.EventTime()); err != nil {
		t.Fatal(err)
	}
	if third.EventTime() != b.now {
		t.Errorf("it goes on from %d, want %d", third.EventTime(), b.now)
	}
}
