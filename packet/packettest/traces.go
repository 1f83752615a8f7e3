package packettest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"sluice/packet"
)

const (
	c4, s4 = "192.0.2.10", "198.51.100.80"
	c6, s6 = "2001:db8::10", "2001:db8:1::80"
)

// Traces builds a collection of captures as varied as real ones: connections
// of each protocol, whole and broken, in VLANs and tunnels, in fragments, and
// frames that no stack would send. It is the same at every call.
func Traces() []Trace {
	var all []Trace
	connections(&all)
	messages(&all)
	tags(&all)
	tunnels(&all)
	fragments(&all)
	odd(&all)
	return all
}

func connections(to *[]Trace) {
	add(to, "tcp/whole", Conversation(c4, s4, 40000, 80, 6, 9, true)...)
	add(to, "tcp/open", Conversation(c6, s6, 40001, 80, 3, 3, false)...)
	whole := Conversation(c4, s4, 40002, 443, 4, 4, true)
	add(to, "tcp/missing-syn", whole[1:]...)
	add(to, "tcp/midstream", whole[5:]...)
	var twice [][]byte
	for _, f := range whole {
		twice = append(twice, f, f)
	}
	add(to, "tcp/retransmitted", twice...)
	swapped := append([][]byte(nil), whole...)
	for i := 3; i+1 < len(swapped); i += 2 {
		swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
	}
	add(to, "tcp/reordered", swapped...)
	for _, n := range []int{1, 2, 3, 6} {
		d := NewDialog(c4, s4, 40003+uint16(n), 80)
		d.Open()
		d.Say(0, "hello")
		d.Frames = d.Frames[:min(n, len(d.Frames))]
		d.Send(1, "RA", "")
		d.Send(0, "R", "")
		add(to, fmt.Sprintf("tcp/reset-after-%d", n), d.Frames...)
	}
	opts := []byte("\x02\x04\x05\xb4\x01\x03\x03\x07\x04\x02\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x00")
	var flags [][]byte
	for i, f := range []string{"S", "SA", "SF", "", "FSRPAUEC", "F", "FPU", "SE", "SEC", "A"} {
		flags = append(flags, IP(c4, s4, 6, Segment{SPort: 41000 + uint16(i), DPort: 80, Flags: f, Seq: 1, Options: opts, Data: "early"}.Bytes()))
	}
	add(to, "tcp/flags", flags...)
	ftp := NewDialog(c4, s4, 42000, 21)
	ftp.Open()
	ftp.Say(1, "220 ready\r\n")
	ftp.Say(0, "PORT 192,0,2,10,164,17\r\n")
	ftp.Say(1, "200 OK\r\n")
	ftp.Frames = append(ftp.Frames, Conversation(s4, c4, 20, 42001, 20, 0, true)...)
	ftp.Close(0)
	add(to, "tcp/ftp", ftp.Frames...)
	var udp [][]byte
	for i := range uint16(40) {
		q, a := UDP(c4, s4, 50000+i, 53, "question"), UDP(s4, c4, 53, 50000+i, "answer")
		udp = append(udp, q, a, UDP(c6, s6, 50000+i, 53, strings.Repeat("q", int(i))), NoSum(UDP(s6, c6, 53, 50000+i, "no checksum")))
	}
	add(to, "udp/dns", udp...)
	add(to, "sctp/init", SCTP(c4, s4, 7, 8, 0, InitChunk(1, 5)), SCTP(s4, c4, 8, 7, 5, InitChunk(2, 6)), SCTP(c4, s4, 7, 8, 6, Chunk(10, 0, 1, 2, 3)), SCTP(s4, c4, 8, 7, 5, Chunk(11, 0)))
	var others [][]byte
	for _, p := range []uint8{2, 33, 50, 51, 89, 103, 136, 200, 255} {
		others = append(others, IP(c4, s4, p, bytes.Repeat([]byte{p}, 40)), IP(c6, s6, p, bytes.Repeat([]byte{p}, 40)))
	}
	add(to, "others/protocols", others...)
}

// messages are ICMP's queries, errors about packets that came before and
// about none, and what neighbours tell each other.
func messages(to *[]Trace) {
	sent := TCP(c4, s4, 40010, 80, "S", 1, 0, "")
	sent6 := UDP(c6, s6, 40010, 53, "question")
	frames := [][]byte{
		ICMP(c4, s4, 8, 0, 7<<16|1, []byte("ping")), ICMP(s4, c4, 0, 0, 7<<16|1, []byte("ping")), ICMP(s4, c4, 0, 0, 9<<16|1, []byte("unasked")),
		ICMP(c6, s6, 128, 0, 7<<16|1, []byte("ping")), ICMP(s6, c6, 129, 0, 7<<16|1, []byte("ping")),
		sent, sent6,
	}
	for typ := range uint8(19) {
		frames = append(frames, ICMP("203.0.113.1", c4, typ, 0, 0, sent[14:14+28]))
	}
	for _, typ := range []uint8{1, 2, 3, 4, 130, 131, 133, 134, 135, 136, 137, 143} {
		frames = append(frames, ICMP("2001:db8:ffff::1", c6, typ, 0, 1280, sent6[14:]))
	}
	for n := range 28 {
		frames = append(frames, ICMP("203.0.113.1", c4, 3, 1, 0, sent[14:14+n])) // cut off
	}
	add(to, "icmp/messages", frames...)
	arp := append([]byte(Ether+"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"), make([]byte, 20)...)
	add(to, "icmp/arp", arp, arp[:len(arp)-1], append(bytes.Clone(arp), make([]byte, 18)...))
}

