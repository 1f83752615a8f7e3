package sim

import "sluice/policy"

// dissected are what a filter looks at, as drivers are told: numbered as enum
// flow_dissector_key_id (include/net/flow_dissector.h).
type dissected uint64

const (
	keyControl dissected = 1 << iota
	keyBasic
	keyIPv4
	keyIPv6
	keyPorts
	keyPortsRange
	keyICMP
	keyEth
	_ // TIPC
	keyARP
	keyVLAN
	_ // flow label
	_ // GRE key id
	_ // MPLS entropy
	keyEncKeyID
	keyEncIPv4
	keyEncIPv6
	keyEncControl
	keyEncPorts
	keyMPLS
	keyTCP
	keyIP
	keyCVLAN
	keyEncIP
	keyEncOpts
	keyMeta
	keyCT
	_ // hash
	keyNumVLANs
	keyPPPoE
	keyL2TPv3
	keyCFM
	keyIPsec

	keyEnc = keyEncKeyID | keyEncIPv4 | keyEncIPv6 | keyEncControl | keyEncPorts | keyEncIP
)

// used is cls_flower's fl_init_dissector.
func used(m *policy.Match) dissected {
	k := &m.Mask
	d := keyControl | keyBasic
	for _, x := range [...]struct {
		key dissected
		on  bool
	}{
		{keyEth, k.SrcMAC != [6]byte{} || k.DstMAC != [6]byte{}},
		{keyIPv4, m.AddrFamily == 4},
		{keyIPv6, m.AddrFamily == 6},
		{keyPorts, k.SrcPort|k.DstPort != 0},
		{keyPortsRange, m.SrcPorts != policy.PortRange{} || m.DstPorts != policy.PortRange{}},
		{keyIP, k.IPTOS|k.IPTTL != 0},
		{keyTCP, k.TCPFlags != 0},
		{keyICMP, k.ICMPType|k.ICMPCode != 0},
		{keyARP, k.ARPOp != 0 || k.ARPSIP != [4]byte{} || k.ARPTIP != [4]byte{} || k.ARPSHA != [6]byte{} || k.ARPTHA != [6]byte{}},
		{keyMPLS, k.LSEs != 0},
		{keyVLAN, k.VLANTCI|k.VLANEthType|k.VLANTPID != 0},
		{keyCVLAN, k.CVLANTCI|k.CVLANEthType|k.CVLANTPID != 0},
		{keyEncKeyID, k.EncKeyID != 0},
		{keyEncIPv4 | keyEncControl, m.EncAddrFamily == 4},
		{keyEncIPv6 | keyEncControl, m.EncAddrFamily == 6},
		{keyEncPorts, k.EncSrcPort|k.EncDstPort != 0},
		{keyEncIP, k.EncTOS|k.EncTTL != 0},
		{keyEncOpts, len(m.EncOpts) > 0},
		{keyMeta, m.InDev != "" || k.L2Miss != 0},
		{keyCT, usesCT(m)},
		{keyNumVLANs, k.NumVLANs != 0},
		{keyPPPoE, k.PPPoESID|k.PPPProto != 0},
		{keyL2TPv3, k.L2TPv3SID != 0},
		{keyCFM, k.CFM != 0},
		{keyIPsec, k.SPI != 0},
	} {
		if x.on {
			d |= x.key
		}
	}
	return d
}

// usesCT reports whether a match looks at the connection.
func usesCT(m *policy.Match) bool {
	return m != nil && (m.Mask.CTState|m.Mask.CTZone != 0 || m.Mask.CTMark != 0 || m.Mask.CTLabel != [16]byte{})
}
