package conntrack

import (
	"bytes"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// broken changes one byte behind the network header.
func broken(f []byte, at int) []byte {
	f = bytes.Clone(f)
	f[34+at] ^= 0x55
	return f
}

// TestB030_counters compares with what Linux 6.12 counted for such frames, one
// after the other, and with the reason.
func TestB030_counters(t *testing.T) {
	const sAddr6, cAddr6 = "fe80::2", "fe80::1"
	quote := func(f []byte, n int) []byte { return f[14 : 14+n] }
	known := packettest.UDP(sAddr, cAddr, 53, 1000, "zzzzzzzz")
	stranger := packettest.UDP(sAddr, cAddr, 7, 8, "zzzzzzzz")
	echo6 := packettest.ICMP(cAddr6, sAddr6, 128, 0, 5<<16|1, nil)
	b := newBed(t)
	for _, w := range []struct {
		name  string
		frame []byte
		state string
		want  Stats // what is added
		why   Invalid
	}{
		{"udp", packettest.UDP(cAddr, sAddr, 1000, 53, "x"), "new", Stats{Entries: 1, Insert: 1}, 0},
		{"udp again", packettest.UDP(cAddr, sAddr, 1000, 53, "x"), "new", Stats{}, 0},
		{"answer", packettest.UDP(sAddr, cAddr, 53, 1000, "y"), "est+rpl", Stats{}, 0},
		{"error about nothing known", packettest.ICMP(cAddr, sAddr, 3, 1, 0, quote(stranger, 28)), "inv", Stats{ICMPError: 1}, InvalidICMPUnknown},
		{"error about the connection", packettest.ICMP(cAddr, sAddr, 3, 1, 0, quote(known, 28)), "rel", Stats{}, 0},
		{"error with a bad checksum", broken(packettest.ICMP(cAddr, sAddr, 3, 1, 0, quote(known, 28)), 2), "inv", Stats{ICMPError: 1}, InvalidChecksum},
		{"echo with a bad checksum", broken(packettest.ICMP(cAddr, sAddr, 8, 0, 5<<16|1, nil), 2), "inv", Stats{ICMPError: 1}, InvalidChecksum},
		{"three bytes of ICMP", packettest.IP(cAddr, sAddr, packet.ProtoICMP, []byte{8, 0, 0}), "inv", Stats{ICMPError: 1}, InvalidTruncated},
		{"ICMP type 20", packettest.ICMP(cAddr, sAddr, 20, 0, 0, nil), "inv", Stats{ICMPError: 1}, InvalidICMPType},
		{"echo reply to nobody", packettest.ICMP(cAddr, sAddr, 0, 0, 5<<16|1, nil), "inv", Stats{Invalid: 1}, InvalidICMPAnswer},
		{"error with two bytes of the quoted transport", packettest.ICMP(cAddr, sAddr, 3, 1, 0, quote(known, 22)), "inv", Stats{ICMPError: 1}, InvalidICMPQuote},
		{"error to somebody else", packettest.ICMP(cAddr, "10.0.0.9", 3, 1, 0, quote(known, 28)), "inv", Stats{ICMPError: 1}, InvalidICMPUnknown},
		{"TCP with a bad checksum", broken(c("S", 1, 0), 16), "inv", Stats{Invalid: 1}, InvalidChecksum},
		{"SYN with FIN", c("SF", 1, 0), "inv", Stats{Invalid: 1}, InvalidFlags},
		{"twelve bytes of TCP", packettest.IP(cAddr, sAddr, packet.ProtoTCP, c("S", 1, 0)[34:46]), "inv", Stats{Invalid: 1}, InvalidTruncated},
		{"two bytes of TCP", packettest.IP(cAddr, sAddr, packet.ProtoTCP, c("S", 1, 0)[34:36]), "inv", Stats{Invalid: 1}, InvalidTruncated},
		{"SYN-ACK alone", c("SA", 1, 1), "inv", Stats{Invalid: 1}, InvalidState},
		{"UDP with a bad checksum", broken(packettest.UDP(cAddr, sAddr, 2000, 53, "x"), 6), "inv", Stats{Invalid: 1}, InvalidChecksum},
		{"four bytes of UDP", packettest.IP(cAddr, sAddr, packet.ProtoUDP, known[34:38]), "inv", Stats{Invalid: 1}, InvalidTruncated},
		{"SYN", c("S", 1000, 0), "new", Stats{Entries: 1, Insert: 1}, 0},
		{"SYN-ACK", s("SA", 5000, 1001), "est+rpl", Stats{}, 0},
		{"far out of the window", c("A", 20001000, 5001, seg{Data: "hello"}), "inv", Stats{Invalid: 1}, InvalidWindow},
		{"ACK", c("A", 1001, 5001), "est", Stats{}, 0},
		{"ICMPv6 echo", echo6, "new", Stats{Entries: 1, Insert: 1}, 0},
		{"neighbour solicitation", packettest.ICMP(cAddr6, sAddr6, 135, 0, 0, make([]byte, 16)), "inv", Stats{}, InvalidUntracked},
		{"ICMPv6 error about nothing known", packettest.ICMP(cAddr6, sAddr6, 1, 0, 0, quote(packettest.UDP(sAddr6, cAddr6, 7, 8, "zzzzzzzz"), 56)), "inv", Stats{ICMPError: 1}, InvalidICMPUnknown},
		{"ICMPv6 with a bad checksum", broken(echo6, 22), "inv", Stats{ICMPError: 1}, InvalidChecksum},
		{"redirect from afar", packettest.ICMP(cAddr6, sAddr6, 137, 0, 0, make([]byte, 40)), "inv", Stats{ICMPError: 1}, InvalidICMPQuote},
		{"no next header", packettest.IP(cAddr6, sAddr6, packet.ProtoNoNext, nil), "inv", Stats{Invalid: 1}, InvalidHeader},
	} {
		before := b.Stats()
		if got := b.in(w.frame); got != w.state {
			t.Errorf("%s: %s, want %s", w.name, got, w.state)
		}
		got := b.Stats()
		want := before
		want.Entries += w.want.Entries
		want.Insert += w.want.Insert
		want.Invalid += w.want.Invalid
		want.ICMPError += w.want.ICMPError
		if w.state == "inv" {
			want.InvalidBy[w.why]++
		}
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", w.name, got, want)
		}
	}
	seen := map[string]bool{}
	for w := range NumInvalid {
		if n := w.String(); n == "" || seen[n] {
			t.Errorf("reason %d has no name of its own: %q", w, n)
		} else {
			seen[n] = true
		}
	}
}

