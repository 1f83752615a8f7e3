package flowtable

import "sluice/packet"

// pages is an array that grows by pages, moves nothing, and costs memory only
// where it is used. T must hold no pointers: then the collector does not scan
// it.
type pages[T any] struct{ page [][]T }

// at returns element i, and makes its page if there is none.
func (p *pages[T]) at(i int) *T {
	n := i / chunkSize
	for n >= len(p.page) {
		p.page = append(p.page, nil)
	}
	if p.page[n] == nil {
		p.page[n] = make([]T, chunkSize)
	}
	return &p.page[n][i%chunkSize]
}

// peek returns element i, or nil where no page is.
func (p *pages[T]) peek(i int) *T {
	n := i / chunkSize
	if n >= len(p.page) || p.page[n] == nil {
		return nil
	}
	return &p.page[n][i%chunkSize]
}

func (p *pages[T]) len() (n int) {
	for _, g := range p.page {
		n += len(g)
	}
	return n
}

// queue is a double-ended queue of connections. It grows as needed and keeps
// its memory.
type queue struct {
	ring []packet.ConnRef // a power of two
	head int
	n    int
}

func (q *queue) len() int { return q.n }

func (q *queue) grow() {
	ring := make([]packet.ConnRef, max(2*len(q.ring), 256))
	for i := range q.n {
		ring[i] = q.at(i)
	}
	q.ring, q.head = ring, 0
}

func (q *queue) at(i int) packet.ConnRef { return q.ring[(q.head+i)&(len(q.ring)-1)] }

func (q *queue) push(r packet.ConnRef) {
	if q.n == len(q.ring) {
		q.grow()
	}
	q.ring[(q.head+q.n)&(len(q.ring)-1)] = r
	q.n++
}

// unpop puts back what pop has given last.
func (q *queue) unpop(r packet.ConnRef) {
	if q.n == len(q.ring) {
		q.grow()
	}
	q.head = (q.head - 1) & (len(q.ring) - 1)
	q.ring[q.head] = r
	q.n++
}

// pop takes the oldest; 0 if there is none.
func (q *queue) pop() packet.ConnRef {
	if q.n == 0 {
		return 0
	}
	r := q.ring[q.head]
	q.head = (q.head + 1) & (len(q.ring) - 1)
	q.n--
	return r
}
