package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"sluice/port"
)

// Sizes of the ring between the reader and the datapath. A batch is large
// enough that passing it on costs nothing, and all of them together still fit
// a core's second-level cache a few times over.
const (
	batchFrames = 2048
	batchBytes  = 256 << 10
	batches     = 4
)

// frame is one frame in a batch.
type frame struct {
	off, len uint32 // in the batch's data
	dev      int32  // the capture's own, or as the feed's splitter tells
	time     int64  // ns since the epoch, as captured
}

// batch is a run of frames in the order of their times. Whoever got it from
// one of the feed's channels owns it.
type batch struct {
	data   []byte
	frames []frame
	err    error // why the feed ended after these frames; nil: it goes on, or ended well
	judged bool  // the datapath has had it
}

// Input is a capture and the device on which its frames came in.
type Input struct {
	Device string // empty: --split initiator tells
	File   string
}

// InputReport is what was read from one capture.
type InputReport struct {
	File    string `json:"file"`
	Device  string `json:"device,omitempty"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	// Backwards counts frames whose time was before that of the frame ahead
	// of them in their capture.
	Backwards uint64 `json:"time_went_backwards"`
	// Late counts frames that were judged at a later time than their own,
	// since one of any capture had already come at that time; MostLate is by
	// how much at most.
	Late     uint64 `json:"judged_late"`
	MostLate int64  `json:"most_late_ns"`
	// Cut counts frames of which the capture holds the beginning only.
	Cut uint64 `json:"cut_by_snap_length"`
}

// source is a capture being read, with its next frame.
type source struct {
	InputReport
	r    *port.Reader
	rec  port.Record
	dev  int32
	last int64
	done bool
}

// next reads the next frame.
func (s *source) next() error {
	err := s.r.Read(&s.rec)
	if err == io.EOF { // the clean end, never wrapped
		s.done = true
		return nil
	}
	return err
}

// feed reads captures ahead of the datapath. Its goroutine holds mu at all
// times but when it waits: for a file, or for the datapath. So whoever takes
// mu finds all else in good order.
type feed struct {
	sources []*source
	until   uint64    // frames
	split   *splitter // tells frames' devices; nil: the datapath's side does
	full    chan *batch
	free    chan *batch

	mu      sync.Mutex
	filling *batch // being filled, or waiting to be handed over
	now     int64  // the latest time so far
	stopped bool   // nobody wants more
	handed  bool   // the last batch that was passed on found a taker
	broken  error  // why captures broke off

	complete bool // everything has been handed over; valid when full is closed
}

// errStopped ends the feed's goroutine once the replay is over.
var errStopped = errors.New("stopped")

// waiting is a file that is read without holding the feed's mutex: it may
// be a pipe.
type waiting struct {
	f *feed
	r io.Reader
}

func (w waiting) Read(b []byte) (int, error) {
	w.f.mu.Unlock()
	n, err := w.r.Read(b)
	w.f.mu.Lock()
	if w.f.stopped {
		return 0, errStopped
	}
	return n, err
}

// openFeed opens all captures and reads the first frame of each, so that a
// capture that cannot be replayed is refused before anything happens. It gives
// up when ctx is done: a pipe may have nothing to say.
func openFeed(ctx context.Context, inputs []Input, devs []int32, until uint64) (*feed, error) {
	f := &feed{until: until, now: math.MinInt64, full: make(chan *batch, batches), free: make(chan *batch, batches)}
	if until == 0 {
		f.until = math.MaxUint64
	}
	for range batches {
		f.free <- &batch{data: make([]byte, 0, batchBytes), frames: make([]frame, 0, batchFrames)}
	}
	opened := make(chan error, 1)
	go func() { opened <- f.open(inputs, devs) }()
	select {
	case err := <-opened:
		return f, err
	case <-ctx.Done():
		return nil, fmt.Errorf("stopped before the first packet: %w", context.Cause(ctx))
	}
}

func (f *feed) open(inputs []Input, devs []int32) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	for i, in := range inputs {
		r, err := port.OpenThrough(in.File, func(r io.Reader) io.Reader { return waiting{f, r} })
		if err != nil {
			return err
		}
		s := &source{InputReport: InputReport{File: in.File, Device: in.Device}, r: r, dev: devs[i], last: math.MinInt64}
		f.sources = append(f.sources, s)
		var corrupt *port.CorruptError
		switch err := s.next(); {
		case errors.As(err, &corrupt) && len(inputs) > 1:
			f.breakOff(s, err)
		case err != nil:
			return err
		}
	}
	if f.broken != nil && f.earliest() == nil {
		return f.broken
	}
	return nil
}

func (f *feed) close() {
	for _, s := range f.sources {
		s.r.Close()
	}
}

// begins is the time of the first frame; 0 if there is none.
func (f *feed) begins() int64 {
	if s := f.earliest(); s != nil {
		return s.rec.Time
	}
	return 0
}

// run fills batches until the captures end, one of them turns out bad, or the
// replay is over; then it closes full. The reports may be read from then on.
func (f *feed) run(ctx context.Context) {
	defer close(f.full)
	defer f.close()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return
	}
	f.filling = <-f.free
	if err := f.fill(ctx); !errors.Is(err, errStopped) {
		f.filling.err = err
		_ = f.pass(ctx) // nobody needs another batch
		f.complete = f.handed
	}
}

// stop ends the feed and returns what it had not handed over yet; nil if there
// is nothing of that kind. The reports hold still from then on.
func (f *feed) stop() *batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	return f.filling
}

// fill reads everything.
//
// When a capture breaks off, the others go on up to its last frame: what comes
// later would lack one side. One without a single frame says nothing of when,
// and holds nobody up.
func (f *feed) fill(ctx context.Context) error {
	end := int64(math.MaxInt64)
	for n := uint64(0); n < f.until; n++ {
		s := f.earliest()
		if s == nil || s.rec.Time > end {
			return f.broken
		}
		b := f.filling
		if len(b.frames) == batchFrames || len(b.frames) > 0 && len(b.data)+len(s.rec.Data) > batchBytes {
			if err := f.pass(ctx); err != nil {
				return err
			}
			b = f.filling
		}
		f.take(b, s)
		if n+1 == f.until {
			return f.broken
		}
		if err := s.next(); err != nil {
			if errors.Is(err, errStopped) {
				return err
			}
			f.breakOff(s, err)
			end = min(end, s.last)
		}
	}
	return f.broken
}

// breakOff notes that a capture has no more frames, and why.
func (f *feed) breakOff(s *source, err error) {
	s.done = true
	f.broken = errors.Join(f.broken, err)
}

// pass hands the batch over and takes an empty one.
func (f *feed) pass(ctx context.Context) error {
	b, err := f.filling, error(nil)
	f.mu.Unlock()
	f.handed = false
	select {
	case f.full <- b:
		f.handed = true
	case <-ctx.Done():
		err = errStopped
	}
	if err == nil && b.err == nil {
		select {
		case b = <-f.free:
		case <-ctx.Done():
			err = errStopped
		}
	}
	f.mu.Lock()
	if err != nil || f.stopped {
		return errStopped
	}
	if b != f.filling {
		b.data, b.frames, b.judged = b.data[:0], b.frames[:0], false
		f.filling = b
	}
	return nil
}

// earliest is the source with the next frame in time, the first of equals, or
// nil when all are at their end.
func (f *feed) earliest() *source {
	if len(f.sources) == 1 && !f.sources[0].done {
		return f.sources[0]
	}
	var best *source
	for _, s := range f.sources {
		if !s.done && (best == nil || s.rec.Time < best.rec.Time) {
			best = s
		}
	}
	return best
}

// take copies a source's next frame into a batch.
func (f *feed) take(b *batch, s *source) {
	data := s.rec.Data
	s.Packets++
	s.Bytes += uint64(len(data))
	if s.rec.Time < s.last {
		s.Backwards++
	}
	s.last = s.rec.Time
	if s.rec.Time < f.now {
		s.Late++
		s.MostLate = max(s.MostLate, f.now-s.rec.Time)
	}
	f.now = max(f.now, s.rec.Time)
	if s.rec.OrigLen > len(data) {
		s.Cut++
	}
	dev := s.dev
	if f.split != nil {
		dev = f.split.device(data, dev)
	}
	b.frames = append(b.frames, frame{uint32(len(b.data)), uint32(len(data)), dev, s.rec.Time})
	b.data = append(b.data, data...)
}
