package replay

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"sluice/datapath/datapathtest"
	"sluice/packet"
	"sluice/packet/packettest"
	"sluice/policy/tc"
)

// natExamples are the policies of docs/nat.md, in their order; those indented
// further are parts of one.
func natExamples(t *testing.T) (whole [][]string, parts []string) {
	var now []string
	for _, l := range append(strings.Split(read(t, "../../docs/nat.md"), "\n"), "#") {
		switch {
		case strings.HasPrefix(l, "      filter "):
			parts = append(parts, strings.TrimSpace(l))
		case strings.HasPrefix(l, "    filter "):
			now = append(now, strings.TrimSpace(l))
		case l != "" && now != nil:
			whole = append(whole, now)
			now = nil
		}
	}
	return whole, parts
}

const lanHost, wanHost = "10.0.0.1", "203.0.113.9"

// TestNATDoc sends packets through the examples of docs/nat.md.
func TestNATDoc(t *testing.T) {
	examples, parts := natExamples(t)
	if len(examples) != 4 || len(parts) != 1 {
		t.Fatalf("%d examples, %d parts", len(examples), len(parts))
	}
	for i, e := range examples {
		p, notes, err := tc.Load("nat.md", strings.NewReader(lines(e...)))
		if err != nil || len(notes) > 0 {
			t.Fatalf("example %d: %v, %v", i, err, notes)
		}
		for _, w := range tc.Check(p) {
			t.Errorf("example %d: %v", i, w)
		}
	}
	tcp, udp := packettest.TCP, packettest.UDP
	t.Run("A040_A042_sources", func(t *testing.T) {
		r := datapathtest.New(t, examples[0]...)
		out := through(t, r, "lan", udp(lanHost, wanHost, 1000, 53, "ask"), "wan")
		if s := out.Src.Netip(packet.IPv4); s.Compare(netip.MustParseAddr("198.51.100.1")) < 0 || s.Compare(netip.MustParseAddr("198.51.100.4")) > 0 || out.SPort != 1000 {
			t.Errorf("left as %v", out)
		}
		public := out.Src.Netip(packet.IPv4).String()
		if back := through(t, r, "wan", udp(wanHost, public, 53, 1000, "answer"), "lan"); back.Dst.Netip(packet.IPv4).String() != lanHost {
			t.Errorf("came back as %v", back)
		}
		// Errors of both ends.
		quote := udp(wanHost, lanHost, 53, 1000, "answer")[14:]
		if e := through(t, r, "lan", packettest.ICMP(lanHost, wanHost, 3, 3, 0, quote), "wan"); e.Src.Netip(packet.IPv4).String() != public {
			t.Errorf("the client's error left as %v", e)
		}
		quote = udp(public, wanHost, 1000, 53, "ask")[14:]
		if e := through(t, r, "wan", packettest.ICMP(wanHost, public, 3, 3, 0, quote), "lan"); e.Dst.Netip(packet.IPv4).String() != lanHost {
			t.Errorf("the server's error came as %v", e)
		}
		if res := r.Send("wan", udp(wanHost, public, 53, 999, "who")); res.Verdict != packet.Drop {
			t.Errorf("an unknown packet: %v", res.Verdict)
		}
	})
	t.Run("A041_A042_destinations", func(t *testing.T) {
		r := datapathtest.New(t, examples[1]...)
		if in := through(t, r, "wan", tcp(wanHost, "198.51.100.80", 5000, 80, "S", 1, 0, ""), "lan"); in.String() != tuple(wanHost, "10.0.0.80", 5000, 8080) {
			t.Errorf("came as %v", in)
		}
		if out := through(t, r, "lan", tcp("10.0.0.80", wanHost, 8080, 5000, "SA", 9, 2, ""), "wan"); out.String() != tuple("198.51.100.80", wanHost, 80, 5000) {
			t.Errorf("answered as %v", out)
		}
	})
	t.Run("A039_both", func(t *testing.T) {
		r := datapathtest.New(t, examples[2]...)
		for range 3 {
			if in := through(t, r, "wan", udp(wanHost, "198.51.100.80", 5000, 80, "q"), "lan"); in.String() != udpTuple("10.0.0.254", "10.0.0.80", 5000, 80) {
				t.Errorf("came as %v", in)
			}
			if out := through(t, r, "lan", udp("10.0.0.80", "10.0.0.254", 80, 5000, "a"), "wan"); out.String() != udpTuple("198.51.100.80", wanHost, 80, 5000) {
				t.Errorf("answered as %v", out)
			}
		}
	})
	t.Run("B055_FTP", func(t *testing.T) {
		r := datapathtest.New(t, examples[3]...)
		const public = "198.51.100.1"
		through(t, r, "lan", tcp(lanHost, wanHost, 3000, 21, "S", 999, 0, ""), "wan")
		through(t, r, "wan", tcp(wanHost, public, 21, 3000, "SA", 4999, 1000, ""), "lan")
		through(t, r, "lan", tcp(lanHost, wanHost, 3000, 21, "A", 1000, 5000, ""), "wan")
		// A helper reads from the second line of a side on (nf_conntrack_ftp.c find_nl_seq).
		through(t, r, "lan", tcp(lanHost, wanHost, 3000, 21, "PA", 1000, 5000, "USER a\r\n"), "wan")
		through(t, r, "wan", tcp(wanHost, public, 21, 3000, "PA", 5000, 1008, "331 password\r\n"), "lan")
		res := r.Send("lan", tcp(lanHost, wanHost, 3000, 21, "PA", 1008, 5000, "PORT 10,0,0,1,20,10\r\n"))
		if res.Verdict != packet.Forward || !strings.Contains(string(res.Tx[0].Frame), "PORT 198,51,100,1,20,10\r\n") {
			t.Fatalf("PORT: %v (%s)", res.Verdict, res.Reason)
		}
		if in := through(t, r, "wan", tcp(wanHost, public, 20, 20*256+10, "S", 1, 0, ""), "lan"); in.Dst.Netip(packet.IPv4).String() != lanHost {
			t.Errorf("the transfer's first packet came as %v", in)
		}
		if out := through(t, r, "lan", tcp(lanHost, wanHost, 20*256+10, 20, "SA", 7, 2, ""), "wan"); out.Src.Netip(packet.IPv4).String() != public {
			t.Errorf("the transfer was answered as %v", out)
		}
		through(t, r, "wan", tcp(wanHost, public, 21, 3000, "PA", 5014, 1033, "227 Passive (203,0,113,9,30,1)\r\n"), "lan")
		if out := through(t, r, "lan", tcp(lanHost, wanHost, 6000, 30*256+1, "S", 1, 0, ""), "wan"); out.Src.Netip(packet.IPv4).String() != public {
			t.Errorf("a passive transfer left as %v", out)
		}
	})
	t.Run("a_capture_of_both_directions", func(t *testing.T) {
		one := strings.NewReplacer("198.51.100.1-198.51.100.4", "198.51.100.1").Replace(lines(examples[0]...))
		in := Options{Inputs: []Input{{"wan", file(t, "both.pcap", pcap(1, conversation()...))}}, Split: []string{"src=10.0.0.0/8:lan"}}
		in.Policy = file(t, "p.tc", one)
		if rep := mustRun(t, in); named(rep.Verdicts, "fwd") != 1 || named(rep.Verdicts, "drop") != 5 {
			t.Errorf("as it is: %v", rep.Verdicts)
		}
		turned := strings.Split(one, "\n")
		i := slices.IndexFunc(turned, func(l string) bool { return strings.Contains(l, "dev wan ingress prio 1 chain 0") })
		turned[i] = parts[0]
		in.Policy = file(t, "p.tc", lines(turned...))
		if rep := mustRun(t, in); named(rep.Verdicts, "fwd") != 6 || named(rep.States, "+trk+est+rpl+dnat") != 3 {
			t.Errorf("turned: %v, %v", rep.Verdicts, rep.States)
		}
	})
}

