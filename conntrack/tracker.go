package conntrack

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"unsafe"

	"sluice/packet"
)

// Config is what a tracker is made of. The zero value gives Linux's defaults
// and a hash that every run repeats.
type Config struct {
	Seed     [2]uint64 // key of the hash; random when traffic is hostile
	MaxConns int       // nf_conntrack_max; 0: as Settings say
	Settings *Settings // nil: Linux's defaults

	// Of a tracker that has a part of the connections: what it shares with the
	// others, and which of them it is. Settings are all trackers' then.
	Shared *Shared
	Member int
}

// Tracker holds the connections of all zones. It needs no closing: its memory
// goes when nothing refers to it or to one of its connections any more. It refers
// to its owners until they Unwatch.
type Tracker struct {
	key            [2]uint64
	slab           slab
	ix             index
	next           growth
	growSlots      uint32
	set            *Settings
	lim            limits
	st             Stats
	cursor         uint32 // Tick's place in the slab
	ticked         int64  // when Tick ran last
	offloadExpires bool

	credit int64 // slots to look at that time has earned, times gcPeriod

	rng     *rand.Rand // ports of translations
	pcg     *rand.PCG  // rng's source
	natted  int        // confirmed connections with a translation
	fresh   fresh
	entered uint64 // connections that have entered the index
	sources natSources
	why     Invalid // of the packet that is being found invalid
	ports   portMaps
	line    [SeekSize]uintptr // scratch of ask

	extras map[uint32]*extra // of connections with a helper, a master, or a payload that grew; by slot
	expect expectations

	owners  []Owner
	devices []string // DeviceNumber's

	shared *Shared // nil: the connections are all here
	member int
	seen   []sourceSeen // scratch of sameSharedSource

	events *eventLog // nil: nobody listens
	notes  []note    // by slot, as far as needed
}

// Result is what In and Confirm say to a packet. The zero value lets it on.
type Result uint8

const (
	// Accept: judged; valid or not, the policy decides.
	Accept Result = iota
	// DropFull: the table is full and nothing could be evicted.
	DropFull
	// DropClash: another connection has taken the tuple meanwhile.
	DropClash
	// DropNAT: no port is left to translate to.
	DropNAT
	// DropNATFamily: what to translate to is of the other IP.
	DropNATFamily
	// DropNATError: an ICMP error is too short or broken to be translated.
	DropNATError
	// DropNATRedirect: an ICMP redirect would name a gateway that is not there.
	DropNATRedirect
	// DropZoneLimit: the zone has all the connections that it may have.
	DropZoneLimit
	// DropSourceStates: the source has all the connections that it may have
	// in the zone.
	DropSourceStates
	// DropSourceRate: the source begins connections faster than it may.
	DropSourceRate

	// NumResults is how many there are.
	NumResults
)

func (r Result) String() string {
	return [NumResults]string{"accept", "table full", "tuple clash", "no port", "other family", "bad error", "redirect", "zone limit", "source limit", "source rate"}[r]
}

// New makes an empty tracker.
func New(cfg Config) *Tracker {
	t := &Tracker{set: cfg.Settings, growSlots: growSlots}
	if t.set == nil {
		t.set = DefaultSettings()
	}
	if cfg.MaxConns > 0 {
		t.set.Max = int64(cfg.MaxConns)
	}
	t.key = keyOfSeed(cfg.Seed)
	t.slab = slab{limit: t.set.room()}
	if t.shared, t.member = cfg.Shared, cfg.Member; t.shared != nil {
		t.shared.parts[t.member].tracker = t
		n := len(t.shared.parts) // shares differ, a little
		t.slab.limit = min(t.slab.limit, t.slab.limit/n+t.slab.limit/(8*n)+64)
	}
	t.slab.due.min = never
	if t.shared != nil {
		t.slab.due.told = &t.shared.parts[t.member].soonest
		t.slab.due.tell(never)
	}
	t.slab.due.idle = [2]int64{t.set.FlowtableTCPTimeout, t.set.FlowtableUDPTimeout}
	t.slab.grow(0)
	t.pcg = rand.NewPCG(cfg.Seed[0], cfg.Seed[1]^0x6e6174) // repeats with the seed
	t.rng = rand.New(t.pcg)
	t.ix = newIndex(t.slab.limit)
	// The first packets touch all of the index, and of the slab one page.
	ready(t.ix.buckets)
	ready(t.slab.chunks[0][:min(len(t.slab.chunks[0]), 1+hugePage/int(unsafe.Sizeof(Conn{})))])
	t.lim = limits{set: t.set, src: sources{key: t.key}}
	for id, z := range t.set.Zones {
		t.SetZone(id, z)
	}
	return t
}

