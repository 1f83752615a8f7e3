package datapath

// headroom is what is kept free before a copied frame, for headers to come.
const headroom = 64

// own makes the packet's frame and headers its own before they are changed,
// with n free bytes before the frame. Whatever has been sent, or shares the
// frame for a nested judgement, keeps the bytes it had. It reports false when
// the vector has no memory left; nothing has changed then.
func (p *pkt) own(n int) bool {
	if !p.lent && p.front >= n {
		return true
	}
	b := p.e.spare(p.frame, headroom+n)
	if b == nil {
		p.reason = ReasonNoMemory
		return false
	}
	if p.h != &p.headers {
		p.headers = *p.h
		p.h = &p.headers
	}
	p.base, p.front, p.lent = b, headroom+n, false
	p.frame = b[p.front:]
	return true
}

// grow makes room for n bytes at the front of a frame that has been made its
// own with so many.
func (p *pkt) grow(n int) {
	p.front -= n
	p.frame = p.base[p.front : p.front+n+len(p.frame)]
}

// shrink gives up n bytes at the front.
func (p *pkt) shrink(n int) {
	p.front += n
	p.frame = p.frame[n:]
}

// wire gives the frame as others see it. From then on they need its bytes.
func (p *pkt) wire() []byte {
	p.lent = true
	return p.frame[min(p.strip, len(p.frame)):]
}

// spare copies a frame into the vector's memory, behind headroom bytes that
// may be put before it, and gives both; nil when there is none left. The copy
// lives until the vector is used again.
func (e *Engine) spare(frame []byte, headroom int) []byte {
	b := e.v.Arena.Alloc(headroom + len(frame))
	if b != nil {
		copy(b[headroom:], frame)
	}
	return b
}
