package sim

import (
	"sluice/offload"
	"sluice/packet"
)

// queue holds requests until their time, and answers until somebody asks. The
// card does one request after the other.
type queue struct {
	asked ring[item]
	ready ring[answer]
	late  []lateAnswer // a heap by time
	seq   uint64
	open  int // additions and readings taken and not answered
	free  int64
	rest  [2]int64 // of a nanosecond, by rate: what rounding has left over
	rate  [2]int64 // additions and removals a second; 0: no limit
	delay int64
}

// item is a request under way.
type item struct {
	due  int64
	conn packet.ConnRef
	slot uint32
	op   offload.Op
}

// answer is a completion on its way to whoever asks.
type answer struct {
	slot uint32
	c    offload.Completion
}

type lateAnswer struct {
	at  int64
	seq uint64
	answer
}

func (q *queue) init(c *Config) {
	slow := max(c.Faults.Slow, 1)
	q.delay = int64(min(float64(c.Delay)*slow, float64(maxTime)))
	for i, r := range [...]int64{c.Rate, c.Removals} {
		if q.rate[i] = r; r > 0 {
			q.rate[i] = max(int64(float64(r)/slow), 1)
		}
	}
}

// counts is how many places of the queue a request takes.
func (q *queue) counts(op offload.Op) int {
	if op == offload.Remove {
		return 0
	}
	return 1
}

// push takes a request at a time. It is done when those before it are, and it
// has had its own time.
func (q *queue) push(now int64, it item) {
	q.free = max(q.free, now)
	if it.op != offload.Read {
		if r := q.rate[it.op]; r > 0 {
			t := q.rest[it.op] + 1e9
			q.free += t / r
			q.rest[it.op] = t % r
		}
	}
	it.due = q.free + q.delay
	q.open += q.counts(it.op)
	q.asked.push(it)
}

func (q *queue) waiting() bool      { return q.asked.n > 0 }
func (q *queue) due(now int64) bool { return q.asked.n > 0 && q.asked.front().due <= now }
func (q *queue) pop() item          { return q.asked.pop() }

// answer keeps an answer until a time.
func (q *queue) answer(a answer, at, now int64) {
	if at <= now {
		q.ready.push(a)
		return
	}
	q.seq++
	q.late = append(q.late, lateAnswer{at, q.seq, a})
	for i := len(q.late) - 1; i > 0; {
		up := (i - 1) / 2
		if !q.late[i].before(&q.late[up]) {
			break
		}
		q.late[i], q.late[up] = q.late[up], q.late[i]
		i = up
	}
}

func (a *lateAnswer) before(b *lateAnswer) bool {
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}

// tellLate moves answers whose time has come to those that are ready.
func (q *queue) tellLate(now int64) {
	for len(q.late) > 0 && q.late[0].at <= now {
		q.ready.push(q.late[0].answer)
		last := len(q.late) - 1
		q.late[0] = q.late[last]
		q.late = q.late[:last]
		for i := 0; ; {
			kid := 2*i + 1
			if kid >= last {
				break
			}
			if kid+1 < last && q.late[kid+1].before(&q.late[kid]) {
				kid++
			}
			if !q.late[kid].before(&q.late[i]) {
				break
			}
			q.late[i], q.late[kid] = q.late[kid], q.late[i]
			i = kid
		}
	}
}

// ring is a queue that grows and is then reused.
type ring[T any] struct {
	b       []T // a power of two of them
	head, n int
}

func (r *ring[T]) front() *T { return &r.b[r.head] }

func (r *ring[T]) push(v T) {
	if r.n == len(r.b) {
		b := make([]T, max(64, 2*r.n))
		k := copy(b, r.b[r.head:])
		copy(b[k:], r.b[:r.head])
		r.b, r.head = b, 0
	}
	r.b[(r.head+r.n)&(len(r.b)-1)] = v
	r.n++
}

func (r *ring[T]) pop() T {
	v := r.b[r.head]
	r.head = (r.head + 1) & (len(r.b) - 1)
	r.n--
	return v
}
