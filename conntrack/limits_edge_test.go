package conntrack

import (
	"testing"

	"sluice/packet"
)

// TestSourceIsForgottenOnTime: an idle source's rate is nothing exactly Per after
// it was brought up to date, and not a nanosecond before (sources.go begin).
func TestSourceIsForgottenOnTime(t *testing.T) {
	for early, want := range map[int64]int{1: 2, 0: 1} {
		b := limited(t, 4096, [2]string{"source", "zone=0,new=5/10"})
		b.now = 100 * second
		b.inZone(flowFrom("10.0.0.1", 1000), 0, true)
		for ref := range b.All(b.now) {
			b.Kill(ref)
		}
		b.now += 10*second - early
		b.inZone(flowFrom("10.0.0.2", 1000), 0, true)
		if got := b.lim.src.live; got != want {
			t.Errorf("%d ns before its time: %d sources are known, want %d", early, got, want)
		}
	}
}

// TestMayExpire: a connection that the flow table holds may end by the larger of
// the table's timeouts before its deadline or its timeout, whichever is first.
func TestMayExpire(t *testing.T) {
	b := newBed(t)
	for _, c := range []struct {
		tcp, udp, timeout, deadline, want int64
		offloaded                         bool
	}{
		{30, 20, 100, 90, 70, false},
		{20, 30, 100, 90, 70, false},
		{30, 20, 100, 90, 60, true},
		{20, 30, 80, 90, 50, true},
	} {
		b.Settings().FlowtableTCPTimeout, b.Settings().FlowtableUDPTimeout = c.tcp, c.udp
		conn := &Conn{Timeout: c.timeout, FlowDeadline: c.deadline, Orig: packet.Tuple{Proto: packet.ProtoUDP}}
		if c.offloaded {
			conn.Status = StatusOffload
		}
		if got := b.mayExpire(conn); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
