package replay

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/packet/packettest"
	"sluice/port"
)

// ports name a connection: who opened it, and to where.
type ports struct{ client, server uint16 }

// seen is one TCP connection as a simple reading of the capture finds it.
type seen struct {
	packets [2]uint64 // from the client, from the server
	syns    uint64    // before the server's first word
	fin     [2]bool
	last    int64
}

// readTCP reads a capture with another program's decoder and nothing of ours
// but the file format. Clients are who send a SYN without an ACK.
func readTCP(t *testing.T, path string) map[ports]*seen {
	t.Helper()
	r, err := port.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	conns := map[ports]*seen{}
	var rec port.Record
	for r.Read(&rec) == nil {
		tcp, ok := gopacket.NewPacket(rec.Data, layers.LayerTypeEthernet, gopacket.NoCopy).Layer(layers.LayerTypeTCP).(*layers.TCP)
		if !ok {
			continue
		}
		id, dir := ports{uint16(tcp.SrcPort), uint16(tcp.DstPort)}, 0
		if tcp.SYN && !tcp.ACK && conns[id] == nil {
			conns[id] = &seen{}
		}
		c := conns[id]
		if c == nil {
			if c, dir = conns[ports{id.server, id.client}], 1; c == nil {
				t.Fatalf("%s: a segment before its SYN", path)
			}
		}
		c.packets[dir]++
		c.fin[dir] = c.fin[dir] || tcp.FIN
		if c.packets[1] == 0 {
			c.syns++
		}
		c.last = max(c.last, rec.Time)
	}
	return conns
}

// holdTo compares the connections that a replay has found with what a simple
// reading says of those to a server's port. All others the policy refuses. It
// returns how many packets are new, and how many go through.
func holdTo(t *testing.T, rep *Report, want map[ports]*seen, server uint16) (fresh, through uint64) {
	t.Helper()
	got := map[ports]*conntrack.Conn{}
	for _, c := range rep.Connections {
		got[ports{c.Orig.SPort, c.Orig.DPort}] = c
	}
	for id, w := range want {
		fresh += w.syns
		c := got[id]
		delete(got, id)
		if id.server != server {
			if c != nil {
				t.Errorf("%v: in the table, although nobody committed it", id)
			}
			continue
		}
		if c == nil {
			t.Errorf("%v: not in the table", id)
			continue
		}
		through += w.packets[0] + w.packets[1]
		// Linux neither refreshes nor counts for a repeated SYN
		// (nf_conntrack_proto_tcp.c nf_conntrack_tcp_packet).
		counted := [2]uint64{w.packets[0] - (w.syns - 1), w.packets[1]}
		if c.Packets() != counted {
			t.Errorf("%v: packets %v, want %v", id, c.Packets(), counted)
		}
		state, held := conntrack.TCPTimeWait, false
		if w.fin != [2]bool{true, true} {
			if w.fin != [2]bool{} || w.packets[1] == 0 {
				t.Errorf("%v: half open or half closed; the expectation below is wrong", id)
			}
			state, held = conntrack.TCPEstablished, true
		}
		if c.TCP.State != state || c.Status&conntrack.StatusAssured == 0 || (c.Status&conntrack.StatusOffload != 0) != held {
			t.Errorf("%v: %s, status %#x, want %s, assured, in the flow table %v", id, conntrack.TCPStateNames[c.TCP.State], c.Status, conntrack.TCPStateNames[state], held)
		}
		if d := w.last + 120e9 - c.Timeout; !held && (d < -granule || d > granule) {
			t.Errorf("%v: expires %v from 120 s after its last segment", id, time.Duration(d))
		}
	}
	for id := range got {
		t.Errorf("%v: in the table, and not in the capture", id)
	}
	return fresh, through
}

