package replay

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"sluice/observe"
	"sluice/packet"
)

// WriteText writes the report for people, with the first conns connections;
// negative: all.
func (r *Report) WriteText(w io.Writer, conns int) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "policy   %s: %s on %s\n", r.PolicyFile, count(len(r.Filters), "filter"), r.deviceNames())
	for _, in := range r.Inputs {
		fmt.Fprintf(b, "capture  %s: %s, %d bytes", in.File, count(int(in.Packets), "packet"), in.Bytes)
		if in.Device != "" {
			fmt.Fprintf(b, ", on %s unless split", in.Device)
		}
		if in.Backwards > 0 {
			fmt.Fprintf(b, ", time went backwards %s", count(int(in.Backwards), "time"))
		}
		if in.Late > 0 {
			fmt.Fprintf(b, ", %s judged late, by %d.%09d s at most", count(int(in.Late), "packet"), in.MostLate/1e9, in.MostLate%1e9)
		}
		if in.Cut > 0 {
			fmt.Fprintf(b, ", %d cut by the snap length", in.Cut)
		}
		b.WriteByte('\n')
	}
	if r.Incomplete != "" {
		fmt.Fprintf(b, "INCOMPLETE: %s\n", r.Incomplete)
	}
	if span := r.LastTime - r.FirstTime; r.First != "" {
		fmt.Fprintf(b, "time     %d.%06d s from the first packet, at %s, to the last\n", span/1e9, span%1e9/1e3, r.First)
	}
	v := &r.verdicts
	fmt.Fprintf(b, "frames   %d in = %d fwd + %d pass + %d drop + %d stolen\n", r.Packets,
		v[packet.Forward].Packets, v[packet.Pass].Packets, v[packet.Drop].Packets, v[packet.Stolen].Packets)
	if c := r.Copies; c.Made > 0 {
		fmt.Fprintf(b, "copies   %d made = %d out + %d to stack + %d dropped\n", c.Made, c.Out, c.Up, c.Dropped)
	}
	b.WriteByte('\n')

	r.devicesTable(b)
	namedTable(b, "verdict", r.Verdicts)
	if r.Samples > 0 {
		fmt.Fprintf(b, "%s copied by sample actions\n\n", count(int(r.Samples), "packet"))
	}
	namedTable(b, "ct state", r.States)
	namedTable(b, "dropped because", r.Drops)
	namedTable(b, "stolen because", r.Stolen)
	namedTable(b, "copy dropped because", r.CopyDrops)
	r.fragments(b)
	namedTable(b, "invalid because", r.Invalid)
	namedTable(b, "tracker", r.Conntrack.trouble())
	r.offloadText(b)
	FilterTable(b, r.Filters)
	r.reloadsText(b)
	r.zonesTable(b)
	r.poolsTable(b)
	r.connections(b, conns)
	return b.Flush()
}

// count writes a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func (r *Report) deviceNames() string {
	names := make([]string, len(r.Devices))
	for i, d := range r.Devices {
		names[i] = d.Name
	}
	return strings.Join(names, ", ")
}

// grid writes rows of cells under their heads. left says of each column whether
// it is flush left (l) or right (r).
func grid(b io.Writer, left string, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		sep := ""
		for i, cell := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			switch {
			case left[i] != 'l':
				cell = pad + cell
			case i < len(r)-1:
				cell += pad
			}
			io.WriteString(b, sep+cell)
			sep = "  "
		}
		io.WriteString(b, "\n")
	}
	io.WriteString(b, "\n")
}

func (r *Report) devicesTable(b io.Writer) {
	rows := [][]string{{"device", "in packets", "bytes", "out packets", "bytes", "to stack", "bytes"}}
	for _, d := range r.Devices {
		row := []string{d.Name}
		for _, c := range [3]Count{d.In, d.Out, d.Up} {
			row = append(row, fmt.Sprint(c.Packets), fmt.Sprint(c.Bytes))
		}
		rows = append(rows, row)
	}
	grid(b, "lrrrrrr", rows)
}

// namedTable writes counts by name; nothing if there are none.
func namedTable(b io.Writer, head string, rows []Named) {
	if len(rows) == 0 {
		return
	}
	cells := [][]string{{head, "packets"}}
	for _, row := range rows {
		cells = append(cells, []string{row.Name, fmt.Sprint(row.Packets)})
	}
	grid(b, "lr", cells)
}

// zonesTable writes how full zones are, where there is more to say than the
// number of connections.
func (r *Report) zonesTable(b io.Writer) {
	more := len(r.Zones) > 1
	rows := [][]string{{"zone", "connections", "expired", "limit", "refused"}}
	for _, z := range r.Zones {
		limit := "-"
		if z.Limit != 0 {
			limit, more = fmt.Sprint(z.Limit), true
		}
		more = more || z.Refused > 0
		rows = append(rows, []string{fmt.Sprint(z.Zone), fmt.Sprint(z.Connections), fmt.Sprint(z.Expired), limit, fmt.Sprint(z.Refused)})
	}
	if more {
		grid(b, "rrrrr", rows)
	}
}

