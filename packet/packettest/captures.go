package packettest

import (
	"os"
	"path/filepath"
	"testing"
)

// CapturesEnv names the environment variable that says where captures of real
// traffic are, which are too large to be part of the repository.
const CapturesEnv = "SLUICE_CAPTURES"

// Capture returns the path of a capture, or of a directory of them. Where
// CapturesEnv is not set they are looked for in shared/captures beside the
// repository. A test that needs one that is not there is skipped.
func Capture(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(captureDir(t), name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs a capture that is not part of the repository (%s says where they are): %v", CapturesEnv, err)
	}
	return path
}

// captureDir is where real captures are, if they are.
func captureDir(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(CapturesEnv); dir != "" {
		return dir
	}
	return filepath.Join(repository(t), "..", "shared", "captures")
}

// repository is the directory of go.mod, at or above a test's own.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod at or above the test's directory")
		}
		dir = up
	}
}
