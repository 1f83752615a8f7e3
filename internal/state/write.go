package state

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc64"
	"io"
	"maps"
	"slices"

	"sluice/conntrack"
	"sluice/datapath"
)

const (
	format  = "sluice state"
	version = 1
)

var table = crc64.MakeTable(crc64.ECMA)

// writer writes lines and sums them up.
type writer struct {
	w     *bufio.Writer
	lines int
	sum   uint64
	err   error
}

func (w *writer) line(v any) {
	if w.err != nil {
		return
	}
	b, err := json.Marshal(v)
	if err != nil {
		w.err = err
		return
	}
	b = append(b, '\n')
	if len(b) > maxLine {
		w.err = fmt.Errorf("a line of %d bytes, of which none could be read back; at most %d: %.60s", len(b), maxLine, b)
		return
	}
	w.lines++
	w.sum = crc64.Update(w.sum, table, b)
	_, w.err = w.w.Write(b)
}

// Write writes the state.
func (s *State) Write(out io.Writer) error {
	if s.flows != nil {
		s.Tables, s.Flows = s.flows.Save(), s.flows.Counters()
	}
	w := &writer{w: bufio.NewWriterSize(out, 1<<16)}
	t := s.Tracker
	w.line(header{format, version})
	w.line(clockLine{kindClock, s.Clock})
	w.line(sysctlLine{kindSysctl, sysctls(t.Settings())})
	led := t.Ledger()
	w.line(trackerLine{kindTracker, led.Slots, led.Cursor, led.Ticked, led.Credit, hex.EncodeToString(led.Random)})
	w.line(newStatsLine(led.Stats))
	set := t.Settings()
	w.limits(set, &led)
	for i := range s.Tables {
		v := &s.Tables[i]
		w.line(newTableLine(v))
		for i := 0; i < len(v.Flows); i += slotsPerLine {
			n := min(i+slotsPerLine, len(v.Flows))
			l := listLine{Kind: kindHeld, ID: v.ID, Slots: v.Flows[i:n]}
			if v.Chains != nil {
				l.Chains = v.Chains[i:n]
			}
			w.line(l)
		}
		for chunk := range slices.Chunk(v.Stale, slotsPerLine) {
			w.line(listLine{Kind: kindStale, ID: v.ID, Slots: chunk})
		}
	}
	w.line(newFlowsLine(s.Flows))
	for c := range t.Saved() {
		w.line(newConnLine(&c))
	}
	for chunk := range slices.Chunk(led.Free, slotsPerLine) {
		line := freeLine{Kind: kindFree}
		for _, ref := range chunk {
			line.Slots = append(line.Slots, [2]uint32{uint32(ref), uint32(ref >> 32)})
		}
		w.line(line)
	}
	for chunk := range slices.Chunk(led.Sources, slotsPerLine) {
		w.line(sourcesLine{kindSources, chunk})
	}
	for i := range led.Expectations {
		w.line(newExpectLine(&led.Expectations[i]))
	}
	for _, x := range led.Senders {
		w.line(senderLine{kindSender, x.Zone, x.Addr.Netip(x.Family), x.Last, x.Rate})
	}
	total, capacity := t.EventCount()
	told := t.EventTime()
	w.line(eventsLine{kindEvents, capacity, total, &told})
	for _, e := range t.Events(0) {
		w.line(newEventLine(t, e))
	}
	for i := range s.Actions {
		w.line(newActionLine(&s.Actions[i]))
	}
	if s.Random != nil {
		w.line(randomLine{kindRandom, hex.EncodeToString(s.Random)})
	}
	if s.Fragments != nil {
		w.fragments(s.Fragments, s.Devices)
	}
	for _, f := range s.Split {
		w.line(splitLine{kindSplit, f})
	}
	for _, m := range s.MACs {
		w.line(macLine{kindMAC, m})
	}
	for _, c := range s.Cards {
		w.card(c)
	}
	for _, p := range s.Places {
		w.line(placeLine{kindPlace, p})
	}
	for _, o := range s.Origins {
		for chunk := range slices.Chunk(o.Slots, slotsPerLine) {
			w.line(originLine{kindOrigin, datapath.Origins{In: o.In, Slots: chunk}})
		}
	}
	if w.err != nil {
		return w.err
	}
	end, _ := json.Marshal(endLine{kindEnd, w.lines, fmt.Sprintf("%016x", w.sum)})
	w.w.Write(append(end, '\n'))
	return w.w.Flush()
}

// slotsPerLine keeps lines short.
const slotsPerLine = 512

// partsPerLine does for what is longer than a slot.
const partsPerLine = 32

// limits writes settings, then zones a few to a line, then those that have
// refused connections.
func (w *writer) limits(set *conntrack.Settings, led *conntrack.Ledger) {
	l := limitsLine{
		Kind: kindLimits, Zone: set.ZoneLimit, UDPFirst: set.UDPFirst, UDPReplied: set.UDPReplied, ICMPReply: set.ICMPReply,
		SynSent2: set.TCPTimeouts[conntrack.TCPSynSent2], Refused: led.Refused,
	}
	zones := slices.Sorted(maps.Keys(set.Zones))
	full := led.Zones
	for first := true; first || len(zones) > 0 || len(full) > 0; first = false {
		n := min(len(zones), partsPerLine)
		if n > 0 {
			l.Zones = map[uint16]conntrack.Zone{}
		}
		for _, id := range zones[:n] {
			l.Zones[id] = set.Zones[id]
		}
		m := min(len(full), slotsPerLine)
		l.Full = full[:m]
		w.line(l)
		zones, full = zones[n:], full[m:]
		l.Zones = nil
	}
}

// card writes a device, with as many lines as its refusals take.
func (w *writer) card(c Card) {
	refusals := c.Refusals
	for first := true; first || len(refusals) > 0; first = false {
		n := min(len(refusals), partsPerLine)
		c.Refusals = refusals[:n:n]
		w.line(cardLine{kindCard, c})
		refusals = refusals[n:]
	}
}

// sysctls are all settings by name.
func sysctls(s *conntrack.Settings) map[string]string {
	m := map[string]string{}
	for _, name := range s.Names() {
		m[name], _ = s.Get(name) // the names are its own
	}
	return m
}
