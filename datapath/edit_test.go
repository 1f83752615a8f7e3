package datapath_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy/tc"
)

func query() []byte {
	return packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "query")
}

// tagged puts tags before a frame's EtherType, outer first.
func tagged(f []byte, tags ...uint32) []byte {
	for _, t := range slices.Backward(tags) {
		b := append(make([]byte, packet.TagLen), f...)
		packet.PushVLAN(b, packet.VLANTag{TPID: uint16(t >> 16), TCI: uint16(t)})
		f = b
	}
	return f
}

// TestMirroredCopiesKeepTheirBytes: what has left before an edit is as it was
// then; so is the frame of whoever goes on after a nested judgement's edits.
func TestMirroredCopiesKeepTheirBytes(t *testing.T) {
	const mirror = " action mirred egress mirror dev b pipe "
	r := datapathtest.New(t,
		"filter add dev a ingress prio 1 proto ip flower"+mirror+"action pedit ex munge ip ttl set 1 pipe"+mirror+
			"action vlan push id 7 pipe"+mirror+"action vlan modify id 8 pipe"+mirror+"action mpls push label 99 pipe"+mirror+
			"action mirred ingress mirror dev c pipe action vlan pop pipe action mpls pop protocol ip pipe action csum ip pipe action mirred egress redirect dev b",
		"filter add dev c ingress prio 1 proto all flower action pedit ex munge eth src set 02:00:00:00:00:99 pipe action vlan pop pipe action mirred egress redirect dev d")
	plain := query()
	res := r.Send("a", bytes.Clone(plain))
	aged := bytes.Clone(plain)
	aged[22] = 1
	seven, eight := tagged(aged, 0x81000007), tagged(aged, 0x81000008)
	label := func(f []byte, at int) []byte {
		b := append(make([]byte, packet.LSELen), f...)
		packet.PushMPLS(b, at, 99<<packet.LabelShift|packet.BOSMask|255, packet.EtherMPLS)
		return b
	}
	fixed := bytes.Clone(aged)
	packettest.Fix(fixed)
	inC := label(aged, 14)
	copy(inC[6:], "\x02\x00\x00\x00\x00\x99")
	want := [][]byte{plain, aged, seven, eight, label(eight, 18), inC, fixed}
	if len(res.Tx) != len(want) {
		t.Fatalf("%d frames left (%s), want %d", len(res.Tx), res.Reason, len(want))
	}
	for i, w := range want {
		if !bytes.Equal(res.Tx[i].Frame, w) {
			t.Errorf("frame %d: %x, want %x", i, res.Tx[i].Frame, w)
		}
	}
}

// TestEditsReachLaterFilters: chains, continue and reclassify see what the
// actions before them made of the packet.
func TestEditsReachLaterFilters(t *testing.T) {
	const out = " action mirred egress redirect dev b"
	for name, c := range map[string]struct {
		frame  []byte
		policy []string
	}{
		"goto": {query(), []string{
			"filter add dev a ingress prio 1 proto ip flower action pedit ex munge ip dst set 10.9.9.9 munge udp dport set 80 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower ip_proto udp dst_ip 10.9.9.9 dst_port 80" + out}},
		"continue": {query(), []string{
			"filter add dev a ingress prio 1 proto ip flower action vlan push id 5 pipe action vlan push id 6 protocol 802.1ad continue",
			"filter add dev a ingress prio 2 proto ip flower action drop",
			"filter add dev a ingress prio 3 proto 802.1ad flower vlan_id 6 vlan_ethtype 802.1q cvlan_id 5 cvlan_ethtype ip ip_proto udp" + out}},
		"reclassify": {tagged(query(), 0x88a80005, 0x81000006), []string{
			"filter add dev a ingress prio 1 proto 802.1ad flower vlan_id 5 action vlan pop reclassify",
			"filter add dev a ingress prio 1 proto 802.1ad flower action drop",
			"filter add dev a ingress prio 2 proto 802.1q flower vlan_id 6 action vlan pop reclassify",
			"filter add dev a ingress prio 3 proto ip flower ip_proto udp dst_port 53" + out}},
		"mpls": {query(), []string{
			"filter add dev a ingress prio 1 proto ip flower action mpls push label 70 tc 1 pipe action mpls push label 71 bos 0 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto mpls_uc flower mpls lse depth 1 label 71 bos 0 lse depth 2 label 70 tc 1 bos 1 action mpls pop protocol mpls_uc pipe action mpls pop protocol ip pipe action goto chain 2",
			"filter add dev a ingress prio 1 chain 2 proto ip flower ip_proto udp" + out}},
		"ethernet": {query(), []string{
			"filter add dev a ingress prio 1 proto ip flower action vlan pop_eth pipe action vlan push_eth dst_mac 02:00:00:00:00:71 src_mac 02:00:00:00:00:72 pipe action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto ip flower src_mac 02:00:00:00:00:72 dst_mac 02:00:00:00:00:71" + out}},
		"a mark beside the packet": {query(), []string{
			"filter add dev a ingress prio 1 proto ip flower action skbedit mark 5 pipe" + out}},
	} {
		r := datapathtest.New(t, c.policy...)
		if res := r.Send("a", c.frame); r.Out(res) != "b" {
			t.Errorf("%s: went to %q (%v, %s)", name, r.Out(res), res.Verdict, res.Reason)
		}
	}
}

