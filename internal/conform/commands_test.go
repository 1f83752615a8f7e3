package conform

import (
	"encoding/hex"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
)

// udpCase sends a packet of each of three connections, in zone 3, and then
// runs commands.
func udpCase(run string) *Case {
	c := &Case{
		Name: "x", Devices: []string{"a", "b"},
		Policy: []string{"tc filter add dev a ingress prio 1 proto ip flower action ct commit zone 3 mark 0x10/0xf0 pipe action mirred egress redirect dev b"},
	}
	for port := uint16(53); port < 56; port++ {
		c.Steps = append(c.Steps, Step{In: "a", Frame: hex.EncodeToString(packettest.UDP("10.0.0.1", "10.0.0.2", 500, port, "x"))})
	}
	c.Steps = append(c.Steps, Step{Run: run})
	return c
}

// TestConntrackInSteps: steps run conntrack(8)'s commands on the tracker at
// work.
func TestConntrackInSteps(t *testing.T) {
	for run, want := range map[string]string{
		"conntrack -D -p udp --dport 53":                            "54:16 55:16",
		"conntrack -D -p udp --dport 99":                            "53:16 54:16 55:16",
		"conntrack -D -w 3":                                         "",
		"conntrack -D -w 4; conntrack -D -p udp --orig-port-dst 55": "53:16 54:16",
		"conntrack -U -p udp --dport 54 -m 5":                       "53:16 54:5 55:16",
		"conntrack -U -m 5/0x0f":                                    "53:21 54:21 55:21",
		"conntrack -U -m 0x11/0x00; conntrack -D -m 1":              "", // the value is toggled: 0x10^0x11
		"conntrack -U -p udp --dport 54 -m 5; conntrack -D -m 5":    "53:16 55:16",
		"conntrack -F":      "",
		"conntrack --flush": "",
		"conntrack -L; conntrack -C; conntrack -S; conntrack -L -m 7":     "53:16 54:16 55:16",
		"conntrack -D -s 10.0.0.0/31; tc filter del dev a ingress prio 9": "", // what the kernel refuses goes on
	} {
		a, err := Answer(udpCase(run))
		if err != nil {
			t.Errorf("%s: %v", run, err)
			continue
		}
		var got []string
		for _, e := range a.Conntrack {
			orig := e["orig"].(map[string]any)
			got = append(got, canonical(orig["dport"])+":"+canonical(e["mark"]))
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", run, s, want)
		}
		if last := a.Steps[len(a.Steps)-1]; (want != "53:16 54:16 55:16") != (last.Conntrack != nil) {
			t.Errorf("%s: table given: %v", run, last.Conntrack != nil)
		}
	}
	for _, run := range []string{"conntrack -D --dport 53", "conntrack -E", "conntrack -I -p udp", "conntrack", "conntrack -D --state-file x", "conntrack -U -m x", "reboot", "tc filter frobnicate"} {
		if _, err := Answer(udpCase(run)); err == nil || !strings.Contains(err.Error(), "step 3") {
			t.Errorf("%s: %v", run, err)
		}
	}
}

// TestBothSidesOfAPort: a port may have clsact, from the case, its policy or
// its recorded listings, and hits tell ingress and egress filters apart.
func TestBothSidesOfAPort(t *testing.T) {
	frame := hex.EncodeToString(packettest.UDP("10.0.0.1", "10.0.0.2", 500, 53, "x"))
	base := Case{
		Name: "x", Devices: []string{"a", "b"}, Qdisc: "clsact",
		Policy: []string{
			"tc filter add dev a ingress prio 1 proto ip flower action mirred egress redirect dev b",
			"tc filter add dev b egress prio 1 proto ip flower dst_ip 10.0.0.2 action drop",
			"tc filter add dev b ingress prio 1 proto ip flower dst_ip 10.0.0.2 action drop",
		},
		Steps: []Step{{In: "a", Frame: frame}, {In: "b", Frame: frame}},
	}
	a, err := Answer(&base)
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Steps[0]; s.Verdict != "drop" || len(s.Hits) != 2 || s.Hits[0].Dir != "ingress" || s.Hits[1].Dev != "b" || s.Hits[1].Dir != "egress" {
		t.Errorf("%+v", s)
	}
	if s := a.Steps[1]; len(s.Hits) != 1 || s.Hits[0].Dir != "ingress" {
		t.Errorf("%+v", s)
	}
	if d := Compare(a, a); d != "" {
		t.Error(d)
	}
	swapped, err := Answer(&base)
	if err != nil {
		t.Fatal(err)
	}
	swapped.Steps[0].Hits[1].Dir = "ingress"
	if d := Compare(swapped, a); !strings.Contains(d, "filter b chain 0") {
		t.Errorf("the side of a hit does not count: %q", d)
	}
	old, err := Answer(&base) // a recording that does not tell the sides apart
	if err != nil {
		t.Fatal(err)
	}
	for i := range old.Steps {
		for j := range old.Steps[i].Hits {
			old.Steps[i].Hits[j].Dir = ""
		}
	}
	if d := Compare(old, a); d != "" {
		t.Error(d)
	}
	listed := base // the listings say that there was clsact
	listed.Qdisc, listed.Filters = "", a.Filters
	if b, err := Answer(&listed); err != nil || Compare(a, b) != "" {
		t.Errorf("%v", err)
	}
	bad := base
	bad.Qdisc = "fq"
	if _, err := Answer(&bad); err == nil || !strings.Contains(err.Error(), "clsact") {
		t.Errorf("%v", err)
	}
	none := base
	none.Qdisc, none.Steps = "none", nil
	if b, err := Answer(&none); err != nil || len(b.Refused) != 3 {
		t.Errorf("%v, %+v", err, b)
	}
}

// TestExpectationsHaveNoZone: a dump does not say in which zone an expectation
// is (nf_conntrack_netlink.c ctnetlink_exp_dump_expect), so that two of two
// zones look alike.
func TestExpectationsHaveNoZone(t *testing.T) {
	x := conntrack.Expectation{Zone: 7, Tuple: packet.Tuple{Proto: packet.ProtoTCP, Family: packet.IPv4, DPort: 5}, Helper: conntrack.FTP}
	e := expectation(&x, 0)
	if _, has := e["zone"]; has {
		t.Errorf("%v", e)
	}
	y := x
	y.Tuple.DPort = 6
	other := expectation(&y, 0)
	for _, c := range []struct {
		want, got []Entry
		says      string
	}{
		{[]Entry{e, e}, []Entry{e, e}, ""}, {[]Entry{e, e}, []Entry{e}, "missing"}, {[]Entry{e}, []Entry{e, e}, "not expected"},
		{[]Entry{e, other}, []Entry{other, e}, ""}, {[]Entry{e, other}, []Entry{e, e}, "missing"}, {nil, []Entry{e}, "not expected"},
	} {
		if d := compareExpectations(c.want, c.got); (d == "") != (c.says == "") || !strings.Contains(d, c.says) {
			t.Errorf("%d of %d: %q, want %q", len(c.got), len(c.want), d, c.says)
		}
	}
}