// TestCarefulReader compares every connection with a simple reading of the
// capture: the demo's, of which one is left open and some are refused, and 500
// that are opened, used and closed in order.
func TestCarefulReader(t *testing.T) {
	t.Run("A063_I8_the_demo's_capture", func(t *testing.T) {
		rep := mustRun(t, httpOptions())
		want := readTCP(t, httpCapture)
		if len(want) < 3 {
			t.Fatalf("%d connections", len(want))
		}
		checkStates(t, rep, want, 80)
	})
	many := func(t *testing.T, path string, packets uint64) {
		rep := mustRun(t, Options{
			Policy: file(t, "echo.tc", strings.ReplaceAll(lines(datapathtest.HTTPPolicy...), "_port 80 ", "_port 7000 ")),
			Inputs: []Input{{"", path}}, Split: []string{"initiator=uplink_rep,vf0_rep"},
		})
		want := readTCP(t, path)
		if rep.Packets != packets || len(want) != 500 {
			t.Fatalf("%d packets, %d connections, want %d and 500", rep.Packets, len(want), packets)
		}
		checkStates(t, rep, want, 7000)
	}
	t.Run("A063_I8_500_connections", func(t *testing.T) {
		var talks [][][]byte
		packets := 0
		for i := range 500 {
			talks = append(talks, packettest.Conversation("10.0.0.1", "10.0.0.2", 20000+uint16(i), 7000, 20+i%7, 20+i%11, true))
			packets += len(talks[i])
		}
		many(t, built(t, packettest.Interleaved("echo", talks...)), uint64(packets))
	})
	t.Run("500_real_connections", func(t *testing.T) {
		many(t, packettest.Capture(t, "large/echo-connections.pcap.gz"), 82582)
	})
}

func checkStates(t *testing.T, rep *Report, want map[ports]*seen, server uint16) {
	fresh, through := holdTo(t, rep, want, server)
	t.Run("established_from_the_first_answer_on", func(t *testing.T) {
		if n := named(rep.States, "+trk+new"); n != fresh {
			t.Errorf("%d packets new, want the %d SYNs", n, fresh)
		}
		if n, syns := named(rep.States, "+trk+est")+named(rep.States, "+trk+est+rpl"), named(rep.States, "+trk+new")-named(rep.Drops, "drop action"); n != through-syns {
			t.Errorf("%d packets established, want all others, %d", n, through-syns)
		}
	})
	t.Run("all_accounted_for", func(t *testing.T) {
		fwd, up := named(rep.Verdicts, "fwd"), named(rep.Verdicts, "pass")
		if fwd != through || rep.Devices[0].Out.Packets+rep.Devices[1].Out.Packets != fwd {
			t.Errorf("%d forwarded of %d, devices %+v", fwd, through, rep.Devices)
		}
		if fwd+up+named(rep.Drops, "drop action") != rep.Packets {
			t.Errorf("%d packets: verdicts %v, drops %v", rep.Packets, rep.Verdicts, rep.Drops)
		}
	})
}

// browser lists a browser's thirteen connections to a web server: its port, the
// segments of either side, and how the connection ends. It was read off a real
// capture with tshark.
var browser = []struct {
	port            uint16
	client, servers int
	state           uint8
}{
	{55079, 45, 88, conntrack.TCPTimeWait}, {55080, 76, 239, conntrack.TCPTimeWait}, {55081, 30, 58, conntrack.TCPTimeWait},
	{55082, 22, 31, conntrack.TCPTimeWait}, {55083, 16, 21, conntrack.TCPTimeWait}, {55085, 24, 39, conntrack.TCPTimeWait},
	{55120, 8, 8, conntrack.TCPTimeWait},
	{55127, 6, 5, conntrack.TCPEstablished}, // no FIN by the capture's end
	{55128, 4, 3, conntrack.TCPTimeWait}, {55129, 4, 3, conntrack.TCPTimeWait}, {55130, 4, 3, conntrack.TCPTimeWait},
	{55131, 4, 3, conntrack.TCPTimeWait}, {55132, 4, 3, conntrack.TCPTimeWait},
}

