package conntrack

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

var (
	dataChunk   = packettest.Chunk(0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'd', 'a', 't', 'a')
	cookieEcho  = packettest.Chunk(10, 0, 'c', 'o', 'o', 'k')
	cookieAck   = packettest.Chunk(11, 0)
	heartbeat   = packettest.Chunk(4, 0, 0, 1, 0, 6, 'h', 'b')
	heartbeatOK = packettest.Chunk(5, 0, 0, 1, 0, 6, 'h', 'b')
	abort       = packettest.Chunk(6, 0)
	shutdown    = packettest.Chunk(7, 0, 0, 0, 0, 0)
	shutdownAck = packettest.Chunk(8, 0)
	completed   = packettest.Chunk(14, 0)
)

func sctpC(tag uint32, chunks ...[]byte) []byte {
	return packettest.SCTP(cAddr, sAddr, 7000, 80, tag, chunks...)
}

func sctpS(tag uint32, chunks ...[]byte) []byte {
	return packettest.SCTP(sAddr, cAddr, 80, 7000, tag, chunks...)
}

// sctpStep is a packet, what it is, and the state and timeout after it.
type sctpStep struct {
	frame []byte
	want  string
	state uint8
	left  int64
}

func (b *bed) sctpRun(steps []sctpStep) {
	b.Helper()
	for i, s := range steps {
		if got := b.in(s.frame); got != s.want {
			b.Errorf("packet %d: %s, want %s", i+1, got, s.want)
		}
		c := b.only()
		if c == nil {
			if s.state != SCTPNone {
				b.Fatalf("packet %d: no connection", i+1)
			}
			continue
		}
		if c.SCTP().State != s.state || s.left != 0 && b.left() != s.left {
			b.Errorf("packet %d: %s, %d s left, want %s and %d", i+1, c.StateName(), b.left(), SCTPStateNames[s.state], s.left)
		}
	}
}

// sctpUp is an association: the client's packets carry tag 0x22, the server's
// 0x11.
var sctpUp = []sctpStep{
	{sctpC(0, packettest.InitChunk(1, 0x11)), "new", SCTPClosed, 10},
	{sctpS(0x11, packettest.InitChunk(2, 0x22)), "est+rpl", SCTPCookieWait, 3},
	{sctpC(0x22, cookieEcho), "est", SCTPCookieEchoed, 3},
	{sctpS(0x11, cookieAck), "est+rpl", SCTPEstablished, 210},
}

func TestSCTP(t *testing.T) {
	t.Run("association", func(t *testing.T) {
		b := newBed(t)
		b.sctpRun(append(slices.Clone(sctpUp),
			sctpStep{sctpC(0x22, dataChunk), "est", SCTPEstablished, 210},
			sctpStep{sctpC(0x22, shutdown), "est", SCTPShutdownSent, 3},
			sctpStep{sctpS(0x11, shutdownAck), "est+rpl", SCTPShutdownAckSent, 3},
			sctpStep{sctpC(0x22, completed), "est", SCTPClosed, 10}))
		if c := b.only(); c.Status&StatusAssured == 0 {
			t.Errorf("status %#x", c.Status)
		}
	})
	t.Run("timeouts_by_name", func(t *testing.T) {
		b := newBed(t, "nf_conntrack_sctp_timeout_established=77", "nf_conntrack_sctp_timeout_closed=5")
		b.sctpRun([]sctpStep{{sctpUp[0].frame, "new", SCTPClosed, 5}, sctpUp[1], sctpUp[2], {sctpUp[3].frame, "est+rpl", SCTPEstablished, 77}})
	})
	t.Run("checksum", func(t *testing.T) {
		bad := slices.Clone(sctpUp[0].frame)
		bad[42] ^= 1
		if got := newBed(t).in(bad); got != "inv" {
			t.Error(got)
		}
		if got := newBed(t, "nf_conntrack_checksum=0").in(bad); got != "new" {
			t.Errorf("unchecked: %s", got)
		}
	})
	t.Run("tags", func(t *testing.T) {
		b := newBed(t)
		b.sctpRun(append(slices.Clone(sctpUp),
			sctpStep{sctpC(0x23, dataChunk), "inv", SCTPEstablished, 0},
			sctpStep{sctpC(0x11, abort), "inv", SCTPEstablished, 0},
			sctpStep{sctpC(0x23, heartbeat), "est", SCTPEstablished, 0}, // let by; its answer will tell
			sctpStep{sctpC(0x23, heartbeatOK), "inv", SCTPEstablished, 0},
			sctpStep{sctpS(0x12, heartbeatOK), "est+rpl", SCTPEstablished, 0},
			sctpStep{sctpS(0x12, dataChunk), "est+rpl", SCTPEstablished, 0},
			sctpStep{sctpS(0x12, packettest.Chunk(6, 1)), "inv", SCTPEstablished, 0},
			sctpStep{sctpS(0x12, abort), "est+rpl", SCTPClosed, 10}))
	})
	t.Run("picked_up_by_a_heartbeat", func(t *testing.T) {
		b := newBed(t)
		b.sctpRun([]sctpStep{
			{sctpC(0x77, dataChunk), "inv", SCTPNone, 0},
			{sctpC(0x77, heartbeat), "new", SCTPHeartbeatSent, 30},
			{sctpS(0x88, heartbeatOK), "est+rpl", SCTPEstablished, 210},
			{sctpC(0x77, dataChunk), "est", SCTPEstablished, 210},
		})
	})
	t.Run("repeated_INIT_does_not_keep_it", func(t *testing.T) {
		b := newBed(t)
		b.in(sctpUp[0].frame)
		b.now += 4 * second
		b.in(sctpUp[0].frame)
		if b.left() != 6 {
			t.Errorf("%d s left, want 6", b.left())
		}
	})
	t.Run("broken", func(t *testing.T) {
		for name, f := range map[string][]byte{
			"no chunk":           sctpC(0),
			"INIT and DATA":      sctpC(0, packettest.InitChunk(1, 1), dataChunk),
			"cookie second":      sctpC(0, heartbeat, cookieEcho),
			"length zero":        sctpC(0, []byte{4, 0, 0, 0}),
			"INIT with a tag":    sctpC(9, packettest.InitChunk(1, 1)),
			"INIT cut short":     sctpC(0, packettest.Chunk(1, 0)),
			"out of the blue":    sctpC(9, abort),
			"header cut short":   packettest.IP(cAddr, sAddr, packet.ProtoSCTP, make([]byte, 8)),
			"unknown chunk":      sctpC(9, packettest.Chunk(77, 0)),
			"ABORT and INIT ACK": sctpC(9, abort, packettest.InitChunk(2, 1)),
		} {
			if got := newBed(t).in(f); got != "inv" {
				t.Errorf("%s: %s", name, got)
			}
		}
	})
}

