package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/ctcmd"
	"sluice/internal/state"
	"sluice/internal/why"
	"sluice/packet/packettest"
)

// TestCounts: every count of connections is the same number, those that live; and
// names those that have expired and are not collected yet beside it.
func TestCounts(t *testing.T) {
	const t0, timeout = int64(1e18), int64(30e9)
	udp := packettest.UDP
	o := Options{
		Policy: file(t, "zones.tc", lines(
			"filter add dev a ingress prio 1 proto ip flower ip_proto udp dst_port 53 action ct commit zone 1 pipe action drop",
			"filter add dev a ingress prio 2 proto ip flower ip_proto udp dst_port 54 action ct commit zone 2 pipe action drop")),
		Inputs: []Input{{"a", file(t, "a.pcap", pcap(1,
			packetAt{t0, udp(hostA, hostB, 1000, 53, ""), 0},
			packetAt{t0, udp(hostA, hostB, 1001, 54, ""), 0},
			packetAt{t0, udp(hostA, hostB, 1002, 54, ""), 0},
			// Maintenance comes by before these three have expired, and the last
			// packet after it.
			packetAt{t0 + timeout - 500_000, udp(hostA, hostB, 2000, 53, ""), 0},
			packetAt{t0 + timeout + 300_000, udp(hostA, hostB, 2001, 54, ""), 0},
			packetAt{t0 + timeout + 300_000, udp(hostA, hostB, 2002, 54, ""), 0},
		))}},
		StateOut: filepath.Join(t.TempDir(), "s"), Page: true,
	}
	rep := mustRun(t, o)
	const live, expired = 3, 3
	if c := rep.Conntrack; c.Live != live || c.Expired != expired || c.Entries != live+expired {
		t.Errorf("%d live, %d expired, %d entries; want %d, %d, %d", c.Live, c.Expired, c.Entries, live, expired, live+expired)
	}
	sum := ZoneReport{}
	for _, z := range rep.Zones {
		sum.Connections += z.Connections
		sum.Expired += z.Expired
	}
	if sum.Connections != live || sum.Expired != expired || len(rep.Zones) != 2 {
		t.Errorf("zones %+v", rep.Zones)
	}
	listed := 0
	for range rep.Connections {
		listed++
	}
	var table, js, page bytes.Buffer
	for _, err := range []error{rep.WriteConntrack(&table), rep.WriteJSON(&js, "", nil), rep.WritePage(&page)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var decoded struct {
		Connections []any
		Conntrack   struct{ Live, Expired, Entries int }
		First       string `json:"first_time"`
	}
	if err := json.Unmarshal(js.Bytes(), &decoded); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(table.String(), "\n"); listed != live || n != live || len(decoded.Connections) != live || decoded.Conntrack.Live != live || decoded.Conntrack.Expired != expired {
		t.Errorf("%d listed, %d in the table, JSON has %d and %+v", listed, n, len(decoded.Connections), decoded.Conntrack)
	}
	if want := "\n3 connections, 3 in flow tables; 3 more expired and not collected yet\n"; !strings.Contains(text(t, rep), strings.Replace(want, "3 in", fmt.Sprint(rep.Flows, " in"), 1)) {
		t.Errorf("%s\nwant in it %q", text(t, rep), want)
	}
	const first = "2001-09-09T01:46:40Z"
	if !strings.Contains(text(t, rep), " s from the first packet, at "+first+", to the last\n") || decoded.First != first || !strings.Contains(page.String(), first) {
		t.Errorf("the first packet's time is not told everywhere: JSON %q", decoded.First)
	}
	for _, row := range []string{"connections in the end", "expired and not collected yet"} {
		_, after, ok := strings.Cut(page.String(), row)
		if cell, _, _ := strings.Cut(after, "</tr>"); !ok || !strings.Contains(cell, ">3<") {
			t.Errorf("page, %s: %q", row, cell)
		}
	}
	for _, args := range [][]string{{"-C"}, {"-L"}} {
		var out, err bytes.Buffer
		if code := ctcmd.Run(append([]string{"--state", o.StateOut}, args...), &out, &err); code != 0 {
			t.Fatal(err.String())
		}
		if got := out.String(); args[0] == "-C" && got != "3\n" || args[0] == "-L" && !strings.Contains(err.String(), ": 3 flow entries") {
			t.Errorf("conntrack %s: %s%s", args[0], got, err.String())
		}
	}
	st, err := state.ReadFile(o.StateOut)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Sync(); err != nil {
		t.Fatal(err)
	}
	q, err := why.Parse([]string{"udp"})
	if err != nil {
		t.Fatal(err)
	}
	alive, gone := 0, 0
	for _, l := range why.Find(st, q) {
		if l.Alive {
			alive++
		} else {
			gone++
		}
	}
	if alive != live || gone != expired {
		t.Errorf("why: %d alive, %d not", alive, gone)
	}
}
