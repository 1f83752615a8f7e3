package packet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/port"
)

const eth = "\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a"

// ip4 makes an IPv4 header in front of l4; frag is the fragment word.
func ip4(proto byte, frag uint16, opts, l4 string) string {
	h := []byte("\x45\x28\x00\x00\x00\x01\x00\x00\x40\x00\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" + opts)
	h[0] = 0x40 | byte(len(h)/4)
	binary.BigEndian.PutUint16(h[2:], uint16(len(h)+len(l4)))
	binary.BigEndian.PutUint16(h[6:], frag)
	h[9] = proto
	return "\x08\x00" + string(h) + l4
}

func ip6(next byte, payload string) string {
	h := []byte("\x62\x80\x00\x00\x00\x00\x00\x40\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02")
	binary.BigEndian.PutUint16(h[4:], uint16(len(payload)))
	h[6] = next
	return "\x86\xdd" + string(h) + payload
}

const (
	tcpSYN = "\x9c\x40\x00\x50\x00\x00\x03\xe8\x00\x00\x00\x00\x50\x02\xff\xff\x00\x00\x00\x00"
	udpDNS = "\x03\xe8\x00\x35\x00\x0d\x00\x00hello"
	echo   = "\x08\x00\x00\x00\x00\x07\x00\x01data"
)

