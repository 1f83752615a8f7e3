// Package report writes what offload did over time as one HTML page that needs
// nothing else: plots are drawn as SVG here, and each has its numbers in a
// table below. Several runs of the same traffic stand side by side.
package report

import (
	_ "embed"
	"html/template"
	"io"
)

// Tier is who carried a packet.
type Tier int

const (
	Device    Tier = iota // finished by a device
	FlowTable             // a hit of the software flow table
	Tracker               // judged by the tracker
	Untracked             // no ct action asked for its connection

	NumTiers = int(Untracked) + 1
)

func (t Tier) String() string { return [NumTiers]string{"device", "flow table", "tracker", "no ct"}[t] }

// Sample is a stretch of a run's time.
type Sample struct {
	At, Length int64 // when it ended, since the run's start, and how long it was; ns

	// What happened in it.
	Packets, Bytes [NumTiers]uint64 // bytes of whole frames
	NewConns       uint64           // connections that the tracker has made
	Insertions     uint64           // flows that a device took
	Refusals       []uint64         // that it did not take, by Run.Reasons

	// How it stood in the end.
	Conns   int // entries of the connection table: expired ones, too, until they are collected
	Flows   int // of them in flow tables
	Held    int // of them in a device
	Limit   int // what devices can hold; 0: nobody knows
	Pending int // flows that wait for room
	Queue   int // insertions and removals that wait for their turn, in software or in the device
}

// Fact is a number with its name.
type Fact struct{ Name, Value string }

// Size is connections of about one size, for the plot of elephants and mice.
type Size struct{ Conns, Packets uint64 }

// Run is one run of the traffic.
type Run struct {
	Name    string   // a policy's, say
	Reasons []string // why insertions did not happen
	Samples []Sample
	Facts   []Fact // for the summary; the same names in all runs
	Sizes   []Size // of its connections, the largest first
}

// Page is a report.
type Page struct {
	Title string
	About []Fact // what was run
	Runs  []Run
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// Write writes the page.
func (p *Page) Write(w io.Writer) error { return pageTemplate.Execute(w, p.view()) }

// Total adds up all samples of a run.
func (r *Run) Total() (s Sample) {
	s.Refusals = make([]uint64, len(r.Reasons))
	for i := range r.Samples {
		o := &r.Samples[i]
		for t := range NumTiers {
			s.Packets[t] += o.Packets[t]
			s.Bytes[t] += o.Bytes[t]
		}
		s.Length += o.Length
		s.NewConns += o.NewConns
		s.Insertions += o.Insertions
		for k, n := range o.Refusals {
			s.Refusals[k] += n
		}
	}
	return s
}

// Share is the part of packets or bytes that a tier carried; 0 of none.
func Share(n [NumTiers]uint64, t Tier) float64 {
	sum := uint64(0)
	for _, v := range n {
		sum += v
	}
	if sum == 0 {
		return 0
	}
	return float64(n[t]) / float64(sum)
}
