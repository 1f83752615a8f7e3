package datapath

import (
	"fmt"
	"math/rand/v2"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
)

// Config is what an engine is made of.
type Config struct {
	Tracker *conntrack.Tracker // required
	Seed    uint64             // randomness of gact; the same seed gives the same choices
	Trace   bool               // tell which filters each packet of a vector hit
	// ClassifyAll classifies every packet, also those of established
	// connections whose way is known. It changes speed and nothing else.
	ClassifyAll bool
	// NoFlowTable keeps connections out of flow tables (flowtable.Set.Disable).
	// Devices are then told of none.
	NoFlowTable bool
	// Fragments is where several engines' fragments wait; nil: the engine has a
	// place of its own. Whoever shares one sees to it that only one engine gets
	// fragments at a time, ticks it, and recycles it once nobody needs the
	// frames that it has put together.
	Fragments *frag.Reassembler
}

// Engine runs one policy over vectors of packets. One goroutine owns it.
type Engine struct {
	tr       *conntrack.Tracker
	flows    *flowtable.Set
	prog     *program
	counters counterSet
	tables   map[*policy.Action]*flowtable.Table // by ct action instance
	policers map[*policy.Action]*policer         // by police action instance
	rng      *rand.Rand
	pcg      *rand.PCG // rng's source
	trace    bool

	classifyAll bool

	paths      paths
	generation uint32
	drops      [numReasons]uint64
	copyDrops  [numReasons]uint64

	samples, lostSamples uint64

	// State of the vector under way.
	v      *packet.Vector
	stack  [maxDepth]pkt
	hits   []Hit
	first  [packet.VectorSize + 1]int32 // first hit of each packet in hits
	wayOf  [packet.VectorSize]traced    // of packets that took a remembered way; when tracing
	retold []Hit                        // what Trace has told of those

	copies    []Copy
	firstCopy [packet.VectorSize + 1]int32 // first copy of each packet in copies
	ncopies   int32                        // of the packet under way
	batches   [3]batch                     // packets under way
	idle      [2]int64                     // how long flows may be idle, of the vector under way: TCP's, others'

	frags *frag.Reassembler
	lent  bool       // frags is somebody else's
	whole frag.Whole // put together last

	devices []attached
	byDev   []*Pipeline // by ingress device: what its packets go through first
	device  *deviceMode // not nil in a device's own engine
	tiers   [packet.VectorSize]Tier
	came    []*[camePage]came               // by connection slot
	left    map[*policy.Action]policy.Stats // counted by devices that are gone
	tier    Tier                            // of the packet under way

	tunnels [packet.VectorSize]packet.Tunnel // of packets that were unwrapped at once
	ipID    uint16                           // of their outer headers
}

// maxDepth bounds nested judgements: redirects into other devices' ingress,
// egress blocks, and clones.
const maxDepth = 24

// New makes an engine with an empty policy: everything passes to the stack. Its
// tracker refers to it until Close; an engine and a tracker that end together
// need none.
func New(cfg Config) *Engine {
	return newEngine(cfg, flowtable.New(cfg.Tracker))
}

// newEngine is New over flow tables.
func newEngine(cfg Config, flows *flowtable.Set) *Engine {
	e := &Engine{
		tr:       cfg.Tracker,
		flows:    flows,
		prog:     &program{},
		counters: counterSet{of: map[*policy.Action]uint32{}},
		tables:   map[*policy.Action]*flowtable.Table{},
		policers: map[*policy.Action]*policer{},
		left:     map[*policy.Action]policy.Stats{},
		pcg:      rand.NewPCG(cfg.Seed, 0x5eed),
		trace:    cfg.Trace, classifyAll: cfg.ClassifyAll,
		frags: frag.New(&cfg.Tracker.Settings().Frag, cfg.Seed),
	}
	if cfg.Fragments != nil {
		e.frags, e.lent = cfg.Fragments, true
	}
	if cfg.NoFlowTable {
		e.flows.Disable(0)
	}
	e.rng = rand.New(e.pcg)
	e.paths.reset()
	return e
}

// Close ends the engine's use of its tracker: devices are let go of, and what the
// flow tables hold is the tracker's again. Connections live on, and another
// engine may take the tracker over. Only counters may be asked for afterwards.
func (e *Engine) Close(now int64) {
	for len(e.devices) > 0 {
		e.Detach(e.devices[0].Driver, now)
	}
	e.flows.Close(now)
	clear(e.tables)
}

