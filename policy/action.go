package policy

// Control is what happens to a packet after an action (TC_ACT_*).
type Control uint8

const (
	// Pipe goes on with the filter's next action.
	Pipe Control = iota
	// OK ends classification; the packet goes to the stack.
	OK
	// Shot drops the packet.
	Shot
	// Continue goes on with the next filter of the chain.
	Continue
	// Reclassify starts the block again from chain 0.
	Reclassify
	// Stolen consumes the packet.
	Stolen
	// Trap hands the packet to the control plane; in software it is Stolen.
	Trap
	// GotoChain goes on with the chain in ControlArg.
	GotoChain
	// Jump skips the ControlArg-1 actions that follow... see cls_api's
	// tcf_action_exec: "jump N" continues with action N counted from this
	// filter's first action.
	Jump
)

// Action is one instance of an action: what `tc actions` lists, with an
// index of its own kind's numbering. Filters share it by reference; its
// counters belong to the instance. The datapath identifies an instance by
// its pointer, so an instance is never copied once a filter binds it, and
// replacing its parameters replaces the fields in place.
type Action struct {
	Kind       string // "ct", "gact", "mirred", …
	Index      uint32 // 0 until the policy assigns one
	Control    Control
	ControlArg uint32 // chain of GotoChain, count of Jump
	Ref, Bind  int
	Cookie     []byte // at most 16 bytes
	NoPercpu   bool
	SkipHW     bool
	SkipSW     bool
	SkipSWAt   Place    // where skip_sw was written, for messages
	HWStats    []string // "immediate", "delayed", "disabled"; nil: any
	Listed     bool     // `tc actions ls` has shown it; the kernel says more of it then
	Place      Place    // where it was written last
	holds      []chainHold

	standalone     bool // made by `tc actions`, not by a filter
	keepHW, keepSW bool // skip_hw and skip_sw as given, or as the filters that bind it have

	// Exactly the one that Kind names is set.
	Gact      *Gact
	Mirred    *Mirred
	CT        *CTAction
	TunnelKey *TunnelKey

	VLAN    *VLAN
	MPLS    *MPLS
	Pedit   *Pedit
	Csum    *Csum
	Skbedit *Skbedit
	Police  *Police
	Sample  *Sample
}

// Place is a word of a policy file, for messages.
type Place struct {
	File      string
	Line, Col int    // from 1; 0: unknown
	Word      string // what stands there
}

// Gact is a generic action; its control is the instance's, possibly
// replaced at random.
type Gact struct {
	// RandomType is "none", "netrand" or "determ".
	RandomType string
	RandomCtl  Control
	RandomArg  uint32 // chain or jump count for RandomCtl
	RandomVal  uint16 // one in RandomVal packets
}

// Mirred sends the packet, or a copy, to a device.
type Mirred struct {
	Dev     string // empty with Block
	Block   uint32 // mirror to every port of a block (6.8+); 0: to Dev
	Mirror  bool   // a copy goes; false: redirect
	Ingress bool   // into the device's ingress; false: out of the device
}

// CTAction is `action ct`.
type CTAction struct {
	Commit, Force, Clear bool
	Zone                 uint16
	Mark, MarkMask       uint32
	Label, LabelMask     [16]byte
	Helper               string // "ipv4-tcp-ftp", …; empty: none
	NAT                  bool   // translate; with neither Src nor Dst: restore
	NATSrc, NATDst       bool
	NATMin, NATMax       [16]byte // IPv4 in the first four bytes
	NATIPv6              bool
	NATHasAddr           bool
	NATHasPort           bool
	PortMin, PortMax     uint16
	NATRandom            bool // extensions of OVS: nat(...,random)
	NATHash              bool
	NATPersistent        bool
	// Clone: process a copy in the tracker and resume it in CloneChain; the
	// packet itself goes on unchanged after the action (RFC's `chain K`).
	Clone      bool
	CloneChain uint32
}
