package conntrack

import (
	"encoding/binary"

	"sluice/packet"
)

// TFTP's requests; the transfer comes from another port of the server (RFC
// 1350).
const (
	tftpRead  = 1
	tftpWrite = 2
)

// tftp expects the server's answer to a request at the client's port
// (nf_conntrack_tftp.c tftp_help).
func (p *parley) tftp() bool {
	data := p.payload()
	if len(data) < 2 {
		return true
	}
	if op := binary.BigEndian.Uint16(data); op != tftpRead && op != tftpWrite {
		return true
	}
	reply := p.tuple(1)
	e := p.expectation(packet.Tuple{
		Src: reply.Src, Dst: reply.Dst, DPort: reply.DPort, Proto: packet.ProtoUDP, Family: reply.Family,
	})
	if p.translated() {
		e.follow, e.dir, e.savedPort = followMaster, 1, p.c.Orig.SPort
	}
	_, res := p.t.announce(p.now, e, false)
	return res == expectOK
}
