package conform

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/packet"
)

// slack is by how many seconds timeouts may differ.
const slack = 2

// lateMost is by how many seconds more, and by all alike, a table's timeouts may be
// lower than the answer's: the recorder's machine took its time to read it.
const lateMost = 3

// lateness is by how many seconds a table was read late: by what all of its
// timeouts are lower, if there are enough of them to tell that from a wrong one.
func lateness(differences []int64) int64 {
	if len(differences) < 3 {
		return 0
	}
	return min(max(slices.Min(differences), 0), lateMost)
}

// Compare gives the first difference between a recorded case and an answer to
// it, in words; "" when there is none.
func Compare(want, got *Case) string {
	if d := compareRefused(want, got); d != "" {
		return d
	}
	want, d := inTermsOf(want, got)
	if d != "" {
		return d
	}
	if len(want.Steps) != len(got.Steps) {
		return fmt.Sprintf("%d steps, expected %d", len(got.Steps), len(want.Steps))
	}
	// A table stays as it was last given until it is given again.
	lastWant, lastGot := []Entry{}, []Entry{}
	sides := tellsSides(want)
	wantSteps, gotSteps := relax(want.Steps, want.Free), relax(got.Steps, want.Free)
	for i := range want.Steps {
		w, g := &wantSteps[i], &gotSteps[i]
		place := fmt.Sprintf("step %d%s: ", i, note(w))
		if d := compareStep(w, g, sides); d != "" {
			return place + d
		}
		if w.Conntrack != nil {
			lastWant = *w.Conntrack
		}
		if g.Conntrack != nil {
			lastGot = *g.Conntrack
		}
		if w.Conntrack != nil || g.Conntrack != nil {
			if d := compareTables(lastWant, lastGot, w.Conntrack != nil && g.Conntrack != nil); d != "" {
				return place + d
			}
		}
	}
	if d := compareTables(want.Conntrack, got.Conntrack, true); d != "" {
		return "at the end: " + d
	}
	if d := compareExpectations(want.Expectations, got.Expectations); d != "" {
		return "at the end: " + d
	}
	if d := compareProc(want.Proc, got.Proc); d != "" {
		return "at the end: " + d
	}
	return compareFilters(want.Filters, got.Filters, len(want.Refused) > 0)
}

