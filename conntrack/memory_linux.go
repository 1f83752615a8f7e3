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

// whole is the part of b that is whole huge pages; b begins at one.
func whole(b []byte) []byte { return b[:len(b)&^(hugePage-1)] }

// huge asks for huge pages. A refused advice costs speed only.
func huge(b []byte) { _ = syscall.Madvise(whole(b), madvHugepage) }

// discard gives pages back; they read as zeros afterwards. A refused advice
// costs memory only, until the collector comes by.
func discard(b []byte) { _ = syscall.Madvise(whole(b), syscall.MADV_DONTNEED) }
