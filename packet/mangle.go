package packet

import "encoding/binary"

// TCPSeq is the sequence number of a TCP header, which must be whole.
func TCPSeq(b []byte) uint32 { return binary.BigEndian.Uint32(b[4:]) }

// ReplacePayload puts s in place of n bytes of the transport's payload from
// at on, and brings lengths and checksums of the IP, TCP and UDP headers up to
// date. What lies behind the IP packet goes. A frame that changes its length
// is written to buf, which must be long enough and may be where the frame
// begins; otherwise it is changed in place. The packet must be whole, without
// extension headers that state its length (jumbograms).
func ReplacePayload(frame, buf []byte, h *Headers, at, n int, s []byte) []byte {
	frame = SplicePayload(frame, buf, h, at, n, s)
	SumPayload(frame, h)
	return frame
}

// SplicePayload is ReplacePayload that leaves the transport's checksum to
// SumPayload, for who has more to replace.
func SplicePayload(frame, buf []byte, h *Headers, at, n int, s []byte) []byte {
	at += int(h.Payload)
	grow := len(s) - n
	if grow == 0 {
		copy(frame[at:at+n], s)
		h.Len = uint32(h.End)
		return frame[:h.End]
	}
	// The frame may be in buf already: what is behind moves first.
	old := frame
	frame = buf[:int(h.End)+grow]
	copy(frame[at+len(s):], old[at+n:h.End])
	copy(frame, old[:at])
	copy(frame[at:], s)
	h.End = uint16(int(h.End) + grow)
	h.Len = uint32(len(frame))
	be := binary.BigEndian
	ip := frame[h.L3:]
	if h.Tuple.Family == IPv4 {
		was := be.Uint16(ip[2:])
		be.PutUint16(ip[2:], uint16(int(was)+grow))
		Patch(ip[10:], Diff16(was, be.Uint16(ip[2:])))
	} else {
		be.PutUint16(ip[4:], uint16(int(be.Uint16(ip[4:]))+grow))
	}
	h.IPLen = uint16(int(h.IPLen) + grow)
	if h.Proto == ProtoUDP {
		be.PutUint16(frame[h.L4+4:], uint16(int(h.End)-int(h.L4)))
	}
	return frame
}

// SumPayload computes the transport's checksum anew, unless UDP does without.
func SumPayload(frame []byte, h *Headers) {
	at := ChecksumOffset(h.Proto)
	if at < 0 {
		return
	}
	l4 := frame[h.L4:h.End]
	be := binary.BigEndian
	if h.Proto == ProtoUDP && h.Tuple.Family == IPv4 && be.Uint16(l4[at:]) == 0 {
		return
	}
	l4[at], l4[at+1] = 0, 0
	c := ^Fold(Sum(PseudoSum(frame[h.L3:], h.Tuple.Family, h.Proto, len(l4)), l4))
	if c == 0 && h.Proto == ProtoUDP {
		c = 0xffff
	}
	be.PutUint16(l4[at:], c)
}
