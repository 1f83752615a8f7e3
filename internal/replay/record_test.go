package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/port"
)

// recordPolicies are policies whose records are compared with their counters: each
// takes frames on uplink_rep and vf0_rep.
var recordPolicies = map[string]string{
	"plain": lines(
		"filter add dev uplink_rep ingress chain 0 prio 1 proto ip flower ct_state -trk ip_proto icmp",
		"filter add dev uplink_rep ingress chain 0 prio 2 proto ip flower ct_state -trk action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 0 prio 3 proto ipv6 flower ct_state -trk action ct pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 2 prio 1 proto all flower ct_state +trk+new action ct commit pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 2 prio 2 proto all flower ct_state +trk+est action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 2 prio 3 proto all flower ct_state +trk+inv action drop",
		"filter add dev vf0_rep ingress chain 0 prio 1 proto all matchall action ct pipe action goto chain 2",
		"filter add dev vf0_rep ingress chain 2 prio 1 proto all flower ct_state +trk+est action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+new ip_proto udp action continue",
		"filter add dev vf0_rep ingress chain 2 prio 3 proto all flower ct_state +trk+new action drop",
	),
	"nat": lines(
		"filter add dev uplink_rep ingress chain 0 prio 1 proto ip flower ct_state -trk action ct zone 4 nat pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+new action ct commit zone 4 mark 7 nat src addr 203.0.113.1-203.0.113.2 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+est ct_mark 7 action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress chain 0 prio 1 proto ip flower ct_state -trk action ct zone 4 nat pipe action goto chain 2",
		"filter add dev vf0_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+est action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+new action ct commit zone 4 nat dst addr 198.51.100.9 port 8080 pipe action mirred egress redirect dev uplink_rep",
		"filter add dev vf0_rep ingress chain 2 prio 3 proto ip flower ct_state +trk+rel action mirred egress redirect dev uplink_rep",
	),
	"zones, mirrors, tunnels": lines(
		"ip link set dev uplink_rep address 02:00:00:00:00:0b", "ip address add 192.0.2.1/24 dev uplink_rep",
		"ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:0c dev uplink_rep",
		"ip link add vxlan0 address 02:00:00:00:99:01 type vxlan external dstport 4789",
		"qdisc add dev x ingress_block 9 ingress", "qdisc add dev y ingress_block 9 ingress", "qdisc add dev tap clsact",
		"filter add dev uplink_rep ingress chain 0 prio 1 proto ip flower ct_state -trk action mirred egress mirror dev tap pipe action ct zone 5 pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+new action ct commit zone 5 pipe action ct zone 9 chain 8 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+est ip_proto tcp action ct zone 9 pipe action mirred egress mirror dev tap pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 2 prio 3 proto ip flower ct_state +trk+est action mirred egress mirror blockid 9 pipe action mirred ingress redirect dev br",
		"filter add dev uplink_rep ingress chain 8 prio 1 proto ip flower ct_state +trk+new action ct commit zone 9 pipe action drop",
		"filter add dev uplink_rep ingress chain 8 prio 2 proto ip flower ct_state +trk+est action mirred egress redirect dev tap",
		"filter add dev br ingress chain 0 prio 1 proto all matchall action mirred egress redirect dev vf0_rep",
		"filter add dev tap egress prio 1 proto ip flower ip_proto udp action drop",
		"filter add dev vf0_rep ingress chain 0 prio 1 proto ip flower ct_state -trk action ct zone 5 pipe action goto chain 2",
		"filter add dev vf0_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+est action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 dst_port 4789 action mirred egress redirect dev vxlan0",
		"filter add dev vxlan0 ingress chain 0 prio 1 proto all matchall action tunnel_key unset pipe action mirred egress redirect dev vf0_rep",
	),
	"fragments, police": lines(
		"filter add dev uplink_rep ingress chain 0 prio 1 proto ip flower ip_flags frag action police rate 100kbit burst 3000 conform-exceed drop/pipe action ct zone 3 pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 0 prio 2 proto ip flower ct_state -trk action sample rate 3 group 5 action ct zone 3 pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 0 prio 3 proto ipv6 flower ct_state -trk action ct zone 3 pipe action goto chain 2",
		"filter add dev uplink_rep ingress chain 2 prio 1 proto ip flower ct_state +trk+new action ct commit zone 3 pipe action gact pass random netrand reclassify 2",
		"filter add dev uplink_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+est action gact pipe random determ drop 5 action pedit ex munge ip ttl dec pipe action csum ip pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 2 prio 3 proto all matchall action vlan push id 7 pipe action mirred egress redirect dev vf0_rep",
		"filter add dev vf0_rep ingress chain 0 prio 1 proto all matchall action mirred ingress mirror dev l1 pipe action ct zone 3 pipe action mirred egress redirect dev uplink_rep",
		// One mirror more than mirred nests.
		"filter add dev l1 ingress chain 0 prio 1 proto all matchall action mirred ingress mirror dev l2 pipe action drop",
		"filter add dev l2 ingress chain 0 prio 1 proto all matchall action mirred ingress mirror dev l3 pipe action drop",
		"filter add dev l3 ingress chain 0 prio 1 proto all matchall action mirred ingress mirror dev l4 pipe action drop",
		"filter add dev l4 ingress chain 0 prio 1 proto all matchall action mirred egress mirror dev uplink_rep pipe action drop",
	),
}

