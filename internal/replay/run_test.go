package replay

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/conntrack"
	"sluice/packet/packettest"
	"sluice/port"
)

// TestHTTP replays the demo's capture: the counts were taken from the capture
// with tshark.
func TestHTTP(t *testing.T) {
	rep := mustRun(t, httpOptions())
	t.Run("A072_A073_counts", func(t *testing.T) {
		got := [4]uint64{rep.Packets, named(rep.Verdicts, "fwd"), named(rep.Verdicts, "pass"), named(rep.Verdicts, "drop")}
		if want := [4]uint64{74, 64, 6, 4}; got != want { // pass: ARP, ping, DNS; drop: four SYNs of the server
			t.Errorf("packets, forwarded, passed, dropped: %v, want %v", got, want)
		}
		if n := named(rep.Drops, "drop action"); n != 4 {
			t.Errorf("%d dropped by the drop action, want 4", n)
		}
		states := map[string]uint64{"-trk": 6, "+trk+new": 2 + 4, "+trk+est": 28, "+trk+est+rpl": 34}
		for _, s := range rep.States {
			if states[s.Name] != s.Packets {
				t.Errorf("%d packets %s, want %d", s.Packets, s.Name, states[s.Name])
			}
			delete(states, s.Name)
		}
		if len(states) > 0 {
			t.Errorf("states missing: %v", states)
		}
	})
	t.Run("A071_A217_table", func(t *testing.T) {
		conns := bySport(rep)
		if len(conns) != 2 {
			t.Fatalf("%d connections, want 2", len(conns))
		}
		closed, open := conns[57354], conns[57364]
		if closed.TCP.State != conntrack.TCPTimeWait || closed.Status&conntrack.StatusOffload != 0 {
			t.Errorf("the closed connection: %s, status %#x", conntrack.TCPStateNames[closed.TCP.State], closed.Status)
		}
		if open.TCP.State != conntrack.TCPEstablished || open.Status&conntrack.StatusOffload == 0 || rep.Flows != 1 {
			t.Errorf("the open connection: %s, status %#x, %d flows", conntrack.TCPStateNames[open.TCP.State], open.Status, rep.Flows)
		}
	})
	t.Run("filters", func(t *testing.T) {
		var got []string
		for _, f := range rep.Filters {
			got = append(got, fmt.Sprintf("%s %d %d 0x%x line %d: %d/%d, %s", f.Dev, f.Chain, f.Prio, f.Handle, f.Line, f.Packets, f.Bytes, f.Rule))
		}
		want := []string{
			"uplink_rep 0 1 0x1 line 3: 30/1732, protocol ip flower ct_state -trk ip_proto tcp dst_port 80 action ct pipe action goto chain 2",
			"uplink_rep 2 1 0x1 line 5: 2/120, protocol ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev vf0_rep",
			"uplink_rep 2 1 0x2 line 7: 28/1612, protocol ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep",
			"vf0_rep 0 1 0x1 line 12: 38/42246, protocol ip flower ct_state -trk ip_proto tcp src_port 80 action ct pipe action goto chain 2",
			"vf0_rep 2 1 0x1 line 14: 34/42006, protocol ip flower ct_state +est+trk action mirred egress redirect dev uplink_rep",
			"vf0_rep 2 1 0x2 line 16: 4/240, protocol ip flower ct_state +new+trk action drop",
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	})
}

// TestInvalid: what leaves the VM and is invalid is dropped, once the policy
// has a filter that says so (A073).
func TestInvalid(t *testing.T) {
	policy, err := os.ReadFile(httpPolicy)
	if err != nil {
		t.Fatal(err)
	}
	bad := packettest.TCP("192.0.2.80", "192.0.2.10", 80, 4000, "A", 1, 1, "stray")
	bad[50] ^= 1 // checksum
	o := httpOptions()
	o.Inputs = []Input{{"vf0_rep", file(t, "stray.pcap", pcap(1, packetAt{1e18, bad, 0}))}}
	o.Policy = file(t, "strict.tc", string(policy)+"filter add dev vf0_rep ingress chain 2 prio 2 proto ip flower ct_state +trk+inv action drop\n")
	t.Run("A073_invalid_is_dropped", func(t *testing.T) {
		rep := mustRun(t, o)
		if named(rep.Verdicts, "drop") != 1 || named(rep.States, "+trk+inv") != 1 {
			t.Errorf("verdicts %v, states %v", rep.Verdicts, rep.States)
		}
	})
	t.Run("B030_the_report_says_why", func(t *testing.T) {
		rep := mustRun(t, o)
		want := "invalid because  packets\nbad checksum           1\n\ntracker  packets\ninvalid        1\n\n"
		if got := text(t, rep); !strings.Contains(got, want) {
			t.Errorf("got\n%swant in it\n%s", got, want)
		}
		var stat bytes.Buffer
		if err := rep.WriteStat(&stat); err != nil || strings.Fields(strings.Split(stat.String(), "\n")[1])[4] != "00000001" {
			t.Errorf("%v\n%s", err, stat.String())
		}
	})
	t.Run("sysctl_checksum_off", func(t *testing.T) {
		o.Sysctls = []string{"net.netfilter.nf_conntrack_checksum = 0"}
		if rep := mustRun(t, o); named(rep.States, "+trk+new") != 1 {
			t.Errorf("states %v, want new (a connection picked up in its middle)", rep.States)
		}
	})
}

// TestI6_same_bytes: whatever a replay writes is the same the next time.
func TestI6_same_bytes(t *testing.T) {
	var first map[string]string
	for range 2 {
		o := httpOptions()
		o.OutDir = t.TempDir()
		rep := mustRun(t, o)
		got := readDir(t, o.OutDir)
		var js, table bytes.Buffer
		if err := errors.Join(rep.WriteJSON(&js, "", nil), rep.WriteConntrack(&table)); err != nil {
			t.Fatal(err)
		}
		got["text"], got["json"], got["conntrack"] = text(t, rep), js.String(), table.String()
		if first == nil {
			first = got
			continue
		}
		if d := cmp.Diff(first, got); d != "" {
			t.Error(d)
		}
	}
	if len(first) != 3+4 {
		t.Errorf("%d outputs, want text, JSON, table, two devices, pass, drop", len(first))
	}
}

// TestI6_vectors: packets judged one at a time fare as they do in vectors.
func TestI6_vectors(t *testing.T) {
	o := httpOptions()
	together := text(t, mustRun(t, o))
	o.OutDir = t.TempDir()
	if d := cmp.Diff(together, text(t, mustRun(t, o))); d != "" {
		t.Error(d)
	}
}

// TestI8_every_frame_is_somewhere: each packet that came in is in exactly one
// of the files, with its bytes unchanged where nobody changes them.
func TestI8_every_frame_is_somewhere(t *testing.T) {
	mirror := file(t, "mirror.tc", lines(
		"filter add dev uplink_rep ingress chain 0 prio 1 protocol ip flower ip_proto tcp action mirred egress mirror dev span pipe action mirred egress redirect dev vf0_rep",
		"filter add dev uplink_rep ingress chain 0 prio 2 protocol ip flower ip_proto icmp action mirred egress mirror dev span pipe action drop",
		"filter add dev vf0_rep ingress chain 0 prio 1 protocol ip flower ip_proto tcp action mirred ingress redirect dev span",
		"filter add dev vf0_rep ingress chain 0 prio 2 protocol ip flower ip_proto udp action ct clear pipe action trap",
		"filter add dev span ingress chain 0 prio 1 protocol ip flower dst_ip 203.0.113.0/24 action drop",
	))
	for _, policy := range append([]string{httpPolicy, mirror}, copyPolicies(t)...) {
		o := httpOptions()
		o.Policy, o.OutDir = policy, t.TempDir()
		rep := mustRun(t, o)
		in := readCaptured(t, httpCapture)
		var sum uint64
		for _, v := range rep.Verdicts {
			sum += v.Packets
		}
		if sum != rep.Packets || rep.Packets != uint64(len(in)) {
			t.Errorf("%s: %d frames in, %d packets, %d verdicts", policy, len(in), rep.Packets, sum)
		}
		seen := make([]int, len(in)+1)
		copies := uint64(0)
		for name := range readDir(t, o.OutDir) {
			for _, c := range readCommented(t, filepath.Join(o.OutDir, name)) {
				var n int
				if _, err := fmt.Sscanf(c.comment, "#%d ", &n); err != nil || n < 1 || n > len(in) {
					t.Fatalf("%s: comment %q", name, c.comment)
				}
				if !bytes.Equal(c.data, in[n-1]) {
					t.Errorf("%s: packet %d has changed on its way", name, n)
				}
				if strings.Contains(c.comment, ": copy to ") {
					copies++
				} else {
					seen[n]++
				}
			}
		}
		for n, count := range seen[1:] {
			if count != 1 {
				t.Errorf("%s: packet %d is in %d places", policy, n+1, count)
			}
		}
		if c := rep.Copies; copies != c.Made || c.Made != c.Out+c.Up+c.Dropped || policy != httpPolicy && copies == 0 {
			t.Errorf("%s: %d copies found, reported %+v", policy, copies, c)
		}
	}
}

// readCaptured returns a capture's frames.
func readCaptured(t testing.TB, path string) (frames [][]byte) {
	t.Helper()
	r, err := port.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec port.Record
	for {
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, bytes.Clone(rec.Data))
	}
}

