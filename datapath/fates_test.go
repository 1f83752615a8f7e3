package datapath_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (go test -update writes it anew):\n%s", path, head(datapathtest.Differences(string(want), got), 40))
	}
}

// head is the first n lines.
func head(s string, n int) string {
	if l := strings.SplitAfter(s, "\n"); len(l) > n {
		return strings.Join(l[:n], "") + "…"
	}
	return s
}

// fates judges frames by a policy that begins at device a, whole and cut off at
// every byte of cuts. It lists what is not usual, for which lengths when the frame is
// not whole; before it is a checksum of all: the bytes that left, the records and the counters that moved.
func fates(t *testing.T, name, usual string, lines []string, frames []named, cuts int) string {
	t.Helper()
	r := datapathtest.New(t, lines...)
	sum := crc32.NewIEEE()
	var fates []string
	where := map[string][]string{}
	before := counters(r)
	for _, f := range frames {
		fate, from, last := "", 0, 0
		flush := func() {
			if fate != "" && fate != usual {
				if where[fate] == nil {
					fates = append(fates, fate)
				}
				at := f.name
				if from < len(f.bytes) {
					at += fmt.Sprintf(" %d-%d", from, last)
				}
				where[fate] = append(where[fate], at)
			}
		}
		judge := func(n int) {
			res := r.Send("a", bytes.Clone(f.bytes[:n]))
			now := fmt.Sprintf("%v (%s) %s", res.Verdict, res.Reason, r.Out(res))
			if now != fate {
				flush()
				fate, from = now, n
			}
			last = n
			var b []byte
			for _, tx := range res.Tx {
				b = append(b, tx.Frame...)
				b = append(b, byte(tx.Copy), byte(len(tx.Frame)))
			}
			for _, h := range res.Hits {
				b = append(b, byte(h.Chain), byte(h.Copy), byte(h.Counted), byte(h.CTState), byte(h.CTState>>8))
			}
			after := counters(r)
			for i, s := range after {
				for _, n := range []uint64{s.Packets - before[i].Packets, s.Bytes - before[i].Bytes, s.Drops - before[i].Drops, s.Overlimits - before[i].Overlimits} {
					b = binary.AppendUvarint(b, n)
				}
			}
			before = after
			sum.Write(b)
		}
		for n := 14; n < min(cuts, len(f.bytes)); n++ {
			judge(n)
		}
		judge(len(f.bytes))
		flush()
	}
	out := fmt.Sprintf("%s: %08x\n", name, sum.Sum32())
	for _, fate := range fates {
		out += fmt.Sprintf("\t%s: %s\n", fate, strings.Join(where[fate], ", "))
	}
	return out
}

// counters are those of all actions, in the policy's order.
func counters(r *datapathtest.Rig) (all []policy.Stats) {
	for _, d := range r.P.Devices {
		for _, b := range d.Block {
			if b == nil {
				continue
			}
			for _, c := range b.Chains {
				for _, pr := range c.Protos {
					for _, f := range pr.Filters {
						for _, a := range f.Actions {
							all = append(all, r.E.ActionStats(a))
						}
					}
				}
			}
		}
	}
	return all
}

// named is a frame with what it is.
type named struct {
	name  string
	bytes []byte
}

