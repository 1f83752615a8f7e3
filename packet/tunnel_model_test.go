package packet_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// slowDecap is Decap as RFC 7348, RFC 8926 and RFC 2784 draw the headers, one
// check after the other in Linux's order. It returns the frame as it is
// afterwards, too.
func slowDecap(p packet.TunnelPort, frame []byte, h *packet.Headers) (begin, end int, tun packet.Tunnel, after []byte, err packet.TunnelError) {
	word := func(at int) uint16 { return binary.BigEndian.Uint16(frame[at:]) }
	long := func(at int) uint32 { return binary.BigEndian.Uint32(frame[at:]) }
	refuse := func(e packet.TunnelError) (int, int, packet.Tunnel, []byte, packet.TunnelError) {
		return 0, 0, packet.Tunnel{}, frame, e
	}
	at := int(h.L4)
	end = int(h.End)
	tun = packet.Tunnel{Src: h.Tuple.Src, Dst: h.Tuple.Dst, Family: h.Tuple.Family, TOS: h.TOS, TTL: h.TTL}
	if p.Kind == packet.GRETap {
		if end-at < 4 {
			return refuse(packet.TunnelTruncated)
		}
		bits := word(at)
		if bits&0x4000 != 0 || bits&7 != 0 || word(at+2) != 0x6558 { // routing, version
			return refuse(packet.TunnelHeader)
		}
		begin = at + 4
		for _, has := range []uint16{0x8000, 0x2000, 0x1000} { // checksum, key, sequence number
			if bits&has != 0 {
				begin += 4
			}
		}
		if begin > end {
			return refuse(packet.TunnelTruncated)
		}
		if bits&0x8000 != 0 {
			return refuse(packet.TunnelBadSum)
		}
		if bits&0x2000 != 0 {
			tun.Flags, tun.ID = packet.TunnelKey, long(at+4)
		}
	} else {
		if end-at < 16 {
			return refuse(packet.TunnelTruncated)
		}
		length := int(word(at + 4))
		if length < 16 || length > end-at {
			return refuse(packet.TunnelTruncated)
		}
		end = at + length
		tun.SPort, tun.DPort, tun.Flags, tun.ID = word(at), word(at+2), packet.TunnelKey, long(at+12)>>8
		switch {
		case word(at+6) != 0:
			pseudo := append(bytes.Clone(frame[h.L3+12:h.L3+20]), 0, 17, byte(length>>8), byte(length))
			if tun.Family == packet.IPv6 {
				pseudo = append(bytes.Clone(frame[h.L3+8:h.L3+40]), 0, 17, byte(length>>8), byte(length))
			}
			if plainSum(append(pseudo, frame[at:end]...)) != 0xffff {
				return refuse(packet.TunnelBadSum)
			}
			tun.Flags |= packet.TunnelChecksum
		case tun.Family == packet.IPv6 && !p.ZeroSum6:
			return refuse(packet.TunnelBadSum)
		}
		begin = at + 16
		if p.Kind == packet.VXLAN {
			flags := long(at + 8)
			if flags&0x08000000 == 0 || frame[at+15] != 0 {
				return refuse(packet.TunnelHeader)
			}
			if p.GroupPolicy {
				if flags&0x80000000 != 0 {
					tun.OptsKind, tun.OptsLen = packet.VXLAN, 4
					binary.BigEndian.PutUint32(tun.Opts[:], flags&0x0048ffff)
				}
				flags &= 0x7f000000
			}
			if flags != 0x08000000 {
				return refuse(packet.TunnelHeader)
			}
		} else {
			if frame[at+8] >= 0x40 || word(at+10) != 0x6558 {
				return refuse(packet.TunnelHeader)
			}
			opts := int(frame[at+8]) * 4
			begin += opts
			if begin > end {
				return refuse(packet.TunnelTruncated)
			}
			if frame[at+9]&0x80 != 0 {
				tun.Flags |= packet.TunnelOAM
			}
			if frame[at+9]&0x40 != 0 {
				tun.Flags |= packet.TunnelCritical
			}
			tun.OptsKind, tun.OptsLen = packet.Geneve, uint8(opts)
			copy(tun.Opts[:], frame[at+16:begin])
		}
	}
	need := 14
	if end-begin >= 14 {
		switch word(begin + 12) {
		case 0x0800:
			need = 34
		case 0x86dd:
			need = 54
		}
	}
	if end-begin < need {
		return refuse(packet.TunnelTruncated)
	}
	if p.HasMAC && p.Kind != packet.GRETap && bytes.Equal(frame[begin+6:begin+12], p.MAC[:]) {
		return refuse(packet.TunnelEcho)
	}
	after = bytes.Clone(frame)
	if h.TOS&3 != 3 {
		return begin, end, tun, after, packet.TunnelOK
	}
	ip := begin + 14
	for (word(ip-2) == 0x8100 || word(ip-2) == 0x88a8) && end-ip >= 4 {
		ip += 4
	}
	switch {
	case word(ip-2) == 0x0800 && end-ip >= 20:
		if after[ip+1]&3 == 0 {
			return refuse(packet.TunnelECN)
		}
		sum := uint32(^word(ip+10)) + uint32(^word(ip)) + uint32(word(ip)|3)
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		after[ip+1] |= 3
		binary.BigEndian.PutUint16(after[ip+10:], ^uint16(sum))
	case word(ip-2) == 0x86dd && end-ip >= 40:
		if word(ip)>>4&3 == 0 {
			return refuse(packet.TunnelECN)
		}
		after[ip+1] |= 0x30
	}
	return begin, end, tun, after, packet.TunnelOK
}

