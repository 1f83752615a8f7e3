package conntrack

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"sluice/packet/frag"
)

const second = int64(1e9)

// Settings are the sysctls, by Linux's names (Set, Get). Timeouts are in
// nanoseconds here and in seconds by name.
type Settings struct {
	Max       int64 // nf_conntrack_max; 0: no limit
	ExpectMax int64 // nf_conntrack_expect_max
	Acct      bool  // nf_conntrack_acct: counters are shown (they are always kept)
	Checksum  bool  // nf_conntrack_checksum: a wrong checksum makes a packet invalid
	Timestamp bool  // nf_conntrack_timestamp: it is noted when a connection begins

	TCPLoose            bool  // pick up connections in their middle
	TCPBeLiberal        bool  // windows are not enforced
	TCPIgnoreInvalidRST bool  // a RST below the window closes all the same
	TCPMaxRetrans       int64 // retransmissions after which the timeout shrinks
	FTPLoose            bool  // expect data connections to hosts other than the control connection's
	DCCPLoose           bool  // nf_conntrack_dccp_loose; no packet but a REQUEST begins a connection, whatever it says

	Timeouts // of every zone that has no policy of its own; see SetProfile

	// Adaptive timeouts: with more connections than AdaptiveStart every
	// timeout shrinks, linearly, to nothing at AdaptiveEnd (pf.conf(5)). Zeros,
	// as in Linux: they never do.
	AdaptiveStart int64 // adaptive.start
	AdaptiveEnd   int64 // adaptive.end

	// UDPUnanswered is how long a UDP connection lives at most that no answer
	// has been seen of, however often it is sent to; 0, as in Linux: as long as
	// packets come. Such connections do not enter a flow table, which would
	// keep them alive.
	UDPUnanswered int64 // udp.unanswered

	ZoneLimit uint32 // connections that a zone without a limit of its own may have; 0: any number
	// Zones are what a tracker begins with; Tracker.SetZone changes them.
	Zones map[uint16]Zone

	Frag          frag.Limits // of fragments that wait; read by whoever puts them together
	FragLowThresh [2]int64    // ipfrag_low_thresh, nf_conntrack_frag6_low_thresh: Linux has stopped using them

	FlowtableTCPTimeout int64 // nf_flowtable_tcp_timeout
	FlowtableUDPTimeout int64 // nf_flowtable_udp_timeout
}

// DefaultSettings are Linux's (nf_conntrack-sysctl.rst).
func DefaultSettings() *Settings {
	return &Settings{
		Max: 262144, ExpectMax: 1024, Checksum: true,
		TCPLoose: true, TCPMaxRetrans: 3, DCCPLoose: true,
		Timeouts: linuxTimeouts(),
		Frag:     frag.DefaultLimits(), FragLowThresh: [2]int64{3 << 20, 3 << 20},
		FlowtableTCPTimeout: flowtableTimeout, FlowtableUDPTimeout: flowtableTimeout,
	}
}

// room is for how many connections tables are made at the start.
func (s *Settings) room() int {
	if s.Max == 0 || s.Max > indexRoom {
		return indexRoom
	}
	return int(s.Max)
}

// knob is one setting: exactly one pointer is set.
type knob struct {
	name    string
	number  *int64
	seconds *int64
	flag    *bool
	most    int64 // what a number may be at most; 0: an int
}

const (
	maxInt  = 1<<31 - 1
	maxByte = 255
	// maxSeconds is what proc_dointvec_jiffies takes at most, with the fewest
	// jiffies a second that there are (100).
	maxSeconds = maxInt / 100
)

