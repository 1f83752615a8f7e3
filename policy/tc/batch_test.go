package tc

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"sluice/policy"
)

// TestBatch compares with what `tc -batch` and `tc -force -batch` print.
func TestBatch(t *testing.T) {
	const file = `# a policy
filter add dev d ingress prio 1 proto ip flower action pass   # the rest is a comment

tc filter add dev d ingress prio 1 proto ip \
    flower action drop
filter add dev d ingress prio 2 proto ip flower \
   ct_state +new action drop
filter add dev d ingress prio 3 proto ip flower ct_state foo action drop
filter add dev d ingress prio 4 proto ip flower action "drop"
`
	run := func(force bool) (string, *policy.Policy, error) {
		var out bytes.Buffer
		s := &Session{Policy: &policy.Policy{}, Err: &out, Force: force}
		err := s.Batch("b.tc", strings.NewReader(file))
		return out.String(), s.Policy, err
	}
	t.Run("stops_at_the_first_error", func(t *testing.T) {
		out, _, err := run(false)
		want := "RTNETLINK answers: File exists\nWe have an error talking to the kernel\n  b.tc:5:5: at \"flower\": expected a key that no filter of the preference has; the other is handle 0x1 (b.tc:2:42)\nCommand failed b.tc:5\n"
		if out != want {
			t.Errorf("got\n%s\nwant\n%s", out, want)
		}
		var e *Error
		if !errors.As(err, &e) || !errors.Is(err, policy.EEXIST) || e.Line != 5 || e.File != "b.tc" {
			t.Errorf("error %v", err)
		}
	})
	t.Run("force_goes_on", func(t *testing.T) {
		out, p, err := run(true)
		want := "RTNETLINK answers: File exists\nWe have an error talking to the kernel\n  b.tc:5:5: at \"flower\": expected a key that no filter of the preference has; the other is handle 0x1 (b.tc:2:42)\nCommand failed b.tc:5\n" +
			"Error: no trk, so no other flag can be set.\nWe have an error talking to the kernel\n  b.tc:7:13: at \"+new\": expected +trk with at most one of new, est, rel and inv, and rpl with est or rel only\nCommand failed b.tc:7\n" +
			"Illegal \"ct_state\"\n  b.tc:8:58: at \"foo\": expected +FLAG or -FLAG, joined: trk new est rel inv rpl snat dnat\nCommand failed b.tc:8\n"
		if out != want {
			t.Errorf("got\n%s\nwant\n%s", out, want)
		}
		if err == nil {
			t.Error("no error")
		}
		if n := len(p.Device("d").Block[0].Chain(0).Protos); n != 2 {
			t.Errorf("%d preferences, want 2", n)
		}
	})
	t.Run("unterminated_quote", func(t *testing.T) {
		_, _, err := Load("q.tc", strings.NewReader("\nfilter add dev 'd"))
		var e *Error
		if !errors.As(err, &e) || e.Line != 2 || e.Col != 16 || e.Msg != "Unterminated quoted string" {
			t.Errorf("error %v", err)
		}
	})
}

