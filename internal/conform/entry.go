package conform

import (
	"encoding/hex"
	"encoding/json"

	"sluice/conntrack"
	"sluice/observe"
	"sluice/packet"
)

// statusNames are the status bits' names, from bit 0 on.
var statusNames = []string{
	"EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE",
	"DST_NAT_DONE", "DYING", "FIXED_TIMEOUT", "TEMPLATE", "UNTRACKED", "HELPER", "OFFLOAD", "HW_OFFLOAD",
}

// entry gives a connection as a ctnetlink dump shows it: what is at its
// default is left out, and what the flow table holds has neither timeout nor
// protocol state.
func entry(t *conntrack.Tracker, ref packet.ConnRef, c *conntrack.Conn, now int64) Entry {
	orig, reply, set := c.Orig, t.Reply(ref), t.Settings()
	e := Entry{"l3": c.Orig.Family, "orig": tuple(&orig), "reply": tuple(&reply), "mark": c.Mark}
	status := []any{}
	for i, n := range statusNames {
		if c.Status>>i&1 != 0 {
			status = append(status, n)
		}
	}
	e["status"] = status
	if c.Zone != 0 {
		e["zone"] = c.Zone
	}
	if c.Label != ([16]byte{}) {
		e["labels"] = hex.EncodeToString(c.Label[:])
	}
	if c.Status&conntrack.StatusOffload == 0 {
		e["timeout"] = observe.Seconds(c, now)
		switch c.Orig.Proto {
		case packet.ProtoDCCP:
			e["dccp"] = map[string]any{"state": c.DCCP().State}
		case packet.ProtoSCTP:
			e["sctp"] = map[string]any{"state": c.SCTP().State}
		case packet.ProtoTCP:
			e["tcp"] = map[string]any{
				"state":    conntrack.TCPStateNames[c.TCP.State],
				"wscale_o": c.TCP.Scale[0], "wscale_r": c.TCP.Scale[1],
				"flags_o": c.TCP.Flags[0], "flags_r": c.TCP.Flags[1],
			}
		}
	}
	if m, ok := t.Master(ref); ok {
		e["master"] = tuple(&m)
	}
	if h := t.HelperOf(ref); h != conntrack.NoHelper {
		e["help"] = map[string]any{"name": conntrack.HelperNames[h]}
	}
	for dir, name := range []string{"seqadj_o", "seqadj_r"} {
		if pos, before, after, ok := t.SeqAdjust(ref, dir); ok {
			e[name] = map[string]any{"pos": pos, "before": uint32(before), "after": uint32(after)}
		}
	}
	if set.Acct {
		e["cnt_o"] = []any{c.Packets()[0], c.Bytes()[0]}
		e["cnt_r"] = []any{c.Packets()[1], c.Bytes()[1]}
	}
	return e
}

// expectation gives an expectation as a ctnetlink dump shows it, which has no
// zone (nf_conntrack_netlink.c ctnetlink_exp_dump_expect).
func expectation(x *conntrack.Expectation, now int64) Entry {
	mask := packet.Tuple{Proto: x.Tuple.Proto, Family: x.Tuple.Family, DPort: 0xffff}
	n := 4
	if x.Tuple.Family == packet.IPv6 {
		n = 16
	}
	for i := range n {
		mask.Src[i], mask.Dst[i] = 0xff, 0xff
	}
	e := Entry{
		"master": tuple(&x.MasterOf), "tuple": tuple(&x.Tuple), "mask": tuple(&mask),
		"timeout": (x.Deadline - now) / 1e9, "helper": conntrack.HelperNames[x.Helper], "flags": x.Flags,
	}
	return e
}

func tuple(t *packet.Tuple) map[string]any {
	m := map[string]any{"src": t.Src.Netip(t.Family).String(), "dst": t.Dst.Netip(t.Family).String(), "proto": t.Proto}
	switch t.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoGRE:
		m["sport"], m["dport"] = t.SPort, t.DPort
	case packet.ProtoICMP, packet.ProtoICMPv6:
		m["id"], m["type"], m["code"] = t.SPort, t.DPort>>8, t.DPort&0xff
	}
	return m
}

// canonical renders a JSON value so that equal values give equal text.
func canonical(v any) string {
	b, err := json.Marshal(v) // sorts keys
	if err != nil {
		panic(err) // only plain maps, slices, numbers and strings come here
	}
	return string(b)
}

// number reads a JSON number or a Go integer.
func number(v any) (int64, bool) {
	n := json.Number(canonical(v))
	i, err := n.Int64()
	return i, err == nil
}

// withoutTimeouts renders a table's lasting part.
func withoutTimeouts(t []Entry) string {
	var lasting []Entry
	for _, e := range t {
		c := Entry{}
		for k, v := range e {
			if k != "timeout" {
				c[k] = v
			}
		}
		lasting = append(lasting, c)
	}
	return canonical(lasting)
}
