package packet_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestEncap spells out the outer headers of each kind of tunnel (RFC 791, RFC
// 8200, RFC 768, RFC 7348, RFC 8926, RFC 2890). SSSS stands for an Internet
// checksum that must be right, LLLL for the length of what begins with it or
// with the header it is in.
func TestEncap(t *testing.T) {
	const (
		macs = "0200000000dd 0200000000aa "
		ip4  = "c0000201 c0000202 "
		ip6  = "20010db8000000000000000000000001 20010db8000000000000000000000002 "
	)
	v4 := func(tun packet.Tunnel) packet.Tunnel {
		tun.Family, tun.Src, tun.Dst = packet.IPv4, packet.Addr{192, 0, 2, 1}, packet.Addr{192, 0, 2, 2}
		return tun
	}
	v6 := func(tun packet.Tunnel) packet.Tunnel {
		tun.Family, tun.Src, tun.Dst = packet.IPv6, packet.Addr{0x20, 1, 0xd, 0xb8, 15: 1}, packet.Addr{0x20, 1, 0xd, 0xb8, 15: 2}
		return tun
	}
	opts := func(s string) (o [packet.MaxTunnelOpts]byte) { copy(o[:], s); return o }
	for _, c := range []struct {
		name string
		o    packet.Outer
		t    packet.Tunnel
		want string
	}{
		{"vxlan", packet.Outer{Kind: packet.VXLAN, DPort: 4789}, v4(packet.Tunnel{ID: 0x123456, Flags: packet.TunnelKey}),
			"0800 4500LLLL abcd0000 4011SSSS " + ip4 + "b723 12b5 LLLL 0000 08000000 12345600"},
		{"vxlan, port and all else from the metadata", packet.Outer{Kind: packet.VXLAN, DPort: 4789},
			v4(packet.Tunnel{ID: 0xffffff, DPort: 8472, TOS: 0x48, TTL: 9, Flags: packet.TunnelKey | packet.TunnelDF | packet.TunnelChecksum}),
			"0800 4548LLLL abcd4000 0911SSSS " + ip4 + "b723 2118 LLLL SSSS 08000000 ffffff00"},
		{"vxlan over IPv6", packet.Outer{Kind: packet.VXLAN, DPort: 4789, Label: 0x98765}, v6(packet.Tunnel{ID: 1, TOS: 0x48}),
			"86dd 64898765 LLLL1140 " + ip6 + "b723 12b5 LLLL 0000 08000000 00000100"},
		{"vxlan over IPv6 with a checksum", packet.Outer{Kind: packet.VXLAN, DPort: 4789}, v6(packet.Tunnel{ID: 1, TTL: 255, TOS: 0xfc, Flags: packet.TunnelChecksum}),
			"86dd 6fc00000 LLLL11ff " + ip6 + "b723 12b5 LLLL SSSS 08000000 00000100"},
		{"group policy", packet.Outer{Kind: packet.VXLAN, GroupPolicy: true}, v4(packet.Tunnel{DPort: 1, OptsKind: packet.VXLAN, OptsLen: 4, Opts: opts("\xff\xff\x12\x34")}),
			"0800 4500LLLL abcd0000 4011SSSS " + ip4 + "b723 0001 LLLL 0000 88481234 00000000"},
		{"group policy of zero is none", packet.Outer{Kind: packet.VXLAN, GroupPolicy: true}, v4(packet.Tunnel{DPort: 1, OptsKind: packet.VXLAN, OptsLen: 4}),
			"0800 4500LLLL abcd0000 4011SSSS " + ip4 + "b723 0001 LLLL 0000 08000000 00000000"},
		{"group policy that the port does not speak", packet.Outer{Kind: packet.VXLAN}, v4(packet.Tunnel{DPort: 1, OptsKind: packet.VXLAN, OptsLen: 4, Opts: opts("\x00\x00\x12\x34")}),
			"0800 4500LLLL abcd0000 4011SSSS " + ip4 + "b723 0001 LLLL 0000 08000000 00000000"},
		{"another kind's options are no group policy", packet.Outer{Kind: packet.VXLAN, GroupPolicy: true}, v4(packet.Tunnel{DPort: 1, OptsKind: packet.Geneve, OptsLen: 4, Opts: opts("\x00\x00\x12\x34")}),
			"0800 4500LLLL abcd0000 4011SSSS " + ip4 + "b723 0001 LLLL 0000 08000000 00000000"},
		{"geneve: the port's own port, and no default TTL", packet.Outer{Kind: packet.Geneve, DPort: 6081}, v4(packet.Tunnel{ID: 0x123456, DPort: 1234}),
			"0800 4500LLLL abcd0000 0011SSSS " + ip4 + "b723 17c1 LLLL 0000 00006558 12345600"},
		{"geneve with options and flags", packet.Outer{Kind: packet.Geneve, DPort: 6081},
			v4(packet.Tunnel{ID: 5, TTL: 7, Flags: packet.TunnelOAM | packet.TunnelCritical | packet.TunnelChecksum, OptsKind: packet.Geneve, OptsLen: 8, Opts: opts("\x01\x02\x80\x01abcdefgh")}),
			"0800 4500LLLL abcd0000 0711SSSS " + ip4 + "b723 17c1 LLLL SSSS 02c06558 00000500 01028001 61626364"},
		{"geneve, OAM alone, options not of whole words", packet.Outer{Kind: packet.Geneve, DPort: 6081},
			v4(packet.Tunnel{Flags: packet.TunnelOAM, OptsKind: packet.Geneve, OptsLen: 7, Opts: opts("\x01\x02\x80\x00abcd")}),
			"0800 4500LLLL abcd0000 0011SSSS " + ip4 + "b723 17c1 LLLL 0000 01806558 00000000 01028000"},
		{"geneve, critical alone, another kind's options", packet.Outer{Kind: packet.Geneve, DPort: 6081},
			v6(packet.Tunnel{Flags: packet.TunnelCritical, OptsKind: packet.VXLAN, OptsLen: 4, Opts: opts("\x01\x02\x80\x00")}),
			"86dd 60000000 LLLL1100 " + ip6 + "b723 17c1 LLLL 0000 00406558 00000000"},
		{"gre with a key", packet.Outer{Kind: packet.GRETap}, v4(packet.Tunnel{ID: 0x01020304, TTL: 3, Flags: packet.TunnelKey}),
			"0800 4500LLLL abcd0000 032fSSSS " + ip4 + "20006558 01020304"},
		{"gre without a key", packet.Outer{Kind: packet.GRETap}, v4(packet.Tunnel{ID: 7, TTL: 3}),
			"0800 4500LLLL abcd0000 032fSSSS " + ip4 + "00006558"},
		{"gre with checksum and key", packet.Outer{Kind: packet.GRETap}, v4(packet.Tunnel{ID: 7, TTL: 3, Flags: packet.TunnelKey | packet.TunnelChecksum | packet.TunnelDF}),
			"0800 4500LLLL abcd4000 032fSSSS " + ip4 + "a0006558 SSSS0000 00000007"},
		{"gre over IPv6 with a flow label", packet.Outer{Kind: packet.GRETap, Label: 0xabcde}, v6(packet.Tunnel{ID: 7, TOS: 0x12, TTL: 3, Flags: packet.TunnelChecksum}),
			"86dd 612abcde LLLL2f03 " + ip6 + "80006558 SSSS0000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.SMAC, c.o.DMAC, c.o.MinPort, c.o.MaxPort = [6]byte{2, 5: 0xaa}, [6]byte{2, 5: 0xdd}, 32768, 60999
			for _, in := range [][]byte{inner, append(bytes.Clone(inner), 1)} {
				var h packet.Headers
				packet.Parse(in, &h)
				got := c.o.Encap([]byte("before"), &c.t, in, &h, 0x80000000, 0xabcd)
				if !bytes.HasPrefix(got, []byte("before")) || !bytes.HasSuffix(got, in) {
					t.Fatalf("%x", got)
				}
				got = got[6:]
				matches(t, macs+c.want, got, len(in))
			}
		})
	}
}

