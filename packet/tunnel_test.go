package packet_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/port"
)

var (
	inner  = packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, "x")
	inner6 = packettest.TCP("2001:db8::1", "2001:db8::2", 1000, 80, "S", 1, 0, "")
)

// tos sets a frame's TOS.
func tos(frame []byte, v byte) []byte {
	f := bytes.Clone(frame)
	f[15] = v
	packettest.Fix(f)
	return f
}

// changed gives a copy with one byte changed, checksums made right again.
func changed(frame []byte, at int, v byte) []byte {
	f := bytes.Clone(frame)
	f[at] = v
	packettest.Fix(f)
	return f
}

// broken gives a copy with one byte changed.
func broken(frame []byte, at int, v byte) []byte {
	f := bytes.Clone(frame)
	f[at] = v
	return f
}

// Offsets in an untagged frame over IPv4.
const (
	atUDP   = 34
	atVXLAN = 42
)

func TestDecap(t *testing.T) {
	vx := packettest.VXLAN("192.0.2.1", "192.0.2.2", 50000, 0x123456, inner)
	gn := packettest.Geneve("192.0.2.1", "192.0.2.2", 50000, 7, "\x01\x02\x80\x01abcd", inner)
	gre := packettest.GRETap("192.0.2.1", "192.0.2.2", 9, inner)
	vxlan, geneve, gretap := packet.TunnelPort{Kind: packet.VXLAN}, packet.TunnelPort{Kind: packet.Geneve}, packet.TunnelPort{Kind: packet.GRETap}
	gbp, own := vxlan, vxlan
	gbp.GroupPolicy = true
	own.MAC, own.HasMAC = [6]byte(inner[6:12]), true
	v6 := packettest.NoSum(packettest.VXLAN("2001:db8::1", "2001:db8::2", 50000, 5, inner))
	zero6 := vxlan
	zero6.ZeroSum6 = true
	cases := []struct {
		name  string
		port  packet.TunnelPort
		frame []byte
		want  packet.TunnelError
		id    uint32
	}{
		{"A095_vxlan", vxlan, vx, packet.TunnelOK, 0x123456},
		{"A095_geneve", geneve, gn, packet.TunnelOK, 7},
		{"A095_gretap", gretap, gre, packet.TunnelOK, 9},
		{"no checksum", vxlan, packettest.NoSum(bytes.Clone(vx)), packet.TunnelOK, 0x123456},
		{"bad checksum", vxlan, broken(vx, len(vx)-1, 'y'), packet.TunnelBadSum, 0},
		{"IPv6 without checksum", vxlan, v6, packet.TunnelBadSum, 0},
		{"IPv6 without checksum, allowed", zero6, v6, packet.TunnelOK, 5},
		{"no VNI", vxlan, changed(vx, atVXLAN, 0), packet.TunnelHeader, 0},
		{"reserved flag", vxlan, changed(vx, atVXLAN, 0x18), packet.TunnelHeader, 0},
		{"reserved byte", vxlan, changed(vx, atVXLAN+7, 1), packet.TunnelHeader, 0},
		{"group policy unasked", vxlan, changed(vx, atVXLAN, 0x88), packet.TunnelHeader, 0},
		{"group policy", gbp, changed(vx, atVXLAN, 0x88), packet.TunnelOK, 0x123456},
		{"own source address", own, vx, packet.TunnelEcho, 0},
		{"UDP longer than IP", vxlan, broken(packettest.NoSum(bytes.Clone(vx)), atUDP+4, 1), packet.TunnelTruncated, 0},
		{"UDP shorter than its headers", vxlan, broken(packettest.NoSum(bytes.Clone(vx)), atUDP+5, 12), packet.TunnelTruncated, 0},
		{"header cut", vxlan, packettest.UDP("192.0.2.1", "192.0.2.2", 1, packet.PortVXLAN, "\x08\x00"), packet.TunnelTruncated, 0},
		{"header alone, and wrong", vxlan, packettest.UDP("192.0.2.1", "192.0.2.2", 1, packet.PortVXLAN, string(make([]byte, 8))), packet.TunnelHeader, 0},
		{"inner Ethernet cut", vxlan, packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, inner[:13]), packet.TunnelTruncated, 0},
		{"inner IP cut", vxlan, packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, inner[:33]), packet.TunnelTruncated, 0},
		{"inner IPv6 cut", vxlan, packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, inner6[:53]), packet.TunnelTruncated, 0},
		{"congestion, no ECN inside", vxlan, tos(vx, 3), packet.TunnelECN, 0},
		{"Geneve version", geneve, changed(gn, atVXLAN, 0x42), packet.TunnelHeader, 0},
		{"Geneve with IP inside", geneve, changed(changed(gn, atVXLAN+2, 8), atVXLAN+3, 0), packet.TunnelHeader, 0},
		{"Geneve options cut", geneve, changed(gn, atVXLAN, 0x3f), packet.TunnelTruncated, 0},
		{"GRE version", gretap, broken(gre, 35, 1), packet.TunnelHeader, 0},
		{"GRE routing", gretap, broken(gre, 34, 0x60), packet.TunnelHeader, 0},
		{"GRE checksum", gretap, broken(gre, 34, 0xa0), packet.TunnelBadSum, 0},
		{"GRE cut", gretap, packettest.IP("192.0.2.1", "192.0.2.2", packet.ProtoGRE, []byte{0x20, 0, 0x65, 0x58, 0, 0}), packet.TunnelTruncated, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h packet.Headers
			var tun packet.Tunnel
			before := bytes.Clone(c.frame)
			packet.Parse(c.frame, &h)
			begin, end, err := c.port.Decap(c.frame, &h, &tun)
			if err != c.want {
				t.Fatalf("error %d, want %d", err, c.want)
			}
			if err != packet.TunnelOK {
				if !bytes.Equal(c.frame, before) {
					t.Error("a refused packet was changed")
				}
				return
			}
			if tun.ID != c.id || !bytes.Equal(c.frame[begin:end], inner) {
				t.Errorf("id %#x, frame %x", tun.ID, c.frame[begin:end])
			}
			if tun.Family != h.Tuple.Family || tun.Src != h.Tuple.Src || tun.Dst != h.Tuple.Dst || tun.TTL != 64 {
				t.Errorf("metadata %v %v ttl %d", tun.Src, tun.Dst, tun.TTL)
			}
		})
	}
}

