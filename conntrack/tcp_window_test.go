package conntrack

import (
	"encoding/binary"
	"testing"
)

// midway is an established connection's track: each side has sent up to its
// End, its peer allows MaxEnd, and has offered MaxWin.
func midway() *Conn {
	c := &Conn{}
	c.TCP = TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{
		{End: 10000, MaxEnd: 12000, MaxWin: 5000, MaxAck: 900000},
		{End: 900000, MaxEnd: 905000, MaxWin: 2000, MaxAck: 10000},
	}, Flags: [2]uint8{TCPFlagMaxAckSet, TCPFlagMaxAckSet}, LastIndex: segACK, LastDir: 1}
	return c
}

// TestTCPWindowEdges: each bound of tcp_in_window is met, and missed by one.
func TestTCPWindowEdges(t *testing.T) {
	const win = 3000
	seg := func(seq, n, ack uint32) segment {
		return segment{seq: seq, end: seq + n, ack: ack, win: win, flags: flagACK, kind: segACK}
	}
	far := func(c *Conn) { c.TCP.Seen[0].MaxWin = 70000 } // more than MAXACKWINCONST
	for _, tc := range []struct {
		name string
		set  func(*Conn)
		s    segment
		want windowResult
	}{
		{"I: at the right edge", nil, seg(12000, 0, 900000), windowAccept},
		{"I: one behind it, what is beyond fits the largest window", nil, seg(12001, 0, 900000), windowIgnore},
		{"I: beyond by the largest window", nil, seg(12001, 1998, 900000), windowIgnore}, // 13999 - 12000 + 1 = 2000
		{"I: beyond by one more", nil, seg(12001, 1999, 900000), windowInvalid},
		{"I: beyond, of data never sent", nil, seg(12001, 0, 900001), windowInvalid},
		{"I: beyond, with an ACK as old as may be", nil, seg(12001, 0, 900000-66000), windowIgnore},
		{"I: beyond, with an older one", nil, seg(12001, 0, 900000-66001), windowInvalid},
		{"I: beyond, nothing heard of the other side", func(c *Conn) { c.TCP.Seen[1].MaxWin = 0 }, seg(12001, 0, 900000), windowInvalid},
		{"II: at the left edge", nil, seg(8000, 0, 900000), windowAccept},
		{"II: one before it", nil, seg(7999, 0, 900000), windowIgnore},
		{"II: nothing heard of the other side", func(c *Conn) { c.TCP.Seen[1].MaxWin = 0 }, seg(7999, 0, 900000), windowAccept},
		{"III: all that was sent", nil, seg(10000, 0, 900000), windowAccept},
		{"III: one more", nil, seg(10000, 0, 900001), windowInvalid},
		{"IV: as old as may be", nil, seg(10000, 0, 900000-66000), windowAccept},
		{"IV: one older", nil, seg(10000, 0, 900000-66001), windowIgnore},
		{"IV: as old as the largest window", far, seg(10000, 0, 900000-70000), windowAccept},
		{"IV: one older than that", far, seg(10000, 0, 900000-70001), windowIgnore},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr, c := New(Config{MaxConns: 4}), midway()
			if tc.set != nil {
				tc.set(c)
			}
			was := c.TCP
			if got := tr.tcpWindow(c, 0, &tc.s); got != tc.want {
				t.Fatalf("%d, want %d", got, tc.want)
			}
			if beyond := tc.want == windowIgnore && after(tc.s.seq, 12000); beyond {
				// The peer's ACK of it must not look invalid.
				was.Seen[0].End, was.Flags[0] = tc.s.end, was.Flags[0]|TCPFlagDataUnacked
			} else if tc.want == windowAccept {
				return
			}
			if c.TCP != was {
				t.Errorf("%+v, want %+v", c.TCP, was)
			}
			// Liberal windows let all of it on, by either mark, and learn as much.
			for _, liberal := range []func(*Tracker, *Conn){
				func(tr *Tracker, c *Conn) { tr.set.TCPBeLiberal = true },
				func(tr *Tracker, c *Conn) { c.TCP.Flags[0] |= TCPFlagBeLiberal },
			} {
				tr, c := New(Config{MaxConns: 4}), midway()
				if tc.set != nil {
					tc.set(c)
				}
				liberal(tr, c)
				if got := tr.tcpWindow(c, 0, &tc.s); got != windowAccept {
					t.Errorf("liberal: %d", got)
				}
				if tc.want == windowInvalid && c.TCP.Seen != was.Seen {
					t.Errorf("liberal: it taught %+v", c.TCP.Seen)
				}
			}
			// The other side's mark is none of the sender's.
			tr, c = New(Config{MaxConns: 4}), midway()
			if tc.set != nil {
				tc.set(c)
			}
			c.TCP.Flags[1] |= TCPFlagBeLiberal
			if got := tr.tcpWindow(c, 0, &tc.s); got != tc.want {
				t.Errorf("the other side's: %d, want %d", got, tc.want)
			}
		})
	}
}

