// Command benchovs measures Open vSwitch's userspace connection tracker beside
// `sluice bench` with as many connections, in turns: by its own benchmark
// (`ovstest test-conntrack benchmark`, batches of 32, at most 32 connections),
// and by one of ours that calls the same function (conntrack_execute) for any
// number of connections in random order (testdata/many.c).
//
// The two do not do the same. OVS's figure is the tracker alone, for UDP packets
// whose headers are parsed already. Sluice's is the whole way of a TCP packet:
// parse, chain 0, ct, chain 2, redirect, counters.
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"sluice/internal/bench"
)

// batch is the most that ovstest takes (NETDEV_MAX_BURST), and with different
// connections (change_connection) also how many of them there are.
const batch = 32

const install = `-ovs DIR is missing: a tree of Open vSwitch's sources in which tests/ovstest is
built (packages do not have it). On Debian:
  apt-get download openvswitch-source
  dpkg-deb -x openvswitch-source_*.deb . && tar xf usr/src/openvswitch/openvswitch.tar.gz
  cd openvswitch && ./configure --disable-ssl CFLAGS="-O2 -march=native"
  printf 'include Makefile\nprebuilt: $(BUILT_SOURCES)\n' | make -f - prebuilt && make -j2 tests/ovstest`

func main() {
	tree := flag.String("ovs", os.Getenv("OVS"), "tree of Open vSwitch's sources, built; also from the environment, OVS")
	runs := flag.Int("runs", 3, "measure so often; the least counts")
	packets := flag.Int("packets", 5_000_000, "packets a run")
	flag.Parse()
	if err := run(os.Stdout, *tree, *runs, *packets, []int{10_000, 1_000_000}); err != nil {
		fmt.Fprintf(os.Stderr, "benchovs: %v\n", err)
		os.Exit(2)
	}
}

// row is one comparison, in ns of a thread's own time.
type row struct {
	what        string
	conns       int
	ovs, sluice float64
}

func run(w io.Writer, tree string, runs, packets int, many []int) error {
	if runs < 1 || packets < batch {
		return fmt.Errorf("-runs %d, -packets %d: want at least one run of %d packets", runs, packets, batch)
	}
	ovstest := filepath.Join(tree, "tests", "ovstest")
	if _, err := os.Stat(ovstest); tree == "" || err != nil {
		return fmt.Errorf("%s: no ovstest there\n%s", ovstest, install)
	}
	dir, err := os.MkdirTemp("", "benchovs")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ovsmany := filepath.Join(dir, "ovsmany")
	if err := compile(tree, ovsmany); err != nil {
		return err
	}
	fmt.Fprintf(w, "the least of %d runs, ns of the thread's own time; ovs: the tracker alone, sluice: raw frame to verdict\n\n", runs)
	fmt.Fprintf(w, "%-32s %11s %9s %9s %14s\n", "", "connections", "ovs", "sluice", "times as fast")
	show := func(rows ...row) {
		for _, r := range rows {
			fmt.Fprintf(w, "%-32s %11d %9.1f %9.1f %14.1f\n", r.what, r.conns, r.ovs, r.sluice, r.ovs/r.sluice)
		}
	}
	for _, conns := range []int{1, batch} {
		r := row{what: "established (ovstest)", conns: conns}
		for range runs {
			cpu, err := ovsRun(ovstest, conns, packets)
			if err != nil {
				return err
			}
			own, err := bench.Established(bench.Options{Conns: conns, Packets: uint64(packets), Seed: 1})
			if err != nil {
				return err
			}
			least(&r.ovs, float64(cpu.Nanoseconds())/float64(packets))
			least(&r.sluice, own.NsPerPacket)
		}
		show(r)
	}
	for _, conns := range many {
		est, fresh := row{what: "established, random order", conns: conns}, row{what: "new", conns: conns}
		for range runs {
			e, f, err := manyRun(ovsmany, conns, packets)
			if err != nil {
				return err
			}
			own, err := bench.Established(bench.Options{Conns: conns, Packets: uint64(packets), Seed: 1})
			if err != nil {
				return err
			}
			first, err := bench.New(bench.Options{Conns: conns, Packets: 1})
			if err != nil {
				return err
			}
			least(&est.ovs, e)
			least(&est.sluice, own.NsPerPacket)
			least(&fresh.ovs, f)
			least(&fresh.sluice, first.NsPerPacket)
		}
		show(est, fresh)
	}
	return nil
}

// least keeps the smaller of two figures; 0 is none.
func least(of *float64, v float64) {
	if *of == 0 || v < *of {
		*of = v
	}
}

//go:embed testdata/many.c
var manySource []byte

// compile builds our benchmark against the libraries in the tree.
func compile(tree, to string) error {
	source := to + ".c"
	if err := os.WriteFile(source, manySource, 0o600); err != nil {
		return err
	}
	libs, err := filepath.Glob(filepath.Join(tree, "lib", ".libs", "*.a"))
	if err != nil {
		return err
	}
	args := []string{"-O2", "-march=native", "-DHAVE_CONFIG_H", "-I" + tree, "-I" + filepath.Join(tree, "include"), "-I" + filepath.Join(tree, "lib"), source, "-Wl,--start-group"}
	args = append(append(args, libs...), "-Wl,--end-group", "-lpthread", "-lrt", "-lm", "-latomic", "-o", to)
	if out, err := exec.Command("cc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("build testdata/many.c in %s: %w\n%s", tree, err, out)
	}
	return nil
}

// manyRun runs our benchmark of OVS once.
func manyRun(ovsmany string, conns, packets int) (established, fresh float64, err error) {
	cmd := exec.Command(ovsmany, strconv.Itoa(conns), strconv.Itoa(packets))
	out, err := cmd.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", cmd, err)
	}
	return parseMany(string(out))
}

// parseMany reads what many.c prints.
func parseMany(out string) (established, fresh float64, err error) {
	const form = "established: %f ns new: %f ns"
	if _, err := fmt.Sscanf(out, form, &established, &fresh); err != nil || !(established > 0 && fresh > 0) {
		return 0, 0, fmt.Errorf("answered %q, want \"established: N ns new: N ns\"", out)
	}
	return established, fresh, nil
}

// ovsRun runs OVS's own benchmark once, and returns the processor time of all of
// it: what it says itself is by the clock.
func ovsRun(ovstest string, conns, packets int) (cpu time.Duration, err error) {
	args := []string{"test-conntrack", "benchmark", "1", strconv.Itoa(packets), strconv.Itoa(batch)}
	if conns > 1 {
		args = append(args, "1") // change_connection
	}
	cmd := exec.Command(ovstest, args...)
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", cmd, err)
	}
	if _, err := parseTime(string(out)); err != nil {
		return 0, fmt.Errorf("%s: %w", cmd, err)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
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
