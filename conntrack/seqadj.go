package conntrack

import (
	"encoding/binary"

	"sluice/packet"
)

// seqAdjust is by how much one direction's sequence numbers differ behind the
// helper (struct nf_ct_seqadj).
type seqAdjust struct {
	pos           uint32 // the last change: numbers after it are off by `after`
	before, after int32
}

// offset is what a number of this direction is off by.
func (s *seqAdjust) offset(seq uint32) uint32 {
	if after(seq, s.pos) {
		return uint32(s.after)
	}
	return uint32(s.before)
}

// grown notes that the segment at seq became longer by n bytes
// (nf_conntrack_seqadj.c nf_ct_seqadj_set).
func (p *parley) grown(seq uint32, n int) {
	if n == 0 {
		return
	}
	p.c.Status |= StatusSeqAdjust
	s := &p.x.seq[p.dir]
	if s.before == s.after || before(s.pos, seq) {
		s.pos, s.before = seq, s.after
		s.after += int32(n)
	}
}

// adjust brings a segment's sequence number, acknowledgement and selective
// acknowledgements into step with what its receiver has seen
// (nf_conntrack_seqadj.c nf_ct_seq_adjust).
func (p *parley) adjust() {
	this, other := &p.x.seq[p.dir], &p.x.seq[1-p.dir]
	b := p.frame[p.h.L4:p.h.End]
	be := binary.BigEndian
	diff := uint64(0)
	set := func(field []byte, v uint32) {
		diff += packet.Diff32(be.Uint32(field), v)
		be.PutUint32(field, v)
	}
	seq := be.Uint32(b[4:])
	set(b[4:8], seq+this.offset(seq))
	if p.h.TCPFlags&flagACK != 0 {
		acked := func(ack uint32) uint32 {
			if after(ack-uint32(other.before), other.pos) {
				return ack - uint32(other.after)
			}
			return ack - uint32(other.before)
		}
		set(b[8:12], acked(be.Uint32(b[8:])))
		options := b[20:max(20, min(int(b[12]>>4)*4, len(b)))]
		for len(options) >= 2 {
			kind, n := options[0], int(options[1])
			if kind == 0 {
				break
			}
			if kind == 1 {
				options = options[1:]
				continue
			}
			if n < 2 || n > len(options) {
				break
			}
			if kind == 5 && (n-2)%8 == 0 { // SACK
				// An option may begin at an odd place; the sum's words do not.
				odd := (len(b)-len(options))%2 == 1
				for i := 2; i < n; i += 4 {
					old := be.Uint32(options[i:])
					v := acked(old)
					be.PutUint32(options[i:], v)
					if odd {
						old, v = old<<8|old>>24, v<<8|v>>24
					}
					diff += packet.Diff32(old, v)
				}
			}
			options = options[n:]
		}
	}
	packet.Patch(b[16:18], diff)
}
