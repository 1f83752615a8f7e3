package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// most is how many tests of one feature the document shows.
const most = 6

// render makes the document.
func render(root string) (string, error) {
	fs, err := features()
	if err != nil {
		return "", err
	}
	reasons, err := readStatus(statuses, fs)
	if err != nil {
		return "", err
	}
	claims, err := scan(root)
	if err != nil {
		return "", err
	}
	if wrong := judge(fs, claims, reasons); len(wrong) > 0 {
		return "", errors.Join(wrong...)
	}
	tests := map[string][]string{}
	for _, c := range claims {
		if !c.needs && !slices.Contains(tests[c.id], c.String()) {
			tests[c.id] = append(tests[c.id], c.String())
		}
	}
	var rows strings.Builder
	count, group := map[string]int{}, ""
	for _, f := range fs {
		if g := f.id[:1]; g != group {
			group = g
			fmt.Fprintf(&rows, "\n## %s\n\n| ID | What | Status | Proof or reason |\n|---|---|---|---|\n", groups[g])
		}
		word, proof := row(reasons[f.id], tests[f.id])
		count[word]++
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", f.id, cell(f.text), word, proof)
	}
	return fmt.Sprintf(`# Features

Made by `+"`go run ./internal/featuredoc`"+` from the tests themselves and from the reasons in `+"`internal/featuredoc/status.txt`"+`.

- *proved* (%d): a test or sub-test that names the feature asserts it. `+"`package.Test/sub-test`"+` runs with `+"`go test ./package -run Test`"+`; a script is a file that the program's tests run.
- *half* (%d): a test proves a part; what the rest waits for stands there.
- *fact* (%d): nothing is to be done; the reason stands there.
- *open* (%d): what it waits for stands there.
%s`, count["proved"], count[half], count[fact], count[open], rows.String()), nil
}

// row is one feature's status, and its proof or reason.
func row(s status, tests []string) (word, proof string) {
	more := len(tests) - most
	if more > 0 {
		tests = tests[:most]
	}
	var quoted []string
	for _, t := range tests {
		quoted = append(quoted, "`"+cell(t)+"`")
	}
	proof = strings.Join(quoted, ", ")
	if more > 0 {
		proof += fmt.Sprintf(" and %d more", more)
	}
	switch s.kind {
	case "":
		return "proved", proof
	case half:
		return half, proof + "; the rest waits for " + cell(s.reason)
	case open:
		return open, "waits for " + cell(s.reason)
	}
	return s.kind, cell(s.reason)
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

var groups = map[string]string{
	"A": "A. The papers and guides that it all comes from",
	"X": "X. Where they disagree",
	"B": "B. What today's systems have beyond them",
	"C": "C. What users ask for",
	"F": "F. tc syntax and formats",
	"I": "I. What must never break",
}
