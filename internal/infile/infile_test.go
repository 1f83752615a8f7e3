package infile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRead: a file of just so many bytes is read, a longer one and an endless
// one are refused, also when they say that they are empty.
func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("12345"), 0o666); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(path, 5); err != nil || string(b) != "12345" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := Read(path, 4); err == nil || !strings.Contains(err.Error(), path+": longer than 4 bytes") {
		t.Errorf("error %v", err)
	}
	if _, err := Read(path+"none", 4); !os.IsNotExist(err) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		if _, err := Read("/dev/zero", 1<<20); err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") {
			t.Errorf("error %v", err)
		}
	}
}
