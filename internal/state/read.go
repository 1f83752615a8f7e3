package state

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc64"
	"io"
	"math"
	"os"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/frag"
)

// Error says where a state is wrong.
type Error struct {
	Line int // 0: the file as a whole
	Err  error
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Err.Error()
	}
	return fmt.Sprintf("line %d: %v", e.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// ErrTruncated: the file has no end line.
var ErrTruncated = errors.New("the file is cut off: its end line is missing")

// ErrDamaged: the checksum is wrong.
var ErrDamaged = errors.New("the file is damaged: its checksum is wrong")

// maxLine bounds a line's length, in bytes; the writer keeps to it.
const maxLine = 1 << 20

// maxConns is how many connections a tracker may be made for at most.
const maxConns = 1 << 26

// mostLines is how many lines of a kind are read at most: as many as the
// writer may have to say, but no file fills the memory with what it repeats.
// Kinds that are not here have a line that takes the last one's place, or their
// own limit.
var mostLines = map[string]int{
	kindConn: maxConns, kindFree: maxConns/slotsPerLine + 1, kindSources: maxConns/slotsPerLine + 1, kindPlace: maxConns, kindOrigin: maxConns/slotsPerLine + 1<<20,
	kindTable: 1 << 16, kindHeld: maxConns/slotsPerLine + 1<<16, kindStale: maxConns/slotsPerLine + 1<<16,
	kindEvent: MaxEvents, kindExpect: 1 << 20, kindSender: 1 << 24, kindAction: 1 << 20, kindLimits: 1 << 16,
	kindPacket: 1 << 20, kindFragment: 1 << 22, kindSplit: 1 << 26, kindMAC: 1 << 20, kindCard: 1 << 20,
}

// maxFragments bounds the bytes of fragments that wait: as many as
// ipfrag_high_thresh and nf_conntrack_frag6_high_thresh let wait at most.
const maxFragments = 1 << 32

// reader gathers lines until all are there.
type reader struct {
	s       State
	sysctl  map[string]string
	ledger  *conntrack.Ledger
	stats   conntrack.Stats
	free    []packet.ConnRef
	sources []uint32
	limits  limitsLine
	expect  []conntrack.SavedExpectation
	senders []conntrack.SavedSource
	conns   []conntrack.Saved
	events  []conntrack.Event
	devices []string // of events, by position
	ring    eventsLine
	gotTime bool
	scan    scanner
	lines   map[string]int // so far, by kind
	waiting int64          // bytes of fragments
}

// ReadFile reads a state file.
func ReadFile(path string) (*State, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	defer f.Close()
	s, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("read state %s: %w", path, err)
	}
	return s, nil
}

// Read reads a state. The error is an *Error unless reading itself failed.
func Read(in io.Reader) (*State, error) {
	r := &reader{lines: map[string]int{}}
	br := bufio.NewReaderSize(in, maxLine)
	sum := uint64(0)
	for n := 1; ; n++ {
		line, err := br.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, &Error{n, fmt.Errorf("the line is longer than %d bytes", maxLine)}
		case errors.Is(err, io.EOF):
			if n == 1 {
				return nil, &Error{0, errors.New("this is no state: it does not begin with its format and version")}
			}
			return nil, &Error{n, ErrTruncated}
		case err != nil:
			return nil, err
		}
		if n == 1 {
			if err := checkHeader(line); err != nil {
				return nil, &Error{0, err}
			}
			sum = crc64.Update(sum, table, line)
			continue
		}
		end, err := r.line(line)
		if err != nil {
			return nil, &Error{n, err}
		}
		if end == nil {
			sum = crc64.Update(sum, table, line)
			continue
		}
		if end.Lines != n-1 || end.CRC64 != fmt.Sprintf("%016x", sum) {
			return nil, &Error{0, ErrDamaged}
		}
		if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
			return nil, &Error{n + 1, errors.New("something follows the end line")}
		}
		if err := r.build(); err != nil {
			return nil, &Error{0, err}
		}
		return &r.s, nil
	}
}

