package port

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// block makes a pcapng block.
func block(typ uint32, body ...byte) []byte {
	le := binary.LittleEndian
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := le.AppendUint32(nil, typ)
	b = le.AppendUint32(b, uint32(len(body)+12))
	return le.AppendUint32(append(b, body...), uint32(len(body)+12))
}

func sectionBlock() []byte {
	return block(blockSection, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255)
}

func ifaceBlock(options ...byte) []byte {
	return block(blockInterface, append([]byte{ethernet, 0, 0, 0, 0, 0, 0, 0}, options...)...)
}

func packetBlock(iface uint32, frame string) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, iface)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, uint32(len(frame)))
	b = le.AppendUint32(b, uint32(len(frame)))
	return block(blockEnhanced, append(b, frame...)...)
}

// many repeats a run of bytes.
type many struct {
	b    []byte
	left int // how often still
	at   int
}

func (m *many) Read(out []byte) (n int, err error) {
	for n < len(out) && m.left > 0 {
		k := copy(out[n:], m.b[m.at:])
		n += k
		if m.at += k; m.at == len(m.b) {
			m.at, m.left = 0, m.left-1
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// TestHostileCaptures: whatever a capture repeats, reading it takes the memory
// of one block and of the interfaces that a section may have.
func TestHostileCaptures(t *testing.T) {
	large := make([]byte, 60_000)
	option := binary.LittleEndian.AppendUint16([]byte{byte(optComment), 0}, 60_000)
	bad := block(blockInterface, ethernet, 0, 0, 0, 0, 0, 0, 0, 1, 0, 255, 255)
	for _, c := range []struct {
		name        string
		head, again []byte
		times       int
		want        string // of the error; empty: a clean end
		packets     int
	}{
		{"interfaces", sectionBlock(), ifaceBlock(), 3_000_000, fmt.Sprintf("offset %d, after packet 0: an interface description behind 65536 others", len(sectionBlock())+maxIfaces*len(ifaceBlock())), 0},
		{"as many interfaces as there may be", sectionBlock(), ifaceBlock(), maxIfaces, "", 0},
		{"sections with interfaces", nil, bytes.Join([][]byte{sectionBlock(), bytes.Repeat(ifaceBlock(), 1000), packetBlock(999, "frame")}, nil), 300, "", 300},
		{"sections", nil, sectionBlock(), 500_000, "", 0},
		{"interfaces with options", sectionBlock(), ifaceBlock(append(option, large...)...), 500, "", 0},
		{"an option longer than its block", sectionBlock(), bad, 1, "an option of 65535 bytes in 0", 0},
		{"names", sectionBlock(), block(4, large...), 500, "", 0},
		{"secrets", sectionBlock(), block(10, large...), 500, "", 0},
		{"blocks of no known kind", sectionBlock(), block(0x80000bad, make([]byte, maxBlock-12)...), 100, "", 0},
		{"a block that is too long", sectionBlock(), block(4, make([]byte, maxBlock-8)...), 1, "expected a multiple of 4 from 12 to", 0},
		{"packets with comments", append(sectionBlock(), ifaceBlock()...), packetBlock(0, string(large)), 500, "", 500},
		{"packets as long as they may be", append(sectionBlock(), ifaceBlock()...), packetBlock(0, strings.Repeat("x", maxFrame)), 100, "", 100},
		{"a packet that is too long", append(sectionBlock(), ifaceBlock()...), packetBlock(0, strings.Repeat("x", maxFrame+4)), 1, fmt.Sprintf("a packet of %d bytes", maxFrame+4), 0},
		{"a classic packet that is too long", pcap(binary.LittleEndian, 0xa1b2c3d4, 1), append(make([]byte, 8), 1, 0, 4, 0, 1, 0, 4, 0), 1, "a packet of 262145 bytes; expected at most 262144", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r, err := NewReader("test", io.MultiReader(bytes.NewReader(c.head), &many{b: c.again, left: c.times}))
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var rec Record
			n := 0
			for err = r.Read(&rec); err == nil; err = r.Read(&rec) {
				n++
			}
			runtime.ReadMemStats(&after)
			if n != c.packets {
				t.Errorf("%d packets, want %d", n, c.packets)
			}
			var corrupt *CorruptError
			if c.want == "" && err != io.EOF || c.want != "" && (!errors.As(err, &corrupt) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
				t.Errorf("%d MB were taken", n>>20)
			}
		})
	}
}