// TestBrowser replays them as built, and as captured where that capture is.
func TestBrowser(t *testing.T) {
	var talks [][][]byte
	for _, w := range browser {
		up, down, closed := w.client-2, w.servers-1, w.state == conntrack.TCPTimeWait
		if closed {
			up, down = up-2, down-1
		}
		talks = append(talks, packettest.Conversation("10.0.2.15", "192.150.187.43", w.port, 80, up, down, closed))
	}
	testBrowser(t, built(t, packettest.Interleaved("browser", talks...)))
	t.Run("captured", func(t *testing.T) { testBrowser(t, packettest.Capture(t, "http/bro.org.pcap")) })
}

func testBrowser(t *testing.T, path string) {
	o := Options{
		Policy: file(t, "http.tc", lines(datapathtest.HTTPPolicy...)),
		Inputs: []Input{{"uplink_rep", path}}, Split: []string{"src=192.150.187.43:vf0_rep"},
	}
	rep := mustRun(t, o)
	got := bySport(rep)
	for _, w := range browser {
		c := got[w.port]
		if c.Packets() != [2]uint64{uint64(w.client), uint64(w.servers)} || c.TCP.State != w.state {
			t.Errorf("port %d: packets %v, %s; want %d and %d, %s", w.port, c.Packets(), conntrack.TCPStateNames[c.TCP.State],
				w.client, w.servers, conntrack.TCPStateNames[w.state])
		}
		if offloaded := c.Status&conntrack.StatusOffload != 0; offloaded != (w.state == conntrack.TCPEstablished) || c.Status&conntrack.StatusAssured == 0 {
			t.Errorf("port %d: status %#x", w.port, c.Status)
		}
	}
	t.Run("A072_all_of_it_is_allowed", func(t *testing.T) {
		if len(got) != 13 || rep.Packets != 751 || named(rep.Verdicts, "fwd") != 751 || named(rep.States, "+trk+new") != 13 {
			t.Errorf("%d connections, %d packets, verdicts %v, states %v", len(got), rep.Packets, rep.Verdicts, rep.States)
		}
	})
	t.Run("A073_none_of_it_is_with_the_server_outside", func(t *testing.T) {
		// The browser is now the virtual machine. What it starts meets no
		// filter for port 80 as a source; what the server answers belongs to
		// nothing that was ever committed, and is new at best.
		o.Split = []string{"src=10.0.2.15:vf0_rep"}
		o.Policy = file(t, "swapped.tc", strings.ReplaceAll(lines(datapathtest.HTTPPolicy...), "src_port 80", "dst_port 80"))
		rep := mustRun(t, o)
		if named(rep.Verdicts, "fwd") != 0 || len(bySport(rep)) != 0 {
			t.Errorf("verdicts %v, connections %d", rep.Verdicts, len(bySport(rep)))
		}
		if d := rep.Devices[1]; d.Name != "vf0_rep" || named(rep.Drops, "drop action") == 0 || d.Out.Packets != 0 {
			t.Errorf("drops %v, %+v", rep.Drops, d)
		}
	})
}

// TestChecksums replays connections of which fifteen segments have a wrong
// checksum, and come again with a right one (nf_conntrack_proto_tcp.c tcp_error); and a capture whose data were
// scrambled to hide who sent them, where it is: tshark, too, finds fifteen.
func TestChecksums(t *testing.T) {
	var talks [][][]byte
	for i := range uint16(5) {
		var talk [][]byte
		for j, f := range packettest.Conversation("10.0.0.1", "10.0.0.2", 40000+i, 80, 5, 5, true) {
			if j < 3 { // the handshake: established flows are not summed, as in act_ct
				wrong := bytes.Clone(f)
				wrong[len(wrong)-1] ^= 0x40
				talk = append(talk, wrong)
			}
			talk = append(talk, f)
		}
		talks = append(talks, talk)
	}
	testChecksums(t, built(t, packettest.Interleaved("checksums", talks...)))
	t.Run("captured", func(t *testing.T) { testChecksums(t, packettest.Capture(t, "tcp/reassembly.pcap")) })
}