// TestEditedConnections: the tracker sees the edited packet, and both
// directions' edits hold for all of a connection's packets, remembered ways or
// not.
func TestEditedConnections(t *testing.T) {
	r := datapathtest.New(t,
		"filter add dev a ingress prio 1 proto ip flower ip_proto tcp dst_port 8080 action pedit ex munge tcp dport set 80 pipe action csum tcp pipe action ct pipe action goto chain 1",
		"filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev b",
		"filter add dev a ingress prio 2 chain 1 proto ip flower ct_state +trk+est action mirred egress redirect dev b",
		"filter add dev b ingress prio 1 proto ip flower ct_state -trk action ct pipe action goto chain 1",
		"filter add dev b ingress prio 1 chain 1 proto ip flower ct_state +trk+est action pedit ex munge tcp sport set 8080 pipe action csum tcp pipe action mirred egress redirect dev a")
	seq := [2]uint32{1000, 5000}
	for i, flags := range []string{"S", "SA", "A", "PA", "PA", "PA", "PA", "PA", "PA", "FA", "FA", "A"} {
		var res datapathtest.Result
		data := strings.Repeat("x", i%3)
		if strings.ContainsAny(flags, "S") {
			data = ""
		}
		from := i % 2
		if from == 0 {
			res = r.Send("a", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 8080, flags, seq[0], seq[1], data))
		} else {
			res = r.Send("b", packettest.TCP(datapathtest.Server, datapathtest.Client, 80, 40000, flags, seq[1], seq[0], data))
		}
		want := packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, flags, seq[0], seq[1], data)
		if from == 1 {
			want = packettest.TCP(datapathtest.Server, datapathtest.Client, 8080, 40000, flags, seq[1], seq[0], data)
		}
		seq[from] += uint32(len(data))
		if strings.ContainsAny(flags, "SF") {
			seq[from]++
		}
		if len(res.Tx) != 1 || !bytes.Equal(res.Tx[0].Frame, want) {
			t.Fatalf("packet %d %s: %v %s %+v", i, flags, res.Verdict, res.Reason, res.Tx)
		}
	}
	n := 0
	for _, c := range r.E.Tracker().All(r.Now) {
		n++
		if c.Orig.DPort != 80 {
			t.Errorf("tracked %v", c.Orig)
		}
	}
	if n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestSkbeditStaysWithThePacket checks what no filter can see.
func TestSkbeditStaysWithThePacket(t *testing.T) {
	p, _, err := tc.Load("t", strings.NewReader(
		"filter add dev a egress prio 1 proto ip flower action pass\n"+
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp action skbedit mark 0xf5/0xff priority 1:2 ptype otherhost pipe action skbedit mark 0x300/0x300 pass\n"+
			"filter add dev a ingress prio 2 proto ip flower action skbedit inheritdsfield pass\n"+
			"filter add dev a ingress prio 3 proto ipv6 flower action skbedit inheritdsfield pass\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
	if err := e.Load(p, 0); err != nil {
		t.Fatal(err)
	}
	tos := packettest.TCP(datapathtest.Client, datapathtest.Server, 1, 2, "S", 1, 0, "")
	tos[15] = 0xb8
	tos6 := packettest.TCP("fd00::1", "fd00::2", 1, 2, "S", 1, 0, "")
	tos6[14], tos6[15] = 0x6b, 0x80
	var v packet.Vector
	for _, f := range [][]byte{query(), tos, tos6} {
		v.Add(f, 0)
	}
	v.M[0].Mark = 0x1000f
	e.Process(&v)
	if m := v.M[0]; m.Mark != 0x103f5 || m.Priority != 1<<16|2 || m.PktType != packet.PktOtherHost {
		t.Errorf("%+v", m)
	}
	if v.M[1].Priority != 0xb8>>2 || v.M[2].Priority != 0xb8>>2 {
		t.Errorf("priorities %d, %d from the DS field", v.M[1].Priority, v.M[2].Priority)
	}
}

func TestSample(t *testing.T) {
	p, _, err := tc.Load("t", strings.NewReader(
		"filter add dev a ingress prio 1 proto 802.1q flower action sample rate 1 group 7 trunc 20 pipe action vlan pop pipe action mirred egress redirect dev b\n"+
			"filter add dev a ingress prio 2 proto ip flower action sample rate 4 group 8 pipe action mirred egress redirect dev b\n"))
	if err != nil {
		t.Fatal(err)
	}
	e := datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16}), Seed: 1})
	if err := e.Load(p, 0); err != nil {
		t.Fatal(err)
	}
	var v packet.Vector
	v.Add(tagged(query(), 0x81000005), 0)
	e.Process(&v)
	if len(v.Samples) != 1 {
		t.Fatalf("%d samples", len(v.Samples))
	}
	if s := v.Samples[0]; s.Group != 7 || s.Rate != 1 || int(s.Len) != len(query()) || !bytes.Equal(s.Frame, query()[:20]) {
		t.Errorf("%+v, want the first 20 bytes of %x", s, query())
	}
	n := 0
	for range 40 {
		v.Reset()
		for range 100 {
			v.Add(query(), 0)
		}
		e.Process(&v)
		n += len(v.Samples)
	}
	if n < 800 || n > 1200 {
		t.Errorf("%d of 4000 packets sampled, want about 1000", n)
	}
	if taken, lost := e.Samples(); taken != uint64(n)+1 || lost != 0 {
		t.Errorf("counted %d taken and %d lost", taken, lost)
	}
}

