package packet

// Arena is memory for frames that a vector's packets are rewritten into. It
// grows by chunks up to a bound, keeps them, and gives all of it out anew
// after Reset. The zero value is ready.
type Arena struct {
	chunks [][]byte
	chunk  int // the one that is being given out
	used   int // of it
}

// Bounds of an arena: a chunk holds the largest frame there is, twice.
const (
	arenaChunk  = 1 << 18
	arenaChunks = 128 // 32 MiB
)

// Reset makes all memory free again. What Alloc gave must not be used any
// more.
func (a *Arena) Reset() { a.chunk, a.used = 0, 0 }

// ArenaMark is a place in an arena.
type ArenaMark struct{ chunk, used int }

// Mark is where the next Alloc begins.
func (a *Arena) Mark() ArenaMark { return ArenaMark{a.chunk, a.used} }

// Return makes what was given since a mark free again.
func (a *Arena) Return(m ArenaMark) { a.chunk, a.used = m.chunk, m.used }

// Left is a number of bytes that can be had in any case, in pieces of at most
// half a chunk.
func (a *Arena) Left() int { return max(arenaChunks-1-a.chunk, 0) * (arenaChunk / 2) }

// Alloc gives n bytes whose content is undefined, nil when the arena is full
// or n is larger than a chunk.
func (a *Arena) Alloc(n int) []byte {
	if n > arenaChunk {
		return nil
	}
	if a.chunk < len(a.chunks) && a.used+n > arenaChunk {
		a.chunk, a.used = a.chunk+1, 0
	}
	if a.chunk == len(a.chunks) {
		if a.chunk == arenaChunks {
			return nil
		}
		a.chunks = append(a.chunks, make([]byte, arenaChunk))
	}
	b := a.chunks[a.chunk][a.used : a.used+n : a.used+n]
	a.used += (n + 63) &^ 63
	if a.used > arenaChunk {
		a.used = arenaChunk
	}
	return b
}
