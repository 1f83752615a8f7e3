package replay

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/netip"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/observe"
	"sluice/packet"
)

// ConnectionReport is a connection as JSON shows it.
type ConnectionReport struct {
	Family   string `json:"family"`
	Proto    uint8  `json:"proto"`
	State    string `json:"state,omitempty"` // of protocols that have states
	Timeout  int64  `json:"timeout_s"`       // the tracker's, also while a flow table owns the connection
	Original End    `json:"original"`
	Reply    End    `json:"reply"`
	Status   uint16 `json:"status"` // IPS_* bits
	Offload  bool   `json:"offload"`
	Assured  bool   `json:"assured"`
	Replied  bool   `json:"seen_reply"`
	Zone     uint16 `json:"zone"`
	Mark     uint32 `json:"mark"`
	Label    string `json:"label,omitempty"` // hexadecimal, as tc writes it; empty: all zero
	Use      int    `json:"use"`
}

// End is one direction of a connection. For ICMP sport is the identifier and
// dport type<<8 | code.
type End struct {
	Src     string `json:"src"`
	Dst     string `json:"dst"`
	SPort   uint16 `json:"sport"`
	DPort   uint16 `json:"dport"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"` // from the network header on
}

func newConnectionReport(t *conntrack.Tracker, ref packet.ConnRef, c *conntrack.Conn, now int64) ConnectionReport {
	reply := t.Reply(ref)
	r := ConnectionReport{
		Family: "ipv4", Proto: c.Orig.Proto, Timeout: observe.Seconds(c, now),
		Original: newEnd(&c.Orig, c, 0), Reply: newEnd(&reply, c, 1),
		Status:  c.Status,
		Offload: c.Status&conntrack.StatusOffload != 0,
		Assured: c.Status&conntrack.StatusAssured != 0,
		Replied: c.Status&conntrack.StatusSeenReply != 0,
		Zone:    c.Zone, Mark: c.Mark, Use: 2 + flowtable.Held(c) + t.Children(ref),
	}
	if c.Label != [16]byte{} {
		r.Label = hex.EncodeToString(c.Label[:])
	}
	if c.Orig.Family == packet.IPv6 {
		r.Family = "ipv6"
	}
	r.State = c.StateName()
	return r
}

func newEnd(t *packet.Tuple, c *conntrack.Conn, dir int) End {
	addr := func(a packet.Addr) string {
		if t.Family == packet.IPv4 {
			return netip.AddrFrom4([4]byte(a[:4])).String()
		}
		return netip.AddrFrom16(a).String()
	}
	return End{addr(t.Src), addr(t.Dst), t.SPort, t.DPort, c.Packets()[dir], c.Bytes()[dir]}
}

// WriteJSON writes the report with all connections as one JSON object. extra,
// if not nil, goes in under its name: what is not the same every time.
func (r *Report) WriteJSON(w io.Writer, extraName string, extra any) error {
	head, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w)
	b.Write(bytes.TrimSuffix(head, []byte("\n}")))
	if extra != nil {
		v, err := json.Marshal(extra)
		if err != nil {
			return err
		}
		b.WriteString(",\n  \"" + extraName + "\": ")
		b.Write(v)
	}
	// One at a time: there may be millions.
	b.WriteString(",\n  \"connections\": [")
	sep := "\n    "
	for ref, c := range r.Connections {
		v, err := json.Marshal(newConnectionReport(r.engine.Tracker(), ref, c, r.LastTime))
		if err != nil {
			return err
		}
		b.WriteString(sep)
		b.Write(v)
		sep = ",\n    "
	}
	b.WriteString("\n  ]\n}\n")
	return b.Flush()
}
