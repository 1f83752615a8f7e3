package sim

import (
	"fmt"

	"sluice/offload"
	"sluice/policy"
)

// Refusals are in the words of the kernel: first what it says before any
// driver is asked (act_*.c, the offload_act_setup functions; flow_offload.h), then
// what the card's own driver says. Where it says nothing, EOPNOTSUPP's words
// stand. Words that are this program's own are marked so in docs/devices.md.

const (
	notSupported = string(policy.EOPNOTSUPP)

	// Linux has no such rule; it is the paper's (RFC part 2, TC command-line
	// interface).
	skipSWTracked = "skip_sw is refused while connections are tracked: software may get every packet and needs every rule"

	newUnsupported = "matching on ct_state +new isn't supported"
)

// refusesAny is what no card is asked to hold.
func refusesAny(r *offload.Rule) string {
	f := r.Filter
	if f.SkipSW && r.Tracks {
		return skipSWTracked
	}
	if r.Binding != policy.Ingress {
		return notSupported
	}
	for _, a := range f.Actions {
		if why := setup(a); why != "" {
			return why
		}
	}
	return ""
}

// setup is the kernel's translation of an action for drivers.
func setup(a *policy.Action) string {
	switch {
	case a.SkipHW:
		return notSupported
	case a.CT != nil && (a.CT.Helper != "" || a.CT.Clone):
		return notSupported // tcf_ct_offload_act_setup
	case a.Gact != nil:
		return setupGact(a)
	case a.Mirred != nil && a.Mirred.Block != 0:
		return "act_mirred: Unsupported mirred offload"
	case a.Skbedit != nil:
		return setupSkbedit(a.Skbedit)
	case a.Police != nil:
		for _, c := range [...]policy.Control{a.Control, a.Police.Conform} {
			switch c {
			case policy.Reclassify:
				return `act_police: Offload not supported when conform/exceed action is "reclassify"`
			case policy.Stolen, policy.Trap:
				return "act_police: Unsupported conform/exceed action offload"
			}
		}
	case a.MPLS != nil && a.MPLS.Op == policy.MPLSDecTTL:
		return `act_mpls: Offload not supported when "dec_ttl" option is used`
	case a.MPLS != nil && a.MPLS.Op == policy.MPLSMACPush:
		return `act_mpls: Offload not supported when "mac_push" option is used`
	}
	return ""
}

func setupGact(a *policy.Action) string {
	if a.Gact.RandomType != "none" && a.Gact.RandomType != "" {
		return "act_gact: Unsupported generic action offload"
	}
	switch a.Control {
	case policy.Continue:
		return `act_gact: Offload of "continue" action is not supported`
	case policy.Reclassify:
		return `act_gact: Offload of "reclassify" action is not supported`
	case policy.Pipe:
		return `act_gact: Offload of "pipe" action is not supported`
	case policy.OK, policy.Shot, policy.Trap, policy.GotoChain:
		return ""
	}
	return "act_gact: Unsupported generic action offload"
}

// setupSkbedit: an instance that edits one thing is translated.
func setupSkbedit(s *policy.Skbedit) string {
	n := 0
	for _, has := range [...]bool{s.HasMark, s.HasPriority, s.HasQueue, s.HasPType, s.InheritDS} {
		if has {
			n++
		}
	}
	switch {
	case n == 1 && s.HasQueue:
		return `act_skbedit: Offload not supported when "queue_mapping" option is used`
	case n == 1 && s.InheritDS:
		return `act_skbedit: Offload not supported when "inheritdsfield" option is used`
	case n != 1:
		return "act_skbedit: Unsupported skbedit option offload"
	}
	return ""
}

// Ids of enum flow_action_id (include/net/flow_offload.h), which sfc prints.
const (
	idAccept  = 0
	idTrap    = 2
	idIngress = 6 // REDIRECT_INGRESS; MIRRED_INGRESS is the next
	idVLANMod = 10
	idEncap   = 11
	idDecap   = 12
	idMangle  = 13
	idAdd     = 14
	idCsum    = 15
	idMark    = 16
	idPType   = 17
	idPrio    = 18
	idSample  = 22
	idPolice  = 23
	idMPLS    = 26 // PUSH; POP and MANGLE follow
	idVLANEth = 33 // PUSH_ETH; POP_ETH is the next
)

func unhandled(id int) string { return fmt.Sprintf("Unhandled action %d", id) }

// delayed reports whether an action's counters may lag, as all cards' do.
func delayed(a *policy.Action) bool {
	if a.HWStats == nil {
		return true
	}
	for _, s := range a.HWStats {
		if s == "delayed" {
			return true
		}
	}
	return false
}

// ctState gives a match's ct_state: the flags asked for, and those that must
// not be set.
func ctState(m *policy.Match) (on, off uint16) {
	if m == nil {
		return 0, 0
	}
	return m.Key.CTState & m.Mask.CTState, ^m.Key.CTState & m.Mask.CTState
}

// onCard reports whether a port is the card's, as far as it has been told.
func (n *NIC) onCard(dev string) bool {
	if len(n.cfg.Ports) == 0 {
		return true
	}
	for _, p := range n.cfg.Ports {
		if p == dev {
			return true
		}
	}
	return false
}

// ends says what a rule does with a packet in the end.
func ends(f *policy.Filter) (forward, drop, edits bool) {
	for _, a := range f.Actions {
		switch {
		case a.Mirred != nil:
			forward = true
		case a.Pedit != nil:
			edits = true
		case a.Control == policy.Shot:
			drop = true
		}
		if a.Control == policy.OK || a.Control == policy.GotoChain || a.Control == policy.Trap {
			forward = true
		}
	}
	return forward, drop, edits
}
