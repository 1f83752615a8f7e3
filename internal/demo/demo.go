// Package demo shows the program at work on a policy and a capture that are
// part of it: a server behind a NIC's virtual function, a client that fetches
// a page, and the server calling out, which the policy drops. Everything that
// it prints is computed from these two files by the same datapath as replay's.
package demo

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"sluice/conntrack"
	"sluice/datapath"
	"sluice/internal/outfile"
	"sluice/internal/replay"
	"sluice/observe"
	"sluice/packet"
	"sluice/policy"
	"sluice/policy/tc"
	"sluice/port"
)

//go:embed http.tc
var policyText string

// capture was recorded by lab/record: what came in on the two ports of a
// switch between two network namespaces, one interface a port.
//
//go:embed http.pcapng
var capture []byte

// Names of the two files, as Save writes them.
const (
	PolicyFile  = "http.tc"
	CaptureFile = "http.pcapng"

	// ReplayCommand replays what Save writes, in the folder that it is written to.
	ReplayCommand = "sluice replay " + PolicyFile + " --in uplink_rep=" + CaptureFile + " --split src=192.0.2.80:vf0_rep --out seen"
)

// Ports are the switch's ports in the order of the capture's interfaces.
var ports = [2]string{"uplink_rep", "vf0_rep"}

// Save writes policy and capture to a directory. One that cannot be written
// does not keep the other from it.
func Save(dir string) error {
	return errors.Join(
		outfile.Bytes(filepath.Join(dir, PolicyFile), []byte(policyText)),
		outfile.Bytes(filepath.Join(dir, CaptureFile), capture),
	)
}

// show is a demonstration under way.
type show struct {
	*bufio.Writer
	ink   ink
	e     *datapath.Engine
	p     *policy.Policy
	rules map[*policy.Filter]int // by position in the policy, from 1
	v     packet.Vector
	story story

	n     int   // packets so far
	begin int64 // time of the first
	seen  map[string]bool
	quiet tally // packets passed over since the last that was shown
}

// Run shows the demonstration, with colours if asked for.
func Run(w io.Writer, colour bool) error {
	p, _, err := tc.Load(PolicyFile, strings.NewReader(policyText))
	if err != nil {
		return fmt.Errorf("read demo's policy: %w", err)
	}
	r, err := port.NewReader(CaptureFile, bytes.NewReader(capture))
	if err != nil {
		return fmt.Errorf("read demo's capture: %w", err)
	}
	s := &show{
		Writer: bufio.NewWriter(w), ink: ink(colour), p: p, rules: map[*policy.Filter]int{}, seen: map[string]bool{},
		e: datapath.New(datapath.Config{Tracker: conntrack.New(conntrack.Config{}), Trace: true}),
	}
	s.story.conns = map[packet.ConnRef]face{}
	s.title()
	s.policy()
	if err := s.packets(r); err != nil {
		return fmt.Errorf("read demo's capture: %w", err)
	}
	s.summary()
	return s.Flush()
}

func (s *show) title() {
	fmt.Fprintf(s, `%s
A server in a virtual machine behind %s; a client on the network behind %s;
between them a NIC's switch that runs tc filters with connection tracking. The
frames were recorded between two network namespaces; they go through Sluice now.

  client ────── uplink_rep ═══ chain 0: ct ──▶ chain 2: ct_state ═══ vf0_rep ────── server
  192.0.2.10                                                                    192.0.2.80

`, s.ink.bold("Sluice: what a stateful tc policy does to real traffic"), ports[1], ports[0])
}

// policy prints the policy with its filters numbered.
func (s *show) policy() {
	line := map[int]int{}
	for _, d := range s.p.Devices {
		for _, c := range d.Block[policy.Ingress].Chains {
			for _, pr := range c.Protos {
				for _, f := range pr.Filters {
					line[f.Line] = 0
					s.rules[f] = f.Line
				}
			}
		}
	}
	fmt.Fprintln(s, s.ink.bold("The policy ("+PolicyFile+")"))
	n := 0
	for i, l := range strings.Split(strings.TrimSuffix(policyText, "\n"), "\n") {
		mark := "   "
		if _, ok := line[i+1]; ok {
			n++
			line[i+1] = n
			mark = fmt.Sprintf("[%d]", n)
		}
		if strings.HasPrefix(l, "#") {
			l = s.ink.dim(l)
		}
		if l == "" {
			fmt.Fprintln(s)
			continue
		}
		fmt.Fprintln(s, "  "+s.ink.bold(mark)+" "+l)
	}
	fmt.Fprintln(s)
	for f, l := range s.rules {
		s.rules[f] = line[l]
	}
}

