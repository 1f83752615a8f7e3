package flowtable

import (
	"fmt"
	"testing"

	"sluice/conntrack"
	"sluice/offload"
	"sluice/packet"
)

const (
	seen      = conntrack.StatusSeenReply
	confirmed = conntrack.StatusConfirmed
	sure      = conntrack.StatusSeenReply | conntrack.StatusAssured | conntrack.StatusConfirmed
)

// TestAdmit: act_ct.c tcf_ct_flow_table_process_conn.
func TestAdmit(t *testing.T) {
	const est, reply, fresh, related = packet.CTEstablished, packet.CTEstablishedReply, packet.CTNew, packet.CTRelated
	const tcp, udp, gre = packet.ProtoTCP, packet.ProtoUDP, packet.ProtoGRE
	for _, row := range []struct {
		name         string
		proto        uint8
		status       uint16
		state        uint8
		info         packet.CTInfo
		sport, dport uint16
		ok, both     bool
		outside      offload.Reason
	}{
		{"TCP", tcp, sure, conntrack.TCPEstablished, est, 1, 2, true, true, offload.NotEstablished},
		{"TCP, a reply", tcp, sure, conntrack.TCPEstablished, reply, 1, 2, true, true, offload.NotEstablished},
		{"TCP, new", tcp, sure, conntrack.TCPEstablished, fresh, 1, 2, false, false, offload.NotEstablished},
		{"TCP, related", tcp, sure, conntrack.TCPEstablished, related, 1, 2, false, false, offload.NotEstablished},
		{"TCP, not assured", tcp, seen | confirmed, conntrack.TCPEstablished, est, 1, 2, false, false, offload.NotEstablished},
		{"TCP, closing", tcp, sure, conntrack.TCPFinWait, est, 1, 2, false, false, offload.NotEstablished},
		{"TCP with a helper", tcp, sure | conntrack.StatusHelper, conntrack.TCPEstablished, est, 1, 2, false, false, offload.Helper},
		{"TCP, translated", tcp, sure | conntrack.StatusSrcNAT, conntrack.TCPEstablished, est, 1, 2, true, true, offload.NotEstablished},
		{"TCP whose numbers are shifted", tcp, sure | conntrack.StatusSeqAdjust, conntrack.TCPEstablished, est, 1, 2, false, false, offload.Helper},
		{"UDP", udp, sure, 0, est, 1, 2, true, true, offload.NotEstablished},
		{"UDP, not assured", udp, confirmed, 0, fresh, 1, 2, true, false, offload.NotEstablished},
		{"UDP, not confirmed", udp, sure &^ confirmed, 0, est, 1, 2, false, false, offload.NotEstablished},
		{"UDP with a helper", udp, confirmed | conntrack.StatusHelper, 0, fresh, 1, 2, false, false, offload.Helper},
		{"GRE", gre, sure, 0, est, 0, 0, true, true, offload.NotEstablished},
		{"GRE, a reply", gre, sure, 0, reply, 0, 0, true, true, offload.NotEstablished},
		{"GRE, new", gre, sure, 0, fresh, 0, 0, false, false, offload.NotEstablished},
		{"GRE, not assured", gre, seen | confirmed, 0, est, 0, 0, false, false, offload.NotEstablished},
		{"GRE, source translated", gre, sure | conntrack.StatusSrcNAT, 0, est, 0, 0, false, false, offload.Protocol},
		{"GRE, destination translated", gre, sure | conntrack.StatusDstNAT, 0, est, 0, 0, false, false, offload.Protocol},
		{"GRE with a key", gre, sure, 0, est, 1, 0, false, false, offload.Protocol},
		{"GRE with the other key", gre, sure, 0, est, 0, 1, false, false, offload.Protocol},
		{"ICMP", packet.ProtoICMP, sure, 0, est, 0, 0, false, false, offload.Protocol},
		{"ICMP with a helper", packet.ProtoICMP, sure | conntrack.StatusHelper, 0, est, 0, 0, false, false, offload.Protocol},
	} {
		c := &conntrack.Conn{Status: row.status}
		c.Orig = packet.Tuple{Proto: row.proto, SPort: row.sport, DPort: row.dport}
		c.TCP.State = row.state
		if ok, both := Admit(c, row.info); ok != row.ok || both != row.both {
			t.Errorf("%s: admitted %v, both directions %v", row.name, ok, both)
		}
		if got := Outside(c); got != row.outside {
			t.Errorf("%s: outside because %q, want %q", row.name, got, row.outside)
		}
	}
}