// TestSCTPRepeatedInit: an INIT whose tag is the one that is known is no pending
// INIT, unless it begins the association (nf_conntrack_proto_sctp.c
// nf_conntrack_sctp_packet): the answer to a stale one cannot change the tags.
func TestSCTPRepeatedInit(t *testing.T) {
	init := func(tag uint32) []byte { return packettest.InitChunk(1, tag) }
	ack := func(tag uint32) []byte { return packettest.InitChunk(2, tag) }
	t.Run("of an association", func(t *testing.T) {
		b := newBed(t)
		b.sctpRun(append(slices.Clone(sctpUp),
			sctpStep{sctpC(0, init(0x11)), "est", SCTPEstablished, 210},
			sctpStep{sctpS(0x11, ack(0x33)), "inv", SCTPEstablished, 0},
			sctpStep{sctpS(0x11, ack(0x22)), "est+rpl", SCTPEstablished, 0},
			sctpStep{sctpC(0x22, dataChunk), "est", SCTPEstablished, 0},
			// A new tag asks for an association anew, and may be answered with another.
			sctpStep{sctpC(0, init(0x44)), "est", SCTPEstablished, 0},
			sctpStep{sctpS(0x44, ack(0x55)), "est+rpl", SCTPEstablished, 0},
			sctpStep{sctpC(0x22, dataChunk), "inv", SCTPEstablished, 0},
			sctpStep{sctpC(0x55, dataChunk), "est", SCTPEstablished, 0},
			sctpStep{sctpS(0x44, dataChunk), "est+rpl", SCTPEstablished, 0}))
	})
	t.Run("before an answer", func(t *testing.T) {
		b := newBed(t)
		b.sctpRun([]sctpStep{
			{sctpC(0, init(0x11)), "new", SCTPClosed, 10},
			{sctpC(0, init(0x11)), "new", SCTPClosed, 10},
			{sctpS(0x11, ack(0x22)), "est+rpl", SCTPCookieWait, 3},
			{sctpS(0x11, ack(0x23)), "est+rpl", SCTPCookieWait, 3}, // the first INIT is pending still
			{sctpC(0x22, cookieEcho), "inv", SCTPCookieWait, 0},
			{sctpC(0x23, cookieEcho), "est", SCTPCookieEchoed, 3},
		})
	})
	t.Run("of both sides", func(t *testing.T) {
		b := newBed(t)
		b.sctpRun([]sctpStep{
			{sctpC(0, init(0x11)), "new", SCTPClosed, 10},
			{sctpS(0, init(0x77)), "est+rpl", SCTPClosed, 10},
			{sctpC(0x77, ack(0x12)), "inv", SCTPClosed, 0}, // crossed: nobody may change its tag
			{sctpC(0x77, ack(0x11)), "est", SCTPClosed, 0},
			{sctpS(0x11, ack(0x77)), "est+rpl", SCTPCookieWait, 3},
			{sctpC(0, init(0x13)), "est", SCTPCookieWait, 3}, // the other side's is pending no more
			{sctpS(0x13, ack(0x78)), "est+rpl", SCTPCookieWait, 3},
			{sctpC(0x78, ack(0x14)), "inv", SCTPCookieWait, 0},
		})
	})
}

