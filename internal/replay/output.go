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
// came in. So every frame that came in is in exactly one file. Copies are
// besides, those that were dropped among what was dropped. What sample actions
// took goes to a file of its own, if the policy has any.
type output struct {
	all        []*port.Writer
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

// outputFiles names the files that a replay will write: one for each device,
// those for the stack and for drops, and the connection table. It refuses to
// write over what the replay reads, one file twice, and into a directory with
// captures that are not of these: nobody could tell them from the new ones.
func outputFiles(p *policy.Policy, o Options) ([]string, error) {
	var out []string
	if o.OutDir != "" {
		for _, d := range p.Devices {
			if d.Name == passFile || d.Name == dropFile || d.Name == sampleFile || d.Name == "." || d.Name == ".." || strings.ContainsRune(d.Name, os.PathSeparator) {
				return nil, fmt.Errorf("--out cannot name a file after device %q", d.Name)
			}
			out = append(out, filepath.Join(o.OutDir, d.Name+".pcapng"))
		}
		out = append(out, filepath.Join(o.OutDir, passFile+".pcapng"), filepath.Join(o.OutDir, dropFile+".pcapng"))
		if samples(p) {
			out = append(out, filepath.Join(o.OutDir, sampleFile+".pcapng"))
		}
	}
	all := out
	for _, path := range append([]string{o.Table, o.StateOut}, o.Others...) {
		if path != "" {
			all = append(all[:len(all):len(all)], path)
		}
	}
	read := []string{o.Policy}
	for _, in := range o.Inputs {
		read = append(read, in.File)
	}
	if o.FromState != "" && o.FromState != o.StateOut { // a state may take its successor's place
		read = append(read, o.FromState)
	}
	for i, path := range all {
		for _, in := range read {
			if sameFile(path, in) {
				return nil, fmt.Errorf("%s would be written over, and it is read: name another output", in)
			}
		}
		for _, other := range all[:i] {
			if sameFile(path, other) {
				return nil, fmt.Errorf("%s and %s are the same file: name another output", other, path)
			}
		}
	}
	if o.OutDir == "" {
		return nil, nil
	}
	ours := map[string]bool{}
	for _, path := range out {
		ours[filepath.Base(path)] = true
	}
	entries, _ := os.ReadDir(o.OutDir) // a directory that is not there holds nothing
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".pcapng") && !ours[e.Name()] {
			return nil, fmt.Errorf("--out %s: it holds %s, which this replay does not write: remove it, or name another directory", o.OutDir, e.Name())
		}
	}
	return out, nil
}

// samples reports whether a policy has sample actions.
func samples(p *policy.Policy) bool { return len(p.Actions["sample"]) > 0 }

// sameFile reports whether two paths lead to the same regular file, which need
// not be there yet. "-" is standard input.
func sameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if b == "-" {
		y, errY = os.Stdin.Stat()
	}
	if errX == nil && errY == nil {
		return x.Mode().IsRegular() && os.SameFile(x, y)
	}
	a, errX = filepath.Abs(a)
	b, errY = filepath.Abs(b)
	return errX == nil && errY == nil && a == b
}

// newOutput makes the files anew: files for p's devices, and the two others.
func newOutput(dir string, p *policy.Policy, files []string) (*output, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("make output directory: %w", err)
	}
	var names []string
	for _, d := range p.Devices {
		names = append(names, d.Name)
	}
	o := &output{}
	for i, path := range files {
		ifaces := names
		if i < len(names) {
			ifaces = names[i : i+1]
		}
		w, err := port.Create(path, ifaces)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("create output: %w", err), o.close())
		}
		o.all = append(o.all, w)
	}
	o.devs, o.pass, o.drop = o.all[:len(names)], o.all[len(names)], o.all[len(names)+1]
	if samples(p) {
		o.sample = o.all[len(names)+2]
	}
	return o, nil
}

func (o *output) close() error {
	var errs []error
	for _, w := range o.all {
		errs = append(errs, w.Close())
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
		comment := func(e end) { o.comment = appendComment(o.comment[:0], r, o.number, i, e) }
		for ; len(tx) > 0 && int(tx[0].Pkt) == i; tx = tx[1:] {
			t := &tx[0]
			if t.Up {
				comment(end{t.Copy, t.Dev, packet.Pass, 0})
				put(o.pass, int(t.Dev), i, t.Frame)
			} else {
				comment(end{t.Copy, t.Dev, packet.Forward, 0})
				put(o.devs[t.Dev], 0, i, t.Frame)
			}
		}
		if v.Verdict[i] == packet.Drop || v.Verdict[i] == packet.Stolen {
			comment(end{0, v.M[i].Dev, v.Verdict[i], v.Reason[i]})
			put(o.drop, int(v.M[i].Dev), i, o.frames[begin:o.ends[i]])
		}
		for n, c := range r.e.Copies(i) {
			if c.Verdict == packet.Drop || c.Verdict == packet.Stolen {
				comment(end{int32(n + 1), c.Dev, c.Verdict, c.Reason})
				put(o.drop, int(c.Dev), i, c.Frame)
			}
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
