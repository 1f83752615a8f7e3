package conntrack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"sluice/packet"
)

// ftpState remembers after which sequence numbers lines begin, by direction:
// a command counts only at the beginning of a line that the tracker has seen
// end (struct nf_ct_ftp_master).
type ftpState struct {
	line [2][2]uint32
	n    [2]uint8
}

func (s *ftpState) begins(dir int, seq uint32) bool {
	for _, l := range s.line[dir][:s.n[dir]] {
		if l == seq {
			return true
		}
	}
	return false
}

func (s *ftpState) note(dir int, seq uint32) {
	if s.begins(dir, seq) {
		return
	}
	l := &s.line[dir]
	switch {
	case s.n[dir] < 2:
		l[s.n[dir]] = seq
		s.n[dir]++
	case before(l[0], l[1]):
		l[0] = seq
	default:
		l[1] = seq
	}
}

// ftpKind is how an address and port are written.
type ftpKind uint8

const (
	ftpPORT ftpKind = iota // h1,h2,h3,h4,p1,p2 (RFC 959)
	ftpEPRT                // |1|h.h.h.h|p| or |2|h:h::h|p| (RFC 2428)
	ftpPASV                // as PORT, somewhere in the text (RFC 1123, 4.1.2.6)
	ftpEPSV                // |||p| (RFC 2428)
)

// ftpWords are what announces a connection, by direction. skip is what stands
// before the address, term what ends it; zero: nothing in particular.
var ftpWords = [2][2]struct {
	word       string
	skip, term byte
	kind       ftpKind
}{
	{{"PORT", ' ', '\r', ftpPORT}, {"EPRT", ' ', '\r', ftpEPRT}},
	{{"227 ", 0, ')', ftpPASV}, {"229 ", '(', ')', ftpEPSV}},
}

// ftp looks for announcements of data connections on a control connection
// (nf_conntrack_ftp.c help). It reports false when the packet must go: it
// holds a part of an announcement, or one that cannot be kept.
func (p *parley) ftp() bool {
	if p.info != packet.CTEstablished && p.info != packet.CTEstablishedReply {
		return true
	}
	data := p.payload()
	if len(data) == 0 {
		return true
	}
	start := packet.TCPSeq(p.frame[p.h.L4:])
	end, ended := start+uint32(len(data)), data[len(data)-1] == '\n'
	ok, whole := true, true
	if p.x.ftp.begins(p.dir, start) {
		ok, whole = p.ftpLine(data)
	}
	// A part of an announcement is not the end of a line that anybody saw.
	if whole && ended {
		p.x.ftp.note(p.dir, end)
	}
	return ok
}

// ftpLine reads one line. whole is false when it stops in the middle of an
// announcement.
func (p *parley) ftpLine(data []byte) (ok, whole bool) {
	from := p.tuple(p.dir)
	for _, w := range ftpWords[p.dir] {
		at, n, addr, port, found := ftpFind(data, w.word, w.skip, w.term, w.kind, from.Src, from.Family)
		switch found {
		case ftpPart:
			return false, false
		case ftpNothing:
			continue
		}
		return p.ftpExpect(at, n, addr, port, w.kind), true
	}
	return true, true
}

// ftpExpect announces the data connection that n bytes of the payload at `at`
// name. One to a third host is nobody's business here: it would open ports
// elsewhere (nf_conntrack_ftp's `loose`, off).
func (p *parley) ftpExpect(at, n int, addr packet.Addr, port uint16, kind ftpKind) bool {
	from, other := p.tuple(p.dir), p.tuple(1-p.dir)
	if addr != from.Src {
		return true
	}
	e := p.expectation(packet.Tuple{
		Src: other.Src, Dst: other.Dst, DPort: port, Proto: packet.ProtoTCP, Family: from.Family,
	})
	if !p.translated() {
		_, res := p.t.announce(p.now, e, false)
		return res == expectOK
	}
	e.follow, e.dir, e.savedPort = followMaster, uint8(1-p.dir), port
	placed := p.place(e)
	if placed == nil {
		return false
	}
	return p.replace(at, n, ftpText(kind, other.Dst, from.Family, placed.Tuple.DPort))
}

// ftpText writes an address and port (nf_nat_ftp.c nf_nat_ftp_fmt_cmd).
func ftpText(kind ftpKind, addr packet.Addr, family uint8, port uint16) []byte {
	switch kind {
	case ftpPORT, ftpPASV:
		return fmt.Appendf(nil, "%d,%d,%d,%d,%d,%d", addr[0], addr[1], addr[2], addr[3], port>>8, port&255)
	case ftpEPRT:
		if family == packet.IPv4 {
			return fmt.Appendf(nil, "|1|%s|%d|", addr.Netip(family), port)
		}
		return fmt.Appendf(nil, "|2|%s|%d|", addr.Netip(family).StringExpanded(), port)
	}
	return fmt.Appendf(nil, "|||%d|", port)
}

