package tc

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/policy"
)

// exchange is a tc command with what iproute2 6.1 on Linux 6.12 answered, both
// output streams in one, and the exit status.
type exchange struct {
	line   int
	cmd    string
	answer string
	code   int
}

func readTranscript(t *testing.T, file string) (out []exchange) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range strings.SplitAfter(string(text), "\n") {
		l = strings.TrimSuffix(l, "\n")
		switch {
		case strings.HasPrefix(l, "$ tc "):
			out = append(out, exchange{line: i + 1, cmd: l[5:], code: -1})
		case strings.HasPrefix(l, "rc="):
			out[len(out)-1].code, _ = strconv.Atoi(l[3:])
		case l != "" || len(out) > 0 && out[len(out)-1].code < 0:
			out[len(out)-1].answer += l + "\n"
		}
	}
	return out
}

// say gives what tc would print for an error, without the place that this
// program adds.
func say(err error) (string, int) {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error(), -1
	}
	return strings.Join(append([]string{e.Msg}, e.Detail...), "\n") + "\n", e.Code()
}

// withoutUsage cuts the usage text that tc appends to many errors.
func withoutUsage(s string) string {
	for _, u := range []string{"Usage:", "usage:"} {
		if i := strings.Index("\n"+s, "\n"+u); i >= 0 {
			s = s[:i]
		}
	}
	return s
}

// TestTranscripts replays whole dialogues with a real tc and kernel and
// compares every answer to the byte. Options, abbreviations, refusals and both
// output forms are in them.
func TestTranscripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	if len(files) == 0 {
		t.Fatal("no transcripts")
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			p := &policy.Policy{}
			for _, d := range []string{"lo", "e0", "e1"} {
				p.Declare(d)
			}
			now := int64(0)
			var out, warn bytes.Buffer
			s := &Session{Policy: p, Strict: true, Out: &out, Err: &warn, Now: func() int64 { return now }}
			s.Stats = func(*policy.Action) policy.Stats { return policy.Stats{Installed: now, LastUsed: now} }
			s.Run("qdisc add dev e0 ingress")
			s.Run("qdisc add dev e1 clsact")
			for _, x := range readTranscript(t, f) {
				if deviates[x.cmd] != "" {
					continue // would leave another policy behind
				}
				now += 1e9 // each was a process of its own
				out.Reset()
				warn.Reset()
				err := s.Run(x.cmd)
				got, code := out.String(), 0
				for _, l := range strings.SplitAfter(warn.String(), "\n") {
					if strings.HasPrefix(l, "Warning:") {
						got += l
					}
				}
				if err != nil {
					msg, c := say(err)
					got, code = got+msg, c
				}
				want := strings.Replace(withoutUsage(x.answer), loopsOn, talking, 1)
				want, got = strings.TrimRight(want, "\n"), strings.TrimRight(withoutUsage(got), "\n")
				if got != want {
					t.Errorf("line %d: tc %s (-tc +here):\n%s", x.line, x.cmd, cmp.Diff(want, got))
				}
				if code != x.code {
					t.Errorf("line %d: tc %s: exit status %d, tc's is %d", x.line, x.cmd, code, x.code)
				}
			}
		})
	}
}

// deviates lists the commands of the transcripts that answer otherwise here,
// and why.
var deviates = map[string]string{
	"chain show dev e0 ingress": lastTwice, "chain show dev e0 egress": lastTwice, "chain show dev e0 parent ffff:": lastTwice,
	"actions ls action foo":          takesGact,
	"actions get action foo index 5": takesGact,
	"actions add action tunnel_key set id 5 src_ip 10.0.0.1 dst_ip 10.0.0.2 nofrag":                           newer,
	"filter add dev e0 ingress prio 219 proto ip flower action csum index 60":                                 newer,
	"filter add dev e0 ingress prio 96 proto ip flower action csum index 1":                                   newer,
	"filter add dev e0 ingress prio 129 proto ip flower action mpls index 40":                                 newer,
	"actions add action drop skip_sw":                                                                         "no device has been asked yet",
	"filter get block 5 proto ip pref 49152 handle 1 flower":                                                  "iproute2 6.1 wants a parent even with a block; later ones do not",
	"filter add dev e0 ingress prio 12 proto ip flower ip_proto l2tp l2tpv3_sid 99 action pass":               newer,
	"filter add dev e0 ingress prio 12 proto ip flower l2tpv3_sid 99 action pass":                             newer,
	"filter add dev e0 ingress prio 12 proto ip flower ip_proto 73 l2tpv3_sid 99 action pass":                 newer,
	"filter add dev e0 ingress prio 13 proto ip flower enc_dst_ip fd00::1 enc_src_ip 2.2.2.2 action pass":     "the kernel mixes the two up in one field",
	"filter add dev e0 ingress prio 14 proto ip flower ct_label 0x12 action pass":                             papers,
	"filter add dev e0 ingress prio 14 proto ip flower ct_label 12/0xff action pass":                          papers,
	"filter add dev e0 ingress prio 14 proto ip flower ct_state +trk +est action pass":                        papers,
	"filter add dev e0 ingress prio 15 proto ip flower dst_mac 02:00:00:00:00:01/0 action pass":               "tc shifts by 64 bits, which is undefined in C",
	"filter add dev e0 ingress prio 15 proto ip flower skip_sw dst_ip 4.4.4.4 action pass":                    "no device has been asked yet",
	"filter add dev e0 ingress prio 16 proto ip flower dst_ip 1.1.1.4 action mirrored egress redirect dev e1": papers,
	"filter add dev e0 ingress prio 18 proto ip flower dst_ip 1.1.1.3 action ct nat":                          "nat may be the last word here",
	"filter add dev e0 ingress prio 18 proto ip flower dst_ip 1.1.1.3 action ct label 0x11 pipe":              papers,
	"filter add dev e0 ingress prio 18 proto ip flower dst_ip 1.1.1.3 action ct ct_zone 5 pipe":               papers,
	"filter add dev e0 ingress prio 210 proto ip flower action csum ip4h+icmp+igmp+tcp+udp+udplite+sctp":      joined,
	"filter add dev e0 ingress prio 211 proto ip flower action csum tcp+udp pipe":                             joined,
	"filter add dev e0 ingress prio 212 proto ip flower action csum tcp,udp":                                  joined,
	"filter add dev e0 ingress prio 213 proto ip flower action csum tcp, udp":                                 joined,
	"filter add dev e0 ingress prio 102 proto ip flower action csum ip,tcp":                                   joined,
	"-V":                               "this is not iproute2",
	"qdisc show dev e0":                "other qdiscs are not shown",
	"actions ls action gact since 5 6": "tc leaves words unread",
}

const (
	joined    = "targets of csum may be joined by + or a comma here"
	newer     = "iproute2 6.1 does not know the word yet"
	papers    = "a spelling of the papers"
	lastTwice = "the kernel listed the last chain twice"
	takesGact = "tc takes any unknown kind for gact"
)

// loopsOn is what tc says when it goes on to take the rest of a command that
// the kernel refused for another one.
const loopsOn = talking + "\nCommand \"action\" is unknown, try \"tc actions help\"."