// TestMerge feeds each port's frames from a file of its own: the same comes
// out as from the one capture that holds both.
func TestMerge(t *testing.T) {
	r, err := port.Open(httpCapture)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var packets [2][]packetAt
	var rec port.Record
	for r.Read(&rec) == nil {
		packets[rec.Iface] = append(packets[rec.Iface], packetAt{rec.Time, bytes.Clone(rec.Data), 0})
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(z, pcap(1, packets[1]...)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	o := httpOptions()
	o.Split = nil
	o.Inputs = []Input{
		{"vf0_rep", file(t, "vf0.pcap.gz", zipped.String())},
		{"uplink_rep", file(t, "uplink.pcap", pcap(1, packets[0]...))},
	}
	merged, whole := mustRun(t, o), mustRun(t, httpOptions())
	merged.Inputs, whole.Inputs = nil, nil
	if d := cmp.Diff(text(t, whole), text(t, merged)); d != "" {
		t.Errorf("-one capture +two captures\n%s", d)
	}
}

func TestUntil(t *testing.T) {
	o := httpOptions()
	o.Until = 9
	rep := mustRun(t, o)
	if rep.Packets != 9 || rep.Inputs[0].Packets != 9 {
		t.Errorf("%d packets, %d read, want 9", rep.Packets, rep.Inputs[0].Packets)
	}
	if c := bySport(rep)[57354]; c.TCP.State != conntrack.TCPEstablished {
		t.Errorf("after the handshake: %s", conntrack.TCPStateNames[c.TCP.State])
	}
}

// TestTime: time never runs backwards for the tracker, and what is cut by the
// snap length is counted.
func TestTime(t *testing.T) {
	tcp := packettest.TCP
	o := httpOptions()
	syn := tcp("192.0.2.10", "192.0.2.80", 4000, 80, "S", 1, 0, "")
	o.Inputs[0].File = file(t, "back.pcap", pcap(1,
		packetAt{2e18, syn, 0},
		packetAt{2e18 - 3600e9, tcp("192.0.2.80", "192.0.2.10", 80, 4000, "SA", 9, 2, ""), 0},
		packetAt{2e18 + 5e6, syn[:40], 14}, // cut off within the TCP header
	))
	rep := mustRun(t, o)
	in := rep.Inputs[0]
	if in.Backwards != 1 || in.Cut != 1 || in.Late != 1 || in.MostLate != 3600e9 {
		t.Errorf("%+v, want one backwards, one cut, and one an hour late", in)
	}
	if rep.FirstTime != 2e18 || rep.LastTime != 2e18+5e6 {
		t.Errorf("time from %d to %d", rep.FirstTime, rep.LastTime)
	}
	if named(rep.States, "+trk+est+rpl") != 1 {
		t.Errorf("the answer from the past: %v", rep.States)
	}
	if s := text(t, rep); !strings.Contains(s, "time went backwards 1 time, 1 packet judged late, by 3600.000000000 s at most") || !strings.Contains(s, "1 cut by the snap length") {
		t.Errorf("not told:\n%s", s)
	}
}

// TestTimeout: the capture's clock is the tracker's.
func TestTimeout(t *testing.T) {
	udp := packettest.UDP
	o := httpOptions()
	o.Policy = file(t, "udp.tc", lines(
		"filter add dev uplink_rep ingress protocol ip flower ct_state -trk action ct commit pipe action goto chain 1",
		"filter add dev uplink_rep ingress protocol ip chain 1 flower ct_state +trk action mirred egress redirect dev vf0_rep",
	))
	o.Split = nil
	a, b := udp("10.0.0.1", "10.0.0.2", 1, 2, ""), udp("10.0.0.2", "10.0.0.1", 2, 1, "")
	o.Inputs[0].File = file(t, "idle.pcap", pcap(1, packetAt{1e18, a, 0}, packetAt{1e18 + 29e9, b, 0}, packetAt{1e18 + 300e9, b, 0}))
	rep := mustRun(t, o)
	if named(rep.States, "+trk+new") != 2 || named(rep.States, "+trk+est+rpl") != 1 {
		t.Errorf("states %v, want an answer within 30 s and a new connection after five minutes", rep.States)
	}
}

// TestBatches puts more through than a batch holds, in frames and in bytes,
// and compares with what is known of the frames.
func TestBatches(t *testing.T) {
	var packets []packetAt
	frame := packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, strings.Repeat("x", 1000))
	for i := range 2*batchFrames + 7 {
		packets = append(packets, packetAt{1e18 + int64(i)*1000, frame, 0})
	}
	jumbo := append(bytes.Clone(frame), make([]byte, 200_000)...)
	for i := range 5 {
		packets = append(packets, packetAt{2e18 + int64(i)*1000, jumbo, 0})
	}
	o := httpOptions()
	o.Inputs[0].File = file(t, "many.pcap", pcap(1, packets...))
	o.OutDir = t.TempDir()
	rep := mustRun(t, o)
	n := uint64(len(packets))
	if want := (n-5)*uint64(len(frame)) + 5*uint64(len(jumbo)); rep.Packets != n || rep.Bytes != want {
		t.Errorf("%d packets of %d bytes, want %d of %d", rep.Packets, rep.Bytes, n, want)
	}
	passed := readCommented(t, filepath.Join(o.OutDir, "pass.pcapng"))
	for i, c := range passed {
		if !bytes.Equal(c.data, packets[i].data) || c.time != uint64(packets[i].time) {
			t.Fatalf("packet %d differs", i)
		}
	}
	if len(passed) != len(packets) {
		t.Errorf("%d packets written, want %d", len(passed), len(packets))
	}
}

// TestTruncated: a capture that breaks off is reported as far as it went.
func TestTruncated(t *testing.T) {
	whole, err := os.ReadFile(httpCapture)
	if err != nil {
		t.Fatal(err)
	}
	o := httpOptions()
	o.Inputs[0].File = file(t, "cut.pcapng", string(whole[:len(whole)-70]))
	rep, err := Run(context.Background(), o)
	var corrupt *port.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Packet != 73 {
		t.Errorf("error %v, want a corrupt capture after packet 73", err)
	}
	if rep == nil || rep.Packets != 73 || len(bySport(rep)) != 2 {
		t.Fatalf("report of what was there: %+v", rep)
	}
	var b bytes.Buffer
	var got struct{ Incomplete string }
	if err := rep.WriteJSON(&b, "", nil); err != nil || json.Unmarshal(b.Bytes(), &got) != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Incomplete, "cut.pcapng") || got.Incomplete != err.Error() {
		t.Errorf("the JSON says incomplete: %q, want %q", got.Incomplete, err)
	}
	if s := text(t, rep); !strings.Contains(s, "INCOMPLETE: "+err.Error()+"\n") {
		t.Errorf("the text does not say that it is incomplete:\n%s", s)
	}
	if s := text(t, mustRun(t, httpOptions())); strings.Contains(s, "INCOMPLETE") {
		t.Errorf("a whole capture is called incomplete:\n%s", s)
	}
}

