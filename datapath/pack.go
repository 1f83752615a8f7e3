package datapath

import (
	"encoding/binary"

	"sluice/policy"
)

// A packet is classified by a packed key: the fields of policy.Key and the
// protocol as cls_api sees it, in whole 64-bit words. Extraction writes each
// word once, as a whole: a word that is put together from narrow stores and
// then read whole costs a stall that is longer than a hash.
//
// What nearly every filter asks for is in the first two words.
const (
	wBase     = 0  // EthType:16 IPProto:8 IPTOS:8 CTState:16 CTZone:16
	wL4       = 1  // SrcPort:16 DstPort:16 TCPFlags or ICMPType:8 ICMPCode:8, protocol:16
	wMark     = 2  // CTMark:32 InDev:32
	wSrcIP    = 3  // two words
	wDstIP    = 5  // two words
	wSrcMAC   = 7  // SrcMAC:48 IPTTL:8 IPFlags:8
	wDstMAC   = 8  // DstMAC:48 VLANTCI:16
	wVLAN     = 9  // VLANTPID VLANEthType CVLANTCI CVLANTPID, 16 each
	wARP      = 10 // CVLANEthType:16 NumVLANs:8 ARPOp:8 ARPSIP:32
	wARPTIP   = 11 // ARPTIP:32 EncTOS:8 EncTTL:8 L2Miss:8 EncFlags:8
	wARPSHA   = 12 // ARPSHA:48 EncSrcPort:16
	wARPTHA   = 13 // ARPTHA:48 EncDstPort:16
	wLabel    = 14 // two words
	wEncSrcIP = 16 // two words
	wEncDstIP = 18 // two words
	wEncKey   = 20
	wMPLS     = 21 // four words: seven label stack entries, SPI:32
	wPPP      = 25 // L2TPv3SID:32 PPPoESID:16 PPPProto:16
	wCFM      = 26 // CFM:16 LSEs:16 EncCtl:32

	keyWords = 27
)

// key is a packed key or mask. Its length is a power of two, so that a word's
// number can be kept within bounds by a mask.
type key [32]uint64

const _ = uint(len(key{}) - keyWords)

// pack lays out a policy's key or mask. TCP flags share their place with
// ICMP's type and code: a filter can ask for one of the two only, since each
// needs its own ip_proto.
func pack(k *policy.Key, proto uint16) (w key) {
	be := binary.BigEndian
	mac := func(m [6]byte) uint64 { return uint64(be.Uint16(m[0:]))<<48 | uint64(be.Uint32(m[2:]))<<16 }
	w[wBase] = packBase(k.EthType, k.IPProto, k.IPTOS) | packState(k.CTState, k.CTZone)
	w[wL4] = packL4(k.SrcPort, k.DstPort, k.TCPFlags|uint16(k.ICMPType)<<8|uint16(k.ICMPCode), proto)
	w[wMark] = uint64(k.CTMark)<<32 | uint64(k.InDev)
	w[wSrcIP], w[wSrcIP+1] = be.Uint64(k.SrcIP[:]), be.Uint64(k.SrcIP[8:])
	w[wDstIP], w[wDstIP+1] = be.Uint64(k.DstIP[:]), be.Uint64(k.DstIP[8:])
	w[wSrcMAC] = mac(k.SrcMAC) | uint64(k.IPTTL)<<8 | uint64(k.IPFlags)
	w[wDstMAC] = mac(k.DstMAC) | uint64(k.VLANTCI)
	w[wVLAN] = uint64(k.VLANTPID)<<48 | uint64(k.VLANEthType)<<32 | uint64(k.CVLANTCI)<<16 | uint64(k.CVLANTPID)
	w[wARP] = uint64(k.CVLANEthType)<<48 | uint64(k.NumVLANs)<<40 | uint64(k.ARPOp)<<32 | uint64(be.Uint32(k.ARPSIP[:]))
	w[wARPTIP] = uint64(be.Uint32(k.ARPTIP[:]))<<32 | uint64(k.EncTOS)<<24 | uint64(k.EncTTL)<<16 | uint64(k.L2Miss)<<8 | uint64(k.EncFlags)
	w[wARPSHA] = mac(k.ARPSHA) | uint64(k.EncSrcPort)
	w[wARPTHA] = mac(k.ARPTHA) | uint64(k.EncDstPort)
	w[wLabel], w[wLabel+1] = be.Uint64(k.CTLabel[:]), be.Uint64(k.CTLabel[8:])
	w[wEncSrcIP], w[wEncSrcIP+1] = be.Uint64(k.EncSrcIP[:]), be.Uint64(k.EncSrcIP[8:])
	w[wEncDstIP], w[wEncDstIP+1] = be.Uint64(k.EncDstIP[:]), be.Uint64(k.EncDstIP[8:])
	w[wEncKey] = k.EncKeyID
	for i, l := range k.MPLS {
		w[wMPLS+i/2] |= uint64(l) << (32 * (1 - i%2))
	}
	w[wMPLS+3] |= uint64(k.SPI)
	w[wPPP] = uint64(k.L2TPv3SID)<<32 | uint64(k.PPPoESID)<<16 | uint64(k.PPPProto)
	w[wCFM] = uint64(k.CFM)<<48 | uint64(k.LSEs)<<32 | uint64(k.EncCtl)
	return w
}

func packBase(eth uint16, proto, tos uint8) uint64 {
	return uint64(eth)<<48 | uint64(proto)<<40 | uint64(tos)<<32
}

func packState(state, zone uint16) uint64 { return uint64(state)<<16 | uint64(zone) }

// stateMask covers CTState and CTZone in wBase.
const stateMask = 0xffffffff

func packL4(sport, dport, aux, proto uint16) uint64 {
	return uint64(sport)<<48 | uint64(dport)<<32 | uint64(aux)<<16 | uint64(proto)
}

// ports gives back the ports, for ranges.
func (k *key) ports() (src, dst uint16) { return uint16(k[wL4] >> 48), uint16(k[wL4] >> 32) }

// state gives back flower's ct_state bits.
func (k *key) state() uint16 { return uint16(k[wBase] >> 16) }
