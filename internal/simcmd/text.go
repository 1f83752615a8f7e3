package simcmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/internal/report"
)

// WriteJSON writes the result as JSON.
func (r *Result) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

// WriteText writes the result as tables.
func (r *Result) WriteText(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, word := range r.Workload {
		head := "workload"
		if i > 0 {
			head = ""
		}
		fmt.Fprintf(b, "%-9s %s\n", head, word)
	}
	fmt.Fprintf(b, "%-9s %s\n", "device", r.Card)
	first := r.Runs[0]
	fmt.Fprintf(b, "%-9s %s of %s, %d packets of %d connections\n\n", "ran", secondsText(first.Seconds), secondsText(r.Seconds), first.Packets, first.Connections)

	fmt.Fprintf(b, "Packets by who carried them, from second %s on:\n", strings.TrimSuffix(secondsText(r.SteadyFrom), " s"))
	rows := [][]string{{"policy", "device", "flow table", "tracker", "insertions/s", "would forward"}}
	for _, n := range r.Runs {
		rows = append(rows, []string{r.name(n), n.Steady.share(n.Steady.Device), n.Steady.share(n.Steady.FlowTable), n.Steady.share(n.Steady.Tracker), number(n.InsertionRate), n.Forward.String()})
	}
	grid(b, rows)
	fmt.Fprintln(b, "From the beginning:")
	rows = [][]string{{"policy", "device", "held at most", "pending", "queue", "insertions", "evictions", "not inserted"}}
	for _, n := range r.Runs {
		refused := uint64(0)
		for _, c := range n.Refusals {
			refused += c.Count
		}
		rows = append(rows, []string{r.name(n), n.Whole.share(n.Whole.Device), fmt.Sprint(n.HeldMost), fmt.Sprint(n.PendingMost), fmt.Sprint(n.QueueMost), fmt.Sprint(n.Insertions), fmt.Sprint(n.Evictions), fmt.Sprint(refused)})
	}
	grid(b, rows)
	r.named(b, "attempts that came to nothing", func(n *Run) []Named { return n.Refusals })
	r.named(b, "rules not in the device", func(n *Run) []Named { return n.NotInDevice })
	r.named(b, "packets dropped", func(n *Run) []Named { return n.Dropped })

	fmt.Fprintf(b, "Would forward is a model: a device that passes %s, and software that carries\n%s from the flow table or %s from the tracker.\n",
		pps(r.Costs.Device), pps(r.Costs.FlowTable), pps(r.Costs.Tracker))
	switch {
	case r.Found != "":
		n := r.Runs[len(r.Runs)-1]
		fmt.Fprintf(b, "\nfound: %s keeps %s of packets in the device (wanted: %s)\n", r.Found, percent(n.Steady.DeviceShare), percent(r.Target))
	case r.Target > 0 && r.Incomplete == "":
		fmt.Fprintf(b, "\nnot found: no policy keeps %s of packets in the device\n", percent(r.Target))
	}
	if r.Incomplete != "" {
		fmt.Fprintf(b, "\nincomplete: %s\n", r.Incomplete)
	}
	return b.Flush()
}

// name is a run's in tables: the policy, and the scale if runs differ in it.
func (r *Result) name(n *Run) string {
	if n.Scale == r.Scale {
		return n.Policy
	}
	return n.Policy + " (scale " + strconv.FormatFloat(n.Scale, 'g', 3, 64) + ")"
}

// named writes counts by name, a column for each run; nothing if there are
// none.
func (r *Result) named(b io.Writer, head string, of func(*Run) []Named) {
	rows := [][]string{{head}}
	at := map[string]int{}
	for k, n := range r.Runs {
		rows[0] = append(rows[0], r.name(n))
		for _, c := range of(n) {
			i, ok := at[c.Name]
			if !ok {
				i = len(rows)
				at[c.Name] = i
				row := make([]string, 1+len(r.Runs))
				row[0] = c.Name
				for j := range r.Runs {
					row[j+1] = "-"
				}
				rows = append(rows, row)
			}
			rows[i][k+1] = fmt.Sprint(c.Count)
		}
	}
	if len(rows) > 1 {
		grid(b, rows)
	}
}