// TestDecapCongestion checks RFC 6040's table as far as Linux follows it.
func TestDecapCongestion(t *testing.T) {
	port := packet.TunnelPort{Kind: packet.VXLAN}
	for outer := range byte(4) {
		for in := range byte(4) {
			f := tos(packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, tos(inner, in)), outer)
			var h packet.Headers
			var tun packet.Tunnel
			packet.Parse(f, &h)
			begin, end, err := port.Decap(f, &h, &tun)
			want, refused := in, outer == 3 && in == 0
			if outer == 3 {
				want = 3
			}
			if (err == packet.TunnelECN) != refused {
				t.Errorf("outer %d, inner %d: error %d", outer, in, err)
			}
			if !refused && !bytes.Equal(f[begin:end], tos(inner, want)) {
				t.Errorf("outer %d, inner %d: %x", outer, in, f[begin:end])
			}
		}
	}
}

// drawTunnel draws metadata that a port of the kind can send.
func drawTunnel(t *rapid.T, kind packet.TunnelKind) (tun packet.Tunnel) {
	tun.Family = rapid.SampledFrom([]uint8{packet.IPv4, packet.IPv6}).Draw(t, "family")
	n := 4
	if tun.Family == packet.IPv6 {
		n = 16
	}
	copy(tun.Src[:n], rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "src"))
	copy(tun.Dst[:n], rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "dst"))
	tun.ID = rapid.Uint32Range(0, 1<<24-1).Draw(t, "id")
	tun.TOS, tun.TTL = rapid.Byte().Draw(t, "tos")&^3, rapid.ByteRange(1, 255).Draw(t, "ttl")
	tun.Flags = packet.TunnelKey
	if kind != packet.GRETap && rapid.Bool().Draw(t, "sum") {
		tun.Flags |= packet.TunnelChecksum
	}
	switch kind {
	case packet.Geneve:
		tun.OptsKind = kind
		words := rapid.IntRange(0, 63).Draw(t, "words")
		tun.OptsLen = uint8(copy(tun.Opts[:], rapid.SliceOfN(rapid.Byte(), words*4, words*4).Draw(t, "opts")))
	case packet.VXLAN:
		if tun.DPort = packet.PortVXLAN; rapid.Bool().Draw(t, "gbp") {
			tun.OptsKind, tun.OptsLen = kind, 4
			tun.Opts[2], tun.Opts[3] = rapid.Byte().Draw(t, "group"), 1
		}
	}
	return tun
}

