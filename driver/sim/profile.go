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
	refuses func(*offload.Rule) string
}

var profiles = []profile{
	{name: "plain", what: "a card without limits of its own", flows: 2_000_000, oneWay: true, protos: []uint8{packet.ProtoTCP, packet.ProtoUDP, packet.ProtoGRE}, refuses: refusesPlain},
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

func refusesPlain(r *offload.Rule) string { return "" }
