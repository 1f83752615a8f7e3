package tc

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"

	"sluice/policy"
)

// The policy language has a little of ip(8) besides tc(8): what Linux must be
// told before packets go into tunnels and come out of them. iproute2 keeps
// the two in two programs; the words are the same.

const ipObjects = "link, address, neighbour or route"

// ip is `ip link|address|neighbour|route …`.
func (s *Session) ip(c *cursor) {
	for c.more() && strings.HasPrefix(c.text(), "-") {
		if w := c.text(); w != "-4" && w != "-6" {
			c.fail(fmt.Sprintf(`Option "%s" is unknown, try "ip -help".`, w), "-4, -6 or "+ipObjects)
		}
		c.skip()
	}
	switch {
	case c.is("address"):
		c.arg("add")
		s.ipVerb(c, "add")
		s.ipAddress(c)
	case c.is("route"):
		c.arg("add or replace")
		s.ipRoute(c, s.ipVerb(c, "add", "replace") == "replace")
	case c.is("neighbor"), c.is("neighbour"):
		c.arg("add or replace")
		s.ipNeigh(c, s.ipVerb(c, "add", "replace") == "replace")
	case c.is("link"):
		c.arg("add, set or delete")
		switch s.ipVerb(c, "add", "set", "delete") {
		case "add":
			s.linkAdd(c)
		case "set":
			s.linkSet(c)
		default:
			c.fail("Devices stay once they are declared", "add or set")
		}
	default:
		c.fail(fmt.Sprintf(`Object "%s" is unknown, try "ip help".`, c.text()), ipObjects)
	}
}

// ipVerb reads one of the verbs.
func (s *Session) ipVerb(c *cursor, verbs ...string) string {
	for _, v := range verbs {
		if c.is(v) {
			c.skip()
			return v
		}
	}
	c.fail(fmt.Sprintf(`Command "%s" is unknown, try "ip help".`, c.text()), strings.Join(verbs, " or "))
	return ""
}

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

// anyAddress is iproute2's complaint about what is no address.
func (c *cursor) anyAddress() {
	e := c.errorAt(c.i, fmt.Sprintf(`Error: any valid address is expected rather than "%s".`, c.text()), "an IPv4 or IPv6 address")
	e.code, e.final = 1, true
	panic(e)
}

// mac reads the MAC address behind the present word.
func (c *cursor) mac() (mac [6]byte) {
	s := c.arg("a MAC address")
	b, err := hex.DecodeString(strings.ReplaceAll(s, ":", ""))
	if err != nil || len(b) != 6 || len(s) != 17 {
		c.fail(fmt.Sprintf(`"%s" is invalid lladdr.`, s), "a MAC address, such as 02:00:00:00:00:01")
	}
	return [6]byte(b)
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

// ipPrefix reads ADDRESS[/LENGTH].
func (c *cursor) ipPrefix() netip.Prefix {
	if a, err := netip.ParseAddr(c.text()); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen())
	}
	p, err := netip.ParsePrefix(c.text())
	if err != nil {
		e := c.errorAt(c.i, fmt.Sprintf(`Error: any valid prefix is expected rather than "%s".`, c.text()), "ADDRESS/LENGTH")
		e.code = 1
		panic(e)
	}
	return p
}

// ipAddress is `ip address add ADDRESS/LENGTH dev DEVICE`.
func (s *Session) ipAddress(c *cursor) {
	start := c.i
	if !c.more() {
		c.fail(incomplete, "ADDRESS/LENGTH dev DEVICE")
	}
	p := c.ipPrefix()
	c.skip()
	dev := ""
	for c.more() {
		switch w := c.text(); {
		case w == "dev":
			dev = c.arg("a device")
			c.device(dev)
		case w == "brd", w == "broadcast", w == "scope", w == "metric", w == "label":
			c.arg("a value")
		case w == "nodad", w == "noprefixroute":
		default:
			c.fail(fmt.Sprintf(`Error: either "local" is duplicate, or "%s" is a garbage.`, w), "dev DEVICE")
		}
		c.skip()
	}
	if dev == "" {
		c.fail(`Not enough information: "dev" argument is required.`, "dev DEVICE")
	}
	if err := s.Policy.AddAddr(dev, p); err != nil {
		c.kernel(start, err, "", 2)
	}
}

// ipRoute is `ip route add PREFIX|default [via ADDRESS] dev DEVICE`.
func (s *Session) ipRoute(c *cursor, replace bool) {
	start := c.i
	if !c.more() {
		c.fail(incomplete, "PREFIX dev DEVICE")
	}
	r := policy.Route{}
	six := false
	for _, w := range c.words[:c.i] {
		six = six || w.text == "-6"
	}
	if c.text() != "default" {
		r.To = c.ipPrefix()
		if r.To != r.To.Masked() {
			c.fail("Error: Invalid prefix for given prefix length.", "no bits beyond the length")
		}
	}
	isDefault := c.text() == "default"
	c.skip()
	for c.more() {
		switch w := c.text(); {
		case w == "dev":
			r.Dev = c.arg("a device")
			c.device(r.Dev)
		case w == "via":
			a, err := netip.ParseAddr(c.arg("an address"))
			if err != nil {
				c.anyAddress()
			}
			r.Via, six = a, six || a.Is6()
		case w == "metric", w == "proto", w == "scope", w == "src":
			c.arg("a value")
		default:
			c.fail(fmt.Sprintf(`Error: either "to" is duplicate, or "%s" is a garbage.`, w), "via ADDRESS or dev DEVICE")
		}
		c.skip()
	}
	if isDefault {
		r.To = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if six {
			r.To = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
	}
	if r.Dev == "" && r.Via.IsValid() {
		if x, ok := s.Policy.Lookup(r.Via, ""); ok {
			r.Dev = x.Dev
		} else {
			c.kernel(start, &policy.Error{Errno: policy.EINVAL, Msg: "Nexthop has invalid gateway"}, "", 2)
		}
	}
	if r.Dev == "" {
		c.fail("RTNETLINK answers: No such device", "dev DEVICE")
	}
	if err := s.Policy.AddRoute(r, replace); err != nil {
		c.kernel(start, err, "", 2)
	}
}

// ipNeigh is `ip neighbour add ADDRESS lladdr MAC dev DEVICE`.
func (s *Session) ipNeigh(c *cursor, replace bool) {
	start := c.i
	n := policy.Neigh{}
	mac := false
	for c.more() {
		switch w := c.text(); {
		case w == "lladdr":
			n.MAC, mac = c.mac(), true
		case w == "dev":
			n.Dev = c.arg("a device")
			c.device(n.Dev)
		case w == "nud":
			c.arg("permanent")
		case w == "to", !n.Addr.IsValid():
			if w == "to" {
				c.arg("an address")
			}
			a, err := netip.ParseAddr(c.text())
			if err != nil {
				c.anyAddress()
			}
			n.Addr = a
		default:
			c.fail(fmt.Sprintf(`Error: duplicate "to": "%s" is the second value.`, w), "lladdr MAC or dev DEVICE")
		}
		c.skip()
	}
	if !n.Addr.IsValid() || n.Dev == "" {
		c.fail("Device and destination are required arguments.", "ADDRESS lladdr MAC dev DEVICE")
	}
	if !mac {
		c.fail("A neighbour without a MAC address says nothing here", "lladdr MAC")
	}
	if err := s.Policy.AddNeigh(n, replace); err != nil {
		c.kernel(start, err, "", 2)
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
