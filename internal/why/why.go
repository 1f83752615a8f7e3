// Package why tells a connection's life out of a saved state: what happened to
// it in order, where it is now, and why a device carries it or not.
package why

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/internal/state"
	"sluice/observe"
	"sluice/offload"
	"sluice/packet"
)

// Life is what is known of one connection.
type Life struct {
	Connection string `json:"connection"` // its tuples
	Zone       uint16 `json:"zone"`
	Steps      []Step `json:"events"`
	// Missing: it began before the first event that was kept.
	Missing bool   `json:"earlier_events_lost,omitempty"`
	Alive   bool   `json:"alive"`
	Now     string `json:"now,omitempty"`    // the connection table's line
	Place   string `json:"place,omitempty"`  // tracker, flow table, or a device's name
	Reason  string `json:"reason,omitempty"` // why it is there
	Devices []At   `json:"devices,omitempty"`
	// Notes are what keeps packets of a connection that a device holds in
	// software all the same.
	Notes []string `json:"notes,omitempty"`
}

// Step is something that happened.
type Step struct {
	Time int64  `json:"time_ns"`
	What string `json:"what"`
}

// At is how a connection stands with a device.
type At struct {
	Device string `json:"device"`
	Held   bool   `json:"held"`
	Reason string `json:"reason,omitempty"`
}

// Find gives the lives that a query fits: of connections that live, then of
// those that are only in events, each by age.
func Find(st *state.State, q Query) []Life {
	t, now := st.Tracker, st.Clock.Now
	places := map[uint32]*state.Place{}
	for i := range st.Places {
		places[st.Places[i].Slot] = &st.Places[i]
	}
	var order []packet.ConnRef
	lives := map[packet.ConnRef]*Life{}
	add := func(ref packet.ConnRef, c *conntrack.Conn, reply packet.Tuple) *Life {
		l := lives[ref]
		if l == nil {
			l = &Life{Connection: named(&c.Orig), Zone: c.Zone, Steps: []Step{}}
			if back := turned(&reply); back != c.Orig {
				l.Connection += ", translated to " + strings.TrimPrefix(named(&back), observe.ProtoName(back.Proto)+" ")
			}
			lives[ref] = l
			order = append(order, ref)
		}
		return l
	}
	fits := func(c *conntrack.Conn, reply *packet.Tuple) bool {
		return q.fits(&c.Orig, c.Zone) || q.fits(reply, c.Zone)
	}
	for ref, c := range t.Known() {
		reply := t.Reply(ref)
		if !fits(c, &reply) {
			continue
		}
		l := add(ref, c, reply)
		l.Alive = !t.Expired(c, now) || c.Status&conntrack.StatusOffload != 0
		l.Now = strings.TrimSpace(string(observe.AppendProc(nil, t, ref, now)))
		l.locate(st, c, places[uint32(ref)])
	}
	started := map[packet.ConnRef]bool{}
	for _, e := range t.Events(0) {
		if !fits(&e.Conn, &e.Reply) {
			continue
		}
		l := add(e.Ref, &e.Conn, e.Reply)
		if e.What&(conntrack.EventNew|conntrack.EventRelated) != 0 {
			started[e.Ref] = true
		}
		l.Steps = append(l.Steps, Step{e.Time, step(t, e)})
	}
	out := make([]Life, 0, len(order))
	total, kept := t.EventCount()
	lost := total > 0 || kept == 0
	for n := range t.Events(0) {
		lost = n > 0
		break
	}
	for _, ref := range order {
		if l := lives[ref]; lost && !started[ref] {
			l.Missing = true
		}
		out = append(out, *lives[ref])
	}
	slices.SortStableFunc(out, func(a, b Life) int {
		if a.Alive != b.Alive {
			if a.Alive {
				return -1
			}
			return 1
		}
		return 0
	})
	return out
}

// named is a tuple with its protocol's name.
func named(t *packet.Tuple) string {
	return strings.Replace(t.String(), fmt.Sprintf("proto %d", t.Proto), observe.ProtoName(t.Proto), 1)
}

