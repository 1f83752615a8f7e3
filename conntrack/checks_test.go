package conntrack

import (
	"testing"

	"sluice/packet/packettest"
)

// TestZoneChecks: what a zone says of TCP holds in that zone alone.
func TestZoneChecks(t *testing.T) {
	const out, known = 900001001, 1001
	t.Run("C28_liberal_in_one_zone", func(t *testing.T) {
		b := limited(t, 64, [2]string{"checks", "zone=1,tcp=liberal"})
		for zone, want := range map[uint16]string{0: "inv", 1: "est", 2: "inv"} {
			for _, f := range [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001)} {
				b.now += 1e6
				b.inZone(f, zone, true)
			}
			before := b.Stats().InvalidBy[InvalidWindow]
			if got := b.inZone(c("PA", out, 5001), zone, true); got != want {
				t.Errorf("zone %d: out of the window it is %s, want %s", zone, got, want)
			}
			if n := b.Stats().InvalidBy[InvalidWindow] - before; (n == 1) != (want == "inv") {
				t.Errorf("zone %d: %d counted", zone, n)
			}
			if got := b.inZone(c("PA", known, 5001), zone, true); got != "est" {
				t.Errorf("zone %d: within the window it is %s", zone, got)
			}
			// States are still checked.
			if got := b.inZone(packettest.TCP(cAddr, sAddr, 77, 80, "SA", 1, 1, ""), zone, true); got != "inv" {
				t.Errorf("zone %d: a SYN-ACK out of nothing is %s", zone, got)
			}
		}
	})
	t.Run("C29_one_direction_alone", func(t *testing.T) {
		client := [][]byte{c("S", 1000, 0), c("A", 1001, 5001), c("PA", 1001, 5001), c("PA", 77777777, 6001), c("A", 2, 9001), c("FA", 1002, 9001), c("A", 1003, 9002)}
		server := [][]byte{s("SA", 5000, 1001), s("PA", 5001, 1001), s("PA", 66666666, 1002), s("FA", 9001, 1003), s("SA", 5000, 1001)}
		for name, frames := range map[string][][]byte{"client's": client, "server's": server, "from the middle": server[1:]} {
			strict, lax := limited(t, 64, [2]string{"checks", "zone=5,tcp=one-way"}), limited(t, 64, [2]string{"checks", "zone=5,tcp=one-way"})
			invalid := 0
			for i, f := range frames {
				strict.now, lax.now = strict.now+1e6, lax.now+1e6
				if strict.inZone(f, 0, true) == "inv" {
					invalid++
				}
				if got := lax.inZone(f, 5, true); got != "new" {
					t.Errorf("%s frame %d is %s, want new: no answer has passed", name, i, got)
				}
			}
			if invalid == 0 && name != "from the middle" {
				t.Errorf("%s: nothing is invalid in a strict zone; the test shows nothing", name)
			}
			if n := lax.Len(); n != 1 {
				t.Errorf("%s: %d connections", name, n)
			}
			if c := lax.only(); c.TCP.State != TCPFinWait && c.TCP.State != TCPCloseWait || c.Status&StatusAssured != 0 {
				t.Errorf("%s: %s, status %#x", name, c.StateName(), c.Status)
			}
			if left := lax.left(); left > 120 {
				t.Errorf("%s: lives on for %d s", name, left)
			}
		}
		for kind, want := range map[string]string{"FA": "FIN_WAIT", "R": "", "A": "ESTABLISHED", "SA": "ESTABLISHED"} {
			b := limited(t, 64, [2]string{"checks", "zone=5,tcp=one-way"}, [2]string{"nf_conntrack_tcp_loose", "0"})
			b.inZone(c(kind, 1000, 1), 5, true)
			got := ""
			if x := b.only(); x != nil {
				got = x.StateName()
			}
			if got != want {
				t.Errorf("first of all %s: %q, want %q", kind, got, want)
			}
		}
		b := limited(t, 64, [2]string{"checks", "zone=5,tcp=one-way"})
		for i, f := range [][]byte{c("S", 1000, 0), c("A", 1001, 5001)} {
			b.now += 1e6
			b.inZone(f, 5, true)
			if want := []string{"SYN_SENT", "ESTABLISHED"}[i]; b.only().StateName() != want {
				t.Errorf("after frame %d: %s", i, b.only().StateName())
			}
		}
		if left := b.left(); left != 300 {
			t.Errorf("one side heard: %d s left, want 300", left)
		}
		b.inZone(c("R", 1001, 0), 5, true)
		if b.only() != nil {
			t.Error("a RST does not end it")
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, list := range []string{"zone=1", "zone=1,tcp=lax", "zone=1,tcp=liberal,limit=3", "tcp=liberal", "zone=70000,tcp=liberal"} {
			if err := DefaultSettings().SetZoneChecks(list); err == nil {
				t.Errorf("%s is taken", list)
			}
		}
		b := limited(t, 64, [2]string{"checks", "zone=1,tcp=liberal"})
		b.SetZone(1, Zone{})
		for _, f := range [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001)} {
			b.inZone(f, 1, true)
		}
		if got := b.inZone(c("PA", out, 5001), 1, true); got != "inv" {
			t.Errorf("taken back, and still %s", got)
		}
	})
}

// TestUnansweredUDP: a destination that is gone does not hold a connection for
// ever.
func TestUnansweredUDP(t *testing.T) {
	q, a := packettest.UDP(cAddr, sAddr, 1000, 53, "q"), packettest.UDP(sAddr, cAddr, 53, 1000, "a")
	t.Run("C31_ends_at_its_limit", func(t *testing.T) {
		b := newBed(t, "udp.unanswered=100")
		b.in(q)
		began := b.now
		for b.now < began+95*second {
			b.now += 9 * second
			if got := b.in(q); got != "new" {
				t.Fatal(got)
			}
			if c := b.only(); c.Timeout > began+100*second {
				t.Fatalf("lives until %d s after its first packet", (c.Timeout-began)/second)
			}
		}
		first := b.only().Packets()[0]
		b.now = began + 100*second
		if b.only() != nil {
			t.Error("still there after 100 s")
		}
		if b.in(q); b.only().Packets()[0] != 1 || first < 10 {
			t.Errorf("%d packets, then %d: not begun anew", first, b.only().Packets()[0])
		}
		// Carried by another, it lapses at the same time.
		for ref, c := range b.All(b.now) {
			b.Unanswered(b.now+99*second, b.now+99*second, ref, c)
			if left := (c.Timeout - b.now) / second; left != 100 {
				t.Errorf("%d s left, want 100 from the first packet on", left)
			}
			if !b.Lapses(c) {
				t.Error("does not lapse")
			}
		}
	})
	t.Run("C31_an_answer_lifts_it", func(t *testing.T) {
		b := newBed(t, "udp.unanswered=5")
		b.in(q)
		b.in(a)
		for range 10 {
			b.now += 20 * second
			if got := b.in(q); got != "est" {
				t.Fatal(got)
			}
		}
		if b.Lapses(b.only()) {
			t.Error("lapses")
		}
	})
	t.Run("Linux_has_none", func(t *testing.T) {
		b := newBed(t)
		b.in(q)
		for range 100 {
			b.now += 29 * second
			b.in(q)
		}
		if c := b.only(); c.Packets()[0] != 101 {
			t.Errorf("%d packets", c.Packets()[0])
		}
	})
}
