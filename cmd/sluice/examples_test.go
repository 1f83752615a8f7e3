package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"sluice/internal/demo"
)

// exampleLines cuts a help text's examples into commands, continued lines
// joined, without what a shell would do with their output.
func exampleLines(cmd *cobra.Command) (out []string) {
	text := strings.ReplaceAll(cmd.Example, "\\\n", " ")
	for _, l := range strings.Split(text, "\n") {
		if l, _, _ = strings.Cut(l, " > "); strings.TrimSpace(l) != "" {
			out = append(out, strings.TrimSpace(l))
		}
	}
	return out
}

// shellWords cuts a command as a shell does, as far as examples need it.
func shellWords(s string) (words []string) {
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// small makes a benchmark's example short, unless SLUICE_SLOW asks for all of
// it: the last flag holds.
func small(words []string) []string {
	if words[1] != "bench" || os.Getenv("SLUICE_SLOW") != "" {
		return nil
	}
	if len(words) > 2 && words[2] == "replay" {
		return []string{"--seconds", "0.01"}
	}
	return []string{"--conns", "2000", "--packets", "2000"}
}

// TestExamplesRun runs every example of every help text, in a folder that has
// the files they name. 0 and 1 are fine: a warning is a result.
func TestExamplesRun(t *testing.T) {
	cases, err := filepath.Abs("../../internal/conform/testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := demo.Save("."); err != nil {
		t.Fatal(err)
	}
	files := map[string][]string{
		demo.PolicyFile:  {"policy.tc", "rfc.tc"},
		demo.CaptureFile: {"http.pcap", "http.pcap.gz", "in.pcap", "out.pcap", "a.pcap", "b.pcapng"},
	}
	for from, names := range files {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if err := os.WriteFile(name, b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	some, err := filepath.Glob(cases + "/acct*")
	if err != nil || len(some) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range []string{"cases", "internal/conform/testdata/cases"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(some[0], filepath.Join(dir, filepath.Base(some[0]))); err != nil {
			t.Skip(err)
		}
	}
	c := exec(t, "conform", "--record", some[0])
	if err := os.WriteFile("case.json", []byte(c), 0o666); err != nil {
		t.Fatal(err)
	}
	exec(t, "replay", "policy.tc", "--in", "uplink_rep=http.pcap", "--split", "src=192.0.2.80:vf0_rep", "--state", "replay.state")
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, l := range exampleLines(cmd) {
			t.Run(strings.ReplaceAll(l, "/", "_"), func(t *testing.T) {
				words := shellWords(l)
				if words[0] != "sluice" {
					t.Fatalf("%q is no command of this program", l)
				}
				exec(t, append(words[1:], small(words)...)...)
			})
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand())
}

// exec runs a command line and gives its output.
func exec(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := newRootCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	err := cmd.Execute()
	var status *exitStatus
	if err != nil && (!errors.As(err, &status) || status.code != exitFound) {
		t.Fatalf("sluice %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	if s := errOut.String(); strings.Contains(s, "Error:") || strings.Contains(s, "RTNETLINK") {
		t.Fatalf("sluice %s: refused:\n%s", strings.Join(args, " "), s)
	}
	return out.String()
}