// tunnelled are frames of the kind, with all that may be inside.
func tunnelled(kind packet.TunnelKind) (out [][]byte) {
	ce6 := bytes.Clone(inner6)
	ce6[15] = 0x10
	tagged := packettest.Tagged(tos(inner, 2), packet.EtherQinQ, 5, packet.EtherVLAN, 6)
	for i, in := range [][]byte{tos(inner, 2), ce6, tagged, packettest.Tagged(ce6, packet.EtherVLAN, 7), packettest.Tagged(inner, packet.EtherVLAN, 7)[:16], []byte(packettest.Ether + "\x08\x06arp")} {
		for _, mark := range []byte{0, 3} {
			src, dst := "192.0.2.1", "192.0.2.2"
			var f []byte
			switch kind {
			case packet.VXLAN:
				f = packettest.VXLAN(src, dst, 50000, 0x123456, in)
			case packet.Geneve:
				f = packettest.Geneve(src, dst, 50000, 0x123456, "\x01\x02\x80\x01abcd"[:8-8*(i&1)], in)
			default:
				f = packettest.GRETap(src, dst, 0x01020304, in)
			}
			f = tos(f, 0x48|mark)
			out = append(out, f, append(packettest.NoSum(bytes.Clone(f)), "padding"...))
			if mark != 0 || i > 1 {
				continue
			}
			src, dst = "2001:db8::1", "2001:db8::2"
			switch kind {
			case packet.VXLAN:
				f = packettest.VXLAN(src, dst, 50000, 0x123456, in)
			case packet.Geneve:
				f = packettest.Geneve(src, dst, 50000, 0x123456, "", in)
			default:
				f = packettest.GRETap(src, dst, 0x01020304, in)
			}
			out = append(out, f, packettest.NoSum(bytes.Clone(f)))
		}
	}
	return out
}

// TestDecapIsSlowDecap holds Decap to the slow way, and DecapPlain to its
// conditions, on frames cut off everywhere and with every byte changed.
func TestDecapIsSlowDecap(t *testing.T) {
	seen := map[packet.TunnelError]int{}
	plain := 0
	for _, kind := range []packet.TunnelKind{packet.VXLAN, packet.Geneve, packet.GRETap} {
		ports := []packet.TunnelPort{{Kind: kind}, {Kind: kind, ZeroSum6: true, GroupPolicy: kind == packet.VXLAN, MAC: [6]byte(inner[6:12]), HasMAC: true}, {Kind: kind, MAC: [6]byte(inner[6:12])}}
		for _, frame := range tunnelled(kind) {
			packettest.Near(frame, 130, func(b []byte) {
				var h packet.Headers
				packet.Parse(b, &h)
				for i, p := range ports {
					tun := packet.Tunnel{OptsKind: packet.Geneve, OptsLen: 3, Flags: 0xff, ID: 99, SPort: 98, DPort: 97}
					if kind == packet.VXLAN {
						quick := packet.Tunnel{Src: packet.Addr{15: 1}, Dst: packet.Addr{15: 1}, OptsKind: packet.Geneve, OptsLen: 3, Flags: 0xff}
						begin, end, ok := p.DecapPlain(b, &quick)
						if want := isPlainVXLAN(p, b); ok != want || !ok && (begin != 0 || end != 0) {
							t.Fatalf("port %d: the quick way says %v, %d to %d, want %v of %x", i, ok, begin, end, want, b)
						}
						if wantBegin, wantEnd, want, _, err := slowDecap(p, b, &h); ok && (begin != wantBegin || end != wantEnd || quick != want || err != packet.TunnelOK) {
							t.Fatalf("port %d, %x: quick way %d to %d %+v, want %d to %d %+v, %d", i, b, begin, end, quick, wantBegin, wantEnd, want, err)
						}
						if ok {
							plain++
						}
					}
					if proto := map[bool]uint8{true: packet.ProtoGRE, false: packet.ProtoUDP}[kind == packet.GRETap]; h.Flags&(packet.HasL4|packet.IsFrag) != packet.HasL4 || h.Proto != proto {
						continue
					}
					wantBegin, wantEnd, want, after, wantErr := slowDecap(p, b, &h)
					got := bytes.Clone(b)
					begin, end, err := p.Decap(got, &h, &tun)
					seen[err]++
					if begin != wantBegin || end != wantEnd || err != wantErr || !bytes.Equal(got, after) {
						t.Fatalf("port %d, %x: %d to %d, error %d; want %d to %d, error %d\n%x\n%x", i, b, begin, end, err, wantBegin, wantEnd, wantErr, got, after)
					}
					tun.Opts, want.Opts = rest(tun), rest(want)
					if err == packet.TunnelOK && tun != want {
						t.Fatalf("port %d, %x:\n%+v\nwant\n%+v", i, b, tun, want)
					}
				}
			})
		}
	}
	for err := packet.TunnelOK; err <= packet.TunnelEcho; err++ {
		if seen[err] < 20 {
			t.Errorf("error %d was seen %d times", err, seen[err])
		}
	}
	if plain < 100 {
		t.Errorf("%d packets took the quick way", plain)
	}
}

