// Package conform runs cases recorded from a real Linux kernel: a policy,
// frames one at a time, and everything that came of each. It answers a case in
// the case's own format, so that comparing and recording are the same thing.
package conform

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
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
	Needs         []string       `json:"needs"`           // features that it depends on
	Devices       []string       `json:"devices"`         // ports
	Qdisc         string         `json:"qdisc,omitempty"` // ingress (the default), clsact or none: what each port has that the policy gives none
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
	Run     string `json:"run,omitempty"` // tc and conntrack(8) commands, separated by ;
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
	Dir     string      `json:"dir,omitempty"` // ingress or egress, where there are two sides
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

// maxCase is the longest case that is read, in bytes, after gunzipping: what
// is no case is refused before it fills the memory.
const maxCase = 64 << 20

// Read reads a case from a file, gzipped if its name ends in .gz. The file
// holds that case and nothing behind it.
func Read(path string) (*Case, error) {
	b, err := readFile(path, maxCase)
	if err != nil {
		return nil, fmt.Errorf("read case %s: %w", path, err)
	}
	c, err := Parse(b)
	var at *placeError
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("read case %s:%w", path, err)
	case err != nil:
		return nil, fmt.Errorf("read case %s: %w", path, err)
	}
	return c, nil
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := io.Reader(f)
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, err
		}
	}
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("longer than %d bytes, the most that a case may have", limit)
	}
	return b, err
}

// placeError is an error with its place in the text: LINE:COLUMN, from 1.
type placeError struct {
	line, col int
	err       error
}

func (e *placeError) Error() string { return fmt.Sprintf("%d:%d: %v", e.line, e.col, e.err) }
func (e *placeError) Unwrap() error { return e.err }

// placed puts the place of byte offset of b before an error.
func placed(b []byte, offset int64, err error) error {
	before := b[:min(max(offset, 0), int64(len(b)))]
	return &placeError{1 + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n'), err}
}

// Parse reads a case, the only JSON value of b. Fields that it does not know
// are refused: they would go uncompared, and so would what stands behind the
// value.
func Parse(b []byte) (*Case, error) {
	c := &Case{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		var syntax *json.SyntaxError
		var typ *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			return nil, placed(b, syntax.Offset-1, err)
		case errors.As(err, &typ):
			return nil, placed(b, typ.Offset-1, err)
		}
		return nil, err
	}
	if rest := bytes.TrimLeft(b[d.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, placed(b, int64(len(b)-len(rest)), errors.New("more follows the case: expected the end of the file"))
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
