package replay

import (
	"fmt"
	"io"
	"time"
)

// progress is a line on a terminal that is rewritten once a second. A replay
// that is over within a second shows none.
type progress struct {
	w     io.Writer // nil: nobody watches
	last  time.Time
	count uint64 // packets at last
	shown bool
}

func (p *progress) show(packets uint64, entries int) {
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
	fmt.Fprintf(p.w, "\r\x1b[K%d packets, %.2f M/s, %d entries", packets, float64(packets-p.count)/d.Seconds()/1e6, entries)
	p.last, p.count, p.shown = now, packets, true
}

// clear takes the line away.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