// TestPoliceByTime: tokens come back with the vectors' time, and outlive a
// change of the policy around them.
func TestPoliceByTime(t *testing.T) {
	r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action police rate 8kbit burst 1000b conform-exceed drop/pipe action mirred egress redirect dev b")
	size := int64(len(query()) - 14)
	pass := func() (n int) {
		for r.Send("a", query()).Verdict == packet.Forward {
			n++
		}
		return n
	}
	// 1000 bytes to begin with, and one a millisecond.
	first := pass()
	if want := int(1000 / (size - 1)); first < want-1 || first > want+1 {
		t.Errorf("%d packets of %d bytes from a full bucket, want about %d", first, size, want)
	}
	r.Run("filter add dev a ingress prio 2 proto arp flower action drop")
	if n := pass(); n > 1 {
		t.Errorf("%d packets right after a reload: the bucket was filled", n)
	}
	r.Now += 500e6
	if n, want := pass(), int(500/(size-1)); n < want-1 || n > want+1 {
		t.Errorf("%d packets after half a second, want about %d", n, want)
	}
	if st := r.Stats("a", 0, 1, 0); st.Drops != st.Overlimits || st.Drops == 0 {
		t.Errorf("%+v", st)
	}
	if res := r.Send("a", query()); res.Reason != "police: over the limit" {
		t.Errorf("reason %q", res.Reason)
	}
}

// TestPolicePackets: so many packets a second.
func TestPolicePackets(t *testing.T) {
	r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action police pkts_rate 10 pkts_burst 3 conform-exceed drop/pipe action mirred egress redirect dev b")
	r.Now += 10e9
	n := 0
	for range 1000 { // a second
		if r.Send("a", query()).Verdict == packet.Forward {
			n++
		}
	}
	if n < 12 || n > 14 {
		t.Errorf("%d packets in a second, want 3 at once and 10", n)
	}
}

// TestEditMemoryIsBounded: I7, I8: when a vector's memory is used up, packets
// are dropped for that reason.
func TestEditMemoryIsBounded(t *testing.T) {
	const copies = "action mirred egress mirror dev b pipe action pedit ex munge ip ttl set 9 pipe "
	r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower "+strings.Repeat(copies, 15)+"action mirred egress redirect dev b")
	var v packet.Vector
	big := packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, strings.Repeat("x", 60000))
	id, _ := r.E.Device("a")
	for range packet.VectorSize {
		v.Add(bytes.Clone(big), id)
	}
	r.E.Process(&v)
	account(t, &v)
	lost := 0
	for i := range v.N {
		if v.Verdict[i] == packet.Drop && datapath.ReasonName(v.Reason[i]) == "edit: no memory left" {
			lost++
		}
	}
	if lost == 0 || lost == v.N {
		t.Errorf("%d of %d packets lost", lost, v.N)
	}
	v.Reset()
	v.Add(query(), id)
	r.E.Process(&v)
	if v.Verdict[0] != packet.Forward {
		t.Errorf("the next vector: %v %s", v.Verdict[0], datapath.ReasonName(v.Reason[0]))
	}
}

