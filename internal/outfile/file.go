package outfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// File is a file under way. It is ended by Commit or Abort; a File is for one
// goroutine.
type File struct {
	w      *bufio.Writer
	f      *os.File
	path   string // the target; empty: f is the target itself
	beside bool   // f is in path's directory, so that it can be renamed
	err    error  // the first of writing
}

// Create begins a file that will be at path. Until Commit, path is as it was.
func Create(path string) (*File, error) {
	to, mode, err := target(path)
	if err != nil {
		return nil, err
	}
	if !mode.IsRegular() {
		f, err := os.OpenFile(to, os.O_WRONLY, 0)
		if err != nil {
			return nil, err
		}
		return &File{w: bufio.NewWriter(f), f: f}, nil
	}
	f, beside, err := temporary(to, mode.Perm())
	if err != nil {
		return nil, err
	}
	live.add(f.Name())
	return &File{w: bufio.NewWriter(f), f: f, path: to, beside: beside}, nil
}

// Write appends to the file.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	f.err = err // bufio keeps the first
	return n, err
}

// Commit puts the file in its place. With sync it is on the disk before it
// replaces anything (fsync), and so is its name. verify, if not nil, is given
// what was written, to read it back; its error, as any other, leaves what was
// there before.
func (f *File) Commit(sync bool, verify func(io.Reader) error) error {
	err := errors.Join(f.err, f.flush(sync))
	if f.path == "" {
		return errors.Join(err, f.f.Close())
	}
	if err == nil && verify != nil {
		err = f.verify(verify)
	}
	if cerr := f.f.Close(); err == nil {
		err = cerr
	}
	moved := false
	if err == nil {
		moved, err = f.move(sync)
	}
	if !moved {
		return errors.Join(err, live.drop(f.f.Name()))
	}
	live.remove(f.f.Name())
	if sync {
		syncDir(filepath.Dir(f.path))
	}
	return nil
}

// move puts the closed file at its path: by its name, or, where the directory
// does not let it (EACCES, or EBUSY over a container's mounted file), by
// writing over what is there; then moved is false.
func (f *File) move(sync bool) (moved bool, err error) {
	if f.beside {
		if err = os.Rename(f.f.Name(), f.path); err == nil {
			return true, nil
		}
		if _, there := os.Stat(f.path); there != nil {
			return false, err
		}
	}
	return false, f.copy(sync)
}

func (f *File) flush(sync bool) error {
	if err := f.w.Flush(); err != nil {
		if f.err != nil {
			return nil // it is the same one
		}
		return err
	}
	if sync && f.path != "" {
		return f.f.Sync()
	}
	return nil
}

// verify reads the file from its beginning, as another program will.
func (f *File) verify(read func(io.Reader) error) error {
	r, err := os.Open(f.f.Name())
	if err != nil {
		return err
	}
	defer r.Close()
	if err := read(r); err != nil {
		return fmt.Errorf("what was written cannot be read back, and %s is as it was: %w", f.path, err)
	}
	return nil
}

// copy writes over the target, whose directory takes no other file.
func (f *File) copy(sync bool) error {
	from, err := os.Open(f.f.Name())
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(f.path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	if err == nil && sync {
		err = to.Sync()
	}
	return errors.Join(err, to.Close())
}

// Abort gives the file up: what was at its path stays.
func (f *File) Abort() error {
	err := f.f.Close()
	if f.path == "" {
		return err
	}
	return errors.Join(err, live.drop(f.f.Name()))
}

// Write writes a file at path, whole or not at all.
func Write(path string, write func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit(false, nil)
}

// syncDir puts a directory's names on the disk. What has no such thing says
// an error, and the file itself is safe.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// temporaries are the names of all files under way.
type temporaries struct {
	mu    sync.Mutex
	names map[string]bool
}

var live = temporaries{names: map[string]bool{}}

func (t *temporaries) add(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names[name] = true
}

func (t *temporaries) remove(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.names, name)
}

func (t *temporaries) drop(name string) error {
	t.remove(name)
	return os.Remove(name)
}

// Abandon removes all files under way, of every goroutine: the program is
// about to end at once.
func Abandon() {
	live.mu.Lock()
	defer live.mu.Unlock()
	for name := range live.names {
		_ = os.Remove(name)
	}
	clear(live.names)
}

// Kept reports whether what is written stays, to be read back; a pipe's or a
// device's does not.
func (f *File) Kept() bool { return f.path != "" }

// Bytes writes a file at path that holds b, whole or not at all.
func Bytes(path string, b []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}