// turned is a reply's tuple as the other end would see the original.
func turned(t *packet.Tuple) packet.Tuple {
	r := *t
	r.Src, r.Dst = t.Dst, t.Src
	if t.Proto != packet.ProtoICMP && t.Proto != packet.ProtoICMPv6 {
		r.SPort, r.DPort = t.DPort, t.SPort
	} else {
		r.DPort = 0
	}
	return r
}

// step words an event.
func step(t *conntrack.Tracker, e *conntrack.Event) string {
	dev := t.DeviceName(e.Device)
	switch {
	case e.What&conntrack.EventDestroy != 0:
		s := "ended"
		if e.Expired {
			s = "expired"
		}
		return fmt.Sprintf("%s, after %d packets and %d bytes, %d and %d back", s, e.Conn.Packets()[0], e.Conn.Bytes()[0], e.Conn.Packets()[1], e.Conn.Bytes()[1])
	case e.What&conntrack.EventHWOffload != 0:
		return "device " + dev + " holds it"
	case e.What&conntrack.EventOffload != 0:
		return "the flow table took it"
	case e.What&conntrack.EventBack != 0 && dev != "":
		return fmt.Sprintf("back from device %s: %s", dev, offload.Reason(e.Reason))
	case e.What&conntrack.EventBack != 0:
		return fmt.Sprintf("back from the flow table: %s", offload.Reason(e.Reason))
	}
	var what []string
	add := func(bit uint16, s string) {
		if e.What&bit != 0 {
			what = append(what, s)
		}
	}
	add(conntrack.EventNew, "committed")
	add(conntrack.EventRelated, "committed, as a related connection")
	add(conntrack.EventHelper, "helper "+conntrack.HelperNames[e.Helper])
	add(conntrack.EventReply, "answered")
	add(conntrack.EventAssured, "assured")
	if name := e.Conn.StateName(); name != "" {
		add(conntrack.EventProtoInfo, "state "+name)
	}
	add(conntrack.EventMark, fmt.Sprintf("mark %#x", e.Conn.Mark))
	add(conntrack.EventLabel, fmt.Sprintf("label %x", e.Conn.Label))
	add(conntrack.EventSeqAdjust, "its payload has another length now")
	if len(what) == 0 {
		return "changed"
	}
	return strings.Join(what, ", ")
}

// locate says where a connection is, and why not further up.
func (l *Life) locate(st *state.State, c *conntrack.Conn, p *state.Place) {
	inTable := c.Status&conntrack.StatusOffload != 0
	l.Place = "tracker"
	if inTable {
		l.Place = "flow table"
	}
	switch {
	case !inTable && st.Clock.NoFlowTable:
		l.Reason = "there was none (--no-flow-table)"
		return
	case !inTable:
		l.Reason = software(c)
		return
	case p == nil:
		l.Reason = "there was no device"
		return
	}
	for _, d := range p.Devices {
		at := At{Device: d.Device, Held: d.Held}
		if d.Held {
			l.Place = "device " + d.Device
			l.Now = strings.Replace(l.Now, "[OFFLOAD]", "[HW_OFFLOAD]", 1)
			l.Notes = append(l.Notes, refused(st, d.Device)...)
		} else {
			at.Reason = words(st, d.Device, offload.Reason(d.Reason), c)
		}
		l.Devices = append(l.Devices, at)
	}
	if p.Reason != 0 {
		l.Reason = words(st, "", offload.Reason(p.Reason), c)
	}
}

// refused names the rules that a device does not hold: packets that meet them
// are software's from there on.
func refused(st *state.State, dev string) (notes []string) {
	for _, k := range st.Cards {
		if k.Name != dev {
			continue
		}
		for _, r := range k.Refusals {
			notes = append(notes, fmt.Sprintf("packets that meet %s go on in software: %s", r.Rule, r.Reason))
		}
	}
	return notes
}