func checkHeader(line []byte) error {
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Format != format {
		return errors.New("this is no state: it does not begin with its format and version")
	}
	if h.Version != version {
		return fmt.Errorf("the state has version %d; this program knows %d", h.Version, version)
	}
	return nil
}

// line takes one line in; an end line is returned instead.
func (r *reader) line(line []byte) (*endLine, error) {
	if r.fast(line) {
		return nil, nil
	}
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return nil, jsonError(err)
	}
	get := func(v any) error {
		if err := json.Unmarshal(line, v); err != nil {
			return jsonError(err)
		}
		return nil
	}
	if err := r.count(kind.Kind); err != nil {
		return nil, err
	}
	switch kind.Kind {
	case kindEnd:
		var l endLine
		return &l, get(&l)
	case kindClock:
		var l clockLine
		err := get(&l)
		r.s.Clock, r.gotTime = l.Clock, true
		return nil, err
	case kindSysctl:
		var l sysctlLine
		err := get(&l)
		r.sysctl = l.Values
		return nil, err
	case kindTracker:
		var l trackerLine
		err := get(&l)
		r.ledger = &conntrack.Ledger{Slots: l.Slots, Cursor: l.Cursor, Ticked: l.Ticked, Credit: l.Credit}
		if err == nil && l.PCG != "" {
			r.ledger.Random, err = hex.DecodeString(l.PCG)
		}
		return nil, err
	case kindConn:
		var l connLine
		if err := get(&l); err != nil {
			return nil, err
		}
		c, err := l.saved()
		r.conns = append(r.conns, c)
		return nil, err
	case kindFree:
		var l freeLine
		err := errors.Join(get(&l), slotsInLine(len(l.Slots)))
		for _, f := range l.Slots {
			r.free = append(r.free, packet.ConnRef(uint64(f[1])<<32|uint64(f[0])))
		}
		return nil, err
	case kindSources:
		var l sourcesLine
		err := errors.Join(get(&l), slotsInLine(len(l.Slots)))
		r.sources = append(r.sources, l.Slots...)
		return nil, err
	}
	return nil, r.minorLine(kind.Kind, get)
}

// count refuses lines of which there are too many.
func (r *reader) count(kind string) error {
	most, counted := mostLines[kind]
	if !counted {
		return nil
	}
	r.lines[kind]++
	n := r.lines[kind]
	switch kind { // most of these go the fast way
	case kindConn:
		n = len(r.conns) + 1
	case kindEvent:
		n = len(r.events) + 1
	}
	if n > most {
		return fmt.Errorf("more than %d lines of kind %q", most, kind)
	}
	return nil
}

func slotsInLine(n int) error {
	if n > slotsPerLine {
		return fmt.Errorf("%d slots in a line; at most %d", n, slotsPerLine)
	}
	return nil
}

// fast takes in a line of which there are many, if it is as this program
// writes it and says nothing wrong.
func (r *reader) fast(line []byte) bool {
	if bytes.HasPrefix(line, []byte(`{"kind":"conn"`)) {
		var l connLine
		if !r.scan.fastConn(line, &l) {
			return false
		}
		c, err := l.saved()
		if err != nil || len(r.conns) >= maxConns {
			return false // to be told with the other reader's words
		}
		r.conns = append(r.conns, c)
		return true
	}
	if bytes.HasPrefix(line, []byte(`{"kind":"event"`)) {
		var l eventLine
		if !r.scan.fastEvent(line, &l) {
			return false
		}
		e, err := l.event()
		if err != nil || len(r.events) >= MaxEvents {
			return false
		}
		r.events, r.devices = append(r.events, e), append(r.devices, l.Device)
		return true
	}
	return false
}

