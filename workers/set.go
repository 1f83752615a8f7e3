package workers

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/policy"
)

// Config is what a set is made of.
type Config struct {
	Workers  int              // how many at most, 1 to conntrack.MaxShared
	Tracker  conntrack.Config // of all trackers together; Shared and Member are the set's to give
	Seed     uint64           // randomness of fragments' identifications
	Classify bool             // datapath.Config.ClassifyAll
}

// Set is several workers over one policy.
type Set struct {
	cfg     Config
	shared  *conntrack.Shared // nil: one worker
	frags   *frag.Reassembler // of several workers
	workers []*Worker
	plan    atomic.Pointer[plan]

	// fragDue is when fragments that wait may have to be given up; 0: never.
	fragDue atomic.Int64
}

// plan is what steering goes by. It is replaced whole.
type plan struct {
	why     []string // it is one worker's; empty: several may have it
	tracks  bool     // connections are tracked
	zones   []uint16 // of ct actions
	claimed bool     // connections claim their tuples in zones[0], the only one
	devices []string // by number
}

// New makes a set. How many workers it has is decided by the first Load.
func New(cfg Config) (*Set, error) {
	if cfg.Workers < 1 || cfg.Workers > conntrack.MaxShared {
		return nil, fmt.Errorf("%d workers: want 1 to %d", cfg.Workers, conntrack.MaxShared)
	}
	if cfg.Tracker.Settings == nil {
		cfg.Tracker.Settings = conntrack.DefaultSettings()
	}
	if cfg.Tracker.MaxConns > 0 {
		cfg.Tracker.Settings.Max = int64(cfg.Tracker.MaxConns)
	}
	s := &Set{cfg: cfg}
	s.plan.Store(&plan{})
	return s, nil
}

// OneWorkerError says why a policy cannot be loaded into a set that runs on
// several workers.
type OneWorkerError struct{ Reasons []string }

func (e *OneWorkerError) Error() string {
	s := "the policy needs one worker, and several are running: "
	for i, r := range e.Reasons {
		if i > 0 {
			s += "; "
		}
		s += r
	}
	return s
}

// Load compiles a policy and makes it current for all workers, whole or not at
// all. The first one decides how many workers there are: all that Config
// allows, or one if Why has a reason. A later policy that needs one
// worker is refused with a OneWorkerError where there are several. Workers
// stand still meanwhile.
func (s *Set) Load(p *policy.Policy, now int64) error {
	next := s.look(p)
	if len(s.workers) == 0 {
		return s.first(p, now, next)
	}
	s.stop()
	defer s.resume()
	if len(s.workers) > 1 {
		if s.shared.Translates() && !next.claimed {
			next.claimed = true
			next.why = append(next.why, zonesReason(next.zones)...)
		}
		if len(next.why) > 0 {
			return fmt.Errorf("load policy: %w", &OneWorkerError{next.why})
		}
	}
	for _, w := range s.workers {
		if err := w.e.Load(p, now); err != nil {
			return err // the first worker's: they are all alike
		}
	}
	s.adopt(next)
	return nil
}

// first makes the workers.
func (s *Set) first(p *policy.Policy, now int64, next *plan) error {
	n := s.cfg.Workers
	if len(next.why) > 0 {
		n = 1
	}
	cfg := datapath.Config{Seed: s.cfg.Seed, ClassifyAll: s.cfg.Classify}
	tr := s.cfg.Tracker
	tr.Shared, tr.Member, tr.MaxConns = nil, 0, 0
	var shared *conntrack.Shared
	if n > 1 {
		shared = conntrack.NewShared(n, tr.Seed, tr.Settings)
		tr.Shared = shared
		cfg.Fragments = frag.New(&tr.Settings.Frag, s.cfg.Seed)
	}
	var all []*Worker
	for i := range n {
		tr.Member = i
		cfg.Tracker = conntrack.New(tr)
		w := &Worker{set: s, number: i, e: datapath.New(cfg)}
		if err := w.e.Load(p, now); err != nil {
			return err
		}
		all = append(all, w)
	}
	s.shared, s.frags, s.workers = shared, cfg.Fragments, all
	s.adopt(next)
	return nil
}

// adopt makes a plan current.
func (s *Set) adopt(next *plan) {
	if s.shared != nil && next.claimed {
		s.shared.Translate()
	}
	s.plan.Store(next)
}

// Workers returns the workers. There are none before the first Load.
func (s *Set) Workers() []*Worker { return s.workers }

// Why says why there is only one worker; nothing if there may be several.
func (s *Set) Why() []string { return s.plan.Load().why }

