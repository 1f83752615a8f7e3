package conform

import (
	"encoding/hex"
	"fmt"

	"sluice/packet"
)

// namelessFragment replaces the identification of an IPv6 fragment, which the
// kernel chooses at random when it takes a packet apart
// (ip6_fragment, ipv6_select_ident), by a number: which fragments share one is
// compared. One that came in and left again as it was keeps its own. Frames are
// in hexadecimal; ids are the numbers given so far.
func namelessFragment(frame, in string, ids map[string]int) string {
	id, at := fragmentID(frame)
	if was, _ := fragmentID(in); id == "" || id == was {
		return frame
	}
	if ids[id] == 0 {
		ids[id] = len(ids) + 1
	}
	return frame[:at] + fmt.Sprintf("[id %d]", ids[id]) + frame[at+8:]
}

// fragmentID finds an IPv6 fragment's identification and where it stands; "" if
// the frame is none. Only headers that it can follow stand before it.
func fragmentID(frame string) (id string, at int) {
	b, err := hex.DecodeString(frame)
	if err != nil {
		return "", 0
	}
	var h packet.Headers
	packet.Parse(b, &h)
	if h.EtherType != packet.EtherIPv6 || h.Flags&packet.IsFrag == 0 {
		return "", 0
	}
	next, pos := h.NextHdr, int(h.L3)+40
	for next != packet.ProtoFragment {
		n := (int(b[pos+1]) + 1) * 8
		if next == packet.ProtoAH {
			n = (int(b[pos+1]) + 2) * 4
		}
		next, pos = b[pos], pos+n
	}
	return frame[2*pos+8 : 2*pos+16], 2*pos + 8
}
