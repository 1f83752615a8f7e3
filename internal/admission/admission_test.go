package admission

import (
	"reflect"
	"strings"
	"testing"

	"sluice/flowtable"
	"sluice/packet"
)

func TestA196_PoliciesInWords(t *testing.T) {
	for text, want := range map[string]flowtable.Admission{
		"none":                  {},
		"packets=20":            {MinPackets: 20},
		"bytes=15k, lru":        {MinBytes: 15000, Eviction: flowtable.EvictLRU},
		"rate,high=95,low=90%":  {Eviction: flowtable.EvictRate, High: 95, Low: 90},
		"age=2s,state,retry=1m": {MinAge: 2e9, Eviction: flowtable.EvictState, RetryEvery: 60e9},
		"never=dns,never=gre":   {Never: flowtable.DNS, NeverProto: []uint8{packet.ProtoGRE}},
		"never=tcp/25,max=2M":   {Never: []flowtable.Service{{Proto: packet.ProtoTCP, Port: 25}}, MaxFlows: 2e6},
		"share=5:100k,share=7:1,pending=9,queue=8": {ZoneShare: map[uint16]int{5: 100_000, 7: 1}, PendingMax: 9, QueueMax: 8},
	} {
		got, err := Parse(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		}
	}
}

func TestPoliciesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                    `nothing is called ""; there are none, packets, bytes, age, never, share, max, lru, rate, state, high, low, retry, pending, queue`,
		"lur":                 `nothing is called "lur"`,
		"packets":             `want a whole number from 1`,
		"packets=0":           `"0": want a whole number from 1`,
		"packets=-5":          `"-5": want a whole number`,
		"packets=1,packets=2": "packets is there twice",
		"lru=5":               "it takes no value",
		"lru,rate":            "one of lru, rate and state",
		"age=5":               `"5": want a time`,
		"never=icmp":          `"icmp": want dns, a protocol`,
		"never=gre/5":         `"gre/5": want dns`,
		"never=udp/0":         `"udp/0": want dns`,
		"high=0":              "want a percentage from 1 to 100",
		"low=5":               "low goes with high",
		"high=5,low=6":        "low is above high",
		"share=5":             `"5": want ZONE:N`,
		"share=70000:1":       `want ZONE:N`,
		"share=5:1,share=5:2": "zone 5 has two shares",
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestScale(t *testing.T) {
	a, err := Parse("packets=20,max=100,pending=7,share=5:50")
	if err != nil {
		t.Fatal(err)
	}
	b := Scale(a, 0.1)
	if b.MinPackets != 20 || b.MaxFlows != 10 || b.PendingMax != 1 || b.QueueMax != 6554 || b.ZoneShare[5] != 5 || a.ZoneShare[5] != 50 {
		t.Errorf("scaled to %+v, from %+v", b, a)
	}
}

// Whatever Parse accepts, flow tables accept.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"none", "packets=20,lru", "bytes=1k,age=2s,never=dns,never=tcp/25,share=5:100k,max=2M,rate,high=95,low=90,retry=1s,pending=5,queue=7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := Parse(text)
		if err != nil {
			return
		}
		if a.High == 0 && a.Low != 0 || a.Low > a.High || a.MinAge < 0 || a.RetryEvery < 0 || a.PendingMax < 0 || a.QueueMax < 0 || a.MaxFlows < 0 {
			t.Fatalf("%q: %+v", text, a)
		}
	})
}
