// Command benchovs measures Open vSwitch's userspace connection tracker with its
// own benchmark (`ovstest test-conntrack benchmark`, batches of 32) beside
// `sluice bench established` with as many connections, in turns.
//
// The two do not do the same. OVS's figure is the tracker alone, for UDP packets
// whose headers are parsed already, in the order of their connections. Sluice's
// is the whole way of a TCP packet in random order: parse, chain 0, ct, chain 2,
// redirect, counters.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"sluice/internal/bench"
)

// batch is the most that ovstest takes (NETDEV_MAX_BURST), and with different
// connections (change_connection) also how many of them there are.
const batch = 32

const install = `ovstest is not installed. It comes with Open vSwitch's sources alone; on Debian:
  apt-get download openvswitch-source
  dpkg-deb -x openvswitch-source_*.deb . && tar xf usr/src/openvswitch/openvswitch.tar.gz
  cd openvswitch && ./configure --disable-ssl CFLAGS="-O2 -march=native"
  printf 'include Makefile\nprebuilt: $(BUILT_SOURCES)\n' | make -f - prebuilt && make -j2 tests/ovstest
then: go run ./internal/benchovs -ovstest .../openvswitch/tests/ovstest`

func main() {
	path := flag.String("ovstest", "ovstest", "Open vSwitch's test program")
	runs := flag.Int("runs", 5, "measure so often; the least counts")
	packets := flag.Int("packets", 10_000_000, "packets a run")
	flag.Parse()
	if err := run(os.Stdout, *path, *runs, *packets); err != nil {
		fmt.Fprintf(os.Stderr, "benchovs: %v\n", err)
		os.Exit(2)
	}
}

func run(w io.Writer, path string, runs, packets int) error {
	if runs < 1 || packets < batch {
		return fmt.Errorf("-runs %d, -packets %d: want at least one run of %d packets", runs, packets, batch)
	}
	ovstest, err := exec.LookPath(path)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, install)
	}
	fmt.Fprintf(w, "the least of %d runs, ns a packet of the thread's own time (ovstest: and by the clock)\n\n", runs)
	fmt.Fprintf(w, "%11s  %-22s %-30s %s\n", "connections", "ovstest, tracker alone", "sluice, raw frame to verdict", "times as fast")
	for _, conns := range []int{1, batch} {
		var ovs, own time.Duration // a run's CPU time and what it says itself
		ours := 0.0
		for i := range runs {
			cpu, wall, err := ovsRun(ovstest, conns, packets)
			if err != nil {
				return err
			}
			res, err := bench.Established(bench.Options{Conns: conns, Packets: uint64(packets), Seed: 1})
			if err != nil {
				return err
			}
			if i == 0 {
				ovs, own, ours = cpu, wall, res.NsPerPacket
			}
			ovs, own, ours = min(ovs, cpu), min(own, wall), min(ours, res.NsPerPacket)
		}
		a := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / float64(packets) }
		fmt.Fprintf(w, "%11d  %-22s %-30s %.1f\n", conns, fmt.Sprintf("%.1f (%.1f)", a(ovs), a(own)), fmt.Sprintf("%.1f", ours), a(ovs)/ours)
	}
	return nil
}

// ovsRun runs OVS's benchmark once.
func ovsRun(ovstest string, conns, packets int) (cpu, wall time.Duration, err error) {
	args := []string{"test-conntrack", "benchmark", "1", strconv.Itoa(packets), strconv.Itoa(batch)}
	if conns > 1 {
		args = append(args, "1") // change_connection
	}
	cmd := exec.Command(ovstest, args...)
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", cmd, err)
	}
	if wall, err = parseTime(string(out)); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", cmd, err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), wall, nil
}

var ovsTime = regexp.MustCompile(`(?m)^conntrack: +(\d{1,12}) ms$`)

// parseTime reads what ovstest says of a run.
func parseTime(out string) (time.Duration, error) {
	m := ovsTime.FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("answered %q, want \"conntrack: N ms\"", out)
	}
	ms, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(ms) * time.Millisecond, nil
}
