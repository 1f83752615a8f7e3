package conntrack

import (
	"testing"
)

// step is a segment, what the tracker must call it, and the state after it.
type step struct {
	frame []byte
	want  string
	state string // "" when there is no connection
	left  int64  // seconds; 0: not checked
}

func (b *bed) play(steps []step) {
	b.Helper()
	for i, st := range steps {
		if got := b.in(st.frame); got != st.want {
			b.Errorf("packet %d: %s, want %s", i+1, got, st.want)
		}
		state := ""
		if c := b.only(); c != nil {
			state = TCPStateNames[c.TCP.State]
		}
		if state != st.state {
			b.Errorf("packet %d: state %q, want %q", i+1, state, st.state)
		}
		if st.left != 0 && b.left() != st.left {
			b.Errorf("packet %d: %d s left, want %d", i+1, b.left(), st.left)
		}
	}
}

func TestTCPLife(t *testing.T) {
	cases := []struct {
		name    string
		sysctls []string
		steps   []step
	}{
		{"A023_A024_A058_A063_handshake", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 120},
			{c("S", 1000, 0), "new", "SYN_SENT", 120},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 60},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 60},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 432000},
			{c("PA", 1001, 5001, seg{Data: data(10)}), "est", "ESTABLISHED", 300},
			{s("A", 5001, 1011), "est+rpl", "ESTABLISHED", 432000},
		}},
		{"A065_A070_A071_orderly_close", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
			{c("FA", 1001, 5001), "est", "FIN_WAIT", 120},
			{s("A", 5001, 1002), "est+rpl", "CLOSE_WAIT", 60},
			{s("FA", 5001, 1002), "est+rpl", "LAST_ACK", 30},
			{c("A", 1002, 5002), "est", "TIME_WAIT", 120},
		}},
		{"C34_SYN_on_TIME_WAIT_begins_anew", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
			{c("FA", 1001, 5001), "est", "FIN_WAIT", 0},
			{s("FA", 5001, 1002), "est+rpl", "LAST_ACK", 0},
			{c("A", 1002, 5002), "est", "TIME_WAIT", 0},
			{c("S", 9000, 0), "new", "SYN_SENT", 120},
			{s("SA", 7000, 9001), "est+rpl", "SYN_RECV", 60},
		}},
		{"RST answering a SYN ends the connection", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("RA", 0, 1001), "est+rpl", "", 0},
		}},
		{"simultaneous open", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("S", 5000, 0), "est+rpl", "SYN_SENT2", 0},
			{c("SA", 1000, 5001), "est", "SYN_RECV", 0},
			{s("A", 5001, 1001), "est+rpl", "ESTABLISHED", 0},
		}},
		{"A066_midstream_picked_up", nil, []step{
			{c("A", 1000, 5000), "new", "ESTABLISHED", 300},
			{s("PA", 5000, 1000, seg{Data: data(4)}), "est+rpl", "ESTABLISHED", 0},
			{c("A", 1000, 5004), "est", "ESTABLISHED", 0},
		}},
		{"A066_midstream_refused", []string{"nf_conntrack_tcp_loose=0"}, []step{
			{c("A", 1000, 5000), "inv", "", 0},
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
		}},
		{"impossible flags", nil, []step{
			{c("SF", 1, 0), "inv", "", 0},
			{c("", 1, 0), "inv", "", 0},
			{c("FPU", 1, 0), "inv", "", 0},
			{c("SR", 1, 0), "inv", "", 0},
			{s("SA", 1, 1), "inv", "", 0},
			{c("R", 1, 0), "inv", "", 0},
			{c("FA", 1, 1), "inv", "", 0},
			{c("SP", 1, 0), "new", "SYN_SENT", 0},
		}},
		{"A060_sequence_outside_the_window", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
			{c("PA", 201001, 5001, seg{Data: data(10)}), "inv", "ESTABLISHED", 0},
			{c("A", 1001, 95001), "inv", "ESTABLISHED", 0},
			{c("A", ^uint32(98998), 5001), "est", "ESTABLISHED", 0}, // an old one is ignored
			{s("R", 5001+40000, 0), "est+rpl", "ESTABLISHED", 300},  // in the window, not exact: to be challenged
			{s("R", 5001+300000, 0), "inv", "ESTABLISHED", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
		}},
		{"A061_B009_liberal_windows", []string{"nf_conntrack_tcp_be_liberal=1"}, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("PA", 201001, 5001, seg{Data: data(10)}), "est", "ESTABLISHED", 0},
		}},
		{"C33_RST_must_be_exact", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
			{s("R", 4000, 0), "inv", "ESTABLISHED", 0},
			{s("R", 5001, 0), "est+rpl", "CLOSE", 10},
		}},
		{"RST below the window may be believed", []string{"nf_conntrack_tcp_ignore_invalid_rst=1"}, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
			{s("R", 4000, 0), "est+rpl", "ESTABLISHED", 300},
		}},
		{"zero window shortens the life", nil, []step{
			{c("S", 1000, 0), "new", "SYN_SENT", 0},
			{s("SA", 5000, 1001), "est+rpl", "SYN_RECV", 0},
			{c("A", 1001, 5001, seg{ZeroWindow: true}), "est", "ESTABLISHED", 300},
		}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) { newBed(t, tc.sysctls...).play(tc.steps) })
	}
}

