package conntrack

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

// TestSYNOpensAsAnySegment: the short way of a connection's first SYN makes of
// it what the way of all segments does.
func TestSYNOpensAsAnySegment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := New(Config{MaxConns: 16})
		for _, n := range []int{int(TCPSynSent), tcpRetrans} {
			tr.set.TCPTimeouts[n] = rapid.Int64Range(0, 400*second).Draw(t, "timeout")
		}
		tr.set.TCPMaxRetrans = rapid.Int64Range(0, 3).Draw(t, "retransmissions")
		options := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 3, 4, 10, 14}), 0, 12).Draw(t, "options")
		for len(options)%4 != 0 {
			options = append(options, 0)
		}
		frame := c("S", rapid.Uint32().Draw(t, "seq"), rapid.Uint32().Draw(t, "ack"), seg{
			Window: rapid.IntRange(0, 65535).Draw(t, "window"), ZeroWindow: true, Options: options, Data: data(rapid.IntRange(0, 40).Draw(t, "data")),
		})
		var conns [2]Conn
		for i := range conns {
			var h packet.Headers
			packet.Parse(frame, &h)
			b, _ := transport(frame, &h)
			c, ct := &conns[i], packet.CT{Conn: 1, Info: packet.CTNew}
			if c.Orig = h.Tuple; i == 1 {
				c.Status = StatusTemplate // nobody asks for it here, and it keeps the packet off the short way
			}
			if v := tr.tcp(5*second, frame, b, &h, c, &ct); v != valid {
				t.Fatal("verdict", v)
			}
		}
		if conns[1].Status &^= StatusTemplate; conns[0] != conns[1] {
			t.Fatalf("short: %+v\nlong: %+v", conns[0], conns[1])
		}
	})
}

// TestQuickChecksum: the sum of a plain IPv4 header and its pseudo header in one
// go is that of the pieces.
func TestQuickChecksum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := c("A", rapid.Uint32().Draw(t, "seq"), rapid.Uint32().Draw(t, "ack"), seg{Data: data(rapid.IntRange(0, 40).Draw(t, "data"))})
		for range rapid.IntRange(0, 3).Draw(t, "broken bytes") {
			frame[rapid.IntRange(24, len(frame)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		var h packet.Headers
		packet.Parse(frame, &h)
		b, ok := transport(frame, &h)
		if !ok || h.Proto != packet.ProtoTCP {
			return
		}
		ip := frame[h.L3:h.L4]
		s := packet.Sum(packet.PseudoSum(ip, h.Tuple.Family, h.Proto, len(b)), ip)
		if got, want := transportSum(frame, &h, b, len(b)), packet.Fold(packet.Sum(s, b)); got != want {
			t.Fatalf("%#x, want %#x", got, want)
		}
	})
}
