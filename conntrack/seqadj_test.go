package conntrack

import (
	"bytes"
	"testing"

	"sluice/packet"
	"sluice/packet/packettest"
)

// TestGrown: what a segment grew by counts once, however often it or an
// earlier one is sent again.
func TestGrown(t *testing.T) {
	p := parley{c: &Conn{}, x: &extra{}, dir: 1}
	for _, c := range []struct {
		seq  uint32
		n    int
		want seqAdjust
	}{
		{0xfffffff0, 3, seqAdjust{0xfffffff0, 0, 3}},
		{0xfffffff0, 3, seqAdjust{0xfffffff0, 0, 3}}, // again
		{0xffffff00, 5, seqAdjust{0xfffffff0, 0, 3}}, // an earlier one
		{0x10, 0, seqAdjust{0xfffffff0, 0, 3}},       // as long as it was
		{0x10, 4, seqAdjust{0x10, 3, 7}},             // past the end of the space
		{0x100, -7, seqAdjust{0x100, 7, 0}},          // shorter
		{0x80, 2, seqAdjust{0x100, 7, 0}},            // earlier
		{0x200, 1, seqAdjust{0x200, 0, 1}},
	} {
		if p.grown(c.seq, c.n); p.x.seq[1] != c.want || p.x.seq[0] != (seqAdjust{}) {
			t.Fatalf("after %#x+%d: %+v, want %+v", c.seq, c.n, p.x.seq, c.want)
		}
	}
	if p.c.Status&StatusSeqAdjust == 0 {
		t.Error("no SEQ_ADJUST")
	}
}

// TestAdjustOptions: selective acknowledgements are brought into step wherever
// they begin, and options that are cut off or lie about their length are left.
func TestAdjustOptions(t *testing.T) {
	sack := []byte{5, 10, 0, 0, 0x10, 0, 0, 0, 0x20, 0}
	moved := []byte{5, 10, 0, 0, 0x10 - 1, 256 - 3, 0, 0, 0x20 - 1, 256 - 3}
	nop, end := []byte{1}, []byte{0}
	for _, c := range []struct {
		name         string
		option, want []byte
	}{
		{"even", append([]byte{1, 1}, sack...), append([]byte{1, 1}, moved...)},
		{"odd", append(append(nop, sack...), end...), append(append(nop, moved...), end...)},
		{"behind an option", append([]byte{3, 3, 7}, append(sack, 0, 0, 0)...), append([]byte{3, 3, 7}, append(moved, 0, 0, 0)...)},
		{"behind the end", append([]byte{0, 1}, sack...), nil},
		{"no blocks", []byte{5, 2, 1, 1}, nil},
		{"half a block", []byte{5, 6, 0, 0, 0x10, 0, 0, 0}, nil},
		{"longer than the header", []byte{1, 1, 5, 18, 0, 0, 0x10, 0, 0, 0, 0x20, 0}, nil},
		{"no length", []byte{1, 1, 1, 5}, nil},
		{"length zero", []byte{5, 0, 5, 0}, nil},
		{"length one", []byte{5, 1, 5, 1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == nil {
				c.want = c.option
			}
			f := packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "A", 5, 0x2000, string(c.option))
			f[14+20+12] = byte(5+len(c.option)/4) << 4
			packettest.Fix(f)
			var h packet.Headers
			packet.Parse(f, &h)
			p := parley{c: &Conn{}, x: &extra{}, frame: f, h: &h}
			p.x.seq[1] = seqAdjust{pos: 1, before: 3, after: 3}
			p.adjust()
			if got := f[54:]; !bytes.Equal(got, c.want) {
				t.Errorf("options % x, want % x", got, c.want)
			}
			fixed := bytes.Clone(f)
			if packettest.Fix(fixed); !bytes.Equal(f, fixed) {
				t.Error("the checksum is wrong")
			}
			if ack := f[14+20+8 : 14+20+12]; !bytes.Equal(ack, []byte{0, 0, 0x1f, 0xfd}) {
				t.Errorf("acknowledges % x", ack)
			}
		})
	}
}
