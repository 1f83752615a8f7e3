package frag

import (
	"math/bits"

	"sluice/packet"
)

// key names the packet that a fragment belongs to (struct
// frag_v4_compare_key, frag_v6_compare_key).
type key struct {
	src, dst packet.Addr
	id       uint32
	dev      int32 // IPv6 to a link-local or multicast address: where it came in; otherwise -1
	zone     uint16
	proto    uint8 // IPv4 only
}

// queue is a packet under way.
type queue struct {
	key
	runs
	hashNext     uint32
	older, newer uint32 // by deadline
	deadline     int64
	chunk, last  uint32 // all chunks of all fragments
	nchunks      int32
	n            int32  // fragments
	length       uint32 // of the packet's payload, as far as known
	meat         uint32 // of it that is there
	max          uint32 // the largest fragment, see Whole.Max
	maxDF        uint32 // IPv4: the largest one with DF
	peer         uint32 // IPv4: the source's record
	seen         uint32 // IPv4: the source's count at the last fragment
	l3           uint32 // of the first fragment: where the IP header begins
	header       uint32 // of the first fragment: bytes before the payload, or before the fragment header
	next         uint32 // IPv6: offset in the frame of the byte that names the fragment header
	least        uint32 // the shortest header in front of a later fragment's payload, see Split
	ecn          uint8  // bits by code point
	haveFirst    bool
	haveLast     bool
}

// queueSize is what a queue counts against the limit.
const queueSize = 192

// peer counts the fragments that a source has sent (struct inet_peer).
type peer struct {
	addr packet.Addr
	next uint32 // of the same bucket
	rid  uint32
	refs uint32 // queues
}

// family is all that waits of one address family (struct fqdir).
type family struct {
	slots[queue]
	table          index
	oldest, newest uint32
	nodes          nodes
	chunks         chunks
	memory         int64
	waiting        int
	live           int

	peers     slots[peer]
	peerTable index
	livePeers int
}

// index is a hash table's buckets; what is in them is linked elsewhere.
type index []uint32

func (x index) bucket(hash uint64) *uint32 { return &x[hash&uint64(len(x)-1)] }

