package sim

import (
	"fmt"

	"sluice/offload"
	"sluice/policy"
)

const sfcKeys = keyControl | keyBasic | keyEth | keyVLAN | keyCVLAN | keyIPv4 | keyIPv6 | keyPorts | keyEnc | keyTCP | keyIP | keyCT

// refusesSFC speaks as sfc does (tc.c). The card matches twice at most: a
// left-hand rule in chain 0 tracks and goes to a chain, right-hand rules there
// end it.
func refusesSFC(n *NIC, r *offload.Rule) string {
	f := r.Filter
	if f.Match == nil {
		return notSupported
	}
	const known = policy.CTTracked | policy.CTEstablished
	switch m := &f.Match.Mask; {
	case used(f.Match)&^sfcKeys != 0:
		return fmt.Sprintf("Unsupported flower keys %#x", uint64(used(f.Match)))
	case m.CTState&^known != 0:
		return fmt.Sprintf("Unsupported ct_state match %#x", m.CTState)
	case m.CTLabel != [16]byte{}:
		return "Matching on ct_label not supported"
	}
	on, _ := ctState(f.Match)
	if sfcLeft(f, on) {
		return sfcLHS(r, on)
	}
	if on == policy.CTTracked {
		return "No support for field ct_state_trk" // without est it is not implied
	}
	open := true
	for _, a := range f.Actions {
		if !open {
			return "Action follows non-pipe action"
		}
		if !delayed(a) {
			return "hw_stats_type 1 not supported (only 'delayed')"
		}
		if why := n.sfcAction(a); why != "" {
			return why
		}
		open = a.Control == policy.Pipe
	}
	return ""
}

// sfcLeft is efx_tc_rule_is_lhs_rule.
func sfcLeft(f *policy.Filter, on uint16) bool {
	for _, a := range f.Actions {
		if a.Gact != nil && a.Control == policy.GotoChain || a.CT != nil && on&policy.CTTracked == 0 {
			return true
		}
	}
	return false
}

// sfcLHS is efx_tc_flower_replace_lhs.
func sfcLHS(r *offload.Rule, on uint16) string {
	switch {
	case r.Chain != 0:
		return "LHS rule only allowed in chain 0"
	case on&policy.CTTracked != 0:
		return "LHS rule can never match +trk"
	}
	tracked := false
	for _, a := range r.Filter.Actions {
		switch c := a.CT; {
		case c == nil && (a.Gact == nil || a.Control != policy.GotoChain):
			return fmt.Sprintf("Unhandled action %d for LHS rule", sfcID(a))
		case c == nil:
			if a.ControlArg == 0 {
				return "Can't goto chain 0, no looping in hw"
			}
			return ""
		case tracked:
			return "Can't offload multiple ct actions"
		case c.Commit || c.Force:
			return "Can't offload ct commit/force"
		case c.Clear:
			return "Can't clear ct in LHS rule"
		case c.NAT:
			return "Can't perform NAT in LHS rule - packet isn't conntracked yet"
		default:
			tracked = true
		}
	}
	return "Missing goto chain in LHS rule"
}

// Flags of a ct action (TCA_CT_ACT_*).
const (
	ctCommit = 1 << iota
	ctForce
	ctClear
	ctNAT
	ctNATSrc
	ctNATDst
)

func ctFlags(c *policy.CTAction) (flags int) {
	for i, set := range [...]bool{c.Commit, c.Force, c.Clear, c.NAT, c.NATSrc, c.NATDst} {
		if set {
			flags |= ctCommit << i
		}
	}
	return flags
}

// sfcAction is the switch of efx_tc_flower_replace.
func (n *NIC) sfcAction(a *policy.Action) string {
	switch {
	case a.CT != nil:
		if k := ctFlags(a.CT); k != ctNAT {
			return fmt.Sprintf("Can only offload CT 'nat' action in RHS rules, not %d", k)
		}
	case a.Mirred != nil:
		if a.Mirred.Ingress {
			return unhandled(sfcID(a))
		}
		if !n.onCard(a.Mirred.Dev) {
			return "Mirred egress device not on switch"
		}
	case a.Pedit != nil:
		for _, k := range a.Pedit.Keys {
			if k.Add {
				return unhandled(idAdd)
			}
			if k.Header != policy.PeditEth {
				return fmt.Sprintf("Unhandled mangle htype %d for action rule", k.Header)
			}
		}
	case a.TunnelKey != nil:
		if !a.TunnelKey.Set {
			return "Cannot offload tunnel decap action without tunnel device"
		}
		return notSupported
	case a.Gact != nil && a.Control == policy.Shot, a.VLAN != nil && (a.VLAN.Op == policy.VLANPop || a.VLAN.Op == policy.VLANPush):
	default:
		return unhandled(sfcID(a))
	}
	return ""
}

// sfcID is the flow_action_id of an action that the driver does not know.
func sfcID(a *policy.Action) int {
	switch {
	case a.Mirred != nil && a.Mirred.Ingress && a.Mirred.Mirror:
		return idIngress + 1
	case a.Mirred != nil && a.Mirred.Ingress:
		return idIngress
	case a.Mirred != nil && a.Mirred.Mirror:
		return 5
	case a.Mirred != nil:
		return 4
	case a.VLAN != nil:
		return [...]int{0, 9, 8, idVLANMod, idVLANEth + 1, idVLANEth}[a.VLAN.Op]
	case a.TunnelKey != nil && a.TunnelKey.Set:
		return idEncap
	case a.TunnelKey != nil:
		return idDecap
	case a.Pedit != nil:
		return idMangle
	case a.Csum != nil:
		return idCsum
	case a.Skbedit != nil && a.Skbedit.HasMark:
		return idMark
	case a.Skbedit != nil && a.Skbedit.HasPType:
		return idPType
	case a.Skbedit != nil:
		return idPrio
	case a.Sample != nil:
		return idSample
	case a.Police != nil:
		return idPolice
	case a.MPLS != nil:
		return [...]int{0, idMPLS + 1, idMPLS, idMPLS + 2, 0, 0}[a.MPLS.Op]
	case a.Control == policy.Trap:
		return idTrap
	case a.Control == policy.Shot:
		return 1
	}
	return idAccept
}
