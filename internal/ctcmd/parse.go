package ctcmd

import (
	"fmt"
	"strings"

	"sluice/conntrack"
	"sluice/internal/infile"
	"sluice/observe"
	"sluice/packet"
)

// request is a command line understood.
type request struct {
	command byte
	table   string // conntrack, expect, dying, unconfirmed
	file    string // the state
	live    bool   // the tracker is one at work: there is no file

	match            conntrack.Match
	filters          bool // something narrows the match
	nothing          bool // the match is one that no connection of ours can pass
	noBits           bool // -u named no bit
	zero             bool
	setMark, setMask uint32                 // of -U
	kinds            [observe.NumKinds]bool // which events, by observe.Kind

	format          observe.Format
	xml, save, json bool

	seen   map[string]bool // options given, by first name
	masks  [2]*packet.Addr // --mask-src, --mask-dst
	family uint8
	proto  int // -1: none named
	labels []string
	notes  []string
}

// usageError is what is wrong with a command line.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func badf(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// parse understands a command line over a saved state.
func parse(args []string) (*request, error) { return parseFor(args, false) }

// parseFor understands a command line, live: over a tracker at work.
func parseFor(args []string, live bool) (*request, error) {
	r := &request{live: live, table: "conntrack", seen: map[string]bool{}, proto: -1, kinds: kernelKinds}
	r.match.AnyZone = true
	args = append([]string(nil), args...) // --help's caller keeps its own
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		var err error
		switch {
		case strings.HasPrefix(word, "--") && len(word) > 2:
			args, err = r.long(word, args)
		case strings.HasPrefix(word, "-") && len(word) > 1:
			args, err = r.short(word, args)
		default:
			err = badf("Bad parameter `%s'", word)
		}
		if err != nil {
			return nil, err
		}
	}
	return r, r.check()
}

// long takes `--name`, `--name value` or `--name=value`.
func (r *request) long(word string, rest []string) ([]string, error) {
	name, value, has := strings.Cut(word[2:], "=")
	o := findLong(name, r.proto)
	if name == protoState {
		// The protocol's state where the protocol has some, or else the file.
		if o = findExact(name, r.proto); o == nil && r.file == "" {
			o = findExact("state-file", r.proto)
		}
	}
	if o == nil {
		return nil, badf("unknown option `%s'", word)
	}
	if has && o.arg == none {
		return nil, badf("option `--%s' takes no argument", name)
	}
	if !has && o.arg == required {
		if len(rest) == 0 {
			return nil, badf("option `%s' requires an argument", word)
		}
		value, rest = rest[0], rest[1:]
	}
	if !has && o.arg == optional && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		value, rest = rest[0], rest[1:]
	}
	return rest, r.option(o, value)
}

