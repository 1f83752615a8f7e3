package datapath

// own makes the packet's frame and headers its own before they are changed. Whatever has
// been sent, or shares the frame for a nested judgement, keeps the bytes it
// had. The copy lives until the next Process.
func (p *pkt) own() {
	if !p.lent {
		return
	}
	p.frame = p.e.spare(p.frame, 0)
	p.headers = *p.h
	p.h = &p.headers
	p.lent = false
}

// room gives n bytes of the engine's memory.
func (e *Engine) room(n int) []byte {
	if len(e.spares)+n > cap(e.spares) {
		// What is in use stays where it is. In steady state the new memory
		// is enough for a whole vector.
		e.spares = make([]byte, 0, max(2*cap(e.spares), n, 16<<10))
	}
	at := len(e.spares)
	e.spares = e.spares[:at+n]
	return e.spares[at : at+n : at+n]
}

// spare copies a frame into the engine's memory, behind headroom bytes that
// may be put before it.
func (e *Engine) spare(frame []byte, headroom int) []byte {
	b := e.room(headroom + len(frame))
	copy(b[headroom:], frame)
	return b[headroom:]
}
