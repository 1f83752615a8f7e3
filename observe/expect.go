package observe

import (
	"fmt"

	"sluice/conntrack"
	"sluice/packet"
)

// AppendExpect appends an expectation as conntrack(8) prints it, without a
// line feed (libnetfilter_conntrack's default format). What the mask says is
// which parts of the tuple must be met: all but the source port.
func AppendExpect(b []byte, e *conntrack.Expectation, now int64) []byte {
	b = fmt.Appendf(b, "%d proto=%d ", max(e.Deadline-now, 0)/1e9, e.Tuple.Proto)
	b = appendShortTuple(b, &e.Tuple)
	mask := packet.Tuple{DPort: 0xffff, Proto: e.Tuple.Proto, Family: e.Tuple.Family}
	if e.Tuple.SPort != 0 {
		mask.SPort = 0xffff
	}
	n := 4
	if e.Tuple.Family == packet.IPv6 {
		n = 16
	}
	for i := range n {
		mask.Src[i], mask.Dst[i] = 0xff, 0xff
	}
	b = appendNamed(b, "mask-", &mask)
	b = appendNamed(b, "master-", &e.MasterOf)
	if e.Zone != 0 {
		b = fmt.Appendf(b, "zone=%d ", e.Zone)
	}
	return fmt.Appendf(b, "class=0 helper=%s", conntrack.HelperNames[e.Helper])
}

// appendNamed is appendShortTuple with a word before src and dst.
func appendNamed(b []byte, name string, t *packet.Tuple) []byte {
	b = t.Src.Netip(t.Family).AppendTo(append(append(b, name...), "src="...))
	b = t.Dst.Netip(t.Family).AppendTo(append(append(append(b, ' '), name...), "dst="...))
	return appendPorts(append(b, ' '), t)
}
