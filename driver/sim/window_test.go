package sim

import (
	"fmt"
	"testing"

	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

// segment is one of a flow's, as the card sees it.
type segment struct {
	dir      int
	seq, ack uint32
	win      int // -1: none
	data     int
	flags    string // "A" if empty
}

// try sends a segment through a card that holds flowOf(1).
func (s segment) try(n *NIC) bool {
	f := flowOf(1)
	flags := s.flags
	if flags == "" {
		flags = "A"
	}
	seg := packettest.Segment{SPort: f.Tuple[s.dir].SPort, DPort: f.Tuple[s.dir].DPort, Flags: flags, Seq: s.seq, Ack: s.ack, Window: s.win, ZeroWindow: s.win < 0, Data: string(make([]byte, s.data))}
	if s.win < 0 {
		seg.Window = 0
	}
	src, dst := f.Tuple[s.dir].Src.Netip(packet.IPv4).String(), f.Tuple[s.dir].Dst.Netip(packet.IPv4).String()
	frame := packettest.IP(src, dst, packet.ProtoTCP, seg.Bytes())
	var h packet.Headers
	packet.Parse(frame, &h)
	h.Hash = n.cfg.Tracker.Hash(&h.Tuple)
	got, _, _ := n.Find(1, 0, frame, &h)
	return got != nil
}

// TestWindowEdges: what a card that checks windows carries, to the byte, by the
// tracker's four rules (nf_conntrack_proto_tcp.c tcp_in_window).
func TestWindowEdges(t *testing.T) {
	// The client has sent up to 1001 and may send up to 7001; the server has
	// sent up to 500001 and may send up to 540001.
	told := [2]offload.Window{{End: 1001, MaxEnd: 7001, MaxWin: 40000, Scale: 7}, {End: 500001, MaxEnd: 540001, MaxWin: 6000, Scale: 2}}
	open := func(t *testing.T, seeds string, w [2]offload.Window) *NIC {
		n := card(t, "window,flows=10,rate=0,seeds="+seeds)
		f := flowOf(1)
		f.Window = w
		submit(t, n, 1, add(f))
		poll(n, 1)
		return n
	}
	large := told
	large[0].MaxWin = 100000
	around := [2]offload.Window{{End: 1<<32 - 10, MaxEnd: 90, MaxWin: 400, Scale: 0}, {End: 1<<31 - 10, MaxEnd: 1<<31 + 390, MaxWin: 100, Scale: 0}}
	const ok = true
	type step struct {
		segment
		carried bool
	}
	for _, c := range []struct {
		name  string
		seeds string
		told  [2]offload.Window
		steps []step
	}{
		// I: not beyond what the receiver allows.
		{"A075_B040_right_edge", "told", told, []step{{segment{0, 7001, 500001, 9, 1, ""}, ok}}},
		{"A075_B040_beyond_it", "told", told, []step{{segment{0, 7002, 500001, 9, 1, ""}, false}}},
		{"A075_B040_right_edge_of_answers", "told", told, []step{{segment{1, 540001, 1001, 9, 1, ""}, ok}}},
		{"A075_B040_beyond_it_of_answers", "told", told, []step{{segment{1, 540002, 1001, 9, 1, ""}, false}}},
		// II: not further back than the receiver's largest window.
		{"A075_B040_left_edge", "told", told, []step{{segment{0, 1<<32 + 1001 - 6000 - 4, 500001, 9, 4, ""}, ok}}},
		{"A075_B040_before_it", "told", told, []step{{segment{0, 1<<32 + 1001 - 6000 - 5, 500001, 9, 4, ""}, false}}},
		// III: nothing acknowledged that was not sent.
		{"A075_B040_newest_ACK", "told", told, []step{{segment{0, 1001, 500001, 9, 0, ""}, ok}}},
		{"A075_B040_of_what_was_not_sent", "told", told, []step{{segment{0, 1001, 500002, 9, 0, ""}, false}}},
		// IV: not later than the sender's own window, or 66000.
		{"A075_B040_old_ACK", "told", told, []step{{segment{0, 1001, 500001 - 66000, 9, 0, ""}, ok}}},
		{"A075_B040_too_old_ACK", "told", told, []step{{segment{0, 1001, 500001 - 66001, 9, 0, ""}, false}}},
		{"A075_B040_old_ACK_with_a_large_window", "told", large, []step{{segment{0, 1001, 500001 - 100000, 9, 0, ""}, ok}}},
		{"A075_B040_too_old_ACK_with_a_large_window", "told", large, []step{{segment{0, 1001, 500001 - 100001, 9, 0, ""}, false}}},
		{"A075_B040_around_2_32", "told", around, []step{
			{segment{0, 90, 1<<31 - 10, 9, 1, ""}, ok}, {segment{0, 91, 1<<31 - 10, 9, 1, ""}, false}, {segment{1, 1<<31 + 390, 0, 9, 1, ""}, ok}, {segment{1, 1<<31 + 391, 0, 9, 0, ""}, false}}},
		// What a segment teaches: its end, its ACK and window by the told scale.
		{"A075_B040_edge_moves_with_ACK_and_window", "told", told, []step{
			{segment{0, 1001, 500001, 300, 1000, ""}, ok},                                            // the server may send up to 500001 + 300<<7
			{segment{1, 540001, 2001, 9, 1, ""}, ok},                                                 // told already
			{segment{1, 540002, 2001, 2000, 0, ""}, false},                                           // 538401 is less
			{segment{0, 2001, 540002, 300, 0, ""}, ok},                                               // up to 578402 now
			{segment{1, 578402, 2001, 2000, 0, ""}, ok}, {segment{1, 578403, 2001, 9, 0, ""}, false}, // and the client up to 2001 + 2000<<2
			{segment{0, 10001, 540002, 1, 0, ""}, ok}, {segment{0, 10002, 540002, 1, 0, ""}, false},
			{segment{1, 578402, 2001, 9, 0, ""}, ok}, {segment{0, 10001, 540002, 1, 0, ""}, ok}, // a smaller window takes nothing back
		}},
		{"A075_B040_ACK_of_the_newest", "told", told, []step{
			{segment{1, 500001, 1001, 9, 100, ""}, ok}, {segment{0, 1001, 500102, 9, 0, ""}, false}, {segment{0, 1001, 500101, 9, 0, ""}, ok}}},
		{"A075_B040_end_of_retransmissions_is_no_newer_one", "told", told, []step{
			{segment{1, 500001, 1001, 9, 100, ""}, ok}, {segment{1, 500001, 1001, 9, 10, ""}, ok}, {segment{0, 1001, 500101, 9, 0, ""}, ok}}},
		{"A075_B040_probe_of_a_closed_window", "told", [2]offload.Window{{End: 1001, MaxEnd: 1001, MaxWin: 100}, {End: 5001, MaxEnd: 5001, MaxWin: 100}}, []step{
			{segment{1, 5001, 1001, -1, 0, ""}, ok}, {segment{0, 1002, 5001, 9, 1, ""}, ok}, {segment{0, 1003, 5001, 9, 1, ""}, false}}},
		// SYN, and what acknowledges nothing, is software's.
		{"A075_B040_SYN", "told", told, []step{{segment{0, 1001, 500001, 9, 0, "SA"}, false}, {segment{0, 1001, 0, 9, 0, "P"}, false}}},

		// A wide seed: as far as the largest window beyond what was told, until
		// the other side's first segment brings it back.
		{"A077_wide", "wide", told, []step{{segment{0, 1001 + widest, 500001, 9, 0, ""}, ok}}},
		{"A077_no_wider", "wide", told, []step{{segment{0, 1001 + widest + 1, 500001, 9, 0, ""}, false}}},
		{"A077_wide_backwards", "wide", told, []step{{segment{1, 300001, 1001, 9, 0, ""}, ok}, {segment{1, 1<<32 + 500001 - widest - 1, 1001, 9, 0, ""}, false}}},
		{"A077_rescaled_by_the_other_side", "wide", told, []step{
			{segment{0, 900001, 500001, 9, 0, ""}, ok},
			{segment{1, 500001, 900001, 100, 0, ""}, ok}, // the client may send up to 900001 + 100<<2
			{segment{0, 900401, 500001, 9, 0, ""}, ok}, {segment{0, 900402, 500001, 9, 0, ""}, false},
		}},
		{"A077_each_side_by_itself", "wide", told, []step{
			{segment{1, 500001, 1001, 100, 0, ""}, ok},
			{segment{0, 1402, 500001, 9, 0, ""}, false},  // rescaled
			{segment{1, 99999999, 1001, 100, 0, ""}, ok}, // not yet
			{segment{0, 1401, 99999999, 100, 0, ""}, ok}, // now
			{segment{1, 99999999 + 100<<7, 1401, 100, 0, ""}, ok}, {segment{1, 99999999 + 100<<7 + 1, 1401, 100, 0, ""}, false},
		}},
		{"A077_the_own_window_is_rescaled_too", "wide", told, []step{
			{segment{0, 1001, 500001, 100, 0, ""}, ok}, // 12800 bytes
			{segment{1, 500001 - 12800, 1001, 9, 0, ""}, ok}, {segment{1, 500001 - 12801, 1001, 9, 0, ""}, false},
		}},
		{"A077_a_smaller_window_later_takes_nothing_back", "wide", told, []step{
			{segment{0, 1001, 500001, 100, 0, ""}, ok}, {segment{0, 1001, 500001, 1, 0, ""}, ok}, {segment{1, 500001 - 12800, 1001, 9, 0, ""}, ok},
		}},

		// Nothing told: the first segment's word, and the largest scale.
		{"A077_none", "none", told, []step{
			{segment{0, 77, 88, 2, 10, ""}, ok}, {segment{1, 88 + 2<<14, 87, 1, 0, ""}, ok}, {segment{1, 88 + 2<<14 + 1, 87, 1, 0, ""}, false},
			{segment{0, 87 + 1<<14, 88, 1, 0, ""}, ok}, {segment{0, 87 + 1<<14 + 1, 88, 1, 0, ""}, false},
		}},
		{"A077_none_and_the_other_side_late", "none", told, []step{
			{segment{0, 77, 200000, 2, 10, ""}, ok}, {segment{1, 200000, 88, 1, 0, ""}, false}, // of what was not sent
			{segment{1, 200000, 1<<32 + 87 - 66000, 1, 0, ""}, ok},
		}},
		{"A077_none_and_the_other_side_too_late", "none", told, []step{{segment{0, 77, 200000, 2, 10, ""}, ok}, {segment{1, 200000, 1<<32 + 87 - 66001, 1, 0, ""}, false}}},
		{"A077_half_known_is_not_known", "told", [2]offload.Window{told[0], {}}, []step{{segment{0, 77, 88, 2, 10, ""}, ok}}},
		{"A077_the_other_half", "wide", [2]offload.Window{{}, told[1]}, []step{{segment{1, 77, 88, 2, 10, ""}, ok}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := open(t, c.seeds, c.told)
			for i, s := range c.steps {
				if got := s.try(n); got != s.carried {
					t.Fatalf("segment %d, %+v: carried %v, want %v", i, s.segment, got, s.carried)
				}
			}
			var misses uint64
			for _, s := range c.steps {
				if !s.carried {
					misses++
				}
			}
			if n.n.Misses[missWindow] != misses {
				t.Errorf("%d misses for the window, want %d", n.n.Misses[missWindow], misses)
			}
		})
	}
	t.Run("A077_told_anew_begins_anew", func(t *testing.T) {
		n := open(t, "told", told)
		f := flowOf(1)
		f.Window = told
		f.Window[0].MaxEnd = 90001
		submit(t, n, 1, add(f))
		poll(n, 1)
		if !(segment{0, 90001, 500001, 9, 0, ""}).try(n) {
			t.Error("the windows are the old ones")
		}
	})
}

// TestUnderWay: packets that arrive while an insertion is under way are
// software's (RFC part 2, possible synchronization issues). Nothing of them is
// lost or judged otherwise, whatever the card knows of windows, and a window
// told before them need not keep the card from carrying what follows.
func TestUnderWay(t *testing.T) {
	const inFlight = 200 // segments during the insertion, 1,000 bytes each: far beyond a window of 65,535
	for _, c := range []struct {
		desc    string
		outside bool // what follows is outside of the window that was told
	}{
		{"plain,delay=50ms", false},
		{"window,rate=0,delay=50ms,seeds=wide", false},
		{"window,rate=0,delay=50ms,seeds=none", false},
		{"window,rate=0,delay=50ms,seeds=told", true},
	} {
		soft := datapathtest.NewWith(t, datapath.Config{Trace: true}, datapathtest.HTTPPolicy...)
		hard, n := rig(t, c.desc, datapathtest.HTTPPolicy...)
		var want, got datapathtest.Transcript
		at, sent, answered := int64(0), uint32(1001), uint32(5001)
		send := func(dev string, frame []byte) {
			in := datapathtest.Input{Dev: dev, Frame: frame, At: at}
			want.Send(soft, in)
			got.Send(hard, in)
		}
		segment := func() {
			send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "PA", sent, answered, string(make([]byte, 1000))))
			sent += 1000
			send("vf0_rep", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 1000, "A", answered, sent, ""))
		}
		soft.Handshake(1000)
		hard.Handshake(1000)
		at = hard.Now
		for range inFlight {
			at += 100e3
			segment()
		}
		t.Run("A076_they_are_software's_"+c.desc, func(t *testing.T) {
			if s := n.Stats(); s.Misses[missInserting] != 2*inFlight || s.Carried != 0 || n.Packets().Packets != 0 {
				t.Errorf("%d of %d packets met a flow on its way, %d were carried", s.Misses[missInserting], 2*inFlight, s.Carried)
			}
			if soft.E.Flows().Counters() != hard.E.Flows().Counters() {
				t.Errorf("%+v\n%+v", hard.E.Flows().Counters(), soft.E.Flows().Counters())
			}
		})
		at += 100e6
		before := n.Stats()
		for range 10 {
			at += 100e3
			segment()
		}
		t.Run("A077_what_follows_is_the_card's_"+c.desc, func(t *testing.T) {
			s := n.Stats()
			missed, carried := s.Misses[missWindow]-before.Misses[missWindow], s.Carried-before.Carried
			if c.outside && (missed == 0 || carried != 20-missed) || !c.outside && (missed != 0 || carried != 20) {
				t.Errorf("%d outside of the window, %d carried", missed, carried)
			}
		})
		// The flow table sees that the card carries nothing, and tells it of no
		// window the next time.
		for range 10 {
			at += 1100e6
			segment()
		}
		before = n.Stats()
		for range 5 {
			at += 1e6
			segment()
		}
		t.Run("A077_in_the_end_all_is_the_card's_"+c.desc, func(t *testing.T) {
			if s := n.Stats(); s.Carried-before.Carried != 10 {
				t.Errorf("%d of 10 packets carried, misses %v", s.Carried-before.Carried, fmt.Sprint(s.Misses))
			}
		})
		t.Run("A076_I1_I2_the_same_"+c.desc, func(t *testing.T) {
			soft.Now, hard.Now = at+5e9, at+5e9
			if a, b := want.End(soft), got.End(hard); a != b {
				t.Error(datapathtest.Differences(a, b))
			}
		})
	}
}