// TestErrors: each mistake is reported at its word, with what was expected.
func TestErrors(t *testing.T) {
	const head = "filter add dev d ingress proto ip flower "
	for _, c := range []struct {
		line, word, msg, want string
		col                   int
	}{
		{head + "ct_stat +trk", "", "", "", 0}, // a prefix
		{head + "ct_foo 5", "ct_foo", `What is "ct_foo"?`, "ct_state", 42},
		{head + "dst_port 80", "80", `Illegal "dst_port"`, "ip_proto tcp, udp or sctp before", 51},
		{head + "ip_proto tcp dst_port", "", incomplete, "PORT", 63},
		{head + "action skbmod set smac 02:00:00:00:00:01", "skbmod", `Action "skbmod" is not supported`, "ct, mirred, gact", 49},
		{head + "action foo", "foo", "Bad action type foo", "ct, mirred, gact", 49},
		{head + "action mirred egress redirect dev e goto", "", incomplete, "chain N", 82},
		{head + "action ct commit clear", "ct", "ct: clear can only be used alone", "ct clear", 49},
		{head + "action ct commit nat src addr 1.1.1.x", "1.1.1.x", `Error: any valid address is expected rather than "1.1.1.x".`, "ADDRESS", 72},
		{"filter add dev d ingress proto ippp flower", "ippp", `Error: argument "ippp" is wrong: invalid protocol`, "802.1q", 32},
		{"filter add dev d/e ingress flower", "d/e", `Error: argument "d/e" is wrong: not a valid ifname`, "15 characters", 16},
		{"filter add dev d ingress u32", "u32", `Unknown filter "u32", hence option "" is unparsable`, "flower, matchall", 26},
		{"class add dev d", "class", `Object "class" is not part of this program`, "filter", 1},
		{"-z filter show", "-z", `Option "-z" is unknown, try "tc -help".`, "-s", 1},
		{head + "dst_mac 02-00-00-00-00-01", "02-00-00-00-00-01", `Illegal "dst_mac"`, "colons", 50},
		{head + "dst_mac 02:00:00:00:00:01/49", "02:00:00:00:00:01/49", `Illegal "dst_mac": a mask of 49 bits`, "at most 48", 50},
		{head + "src_ip any", "any", "RTNETLINK answers: Numerical result out of range", "default", 49},
		{"filter add dev d ingress matchall", "matchall", "RTNETLINK answers: Invalid argument", "an action", 26},
		{"filter add dev d parent 1: proto ip flower", "1:", "Error: Parent Qdisc doesn't exists.", "ingress", 25},
		{"filter del dev d ingress pref 4", "4", "Error: Filter with specified priority/protocol not found.", "pref 7 protocol ip", 31},
		{"filter del dev d ingress chain 3 pref 4", "3", "Error: Cannot find specified filter chain.", "", 32},
		{"actions get action gact index 9", "9", "Error: TC action with specified index not found.", "instance of gact: 1", 31},
		{"actions del action ct index 9", "9", "Error: TC action with specified index not found.", "of which there are none", 29},
		{"qdisc add dev x ingress_block 5 egress_block 6 ingress", "6", "Error: Egress block sharing is not supported.", "clsact", 46},
		{"qdisc add dev x ingress_block 5 egress_block 5 clsact", "5", "Error: block dev insert failed.", "another block", 46},
		{"qdisc add dev x ingress ingress_block 5", "ingress_block", `What is "ingress_block"?`, "stand before it", 25},
		{"qdisc add ingress dev x", "dev", `What is "dev"?`, "stand before it", 19},
		{"qdisc add dev x parent ffff:fff1 ingress", "ingress", `Error: "ingress" is a duplicate parent ID`, "no parent", 34},
		{"qdisc add dev x handle 1: ingress", "", "", "", 0},
		{"actions ls action ct since 5", "", "", "", 0},
		{head + "src_ip default", "", "", "", 0},
	} {
		s := &Session{Policy: &policy.Policy{}}
		s.Run("filter add dev d ingress pref 7 proto ip flower action drop")
		err := s.Run(c.line)
		if c.msg == "" {
			if err != nil {
				t.Errorf("%s: %v", c.line, err)
			}
			continue
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		if e.Word != c.word || e.Msg != c.msg || e.Col != c.col || !strings.Contains(e.Want, c.want) {
			t.Errorf("%s:\ngot  %q %q %d %q\nwant %q %q %d %q", c.line, e.Word, e.Msg, e.Col, e.Want, c.word, c.msg, c.col, c.want)
		}
	}
}

// TestStrict: without it devices and qdiscs come with the first filter, with
// it they must be there.
func TestStrict(t *testing.T) {
	s := &Session{Policy: &policy.Policy{}, Strict: true}
	err := s.Run("filter add dev d ingress flower")
	if want := `1:16: Cannot find device "d"; expected a declared device`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	s.Policy.Declare("d")
	err = s.Run("filter add dev d ingress flower")
	if err == nil || !errors.Is(err, policy.EINVAL) || !strings.Contains(err.Error(), "Parent Qdisc doesn't exists") {
		t.Errorf("got %v", err)
	}
	if err := s.Run("filter add dev d ingress flower action mirred egress redirect dev e"); err == nil || !strings.Contains(err.Error(), `Cannot find device "e"`) {
		t.Errorf("got %v", err)
	}
	s.Strict = false
	if err := s.Run("filter add dev d egress flower action mirred egress redirect dev e"); err != nil {
		t.Error(err)
	}
	if d := s.Policy.Device("d"); d.Qdisc != "clsact" || s.Policy.Device("e") == nil {
		t.Errorf("%+v", d)
	}
	// A qdisc that nobody wrote gives way to one that is written, unless
	// something hangs on it.
	if err := s.Run("qdisc add dev d ingress"); !errors.Is(err, policy.EEXIST) {
		t.Errorf("got %v", err)
	}
	if err := s.Run("filter del dev d egress"); err != nil {
		t.Error(err)
	}
	if err := s.Run("qdisc add dev d ingress"); err != nil {
		t.Error(err)
	}
}

// TestOptions: tc's options stand before the command, and hold for it.
func TestOptions(t *testing.T) {
	var out bytes.Buffer
	s := &Session{Policy: &policy.Policy{}, Out: &out}
	for _, c := range []struct{ cmd, want string }{
		{"tc -s -j -p filter show dev d ingress", "[ ]\n"},
		{"-json filter show dev d ingress", "[]\n"},
		{"filter show dev d ingress", ""},
		{"tc -o qdisc show", "qdisc ingress ffff: dev d parent ffff:fff1 ---------------- \\"},
	} {
		if out.Len() == 0 {
			s.Run("qdisc add dev d ingress")
		}
		out.Reset()
		if err := s.Run(c.cmd); err != nil {
			t.Fatal(err)
		}
		if out.String() != c.want {
			t.Errorf("%s: got %q, want %q", c.cmd, out.String(), c.want)
		}
	}
}
