// Package replay puts captures through a policy: frames come from files, time
// comes from the frames, and what leaves, what is dropped and what the tables
// look like in the end goes into a Report and, on request, into files.
//
// A goroutine reads ahead of the datapath: it opens the captures, merges them
// by time and copies the frames into batches of a fixed ring (feed.go). The
// datapath's goroutine tells each frame's ingress device (split.go) and cuts
// the batches into vectors (run.go). So decompression and judging overlap, and nothing is
// allocated per packet.
//
// The same captures, policy and seed give the same report and the same files,
// byte for byte.
package replay