// packets judges the capture, one packet at a time, and tells of those with
// something new about them.
func (s *show) packets(r *port.Reader) error {
	fmt.Fprintln(s, s.ink.bold("Its packets, in order"))
	var rec port.Record
	for {
		err := r.Read(&rec)
		if errors.Is(err, io.EOF) {
			s.passOver()
			fmt.Fprintln(s)
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.packet(&rec); err != nil {
			return err
		}
	}
}

func (s *show) packet(rec *port.Record) error {
	if s.n == 0 {
		s.begin = rec.Time
		if err := s.e.Load(s.p, rec.Time); err != nil {
			return err
		}
	}
	s.n++
	dev, ok := s.e.Device(ports[rec.Iface])
	if !ok {
		return fmt.Errorf("policy lacks device %s", ports[rec.Iface])
	}
	s.v.Reset()
	s.v.Now = rec.Time
	s.v.Add(rec.Data, dev)
	s.e.Tick(rec.Time)
	s.e.Process(&s.v)

	h := &s.v.H[0] // the datapath fills it in where it needs it
	packet.Parse(s.v.Frame[0], h)
	what := describe(rec.Data, h)
	path, state, fate := s.path()
	news := s.story.look(s.e, &s.v, s.e.Trace(0))
	kind := path + state + fate
	if h.End > h.Payload {
		kind += " data"
	}
	first := !s.seen[kind]
	s.seen[kind] = true
	if !first && len(news) == 0 && s.v.Verdict[0] == packet.Forward {
		s.quiet.add(ports[rec.Iface], len(rec.Data))
		return nil
	}
	s.passOver()
	fmt.Fprintf(s, "%4d %9.6f  %-10s  %-47s %-13s %s\n", s.n, float64(rec.Time-s.begin)/1e9, ports[rec.Iface], what, state, s.ink.fate(s.v.Verdict[0], path+fate))
	if first {
		news = append(news, s.why()...)
	}
	for _, n := range news {
		fmt.Fprintf(s, "%16s%s\n", "", s.ink.dim("└ "+n))
	}
	return nil
}

// path tells which filters the packet hit, what ct_state it had then, and
// where it went.
func (s *show) path() (path, state, fate string) {
	for _, h := range s.e.Trace(0) {
		path += fmt.Sprintf("[%d]", s.rules[h.Filter])
		state = string(replay.AppendState(nil, h.CTState))
	}
	if path == "" {
		path, state = "no filter", "-trk"
	}
	switch s.v.Verdict[0] {
	case packet.Forward:
		for _, t := range s.v.Tx {
			fate += " ▶ " + s.e.DeviceName(t.Dev)
		}
	case packet.Pass:
		fate = " ▶ host's stack"
	default:
		fate = " ✗ " + s.v.Verdict[0].String()
	}
	return path, state, fate
}

// passOver tells of the packets that were not shown one by one.
func (s *show) passOver() {
	if s.quiet.packets > 0 {
		fmt.Fprintf(s, "%16s%s\n", "", s.ink.dim("… "+s.quiet.String()))
	}
	s.quiet = tally{}
}

// summary prints what the tables hold in the end, and what to do next.
func (s *show) summary() {
	s.e.Flows().Sync(s.v.Now)
	fmt.Fprintln(s, s.ink.bold("The filters, as tc -s counts them (bytes from the IP header on)"))
	for i, f := range replay.Filters(s.p, s.e, map[string]string{PolicyFile: policyText}) {
		match, _, _ := strings.Cut(strings.Replace(f.Rule, " flower ", " ", 1), " action")
		fmt.Fprintf(s, "  %s %-10s  chain %d  %-51s %4d packets %7d bytes\n", s.ink.bold(fmt.Sprintf("[%d]", i+1)), f.Dev, f.Chain, match, f.Packets, f.Bytes)
	}
	fmt.Fprintln(s)
	fmt.Fprintln(s, s.ink.bold("The connection table, as /proc/net/nf_conntrack shows it"))
	fmt.Fprintf(s, "%s\n", observe.AppendTable(nil, s.e.Tracker(), s.v.Now))
	fmt.Fprintf(s, "%s\n", s.ink.bold("Next"))
	fmt.Fprintf(s, `  sluice demo --save .        writes %[1]s and %[2]s; then
  sluice tc check %[1]s     finds what the policy leaves open
  %[3]s
                              the same, as a report and as captures with a comment on each frame
`, PolicyFile, CaptureFile, ReplayCommand)
}
