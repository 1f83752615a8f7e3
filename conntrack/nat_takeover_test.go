package conntrack

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestMayTake holds nf_nat_core.c nf_nat_may_kill and nf_seq_has_advanced to
// every state, every status bit, and numbers around the old connection's.
func TestMayTake(t *testing.T) {
	base := func() *Conn {
		c := &Conn{Status: StatusConfirmed | StatusSeenReply | StatusAssured | StatusSrcNAT | StatusSrcNATDone}
		c.TCP.State, c.TCP.Seen[0].End = TCPTimeWait, 1000
		return c
	}
	for state := range uint8(NumTCPStates) {
		c := base()
		c.TCP.State = state
		want := slices.Contains([]uint8{TCPTimeWait, TCPClose, TCPSynSent2}, state)
		if got := c.mayTake(1, 1001); got != want {
			t.Errorf("%s: %v", TCPStateNames[state], got)
		}
	}
	for bit := range 16 {
		c := base()
		c.Status ^= 1 << bit
		want := !slices.Contains([]uint16{StatusSrcNAT, StatusDying, StatusFixedTimeout, StatusOffload, StatusHWOffload}, 1<<bit)
		if got := c.mayTake(1, 1001); got != want {
			t.Errorf("with status bit %d turned: %v", bit, got)
		}
	}
	for end, want := range map[uint32]bool{1000: false, 1001: true, 999: false, 1000 + 1<<31 - 1: true, 1000 + 1<<31 + 1: false} {
		if got := base().mayTake(1, end); got != want {
			t.Errorf("a SYN that ends at %d: %v", end, got)
		}
	}
	if base().mayTake(0, 1001) {
		t.Error("met in its original direction")
	}
}

// takeBed is a tracker, or one of two that share claims, with connections on
// the ports of a range.
type takeBed struct {
	*bed
	r    NATRange
	conn map[uint16]*Conn
}

const takeFirst = 5000 // port

// occupant is what a port of the range holds.
type occupant uint8

const (
	nobody   occupant = iota
	open              // an established connection
	closing           // one in TIME_WAIT whose numbers are behind
	ahead             // one in TIME_WAIT whose numbers are ahead
	occupies          // how many there are
)

// occupy puts a connection on a port.
func (b *takeBed) put(port uint16, what occupant) {
	if what == nobody {
		return
	}
	r := b.r
	r.MinPort, r.MaxPort = port, port
	f := packettest.TCP(fmt.Sprintf("10.1.%d.%d", port>>8, port&255), sAddr, 7, 80, "S", 1000, 0, "")
	if b.translate(f, 0, &r) == nil {
		b.Fatalf("port %d is not to be had", port)
	}
	reply := packet.Tuple{Src: b.dst(), Dst: b.r.Min, SPort: 80, DPort: port, Proto: packet.ProtoTCP, Family: packet.IPv4}
	_, c, dir := b.Find(&reply, b.Hash(&reply), 0, b.now)
	if c == nil || dir != 1 {
		b.Fatalf("port %d is not its connection's", port)
	}
	c.Timeout = b.now + 1000*second
	c.Status |= StatusSeenReply | StatusAssured
	c.TCP.State = TCPTimeWait
	switch what {
	case open:
		c.TCP.State = TCPEstablished
	case ahead:
		c.TCP.Seen[0].End = 1 << 30
	}
	b.conn[port] = c
}

func (b *takeBed) dst() packet.Addr {
	var h packet.Headers
	packet.Parse(packettest.UDP(sAddr, sAddr, 1, 1, ""), &h)
	return h.Tuple.Dst
}

// chosen is the port that the kernel's rules give a SYN, by a source of random
// numbers in the tracker's state: 0 if none.
func chosen(rng *rand.Rand, ports []occupant) uint16 {
	size := uint32(len(ports))
	try := func(i uint32, hard bool) uint16 {
		if what := ports[i%size]; what == nobody || hard && what == closing {
			return takeFirst + uint16(i%size)
		}
		return 0
	}
	off := rng.Uint32() & 0xffff
	if size <= 128 {
		for i := range size {
			if p := try(off+i, size-i <= 32); p != 0 {
				return p
			}
		}
		return 0
	}
	for i := range size {
		if p := try(off+i, false); p != 0 {
			return p
		}
	}
	for _, window := range []uint32{128, 64, 32, 16, 8} {
		off := rng.Uint32() & 0xffff
		for i := range min(window, 32) {
			if p := try(off+i, true); p != 0 {
				return p
			}
		}
	}
	return 0
}

