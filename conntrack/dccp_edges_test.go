package conntrack

import (
	"encoding/binary"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestDCCPHeaders: what a packet's header must be (nf_conntrack_proto_dccp.c
// dccp_error, dccp_header_pointer), at the edge of each rule.
func TestDCCPHeaders(t *testing.T) {
	// raw makes a packet of n bytes from the client.
	raw := func(n int, offset, coverage, typ byte, long bool) []byte {
		b := make([]byte, n)
		be := binary.BigEndian
		if n >= 12 {
			be.PutUint16(b, 7000)
			be.PutUint16(b[2:], 80)
			b[4], b[5], b[8] = offset, coverage, typ<<1
			if long {
				b[8] |= 1
			}
		}
		for i := 12; i < n; i++ {
			b[i] = byte(i) // the coverage shows in the sum
		}
		return packettest.IP(cAddr, sAddr, packet.ProtoDCCP, b)
	}
	// partial gives a packet the checksum of its first bytes.
	partial := func(f []byte, cover int) []byte {
		l4 := f[34:]
		l4[6], l4[7] = 0, 0
		binary.BigEndian.PutUint16(l4[6:], ^packet.Fold(packet.Sum(packet.PseudoSum(f[14:], packet.IPv4, packet.ProtoDCCP, len(l4)), l4[:cover])))
		return f
	}
	for _, tc := range []struct {
		name string
		f    []byte
		want string
		why  Invalid
	}{
		{"a REQUEST", raw(20, 5, 0, dccpRequest, true), "new", noReason},
		{"a header of 12 bytes, which is what the offset must be at least", raw(20, 3, 0, dccpRequest, true), "new", noReason},
		{"an offset of 8 bytes", raw(20, 2, 0, dccpRequest, true), "inv", InvalidTruncated},
		{"an offset beyond the end", raw(20, 6, 0, dccpRequest, true), "inv", InvalidTruncated},
		{"11 bytes", raw(11, 3, 0, dccpRequest, true), "inv", InvalidTruncated},
		{"the service code cut off", raw(19, 4, 0, dccpRequest, true), "inv", InvalidTruncated},
		{"short sequence numbers", raw(20, 5, 0, dccpRequest, false), "inv", InvalidTruncated},
		{"coverage of all 20 bytes", raw(20, 5, 6, dccpRequest, true), "new", noReason},
		{"coverage beyond the end", raw(20, 5, 7, dccpRequest, true), "inv", InvalidTruncated},
		{"the summed part is right", partial(raw(24, 5, 5, dccpRequest, true), 16), "new", noReason},
		{"more is summed than covered", partial(raw(24, 5, 5, dccpRequest, true), 20), "inv", InvalidChecksum},
		{"the upper half of the coverage says nothing", partial(raw(24, 5, 0xf5, dccpRequest, true), 16), "new", noReason},
		{"a reserved type", raw(40, 5, 0, numDCCPTypes, true), "inv", InvalidTruncated},
	} {
		b := newBed(t)
		if got, why := b.reasonOf(tc.f); got != tc.want || why != tc.why {
			t.Errorf("%s: %s, reason %d; want %s, %d", tc.name, got, why, tc.want, tc.why)
		}
	}
	b := newBed(t, "nf_conntrack_checksum=0")
	if got := b.in(partial(raw(24, 5, 5, dccpRequest, true), 20)); got != "new" {
		t.Errorf("unchecked: %s", got)
	}
}

// TestDCCPFields: which numbers are read of which type, long and short
// (RFC 4340, 5.1 and 5.2), and how long each must be.
func TestDCCPFields(t *testing.T) {
	const short, none = true, uint64(0)
	for typ, tc := range map[uint8]struct {
		long      int // bytes that it needs with long numbers
		ack       bool
		alsoShort bool
	}{
		dccpRequest: {20, false, !short}, dccpResponse: {28, true, !short}, dccpData: {16, false, short}, dccpAck: {24, true, short}, dccpDataAck: {24, true, short},
		dccpCloseReq: {24, true, !short}, dccpClose: {24, true, !short}, dccpReset: {28, true, !short}, dccpSync: {24, true, !short}, dccpSyncAck: {24, true, !short},
	} {
		for _, long := range []bool{true, false} {
			need := tc.long
			if !long {
				need -= 4
			}
			l4 := make([]byte, 40)
			for i := range l4 {
				l4[i] = byte(0xa0 + i)
			}
			l4[4], l4[5], l4[8] = 3, 0, 0xe0|typ<<1
			if long {
				l4[8] |= 1
			}
			be := binary.BigEndian
			seq := uint64(l4[9])<<16 | uint64(be.Uint16(l4[10:]))
			at := 12
			if long {
				seq, at = uint64(be.Uint16(l4[10:]))<<32|uint64(be.Uint32(l4[12:])), 16
			}
			ack := none
			if tc.ack {
				ack = uint64(be.Uint16(l4[at+2:]))<<32 | uint64(be.Uint32(l4[at+4:]))
			}
			for _, n := range []int{need - 1, need, need + 1} {
				b := newBed(t, "nf_conntrack_checksum=0")
				f := packettest.IP(cAddr, sAddr, packet.ProtoDCCP, l4[:n])
				var h packet.Headers
				packet.Parse(f, &h)
				p, ok := b.dccpRead(f, f[34:], &h)
				if want := n >= need && (long || tc.alsoShort); ok != want {
					t.Errorf("type %d, long %v, %d bytes: %v", typ, long, n, ok)
				}
				if ok && p != (dccpPacket{typ, seq, ack}) {
					t.Errorf("type %d, long %v: %+v, want %#x and %#x", typ, long, p, seq, ack)
				}
				if why := b.why; ok && why != InvalidOther || !ok && why != InvalidTruncated {
					t.Errorf("type %d, long %v, %d bytes: reason %d", typ, long, n, why)
				}
			}
		}
	}
}

// TestDCCPStates gives each packet in each state to both roles and compares with
// dccp_state_table's rules, told in words: what is remembered, and for how long.
func TestDCCPStates(t *testing.T) {
	straight, turned := [2]uint8{dccpClient, dccpServer}, [2]uint8{dccpServer, dccpClient}
	timeouts := []int64{0, 240, 480, 480, 43200, 64, 64, 240}
	for dir := range 2 {
		for typ := uint8(dccpRequest); typ < numDCCPTypes; typ++ {
			for state := DCCPRequest; state < numDCCPStates; state++ {
				for _, roles := range [][2]uint8{straight, turned} {
					b := newBed(t)
					b.in(dccpUp[0].frame)
					c := b.only()
					c.Status |= StatusSeenReply
					*c.DCCP() = DCCPTrack{Role: roles, State: state, LastType: dccpSync, LastDir: 0, Handshake: 0xaaa}
					c.Timeout = b.now + 7*second
					got := b.in(dccp(dir, typ, 0x500, 0xaaa, ""))
					next := dccpTable[roles[dir]][typ][state]
					want := DCCPTrack{Role: roles, State: next, LastType: typ, LastDir: uint8(dir), Handshake: 0xaaa}
					left := int64(0)
					switch next {
					case dccpInvalid:
						want.State, want.LastType, want.LastDir, left = state, dccpSync, 0, 7
						if got != "inv" {
							t.Errorf("dir %d, type %d in %d: %s", dir, typ, state, got)
						}
					case dccpIgnore:
						want.State, left = state, 7
					default:
						left = timeouts[next]
					}
					if next == DCCPRequest && state == DCCPTimeWait && roles[dir] == dccpServer {
						want.Role = [2]uint8{dccpServer, dccpServer}
						want.Role[dir] = dccpClient
					}
					if next == DCCPRespond && state == DCCPRequest {
						want.Handshake = 0x500
					}
					if d := *c.DCCP(); d != want || b.left() != left {
						t.Errorf("dir %d, roles %v, type %d in %d: %+v, %d s left; want %+v, %d", dir, roles, typ, state, d, b.left(), want, left)
					}
					assured := roles[dir] == dccpClient && state == DCCPRespond && typ == dccpAck
					if c.Status&StatusAssured != 0 != assured {
						t.Errorf("dir %d, roles %v, type %d in %d: assured %v", dir, roles, typ, state, !assured)
					}
				}
			}
		}
	}
}

// TestDCCPOutOfStep: a RESPONSE to a REQUEST that was ignored begins anew, with its
// sender as the server; nothing else does.
func TestDCCPOutOfStep(t *testing.T) {
	for _, tc := range []struct {
		name     string
		lastType uint8
		lastDir  uint8
		typ      uint8
		anew     bool
	}{
		{"it answers", dccpRequest, 0, dccpResponse, true},
		{"its own side's", dccpRequest, 1, dccpResponse, false},
		{"another than a REQUEST", dccpSync, 0, dccpResponse, false},
		{"another than a RESPONSE", dccpRequest, 0, dccpSync, false},
	} {
		b := newBed(t)
		b.in(dccpUp[0].frame)
		c := b.only()
		c.Status |= StatusSeenReply
		*c.DCCP() = DCCPTrack{Role: [2]uint8{dccpClient, dccpServer}, State: DCCPOpen, LastType: tc.lastType, LastDir: tc.lastDir, Handshake: 0xaaa}
		if got := b.in(dccp(1, tc.typ, 0x500, 0xaaa, "")); got != "est+rpl" {
			t.Errorf("%s: %s", tc.name, got)
		}
		want := DCCPTrack{Role: [2]uint8{dccpClient, dccpServer}, State: DCCPOpen, LastType: tc.typ, LastDir: 1, Handshake: 0xaaa}
		if tc.anew {
			want.State, want.Handshake = DCCPRespond, 0x500
		}
		if d := *c.DCCP(); d != want {
			t.Errorf("%s: %+v, want %+v", tc.name, d, want)
		}
	}
	// The client of old may turn out to be the server.
	b := newBed(t)
	b.in(dccpUp[0].frame)
	c := b.only()
	c.Status |= StatusSeenReply
	*c.DCCP() = DCCPTrack{Role: [2]uint8{dccpClient, dccpServer}, State: DCCPOpen, LastType: dccpRequest, LastDir: 1}
	b.in(dccp(0, dccpResponse, 0x500, 0xaaa, ""))
	if d := c.DCCP(); d.Role != [2]uint8{dccpServer, dccpClient} || d.State != DCCPRespond {
		t.Errorf("%+v", *d)
	}
}

// TestDCCPRefused: a RESET ends a connection that has not been answered, and is
// counted; behind an answer it leads to TIMEWAIT.
func TestDCCPRefused(t *testing.T) {
	b := newBed(t)
	b.in(dccpUp[0].frame)
	if got := b.in(dccp(0, dccpReset, 101, 0, "")); got != "new" || b.only() != nil {
		t.Errorf("the client's own RESET: %s, %v", got, b.only())
	}
	b = newBed(t)
	b.dccpRun([]sctpStep{dccpUp[0], dccpUp[1], {dccp(1, dccpReset, 201, 100, ""), "est+rpl", DCCPTimeWait, 240}})
	if n := b.only().Packets(); n != [2]uint64{1, 2} {
		t.Errorf("counts %v", n)
	}
	// An assured one stays so only by the ACK of its own RESPONSE.
	b = newBed(t)
	b.dccpRun([]sctpStep{dccpUp[0], dccpUp[1], {dccp(0, dccpDataAck, 101, 200, ""), "est", DCCPPartOpen, 480}})
	if b.only().Status&StatusAssured != 0 {
		t.Error("assured by a DATAACK")
	}
}
