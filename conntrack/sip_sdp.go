package conntrack

import (
	"bytes"

	"sluice/packet"
)

// sdpLine is a kind of line in a session's description (RFC 8866).
type sdpLine uint8

const (
	sdpAny sdpLine = iota
	sdpVersion
	sdpOwner
	sdpConnection
	sdpMedia
)

var sdpNames = [...]string{sdpVersion: "v=", sdpOwner: "o=", sdpConnection: "c=", sdpMedia: "m="}

// sdpNets stand before an address.
var sdpNets = [...]string{packet.IPv4: "IN IP4 ", packet.IPv6: "IN IP6 "}

// find looks for a line behind the one that i is in, up to the first line of
// kind end (ct_sip_get_sdp_header). What matters of it is n bytes from at on:
// the version, the address, or a medium's name and port.
func (l sdpLine) find(b []byte, i int, end sdpLine, family uint8) (at, n int, ok bool) {
	for ; i < len(b); i++ {
		if !isNewline(b[i]) {
			continue
		}
		if i = sipLine(b, i); i >= len(b) || end != sdpAny && hasFold(b[i:], sdpNames[end]) {
			break
		}
		if hasFold(b[i:], sdpNames[l]) {
			i += len(sdpNames[l])
			n = l.value(b, &i, family)
			return i, n, n > 0
		}
	}
	return 0, 0, false
}

// value is how long the part is that matters; *i moves to its beginning.
func (l sdpLine) value(b []byte, i *int, family uint8) (n int) {
	rest := b[*i:]
	switch l {
	case sdpOwner, sdpConnection:
		if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
			rest = rest[:end]
		}
		net := sdpNets[family]
		at := bytes.Index(rest, []byte(net))
		if at < 0 {
			return 0
		}
		*i += at + len(net)
		_, n = sipAddr(b[*i:], family, false)
	case sdpMedia:
		if n = sipLetters(rest); n >= len(rest) || rest[n] != ' ' {
			return 0
		}
		n++
		n += sipDigits(rest[n:])
	default:
		n = sipDigits(rest)
	}
	return n
}

// connection finds the address of a session or of a medium.
func (m *sipMessage) connection(i int) (addr packet.Addr, ok bool) {
	b := m.text()
	at, _, ok := sdpConnection.find(b, i, sdpMedia, m.family())
	if ok {
		addr, _ = sipAddr(b[at:], m.family(), false)
	}
	return addr, ok
}

// sdpMost is how many media of a message are followed.
const sdpMost = 3

// sdpKinds are the media that are followed.
var sdpKinds = []struct {
	name  string
	class uint8
}{{"audio ", sipAudio}, {"video ", sipVideo}, {"image ", sipImage}}

func sdpKind(medium []byte) (size int, class uint8) {
	for _, k := range sdpKinds {
		if bytes.HasPrefix(medium, []byte(k.name)) {
			return len(k.name), k.class
		}
	}
	return 0, 0
}

// sdp expects the media of the session's description that a message carries,
// if it does (process_sdp).
func (m *sipMessage) sdp() bool {
	start, _, ok := sdpVersion.find(m.text(), 0, sdpAny, m.family())
	if !ok {
		return true
	}
	session, whole := m.connection(start)
	addr, named := session, whole
	for i, media := start, 0; media < sdpMost; {
		at, n, ok := sdpMedia.find(m.text(), i, sdpAny, m.family())
		if !ok {
			break
		}
		kind, class := sdpKind(m.text()[at : at+n])
		if kind == 0 {
			i = at + n
			continue
		}
		at, n = at+kind, n-kind
		i = at
		port, digits := sipNumber(m.text()[at:])
		if digits == 0 || port == 0 {
			continue // a port of 0 is a stream that is off
		}
		if port < 1024 || port > 65535 {
			return false
		}
		// The medium's own address goes before the session's.
		own, hasOwn := m.connection(at)
		switch {
		case hasOwn:
			addr = own
		case whole:
			addr = session
		default:
			return false
		}
		named = true
		if !m.medium(&addr, uint16(port), class, at, n) {
			return false
		}
		if hasOwn && m.translated() && !m.putConnection(at, addr) {
			return false
		}
		media++
	}
	return !named || !m.translated() || m.putSession(start, addr)
}

// medium expects RTP at a port, which the message states in n bytes at `at`,
// and RTCP at the next (set_expected_rtp_rtcp). The even one of a pair is
// RTP's (RFC 3550, 11). addr becomes what the message shall say. An address
// that is not the sender's own opens nothing.
func (m *sipMessage) medium(addr *packet.Addr, port uint16, class uint8, at, n int) bool {
	this, other := m.tuple(m.dir), m.tuple(1-m.dir)
	if *addr != this.Src {
		return true
	}
	tu := packet.Tuple{Src: other.Src, Dst: *addr, DPort: port, Proto: packet.ProtoUDP, Family: this.Family}
	// Another connection may have announced the same. If what it announced
	// was an address of the translator's, both ends are behind it, and media
	// can go where they are going in the end.
	direct := false
	for {
		e := m.t.awaited(m.now, &tu, m.c.Zone, m.ref)
		if e == nil || e.Master == m.ref || e.Helper != m.x.helper || e.class != class {
			break
		}
		if direct || !m.translated() || e.savedAddr == e.Tuple.Dst && e.savedPort == e.Tuple.DPort {
			return !direct || m.putPort(at, n, tu.DPort&^1)
		}
		direct = true
		*addr, tu.Dst, tu.DPort = e.savedAddr, e.savedAddr, e.savedPort
	}
	tu.DPort &^= 1
	if direct && !m.putPort(at, n, tu.DPort) {
		return false
	}
	rtp := m.expectation(tu)
	tu.DPort++
	rtcp := m.expectation(tu)
	rtp.class, rtcp.class = class, class
	if m.translated() && !direct {
		return m.translateMedium(rtp, rtcp, addr, at, n)
	}
	first, res := m.t.announce(m.now, rtp, true)
	if res != expectOK && res != expectThere {
		return false
	}
	if _, second := m.t.announce(m.now, rtcp, true); second != expectOK && second != expectThere {
		if res == expectOK {
			m.t.unexpect(first)
		}
		return false
	}
	return true
}
