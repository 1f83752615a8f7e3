package state

import (
	"errors"
	"fmt"
	"io"

	"sluice/internal/outfile"
)

// WriteFile writes the state to a file, whole or not at all: it is on the disk
// and has been read back before it replaces the file that a link leads to.
// What is no regular file, a pipe or a device, is written as it is, after what
// it will get has been read once.
func (s *State) WriteFile(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write state: %w", err)
		}
	}()
	f, err := outfile.Create(path)
	if err != nil {
		return err
	}
	if !f.Kept() {
		err = s.verify()
	}
	if err == nil {
		err = s.Write(f)
	}
	if err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit(true, readable)
}

// readable reads a state that has been written.
func readable(r io.Reader) error {
	_, err := Read(r)
	return err
}

// verify reads the state as it will be written.
func (s *State) verify() error {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(s.Write(w))
	}()
	err := readable(r)
	r.CloseWithError(err) // ends Write, if it is not at its end
	<-done
	if err != nil {
		return fmt.Errorf("it could not be read back: %w", err)
	}
	return nil
}