// grid writes rows in columns, the first to the left and the others to the
// right, and an empty line.
func grid(b io.Writer, rows [][]string) {
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			wide[i] = max(wide[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		for i, cell := range row {
			pad := strings.Repeat(" ", wide[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				fmt.Fprint(b, cell, pad)
			} else {
				fmt.Fprint(b, "  ", pad, cell)
			}
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b)
}

func (t *Tiers) share(c Count) string {
	sum := t.Device.Packets + t.FlowTable.Packets + t.Tracker.Packets + t.Untracked.Packets
	if sum == 0 {
		return "-"
	}
	return percent(float64(c.Packets) / float64(sum))
}

func percent(v float64) string { return strconv.FormatFloat(v*100, 'f', 1, 64) + " %" }

func secondsText(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) + " s" }

// number writes a rate in three digits.
func number(v float64) string {
	for _, u := range []struct {
		word string
		of   float64
	}{{" M", 1e6}, {" k", 1e3}} {
		if v >= 0.9995*u.of {
			return strconv.FormatFloat(v/u.of, 'g', 3, 64) + u.word
		}
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

func pps(v float64) string { return strings.Replace(number(v)+" packets/s", "  ", " ", 1) }

func (f Forward) String() string {
	if f.Bound == "" {
		return "-"
	}
	return pps(f.PacketsPerSecond) + " (" + f.Bound + ")"
}

// facts are what the page's summary says beside the shares.
func (n *Run) facts() []report.Fact {
	refused := uint64(0)
	for _, c := range n.Refusals {
		refused += c.Count
	}
	return []report.Fact{
		{Name: "packets, device, steady", Value: n.Steady.share(n.Steady.Device)},
		{Name: "would forward", Value: n.Forward.String()},
		{Name: "packets", Value: fmt.Sprint(n.Packets)},
		{Name: "connections", Value: fmt.Sprint(n.Connections)},
		{Name: "flows held at most", Value: fmt.Sprint(n.HeldMost)},
		{Name: "insertions", Value: fmt.Sprint(n.Insertions)},
		{Name: "insertions/s, steady", Value: number(n.InsertionRate)},
		{Name: "evictions", Value: fmt.Sprint(n.Evictions)},
		{Name: "not inserted", Value: fmt.Sprint(refused)},
	}
}

// Page is the result as a page of plots.
func (r *Result) Page() *report.Page {
	p := &report.Page{Title: "Offload, simulated"}
	for i, w := range r.Workload {
		name := "workload"
		if i > 0 {
			name = ""
		}
		p.About = append(p.About, report.Fact{Name: name, Value: w})
	}
	p.About = append(p.About,
		report.Fact{Name: "device", Value: r.Card},
		report.Fact{Name: "steady", Value: "from second " + strings.TrimSuffix(secondsText(r.SteadyFrom), " s") + " on"},
		report.Fact{Name: "costs", Value: "device " + pps(r.Costs.Device) + ", flow table " + pps(r.Costs.FlowTable) + ", tracker " + pps(r.Costs.Tracker)})
	if r.Found != "" {
		p.About = append(p.About, report.Fact{Name: "found", Value: r.Found})
	}
	if r.Incomplete != "" {
		p.About = append(p.About, report.Fact{Name: "incomplete", Value: r.Incomplete})
	}
	for _, n := range r.Runs {
		page := n.page
		page.Name = r.name(n)
		if n.Scale != r.Scale {
			page.Samples = enlarged(page.Samples, r.Scale/n.Scale)
		}
		p.Runs = append(p.Runs, page)
	}
	if slices.ContainsFunc(r.Runs, func(n *Run) bool { return n.Scale != r.Scale }) {
		p.About = append(p.About, report.Fact{Name: "scale", Value: "plots of smaller runs are drawn at the scale of the others"})
	}
	return p
}

// enlarged are samples of a smaller run as they would be at another's scale.
func enlarged(samples []report.Sample, f float64) []report.Sample {
	out := slices.Clone(samples)
	for i := range out {
		s := &out[i]
		s.Refusals = slices.Clone(s.Refusals)
		for _, n := range [][]uint64{s.Packets[:], s.Bytes[:], s.Refusals} {
			for k := range n {
				n[k] = uint64(math.Round(float64(n[k]) * f))
			}
		}
		s.NewConns, s.Insertions = uint64(math.Round(float64(s.NewConns)*f)), uint64(math.Round(float64(s.Insertions)*f))
		for _, n := range []*int{&s.Conns, &s.Flows, &s.Held, &s.Limit, &s.Pending, &s.Queue} {
			*n = int(math.Round(float64(*n) * f))
		}
	}
	return out
}
