package packettest

import "bytes"

// Near calls f with a frame, with what is left when it is cut off at every
// length, and with copies in which one of the first n bytes is another: one
// more or less, with one bit turned, or at either end of what a byte can be.
// f may change what it is given.
func Near(frame []byte, n int, f func(b []byte)) {
	for cut := range len(frame) + 1 {
		f(bytes.Clone(frame[:cut]))
	}
	for at := range min(n, len(frame)) {
		was := frame[at]
		others := []byte{0, 0xff, was + 1, was - 1}
		for bit := range 8 {
			others = append(others, was^1<<bit)
		}
		for _, b := range others {
			c := bytes.Clone(frame)
			c[at] = b
			f(c)
		}
	}
}
