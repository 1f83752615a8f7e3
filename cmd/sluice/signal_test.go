//go:build unix

package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/internal/demo"
	"sluice/internal/state"
	"sluice/port"
)

// program is the sluice under test as a process of its own.
func program(t *testing.T, args ...string) *osexec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// testscript's programs go by the name that they are called by.
	name := filepath.Join(t.TempDir(), "sluice")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	c := osexec.Command(name, args...)
	c.Args[0] = "sluice"
	return c
}

// started is a program that has begun to read a pipe.
type started struct {
	*osexec.Cmd
	out, err bytes.Buffer
	pipe     *os.File
	done     chan error
}

// startReplay begins a replay over a pipe that holds a whole capture and does
// not end.
func startReplay(t *testing.T, dir string, args ...string) *started {
	t.Helper()
	if err := demo.Save(dir); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &started{done: make(chan error, 1)}
	s.Cmd = program(t, append([]string{"replay", "http.tc", "--in", "uplink_rep=pipe", "--split", "src=192.0.2.80:vf0_rep"}, args...)...)
	s.Dir, s.Stdout, s.Stderr = dir, &s.out, &s.err
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill() })
	var err error
	if s.pipe, err = os.OpenFile(pipe, os.O_WRONLY, 0); err != nil { // waits for the reader
		t.Fatal(err)
	}
	t.Cleanup(func() { s.pipe.Close() })
	capture, err := os.ReadFile(filepath.Join(dir, demo.CaptureFile))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.pipe.Write(capture); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.Wait() }()
	return s
}

func (s *started) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-s.done:
		return s.ProcessState.ExitCode()
	case <-time.After(60 * time.Second):
		t.Fatalf("it does not end; it says %s %s", s.out.String(), s.err.String())
		return 0
	}
}

// eventually waits for what a process has yet to do.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: ", what)
		}
	}
}

