package state

import (
	"net/netip"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/flowtable"
)

// Kinds of lines.
const (
	kindClock     = "clock"
	kindSysctl    = "sysctl"
	kindTracker   = "tracker"
	kindStats     = "stats"
	kindTable     = "flowtable"
	kindHeld      = "held"
	kindStale     = "torndown"
	kindFlows     = "flows"
	kindConn      = "conn"
	kindFree      = "free"
	kindSources   = "sources"
	kindLimits    = "limits"
	kindSender    = "sender"
	kindExpect    = "expect"
	kindEvents    = "events"
	kindEvent     = "event"
	kindAction    = "action"
	kindRandom    = "random"
	kindSplit     = "split"
	kindFragments = "fragments"
	kindPacket    = "packet"
	kindFragment  = "fragment"
	kindMAC       = "mac"
	kindEnd       = "end"
	kindCard      = "device"
	kindPlace     = "place"
	kindOrigin    = "origin"
)

type header struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

type endLine struct {
	Kind  string `json:"kind"`
	Lines int    `json:"lines"` // before this one
	CRC64 string `json:"crc64"` // of them, ECMA's polynomial
}

type clockLine struct {
	Kind string `json:"kind"`
	Clock
}

type sysctlLine struct {
	Kind   string            `json:"kind"`
	Values map[string]string `json:"values"`
}

// limitsLine is what settings have besides sysctls, and what it has refused.
type limitsLine struct {
	Kind       string                    `json:"kind"`
	Zone       uint32                    `json:"zone_limit,omitempty"`
	UDPFirst   int64                     `json:"udp_first_ns,omitempty"`
	UDPReplied int64                     `json:"udp_replied_ns,omitempty"`
	ICMPReply  int64                     `json:"icmp_reply_ns,omitempty"`
	SynSent2   int64                     `json:"tcp_syn_sent2_ns,omitempty"` // 0: Linux's
	Zones      map[uint16]conntrack.Zone `json:"zones,omitempty"`
	Full       []conntrack.SavedZone     `json:"refused_by_zone,omitempty"`
	Refused    []uint64                  `json:"refused"`
}

type senderLine struct {
	Kind string     `json:"kind"`
	Zone uint16     `json:"zone"`
	Addr netip.Addr `json:"addr"`
	Last int64      `json:"last_ns"`
	Rate uint32     `json:"rate"` // connections begun of late, in thousandths
}

// expectLine is an expectation.
type expectLine struct {
	Kind      string     `json:"kind"`
	Helper    string     `json:"helper"`
	HProto    uint8      `json:"helper_proto,omitempty"` // that the helper reads; 0: the master's
	Zone      uint16     `json:"zone"`
	Proto     uint8      `json:"proto"`
	Tuple     endLines   `json:"tuple"`
	Master    [2]uint32  `json:"master"` // slot, generation
	MasterOf  endLines   `json:"master_original"`
	MProto    uint8      `json:"master_proto"`
	Deadline  int64      `json:"deadline_ns"`
	Flags     uint8      `json:"flags,omitempty"` // NF_CT_EXPECT_* bits
	Class     uint8      `json:"class,omitempty"`
	Adopts    string     `json:"adopts_helper,omitempty"`
	AProto    uint8      `json:"adopts_proto,omitempty"` // as helper_proto
	Follow    uint8      `json:"follow_nat,omitempty"`   // 1 as the master, 2 as SIP does
	Dir       uint8      `json:"direction,omitempty"`
	SavedAddr netip.Addr `json:"saved_addr,omitzero"`
	SavedPort uint16     `json:"saved_port,omitempty"`
}

type trackerLine struct {
	Kind   string `json:"kind"`
	Slots  uint32 `json:"slots"`
	Cursor uint32 `json:"cursor"`
	Ticked int64  `json:"ticked_ns"`
	Credit int64  `json:"credit"`
	PCG    string `json:"pcg,omitempty"` // NAT's random choices
}

// sourcesLine has the slots of connections that NAT has decided on.
type sourcesLine struct {
	Kind  string   `json:"kind"`
	Slots []uint32 `json:"slots"`
}

