package state

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"sluice/conntrack"
)

// TestLongStates: what there may be much of does not make lines that cannot be
// read: zones, those that have refused connections, and refused rules.
func TestLongStates(t *testing.T) {
	set := conntrack.DefaultSettings()
	if err := set.SetTimeoutPolicy("zone=7,tcp_established=77"); err != nil {
		t.Fatal(err)
	}
	for id := range 20_000 {
		z := set.Zones[uint16(id)]
		z.HasLimit, z.Limit = true, uint32(id)+1
		set.Zones[uint16(id)] = z
	}
	tr := conntrack.New(conntrack.Config{Settings: set})
	led := conntrack.Ledger{Refused: tr.Ledger().Refused}
	for id := range 20_000 {
		led.Zones = append(led.Zones, conntrack.SavedZone{Zone: uint16(id), Refused: uint64(id) + 1})
	}
	if err := tr.Resume(led, nil); err != nil {
		t.Fatal(err)
	}
	s := State{Tracker: tr}
	for d := range 3 {
		c := Card{Name: fmt.Sprint("nic", d), Profile: "plain", Limit: d}
		for i := range 5_000 * d {
			c.Refusals = append(c.Refusals, RuleRefusal{fmt.Sprintf("%s/p.tc:%d", strings.Repeat("\x01directory", 20), i), "the device has no room"})
		}
		s.Cards = append(s.Cards, c)
	}
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, l := range strings.SplitAfter(text, "\n") {
		if len(l) > maxLine/2 {
			t.Errorf("a line of %d bytes: %.80s", len(l), l)
		}
	}
	got, err := Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	if have := got.Tracker.Settings().Zones; !reflect.DeepEqual(have, set.Zones) {
		t.Errorf("%d zones come back, of %d", len(have), len(set.Zones))
	}
	if have := got.Tracker.Ledger().Zones; !reflect.DeepEqual(have, led.Zones) {
		t.Errorf("%d zones that have refused come back, of %d", len(have), len(led.Zones))
	}
	if !reflect.DeepEqual(got.Cards, s.Cards) {
		t.Errorf("devices come back otherwise: %d", len(got.Cards))
	}
	var again bytes.Buffer
	if err := got.Write(&again); err != nil || again.String() != text {
		t.Errorf("written again it differs, %v", err)
	}
	s.Clock.Policy = strings.Repeat("p", maxLine)
	if err := s.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "could be read back") {
		t.Errorf("a line that is too long: %v", err)
	}
}

// TestTooManyLines: no kind of line fills the memory.
func TestTooManyLines(t *testing.T) {
	samples := map[string]string{
		kindFree: `"slots":[[1,2]]`, kindSources: `"slots":[1]`, kindPlace: `"slot":1`, kindTable: `"id":1`, kindHeld: `"id":1`, kindStale: `"id":1`,
		kindExpect: "", kindSender: `"addr":"10.0.0.1"`, kindAction: `"action":"ct"`, kindLimits: "", kindPacket: `"src":"10.0.0.1","dst":"10.0.0.2"`,
		kindFragment: `"data":"AAAA"`, kindSplit: `"a":"10.0.0.1","b":"10.0.0.2"`, kindMAC: `"mac":"x"`, kindCard: `"name":"x"`,
		kindOrigin: `"in":["a","b"],"slots":[1]`,
	}
	body := body(t)
	for _, kind := range []string{kindConn, kindEvent, kindExpect} {
		i := strings.Index(body, fmt.Sprintf(`{"kind":%q,`, kind))
		if i < 0 {
			continue
		}
		line := body[i:]
		line = line[:strings.Index(line, "\n")]
		samples[kind] = strings.TrimSuffix(strings.TrimPrefix(line, fmt.Sprintf(`{"kind":%q,`, kind)), "}")
	}
	samples[kindExpect] = `"helper":"ftp","proto":6,"tuple":{"src":"10.0.0.1","dst":"10.0.0.2"},"master_original":{"src":"10.0.0.1","dst":"10.0.0.2"},"master_proto":6`
	for kind, most := range mostLines {
		t.Run(kind, func(t *testing.T) {
			if kind != kindConn && kind != kindEvent {
				mostLines[kind] = 3
				defer func() { mostLines[kind] = most }()
			}
			sample, ok := samples[kind]
			if !ok {
				t.Fatalf("the test knows no line of kind %s", kind)
			}
			line := strings.Replace(fmt.Sprintf(`{"kind":%q,%s}`, kind, sample), ",}", "}", 1) + "\n"
			head := body[:strings.Index(body, "\n")+1]
			switch kind {
			case kindHeld, kindStale:
				head += `{"kind":"flowtable","id":1}` + "\n"
			case kindPacket:
				head += `{"kind":"fragments"}` + "\n"
			case kindFragment:
				head += `{"kind":"fragments"}` + "\n" + `{"kind":"packet","src":"10.0.0.1","dst":"10.0.0.2"}` + "\n"
			case kindConn, kindEvent:
				r := &reader{lines: map[string]int{}}
				if kind == kindConn {
					r.conns = make([]conntrack.Saved, 0)
				}
				if _, err := r.line([]byte(line)); err != nil || len(r.conns)+len(r.events) != 1 {
					t.Fatalf("a line: %v", err)
				}
				mostLines[kind] = 1
				defer func() { mostLines[kind] = most }()
				slow := strings.Replace(line, `,"`, `, "`, 1) // not as the writer has it
				if _, err := r.line([]byte(slow)); err == nil || !strings.Contains(err.Error(), "more than 1 lines of kind") {
					t.Errorf("error %v", err)
				}
				return
			}
			if _, err := Read(strings.NewReader(head + strings.Repeat(line, 3))); err == nil || !strings.Contains(err.Error(), "cut off") {
				t.Fatalf("three lines: %v", err)
			}
			if _, err := Read(strings.NewReader(head + strings.Repeat(line, 4))); err == nil || !strings.Contains(err.Error(), "more than 3 lines of kind") {
				t.Errorf("four lines: %v", err)
			}
		})
	}
	long := `{"kind":"free","slots":[` + strings.Repeat("[1,2],", slotsPerLine) + "[1,2]]}\n"
	for _, l := range []string{long, `{"kind":"sources","slots":[` + strings.Repeat("1,", slotsPerLine) + "1]}\n", `{"kind":"flowtable","id":1}` + "\n" + `{"kind":"held","id":1,"slots":[` + strings.Repeat("1,", slotsPerLine) + "1]}\n"} {
		if _, err := Read(strings.NewReader(body + l)); err == nil || !strings.Contains(err.Error(), "513 slots in a line; at most 512") {
			t.Errorf("a long list: %v", err)
		}
	}
}

// TestEndlessState: what repeats lines of no known kind takes no memory.
func TestEndlessState(t *testing.T) {
	head := body(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(io.MultiReader(strings.NewReader(head), io.LimitReader(repeated(`{"kind":"weather"}`+"\n"), 4<<20)))
	runtime.GC()
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("no error")
	}
	if n := int64(after.HeapAlloc) - int64(before.HeapAlloc); n > 4<<20 {
		t.Errorf("%d bytes are kept", n)
	}
}

// repeated is a text again and again.
type repeated string

func (r repeated) Read(b []byte) (n int, err error) {
	for n+len(r) <= len(b) {
		n += copy(b[n:], r)
	}
	if n == 0 {
		n = copy(b, r)
	}
	return n, nil
}
