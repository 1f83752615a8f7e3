package replay

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/packet/packettest"
)

// fragmentPolicy forwards all that ct takes, from a to b.
var fragmentPolicy = lines(
	"filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action goto chain 2",
	"filter add dev a ingress prio 2 chain 0 proto ipv6 flower ct_state -trk action ct pipe action goto chain 2",
	"filter add dev a ingress prio 1 chain 2 proto all matchall action ct commit pipe action mirred egress redirect dev b")

// fragmentCase is a capture of fragments and what becomes of it.
type fragmentCase struct {
	name             string
	frames           [][]byte // of a capture that is built
	out, used        uint64
	packets, discard uint64
	waiting          int
	drops            string
}

func (c *fragmentCase) replay(t *testing.T, path string) {
	t.Helper()
	rep := mustRun(t, Options{Policy: file(t, "any.tc", fragmentPolicy), Inputs: []Input{{"a", path}}})
	var drops []string
	for _, d := range slices.Concat(rep.Stolen, rep.Drops) {
		drops = append(drops, fmt.Sprint(d.Name, " ", d.Packets))
	}
	f := rep.Fragments
	if rep.Devices[1].Out.Packets != c.out || f.Used != c.used || f.Packets != c.packets || f.Discarded != c.discard || f.Waiting != c.waiting || strings.Join(drops, ", ") != c.drops {
		t.Errorf("%d frames out, %+v, dropped %q", rep.Devices[1].Out.Packets, f, drops)
	}
}

// TestC44_fragments_built: attacks that overlap (inet_fragment.c
// inet_frag_queue_insert ends the whole packet), ends that contradict
// (ip_fragment.c ip_frag_queue), duplicates, a SYN in pieces, and atomic
// fragments, which are whole packets (RFC 6946).
func TestC44_fragments_built(t *testing.T) {
	udp := packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, strings.Repeat("x", 200))
	udp6 := packettest.UDP("fd00::1", "fd00::2", 1000, 53, strings.Repeat("x", 200))
	part := func(off, end int, more bool) []byte { return packettest.Fragment(udp, 7, off, end, more) }
	part6 := func(off, end int, more bool) []byte { return packettest.Fragment(udp6, 7, off, end, more) }
	syn := packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 80, "S", 1, 0, strings.Repeat("d", 20))
	whole6 := packettest.Fragments(udp6, 9, 80, 80)
	for _, c := range []fragmentCase{
		{name: "two_ends", frames: [][]byte{part(0, 32, true), part(64, 96, false), part(96, 128, true)}, discard: 2, drops: "fragment: held for the others 2, fragment: contradicting end 1"},
		{name: "behind_the_end", frames: [][]byte{part(0, 32, true), part(64, 96, false), part(96, 208, false)}, discard: 2, drops: "fragment: held for the others 2, fragment: contradicting end 1"},
		{name: "twice", frames: [][]byte{part(0, 32, true), part(0, 32, true), part(64, 96, true)}, waiting: 2, drops: "fragment: held for the others 2, fragment: duplicate 1"},
		{name: "five_wait", frames: [][]byte{part(0, 32, true), part(64, 96, true), part(32, 40, true), part(104, 136, true), part(136, 208, false)}, waiting: 5, drops: "fragment: held for the others 5"},
		{name: "teardrop", frames: [][]byte{part(0, 40, true), part(24, 28, false)}, discard: 1, drops: "fragment: held for the others 1, fragment: contradicting end 1"},
		{name: "overlap_then_whole", frames: append([][]byte{part(0, 40, true), part(32, 80, true)}, packettest.Fragments(udp, 8, 80, 80)...), out: 3, used: 3, packets: 1, discard: 1,
			drops: "fragment: held for the others 3, fragment: overlap 1"},
		{name: "syn", frames: packettest.Fragments(syn, 3, 24), out: 2, used: 2, packets: 1, drops: "fragment: held for the others 1"},
		{name: "ipv6", frames: [][]byte{whole6[1], whole6[0], whole6[2]}, out: 3, used: 3, packets: 1, drops: "fragment: held for the others 2"},
		{name: "ipv6_overlap", frames: [][]byte{part6(0, 40, true), part6(32, 80, true)}, discard: 1, drops: "fragment: held for the others 1, fragment: overlap 1"},
		{name: "ipv6_atomic", frames: [][]byte{part6(0, 208, false), part6(0, 208, false)}, out: 2, used: 2, packets: 2},
	} {
		t.Run(c.name, func(t *testing.T) { c.replay(t, built(t, packettest.Interleaved("fragments", c.frames))) })
	}
}

