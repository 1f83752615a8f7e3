package replay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sluice/internal/outfile"
	"sluice/packet"
	"sluice/policy"
	"sluice/port"
)

// output writes frames to files: one for each device with what left by it,
// one with what was handed up to the stack, one with what was dropped, as it
// came in. So every frame that came in is in exactly one file. Copies are
// besides, those that were dropped among what was dropped. What sample actions
// took goes to a file of its own, if the policy has any.
//
// A file that cannot be written any more is given up, and what was there
// before it stays; the others go on.
type output struct {
	all        []*captureFile
	devs       []*captureFile // by device
	pass, drop *captureFile   // an interface for every device
	sample     *captureFile   // likewise; nil without a sample action

	number  uint64 // packets so far
	frames  []byte // the vector's frames before the datapath edited them
	ends    [packet.VectorSize]int
	comment []byte
}

// captureFile is one of the files.
type captureFile struct {
	w   *port.Writer
	f   *outfile.File
	err error // why it was given up
}

func newCaptureFile(path string, ifaces []string) (*captureFile, error) {
	f, err := outfile.Create(path)
	if err != nil {
		return nil, err
	}
	w, err := port.NewWriter(f, ifaces)
	if err != nil {
		return nil, errors.Join(err, f.Abort())
	}
	return &captureFile{w: w, f: f}, nil
}

func (c *captureFile) write(iface int, time int64, frame []byte, comment string) {
	if c.err == nil {
		c.err = c.w.Write(iface, time, frame, comment)
	}
}

func (c *captureFile) close() error {
	if c.err == nil {
		c.err = c.w.Close() // flushes
	}
	if c.err != nil {
		return errors.Join(c.err, c.f.Abort())
	}
	return c.f.Commit(false, nil)
}

// Names of the files that belong to no device.
const (
	passFile   = "pass"
	dropFile   = "drop"
	sampleFile = "sample"
)

// outputFiles names the files that a replay will write frames to: one for each
// device, and those for the stack and for drops. It refuses what cannot be
// written, to write over what the replay reads, one file twice, and into a
// directory with captures that are not of these: a reader could not tell them from
// the new ones.
func outputFiles(p *policy.Policy, o Options) ([]string, error) {
	var out []string
	var set outfile.Set
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
	for _, path := range out {
		set.Writes("", path) // newOutput makes them all before the first packet
	}
	set.Writes("--conntrack", o.Table)
	set.Writes("--state", o.StateOut)
	for _, f := range o.Others {
		set.Writes(f.Flag, f.Path)
	}
	set.Reads(o.Policy)
	for _, in := range o.Inputs {
		set.Reads(in.File)
	}
	for _, r := range o.Reloads {
		_, file, _ := strings.Cut(r, "=")
		set.Reads(file)
	}
	if o.FromState != o.StateOut { // a state may take its successor's place
		set.Reads(o.FromState)
	}
	if err := set.Check(); err != nil {
		return nil, err
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
	var errs []error
	for i, path := range files {
		ifaces := names
		if i < len(names) {
			ifaces = names[i : i+1]
		}
		w, err := newCaptureFile(path, ifaces)
		if err != nil {
			errs = append(errs, fmt.Errorf("--out: %w", err))
			continue
		}
		o.all = append(o.all, w)
	}
	if len(errs) > 0 {
		for _, c := range o.all {
			errs = append(errs, c.f.Abort())
		}
		return nil, errors.Join(errs...)
	}
	o.devs, o.pass, o.drop = o.all[:len(names)], o.all[len(names)], o.all[len(names)+1]
	if samples(p) {
		o.sample = o.all[len(names)+2]
	}
	return o, nil
}

// close puts all files in their places. It tells each one that was given up.
func (o *output) close() error {
	var errs []error
	for _, c := range o.all {
		if err := c.close(); err != nil {
			errs = append(errs, fmt.Errorf("write output: %w", err))
		}
	}
	return errors.Join(errs...)
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
func (o *output) write(r *runner) {
	v := &r.v
	put := func(c *captureFile, iface int, i int, frame []byte) {
		c.write(iface, r.time[i], frame, string(o.comment))
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
}