// TestEncapDecap: what goes into a tunnel comes out of it, with the same
// metadata, and the outer headers are sound to another parser.
func TestEncapDecap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]packet.TunnelKind{packet.VXLAN, packet.Geneve, packet.GRETap}).Draw(t, "kind")
		want := drawTunnel(t, kind)
		in := rapid.SampledFrom([][]byte{inner, inner6}).Draw(t, "inner")
		o := packet.Outer{Kind: kind, SMAC: [6]byte{2, 0, 0, 0, 0, 1}, DMAC: [6]byte{2, 0, 0, 0, 0, 2}, DPort: packet.PortVXLAN, MinPort: 32768, MaxPort: 60999, GroupPolicy: true}
		var h packet.Headers
		packet.Parse(in, &h)
		f := o.Encap([]byte("before"), &want, in, &h, rapid.Uint32().Draw(t, "hash"), rapid.Uint16().Draw(t, "id"))[6:]
		pk := gopacket.NewPacket(f, layers.LayerTypeEthernet, gopacket.Default)
		ethernets := 0
		for _, l := range pk.Layers() {
			if l.LayerType() == layers.LayerTypeEthernet {
				ethernets++
			}
		}
		if kind != packet.Geneve && ethernets != 2 { // Geneve's options are random bytes
			t.Fatalf("another parser: %v", pk)
		}
		if want.Family == packet.IPv4 && packet.Checksum(f[14:34]) != 0 {
			t.Fatal("bad IP checksum")
		}
		packet.Parse(f, &h)
		port := packet.TunnelPort{Kind: kind, GroupPolicy: true, ZeroSum6: true}
		var got packet.Tunnel
		begin, end, err := port.Decap(f, &h, &got)
		if err != packet.TunnelOK || !bytes.Equal(f[begin:end], in) {
			t.Fatalf("error %d, frame %x", err, f)
		}
		if kind != packet.GRETap && (got.SPort < 32768 || got.SPort >= 60999) {
			t.Fatalf("source port %d", got.SPort)
		}
		got.SPort, got.DPort, want.DPort = 0, 0, 0
		if want.OptsLen == 0 {
			want.OptsKind = got.OptsKind
		}
		if got != want {
			t.Fatalf("got %+v\nwant %+v", got, want)
		}
	})
}

// TestDecapAgainstAnotherParser compares with gopacket on captures of tunnels
// that are built, and on real ones where they are.
func TestDecapAgainstAnotherParser(t *testing.T) {
	files, built := packettest.Captures(t)
	tunnels := map[packet.TunnelKind]int{}
	for i, name := range files {
		if i == built {
			enough(t, tunnels)
		}
		r, err := port.Open(name)
		if err != nil {
			continue // another link type
		}
		var rec port.Record
		for n := 1; n <= 5000 && r.Read(&rec) == nil; n++ {
			if kind := checkDecap(t, filepath.Base(name), n, rec.Data); kind != packet.NoTunnel {
				tunnels[kind]++
			}
		}
		r.Close()
	}
	enough(t, tunnels)
}

// enough fails if a kind of tunnel was hardly seen.
func enough(t *testing.T, tunnels map[packet.TunnelKind]int) {
	t.Helper()
	for _, kind := range []packet.TunnelKind{packet.VXLAN, packet.Geneve, packet.GRETap} {
		if tunnels[kind] < 30 {
			t.Errorf("only %d packets came out of tunnels of kind %d", tunnels[kind], kind)
		}
	}
}

