package replay

import (
	"fmt"
	"strings"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// devices are those of the tests' policies.
func device(name string) (int32, error) {
	switch name {
	case "left":
		return 0, nil
	case "right":
		return 1, nil
	}
	return 0, fmt.Errorf("no device %q", name)
}

const (
	hostA = "10.0.0.1"
	hostB = "10.0.0.2"
)

// arp makes an ARP frame; op is 1 for a request, 2 for an answer.
func arp(op byte, sender string) []byte {
	f := packettest.UDP(sender, hostB, 1, 2, "")
	ip := f[26:30]
	body := append([]byte{0, 1, 8, 0, 6, 4, 0, op}, f[6:12]...)
	body = append(append(body, ip...), make([]byte, 10)...)
	return append(append(f[:12:12], 8, 6), body...)
}

// from changes a frame's source and destination MAC addresses' last bytes.
func from(frame []byte, src, dst byte) []byte {
	frame[11], frame[5] = src, dst
	return frame
}

// icmpError quotes a frame's IP packet.
func icmpError(src, dst string, quoted []byte) []byte {
	return packettest.IP(src, dst, packet.ProtoICMP, append([]byte{3, 1, 0, 0, 0, 0, 0, 0}, quoted[14:14+28]...))
}

func echo(src, dst string, typ byte, id uint16) []byte {
	return packettest.IP(src, dst, packet.ProtoICMP, []byte{typ, 0, 0, 0, byte(id >> 8), byte(id), 0, 1})
}

// later makes a frame a fragment with an offset.
func later(frame []byte) []byte {
	frame[21] = 3
	return frame
}

func TestSplit(t *testing.T) {
	tcp, udp := packettest.TCP, packettest.UDP
	for _, c := range []struct {
		name   string
		split  []string
		frames [][]byte
		want   string // l or r for each frame
	}{
		{"none: the file's own device", nil, [][]byte{tcp(hostA, hostB, 1, 2, "S", 0, 0, "")}, "l"},
		{"src: addresses, prefixes, first that fits",
			[]string{"src=10.0.0.2:right", "src=10.0.0.0/24:left", "src=192.168.1.77/16:right"},
			[][]byte{
				tcp(hostB, hostA, 1, 2, "S", 0, 0, ""), udp(hostA, hostB, 1, 2, ""), udp("192.168.9.9", hostA, 1, 2, ""),
				udp("172.16.0.1", hostA, 1, 2, ""), arp(1, hostB), arp(2, hostA),
			}, "rlrlrl"},
		{"mac", []string{"mac=02:00:00:00:00:77:right"},
			[][]byte{from(udp(hostA, hostB, 1, 2, ""), 0x77, 1), from(udp(hostA, hostB, 1, 2, ""), 1, 0x77), from(arp(1, hostA), 0x77, 0xff)}, "rlr"},
		{"a frame too short for a MAC address", []string{"mac=02:00:00:00:00:77:right"}, [][]byte{{1, 2, 3}}, "l"},
		{"initiator: the first frame of a connection and its reverse", []string{"initiator=left,right"},
			[][]byte{
				tcp(hostA, hostB, 1000, 80, "S", 0, 0, ""), tcp(hostB, hostA, 80, 1000, "SA", 0, 0, ""), tcp(hostA, hostB, 1000, 80, "A", 0, 0, ""),
				tcp(hostB, hostA, 2000, 80, "S", 0, 0, ""), tcp(hostA, hostB, 80, 2000, "SA", 0, 0, ""), tcp(hostB, hostA, 80, 1000, "A", 0, 0, ""),
			}, "lrllrr"},
		{"initiator: a SYN-ACK seen first is an answer", []string{"initiator=left,right"},
			[][]byte{tcp(hostB, hostA, 80, 1000, "SA", 0, 0, ""), tcp(hostA, hostB, 1000, 80, "A", 0, 0, "")}, "rl"},
		{"initiator: ports of one host with itself", []string{"initiator=left,right"},
			[][]byte{tcp(hostA, hostA, 80, 9, "S", 0, 0, ""), tcp(hostA, hostA, 9, 80, "SA", 0, 0, "")}, "lr"},
		{"initiator: echo requests by identifier", []string{"initiator=left,right"},
			[][]byte{echo(hostA, hostB, 8, 7), echo(hostB, hostA, 0, 7), echo(hostB, hostA, 8, 8), echo(hostA, hostB, 0, 8)}, "lrlr"},
		{"initiator: an ICMP error comes from where the quoted packet went", []string{"initiator=left,right"},
			[][]byte{
				udp(hostA, hostB, 5, 53, ""), icmpError(hostB, hostA, udp(hostA, hostB, 5, 53, "")),
				udp(hostB, hostA, 53, 5, ""), icmpError("10.9.9.9", hostB, udp(hostB, hostA, 53, 5, "")),
			}, "lrrl"},
		{"initiator: an ICMP error about nothing known tells who opened the connection", []string{"initiator=left,right"},
			[][]byte{
				icmpError("10.9.9.9", hostA, udp(hostA, hostB, 5, 53, "")), udp(hostA, hostB, 5, 53, ""), udp(hostB, hostA, 53, 5, ""),
				icmpError(hostA, hostB, udp(hostB, hostA, 5, 53, "")),
			}, "rlrr"},
		{"initiator: later fragments and protocols without ports go by the hosts", []string{"initiator=left,right"},
			[][]byte{
				udp(hostA, hostB, 5, 53, ""), later(udp(hostB, hostA, 53, 5, "")), later(udp(hostA, hostB, 5, 53, "")),
				packettest.IP(hostB, "10.0.0.3", 89, []byte("hello")), packettest.IP("10.0.0.3", hostB, 89, []byte("hello")),
			}, "lrllr"},
		{"initiator: without IP by the sender's MAC address", []string{"initiator=left,right"},
			[][]byte{
				from(arp(1, hostA), 1, 0xff), from(arp(2, hostB), 2, 1), from(udp(hostB, hostA, 1, 2, ""), 2, 1),
				from(arp(1, hostB), 2, 0xff), from(udp(hostA, "10.0.0.9", 1, 2, ""), 9, 8), from(arp(1, hostA), 9, 8),
			}, "lrlrll"},
		{"rules come before the initiator", []string{"initiator=left,right", "src=10.0.0.1:right"},
			[][]byte{udp(hostA, hostB, 1, 2, ""), udp(hostB, hostA, 2, 1, "")}, "rl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := newSplitter(c.split, device)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, f := range c.frames {
				got += string("lr"[s.device(f, 0)])
			}
			if got != c.want {
				t.Errorf("frames came in %s, want %s", got, c.want)
			}
		})
	}
}

