package port

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"
)

// TestRecordsAllocateNothing reads and writes records of every format, one by
// one. Reading from memory is bounded, so there is enough to read.
func TestRecordsAllocateNothing(t *testing.T) {
	const records, runs = 3000, 2000
	frames := make([]string, records)
	for i := range frames {
		frames[i] = strings.Repeat("z", 60+i%1400)
	}
	var ng bytes.Buffer
	w, err := NewWriter(&ng, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		comment := ""
		if i%3 == 0 {
			comment = "what became of it"
		}
		if err := w.Write(i&1, int64(i)*1000, []byte(f), comment); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, capture := range map[string][]byte{
		"pcap":            pcap(binary.LittleEndian, 0xa1b2c3d4, 1, frames...),
		"pcap_big_endian": pcap(binary.BigEndian, 0xa1b23c4d, 1, frames...),
		"pcapng":          ng.Bytes(),
		"pcap_gzip":       zipped(pcap(binary.LittleEndian, 0xa1b2c3d4, 1, frames...)),
	} {
		t.Run("read_"+name, func(t *testing.T) {
			r, err := NewReader("test", bytes.NewReader(capture))
			if err != nil {
				t.Fatal(err)
			}
			var rec Record
			for range records - runs - 1 { // the buffers grow
				if err := r.Read(&rec); err != nil {
					t.Fatal(err)
				}
			}
			var failed error
			n := testing.AllocsPerRun(runs, func() {
				if err := r.Read(&rec); err != nil {
					failed = err
				}
			})
			if n != 0 || failed != nil {
				t.Errorf("%v allocations a record, error %v", n, failed)
			}
		})
	}
	t.Run("write_pcapng", func(t *testing.T) {
		w, err := NewWriter(io.Discard, []string{"a"})
		if err != nil {
			t.Fatal(err)
		}
		frame, now := []byte(frames[records-1]), int64(0)
		if n := testing.AllocsPerRun(runs, func() {
			now += 1000
			if err := w.Write(0, now, frame, "what became of it"); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations a record", n)
		}
	})
}
