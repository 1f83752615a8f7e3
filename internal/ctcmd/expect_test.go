package ctcmd

import (
	"path/filepath"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/internal/state"
	"sluice/packet"
	"sluice/packet/packettest"
)

// TestExpectations lists, counts and flushes what a helper has announced.
func TestExpectations(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 8})
	tr.Listen(16)
	now := begin
	tcp := packettest.TCP
	const c, s = "10.0.0.1", "10.0.0.2"
	for _, f := range [][]byte{
		tcp(c, s, 1000, 21, "S", 100, 0, ""), tcp(s, c, 21, 1000, "SA", 500, 101, ""), tcp(c, s, 1000, 21, "A", 101, 501, ""),
		tcp(c, s, 1000, 21, "PA", 101, 501, "USER x\r\n"), tcp(c, s, 1000, 21, "PA", 109, 501, "PORT 10,0,0,1,4,1\r\n"),
	} {
		now += 1e6
		var h packet.Headers
		var ct packet.CT
		packet.Parse(f, &h)
		h.Hash = tr.Hash(&h.Tuple)
		tr.In(now, f, &h, 0, &ct)
		if ct.Info == packet.CTNew {
			tr.SetHelper(ct.Conn, conntrack.FTP, packet.IPv4)
		}
		tr.Help(now, f, make([]byte, len(f)+conntrack.MaxGrowth), &h, &ct)
		tr.Confirm(now, &ct)
		tr.Tell(now, ct.Conn)
	}
	file := filepath.Join(t.TempDir(), "ftp.state")
	st := state.State{Clock: state.Clock{Now: now, Vector: now}, Tracker: tr}
	if err := st.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	run := func(args, out, msg string) {
		t.Helper()
		o, m, code := call(append(strings.Fields(args), "--state", file)...)
		if o != out || m != msg || code != 0 {
			t.Errorf("%s: status %d\n%s%s", args, code, o, m)
		}
	}
	t.Run("B094_table_expect", func(t *testing.T) {
		run("-L expect", "300 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=1025 mask-src=255.255.255.255 mask-dst=255.255.255.255 sport=0 dport=65535 "+
			"master-src=10.0.0.1 master-dst=10.0.0.2 sport=1000 dport=21 class=0 helper=ftp\n", banner+": 1 expectations have been shown.\n")
		run("-C expect", "1\n", "")
		run("-S expect", "cpu=0   \texpect_new=0 expect_create=1 expect_delete=0 \n", "")
		run("-L", "tcp      6 300 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=21 src=10.0.0.2 dst=10.0.0.1 sport=21 dport=1000 [ASSURED] mark=0 helper=ftp use=1\n",
			banner+": 1 flow entries have been shown.\n")
		run("-E -e NEW", "    [NEW] tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=21 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=21 dport=1000 helper=ftp\n",
			banner+": 1 flow events have been shown.\n")
		run("-F expect", "", banner+": expectation table has been emptied.\n")
		run("-C expect", "0\n", "")
		run("-C", "1\n", "")
	})
}
