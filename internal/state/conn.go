package state

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"unsafe"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/packet"
)

// connLine is a connection.
type connLine struct {
	Kind     string   `json:"kind,omitempty"`
	Slot     uint32   `json:"slot"`
	Gen      uint32   `json:"generation"` // of the slot
	Zone     uint16   `json:"zone"`
	Proto    uint8    `json:"proto"`
	Orig     endLines `json:"original"`
	Reply    endLines `json:"reply"`
	Status   uint16   `json:"status"` // IPS_* bits
	Mark     uint32   `json:"mark"`
	Label    string   `json:"label,omitempty"`
	Deadline int64    `json:"deadline_ns"`
	Start    int64    `json:"start_ns,omitempty"`
	Pending  []string `json:"untold,omitempty"` // changes that no event has told

	TCP    *tcpLine  `json:"tcp,omitempty"`
	Stream *int64    `json:"stream_at_ns,omitempty"` // UDP
	Track  string    `json:"track,omitempty"`        // other protocols' own words, as they are in memory
	Flow   *flowLine `json:"flow,omitempty"`
	Extra  *moreLine `json:"extra,omitempty"`
}

// moreLine is what connections with helpers or masters have besides.
type moreLine struct {
	Helper   string                `json:"helper,omitempty"`
	HProto   uint8                 `json:"helper_proto,omitempty"` // that the helper reads; 0: the connection's
	Family   uint8                 `json:"helper_family,omitempty"`
	Master   [2]uint32             `json:"master"` // slot, generation
	MasterOf *endLines             `json:"master_original,omitempty"`
	MProto   uint8                 `json:"master_proto,omitempty"`
	Seq      [2]conntrack.SavedSeq `json:"seqadj"`
	Lines    [2][]uint32           `json:"ftp_lines"`
	SIP      conntrack.SavedSIP    `json:"sip,omitzero"`
}

func newMore(x *conntrack.SavedExtra, proto uint8) *moreLine {
	if x == nil {
		return nil
	}
	helper, hproto := helperName(x.Helper, proto)
	l := &moreLine{Helper: helper, HProto: hproto, Family: x.Family, Master: slotGen(x.Master), Seq: x.Seq, Lines: x.Lines, SIP: x.SIP}
	if x.MasterOf.Family != 0 {
		l.MasterOf, l.MProto = bareEnd(&x.MasterOf), x.MasterOf.Proto
	}
	return l
}

func (l *moreLine) extra(proto uint8) (x *conntrack.SavedExtra, err error) {
	if l == nil {
		return nil, nil
	}
	x = &conntrack.SavedExtra{Family: l.Family, Master: refOf(l.Master), Seq: l.Seq, Lines: l.Lines, SIP: l.SIP}
	if x.Helper, err = helperOf(l.Helper, l.HProto, proto); err == nil && l.MasterOf != nil {
		x.MasterOf, err = l.MasterOf.tuple(l.MProto)
	}
	return x, err
}

// helperName names a helper of a connection: the protocol that it reads is 0
// if it is the connection's.
func helperName(h conntrack.Helper, conn uint8) (name string, proto uint8) {
	if proto = h.Proto(); proto == conn {
		proto = 0
	}
	return conntrack.HelperNames[h], proto
}

// helperOf is the inverse of helperName.
func helperOf(name string, proto, conn uint8) (conntrack.Helper, error) {
	if name == "" {
		return conntrack.NoHelper, nil
	}
	if proto == 0 {
		proto = conn
	}
	h, ok := conntrack.HelperByName(name, proto)
	if !ok {
		return h, fmt.Errorf("unknown helper %q of protocol %d", name, proto)
	}
	return h, nil
}

func bareEnd(t *packet.Tuple) *endLines {
	return &endLines{Src: t.Src.Netip(t.Family), Dst: t.Dst.Netip(t.Family), SPort: t.SPort, DPort: t.DPort}
}

func slotGen(ref packet.ConnRef) [2]uint32 { return [2]uint32{uint32(ref), uint32(ref >> 32)} }

func refOf(s [2]uint32) packet.ConnRef { return packet.ConnRef(uint64(s[1])<<32 | uint64(s[0])) }

func newExpectLine(e *conntrack.SavedExpectation) expectLine {
	helper, hproto := helperName(e.Helper, e.MasterOf.Proto)
	adopts, aproto := helperName(e.Adopts, e.MasterOf.Proto)
	l := expectLine{
		Kind: kindExpect, Helper: helper, HProto: hproto, Zone: e.Zone, Proto: e.Tuple.Proto, Tuple: *bareEnd(&e.Tuple),
		Master: slotGen(e.Master), MasterOf: *bareEnd(&e.MasterOf), MProto: e.MasterOf.Proto, Deadline: e.Deadline,
		Flags: e.Flags, Class: e.Class, Adopts: adopts, AProto: aproto, Follow: e.Follow, Dir: e.Dir, SavedPort: e.SavedPort,
	}
	if e.SavedAddr != (packet.Addr{}) {
		l.SavedAddr = e.SavedAddr.Netip(e.Tuple.Family)
	}
	return l
}

