package conntrack

import (
	"fmt"
	"slices"
	"strings"
)

// TCPChecks is how strictly a zone's TCP is judged.
type TCPChecks uint8

const (
	// ChecksStrict: as tcp_be_liberal and tcp_loose say for all zones.
	ChecksStrict TCPChecks = iota
	// ChecksLiberal: windows are not enforced on connections that begin from
	// here on, as with tcp_be_liberal.
	ChecksLiberal
	// ChecksOneWay: nor does a segment have to fit its connection's state, or
	// to begin one with a SYN. It is for a zone through which only one
	// direction of some connections passes (pf.conf(5) "sloppy"). Linux has no
	// such mode.
	ChecksOneWay

	numChecks
)

var checksNames = [numChecks]string{"strict", "liberal", "one-way"}

func (c TCPChecks) String() string { return checksNames[c] }

// Sound reports whether there are such checks.
func (c TCPChecks) Sound() bool { return c < numChecks }

// ZoneChecksForm is the form of SetZoneChecks.
const ZoneChecksForm = "zone=N,tcp=CHECKS"

// SetZoneChecks says how strictly a zone's TCP is judged. The form is
// ZoneChecksForm.
func (s *Settings) SetZoneChecks(list string) error {
	id, z, ws, err := s.inZone(list, ZoneChecksForm)
	if err != nil {
		return err
	}
	if len(ws) != 1 || ws[0].name != "tcp" {
		return fmt.Errorf("%q: want %s", list, ZoneChecksForm)
	}
	n := slices.Index(checksNames[:], ws[0].value)
	if n < 0 {
		return &SettingError{Name: "tcp", Value: ws[0].value, Want: "one of " + strings.Join(checksNames[:], ", ")}
	}
	z.TCP = TCPChecks(n)
	s.setZone(id, z)
	return nil
}

// checks are those of a connection's zone.
func (t *Tracker) checks(c *Conn) TCPChecks {
	if !t.lim.lax {
		return ChecksStrict
	}
	if z := t.lim.zone(c.Zone); z != nil {
		return z.tcp
	}
	return ChecksStrict
}

// relax takes a new connection's windows out of force, if its zone says so.
func (t *Tracker) relax(c *Conn) {
	if t.checks(c) != ChecksStrict {
		c.TCP.Flags[0] |= TCPFlagBeLiberal
		c.TCP.Flags[1] |= TCPFlagBeLiberal
	}
}

// oneWay is the state that a segment leads to which fits none, in a zone where
// the other direction may pass elsewhere (pf.c pf_tcp_track_sloppy).
func (t *Tracker) oneWay(c *Conn, s *segment, old uint8) uint8 {
	if t.checks(c) != ChecksOneWay {
		return tcpInvalid
	}
	switch {
	case s.kind == segRST:
		return TCPClose
	case s.kind == segFIN:
		return TCPFinWait
	case old >= TCPFinWait && old <= TCPTimeWait:
		return old
	}
	return TCPEstablished
}
