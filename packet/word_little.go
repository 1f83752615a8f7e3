//go:build !(armbe || arm64be || m68k || mips || mips64 || mips64p32 || ppc || ppc64 || s390 || s390x || shbe || sparc || sparc64)

package packet

import (
	"encoding/binary"
	"math/bits"
)

// word4 gives four bytes as the word that eight bytes in memory are, of which
// they are the first and the rest is zero.
func word4(b []byte) uint64 { return uint64(binary.LittleEndian.Uint32(b)) }

// netOrder gives a number as two bytes in network order are loaded.
func netOrder(v uint16) uint16 { return bits.ReverseBytes16(v) }

// portsOf gives two ports in network order as the word that a tuple's are in
// memory.
func portsOf(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	return v>>8&0x00ff00ff | v<<8&0xff00ff00
}
