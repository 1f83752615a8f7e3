package conntrack

import (
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestSCTPChunks: which chunks a packet has, and which packets are refused for them
// (nf_conntrack_proto_sctp.c do_basic_checks). Chunks are padded to four bytes; a
// header that is cut off is no chunk.
func TestSCTPChunks(t *testing.T) {
	ch := func(typ uint8, size byte, body ...byte) []byte { return append([]byte{typ, 0, 0, size}, body...) }
	set := func(types ...uint8) (s chunkSet) {
		for _, typ := range types {
			s |= 1 << typ
		}
		return s
	}
	for _, tc := range []struct {
		name   string
		chunks [][]byte
		want   chunkSet
		ok     bool
	}{
		{"none", nil, 0, false},
		{"three bytes", [][]byte{{0, 0, 0}}, 0, false},
		{"a header alone", [][]byte{ch(3, 4)}, set(3), true},
		{"one that is longer than the packet", [][]byte{ch(3, 200)}, set(3), true},
		{"two", [][]byte{ch(3, 4), ch(0, 4)}, set(0, 3), true},
		{"padding of three", [][]byte{ch(3, 5, 1, 0, 0, 0), ch(9, 4)}, set(3, 9), true},
		{"padding of two", [][]byte{ch(3, 6, 1, 2, 0, 0), ch(9, 4)}, set(3, 9), true},
		{"padding of one", [][]byte{ch(3, 7, 1, 2, 3, 0), ch(9, 4)}, set(3, 9), true},
		{"no padding", [][]byte{ch(3, 8, 1, 2, 3, 4), ch(9, 4)}, set(3, 9), true},
		{"a second that is cut off", [][]byte{ch(3, 4), {9, 0, 0}}, set(3), true},
		{"a length of zero", [][]byte{ch(3, 0)}, 0, false},
		{"a length of one, which is a header's", [][]byte{ch(3, 1), ch(9, 4)}, set(3, 9), true},
		{"a second of length zero", [][]byte{ch(3, 4), ch(9, 0)}, 0, false},
		{"type 63", [][]byte{ch(63, 4)}, set(63), true},
		{"type 64", [][]byte{ch(64, 4), ch(3, 4)}, set(3), true},
		{"type 128", [][]byte{ch(128, 4)}, 0, true},
		{"INIT alone", [][]byte{ch(1, 4)}, set(1), true},
		{"INIT first", [][]byte{ch(1, 4), ch(0, 4)}, 0, false},
		{"INIT second", [][]byte{ch(0, 4), ch(1, 4)}, 0, false},
		{"INIT ACK alone", [][]byte{ch(2, 4)}, set(2), true},
		{"INIT ACK first", [][]byte{ch(2, 4), ch(0, 4)}, 0, false},
		{"INIT ACK second", [][]byte{ch(0, 4), ch(2, 4)}, 0, false},
		{"SHUTDOWN COMPLETE alone", [][]byte{ch(14, 4)}, set(14), true},
		{"SHUTDOWN COMPLETE first", [][]byte{ch(14, 4), ch(0, 4)}, 0, false},
		{"SHUTDOWN COMPLETE second", [][]byte{ch(0, 4), ch(14, 4)}, 0, false},
		{"COOKIE ECHO first", [][]byte{ch(10, 4), ch(0, 4)}, set(0, 10), true},
		{"COOKIE ECHO second", [][]byte{ch(0, 4), ch(10, 4)}, 0, false},
		{"COOKIE ACK first", [][]byte{ch(11, 4), ch(0, 4)}, set(0, 11), true},
		{"COOKIE ACK third", [][]byte{ch(0, 4), ch(3, 4), ch(11, 4)}, 0, false},
		{"any other behind any other", [][]byte{ch(4, 4), ch(5, 4), ch(6, 4), ch(7, 4), ch(8, 4), ch(9, 4), ch(0, 4)}, set(0, 4, 5, 6, 7, 8, 9), true},
	} {
		b := make([]byte, sctpHeader)
		for _, c := range tc.chunks {
			b = append(b, c...)
		}
		if got, ok := sctpChunks(b); got != tc.want || ok != tc.ok {
			t.Errorf("%s: %#x %v, want %#x %v", tc.name, got, ok, tc.want, tc.ok)
		}
	}
	// The tag of an INIT is read where all of the INIT's fixed part is there.
	for n, want := range map[int]bool{12 + 4 + 15: false, 12 + 4 + 16: true, 12 + 4 + 17: true} {
		b := make([]byte, n)
		b[12], b[15], b[16], b[19] = chunkInit, 20, 0xaa, 0xdd
		k := chunks{b: b}
		if !k.next() {
			t.Fatal("no chunk")
		}
		if tag, ok := k.initTag(); ok != want || ok && tag != 0xaa0000dd {
			t.Errorf("of %d bytes: %#x, %v", n, tag, ok)
		}
	}
}

// TestSCTPTags: the verification tag that each chunk must carry (RFC 9260, 8.5.1;
// nf_conntrack_sctp_packet), and what is learnt from it. Direction 0's tag is 0x10,
// direction 1's 0x20.
func TestSCTPTags(t *testing.T) {
	known := SCTPTrack{VTag: [2]uint32{0x10, 0x20}, State: SCTPEstablished, Init: [2]uint8{1, 1}}
	pending := known
	pending.Flags, pending.LastDir = sctpHeartbeatTag, 1
	own := pending
	own.LastDir = 0
	fresh := SCTPTrack{VTag: [2]uint32{0, 0x20}, State: SCTPHeartbeatSent}
	with := func(a SCTPTrack, f func(*SCTPTrack)) SCTPTrack { f(&a); return a }
	data := chunkSet(1 << chunkData)
	for _, tc := range []struct {
		name   string
		a      SCTPTrack
		typ    uint8
		flags  uint8
		tag    uint32
		set    chunkSet
		waited bool
		want   sctpTag
		after  SCTPTrack
	}{
		{"INIT without a tag", known, chunkInit, 0, 0, 0, false, sctpTagRight, known},
		{"INIT with one", known, chunkInit, 0, 0x10, 0, false, sctpTagWrong, known},
		{"ABORT", known, chunkAbort, 0, 0x10, 0, false, sctpTagRight, known},
		{"ABORT with the peer's", known, chunkAbort, 0, 0x20, 0, false, sctpTagWrong, known},
		{"ABORT that reflects", known, chunkAbort, 1, 0x20, 0, false, sctpTagRight, known},
		{"ABORT that reflects, with its own", known, chunkAbort, 1, 0x10, 0, false, sctpTagWrong, known},
		{"ABORT with another flag", known, chunkAbort, 2, 0x10, 0, false, sctpTagRight, known},
		{"SHUTDOWN COMPLETE", known, chunkShutdownComplete, 0, 0x10, 0, false, sctpTagRight, known},
		{"SHUTDOWN COMPLETE that reflects", known, chunkShutdownComplete, 1, 0x20, 0, false, sctpTagRight, known},
		{"SHUTDOWN COMPLETE, wrong", known, chunkShutdownComplete, 1, 0x30, 0, false, sctpTagWrong, known},
		{"COOKIE ECHO", known, chunkCookieEcho, 0, 0x10, 0, false, sctpTagRight, known},
		{"COOKIE ECHO, wrong", known, chunkCookieEcho, 0, 0x20, 0, false, sctpTagWrong, known},
		{"COOKIE ACK ends the INITs", known, chunkCookieAck, 0, 0x30, 0, false, sctpTagRight, with(known, func(a *SCTPTrack) { a.Init = [2]uint8{} })},
		{"SHUTDOWN ACK has been judged before", known, chunkShutdownAck, 0, 0x30, 0, false, sctpTagRight, known},
		{"HEARTBEAT", pending, chunkHeartbeat, 0, 0x10, 0, false, sctpTagRight, with(pending, func(a *SCTPTrack) { a.Flags = 0 })},
		{"HEARTBEAT that is the first to have a tag", fresh, chunkHeartbeat, 0, 0x30, 0, false, sctpTagRight, with(fresh, func(a *SCTPTrack) { a.VTag[0] = 0x30 })},
		{"HEARTBEAT with another tag", known, chunkHeartbeat, 0, 0x30, 0, false, sctpTagWait, with(known, func(a *SCTPTrack) { a.Flags, a.LastDir = sctpHeartbeatTag, 0 })},
		{"HEARTBEAT with another tag, beside data", known, chunkHeartbeat, 0, 0x30, data, false, sctpTagWrong, known},
		{"HEARTBEAT with another tag, the second", known, chunkHeartbeat, 0, 0x30, 0, true, sctpTagWrong, known},
		{"HEARTBEAT ACK", pending, chunkHeartbeatAck, 0, 0x10, 0, false, sctpTagRight, with(pending, func(a *SCTPTrack) { a.Flags = 0 })},
		{"HEARTBEAT ACK with another tag, out of the blue", known, chunkHeartbeatAck, 0, 0x30, 0, false, sctpTagWrong, known},
		{"HEARTBEAT ACK with another tag, of the asker's side", own, chunkHeartbeatAck, 0, 0x30, 0, false, sctpTagWrong, own},
		{"HEARTBEAT ACK with another tag, to a HEARTBEAT with another", pending, chunkHeartbeatAck, 0, 0x30, 0, false, sctpTagRight, with(pending, func(a *SCTPTrack) { a.Flags, a.VTag = 0, [2]uint32{0x30, 0} })},
		{"HEARTBEAT ACK with another tag, beside data", pending, chunkHeartbeatAck, 0, 0x30, data, false, sctpTagWrong, pending},
		{"HEARTBEAT ACK with another tag, behind such a HEARTBEAT", pending, chunkHeartbeatAck, 0, 0x30, 0, true, sctpTagWrong, pending},
	} {
		for dir := range 2 {
			// The same of the other direction: all that is by direction changes sides.
			a, after := tc.a, tc.after
			if dir == 1 {
				for _, x := range []*SCTPTrack{&a, &after} {
					x.VTag[0], x.VTag[1] = x.VTag[1], x.VTag[0]
					if x.Flags&sctpHeartbeatTag != 0 || x.LastDir != 0 {
						x.LastDir = 1 - x.LastDir
					}
				}
			}
			k := chunks{typ: tc.typ, fl: tc.flags}
			got := a.tags(&k, dir, tc.tag, tc.set, tc.waited)
			if after.Flags == 0 && tc.a.Flags != 0 {
				after.LastDir = a.LastDir // of no meaning without the flag
			}
			if got != tc.want || a != after {
				t.Errorf("%s, direction %d: %d and %+v, want %d and %+v", tc.name, dir, got, a, tc.want, after)
			}
		}
	}
}

// TestSCTPInits: what an INIT and an INIT ACK of direction 0 make of the peer's tag,
// which is 0x20, and of the INITs that are pending.
func TestSCTPInits(t *testing.T) {
	chunk := func(tag byte) *chunks {
		b := make([]byte, 32)
		b[12], b[15], b[19] = chunkInit, 20, tag
		k := &chunks{b: b}
		k.next()
		return k
	}
	for _, tc := range []struct {
		name        string
		known       uint32
		init        [2]uint8
		old         uint8
		tag         byte
		wantInit    [2]uint8
		ack         bool // an INIT ACK is taken
		initAckSame bool
	}{
		{"nothing known, nothing pending", 0, [2]uint8{}, SCTPNone, 0x21, [2]uint8{1, 0}, true, true},
		{"another tag, nothing pending", 0x20, [2]uint8{}, SCTPEstablished, 0x21, [2]uint8{1, 0}, false, true},
		{"the same tag, nothing pending", 0x20, [2]uint8{}, SCTPEstablished, 0x20, [2]uint8{0, 0}, true, true},
		{"the same tag at the beginning", 0x20, [2]uint8{}, SCTPNone, 0x20, [2]uint8{1, 0}, true, true},
		{"another tag, its own pending", 0x20, [2]uint8{1, 0}, SCTPEstablished, 0x21, [2]uint8{1, 0}, false, true},
		{"another tag, the peer's pending", 0x20, [2]uint8{0, 1}, SCTPEstablished, 0x21, [2]uint8{1, 1}, true, true},
		{"another tag, both pending", 0x20, [2]uint8{1, 1}, SCTPEstablished, 0x21, [2]uint8{1, 0}, false, true},
		{"the same tag, both pending", 0x20, [2]uint8{1, 1}, SCTPEstablished, 0x20, [2]uint8{1, 1}, true, true},
	} {
		for dir := range 2 {
			turn := func(v [2]uint8) [2]uint8 {
				if dir == 1 {
					v[0], v[1] = v[1], v[0]
				}
				return v
			}
			a := SCTPTrack{Init: turn(tc.init)}
			a.VTag[1-dir], a.VTag[dir] = tc.known, 0x99
			before := a
			if !a.init(chunk(tc.tag), dir, tc.old) || a.VTag[1-dir] != uint32(tc.tag) || a.VTag[dir] != 0x99 || a.Init != turn(tc.wantInit) {
				t.Errorf("%s, direction %d: INIT makes it %+v", tc.name, dir, a)
			}
			a = before
			ok := a.initAck(chunk(tc.tag), dir)
			if ok != tc.ack || a.Init != before.Init || a.VTag[dir] != 0x99 || ok && a.VTag[1-dir] != uint32(tc.tag) || !ok && a.VTag != before.VTag {
				t.Errorf("%s, direction %d: INIT ACK is taken: %v, %+v", tc.name, dir, ok, a)
			}
			short := &chunks{b: make([]byte, 31)}
			short.next()
			if a.init(short, dir, tc.old) || a.initAck(short, dir) {
				t.Errorf("%s: a tag that is not there", tc.name)
			}
		}
	}
}

// TestSCTPReasons: why packets are invalid, and what keeps an association alive.
func TestSCTPReasons(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    []byte
		why  Invalid
	}{
		{"11 bytes", packettest.IP(cAddr, sAddr, packet.ProtoSCTP, make([]byte, 11)), InvalidTruncated},
		{"a header alone", packettest.IP(cAddr, sAddr, packet.ProtoSCTP, make([]byte, 12)), InvalidChecksum},
		{"a header alone, summed", sctpC(0), InvalidTruncated},
		{"ABORT out of the blue", sctpC(9, abort), InvalidState},
		{"SHUTDOWN COMPLETE out of the blue", sctpC(9, completed), InvalidState},
		{"COOKIE ACK out of the blue", sctpC(9, cookieAck), InvalidState},
		{"DATA out of the blue", sctpC(9, dataChunk), InvalidState},
		{"HEARTBEAT and DATA out of the blue", sctpC(9, heartbeat, dataChunk), InvalidState},
		{"INIT with a tag", sctpC(9, packettest.InitChunk(1, 1)), InvalidState},
	} {
		b := newBed(t)
		if got, why := b.reasonOf(tc.f); got != "inv" || why != tc.why {
			t.Errorf("%s: %s, reason %d; want %d", tc.name, got, why, tc.why)
		}
	}
	b := newBed(t)
	b.sctpRun(sctpUp)
	for _, tc := range []struct {
		name string
		f    []byte
	}{
		{"DATA with a wrong tag", sctpC(0x23, dataChunk)},
		{"ABORT with a wrong tag", sctpC(0x23, abort)},
		{"INIT without its fixed part", sctpC(0, packettest.Chunk(1, 0))},
		{"INIT ACK that changes the tag", sctpS(0x11, packettest.InitChunk(2, 0x77))},
		{"INIT ACK without its fixed part", sctpS(0x11, packettest.Chunk(2, 0))},
	} {
		was := *b.only().SCTP()
		if got, why := b.reasonOf(tc.f); got != "inv" || why != InvalidState {
			t.Errorf("%s: %s, reason %d", tc.name, got, why)
		}
		if a := *b.only().SCTP(); a.State != was.State || a.VTag != was.VTag {
			t.Errorf("%s: %+v", tc.name, a)
		}
	}
	// A HEARTBEAT with another tag is let by, and neither counted nor kept alive by.
	count := b.only().Packets()
	b.now += 9 * second
	if got := b.in(sctpC(0x23, heartbeat)); got != "est" || b.left() != 201 || b.only().Packets() != count {
		t.Errorf("%s, %d s left, %v", got, b.left(), b.only().Packets())
	}
	// Of two chunks the last one's state has its timeout.
	if b.in(sctpC(0x22, dataChunk, shutdown)); b.left() != 3 || b.only().SCTP().State != SCTPShutdownSent {
		t.Errorf("%d s left in %d", b.left(), b.only().SCTP().State)
	}
	// A repeated INIT is let by, and keeps the entry no longer than the first did;
	// one that answers a closed association of old keeps none.
	b = newBed(t)
	b.sctpRun(append(sctpUp[:4:4], sctpStep{sctpC(0x22, abort), "est", SCTPClosed, 10}))
	b.now += 4 * second
	if got := b.in(sctpC(0, packettest.InitChunk(1, 0x66))); got != "est" || b.left() != 6 {
		t.Errorf("%s, %d s left", got, b.left())
	}
}
