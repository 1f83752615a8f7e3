package conntrack

import (
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestTCPReopen: a SYN on a connection that is over begins anew if it ended by a
// FIN of either side, or by a RST of the SYN's own; otherwise it is let by
// (nf_conntrack_tcp_packet, TCP_CONNTRACK_SYN_SENT).
func TestTCPReopen(t *testing.T) {
	for _, tc := range []struct {
		name   string
		frames [][]byte
		want   string
		state  string
	}{
		{"the client's RST", [][]byte{c("R", 1001, 0)}, "new", "SYN_SENT"},
		{"the server's RST", [][]byte{s("R", 5001, 0)}, "est", "CLOSE"},
		{"the client's RST, and what came after it", [][]byte{c("R", 1001, 0), c("A", 1001, 5001)}, "est", "CLOSE"},
		{"both sides' RSTs", [][]byte{c("R", 1001, 0), s("R", 5001, 0)}, "est", "CLOSE"},
		{"a FIN and the server's RST", [][]byte{c("FA", 1001, 5001), s("R", 5001, 0)}, "new", "SYN_SENT"},
		{"the server's FIN and its RST", [][]byte{s("FA", 5001, 1001), s("R", 5002, 0)}, "new", "SYN_SENT"},
		{"before it is over", [][]byte{c("FA", 1001, 5001)}, "est", "FIN_WAIT"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t)
			b.establish()
			for _, f := range tc.frames {
				b.in(f)
			}
			b.play([]step{{c("S", 700000, 0), tc.want, tc.state, 0}})
		})
	}
}

// TestTCPCatchesUp: a SYN-ACK that acknowledges a SYN which was let by shows
// that both ends know better: all that the SYN said holds (case b of
// nf_conntrack_tcp_packet).
func TestTCPCatchesUp(t *testing.T) {
	opts := seg{Window: 1000, Options: []byte{3, 3, 5, 4, 2, 1}}
	opts.Options = append(opts.Options, 0, 0)
	open := func(b *bed) {
		b.establish()
		b.only().TCP.Flags[0] |= TCPFlagBeLiberal
		b.only().TCP.Flags[1] |= TCPFlagBeLiberal
		b.in(c("S", 80000, 0, opts))
	}
	b := newBed(t)
	open(b)
	if w := b.only().TCP; w.LastFlags != TCPFlagWindowScale|TCPFlagSACKPerm || w.LastWScale != 5 || w.LastEnd != 80001 || w.LastSeq != 80000 || w.LastWin != 1000 || w.LastDir != 0 || w.LastIndex != segSYN {
		t.Errorf("the SYN is noted as %+v", w)
	}
	b.play([]step{{s("SA", 90000, 80001, seg{Window: 2000, Options: []byte{3, 3, 7, 1}}), "est+rpl", "SYN_RECV", 60}})
	w := b.only().TCP
	want := TCPTrack{
		State: TCPSynRecv, LastIndex: segSYNACK, LastDir: 1, LastSeq: 80000, LastEnd: 80001, LastWin: 1000, LastWScale: 5, LastFlags: TCPFlagWindowScale | TCPFlagSACKPerm,
		LastAck: w.LastAck,
		Seen:    [2]TCPSeen{{End: 80001, MaxEnd: 82001, MaxWin: 1000, MaxAck: w.Seen[0].MaxAck}, {End: 90001, MaxEnd: 90001, MaxWin: 2000, MaxAck: 80001}},
		Scale:   [2]uint8{5, 7}, Flags: [2]uint8{TCPFlagWindowScale | TCPFlagSACKPerm, TCPFlagWindowScale | TCPFlagBeLiberal | TCPFlagMaxAckSet},
	}
	if w != want {
		t.Errorf("\n%+v, want\n%+v", w, want)
	}
	for _, tc := range []struct {
		name string
		f    []byte
	}{
		{"another SYN's", s("SA", 90000, 80002)},
		{"the server's own SYN-ACK of old", s("SA", 5000, 1001)},
	} {
		b := newBed(t)
		open(b)
		b.in(tc.f)
		if w := b.only().TCP; w.State != TCPEstablished || w.LastIndex != segSYNACK || w.LastDir != 1 {
			t.Errorf("%s: %+v", tc.name, w)
		}
	}
	// Nothing but the SYN just before it counts.
	b = newBed(t)
	open(b)
	b.in(c("A", 1001, 5001))
	b.in(s("SA", 90000, 80001))
	if w := b.only().TCP; w.State != TCPEstablished {
		t.Errorf("after an ACK: %+v", w)
	}
	// A SYN without options clears what the last one offered; no window is one of 1.
	b = newBed(t)
	open(b)
	b.in(c("S", 70000, 0, seg{ZeroWindow: true}))
	if w := b.only().TCP; w.LastFlags != 0 || w.LastWScale != 0 || w.LastEnd != 70001 {
		t.Errorf("a plain SYN is noted as %+v", w)
	}
	b.in(s("SA", 90000, 70001))
	if w := b.only().TCP; w.State != TCPSynRecv || w.Seen[0].MaxWin != 1 || w.Flags[0] != 0 {
		t.Errorf("after a plain SYN: %+v", w)
	}
}

