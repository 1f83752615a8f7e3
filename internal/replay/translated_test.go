package replay

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/packet/packettest"
	"sluice/port"
)

var update = flag.Bool("update", false, "write docs/captures.md anew")

const capturesDoc = "../../docs/captures.md"

// translated puts a capture through tracking, translation and decapsulation:
// nothing is dropped without a reason, and the tables stay sound. It returns
// what docs/captures.md says of it, how many packets are in it, and how many do
// not come out as they are.
func translated(t *testing.T, name, path string) (row string, packets, lost uint64) {
	t.Helper()
	rep, err := Run(context.Background(), Options{
		Policy: "testdata/translating.tc", Inputs: []Input{{"", path}}, Split: []string{"initiator=left,right"}, Seed: 1,
	})
	var link *port.LinkTypeError
	if errors.As(err, &link) {
		return fmt.Sprintf("| %s | | | | no Ethernet: refused |", name), 0, 0
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return "", 0, 0
	}
	var why []string
	for _, d := range slices.Concat(rep.Stolen, rep.Drops) {
		if d.Packets != 0 {
			why = append(why, fmt.Sprintf("%d %s", d.Packets, d.Name))
			lost += d.Packets
		}
	}
	if dropped := named(rep.Verdicts, "drop") + named(rep.Verdicts, "stolen"); lost != dropped {
		t.Errorf("%s: %d dropped or held, %d for a reason", name, dropped, lost)
	}
	for _, e := range rep.engine.Tracker().Check() {
		t.Errorf("%s: %v", name, e)
	}
	row = fmt.Sprintf("| %s | %d | %d | %d | %s |", name, rep.Packets, named(rep.Verdicts, "fwd"), named(rep.Verdicts, "pass"), strings.Join(why, ", "))
	return row, rep.Packets, lost
}

// TestEveryCaptureTranslated does so with captures that are built, and with
// the real ones where they are: docs/captures.md says what happened to these.
func TestEveryCaptureTranslated(t *testing.T) {
	paths, built := packettest.Captures(t)
	forwarded := 0
	for _, path := range paths[:built] {
		if _, packets, lost := translated(t, path, path); packets > lost {
			forwarded++
		}
	}
	if forwarded < built/2 {
		t.Errorf("of %d built captures, only %d have a packet that comes out", built, forwarded)
	}
	if len(paths) == built {
		return
	}
	root := packettest.Capture(t, ".")
	var rows []string
	var packets, lost uint64
	for _, path := range paths[built:] {
		name, _ := filepath.Rel(root, path)
		row, n, l := translated(t, filepath.ToSlash(name), path)
		rows = append(rows, row)
		packets, lost = packets+n, lost+l
	}
	text := fmt.Sprintf(`# Every capture, tracked, decapsulated, and sent through translation

What becomes of a collection of real captures under a policy that tracks every connection, gives each a binding of its own, and
ends every tunnel (`+"`internal/replay/testdata/translating.tc`"+`). The binding is OVS's `+"`nat src addr 0.0.0.0`"+`: the captures hold both sides of a path
without a translator, and their answers come to the address that the client had. So every packet goes through translation, and
its port is kept apart from others' where two would clash, but no address changes. Changed bytes are what recorded cases
(`+"`nat_*` in `internal/conform/testdata/cases`"+`) and the tests of `+"`conntrack` and `datapath`"+` are about. Of %d packets %d do not come out as they are, each for a reason that is
counted: fragments that wait for the others (a packet put together leaves with the last), fragments and tunnels that are
broken on purpose, tunnels that carry no Ethernet. "To the stack" are packets that belong to no connection: ARP, neighbour discovery, ICMP errors about
packets that are not in the capture, segments with wrong checksums or out of window, frames with two VLAN tags, tunnels of
other kinds.

Made by `+"`go test ./internal/replay -run EveryCapture -update`"+`, and compared by the same test without the flag.

| capture | packets | forwarded | to the stack | dropped or held, by reason |
|---|---|---|---|---|
%s
`, packets, lost, strings.Join(rows, "\n"))
	if *update {
		if err := os.WriteFile(capturesDoc, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	doc, err := os.ReadFile(capturesDoc)
	if err != nil {
		t.Fatal(err)
	}
	if string(doc) != text {
		t.Errorf("docs/captures.md is stale; run with -update and look at the difference. Now:\n%s", text)
	}
}