// words explains a reason with what is known of the device and the connection.
func words(st *state.State, dev string, r offload.Reason, c *conntrack.Conn) string {
	s := r.String()
	for i := range st.Cards {
		k := &st.Cards[i]
		if dev != "" && k.Name != dev {
			continue
		}
		switch r {
		case offload.Few:
			return fmt.Sprintf("%s: it has had %d; admission is %q", s, c.Packets()[0]+c.Packets()[1], k.Admit)
		case offload.Small:
			return fmt.Sprintf("%s: it has had %d; admission is %q", s, c.Bytes()[0]+c.Bytes()[1], k.Admit)
		case offload.Never, offload.Quota, offload.Young:
			return fmt.Sprintf("%s; admission is %q", s, k.Admit)
		case offload.DeviceFull, offload.Waiting, offload.Evicted:
			return fmt.Sprintf("%s: %d of %d flows are in it", s, k.Held, k.Limit)
		case offload.NoDevice:
			if len(k.Refusals) > 0 {
				return fmt.Sprintf("%s: device %s has refused %d rules (%s: %s)", s, k.Name, len(k.Refusals), k.Refusals[0].Rule, k.Refusals[0].Reason)
			}
		}
	}
	return s
}

// software says why the flow table does not hold a connection.
func software(c *conntrack.Conn) string {
	switch r := flowtable.Outside(c); {
	case r != offload.NotEstablished:
		if r == offload.Protocol {
			return fmt.Sprintf("protocol %s is never offloaded", observe.ProtoName(c.Orig.Proto))
		}
		return r.String()
	case c.Status&conntrack.StatusConfirmed == 0:
		return "it was never committed"
	case c.Orig.Proto == packet.ProtoTCP && c.TCP.State != conntrack.TCPEstablished:
		why := "TCP is offloaded while it is ESTABLISHED; it is " + c.StateName()
		if c.Status&conntrack.StatusSeenReply == 0 {
			why += ", and nobody has answered"
		}
		return why
	case c.Status&conntrack.StatusAssured == 0:
		return "it is not assured: there has been too little traffic in both directions"
	}
	return "it came back, and no packet has gone through a ct action since, or no ct action names its zone"
}

// WriteText writes lives for people; times are seconds since first.
func WriteText(w io.Writer, lives []Life, first int64) {
	for i, l := range lives {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s, zone %d\n", l.Connection, l.Zone)
		if l.Missing {
			fmt.Fprintln(w, "  earlier events were not kept: say --events N when replaying")
		}
		for _, s := range l.Steps {
			d := s.Time - first
			sign := ""
			if d < 0 {
				sign, d = "-", -d
			}
			fmt.Fprintf(w, "  %s%d.%06d  %s\n", sign, d/1e9, d%1e9/1e3, s.What)
		}
		if l.Now == "" {
			fmt.Fprintln(w, "  it is gone")
			continue
		}
		if !l.Alive {
			fmt.Fprintln(w, "  it has expired")
		}
		fmt.Fprintf(w, "  now in %s: %s\n", map[bool]string{true: "", false: "the "}[strings.HasPrefix(l.Place, "device")]+l.Place, l.Now)
		switch {
		case strings.HasPrefix(l.Place, "device"):
			fmt.Fprintln(w, "  a device holds it")
			for _, note := range l.Notes {
				fmt.Fprintf(w, "  %s\n", note)
			}
		case l.Place == "flow table":
			fmt.Fprintf(w, "  no device holds it: %s\n", l.Reason)
		default:
			fmt.Fprintf(w, "  not in the flow table: %s\n", l.Reason)
		}
		for _, d := range l.Devices {
			if !d.Held {
				fmt.Fprintf(w, "  device %s: %s\n", d.Device, d.Reason)
			}
		}
	}
}

// First is the time of the first event that a state has; without events, of its
// last packet.
func First(st *state.State) int64 {
	for _, e := range st.Tracker.Events(0) {
		return e.Time
	}
	return st.Clock.Now
}
