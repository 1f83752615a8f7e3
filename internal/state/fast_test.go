package state

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slow reads a line of a kind with encoding/json.
func slow(line string, event bool) (any, error) {
	if event {
		var l eventLine
		err := json.Unmarshal([]byte(line), &l)
		return l, err
	}
	var l connLine
	err := json.Unmarshal([]byte(line), &l)
	return l, err
}

func quick(line string, event bool) (any, bool) {
	var s scanner
	if event {
		var l eventLine
		ok := s.fastEvent([]byte(line), &l)
		return l, ok
	}
	var l connLine
	ok := s.fastConn([]byte(line), &l)
	return l, ok
}

// sameLine holds both readers to each other: what the fast one takes, the other
// one takes, too, and as the same.
func sameLine(t interface{ Fatalf(string, ...any) }, line string) (taken bool) {
	event := strings.HasPrefix(line, `{"kind":"event"`)
	got, ok := quick(line, event)
	if !ok {
		return false
	}
	want, err := slow(line, event)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q\nread as %+v\nwant    %+v, %v", line, got, want, err)
	}
	return true
}

// manyLines are lines of connections and events with all that they may have.
func manyLines(t testing.TB) (out []string) {
	texts := string(sample(t))
	for _, l := range strings.SplitAfter(texts, "\n") {
		if strings.HasPrefix(l, `{"kind":"conn"`) || strings.HasPrefix(l, `{"kind":"event"`) {
			out = append(out, l)
		}
	}
	full := func(l *connLine) {
		l.Orig.Src, l.Orig.Packets, l.Label, l.Start, l.Pending = netip.MustParseAddr("fd00::1"), 1<<64-1, "00ff", -5, []string{"NEW", "MARK"}
		l.Flow = &flowLine{1, 2, 3, 4}
		if l.TCP == nil {
			at := int64(7)
			l.Stream, l.Track, l.Flow.Table, l.Flow.Refs = &at, "0a", 0, 0
		}
	}
	for _, l := range out[:len(out):len(out)] {
		v, err := slow(l, strings.HasPrefix(l, `{"kind":"event"`))
		if err != nil {
			t.Fatal(err)
		}
		switch x := v.(type) {
		case connLine:
			full(&x)
			v = x
		case eventLine:
			full(&x.Conn)
			x.Expired, x.Helper, x.Device, x.Reason = true, "ftp", "nic0", 4
			v = x
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(b)+"\n")
	}
	return out
}

// TestFastLines: the fast reader takes all lines that are written, and reads
// changed ones as the other does or leaves them to it.
func TestFastLines(t *testing.T) {
	lines := manyLines(t)
	for _, l := range lines {
		if !sameLine(t, l) {
			t.Errorf("left to encoding/json: %s", l)
		}
	}
	t.Run("B094_changed", rapid.MakeCheck(func(t *rapid.T) {
		l := []byte(rapid.SampledFrom(lines).Draw(t, "line"))
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(l)-1).Draw(t, "at")
			switch b := rapid.SampledFrom([]byte("0123456789-\"\\{}[],.: e\x00\xff")).Draw(t, "byte"); rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				l[at] = b
			case 1:
				l = append(l[:at:at], append([]byte{b}, l[at:]...)...)
			default:
				l = append(l[:at:at], l[at+1:]...)
			}
			if len(l) == 0 {
				return
			}
		}
		sameLine(t, string(l))
	}))
}

// FuzzFastLines compares both readers on any line.
func FuzzFastLines(f *testing.F) {
	for _, l := range manyLines(f) {
		f.Add(l)
	}
	f.Fuzz(func(t *testing.T, line string) { sameLine(t, line) })
}

// BenchmarkLines reads lines of connections.
func BenchmarkLines(b *testing.B) {
	text := []byte(strings.Repeat(manyLines(b)[0], 10_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var r reader
		for l := range bytes.Lines(text) {
			if _, err := r.line(l); err != nil {
				b.Fatal(err)
			}
		}
	}
}
