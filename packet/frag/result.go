package frag

// Result is what became of a fragment.
type Result uint8

const (
	// Held: it waits for the others. Its bytes were copied.
	Held Result = iota
	// Complete: it was the last one missing; the packet is whole.
	Complete
	// AsIs: it is none to be put together, and goes on as it is: an IPv6
	// fragment whose length Linux's gathering refuses without dropping it.
	AsIs

	// What follows are drops.

	// Duplicate: all of it was there already. The queue stays.
	Duplicate
	// Overlap: it shares bytes with others without being one of them. The
	// queue is given up (RFC 5722, for IPv4, too).
	Overlap
	// BadEnd: it ends behind the last fragment, or is a last fragment that
	// ends elsewhere than another or before what was seen.
	BadEnd
	// Empty: it has no payload.
	Empty
	// BadHeader: its IP header is shorter than one can be, or longer than the
	// frame; or extension headers would follow in a later IPv6 fragment.
	BadHeader
	// Oversize: the packet would be longer than 65,535 bytes.
	Oversize
	// MixedECN: fragments with and without ECN, or of which some congestion
	// mark may have been lost (RFC 3168, section 5.3).
	MixedECN
	// NoMemory: the family's limit is reached.
	NoMemory
	// TooSmall: shorter than Limits.MinFrag.
	TooSmall
	// TooMany: Limits.MaxFrags are waiting.
	TooMany

	NumResults = int(TooMany) + 1
)

var resultNames = [NumResults]string{
	"held", "complete", "as is", "duplicate", "overlap", "contradicting end", "no payload", "bad header",
	"packet too long", "mixed ECN", "out of memory", "too small", "too many",
}

func (r Result) String() string { return resultNames[r] }

// Dropped reports whether the fragment is gone for good.
func (r Result) Dropped() bool { return r > AsIs }

// Stats count since the Reassembler was made, but for what is there now.
// Index 0 is IPv4, 1 is IPv6. Every fragment is in one of Results; those that
// were held are, later, in Reassembled, Discarded or Waiting.
type Stats struct {
	Results   [2][NumResults]uint64
	TimedOut  [2]uint64 // queues that were given up for their age (ReasmTimeout)
	Restarted [2]uint64 // queues begun anew because of Limits.MaxDist
	Discarded [2]uint64 // held fragments thrown away, whatever for
	Used      [2]uint64 // held fragments, and those that completed a packet, that came to be in one

	Waiting [2]int   // fragments now
	Queues  [2]int   // packets under way now
	Memory  [2]int64 // bytes that count against HighThresh now
}
