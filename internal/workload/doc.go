// Package workload makes traffic for experiments with offload: frames of
// millions of connections in virtual time, from a description in words and a
// seed.
//
// Three shapes are behind all kinds. Trains are connections of a few packets
// at fixed distances (DNS, SYN floods, half-open connections): they need no
// memory, since the n-th begins at n divided by the rate. Sessions are
// connections that live through a script (web): their next packet waits in a
// wheel of ticks. Populations are connections that stay (Zipf, idle,
// elephants, one-way UDP): they are opened one after the other, then packets
// choose among them; a connection costs four bytes.
//
// Time goes in ticks of 100 µs, and a vector holds packets of one tick. The
// same words and the same seed give the same frames in the same order.
package workload
