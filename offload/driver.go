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

// Request is about one flow. Remove and Read need Flow.Conn alone (Named).
type Request struct {
	Op   Op
	Flow Flow
}

// Flow is what a device is told of a connection: what to match, what to do to
// packets, and what ct would say of them (nf_flow_table_offload.c). It holds no
// pointers.
type Flow struct {
	Entry
	// Rewrite is what ct nat does to packets, by direction.
	Rewrite [2]Rewrite
	// Window is TCP's by sender, as the tracker knew it last. What has been
	// carried since is not in it. A device that checks windows should begin with
	// larger ones and come back to what it sees (RFC part 2, possible
	// synchronization issues).
	Window [2]Window
	// Chain is the one whose ct action gave the connection to the flow table.
	Chain uint32
}

// Named is a flow with nothing but its connection's name.
func Named(conn packet.ConnRef) Flow { return Flow{Entry: Entry{Conn: conn}} }

// Entry is the part of a flow that a device needs for each of its packets.
type Entry struct {
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
	Mark  uint32
	Label [16]byte
	Idle  int64 // ns; see the package's rules
	// Used is when the connection was last used, as far as software knows.
	Used int64
}

// Info is what ct says of a packet in a direction.
func (f *Entry) Info(dir int) packet.CTInfo {
	switch {
	case dir != 0:
		return packet.CTEstablishedReply
	case f.Fresh:
		return packet.CTNew
	}
	return packet.CTEstablished
}

// Rewrite is the header rewrite of a flow's packets of one direction (act_ct.c
// tcf_ct_flow_table_add_action_nat). Only the fields that What names hold
// anything; ports are in host byte order.
type Rewrite struct {
	Src, Dst     packet.Addr
	SPort, DPort uint16
	What         Field
}

// Field is a set of header fields.
type Field uint8

const (
	SrcAddr Field = 1 << iota
	SrcPort
	DstAddr
	DstPort

	Source = SrcAddr | SrcPort
	Dest   = DstAddr | DstPort
)

// RewriteTo is what makes a packet with one tuple one with another.
func RewriteTo(from, to *packet.Tuple) (r Rewrite) {
	if from.Src != to.Src {
		r.Src, r.What = to.Src, SrcAddr
	}
	if from.SPort != to.SPort {
		r.SPort, r.What = to.SPort, r.What|SrcPort
	}
	if from.Dst != to.Dst {
		r.Dst, r.What = to.Dst, r.What|DstAddr
	}
	if from.DPort != to.DPort {
		r.DPort, r.What = to.DPort, r.What|DstPort
	}
	return r
}

// Apply gives the tuple of a packet that is rewritten.
func (r *Rewrite) Apply(t packet.Tuple) packet.Tuple {
	if r.What&SrcAddr != 0 {
		t.Src = r.Src
	}
	if r.What&SrcPort != 0 {
		t.SPort = r.SPort
	}
	if r.What&DstAddr != 0 {
		t.Dst = r.Dst
	}
	if r.What&DstPort != 0 {
		t.DPort = r.DPort
	}
	return t
}

// Window is what a TCP sender has sent and may send (struct ip_ct_tcp_state).
// MaxWin 0: not known, and the next segment's word is as good as any.
type Window struct {
	End    uint32 // behind the last byte sent
	MaxEnd uint32 // what the other side allows it to send
	MaxWin uint32 // the largest window that it has offered, bytes
	Scale  uint8  // by which its windows are shifted
}

// FlowStats are a flow's counters since it was inserted.
type FlowStats struct {
	// Packets and Bytes are by direction; bytes from the network header on. A
	// device without counters leaves them 0.
	Packets, Bytes [2]uint64
	Used           int64 // when it last carried a packet, ns; 0: never
	At             int64 // when the counters were read, ns
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
