package workload

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Kind is a sort of traffic.
type Kind uint8

const (
	Web Kind = iota
	DNS
	SYNFlood
	HalfOpen
	UDPOneWay
	Elephants
	Zipf
	Idle

	numKinds = int(Idle) + 1
)

func (k Kind) String() string { return kinds[k].name }

// Part is one kind of traffic with its parameters. Times are nanoseconds; what
// a kind does not use is zero.
type Part struct {
	Kind   Kind
	Conns  int64   // connections of a population
	Active int64   // those of them that speak all the time
	Rate   float64 // a second: connections of trains and sessions, packets of a population
	Open   float64 // connections that a population opens a second
	S      float64 // exponent of Zipf's law
	Alpha  float64 // exponent of the sizes' fat tail
	Min    int64   // packets of an answer, at least
	Max    int64   // and at most
	RTT    int64
	Gap    int64 // between the packets of an answer
	Beat   int64 // between the packets of an idle connection; 0: it is silent
	Start  int64 // when it begins
	Stop   int64 // when it ends; 0: with the run
	Size   int64 // bytes of a data frame
	Port   int64 // the server's
}

const (
	second      = int64(1e9)
	millisecond = int64(1e6)
)

// talkSize is the frame size of a talk's figures: 23 M packets/s of 114 bytes
// fill 25 Gbit/s.
const talkSize = 114

// kind describes a sort of traffic: the parameters that it takes, and what
// they are unless said otherwise.
type kind struct {
	name, what string
	keys       string
	def        Part
}

var kinds = [numKinds]kind{
	Web: {"web", "short TCP connections: handshake, request, an answer of fat-tailed size, FIN",
		"rate alpha min max rtt gap size port start stop",
		Part{Rate: 10e3, Alpha: 1.2, Min: 4, Max: 100_000, RTT: 20 * millisecond, Gap: millisecond / 5, Size: 1514, Port: 80}},
	DNS: {"dns", "UDP queries with one answer each",
		"rate rtt size port start stop",
		Part{Rate: 10e3, RTT: 10 * millisecond, Size: 120, Port: 53}},
	SYNFlood: {"synflood", "SYNs from ever new sources, never answered",
		"rate port start stop",
		Part{Rate: 100e3, Port: 80}},
	HalfOpen: {"halfopen", "SYN and SYN-ACK from ever new sources, never completed",
		"rate rtt port start stop",
		Part{Rate: 100e3, RTT: 20 * millisecond, Port: 80}},
	UDPOneWay: {"udp-oneway", "UDP streams that nobody answers",
		"conns rate open size port start stop",
		Part{Conns: 1000, Rate: 100e3, Size: talkSize, Port: 5004}},
	Elephants: {"elephants", "a few TCP connections that carry bulk data",
		"conns rate open rtt size port start stop",
		Part{Conns: 100, Rate: 100e3, RTT: 20 * millisecond, Size: 1514, Port: 5201}},
	Zipf: {"zipf", "TCP connections of which the n-th gets packets in proportion to n^-s",
		"conns rate s open rtt size port start stop",
		Part{Conns: 100_000, S: 1.1, RTT: 20 * millisecond, Size: talkSize, Port: 443}},
	Idle: {"idle", "TCP connections of which some are active and the others beat now and then",
		"conns active rate beat open rtt size port start stop",
		Part{Conns: 100_000, Active: -1, Beat: 120 * second, RTT: 20 * millisecond, Size: talkSize, Port: 443}},
}

// unit is how a parameter is written.
type unit uint8

const (
	number unit = iota // 1.1
	count              // 10M
	rate               // 20000/s, 1M/s
	span               // 20ms, 60s
)

// param is a parameter of some kinds.
type param struct {
	name, what string
	unit       unit
	min, max   float64
	n          func(*Part) *int64
	f          func(*Part) *float64
}

const (
	maxConns = 1 << 27
	maxSpan  = float64(24 * 3600 * second)
)

