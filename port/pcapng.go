package port

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// pcapng block types (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6

	byteOrderMagic = 0x1a2b3c4d

	// maxBlock is the largest block a reader believes in: a packet with its
	// options.
	maxBlock = maxFrame + 64<<10

	// maxIfaces is how many interfaces a section may describe: as many as the
	// obsolete packet block can name. Real captures have a handful.
	maxIfaces = 1 << 16
)

// pcapng options.
const (
	optEnd      = 0
	optComment  = 1
	optIfName   = 2
	optTSResol  = 9
	optTSOffset = 14
)

// iface is what an interface description block says about times and link.
type iface struct {
	link    uint16
	snaplen uint32
	num     uint64 // a time unit is num/den nanoseconds
	den     uint64
	offset  int64 // seconds to add
}

// pcapngNext reads blocks up to the next packet.
func (r *Reader) pcapngNext(rec *Record) error {
	for {
		h, err := r.take(8, "")
		if err != nil {
			return err
		}
		typ, length := binary.LittleEndian.Uint32(h), uint32(0)
		if typ == blockSection {
			if err := r.section(h); err != nil {
				return err
			}
			continue
		}
		if !r.begun {
			r.off -= 8
			return r.corrupt("a block before the first section header", nil)
		}
		typ, length = r.u32(h), r.u32(h[4:])
		start := r.off - 8
		if length < 12 || length%4 != 0 || length > maxBlock {
			r.off = start
			return r.corrupt(fmt.Sprintf("a block of type %#x with length %d; expected a multiple of 4 from 12 to %d", typ, length, maxBlock), nil)
		}
		body, err := r.take(int(length)-8, "block")
		if err != nil {
			return err
		}
		if trailer := r.u32(body[len(body)-4:]); trailer != length {
			r.off = start
			return r.corrupt(fmt.Sprintf("a block of length %d that ends with length %d", length, trailer), nil)
		}
		done, err := r.block(typ, body[:len(body)-4], rec, start)
		if done || err != nil {
			return err
		}
	}
}

// block handles one block other than a section header and reports whether it
// held a packet. Types that it does not know are skipped, as the format asks.
func (r *Reader) block(typ uint32, b []byte, rec *Record, start int64) (done bool, err error) {
	bad := func(what string) error {
		r.off = start
		return r.corrupt(what, nil)
	}
	switch typ {
	case blockInterface:
		if len(b) < 8 {
			return false, bad("an interface description that is too short")
		}
		if len(r.ifaces) == maxIfaces {
			return false, bad(fmt.Sprintf("an interface description behind %d others of the section, the most that there may be", maxIfaces))
		}
		ifc, err := r.describe(b)
		if err != nil {
			return false, bad(err.Error())
		}
		r.ifaces = append(r.ifaces, ifc)
		return false, nil
	case blockEnhanced, blockPacket:
		if len(b) < 20 {
			return false, bad("a packet block that is too short")
		}
		id := r.u32(b)
		if typ == blockPacket {
			id = uint32(r.u16(b))
		}
		ts := uint64(r.u32(b[4:]))<<32 | uint64(r.u32(b[8:]))
		n, orig := r.u32(b[12:]), r.u32(b[16:])
		if int64(n) > int64(len(b)-20) || n > maxFrame {
			return false, bad(fmt.Sprintf("a packet of %d bytes in a block that has room for %d", n, len(b)-20))
		}
		return true, r.packet(rec, id, ts, b[20:20+n], orig, bad)
	case blockSimple:
		if len(b) < 4 {
			return false, bad("a simple packet block that is too short")
		}
		orig := r.u32(b)
		n := min(orig, uint32(len(b)-4))
		if len(r.ifaces) > 0 && r.ifaces[0].snaplen != 0 {
			n = min(n, r.ifaces[0].snaplen)
		}
		return true, r.packet(rec, 0, 0, b[4:4+n], orig, bad)
	}
	return false, nil
}

