package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// plot is what to draw.
type plot struct {
	title, note string
	x, y        axis
	lines       []line
	stacked     bool // lines are layers, one on top of the other
}

// axis says what a coordinate is.
type axis struct {
	name    string
	percent bool // values are shares
	log     bool
	max     float64 // 0: as far as values go
	min     float64 // of a logarithmic axis
}

// line is a named sequence of points.
type line struct {
	name   string
	color  int
	dashed bool
	x, y   []float64
}

// drawing is a plot in the coordinates of its SVG.
type drawing struct {
	Title, Note, X, Y        string
	Width, Height            int
	Left, Right, Top, Bottom float64 // the plot's area
	XTicks, YTicks           []tick
	Paths                    []path
	Keys                     []key
	Table                    table
}

type tick struct {
	At    float64
	Label string
}

type path struct {
	D, Class, Name string
}

type key struct {
	Name, Class string
}

type table struct {
	Head []string
	Rows [][]string
}

const (
	width, height = 560, 250
	marginLeft    = 58
	marginRight   = 14
	marginTop     = 10
	marginBottom  = 40
	colors        = 8
)

// draw lays a plot out.
func (p *plot) draw() drawing {
	d := drawing{
		Title: p.title, Note: p.note, X: p.x.name, Y: p.y.name, Width: width, Height: height,
		Left: marginLeft, Right: width - marginRight, Top: marginTop, Bottom: height - marginBottom,
	}
	lines := p.lines
	if p.stacked {
		lines = stack(p.lines)
	}
	for _, l := range lines {
		for i := range l.x {
			p.x.max = max(p.x.max, l.x[i])
			p.y.max = max(p.y.max, l.y[i])
		}
	}
	xs, ys := p.x.scale(d.Left, d.Right, false), p.y.scale(d.Bottom, d.Top, true)
	d.XTicks, d.YTicks = xs.ticks, ys.ticks
	for i := range lines {
		l := &lines[i]
		class := "c" + strconv.Itoa(l.color%colors)
		key := key{Name: l.name, Class: class}
		var b strings.Builder
		for k := range l.x {
			fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(k, 1)], xs.at(l.x[k]), ys.at(l.y[k]))
		}
		switch {
		case p.stacked:
			// Down again along the layer below, or the axis.
			for k := len(l.x) - 1; k >= 0; k-- {
				below := 0.0
				if i > 0 {
					below = lines[i-1].y[k]
				}
				fmt.Fprintf(&b, "L%.1f %.1f", xs.at(l.x[k]), ys.at(below))
			}
			b.WriteString("Z")
			class += " area"
		case l.dashed:
			class += " dashed"
		}
		key.Class = class
		if b.Len() > 1 {
			d.Paths = append(d.Paths, path{D: b.String(), Class: class, Name: l.name})
		}
		d.Keys = append(d.Keys, key)
	}
	return d
}

// stack adds each line to those before it.
func stack(lines []line) []line {
	out := make([]line, len(lines))
	for i, l := range lines {
		out[i] = l
		out[i].y = make([]float64, len(l.y))
		copy(out[i].y, l.y)
		if i > 0 {
			for k := range l.y {
				out[i].y[k] += out[i-1].y[k]
			}
		}
	}
	return out
}

// scale turns values into coordinates.
type scale struct {
	from, to float64 // coordinates
	lo, hi   float64 // values; logarithms of them if log
	log      bool
	ticks    []tick
}

func (s *scale) at(v float64) float64 {
	if s.log {
		v = math.Log10(max(v, math.Pow(10, s.lo)))
	}
	return s.from + (v-s.lo)/(s.hi-s.lo)*(s.to-s.from)
}

// scale chooses an axis's range and marks. round: it ends at a mark.
func (a *axis) scale(from, to float64, round bool) scale {
	s := scale{from: from, to: to, log: a.log, hi: a.max}
	if a.log {
		s.lo, s.hi = math.Floor(math.Log10(a.min)+1e-9), math.Ceil(math.Log10(a.max)-1e-9)
		for e := s.lo; e <= s.hi; e++ {
			v := math.Pow(10, e)
			s.ticks = append(s.ticks, tick{s.at(v), a.label(v)})
		}
		return s
	}
	if a.percent && round {
		s.hi = 1
	}
	if s.hi <= 0 {
		s.hi = 1
	}
	step := niceStep(s.hi / 5)
	if a.percent {
		step = 0.2
	}
	if round {
		s.hi = math.Ceil(s.hi/step-1e-9) * step
	}
	for i := 0; float64(i)*step <= s.hi*(1+1e-9); i++ {
		s.ticks = append(s.ticks, tick{s.at(float64(i) * step), a.label(float64(i) * step)})
	}
	return s
}

// niceStep is the least of 1, 2 or 5 times a power of ten that is not below x.
func niceStep(x float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*p >= x*(1-1e-9) {
			return m * p
		}
	}
	return 10 * p
}

func (a *axis) label(v float64) string {
	if a.percent {
		return short(v*100) + " %"
	}
	return short(v)
}

// short writes a number in at most four digits, with k, M or G.
func short(v float64) string {
	unit := ""
	switch m := math.Abs(v); {
	case m >= 999.5e6:
		v, unit = v/1e9, "G"
	case m >= 999.5e3:
		v, unit = v/1e6, "M"
	case m >= 9999.5:
		v, unit = v/1e3, "k"
	}
	digits := 3
	if m := math.Abs(v); m >= 1000 {
		digits = 4
	} else if m < 0.0005 {
		v = 0
	}
	s := strconv.FormatFloat(v, 'g', digits, 64)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s + unit
}

func percent(v float64) string { return strconv.FormatFloat(v*100, 'f', 1, 64) + " %" }

// Where labels go, for the template.

func (d drawing) LabelX() float64  { return d.Left - 6 }
func (d drawing) LabelY() float64  { return d.Bottom + 18 }
func (d drawing) TickEnd() float64 { return d.Bottom + 4 }
func (d drawing) Middle() float64  { return (d.Top + d.Bottom) / 2 }
