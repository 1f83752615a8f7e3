package packet

import "hash/crc32"

// castagnoli is the polynomial of SCTP's checksum (RFC 9260, appendix A).
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// SCTPChecksum is the CRC32c of an SCTP packet, header first, computed as if
// its checksum field were zero. The field holds it least significant byte
// first. It is 0 for a packet shorter than the common header's twelve bytes.
func SCTPChecksum(seg []byte) uint32 {
	if len(seg) < 12 {
		return 0
	}
	c := crc32.Update(0, castagnoli, seg[:8])
	c = crc32.Update(c, castagnoli, zeroField[:])
	return crc32.Update(c, castagnoli, seg[12:])
}

var zeroField [4]byte
