package datapath

import (
	"encoding/binary"

	"sluice/packet"
	"sluice/policy"
)

// pedit changes 32 bits a key (act_pedit.c tcf_pedit_act). The first key that
// does not fit the packet ends it: it is counted as an overlimit, the keys
// before it stay done, and the packet goes on.
func (p *pkt) pedit(a *action) (policy.Control, int32) {
	s := p.count(a)
	changed := false
	for i := range a.edit.pedit.Keys {
		k := &a.edit.pedit.Keys[i]
		off, ok := p.peditOffset(k)
		if !ok {
			s.overlimits++
			break
		}
		w, ok := p.word(off)
		if !ok {
			s.overlimits++
			break
		}
		// Val and Mask are in network order; x86 adds in its own, so a carry
		// goes from a byte to the one before it in memory's order.
		val := k.Val
		if k.Add {
			sum := bswap(w) + bswap(k.Val)
			val = bswap(sum) &^ k.Mask
		}
		if !p.own(0) {
			return p.refused(a)
		}
		p.setWord(off, w&k.Mask^val)
		p.pull(off + 4)
		changed = true
	}
	if changed {
		p.rewritten()
	}
	return p.done(a)
}

func bswap(x uint32) uint32 { return x<<24 | x&0xff00<<8 | x>>8&0xff00 | x>>24 }

// peditOffset finds the word that a key changes, counted from the network
// header.
func (p *pkt) peditOffset(k *policy.PeditKey) (int, bool) {
	base, ok := p.peditHeader(k.Header)
	if !ok {
		return 0, false
	}
	off := int(k.Off)
	if k.OffMask != 0 {
		b, ok := p.byteAt(base + int(int32(k.At)))
		if !ok {
			return 0, false
		}
		off += int(uint32(b) & k.OffMask >> min(k.Shift, 31))
		if off%4 != 0 {
			return 0, false
		}
	}
	return base + off, true
}

// peditHeader finds a header, counted from the network header
// (pedit_skb_hdr_offset). IPv4's protocol is not looked at.
func (p *pkt) peditHeader(h policy.PeditHeader) (int, bool) {
	switch h {
	case policy.PeditEth:
		return p.strip - packet.MACLen, true
	case policy.PeditTCP:
		return p.peditL4(packet.ProtoTCP)
	case policy.PeditUDP:
		return p.peditL4(packet.ProtoUDP)
	}
	return 0, true
}

func (p *pkt) peditL4(proto uint8) (int, bool) {
	b := p.frame[min(p.at(), len(p.frame)):]
	switch p.typ {
	case packet.EtherIPv4:
		if len(b) < 20 {
			return 0, false
		}
		return int(b[0]&15) * 4, true
	case packet.EtherIPv6:
		if len(b) < 40 {
			return 0, false
		}
		return findIPv6(b, proto)
	}
	return 0, false
}

// findIPv6 follows extension headers to the one that is asked for
// (exthdrs_core.c ipv6_find_hdr).
func findIPv6(b []byte, want uint8) (int, bool) {
	next, at := b[6], 40
	for next != want {
		if at+2 > len(b) {
			return 0, false
		}
		n := (int(b[at+1]) + 1) * 8
		switch next {
		case packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoDstOpts:
		case packet.ProtoAH:
			n = (int(b[at+1]) + 2) * 4
		case packet.ProtoFragment:
			if at+4 > len(b) || be16(b[at+2:])&^7 != 0 {
				return 0, false
			}
			n = 8
		default:
			return 0, false
		}
		next, at = b[at], at+n
	}
	return at, true
}

// farBelow is how far before the network header Linux lets a key reach: into
// what is kept free before a received frame. Nobody sees those bytes.
const farBelow = packet.MACLen + 64

// index gives where a byte is in the frame, counted from the network header:
// the outer tag is not in Linux's packet. Negative: before the frame.
func (p *pkt) index(off int) int {
	if off < -2 && p.tag {
		off -= packet.TagLen
	}
	i := p.at() + off
	if i < p.strip {
		return -1
	}
	return i
}

func (p *pkt) byteAt(off int) (byte, bool) {
	if off < -farBelow || off >= len(p.frame)-p.at() {
		return 0, false
	}
	if i := p.index(off); i >= 0 {
		return p.frame[i], true
	}
	return 0, true
}

// word reads four bytes in network order; false if they are not all there.
func (p *pkt) word(off int) (w uint32, ok bool) {
	if off < -farBelow || off+4 > len(p.frame)-p.at() {
		return 0, false
	}
	if off >= -2 && off+p.at() >= p.strip {
		return binary.BigEndian.Uint32(p.frame[p.at()+off:]), true
	}
	for i := range 4 {
		b, _ := p.byteAt(off + i)
		w = w<<8 | uint32(b)
	}
	return w, true
}

// setWord writes what word has read.
func (p *pkt) setWord(off int, w uint32) {
	for i := range 4 {
		if j := p.index(off + i); j >= 0 {
			p.frame[j] = byte(w >> (24 - 8*i))
		}
	}
}