// fresh puts a frame through the tracker and does not commit it yet.
func (b *bed) fresh(frame []byte) packet.CT {
	b.Helper()
	var h packet.Headers
	var ct packet.CT
	packet.Parse(frame, &h)
	h.Hash = b.Hash(&h.Tuple)
	if r := b.In(b.now, frame, &h, 0, &ct); r != Accept || ct.Info != packet.CTNew {
		b.Fatalf("%v, %v, want new", r, ct.Info)
	}
	return ct
}

// TestClash: two packets of one tuple, neither committed when the other began.
func TestClash(t *testing.T) {
	t.Run("B024_C26_tcp_is_refused", func(t *testing.T) {
		b := newBed(t)
		first, second := b.fresh(c("S", 1000, 0)), b.fresh(c("S", 2000, 0))
		if r := b.Confirm(b.now, &first); r != Accept {
			t.Fatal(r)
		}
		if r := b.Confirm(b.now, &second); r != DropClash {
			t.Errorf("%v, want %v", r, DropClash)
		}
		if st := b.Stats(); st.InsertFailed != 1 || st.Drop != 1 || st.ClashRes != 0 || st.Insert != 1 {
			t.Errorf("%+v", st)
		}
		b.Discard(&second)
		if w := b.only(); w == nil || w.TCP.Seen[0].End != 1001 {
			t.Errorf("the first one's connection is %+v", w)
		}
	})
}

func TestSettingsWithoutEffect(t *testing.T) {
	s := DefaultSettings()
	for _, n := range []string{"net.netfilter.nf_conntrack_buckets", "nf_conntrack_events", "nf_conntrack_log_invalid",
		"nf_conntrack_helper"} {
		err := s.Set(n, "1")
		e, ok := err.(*SettingError)
		if !ok || e.Why == "" || e.Unknown || e.Name != n {
			t.Errorf("%s: %v", n, err)
		}
	}
	for _, n := range s.Names() {
		if inert[n] != "" {
			t.Errorf("%s is listed and has no effect", n)
		}
	}
}

func TestTimestamp(t *testing.T) {
	b := newBed(t, "nf_conntrack_timestamp=1")
	b.in(packettest.UDP(cAddr, sAddr, 1000, 53, "x"))
	at := b.now
	b.now += 5 * second
	for ref := range b.All(b.now) {
		if got := b.Started(ref); got != at {
			t.Errorf("began at %d, want %d", got, at)
		}
		b.Kill(ref)
		if got := b.Started(ref); got != 0 {
			t.Errorf("a stale reference began at %d", got)
		}
	}
	// Who comes into the slot after it was not there then.
	if err := b.Settings().Set("nf_conntrack_timestamp", "0"); err != nil {
		t.Fatal(err)
	}
	b.in(packettest.UDP(cAddr, sAddr, 1001, 53, "x"))
	for ref := range b.All(b.now) {
		if got := b.Started(ref); got != 0 {
			t.Errorf("without the sysctl: %d", got)
		}
	}
}