func testChecksums(t *testing.T, path string) {
	o := Options{
		Policy: file(t, "http.tc", lines(datapathtest.HTTPPolicy...)),
		Inputs: []Input{{"", path}}, Split: []string{"initiator=uplink_rep,vf0_rep"},
	}
	t.Run("A060_wrong_checksums_are_invalid", func(t *testing.T) {
		rep := mustRun(t, o)
		if inv := named(rep.States, "+trk+inv"); inv != 15 || rep.Conntrack.Invalid != 15 || named(rep.Verdicts, "pass") != 15 {
			t.Errorf("%d invalid, the tracker counts %d, verdicts %v; want 15", inv, rep.Conntrack.Invalid, rep.Verdicts)
		}
	})
	t.Run("unless_the_sysctl_says_otherwise", func(t *testing.T) {
		o.Sysctls = []string{"nf_conntrack_checksum=0"}
		rep := mustRun(t, o)
		if inv := named(rep.States, "+trk+inv"); inv != 0 || named(rep.Verdicts, "fwd") != rep.Packets {
			t.Errorf("%d invalid, verdicts %v", inv, rep.Verdicts)
		}
	})
}

// everything tracks all that it can, in two zones, and lets through what it
// knows.
var everything = lines(
	"filter add dev left ingress prio 1 proto ip chain 0 flower action ct zone 1 pipe action goto chain 1",
	"filter add dev left ingress prio 2 proto ipv6 chain 0 flower action ct zone 1 pipe action goto chain 1",
	"filter add dev left ingress prio 3 proto 802.1q chain 0 flower vlan_ethtype ip action ct zone 1 pipe action goto chain 1",
	"filter add dev left ingress prio 1 proto all chain 1 flower ct_state +trk+new action ct commit zone 1 pipe action mirred egress redirect dev right",
	"filter add dev left ingress prio 1 proto all chain 1 flower ct_state +trk+est action mirred egress redirect dev right",
	"filter add dev left ingress prio 1 proto all chain 1 flower ct_state +trk+rel action mirred egress redirect dev right",
	"filter add dev left ingress prio 1 proto all chain 1 flower ct_state +trk+inv action drop",
	"filter add dev right ingress prio 1 proto ip chain 0 flower action ct zone 1 pipe action goto chain 1",
	"filter add dev right ingress prio 2 proto ipv6 chain 0 flower action ct zone 1 pipe action goto chain 1",
	"filter add dev right ingress prio 1 proto all chain 1 flower ct_state +trk-inv action ct zone 2 commit pipe action mirred egress redirect dev left",
	"filter add dev right ingress prio 1 proto all chain 1 flower ct_state +trk+inv action drop",
)

// TestI8_I9_all_captures puts captures through a policy that tracks
// everything, those that are built and the real ones that there are: whatever
// is in them, every packet is accounted for and the tables stay sound.
func TestI8_I9_all_captures(t *testing.T) {
	policy := file(t, "everything.tc", everything)
	paths, _ := packettest.Captures(t)
	for _, path := range paths {
		rep, err := Run(context.Background(), Options{Policy: policy, Inputs: []Input{{"", path}}, Split: []string{"initiator=left,right"}})
		var link *port.LinkTypeError
		if errors.As(err, &link) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if rep == nil {
			continue
		}
		var verdicts, states, dropped uint64
		for _, v := range rep.Verdicts {
			verdicts += v.Packets
		}
		for _, s := range rep.States {
			states += s.Packets
		}
		for _, d := range slices.Concat(rep.Stolen, rep.Drops) {
			dropped += d.Packets
		}
		if verdicts != rep.Packets || states != rep.Packets || dropped != named(rep.Verdicts, "drop")+named(rep.Verdicts, "stolen") {
			t.Errorf("%s: %d packets, %d verdicts, %d states, %d drops by reason: %v", path, rep.Packets, verdicts, states, dropped, rep.Verdicts)
		}
		for _, e := range rep.engine.Tracker().Check() {
			t.Errorf("%s: %v", path, e)
		}
	}
	t.Logf("%d captures", len(paths))
}
