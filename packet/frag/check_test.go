package frag

import (
	"fmt"
	"testing"
)

// check walks everything and counts what it finds (I7, I9).
func check(t testing.TB, r *Reassembler) {
	t.Helper()
	for fam := range r.fam {
		if err := r.fam[fam].check(r); err != nil {
			t.Fatalf("family %d: %v", fam, err)
		}
	}
	s := r.Stats()
	for fam := range 2 {
		taken := s.Results[fam][Held] + s.Results[fam][Complete]
		// What is refused as a whole packet was taken before; it is in Discarded.
		refused := s.Discarded[fam] + s.Used[fam] + uint64(s.Waiting[fam]) - taken
		if refused > s.Results[fam][MixedECN]+s.Results[fam][Oversize] {
			t.Fatalf("family %d: %d fragments taken, %d used, %d discarded, %d waiting", fam, taken, s.Used[fam], s.Discarded[fam], s.Waiting[fam])
		}
	}
}

func (f *family) check(r *Reassembler) error {
	var memory int64
	live, waiting := 0, 0
	busyChunks, busyNodes := map[uint32]bool{}, map[uint32]bool{}
	peers := map[uint32]uint32{}
	last := int64(0)
	for i, older := f.oldest, uint32(0); i != 0; i = f.at(i).newer {
		q := f.at(i)
		if q.older != older || q.deadline < last {
			return fmt.Errorf("queue %d: out of order", i)
		}
		older, last = i, q.deadline
		live++
		waiting += int(q.n)
		memory += queueSize + int64(q.n)*nodeSize + int64(q.nchunks)*chunkSize
		if q.peer != 0 {
			peers[q.peer]++
		}
		found := false
		for j := *f.table.bucket(r.hash(&q.key)); j != 0; j = f.at(j).hashNext {
			found = found || j == i
		}
		if !found {
			return fmt.Errorf("queue %d: not in the table", i)
		}
		n, meat, end := int32(0), uint32(0), uint32(0)
		for k := q.first; k != 0; k = f.nodes.all[k].next {
			d := &f.nodes.all[k]
			if d.off < end || busyNodes[k] {
				return fmt.Errorf("queue %d: fragments at %d overlap", i, d.off)
			}
			busyNodes[k] = true
			end = d.off + d.len
			meat += d.len
			n++
			if d.next == 0 && k != q.tail {
				return fmt.Errorf("queue %d: the list does not end at its tail", i)
			}
		}
		if n != q.n || meat != q.meat {
			return fmt.Errorf("queue %d: %d fragments of %d bytes, counted %d of %d", i, n, meat, q.n, q.meat)
		}
		nc := int32(0)
		for c := q.chunk; c != 0; c = f.chunks.next[c] {
			if busyChunks[c] {
				return fmt.Errorf("queue %d: chunk %d is another's, too", i, c)
			}
			busyChunks[c] = true
			nc++
		}
		if nc != q.nchunks {
			return fmt.Errorf("queue %d: %d chunks, counted %d", i, nc, q.nchunks)
		}
	}
	if live != f.live || waiting != f.waiting || memory != f.memory {
		return fmt.Errorf("%d queues, %d fragments, %d bytes; counted %d, %d, %d", live, waiting, memory, f.live, f.waiting, f.memory)
	}
	free := 0
	for c := f.chunks.free; c != 0; c = f.chunks.next[c] {
		if busyChunks[c] {
			return fmt.Errorf("chunk %d is both free and used", c)
		}
		free++
	}
	if n := len(f.chunks.next); n > 0 && free+len(busyChunks) != n-1 {
		return fmt.Errorf("%d chunks free, %d used, of %d", free, len(busyChunks), n-1)
	}
	free = 0
	for k := f.nodes.free; k != 0; k = f.nodes.all[k].next {
		free++
	}
	if n := len(f.nodes.all); n > 0 && free+len(busyNodes) != n-1 {
		return fmt.Errorf("%d nodes free, %d used, of %d", free, len(busyNodes), n-1)
	}
	if len(peers) != f.livePeers {
		return fmt.Errorf("%d peers, counted %d", len(peers), f.livePeers)
	}
	for i, n := range peers {
		if f.peers.at(i).refs != n {
			return fmt.Errorf("peer %d has %d references, counted %d", i, n, f.peers.at(i).refs)
		}
	}
	return nil
}