// reloadsText writes what changes of policy have done.
func (r *Report) reloadsText(b io.Writer) {
	for _, c := range r.Reloads {
		if c.Time == 0 {
			fmt.Fprintf(b, "policy change %s: not made, the captures ended before\n\n", c.File)
			continue
		}
		at := c.Time - r.FirstTime
		fmt.Fprintf(b, "policy change %s (%s) at %d.%06d s: %s from then on; %s, %s changed, %d ended",
			c.File, c.Mode, at/1e9, at%1e9/1e3, count(c.Filters, "filter"), count(c.Flows, "established connection"), count(len(c.Changed), "direction"), c.Killed)
		if c.Unknown > 0 {
			fmt.Fprintf(b, ", %d of which only packets will tell", c.Unknown)
		}
		fmt.Fprintln(b)
		for _, cut := range c.Changed {
			fmt.Fprintf(b, "  %s: %s -> %s  %s\n", cut.Packets, cut.Before, cut.After, cut.Connection)
		}
		fmt.Fprintln(b)
	}
}

// fragments writes what became of fragments; nothing if there were none.
func (r *Report) fragments(b io.Writer) {
	f := &r.Fragments
	if f.Held+f.Packets == 0 && len(f.Unprocessed) == 0 {
		return
	}
	fmt.Fprintf(b, "fragments  %d used for %s, %d discarded, %d waiting", f.Used, count(int(f.Packets), "packet"), f.Discarded, f.Waiting)
	if f.TimedOut > 0 {
		fmt.Fprintf(b, "; %s too late", count(int(f.TimedOut), "packet"))
	}
	if f.Restarted > 0 {
		fmt.Fprintf(b, "; %s begun anew", count(int(f.Restarted), "packet"))
	}
	fmt.Fprint(b, "\n\n")
}

// trouble is what the tracker counts beside connections that come and go
// quietly, by Linux's names, where it is not zero.
func (r *TrackerReport) trouble() (rows []Named) {
	for _, c := range []Named{
		{Name: "found", Packets: r.Found}, {Name: "invalid", Packets: r.Invalid}, {Name: "icmp_error", Packets: r.ICMPError},
		{Name: "insert_failed", Packets: r.InsertFailed}, {Name: "drop", Packets: r.Drop}, {Name: "early_drop", Packets: r.EarlyDrop},
		{Name: "clash_resolve", Packets: r.ClashResolved}, {Name: "nat_exhausted", Packets: r.NATExhausted},
	} {
		if c.Packets > 0 {
			rows = append(rows, c)
		}
	}
	return rows
}

// WriteStat writes the tracker's counters as /proc/net/stat/nf_conntrack shows
// them.
func (r *Report) WriteStat(w io.Writer) error {
	_, err := io.WriteString(w, observe.StatText(r.engine.Tracker().Stats()))
	return err
}

// WriteFlowtableStat writes what waits for devices as /proc/net/stat/nf_flowtable
// shows it.
func (r *Report) WriteFlowtableStat(w io.Writer) error {
	_, err := w.Write(observe.AppendFlowtableStat(nil, r.engine.Flows()))
	return err
}

// FilterTable writes filters with their counters, one a line, the rule as the
// policy's author wrote it at the end.
func FilterTable(b io.Writer, filters []FilterReport) {
	rows := [][]string{{"filter", "chain", "prio", "handle", "packets", "bytes", "rule"}}
	for _, f := range filters {
		place := f.Dev
		if f.Block != 0 {
			place = fmt.Sprintf("block %d", f.Block)
		}
		if f.Egress {
			place += " egress"
		}
		packets, bytes, rule := "-", "-", f.Rule
		if f.Counted {
			packets, bytes = fmt.Sprint(f.Packets), fmt.Sprint(f.Bytes)
		}
		if f.Drops > 0 {
			rule += fmt.Sprintf(" (dropped %d)", f.Drops)
		}
		rows = append(rows, []string{place, fmt.Sprint(f.Chain), fmt.Sprint(f.Prio), fmt.Sprintf("0x%x", f.Handle), packets, bytes, rule})
	}
	grid(b, "lrrrrrl", rows)
}

// connections writes the table's first lines.
func (r *Report) connections(b *bufio.Writer, limit int) {
	n, line := r.Conntrack.Live, []byte(nil)
	fmt.Fprintf(b, "%s, %d in flow tables", count(n, "connection"), r.Flows)
	if r.NoFlowTable {
		b.WriteString(" (--no-flow-table)")
	}
	if r.Conntrack.Expired > 0 {
		fmt.Fprintf(b, "; %d more expired and not collected yet", r.Conntrack.Expired)
	}
	b.WriteByte('\n')
	shown := 0
	for ref := range r.Connections {
		if shown == limit {
			fmt.Fprintf(b, "… and %d more (--conntrack FILE writes all)\n", n-shown)
			return
		}
		line = observe.AppendProc(line[:0], r.engine.Tracker(), ref, r.LastTime)
		b.Write(append(line, '\n'))
		shown++
	}
}

// WriteConntrack writes all connections as /proc/net/nf_conntrack shows them.
func (r *Report) WriteConntrack(w io.Writer) error {
	b := bufio.NewWriter(w)
	var line []byte
	for ref := range r.Connections {
		line = observe.AppendProc(line[:0], r.engine.Tracker(), ref, r.LastTime)
		if _, err := b.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return b.Flush()
}