// matches compares the headers of a frame with a template.
func matches(t *testing.T, want string, frame []byte, inner int) {
	t.Helper()
	want = strings.ReplaceAll(want, " ", "")
	if len(want)/2 != len(frame)-inner {
		t.Fatalf("%d bytes of headers, want %d", len(frame)-inner, len(want)/2)
	}
	l4 := 34
	if want[24:28] == "86dd" {
		l4 = 54
	}
	for at := 0; at < len(want); at += 4 {
		b := frame[at/2 : at/2+2]
		switch want[at : at+4] {
		case "LLLL":
			length := len(frame) - l4 // of UDP, and of what follows IPv6's header
			if at/2 == 16 {
				length = len(frame) - 14
			}
			if got := int(binary.BigEndian.Uint16(b)); got != length {
				t.Errorf("byte %d: length %d, want %d", at/2, got, length)
			}
		case "SSSS":
			over := frame[l4:]
			switch {
			case at/2 == 24 && l4 == 34:
				over = frame[14:34]
			case frame[l4-11] == 17 && l4 == 34 || frame[l4-34] == 17 && l4 == 54:
				addrs := frame[26:34]
				if l4 == 54 {
					addrs = frame[22:54]
				}
				over = append(append(bytes.Clone(addrs), 0, 17, byte(len(over)>>8), byte(len(over))), over...)
			}
			if got := plainSum(over); got != 0xffff || binary.BigEndian.Uint16(b) == 0 {
				t.Errorf("byte %d: checksum %x makes a sum of %#x", at/2, b, got)
			}
		default:
			if got := hex.EncodeToString(b); got != want[at:at+4] {
				t.Errorf("byte %d: %s, want %s", at/2, got, want[at:at+4])
			}
		}
	}
}

