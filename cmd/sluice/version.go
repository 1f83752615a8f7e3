package main

import (
	"runtime"
	"runtime/debug"
)

// release is the program's version: the topmost of CHANGELOG.md.
const release = "0.1.0"

// version is the release, with the commit that it was built from, where the build
// knows it, and Go's version.
func version() string {
	v := release
	if info, ok := debug.ReadBuildInfo(); ok {
		v += commit(info.Settings)
	}
	return v + ", " + runtime.Version()
}

// commit is a build's commit in parentheses, with a blank before it; empty where it
// is not known.
func commit(settings []debug.BuildSetting) string {
	set := map[string]string{}
	for _, s := range settings {
		set[s.Key] = s.Value
	}
	rev := set["vcs.revision"]
	if rev == "" {
		return ""
	}
	rev = rev[:min(12, len(rev))]
	if set["vcs.modified"] == "true" {
		rev += ", modified"
	}
	return " (" + rev + ")"
}
