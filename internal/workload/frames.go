package workload

import (
	"encoding/binary"

	"sluice/packet"
)

const (
	minFrame = 60 // the shortest Ethernet frame, without its checksum
	maxFrame = 1514
	// slotBytes keeps frames of the ring apart by whole cache lines, and an
	// odd number of them, so that their headers do not share a cache's set.
	slotBytes = 1600
)

const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagPSH = 0x08
	flagACK = 0x10
)

// Directions.
const (
	toServer = 0
	toClient = 1
)

// ring is memory for the frames of a vector, as a NIC has it. Data is zeros,
// which need not be written anew and add nothing to a checksum.
type ring [packet.VectorSize][slotBytes]byte

// end is an address and a port.
type end struct {
	addr uint32
	port uint16
}

// maxParts is how many parts can have clients of their own.
const maxParts = 16

// hosts is how many clients a part has; each has 60,000 ports.
const hosts = 1 << 16

// client is the n-th client of a part: 10.0.0.0/8, a sixteenth each.
func client(part int, n uint32) end {
	return end{10<<24 | uint32(part)<<20 | n%hosts, uint16(1024 + n/hosts%60000)}
}

func server(part int, port int64) end {
	return end{192<<24 | 168<<16 | uint32(part)<<8 | 1, uint16(port)}
}

const ethernet = "\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a\x08\x00"

// ip writes Ethernet and IP headers and returns the addresses' part of a sum.
func ip(f []byte, src, dst uint32, proto uint8, length uint16) uint64 {
	copy(f[:14], ethernet)
	h := f[14:34]
	binary.BigEndian.PutUint32(h, 0x4500<<16|uint32(length))
	binary.BigEndian.PutUint32(h[4:], 0x4000) // may not be fragmented
	addrs := uint64(src) + uint64(dst)
	const ttl = 64 << 8
	sum := ^packet.Fold(0x4500 + uint64(length) + 0x4000 + ttl + uint64(proto) + addrs)
	binary.BigEndian.PutUint32(h[8:], (ttl|uint32(proto))<<16|uint32(sum))
	binary.BigEndian.PutUint32(h[12:], src)
	binary.BigEndian.PutUint32(h[16:], dst)
	return addrs
}

// tcp writes a segment with so many bytes of data.
func (r *ring) tcp(i int, src, dst end, seq, ack uint32, flags byte, data int) []byte {
	f := r[i][:maxFrame]
	addrs := ip(f, src.addr, dst.addr, packet.ProtoTCP, uint16(40+data))
	h := f[34:60]
	ports := uint32(src.port)<<16 | uint32(dst.port)
	binary.BigEndian.PutUint32(h, ports)
	binary.BigEndian.PutUint32(h[4:], seq)
	binary.BigEndian.PutUint32(h[8:], ack)
	const window = 65535
	word := 5<<28 | uint32(flags)<<16 | window
	binary.BigEndian.PutUint32(h[12:], word)
	sum := addrs + uint64(packet.ProtoTCP) + uint64(20+data) + uint64(ports) + uint64(seq) + uint64(ack) + uint64(word)
	binary.BigEndian.PutUint32(h[16:], uint32(^packet.Fold(sum))<<16)
	clear(h[20:]) // what another frame left there
	return f[:max(54+data, minFrame)]
}

// udp writes a datagram with so many bytes of data.
func (r *ring) udp(i int, src, dst end, data int) []byte {
	f := r[i][:maxFrame]
	addrs := ip(f, src.addr, dst.addr, packet.ProtoUDP, uint16(28+data))
	h := f[34:60]
	ports := uint32(src.port)<<16 | uint32(dst.port)
	binary.BigEndian.PutUint32(h, ports)
	sum := ^packet.Fold(addrs + uint64(packet.ProtoUDP) + 2*uint64(8+data) + uint64(ports))
	if sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint32(h[4:], uint32(8+data)<<16|uint32(sum))
	clear(h[8:])
	return f[:max(42+data, minFrame)]
}

// Data in a frame of so many bytes.
func tcpData(size int64) int { return int(size) - 54 }
func udpData(size int64) int { return int(size) - 42 }

// isn is the first sequence number of an end of the n-th connection.
func isn(n uint32, dir int) uint32 { return n*0x9e3779b1 ^ uint32(dir)*0x5bd1e995 }
