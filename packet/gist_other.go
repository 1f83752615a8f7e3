//go:build !amd64

package packet

func readPlain(first *[]byte, gist *Gist, n int) (odd, marked uint32) {
	return readPlainGo(first, gist, n)
}