// oddFrames are one of each kind that an editing action tells from others.
func oddFrames() []named {
	const c4, s4, c6, s6 = "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"
	udplite := func(cover uint16) []byte {
		b := []byte{0, 1, 0, 2, 0, 0, 0, 0, 'd', 'a', 't', 'a'}
		binary.BigEndian.PutUint16(b[4:], cover)
		return b
	}
	six := func(proto uint8, l4 ...[]byte) []byte { return packettest.IP(c6, s6, proto, bytes.Join(l4, nil)) }
	seg := packettest.Segment{SPort: 1, DPort: 2, Flags: "S", Seq: 9}.Bytes()
	options := packettest.TCP(c4, s4, 1, 2, "PA", 5, 6, "ab")
	options = slices.Insert(options, 34, 1, 1, 1, 0)
	options[14], options[17] = 0x46, options[17]+4
	packettest.Fix(options)
	padded := append(packettest.UDP(c4, s4, 1, 2, "x"), 9, 9, 9, 9, 9)
	sctp := packettest.SCTP(c4, s4, 1, 2, 7, packettest.InitChunk(1, 9))
	tcp := packettest.TCP(c4, s4, 1, 2, "PA", 5, 6, "data")
	tcp6 := packettest.TCP(c6, s6, 1, 2, "PA", 5, 6, "data")
	tcp[15], tcp6[14], tcp6[15] = 0xb8, 0x6b, 0x80
	packettest.Fix(tcp)
	wrongLength := packettest.UDP(c4, s4, 1, 2, "data")
	wrongLength[39]--
	mpls := slices.Insert(bytes.Clone(tcp), 14, 0, 0, 0x10, 0, 0, 0, 0x21, 2)
	mpls[12], mpls[13] = 0x88, 0x47
	fs := []named{
		{"tcp", tcp}, {"tcp with IP options", options}, {"udp", packettest.UDP(c4, s4, 1, 2, "data")}, {"udp with padding", padded},
		{"udp without a checksum", packettest.NoSum(packettest.UDP(c4, s4, 1, 2, "data"))}, {"udp of another length", wrongLength},
		{"icmp", packettest.ICMP(c4, s4, 8, 0, 5, []byte("data"))}, {"igmp", packettest.IP(c4, s4, packet.ProtoIGMP, []byte{0x16, 0, 0, 0, 224, 0, 0, 9})},
		{"udplite", packettest.IP(c4, s4, packet.ProtoUDPLite, udplite(0))}, {"udplite 7", packettest.IP(c4, s4, packet.ProtoUDPLite, udplite(7))},
		{"udplite 8", packettest.IP(c4, s4, packet.ProtoUDPLite, udplite(8))}, {"udplite 12", packettest.IP(c4, s4, packet.ProtoUDPLite, udplite(12))},
		{"udplite 13", packettest.IP(c4, s4, packet.ProtoUDPLite, udplite(13))},
		{"sctp", sctp}, {"sctp with padding", append(bytes.Clone(sctp), 1, 2, 3, 4)},
		{"first fragment", packettest.Fragment(tcp, 7, 0, 24, true)}, {"last fragment", packettest.Fragment(packettest.UDP(c4, s4, 1, 2, "0123456789"), 7, 8, 18, false)},
		{"tcp6", tcp6}, {"udp6", packettest.UDP(c6, s6, 1, 2, "data")}, {"udp6 without a checksum", packettest.NoSum(packettest.UDP(c6, s6, 1, 2, "data"))},
		{"icmp6", packettest.ICMP(c6, s6, 128, 0, 5, []byte("data"))}, {"udplite6 8", six(packet.ProtoUDPLite, udplite(8))},
		{"tcp6 behind options", six(packet.ProtoHopByHop, []byte{packet.ProtoDstOpts, 0, 1, 4, 0, 0, 0, 0}, []byte{packet.ProtoRouting, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []byte{packet.ProtoTCP, 0, 1, 4, 0, 0, 0, 0}, seg)},
		{"tcp6 behind AH", six(packet.ProtoAH, []byte{packet.ProtoTCP, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2}, seg)},
		{"tcp6 behind a fragment header", six(packet.ProtoFragment, []byte{packet.ProtoTCP, 0, 0, 1, 0, 0, 0, 5}, seg)},
		{"tcp6 in a later fragment", six(packet.ProtoFragment, []byte{packet.ProtoTCP, 0, 0, 8, 0, 0, 0, 5}, seg)},
		{"jumbo tcp6", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 0, 0xc2, 4, 0, 0, 0, 28}, seg)},
		{"jumbo tcp6 of another length", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 0, 0xc2, 4, 0, 0, 0, 29}, seg)},
		{"jumbo option that is out of place", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 1, 0, 0xc2, 4, 0, 0, 0, 28, 0, 0, 0, 0, 0, 0, 0}, seg)},
		{"jumbo option behind padding", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 1, 0, 0, 1, 0, 0xc2, 4, 0, 0, 0, 36, 0, 0, 0, 0}, seg)},
		{"jumbo option of another size", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 0, 0xc2, 3, 0, 0, 0, 28}, seg)},
		{"jumbo option that is cut", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 1, 1, 6, 0, 0, 0, 0, 0, 0, 0xc2, 4, 0, 0, 0, 36}, seg)},
		{"jumbo option behind one too long", six(packet.ProtoHopByHop, []byte{packet.ProtoTCP, 1, 1, 13, 0, 0, 0xc2, 4, 0, 0, 0, 36, 0, 0, 0, 0}, seg)},
		{"arp", append([]byte(packettest.Ether), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 3, 4, 5, 6, 7, 10, 0, 0, 1, 8, 9, 10, 11, 12, 13, 10, 0, 0, 2)},
		{"tagged", tagged(tcp, 0x81006005)}, {"tagged twice", tagged(tcp, 0x88a86005, 0x81000006)}, {"tagged thrice", tagged(tcp, 0x88a80005, 0x81000006, 0x81000007)},
		{"labelled", mpls}, {"tagged and labelled", tagged(mpls, 0x81000005)},
	}
	return fs
}

