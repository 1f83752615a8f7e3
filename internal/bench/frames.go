package bench

import (
	"encoding/binary"

	"sluice/packet"
)

// frameLen is the shortest Ethernet frame, without its checksum.
const frameLen = 60

// generator writes TCP/IPv4 frames of numbered connections into a ring of
// buffers, as a NIC writes into its receive ring: the frames' own memory is
// warm, and what is cold is what the datapath has to look up.
type generator struct {
	ring   [packet.VectorSize][frameLen]byte
	outer  []byte // headers of the tunnel that clients are behind; nil: none
	wide   [packet.VectorSize][outerLen + frameLen]byte
	behind []end // clients as the server sees them; nil: as they are
}

// Sides of a connection: the client comes in by uplink_rep, the server by
// vf0_rep.
const (
	fromClient = 0
	fromServer = 1
)

// TCP flags.
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagPSH = 0x08
	flagACK = 0x10
)

// write makes a frame of connection n in slot i of the ring.
func (g *generator) write(i int, n uint32, side int, flags byte, seq, ack uint32) []byte {
	f, frame := g.ring[i][:], g.ring[i][:]
	if g.outer != nil && side == fromClient {
		frame = g.wide[i][:]
		f = frame[copy(frame, g.outer):]
	}
	g.fill(f, n, side, flags, seq, ack)
	return frame
}

// fill makes a frame of connection n, of frameLen bytes. The checksums are
// right: the tracker verifies them.
func (g *generator) fill(f []byte, n uint32, side int, flags byte, seq, ack uint32) {
	client := uint32(10)<<24 | n/16384 // 10.0.0.0/8, 16,384 ports each
	cport := uint16(1024 + n%16384)
	const server, sport = uint32(192)<<24 | 168<<16 | 1, uint16(80)

	copy(f[0:14], "\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a\x08\x00")
	ip := f[14:34]
	copy(ip, "\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00")
	src, dst, sp, dp := client, server, cport, sport
	if side == fromServer {
		if g.behind != nil {
			client, cport = g.behind[n].addr, g.behind[n].port
		}
		src, dst, sp, dp = server, client, sport, cport
	}
	binary.BigEndian.PutUint32(ip[12:], src)
	binary.BigEndian.PutUint32(ip[16:], dst)
	addrs := uint64(src) + uint64(dst)
	binary.BigEndian.PutUint16(ip[10:], ^fold(0x4500+0x0028+0x4000+0x4006+addrs))
	tcp := f[34:54]
	binary.BigEndian.PutUint16(tcp[0:], sp)
	binary.BigEndian.PutUint16(tcp[2:], dp)
	binary.BigEndian.PutUint32(tcp[4:], seq)
	binary.BigEndian.PutUint32(tcp[8:], ack)
	tcp[12], tcp[13] = 5<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 65535)
	sum := addrs + uint64(packet.ProtoTCP) + 20 + uint64(sp) + uint64(dp) + uint64(seq) + uint64(ack) + 0x5000 + uint64(flags) + 65535
	binary.BigEndian.PutUint16(tcp[16:], ^fold(sum))
}

// fold reduces a one's-complement sum of 16- and 32-bit words to 16 bits.
func fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}
