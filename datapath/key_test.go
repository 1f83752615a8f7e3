package datapath

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
)

// dissect is the kernel's flow dissector as flower uses it, step by step: what of
// an untracked packet each field of a key says. It takes nothing from packet and
// reads no byte that is not there.
func dissect(frame []byte, iif int32) (k policy.Key, proto uint16) {
	u16 := func(b []byte, at int) uint16 {
		if at+2 > len(b) {
			return 0
		}
		return uint16(b[at])<<8 + uint16(b[at+1])
	}
	u32 := func(b []byte, at int) uint32 { return uint32(u16(b, at))<<16 + uint32(u16(b, at+2)) }
	k.InDev = uint32(iif) + 1
	if len(frame) < 14 {
		return k, 0
	}
	copy(k.DstMAC[:], frame)
	copy(k.SrcMAC[:], frame[6:])
	typ, b := u16(frame, 12), frame[14:]
	proto = typ
	// All tags are counted and passed; two are kept.
	for typ == 0x8100 || typ == 0x88a8 {
		if len(b) < 4 {
			break
		}
		tci := u16(b, 0)
		tci -= tci & 0x1000
		if k.NumVLANs++; k.NumVLANs == 1 {
			k.VLANTCI, k.VLANTPID, k.VLANEthType = tci, typ, u16(b, 2)
		} else if k.NumVLANs == 2 {
			k.CVLANTCI, k.CVLANTPID, k.CVLANEthType = tci, typ, u16(b, 2)
		}
		typ, b = u16(b, 2), b[4:]
	}
	k.EthType = typ
	var l4 []byte
	whole := false // the transport header may be looked at
	switch typ {
	case 0x0800:
		if len(b) < 20 || b[0]%16 < 5 {
			break
		}
		k.IPTOS, k.IPTTL, k.IPProto = b[1], b[8], b[9]
		copy(k.SrcIP[:4], b[12:])
		copy(k.DstIP[:4], b[16:])
		more, off := u16(b, 6)>>13%2 == 1, u16(b, 6)%0x2000
		if more || off != 0 {
			k.IPFlags = policy.IPFlagFrag
			if off == 0 {
				k.IPFlags |= policy.IPFlagFirstFrag
			}
			break
		}
		if n := int(b[0]%16) * 4; n <= len(b) {
			l4, whole = b[n:], true
		}
	case 0x86dd:
		if len(b) < 40 {
			break
		}
		k.IPTOS, k.IPTTL = b[0]%16*16+b[1]/16, b[7]
		copy(k.SrcIP[:], b[8:])
		copy(k.DstIP[:], b[24:])
		next, rest := b[6], b[40:]
		for n := 0; ; n++ {
			k.IPProto = next
			if n == 16 {
				l4, whole = rest, true
				break
			}
			if next == 44 {
				if len(rest) >= 8 {
					k.IPProto, k.IPFlags = rest[0], policy.IPFlagFrag
					if u16(rest, 2)/8 == 0 {
						k.IPFlags |= policy.IPFlagFirstFrag
					}
				}
				break
			}
			if next != 0 && next != 43 && next != 60 {
				l4, whole = rest, true
				break
			}
			if len(rest) < 2 {
				break
			}
			size := int(rest[1])*8 + 8
			next, rest = rest[0], rest[min(size, len(rest)):]
		}
	case 0x0806:
		if len(b) < 28 || !bytes.Equal(b[:6], []byte{0, 1, 8, 0, 6, 4}) || u16(b, 6) != 1 && u16(b, 6) != 2 {
			break
		}
		k.ARPOp = b[7]
		copy(k.ARPSHA[:], b[8:])
		copy(k.ARPSIP[:], b[14:])
		copy(k.ARPTHA[:], b[18:])
		copy(k.ARPTIP[:], b[24:])
	case 0x8847, 0x8848:
		for i := 0; i < 7 && len(b) >= 4*i+4; i++ {
			k.LSEs += 1 << i
			if k.MPLS[i] = u32(b, 4*i); k.MPLS[i]>>8%2 == 1 {
				break
			}
		}
	}
	if !whole {
		return k, proto
	}
	switch k.IPProto {
	case 6, 17, 132, 33, 136:
		if len(l4) >= 4 {
			k.SrcPort, k.DstPort = u16(l4, 0), u16(l4, 2)
		}
		if k.IPProto == 6 && len(l4) >= 20 && l4[12]/16 >= 5 {
			k.TCPFlags = u16(l4, 12) % 0x1000
		}
	case 1, 58:
		if len(l4) >= 8 {
			k.ICMPType, k.ICMPCode = l4[0], l4[1]
		}
	case 50:
		if len(l4) >= 4 {
			k.SPI = u32(l4, 0)
		}
	case 51:
		if len(l4) >= 8 {
			k.SPI = u32(l4, 4)
		}
	}
	return k, proto
}

