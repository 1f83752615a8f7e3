//go:build amd64 || arm64

package conntrack

// fetch is fetchPlain with the tags compared all at once, and with memory asked
// for what they point at.
//
//go:noescape
func fetch(s *Seek, buckets *bucket, chunks *[]Conn, lo, hi int) (again uint64)