// TestTCPChallenges: the ACK of a server in LAST_ACK that answers a stray SYN is
// none of its FIN, once, and only right after the SYN (RFC 5961, 4).
func TestTCPChallenges(t *testing.T) {
	lastAck := []step{
		{c("FA", 1001, 5001), "est", "FIN_WAIT", 0},
		{s("FA", 5001, 1002), "est+rpl", "LAST_ACK", 0},
	}
	syn := step{c("S", 20000, 0), "est", "LAST_ACK", 0}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"once", []step{syn, {s("A", 5002, 1002), "est+rpl", "LAST_ACK", 30}, {s("A", 5002, 1002), "est+rpl", "TIME_WAIT", 120}}},
		{"no SYN", []step{{s("A", 5002, 1002), "est+rpl", "TIME_WAIT", 0}}},
		{"of the SYN's side", []step{syn, {c("A", 1002, 5002), "est", "TIME_WAIT", 0}}},
		{"after another segment", []step{syn, {c("FA", 1001, 5001), "est", "LAST_ACK", 0}, {s("A", 5002, 1002), "est+rpl", "TIME_WAIT", 0}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t)
			b.establish()
			b.play(lastAck)
			b.play(tc.steps)
		})
	}
	// A SYN that was let by in another state announces no challenge.
	b := newBed(t)
	b.establish()
	b.in(c("S", 20000, 0))
	if w := b.only().TCP; w.LastFlags&tcpFlagChallengeACK != 0 {
		t.Errorf("%+v", w)
	}
	// What a server says to a SYN before it has answered one is noted: the client's
	// RST will quote it. Not so in other states, or of other segments.
	b = newBed(t)
	b.in(c("S", 1000, 0))
	b.in(s("A", 9000, 4242))
	if w := b.only().TCP; w.LastAck != 4242 || w.LastIndex != segACK || w.LastDir != 1 || w.State != TCPSynSent {
		t.Errorf("%+v", w)
	}
	b = newBed(t)
	b.in(c("S", 1000, 0))
	b.in(s("S", 9000, 0))
	b.in(s("A", 9001, 4242))
	if w := b.only().TCP; w.State != TCPSynSent2 || w.LastAck == 4242 {
		t.Errorf("in SYN_SENT2: %+v", w)
	}
}

