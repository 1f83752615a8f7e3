package sim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ParseProfile reads a card's description, PROFILE[,KEY=VALUE]…
// (docs/devices.md). The tracker is left for the caller to set.
func ParseProfile(s string) (Config, error) {
	name, rest, more := strings.Cut(s, ",")
	p := find(name)
	if p == nil {
		return Config{}, unknownProfile(name)
	}
	c := Config{
		Profile: p.name, Name: p.name, Flows: p.flows, Rate: p.rate, Labels: p.labels,
		FromStart: p.start, Window: p.window, OneWay: p.oneWay, Queue: defaultQueue,
	}
	seen := map[string]bool{}
	for more {
		var word string
		word, rest, more = strings.Cut(rest, ",")
		name, value, ok := strings.Cut(word, "=")
		k := findKey(name)
		switch {
		case k == nil:
			return Config{}, fmt.Errorf("device %s: unknown key %q; there are %s", p.name, name, strings.Join(keyNames(), ", "))
		case !ok:
			return Config{}, fmt.Errorf("device %s: %s needs a value: %s=%s", p.name, name, name, k.form)
		case seen[name]:
			return Config{}, fmt.Errorf("device %s: %s is given twice", p.name, name)
		}
		seen[name] = true
		if !k.set(&c, value) {
			return Config{}, fmt.Errorf("device %s: %s: bad value %q; expected %s", p.name, name, value, k.want)
		}
	}
	return c, nil
}

// Key is one of a description's keys.
type Key struct {
	Name, What string
	form, want string
	set        func(*Config, string) bool
}

const (
	wantCount    = "a whole number (k and M are understood)"
	wantTime     = "a time such as 500us, 1ms or 2s"
	wantFraction = "a fraction between 0 and 1"
	wantSwitch   = "on or off"
)

func count(name, what string, least, most int64, at func(*Config) *int) Key {
	return Key{name, what, "N", bounds(least, most), func(c *Config, s string) bool {
		v, ok := number(s, least, most)
		*at(c) = int(v)
		return ok
	}}
}

func perSecond(name, what string, at func(*Config) *int64) Key {
	return Key{name, what, "N", bounds(0, maxRate), func(c *Config, s string) (ok bool) {
		*at(c), ok = number(s, 0, maxRate)
		return ok
	}}
}

func bounds(least, most int64) string {
	return fmt.Sprintf("%s from %d to %d", wantCount, least, most)
}

func span(name, what string, at func(*Config) *time.Duration) Key {
	return Key{name, what, "TIME", wantTime, func(c *Config, s string) (ok bool) {
		*at(c), ok = duration(s)
		return ok
	}}
}

func fraction(name, what string, at func(*Config) *float64) Key {
	return Key{name, what, "P", wantFraction, func(c *Config, s string) bool {
		v, err := strconv.ParseFloat(s, 64)
		*at(c) = v
		return err == nil && v >= 0 && v <= 1
	}}
}

func onOff(name, what string, at func(*Config) *bool) Key {
	return Key{name, what, "on|off", wantSwitch, func(c *Config, s string) bool {
		*at(c) = s == "on"
		return s == "on" || s == "off"
	}}
}

// choice is a key whose values are words, in the order of their numbers.
func choice[T ~uint8](name, what string, words []string, at func(*Config) *T) Key {
	return Key{name, what, strings.Join(words, "|"), "one of " + strings.Join(words, ", "), func(c *Config, s string) bool {
		i := slices.Index(words, s)
		if i >= 0 {
			*at(c) = T(i)
		}
		return i >= 0
	}}
}

const maxRules = 1 << 30