// compareExpectations compares in any order. A dump does not have the zones,
// which may be all that tells expectations apart: each comes as often as it is
// there.
func compareExpectations(want, got []Entry) string {
	byTuple := func(list []Entry) map[string][]Entry {
		m := map[string][]Entry{}
		for _, e := range list {
			k := canonical([]any{e["master"], e["tuple"]})
			m[k] = append(m[k], e)
		}
		return m
	}
	w, g := byTuple(want), byTuple(got)
	for _, k := range slices.Sorted(maps.Keys(w)) {
		if len(g[k]) < len(w[k]) {
			return fmt.Sprintf("expectation %s is missing", canonical(w[k][len(g[k])]))
		}
		for i, e := range w[k] {
			if d := compareEntry(e, g[k][i], true, 0); d != "" {
				return fmt.Sprintf("expectation %s: %s", canonical(e["tuple"]), d)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(g)) {
		if len(g[k]) > len(w[k]) {
			return fmt.Sprintf("expectation %s was not expected", canonical(g[k][len(w[k])]))
		}
	}
	return ""
}

func compareRefused(want, got *Case) string {
	w, g := map[int]string{}, map[int]string{}
	for _, r := range want.Refused {
		w[r.Line] = r.Error
	}
	for _, r := range got.Refused {
		g[r.Line] = r.Error
	}
	for i, line := range want.Policy {
		if w[i] != g[i] {
			return fmt.Sprintf("policy line %d, %s: %s, expected %s", i, line, refusal(g[i]), refusal(w[i]))
		}
	}
	return ""
}

func refusal(e string) string {
	if e == "" {
		return "taken"
	}
	return "refused with " + strconv.Quote(e)
}

func compareStep(w, g *Step, sides bool) string {
	if w.Frame == "" && w.In == "" {
		return ""
	}
	if w.Verdict != g.Verdict {
		return fmt.Sprintf("verdict %s, expected %s (frame %s into %s)", g.Verdict, w.Verdict, w.Frame, w.In)
	}
	wout, gout := outs(w.Out, w.Frame), outs(g.Out, w.Frame)
	for i := range max(len(wout), len(gout)) {
		switch {
		case i >= len(wout):
			return "an unexpected frame came out: " + gout[i]
		case i >= len(gout):
			return "a frame is missing: " + wout[i]
		case wout[i] != gout[i] && !finished(wout[i], gout[i]):
			return fmt.Sprintf("frame out %s, expected %s", gout[i], wout[i])
		}
	}
	wh, gh := hitLines(w.Hits, sides), hitLines(g.Hits, sides)
	for _, k := range slices.Sorted(maps.Keys(wh)) {
		if gh[k] != wh[k] {
			return fmt.Sprintf("filter %s counted %s, expected %s", k, orNothing(gh[k]), wh[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(gh)) {
		if wh[k] == "" {
			return fmt.Sprintf("filter %s counted %s, expected nothing", k, gh[k])
		}
	}
	return ""
}

// outs orders frames: the recording tells them apart by device only.
func outs(o []Out, in string) []string {
	s := make([]string, 0, len(o))
	ids := map[string]int{}
	for _, x := range o {
		s = append(s, x.Dev+" "+namelessFragment(x.Frame, in, ids))
	}
	slices.Sort(s)
	return s
}

// finished reports whether a recorded frame is ours but for a checksum that the
// kernel left to the device to finish: where a helper has changed the
// payload, the recording has the pseudo header's sum alone
// (nf_nat_proto.c nf_nat_csum_recalc).
func finished(want, got string) bool {
	wdev, wframe, _ := strings.Cut(want, " ")
	gdev, gframe, _ := strings.Cut(got, " ")
	w, err1 := hex.DecodeString(wframe)
	g, err2 := hex.DecodeString(gframe)
	if err1 != nil || err2 != nil || wdev != gdev || len(w) != len(g) {
		return false
	}
	var h packet.Headers
	packet.Parse(w, &h)
	at := packet.ChecksumOffset(h.Proto)
	if h.Flags&packet.HasL4 == 0 || at < 0 || int(h.L4)+at+2 > int(h.End) {
		return false
	}
	l4 := w[h.L4:h.End]
	pseudo := packet.PseudoSum(w[h.L3:], h.Tuple.Family, h.Proto, len(l4))
	if binary.BigEndian.Uint16(l4[at:]) != packet.Fold(pseudo) {
		return false
	}
	l4[at], l4[at+1] = 0, 0
	binary.BigEndian.PutUint16(l4[at:], ^packet.Fold(packet.Sum(pseudo, l4)))
	return bytes.Equal(w, g)
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// tellsSides reports whether a case's hits tell ingress and egress apart. In a
// recording that does not, filters of both sides go by one name.
func tellsSides(c *Case) bool {
	return slices.ContainsFunc(c.Steps, func(s Step) bool {
		return slices.ContainsFunc(s.Hits, func(h Hit) bool { return h.Dir != "" })
	})
}

// hitLines renders hits by filter.
func hitLines(hits []Hit, sides bool) map[string]string {
	m := map[string]string{}
	for _, h := range hits {
		var s []string
		for _, a := range h.Actions {
			s = append(s, fmt.Sprintf("%s %d packets %d bytes %d drops", a.Kind, a.Packets, a.Bytes, a.Drops))
		}
		dev := h.Dev
		if sides && (h.Dir == egress || h.Dir == "out") { // the recorder's word
			dev += " egress"
		}
		k := fmt.Sprintf("%s chain %d prio %d handle %#x", dev, h.Chain, h.Prio, h.Handle)
		if other := m[k]; other != "" {
			s = slices.Sorted(slices.Values([]string{other, strings.Join(s, ", ")}))
		}
		m[k] = strings.Join(s, ", ")
	}
	return m
}

// compareTables compares connections by zone and original tuple.
func compareTables(want, got []Entry, timeouts bool) string {
	w, g := map[string]Entry{}, map[string]Entry{}
	for _, e := range want {
		w[entryKey(e)] = e
	}
	for _, e := range got {
		g[entryKey(e)] = e
	}
	var lower []int64
	for k := range w {
		a, ok := number(w[k]["timeout"])
		b, also := number(g[k]["timeout"])
		if ok && also {
			lower = append(lower, b-a)
		}
	}
	late := lateness(lower)
	for _, k := range slices.Sorted(maps.Keys(w)) {
		if g[k] == nil {
			return fmt.Sprintf("connection %s is missing", canonical(w[k]))
		}
		if d := compareEntry(w[k], g[k], timeouts, late); d != "" {
			return fmt.Sprintf("connection %s: %s", canonical(w[k]["orig"]), d)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(g)) {
		if w[k] == nil {
			return fmt.Sprintf("connection %s was not expected", canonical(g[k]))
		}
	}
	return ""
}

// compareEntry compares two entries, the first of which was read late.
func compareEntry(w, g Entry, timeouts bool, late int64) string {
	keys := map[string]bool{}
	for k := range w {
		keys[k] = true
	}
	for k := range g {
		keys[k] = true
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if k == "timeout" && w[k] != nil && g[k] != nil {
			a, _ := number(w[k])
			b, _ := number(g[k])
			if d := b - a - late; timeouts && (d > slack || d < -slack) {
				return fmt.Sprintf("timeout %d, expected %d", b, a)
			}
			continue
		}
		if a, b := canonical(w[k]), canonical(g[k]); a != b {
			return fmt.Sprintf("%s %s, expected %s", k, b, a)
		}
	}
	return ""
}

// compareProc compares lines of /proc/net/nf_conntrack in any order, with
// slack for the timeout.
func compareProc(want, got []string) string {
	w, g := procLines(want), procLines(got)
	var lower []int64
	for k, t := range w {
		if got, ok := g[k]; ok && t != 0 && got != 0 {
			lower = append(lower, got-t)
		}
	}
	late := lateness(lower)
	for _, k := range slices.Sorted(maps.Keys(w)) {
		t, ok := g[k]
		if !ok {
			return fmt.Sprintf("/proc line missing: %s; there is %s", k, strings.Join(slices.Sorted(maps.Keys(g)), " | "))
		}
		d := t - w[k]
		if w[k] != 0 { // what is offloaded has none
			d -= late
		}
		if d > slack || d < -slack {
			return fmt.Sprintf("/proc line %s: timeout %d, expected %d", k, t, w[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(g)) {
		if _, ok := w[k]; !ok {
			return "/proc line not expected: " + k
		}
	}
	return ""
}

// procTimeout is a line's timeout. It stands after four columns, and only in
// some lines.
var procTimeout = regexp.MustCompile(`^((?:\S+ +){4})(\d+) `)

// procLines takes the timeouts out of lines.
func procLines(lines []string) map[string]int64 {
	m := map[string]int64{}
	for _, l := range lines {
		timeout := int64(0)
		if f := procTimeout.FindStringSubmatch(l); f != nil {
			if n, err := strconv.ParseInt(f[2], 10, 64); err == nil {
				timeout = n
				l = f[1] + "T " + l[len(f[0]):]
			}
		}
		m[l] = timeout
	}
	return m
}

// compareFilters compares tc's listings. After a refused command an action's
// index depends on whether the kernel's grace period for the refused one's was
// over, which is a matter of milliseconds; then it is enough that the same
// indices are told apart.
func compareFilters(want, got map[string]map[string]json.RawMessage, renumber bool) string {
	wi, gi := indices{}, indices{}
	for _, dev := range slices.Sorted(maps.Keys(want)) {
		for _, dir := range slices.Sorted(maps.Keys(want[dev])) {
			w, err := plain(want[dev][dir])
			if err != nil {
				return fmt.Sprintf("filters of %s %s in the case: %v", dev, dir, err)
			}
			g, err := plain(got[dev][dir])
			if err != nil {
				return fmt.Sprintf("filters of %s %s: %v", dev, dir, err)
			}
			if renumber {
				wi.renumber(w)
				gi.renumber(g)
			}
			for i := range max(len(w), len(g)) {
				var a, b any
				if i < len(w) {
					a = w[i]
				}
				if i < len(g) {
					b = g[i]
				}
				if x, y := canonical(a), canonical(b); x != y {
					return fmt.Sprintf("filter show %s %s, entry %d: %s, expected %s", dev, dir, i, y, x)
				}
			}
		}
	}
	return ""
}

// plain decodes a filter list and takes out what depends on the clock: the
// ages of actions. Whether an action was ever used stays.
func plain(raw json.RawMessage) ([]any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v []any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	ageless(v)
	return v, nil
}

func ageless(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			ageless(x)
		}
	case map[string]any:
		for k, x := range v {
			switch k {
			case "installed", "last_used", "first_used":
				v[k] = true
			default:
				ageless(x)
			}
		}
	}
}

// indices numbers actions by their first appearance, kind by kind.
type indices map[string]int

func (n indices) renumber(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n.renumber(x)
		}
	case map[string]any:
		if i, ok := v["index"]; ok {
			k := fmt.Sprint(v["kind"], " ", i)
			if n[k] == 0 {
				n[k] = len(n) + 1
			}
			v["index"] = n[k]
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			n.renumber(v[k])
		}
	}
}
