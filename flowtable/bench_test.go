package flowtable_test

import (
	"testing"
	"time"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// fast is a device that holds everything and answers at once, with nothing of
// its own to slow the measurement: its counters go up by one a reading.
type fast struct {
	answers []offload.Completion
	at      int
	reads   int
}

func (*fast) Name() string                                { return "fast" }
func (*fast) Replace(int64, *offload.Rule) error          { return nil }
func (*fast) Destroy(int64, *offload.Rule)                {}
func (*fast) ActionStats(*policy.Action) (s policy.Stats) { return s }

func (f *fast) Submit(now int64, reqs []offload.Request) int {
	for i := range reqs {
		k := offload.Completion{Conn: reqs[i].Flow.Conn, Op: reqs[i].Op}
		if k.Op == offload.Read {
			f.reads++
			k.Stats = offload.FlowStats{Packets: [2]uint64{1, 1}, Bytes: [2]uint64{100, 100}, Used: now, At: now}
		}
		f.answers = append(f.answers, k)
	}
	return len(reqs)
}

func (f *fast) Poll(_ int64, out []offload.Completion) int {
	n := copy(out, f.answers[f.at:])
	if f.at += n; f.at == len(f.answers) {
		f.answers, f.at = f.answers[:0], 0
	}
	return n
}

// fastProber answers readings besides.
type fastProber struct{ *fast }

func (f fastProber) Probe(now int64, _ packet.ConnRef) (offload.FlowStats, bool) {
	f.reads++
	return offload.FlowStats{Packets: [2]uint64{uint64(f.reads)}, Used: now, At: now}, true
}

// established makes n connections that the flow table would take.
func established(tb testing.TB, n int) (*flowtable.Set, *flowtable.Table, []packet.ConnRef) {
	tb.Helper()
	tr := conntrack.New(conntrack.Config{MaxConns: n + 1})
	set := flowtable.New(tr)
	refs := make([]packet.ConnRef, n)
	for i := range refs {
		tu := packet.Tuple{Proto: packet.ProtoUDP, Family: packet.IPv4, SPort: uint16(i), DPort: 80}
		tu.Src[0], tu.Src[1], tu.Src[2], tu.Dst[0] = 10, byte(i>>16), byte(i>>24), 11
		refs[i] = known(tb, tr, tu)
	}
	return set, set.Acquire(0, 0), refs
}

// known has the tracker know a UDP connection, assured.
func known(tb testing.TB, tr *conntrack.Tracker, tu packet.Tuple) packet.ConnRef {
	frame := udpFrame(tu)
	var h packet.Headers
	packet.Parse(frame, &h)
	h.Hash = tr.Hash(&h.Tuple)
	var ct packet.CT
	if tr.In(0, frame, &h, 0, &ct) != conntrack.Accept || tr.Confirm(0, &ct) != conntrack.Accept {
		tb.Fatal("not accepted")
	}
	tr.Conn(ct.Conn).Status |= conntrack.StatusSeenReply | conntrack.StatusAssured
	return ct.Conn
}

// udpFrame is the shortest UDP packet, without a checksum.
func udpFrame(tu packet.Tuple) []byte {
	f := make([]byte, 42)
	f[12], f[13] = 8, 0
	ip := f[14:]
	ip[0], ip[3], ip[8], ip[9] = 0x45, 28, 64, packet.ProtoUDP
	copy(ip[12:16], tu.Src[:4])
	copy(ip[16:20], tu.Dst[:4])
	ip[20], ip[21], ip[22], ip[23], ip[25] = byte(tu.SPort>>8), byte(tu.SPort), byte(tu.DPort>>8), byte(tu.DPort), 8
	return f
}

// BenchmarkInsert is a connection's way from established into the device: the
// offer, the queue, the request and its answer.
func BenchmarkInsert(b *testing.B) {
	const n = 1 << 17
	set, table, refs := established(b, n)
	f := &fast{answers: make([]offload.Completion, 0, 1<<18)}
	table.Register(0, fastProber{f})
	now := int64(1)
	insert := func() {
		for i, ref := range refs {
			table.Offer(now, ref, packet.CTEstablished, 0)
			if i%64 == 63 {
				set.Pump(now)
			}
		}
		set.Pump(now)
	}
	clear := func() {
		set.RemoveIf(now, flowtable.Match{})
		for range 8 {
			set.Pump(now)
		}
		now += 2e9
		for range 64 {
			set.Tick(now, 1<<20)
		}
	}
	insert()
	clear()
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; done += n {
		insert()
		if set.InDevices() != n {
			b.Fatalf("%d of %d in the device", set.InDevices(), n)
		}
		b.StopTimer()
		clear()
		b.StartTimer()
	}
}

// BenchmarkRead reads a million flows' counters.
func BenchmarkRead(b *testing.B) {
	const n = 1 << 20
	set, table, refs := established(b, n)
	f := &fast{answers: make([]offload.Completion, 0, 1<<12)}
	table.Register(0, fastProber{f})
	for i, ref := range refs {
		table.Offer(1, ref, packet.CTEstablished, 0)
		if i%64 == 63 {
			set.Pump(1)
		}
	}
	set.Pump(1)
	b.ResetTimer()
	for i := range b.N {
		set.Read(int64(i) + 2)
	}
}

// BenchmarkTick is maintenance at a million flows in a device: ten ticks a
// millisecond apart. It reports the longest, too.
func BenchmarkTick(b *testing.B) {
	const n = 1 << 20
	set, table, refs := established(b, n)
	f := &fast{answers: make([]offload.Completion, 0, 1<<12)}
	table.Register(0, fastProber{f})
	for i, ref := range refs {
		table.Offer(1, ref, packet.CTEstablished, 0)
		if i%64 == 63 {
			set.Pump(1)
		}
	}
	now, longest := int64(4e9), time.Duration(0)
	b.ResetTimer()
	for range b.N {
		now += 1e6
		t := time.Now()
		set.Tick(now, 8192)
		longest = max(longest, time.Since(t))
	}
	b.ReportMetric(float64(longest.Microseconds()), "longest-µs")
	b.ReportMetric(float64(f.reads)/float64(b.N), "reads/op")
}
