package packettest

import (
	"encoding/binary"

	"sluice/packet"
)

// VXLAN is a frame inside VXLAN.
func VXLAN(src, dst string, sport uint16, vni uint32, inner []byte) []byte {
	h := binary.BigEndian.AppendUint32([]byte{8, 0, 0, 0}, vni<<8)
	return UDP(src, dst, sport, packet.PortVXLAN, string(append(h, inner...)))
}

// Geneve is a frame inside Geneve, behind options of a multiple of four
// bytes.
func Geneve(src, dst string, sport uint16, vni uint32, opts string, inner []byte) []byte {
	h := binary.BigEndian.AppendUint32([]byte{byte(len(opts) / 4), 0, 0x65, 0x58}, vni<<8)
	return UDP(src, dst, sport, packet.PortGeneve, string(append(append(h, opts...), inner...)))
}

// GRETap is a frame inside GRE with a key.
func GRETap(src, dst string, key uint32, inner []byte) []byte {
	h := binary.BigEndian.AppendUint32([]byte{0x20, 0, 0x65, 0x58}, key)
	return IP(src, dst, packet.ProtoGRE, append(h, inner...))
}

// NoSum takes the checksum out of a frame that is IP and then UDP.
func NoSum(frame []byte) []byte {
	var h packet.Headers
	packet.Parse(frame, &h)
	frame[h.L4+6], frame[h.L4+7] = 0, 0
	return frame
}