func (r *Reader) packet(rec *Record, id uint32, ts uint64, data []byte, orig uint32, bad func(string) error) error {
	if int64(id) >= int64(len(r.ifaces)) {
		return bad(fmt.Sprintf("a packet of interface %d; %d are described", id, len(r.ifaces)))
	}
	ifc := &r.ifaces[id]
	if ifc.link != ethernet {
		return &LinkTypeError{r.name, ifc.link}
	}
	rec.Time = ifc.offset*1e9 + scale(ts, ifc.num, ifc.den)
	rec.Data, rec.OrigLen, rec.Iface = data, int(orig), r.base+int(id)
	return nil
}

// scale turns time units into nanoseconds without losing bits in between.
func scale(ts, num, den uint64) int64 {
	if den == 1 {
		return int64(ts * num)
	}
	hi, lo := bits.Mul64(ts, num)
	q, _ := bits.Div64(hi%den, lo, den)
	return int64(q)
}

// section begins a new section, which may have another byte order.
func (r *Reader) section(h []byte) error {
	start := r.off - 8
	length := [4]byte(h[4:8])
	m, err := r.take(4, "section header")
	if err != nil {
		return err
	}
	switch {
	case binary.LittleEndian.Uint32(m) == byteOrderMagic:
		r.swap = false
	case binary.BigEndian.Uint32(m) == byteOrderMagic:
		r.swap = true
	default:
		return r.corrupt(fmt.Sprintf("a section header with byte-order magic % x; expected 1a2b3c4d in either order", m), nil)
	}
	r.begun = true
	n := r.u32(length[:])
	if n < 28 || n%4 != 0 || n > maxBlock {
		r.off = start
		return r.corrupt(fmt.Sprintf("a section header of length %d; expected a multiple of 4 from 28 to %d", n, maxBlock), nil)
	}
	b, err := r.take(int(n)-12, "section header")
	if err != nil {
		return err
	}
	if major := r.u16(b); major != 1 {
		r.off = start
		return r.corrupt(fmt.Sprintf("pcapng version %d.%d; expected 1.x", major, r.u16(b[2:])), nil)
	}
	r.base += len(r.ifaces)
	r.ifaces = r.ifaces[:0]
	return nil
}

// describe reads an interface description's fixed part and options.
func (r *Reader) describe(b []byte) (iface, error) {
	ifc := iface{link: r.u16(b), snaplen: r.u32(b[4:]), num: 1000, den: 1}
	for b = b[8:]; len(b) >= 4; {
		code, n := r.u16(b), int(r.u16(b[2:]))
		if code == optEnd {
			break
		}
		if 4+n > len(b) {
			return ifc, fmt.Errorf("an option of %d bytes in %d", n, len(b)-4)
		}
		v := b[4 : 4+n]
		switch {
		case code == optTSResol && n == 1:
			if !ifc.resolution(v[0]) {
				return ifc, fmt.Errorf("a time resolution of %#x", v[0])
			}
		case code == optTSOffset && n == 8:
			// The high half is where its byte order puts it.
			hi, lo := r.u32(v), r.u32(v[4:])
			if !r.swap {
				hi, lo = lo, hi
			}
			ifc.offset = int64(uint64(hi)<<32 | uint64(lo))
		}
		b = b[min(4+(n+3)&^3, len(b)):]
	}
	return ifc, nil
}

// resolution sets the time unit: 10^-v seconds, or 2^-v with the high bit set.
func (ifc *iface) resolution(v byte) bool {
	ifc.num, ifc.den = 1, 1
	e := v & 0x7f
	if v&0x80 != 0 {
		if e > 62 {
			return false
		}
		ifc.num, ifc.den = 1e9, 1<<e
		return true
	}
	if e > 18 {
		return false
	}
	for ; e < 9; e++ {
		ifc.num *= 10
	}
	for ; e > 9; e-- {
		ifc.den *= 10
	}
	return true
}
