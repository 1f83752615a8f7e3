package sim

import (
	"strings"
	"testing"
	"time"

	"sluice/conntrack"
	"sluice/offload"
)

func TestParseProfile(t *testing.T) {
	c, err := ParseProfile("mlx5,flows=1M,rate=250k,removals=9,delay=1ms,stats=1s,queue=7,labels=3,rules=10,tables=4,table=5,seed=0x7,name=nic0,miss=start,window=on,oneway=off," +
		"fail=0.25,lose=1,twice=0,late=2ms,forget=0.5,crash=3s+500ms,slow=2.5")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Profile: "mlx5", Name: "nic0", Flows: 1e6, Rate: 250e3, Removals: 9, Delay: time.Millisecond, Stats: time.Second, Queue: 7, Labels: 3, Rules: 10, Tables: 4, Table: 5, Seed: 7,
		FromStart: true, Window: true,
		Faults: Faults{Fail: .25, Lose: 1, Late: 2 * time.Millisecond, Forget: .5, Crash: true, At: 3 * time.Second, Down: 500 * time.Millisecond, Slow: 2.5},
	}
	if got, is := sprint(c), sprint(want); got != is {
		t.Errorf("got  %s\nwant %s", got, is)
	}
	if c, err := ParseProfile("plain,crash=0s"); err != nil || c.Faults.Down != time.Second {
		t.Errorf("%+v, %v", c.Faults, err)
	}
}

// TestBadProfiles: an error names the word, and what would be right.
func TestBadProfiles(t *testing.T) {
	names, words := Profiles()
	if len(names) != len(words) {
		t.Fatal(names, words)
	}
	for _, c := range []struct{ in, want string }{
		{"", `unknown device profile ""; there are ` + strings.Join(names, ", ")},
		{"mlx4,flows=1", `unknown device profile "mlx4"; there are plain, linux, mlx5, nfp, sfc, window`},
		{"mlx5,", `device mlx5: unknown key ""; there are flows, rules, tables, table, rate,`},
		{"mlx5,flow=1", `unknown key "flow"; there are flows,`},
		{"mlx5,flows", "flows needs a value: flows=N"},
		{"mlx5,window", "window needs a value: window=on|off"},
		{"mlx5,flows=1,flows=2", "flows is given twice"},
		{"mlx5,flows=0", `flows: bad value "0"; expected a whole number (k and M are understood) from 1 to 16000000`},
		{"mlx5,flows=17M", `bad value "17M"`},
		{"mlx5,flows=9223372036854775807M", `bad value`},
		{"mlx5,flows=-1", `bad value "-1"`},
		{"mlx5,flows=1e3", `bad value "1e3"`},
		{"mlx5,rate=x", `rate: bad value "x"`},
		{"mlx5,rate=2000000000", `from 0 to 1000000000`},
		{"mlx5,delay=1", `delay: bad value "1"; expected a time such as 500us, 1ms or 2s`},
		{"mlx5,delay=-1ms", "bad value"},
		{"mlx5,delay=2000h", "bad value"},
		{"mlx5,fail=1.1", `fail: bad value "1.1"; expected a fraction between 0 and 1`},
		{"mlx5,fail=NaN", "bad value"},
		{"mlx5,slow=0", "expected a factor from 1 to"},
		{"mlx5,slow=Inf", "expected a factor from 1 to"},
		{"mlx5,miss=end", `miss: bad value "end"; expected start or middle`},
		{"mlx5,oneway=yes", `expected on or off`},
		{"mlx5,seed=-1", `seed: bad value`},
		{"mlx5,name=a b", `name: bad value`},
		{"mlx5,crash=1s+", `crash: bad value "1s+"; expected a time such as`},
		{"mlx5,crash=", `crash: bad value`},
	} {
		if _, err := ParseProfile(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v\nwant %s", c.in, err, c.want)
		}
	}
}

func TestBadConfigs(t *testing.T) {
	tr := conntrack.New(conntrack.Config{MaxConns: 16})
	good := Config{Tracker: tr, Flows: 1}
	if n, err := New(good); err != nil || n.Name() != "plain" || n.Config().Queue != defaultQueue {
		t.Fatal(n, err)
	}
	for name, breaks := range map[string]func(*Config){
		"tracker":         func(c *Config) { c.Tracker = nil },
		"unknown device":  func(c *Config) { c.Profile = "x" },
		"flows must":      func(c *Config) { c.Flows = 0 },
		"queue must":      func(c *Config) { c.Queue = maxQueue + 1 },
		"negative":        func(c *Config) { c.Rate = -1 },
		"a second":        func(c *Config) { c.Rate = maxRate + 1 },
		"a fraction must": func(c *Config) { c.Faults.Lose = 2 },
		"out of reason":   func(c *Config) { c.Faults.Late = -1 },
	} {
		c := good
		breaks(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzParseProfile: what is accepted makes a card that works.
func FuzzParseProfile(f *testing.F) {
	for _, s := range []string{"plain", "mlx5,flows=10,rate=5", "nfp,crash=1s+1ms,fail=1", "window,slow=3,late=1h,seed=1", "x", "sfc,,", "linux,queue=1,stats=1ns"} {
		f.Add(s)
	}
	tr := conntrack.New(conntrack.Config{MaxConns: 16})
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseProfile(s)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		c.Tracker, c.Flows, c.Queue = tr, min(c.Flows, 1000), min(c.Queue, 1000)
		n, err := New(c)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		for i := range uint32(3) {
			n.Submit(int64(i), []offload.Request{add(flowOf(i)), read(flowOf(i)), remove(flowOf(i))})
		}
		n.Settle(10)
		poll(n, 1<<50)
	})
}
