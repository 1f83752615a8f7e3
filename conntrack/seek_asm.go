//go:build amd64

package conntrack

import "sluice/packet"

// aim is aimPlain, with memory asked for the buckets.
//
//go:noescape
func aim(s *Seek, gists *[SeekSize]packet.Gist, lo, hi int, key *[2]uint64, shift uint, buckets *bucket)

// fetch is fetchPlain with the tags compared all at once, and with memory asked
// for what they point at.
//
//go:noescape
func fetch(s *Seek, buckets *bucket, chunks *[]Conn, lo, hi int) (again uint64)

// meet is meetPlain.
//
//go:noescape
func meet(s *Seek, gists *[SeekSize]packet.Gist, chunks *[]Conn, lo, hi int) (met, reply, wide uint32)