func TestParse(t *testing.T) {
	type want struct {
		flags        packet.Flag
		ether        uint16
		proto        uint8
		sport, dport uint16
		l3, l4       uint16
		payload, end int // lengths from the end of the frame: 0 is the frame's end
	}
	const l34 = packet.HasL3 | packet.HasL4
	cases := []struct {
		name  string
		frame string
		want  want
	}{
		{"tcp", ip4(6, 0, "", tcpSYN), want{l34, 0x800, 6, 40000, 80, 14, 34, 0, 0}},
		{"udp", ip4(17, 0, "", udpDNS), want{l34, 0x800, 17, 1000, 53, 14, 34, 5, 0}},
		{"padding", ip4(17, 0, "", udpDNS) + "\x00\x00\x00", want{l34, 0x800, 17, 1000, 53, 14, 34, 8, 3}},
		{"don't fragment", ip4(17, 0x4000, "", udpDNS), want{l34 | packet.DontFrag, 0x800, 17, 1000, 53, 14, 34, 5, 0}},
		{"ip options", ip4(17, 0, "\x01\x01\x01\x00", udpDNS), want{l34 | packet.IPOptions, 0x800, 17, 1000, 53, 14, 38, 5, 0}},
		{"icmp", ip4(1, 0, "", echo), want{l34, 0x800, 1, 7, 0x800, 14, 34, 4, 0}},
		{"sctp", ip4(132, 0, "", "\x00\x07\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00"), want{l34, 0x800, 132, 7, 8, 14, 34, 0, 0}},
		{"gre", ip4(47, 0, "", "\x20\x00\x08\x00\x00\x00\x00\x01inner"), want{l34, 0x800, 47, 0, 0, 14, 34, 5, 0}},
		{"pptp gre", ip4(47, 0, "", "\x20\x01\x88\x0b\x00\x04\x12\x34data"), want{l34, 0x800, 47, 0, 0x1234, 14, 34, 4, 0}},
		{"unknown protocol", ip4(200, 0, "", "x"), want{l34, 0x800, 200, 0, 0, 14, 34, 1, 0}},
		{"first fragment", ip4(17, 0x2000, "", udpDNS), want{l34 | packet.IsFrag | packet.FirstFrag, 0x800, 17, 1000, 53, 14, 34, 5, 0}},
		{"later fragment", ip4(17, 0x0010, "", udpDNS), want{packet.HasL3 | packet.IsFrag, 0x800, 17, 0, 0, 14, 0, -1, 0}},
		{"vlan", "\x81\x00\x60\x07" + ip4(17, 0, "", udpDNS), want{l34, 0x800, 17, 1000, 53, 18, 38, 5, 0}},
		{"qinq", "\x88\xa8\x00\x05\x81\x00\x00\x06" + ip4(17, 0, "", udpDNS), want{l34, 0x800, 17, 1000, 53, 22, 42, 5, 0}},
		{"arp", "\x08\x06" + string(make([]byte, 28)), want{packet.HasL3, 0x806, 0, 0, 0, 14, 0, -1, 0}},
		{"short arp", "\x08\x06" + string(make([]byte, 27)), want{packet.TruncL3, 0x806, 0, 0, 0, 14, 0, -1, 0}},
		{"other ethertype", "\x88\xccdata", want{0, 0x88cc, 0, 0, 0, 14, 0, -1, 0}},
		{"ipv6 tcp", ip6(6, tcpSYN), want{l34, 0x86dd, 6, 40000, 80, 14, 54, 0, 0}},
		{"ipv6 hop-by-hop", ip6(0, "\x11\x00\x01\x04\x00\x00\x00\x00"+udpDNS), want{l34 | packet.IP6Ext | packet.IPOptions, 0x86dd, 17, 1000, 53, 14, 62, 5, 0}},
		{"ipv6 ah", ip6(51, "\x11\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"+udpDNS), want{l34 | packet.IP6Ext | packet.IPOptions, 0x86dd, 17, 1000, 53, 14, 66, 5, 0}},
		{"ipv6 later fragment", ip6(44, "\x11\x00\x00\x08\x00\x00\x00\x01data"), want{packet.HasL3 | packet.IsFrag | packet.IP6Ext | packet.IPOptions, 0x86dd, 17, 0, 0, 14, 0, -1, 0}},
		{"ipv6 many extensions", ip6(0, strings.Repeat("\x3c\x00\x01\x04\x00\x00\x00\x00", 99)+"\x11\x00\x01\x04\x00\x00\x00\x00"+udpDNS), want{l34 | packet.IP6Ext | packet.IPOptions, 0x86dd, 17, 1000, 53, 14, 54 + 800, 5, 0}},
		{"ipv6 extension cut off", ip6(0, "\x11"), want{packet.HasL3 | packet.BadExt, 0x86dd, 0, 0, 0, 14, 0, -1, 0}},
		{"ipv6 extension too long", ip6(0, "\x11\x09\x00\x00\x00\x00\x00\x00"+udpDNS), want{packet.HasL3 | packet.BadExt | packet.IP6Ext | packet.IPOptions, 0x86dd, 0, 0, 0, 14, 0, -1, 0}},
		{"tcp header cut off", ip4(6, 0, "", tcpSYN[:12]), want{packet.HasL3 | packet.TruncL4, 0x800, 6, 40000, 80, 14, 34, 12, 0}},
		{"nothing behind the type", "\x08\x00", want{packet.TruncL3, 0x800, 0, 0, 0, 14, 0, -1, 0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			frame := []byte(eth + c.frame)
			var h packet.Headers
			packet.Parse(frame, &h)
			payload := len(frame) - int(h.Payload)
			if h.Payload == 0 {
				payload = -1
			}
			got := want{h.Flags, h.EtherType, h.Proto, h.Tuple.SPort, h.Tuple.DPort, h.L3, h.L4, payload, len(frame) - int(h.End)}
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
	t.Run("lying lengths", func(t *testing.T) {
		for name, change := range map[string]func(f []byte){
			"total length beyond the frame": func(f []byte) { f[16], f[17] = 0x40, 0 },
			"total length below the header": func(f []byte) { f[16], f[17] = 0, 19 },
			"header length below 20":        func(f []byte) { f[14] = 0x44 },
			"header length beyond":          func(f []byte) { f[14] = 0x4f },
		} {
			f := []byte(eth + ip4(17, 0, "", udpDNS))
			change(f)
			var h packet.Headers
			packet.Parse(f, &h)
			if int(h.End) > len(f) || h.End < h.L3 {
				t.Errorf("%s: end %d of %d", name, h.End, len(f))
			}
			if name != "total length beyond the frame" && h.Has(packet.HasL4) {
				t.Errorf("%s: transport header believed", name)
			}
		}
	})
	t.Run("vlan tags", func(t *testing.T) {
		var h packet.Headers
		packet.Parse([]byte(eth+"\x88\xa8\x60\x05\x81\x00\x00\x06"+ip4(17, 0, "", udpDNS)), &h)
		if h.NVLAN != 2 || h.VLAN != [2]packet.VLANTag{{TPID: 0x88a8, TCI: 0x6005}, {TPID: 0x8100, TCI: 6}} {
			t.Errorf("%d tags %+v", h.NVLAN, h.VLAN)
		}
	})
}

func TestParseInner(t *testing.T) {
	whole := ip4(17, 0, "", udpDNS)[2:]
	for n := range len(whole) + 1 {
		var h packet.Headers
		packet.ParseInner([]byte(whole[:n]), packet.IPv4, &h)
		if ports := h.Tuple.DPort == 53; ports != (n >= 24) {
			t.Errorf("%d bytes: ports %v", n, ports)
		}
	}
}

// TestAgainstAnotherParser compares with gopacket on captures that are built,
// and on real ones where they are.
func TestAgainstAnotherParser(t *testing.T) {
	files, built := packettest.Captures(t)
	total := 0
	for i, path := range files {
		if i == built && total < 5000 {
			t.Errorf("only %d packets of built captures compared", total)
		}
		r, err := port.Open(path)
		if err != nil {
			continue // another link type
		}
		var rec port.Record
		for n := 0; n < 5000; n++ {
			err := r.Read(&rec)
			var bad *port.LinkTypeError
			if err == io.EOF || errors.As(err, &bad) {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
				break
			}
			total++
			if d := differ(rec.Data); d != "" {
				t.Errorf("%s packet %d: %s", path, n+1, d)
			}
		}
		r.Close()
	}
	t.Logf("%d packets of %d captures", total, len(files))
	if total < 5000 {
		t.Errorf("only %d packets compared", total)
	}
}

// differ says in which field the two parsers disagree about a frame.
func differ(frame []byte) string {
	var h packet.Headers
	packet.Parse(frame, &h)
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.DecodeOptions{NoCopy: true})
	tags := uint8(0)
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.Dot1Q:
			if tags < 2 && h.VLAN[tags].TCI&0xfff != l.VLANIdentifier {
				return "vlan id"
			}
			tags++
		case *layers.IPv4:
			if l.SrcIP == nil { // the other parser gave up: cut off, or lengths or options that contradict
				if len(frame)-int(h.L3) < 20 && h.Has(packet.HasL3) {
					return "a cut-off IPv4 header"
				}
				return ""
			}
			if !h.Has(packet.HasL3) || h.EtherType != packet.EtherIPv4 || !bytes.Equal(h.Tuple.Src[:4], l.SrcIP) || !bytes.Equal(h.Tuple.Dst[:4], l.DstIP) {
				return "IPv4 addresses"
			}
			if h.TTL != l.TTL || h.TOS != l.TOS || h.Proto != uint8(l.Protocol) || h.FragOff != l.FragOffset*8 {
				return "IPv4 fields"
			}
			if h.FragOff != 0 || h.Proto == packet.ProtoIPIP || h.Proto == packet.ProtoIPv6 || h.Proto == packet.ProtoGRE {
				return "" // tunnels and later fragments end here
			}
		case *layers.IPv6:
			if len(l.Contents) == 0 {
				if h.Has(packet.HasL3) {
					return "a cut-off IPv6 header"
				}
				return ""
			}
			if h.EtherType != packet.EtherIPv6 || !bytes.Equal(h.Tuple.Src[:], l.SrcIP) || h.TTL != l.HopLimit || h.TOS != l.TrafficClass {
				return "IPv6 fields"
			}
			if h.Proto == packet.ProtoIPIP || h.Proto == packet.ProtoIPv6 || h.Proto == packet.ProtoGRE || h.Has(packet.IsFrag) {
				return ""
			}
		case *layers.TCP:
			if h.Has(packet.HasL4) && (h.Tuple.SPort != uint16(l.SrcPort) || h.Tuple.DPort != uint16(l.DstPort)) {
				return "TCP ports"
			}
			if h.Has(packet.HasL4) && (h.TCPFlags&2 != 0) != l.SYN {
				return "TCP flags"
			}
			return ""
		case *layers.UDP:
			if h.Has(packet.HasL4) && (h.Tuple.SPort != uint16(l.SrcPort) || h.Tuple.DPort != uint16(l.DstPort)) {
				return "UDP ports"
			}
			return ""
		case *layers.ICMPv4:
			if h.Has(packet.HasL4) && (h.ICMPType != l.TypeCode.Type() || h.ICMPCode != l.TypeCode.Code()) {
				return "ICMP type"
			}
			return ""
		}
	}
	return ""
}