// Tagged puts VLAN tags in front of a frame's EtherType: pairs of a type and
// the tag's value.
func Tagged(frame []byte, tags ...uint16) []byte {
	f := bytes.Clone(frame[:12])
	for _, t := range tags {
		f = binary.BigEndian.AppendUint16(f, t)
	}
	return append(f, frame[12:]...)
}

func tags(to *[]Trace) {
	plain := append(Conversation(c4, s4, 43000, 80, 5, 5, true), Conversation(c6, s6, 43000, 80, 5, 5, false)...)
	for _, v := range []struct {
		name string
		tags []uint16
	}{
		{"one", []uint16{0x8100, 0x6007}}, {"priority", []uint16{0x8100, 0xe000}}, {"provider", []uint16{0x88a8, 5}},
		{"two", []uint16{0x88a8, 5, 0x8100, 0x2006}}, {"two-alike", []uint16{0x8100, 5, 0x8100, 6}}, {"three", []uint16{0x88a8, 1, 0x8100, 2, 0x8100, 3}},
	} {
		var frames [][]byte
		for _, f := range plain {
			frames = append(frames, Tagged(f, v.tags...))
		}
		for n := 12; n < 24; n++ {
			frames = append(frames, frames[0][:n])
		}
		add(to, "vlan/"+v.name, frames...)
	}
}

// GRE is a packet in GRE with the given flags and version, and what they call
// for in front of it: checksum, key, sequence number.
func GRE(src, dst string, flags, proto uint16, fields, inner []byte) []byte {
	h := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, flags), proto)
	return IP(src, dst, packet.ProtoGRE, append(append(h, fields...), inner...))
}

func tunnels(to *[]Trace) {
	const a, b, a6, b6 = "203.0.113.1", "203.0.113.2", "2001:db8:f::1", "2001:db8:f::2"
	inside := append(Conversation(c4, s4, 44000, 80, 2, 2, true), Conversation(c6, s6, 44000, 80, 1, 1, true)...)
	inside = append(inside, ICMP(c4, s4, 8, 0, 1, []byte("x")), Tagged(UDP(c4, s4, 1, 53, "q"), 0x8100, 9), []byte(Ether+"\x08\x06"))
	opts := []string{"", "\x01\x02\x80\x01abcd", "\x01\x02\x01\x00\x01\x02\x03\x02abcdefgh", strings.Repeat("\xff\xff\x10\x03abcdefghijkl", 3)}
	var vxlan, geneve, gre [][]byte
	for i, f := range inside {
		n := uint32(i)
		vxlan = append(vxlan, VXLAN(a, b, 50000, n, f), NoSum(VXLAN(a, b, 50000, n<<16, f)), VXLAN(a6, b6, 50000, 0xffffff, f), NoSum(VXLAN(a6, b6, 50000, n, f)))
		wrong := VXLAN(a, b, 50000, n, f)
		wrong[len(wrong)-1] ^= 1
		vxlan = append(vxlan, wrong)
		for _, o := range opts {
			geneve = append(geneve, Geneve(a, b, 50000, n, o, f), NoSum(Geneve(a, b, 50001, n, o, f)), Geneve(a6, b6, 50000, n, o, f))
		}
		gre = append(gre, GRETap(a, b, n, f), GRETap(a6, b6, n<<24, f), GRE(a, b, 0, 0x6558, nil, f))
	}
	add(to, "tunnels/vxlan", vxlan...)
	add(to, "tunnels/geneve", geneve...)
	add(to, "tunnels/gretap", gre...)
	var plain, cut [][]byte
	for _, f := range inside[:12] {
		proto, etype := packet.ProtoIPIP, uint16(0x800)
		if f[12] == 0x86 {
			proto, etype = packet.ProtoIPv6, 0x86dd
		}
		plain = append(plain, IP(a, b, proto, f[14:]), IP(a6, b6, proto, f[14:]), GRE(a, b, 0, etype, nil, f[14:]), GRE(a, b, 0x3000, etype, []byte("keysqnum"), f[14:]))
	}
	add(to, "tunnels/of-packets", plain...)
	for _, f := range [][]byte{vxlan[0], geneve[3], gre[0]} {
		for n := 34; n < len(f); n += 3 {
			short := bytes.Clone(f[:n])
			binary.BigEndian.PutUint16(short[16:], uint16(n-14))
			if short[23] == packet.ProtoUDP && n >= 42 {
				binary.BigEndian.PutUint16(short[38:], uint16(n-34))
			}
			Fix(short)
			cut = append(cut, short)
		}
	}
	add(to, "tunnels/cut-off", cut...)
	add(to, "tunnels/nested", VXLAN(a, b, 1, 1, Geneve(a6, b6, 2, 2, opts[1], GRETap(a, b, 3, inside[0]))))
}

