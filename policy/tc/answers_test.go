package tc

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"sluice/policy"
)

// asked is a line of testdata/answers.jsonl.gz: commands in order, each
// with the exit status of iproute2 6.1 on Linux 6.12 and both its streams, and
// then how `tc filter show` and `tc -j filter show` list the filters of e0.
// Both are empty where every command was refused.
type asked struct {
	Cmd        string
	Res        []answerOf
	Text, JSON string
}

type answerOf struct {
	code int
	out  string
}

func (a *answerOf) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&a.code, &a.out})
}

func readAsked(t *testing.T, file string) (all []asked) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r asked
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestAnswers asks what a real tc and kernel were asked, one small policy at a
// time, and compares exit status, messages and both listings to the byte:
// every keyword with its abbreviations, the numeric forms of every value, the
// controls and the index of every action, and actions bound by index.
func TestAnswers(t *testing.T) {
	file := "testdata/answers.jsonl.gz"
	if f := os.Getenv("ANSWERS"); f != "" {
		file = f
	}
	all := readAsked(t, file)
	for _, r := range all {
		if want, got, ok := answersAlike(&r); !ok && answersDeviate(&r) == "" {
			t.Errorf("tc %s\n got %s\nwant %s", r.Cmd, got, want)
		}
	}
	t.Logf("%d answers", len(all))
}

// answersAlike asks the commands of one recording and gives both answers where
// they first differ.
func answersAlike(r *asked) (want, got string, ok bool) {
	p := &policy.Policy{}
	for _, d := range []string{"lo", "e0", "e1"} {
		p.Declare(d)
	}
	now := int64(0)
	var out, warn bytes.Buffer
	s := &Session{Policy: p, Strict: true, Out: &out, Err: &warn, Now: func() int64 { return now }}
	s.Stats = func(*policy.Action) policy.Stats { return policy.Stats{Installed: now, LastUsed: now} }
	s.Run("qdisc add dev e0 clsact")
	s.Run("qdisc add dev e1 clsact")
	for i, cmd := range strings.Split(r.Cmd, " ; ") {
		now += 1e9
		out.Reset()
		warn.Reset()
		err := s.Run(cmd)
		got, code := "", 0
		for _, l := range strings.SplitAfter(warn.String(), "\n") {
			if strings.HasPrefix(l, "Warning:") {
				got += l
			}
		}
		got += out.String()
		if err != nil {
			msg, c := say(err)
			got, code = got+msg, c
		}
		want := early.ReplaceAllString(r.Res[i].out, "")
		want = strings.TrimRight(strings.Replace(withoutUsage(want), loopsOn, talking, 1), "\n")
		got = strings.TrimRight(withoutUsage(got), "\n")
		if code != r.Res[i].code {
			return mark(want, r.Res[i].code), mark(got, code), false
		}
		if got != want {
			return want, got, false
		}
	}
	if r.Text == "" {
		return "", "", true
	}
	out.Reset()
	s.Run("filter show dev e0 ingress")
	if out.String() != r.Text {
		return r.Text, out.String(), false
	}
	out.Reset()
	s.Run("-j filter show dev e0 ingress")
	if out.String() != r.JSON {
		return r.JSON, out.String(), false
	}
	return "", "", true
}

func mark(s string, code int) string { return fmt.Sprintf("status %d: %s", code, s) }

// early is what the kernel warns of when it offers an action to no device: here
// devices come with a replay.
var early = regexp.MustCompile(`(?m)^Warning: act_(pedit: Unsupported pedit command offload|api: Failed to setup tc actions for offload)\.\n`)

// answersDeviate gives why an answer here differs on purpose; empty: it does
// not. docs/policy-language.md says the same.
func answersDeviate(r *asked) string {
	for _, d := range purposes {
		if d.when.MatchString(r.Cmd) {
			return d.why
		}
	}
	return ""
}

var purposes = []struct {
	when *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`(csum|mpls) index|l2_miss|enc_flags|l2tp|\bspi?\b|ip_proto (es?p?|ah|l2t)\b|pfcp|cfm|nofrag|blockid|ct .*helpe`), "iproute2 6.1 does not know the word yet"},
	{regexp.MustCompile(`action \S+ .*skip_sw ;|^actions add .*skip_sw$`), "no device has been asked yet"},
	{regexp.MustCompile(`0x01|release|tcp[+,]udp|nat src 1\.1|addr \S+ (random|hash)|snat|nat (src|dst) addr [^ ]+$|(ct|commit|clear) na?t?$|nat src addr 1.1.1.1$|nat src addr 1.1.1.1 nat`), "a spelling of the papers, or of Open vSwitch; nat may be the last word"},
	{regexp.MustCompile(`\b(dst|src|d|ds|dst_|sr|src_) \d|_mac \S+|arp_[st]ha? |erspan|gtp_|geneve`), "tc looks at memory that it has not written, or sends what it has not understood"},
	{regexp.MustCompile(`action (simple|connmark|bpf|xt|skbmod|nat|ife|gate)\b|estimator|conform-exceed \S*[67]|rate (nan|inf)`), "not part of this program"},
	{regexp.MustCompile(`(dst|src)_ip (any|all|default)|addr (any|all|default)`), "an address is an address: tc sends none, and the kernel translates to nothing"},
	{regexp.MustCompile(`mirred (i 5|egress (dev|foo))`), "tc skips words that it does not know"},
	{regexp.MustCompile(`gact help|action tunnel_key unset g c`), "help is given; and one letter more is asked for"},
	{regexp.MustCompile(`random netrand (drop|pass)( -1| x| 0x5| 65536)?$`), "tc shows memory that it has not written"},
}