// rest gives a tunnel's options without what lies behind them.
func rest(t packet.Tunnel) (opts [packet.MaxTunnelOpts]byte) {
	copy(opts[:], t.Opts[:t.OptsLen])
	return opts
}

// isPlainVXLAN are the conditions of DecapPlain, one by one.
func isPlainVXLAN(p packet.TunnelPort, b []byte) bool {
	const inIP, inUDP, inVXLAN, inner = 14, 34, 42, 50
	word := func(at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
	switch {
	case p.Kind != packet.VXLAN, p.GroupPolicy:
	case len(b) < inner+34, word(12) != 0x0800, b[inIP] != 0x45, plainSum(b[inIP:inUDP]) != 0xffff:
	case word(inIP+6)&0x3fff != 0, b[inIP+9] != 17, b[inIP+1]&3 == 3:
	case inIP+word(inIP+2) > len(b), word(inUDP+4) != word(inIP+2)-20, word(inUDP+4) < 16+34:
	case word(inUDP+6) != 0, !bytes.Equal(b[inVXLAN:inVXLAN+4], []byte{8, 0, 0, 0}), b[inVXLAN+7] != 0:
	case b[inner+12] == 0x86 && word(inUDP+4) < 16+54:
	case p.HasMAC && [6]byte(b[inner+6:inner+12]) == p.MAC:
	default:
		return true
	}
	return false
}

// TestDecapPlainHeaders: outer headers whose checksum is right, and that are not
// quite those of the quick way.
func TestDecapPlainHeaders(t *testing.T) {
	p := packet.TunnelPort{Kind: packet.VXLAN}
	good := packettest.NoSum(packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, inner))
	for at := 14; at < 26; at++ {
		for bit := range 8 {
			f := bytes.Clone(good)
			f[at] ^= 1 << bit
			f[24], f[25] = 0, 0
			binary.BigEndian.PutUint16(f[24:], ^plainSum(f[14:34]))
			var tun packet.Tunnel
			if _, _, ok := p.DecapPlain(f, &tun); ok != isPlainVXLAN(p, f) {
				t.Errorf("bit %d of byte %d: %v", bit, at, ok)
			}
		}
	}
}

// TestDecapGRECut: a GRE header that is not all there.
func TestDecapGRECut(t *testing.T) {
	f := packettest.GRETap("192.0.2.1", "192.0.2.2", 9, inner)
	var h packet.Headers
	var tun packet.Tunnel
	packet.Parse(f, &h)
	for n := range uint16(8) {
		h.End = h.L4 + n
		p := packet.TunnelPort{Kind: packet.GRETap}
		if begin, end, err := p.Decap(f[:h.End:h.End], &h, &tun); err != packet.TunnelTruncated || begin != 0 || end != 0 {
			t.Errorf("%d bytes: %d to %d, error %d", n, begin, end, err)
		}
	}
}

// TestDecapPlainSizes: the shortest packets that go the quick way, whose frames
// have bytes behind them.
func TestDecapPlainSizes(t *testing.T) {
	for _, in := range [][]byte{inner, inner6} {
		for n := 14; n <= len(in); n++ {
			for _, pad := range []int{0, 1, 60} {
				f := append(packettest.NoSum(packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, in[:n])), make([]byte, pad)...)
				var tun packet.Tunnel
				p := packet.TunnelPort{Kind: packet.VXLAN}
				if _, _, ok := p.DecapPlain(f, &tun); ok != isPlainVXLAN(p, f) {
					t.Errorf("%d bytes inside, %d behind: %v", n, pad, ok)
				}
				for _, bad := range []int{-1, 1} { // UDP's length and IP's disagree
					g := bytes.Clone(f)
					binary.BigEndian.PutUint16(g[38:], uint16(int(binary.BigEndian.Uint16(g[38:]))+bad))
					if _, _, ok := p.DecapPlain(g, &tun); ok {
						t.Errorf("%d bytes inside, %d behind: UDP's length off by %d", n, pad, bad)
					}
					g = bytes.Clone(f)
					binary.BigEndian.PutUint16(g[16:], uint16(int(binary.BigEndian.Uint16(g[16:]))+bad))
					binary.BigEndian.PutUint16(g[38:], uint16(int(binary.BigEndian.Uint16(g[38:]))+bad))
					packettest.Fix(g)
					g[40], g[41] = 0, 0
					if _, _, ok := p.DecapPlain(g, &tun); ok != isPlainVXLAN(p, g) {
						t.Errorf("%d bytes inside, %d behind, both lengths off by %d: %v", n, pad, bad, ok)
					}
				}
			}
		}
	}
}
