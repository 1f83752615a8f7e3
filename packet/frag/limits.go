package frag

// Limits bound what waits for completion. Index 0 is IPv4, 1 is IPv6. The
// zero value holds nothing; use DefaultLimits.
type Limits struct {
	HighThresh [2]int64 // bytes, this package's own structures included; beyond it no fragment is taken
	Timeout    [2]int64 // nanoseconds from a packet's first fragment to its last
	MaxDist    int64    // IPv4: fragments of the same source between two of one packet; 0: any number

	// Knobs of Open vSwitch's user space datapath (ovs-appctl dpctl/ipf-*).
	// Linux has none of them.
	Disabled [2]bool  // fragments are not put together, and go on as they are
	MinFrag  [2]int64 // bytes of IP packet that a fragment with others behind it must have
	MaxFrags int64    // fragments waiting, both families together; 0: any number
}

// DefaultLimits are Linux's: 4 MB and 30 s for IPv4 (ip_fragment.c
// ipv4_frags_init_net), 4 MB and 60 s for IPv6 (nf_conntrack_reasm.c
// nf_ct_net_init).
func DefaultLimits() Limits {
	const second = int64(1e9)
	return Limits{
		HighThresh: [2]int64{4 << 20, 4 << 20},
		Timeout:    [2]int64{30 * second, 60 * second},
		MaxDist:    64,
	}
}
