// Package packet reads and rewrites frames in place.
//
// A frame is a byte slice that starts at the Ethernet header. Parse turns it
// into a Headers record: offsets into the frame and the few fields that
// almost every later stage asks for. Nothing is copied and nothing is
// allocated. Frames travel in vectors of up to VectorSize packets, so that
// every later stage can overlap its cache misses over many packets.
//
// The package knows nothing of policies, connections or devices.
package packet
