package tc

import (
	"fmt"
	"math"
	"strings"
)

// etherNames are iproute2's names of EtherTypes (lib/ll_proto.c), the first of
// a number being the one that is printed.
var etherNames = []struct {
	id   uint16
	name string
}{
	{0x0060, "loop"}, {0x0200, "pup"}, {0x0201, "pupat"},
	{0x0800, "ip"}, {0x0800, "ipv4"}, {0x0805, "x25"}, {0x0806, "arp"},
	{0x08ff, "bpq"}, {0x0a00, "ieeepup"}, {0x0a01, "ieeepupat"},
	{0x6000, "dec"}, {0x6001, "dna_dl"}, {0x6002, "dna_rc"}, {0x6003, "dna_rt"},
	{0x6004, "lat"}, {0x6005, "diag"}, {0x6006, "cust"}, {0x6007, "sca"},
	{0x8035, "rarp"}, {0x809b, "atalk"}, {0x80f3, "aarp"},
	{0x8100, "802.1Q"}, {0x88a8, "802.1ad"}, {0x8137, "ipx"}, {0x86dd, "ipv6"},
	{0x8863, "ppp_disc"}, {0x8864, "ppp_ses"},
	{0x884c, "atmmpoa"}, {0x8884, "atmfate"}, {0x8847, "mpls_uc"}, {0x8848, "mpls_mc"},
	{0x88a2, "aoe"}, {0x8906, "fcoe"}, {0x8902, "cfm"},
	{0x0001, "802_3"}, {0x0002, "ax25"}, {0x0003, "all"}, {0x0004, "802_2"},
	{0x0005, "snap"}, {0x0006, "ddcmp"}, {0x0007, "wan_ppp"}, {0x0008, "ppp_mp"},
	{0x0009, "localtalk"}, {0x000c, "can"}, {0x0010, "ppptalk"}, {0x0011, "tr_802_2"},
	{0x0015, "mobitex"}, {0x0016, "control"}, {0x0017, "irda"}, {0x0018, "econet"},
	{0x88ca, "tipc"}, {0x893a, "profinet"}, {0x88a4, "ethercat"}, {0x22f0, "tsn"},
}

// etherType reads a protocol's name, in any case, or number.
func etherType(s string) (uint16, bool) {
	for _, e := range etherNames {
		if strings.EqualFold(e.name, s) {
			return e.id, true
		}
	}
	return u16(s, 0)
}

// etherName is iproute2's ll_proto_n2a.
func etherName(id uint16) string {
	for _, e := range etherNames {
		if e.id == id {
			return e.name
		}
	}
	return fmt.Sprintf("[%d]", id)
}

// EtherTypes that flower's grammar depends on.
const (
	etherIP    = 0x0800
	etherARP   = 0x0806
	etherRARP  = 0x8035
	ether8021Q = 0x8100
	ether8021A = 0x88a8
	etherIPv6  = 0x86dd
	etherMPLS  = 0x8847
	etherMPLSM = 0x8848
	etherPPP   = 0x8864
	etherCFM   = 0x8902
	etherAll   = 0x0003
)

// IP protocols that flower's grammar depends on.
const (
	ipICMP   = 1
	ipTCP    = 6
	ipUDP    = 17
	ipESP    = 50
	ipAH     = 51
	ipICMPv6 = 58
	ipL2TP   = 115
	ipSCTP   = 132
)

// pppNames are the PPP protocols that have names (iproute2 lib/ppp_proto.c).
var pppNames = []struct {
	id   uint16
	name string
}{{0x21, "ip"}, {0x21, "ipv4"}, {0x57, "ipv6"}, {0x281, "mpls_uc"}, {0x283, "mpls_mc"}}

func pppType(s string) (uint16, bool) {
	for _, e := range pppNames {
		if strings.EqualFold(e.name, s) {
			return e.id, true
		}
	}
	return u16(s, 0)
}

func pppName(id uint16) string {
	for _, e := range pppNames {
		if e.id == id {
			return e.name
		}
	}
	return fmt.Sprintf("[%d]", id)
}

// deviceName reports whether the kernel would take a name for a device.
func deviceName(s string) bool {
	return s != "" && len(s) < 16 && s != "." && s != ".." && !strings.ContainsAny(s, "/: \t\r\n")
}

// splitParent reads a class: MAJOR:[MINOR] in hexadecimal, root or none.
func splitParent(s string) (uint32, bool) {
	switch s {
	case "root":
		return 0xffffffff, true
	case "none":
		return 0, true
	}
	major, minor, has := strings.Cut(s, ":")
	var maj, min uint64
	var ok bool
	if !has { // a bare number is the whole handle, cut to 32 bits (get_tc_classid)
		return strtoul32(major)
	}
	if major != "" {
		if maj, ok = number(major, 16, 0xffff); !ok {
			return 0, false
		}
	}
	if minor != "" {
		if min, ok = number(minor, 16, 0xffff); !ok {
			return 0, false
		}
	}
	return uint32(maj<<16 | min), true
}

// strtoul32 reads a hexadecimal number as C does where nothing looks at its
// size: one that is too long is the largest of 64 bits, whose low 32 stay.
func strtoul32(s string) (uint32, bool) {
	v, ok := number(s, 16, math.MaxUint64)
	if !ok && strings.Trim(strings.TrimLeft(s, "+-0xX"), "0123456789abcdefABCDEF") == "" && len(s) > 16 {
		return math.MaxUint32, true
	}
	return uint32(v), ok
}

// className writes a class as tc does.
func className(h uint32) string {
	switch maj, min := h>>16, h&0xffff; {
	case h == 0xffffffff:
		return "root"
	case h == 0:
		return "none"
	case maj == 0:
		return fmt.Sprintf(":%x", min)
	case min == 0:
		return fmt.Sprintf("%x:", maj)
	default:
		return fmt.Sprintf("%x:%x", maj, min)
	}
}
