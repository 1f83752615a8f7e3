package lab

import (
	"errors"
	"fmt"
	"os"
)

// Addresses of the network, from the ranges that RFC 5737 keeps for examples.
const (
	ClientAddr = "192.0.2.10"
	ServerAddr = "192.0.2.80"
	// ElsewhereAddr is reached through the client, which routes nothing: what
	// is sent there is never answered.
	ElsewhereAddr = "203.0.113.66"
)

// The switch's ports.
const (
	Uplink = "uplink_rep"
	VF     = "vf0_rep"
)

// Ports lists the switch's ports in the order in which Switch numbers them.
var Ports = [2]string{Uplink, VF}

// Network is a client and a server joined by a switch, each in a namespace.
type Network struct {
	Client, Server, Switch *Namespace
}

// New builds the network. Close takes it down.
func New() (*Network, error) {
	n := &Network{}
	if err := n.build(fmt.Sprintf("sluice-%d-", os.Getpid())); err != nil {
		n.Close()
		return nil, fmt.Errorf("build lab: %w", err)
	}
	return n, nil
}

func (n *Network) build(prefix string) (err error) {
	for _, ns := range []struct {
		at   **Namespace
		name string
	}{{&n.Client, "client"}, {&n.Server, "server"}, {&n.Switch, "switch"}} {
		if *ns.at, err = newNamespace(prefix + ns.name); err != nil {
			return err
		}
	}
	for i, end := range []struct {
		ns        *Namespace
		addr, mac string
	}{
		{n.Client, ClientAddr, "02:00:00:00:00:10"},
		{n.Server, ServerAddr, "02:00:00:00:00:80"},
	} {
		port := Ports[i]
		for _, args := range []string{
			"link add " + port + " type veth peer name eth0 address " + end.mac + " netns " + end.ns.name,
			"link set " + port + " up",
		} {
			if err := n.Switch.ip(args); err != nil {
				return err
			}
		}
		for _, args := range []string{"addr add " + end.addr + "/24 dev eth0", "link set eth0 up"} {
			if err := end.ns.ip(args); err != nil {
				return err
			}
		}
		if err := end.ns.Do(func() error { return plainFrames("eth0") }); err != nil {
			return err
		}
	}
	return n.Server.ip("route add default via " + ClientAddr)
}

// Close deletes the namespaces and with them everything inside.
func (n *Network) Close() {
	for _, ns := range []*Namespace{n.Client, n.Server, n.Switch} {
		if ns != nil {
			ns.delete()
		}
	}
}

// Run switches frames while fn runs, showing each to tap. It returns when fn
// has and the last frames are through.
func (n *Network) Run(tap Tap, fn func() error) error {
	var sw *wire
	if err := n.Switch.Do(func() (err error) { sw, err = newWire(tap); return err }); err != nil {
		return err
	}
	sw.start()
	err := fn()
	return errors.Join(err, sw.stop())
}
