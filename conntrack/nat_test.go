package conntrack

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// translate sends a frame through the tracker and its translation, and commits
// what is new. It returns the frame as it left, nil when it was dropped.
func (b *bed) translate(frame []byte, zone uint16, r *NATRange) []byte {
	b.Helper()
	b.now += 1e6
	f := bytes.Clone(frame)
	var h packet.Headers
	packet.Parse(f, &h)
	h.Hash = b.Hash(&h.Tuple)
	var ct packet.CT
	if b.In(b.now, f, &h, zone, &ct) != Accept || ct.Conn == 0 {
		return nil
	}
	defer func() { b.Discard(&ct) }()
	if r == nil {
		r = &NATRange{}
	}
	commit := r.Manip != 0
	if _, res := b.NAT(b.now, f, &h, &ct, r, commit); res != Accept {
		return nil
	}
	if commit && b.Confirm(b.now, &ct) != Accept {
		return nil
	}
	var again packet.Headers
	packet.Parse(f, &again)
	if again.Tuple != h.Tuple || h.Hash != b.Hash(&h.Tuple) {
		b.Fatalf("headers say %v, the frame %v", h.Tuple, again.Tuple)
	}
	g := bytes.Clone(f)
	packettest.Fix(g)
	if !bytes.Equal(f, g) {
		b.Fatalf("checksums are wrong:\n%x\n%x", f, g)
	}
	return f
}

// turned is the answer to a frame.
func turned(frame []byte) []byte {
	var h packet.Headers
	packet.Parse(frame, &h)
	src, dst := h.Tuple.Src.Netip(h.Tuple.Family).String(), h.Tuple.Dst.Netip(h.Tuple.Family).String()
	if isICMP(&h) {
		return packettest.ICMP(dst, src, uint8(invert(&h.Tuple).DPort>>8), 0, uint32(h.Tuple.SPort)<<16, []byte("answer"))
	}
	return packettest.UDP(dst, src, h.Tuple.DPort, h.Tuple.SPort, "answer")
}

func addrRange(m Manip, lo, hi string) *NATRange {
	f, g := packettest.UDP(lo, lo, 1, 1, ""), packettest.UDP(hi, hi, 1, 1, "")
	var a, b packet.Headers
	packet.Parse(f, &a)
	packet.Parse(g, &b)
	return &NATRange{Manip: m, HasAddr: true, Family: a.Tuple.Family, Min: a.Tuple.Src, Max: b.Tuple.Src}
}

// TestNATIsABijection drives random connections from few clients to few
// servers through few addresses and ports: whatever is forwarded comes back
// to who sent it, no two connections share a tuple, and what is dropped had no
// port left.
func TestNATIsABijection(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBed(t)
		fam := rapid.IntRange(0, 1).Draw(rt, "family")
		host := func(n int) string { return [2]string{"10.0.0.%d", "fd00::%d"}[fam] }
		pool := [2]string{"192.0.2.%d", "2001:db8::%d"}[fam]
		type flow struct {
			out, in []byte // as the client sent it, as the server got it
			zone    uint16
		}
		var flows []flow
		for range rapid.IntRange(1, 60).Draw(rt, "packets") {
			src := fmt.Sprintf(host(0), rapid.IntRange(1, 4).Draw(rt, "client"))
			dst := fmt.Sprintf(host(0), rapid.IntRange(100, 101).Draw(rt, "server"))
			sp := rapid.Uint16Range(2000, 2002).Draw(rt, "port")
			zone := rapid.Uint16Range(0, 1).Draw(rt, "zone")
			r := addrRange(SrcNAT, fmt.Sprintf(pool, 1), fmt.Sprintf(pool, rapid.IntRange(1, 2).Draw(rt, "addresses")))
			switch rapid.IntRange(0, 5).Draw(rt, "range") {
			case 0:
				r.HasPort, r.MinPort, r.MaxPort = true, 3000, 3002
			case 1:
				r.Random = true
			case 2:
				r.Hash = true
			case 3:
				r = addrRange(DstNAT, fmt.Sprintf(host(0), 101), fmt.Sprintf(host(0), 101))
			case 4:
				r = &NATRange{Manip: SrcNAT} // null binding
			}
			f := packettest.UDP(src, dst, sp, 53, "query")
			if rapid.IntRange(0, 3).Draw(rt, "icmp") == 0 && r.Manip == SrcNAT {
				f = packettest.ICMP(src, dst, [2]uint8{8, 128}[fam], 0, uint32(sp)<<16, []byte("ping"))
			}
			// A later packet may meet another action, which translates it by
			// its own range or not at all, as in the kernel.
			before := b.Len()
			if got := b.translate(f, zone, r); got != nil && b.Len() > before {
				flows = append(flows, flow{f, got, zone})
			}
			if errs := b.Check(); len(errs) != 0 {
				rt.Fatal(errs)
			}
			if rapid.IntRange(0, 15).Draw(rt, "kill") == 0 {
				for ref := range b.All(b.now) {
					b.Kill(ref)
					break
				}
				flows = nil // whose it was is not worth knowing
			}
		}
		for _, f := range flows {
			back := b.translate(turned(f.in), f.zone, nil)
			if want := turned(f.out); !bytes.Equal(back, want) {
				for ref, c := range b.All(b.now) {
					rt.Logf("zone %d %v, answers %v, status %#x", c.Zone, c.Orig, b.Reply(ref), c.Status)
				}
				rt.Fatalf("zone %d: went out as\n%x\nand back came\n%x\nwant\n%x", f.zone, f.in, back, want)
			}
		}
		b.now += 3600 * second
		b.Flush()
		if errs := b.Check(); len(errs) != 0 || b.Len() != 0 {
			rt.Fatalf("%d connections left: %v", b.Len(), errs)
		}
	})
}

