package policy

// VLANOp is what a vlan action does (TCA_VLAN_ACT_*).
type VLANOp uint8

const (
	VLANPop VLANOp = iota + 1
	VLANPush
	VLANModify
	VLANPopEth
	VLANPushEth
)

// VLAN is `action vlan`.
type VLAN struct {
	Op       VLANOp // 0: none given, as with an index alone
	ID       uint16
	Proto    uint16 // 0x8100 or 0x88a8
	Prio     uint8
	HasPrio  bool // modify: the priority changes, too
	Dst, Src [6]byte
}

// MPLSOp is what an mpls action does (TCA_MPLS_ACT_*).
type MPLSOp uint8

const (
	MPLSPop MPLSOp = iota + 1
	MPLSPush
	MPLSModify
	MPLSDecTTL
	MPLSMACPush
)

// MPLS is `action mpls`. Which fields are given is in the Has flags; TTL 0 is
// none, since no entry may be given one of 0.
type MPLS struct {
	Op       MPLSOp
	Proto    uint16 // EtherType: of the label (push), of what follows (pop)
	Label    uint32 // 20 bits
	TC       uint8  // 3 bits
	BOS      uint8  // 1 bit
	TTL      uint8
	HasLabel bool
	HasTC    bool
	HasBOS   bool
}

// PeditHeader says from which header a key's offset counts
// (TCA_PEDIT_KEY_EX_HDR_TYPE_*).
type PeditHeader uint8

const (
	PeditNetwork PeditHeader = iota
	PeditEth
	PeditIP4
	PeditIP6
	PeditTCP
	PeditUDP
)

// PeditKey changes 32 bits of a packet, in network byte order: those that
// Mask keeps, or else those of Val, exclusive-or'd; with Add, Val is added.
type PeditKey struct {
	Header    PeditHeader
	Add       bool
	Val, Mask uint32
	Off       int32
	// The byte at At, masked by OffMask and shifted right by Shift, counts
	// to the offset; OffMask 0: it does not.
	At, OffMask, Shift uint32
}

// Pedit is `action pedit`.
type Pedit struct {
	Extended bool // `pedit ex`: keys have their own header and command
	Keys     []PeditKey
}

// CsumFlags are the checksums that csum computes (TCA_CSUM_UPDATE_FLAG_*).
type CsumFlags uint8

const (
	CsumIPv4 CsumFlags = 1 << iota
	CsumICMP
	CsumIGMP
	CsumTCP
	CsumUDP
	CsumUDPLite
	CsumSCTP
)

// Csum is `action csum`.
type Csum struct{ Flags CsumFlags }

// Skbedit is `action skbedit`.
type Skbedit struct {
	HasMark, HasMask, HasPriority, HasQueue, HasPType bool
	Mark, Mask                                        uint32 // Mask is full without HasMask
	Priority                                          uint32 // MAJOR<<16 | MINOR
	Queue                                             uint16
	PType                                             uint8 // PACKET_HOST 0, BROADCAST 1, MULTICAST 2, OTHERHOST 3
	InheritDS                                         bool
}

// Sample is `action sample`.
type Sample struct {
	Rate, Group uint32
	Trunc       uint32 // 0: whole packets
	HasTrunc    bool
	Given       bool // rate and group; without them an index names an instance
}

// checkEdit is the kernel's validation of the actions that edit. atIngress: for
// a filter whose parent is a device's ingress (cls_api.c is_qdisc_ingress).
func (a *Action) checkEdit(atIngress bool) error {
	switch {
	case a.VLAN != nil:
		v := a.VLAN
		switch {
		case v.Op == 0:
			return refuse(EINVAL, "")
		case (v.Op == VLANPush || v.Op == VLANModify) && v.ID >= 4095:
			return refuseValue(ERANGE, "", "id", uint32(v.ID), "a number from 0 to 4094")
		}
	case a.MPLS != nil:
		return a.MPLS.check()
	case a.Pedit != nil:
		for _, k := range a.Pedit.Keys {
			if k.OffMask == 0 && k.Off%4 != 0 {
				return refuse(EINVAL, "act_pedit: Offsets must be on 32bit boundaries")
			}
		}
		if len(a.Pedit.Keys) == 0 {
			return refuse(EINVAL, "act_pedit: Pedit requires keys to be passed")
		}
	case a.Skbedit != nil:
		s := a.Skbedit
		switch {
		case s.HasQueue && atIngress && !a.SkipSW:
			return refuse(EOPNOTSUPP, `act_skbedit: "queue_mapping" option on receive side is hardware only, use skip_sw`)
		case !s.HasMark && !s.HasPriority && !s.HasQueue && !s.HasPType && !s.InheritDS:
			return refuse(EINVAL, "")
		}
	case a.Police != nil:
		return a.Police.check()
	case a.Sample != nil && !a.Sample.Given:
		return refuse(EINVAL, "sample rate and group are required")
	case a.Sample != nil && a.Sample.Rate == 0:
		return refuseValue(EINVAL, "invalid sample rate", "rate", 0, "one packet in how many: a number from 1 on")
	}
	return nil
}

func (m *MPLS) check() error {
	switch m.Op {
	case MPLSPush, MPLSMACPush:
		switch {
		case m.HasLabel && (m.Label == 3 || m.Label > 0xfffff): // the implicit null label is never on the wire
			return refuseValue(EINVAL, "act_mpls: MPLS label out of range", "label", m.Label, "a number up to 1048575 but for 3, which is never on the wire")
		case !m.HasLabel:
			return refuse(EINVAL, "act_mpls: Label is required for MPLS push")
		case m.Proto != 0 && m.Proto != etherMPLS && m.Proto != etherMPLSM:
			return refuse(EPROTONOSUPPORT, "act_mpls: Protocol must be an MPLS type for MPLS push")
		}
	case MPLSPop:
		if m.Proto < 0x600 {
			return refuse(EINVAL, "act_mpls: Invalid protocol type for MPLS pop")
		}
	case MPLSModify:
		if m.HasLabel && (m.Label == 3 || m.Label > 0xfffff) {
			return refuseValue(EINVAL, "act_mpls: MPLS label out of range", "label", m.Label, "a number up to 1048575 but for 3, which is never on the wire")
		}
	case MPLSDecTTL:
	default:
		return refuse(EINVAL, "act_mpls: Unknown MPLS action")
	}
	return nil
}