// editing is a policy in which every kind of edit happens to every packet.
var editing = []string{
	"filter add dev a ingress prio 1 proto ip flower action mirred egress mirror dev c pipe action pedit ex munge ip ttl dec munge eth dst set 02:00:00:00:00:77 pipe action csum ip and udp pipe " +
		"action skbedit mark 3 pipe action police rate 100gbit burst 100m conform-exceed drop/pipe action sample rate 2 group 1 pipe action vlan push id 7 pipe action mpls push label 9 pipe action goto chain 1",
	"filter add dev a ingress prio 1 chain 1 proto 802.1q flower vlan_id 7 vlan_ethtype mpls_uc action mpls dec_ttl pipe action vlan modify id 9 pipe action mirred egress redirect dev b",
}

func TestEditsAllocateNothing(t *testing.T) {
	r := datapathtest.NewWith(t, datapath.Config{}, editing...)
	var v packet.Vector
	frames := make([][]byte, packet.VectorSize)
	for i := range frames {
		frames[i] = query()
	}
	id, _ := r.E.Device("a")
	run := func() {
		v.Reset()
		r.Now += 1e6
		v.Now = r.Now
		for _, f := range frames {
			v.Add(f, id)
		}
		r.E.Process(&v)
	}
	run()
	if v.Verdict[0] != packet.Forward || len(v.Tx) != 2*packet.VectorSize {
		t.Fatalf("%v %s", v.Verdict[0], datapath.ReasonName(v.Reason[0]))
	}
	run()
	if n := testing.AllocsPerRun(20, run); n > 0 {
		t.Errorf("%v allocations a vector", n)
	}
}

func BenchmarkEdits(b *testing.B) {
	for name, policy := range map[string][]string{
		"all":       editing,
		"vlan_push": {"filter add dev a ingress prio 1 proto ip flower action vlan push id 7 pipe action mirred egress redirect dev b"},
		"ttl_csum":  {"filter add dev a ingress prio 1 proto ip flower action pedit ex munge ip ttl dec pipe action csum ip pipe action mirred egress redirect dev b"},
		"none":      {"filter add dev a ingress prio 1 proto ip flower action mirred egress redirect dev b"},
	} {
		b.Run(name, func(b *testing.B) {
			r := datapathtest.NewWith(b, datapath.Config{}, policy...)
			var v packet.Vector
			id, _ := r.E.Device("a")
			f := query()
			b.ReportAllocs()
			for range b.N {
				v.Reset()
				r.Now += 1e6
				v.Now = r.Now
				for range packet.VectorSize {
					v.Add(f, id)
				}
				f[22] = 64
				r.E.Process(&v)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/packet.VectorSize, "ns/packet")
		})
	}
}

// TestPeditBeyondThePacket: a key that does not fit is an overlimit, and the
// packet goes on with the keys before it done.
func TestPeditBeyondThePacket(t *testing.T) {
	for i, c := range []struct{ keys, want string }{
		{"munge ip ttl set 9 munge offset 400 u32 set 1 munge ip tos set 8", "9 0"},
		{"munge offset 40 u32 set 1", "64 0"},
		{"munge offset 8 u32 at 39 ff 0 set 1", "64 0"},
		{"munge offset -400 u32 set 1 munge ip tos set 8", "64 0"},
	} {
		ex := ""
		if !strings.Contains(c.keys, "at ") {
			ex = "ex "
		}
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto ip flower action pedit "+ex+c.keys+" pipe action mirred egress redirect dev b")
		res := r.Send("a", query())
		if len(res.Tx) != 1 {
			t.Fatalf("%d: %v", i, res)
		}
		f := res.Tx[0].Frame
		if got := fmt.Sprint(f[22], f[15]); got != c.want {
			t.Errorf("%s: ttl and tos %s, want %s", c.keys, got, c.want)
		}
		if st := r.Stats("a", 0, 1, 0); st.Overlimits != 1 || st.Drops != 0 {
			t.Errorf("%s: %+v", c.keys, st)
		}
	}
}

// TestCsumOnEgress: outgoing packets get checksums, those with a second tag do
// not, as in Linux.
func TestCsumOnEgress(t *testing.T) {
	r := datapathtest.New(t, "qdisc add dev b clsact",
		"filter add dev a ingress prio 1 proto all flower action mirred egress redirect dev b",
		"filter add dev b egress prio 1 proto all flower action pedit munge ip ttl set 9 pipe action csum ip pass")
	for tags, in := range [][]byte{query(), tagged(query(), 0x81000005), tagged(query(), 0x88a80005, 0x81000006)} {
		res := r.Send("a", in)
		if len(res.Tx) != 1 {
			t.Fatalf("%d tags: %v", tags, res)
		}
		ip := res.Tx[0].Frame[14+4*tags:]
		if sound := packet.Checksum(ip[:20]) == 0; sound != (tags < 2) {
			t.Errorf("%d tags: a sound header: %v (%x)", tags, sound, ip[:20])
		}
	}
}
