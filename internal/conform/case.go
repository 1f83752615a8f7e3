// Package conform runs cases recorded from a real Linux kernel: a policy,
// frames one at a time, and everything that came of each. It answers a case in
// the case's own format, so that comparing and recording are the same thing.
package conform

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Needs are the features that recorded cases name.
var Needs = []string{"actions", "blocks", "edits", "flowtable", "fragments", "gre", "helper", "icmp", "ipv6", "matchall", "nat", "sctp", "vlan"}

// Case is a recorded case, or this program's answer to one.
type Case struct {
	Name          string         `json:"name"`
	RecordedFrom  string         `json:"recorded_from,omitempty"`
	Needs         []string       `json:"needs"`   // features that it depends on
	Devices       []string       `json:"devices"` // ports; each has an ingress qdisc
	Sysctl        map[string]any `json:"sysctl"`
	Policy        []string       `json:"policy"`            // tc commands in order
	Refused       []Refusal      `json:"refused,omitempty"` // those that the kernel did not take
	Free          []string       `json:"free,omitempty"`    // what the kernel chose at random
	KernelsDiffer any            `json:"kernels_differ,omitempty"`
	Steps         []Step         `json:"steps"`

	// At the end.
	Conntrack    []Entry                               `json:"conntrack"`
	Expectations []Entry                               `json:"expectations"`
	Proc         []string                              `json:"proc_nf_conntrack"`
	Filters      map[string]map[string]json.RawMessage `json:"filters"` // by device and direction: tc -s -j filter show
}

// Refusal is a policy line, counted from 0, that the kernel refused.
type Refusal struct {
	Line  int    `json:"line"`
	Error string `json:"error"`
}

// Step is a frame, a wait, or commands.
type Step struct {
	In      string `json:"in,omitempty"`
	Frame   string `json:"frame,omitempty"` // hexadecimal, from the Ethernet header
	WaitMs  int64  `json:"wait_ms,omitempty"`
	Run     string `json:"run,omitempty"` // tc and conntrack commands, separated by ;
	Note    string `json:"note,omitempty"`
	Verdict string `json:"verdict,omitempty"` // fwd, pass or drop
	Out     []Out  `json:"out,omitempty"`
	Hits    []Hit  `json:"hits,omitempty"`
	// Conntrack is the whole table after the step, given when something
	// other than a timeout has changed.
	Conntrack *[]Entry `json:"conntrack,omitempty"`
}

// Out is a frame that came out of a device, or "pass:" and a device for one
// handed up there.
type Out struct {
	Dev   string `json:"dev"`
	Frame string `json:"frame"`
}

// Hit is a filter whose counters moved.
type Hit struct {
	Dev     string      `json:"dev"`
	Chain   uint32      `json:"chain"`
	Prio    uint32      `json:"prio"`
	Handle  uint32      `json:"handle"`
	Actions []ActionHit `json:"actions"`
}

// ActionHit is by how much an action's counters moved. Bytes count from the
// network header on.
type ActionHit struct {
	Kind    string `json:"kind"`
	Packets int64  `json:"packets"`
	Bytes   int64  `json:"bytes"`
	Drops   int64  `json:"drops"`
}

// Entry is a connection, as ctnetlink tells it.
type Entry map[string]any

// Read reads a case from a file, gzipped if its name ends in .gz.
func Read(path string) (*Case, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("read case %s: %w", path, err)
		}
		if b, err = io.ReadAll(io.LimitReader(z, 64<<20)); err != nil {
			return nil, fmt.Errorf("read case %s: %w", path, err)
		}
	}
	c, err := Parse(b)
	if err != nil {
		return nil, fmt.Errorf("read case %s: %w", path, err)
	}
	return c, nil
}

// Parse reads a case. Fields that it does not know are refused: they would go
// uncompared.
func Parse(b []byte) (*Case, error) {
	c := &Case{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, err
	}
	if c.Name == "" || len(c.Devices) == 0 {
		return nil, fmt.Errorf("not a case: name and devices are missing")
	}
	return c, nil
}

// Files lists the cases of files and folders, in the order of their names.
func Files(paths []string) ([]string, error) {
	var out []string
	for _, p := range paths {
		st, err := os.Stat(p)
		if err != nil {
			return nil, fmt.Errorf("find cases: %w", err)
		}
		if !st.IsDir() {
			out = append(out, p)
			continue
		}
		var in []string
		err = filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && (strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".json.gz")) {
				in = append(in, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find cases: %w", err)
		}
		slices.Sort(in)
		out = append(out, in...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("find cases: no .json or .json.gz files in %s", strings.Join(paths, ", "))
	}
	return out, nil
}
