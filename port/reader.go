package port

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"github.com/klauspost/compress/gzip"
	"io"
	"os"
)

// Record is one packet of a capture.
type Record struct {
	Time    int64  // nanoseconds since 1970
	Data    []byte // the frame from its Ethernet header on; valid until the next Read
	OrigLen int    // length on the wire; more than len(Data) if the capture cut it
	Iface   int    // interface in the capture, counted over all its sections
}

// Reader reads a capture.
type Reader struct {
	name    string
	file    io.Closer
	raw     *counter
	total   int64
	br      *bufio.Reader
	off     int64 // bytes of the capture consumed
	packets uint64
	buf     []byte
	order   binary.ByteOrder
	next    func(*Reader, *Record) error

	// pcap
	frac int64 // nanoseconds of a unit of the fraction

	// pcapng
	ifaces []iface // of the current section
	base   int     // interfaces of earlier sections
}

// counter counts what is read from the file itself.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// Open opens a capture file. What it is, is told by its content: pcap with
// microseconds or nanoseconds in either byte order, pcapng, or gzip of these.
// Errors are *CorruptError, *LinkTypeError, or the file system's.
//
// "-" is standard input.
func Open(path string) (*Reader, error) {
	return OpenThrough(path, func(r io.Reader) io.Reader { return r })
}

// OpenThrough is Open for a caller that wants to know when the file is being
// read: through is given the file and returns what is read instead.
func OpenThrough(path string, through func(io.Reader) io.Reader) (*Reader, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("open capture: %w", err)
		}
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		f.Close()
		return nil, fmt.Errorf("open capture: %s is a directory; want a pcap or pcapng file", path)
	}
	r, err := NewReader(path, through(f))
	if err != nil {
		f.Close()
		return nil, err
	}
	r.file = f
	if st != nil {
		r.total = st.Size()
	}
	return r, nil
}

// NewReader reads a capture from r; name is for messages.
func NewReader(name string, r io.Reader) (*Reader, error) {
	rd := &Reader{name: name, raw: &counter{r: r}, buf: make([]byte, 0, 2048)}
	rd.br = bufio.NewReaderSize(rd.raw, 256<<10)
	magic, err := rd.br.Peek(2)
	if err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(rd.br)
		if err != nil {
			return nil, rd.corrupt("gzip header", err)
		}
		rd.br = bufio.NewReaderSize(z, 256<<10)
	}
	return rd, rd.begin()
}

// begin reads what the capture starts with.
func (r *Reader) begin() error {
	magic, err := r.br.Peek(4)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return r.corrupt("a capture begins with four bytes that name its format", err)
	}
	switch m := binary.LittleEndian.Uint32(magic); m {
	case 0xa1b2c3d4, 0xa1b23c4d:
		return r.pcapHeader(binary.LittleEndian, m)
	case 0xd4c3b2a1, 0x4d3cb2a1:
		return r.pcapHeader(binary.BigEndian, binary.BigEndian.Uint32(magic))
	case blockSection:
		r.next = (*Reader).pcapngNext
		return nil
	}
	return r.corrupt(fmt.Sprintf("no capture: it begins with % x, neither pcap's nor pcapng's magic number", magic), nil)
}

// Read reads the next packet. It returns io.EOF at a clean end; a
// *CorruptError or *LinkTypeError otherwise, and again if called again.
func (r *Reader) Read(rec *Record) error {
	if err := r.next(r, rec); err != nil {
		r.next = func(*Reader, *Record) error { return err }
		return err
	}
	r.packets++
	return nil
}

// Progress tells how many bytes of the file have been read, and of how many;
// the total is zero when it is not known.
func (r *Reader) Progress() (read, total int64) { return r.raw.n, r.total }

// Close closes the file.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

func (r *Reader) corrupt(what string, err error) error {
	return &CorruptError{File: r.name, Offset: r.off, Packet: r.packets, What: what, Err: err}
}

// take returns the next n bytes. They are valid until the next take.
func (r *Reader) take(n int, what string) ([]byte, error) {
	if n <= r.br.Size() {
		b, err := r.br.Peek(n)
		if err != nil {
			return nil, r.short(len(b), n, what, err)
		}
		_, _ = r.br.Discard(n) // cannot fail: the bytes are there
		r.off += int64(n)
		return b, nil
	}
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	if m, err := io.ReadFull(r.br, b); err != nil {
		return nil, r.short(m, n, what, err)
	}
	r.off += int64(n)
	return b, nil
}

// short explains a read that came up short. Nothing at all, where a record
// would begin, is the clean end.
func (r *Reader) short(have, want int, what string, err error) error {
	if have == 0 && errors.Is(err, io.EOF) && what == "" {
		return io.EOF
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if what == "" {
		what = "packet header"
	}
	return r.corrupt(fmt.Sprintf("%s of %d bytes is cut off after %d", what, want, have), err)
}
