package packet_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestReplacePayload expects the frame that would have been built with the
// other payload.
func TestReplacePayload(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		data := rapid.StringN(0, 40, 40).Draw(rt, "payload")
		at := rapid.IntRange(0, len(data)).Draw(rt, "at")
		n := rapid.IntRange(0, len(data)-at).Draw(rt, "length")
		s := rapid.StringN(0, 40, 40).Draw(rt, "replacement")
		want := data[:at] + s + data[at+n:]
		v6, udp := rapid.Bool().Draw(rt, "ipv6"), rapid.Bool().Draw(rt, "udp")
		build := func(data string) []byte {
			src, dst := "10.0.0.1", "10.0.0.2"
			if v6 {
				src, dst = "fd00::1", "fd00::2"
			}
			if udp {
				return packettest.UDP(src, dst, 5060, 5060, data)
			}
			return packettest.TCP(src, dst, 21, 40000, "PA", 7, 9, data)
		}
		f := append(build(data), make([]byte, rapid.IntRange(0, 6).Draw(rt, "padding"))...)
		var h, again packet.Headers
		packet.Parse(f, &h)
		buf := make([]byte, 2000)
		f = packet.ReplacePayload(f, buf, &h, at, n, []byte(s))
		if !bytes.Equal(f[:h.End], build(want)) {
			rt.Fatalf("%q with %d bytes at %d replaced by %q:\n%x\nwant\n%x", data, n, at, s, f, build(want))
		}
		// Once more, where the frame lies now.
		at = rapid.IntRange(0, len(want)).Draw(rt, "at, again")
		n = rapid.IntRange(0, len(want)-at).Draw(rt, "length, again")
		s = rapid.StringN(0, 40, 40).Draw(rt, "replacement, again")
		was := want
		want = want[:at] + s + want[at+n:]
		f = packet.ReplacePayload(f, buf, &h, at, n, []byte(s))
		if !bytes.Equal(f[:h.End], build(want)) {
			rt.Fatalf("%q with %d bytes at %d replaced by %q, again:\n%x\nwant\n%x", was, n, at, s, f, build(want))
		}
		packet.Parse(f, &again)
		if h.End != again.End || h.IPLen != again.IPLen || h.Payload != again.Payload || h.Len != again.Len {
			rt.Fatalf("headers %+v, the frame says %+v", h, again)
		}
	})
}

// TestSumPayload: which transport gets a checksum.
func TestSumPayload(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		at    int
		zero  bool // before
		want  string
	}{
		{"tcp", packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "A", 1, 2, "data"), 50, true, "right"},
		{"udp", packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "data"), 40, false, "right"},
		{"udp without", packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "data"), 40, true, "zero"},
		{"udp over IPv6", packettest.UDP("fd00::1", "fd00::2", 1, 2, "data"), 60, true, "right"}, // RFC 8200, section 8.1: there must be one
		{"tcp over IPv6", packettest.TCP("fd00::1", "fd00::2", 1, 2, "A", 1, 2, "data"), 70, true, "right"},
		{"ospf has none", packettest.IP("10.0.0.1", "10.0.0.2", 89, []byte("0123456789abcdef")), 36, false, "untouched"},
	} {
		t.Run(c.name, func(t *testing.T) {
			right := bytes.Clone(c.frame[c.at : c.at+2])
			if c.zero {
				c.frame[c.at], c.frame[c.at+1] = 0, 0
			} else if c.want == "right" {
				c.frame[c.at]++ // stale
			}
			before := bytes.Clone(c.frame)
			var h packet.Headers
			packet.Parse(c.frame, &h)
			packet.SumPayload(c.frame, &h)
			switch got := c.frame[c.at : c.at+2]; c.want {
			case "right":
				if !bytes.Equal(got, right) {
					t.Errorf("%x, want %x", got, right)
				}
			default:
				if !bytes.Equal(c.frame, before) {
					t.Errorf("%x, want %x", c.frame, before)
				}
			}
		})
	}
	// One that comes to zero: 0xffff in UDP (RFC 768), zero in TCP.
	for frame, want := range map[string]uint16{
		string(packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, "\x00\x00")):            0xffff,
		string(packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "A", 1, 2, "\x00\x00")): 0,
	} {
		f := []byte(frame)
		var h packet.Headers
		packet.Parse(f, &h)
		at := int(h.L4) + packet.ChecksumOffset(h.Proto)
		copy(f[len(f)-2:], f[at:at+2])
		packet.SumPayload(f, &h)
		if got := binary.BigEndian.Uint16(f[at:]); got != want {
			t.Errorf("protocol %d: %#x, want %#x", h.Proto, got, want)
		}
	}
}

// TestSpliceSameLength: a payload that keeps its length stays in the frame,
// without what lies behind the packet.
func TestSpliceSameLength(t *testing.T) {
	f := append(packettest.TCP("10.0.0.1", "10.0.0.2", 21, 2, "A", 0x01020304, 2, "some data"), "padding"...)
	var h packet.Headers
	packet.Parse(f, &h)
	got := packet.SplicePayload(f, nil, &h, 5, 4, []byte("DATA"))
	want := packettest.TCP("10.0.0.1", "10.0.0.2", 21, 2, "A", 0x01020304, 2, "some DATA")
	copy(want[50:52], f[50:52]) // SumPayload's part
	if !bytes.Equal(got, want) || int(h.Len) != len(want) {
		t.Errorf("%x, length %d, want %x, %d", got, h.Len, want, len(want))
	}
	if seq := packet.TCPSeq(f[h.L4:]); seq != 0x01020304 {
		t.Errorf("sequence number %#x", seq)
	}
}