// keyOfSeed is the key of a tracker's hashes. Zero keys would multiply to zero.
func keyOfSeed(seed [2]uint64) [2]uint64 {
	return [2]uint64{seed[0]*0x9e3779b97f4a7c15 + 0x243f6a8885a308d3, seed[1]*0xd6e8feb86659fd93 + 0x13198a2e03707344}
}

// Settings returns the sysctls. They may be changed while the tracker runs.
func (t *Tracker) Settings() *Settings { return t.set }

// Len is the number of connections, unconfirmed ones included, as
// nf_conntrack_count has it.
func (t *Tracker) Len() int { return t.slab.live }

// MemoryBytes is all memory that connections and their index take.
func (t *Tracker) MemoryBytes() int {
	return t.slab.memory() + t.ix.memory() + t.next.ix.memory() + len(t.sources.heads)*4 + t.lim.memory()
}

// Lookup finds the connection of a tuple in a zone and says which direction
// the tuple is, 0 or 1. hash is Hash(tu). A connection past its deadline is
// removed and not found (nf_conntrack_core.c ____nf_conntrack_find).
func (t *Tracker) Lookup(tu *packet.Tuple, hash uint64, zone uint16, now int64) (packet.ConnRef, int) {
	ref, _, dir := t.Find(tu, hash, zone, now)
	return ref, dir
}

// Find is Lookup that also returns the connection; nil when there is none.
func (t *Tracker) Find(tu *packet.Tuple, hash uint64, zone uint16, now int64) (packet.ConnRef, *Conn, int) {
	i, tag := t.ix.place(hash, zone)
	for b := &t.ix.buckets[i]; ; b = t.ix.over(b.next) {
		for j, g := range &b.tag {
			if g != tag {
				continue
			}
			slot := b.slot[j]
			c := t.slab.at(slot)
			if c.Zone != zone {
				continue
			}
			dir := 0
			if c.Orig != *tu {
				if c.Status&natMask != 0 {
					if r := t.reply(slot, c); r != *tu {
						continue
					}
				} else if !isReply(&c.Orig, tu) {
					continue
				}
				dir = 1
			}
			if t.gone(now, slot, c) {
				t.clock(now)
				t.destroy(slot, c)
				return 0, nil, 0
			}
			return t.slab.ref(slot, c), c, dir
		}
		if b.next == 0 {
			return 0, nil, 0
		}
	}
}

// expired reports that a confirmed connection is past its deadline. What the
// flow table owns does not expire here, except as OffloadExpires says.
func (t *Tracker) expired(c *Conn, now int64) bool {
	// In this order: an offloaded connection's deadline is on a line that nobody
	// else needs.
	return (c.Status&StatusOffload == 0 || t.offloadExpires && c.Status&StatusAssured == 0) && now >= c.Timeout
}

// OffloadExpires makes the tracker expire connections that the flow table
// holds but that still run through the tracker, because they are not assured.
// Linux 6.1 does; later kernels' flow tables keep them alive.
func (t *Tracker) OffloadExpires(on bool) { t.offloadExpires = on }

// destroy removes a confirmed connection.
func (t *Tracker) destroy(slot uint32, c *Conn) {
	t.forget(slot, c)
	t.release(slot, c)
}

