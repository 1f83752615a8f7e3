package replay

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/port"
)

// ftpPolicy lets clients open control connections, and nothing else but what
// these announce.
func ftpPolicy(nat4, nat6 string) (lines []string) {
	for _, f := range []struct{ proto, family, nat string }{{"ip", "ipv4", nat4}, {"ipv6", "ipv6", nat6}} {
		rule := func(dev string, prio, chain int, match, action string) {
			if f.proto == "ipv6" {
				prio += 10
			}
			lines = append(lines, fmt.Sprintf("filter add dev %s ingress prio %d chain %d proto %s flower %s action %s", dev, prio, chain, f.proto, match, action))
		}
		for _, d := range [][2]string{{"client", "server"}, {"server", "client"}} {
			out := "mirred egress redirect dev " + d[1]
			rule(d[0], 1, 0, "ct_state -trk", "ct nat pipe action goto chain 2")
			if d[0] == "client" {
				rule(d[0], 1, 2, "ct_state +trk+new ip_proto tcp dst_port 21", "ct commit helper "+f.family+"-tcp-ftp"+f.nat+" pipe action "+out)
			}
			// A related packet is translated as its connection is where an
			// action commits with nat; what the range says does not count.
			rule(d[0], 2, 2, "ct_state +trk+rel", "ct commit"+f.nat+" pipe action "+out)
			rule(d[0], 3, 2, "ct_state +trk+est", out)
			rule(d[0], 4, 2, "ct_state +trk+new", "drop")
		}
	}
	return lines
}

// ftp builds a session with a transfer each way of opening one: the server
// connects to where the client says, and the client to where the server says.
func ftp(client, server string) [][]byte {
	d := packettest.NewDialog(client, server, 40000, 21)
	transfer := func(from, to string, sport, dport uint16, up, down int) {
		d.Frames = append(d.Frames, packettest.Conversation(from, to, sport, dport, up, down, true)...)
		d.Say(1, "226 Done.\r\n")
	}
	six := netip.MustParseAddr(client).Is6()
	d.Open()
	d.Say(1, "220 Ready.\r\n")
	d.Say(0, "USER anonymous\r\n")
	d.Say(1, "230 Welcome.\r\n")
	if six {
		d.Say(0, "EPRT |2|"+client+"|42001|\r\n")
	} else {
		d.Say(0, "PORT "+strings.ReplaceAll(client, ".", ",")+",164,17\r\n")
	}
	d.Say(1, "200 OK.\r\n")
	transfer(server, client, 20, 42001, 12, 0)
	if six {
		d.Say(0, "EPSV\r\n")
		d.Say(1, "229 Entering Extended Passive Mode (|||43001|)\r\n")
	} else {
		d.Say(0, "PASV\r\n")
		d.Say(1, "227 Entering Passive Mode ("+strings.ReplaceAll(server, ".", ",")+",167,249)\r\n")
	}
	transfer(client, server, 40001, 43001, 0, 12)
	d.Close(0)
	return d.Frames
}

// TestFTP replays control and data connections, active and passive, of both
// families, as they are and behind a translator: every data connection is
// related to its control connection, and translated as it is. Sessions are
// built, and real ones are replayed where they are.
func TestFTP(t *testing.T) {
	for _, c := range []struct {
		name, client, server, public string
	}{
		{"A069_B003_B055_ipv4", "192.0.2.10", "198.51.100.21", ""},
		{"A069_B003_B055_ipv4_translated", "192.0.2.10", "198.51.100.21", "192.0.2.99"},
		{"A069_B003_B055_ipv6", "2001:db8::10", "2001:db8:1::21", ""},
		{"A069_B003_B055_ipv6_translated", "2001:db8::10", "2001:db8:1::21", "2001:db8::99"},
	} {
		t.Run(c.name, func(t *testing.T) {
			control, related := testFTP(t, built(t, packettest.Interleaved("ftp", ftp(c.client, c.server))), c.public)
			if control != 1 || related != 2 {
				t.Errorf("%d control connections, %d data connections, want 1 and 2", control, related)
			}
		})
	}
	for _, c := range []struct {
		file   string
		public string // the client's address for the servers; empty: its own
	}{
		{"ipv4", ""}, {"ipv4", "141.142.220.199"},
		{"ipv6", ""}, {"ipv6", "2001:470:1f11:81f:c999:d94:aa7c:1111"},
		{"bigtransfer", ""}, {"bigtransfer", "192.168.56.9"},
		{"retr", ""}, {"retr", "141.142.228.9"},
	} {
		name := "real_" + c.file
		if c.public != "" {
			name += "_translated"
		}
		t.Run(name, func(t *testing.T) {
			control, related := testFTP(t, packettest.Capture(t, "ftp/"+c.file+".pcap"), c.public)
			if control == 0 || related == 0 {
				t.Errorf("%d control connections, %d related", control, related)
			}
		})
	}
}

// testFTP replays a capture of one client's sessions with a policy that tracks
// and forwards them, behind a translator if it has a public address. It
// returns how many control and data connections there were.
func testFTP(t *testing.T, path, to string) (control, data int) {
	t.Helper()
	r, err := port.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	nat := [2]string{}
	var public packet.Addr
	if to != "" {
		a := netip.MustParseAddr(to)
		public = packet.AddrFrom(a)
		i := 0
		if a.Is6() {
			i = 1
		}
		nat[i] = " nat src addr " + to
	}
	rig := datapathtest.New(t, ftpPolicy(nat[0], nat[1])...)
	var rec port.Record
	var client packet.Addr
	related := map[packet.ConnRef]bool{}
	for r.Read(&rec) == nil {
		f := bytes.Clone(rec.Data)
		var h packet.Headers
		packet.Parse(f, &h)
		if h.Proto != packet.ProtoTCP {
			continue
		}
		if client == (packet.Addr{}) {
			client = h.Tuple.Src
		}
		dev := "server"
		if h.Tuple.Src == client {
			dev = "client"
		} else if to != "" {
			packet.Rewrite(f, &h, packet.Dest, &public, h.Tuple.DPort)
		}
		if rig.Now < rec.Time-1e6 {
			rig.Now = rec.Time - 1e6
		}
		res := rig.Send(dev, f)
		if res.Verdict != packet.Forward {
			last := "nothing"
			if n := len(res.Hits); n > 0 {
				last = fmt.Sprintf("state %#x", res.Hits[n-1].CTState)
			}
			t.Fatalf("%v of %s: %v (%s), %s", h.Tuple, dev, res.Verdict, res.Reason, last)
		}
		var out packet.Headers
		packet.Parse(res.Tx[0].Frame, &out)
		switch {
		case to == "":
		case dev == "client" && out.Tuple.Src != public, dev == "server" && out.Tuple.Dst != client:
			t.Fatalf("%v left as %v", h.Tuple, out.Tuple)
		}
	}
	for ref, conn := range rig.E.Tracker().All(rig.Now) {
		if conn.Status&conntrack.StatusExpected != 0 {
			related[ref] = true
			if _, ok := rig.E.Tracker().Master(ref); !ok {
				t.Error("a data connection without a master")
			}
		} else {
			control++
			if conn.Status&(conntrack.StatusHelper|conntrack.StatusOffload) != conntrack.StatusHelper {
				t.Errorf("control connection: status %#x", conn.Status)
			}
		}
	}
	if errs := rig.E.Tracker().Check(); len(errs) != 0 {
		t.Error(errs)
	}
	return control, len(related)
}