// minorLine takes in what is not the tracker's; unknown kinds are a later
// version's.
func (r *reader) minorLine(kind string, get func(any) error) (err error) {
	switch kind {
	case kindLimits:
		// Several lines are one: zones are many.
		full := r.limits.Full
		r.limits.Full = nil
		err = get(&r.limits)
		r.limits.Full = append(full, r.limits.Full...)
		if len(r.limits.Full) > 1<<16 || len(r.limits.Refused) > slotsPerLine {
			return errors.New("more zones have refused connections than there can be")
		}
	case kindExpect:
		var l expectLine
		if err = get(&l); err != nil {
			return err
		}
		var e conntrack.SavedExpectation
		e, err = l.saved()
		r.expect = append(r.expect, e)
	case kindSender:
		var l senderLine
		if err = get(&l); err == nil && !l.Addr.IsValid() {
			err = errors.New("a sender without an address")
		}
		if err == nil {
			x := conntrack.SavedSource{Zone: l.Zone, Addr: packet.AddrFrom(l.Addr), Family: packet.IPv6, Last: l.Last, Rate: l.Rate}
			if l.Addr.Is4() {
				x.Family = packet.IPv4
			}
			r.senders = append(r.senders, x)
		}
	case kindStats:
		var l statsLine
		err = get(&l)
		r.stats = l.stats()
	case kindTable:
		var l tableLine
		err = get(&l)
		r.s.Tables = append(r.s.Tables, l.saved())
	case kindHeld, kindStale:
		var l listLine
		err = errors.Join(get(&l), slotsInLine(len(l.Slots)), slotsInLine(len(l.Chains)))
		n := len(r.s.Tables) - 1
		if n < 0 || r.s.Tables[n].ID != l.ID {
			return fmt.Errorf("flow table %d has no line before this one", l.ID)
		}
		if kind == kindHeld {
			r.s.Tables[n].Flows = append(r.s.Tables[n].Flows, l.Slots...)
			r.s.Tables[n].Chains = append(r.s.Tables[n].Chains, l.Chains...)
		} else {
			r.s.Tables[n].Stale = append(r.s.Tables[n].Stale, l.Slots...)
		}
	case kindFlows:
		var l flowsLine
		err = get(&l)
		r.s.Flows = l.counters()
	case kindEvents:
		err = get(&r.ring)
	case kindEvent:
		var l eventLine
		if err = get(&l); err != nil {
			return err
		}
		var e conntrack.Event
		e, err = l.event()
		r.events, r.devices = append(r.events, e), append(r.devices, l.Device)
	case kindAction:
		var l actionLine
		err = get(&l)
		r.s.Actions = append(r.s.Actions, l.state())
	case kindRandom:
		var l randomLine
		if err = get(&l); err == nil {
			r.s.Random, err = hex.DecodeString(l.PCG)
		}
	case kindFragments:
		var l fragmentsLine
		err = get(&l)
		r.s.Fragments = &frag.Saved{Random: l.Random}
	case kindPacket:
		var l packetLine
		if err = get(&l); err == nil {
			err = r.s.packet(&l)
		}
	case kindFragment:
		var l fragmentLine
		if err = get(&l); err == nil {
			err = r.s.fragment(&l)
		}
		if r.waiting += int64(len(l.Data)); r.waiting > maxFragments {
			return fmt.Errorf("more than %d bytes of fragments", int64(maxFragments))
		}
	case kindSplit:
		var l splitLine
		if err = get(&l); err == nil && (l.A.Is4() != l.B.Is4() || !l.A.IsValid() || !l.B.IsValid()) {
			err = fmt.Errorf("addresses %q and %q", l.A, l.B)
		}
		r.s.Split = append(r.s.Split, l.SplitFlow)
	case kindCard:
		var l cardLine
		err = get(&l)
		// Several lines of one device are one: refusals are many.
		if n := len(r.s.Cards) - 1; n >= 0 && r.s.Cards[n].Name == l.Card.Name {
			l.Card.Refusals = append(r.s.Cards[n].Refusals, l.Card.Refusals...)
			r.s.Cards[n] = l.Card
			break
		}
		r.s.Cards = append(r.s.Cards, l.Card)
	case kindPlace:
		var l placeLine
		if err = get(&l); err == nil {
			err = l.check()
		}
		r.s.Places = append(r.s.Places, l.Place)
	case kindOrigin:
		var l originLine
		if err = get(&l); err == nil {
			err = slotsInLine(len(l.Slots))
		}
		if err != nil {
			return err
		}
		if n := len(r.s.Origins); n > 0 && r.s.Origins[n-1].In == l.In {
			r.s.Origins[n-1].Slots = append(r.s.Origins[n-1].Slots, l.Slots...)
		} else {
			r.s.Origins = append(r.s.Origins, l.Origins)
		}
	case kindMAC:
		var l macLine
		err = get(&l)
		r.s.MACs = append(r.s.MACs, l.SplitMAC)
	}
	return err
}

