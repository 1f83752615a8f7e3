package workload

import (
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"testing"

	"sluice/packet"
)

const testSeconds = 2 * second

func parse(t testing.TB, text string) []Part {
	t.Helper()
	parts, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parts
}

func generator(t testing.TB, text string, seed uint64) *Generator {
	return New(Config{Parts: parse(t, text), Duration: testSeconds, Seed: seed, Start: second, Devs: [2]int32{3, 4}})
}

// mixture has every kind.
const mixture = "web,rate=2000/s + dns,rate=3k/s + synflood,rate=10k/s + halfopen,rate=1k/s + udp-oneway,conns=50,rate=5k/s" +
	" + elephants,conns=3,rate=5k/s + zipf,conns=1000,rate=20k/s,open=5k/s + idle,conns=5000,active=1000,rate=10k/s,beat=500ms"

func digest(g *Generator) uint64 {
	var v packet.Vector
	h := fnv.New64a()
	for g.Next(&v) {
		for i := range v.N {
			h.Write([]byte{byte(v.Now >> 16), byte(v.Now >> 24), byte(v.M[i].Dev)})
			h.Write(v.Frame[i])
		}
	}
	return h.Sum64()
}

func TestSameSeedSameFrames(t *testing.T) {
	a, b, c := digest(generator(t, mixture, 1)), digest(generator(t, mixture, 1)), digest(generator(t, mixture, 2))
	if a != b {
		t.Error("the same seed gave other frames")
	}
	if a == c {
		t.Error("another seed gave the same frames")
	}
}

// flow is what a test knows of a connection.
type flow struct {
	packets int
	flags   [2]uint16
	next    [2]uint32 // sequence number expected
	known   [2]bool
}

// observed runs a workload and checks every frame of it.
func observed(t *testing.T, g *Generator) map[packet.Tuple]*flow {
	t.Helper()
	flows := map[packet.Tuple]*flow{}
	var v packet.Vector
	last := int64(0)
	for g.Next(&v) {
		if v.N == 0 || v.Now < last {
			t.Fatalf("a vector of %d packets at %d, after %d", v.N, v.Now, last)
		}
		last = v.Now
		for i := range v.N {
			f := v.Frame[i]
			var h packet.Headers
			packet.Parse(f, &h)
			if h.Flags&(packet.HasL4|packet.TruncL4|packet.BadL3|packet.ShortIP) != packet.HasL4 || len(f) < minFrame || len(f) > maxFrame {
				t.Fatalf("frame of %d bytes: flags %#x", len(f), h.Flags)
			}
			if packet.Checksum(f[h.L3:h.L4]) != 0 {
				t.Fatal("IP checksum is wrong")
			}
			seg := f[h.L4:h.End]
			if s := packet.Fold(packet.Sum(packet.PseudoSum(f[h.L3:], packet.IPv4, h.Proto, len(seg)), seg)); s != 0xffff {
				t.Fatalf("checksum of protocol %d is wrong: %#x", h.Proto, s)
			}
			dir := int(v.M[i].Dev - 3)
			key := h.Tuple
			if dir == 1 {
				key.Src, key.Dst, key.SPort, key.DPort = key.Dst, key.Src, key.DPort, key.SPort
			}
			if key.Src[0] != 10 || key.Dst[0] != 192 {
				t.Fatalf("%v came in on device %d", h.Tuple, v.M[i].Dev)
			}
			fl := flows[key]
			if fl == nil {
				fl = new(flow)
				flows[key] = fl
				if dir == 1 {
					t.Fatalf("%v begins with its answer", key)
				}
			}
			fl.packets++
			if h.Proto == packet.ProtoTCP {
				fl.segment(t, dir, f[h.L4:], int(h.End-h.Payload))
			}
		}
	}
	return flows
}

// segment checks that sequence numbers follow one another.
func (fl *flow) segment(t *testing.T, dir int, seg []byte, data int) {
	t.Helper()
	seq := uint32(seg[4])<<24 | uint32(seg[5])<<16 | uint32(seg[6])<<8 | uint32(seg[7])
	ack := uint32(seg[8])<<24 | uint32(seg[9])<<16 | uint32(seg[10])<<8 | uint32(seg[11])
	flags := uint16(seg[13])
	if fl.known[dir] && seq != fl.next[dir] {
		t.Fatalf("direction %d: sequence number %d, want %d (flags %#x)", dir, seq, fl.next[dir], flags)
	}
	if flags&flagACK != 0 && (!fl.known[1-dir] || ack != fl.next[1-dir]) {
		t.Fatalf("direction %d: acknowledges %d, want %d (flags %#x)", dir, ack, fl.next[1-dir], flags)
	}
	fl.known[dir], fl.next[dir] = true, seq+uint32(data)
	if flags&(flagSYN|flagFIN) != 0 {
		fl.next[dir]++
	}
	fl.flags[dir] |= flags
}

