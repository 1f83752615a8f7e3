package state

import (
	"fmt"

	"sluice/datapath"
	"sluice/offload"
)

// What devices held goes on as software's: the devices of a replay that goes on
// from a state begin empty. What they were doing when it was written is kept to
// be looked at, and to tell of those connections that they are back.

// Card is a device as it was.
type Card struct {
	Name     string        `json:"name"`
	Profile  string        `json:"profile,omitempty"`
	Admit    string        `json:"admission,omitempty"` // which flows it was asked to take
	Limit    int           `json:"limit,omitempty"`     // of flows
	Held     int           `json:"held"`
	Refusals []RuleRefusal `json:"rules_refused,omitempty"`
}

// RuleRefusal is a filter that a device did not hold.
type RuleRefusal struct {
	Rule   string `json:"rule"`   // its place
	Reason string `json:"reason"` // the device's words
}

// Place is where a connection was that the flow table held, or could have.
type Place struct {
	Slot    uint32        `json:"slot"`
	Reason  uint8         `json:"reason"` // why no device held it (offload.Reason); 0: one did
	Devices []DevicePlace `json:"devices,omitempty"`
}

// DevicePlace is how it stood with one device.
type DevicePlace struct {
	Device string `json:"device"`
	Held   bool   `json:"held,omitempty"`
	Reason uint8  `json:"reason,omitempty"` // why not
}

type cardLine struct {
	Kind string `json:"kind"`
	Card
}

type placeLine struct {
	Kind string `json:"kind"`
	Place
}

// originLine is a piece of an Origins.
type originLine struct {
	Kind string `json:"kind"`
	datapath.Origins
}

func (p *Place) check() error {
	if int(p.Reason) >= offload.NumReasons {
		return fmt.Errorf("reason %d", p.Reason)
	}
	for _, d := range p.Devices {
		if int(d.Reason) >= offload.NumReasons {
			return fmt.Errorf("reason %d of device %q", d.Reason, d.Device)
		}
	}
	return nil
}
