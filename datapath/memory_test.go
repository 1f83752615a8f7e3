package datapath

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy"
	"sluice/policy/tc"
)

// TestNoMemoryForAnEdit: an action that would change the packet changes a copy, as
// others may still need the bytes; where the vector has no memory left for one it
// changes nothing, and the packet is dropped for that.
func TestNoMemoryForAnEdit(t *testing.T) {
	tcp := packettest.TCP("10.0.0.1", "10.0.0.2", 1, 2, "PA", 5, 6, "data")
	tagged := slices.Insert(bytes.Clone(tcp), 12, 0x81, 0, 0, 5)
	twice := slices.Insert(bytes.Clone(tagged), 12, 0x88, 0xa8, 0, 6)
	label := slices.Insert(bytes.Clone(tcp), 14, 0, 0, 0x11, 9)
	label[12], label[13] = 0x88, 0x47
	var v packet.Vector
	for _, c := range []struct {
		action string
		frame  []byte
	}{
		{"vlan push id 5", tcp}, {"vlan push id 5", tagged}, {"vlan pop", tagged}, {"vlan pop", twice}, {"vlan modify id 7", tagged}, {"vlan pop_eth", tcp},
		{"mpls push label 16", tcp}, {"mpls mac_push label 16", tcp}, {"mpls pop protocol ip", label}, {"mpls dec_ttl", label}, {"mpls modify ttl 3", label},
		{"pedit ex munge ip ttl set 3", tcp}, {"pedit munge offset -4 u32 set 3", tcp}, {"csum ip", tcp}, {"csum tcp", tcp},
	} {
		p, _, err := tc.Load("t", strings.NewReader("filter add dev a ingress prio 1 proto all matchall action "+c.action+" pipe\n"))
		if err != nil {
			t.Fatal(err)
		}
		e := New(Config{Tracker: conntrack.New(conntrack.Config{MaxConns: 1})})
		if err := e.Load(p, 1); err != nil {
			t.Fatal(err)
		}
		for _, full := range []bool{false, true} {
			v.Reset()
			v.Add(bytes.Clone(c.frame), 0)
			packet.Parse(v.Frame[0], &v.H[0])
			was := v.H[0]
			e.v = &v
			v.Arena.Reset()
			for full && v.Arena.Alloc(1<<18) != nil {
			}
			pk := e.start(&v, 0, 0)
			pk.lent = true
			pk.begin()
			ctl, _ := pk.actions(&e.prog.filters[0], 0)
			if !bytes.Equal(v.Frame[0], c.frame) || v.H[0] != was {
				t.Errorf("%s, full %v: what others need has changed", c.action, full)
			}
			s := e.ActionStats(p.Devices[0].Block[policy.Ingress].Chains[0].Protos[0].Filters[0].Actions[0])
			if full {
				if ctl != policy.Shot || pk.reason != ReasonNoMemory || s.Drops != 1 || !bytes.Equal(pk.frame, c.frame) || pk.h != &v.H[0] {
					t.Errorf("%s: %v for %s, %d drops", c.action, ctl, ReasonName(pk.reason), s.Drops)
				}
			} else if ctl != policy.Pipe || pk.reason != ReasonNone || s.Drops != 0 || &pk.frame[len(pk.frame)-1] == &v.Frame[0][len(c.frame)-1] {
				t.Errorf("%s with memory: %v for %s, or it changed in place", c.action, ctl, ReasonName(pk.reason))
			}
		}
	}
}

// TestWaysAreNumbered: pairs of ways have 16 bits; when none is free all are
// forgotten.
func TestWaysAreNumbered(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 4})
	f := packettest.UDP("10.0.0.1", "10.0.0.2", 1000, 53, "")
	var h packet.Headers
	packet.Parse(f, &h)
	h.Hash = tr.Hash(&h.Tuple)
	var ct packet.CT
	tr.In(1, f, &h, 0, &ct)
	tr.Confirm(1, &ct)
	e := New(Config{Tracker: tr})
	for _, c := range []struct {
		taken int
		want  uint16
	}{{1, 1}, {65535, 65535}, {65536, 0}, {65537, 0}} {
		e.paths.reset()
		e.paths.pairs = append(e.paths.pairs, make([]pathPair, c.taken-1)...)
		tr.ForgetPaths()
		tr.Conn(ct.Conn).Path = 0
		e.remember(ct.Conn, 0)
		if got := tr.Conn(ct.Conn).Path; got != c.want {
			t.Errorf("with %d taken: %d, want %d", c.taken, got, c.want)
		}
		if c.want == 0 && (len(e.paths.pairs) != 1 || len(e.paths.of) != 0 || len(e.paths.same) != 0) {
			t.Errorf("with %d taken: %d pairs are kept", c.taken, len(e.paths.pairs))
		}
		if c.want != 0 && (e.paths.pairs[c.want][0] == nil || e.paths.pairs[c.want][1] != nil) {
			t.Error("the pair is not the way's")
		}
	}
	// The other direction joins the pair while both are of one generation.
	e.paths.reset()
	tr.Conn(ct.Conn).Path = 0
	e.remember(ct.Conn, 0)
	one := e.paths.pairs[tr.Conn(ct.Conn).Path]
	e.paths.note.dev = 7
	e.remember(ct.Conn, 1)
	if both := e.paths.pairs[tr.Conn(ct.Conn).Path]; both[0] != one[0] || both[1] == nil || both[1].dev != 7 {
		t.Errorf("%v, %v", one, both)
	}
	e.generation++
	e.paths.note.generation = e.generation
	e.remember(ct.Conn, 1)
	if next := e.paths.pairs[tr.Conn(ct.Conn).Path]; next[0] != nil || next[1] == nil || next[1].generation != e.generation {
		t.Errorf("%v", next)
	}
	before := len(e.paths.pairs)
	e.remember(ct.Conn, 1)
	if len(e.paths.pairs) != before {
		t.Error("the same pair was numbered twice")
	}
	e.remember(0, 0) // nothing to remember it
}

// TestPipelineRefuses: a device carries nothing under a policy that could not be
// loaded.
func TestPipelineRefuses(t *testing.T) {
	load := func(line string) *policy.Policy {
		p, _, err := tc.Load("t", strings.NewReader(line+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pl := NewPipeline(conntrack.New(conntrack.Config{MaxConns: 1}), nil, false)
	holds := func(*policy.Filter) bool { return true }
	good, bad := load("filter add dev a ingress prio 1 proto all matchall action drop"), load("filter add dev a ingress prio 1 proto all matchall action mirred egress mirror blockid 99")
	for i, c := range []struct {
		p    *policy.Policy
		done bool
	}{{good, true}, {bad, false}, {good, true}} {
		if err := pl.Load(int64(i), c.p, holds); (err == nil) != c.done {
			t.Errorf("%d: %v", i, err)
		}
		var v packet.Vector
		v.Add(packettest.UDP("10.0.0.1", "10.0.0.2", 1, 2, ""), 0)
		if done := pl.process(&v, 0); done != c.done || done && v.Verdict[0] != packet.Drop {
			t.Errorf("%d: finished %v, %v", i, done, v.Verdict[0])
		}
	}
	if s := pl.Stats(); s.Packets != 2 || s.Bytes != 2*42 || s.Start != 1 || s.Middle != 0 || s.Miss[missRule] != 1 {
		t.Errorf("%+v", s)
	}
}
