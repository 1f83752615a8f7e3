package workers_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/workers"
)

// TestOneWorker lists what runs on one worker only, and that it says why.
func TestOneWorker(t *testing.T) {
	ct := "filter add dev a ingress prio 9 chain 0 proto ip flower action ct commit pipe action mirred egress redirect dev b"
	nat := "filter add dev a ingress prio 9 chain 0 proto ip flower action ct commit nat src addr 10.0.0.9 pipe action mirred egress redirect dev b"
	filter := func(actions string) string {
		return "filter add dev a ingress prio 1 chain 0 proto ip flower ip_proto tcp " + actions
	}
	for _, x := range []struct {
		name, want string // empty: several workers
		lines      []string
	}{
		{name: "stateless", lines: []string{filter("action mirred egress redirect dev b")}},
		{name: "tracking", lines: []string{ct}},
		{name: "translation", lines: []string{nat}},
		{name: "zones", lines: []string{ct, filter("action ct zone 4 pipe action ct commit zone 5 pipe action drop")}},
		{name: "police", want: "test.tc:1:77: police", lines: []string{filter("action police rate 1mbit burst 10k pipe action mirred egress redirect dev b")}},
		{name: "random", want: "test.tc:1:77: gact random netrand", lines: []string{filter("action pass random netrand drop 3")}},
		{name: "sample", want: "test.tc:1:77: sample", lines: []string{filter("action sample rate 10 group 1")}},
		{name: "helper", want: "test.tc:1:77: ct helper ipv4-tcp-ftp", lines: []string{filter("action ct commit helper ipv4-tcp-ftp pipe action drop")}},
		{name: "tunnel", want: "tunnel device vxlan0", lines: []string{"ip link add vxlan0 type vxlan external dstport 4789", ct}},
		{name: "labels", want: "test.tc:2:69: mpls", lines: []string{ct, "filter add dev a ingress prio 1 chain 0 proto mpls_uc flower action mpls pop protocol ip pipe action goto chain 2"}},
		{name: "labels untracked", lines: []string{"filter add dev a ingress prio 1 chain 0 proto mpls_uc flower action mpls pop protocol ip pipe action mirred egress redirect dev b"}},
		{name: "other ports", want: "test.tc:2:77: pedit changes", lines: []string{ct, filter("action pedit ex munge tcp dport set 80 pipe action goto chain 2")}},
		{name: "other addresses", want: "test.tc:2:77: pedit changes", lines: []string{ct, filter("action pedit ex munge ip src set 1.2.3.4 pipe action goto chain 2")}},
		{name: "routing", lines: []string{ct, filter("action pedit ex munge eth dst set 02:00:00:00:00:01 munge ip ttl add 0xff pipe action csum ip pipe action goto chain 2")}},
		{name: "class", lines: []string{ct, filter("action pedit ex munge ip tos set 8 pipe action csum ip pipe action goto chain 2")}},
		{name: "translation in zones", want: "translation, and 2 zones", lines: []string{nat, filter("action ct zone 4 pipe action drop")}},
		{name: "translated, then sent in", want: "mirred ingress", lines: []string{nat, filter("action mirred ingress redirect dev b")}},
		{name: "translated, cleared, then on", want: "test.tc:2:77: what follows ct clear", lines: []string{nat, filter("action ct clear pipe action goto chain 1")}},
		{name: "translated, cleared, then out", lines: []string{nat, filter("action ct clear pipe action mirred egress redirect dev b")}},
		{name: "translated, tracked on the way out", want: "test.tc:3:63: ct on the way out", lines: []string{nat, "qdisc add dev b clsact", "filter add dev b egress prio 1 chain 0 proto ip flower action ct pipe action ok"}},
		{name: "limits", want: "limits of zones and sources", lines: []string{ct}},
		{name: "adaptive", want: "adaptive timeouts", lines: []string{ct}},
	} {
		t.Run(x.name, func(t *testing.T) {
			settings := conntrack.DefaultSettings()
			switch x.name {
			case "limits":
				settings.ZoneLimit = 10
			case "adaptive":
				settings.AdaptiveStart, settings.AdaptiveEnd = 10, 20
			}
			s, err := workers.New(workers.Config{Workers: 4, Tracker: conntrack.Config{Settings: settings}})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Load(loadPolicy(t, x.lines), 1e9); err != nil {
				t.Fatal(err)
			}
			why := strings.Join(s.Why(), "; ")
			if x.want == "" {
				if why != "" || len(s.Workers()) != 4 {
					t.Errorf("%d workers: %s", len(s.Workers()), why)
				}
				return
			}
			if !strings.Contains(why, x.want) || len(s.Workers()) != 1 {
				t.Errorf("%d workers, because %q, want %q", len(s.Workers()), why, x.want)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	for _, n := range []int{-1, 0, 255} {
		if _, err := workers.New(workers.Config{Workers: n}); err == nil || !strings.Contains(err.Error(), "want 1 to 254") {
			t.Errorf("%d workers: %v", n, err)
		}
	}
}

// TestReload changes policies while several workers run.
func TestReload(t *testing.T) {
	j := newJudge(t, 3, 4096, datapathtest.HTTPPolicy)
	handshake := func(port uint16, at int64) {
		j.send("uplink_rep", packettest.TCP("10.0.0.1", "10.0.0.2", port, 80, "S", 1000, 0, ""), at)
		j.send("vf0_rep", packettest.TCP("10.0.0.2", "10.0.0.1", 80, port, "SA", 5000, 1001, ""), at+1)
		j.send("uplink_rep", packettest.TCP("10.0.0.1", "10.0.0.2", port, 80, "A", 1001, 5001, ""), at+2)
	}
	for port := range uint16(64) {
		handshake(1000+port, 2e9)
	}
	if n := j.set.Len(); n != 64 {
		t.Fatalf("%d connections", n)
	}
	t.Run("a_policy_for_one_worker_is_refused", func(t *testing.T) {
		err := j.set.Load(loadPolicy(t, []string{"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action police rate 1mbit burst 10k"}), 3e9)
		var one *workers.OneWorkerError
		if !errors.As(err, &one) || !strings.Contains(err.Error(), "police") {
			t.Fatal(err)
		}
		handshake(2000, 4e9) // by the policy that was there
		if n := j.set.Len(); n != 65 {
			t.Errorf("%d connections", n)
		}
	})
	t.Run("translation_counts_connections_that_are_there", func(t *testing.T) {
		lines := slices.Clone(datapathtest.HTTPPolicy)
		for i := range lines {
			lines[i] = strings.ReplaceAll(lines[i], "action ct pipe", "action ct nat pipe")
			lines[i] = strings.ReplaceAll(lines[i], "action ct commit pipe", "action ct commit nat src addr 10.0.0.1 port 1000-1064 pipe")
		}
		if err := j.set.Load(loadPolicy(t, lines), 5e9); err != nil {
			t.Fatal(err)
		}
		for _, err := range j.set.Check() {
			t.Error(err)
		}
		// Of 65 ports, 64 are those of connections that nobody translated.
		for i, want := range []packet.Verdict{packet.Forward, packet.Drop} {
			j.send("uplink_rep", packettest.TCP("10.0.0.5", "10.0.0.2", uint16(7000+i), 80, "S", 1000, 0, ""), 6e9)
			if j.v.Verdict[0] != want {
				t.Errorf("client %d: %v (%s)", i, j.v.Verdict[0], datapath.ReasonName(j.v.Reason[0]))
			}
			if want == packet.Forward {
				if tu := datapathtest.Tuple(j.tx[0].Frame); tu.SPort != 1064 {
					t.Errorf("translated to %v", tu)
				}
			}
		}
	})
	t.Run("another_zone_is_refused_from_then_on", func(t *testing.T) {
		err := j.set.Load(loadPolicy(t, []string{
			"filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower action ct zone 1 pipe action ct zone 2 pipe action drop"}), 7e9)
		if err == nil || !strings.Contains(err.Error(), "2 zones") {
			t.Error(err)
		}
	})
	t.Run("errors_are_the_datapath's", func(t *testing.T) {
		s, _ := workers.New(workers.Config{Workers: 2})
		p := loadPolicy(t, []string{"filter add dev a ingress prio 1 chain 0 proto ip flower action ct commit pipe action drop"})
		p.Devices[0].Block[policy.Ingress].Chains[0].Protos[0].Filters[0].Actions[0].CT.Helper = "ipv4-tcp-nobody"
		err := s.Load(p, 1)
		var u *datapath.UnsupportedError
		if !errors.As(err, &u) || len(s.Workers()) != 0 {
			t.Errorf("%v, %d workers", err, len(s.Workers()))
		}
	})
}

// TestLimit proves that the limit of connections is all workers' together, to
// one connection.
func TestLimit(t *testing.T) {
	const limit = 100
	lines := []string{
		"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 1",
		"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev b",
		"filter add dev a ingress prio 2 chain 1 proto ip flower ct_state +trk action mirred egress redirect dev b",
	}
	one, set := newJudge(t, 0, limit, lines), newJudge(t, 4, limit, lines)
	for _, j := range []*judge{one, set} {
		// Assured, so that none makes room for another.
		for port := range uint16(3 * limit) {
			j.send("a", packettest.TCP("10.0.0.1", "10.0.0.2", port, 80, "S", 1000, 0, ""), 2e9)
			if j.v.Verdict[0] != packet.Forward {
				continue
			}
			j.send("a", packettest.TCP("10.0.0.2", "10.0.0.1", 80, port, "SA", 5000, 1001, ""), 2e9)
			j.send("a", packettest.TCP("10.0.0.1", "10.0.0.2", port, 80, "A", 1001, 5001, ""), 2e9)
		}
	}
	if want, got := one.end(3e9), set.end(3e9); want != got {
		t.Error(datapathtest.Differences(want, got))
	}
	if n := set.set.Len(); n != limit {
		t.Errorf("%d connections, want %d", n, limit)
	}
	set.set.Do(func(engines []*datapath.Engine) {
		engines[0].Tracker().Settings().Max = limit - 40
	})
	for _, e := range set.engines {
		for ref, c := range e.Tracker().All(3e9) {
			if c.Orig.SPort < 50 { // leaves 50
				e.Tracker().Kill(ref)
			}
		}
	}
	for port := range uint16(limit) {
		set.send("a", packettest.TCP("10.0.0.3", "10.0.0.2", port, 80, "S", 1000, 0, ""), 4e9)
	}
	if n := set.set.Len(); n != limit-40 {
		t.Errorf("%d connections after the limit was lowered, want %d", n, limit-40)
	}
	for _, err := range set.set.Check() {
		t.Error(err)
	}
}

// TestPortSpace proves that workers share the ports of an address: each is used
// once, and all are.
func TestPortSpace(t *testing.T) {
	const ports = 240
	lines := scarce(fmt.Sprintf("10.0.0.70 port 2000-%d", 2000+ports-1))
	check := func(t *testing.T, j *judge) {
		t.Helper()
		seen := map[uint16]bool{}
		for _, e := range j.engines {
			tr := e.Tracker()
			for ref := range tr.All(3e9) {
				r := tr.Reply(ref)
				if seen[r.DPort] || r.DPort < 2000 || r.DPort >= 2000+ports {
					t.Errorf("port %d is used twice, or not in the range", r.DPort)
				}
				seen[r.DPort] = true
			}
		}
		if len(seen) != ports {
			t.Errorf("%d ports are used, want %d", len(seen), ports)
		}
		for _, err := range j.set.Check() {
			t.Error(err)
		}
	}
	syn := func(i int) []byte {
		return packettest.TCP(fmt.Sprintf("10.1.%d.%d", i/200, i%200), "10.0.0.2", 1000, 80, "S", 1000, 0, "")
	}
	t.Run("C41_one_after_the_other", func(t *testing.T) {
		j := newJudge(t, 5, 4096, lines)
		drops := 0
		for i := range ports + 10 {
			j.send("uplink_rep", syn(i), 2e9)
			if j.v.Verdict[0] == packet.Drop {
				drops++
			}
		}
		if drops != 10 {
			t.Errorf("%d clients got no port, want 10", drops)
		}
		check(t, j)
	})
	t.Run("C41_ports_that_one_engine_chooses", func(t *testing.T) {
		one, set := newJudge(t, 0, 4096, lines), newJudge(t, 5, 4096, lines)
		at := int64(2e9)
		both := func(dev string, f []byte) {
			t.Helper()
			one.send(dev, f, at)
			set.send(dev, f, at)
			if one.v.Verdict[0] != set.v.Verdict[0] || one.v.Reason[0] != set.v.Reason[0] {
				t.Errorf("at %d: %v (%s), want %v (%s)", at, set.v.Verdict[0], datapath.ReasonName(set.v.Reason[0]), one.v.Verdict[0], datapath.ReasonName(one.v.Reason[0]))
			}
		}
		// Every wave expires before the next.
		for wave := range 3 {
			for i := range ports + 30 {
				at += 1e6
				both("uplink_rep", packettest.UDP(fmt.Sprintf("10.%d.%d.%d", 1+wave, i/200, i%200), "10.0.0.2", uint16(1000+i), 53, "x"))
			}
			// Later on, a port whose connection has expired is taken until
			// somebody comes by; one engine's choice depends on its ticks, too.
			if want, got := one.out.String(), set.out.String(); wave == 0 && want != got {
				t.Error(datapathtest.Differences(want, got))
			}
			at += 31e9
		}
		for _, err := range set.set.Check() {
			t.Error(err)
		}
	})
	t.Run("C41_at_the_same_time", func(t *testing.T) {
		j := newJudge(t, 4, 4096, lines)
		to := make([]*packet.Vector, 4)
		for i := range to {
			to[i] = new(packet.Vector)
		}
		// Two at the same instant may choose the same port, as on Linux: the
		// later one is dropped, and tries again.
		for round := range 200 {
			for _, v := range to {
				v.Reset()
				v.Now = 2e9 + int64(round)
			}
			var in packet.Vector
			for i := range packet.VectorSize - 16 {
				id, _ := j.engines[0].Device("uplink_rep")
				in.Add(syn(i), id)
			}
			j.set.Deal(&in, to)
			var all sync.WaitGroup
			for i, w := range j.set.Workers() {
				all.Go(func() { w.Process(to[i]) })
			}
			all.Wait()
			if j.set.Len() == ports {
				break
			}
		}
		check(t, j)
	})
}