// TestFits: what a device may carry (B005).
func TestFits(t *testing.T) {
	s := New(conntrack.New(conntrack.Config{MaxConns: 1}))
	a, b := packet.Addr{1}, packet.Addr{2}
	for _, row := range []struct {
		name    string
		c       conntrack.Conn
		release Release
		fits    bool
		sort    uint8
	}{
		{"both directions", conntrack.Conn{FlowFlags: flowBidirectional, Status: seen}, 0, true, 3},
		{"both directions, unanswered", conntrack.Conn{FlowFlags: flowBidirectional}, Linux6_1, true, 1},
		{"assured", conntrack.Conn{Status: sure}, Linux6_1, true, 3},
		{"unanswered", conntrack.Conn{Status: confirmed, Orig: packet.Tuple{Src: a, Dst: b, SPort: 1, DPort: 2}}, 0, true, 0},
		{"unanswered, Linux 6.1", conntrack.Conn{Status: confirmed, Orig: packet.Tuple{Src: a, Dst: b, SPort: 1, DPort: 2}}, Linux6_1, false, 0},
		{"answered", conntrack.Conn{Status: seen, Orig: packet.Tuple{Src: a, Dst: b, SPort: 1, DPort: 2}}, 0, false, 2},
		{"to itself", conntrack.Conn{Orig: packet.Tuple{Src: a, Dst: a, SPort: 1, DPort: 1}}, 0, false, 0},
		{"to another port of itself", conntrack.Conn{Orig: packet.Tuple{Src: a, Dst: a, SPort: 1, DPort: 2}}, 0, true, 0},
		{"to the same port of another", conntrack.Conn{Orig: packet.Tuple{Src: a, Dst: b, SPort: 1, DPort: 1}}, 0, true, 0},
		{"assured with itself", conntrack.Conn{Status: sure, Orig: packet.Tuple{Src: a, Dst: a, SPort: 1, DPort: 1}}, 0, true, 3},
	} {
		s.release = row.release
		if got := s.fits(&row.c); got != row.fits {
			t.Errorf("%s: fits %v", row.name, got)
		}
		if got := sort(&row.c); got != row.sort {
			t.Errorf("%s: sort %d, want %d", row.name, got, row.sort)
		}
	}
}

