package packet_test

import (
	"bytes"
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
