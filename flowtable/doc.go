// Package flowtable holds established connections, one table a zone, as
// act_ct keeps them in the kernel's nf_flow_table.
//
// A packet that hits skips the tracker: its state, mark and label are the
// connection's, and its window is not checked any more. The table owns what
// it holds: the tracker does not age a connection that carries OFFLOAD. FIN,
// RST, idleness, or the last ct action's removal hand it back, with its
// timeout put right.
//
// The table is not a second index. A connection is in it when its record says
// so, and is found through the tracker's own index: one lookup answers for
// both, and "in the flow table ⊆ in the connection table" cannot be broken.
// What the table keeps itself is the list that aging walks.
//
// Aging follows the kernel: every table looks at its flows once a second, at
// fixed instants counted from the table's birth. The work is spread over the
// ticks of that second, but its effect is dated at the instant, and a packet
// that arrives before the sweep has reached its flow sees the same: whether a
// flow has expired is a function of time alone, never of how often somebody
// called Tick.
//
// One goroutine owns a Set, as it does the tracker.
package flowtable
