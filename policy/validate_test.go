package policy

import (
	"fmt"
	"slices"
	"testing"
)

// TestValidate: cls_flower.c fl_set_key and fl_set_key_port_range.
func TestValidate(t *testing.T) {
	const (
		dst = "Invalid destination port range (min must be strictly smaller than max)"
		src = "Invalid source port range (min must be strictly smaller than max)"
		spi = "SPI attribute only for AH, ESP and UDP"
		big = "integer out of range"
	)
	for _, c := range []struct {
		name string
		set  func(m *Match)
		msg  string
	}{
		{"nothing", func(*Match) {}, ""},
		{"dst 1-2", func(m *Match) { m.DstPorts = PortRange{1, 2} }, ""},
		{"dst 2-2", func(m *Match) { m.DstPorts = PortRange{2, 2} }, dst},
		{"dst 3-2", func(m *Match) { m.DstPorts = PortRange{3, 2} }, dst},
		{"dst 0-1", func(m *Match) { m.DstPorts = PortRange{0, 1} }, ""},
		{"src 1-2", func(m *Match) { m.SrcPorts = PortRange{1, 2} }, ""},
		{"src 2-2", func(m *Match) { m.SrcPorts = PortRange{2, 2} }, src},
		{"src 3-2", func(m *Match) { m.SrcPorts = PortRange{3, 2} }, src},
		{"spi of ESP", func(m *Match) { m.Mask.SPI, m.Key.IPProto = 1, 50 }, ""},
		{"spi of AH", func(m *Match) { m.Mask.SPI, m.Key.IPProto = 1, 51 }, ""},
		{"spi of UDP", func(m *Match) { m.Mask.SPI, m.Key.IPProto = 1, 17 }, ""},
		{"spi of TCP", func(m *Match) { m.Mask.SPI, m.Key.IPProto = 1, 6 }, spi},
		{"spi of nothing", func(m *Match) { m.Mask.SPI = 1 }, spi},
		{"l2_miss 1", func(m *Match) { m.Mask.L2Miss, m.Key.L2Miss = 0xff, 1 }, ""},
		{"l2_miss 2", func(m *Match) { m.Mask.L2Miss, m.Key.L2Miss = 0xff, 2 }, big},
		{"l2_miss without a mask", func(m *Match) { m.Key.L2Miss = 2 }, ""},
		{"cfm level 7", func(m *Match) { m.Mask.CFM, m.Key.CFM = 0x700, 0x7ff }, ""},
		{"cfm level 8", func(m *Match) { m.Mask.CFM, m.Key.CFM = 0x700, 0x800 }, big},
		{"cfm opcode alone", func(m *Match) { m.Mask.CFM, m.Key.CFM = 0xff, 0x900 }, ""},
	} {
		var m Match
		c.set(&m)
		err := Validate(&m)
		if c.msg == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: taken", c.name)
			continue
		}
		says(t, err, EINVAL, c.msg)
	}
}

// TestIgnored: which fields fl_set_key reads for which packets.
func TestIgnored(t *testing.T) {
	fields := map[string]func(k *Key){
		"ip_proto": func(k *Key) { k.IPProto = 1 }, "ip_tos": func(k *Key) { k.IPTOS = 1 }, "ip_ttl": func(k *Key) { k.IPTTL = 1 },
		"src_port": func(k *Key) { k.SrcPort = 1 }, "dst_port": func(k *Key) { k.DstPort = 1 }, "tcp_flags": func(k *Key) { k.TCPFlags = 1 },
		"type": func(k *Key) { k.ICMPType = 1 }, "code": func(k *Key) { k.ICMPCode = 1 }, "mpls": func(k *Key) { k.MPLS[6], k.LSEs = 1, 1<<6 },
		"arp_sip": func(k *Key) { k.ARPSIP[3] = 1 }, "arp_tip": func(k *Key) { k.ARPTIP[3] = 1 }, "arp_op": func(k *Key) { k.ARPOp = 1 },
		"arp_sha": func(k *Key) { k.ARPSHA[5] = 1 }, "arp_tha": func(k *Key) { k.ARPTHA[5] = 1 }, "l2tpv3_sid": func(k *Key) { k.L2TPv3SID = 1 },
	}
	order := []string{"ip_proto", "ip_tos", "ip_ttl", "src_port", "dst_port", "tcp_flags", "type", "code", "mpls", "arp_sip", "arp_tip", "arp_op", "arp_sha", "arp_tha", "l2tpv3_sid"}
	read := func(et uint16, proto uint8) (out []string) {
		switch et {
		case 0x0800, 0x86dd:
			out = []string{"ip_proto", "ip_tos", "ip_ttl"}
			switch proto {
			case 6:
				out = append(out, "src_port", "dst_port", "tcp_flags")
			case 17, 132:
				out = append(out, "src_port", "dst_port")
			case 115:
				out = append(out, "l2tpv3_sid")
			}
			if et == 0x0800 && proto == 1 || et == 0x86dd && proto == 58 {
				out = append(out, "type", "code")
			}
		case 0x0806, 0x8035:
			out = []string{"arp_sip", "arp_tip", "arp_op", "arp_sha", "arp_tha"}
		case 0x8847, 0x8848:
			out = []string{"mpls"}
		}
		return out
	}
	for _, et := range []uint16{0, 0x0800, 0x0801, 0x86dd, 0x0806, 0x8035, 0x8847, 0x8848, 0x8849, 0x88cc} {
		for _, proto := range []uint8{0, 1, 2, 6, 17, 58, 115, 132, 133} {
			for _, masked := range []bool{true, false} {
				var m Match
				for _, f := range fields {
					f(&m.Key)
					f(&m.Mask)
				}
				m.Key.EthType, m.Key.IPProto = et, proto
				m.Mask.EthType, m.Mask.IPProto = 0xffff, 0xff
				if !masked {
					m.Mask.EthType = 0
				}
				keep := read(et, proto)
				if !masked {
					keep = nil
				}
				before := m
				names := Ignored(&m)
				var want []string
				for _, name := range order {
					if !slices.Contains(keep, name) {
						want = append(want, name)
					}
				}
				if !slices.Equal(names, want) {
					t.Errorf("type %#x, protocol %d, masked %v: %v, want %v", et, proto, masked, names, want)
				}
				for _, name := range want { // gone from key and mask
					var k Key
					fields[name](&k)
					for i, w := range k.Words() {
						if m.Key.Words()[i]&w != 0 || m.Mask.Words()[i]&w != 0 {
							t.Errorf("type %#x, protocol %d: %s is still there", et, proto, name)
						}
					}
				}
				if len(want) == 0 && fmt.Sprint(m) != fmt.Sprint(before) {
					t.Errorf("%+v became %+v", before, m)
				}
				if again := Ignored(&m); len(again) != 0 {
					t.Errorf("still ignored: %v", again)
				}
			}
		}
	}
	// The protocol counts only where it is asked for.
	m := Match{}
	m.Key.EthType, m.Mask.EthType, m.Key.IPProto, m.Key.TCPFlags, m.Mask.TCPFlags = 0x0800, 0xffff, 6, 2, 2
	if got := Ignored(&m); !slices.Equal(got, []string{"tcp_flags"}) {
		t.Errorf("without ip_proto: %v", got)
	}
}

