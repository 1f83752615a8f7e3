package conntrack

import (
	"encoding/binary"
	"math"
	"strconv"

	"sluice/packet"
)

// translate makes a message of a translated connection say what its receiver
// can make sense of: addresses of the connection's own ends become those that
// the other side knows (nf_nat_sip.c nf_nat_sip).
func (m *sipMessage) translate() bool {
	f := m.family()
	request := !hasFold(m.text(), "SIP/2.0")
	if request {
		if e, ok := sipRequestURI(m.text(), f); ok && !m.putEnd(e) {
			return false
		}
	}
	if !m.translateVia(request) {
		return false
	}
	for w := (sipWalk{h: &sipContact}); ; {
		e, ok := w.next(m.text(), f)
		if !ok {
			break
		}
		was := m.n
		if !m.putEnd(e) {
			return false
		}
		w.at += m.n - was
	}
	for _, h := range [...]*sipHeader{&sipFrom, &sipTo} {
		if e, ok := h.end(m.text(), f); ok && !m.putEnd(e) {
			return false
		}
	}
	return m.forcePort()
}

// translateVia translates the topmost Via of a request of this connection, or
// of its answer, and where it says the answer goes (RFC 3261, 18.2.1; RFC
// 3581).
func (m *sipMessage) translateVia(request bool) bool {
	this, other, f := m.tuple(m.dir), m.tuple(1-m.dir), m.family()
	h := &sipViaUDP
	if this.Proto == packet.ProtoTCP {
		h = &sipViaTCP
	}
	via, ok := h.end(m.text(), f)
	if !ok {
		return true
	}
	from, port := this.Src, this.SPort
	if !request {
		from, port = this.Dst, this.DPort
	}
	if via.addr != from || via.port != port {
		return true
	}
	was := m.n
	if !m.putEnd(via) {
		return false
	}
	end := via.at + via.n + m.n - was
	if addr, at, n := sipAddrParam(m.text(), end, "maddr=", f, true); n > 0 && addr == this.Src && addr != other.Dst {
		if !m.put(at, n, appendSIPAddr(m.line[:0], other.Dst, f, true)) {
			return false
		}
	}
	if addr, at, n := sipAddrParam(m.text(), end, "received=", f, false); n > 0 && addr == this.Dst && addr != other.Src {
		if !m.put(at, n, appendSIPAddr(m.line[:0], other.Src, f, false)) {
			return false
		}
	}
	v, at, n, _ := sipNumberParam(m.text(), end, "rport=")
	if n > 0 && v >= 1024 && v <= math.MaxUint16 && uint16(v) == this.DPort && uint16(v) != other.SPort {
		return m.putNumber(at, n, int(other.SPort))
	}
	return true
}

// putEnd translates an address and port if they are this connection's
// (map_addr).
func (m *sipMessage) putEnd(e sipEnd) bool {
	this, other := m.tuple(m.dir), m.tuple(1-m.dir)
	addr, port := e.addr, e.port
	switch {
	case addr == this.Src && port == this.SPort:
		addr, port = other.Dst, other.DPort
	case addr == this.Dst && port == this.DPort:
		if addr, port = other.Src, other.SPort; m.x.sip.forcedPort != 0 {
			port = m.x.sip.forcedPort
		}
	}
	if addr == e.addr && port == e.port {
		return true
	}
	return m.putEndAs(e, addr, port)
}

func (m *sipMessage) putEndAs(e sipEnd, addr packet.Addr, port uint16) bool {
	s := append(appendSIPAddr(m.line[:0], addr, m.family(), true), ':')
	return m.put(e.at, e.n, strconv.AppendUint(s, uint64(port), 10))
}

func (m *sipMessage) putNumber(at, n, v int) bool {
	return m.put(at, n, strconv.AppendInt(m.line[:0], int64(v), 10))
}

// forcePort sends answers to where the client listens, if that is not where it
// sends from.
func (m *sipMessage) forcePort() bool {
	if m.dir == 0 || m.x.sip.forcedPort == 0 {
		return true
	}
	if m.h.Proto != packet.ProtoUDP {
		return false
	}
	binary.BigEndian.PutUint16(m.frame[m.h.L4+2:], m.x.sip.forcedPort)
	m.changed = true
	return true
}

// announced is the address under which the other side knows the sender.
func (m *sipMessage) announced(addr packet.Addr) packet.Addr {
	this, other := m.tuple(m.dir), m.tuple(1-m.dir)
	if this.Src == other.Dst {
		return addr
	}
	return other.Dst
}

// moved makes an expectation one at the translator's.
func (m *sipMessage) moved(e *Expectation, addr packet.Addr) {
	e.savedAddr, e.savedPort = e.Tuple.Dst, e.Tuple.DPort
	e.Tuple.Dst = addr
	e.dir, e.follow = uint8(1-m.dir), followSIP
}

