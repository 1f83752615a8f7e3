package conntrack

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

func TestUDP(t *testing.T) {
	q, a := packettest.UDP(cAddr, sAddr, 1000, 53, "hello"), packettest.UDP(sAddr, cAddr, 53, 1000, "hello")
	t.Run("A064_established_by_traffic_both_ways", func(t *testing.T) {
		b := newBed(t)
		for i, f := range [][]byte{q, q, a, q} {
			if got, want := b.in(f), []string{"new", "new", "est+rpl", "est"}[i]; got != want {
				t.Errorf("packet %d: %s, want %s", i+1, got, want)
			}
		}
		if c := b.only(); c.Status != StatusConfirmed|StatusSeenReply {
			t.Errorf("status %#x: assured within two seconds", c.Status)
		}
	})
	t.Run("assured_as_a_stream_after_two_seconds", func(t *testing.T) {
		b := newBed(t)
		b.in(q)
		b.in(a)
		b.now += 2 * second
		b.in(q)
		if c := b.only(); c.Status&StatusAssured == 0 || b.left() != 120 {
			t.Errorf("status %#x, %d s left", c.Status, b.left())
		}
	})
	t.Run("A065_A125_times_out", func(t *testing.T) {
		b := newBed(t)
		b.in(q)
		if b.left() != 30 {
			t.Errorf("%d s left", b.left())
		}
		b.now += 30 * second
		if got := b.in(a); got != "new" {
			t.Errorf("answer after the timeout: %s", got)
		}
	})
	t.Run("broken", func(t *testing.T) {
		b := newBed(t)
		bad := bytes.Clone(q)
		bad[44] ^= 1
		if got := b.in(bad); got != "inv" {
			t.Errorf("bad checksum: %s", got)
		}
		long := packettest.UDP(cAddr, sAddr, 1000, 53, "hello")
		long[39] = 200
		if got := b.in(long); got != "inv" {
			t.Errorf("length beyond the packet: %s", got)
		}
		zero := bytes.Clone(q)
		zero[40], zero[41] = 0, 0
		if got := b.in(zero); got != "new" {
			t.Errorf("zero checksum: %s", got)
		}
	})
}

