package flowtable

import (
	"testing"

	"sluice/conntrack"
	"sluice/packet"
)

// TestPPTPIsNotOffloaded: GRE with keys in its tuple is PPTP's, which the flow table
// leaves to the tracker; without, it is taken once it is assured (act_ct.c
// tcf_ct_flow_table_process_conn).
func TestPPTPIsNotOffloaded(t *testing.T) {
	const assured = conntrack.StatusConfirmed | conntrack.StatusSeenReply | conntrack.StatusAssured
	for _, x := range []struct {
		name         string
		sport, dport uint16
		status       uint16
		want         bool
	}{
		{"plain", 0, 0, assured, true},
		{"plain, not assured", 0, 0, assured &^ conntrack.StatusAssured, false},
		{"plain, translated", 0, 0, assured | conntrack.StatusSrcNAT, false},
		{"PPTP, to the server", 0, 7, assured, false},
		{"PPTP, from the server", 7, 0, assured, false},
		{"PPTP, both", 7, 7, assured, false},
	} {
		c := conntrack.Conn{Status: x.status, Orig: packet.Tuple{Proto: packet.ProtoGRE, Family: packet.IPv4, SPort: x.sport, DPort: x.dport}}
		if ok, both := Admit(&c, packet.CTEstablished); ok != x.want || both != x.want {
			t.Errorf("%s: taken %v, in both directions %v; want %v", x.name, ok, both, x.want)
		}
	}
}
