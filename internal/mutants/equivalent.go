package main

import (
	_ "embed"
	"fmt"
	"strings"
)

//go:embed equivalent.txt
var argued string

// equivalents reads the mutants that cannot change what the program does:
// file, line of code and change, separated by tabs, as a survivor is printed,
// then the argument on a line that begins with a tab. Lines that begin with #
// are comments.
func equivalents() (map[string]string, error) { return parseEquivalents(argued) }

func parseEquivalents(text string) (map[string]string, error) {
	out := map[string]string{}
	key := ""
	for i, l := range strings.Split(text, "\n") {
		switch {
		case strings.HasPrefix(l, "#"), strings.TrimSpace(l) == "":
		case strings.HasPrefix(l, "\t") && key != "":
			out[key] = strings.TrimSpace(l)
			key = ""
		case strings.Count(l, "\t") == 2 && key == "":
			key = l
		default:
			return nil, fmt.Errorf("equivalent.txt:%d: expected FILE<tab>LINE OF CODE<tab>WAS -> WITH, then a line of <tab>ARGUMENT", i+1)
		}
	}
	if key != "" {
		return nil, fmt.Errorf("equivalent.txt: %q has no argument", key)
	}
	return out, nil
}
