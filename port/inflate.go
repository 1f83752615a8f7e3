package port

import (
	"bufio"
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// Sizes of the ring between decompression and whoever reads. Deflate's window
// is 32 KiB, and a decompressor gives no more at once.
const (
	inflateBlock  = 32 << 10
	inflateBlocks = 8
)

// inflater reads a file, and decompresses it in a goroutine of its own where it is
// gzip. What it is shows with the first bytes.
type inflater struct {
	src   io.Reader
	begun bool
	quit  chan struct{}
	once  sync.Once

	// Of gzip; nil otherwise.
	full chan inflated
	free chan []byte
	now  inflated // what is being read
	left []byte   // of it
}

// inflated is a block of what came out, and why nothing follows.
type inflated struct {
	room []byte
	n    int
	err  error
}

// gzipHeaderError says that what begins like gzip goes on otherwise.
type gzipHeaderError struct{ error }

func newInflater(src io.Reader) *inflater { return &inflater{src: src, quit: make(chan struct{})} }

func (z *inflater) Read(b []byte) (int, error) {
	if z.full != nil {
		return z.next(b)
	}
	if z.begun || len(b) < 2 {
		return z.src.Read(b)
	}
	z.begun = true
	n, err := 0, error(nil)
	for empty := 0; n < 2 && err == nil; {
		var k int
		k, err = z.src.Read(b[n:])
		if n += k; k > 0 {
			empty = 0
		} else if empty++; empty == 100 && err == nil {
			err = io.ErrNoProgress
		}
	}
	if n < 2 {
		return n, err
	}
	if b[0] != 0x1f || b[1] != 0x8b {
		return n, nil
	}
	z.full, z.free = make(chan inflated, inflateBlocks), make(chan []byte, inflateBlocks)
	for range inflateBlocks {
		z.free <- make([]byte, inflateBlock)
	}
	go z.run(io.MultiReader(bytes.NewReader(bytes.Clone(b[:n])), z.src))
	return z.next(b)
}

// next reads what the goroutine has decompressed.
func (z *inflater) next(b []byte) (int, error) {
	for len(z.left) == 0 {
		if z.now.err != nil {
			return 0, z.now.err
		}
		if z.now.room != nil {
			z.free <- z.now.room // there is room for all of them
		}
		select {
		case z.now = <-z.full:
			z.left = z.now.room[:z.now.n]
		case <-z.quit:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(b, z.left)
	z.left = z.left[n:]
	return n, nil
}

// run decompresses until something ends it.
func (z *inflater) run(src io.Reader) {
	r, err := gzip.NewReader(bufio.NewReaderSize(src, readSize))
	if err != nil {
		z.full <- inflated{err: gzipHeaderError{err}}
		return
	}
	for err == nil {
		var b inflated
		select {
		case b.room = <-z.free:
		case <-z.quit:
			return
		}
		b.n, err = r.Read(b.room)
		b.err = err
		z.full <- b // there is room for all of them
	}
}

// close ends the goroutine, as soon as it waits for nothing else.
func (z *inflater) close() { z.once.Do(func() { close(z.quit) }) }
