package datapath

import (
	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/policy"
)

// program is a compiled policy. Nothing in it changes after Load, but that
// counters are reached through it.
type program struct {
	policy  *policy.Policy
	devs    []devProg
	blocks  []block
	filters []filter
	actions []action
	need    fields
	steady  bool // see findSteady

	tunnels []tunnelPort
	sets    []tunnelSet // by tunnel_key set
	local   []localAddr // what is known of the host's addresses
	zones   []int32     // by device: the zone its packets are most likely asked for first, or -1
	encMask [encWords]uint64
	encUsed bool // encMask is not zero
}

// devProg is a device's place in the program.
type devProg struct {
	name   string
	block  [2]int32 // by policy.Binding; -1: none
	bare   bool     // no filter looks at what comes in
	hasMAC bool
	mac    [6]byte
	tunnel int32 // its place among the tunnel ports; -1: it is none
}

// block is a compiled set of chains; chain 0 is where packets start.
type block struct {
	chains []chain // by ascending index
	zero   int32   // position of chain 0, -1 if there is none
}

// chain is a compiled chain. Its filters are [begin, end) of the program's,
// in the order in which the kernel would try them.
type chain struct {
	index      uint32
	begin, end int32
	gates      []gate  // of the groups
	groups     []group // by ascending first
}

// empty reports whether the chain has no filter that software sees.
func (c *chain) empty() bool { return len(c.groups) == 0 }

// filter is a compiled filter.
type filter struct {
	nextSame int32 // next filter of the chain with the same masked key; -1: none
	protoEnd int32 // last filter of the same preference: `continue` goes on behind it
	act      int32 // its actions are [act, act+nact) of the program's
	nact     int32
	src, dst policy.PortRange
	opts     *optsMatch // nil: any
	proto    *policy.Proto
	filter   *policy.Filter
	chain    uint32
}

// actionKind selects the code of an action.
type actionKind uint8

const (
	actGact actionKind = iota
	actMirred
	actCT
	actTunnelKey
	actVLAN
	actMPLS
	actPedit
	actCsum
	actSkbedit
	actPolice
	actSample
)

// action is a compiled action. One switch over kind is about twice as fast as
// a call through an interface.
type action struct {
	kind    actionKind
	control policy.Control
	skipSW  bool
	final   bool   // ct: its filter ends the classification, nobody looks at the key afterwards
	arg     int32  // goto: position of the chain in the block, its index inverted when it is empty; jump: actions to skip
	stat    uint32 // slot of its counters

	// gact
	random    uint8 // randomNone, randomNet, randomDeterm
	randomCtl policy.Control
	randomVal uint16
	randomArg int32

	// mirred
	dev     int32 // -1: gone
	mirror  bool
	ingress bool
	nth     uint8 // its place among the filter's actions, from 0
	toBlock int32 // >= 0: to every port of the block

	// ct
	ct *ctParams

	// tunnel_key
	set int32 // -1: unset
	// vlan, mpls, pedit, csum, skbedit, police, sample
	edit *edit
}

const (
	randomNone uint8 = iota
	randomNet
	randomDeterm
)

// ctParams are a ct action's parameters (act_ct.c struct tcf_ct_params).
type ctParams struct {
	policy.CTAction
	nat   conntrack.NATRange
	help  conntrack.Helper // given to connections that are committed
	fam   uint8            // family of packets that it reads
	table *flowtable.Table
	clone int32  // position of the chain a clone resumes in; -1 when empty
	chain uint32 // whose filter has the action
}

// goTo returns where walk is to begin to go on in a chain: its position, or what
// tells its index if nothing is in it.
func (b *block) goTo(index uint32) int32 {
	if at := b.chainAt(index); at >= 0 {
		return at
	}
	return ^int32(index)
}

// chainAt returns the position of a chain in the block, -1 if nothing is in it.
func (b *block) chainAt(index uint32) int32 {
	lo, hi := 0, len(b.chains)
	for lo < hi {
		m := (lo + hi) / 2
		if b.chains[m].index < index {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo < len(b.chains) && b.chains[lo].index == index {
		return int32(lo)
	}
	return -1
}
