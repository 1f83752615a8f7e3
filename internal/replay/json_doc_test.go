package replay

import (
	"reflect"
	"strings"
	"testing"
)

// TestJSONDoc: docs/replay.md names every field of the JSON report.
func TestJSONDoc(t *testing.T) {
	_, text, ok := strings.Cut(read(t, "../../docs/replay.md"), "`--json` prints")
	text, _, ok2 := strings.Cut(text, "\n`--show`")
	if !ok || !ok2 {
		t.Fatal("the passage is gone")
	}
	seen := 0
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" {
				continue
			}
			seen++
			if !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%s.%s: %q is not in the document", typ.Name(), f.Name, name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Report]())
	walk(reflect.TypeFor[ConnectionReport]())
	if seen < 100 {
		t.Errorf("%d fields looked at", seen)
	}
}
