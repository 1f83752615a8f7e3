package report

import (
	"fmt"
	"math"
)

// view is the page as its template shows it.
type view struct {
	Title    string
	About    []Fact
	Summary  table
	Sections []section
}

type section struct {
	Title, Text string
	Drawings    []drawing
	Tables      []table
}

func (p *Page) view() view {
	v := view{Title: p.Title, About: p.About, Summary: p.summary()}
	v.Sections = []section{p.shares(), p.tiers(), p.occupancy(), p.churn(), p.refusals(), p.sizes()}
	return v
}

// summary has a column for each run.
func (p *Page) summary() table {
	t := table{Head: []string{""}}
	rows := map[string]int{}
	row := func(name string) int {
		i, ok := rows[name]
		if !ok {
			i = len(t.Rows)
			rows[name] = i
			t.Rows = append(t.Rows, make([]string, 1+len(p.Runs)))
			t.Rows[i][0] = name
		}
		return i
	}
	for k := range p.Runs {
		r := &p.Runs[k]
		t.Head = append(t.Head, r.Name)
		s := r.Total()
		for tier := range NumTiers {
			if tier == int(Untracked) && s.Packets[tier] == 0 {
				continue
			}
			t.Rows[row("packets, "+Tier(tier).String())][k+1] = percent(Share(s.Packets, Tier(tier)))
		}
		t.Rows[row("bytes, device")][k+1] = percent(Share(s.Bytes, Device))
		for _, f := range r.Facts {
			t.Rows[row(f.Name)][k+1] = f.Value
		}
	}
	return t
}

// each makes a line of every run.
func (p *Page) each(y func(*Sample) float64) (lines []line) {
	for k := range p.Runs {
		r := &p.Runs[k]
		lines = append(lines, line{name: r.Name, color: k, x: r.times(), y: r.values(y)})
	}
	return lines
}

func (r *Run) times() (x []float64) {
	for i := range r.Samples {
		x = append(x, float64(r.Samples[i].At)/1e9)
	}
	return x
}

func (r *Run) values(y func(*Sample) float64) (v []float64) {
	for i := range r.Samples {
		v = append(v, y(&r.Samples[i]))
	}
	return v
}

// perSecond is a count in a sample as a rate.
func perSecond(n uint64, s *Sample) float64 {
	if s.Length <= 0 {
		return 0
	}
	return float64(n) * 1e9 / float64(s.Length)
}

var seconds = axis{name: "time, s"}

// tableRows is how many moments a plot's table shows.
const tableRows = 12

// timed draws a plot over time, with its table.
func timed(pl plot) drawing {
	pl.x = seconds
	d := pl.draw()
	d.Table.Head = []string{"time, s"}
	n := 0
	var times []float64
	for _, l := range pl.lines {
		d.Table.Head = append(d.Table.Head, l.name)
		if len(l.x) > n {
			n, times = len(l.x), l.x
		}
	}
	rows := min(n, tableRows)
	for k := range rows {
		i := (k+1)*n/rows - 1
		row := []string{fmt.Sprintf("%.3g", times[i])}
		for _, l := range pl.lines {
			cell := ""
			if i < len(l.y) {
				cell = short(l.y[i])
				if pl.y.percent {
					cell = percent(l.y[i])
				}
			}
			row = append(row, cell)
		}
		d.Table.Rows = append(d.Table.Rows, row)
	}
	return d
}

func (p *Page) shares() section {
	share := axis{name: "share", percent: true, max: 1}
	return section{Title: "Offloaded share", Text: "The part of all packets, and of all bytes, that a device carried from port to port.", Drawings: []drawing{
		timed(plot{title: "Packets carried by the device", y: share, lines: p.each(func(s *Sample) float64 { return Share(s.Packets, Device) })}),
		timed(plot{title: "Bytes carried by the device", y: share, lines: p.each(func(s *Sample) float64 { return Share(s.Bytes, Device) })}),
	}}
}

func (p *Page) tiers() section {
	s := section{Title: "Packets by tier", Text: "Who carried them: the device, software's flow table, or the connection tracker."}
	top := 0.0
	for k := range p.Runs {
		for i := range p.Runs[k].Samples {
			x := &p.Runs[k].Samples[i]
			n := uint64(0)
			for _, k := range x.Packets {
				n += k
			}
			top = max(top, perSecond(n, x))
		}
	}
	for k := range p.Runs {
		r := &p.Runs[k]
		pl := plot{title: r.Name, stacked: true, y: axis{name: "packets/s", max: top}}
		total := r.Total()
		for t := range NumTiers {
			if t == int(Untracked) && total.Packets[t] == 0 {
				continue
			}
			pl.lines = append(pl.lines, line{name: Tier(t).String(), color: t, x: r.times(), y: r.values(func(x *Sample) float64 { return perSecond(x.Packets[t], x) })})
		}
		s.Drawings = append(s.Drawings, timed(pl))
	}
	return s
}

