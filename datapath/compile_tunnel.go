package datapath

import (
	"encoding/binary"
	"net/netip"

	"sluice/packet"
	"sluice/policy"
)

// ports compiles the devices that are ends of tunnels, and what is known of
// the host.
func (c *compiler) ports(p *policy.Policy) {
	for i, d := range p.Devices {
		dp := &c.p.devs[i]
		dp.tunnel, dp.mac, dp.hasMAC = -1, d.MAC, d.HasMAC
		for _, a := range d.Addrs {
			c.local(a.Addr())
		}
		t := d.Tunnel
		if t == nil {
			continue
		}
		if t.Local.IsValid() {
			c.local(t.Local)
		}
		tp := tunnelPort{
			TunnelPort: packet.TunnelPort{
				Kind: tunnelKind(t.Kind), GroupPolicy: t.GroupPolicy, ZeroSum6: t.ZeroSum6, MAC: d.MAC, HasMAC: d.HasMAC,
			},
			dev: int32(i), under: -1, port: t.Port, family: packet.IPv4,
		}
		if t.Kind == policy.IP6GRETap {
			tp.family = packet.IPv6
		}
		if u, ok := c.devs[t.Under]; ok {
			tp.under = u
		}
		tp.outer = packet.Outer{Kind: tp.Kind, DPort: t.Port, MinPort: t.MinPort, MaxPort: t.MaxPort, GroupPolicy: t.GroupPolicy}
		dp.tunnel = int32(len(c.p.tunnels))
		c.p.tunnels = append(c.p.tunnels, tp)
	}
}

func (c *compiler) local(a netip.Addr) {
	c.p.local = append(c.p.local, localAddr{packet.AddrFrom(a), family(a)})
}

func family(a netip.Addr) uint8 {
	if a.Is4() {
		return packet.IPv4
	}
	return packet.IPv6
}

func tunnelKind(name string) packet.TunnelKind {
	switch name {
	case policy.VXLAN:
		return packet.VXLAN
	case policy.Geneve:
		return packet.Geneve
	}
	return packet.GRETap
}

// tunnelKey compiles an action and returns the number of what it sets, -1 for
// unset. The ways through all tunnel ports are found here: where a tunnel
// leads is a question of the policy, not of the packet.
func (c *compiler) tunnelKey(t *policy.TunnelKey) int32 {
	if !t.Set {
		return -1
	}
	s := tunnelSet{Tunnel: packet.Tunnel{
		Src: t.Src, Dst: t.Dst, ID: t.ID, DPort: t.DstPort, TOS: t.TOS, TTL: t.TTL, Family: packet.IPv4,
	}}
	if t.Family == 6 {
		s.Family = packet.IPv6
	}
	for _, f := range []struct {
		on   bool
		flag packet.TunnelFlag
	}{{t.HasID, packet.TunnelKey}, {!t.NoCsum, packet.TunnelChecksum}, {t.DontFrag, packet.TunnelDF}} {
		if f.on {
			s.Flags |= f.flag
		}
	}
	switch t.OptsKind {
	case "geneve":
		s.OptsKind = packet.Geneve
		key, _ := geneveBytes(t.Opts, t.Opts)
		s.OptsLen = uint8(copy(s.Opts[:], key))
	case "vxlan":
		s.OptsKind = packet.VXLAN
		s.OptsLen = uint8(copy(s.Opts[:], t.Opts))
	}
	for i := range c.p.tunnels {
		s.out = append(s.out, c.tunnelOut(&s.Tunnel, &c.p.tunnels[i]))
	}
	c.p.sets = append(c.p.sets, s)
	return int32(len(c.p.sets) - 1)
}

