package conntrack

import (
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
	"sluice/packet/packettest"
)

// dccp makes a packet with long sequence numbers, from the client (dir 0) or
// the server.
func dccp(dir int, typ uint8, seq, ack uint64, data string) []byte {
	b := make([]byte, 16+dccpMore[typ]&^3)
	src, dst, sp, dp := cAddr, sAddr, uint16(7000), uint16(80)
	if dir == 1 {
		src, dst, sp, dp = dst, src, dp, sp
	}
	be := binary.BigEndian
	be.PutUint16(b, sp)
	be.PutUint16(b[2:], dp)
	b[4] = byte(len(b) / 4)
	b[8] = typ<<1 | 1
	be.PutUint64(b[8:], be.Uint64(b[8:])|seq)
	if dccpMore[typ] >= 8 {
		be.PutUint64(b[16:], ack)
	}
	// A DCCP checksum lies where UDP's does, with a pseudo header of its own.
	return packettest.IP(src, dst, packet.ProtoDCCP, append(b, data...))
}

// dccpRun sends packets and compares what each is, the state and the time left.
func (b *bed) dccpRun(steps []sctpStep) {
	b.Helper()
	for i, s := range steps {
		if got := b.in(s.frame); got != s.want {
			b.Errorf("packet %d: %s, want %s", i+1, got, s.want)
		}
		if c := b.only(); c == nil || c.DCCP().State != s.state || b.left() != s.left {
			b.Fatalf("packet %d: %v, %d s left, want %s and %d", i+1, c, b.left(), DCCPStateNames[s.state], s.left)
		}
	}
}

var dccpUp = []sctpStep{
	{dccp(0, dccpRequest, 100, 0, ""), "new", DCCPRequest, 240},
	{dccp(1, dccpResponse, 200, 100, ""), "est+rpl", DCCPRespond, 480},
	{dccp(0, dccpAck, 101, 200, ""), "est", DCCPPartOpen, 480},
	{dccp(1, dccpDataAck, 201, 101, "data"), "est+rpl", DCCPOpen, 43200},
}

func TestDCCP(t *testing.T) {
	t.Run("connection", func(t *testing.T) {
		b := newBed(t)
		b.dccpRun(dccpUp)
		if b.only().Status&StatusAssured == 0 {
			t.Error("not assured")
		}
		b.dccpRun([]sctpStep{
			{dccp(1, dccpCloseReq, 202, 101, ""), "est+rpl", DCCPCloseReq, 64},
			{dccp(0, dccpClose, 102, 202, ""), "est", DCCPClosing, 64},
			{dccp(1, dccpReset, 203, 102, ""), "est+rpl", DCCPTimeWait, 240},
			{dccp(0, dccpData, 103, 0, "late"), "inv", DCCPTimeWait, 240},
			{dccp(1, dccpRequest, 500, 0, ""), "est+rpl", DCCPRequest, 240}, // the roles have changed
			{dccp(0, dccpResponse, 600, 500, ""), "est", DCCPRespond, 480},
		})
	})
	t.Run("another's_ACK_does_not_assure", func(t *testing.T) {
		b := newBed(t)
		b.dccpRun([]sctpStep{dccpUp[0], dccpUp[1], {dccp(0, dccpAck, 101, 199, ""), "est", DCCPPartOpen, 480}})
		if b.only().Status&StatusAssured != 0 {
			t.Error("assured")
		}
	})
	t.Run("out_of_step", func(t *testing.T) {
		b := newBed(t)
		b.dccpRun(dccpUp)
		b.dccpRun([]sctpStep{
			{dccp(0, dccpRequest, 900, 0, ""), "est", DCCPOpen, 43200},
			{dccp(1, dccpResponse, 950, 900, ""), "est+rpl", DCCPRespond, 480},
		})
	})
	t.Run("refused", func(t *testing.T) {
		b := newBed(t)
		b.in(dccpUp[0].frame)
		if got := b.in(dccp(1, dccpReset, 200, 100, "")); got != "est+rpl" || b.only() != nil {
			t.Errorf("%s, %v", got, b.only())
		}
	})
	t.Run("timeouts_by_name", func(t *testing.T) {
		b := newBed(t, "nf_conntrack_dccp_timeout_request=11", "nf_conntrack_dccp_timeout_respond=12")
		b.dccpRun([]sctpStep{{dccpUp[0].frame, "new", DCCPRequest, 11}, {dccpUp[1].frame, "est+rpl", DCCPRespond, 12}})
	})
	t.Run("nothing_but_a_REQUEST_begins", func(t *testing.T) {
		for typ := uint8(1); typ < numDCCPTypes; typ++ {
			if got := newBed(t).in(dccp(0, typ, 1, 1, "")); got != "inv" {
				t.Errorf("type %d: %s", typ, got)
			}
		}
	})
	t.Run("broken", func(t *testing.T) {
		whole := dccpUp[0].frame
		change := func(at int, v byte) []byte {
			f := append([]byte(nil), whole...)
			f[34+at] = v
			packettest.Fix(f)
			return f
		}
		bad := append([]byte(nil), whole...)
		bad[50] ^= 1
		for name, f := range map[string][]byte{
			"checksum": bad, "offset beyond the packet": change(4, 200), "offset within the header": change(4, 2),
			"coverage beyond the packet": change(5, 9), "short numbers": change(8, dccpRequest<<1), "reserved type": change(8, 10<<1|1),
			"cut short": packettest.IP(cAddr, sAddr, packet.ProtoDCCP, whole[34:42]),
		} {
			if got := newBed(t).in(f); got != "inv" {
				t.Errorf("%s: %s", name, got)
			}
		}
	})
}

// TestI9_dccp throws any sequence of packets at the tracker: it stays sound.
func TestI9_dccp(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := newBed(t, "nf_conntrack_checksum=0")
		for range rapid.IntRange(1, 30).Draw(r, "packets") {
			f := dccp(rapid.IntRange(0, 1).Draw(r, "dir"), uint8(rapid.IntRange(0, numDCCPTypes-1).Draw(r, "type")), rapid.Uint64Range(0, 3).Draw(r, "seq"), rapid.Uint64Range(0, 3).Draw(r, "ack"), "data")
			if rapid.IntRange(0, 9).Draw(r, "lie") == 0 {
				f[34+4+rapid.IntRange(0, 4).Draw(r, "where")] = rapid.Byte().Draw(r, "what")
			}
			b.in(f[:rapid.IntRange(34, len(f)).Draw(r, "cut")])
			for _, c := range b.All(b.now) {
				d := c.DCCP()
				if d.State == DCCPNone || d.State >= numDCCPStates || d.Role[0]+d.Role[1] != dccpClient+dccpServer {
					r.Fatalf("%+v", *d)
				}
			}
		}
	})
}
