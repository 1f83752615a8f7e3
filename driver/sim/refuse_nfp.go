package sim

import (
	"sluice/offload"
	"sluice/policy"
)

const nfpKeys = keyControl | keyBasic | keyMeta | keyEth | keyVLAN | keyCVLAN | keyIPv4 | keyIPv6 | keyPorts | keyEnc | keyEncOpts | keyTCP | keyIP | keyCT | keyMPLS

// refusesNFP speaks as nfp does (flower/conntrack.c, match.c, action.c). Its
// rules with ct are merged in pairs: one that tracks and goes to a chain, and one
// there that matches established connections; everything else with ct is
// unknown to it.
func refusesNFP(n *NIC, r *offload.Rule) string {
	f := r.Filter
	if f.Match == nil {
		return notSupported
	}
	on, _ := ctState(f.Match)
	pre, post := nfpPreCT(r, on), nfpPostCT(f, on)
	switch {
	case pre:
		if _, ok := goesTo(f); !ok {
			return "unsupported offload: Conntrack requires ACTION_GOTO"
		}
	case post:
		if z := f.Match.Mask.CTZone; z != 0 && z != 0xffff {
			return "unsupported offload: partially wildcarded ct_zone is not supported"
		}
	case usesCT(f.Match):
		return "unsupported offload: match not supported"
	}
	if used(f.Match)&^nfpKeys != 0 {
		return "unsupported offload: match not supported"
	}
	sums := policy.CsumFlags(0) // that the card puts right by itself
	for _, a := range f.Actions {
		if a.HWStats != nil {
			return "Driver supports only default HW stats type"
		}
		if why := n.nfpAction(a, pre || post, &sums); why != "" {
			return why
		}
	}
	return ""
}

const nfpUnknownAction = "unsupported offload: unsupported action in action list"

// nfpAction is nfp_flower_loop_action.
func (n *NIC) nfpAction(a *policy.Action, merged bool, sums *policy.CsumFlags) string {
	switch {
	case a.CT != nil:
		if !merged {
			return nfpUnknownAction
		}
	case a.Mirred != nil:
		if a.Mirred.Ingress || !n.onCard(a.Mirred.Dev) {
			return "unsupported offload: invalid egress interface for mirred action"
		}
		if *sums != 0 {
			return "unsupported offload: set actions without updating checksums are not supported"
		}
	case a.Csum != nil:
		if a.Csum.Flags&^*sums != 0 {
			return "unsupported offload: unsupported csum update action in action list"
		}
		*sums &^= a.Csum.Flags
	case a.Pedit != nil:
		for _, k := range a.Pedit.Keys {
			if k.Add || !a.Pedit.Extended {
				return nfpUnknownAction
			}
			switch k.Header {
			case policy.PeditIP4:
				*sums |= policy.CsumIPv4 | policy.CsumTCP | policy.CsumUDP
			case policy.PeditIP6, policy.PeditTCP, policy.PeditUDP:
				*sums |= policy.CsumTCP | policy.CsumUDP
			}
		}
	case a.Police != nil:
		return "unsupported offload: unsupported police action in action list"
	case a.Gact != nil:
		if a.Control != policy.Shot && a.Control != policy.GotoChain {
			return nfpUnknownAction
		}
	case a.VLAN != nil:
		if a.VLAN.Op != policy.VLANPop && a.VLAN.Op != policy.VLANPush {
			return nfpUnknownAction
		}
	case a.Skbedit != nil:
		if !a.Skbedit.HasPType || a.Skbedit.PType != 0 {
			return notSupported
		}
	case a.MPLS != nil, a.TunnelKey != nil && !a.TunnelKey.Set:
	case a.TunnelKey != nil:
		return notSupported
	default:
		return nfpUnknownAction
	}
	return ""
}

// nfpPreCT is is_pre_ct_flow: ct without more than nat, in chain 0.
func nfpPreCT(r *offload.Rule, on uint16) bool {
	if on != 0 || r.Chain != 0 {
		return false
	}
	for _, a := range r.Filter.Actions {
		if a.CT != nil {
			return !a.CT.Clear && !a.CT.Commit && !a.CT.Force
		}
	}
	return false
}

// nfpPostCT is is_post_ct_flow: established connections, and nothing but ct
// clear.
func nfpPostCT(f *policy.Filter, on uint16) bool {
	for _, a := range f.Actions {
		if a.CT != nil && !a.CT.Clear {
			return false
		}
	}
	return on&policy.CTEstablished != 0
}

func goesTo(f *policy.Filter) (uint32, bool) {
	for _, a := range f.Actions {
		if a.Control == policy.GotoChain {
			return a.ControlArg, true
		}
	}
	return 0, false
}
