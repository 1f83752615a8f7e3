package replay

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/state"
)

// TestNothingIsWrittenOver: a replay that is refused has touched no file, and
// none may write over what it reads.
func TestNothingIsWrittenOver(t *testing.T) {
	capture, err := os.ReadFile(httpCapture)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := os.ReadFile(httpPolicy)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		set  func(o *Options, dir string)
		want string // in the error
	}{
		{"the capture", func(o *Options, dir string) { o.OutDir = dir }, "would be written over"},
		{"the capture by another name", func(o *Options, dir string) {
			link := filepath.Join(dir, "link")
			if err := os.Symlink("uplink_rep.pcapng", link); err != nil {
				t.Skip(err)
			}
			o.OutDir, o.Inputs[0].File = dir, link
		}, "would be written over"},
		{"the capture by the table", func(o *Options, dir string) { o.Table = o.Inputs[0].File }, "would be written over"},
		{"the policy by the table", func(o *Options, dir string) { o.Table = o.Policy }, "would be written over"},
		{"an output by the table", func(o *Options, dir string) {
			o.OutDir = filepath.Join(dir, "new")
			o.Table = filepath.Join(dir, "new", ".", "drop.pcapng")
		}, "are the same file"},
		{"unsupported policy", func(o *Options, dir string) {
			o.OutDir, o.Policy = filepath.Join(dir, "old"), filepath.Join(dir, "helper.tc")
		}, "helper.tc:1:8: Error: act_ct: Failed to add helper"},
		{"missing capture", func(o *Options, dir string) {
			o.OutDir, o.Inputs[0].File = filepath.Join(dir, "old"), filepath.Join(dir, "none")
		}, "no such file"},
		{"link type of a pcapng", func(o *Options, dir string) {
			o.OutDir, o.Inputs[0].File = filepath.Join(dir, "old"), filepath.Join(dir, "sll.pcapng")
		}, "link type 113"},
		{"a directory as a capture", func(o *Options, dir string) {
			o.OutDir, o.Inputs[0].File = filepath.Join(dir, "old"), dir
		}, "is a directory"},
		{"files of another policy", func(o *Options, dir string) { o.OutDir = filepath.Join(dir, "other") }, "it holds eth7.pcapng, which this replay does not write"},
		{"no file", func(o *Options, dir string) { o.Inputs[0].File = "" }, "--in uplink_rep=: want DEV=FILE"},
		{"standard input twice", func(o *Options, dir string) { o.Policy, o.Inputs[0].File = "-", "-" }, "cannot be both"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write := func(name, content string) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			write("uplink_rep.pcapng", string(capture))
			write("http.tc", string(policy))
			write("helper.tc", "filter add dev uplink_rep ingress protocol ip flower ip_proto tcp action ct commit helper ipv4-tcp-h323 pipe action pass\nqdisc add dev vf0_rep ingress\n")
			ng := strings.Replace(string(capture), "\x01\x00\x00\x00\x00\x00\x04\x00", "\x71\x00\x00\x00\x00\x00\x04\x00", 1)
			if i := strings.Index(string(capture), "\x01\x00\x00\x00"); ng == string(capture) {
				ng = string(capture[:i+8]) + "\x71" + string(capture[i+9:])
			}
			write("sll.pcapng", ng)
			write("old/uplink_rep.pcapng", "an earlier result")
			write("other/eth7.pcapng", "an earlier result")
			o := httpOptions()
			o.Policy, o.Inputs[0].File = filepath.Join(dir, "http.tc"), filepath.Join(dir, "uplink_rep.pcapng")
			c.set(&o, dir)
			before := tree(t, dir)
			rep, err := Run(context.Background(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
			if rep != nil {
				t.Error("a report of nothing")
			}
			if after := tree(t, dir); after != before {
				t.Errorf("files changed:\n%s\nwere:\n%s", after, before)
			}
		})
	}
}

// TestOneFileFails: a capture that cannot be written any more is told, and
// takes no other with it, nor the report, nor the state; what cannot even be
// begun is told before the first packet.
func TestOneFileFails(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	dir := t.TempDir()
	whole := httpOptions()
	whole.OutDir = filepath.Join(dir, "whole")
	mustRun(t, whole)
	o := httpOptions()
	o.OutDir, o.StateOut = filepath.Join(dir, "seen"), filepath.Join(dir, "state")
	if err := os.Mkdir(o.OutDir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/full", filepath.Join(o.OutDir, "uplink_rep.pcapng")); err != nil {
		t.Skip(err)
	}
	rep, err := Run(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "write output: ") || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v", err)
	}
	if rep == nil || rep.Packets != 74 || rep.Incomplete != "" {
		t.Fatalf("report %+v", rep)
	}
	for _, name := range []string{"vf0_rep.pcapng", "pass.pcapng", "drop.pcapng"} {
		if got, want := read(t, filepath.Join(o.OutDir, name)), read(t, filepath.Join(whole.OutDir, name)); got != want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(want))
		}
	}
	if _, err := state.ReadFile(o.StateOut); err != nil {
		t.Error(err)
	}

	if err := os.Remove(filepath.Join(o.OutDir, "uplink_rep.pcapng")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(o.OutDir, "uplink_rep.pcapng"), 0o777); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	if rep, err := Run(context.Background(), o); rep != nil || err == nil || !strings.Contains(err.Error(), "--out: ") {
		t.Errorf("report %v, error %v", rep, err)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("files changed:\n%s\nwere:\n%s", after, before)
	}
}

// tree lists all files under a directory with their content's beginning.
func tree(t *testing.T, dir string) string {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			b.WriteString(path + "\n")
			return err
		}
		content, err := os.ReadFile(path)
		b.WriteString(path + ": " + string(content[:min(40, len(content))]) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFileNameWithEquals: with initiator a file alone needs no device, and may
// have any name.
func TestFileNameWithEquals(t *testing.T) {
	capture, err := os.ReadFile(httpCapture)
	if err != nil {
		t.Fatal(err)
	}
	o := httpOptions()
	path := file(t, "a=b.pcapng", string(capture))
	dev, name, _ := strings.Cut(path, "=")
	o.Inputs, o.Split = []Input{{dev, name}}, []string{"initiator=uplink_rep,vf0_rep"}
	if rep := mustRun(t, o); rep.Packets != 74 || rep.Inputs[0].File != path {
		t.Errorf("%d packets of %s", rep.Packets, rep.Inputs[0].File)
	}
}
