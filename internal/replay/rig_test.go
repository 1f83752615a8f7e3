package replay

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/packet/packettest"
	"sluice/port"
)

// The demo's policy and its capture of real traffic.
const (
	httpPolicy  = "../demo/http.tc"
	httpCapture = "../demo/http.pcapng"
	httpSplit   = "src=192.0.2.80:vf0_rep"
)

// httpOptions replays the demo.
func httpOptions() Options {
	return Options{Policy: httpPolicy, Inputs: []Input{{"uplink_rep", httpCapture}}, Split: []string{httpSplit}, Seed: 1}
}

func mustRun(t testing.TB, o Options) *Report {
	t.Helper()
	rep, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// file writes a file of the test's own and returns its path.
func file(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// built writes a capture that a test has built and returns its path.
func built(t testing.TB, c packettest.Trace) string {
	t.Helper()
	return file(t, filepath.Base(c.Name)+".pcap", string(c.Pcap()))
}

// packetAt is a frame of a pcap file that a test writes.
type packetAt struct {
	time int64 // ns
	data []byte
	more int // bytes that the capture cut off
}

// pcap is a capture file's content, with nanoseconds.
func pcap(link uint32, packets ...packetAt) string {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b23c4d)
	b = append(b, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint32(b, 262144)
	b = le.AppendUint32(b, link)
	for _, p := range packets {
		b = le.AppendUint32(b, uint32(p.time/1e9))
		b = le.AppendUint32(b, uint32(p.time%1e9))
		b = le.AppendUint32(b, uint32(len(p.data)))
		b = le.AppendUint32(b, uint32(len(p.data)+p.more))
		b = append(b, p.data...)
	}
	return string(b)
}

// commented is a packet of a pcapng file with its comment.
type commented struct {
	comment string
	iface   uint32
	time    uint64
	data    []byte
}

// readCommented reads what output has written: little-endian blocks.
func readCommented(t testing.TB, path string) (out []commented) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	le := binary.LittleEndian
	for len(b) >= 12 {
		typ, n := le.Uint32(b), le.Uint32(b[4:])
		body := b[8 : n-4]
		b = b[n:]
		if typ != 6 {
			continue
		}
		size := le.Uint32(body[12:])
		c := commented{iface: le.Uint32(body), time: uint64(le.Uint32(body[4:]))<<32 | uint64(le.Uint32(body[8:])), data: body[20 : 20+size]}
		for opts := body[20+(size+3)&^3:]; len(opts) >= 4 && le.Uint16(opts) != 0; {
			l := le.Uint16(opts[2:])
			if le.Uint16(opts) == 1 {
				c.comment = string(opts[4 : 4+l])
			}
			opts = opts[4+(l+3)&^3:]
		}
		out = append(out, c)
	}
	if len(b) != 0 {
		t.Fatalf("%s: %d bytes after the last block", path, len(b))
	}
	return out
}

// text is the report as it is printed.
func text(t testing.TB, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteText(&b, -1); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// named finds a count by name.
func named(rows []Named, name string) uint64 {
	for _, r := range rows {
		if r.Name == name {
			return r.Packets
		}
	}
	return 0
}

// bySport indexes a report's connections by the original source port.
func bySport(r *Report) map[uint16]conntrack.Conn {
	m := map[uint16]conntrack.Conn{}
	for _, c := range r.Connections {
		m[c.Orig.SPort] = *c
	}
	return m
}

// readDir reads all files of a directory.
func readDir(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = string(b)
	}
	return m
}

// lines joins a policy's lines.
func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

// capturePackets reads a capture whole.
func capturePackets(t testing.TB, path string) (out []packetAt) {
	t.Helper()
	r, err := port.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec port.Record
	for {
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, packetAt{rec.Time, bytes.Clone(rec.Data), rec.OrigLen - len(rec.Data)})
	}
}