// TestEndingSignals: SIGINT, SIGTERM and SIGHUP end a replay with its report,
// which says that it is incomplete, its state, and whole captures.
func TestEndingSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(endings[sig], func(t *testing.T) {
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			s := startReplay(t, dir, "--out", "seen", "--state", "s", "--conntrack", "table", "--report", "page", "--json")
			eventually(t, "captures under way", func() bool {
				under, _ := filepath.Glob(at("seen/.*"))
				return len(under) == 4
			})
			time.Sleep(50 * time.Millisecond) // for the reader; what it has not read yet is not in the report
			if err := s.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := s.wait(t); code != exitError {
				t.Errorf("exit status %d, want %d", code, exitError)
			}
			if want := "sluice: stopped after 74 packets: " + endings[sig] + " received\n"; !strings.Contains(s.err.String(), want) {
				t.Errorf("it says %q, want %q", s.err.String(), want)
			}
			if !strings.Contains(s.out.String(), `"incomplete": "stopped after 74 packets`) {
				t.Errorf("the report does not say that it is incomplete: %.300s", s.out.String())
			}
			if st, err := state.ReadFile(at("s")); err != nil || st.Tracker.Len() == 0 {
				t.Errorf("the state: %v", err)
			}
			frames := 0
			for _, name := range []string{"uplink_rep", "vf0_rep", "pass", "drop"} {
				r, err := port.Open(at("seen/" + name + ".pcapng"))
				if err != nil {
					t.Fatal(err)
				}
				var rec port.Record
				for err = r.Read(&rec); err == nil; err = r.Read(&rec) {
					frames++
				}
				if !errors.Is(err, io.EOF) {
					t.Errorf("%s: %v", name, err)
				}
				r.Close()
			}
			if frames != 74 {
				t.Errorf("%d frames in the captures, want 74", frames)
			}
			for _, name := range []string{"table", "page"} {
				if st, err := os.Stat(at(name)); err != nil || st.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			if left, _ := filepath.Glob(at("seen/.*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestSecondSignal: a second one ends the program at once, and nothing half
// written stays. The table goes to a pipe that is never read, so that the
// program cannot come to its end by itself.
func TestSecondSignal(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "stuck"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startReplay(t, dir, "--out", "seen", "--state", "stuck")
	eventually(t, "captures under way", func() bool {
		under, _ := filepath.Glob(filepath.Join(dir, "seen/.*"))
		return len(under) == 4
	})
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "captures in their places", func() bool {
		_, err := os.Stat(filepath.Join(dir, "seen/vf0_rep.pcapng"))
		return err == nil
	})
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := s.wait(t); code != 128+int(syscall.SIGTERM) {
		t.Errorf("exit status %d, want %d; it says %s", code, 128+int(syscall.SIGTERM), s.err.String())
	}
}

// TestIgnoredSignal: what nohup(1) ignores stays ignored.
func TestIgnoredSignal(t *testing.T) {
	dir := t.TempDir()
	c := program(t, "sim", "--workload", "web", "--scale", "0.1", "--duration", "1h")
	c.Dir = dir
	wrapped := osexec.Command("sh", "-c", `trap '' HUP; exec "$0" "$@"`, c.Path)
	wrapped.Args = append(wrapped.Args, c.Args[1:]...)
	var said bytes.Buffer
	wrapped.Dir, wrapped.Stderr = dir, &said
	if err := wrapped.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = wrapped.Process.Kill() }()
	done := make(chan error, 1)
	go func() { done <- wrapped.Wait() }()
	time.Sleep(300 * time.Millisecond)
	_ = wrapped.Process.Signal(syscall.SIGHUP)
	select {
	case <-done:
		t.Fatalf("SIGHUP ended it though it was ignored: %s", said.String())
	case <-time.After(300 * time.Millisecond):
	}
	_ = wrapped.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatal("SIGTERM does not end it")
	}
	if !strings.Contains(said.String(), "SIGTERM received") {
		t.Errorf("it says %q", said.String())
	}
}

// TestOtherCommandsStop: a signal ends the other long ones, too, with what
// they have come to.
func TestOtherCommandsStop(t *testing.T) {
	cases, err := filepath.Abs("../../internal/conform/testdata/cases")
	if err != nil {
		t.Fatal(err)
	}
	many := []string{"conform", "--json"}
	for range 200 {
		many = append(many, cases)
	}
	for _, c := range []struct {
		args []string
		want string // of its output
	}{
		{[]string{"sim", "--workload", "web", "--scale", "0.1", "--duration", "1h", "--json"}, `"incomplete"`},
		{[]string{"bench", "all", "--conns", "2000", "--seconds", "1000", "--json"}, "["},
		{many, ""},
	} {
		t.Run(c.args[0], func(t *testing.T) {
			p := program(t, c.args...)
			var out, said bytes.Buffer
			p.Dir, p.Stdout, p.Stderr = t.TempDir(), &out, &said
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Process.Kill() }()
			done := make(chan error, 1)
			go func() { done <- p.Wait() }()
			time.Sleep(700 * time.Millisecond)
			_ = p.Process.Signal(syscall.SIGTERM)
			select {
			case <-done:
			case <-time.After(60 * time.Second):
				t.Fatal("it does not end")
			}
			if code := p.ProcessState.ExitCode(); code != exitError {
				t.Errorf("exit status %d, want %d", code, exitError)
			}
			if !strings.Contains(out.String(), c.want) || !strings.Contains(said.String(), "SIGTERM received") {
				t.Errorf("it writes %.300q and says %q", out.String(), said.String())
			}
		})
	}
}

// TestSignalBeforeTheFirstPacket: while the policy or the state is read there is
// nothing to report, so the first signal ends the program.
func TestSignalBeforeTheFirstPacket(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "p.tc"), []byte("filter add dev a ingress matchall action drop\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"policy": {"replay", pipe, "--in", "a=none.pcap"},
		"state":  {"replay", "p.tc", "--in", "a=none.pcap", "--from-state", pipe},
	} {
		t.Run(name, func(t *testing.T) {
			p := program(t, args...)
			p.Dir = dir
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = p.Process.Kill() }()
			hold, err := os.OpenFile(pipe, os.O_WRONLY, 0) // returns when the program reads
			if err != nil {
				t.Fatal(err)
			}
			defer hold.Close()
			_ = p.Process.Signal(syscall.SIGTERM)
			done := make(chan error, 1)
			go func() { done <- p.Wait() }()
			select {
			case <-done:
			case <-time.After(30 * time.Second):
				t.Fatal("the first SIGTERM does not end it")
			}
			if code := p.ProcessState.ExitCode(); code != 128+int(syscall.SIGTERM) {
				t.Errorf("exit status %d, want %d", code, 128+int(syscall.SIGTERM))
			}
		})
	}
}

// TestClosedPipe: a reader that goes away loses its own output alone.
func TestClosedPipe(t *testing.T) {
	dir := t.TempDir()
	if err := demo.Save(dir); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	p := program(t, "replay", "http.tc", "--in", "uplink_rep=http.pcapng", "--out", "seen", "--state", "s", "--conntrack", "table", "--report", "page")
	var said bytes.Buffer
	p.Dir, p.Stdout, p.Stderr = dir, w, &said
	err = p.Run()
	if p.ProcessState.ExitCode() != exitError || !strings.Contains(said.String(), "sluice: write standard output: ") {
		t.Errorf("%v; it says %q", err, said.String())
	}
	for _, name := range []string{"seen/vf0_rep.pcapng", "s", "table", "page"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
