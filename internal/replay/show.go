package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"sluice/policy"
	"sluice/policy/tc"
)

// inHW says what devices make of a filter.
func (r *Report) inHW(f *policy.Filter) (n int, words []string) {
	n, refusals := r.engine.InHW(f)
	for _, r := range refusals {
		words = append(words, r.Error())
	}
	return n, words
}

// WriteShow writes what `tc -s filter show` would print of every device and
// shared block at the end: the replay's counters, and ages by the capture's
// clock. With asJSON it is one object: by device, then ingress or egress, the
// array that tc -s -j prints; shared blocks are "block N", then "filters".
func (r *Report) WriteShow(w io.Writer, asJSON bool) error {
	var out bytes.Buffer
	s := &tc.Session{
		Policy: r.policy, Out: &out, ShowStats: true, JSON: asJSON,
		Stats: r.engine.ActionStats, Now: func() int64 { return r.LastTime }, InHW: r.inHW,
	}
	object := map[string]map[string]json.RawMessage{}
	show := func(name, binding, command string) error {
		out.Reset()
		if err := s.Run(command); err != nil {
			return err
		}
		if !asJSON {
			_, err := fmt.Fprintf(w, "# tc -s %s\n%s", command, out.Bytes())
			return err
		}
		if object[name] == nil {
			object[name] = map[string]json.RawMessage{}
		}
		object[name][binding] = bytes.Clone(out.Bytes())
		return nil
	}
	for _, d := range r.policy.Devices {
		for i, b := range d.Block {
			if b == nil || b.Index != 0 {
				continue
			}
			dir := "ingress"
			if policy.Binding(i) == policy.Egress {
				dir = "egress"
			}
			if err := show(d.Name, dir, "filter show dev "+d.Name+" "+dir); err != nil {
				return err
			}
		}
	}
	for _, i := range slices.Sorted(maps.Keys(r.policy.Blocks)) {
		name := fmt.Sprintf("block %d", i)
		if err := show(name, "filters", "filter show "+name); err != nil {
			return err
		}
	}
	if !asJSON {
		return nil
	}
	b, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