func TestICMP(t *testing.T) {
	echo := func(src, dst string, typ byte) []byte {
		return packettest.ICMP(src, dst, typ, 0, 7<<16|1, []byte("abcd"))
	}
	quote := func(f []byte) []byte { return f[14:min(len(f), 14+28)] }
	cases := []struct {
		name   string
		before [][]byte
		frame  []byte
		want   string
	}{
		{"echo request", nil, echo(cAddr, sAddr, 8), "new"},
		{"echo reply", [][]byte{echo(cAddr, sAddr, 8)}, echo(sAddr, cAddr, 0), "est+rpl"},
		{"echo request after the reply", [][]byte{echo(cAddr, sAddr, 8), echo(sAddr, cAddr, 0)}, echo(cAddr, sAddr, 8), "est"},
		{"A007_reply_without_request", nil, echo(sAddr, cAddr, 0), "inv"},
		{"timestamp request", nil, packettest.ICMP(cAddr, sAddr, 13, 0, 1, make([]byte, 12)), "new"},
		{"router solicitation", nil, packettest.ICMP(cAddr, sAddr, 10, 0, 0, nil), "inv"},
		{"unknown type", nil, packettest.ICMP(cAddr, sAddr, 42, 0, 0, nil), "inv"},
		{"A008_A058_error_about_the_original_direction", [][]byte{packettest.UDP(cAddr, sAddr, 1000, 53, "ping")},
			packettest.ICMP(sAddr, cAddr, 3, 3, 0, quote(packettest.UDP(cAddr, sAddr, 1000, 53, "ping"))), "rel+rpl"},
		{"A008_error_about_the_reply_direction", [][]byte{packettest.UDP(cAddr, sAddr, 1000, 53, "ping"), packettest.UDP(sAddr, cAddr, 53, 1000, "ping")},
			packettest.ICMP(cAddr, sAddr, 3, 3, 0, quote(packettest.UDP(sAddr, cAddr, 53, 1000, "ping"))), "rel"},
		{"from a router on the way", [][]byte{packettest.UDP(cAddr, sAddr, 1000, 53, "ping")},
			packettest.ICMP("10.9.9.9", cAddr, 11, 0, 0, quote(packettest.UDP(cAddr, sAddr, 1000, 53, "ping"))), "rel+rpl"},
		{"addressed to somebody else", [][]byte{packettest.UDP(cAddr, sAddr, 1000, 53, "ping")},
			packettest.ICMP(sAddr, "10.0.0.77", 3, 3, 0, quote(packettest.UDP(cAddr, sAddr, 1000, 53, "ping"))), "inv"},
		{"about an unknown flow", nil, packettest.ICMP(sAddr, cAddr, 3, 3, 0, quote(packettest.UDP(cAddr, sAddr, 1000, 53, "ping"))), "inv"},
		{"quoting an IP header alone", [][]byte{packettest.UDP(cAddr, sAddr, 1000, 53, "ping")},
			packettest.ICMP(sAddr, cAddr, 3, 3, 0, packettest.UDP(cAddr, sAddr, 1000, 53, "ping")[14:34]), "inv"},
		{"quoting nothing", nil, packettest.ICMP(sAddr, cAddr, 3, 3, 0, nil), "inv"},
		{"about an echo request", [][]byte{echo(cAddr, sAddr, 8)},
			packettest.ICMP(sAddr, cAddr, 3, 1, 0, quote(echo(cAddr, sAddr, 8))), "rel+rpl"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			b := newBed(t)
			for _, f := range tc.before {
				b.in(f)
			}
			if got := b.in(tc.frame); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
	t.Run("bad checksum", func(t *testing.T) {
		f := echo(cAddr, sAddr, 8)
		f[40] ^= 1
		if got := newBed(t).in(f); got != "inv" {
			t.Error(got)
		}
	})
}

func TestGenericProtocols(t *testing.T) {
	b := newBed(t)
	f := func(src, dst string) []byte { return packettest.IP(src, dst, 89, []byte("ospf or so")) }
	if got := b.in(f(cAddr, sAddr)); got != "new" || b.left() != 600 {
		t.Errorf("%s, %d s left", got, b.left())
	}
	if got := b.in(f(sAddr, cAddr)); got != "est+rpl" {
		t.Error(got)
	}
	if c := b.only(); c.Status&StatusAssured != 0 {
		t.Errorf("status %#x", c.Status)
	}
}

func TestZonesAndCommit(t *testing.T) {
	q := packettest.UDP(cAddr, sAddr, 1000, 53, "hello")
	t.Run("A011_zones_are_separate_tables", func(t *testing.T) {
		b := newBed(t)
		for zone := range uint16(3) {
			if got := b.inZone(q, zone, true); got != "new" {
				t.Errorf("zone %d: %s", zone, got)
			}
		}
		if b.Len() != 3 {
			t.Errorf("%d connections", b.Len())
		}
	})
	t.Run("A024_A057_only_commit_keeps_a_connection", func(t *testing.T) {
		b := newBed(t)
		for range 3 {
			if got := b.inZone(q, 0, false); got != "new" {
				t.Error(got)
			}
		}
		if b.Len() != 0 {
			t.Errorf("%d connections", b.Len())
		}
	})
	t.Run("A025_kill_makes_room_for_a_new_one", func(t *testing.T) {
		b := newBed(t)
		b.in(q)
		for ref := range b.All(b.now) {
			b.Kill(ref)
			b.Kill(ref) // a stale reference is ignored
			if b.Conn(ref) != nil {
				t.Error("the reference still answers")
			}
		}
		if got := b.in(q); got != "new" {
			t.Error(got)
		}
	})
	t.Run("A059_mark_and_label_under_masks", func(t *testing.T) {
		b := newBed(t)
		b.in(q)
		var ref packet.ConnRef
		for r := range b.All(b.now) {
			ref = r
		}
		b.SetMark(ref, 0x12, 0xff)
		b.SetMark(ref, 0x300, 0xf00)
		if m := b.only().Mark; m != 0x312 {
			t.Errorf("mark %#x", m)
		}
		b.SetLabel(ref, [16]byte{0xab, 0x0f}, [16]byte{0xff, 0x0f})
		b.SetLabel(ref, [16]byte{0, 0xf1}, [16]byte{0, 0x0f})
		if l := b.only().Label; l[0] != 0xab || l[1] != 0xf1 {
			t.Errorf("label %x: value bits outside the mask toggle", l)
		}
	})
	t.Run("B024_C26_clash_of_udp_is_resolved", func(t *testing.T) {
		b := newBed(t)
		var h packet.Headers
		packet.Parse(q, &h)
		h.Hash = b.Hash(&h.Tuple)
		var ct [2]packet.CT
		for i := range ct {
			b.In(b.now, q, &h, 0, &ct[i])
		}
		for i := range ct {
			if r := b.Confirm(b.now, &ct[i]); r != Accept {
				t.Errorf("packet %d: %v", i, r)
			}
		}
		if ct[0].Conn != ct[1].Conn || b.Len() != 1 || b.Stats().ClashRes != 1 || b.Stats().InsertFailed != 0 {
			t.Errorf("%+v, %d connections, %+v", ct, b.Len(), b.Stats())
		}
	})
}

// TestClashByProtocol: which protocols' packets may share a connection that
// another one of the same tuple has made known meanwhile (allow_clash).
func TestClashByProtocol(t *testing.T) {
	for proto, want := range map[uint8]Result{
		packet.ProtoUDP: Accept, packet.ProtoUDPLite: Accept, packet.ProtoGRE: Accept, 89: Accept,
		packet.ProtoTCP: DropClash, packet.ProtoSCTP: DropClash, packet.ProtoDCCP: DropClash, packet.ProtoICMP: DropClash, packet.ProtoICMPv6: DropClash,
	} {
		tr := New(Config{MaxConns: 8})
		var got Result
		for range 2 {
			slot, c := tr.slab.get()
			c.Orig = packet.Tuple{Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 2}, Proto: proto, Family: packet.IPv4}
			if c.Timeout = 1 << 40; proto == packet.ProtoICMP {
				c.Orig.DPort = 8 << 8
			} else if proto == packet.ProtoICMPv6 {
				c.Orig.DPort = 128 << 8
			}
			got = tr.Confirm(1, &packet.CT{Conn: tr.slab.ref(slot, c)})
		}
		if got != want {
			t.Errorf("protocol %d: %v, want %v", proto, got, want)
		}
	}
}

func TestB027_full_table(t *testing.T) {
	fill := func(b *bed, n int, f func(i int) []byte) (refused int) {
		for i := range n {
			if b.in(f(i)) == DropFull.String() {
				refused++
			}
		}
		return refused
	}
	flow := func(i int) []byte { return packettest.UDP(cAddr, sAddr, uint16(1000+i), 53, "") }
	t.Run("I7_unassured_connections_give_way", func(t *testing.T) {
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 32}), now: 1e9}
		if n := fill(b, 500, flow); n > 50 {
			t.Errorf("%d of 500 refused", n)
		}
		if b.Len() > 32 || b.Stats().EarlyDrop == 0 {
			t.Errorf("%d connections, %d early drops", b.Len(), b.Stats().EarlyDrop)
		}
	})
	t.Run("C25_assured_connections_stay", func(t *testing.T) {
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 32}), now: 1e9}
		fill(b, 32, flow)
		for _, c := range b.All(b.now) {
			c.Status |= StatusAssured
		}
		if n := fill(b, 10, func(i int) []byte { return flow(100 + i) }); n != 10 {
			t.Errorf("%d of 10 refused", n)
		}
		if b.Stats().Drop != 10 || b.Len() != 32 {
			t.Errorf("%+v, %d connections", b.Stats(), b.Len())
		}
	})
}

