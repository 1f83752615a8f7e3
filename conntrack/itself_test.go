package conntrack

import (
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestToItself: of a connection whose tuple is its own reply's every packet but
// the first is a reply: the kernel puts the reply in front of the original and
// finds it first (nf_conntrack_core.c __nf_conntrack_hash_insert).
func TestToItself(t *testing.T) {
	tcp := func(flags string, seq, ack uint32) []byte { return between(cAddr, cAddr, 7, 7, flags, seq, ack, nil) }
	other := func(proto uint8) []byte { return packettest.IP(cAddr, cAddr, proto, make([]byte, 20)) }
	for _, tc := range []struct {
		name   string
		frames [][]byte
		want   []string
		state  string
	}{
		{"UDP", [][]byte{packettest.UDP(cAddr, cAddr, 7, 7, "x"), packettest.UDP(cAddr, cAddr, 7, 7, "x"), packettest.UDP(cAddr, cAddr, 7, 7, "x")}, []string{"new", "est+rpl", "est+rpl"}, ""},
		{"UDP over IPv6", [][]byte{packettest.UDP("fd00::1", "fd00::1", 7, 7, "x"), packettest.UDP("fd00::1", "fd00::1", 7, 7, "x")}, []string{"new", "est+rpl"}, ""},
		{"TCP", [][]byte{tcp("S", 1000, 0), tcp("S", 1000, 0), tcp("SA", 1000, 1001), tcp("A", 1001, 1001)}, []string{"new", "est+rpl", "est+rpl", "est+rpl"}, "ESTABLISHED"},
		{"without ports", [][]byte{other(89), other(89), other(89)}, []string{"new", "est+rpl", "est+rpl"}, ""},
		{"other ports are another way back", [][]byte{packettest.UDP(cAddr, cAddr, 7, 8, "x"), packettest.UDP(cAddr, cAddr, 7, 8, "x"), packettest.UDP(cAddr, cAddr, 8, 7, "x")}, []string{"new", "new", "est+rpl"}, ""},
		{"the same ports of two hosts", [][]byte{packettest.UDP(cAddr, sAddr, 7, 7, "x"), packettest.UDP(cAddr, sAddr, 7, 7, "x")}, []string{"new", "new"}, ""},
		{"ICMP answers have another type", [][]byte{packettest.ICMP(cAddr, cAddr, 8, 0, 7<<16|1, nil), packettest.ICMP(cAddr, cAddr, 8, 0, 7<<16|1, nil), packettest.ICMP(cAddr, cAddr, 0, 0, 7<<16|1, nil)}, []string{"new", "new", "est+rpl"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t)
			for i, f := range tc.frames {
				if got := b.in(f); got != tc.want[i] {
					t.Errorf("packet %d: %s, want %s", i+1, got, tc.want[i])
				}
			}
			if got := b.only().StateName(); tc.state != "" && got != tc.state {
				t.Errorf("state %s, want %s", got, tc.state)
			}
		})
	}
}

// TestToItselfTranslated: a translation makes the way back another, and the
// original is an original again.
func TestToItselfTranslated(t *testing.T) {
	for _, status := range []uint16{0, StatusSrcNAT, StatusDstNAT} {
		c := Conn{Status: status, Orig: packet.Tuple{Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 1}, SPort: 7, DPort: 7, Proto: packet.ProtoUDP, Family: packet.IPv4}}
		if got := c.toItself(); got != (status == 0) {
			t.Errorf("status %#x: %v", status, got)
		}
	}
}

// TestToItselfError: an error about such a connection belongs to the reply, too.
func TestToItselfError(t *testing.T) {
	b := newBed(t)
	q := packettest.UDP(cAddr, cAddr, 7, 7, "x")
	b.in(q)
	if got := b.in(packettest.ICMP("10.0.0.9", cAddr, 3, 3, 0, q[14:])); got != "rel+rpl" {
		t.Error(got)
	}
}
