package replay

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"

	"sluice/datapath"
	"sluice/internal/state"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
	"sluice/policy/tc"
)

// DefaultEvents is how many connection events a state keeps unless told.
const DefaultEvents = 1 << 16

// state is what the replay has come to.
func (r *runner) state(o Options) *state.State {
	if len(r.cards) > 0 && r.now != math.MinInt64 {
		r.e.Flows().Read(r.begin) // what a card has forgotten is not in it
	}
	s := &state.State{
		Clock:   state.Clock{Now: r.now, Vector: r.begin, Seed: o.Seed, Policy: o.Policy, NoFlowTable: o.NoFlowTable},
		Tracker: r.e.Tracker(), Tables: r.e.Flows().Save(), Flows: r.e.Flows().Counters(),
		Actions: r.e.SaveActions(homes(r.policy)), Random: r.e.Choices(), Origins: r.e.SaveOrigins(),
	}
	waiting := r.e.SaveFragments(r.begin)
	s.Fragments = &waiting
	for i := range r.Devices {
		s.Devices = append(s.Devices, r.Devices[i].Name)
	}
	if r.now == math.MinInt64 {
		s.Clock.Now, s.Clock.Vector, s.Clock.Empty = 0, 0, true
	}
	r.split.save(s, r.Devices)
	r.savePlaces(s, o)
	return s
}

// longestHome is how much of a filter's command a state holds, in bytes.
const longestHome = 4 << 10

// homes are the commands that actions belong to. One that is too long for a
// line of a state is told from others by its sum.
func homes(p *policy.Policy) map[*policy.Action]string {
	m := tc.Homes(p)
	for a, h := range m {
		if len(h) > longestHome {
			m[a] = fmt.Sprintf("%s… sha256:%x", strings.ToValidUTF8(h[:longestHome/4], ""), sha256.Sum256([]byte(h)))
		}
	}
	return m
}

// resume goes on where a state stands. The tracker is the state's already.
// What the state's policy counted goes to those actions that this policy has,
// too: the same filter, word by word.
func (r *runner) resume(s *state.State) error {
	if s.Clock.Empty {
		return nil
	}
	if s.Clock.Vector > s.Clock.Now {
		return fmt.Errorf("vector_ns %d is after now_ns %d", s.Clock.Vector, s.Clock.Now)
	}
	r.now, r.begin = s.Clock.Now, s.Clock.Vector
	if err := r.e.Load(r.policy, r.now); err != nil {
		return err
	}
	if err := r.e.Flows().Restore(r.now, s.Tables, s.Flows); err != nil {
		return err
	}
	r.unplugged(s)
	idle := func(a datapath.ActionState) bool { return a.Stats.Packets == 0 }
	if left := slices.DeleteFunc(r.e.RestoreActions(s.Actions, homes(r.policy)), idle); len(left) > 0 && r.notes != nil {
		fmt.Fprintf(r.notes, "%s: of the actions that counted packets under %s, %d are not in this policy, and their counters are left behind; the first: %s index %d of %q\n",
			r.PolicyFile, s.Clock.Policy, len(left), left[0].Kind, left[0].Index, left[0].Home)
	}
	r.e.RestoreOrigins(s.Origins)
	if s.Random != nil {
		if err := r.e.SetChoices(s.Random); err != nil {
			return err
		}
	}
	if s.Fragments != nil {
		if err := r.e.RestoreFragments(r.waiting(s)); err != nil {
			return err
		}
	}
	return r.split.restore(s, r.Devices)
}

// waiting are a state's fragments, by this policy's devices; those of a device
// that it has no longer are gone.
func (r *runner) waiting(s *state.State) frag.Saved {
	out := frag.Saved{Random: s.Fragments.Random}
	for _, p := range s.Fragments.Packets {
		if p.Dev >= 0 {
			name := s.Devices[p.Dev]
			if p.Dev = int32(slices.IndexFunc(r.Devices, func(d DeviceReport) bool { return d.Name == name })); p.Dev < 0 {
				continue
			}
		}
		out.Packets = append(out.Packets, p)
	}
	return out
}

// save adds what the splitter has learnt, in a fixed order.
func (s *splitter) save(st *state.State, devs []DeviceReport) {
	if !s.initiator {
		return
	}
	for k, first := range s.flows.all() {
		st.Split = append(st.Split, state.SplitFlow{
			A: k.a.Netip(k.family &^ anyProto), B: k.b.Netip(k.family &^ anyProto), APort: k.aPort, BPort: k.bPort,
			Proto: k.proto, Hosts: k.family&anyProto != 0, First: first.v, Old: first.old,
		})
	}
	slices.SortFunc(st.Split, func(a, b state.SplitFlow) int {
		hosts := func(f state.SplitFlow) int {
			if f.Hosts {
				return 0
			}
			return 1
		}
		return cmp.Or(hosts(a)-hosts(b), a.A.Compare(b.A), a.B.Compare(b.B), cmp.Compare(a.Proto, b.Proto),
			cmp.Compare(a.APort, b.APort), cmp.Compare(a.BPort, b.BPort))
	})
	for mac, d := range s.macs.all() {
		st.MACs = append(st.MACs, state.SplitMAC{MAC: net.HardwareAddr(mac[:]).String(), Device: devs[d.v].Name, Old: d.old})
	}
	slices.SortFunc(st.MACs, func(a, b state.SplitMAC) int { return cmp.Compare(a.MAC, b.MAC) })
}

// restore takes over what another splitter has learnt, if this one can use it.
func (s *splitter) restore(st *state.State, devs []DeviceReport) error {
	if !s.initiator {
		return nil
	}
	family := func(a netip.Addr) uint8 {
		if a.Is4() {
			return packet.IPv4
		}
		return packet.IPv6
	}
	for _, f := range st.Split {
		k := flowKey{packet.AddrFrom(f.A), packet.AddrFrom(f.B), f.APort, f.BPort, f.Proto, family(f.A)}
		if f.Hosts {
			k.family |= anyProto
		}
		s.flows.restore(k, f.First, f.Old)
	}
	for _, m := range st.MACs {
		mac, err := net.ParseMAC(m.MAC)
		if err != nil || len(mac) != 6 {
			return fmt.Errorf("%q is no MAC address", m.MAC)
		}
		d := slices.IndexFunc(devs, func(d DeviceReport) bool { return d.Name == m.Device })
		if d < 0 {
			continue // a device that the policy has no longer
		}
		s.macs.restore([6]byte(mac), int32(d), m.Old)
	}
	return nil
}