// TestTruncatedBesideAnother: when one of two captures breaks off, the other
// is judged up to there, and all of it if the first has nothing at all.
func TestTruncatedBesideAnother(t *testing.T) {
	frame := func(i int) packetAt {
		return packetAt{1e18 + int64(i)*1e9, packettest.TCP("192.0.2.10", "192.0.2.80", uint16(1000+i), 80, "S", 1, 0, ""), 0}
	}
	var whole []packetAt
	for i := range 10 {
		whole = append(whole, frame(i))
	}
	cut := pcap(1, frame(2), frame(4), frame(6))
	size := (len(cut) - 24) / 3
	for _, w := range []struct {
		name    string
		cut     string
		own     uint64 // frames of the broken one
		packets uint64 // of both
	}{
		{"in its third frame", cut[:24+2*size+20], 2, 2 + 5}, // up to second 4
		{"in its first frame", cut[:24+20], 0, 10},
	} {
		o := httpOptions()
		o.Inputs = []Input{{"uplink_rep", file(t, "whole.pcap", pcap(1, whole...))}, {"vf0_rep", file(t, "cut.pcap", w.cut)}}
		o.Split = nil
		rep, err := Run(context.Background(), o)
		var corrupt *port.CorruptError
		if !errors.As(err, &corrupt) || rep == nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		if rep.Packets != w.packets || rep.Inputs[1].Packets != w.own || rep.Incomplete != err.Error() {
			t.Errorf("%s: %d packets, %d of them from the broken capture; want %d and %d (incomplete: %q)", w.name, rep.Packets, rep.Inputs[1].Packets, w.packets, w.own, rep.Incomplete)
		}
	}
}

