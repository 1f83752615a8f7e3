package conntrack

// States of an SCTP association, numbered as the kernel's enum
// sctp_conntrack. They are the connection's, not an endpoint's.
const (
	SCTPNone uint8 = iota
	SCTPClosed
	SCTPCookieWait
	SCTPCookieEchoed
	SCTPEstablished
	SCTPShutdownSent
	SCTPShutdownRecd
	SCTPShutdownAckSent
	SCTPHeartbeatSent

	numSCTPStates
	sctpInvalid = numSCTPStates
)

// SCTPStateNames are the names as /proc/net/nf_conntrack prints them.
var SCTPStateNames = [numSCTPStates]string{
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
}

// Chunk types (RFC 9260, 3.2) that the tracker knows.
const (
	chunkData             = 0
	chunkInit             = 1
	chunkInitAck          = 2
	chunkHeartbeat        = 4
	chunkHeartbeatAck     = 5
	chunkAbort            = 6
	chunkShutdown         = 7
	chunkShutdownAck      = 8
	chunkError            = 9
	chunkCookieEcho       = 10
	chunkCookieAck        = 11
	chunkShutdownComplete = 14
)

// sctpRow is a chunk type's row of the table; 0 for types that change
// nothing.
var sctpRow = [16]uint8{
	chunkInit: 1, chunkInitAck: 2, chunkAbort: 3, chunkShutdown: 4, chunkShutdownAck: 5, chunkError: 6,
	chunkCookieEcho: 7, chunkCookieAck: 8, chunkShutdownComplete: 9, chunkHeartbeat: 10, chunkHeartbeatAck: 11,
}

const (
	no = SCTPNone
	cl = SCTPClosed
	cw = SCTPCookieWait
	ce = SCTPCookieEchoed
	es = SCTPEstablished
	ss = SCTPShutdownSent
	sr = SCTPShutdownRecd
	sa = SCTPShutdownAckSent
	hs = SCTPHeartbeatSent
	iv = sctpInvalid
)

// sctpTable gives the state after a chunk, by direction and the chunk's row
// (nf_conntrack_proto_sctp.c sctp_conntracks).
var sctpTable = [2][12][numSCTPStates]uint8{
	{ // original
		//              no  cl  cw  ce  es  ss  sr  sa  hs
		/* other     */ {no, cl, cw, ce, es, ss, sr, sa, hs},
		/* INIT      */ {cl, cl, cw, ce, es, cl, cl, sa, cw},
		/* its ACK   */ {cl, cl, cw, ce, es, ss, sr, sa, cl},
		/* ABORT     */ {cl, cl, cl, cl, cl, cl, cl, cl, cl},
		/* SHUTDOWN  */ {cl, cl, cw, ce, ss, ss, sr, sa, cl},
		/* its ACK   */ {sa, cl, cw, ce, es, sa, sa, sa, sa},
		/* ERROR     */ {cl, cl, cw, ce, es, ss, sr, sa, cl},
		/* COOKIE    */ {cl, cl, ce, ce, es, ss, sr, sa, cl},
		/* its ACK   */ {cl, cl, cw, es, es, ss, sr, sa, cl},
		/* COMPLETE  */ {cl, cl, cw, ce, es, ss, sr, cl, cl},
		/* HEARTBEAT */ {hs, cl, cw, ce, es, ss, sr, sa, hs},
		/* its ACK   */ {cl, cl, cw, ce, es, ss, sr, sa, hs},
	},
	{ // reply
		//              no  cl  cw  ce  es  ss  sr  sa  hs
		/* other     */ {no, cl, cw, ce, es, ss, sr, sa, hs},
		/* INIT      */ {iv, cl, cw, ce, es, ss, sr, sa, iv},
		/* its ACK   */ {iv, cw, cw, ce, es, ss, sr, sa, iv},
		/* ABORT     */ {iv, cl, cl, cl, cl, cl, cl, cl, iv},
		/* SHUTDOWN  */ {iv, cl, cw, ce, sr, ss, sr, sa, iv},
		/* its ACK   */ {iv, cl, cw, ce, es, sa, sa, sa, iv},
		/* ERROR     */ {iv, cl, cw, cl, es, ss, sr, sa, iv},
		/* COOKIE    */ {iv, cl, ce, ce, es, ss, sr, sa, iv},
		/* its ACK   */ {iv, cl, cw, es, es, ss, sr, sa, iv},
		/* COMPLETE  */ {iv, cl, cw, ce, es, ss, sr, cl, iv},
		/* HEARTBEAT */ {iv, cl, cw, ce, es, ss, sr, sa, hs},
		/* its ACK   */ {iv, cl, cw, ce, es, ss, sr, sa, es},
	},
}

// sctpNext is the state after a chunk; types that the table does not know,
// such as DATA and SACK, change nothing.
func sctpNext(dir int, chunk, state uint8) uint8 {
	row := uint8(0)
	if int(chunk) < len(sctpRow) {
		row = sctpRow[chunk]
	}
	return sctpTable[dir&1][row][state]
}
