package conntrack

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestChecksumsOfTransports breaks what a checksum covers, one thing at a
// time, over both families.
func TestChecksumsOfTransports(t *testing.T) {
	for _, f := range []struct{ src, dst string }{{cAddr, sAddr}, {"fd00::1", "fd00::2"}} {
		icmp := uint8(8)
		if f.src != cAddr {
			icmp = 128
		}
		// Linux sums UDP-Lite's pseudo header with UDP's number.
		udplite := packettest.UDP(f.src, f.dst, 1000, 53, "payload")
		if f.src != cAddr {
			udplite[20] = packet.ProtoUDPLite
		} else {
			udplite[23] = packet.ProtoUDPLite
			udplite[24], udplite[25] = 0, 0
			binary.BigEndian.PutUint16(udplite[24:], packet.Checksum(udplite[14:34]))
		}
		for name, frame := range map[string][]byte{
			"tcp":  packettest.TCP(f.src, f.dst, 1000, 80, "S", 1, 0, "payload"),
			"udp":  packettest.UDP(f.src, f.dst, 1000, 53, "payload"),
			"lite": udplite,
			"icmp": packettest.ICMP(f.src, f.dst, icmp, 0, 7, []byte("payload")),
		} {
			var h packet.Headers
			packet.Parse(frame, &h)
			if got := newBed(t).in(bytes.Clone(frame)); got != "new" {
				t.Errorf("%s from %s: %s", name, f.src, got)
			}
			last := len(frame) - 1
			at := map[string]int{"payload": last, "transport header": int(h.L4), "source": int(h.L4) - 20, "destination": int(h.L4) - 4}
			if f.src == cAddr {
				at["source"], at["destination"] = 26, 30
			}
			for what, i := range at {
				bad := bytes.Clone(frame)
				bad[i] ^= 0x10
				if f.src == cAddr && (what == "source" || what == "destination") {
					if name == "icmp" {
						continue // no pseudo header
					}
					// The IPv4 header stays right: only the pseudo header is wrong.
					bad[24], bad[25] = 0, 0
					binary.BigEndian.PutUint16(bad[24:], packet.Checksum(bad[14:34]))
				}
				if got := newBed(t).in(bad); got != "inv" {
					t.Errorf("%s from %s with a wrong %s: %s", name, f.src, what, got)
				}
			}
		}
	}
}

// TestRedirect6: a redirect counts when it comes from a neighbour: from a
// link-local address, with the hop limit that no router leaves as it is
// (RFC 4861, 8.1).
func TestRedirect6(t *testing.T) {
	const host, server, router = "fd00::1", "fd00::2", "fe80::99"
	asked := packettest.UDP(host, server, 1000, 53, "question")
	body := append(make([]byte, 32), 4, byte((8+len(asked)-14)/8), 0, 0, 0, 0, 0, 0) // target and destination, then the option
	body = append(body, asked[14:]...)
	for _, w := range []struct {
		name string
		from string
		hop  byte
		want string
	}{
		{"from the router", router, 255, "rel"},
		{"through a router", router, 254, "inv"},
		{"not link-local", "fd00::99", 255, "inv"},
		{"3e80, a global address", "3e80::99", 255, "inv"},
		{"fec0, beside link-local", "fec0::99", 255, "inv"},
	} {
		b := newBed(t)
		b.in(asked)
		f := packettest.ICMP(w.from, host, 137, 0, 0, body)
		f[21] = w.hop
		if got := b.in(f); got[:3] != w.want {
			t.Errorf("%s: %s, want %s", w.name, got, w.want)
		}
	}
}