func TestC24_A124_table_drains(t *testing.T) {
	b := newBed(t)
	for i := range 500 {
		b.in(packettest.UDP(cAddr, sAddr, uint16(1000+i), 53, ""))
	}
	b.now += 31 * second
	for range 100 { // as often as a capture of ten more seconds might
		b.now += second / 10
		b.Tick(b.now, 64)
	}
	if b.Len() != 0 {
		t.Errorf("%d connections left", b.Len())
	}
}

func TestB029_settings(t *testing.T) {
	s := DefaultSettings()
	for name, want := range map[string]string{
		"net.netfilter.nf_conntrack_tcp_timeout_established": "432000",
		"net/netfilter/nf_conntrack_tcp_timeout_syn_sent":    "120",
		"nf_conntrack_tcp_timeout_unacknowledged":            "300",
		"nf_conntrack_udp_timeout":                           "30",
		"nf_conntrack_udp_timeout_stream":                    "120",
		"nf_conntrack_tcp_loose":                             "1",
		"nf_conntrack_tcp_be_liberal":                        "0",
		"nf_conntrack_sctp_timeout_established":              "210",
		"nf_conntrack_gre_timeout_stream":                    "180",
		"nf_flowtable_udp_timeout":                           "30",
	} {
		if got, err := s.Get(name); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %s", name, got, err, want)
		}
	}
	for _, n := range s.Names() {
		v, err := s.Get(n)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Set(n, v); err != nil {
			t.Errorf("%s: its own value %q: %v", n, v, err)
		}
		if w, _ := s.Get(n); w != v {
			t.Errorf("%s: %q became %q", n, v, w)
		}
	}
	for name, value := range map[string]string{
		"nf_conntrack_tcp_loose": "2", "nf_conntrack_udp_timeout": "-1", "nf_conntrack_max": "many",
		"nf_conntrack_tcp_max_retrans": "256",
		"nf_conntrack_icmp_timeout":    "21474837",
	} {
		var e *SettingError
		if err := s.Set(name, value); !errors.As(err, &e) || e.Unknown || e.Want == "" {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
	var e *SettingError
	if err := s.Set("nf_conntrack_tcp_be_liberall", "1"); !errors.As(err, &e) || !slices.Contains(e.Near, "nf_conntrack_tcp_be_liberal") {
		t.Errorf("misspelt: %v", err)
	}
}

// TestModel drives the table against a map that does the obvious thing.
func TestI3_I5_model(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type id struct {
			port, dport uint16
			zone        uint16
		}
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 300, Seed: [2]uint64{rapid.Uint64().Draw(rt, "seed"), 1}}), now: 1e9}
		deadline := map[id]int64{}
		live := func(k id) bool { return deadline[k] > b.now }
		draw := func() id {
			return id{rapid.Uint16Range(1, 40).Draw(rt, "port"), rapid.Uint16Range(60, 62).Draw(rt, "dport"), rapid.Uint16Range(0, 2).Draw(rt, "zone")}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"new": func(*rapid.T) {
				k := draw()
				want := "new"
				if got := b.inZone(packettest.UDP(cAddr, sAddr, k.port, k.dport, ""), k.zone, true); got != want {
					rt.Fatalf("%v: %s", k, got)
				}
				deadline[k] = b.now + 30*second
			},
			"time": func(*rapid.T) { b.now += rapid.Int64Range(0, 20e9).Draw(rt, "ns") },
			"tick": func(*rapid.T) { b.Tick(b.now, rapid.IntRange(0, 50).Draw(rt, "budget")) },
			"kill": func(*rapid.T) {
				k := draw()
				tu := tupleOf(cAddr, sAddr, k.port, k.dport)
				ref, _ := b.Lookup(&tu, b.Hash(&tu), k.zone, b.now)
				if (ref != 0) != live(k) {
					rt.Fatalf("%v: found %v, want %v", k, ref != 0, live(k))
				}
				b.Kill(ref)
				delete(deadline, k)
			},
			"": func(*rapid.T) {
				n := 0
				for k := range deadline {
					if live(k) {
						n++
					}
					tu := tupleOf(cAddr, sAddr, k.port, k.dport)
					for dir := range 2 {
						ref, d := b.Lookup(&tu, b.Hash(&tu), k.zone, b.now)
						if (ref != 0) != live(k) || ref != 0 && d != dir {
							rt.Fatalf("%v direction %d: found %v as %d, want %v", k, dir, ref != 0, d, live(k))
						}
						tu = invert(&tu)
					}
				}
				got := 0
				for range b.All(b.now) {
					got++
				}
				if got != n {
					rt.Fatalf("%d connections, want %d", got, n)
				}
				if errs := b.Check(); len(errs) > 0 {
					rt.Fatal(errs)
				}
			},
		})
	})
}

