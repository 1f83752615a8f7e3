package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// runs holds the tests that go test -v says have passed, by package.
type runs map[string][]string

var (
	passLine = regexp.MustCompile(`^\s*--- PASS: (\S+) \(`)
	doneLine = regexp.MustCompile(`^(?:ok|FAIL)\s+sluice(?:/(\S+))?\s`)
)

// readRuns reads the output of go test -v: a package's tests stand before the
// line with its name.
func readRuns(r io.Reader) (runs, error) {
	out, passed := runs{}, []string(nil)
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<26)
	for s.Scan() {
		if m := passLine.FindStringSubmatch(s.Text()); m != nil {
			passed = append(passed, m[1])
		} else if m := doneLine.FindStringSubmatch(s.Text()); m != nil {
			out[m[1]], passed = passed, nil
		}
	}
	if len(out) == 0 && s.Err() == nil {
		return nil, errors.New("expected the output of go test -v; no package is in it")
	}
	return out, s.Err()
}

// passed says whether a claim's test ran and passed. The name of a sub-test may
// be a part of the whole (where the rest is computed), and may stand within
// another sub-test.
func (r runs) passed(c claim) bool {
	if c.test == "" {
		// A script is a sub-test of the function that runs its directory.
		pkg, file, _ := strings.Cut(c.pkg, "/testdata/script/")
		return r.any(pkg, "TestScript", strings.TrimSuffix(file, ".txtar"))
	}
	if !strings.HasSuffix(c.pkg, "test") {
		return r.any(c.pkg, c.test, c.sub)
	}
	for pkg := range r { // any package may run them
		if r.any(pkg, "", c.sub) {
			return true
		}
	}
	return false
}

// any says whether one of a package's tests that passed is a sub-test of test
// (of any, if test is empty) whose name has sub in it, or test itself.
func (r runs) any(pkg, test, sub string) bool {
	for _, name := range r[pkg] {
		fn, rest, _ := strings.Cut(name, "/")
		if (fn == test || test == "") && (sub == "" && rest == "" || sub != "" && isPart(rest, sub)) {
			return true
		}
	}
	return false
}

// isPart reports whether sub stands in name, and begins a word there.
func isPart(name, sub string) bool {
	for at := 0; ; {
		i := strings.Index(name[at:], sub)
		if i < 0 {
			return false
		}
		if at += i; at == 0 || strings.IndexByte("/_-", name[at-1]) >= 0 {
			return true
		}
		at++
	}
}

// compare returns the claims whose tests did not run to the end.
func compare(claims []claim, r runs) error {
	var wrong []error
	for _, c := range claims {
		if !c.needs && !r.passed(c) {
			wrong = append(wrong, fmt.Errorf("%s is said to be proved by %s, which did not run and pass", c.id, c))
		}
	}
	return errors.Join(wrong...)
}