// TestTCPWindowLearns: what a sound segment teaches, number by number (the end
// of tcp_in_window).
func TestTCPWindowLearns(t *testing.T) {
	for _, tc := range []struct {
		name string
		set  func(*TCPTrack)
		s    segment
		want func(*TCPTrack)
	}{
		{"nothing new but itself", nil, segment{seq: 10000, end: 10000, ack: 900000, win: 3000, flags: flagACK, kind: segACK}, func(w *TCPTrack) {
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin = 0, 10000, 900000, 10000, 3000
		}},
		{"a larger window", nil, segment{seq: 10000, end: 10000, ack: 900000, win: 6000, flags: flagACK, kind: segACK}, func(w *TCPTrack) {
			w.Seen[0].MaxWin, w.Seen[1].MaxEnd = 6000, 906000
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin = 0, 10000, 900000, 10000, 6000
		}},
		{"a scaled one", func(w *TCPTrack) { w.Scale[0] = 3 }, segment{seq: 10000, end: 10000, ack: 900000, win: 1000, flags: flagACK, kind: segACK}, func(w *TCPTrack) {
			w.Seen[0].MaxWin, w.Seen[1].MaxEnd = 8000, 908000
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin = 0, 10000, 900000, 10000, 1000
		}},
		{"a SYN's is not scaled", func(w *TCPTrack) { w.Scale[0] = 3 }, segment{seq: 10000, end: 10000, ack: 900000, win: 1000, flags: flagSYN | flagACK, kind: segSYNACK}, nil},
		{"data", nil, segment{seq: 10000, end: 10100, ack: 900000, win: 3000, flags: flagACK, kind: segACK}, func(w *TCPTrack) {
			w.Seen[0].End, w.Flags[0] = 10100, w.Flags[0]|TCPFlagDataUnacked
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin = 0, 10000, 900000, 10100, 3000
		}},
		{"data beyond what is allowed widens the other side's window", nil, segment{seq: 11990, end: 12100, ack: 900000, win: 3000, flags: flagACK, kind: segACK}, func(w *TCPTrack) {
			w.Seen[0].End, w.Flags[0], w.Seen[1].MaxWin = 12100, w.Flags[0]|TCPFlagDataUnacked, 2100
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin = 0, 11990, 900000, 12100, 3000
		}},
		{"but not one that was never heard of", func(w *TCPTrack) { w.Seen[1].MaxWin = 0 }, segment{seq: 11990, end: 12100, ack: 900000, win: 3000, flags: flagACK, kind: segACK}, func(w *TCPTrack) {
			w.Seen[0].End, w.Flags[0] = 12100, w.Flags[0]|TCPFlagDataUnacked
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin = 0, 11990, 900000, 12100, 3000
		}},
		{"an acknowledgement of all that the other side sent", func(w *TCPTrack) { w.Flags[1] |= TCPFlagDataUnacked }, segment{seq: 10000, end: 10000, ack: 900000, win: 3000, flags: flagACK, kind: segFIN}, func(w *TCPTrack) {
			w.Flags[1] &^= TCPFlagDataUnacked
		}},
		{"of less", func(w *TCPTrack) { w.Flags[1] |= TCPFlagDataUnacked }, segment{seq: 10000, end: 10000, ack: 899999, win: 3000, flags: flagACK, kind: segFIN}, nil},
		{"a higher acknowledgement", func(w *TCPTrack) { w.Seen[0].MaxAck = 899000 }, segment{seq: 10000, end: 10000, ack: 899500, win: 3000, flags: flagACK, kind: segFIN}, func(w *TCPTrack) {
			w.Seen[0].MaxAck = 899500
		}},
		{"a lower one", nil, segment{seq: 10000, end: 10000, ack: 899500, win: 3000, flags: flagACK, kind: segFIN}, nil},
		{"the first one", func(w *TCPTrack) { w.Flags[0] = 0; w.Seen[0].MaxAck = 0x90000000 }, segment{seq: 10000, end: 10000, ack: 899500, win: 3000, flags: flagACK, kind: segFIN}, func(w *TCPTrack) {
			w.Flags[0], w.Seen[0].MaxAck = TCPFlagMaxAckSet, 899500
		}},
		{"none", func(w *TCPTrack) { w.Flags[0] = 0 }, segment{seq: 10000, end: 10000, win: 3000, flags: flagRST, kind: segRST}, nil},
		{"a RST's zero acknowledgement", nil, segment{seq: 10000, end: 10000, win: 3000, flags: flagRST | flagACK, kind: segRST}, nil},
		{"but not an ACK's", nil, segment{seq: 10000, end: 10000, win: 3000, flags: flagACK, kind: segACK}, nil},
		{"no window", func(w *TCPTrack) { w.Seen[1].MaxEnd = 900000 }, segment{seq: 10000, end: 10000, ack: 900000, flags: flagACK, kind: segFIN}, func(w *TCPTrack) {
			w.Seen[1].MaxEnd = 900001
		}},
		{"a window that ends where the last one did", func(w *TCPTrack) { w.Seen[1].MaxEnd = 903000 }, segment{seq: 10000, end: 10000, ack: 900000, win: 3000, flags: flagACK, kind: segFIN}, nil},
		{"a repetition", func(w *TCPTrack) {
			w.LastDir, w.LastSeq, w.LastAck, w.LastEnd, w.LastWin, w.Retrans = 0, 9900, 900000, 10000, 3000, 4
		}, segment{seq: 9900, end: 10000, ack: 900000, win: 3000, flags: flagACK, kind: segACK}, func(w *TCPTrack) { w.Retrans = 5 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr, c := New(Config{MaxConns: 4}), midway()
			if tc.set != nil {
				tc.set(&c.TCP)
			}
			want := c.TCP
			if tc.want != nil {
				tc.want(&want)
			}
			wantResult := windowAccept
			if tc.name == "but not an ACK's" {
				wantResult = windowIgnore
			}
			if got := tr.tcpWindow(c, 0, &tc.s); got != wantResult {
				t.Fatalf("%d, want %d", got, wantResult)
			}
			if c.TCP != want {
				t.Errorf("\n%+v, want\n%+v", c.TCP, want)
			}
		})
	}
	// Each of the five numbers tells a repetition from another segment.
	first := segment{seq: 9900, end: 10000, ack: 900000, win: 3000, flags: flagACK, kind: segACK}
	for i, change := range []func(*segment, *TCPTrack){
		func(s *segment, w *TCPTrack) { s.seq-- }, func(s *segment, w *TCPTrack) { s.end-- }, func(s *segment, w *TCPTrack) { s.ack-- },
		func(s *segment, w *TCPTrack) { s.win-- }, func(s *segment, w *TCPTrack) { w.LastDir = 1 },
	} {
		tr, c := New(Config{MaxConns: 4}), midway()
		s := first
		tr.tcpWindow(c, 0, &s)
		c.TCP.Retrans = 9
		change(&s, &c.TCP)
		tr.tcpWindow(c, 0, &s)
		if w := &c.TCP; w.Retrans != 0 || w.LastDir != 0 || w.LastSeq != s.seq || w.LastEnd != s.end || w.LastAck != s.ack || w.LastWin != s.win {
			t.Errorf("change %d: %+v", i, w)
		}
	}
}

