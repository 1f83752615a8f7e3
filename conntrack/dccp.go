package conntrack

import (
	"encoding/binary"
	"unsafe"

	"sluice/packet"
)

// States of a DCCP connection, numbered as the kernel's enum ct_dccp_states.
const (
	DCCPNone uint8 = iota
	DCCPRequest
	DCCPRespond
	DCCPPartOpen
	DCCPOpen
	DCCPCloseReq
	DCCPClosing
	DCCPTimeWait

	numDCCPStates
	dccpIgnore  = numDCCPStates     // the packet goes on, the state stays
	dccpInvalid = numDCCPStates + 1 // no transition: the packet is invalid
)

// DCCPStateNames are the names as /proc/net/nf_conntrack prints them.
var DCCPStateNames = [numDCCPStates]string{"NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT"}

// Packet types (RFC 4340, 5.1).
const (
	dccpRequest = iota
	dccpResponse
	dccpData
	dccpAck
	dccpDataAck
	dccpCloseReq
	dccpClose
	dccpReset
	dccpSync
	dccpSyncAck

	numDCCPTypes
)

// Roles of a direction; what a packet may do depends on its sender's.
const (
	dccpClient = iota
	dccpServer
)

// dccpTable gives the next state by role, packet type and state
// (nf_conntrack_proto_dccp.c dccp_state_table).
var dccpTable = func() [2][numDCCPTypes][numDCCPStates]uint8 {
	const (
		rq = DCCPRequest
		rs = DCCPRespond
		po = DCCPPartOpen
		op = DCCPOpen
		cr = DCCPCloseReq
		cg = DCCPClosing
		tw = DCCPTimeWait
		ig = dccpIgnore
		iv = dccpInvalid
	)
	return [2][numDCCPTypes][numDCCPStates]uint8{
		{ //            no  rq  rs  po  op  cr  cg  tw     the client
			dccpRequest:  {rq, rq, rs, ig, ig, ig, ig, rq},
			dccpResponse: {iv, ig, ig, ig, ig, ig, ig, iv},
			dccpData:     {iv, iv, iv, iv, op, cr, cg, iv},
			dccpAck:      {iv, iv, po, po, op, cr, cg, iv},
			dccpDataAck:  {iv, iv, po, po, op, cr, cg, iv},
			dccpCloseReq: {iv, iv, iv, iv, iv, iv, iv, iv}, // a server's
			dccpClose:    {iv, iv, iv, cg, cg, cg, iv, iv},
			dccpReset:    {iv, tw, tw, tw, tw, tw, tw, ig},
			dccpSync:     {iv, ig, ig, ig, ig, ig, ig, ig},
			dccpSyncAck:  {iv, ig, ig, ig, ig, ig, ig, ig},
		},
		{ //            no  rq  rs  po  op  cr  cg  tw     the server
			dccpRequest:  {iv, ig, ig, ig, ig, ig, ig, rq}, // reopens with the roles changed
			dccpResponse: {iv, rs, rs, ig, ig, ig, ig, iv},
			dccpData:     {iv, iv, iv, op, op, iv, cg, iv},
			dccpAck:      {iv, iv, iv, op, op, iv, cg, iv},
			dccpDataAck:  {iv, iv, iv, op, op, iv, cg, iv},
			dccpCloseReq: {iv, iv, iv, cr, cr, cr, cr, iv},
			dccpClose:    {iv, iv, iv, cg, cg, iv, cg, iv},
			dccpReset:    {iv, tw, tw, tw, tw, tw, tw, tw},
			dccpSync:     {iv, ig, ig, ig, ig, ig, ig, ig},
			dccpSyncAck:  {iv, ig, ig, ig, ig, ig, ig, ig},
		},
	}
}()

// DCCPTrack is a DCCP connection's state (struct nf_ct_dccp). It shares memory
// with TCP's.
type DCCPTrack struct {
	Handshake uint64   // sequence number of the RESPONSE, whose ACK assures the connection
	Role      [2]uint8 // by direction
	State     uint8    // DCCP*
	LastType  uint8
	LastDir   uint8
}

const _ = uint(unsafe.Sizeof(TCPTrack{}) - unsafe.Sizeof(DCCPTrack{}))

// DCCP is the state of a connection whose protocol is DCCP.
func (c *Conn) DCCP() *DCCPTrack { return (*DCCPTrack)(unsafe.Pointer(&c.TCP)) }

const (
	dccpHeader = 12
	// dccpLong need the long sequence numbers (X = 1).
	dccpLong = 1<<dccpRequest | 1<<dccpResponse | 1<<dccpCloseReq | 1<<dccpClose | 1<<dccpReset | 1<<dccpSync | 1<<dccpSyncAck
)