// keyFrames are frames of all that the dissector tells apart.
func keyFrames() (frames [][]byte) {
	const c4, s4, c6, s6 = "1.2.3.4", "5.6.7.8", "fd01:203:405:607:809:a0b:c0d:e0f", "fe10:1112:1314:1516:1718:191a:1b1c:1d1e"
	l4 := make([]byte, 32)
	for i := range l4 {
		l4[i] = byte(0x31 + 7*i)
	}
	var v6 [][]byte
	for _, proto := range []uint8{1, 6, 17, 33, 47, 50, 51, 58, 59, 132, 136} {
		for _, off := range []byte{0x4f, 0x5f, 0x62} {
			l4[12] = off
			frames = append(frames, packettest.IP(c4, s4, proto, bytes.Clone(l4)))
			v6 = append(v6, packettest.IP(c6, s6, proto, bytes.Clone(l4)))
			if proto != 6 {
				break
			}
		}
	}
	frames = append(frames, v6...)
	tcp, tcp6 := packettest.TCP(c4, s4, 0x1234, 0x5678, "SFE", 1, 2, "data"), packettest.TCP(c6, s6, 0x1234, 0x5678, "RAC", 1, 2, "data")
	tcp[15], tcp[22], tcp6[14], tcp6[15], tcp6[21] = 0xa7, 33, 0x6c, 0xd0, 34
	for _, h := range []byte{0x44, 0x46, 0x4f} {
		f := bytes.Clone(tcp)
		f[14] = h
		frames = append(frames, f)
	}
	for _, frag := range []uint16{0x2000, 0x2001, 0x0001, 0x4000, 0x8000, 0x1fff, 0x3fff, 0x0008} {
		f := bytes.Clone(tcp)
		binary.BigEndian.PutUint16(f[20:], frag)
		frames = append(frames, f)
	}
	seg := tcp6[54:]
	ext := func(protos ...uint8) []byte {
		var b []byte
		for i, p := range protos {
			next := uint8(6)
			if i+1 < len(protos) {
				next = protos[i+1]
			}
			switch p {
			case 44:
				b = append(b, next, 0, 0, 1, 0, 0, 0, 9)
			case 45: // a later fragment
				b = append(b, next, 0, 0, 8, 0, 0, 0, 9)
			case 43:
				b = append(append(b, next, 1), make([]byte, 14)...)
			default:
				b = append(b, next, 0, 1, 4, 0, 0, 0, 0)
			}
		}
		return packettest.IP(c6, s6, min(protos[0], 60), append(b, seg...))
	}
	frames = append(frames, ext(0), ext(60), ext(43), ext(0, 43, 60), ext(44), ext(0, 44), ext(51), ext(135), ext(60, 44, 60))
	for _, n := range []int{14, 15, 16, 17} {
		frames = append(frames, ext(slices.Repeat([]uint8{60}, n)...))
	}
	later := ext(44)
	later[57] = 8
	frames = append(frames, later)
	// Jumps behind the end, and a jump of the longest header.
	for _, n := range []byte{1, 2, 255} {
		f := ext(60)
		f[55] = n
		frames = append(frames, f)
	}
	arp := append([]byte(packettest.Ether), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	for i := range 20 {
		arp = append(arp, byte(0x91+3*i))
	}
	for _, at := range []struct {
		at int
		v  byte
	}{{21, 1}, {21, 2}, {21, 3}, {21, 0}, {20, 1}, {14, 1}, {15, 2}, {16, 9}, {17, 1}, {18, 5}, {19, 5}} {
		f := bytes.Clone(arp)
		f[at.at] = at.v
		frames = append(frames, f)
	}
	for n := range 9 {
		for _, typ := range []byte{0x47, 0x48} {
			f := append([]byte(packettest.Ether), 0x88, typ)
			for i := range n {
				f = append(f, byte(0x11*i+1), byte(i), 0xa0, byte(0x40+i))
			}
			if n > 2 && typ == 0x48 {
				f[14+4*(n-2)+2] |= 1
			}
			frames = append(frames, f)
		}
	}
	for _, f := range [][]byte{tcp, tcp6, arp, frames[len(frames)-1]} {
		for _, tags := range [][]uint16{{0x8100, 0xf123}, {0x88a8, 0x1005}, {0x88a8, 0xe00a, 0x8100, 0x700b}, {0x8100, 1, 0x8100, 2}, {0x8100, 1, 0x88a8, 2, 0x8100, 3}} {
			frames = append(frames, packettest.Tagged(f, tags...))
		}
	}
	for _, f := range frames {
		for n := 14; n < len(f); n++ {
			frames = append(frames, f[:n:n])
		}
	}
	return frames
}

// extracted is the key of a frame as the datapath reads it.
func extracted(e *Engine, need fields, frame []byte, iif int32) (key, uint16) {
	var v packet.Vector
	v.Add(frame, iif)
	packet.Parse(frame, &v.H[0])
	e.prog = &program{need: need}
	p := e.start(&v, 0, iif)
	p.begin()
	return p.key, p.proto
}

const needAll = needMAC | needVLAN | needIP | needIPX | needL4 | needARP | needMPLS | needCT | needSPI | needDev | needTunnel

// TestKeyIsTheDissectors: what is read of a packet is what the flow dissector reads
// of it (flow_dissector.c __skb_flow_dissect with cls_flower.c's keys), for frames
// of all kinds cut off at every byte.
func TestKeyIsTheDissectors(t *testing.T) {
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	frames := keyFrames()
	bad := 0
	for _, f := range frames {
		want, proto := dissect(f, 6)
		got, gotProto := extracted(e, needAll, f, 6)
		if w := pack(&want, proto); (got != w || gotProto != proto) && bad < 8 {
			bad++
			for i := range w {
				if w[i] != got[i] {
					t.Errorf("%x:\nword %d is %016x, want %016x", f, i, got[i], w[i])
				}
			}
		}
	}
	if len(frames) < 5000 {
		t.Errorf("%d frames", len(frames))
	}
}

// TestNeeds: a filter that asks for any one field gets it though no other filter asks
// for more: what is not extracted is not masked in.
func TestNeeds(t *testing.T) {
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	frames := keyFrames()
	rng := rand.New(rand.NewPCG(1, 2))
	typ := reflect.TypeFor[policy.Key]()
	for i := range typ.NumField() {
		var m policy.Key
		f := reflect.ValueOf(&m).Elem().Field(i)
		n := 1
		if f.Kind() == reflect.Array {
			n = f.Len()
		}
		for j := range n {
			m = policy.Key{}
			if f.Kind() == reflect.Array {
				f.Index(j).SetUint(1<<f.Type().Elem().Bits() - 1)
			} else {
				f.SetUint(1<<f.Type().Bits() - 1)
			}
			name := fmt.Sprintf("%s[%d]", typ.Field(i).Name, j)
			if typ.Field(i).Name == "MPLS" {
				m.LSEs = 1 << j // who asks for an entry asks that it is there
			}
			mask, need := pack(&m, 0), needed(&m, false)
			for range 60 {
				frame := frames[rng.IntN(len(frames))]
				all, _ := extracted(e, needAll, frame, 3)
				got, _ := extracted(e, need, frame, 3)
				for w := range mask {
					if got[w]&mask[w] != all[w]&mask[w] {
						t.Fatalf("%s of %x: word %d is %x, want %x", name, frame, w, got[w]&mask[w], all[w]&mask[w])
					}
				}
			}
			if bits := mask.or(&key{}); bits == (key{}) {
				t.Errorf("%s has no place in a key", name)
			}
		}
	}
	if n := needed(&policy.Key{}, true); n != needL4 {
		t.Errorf("a range of ports needs %b", n)
	}
}

// TestKeyHasRoomForEachField: fields lie side by side in a key and none in
// another's place, but for TCP's flags and ICMP's type and code.
func TestKeyHasRoomForEachField(t *testing.T) {
	typ := reflect.TypeFor[policy.Key]()
	var taken key
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		var m policy.Key
		fill(reflect.ValueOf(&m).Elem().Field(i))
		w := pack(&m, 0)
		if w.touches(&taken) && name != "ICMPType" && name != "ICMPCode" {
			t.Errorf("%s lies in another field's place", name)
		}
		n := 0
		for i := range w {
			for x := w[i]; x != 0; x &= x - 1 {
				n++
			}
		}
		if want := int(typ.Field(i).Type.Size()) * 8; n != want {
			t.Errorf("%s has %d bits of %d", name, n, want)
		}
		taken = taken.or(&w)
	}
	w := pack(&policy.Key{}, 0xffff)
	if w.touches(&taken) || w == (key{}) {
		t.Error("the protocol lies in another field's place")
	}
}

