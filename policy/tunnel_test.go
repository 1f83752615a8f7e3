package policy

import (
	"net/netip"
	"testing"
)

// generations watches that the policy's generation grows by one with each
// change, and with nothing else.
type generations struct {
	p   *Policy
	was uint64
}

func (g *generations) grew(t *testing.T, want bool, what string) {
	t.Helper()
	if got := g.p.Generation - g.was; got != map[bool]uint64{true: 1}[want] {
		t.Errorf("%s: the generation grew by %d", what, got)
	}
	g.was = g.p.Generation
}

// TestTunnelDefaults are the kernel's (vxlan_core.c, geneve.c, ip_local_port_range).
func TestTunnelDefaults(t *testing.T) {
	for kind, want := range map[string]Tunnel{
		VXLAN:     {Kind: "vxlan", Port: 8472, MinPort: 32768, MaxPort: 60999},
		Geneve:    {Kind: "geneve", Port: 6081, MinPort: 1, MaxPort: 65535, ZeroSum6: true},
		GRETap:    {Kind: "gretap"},
		IP6GRETap: {Kind: "ip6gretap"},
	} {
		if got := *NewTunnel(kind); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

// TestAddTunnel: one device of a kind and port, which must be new.
func TestAddTunnel(t *testing.T) {
	p := newPolicy(t)
	p.Imply("i", false)
	g := generations{p, p.Generation}
	other := NewTunnel(VXLAN)
	other.Port = 4789
	under := NewTunnel(Geneve)
	under.Under = "e"
	nowhere := NewTunnel(IP6GRETap)
	nowhere.Under = "nowhere"
	for _, c := range []struct {
		name string
		t    *Tunnel
		no   Errno
		msg  string
	}{
		{"vx", NewTunnel(VXLAN), "", ""},
		{"vx", NewTunnel(GRETap), EEXIST, ""},
		{"d", NewTunnel(GRETap), EEXIST, ""}, // its qdisc was written
		{"vx2", NewTunnel(VXLAN), EEXIST, "A VXLAN device with the specified VNI already exists"},
		{"vx2", other, "", ""},
		{"i", under, "", ""}, // its qdisc came with a filter
		{"gn", NewTunnel(Geneve), EEXIST, ""},
		{"gre", NewTunnel(GRETap), "", ""},
		{"gre2", NewTunnel(GRETap), EEXIST, ""},
		{"gre6", nowhere, EINVAL, "Invalid ifindex for remote address"},
		{"gre6", NewTunnel(IP6GRETap), "", ""},
	} {
		had := p.Device(c.name) != nil
		err := p.AddTunnel(c.name, c.t)
		if c.no != "" {
			says(t, err, c.no, c.msg)
			g.grew(t, false, c.name)
			continue
		}
		if err != nil || p.Device(c.name).Tunnel != c.t {
			t.Errorf("%s: %v", c.name, err)
		}
		if !had {
			g.was++ // the device, too
		}
		g.grew(t, true, c.name)
	}
}

// TestRoutes: what is added, replaced and looked up.
func TestRoutes(t *testing.T) {
	p := newPolicy(t)
	g := generations{p, p.Generation}
	p.SetMAC("d", [6]byte{2, 5: 9})
	if d := p.Device("d"); d.MAC != [6]byte{2, 5: 9} || !d.HasMAC {
		t.Errorf("%+v", d)
	}
	g.grew(t, true, "mac")
	cidr, addr := netip.MustParsePrefix, netip.MustParseAddr
	for i, c := range []struct {
		err error
		no  Errno
		msg string
	}{
		{p.AddAddr("d", cidr("10.0.0.1/24")), "", ""},
		{p.AddAddr("d", cidr("10.0.0.1/24")), EEXIST, "Address already assigned"},
		{p.AddAddr("d", cidr("10.0.0.1/25")), "", ""},
		{p.AddAddr("e", cidr("10.0.1.1/24")), "", ""},
		{p.AddRoute(Route{To: cidr("0.0.0.0/0"), Via: addr("10.0.0.254"), Dev: "d"}, false), "", ""},
		{p.AddRoute(Route{To: cidr("0.0.0.0/0"), Via: addr("10.0.0.253"), Dev: "d"}, false), EEXIST, ""},
		{p.AddRoute(Route{To: cidr("10.0.1.0/24"), Via: addr("10.0.0.252"), Dev: "d"}, false), "", ""}, // as long as e's own network, which counts
		{p.AddRoute(Route{To: cidr("10.0.0.0/25"), Via: addr("10.0.0.251"), Dev: "e"}, true), "", ""},
		{p.AddRoute(Route{To: cidr("10.0.0.64/26"), Via: addr("10.0.0.250"), Dev: "e"}, false), "", ""},
		{p.AddRoute(Route{To: cidr("10.0.0.64/26"), Via: addr("10.0.0.249"), Dev: "e"}, true), "", ""},
		{p.AddNeigh(Neigh{"d", addr("10.0.0.9"), [6]byte{1}}, false), "", ""},
		{p.AddNeigh(Neigh{"d", addr("10.0.0.9"), [6]byte{2}}, false), EEXIST, ""},
		{p.AddNeigh(Neigh{"e", addr("10.0.0.9"), [6]byte{3}}, false), "", ""},
		{p.AddNeigh(Neigh{"d", addr("10.0.0.9"), [6]byte{4}}, true), "", ""},
		{p.AddNeigh(Neigh{"e", addr("fd00::9"), [6]byte{5}}, true), "", ""},
	} {
		if c.no != "" {
			says(t, c.err, c.no, c.msg)
			g.was--
		} else if c.err != nil {
			t.Errorf("change %d: %v", i, c.err)
		}
		g.was++
	}
	g.was--
	g.grew(t, true, "all of them")
	for to, want := range map[string]Route{
		"10.0.0.200": {To: cidr("10.0.0.0/24"), Dev: "d"},
		"10.0.0.5":   {To: cidr("10.0.0.0/25"), Dev: "d"}, // the first of two that are as long
		"10.0.0.70":  {To: cidr("10.0.0.64/26"), Via: addr("10.0.0.249"), Dev: "e"},
		"10.0.1.7":   {To: cidr("10.0.1.0/24"), Dev: "e"},
		"192.0.2.1":  {To: cidr("0.0.0.0/0"), Via: addr("10.0.0.254"), Dev: "d"},
		"fd00::9":    {Dev: "e"}, // a neighbour
	} {
		if got, ok := p.Lookup(addr(to), ""); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", to, got, ok, want)
		}
	}
	if r, ok := p.Lookup(addr("fd00::9"), "u"); !ok || r != (Route{Dev: "u"}) {
		t.Errorf("by the underlay: %+v %v", r, ok)
	}
	if r, ok := p.Lookup(addr("10.0.1.7"), "u"); !ok || r.Dev != "e" {
		t.Errorf("by a route rather than the underlay: %+v %v", r, ok)
	}
	if r, ok := p.Lookup(addr("fd00::8"), ""); ok || r != (Route{}) {
		t.Errorf("no way: %+v %v", r, ok)
	}
	for _, c := range []struct {
		dev, addr string
		want      byte
	}{{"d", "10.0.0.9", 4}, {"e", "10.0.0.9", 3}, {"e", "fd00::9", 5}, {"d", "fd00::9", 0}, {"d", "10.0.0.8", 0}} {
		if mac, ok := p.NeighMAC(c.dev, addr(c.addr)); mac != [6]byte{c.want} || ok != (c.want != 0) {
			t.Errorf("%s on %s: %v %v", c.addr, c.dev, mac, ok)
		}
	}
}

// TestTunnelKeyChecks: act_tunnel_key.c tunnel_key_init and
// tunnel_key_copy_geneve_opt.
func TestTunnelKeyChecks(t *testing.T) {
	option := func(n int) string { return "\x01\x02\x80" + string([]byte{byte(n)}) + string(make([]byte, n)) }
	for _, c := range []struct {
		name string
		key  TunnelKey
		no   Errno
		msg  string
	}{
		{"neither", TunnelKey{Family: 4}, EINVAL, "Unknown tunnel key action"},
		{"unset", TunnelKey{Release: true}, "", ""},
		{"set", TunnelKey{Set: true, Family: 4}, "", ""},
		{"set without addresses", TunnelKey{Set: true}, EINVAL, "Missing either ipv4 or ipv6 src and dst"},
		{"vxlan", TunnelKey{Set: true, Family: 6, OptsKind: "vxlan", Opts: make([]byte, 4)}, "", ""},
		{"erspan 1", TunnelKey{Set: true, Family: 4, OptsKind: "erspan", Opts: []byte{1}}, "", ""},
		{"erspan 2", TunnelKey{Set: true, Family: 4, OptsKind: "erspan", Opts: []byte{2}}, "", ""},
		{"erspan 3", TunnelKey{Set: true, Family: 4, OptsKind: "erspan", Opts: []byte{3}}, EINVAL, "Tunnel key erspan option ver is incorrect"},
		{"erspan 0", TunnelKey{Set: true, Family: 4, OptsKind: "erspan", Opts: []byte{0}}, EINVAL, "Tunnel key erspan option ver is incorrect"},
		{"geneve", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(4))}, "", ""},
		{"geneve, none", TunnelKey{Set: true, Family: 4, OptsKind: "geneve"}, "", ""},
		{"geneve, no data", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(0))}, EINVAL, "Missing tunnel key geneve option class, type or data"},
		{"geneve, 3 bytes", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(3))}, ERANGE, "Tunnel key geneve option data is less than 4 bytes long"},
		{"geneve, 6 bytes", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(6))}, ERANGE, "Tunnel key geneve option data is not a multiple of 4 bytes long"},
		{"geneve, the second one", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(8) + option(5))}, ERANGE, "Tunnel key geneve option data is not a multiple of 4 bytes long"},
		{"geneve, 252 bytes", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(124) + option(120))}, "", ""},
		{"geneve, 256 bytes", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(124) + option(124))}, EINVAL, "Tunnel options exceeds max size"},
		{"geneve, 256 bytes in one", TunnelKey{Set: true, Family: 4, OptsKind: "geneve", Opts: []byte(option(252))}, EINVAL, "Tunnel options exceeds max size"},
		{"other kinds' options are not looked at", TunnelKey{Set: true, Family: 4, OptsKind: "vxlan", Opts: []byte(option(3))}, "", ""},
	} {
		p := newPolicy(t)
		_, err := p.AddFilter(ingress, ipRule(1, 1, 32, &Action{Kind: "tunnel_key", TunnelKey: &c.key}))
		if c.no == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s: taken", c.name)
			continue
		}
		says(t, err, c.no, c.msg)
	}
}
