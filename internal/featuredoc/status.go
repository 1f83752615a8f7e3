package main

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed status.txt
var statuses string

// The kinds of a line in status.txt.
const (
	fact = "fact" // there is nothing to do, and the reason says why
	open = "open" // the reason says what it waits for
	half = "half" // a test proves a part, and the reason says what the rest waits for
)

// status is what status.txt says of one feature.
type status struct {
	kind, reason string
	line         int
}

// readStatus reads status.txt: "ID kind reason" a line, or "ID-ID kind reason"
// for all features of the list from one to the other. Empty lines and lines
// that begin with # are skipped.
func readStatus(text string, fs []feature) (map[string]status, error) {
	out := map[string]status{}
	place := func(id string) int { return slices.IndexFunc(fs, func(f feature) bool { return f.id == id }) }
	for i, l := range strings.Split(text, "\n") {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		w := strings.Fields(l)
		if len(w) < 3 || w[1] != fact && w[1] != open && w[1] != half {
			return nil, fmt.Errorf("status.txt:%d: expected an ID, one of fact, open and half, and a reason", i+1)
		}
		first, last, ranged := strings.Cut(w[0], "-")
		if !ranged {
			last = first
		}
		from, to := place(first), place(last)
		if from < 0 || to < from {
			return nil, fmt.Errorf("status.txt:%d: %s is not in features.txt", i+1, w[0])
		}
		for _, f := range fs[from : to+1] {
			if have, twice := out[f.id]; twice {
				return nil, fmt.Errorf("status.txt:%d: %s has a reason in line %d already", i+1, f.id, have.line)
			}
			out[f.id] = status{w[1], strings.Join(w[2:], " "), i + 1}
		}
	}
	return out, nil
}

// judge compares the list, the tests and the reasons. It returns what a reader
// of the document must not be told: a feature with neither test nor reason, one
// with a test that its reason denies, a test of a feature that does not exist.
func judge(fs []feature, claims []claim, reasons map[string]status) (wrong []error) {
	known, proved := map[string]bool{}, map[string]string{}
	for _, f := range fs {
		known[f.id] = true
	}
	for _, c := range claims {
		if !known[c.id] {
			wrong = append(wrong, fmt.Errorf("%s names %s, which is not in features.txt", c, c.id))
		}
		if !c.needs {
			proved[c.id] = c.String()
		}
	}
	for _, f := range fs {
		s, reasoned := reasons[f.id]
		test, tested := proved[f.id]
		switch {
		case !tested && !reasoned:
			wrong = append(wrong, fmt.Errorf("%s has no test that names it; status.txt must say why (%s) or what it waits for (%s)", f.id, fact, open))
		case !tested && s.kind == half:
			wrong = append(wrong, fmt.Errorf("status.txt:%d: %s is half proved, but no test names it", s.line, f.id))
		case tested && reasoned && s.kind != half:
			wrong = append(wrong, fmt.Errorf("status.txt:%d: %s is called %s, but %s proves it; remove one, or call it %s", s.line, f.id, s.kind, test, half))
		}
	}
	return wrong
}
