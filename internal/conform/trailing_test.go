package conform

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingFollowsACase: the second case of a file was never run, and the
// file counted as passed.
func TestNothingFollowsACase(t *testing.T) {
	const one = `{"name":"x","devices":["a"]}`
	for name, c := range map[string]struct{ text, place string }{
		"a second case":      {one + "\n" + one, ":2:1: "},
		"on its line":        {one + " " + one, ":1:30: "},
		"a bracket":          {one + "]", ":1:29: "},
		"a word, lines down": {one + "\n\n\t x", ":3:3: "},
		"a byte of 0":        {one + "\x00", ":1:29: "},
		"a comma":            {`{"name":"x",` + "\n" + `"devices":["a",]}`, ":2:16: "},
		"a wrong type":       {`{"name":"x",` + "\n" + `"devices":5}`, ":2:"},
	} {
		for _, gz := range []bool{false, true} {
			file, b := filepath.Join(t.TempDir(), "c.json"), []byte(c.text)
			if gz {
				var z bytes.Buffer
				w := gzip.NewWriter(&z)
				w.Write(b)
				w.Close()
				file, b = file+".gz", z.Bytes()
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Read(file); err == nil || !strings.Contains(err.Error(), file+c.place) {
				t.Errorf("%s: %v; want it to say %s", name, err, c.place)
			}
		}
	}
	for _, blank := range []string{"", "\n", " \r\n\t\n"} {
		if _, err := Parse([]byte(blank + one + blank)); err != nil {
			t.Errorf("%q: %v", blank, err)
		}
	}
}

// TestCaseIsBounded: a case from a file that does not end, or unpacks without
// end, is refused before it fills the memory.
func TestCaseIsBounded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.json.gz")
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(bytes.Repeat([]byte(" "), 1001))
	w.Close()
	if err := os.WriteFile(file, z.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readFile(file, 1000); err == nil || !strings.Contains(err.Error(), "1000 bytes") {
		t.Errorf("got %v", err)
	}
	if b, err := readFile(file, 1001); err != nil || len(b) != 1001 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
