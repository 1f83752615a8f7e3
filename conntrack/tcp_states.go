package conntrack

// TCP states, numbered as the kernel's enum tcp_conntrack.
const (
	TCPNone uint8 = iota
	TCPSynSent
	TCPSynRecv
	TCPEstablished
	TCPFinWait
	TCPCloseWait
	TCPLastAck
	TCPTimeWait
	TCPClose
	TCPSynSent2 // a simultaneous open

	NumTCPStates = int(TCPSynSent2) + 1

	tcpInvalid uint8 = 30 // no transition: the packet is invalid
	tcpIgnore  uint8 = 31 // the packet goes on, the state stays
)

// TCPStateNames are the names as Linux prints them, by state.
var TCPStateNames = [NumTCPStates]string{
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2",
}

// Two more timeouts stand behind those of the states, as in the kernel.
const (
	tcpRetrans = NumTCPStates     // too many retransmissions
	tcpUnack   = NumTCPStates + 1 // data that nobody acknowledges

	numTCPTimeouts = NumTCPStates + 2
)

// What a segment's flags make of it.
const (
	segSYN uint8 = iota
	segSYNACK
	segFIN
	segACK
	segRST
	segNone
)

// tcpNext gives the next state by direction, kind of segment, and state, as
// nf_conntrack_proto_tcp.c's tcp_conntracks does.
//
// Some cells deserve a word:
//   - A SYN of the client in any state between SYN_RECV and LAST_ACK is
//     ignored: client and server may be in sync while the tracker is not.
//     The server's answer tells.
//   - ACK from nothing makes ESTABLISHED: a connection picked up in its
//     middle (tcp_loose).
//   - A SYN from the server's side on TIME_WAIT reopens with the roles
//     changed.
//   - An ACK of the server in SYN_SENT may be a challenge to a SYN that met a
//     half-open connection; it is ignored.
var tcpNext = func() [2][6][NumTCPStates]uint8 {
	const (
		nn = TCPNone
		ss = TCPSynSent
		sr = TCPSynRecv
		es = TCPEstablished
		fw = TCPFinWait
		cw = TCPCloseWait
		la = TCPLastAck
		tw = TCPTimeWait
		cl = TCPClose
		s2 = TCPSynSent2
		iv = tcpInvalid
		ig = tcpIgnore
	)
	return [2][6][NumTCPStates]uint8{
		{ //          none ss  sr  es  fw  cw  la  tw  cl  s2      the original direction
			segSYN:    {ss, ss, ig, ig, ig, ig, ig, ss, ss, s2},
			segSYNACK: {iv, iv, sr, iv, iv, iv, iv, iv, iv, sr},
			segFIN:    {iv, iv, fw, fw, la, la, la, tw, cl, iv},
			segACK:    {es, iv, es, es, cw, cw, tw, tw, cl, iv},
			segRST:    {iv, cl, cl, cl, cl, cl, cl, cl, cl, cl},
			segNone:   {iv, iv, iv, iv, iv, iv, iv, iv, iv, iv},
		},
		{ //          none ss  sr  es  fw  cw  la  tw  cl  s2      replies
			segSYN:    {iv, s2, iv, iv, iv, iv, iv, ss, iv, s2},
			segSYNACK: {iv, sr, ig, ig, ig, ig, ig, ig, ig, sr},
			segFIN:    {iv, iv, fw, fw, la, la, la, tw, cl, iv},
			segACK:    {iv, ig, sr, es, cw, cw, tw, tw, cl, ig},
			segRST:    {iv, cl, cl, cl, cl, cl, cl, cl, cl, cl},
			segNone:   {iv, iv, iv, iv, iv, iv, iv, iv, iv, iv},
		},
	}
}()

// TCP flag bits.
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagPSH = 0x08
	flagACK = 0x10
	flagURG = 0x20
	flagECE = 0x40
	flagCWR = 0x80
)

// soundFlags are the combinations, without PSH, ECE and CWR, that a sane
// stack sends (nf_conntrack_proto_tcp.c tcp_valid_flags).
var soundFlags = [64]bool{
	flagSYN:                     true,
	flagSYN | flagURG:           true,
	flagSYN | flagACK:           true,
	flagRST:                     true,
	flagRST | flagACK:           true,
	flagFIN | flagACK:           true,
	flagFIN | flagACK | flagURG: true,
	flagACK:                     true,
	flagACK | flagURG:           true,
}

// segmentKind sorts a segment by its flags.
func segmentKind(flags uint16) uint8 {
	switch {
	case flags&flagRST != 0:
		return segRST
	case flags&(flagSYN|flagACK) == flagSYN|flagACK:
		return segSYNACK
	case flags&flagSYN != 0:
		return segSYN
	case flags&flagFIN != 0:
		return segFIN
	case flags&flagACK != 0:
		return segACK
	}
	return segNone
}
