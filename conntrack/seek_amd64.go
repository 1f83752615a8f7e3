package conntrack

import "sluice/packet"

// aim is aimPlain, with memory asked for the buckets.
//
//go:noescape
func aim(s *Seek, gists *[SeekSize]packet.Gist, lo, hi int, key *[2]uint64, shift uint, buckets *bucket)

// meet is meetPlain.
//
//go:noescape
func meet(s *Seek, gists *[SeekSize]packet.Gist, chunks *[]Conn, lo, hi int) (met, reply, wide uint32)
