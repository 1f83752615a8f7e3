package conntrack

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const second = int64(1e9)

// Settings are the sysctls, by Linux's names (Set, Get). Timeouts are in
// nanoseconds here and in seconds by name.
type Settings struct {
	Max          int64 // nf_conntrack_max
	Buckets      int64 // nf_conntrack_buckets; shown only, the index has its own size
	ExpectMax    int64 // nf_conntrack_expect_max
	Acct         bool  // nf_conntrack_acct: counters are shown (they are always kept)
	Checksum     bool  // nf_conntrack_checksum: a wrong checksum makes a packet invalid
	Events       int64 // nf_conntrack_events
	Timestamp    bool  // nf_conntrack_timestamp
	LogInvalid   int64 // nf_conntrack_log_invalid
	HelperOption bool  // nf_conntrack_helper, which Linux has dropped

	TCPLoose            bool  // pick up connections in their middle
	TCPBeLiberal        bool  // windows are not enforced
	TCPIgnoreInvalidRST bool  // a RST below the window closes all the same
	TCPMaxRetrans       int64 // retransmissions after which the timeout shrinks
	TCPTimeouts         [numTCPTimeouts]int64

	UDPTimeout, UDPTimeoutStream int64
	ICMPTimeout, ICMPv6Timeout   int64
	GenericTimeout               int64
	GRETimeout, GRETimeoutStream int64
	SCTPTimeouts                 [len(sctpNames)]int64
	DCCPTimeouts                 [len(dccpNames)]int64
	DCCPLoose                    bool
	FragTimeout                  int64 // nf_conntrack_frag6_timeout
	FragLowThresh                int64
	FragHighThresh               int64

	FlowtableTCPTimeout int64 // nf_flowtable_tcp_timeout
	FlowtableUDPTimeout int64 // nf_flowtable_udp_timeout
}

// tcpNames are the timeouts' names by state, then the two others. NONE has none.
var tcpNames = [numTCPTimeouts]string{
	TCPSynSent: "syn_sent", TCPSynRecv: "syn_recv", TCPEstablished: "established", TCPFinWait: "fin_wait",
	TCPCloseWait: "close_wait", TCPLastAck: "last_ack", TCPTimeWait: "time_wait", TCPClose: "close",
	TCPSynSent2: "", tcpRetrans: "max_retrans", tcpUnack: "unacknowledged",
}

var tcpDefaults = [numTCPTimeouts]int64{
	TCPSynSent: 120, TCPSynRecv: 60, TCPEstablished: 432000, TCPFinWait: 120, TCPCloseWait: 60, TCPLastAck: 30,
	TCPTimeWait: 120, TCPClose: 10, TCPSynSent2: 120, tcpRetrans: 300, tcpUnack: 300,
}

var sctpNames = [...]string{"closed", "cookie_wait", "cookie_echoed", "established", "shutdown_sent", "shutdown_recd", "shutdown_ack_sent", "heartbeat_sent"}
var sctpDefaults = [...]int64{10, 3, 3, 210, 3, 3, 3, 30}

var dccpNames = [...]string{"request", "respond", "partopen", "open", "closereq", "closing", "timewait"}
var dccpDefaults = [...]int64{240, 480, 480, 43200, 64, 64, 240}

// DefaultSettings are Linux's (nf_conntrack-sysctl.rst).
func DefaultSettings() *Settings {
	s := &Settings{
		Max: 262144, Buckets: 262144, ExpectMax: 1024, Checksum: true, Events: 2,
		TCPLoose: true, TCPMaxRetrans: 3, DCCPLoose: true,
		UDPTimeout: 30 * second, UDPTimeoutStream: 120 * second,
		ICMPTimeout: 30 * second, ICMPv6Timeout: 30 * second, GenericTimeout: 600 * second,
		GRETimeout: 30 * second, GRETimeoutStream: 180 * second,
		FragTimeout: 60 * second, FragLowThresh: 3 << 20, FragHighThresh: 4 << 20,
		FlowtableTCPTimeout: 30 * second, FlowtableUDPTimeout: 30 * second,
	}
	for i, v := range tcpDefaults {
		s.TCPTimeouts[i] = v * second
	}
	for i, v := range sctpDefaults {
		s.SCTPTimeouts[i] = v * second
	}
	for i, v := range dccpDefaults {
		s.DCCPTimeouts[i] = v * second
	}
	return s
}

// knob is one setting: exactly one pointer is set.
type knob struct {
	name    string
	number  *int64
	seconds *int64
	flag    *bool
}

