package frag

// chunkSize is how much of a fragment a chunk holds. Most fragments need one
// to three.
const chunkSize = 512

// Chunks are allocated many at once and never given back: a family's limit
// bounds them.
const chunksPerSlab = 128

// chunks is a pool of memory in pieces, linked by number. Number 0 is none.
type chunks struct {
	slabs []*[chunksPerSlab][chunkSize]byte
	next  []uint32
	free  uint32
}

func (c *chunks) at(i uint32) *[chunkSize]byte { return &c.slabs[i/chunksPerSlab][i%chunksPerSlab] }

func (c *chunks) get() uint32 {
	if c.free == 0 {
		n := uint32(len(c.next))
		c.slabs = append(c.slabs, new([chunksPerSlab][chunkSize]byte))
		c.next = append(c.next, make([]uint32, chunksPerSlab)...)
		for i := max(n, 1); i < n+chunksPerSlab; i++ {
			c.next[i] = c.free
			c.free = i
		}
	}
	i := c.free
	c.free = c.next[i]
	return i
}

// store copies b into chunks, linked behind the chunk tail (0: none), and
// returns the first and the last of them and their number.
func (c *chunks) store(b []byte, tail uint32) (first, last uint32, n int) {
	for len(b) > 0 {
		i := c.get()
		b = b[copy(c.at(i)[:], b):]
		c.next[i] = 0
		if tail != 0 {
			c.next[tail] = i
		}
		if first == 0 {
			first = i
		}
		tail = i
		n++
	}
	return first, tail, n
}

// load copies len(dst) bytes, from skip on, out of the chunks from first on.
func (c *chunks) load(dst []byte, first uint32, skip int) {
	for ; skip >= chunkSize; skip -= chunkSize {
		first = c.next[first]
	}
	for len(dst) > 0 {
		dst = dst[copy(dst, c.at(first)[skip:]):]
		first, skip = c.next[first], 0
	}
}

// release frees the chunks from first to last in one go.
func (c *chunks) release(first, last uint32) {
	if first != 0 {
		c.next[last] = c.free
		c.free = first
	}
}

// slots is a pool of structs addressed by number. Number 0 is none. A pointer
// into it is good until the next get.
type slots[T any] struct {
	all  []T
	free []uint32
}

func (s *slots[T]) at(i uint32) *T { return &s.all[i] }

func (s *slots[T]) get() uint32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		var zero T
		s.all[i] = zero
		return i
	}
	var zero T
	if len(s.all) == 0 {
		s.all = append(s.all, zero)
	}
	s.all = append(s.all, zero)
	return uint32(len(s.all) - 1)
}

func (s *slots[T]) put(i uint32) { s.free = append(s.free, i) }

// arena hands out memory that is all taken back at once.
type arena struct {
	blocks [][]byte
	block  int // the one in use
	used   int // of it

	wordBuf []uint16
	word    int
}

const (
	arenaBlock = 256 << 10
	// arenaKeep is how many blocks outlive a vector: what a flood once needed
	// is given back.
	arenaKeep = 8
)

func (a *arena) reset() {
	if len(a.blocks) > arenaKeep {
		clear(a.blocks[arenaKeep:])
		a.blocks = a.blocks[:arenaKeep]
	}
	a.block, a.used, a.word = 0, 0, 0
}

// get returns n bytes of any content, at most arenaBlock.
func (a *arena) get(n int) []byte {
	if a.block < len(a.blocks) && a.used+n > arenaBlock {
		a.block, a.used = a.block+1, 0
	}
	if a.block == len(a.blocks) {
		a.blocks = append(a.blocks, make([]byte, arenaBlock))
	}
	b := a.blocks[a.block][a.used : a.used+n : a.used+n]
	a.used += n
	return b
}

// words returns n 16-bit words of any content.
func (a *arena) words(n int) []uint16 {
	if a.word+n > len(a.wordBuf) {
		a.wordBuf, a.word = make([]uint16, max(2*len(a.wordBuf), 4096, n)), 0
	}
	w := a.wordBuf[a.word : a.word+n : a.word+n]
	a.word += n
	return w
}