func (l *expectLine) saved() (e conntrack.SavedExpectation, err error) {
	e.Zone, e.Master, e.Deadline, e.Flags = l.Zone, refOf(l.Master), l.Deadline, l.Flags
	e.Class, e.Follow, e.Dir, e.SavedPort = l.Class, l.Follow, l.Dir, l.SavedPort
	if l.SavedAddr.IsValid() {
		e.SavedAddr = packet.AddrFrom(l.SavedAddr)
	}
	if e.Helper, err = helperOf(l.Helper, l.HProto, l.MProto); err != nil {
		return e, err
	}
	if e.Adopts, err = helperOf(l.Adopts, l.AProto, l.MProto); err != nil {
		return e, err
	}
	if e.Tuple, err = l.Tuple.tuple(l.Proto); err != nil {
		return e, err
	}
	e.MasterOf, err = l.MasterOf.tuple(l.MProto)
	return e, err
}

// endLines is a direction with its counters. For ICMP sport is the identifier
// and dport type<<8 | code.
type endLines struct {
	Src     netip.Addr `json:"src"`
	Dst     netip.Addr `json:"dst"`
	SPort   uint16     `json:"sport"`
	DPort   uint16     `json:"dport"`
	Packets uint64     `json:"packets"`
	Bytes   uint64     `json:"bytes"`
}

// tcpLine is struct ip_ct_tcp.
type tcpLine struct {
	State      string      `json:"state"`
	Seen       [2]seenLine `json:"seen"`
	LastSeq    uint32      `json:"last_seq"`
	LastAck    uint32      `json:"last_ack"`
	LastEnd    uint32      `json:"last_end"`
	LastWin    uint16      `json:"last_win"`
	Retrans    uint8       `json:"retrans"`
	LastDir    uint8       `json:"last_dir"`
	LastIndex  uint8       `json:"last_index"`
	LastFlags  uint8       `json:"last_flags"`
	LastWScale uint8       `json:"last_wscale"`
}

type seenLine struct {
	End    uint32 `json:"end"`
	MaxEnd uint32 `json:"maxend"`
	MaxWin uint32 `json:"maxwin"`
	MaxAck uint32 `json:"maxack"`
	Scale  uint8  `json:"scale"`
	Flags  uint8  `json:"flags"`
}

// flowLine is what the flow table has in a connection's record.
type flowLine struct {
	Table    uint16 `json:"table,omitempty"` // 0: in none
	Flags    uint8  `json:"flags,omitempty"`
	Refs     uint8  `json:"refs,omitempty"`
	Deadline int64  `json:"deadline_ns"`
}

func newConnLine(s *conntrack.Saved) connLine {
	c := &s.Conn
	reply := s.Reply
	l := connLine{
		Kind: kindConn, Slot: s.Slot, Gen: c.Gen, Zone: c.Zone, Proto: c.Orig.Proto,
		Orig: newEnd(&c.Orig, c, 0), Reply: newEnd(&reply, c, 1),
		Status: c.Status &^ conntrack.StatusHWOffload, Mark: c.Mark, Deadline: c.Timeout, Start: s.Start, Pending: eventNames(s.Pending), Extra: newMore(s.Extra, c.Orig.Proto),
	}
	if c.Label != [16]byte{} {
		l.Label = hex.EncodeToString(c.Label[:])
	}
	switch c.Orig.Proto {
	case packet.ProtoTCP:
		l.TCP = newTCP(&c.TCP)
	case packet.ProtoUDP, packet.ProtoUDPLite:
		at := c.StreamAt()
		l.Stream = &at
	default:
		if raw := words(c); *raw != [len(*raw)]byte{} {
			l.Track = hex.EncodeToString(raw[:])
		}
	}
	if c.FlowTable|uint16(c.FlowFlags)|uint16(c.FlowRefs) != 0 || c.FlowDeadline != 0 {
		l.Flow = &flowLine{c.FlowTable, flowtable.Lasting(c), c.FlowRefs, c.FlowDeadline}
	}
	return l
}

// words are the protocol's memory in a connection's record.
func words(c *conntrack.Conn) *[unsafe.Sizeof(conntrack.TCPTrack{})]byte {
	return (*[unsafe.Sizeof(conntrack.TCPTrack{})]byte)(unsafe.Pointer(&c.TCP))
}

