//go:build unix

package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/outfile"
)

// TestWriteFileKeepsWhatIsThere: a state replaces files, and nothing else.
func TestWriteFileKeepsWhatIsThere(t *testing.T) {
	s, err := Read(bytes.NewReader(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	holds := func(name string) {
		t.Helper()
		st, err := os.Lstat(at(name))
		if err != nil || !st.Mode().IsRegular() {
			t.Fatalf("%s: %v, %v", name, st, err)
		}
		if b, err := os.ReadFile(at(name)); err != nil || !bytes.Equal(b, sample(t)) {
			t.Errorf("%s holds something else, %v", name, err)
		}
	}
	link := func(to, name string) {
		t.Helper()
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	isLink := func(name string) {
		t.Helper()
		if st, err := os.Lstat(at(name)); err != nil || st.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v, %v", name, st, err)
		}
	}
	t.Run("a_link_to_a_file", func(t *testing.T) {
		if err := os.WriteFile(at("real"), []byte("old"), 0o640); err != nil {
			t.Fatal(err)
		}
		link("real", "one")
		link(at("one"), "two")
		if err := s.WriteFile(at("two")); err != nil {
			t.Fatal(err)
		}
		isLink("one")
		isLink("two")
		holds("real")
		if st, err := os.Stat(at("real")); err != nil || st.Mode().Perm() != 0o640 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
	})
	t.Run("a_link_to_nothing", func(t *testing.T) {
		link("later", "early")
		if err := s.WriteFile(at("early")); err != nil {
			t.Fatal(err)
		}
		isLink("early")
		holds("later")
	})
	t.Run("a_pipe", func(t *testing.T) {
		if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
		got := make(chan []byte)
		go func() {
			b, _ := os.ReadFile(at("pipe"))
			got <- b
		}()
		if err := errors.Join(outfile.Check(at("pipe")), s.WriteFile(at("pipe"))); err != nil {
			t.Fatal(err)
		}
		if b := <-got; !bytes.Equal(b, sample(t)) {
			t.Errorf("%d bytes came out of the pipe", len(b))
		}
		if st, err := os.Lstat(at("pipe")); err != nil || st.Mode()&os.ModeNamedPipe == 0 {
			t.Errorf("the pipe has gone: %v, %v", st, err)
		}
		if err := outfile.CheckUpdate(at("pipe")); err == nil || !strings.Contains(err.Error(), "no regular file") {
			t.Errorf("update: %v", err)
		}
	})
	t.Run("devices", func(t *testing.T) {
		link(os.DevNull, "null")
		for _, path := range []string{os.DevNull, at("null")} {
			if err := s.WriteFile(path); err != nil {
				t.Error(err)
			}
			if st, err := os.Stat(path); err != nil || st.Mode()&os.ModeCharDevice == 0 {
				t.Fatalf("%s is no device any more: %v, %v", path, st, err)
			}
		}
		if _, err := os.Stat("/dev/full"); err == nil {
			if err := s.WriteFile("/dev/full"); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("/dev/full: %v", err)
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		if err := os.WriteFile(at("ro"), []byte("old"), 0o444); err != nil {
			t.Fatal(err)
		}
		link("loop", "loop")
		for _, c := range []struct{ path, want string }{
			{"-", "standard output"},
			{dir, "is a directory"},
			{at("ro"), "is read-only"},
			{at("none/s"), "no such file"},
			{at("real/s"), "not a directory"},
			{at("loop"), "too many"},
		} {
			for _, err := range []error{outfile.Check(c.path), s.WriteFile(c.path)} {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", c.path, err, c.want)
				}
			}
		}
		if b, err := os.ReadFile(at("ro")); err != nil || string(b) != "old" {
			t.Errorf("the read-only file holds %q, %v", b, err)
		}
	})
	if left, err := filepath.Glob(at(".*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
