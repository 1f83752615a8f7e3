package packettest

// Dialog builds the segments of one TCP connection, each with the sequence and
// acknowledgement numbers that the ones before it call for. Side 0 opens it.
type Dialog struct {
	Addr   [2]string
	Port   [2]uint16
	Frames [][]byte

	next [2]uint32 // sequence number of each side's next byte
}

// NewDialog is a connection that nothing has been sent on.
func NewDialog(client, server string, cport, sport uint16) *Dialog {
	return &Dialog{Addr: [2]string{client, server}, Port: [2]uint16{cport, sport}, next: [2]uint32{1000, 5000}}
}

// Send adds a segment from one side, with the letters of Segment.Flags.
func (d *Dialog) Send(side int, flags, data string) {
	s := Segment{SPort: d.Port[side], DPort: d.Port[1-side], Flags: flags, Seq: d.next[side], Data: data}
	n := uint32(len(data))
	for _, f := range flags {
		switch f {
		case 'A':
			s.Ack = d.next[1-side]
		case 'S', 'F':
			n++
		}
	}
	d.next[side] += n
	d.Frames = append(d.Frames, IP(d.Addr[side], d.Addr[1-side], 6, s.Bytes()))
}

// Open adds a handshake.
func (d *Dialog) Open() {
	d.Send(0, "S", "")
	d.Send(1, "SA", "")
	d.Send(0, "A", "")
}

// Say adds data from one side and the other's acknowledgement.
func (d *Dialog) Say(side int, data string) {
	d.Send(side, "PA", data)
	d.Send(1-side, "A", "")
}

// Close adds an orderly close, begun by one side.
func (d *Dialog) Close(side int) {
	d.Send(side, "FA", "")
	d.Send(1-side, "FA", "")
	d.Send(side, "A", "")
}

// Conversation is a connection with so many segments with data from the client
// and from the server in turns. It is closed by the client, or left open.
func Conversation(client, server string, cport, sport uint16, up, down int, closed bool) [][]byte {
	d := NewDialog(client, server, cport, sport)
	d.Open()
	for i := range max(up, down) {
		if i < up {
			d.Send(0, "PA", "a question of some length")
		}
		if i < down {
			d.Send(1, "PA", "and an answer of another length")
		}
	}
	if closed {
		d.Close(0)
	}
	return d.Frames
}