type freeLine struct {
	Kind  string      `json:"kind"`
	Slots [][2]uint32 `json:"slots"` // slot, generation
}

type tableLine struct {
	Kind    string `json:"kind"`
	ID      uint16 `json:"id"`
	Zone    uint16 `json:"zone"`
	Born    int64  `json:"born_ns"`
	Swept   int64  `json:"swept_ns"`
	Sweep   int64  `json:"sweep_ns,omitempty"` // the one under way
	Cursor  int    `json:"cursor,omitempty"`
	Due     int    `json:"due,omitempty"`
	DyingAt int64  `json:"dying_at_ns,omitempty"`
}

// listLine has slots of a table's flows, or of those torn down since the last
// sweep; 0: the connection is gone.
type listLine struct {
	Kind  string   `json:"kind"`
	ID    uint16   `json:"id"`
	Slots []uint32 `json:"slots"`
	// Chains are those of the ct actions that gave a table's flows; none: all 0.
	Chains []uint32 `json:"chains,omitempty"`
}

type eventsLine struct {
	Kind     string `json:"kind"`
	Capacity int    `json:"capacity"`
	Recorded uint64 `json:"recorded"`
	Told     *int64 `json:"told_ns,omitempty"` // the latest time that the tracker was told; nil: the last event's or tick's
}

type randomLine struct {
	Kind string `json:"kind"`
	PCG  string `json:"pcg"`
}

type splitLine struct {
	Kind string `json:"kind"`
	SplitFlow
}

type macLine struct {
	Kind string `json:"kind"`
	SplitMAC
}

// statsLine has the columns of /proc/net/stat/nf_conntrack.
type statsLine struct {
	Kind          string `json:"kind"`
	ClashRes      uint64 `json:"clash_resolve"`
	Found         uint64 `json:"found"`
	New           uint64 `json:"new"`
	Invalid       uint64 `json:"invalid"`
	Ignore        uint64 `json:"ignore"`
	Delete        uint64 `json:"delete"`
	ChainLength   uint64 `json:"chaintoolong"`
	Insert        uint64 `json:"insert"`
	InsertFailed  uint64 `json:"insert_failed"`
	Drop          uint64 `json:"drop"`
	EarlyDrop     uint64 `json:"early_drop"`
	ICMPError     uint64 `json:"icmp_error"`
	ExpectNew     uint64 `json:"expect_new"`
	ExpectCreate  uint64 `json:"expect_create"`
	ExpectDelete  uint64 `json:"expect_delete"`
	SearchRestart uint64 `json:"search_restart"`
	NATExhausted  uint64 `json:"nat_exhausted"`

	InvalidBy map[string]uint64 `json:"invalid_by,omitempty"` // by conntrack.Invalid's name
}

func newStatsLine(s conntrack.Stats) statsLine {
	by := map[string]uint64{}
	for why, n := range s.InvalidBy {
		if n > 0 {
			by[conntrack.Invalid(why).String()] = n
		}
	}
	return statsLine{
		kindStats, s.ClashRes, s.Found, s.New, s.Invalid, s.Ignore, s.Delete, s.ChainLength, s.Insert, s.InsertFailed,
		s.Drop, s.EarlyDrop, s.ICMPError, s.ExpectNew, s.ExpectCreate, s.ExpectDelete, s.SearchRestart, s.NATExhausted,
		by,
	}
}

func (l *statsLine) stats() conntrack.Stats {
	s := conntrack.Stats{
		ClashRes: l.ClashRes, Found: l.Found, New: l.New, Invalid: l.Invalid, Ignore: l.Ignore, Delete: l.Delete,
		ChainLength: l.ChainLength, Insert: l.Insert, InsertFailed: l.InsertFailed, Drop: l.Drop, EarlyDrop: l.EarlyDrop,
		ICMPError: l.ICMPError, ExpectNew: l.ExpectNew, ExpectCreate: l.ExpectCreate, ExpectDelete: l.ExpectDelete,
		SearchRestart: l.SearchRestart, NATExhausted: l.NATExhausted,
	}
	for why := range s.InvalidBy {
		s.InvalidBy[why] = l.InvalidBy[conntrack.Invalid(why).String()]
	}
	return s
}