// Device returns a device's number, by which vectors name it. It may be called
// at any time, by anybody.
func (s *Set) Device(name string) (int32, bool) {
	i := slices.Index(s.plan.Load().devices, name)
	return int32(i), i >= 0
}

// DeviceName is the inverse of Device.
func (s *Set) DeviceName(id int32) string {
	if d := s.plan.Load().devices; uint(id) < uint(len(d)) {
		return d[id]
	}
	return ""
}

// Do calls do with the workers' engines while they stand still: for listings,
// `conntrack -F`, changes of settings. do must not call the set or process
// packets.
func (s *Set) Do(do func(engines []*datapath.Engine)) {
	engines := make([]*datapath.Engine, len(s.workers))
	for i, w := range s.workers {
		engines[i] = w.e
	}
	s.stop()
	defer s.resume()
	do(engines)
	if s.shared != nil {
		s.shared.Limited()
	}
}

// stop waits until all workers stand still between two packets, and keeps them
// there.
func (s *Set) stop() {
	for _, w := range s.workers {
		w.mu.Lock()
	}
	if s.shared != nil {
		s.shared.Stop()
	}
}

func (s *Set) resume() {
	if s.shared != nil {
		s.shared.Resume()
	}
	for _, w := range s.workers {
		w.mu.Unlock()
	}
}

// ActionStats returns an action instance's counters, all workers' together.
func (s *Set) ActionStats(a *policy.Action) (sum policy.Stats) {
	s.Do(func(engines []*datapath.Engine) {
		for _, e := range engines {
			sum = addStats(sum, e.ActionStats(a))
		}
	})
	return sum
}

func addStats(a, b policy.Stats) policy.Stats {
	a.Packets += b.Packets
	a.Bytes += b.Bytes
	a.Drops += b.Drops
	a.Overlimits += b.Overlimits
	a.Installed = max(a.Installed, b.Installed)
	a.LastUsed = max(a.LastUsed, b.LastUsed)
	if a.FirstUsed == 0 || b.FirstUsed != 0 && b.FirstUsed < a.FirstUsed {
		a.FirstUsed = b.FirstUsed
	}
	return a
}

// Drops counts packets that ended without leaving or going up, by reason.
func (s *Set) Drops() (sum []uint64) {
	s.Do(func(engines []*datapath.Engine) {
		for _, e := range engines {
			for i, n := range e.Drops() {
				if i == len(sum) {
					sum = append(sum, 0)
				}
				sum[i] += n
			}
		}
	})
	return sum
}

// Stats returns the columns of /proc/net/stat/nf_conntrack, a row a worker, as
// Linux has one for each processor.
func (s *Set) Stats() (rows []conntrack.Stats) {
	s.Do(func(engines []*datapath.Engine) {
		for _, e := range engines {
			rows = append(rows, e.Tracker().Stats())
		}
	})
	return rows
}

// Len is the number of connections.
func (s *Set) Len() (n int) {
	s.Do(func(engines []*datapath.Engine) {
		for _, e := range engines {
			n += e.Tracker().Len()
		}
	})
	return n
}

// Fragments counts what became of fragments that ct actions saw.
func (s *Set) Fragments() (st frag.Stats) {
	s.Do(func(engines []*datapath.Engine) {
		if len(engines) > 0 {
			st = engines[0].Fragments() // all workers' fragments wait in one place
		}
	})
	return st
}

// Check walks all tables and reports every inconsistency.
func (s *Set) Check() (errs []error) {
	s.Do(func(engines []*datapath.Engine) {
		for _, e := range engines {
			errs = append(errs, e.Tracker().Check()...)
		}
		if s.shared != nil {
			errs = append(errs, s.shared.Check()...)
		}
	})
	return errs
}

// fragsTick gives up fragments whose time is over. What a packet meets does
// not depend on it; memory does.
func (s *Set) fragsTick(now int64) {
	if due := s.fragDue.Load(); due == 0 || now < due {
		return
	}
	s.stop()
	defer s.resume()
	s.frags.Tick(now, math.MaxInt)
	s.fragsLater(now)
}

// fragsLater says when to look at fragments again. All workers stand still.
func (s *Set) fragsLater(now int64) {
	s.fragDue.Store(0)
	if s.frags.Waiting() > 0 {
		s.fragDue.Store(now + 1e9)
	}
}

// lead is the beginning of the packet that a fragment belongs to, nil while it
// is not known. All workers stand still.
func (s *Set) lead(now int64, frame []byte, h *packet.Headers, dev int32, p *plan, buf []byte) []byte {
	for _, z := range p.zones {
		if b := s.frags.Lead(now, frame, int(h.L3), h.EtherType == packet.EtherIPv6, z, dev, buf); b != nil {
			return b
		}
	}
	return nil
}
