package observe

import (
	"encoding/hex"
	"encoding/json"

	"sluice/conntrack"
	"sluice/packet"
)

// entryJSON is an entry for programs. What depends on the kind of entry, or
// on settings, is left out where conntrack(8) leaves it out; the zone never,
// nor, in a listing, state and timeout of what the flow table holds.
type entryJSON struct {
	Event    string   `json:"event,omitempty"` // new, update, destroy, offload, hw_offload, back
	Time     *int64   `json:"time_ns,omitempty"`
	Changed  []string `json:"changed,omitempty"` // of an event: IPCT_* in small letters
	Family   string   `json:"family"`
	Proto    string   `json:"proto"`
	ProtoNum uint8    `json:"protonum"`
	Zone     uint16   `json:"zone"`
	Timeout  *int64   `json:"timeout,omitempty"`      // seconds
	Flow     *int64   `json:"flow_timeout,omitempty"` // seconds until the flow table gives it back without a packet
	State    string   `json:"state,omitempty"`
	Original endJSON  `json:"original"`
	Reply    endJSON  `json:"reply"`
	Status   []string `json:"status"`
	Mark     uint32   `json:"mark"`
	Label    string   `json:"label,omitempty"`  // 32 hexadecimal digits
	Labels   []string `json:"labels,omitempty"` // names
	ID       uint32   `json:"id"`
	Use      int      `json:"use,omitempty"`
	Start    int64    `json:"start_ns,omitempty"`
	Stop     int64    `json:"stop_ns,omitempty"`
	Device   string   `json:"device,omitempty"` // which has taken it or given it back
	Reason   string   `json:"reason,omitempty"` // why it came back
}

type endJSON struct {
	Src     string  `json:"src"`
	Dst     string  `json:"dst"`
	SPort   *uint16 `json:"sport,omitempty"`
	DPort   *uint16 `json:"dport,omitempty"`
	Type    *uint16 `json:"type,omitempty"`
	Code    *uint16 `json:"code,omitempty"`
	EchoID  *uint16 `json:"id,omitempty"`
	SrcKey  *uint16 `json:"srckey,omitempty"`
	DstKey  *uint16 `json:"dstkey,omitempty"`
	Packets *uint64 `json:"packets,omitempty"`
	Bytes   *uint64 `json:"bytes,omitempty"`
}

// statusNames are the IPS_* bits in small letters, by bit.
var statusNames = []string{
	"expected", "seen_reply", "assured", "confirmed", "src_nat", "dst_nat", "seq_adjust", "src_nat_done", "dst_nat_done", "dying",
	"fixed_timeout", "template", "nat_clash", "helper", "offload", "hw_offload",
}

// eventNames are the IPCT_* bits in small letters, by bit.
var eventNames = []string{"new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark", "seqadj", "secmark", "label", "synproxy", "", "offload", "hw_offload", "back"}

// moveName is the name of an event that the kernel does not have.
func moveName(what uint16) string {
	switch {
	case what&conntrack.EventHWOffload != 0:
		return "hw_offload"
	case what&conntrack.EventOffload != 0:
		return "offload"
	}
	return "back"
}

func bitNames(bits uint32, names []string) []string {
	out := []string{}
	for i, n := range names {
		if bits&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// AppendJSON appends an entry as a JSON object, without a line feed. It knows
// more than the text: the zone is always there, 0 included, and of an event
// what has changed.
func (f *Format) AppendJSON(b []byte, e *Entry) []byte {
	c := e.Conn
	j := entryJSON{
		Event: [...]string{"", "new", "update", "destroy", moveName(e.What)}[KindOf(e.What)], Family: familyName(c.Orig.Family),
		Proto: ProtoName(c.Orig.Proto), ProtoNum: c.Orig.Proto, Zone: c.Zone, State: e.state(),
		Original: f.endJSON(&c.Orig, e, 0), Reply: f.endJSON(&e.Reply, e, 1),
		Status: bitNames(uint32(c.Status), statusNames), Mark: c.Mark, ID: e.ID, Use: e.Use, Start: e.Start, Stop: e.Stop, Device: e.Device, Reason: e.Reason,
	}
	if e.What != 0 {
		j.Time, j.Changed = &e.Now, bitNames(uint32(e.What), eventNames)
	}
	if s, ok := e.timeout(); ok || e.What == 0 {
		j.Timeout = &s
	}
	if e.What == 0 && c.Status&conntrack.StatusOffload != 0 {
		left := max(0, (c.FlowDeadline-e.Now)/1e9)
		j.State, j.Flow = c.StateName(), &left
	}
	if c.Label != [16]byte{} {
		j.Label = hex.EncodeToString(c.Label[:])
		if f.Labels {
			j.Labels = f.LabelMap.Names(&c.Label)
		}
	}
	out, err := json.Marshal(j)
	if err != nil {
		panic(err) // numbers and strings
	}
	return append(b, out...)
}

func (f *Format) endJSON(t *packet.Tuple, e *Entry, dir int) endJSON {
	j := endJSON{Src: t.Src.Netip(t.Family).String(), Dst: t.Dst.Netip(t.Family).String()}
	typ, code := t.DPort>>8, t.DPort&0xff
	switch t.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		j.SPort, j.DPort = &t.SPort, &t.DPort
	case packet.ProtoICMP, packet.ProtoICMPv6:
		j.Type, j.Code, j.EchoID = &typ, &code, &t.SPort
	case packet.ProtoGRE:
		j.SrcKey, j.DstKey = &t.SPort, &t.DPort
	}
	if e.Acct {
		packets, bytes := e.Conn.Packets()[dir], e.Conn.Bytes()[dir]
		j.Packets, j.Bytes = &packets, &bytes
	}
	return j
}