// sound asserts what must hold of any headers.
func sound(t *testing.T, b []byte, h *packet.Headers) {
	t.Helper()
	n := min(len(b), 65535)
	switch {
	case int(h.End) > n, h.L3 > h.End && h.End != 0, h.L4 != 0 && (h.L4 < h.L3 || h.L4 > h.End), h.Payload != 0 && (h.Payload < h.L4 || h.Payload > h.End):
		t.Fatalf("offsets %d %d %d %d in %d bytes", h.L3, h.L4, h.Payload, h.End, n)
	case h.Has(packet.FirstFrag) && !h.Has(packet.IsFrag), h.Has(packet.HasL4) && h.L4 == 0, h.FragOff != 0 && h.L4 != 0:
		t.Fatalf("flags %#x, transport at %d, fragment at %d", h.Flags, h.L4, h.FragOff)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{ip4(6, 0, "", tcpSYN), ip4(17, 0x2000, "\x01\x01\x01\x00", udpDNS), ip6(0, "\x11\x00\x01\x04\x00\x00\x00\x00"+udpDNS), "\x81\x00\x00\x01" + ip4(1, 0, "", echo)} {
		f.Add([]byte(eth + s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h packet.Headers
		packet.Parse(b, &h)
		sound(t, b, &h)
	})
}

func FuzzParseInner(f *testing.F) {
	f.Add([]byte(ip4(6, 0, "", tcpSYN)[2:]), uint8(packet.IPv4))
	f.Add([]byte(ip6(6, tcpSYN)[2:]), uint8(packet.IPv6))
	f.Fuzz(func(t *testing.T, b []byte, family uint8) {
		var h packet.Headers
		packet.ParseInner(b, family, &h)
		sound(t, b, &h)
	})
}

// TestFastPathAgrees: the fast path for plain packets finds what the general
// code finds. A frame with one option-free VLAN tag takes the general code.
func TestFastPathAgrees(t *testing.T) {
	for _, s := range []string{ip4(6, 0, "", tcpSYN), ip4(6, 0x4000, "", tcpSYN+"data"), ip4(17, 0, "", udpDNS), ip4(6, 0, "", "\x9c\x40\x00\x50\x00\x00\x03\xe8\x00\x00\x00\x00\xf5\x02\xff\xff\x00\x00\x00\x00")} {
		var plain, tagged packet.Headers
		packet.Parse([]byte(eth+s), &plain)
		packet.Parse([]byte(eth+"\x81\x00\x00\x01"+s), &tagged)
		tagged.Len -= 4
		tagged.L3, tagged.L4, tagged.Payload, tagged.End = tagged.L3-4, tagged.L4-4, tagged.Payload-4, tagged.End-4
		tagged.NVLAN, tagged.VLAN = 0, [2]packet.VLANTag{}
		if plain != tagged {
			t.Errorf("fast    %+v\ngeneral %+v", plain, tagged)
		}
	}
}

func BenchmarkParseTCP(b *testing.B) {
	frame := []byte(eth + ip4(6, 0, "", tcpSYN))
	var h packet.Headers
	for b.Loop() {
		packet.Parse(frame, &h)
	}
}

// TestLongIP: an IP packet that ends behind byte 65,535 is whole if the frame
// is.
func TestLongIP(t *testing.T) {
	for _, c := range []struct {
		name       string
		dst        string
		payload    int // bytes behind the IP header
		behind     int // bytes behind the IP packet
		cut        int // bytes that the frame lacks
		flag       packet.Flag
		end, bytes int
	}{
		{"IPv4 up to byte 65,535", "10.0.0.2", 65535 - 34, 0, 0, 0, 65535, 65535 - 14},
		{"IPv4 one further", "10.0.0.2", 65536 - 34, 0, 0, packet.LongIP, 65536, 65536 - 14},
		{"IPv4 as long as can be", "10.0.0.2", 65515, 0, 0, packet.LongIP, 65549, 65535},
		{"IPv4, cut off", "10.0.0.2", 65515, 0, 1, packet.ShortIP, 65535, 65535 - 14},
		{"IPv4, short, with much behind it", "10.0.0.2", 1000, 70000, 0, 0, 1034, 1020},
		{"IPv6 as long as can be", "fd00::2", 65535, 0, 0, packet.LongIP, 54 + 65535, 40 + 65535},
		{"IPv6, cut off", "fd00::2", 65535, 0, 1, packet.ShortIP, 65535, 65535 - 14},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := "10.0.0.1"
			if strings.Contains(c.dst, ":") {
				src = "fd00::1"
			}
			f := packettest.IP(src, c.dst, 99, make([]byte, c.payload))
			f = append(f, make([]byte, c.behind)...)
			f = f[:len(f)-c.cut]
			var h packet.Headers
			packet.Parse(f, &h)
			if got := h.Flags & (packet.LongIP | packet.ShortIP); got != c.flag {
				t.Errorf("flags %#x, want %#x", got, c.flag)
			}
			if h.IPEnd(f) != c.end || h.IPBytes() != uint64(c.bytes) {
				t.Errorf("ends at %d with %d bytes, want %d and %d", h.IPEnd(f), h.IPBytes(), c.end, c.bytes)
			}
		})
	}
}

