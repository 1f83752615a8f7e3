package conntrack

import (
	"bytes"
	"slices"

	"sluice/packet"
)

// Classes of what SIP announces.
const (
	sipSignalling uint8 = iota
	sipAudio
	sipVideo
	sipImage
)

// sipPolicy is nf_conntrack_sip.c's sip_exp_policy: two pairs of RTP and RTCP
// for audio and video, one for images.
var sipPolicy = []expectPolicy{
	sipSignalling: {1, 3 * 60 * second},
	sipAudio:      {4, 3 * 60 * second},
	sipVideo:      {4, 3 * 60 * second},
	sipImage:      {2, 3 * 60 * second},
}

// sipTimeout is how long a connection lives after a message (the module's
// sip_timeout). The module's other parameters are at their defaults, too:
// media are expected between those that speak to each other alone
// (sip_direct_media), calls from the registrar alone (sip_direct_signalling).
const sipTimeout = 3600 * second

// sipState is what a connection remembers (struct nf_ct_sip_master).
type sipState struct {
	register, invite uint32 // sequence numbers of the last requests
	// forcedPort is where a client listens that sends from elsewhere (RFC
	// 3261, 18.2.2); 0: none such.
	forcedPort uint16
}

// sipLeast is the shortest message that is looked at.
const sipLeast = len("SIP/2.0 200")

// sip reads the message in a datagram (sip_help_udp).
func (p *parley) sip() bool {
	n := len(p.payload())
	if n == 0 {
		return true
	}
	p.refresh(sipTimeout)
	if n < sipLeast {
		return true
	}
	m := sipMessage{parley: p, n: n}
	return m.read()
}

// sipStream reads the messages in a segment (sip_help_tcp). What is not whole
// is let through unread; so is what has no length.
func (p *parley) sipStream() bool {
	n := len(p.payload())
	if n == 0 || p.info != packet.CTEstablished && p.info != packet.CTEstablishedReply {
		return true
	}
	p.refresh(sipTimeout)
	if n < sipLeast {
		return true
	}
	seq := packet.TCPSeq(p.frame[p.h.L4:])
	for at := 0; ; {
		rest := p.payload()[at:]
		size, ok := sipSize(rest)
		if !ok {
			break
		}
		if size > int64(len(rest)) {
			// The kernel forgets by how much the messages before have grown.
			return true
		}
		m := sipMessage{parley: p, at: at, n: int(size)}
		if !m.read() {
			return false
		}
		at += m.n
	}
	if p.translated() {
		p.grown(seq, len(p.payload())-n)
	}
	return true
}

// sipSize is how long the message at the beginning of b says that it is.
func sipSize(b []byte) (int64, bool) {
	body, e, ok, valid := sipContentLength.num(b)
	if !ok || !valid {
		return 0, false
	}
	end := bytes.Index(b[e.at:], []byte("\r\n\r\n"))
	return int64(e.at+end+4) + int64(body), end >= 0
}

// sipMessage is one message within a packet's payload. Its length changes with
// its text.
type sipMessage struct {
	*parley
	at, n int
	line  [64]byte // where what goes in is written
}

func (m *sipMessage) text() []byte { return m.payload()[m.at : m.at+m.n] }

// put writes s in place of n bytes at `at`.
func (m *sipMessage) put(at, n int, s []byte) bool {
	if !m.mangle(m.at+at, n, s) {
		return false
	}
	m.n += len(s) - n
	return true
}

func (m *sipMessage) family() uint8 { return m.c.Orig.Family }

// read follows what a message announces and translates it. It reports false
// when the packet must go (process_sip_msg).
func (m *sipMessage) read() bool {
	ok := false
	if hasFold(m.text(), "SIP/2.0 ") {
		ok = m.response()
	} else {
		ok = m.request()
	}
	return ok && (!m.translated() || m.translate())
}

// sipMethods are the requests that are followed. Methods that the kernel
// tells by their beginning are told by it here, too.
var sipMethods = []string{"INVITE", "UPDATE", "ACK", "PRACK", "BYE", "REGISTER"}

// request follows a request (process_sip_request).
func (m *sipMessage) request() bool {
	b, this := m.text(), m.tuple(m.dir)
	if via, ok := sipViaUDP.end(b, m.family()); ok && via.port != this.SPort && via.addr == this.Src {
		m.x.sip.forcedPort = via.port
	}
	i := slices.IndexFunc(sipMethods, func(name string) bool {
		return hasFold(b, name) && len(b) >= len(name)+2 && b[len(name)] == ' ' && isLetter(b[len(name)+1])
	})
	if i < 0 {
		return true
	}
	seq, _, ok, valid := sipCSeq.num(b)
	if !ok || !valid {
		return false
	}
	switch sipMethods[i] {
	case "INVITE":
		m.flush(true)
		if !m.sdp() {
			return false
		}
		m.x.sip.invite = seq
		return true
	case "BYE":
		m.flush(true)
		return true
	case "REGISTER":
		return m.register(seq)
	}
	return m.sdp()
}

// response follows the response to a request (process_sip_response).
func (m *sipMessage) response() bool {
	b := m.text()
	if len(b) < sipLeast {
		return true
	}
	code, _ := sipNumber(b[len("SIP/2.0 "):])
	seq, e, ok, valid := sipCSeq.num(b)
	if code == 0 || !ok || !valid {
		return false
	}
	method := b[min(e.at+e.n+1, len(b)):]
	switch {
	case hasFold(method, "REGISTER"):
		return m.registered(seq, code)
	case !hasFold(method, "INVITE") && !hasFold(method, "UPDATE") && !hasFold(method, "PRACK"):
		return true
	case code >= 100 && code <= 299:
		return m.sdp()
	case seq == m.x.sip.invite:
		m.flush(true)
	}
	return true
}

// flush takes back all media that were announced, or the newest registration
// (flush_expectations).
func (m *sipMessage) flush(media bool) {
	for i := len(m.x.waiting) - 1; i >= 0; i-- {
		if e := m.x.waiting[i]; (e.class != sipSignalling) == media {
			if m.t.unexpect(e); !media {
				return
			}
		}
	}
}
