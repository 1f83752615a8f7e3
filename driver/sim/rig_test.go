package sim

import (
	"fmt"
	"regexp"
	"testing"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/datapath/datapathtest"
	"sluice/offload"
	"sluice/packet"
)

// card makes a card from its description.
func card(t testing.TB, desc string) *NIC {
	t.Helper()
	return cardWith(t, desc, conntrack.New(conntrack.Config{Seed: [2]uint64{3, 4}, MaxConns: 16}))
}

func cardWith(t testing.TB, desc string, tr *conntrack.Tracker) *NIC {
	t.Helper()
	cfg, err := ParseProfile(desc)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tracker = tr
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rig is an engine with a card on both ports.
func rig(t testing.TB, desc string, lines ...string) (*datapathtest.Rig, *NIC) {
	t.Helper()
	r := datapathtest.NewWith(t, datapath.Config{Trace: true}, lines...)
	n := cardWith(t, desc, r.E.Tracker())
	r.E.Attach(n, "uplink_rep", "vf0_rep")
	if err := r.E.Load(r.P, r.Now); err != nil {
		t.Fatal(err)
	}
	return r, n
}

// flowOf is the i-th connection.
func flowOf(i uint32) offload.Flow {
	f := offload.Flow{Entry: offload.Entry{Conn: packet.ConnRef(uint64(i)<<32 | uint64(i) + 1), Both: true, Idle: 30e9}}
	f.Tuple[0] = packet.Tuple{Src: packet.Addr{10, byte(i >> 16), byte(i >> 8), byte(i)}, Dst: packet.Addr{192, 168, 0, 1}, SPort: uint16(1000 + i>>24), DPort: 80, Proto: packet.ProtoTCP, Family: packet.IPv4}
	f.Tuple[1] = packet.Tuple{Src: f.Tuple[0].Dst, Dst: f.Tuple[0].Src, SPort: 80, DPort: f.Tuple[0].SPort, Proto: packet.ProtoTCP, Family: packet.IPv4}
	return f
}

func add(f offload.Flow) offload.Request { return offload.Request{Op: offload.Add, Flow: f} }

func remove(f offload.Flow) offload.Request {
	return offload.Request{Op: offload.Remove, Flow: offload.Named(f.Conn)}
}

func read(f offload.Flow) offload.Request {
	return offload.Request{Op: offload.Read, Flow: offload.Named(f.Conn)}
}

// headers are those of a flow's packet.
func (n *NIC) headers(f *offload.Flow, dir int) packet.Headers {
	return packet.Headers{Tuple: f.Tuple[dir], Hash: n.cfg.Tracker.Hash(&f.Tuple[dir]), Proto: f.Tuple[dir].Proto, TCPFlags: 16}
}

// carries sends a packet of a flow through the card's ct, once all answers that
// are there have been taken.
func (n *NIC) carries(now int64, f *offload.Flow, dir int) bool {
	taken[n] = poll(n, now)
	h := n.headers(f, dir)
	got, _, d := n.Find(now, f.Zone, nil, &h)
	if got == nil {
		return false
	}
	n.Carried(now, got, d, 100)
	return got.Conn == f.Conn && d == dir
}

// taken are answers that carries has come by.
var taken = map[*NIC][]offload.Completion{}

// poll takes all answers that nobody has seen.
func poll(n *NIC, now int64) []offload.Completion {
	all := taken[n]
	delete(taken, n)
	var out [64]offload.Completion
	for {
		k := n.Poll(now, out[:])
		if all = append(all, out[:k]...); k == 0 {
			return all
		}
	}
}

func sprint(v any) string { return fmt.Sprintf("%+v", v) }

// stripped is a printed struct without its fields' names.
func stripped(s string) string { return fieldName.ReplaceAllString(s, "") }

var fieldName = regexp.MustCompile(`\w+:`)