func checkDecap(t *testing.T, name string, n int, data []byte) packet.TunnelKind {
	t.Helper()
	pk := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
	var kind packet.TunnelKind
	var id uint32
	var payload, opts []byte
	for _, l := range pk.Layers() {
		switch l := l.(type) {
		case *layers.VXLAN:
			kind, id, payload = packet.VXLAN, l.VNI, l.Payload
		case *layers.Geneve:
			kind, id, payload = packet.Geneve, l.VNI, l.Payload
			opts = l.Contents[8:]
			if l.Protocol != layers.EthernetTypeTransparentEthernetBridging {
				return packet.NoTunnel
			}
		case *layers.GRE:
			if l.Protocol != layers.EthernetTypeTransparentEthernetBridging {
				return packet.NoTunnel
			}
			kind, id, payload = packet.GRETap, l.Key, l.Payload
		default:
			continue
		}
		break
	}
	if kind == packet.NoTunnel {
		return packet.NoTunnel
	}
	frame := bytes.Clone(data)
	var h packet.Headers
	var tun packet.Tunnel
	packet.Parse(frame, &h)
	port := packet.TunnelPort{Kind: kind, ZeroSum6: true}
	begin, end, err := port.Decap(frame, &h, &tun)
	if err == packet.TunnelBadSum && wrongSum(pk) {
		begin, end, err = port.Decap(packettest.NoSum(frame), &h, &tun)
	}
	if err == packet.TunnelTruncated && cutOff(payload) {
		return packet.NoTunnel
	}
	if err != packet.TunnelOK {
		t.Errorf("%s packet %d: error %d", name, n, err)
		return packet.NoTunnel
	}
	if tun.ID != id || !bytes.HasPrefix(payload, data[begin:end]) || len(payload)-(end-begin) > 60-42 || !bytes.Equal(tun.Opts[:tun.OptsLen], opts) {
		t.Errorf("%s packet %d: id %d, %d bytes, options %x; another parser: id %d, %d bytes, options %x", name, n, tun.ID, end-begin, tun.Opts[:tun.OptsLen], id, len(payload), opts)
	}
	return kind
}

// cutOff reports whether an inner frame lacks a part of its Ethernet or IP
// header.
func cutOff(f []byte) bool {
	switch {
	case len(f) < 14:
		return true
	case f[12] == 0x08 && f[13] == 0:
		return len(f) < 34
	case f[12] == 0x86 && f[13] == 0xdd:
		return len(f) < 54
	}
	return false
}

// wrongSum reports whether another parser finds the outer UDP checksum wrong,
// too; one capture was made by hand.
func wrongSum(pk gopacket.Packet) bool {
	udp, ok := pk.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if !ok || udp.SetNetworkLayerForChecksum(pk.NetworkLayer()) != nil {
		return false
	}
	err, got := udp.VerifyChecksum()
	return err == nil && !got.Valid
}

func FuzzDecap(f *testing.F) {
	for _, s := range [][]byte{
		packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, inner), packettest.VXLAN("2001:db8::1", "2001:db8::2", 1, 5, inner6),
		packettest.Geneve("192.0.2.1", "192.0.2.2", 1, 5, "\x01\x02\x80\x01abcd", tos(inner, 2)), packettest.GRETap("192.0.2.1", "192.0.2.2", 5, inner),
	} {
		for kind := range byte(4) {
			f.Add(s, kind, kind&1 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, kind byte, lax bool) {
		frame := bytes.Clone(b)
		var h, again packet.Headers
		var tun packet.Tunnel
		packet.Parse(frame, &h)
		if h.Flags&(packet.HasL4|packet.IsFrag) != packet.HasL4 || h.Proto != packet.ProtoUDP && h.Proto != packet.ProtoGRE || (h.Proto == packet.ProtoGRE) != (kind%4 == 3) || kind%4 == 0 {
			return
		}
		port := packet.TunnelPort{Kind: packet.TunnelKind(kind % 4), GroupPolicy: lax, ZeroSum6: lax}
		begin, end, err := port.Decap(frame, &h, &tun)
		if err != packet.TunnelOK {
			if !bytes.Equal(frame, b) {
				t.Fatal("a refused packet was changed")
			}
			return
		}
		if begin <= int(h.L4) || end > len(frame) || end-begin < 14 || int(tun.OptsLen) > begin-int(h.L4) {
			t.Fatalf("inner frame from %d to %d of %d", begin, end, len(frame))
		}
		if !bytes.Equal(frame[:begin], b[:begin]) || !bytes.Equal(frame[end:], b[end:]) {
			t.Fatal("more than the inner packet was changed")
		}
		packet.Parse(frame[begin:end], &again)
		o := packet.Outer{Kind: port.Kind, DPort: 1, MinPort: 1, MaxPort: 65535, GroupPolicy: lax}
		if len(frame) < 60000 {
			packet.Parse(o.Encap(nil, &tun, frame[begin:end], &again, 7, 8), &h)
			if h.Flags&(packet.BadL3|packet.ShortIP|packet.TruncL4) != 0 {
				t.Fatalf("wrapped again: flags %#x", h.Flags)
			}
		}
	})
}

