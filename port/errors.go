package port

import "fmt"

// maxFrame is the largest packet a reader believes in. Real captures have
// snap lengths up to 262,144 bytes.
const maxFrame = 256 << 10

// CorruptError says where a capture stops making sense. Packets before it are
// good.
type CorruptError struct {
	File   string
	Offset int64  // byte in the (uncompressed) capture where the bad part begins
	Packet uint64 // packets read before it
	What   string // what was expected and what was there
	Err    error  // the cause, if another error is: io.ErrUnexpectedEOF for a truncated file
}

func (e *CorruptError) Error() string {
	s := fmt.Sprintf("%s: offset %d, after packet %d: %s", e.File, e.Offset, e.Packet, e.What)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CorruptError) Unwrap() error { return e.Err }

// LinkTypeError says that a capture holds frames of something other than
// Ethernet.
type LinkTypeError struct {
	File string
	Type uint16
}

// ethernet is LINKTYPE_ETHERNET, the only one that is read.
const ethernet = 1

// linkTypes names the link types that captures most often have
// (tcpdump.org's registry).
var linkTypes = map[uint16]string{
	0: "BSD loopback", 1: "Ethernet", 6: "Token Ring", 9: "PPP", 12: "raw IP", 14: "raw IP", 50: "PPP in HDLC", 51: "PPPoE",
	101: "raw IP", 104: "Cisco HDLC", 105: "IEEE 802.11", 107: "Frame Relay", 108: "OpenBSD loopback", 113: "Linux cooked v1",
	127: "IEEE 802.11 with radiotap", 149: "Bluetooth HCI", 189: "Linux USB", 220: "Linux USB", 228: "raw IPv4", 229: "raw IPv6",
	239: "NFLOG", 253: "Netlink", 276: "Linux cooked v2",
}

func (e *LinkTypeError) Error() string {
	name := linkTypes[e.Type]
	if name == "" {
		name = "unknown"
	}
	return fmt.Sprintf("%s: link type %d (%s); only Ethernet (1) can be replayed", e.File, e.Type, name)
}
