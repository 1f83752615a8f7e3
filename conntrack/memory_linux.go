package conntrack

import "syscall"

// madvHugepage asks for transparent huge pages (MADV_HUGEPAGE).
const madvHugepage = 14

// madvPopulateWrite faults pages in, ready to be written (MADV_POPULATE_WRITE,
// Linux 5.14).
const madvPopulateWrite = 23

// populate has memory's pages made ready, as writing to each of them would, and
// changes nothing that is there. Where the kernel does not know how, whoever
// writes first waits for them.
func populate(b []byte) {
	for len(b) > 0 {
		n := min(len(b), hugePage)
		if syscall.Madvise(b[:n], madvPopulateWrite) != nil {
			return
		}
		b = b[n:]
	}
}

// mapHuge maps anonymous memory and asks for huge pages. It returns nil when
// the kernel gives none. A refused advice costs speed only.
func mapHuge(size int) []byte {
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	_ = syscall.Madvise(b, madvHugepage)
	return b
}

func unmap(b []byte) {
	// Only memory that mapHuge returned comes here: this cannot fail.
	_ = syscall.Munmap(b)
}
