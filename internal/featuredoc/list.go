package main

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed features.txt
var list string

// feature is one line of the list.
type feature struct{ id, text string }

// features reads the list: an ID and one line of text each.
func features() ([]feature, error) {
	var out []feature
	for i, l := range strings.Split(strings.TrimSpace(list), "\n") {
		id, text, ok := strings.Cut(l, " ")
		if !ok || strings.TrimSpace(text) == "" {
			return nil, fmt.Errorf("features.txt:%d: expected an ID and a line of text", i+1)
		}
		out = append(out, feature{id, strings.TrimSpace(text)})
	}
	return out, nil
}

// idPattern finds IDs in a test's name. In a name a dot cannot stand, so F1_
// is F.1.
var idPattern = regexp.MustCompile(`(?:^|[^A-Za-z0-9])(A\d{3}|B\d{3}|C\d{2}|X\d{1,2}|I\d|F\.?\d)(?:[^0-9A-Za-z]|$)`)

// ids lists the feature IDs in a name. Several may be joined by underscores.
func ids(name string) []string {
	var out []string
	for {
		m := idPattern.FindStringSubmatchIndex(name)
		if m == nil {
			return out
		}
		id := name[m[2]:m[3]]
		if id[0] == 'F' && id[1] != '.' {
			id = "F." + id[1:]
		}
		out = append(out, id)
		name = name[m[3]:] // the separator behind it may begin the next
	}
}
