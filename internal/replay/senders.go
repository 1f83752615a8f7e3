package replay

import (
	"math/bits"
	"unsafe"

	"sluice/packet"
)

// sender is one direction of a connection, and where its packets come in. That
// never changes: rules look at addresses alone, and who spoke first stays the
// one who did. Nothing is to be learnt from a packet of a known sender, either.
type sender struct {
	tuple packet.Tuple
	mac   [6]byte
	valid bool
	dev   int32 // ownDevice: the capture's own
}

const ownDevice = -1

// senderBits says how many are remembered; one takes another's place.
const senderBits = 13

// recall returns the place of a frame's sender, not valid where it is unknown.
func (s *splitter) recall(frame []byte, g *packet.Gist) *sender {
	t := words(&g.Tuple)
	h := (t[0] ^ bits.RotateLeft64(t[2], 32) ^ t[4]) * 0x9e3779b97f4a7c15
	h ^= (t[1] + bits.RotateLeft64(t[3], 24)) * 0xd6e8feb86659fd93
	k := &s.known[(h*0xa0761d6478bd642f)>>(64-senderBits)]
	u := words(&k.tuple)
	if (t[0]^u[0])|(t[1]^u[1])|(t[2]^u[2])|(t[3]^u[3])|(t[4]^u[4]) != 0 || k.mac != [6]byte(frame[6:12]) {
		k.valid = false
	}
	return k
}

// words is a tuple as its memory has it.
func words(t *packet.Tuple) *[5]uint64 { return (*[5]uint64)(unsafe.Pointer(t)) }

const _ = uint(unsafe.Sizeof([5]uint64{}) - unsafe.Sizeof(packet.Tuple{}))
const _ = uint(unsafe.Sizeof(packet.Tuple{}) - unsafe.Sizeof([5]uint64{}))