func TestA191_A195_Workloads(t *testing.T) {
	for _, c := range []struct {
		text           string
		conns, packets float64 // in two seconds; 0: not checked
		most           int     // packets of the largest connection, at most; 0: not checked
	}{
		{text: "dns,rate=5000/s", conns: 10000, packets: 19950, most: 2},
		{text: "synflood,rate=20k/s", conns: 40000, packets: 40000, most: 1},
		{text: "halfopen,rate=5k/s", conns: 10000, packets: 19950, most: 2},
		{text: "udp-oneway,conns=10,rate=20k/s", conns: 10, packets: 40010},
		{text: "web,rate=2k/s,max=100", conns: 4000, most: 4 + 100 + 50 + 3},
		{text: "elephants,conns=5,rate=10k/s,rtt=0,size=1000", conns: 5, packets: 20000 + 15},
		{text: "zipf,conns=100,rate=20k/s,open=1M/s,rtt=0", conns: 100, packets: 40000 + 300},
		{text: "idle,conns=1000,active=200,rate=10k/s,beat=1s,open=1M/s,rtt=0", conns: 1000, packets: 20000 + 1600 + 3000},
		{text: "dns,rate=1k/s,start=1s,stop=1500ms", conns: 500, packets: 1000},
	} {
		g := generator(t, c.text, 1)
		flows := observed(t, g)
		n := 0
		largest := 0
		for _, f := range flows {
			n += f.packets
			largest = max(largest, f.packets)
		}
		st := g.Stats()[0]
		if int(st.Conns) != len(flows) || int(st.Packets) != n {
			t.Errorf("%s: it says %d connections, %d packets; there were %d, %d", c.text, st.Conns, st.Packets, len(flows), n)
		}
		if !near(float64(len(flows)), c.conns) {
			t.Errorf("%s: %d connections, want about %v", c.text, len(flows), c.conns)
		}
		if c.packets > 0 && !near(float64(n), c.packets) {
			t.Errorf("%s: %d packets, want about %v", c.text, n, c.packets)
		}
		if c.most > 0 && largest > c.most {
			t.Errorf("%s: a connection of %d packets, want at most %d", c.text, largest, c.most)
		}
		conns, packets := 0, 0
		for b := range g.Sizes().Falling {
			conns += int(b.Conns)
			packets += int(b.Packets)
		}
		if conns != len(flows) || packets != n {
			t.Errorf("%s: sizes are of %d connections, %d packets; there were %d, %d", c.text, conns, packets, len(flows), n)
		}
	}
}

// near is within 1 %.
func near(got, want float64) bool { return math.Abs(got-want) <= want/100 }

func TestWebConnectionsEndWithFIN(t *testing.T) {
	closed := 0
	for _, f := range observed(t, generator(t, "web,rate=500/s,max=20", 1)) {
		if f.flags[0]&f.flags[1]&flagFIN != 0 {
			closed++
		}
	}
	if closed < 900 {
		t.Errorf("%d of 1000 connections were closed from both sides", closed)
	}
}

func TestA195_MiceAndElephants(t *testing.T) {
	for _, text := range []string{"web,rate=5k/s,gap=0s", "zipf,conns=10000,rate=200k/s,open=1M/s"} {
		g := generator(t, text, 1)
		observed(t, g)
		var conns, packets, tenth, all uint64
		for b := range g.Sizes().Falling {
			conns += b.Conns
			all += b.Packets
		}
		n := uint64(0)
		for b := range g.Sizes().Falling {
			if n += b.Conns; n <= conns/10 {
				tenth += b.Packets
			}
			packets += b.Packets
		}
		if tenth*5 < all*2 {
			t.Errorf("%s: the largest tenth of connections have %d of %d packets, want more than two fifths", text, tenth, all)
		}
	}
}

func TestA191_IdleConnections(t *testing.T) {
	g := generator(t, "idle,conns=2000,active=400,rate=80k/s,beat=0s,open=100k/s", 1)
	active := 0
	for _, f := range observed(t, g) {
		switch {
		case f.packets > 100:
			active++
		case f.packets != 3:
			t.Fatalf("an idle connection had %d packets, want its handshake alone", f.packets)
		}
	}
	if active != 400 {
		t.Errorf("%d connections are active, want 400", active)
	}
	// With a beat, idle ones say something once in a while.
	for key, f := range observed(t, generator(t, "idle,conns=2000,active=400,rate=80k/s,beat=1s,open=100k/s", 1)) {
		if f.packets < 4 || f.packets > 5 && f.packets < 100 {
			t.Fatalf("%v had %d packets; idle ones have a handshake and one beat a second", key, f.packets)
		}
	}
}

