package outfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(text string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != want {
		t.Errorf("%s holds %q, %v; want %q", path, b, err, want)
	}
}

// nothing fails if a directory has a file under way.
func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestWholeOrNot: until a file is whole, what was there before stays.
func TestWholeOrNot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	big := strings.Repeat("x", 100_000) // more than a buffer
	broken := errors.New("broken off")
	if err := Write(path, func(w io.Writer) error { return errors.Join(write(big)(w), broken) }); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	holds(t, path, "old")
	nothingLeft(t, dir)

	f, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := write("new")(f); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "old")
	read := ""
	err = f.Commit(true, func(r io.Reader) error {
		b, err := io.ReadAll(r)
		read = string(b)
		return errors.Join(err, broken)
	})
	if read != "new" || !errors.Is(err, broken) {
		t.Errorf("verified %q, %v", read, err)
	}
	holds(t, path, "old")
	nothingLeft(t, dir)

	for _, sync := range []bool{false, true} {
		f, err := Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(write(big)(f), f.Commit(sync, func(io.Reader) error { return nil })); err != nil {
			t.Fatal(err)
		}
		holds(t, path, big)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v, want 0640", st.Mode(), err)
	}
	nothingLeft(t, dir)
	if len(live.names) != 0 {
		t.Errorf("under way still: %v", live.names)
	}

	f, err = Create(filepath.Join(dir, "given up"))
	if err != nil {
		t.Fatal(err)
	}
	if !f.Kept() {
		t.Error("a file is not kept")
	}
	if err := f.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "given up")); err == nil {
		t.Error("a file that was given up is there")
	}
	nothingLeft(t, dir)
}

// TestAbandon: a program that ends at once leaves nothing half written.
func TestAbandon(t *testing.T) {
	dir := t.TempDir()
	f, err := Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".f-*")); len(left) != 1 {
		t.Errorf("under way: %v", left)
	}
	Abandon()
	nothingLeft(t, dir)
	f.f.Close()
}

// TestLongName: a name as long as a file system takes has room beside it.
func TestLongName(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	if err := Write(path, write("x")); err != nil {
		t.Fatal(err)
	}
	holds(t, path, "x")
}

// TestSet: what is read or written twice, by whatever name, is refused, and
// all that cannot be written is told at once.
func TestSet(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"in", "both"} {
		if err := os.WriteFile(at(name), []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"link": "in", "later": "none", "round": "."} {
		if err := os.Symlink(to, at(from)); err != nil {
			t.Skip(err)
		}
	}
	for _, c := range []struct {
		name    string
		written []string
		want    []string // in the error; none: fine
	}{
		{"fresh and old", []string{at("new"), at("both"), ""}, nil},
		{"read", []string{at("in")}, []string{"would be written over"}},
		{"read by a link", []string{at("link")}, []string{"would be written over"}},
		{"read by a way round", []string{at("round/./in")}, []string{"would be written over"}},
		{"twice", []string{at("new"), at("round/new")}, []string{"are the same file"}},
		{"twice by a link to what is not there", []string{at("none"), at("later")}, []string{"are the same file"}},
		{"twice, there already", []string{at("both"), at("round/both")}, []string{"are the same file"}},
		{"nowhere", []string{at("no/a"), at("new"), dir, "-"}, []string{"-0: ", "no such file", "-2: " + dir + " is a directory", "-3: standard output"}},
		{"below a file", []string{at("in/x")}, []string{"not a directory"}},
		{"a device twice", []string{os.DevNull, os.DevNull}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Set
			s.Reads("")
			s.Reads(at("in"))
			for i, path := range c.written {
				s.Writes("-"+string(rune('0'+i)), path)
			}
			err := s.Check()
			if len(c.want) == 0 && err != nil {
				t.Error(err)
			}
			for _, w := range c.want {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("error %v, want %q", err, w)
				}
			}
			nothingLeft(t, dir)
			holds(t, at("both"), "both")
			if _, err := os.Stat(at("new")); err == nil {
				t.Error("looking has made a file")
			}
		})
	}
	// Files of a directory that is yet to be made are compared, and no more.
	var s Set
	s.Writes("", at("dir/a"))
	s.Writes("", at("dir/b"))
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	s.Writes("", at("dir/a"))
	if err := s.Check(); err == nil {
		t.Error("the same file twice")
	}
}
