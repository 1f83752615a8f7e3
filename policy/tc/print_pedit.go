package tc

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"sluice/policy"
)

var peditHeaders = []string{"network", "eth", "ipv4", "ipv6", "tcp", "udp"} // by policy.PeditHeader

func (p *printer) pedit(a *policy.Action) {
	p.str("kind", " %s ", "pedit")
	p.control("action ", a.Control, a.ControlArg, " ")
	p.uint("nkeys", "keys %d", uint64(len(a.Pedit.Keys)))
	p.nl()
	p.textf(" ")
	p.uint("index", "\t index %d", uint64(a.Index))
}

// peditKeys writes the keys, which tc prints behind the references.
func (p *printer) peditKeys(e *policy.Pedit) {
	p.openArray("keys")
	for i, k := range e.Keys {
		p.openObject("")
		p.nl()
		p.textf("\t key #%d  at ", i)
		header := peditHeaders[k.Header]
		if k.Header == policy.PeditNetwork {
			p.jsonStr("htype", header)
			p.textf("%d", k.Off)
		} else {
			p.str("htype", "%s", header)
			p.textf("%+d", k.Off)
		}
		if p.o.json {
			p.key("offset")
			fmt.Fprintf(&p.buf, "%d", k.Off)
		}
		cmd, word := "set", "val"
		if k.Add {
			cmd, word = "add", "add"
		}
		p.jsonStr("cmd", cmd)
		p.textf(": %s %08x mask %08x", word, k.Val, k.Mask)
		p.jsonStr("val", fmt.Sprintf("%x", k.Val))
		p.jsonStr("mask", fmt.Sprintf("%x", k.Mask))
		p.close()
	}
	p.close()
}

// peditWordsOf writes keys as changes that make the same keys again.
func peditWordsOf(e *policy.Pedit) string {
	s := ""
	if e.Extended {
		s = " ex"
	}
	for keys := e.Keys; len(keys) > 0; {
		text, n := munge(e.Extended, keys)
		s += " munge " + text
		keys = keys[n:]
	}
	return s
}

// munge finds a change that makes the first of the keys, and says how many it
// makes.
func munge(extended bool, keys []policy.PeditKey) (string, int) {
	k := keys[0]
	if k.Header == policy.PeditNetwork {
		at := ""
		if k.OffMask != 0 || k.At != 0 || k.Shift != 0 {
			at = fmt.Sprintf(" at %d %x %d", k.At, k.OffMask, k.Shift)
		}
		for _, n := range []int{1, 2} {
			for b := 0; b+n <= 4; b++ {
				stride := uint(8 * (4 - n - b))
				if field := uint32(1<<(8*n)-1) << stride; k.Mask == ^field && k.Val&^field == 0 {
					return fmt.Sprintf("offset %d u%d%s %s", k.Off+int32(b), 8*n, at, keyCommand(k, stride, uint(8*n), "0x%x", field>>stride)), 1
				}
			}
		}
		return fmt.Sprintf("offset %d u32%s %s", k.Off, at, keyCommand(k, 0, 32, "0x%x", full)), 1
	}
	best, made := "", 1
	for head, h := range peditFields {
		if h.header != k.Header {
			continue
		}
		for _, f := range h.fields {
			text := head + " " + f.name + " " + fieldCommand(f, keys)
			p := &peditParse{cursor: &cursor{s: &Session{}, words: wordsOf(text)}, act: &policy.Pedit{Extended: extended}}
			if got := p.made(); len(got) > 0 && len(got) <= len(keys) && slices.Equal(got, keys[:len(got)]) {
				if best == "" || strings.Contains(best, " retain ") && !strings.Contains(text, " retain ") {
					best, made = text, len(got)
				}
			}
		}
	}
	return best, made
}

// made reads a change and gives its keys, none when it is not one.
func (p *peditParse) made() (keys []policy.PeditKey) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(*Error); !ok {
				panic(r)
			}
			keys = nil
		}
	}()
	p.munge()
	if p.more() {
		return nil
	}
	return p.act.Keys
}

func wordsOf(text string) (out []word) {
	for _, w := range strings.Fields(text) {
		out = append(out, word{text: w})
	}
	return out
}

// fieldCommand writes what keys would do to a field that they are about.
func fieldCommand(f peditField, keys []policy.PeditKey) string {
	verb := "set "
	if keys[0].Add {
		verb = "add "
	}
	var b [16]byte
	switch {
	case f.kind == fieldMAC && len(keys) >= 2:
		if f.off&3 == 0 {
			binary.BigEndian.PutUint32(b[:], keys[0].Val)
			binary.BigEndian.PutUint16(b[4:], uint16(keys[1].Val>>16))
		} else {
			binary.BigEndian.PutUint16(b[:], uint16(keys[0].Val))
			binary.BigEndian.PutUint32(b[2:], keys[1].Val)
		}
		return verb + macText([6]byte(b[:6]))
	case f.kind == fieldIPv6 && len(keys) >= 4:
		for i := range 4 {
			binary.BigEndian.PutUint32(b[4*i:], keys[i].Val)
		}
		return verb + addrText(b, 6)
	case f.kind == fieldIPv4:
		k := keys[0]
		if k.Val&k.Mask != 0 {
			return keyCommand(k, 0, 32, "0x%x", full)
		}
		binary.BigEndian.PutUint32(b[:], k.Val)
		if k.Mask == 0 {
			return verb + addrText(b, 4)
		}
		return fmt.Sprintf("%s%s retain 0x%x", verb, addrText(b, 4), ^k.Mask)
	case f.len > 4:
		return ""
	}
	k := keys[0]
	return keyCommand(k, uint(8*(4-f.len-int(f.off&3)))+uint(f.shift), uint(8*f.len), "%d", f.retain)
}

// keyCommand writes what a key does to the bits from stride on. retain are
// those that it does it to when nothing is said of them.
func keyCommand(k policy.PeditKey, stride, bits uint, format string, retain uint32) string {
	field := uint32(1<<bits - 1)
	val, mask := k.Val>>stride&field, k.Mask>>stride&field
	if val&mask != 0 {
		if val == retain {
			return "invert"
		}
		return fmt.Sprintf("invert retain 0x%x", val)
	}
	verb := "set"
	if k.Add {
		verb = "add"
	}
	s := fmt.Sprintf("%s "+format, verb, val)
	if ^mask&field != retain {
		s += fmt.Sprintf(" retain 0x%x", ^mask&field)
	}
	return s
}