// TestC44_fragment_captures replays captures of fragments: attacks that overlap
// (teardrop and its like), a fragmented SYN, DNS over IPv6, atomic fragments. A
// Linux kernel with the same policy let the same frames through.
func TestC44_fragment_captures(t *testing.T) {
	for _, c := range []fragmentCase{
		{name: "fragmented-1.pcap", discard: 2, drops: "fragment: held for the others 2, fragment: contradicting end 1"},
		{name: "fragmented-2.pcap", waiting: 2, drops: "fragment: held for the others 2, fragment: duplicate 1"},
		{name: "fragmented-3.pcap", waiting: 5, drops: "fragment: held for the others 5"},
		{name: "fragmented-4.pcap", out: 2, discard: 3, drops: "fragment: held for the others 3, fragment: overlap 1"},
		{name: "fragmented-syn.pcap", out: 2, used: 2, packets: 1, drops: "fragment: held for the others 1"},
		{name: "ipv6-fragmented-dns.pcap", out: 7, used: 3, packets: 1, waiting: 1, drops: "fragment: held for the others 3"},
		{name: "ipv6-http-atomic-frag.pcap", out: 38, used: 5, packets: 5},
	} {
		t.Run(c.name, func(t *testing.T) { c.replay(t, packettest.Capture(t, "fragments/"+c.name)) })
	}
}

// TestFragmentsInAReport replays a packet that becomes whole, one that comes
// too late, and one that a duplicate is part of.
func TestFragmentsInAReport(t *testing.T) {
	frame := packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, string(make([]byte, 2000)))
	a, b := packettest.Fragments(frame, 1, 800, 800), packettest.Fragments(frame, 2, 800, 800)
	var in []packetAt
	at := int64(1e18)
	for _, f := range [][]byte{a[2], a[0], a[0], a[1], b[0], b[1]} {
		in = append(in, packetAt{time: at, data: f})
		at += 10e6
	}
	in = append(in, packetAt{time: at + 31e9, data: b[2]})
	o := Options{Policy: file(t, "any.tc", fragmentPolicy), Inputs: []Input{{"a", file(t, "in.pcap", pcap(1, in...))}}}
	rep := mustRun(t, o)
	if got := text(t, rep); !strings.Contains(got, "fragments  3 used for 1 packet, 2 discarded, 1 waiting; 1 packet too late\n") {
		t.Error(got)
	}
	if f := rep.Fragments; len(f.Unprocessed) != 1 || f.Unprocessed[0].Name != "duplicate" || f.Held != 5 {
		t.Errorf("%+v", f)
	}
	if d := rep.Devices[1].Out; d.Packets != 3 || d.Bytes != uint64(len(a[0])+len(a[1])+len(a[2])) {
		t.Errorf("out: %+v", d)
	}
	t.Run("B053_settings", func(t *testing.T) {
		o.Sysctls = []string{"net.ipv4.ipfrag_time=60", "net.netfilter.nf_conntrack_frag6_timeout=1"}
		if f := mustRun(t, o).Fragments; f.Packets != 2 || f.Used != 6 {
			t.Errorf("with a minute's patience: %+v", f)
		}
		o.Sysctls = []string{"ipf_v4_min_frag=1200"}
		if f := mustRun(t, o).Fragments; f.Packets != 0 || f.Waiting != 1 || f.Unprocessed[0].Name != "too small" {
			t.Errorf("with a smallest size: %+v", f)
		}
	})
	t.Run("I8_every_frame_is_in_a_file", func(t *testing.T) {
		o.Sysctls, o.OutDir = nil, t.TempDir()
		mustRun(t, o)
		out, drop := readCommented(t, o.OutDir+"/b.pcapng"), readCommented(t, o.OutDir+"/drop.pcapng")
		if len(out) != 3 || len(drop) != 6 || !strings.Contains(drop[0].comment, "stolen, fragment: held for the others") {
			t.Errorf("%d out, %d dropped: %+v", len(out), len(drop), drop)
		}
	})
}