// TestLookup: which packets a table judges, and what it says of them
// (act_ct.c tcf_ct_flow_table_lookup).
func TestLookup(t *testing.T) {
	const whole = packet.HasL4
	for _, row := range []struct {
		name   string
		change func(h *packet.Headers, c *conntrack.Conn, tab *Table)
		now    int64
		hit    bool
		info   packet.CTInfo
		wants  string // what is left of it
	}{
		{"a packet", func(*packet.Headers, *conntrack.Conn, *Table) {}, 1e9, true, packet.CTEstablished, "live true deadline 31000000000 packets 2 closed 0"},
		{"at the last moment", func(*packet.Headers, *conntrack.Conn, *Table) {}, 30e9 - 1, true, packet.CTEstablished, "live true deadline 59999999999 packets 2 closed 0"},
		{"at its deadline", func(*packet.Headers, *conntrack.Conn, *Table) {}, 30e9, false, 0, "live false deadline 30000000000 packets 1 closed 0"},
		{"an unanswered one by force", func(_ *packet.Headers, c *conntrack.Conn, _ *Table) { c.Status &^= seen }, 1e9, true, packet.CTNew, "live true deadline 31000000000 packets 2 closed 0"},
		{"one that is not assured", func(_ *packet.Headers, c *conntrack.Conn, _ *Table) { c.Status &^= conntrack.StatusAssured }, 1e9, false, 0, "live true deadline 31000000000 packets 1 closed 0"},
		{"a fragment", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Flags |= packet.IsFrag }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"options", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Flags |= packet.IPOptions }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"a low TTL", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Flags |= packet.TTLLow }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"no transport header", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Flags = 0 }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"ICMP", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Proto = packet.ProtoICMP }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"GRE with keys", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Proto = packet.ProtoGRE }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"FIN", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Proto, h.TCPFlags = packet.ProtoTCP, 0x11 }, 1e9, false, 0, "live false deadline 30000000000 packets 1 closed 1"},
		{"RST", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Proto, h.TCPFlags = packet.ProtoTCP, 0x04 }, 1e9, false, 0, "live false deadline 30000000000 packets 1 closed 1"},
		{"all other flags", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.Proto, h.TCPFlags = packet.ProtoTCP, 0xfa }, 1e9, true, packet.CTEstablished, "live true deadline 31000000000 packets 2 closed 0"},
		{"the flags of no TCP", func(h *packet.Headers, _ *conntrack.Conn, _ *Table) { h.TCPFlags = 0x05 }, 1e9, true, packet.CTEstablished, "live true deadline 31000000000 packets 2 closed 0"},
		{"another table's flow", func(_ *packet.Headers, c *conntrack.Conn, _ *Table) { c.FlowTable++ }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
		{"none's", func(_ *packet.Headers, c *conntrack.Conn, _ *Table) { c.FlowFlags = 0 }, 1e9, false, 0, "live false deadline 30000000000 packets 1 closed 0"},
		{"another zone", func(_ *packet.Headers, _ *conntrack.Conn, tab *Table) { tab.zone = 8 }, 1e9, false, 0, "live true deadline 30000000000 packets 1 closed 0"},
	} {
		for _, known := range []bool{false, true} {
			tr := conntrack.New(conntrack.Config{MaxConns: 4})
			s := New(tr)
			tab := s.Acquire(0, 0)
			ref := assured(t, tr, 0, 1000, 1)[0]
			c := tr.Conn(ref)
			tab.Offer(0, ref, packet.CTEstablished, 0)
			h := packet.Headers{Flags: whole, Proto: packet.ProtoUDP, Tuple: c.Orig}
			h.Hash = tr.Hash(&h.Tuple)
			f := conntrack.Found{}
			if known {
				f = tr.Search(&h.Tuple, h.Hash, 0, 0)
			}
			row.change(&h, c, tab)
			if known && tab.zone != 0 {
				continue
			}
			var ct packet.CT
			if hit := tab.Lookup(row.now, &h, &ct, &f); hit != row.hit || hit && (ct.Conn != ref || ct.Info != row.info) {
				t.Errorf("%s: hit %v, connection %#x, info %v", row.name, hit, ct.Conn, ct.Info)
			}
			if got := fmt.Sprintf("live %v deadline %d packets %d closed %d", c.FlowFlags&flowLive != 0, c.FlowDeadline, c.Packets()[0], s.n.Closed); got != row.wants {
				t.Errorf("%s, known %v: %s, want %s", row.name, known, got, row.wants)
			}
			if want := map[bool]uint64{true: 1}[row.hit]; s.n.Hits != want {
				t.Errorf("%s: %d hits", row.name, s.n.Hits)
			}
		}
	}
	t.Run("a_reply_makes_it_both_ways_once_it_is_assured", func(t *testing.T) {
		for _, row := range []struct {
			status uint16
			dir    int
			want   uint8
		}{{sure, 1, flowLive | flowBidirectional}, {sure, 0, flowLive}, {seen | confirmed, 1, flowLive}} {
			tr := conntrack.New(conntrack.Config{MaxConns: 4})
			s := New(tr)
			tab := s.Acquire(0, 0)
			ref := assured(t, tr, 0, 1000, 1)[0]
			c := tr.Conn(ref)
			c.Status = confirmed
			tab.Offer(0, ref, packet.CTNew, 0)
			c.Status |= row.status
			h := packet.Headers{Flags: whole, Proto: packet.ProtoUDP, Tuple: c.Orig}
			if row.dir == 1 {
				h.Tuple = conntrack.Inverse(&c.Orig)
			}
			h.Hash = tr.Hash(&h.Tuple)
			var ct packet.CT
			tab.Lookup(1, &h, &ct, &conntrack.Found{})
			if c.FlowFlags != row.want {
				t.Errorf("%+v: flags %#x", row, c.FlowFlags)
			}
			if ct.Conn != 0 && (ct.Info == packet.CTEstablishedReply) != (row.dir == 1) {
				t.Errorf("%+v: info %v", row, ct.Info)
			}
		}
	})
}

