package sim

import (
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

const mlx5Keys = keyControl | keyBasic | keyMeta | keyEth | keyVLAN | keyCVLAN | keyIPv4 | keyIPv6 | keyPorts | keyEnc | keyEncOpts | keyTCP | keyIP | keyCT | keyICMP | keyMPLS

// refusesMLX5 speaks as mlx5_core does (en_tc.c, en/tc_ct.c, en/tc/act/*.c).
func refusesMLX5(n *NIC, r *offload.Rule) string {
	f := r.Filter
	if f.Match == nil {
		if len(f.Actions) > 1 {
			return "matchall policing support only a single action"
		}
		return "mlx5 supports only police action for matchall"
	}
	if used(f.Match)&^mlx5Keys != 0 {
		return "Unsupported key"
	}
	if why := mlx5State(f.Match); why != "" {
		return why
	}
	p := mlx5Parse{n: n, r: r, out: map[string]bool{}}
	for i, a := range f.Actions {
		if !delayed(a) {
			return "Driver does not support selected HW stats type"
		}
		if why := p.action(i, a); why != "" {
			return why
		}
	}
	if why := p.edits(); why != "" {
		return why
	}
	forward, drop, edits := ends(f)
	switch {
	case !forward && !drop:
		return "Rule must have at least one forward/drop action"
	case forward && drop:
		return "Rule cannot support forward+drop action"
	case edits && drop:
		return "Drop with modify header action is not supported"
	}
	return ""
}

// mlx5State is mlx5_tc_ct_match_add.
func mlx5State(m *policy.Match) string {
	const known = policy.CTTracked | policy.CTEstablished | policy.CTNew | policy.CTReply | policy.CTRelated | policy.CTInvalid
	on, _ := ctState(m)
	switch {
	case m.Mask.CTState&^known != 0:
		return "only ct_state trk, est, new and rpl are supported for offload"
	case on&policy.CTRelated != 0:
		return "matching on ct_state +rel isn't supported"
	case on&policy.CTInvalid != 0:
		return "matching on ct_state +inv isn't supported"
	}
	return ""
}

// mlx5Parse is what the driver remembers of a rule's actions.
type mlx5Parse struct {
	n           *NIC
	r           *offload.Rule
	out         map[string]bool
	vlans       int
	ct, cleared bool
	ip, tuple   bool // pedit has changed the IP header, or the connection's tuple
	decap       bool
	words       map[pedited]uint32
}

// pedited is a word of a header that pedit changes.
type pedited struct {
	h   policy.PeditHeader
	add bool
	off int32
}

func (p *mlx5Parse) action(i int, a *policy.Action) string {
	switch {
	case a.CT != nil:
		p.ct = p.ct || !a.CT.Clear
		p.cleared = p.cleared || a.CT.Clear
	case a.Mirred != nil:
		return p.mirred(a.Mirred)
	case a.VLAN != nil:
		return p.vlan(a.VLAN)
	case a.MPLS != nil:
		return p.mpls(i, a.MPLS)
	case a.Pedit != nil:
		return p.pedit(a.Pedit)
	case a.Skbedit != nil:
		if !a.Skbedit.HasPType {
			return "Not implemented offload action"
		}
		if a.Skbedit.PType != 0 {
			return "skbedit ptype is only supported with type host"
		}
	case a.Sample != nil:
		if p.ct {
			return "Sample action with connection tracking is not supported"
		}
		return notSupported
	case a.Police != nil: // a card without flow meters: mlx5e_get_flow_meters
		return notSupported
	case a.TunnelKey != nil:
		p.decap = !a.TunnelKey.Set
		if a.TunnelKey.Set {
			return notSupported
		}
	}
	if a.Control == policy.GotoChain && a.ControlArg > mlx5Chains {
		return "Requested destination chain is out of supported range"
	}
	return ""
}

// mlx5Chains is the highest chain (FDB_TC_MAX_CHAIN with ignore_flow_level).
const mlx5Chains = 1<<32 - 2

func (p *mlx5Parse) mirred(m *policy.Mirred) string {
	switch {
	case m.Ingress && m.Mirror:
		return "Not implemented offload action"
	case m.Ingress:
		return "redirect to ingress is supported only for OVS internal ports"
	case p.out[m.Dev]:
		return "can't duplicate output to same device"
	case !p.n.onCard(m.Dev):
		return "devices are not on same switch HW, can't offload forwarding"
	}
	p.out[m.Dev] = true
	return ""
}

func (p *mlx5Parse) vlan(v *policy.VLAN) string {
	switch v.Op {
	case policy.VLANPop, policy.VLANPush:
		if p.vlans++; p.vlans > 2 {
			return "Total vlans used is greater than supported"
		}
	case policy.VLANPopEth:
		return "vlan pop eth is supported only with mpls push"
	case policy.VLANPushEth:
		return "vlan push eth is supported only with mpls pop"
	}
	return ""
}

func (p *mlx5Parse) mpls(i int, m *policy.MPLS) string {
	switch m.Op {
	case policy.MPLSPush:
		if m.Proto != packet.EtherMPLS {
			return "mpls push is supported only for mpls_uc protocol"
		}
		return "mpls is supported only through a bareudp device"
	case policy.MPLSPop:
		if i > 1 || i == 1 && !p.decap {
			return "mpls pop supported only as first action or with decap"
		}
		return "mpls pop supported only on bareudp devices"
	}
	return "Not implemented offload action"
}

// pedit is parse_pedit_to_modify_hdr and is_action_keys_supported.
func (p *mlx5Parse) pedit(e *policy.Pedit) string {
	if p.words == nil {
		p.words = map[pedited]uint32{}
	}
	for _, k := range e.Keys {
		if !e.Extended || k.Header == policy.PeditNetwork {
			return "legacy pedit isn't offloaded"
		}
		w := pedited{k.Header, k.Add, k.Off}
		if p.words[w]&^k.Mask != 0 {
			return "curr_pmask and new mask same. Acting twice on same location"
		}
		p.words[w] |= ^k.Mask
		switch k.Header {
		case policy.PeditIP4:
			p.ip = p.ip || k.Off != 8 || k.Mask&0x00ffffff != 0x00ffffff // beside the TTL
			p.tuple = p.tuple || k.Off >= 12
			if p.ct && k.Off >= 12 {
				return "can't offload re-write of ipv4 address with action ct"
			}
		case policy.PeditIP6:
			p.ip = p.ip || k.Off != 4 || k.Mask&0xffffff00 != 0xffffff00 // beside the hop limit
			p.tuple = p.tuple || k.Off >= 8
			if p.ct && k.Off >= 8 {
				return "can't offload re-write of ipv6 address with action ct"
			}
		case policy.PeditTCP, policy.PeditUDP:
			p.tuple = true
			if p.ct {
				return "can't offload re-write of transport header ports with action ct"
			}
		}
	}
	return ""
}

// edits is modify_header_match_supported.
func (p *mlx5Parse) edits() string {
	m := p.r.Filter.Match
	on, _ := ctState(m)
	switch proto := m.Key.IPProto & m.Mask.IPProto; {
	case p.tuple && p.ct && !p.cleared:
		return "can't offload tuple modification with non-clear ct()"
	case p.tuple && !p.cleared && on&policy.CTTracked != 0:
		return "can't offload tuple modification with ct matches and no ct(clear) action"
	case p.ip && proto != packet.ProtoTCP && proto != packet.ProtoUDP && proto != packet.ProtoICMP:
		return "can't offload re-write of non TCP/UDP"
	}
	return ""
}
