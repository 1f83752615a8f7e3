package observe

import (
	"fmt"

	"sluice/conntrack"
)

// statColumns is the head of /proc/net/stat/nf_conntrack.
const statColumns = "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  " +
	"expect_new expect_create expect_delete search_restart\n"

// StatText is /proc/net/stat/nf_conntrack: a line of column names and a line
// of hexadecimal counts for each CPU, of which a tracker is one. Like Linux it
// shows zeros for new, ignore, delete and insert (nf_conntrack_standalone.c
// ct_cpu_seq_show).
func StatText(s conntrack.Stats) string {
	return statColumns + fmt.Sprintf("%08x  %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x  %08x %08x %08x %08x\n",
		s.Entries, s.ClashRes, s.Found, 0, s.Invalid, 0, 0, s.ChainLength, 0, s.InsertFailed, s.Drop, s.EarlyDrop, s.ICMPError,
		s.ExpectNew, s.ExpectCreate, s.ExpectDelete, s.SearchRestart)
}
