package simcmd

import (
	"fmt"
	"io"
	"time"
)

// progress is a line on a terminal that is rewritten once a second. A run that
// is over within a second shows none.
type progress struct {
	w     io.Writer // nil: nobody watches
	name  string
	of    time.Duration
	last  time.Time
	count uint64 // packets at last
	shown bool
}

func (p *progress) show(done time.Duration, packets uint64, conns int) {
	if p.w == nil {
		return
	}
	now := time.Now()
	if p.last.IsZero() {
		p.last = now
		return
	}
	d := now.Sub(p.last)
	if d < time.Second {
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s: %.0f %% of %v, %d packets, %.2f M/s, %d entries", p.name, 100*done.Seconds()/p.of.Seconds(), p.of, packets, float64(packets-p.count)/d.Seconds()/1e6, conns)
	p.last, p.count, p.shown = now, packets, true
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
