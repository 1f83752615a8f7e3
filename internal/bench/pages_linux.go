package bench

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePages is memory outside of the heap, in huge pages where there are any.
func hugePages(bytes int) (mem []uint64, free func(), err error) {
	const huge = 2 << 20
	b, err := unix.Mmap(-1, 0, bytes+huge, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, nil, fmt.Errorf("bench: %d MiB of memory: %w", bytes>>20, err)
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // small pages are slower, not wrong
	off := -uintptr(unsafe.Pointer(&b[0])) & (huge - 1)
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[off])), bytes/8), func() { _ = unix.Munmap(b) }, nil
}