// TestTCPWindowBegins: what a side's first segment tells (tcp_init_sender, and
// its likes for a connection whose beginning is lost).
func TestTCPWindowBegins(t *testing.T) {
	scale7 := []byte{3, 3, 7, 1}
	for _, tc := range []struct {
		name string
		dir  uint8
		set  TCPTrack
		s    segment
		want TCPTrack
		res  windowResult
	}{
		{"a SYN-ACK", 1, TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1001, MaxWin: 400}, {MaxEnd: 400}}, Scale: [2]uint8{2, 0}, Flags: [2]uint8{TCPFlagWindowScale, 0}},
			segment{seq: 5000, end: 5001, ack: 1001, win: 100, flags: flagSYN | flagACK, kind: segSYNACK, options: scale7},
			TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1101, MaxWin: 400}, {End: 5001, MaxEnd: 5001, MaxWin: 100, MaxAck: 1001}}, Scale: [2]uint8{2, 7}, Flags: [2]uint8{TCPFlagWindowScale, TCPFlagWindowScale | TCPFlagMaxAckSet}}, windowAccept},
		{"one that does not scale", 1, TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1001, MaxWin: 400}, {MaxEnd: 400}}, Scale: [2]uint8{2, 0}, Flags: [2]uint8{TCPFlagWindowScale, 0}},
			segment{seq: 5000, end: 5001, ack: 1001, flags: flagSYN | flagACK, kind: segSYNACK},
			TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1002, MaxWin: 400}, {End: 5001, MaxEnd: 5001, MaxWin: 1, MaxAck: 1001}}, Flags: [2]uint8{TCPFlagWindowScale, TCPFlagMaxAckSet}}, windowAccept},
		{"a SYN of the other side", 1, TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1001, MaxWin: 400}, {MaxEnd: 400}}},
			segment{seq: 5000, end: 5001, win: 100, flags: flagSYN, kind: segSYN},
			TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1001, MaxWin: 400}, {End: 5001, MaxEnd: 5001, MaxWin: 100}}}, windowAccept},
		{"a later SYN of the client", 0, TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1001, MaxWin: 400}, {MaxEnd: 400}}, Scale: [2]uint8{2, 3}},
			segment{seq: 2000, end: 2001, win: 100, flags: flagSYN, kind: segSYN},
			TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 2001, MaxEnd: 2001, MaxWin: 100}, {MaxEnd: 400}}, Scale: [2]uint8{2, 3}}, windowAccept},
		{"an earlier one begins nothing", 0, TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 3001, MaxEnd: 3001, MaxWin: 400}, {MaxEnd: 400}}},
			segment{seq: 2000, end: 2001, win: 100, flags: flagSYN, kind: segSYN},
			TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 3001, MaxEnd: 3001, MaxWin: 400}, {MaxEnd: 400}}}, windowAccept},
		{"a later SYN-ACK in SYN_RECV", 1, TCPTrack{State: TCPSynRecv, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1101, MaxWin: 400}, {End: 5001, MaxEnd: 5001, MaxWin: 100, MaxAck: 1001}}, Flags: [2]uint8{0, TCPFlagMaxAckSet}},
			segment{seq: 6000, end: 6001, ack: 1001, win: 200, flags: flagSYN | flagACK, kind: segSYNACK},
			TCPTrack{State: TCPSynRecv, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1201, MaxWin: 400}, {End: 6001, MaxEnd: 6001, MaxWin: 200, MaxAck: 1001}}, Flags: [2]uint8{0, TCPFlagMaxAckSet}}, windowAccept},
		{"a later SYN of the server in SYN_RECV", 1, TCPTrack{State: TCPSynRecv, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1101, MaxWin: 400}, {End: 5001, MaxEnd: 5001, MaxWin: 100}}},
			segment{seq: 6000, end: 6001, win: 200, flags: flagSYN, kind: segSYN},
			TCPTrack{State: TCPSynRecv, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1101, MaxWin: 400}, {End: 6001, MaxEnd: 6001, MaxWin: 200}}}, windowAccept},
		{"none in other states", 0, TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 3000, MaxWin: 400}, {End: 5001, MaxEnd: 9000, MaxWin: 100}}},
			segment{seq: 2000, end: 2001, win: 200, flags: flagSYN, kind: segSYN},
			TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 2001, MaxEnd: 3000, MaxWin: 400}, {End: 5001, MaxEnd: 9000, MaxWin: 100}}, Flags: [2]uint8{TCPFlagDataUnacked, 0}}, windowAccept},
		{"the middle, the other side unknown", 1, TCPTrack{State: TCPEstablished, Scale: [2]uint8{0, 2}},
			segment{seq: 5000, end: 5010, ack: 1001, win: 100, flags: flagACK, kind: segFIN},
			TCPTrack{State: TCPEstablished, Scale: [2]uint8{0, 2}, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1401}, {End: 5010, MaxEnd: 5410, MaxWin: 400, MaxAck: 1001}}, Flags: [2]uint8{0, TCPFlagMaxAckSet}}, windowAccept},
		{"the middle, no window", 1, TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 9000, MaxWin: 50}}},
			segment{seq: 5000, end: 5010, ack: 1001, flags: flagACK, kind: segFIN},
			TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 9000, MaxWin: 50}, {End: 5010, MaxEnd: 5011, MaxWin: 1, MaxAck: 1001}}, Flags: [2]uint8{0, TCPFlagMaxAckSet}}, windowAccept},
		{"the answer to a keep-alive", 1, TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1100, MaxWin: 50}}},
			segment{seq: 5000, end: 5000, ack: 1002, win: 60, flags: flagACK, kind: segFIN},
			TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1002, MaxEnd: 1100, MaxWin: 50}, {End: 5000, MaxEnd: 5060, MaxWin: 60, MaxAck: 1002}}, Flags: [2]uint8{0, TCPFlagMaxAckSet}}, windowAccept},
		{"an answer to more than that", 1, TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1100, MaxWin: 50}}},
			segment{seq: 5000, end: 5000, ack: 1003, win: 60, flags: flagACK, kind: segFIN},
			TCPTrack{State: TCPEstablished, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1100, MaxWin: 50}, {End: 5000, MaxEnd: 5060, MaxWin: 60}}}, windowInvalid},
		{"a RST that answers a SYN", 1, TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1001, MaxWin: 400}, {End: 7000, MaxEnd: 7100, MaxWin: 9}}},
			segment{ack: 1001, flags: flagRST | flagACK, kind: segRST},
			TCPTrack{State: TCPSynSent, Seen: [2]TCPSeen{{End: 1001, MaxEnd: 1002, MaxWin: 400}, {End: 7000, MaxEnd: 7100, MaxWin: 9, MaxAck: 1001}}, Flags: [2]uint8{0, TCPFlagMaxAckSet}}, windowAccept},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr, c := New(Config{MaxConns: 4}), &Conn{TCP: tc.set}
			if got := tr.tcpWindow(c, tc.dir, &tc.s); got != tc.res {
				t.Errorf("%d, want %d", got, tc.res)
			}
			if c.TCP != tc.want {
				t.Errorf("\n%+v, want\n%+v", c.TCP, tc.want)
			}
		})
	}
}