// gistAgrees checks that whatever Read and From find is what Parse finds, and
// that they find it wherever they should.
func gistAgrees(t *testing.T, b []byte) {
	t.Helper()
	var h packet.Headers
	var g, from packet.Gist
	packet.Parse(b, &h)
	ordinary := h.Flags&^packet.DontFrag == packet.HasL3|packet.HasL4 && h.NVLAN == 0
	if from.From(&h) != ordinary {
		t.Fatalf("From: %v of %+v", !ordinary, h)
	}
	if !g.Read(b) {
		// The version that IPv4's header states is nobody's business but Read's.
		sure := len(b) >= 54 && len(b) <= 65535 && (h.EtherType == packet.EtherIPv6 || b[14] == 0x45)
		if ordinary && sure && (h.Proto == packet.ProtoTCP || h.Proto == packet.ProtoUDP) {
			t.Fatalf("Read has left %+v", h)
		}
		return
	}
	g.Hash = from.Hash
	if g != from || !ordinary || g.Bytes() != uint32(h.IPBytes()) {
		t.Fatalf("Read  %+v\nParse %+v", g, from)
	}
}

func FuzzGist(f *testing.F) {
	for _, s := range []string{ip4(6, 0, "", tcpSYN), ip4(6, 0x4000, "", tcpSYN+"data"), ip4(17, 0, "", udpDNS), ip4(17, 0, "", udpDNS+"more than fifty-four bytes"), ip6(6, tcpSYN), ip6(17, udpDNS), ip4(47, 0, "", "\x00\x00\x65\x58 more than fifty-four"), ip4(1, 0, "", echo)} {
		f.Add([]byte(eth + s))
		f.Add([]byte(eth + s + "padding that nobody counts"))
		f.Add([]byte("\x02\x00\x00\x00\x00\x02" + "\x02\x00\x00\x00\x00\x01" + s))
	}
	f.Fuzz(gistAgrees)
}
