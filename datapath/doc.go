// Package datapath runs a policy over packets: blocks and chains,
// classification, actions, counters. It is what sch_handle_ingress, cls_api
// and the actions' code are in the kernel.
//
// A vector is judged in stages. The first parse all frames, hash all tuples
// and touch every bucket and connection that will be asked for, so that the
// cache misses of up to 256 packets overlap. Then each packet runs to its end
// before the next one starts: a SYN's commit is seen by the SYN-ACK behind it
// in the same vector, and the result is that of one packet at a time.
//
// Load compiles a policy into a program that is never changed afterwards.
// Counters belong to action instances, not to programs, and so outlive a
// reload.
package datapath
