package tc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"sluice/policy"
)

// printer writes one command's answer, as text or as JSON, from the same
// calls, like iproute2's json_print: a format with a %-verb makes the text, a
// key makes the JSON. What is meant for one of the two only has its own call.
type printer struct {
	s      *Session
	o      options
	buf    bytes.Buffer
	sep    bool // a JSON value precedes on this level
	depth  int
	closer []byte
	err    error
}

// newPrinter starts an answer; in JSON all of it is one array.
func (s *Session) newPrinter(o options) *printer {
	p := &printer{s: s, o: o}
	if o.json {
		p.openArray("")
	}
	return p
}

// flush ends the answer and sends it out.
func (p *printer) flush() {
	if p.o.json {
		p.close()
		p.buf.WriteByte('\n')
	}
	if p.s.Out != nil {
		_, p.err = p.s.Out.Write(p.buf.Bytes())
	}
}

// nl ends a line of text.
func (p *printer) nl() {
	if p.o.oneLine {
		p.textf("\\")
		return
	}
	p.textf("\n")
}

// textf writes to text output only.
func (p *printer) textf(format string, args ...any) {
	if !p.o.json {
		fmt.Fprintf(&p.buf, format, args...)
	}
}

// eol starts a line of pretty JSON.
func (p *printer) eol() {
	if p.o.pretty {
		p.buf.WriteByte('\n')
		p.buf.WriteString(strings.Repeat("    ", p.depth))
	}
}

// key starts a JSON value; an empty key is one in an array.
func (p *printer) key(key string) {
	if p.sep {
		p.buf.WriteByte(',')
	}
	p.sep = true
	if key == "" {
		return
	}
	p.eol()
	p.buf.WriteString(quote(key))
	p.buf.WriteByte(':')
	if p.o.pretty {
		p.buf.WriteByte(' ')
	}
}

func (p *printer) open(key string, open, closer byte) {
	if !p.o.json {
		p.closer = append(p.closer, closer)
		return
	}
	p.key(key)
	p.buf.WriteByte(open)
	p.depth++
	p.sep = false
	p.closer = append(p.closer, closer)
	if open == '[' && p.o.pretty {
		p.buf.WriteByte(' ')
	}
}

// openObject and openArray begin a JSON value that close ends.
func (p *printer) openObject(key string) { p.open(key, '{', '}') }
func (p *printer) openArray(key string)  { p.open(key, '[', ']') }

func (p *printer) close() {
	c := p.closer[len(p.closer)-1]
	p.closer = p.closer[:len(p.closer)-1]
	if !p.o.json {
		return
	}
	p.depth--
	switch {
	case c == ']' && p.o.pretty && p.sep:
		p.buf.WriteByte(' ')
	case c == '}' && p.sep:
		p.eol()
	}
	p.buf.WriteByte(c)
	p.sep = true
}

// str writes a string.
func (p *printer) str(key, format, v string) {
	if !p.o.json {
		fmt.Fprintf(&p.buf, format, v)
		return
	}
	p.key(key)
	p.buf.WriteString(quote(v))
}

// uint writes a number.
func (p *printer) uint(key, format string, v uint64) {
	if !p.o.json {
		fmt.Fprintf(&p.buf, format, v)
		return
	}
	p.key(key)
	p.buf.WriteString(strconv.FormatUint(v, 10))
}

// jsonUint and jsonStr write to JSON only.
func (p *printer) jsonUint(key string, v uint64) {
	if p.o.json {
		p.uint(key, "", v)
	}
}

func (p *printer) jsonStr(key, v string) {
	if p.o.json {
		p.str(key, "", v)
	}
}

// boolean writes a flag; in text the word, which does not depend on v.
func (p *printer) boolean(key, text string, v bool) {
	if !p.o.json {
		p.buf.WriteString(text)
		return
	}
	p.key(key)
	p.buf.WriteString(strconv.FormatBool(v))
}

// null writes a key without a value to JSON only.
func (p *printer) null(key string) {
	if p.o.json {
		p.key(key)
		p.buf.WriteString("null")
	}
}

// quote makes a JSON string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < 0x20:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// stats2 writes an action's counters (iproute2's print_tcstats2_attr). prefix
// stands before the second line.
func (p *printer) stats2(st policy.Stats, prefix string) {
	p.uint("bytes", "Sent %d bytes", st.Bytes)
	p.uint("packets", " %d pkt", st.Packets)
	p.uint("drops", " (dropped %d", st.Drops)
	p.uint("overlimits", ", overlimits %d", st.Overlimits)
	p.uint("requeues", " requeues %d) ", 0)
	p.tiers(st, prefix)
	p.nl()
	p.textf("%s", prefix)
	p.uint("backlog", "backlog %db", 0)
	p.uint("qlen", " %dp", 0)
	p.textf(" requeues 0")
}

// tiers writes what software and a device have counted, once a device has
// (iproute2's print_tcstats_basic_hw).
func (p *printer) tiers(st policy.Stats, prefix string) {
	if st.HWPackets == 0 && st.HWBytes == 0 {
		return
	}
	if st.Bytes >= st.HWBytes && st.Packets >= st.HWPackets {
		p.nl()
		p.textf("%s", prefix)
		p.uint("sw_bytes", "Sent software %d bytes", st.Bytes-st.HWBytes)
		p.uint("sw_packets", " %d pkt", st.Packets-st.HWPackets)
	}
	p.nl()
	p.textf("%s", prefix)
	p.uint("hw_bytes", "Sent hardware %d bytes", st.HWBytes)
	p.uint("hw_packets", " %d pkt", st.HWPackets)
}
