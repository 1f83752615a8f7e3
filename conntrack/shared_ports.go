package conntrack

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"sluice/packet"
)

// sharedPorts are maps of ports, as one tracker has them, over the claims of
// all. A map's bit is changed under the lock of the claim's shard, so that it
// says what the claim says.
type sharedPorts struct {
	n  atomic.Int32 // maps; most of the time there are none
	mu sync.RWMutex // guards maps, not what is in them
	portMaps
}

// of returns the map of a tuple, if there is one, and the tuple's bit.
func (p *sharedPorts) of(key *[2]uint64, tu *packet.Tuple, zone uint16) (*portMap, uint16) {
	if p.n.Load() == 0 {
		return nil, 0
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	k, bit := keyOf(tu, zone)
	return p.find(hashPortKey(key, &k), &k), bit
}

// mark says that a tuple is claimed, or is not any more.
func (cl *claims) mark(tu *packet.Tuple, zone uint16, on bool, until int64) {
	m, bit := cl.ports.of(&cl.key, tu, zone)
	switch {
	case m == nil:
	case on:
		atomic.OrUint64(&m.bits[bit/64], 1<<(bit%64))
		m.expires(until)
	default:
		atomic.AndUint64(&m.bits[bit/64], ^uint64(1<<(bit%64)))
	}
}

// expires notes that a connection on the map may expire at a time.
func (m *portMap) expires(at int64) {
	for was := atomic.LoadInt64(&m.mayExpire); at < was; was = atomic.LoadInt64(&m.mayExpire) {
		if atomic.CompareAndSwapInt64(&m.mayExpire, was, at) {
			return
		}
	}
}

// addShared adds an empty map, or returns the one that somebody else has added.
func (s *Shared) addShared(k *portKey) *portMap {
	p := &s.claims.ports
	p.mu.Lock()
	defer p.mu.Unlock()
	h := hashPortKey(&s.claims.key, k)
	if m := p.find(h, k); m != nil {
		return m
	}
	m := p.add(h, k)
	if m != nil {
		m.mayExpire = math.MaxInt64
		p.n.Add(1)
	}
	return m
}

// fillShared marks what is claimed on a new map.
func (t *Tracker) fillShared(to packet.Tuple, zone uint16) {
	for port := range 65536 {
		setNATPort(&to, SrcNAT, uint16(port))
		reply := invert(&to)
		t.shared.claims.remark(&reply, zone)
	}
}

// scanShared asks about every port that is taken. Connections that have expired
// are removed by that.
func (t *Tracker) scanShared(now int64, m *portMap, to packet.Tuple, zone uint16) {
	cl := &t.shared.claims
	for _, ask := range []bool{true, false} {
		if !ask {
			atomic.StoreInt64(&m.mayExpire, math.MaxInt64)
		}
		for port := range 65536 {
			if atomic.LoadUint64(&m.bits[port/64])>>(port%64)&1 == 0 {
				continue
			}
			setNATPort(&to, SrcNAT, uint16(port))
			reply := invert(&to)
			if !ask {
				cl.remark(&reply, zone)
			} else if ref, _ := t.Lookup(&reply, t.Hash(&reply), zone, now); ref == 0 {
				t.takenElsewhere(now, &reply, zone)
			} else {
				k := cl.keyOf(&reply, zone)
				cl.expires(&k, t.mayExpire(t.Conn(ref)), true)
			}
		}
	}
}

// remark brings a tuple's bit up to date.
func (cl *claims) remark(tu *packet.Tuple, zone uint16) {
	k := cl.keyOf(tu, zone)
	s := cl.of(&k)
	s.mu.Lock()
	defer s.mu.Unlock()
	on, until := false, int64(0)
	if tab := s.tab.Load(); tab != nil {
		if e := find(*tab, &k); e != nil {
			on, until = uint8(e.b.Load()>>(8*k.side)) != 0, e.until.Load()
		}
	}
	cl.mark(tu, zone, on, until)
}

// checkPorts compares the maps with the claims.
func (s *Shared) checkPorts() (errs []error) {
	cl := &s.claims
	want := make([][1024]uint64, len(cl.ports.maps))
	for i := range s.parts {
		t := s.parts[i].tracker
		for ref, c := range t.Known() {
			r := t.reply(slotOf(ref), c)
			for _, tu := range [2]*packet.Tuple{&c.Orig, &r} {
				if m, bit := cl.ports.of(&cl.key, tu, c.Zone); m != nil {
					for j, x := range cl.ports.maps {
						if x == m {
							want[j][bit/64] |= 1 << (bit % 64)
						}
					}
				}
			}
		}
	}
	for j, m := range cl.ports.maps {
		if m.bits != want[j] {
			errs = append(errs, fmt.Errorf("map %d of ports is not what all trackers' connections occupy", j))
		}
	}
	return errs
}
