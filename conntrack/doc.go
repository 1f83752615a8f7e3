// Package conntrack is a connection tracker with the behaviour of Linux's
// nf_conntrack: zones, original and reply tuples, TCP's states and windows,
// UDP streams, ICMP queries and errors, limits and timeouts by Linux's names.
//
// # Design
//
// Connections are fixed-size records without pointers in a slab, addressed by
// slot and generation (packet.ConnRef), so that the garbage collector never
// looks at them and a stale reference is noticed. The index is a table of
// one-line buckets with tags, under a keyed symmetric hash: one entry finds a
// connection from either side, and a lookup costs two dependent cache misses,
// which Seek lets a caller overlap over a vector of packets.
//
// Time is a parameter everywhere. A connection past its deadline does not
// exist for any lookup; Tick only gives its memory back, a bounded number of
// slots at a time. So what a packet meets does not depend on when Tick ran.
//
// # Use
//
// In judges a packet and gives it a connection, a new one if need be. A new
// one is unconfirmed: known to its packet alone, until Confirm. Discard takes
// a packet's connection off it and frees one that was never confirmed.
//
// One goroutine owns a Tracker.
package conntrack
