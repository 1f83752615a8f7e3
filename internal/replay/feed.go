package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

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
	dev      int32  // the capture's own
	time     int64  // ns since the epoch, as captured
}

// batch is a run of frames in the order of their times. Whoever got it from
// one of the feed's channels owns it.
type batch struct {
	data   []byte
	frames []frame
	err    error // why the feed ended after these frames; nil: it goes on, or ended well
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
	// of them; they are judged at the time already reached.
	Backwards uint64 `json:"time_went_backwards"`
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
	if errors.Is(err, io.EOF) {
		s.done = true
		return nil
	}
	return err
}

// feed reads captures ahead of the datapath.
type feed struct {
	sources []*source
	until   uint64 // frames
	full    chan *batch
	free    chan *batch
}

// openFeed opens all captures and reads the first frame of each.
func openFeed(inputs []Input, devs []int32, until uint64) (*feed, error) {
	f := &feed{until: until, full: make(chan *batch, batches), free: make(chan *batch, batches)}
	if until == 0 {
		f.until = math.MaxUint64
	}
	for i, in := range inputs {
		r, err := port.Open(in.File)
		if err != nil {
			f.close()
			return nil, err
		}
		f.sources = append(f.sources, &source{
			InputReport: InputReport{File: in.File, Device: in.Device},
			r:           r, dev: devs[i], last: math.MinInt64,
		})
	}
	for range batches {
		f.free <- &batch{data: make([]byte, 0, batchBytes), frames: make([]frame, 0, batchFrames)}
	}
	return f, nil
}

func (f *feed) close() {
	for _, s := range f.sources {
		s.r.Close()
	}
}

// run fills batches until the captures end, one of them turns out bad, or ctx
// is done; then it closes full. The reports may be read from then on.
func (f *feed) run(ctx context.Context) {
	defer close(f.full)
	defer f.close()
	b := <-f.free
	err := f.fill(ctx, &b)
	b.err = err
	f.full <- b
}

// fill reads everything. *bp is always the batch being filled.
func (f *feed) fill(ctx context.Context, bp **batch) error {
	for _, s := range f.sources {
		if err := s.next(); err != nil {
			return err
		}
	}
	for n := uint64(0); n < f.until; n++ {
		s := f.earliest()
		if s == nil {
			return nil
		}
		b := *bp
		if len(b.frames) == batchFrames || len(b.frames) > 0 && len(b.data)+len(s.rec.Data) > batchBytes {
			f.full <- b
			*bp = &batch{} // if the datapath gives no more back
			if ctx.Err() != nil {
				return fmt.Errorf("stopped after %d packets: %w", n, context.Cause(ctx))
			}
			select {
			case b = <-f.free:
				b.data, b.frames, *bp = b.data[:0], b.frames[:0], b
			case <-ctx.Done():
				return fmt.Errorf("stopped after %d packets: %w", n, context.Cause(ctx))
			}
		}
		f.take(b, s)
		if n+1 == f.until {
			return nil
		}
		if err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// earliest is the source with the next frame in time, the first of equals, or
// nil when all are at their end.
func (f *feed) earliest() *source {
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
	if s.rec.OrigLen > len(data) {
		s.Cut++
	}
	b.frames = append(b.frames, frame{uint32(len(b.data)), uint32(len(data)), s.dev, s.rec.Time})
	b.data = append(b.data, data...)
}
