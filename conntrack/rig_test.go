package conntrack

import (
	"encoding/binary"
	"strings"
	"testing"

	"sluice/packet"
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
		if commit && state == "new" {
			if r := b.Confirm(b.now, &ct); r != Accept {
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

func sum16of(acc uint64, b []byte) uint16 { return fold(sum(acc, b)) }

func v4(s string) []byte {
	out := make([]byte, 0, 4)
	for p := range strings.SplitSeq(s, ".") {
		n := 0
		for _, c := range p {
			n = n*10 + int(c-'0')
		}
		out = append(out, byte(n))
	}
	return out
}

// ip4 makes an Ethernet/IPv4 frame with right checksums.
func ip4(src, dst string, proto byte, l4 []byte) []byte {
	f := make([]byte, 34, 34+len(l4))
	copy(f, "\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a\x08\x00\x45\x00")
	binary.BigEndian.PutUint16(f[16:], uint16(20+len(l4)))
	f[22], f[23] = 64, proto
	copy(f[26:30], v4(src))
	copy(f[30:34], v4(dst))
	binary.BigEndian.PutUint16(f[24:], ^sum16of(0, f[14:34]))
	f = append(f, l4...)
	pseudo := sum(0, f[26:34]) + uint64(proto) + uint64(len(l4))
	switch proto {
	case packet.ProtoTCP:
		binary.BigEndian.PutUint16(f[34+16:], ^sum16of(pseudo, l4))
	case packet.ProtoUDP:
		binary.BigEndian.PutUint16(f[34+6:], ^sum16of(pseudo, l4))
	case packet.ProtoICMP:
		binary.BigEndian.PutUint16(f[34+2:], ^sum16of(0, l4))
	}
	return f
}

// opts are a segment's less common parts.
type opts struct {
	win     int // 0: 65535
	zeroWin bool
	data    int
	options []byte
}

func tcpHeader(sp, dp uint16, flags string, seq, ack uint32, o opts) []byte {
	h := make([]byte, 20+len(o.options)+o.data)
	binary.BigEndian.PutUint16(h[0:], sp)
	binary.BigEndian.PutUint16(h[2:], dp)
	binary.BigEndian.PutUint32(h[4:], seq)
	binary.BigEndian.PutUint32(h[8:], ack)
	h[12] = byte(20+len(o.options)) / 4 << 4
	for i, c := range "FSRPAUEC" {
		if strings.ContainsRune(flags, c) {
			h[13] |= 1 << i
		}
	}
	win := o.win
	if win == 0 && !o.zeroWin {
		win = 65535
	}
	binary.BigEndian.PutUint16(h[14:], uint16(win))
	copy(h[20:], o.options)
	return h
}

// c and s make segments of the one connection 10.0.0.1:40000 - 10.0.0.2:80.
func c(flags string, seq, ack uint32, o ...opts) []byte {
	return ip4(cAddr, sAddr, packet.ProtoTCP, tcpHeader(40000, 80, flags, seq, ack, one(o)))
}

func s(flags string, seq, ack uint32, o ...opts) []byte {
	return ip4(sAddr, cAddr, packet.ProtoTCP, tcpHeader(80, 40000, flags, seq, ack, one(o)))
}

func one(o []opts) opts {
	if len(o) > 0 {
		return o[0]
	}
	return opts{}
}

func udp(src, dst string, sp, dp uint16, n int) []byte {
	h := make([]byte, 8+n)
	binary.BigEndian.PutUint16(h[0:], sp)
	binary.BigEndian.PutUint16(h[2:], dp)
	binary.BigEndian.PutUint16(h[4:], uint16(8+n))
	return ip4(src, dst, packet.ProtoUDP, h)
}

func icmpMsg(src, dst string, typ, code byte, rest uint32, data []byte) []byte {
	h := make([]byte, 8, 8+len(data))
	h[0], h[1] = typ, code
	binary.BigEndian.PutUint32(h[4:], rest)
	return ip4(src, dst, packet.ProtoICMP, append(h, data...))
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
