package sim

import (
	"fmt"
	"strings"

	"sluice/offload"
	"sluice/packet"
)

// profile is a model of card.
type profile struct {
	name    string
	what    string // for listings
	flows   int
	rate    int64
	labels  int
	start   bool // misses are from the start
	window  bool
	oneWay  bool
	protos  []uint8
	refuses func(*NIC, *offload.Rule) string
}

var (
	tcpUDP    = []uint8{packet.ProtoTCP, packet.ProtoUDP}
	tcpUDPGRE = []uint8{packet.ProtoTCP, packet.ProtoUDP, packet.ProtoGRE}
)

// Figures are the vendors' or the papers', where there are any: two million
// connections is the talk's card.
var profiles = []profile{
	{name: "plain", what: "the papers' card: no limits but two million connections; +new and commits are software's", flows: 2_000_000, protos: tcpUDPGRE, refuses: refusesPlain},
	{name: "linux", what: "as plain, with one-way connections and +new as in Linux 6.3", flows: 2_000_000, oneWay: true, protos: tcpUDPGRE, refuses: refusesPlain},
	{name: "mlx5", what: "NVIDIA ConnectX with mlx5_core", flows: 2_000_000, rate: 300_000, labels: 65535, oneWay: true, protos: tcpUDPGRE, refuses: refusesMLX5},
	{name: "nfp", what: "Netronome/Corigine Agilio with nfp: merges rules, gives packets back from the start", flows: 480_000, rate: 50_000, start: true, protos: tcpUDP, refuses: refusesNFP},
	{name: "sfc", what: "AMD Solarflare X3 (EF100) with sfc: two rounds of matching", flows: 500_000, rate: 100_000, protos: tcpUDP, refuses: refusesSFC},
	{name: "window", what: "a card that checks TCP windows itself (DPDK rte_flow conntrack)", flows: 1_000_000, rate: 300_000, window: true, protos: []uint8{packet.ProtoTCP}, refuses: refusesWindow},
}

// Profiles lists the models with a few words on each.
func Profiles() (names, words []string) {
	for _, p := range profiles {
		names = append(names, p.name)
		words = append(words, p.what)
	}
	return names, words
}

func find(name string) *profile {
	for i := range profiles {
		if profiles[i].name == name {
			return &profiles[i]
		}
	}
	return nil
}

func (c *Config) profile() *profile { return find(c.Profile) }

func unknownProfile(name string) error {
	names, _ := Profiles()
	return fmt.Errorf("unknown device profile %q; there are %s", name, strings.Join(names, ", "))
}

func (p *profile) takes(proto uint8) bool {
	for _, x := range p.protos {
		if x == proto {
			return true
		}
	}
	return false
}