// place is where a filter is, as comments and the report tell it.
type place struct {
	dev, protocol string
	egress        bool
	chain         uint32
	prio          uint16
	handle        uint32
}

// filterPlaces lists a policy's filters. On a shared block a filter is told with
// the device of the packet; any of the block's stands for it.
func filterPlaces(p *policy.Policy) (of map[place]*policy.Filter) {
	of = map[place]*policy.Filter{}
	for _, d := range p.Devices {
		for dir, b := range d.Block {
			if b == nil {
				continue
			}
			for _, c := range b.Chains {
				for _, pr := range c.Protos {
					for _, f := range pr.Filters {
						name := map[uint16]string{0x0800: "ip", 0x86dd: "ipv6", 0x0003: "all"}[pr.Protocol]
						of[place{d.Name, name, policy.Binding(dir) == policy.Egress, c.Index, pr.Prio, f.Handle}] = f
					}
				}
			}
		}
	}
	return of
}

var toldFilter = regexp.MustCompile(`^(\S+)( egress)? chain (\d+) protocol (\S+) prio (\d+) handle 0x([0-9a-f]+) (?:-trk|\+trk\S*)(?: put together of \d+ fragments?)?( uncounted)?$`)

// told reads the filters of a comment, and whether each says that it counted.
func told(t *testing.T, comment string) (number int, filters map[place]bool) {
	t.Helper()
	parts := strings.Split(comment, "; ")
	head, _, _ := strings.Cut(strings.TrimPrefix(parts[0], "#"), " ")
	number, err := strconv.Atoi(head)
	if err != nil {
		t.Fatalf("comment %q has no number", comment)
	}
	filters = map[place]bool{}
	for _, part := range parts[1:] {
		m := toldFilter.FindStringSubmatch(part)
		if m == nil {
			if strings.Contains(part, "handle") {
				t.Fatalf("%q is no filter", part)
			}
			continue
		}
		chain, _ := strconv.ParseUint(m[3], 10, 32)
		prio, _ := strconv.ParseUint(m[5], 10, 16)
		handle, _ := strconv.ParseUint(m[6], 16, 32)
		at := place{m[1], m[4], m[2] != "", uint32(chain), uint16(prio), uint32(handle)}
		filters[at] = filters[at] || m[7] == ""
	}
	return number, filters
}

// recorded is what a replay, made packet by packet, has counted.
type recorded struct {
	moved []map[*policy.Filter]uint64 // by packet
	p     *policy.Policy
	of    map[place]*policy.Filter
}

// stepwise replays one capture's packets one at a time and notes which filters'
// counters each has moved.
func stepwise(t *testing.T, o Options, packets []packetAt) recorded {
	t.Helper()
	p, _, text, err := loadPolicy(o)
	if err != nil {
		t.Fatal(err)
	}
	cards, adm, aging, err := parseCards(o, p)
	if err != nil {
		t.Fatal(err)
	}
	settings := conntrack.DefaultSettings()
	if err := adjust(settings, o); err != nil {
		t.Fatal(err)
	}
	r := newRunner(p, settings, o, nil)
	if err := r.plug(cards, adm, aging); err != nil {
		t.Fatal(err)
	}
	devs, split, err := places(p, &o)
	if err != nil {
		t.Fatal(err)
	}
	r.split, r.texts, r.limit = split, map[string]string{o.Policy: text}, 1
	if err := r.e.Load(p, packets[0].time); err != nil {
		t.Fatal(err)
	}
	rec := recorded{p: p, of: filterPlaces(p)}
	last := map[*policy.Filter]uint64{}
	filters := map[*policy.Filter]bool{}
	for _, f := range rec.of {
		filters[f] = len(f.Actions) > 0
	}
	for _, in := range packets {
		b := &batch{}
		b.add(in.data, in.time)
		b.frames[0].dev = devs[0]
		if err := r.batch(b); err != nil {
			t.Fatal(err)
		}
		moved := map[*policy.Filter]uint64{}
		for f, counted := range filters {
			if counted {
				n := r.e.ActionStats(f.Actions[0]).Packets
				if n != last[f] {
					moved[f] = n - last[f]
				}
				last[f] = n
			}
		}
		rec.moved = append(rec.moved, moved)
	}
	return rec
}

