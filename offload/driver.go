package offload

import (
	"sluice/packet"
	"sluice/policy"
)

// Driver is a device. All calls come from the one goroutine that owns the
// datapath; none waits for the device. Times are nanoseconds on the packets'
// clock and never run backwards.
//
// What only some devices can do is asked for by the interfaces below.
type Driver interface {
	// Name is the device's, for listings.
	Name() string
	// Replace gives the device a rule, or other parameters for one that it
	// holds. nil: it is held; otherwise a *Refusal.
	Replace(now int64, r *Rule) error
	// Destroy takes a rule back. Its actions' counts stay readable until
	// their instances go.
	Destroy(now int64, r *Rule)
	// ActionStats gives what the device has counted for an action instance so
	// far, over all rules that share it.
	ActionStats(a *policy.Action) policy.Stats
	// Submit hands over requests about flows, in order. It returns how many
	// were taken; the rest must be offered again, later.
	Submit(now int64, reqs []Request) int
	// Poll writes completions that are there by now to out and returns how
	// many they are. They may come in any order.
	Poll(now int64, out []Completion) int
}

// Settler is a device that can be asked to finish everything under way.
type Settler interface {
	// Settle completes all requests taken so far, as if their time had come.
	Settle(now int64)
}

// Gauge is a device that says how much it can hold.
type Gauge interface {
	// Capacity is the most flows, and the flows held or being inserted.
	Capacity() (limit, used int)
}

// Stopper is a device that can go.
type Stopper interface {
	// Stop unregisters the device from all flow tables and forgets all rules.
	Stop(now int64)
}

// Rule is a filter as a device sees it. It is identified by Filter.
type Rule struct {
	Dev      string // the port; for shared blocks, the first one of the device's
	Binding  policy.Binding
	Chain    uint32
	Prio     uint16
	Protocol uint16 // EtherType; policy.EtherAll: any
	Filter   *policy.Filter
	// Tables are the flow tables of the rule's ct actions, by action; nil for
	// other actions.
	Tables []FlowTable
	// Tracks: a ct action or match is in use anywhere in the policy.
	Tracks bool
}

// FlowTable is a zone's flow table, as a driver sees it. Drivers register
// themselves: with the first rule whose ct action names the zone, until the
// last.
type FlowTable interface {
	Zone() uint16
	// Register makes the table tell the driver of its flows, those that are
	// there already first.
	Register(now int64, d Driver)
	// Unregister takes all flows of the table back from the driver. Completions
	// that come later are ignored.
	Unregister(now int64, d Driver)
}

// Op is what a request asks for.
type Op uint8

const (
	Add    Op = iota // hold the flow, in place of one of the same connection
	Remove           // let go of it; effective at once
	Read             // tell its counters
)

func (o Op) String() string { return [...]string{"add", "remove", "read"}[o] }

// Request is about one flow. Remove and Read need Flow.Conn alone.
type Request struct {
	Op   Op
	Flow Flow
}

// Flow is what a device needs to carry a connection's packets (A142 to A145).
// It holds no pointers.
type Flow struct {
	// Conn is the connection's name: requests, completions and packets that
	// stop in the middle carry it. A name is never used again.
	Conn packet.ConnRef
	// Tuple are the packets' tuples as they come in, by direction.
	Tuple [2]packet.Tuple
	Zone  uint16
	// Both: packets of both directions are carried. Otherwise the original
	// direction's alone.
	Both bool
	// Fresh: no reply has been seen; ct_state is new.
	Fresh bool
	// Status are the connection's SNAT and DNAT bits (conntrack.Status*). A
	// translated packet's tuple becomes the inverse of the other direction's.
	Status uint16
	Mark   uint32
	Label  [16]byte
	Idle   int64 // ns; see the package's rules
	// Used is when the connection was last used, as far as software knows.
	Used int64
}

// Info is what ct says of a packet in a direction.
func (f *Flow) Info(dir int) packet.CTInfo {
	switch {
	case dir != 0:
		return packet.CTEstablishedReply
	case f.Fresh:
		return packet.CTNew
	}
	return packet.CTEstablished
}

// FlowStats are a flow's counters since it was inserted.
type FlowStats struct {
	Packets, Bytes [2]uint64 // by direction; bytes from the network header on
	Used           int64     // when it last carried a packet, ns; 0: never
	At             int64     // when the counters were read, ns
}

// Result is what became of a request.
type Result uint8

const (
	Done    Result = iota // held, removed, or read
	Full                  // no room; try again when there is
	Refused               // the device cannot carry this flow, ever
	Failed                // it should have worked; try again later
)

func (r Result) String() string { return [...]string{"done", "full", "refused", "failed"}[r] }

// Completion answers a request.
type Completion struct {
	Conn   packet.ConnRef
	Op     Op
	Result Result
	Reason Reason
	// Stats are set for Read, and for Remove: the last counts.
	Stats FlowStats
}

// Loader is a device that wants to see the policy as a whole once its rules
// have changed.
type Loader interface {
	Loaded(now int64, p *policy.Policy) error
}

// Prober is a device that answers at once. With one, the flow table's judgement
// of idleness is exact, and so is every listing; with others it lags by the
// time that a Read takes.
type Prober interface {
	// Probe gives a flow's counters; false if the device does not hold it.
	Probe(now int64, conn packet.ConnRef) (FlowStats, bool)
}
