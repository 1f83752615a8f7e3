//go:build unix

package outfile

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUmask: a file that is new has the mode that the umask leaves it, as if a
// shell had made it.
func TestUmask(t *testing.T) {
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, write("x")); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v, want 0640", st.Mode(), err)
	}
}

// TestNoRoomBeside: a file that can be written is, though its directory takes
// no other.
func TestNoRoomBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old and longer"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755) //nolint:errcheck // the test's own
	if os.Getuid() == 0 {
		// The root user may write everywhere: its copy is tested by itself.
		f, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		f.beside = false
		if err := errors.Join(write("new")(f), f.Commit(true, nil)); err != nil {
			t.Fatal(err)
		}
		holds(t, path, "new")
		nothingLeft(t, dir)
		return
	}
	if err := Check(path); err != nil {
		t.Error(err)
	}
	if err := Write(path, write("new")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "new")
	if err := Check(filepath.Join(dir, "other")); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a new file there: %v", err)
	}
}

// TestFullDevice: what a device does not take is told.
func TestFullDevice(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	for _, text := range []string{"x", strings.Repeat("x", 10_000)} {
		f, err := Create("/dev/full")
		if err != nil {
			t.Fatal(err)
		}
		if f.Kept() {
			t.Error("a device keeps nothing")
		}
		if err := errors.Join(write(text)(f), f.Commit(true, nil)); !errors.Is(err, syscall.ENOSPC) || strings.Count(err.Error(), "\n") > 1 {
			t.Errorf("error %v, want %v", err, syscall.ENOSPC)
		}
		if f, err = Create("/dev/full"); err != nil {
			t.Fatal(err)
		}
		if err := f.Abort(); err != nil {
			t.Error(err)
		}
	}
}