// conversation is a TCP connection seen where nobody translates.
func conversation() (out []packetAt) {
	for i, f := range [][]byte{
		packettest.TCP(lanHost, wanHost, 1000, 80, "S", 1, 0, ""), packettest.TCP(wanHost, lanHost, 80, 1000, "SA", 9, 2, ""),
		packettest.TCP(lanHost, wanHost, 1000, 80, "PA", 2, 10, "get"), packettest.TCP(wanHost, lanHost, 80, 1000, "PA", 10, 5, "here"),
		packettest.TCP(lanHost, wanHost, 1000, 80, "A", 5, 14, ""), packettest.TCP(wanHost, lanHost, 80, 1000, "A", 14, 5, ""),
	} {
		out = append(out, packetAt{time: 1e18 + int64(i)*1e6, data: f})
	}
	return out
}

// through sends a frame, wants it to leave by a device, with right checksums,
// and returns the tuple that it leaves with.
func through(t *testing.T, r *datapathtest.Rig, dev string, frame []byte, to string) packet.Tuple {
	t.Helper()
	res := r.Send(dev, frame)
	if r.Out(res) != to {
		t.Fatalf("from %s: %v (%s) to %q, want it to leave by %s; %+v", dev, res.Verdict, res.Reason, r.Out(res), to, res.Hits)
	}
	got := res.Tx[0].Frame
	fixed := slices.Clone(got)
	packettest.Fix(fixed)
	if !slices.Equal(got, fixed) {
		t.Errorf("from %s: wrong checksums in %x", dev, got)
	}
	var h packet.Headers
	packet.Parse(got, &h)
	return h.Tuple
}

func tuple(src, dst string, sport, dport uint16) string {
	return headerOf(packettest.TCP(src, dst, sport, dport, "S", 1, 0, "")).String()
}

func udpTuple(src, dst string, sport, dport uint16) string {
	return headerOf(packettest.UDP(src, dst, sport, dport, "")).String()
}

func headerOf(frame []byte) packet.Tuple {
	var h packet.Headers
	packet.Parse(frame, &h)
	return h.Tuple
}
