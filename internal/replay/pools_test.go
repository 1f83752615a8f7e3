package replay

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestNATPools: a range that is used up is reported with the server it is
// fullest towards, one with room is not, and the packets that found no port are
// counted.
func TestNATPools(t *testing.T) {
	o := Options{
		Policy: file(t, "p.tc", lines(
			"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct nat pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk+new dst_ip 198.51.100.0/24 action ct commit nat src addr 192.0.2.1-192.0.2.2 port 1000-1001 pipe action mirred egress redirect dev b",
			"filter add dev a ingress prio 2 chain 2 proto ip flower ct_state +trk+new action ct commit nat src addr 192.0.2.9 pipe action mirred egress redirect dev b",
		)),
	}
	var packets []packetAt
	send := func(n int, to string) {
		for i := range n {
			packets = append(packets, packetAt{time: int64(1e9 + len(packets)), data: packettest.UDP(fmt.Sprintf("10.0.%d.1", i), to, 2000, 53, "q")})
		}
	}
	run := func() *Report {
		o.Inputs = []Input{{File: file(t, "c.pcap", pcap(1, packets...)), Device: "a"}}
		return mustRun(t, o)
	}
	send(3, "203.0.113.1")
	send(1, "198.51.100.1")
	if r := run(); len(r.NATPools) != 0 || r.Conntrack.NATExhausted != 0 {
		t.Errorf("%+v, %d", r.NATPools, r.Conntrack.NATExhausted)
	}
	// An address is chosen by the client's and the server's; with many clients
	// both addresses of the pool are used up.
	send(20, "198.51.100.2")
	r := run()
	want := PoolReport{"192.0.2.1-192.0.2.2 port 1000-1001", 0, 17, netip.MustParseAddrPort("198.51.100.2:53"), 4, 4}
	if len(r.NATPools) != 1 || r.NATPools[0] != want || r.Conntrack.NATExhausted != 16 {
		t.Errorf("%+v, %d, want %+v, 16", r.NATPools, r.Conntrack.NATExhausted, want)
	}
	var b strings.Builder
	if err := r.WriteText(&b, 0); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"192.0.2.1-192.0.2.2 port 1000-1001     0  198.51.100.2:53     17     4   4", "nat_exhausted", "ct: no free port for translation"} {
		if !strings.Contains(b.String(), s) {
			t.Errorf("the report has no %q:\n%s", s, b.String())
		}
	}
}

func TestPoolSize(t *testing.T) {
	for _, c := range []struct {
		min, max string
		lo, hi   uint16
		want     uint64
	}{
		{"192.0.2.1", "192.0.2.1", 7, 7, 1},
		{"192.0.2.255", "192.0.3.0", 0, 65535, 131072},
		{"0.0.0.0", "255.255.255.255", 0, 65535, 1 << 48},
		{"fd00::", "fd00::ffff", 1, 2, 131072},
		{"fd00::", "fd01::", 0, 65535, 1 << 63},
	} {
		a, b := netip.MustParseAddr(c.min), netip.MustParseAddr(c.max)
		pl := pool{min: packet.AddrFrom(a), max: packet.AddrFrom(b), family: packet.IPv6, lo: c.lo, hi: c.hi}
		if a.Is4() {
			pl.family = packet.IPv4
		}
		if got := pl.size(); got != c.want {
			t.Errorf("%s: %d, want %d", pl.text(), got, c.want)
		}
	}
}
