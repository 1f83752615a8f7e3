package port

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"sluice/packet/packettest"
)

// pcap makes a classic capture.
func pcap(order binary.ByteOrder, magic uint32, link uint32, frames ...string) []byte {
	b := make([]byte, 24)
	order.PutUint32(b, magic)
	order.PutUint16(b[4:], 2)
	order.PutUint16(b[6:], 4)
	order.PutUint32(b[16:], 65535)
	order.PutUint32(b[20:], link)
	for i, f := range frames {
		h := make([]byte, 16)
		order.PutUint32(h, 1000)
		order.PutUint32(h[4:], uint32(i+1))
		order.PutUint32(h[8:], uint32(len(f)))
		order.PutUint32(h[12:], uint32(len(f)+7))
		b = append(append(b, h...), f...)
	}
	return b
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	w.Close()
	return z.Bytes()
}

// readAll reads a capture to its end.
func readAll(b []byte) (frames []string, times []int64, err error) {
	r, err := NewReader("test", bytes.NewReader(b))
	if err != nil {
		return nil, nil, err
	}
	var rec Record
	for {
		if err := r.Read(&rec); err != nil {
			if again := r.Read(&rec); again != err {
				return frames, times, fmt.Errorf("second read says %v, first %w", again, err)
			}
			if err == io.EOF {
				err = nil
			}
			return frames, times, err
		}
		frames, times = append(frames, string(rec.Data)), append(times, rec.Time)
	}
}

