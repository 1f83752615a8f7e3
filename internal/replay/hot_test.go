package replay

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
	"sluice/policy/tc"
)

// TestAllocs: the datapath's side of a replay allocates nothing per packet.
func TestAllocs(t *testing.T) {
	p, _, err := tc.Load("http.tc", strings.NewReader(lines(datapathtest.HTTPPolicy...)))
	if err != nil {
		t.Fatal(err)
	}
	r := newRunner(p, conntrack.DefaultSettings(), Options{}, nil)
	if r.split, err = newSplitter([]string{"initiator=uplink_rep,vf0_rep"}, func(name string) (int32, error) {
		return map[string]int32{"uplink_rep": 0, "vf0_rep": 1}[name], nil
	}); err != nil {
		t.Fatal(err)
	}
	tcp := packettest.TCP
	if err := r.e.Load(p, 1e18); err != nil {
		t.Fatal(err)
	}
	b := &batch{}
	for i, f := range [][]byte{
		tcp(hostA, hostB, 1000, 80, "S", 1, 0, ""), tcp(hostB, hostA, 80, 1000, "SA", 9, 2, ""), tcp(hostA, hostB, 1000, 80, "A", 2, 10, ""),
	} {
		b.add(f, int64(1e18+i))
	}
	for i := range 1000 {
		b.add(tcp(hostA, hostB, 1000, 80, "A", 2, 10, ""), int64(1e18+10+i*5000))
	}
	if err := r.batch(b); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(10, func() {
		if err := r.batch(b); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for 1003 packets, want none", n)
	}
	if n := r.verdicts[1].Packets; n != r.Packets {
		t.Errorf("%d forwarded of %d", n, r.Packets)
	}
}

func (b *batch) add(data []byte, time int64) {
	b.frames = append(b.frames, frame{uint32(len(b.data)), uint32(len(data)), 0, time})
	b.data = append(b.data, data...)
}

// TestComments reads the comments that Wireshark shows, for one packet of
// each kind.
func TestComments(t *testing.T) {
	o := httpOptions()
	o.OutDir = t.TempDir()
	mustRun(t, o)
	for _, c := range []struct {
		file string
		want []string
	}{
		{"vf0_rep", []string{
			"#7 from uplink_rep: fwd to vf0_rep; uplink_rep chain 0 protocol ip prio 1 handle 0x1 +trk+new; uplink_rep chain 2 protocol ip prio 1 handle 0x1 +trk+new; " +
				"tcp 192.0.2.10:57354 > 192.0.2.80:80 zone 0 SYN_SENT [UNREPLIED]",
			"#9 from uplink_rep: fwd to vf0_rep; uplink_rep chain 0 protocol ip prio 1 handle 0x1 +trk+est; uplink_rep chain 2 protocol ip prio 1 handle 0x2 +trk+est; " +
				"tcp 192.0.2.10:57354 > 192.0.2.80:80 zone 0 ESTABLISHED [OFFLOAD]",
		}},
		{"uplink_rep", []string{
			"#8 from vf0_rep: fwd to uplink_rep; vf0_rep chain 0 protocol ip prio 1 handle 0x1 +trk+est+rpl; vf0_rep chain 2 protocol ip prio 1 handle 0x1 +trk+est+rpl; " +
				"tcp 192.0.2.10:57354 > 192.0.2.80:80 zone 0 SYN_RECV",
			"#60 from vf0_rep: fwd to uplink_rep; vf0_rep chain 0 protocol ip prio 1 handle 0x1 +trk+est+rpl; vf0_rep chain 2 protocol ip prio 1 handle 0x1 +trk+est+rpl; " +
				"tcp 192.0.2.10:57354 > 192.0.2.80:80 zone 0 FIN_WAIT [ASSURED]",
		}},
		{"pass", []string{"#1 from uplink_rep: pass to the stack at uplink_rep; no filter matched"}},
		{"drop", []string{"#71 from vf0_rep: drop, drop action; vf0_rep chain 0 protocol ip prio 1 handle 0x1 +trk+new; vf0_rep chain 2 protocol ip prio 1 handle 0x2 +trk+new; " +
			"connection not committed"}},
	} {
		have := map[string]bool{}
		for _, p := range readCommented(t, filepath.Join(o.OutDir, c.file+".pcapng")) {
			have[p.comment] = true
		}
		for _, w := range c.want {
			if !have[w] {
				t.Errorf("%s has no packet with the comment\n%s", c.file, w)
			}
		}
	}
}

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := progress{w: &b}
	p.show(10, 1)
	p.show(20, 1)
	if b.Len() != 0 {
		t.Errorf("progress before a second is over: %q", b.String())
	}
	p.last = p.last.Add(-2 * time.Second)
	p.show(4_000_020, 7)
	if s := b.String(); !strings.Contains(s, "4000020 packets") || !strings.Contains(s, "7 entries") {
		t.Errorf("progress: %q", s)
	}
	p.clear()
	if !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("the line stays: %q", b.String())
	}
	none := progress{}
	none.show(1, 1)
	none.clear()
}

// BenchmarkEcho measures a whole replay, decompression included.
func BenchmarkEcho(b *testing.B) {
	path := packettest.Capture(b, "large/echo-connections.pcap.gz")
	o := Options{
		Policy: file(b, "echo.tc", strings.ReplaceAll(lines(datapathtest.HTTPPolicy...), "_port 80 ", "_port 7000 ")),
		Inputs: []Input{{"", path}}, Split: []string{"initiator=uplink_rep,vf0_rep"},
	}
	packets := 0.0
	for b.Loop() {
		rep, err := Run(context.Background(), o)
		if err != nil {
			b.Fatal(err)
		}
		packets += float64(rep.Packets)
	}
	b.ReportMetric(packets/b.Elapsed().Seconds(), "packets/s")
}
