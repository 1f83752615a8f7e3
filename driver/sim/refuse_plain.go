package sim

import (
	"sluice/offload"
	"sluice/policy"
)

// refusesPlain is the papers' card: each chain and preference a table, matches
// on +new are software's, and so is everything that changes a
// connection. With one-way flows it matches +new as later Linux does.
func refusesPlain(n *NIC, r *offload.Rule) string {
	on, _ := ctState(r.Filter.Match)
	if on&policy.CTNew != 0 && !n.cfg.OneWay {
		return newUnsupported
	}
	switch {
	case on&policy.CTRelated != 0:
		return "matching on ct_state +rel isn't supported"
	case on&policy.CTInvalid != 0:
		return "matching on ct_state +inv isn't supported"
	}
	for _, a := range r.Filter.Actions {
		switch {
		case a.CT != nil && (a.CT.Force || a.CT.Commit && !n.cfg.OneWay):
			return "ct commit isn't supported"
		case a.Mirred != nil && (a.Mirred.Ingress || !n.onCard(a.Mirred.Dev)):
			return "devices are not on same switch HW, can't offload forwarding"
		case a.Police != nil, a.Sample != nil, a.TunnelKey != nil && a.TunnelKey.Set:
			return notSupported
		}
	}
	return ""
}

// refusesWindow is a card with connection tracking of its own: it checks TCP's
// windows, follows TCP alone, and one connection a packet (rte_flow's conntrack
// action).
func refusesWindow(n *NIC, r *offload.Rule) string {
	on, _ := ctState(r.Filter.Match)
	if on&(policy.CTNew|policy.CTRelated|policy.CTSNAT|policy.CTDNAT) != 0 {
		return "the conntrack item knows established connections and invalid packets alone"
	}
	if on&policy.CTInvalid != 0 {
		return "packets that conntrack calls invalid are left to software"
	}
	tracked := false
	for _, a := range r.Filter.Actions {
		switch {
		case a.CT != nil && (a.CT.Commit || a.CT.Force):
			return "a conntrack context is made by the flow table, not by a rule"
		case a.CT != nil && !a.CT.Clear && tracked:
			return "one conntrack action per rule"
		case a.CT != nil && !a.CT.Clear:
			tracked = true
		case a.Mirred != nil && (a.Mirred.Ingress || !n.onCard(a.Mirred.Dev)):
			return "the port is not of this switch domain"
		case a.MPLS != nil, a.Police != nil, a.Sample != nil, a.Skbedit != nil, a.TunnelKey != nil && a.TunnelKey.Set:
			return notSupported
		}
	}
	return ""
}
