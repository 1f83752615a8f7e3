package datapath

import "sluice/conntrack"

// Why a packet came to its end other than by leaving a port or going up.
// Verdict and reason together account for every packet.
const (
	ReasonNone            uint8 = iota
	ReasonGact                  // an action said drop
	ReasonTrap                  // trap or stolen: consumed by an action
	ReasonLoop                  // more than 16 gotos or reclassifications (cls_api.c max_reclassify_loop)
	ReasonNest                  // mirred goes round, or too deep (act_mirred.c MIRRED_NEST_LIMIT, MIRRED_DEFER_LIMIT)
	ReasonNoDevice              // redirect to a device that is gone
	ReasonCTNotIP               // ct on a packet that is neither IPv4 nor IPv6
	ReasonCTTruncated           // ct on a packet whose IP header is cut off
	ReasonCTExtension           // ct on IPv6 with a broken chain of extension headers
	ReasonCTInnerVLAN           // ct on a frame with two VLAN tags: the kernel takes the inner one for an IP header
	ReasonCTFull                // the connection table is full, and nothing in it could make room
	ReasonCTClash               // another connection has the tuple
	ReasonNATPorts              // ct found no free port to translate to
	ReasonNATFamily             // ct would translate to an address of the other IP
	ReasonNATError              // ct cannot translate an ICMP error: too short, or its checksum is wrong
	ReasonNATRedirect           // an ICMP redirect on a translated connection
	ReasonCTZoneLimit           // the zone has all the connections that it may have
	ReasonCTSourceLimit         // the source has
	ReasonCTSourceRate          // the source begins connections too fast
	ReasonCTHelperFTP           // a helper cannot keep track of what the packet announces, or the packet is not what it says
	ReasonCTHelperTFTP          // likewise
	ReasonCTHelperSIP           // likewise
	ReasonEgress                // an egress filter said drop
	ReasonNoChain               // goto chain in an action without one
	ReasonTunnelTruncated       // a tunnel's header, or what is in it, is cut off
	ReasonTunnelHeader          // flags, version or protocol that the tunnel port does not take
	ReasonTunnelChecksum        // the outer checksum is wrong, or missing
	ReasonTunnelECN             // congestion marked outside, and no ECN inside
	ReasonTunnelEcho            // the inner frame has the tunnel port's own source address
	ReasonTunnelNoKey           // sent out of a tunnel port without tunnel_key set
	ReasonTunnelFamily          // GRE over the other IP
	ReasonTunnelRoute           // no way to the tunnel's other end, or not from that address
	ReasonTunnelNeighbour       // the other end's MAC address is not known
	ReasonTunnelLong            // too long with the outer headers
	ReasonEdit                  // an editing action cannot be done to this packet
	ReasonNoMemory              // no memory left to edit the vector's packets in
	ReasonPolice                // police: over the limit
	ReasonTagCut                // the frame ends in its VLAN tag

	// ReasonFragHeld: a fragment that waits for the others. Its verdict is
	// Stolen; Engine.Fragments tells what became of such.
	ReasonFragHeld
	// ct on a fragment that was not taken: frag.Result, named as there.
	ReasonFragDuplicate
	ReasonFragOverlap
	ReasonFragBadEnd
	ReasonFragEmpty
	ReasonFragBadHeader
	ReasonFragOversize
	ReasonFragMixedECN
	ReasonFragNoMemory
	ReasonFragTooSmall
	ReasonFragTooMany
	// ReasonFragSplit: a packet that was put together cannot be taken apart
	// again (IPv6 extension headers that are broken).
	ReasonFragSplit

	numReasons
)

