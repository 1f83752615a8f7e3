// Package frag puts IP fragments together and takes packets apart again, as
// Linux does for connection tracking under tc: ip_defrag and
// nf_ct_frag6_gather on the way in (net/ipv4/ip_fragment.c,
// net/ipv4/inet_fragment.c, net/ipv6/netfilter/nf_conntrack_reasm.c), and
// ip_do_fragment and ip6_fragment, called by sch_fragment
// (net/sched/sch_frag.c), on the way out.
//
// Fragments wait in queues, one for each packet under way. A queue is found by
// a keyed hash; its fragments lie in chunks of a pool that never outgrows the
// family's limit by more than one fragment. Everything a flood of fragments
// can make the Reassembler do is constant or logarithmic work a fragment.
package frag
