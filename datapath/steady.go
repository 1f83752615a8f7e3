package datapath

import "sluice/policy"

// What two packets of one connection that come in by one device have in common
// is their tuple, what ct makes of it, and the device. Everything else may change
// from one packet to the next.

// varies are the parts of a key that do, but for a tunnel's.
var varies = pack(&policy.Key{
	SrcMAC: [6]byte(ones[:6]), DstMAC: [6]byte(ones[:6]), IPTOS: 0xff, IPTTL: 0xff, IPFlags: 0xff, TCPFlags: 0xffff,
	VLANTCI: 0xffff, VLANTPID: 0xffff, VLANEthType: 0xffff, CVLANTCI: 0xffff, CVLANTPID: 0xffff, CVLANEthType: 0xffff, NumVLANs: 0xff,
	ARPOp: 0xff, ARPSIP: [4]byte(ones[:4]), ARPTIP: [4]byte(ones[:4]), ARPSHA: [6]byte(ones[:6]), ARPTHA: [6]byte(ones[:6]),
	L2Miss: 0xff, MPLS: [7]uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, SPI: 1<<32 - 1, LSEs: 0xffff,
}, 0)

// variesOutside are those of a tunnel's headers that do.
var variesOutside = pack(&policy.Key{EncTOS: 0xff, EncTTL: 0xff, EncFlags: 0xff, EncSrcPort: 0xffff}, 0)

// tunnelKeys tell one tunnel from another.
var tunnelKeys = pack(&policy.Key{EncSrcIP: ones, EncDstIP: ones, EncKeyID: 1<<64 - 1, EncDstPort: 0xffff, EncCtl: 1<<32 - 1}, 0)

// or gives the bits of both.
func (k key) or(o *key) key {
	for i := range k {
		k[i] |= o[i]
	}
	return k
}

// touches reports whether the two have bits in common.
func (k *key) touches(o *key) bool {
	for i := range k {
		if k[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// findSteady reports whether packets of one connection that arrive at one device
// always look the same to the program. Whose tunnel they came out of may be
// asked: a way is that tunnel's alone.
func (p *program) findSteady() bool {
	if p.need&needTunnelOpts != 0 {
		return false
	}
	unsteady := varies.or(&variesOutside)
	for i := range p.blocks {
		for j := range p.blocks[i].chains {
			for k := range p.blocks[i].chains[j].groups {
				if p.blocks[i].chains[j].groups[k].mask.touches(&unsteady) {
					return false
				}
			}
		}
	}
	return true
}

// asksPacket lists the filters of which a connection does not tell whether its
// packets match: those that ask for bits of blur, for tunnel options, or, where
// a block's filters tell tagged packets from others, for a protocol.
func asksPacket(p *policy.Policy, blur *key) map[*policy.Filter]bool {
	asks := map[*policy.Filter]bool{}
	eachBlock(p, func(b *policy.Block) {
		wrapped := false
		each(b, func(pr *policy.Proto, f *policy.Filter) {
			wrapped = wrapped || wraps(pr.Protocol) || needed(maskOf(f), false)&(needVLAN|needMPLS) != 0
		})
		each(b, func(pr *policy.Proto, f *policy.Filter) {
			_, m, _ := maskedKey(pr, f)
			asks[f] = m.touches(blur) || f.Match != nil && len(f.Match.EncOpts) > 0 || wrapped && pr.Protocol != policy.EtherAll
		})
	})
	return asks
}

// maskOf is what a filter looks at.
func maskOf(f *policy.Filter) *policy.Key {
	if f.Match == nil {
		return &policy.Key{}
	}
	return &f.Match.Mask
}

// wraps reports whether a packet of the protocol has another inside.
func wraps(protocol uint16) bool { return isVLAN(protocol) || isMPLS(protocol) }

// blurred is what a device's filter compares where not all of a packet is known.
func (d *deviceMode) blurred(pr *policy.Proto, k, m key) (key, key) {
	for i := range m {
		m[i] &^= d.blur[i]
	}
	if d.blur != (key{}) && wraps(pr.Protocol) {
		m[wL4] &^= 0xffff
		if isMPLS(pr.Protocol) {
			m[wBase] &^= packBase(0xffff, 0, 0)
		}
	}
	for i := range k {
		k[i] &= m[i]
	}
	return k, m
}
