package observe

import (
	"fmt"
	"strings"

	"sluice/conntrack"
)

// StatText is /proc/net/stat/nf_conntrack: a line of column names and a line
// of hexadecimal counts for each CPU, of which a tracker is one.
func StatText(s conntrack.Stats) string {
	columns := []struct {
		name  string
		value uint64
	}{
		{"entries", s.Entries}, {"clashres", s.ClashRes}, {"found", s.Found}, {"new", s.New}, {"invalid", s.Invalid},
		{"ignore", s.Ignore}, {"delete", s.Delete}, {"chainlength", s.ChainLength}, {"insert", s.Insert},
		{"insert_failed", s.InsertFailed}, {"drop", s.Drop}, {"early_drop", s.EarlyDrop}, {"icmp_error", s.ICMPError},
		{"expect_new", s.ExpectNew}, {"expect_create", s.ExpectCreate}, {"expect_delete", s.ExpectDelete},
		{"search_restart", s.SearchRestart},
	}
	var names, values []string
	for _, c := range columns {
		// Each count is eight hexadecimal digits, in a column as wide as its name.
		names = append(names, fmt.Sprintf("%-8s", c.name))
		values = append(values, fmt.Sprintf("%-*s", max(len(c.name), 8), fmt.Sprintf("%08x", c.value)))
	}
	return strings.TrimRight(strings.Join(names, " "), " ") + "\n" + strings.TrimRight(strings.Join(values, " "), " ") + "\n"
}