// TestTCPLifetimes: which of the timeouts a segment gives (the end of
// nf_conntrack_tcp_packet).
func TestTCPLifetimes(t *testing.T) {
	open := []step{{c("S", 1000, 0), "new", "SYN_SENT", 0}, {s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0}, {c("A", 1001, 5001), "est", "ESTABLISHED", 0}}
	for _, tc := range []struct {
		name    string
		sysctls []string
		before  []step
		steps   []step
	}{
		{"a RST that closes has CLOSE's, however long", []string{"nf_conntrack_tcp_timeout_close=400"}, open, []step{{s("R", 5001, 0), "est+rpl", "CLOSE", 400}}},
		{"unacknowledged data makes it no longer", []string{"nf_conntrack_tcp_timeout_unacknowledged=500", "nf_conntrack_tcp_timeout_fin_wait=400"}, open, []step{{c("FA", 1001, 5001, seg{Data: data(5)}), "est", "FIN_WAIT", 400}}},
		{"unacknowledged data makes it shorter", []string{"nf_conntrack_tcp_timeout_unacknowledged=50"}, open, []step{{c("FA", 1001, 5001, seg{Data: data(5)}), "est", "FIN_WAIT", 50}}},
		{"of either side", []string{"nf_conntrack_tcp_timeout_unacknowledged=50"}, open, []step{{s("PA", 5001, 1001, seg{Data: data(5)}), "est+rpl", "ESTABLISHED", 50}, {c("A", 1001, 5006), "est", "ESTABLISHED", 432000}}},
		{"a closed window makes it no longer", []string{"nf_conntrack_tcp_timeout_established=200"}, open, []step{{c("A", 1001, 5001, seg{ZeroWindow: true}), "est", "ESTABLISHED", 200}}},
		{"a closed window has max_retrans'", []string{"nf_conntrack_tcp_timeout_max_retrans=70"}, open, []step{{c("A", 1001, 5001, seg{ZeroWindow: true}), "est", "ESTABLISHED", 70}}},
		{"picked up and unanswered has unacknowledged's", []string{"nf_conntrack_tcp_timeout_max_retrans=900"}, nil, []step{{c("A", 1000, 5000), "new", "ESTABLISHED", 300}, {c("A", 1000, 5000), "new", "ESTABLISHED", 300}}},
		{"and no longer", []string{"nf_conntrack_tcp_timeout_established=90"}, nil, []step{{c("A", 1000, 5000), "new", "ESTABLISHED", 90}}},
		{"answered, it is as any", []string{"nf_conntrack_tcp_timeout_max_retrans=900"}, nil, []step{{c("A", 1000, 5000), "new", "ESTABLISHED", 300}, {s("A", 5000, 1000), "est+rpl", "ESTABLISHED", 300}, {c("A", 1000, 5000), "est", "ESTABLISHED", 432000}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, tc.sysctls...)
			b.play(tc.before)
			b.play(tc.steps)
		})
	}
	t.Run("a repeated SYN does not keep it", func(t *testing.T) {
		b := newBed(t)
		b.in(c("S", 1000, 0))
		b.now += 10 * second
		b.in(c("S", 1000, 0))
		if b.left() != 110 || b.only().Packets()[0] != 1 {
			t.Errorf("%d s left, %d packets", b.left(), b.only().Packets()[0])
		}
	})
	t.Run("assured by the last of the handshake", func(t *testing.T) {
		b := newBed(t)
		for i, f := range [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), s("A", 5001, 1001), c("A", 1001, 5001)} {
			b.in(f)
			if got := b.only().Status&StatusAssured != 0; got != (i == 3) {
				t.Errorf("after packet %d: assured %v", i+1, got)
			}
		}
	})
	t.Run("a server's ACK establishes only a simultaneous open", func(t *testing.T) {
		newBed(t).play([]step{{c("S", 1000, 0), "new", "SYN_SENT", 0}, {s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0}, {s("A", 5001, 1001), "est+rpl", "SYN_RECV", 60}})
	})
}

// TestTCPReasons: why a segment is invalid is told.
func TestTCPReasons(t *testing.T) {
	sum := c("S", 1000, 0)
	sum[50] ^= 0x55
	short := packettest.IP(cAddr, sAddr, packet.ProtoTCP, make([]byte, 19))
	lying := c("S", 1000, 0)
	lying[46] = 4 << 4
	for _, tc := range []struct {
		name string
		f    []byte
		want Invalid
	}{
		{"a header cut off", short, InvalidTruncated},
		{"a data offset within it", lying, InvalidTruncated},
		{"a wrong checksum", sum, InvalidChecksum},
		{"flags", c("SF", 1000, 0), InvalidFlags},
		{"no beginning", s("SA", 1, 1), InvalidState},
	} {
		b := newBed(t)
		if got := b.in(tc.f); got != "inv" || b.Stats().InvalidBy[tc.want] != 1 {
			t.Errorf("%s: %s, %v", tc.name, got, b.Stats().InvalidBy)
		}
	}
	b := newBed(t)
	b.establish()
	b.in(c("PA", 3000000, 5001, seg{Data: data(1)}))
	b.in(s("R", 4000, 0))
	if n := b.Stats().InvalidBy[InvalidWindow]; n != 2 {
		t.Errorf("%d out of the window", n)
	}
}