func tupleOf(src, dst string, sp, dp uint16) packet.Tuple {
	var h packet.Headers
	packet.Parse(packettest.UDP(src, dst, sp, dp, ""), &h)
	return h.Tuple
}

// TestHashIsSymmetric: one entry serves both directions only if their tuples
// hash alike.
func TestHashIsSymmetric(t *testing.T) {
	tr := New(Config{Seed: [2]uint64{5, 6}})
	rapid.Check(t, func(rt *rapid.T) {
		var tu packet.Tuple
		for i := range tu.Src {
			tu.Src[i] = rapid.Byte().Draw(rt, "src")
			tu.Dst[i] = rapid.Byte().Draw(rt, "dst")
		}
		tu.SPort, tu.DPort = rapid.Uint16().Draw(rt, "sp"), rapid.Uint16().Draw(rt, "dp")
		tu.Family, tu.Proto = packet.IPv6, rapid.SampledFrom([]uint8{6, 17, 58}).Draw(rt, "proto")
		if tu.Proto == packet.ProtoICMPv6 {
			tu.DPort = 128 << 8
		}
		in := invert(&tu)
		if tr.Hash(&tu) != tr.Hash(&in) {
			rt.Fatalf("%v", tu)
		}
		if !isReply(&tu, &in) {
			rt.Fatalf("the inverse of %v is no reply", tu)
		}
	})
}

