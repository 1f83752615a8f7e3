package policy

// Police is `action police`: a token bucket. What exceeds it takes the
// action's control, what conforms takes Conform.
type Police struct {
	Rate     uint64 // bytes a second; 0: no limit on bytes
	Burst    uint32 // bytes
	Peak     uint64 // bytes a second; 0: none
	MTU      uint32 // largest frame that conforms; 0: what the kernel takes instead, see Limit
	MPU      uint16 // a packet counts at least so many bytes
	Overhead uint16 // bytes that count to each packet
	ATM      bool   // a packet counts in cells of 53 bytes
	AvRate   uint64 // bytes a second; needs an estimator, which nothing here has
	PktRate  uint64 // packets a second; 0: no limit on packets
	PktBurst uint64 // packets

	Conform    Control
	ConformArg uint32
	// CellLog and PeakCellLog are given with burst and mtu, `10k/8`; -1: derived.
	CellLog, PeakCellLog int8
}

// defaultMTU is the frame that iproute2 makes rate tables for.
const defaultMTU = 2047

// cellLog is the granularity of a rate table for frames of an MTU
// (tc_core.c tc_calc_rtable).
func cellLog(given int8, mtu uint32) uint8 {
	if given >= 0 {
		return uint8(given)
	}
	if mtu == 0 {
		mtu = defaultMTU
	}
	n := uint8(0)
	for mtu>>n > 255 {
		n++
	}
	return n
}

// Limit is the largest frame that conforms (act_police.c tcf_police_init).
func (p *Police) Limit() uint32 {
	switch {
	case p.MTU != 0:
		return p.MTU
	case p.Rate != 0:
		return 255 << cellLog(p.CellLog, 0)
	}
	return 0xffffffff
}

// Ticks is the time in the kernel's ticks of 64 ns that size units take at a
// rate of units a second, rounded as iproute2 does: to a whole microsecond
// first (tc_core.c tc_calc_xmittime).
func Ticks(rate, size uint64) uint32 {
	if rate == 0 {
		return 0
	}
	t := float64(uint64(1e6*(float64(size)/float64(rate)))) * tickInUsec
	if t >= 1<<32 {
		return 0xffffffff
	}
	return uint32(t)
}

// tickInUsec follows from /proc/net/psched: 1000 ns in a microsecond, 64 in a
// tick.
const tickInUsec = 1000.0 / 64.0

// FromTicks is the inverse of Ticks, rounded as iproute2 does.
func FromTicks(rate uint64, ticks uint32) uint64 {
	us := uint64(float64(ticks) / tickInUsec)
	return uint64(float64(rate) * float64(us) / 1e6)
}

func (p *Police) check() error {
	if p.Rate != 0 && cellLog(p.CellLog, p.MTU) == 0 || p.Peak != 0 && cellLog(p.PeakCellLog, p.MTU) == 0 {
		return refuse(ENOMEM, "")
	}
	switch {
	case p.AvRate != 0:
		return refuse(EINVAL, "")
	case p.Conform == GotoChain:
		return refuse(EINVAL, "goto chain not allowed on fallback")
	case (p.PktRate == 0) != (p.PktBurst == 0):
		return refuse(EINVAL, "Both or neither packet-per-second burst and rate must be provided")
	case p.PktRate != 0 && p.Rate != 0:
		return refuse(EINVAL, "packet-per-second and byte-per-second rate limits not allowed in same action")
	}
	return nil
}