func TestSplitIPv6(t *testing.T) {
	s, err := newSplitter([]string{"src=2001:db8::/32:right"}, device)
	if err != nil {
		t.Fatal(err)
	}
	f := make([]byte, 14+40)
	f[12], f[13], f[14] = 0x86, 0xdd, 0x60
	copy(f[14+8:], "\x20\x01\x0d\xb8")
	if d := s.device(f, 0); d != 1 {
		t.Errorf("device %d, want 1", d)
	}
	f[14+8] = 0xfe
	if d := s.device(f, 0); d != 0 {
		t.Errorf("device %d, want 0", d)
	}
}

func TestSplitErrors(t *testing.T) {
	for arg, want := range map[string]string{
		"src=10.0.0.1":                     "want src=ADDRESS:DEV",
		"src=10.0.0.1:":                    "want src=ADDRESS:DEV",
		"src=10.0.0.300:left":              `"10.0.0.300" is no address or prefix`,
		"src=10.0.0.0/33:left":             `"10.0.0.0/33" is no address or prefix`,
		"src=10.0.0.1:middle":              `no device "middle"`,
		"mac=02:00:00:00:00:left":          `"02:00:00:00:00" is no MAC address`,
		"mac=02:00:5e:10:00:00:00:01:left": "is no MAC address",
		"initiator=left":                   "want initiator=DEV,DEV",
		"initiator=left,right,left":        "want initiator=DEV,DEV",
		"initiator=left,middle":            `no device "middle"`,
		"dst=10.0.0.1:left":                "want src=PREFIX:DEV, mac=MAC:DEV or initiator=DEV,DEV",
	} {
		_, err := newSplitter([]string{arg}, device)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--split "+arg) {
			t.Errorf("%s: error %v, want %q", arg, err, want)
		}
	}
	if _, err := newSplitter([]string{"initiator=left,right", "initiator=left,right"}, device); err == nil {
		t.Error("initiator twice is no error")
	}
}

// FuzzSplit looks for frames that a splitter cannot bear.
func FuzzSplit(f *testing.F) {
	f.Add(packettest.TCP(hostA, hostB, 1, 2, "S", 0, 0, ""))
	f.Add(icmpError(hostB, hostA, packettest.UDP(hostA, hostB, 5, 53, "")))
	f.Add(arp(1, hostA))
	f.Fuzz(func(t *testing.T, frame []byte) {
		s, err := newSplitter([]string{"src=10.0.0.9:right", "initiator=left,right"}, device)
		if err != nil {
			t.Fatal(err)
		}
		if d := s.device(frame, 0); d != s.device(frame, 0) {
			t.Errorf("the same frame comes in on device %d and then on another", d)
		}
	})
}

func TestSplitAllocs(t *testing.T) {
	s, err := newSplitter([]string{"src=10.0.0.9:right", "initiator=left,right"}, device)
	if err != nil {
		t.Fatal(err)
	}
	f := packettest.TCP(hostA, hostB, 1, 2, "S", 0, 0, "")
	s.device(f, 0)
	if n := testing.AllocsPerRun(100, func() { s.device(f, 0) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
