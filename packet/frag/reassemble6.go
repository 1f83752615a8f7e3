package frag

import (
	"encoding/binary"

	"sluice/packet"
)

const fragHeader = 8 // length of an IPv6 fragment header

// add6 is nf_ct_frag6_gather.
func (r *Reassembler) add6(now int64, frame []byte, l3 int, zone uint16, dev int32, w *Whole) Result {
	f, ip := &r.fam[1], frame[l3:]
	payload := int(binary.BigEndian.Uint16(ip[4:]))
	if payload == 0 {
		return AsIs // a jumbogram, or a lie
	}
	at, next, ok := findFragHeader(ip)
	if !ok {
		return AsIs
	}
	bits := binary.BigEndian.Uint16(ip[at+2:])
	off, more := int(bits&^7), bits&1 != 0
	if off != 0 && isExtension(ip[at]) {
		// act_ct looks for the transport protocol and does not find it
		// (exthdrs_core.c ipv6_find_hdr).
		return BadHeader
	}
	if off == 0 && truncatedTransport(ip, ip[at], at+fragHeader) {
		return AsIs
	}
	if res := r.admit(f, 1, now, 40+payload, more); res != Held {
		return res
	}
	k := key6(ip, at, zone, dev)
	q := r.find(f, 1, &k, now)
	end := off + payload - (at + fragHeader - 40)
	switch { // unlike IPv4's, a queue outlives the fragments that contradict it
	case end < off || end > 65535:
		return Oversize
	case more && end&7 != 0:
		r.discard(f, 1, r.cur)
		return AsIs
	case !q.stretch(uint32(end), more):
		return BadEnd
	case end == off:
		return Empty
	}
	n := min(end-off, len(ip)-at-fragHeader)
	if n == 0 {
		return Empty
	}
	switch res := r.hold(f, q, frame, l3+at+fragHeader, off, end, n); res {
	case Held:
	case Duplicate:
		return res
	default:
		r.discard(f, 1, r.cur)
		return res
	}
	q.ecn |= 1 << (ip[1] >> 4 & 3)
	q.max = max(q.max, uint32(40+payload))
	q.headers(off, l3, at, l3+next)
	if !q.complete() {
		return Held
	}
	return r.finish6(f, q, w)
}

// finish6 is nf_ct_frag6_reasm: the packet loses its fragment header.
func (r *Reassembler) finish6(f *family, q *queue, w *Whole) Result {
	header := int(q.header)
	payload := header - int(q.l3) - 40 + int(q.length)
	res := Complete
	ecn := ecnTable[q.ecn]
	switch {
	case ecn == 0xff:
		res = MixedECN
	case payload > 65535:
		res = Oversize
	}
	if res != Complete {
		r.discard(f, 1, r.cur)
		return res
	}
	frame := r.mem.get(header + fragHeader + int(q.length))
	r.load(f, q, frame, header+fragHeader, w)
	frame[q.next] = frame[header]
	copy(frame[fragHeader:], frame[:header])
	frame = frame[fragHeader:]
	ip := frame[q.l3:]
	binary.BigEndian.PutUint16(ip[4:], uint16(payload))
	ip[1] |= ecn << 4
	w.Frame, w.Max, w.total = frame, int(q.max), len(ip)
	r.used(f, 1, q)
	return Complete
}

// isExtension reports whether a next header is one of an extension header that
// may stand before a transport header.
func isExtension(next uint8) bool {
	switch next {
	case packet.ProtoHopByHop, packet.ProtoRouting, packet.ProtoFragment, packet.ProtoAH, packet.ProtoDstOpts:
		return true
	}
	return false
}

// skipExtension returns the next header behind the extension header at at, of
// type next, and where that begins; false if it does not fit.
func skipExtension(ip []byte, next uint8, at int) (uint8, int, bool) {
	if at+8 > len(ip) {
		return next, at, false
	}
	n := (int(ip[at+1]) + 1) * 8
	switch next {
	case packet.ProtoAH:
		n = (int(ip[at+1]) + 2) * 4
	case packet.ProtoFragment:
		n = fragHeader
	}
	return ip[at], at + n, at+n <= len(ip)
}

// findFragHeader returns where in an IPv6 packet the fragment header is and
// where the byte that names it (nf_conntrack_reasm.c find_prev_fhdr).
func findFragHeader(ip []byte) (at, named int, ok bool) {
	next, at, named := ip[6], 40, 6
	for next != packet.ProtoFragment {
		if !isExtension(next) {
			return at, named, false
		}
		named = at
		if next, at, ok = skipExtension(ip, next, at); !ok {
			return at, named, false
		}
	}
	return at, named, at+fragHeader <= len(ip)
}

// truncatedTransport reports that a first fragment ends within the transport
// header, which RFC 8200, section 4.5, forbids (ipv6frag_thdr_truncated).
func truncatedTransport(ip []byte, next uint8, at int) bool {
	for isExtension(next) {
		then, end, ok := skipExtension(ip, next, at)
		if !ok || next == packet.ProtoFragment && binary.BigEndian.Uint16(ip[at+2:])&^7 != 0 {
			return false
		}
		next, at = then, end
	}
	switch next {
	case packet.ProtoTCP:
		at += 20
	case packet.ProtoUDP, packet.ProtoICMPv6:
		at += 8
	default:
		at++
	}
	return at > len(ip)
}
