package replay

import (
	"cmp"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"slices"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/policy"
)

// PoolReport is how far one of the policy's ranges for source translation is
// used up towards the server for which it is fullest: a port may be taken once
// towards each.
type PoolReport struct {
	Range    string         `json:"range"` // as in the policy
	Zone     uint16         `json:"zone"`
	Protocol uint8          `json:"protocol"`
	Server   netip.AddrPort `json:"server"`
	Used     uint64         `json:"used"`     // addresses and ports
	Possible uint64         `json:"possible"` // those that the range has
}

// nearlyUsed is from which share on, in percent, a pool is reported.
const nearlyUsed = 80

// pool is a range of addresses and ports in a zone.
type pool struct {
	zone     uint16
	family   uint8
	min, max packet.Addr
	lo, hi   uint16
}

// server is what a pool's ports are counted towards.
type server struct {
	addr  packet.Addr
	port  uint16
	proto uint8
}

// natPools looks at the ranges that may be nearly used up; there is work to do
// only for those with that many connections.
func natPools(p *policy.Policy, tr *conntrack.Tracker, now int64) (out []PoolReport) {
	pools := poolsOf(p)
	if len(pools) == 0 {
		return nil
	}
	in := make([]uint64, len(pools))
	for ref, c := range tr.All(now) {
		if c.Status&conntrack.StatusSrcNAT == 0 {
			continue
		}
		reply := tr.Reply(ref)
		for i := range pools {
			if pools[i].has(c, &reply) {
				in[i]++
			}
		}
	}
	for i := range pools {
		pl := &pools[i]
		possible := pl.size()
		full := func(n uint64) bool { return n/nearlyUsed >= possible/100 && n*100 >= possible*nearlyUsed }
		if !full(in[i]) {
			continue
		}
		used := map[server]uint64{}
		for ref, c := range tr.All(now) {
			if reply := tr.Reply(ref); c.Status&conntrack.StatusSrcNAT != 0 && pl.has(c, &reply) {
				used[server{reply.Src, reply.SPort, reply.Proto}]++
			}
		}
		var most server
		for s, n := range used {
			if m := used[most]; n > m || n == m && s.before(&most) {
				most = s
			}
		}
		if full(used[most]) {
			out = append(out, PoolReport{
				pl.text(), pl.zone, most.proto, netip.AddrPortFrom(most.addr.Netip(pl.family), most.port), used[most], possible,
			})
		}
	}
	return out
}

func (s *server) before(o *server) bool {
	return cmp.Or(s.addr.Netip(packet.IPv6).Compare(o.addr.Netip(packet.IPv6)), cmp.Compare(s.port, o.port), cmp.Compare(s.proto, o.proto)) < 0
}

// poolsOf lists the ranges that a policy translates sources to, each once.
// Without ports, those that are not privileged count.
func poolsOf(p *policy.Policy) (pools []pool) {
	for _, a := range p.ActionsOf("ct") {
		ct := a.CT
		if !ct.NATSrc || !ct.NATHasAddr || ct.NATMin == [16]byte{} {
			continue
		}
		pl := pool{ct.Zone, packet.IPv4, ct.NATMin, ct.NATMax, 1024, 65535}
		if ct.NATIPv6 {
			pl.family = packet.IPv6
		}
		if ct.NATHasPort {
			pl.lo, pl.hi = ct.PortMin, ct.PortMax
		}
		if !slices.Contains(pools, pl) {
			pools = append(pools, pl)
		}
	}
	return pools
}

// has reports whether a connection has an address and a port of the pool.
func (pl *pool) has(c *conntrack.Conn, reply *packet.Tuple) bool {
	switch reply.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
	default:
		return false
	}
	return c.Zone == pl.zone && reply.Family == pl.family && reply.DPort >= pl.lo && reply.DPort <= pl.hi &&
		slices.Compare(reply.Dst[:], pl.min[:]) >= 0 && slices.Compare(reply.Dst[:], pl.max[:]) <= 0
}

// size is how many pairs of address and port there are; at most 2^63.
func (pl *pool) size() uint64 {
	n := 4
	if pl.family == packet.IPv6 {
		n = 16
	}
	addrs := uint64(0)
	for i := range n {
		if addrs >= 1<<40 {
			return 1 << 63
		}
		addrs = uint64(int64(addrs<<8) + int64(pl.max[i]) - int64(pl.min[i]))
	}
	hi, size := bits.Mul64(addrs+1, uint64(pl.hi)-uint64(pl.lo)+1)
	if hi != 0 {
		return 1 << 63
	}
	return size
}

func (pl *pool) text() string {
	s := pl.min.Netip(pl.family).String()
	if pl.min != pl.max {
		s += "-" + pl.max.Netip(pl.family).String()
	}
	return fmt.Sprintf("%s port %d-%d", s, pl.lo, pl.hi)
}

func (r *Report) poolsTable(b io.Writer) {
	if len(r.NATPools) == 0 {
		return
	}
	rows := [][]string{{"nat pool", "zone", "fullest towards", "proto", "used", "of"}}
	for _, p := range r.NATPools {
		rows = append(rows, []string{p.Range, fmt.Sprint(p.Zone), p.Server.String(), fmt.Sprint(p.Protocol), fmt.Sprint(p.Used), fmt.Sprint(p.Possible)})
	}
	grid(b, "lrlrrr", rows)
}
