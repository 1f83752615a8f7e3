package port

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// TestWhatIsWrong: the offset is where the bad block begins, and the message
// has the numbers that are there and those that could be.
func TestWhatIsWrong(t *testing.T) {
	head := append(sectionBlock(), ifaceBlock()...)
	le := binary.LittleEndian
	enhanced := func(claims uint32, room int) []byte {
		b := make([]byte, 20+room)
		le.PutUint32(b[12:], claims)
		le.PutUint32(b[16:], claims)
		return block(blockEnhanced, b...)
	}
	trailer := block(5, 1, 2, 3, 4)
	trailer[len(trailer)-4]++
	odd := block(5, 1, 2, 3, 4)
	odd[4]++
	simple := func(snaplen, orig uint32, room int) []byte {
		b := block(blockInterface, append([]byte{ethernet, 0, 0, 0}, le.AppendUint32(nil, snaplen)...)...)
		return append(b, block(blockSimple, append(le.AppendUint32(nil, orig), make([]byte, room)...)...)...)
	}
	for _, c := range []struct {
		name  string
		block []byte
		want  string // empty: it is a packet
	}{
		{"more than there is room for", enhanced(9, 8), "a packet of 9 bytes in a block that has room for 8"},
		{"all the room there is", enhanced(8, 8), ""},
		{"no packet at all", block(blockEnhanced, make([]byte, 16)...), "a packet block that is too short"},
		{"an empty packet", enhanced(0, 0), ""},
		{"of no interface", block(blockEnhanced, append([]byte{1}, make([]byte, 19)...)...), "a packet of interface 1; 1 are described"},
		{"an old one", block(blockPacket, make([]byte, 20)...), ""},
		{"a simple one without a length", block(blockSimple), "a simple packet block that is too short"},
		{"a simple one", block(blockSimple, 0, 0, 0, 0), ""},
		{"an interface", block(blockInterface, 1, 0, 0, 0), "an interface description that is too short"},
		{"two lengths", trailer, "a block of length 16 that ends with length 17"},
		{"an odd length", odd, "a block of type 0x5 with length 17; expected a multiple of 4 from 12 to 327680"},
		{"a resolution", ifaceBlock(optTSResol, 0, 1, 0, 19, 0, 0, 0), "a time resolution of 0x13"},
		{"a binary resolution", ifaceBlock(optTSResol, 0, 1, 0, 0x80|63, 0, 0, 0), "a time resolution of 0xbf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := readAll(slices.Concat(head, c.block))
			var corrupt *CorruptError
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.As(err, &corrupt) || corrupt.What != c.want || corrupt.Offset != int64(len(head))):
				t.Errorf("error %v, want %q at %d", err, c.want, len(head))
			}
		})
	}
	// A simple packet ends where the interface's snap length or its block does.
	for _, c := range []struct {
		snaplen, orig uint32
		room, want    int
	}{{0, 100, 60, 60}, {40, 100, 60, 40}, {80, 100, 60, 60}, {80, 30, 60, 30}, {30, 30, 32, 30}} {
		frames, _, err := readAll(slices.Concat(sectionBlock(), simple(c.snaplen, c.orig, c.room)))
		if err != nil || len(frames) != 1 || len(frames[0]) != c.want {
			t.Errorf("%+v: %d frames, %v", c, len(frames), err)
		}
	}
	// Interfaces are counted over all sections.
	r, err := NewReader("test", bytes.NewReader(slices.Concat(head, ifaceBlock(), head, packetBlock(0, "frame"))))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec Record
	if err := r.Read(&rec); err != nil || rec.Iface != 2 || string(rec.Data) != "frame" {
		t.Errorf("interface %d, %q, %v", rec.Iface, rec.Data, err)
	}
	for text, want := range map[string]string{
		"":             "a capture begins with four bytes that name its format",
		"\x0a\x0d":     "a capture begins with four bytes that name its format",
		"abcd":         "it begins with 61 62 63 64",
		"\x1f\x8babcd": "gzip header",
	} {
		if _, err := NewReader("test", strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestSectionLength: a section header is no shorter than its fields, of whole
// words, and no longer than a block may be.
func TestSectionLength(t *testing.T) {
	for n, ok := range map[uint32]bool{24: false, 28: true, 30: false, 32: true, maxBlock: true, maxBlock + 4: false} {
		b := slices.Concat(sectionBlock()[:24], make([]byte, maxBlock))
		binary.LittleEndian.PutUint32(b[4:], n)
		_, _, err := readAll(b[:max(n, 28)])
		if ok != (err == nil) || !ok && !strings.Contains(err.Error(), "a section header of length") {
			t.Errorf("length %d: %v", n, err)
		}
		var corrupt *CorruptError
		if errors.As(err, &corrupt) && corrupt.Offset != 0 {
			t.Errorf("length %d: offset %d", n, corrupt.Offset)
		}
	}
}

// hesitant gives a byte after every so many empty reads.
type hesitant struct {
	b     []byte
	every int
	n     int
}

func (h *hesitant) Read(out []byte) (int, error) {
	if h.n++; h.n%h.every != 0 {
		return 0, nil
	}
	if len(h.b) == 0 {
		return 0, io.EOF
	}
	out[0], h.b = h.b[0], h.b[1:]
	return 1, nil
}

// TestHesitantReader: empty reads are waited out as long as something comes,
// and a reader that gives nothing at all is given up.
func TestHesitantReader(t *testing.T) {
	capture := pcap(binary.LittleEndian, 0xa1b2c3d4, 1, "frame")
	r, err := NewReader("test", &hesitant{b: capture, every: 60})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rec Record
	if err := r.Read(&rec); err != nil || string(rec.Data) != "frame" {
		t.Errorf("%q, %v", rec.Data, err)
	}
	if _, err := NewReader("test", &hesitant{b: capture, every: 1 << 30}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v, want %v", err, io.ErrNoProgress)
	}
}
