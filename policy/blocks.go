package policy

import (
	"cmp"
	"slices"
)

// Parents as tc writes them: the major number is the qdisc's, ffff: for both
// ingress and clsact.
const (
	ParentIngress uint32 = 0xfffffff2
	ParentEgress  uint32 = 0xfffffff3
	ParentQdisc   uint32 = 0xffff0000 // `parent ffff:`
	ParentRoot    uint32 = 0xffffffff
)

// Where names a block: by a device and a parent, or by a shared block's index.
type Where struct {
	Dev    string
	Parent uint32
	Block  uint32 // not 0: the shared block
}

// MaxChain is the highest chain index (TC_ACT_EXT_VAL_MASK).
const MaxChain = 1<<28 - 1

// Device gives a device by name, or nil.
func (p *Policy) Device(name string) *Device {
	for _, d := range p.Devices {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Declare gives a device by name and makes it if it is not there.
func (p *Policy) Declare(name string) *Device {
	d := p.Device(name)
	if d == nil {
		d = &Device{Name: name}
		p.Devices = append(p.Devices, d)
		p.Generation++
	}
	return d
}

// AddQdisc hangs an "ingress" or "clsact" qdisc on a device. Block numbers
// other than 0 bind shared blocks; an ingress qdisc has no egress block.
func (p *Policy) AddQdisc(dev, kind string, ingress, egress uint32) error {
	d := p.Device(dev)
	if d == nil {
		return refuse(ENODEV, "")
	}
	if d.Qdisc != "" {
		return refuse(EEXIST, "Exclusivity flag on, cannot modify")
	}
	if kind == "ingress" && egress != 0 {
		return refuse(EINVAL, "Egress block sharing is not supported")
	}
	if ingress != 0 && ingress == egress {
		return refuse(EBUSY, "block dev insert failed")
	}
	d.Qdisc, d.Implied, d.hadQdisc = kind, false, true
	d.Block[Ingress] = p.takeBlock(ingress)
	if kind == "clsact" {
		d.Block[Egress] = p.takeBlock(egress)
	}
	p.Generation++
	return nil
}

// DelQdisc removes a device's qdisc with all that is in its private blocks.
// Shared blocks go with the last device that binds them.
func (p *Policy) DelQdisc(dev, kind string) error {
	d := p.Device(dev)
	if d == nil {
		return refuse(ENODEV, "")
	}
	if d.Qdisc == "" {
		if d.hadQdisc {
			return refuse(EINVAL, "Invalid handle")
		}
		return refuse(EINVAL, "Cannot find specified qdisc on specified device")
	}
	if kind != "" && kind != d.Qdisc {
		return refuse(EINVAL, "Invalid qdisc name")
	}
	for i, b := range d.Block {
		if b != nil {
			p.dropBlock(b)
		}
		d.Block[i] = nil
	}
	d.Qdisc, d.Implied = "", false
	p.Generation++
	return nil
}

// Imply gives a device the qdisc that a filter needs, if none was written:
// ingress, or clsact when egress is asked for. A qdisc that somebody wrote is
// left as it is.
func (p *Policy) Imply(dev string, egress bool) {
	d := p.Declare(dev)
	switch {
	case d.Qdisc == "":
		d.Qdisc, d.Implied, d.hadQdisc = "ingress", true, true
		d.Block[Ingress] = p.takeBlock(0)
		p.Generation++
		fallthrough
	default:
		if egress && d.Implied && d.Qdisc == "ingress" {
			d.Qdisc = "clsact"
			d.Block[Egress] = p.takeBlock(0)
			p.Generation++
		}
	}
}

func (p *Policy) takeBlock(index uint32) *Block {
	if index == 0 {
		return &Block{}
	}
	b := p.Blocks[index]
	if b == nil {
		b = &Block{Index: index}
		if p.Blocks == nil {
			p.Blocks = map[uint32]*Block{}
		}
		p.Blocks[index] = b
	}
	b.ports++
	return b
}

func (p *Policy) dropBlock(b *Block) {
	if b.Index != 0 {
		if b.ports--; b.ports > 0 {
			return
		}
		delete(p.Blocks, b.Index)
	}
	for _, c := range slices.Clone(b.Chains) {
		c.Explicit = false
		p.flush(b, c)
	}
}

// Find gives the block that a place names. With shared false, a shared block
// that is named by a device is refused, as for changes.
func (p *Policy) Find(w Where, shared bool) (*Block, error) {
	if w.Block != 0 {
		if b := p.Blocks[w.Block]; b != nil {
			return b, nil
		}
		return nil, refuse(EINVAL, "Block of given index was not found")
	}
	d := p.Device(w.Dev)
	if d == nil {
		return nil, refuse(ENODEV, "")
	}
	if w.Parent == 0 {
		return nil, refuse(EINVAL, "Qdisc not classful")
	}
	if w.Parent>>16 != 0xffff || d.Qdisc == "" {
		return nil, refuse(EINVAL, "Parent Qdisc doesn't exists")
	}
	var b *Block
	switch {
	case d.Qdisc == "ingress":
		b = d.Block[Ingress] // whatever the minor number
	case w.Parent == ParentIngress:
		b = d.Block[Ingress]
	case w.Parent == ParentEgress:
		b = d.Block[Egress]
	case w.Parent == ParentQdisc:
		return nil, refuse(EINVAL, "")
	default:
		return nil, refuse(ENOENT, "Specified class doesn't exist")
	}
	if b.Index != 0 && !shared {
		return nil, refuse(EOPNOTSUPP, "This filter block is shared. Please use the block index to manipulate the filters")
	}
	return b, nil
}

// Chain gives a chain by index, or nil.
func (b *Block) Chain(index uint32) *Chain {
	i, ok := slices.BinarySearchFunc(b.Chains, index, func(c *Chain, x uint32) int { return cmp.Compare(c.Index, x) })
	if !ok {
		return nil
	}
	return b.Chains[i]
}

// ByCreation lists the chains in the order in which the kernel dumps them.
func (b *Block) ByCreation() []*Chain {
	out := slices.Clone(b.Chains)
	slices.SortStableFunc(out, func(x, y *Chain) int { return cmp.Compare(x.seq, y.seq) })
	return out
}

// HeldByGotoOnly reports whether the chain is there only because an action
// goes to it; such a chain does not show.
func (c *Chain) HeldByGotoOnly() bool { return !c.Explicit && len(c.Protos) == 0 }

func (p *Policy) chainGet(b *Block, index uint32) *Chain {
	if c := b.Chain(index); c != nil {
		return c
	}
	p.chainSeq++
	c := &Chain{Index: index, seq: p.chainSeq}
	i, _ := slices.BinarySearchFunc(b.Chains, index, func(c *Chain, x uint32) int { return cmp.Compare(c.Index, x) })
	b.Chains = slices.Insert(b.Chains, i, c)
	return c
}

// drop removes a chain that nothing holds any more.
func (b *Block) drop(c *Chain) {
	if c.Explicit || len(c.Protos) > 0 || c.gotos > 0 {
		return
	}
	if i := slices.Index(b.Chains, c); i >= 0 {
		b.Chains = slices.Delete(b.Chains, i, i+1)
	}
}

// flush removes all filters of a chain.
func (p *Policy) flush(b *Block, c *Chain) {
	protos := c.Protos
	c.Protos = nil
	for _, pr := range protos {
		for _, f := range pr.Filters {
			p.unbind(b, f.Actions)
		}
		p.uncounted(len(pr.Filters))
	}
	b.drop(c)
}

// AddChain makes a chain that lives without filters. A template restricts its
// filters to those whose mask lies within the template's.
func (p *Policy) AddChain(w Where, index uint32, template *Match, protocol uint16) error {
	b, err := p.Find(w, false)
	if err != nil {
		return err
	}
	if index > MaxChain {
		return refuse(EINVAL, "Specified chain index exceeds upper limit")
	}
	if c := b.Chain(index); c != nil && !c.HeldByGotoOnly() {
		return refuse(EEXIST, "Filter chain already exists")
	}
	if template != nil {
		if err := Validate(template); err != nil {
			return err
		}
	}
	c := p.chainGet(b, index)
	c.Explicit = true
	c.Template, c.TemplateProtocol = template, protocol
	p.Generation++
	return nil
}

// DelChain flushes a chain and takes away that it was made explicitly. The
// chain goes unless an action leads to it.
func (p *Policy) DelChain(w Where, index uint32) error {
	b, c, err := p.findChain(w, index)
	if err != nil {
		return err
	}
	c.Explicit = false
	c.Template, c.TemplateProtocol = nil, 0
	p.flush(b, c)
	p.Generation++
	return nil
}

// GetChain gives a chain.
func (p *Policy) GetChain(w Where, index uint32) (*Chain, error) {
	_, c, err := p.findChain(w, index)
	return c, err
}

func (p *Policy) findChain(w Where, index uint32) (*Block, *Chain, error) {
	b, err := p.Find(w, false)
	if err != nil {
		return nil, nil, err
	}
	if index > MaxChain {
		return nil, nil, refuse(EINVAL, "Specified chain index exceeds upper limit")
	}
	c := b.Chain(index)
	if c == nil || c.HeldByGotoOnly() {
		return nil, nil, refuse(EINVAL, "Cannot find specified filter chain")
	}
	return b, c, nil
}