// compareRecord replays packets under a policy, with --out, and holds every frame's
// comments to the counters that moved for it, and their sums to the report of a
// replay without --out. It returns how many frames were compared, and how many hits
// were uncounted.
func compareRecord(t *testing.T, pol, device string, packets []packetAt) (frames, hits, uncounted int) {
	t.Helper()
	o := Options{Policy: file(t, "policy.tc", pol), Seed: 1, Sysctls: []string{"nf_conntrack_max=4096"}, Split: []string{"initiator=uplink_rep,vf0_rep"}}
	if device != "" {
		o.Devices = []string{"uplink_rep+vf0_rep:" + device}
	}
	o.Inputs = []Input{{"uplink_rep", file(t, "in.pcap", pcap(1, packets...))}}
	rec := stepwise(t, o, packets)
	report := mustRun(t, o)
	sums := map[*policy.Filter]uint64{}
	for _, m := range rec.moved {
		for f, n := range m {
			sums[f] += n
		}
	}
	for _, fr := range report.Filters {
		for at, f := range rec.of {
			if fr.Line == f.Line && (fr.Dev == at.dev && fr.Egress == at.egress || fr.Block != 0) {
				if fr.Counted && fr.Packets != sums[f] {
					t.Errorf("line %d: the report says %d packets, frame by frame they are %d", fr.Line, fr.Packets, sums[f])
				}
				if fr.Protocol != at.protocol || !strings.HasPrefix(fr.Rule, "protocol "+fr.Protocol+" ") {
					t.Errorf("line %d: protocol %q, rule %q", fr.Line, fr.Protocol, fr.Rule)
				}
			}
		}
	}
	o.OutDir = t.TempDir()
	mustRun(t, o)
	said := make([]map[*policy.Filter]bool, len(packets)+1)
	entries, err := os.ReadDir(o.OutDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() == "sample.pcapng" {
			continue
		}
		for _, c := range readCommented(t, filepath.Join(o.OutDir, e.Name())) {
			n, filters := told(t, c.comment)
			if said[n] == nil {
				said[n] = map[*policy.Filter]bool{}
			}
			for at, counted := range filters {
				f := rec.of[at]
				if f == nil {
					t.Fatalf("%s: %+v is no filter of the policy", c.comment, at)
				}
				hits++
				if !counted && len(f.Actions) > 0 {
					uncounted++
				}
				said[n][f] = said[n][f] || counted
			}
			none := strings.Contains(c.comment, "no filter matched")
			if none != (len(filters) == 0) || none && e.Name() != "pass.pcapng" && e.Name() != "drop.pcapng" {
				t.Errorf("%s: %s", e.Name(), c.comment)
			}
		}
	}
	for i, moved := range rec.moved {
		var want, got []string
		for f := range moved {
			want = append(want, fmt.Sprint(f.Line))
		}
		for f, counted := range said[i+1] {
			if counted && len(f.Actions) > 0 {
				got = append(got, fmt.Sprint(f.Line))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if said[i+1] == nil {
			t.Fatalf("frame %d is in no file", i+1)
		}
		if !slices.Equal(want, got) {
			t.Fatalf("frame %d: the comments tell of the filters of lines %v, the counters of %v moved", i+1, got, want)
		}
		frames++
	}
	return frames, hits, uncounted
}

// everyKind is traffic of every kind: conversations of a few clients, fragments
// whole and not, tags, errors, cut and mangled frames, and tunnels.
func everyKind(seed uint64, n int) []packetAt {
	rng := rand.New(rand.NewPCG(seed, 2))
	var out []packetAt
	for i, p := range chatter(seed, n) {
		out = append(out, p)
		at := p.time + 1
		frame := func(f []byte) { out = append(out, packetAt{time: at, data: f}) }
		switch rng.IntN(14) {
		case 0:
			parts := packettest.Fragments(packettest.UDP("10.1.0.1", "198.51.100.1", 2000, 80, strings.Repeat("x", 600)), uint32(i), 200, 200)
			rng.Shuffle(len(parts), func(a, b int) { parts[a], parts[b] = parts[b], parts[a] })
			for _, f := range parts[:1+rng.IntN(len(parts))] {
				frame(f)
			}
		case 1:
			frame(append(append(slices.Clone(p.data[:12]), 0x81, 0, 0, 7), p.data[12:]...))
		case 2:
			frame(p.data[:rng.IntN(len(p.data))])
		case 3:
			f := slices.Clone(p.data)
			f[rng.IntN(len(f))] ^= byte(1 + rng.IntN(255))
			frame(f)
		case 4:
			frame(packettest.ICMP("198.51.100.1", "10.1.0.1", 3, 1, 0, p.data[14:min(len(p.data), 42)]))
		case 5:
			f := packettest.VXLAN("192.0.2.2", "192.0.2.1", 50000, 5, p.data)
			copy(f, "\x02\x00\x00\x00\x00\x0b")
			frame(f)
		case 6:
			frame(packettest.TCP("fd00::1", "fd00::2", 4000, 80, "S", 1, 0, ""))
		}
	}
	return out
}

// TestRecords: the filters of every frame's comments are those whose counters moved
// for the frame, in software and behind a card.
func TestRecords(t *testing.T) {
	devices := []string{"", "plain", "mlx5,flows=3", "nfp"}
	demo := capturePackets(t, "../demo/http.pcapng")
	frames, hits, uncounted, seed := 0, 0, 0, uint64(1)
	if os.Getenv("SLUICE_SOAK") != "" {
		seed = rand.Uint64()
		t.Logf("seeds from %d on", seed)
	}
	for _, name := range slices.Sorted(maps.Keys(recordPolicies)) {
		for _, device := range devices {
			t.Run(name+" "+device, func(t *testing.T) {
				for _, packets := range [][]packetAt{demo, everyKind(seed, 150)} {
					f, h, u := compareRecord(t, recordPolicies[name], device, packets)
					frames, hits, uncounted = frames+f, hits+h, uncounted+u
				}
			})
			seed++
		}
	}
	if frames == 0 || hits < frames || uncounted == 0 {
		t.Errorf("%d frames, %d hits, %d uncounted: something is not tried", frames, hits, uncounted)
	}
	t.Logf("%d frames, %d hits, %d uncounted", frames, hits, uncounted)
}

// TestRecordsOfCaptures is TestRecords over captures of real traffic: the first
// frames of each under one policy, or with SLUICE_SOAK set more of them under all.
func TestRecordsOfCaptures(t *testing.T) {
	most, names := 25, slices.Sorted(maps.Keys(recordPolicies))
	soak := os.Getenv("SLUICE_SOAK") != ""
	if soak {
		most = 1000
	}
	frames, file := 0, 0
	err := filepath.WalkDir(packettest.Capture(t, "."), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".pcap") {
			return err
		}
		packets, err := firstPackets(path, most)
		if err != nil {
			t.Logf("%s: %v", path, err) // not Ethernet
			return nil
		}
		slices.SortStableFunc(packets, func(a, b packetAt) int { return int(min(max(a.time-b.time, -1), 1)) })
		if len(packets) == 0 {
			return nil
		}
		file++
		for i, name := range names {
			if !soak && i != file%len(names) {
				continue
			}
			t.Run(d.Name()+" "+name, func(t *testing.T) {
				for _, device := range []string{"", []string{"plain", "mlx5"}[i%2]} {
					n, _, _ := compareRecord(t, recordPolicies[name], device, packets)
					frames += n
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d frames", frames)
}

// firstPackets reads the beginning of a capture.
func firstPackets(path string, most int) (out []packetAt, err error) {
	r, err := port.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var rec port.Record
	for len(out) < most {
		if err := r.Read(&rec); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		out = append(out, packetAt{rec.Time, bytes.Clone(rec.Data), 0})
	}
	return out, nil
}

// TestCommentsOfFragments: what ct holds is in drop.pcapng and says so; what it has
// put together leaves under the last fragment's number, and its filter says of how
// many.
func TestCommentsOfFragments(t *testing.T) {
	parts := packettest.Fragments(packettest.UDP(hostA, hostB, 1000, 53, strings.Repeat("x", 500)), 1, 200, 200)
	o := Options{Policy: file(t, "any.tc", fragmentPolicy), OutDir: t.TempDir()}
	o.Inputs = []Input{{"a", file(t, "in.pcap", pcap(1, packetAt{1e18, parts[0], 0}, packetAt{1e18, parts[2], 0}, packetAt{1e18, parts[1], 0}))}}
	mustRun(t, o)
	const (
		held  = "#%d from a: stolen, fragment: held for the others; a chain 0 protocol ip prio 1 handle 0x1 -trk"
		whole = "#3 from a: fwd to b; a chain 0 protocol ip prio 1 handle 0x1 +trk+new put together of 3 fragments; a chain 2 protocol all prio 1 handle 0x1 +trk+new; udp 10.0.0.1:1000 > 10.0.0.2:53 zone 0 [UNREPLIED] [OFFLOAD]"
	)
	for name, want := range map[string][]string{
		"drop.pcapng": {fmt.Sprintf(held, 1), fmt.Sprintf(held, 2)}, "b.pcapng": {whole, whole, whole}, "a.pcapng": nil, "pass.pcapng": nil,
	} {
		var got []string
		for _, c := range readCommented(t, filepath.Join(o.OutDir, name)) {
			got = append(got, c.comment)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