// FuzzIn feeds arbitrary frames: nothing panics and the tables stay sound (I9).
func FuzzIn(f *testing.F) {
	f.Add(c("S", 1, 0), uint16(0))
	f.Add(packettest.UDP(cAddr, sAddr, 1, 2, "abc"), uint16(1))
	f.Add(packettest.ICMP(sAddr, cAddr, 3, 3, 0, packettest.UDP(cAddr, sAddr, 1, 2, "abc")[14:]), uint16(0))
	f.Add(sctpUp[0].frame, uint16(0))
	f.Add(dccpUp[0].frame, uint16(0))
	f.Add(packettest.IP(cAddr, sAddr, packet.ProtoGRE, []byte("\x20\x01\x88\x0b\x00\x04\x12\x34data")), uint16(0))
	f.Add(packettest.IP(cAddr, sAddr, packet.ProtoUDPLite, []byte("\x00\x01\x00\x02\x00\x00\x00\x01data")), uint16(0))
	f.Add([]byte(strings.Repeat("\x86\xdd", 40)), uint16(0))
	f.Fuzz(func(t *testing.T, frame []byte, zone uint16) {
		b := &bed{TB: t, Tracker: New(Config{MaxConns: 64}), now: 1e9}
		for _, check := range []string{"0", "1"} {
			if err := b.Settings().Set("nf_conntrack_checksum", check); err != nil {
				t.Fatal(err)
			}
			b.in(packettest.UDP(cAddr, sAddr, 1, 2, "abc"))
			b.in(c("S", 1, 0))
			b.inZone(frame, zone, true)
			b.inZone(frame, zone, true)
		}
	})
}

func TestNoAllocs(t *testing.T) {
	tr := New(Config{MaxConns: 1 << 16})
	frame, port, now := packettest.UDP(cAddr, sAddr, 1, 2, "abc"), uint16(0), int64(1e9)
	frame[40], frame[41] = 0, 0 // no checksum: the port changes
	var h packet.Headers
	for range 100 {
		tr.slab.put(func() uint32 { n, _ := tr.slab.get(); return n }())
	}
	if n := testing.AllocsPerRun(2000, func() {
		port++
		now += 1e6
		frame[34], frame[35] = byte(port>>8), byte(port)
		packet.Parse(frame, &h)
		h.Hash = tr.Hash(&h.Tuple)
		var ct packet.CT
		tr.In(now, frame, &h, 0, &ct)
		tr.Confirm(now, &ct)
		tr.Tick(now, 16)
	}); n != 0 {
		t.Errorf("%v allocations a new connection", n)
	}
}

func BenchmarkHash(b *testing.B) {
	tr := New(Config{})
	tu := tupleOf(cAddr, sAddr, 1, 2)
	var x uint64
	for b.Loop() {
		x += tr.Hash(&tu)
		tu.SPort++
	}
	_ = x
}

// BenchmarkLookup1M finds a million connections in random order, a vector at
// a time, with its misses overlapped.
func BenchmarkLookup1M(b *testing.B) {
	const conns = 1 << 20
	tr := New(Config{MaxConns: conns + 1})
	tuple := func(i uint32) packet.Tuple {
		return packet.Tuple{Src: packet.Addr{10, byte(i >> 16), byte(i >> 8), byte(i)}, Dst: packet.Addr{192, 168, 0, 1}, SPort: 1000, DPort: 80, Proto: packet.ProtoTCP, Family: packet.IPv4}
	}
	for i := range uint32(conns) {
		slot, c := tr.slab.get()
		c.Orig, c.Timeout = tuple(i), 1<<62
		ct := packet.CT{Conn: tr.slab.ref(slot, c)}
		c.Timeout = 1 << 61
		tr.Confirm(1, &ct)
	}
	var tus [SeekSize]packet.Gist
	var s Seek
	r := uint32(1)
	b.ResetTimer()
	for n := 0; n < b.N; n += len(tus) {
		for i := range tus {
			r = r*1664525 + 1013904223
			tus[i].Tuple = tuple(r >> 12)
		}
		tr.Aim(&s, &tus, 0, len(tus), 0)
		tr.Fetch(&s, 0, len(tus), 0)
		met, _ := tr.Meet(&s, &tus, 0, len(tus))
		for i := range tus {
			if met>>i&1 == 0 {
				if ref, _ := tr.Lookup(&tus[i].Tuple, tus[i].Hash, 0, 1); ref == 0 {
					b.Fatal("not found")
				}
			}
		}
	}
}
