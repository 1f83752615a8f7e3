package conntrack

import (
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// bed is a tracker under test with a scripted clock.
type bed struct {
	testing.TB
	*Tracker
	now int64
}

func newBed(t testing.TB, sysctls ...string) *bed {
	t.Helper()
	b := &bed{TB: t, Tracker: New(Config{Seed: [2]uint64{3, 4}, MaxConns: 4096}), now: 1e9}
	for _, s := range sysctls {
		name, value, _ := strings.Cut(s, "=")
		if err := b.Settings().Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// in judges a frame a millisecond after the last and commits what is new.
func (b *bed) in(frame []byte) string {
	b.now += 1e6
	return b.inZone(frame, 0, true)
}

func (b *bed) inZone(frame []byte, zone uint16, commit bool) string {
	b.Helper()
	var h packet.Headers
	var ct packet.CT
	packet.Parse(frame, &h)
	h.Hash = b.Hash(&h.Tuple)
	if r := b.In(b.now, frame, &h, zone, &ct); r != Accept {
		return r.String()
	}
	state := "inv"
	if ct.Conn != 0 {
		state = map[packet.CTInfo]string{
			packet.CTNew: "new", packet.CTEstablished: "est", packet.CTEstablishedReply: "est+rpl",
			packet.CTRelated: "rel", packet.CTRelatedReply: "rel+rpl",
		}[ct.Info]
		if commit && (state == "new" || state == "rel") {
			if r := b.Confirm(b.now, &ct); r != Accept {
				b.Discard(&ct)
				return r.String()
			}
		}
	}
	b.Discard(&ct)
	if errs := b.Check(); len(errs) != 0 {
		b.Fatal(errs)
	}
	return state
}

// only returns the single live connection, nil if there is none.
func (b *bed) only() *Conn {
	b.Helper()
	var found *Conn
	for _, c := range b.All(b.now) {
		if found != nil {
			b.Fatal("more than one connection")
		}
		found = c
	}
	return found
}

// left is the connection's remaining time, rounded to seconds.
func (b *bed) left() int64 {
	c := b.only()
	if c == nil {
		return -1
	}
	return (c.Timeout - b.now + second/2) / second
}

const (
	cAddr = "10.0.0.1"
	sAddr = "10.0.0.2"
)

type seg = packettest.Segment

func data(n int) string { return strings.Repeat("x", n) }

// c and s make segments of the one connection 10.0.0.1:40000 - 10.0.0.2:80.
func c(flags string, seq, ack uint32, more ...seg) []byte {
	return between(cAddr, sAddr, 40000, 80, flags, seq, ack, more)
}

func s(flags string, seq, ack uint32, more ...seg) []byte {
	return between(sAddr, cAddr, 80, 40000, flags, seq, ack, more)
}

func between(src, dst string, sport, dport uint16, flags string, seq, ack uint32, more []seg) []byte {
	var g seg
	if len(more) > 0 {
		g = more[0]
	}
	g.SPort, g.DPort, g.Flags, g.Seq, g.Ack = sport, dport, flags, seq, ack
	return packettest.IP(src, dst, packet.ProtoTCP, g.Bytes())
}

// establish runs the handshake: client's next is 1001, server's 5001.
func (b *bed) establish() {
	b.Helper()
	for i, want := range []string{"new", "est+rpl", "est"} {
		f := [][]byte{c("S", 1000, 0), s("SA", 5000, 1001), c("A", 1001, 5001)}[i]
		if got := b.in(f); got != want {
			b.Fatalf("handshake packet %d: %s, want %s", i+1, got, want)
		}
	}
}
