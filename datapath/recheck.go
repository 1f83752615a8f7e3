package datapath

import (
	"encoding/binary"
	"fmt"
	"strings"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
	"sluice/policy"
)

// A connection that is established when a policy changes is judged by the new
// one from its next packet on: ways and device rules are of a generation. What
// a change would do to it can be told beforehand: a Prospect judges a made-up
// packet of it, as a device would, without counting or changing anything.

// Ending is what becomes of an established connection's packets.
type Ending struct {
	// Decided: nothing but the connection matters. Otherwise the policy asks
	// for more than a Prospect can know: chance, rates, a commit, or what each
	// packet says anew (see varies).
	Decided bool
	Verdict packet.Verdict
	Reason  uint8
	Out     string // where frames go: devices, "stack:" before those whose stack gets it
}

func (e Ending) String() string {
	switch {
	case !e.Decided:
		return "not known"
	case e.Verdict == packet.Drop:
		return "drop (" + ReasonName(e.Reason) + ")"
	}
	return e.Out
}

// Prospect is a policy in which packets can be imagined.
type Prospect struct {
	e     *Engine
	plain *Pipeline // for packets that came in by a port
	inner *Pipeline // for those that came out of a tunnel; nil without tunnels
	v     packet.Vector
	buf   [128]byte
	flow  offload.Entry
	nat   offload.Rewrite
	dir   int
}

// Prospect compiles the policy as it is now. Changes to p that follow do not
// change the Prospect.
func (e *Engine) Prospect(p *policy.Policy, now int64) (*Prospect, error) {
	pr := &Prospect{e: e}
	var err error
	if pr.plain, err = pr.pipeline(p, now, false); err == nil && len(pr.plain.e.prog.tunnels) > 0 {
		pr.inner, err = pr.pipeline(p, now, true)
	}
	if err != nil {
		return nil, fmt.Errorf("imagine policy: %w", err)
	}
	return pr, nil
}

// pipeline compiles the policy for packets of which no more is known than their
// connection. Filters are tried without what it does not tell, and the first
// that may match stops a packet if it asks for that.
func (pr *Prospect) pipeline(p *policy.Policy, now int64, tunnelled bool) (*Pipeline, error) {
	pl := NewPipeline(pr.e.tr, pr, false)
	d := pl.e.device
	d.anyTunnel, d.blur = tunnelled, varies
	if tunnelled {
		d.blur = d.blur.or(&variesOutside).or(&tunnelKeys)
	}
	asks := asksPacket(p, &d.blur)
	return pl, pl.Load(now, p, func(f *policy.Filter) bool { return !f.SkipSW && !asks[f] })
}

// Find implements DeviceFlows: it knows the imagined connection, in its zone.
func (pr *Prospect) Find(now int64, zone uint16, _ []byte, h *packet.Headers) (*offload.Entry, *offload.Rewrite, int) {
	if zone != pr.flow.Zone || h.Tuple != pr.flow.Tuple[pr.dir] {
		return nil, nil, 0
	}
	if pr.nat.What == 0 {
		return &pr.flow, nil, pr.dir
	}
	return &pr.flow, &pr.nat, pr.dir
}

// Carried implements DeviceFlows: nothing counts.
func (pr *Prospect) Carried(int64, *offload.Entry, int, uint64) {}