// TestPortSearch fills a range to the last port: as long as one is free it is
// found, whether ports are tried or looked up, and when none is, the packet is
// dropped and counted.
func TestPortSearch(t *testing.T) {
	for _, size := range []int{1, 10, denseTries + 40, 700} {
		b := newBed(t)
		r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
		r.HasPort, r.MinPort, r.MaxPort = true, 5000, uint16(5000+size-1)
		send := func(n int) []byte {
			return b.translate(packettest.UDP(fmt.Sprintf("10.0.%d.%d", n>>8, n&255), sAddr, 1000, 53, "q"), 0, r)
		}
		var frames [][]byte
		for n := range size {
			f := send(n)
			if f == nil {
				t.Fatalf("range of %d: no port for connection %d", size, n)
			}
			frames = append(frames, f)
		}
		t.Run(fmt.Sprintf("C21_B044_exhaustion_of_%d_is_counted", size), func(t *testing.T) {
			if send(size) != nil || b.Stats().NATExhausted != 1 || b.Stats().Drop != 1 || b.Len() != size {
				t.Errorf("%d connections, %+v", b.Len(), b.Stats())
			}
		})
		t.Run(fmt.Sprintf("C19_the_last_free_of_%d_is_found", size), func(t *testing.T) {
			var h packet.Headers
			packet.Parse(turned(frames[size/2]), &h)
			ref, _ := b.Lookup(&h.Tuple, b.Hash(&h.Tuple), 0, b.now)
			b.Kill(ref)
			f := send(size)
			if f == nil || !bytes.Equal(f[34:36], frames[size/2][34:36]) {
				t.Errorf("not the port that was free: %x", f)
			}
			if send(size+1) != nil {
				t.Error("a port for one too many")
			}
		})
		t.Run(fmt.Sprintf("C38_an_expired_one_of_%d_makes_room_at_once", size), func(t *testing.T) {
			// Nobody ticks: time alone frees the ports.
			b.now += 31 * second
			if send(size+2) == nil {
				t.Error("the ports of expired connections are not free")
			}
		})
	}
}

// TestPortMapsForget: connections that end sooner than they could have make
// room in a full map.
func TestPortMapsForget(t *testing.T) {
	b := newBed(t)
	r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
	r.HasPort, r.MinPort, r.MaxPort = true, 5000, 5199
	open := func(n int) []byte {
		src := fmt.Sprintf("10.0.1.%d", n)
		f := b.translate(packettest.TCP(src, sAddr, 1000, 80, "S", 1000, 0, ""), 0, r)
		if f == nil {
			return nil
		}
		var h packet.Headers
		packet.Parse(f, &h)
		nat := h.Tuple.Src.Netip(packet.IPv4).String()
		b.translate(packettest.TCP(sAddr, nat, 80, h.Tuple.SPort, "SA", 5000, 1001, ""), 0, nil)
		b.translate(packettest.TCP(src, sAddr, 1000, 80, "A", 1001, 5001, ""), 0, nil)
		return f
	}
	for n := range 200 {
		if open(n) == nil {
			t.Fatalf("no port for connection %d", n)
		}
	}
	if open(200) != nil || len(b.ports.maps) != 1 {
		t.Fatalf("%d maps; the range is not full", len(b.ports.maps))
	}
	// Established ones live five days; a reset one ten seconds.
	b.translate(packettest.TCP("10.0.1.7", sAddr, 1000, 80, "R", 1001, 0, ""), 0, nil)
	b.now += 11 * second
	if open(201) == nil {
		t.Error("the port of a connection that was reset is not free")
	}
}

