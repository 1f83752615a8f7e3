package callgrind

// request is a client request without arguments; 0 outside of valgrind.
//
//go:noescape
func request(code uint64) uint64
