package ctcmd

import (
	"slices"
	"strings"
)

// option is one of the command line's, commands included.
type option struct {
	letter byte // 0: none
	names  []string
	arg    argument
	// with lists the commands it goes with, by letter; "*": all of ours.
	with string
	// proto is the protocol that -p must have named before; 0: any. Ports are
	// the same for several.
	proto []uint8
}

type argument uint8

const (
	none argument = iota
	required
	optional // a following word without a dash
)

const commandLetters = "LGDUEFCSVh"

// options are all that there are. The first name is what messages call it.
var options = []option{
	{letter: 'L', names: []string{"dump"}, arg: optional},
	{letter: 'G', names: []string{"get"}, arg: optional},
	{letter: 'D', names: []string{"delete"}, arg: optional},
	{letter: 'U', names: []string{"update"}, arg: optional},
	{letter: 'E', names: []string{"event"}, arg: optional},
	{letter: 'F', names: []string{"flush"}, arg: optional},
	{letter: 'C', names: []string{"count"}, arg: optional},
	{letter: 'S', names: []string{"stats"}, arg: optional},
	{letter: 'V', names: []string{"version"}},
	{letter: 'h', names: []string{"help"}},

	{letter: 's', names: []string{"src", "orig-src"}, arg: required, with: "LGDUE"},
	{letter: 'd', names: []string{"dst", "orig-dst"}, arg: required, with: "LGDUE"},
	{letter: 'r', names: []string{"reply-src"}, arg: required, with: "LGDUE"},
	{letter: 'q', names: []string{"reply-dst"}, arg: required, with: "LGDUE"},
	{letter: 'p', names: []string{"protonum", "proto"}, arg: required, with: "LGDUE"},
	{letter: 'f', names: []string{"family"}, arg: required, with: "LDUE"},
	{letter: 'm', names: []string{"mark"}, arg: required, with: "LDUE"},
	{letter: 'l', names: []string{"label"}, arg: required, with: "LDE"},
	{letter: 'u', names: []string{"status"}, arg: required, with: "LDE"},
	{letter: 'n', names: []string{"src-nat"}, arg: optional, with: "LDUE"},
	{letter: 'g', names: []string{"dst-nat"}, arg: optional, with: "LDUE"},
	{letter: 'j', names: []string{"any-nat"}, arg: optional, with: "LDUE"},
	{letter: 'w', names: []string{"zone"}, arg: required, with: "LGDUE"},
	{names: []string{"orig-zone"}, arg: required, with: "LDUE"},
	{names: []string{"reply-zone"}, arg: required, with: "LDUE"},
	{names: []string{"mask-src"}, arg: required, with: "LDUE"},
	{names: []string{"mask-dst"}, arg: required, with: "LDUE"},
	{letter: 'o', names: []string{"output"}, arg: required, with: "LGDUE"},
	{letter: 'e', names: []string{"event-mask"}, arg: required, with: "E"},
	{letter: 'b', names: []string{"buffer-size"}, arg: required, with: "E"},
	{letter: 'z', names: []string{"zero"}, with: "L"},
	// Known, and for none of our commands.
	{letter: 't', names: []string{"timeout"}, arg: required},
	{letter: 'c', names: []string{"secmark"}, arg: required},
	{letter: 'i', names: []string{"id"}, arg: required},
	{names: []string{"tuple-src"}, arg: required},
	{names: []string{"tuple-dst"}, arg: required},
	{names: []string{"label-add"}, arg: required},
	{names: []string{"label-del"}, arg: optional},

	{names: []string{"sport", "orig-port-src"}, arg: required, with: "LGDUE", proto: withPorts},
	{names: []string{"dport", "orig-port-dst"}, arg: required, with: "LGDUE", proto: withPorts},
	{names: []string{"reply-port-src"}, arg: required, with: "LGDUE", proto: withPorts},
	{names: []string{"reply-port-dst"}, arg: required, with: "LGDUE", proto: withPorts},
	{names: []string{protoState}, arg: required, with: "LGDUE", proto: withState},
	{names: []string{"icmp-type"}, arg: required, with: "LGDUE", proto: []uint8{1}},
	{names: []string{"icmp-code"}, arg: required, with: "LGDUE", proto: []uint8{1}},
	{names: []string{"icmp-id"}, arg: required, with: "LGDUE", proto: []uint8{1}},
	{names: []string{"icmpv6-type"}, arg: required, with: "LGDUE", proto: []uint8{58}},
	{names: []string{"icmpv6-code"}, arg: required, with: "LGDUE", proto: []uint8{58}},
	{names: []string{"icmpv6-id"}, arg: required, with: "LGDUE", proto: []uint8{58}},
	{names: []string{"srckey", "orig-key-src"}, arg: required, with: "LGDUE", proto: []uint8{47}},
	{names: []string{"dstkey", "orig-key-dst"}, arg: required, with: "LGDUE", proto: []uint8{47}},
	{names: []string{"reply-key-src"}, arg: required, with: "LGDUE", proto: []uint8{47}},
	{names: []string{"reply-key-dst"}, arg: required, with: "LGDUE", proto: []uint8{47}},

	// The program's own. Without a protocol that has states, --state is the
	// file as well.
	{names: []string{"state-file"}, arg: required, with: "*"},
	{names: []string{"connlabel"}, arg: required, with: "*"},
}

const protoState = "state"

var (
	withPorts = []uint8{6, 17, 33, 132, 136}
	withState = []uint8{6, 33, 132}
)

// protocols are the names that -p takes beside numbers.
var protocols = map[string]uint8{
	"tcp": 6, "udp": 17, "udplite": 136, "sctp": 132, "dccp": 33, "icmp": 1, "icmpv6": 58, "ipv6-icmp": 58, "gre": 47,
	"igmp": 2, "ipencap": 4, "esp": 50, "ah": 51, "ospf": 89, "pim": 103, "vrrp": 112,
}

// usable reports whether the option exists once -p has named a protocol.
func (o *option) usable(proto int) bool {
	return o.proto == nil || proto >= 0 && slices.Contains(o.proto, uint8(proto))
}

// findLong finds an option by its name, or by a beginning that no other has.
func findLong(name string, proto int) *option {
	var found *option
	for i := range options {
		o := &options[i]
		if !o.usable(proto) {
			continue
		}
		for _, n := range o.names {
			if n == name {
				return o
			}
			if strings.HasPrefix(n, name) && found != o {
				if found != nil {
					found = nil
					// A second one: only the whole name will do.
					return findExact(name, proto)
				}
				found = o
			}
		}
	}
	return found
}

func findExact(name string, proto int) *option {
	for i := range options {
		if o := &options[i]; o.usable(proto) && slices.Contains(o.names, name) {
			return o
		}
	}
	return nil
}

func findLetter(c byte) *option {
	for i := range options {
		if o := &options[i]; o.letter == c && c != 0 {
			return o
		}
	}
	return nil
}
