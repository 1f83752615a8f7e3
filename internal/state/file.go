package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckTarget says why a state cannot be written to a path, as far as that can
// be told beforehand.
func CheckTarget(path string) error {
	if _, _, err := target(path); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// CheckUpdate says why a file's state cannot be put back once it has changed.
func CheckUpdate(path string) error {
	_, mode, err := target(path)
	if err == nil && !mode.IsRegular() {
		err = fmt.Errorf("%s is no regular file: what was read from it cannot be put back", path)
	}
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}

// target follows links to where a state will be, there already or not, and
// gives its mode.
func target(path string) (string, fs.FileMode, error) {
	if path == "-" {
		return "", 0, errors.New("standard output has the report: name a file")
	}
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh(path)
	}
	if err != nil {
		return "", 0, err
	}
	mode := st.Mode()
	switch {
	case mode.IsDir():
		return "", 0, fmt.Errorf("%s is a directory", path)
	case !mode.IsRegular():
		return path, mode, nil // /dev/stdout may lead to what has no name
	}
	if out, err := os.Stdout.Stat(); err == nil && os.SameFile(st, out) {
		return "", 0, fmt.Errorf("%s is standard output, which has the report: name another file", path)
	}
	// A file is replaced, which its directory's permissions decide on; so its
	// own are asked, and the root user's are as everybody's.
	if mode&0o222 == 0 {
		return "", 0, fmt.Errorf("%s is read-only", path)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return "", 0, err
	}
	f.Close()
	path, err = filepath.EvalSymlinks(path)
	return path, mode, err
}

// fresh is where a file will be made that is not there yet: behind links that
// lead to it.
func fresh(path string) (string, fs.FileMode, error) {
	for range 40 { // as many as Linux follows (MAXSYMLINKS)
		to, err := os.Readlink(path)
		if err != nil {
			break
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	switch st, err := os.Stat(filepath.Dir(path)); {
	case err != nil:
		return "", 0, err
	case !st.IsDir():
		return "", 0, fmt.Errorf("%s is no directory", filepath.Dir(path))
	}
	return path, 0o644, nil
}

// WriteFile writes the state to a file, whole or not at all: the file that a
// link leads to is replaced. What is no regular file, a pipe or a device, is
// written as it is.
func (s *State) WriteFile(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write state: %w", err)
		}
	}()
	path, mode, err := target(path)
	if err != nil {
		return err
	}
	if !mode.IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(s.Write(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	// CreateTemp's own mode is for secrets; keep the file's, if there is one.
	if err = errors.Join(f.Chmod(mode.Perm()), s.Write(f), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}
