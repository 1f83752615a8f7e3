package conntrack

import (
	"runtime"
	"slices"
	"unsafe"
)

// hugePage is the size from which memory is asked for in huge pages: a table
// of a million connections in small pages costs a page walk with nearly every
// lookup.
const hugePage = 2 << 20

// arena hands out zeroed, pointer-free memory that the collector neither
// scans nor owns, and gives it back when its tracker is collected.
type arena struct {
	maps [][]byte
}

// release unmaps everything. Nothing may refer to the memory any more.
func (a *arena) release() {
	for _, m := range a.maps {
		unmap(m)
	}
	a.maps = nil
}

// free unmaps what p points into, unless it came from the ordinary heap.
// Nothing may refer to that memory any more. Nobody waits for it: pages by the
// hundred take their time.
func (a *arena) free(p unsafe.Pointer) {
	for i, m := range a.maps {
		if off := uintptr(p) - uintptr(unsafe.Pointer(unsafe.SliceData(m))); off < uintptr(len(m)) {
			a.maps = slices.Delete(a.maps, i, i+1)
			go unmap(m)
			return
		}
	}
}

// slice returns n zeroed elements of T, which must hold no pointers. Large
// ones start at a huge page; small ones, and all where mapping fails, come
// from the ordinary heap, where pointer-free memory is not scanned either.
func slice[T any](a *arena, n int) []T {
	var t T
	size := n * int(unsafe.Sizeof(t))
	if size < hugePage {
		return make([]T, n)
	}
	b := mapHuge(size + hugePage)
	if b == nil {
		return make([]T, n)
	}
	a.maps = append(a.maps, b)
	p := unsafe.Pointer(unsafe.SliceData(b))
	if off := uintptr(p) % hugePage; off != 0 {
		p = unsafe.Add(p, hugePage-off)
	}
	return unsafe.Slice((*T)(p), n)
}

// ready has large memory's pages made ready beside whoever is going to use it. To
// clear a huge page takes a packet's time a thousand times and more, and where a
// hypervisor has to find the memory first, another twenty times that.
func ready[T any](s []T) {
	if b := bytesOf(s); len(b) >= hugePage {
		go populate(b)
	}
}

// bytesOf is a slice's memory.
func bytesOf[T any](s []T) []byte {
	var t T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(t)))
}

// own ties the arena's memory to the life of its tracker.
func (t *Tracker) own(a *arena) {
	runtime.AddCleanup(t, func(a *arena) { a.release() }, a)
}