// TestPolice: what iproute2 and act_police.c compute of rates.
func TestPolice(t *testing.T) {
	for _, c := range []struct {
		p    Police
		want uint32
	}{
		{Police{MTU: 1500, Rate: 1}, 1500}, {Police{Rate: 1, CellLog: -1}, 255 << 3}, {Police{Rate: 1, CellLog: 5}, 255 << 5}, {Police{Rate: 1, CellLog: 0}, 255}, {Police{PktRate: 1}, 0xffffffff},
	} {
		if got := c.p.Limit(); got != c.want {
			t.Errorf("%+v: limit %d, want %d", c.p, got, c.want)
		}
	}
	for _, c := range []struct {
		given int8
		mtu   uint32
		want  uint8
	}{{-1, 0, 3}, {-1, 1, 0}, {-1, 255, 0}, {-1, 256, 1}, {-1, 511, 1}, {-1, 512, 2}, {-1, 2047, 3}, {-1, 2048, 4}, {0, 2047, 0}, {7, 1, 7}} {
		if got := cellLog(c.given, c.mtu); got != c.want {
			t.Errorf("cell log given as %d, MTU %d: %d, want %d", c.given, c.mtu, got, c.want)
		}
	}
	for _, c := range []struct {
		rate, size uint64
		want       uint32
	}{
		{0, 1, 0}, {125000, 10240, 1280000}, {125000000, 1, 0}, {1000000, 1, 15}, {1000000, 2, 31}, {3, 1, 5208328},
		{1, 274, 4281250000}, {1, 275, 0xffffffff}, {1, 1 << 40, 0xffffffff},
	} {
		if got := Ticks(c.rate, c.size); got != c.want {
			t.Errorf("%d at %d a second: %d ticks, want %d", c.size, c.rate, got, c.want)
		}
	}
	for _, c := range []struct {
		rate  uint64
		ticks uint32
		want  uint64
	}{{125000, 1280000, 10240}, {1000000, 15, 0}, {1000000, 16, 1}, {1000000, 31, 1}, {1000000, 32, 2}, {0, 99, 0}} {
		if got := FromTicks(c.rate, c.ticks); got != c.want {
			t.Errorf("%d ticks at %d a second: %d, want %d", c.ticks, c.rate, got, c.want)
		}
	}
	const pkt = "Both or neither packet-per-second burst and rate must be provided"
	for _, c := range []struct {
		name string
		p    Police
		no   Errno
		msg  string
	}{
		{"rate", Police{Rate: 1, CellLog: -1}, "", ""},
		{"rate, cells of one byte", Police{Rate: 1, CellLog: 0}, ENOMEM, ""},
		{"rate, small MTU", Police{Rate: 1, CellLog: -1, MTU: 255}, ENOMEM, ""},
		{"rate, larger MTU", Police{Rate: 1, CellLog: -1, MTU: 256}, "", ""},
		{"peak, cells of one byte", Police{Rate: 1, CellLog: -1, Peak: 1, PeakCellLog: 0}, ENOMEM, ""},
		{"peak", Police{Rate: 1, CellLog: -1, Peak: 1, PeakCellLog: 1}, "", ""},
		{"neither", Police{}, "", ""},
		{"avrate", Police{AvRate: 1}, EINVAL, ""},
		{"conform-exceed to a chain", Police{Conform: GotoChain}, EINVAL, "goto chain not allowed on fallback"},
		{"packets", Police{PktRate: 1, PktBurst: 1}, "", ""},
		{"packets without burst", Police{PktRate: 1}, EINVAL, pkt},
		{"packets without rate", Police{PktBurst: 1}, EINVAL, pkt},
		{"packets and bytes", Police{PktRate: 1, PktBurst: 1, Rate: 1, CellLog: -1}, EINVAL, "packet-per-second and byte-per-second rate limits not allowed in same action"},
	} {
		err := newPolicy(t).AddActions([]*Action{{Kind: "police", Police: &c.p}}, false)
		if c.no == "" && err == nil {
			continue
		}
		if c.no == "" || err == nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		says(t, err, c.no, c.msg)
	}
}
