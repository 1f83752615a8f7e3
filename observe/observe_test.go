package observe_test

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/observe"
	"sluice/packet"
	"sluice/packet/packettest"
)

// table returns the text of the rig's connection table.
func table(r *datapathtest.Rig) string {
	r.E.Flows().Sync(r.Now)
	return string(observe.AppendTable(nil, r.E.Tracker(), r.Now))
}

var anyPolicy = []string{
	"filter add dev a ingress prio 1 chain 0 proto all flower ct_state -trk action ct zone 3 pipe action goto chain 2",
	"filter add dev a ingress prio 1 chain 2 proto all flower ct_state +trk+new action ct commit zone 3 mark 9 pipe action mirred egress redirect dev b",
	"filter add dev b ingress prio 1 chain 0 proto all flower action ct zone 3 pipe action mirred egress redirect dev a",
}

func TestProc(t *testing.T) {
	tcp := func(dev string, r *datapathtest.Rig, flags string, seq, ack uint32) {
		src, dst, sp, dp := datapathtest.Client, datapathtest.Server, uint16(40000), uint16(80)
		if dev == "vf0_rep" {
			src, dst, sp, dp = dst, src, dp, sp
		}
		r.Send(dev, packettest.TCP(src, dst, sp, dp, flags, seq, ack, ""))
	}
	t.Run("B020_unreplied_tcp", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		tcp("uplink_rep", r, "S", 1000, 0)
		want := "ipv4     2 tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 mark=0 zone=0 use=2\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("A217_A219_A220_B020_offloaded_without_timeout_and_state", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		want := "ipv4     2 tcp      6 src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 [OFFLOAD] mark=0 zone=0 use=3\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("A221_a_second_connection_has_its_own_line", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(41460)
		r.Handshake(41462)
		if got := strings.Count(table(r), "[OFFLOAD]"); got != 2 {
			t.Errorf("%d lines with [OFFLOAD]", got)
		}
	})
	t.Run("A218_one_mark_only_and_hardware_first", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		for _, c := range r.E.Tracker().All(r.Now) {
			c.Status |= conntrack.StatusHWOffload
		}
		got := table(r)
		if !strings.Contains(got, " [HW_OFFLOAD] mark=") || strings.Contains(got, "[OFFLOAD]") || strings.Contains(got, "[ASSURED]") {
			t.Error(got)
		}
	})
	t.Run("B020_closing_is_assured_and_still_held", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		tcp("uplink_rep", r, "FA", 1001, 5001)
		want := "ipv4     2 tcp      6 120 FIN_WAIT src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 [ASSURED] mark=0 zone=0 use=3\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("B020_counters_when_nf_conntrack_acct_is_set", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		if err := r.E.Tracker().Settings().Set("nf_conntrack_acct", "1"); err != nil {
			t.Fatal(err)
		}
		r.Handshake(40000)
		if got := table(r); !strings.Contains(got, "dport=80 packets=2 bytes=80 src=") || !strings.Contains(got, "dport=40000 packets=1 bytes=40 [OFFLOAD]") {
			t.Error(got)
		}
	})
	t.Run("B020_icmp_zone_and_mark", func(t *testing.T) {
		r := datapathtest.New(t, anyPolicy...)
		r.Send("a", packettest.IP(datapathtest.Client, datapathtest.Server, packet.ProtoICMP, []byte{8, 0, 0, 0, 0, 7, 0, 1}))
		want := "ipv4     2 icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=9 zone=3 use=2\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("B020_unknown_protocol", func(t *testing.T) {
		r := datapathtest.New(t, anyPolicy...)
		r.Send("a", packettest.IP(datapathtest.Client, datapathtest.Server, 200, []byte("12345678")))
		want := "ipv4     2 unknown  200 600 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=9 zone=3 use=2\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("B020_gre_shows_its_timeouts_and_keys", func(t *testing.T) {
		r := datapathtest.New(t, anyPolicy...)
		r.Send("a", packettest.IP(datapathtest.Client, datapathtest.Server, packet.ProtoGRE, []byte("\x20\x01\x88\x0b\x00\x04\x12\x34data")))
		want := "ipv4     2 gre      47 30 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x1234 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x1234 dstkey=0x0 mark=9 zone=3 use=2\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("B020_sctp_state", func(t *testing.T) {
		r := datapathtest.New(t, anyPolicy...)
		r.Send("a", packettest.SCTP(datapathtest.Client, datapathtest.Server, 7000, 80, 0, packettest.InitChunk(1, 9)))
		want := "ipv4     2 sctp     132 10 CLOSED src=10.0.0.1 dst=10.0.0.2 sport=7000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=7000 mark=9 zone=3 use=2\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
		}
	})
	t.Run("B020_ipv6_in_full", func(t *testing.T) {
		r := datapathtest.New(t, anyPolicy...)
		f := append([]byte("\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a\x86\xdd"), make([]byte, 40)...)
		f[14], f[19], f[20], f[21] = 0x60, 8, 200, 64
		f[22], f[23], f[37] = 0xfd, 0, 1
		f[38], f[39], f[53] = 0xfd, 0, 2
		r.Send("a", append(f, "12345678"...))
		want := "ipv6     10 unknown  200 600 src=fd00:0000:0000:0000:0000:0000:0000:0001 dst=fd00:0000:0000:0000:0000:0000:0000:0002 [UNREPLIED] "
		if got := table(r); !strings.HasPrefix(got, want) {
			t.Errorf("got %s", got)
		}
	})
	t.Run("a stale reference shows nothing", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		r.Handshake(40000)
		for ref := range r.E.Tracker().All(r.Now) {
			r.E.Tracker().Kill(ref)
			if b := observe.AppendProc(nil, r.E.Tracker(), ref, r.Now); b != nil {
				t.Errorf("%s", b)
			}
		}
	})
}

func TestB030_stat_columns(t *testing.T) {
	text := observe.StatText(conntrack.Stats{Entries: 0x1f, Invalid: 2, Drop: 3, EarlyDrop: 4, InsertFailed: 5})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines", len(lines))
	}
	names, values := strings.Fields(lines[0]), strings.Fields(lines[1])
	want := "entries clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error expect_new expect_create expect_delete search_restart"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("columns %s", got)
	}
	if len(values) != len(names) {
		t.Fatalf("%d values for %d columns", len(values), len(names))
	}
	for i, n := range names {
		if v, ok := map[string]string{"entries": "0000001f", "invalid": "00000002", "drop": "00000003", "early_drop": "00000004", "insert_failed": "00000005"}[n]; ok && values[i] != v {
			t.Errorf("%s %s, want %s", n, values[i], v)
		}
	}
}
