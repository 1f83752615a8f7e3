package conform

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"

	"sluice/packet"
)

// Some of what a case may leave open (Case.Free) the comparison passes over.
const (
	// freeStack: what the stack was handed did not show in the recording.
	freeStack = "stack"
	// freeOuter: the kernel chose an outer IPv4 identification, an IPv6 flow
	// label or a UDP source port. Checksums over them are compared as right,
	// wrong or missing.
	freeOuter = "outer headers"
)

// relax gives steps without what the case leaves open.
func relax(steps []Step, free []string) []Step {
	stack, outer := slices.Contains(free, freeStack), slices.Contains(free, freeOuter)
	if !stack && !outer {
		return steps
	}
	steps = slices.Clone(steps)
	for i := range steps {
		s := &steps[i]
		out := []Out{}
		for _, o := range s.Out {
			if stack && strings.HasPrefix(o.Dev, "pass:") {
				continue
			}
			if outer {
				o.Frame = plainOuter(o.Frame)
			}
			out = append(out, o)
		}
		s.Out = out
		if stack && s.Verdict == "pass" {
			s.Verdict = "drop"
		}
	}
	return steps
}

// plainOuter blanks what the kernel chose in a frame that is IP and then
// VXLAN, Geneve or GRE, and puts 1 for a right checksum, 2 for a wrong one.
// Other frames stay.
func plainOuter(frame string) string {
	b, err := hex.DecodeString(frame)
	if err != nil {
		return frame
	}
	var h packet.Headers
	packet.Parse(b, &h)
	if h.Flags&packet.HasL4 == 0 || h.Proto != packet.ProtoUDP && h.Proto != packet.ProtoGRE || int(h.End) != len(b) || !wraps(b, &h) {
		return frame
	}
	verdict := func(sum uint64, data []byte) uint16 {
		if packet.Fold(packet.Sum(sum, data)) == 0xffff {
			return 1
		}
		return 2
	}
	ip, seg := b[h.L3:h.L4], b[h.L4:]
	if h.Proto == packet.ProtoUDP {
		if sum := seg[6:8]; sum[0]|sum[1] != 0 {
			binary.BigEndian.PutUint16(sum, verdict(packet.PseudoSum(ip, h.Tuple.Family, h.Proto, len(seg)), seg))
		}
		seg[0], seg[1] = 0, 0
	}
	if h.Tuple.Family == packet.IPv4 {
		binary.BigEndian.PutUint16(ip[10:], verdict(0, ip))
		ip[4], ip[5] = 0, 0
	} else {
		ip[1], ip[2], ip[3] = ip[1]&0xf0, 0, 0
	}
	return hex.EncodeToString(b)
}

// wraps reports whether what follows the transport header looks like a
// tunnel's.
func wraps(b []byte, h *packet.Headers) bool {
	if h.Proto == packet.ProtoGRE {
		return binary.BigEndian.Uint16(b[h.L4+2:]) == packet.EtherTEB
	}
	p := b[h.Payload:]
	if len(p) < 8+14 {
		return false
	}
	return p[0]&0x08 != 0 && p[7] == 0 || binary.BigEndian.Uint16(p[2:]) == packet.EtherTEB
}