// build makes the tracker out of what was read.
func (r *reader) build() error {
	if r.ledger == nil || r.sysctl == nil || !r.gotTime {
		return errors.New("the lines of clock, sysctl or tracker are missing")
	}
	set := conntrack.DefaultSettings()
	for name, value := range r.sysctl {
		if err := set.Set(name, value); err != nil {
			return err
		}
	}
	set.ZoneLimit, set.UDPFirst, set.UDPReplied, set.ICMPReply = r.limits.Zone, r.limits.UDPFirst, r.limits.UDPReplied, r.limits.ICMPReply
	if r.limits.SynSent2 != 0 {
		set.TCPTimeouts[conntrack.TCPSynSent2] = r.limits.SynSent2
	}
	set.Zones = r.limits.Zones
	for id, z := range set.Zones {
		if !z.TCP.Sound() {
			return fmt.Errorf("zone %d judges TCP in way %d, which is not known", id, z.TCP)
		}
		if z.Source.New != 0 && z.Source.Per <= 0 {
			return fmt.Errorf("zone %d limits sources over no time", id)
		}
	}
	if err := set.Check(); err != nil {
		return err
	}
	if set.Max > maxConns {
		return fmt.Errorf("nf_conntrack_max %d is more than %d", set.Max, int64(maxConns))
	}
	seed := r.s.Clock.Seed
	r.s.Tracker = conntrack.New(conntrack.Config{Seed: [2]uint64{seed, ^seed}, Settings: set})
	r.ledger.Stats, r.ledger.Free, r.ledger.Sources = r.stats, r.free, r.sources
	r.ledger.Expectations, r.ledger.Senders, r.ledger.Zones, r.ledger.Refused = r.expect, r.senders, r.limits.Full, r.limits.Refused
	if err := r.s.Tracker.Resume(*r.ledger, r.conns); err != nil {
		return err
	}
	if r.ring.Capacity < 0 || r.ring.Capacity > MaxEvents {
		return fmt.Errorf("room for %d events; at most %d", r.ring.Capacity, MaxEvents)
	}
	for i := range r.events {
		r.events[i].Device = r.s.Tracker.DeviceNumber(r.devices[i])
	}
	told := int64(math.MinInt64)
	if r.ring.Told != nil {
		told = *r.ring.Told
	}
	return r.s.Tracker.ResumeEvents(r.ring.Capacity, r.ring.Recorded, r.events, told)
}

// MaxEvents is how many events a state keeps at most.
const MaxEvents = 1 << 20

// jsonError makes JSON's errors say what a reader of the file can use.
func jsonError(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("column %d: %w", syntax.Offset, err)
	case errors.As(err, &typ):
		return fmt.Errorf("%s cannot be %s", fieldName(typ), typ.Value)
	}
	return err
}

func fieldName(e *json.UnmarshalTypeError) string {
	if e.Field == "" {
		return "the line"
	}
	return string(bytes.TrimSpace([]byte(e.Field)))
}
