package conntrack

import (
	"encoding/binary"
	"math/bits"

	"sluice/packet"
)

// unique finds what a connection looks like behind the translator: within the
// range, and such that no other connection of the zone expects the same reply
// (nf_nat_core.c get_unique_tuple). cur is what it looks like so far. It
// reports false when every port of the range is taken.
func (t *Tracker) unique(now int64, slot uint32, c *Conn, cur packet.Tuple, r *NATRange, manip Manip) (packet.Tuple, bool) {
	// A client that is translated already keeps its address and port towards
	// other servers, too.
	if manip == SrcNAT && !r.Random && !r.Hash {
		if inRange(&cur, r) {
			if !t.taken(now, &cur, c) {
				return cur, true
			}
		} else if to, ok := t.sameSource(now, &cur, c.Zone, r); ok && !t.taken(now, &to, c) {
			return to, true
		}
	}
	to := cur
	t.pickAddr(&to, c.Zone, r, manip)
	m := t.mapOf(&to, c.Zone, manip)
	if !r.Random && !r.Hash {
		if r.HasPort {
			if portInRange(&to, r, manip) && (r.MinPort == r.MaxPort || !t.takenIn(m, now, &to, slot, c)) {
				return to, true
			}
		} else if !t.takenIn(m, now, &to, slot, c) {
			return to, true
		}
	}
	return t.freePort(now, m, to, c, r, manip)
}

// natPort is the port that a manip changes; ICMP's identifier is the same on
// both sides.
func natPort(tu *packet.Tuple, manip Manip) uint16 {
	if manip == SrcNAT || tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
		return tu.SPort
	}
	return tu.DPort
}

func setNATPort(tu *packet.Tuple, manip Manip, port uint16) {
	if manip == SrcNAT || tu.Proto == packet.ProtoICMP || tu.Proto == packet.ProtoICMPv6 {
		tu.SPort = port
	} else {
		tu.DPort = port
	}
}

// taken reports whether a tuple's reply belongs to another connection than c
// already. One with c's original tuple is the same flow's: Confirm settles
// between the two (nf_conntrack_core.c nf_conntrack_tuple_taken).
func (t *Tracker) taken(now int64, tu *packet.Tuple, c *Conn) bool {
	reply := invert(tu)
	_, other, _ := t.Find(&reply, t.Hash(&reply), c.Zone, now)
	taken := other != nil && other.Orig != c.Orig || other == nil && t.claiming() && t.takenElsewhere(now, &reply, c.Zone)
	if taken {
		t.st.Found++ // nf_conntrack_tuple_taken alone counts there
	}
	return taken
}

// pickAddr chooses an address of the range by a hash of the addresses, so that
// a client always gets the same one. It is the kernel's own function, so that
// it is the kernel's own choice (nf_nat_core.c find_best_ips_proto).
func (t *Tracker) pickAddr(to *packet.Tuple, zone uint16, r *NATRange, manip Manip) {
	addr := &to.Src
	if manip == DstNAT {
		addr = &to.Dst
	}
	if r.Min == r.Max {
		*addr = r.Min
		return
	}
	words := 1
	if to.Family == packet.IPv6 {
		words = 4
	}
	src, dst := wordsOf(&to.Src), wordsOf(&to.Dst)
	seed := uint32(0)
	if !r.Persistent {
		seed = dst[words-1] ^ uint32(zone)
	}
	j := jhash4(src, seed)
	full := false
	for i := range words {
		lo, dist := uint32(0), ^uint32(0)
		if !full {
			lo = binary.BigEndian.Uint32(r.Min[4*i:])
			dist = binary.BigEndian.Uint32(r.Max[4*i:]) - lo + 1
		}
		binary.BigEndian.PutUint32(addr[4*i:], lo+uint32(uint64(j)*uint64(dist)>>32))
		if string(addr[4*i:4*i+4]) != string(r.Max[4*i:4*i+4]) {
			full = true
		}
		if !r.Persistent {
			j ^= dst[i]
		}
	}
}

// wordsOf gives an address as the kernel's words on a machine that stores the
// low byte first; the recorded choices come from such.
func wordsOf(a *packet.Addr) (w [4]uint32) {
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(a[4*i:])
	}
	return w
}

