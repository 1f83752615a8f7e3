package tc

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sluice/policy"
)

// parsed is where TestParsed keeps what it compares with; UPDATE_PARSED=1
// writes it anew.
const parsedFile = "testdata/parsed.txt.gz"

// TestParsed pins what becomes of each command that a real tc was asked, and
// of those in testdata/more.tc: the fields of filters, actions, chains and
// devices, errors with place and expectation, notes, warnings, and the
// policy as commands. What tc itself shows of it is TestAnswers' part.
func TestParsed(t *testing.T) {
	var b strings.Builder
	for _, r := range readAsked(t, "testdata/answers.jsonl.gz") {
		parsed(&b, strings.Split(r.Cmd, " ; "), answersDeviate(&r) != "")
	}
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	for _, f := range files {
		var cmds []string
		for _, x := range readTranscript(t, f) {
			cmds = append(cmds, x.cmd)
		}
		parsed(&b, cmds, false)
	}
	more, err := os.ReadFile("testdata/more.tc")
	if err != nil {
		t.Fatal(err)
	}
	for l := range strings.SplitSeq(strings.TrimSuffix(string(more), "\n"), "\n") {
		l, quiet := strings.CutPrefix(l, "quiet ; ")
		parsed(&b, strings.Split(l, " ; "), !quiet)
	}
	got := b.String()
	if os.Getenv("UPDATE_PARSED") != "" {
		var z bytes.Buffer
		w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
		io.WriteString(w, got)
		w.Close()
		if err := os.WriteFile(parsedFile, z.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(parsedFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	is, was := strings.SplitAfter(got, "\n"), strings.SplitAfter(string(text), "\n")
	cmd, told := "", 0
	for i := range min(len(is), len(was)) {
		if strings.HasPrefix(was[i], "$ ") {
			cmd = was[i]
		}
		if is[i] != was[i] {
			t.Errorf("line %d, after %s got %swant %s", i+1, cmd, is[i], was[i])
			if told++; told == 10 {
				t.FailNow()
			}
		}
	}
	if len(is) != len(was) {
		t.Errorf("%d lines, want %d", len(is), len(was))
	}
}

// parsed runs commands on a policy of three devices and writes all that came
// of it; show: as tc lists it, too.
func parsed(b *strings.Builder, cmds []string, show bool) {
	now := int64(0)
	s := &Session{Policy: &policy.Policy{}, Out: b, Err: b, Strict: true, Now: func() int64 { return now }}
	if strings.HasPrefix(cmds[0], "loose") {
		s.Strict = false
		cmds = cmds[1:]
	} else {
		for _, d := range []string{"lo", "e0", "e1"} {
			s.Policy.Declare(d)
		}
		s.Run("qdisc add dev e0 clsact")
		s.Run("qdisc add dev e1 clsact")
	}
	s.Stats = func(a *policy.Action) policy.Stats {
		n := uint64(a.Index)
		return policy.Stats{Packets: 10 * n, Bytes: 1000 * n, Drops: n % 3, Overlimits: n % 4, HWPackets: 3 * (n % 5), HWBytes: 100 * (n % 5), Installed: 1e9, FirstUsed: int64(n%2) * 2e9, LastUsed: int64(n%2) * 5e9 / 2}
	}
	s.InHW = func(f *policy.Filter) (int, []string) {
		return int(f.Handle % 3), []string{"no room", "no rule"}[:f.Handle/2%3]
	}
	failed := false
	for _, c := range cmds {
		now += 1e9
		fmt.Fprintf(b, "$ %s\n", c)
		if err := s.Run(c); err != nil {
			e := err.(*Error)
			fmt.Fprintf(b, "! %d %d:%d %q %s\n", e.Code(), e.Line, e.Col, e.Word, strings.SplitN(err.Error(), "\n", 2)[0])
			failed = true
		}
	}
	for _, n := range s.Notes {
		fmt.Fprintf(b, "note %s %q %q\n", n, n.Word, n.Modern)
	}
	if failed && len(cmds) == 1 {
		return
	}
	s.Policy.Settle()
	Format(b, s.Policy)
	for _, w := range Check(s.Policy) {
		fmt.Fprintln(b, w.Kind, w)
	}
	if show {
		for _, o := range []string{"", "-s ", "-j -p -s ", "-br ", "-o -d "} {
			for _, d := range s.Policy.Devices {
				for _, side := range []string{"ingress", "egress"} {
					s.Run(o + "filter show dev " + d.Name + " " + side)
				}
			}
		}
		for _, k := range actionKinds {
			s.Run("-s actions ls action " + k)
			s.Run("-s -j actions ls action " + k)
		}
	}
	homes := map[string]bool{}
	for a, home := range Homes(s.Policy) {
		homes[fmt.Sprintf("%s %d: %s\n", a.Kind, a.Index, home)] = true
	}
	for _, h := range slices.Sorted(maps.Keys(homes)) {
		b.WriteString(h)
	}
	for _, e := range NeedsDevice(s.Policy) {
		fmt.Fprintln(b, e)
	}
	for _, d := range s.Policy.Devices {
		dump(b, "", reflect.ValueOf(*d))
		fmt.Fprintln(b)
	}
	for _, k := range actionKinds {
		for _, a := range s.Policy.ActionsOf(k) {
			dump(b, "", reflect.ValueOf(*a))
			fmt.Fprintln(b)
		}
	}
}

// dump writes the fields of a value that are not zero.
func dump(b *strings.Builder, name string, v reflect.Value) {
	if !v.IsValid() || v.IsZero() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		dump(b, name, v.Elem())
	case reflect.Struct:
		fmt.Fprintf(b, " %s{", name)
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				dump(b, f.Name, v.Field(i))
			}
		}
		b.WriteString(" }")
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			fmt.Fprintf(b, " %s=%x", name, v.Interface())
			return
		}
		for i := range v.Len() {
			dump(b, fmt.Sprintf("%s.%d", name, i), v.Index(i))
		}
	case reflect.Map, reflect.Func, reflect.Chan, reflect.Interface:
	default:
		fmt.Fprintf(b, " %s=%v", name, v.Interface())
	}
}