// forget takes a confirmed connection out of the index and out of all counts.
func (t *Tracker) forget(slot uint32, c *Conn) {
	t.ending(slot, c)
	t.ended(slot, c)
	t.delist(t.Hash(&c.Orig), c.Zone, slot)
	t.lim.leave(c)
	if c.Status&natMask != 0 || len(t.ports.maps) != 0 || t.claiming() {
		r := t.reply(slot, c)
		if t.claiming() {
			t.unclaim(c, &r)
		}
		if c.Status&natMask != 0 {
			t.delist(t.Hash(&r), c.Zone, slot)
			t.natted--
		}
		if len(t.ports.maps) != 0 {
			t.vacate(&c.Orig, c)
			t.vacate(&r, c)
		}
	}
	t.st.Delete++
}

// release gives a connection's memory back.
func (t *Tracker) release(slot uint32, c *Conn) {
	if c.Status&natDoneMask != 0 {
		t.unlinkSource(slot, c)
	}
	if c.Status&extraBits != 0 {
		x := t.extras[slot]
		t.disown(x)
		if c.Status&StatusExpected != 0 && t.Conn(x.master) != nil {
			t.extras[slotOf(x.master)].children--
		}
		delete(t.extras, slot)
	}
	t.slab.put(slot)
	if t.shared != nil {
		t.shared.give(t.member)
	}
}

// Kill removes a connection at once; see Clock for the time that its event has.
// A stale reference is ignored.
func (t *Tracker) Kill(ref packet.ConnRef) {
	c := t.Conn(ref)
	if c == nil {
		return
	}
	if c.Status&StatusConfirmed == 0 {
		t.release(slotOf(ref), c)
		return
	}
	t.destroy(slotOf(ref), c)
}

// Flush removes every confirmed connection; see Clock.
func (t *Tracker) Flush() {
	for n := uint32(1); n <= t.slab.used; n++ {
		if c := t.slab.at(n); c.Status&StatusConfirmed != 0 {
			t.destroy(n, c)
		}
	}
}

// Discard takes the connection off a packet. One that was never confirmed
// ends here.
func (t *Tracker) Discard(ct *packet.CT) {
	if c := t.Conn(ct.Conn); c != nil && c.Status&StatusConfirmed == 0 {
		t.release(slotOf(ct.Conn), c)
	}
	ct.Conn, ct.Info = 0, packet.CTUntracked
}

// Confirm makes a packet's new connection known (nf_conntrack_confirm). For a
// connection that is known already it does nothing. When another connection
// has taken the tuple since, a UDP packet adopts that one, as two
// packets racing for the same tuple may; any other packet is refused.
func (t *Tracker) Confirm(now int64, ct *packet.CT) Result {
	c := t.Conn(ct.Conn)
	if c == nil || c.Status&(StatusConfirmed|StatusDying) != 0 {
		return Accept
	}
	fresh := t.isFresh(ct.Conn)
	if fresh && t.natted == 0 && c.Status&natMask == 0 && len(t.ports.maps) == 0 && !t.claiming() {
		return t.enter(now, ct.Conn, c, t.fresh.hash, t.fresh.hash, nil)
	}
	slot, hash := slotOf(ct.Conn), t.Hash(&c.Orig)
	reply, rhash := c.Orig, hash
	if c.Status&natMask != 0 {
		reply = t.reply(slot, c)
		rhash = t.Hash(&reply)
	} else {
		reply = invert(&reply)
	}
	if other := t.rival(now, c, hash, &reply, rhash, fresh); other != 0 {
		o := t.Conn(other)
		p := c.Orig.Proto
		clash := allowsClash(p) && o.Orig == c.Orig
		if clash && (o.Status&natDoneMask == 0 || t.Reply(other) == reply) {
			t.st.ClashRes++
			for d := range c.packets {
				o.Add(d, c.packets[d], c.bytes[d])
			}
			t.release(slot, c)
			ct.Conn, ct.Info = other, packet.CTNew
			if o.Status&StatusSeenReply != 0 {
				ct.Info = packet.CTEstablished
			}
			return Accept
		}
		t.st.InsertFailed++
		t.st.Drop++
		return DropClash
	}
	return t.enter(now, ct.Conn, c, hash, rhash, &reply)
}

