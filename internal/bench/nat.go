package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"

	"sluice/packet"
)

// natPolicy is Policy with every client behind one of ADDRS, and answers
// brought back.
const natPolicy = `
filter add dev uplink_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp dst_port 80 action ct nat pipe action goto chain 2
filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state +new+trk action ct commit nat src addr ADDRS pipe action mirred egress redirect dev vf0_rep
filter add dev uplink_rep ingress prio 1 chain 2 proto ip flower ct_state -new+est+trk action mirred egress redirect dev vf0_rep
filter add dev vf0_rep ingress prio 1 chain 0 proto ip flower ct_state -trk ip_proto tcp src_port 80 action ct nat pipe action goto chain 2
filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +est+trk action mirred egress redirect dev uplink_rep
filter add dev vf0_rep ingress prio 1 chain 2 proto ip flower ct_state +new+trk action drop
`

// end is a client's address and port as the server sees it.
type end struct {
	addr uint32
	port uint16
}

// NAT measures packets of translated established connections in random order,
// both directions, beside the same packets without translation, in turns.
func NAT(o Options) (Result, error) {
	plain, err := newRig(o.Conns)
	if err != nil {
		return Result{}, err
	}
	nat, err := natRig(o.Conns, "198.18.0.1-198.18.255.254")
	if err != nil {
		return Result{}, err
	}
	return nat.beside(plain, o, "nat", func(r *rig, rng *rand.Rand) error { return r.random(rng, o.Conns, 200) })
}

// SNAT measures new translated connections, from the SYN's frame to the
// committed connection and the translated frame sent out, while nine of ten
// ports of the one address are taken.
func SNAT(o Options) (Result, error) {
	const ports = 64512 // from 1024 on
	o.Conns = ports * 9 / 10
	r, err := natRig(o.Conns, "198.18.0.1")
	if err != nil {
		return Result{}, err
	}
	if err := r.each(o.Conns, fromClient, flagSYN, 1000, 0); err != nil {
		return Result{}, err
	}
	tr, next := r.eng.Tracker(), uint32(o.Conns)
	var refs []packet.ConnRef
	for ref := range tr.All(r.now) {
		refs = append(refs, ref)
	}
	rng := rand.New(rand.NewPCG(o.Seed, 7))
	rng.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
	vector := func() error {
		// As many connections end as begin, anywhere in the port range.
		for range packet.VectorSize {
			tr.Kill(refs[0])
			refs = refs[1:]
			r.v.Add(r.gen.write(r.v.N, next, fromClient, flagSYN, 1000, 0), r.dev[fromClient])
			next++
		}
		if err := r.flush(); err != nil {
			return err
		}
		if len(refs) < packet.VectorSize {
			refs = refs[:0]
			for ref := range tr.All(r.now) {
				refs = append(refs, ref)
			}
			rng.Shuffle(len(refs), func(i, j int) { refs[i], refs[j] = refs[j], refs[i] })
		}
		return nil
	}
	for range 300 { // until the search knows the port range
		if err := vector(); err != nil {
			return Result{}, err
		}
	}
	res, err := r.measure(o, "snat", func() error {
		for range 100 {
			if err := vector(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return res, err
	}
	if n := tr.Len(); n != o.Conns {
		return res, fmt.Errorf("bench: %d connections, want %d", n, o.Conns)
	}
	res.ConnsPerSecond = res.Mpps * 1e6
	return res, nil
}

// natRig is newRig with translation.
func natRig(conns int, addrs string) (*rig, error) {
	r, err := newRigWith(strings.ReplaceAll(natPolicy, "ADDRS", addrs), conns)
	if err != nil {
		return nil, err
	}
	r.gen.behind = make([]end, conns)
	return r, nil
}

// learn remembers where the vector's clients went.
func (r *rig) learn(first int) {
	for i := range r.v.Tx {
		f := r.v.Tx[i].Frame
		if n := first + int(r.v.Tx[i].Pkt); n < len(r.gen.behind) && len(f) >= 36 {
			r.gen.behind[n] = end{binary.BigEndian.Uint32(f[26:]), binary.BigEndian.Uint16(f[34:])}
		}
	}
}
