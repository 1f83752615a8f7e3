//go:build unix

package replay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pipe makes a named pipe and writes to it in the background. The channel is
// closed when all has been written; the pipe stays open until the test ends.
func pipe(t *testing.T, content string) (path string, written <-chan struct{}) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Skipf("no named pipes here: %v", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0) // does not wait for a reader
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = f.WriteString(content)
	}()
	return path, done
}

// TestInterrupted: a replay that is told to stop does so at once, also while
// it waits for input, and reports all that it had read.
func TestInterrupted(t *testing.T) {
	run := func(path string, ready <-chan struct{}) (*Report, error) {
		o := httpOptions()
		o.Inputs[0].File = path
		ctx, cancel := context.WithCancel(context.Background())
		type result struct {
			rep *Report
			err error
		}
		c := make(chan result, 1)
		go func() {
			rep, err := Run(ctx, o)
			c <- result{rep, err}
		}()
		<-ready
		cancel()
		select {
		case r := <-c:
			return r.rep, r.err
		case <-time.After(20 * time.Second):
			t.Fatal("it does not stop")
			return nil, nil
		}
	}
	t.Run("in the middle", func(t *testing.T) {
		var packets []packetAt
		for i := range 20*batchFrames + 17 {
			packets = append(packets, packetAt{1e18 + int64(i), []byte("a frame of no use"), 0})
		}
		rep, err := run(pipe(t, pcap(1, packets...)))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v", err, context.Canceled)
		}
		// A pipe holds 64 KiB: what the writer is rid of beyond that was read.
		if rep == nil || rep.Packets < 15*batchFrames || rep.Packets != named(rep.Verdicts, "pass") || rep.Packets != rep.Inputs[0].Packets {
			t.Errorf("report %+v", rep)
		}
	})
	t.Run("before the first packet", func(t *testing.T) {
		rep, err := run(pipe(t, pcap(1)))
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "before the first packet") || rep != nil {
			t.Errorf("report %v, error %v", rep, err)
		}
	})
}
