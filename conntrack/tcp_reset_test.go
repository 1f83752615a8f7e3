package conntrack

import (
	"fmt"
	"testing"
)

// Segments that bring the one connection into each state; the client's next
// sequence number is 1001 before its FIN, the server's 5001.
var closingStates = []struct {
	state  string
	frames [][]byte
}{
	{"FIN_WAIT", [][]byte{c("FA", 1001, 5001)}},
	{"CLOSE_WAIT", [][]byte{c("FA", 1001, 5001), s("A", 5001, 1002)}},
	{"LAST_ACK", [][]byte{c("FA", 1001, 5001), s("A", 5001, 1002), s("FA", 5001, 1002)}},
	{"TIME_WAIT", [][]byte{c("FA", 1001, 5001), s("A", 5001, 1002), s("FA", 5001, 1002), c("A", 1002, 5002)}},
	{"CLOSE", [][]byte{s("R", 5001, 0)}},
}

// TestResetWhileClosing: of a connection that is closing a RST is never checked
// and teaches nothing (nf_conntrack_proto_tcp.c tcp_can_early_drop).
func TestResetWhileClosing(t *testing.T) {
	for _, st := range closingStates {
		for _, seq := range []uint32{0, 5001, 5001 + 300000, 1 << 31} {
			for dir, from := range []func(string, uint32, uint32, ...seg) []byte{c, s} {
				t.Run(fmt.Sprintf("%s/%d/%d", st.state, dir, seq), func(t *testing.T) {
					b := newBed(t)
					b.establish()
					for _, f := range st.frames {
						b.in(f)
					}
					w := b.only()
					if got := TCPStateNames[w.TCP.State]; got != st.state {
						t.Fatalf("state %s, want %s", got, st.state)
					}
					was, packets := w.TCP, w.Packets()
					if got, want := b.in(from("RA", seq, 77)), [2]string{"est", "est+rpl"}[dir]; got != want {
						t.Errorf("%s, want %s", got, want)
					}
					was.State, was.LastIndex, was.LastDir = TCPClose, segRST, uint8(dir)
					if w.TCP != was {
						t.Errorf("%+v, want %+v", w.TCP, was)
					}
					if packets[dir]++; b.left() != 10 || w.Packets() != packets {
						t.Errorf("%d s left, %d packets; want 10 s, %d", b.left(), w.Packets(), packets)
					}
				})
			}
		}
	}
}

