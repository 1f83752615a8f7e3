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
		if x, ok := s.Policy.Lookup(r.Via, ""); ok && !x.Via.IsValid() {
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
