package packet

// The two ways of reading the gists of IPv4 packets.
var (
	ReadPlain   = readPlain
	ReadPlainGo = readPlainGo
)
