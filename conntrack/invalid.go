package conntrack

// Invalid says why a packet is invalid: why flower sees it as +trk+inv.
type Invalid uint8

const (
	// InvalidOther: its protocol says so and gives no reason.
	InvalidOther Invalid = iota
	// InvalidHeader: the IP header lies, or leads to no transport header.
	InvalidHeader
	// InvalidTruncated: the transport header is cut off, or a length in it
	// cannot be.
	InvalidTruncated
	// InvalidChecksum: the transport checksum is wrong.
	InvalidChecksum
	// InvalidFlags: a combination of TCP flags that no end sends.
	InvalidFlags
	// InvalidState: the segment does not fit its connection's state, or begins
	// none (a SYN-ACK without a SYN, or tcp_loose=0).
	InvalidState
	// InvalidWindow: sequence or acknowledgement number out of the window.
	InvalidWindow
	// InvalidICMPType: an ICMP type that there is not.
	InvalidICMPType
	// InvalidICMPAnswer: an ICMP message that neither asks nor belongs to a
	// question: an echo reply without its request.
	InvalidICMPAnswer
	// InvalidICMPQuote: an ICMP error whose quoted packet cannot be read, or a
	// redirect that is not from a neighbour.
	InvalidICMPQuote
	// InvalidICMPUnknown: an ICMP error about no known connection, or not
	// addressed to whoever sent the quoted packet.
	InvalidICMPUnknown
	// InvalidUntracked: neighbour or listener discovery, which is not tracked
	// and looks like an invalid packet behind ct. Linux counts it nowhere.
	InvalidUntracked

	// NumInvalid is how many reasons there are.
	NumInvalid
)

var invalidNames = [NumInvalid]string{
	InvalidOther: "protocol error", InvalidHeader: "bad IP header", InvalidTruncated: "truncated", InvalidChecksum: "bad checksum",
	InvalidFlags: "bad TCP flags", InvalidState: "does not fit the state", InvalidWindow: "out of window",
	InvalidICMPType: "unknown ICMP type", InvalidICMPAnswer: "ICMP answer without a query",
	InvalidICMPQuote: "ICMP error quotes no packet", InvalidICMPUnknown: "ICMP error about no known connection",
	InvalidUntracked: "neighbour discovery, not tracked",
}

func (w Invalid) String() string { return invalidNames[w] }

// invalid counts a packet that is invalid for the reason noted last.
func (t *Tracker) invalid() {
	t.st.InvalidBy[t.why]++
	t.st.Invalid++
	t.why = InvalidOther
}

// icmpInvalid is invalid for what nf_conntrack_icmpv4_error and its twin find,
// which Linux counts in a column of its own.
func (t *Tracker) icmpInvalid() {
	t.st.InvalidBy[t.why]++
	if t.why != InvalidUntracked {
		t.st.ICMPError++
	}
	t.why = InvalidOther
}

// not notes why a packet is invalid.
func (t *Tracker) not(why Invalid) verdict {
	t.why = why
	return invalid
}

// notICMP is not for ICMP, before a connection is looked for.
func (t *Tracker) notICMP(why Invalid) icmpKind {
	t.why = why
	return icmpInvalid
}
