package tc

import (
	"fmt"
	"net/netip"

	"sluice/policy"
)

// linkAdd is `ip link add NAME [address MAC] type KIND … external`.
func (s *Session) linkAdd(c *cursor) {
	start := c.i
	var name string
	var mac [6]byte
	var hasMAC bool
	for c.more() && !c.is("type") {
		switch {
		case c.text() == "name", c.text() == "dev":
			name = c.arg("a device's name")
		case c.text() == "address":
			mac, hasMAC = c.mac(), true
		case c.text() == "mtu", c.text() == "txqueuelen", c.text() == "numtxqueues", c.text() == "numrxqueues":
			c.arg("a number") // it changes nothing here
		case name == "":
			name = c.text()
		default:
			c.fail(fmt.Sprintf(`Error: either "dev" is duplicate, or "%s" is a garbage.`, c.text()), "address MAC, or type KIND")
		}
		c.skip()
	}
	if !c.more() {
		c.fail(`Not enough information: "type" argument is required`, "type vxlan, geneve, gretap or ip6gretap")
	}
	kind := c.arg("vxlan, geneve, gretap or ip6gretap")
	c.skip()
	if !deviceName(name) {
		c.i = start
		c.wrong("not a valid ifname", "a device's name: at most 15 characters, no / or :")
	}
	delete(s.indevs, name)
	var t *policy.Tunnel
	switch kind {
	case policy.VXLAN, policy.Geneve, policy.GRETap, policy.IP6GRETap:
		t = policy.NewTunnel(kind)
		c.tunnelOptions(t)
	case "dummy", "veth", "ifb":
		// A device like any other, whatever is at its far end.
		s.Policy.Declare(name)
		c.i = len(c.words)
	default:
		c.i = start
		e := c.errorAt(c.i, "Error: Unknown device type.", "vxlan, geneve, gretap or ip6gretap")
		e.code = 2
		panic(e)
	}
	if t != nil {
		if err := s.Policy.AddTunnel(name, t); err != nil {
			c.kernel(start, err, "", 2)
		}
	}
	if hasMAC {
		s.Policy.SetMAC(name, mac)
	}
}

// tunnelOptions reads what follows the kind of a tunnel.
func (c *cursor) tunnelOptions(t *policy.Tunnel) {
	udp := t.Kind == policy.VXLAN || t.Kind == policy.Geneve
	external := false
	port := func() uint16 {
		n, ok := u16(c.arg("a port"), 0)
		if !ok {
			c.wrong("port", "a port")
		}
		return n
	}
	for c.more() {
		switch w := c.text(); {
		case w == "external":
			external = true
		case w == "dstport" && udp:
			if t.Port = port(); t.Port == 0 {
				t.Port = policy.NewTunnel(t.Kind).Port
			}
		case w == "srcport" && t.Kind == policy.VXLAN:
			t.MinPort, t.MaxPort = port(), port()
			if t.MinPort == 0 && t.MaxPort == 0 {
				t.MinPort, t.MaxPort = policy.NewTunnel(t.Kind).MinPort, policy.NewTunnel(t.Kind).MaxPort
			} else if t.MinPort > t.MaxPort {
				c.fail("RTNETLINK answers: Invalid argument", "the lower port first")
			}
		case w == "gbp" && t.Kind == policy.VXLAN:
			t.GroupPolicy = true
		case w == "udp6zerocsumrx" && udp:
			t.ZeroSum6 = true
		case w == "noudp6zerocsumrx" && udp:
			// To Geneve's driver the attribute counts, whatever is in it.
			t.ZeroSum6 = t.Kind == policy.Geneve
		case w == "local":
			a, err := netip.ParseAddr(c.arg("an address"))
			if err != nil {
				c.anyAddress()
			}
			t.Local = a
		case w == "dev":
			name := c.arg("a device")
			c.device(name)
			t.Under = name
		case w == "ttl", w == "tos", w == "hoplimit", w == "ageing", w == "encaplimit":
			c.arg("a value") // the packet's own metadata decide
		case w == "learning", w == "nolearning", w == "udpcsum", w == "noudpcsum", w == "udp6zerocsumtx", w == "noudp6zerocsumtx", w == "csum", w == "nocsum", w == "icsum", w == "noicsum", w == "ocsum", w == "noocsum":
			// So with the packet's own metadata, too.
		case w == "id", w == "vni", w == "remote", w == "group", w == "key", w == "ikey", w == "okey":
			c.fail(fmt.Sprintf(`%s: both 'external' and "%s" cannot be specified`, t.Kind, w), "external alone: tunnel_key and enc_key_id name tunnels")
		default:
			c.fail(fmt.Sprintf(`%s: unknown command "%s"?`, t.Kind, w), "external, dstport PORT, dev DEVICE or local ADDRESS")
		}
		c.skip()
	}
	if !external {
		c.fail(fmt.Sprintf("%s: only external ports are part of this program", t.Kind), "external")
	}
}

