package datapath

import "sluice/policy"

// tunnelKey gives the packet tunnel metadata to go out with, or takes away
// what it has (act_tunnel_key.c tunnel_key_act).
func (p *pkt) tunnelKey(a *action) (policy.Control, int32) {
	p.count(a)
	p.set, p.tun = a.set, nil
	if a.set >= 0 {
		p.tun = &p.e.prog.sets[a.set].Tunnel
	}
	if p.e.prog.need&needTunnel != 0 {
		p.extractTunnel()
	}
	return a.control, a.arg
}
