package replay

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
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

// TestEveryCaptureTranslated puts every capture through tracking, translation
// and decapsulation: nothing is dropped without a reason, the tables stay
// sound, and docs/captures.md says what happened.
func TestEveryCaptureTranslated(t *testing.T) {
	root := packettest.Capture(t, ".")
	var rows []string
	var packets, lost uint64
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".pcap", ".pcapng", ".gz"}, filepath.Ext(path)) {
			return err
		}
		rep, err := Run(context.Background(), Options{
			Policy: "testdata/translating.tc", Inputs: []Input{{"", path}}, Split: []string{"initiator=left,right"}, Seed: 1,
		})
		name, _ := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		var link *port.LinkTypeError
		if errors.As(err, &link) {
			rows = append(rows, fmt.Sprintf("| %s | | | | no Ethernet: refused |", name))
			return nil
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return nil
		}
		var why []string
		sum := uint64(0)
		for _, d := range slices.Concat(rep.Stolen, rep.Drops) {
			if d.Packets != 0 {
				why = append(why, fmt.Sprintf("%d %s", d.Packets, d.Name))
				sum += d.Packets
			}
		}
		if dropped := named(rep.Verdicts, "drop") + named(rep.Verdicts, "stolen"); sum != dropped {
			t.Errorf("%s: %d dropped or held, %d for a reason", name, dropped, sum)
		}
		for _, e := range rep.engine.Tracker().Check() {
			t.Errorf("%s: %v", name, e)
		}
		packets, lost = packets+rep.Packets, lost+sum
		rows = append(rows, fmt.Sprintf("| %s | %d | %d | %d | %s |", name, rep.Packets, named(rep.Verdicts, "fwd"), named(rep.Verdicts, "pass"), strings.Join(why, ", ")))
		return nil
	})
	if err != nil {
		t.Fatal(err)
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