// TestReset: what a RST does that nf_conntrack_tcp_packet decides by what came
// before it (TCP_CONNTRACK_CLOSE), and how long the connection lives then.
func TestReset(t *testing.T) {
	syn, synAck, ack := c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001)
	open := []step{{syn, "new", "SYN_SENT", 0}, {synAck, "est+rpl", "SYN_RECV", 0}, {ack, "est", "ESTABLISHED", 0}}
	for _, tc := range []struct {
		name    string
		sysctls []string
		before  []step
		steps   []step
	}{
		{"the window, not exactly, is challenged", nil, open, []step{
			{s("R", 5001+100, 0), "est+rpl", "ESTABLISHED", 300},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 300}, // the challenge; the RST counts as data that nobody acknowledged
			{s("R", 5001, 0), "est+rpl", "CLOSE", 10},
		}},
		{"not exactly, and no shorter than unacknowledged data", []string{"nf_conntrack_tcp_timeout_established=200"}, open, []step{
			{s("R", 5001+100, 0), "est+rpl", "ESTABLISHED", 200},
		}},
		{"below the highest acknowledgement", nil, open, []step{
			{s("R", 5000, 0), "inv", "ESTABLISHED", 0},
			{c("R", 1000, 0), "inv", "ESTABLISHED", 0},
		}},
		{"with sequence number 0 an established one is not believed", nil, open, []step{
			{s("R", 0, 0), "inv", "ESTABLISHED", 0},
		}},
		{"behind the data that it follows", nil, open, []step{
			{s("PA", 5001, 1001, seg{Data: data(100)}), "est+rpl", "ESTABLISHED", 0},
			{s("R", 5101, 0), "est+rpl", "CLOSE", 10},
		}},
		{"behind data of the other side", nil, open, []step{
			{s("PA", 5001, 1001, seg{Data: data(100)}), "est+rpl", "ESTABLISHED", 0},
			{c("PA", 1001, 5001, seg{Data: data(4100)}), "est", "ESTABLISHED", 0}, // ends at 5101, too
			{s("R", 5101, 0), "est+rpl", "ESTABLISHED", 300},
		}},
		{"after a SYN that was let through the maximum acknowledgement counts no more", nil, open, []step{
			{c("S", 80000, 0), "est", "ESTABLISHED", 0},
			{s("RA", 0, 80001), "est+rpl", "CLOSE", 10},
		}},
		{"that SYN's answer must acknowledge it", nil, open, []step{
			{c("S", 80000, 0), "est", "ESTABLISHED", 0},
			{s("RA", 300000, 80002), "inv", "ESTABLISHED", 0},
		}},
		{"the sender of the SYN itself is checked against the window", nil, open, []step{
			{c("S", 80000, 0), "est", "ESTABLISHED", 0},
			{c("RA", 300000, 80001), "inv", "ESTABLISHED", 0},
		}},
		{"an answer to a challenge ACK", nil, []step{{syn, "new", "SYN_SENT", 0}}, []step{
			{s("A", 7000, 3000), "est+rpl", "SYN_SENT", 0},
			{c("R", 3000, 0), "est", "CLOSE", 10},
			{c("S", 1000, 0), "new", "SYN_SENT", 120},
		}},
		{"a RST that answers no challenge", nil, []step{{syn, "new", "SYN_SENT", 0}}, []step{
			{s("A", 7000, 300000), "est+rpl", "SYN_SENT", 0},
			{c("R", 299999, 0), "inv", "SYN_SENT", 0},
		}},
		{"a connection picked up in its middle closes before it is assured", nil, []step{
			{c("PA", 1000, 5000, seg{Data: data(1)}), "new", "ESTABLISHED", 0},
			{s("PA", 5000, 1001, seg{Data: data(1)}), "est+rpl", "ESTABLISHED", 0},
		}, []step{
			{s("R", 5000+100, 0), "est+rpl", "CLOSE", 10},
		}},
		{"and keeps once it is", nil, []step{
			{c("PA", 1000, 5000, seg{Data: data(1)}), "new", "ESTABLISHED", 0},
			{s("PA", 5000, 1001, seg{Data: data(1)}), "est+rpl", "ESTABLISHED", 0},
			{c("A", 1001, 5001), "est", "ESTABLISHED", 0},
		}, []step{
			{s("R", 5001+100, 0), "est+rpl", "ESTABLISHED", 300},
			{s("R", 5001, 0), "est+rpl", "CLOSE", 10},
		}},
		{"an ACK that was let through is answered", nil, []step{
			{c("A", 1000, 5000), "new", "ESTABLISHED", 0},
			{s("R", 5000, 1000), "est+rpl", "", 0}, // nothing else ever came back
		}, nil},
		{"SYN_RECV has no window beyond the SYN-ACK yet", nil, open[:2], []step{
			{s("R", 5001+100, 0), "est+rpl", "SYN_RECV", 60}, // let on as more than the window allows
			{s("R", 5002, 0), "est+rpl", "SYN_RECV", 60},
			{s("R", 5001, 0), "est+rpl", "CLOSE", 10},
		}},
		{"SYN_RECV believes sequence number 0 only in the window", nil, open[:2], []step{
			{c("R", 1000000000, 0), "inv", "SYN_RECV", 0},
		}},
		{"ignored invalid RSTs are not looked at twice", []string{"nf_conntrack_tcp_ignore_invalid_rst=1"}, open, []step{
			{s("R", 5000, 0), "est+rpl", "ESTABLISHED", 300},
			{c("R", 1000, 0), "est", "ESTABLISHED", 300},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, tc.sysctls...)
			b.play(tc.before)
			b.play(tc.steps)
		})
	}
}

// TestResetTeaches: a RST that reaches the window code is noted like any
// segment, liberal or not (nf_conntrack_proto_tcp.c tcp_in_window).
func TestResetTeaches(t *testing.T) {
	for _, sysctl := range []string{"nf_conntrack_tcp_be_liberal=0", "nf_conntrack_tcp_be_liberal=1"} {
		b := newBed(t, sysctl)
		b.establish()
		if got := b.in(s("RA", 5001+50, 1001)); got != "est+rpl" {
			t.Fatal(got)
		}
		w := &b.only().TCP
		if w.Flags[1]&TCPFlagDataUnacked == 0 || w.Seen[1].End != 5051 || w.Seen[1].MaxAck != 1001 || w.LastIndex != segRST || w.LastDir != 1 {
			t.Errorf("%s: %+v", sysctl, w)
		}
	}
	// What a direction's own mark, set by tcp_loose, makes liberal is no exception.
	b := newBed(t)
	b.in(c("A", 1000, 5000))
	b.in(s("A", 5000, 1000))
	b.in(s("RA", 5000+50, 1000))
	if w := &b.only().TCP; w.Flags[1]&TCPFlagDataUnacked == 0 || w.Seen[1].End != 5050 {
		t.Errorf("picked up: %+v", w)
	}
}

// TestRetransmissionsWrap: they are counted in eight bits (struct ip_ct_tcp's
// retrans), so that one in 256 counts as progress.
func TestRetransmissionsWrap(t *testing.T) {
	b := newBed(t, "nf_conntrack_tcp_timeout_max_retrans=50")
	b.establish()
	for n := range 260 {
		b.in(c("PA", 1001, 5001, seg{Data: data(1)}))
		want := int64(300)
		if n%256 >= 3 {
			want = 50
		}
		if b.left() != want || int(b.only().TCP.Retrans) != n%256 {
			t.Fatalf("after %d repetitions: %d s left, %d counted; want %d s", n, b.left(), b.only().TCP.Retrans, want)
		}
	}
}
