package outfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Set is all files that a command will write and read. Its zero value has
// none.
type Set struct {
	written, read []named
}

// named is a file with the words that ask for it.
type named struct{ by, path string }

// Writes adds a file that will be written; by is the flag that says so. An
// empty path is none.
func (s *Set) Writes(by, path string) {
	if path != "" {
		s.written = append(s.written, named{by, path})
	}
}

// Reads adds a file that is read, and so must not be written over; "-" is
// standard input. An empty path is none.
func (s *Set) Reads(path string) {
	if path != "" {
		s.read = append(s.read, named{path: path})
	}
}

// Check refuses files that cannot be written, that are written twice, and that
// are read. It tells all that cannot be written. Files of a directory that
// will be made are not looked at for whether they can be.
func (s *Set) Check() error {
	for i, out := range s.written {
		for _, in := range s.read {
			if Same(out.path, in.path) {
				return fmt.Errorf("%s would be written over, and it is read: name another output", in.path)
			}
		}
		for _, other := range s.written[:i] {
			if Same(out.path, other.path) {
				return fmt.Errorf("%s and %s are the same file: name another output", other.path, out.path)
			}
		}
	}
	var errs []error
	for _, out := range s.written {
		if out.by == "" {
			continue
		}
		if err := Check(out.path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", out.by, err))
		}
	}
	return errors.Join(errs...)
}

// Same reports whether two paths lead to the same regular file, which need not
// be there yet. "-" as the second is standard input.
func Same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if b == "-" {
		y, errY = os.Stdin.Stat()
	}
	if errX == nil && errY == nil {
		return x.Mode().IsRegular() && os.SameFile(x, y)
	}
	if (errX == nil) != (errY == nil) {
		return false
	}
	a, errX = place(a)
	b, errY = place(b)
	return errX == nil && errY == nil && a == b
}

// place is where a file that is not there yet will be, by one name
// through all links.
func place(path string) (string, error) {
	to, _, err := fresh(path)
	if err != nil {
		return filepath.Abs(path) // its directory is not there yet, either
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(to))
	if err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join(dir, filepath.Base(to)))
}