func fill(v reflect.Value) {
	if v.Kind() != reflect.Array {
		v.SetUint(1<<v.Type().Bits() - 1)
		return
	}
	for i := range v.Len() {
		fill(v.Index(i))
	}
}

// TestKeyOfATunnel: enc_* fields are the metadata's, and none is left over from
// before.
func TestKeyOfATunnel(t *testing.T) {
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
	want := policy.Key{EncKeyID: 0x01020304, EncSrcPort: 0x1122, EncDstPort: 0x3344, EncTOS: 0x55, EncTTL: 0x66, EncCtl: 6}
	tun := packet.Tunnel{ID: 0x01020304, SPort: 0x1122, DPort: 0x3344, TOS: 0x55, TTL: 0x66, Family: packet.IPv6,
		Flags: packet.TunnelChecksum | packet.TunnelDF | packet.TunnelOAM | packet.TunnelCritical | packet.TunnelKey}
	for i := range 16 {
		tun.Src[i], tun.Dst[i] = byte(0x10+i), byte(0xa0+i)
	}
	want.EncSrcIP, want.EncDstIP = tun.Src, tun.Dst
	want.EncFlags = uint8(packet.TunnelChecksum | packet.TunnelDF | packet.TunnelOAM | packet.TunnelCritical)
	k := pack(&want, 0)
	var v packet.Vector
	v.Add([]byte(packettest.Ether+"\x12\x34"), 0)
	packet.Parse(v.Frame[0], &v.H[0])
	v.M[0].Tunnel = &tun
	e.prog = &program{need: needTunnel}
	p := e.start(&v, 0, 0)
	p.begin()
	enc := tunnelKeys.or(&variesOutside)
	check := func(want *key) {
		t.Helper()
		for i := range enc {
			if p.key[i]&enc[i] != want[i]&enc[i] {
				t.Errorf("word %d is %x, want %x", i, p.key[i]&enc[i], want[i]&enc[i])
			}
		}
	}
	check(&k)
	tun.Family = packet.IPv4
	p.refresh()
	k[wCFM] = 4
	check(&k)
	p.tun = nil
	p.extractTunnel()
	check(&key{})
	if encFamily(packet.FamilyNone) != 0 {
		t.Error("no family has a number")
	}
}