func TestTCPRetransmissions(t *testing.T) {
	b := newBed(t)
	b.establish()
	b.in(c("PA", 1001, 5001, seg{Data: data(10)}))
	for range 3 {
		b.in(c("PA", 1001, 5001, seg{Data: data(10)}))
	}
	if r := b.only().TCP.Retrans; r != 3 {
		t.Errorf("%d retransmissions counted, want 3", r)
	}
	if b.left() != 300 {
		t.Errorf("%d s left, want max_retrans' 300", b.left())
	}
	b.in(s("A", 5001, 1011))
	b.in(c("A", 1011, 5001))
	if b.left() != 432000 {
		t.Errorf("%d s left after progress", b.left())
	}
}

func TestTCPWindowScaling(t *testing.T) {
	b := newBed(t)
	scale := func(n byte) seg { return seg{Window: 1000, Options: []byte{3, 3, n, 1}} }
	b.in(c("S", 1000, 0, scale(7)))
	b.in(s("SA", 5000, 1001, scale(2)))
	b.in(c("A", 1001, 5001, seg{Window: 1000}))
	if w := b.only().TCP; w.Scale != [2]uint8{7, 2} || w.Flags[0]&TCPFlagWindowScale == 0 {
		t.Fatalf("%+v", w)
	}
	// The client's 1000 is 128,000 bytes now.
	if got := b.in(s("PA", 5001+120000, 1001, seg{Data: data(100)})); got != "est+rpl" {
		t.Errorf("inside the scaled window: %s", got)
	}
	if got := b.in(s("PA", 5001+500000, 1001, seg{Data: data(100)})); got != "inv" {
		t.Errorf("beyond the scaled window: %s", got)
	}
	b2 := newBed(t)
	b2.in(c("S", 1000, 0, scale(7)))
	b2.in(s("SA", 5000, 1001, seg{Window: 1000}))
	if w := b2.only().TCP.Scale; w != [2]uint8{} {
		t.Errorf("one side alone offered scaling: %+v", w)
	}
}

func TestTCPSACK(t *testing.T) {
	perm := seg{Options: []byte{1, 1, 4, 2}}
	b := newBed(t)
	b.in(c("S", 1000, 0, perm))
	b.in(s("SA", 5000, 1001, perm))
	b.in(c("A", 1001, 5001))
	b.in(c("PA", 1001, 5001, seg{Data: data(100)}))
	// The server acknowledges selectively what was never sent.
	sack := []byte{1, 1, 5, 10, 0, 0, 0x20, 0, 0, 0, 0x40, 0}
	if got := b.in(s("A", 5001, 1001, seg{Options: sack})); got != "inv" {
		t.Errorf("SACK of unsent data: %s", got)
	}
}

// TestTCPChallengeACK: the answer of a server in LAST_ACK to a stray SYN is no
// ACK of its FIN (RFC 5961).
func TestTCPChallengeACK(t *testing.T) {
	b := newBed(t)
	b.establish()
	b.play([]step{
		{c("FA", 1001, 5001), "est", "FIN_WAIT", 0},
		{s("FA", 5001, 1002), "est+rpl", "LAST_ACK", 0},
		{c("S", 20000, 0), "est", "LAST_ACK", 0},
		{s("A", 5002, 1002), "est+rpl", "LAST_ACK", 0},
		{c("A", 1002, 5002), "est", "TIME_WAIT", 0},
	})
}

// TestTCPResync: a SYN the tracker ignored, answered by the server, brings
// the tracker back in step.
func TestTCPResync(t *testing.T) {
	b := newBed(t)
	b.establish()
	b.play([]step{
		{c("S", 80000, 0), "est", "ESTABLISHED", 0},
		{s("SA", 90000, 80001), "est+rpl", "SYN_RECV", 0},
		{c("A", 80001, 90001), "est", "ESTABLISHED", 0},
		{c("PA", 80001, 90001, seg{Data: data(5)}), "est", "ESTABLISHED", 0},
	})
}

func TestTCPBroken(t *testing.T) {
	b := newBed(t)
	bad := c("S", 1000, 0)
	bad[50] ^= 0x55
	if got := b.in(bad); got != "inv" {
		t.Errorf("bad checksum: %s", got)
	}
	badIP := c("S", 1000, 0)
	badIP[24] ^= 1
	if got := b.in(badIP); got != "inv" {
		t.Errorf("bad IP header checksum: %s", got)
	}
	lying := c("S", 1000, 0)
	lying[46] = 15 << 4
	if got := b.in(lying); got != "inv" {
		t.Errorf("data offset beyond the packet: %s", got)
	}
	if b.Len() != 0 {
		t.Errorf("%d connections", b.Len())
	}
	b = newBed(t, "nf_conntrack_checksum=0")
	if got := b.in(bad); got != "new" {
		t.Errorf("bad checksum, not verified: %s", got)
	}
}

// TestTCPFlags: which of all combinations of flags a segment may have, whatever its
// PSH, ECE and CWR say (tcp_valid_flags).
func TestTCPFlags(t *testing.T) {
	sound := map[string]bool{"S": true, "SU": true, "SA": true, "R": true, "RA": true, "FA": true, "FAU": true, "A": true, "AU": true}
	for bits := range 256 {
		flags, plain := "", ""
		for i, f := range "FSRPAUEC" {
			if bits>>i&1 != 0 {
				flags += string(f)
				if f != 'P' && f != 'E' && f != 'C' {
					plain += string(f)
				}
			}
		}
		b := newBed(t)
		b.in(c(flags, 1000, 1))
		if n := b.Stats().InvalidBy[InvalidFlags]; (n == 0) != sound[plain] {
			t.Errorf("%q: taken %v", flags, n == 0)
		}
	}
}
