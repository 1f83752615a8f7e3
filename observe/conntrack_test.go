package observe_test

import (
	"net/netip"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/observe"
	"sluice/packet"
	"sluice/packet/packettest"
)

// flow is a connection as `conntrack -I` was asked to make it.
type flow struct {
	proto          uint8
	src, dst       string
	sport, dport   uint16
	rsrc, rdst     string // "": as dst and src are
	rsport, rdport uint16
	left           int64 // seconds
	status         uint16
	state          uint8
	mark           uint32
	zone           uint16
	id             uint32
}

const recordedNow = int64(1795247144) * 1e9

func (f flow) entry() observe.Entry {
	addr := func(s string) (packet.Addr, uint8) {
		a := netip.MustParseAddr(s)
		if a.Is4() {
			return packet.AddrFrom(a), packet.IPv4
		}
		return packet.AddrFrom(a), packet.IPv6
	}
	c := &conntrack.Conn{Status: f.status | conntrack.StatusConfirmed, Timeout: recordedNow + f.left*1e9 + 5e8, Mark: f.mark, Zone: f.zone}
	c.Orig = packet.Tuple{SPort: f.sport, DPort: f.dport, Proto: f.proto}
	c.Orig.Src, c.Orig.Family = addr(f.src)
	c.Orig.Dst, _ = addr(f.dst)
	c.TCP.State = f.state
	if f.proto == packet.ProtoSCTP {
		c.TCP = conntrack.TCPTrack{}
		c.SCTP().State, c.SCTP().VTag = f.state, [2]uint32{1, 2}
	}
	reply := c.Orig
	reply.Src, reply.Dst, reply.SPort, reply.DPort = c.Orig.Dst, c.Orig.Src, f.rsport, f.rdport
	if f.rsrc != "" {
		reply.Src, _ = addr(f.rsrc)
	}
	if f.rdst != "" {
		reply.Dst, _ = addr(f.rdst)
	}
	return observe.Entry{Conn: c, Reply: reply, Now: recordedNow, ID: f.id, Use: 1, Start: recordedNow, Acct: true}
}

const icmpEcho = 8 << 8

