package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this very program as `sluice`.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": func() { os.Exit(run(os.Args[1:])) }})
}

// TestScript runs the scripts: commands, their input, and their exact output.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true,
		Condition: func(cond string) (bool, error) { // what takes long has [slow] in front
			if cond != "slow" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return os.Getenv("SLUICE_SLOW") != "", nil
		},
	})
}
