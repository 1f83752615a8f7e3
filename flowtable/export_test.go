package flowtable

import (
	"fmt"
	"strings"

	"sluice/packet"
)

// seconds prints a time of the packets' clock.
func seconds(ns int64) string {
	if ns == 0 {
		return "0"
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%d.%09d", ns/second, ns%second), "0"), ".")
}

// Record tells what the set remembers of a connection beside the connection.
func (s *Set) Record(ref packet.ConnRef) string {
	x := s.known(ref)
	if x == nil {
		return "no record"
	}
	return fmt.Sprintf("queued %b; pending %b; in %b; held %b; refused %b; sort %d; home %v; calm %d; seen %d; rate %.4g; next %s; since %s; last %s; why %d",
		x.queued, x.pending, x.in, x.held, x.refused, x.sort, x.home, x.calm, x.seen, x.rate, seconds(x.next), seconds(x.since), seconds(x.last), x.why)
}

// Inner tells what the set remembers of its devices and their entries, by the
// device's name; name gives a connection's.
func (s *Set) Inner(name func(packet.ConnRef) string) map[string][]string {
	out := map[string][]string{}
	for d := range s.each(0xff) {
		list := func(q *queue) string {
			var b strings.Builder
			for i := range q.len() {
				fmt.Fprintf(&b, "%s ", name(q.at(i)))
			}
			return b.String()
		}
		lines := []string{
			fmt.Sprintf("full %s; learnt %d; closed %v; evictAt %s; leaving %d; waiting %d; patrolAt %d; patrols %s", seconds(d.full), d.learnt, d.closed, seconds(d.evictAt), d.leaving, d.waiting, d.patrolAt, seconds(d.patrols)),
			fmt.Sprintf("adds [%s]; removes [%s]; reads [%s]; pending [%s]", list(&d.adds), list(&d.removes), list(&d.reads), list(&d.pending)),
		}
		for i := range d.entries.n {
			e := d.entries.all.at(i)
			lines = append(lines, fmt.Sprintf("entry %s; packets %d; bytes %d; used %s; at %s; asked %s; rate %.4g; mark %s; zone %d; open %d %d %d; held %v; gone %v; again %v", name(e.ref),
				e.base.Packets, e.base.Bytes, seconds(e.base.Used), seconds(e.base.At), seconds(e.asked), e.rate, seconds(e.mark), e.zone, e.adds, e.removes, e.reads, e.held, e.gone, e.again))
		}
		out[d.stats.Name] = lines
	}
	return out
}

// Tables tells what each table remembers of its maintenance.
func (s *Set) Tables() (out []string) {
	for _, t := range s.all {
		out = append(out, fmt.Sprintf("zone %d; flows %d; refs %d; devices %b; replay %d; stale %d; swept %s; sweep %s; cursor %d; due %d; dyingAt %s; sampled %s; credit %d; sample %d; pass %d; k %d", t.zone, t.flows.len(),
			t.refs, t.devs, t.replay, len(t.stale), seconds(t.swept), seconds(t.sweep), t.cursor, t.due, seconds(t.dyingAt), seconds(t.sampled), t.credit, t.sample, t.pass, t.k))
	}
	return out
}
