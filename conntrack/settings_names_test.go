package conntrack

import (
	"fmt"
	"strings"
	"testing"
)

// TestSettingsByName: each setting is its own. All are set to different values
// and read back, and no name takes more than it may: flags are 0 or 1, seconds what
// proc_dointvec_jiffies takes, one byte where the kernel has one.
func TestSettingsByName(t *testing.T) {
	s := DefaultSettings()
	names := s.Names()
	flags := map[string]bool{}
	for _, n := range strings.Fields("nf_conntrack_acct nf_conntrack_checksum nf_conntrack_timestamp nf_conntrack_tcp_loose nf_conntrack_tcp_be_liberal " +
		"nf_conntrack_tcp_ignore_invalid_rst nf_conntrack_dccp_loose nf_conntrack_ftp.loose ipf_v4_disabled ipf_v6_disabled") {
		flags[n] = true
	}
	numbers := map[string]bool{}
	for _, n := range strings.Fields("nf_conntrack_max nf_conntrack_expect_max nf_conntrack_frag6_low_thresh nf_conntrack_frag6_high_thresh " +
		"ipfrag_low_thresh ipfrag_high_thresh ipfrag_max_dist ipf_v4_min_frag ipf_v6_min_frag ipf_max_nfrags adaptive.start adaptive.end") {
		numbers[n] = true
	}
	most := func(n string) int64 {
		switch {
		case n == "nf_conntrack_tcp_max_retrans":
			return 255
		case numbers[n]:
			return 1<<31 - 1
		}
		return (1<<31 - 1) / 100
	}
	if len(names) < 50 {
		t.Errorf("only %d settings", len(names))
	}
	value := func(i int, n string) string {
		if flags[n] {
			return fmt.Sprint(i % 2)
		}
		return fmt.Sprint(100 + i)
	}
	for i, n := range names {
		if err := s.Set(n, value(i, n)); err != nil {
			t.Error(err)
		}
	}
	for i, n := range names {
		if got, err := s.Get("net.netfilter." + n); err != nil || got != value(i, n) {
			t.Errorf("%s = %q, %v; want %s", n, got, err, value(i, n))
		}
	}
	for _, n := range names {
		bad := []string{"", "x", "-1", "1.5", fmt.Sprint(most(n) + 1), "99999999999999999999"}
		good := []string{"0", "1", fmt.Sprint(most(n)), " 7\n", "0x10"}
		if flags[n] {
			bad, good = []string{"", "2", "-1", "01", "true"}, []string{"0", "1", " 1\n"}
		}
		for _, v := range bad {
			if err := s.Set(n, v); err == nil {
				t.Errorf("%s = %q is taken", n, v)
			}
		}
		for _, v := range good {
			if err := s.Set(n, v); err != nil {
				t.Errorf("%s = %q: %v", n, v, err)
			}
		}
	}
	for _, n := range names {
		want := "16"
		if flags[n] {
			want = "1"
		}
		if got, _ := s.Get(n); got != want {
			t.Errorf("%s = %s, want %s", n, got, want)
		}
	}
}

