package conntrack

// Stats are the columns of /proc/net/stat/nf_conntrack. Those that a tracker
// without per-CPU searches cannot move stay zero; New, Ignore, Delete and
// Insert Linux itself has stopped counting (nf_conntrack_standalone.c
// ct_cpu_seq_show), the last two are counted here all the same.
type Stats struct {
	Entries       uint64
	ClashRes      uint64
	Found         uint64
	New           uint64
	Invalid       uint64
	Ignore        uint64
	Delete        uint64
	ChainLength   uint64
	Insert        uint64
	InsertFailed  uint64
	Drop          uint64
	EarlyDrop     uint64
	ICMPError     uint64
	ExpectNew     uint64
	ExpectCreate  uint64
	ExpectDelete  uint64
	SearchRestart uint64

	// NATExhausted counts packets dropped because every port that they could
	// have been translated to was taken. Linux has no such column.
	NATExhausted uint64

	// InvalidBy counts the packets behind Invalid and ICMPError by reason, and
	// those that are not tracked at all. Linux logs them at most.
	InvalidBy [NumInvalid]uint64
}

// Stats returns the counts so far.
func (t *Tracker) Stats() Stats {
	s := t.st
	s.Entries = uint64(t.slab.live)
	return s
}

// Add adds another tracker's counts.
func (s *Stats) Add(o *Stats) {
	for _, p := range [][2]*uint64{
		{&s.Entries, &o.Entries}, {&s.ClashRes, &o.ClashRes}, {&s.Found, &o.Found}, {&s.New, &o.New},
		{&s.Invalid, &o.Invalid}, {&s.Ignore, &o.Ignore}, {&s.Delete, &o.Delete}, {&s.ChainLength, &o.ChainLength},
		{&s.Insert, &o.Insert}, {&s.InsertFailed, &o.InsertFailed}, {&s.Drop, &o.Drop}, {&s.EarlyDrop, &o.EarlyDrop},
		{&s.ICMPError, &o.ICMPError}, {&s.ExpectNew, &o.ExpectNew}, {&s.ExpectCreate, &o.ExpectCreate},
		{&s.ExpectDelete, &o.ExpectDelete}, {&s.SearchRestart, &o.SearchRestart}, {&s.NATExhausted, &o.NATExhausted},
	} {
		*p[0] += *p[1]
	}
	for i, n := range o.InvalidBy {
		s.InvalidBy[i] += n
	}
}