// TestConntrackFormats compares with what conntrack-tools 1.4.7 printed of the
// same connections in a kernel (with nf_conntrack_acct and
// nf_conntrack_timestamp).
func TestConntrackFormats(t *testing.T) {
	assured := conntrack.StatusAssured | conntrack.StatusSeenReply
	cases := []struct {
		name             string
		f                flow
		line, xml, saved string
	}{
		{"tcp", flow{proto: 6, src: "10.0.0.1", dst: "10.0.0.2", sport: 1000, dport: 80, rsport: 80, rdport: 1000, left: 99, status: assured, state: conntrack.TCPEstablished, mark: 5, id: 267083753},
			"tcp      6 99 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 packets=0 bytes=0 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 packets=0 bytes=0 [ASSURED] mark=5 delta-time=0 use=1",
			`<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>1000</sport><dport>80</dport></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>80</sport><dport>1000</dport></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="independent"><state>ESTABLISHED</state><timeout>99</timeout><mark>5</mark><use>1</use><id>267083753</id><assured/><deltatime>0</deltatime></meta></flow>`,
			"-A -t 99 -u SEEN_REPLY,ASSURED -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1000 --dport 80 --reply-port-src 80 --reply-port-dst 1000 --state ESTABLISHED"},
		{"zone", flow{proto: 6, src: "10.0.0.1", dst: "10.0.0.2", sport: 1001, dport: 80, rsport: 80, rdport: 1001, left: 99, state: conntrack.TCPSynSent, zone: 7, id: 2250801680},
			"tcp      6 99 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1001 dport=80 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1001 packets=0 bytes=0 mark=0 zone=7 delta-time=0 use=1",
			`<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>1001</sport><dport>80</dport></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3><layer4 protonum="6" protoname="tcp"><sport>80</sport><dport>1001</dport></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="independent"><state>SYN_SENT</state><timeout>99</timeout><mark>0</mark><zone>7</zone><use>1</use><id>2250801680</id><unreplied/><deltatime>0</deltatime></meta></flow>`,
			"-A -t 99 -u UNSET -w 7 -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1001 --dport 80 --reply-port-src 80 --reply-port-dst 1001 --state SYN_SENT"},
		{"source_nat", flow{proto: 17, src: "10.0.0.1", dst: "10.0.0.4", sport: 5353, dport: 53, rdst: "192.168.1.1", rsport: 53, rdport: 5353, left: 99, status: conntrack.StatusSrcNAT},
			"udp      17 99 src=10.0.0.1 dst=10.0.0.4 sport=5353 dport=53 packets=0 bytes=0 [UNREPLIED] src=10.0.0.4 dst=192.168.1.1 sport=53 dport=5353 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			"", "-A -t 99 -u UNSET -s 10.0.0.1 -d 10.0.0.4 -r 10.0.0.4 -n 192.168.1.1 -p udp --sport 5353 --dport 53 --reply-port-src 53 --reply-port-dst 5353"},
		{"destination_nat", flow{proto: 17, src: "10.0.0.1", dst: "10.0.0.5", sport: 5354, dport: 53, rsrc: "192.168.1.1", rsport: 53, rdport: 5354, left: 99, status: conntrack.StatusDstNAT | conntrack.StatusSeenReply},
			"udp      17 99 src=10.0.0.1 dst=10.0.0.5 sport=5354 dport=53 packets=0 bytes=0 src=192.168.1.1 dst=10.0.0.1 sport=53 dport=5354 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			"", "-A -t 99 -u SEEN_REPLY -s 10.0.0.1 -d 10.0.0.5 -g 192.168.1.1 -q 10.0.0.1 -p udp --sport 5354 --dport 53 --reply-port-src 53 --reply-port-dst 5354"},
		{"icmp", flow{proto: 1, src: "10.0.0.1", dst: "10.0.0.2", sport: 77, dport: icmpEcho, rsport: 77, left: 29, id: 1867937038},
			"icmp     1 29 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			`<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3><layer4 protonum="1" protoname="icmp"></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3><layer4 protonum="1" protoname="icmp"></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="independent"><timeout>29</timeout><mark>0</mark><use>1</use><id>1867937038</id><unreplied/><deltatime>0</deltatime></meta></flow>`,
			"-A -t 29 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77"},
		{"gre", flow{proto: 47, src: "10.0.0.1", dst: "10.0.0.2", dport: 16, rsport: 16, left: 39, id: 3775134176},
			"gre      47 39 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x10 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x10 dstkey=0x0 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			`<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3><layer4 protonum="47" protoname="gre"><srckey>0x0</srckey><dstkey>0x10</dstkey></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3><layer4 protonum="47" protoname="gre"><srckey>0x10</srckey><dstkey>0x0</dstkey></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="independent"><timeout>39</timeout><mark>0</mark><use>1</use><id>3775134176</id><unreplied/><deltatime>0</deltatime></meta></flow>`,
			"-A -t 39 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p gre --srckey 0 --dstkey 16 --reply-key-src 16 --reply-key-dst 0"},
		{"udplite", flow{proto: 136, src: "10.0.0.1", dst: "10.0.0.2", sport: 9, dport: 10, rsport: 10, rdport: 9, left: 39},
			"udplite  136 39 src=10.0.0.1 dst=10.0.0.2 sport=9 dport=10 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=10 dport=9 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			"", "-A -t 39 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p udplite --sport 9 --dport 10 --reply-port-src 10 --reply-port-dst 9"},
		{"sctp", flow{proto: 132, src: "10.0.0.1", dst: "10.0.0.2", sport: 9, dport: 10, rsport: 10, rdport: 9, left: 39, state: conntrack.SCTPEstablished},
			"sctp     132 39 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=9 dport=10 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=10 dport=9 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			"", "-A -t 39 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p sctp --sport 9 --dport 10 --reply-port-src 10 --reply-port-dst 9 --state ESTABLISHED --orig-vtag 1 --reply-vtag 2"},
		{"unknown", flow{proto: 89, src: "10.0.0.1", dst: "10.0.0.2", left: 39, id: 3850812840},
			"unknown  89 39 src=10.0.0.1 dst=10.0.0.2 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			`<flow><meta direction="original"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.1</src><dst>10.0.0.2</dst></layer3><layer4 protonum="89" protoname="unknown"></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="reply"><layer3 protonum="2" protoname="ipv4"><src>10.0.0.2</src><dst>10.0.0.1</dst></layer3><layer4 protonum="89" protoname="unknown"></layer4><counters><packets>0</packets><bytes>0</bytes></counters></meta><meta direction="independent"><timeout>39</timeout><mark>0</mark><use>1</use><id>3850812840</id><unreplied/><deltatime>0</deltatime></meta></flow>`,
			"-A -t 39 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p 89"},
		{"fixed_timeout", flow{proto: 17, src: "10.1.0.2", dst: "10.0.0.2", sport: 1000, dport: 80, rsport: 80, rdport: 1000, left: 97, status: conntrack.StatusFixedTimeout},
			"udp      17 97 src=10.1.0.2 dst=10.0.0.2 sport=1000 dport=80 packets=0 bytes=0 [UNREPLIED] src=10.0.0.2 dst=10.1.0.2 sport=80 dport=1000 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			"", "-A -t 97 -u FIXED_TIMEOUT -s 10.1.0.2 -d 10.0.0.2 -r 10.0.0.2 -q 10.1.0.2 -p udp --sport 1000 --dport 80 --reply-port-src 80 --reply-port-dst 1000"},
		{"icmpv6", flow{proto: 58, src: "fd00::1", dst: "fd00::2", sport: 9, dport: 128 << 8, rsport: 9, rdport: 129 << 8, left: 37, id: 1248775434},
			"icmpv6   58 37 src=fd00::1 dst=fd00::2 type=128 code=0 id=9 packets=0 bytes=0 [UNREPLIED] src=fd00::2 dst=fd00::1 type=129 code=0 id=9 packets=0 bytes=0 mark=0 delta-time=0 use=1",
			"", "-A -t 37 -u UNSET -s fd00::1 -d fd00::2 -r fd00::2 -q fd00::1 -p icmpv6 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 9"},
	}
	for _, c := range cases {
		t.Run("B094_"+c.name, func(t *testing.T) {
			e := c.f.entry()
			var plain observe.Format
			if got := string(plain.AppendLine(nil, &e)); got != c.line {
				t.Errorf("line\ngot  %s\nwant %s", got, c.line)
			}
			full := observe.Format{Extended: true, KTimestamp: true, ID: true}
			family := "ipv4     2 "
			if e.Conn.Orig.Family == packet.IPv6 {
				family = "ipv6     10 "
			}
			want := family + strings.Replace(c.line, " use=1", " [start=Sat Nov 21 07:45:44 2026] use=1", 1)
			if got := string(full.AppendLine(nil, &e)); !strings.HasPrefix(got, want+" id=") {
				t.Errorf("extended,id,ktimestamp\ngot  %s\nwant %s id=…", got, want)
			}
			if got := string(plain.AppendXML(nil, &e)); c.xml != "" && got != c.xml {
				t.Errorf("xml\ngot  %s\nwant %s", got, c.xml)
			}
			if got := string(observe.AppendSave(nil, &e)); got != c.saved {
				t.Errorf("save\ngot  %s\nwant %s", got, c.saved)
			}
		})
	}
}

// TestKTimestampXML is the kernel's start of a connection, as recorded.
func TestKTimestampXML(t *testing.T) {
	e := flow{proto: 89, src: "10.0.0.1", dst: "10.0.0.2", left: 39, id: 3850812840}.entry()
	e.Start = 1795247144156329667
	f := observe.Format{KTimestamp: true}
	if got := string(f.AppendXML(nil, &e)); !strings.HasSuffix(got, "<unreplied/><timestamp><start>1795247144156329667</start></timestamp><deltatime>0</deltatime></meta></flow>") {
		t.Errorf("got %s", got)
	}
}

// TestLabelNames: bits by name where connlabel.conf has one, by number where
// it has none.
func TestLabelNames(t *testing.T) {
	m, err := observe.ParseLabelMap("# bits\n0 first\n1\tsecond # two\n\n40 a<b\n")
	if err != nil {
		t.Fatal(err)
	}
	e := flow{proto: 89, src: "10.0.0.1", dst: "10.0.0.2", left: 39}.entry()
	e.Conn.Label = [16]byte{0: 3, 5: 1, 15: 0x80}
	f := observe.Format{Labels: true, LabelMap: m}
	if got := string(f.AppendLine(nil, &e)); !strings.HasSuffix(got, " use=1 labels=first,second,a<b,127") {
		t.Errorf("got %s", got)
	}
	if got := string(f.AppendXML(nil, &e)); !strings.Contains(got, "<labels><label>first</label><label>second</label><label>a&lt;b</label><label>127</label></labels>") {
		t.Errorf("got %s", got)
	}
	f.LabelMap = nil
	if got := string(f.AppendLine(nil, &e)); !strings.HasSuffix(got, " labels=0,1,40,127") {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{"128 x", "x 1", "1", "1 a b", "-1 x", "01 x"} {
		if _, err := observe.ParseLabelMap("0 fine\n" + bad); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestEventsAsLinuxTellsThem plays what was sent through Linux 6.12's act_ct
// while `conntrack -E -o timestamp` ran, at the times it told: the same
// events, to the letter. The kernel tells a packet's changes when its ct
// action is done, with commit or without.
func TestEventsAsLinuxTellsThem(t *testing.T) {
	const want = `[1795247809.968859]	    [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 mark=5 zone=3
[1795247810.004581]	 [UPDATE] tcp      6 60 SYN_RECV src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 mark=5 zone=3
[1795247810.025062]	 [UPDATE] tcp      6 432000 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 [ASSURED] mark=5 zone=3
[1795247810.095240]	 [UPDATE] tcp      6 120 FIN_WAIT src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 [ASSURED] mark=5 zone=3
[1795247810.119717]	 [UPDATE] tcp      6 30 LAST_ACK src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 [ASSURED] mark=5 zone=3
[1795247810.143706]	 [UPDATE] tcp      6 120 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 [ASSURED] mark=5 zone=3
[1795247810.159997]	    [NEW] udp      17 3 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5000 mark=5 zone=3
[1795247810.177530]	 [UPDATE] udp      17 3 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5000 [OFFLOAD] mark=5 zone=3
[1795247812.823760]	 [UPDATE] udp      17 3 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=53 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5000 [OFFLOAD] mark=5 zone=3
[1795247812.897078]	    [NEW] icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=5 zone=3
[1795247812.937232]	 [UPDATE] icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=7 src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=7 mark=5 zone=3
[1795247812.998627]	[DESTROY] tcp      6 117 TIME_WAIT src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 packets=5 bytes=210 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 packets=3 bytes=120 [ASSURED] mark=5 zone=3 delta-time=3
[1795247812.998627]	    [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 mark=5 zone=3
[1795247815.354503]	[DESTROY] tcp      6 117 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=4000 dport=80 packets=1 bytes=40 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=4000 packets=0 bytes=0 mark=5 zone=3 delta-time=3
`
	var policy []string
	for _, d := range [][2]string{{"a", "b"}, {"b", "a"}} {
		policy = append(policy,
			"filter add dev "+d[0]+" ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 3 pipe action goto chain 2",
			"filter add dev "+d[0]+" ingress prio 1 chain 2 proto ip flower ct_state +trk+new action ct commit zone 3 mark 5 pipe action mirred egress redirect dev "+d[1],
			"filter add dev "+d[0]+" ingress prio 2 chain 2 proto ip flower ct_state +trk+est action mirred egress redirect dev "+d[1])
	}
	r := datapathtest.New(t, policy...)
	tr := r.E.Tracker()
	for _, kv := range []string{"acct=1", "timestamp=1", "udp_timeout=3", "udp_timeout_stream=3"} {
		name, value, _ := strings.Cut(kv, "=")
		if err := tr.Settings().Set("nf_conntrack_"+name, value); err != nil {
			t.Fatal(err)
		}
	}
	r.Now = 1795247809e9
	if err := r.E.Load(r.P, r.Now); err != nil {
		t.Fatal(err)
	}
	tr.Listen(64)
	const c, s = "10.0.0.1", "10.0.0.2"
	tcp, udp := packettest.TCP, packettest.UDP
	for _, p := range []struct {
		at    string // microseconds behind 17952478
		dev   string
		frame []byte
	}{
		{"09968859", "a", tcp(c, s, 4000, 80, "S", 1000, 0, "")},
		{"10004581", "b", tcp(s, c, 80, 4000, "SA", 5000, 1001, "")},
		{"10025062", "a", tcp(c, s, 4000, 80, "A", 1001, 5001, "")},
		{"10045000", "a", tcp(c, s, 4000, 80, "PA", 1001, 5001, "xxxxxxxxxx")},
		{"10070000", "b", tcp(s, c, 80, 4000, "A", 5001, 1011, "")},
		{"10095240", "a", tcp(c, s, 4000, 80, "FA", 1011, 5001, "")},
		{"10119717", "b", tcp(s, c, 80, 4000, "FA", 5001, 1012, "")},
		{"10143706", "a", tcp(c, s, 4000, 80, "A", 1012, 5002, "")},
		{"10159997", "a", udp(c, s, 5000, 53, "q")},
		{"10177530", "b", udp(s, c, 53, 5000, "a")},
		{"12823760", "a", udp(c, s, 5000, 53, "q")},
		{"12850000", "b", udp(s, c, 53, 5000, "a")},
		{"12897078", "a", packettest.ICMP(c, s, 8, 0, 7<<16|1, []byte("abcdefgh"))},
		{"12937232", "b", packettest.ICMP(s, c, 0, 0, 7<<16|1, []byte("abcdefgh"))},
		{"12998627", "a", tcp(c, s, 4000, 80, "S", 9000, 0, "")},
	} {
		micros := int64(0)
		for _, d := range p.at {
			micros = micros*10 + int64(d-'0')
		}
		r.Now = (1795247800e6+micros)*1e3 - 1e6 // Send adds a millisecond
		r.Send(p.dev, p.frame)
	}
	tr.Delete(1795247815354503e3, &conntrack.Match{AnyZone: true, Proto: conntrack.Exactly(6)}, nil)
	f := observe.Format{Timestamp: true}
	var got []byte
	for _, e := range tr.Events(0) {
		if observe.KindOf(e.What) == observe.KindMoved {
			continue // told on request only
		}
		entry := observe.Happened(e, true)
		got = append(f.AppendLine(got, &entry), '\n')
	}
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// TestJSON: programs are told the zone in any case.
func TestJSON(t *testing.T) {
	e := flow{proto: 6, src: "10.0.0.1", dst: "10.0.0.2", sport: 1000, dport: 80, rsport: 80, rdport: 1000, left: 99, status: conntrack.StatusAssured | conntrack.StatusSeenReply, state: conntrack.TCPEstablished, mark: 5, id: 7}.entry()
	e.Conn.Label[0] = 3
	f := observe.Format{Labels: true}
	for _, c := range []struct{ name, want string }{
		{"C32_B094_listed", `{"family":"ipv4","proto":"tcp","protonum":6,"zone":0,"timeout":99,"state":"ESTABLISHED","original":{"src":"10.0.0.1","dst":"10.0.0.2","sport":1000,"dport":80,"packets":0,"bytes":0},"reply":{"src":"10.0.0.2","dst":"10.0.0.1","sport":80,"dport":1000,"packets":0,"bytes":0},"status":["seen_reply","assured","confirmed"],"mark":5,"label":"03000000000000000000000000000000","labels":["0","1"],"id":7,"use":1,"start_ns":1795247144000000000}`},
		{"C32_B094_event", `{"event":"update","time_ns":1795247144000000000,"changed":["assured","mark"],"family":"ipv4","proto":"tcp","protonum":6,"zone":0,"timeout":99,"original":{"src":"10.0.0.1","dst":"10.0.0.2","sport":1000,"dport":80},"reply":{"src":"10.0.0.2","dst":"10.0.0.1","sport":80,"dport":1000},"status":["seen_reply","assured","confirmed"],"mark":5,"label":"03000000000000000000000000000000","labels":["0","1"],"id":7}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(f.AppendJSON(nil, &e)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
		e.What, e.Acct, e.Use, e.Start = conntrack.EventAssured|conntrack.EventMark, false, 0, 0
	}
	icmp := flow{proto: 1, src: "10.0.0.1", dst: "10.0.0.2", sport: 77, dport: icmpEcho, rsport: 77}.entry()
	if got := string(f.AppendJSON(nil, &icmp)); !strings.Contains(got, `"original":{"src":"10.0.0.1","dst":"10.0.0.2","type":8,"code":0,"id":77,`) {
		t.Errorf("got %s", got)
	}
}

// TestOffloadedForPrograms: conntrack(8)'s line has neither timeout nor state
// of what the flow table holds; JSON has both, and the flow table's own.
func TestOffloadedForPrograms(t *testing.T) {
	r := datapathtest.New(t, datapathtest.HTTPPolicy...)
	r.Handshake(40000)
	tr := r.E.Tracker()
	for ref, c := range tr.All(r.Now) {
		e := observe.Entry{Conn: c, Reply: tr.Reply(ref), Now: r.Now, Use: 1}
		for _, w := range []struct {
			name, bit string
			status    uint16
		}{{"F7_offload", "[OFFLOAD]", 0}, {"F7_hw_offload", "[HW_OFFLOAD]", conntrack.StatusHWOffload}} {
			t.Run(w.name, func(t *testing.T) {
				c.Status |= w.status
				const tuples = "src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=40000 "
				want := "tcp      6 " + tuples + w.bit + " mark=0 use=1"
				var plain observe.Format
				if got := string(plain.AppendLine(nil, &e)); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				full := observe.Format{Extended: true}
				if got := string(full.AppendLine(nil, &e)); got != "ipv4     2 "+want {
					t.Errorf("extended: %s", got)
				}
			})
		}
		t.Run("C16_json_has_state_and_timeouts", func(t *testing.T) {
			var f observe.Format
			got := string(f.AppendJSON(nil, &e))
			for _, want := range []string{`"timeout":86400,`, `"flow_timeout":30,`, `"state":"ESTABLISHED"`, `"offload","hw_offload"`} {
				if !strings.Contains(got, want) {
					t.Errorf("%s lacks %s", got, want)
				}
			}
			e.Now += 10e9
			if got := string(f.AppendJSON(nil, &e)); !strings.Contains(got, `"flow_timeout":20,`) {
				t.Errorf("ten seconds later: %s", got)
			}
			tr.Listen(4)
			r.Send("uplink_rep", packettest.TCP(datapathtest.Client, datapathtest.Server, 40000, 80, "FA", 1001, 5001, ""))
			if got := string(f.AppendJSON(nil, &e)); strings.Contains(got, "flow_timeout") || !strings.Contains(got, `"state":"FIN_WAIT"`) {
				t.Errorf("given back: %s", got)
			}
		})
		return
	}
	t.Error("no connection")
}

// TestExpect compares with what conntrack(8) prints of an expectation.
func TestExpect(t *testing.T) {
	addr := func(s string) packet.Addr { return packet.AddrFrom(netip.MustParseAddr(s)) }
	e := conntrack.Expectation{
		Tuple:    packet.Tuple{Src: addr("10.2.1.1"), Dst: addr("10.8.4.12"), DPort: 46767, Proto: 6, Family: packet.IPv4},
		MasterOf: packet.Tuple{Src: addr("10.2.1.1"), Dst: addr("10.8.4.12"), SPort: 34526, DPort: 21, Proto: 6, Family: packet.IPv4},
		Helper:   conntrack.FTP, Deadline: 300e9 + 5,
	}
	t.Run("B094_ftp", func(t *testing.T) {
		want := "300 proto=6 src=10.2.1.1 dst=10.8.4.12 sport=0 dport=46767 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.2.1.1 master-dst=10.8.4.12 sport=34526 dport=21 class=0 helper=ftp"
		if got := string(observe.AppendExpect(nil, &e, 0)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
	t.Run("C32_zone", func(t *testing.T) {
		e.Zone = 3
		if got := string(observe.AppendExpect(nil, &e, 0)); !strings.HasSuffix(got, "dport=21 zone=3 class=0 helper=ftp") {
			t.Errorf("got  %s", got)
		}
	})
}

// TestSaveOffloaded: what the flow table has is saved without timeout and
// state, which nobody tells, and without a status that nobody can ask for; as
// conntrack 1.4.7 does.
func TestSaveOffloaded(t *testing.T) {
	f := flow{proto: 6, src: "10.0.0.1", dst: "10.0.0.2", sport: 40000, dport: 80, rsport: 80, rdport: 40000, left: 39, state: conntrack.TCPEstablished}
	for _, c := range []struct {
		status uint16
		want   string
	}{
		{conntrack.StatusOffload | conntrack.StatusSeenReply | conntrack.StatusAssured, "SEEN_REPLY,ASSURED"},
		{conntrack.StatusOffload | conntrack.StatusHWOffload, "UNSET"},
	} {
		f.status = c.status
		e := f.entry()
		want := "-A -u " + c.want + " -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 40000 --dport 80 --reply-port-src 80 --reply-port-dst 40000"
		if got := string(observe.AppendSave(nil, &e)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
