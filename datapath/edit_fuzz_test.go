package datapath_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// editWords are actions to be strung together at random.
var editWords = []string{
	"vlan push id 5", "vlan push id 6 protocol 802.1ad priority 3", "vlan pop", "vlan modify id 7 priority 1",
	"vlan pop_eth", "vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02",
	"mpls push label 16", "mpls push label 17 bos 0 ttl 2", "mpls pop protocol ip", "mpls pop protocol 802.1q", "mpls pop protocol mpls_uc",
	"mpls dec_ttl", "mpls modify label 18 tc 1", "mpls mac_push label 19",
	"pedit munge offset 0 u8 invert", "pedit munge offset -16 u32 set 1", "pedit munge offset -4 u32 invert", "pedit munge offset 0 u32 at 0 ff 2 set 5",
	"pedit ex munge eth type set 0x8100", "pedit ex munge tcp dport add 0xffff", "pedit ex munge udp sport set 9", "pedit ex munge ip6 dst set fd00::5", "pedit ex munge ip ihl set 15",
	"csum ip and icmp and igmp and tcp and udp and udplite and sctp", "skbedit mark 1 inheritdsfield", "police mtu 100 conform-exceed drop/pipe", "sample rate 2 group 1 trunc 9",
	"ct", "ct commit zone 3", "ct clear", "mirred egress mirror dev b", "mirred ingress mirror dev c",
}

// FuzzEdits strings actions together as its input says, and puts a frame
// through them: nothing panics, every packet is accounted for, what leaves is
// of a sane length, and no action counts more than the one before it (I7, I8,
// I9).
func FuzzEdits(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 6, 9, 11}, query())
	f.Add([]byte{4, 5, 13, 5, 10, 8}, tagged(query(), 0x88a80005, 0x81000006))
	f.Add([]byte{18, 0, 2, 2, 28, 29, 30, 14, 22, 23}, packettest.TCP("fd00::1", "fd00::2", 1, 2, "S", 1, 0, ""))
	f.Add([]byte{31, 0, 31, 13, 31, 0}, query()[:20])
	f.Fuzz(func(t *testing.T, program, frame []byte) {
		if len(frame) > 65535 || len(program) > 30 {
			return
		}
		words := ""
		for _, b := range program {
			words += " action " + editWords[int(b)%len(editWords)] + " pipe"
		}
		r := datapathtest.New(t,
			"filter add dev a ingress prio 1 proto all flower"+words+" action goto chain 1",
			"filter add dev a ingress prio 1 chain 1 proto 802.1q flower vlan_id 5 vlan_ethtype ip action vlan pop pipe action pedit ex munge ip ttl dec reclassify",
			"filter add dev a ingress prio 2 chain 1 proto all flower action mirred egress redirect dev b",
			"filter add dev c ingress prio 1 proto all flower"+words+" action mirred egress redirect dev b")
		var v packet.Vector
		v.Now = 5e9
		id, _ := r.E.Device("a")
		for range 3 {
			v.Add(bytes.Clone(frame), id)
		}
		r.E.Process(&v)
		account(t, &v)
		// Each pass of 17 pushes 18 bytes an action at most, twice with c's.
		limit := len(frame) + 18*len(program)*(17+4)
		for _, tx := range v.Tx {
			if len(tx.Frame) > limit {
				t.Fatalf("a frame of %d bytes from one of %d", len(tx.Frame), len(frame))
			}
		}
		for _, s := range v.Samples {
			if len(s.Frame) > 9 || int(s.Len) < len(s.Frame) {
				t.Fatalf("sample %+v", s)
			}
		}
		before := policy.Stats{Packets: ^uint64(0)}
		for i := range program {
			st := r.Stats("a", 0, 1, i)
			if st.Packets > before.Packets-before.Drops || st.Drops > st.Packets || st.Bytes > st.Packets*uint64(len(frame)) {
				t.Fatalf("action %d counts %+v after %+v", i, st, before)
			}
			before = st
		}
		if errs := r.E.Tracker().Check(); len(errs) > 0 {
			t.Fatal(errs)
		}
	})
}

// TestCsumMendsWhatPeditBreaks: whatever pedit makes of a sound packet's
// addresses, ports, TTL and TOS, csum gives it the checksums that it was due.
func TestCsumMendsWhatPeditBreaks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		v6 := rapid.Bool().Draw(rt, "v6")
		src, dst, ip := datapathtest.Client, datapathtest.Server, "ip"
		if v6 {
			src, dst, ip = "fd00::1", "fd00::2", "ip6"
		}
		data := strings.Repeat("x", rapid.IntRange(0, 40).Draw(rt, "data"))
		var f []byte
		l4 := rapid.SampledFrom([]string{"tcp", "udp", "icmp"}).Draw(rt, "l4")
		switch l4 {
		case "tcp":
			f = packettest.TCP(src, dst, 1, 2, "PA", rapid.Uint32().Draw(rt, "seq"), 5, data)
		case "udp":
			f = packettest.UDP(src, dst, 1, 2, data)
		default:
			typ := uint8(8)
			if v6 {
				typ = 128
			}
			f = packettest.ICMP(src, dst, typ, 0, rapid.Uint32().Draw(rt, "id"), []byte(data))
		}
		var munge []string
		add := func(format string, args ...any) {
			if rapid.Bool().Draw(rt, format) {
				munge = append(munge, "munge "+fmt.Sprintf(format, args...))
			}
		}
		if v6 {
			add("ip6 src set fd00::%x", rapid.Uint16().Draw(rt, "a"))
			add("ip6 dst add ::%x:0", rapid.Uint16().Draw(rt, "b"))
			add("ip6 hoplimit decrement")
			add("ip6 traffic_class set %d", rapid.Uint8().Draw(rt, "tos"))
		} else {
			add("ip src set %d.2.3.4", rapid.Uint8().Draw(rt, "a"))
			add("ip dst add 0.%d.0.255", rapid.Uint8().Draw(rt, "b"))
			add("ip ttl add %d", rapid.Uint8().Draw(rt, "ttl"))
			add("ip tos set %d", rapid.Uint8().Draw(rt, "tos"))
		}
		if l4 != "icmp" {
			add(l4+" sport set %d", rapid.Uint16().Draw(rt, "sport"))
			add(l4+" dport add %d", rapid.Uint16().Draw(rt, "dport"))
		}
		munge = append(munge, "munge eth src set 02:00:00:00:00:55")
		tag := ""
		if rapid.Bool().Draw(rt, "tag") {
			tag = "action vlan push id 5 pipe "
		}
		r := datapathtest.New(t, "filter add dev a ingress prio 1 proto all flower "+tag+"action pedit ex "+strings.Join(munge, " ")+
			" pipe action csum ip and tcp and udp and icmp pipe action vlan pop pipe action mirred egress redirect dev b")
		res := r.Send("a", f)
		if len(res.Tx) != 1 {
			rt.Fatalf("%v %s", res.Verdict, res.Reason)
		}
		got := res.Tx[0].Frame
		want := bytes.Clone(got)
		packettest.Fix(want)
		if !bytes.Equal(got, want) {
			rt.Fatalf("%s %v:\n%x, want\n%x", ip, munge, got, want)
		}
	})
}
