// Package infile reads small files whole, bounded: a path may lead to a device
// or a pipe that has no end.
package infile

import (
	"fmt"
	"io"
	"os"
)

// Read reads the file at path, which may have at most so many bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > most {
		return nil, fmt.Errorf("read %s: longer than %d bytes", path, most)
	}
	return b, nil
}