type ftpFound uint8

const (
	ftpNothing ftpFound = iota
	ftpPart
	ftpWhole
)

// ftpFind looks for a command at the beginning of data and reads what it
// names: n bytes from at on (nf_conntrack_ftp.c find_pattern). from is the
// sender, whose address EPSV leaves out.
func ftpFind(data []byte, word string, skip, term byte, kind ftpKind, from packet.Addr, family uint8) (at, n int, addr packet.Addr, port uint16, found ftpFound) {
	if len(data) <= len(word) {
		if bytes.EqualFold(data, []byte(word[:len(data)])) {
			return 0, 0, addr, 0, ftpPart
		}
		return 0, 0, addr, 0, ftpNothing
	}
	if !bytes.EqualFold(data[:len(word)], []byte(word)) {
		return 0, 0, addr, 0, ftpNothing
	}
	at = len(word)
	if skip != 0 {
		i := bytes.IndexByte(data[at:len(data)-1], skip)
		if i < 0 {
			return 0, 0, addr, 0, ftpPart
		}
		at += i + 1
	}
	addr = from
	switch kind {
	case ftpPASV:
		i := bytes.IndexAny(data[at:], "0123456789")
		if i < 0 {
			return 0, 0, addr, 0, ftpPart
		}
		at += i
		addr, port, n = ftpComma(data[at:], 0, family)
	case ftpPORT:
		addr, port, n = ftpComma(data[at:], term, family)
	case ftpEPRT:
		addr, port, n = ftpBars(data[at:], family)
	case ftpEPSV:
		if b := data[at:]; len(b) > 3 && isDelimiter(b[0]) && b[1] == b[0] && b[2] == b[0] {
			port, n = ftpPort(b, 3, b[0])
		}
	}
	if n == 0 {
		return at, 0, addr, 0, ftpPart
	}
	return at, n, addr, port, ftpWhole
}

// ftpComma reads six numbers; term 0 means that anything may follow. As in
// try_rfc959 none of them is too large: what does not fit spills over into its
// neighbour.
func ftpComma(b []byte, term byte, family uint8) (addr packet.Addr, port uint16, n int) {
	var v [6]uint32
	if n = ftpNumbers(b, v[:], ',', term); n == 0 || family != packet.IPv4 {
		return addr, 0, 0
	}
	return ftpAddr(v[:]), uint16(v[4]<<8 | v[5]), n
}

func ftpAddr(v []uint32) (addr packet.Addr) {
	binary.BigEndian.PutUint32(addr[:], v[0]<<24|v[1]<<16|v[2]<<8|v[3])
	return addr
}

// ftpNumbers is try_number: as many numbers as v takes, up to term. It returns
// their length, 0 if they are not there.
func ftpNumbers(b []byte, v []uint32, sep, term byte) int {
	i := 0
	for at, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v[i] = v[i]*10 + uint32(c-'0')
		case c == sep && i < len(v)-1:
			i++
		case (c == term || term == 0) && c != sep && i == len(v)-1:
			return at
		default:
			return 0
		}
	}
	return 0
}

// ftpBars reads |family|address|port|.
func ftpBars(b []byte, family uint8) (addr packet.Addr, port uint16, n int) {
	if len(b) <= 3 || !isDelimiter(b[0]) || b[2] != b[0] {
		return addr, 0, 0
	}
	if want := map[uint8]byte{packet.IPv4: '1', packet.IPv6: '2'}[family]; b[1] != want {
		return addr, 0, 0
	}
	if family == packet.IPv4 {
		var v [4]uint32
		if n = ftpNumbers(b[3:], v[:], '.', b[0]); n == 0 {
			return addr, 0, 0
		}
		port, n = ftpPort(b, 3+n+1, b[0])
		return ftpAddr(v[:]), port, n
	}
	end := bytes.IndexByte(b[3:], b[0])
	if end < 0 || end > 45 {
		return addr, 0, 0
	}
	a, err := netip.ParseAddr(string(b[3 : 3+end]))
	if err != nil || a.Zone() != "" || a.Is4() {
		return addr, 0, 0
	}
	port, n = ftpPort(b, 3+end+1, b[0])
	return packet.AddrFrom(a), port, n
}

// ftpPort reads a port up to a delimiter; n counts from the beginning of b,
// the delimiter included. Numbers are the kernel's 16 bits, which wrap
// (get_port).
func ftpPort(b []byte, at int, delim byte) (port uint16, n int) {
	v := uint16(0)
	for ; at < len(b); at++ {
		c := b[at]
		switch {
		case c == delim && v != 0:
			return v, at + 1
		case c >= '0' && c <= '9':
			v = v*10 + uint16(c-'0')
		default:
			return 0, 0
		}
	}
	return 0, 0
}

func isDelimiter(c byte) bool { return c >= 33 && c <= 126 && (c < '0' || c > '9') }
