package conntrack

import (
	"unsafe"
)

// hugePage is the size from which memory is asked for in huge pages: a table
// of a million connections in small pages costs a page walk with nearly every
// lookup.
const hugePage = 2 << 20

// slice returns n zeroed elements of T, which must hold no pointers. The
// memory is the ordinary heap's, which the collector does not scan and keeps for
// as long as anything refers to it: a *Conn outlives its tracker safely. Large
// ones start at a huge page.
func slice[T any](n int) []T {
	var t T
	size := n * int(unsafe.Sizeof(t))
	if size < hugePage {
		return make([]T, n)
	}
	b := make([]byte, size+hugePage)
	p := unsafe.Pointer(unsafe.SliceData(b))
	if off := uintptr(p) % hugePage; off != 0 {
		p = unsafe.Add(p, hugePage-off)
	}
	s := unsafe.Slice((*T)(p), n)
	huge(bytesOf(s))
	return s
}

// ready has large memory's pages made ready beside whoever is going to use it. To
// clear a huge page takes a packet's time a thousand times and more, and where a
// hypervisor has to find the memory first, another twenty times that.
func ready[T any](s []T) {
	if b := bytesOf(s); len(b) >= hugePage {
		go populate(b)
	}
}

// giveBack returns the pages of large memory that will not be read or written
// again, ahead of the collector: its next round may be far, since packets
// allocate nothing. It does not wait: pages by the hundred take their time.
func giveBack[T any](s []T) {
	if b := bytesOf(s); len(b) >= hugePage {
		go discard(b)
	}
}

// bytesOf is a slice's memory.
func bytesOf[T any](s []T) []byte {
	var t T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(t)))
}