// TestSCTPFirstTags: what tells a new connection's tags (sctp_new): an INIT the
// answer's, a HEARTBEAT its sender's, a SHUTDOWN ACK the one that comes back.
func TestSCTPFirstTags(t *testing.T) {
	operation := packettest.Chunk(9, 0) // ERROR
	for _, tc := range []struct {
		name  string
		first []byte
		want  string
		tags  [2]uint32
	}{
		{"INIT", sctpC(0, packettest.InitChunk(1, 0x11)), "new", [2]uint32{0, 0x11}},
		{"HEARTBEAT", sctpC(0x99, heartbeat), "new", [2]uint32{0x99, 0}},
		{"HEARTBEAT and ERROR", sctpC(0x99, heartbeat, operation), "new", [2]uint32{0x99, 0}},
		{"HEARTBEAT ACK", sctpC(0x99, heartbeatOK), "new", [2]uint32{0x99, 0}},
		{"HEARTBEAT ACK and ERROR", sctpC(0x99, heartbeatOK, operation), "new", [2]uint32{0x99, 0}},
		{"SHUTDOWN ACK", sctpC(0x99, shutdownAck), "new", [2]uint32{0, 0x99}},
		{"SHUTDOWN ACK and ERROR", sctpC(0x99, shutdownAck, operation), "new", [2]uint32{0, 0x99}},
		{"SHUTDOWN", sctpC(0x99, shutdown), "inv", [2]uint32{}},
		{"SHUTDOWN without a tag", sctpC(0, shutdown), "new", [2]uint32{}},
		{"COOKIE ECHO", sctpC(0x99, cookieEcho), "inv", [2]uint32{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t)
			if got := b.in(tc.first); got != tc.want {
				t.Fatalf("%s, want %s", got, tc.want)
			}
			if c := b.only(); c != nil && c.SCTP().VTag != tc.tags {
				t.Errorf("tags %#x, want %#x", c.SCTP().VTag, tc.tags)
			}
		})
	}
}

// TestSCTPTable compares the transitions with how the states are explained:
// what must hold for every cell of a row or a column.
func TestSCTPTable(t *testing.T) {
	for dir := range 2 {
		for state := SCTPClosed; state < numSCTPStates; state++ {
			next := func(typ uint8) uint8 { return sctpNext(dir, typ, state) }
			if n := next(chunkAbort); n != SCTPClosed && !(dir == 1 && state == SCTPHeartbeatSent) {
				t.Errorf("ABORT in %s: %d", SCTPStateNames[state], n)
			}
			for _, typ := range []uint8{chunkData, 3, 13, 63, 64, 192, 255} {
				if next(typ) != state {
					t.Errorf("chunk %d moves %s", typ, SCTPStateNames[state])
				}
			}
		}
	}
	for row := range uint8(16) {
		if n := sctpNext(1, row, SCTPNone); sctpRow[row] != 0 && n != sctpInvalid {
			t.Errorf("a reply of chunk %d begins a connection: %d", row, n)
		}
	}
}

// TestI9_sctp throws any sequence of chunks at the tracker: it stays sound.
func TestI9_sctp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := newBed(t, "nf_conntrack_checksum=0")
		for range rapid.IntRange(1, 20).Draw(r, "packets") {
			var chunks [][]byte
			for range rapid.IntRange(0, 3).Draw(r, "chunks") {
				c := packettest.Chunk(uint8(rapid.IntRange(0, 16).Draw(r, "type")), uint8(rapid.IntRange(0, 1).Draw(r, "flags")), rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(r, "body")...)
				if rapid.IntRange(0, 9).Draw(r, "lie") == 0 {
					c[2], c[3] = rapid.Byte().Draw(r, "length"), rapid.Byte().Draw(r, "length")
				}
				chunks = append(chunks, c)
			}
			side := rapid.SampledFrom([]func(uint32, ...[]byte) []byte{sctpC, sctpS}).Draw(r, "side")
			f := side(rapid.Uint32Range(0, 3).Draw(r, "tag"), chunks...)
			f = f[:rapid.IntRange(34, len(f)).Draw(r, "cut")]
			b.in(f)
			for _, c := range b.All(b.now) {
				if c.SCTP().State == SCTPNone || c.SCTP().State >= numSCTPStates {
					r.Fatalf("state %d", c.SCTP().State)
				}
			}
		}
	})
}

func TestSCTPAllocates(t *testing.T) {
	b := newBed(t)
	b.sctpRun(sctpUp)
	f := sctpC(0x22, heartbeat, dataChunk)
	var h packet.Headers
	packet.Parse(f, &h)
	h.Hash = b.Hash(&h.Tuple)
	if n := testing.AllocsPerRun(100, func() {
		var ct packet.CT
		b.now += 1e6
		b.In(b.now, f, &h, 0, &ct)
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkSCTP(b *testing.B) {
	bed := newBed(b)
	bed.sctpRun(sctpUp)
	f := sctpC(0x22, dataChunk)
	var h packet.Headers
	packet.Parse(f, &h)
	h.Hash = bed.Hash(&h.Tuple)
	var ct packet.CT
	for b.Loop() {
		bed.In(bed.now, f, &h, 0, &ct)
	}
}
