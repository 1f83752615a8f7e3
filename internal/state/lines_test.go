package state

import (
	"encoding/json"
	"reflect"
	"testing"

	"sluice/conntrack"
)

// TestStatsLine: no count is forgotten, whatever Stats come to hold. Entries
// are counted anew.
func TestStatsLine(t *testing.T) {
	var s conntrack.Stats
	n := uint64(1)
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if f.Kind() == reflect.Array {
			for j := range f.Len() {
				f.Index(j).SetUint(n)
				n++
			}
			continue
		}
		f.SetUint(n)
		n++
	}
	s.Entries = 0
	b, err := json.Marshal(newStatsLine(s))
	if err != nil {
		t.Fatal(err)
	}
	var l statsLine
	if err := json.Unmarshal(b, &l); err != nil {
		t.Fatal(err)
	}
	if got := l.stats(); got != s {
		t.Errorf("got %+v\nwant %+v", got, s)
	}
}
