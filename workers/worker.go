package workers

import (
	"sync"

	"sluice/datapath"
	"sluice/packet"
	"sluice/packet/frag"
)

// Worker judges the packets of its connections. One goroutine uses it.
type Worker struct {
	set    *Set
	number int
	e      *datapath.Engine
	mu     sync.Mutex     // held while packets are judged
	part   *packet.Vector // of a vector with fragments: what goes through at once
	hold   []byte         // frames of such a vector
}

// Number is the worker's place among Workers.
func (w *Worker) Number() int { return w.number }

// Engine is the worker's engine, for use while no worker runs.
func (w *Worker) Engine() *datapath.Engine { return w.e }

// Process judges a vector of frames that Steer has given to this worker, as
// datapath.Engine.Process does.
func (w *Worker) Process(v *packet.Vector) {
	if w.set.shared != nil && w.set.plan.Load().tracks {
		for i := range v.N {
			if fragment(v.Frame[i]) {
				w.pieces(v)
				return
			}
		}
	}
	w.mu.Lock()
	w.e.Tracker().Lock()
	w.e.Process(v)
	w.e.Tracker().Unlock()
	w.mu.Unlock()
}

// Tick does a bounded share of the maintenance that is due at now.
func (w *Worker) Tick(now int64) {
	w.mu.Lock()
	w.e.Tracker().Lock()
	w.e.Tick(now)
	w.e.Tracker().Unlock()
	w.mu.Unlock()
	if w.number == 0 && w.set.shared != nil {
		w.set.fragsTick(now)
	}
}

// pieces judges a vector with fragments in it. Which connection a fragment is
// of may be known to nobody yet, the fragments of all workers wait in one place,
// and whoever gets the last one puts them together: each is judged while
// everybody else stands still, by the worker that has the packet's connection.
func (w *Worker) pieces(v *packet.Vector) {
	if w.part == nil {
		w.part = new(packet.Vector)
	}
	w.hold = w.hold[:0]
	v.Tx, v.Samples = v.Tx[:0], v.Samples[:0]
	for lo := 0; lo < v.N; {
		if fragment(v.Frame[lo]) {
			w.piece(v, lo)
			lo++
			continue
		}
		hi := lo + 1
		for hi < v.N && !fragment(v.Frame[hi]) {
			hi++
		}
		w.take(v, lo, hi)
		w.mu.Lock()
		w.e.Tracker().Lock()
		w.e.Process(w.part)
		w.e.Tracker().Unlock()
		w.mu.Unlock()
		w.give(v, lo)
		lo = hi
	}
}

// piece judges fragment i of a vector.
func (w *Worker) piece(v *packet.Vector, i int) {
	s := w.set
	w.take(v, i, i+1)
	s.stop()
	defer s.resume()
	p := s.plan.Load()
	at := w.number
	var h packet.Headers
	if packet.Parse(v.Frame[i], &h); frag.IsFragment(v.Frame[i], &h) {
		if lead := s.lead(v.Now, v.Frame[i], &h, v.M[i].Dev, p, nil); lead != nil {
			packet.Parse(lead, &h)
			h.Flags &^= packet.IsFrag
			at = s.member(lead, &h, p)
		}
	}
	s.workers[at].e.Process(w.part)
	w.give(v, i)
	s.frags.Recycle()
	s.fragsLater(v.Now)
}

// take makes packets lo to hi of a vector one of their own.
func (w *Worker) take(v *packet.Vector, lo, hi int) {
	w.part.Reset()
	w.part.Now = v.Now
	for i := lo; i < hi; i++ {
		w.part.Add(v.Frame[i], v.M[i].Dev)
		w.part.M[i-lo] = v.M[i]
	}
}

// give writes down in a vector, from lo on, what became of them. Frames are the
// worker's until its next vector.
func (w *Worker) give(v *packet.Vector, lo int) {
	p := w.part
	for i := range p.N {
		v.Frame[lo+i], v.H[lo+i], v.M[lo+i] = w.keep(p.Frame[i]), p.H[i], p.M[i]
		v.Verdict[lo+i], v.Reason[lo+i] = p.Verdict[i], p.Reason[i]
	}
	for _, tx := range p.Tx {
		tx.Pkt += int32(lo)
		tx.Frame = w.keep(tx.Frame)
		v.Tx = append(v.Tx, tx)
	}
}

// keep copies a frame.
func (w *Worker) keep(frame []byte) []byte {
	n := len(w.hold)
	w.hold = append(w.hold, frame...)
	return w.hold[n:len(w.hold):len(w.hold)]
}