func TestErrors(t *testing.T) {
	good := httpOptions()
	with := func(change func(*Options)) Options {
		o := good
		o.Inputs = append([]Input(nil), good.Inputs...)
		change(&o)
		return o
	}
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"no policy", with(func(o *Options) { o.Policy = "nowhere.tc" }), "nowhere.tc"},
		{"malformed policy", with(func(o *Options) { o.Policy = file(t, "bad.tc", "filter add dev a ingress flower ct_state +old\n") }), "bad.tc:1:"},
		{"policy without a port", with(func(o *Options) { o.Policy = file(t, "empty.tc", "# nothing\n") }), "names no device"},
		{"no capture", with(func(o *Options) { o.Inputs = nil }), "no capture"},
		{"missing capture", with(func(o *Options) { o.Inputs[0].File = "nowhere.pcap" }), "nowhere.pcap"},
		{"unknown device", with(func(o *Options) { o.Inputs[0].Device = "eth7" }), `does not mention device "eth7"; it knows uplink_rep, vf0_rep`},
		{"unknown device of a split", with(func(o *Options) { o.Split = []string{"initiator=uplink_rep,eth7"} }), `does not mention device "eth7"`},
		{"no device", with(func(o *Options) { o.Inputs[0].Device = "" }), "want DEV=FILE"},
		{"sysctl without a value", with(func(o *Options) { o.Sysctls = []string{"nf_conntrack_max"} }), "want NAME=VALUE"},
		{"unknown sysctl", with(func(o *Options) { o.Sysctls = []string{"nf_conntrack_tcp_timeout_establish=1"} }), "nf_conntrack_tcp_timeout_established"},
		{"link type", with(func(o *Options) { o.Inputs[0].File = file(t, "sll.pcap", pcap(113)) }), "link type 113"},
		{"not a capture", with(func(o *Options) { o.Inputs[0].File = file(t, "x.pcap", "hello, world") }), "no capture"},
		{"output is a file", with(func(o *Options) { o.OutDir = file(t, "out", "") }), "make output directory"},
		{"output clashes", with(func(o *Options) {
			o.Policy = file(t, "clash.tc", "qdisc add dev pass ingress\n")
			o.Inputs[0].Device, o.Split, o.OutDir = "pass", nil, t.TempDir()
		}), `cannot name a file after device "pass"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			rep, err := Run(context.Background(), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
			if rep != nil {
				t.Error("a report of nothing")
			}
		})
	}
}

// TestI7_limit: a full table drops new connections, and says so.
func TestI7_limit(t *testing.T) {
	var packets []packetAt
	for i := range 40 {
		packets = append(packets, packetAt{1e18 + int64(i), packettest.TCP("192.0.2.10", "192.0.2.80", uint16(1000+i), 80, "S", 1, 0, ""), 0})
	}
	o := httpOptions()
	o.Inputs[0].File = file(t, "syns.pcap", pcap(1, packets...))
	o.Sysctls = []string{"nf_conntrack_max=10"}
	rep := mustRun(t, o)
	conns := uint64(len(bySport(rep)))
	if conns > 10 || conns == 0 {
		t.Errorf("%d connections, want some and at most 10", conns)
	}
	if dropped := named(rep.Drops, "ct: table full"); rep.Conntrack.EarlyDrop+dropped+conns != 40 {
		t.Errorf("%d connections, %d dropped early, %d packets refused: they do not add up to 40", conns, rep.Conntrack.EarlyDrop, dropped)
	}
}

func TestNotes(t *testing.T) {
	var notes bytes.Buffer
	o := httpOptions()
	o.Notes = &notes
	mustRun(t, o)
	if !strings.Contains(notes.String(), "warning: ../demo/http.tc:7:") || !strings.Contains(notes.String(), "+trk+inv") {
		t.Errorf("no warning of what falls through: %s", notes.String())
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := mustRun(t, httpOptions()).WriteJSON(&b, "timing", map[string]int{"seconds": 1}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Packets     uint64
		Verdicts    []Named
		Connections []ConnectionReport
		Filters     []FilterReport
		Timing      map[string]int
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Packets != 74 || len(got.Filters) != 6 || len(got.Connections) != 2 || got.Timing["seconds"] != 1 {
		t.Errorf("%+v", got)
	}
	want := ConnectionReport{
		Family: "ipv4", Proto: 6, State: "ESTABLISHED", Timeout: got.Connections[1].Timeout, Status: 0x400e, Offload: true, Assured: true, Replied: true, Use: 3,
		Original: End{"192.0.2.10", "192.0.2.80", 57364, 80, 4, 285}, Reply: End{"192.0.2.80", "192.0.2.10", 80, 57364, 3, 245},
	}
	if d := cmp.Diff(want, got.Connections[1]); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}
