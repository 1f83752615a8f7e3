package state

import (
	"fmt"
	"math/bits"
	"slices"

	"sluice/conntrack"
	"sluice/packet"
)

// eventBitNames are the kernel's IPCT_* without their prefix, by bit.
var eventBitNames = []string{"NEW", "RELATED", "DESTROY", "REPLY", "ASSURED", "PROTOINFO", "HELPER", "MARK", "SEQADJ", "SECMARK", "LABEL", "SYNPROXY", "", "OFFLOAD", "HW_OFFLOAD", "BACK"}

func eventNames(what uint16) (names []string) {
	for ; what != 0; what &= what - 1 {
		names = append(names, eventBitNames[bits.TrailingZeros16(what)])
	}
	return names
}

func eventBits(names []string) (what uint16, err error) {
	for _, n := range names {
		i := slices.Index(eventBitNames, n)
		if i < 0 || n == "" {
			return 0, fmt.Errorf("unknown event %q", n)
		}
		what |= 1 << i
	}
	return what, nil
}

type eventLine struct {
	Kind    string   `json:"kind"`
	Time    int64    `json:"time_ns"`
	What    []string `json:"what"`
	Expired bool     `json:"expired,omitempty"`
	Helper  string   `json:"helper,omitempty"`
	HProto  uint8    `json:"helper_proto,omitempty"` // that the helper reads; 0: the connection's
	Device  string   `json:"device,omitempty"`       // that took it or gave it back
	Reason  uint8    `json:"reason,omitempty"`       // why it came back, by offload.Reason
	Conn    connLine `json:"conn"`
}

func newEventLine(t *conntrack.Tracker, e *conntrack.Event) eventLine {
	s := conntrack.Saved{Slot: uint32(e.Ref), Conn: e.Conn, Reply: e.Reply, Start: e.Start}
	helper, hproto := helperName(e.Helper, e.Conn.Orig.Proto)
	l := eventLine{kindEvent, e.Time, eventNames(e.What), e.Expired, helper, hproto, t.DeviceName(e.Device), e.Reason, newConnLine(&s)}
	l.Conn.Kind, l.Conn.Status = "", e.Conn.Status
	return l
}

func (l *eventLine) event() (e conntrack.Event, err error) {
	s, err := l.Conn.saved()
	if err != nil {
		return e, err
	}
	e = conntrack.Event{
		Time: l.Time, Start: s.Start, Expired: l.Expired, Reason: l.Reason, Conn: s.Conn, Reply: s.Reply,
		Ref: packet.ConnRef(uint64(s.Conn.Gen)<<32 | uint64(s.Slot)),
	}
	if e.Helper, err = helperOf(l.Helper, l.HProto, s.Conn.Orig.Proto); err != nil {
		return e, err
	}
	if e.What, err = eventBits(l.What); err == nil && e.What == 0 {
		err = fmt.Errorf("an event of nothing")
	}
	return e, err
}
