package policy

import "net/netip"

// TunnelKey is `action tunnel_key`: it gives a packet the metadata that it
// goes into a tunnel with, or takes away what it came out of one with. The
// zero value is neither, which the kernel refuses.
type TunnelKey struct {
	Set, Release bool
	HasID        bool
	ID           uint32
	Src, Dst     [16]byte // IPv4 in the first four bytes
	Family       uint8    // 4 or 6; 0: two different ones were given, or none
	DstPort      uint16   // 0: the port's own
	TOS, TTL     uint8
	NoCsum       bool
	DontFrag     bool
	// OptsKind is "geneve", "vxlan", "erspan" or empty; Opts are in the form
	// of Match.EncOpts.
	OptsKind string
	Opts     []byte
}

// Kinds of tunnels, as `ip link add … type` names them.
const (
	VXLAN     = "vxlan"
	Geneve    = "geneve"
	GRETap    = "gretap"
	IP6GRETap = "ip6gretap"
)

// Tunnel makes a device the end of tunnels: what arrives for it anywhere
// comes in on it without its outer headers, and what is sent out of it with
// tunnel metadata leaves wrapped. Linux calls that an external port.
type Tunnel struct {
	Kind        string
	Port        uint16 // of UDP
	MinPort     uint16 // UDP's source ports, from MinPort up to
	MaxPort     uint16 // below MaxPort
	GroupPolicy bool   // VXLAN's extension
	ZeroSum6    bool   // UDP over IPv6 may arrive without a checksum
	Under       string // the device it runs over; empty: routes decide
	Local       netip.Addr
}

// Defaults of tunnel ports. VXLAN's is Linux's, older than IANA's 4789; the
// source ports are ip_local_port_range and what geneve.c asks for.
const (
	vxlanPort  = 8472
	genevePort = 6081
)

// NewTunnel gives a tunnel of a kind with the kernel's defaults.
func NewTunnel(kind string) *Tunnel {
	switch kind {
	case VXLAN:
		return &Tunnel{Kind: kind, Port: vxlanPort, MinPort: 32768, MaxPort: 60999}
	case Geneve:
		return &Tunnel{Kind: kind, Port: genevePort, MinPort: 1, MaxPort: 65535, ZeroSum6: true}
	}
	return &Tunnel{Kind: kind}
}

// Route says which device an address is reached by, and through whom.
type Route struct {
	To  netip.Prefix
	Via netip.Addr // invalid: directly
	Dev string
}

// Neigh is an address's MAC address on a device.
type Neigh struct {
	Dev  string
	Addr netip.Addr
	MAC  [6]byte
}

// AddTunnel makes a device that is the end of tunnels.
func (p *Policy) AddTunnel(name string, t *Tunnel) error {
	d := p.Device(name)
	if d != nil && (d.Tunnel != nil || d.Qdisc != "" && !d.Implied) {
		return refuse(EEXIST, "")
	}
	for _, o := range p.Devices {
		if o.Tunnel != nil && o.Tunnel.Kind == t.Kind && o.Tunnel.Port == t.Port {
			if t.Kind == VXLAN {
				return refuse(EEXIST, "A VXLAN device with the specified VNI already exists")
			}
			return refuse(EEXIST, "")
		}
	}
	if t.Under != "" && p.Device(t.Under) == nil {
		return refuse(EINVAL, "Invalid ifindex for remote address")
	}
	p.Declare(name).Tunnel = t
	p.Generation++
	return nil
}

// SetMAC gives a device its own address.
func (p *Policy) SetMAC(dev string, mac [6]byte) {
	d := p.Declare(dev)
	d.MAC, d.HasMAC = mac, true
	p.Generation++
}

// AddAddr gives a device an address with the prefix of its network.
func (p *Policy) AddAddr(dev string, a netip.Prefix) error {
	d := p.Declare(dev)
	for _, x := range d.Addrs {
		if x == a {
			return refuse(EEXIST, "Address already assigned")
		}
	}
	d.Addrs = append(d.Addrs, a)
	p.Generation++
	return nil
}

// AddRoute adds a route. Of two for one network the kernel would want
// different metrics.
func (p *Policy) AddRoute(r Route, replace bool) error {
	for i, x := range p.Routes {
		if x.To == r.To {
			if !replace {
				return refuse(EEXIST, "")
			}
			p.Routes[i] = r
			p.Generation++
			return nil
		}
	}
	p.Routes = append(p.Routes, r)
	p.Generation++
	return nil
}

// AddNeigh names an address's MAC address.
func (p *Policy) AddNeigh(n Neigh, replace bool) error {
	for i, x := range p.Neighs {
		if x.Dev == n.Dev && x.Addr == n.Addr {
			if !replace {
				return refuse(EEXIST, "")
			}
			p.Neighs[i] = n
			p.Generation++
			return nil
		}
	}
	p.Neighs = append(p.Neighs, n)
	p.Generation++
	return nil
}

// Lookup finds the way to an address: the longest prefix of the routes and of
// the devices' own networks. A neighbour's device is a way, too, as is a
// tunnel's underlay; those count least.
func (p *Policy) Lookup(to netip.Addr, under string) (r Route, ok bool) {
	best := -1
	consider := func(x Route) {
		if x.To.Contains(to) && x.To.Bits() > best {
			best, r, ok = x.To.Bits(), x, true
		}
	}
	for _, d := range p.Devices {
		for _, a := range d.Addrs {
			consider(Route{To: a.Masked(), Dev: d.Name})
		}
	}
	for _, x := range p.Routes {
		consider(x)
	}
	if !ok && under != "" {
		return Route{Dev: under}, true
	}
	if ok {
		return r, true
	}
	for _, n := range p.Neighs {
		if n.Addr == to {
			return Route{Dev: n.Dev}, true
		}
	}
	return r, false
}

// NeighMAC gives an address's MAC address on a device.
func (p *Policy) NeighMAC(dev string, a netip.Addr) (mac [6]byte, ok bool) {
	for _, n := range p.Neighs {
		if n.Dev == dev && n.Addr == a {
			return n.MAC, true
		}
	}
	return mac, false
}

// checkTunnelKey is act_tunnel_key.c tunnel_key_init.
func checkTunnelKey(t *TunnelKey) error {
	switch {
	case !t.Set && !t.Release:
		return refuse(EINVAL, "Unknown tunnel key action")
	case t.Set && t.Family == 0:
		return refuse(EINVAL, "Missing either ipv4 or ipv6 src and dst")
	case t.Set && t.OptsKind == "geneve":
		return checkGeneveOpts(t.Opts)
	case t.Set && t.OptsKind == "erspan":
		if v := t.Opts[0]; v != 1 && v != 2 {
			return refuse(EINVAL, "Tunnel key erspan option ver is incorrect")
		}
	}
	return nil
}

// checkGeneveOpts is act_tunnel_key.c tunnel_key_copy_geneve_opt for each
// option.
func checkGeneveOpts(b []byte) error {
	total := 0
	for len(b) >= 4 {
		n := int(b[3])
		switch {
		case n == 0:
			return refuse(EINVAL, "Missing tunnel key geneve option class, type or data")
		case n < 4:
			return refuse(ERANGE, "Tunnel key geneve option data is less than 4 bytes long")
		case n%4 != 0:
			return refuse(ERANGE, "Tunnel key geneve option data is not a multiple of 4 bytes long")
		}
		total += 4 + n
		b = b[min(4+n, len(b)):]
	}
	if total > 255 {
		return refuse(EINVAL, "Tunnel options exceeds max size")
	}
	return nil
}
