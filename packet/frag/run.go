package frag

// A queue's fragments are kept as runs, as Linux keeps them (inet_fragment.c
// inet_frag_queue_insert): a fragment that continues the last run is appended
// to it, every other one begins a run of its own. Which is which shows: a
// fragment that lies within one run is a duplicate, one that touches two is an
// overlap, even if all of its bytes are there.
//
// Runs are a treap by offset, so that nobody can make a queue slow to search;
// all fragments are a list by offset besides.

// node is a fragment that waits.
type node struct {
	next  uint32 // the one behind it, by offset
	chunk uint32 // where its bytes begin
	off   uint32 // of its payload in the packet, in bytes
	len   uint32 // of its payload, in bytes
	skip  uint32 // bytes of headers that stand before the payload in the chunks

	// Of a run's first fragment only.
	left, right uint32 // in the treap
	prio        uint32
	end         uint32 // where the run's payload ends
	last        uint32 // the run's last fragment
}

// nodeSize is what a node counts against the limit.
const nodeSize = 40

// nodes is a pool of fragments, linked by number. Number 0 is none.
type nodes struct {
	all  []node
	free uint32
}

func (s *nodes) get() uint32 {
	if s.free == 0 {
		if len(s.all) == 0 {
			s.all = append(s.all, node{})
		}
		s.all = append(s.all, node{})
		return uint32(len(s.all) - 1)
	}
	i := s.free
	s.free = s.all[i].next
	s.all[i] = node{}
	return i
}

// release frees a list in one go.
func (s *nodes) release(first, last uint32) {
	if first != 0 {
		s.all[last].next = s.free
		s.free = first
	}
}

// runs are the fragments of one queue.
type runs struct {
	root  uint32 // treap of runs
	first uint32 // the lowest fragment
	tail  uint32 // the one that ends last: the list's end, with none behind it, and the last run's
	run   uint32 // the last run
}

// insert finds a place for the bytes from off to end, of which n are there (an
// IPv6 header may promise more than the frame holds). It returns the
// fragment's number, or 0 and why there is none.
func (q *runs) insert(s *nodes, off, end, n, prio uint32) (uint32, Result) {
	if q.tail == 0 {
		i := s.get()
		s.all[i] = node{off: off, len: n, prio: prio, end: off + n, last: i}
		*q = runs{i, i, i, i}
		return i, Held
	}
	t := &s.all[q.tail]
	if reached := t.off + t.len; reached < end {
		if off < reached {
			return 0, Overlap
		}
		i := s.get()
		s.all[q.tail].next = i
		s.all[i] = node{off: off, len: n, prio: prio, end: off + n, last: i}
		q.tail = i
		if off == reached {
			r := &s.all[q.run]
			r.end, r.last = off+n, i
			return i, Held
		}
		q.run = i
		q.root = s.graft(q.root, i)
		return i, Held
	}
	before := uint32(0)
	for at := q.root; at != 0; {
		r := &s.all[at]
		switch {
		case end <= r.off:
			at = r.left
		case off >= r.end:
			before, at = at, r.right
		case off >= r.off && end <= r.end:
			return 0, Duplicate
		default:
			return 0, Overlap
		}
	}
	i := s.get()
	f := &s.all[i]
	*f = node{off: off, len: n, prio: prio, end: off + n, last: i}
	if before == 0 {
		f.next, q.first = q.first, i
	} else {
		p := &s.all[s.all[before].last]
		f.next, p.next = p.next, i
	}
	q.root = s.graft(q.root, i)
	return i, Held
}

// graft puts run i into the treap at root and returns the new root.
func (s *nodes) graft(root, i uint32) uint32 {
	n := &s.all[i]
	top := root
	at := &top
	for *at != 0 && s.all[*at].prio >= n.prio {
		if r := &s.all[*at]; n.off < r.off {
			at = &r.left
		} else {
			at = &r.right
		}
	}
	rest := *at
	*at = i
	// What was there is parted by the new run's offset.
	l, r := &n.left, &n.right
	for rest != 0 {
		m := &s.all[rest]
		if m.off < n.off {
			*l, l, rest = rest, &m.right, m.right
		} else {
			*r, r, rest = rest, &m.left, m.left
		}
	}
	*l, *r = 0, 0
	return top
}
