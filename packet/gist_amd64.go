package packet

// readPlain is readPlainGo.
//
//go:noescape
func readPlain(first *[]byte, gist *Gist, n int) (odd, marked uint32)
