package replay

import (
	"path/filepath"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"sluice/packet/packettest"
)

// TestSenders: what the splitter remembers of senders changes nothing, neither
// where frames come in nor what it learns.
func TestSenders(t *testing.T) {
	addrs := []string{hostA, hostB, "10.0.0.3"}
	for name, split := range map[string][]string{
		"initiator": {"initiator=left,right"},
		"rules":     {"src=10.0.0.1:right", "mac=02:00:00:00:00:05:left"},
		"both":      {"mac=02:00:00:00:00:06:right", "src=10.0.0.3:left", "initiator=left,right"},
	} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) {
			s, err := newSplitter(split, device)
			if err != nil {
				t.Fatal(err)
			}
			plain, _ := newSplitter(split, device)
			if s.initiator { // few enough that generations pass
				most := rapid.IntRange(1, 8).Draw(t, "most")
				s.flows.most, plain.flows.most = most, most
				s.macs.most, plain.macs.most = most, most
			}
			for range rapid.IntRange(1, 60).Draw(t, "packets") {
				src, dst := rapid.SampledFrom(addrs).Draw(t, "src"), rapid.SampledFrom(addrs).Draw(t, "dst")
				sp, dp := rapid.Uint16Range(1, 3).Draw(t, "sport"), rapid.Uint16Range(1, 3).Draw(t, "dport")
				var f []byte
				switch rapid.IntRange(0, 5).Draw(t, "kind") {
				case 0:
					f = packettest.TCP(src, dst, sp, dp, "SA", 1, 1, "")
				case 1:
					f = packettest.TCP(src, dst, sp, dp, "A", 1, 1, "text")
				case 2:
					f = packettest.UDP(src, dst, sp, dp, "long enough to be an ordinary packet")
				case 3:
					f = icmpError(src, dst, packettest.UDP(dst, src, dp, sp, ""))
				case 4:
					f = echo(src, dst, 8, sp)
				default:
					f = later(packettest.UDP(src, dst, sp, dp, "hello"))
				}
				f = from(f, byte(rapid.IntRange(4, 7).Draw(t, "mac")), 1)
				own := rapid.Int32Range(0, 1).Draw(t, "own")
				if got, want := s.device(f, own), plain.find(f, own); got != want {
					t.Fatalf("%x: device %d, want %d", f, got, want)
				}
			}
			if !reflect.DeepEqual(s.flows, plain.flows) || !reflect.DeepEqual(s.macs, plain.macs) {
				t.Fatalf("learnt %v %v, want %v %v", s.flows, s.macs, plain.flows, plain.macs)
			}
		}))
	}
}

// TestSplitGoesOnFromState: who spoke first is known from the state, whether or
// not another state is written.
func TestSplitGoesOnFromState(t *testing.T) {
	dir := t.TempDir()
	tcp := packettest.TCP
	whole := []packetAt{
		{1e18, tcp(hostA, hostB, 1000, 80, "S", 1, 0, ""), 0}, {1e18 + 1e6, tcp(hostB, hostA, 80, 1000, "SA", 9, 2, ""), 0},
		{1e18 + 2e6, tcp(hostA, hostB, 1000, 80, "A", 2, 10, ""), 0}, {1e18 + 3e6, tcp(hostB, hostA, 80, 1000, "A", 10, 2, "x"), 0},
	}
	options := func(packets []packetAt) Options {
		o := httpOptions()
		o.Inputs, o.Split = []Input{{"", file(t, "c.pcap", pcap(1, packets...))}}, []string{"initiator=uplink_rep,vf0_rep"}
		return o
	}
	first := options(whole[:3])
	first.StateOut = filepath.Join(dir, "state")
	mustRun(t, first)
	for _, out := range []string{"", filepath.Join(dir, "next")} {
		o := options(whole[3:])
		o.FromState, o.StateOut = first.StateOut, out
		if rep := mustRun(t, o); rep.Devices[1].In.Packets != 1 || rep.Devices[0].Out.Packets != 1 {
			t.Errorf("state to %q: the server's packet came in on the client's side: %+v", out, rep.Devices)
		}
	}
}