// TestTCPOptions: tcp_options and tcp_sack read what is whole, and stop at what
// is not.
func TestTCPOptions(t *testing.T) {
	const scaled, sack, liberal = TCPFlagWindowScale, TCPFlagSACKPerm, TCPFlagBeLiberal
	for i, tc := range []struct {
		options []byte
		scale   uint8
		flags   uint8
	}{
		{nil, 9, liberal | TCPFlagMaxAckSet}, // nothing is touched
		{[]byte{1}, 0, liberal},
		{[]byte{3, 3, 7}, 7, liberal | scaled},
		{[]byte{3, 3, 14}, 14, liberal | scaled},
		{[]byte{3, 3, 15}, 14, liberal | scaled},
		{[]byte{1, 1, 4, 2, 3, 3, 2}, 2, liberal | scaled | sack},
		{[]byte{4, 2, 0, 3, 3, 2}, 0, liberal | sack},        // the list's end
		{[]byte{4, 3, 1, 3, 3, 2}, 2, liberal | scaled},      // another length than its own
		{[]byte{3, 4, 1, 1, 4, 2}, 0, liberal | sack},        // likewise
		{[]byte{4, 2, 8}, 0, liberal | sack},                 // no room for a length
		{[]byte{8, 1, 4, 2}, 0, liberal},                     // a length that goes back
		{[]byte{8, 0, 4, 2}, 0, liberal},                     // likewise
		{[]byte{8, 5, 4, 2}, 0, liberal},                     // beyond the header
		{[]byte{8, 4, 9, 9, 4, 2}, 0, liberal | sack},        // up to its end
		{[]byte{2, 4, 5, 180, 3, 3, 0}, 0, liberal | scaled}, // scaled by nothing
	} {
		scale, flags := uint8(9), uint8(liberal|TCPFlagMaxAckSet)
		if readOptions(tc.options, &scale, &flags); scale != tc.scale || flags != tc.flags {
			t.Errorf("%d: scale %d, flags %#x; want %d, %#x", i, scale, flags, tc.scale, tc.flags)
		}
	}
	block := func(edges ...uint32) []byte {
		b := []byte{5, byte(2 + 4*len(edges))}
		for _, e := range edges {
			b = binary.BigEndian.AppendUint32(b, e)
		}
		return b
	}
	join := func(parts ...[]byte) (b []byte) {
		for _, p := range parts {
			b = append(b, p...)
		}
		return b
	}
	stamp := []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}
	for i, tc := range []struct {
		options []byte
		want    uint32
	}{
		{nil, 1000}, {stamp, 1000},
		{block(1100, 1200), 1200},
		{block(1100, 1200, 1300, 1400), 1400},                         // the highest, wherever it is
		{block(1300, 1400, 1100, 1200), 1400},                         //
		{block(1100, 1200, 1500, 1600, 1300, 1400), 1600},             //
		{block(900, 950), 1000},                                       // below the acknowledgement
		{block(1100, 1200, 1300), 1000},                               // half a block
		{[]byte{5, 2}, 1000},                                          // none
		{[]byte{5, 6, 0, 0, 9, 9}, 1000},                              //
		{join(stamp, block(1100, 1200)), 1200},                        //
		{join([]byte{1, 1}, block(1100, 1200)), 1200},                 //
		{join([]byte{1, 1}, block(1100, 1200), block(1, 1900)), 1200}, // one option
		{join([]byte{0}, block(1100, 1200)), 1000},                    // the list's end
		{join([]byte{9, 1}, block(1100, 1200)), 1000},                 // a length that goes back
		{block(1100, 1200)[:9], 1000},                                 // cut off
		{[]byte{5}, 1000},                                             //
		{join([]byte{9, 3, 5}, block(1100, 1200)), 1200},              //
		{join([]byte{1, 1, 9, 10}, block(1100, 1200)[:8]), 1000},      // as long as a timestamp, and none
	} {
		if got := sackEdge(tc.options, 1000); got != tc.want {
			t.Errorf("%d: %d, want %d", i, got, tc.want)
		}
	}
	// SACK counts only if the receiver of the blocks has offered it.
	for _, offered := range []uint8{0, TCPFlagSACKPerm} {
		tr, c := New(Config{MaxConns: 4}), midway()
		c.TCP.Flags[1] |= offered
		s := segment{seq: 10000, end: 10000, ack: 899000, win: 3000, flags: flagACK, kind: segACK, options: block(899500, 899900)}
		if got := tr.tcpWindow(c, 0, &s); got != windowAccept {
			t.Fatal(got)
		}
		// A window is counted from the highest that was acknowledged, and is as much
		// larger as lies between.
		s.options = block(899500, 900000-100)
		s.win = 4500
		tr.tcpWindow(c, 0, &s)
		if got, want := c.TCP.Seen[0].MaxWin, map[uint8]uint32{0: 5000, TCPFlagSACKPerm: 4500 + 900}[offered]; got != want {
			t.Errorf("offered %d: window %d, want %d", offered, got, want)
		}
	}
}