func (p *Page) occupancy() section {
	held := plot{title: "Flows in the device", y: axis{name: "flows"}, lines: p.each(func(s *Sample) float64 { return float64(s.Held) })}
	limits := map[int]bool{}
	for k := range p.Runs {
		r := &p.Runs[k]
		if n := len(r.Samples); n > 0 && r.Samples[n-1].Limit > 0 && !limits[r.Samples[n-1].Limit] {
			limits[r.Samples[n-1].Limit] = true
			held.lines = append(held.lines, line{name: "room", color: colors - 1, dashed: true, x: r.times(), y: r.values(func(s *Sample) float64 { return float64(s.Limit) })})
		}
	}
	return section{Title: "Occupancy", Text: "Established connections in flow tables, those of them that a device holds, and those that wait for room or for their turn.", Drawings: []drawing{
		timed(held),
		timed(plot{title: "Flows in flow tables", y: axis{name: "flows"}, lines: p.each(func(s *Sample) float64 { return float64(s.Flows) })}),
		timed(plot{title: "Pending: waiting for room", y: axis{name: "flows"}, lines: p.each(func(s *Sample) float64 { return float64(s.Pending) })}),
		timed(plot{title: "Queue: waiting for their turn", y: axis{name: "requests"}, lines: p.each(func(s *Sample) float64 { return float64(s.Queue) })}),
	}}
}

func (p *Page) churn() section {
	return section{Title: "Coming and going", Text: "New connections, the connection table with what has expired and is not collected yet, what the device took in, and what was not taken.", Drawings: []drawing{
		timed(plot{title: "New connections", y: axis{name: "connections/s"}, lines: p.each(func(s *Sample) float64 { return perSecond(s.NewConns, s) })}),
		timed(plot{title: "Entries of the connection table", y: axis{name: "entries"}, lines: p.each(func(s *Sample) float64 { return float64(s.Conns) })}),
		timed(plot{title: "Insertions into the device", y: axis{name: "flows/s"}, lines: p.each(func(s *Sample) float64 { return perSecond(s.Insertions, s) })}),
		timed(plot{title: "Insertions refused", y: axis{name: "flows/s"}, lines: p.each(func(s *Sample) float64 {
			n := uint64(0)
			for _, k := range s.Refusals {
				n += k
			}
			return perSecond(n, s)
		})}),
	}}
}

// refusals is a table of reasons; those that never occurred are left out.
func (p *Page) refusals() section {
	t := table{Head: []string{"reason"}}
	counts := map[string][]uint64{}
	var names []string
	for k := range p.Runs {
		r := &p.Runs[k]
		t.Head = append(t.Head, r.Name)
		for i, n := range r.Total().Refusals {
			name := r.Reasons[i]
			if n == 0 {
				continue
			}
			if counts[name] == nil {
				counts[name] = make([]uint64, len(p.Runs))
				names = append(names, name)
			}
			counts[name][k] += n
		}
	}
	for _, name := range names {
		row := []string{name}
		for _, n := range counts[name] {
			row = append(row, fmt.Sprint(n))
		}
		t.Rows = append(t.Rows, row)
	}
	s := section{Title: "Why flows were not in the device", Text: "Attempts that came to nothing, by reason. One connection may have made many."}
	if len(names) == 0 {
		s.Text = "No attempt to put a flow into the device was refused; some may have been under way in the end, or taken back first."
		return s
	}
	s.Tables = []table{t}
	return s
}

// sizes is the plot of elephants and mice. Runs of the same traffic have the
// same sizes; only what differs is drawn.
func (p *Page) sizes() section {
	s := section{Title: "Elephants and mice", Text: "Connections in the order of their size, the largest first: which part of all packets the largest ones have."}
	pl := plot{title: "Share of packets by rank of connection", x: axis{name: "largest connections, part of all", log: true, percent: true, max: 1, min: 1}, y: axis{name: "share of packets", percent: true, max: 1}}
	t := table{Head: []string{"the largest"}}
	var rows [len(ranks)][]string
	for k := range p.Runs {
		r := &p.Runs[k]
		if len(r.Sizes) == 0 || k > 0 && equal(r.Sizes, p.Runs[0].Sizes) {
			continue
		}
		l := rankCurve(r.Sizes)
		l.name, l.color = r.Name, k
		pl.x.min = min(pl.x.min, max(l.x[0], 1e-6))
		pl.lines = append(pl.lines, l)
		t.Head = append(t.Head, r.Name)
		for i, rank := range ranks {
			rows[i] = append(rows[i], percent(l.atRank(rank)))
		}
	}
	if len(pl.lines) == 0 {
		s.Text = "There were no connections."
		return s
	}
	if len(pl.lines) == 1 && len(p.Runs) > 1 {
		pl.lines[0].name, t.Head[1] = "all runs", "share of packets"
	}
	pl.x.min = min(pl.x.min, 0.1)
	for i, rank := range ranks {
		t.Rows = append(t.Rows, append([]string{short(rank*100) + " %"}, rows[i]...))
	}
	d := pl.draw()
	d.Table = t
	s.Drawings = []drawing{d}
	return s
}

var ranks = [...]float64{0.0001, 0.001, 0.01, 0.1, 0.2, 0.5, 1}

// rankCurve is the share of packets that the largest x of all connections have.
func rankCurve(sizes []Size) (l line) {
	conns, packets := 0.0, 0.0
	for _, s := range sizes {
		conns += float64(s.Conns)
		packets += float64(s.Packets)
	}
	c, n := 0.0, 0.0
	for _, s := range sizes {
		c += float64(s.Conns)
		n += float64(s.Packets)
		l.x, l.y = append(l.x, c/conns), append(l.y, n/max(packets, 1))
	}
	return l
}

// atRank reads a curve, straight between its points and from nothing at 0.
func (l *line) atRank(x float64) float64 {
	x0, y0 := 0.0, 0.0
	for i := range l.x {
		if x <= l.x[i] || i == len(l.x)-1 {
			return y0 + (l.y[i]-y0)*math.Min((x-x0)/(l.x[i]-x0), 1)
		}
		x0, y0 = l.x[i], l.y[i]
	}
	return 0
}

func equal(a, b []Size) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
