package policy

import "net/netip"

// Binding says where a block hangs on a device.
type Binding uint8

const (
	Ingress Binding = iota
	Egress
)

// Policy is a set of devices with the blocks bound to them, and the action
// instances that filters share. It is plain data with the kernel's rules for
// changing it; it is not safe for concurrent use. Generation grows with every
// successful change.
type Policy struct {
	Devices    []*Device         // in the order in which they were declared
	Blocks     map[uint32]*Block // shared blocks by index
	Actions    map[string]map[uint32]*Action
	Generation uint64
	// The host around the datapath, as far as tunnels need it.
	Routes []Route
	Neighs []Neigh

	chainSeq uint64
	filters  int // that are there
	tracking Tracking
	// dying are actions whose last reference is gone. The kernel frees them
	// after an RCU grace period only; until Settle they keep their index and
	// the chain that they go to.
	dying []*Action
	// taken are the indices that dying actions hold; free is, per kind, an
	// index below which none is free.
	taken map[actionID]int
	free  map[string]uint32
}

// Device is a network device the policy may name.
type Device struct {
	Name  string
	Qdisc string    // "", "ingress" or "clsact"
	Block [2]*Block // by Binding; nil without a qdisc
	// Implied: nobody wrote the qdisc; it came with the first filter.
	Implied bool
	// Tunnel: the device is the end of tunnels; nil: it is a plain one.
	Tunnel *Tunnel
	MAC    [6]byte
	HasMAC bool
	Addrs  []netip.Prefix // its addresses, each with its network
	// hadQdisc changes what the kernel says when there is none to delete.
	hadQdisc bool
}

// Block is a set of chains, bound to one device's ingress or egress, or
// shared by index.
type Block struct {
	Index  uint32   // 0: private to its device
	Chains []*Chain // by ascending index
	// Parent is the one that the last command on its filters named; the
	// kernel reports it for all of them.
	Parent uint32
	ports  int // bindings of a shared block; it goes with the last
}

// Chain is a list of classifier instances by ascending preference.
type Chain struct {
	Index    uint32
	Explicit bool   // made by `tc chain add`; lives without filters
	Template *Match // non-nil: filters must fit it
	// TemplateProtocol is the protocol that the template was given with.
	TemplateProtocol uint16
	Protos           []*Proto // by ascending preference
	seq              uint64   // the kernel lists chains in the order of their creation
	gotos            int      // actions that go to it, dying ones included
}

// Proto is a classifier instance: all filters of one preference, which share
// a protocol and a kind (the kernel's tcf_proto).
type Proto struct {
	Prio     uint16
	Protocol uint16    // EtherType; EtherAll for `protocol all`
	Kind     string    // "flower" or "matchall"
	Filters  []*Filter // in the order in which they were added
	masks    []*maskUse
	index    *filterIndex // of Filters; built when first needed
}

// EtherAll is `protocol all` (ETH_P_ALL).
const EtherAll uint16 = 3

// Filter is one rule.
type Filter struct {
	Handle  uint32
	Match   *Match // nil for matchall
	Actions []*Action
	ClassID uint32
	HWTC    uint32 // hw_tc + 1; 0: none
	SkipHW  bool
	SkipSW  bool
	// SkipSWAt is where skip_sw was written, for messages.
	SkipSWAt Place
	Verbose  bool
	Born     uint64 // the policy's Generation when it came in, or was replaced last
	// Line and Col are where its kind was written, for messages; 0: unknown.
	Line, Col int
	File      string
}
