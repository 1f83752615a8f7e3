package bench

import (
	"strings"
	"testing"
	"time"
)

func TestWorkers(t *testing.T) {
	for _, o := range []Options{
		{Conns: 3000, Workload: "established"},
		{Conns: 3000, Workload: "mixed", Workers: 3},
		{Conns: 4 * batch * 256 * 2, Workload: "new"},
	} {
		t.Run(o.Workload, func(t *testing.T) {
			if testing.Short() && o.Workload == "new" {
				t.Skip("begins 260,000 connections")
			}
			o.For, o.Seed = time.Millisecond, 1
			res, err := Workers(o)
			if err != nil {
				t.Fatal(err)
			}
			want := max(o.Workers, 2)
			if res.Workers != want || res.Name != "workers" || res.Workload != o.Workload || res.Conns != max(o.Conns, connsPerWorker*want) {
				t.Errorf("%+v", res)
			}
			if res.NsPerPacket <= 0 || res.PlainNsPerPacket <= 0 || res.CoreNsPerPacket <= 0 || res.PlainCoreNsPerPacket <= 0 {
				t.Errorf("no time is said to have passed: %+v", res)
			}
			if got := res.PlainNsPerPacket / res.NsPerPacket; res.Speedup != got {
				t.Errorf("speedup %v, want %v", res.Speedup, got)
			}
			if least := uint64((want + 1) * batch * 256); res.Packets < least {
				t.Errorf("%d packets, want %d", res.Packets, least)
			}
		})
	}
	for _, x := range []struct {
		o    Options
		want string
	}{
		{Options{Conns: 1000, Workers: 1}, "1 workers: want 2 to 254"},
		{Options{Conns: 1000, Workers: 255}, "255 workers"},
		{Options{Conns: 1000, Workload: "nap"}, `workload "nap": want one of established, new, mixed`},
		{Options{Conns: 1000, Workload: "new"}, "1000 connections: want 131072"},
	} {
		if _, err := Workers(x.o); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%+v: %v, want %q", x.o, err, x.want)
		}
	}
}
