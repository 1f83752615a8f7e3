package tc

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"sluice/policy"
)

// TestMessages: what is said of a mistake, place included.
func TestMessages(t *testing.T) {
	const add = "filter add dev d ingress prio 1 proto ip flower "
	long := strings.Repeat("x", 5000)
	for _, c := range []struct{ name, text, want string }{
		{"control bytes", add + "fo\x1b[31mo\x00", `t.tc:1:49: What is "fo\x1b[31mo\x00"? (at "fo\x1b[31mo\x00"); expected a match (ct_state,`},
		{"long word", add + long, `t.tc:1:49: What is "` + long[:40] + `…"?; expected a match`},
		{"long part of a word", add + "action ct commit nat src addr 1.1.1.1-" + long, `Error: inet address is expected rather than "` + long[:39] + `… (at "1.1.1.1-`},
		{"unterminated", add + "'" + long, `t.tc:1:49: Unterminated quoted string (at "` + long[:40] + `…"); expected a closing '`},
		{"no full stop before the rest", add + "ct_state +new", `t.tc:1:58: Error: no trk, so no other flag can be set (at "+new"); expected +trk with`},
		{"line too long", add + "\n" + strings.Repeat("\x00", 3<<20), "t.tc:2:1: line too long (at \"" + strings.Repeat(`\x00`, 40) + "…\"); expected at most 1048576 bytes in a line"},
		{"skip_sw and skip_hw", add + "skip_sw skip_hw", `t.tc:1:57: RTNETLINK answers: Invalid argument (at "skip_hw"); expected skip_sw or skip_hw, not both`},
		{"too many actions", add + strings.Repeat("action pipe ", 33), `t.tc:1:42: Error: Only 32 actions supported per filter (at "flower"); expected a chain of filters`},
		{"change of a handle that is not there", add + "\nfilter change dev d ingress prio 1 proto ip handle 7 flower", `t.tc:2:52: Error: Need both RTM_NEWTFILTER and NLM_F_CREATE to create a new filter (at "7"); expected a filter that is there: pref 1 protocol ip handle 0x1; or filter add, or filter replace`},
		{"delete of a preference that is not there", add + "\nfilter del dev d ingress prio 5", `t.tc:2:31: Error: Filter with specified priority/protocol not found (at "5"); expected a filter that is there: pref 1 protocol ip handle 0x1`},
		{"add to another protocol's preference", add + "\nfilter add dev d ingress prio 1 proto ipv6 flower", `expected a preference that is free, or has this protocol`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := Load("t.tc", strings.NewReader(c.text+"\n"))
			var e *Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), strings.ReplaceAll(c.want, "fo\x1b[31mo\x00", `fo\x1b[31mo\x00`)) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			var out bytes.Buffer
			e.Print(&out)
			if s := out.String() + err.Error(); strings.ContainsAny(s, "\x00\x1b") || len(s) > 1500 || strings.Contains(s, ".;") {
				t.Errorf("not fit to be printed: %q", s)
			}
		})
	}
}

func TestByteOrderMark(t *testing.T) {
	p, _, err := Load("t.tc", strings.NewReader("\ufefffilter add dev d ingress flower action drop\n"))
	if err != nil || p.Device("d") == nil {
		t.Error(err)
	}
}

// TestNeedsDevice: what only a device may run is found wherever it is.
func TestNeedsDevice(t *testing.T) {
	p, _, err := Load("t.tc", strings.NewReader(`filter add dev d ingress prio 1 flower action drop
filter add dev d ingress prio 2 flower skip_sw action drop
filter add dev d ingress prio 3 flower skip_sw action pipe skip_sw action drop
filter add dev d egress chain 4 matchall skip_sw action drop
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range NeedsDevice(p) {
		if !errors.Is(e, policy.EOPNOTSUPP) {
			t.Errorf("%v is no %v", e, policy.EOPNOTSUPP)
		}
		got = append(got, e.Error())
	}
	want := []string{
		"t.tc:2:40: RTNETLINK answers: Operation not supported: a filter with skip_sw needs a device that offloads it, and there is none; expected no skip_sw",
		"t.tc:3:40: RTNETLINK answers: Operation not supported: a filter with skip_sw needs a device that offloads it, and there is none; expected no skip_sw",
		"t.tc:3:60: RTNETLINK answers: Operation not supported: an action with skip_sw needs a device that offloads it, and there is none; expected no skip_sw",
		"t.tc:4:42: RTNETLINK answers: Operation not supported: a filter with skip_sw needs a device that offloads it, and there is none; expected no skip_sw",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	warned := 0
	for _, w := range Check(p) {
		if w.Kind == WarnDevice {
			warned++
		}
	}
	if warned != 4 {
		t.Errorf("%d warnings, want 4", warned)
	}
}

// TestRandomOneInNone: the kernel makes 1 of 0 (act_gact.c tcf_gact_init).
func TestRandomOneInNone(t *testing.T) {
	p, _, err := Load("t.tc", strings.NewReader("filter add dev d ingress flower action pass random netrand drop 0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if s := show(t, p, "filter show dev d ingress", policy.Stats{}, 0); !strings.Contains(s, "random type netrand drop val 1") {
		t.Errorf("shown as\n%s", s)
	}
}

// TestExplainActionAlone: every row of the documentation's table can be asked
// for as it is printed there.
func TestExplainActionAlone(t *testing.T) {
	for fragment, want := range map[string]string{
		"ct nat auto":                       "ct zone 0 nat pipe",
		"ct commit nat auto":                "ct zone 0 nat pipe action ct commit zone 0 pipe",
		"ct commit nat src 1.1.1.1 1.1.1.9": "ct commit zone 0 nat src addr 1.1.1.1-1.1.1.9 pipe",
		"action ct nat auto":                "action ct zone 0 nat pipe",
		"mirrored egress redirect dev d":    "mirred egress redirect dev d",
		"ct_state +trk +est":                "ct_state +trk+est",
	} {
		if got, _, err := Explain(fragment); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", fragment, got, err, want)
		}
	}
}

// TestCheckTellsWhere: what becomes of a packet at a chain's end depends on
// where the block is, and an action that is never reached decides nothing.
func TestCheckTellsWhere(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"filter add dev d ingress flower action goto chain 9", "the packet is handed up to the stack there"},
		{"filter add dev d egress flower action goto chain 9", "the packet is let out of the device there"},
		{"filter add dev d egress protocol ip flower action ct", "which is let out of the device without"},
		{"qdisc add dev d egress_block 5 clsact\nfilter add block 5 flower action goto chain 9", "the packet is let out of the device there"},
		{"qdisc add dev d ingress_block 5 ingress\nqdisc add dev e egress_block 5 clsact\nfilter add block 5 flower action goto chain 9", "the packet is handed up to the stack or let out of the device there"},
		{"filter add dev d ingress flower action drop action ct", ""},
		{"filter add dev d ingress flower action drop random determ pipe 2 action ct", "nothing decides"},
	} {
		p, _, err := Load("t.tc", strings.NewReader(c.text+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		switch w := Check(p); {
		case c.want == "" && len(w) > 0:
			t.Errorf("%s: %v", c.text, w)
		case c.want != "" && (len(w) != 1 || !strings.Contains(w[0].Why, c.want)):
			t.Errorf("%s: %v, want %s", c.text, w, c.want)
		}
	}
}