func newEnd(t *packet.Tuple, c *conntrack.Conn, dir int) endLines {
	return endLines{t.Src.Netip(t.Family), t.Dst.Netip(t.Family), t.SPort, t.DPort, c.Packets()[dir], c.Bytes()[dir]}
}

func newTCP(t *conntrack.TCPTrack) *tcpLine {
	l := &tcpLine{
		LastSeq: t.LastSeq, LastAck: t.LastAck, LastEnd: t.LastEnd, LastWin: t.LastWin, Retrans: t.Retrans,
		LastDir: t.LastDir, LastIndex: t.LastIndex, LastFlags: t.LastFlags, LastWScale: t.LastWScale,
		State: conntrack.TCPStateNames[t.State],
	}
	for d := range l.Seen {
		s := &t.Seen[d]
		l.Seen[d] = seenLine{s.End, s.MaxEnd, s.MaxWin, s.MaxAck, t.Scale[d], t.Flags[d]}
	}
	return l
}

func (l *tcpLine) track() (t conntrack.TCPTrack, err error) {
	i := slices.Index(conntrack.TCPStateNames[:], l.State)
	if i < 0 {
		return t, fmt.Errorf("unknown TCP state %q", l.State)
	}
	t = conntrack.TCPTrack{
		LastSeq: l.LastSeq, LastAck: l.LastAck, LastEnd: l.LastEnd, LastWin: l.LastWin, Retrans: l.Retrans,
		LastDir: l.LastDir, LastIndex: l.LastIndex, LastFlags: l.LastFlags, LastWScale: l.LastWScale, State: uint8(i),
	}
	for d := range l.Seen {
		s := &l.Seen[d]
		t.Seen[d] = conntrack.TCPSeen{End: s.End, MaxEnd: s.MaxEnd, MaxWin: s.MaxWin, MaxAck: s.MaxAck}
		t.Scale[d], t.Flags[d] = s.Scale, s.Flags
	}
	return t, nil
}

// tuple puts a direction together.
func (e *endLines) tuple(proto uint8) (t packet.Tuple, err error) {
	if !e.Src.IsValid() || !e.Dst.IsValid() || e.Src.Is4() != e.Dst.Is4() || e.Src.Zone() != "" || e.Dst.Zone() != "" {
		return t, fmt.Errorf("addresses %q and %q", e.Src, e.Dst)
	}
	t = packet.Tuple{Src: packet.AddrFrom(e.Src), Dst: packet.AddrFrom(e.Dst), SPort: e.SPort, DPort: e.DPort, Proto: proto, Family: packet.IPv6}
	if e.Src.Is4() {
		t.Family = packet.IPv4
	}
	return t, nil
}

// saved is the inverse of newConnLine.
func (l *connLine) saved() (s conntrack.Saved, err error) {
	s = conntrack.Saved{Slot: l.Slot, Start: l.Start}
	c := &s.Conn
	if c.Orig, err = l.Orig.tuple(l.Proto); err != nil {
		return s, err
	}
	if s.Reply, err = l.Reply.tuple(l.Proto); err != nil {
		return s, err
	}
	c.Timeout, c.Gen, c.Status, c.Zone, c.Mark = l.Deadline, l.Gen, l.Status, l.Zone, l.Mark
	c.SetCounters([2]uint64{l.Orig.Packets, l.Reply.Packets}, [2]uint64{l.Orig.Bytes, l.Reply.Bytes})
	if l.Label != "" {
		if n, err := hex.Decode(c.Label[:], []byte(l.Label[:min(len(l.Label), 32)])); err != nil || n != 16 || len(l.Label) != 32 {
			return s, fmt.Errorf("label %q is not 32 hexadecimal digits", l.Label)
		}
	}
	if s.Pending, err = eventBits(l.Pending); err != nil {
		return s, err
	}
	switch {
	case l.Proto == packet.ProtoTCP:
		if l.TCP == nil {
			return s, errors.New("TCP without its state")
		}
		if c.TCP, err = l.TCP.track(); err != nil {
			return s, err
		}
	case l.Proto == packet.ProtoUDP || l.Proto == packet.ProtoUDPLite:
		if l.Stream != nil {
			c.SetStreamAt(*l.Stream)
		}
	case l.Track != "":
		raw, err := hex.DecodeString(l.Track)
		if err != nil || len(raw) != len(words(c)) {
			return s, fmt.Errorf("track is not %d bytes in hexadecimal", len(words(c)))
		}
		copy(words(c)[:], raw)
	}
	if s.Extra, err = l.Extra.extra(l.Proto); err != nil {
		return s, err
	}
	if f := l.Flow; f != nil {
		c.FlowTable, c.FlowFlags, c.FlowRefs, c.FlowDeadline = f.Table, f.Flags, f.Refs, f.Deadline
	}
	return s, nil
}