func TestReadPcap(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for magic, unit := range map[uint32]int64{0xa1b2c3d4: 1000, 0xa1b23c4d: 1} {
			b := pcap(order, magic, 1, "first frame", "", "third")
			for _, b := range [][]byte{b, zipped(b)} {
				frames, times, err := readAll(b)
				if err != nil || strings.Join(frames, "|") != "first frame||third" || times[2] != 1000e9+3*unit {
					t.Errorf("%v %#x: %q %v %v", order, magic, frames, times, err)
				}
			}
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	write := func() []byte {
		var b bytes.Buffer
		w, err := NewWriter(&b, []string{"uplink_rep", "vf0_rep"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if err := w.Write(i%2, 1_700_000_000_123_456_789+int64(i), []byte(strings.Repeat("x", 60+i)), strings.Repeat("why ", i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(2, 0, nil, ""); err == nil {
			t.Error("a packet of an interface that is not there was written")
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	b := write()
	if !bytes.Equal(b, write()) {
		t.Error("the same packets gave different bytes")
	}
	frames, times, err := readAll(b)
	if err != nil || len(frames) != 5 || len(frames[4]) != 64 || times[4] != 1_700_000_000_123_456_793 {
		t.Errorf("%d frames, times %v, %v", len(frames), times, err)
	}
	// A second opinion.
	ng, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		data, ci, err := ng.ReadPacketData()
		if err != nil || string(data) != frames[i] || ci.Timestamp.UnixNano() != times[i] || ci.InterfaceIndex != i%2 {
			t.Errorf("packet %d: %d bytes, %+v, %v", i, len(data), ci, err)
		}
	}
	if ifc, err := ng.Interface(1); err != nil || ifc.Name != "vf0_rep" {
		t.Errorf("interface %+v, %v", ifc, err)
	}
}

// TestReadPcapngOfOthers reads what another writer wrote, and several sections
// in a row.
func TestReadPcapngOfOthers(t *testing.T) {
	var b bytes.Buffer
	w, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		data := []byte(strings.Repeat("y", 60+i))
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Unix(1000, int64(i)*1000), CaptureLength: len(data), Length: len(data)}, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	one := b.Bytes()
	frames, times, err := readAll(append(bytes.Clone(one), one...))
	if err != nil || len(frames) != 6 || times[5] != 1000e9+2000 {
		t.Errorf("%d frames, %v, %v", len(frames), times, err)
	}
	r, _ := NewReader("test", bytes.NewReader(append(bytes.Clone(one), one...)))
	var rec Record
	for range 4 {
		if err := r.Read(&rec); err != nil {
			t.Fatal(err)
		}
	}
	if rec.Iface != 1 {
		t.Errorf("interface %d in the second section, want 1", rec.Iface)
	}
}

func TestTimeUnits(t *testing.T) {
	for v, want := range map[byte]int64{6: 5000, 9: 5, 3: 5e6, 0: 5e9, 12: 0, 0x80: 5e9, 0x80 | 20: 5 * 1e9 >> 20} {
		var ifc iface
		if !ifc.resolution(v) {
			t.Errorf("%#x refused", v)
		}
		if got := scale(5, ifc.num, ifc.den); got != want {
			t.Errorf("5 units of %#x: %d ns, want %d", v, got, want)
		}
	}
	for _, v := range []byte{19, 0x80 | 63} {
		if new(iface).resolution(v) {
			t.Errorf("%#x taken", v)
		}
	}
}

func TestBadCaptures(t *testing.T) {
	good := pcap(binary.LittleEndian, 0xa1b2c3d4, 1, "first", "second")
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge[24+16+5+8:], 1<<30)
	late := bytes.Clone(good)
	binary.LittleEndian.PutUint32(late[24+16+5+4:], 1_000_000)
	var ng bytes.Buffer
	w, _ := NewWriter(&ng, []string{"a"})
	_ = w.Write(0, 1, []byte("frame"), "")
	_ = w.Close()
	trailer := bytes.Clone(ng.Bytes())
	trailer[len(trailer)-1] = 9
	stray := bytes.Clone(ng.Bytes())
	stray[len(stray)-40+8] = 7 // the packet's interface
	cases := []struct {
		name    string
		capture []byte
		packets int
		want    string
	}{
		{"empty", nil, 0, "four bytes"},
		{"text", []byte("GET / HTTP/1.1"), 0, "magic"},
		{"header cut off", good[:20], 0, "cut off after 20"},
		{"packet header cut off", good[:24+16+5+3], 1, "cut off after 3"},
		{"packet cut off", good[:len(good)-2], 1, "cut off after 4"},
		{"huge packet", huge, 1, "at most"},
		{"a second's fraction", late, 1, "1000000 parts of a second; expected less than 1000000"},
		{"version", append([]byte("\xd4\xc3\xb2\xa1\x07\x00"), good[6:]...), 0, "version 7"},
		{"gzip cut off", zipped(good)[:30], 0, ""},
		{"gzip header", []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, 0, "gzip"},
		{"block trailer", trailer, 0, "ends with length"},
		{"unknown interface", stray, 0, "interface 7"},
		{"pcapng cut off", ng.Bytes()[:ng.Len()-6], 0, "cut off"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			frames, _, err := readAll(c.capture)
			var e *CorruptError
			if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "test: offset") {
				t.Fatalf("error %v", err)
			}
			if len(frames) != c.packets || e.Packet != uint64(c.packets) {
				t.Errorf("%d packets before it, error says %d, want %d", len(frames), e.Packet, c.packets)
			}
		})
	}
	t.Run("other link type", func(t *testing.T) {
		_, _, err := readAll(pcap(binary.LittleEndian, 0xa1b2c3d4, 113))
		var e *LinkTypeError
		if !errors.As(err, &e) || e.Type != 113 || !strings.Contains(err.Error(), "Linux cooked") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a directory", func(t *testing.T) {
		if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is a directory; want a pcap") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("missing file", func(t *testing.T) {
		if _, err := Open(filepath.Join(t.TempDir(), "none.pcap")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("error %v", err)
		}
	})
}

func TestOpenAndProgress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pcapng")
	w, err := Create(path, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(0, 5, []byte("frame"), "comment"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec Record
	if err := r.Read(&rec); err != nil || string(rec.Data) != "frame" || rec.Time != 5 {
		t.Errorf("%+v, %v", rec, err)
	}
	if err := r.Read(&rec); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if read, total := r.Progress(); read != total || total == 0 {
		t.Errorf("%d of %d bytes", read, total)
	}
}

// TestAgainstAnotherReader compares with another reader on files that are
// built, and on real ones where they are.
func TestAgainstAnotherReader(t *testing.T) {
	files, _ := packettest.Captures(t)
	for _, path := range files {
		if filepath.Ext(path) != ".pcap" {
			continue // the other reader is for this format
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		other, err := pcapgo.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if other.LinkType() != layers.LinkTypeEthernet {
			f.Close()
			continue
		}
		r, err := Open(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			f.Close()
			continue
		}
		var rec Record
		for n := 0; ; n++ {
			data, ci, oerr := other.ReadPacketData()
			err := r.Read(&rec)
			if (err == nil) != (oerr == nil) {
				t.Errorf("%s: packet %d: %v, the other reader %v", path, n, err, oerr)
			}
			if err != nil || oerr != nil {
				break
			}
			if !bytes.Equal(data, rec.Data) || ci.Timestamp.UnixNano() != rec.Time || ci.Length != rec.OrigLen {
				t.Fatalf("%s: packet %d differs", path, n)
			}
		}
		r.Close()
		f.Close()
	}
}

func FuzzReader(f *testing.F) {
	good := pcap(binary.LittleEndian, 0xa1b2c3d4, 1, "first", "second")
	f.Add(good)
	f.Add(pcap(binary.BigEndian, 0xa1b23c4d, 1, "x"))
	f.Add(zipped(good))
	var ng bytes.Buffer
	w, _ := NewWriter(&ng, []string{"a", "b"})
	_ = w.Write(1, 1, []byte("frame"), "why")
	_ = w.Close()
	f.Add(ng.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, _, err := readAll(b)
		var c *CorruptError
		var l *LinkTypeError
		if err != nil && !errors.As(err, &c) && !errors.As(err, &l) {
			t.Fatalf("an error of another kind: %v", err)
		}
		for _, fr := range frames {
			if len(fr) > maxFrame {
				t.Fatalf("a frame of %d bytes", len(fr))
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	frames := make([]string, 10000)
	for i := range frames {
		frames[i] = strings.Repeat("z", 200)
	}
	data := pcap(binary.LittleEndian, 0xa1b2c3d4, 1, frames...)
	var rec Record
	for n := 0; n < b.N; n += len(frames) {
		r, err := NewReader("bench", bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		for range frames {
			if err := r.Read(&rec); err != nil {
				b.Fatal(err)
			}
		}
	}
}
