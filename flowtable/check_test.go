package flowtable

import (
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// card is a device that holds what it is asked to, and answers when polled if
// it is open.
type card struct {
	open bool
	todo []offload.Completion
}

func (*card) Name() string                                { return "card" }
func (*card) Replace(int64, *offload.Rule) error          { return nil }
func (*card) Destroy(int64, *offload.Rule)                {}
func (*card) ActionStats(*policy.Action) (s policy.Stats) { return s }
func (c *card) Submit(_ int64, reqs []offload.Request) int {
	for _, r := range reqs {
		c.todo = append(c.todo, offload.Completion{Conn: r.Flow.Conn, Op: r.Op})
	}
	return len(reqs)
}
func (c *card) Poll(_ int64, out []offload.Completion) int {
	if !c.open {
		return 0
	}
	n := copy(out, c.todo)
	c.todo = c.todo[:copy(c.todo, c.todo[n:])]
	return n
}

// assured has a tracker know n assured UDP connections of a zone.
func assured(t testing.TB, tr *conntrack.Tracker, zone uint16, first, n int) (refs []packet.ConnRef) {
	t.Helper()
	for i := range n {
		frame := packettest.UDP("10.0.0.1", "10.0.0.2", uint16(first+i), 53, "q")
		var h packet.Headers
		var ct packet.CT
		packet.Parse(frame, &h)
		h.Hash = tr.Hash(&h.Tuple)
		if tr.In(0, frame, &h, zone, &ct) != conntrack.Accept || tr.Confirm(0, &ct) != conntrack.Accept {
			t.Fatal("not accepted")
		}
		tr.Conn(ct.Conn).Status |= conntrack.StatusSeenReply | conntrack.StatusAssured
		refs = append(refs, ct.Conn)
	}
	return refs
}

// TestCheck plants every contradiction that Check knows, one at a time, into
// tables and a device with flows in every state: exactly the planted one is
// reported.
func TestI3_check_reports_every_contradiction(t *testing.T) {
	const held, asked, leaving, queued, pending, soft = 0, 1, 2, 3, 4, 5
	type world struct {
		*Set
		table *Table
		dev   *device
		refs  []packet.ConnRef
	}
	make := func(t *testing.T) *world {
		tr := conntrack.New(conntrack.Config{MaxConns: 32})
		w := &world{Set: New(tr)}
		w.table = w.Acquire(3, 0)
		w.refs = assured(t, tr, 3, 1000, 6)
		c := &card{open: true}
		w.table.Offer(0, w.refs[soft], packet.CTEstablished, 9)
		w.table.Register(0, c)
		w.table.replay = 0
		w.dev = w.devs[0]
		put := func(i int) { w.table.Offer(0, w.refs[i], packet.CTEstablished, 9) }
		put(held)
		w.Pump(0)
		put(leaving)
		w.Pump(0)
		w.Pump(0)
		c.open = false
		w.leave(w.refs[leaving], tr.Conn(w.refs[leaving]), offload.Flushed)
		put(asked)
		w.Pump(0)
		put(pending)
		w.dev.shelve()
		put(queued)
		return w
	}
	entry := func(w *world, i int) *entry { return w.dev.entries.of(w.refs[i]) }
	side := func(w *world, i int) *side { return w.known(w.refs[i]) }
	conn := func(w *world, i int) *conntrack.Conn { return w.tr.Conn(w.refs[i]) }
	for _, row := range []struct {
		name  string
		plant func(*world)
		want  []string
	}{
		{"none", func(*world) {}, nil},
		{"a chain too many", func(w *world) { w.table.chains.add(1) }, []string{"zone 3: 6 flows and the chains of 7"}},
		{"a place on the list", func(w *world) { conn(w, soft).FlowPos = 1 }, []string{"zone 3: flow 0 of the list is at 1, flags 0x3, status 0x400e"}},
		{"a flow that is not live", func(w *world) { conn(w, soft).FlowFlags &^= flowLive }, []string{"zone 3: flow 0 of the list is at 0, flags 0x2, status 0x400e"}},
		{"a flow without its mark", func(w *world) { conn(w, soft).Status &^= conntrack.StatusOffload }, []string{"zone 3: flow 0 of the list is at 0, flags 0x3, status 0xe"}},
		{"a flow that has gone elsewhere", func(w *world) { c := conn(w, soft); c.FlowTable, c.FlowPos, c.FlowFlags = 9, 77, 0 }, nil},
		{"a connection that has gone", func(w *world) { w.refs[soft] += 2 << 32; w.table.flows.set(0, w.refs[soft]) }, nil},
		{"one held more", func(w *world) { w.Set.held++ }, []string{"1 flows are held by devices, 2 are counted"}},
		{"one held less", func(w *world) { w.Set.held-- }, []string{"1 flows are held by devices, 0 are counted"}},
		{"held without the mark", func(w *world) { conn(w, held).Status &^= conntrack.StatusHWOffload }, []string{"connection 0x100000001: status 0x400e, held by devices 0x1"}},
		{"the mark without a device", func(w *world) { conn(w, soft).Status |= conntrack.StatusHWOffload }, []string{"status 0xc00e, held by devices 0x0"}},
		{"held and not in", func(w *world) { side(w, held).in, conn(w, held).FlowFlags = 0, flowLive }, []string{"held 0x1, in 0x0, queued 0x0, pending 0x0", "entry 0 and its flow's record differ"}},
		{"in and queued", func(w *world) { side(w, asked).queued = 1 }, []string{"held 0x0, in 0x1, queued 0x1, pending 0x0", "2 of 1 are queued, 1 of 1 are pending"}},
		{"in and pending", func(w *world) { side(w, asked).pending = 1 }, []string{"held 0x0, in 0x1, queued 0x0, pending 0x1", "1 of 1 are queued, 2 of 1 are pending"}},
		{"queued and pending", func(w *world) { side(w, queued).pending = 1 }, []string{"held 0x0, in 0x0, queued 0x1, pending 0x1", "1 of 1 are queued, 2 of 1 are pending"}},
		{"in a device and in no table", func(w *world) { conn(w, queued).FlowTable = 9 }, []string{"devices 0x1 have it and no flow table does: flags 0xf"}},
		{"in a device and not live", func(w *world) { conn(w, queued).FlowFlags &^= flowLive }, []string{"zone 3: flow 5 of the list is at 5, flags 0xe, status 0x400e", "devices 0x1 have it and no flow table does: flags 0xe"}},
		{"in a device without the mark", func(w *world) { conn(w, queued).Status &^= conntrack.StatusOffload }, []string{"zone 3: flow 5 of the list is at 5, flags 0xf, status 0xe", "devices 0x1 have it and no flow table does: flags 0xf"}},
		{"in a device and not said so", func(w *world) { conn(w, queued).FlowFlags &^= flowDevice }, []string{"devices 0x1 have it and no flow table does: flags 0x7"}},
		{"in a device that is not registered", func(w *world) { side(w, queued).queued, side(w, queued).pending = 3, 0 }, []string{"devices 0x3 have it, and 0x1 are registered"}},
		{"pending in one that is not registered", func(w *world) { side(w, pending).pending = 3 }, []string{"devices 0x3 have it, and 0x1 are registered"}},
		{"in one that is not registered", func(w *world) { side(w, asked).in = 3 }, []string{"devices 0x3 have it, and 0x1 are registered"}},
		{"a dead device", func(w *world) { w.dev.dead = true }, []string{"card has gone and is registered"}},
		{"an entry that is found elsewhere", func(w *world) { *w.dev.entries.pos.at(int(uint32(w.refs[asked]))) = 1 }, []string{"card: entry 2 is found elsewhere"}},
		{"one that has gone and is held", func(w *world) { entry(w, leaving).held = true }, []string{"card: entry 1 has gone and stays"}},
		{"one that has gone and waits for nothing", func(w *world) { entry(w, leaving).removes = 0 }, []string{"card: entry 1 has gone and stays"}},
		{"one that has gone and is in", func(w *world) { side(w, leaving).in, conn(w, leaving).FlowFlags = 1, flowLive|flowDevice }, []string{"card: entry 1 has gone and counts as in"}},
		{"an entry without a record", func(w *world) { side(w, asked).gen = 0 }, []string{"card: entry 2 and its flow's record differ"}},
		{"an entry that is not in", func(w *world) { side(w, asked).in = 0 }, []string{"card: entry 2 and its flow's record differ"}},
		{"an entry held that is not", func(w *world) { entry(w, held).held, entry(w, held).adds = false, 1 }, []string{"card: entry 0 and its flow's record differ"}},
		{"an entry nothing is asked for", func(w *world) { entry(w, asked).adds = 0 }, []string{"card: entry 2 and its flow's record differ"}},
		{"one leaving more", func(w *world) { w.dev.leaving++ }, []string{"card: 1 entries leave, 2 are counted"}},
		{"one leaving less", func(w *world) { w.dev.leaving-- }, []string{"card: 1 entries leave, 0 are counted"}},
		{"a zone's entry more", func(w *world) { *w.dev.zone.at(3)++ }, []string{"card: zone 3 has 3 entries, 4 are counted", "card: zones have -1 entries more than are counted"}},
		{"another zone's entry", func(w *world) { *w.dev.zone.at(4)++ }, []string{"card: zones have -1 entries more than are counted"}},
		{"another zone's entry less", func(w *world) { *w.dev.zone.at(4)-- }, []string{"card: zones have 1 entries more than are counted"}},
		{"one that waits more", func(w *world) { w.dev.waiting++ }, []string{"card: 1 of 1 are queued, 1 of 1 are pending"}},
		{"one queued and on no queue", func(w *world) { w.dev.adds.pop() }, []string{"card: 1 of 0 are queued, 1 of 1 are pending"}},
		{"one pending and on no list", func(w *world) { w.dev.pending.pop() }, []string{"card: 1 of 1 are queued, 1 of 0 are pending"}},
		{"more pending than may be", func(w *world) { w.adm.PendingMax = 0 }, []string{"card: 1 of 1 are queued, 1 of 1 are pending"}},
		{"as many pending as may be", func(w *world) { w.adm.PendingMax = 1 }, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := make(t)
			row.plant(w)
			var got []string
			for _, err := range w.Check() {
				got = append(got, err.Error())
			}
			if !slices.EqualFunc(got, row.want, strings.Contains) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(row.want, "\n"))
			}
		})
	}
}