// tunnelOut finds the way through a port.
func (c *compiler) tunnelOut(t *packet.Tunnel, port *tunnelPort) tunnelOut {
	p := c.p.policy
	if port.Kind == packet.GRETap && port.family != t.Family {
		return tunnelOut{reason: ReasonTunnelFamily}
	}
	known, mine := len(c.p.local) > 0, false
	for _, l := range c.p.local {
		mine = mine || l == localAddr{t.Src, t.Family}
		if l == (localAddr{t.Dst, t.Family}) {
			return tunnelOut{reason: ReasonTunnelRoute}
		}
	}
	if known && !mine {
		return tunnelOut{reason: ReasonTunnelRoute}
	}
	dst := t.Dst.Netip(t.Family)
	r, ok := p.Lookup(dst, p.Devices[port.dev].Tunnel.Under)
	dev, there := c.devs[r.Dev]
	if !ok || !there || p.Devices[dev].Tunnel != nil {
		return tunnelOut{reason: ReasonTunnelRoute}
	}
	hop := dst
	if r.Via.IsValid() {
		hop = r.Via
	}
	o := tunnelOut{Outer: port.outer, dev: dev}
	o.SMAC = macOf(p.Devices[dev], dev)
	if o.DMAC, ok = p.NeighMAC(r.Dev, hop); !ok {
		if o.DMAC, ok = groupMAC(hop); !ok {
			return tunnelOut{reason: ReasonTunnelNeighbour}
		}
	}
	if port.Kind == packet.GRETap && t.Family == packet.IPv6 {
		// The kernel's label is a hash as well (ipv6.h ip6_make_flowlabel).
		h := uint64(0)
		for i := 0; i < 16; i += 8 {
			h = mix(mix(h, binary.BigEndian.Uint64(t.Src[i:])), binary.BigEndian.Uint64(t.Dst[i:]))
		}
		o.Label = uint32(mix(h, uint64(t.ID))>>44) | 1
	}
	return o
}

// macOf is a device's own address. One that the policy does not name is made
// up from its number.
func macOf(d *policy.Device, n int32) [6]byte {
	if d.HasMAC {
		return d.MAC
	}
	return [6]byte{2, 0, 0, byte(n >> 8), byte(n), 1}
}

// groupMAC is the MAC address of a multicast group (RFC 1112, RFC 2464).
func groupMAC(a netip.Addr) (mac [6]byte, ok bool) {
	if !a.IsMulticast() {
		return mac, false
	}
	if a.Is4() {
		b := a.As4()
		return [6]byte{0x01, 0, 0x5e, b[1] & 0x7f, b[2], b[3]}, true
	}
	b := a.As16()
	return [6]byte{0x33, 0x33, b[12], b[13], b[14], b[15]}, true
}

// optsMatch is a filter's tunnel options. The kernel compares them byte by
// byte where they lie, and the length under itself as a mask: options of 12
// bytes match a filter with 8 (cls_flower.c fl_set_enc_opt).
type optsMatch struct {
	kind      packet.TunnelKind
	key, mask []byte // of one length; key is masked
}

func (m *optsMatch) matches(t *packet.Tunnel) bool {
	n := len(m.key)
	if t == nil || t.OptsKind != m.kind || int(t.OptsLen)&n != n {
		return false
	}
	for i, k := range m.key {
		if t.Opts[i]&m.mask[i] != k {
			return false
		}
	}
	return true
}

// compileOpts gives a filter's options in a header's form; ok is false for
// those that no tunnel here has.
func compileOpts(m *policy.Match) (o *optsMatch, ok bool) {
	switch m.EncOptsKind {
	case "geneve":
		o = &optsMatch{kind: packet.Geneve}
		o.key, o.mask = geneveBytes(m.EncOpts, m.EncOptsMask)
	case "vxlan":
		o = &optsMatch{kind: packet.VXLAN, key: append([]byte(nil), m.EncOpts...), mask: m.EncOptsMask}
	default:
		return nil, false
	}
	for i := range o.key {
		o.key[i] &= o.mask[i]
	}
	return o, len(o.key) <= packet.MaxTunnelOpts
}

// geneveBytes turns policy.Match's options into Geneve's: the length of the
// data counts words there, and masks itself.
func geneveBytes(key, mask []byte) (k, m []byte) {
	k, m = append([]byte(nil), key...), append([]byte(nil), mask...)
	for i := 0; i+4 <= len(k); {
		n := int(k[i+3])
		k[i+3], m[i+3] = byte(n/4), byte(n/4)
		i += 4 + n
	}
	return k, m
}