// TestTCPInvalidSegments: a FIN or RST out of the window that the other side
// answers with one shortens an assured connection's life (nf_tcp_handle_invalid).
func TestTCPInvalidSegments(t *testing.T) {
	far := func(f func(string, uint32, uint32, ...seg) []byte, flags string, seq, ack uint32) []byte {
		return f(flags, seq+3000000, ack)
	}
	for _, tc := range []struct {
		name    string
		sysctls []string
		frames  [][]byte
		left    int64
	}{
		{"a FIN and a FIN", nil, [][]byte{far(c, "FA", 1001, 5001), far(s, "FA", 5001, 1001)}, 300},
		{"a FIN and a RST", nil, [][]byte{far(c, "FA", 1001, 5001), far(s, "R", 5001, 0)}, 300},
		{"a RST and a FIN", nil, [][]byte{far(s, "R", 5001, 0), far(c, "FA", 1001, 5001)}, 300},
		{"one alone", nil, [][]byte{far(c, "FA", 1001, 5001)}, 432000},
		{"two of the same side", nil, [][]byte{far(c, "FA", 1001, 5001), far(c, "FA", 1001, 5001)}, 432000},
		{"an ACK and a FIN", nil, [][]byte{far(c, "A", 1001, 5001), far(s, "FA", 5001, 1001)}, 432000},
		{"a FIN and an ACK", nil, [][]byte{far(c, "FA", 1001, 5001), far(s, "A", 5001, 1001)}, 432000},
		{"two of one, then the other's", nil, [][]byte{far(c, "FA", 1001, 5001), far(c, "R", 1001, 0), far(s, "FA", 5001, 1001)}, 300},
		{"a short life is left alone", []string{"nf_conntrack_tcp_timeout_established=119", "nf_conntrack_tcp_timeout_unacknowledged=60"}, [][]byte{far(c, "FA", 1001, 5001), far(s, "FA", 5001, 1001)}, 119},
		{"a longer one is not", []string{"nf_conntrack_tcp_timeout_established=121", "nf_conntrack_tcp_timeout_unacknowledged=60"}, [][]byte{far(c, "FA", 1001, 5001), far(s, "FA", 5001, 1001)}, 60},
		{"nor made longer", []string{"nf_conntrack_tcp_timeout_established=200"}, [][]byte{far(c, "FA", 1001, 5001), far(s, "FA", 5001, 1001)}, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t, tc.sysctls...)
			b.establish()
			for i, f := range tc.frames {
				if got := b.in(f); got != "inv" {
					t.Errorf("packet %d: %s", i, got)
				}
			}
			if b.left() != tc.left || b.only().TCP.State != TCPEstablished {
				t.Errorf("%d s left, want %d", b.left(), tc.left)
			}
		})
	}
	b := newBed(t)
	b.establish()
	b.only().Status |= StatusFixedTimeout
	b.in(far(c, "FA", 1001, 5001))
	b.in(far(s, "FA", 5001, 1001))
	if b.left() != 432000 {
		t.Errorf("a fixed timeout: %d s left", b.left())
	}
	b = newBed(t) // not assured
	b.in(c("S", 1000, 0))
	b.in(s("SA", 5000, 1001))
	b.in(far(c, "FA", 1001, 5001))
	b.in(far(s, "FA", 5001, 1001))
	if w := b.only().TCP; w.LastIndex != segSYNACK {
		t.Errorf("of an unassured one it noted %d", w.LastIndex)
	}
}
