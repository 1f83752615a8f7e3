package replay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sluice/packet"
	"sluice/policy"
	"sluice/port"
)

// output writes frames to files: one for each device with what left by it,
// one with what was handed up to the stack, one with what was dropped, as it
// came in. So every frame that came in is in exactly one file, copies apart.
// What sample actions took goes to a file of its own, if the policy has any.
type output struct {
	devs       []*port.Writer // by device
	pass, drop *port.Writer   // an interface for every device
	sample     *port.Writer   // likewise; nil without a sample action

	number  uint64 // packets so far
	frames  []byte // the vector's frames before the datapath edited them
	ends    [packet.VectorSize]int
	comment []byte
}

// Names of the files that belong to no device.
const (
	passFile   = "pass"
	dropFile   = "drop"
	sampleFile = "sample"
)

// newOutput makes the files anew, one for each device of the policy, so that
// none of an earlier replay is left among them.
func newOutput(dir string, p *policy.Policy) (*output, error) {
	var names []string
	for _, d := range p.Devices {
		if d.Name == passFile || d.Name == dropFile || d.Name == sampleFile || d.Name == "." || d.Name == ".." || strings.ContainsRune(d.Name, os.PathSeparator) {
			return nil, fmt.Errorf("--out cannot name a file after device %q", d.Name)
		}
		names = append(names, d.Name)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make output directory: %w", err)
	}
	o := &output{}
	var err error
	create := func(name string, ifaces []string) (w *port.Writer) {
		if err == nil {
			w, err = port.Create(filepath.Join(dir, name+".pcapng"), ifaces)
		}
		return w
	}
	for _, n := range names {
		o.devs = append(o.devs, create(n, []string{n}))
	}
	o.pass, o.drop = create(passFile, names), create(dropFile, names)
	if len(p.Actions["sample"]) > 0 {
		o.sample = create(sampleFile, names)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create output: %w", err), o.close())
	}
	return o, nil
}

func (o *output) close() error {
	var errs []error
	for _, w := range append(o.devs, o.pass, o.drop, o.sample) {
		if w != nil {
			errs = append(errs, w.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// keep remembers the vector's frames as they came in.
func (o *output) keep(v *packet.Vector) {
	o.frames = o.frames[:0]
	for i := range v.N {
		o.frames = append(o.frames, v.Frame[i]...)
		o.ends[i] = len(o.frames)
	}
}

// write sorts a judged vector's frames into the files. Times are the
// capture's own.
func (o *output) write(r *runner) error {
	v := &r.v
	var err error
	put := func(w *port.Writer, iface int, i int, frame []byte) {
		if e := w.Write(iface, r.time[i], frame, string(o.comment)); err == nil && e != nil {
			err = fmt.Errorf("write output: %w", e)
		}
	}
	tx, begin := v.Tx, 0
	for i := range v.N {
		o.number++
		for ; len(tx) > 0 && int(tx[0].Pkt) == i; tx = tx[1:] {
			t := &tx[0]
			o.comment = appendComment(o.comment[:0], r, o.number, i, t)
			if t.Up {
				put(o.pass, int(t.Dev), i, t.Frame)
			} else {
				put(o.devs[t.Dev], 0, i, t.Frame)
			}
		}
		if v.Verdict[i] == packet.Drop || v.Verdict[i] == packet.Stolen {
			o.comment = appendComment(o.comment[:0], r, o.number, i, nil)
			put(o.drop, int(v.M[i].Dev), i, o.frames[begin:o.ends[i]])
		}
		begin = o.ends[i]
	}
	for i := range v.Samples {
		s := &v.Samples[i]
		o.comment = appendSample(o.comment[:0], r, o.number-uint64(v.N)+uint64(s.Pkt)+1, s)
		put(o.sample, int(s.Dev), int(s.Pkt), s.Frame)
	}
	return err
}
