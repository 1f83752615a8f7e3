package datapath

import (
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/policy"
)

func BenchmarkMicro(b *testing.B) {
	m := &policy.Match{}
	m.Key.EthType, m.Mask.EthType = 0x800, 0xffff
	m.Key.IPProto, m.Mask.IPProto = 6, 0xff
	m.Key.DstPort, m.Mask.DstPort = 80, 0xffff
	m.Mask.CTState = policy.CTTracked
	ch := &policy.Chain{Protos: []*policy.Proto{{Prio: 1, Kind: "flower", Protocol: 0x800, Filters: []*policy.Filter{{Handle: 1, Match: m}}}}}
	p := &policy.Policy{Devices: []*policy.Device{{Name: "d", Block: [2]*policy.Block{{Chains: []*policy.Chain{ch}}}}}}
	e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 16})})
	if err := e.Load(p, 1); err != nil {
		b.Fatal(err)
	}
	frame := []byte("\x02\x00\x00\x00\x00\x0b\x02\x00\x00\x00\x00\x0a\x08\x00\x45\x00\x00\x28\x00\x01\x00\x00\x40\x06\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x9c\x40\x00\x50\x00\x00\x03\xe8\x00\x00\x00\x00\x50\x02\xff\xff\x00\x00\x00\x00")
	var v packet.Vector
	v.Now = 1
	for range 256 {
		v.Add(frame, 0)
	}
	e.v = &v
	for i := range 256 {
		packet.Parse(v.Frame[i], &v.H[i])
	}
	pk := &e.stack[0]
	pk.e, pk.h, pk.frame = e, &v.H[0], frame
	b.Run("extract", func(b *testing.B) {
		for range b.N {
			pk.extract(e.prog.need)
		}
	})
	b.Run("begin", func(b *testing.B) {
		for range b.N {
			pk.begin()
		}
	})
	b.Run("next", func(b *testing.B) {
		c := &e.prog.blocks[0].chains[0]
		for range b.N {
			c.next(&pk.key, e.prog.filters, -1)
		}
	})
	b.Run("judge", func(b *testing.B) {
		for n := range b.N {
			v.Tx = v.Tx[:0]
			e.judge(&v, n&255)
		}
	})
	b.Run("zero", func(b *testing.B) {
		for range b.N {
			pk.key = key{}
		}
	})
}