// jhash4 is Bob Jenkins' lookup3 of four words, as include/linux/jhash.h
// seeds it.
func jhash4(k [4]uint32, seed uint32) uint32 {
	a := uint32(0xdeadbeef) + 4<<2 + seed
	b, c := a, a
	a, b, c = a+k[0], b+k[1], c+k[2]
	rot := bits.RotateLeft32
	a -= c
	a ^= rot(c, 4)
	c += b
	b -= a
	b ^= rot(a, 6)
	a += c
	c -= b
	c ^= rot(b, 8)
	b += a
	a -= c
	a ^= rot(c, 16)
	c += b
	b -= a
	b ^= rot(a, 19)
	a += c
	c -= b
	c ^= rot(b, 4)
	b += a
	a += k[3]
	c ^= b
	c -= rot(b, 14)
	a ^= c
	a -= rot(c, 11)
	b ^= a
	b -= rot(a, 25)
	c ^= b
	c -= rot(b, 16)
	a ^= c
	a -= rot(c, 4)
	b ^= a
	b -= rot(a, 14)
	c ^= b
	c -= rot(b, 24)
	return c
}

// portRange gives the ports, or identifiers, that may be tried, and false
// when the protocol has none that may change (nf_nat_core.c
// nf_nat_l4proto_unique_tuple).
func portRange(tu *packet.Tuple, r *NATRange, manip Manip) (lo, size uint32, ok bool) {
	switch tu.Proto {
	case packet.ProtoICMP, packet.ProtoICMPv6:
		if !r.HasPort {
			return 0, 65536, true
		}
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		if r.HasPort {
			break
		}
		if manip == DstNAT {
			return 0, 0, false
		}
		// Privileged ports stay privileged.
		switch p := tu.SPort; {
		case p < 512:
			return 1, 511, true
		case p < 1024:
			return 600, 424, true
		}
		return 1024, 64512, true
	default:
		return 0, 0, false
	}
	first, last := min(r.MinPort, r.MaxPort), max(r.MinPort, r.MaxPort)
	return uint32(first), uint32(last) - uint32(first) + 1, true
}

// freePort gives the tuple a port whose reply is free, if any is. The kernel
// gives up after 248 tries; here every port is looked at, and in a range of more
// than natAttempts a closing connection's is taken over only when none is free.
// In a smaller one it is as in the kernel: the last natHarder tries may take
// over, wherever the first one is. A destination gets the last port tried when
// none is free: the source may move yet. m is the ports' map, if they have one.
func (t *Tracker) freePort(now int64, m *portMap, to packet.Tuple, c *Conn, r *NATRange, manip Manip) (packet.Tuple, bool) {
	lo, size, ok := portRange(&to, r, manip)
	if !ok {
		return to, true // as it is; Confirm finds out about a clash
	}
	off := uint32(0)
	switch {
	case r.Hash:
		off = uint32(t.Hash(&to)) & 0xffff
	case r.Random || manip == SrcNAT:
		off = t.random() & 0xffff
	}
	harder := size // tries from this one on may take over
	if opens(c) && size <= natAttempts {
		harder, m = size-min(size, natHarder), nil
	}
	if m != nil {
		to, ok = t.freeInMap(now, m, to, c, lo, size, off, manip)
	} else {
		to, ok = t.searchPort(now, to, c, lo, size, off, harder, manip)
	}
	if !ok && size > natAttempts && opens(c) {
		to, ok = t.takeOver(now, to, c, lo, size, manip)
	}
	return to, ok || manip == DstNAT
}

// searchPort is freePort over the size ports from lo on, beginning off behind it,
// where they have no map yet.
func (t *Tracker) searchPort(now int64, to packet.Tuple, c *Conn, lo, size, off, harder uint32, manip Manip) (packet.Tuple, bool) {
	// Its neighbours' lines are asked for together: where many are taken, a
	// search costs bandwidth, not latency.
	var s Seek
	var try [SeekSize]packet.Tuple
	var replies [SeekSize]packet.Gist
	for done := uint32(0); done < size; {
		n := min(uint32(SeekSize), size-done)
		for i := range n {
			try[i] = to
			setNATPort(&try[i], manip, uint16(lo+(off+done+i)%size))
			replies[i].Tuple = invert(&try[i])
			s.Zone(int(i), c.Zone)
		}
		t.Aim(&s, &replies, 0, int(n), 0)
		t.Fetch(&s, 0, int(n), 1<<n-1)
		for i := range n {
			if done+i >= harder && t.yields(now, &try[i], c) || done+i < harder && !t.taken(now, &try[i], c) {
				return try[i], true
			}
		}
		to = try[n-1]
		if done += n; done >= denseTries && harder == size {
			m := t.mapPorts(now, &to, c.Zone, manip)
			return t.freeInMap(now, m, to, c, lo, size, off, manip)
		}
	}
	return to, false
}