// Judge imagines a packet of a connection that comes in on the device where
// packets of its direction have come in before.
func (pr *Prospect) Judge(now int64, ref packet.ConnRef, dir int) Ending {
	tr := pr.e.tr
	c := tr.Conn(ref)
	dev := pr.e.cameIn(ref, dir)
	if c == nil || dev < 0 {
		return Ending{}
	}
	pl := pr.plain
	if devs := pl.e.prog.devs; int(dev) < len(devs) && devs[dev].tunnel >= 0 {
		pl = pr.inner
	}
	pr.dir = dir
	pr.flow = offload.Entry{
		Conn: ref, Tuple: [2]packet.Tuple{c.Orig, tr.Reply(ref)}, Zone: c.Zone, Both: true, Mark: c.Mark, Label: c.Label,
		Fresh: c.Status&conntrack.StatusSeenReply == 0,
	}
	to := conntrack.Inverse(&pr.flow.Tuple[1-dir])
	pr.nat = offload.RewriteTo(&pr.flow.Tuple[dir], &to)
	frame := imagine(pr.buf[:0], &pr.flow.Tuple[dir])
	if frame == nil {
		return Ending{}
	}
	v := &pr.v
	v.Reset()
	v.Arena.Reset()
	v.Now = now
	v.Add(frame, dev)
	if !pl.process(v, 0) {
		if r := v.M[0].Resume; !r.End {
			return Ending{}
		}
		return Ending{Decided: true, Verdict: packet.Pass, Out: "stack:" + pl.e.DeviceName(dev)}
	}
	end := Ending{Decided: true, Verdict: v.Verdict[0], Reason: v.Reason[0]}
	var out []string
	for i := range v.Tx {
		name := pl.e.DeviceName(v.Tx[i].Dev)
		if v.Tx[i].Mirror {
			name += " (copy)"
		}
		out = append(out, name)
	}
	end.Out = strings.Join(out, ", ")
	return end
}

// imagine builds a packet of a tuple; nil for protocols that the flow table
// does not take.
func imagine(b []byte, t *packet.Tuple) []byte {
	l4 := 20
	if t.Proto == packet.ProtoUDP {
		l4 = 8
	} else if t.Proto != packet.ProtoTCP {
		return nil
	}
	be := binary.BigEndian
	b = append(b, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1)
	if t.Family == packet.IPv4 {
		b = be.AppendUint16(b, packet.EtherIPv4)
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(20+l4))
		b = append(b, 0, 0, 0x40, 0, 64, t.Proto, 0, 0)
		b = append(append(b, t.Src[:4]...), t.Dst[:4]...)
		be.PutUint16(b[24:], ^packet.Fold(packet.Sum(0, b[14:34])))
	} else {
		b = be.AppendUint16(b, packet.EtherIPv6)
		b = append(b, 0x60, 0, 0, 0)
		b = be.AppendUint16(b, uint16(l4))
		b = append(b, t.Proto, 64)
		b = append(append(b, t.Src[:]...), t.Dst[:]...)
	}
	b = be.AppendUint16(be.AppendUint16(b, t.SPort), t.DPort)
	if t.Proto == packet.ProtoUDP {
		return append(b, 0, 8, 0, 0)
	}
	return append(b, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0)
}

// Cut is an established connection that a change of policy treats otherwise.
type Cut struct {
	Conn          packet.ConnRef
	Dir           int // of the packets
	Before, After Ending
}

// Ends reports whether packets that were not dropped, as far as is known, are now.
func (c *Cut) Ends() bool {
	return c.After.Decided && c.After.Verdict == packet.Drop && (!c.Before.Decided || c.Before.Verdict != packet.Drop)
}

// Compare lists what a change of policy means for the connections that the
// flow table holds: those whose packets go another way. unknown counts
// those that a Prospect cannot tell of.
func (e *Engine) Compare(now int64, before, after *Prospect) (cuts []Cut, unknown int) {
	for ref, c := range e.tr.All(now) {
		if c.Status&conntrack.StatusOffload == 0 {
			continue
		}
		known := true
		for dir := range 2 {
			if e.cameIn(ref, dir) < 0 {
				continue // nothing has come this way yet
			}
			b, a := before.Judge(now, ref, dir), after.Judge(now, ref, dir)
			if known = known && b.Decided && a.Decided; a != b {
				cuts = append(cuts, Cut{ref, dir, b, a})
			}
		}
		if !known {
			unknown++
		}
	}
	return cuts, unknown
}