// TestHandBack: what is left of a connection's timeout after the flow table
// (nf_flow_table_core.c flow_offload_fixup_ct).
func TestHandBack(t *testing.T) {
	const at, hour = int64(1000e9), int64(3600e9)
	for _, row := range []struct {
		name    string
		release Release
		proto   uint8
		state   uint8
		status  uint16
		timeout int64
		want    int64
	}{
		{"TCP", 0, packet.ProtoTCP, conntrack.TCPEstablished, sure, at + day, at + day},
		{"TCP, more than its state's", 0, packet.ProtoTCP, conntrack.TCPEstablished, sure, at + 1000*hour, at + 120*hour - 30e9},
		{"TCP, nearly used up", 0, packet.ProtoTCP, conntrack.TCPEstablished, sure, at + 300e9 - 1, at + day},
		{"TCP, five minutes left", 0, packet.ProtoTCP, conntrack.TCPEstablished, sure, at + 300e9, at + 300e9},
		{"TCP, nearly used up in Linux 6.1", Linux6_1, packet.ProtoTCP, conntrack.TCPEstablished, sure, at + 7, at + 7},
		{"TCP, closing", 0, packet.ProtoTCP, conntrack.TCPFinWait, sure, at + day, at + 90e9},
		{"TCP, closed: less than nothing is left", 0, packet.ProtoTCP, conntrack.TCPClose, sure, at + day, at},
		{"UDP", 0, packet.ProtoUDP, 0, confirmed, at + day, at},
		{"UDP, answered", 0, packet.ProtoUDP, 0, confirmed | seen, at + day, at + 90e9},
		{"GRE", 0, packet.ProtoGRE, 0, sure, at + 1000*hour, at + 1000*hour},
	} {
		tr := conntrack.New(conntrack.Config{MaxConns: 4})
		s := New(tr)
		s.release = row.release
		c := &conntrack.Conn{Status: row.status | conntrack.StatusOffload | conntrack.StatusHWOffload, Timeout: row.timeout, Orig: packet.Tuple{Proto: row.proto}}
		c.TCP.State, c.TCP.Seen[0].MaxWin, c.TCP.Seen[1].MaxWin = row.state, 5, 6
		s.fixUp(c, at)
		if c.Timeout != row.want || c.Status != row.status {
			t.Errorf("%s: %d s left, want %d; status %#x", row.name, (c.Timeout-at)/1e9, (row.want-at)/1e9, c.Status)
		}
		if learnt := c.TCP.Seen[0].MaxWin == 0 && c.TCP.Seen[1].MaxWin == 0; learnt != (row.proto == packet.ProtoTCP) {
			t.Errorf("%s: windows %+v", row.name, c.TCP.Seen)
		}
	}
	for _, row := range []struct {
		release       Release
		timeout, want int64
	}{{0, 5e9, day + 7}, {0, 1000 * hour, day + 7}, {Linux6_1, 12*hour + 7, 12*hour + 7}, {Linux6_1, 12*hour + 6, day + 7}, {Linux6_1, 1000 * hour, 1000 * hour}} {
		s := New(conntrack.New(conntrack.Config{MaxConns: 4}))
		s.release = row.release
		c := &conntrack.Conn{Timeout: row.timeout}
		if s.enter(c, 7); c.Timeout != row.want || row.want == 24*hour+7 && c.Timeout != 86400e9+7 {
			t.Errorf("release %d: a timeout of %d becomes %d, want %d", row.release, row.timeout, c.Timeout, row.want)
		}
	}
	if day != 86400e9 {
		t.Errorf("a day has %d s", int64(day/1e9))
	}
}

