package workload

import (
	"math"

	"sluice/packet"
)

// wheelTicks is the wheel's size; what waits longer goes round.
const wheelTicks = 1 << 14

// sessions are web connections under way. Each waits in the wheel's slot of
// its next packet, in a list.
type sessions struct {
	wheel [wheelTicks]uint32 // head of the list: index of a session; 0: none
	all   []session          // the first is never used
	free  uint32
	begun int64
	at    int64  // the tick under way
	due   uint32 // sessions of this tick that are still to be served
	sizes Sizes  // of those that have ended
}

// session is one connection: what comes next, and when.
type session struct {
	at     int64 // tick of the next packet
	next   uint32
	conn   uint32
	answer uint32 // packets that the server answers with
	got    uint32 // of which so many were sent
	sent   uint32 // packets in all
	step   uint8
}

// Steps of a web connection: what is sent next.
const (
	webSYN = iota
	webSYNACK
	webACK
	webRequest
	webAnswer
	webAnswerACK
	webFIN
	webFINACK
	webLast
)

const requestBytes = 200

func newSessions() *sessions { return &sessions{all: make([]session, 1, 1024), at: -1} }

// begin makes a session that begins at a tick.
func (s *sessions) begin(at int64, answer uint32) {
	n := s.free
	if n == 0 {
		n = uint32(len(s.all))
		s.all = append(s.all, session{})
	} else {
		s.free = s.all[n].next
	}
	s.all[n] = session{at: at, conn: uint32(s.begun), answer: answer}
	s.begun++
	s.wait(n)
}

func (s *sessions) wait(n uint32) {
	slot := &s.wheel[s.all[n].at%wheelTicks]
	s.all[n].next = *slot
	*slot = n
}

func (p *part) fillSessions(now int64, v *packet.Vector) {
	s := p.sessions
	at := now / tick
	if s.at != at {
		s.at = at
		for n := p.opened(p.Rate, now); s.begun < n; {
			s.begin(at, p.pareto())
			p.st.Conns++
		}
		s.due, s.wheel[at%wheelTicks] = s.wheel[at%wheelTicks], 0
	}
	for s.due != 0 && v.N < packet.VectorSize {
		n := s.due
		s.due = s.all[n].next
		if s.all[n].at > at {
			s.wait(n) // another round of the wheel
			continue
		}
		pause := p.speak(&s.all[n], v)
		if pause < 0 {
			s.sizes.Add(uint64(s.all[n].sent))
			s.all[n].next, s.free = s.free, n
			s.all[n].sent = 0
			continue
		}
		s.all[n].at = at + max(pause/tick, 1)
		s.wait(n)
	}
}

// pareto is the size of an answer, in packets.
func (p *part) pareto() uint32 {
	u := float64(p.rng.Uint64()>>11+1) / (1 << 53)
	n := float64(p.Min) * math.Pow(u, -1/p.Alpha)
	return uint32(min(n, float64(p.Max)))
}

// speak sends a session's next packet and tells how long until the one after
// it; negative: it was the last.
func (p *part) speak(s *session, v *packet.Vector) (pause int64) {
	data := tcpData(p.Size)
	asked, answered := uint32(1+requestBytes), 1+s.got*uint32(data)
	s.sent++
	switch s.step {
	case webSYN, webSYNACK, webACK:
		p.handshake(v, s.conn, int(s.step))
		pause = p.RTT / 2
		if s.step == webACK {
			pause = 0
		}
	case webRequest:
		p.tcp(v, s.conn, toServer, 1, 1, flagPSH|flagACK, requestBytes)
		pause = p.RTT
	case webAnswer:
		p.tcp(v, s.conn, toClient, answered, asked, flagPSH|flagACK, data)
		s.got++
		if s.got%2 == 1 && s.got < s.answer {
			return p.Gap // the step stays
		}
		pause = p.Gap
	case webAnswerACK: // after every second packet (RFC 1122, 4.2.3.2)
		p.tcp(v, s.conn, toServer, asked, answered, flagACK, 0)
		pause = p.Gap
		if s.got < s.answer {
			s.step = webAnswer
			return pause
		}
	case webFIN:
		p.tcp(v, s.conn, toServer, asked, answered, flagFIN|flagACK, 0)
		pause = p.RTT / 2
	case webFINACK:
		p.tcp(v, s.conn, toClient, answered, asked+1, flagFIN|flagACK, 0)
		pause = p.RTT / 2
	default:
		p.tcp(v, s.conn, toServer, asked+1, answered+1, flagACK, 0)
		return -1
	}
	s.step++
	return pause
}