// TestEncapDSField: where the outer TOS and TTL come from (ip_tunnel.c
// ip_md_tunnel_xmit, ip6_gre.c, RFC 6040 for the ECN bits).
func TestEncapDSField(t *testing.T) {
	four := func(dsfield byte) []byte {
		f := tos(inner, dsfield)
		f[22] = 33 // TTL
		return f
	}
	six := func(dsfield byte) []byte {
		f := bytes.Clone(inner6)
		f[14], f[15], f[21] = 0x60|dsfield>>4, dsfield<<4, 33
		return f
	}
	arp := []byte(packettest.Ether + "\x08\x06" + string(make([]byte, 28)))
	for _, c := range []struct {
		kind     packet.TunnelKind
		family   uint8
		tos, ttl uint8 // ordered
		inner    []byte
		wantTOS  uint8
		wantTTL  uint8
	}{
		{packet.VXLAN, packet.IPv4, 0x40, 0, four(0x85), 0x41, 64},
		{packet.VXLAN, packet.IPv4, 0x43, 5, four(0x86), 0x42, 5},
		{packet.VXLAN, packet.IPv4, 0x40, 5, four(3), 0x42, 5}, // congestion does not go out
		{packet.VXLAN, packet.IPv4, 1, 5, four(0x84), 0, 5},
		{packet.VXLAN, packet.IPv6, 0x43, 0, six(0x85), 0x41, 64},
		{packet.VXLAN, packet.IPv4, 0x43, 0, arp, 0x40, 64},
		{packet.VXLAN, packet.IPv4, 0x40, 0, packettest.Tagged(four(2), packet.EtherVLAN, 5), 0x42, 64},
		{packet.Geneve, packet.IPv4, 0x40, 0, four(0x85), 0x41, 0},
		{packet.Geneve, packet.IPv6, 0x43, 0, six(3), 0x42, 0},
		{packet.GRETap, packet.IPv4, 0x40, 0, four(0x85), 0x41, 33},
		{packet.GRETap, packet.IPv4, 0x40, 7, four(0x85), 0x41, 7},
		{packet.GRETap, packet.IPv4, 1, 0, four(0x86), 0x86, 33},
		{packet.GRETap, packet.IPv4, 1, 0, six(0x86), 0x86, 33},
		{packet.GRETap, packet.IPv4, 1, 0, arp, 0, 64},
		{packet.GRETap, packet.IPv4, 2, 0, four(0x85), 1, 33},
		{packet.GRETap, packet.IPv4, 0x41, 0, packettest.Tagged(four(2), packet.EtherVLAN, 5), 0x40, 64}, // a tagged packet is no IP to GRE
		{packet.GRETap, packet.IPv6, 0x43, 0, four(0x86), 0x43, 33},
		{packet.GRETap, packet.IPv6, 1, 7, four(0x86), 1, 7},
		{packet.GRETap, packet.IPv6, 1, 0, arp, 1, 64},
	} {
		t.Run(fmt.Sprintf("%d_%d_%#x_%d", c.kind, c.family, c.tos, c.ttl), func(t *testing.T) {
			o := packet.Outer{Kind: c.kind, MinPort: 1, MaxPort: 2}
			var h packet.Headers
			packet.Parse(c.inner, &h)
			f := o.Encap(nil, &packet.Tunnel{Family: c.family, TOS: c.tos, TTL: c.ttl}, c.inner, &h, 0, 0)
			if packet.Parse(f, &h); h.TOS != c.wantTOS || h.TTL != c.wantTTL {
				t.Errorf("TOS %#x TTL %d, want %#x and %d", h.TOS, h.TTL, c.wantTOS, c.wantTTL)
			}
		})
	}
}

