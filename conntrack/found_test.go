package conntrack

import (
	"testing"

	"pgregory.net/rapid"

	"sluice/packet"
)

// TestFoundIsWhatFindFinds: what a group's lookup has met is, as long as its
// owner may use it, what Find would find, whatever happens between.
func TestFoundIsWhatFindFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := New(Config{MaxConns: 64})
		tu := packet.Tuple{Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 2}, SPort: 1000, DPort: 80, Proto: packet.ProtoTCP, Family: packet.IPv4}
		begin := func(deadline int64) packet.CT {
			slot, c := tr.slab.get()
			c.Orig, c.Timeout = tu, deadline
			return packet.CT{Conn: tr.slab.ref(slot, c), Info: packet.CTNew}
		}
		ct := begin(10)
		tr.Confirm(0, &ct) // lives until 10
		var s Seek
		g := [SeekSize]packet.Gist{{Tuple: tu}}
		tr.Aim(&s, &g, 0, 1, 1)
		tr.Fetch(&s, 0, 1, 1)
		switch rapid.SampledFrom([]string{"nothing", "ends", "ends, and another begins in its slot", "ends, and another takes its place"}).Draw(rt, "happens") {
		case "ends":
			tr.Kill(ct.Conn)
		case "ends, and another begins in its slot":
			tr.Kill(ct.Conn)
			begin(10)
		case "ends, and another takes its place":
			tr.Kill(ct.Conn)
			ct = begin(20)
			tr.Confirm(0, &ct)
		}
		met, reply := tr.Meet(&s, &g, 0, 1)
		tr.FetchRest(&s, met)
		var f Found
		if met != 0 {
			f = tr.MetFound(&s, 0, int(reply))
		}
		if rapid.Bool().Draw(rt, "ends meanwhile") && f.Known {
			tr.Kill(f.Ref)
		}
		now := rapid.SampledFrom([]int64{1, 15, 25}).Draw(rt, "now")
		ref, c, dir := tr.find(&tu, tr.Hash(&tu), 0)
		if c != nil && c.Timeout <= now {
			ref, c, dir = 0, nil, 0
		}
		if lives := f.Known && tr.Lives(&f, now); lives != (c != nil) && f.Known || lives && (f.Ref != ref || f.Conn != c || f.Dir != dir) {
			rt.Fatalf("found %+v, lives %v; Find: %#x %p %d", f, lives, ref, c, dir)
		}
		if errs := tr.Check(); errs != nil {
			rt.Fatal(errs)
		}
	})
}

// TestFreshHasNoRival: a connection that nobody could have come before is
// committed without a search, and one that somebody has come before is
// refused.
func TestFreshHasNoRival(t *testing.T) {
	b := newBed(t)
	var first, second packet.CT
	for _, ct := range []*packet.CT{&first, &second} {
		var h packet.Headers
		frame := c("S", 1, 0)
		packet.Parse(frame, &h)
		h.Hash = b.Hash(&h.Tuple)
		if r := b.In(1, frame, &h, 0, ct); r != Accept || ct.Info != packet.CTNew {
			t.Fatal(r, ct)
		}
	}
	if r := b.Confirm(1, &first); r != Accept {
		t.Error("the first:", r)
	}
	if r := b.Confirm(1, &second); r != DropClash {
		t.Error("the second:", r)
	}
	b.Discard(&second)
	if errs := b.Check(); errs != nil {
		t.Error(errs)
	}
}