var reasonNames = [numReasons]string{
	ReasonNone:            "none",
	ReasonGact:            "drop action",
	ReasonTrap:            "consumed by action",
	ReasonLoop:            "goto loop",
	ReasonNest:            "redirect loop",
	ReasonNoDevice:        "no such egress device",
	ReasonCTNotIP:         "ct: not IP",
	ReasonCTTruncated:     "ct: truncated IP header",
	ReasonCTExtension:     "ct: bad IPv6 extension headers",
	ReasonCTInnerVLAN:     "ct: second VLAN tag",
	ReasonCTFull:          "ct: table full",
	ReasonCTClash:         "ct: tuple clash",
	ReasonNATPorts:        "ct: no free port for translation",
	ReasonNATFamily:       "ct: translation to the other IP",
	ReasonNATError:        "ct: ICMP error not translatable",
	ReasonNATRedirect:     "ct: ICMP redirect not translatable",
	ReasonCTZoneLimit:     "ct: zone limit",
	ReasonCTSourceLimit:   "ct: source limit",
	ReasonCTSourceRate:    "ct: source rate",
	ReasonCTHelperFTP:     "ct: refused by helper ftp",
	ReasonCTHelperTFTP:    "ct: refused by helper tftp",
	ReasonCTHelperSIP:     "ct: refused by helper sip",
	ReasonEgress:          "egress drop action",
	ReasonNoChain:         "goto without chain",
	ReasonTunnelTruncated: "tunnel: truncated",
	ReasonTunnelHeader:    "tunnel: bad header",
	ReasonTunnelChecksum:  "tunnel: bad checksum",
	ReasonTunnelECN:       "tunnel: congestion without ECN",
	ReasonTunnelEcho:      "tunnel: own source address",
	ReasonTunnelNoKey:     "tunnel: no tunnel_key",
	ReasonTunnelFamily:    "tunnel: wrong address family",
	ReasonTunnelRoute:     "tunnel: no route",
	ReasonTunnelNeighbour: "tunnel: no neighbour",
	ReasonTunnelLong:      "tunnel: too long",
	ReasonEdit:            "edit: packet does not allow it",
	ReasonNoMemory:        "edit: no memory left",
	ReasonPolice:          "police: over the limit",
	ReasonTagCut:          "cut off in VLAN tag",

	ReasonFragHeld:      "fragment: held for the others",
	ReasonFragDuplicate: "fragment: duplicate",
	ReasonFragOverlap:   "fragment: overlap",
	ReasonFragBadEnd:    "fragment: contradicting end",
	ReasonFragEmpty:     "fragment: no payload",
	ReasonFragBadHeader: "fragment: bad header",
	ReasonFragOversize:  "fragment: packet too long",
	ReasonFragMixedECN:  "fragment: mixed ECN",
	ReasonFragNoMemory:  "fragment: out of memory",
	ReasonFragTooSmall:  "fragment: too small",
	ReasonFragTooMany:   "fragment: too many",
	ReasonFragSplit:     "fragment: cannot be split again",
}

// ReasonName gives a reason's name as metrics and summaries show it.
func ReasonName(r uint8) string {
	if r < numReasons {
		return reasonNames[r]
	}
	return "unknown"
}

// ctReasons names what the tracker says of a packet that it does not take.
var ctReasons = [conntrack.NumResults]uint8{
	conntrack.DropFull:         ReasonCTFull,
	conntrack.DropClash:        ReasonCTClash,
	conntrack.DropNAT:          ReasonNATPorts,
	conntrack.DropNATFamily:    ReasonNATFamily,
	conntrack.DropNATError:     ReasonNATError,
	conntrack.DropNATRedirect:  ReasonNATRedirect,
	conntrack.DropZoneLimit:    ReasonCTZoneLimit,
	conntrack.DropSourceStates: ReasonCTSourceLimit,
	conntrack.DropSourceRate:   ReasonCTSourceRate,
}

// helperReasons names what a helper does not let through.
var helperReasons = [...]uint8{
	conntrack.FTP: ReasonCTHelperFTP, conntrack.TFTP: ReasonCTHelperTFTP, conntrack.SIP: ReasonCTHelperSIP, conntrack.SIPTCP: ReasonCTHelperSIP,
}
