package port

import "fmt"

// pcapHeader reads the 24-byte file header of a classic pcap.
func (r *Reader) pcapHeader(magic uint32) error {
	b, err := r.take(24, "pcap file header")
	if err != nil {
		return err
	}
	r.frac = 1000
	if magic == 0xa1b23c4d {
		r.frac = 1
	}
	if major := r.u16(b[4:]); major != 2 {
		r.off = 4
		return r.corrupt(fmt.Sprintf("pcap version %d.%d; expected 2.x", major, r.u16(b[6:])), nil)
	}
	if lt := uint16(r.u32(b[20:])); lt != ethernet {
		return &LinkTypeError{r.name, lt}
	}
	r.next = (*Reader).pcapNext
	return nil
}

// pcapNext reads a packet: seconds, fraction, captured and original length,
// and the bytes.
func (r *Reader) pcapNext(rec *Record) error {
	h, err := r.take(16, "")
	if err != nil {
		return err
	}
	sec, frac := int64(r.u32(h)), int64(r.u32(h[4:]))
	n, orig := r.u32(h[8:]), r.u32(h[12:])
	if n > maxFrame {
		r.off -= 16
		return r.corrupt(fmt.Sprintf("a packet of %d bytes; expected at most %d", n, maxFrame), nil)
	}
	if frac*r.frac >= 1e9 {
		r.off -= 16
		return r.corrupt(fmt.Sprintf("a packet's time has %d parts of a second; expected less than %d", frac, 1_000_000_000/r.frac), nil)
	}
	rec.Data, err = r.take(int(n), "packet")
	if err != nil {
		return err
	}
	rec.Time, rec.OrigLen, rec.Iface = sec*1e9+frac*r.frac, int(orig), 0
	return nil
}