var keys = []Key{
	count("flows", "connections that it can hold", 1, maxFlows, func(c *Config) *int { return &c.Flows }),
	count("rules", "rules in all; 0: any number", 0, maxRules, func(c *Config) *int { return &c.Rules }),
	count("tables", "tables, of which each chain and preference is one; 0: any number", 0, maxRules, func(c *Config) *int { return &c.Tables }),
	count("table", "rules in one table; 0: any number", 0, maxRules, func(c *Config) *int { return &c.Table }),
	perSecond("rate", "insertions a second; 0: no limit", func(c *Config) *int64 { return &c.Rate }),
	perSecond("removals", "removals a second; 0: no limit", func(c *Config) *int64 { return &c.Removals }),
	span("delay", "from a request's turn to its effect", func(c *Config) *time.Duration { return &c.Delay }),
	span("stats", "how often counters are sampled; 0: they are exact", func(c *Config) *time.Duration { return &c.Stats }),
	count("queue", "requests taken and not answered", 1, maxQueue, func(c *Config) *int { return &c.Queue }),
	count("labels", "different ct labels; 0: any number", 0, maxRules, func(c *Config) *int { return &c.Labels }),
	{"miss", "where software goes on with what the card cannot finish", "start|middle", "start or middle", func(c *Config, s string) bool {
		c.FromStart = s == "start"
		return s == "start" || s == "middle"
	}},
	onOff("window", "TCP outside of its windows is software's", func(c *Config) *bool { return &c.Window }),
	choice("seeds", "what a card that checks windows begins with", seedNames[:], func(c *Config) *Seeds { return &c.Seeds }),
	choice("counters", "what it tells of a flow: packets and its last use, the last use alone, or nothing, and then it takes none", counterNames[:], func(c *Config) *Counters { return &c.Counters }),
	{"checksums", "checks those of connections that the tracker would still check; without, they are software's", "on|off", wantSwitch, func(c *Config, s string) bool {
		c.Unchecked = s == "off"
		return s == "on" || s == "off"
	}},
	onOff("oneway", "carries connections that only one side has spoken on", func(c *Config) *bool { return &c.OneWay }),
	{"seed", "of everything random", "N", "a whole number", func(c *Config, s string) bool {
		v, err := strconv.ParseUint(s, 0, 64)
		c.Seed = v
		return err == nil
	}},
	{"name", "in listings", "WORD", "a word", func(c *Config, s string) bool {
		c.Name = s
		return s != "" && !strings.ContainsAny(s, " \t\n")
	}},
	fraction("fail", "of additions fail", func(c *Config) *float64 { return &c.Faults.Fail }),
	fraction("lose", "of answers never come", func(c *Config) *float64 { return &c.Faults.Lose }),
	fraction("twice", "of answers come twice", func(c *Config) *float64 { return &c.Faults.Twice }),
	span("late", "answers come up to so much after their effect", func(c *Config) *time.Duration { return &c.Faults.Late }),
	fraction("forget", "of packets carried make the card forget their flow", func(c *Config) *float64 { return &c.Faults.Forget }),
	{"crash", "when it forgets everything, and for how long it then takes nothing (1s)", "TIME[+TIME]", wantTime + ", and +TIME for how long", func(c *Config, s string) bool {
		at, down, ok := strings.Cut(s, "+")
		f := &c.Faults
		f.Crash, f.Down = true, time.Second
		good := true
		if ok {
			f.Down, good = duration(down)
		}
		f.At, ok = duration(at)
		return ok && good
	}},
	{"slow", "everything takes so many times as long", "F", fmt.Sprintf("a factor from 1 to %g", maxSlow), func(c *Config, s string) bool {
		v, err := strconv.ParseFloat(s, 64)
		c.Faults.Slow = v
		return err == nil && v >= 1 && v <= maxSlow
	}},
}

// Keys lists the keys of descriptions.
func Keys() []Key { return append([]Key(nil), keys...) }

// Form is how a key is written.
func (k Key) Form() string { return k.Name + "=" + k.form }

func findKey(name string) *Key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

func keyNames() (names []string) {
	for _, k := range keys {
		names = append(names, k.Name)
	}
	return names
}

// number reads a count, with k for a thousand and M for a million.
func number(s string, least, most int64) (int64, bool) {
	unit := int64(1)
	switch {
	case strings.HasSuffix(s, "k"):
		s, unit = s[:len(s)-1], 1e3
	case strings.HasSuffix(s, "M"):
		s, unit = s[:len(s)-1], 1e6
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || v > math.MaxInt64/unit {
		return 0, false
	}
	v *= unit
	return v, v >= least && v <= most
}

func duration(s string) (time.Duration, bool) {
	d, err := time.ParseDuration(s)
	return d, err == nil && d >= 0 && d <= maxTime
}