func fragments(to *[]Trace) {
	var order, reverse, twice, overlap, syn, atomic [][]byte
	for i, p := range [][2]string{{c4, s4}, {c6, s6}} {
		whole := UDP(p[0], p[1], 45000, 53, strings.Repeat("x", 4000))
		f := Fragments(whole, uint32(100+i), 1200, 1200, 8, 640)
		g := Fragments(whole, uint32(200+i), 1200, 1200)
		order = append(order, f...)
		order = append(order, UDP(p[1], p[0], 53, 45000, "answer"))
		reverse = append(reverse, g[2], g[1], g[0])
		twice = append(twice, g[0], g[0], g[1], g[1], g[2], g[2])
		overlap = append(overlap, Fragment(whole, 300, 0, 1208, true), Fragment(whole, 300, 1200, 2400, true), Fragment(whole, 300, 2400, 4008, false),
			Fragment(whole, 301, 24, 40, true), Fragment(whole, 301, 0, 36, false), Fragment(whole, 302, 0, 1200, false), Fragment(whole, 302, 1600, 2400, false))
		seg := IP(p[0], p[1], 6, Segment{SPort: 45001, DPort: 80, Flags: "S", Seq: 1, Options: make([]byte, 20), Data: strings.Repeat("z", 40)}.Bytes())
		syn = append(syn, Fragments(seg, 400, 8, 16, 16)...)
		syn = append(syn, Fragments(seg, 401, 40)...)
		atomic = append(atomic, Fragment(whole, 500, 0, 4008, false), Fragment(whole, 501, 0, 4008, false))
	}
	add(to, "fragments/in-order", order...)
	add(to, "fragments/reversed", reverse...)
	add(to, "fragments/twice", twice...)
	add(to, "fragments/overlapping", overlap...)
	add(to, "fragments/syn", syn...)
	add(to, "fragments/atomic", atomic...)
	var lost [][]byte
	for i := range uint32(30) {
		lost = append(lost, Fragments(UDP(c4, s4, 45002, 53, strings.Repeat("y", 3000)), 600+i, 1400, 1400)[i%3])
	}
	add(to, "fragments/lost", lost...)
}

// odd are frames cut off at every byte, with options and extension headers, and
// plain ones with bytes changed at random.
func odd(to *[]Trace) {
	opt4 := func(n int, proto byte, l4 string) []byte {
		f := IP(c4, s4, proto, append(bytes.Repeat([]byte{1}, n), l4...))
		f[14] = 0x40 | byte(5+n/4)
		Fix(f)
		return f
	}
	udp := string(UDP(c6, s6, 46000, 53, "behind")[54:])
	ext := "\x11\x00\x01\x04\x00\x00\x00\x00"
	seeds := [][]byte{
		TCP(c4, s4, 46000, 80, "S", 1, 0, "data"), TCP(c6, s6, 46000, 80, "PA", 1, 1, "data"), UDP(c4, s4, 46000, 53, "question"), UDP(c6, s6, 46000, 53, "question"),
		ICMP(c4, s4, 8, 0, 5<<16, []byte("ping")), SCTP(c4, s4, 7, 8, 0, InitChunk(1, 5)), Tagged(TCP(c4, s4, 46001, 80, "A", 1, 1, ""), 0x88a8, 5, 0x8100, 6),
		opt4(4, 17, string(UDP(c4, s4, 46000, 53, "x")[34:])), opt4(40, 6, string(TCP(c4, s4, 46000, 80, "S", 1, 0, "")[34:])),
		IP(c6, s6, 0, []byte(ext+udp)), IP(c6, s6, 60, []byte(strings.Repeat("\x3c\x00\x01\x04\x00\x00\x00\x00", 20)+ext+udp)),
		IP(c6, s6, 43, []byte("\x11\x02\x00\x01\x00\x00\x00\x00"+strings.Repeat("\x20", 16)+udp)), IP(c6, s6, 51, []byte("\x11\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"+udp)),
		append([]byte(Ether), "\x88\xccother"...), append([]byte(Ether), make([]byte, 50)...),
	}
	var cut [][]byte
	for _, f := range seeds {
		for n := 14; n < min(len(f), 100); n++ {
			cut = append(cut, f[:n])
		}
		cut = append(cut, append(bytes.Clone(f), make([]byte, 20)...))
	}
	add(to, "odd/cut-off", cut...)
	rnd := rand.New(rand.NewPCG(1, 2))
	var changed [][]byte
	for range 4000 {
		f := bytes.Clone(seeds[rnd.IntN(len(seeds))])
		for range 1 + rnd.IntN(3) {
			f[12+rnd.IntN(min(len(f)-12, 60))] = byte(rnd.Uint32())
		}
		changed = append(changed, f)
	}
	add(to, "odd/changed", changed...)
}
