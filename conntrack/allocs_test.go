package conntrack

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestTranslationsAllocateNothing: a connection's packets are looked up in
// every way and translated by every path, at one end and at both.
func TestTranslationsAllocateNothing(t *testing.T) {
	src, dst := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1"), addrRange(DstNAT, "192.0.2.2", "192.0.2.2")
	for _, c := range []struct {
		name     string
		from, to *NATRange
	}{{"plain", nil, nil}, {"one_end", src, nil}, {"both_ends", src, dst}} {
		for kind, there := range map[string][]byte{
			"tcp": packettest.TCP(cAddr, sAddr, 1000, 80, "S", 1, 0, ""),
			"udp": packettest.UDP(cAddr, sAddr, 1000, 53, "question"),
		} {
			t.Run(c.name+"/"+kind, func(t *testing.T) {
				x := newTranslation(t, there, c.from, c.to)
				var s Seek
				var g packet.Gist
				var h packet.Headers
				frame := make([]byte, 0, 128)
				found := 0
				if n := testing.AllocsPerRun(100, func() {
					for dir, original := range [2][]byte{x.there, x.back} {
						frame = append(frame[:0], original...)
						if conn, d := x.lookup(&s, &g, frame); conn != nil && d == dir {
							found++
							if c.from != nil || c.to != nil {
								x.b.Restore(conn, frame, &g, &s, 0, dir)
							}
						}
						frame = append(frame[:0], original...)
						packet.Parse(frame, &h)
						h.Hash = x.b.Hash(&h.Tuple)
						if ref, d := x.b.Lookup(&h.Tuple, h.Hash, 0, x.b.now); ref == x.ref && d == dir {
							found++
						}
						if ref, conn, d := x.b.Find(&h.Tuple, h.Hash, 0, x.b.now); ref == x.ref && conn != nil && d == dir {
							found++
						}
						ct := packet.CT{Conn: x.ref, Info: [2]packet.CTInfo{packet.CTEstablished, packet.CTEstablishedReply}[dir]}
						x.b.NAT(x.b.now, frame, &h, &ct, &NATRange{}, false)
					}
				}); n != 0 {
					t.Errorf("%v allocations a packet there and one back", n)
				}
				if want := 101 * 2 * 3; found != want {
					t.Errorf("found %d times, want %d", found, want)
				}
			})
		}
	}
}

// TestLivesAllocateNothing: connections begin, are translated, get an answer
// and marks, and end, by time, by RST, or because somebody says so.
func TestLivesAllocateNothing(t *testing.T) {
	r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.4")
	for _, c := range []struct {
		name   string
		frames [][]byte // the first begins it; ports change
		nat    *NATRange
		end    func(b *bed, ref packet.ConnRef)
		step   int64
	}{
		{name: "udp_expires", frames: [][]byte{packettest.UDP(cAddr, sAddr, 1, 2, "abc")}, step: 1e9},
		{name: "udp_killed", frames: [][]byte{packettest.UDP(cAddr, sAddr, 1, 2, "abc")}, end: func(b *bed, ref packet.ConnRef) { b.Kill(ref) }},
		{name: "udp_translated", frames: [][]byte{packettest.UDP(cAddr, sAddr, 1, 2, "abc")}, nat: r, step: 1e9},
		{name: "tcp_reset", frames: [][]byte{c("S", 1000, 0), c("R", 1001, 0)}, step: 1e9},
		{name: "tcp_marked", frames: [][]byte{c("S", 1000, 0)}, step: 9e9, end: func(b *bed, ref packet.ConnRef) {
			b.SetMark(ref, 7, 0xff)
			b.SetLabel(ref, [16]byte{1}, [16]byte{3})
		}},
		{name: "icmp_expires", frames: [][]byte{packettest.ICMP(cAddr, sAddr, 8, 0, 7<<16, []byte("ping"))}, step: 1e9},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBed(t, "nf_conntrack_checksum=0")
			var h packet.Headers
			frame, n, made := make([]byte, 0, 128), uint16(0), 0
			life := func() {
				n++
				b.now += max(c.step, 1e6)
				var ref packet.ConnRef
				for i, f := range c.frames {
					frame = append(frame[:0], f...)
					at := 34 // a port
					if f[23] == packet.ProtoICMP {
						at = 38 // an identifier
					}
					binary.BigEndian.PutUint16(frame[at:], n)
					packet.Parse(frame, &h)
					h.Hash = b.Hash(&h.Tuple)
					var ct packet.CT
					if b.In(b.now, frame, &h, 0, &ct) != Accept || ct.Conn == 0 {
						continue
					}
					if i == 0 && c.nat != nil {
						if _, res := b.NAT(b.now, frame, &h, &ct, c.nat, true); res != Accept {
							continue
						}
					}
					if b.Confirm(b.now, &ct) == Accept && i == 0 {
						made++
						ref = ct.Conn
					}
					b.Discard(&ct)
				}
				if c.end != nil {
					c.end(b, ref)
				}
				b.Tick(b.now, 64)
			}
			for range 6000 { // slots are used again
				life()
			}
			if a := testing.AllocsPerRun(1000, life); a != 0 {
				t.Errorf("%v allocations a life", a)
			}
			if made != 7001 {
				t.Errorf("%d connections made, want 7001", made)
			}
			if c.nat != nil && bytes.Equal(frame[26:30], c.frames[0][26:30]) {
				t.Error("nothing was translated")
			}
		})
	}
}