func TestTranslatedErrors(t *testing.T) {
	quote := func(f []byte, n int) []byte { return f[14:min(len(f), 14+n)] }
	for name, c := range map[string]struct {
		r     *NATRange
		query []byte
		n     int // bytes quoted
	}{
		"snat":               {addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), packettest.UDP(cAddr, sAddr, 1000, 53, "question"), 64},
		"snat, 8 bytes":      {addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), packettest.TCP(cAddr, sAddr, 1000, 80, "S", 1, 0, ""), 28},
		"dnat":               {addrRange(DstNAT, "192.0.2.1", "192.0.2.1"), packettest.UDP(cAddr, sAddr, 1000, 53, "question"), 64},
		"snat, echo request": {addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), packettest.ICMP(cAddr, sAddr, 8, 0, 77<<16, []byte("x")), 64},
		"snat6":              {addrRange(SrcNAT, "2001:db8::1", "2001:db8::1"), packettest.UDP("fd00::1", "fd00::2", 1000, 53, "question"), 80},
	} {
		b := newBed(t)
		c.r.Random = true // so that the port is another
		out := b.translate(c.query, 0, c.r)
		var h, orig packet.Headers
		packet.Parse(out, &h)
		packet.Parse(c.query, &orig)
		router, typ := "10.9.9.9", uint8(3)
		if h.Tuple.Family == packet.IPv6 {
			router, typ = "fd00::9", 1
		}
		sender := h.Tuple.Src.Netip(h.Tuple.Family).String()
		err := packettest.ICMP(router, sender, typ, 1, 0, quote(out, c.n))
		// What the client gets quotes what it sent. Whoever sent it, it comes
		// from where the packet was sent to.
		if c.r.Manip == DstNAT {
			router = orig.Tuple.Dst.Netip(packet.IPv4).String()
		}
		want := packettest.ICMP(router, orig.Tuple.Src.Netip(h.Tuple.Family).String(), typ, 1, 0, quote(c.query, c.n))
		if got := b.translate(err, 0, nil); !bytes.Equal(got, want) {
			t.Errorf("%s: the error arrives as\n%x\nwant\n%x", name, got, want)
		}
		bad := bytes.Clone(err)
		bad[len(bad)-1] ^= 1
		if b.translate(bad, 0, nil) != nil {
			t.Errorf("%s: an error with a wrong checksum was translated", name)
		}
	}
}

func FuzzNAT(f *testing.F) {
	q := packettest.UDP(cAddr, sAddr, 1000, 53, "question")
	f.Add(q, packettest.ICMP("10.9.9.9", "192.0.2.1", 3, 1, 0, q[14:]), true)
	f.Add(packettest.TCP(cAddr, sAddr, 1000, 80, "S", 1, 0, ""), packettest.TCP(sAddr, "192.0.2.1", 80, 1000, "SA", 5, 2, ""), false)
	f.Fuzz(func(t *testing.T, one, two []byte, random bool) {
		b := newBed(t)
		r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.9")
		r.Random = random
		for _, frame := range [][]byte{one, two, one} {
			frame = bytes.Clone(frame)
			var h packet.Headers
			packet.Parse(frame, &h)
			if h.Flags&packet.IsFrag != 0 {
				continue
			}
			h.Hash = b.Hash(&h.Tuple)
			var ct packet.CT
			b.In(b.now, frame, &h, 0, &ct)
			if _, res := b.NAT(b.now, frame, &h, &ct, r, true); res == Accept {
				b.Confirm(b.now, &ct)
			}
			b.Discard(&ct)
			if errs := b.Check(); len(errs) != 0 {
				t.Fatal(errs)
			}
		}
	})
}
