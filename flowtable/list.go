package flowtable

import "unsafe"

// chunkSize keeps growth cheap: a list never copies what it holds, so adding
// a flow costs the same at ten entries and at ten million.
const chunkSize = 1 << 13

// list is a dense, unordered array. T must hold no pointers: then the collector
// does not scan it.
type list[T any] struct {
	chunks [][]T
	n      int
}

func (l *list[T]) len() int { return l.n }

func (l *list[T]) at(i int) T { return l.chunks[i/chunkSize][i%chunkSize] }

func (l *list[T]) set(i int, r T) { l.chunks[i/chunkSize][i%chunkSize] = r }

// add appends and returns the position.
func (l *list[T]) add(r T) int {
	if l.n == len(l.chunks)*chunkSize {
		l.chunks = append(l.chunks, make([]T, chunkSize))
	}
	l.set(l.n, r)
	l.n++
	return l.n - 1
}

// remove fills position i with the last entry and returns that entry, so that
// its owner can be told where it is now; ok is false when i was the last.
func (l *list[T]) remove(i int) (moved T, ok bool) {
	l.n--
	if i == l.n {
		return moved, false
	}
	moved = l.at(l.n)
	l.set(i, moved)
	return moved, true
}

func (l *list[T]) memory() int {
	var one T
	return len(l.chunks) * chunkSize * int(unsafe.Sizeof(one))
}
