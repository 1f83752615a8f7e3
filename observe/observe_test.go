package observe_test

import (
	"encoding/binary"
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
	t.Run("A217_A219_A220_B020_F7_offloaded_without_timeout_and_state", func(t *testing.T) {
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
		want := "ipv4     2 tcp      6 src=10.0.0.1 dst=10.0.0.2 sport=41460 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=41460 [OFFLOAD] mark=0 zone=0 use=3\n" +
			"ipv4     2 tcp      6 src=10.0.0.1 dst=10.0.0.2 sport=41462 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=41462 [OFFLOAD] mark=0 zone=0 use=3\n"
		if got := table(r); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
	t.Run("A218_F7_one_mark_only_and_hardware_first", func(t *testing.T) {
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
	t.Run("B020_every_protocol", func(t *testing.T) {
		// As Linux 6.12 printed them for such packets, but for zone and time.
		icmp := func(src, dst string, typ byte) []byte {
			return packettest.IP(src, dst, map[byte]uint8{8: packet.ProtoICMP, 128: packet.ProtoICMPv6}[typ], []byte{typ, 0, 0, 0, 0, 5, 0, 1})
		}
		gre := func(hdr string) []byte {
			return packettest.IP(datapathtest.Client, datapathtest.Server, packet.ProtoGRE, []byte(hdr+"abcd"))
		}
		// Linux sums UDP-Lite's pseudo header with UDP's number.
		udplite := packettest.UDP(datapathtest.Client, datapathtest.Server, 2001, 53, "")
		udplite[23], udplite[24], udplite[25] = packet.ProtoUDPLite, 0, 0
		binary.BigEndian.PutUint16(udplite[24:], packet.Checksum(udplite[14:34]))
		for _, w := range []struct {
			frame []byte
			want  string
		}{
			{
				packettest.UDP(datapathtest.Client, datapathtest.Server, 1000, 53, "x"),
				"ipv4     2 udp      17 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=1000 [OFFLOAD] mark=9 zone=3 use=3\n",
			},
			{
				packettest.TCP(datapathtest.Client, datapathtest.Server, 1000, 80, "S", 1, 0, ""),
				"ipv4     2 tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=9 zone=3 use=2\n",
			},
			{
				udplite,
				"ipv4     2 udplite  136 30 src=10.0.0.1 dst=10.0.0.2 sport=2001 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=2001 mark=9 zone=3 use=2\n",
			},
			{
				icmp(datapathtest.Client, datapathtest.Server, 8),
				"ipv4     2 icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=5 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=5 mark=9 zone=3 use=2\n",
			},
			{
				icmp("fe80::1", "fe80::2", 128),
				"ipv6     10 icmpv6   58 30 src=fe80:0000:0000:0000:0000:0000:0000:0001 dst=fe80:0000:0000:0000:0000:0000:0000:0002 type=128 code=0 id=5 [UNREPLIED] " +
					"src=fe80:0000:0000:0000:0000:0000:0000:0002 dst=fe80:0000:0000:0000:0000:0000:0000:0001 type=129 code=0 id=5 mark=9 zone=3 use=2\n",
			},
			{
				gre("\x00\x00\x08\x00"),
				"ipv4     2 gre      47 30 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=9 zone=3 use=2\n",
			},
			{ // a key of version 0 names no connection
				gre("\x20\x00\x08\x00\x00\x00\x00\x4d"),
				"ipv4     2 gre      47 30 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=9 zone=3 use=2\n",
			},
			{ // PPTP's call does
				gre("\x30\x01\x88\x0b\x00\x04\x00\x63\x00\x00\x00\x01"),
				"ipv4     2 gre      47 30 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x63 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x63 dstkey=0x0 mark=9 zone=3 use=2\n",
			},
			{
				packettest.IP(datapathtest.Client, datapathtest.Server, 50, []byte("\x00\x00\x00\x01\x00\x00\x00\x01")),
				"ipv4     2 unknown  50 600 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=9 zone=3 use=2\n",
			},
		} {
			r := datapathtest.New(t, anyPolicy...)
			r.Send("a", w.frame)
			if got := table(r); got != w.want {
				t.Errorf("got  %swant %s", got, w.want)
			}
		}
	})
	t.Run("B020_delta_time_with_nf_conntrack_timestamp", func(t *testing.T) {
		r := datapathtest.New(t, datapathtest.HTTPPolicy...)
		if err := r.E.Tracker().Settings().Set("nf_conntrack_timestamp", "1"); err != nil {
			t.Fatal(err)
		}
		tcp("uplink_rep", r, "S", 1000, 0)
		r.Now += 6999e6
		want := "ipv4     2 tcp      6 113 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 mark=0 zone=0 delta-time=6 use=2\n"
		if got := table(r); got != want {
			t.Errorf("got  %swant %s", got, want)
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

// TestB030_stat_columns: as Linux 6.12 printed them, which counts new, ignore,
// delete and insert no more.
func TestB030_stat_columns(t *testing.T) {
	want := "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart\n" +
		"0000001f  00000000 00000000 00000000 0000000d 00000000 00000000 00000000 00000000 00000005 00000003 00000004 0000000a  00000000 00000000 00000000 00000000\n"
	got := observe.StatText(conntrack.Stats{Entries: 0x1f, Invalid: 13, Drop: 3, EarlyDrop: 4, InsertFailed: 5, ICMPError: 10, Insert: 6, Delete: 7})
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
