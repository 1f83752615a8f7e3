package packettest

import (
	"encoding/binary"

	"sluice/packet"
)

// Fragment cuts one fragment out of a frame, tagged or not: the bytes from off
// to end of what follows the IP header. more says that others follow.
func Fragment(frame []byte, id uint32, off, end int, more bool) []byte {
	var h packet.Headers
	packet.Parse(frame, &h)
	l3 := int(h.L3)
	if h.EtherType == packet.EtherIPv6 {
		f := append([]byte(nil), frame[:l3+40]...)
		bits := uint16(off)
		if more {
			bits |= 1
		}
		f = binary.BigEndian.AppendUint16(append(f, f[l3+6], 0), bits)
		f = append(binary.BigEndian.AppendUint32(f, id), frame[l3+40+off:l3+40+end]...)
		f[l3+6] = packet.ProtoFragment
		binary.BigEndian.PutUint16(f[l3+4:], uint16(len(f)-l3-40))
		return f
	}
	head := l3 + int(frame[l3]&15)*4
	f := append(append([]byte(nil), frame[:head]...), frame[head+off:head+end]...)
	ip := f[l3:head]
	binary.BigEndian.PutUint16(ip[2:], uint16(len(f)-l3))
	binary.BigEndian.PutUint16(ip[4:], uint16(id))
	bits := uint16(off/8) | uint16(ip[6])<<8&0x4000
	if more {
		bits |= 0x2000
	}
	binary.BigEndian.PutUint16(ip[6:], bits)
	ip[10], ip[11] = 0, 0
	binary.BigEndian.PutUint16(ip[10:], packet.Checksum(ip))
	return f
}

// Fragments cuts a frame into fragments with payloads of the given sizes, all
// but the last a multiple of eight; what is left over is the last one's.
func Fragments(frame []byte, id uint32, sizes ...int) [][]byte {
	var h packet.Headers
	packet.Parse(frame, &h)
	left := len(frame) - int(h.L3) - 40
	if h.EtherType == packet.EtherIPv4 {
		left = len(frame) - int(h.L3) - int(frame[h.L3]&15)*4
	}
	var out [][]byte
	off := 0
	for _, n := range sizes {
		if n >= left {
			break
		}
		out = append(out, Fragment(frame, id, off, off+n, true))
		off, left = off+n, left-n
	}
	return append(out, Fragment(frame, id, off, off+left, false))
}
