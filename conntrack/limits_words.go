package conntrack

import (
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
)

// The forms of SetZoneLimit, SetSourceLimit and SetTimeoutPolicy, as errors
// and help show them.
const (
	ZoneLimitForm     = "zone=N,limit=L or default=L"
	SourceLimitForm   = "zone=N[,states=S][,new=C/SECONDS]"
	TimeoutPolicyForm = "zone=N,NAME=SECONDS[,NAME=SECONDS...]"
)

// word is one NAME=VALUE of a list.
type word struct{ name, value string }

// words splits a list. Every name may stand once.
func words(list, form string) ([]word, error) {
	var out []word
	seen := map[string]bool{}
	for w := range strings.SplitSeq(list, ",") {
		name, value, ok := strings.Cut(w, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%q: want %s", w, form)
		}
		if seen[name] {
			return nil, fmt.Errorf("%q: given twice", name)
		}
		seen[name] = true
		out = append(out, word{name, value})
	}
	return out, nil
}

func (w word) number(top uint64) (uint64, error) {
	n, err := strconv.ParseUint(w.value, 0, 64)
	if err != nil || n > top {
		return 0, &SettingError{Name: w.name, Value: w.value, Want: fmt.Sprintf("a number from 0 to %d", top)}
	}
	return n, nil
}

// inZone takes a list's zone, which must come first, and returns the rest with
// what was said of the zone so far.
func (s *Settings) inZone(list, form string) (uint16, Zone, []word, error) {
	ws, err := words(list, form)
	if err != nil {
		return 0, Zone{}, nil, err
	}
	if ws[0].name != "zone" || len(ws) < 2 {
		return 0, Zone{}, nil, fmt.Errorf("%q: want %s", list, form)
	}
	id, err := ws[0].number(math.MaxUint16)
	if err != nil {
		return 0, Zone{}, nil, err
	}
	return uint16(id), s.Zones[uint16(id)], ws[1:], nil
}

// setZone keeps what was said of a zone.
func (s *Settings) setZone(id uint16, z Zone) {
	zones := maps.Clone(s.Zones)
	if zones == nil {
		zones = map[uint16]Zone{}
	}
	zones[id] = z
	s.Zones = zones
}

// SetZoneLimit bounds the connections of a zone, or of every zone that has no
// limit of its own; 0 takes the bound away (ovs-dpctl ct-set-limits). The form
// is ZoneLimitForm.
func (s *Settings) SetZoneLimit(list string) error {
	if name, value, ok := strings.Cut(list, "="); ok && name == "default" {
		n, err := word{name, value}.number(math.MaxUint32)
		if err != nil {
			return err
		}
		s.ZoneLimit = uint32(n)
		return nil
	}
	id, z, ws, err := s.inZone(list, ZoneLimitForm)
	if err != nil {
		return err
	}
	if len(ws) != 1 || ws[0].name != "limit" {
		return fmt.Errorf("%q: want %s", list, ZoneLimitForm)
	}
	n, err := ws[0].number(math.MaxUint32)
	if err != nil {
		return err
	}
	z.HasLimit, z.Limit = true, uint32(n)
	s.setZone(id, z)
	return nil
}

// SetSourceLimit bounds what each source may have in a zone. The form is
// SourceLimitForm.
func (s *Settings) SetSourceLimit(list string) error {
	id, z, ws, err := s.inZone(list, SourceLimitForm)
	if err != nil {
		return err
	}
	z.Source = SourceLimit{}
	for _, w := range ws {
		switch w.name {
		case "states":
			n, err := w.number(math.MaxUint32)
			if err != nil {
				return err
			}
			z.Source.States = uint32(n)
		case "new":
			conns, per, ok := strings.Cut(w.value, "/")
			n, err := strconv.ParseUint(conns, 0, 32)
			secs, err2 := strconv.ParseUint(per, 0, 31)
			if !ok || err != nil || err2 != nil || n == 0 || secs == 0 {
				return &SettingError{Name: w.name, Value: w.value, Want: "CONNECTIONS/SECONDS, both above 0, such as 100/10"}
			}
			z.Source.New, z.Source.Per = uint32(n), int64(secs)*second
		default:
			return fmt.Errorf("%q: want %s", w.name, SourceLimitForm)
		}
	}
	s.setZone(id, z)
	return nil
}

// policyNames are those of Open vSwitch's CT_Timeout_Policy
// (ovs-vswitchd.conf.db(5)) and what they set. A name that sets several keeps
// them equal.
func (t *Timeouts) policyNames() map[string][]*int64 {
	tcp := func(i int) []*int64 { return []*int64{&t.TCPTimeouts[i]} }
	return map[string][]*int64{
		"tcp_syn_sent": tcp(int(TCPSynSent)), "tcp_syn_recv": tcp(int(TCPSynRecv)), "tcp_established": tcp(int(TCPEstablished)),
		"tcp_fin_wait": tcp(int(TCPFinWait)), "tcp_close_wait": tcp(int(TCPCloseWait)), "tcp_last_ack": tcp(int(TCPLastAck)),
		"tcp_time_wait": tcp(int(TCPTimeWait)), "tcp_close": tcp(int(TCPClose)), "tcp_syn_sent2": tcp(int(TCPSynSent2)),
		"tcp_retransmit": tcp(tcpRetrans), "tcp_unack": tcp(tcpUnack),
		"udp_first": {&t.UDPFirst}, "udp_single": {&t.UDPTimeout}, "udp_multiple": {&t.UDPReplied, &t.UDPTimeoutStream},
		"icmp_first": {&t.ICMPTimeout, &t.ICMPv6Timeout}, "icmp_reply": {&t.ICMPReply},
	}
}

// SetTimeoutPolicy gives a zone timeouts of its own, by the names of Open
// vSwitch's CT_Timeout_Policy or by those of the sysctls, without
// nf_conntrack_ if you like. What it does not name stays as it is for
// everybody at this moment: set profiles and sysctls first. The form is
// TimeoutPolicyForm.
func (s *Settings) SetTimeoutPolicy(list string) error {
	id, z, ws, err := s.inZone(list, TimeoutPolicyForm)
	if err != nil {
		return err
	}
	t := s.Timeouts
	if z.Timeouts != nil {
		t = *z.Timeouts
	}
	byName := t.policyNames()
	for _, k := range t.knobs() {
		byName[k.name] = []*int64{k.seconds}
		byName[strings.TrimPrefix(k.name, "nf_conntrack_")] = []*int64{k.seconds}
	}
	for _, w := range ws {
		at, ok := byName[plainName(w.name)]
		if !ok {
			return unknownSetting(w.name, w.name, maps.Keys(byName))
		}
		n, err := w.number(math.MaxInt32)
		if err != nil {
			return err
		}
		for _, p := range at {
			*p = int64(n) * second
		}
	}
	z.Timeouts = &t
	s.setZone(id, z)
	return nil
}
