//go:build armbe || arm64be || m68k || mips || mips64 || mips64p32 || ppc || ppc64 || s390 || s390x || shbe || sparc || sparc64

package conntrack

// Where the first four bytes of a word's eight are in it, and the first and last two
// of four.
const (
	addrShift = 32
	srcPort   = 0xffff0000
	dstPort   = 0x0000ffff
)