var params = []param{
	{name: "conns", what: "connections", unit: count, min: 1, max: maxConns, n: func(p *Part) *int64 { return &p.Conns }},
	{name: "active", what: "connections that are active; a fifth unless said", unit: count, min: 1, max: maxConns, n: func(p *Part) *int64 { return &p.Active }},
	{name: "rate", what: "connections a second (web, dns, floods), or packets a second of all connections", unit: rate, min: 0.001, max: 1e9, f: func(p *Part) *float64 { return &p.Rate }},
	{name: "open", what: "connections opened a second; a twentieth of them unless said, 20000 at least", unit: rate, min: 0.001, max: 1e9, f: func(p *Part) *float64 { return &p.Open }},
	{name: "s", what: "exponent of Zipf's law", unit: number, min: 0, max: 4, f: func(p *Part) *float64 { return &p.S }},
	{name: "alpha", what: "exponent of the answers' sizes (Pareto)", unit: number, min: 0.1, max: 10, f: func(p *Part) *float64 { return &p.Alpha }},
	{name: "min", what: "packets of the smallest answer", unit: count, min: 1, max: 10e6, n: func(p *Part) *int64 { return &p.Min }},
	{name: "max", what: "packets of the largest answer", unit: count, min: 1, max: 10e6, n: func(p *Part) *int64 { return &p.Max }},
	{name: "rtt", what: "round trip", unit: span, min: 0, max: 60e9, n: func(p *Part) *int64 { return &p.RTT }},
	{name: "gap", what: "between packets of an answer", unit: span, min: 0, max: 60e9, n: func(p *Part) *int64 { return &p.Gap }},
	{name: "beat", what: "between packets of an idle connection; 0: it is silent", unit: span, min: 0, max: maxSpan, n: func(p *Part) *int64 { return &p.Beat }},
	{name: "size", what: "bytes of a data frame", unit: count, min: minFrame, max: maxFrame, n: func(p *Part) *int64 { return &p.Size }},
	{name: "port", what: "the server's port", unit: count, min: 1, max: 65535, n: func(p *Part) *int64 { return &p.Port }},
	{name: "start", what: "when it begins", unit: span, min: 0, max: maxSpan, n: func(p *Part) *int64 { return &p.Start }},
	{name: "stop", what: "when it ends; 0: with the run", unit: span, min: 0, max: maxSpan, n: func(p *Part) *int64 { return &p.Stop }},
}

func (q *param) get(p *Part) float64 {
	if q.f != nil {
		return *q.f(p)
	}
	return float64(*q.n(p))
}

func (q *param) set(p *Part, v float64) {
	if q.f != nil {
		*q.f(p) = v
		return
	}
	*q.n(p) = int64(math.Round(v))
}

// A population opens within so many seconds unless said, and not slower than
// that a second.
const (
	openWithin = 20
	openLeast  = 20_000
)

// settle fills in what follows from the other parameters, and checks how they
// go together.
func (p *Part) settle() error {
	if p.Active > p.Conns {
		return fmt.Errorf("active=%s is more than conns=%s", si(float64(p.Active)), si(float64(p.Conns)))
	}
	if p.Min > p.Max {
		return fmt.Errorf("min=%d is more than max=%d", p.Min, p.Max)
	}
	if p.Stop != 0 && p.Stop <= p.Start {
		return fmt.Errorf("stop=%s is not after start=%s", spanText(p.Stop), spanText(p.Start))
	}
	if p.Active < 0 {
		p.Active = max(p.Conns/5, 1)
	}
	if p.Conns > 0 {
		p.Open = cmp.Or(p.Open, max(float64(p.Conns)/openWithin, openLeast))
	}
	switch p.Kind {
	case Zipf:
		p.Rate = cmp.Or(p.Rate, float64(p.Conns))
	case Idle:
		p.Rate = cmp.Or(p.Rate, float64(p.Active))
	}
	return nil
}

// Scale returns the parts with all connections and rates multiplied by f: the
// same experiment, of another size.
func Scale(parts []Part, f float64) []Part {
	var out []Part
	for _, p := range parts {
		if p.Conns > 0 {
			p.Conns = max(int64(math.Round(float64(p.Conns)*f)), 1)
		}
		if p.Active > 0 {
			p.Active = min(max(int64(math.Round(float64(p.Active)*f)), 1), p.Conns)
		}
		p.Rate *= f
		p.Open *= f
		out = append(out, p)
	}
	return out
}

// String is the part as Parse takes it, with all parameters.
func (p Part) String() string {
	var b strings.Builder
	b.WriteString(p.Kind.String())
	for i := range params {
		q := &params[i]
		if !kinds[p.Kind].takes(q.name) || q.name == "start" && p.Start == 0 || q.name == "stop" && p.Stop == 0 {
			continue
		}
		b.WriteString("," + q.name + "=")
		switch v := q.get(&p); q.unit {
		case rate:
			b.WriteString(si(v) + "/s")
		case span:
			b.WriteString(spanText(int64(v)))
		case count:
			b.WriteString(si(v))
		default:
			b.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return b.String()
}

func (k *kind) takes(key string) bool {
	for name := range strings.FieldsSeq(k.keys) {
		if name == key {
			return true
		}
	}
	return false
}

// si writes a number with k or M where that loses nothing.
func si(v float64) string {
	for _, u := range []struct {
		word string
		of   float64
	}{{"M", 1e6}, {"k", 1e3}} {
		if s := strconv.FormatFloat(v/u.of, 'f', -1, 64); v >= u.of && len(s) <= 5 {
			if back, _ := strconv.ParseFloat(s, 64); back*u.of == v {
				return s + u.word
			}
		}
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
