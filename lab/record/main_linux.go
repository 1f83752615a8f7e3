// Command record plays the lab's scene and writes what came in on the two
// ports of its switch to a pcapng file, one interface a port. The demo's
// capture was made by it:
//
//	go run ./lab/record internal/demo/http.pcapng
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"

	"sluice/lab"
	"sluice/port"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: record FILE.pcapng")
		os.Exit(2)
	}
	if err := record(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(2)
	}
}

func record(path string) (err error) {
	if err := lab.Available(); err != nil {
		return err
	}
	n, err := lab.New()
	if err != nil {
		return err
	}
	defer n.Close()
	// The two ports are read side by side, so frames are put into the order of
	// their times afterwards.
	type frame struct {
		port int
		time int64
		data []byte
	}
	var frames []frame
	err = n.Scene(func(port int, t int64, data []byte) {
		frames = append(frames, frame{port, t, slices.Clone(data)})
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(frames, func(a, b frame) int { return cmp.Compare(a.time, b.time) })

	w, err := port.Create(path, lab.Ports[:])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	for _, f := range frames {
		if err := w.Write(f.port, f.time, f.data, ""); err != nil {
			return err
		}
	}
	return nil
}
