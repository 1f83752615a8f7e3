package conntrack

import (
	"sluice/packet"
)

// sipHeader is a header that matters here.
type sipHeader struct {
	name, short string
	search      string // what stands before the part that matters; empty: nothing
	number      bool   // a number matters, otherwise an address and port
	user        bool   // a user's name may stand before the address
}

// The headers (nf_conntrack_sip.c ct_sip_hdrs).
var (
	sipCSeq          = sipHeader{name: "CSeq", number: true}
	sipFrom          = sipHeader{name: "From", short: "f", search: "sip:", user: true}
	sipTo            = sipHeader{name: "To", short: "t", search: "sip:", user: true}
	sipContact       = sipHeader{name: "Contact", short: "m", search: "sip:", user: true}
	sipViaUDP        = sipHeader{name: "Via", short: "v", search: "UDP "}
	sipViaTCP        = sipHeader{name: "Via", short: "v", search: "TCP "}
	sipExpires       = sipHeader{name: "Expires", number: true}
	sipContentLength = sipHeader{name: "Content-Length", short: "l", number: true}
)

type sipFound uint8

const (
	sipNothing sipFound = iota
	sipBad              // it is there and cannot be read; the part's at is where to go on
	sipFine
)

// value reads what matters of a header's value that begins at i.
func (h *sipHeader) value(b []byte, i int, family uint8) (sipEnd, sipFound) {
	start := i
	if h.search != "" {
		if i = sipSearch(b, i, h.search); i < 0 {
			return sipEnd{at: start}, sipBad
		}
		i += len(h.search)
	}
	var e sipEnd
	ok := true
	switch {
	case h.number:
		e = sipEnd{at: i, n: sipDigits(b[i:])}
		ok = e.n > 0
	case h.user:
		e, ok = sipUserEndAt(b, i, family)
	default:
		e, ok = sipEndAt(b, i, family)
	}
	if !ok {
		return sipEnd{at: start}, sipBad
	}
	return e, sipFine
}

// find looks for the header on the lines behind the one that i is in
// (ct_sip_get_header). A name that only begins like the header's ends the
// search.
func (h *sipHeader) find(b []byte, i int, family uint8) (sipEnd, sipFound) {
	for ; i < len(b); i++ {
		if !isNewline(b[i]) {
			continue
		}
		if i = sipLine(b, i); i >= len(b) {
			break
		}
		switch rest := b[i:]; {
		case isBlank(b[i]):
			continue
		case hasFold(rest, h.name):
			i += len(h.name)
		case h.short != "" && len(rest) > len(h.short) && hasFold(rest, h.short) && !isLetter(rest[len(h.short)]):
			i += len(h.short)
		default:
			continue // a line's first character never ends it
		}
		if i = sipBlank(b, i); i < 0 || i >= len(b) || b[i] != ':' {
			break
		}
		if i++; i >= len(b) {
			break
		}
		if i = sipBlank(b, i); i < 0 {
			break
		}
		return h.value(b, i, family)
	}
	return sipEnd{}, sipNothing
}

// next looks for the next value in the header that i is in, behind a comma
// (ct_sip_next_header).
func (h *sipHeader) next(b []byte, i int, family uint8) (sipEnd, sipFound) {
	if i = sipSearch(b, i, ","); i < 0 {
		return sipEnd{}, sipNothing
	}
	if i = sipSearch(b, i, h.search); i < 0 {
		return sipEnd{}, sipNothing
	}
	i += len(h.search)
	e, ok := sipUserEndAt(b, i, family)
	if !ok {
		return sipEnd{at: i}, sipBad
	}
	return e, sipFine
}

// sipWalk goes through all values of a header, in one line or in several, and
// passes over those that cannot be read (ct_sip_walk_headers).
type sipWalk struct {
	h      *sipHeader
	at     int // behind the last value
	inside bool
}

func (w *sipWalk) next(b []byte, family uint8) (sipEnd, bool) {
	for i := w.at; w.inside; {
		e, found := w.h.next(b, i, family)
		if found == sipFine {
			w.at = e.at + e.n
			return e, true
		}
		w.inside = found != sipNothing
		i = e.at
	}
	for i := w.at; ; {
		e, found := w.h.find(b, i, family)
		switch found {
		case sipNothing:
			return e, false
		case sipFine:
			w.at, w.inside = e.at+e.n, true
			return e, true
		}
		i = e.at
	}
}

// end gives the first value of a header that can be read.
func (h *sipHeader) end(b []byte, family uint8) (sipEnd, bool) {
	w := sipWalk{h: h}
	return w.next(b, family)
}

// num gives a header's number. ok is false when the header is not there, or
// bad; valid, when its number is too great.
func (h *sipHeader) num(b []byte) (v uint32, e sipEnd, ok, valid bool) {
	e, found := h.find(b, 0, 0)
	if found != sipFine {
		return 0, e, false, false
	}
	v, n := sipNumber(b[e.at:])
	return v, e, true, n > 0
}

// sipRequestURI finds the address in a request's first line
// (ct_sip_parse_request).
func sipRequestURI(b []byte, family uint8) (sipEnd, bool) {
	i := sipLetters(b)
	if i == 0 {
		return sipEnd{}, false
	}
	for i++; i < len(b)-len("sip:"); i++ {
		if isNewline(b[i]) {
			break
		}
		if hasFold(b[i:], "sip:") {
			return sipUserEndAt(b, i+len("sip:"), family)
		}
	}
	return sipEnd{}, false
}

// sipParam finds a parameter of the header's value that i is in: n bytes from
// at on; at is -1 when there is none (ct_sip_parse_param).
func sipParam(b []byte, i int, name string) (at, n int) {
	if comma := sipSearch(b, i, ","); comma >= 0 {
		b = b[:comma]
	}
	if at = sipSearch(b, i, name); at < 0 {
		return at, 0
	}
	at += len(name)
	if end := sipSearch(b, at, ";"); end >= 0 {
		return at, end - at
	}
	return at, len(b) - at
}

// sipAddrParam reads an address parameter (ct_sip_parse_address_param).
func sipAddrParam(b []byte, i int, name string, family uint8, delimited bool) (addr packet.Addr, at, n int) {
	at, _ = sipParam(b, i, name)
	if at < 0 {
		return addr, 0, 0
	}
	if comma := sipSearch(b, i, ","); comma >= 0 {
		b = b[:comma]
	}
	addr, n = sipAddr(b[at:], family, delimited)
	return addr, at, n
}

// sipNumberParam reads a numerical parameter. bad: it is there and no number
// (ct_sip_parse_numerical_param).
func sipNumberParam(b []byte, i int, name string) (v uint32, at, n int, bad bool) {
	at, _ = sipParam(b, i, name)
	if at < 0 {
		return 0, 0, 0, false
	}
	if comma := sipSearch(b, i, ","); comma >= 0 {
		b = b[:comma]
	}
	v, n = sipNumber(b[at:])
	return v, at, n, n == 0
}

// sipTransport gives the protocol that a URI asks for. Other protocols than
// the connection's are not followed (ct_sip_parse_transport).
func sipTransport(b []byte, i int, proto uint8) bool {
	at, _ := sipParam(b, i, "transport=")
	switch {
	case at < 0:
		return true
	case hasFold(b[at:], "TCP"):
		return proto == packet.ProtoTCP
	case hasFold(b[at:], "UDP"):
		return proto == packet.ProtoUDP
	}
	return false
}