// TestEncapSourcePort: udp_flow_src_port of include/net/udp.h, whose range
// ends before its maximum.
func TestEncapSourcePort(t *testing.T) {
	for _, c := range []struct {
		hash     uint32
		min, max uint16
		want     uint16
	}{
		{0, 32768, 60999, 32768}, {0xffff, 32768, 60999, 60998}, {0x80000000, 32768, 60999, 32768 + 14115}, {0x8000, 32768, 60999, 32768 + 14115},
		{0x10000, 0, 65535, 0}, {0x20000, 0, 65535, 1}, {0xffffffff, 32768, 60999, 32768}, {0x40000000, 1000, 1004, 1001}, {0x4000, 1000, 1004, 1001},
		{0xffff, 500, 501, 500}, {0xffff, 500, 500, 500},
	} {
		o := packet.Outer{Kind: packet.VXLAN, MinPort: c.min, MaxPort: c.max}
		var h packet.Headers
		packet.Parse(inner, &h)
		f := o.Encap(nil, &packet.Tunnel{Family: packet.IPv4}, inner, &h, c.hash, 0)
		if got := binary.BigEndian.Uint16(f[34:]); got != c.want {
			t.Errorf("hash %#x, %d to %d: port %d, want %d", c.hash, c.min, c.max, got, c.want)
		}
	}
}

// TestEncapZeroSum: a UDP checksum that comes to zero goes out as 0xffff (RFC
// 768), one of GRE as zero.
func TestEncapZeroSum(t *testing.T) {
	for kind, at := range map[packet.TunnelKind]int{packet.VXLAN: 40, packet.GRETap: 38} {
		o := packet.Outer{Kind: kind, MinPort: 1, MaxPort: 2}
		in := append(bytes.Clone(inner), 0, 0, 0)
		if len(in)%2 != 0 {
			in = append(in, 0)
		}
		var h packet.Headers
		packet.Parse(in, &h)
		tun := packet.Tunnel{Family: packet.IPv4, TTL: 1, Flags: packet.TunnelChecksum}
		f := o.Encap(nil, &tun, in, &h, 0, 0)
		copy(in[len(in)-2:], f[at:at+2]) // what was lacking
		f = o.Encap(nil, &tun, in, &h, 0, 0)
		want := map[packet.TunnelKind]uint16{packet.VXLAN: 0xffff, packet.GRETap: 0}[kind]
		if got := binary.BigEndian.Uint16(f[at:]); got != want {
			t.Errorf("kind %d: checksum %#x, want %#x", kind, got, want)
		}
	}
}
