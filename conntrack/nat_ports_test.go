package conntrack

import (
	"fmt"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestPortMapsAreFound fills the table with as many maps as there may be: each
// is found by tuples of its key, and by no other.
func TestPortMapsAreFound(t *testing.T) {
	tr := New(Config{})
	tuple := func(i int) packet.Tuple {
		return packet.Tuple{Src: packet.Addr{10, 9, 0, 1}, Dst: packet.Addr{192, 0, 2, byte(i >> 4)}, SPort: uint16(80 + i&15), Proto: 6, Family: packet.IPv4}
	}
	for i := range maxMaps {
		k, _ := keyOf(&[]packet.Tuple{tuple(i)}[0], 3)
		if tr.ports.add(hashPortKey(&tr.key, &k), &k) == nil {
			t.Fatalf("map %d was refused", i)
		}
	}
	k, _ := keyOf(&packet.Tuple{}, 0)
	if tr.ports.add(hashPortKey(&tr.key, &k), &k) != nil {
		t.Error("one map too many")
	}
	for i := range maxMaps {
		tu := tuple(i)
		tu.DPort = uint16(i)
		if m, bit := tr.portMap(&tu, 3); m != tr.ports.maps[i] || int(bit) != i {
			t.Fatalf("map %d is not found", i)
		}
		for _, miss := range []func(){func() { tu.Src[3]++ }, func() { tu.Family = packet.IPv6 }, func() { tu.SPort += 1000 }} {
			if miss(); func() bool { m, _ := tr.portMap(&tu, 3); return m != nil }() {
				t.Fatalf("%v has a map", tu)
			}
		}
		tu = tuple(i)
		if m, _ := tr.portMap(&tu, 4); m != nil {
			t.Fatal("another zone's map")
		}
	}
}

// TestOwnPortBesideAMap: once the ports towards a server have a map, a client
// keeps its own port if it is free, and if it is only an expired connection's.
func TestOwnPortBesideAMap(t *testing.T) {
	b := newBed(t)
	r := addrRange(SrcNAT, "192.0.2.1", "192.0.2.1")
	open := func(n int, port uint16) uint16 {
		var h packet.Headers
		packet.Parse(b.translate(packettest.UDP(fmt.Sprintf("10.0.%d.%d", n>>8, n&255), sAddr, port, 53, "q"), 0, r), &h)
		return h.Tuple.SPort
	}
	for n := range 1000 { // all but the first have to look for another port
		open(n, 1024)
	}
	for n := 0; len(b.ports.maps) == 0; n++ { // until a row of ports in use is met
		r.HasPort, r.MinPort, r.MaxPort = true, 2000, 2000+denseTries
		open(2000+n, 2000)
	}
	r.HasPort = false
	found := b.Stats().Found
	if p := open(3000, 1024); p == 1024 || b.Stats().Found == found {
		t.Errorf("port %d, which is taken; %+v", p, b.Stats())
	}
	if p := open(3001, 999); p != 999 {
		t.Errorf("port %d, although its own is free", p)
	}
	b.now += 31 * second
	if p := open(3002, 1024); p != 1024 {
		t.Errorf("port %d, although only an expired connection has its own", p)
	}
	if errs := b.Check(); len(errs) != 0 {
		t.Error(errs)
	}
}
