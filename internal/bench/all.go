package bench

// Benchmark is one thing that can be measured.
type Benchmark struct {
	Name string
	What string
	Run  func(Options) (Result, error)
}

// All are the benchmarks in the order in which they are reported.
var All = []Benchmark{
	{"machine", "the machine itself: cache lines, a copy, a hash (--conns does not matter)", MeasureMachine},
	{"established", "packets of established connections in random order, both directions", Established},
	{"new", "TCP connections from the SYN's frame to the committed connection", New},
	{"close", "connections that end by FIN, three packets each", Close},
	{"nat", "like established, with every client's address translated, beside the\nsame without", NAT},
	{"snat", "like new, translated to one address of which nine of ten ports are\ntaken (--conns is 58060)", SNAT},
	{"vxlan", "packets of established connections that come out of a tunnel, beside\nthe same without", VXLAN},
	{"rules", "like new, behind 10,000 filters of 8 masks in each of two chains, beside\nthe same without", Rules},
	{"mixed", "nine packets of ten of established connections (Zipf), the tenth opens a\nconnection or resets one", Mixed},
	{"flood", "established packets while a tenth as many SYNs that nobody answers fill the\ntable, beside the same without", Flood},
	{"workers", "packets judged by several workers at the same time (--workers,\n--workload), beside one alone; not on one core (1,024\nconnections each at least)", Workers},
	{"aging", "maintenance while half of the connections are used and half expire\n(six seconds, whatever --seconds or --packets say)", Aging},
	{"gc", "like established, while the garbage collector runs all the time, beside the\nsame without", Collection},
}
