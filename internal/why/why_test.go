package why

import (
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
)

func tupleOf(t testing.TB, frame []byte) packet.Tuple {
	t.Helper()
	var h packet.Headers
	packet.Parse(frame, &h)
	return h.Tuple
}

func TestC10_tuples(t *testing.T) {
	web := tupleOf(t, packettest.TCP("192.0.2.10", "192.0.2.80", 40000, 80, "S", 1, 0, ""))
	back := tupleOf(t, packettest.TCP("192.0.2.80", "192.0.2.10", 80, 40000, "A", 1, 1, ""))
	six := tupleOf(t, packettest.UDP("fd00::1", "fd00::2", 5000, 53, "q"))
	for _, c := range []struct {
		words string
		fits  []packet.Tuple
		not   []packet.Tuple
	}{
		{"tcp 192.0.2.10:40000 192.0.2.80:80", []packet.Tuple{web, back}, []packet.Tuple{six}},
		{"192.0.2.80:80 > 192.0.2.10", []packet.Tuple{web, back}, nil},
		{"udp 192.0.2.10:40000", nil, []packet.Tuple{web}},
		{":80", []packet.Tuple{web, back}, []packet.Tuple{six}},
		{"[fd00::2]:53 fd00::1", []packet.Tuple{six}, []packet.Tuple{web}},
		{"UDP", []packet.Tuple{six}, []packet.Tuple{web}},
		{"zone 7", []packet.Tuple{web, six}, nil},
		{"zone 8 :80", nil, []packet.Tuple{web}},
		{"192.0.2.10:80 192.0.2.80:40000", nil, []packet.Tuple{web}},
		{"ipv4 2 tcp 6 431999 ESTABLISHED src=192.0.2.10 dst=192.0.2.80 sport=40000 dport=80 packets=3 bytes=9 src=192.0.2.80 dst=10.9.9.9 sport=80 dport=7 [ASSURED] mark=0 zone=7 use=2",
			[]packet.Tuple{web}, []packet.Tuple{six}},
	} {
		q, err := Parse(strings.Fields(c.words))
		if err != nil {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		for i := range c.fits {
			if !q.fits(&c.fits[i], 7) {
				t.Errorf("%s does not fit %v", c.words, c.fits[i])
			}
		}
		for i := range c.not {
			if q.fits(&c.not[i], 7) {
				t.Errorf("%s fits %v", c.words, c.not[i])
			}
		}
	}
	for words, want := range map[string]string{
		"": "tuple is empty: want a protocol", "ESTABLISHED mark=0": "names no protocol, end, or zone", "zone": "want a protocol", "zone x": "want a zone", "1.2.3.4:x": "want a port", "a.b:80": "want ADDRESS:PORT",
		"1.1.1.1 2.2.2.2 3.3.3.3": "3 ends", "sport=70000": "want a port",
	} {
		if _, err := Parse(strings.Fields(words)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", words, err, want)
		}
	}
}

func TestC10_software(t *testing.T) {
	for want, c := range map[string]conntrack.Conn{
		"it was never committed": {Orig: packet.Tuple{Proto: packet.ProtoUDP}},
		"protocol icmp is never offloaded": {
			Orig: packet.Tuple{Proto: packet.ProtoICMP}, Status: conntrack.StatusConfirmed},
		"a helper watches it": {
			Orig: packet.Tuple{Proto: packet.ProtoTCP}, Status: conntrack.StatusConfirmed | conntrack.StatusHelper},
		"TCP is offloaded while it is ESTABLISHED; it is SYN_SENT, and nobody has answered": {
			Orig: packet.Tuple{Proto: packet.ProtoTCP}, Status: conntrack.StatusConfirmed, TCP: conntrack.TCPTrack{State: conntrack.TCPSynSent}},
	} {
		if got := software(&c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"tcp 192.0.2.10:40000 192.0.2.80:80", "zone 7 :80", "[fd00::2]:53", "src=1.2.3.4 sport=9 zone=3", "> : [ ] [:] =="} {
		f.Add(s)
	}
	t := packet.Tuple{Proto: packet.ProtoTCP, Family: packet.IPv4}
	f.Fuzz(func(_ *testing.T, s string) {
		if q, err := Parse(strings.Fields(s)); err == nil {
			q.fits(&t, 0)
		}
	})
}
