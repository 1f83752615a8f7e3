// Command featuredoc writes docs/features.md: every feature of the project's
// list with the tests that prove it, or the reason why none does. With -check
// it only compares. With -ran it reads what go test -v has written, and
// fails when a test that the document names did not run and pass.
package main

import (
	"flag"
	"fmt"
	"os"

	"sluice/internal/outfile"
)

func main() {
	check := flag.Bool("check", false, "fail if docs/features.md is not up to date")
	ran := flag.String("ran", "", "a file with the output of go test -v: fail if a named test has not passed in it")
	flag.Parse()
	err := run(*check || *ran != "")
	if err == nil && *ran != "" {
		err = verify(*ran)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "featuredoc:", err)
		os.Exit(1)
	}
}

const target = "docs/features.md"

func run(check bool) error {
	text, err := render(".")
	if err != nil {
		return err
	}
	if !check {
		return outfile.Bytes(target, []byte(text))
	}
	have, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	if string(have) != text {
		return fmt.Errorf("%s is stale; run: go run ./internal/featuredoc", target)
	}
	return nil
}

// verify compares the document's claims with a run of the tests.
func verify(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := readRuns(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	claims, err := scan(".")
	if err != nil {
		return err
	}
	return compare(claims, r)
}
