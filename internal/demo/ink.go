package demo

import "sluice/packet"

// ink writes in colours if it is true.
type ink bool

func (k ink) in(code, s string) string {
	if !k {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (k ink) bold(s string) string { return k.in("1", s) }
func (k ink) dim(s string) string  { return k.in("2", s) }

// fate colours what became of a packet: green, it was forwarded; yellow, the
// stack has it; red, it is gone.
func (k ink) fate(v packet.Verdict, s string) string {
	switch v {
	case packet.Forward:
		return k.in("32", s)
	case packet.Pass:
		return k.in("33", s)
	}
	return k.in("31", s)
}