// dccpMore is what follows the generic header, by type: acknowledgement
// number, service or reset code.
var dccpMore = [numDCCPTypes]int{
	dccpRequest: 4, dccpResponse: 12, dccpAck: 8, dccpDataAck: 8, dccpCloseReq: 8, dccpClose: 8, dccpReset: 12, dccpSync: 8, dccpSyncAck: 8,
}

// dccpPacket is what the state machine needs of a packet.
type dccpPacket struct {
	typ      uint8
	seq, ack uint64 // 48 bits; ack is valid iff the type has one
}

// dccpRead reads and checks a header (dccp_error, dccp_header_pointer). As in
// the kernel, a coverage counts from the packet's beginning, where RFC 4340, 9.2
// counts from the header's end.
func (t *Tracker) dccpRead(frame, b []byte, h *packet.Headers) (p dccpPacket, ok bool) {
	t.why = InvalidTruncated // unless it gets to the end
	if len(b) < dccpHeader {
		return p, false
	}
	n := int(b[4]) * 4
	if n < dccpHeader || n > len(b) {
		return p, false
	}
	cover := len(b)
	if c := int(b[5] & 15); c != 0 {
		if cover = (c - 1) * 4; cover > len(b) {
			return p, false
		}
	}
	if t.set.Checksum && !partialOK(frame, b, cover, h, packet.ProtoDCCP) {
		t.why = InvalidChecksum
		return p, false
	}
	p.typ = b[8] >> 1 & 15
	long := b[8]&1 != 0
	if p.typ >= numDCCPTypes || !long && dccpLong>>p.typ&1 != 0 {
		return p, false
	}
	be := binary.BigEndian
	at := dccpHeader
	if long {
		at += 4
	}
	if len(b) < at+dccpMore[p.typ] {
		return p, false
	}
	p.seq = uint64(be.Uint16(b[10:])) + uint64(b[9])<<16
	if long {
		p.seq = uint64(be.Uint16(b[10:]))<<32 + uint64(be.Uint32(b[12:]))
	}
	if dccpMore[p.typ] >= 8 {
		p.ack = uint64(be.Uint16(b[at+2:]))<<32 + uint64(be.Uint32(b[at+4:]))
	}
	t.why = InvalidOther
	return p, true
}

// dccp judges a packet (nf_conntrack_dccp_packet).
func (t *Tracker) dccp(now int64, frame, b []byte, h *packet.Headers, c *Conn, ct *packet.CT) verdict {
	p, ok := t.dccpRead(frame, b, h)
	if !ok {
		return invalid // dccpRead has said why
	}
	d := c.DCCP()
	if c.Status&StatusConfirmed == 0 {
		// Nothing but a REQUEST begins a connection, so that there is nothing
		// for nf_conntrack_dccp_loose to pick up.
		if dccpTable[dccpClient][p.typ][DCCPNone] != DCCPRequest {
			return t.not(InvalidState)
		}
		*d = DCCPTrack{Role: [2]uint8{dccpClient, dccpServer}}
	}
	dir := uint8(ct.Info.Dir())
	if p.typ == dccpReset && c.Status&StatusSeenReply == 0 {
		t.refused(ct, c, h)
		return valid
	}
	old := d.State
	next := dccpTable[d.Role[dir]][p.typ][old]
	switch next {
	case DCCPRequest:
		if old == DCCPTimeWait && d.Role[dir] == dccpServer {
			d.Role = [2]uint8{dccpServer, dccpServer}
			d.Role[dir] = dccpClient
		}
	case DCCPRespond:
		if old == DCCPRequest {
			d.Handshake = p.seq
		}
	case DCCPPartOpen:
		if old == DCCPRespond && p.typ == dccpAck && p.ack == d.Handshake {
			c.Status |= StatusAssured
		}
	case dccpIgnore:
		if d.LastDir == dir || d.LastType != dccpRequest || p.typ != dccpResponse {
			d.LastDir, d.LastType = dir, p.typ
			return valid
		}
		// It answers a REQUEST that was ignored: the ends have begun anew, and
		// the tracker was out of step.
		d.Role = [2]uint8{dccpClient, dccpClient}
		d.Role[dir] = dccpServer
		d.Handshake = p.seq
		next = DCCPRespond
	case dccpInvalid:
		return t.not(InvalidState)
	}
	d.LastDir, d.LastType, d.State = dir, p.typ, next
	return t.refreshAcct(now, h, c, ct, t.Timeouts(c).DCCPTimeouts[next-DCCPRequest])
}
