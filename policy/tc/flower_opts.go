package tc

import (
	"encoding/binary"
	"strings"
)

// Tunnel options are kept as flat bytes, key and mask of the same length:
//
//	geneve  per option: class (2), type (1), length of the data in bytes (1; the
//	        same in the mask), data
//	vxlan   the group policy (4)
//	erspan  version (1), index (4), direction (1), hardware id (1)
//	gtp     PDU type (1), QFI (1)
//	pfcp    type (1), SEID (8)
//
// All integers are in network byte order.
const optsWant = "options as KEY[/MASK]"

// encOpts reads geneve_opts, vxlan_opts, erspan_opts, gtp_opts or pfcp_opts.
func (p *flowerParse) encOpts() {
	var name string
	for _, n := range []string{"geneve_opts", "vxlan_opts", "erspan_opts", "gtp_opts", "pfcp_opts"} {
		if p.is(n) {
			name = n
			break
		}
	}
	s := p.arg(optsWant)
	parse := map[string]func(string) ([]byte, []byte, bool){
		"geneve_opts": geneveOpts, "vxlan_opts": vxlanOpts, "erspan_opts": erspanOpts, "gtp_opts": gtpOpts, "pfcp_opts": pfcpOpts,
	}[name]
	key, mask, ok := parse(s)
	p.must(ok, name, map[string]string{
		"geneve_opts": "CLASS:TYPE:DATA[/CLASS:TYPE:DATA], hexadecimal, data in multiples of 4 bytes, several with commas",
		"vxlan_opts":  "GBP[/MASK]",
		"erspan_opts": "VERSION:INDEX:DIR:HWID[/MASK]",
		"gtp_opts":    "PDU_TYPE:QFI[/MASK], hexadecimal",
		"pfcp_opts":   "TYPE:SEID[/MASK], hexadecimal",
	}[name])
	p.m.EncOptsKind = strings.TrimSuffix(name, "_opts")
	p.m.EncOpts, p.m.EncOptsMask = key, mask
}

func geneveOpts(s string) (key, mask []byte, ok bool) {
	for _, opt := range strings.Split(s, ",") {
		k, m, has := strings.Cut(opt, "/")
		kb, ok := geneveOpt(k)
		if !ok {
			return nil, nil, false
		}
		mb := make([]byte, len(kb))
		for i := range mb {
			mb[i] = 0xff
		}
		if has {
			if mb, ok = geneveOpt(m); !ok || len(mb) != len(kb) {
				return nil, nil, false
			}
		}
		mb[3] = kb[3]
		key, mask = append(key, kb...), append(mask, mb...)
	}
	return key, mask, true
}

func geneveOpt(s string) ([]byte, bool) {
	f := strings.Split(s, ":")
	if len(f) != 3 {
		return nil, false
	}
	class, ok1 := u16(f[0], 16)
	typ, ok2 := u8(f[1], 16)
	data, ok3 := hexBytes(f[2])
	if !ok1 || !ok2 || !ok3 || len(f[2])%2 == 1 || len(data) < 4 || len(data) > 128 || len(data)%4 != 0 {
		return nil, false
	}
	b := binary.BigEndian.AppendUint16(nil, class)
	return append(append(b, typ, byte(len(data))), data...), true
}

func vxlanOpts(s string) (key, mask []byte, ok bool) {
	// What VXLAN-GBP has bits for (include/net/vxlan.h VXLAN_GBP_MASK); the
	// kernel drops the others.
	const bits = 0x48ffff
	v, m, ok := maskedNumber(s, 0, 0xffffffff)
	v, m = v&bits, m&bits
	return binary.BigEndian.AppendUint32(nil, uint32(v)), binary.BigEndian.AppendUint32(nil, uint32(m)), ok
}

func erspanOpts(s string) (key, mask []byte, ok bool) {
	k, m, has := strings.Cut(s, "/")
	if key, ok = erspanOpt(k); !ok {
		return nil, nil, false
	}
	mask = []byte{key[0], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	if has {
		if mask, ok = erspanOpt(m); !ok {
			return nil, nil, false
		}
	}
	for _, b := range [][]byte{key, mask} {
		if key[0] == 1 { // it has an index; later versions have the others
			b[5], b[6] = 0, 0
		} else {
			clear(b[1:5])
		}
	}
	return key, mask, true
}

func erspanOpt(s string) ([]byte, bool) {
	f := strings.Split(s, ":")
	if len(f) > 4 {
		return nil, false
	}
	var v [4]uint64
	for i, t := range f {
		if t == "" {
			continue
		}
		max := uint64(0xff)
		if i == 1 {
			max = 0xffffffff
		}
		n, ok := number(t, 0, max)
		if !ok {
			return nil, false
		}
		v[i] = n
	}
	if f[0] == "" || v[0] == 0 {
		return nil, false
	}
	b := binary.BigEndian.AppendUint32([]byte{byte(v[0])}, uint32(v[1]))
	return append(b, byte(v[2]), byte(v[3])), true
}

func gtpOpts(s string) (key, mask []byte, ok bool) {
	k, m, has := strings.Cut(s, "/")
	if !has {
		m = "ff:ff"
	}
	typ, qfi, ok1 := hexPair(k, 0xff)
	typMask, qfiMask, ok2 := hexPair(m, 0xff)
	return []byte{typ, byte(qfi)}, []byte{typMask, byte(qfiMask)}, ok1 && ok2
}

func pfcpOpts(s string) (key, mask []byte, ok bool) {
	k, m, has := strings.Cut(s, "/")
	if !has {
		m = "ff:ffffffffffffffff"
	}
	typ, seid, ok1 := hexPair(k, ^uint64(0))
	typMask, seidMask, ok2 := hexPair(m, ^uint64(0))
	return binary.BigEndian.AppendUint64([]byte{typ}, seid), binary.BigEndian.AppendUint64([]byte{typMask}, seidMask), ok1 && ok2
}

// hexPair reads A:B in hexadecimal; A has 8 bits, B is at most max.
func hexPair(s string, max uint64) (a uint8, b uint64, ok bool) {
	x, y, has := strings.Cut(s, ":")
	a, ok1 := u8(x, 16)
	b, ok2 := number(y, 16, max)
	return a, b, has && ok1 && ok2
}
