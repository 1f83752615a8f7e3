//go:build amd64

package conntrack

// start asks memory for the buckets of n lookups.
//
//go:noescape
func start(s *Seek, buckets *bucket, n int)

// fetch is fetchPlain with the tags compared all at once, and with memory asked
// for what they point at.
//
//go:noescape
func fetch(s *Seek, buckets *bucket, chunks *[]Conn, n int) (again uint64)