// allowsClash reports whether two packets of a protocol that race for a tuple may
// share a connection (allow_clash of its nf_conntrack_l4proto).
func allowsClash(proto uint8) bool {
	switch proto {
	case packet.ProtoTCP, packet.ProtoSCTP, packet.ProtoDCCP, packet.ProtoICMP, packet.ProtoICMPv6:
		return false
	}
	return true
}

// enter makes a connection without a rival known. reply may be nil if there are
// no maps of ports and no claims.
func (t *Tracker) enter(now int64, ref packet.ConnRef, c *Conn, hash, rhash uint64, reply *packet.Tuple) Result {
	for !t.lim.none() && t.lim.full(c) && t.makeRoom(now) {
	}
	if r := t.lim.enter(now, c); r != Accept {
		t.st.Drop++
		return r
	}
	c.Timeout += now
	if t.claiming() && !t.confirmClaim(now, slotOf(ref), c, reply) {
		c.Timeout -= now
		t.lim.leave(c)
		t.st.InsertFailed++
		t.st.Drop++
		return DropClash
	}
	c.Status |= StatusConfirmed
	t.mayEnd(slotOf(ref), c.Timeout)
	t.entered++
	t.enlist(hash, c.Zone, slotOf(ref))
	if c.Status&natMask != 0 {
		t.enlist(rhash, c.Zone, slotOf(ref))
		t.natted++
	}
	if len(t.ports.maps) != 0 {
		t.occupy(&c.Orig, c)
		t.occupy(reply, c)
	}
	t.st.Insert++
	if t.events != nil || t.set.Timestamp {
		t.confirmed(now, ref, c)
	}
	return Accept
}

// rival finds a connection that has one of a new one's tuples, in either
// direction. Without translation, one that has the reply has the original,
// too. Nobody has a fresh one's original.
func (t *Tracker) rival(now int64, c *Conn, hash uint64, reply *packet.Tuple, rhash uint64, fresh bool) packet.ConnRef {
	if !fresh {
		if other, _ := t.Lookup(&c.Orig, hash, c.Zone, now); other != 0 {
			return other
		}
	}
	if t.natted == 0 && c.Status&natMask == 0 {
		return 0
	}
	other, _ := t.Lookup(reply, rhash, c.Zone, now)
	return other
}

// SetMark sets the bits under mask (act_ct.c tcf_ct_act_set_mark).
func (t *Tracker) SetMark(ref packet.ConnRef, mark, mask uint32) {
	if c := t.Conn(ref); c != nil {
		was := c.Mark
		c.Mark = mark | c.Mark&^mask
		c.Path = 0 // its packets may match other filters now
		if c.Mark != was && c.Status&StatusConfirmed != 0 {
			t.pend(ref, c, EventMark)
			t.altered(ref, c)
		}
	}
}

// SetLabel clears the bits under mask and toggles those of value, masked or
// not, as the kernel does (nf_conntrack_labels.c replace_u32).
func (t *Tracker) SetLabel(ref packet.ConnRef, value, mask [16]byte) {
	c := t.Conn(ref)
	if c == nil {
		return
	}
	was := c.Label
	for i := range c.Label {
		c.Label[i] = c.Label[i]&^mask[i] ^ value[i]
	}
	if c.Label != was {
		t.pend(ref, c, EventLabel)
		t.altered(ref, c)
	}
	c.Path = 0
}

// gcPeriod is how long Tick takes for a table whose connections have all
// expired.
const gcPeriod = second

// gcLag is by how much Tick lets ends pass before it looks: by then more of a
// group's connections have expired, which costs one look.
const gcLag = second / 2