// knobs lists all settings under their Linux names.
func (s *Settings) knobs() []knob {
	k := []knob{
		{name: "nf_conntrack_max", number: &s.Max},
		{name: "nf_conntrack_expect_max", number: &s.ExpectMax},
		{name: "nf_conntrack_acct", flag: &s.Acct},
		{name: "nf_conntrack_checksum", flag: &s.Checksum},
		{name: "nf_conntrack_timestamp", flag: &s.Timestamp},
		{name: "nf_conntrack_tcp_loose", flag: &s.TCPLoose},
		{name: "nf_conntrack_tcp_be_liberal", flag: &s.TCPBeLiberal},
		{name: "nf_conntrack_tcp_ignore_invalid_rst", flag: &s.TCPIgnoreInvalidRST},
		{name: "nf_conntrack_tcp_max_retrans", number: &s.TCPMaxRetrans, most: maxByte},
		{name: "nf_conntrack_dccp_loose", flag: &s.DCCPLoose},
		{name: "nf_conntrack_ftp.loose", flag: &s.FTPLoose}, // a module's parameter
		{name: "nf_conntrack_frag6_timeout", seconds: &s.Frag.Timeout[1]},
		{name: "nf_conntrack_frag6_low_thresh", number: &s.FragLowThresh[1]},
		{name: "nf_conntrack_frag6_high_thresh", number: &s.Frag.HighThresh[1]},
		{name: "ipfrag_time", seconds: &s.Frag.Timeout[0]},
		{name: "ipfrag_low_thresh", number: &s.FragLowThresh[0]},
		{name: "ipfrag_high_thresh", number: &s.Frag.HighThresh[0]},
		{name: "ipfrag_max_dist", number: &s.Frag.MaxDist},
		{name: "ipf_v4_disabled", flag: &s.Frag.Disabled[0]},
		{name: "ipf_v6_disabled", flag: &s.Frag.Disabled[1]},
		{name: "ipf_v4_min_frag", number: &s.Frag.MinFrag[0]},
		{name: "ipf_v6_min_frag", number: &s.Frag.MinFrag[1]},
		{name: "ipf_max_nfrags", number: &s.Frag.MaxFrags},
		{name: "nf_flowtable_tcp_timeout", seconds: &s.FlowtableTCPTimeout},
		{name: "nf_flowtable_udp_timeout", seconds: &s.FlowtableUDPTimeout},
		{name: "adaptive.start", number: &s.AdaptiveStart},
		{name: "adaptive.end", number: &s.AdaptiveEnd},
		{name: "udp.unanswered", seconds: &s.UDPUnanswered},
	}
	return append(k, s.Timeouts.knobs()...)
}

// SettingError says what is wrong with a setting.
type SettingError struct {
	Name, Value string
	Unknown     bool
	Near        []string // names that resemble an unknown one
	Want        string   // what the value should have been
	Why         string   // why the setting would have no effect here; empty if it has
}

func (e *SettingError) Error() string {
	if e.Why != "" {
		return fmt.Sprintf("%s has no effect here: %s", e.Name, e.Why)
	}
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
	for _, p := range []string{"proc.sys.", "net.netfilter.", "net.ipv4.", "net."} {
		name = strings.TrimPrefix(strings.TrimPrefix(name, "."), p)
	}
	return name
}

func (s *Settings) knob(name string) (knob, error) {
	plain := plainName(name)
	if why := inert[plain]; why != "" {
		return knob{}, &SettingError{Name: name, Why: why}
	}
	ks := s.knobs()
	for _, k := range ks {
		if k.name == plain {
			return k, nil
		}
	}
	return knob{}, unknownSetting(name, plain, func(yield func(string) bool) {
		for _, k := range ks {
			if !yield(k.name) {
				return
			}
		}
	})
}

// unknownSetting is the error for a name that none of those known is. plain is
// the name as they are written.
func unknownSetting(name, plain string, known iter.Seq[string]) *SettingError {
	e := &SettingError{Name: name, Unknown: true}
	short := strings.TrimPrefix(plain, "nf_conntrack_")
	for k := range known {
		if strings.Contains(k, short) || distance(k, plain) <= 3 {
			e.Near = append(e.Near, k)
		}
	}
	slices.Sort(e.Near)
	e.Near = e.Near[:min(len(e.Near), 4)]
	return e
}

// Set changes a setting by name, with or without "net.netfilter." or
// "net.ipv4." in front.
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
	limit := int64(maxInt)
	switch {
	case k.seconds != nil:
		limit = maxSeconds
	case k.most != 0:
		limit = k.most
	}
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

// Check reports settings that do not go together.
func (s *Settings) Check() error {
	if s.AdaptiveEnd != 0 && s.AdaptiveEnd <= s.AdaptiveStart {
		return fmt.Errorf("adaptive.end is %d: want more than adaptive.start, which is %d", s.AdaptiveEnd, s.AdaptiveStart)
	}
	if s.AdaptiveEnd == 0 && s.AdaptiveStart != 0 {
		return fmt.Errorf("adaptive.start is %d: want adaptive.end, too", s.AdaptiveStart)
	}
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
