package frag

import (
	"encoding/binary"
)

// leadSize is how much of a payload Lead gathers: enough for the headers behind
// IP's, and for those that an ICMP error quotes.
const leadSize = 1024

// Lead says how the packet that a fragment belongs to begins, as far as that
// is known with this fragment: the first fragment's headers, up to leadSize
// bytes of what follows without a gap, and lengths as if that were all. It is
// nil while the first fragment is missing. Arguments are Add's, and nothing is
// taken. The frame is appended to buf.
func (r *Reassembler) Lead(now int64, frame []byte, l3 int, ipv6 bool, zone uint16, dev int32, buf []byte) []byte {
	ip, fam := frame[l3:], 0
	var k key
	var off, header, end, first int
	if ipv6 {
		fam = 1
		at, _, ok := findFragHeader(ip)
		if !ok {
			return nil
		}
		first = at
		off = int(binary.BigEndian.Uint16(ip[at+2:]) &^ 7)
		header, end = at+fragHeader, min(len(ip), 40+int(binary.BigEndian.Uint16(ip[4:])))
		k = key6(ip, at, zone, dev)
	} else {
		off = int(binary.BigEndian.Uint16(ip[6:])&0x1fff) * 8
		header, end = int(ip[0]&15)*4, len(ip)
		if header < 20 {
			return nil
		}
		k = key4(ip, zone)
	}
	if end <= header {
		return nil
	}
	f, own := &r.fam[fam], ip[header:end]
	i, at3 := uint32(0), l3
	if q := r.peek(f, &k, now); q != nil {
		i = q.first
		if q.haveFirst {
			at3, first = int(q.l3), int(q.header-q.l3)
		}
	}
	out := buf
	for at := uint32(0); int(at) < leadSize; {
		switch {
		case i != 0 && f.nodes.all[i].off <= at:
			n := &f.nodes.all[i]
			if n.off == at {
				size, skip := int(n.len), int(n.skip)
				if at == 0 {
					size, skip = size+skip, 0
				}
				from := len(out)
				out = append(out, make([]byte, size)...)
				f.chunks.load(out[from:], n.chunk, skip)
				at += n.len
			}
			i = n.next
		case uint32(off) == at:
			if at == 0 {
				out = append(out, frame[:l3+header]...)
			}
			out = append(out, own...)
			at += uint32(len(own))
		default:
			return asWhole(out, len(buf), at3, first, ipv6)
		}
	}
	return asWhole(out, len(buf), at3, first, ipv6)
}

// asWhole makes out from a place on look like a packet of its own. frag is where
// IPv6's fragment header is, from l3 on.
func asWhole(out []byte, from, l3, frag int, ipv6 bool) []byte {
	if len(out) == from {
		return nil
	}
	ip := out[from+l3:]
	if ipv6 {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-40))
		ip[frag+3] = 0 // no others follow; a first fragment's offset is zero as it is
	} else {
		binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
		ip[6], ip[7] = ip[6]&0x40, 0
	}
	return out
}

// peek returns the queue of a key whose time is not over; nil: there is none.
func (r *Reassembler) peek(f *family, k *key, now int64) *queue {
	if len(f.table) == 0 {
		return nil
	}
	for i := *f.table.bucket(r.hash(k)); i != 0; {
		q := f.at(i)
		if q.key == *k {
			if q.deadline <= now || q.tail == 0 {
				return nil
			}
			return q
		}
		i = q.hashNext
	}
	return nil
}

func key4(ip []byte, zone uint16) key {
	k := key{id: uint32(binary.BigEndian.Uint16(ip[4:])), dev: -1, zone: zone, proto: ip[9]}
	copy(k.src[:], ip[12:16])
	copy(k.dst[:], ip[16:20])
	return k
}

// key6 is the key of a fragment whose fragment header is at a place in ip.
func key6(ip []byte, at int, zone uint16, dev int32) key {
	k := key{id: binary.BigEndian.Uint32(ip[at+4:]), dev: -1, zone: zone}
	copy(k.src[:], ip[8:])
	copy(k.dst[:], ip[24:])
	if k.dst[0] == 0xff || k.dst[0] == 0xfe && k.dst[1]&0xc0 == 0x80 {
		k.dev = dev
	}
	return k
}

// Waiting is how many fragments wait.
func (r *Reassembler) Waiting() int { return r.fam[0].waiting + r.fam[1].waiting }