// editActions are editing actions, each on its own.
var editActions = []string{
	"vlan push id 5", "vlan push id 6 protocol 802.1ad priority 3", "vlan pop", "vlan modify id 7 priority 1", "vlan modify id 8 protocol 802.1ad",
	"vlan pop_eth", "vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02",
	"mpls push label 16", "mpls push label 17 tc 5 bos 0 ttl 2", "mpls pop protocol ip", "mpls pop protocol mpls_uc", "mpls dec_ttl", "mpls modify label 18 tc 1", "mpls modify ttl 9 bos 1", "mpls mac_push label 19",
	"pedit munge offset 0 u8 set 0x45", "pedit munge offset -16 u32 set 0x01020304", "pedit munge offset -4 u32 invert", "pedit munge offset 4 u16 at 8 ff 2 set 5", "pedit munge offset 20 u32 at 0 0f 0 set 5",
	"pedit munge offset -76 u32 set 1", "pedit munge offset -80 u32 set 1",
	"pedit ex munge eth type set 0x8100", "pedit ex munge eth src set 02:00:00:00:00:99 munge eth dst set 02:00:00:00:00:98", "pedit ex munge tcp dport add 0xffff", "pedit ex munge udp sport set 9", "pedit ex munge ip6 dst set fd00::5",
	"pedit ex munge ip ttl dec munge ip tos set 8 retain 0xfc", "pedit ex munge ip ihl set 15",
	"csum ip", "csum tcp", "csum udp", "csum icmp", "csum igmp", "csum udplite", "csum sctp", "csum ip and icmp and igmp and tcp and udp and udplite and sctp", "csum ip drop",
	"skbedit inheritdsfield", "police mtu 60 conform-exceed drop/pipe", "police mtu 74 conform-exceed drop/pipe", "ct zone 3",
}

// TestEditsOfAllKinds: each editing action on a frame of each kind, by length: as
// it is, when the packet has lost its Ethernet header, when a tag was pushed before,
// and on egress. The fates were read through once and are held since.
func TestEditsOfAllKinds(t *testing.T) {
	frames := oddFrames()
	var out strings.Builder
	const send = " pipe action mirred egress redirect dev b"
	for _, a := range editActions {
		if strings.HasSuffix(a, "drop") {
			out.WriteString(fates(t, a, "", []string{"filter add dev a ingress prio 1 proto all flower action " + a}, frames, 0))
			continue
		}
		out.WriteString(fates(t, a, "fwd (none) b", []string{"filter add dev a ingress prio 1 proto all flower action " + a + send}, frames, 84))
		out.WriteString(fates(t, "pop_eth, "+a, "fwd (none) b", []string{"filter add dev a ingress prio 1 proto all flower action vlan pop_eth pipe action " + a + send}, frames, 0))
		out.WriteString(fates(t, "push, "+a, "fwd (none) b", []string{"filter add dev a ingress prio 1 proto all flower action vlan push id 9 pipe action " + a + send}, frames, 0))
		out.WriteString(fates(t, "egress, "+a, "fwd (none) b", []string{"qdisc add dev b clsact", "filter add dev a ingress prio 1 proto all flower action mirred egress redirect dev b", "filter add dev b egress prio 1 proto all flower action " + a + " pass"}, frames, 20))
	}
	golden(t, "edits", out.String())
}
