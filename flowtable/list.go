package flowtable

import "sluice/packet"

// chunkSize keeps growth cheap: a list never copies what it holds, so adding
// a flow costs the same at ten entries and at ten million.
const chunkSize = 1 << 13

// list is a dense, unordered, pointer-free array of connection references.
type list struct {
	chunks [][]packet.ConnRef
	n      int
}

func (l *list) len() int { return l.n }

func (l *list) at(i int) packet.ConnRef { return l.chunks[i/chunkSize][i%chunkSize] }

func (l *list) set(i int, r packet.ConnRef) { l.chunks[i/chunkSize][i%chunkSize] = r }

// add appends and returns the position.
func (l *list) add(r packet.ConnRef) int {
	if l.n == len(l.chunks)*chunkSize {
		l.chunks = append(l.chunks, make([]packet.ConnRef, chunkSize))
	}
	l.set(l.n, r)
	l.n++
	return l.n - 1
}

// remove fills position i with the last entry and returns that entry, so that
// its owner can be told where it is now; ok is false when i was the last.
func (l *list) remove(i int) (moved packet.ConnRef, ok bool) {
	l.n--
	if i == l.n {
		return 0, false
	}
	moved = l.at(l.n)
	l.set(i, moved)
	return moved, true
}

func (l *list) memory() int { return len(l.chunks) * chunkSize * 8 }
