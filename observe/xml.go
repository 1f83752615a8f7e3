package observe

import (
	"fmt"
	"time"

	"sluice/conntrack"
	"sluice/packet"
)

// XMLHead and XMLTail stand around a list of entries.
const (
	XMLHead = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n"
	XMLTail = "</conntrack>\n"
)

// AppendXML appends an entry as `conntrack -o xml` prints it, without a line
// feed. The ID is always there; ICMP's numbers never are.
func (f *Format) AppendXML(b []byte, e *Entry) []byte {
	c := e.Conn
	kind := KindOf(e.What)
	b = append(b, [...]string{"<flow>", `<flow type="new">`, `<flow type="update">`, `<flow type="destroy">`, `<flow type="` + moveName(e.What) + `">`}[kind]...)
	orig, reply := c.Orig, e.Reply
	for dir, t := range []*packet.Tuple{&orig, &reply} {
		b = fmt.Appendf(b, `<meta direction="%s">`, [2]string{"original", "reply"}[dir])
		b = appendXMLTuple(b, t)
		if e.Acct {
			b = fmt.Appendf(b, "<counters><packets>%d</packets><bytes>%d</bytes></counters>", c.Packets()[dir], c.Bytes()[dir])
		}
		b = append(b, "</meta>"...)
	}
	b = append(b, `<meta direction="independent">`...)
	if s := e.state(); s != "" {
		b = fmt.Appendf(b, "<state>%s</state>", s)
	}
	if s, ok := e.timeout(); ok {
		b = fmt.Appendf(b, "<timeout>%d</timeout>", s)
	}
	if e.mark() {
		b = fmt.Appendf(b, "<mark>%d</mark>", c.Mark)
	}
	if f.Labels && e.labelled() {
		b = append(b, "<labels>"...)
		for _, name := range f.LabelMap.Names(&c.Label) {
			b = fmt.Appendf(b, "<label>%s</label>", xmlText(name))
		}
		b = append(b, "</labels>"...)
	}
	if c.Zone != 0 {
		b = fmt.Appendf(b, "<zone>%d</zone>", c.Zone)
	}
	if e.Use > 0 {
		b = fmt.Appendf(b, "<use>%d</use>", e.Use)
	}
	b = fmt.Appendf(b, "<id>%d</id>", e.ID)
	if c.Status&conntrack.StatusAssured != 0 {
		b = append(b, "<assured/>"...)
	}
	if c.Status&conntrack.StatusSeenReply == 0 {
		b = append(b, "<unreplied/>"...)
	}
	if e.Start != 0 {
		if f.KTimestamp {
			b = fmt.Appendf(b, "<timestamp><start>%d</start>", e.Start)
			if e.Stop != 0 {
				b = fmt.Appendf(b, "<stop>%d</stop>", e.Stop)
			}
			b = append(b, "</timestamp>"...)
		}
		b = fmt.Appendf(b, "<deltatime>%d</deltatime>", e.seconds())
	}
	b = append(b, "</meta>"...)
	if kind != KindListed && f.Timestamp {
		b = appendWhen(b, e.Now)
	}
	return append(b, "</flow>"...)
}

// appendWhen appends a time as struct tm has it, in UTC; Sunday is 1.
func appendWhen(b []byte, ns int64) []byte {
	t := time.Unix(0, ns).UTC()
	return fmt.Appendf(b, "<when><hour>%d</hour><min>%02d</min><sec>%02d</sec><wday>%d</wday><day>%d</day><month>%d</month><year>%d</year></when>",
		t.Hour(), t.Minute(), t.Second(), int(t.Weekday())+1, t.Day(), int(t.Month()), t.Year())
}

func appendXMLTuple(b []byte, t *packet.Tuple) []byte {
	b = fmt.Appendf(b, `<layer3 protonum="%d" protoname="%s"><src>%s</src><dst>%s</dst></layer3>`,
		t.Family, familyName(t.Family), t.Src.Netip(t.Family), t.Dst.Netip(t.Family))
	b = fmt.Appendf(b, `<layer4 protonum="%d" protoname="%s">`, t.Proto, ProtoName(t.Proto))
	switch t.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		b = fmt.Appendf(b, "<sport>%d</sport><dport>%d</dport>", t.SPort, t.DPort)
	case packet.ProtoGRE:
		b = fmt.Appendf(b, "<srckey>0x%x</srckey><dstkey>0x%x</dstkey>", t.SPort, t.DPort)
	}
	return append(b, "</layer4>"...)
}

func xmlText(s string) string {
	var out []byte
	for i := range len(s) {
		switch s[i] {
		case '<':
			out = append(out, "&lt;"...)
		case '&':
			out = append(out, "&amp;"...)
		case '>':
			out = append(out, "&gt;"...)
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}
