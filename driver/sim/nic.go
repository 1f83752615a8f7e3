package sim

import (
	"math/rand/v2"

	"sluice/datapath"
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// NIC is a network card. It is an offload.Driver, Settler, Gauge, Stopper,
// Loader and Prober, and not safe for concurrent use.
type NIC struct {
	cfg   Config
	prof  *profile
	pl    *datapath.Pipeline
	rand  rand.Rand
	rules rules
	flows store
	queue queue

	held, adding int // flows that take up room, and those that may come to
	entries      int // of the ct table: each flow's directions
	epoch        uint16
	zone         [1 << 16]uint16 // the epoch of a zone's flows
	hand         uint32          // where the search for forgotten flows goes on

	labels   map[[16]byte]int // flows by label
	sampled  samples
	windows  windows
	rewrites rewrites

	now, born int64
	started   bool
	crashed   bool // it is down
	recovered bool // it has been

	n Stats
}

// New makes a card.
func New(cfg Config) (*NIC, error) {
	if cfg.Profile == "" {
		cfg.Profile = "plain"
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	n := &NIC{cfg: cfg, sampled: samples{every: int64(cfg.Stats)}, prof: cfg.profile(), rand: *rand.New(rand.NewPCG(cfg.Seed, 0x5e9c)), labels: map[[16]byte]int{}, epoch: 1}
	n.flows = newStore(cfg.Tracker, cfg.Flows+cfg.Queue)
	n.queue.init(&n.cfg)
	n.rules.init()
	for z := range n.zone {
		n.zone[z] = n.epoch
	}
	n.pl = datapath.NewPipeline(cfg.Tracker, n, cfg.FromStart)
	if cfg.Unchecked {
		n.pl.SkipChecksums()
	}
	return n, nil
}

// Name is the card's, for listings.
func (n *NIC) Name() string { return n.cfg.Name }

// Config is what the card was made with, defaults filled in.
func (n *NIC) Config() Config { return n.cfg }

// Pipeline carries the card's packets.
func (n *NIC) Pipeline() *datapath.Pipeline { return n.pl }

// Capacity is the most flows, and the flows held or being inserted.
func (n *NIC) Capacity() (limit, used int) { return n.cfg.Flows, n.held + n.adding }

// ActionStats gives what the card has counted for an action instance.
func (n *NIC) ActionStats(a *policy.Action) policy.Stats { return n.pl.ActionStats(a) }

// Loaded takes over the policy's rules as a whole.
func (n *NIC) Loaded(now int64, p *policy.Policy) error {
	n.advance(now)
	return n.pl.Load(now, p, n.holds)
}

// Stop unregisters the card from all flow tables and forgets all rules.
func (n *NIC) Stop(now int64) {
	n.advance(now)
	n.dropRules(now)
	n.pl.Hold(n.holds)
}

// Probe gives a flow's counters as they are.
func (n *NIC) Probe(now int64, conn packet.ConnRef) (offload.FlowStats, bool) {
	n.advance(now)
	f := n.flows.byConn(conn)
	if f == nil || f.flags&held == 0 {
		return offload.FlowStats{}, false
	}
	return n.stats(f, n.now), true
}

// stats is what the card's driver can tell of a flow.
func (n *NIC) stats(f *flow, now int64) offload.FlowStats {
	s := offload.FlowStats{At: now}
	if f.packets[0]|f.packets[1] != 0 {
		s.Used = f.Used
	}
	if n.cfg.Counters == CountPackets {
		s.Packets, s.Bytes = f.packets, f.bytes
	}
	return s
}

// advance brings the card to a time.
func (n *NIC) advance(now int64) {
	if !n.started {
		n.started, n.born, n.now = true, now, now
	}
	n.now = max(n.now, now)
	if n.cfg.Faults.Crash && !n.recovered {
		n.crashes()
	}
	for n.queue.due(n.now) {
		n.finish(n.queue.pop())
	}
	n.queue.tellLate(n.now)
}

// crashes forgets everything when its time has come, and comes back later.
// What the card has counted until then is not lost: its driver has it.
func (n *NIC) crashes() {
	f := &n.cfg.Faults
	age := n.now - n.born
	if !n.crashed && age >= int64(f.At) {
		n.crashed = true
		for slot := uint32(1); slot <= n.flows.used; slot++ {
			n.flows.at(slot).flags |= closed
		}
		n.pl.Hold(n.holds)
	}
	if n.crashed && age >= int64(f.At+f.Down) {
		n.crashed, n.recovered = false, true
		n.pl.Hold(n.holds)
	}
}

// leave makes all flows of a zone that the card holds carry nothing any more.
func (n *NIC) leave(zone uint16) {
	if n.epoch == 1<<16-1 {
		for slot := uint32(1); slot <= n.flows.used; slot++ {
			if f := n.flows.at(slot); f.epoch == n.zone[f.Zone] {
				f.epoch = 1
			} else {
				f.epoch = 0 // no zone's
			}
		}
		for z := range n.zone {
			n.zone[z] = 1
		}
		n.epoch = 1
	}
	n.epoch++
	n.zone[zone] = n.epoch
}

func (n *NIC) chance(p float64) bool { return p > 0 && n.rand.Float64() < p }
