package ctcmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/flowtable"
	"sluice/internal/state"
	"sluice/packet"
	"sluice/packet/packettest"
)

const begin = int64(1795247144e9)

// saved writes a state in which frames have been committed, a zone to each,
// and a listener has heard of it; 12 s later it is saved.
func saved(t testing.TB, sysctls ...string) string {
	t.Helper()
	set := conntrack.DefaultSettings()
	for _, kv := range sysctls {
		name, value, _ := strings.Cut(kv, "=")
		if err := set.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	tr := conntrack.New(conntrack.Config{MaxConns: 64, Settings: set})
	tr.Listen(64)
	now := begin
	send := func(zone uint16, frame []byte) {
		now += 1e6
		var h packet.Headers
		var ct packet.CT
		packet.Parse(frame, &h)
		h.Hash = tr.Hash(&h.Tuple)
		tr.In(now, frame, &h, zone, &ct)
		tr.Confirm(now, &ct)
		tr.Tell(now, ct.Conn)
		tr.Discard(&ct)
	}
	const c, s = "10.0.0.1", "10.0.0.2"
	send(0, packettest.TCP(c, s, 1000, 80, "S", 1, 0, ""))
	send(0, packettest.TCP(s, c, 80, 1000, "SA", 9, 2, ""))
	send(0, packettest.TCP(c, s, 1000, 80, "A", 2, 10, ""))
	send(7, packettest.TCP(c, s, 1000, 80, "S", 1, 0, ""))
	send(0, packettest.UDP(c, "10.0.0.3", 53, 53, ""))
	send(7, packettest.UDP(c, "10.0.0.3", 53, 53, ""))
	send(0, packettest.ICMP(c, s, 8, 0, 77<<16|1, nil))
	send(0, packettest.UDP("fd00::1", "fd00::2", 1000, 80, ""))
	send(0, packettest.IP(c, s, packet.ProtoGRE, []byte{0, 0, 8, 0}))
	for ref, conn := range tr.All(now) {
		if conn.Zone == 7 {
			tr.SetMark(ref, 0x12, 0xff)
			tr.SetLabel(ref, [16]byte{0: 1, 5: 1}, [16]byte{})
		}
	}
	st := state.State{Clock: state.Clock{Now: begin + 12e9, Vector: begin + 12e9}, Tracker: tr}
	path := filepath.Join(t.TempDir(), "table.state")
	if err := st.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func call(args ...string) (stdout, stderr string, code int) {
	var out, err bytes.Buffer
	code = Run(args, &out, &err)
	return out.String(), err.String(), code
}

const (
	tcpLine  = "tcp      6 431988 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 [ASSURED] mark=0 use=1\n"
	tcp7Line = "tcp      6 108 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=18 zone=7 use=1\n"
	udpLine  = "udp      17 18 src=10.0.0.1 dst=10.0.0.3 sport=53 dport=53 [UNREPLIED] src=10.0.0.3 dst=10.0.0.1 sport=53 dport=53 mark=0 use=1\n"
	udp7Line = "udp      17 18 src=10.0.0.1 dst=10.0.0.3 sport=53 dport=53 [UNREPLIED] src=10.0.0.3 dst=10.0.0.1 sport=53 dport=53 mark=18 zone=7 use=1\n"
	icmpLine = "icmp     1 18 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 type=0 code=0 id=77 mark=0 use=1\n"
	udp6Line = "udp      17 18 src=fd00::1 dst=fd00::2 sport=1000 dport=80 [UNREPLIED] src=fd00::2 dst=fd00::1 sport=80 dport=1000 mark=0 use=1\n"
	greLine  = "gre      47 18 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=0 use=1\n"
)

// TestFilters lists with each of conntrack(8)'s filters.
func TestFilters(t *testing.T) {
	file := saved(t)
	names := filepath.Join(t.TempDir(), "connlabel.conf")
	if err := os.WriteFile(names, []byte("0 first\n1 second\n40 forty\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	all := []string{tcpLine, tcp7Line, udpLine, udp7Line, icmpLine, udp6Line, greLine}
	for _, c := range []struct {
		args string
		want []string
	}{
		{"-L", all},
		{"--dump", all},
		{"-L conntrack", all},
		{"-L -f ipv4", []string{tcpLine, tcp7Line, udpLine, udp7Line, icmpLine, greLine}},
		{"-L --family=ipv6", []string{udp6Line}},
		{"-L -p tcp", []string{tcpLine, tcp7Line}},
		{"-L -p TCP", []string{tcpLine, tcp7Line}},
		{"-L -p 6", []string{tcpLine, tcp7Line}},
		{"-L --proto udp", []string{udpLine, udp7Line, udp6Line}},
		{"-L -p ipv6-icmp", nil},
		{"-L -p gre --srckey 0x0 --dstkey 0 --reply-key-src 0 --reply-key-dst 0", []string{greLine}},
		{"-L -p gre --srckey 5", nil},
		{"-L -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77", []string{icmpLine}},
		{"-L -p icmp --icmp-id 78", nil},
		{"-L -p icmp --icmp-type 0", nil},
		{"-L -p icmpv6 --icmpv6-type 128", nil},
		{"-L -p tcp --sport 1000", []string{tcpLine, tcp7Line}},
		{"-L -p tcp --orig-port-src=1001", nil},
		{"-L -p udp --dport 53 --orig-port-dst 53", []string{udpLine, udp7Line}},
		{"-L -p tcp --reply-port-src 80 --reply-port-dst 1000", []string{tcpLine, tcp7Line}},
		{"-L -p tcp --state ESTABLISHED", []string{tcpLine}},
		{"-L -p tcp --state SYN_SENT", []string{tcp7Line}},
		{"-L -p tcp --state LISTEN", nil},
		{"-L -s 10.0.0.1 -d 10.0.0.3", []string{udpLine, udp7Line}},
		{"-L --orig-src 10.0.0.0/24 --orig-dst 10.0.0.2/31", []string{tcpLine, tcp7Line, udpLine, udp7Line, icmpLine, greLine}},
		{"-L -s 10.0.0.9 --mask-src 255.255.255.0 -d 10.0.0.3", []string{udpLine, udp7Line}},
		{"-L -d 10.1.0.3 --mask-dst 255.0.0.255", []string{udpLine, udp7Line}},
		{"-L -s fd00::/16", []string{udp6Line}},
		{"-L -s fd00::1", []string{udp6Line}},
		{"-L -r 10.0.0.3", []string{udpLine, udp7Line}},
		{"-L -q fd00::1", []string{udp6Line}},
		{"-L -w 7", []string{tcp7Line, udp7Line}},
		{"-L -w 0x7 -p tcp", []string{tcp7Line}},
		{"-L --zone 0 -p udp", []string{udpLine, udp6Line}},
		{"-L --orig-zone 7", nil},
		{"-L --reply-zone 7", nil},
		{"-L --orig-z 0 -p gre", []string{greLine}},
		{"-L -m 18", []string{tcp7Line, udp7Line}},
		{"-L -m 0x10/0x10", []string{tcp7Line, udp7Line}},
		{"-L --mark 2/1 -p tcp", []string{tcpLine, tcp7Line}},
		{"-L -m 19", nil},
		{"-L -u ASSURED", []string{tcpLine}},
		{"-L -u seen_reply,assured", []string{tcpLine}},
		{"-L -u OFFLOAD", nil},
		{"-L -u UNREPLIED", []string{tcp7Line, udpLine, udp7Line, icmpLine, udp6Line, greLine}},
		{"-L -p tcp -u unreplied", []string{tcp7Line}},
		{"-L -u UNREPLIED,SEEN_REPLY", nil},
		{"-L -u HW_OFFLOAD,FIXED_TIMEOUT,EXPECTED", nil},
		{"-L -l 0", []string{tcp7Line, udp7Line}},
		{"-L -l 0,40", []string{tcp7Line, udp7Line}},
		{"-L -l 0 -l 40 -p udp", []string{udp7Line}},
		{"-L -l 1", nil},
		{"-L -l first,forty --connlabel " + names, []string{tcp7Line, udp7Line}},
		{"-L -l second --connlabel " + names, nil},
		{"-L -l 0x01/0x01 -p udp", []string{udp7Line}},
		{"-L -l 0x00/0x01 -p gre", []string{greLine}},
		{"-L -l 0x01000000000100000000000000000000 -p tcp", []string{tcp7Line}},
		{"-L -n", nil},
		{"-L -g 10.0.0.1", nil},
		{"-L --any-nat", nil},
		{"-L -n 10.0.0.1:80", nil},
	} {
		t.Run("B094_"+strings.ReplaceAll(c.args, "/", "_"), func(t *testing.T) {
			out, msg, code := call(append([]string{"--state-file", file}, strings.Fields(c.args)...)...)
			if want := strings.Join(c.want, ""); out != want {
				t.Errorf("got\n%swant\n%s", out, want)
			}
			if want := fmt.Sprintf("conntrack v1.4.7 (conntrack-tools): %d flow entries have been shown.\n", strings.Count(out, "\n")); msg != want || code != 0 {
				t.Errorf("%q, status %d, want %q", msg, code, want)
			}
		})
	}
}

// TestDelete: what goes is shown with its zone, and is gone from the file.
func TestDelete(t *testing.T) {
	for _, c := range []struct {
		name, args string
		want       string
		left       int
	}{
		{"C32_the_zone_keeps_its_twin", "-w 7 -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80", tcp7Line, 6},
		{"C32_zone_0_is_a_zone", "-w 0 -p tcp", tcpLine, 6},
		{"C08_by_tuple", "-p udp -s 10.0.0.1 -d 10.0.0.3 --sport 53 --dport 53", udpLine + udp7Line, 5},
		{"C08_by_zone", "-w 7", tcp7Line + udp7Line, 5},
		{"C08_by_mark", "-m 0x12/0xff", tcp7Line + udp7Line, 5},
		{"C08_by_label", "-l 40", tcp7Line + udp7Line, 5},
		{"B050_by_part_of_the_reply_tuple", "-r 10.0.0.3", udpLine + udp7Line, 5},
		{"B050_by_label_under_a_mask", "-l 0x01/0x01 -p tcp", tcp7Line, 6},
		{"B094_by_family", "-f ipv6", udp6Line, 6},
		{"B094_everything", "", tcpLine + tcp7Line + udpLine + udp7Line + icmpLine + udp6Line + greLine, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := saved(t)
			out, msg, code := call(strings.Fields("-D --state-file " + file + " " + c.args)...)
			if out != c.want || code != 0 {
				t.Errorf("status %d, got\n%swant\n%s", code, out, c.want)
			}
			if want := fmt.Sprintf("conntrack v1.4.7 (conntrack-tools): %d flow entries have been deleted.\n", 7-c.left); msg != want {
				t.Errorf("%q, want %q", msg, want)
			}
			if out, _, _ := call("-C", "--state-file", file); out != fmt.Sprintln(c.left) {
				t.Errorf("%s are left, want %d", out, c.left)
			}
			if out, _, _ := call("-E", "-e", "DESTROY", "--state-file", file); strings.Count(out, "[DESTROY]") != 7-c.left {
				t.Errorf("events\n%s", out)
			}
			if _, msg, code := call(strings.Fields("-D --state-file " + file + " " + c.args)...); code != 1 || !strings.Contains(msg, ": 0 flow entries have been deleted.") {
				t.Errorf("a second time: %q, %d", msg, code)
			}
		})
	}
	t.Run("C08_offloaded_ones_too", func(t *testing.T) {
		// A connection in a flow table is deleted like any other, and its
		// line says where it was.
		file := offloaded(t)
		out, _, code := call("-D", "-p", "tcp", "--state-file", file)
		if code != 0 || !strings.Contains(out, "[OFFLOAD] mark=0 use=2") {
			t.Errorf("status %d, %q", code, out)
		}
		s, err := state.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Sync(); err != nil {
			t.Fatal(err)
		}
		if n := s.Tracker.Len(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

// TestOtherCommands runs the rest of the commands.
func TestOtherCommands(t *testing.T) {
	t.Run("B094_get", func(t *testing.T) {
		file := saved(t)
		for args, want := range map[string]string{
			"-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80":                   tcpLine,
			"-p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1000 --dport 80 -w 7":              tcp7Line,
			"-p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 77": icmpLine,
			"-p gre -s 10.0.0.1 -d 10.0.0.2 --srckey 0 --dstkey 0":                     greLine,
		} {
			out, msg, code := call(append([]string{"-G", "--state-file", file}, strings.Fields(args)...)...)
			if want := strings.Replace(want, "use=1", "use=2", 1); out != want || code != 0 || !strings.Contains(msg, ": 1 flow entries have been shown.") {
				t.Errorf("%s: status %d, %q\ngot  %swant %s", args, code, msg, out, want)
			}
		}
		out, _, _ := call(strings.Fields("-G -o xml -p udp -s fd00::1 -d fd00::2 --sport 1000 --dport 80 --state-file " + file)...)
		if !strings.HasPrefix(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n<flow>") || !strings.HasSuffix(out, "</flow>\n</conntrack>\n") {
			t.Errorf("xml: %s", out)
		}
	})
	t.Run("B094_zero", func(t *testing.T) {
		file := saved(t, "nf_conntrack_acct=1")
		first, _, code := call("-L", "-z", "--state-file", file)
		if code != 0 || !strings.Contains(first, "packets=2 bytes=80 src=") {
			t.Errorf("status %d, %s", code, first)
		}
		second, _, _ := call("-L", "--state-file", file)
		if strings.Count(second, "packets=0 bytes=0") != 14 {
			t.Errorf("afterwards\n%s", second)
		}
	})
	t.Run("B094_flush", func(t *testing.T) {
		file := saved(t)
		out, msg, code := call("-F", "--state-file", file)
		if out != "" || msg != "conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n" || code != 0 {
			t.Errorf("%q %q %d", out, msg, code)
		}
		if out, _, _ := call("-C", "--state-file", file); out != "0\n" {
			t.Errorf("%s are left", out)
		}
	})
	t.Run("B094_count_and_statistics", func(t *testing.T) {
		file := saved(t)
		for args, want := range map[string]string{
			"-C": "7\n", "-C conntrack": "7\n", "-C expect": "0\n", "-C dying": "0\n",
			"-S":        "cpu=0   \tfound=0 invalid=0 insert=7 insert_failed=0 drop=0 early_drop=0 error=0 search_restart=0 clash_resolve=0 chaintoolong=0 \n",
			"-S expect": "cpu=0   \texpect_new=0 expect_create=0 expect_delete=0 \n",
		} {
			if out, msg, code := call(append(strings.Fields(args), "--state", file)...); out != want || msg != "" || code != 0 {
				t.Errorf("%s: %q %q %d, want %q", args, out, msg, code, want)
			}
		}
	})
	t.Run("C21_ports_used_up", func(t *testing.T) {
		tr := conntrack.New(conntrack.Config{MaxConns: 64})
		pool := conntrack.NATRange{Manip: conntrack.SrcNAT, HasAddr: true, Family: packet.IPv4, Min: packet.Addr{192, 0, 2, 1}, Max: packet.Addr{192, 0, 2, 1}, HasPort: true, MinPort: 7, MaxPort: 7}
		for n := range uint16(4) {
			frame := packettest.UDP("10.0.0.1", "10.0.0.2", 1000+n, 53, "")
			var h packet.Headers
			var ct packet.CT
			packet.Parse(frame, &h)
			h.Hash = tr.Hash(&h.Tuple)
			tr.In(begin, frame, &h, 0, &ct)
			if _, res := tr.NAT(begin, frame, &h, &ct, &pool, true); res == conntrack.Accept {
				tr.Confirm(begin, &ct)
			}
			tr.Discard(&ct)
		}
		st, file := state.State{Clock: state.Clock{Now: begin, Vector: begin}, Tracker: tr}, filepath.Join(t.TempDir(), "s")
		if err := st.WriteFile(file); err != nil {
			t.Fatal(err)
		}
		if out, msg, _ := call("-S", "--state", file); !strings.HasSuffix(out, " chaintoolong=0 nat_exhausted=3 \n") {
			t.Errorf("%q %q", out, msg)
		}
	})
	t.Run("B094_other_tables", func(t *testing.T) {
		file := saved(t)
		for args, want := range map[string]string{
			"-L expect": "0 expectations have been shown.", "-L dying": "0 flow entries have been shown.", "-L unconfirmed": "0 flow entries have been shown.",
			"-F expect": "expectation table has been emptied.", "-E expect": "0 expectation events have been shown.",
		} {
			if out, msg, code := call(append(strings.Fields(args), "--state", file)...); out != "" || msg != banner+": "+want+"\n" || code != 0 {
				t.Errorf("%s: %q %q %d", args, out, msg, code)
			}
		}
	})
	t.Run("C15_moves_are_shown_on_request", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "moved.state")
		s, err := state.ReadFile(saved(t))
		if err != nil {
			t.Fatal(err)
		}
		for ref := range s.Tracker.Known() {
			s.Tracker.Moved(s.Clock.Now, ref, conntrack.EventHWOffload, s.Tracker.DeviceNumber("nic0"), 0)
			break
		}
		if err := s.WriteFile(file); err != nil {
			t.Fatal(err)
		}
		for args, want := range map[string]int{"-E": 0, "-E -e ALL": 0, "-E -e OFFLOAD": 1, "-E -e NEW,offload": 1} {
			out, _, code := call(append(strings.Fields(args), "--state-file", file)...)
			if n := strings.Count(out, "[HW_OFFLOAD] "); n != want || code != 0 || n > 0 && !strings.Contains(out, " device=nic0\n") {
				t.Errorf("%s: %d lines, want %d:\n%s", args, n, want, out)
			}
		}
	})
	t.Run("B094_events", func(t *testing.T) {
		file := saved(t)
		for args, want := range map[string]string{
			"-E": "NUANNNNNN", "-E -e ALL": "NUANNNNNN", "-E -e NEW": "NNNNNNN", "-E -e updates": "UA", "-E -e DESTROY": "",
			"-E -e NEW,UPDATES -p tcp": "NUAN", "-E -w 7": "NN", "-E -b 4096 -s fd00::1": "N", "-E --orig-zone 7": "", "-E -m 18": "",
		} {
			out, msg, code := call(append(strings.Fields(args), "--state-file", file)...)
			got := ""
			for _, l := range strings.Split(strings.TrimSuffix(out, "\n"), "\n") {
				switch {
				case strings.HasPrefix(l, "    [NEW] "):
					got += "N"
				case strings.HasPrefix(l, " [UPDATE] ") && strings.Contains(l, "[ASSURED]"):
					got += "A"
				case strings.HasPrefix(l, " [UPDATE] "):
					got += "U"
				case l != "":
					got += "?"
				}
			}
			if got != want || code != 0 || msg != fmt.Sprintf("%s: %d flow events have been shown.\n", banner, len(want)) {
				t.Errorf("%s: %s, want %s; %q", args, got, want, msg)
			}
		}
	})
	t.Run("B094_events_in_each_format", func(t *testing.T) {
		file := saved(t)
		for args, want := range map[string]string{
			"-o timestamp":      "[1795247144.001000]\t    [NEW] tcp      6 120 SYN_SENT src=",
			"-o extended,id":    "    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=",
			"-o xml":            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n<flow type=\"new\"><meta direction=\"original\">",
			"-o save":           "-A -t 120 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p tcp --sport 1000",
			"-o userspace":      "    [NEW] tcp      6 120 SYN_SENT src=",
			"-o labels":         "    [NEW] tcp      6 120 SYN_SENT src=",
			"-o ktimestamp":     "    [NEW] tcp      6 120 SYN_SENT src=",
			"--output EXTENDED": "    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=",
		} {
			if out, _, code := call(append([]string{"-E", "--state-file", file}, strings.Fields(args)...)...); !strings.HasPrefix(out, want) || code != 0 {
				t.Errorf("%s: %.200s", args, out)
			}
		}
		out, _, _ := call("-E", "--state-file", file, "-o", "xml,timestamp")
		if !strings.Contains(out, "<when><hour>7</hour><min>45</min><sec>44</sec><wday>7</wday><day>21</day><month>11</month><year>2026</year></when></flow>\n") {
			t.Errorf("%.800s", out)
		}
	})
	t.Run("B094_ends_that_nobody_noticed", func(t *testing.T) {
		// With a timeout of two seconds the UDP connections are over, though
		// no packet has met them since.
		file := saved(t, "nf_conntrack_udp_timeout=2")
		out, _, _ := call("-E", "-e", "DESTROY", "-o", "timestamp", "--state-file", file)
		want := "[1795247146.005000]\t[DESTROY] udp      17 src=10.0.0.1 dst=10.0.0.3 sport=53 dport=53 [UNREPLIED] src=10.0.0.3 dst=10.0.0.1 sport=53 dport=53\n"
		if strings.Count(out, "\n") != 3 || !strings.HasPrefix(out, want) {
			t.Errorf("got\n%swant\n%s…", out, want)
		}
		if out, _, _ := call("-C", "--state-file", file); out != "4\n" {
			t.Errorf("%s live", out)
		}
	})
	t.Run("B094_help_and_version", func(t *testing.T) {
		if out, _, code := call("-V"); out != "conntrack v1.4.7 (conntrack-tools)\n" || code != 0 {
			t.Errorf("%q %d", out, code)
		}
		for _, args := range [][]string{nil, {"-h"}, {"--help"}} {
			if out, _, code := call(args...); !strings.Contains(out, "Usage: sluice conntrack") || code != 0 {
				t.Errorf("%v: %q %d", args, out, code)
			}
		}
	})
}

// offloaded is a state with one connection, and that in a flow table.
func offloaded(t testing.TB) string {
	tr := conntrack.New(conntrack.Config{MaxConns: 8})
	set := flowtable.New(tr)
	table := set.Acquire(0, begin)
	now := begin
	for i, f := range [][]byte{
		packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 80, "S", 1, 0, ""),
		packettest.TCP("10.0.0.2", "10.0.0.1", 80, 1000, "SA", 9, 2, ""),
		packettest.TCP("10.0.0.1", "10.0.0.2", 1000, 80, "A", 2, 10, ""),
	} {
		now += 1e6
		var h packet.Headers
		var ct packet.CT
		packet.Parse(f, &h)
		h.Hash = tr.Hash(&h.Tuple)
		tr.In(now, f, &h, 0, &ct)
		tr.Confirm(now, &ct)
		table.Offer(now, ct.Conn, ct.Info, 0)
		if held := table.Len(); held != i/2 {
			t.Fatalf("%d flows after packet %d", held, i+1)
		}
	}
	st := state.State{Clock: state.Clock{Now: now, Vector: now}, Tracker: tr, Tables: set.Save(), Flows: set.Counters()}
	path := filepath.Join(t.TempDir(), "offloaded.state")
	if err := st.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}