// Load compiles a policy and makes it current, whole or not at all. Call it
// again after every change of p. Counters belong to action instances and live
// as long as these do; a zone's flow table lives while any ct action names
// the zone.
func (e *Engine) Load(p *policy.Policy, now int64) error {
	e.generation++
	prog, err := e.compile(p, now)
	if err != nil {
		e.generation--
		return fmt.Errorf("load policy: %w", err)
	}
	if err := e.offer(p, now); err != nil {
		e.withdraw(now)
		e.generation--
		return fmt.Errorf("load policy: %w", err)
	}
	e.prog = prog
	e.steer()
	for a := range e.tables {
		if i, ok := e.counters.of[a]; !ok || e.counters.slots[i].generation != e.generation {
			e.flows.Release(e.tables[a], now)
			delete(e.tables, a)
		}
	}
	for a := range e.policers {
		if i, ok := e.counters.of[a]; !ok || e.counters.slots[i].generation != e.generation {
			delete(e.policers, a)
		}
	}
	e.counters.sweep(e.generation)
	for a := range e.left {
		if _, ok := e.counters.of[a]; !ok {
			delete(e.left, a)
		}
	}
	return nil
}

// flowTable is the flow table of a ct action, as devices see it.
func (e *Engine) flowTable(a *policy.Action) offload.FlowTable {
	if t := e.tables[a]; t != nil {
		return t
	}
	return nil
}

// table returns the flow table of a ct action's zone and holds one reference
// for each action instance.
func (e *Engine) table(a *policy.Action, now int64) *flowtable.Table {
	t := e.tables[a]
	if t != nil && t.Zone() == a.CT.Zone {
		return t
	}
	n := e.flows.Acquire(a.CT.Zone, now)
	if t != nil {
		e.flows.Release(t, now)
	}
	e.tables[a] = n
	return n
}

// Tracker returns the connection tracker.
func (e *Engine) Tracker() *conntrack.Tracker { return e.tr }

// Flows returns the flow tables.
func (e *Engine) Flows() *flowtable.Set { return e.flows }

// Fragments counts what became of fragments that ct actions saw.
func (e *Engine) Fragments() frag.Stats { return e.frags.Stats() }

// Drops counts packets that ended without leaving or going up, by reason.
func (e *Engine) Drops() []uint64 { return e.drops[:] }

// CopyDrops counts copies that ended without leaving or going up, by reason.
func (e *Engine) CopyDrops() []uint64 { return e.copyDrops[:] }

// ActionStats returns an action instance's counters, those of devices
// included.
func (e *Engine) ActionStats(a *policy.Action) policy.Stats {
	return e.withDevices(a, e.counters.stats(a))
}

// Device returns a device's number, by which vectors name it.
func (e *Engine) Device(name string) (int32, bool) {
	for i := range e.prog.devs {
		if e.prog.devs[i].name == name {
			return int32(i), true
		}
	}
	return -1, false
}

// DeviceName is the inverse of Device.
func (e *Engine) DeviceName(id int32) string {
	if id < 0 || int(id) >= len(e.prog.devs) {
		return ""
	}
	return e.prog.devs[id].name
}

// Budgets of one tick: how many connections and flows it looks at. A tick
// costs well under a millisecond.
const (
	tickConns = 2048
	tickFlows = 8192
	tickFrags = 256 // packets under way
)

// Tick does a bounded share of the maintenance that is due at now: flow-table
// aging and expiry of connections. What a packet meets never depends on when
// or how often it is called; memory does.
func (e *Engine) Tick(now int64) {
	e.flows.Tick(now, tickFlows)
	e.tr.Tick(now, tickConns)
	if !e.lent {
		e.frags.Tick(now, tickFrags)
	}
}

// Process judges all packets of a vector at time v.Now. It fills in
// verdicts, reasons and outgoing frames. Frames may be shortened (ct cuts off
// what lies behind the IP packet, as the kernel does), or be what came out of
// a tunnel, with the tunnel's metadata in M. The frame of a fragment that
// completed a packet is that packet afterwards, in the engine's memory until
// the next Process; fragments that wait were copied.
func (e *Engine) Process(v *packet.Vector) {
	e.v = v
	v.Tx, v.Samples = v.Tx[:0], v.Samples[:0]
	v.Arena.Reset()
	e.hits, e.copies, e.retold = e.hits[:0], e.copies[:0], e.retold[:0]
	if !e.lent {
		e.frags.Recycle()
	}
	e.idle = [2]int64{e.flows.Idle(packet.ProtoTCP), e.flows.Idle(packet.ProtoUDP)}
	if len(e.devices) > 0 {
		e.flows.Pump(v.Now)
	}
	if len(e.byDev) > 0 {
		e.processDevices(v)
	} else {
		e.processBatches(v)
	}
	e.settleWays(v.Now)
	if len(e.devices) > 0 {
		e.flows.Pump(v.Now)
	}
	e.first[v.N], e.firstCopy[v.N] = int32(len(e.hits)), int32(len(e.copies))
	e.v = nil
}