// TestSettingErrors: what is said of a setting that is not taken.
func TestSettingErrors(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"nf_conntrack_acct", "2", `nf_conntrack_acct: "2" is not 0 or 1`},
		{"net.netfilter.nf_conntrack_max", "x", `net.netfilter.nf_conntrack_max: "x" is not a number from 0 to 2147483647`},
		{"nf_conntrack_udp_timeout", "21474837", `nf_conntrack_udp_timeout: "21474837" is not a number from 0 to 21474836`},
		{"nf_conntrack_tcp_max_retrans", "256", `nf_conntrack_tcp_max_retrans: "256" is not a number from 0 to 255`},
		{"/proc/sys/net/netfilter/nf_conntrack_buckets", "1", "/proc/sys/net/netfilter/nf_conntrack_buckets has no effect here: the index grows with the connections"},
		// A name is near one that holds it, or that differs in three letters at most; four are told.
		{"nf_conntrack_udp_timeout_strem", "1", `unknown setting "nf_conntrack_udp_timeout_strem"; did you mean nf_conntrack_udp_timeout_stream?`},
		{"nf_conntrack_udq_timeout_strem", "1", `unknown setting "nf_conntrack_udq_timeout_strem"; did you mean nf_conntrack_udp_timeout_stream?`},
		{"nf_conntrack_udq_timeout_stre", "1", `unknown setting "nf_conntrack_udq_timeout_stre"; did you mean nf_conntrack_udp_timeout_stream?`},
		{"nf_conntrack_ukq_timeout_stre", "1", `unknown setting "nf_conntrack_ukq_timeout_stre"`},
		{"shutdown", "1", `unknown setting "shutdown"; did you mean nf_conntrack_sctp_timeout_shutdown_ack_sent, nf_conntrack_sctp_timeout_shutdown_recd, nf_conntrack_sctp_timeout_shutdown_sent?`},
		{"nf_conntrack_timeout", "1", `unknown setting "nf_conntrack_timeout"; did you mean nf_conntrack_dccp_timeout_closereq, nf_conntrack_dccp_timeout_closing, nf_conntrack_dccp_timeout_open, nf_conntrack_dccp_timeout_partopen?`},
		{"zzz", "1", `unknown setting "zzz"`},
	} {
		err := DefaultSettings().Set(tc.name, tc.value)
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s = %s: %v, want %s", tc.name, tc.value, err, tc.want)
		}
		if _, get := DefaultSettings().Get(tc.name); (get != nil) != (strings.Contains(tc.want, "unknown") || strings.Contains(tc.want, "no effect")) {
			t.Errorf("get %s: %v", tc.name, get)
		}
	}
	for name, want := range map[string]string{
		"/proc/sys/net/ipv4/ipfrag_time": "ipfrag_time", "net.ipv4.ipfrag_time": "ipfrag_time", "net/netfilter/nf_conntrack_max": "nf_conntrack_max",
		"net.nf_conntrack_max": "nf_conntrack_max", "nf_conntrack_max": "nf_conntrack_max", ".nf_conntrack_max": "nf_conntrack_max",
	} {
		if got := plainName(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestDistance is Levenshtein's by its definition.
func TestDistance(t *testing.T) {
	var slow func(a, b string) int
	slow = func(a, b string) int {
		if a == "" || b == "" {
			return len(a) + len(b)
		}
		if a[0] == b[0] {
			return slow(a[1:], b[1:])
		}
		return 1 + min(slow(a[1:], b), slow(a, b[1:]), slow(a[1:], b[1:]))
	}
	words := []string{"", "a", "b", "ab", "ba", "abc", "cab", "axbyc", "kitten", "sitting", "tcp", "udp", "tcp_x"}
	for _, a := range words {
		for _, b := range words {
			if got, want := distance(a, b), slow(a, b); got != want {
				t.Errorf("%q to %q: %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestTableRoom(t *testing.T) {
	for most, want := range map[int64]int{0: indexRoom, 1: 1, 5: 5, indexRoom: indexRoom, indexRoom + 1: indexRoom} {
		s := DefaultSettings()
		if s.Max = most; s.room() != want {
			t.Errorf("for at most %d: room for %d, want %d", most, s.room(), want)
		}
	}
}

// TestNamesOfReasons: every reason why a packet is invalid, and every strictness,
// has a text of its own.
func TestNamesOfReasons(t *testing.T) {
	var got []string
	for w := range NumInvalid {
		got = append(got, w.String())
	}
	want := "protocol error|bad IP header|truncated|bad checksum|bad TCP flags|does not fit the state|out of window|unknown ICMP type|" +
		"ICMP answer without a query|ICMP error quotes no packet|ICMP error about no known connection|neighbour discovery, not tracked"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("%s, want\n%s", s, want)
	}
	for c := range TCPChecks(5) {
		if c.Sound() != (c <= ChecksOneWay) {
			t.Errorf("checks %d: sound %v", c, c.Sound())
		}
	}
	if s := ChecksStrict.String() + ChecksLiberal.String() + ChecksOneWay.String(); s != "strictliberalone-way" {
		t.Error(s)
	}
	for _, l := range []string{"zone=1", "zone=1,udp=strict", "zone=1,tcp=strict,tcp=liberal", "tcp=strict", "zone=1,tcp=lax"} {
		if DefaultSettings().SetZoneChecks(l) == nil {
			t.Errorf("%q is taken", l)
		}
	}
	err := DefaultSettings().SetZoneChecks("zone=1,tcp=lax")
	if err == nil || err.Error() != `tcp: "lax" is not one of strict, liberal, one-way` {
		t.Error(err)
	}
}
