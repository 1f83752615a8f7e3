package main

import (
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
)

// TestVersion: what --version says is what CHANGELOG.md's topmost heading says, with
// the commit where there is one.
func TestVersion(t *testing.T) {
	log, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	top := regexp.MustCompile(`(?m)^## ([0-9]+\.[0-9]+\.[0-9]+)\b`).FindStringSubmatch(string(log))
	if len(top) == 0 || top[1] != release {
		t.Errorf("CHANGELOG.md's topmost version is %q, the program's %s", top, release)
	}
	if v := version(); !strings.HasPrefix(v, release) || !strings.HasSuffix(v, ", "+runtime.Version()) {
		t.Errorf("%s", v)
	}
	for _, c := range []struct {
		set  []debug.BuildSetting
		want string
	}{
		{nil, ""},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "false"}}, " (0123456789ab)"},
		{[]debug.BuildSetting{{Key: "vcs.revision", Value: "01234"}, {Key: "vcs.modified", Value: "true"}}, " (01234, modified)"},
	} {
		if got := commit(c.set); got != c.want {
			t.Errorf("%v: %q, want %q", c.set, got, c.want)
		}
	}
}