// TestTakeOver compares the port that a SYN is given with the kernel's rules,
// for any occupation of a range: the port, the connection that ended for it and
// how that was told. A saved and restored tracker does the same.
func TestTakeOver(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := &takeBed{bed: newBed(t), r: *addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), conn: map[uint16]*Conn{}}
		b.Listen(10000)
		size := rapid.SampledFrom([]int{1, 2, 31, 32, 33, 64, 65, 100, 127, 128, 129, 200, 400}).Draw(rt, "ports")
		b.r.HasPort = true
		ports := make([]occupant, size)
		common := occupant(rapid.IntRange(1, int(occupies)-1).Draw(rt, "common"))
		for i := range ports {
			ports[i] = common
		}
		for range rapid.IntRange(0, 8).Draw(rt, "others") {
			ports[rapid.IntRange(0, size-1).Draw(rt, "at")] = occupant(rapid.IntRange(0, int(occupies)-1).Draw(rt, "what"))
		}
		for i, what := range ports {
			b.put(takeFirst+uint16(i), what)
		}
		b.r.MinPort, b.r.MaxPort = takeFirst, takeFirst+uint16(size)-1
		if rapid.Bool().Draw(rt, "restored") {
			var conns []Saved
			for s := range b.Saved() {
				conns = append(conns, s)
			}
			next := New(Config{Seed: [2]uint64{3, 4}, MaxConns: 4096})
			if err := next.Resume(b.Ledger(), conns); err != nil {
				rt.Fatal(err)
			}
			next.Listen(10000)
			b.Tracker = next
		}
		pcg := *b.pcg
		want := chosen(rand.New(&pcg), ports)
		seen, before := b.events.total, b.Len()
		f := b.translate(packettest.TCP("10.2.0.1", sAddr, 7, 80, "S", 2000, 0, ""), 0, &b.r)
		got := uint16(0)
		if f != nil {
			var h packet.Headers
			packet.Parse(f, &h)
			got = h.Tuple.SPort
		}
		if got != want {
			rt.Fatalf("port %d, want %d", got, want)
		}
		took := got != 0 && ports[got-takeFirst] != nobody
		var ended []Event
		for _, e := range b.Events(seen) {
			if e.What&EventDestroy != 0 {
				ended = append(ended, *e)
			}
		}
		if took != (len(ended) == 1) || len(ended) > 1 {
			rt.Fatalf("%d connections ended, one was taken from: %v", len(ended), took)
		}
		if took && (ended[0].Reply.DPort != got || ended[0].Expired || ended[0].Time != b.now) {
			rt.Fatalf("told at %d: %+v", b.now, ended[0])
		}
		grown := 0
		if got != 0 && !took {
			grown = 1
		}
		if b.Len() != before+grown {
			rt.Fatalf("%d connections of %d", b.Len(), before)
		}
		if errs := b.Check(); len(errs) != 0 {
			rt.Fatal(errs)
		}
	})
}

// TestOnlyASYNTakesOver: what is picked up in its middle, and what is no TCP,
// finds no port where all are closing connections'.
func TestOnlyASYNTakesOver(t *testing.T) {
	for flags, want := range map[string]bool{"S": true, "A": false, "SA": false} {
		b := &takeBed{bed: newBed(t), r: *addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), conn: map[uint16]*Conn{}}
		b.r.HasPort, b.r.MinPort, b.r.MaxPort = true, takeFirst, takeFirst
		b.put(takeFirst, closing)
		if got := b.translate(packettest.TCP("10.2.0.1", sAddr, 7, 80, flags, 2000, 1, ""), 0, &b.r) != nil; got != want {
			t.Errorf("%s: %v", flags, got)
		}
	}
}

// TestTakeOverElsewhere: the closing connection may be another tracker's.
func TestTakeOverElsewhere(t *testing.T) {
	for _, what := range []occupant{open, closing, ahead} {
		set := DefaultSettings()
		set.Max = 4096
		s := NewShared(2, [2]uint64{3, 4}, set)
		var beds [2]*takeBed
		for i := range beds {
			tr := New(Config{Seed: [2]uint64{3, 4}, Settings: set, Shared: s, Member: i})
			tr.Listen(100)
			beds[i] = &takeBed{bed: &bed{TB: t, Tracker: tr, now: 1e9}, r: *addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), conn: map[uint16]*Conn{}}
			beds[i].r.HasPort, beds[i].r.MinPort, beds[i].r.MaxPort = true, takeFirst, takeFirst
		}
		s.Stop()
		s.Translate()
		s.Resume()
		b, o := beds[1], beds[0]
		o.Lock()
		o.put(takeFirst, what)
		o.Unlock()
		b.Lock()
		got := b.translate(packettest.TCP("10.2.0.1", sAddr, 7, 80, "S", 2000, 0, ""), 0, &b.r) != nil
		b.Unlock()
		if want := what == closing; got != want {
			t.Errorf("occupant %d: %v", what, got)
		} else if want && (o.Len() != 0 || b.Len() != 1 || o.Stats().Delete != 1) {
			t.Errorf("%d and %d connections", o.Len(), b.Len())
		}
		s.Stop()
		if errs := s.Check(); len(errs) != 0 {
			t.Error(errs)
		}
	}
}
