package replay

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"sluice/packet"
)

// splitter tells on which device a frame came in when one capture holds the
// traffic of several.
type splitter struct {
	rules     []splitRule
	initiator bool
	ends      [2]int32 // with initiator: where who spoke first is, and the others
	flows     *recent[flowKey, bool]
	macs      *recent[[6]byte, int32]
	known     []sender // what was told of late; nil: there is nothing to tell
	turns     int      // of flows and macs, when known was emptied last
}

// Bounds of what --split initiator knows: how many connections and pairs of
// hosts, for which the tracker's own limit is the measure, and how many
// stations.
const (
	leastFlowsKnown = 1 << 16
	unboundedFlows  = 1 << 21 // where nf_conntrack_max is 0
	macsKnown       = 1 << 16
)

// bound makes room for connections as many as a tracker may have: each is one
// entry, and its hosts may be another.
func (s *splitter) bound(conns int64) {
	if !s.initiator {
		return
	}
	s.flows.most = int(max(leastFlowsKnown, min(2*conns, 1<<31-1)))
	if conns == 0 {
		s.flows.most = unboundedFlows
	}
}

// splitRule sends frames from an address range or a MAC address to a device.
type splitRule struct {
	prefix netip.Prefix // valid: source address
	mac    [6]byte      // else: source MAC
	dev    int32
}

// flowKey names a connection, or with ports zero a pair of hosts, whichever
// side speaks: the lesser end comes first.
type flowKey struct {
	a, b         packet.Addr
	aPort, bPort uint16
	proto        uint8
	family       uint8 // anyProto added: the pair of hosts, whatever they speak
}

const anyProto = 0x80

// newSplitter parses --split's arguments. device resolves a device's name.
func newSplitter(args []string, device func(string) (int32, error)) (*splitter, error) {
	s := &splitter{}
	for _, arg := range args {
		if err := s.add(arg, device); err != nil {
			return nil, fmt.Errorf("--split %s: %w", arg, err)
		}
	}
	if len(args) > 0 {
		s.known = make([]sender, 1<<senderBits)
	}
	return s, nil
}

