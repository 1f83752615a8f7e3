// Command featuredoc writes docs/features.md: every feature of the project's
// list with the tests that name it. With -check it only compares.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	check := flag.Bool("check", false, "fail if docs/features.md is not up to date")
	flag.Parse()
	if err := run(*check); err != nil {
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
		return os.WriteFile(target, []byte(text), 0o644)
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