// knobs lists all settings under their Linux names.
func (s *Settings) knobs() []knob {
	k := []knob{
		{name: "nf_conntrack_max", number: &s.Max},
		{name: "nf_conntrack_buckets", number: &s.Buckets},
		{name: "nf_conntrack_expect_max", number: &s.ExpectMax},
		{name: "nf_conntrack_acct", flag: &s.Acct},
		{name: "nf_conntrack_checksum", flag: &s.Checksum},
		{name: "nf_conntrack_events", number: &s.Events},
		{name: "nf_conntrack_timestamp", flag: &s.Timestamp},
		{name: "nf_conntrack_log_invalid", number: &s.LogInvalid},
		{name: "nf_conntrack_helper", flag: &s.HelperOption},
		{name: "nf_conntrack_tcp_loose", flag: &s.TCPLoose},
		{name: "nf_conntrack_tcp_be_liberal", flag: &s.TCPBeLiberal},
		{name: "nf_conntrack_tcp_ignore_invalid_rst", flag: &s.TCPIgnoreInvalidRST},
		{name: "nf_conntrack_tcp_max_retrans", number: &s.TCPMaxRetrans},
		{name: "nf_conntrack_udp_timeout", seconds: &s.UDPTimeout},
		{name: "nf_conntrack_udp_timeout_stream", seconds: &s.UDPTimeoutStream},
		{name: "nf_conntrack_icmp_timeout", seconds: &s.ICMPTimeout},
		{name: "nf_conntrack_icmpv6_timeout", seconds: &s.ICMPv6Timeout},
		{name: "nf_conntrack_generic_timeout", seconds: &s.GenericTimeout},
		{name: "nf_conntrack_gre_timeout", seconds: &s.GRETimeout},
		{name: "nf_conntrack_gre_timeout_stream", seconds: &s.GRETimeoutStream},
		{name: "nf_conntrack_dccp_loose", flag: &s.DCCPLoose},
		{name: "nf_conntrack_frag6_timeout", seconds: &s.FragTimeout},
		{name: "nf_conntrack_frag6_low_thresh", number: &s.FragLowThresh},
		{name: "nf_conntrack_frag6_high_thresh", number: &s.FragHighThresh},
		{name: "nf_flowtable_tcp_timeout", seconds: &s.FlowtableTCPTimeout},
		{name: "nf_flowtable_udp_timeout", seconds: &s.FlowtableUDPTimeout},
	}
	add := func(prefix string, names []string, values []int64) {
		for i, n := range names {
			if n != "" {
				k = append(k, knob{name: prefix + n, seconds: &values[i]})
			}
		}
	}
	add("nf_conntrack_tcp_timeout_", tcpNames[:], s.TCPTimeouts[:])
	add("nf_conntrack_sctp_timeout_", sctpNames[:], s.SCTPTimeouts[:])
	add("nf_conntrack_dccp_timeout_", dccpNames[:], s.DCCPTimeouts[:])
	return k
}

// SettingError says what is wrong with a setting.
type SettingError struct {
	Name, Value string
	Unknown     bool
	Near        []string // names that resemble an unknown one
	Want        string   // what the value should have been
}

func (e *SettingError) Error() string {
	if !e.Unknown {
		return fmt.Sprintf("%s: %q is not %s", e.Name, e.Value, e.Want)
	}
	msg := fmt.Sprintf("unknown setting %q", e.Name)
	if len(e.Near) > 0 {
		msg += "; did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return msg
}

// plainName takes off the path that sysctl(8) and /proc/sys put in front.
func plainName(name string) string {
	name = strings.ReplaceAll(name, "/", ".")
	for _, p := range []string{"proc.sys.", "net.netfilter.", "net."} {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "."), p)
	}
	return name
}

func (s *Settings) knob(name string) (knob, error) {
	plain := plainName(name)
	ks := s.knobs()
	for _, k := range ks {
		if k.name == plain {
			return k, nil
		}
	}
	e := &SettingError{Name: name, Unknown: true}
	short := strings.TrimPrefix(plain, "nf_conntrack_")
	for _, k := range ks {
		if strings.Contains(k.name, short) || distance(k.name, plain) <= 3 {
			e.Near = append(e.Near, k.name)
		}
	}
	slices.Sort(e.Near)
	e.Near = e.Near[:min(len(e.Near), 4)]
	return knob{}, e
}

// Set changes a setting by name, with or without "net.netfilter." in front.
// The error is a *SettingError.
func (s *Settings) Set(name, value string) error {
	k, err := s.knob(name)
	if err != nil {
		return err
	}
	value = strings.TrimSpace(value)
	if k.flag != nil {
		// The kernel limits these to 0 and 1.
		if value != "0" && value != "1" {
			return &SettingError{Name: name, Value: value, Want: "0 or 1"}
		}
		*k.flag = value == "1"
		return nil
	}
	n, err := strconv.ParseInt(value, 0, 64)
	limit := int64(1<<31 - 1)
	if err != nil || n < 0 || n > limit {
		return &SettingError{Name: name, Value: value, Want: fmt.Sprintf("a number from 0 to %d", limit)}
	}
	if k.seconds != nil {
		*k.seconds = n * second
		return nil
	}
	*k.number = n
	return nil
}

// Get returns a setting as sysctl(8) prints it.
func (s *Settings) Get(name string) (string, error) {
	k, err := s.knob(name)
	if err != nil {
		return "", err
	}
	switch {
	case k.flag != nil:
		if *k.flag {
			return "1", nil
		}
		return "0", nil
	case k.seconds != nil:
		return strconv.FormatInt(*k.seconds/second, 10), nil
	}
	return strconv.FormatInt(*k.number, 10), nil
}

// Names lists all settings, sorted.
func (s *Settings) Names() []string {
	var names []string
	for _, k := range s.knobs() {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