// linkSet is `ip link set [dev] NAME [address MAC] [up]`.
func (s *Session) linkSet(c *cursor) {
	if c.text() == "dev" {
		c.skip()
	}
	name := c.text()
	c.device(name)
	c.skip()
	for c.more() {
		switch w := c.text(); {
		case w == "up", w == "promisc", w == "on", w == "off", w == "arp":
		case w == "mtu", w == "txqueuelen":
			c.arg("a number")
		case w == "address":
			s.Policy.SetMAC(name, c.mac())
		default:
			c.fail(fmt.Sprintf(`Error: either "dev" is duplicate, or "%s" is a garbage.`, w), "address MAC, mtu N or up")
		}
		c.skip()
	}
}

// hostLines writes what ip makes of a policy so that it can be read again.
func hostLines(p *policy.Policy) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, d := range p.Devices {
		if d.Tunnel == nil && d.HasMAC {
			add("ip link set dev %s address %s", d.Name, macText(d.MAC))
		}
		for _, a := range d.Addrs {
			if d.Tunnel == nil {
				add("ip address add %s dev %s", a, d.Name)
			}
		}
	}
	for _, d := range p.Devices {
		if d.Tunnel == nil {
			continue
		}
		s := "ip link add " + d.Name
		if d.HasMAC {
			s += " address " + macText(d.MAC)
		}
		add("%s type %s external%s", s, d.Tunnel.Kind, tunnelWords(d.Tunnel))
		for _, a := range d.Addrs {
			add("ip address add %s dev %s", a, d.Name)
		}
	}
	for _, r := range p.Routes {
		s := "ip route add " + r.To.String()
		if r.Via.IsValid() {
			s += " via " + r.Via.String()
		}
		add("%s dev %s", s, r.Dev)
	}
	for _, n := range p.Neighs {
		add("ip neighbour add %s lladdr %s dev %s", n.Addr, macText(n.MAC), n.Dev)
	}
	return out
}

func tunnelWords(t *policy.Tunnel) string {
	s, plain := "", policy.NewTunnel(t.Kind)
	flag := func(on bool, w string) {
		if on {
			s += " " + w
		}
	}
	if plain.Port != 0 {
		s += fmt.Sprintf(" dstport %d", t.Port)
	}
	if t.Kind == policy.VXLAN && (t.MinPort != plain.MinPort || t.MaxPort != plain.MaxPort) {
		s += fmt.Sprintf(" srcport %d %d", t.MinPort, t.MaxPort)
	}
	flag(t.GroupPolicy, "gbp")
	flag(t.ZeroSum6 && !plain.ZeroSum6, "udp6zerocsumrx")
	if t.Local.IsValid() {
		s += " local " + t.Local.String()
	}
	if t.Under != "" {
		s += " dev " + t.Under
	}
	return s
}
