package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"sync/atomic"
)

// Record is one packet of a capture.
type Record struct {
	Time    int64  // nanoseconds since 1970
	Data    []byte // the frame from its Ethernet header on; valid until the next Read
	OrigLen int    // length on the wire; more than len(Data) if the capture cut it
	Iface   int    // interface in the capture, counted over all its sections
}

// readSize is how much is read from a file at once.
const readSize = 256 << 10

// Reader reads a capture.
type Reader struct {
	name    string
	file    io.Closer
	raw     *counter
	total   int64
	z       *inflater
	in      io.Reader // the capture, decompressed
	room    []byte
	have    []byte // of room: read and not taken yet
	err     error  // why nothing follows what is there
	off     int64  // bytes of the capture consumed
	packets uint64
	swap    bool // numbers are big-endian
	next    func(*Reader, *Record) error

	// pcap
	frac int64 // nanoseconds of a unit of the fraction

	// pcapng
	begun  bool    // a section has
	ifaces []iface // of the current section
	base   int     // interfaces of earlier sections
}

// counter counts what is read from the file itself.
type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
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

// OpenThrough is Open for a caller that wants to know when somebody waits for the
// file: through is given the capture, decompressed, and returns what is read instead.
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
	r, err := newReader(path, f, through)
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

// NewReader reads a capture from r; name is for messages. Whoever does not read to
// the end closes the reader.
func NewReader(name string, r io.Reader) (*Reader, error) {
	return newReader(name, r, func(r io.Reader) io.Reader { return r })
}

func newReader(name string, r io.Reader, through func(io.Reader) io.Reader) (*Reader, error) {
	rd := &Reader{name: name, raw: &counter{r: r}}
	rd.z = newInflater(rd.raw)
	rd.in = through(rd.z)
	if err := rd.begin(); err != nil {
		rd.z.close()
		return nil, err
	}
	return rd, nil
}

// begin reads what the capture starts with.
func (r *Reader) begin() error {
	if err := r.fill(4); err != nil {
		if header := (gzipHeaderError{}); errors.As(err, &header) {
			return r.corrupt("gzip header", header.error)
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return r.corrupt("a capture begins with four bytes that name its format", err)
	}
	magic := r.have[:4]
	switch m := binary.LittleEndian.Uint32(magic); m {
	case 0xa1b2c3d4, 0xa1b23c4d:
		return r.pcapHeader(m)
	case 0xd4c3b2a1, 0x4d3cb2a1:
		r.swap = true
		return r.pcapHeader(bits.ReverseBytes32(m))
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
func (r *Reader) Progress() (read, total int64) { return r.raw.n.Load(), r.total }

// Close closes the file.
func (r *Reader) Close() error {
	r.z.close()
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
	if n > len(r.have) {
		if err := r.fill(n); err != nil {
			have := len(r.have)
			r.have = nil
			return nil, r.short(have, n, what, err)
		}
	}
	b := r.have[:n:n]
	r.have = r.have[n:]
	r.off += int64(n)
	return b, nil
}

// fill reads on until there are n bytes.
func (r *Reader) fill(n int) error {
	if len(r.room) < n || r.room == nil {
		r.room = make([]byte, max(n, readSize))
	}
	k := copy(r.room, r.have)
	for idle := 0; k < n && r.err == nil; {
		m, err := r.in.Read(r.room[k:])
		k += m
		if r.err = err; m > 0 {
			idle = 0
		} else if idle++; idle == 100 && err == nil {
			r.err = io.ErrNoProgress
		}
	}
	if r.have = r.room[:k]; k < n {
		return r.err
	}
	return nil
}

// u16 and u32 read a number in the capture's byte order.
func (r *Reader) u16(b []byte) uint16 {
	if r.swap {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (r *Reader) u32(b []byte) uint32 {
	if r.swap {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
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