type flowsLine struct {
	Kind     string `json:"kind"`
	Added    uint64 `json:"added"`
	Hits     uint64 `json:"hits"`
	Aged     uint64 `json:"aged"`
	Closed   uint64 `json:"closed"`
	Flushed  uint64 `json:"flushed"`
	Vanished uint64 `json:"vanished"`
	Removed  uint64 `json:"removed,omitempty"`
	Carried  uint64 `json:"carried,omitempty"`  // by devices
	TooMany  uint64 `json:"too_many,omitempty"` // devices that were not told
}

func newFlowsLine(c flowtable.Counters) flowsLine {
	return flowsLine{kindFlows, c.Added, c.Hits, c.Aged, c.Closed, c.Flushed, c.Vanished, c.Removed, c.Carried, c.TooMany}
}

func (l *flowsLine) counters() flowtable.Counters {
	return flowtable.Counters{Added: l.Added, Hits: l.Hits, Aged: l.Aged, Closed: l.Closed, Flushed: l.Flushed, Vanished: l.Vanished, Removed: l.Removed, Carried: l.Carried, TooMany: l.TooMany}
}

type actionLine struct {
	Kind       string `json:"kind"`
	Action     string `json:"action"`
	Index      uint32 `json:"index"`
	Home       string `json:"of"`
	Packets    uint64 `json:"packets"`
	Bytes      uint64 `json:"bytes"`
	Drops      uint64 `json:"drops,omitempty"`
	Overlimits uint64 `json:"overlimits,omitempty"`
	HWPackets  uint64 `json:"hw_packets,omitempty"` // of Packets, those that devices have counted
	HWBytes    uint64 `json:"hw_bytes,omitempty"`
	Installed  int64  `json:"installed_ns"`
	First      int64  `json:"first_used_ns,omitempty"`
	Last       int64  `json:"last_used_ns,omitempty"`
	Turns      uint32 `json:"determ,omitempty"`

	Bucket *bucketLine `json:"police,omitempty"`
}

// bucketLine is what a police action has left.
type bucketLine struct {
	At      int64 `json:"at_ns"`
	Bytes   int64 `json:"tokens_ns"`
	Peak    int64 `json:"peak_ns"`
	Packets int64 `json:"packets_ns"`
}

func newActionLine(a *datapath.ActionState) actionLine {
	st := &a.Stats
	l := actionLine{kindAction, a.Kind, a.Index, a.Home, st.Packets, st.Bytes, st.Drops, st.Overlimits, st.HWPackets, st.HWBytes, st.Installed, st.FirstUsed, st.LastUsed, a.GactTurns, nil}
	if a.Bucket != (datapath.Bucket{}) {
		l.Bucket = &bucketLine{a.Bucket.At, a.Bucket.Bytes, a.Bucket.Peak, a.Bucket.Packet}
	}
	return l
}

func (l *actionLine) state() (a datapath.ActionState) {
	a.Kind, a.Index, a.Home, a.GactTurns = l.Action, l.Index, l.Home, l.Turns
	st := &a.Stats
	st.Packets, st.Bytes, st.Drops, st.Overlimits = l.Packets, l.Bytes, l.Drops, l.Overlimits
	st.HWPackets, st.HWBytes = l.HWPackets, l.HWBytes
	st.Installed, st.FirstUsed, st.LastUsed = l.Installed, l.First, l.Last
	if b := l.Bucket; b != nil {
		a.Bucket = datapath.Bucket{At: b.At, Bytes: b.Bytes, Peak: b.Peak, Packet: b.Packets}
	}
	return a
}

func newTableLine(v *flowtable.Saved) tableLine {
	return tableLine{kindTable, v.ID, v.Zone, v.Born, v.Swept, v.Sweep, v.Cursor, v.Due, v.DyingAt}
}

func (l *tableLine) saved() flowtable.Saved {
	return flowtable.Saved{
		ID: l.ID, Zone: l.Zone, Born: l.Born, Swept: l.Swept, Sweep: l.Sweep, Cursor: l.Cursor, Due: l.Due, DyingAt: l.DyingAt,
	}
}
