package bench

import (
	"math/rand/v2"

	"sluice/packet"
)

// tunnelPolicy is Policy with the clients behind a VXLAN tunnel: the first
// rule takes the tunnel's metadata off, answers go back into the tunnel.
const tunnelPolicy = `
ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev uplink_rep
ip link add vxlan0 type vxlan external dstport 4789 dev uplink_rep
filter add dev vxlan0 ingress prio 1 chain 0 proto ip flower enc_key_id 5 ct_state -trk ip_proto tcp dst_port 80 action tunnel_key unset pipe action ct pipe action goto chain 2
filter add dev vxlan0 ingress prio 1 chain 2 proto ip flower ct_state +new+trk action ct commit pipe action mirred egress redirect dev vf0_rep
filter add dev vxlan0 ingress prio 1 chain 2 proto ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep
filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp src_port 80 action ct pipe action goto chain 2
filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +est+trk action tunnel_key set id 5 src_ip 192.0.2.1 dst_ip 192.0.2.2 nocsum action mirred egress redirect dev vxlan0
`

// outerLen is what VXLAN over IPv4 puts before a frame.
const outerLen = 14 + 20 + 8 + 8

// VXLAN measures packets of established connections that come out of a tunnel,
// in random order, beside the same packets without a tunnel, in turns.
func VXLAN(o Options) (Result, error) {
	plain, err := newRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	tun, err := tunnelRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	return tun.beside(plain, o, "vxlan", func(r *rig, rng *rand.Rand) error { return r.clients(rng, o.Conns, 200) })
}

func tunnelRig(conns int) (*rig, error) {
	r, err := newRigWith(tunnelPolicy, conns)
	if err != nil {
		return nil, err
	}
	o := packet.Outer{Kind: packet.VXLAN, DPort: packet.PortVXLAN, MinPort: 32768, MaxPort: 60999}
	t := packet.Tunnel{Family: packet.IPv4, ID: 5, Flags: packet.TunnelKey, Src: packet.Addr{192, 0, 2, 2}, Dst: packet.Addr{192, 0, 2, 1}}
	r.gen.outer = o.Encap(nil, &t, make([]byte, frameLen), &packet.Headers{}, 1, 1)[:outerLen]
	return r, nil
}

// clients sends vectors of data packets of any connection's client.
func (r *rig) clients(rng *rand.Rand, conns, vectors int) error {
	for range vectors {
		for i := range packet.VectorSize {
			n := uint32(uint64(rng.Uint32()) * uint64(conns) >> 32)
			r.v.Add(r.gen.write(i, n, fromClient, flagACK|flagPSH, 1001, 5001), r.dev[fromClient])
		}
		if err := r.flush(); err != nil {
			return err
		}
	}
	return nil
}