// translateContact announces a contact under the translator's address
// (nf_nat_sip_expect).
func (m *sipMessage) translateContact(e Expectation, contact sipEnd) bool {
	this, other := m.tuple(m.dir), m.tuple(1-m.dir)
	m.moved(&e, m.announced(contact.addr))
	from := this.SPort
	if m.x.sip.forcedPort != 0 {
		from = m.x.sip.forcedPort
	}
	if contact.port == from {
		e.Tuple.DPort = other.DPort
	}
	placed := m.place(e)
	if placed == nil {
		return false
	}
	to := placed.Tuple
	if to.Dst == contact.addr && to.DPort == contact.port || m.putEndAs(contact, to.Dst, to.DPort) {
		return true
	}
	m.t.unexpect(placed)
	return false
}

// translateMedium announces a pair under the translator's address, with the
// ports that it has or with the next pair that is free (nf_nat_sdp_media).
func (m *sipMessage) translateMedium(rtp, rtcp Expectation, addr *packet.Addr, at, n int) bool {
	*addr = m.announced(*addr)
	m.moved(&rtp, *addr)
	m.moved(&rtcp, *addr)
	for ; rtp.Tuple.DPort != 0; rtp.Tuple.DPort += 2 {
		rtcp.Tuple.DPort = rtp.Tuple.DPort + 1
		pair, res := m.t.announcePair(m.now, rtp, rtcp, true)
		if res == expectBusy {
			continue
		}
		if res != expectOK {
			return false
		}
		if rtp.Tuple.DPort == rtp.savedPort || m.putPort(at, n, rtp.Tuple.DPort) {
			return true
		}
		m.t.unexpect(pair[0])
		m.t.unexpect(pair[1])
		return false
	}
	return false
}

// putPort writes a medium's port (nf_nat_sdp_port).
func (m *sipMessage) putPort(at, n int, port uint16) bool {
	return m.putNumber(at, n, int(port)) && m.putLength()
}

// putConnection writes a medium's address (nf_nat_sdp_addr).
func (m *sipMessage) putConnection(i int, addr packet.Addr) bool {
	at, n, ok := sdpConnection.find(m.text(), i, sdpMedia, m.family())
	return ok && m.put(at, n, appendSIPAddr(m.line[:0], addr, m.family(), false)) && m.putLength()
}

// putSession writes the session's addresses: the owner's, which must be there,
// and the connection's (nf_nat_sdp_session).
func (m *sipMessage) putSession(i int, addr packet.Addr) bool {
	s := appendSIPAddr(m.line[:0], addr, m.family(), false)
	at, n, ok := sdpOwner.find(m.text(), i, sdpMedia, m.family())
	if !ok || !m.put(at, n, s) {
		return false
	}
	if at, n, ok = sdpConnection.find(m.text(), i, sdpMedia, m.family()); ok && !m.put(at, n, s) {
		return false
	}
	return m.putLength()
}

// putLength writes how long the description has become (mangle_content_len).
func (m *sipMessage) putLength() bool {
	start, _, ok := sdpVersion.find(m.text(), 0, sdpAny, m.family())
	if !ok {
		return false
	}
	e, found := sipContentLength.find(m.text(), 0, m.family())
	return found == sipFine && m.putNumber(e.at, e.n, m.n-start+len("v="))
}

// followSIP translates an announced connection (nf_nat_sip_expected). Unlike
// followMaster it knows where the connection goes, and a medium comes from the
// port that its sender has announced for it.
func (t *Tracker) followSIP(now int64, slot uint32, c *Conn, e *Expectation, m *Conn) {
	to := func(manip Manip, addr packet.Addr) *NATRange {
		return &NATRange{Manip: manip, HasAddr: true, Family: c.Orig.Family, Min: addr, Max: addr}
	}
	r := to(DstNAT, e.savedAddr)
	r.HasPort, r.MinPort, r.MaxPort = true, e.savedPort, e.savedPort
	t.setupNAT(now, slot, c, r, DstNAT)
	master := slotOf(e.Master)
	if e.class != sipSignalling {
		waiting := t.extra(master).waiting
		for i := len(waiting) - 1; i >= 0; i-- {
			o := waiting[i]
			if o.Tuple.Proto == c.Orig.Proto && o.savedAddr == c.Orig.Src && o.savedPort == c.Orig.SPort {
				r = to(SrcNAT, o.Tuple.Dst)
				r.HasPort, r.MinPort, r.MaxPort = true, o.Tuple.DPort, o.Tuple.DPort
				t.setupNAT(now, slot, c, r, SrcNAT)
				return
			}
		}
	}
	if c.Orig.Src == t.tupleOf(master, m, int(e.dir)).Src {
		t.setupNAT(now, slot, c, to(SrcNAT, t.tupleOf(master, m, 1-int(e.dir)).Dst), SrcNAT)
	}
}
