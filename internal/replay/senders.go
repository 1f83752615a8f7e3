package replay

import (
	"encoding/binary"
	"math/bits"

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
	t := &g.Tuple
	word := func(b []byte) uint64 { return binary.NativeEndian.Uint64(b) }
	ends := uint64(t.SPort)<<32 | uint64(t.DPort)<<8 | uint64(t.Proto)
	h := (word(t.Src[:8]) ^ bits.RotateLeft64(word(t.Dst[:8]), 32) ^ ends) * 0x9e3779b97f4a7c15
	h ^= (word(t.Src[8:]) + bits.RotateLeft64(word(t.Dst[8:]), 24)) * 0xd6e8feb86659fd93
	k := &s.known[(h*0xa0761d6478bd642f)>>(64-senderBits)]
	if k.tuple != *t || k.mac != [6]byte(frame[6:12]) {
		k.valid = false
	}
	return k
}
