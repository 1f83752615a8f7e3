//go:build !linux

package bench

// hugePages is ordinary memory here.
func hugePages(bytes int) (mem []uint64, free func(), err error) {
	return make([]uint64, bytes/8), func() {}, nil
}