func (s *splitter) add(arg string, device func(string) (int32, error)) error {
	kind, rest, _ := strings.Cut(arg, "=")
	if kind == "initiator" {
		a, b, ok := strings.Cut(rest, ",")
		if !ok || a == "" || b == "" || strings.Contains(b, ",") {
			return fmt.Errorf("want initiator=DEV,DEV: where who spoke first is, and the other side")
		}
		if s.initiator {
			return fmt.Errorf("initiator is given twice")
		}
		for i, name := range []string{a, b} {
			d, err := device(name)
			if err != nil {
				return err
			}
			s.ends[i] = d
		}
		s.initiator = true
		s.flows, s.macs = newRecent[flowKey, bool](leastFlowsKnown), newRecent[[6]byte, int32](macsKnown)
		return nil
	}
	if kind != "src" && kind != "mac" {
		return fmt.Errorf("want src=PREFIX:DEV, mac=MAC:DEV or initiator=DEV,DEV")
	}
	// IPv6 and MAC addresses have colons; a device's name never has.
	i := strings.LastIndexByte(rest, ':')
	if i < 0 || i == len(rest)-1 {
		return fmt.Errorf("want %s=ADDRESS:DEV", kind)
	}
	d, err := device(rest[i+1:])
	if err != nil {
		return err
	}
	r := splitRule{dev: d}
	if addr := rest[:i]; kind == "mac" {
		mac, err := net.ParseMAC(addr)
		if err != nil || len(mac) != 6 {
			return fmt.Errorf("%q is no MAC address", addr)
		}
		r.mac = [6]byte(mac)
	} else if r.prefix, err = parsePrefix(addr); err != nil {
		return fmt.Errorf("%q is no address or prefix", addr)
	}
	s.rules = append(s.rules, r)
	return nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, err
		}
		return a.Prefix(a.BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

// device tells a frame's ingress device: the first rule that fits, then who
// spoke first, then the file's own device.
func (s *splitter) device(frame []byte, own int32) int32 {
	if s.known == nil || len(frame) < 14 {
		return own
	}
	var g packet.Gist
	if !g.Read(frame) {
		dev := s.find(frame, own)
		s.forget()
		return dev
	}
	k := s.recall(frame, &g)
	if !k.valid {
		dev := s.find(frame, ownDevice)
		s.forget()
		*k = sender{tuple: g.Tuple, mac: [6]byte(frame[6:12]), valid: true, dev: dev}
	}
	if k.dev == ownDevice {
		return own
	}
	return k.dev
}

// forget empties known when a generation of what was learnt has become the old
// one: connections that go on are looked up once in each, or they would be
// forgotten while known hides their packets.
func (s *splitter) forget() {
	if s.initiator && s.turns != s.flows.turns+s.macs.turns {
		s.turns = s.flows.turns + s.macs.turns
		for i := range s.known {
			s.known[i].valid = false
		}
	}
}

// find is device for a frame of which nothing is known.
func (s *splitter) find(frame []byte, own int32) int32 {
	var h packet.Headers
	packet.Parse(frame, &h)
	src := sourceOf(frame, &h)
	for i := range s.rules {
		r := &s.rules[i]
		if r.prefix.IsValid() && src.IsValid() && r.prefix.Contains(src) ||
			!r.prefix.IsValid() && r.mac == [6]byte(frame[6:12]) {
			return r.dev
		}
	}
	if !s.initiator {
		return own
	}
	return s.side(frame, &h)
}

// sourceOf is the address a frame came from: IP's source, or ARP's sender.
func sourceOf(frame []byte, h *packet.Headers) netip.Addr {
	switch {
	case h.Tuple.Family == packet.IPv4:
		return netip.AddrFrom4([4]byte(h.Tuple.Src[:4]))
	case h.Tuple.Family == packet.IPv6:
		return netip.AddrFrom16(h.Tuple.Src)
	case h.EtherType == packet.EtherARP && h.Has(packet.HasL3) &&
		binary.BigEndian.Uint32(frame[h.L3:]) == 0x0001_0800: // Ethernet, IPv4
		return netip.AddrFrom4([4]byte(frame[h.L3+14:]))
	}
	return netip.Addr{}
}

// side tells which of the two ends a frame came from. Frames without an IP
// header, and IPv6's ARP, go by the side on which their sender was first seen.
func (s *splitter) side(frame []byte, h *packet.Headers) int32 {
	mac := [6]byte(frame[6:12])
	neighbour := h.Proto == packet.ProtoICMPv6 && h.ICMPType >= 133 && h.ICMPType <= 137
	if h.Tuple.Family == packet.FamilyNone || neighbour {
		if d, ok := s.macs.get(mac); ok {
			return d
		}
		d := s.ends[0]
		if peer, ok := s.macs.get([6]byte(frame[:6])); ok && peer == d {
			d = s.ends[1]
		}
		s.macs.put(mac, d)
		return d
	}
	first := s.spokeFirst(frame, h)
	d := s.ends[1]
	if first {
		d = s.ends[0]
	}
	if _, ok := s.macs.get(mac); !ok {
		s.macs.put(mac, d)
	}
	return d
}

// spokeFirst reports whether a packet's sender is the end that opened the
// connection. An ICMP error travels against the packet that it quotes.
func (s *splitter) spokeFirst(frame []byte, h *packet.Headers) bool {
	isError := quoted(frame, h)
	if isError {
		var in packet.Headers
		packet.ParseInner(frame[int(h.L4)+8:h.End], h.Tuple.Family, &in)
		if key, swapped := keyOf(&in.Tuple); in.Tuple.Family != packet.FamilyNone {
			first, ok := s.flows.get(key)
			if !ok {
				// The quoted packet is the connection's first that is known of.
				first = !swapped
				s.flows.put(key, first)
			}
			return first == swapped
		}
	}
	whole := h.Has(packet.HasL4) && !isError
	key, swapped := keyOf(&h.Tuple)
	if whole {
		if first, ok := s.flows.get(key); ok {
			return first != swapped
		}
	}
	// A SYN-ACK without its SYN: the capture began too late.
	late := whole && h.Proto == packet.ProtoTCP && h.TCPFlags&0x12 == 0x12
	pair, pairSwapped := keyOf(&packet.Tuple{Src: h.Tuple.Src, Dst: h.Tuple.Dst, Family: h.Tuple.Family | anyProto})
	spoke, ok := s.flows.get(pair)
	if !ok {
		spoke = pairSwapped == late
		s.flows.put(pair, spoke)
	}
	if !whole {
		return spoke != pairSwapped
	}
	s.flows.put(key, swapped == late)
	return !late
}

// keyOf orders a tuple's ends. The map's value says whether the lesser end
// spoke first; swapped says that this packet's sender is the greater one.
func keyOf(t *packet.Tuple) (key flowKey, swapped bool) {
	sp, dp := t.SPort, t.DPort
	switch t.Proto {
	case packet.ProtoTCP, packet.ProtoUDP, packet.ProtoUDPLite, packet.ProtoSCTP, packet.ProtoDCCP:
	case packet.ProtoICMP, packet.ProtoICMPv6:
		dp = sp // the identifier; DPort is type and code, which differ by direction
	default:
		sp, dp = 0, 0
	}
	c := bytes.Compare(t.Src[:], t.Dst[:])
	swapped = c > 0 || c == 0 && sp > dp
	key = flowKey{t.Src, t.Dst, sp, dp, t.Proto, t.Family}
	if swapped {
		key = flowKey{t.Dst, t.Src, dp, sp, t.Proto, t.Family}
	}
	return key, swapped
}

// quoted reports whether the packet is an ICMP error with room for a quote.
func quoted(frame []byte, h *packet.Headers) bool {
	if !h.Has(packet.HasL4) || int(h.L4)+8 > int(h.End) || int(h.End) > len(frame) {
		return false
	}
	switch h.Proto {
	case packet.ProtoICMP:
		switch h.ICMPType {
		case 3, 4, 5, 11, 12: // unreachable, quench, redirect, time exceeded, parameter problem
			return true
		}
	case packet.ProtoICMPv6:
		return h.ICMPType >= 1 && h.ICMPType <= 4
	}
	return false
}
