package policy

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
}

// Device is a network device the policy may name.
type Device struct {
	Name  string
	Qdisc string    // "", "ingress" or "clsact"
	Block [2]*Block // by Binding; nil without a qdisc
}

// Block is a set of chains, bound to one device's ingress or egress, or
// shared by index.
type Block struct {
	Index  uint32   // 0: private to its device
	Chains []*Chain // by ascending index
}

// Chain is a list of classifier instances by ascending preference.
type Chain struct {
	Index    uint32
	Explicit bool   // made by `tc chain add`; lives without filters
	Template *Match // non-nil: filters must fit it
	Protos   []*Proto
}

// Proto is a classifier instance: all filters of one preference, which share
// a protocol and a kind (the kernel's tcf_proto).
type Proto struct {
	Prio     uint16
	Protocol uint16    // EtherType; EtherAll for `protocol all`
	Kind     string    // "flower" or "matchall"
	Filters  []*Filter // in the order in which they were added
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
	Verbose bool
	Line    int // where it was written, for messages; 0: unknown
	File    string
}
