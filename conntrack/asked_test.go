package conntrack

import (
	"fmt"
	"os"
	"testing"
	"time"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestA222: the status bits have the kernel's numbers
// (nf_conntrack_common.h enum ip_conntrack_status): programs that read a
// status from a state or a message know them.
func TestA222_status_bits_are_the_kernels(t *testing.T) {
	for bit, status := range map[int]uint16{
		0: StatusExpected, 1: StatusSeenReply, 2: StatusAssured, 3: StatusConfirmed, 4: StatusSrcNAT, 5: StatusDstNAT, 6: StatusSeqAdjust,
		9: StatusDying, 10: StatusFixedTimeout, 12: StatusNATClash, 13: StatusHelper, 14: StatusOffload, 15: StatusHWOffload,
	} {
		if status != 1<<bit {
			t.Errorf("bit %d is %#x", bit, status)
		}
	}
}

// TestX9: Linux's timeouts are the default, and others go by name.
func TestX9_linux_by_default_others_by_name(t *testing.T) {
	for name, want := range map[string][3]int64{ // UDP one way, UDP stream, established TCP, in seconds
		"": {30, 120, 432000}, "linux": {30, 120, 432000}, "ovs": {60, 30, 86400}, "paper": {180, 180, 432000}, "rfc": {300, 300, 7440},
	} {
		s := DefaultSettings()
		if name != "" {
			if err := s.SetProfile(name); err != nil {
				t.Fatal(err)
			}
		}
		if got := [3]int64{s.UDPTimeout / second, s.UDPTimeoutStream / second, s.TCPTimeouts[TCPEstablished] / second}; got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	if err := DefaultSettings().SetProfile("bsd"); err == nil {
		t.Error("any name is taken")
	}
}

// TestC17: full, a limit and another connection's tuple are told apart, and
// collecting never makes a connection fail.
func TestC17_full_is_not_busy(t *testing.T) {
	t.Run("each_has_its_name", func(t *testing.T) {
		b := limited(t, 64, [2]string{"zone", "zone=1,limit=1"}, [2]string{"source", "zone=2,states=1"}, [2]string{"source", "zone=3,new=1/10"})
		last := func(zone uint16, n int) (got string) {
			for i := range n {
				got = b.inZone(flowFrom(cAddr, 1000+100*int(zone)+i), zone, true)
			}
			return got
		}
		for _, w := range []struct {
			zone uint16
			n    int
			want Result
		}{{1, 2, DropZoneLimit}, {2, 2, DropSourceStates}, {3, 2, DropSourceRate}} {
			if got := last(w.zone, w.n); got != w.want.String() {
				t.Errorf("zone %d: %s, want %s", w.zone, got, w.want)
			}
		}
		b2 := newBed(t)
		first, second := b2.fresh(c("S", 1000, 0)), b2.fresh(c("S", 2000, 0))
		if r := b2.Confirm(b2.now, &first); r != Accept {
			t.Fatal(r)
		}
		if r := b2.Confirm(b2.now, &second); r != DropClash {
			t.Errorf("two at once: %v", r)
		}
		b2.Discard(&second)
		full := limited(t, 2, [2]string{"nf_conntrack_max", "2"})
		full.establish()
		x := full.only()
		x.Status |= StatusAssured
		for p := range uint16(3) { // established ones make no room
			for _, f := range [][]byte{
				packettest.TCP(cAddr, sAddr, 2000+p, 80, "S", 1, 0, ""), packettest.TCP(sAddr, cAddr, 80, 2000+p, "SA", 5, 2, ""), packettest.TCP(cAddr, sAddr, 2000+p, 80, "A", 2, 6, ""),
			} {
				if got := full.in(f); got == DropFull.String() {
					return
				}
			}
		}
		t.Error("a full table refuses nothing")
	})
	t.Run("expired_entries_are_no_obstacle", func(t *testing.T) {
		// Whatever of them has been collected when the next come.
		for budget := range 5 {
			b := limited(t, 64, [2]string{"nf_conntrack_max", "64"})
			for round := range 6 {
				for i := range 60 {
					if got := b.in(flowFrom(cAddr, 1000+(round*61+i)%5000)); got != "new" {
						t.Fatalf("budget %d, round %d, connection %d: %s", budget, round, i, got)
					}
					b.Tick(b.now, budget)
				}
				b.now += 31 * second
			}
			if st := b.Stats(); st.InsertFailed != 0 || st.Drop != 0 {
				t.Errorf("budget %d: %+v", budget, st)
			}
		}
	})
}

// TestC35: a connection that died of idleness is told of, and is taken up again
// in its middle, unless tcp_loose forbids it.
func TestC35_idle_death_is_told_and_mended(t *testing.T) {
	for _, loose := range []bool{true, false} {
		b := newBed(t, "nf_conntrack_tcp_timeout_established=60")
		if !loose {
			_ = b.Settings().Set("nf_conntrack_tcp_loose", "0")
		}
		b.Listen(16)
		b.establish()
		b.now += 61 * second
		b.Tick(b.now, 1<<20)
		b.now += gcPeriod
		b.Tick(b.now, 1<<20)
		var ended *Event
		for _, e := range b.Events(0) {
			if e.What&EventDestroy != 0 {
				ended = e
			}
		}
		if ended == nil || ended.Conn.TCP.State != TCPEstablished || ended.Conn.Timeout > b.now {
			t.Errorf("its end is told as %+v", ended)
		}
		want := "inv"
		if loose {
			want = "new"
		}
		if got := b.in(c("PA", 1001, 5001)); got != want {
			t.Errorf("loose %v: the next segment is %s", loose, got)
		}
		if loose {
			if got := b.in(s("PA", 5001, 1001)); got != "est+rpl" || b.only().TCP.State != TCPEstablished {
				t.Errorf("the answer is %s, in state %s", got, b.only().StateName())
			}
		}
	}
}

// TestC39: the memory of a table is known beforehand, at any size: what a
// connection takes with its share of the index. SLUICE_SLOW fills ten million.
func TestC39_memory_is_known_beforehand(t *testing.T) {
	n := 100_000
	if os.Getenv("SLUICE_SLOW") != "" {
		n = 10_000_000
	}
	s := DefaultSettings()
	s.Max = int64(n)
	tr := New(Config{Seed: [2]uint64{1, 2}, Settings: s})
	now := int64(time.Second)
	frame := packettest.UDP(cAddr, sAddr, 1000, 53, "x")
	var h packet.Headers
	packet.Parse(frame, &h)
	if err := s.Set("nf_conntrack_checksum", "0"); err != nil {
		t.Fatal(err)
	}
	tuple := func(i int) packet.Tuple {
		tu := h.Tuple
		tu.Src[1], tu.Src[2], tu.Src[3], tu.SPort = byte(i>>24), byte(i>>16), byte(i>>8), uint16(1024+i&255)
		return tu
	}
	for i := range n {
		g := h
		g.Tuple = tuple(i)
		g.Hash = tr.Hash(&g.Tuple)
		var ct packet.CT
		if r := tr.In(now, frame, &g, 0, &ct); r != Accept {
			t.Fatal(r)
		}
		if r := tr.Confirm(now, &ct); r != Accept {
			t.Fatalf("connection %d: %v", i, r)
		}
		if i%256 == 0 {
			tr.Tick(now, 0)
		}
	}
	if tr.Len() != n {
		t.Fatalf("%d connections, want %d", tr.Len(), n)
	}
	// 192 bytes a connection, and a bucket of 64 for five entries of the index,
	// of which it has up to twice as many as it needs while it grows.
	// What has no connection yet is a chunk of slots and a huge page.
	const most, spare = 256, 8 << 20
	if got := tr.MemoryBytes(); got > n*most+spare {
		t.Errorf("%d MB for %d connections, %d bytes each; want at most %d", got>>20, n, got/n, most)
	}
	for i := 0; i < n; i += 1 + n/1000 {
		tu := tuple(i)
		if _, c, _ := tr.Find(&tu, tr.Hash(&tu), 0, now); c == nil {
			t.Fatalf("connection %d is not found", i)
		}
	}
	over := h
	over.Tuple.Dst[3]++
	over.Hash = tr.Hash(&over.Tuple)
	var ct packet.CT
	r := tr.In(now, frame, &over, 0, &ct)
	if r == Accept {
		r = tr.Confirm(now, &ct)
	}
	if tr.Len() > n {
		t.Errorf("%d connections with a limit of %d (%s)", tr.Len(), n, fmt.Sprint(r))
	}
}
