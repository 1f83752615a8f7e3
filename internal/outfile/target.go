package outfile

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// Check says why a file cannot be written to a path, as far as that can be
// told beforehand. It changes nothing, and does not wait for a pipe's reader.
func Check(path string) error {
	path, mode, err := target(path)
	if err != nil || !mode.IsRegular() {
		return err
	}
	f, _, err := temporary(path, mode.Perm())
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// CheckUpdate says why a file cannot be put back once it has been read and
// changed.
func CheckUpdate(path string) error {
	_, mode, err := target(path)
	if err == nil && !mode.IsRegular() {
		err = fmt.Errorf("%s is no regular file: what was read from it cannot be put back", path)
	}
	if err != nil {
		return err
	}
	return Check(path)
}

// target follows links to where a file will be, there already or not, and
// gives its mode; 0: there is no file yet.
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
	return path, 0, nil
}

// temporary makes the file that will become path, with the mode that it has or
// that the umask gives. beside is false when it could not be made in path's
// directory, which is no obstacle if path is there already and can be written:
// a container's mounted file is one such.
func temporary(path string, mode fs.FileMode) (f *os.File, beside bool, err error) {
	name := "." + filepath.Base(path)
	if len(name) > 200 { // with its number it must not exceed NAME_MAX
		name = name[:200]
	}
	if f, err = exclusive(filepath.Dir(path), name, mode); err == nil {
		return f, true, nil
	}
	if _, there := os.Stat(path); there != nil {
		return nil, false, err
	}
	f, other := exclusive(os.TempDir(), name, 0o600)
	if other != nil {
		return nil, false, err
	}
	return f, false, nil
}

// exclusive makes a file of a name that no other has. Mode 0: the umask's.
func exclusive(dir, name string, mode fs.FileMode) (*os.File, error) {
	ask := mode
	if ask == 0 {
		ask = 0o666
	}
	for try := 0; ; try++ {
		f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s-%08x", name, rand.Uint32())), os.O_RDWR|os.O_CREATE|os.O_EXCL, ask)
		if errors.Is(err, fs.ErrExist) && try < 1000 {
			continue
		}
		if err != nil || mode == 0 {
			return f, err
		}
		if err := f.Chmod(mode); err != nil {
			return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		return f, nil
	}
}