func TestTunnelsAllocateNothing(t *testing.T) {
	f := packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, inner)
	port := packet.TunnelPort{Kind: packet.VXLAN}
	o := packet.Outer{Kind: packet.Geneve, MinPort: 1, MaxPort: 65535}
	var h packet.Headers
	var tun packet.Tunnel
	buf := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		packet.Parse(f, &h)
		begin, end, _ := port.Decap(f, &h, &tun)
		packet.Parse(f[begin:end], &h)
		o.Encap(buf, &tun, f[begin:end], &h, 1, 2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecapVXLAN(b *testing.B) {
	f := packettest.NoSum(packettest.VXLAN("192.0.2.1", "192.0.2.2", 1, 5, packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "A", 1, 1, "0123456789")))
	port := packet.TunnelPort{Kind: packet.VXLAN}
	var h packet.Headers
	var tun packet.Tunnel
	packet.Parse(f, &h)
	b.SetBytes(int64(len(f)))
	for b.Loop() {
		if _, _, err := port.Decap(f, &h, &tun); err != packet.TunnelOK {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncapVXLAN(b *testing.B) {
	in := packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "A", 1, 1, "0123456789")
	o := packet.Outer{Kind: packet.VXLAN, DPort: packet.PortVXLAN, MinPort: 32768, MaxPort: 60999}
	tun := packet.Tunnel{Family: packet.IPv4, ID: 5, Flags: packet.TunnelKey}
	var h packet.Headers
	packet.Parse(in, &h)
	buf := make([]byte, 0, 512)
	for b.Loop() {
		o.Encap(buf, &tun, in, &h, 1, 2)
	}
}

// TestDecapPlain holds the quick way to the general one, on sound packets and
// on broken ones.
func TestDecapPlain(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		in := bytes.Clone(rapid.SampledFrom([][]byte{inner, inner6, tos(inner, 2)}).Draw(t, "inner"))
		if rapid.IntRange(0, 3).Draw(t, "cut") == 0 {
			in = in[:rapid.IntRange(0, len(in)).Draw(t, "length")]
		}
		f := packettest.VXLAN("192.0.2.1", "192.0.2.2", 50000, rapid.Uint32Range(0, 1<<24-1).Draw(t, "vni"), in)
		if rapid.Bool().Draw(t, "no checksum") {
			packettest.NoSum(f)
		}
		for range rapid.IntRange(0, 2).Draw(t, "changes") {
			f[rapid.IntRange(0, len(f)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		if rapid.Bool().Draw(t, "padded") {
			f = append(f, "padding"...)
		}
		port := packet.TunnelPort{Kind: packet.VXLAN, MAC: [6]byte(inner[6:12]), HasMAC: rapid.Bool().Draw(t, "has a MAC address")}
		var h packet.Headers
		var quick, slow packet.Tunnel
		before := bytes.Clone(f)
		begin, end, ok := port.DecapPlain(f, &quick)
		if !bytes.Equal(f, before) {
			t.Fatal("the frame was changed")
		}
		if !ok {
			return
		}
		taken++
		packet.Parse(f, &h)
		if h.Flags&(packet.HasL4|packet.IsFrag|packet.BadL3|packet.ShortIP|packet.TruncL3) != packet.HasL4 || h.Proto != packet.ProtoUDP || h.NVLAN != 0 || packet.Checksum(f[h.L3:h.L4]) != 0 {
			t.Fatalf("flags %#x, protocol %d", h.Flags, h.Proto)
		}
		b, e, err := port.Decap(f, &h, &slow)
		if err != packet.TunnelOK || b != begin || e != end || quick != slow {
			t.Fatalf("quick: %d to %d, %+v; slow: %d, %d to %d, %+v", begin, end, quick, err, b, e, slow)
		}
	})
	if taken == 0 {
		t.Error("no packet took the quick way")
	}
}
