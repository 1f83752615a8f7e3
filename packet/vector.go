package packet

// VectorSize is the most packets a vector holds.
const VectorSize = 256

// Verdict is where a packet ended. The zero value is the safe one.
type Verdict uint8

const (
	// Drop: nothing came out.
	Drop Verdict = iota
	// Forward: the packet left by a port (mirred redirect).
	Forward
	// Pass: handed up to the host's stack.
	Pass
	// Stolen: kept by the datapath (a fragment waiting for the others).
	Stolen

	NumVerdicts = int(Stolen) + 1
)

func (v Verdict) String() string {
	return [NumVerdicts]string{"drop", "fwd", "pass", "stolen"}[v]
}

// ConnRef names a connection: the slot in the tracker's slab and the slot's
// generation, so that a reference to a connection that is gone is noticed.
// Zero is no connection.
type ConnRef uint64

// CTInfo is a packet's relation to its connection, numbered as Linux's
// enum ip_conntrack_info.
type CTInfo uint8

const (
	CTEstablished      CTInfo = 0
	CTRelated          CTInfo = 1
	CTNew              CTInfo = 2
	CTEstablishedReply CTInfo = 3
	CTRelatedReply     CTInfo = 4
	CTUntracked        CTInfo = 7
)

// Dir is 0 for the original direction and 1 for the reply.
func (i CTInfo) Dir() int {
	if i >= CTEstablishedReply {
		return 1
	}
	return 0
}

// CT is a packet's connection-tracking metadata: what Linux keeps in
// skb->_nfct and tc_skb_cb. The zero value is an untracked packet.
type CT struct {
	Conn   ConnRef // zero: no connection (untracked, or invalid after ct)
	Info   CTInfo  // valid iff Conn != 0
	PostCT bool    // a ct action has judged the packet (and no clear since)
	NAT    uint8   // sides that it has translated: 1 source, 2 destination
	Zone   uint16  // the zone of the last ct action; valid iff PostCT
}

// Meta travels with a packet and is not in its bytes.
type Meta struct {
	Dev int32 // ingress device, as the datapath numbers devices
	// Chain is the resume point: the one to start in, 0 from the wire. Of a
	// packet that was handed up since no filter of a chain matched, it says
	// afterwards in which one that was, with CT as it was there: the next reader
	// goes on with the packet as it is now (tc_skb_ext).
	Chain uint32
	CT    CT
	// Tunnel is what the packet came out of, nil if out of none. It stays the
	// owner's; the datapath points it at memory of its own when it unwraps.
	Tunnel *Tunnel
	Resume Resume // resume point in the middle of a chain

	// What skbedit leaves in the packet's metadata.
	Mark     uint32 // skb mark
	Priority uint32 // skb priority: a class, MAJOR<<16 | MINOR
	Queue    uint16 // transmit queue
	PktType  PktType
}

// Resume is where a device has stopped with a packet in the middle (the kernel's
// tc_skb_ext and its miss cookie): in the chain that Meta names, with what it
// knew then in the rest of Meta and of this. The packet is as the device has
// left it. Numbers of filters and actions are the datapath's.
type Resume struct {
	On     bool
	End    bool   // the block is done: nothing is left to match
	Tag    bool   // the outer VLAN tag counts as taken out
	Lent   bool   // somebody who was sent the frame still needs its bytes
	Loops  uint8  // chains that it has come through
	Copies uint8  // copies that have been made of it
	Action int16  // the filter's action to go on with; -1: the filters behind it
	Filter int32  // -1: the chain's beginning
	Dev    int32  // whose block it is in
	Size   uint32 // what counters count: bytes from the network header on, as it came in
	Type   uint16 // of the network header
	Strip  uint16 // leading bytes of the frame that are not the packet's
}

// PktType says whom a packet is for, numbered as Linux's PACKET_HOST and so on.
type PktType uint8

const (
	PktHost PktType = iota
	PktBroadcast
	PktMulticast
	PktOtherHost
)

// Sample is a copy of a packet that the sample action took.
type Sample struct {
	Pkt   int32  // index of the packet in the vector
	Dev   int32  // whose block the action was in
	Group uint32 // psample group
	Rate  uint32 // one packet in so many is taken
	Len   uint32 // the packet's length before it was cut
	Frame []byte // from the Ethernet header on, without the outer VLAN tag; valid until the vector is used again
}

// Tx is one frame on its way out: by a port, or up to the host's stack.
type Tx struct {
	Pkt    int32  // index of the packet in the vector that caused it
	Dev    int32  // egress device
	Mirror bool   // a copy: the packet itself went on
	Copy   int32  // the copy's number among its packet's, from 1; 0: the packet itself
	Up     bool   // handed up to the stack at Dev instead of leaving by it
	Frame  []byte // valid until the vector is used again
}

// Vector is up to VectorSize packets on their way through the datapath. The
// owner reuses it; nothing in it is allocated per packet.
type Vector struct {
	N       int
	Now     int64 // nanoseconds, monotonic; the time of all its packets
	Frame   [VectorSize][]byte
	H       [VectorSize]Headers // of packets that were classified; others' are whatever was there before
	M       [VectorSize]Meta
	Verdict [VectorSize]Verdict
	Reason  [VectorSize]uint8 // why it was dropped; the datapath's numbering
	Tx      []Tx              // in the order in which frames left
	Samples []Sample          // in the order in which they were taken
	Arena   Arena             // holds frames that were rewritten
}

// Reset empties the vector and keeps its memory.
func (v *Vector) Reset() {
	v.N = 0
	v.Tx, v.Samples = v.Tx[:0], v.Samples[:0]
}

// Add appends a frame that came in on device dev. It reports false, and adds
// nothing, when the vector is full.
func (v *Vector) Add(frame []byte, dev int32) bool {
	if v.N == VectorSize {
		return false
	}
	v.Frame[v.N] = frame
	v.M[v.N] = Meta{Dev: dev}
	v.N++
	return true
}

// Send adds a frame to those on their way out. copy is the copy's number, zero
// for the packet itself.
func (v *Vector) Send(pkt, dev, copy int32, up bool, frame []byte) {
	n := len(v.Tx)
	if n == cap(v.Tx) {
		v.Tx = append(v.Tx, Tx{})
	}
	v.Tx = v.Tx[:n+1]
	// Field by field: a composite would be put together elsewhere and copied,
	// which takes longer than all the rest.
	t := &v.Tx[n]
	t.Pkt, t.Dev, t.Mirror, t.Copy, t.Up = pkt, dev, copy != 0, copy, up
	t.Frame = frame
}
