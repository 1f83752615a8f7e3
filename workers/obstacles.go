package workers

import (
	"fmt"
	"slices"

	"sluice/conntrack"
	"sluice/policy"
)

// look finds out what steering by a policy goes by, and what in it cannot be
// divided among workers.
func (s *Set) look(p *policy.Policy) *plan {
	l := &looker{settings: s.cfg.Tracker.Settings}
	var devices []string
	for _, d := range p.Devices {
		devices = append(devices, d.Name)
		if d.Tunnel != nil {
			l.because("tunnel device %s: outer headers are numbered over all packets", d.Name)
		}
		for i, b := range d.Block {
			l.egress = policy.Binding(i) == policy.Egress
			l.block(b)
		}
	}
	l.egress = false
	for _, b := range p.Blocks {
		l.block(b)
	}
	if l.tracks {
		l.conclude()
	}
	slices.Sort(l.zones)
	slices.Sort(l.why)
	return &plan{why: slices.Compact(l.why), tracks: l.tracks, zones: slices.Compact(l.zones), claimed: l.nat, devices: devices}
}

// looker goes through a policy.
type looker struct {
	settings  *conntrack.Settings
	seen      []*policy.Block
	why       []string
	ifTracked []string // obstacles only where connections are tracked
	ifNAT     []string // obstacles only where they are translated
	zones     []uint16
	tracks    bool
	nat       bool
	egress    bool // the block is a device's way out
}

func (l *looker) because(format string, a ...any) { l.why = append(l.why, fmt.Sprintf(format, a...)) }

func (l *looker) block(b *policy.Block) {
	if b == nil || slices.Contains(l.seen, b) {
		return
	}
	l.seen = append(l.seen, b)
	for _, ch := range b.Chains {
		for _, pr := range ch.Protos {
			for _, f := range pr.Filters {
				for i, a := range f.Actions {
					l.action(a, f.Actions[i+1:])
				}
			}
		}
	}
}

// action looks at an action and those behind it.
func (l *looker) action(a *policy.Action, rest []*policy.Action) {
	at := ""
	if a.Place.Line != 0 {
		at = fmt.Sprintf("%s:%d:%d: ", a.Place.File, a.Place.Line, a.Place.Col)
	}
	switch {
	case a.Police != nil:
		l.because("%spolice: one bucket is for all packets", at)
	case a.Gact != nil && a.Gact.RandomType != "" && a.Gact.RandomType != "none":
		l.because("%sgact random %s goes by the order of all packets", at, a.Gact.RandomType)
	case a.Sample != nil:
		l.because("%ssample goes by the order of all packets", at)
	case a.TunnelKey != nil:
		l.because("%stunnel_key: outer headers are numbered over all packets", at)
	case a.MPLS != nil:
		l.ifTracked = append(l.ifTracked, at+"mpls hides connections from steering")
	case a.Pedit != nil:
		for i := range a.Pedit.Keys {
			if !harmless(&a.Pedit.Keys[i]) {
				l.ifTracked = append(l.ifTracked, at+"pedit changes what connections are told apart by")
				break
			}
		}
	case a.Mirred != nil && a.Mirred.Ingress:
		l.ifNAT = append(l.ifNAT, at+"mirred ingress may track translated packets again")
	case a.CT != nil:
		l.ct(a, rest, at)
	}
}

func (l *looker) ct(a *policy.Action, rest []*policy.Action, at string) {
	c := a.CT
	if c.Clear {
		if goesOn(a, rest) {
			l.ifNAT = append(l.ifNAT, at+"what follows ct clear may track translated packets again")
		}
		return
	}
	l.tracks = true
	if l.egress {
		l.ifNAT = append(l.ifNAT, at+"ct on the way out may track translated packets again")
	}
	l.zones = append(l.zones, c.Zone)
	l.nat = l.nat || c.NATSrc || c.NATDst
	if c.Helper != "" {
		l.because("%sct helper %s: expected connections are anybody's", at, c.Helper)
	}
}

// goesOn reports whether a packet is classified further behind an action, or
// tracked by one of the rest.
func goesOn(a *policy.Action, rest []*policy.Action) bool {
	for _, r := range rest {
		if a.Control != policy.Pipe {
			break
		}
		if a = r; r.CT != nil && !r.CT.Clear {
			return true
		}
	}
	switch a.Control {
	case policy.Continue, policy.Reclassify, policy.GotoChain, policy.Jump:
		return true
	}
	return false
}

// harmless reports whether an edit leaves addresses, ports, and where headers
// are as they are.
func harmless(k *policy.PeditKey) bool {
	if k.OffMask != 0 {
		return false
	}
	changes := ^k.Mask
	if !k.Add {
		changes |= k.Val // it is exclusive-or'd
	}
	switch k.Header {
	case policy.PeditEth:
		return k.Off >= 0 && k.Off <= 8 // MAC addresses
	case policy.PeditIP4:
		switch k.Off {
		case 0:
			return changes&^0x00ff0000 == 0 // TOS
		case 8:
			return changes&^0xff00ffff == 0 // TTL, checksum
		}
	case policy.PeditIP6:
		switch k.Off {
		case 0:
			return changes&^0x0fffffff == 0 // class and label
		case 4:
			return changes&^0x000000ff == 0 // hop limit
		}
	case policy.PeditTCP:
		return k.Off == 4 || k.Off == 8 || k.Off == 16 // numbers, checksum, urgent pointer
	}
	return false
}

// conclude looks at what tracking itself asks for.
func (l *looker) conclude() {
	l.why = append(l.why, l.ifTracked...)
	if l.nat {
		l.why = append(l.why, l.ifNAT...)
		l.why = append(l.why, zonesReason(l.zones)...)
	}
	st := l.settings
	if st.AdaptiveEnd != 0 {
		l.because("adaptive timeouts go by the number of all connections")
	}
	limited := st.ZoneLimit != 0
	for _, z := range st.Zones {
		limited = limited || z.HasLimit || z.Source != (conntrack.SourceLimit{})
	}
	if limited {
		l.because("limits of zones and sources count all connections")
	}
}

// zonesReason is an obstacle to steering where connections are translated: it
// goes by tuples in one zone.
func zonesReason(zones []uint16) []string {
	zones = slices.Compact(slices.Sorted(slices.Values(zones)))
	if len(zones) < 2 {
		return nil
	}
	return []string{fmt.Sprintf("translation, and %d zones: a packet's tuple is another in each", len(zones))}
}