func mum(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// words reads an address as words; only their being always the same counts.
func words(a *packet.Addr) (uint64, uint64) {
	var w [2]uint64
	for i, b := range a {
		w[i/8] = w[i/8]<<8 | uint64(b)
	}
	return w[0], w[1]
}

func (r *Reassembler) hash(k *key) uint64 {
	s0, s1 := words(&k.src)
	d0, d1 := words(&k.dst)
	a := mum(s0^r.key[0], s1^r.key[1])
	b := mum(d0^r.key[1], d1^r.key[0])
	c := uint64(k.id)<<32 | uint64(k.zone)<<16 | uint64(k.proto)
	return mum(a+b^r.key[1], c+(uint64(uint32(k.dev))+1)*0x9fb21c651e98df25^r.key[0]^a)
}

func (r *Reassembler) hashAddr(a *packet.Addr) uint64 {
	w0, w1 := words(a)
	return mum(mum(w0^r.key[1], w1^r.key[0]), r.key[1])
}

// find returns the queue of a key, a new one if there is none or its time is
// over.
func (r *Reassembler) find(f *family, fam int, k *key, now int64) *queue {
	if len(f.table) == 0 {
		f.table, f.peerTable = make(index, 64), make(index, 64)
	}
	h := r.hash(k)
	for i := *f.table.bucket(h); i != 0; {
		q := f.at(i)
		if q.key == *k {
			if q.deadline <= now {
				r.timeOut(f, fam, i)
				break
			}
			r.cur = i
			return q
		}
		i = q.hashNext
	}
	if f.live >= len(f.table) {
		f.grow(r)
	}
	i := f.get()
	q := f.at(i)
	b := f.table.bucket(h)
	q.key, q.hashNext, q.deadline, q.least = *k, *b, now+r.limits.Timeout[fam], ^uint32(0)
	*b = i
	f.append(i)
	f.live++
	f.memory += queueSize
	if fam == 0 && r.limits.MaxDist > 0 {
		q.peer = f.findPeer(r.hashAddr(&k.src), &k.src, r)
	}
	r.cur = i
	return q
}

// grow doubles the table.
func (f *family) grow(r *Reassembler) {
	f.table = make(index, 2*len(f.table))
	for i := f.oldest; i != 0; {
		q := f.at(i)
		b := f.table.bucket(r.hash(&q.key))
		q.hashNext, *b = *b, i
		i = q.newer
	}
}

// append puts a queue at the young end.
func (f *family) append(i uint32) {
	q := f.at(i)
	q.older, q.newer = f.newest, 0
	if f.newest != 0 {
		f.at(f.newest).newer = i
	} else {
		f.oldest = i
	}
	f.newest = i
}

// unlink takes a queue out of the order of ages.
func (f *family) unlink(i uint32) {
	q := f.at(i)
	if q.older != 0 {
		f.at(q.older).newer = q.newer
	} else {
		f.oldest = q.newer
	}
	if q.newer != 0 {
		f.at(q.newer).older = q.older
	} else {
		f.newest = q.older
	}
}

// empty throws a queue's fragments away and keeps the queue.
func (f *family) empty(q *queue) {
	f.chunks.release(q.chunk, q.last)
	f.nodes.release(q.first, q.tail)
	f.memory -= int64(q.nchunks)*chunkSize + int64(q.n)*nodeSize
	f.waiting -= int(q.n)
	q.runs = runs{}
	q.chunk, q.last, q.nchunks, q.n = 0, 0, 0, 0
	q.length, q.meat, q.ecn, q.haveFirst, q.haveLast = 0, 0, 0, false, false
	q.least = ^uint32(0)
}

// remove ends a queue.
func (r *Reassembler) remove(f *family, i uint32) {
	q := f.at(i)
	for b := f.table.bucket(r.hash(&q.key)); ; b = &f.at(*b).hashNext {
		if *b == i {
			*b = q.hashNext
			break
		}
	}
	f.unlink(i)
	f.empty(q)
	f.memory -= queueSize
	f.live--
	if q.peer != 0 {
		f.dropPeer(r, q.peer)
	}
	f.put(i)
}

// discard ends a queue that will not become a packet.
func (r *Reassembler) discard(f *family, fam int, i uint32) {
	r.stats.Discarded[fam] += uint64(f.at(i).n)
	r.remove(f, i)
}

func (r *Reassembler) timeOut(f *family, fam int, i uint32) {
	r.stats.TimedOut[fam]++
	r.discard(f, fam, i)
}

// expire gives up queues whose time is over. The work is that of beginning
// them, again.
func (r *Reassembler) expire(f *family, fam int, now int64) {
	for f.oldest != 0 && f.at(f.oldest).deadline <= now {
		r.timeOut(f, fam, f.oldest)
	}
}

// findPeer returns a source's record and holds it.
func (f *family) findPeer(h uint64, a *packet.Addr, r *Reassembler) uint32 {
	for i := *f.peerTable.bucket(h); i != 0; i = f.peers.at(i).next {
		if p := f.peers.at(i); p.addr == *a {
			p.refs++
			return i
		}
	}
	if f.livePeers >= len(f.peerTable) {
		old := f.peerTable
		f.peerTable = make(index, 2*len(old))
		for _, i := range old {
			for i != 0 {
				p := f.peers.at(i)
				b := f.peerTable.bucket(r.hashAddr(&p.addr))
				i, p.next, *b = p.next, *b, i
			}
		}
	}
	i := f.peers.get()
	b := f.peerTable.bucket(h)
	*f.peers.at(i) = peer{addr: *a, next: *b, refs: 1}
	*b = i
	f.livePeers++
	return i
}

func (f *family) dropPeer(r *Reassembler, i uint32) {
	p := f.peers.at(i)
	if p.refs--; p.refs > 0 {
		return
	}
	for b := f.peerTable.bucket(r.hashAddr(&p.addr)); ; b = &f.peers.at(*b).next {
		if *b == i {
			*b = p.next
			break
		}
	}
	f.livePeers--
	f.peers.put(i)
}
