package datapath

import (
	"slices"

	"sluice/packet"
)

// came remembers by slot where a connection's packets come in, by direction,
// plus one (the kernel's nf_conn_act_ct_ext); with the slot's generation.
type came struct {
	gen uint32
	dev [2]uint16
}

// camePage is how many slots get their memory together: growing moves nothing.
const camePage = 1 << 13

// cameFrom notes where a packet of a connection came in.
func (e *Engine) cameFrom(ref packet.ConnRef, dir int, dev int32) {
	slot := uint32(ref)
	if slot/camePage >= uint32(len(e.came)) || e.came[slot/camePage] == nil {
		e.growCame(slot / camePage)
	}
	c := &e.came[slot/camePage][slot%camePage]
	if gen := uint32(ref >> 32); c.gen != gen {
		*c = came{gen: gen}
	}
	if uint32(dev) < 65535 {
		c.dev[dir&1] = uint16(dev) + 1
	}
}

func (e *Engine) growCame(page uint32) {
	for int(page) >= len(e.came) {
		e.came = append(e.came, nil)
	}
	e.came[page] = new([camePage]came)
}

// cameIn is where packets of a direction have come in last; -1: not known.
func (e *Engine) cameIn(ref packet.ConnRef, dir int) int32 {
	slot := uint32(ref)
	if slot/camePage >= uint32(len(e.came)) || e.came[slot/camePage] == nil {
		return -1
	}
	if c := &e.came[slot/camePage][slot%camePage]; c.gen == uint32(ref>>32) {
		return int32(c.dev[dir&1]) - 1
	}
	return -1
}

// Origins are connections, by slot, whose packets have come in by the same
// devices: In by direction, "" where none has come, or the device is gone.
type Origins struct {
	In    [2]string `json:"in"`
	Slots []uint32  `json:"slots"`
}

// SaveOrigins tells where all connections' packets have come in last, in a fixed
// order.
func (e *Engine) SaveOrigins() []Origins {
	slots := map[[2]string][]uint32{}
	for ref := range e.tr.Known() {
		in := [2]string{e.DeviceName(e.cameIn(ref, 0)), e.DeviceName(e.cameIn(ref, 1))}
		if in != ([2]string{}) {
			slots[in] = append(slots[in], uint32(ref))
		}
	}
	var all []Origins
	for in, s := range slots {
		slices.Sort(s)
		all = append(all, Origins{in, s})
	}
	slices.SortFunc(all, func(a, b Origins) int { return slices.Compare(a.In[:], b.In[:]) })
	return all
}

// RestoreOrigins goes on with what another engine has known, after Load. Devices
// and connections that there are no longer are left out.
func (e *Engine) RestoreOrigins(all []Origins) {
	refs := map[uint32]packet.ConnRef{}
	for ref := range e.tr.Known() {
		refs[uint32(ref)] = ref
	}
	for _, o := range all {
		for dir, name := range o.In {
			dev, ok := e.Device(name)
			for _, slot := range o.Slots {
				if ref, there := refs[slot]; ok && there {
					e.cameFrom(ref, dir, dev)
				}
			}
		}
	}
}
