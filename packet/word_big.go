//go:build armbe || arm64be || m68k || mips || mips64 || mips64p32 || ppc || ppc64 || s390 || s390x || shbe || sparc || sparc64

package packet

import "encoding/binary"

// word4 gives four bytes as the word that eight bytes in memory are, of which
// they are the first and the rest is zero.
func word4(b []byte) uint64 { return uint64(binary.BigEndian.Uint32(b)) << 32 }

// netOrder gives a number as two bytes in network order are loaded.
func netOrder(v uint16) uint16 { return v }

// portsOf gives two ports in network order as the word that a tuple's are in
// memory.
func portsOf(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
