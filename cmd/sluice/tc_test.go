package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tcRun runs `sluice tc` and gives its outputs and exit status.
func tcRun(t *testing.T, args ...string) (out, errOut string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := newTCCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	if err := cmd.Execute(); err != nil {
		var s *exitStatus
		if !errors.As(err, &s) {
			t.Fatalf("%v: %v", args, err)
		}
		code = s.code
	}
	return o.String(), e.String(), code
}

func TestTCCommand(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	good := file("good.tc", `filter add dev a ingress prio 1 proto ip flower ct_state -trk action ct pipe action goto chain 2
filter add dev a ingress prio 1 chain 2 proto ip flower ct_state +trk action mirred egress redirect dev b
`)
	slide := file("slide.tc", "tc filter add dev a ingress prio 1 chain 1 proto ip flower ct_state +new+trk action ct commit pipe action mirrored egress redirect dev b\n")
	tunnel := file("tunnel.tc", "filter add dev a ingress prio 1 proto ip flower enc_key_id 5 action drop\n")
	helper := file("helper.tc", "filter add dev a ingress prio 1 proto ip flower action ct commit helper ipv4-tcp-nothing\n")
	bad := file("bad.tc", "filter add dev a ingress prio 1 proto ip flower ct_state +new action drop\nfilter show dev a ingress\nqdisc show\n")
	for _, c := range []struct {
		name string
		args []string
		out  string // must be in standard output
		err  string // must be in standard error
		code int
	}{
		{"X1_check_good", []string{"check", good}, "", "", 0},
		{"X1_check_slide", []string{"check", slide}, "nothing goes to chain 1", "", 1},
		{"X3_check_notes", []string{"check", slide}, slide + `:1:107: note: "mirrored"; tc writes "mirred"`, "", 1},
		{"check_not_here", []string{"check", tunnel}, tunnel + ":1:42: chain 0 pref 1 handle 0x1: it asks for a tunnel that the packet came out of", "", 1},
		{"check_refused", []string{"check", helper}, "", "Error: act_ct: Failed to add helper.\nWe have an error talking to the kernel\n", 2},
		{"check_refused_json", []string{"check", "--json", helper}, `"message": "Error: act_ct: Failed to add helper."`, "", 2},
		{"version", []string{"-V"}, "tc utility, sluice", "", 0},
		{"help", []string{"filter", "help"}, "", "Usage: tc filter add|change|replace WHERE", 0},
		{"help_of_a_kind", []string{"filter", "add", "flower", "help"}, "", "Usage: … flower", 1},
		{"check_bad", []string{"check", bad}, "", bad + `:1:58: at "+new": expected +trk`, 2},
		{"check_missing", []string{"check", filepath.Join(dir, "none")}, "", "no such file", 2},
		{"batch_stops", []string{"-batch", bad}, "", "Command failed " + bad + ":1\n", 1},
		{"batch_force", []string{"-force", "-j", "-batch", bad}, `[{"kind":"ingress","handle":"ffff:","dev":"a"`, "no trk, so no other flag can be set.", 1},
		{"batch_missing", []string{"-batch", filepath.Join(dir, "none")}, "", "no such file", 2},
		{"batch_without_file", []string{"-batch"}, "", "a file is expected", 2},
		{"one_command", []string{"filter", "add", "dev", "a", "ingress", "flower", "foo"}, "", `What is "foo"?`, 1},
		{"loaded_policy", []string{"--policy", good, "-j", "filter", "show", "dev", "a", "ingress", "chain", "2"}, `"to_dev":"b"`, "", 0},
		{"format", []string{"format", slide}, "filter add dev a ingress chain 1 pref 1 handle 0x1 protocol ip flower ct_state +trk+new action ct commit zone 0 index 1 pipe action mirred egress redirect dev b index 1\n", "mirred", 0},
		{"X4_explain", []string{"explain", "tc", "...", "action", "ct", "nat", "auto"}, "action ct zone 0 nat pipe\n", `tc writes "nat"`, 0},
		{"explain_bad", []string{"explain", "foo"}, "", `What is "foo"?`, 1},
		{"help", []string{"--help"}, "sluice tc check policy.tc", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, code := tcRun(t, c.args...)
			if !strings.Contains(out, c.out) || !strings.Contains(errOut, c.err) || code != c.code {
				t.Errorf("exit status %d, want %d\nstandard output:\n%s\nwant in it: %s\nstandard error:\n%s\nwant in it: %s", code, c.code, out, c.out, errOut, c.err)
			}
		})
	}
	t.Run("check_json_of_a_mistake", func(t *testing.T) {
		out, errOut, code := tcRun(t, "check", bad, "--json")
		var got struct {
			Warnings, Notes []any
			Error           struct {
				File, Word, Message, Expected string
				Line, Column                  int
			}
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 2 || errOut != "" {
			t.Fatalf("%v, exit status %d, %q:\n%s", err, code, errOut, out)
		}
		if e := got.Error; e.File != bad || e.Line != 1 || e.Column != 58 || e.Word != "+new" || e.Message == "" || e.Expected == "" || got.Warnings == nil || got.Notes == nil {
			t.Errorf("%+v", got)
		}
	})
	t.Run("X1_check_json", func(t *testing.T) {
		out, _, code := tcRun(t, "check", slide, "--json")
		var got struct {
			Warnings []struct {
				Kind string
				Line int
			}
			Notes []struct{ Modern string }
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 1 {
			t.Fatalf("%v, exit status %d:\n%s", err, code, out)
		}
		if len(got.Warnings) != 1 || got.Warnings[0].Kind != "chain-unused" || got.Warnings[0].Line != 1 || len(got.Notes) != 1 || got.Notes[0].Modern != "mirred" {
			t.Errorf("%+v", got)
		}
	})
}