func TestZipfDrawsByItsLaw(t *testing.T) {
	a := newZipf(1000, 1.1)
	var p part
	p.rng = New(Config{Parts: parse(t, "zipf"), Seed: 3}).parts[0].rng
	got := make([]float64, 1000)
	const draws = 2_000_000
	for range draws {
		got[a.pick(p.rng.Uint64())]++
	}
	sum := 0.0
	for r := range got {
		sum += math.Pow(float64(r+1), -1.1)
	}
	for _, r := range []int{0, 1, 9, 99, 999} {
		want := math.Pow(float64(r+1), -1.1) / sum * draws
		if math.Abs(got[r]-want) > 5*math.Sqrt(want) {
			t.Errorf("rank %d: %v draws, want about %.0f", r, got[r], want)
		}
	}
}

func TestNothingIsAllocatedPerPacket(t *testing.T) {
	g := New(Config{Parts: parse(t, mixture), Duration: 1000 * second, Seed: 1})
	var v packet.Vector
	for range 20_000 {
		g.Next(&v)
	}
	if n := testing.AllocsPerRun(2000, func() { g.Next(&v) }); n != 0 {
		t.Errorf("%v allocations a vector", n)
	}
}

func TestScaleKeepsShape(t *testing.T) {
	p := Scale(parse(t, "idle,conns=10M,active=2M,rate=1M/s + dns,rate=10k/s"), 0.01)
	if p[0].Conns != 100_000 || p[0].Active != 20_000 || p[0].Rate != 10_000 || p[0].Open != 5_000 || p[1].Rate != 100 || p[1].RTT != 10*millisecond {
		t.Errorf("scaled: %v", p)
	}
	if p := Scale(parse(t, "elephants,conns=3"), 0.01); p[0].Conns != 1 {
		t.Errorf("scaled to %d connections", p[0].Conns)
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", `no workload is called ""; there are web, dns, synflood, halfopen, udp-oneway, elephants, zipf, idle`},
		{"wbe", `no workload is called "wbe"`},
		{"web,rat=5", `web has no "rat"; it takes rate, alpha, min, max, rtt, gap, size, port, start, stop`},
		{"dns,conns=5", `dns has no "conns"`},
		{"web,rate", `"rate": want KEY=VALUE with one of rate, alpha`},
		{"web,rate=fast", "rate=fast: want a rate, such as 20000/s or 1M/s"},
		{"web,rate=0", "rate=0: want 0.001/s to 1000M/s"},
		{"web,rate=NaN", "rate=NaN: want a rate"},
		{"web,rate=0x10", "rate=0x10: want a rate"},
		{"web,rate=1,rate=2", "rate= is there twice"},
		{"web,min=10,max=5", "min=10 is more than max=5"},
		{"web,rtt=2", ""},
		{"web,rtt=2x", "rtt=2x: want a time, such as 20ms or 60s"},
		{"web,start=5s,stop=5s", "stop=5s is not after start=5s"},
		{"zipf,conns=1.5", "conns=1.5: want a whole number"},
		{"zipf,size=10", "size=10: want 60 to 1.514k"},
		{"idle,conns=5,active=6", "active=6 is more than conns=5"},
		{"dns + ", `workload "": no workload is called`},
		{strings.Repeat("dns+", 16) + "dns", "17 kinds of traffic at once: want at most 16"},
	} {
		_, err := Parse(c.text)
		if c.want == "" {
			if err != nil {
				t.Errorf("%q: %v", c.text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{mixture, "web", "idle,conns=10M,active=2M", "web,rate=1e9,size=60", "zipf,s=0,conns=1,beat=5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parts, err := Parse(text)
		if err != nil {
			return
		}
		var words []string
		conns := int64(0)
		for _, p := range parts {
			words = append(words, p.String())
			conns += p.Conns
		}
		again, err := Parse(strings.Join(words, " + "))
		if err != nil || !slices.Equal(parts, again) {
			t.Fatalf("%q\nis %v\nis %v, %v", text, parts, again, err)
		}
		if conns < 1e5 {
			g := New(Config{Parts: parts, Duration: millisecond, Seed: 1})
			var v packet.Vector
			for range 100 {
				if !g.Next(&v) {
					break
				}
			}
		}
	})
}

func BenchmarkGenerator(b *testing.B) {
	for _, text := range []string{"web,rate=100k/s", "synflood,rate=1M/s", "zipf,conns=1M,rate=10M/s,open=10M/s", "idle,conns=10M,active=2M,rate=10M/s,open=20M/s", mixture} {
		name, _, _ := strings.Cut(text, ",")
		if text == mixture {
			name = "mixture"
		}
		b.Run(name, func(b *testing.B) {
			g := New(Config{Parts: parse(b, text), Duration: math.MaxInt64 / 2, Seed: 1})
			var v packet.Vector
			for g.now < 2*second {
				g.Next(&v)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += v.N {
				g.Next(&v)
			}
		})
	}
}
