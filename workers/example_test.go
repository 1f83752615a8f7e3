package workers_test

import (
	"fmt"
	"strings"
	"sync"

	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy/tc"
	"sluice/workers"
)

func Example() {
	p, _, err := tc.Load("web.tc", strings.NewReader(`
filter add dev wan ingress prio 1 chain 0 proto ip flower ct_state -trk action ct nat pipe action goto chain 1
filter add dev wan ingress prio 1 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev lan
filter add dev lan ingress prio 1 chain 0 proto ip flower ct_state -trk action ct nat pipe action goto chain 1
filter add dev lan ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit nat src addr 192.0.2.1 pipe action mirred egress redirect dev wan
filter add dev lan ingress prio 2 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev wan
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := workers.New(workers.Config{Workers: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := set.Load(p, 0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(set.Workers()), "workers")

	// A port reads frames into a vector and deals them; each worker judges its
	// own at the same time as the others.
	now := int64(1e9)
	send := func(device string, frames ...[]byte) (out []string) {
		in := new(packet.Vector)
		dev, _ := set.Device(device)
		for _, f := range frames {
			in.Add(f, dev)
		}
		dealt := make([]*packet.Vector, len(set.Workers()))
		for i := range dealt {
			dealt[i] = &packet.Vector{Now: now}
		}
		set.Deal(in, dealt)
		var done sync.WaitGroup
		for i, w := range set.Workers() {
			done.Go(func() {
				w.Tick(now)
				w.Process(dealt[i])
			})
		}
		done.Wait()
		for _, v := range dealt {
			for _, tx := range v.Tx {
				var h packet.Headers
				packet.Parse(tx.Frame, &h)
				out = append(out, set.DeviceName(tx.Dev)+": "+h.Tuple.String())
			}
		}
		return out
	}
	fmt.Println(send("lan", packettest.TCP("10.0.0.7", "198.51.100.1", 4711, 443, "S", 1, 0, ""))[0])
	fmt.Println(send("wan", packettest.TCP("198.51.100.1", "192.0.2.1", 443, 4711, "SA", 1, 2, ""))[0])
	// Output:
	// 4 workers
	// wan: proto 6 192.0.2.1:4711 > 198.51.100.1:443
	// lan: proto 6 198.51.100.1:443 > 10.0.0.7:4711
}
