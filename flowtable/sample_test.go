package flowtable_test

import (
	"fmt"
	"testing"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/packet"
	"sluice/packet/packettest"
)

// knownTCP has the tracker know an established TCP connection.
func knownTCP(tb testing.TB, tr *conntrack.Tracker, i int) packet.ConnRef {
	tb.Helper()
	client, server, port := fmt.Sprintf("10.1.%d.%d", i>>8&255, i&255), "10.0.0.2", uint16(1024+i>>16)
	var ref packet.ConnRef
	for _, frame := range [][]byte{
		packettest.TCP(client, server, port, 80, "S", 1000, 0, ""),
		packettest.TCP(server, client, 80, port, "SA", 5000, 1001, ""),
		packettest.TCP(client, server, port, 80, "A", 1001, 5001, ""),
	} {
		var h packet.Headers
		var ct packet.CT
		packet.Parse(frame, &h)
		h.Hash = tr.Hash(&h.Tuple)
		if tr.In(0, frame, &h, 0, &ct) != conntrack.Accept || tr.Confirm(0, &ct) != conntrack.Accept {
			tb.Fatal("not accepted")
		}
		ref = ct.Conn
	}
	return ref
}

// TestSampling: with the paper's timeouts, K is 180 s for UDP and 3600 s for
// TCP (RFC part 2, Netfilter changes 4). Devices are asked for 2N/K flows of
// each a second, and every flow is asked for twice in its K.
func TestSampling(t *testing.T) {
	const n = 3600
	for _, c := range []struct {
		name     string
		udp, tcp int
		seconds  int64
		want     int
	}{
		{"A128_X9_udp_every_180_seconds", n, 0, 180, 2 * n},
		{"A128_tcp_every_3600_seconds", 0, n, 3600, 2 * n},
		{"A128_both_by_their_own", n, n, 3600, 2*n + 40*n},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := conntrack.New(conntrack.Config{MaxConns: 2*n + 1})
			if err := tr.Settings().SetProfile("paper"); err != nil {
				t.Fatal(err)
			}
			set := flowtable.New(tr)
			table, f := set.Acquire(0, 0), &fast{}
			set.Age(flowtable.Sample)
			table.Register(0, fastProber{f})
			for i := range max(c.udp, c.tcp) {
				if i < c.udp {
					tu := packet.Tuple{Proto: packet.ProtoUDP, Family: packet.IPv4, SPort: uint16(i), DPort: 80, Src: packet.Addr{10}, Dst: packet.Addr{11}}
					table.Offer(1, known(t, tr, tu), packet.CTEstablished, 0)
				}
				if i < c.tcp {
					table.Offer(1, knownTCP(t, tr, i), packet.CTEstablished, 0)
				}
				set.Pump(1)
			}
			set.Pump(1)
			if set.InDevices() != c.udp+c.tcp {
				t.Fatalf("%d of %d in the device", set.InDevices(), c.udp+c.tcp)
			}
			f.reads = 0
			now := int64(1)
			for range c.seconds * 2 {
				now += 5e8
				set.Tick(now, 8192)
			}
			if f.reads < c.want-c.want/50 || f.reads > c.want+c.want/50 {
				t.Errorf("%d flows were asked for in %d s, want %d", f.reads, c.seconds, c.want)
			}
			if set.Len() != c.udp+c.tcp {
				t.Errorf("%d flows of %d are left: some were not seen in time", set.Len(), c.udp+c.tcp)
			}
		})
	}
}
