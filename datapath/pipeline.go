package datapath

import (
	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// DeviceFlows are the connections that a device holds.
type DeviceFlows interface {
	// Find gives the flow that may carry a packet now, what it was told to
	// rewrite (nil: nothing), and the packet's direction; without a flow it is
	// software's. The frame, h.Tuple and h.Hash are the packet's as it is now,
	// in the zone asked for.
	Find(now int64, zone uint16, frame []byte, h *packet.Headers) (f *offload.Entry, nat *offload.Rewrite, dir int)
	// Carried counts a packet that Find's flow has carried, with its bytes from
	// the network header on. It may be called when Find has been asked for
	// other packets since.
	Carried(now int64, f *offload.Entry, dir int, bytes uint64)
}

// Pipeline carries packets as far as a device can, with the datapath's own
// interpreter: the rules that the device holds in place of the policy, its
// flows in place of the tracker. What it finishes is therefore finished as
// software would have; what it cannot, it gives back (offload's doc says how).
type Pipeline struct {
	e         *Engine
	fromStart bool
	n         PipelineStats
	failed    bool // the policy could not be loaded: nothing is carried
}

// PipelineStats count packets that came to a device.
type PipelineStats struct {
	Packets, Bytes uint64 // finished; bytes of whole frames
	Start, Middle  uint64 // given back from the start, and in the middle
	Miss           [numMisses]uint64
}

// Misses are why a device stopped with a packet.
const (
	missEnd    = iota // no filter of the chain matched, or none ended it: the stack's
	missRule          // a filter that the device does not hold might match
	missAction        // an action that devices do not do
	missPacket        // ct does not carry such packets (fragments, options, TTL, protocols)
	missFlow          // the device does not hold the flow
	missCommit        // ct commit would change the connection

	numMisses
)

// MissNames name PipelineStats.Miss.
var MissNames = [numMisses]string{
	"end of the chain", "rule not in the device", "action not in the device", "packet for the tracker", "flow not in the device", "ct commit",
}

// deviceMode is what an engine needs to be a device's.
type deviceMode struct {
	flows DeviceFlows
	held  []bool // filters of the program
	blind bool   // it cannot check checksums

	// For imagined packets (see Prospect): the parts of a key that are not known,
	// and whether the tunnel is not.
	blur      key
	anyTunnel bool

	deviceLife
	journal []savedCounter
	carried []carriedFlow
}

// deviceLife is what a device knows of the packet under way, beside life.
// process clears it whole.
type deviceLife struct {
	from  int32 // where the packet's way began, as in life
	why   int
	at    packet.Resume
	chain uint32
	done  int  // actions that have begun
	again bool // the ct action under way is the zone's second

	// The connection.
	mark  uint32
	label [16]byte
}

// savedCounter is a counter as it was before a packet.
type savedCounter struct {
	slot uint32
	was  counter
}

type carriedFlow struct {
	f     *offload.Entry
	nat   *offload.Rewrite // what the ct action does with it; nil: nothing
	dir   int
	bytes uint64
}

func (d *deviceMode) holds(filter int32) bool { return d.held[filter] }

// NewPipeline returns a pipeline without rules. The tracker lends its keyed
// hash and nothing else, and does not refer to the pipeline. fromStart: what is not finished is given back as
// it was received.
func NewPipeline(tr *conntrack.Tracker, flows DeviceFlows, fromStart bool) *Pipeline {
	e := newEngine(Config{Tracker: tr, ClassifyAll: true}, flowtable.Unwatched(tr))
	e.device = &deviceMode{flows: flows}
	return &Pipeline{e: e, fromStart: fromStart}
}

// SkipChecksums is for a device that cannot check checksums. It must not hold
// flows of one direction: of these the tracker checks every packet, and nothing
// here does.
func (pl *Pipeline) SkipChecksums() { pl.e.device.blind = true }

// Load compiles the policy anew. holds says which filters the device holds.
func (pl *Pipeline) Load(now int64, p *policy.Policy, holds func(*policy.Filter) bool) error {
	pl.failed = true
	if err := pl.e.Load(p, now); err != nil {
		return err
	}
	pl.failed = false
	pl.Hold(holds)
	return nil
}

// Hold says anew which filters of the policy the device holds.
func (pl *Pipeline) Hold(holds func(*policy.Filter) bool) {
	d := pl.e.device
	d.held = d.held[:0]
	for i := range pl.e.prog.filters {
		d.held = append(d.held, holds(pl.e.prog.filters[i].filter))
	}
}

// ActionStats is what the device has counted for an action instance.
func (pl *Pipeline) ActionStats(a *policy.Action) policy.Stats { return pl.e.counters.stats(a) }

// Stats counts packets.
func (pl *Pipeline) Stats() PipelineStats { return pl.n }

// process takes packet i as far as it can. It reports whether the packet is
// finished; if not, it is as received, or v.M[i].Resume says where it stopped.
func (pl *Pipeline) process(v *packet.Vector, i int) bool {
	e, d := pl.e, pl.e.device
	frame, meta, tx, mark := v.Frame[i], v.M[i], len(v.Tx), v.Arena.Mark()
	size := uint64(len(frame))
	e.v, e.hits, e.copies = v, e.hits[:0], e.copies[:0]
	e.first[i], e.firstCopy[i] = 0, 0
	d.journal, d.carried = d.journal[:0], d.carried[:0]
	d.deviceLife = deviceLife{from: meta.Dev, why: missRule}
	verdict, reason, out := packet.Drop, ReasonNone, outStop
	if !pl.failed {
		if verdict, reason, out = pl.run(v, i); out != outStop {
			d.why = missEnd
		}
	}
	switch {
	case out == outDrop || out == outGone:
		v.Verdict[i], v.Reason[i] = verdict, reason
		pl.n.Packets++
		pl.n.Bytes += size
	case pl.fromStart || d.done == 0:
		for k := len(d.journal) - 1; k >= 0; k-- {
			e.counters.slots[d.journal[k].slot] = d.journal[k].was
		}
		d.carried = d.carried[:0]
		e.hits, e.copies = e.hits[:0], e.copies[:0]
		v.Frame[i], v.M[i], v.Tx = frame, meta, v.Tx[:tx]
		v.Arena.Return(mark)
		pl.n.Start++
		pl.n.Miss[d.why]++
		return false
	default:
		p := &e.stack[0]
		if out != outStop {
			if d.at, d.chain = (packet.Resume{On: true, End: true}), 0; out == outMiss {
				d.chain = p.missed
			}
		}
		p.halt(v)
		pl.n.Middle++
		pl.n.Miss[d.why]++
	}
	for _, c := range d.carried {
		d.flows.Carried(v.Now, c.f, c.dir, c.bytes)
	}
	return out != outStop && !v.M[i].Resume.On
}

// run is judge, for a device: only the ingress block of where the packet came
// in, and nothing that happens behind it.
func (pl *Pipeline) run(v *packet.Vector, i int) (packet.Verdict, uint8, outcome) {
	e := pl.e
	h := &v.H[i]
	if len(e.prog.tunnels) > 0 {
		e.device.from = e.unwrapEarly(v, i)
	}
	packet.Parse(v.Frame[i], h)
	if h.Tuple.Family != packet.FamilyNone {
		h.Hash = e.tr.Hash(&h.Tuple)
	}
	p := e.start(v, i, e.device.from)
	p.lent = true // software may need the frame as it was received
	if uint(p.dev) >= uint(len(e.prog.devs)) || p.tagCut() {
		return 0, 0, outStop
	}
	n := e.prog.devs[p.dev].block[policy.Ingress]
	if n < 0 {
		return 0, 0, outMiss
	}
	p.begin()
	b := &e.prog.blocks[n]
	out := p.run(b, b.zero)
	if out != outDrop && out != outGone {
		return 0, 0, out
	}
	p.dropCT()
	verdict, reason := packet.Drop, p.reason
	if out == outGone {
		verdict = p.fate
	}
	v.Frame[i] = p.wire()
	if p.h != h {
		*h = *p.h
	}
	p.m.CT = packet.CT{}
	return verdict, reason, out
}

// stop notes where a device gives up.
func (p *pkt) stop(why int, at walk, ch *chain) outcome {
	d := p.e.device
	d.why, d.chain = why, ch.index
	d.at = packet.Resume{On: true, Filter: at.filter, Action: int16(at.action), Loops: uint8(at.loops)}
	if at.filter < 0 {
		// In front of a filter: what was tried before it need not be again.
		d.at.Filter, d.at.Action = at.action, -1
		if at.action < ch.begin {
			d.at.Filter = -1
		}
	}
	return outStop
}

// halt leaves the packet for software as it is.
func (p *pkt) halt(v *packet.Vector) {
	d, i := p.e.device, p.i
	r := d.at
	r.Dev, r.Size, r.Copies = p.dev, p.size, uint8(p.e.ncopies)
	r.Tag, r.Type, r.Strip = p.tag, p.typ, uint16(p.strip)
	r.Lent = p.lent
	v.Frame[i] = p.frame
	if p.h != &v.H[i] {
		v.H[i] = *p.h
	}
	p.m.Tunnel = p.tun
	p.m.Chain, p.m.Resume = d.chain, r
}

// goOn puts a packet back where a device has stopped with it.
func (p *pkt) goOn() {
	r := &p.m.Resume
	p.dev, p.iif, p.size = r.Dev, r.Dev, r.Size
	p.tag, p.typ, p.strip, p.lent = r.Tag, r.Type, int(r.Strip), r.Lent
	p.refresh()
}

// runOn classifies the rest of a resumed packet's way.
func (p *pkt) runOn(b *block, c int32) outcome {
	r := p.m.Resume
	if r.End {
		p.missed = p.m.Chain
		return outMiss
	}
	p.m.Chain = 0
	return p.walk(b, b.zero, walk{chain: c, loops: int(r.Loops), filter: r.Filter, action: int32(r.Action)})
}
