package state

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"sluice/packet"
	"sluice/packet/frag"
)

// Fragments that wait, as a line for each packet under way and one for each of
// its fragments behind it: a fragment is no longer than a frame, and so is its
// line.

type fragmentsLine struct {
	Kind   string `json:"kind"`
	Random uint64 `json:"random"` // identifications of IPv6 packets come from it
}

type packetLine struct {
	Kind     string     `json:"kind"`
	Src      netip.Addr `json:"src"`
	Dst      netip.Addr `json:"dst"`
	ID       uint32     `json:"id"`
	Zone     uint16     `json:"zone"`
	Proto    uint8      `json:"proto,omitempty"`
	Device   string     `json:"device,omitempty"` // link-local and multicast: where it came in
	Deadline int64      `json:"deadline_ns"`
	Length   uint32     `json:"length"`
	Last     bool       `json:"length_known"`
	Max      uint32     `json:"longest"`
	MaxDF    uint32     `json:"longest_df,omitempty"`
	Least    uint32     `json:"least_header"`
	ECN      uint8      `json:"ecn"`
	L3       uint32     `json:"l3,omitempty"`
	Header   uint32     `json:"header,omitempty"`
	Next     uint32     `json:"next_header_at,omitempty"`
	Source   *[2]uint32 `json:"source_count,omitempty"` // fragments of the source: so far, and at this packet's last one
}

type fragmentLine struct {
	Kind string `json:"kind"`
	Off  uint32 `json:"offset"`
	Run  bool   `json:"run"` // begins one
	Data []byte `json:"data"`
}

// fragments writes what waits. Dev is an index into devices.
func (w *writer) fragments(s *frag.Saved, devices []string) {
	w.line(fragmentsLine{kindFragments, s.Random})
	for i := range s.Packets {
		p := &s.Packets[i]
		family := packet.IPv4
		if p.IPv6 {
			family = packet.IPv6
		}
		l := packetLine{
			Kind: kindPacket, Src: p.Src.Netip(family), Dst: p.Dst.Netip(family), ID: p.ID, Zone: p.Zone, Proto: p.Proto,
			Deadline: p.Deadline, Length: p.Length, Last: p.Last, Max: p.Max, MaxDF: p.MaxDF, Least: p.Least, ECN: p.ECN,
			L3: p.L3, Header: p.Header, Next: p.Next,
		}
		if p.Dev >= 0 {
			l.Device = devices[p.Dev]
		}
		if p.Counted {
			l.Source = &[2]uint32{p.Count, p.Seen}
		}
		w.line(l)
		for j := range p.Fragments {
			f := &p.Fragments[j]
			w.line(fragmentLine{kindFragment, f.Off, f.Run, f.Data})
		}
	}
}

// packet is the inverse.
func (s *State) packet(l *packetLine) error {
	if s.Fragments == nil {
		return errors.New("no line of fragments before this one")
	}
	if !l.Src.IsValid() || !l.Dst.IsValid() || l.Src.Is4() != l.Dst.Is4() || l.Src.Zone() != "" || l.Dst.Zone() != "" {
		return fmt.Errorf("addresses %q and %q", l.Src, l.Dst)
	}
	p := frag.SavedPacket{
		IPv6: !l.Src.Is4(), Src: packet.AddrFrom(l.Src), Dst: packet.AddrFrom(l.Dst), ID: l.ID, Dev: -1, Zone: l.Zone, Proto: l.Proto,
		Deadline: l.Deadline, Length: l.Length, Last: l.Last, Max: l.Max, MaxDF: l.MaxDF, Least: l.Least, ECN: l.ECN,
		L3: l.L3, Header: l.Header, Next: l.Next,
	}
	if l.Device != "" {
		i := slices.Index(s.Devices, l.Device)
		if i < 0 {
			i = len(s.Devices)
			s.Devices = append(s.Devices, l.Device)
		}
		p.Dev = int32(i)
	}
	if l.Source != nil {
		p.Counted, p.Count, p.Seen = true, l.Source[0], l.Source[1]
	}
	s.Fragments.Packets = append(s.Fragments.Packets, p)
	return nil
}

func (s *State) fragment(l *fragmentLine) error {
	if s.Fragments == nil || len(s.Fragments.Packets) == 0 {
		return errors.New("no line of a packet before this one")
	}
	p := &s.Fragments.Packets[len(s.Fragments.Packets)-1]
	p.Fragments = append(p.Fragments, frag.SavedFragment{Off: l.Off, Run: l.Run, Data: l.Data})
	return nil
}
