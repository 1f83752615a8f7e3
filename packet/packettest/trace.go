package packettest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Trace is a capture that is built: a name of the form "kind/what" and frames
// with their times in nanoseconds.
type Trace struct {
	Name   string
	Frames []Stamped
}

// Stamped is a frame and when it was seen.
type Stamped struct {
	Time int64
	Data []byte
}

// Pcap is the trace as a file with nanoseconds, little-endian, of Ethernet
// frames.
func (c *Trace) Pcap() []byte {
	le := binary.LittleEndian
	b := append(le.AppendUint32(nil, 0xa1b23c4d), 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint32(le.AppendUint32(b, 262144), 1)
	for _, f := range c.Frames {
		b = le.AppendUint32(le.AppendUint32(b, uint32(f.Time/1e9)), uint32(f.Time%1e9))
		b = le.AppendUint32(le.AppendUint32(b, uint32(len(f.Data))), uint32(len(f.Data)))
		b = append(b, f.Data...)
	}
	return b
}

// add appends a trace whose frames are a millisecond apart.
func add(to *[]Trace, name string, frames ...[]byte) {
	t := Trace{Name: name}
	for i, f := range frames {
		t.Frames = append(t.Frames, Stamped{1.7e18 + int64(i)*1e6, bytes.Clone(f)})
	}
	*to = append(*to, t)
}

// Interleaved is a trace of conversations of which each begins two
// milliseconds after the one before it, and then has a frame a millisecond.
func Interleaved(name string, talks ...[][]byte) Trace {
	t := Trace{Name: name}
	for i, talk := range talks {
		for j, f := range talk {
			t.Frames = append(t.Frames, Stamped{1.7e18 + int64(2*i+j)*1e6, f})
		}
	}
	slices.SortStableFunc(t.Frames, func(a, b Stamped) int { return cmp.Compare(a.Time, b.Time) })
	return t
}

// Captures returns the paths of captures to test with: those of Traces, which
// it writes to a directory of the test's own, and behind them the real ones
// that are beside the repository, if any (see Capture). built is how many are
// of the first kind.
func Captures(t testing.TB) (paths []string, built int) {
	t.Helper()
	dir := t.TempDir()
	for _, c := range Traces() {
		path := filepath.Join(dir, filepath.FromSlash(c.Name)+".pcap")
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, c.Pcap(), 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	built = len(paths)
	_ = filepath.WalkDir(captureDir(t), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains([]string{".pcap", ".pcapng", ".gz"}, filepath.Ext(path)) {
			paths = append(paths, path)
		}
		return nil // no directory: there are no real captures here
	})
	return paths, built
}