// Tick gives back the memory of expired connections. It goes round the slots
// where some may have expired, and in one call removes no more than the time since
// the last has earned and budget allows, nor looks at more than budget groups of
// slots. While timeouts adapt to the table's filling, the first call of each second
// looks at all connections besides (shortenAll).
func (t *Tracker) Tick(now int64, budget int) {
	dt, newSecond := min(max(now-t.ticked, 0), gcPeriod), now/second > t.ticked/second
	t.ticked = now
	t.clock(now)
	t.relieve()
	most := int64(t.slab.used) * gcPeriod
	t.credit = min(t.credit+dt*int64(t.slab.used), most)
	n := min(t.credit/gcPeriod, int64(budget))
	if newSecond {
		t.shortenAll(now)
	}
	for looked := 0; looked < budget && n > 0 && !t.calm(now-gcLag); looked++ {
		group, ok := t.nextDue(now - gcLag)
		if !ok {
			return
		}
		gone := int64(t.reap(now-gcLag, group, int(n)))
		n -= gone
		t.credit -= gone * gcPeriod
	}
}

// ForgetPaths clears every connection's remembered way, so that the numbers
// can be given out anew. It walks all slots; the datapath needs it after
// 65,535 different ways.
func (t *Tracker) ForgetPaths() {
	for n := uint32(1); n <= t.slab.used; n++ {
		t.slab.at(n).Path = 0
	}
}

// All yields the confirmed connections that live at now, by slot.
func (t *Tracker) All(now int64) iter.Seq2[packet.ConnRef, *Conn] {
	return func(yield func(packet.ConnRef, *Conn) bool) {
		for n := uint32(1); n <= t.slab.used; n++ {
			c := t.slab.at(n)
			if c.Status&StatusConfirmed != 0 && !t.expired(c, now) && !yield(t.slab.ref(n, c), c) {
				return
			}
		}
	}
}

// Census is how many connections there are. Live and Expired together are Len.
type Census struct {
	Live    int // those that All yields
	Expired int // those that are past their deadline and not collected yet
	Flows   int // those of the live ones that a flow table owns
}

// Count counts the connections at now, all of them and by zone; zones without any
// are left out. It walks all slots.
func (t *Tracker) Count(now int64) (all Census, zones map[uint16]Census) {
	zones = map[uint16]Census{}
	for _, c := range t.Known() {
		z := zones[c.Zone]
		if t.expired(c, now) {
			all.Expired++
			z.Expired++
		} else {
			all.Live++
			z.Live++
			if c.Status&StatusOffload != 0 {
				all.Flows++
				z.Flows++
			}
		}
		zones[c.Zone] = z
	}
	return all, zones
}

// Check walks all tables and reports every inconsistency.
func (t *Tracker) Check() (errs []error) {
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	type owner struct {
		tuple packet.Tuple
		zone  uint16
	}
	indexed, growing, tuples := t.ix.entries(), t.next.ix.entries(), map[owner]uint32{}
	live := 0
	for n := uint32(1); n <= t.slab.used; n++ {
		c := t.slab.at(n)
		if c.Gen&1 == 0 {
			continue
		}
		live++
		if c.Status&StatusConfirmed == 0 {
			continue
		}
		want := 1
		if c.Status&natMask != 0 {
			want = 2
		}
		if indexed[n] != want {
			bad("slot %d is in the index %d times, want %d", n, indexed[n], want)
		}
		delete(indexed, n)
		if n > t.next.done {
			want = 0
		}
		if growing[n] != want {
			bad("slot %d is in the growing index %d times, want %d; it has come to %d", n, growing[n], want, t.next.done)
		}
		delete(growing, n)
		for _, tu := range []packet.Tuple{c.Orig, t.reply(n, c)} {
			o := owner{tu, c.Zone}
			if other, ok := tuples[o]; ok && other != n {
				bad("slots %d and %d share a tuple", other, n)
			}
			tuples[o] = n
		}
	}
	for n := range indexed {
		bad("the index names slot %d, which is not confirmed", n)
	}
	for n := range growing {
		bad("the growing index names slot %d, which is not confirmed", n)
	}
	errs = append(errs, t.checkLimits()...)
	errs = append(errs, t.checkPorts()...)
	errs = append(errs, t.expect.check(t.extras)...)
	if live != t.slab.live {
		bad("%d slots are in use, %d are counted", live, t.slab.live)
	}
	return errs
}
