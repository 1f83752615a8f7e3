package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"sluice/internal/outfile"
)

// endings are the signals that ask a program to end: from the keyboard, from
// kill(1) and service managers, and from a terminal that goes away.
var endings = map[os.Signal]string{syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM", syscall.SIGHUP: "SIGHUP"}

// signals decides what an ending signal does.
type signals struct {
	once sync.Once
	mu   sync.Mutex
	stop context.CancelCauseFunc // of the command under way; nil: it cannot stop half way
}

var ending signals

// watch begins to watch. A signal that was ignored when the program began
// stays ignored, as nohup(1) and shells' background jobs want. Writing to a
// closed pipe becomes an error of that output alone: files are written all
// the same.
func (s *signals) watch() {
	s.once.Do(func() {
		signal.Ignore(syscall.SIGPIPE)
		c := make(chan os.Signal, 1)
		for sig := range endings {
			if !signal.Ignored(sig) {
				signal.Notify(c, sig)
			}
		}
		go func() {
			for sig := range c {
				s.got(sig)
			}
		}()
	})
}

// got asks the command under way to stop, and ends the program at once when
// there is none, or when it has been asked before.
func (s *signals) got(sig os.Signal) {
	s.mu.Lock()
	stop := s.stop
	s.stop = nil
	s.mu.Unlock()
	if stop != nil {
		stop(fmt.Errorf("%s received", endings[sig]))
		return
	}
	outfile.Abandon()
	code := exitError
	if n, ok := sig.(syscall.Signal); ok {
		code = 128 + int(n) // as shells tell of a program that a signal ended
	}
	os.Exit(code)
}

// interruptible returns a context that the first ending signal ends, with the
// signal as its cause: the command reports what was done, writes all its files
// and says that it is incomplete. A second signal ends the program at once.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, arm, stop := laterInterruptible(ctx)
	arm()
	return ctx, stop
}

// laterInterruptible is interruptible for a command that has nothing to report
// until it calls arm: before that the first signal ends the program at once.
func laterInterruptible(ctx context.Context) (_ context.Context, arm, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	arm = func() {
		ending.mu.Lock()
		ending.stop = cancel
		ending.mu.Unlock()
	}
	return ctx, arm, func() {
		ending.mu.Lock()
		ending.stop = nil
		ending.mu.Unlock()
		cancel(nil)
	}
}