// short takes letters in a row; the argument may follow its letter at once.
func (r *request) short(word string, rest []string) ([]string, error) {
	for i := 1; i < len(word); i++ {
		o := findLetter(word[i])
		if o == nil {
			return nil, badf("unknown option `-%c'", word[i])
		}
		value := ""
		switch {
		case o.arg == none || o.arg == optional && i+1 < len(word):
		case i+1 < len(word):
			value, i = word[i+1:], len(word)
		case o.arg == required && len(rest) == 0:
			return nil, badf("option `-%c' requires an argument", word[i])
		case o.arg == required || len(rest) > 0 && !strings.HasPrefix(rest[0], "-"):
			value, rest = rest[0], rest[1:]
		}
		if err := r.option(o, value); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// option takes in one option with its value.
func (r *request) option(o *option, value string) error {
	if o.letter != 0 && strings.IndexByte(commandLetters, o.letter) >= 0 {
		if r.command != 0 {
			return badf("Invalid commands combination")
		}
		r.command = o.letter
		switch value {
		case "":
		case "conntrack", "expect", "dying", "unconfirmed":
			r.table = value
		default:
			return badf("unknown type `%s'", value)
		}
		return nil
	}
	r.seen[o.names[0]] = true
	if o.with == "" {
		return nil // check refuses it
	}
	switch o.names[0] {
	case "state-file":
		r.file = value
		return nil
	case "connlabel":
		return r.labelMap(value)
	case "label":
		r.labels = append(r.labels, value) // their names may come after them
		return nil
	}
	return r.value(o.names[0], value)
}

// maxLabels is the longest file of label bits' names that is read, in bytes:
// there are 128 of them.
const maxLabels = 1 << 20

// labelMap reads the names of label bits.
func (r *request) labelMap(file string) error {
	text, err := infile.Read(file, maxLabels)
	if err != nil {
		return badf("Can't open %s", file)
	}
	m, err := observe.ParseLabelMap(string(text))
	if err != nil {
		return badf("%s: %v", file, err)
	}
	r.format.LabelMap = m
	return nil
}

// check refuses what does not go together, in the order in which
// conntrack(8) looks.
func (r *request) check() error {
	if r.command == 0 || r.command == 'h' || r.command == 'V' {
		return nil
	}
	if r.seen["mask-src"] && !r.seen["src"] {
		return badf("Can't use --mask-src without --src")
	}
	if r.seen["mask-dst"] && !r.seen["dst"] {
		return badf("Can't use --mask-dst without --dst")
	}
	for i := range options {
		o := &options[i]
		if r.seen[o.names[0]] && o.with != "*" && strings.IndexByte(o.with, r.command) < 0 {
			return badf("Illegal option `--%s' with this command", o.names[0])
		}
	}
	if r.seen["any-nat"] && (r.seen["src-nat"] || r.seen["dst-nat"]) {
		return badf("cannot specify `--src-nat' or `--dst-nat' with `--any-nat'")
	}
	if (r.table == "dying" || r.table == "unconfirmed") && r.command != 'L' && r.command != 'C' {
		return badf("Can't do that command with tables `dying' and `unconfirmed'")
	}
	if r.table == "expect" {
		if err := r.checkExpect(); err != nil {
			return err
		}
	}
	for _, l := range r.labels {
		if err := r.label(l); err != nil {
			return err
		}
	}
	if r.zero && r.filters {
		return badf("Can't use -z with filtering parameters")
	}
	for i, m := range []*conntrack.AddrMatch{&r.match.Orig.Src, &r.match.Orig.Dst} {
		if r.masks[i] != nil {
			m.Mask = *r.masks[i]
		}
	}
	r.match.Family = r.family
	if r.command == 'U' { // the mark is what is set, and no filter
		r.setMark, r.setMask = r.match.Mark, r.match.MarkMask
		r.match.Mark, r.match.MarkMask = 0, 0
	}
	if r.command == 'G' {
		return r.checkGet()
	}
	return r.checkFile()
}

// checkFile asks for the state's file, where there is to be one.
func (r *request) checkFile() error {
	switch {
	case r.live && r.file != "":
		return badf("a state's file has no place here: the command is about the connections at work")
	case !r.live && r.file == "":
		return badf("You need to supply the `--state' option for this command")
	}
	return nil
}

// checkExpect refuses what is not done with expectations: helpers announce and
// withdraw them.
func (r *request) checkExpect() error {
	if r.command == 'D' || r.command == 'G' || r.command == 'U' {
		if !r.seen["src"] {
			return badf("You need to supply the `--src' option for this command")
		}
		return badf("Can't do that command with table `expect'")
	}
	if r.filters || len(r.labels) > 0 || r.zero || r.xml || r.json || r.save {
		return badf("Can't use filters and formats with table `expect'")
	}
	return nil
}

// checkGet asks for a whole tuple.
func (r *request) checkGet() error {
	if r.proto < 0 {
		return badf("You need to supply the `--protonum' option for this command")
	}
	if !r.seen["src"] || !r.seen["dst"] {
		return badf("you have to specify `--src' and `--dst'")
	}
	switch uint8(r.proto) {
	case packet.ProtoICMP, packet.ProtoICMPv6:
		name := map[int]string{1: "icmp", 58: "icmpv6"}[r.proto]
		for _, part := range []string{"-type", "-code", "-id"} {
			if !r.seen[name+part] {
				return badf("You need to supply the `--%s%s' option for this command", name, part)
			}
		}
	case packet.ProtoGRE:
		if !r.seen["srckey"] || !r.seen["dstkey"] {
			return badf("you have to specify `--srckey' and `--dstkey'")
		}
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
		if !r.seen["sport"] || !r.seen["dport"] {
			return badf("you have to specify `--sport' and `--dport'")
		}
	}
	if !r.seen["zone"] {
		r.match.AnyZone = false // the kernel's get without a zone is of zone 0
	}
	return r.checkFile()
}