// TestUseCount: a connection's count of entries that are torn down stays below
// what its byte holds, and the sweep takes off exactly what was put on.
func TestUseCount(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 4})
	s := New(tr)
	tab := s.Acquire(0, 0)
	ref := assured(t, tr, 0, 1000, 1)[0]
	c := tr.Conn(ref)
	for i := range 257 {
		tab.Offer(int64(i), ref, packet.CTEstablished, 0)
		if want := min(i, 255) + 1; Held(c) != want {
			t.Fatalf("round %d: held by %d, want %d", i, Held(c), want)
		}
		s.RemoveIf(int64(i), Match{})
		if want := min(i+1, 255); Held(c) != want || len(tab.stale) != want {
			t.Fatalf("round %d: held by %d, %d stale, want %d", i, Held(c), len(tab.stale), want)
		}
	}
	tab.dropStale(100)
	if Held(c) != 155 || len(tab.stale) != 155 {
		t.Errorf("held by %d, %d stale", Held(c), len(tab.stale))
	}
	s.Tick(second, 100)
	if Held(c) != 0 || len(tab.stale) != 0 {
		t.Errorf("held by %d, %d stale", Held(c), len(tab.stale))
	}
}

// TestInstants: a table sweeps at its birth plus whole seconds.
func TestInstants(t *testing.T) {
	tab := &Table{born: 7}
	for _, row := range []struct{ x, last, first int64 }{
		{7, 7, 7}, {8, 7, second + 7}, {second + 6, 7, second + 7}, {second + 7, second + 7, second + 7}, {second + 8, second + 7, 2*second + 7},
	} {
		if last, first := tab.lastInstant(row.x), tab.firstInstant(row.x); last != row.last || first != row.first {
			t.Errorf("%d lies between %d and %d, want %d and %d", row.x, last, first, row.last, row.first)
		}
	}
}

// TestMatch: each part of a match, alone and with others.
func TestMatch(t *testing.T) {
	c := &conntrack.Conn{Zone: 3, Mark: 0x12, Label: [16]byte{0: 0xa0, 15: 0x05}}
	yes := func(packet.ConnRef, *conntrack.Conn) bool { return true }
	no := func(packet.ConnRef, *conntrack.Conn) bool { return false }
	for i, row := range []struct {
		m    Match
		want bool
	}{
		{Match{}, true},
		{Match{Chain: 9, Zone: 9, Mark: 9, Label: [16]byte{9}}, true}, // without a mask, nothing is asked for
		{Match{InChain: true, Chain: 4}, true}, {Match{InChain: true, Chain: 5}, false},
		{Match{InZone: true, Zone: 3}, true}, {Match{InZone: true, Zone: 2}, false},
		{Match{Mark: 0x12, MarkMask: 0xff}, true}, {Match{Mark: 0x13, MarkMask: 0xff}, false}, {Match{Mark: 0xf2, MarkMask: 0x0f}, true},
		{Match{Label: [16]byte{0: 0xa0}, LabelMask: [16]byte{0: 0xf0}}, true}, {Match{Label: [16]byte{0: 0xb0}, LabelMask: [16]byte{0: 0xf0}}, false},
		{Match{Label: [16]byte{15: 0x05}, LabelMask: [16]byte{15: 0xff}}, true}, {Match{Label: [16]byte{15: 0x04}, LabelMask: [16]byte{15: 0x01}}, false},
		{Match{If: yes}, true}, {Match{If: no}, false},
		{Match{InZone: true, Zone: 2, If: yes}, false}, {Match{InChain: true, Chain: 4, InZone: true, Zone: 3, Mark: 2, MarkMask: 2, If: yes}, true},
	} {
		if got := row.m.matches(1, c, 4); got != row.want {
			t.Errorf("row %d: %v", i, got)
		}
	}
}
