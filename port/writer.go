package port

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// Writer writes a pcapng capture with nanosecond times. The same packets give
// the same bytes: nothing of the machine or the moment goes into the file.
type Writer struct {
	w      *bufio.Writer
	file   *os.File
	ifaces int
	buf    []byte
}

// Create makes a capture file with one interface for each name.
func Create(path string, ifaces []string) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create capture: %w", err)
	}
	w, err := NewWriter(f, ifaces)
	if err != nil {
		f.Close()
		return nil, err
	}
	w.file = f
	return w, nil
}

// NewWriter writes a capture to w.
func NewWriter(w io.Writer, ifaces []string) (*Writer, error) {
	wr := &Writer{w: bufio.NewWriterSize(w, 256<<10), ifaces: len(ifaces)}
	le := binary.LittleEndian
	b := wr.begin(blockSection)
	b = le.AppendUint32(b, byteOrderMagic)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 0)
	b = le.AppendUint64(b, ^uint64(0)) // section length: not given
	if err := wr.end(b); err != nil {
		return nil, err
	}
	for _, name := range ifaces {
		b := wr.begin(blockInterface)
		b = le.AppendUint16(b, ethernet)
		b = le.AppendUint16(b, 0)
		b = le.AppendUint32(b, maxFrame)
		b = appendOption(b, optIfName, name)
		b = appendOption(b, optTSResol, "\x09")
		b = le.AppendUint32(b, optEnd)
		if err := wr.end(b); err != nil {
			return nil, err
		}
	}
	return wr, nil
}

// Write appends a packet of interface iface at time t, in nanoseconds since
// 1970. A comment, if not empty, goes with it where Wireshark shows it.
func (w *Writer) Write(iface int, t int64, data []byte, comment string) error {
	if iface < 0 || iface >= w.ifaces {
		return fmt.Errorf("write packet: no interface %d", iface)
	}
	le := binary.LittleEndian
	b := w.begin(blockEnhanced)
	b = le.AppendUint32(b, uint32(iface))
	b = le.AppendUint32(b, uint32(uint64(t)>>32))
	b = le.AppendUint32(b, uint32(t))
	b = le.AppendUint32(b, uint32(len(data)))
	b = le.AppendUint32(b, uint32(len(data)))
	b = appendPadded(b, data)
	if comment != "" {
		if len(comment) > 65535 {
			comment = comment[:65535]
		}
		b = appendOption(b, optComment, comment)
		b = le.AppendUint32(b, optEnd)
	}
	return w.end(b)
}

// begin starts a block in the writer's buffer.
func (w *Writer) begin(typ uint32) []byte {
	b := binary.LittleEndian.AppendUint32(w.buf[:0], typ)
	return append(b, 0, 0, 0, 0)
}

// end closes the block: its length stands at both ends.
func (w *Writer) end(b []byte) error {
	n := uint32(len(b) + 4)
	binary.LittleEndian.PutUint32(b[4:], n)
	b = binary.LittleEndian.AppendUint32(b, n)
	w.buf = b
	if _, err := w.w.Write(b); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

func appendOption(b []byte, code uint16, v string) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
	return appendPadded(b, v)
}

func appendPadded[T string | []byte](b []byte, v T) []byte {
	b = append(b, v...)
	for range -len(v) & 3 {
		b = append(b, 0)
	}
	return b
}

// Close flushes and closes the file.
func (w *Writer) Close() error {
	err := w.w.Flush()
	if w.file != nil {
		if cerr := w.file.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return fmt.Errorf("close capture: %w", err)
	}
	return nil
}
