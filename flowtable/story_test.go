package flowtable_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sluice/conntrack"
	"sluice/datapath/datapathtest"
	"sluice/flowtable"
	"sluice/offload"
	"sluice/packet"
	"sluice/packet/packettest"
)

var update = flag.Bool("update", false, "write the stories' answers anew")

// TestStories runs the scripts under testdata. A line that begins with > is a
// step; below it stands everything that the step has changed: requests that
// devices were given, events, connections with what is remembered of them,
// devices' records and counts, tables. What a step does not change is not
// printed.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.story")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".story"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
			for i := range max(len(g), len(w)) {
				if i >= len(g) || i >= len(w) || g[i] != w[i] {
					t.Fatalf("%s:%d: got\n%s\nwant\n%s", file, i+1, strings.Join(g[min(i, len(g)):min(i+4, len(g))], "\n"), strings.Join(w[min(i, len(w)):min(i+4, len(w))], "\n"))
				}
			}
		})
	}
}

// storyPolicy tracks TCP and UDP between a and b in zone 0, and TCP from c to d
// in zone 5, translated.
var storyPolicy = append([]string{
	"filter add dev c ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 5 nat pipe action goto chain 7",
	"filter add dev c ingress prio 1 chain 7 proto ip flower ct_state +trk+new action ct commit zone 5 nat src addr 10.9.9.9 port 7000-7010 pipe action mirred egress redirect dev d",
	"filter add dev c ingress prio 2 chain 7 proto ip flower ct_state +trk+est action mirred egress redirect dev d",
	"filter add dev d ingress prio 1 chain 0 proto ip flower ct_state -trk action ct zone 5 nat pipe action mirred egress redirect dev c",
}, udpPolicy...)

// story is a script that runs.
type story struct {
	*rig
	out    strings.Builder
	devs   map[string]*teller
	order  []string // devices as they were made
	drv    map[string]offload.Driver
	before map[string]string
	seen   uint64 // events told
}

// teller is a device that writes down what it is asked.
type teller struct {
	*device
	s    *story
	held []offload.Request // not carried out yet
	used int               // by others, as Capacity says
	dead bool              // takes nothing
	most int               // answers in one Poll; 0: all
}

func (d *teller) Submit(now int64, reqs []offload.Request) int {
	if d.dead {
		return 0
	}
	if d.takes > 0 && len(reqs) > d.takes {
		reqs = reqs[:d.takes]
	}
	for _, r := range reqs {
		line := fmt.Sprintf("  %s: %s %s", d.name, r.Op, d.s.port(r.Flow.Conn))
		if f := r.Flow; r.Op == offload.Add {
			line += fmt.Sprintf(" %v/%d-%v/%d %v/%d-%v/%d zone %d both %v fresh %v mark %d label %x idle %d used %d chain %d rewrite %v %v window %v", f.Tuple[0].Src[:4], f.Tuple[0].SPort, f.Tuple[0].Dst[:4], f.Tuple[0].DPort,
				f.Tuple[1].Src[:4], f.Tuple[1].SPort, f.Tuple[1].Dst[:4], f.Tuple[1].DPort, f.Zone, f.Both, f.Fresh, f.Mark, f.Label[:2], f.Idle, f.Used, f.Chain, f.Rewrite[0].What, f.Rewrite[1].What, f.Window)
		}
		d.s.out.WriteString(line + "\n")
		if d.auto {
			d.answers = append(d.answers, d.do(now, r))
		} else {
			d.held = append(d.held, r)
		}
	}
	return len(reqs)
}

func (d *teller) Poll(now int64, out []offload.Completion) int {
	if d.most > 0 {
		out = out[:min(d.most, len(out))]
	}
	return d.device.Poll(now, out)
}

// What a teller may be besides.
type (
	tellerProber struct{ *teller }
	tellerGauge  struct{ *teller }
	tellerBoth   struct{ tellerProber }
	tellerSettle struct{ *teller }
)

func (d tellerProber) Probe(now int64, ref packet.ConnRef) (offload.FlowStats, bool) {
	return prober{d.device}.Probe(now, ref)
}
func (d tellerGauge) Capacity() (int, int) { return d.limit, len(d.flows) + d.used }
func (d tellerBoth) Capacity() (int, int)  { return d.limit, len(d.flows) + d.used }
func (d tellerSettle) Settle(now int64) {
	d.s.out.WriteString("  " + d.name + ": settle\n")
	d.answerHeld(now)
}

func (d *teller) answerHeld(now int64) {
	for _, r := range d.held {
		d.answers = append(d.answers, d.do(now, r))
	}
	d.held = nil
}

// port names a connection: its client's port, or its slot once it has gone.
func (s *story) port(ref packet.ConnRef) string {
	if c := s.E.Tracker().Conn(ref); c != nil {
		return strconv.Itoa(int(c.Orig.SPort))
	}
	return fmt.Sprintf("slot%d", uint32(ref))
}

func (s *story) ref(port string) packet.ConnRef {
	s.t.Helper()
	for ref, c := range s.E.Tracker().Known() {
		if strconv.Itoa(int(c.Orig.SPort)) == port {
			return ref
		}
	}
	s.t.Fatalf("no connection from port %s", port)
	return 0
}

// tell runs a script and returns it with its answers.
func tell(t *testing.T, script string) string {
	s := &story{rig: &rig{datapathtest.New(t, append(slices.Clone(datapathtest.HTTPPolicy), storyPolicy...)...), t}, devs: map[string]*teller{}, drv: map[string]offload.Driver{}, before: map[string]string{}}
	s.E.Tracker().Listen(1000)
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			s.out.WriteString(line + "\n")
			continue
		}
		step, ok := strings.CutPrefix(line, "> ")
		if !ok {
			continue
		}
		s.out.WriteString(line + "\n")
		f := strings.Fields(step)
		times := 1
		if n, ok := strings.CutPrefix(f[len(f)-1], "x"); ok {
			if v, err := strconv.Atoi(n); err == nil {
				times, f = v, f[:len(f)-1]
			}
		}
		for range times {
			s.step(f[0], f[1:])
		}
		s.changes()
	}
	return s.out.String()
}

// number reads a number, or a time as 1.5s.
func (s *story) number(v string) int64 {
	s.t.Helper()
	if sec, ok := strings.CutSuffix(v, "s"); ok {
		whole, frac, _ := strings.Cut(sec, ".")
		n, err := strconv.ParseInt(whole+(frac + "000000000")[:9], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	n, err := strconv.ParseInt(v, 0, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *story) step(name string, a []string) {
	s.t.Helper()
	p := func(i int) uint16 { return uint16(s.number(a[i])) }
	opt := map[string]string{}
	for _, v := range a {
		k, v, ok := strings.Cut(v, "=")
		if !ok {
			v = "1"
		}
		opt[k] = v
	}
	num := func(k string) int64 {
		if v, ok := opt[k]; ok {
			return s.number(v)
		}
		return 0
	}
	set, tr := s.set(), s.E.Tracker()
	ends := func(client, server, srcDev, dstDev string, port uint16) {
		s.Send(srcDev, packettest.TCP(client, server, port, 80, "S", 1000, 0, ""))
		s.Send(dstDev, packettest.TCP(server, client, 80, port, "SA", 5000, 1001, ""))
		s.Send(srcDev, packettest.TCP(client, server, port, 80, "A", 1001, 5001, ""))
	}
	switch name {
	case "device":
		d := &teller{device: newDevice(), s: s}
		d.name, d.limit = a[0], int(num("limit"))
		d.auto = opt["manual"] == ""
		s.devs[a[0]] = d
		s.order = append(s.order, a[0])
		var drv offload.Driver = d
		switch {
		case opt["prober"] != "" && opt["gauge"] != "":
			drv = tellerBoth{tellerProber{d}}
		case opt["prober"] != "":
			drv = tellerProber{d}
		case opt["gauge"] != "":
			drv = tellerGauge{d}
		case opt["settler"] != "":
			drv = tellerSettle{d}
		}
		s.drv[a[0]] = drv
		s.table(uint16(num("zone"))).Register(s.Now, drv)
	case "register":
		s.table(uint16(num("zone"))).Register(s.Now, s.drv[a[0]])
	case "unregister":
		s.table(uint16(num("zone"))).Unregister(s.Now, s.drv[a[0]])
	case "turn": // what the device does from now on
		d := s.devs[a[0]]
		for k, v := range opt {
			switch k {
			case "auto":
				d.auto = v == "1"
			case "limit":
				d.limit = int(num(k))
			case "refuse":
				d.refuse = offload.Reason(num(k))
			case "fail":
				d.fail = v == "1"
			case "takes":
				d.takes = int(num(k))
			case "dead":
				d.dead = v == "1"
			case "used":
				d.used = int(num(k))
			case "most":
				d.most = int(num(k))
			}
		}
	case "forget":
		delete(s.devs[a[0]].flows, s.ref(a[1]))
	case "answer": // the requests that a manual device has put off
		s.devs[a[0]].answerHeld(s.Now)
	case "complete": // an answer that the device makes up
		k := offload.Completion{Conn: s.ref(a[1]), Op: offload.Op(num("op")), Result: offload.Result(num("result")), Reason: offload.Reason(num("reason"))}
		k.Conn += packet.ConnRef(num("off"))
		k.Stats = offload.FlowStats{Packets: [2]uint64{uint64(num("packets"))}, Bytes: [2]uint64{uint64(num("bytes"))}, Used: num("used"), At: num("at")}
		s.devs[a[0]].answers = append(s.devs[a[0]].answers, k)
	case "carry":
		f := s.devs[a[0]].flows[s.ref(a[1])]
		if f == nil {
			s.out.WriteString("  not held\n")
			return
		}
		dir := num("dir")
		f.stats.Packets[dir] += uint64(max(num("packets"), 1))
		f.stats.Bytes[dir] += 100 * uint64(max(num("packets"), 1))
		f.stats.Used = s.Now
	case "handshake":
		ends(datapathtest.Client, datapathtest.Server, "uplink_rep", "vf0_rep", p(0))
	case "crowd":
		for i := range p(1) {
			ends(datapathtest.Client, datapathtest.Server, "uplink_rep", "vf0_rep", p(0)+i)
		}
	case "translated":
		s.Send("c", packettest.TCP(datapathtest.Client, datapathtest.Server, p(0), 80, "S", 1000, 0, ""))
		s.Send("d", packettest.TCP(datapathtest.Server, "10.9.9.9", 80, 7000, "SA", 5000, 1001, ""))
		s.Send("c", packettest.TCP(datapathtest.Client, datapathtest.Server, p(0), 80, "A", 1001, 5001, ""))
	case "syn":
		s.Send("uplink_rep", fromClient(p(0), "S", 1000, 0, ""))
	case "data":
		s.Send("uplink_rep", fromClient(p(0), "PA", 1001, 5001, "0123456789"))
	case "reply":
		s.Send("vf0_rep", fromServer(p(0), "PA", 5001, 1001, "01234"))
	case "fin":
		s.Send("uplink_rep", fromClient(p(0), "FA", 1001, 5001, ""))
	case "rst":
		s.Send("vf0_rep", fromServer(p(0), "R", 5001, 0, ""))
	case "query":
		s.Send("a", packettest.UDP(datapathtest.Client, datapathtest.Server, p(0), 53, "q"))
	case "response":
		s.Send("b", packettest.UDP(datapathtest.Server, datapathtest.Client, 53, p(0), "a"))
	case "wait":
		step := num("step")
		if step == 0 {
			step = 1e8
		}
		for end := s.Now + s.number(a[0]); s.Now < end; {
			s.Now += min(end-s.Now, step)
			s.E.Tick(s.Now)
		}
	case "later":
		s.Now += s.number(a[0])
	case "pump":
		set.Pump(s.Now)
	case "tick":
		set.Tick(s.Now, int(s.number(a[0])))
	case "read":
		set.Read(s.Now)
	case "sync":
		set.Sync(s.Now)
	case "age":
		set.Age(flowtable.Aging(s.number(a[0])))
	case "back":
		fmt.Fprintf(&s.out, "  %v\n", set.Back(s.Now, s.ref(a[0]), opt["again"] != ""))
	case "removeif":
		m := flowtable.Match{InZone: opt["zone"] != "", Zone: uint16(num("zone")), Mark: uint32(num("mark")), MarkMask: uint32(num("mask")), InChain: opt["chain"] != "", Chain: uint32(num("chain"))}
		m.Label[15], m.LabelMask[15] = byte(num("label")), byte(num("labelmask"))
		fmt.Fprintf(&s.out, "  %d\n", set.RemoveIf(s.Now, m))
	case "kill":
		tr.Kill(s.ref(a[0]))
	case "mark":
		tr.SetMark(s.ref(a[0]), uint32(s.number(a[1])), 0xff)
	case "label":
		tr.SetLabel(s.ref(a[0]), [16]byte{15: byte(s.number(a[1]))}, [16]byte{15: 0xff})
	case "setting":
		if err := tr.Settings().Set(a[0], a[1]); err != nil {
			s.t.Fatal(err)
		}
	case "run":
		s.Run(strings.Join(a, " "))
	case "disable":
		set.Disable(s.Now)
	case "close":
		set.Close(s.Now)
	case "release": // one more reference than it takes
		tab := s.table(uint16(num("zone")))
		set.Release(tab, s.Now)
		set.Release(tab, s.Now)
	case "behave":
		set.Behave(flowtable.Release(s.number(a[0])))
	case "admission":
		adm := flowtable.Admission{MinPackets: uint64(num("packets")), MinBytes: uint64(num("bytes")), MinAge: num("age"), MaxFlows: int(num("max")), High: int(num("high")), Low: int(num("low")),
			Eviction: flowtable.Eviction(num("evict")), RetryEvery: num("retry"), PendingMax: int(num("pending")), QueueMax: int(num("queue"))}
		if v, ok := opt["share"]; ok {
			adm.ZoneShare = map[uint16]int{0: int(s.number(v))}
		}
		if v, ok := opt["never"]; ok {
			adm.Never = []flowtable.Service{{Proto: packet.ProtoTCP, Port: uint16(s.number(v))}}
		}
		if v, ok := opt["hook"]; ok {
			adm.Hook = func(*conntrack.Conn) flowtable.Verdict { return flowtable.Verdict(s.number(v)) }
		}
		if err := set.SetAdmission(s.Now, adm); err != nil {
			s.t.Fatal(err)
		}
	default:
		s.t.Fatalf("no step %q", name)
	}
}

// changes writes what differs from what was written last.
func (s *story) changes() {
	set, tr := s.set(), s.E.Tracker()
	next := s.seen
	for n, e := range tr.Events(s.seen) {
		if e.What&(conntrack.Outside|conntrack.EventDestroy) != 0 {
			fmt.Fprintf(&s.out, "  event %#x of %d at %d device %d: %s\n", e.What, e.Conn.Orig.SPort, e.Time, e.Device, offload.Reason(e.Reason))
		}
		next = n + 1
	}
	s.seen = next
	now := map[string]string{}
	keys := []string{"clock"}
	put := func(k, v string) { keys = append(keys, k); now[k] = v }
	now["clock"] = fmt.Sprint("now ", s.Now)
	for ref, c := range tr.Known() {
		k := fmt.Sprintf("conn %d/%d", c.Orig.SPort, c.Zone)
		why, where := set.Why(ref)
		put(k, fmt.Sprintf("status %#x; flags %#x; table %d; refs %d; deadline %d; timeout %d; packets %d; bytes %d; maxwin %d %d", c.Status, c.FlowFlags, c.FlowTable, c.FlowRefs, c.FlowDeadline, c.Timeout, c.Packets(), c.Bytes(), c.TCP.Seen[0].MaxWin, c.TCP.Seen[1].MaxWin))
		put(k+" why", fmt.Sprintf("why %v; where %v", why, where))
		put(k+" record", set.Record(ref))
	}
	inner := set.Inner(s.port)
	for _, n := range s.order {
		if st, ok := set.DeviceStats(s.drv[n]); ok {
			put(n+" stats", counts(st))
		}
		for i, l := range inner[n] {
			put(fmt.Sprintf("%s %d", n, i), l)
		}
	}
	for i, l := range set.Tables() {
		put(fmt.Sprintf("table %d", i), l)
	}
	add, del, stats := set.Backlog()
	put("set", fmt.Sprintf("%s; backlog %d %d %d; inDevices %d; devices %v; zones %d", counts(set.Counters()), add, del, stats, set.InDevices(), set.Devices(), set.Zones()))
	for _, k := range keys {
		was := strings.Split(s.before[k], "; ")
		var changed []string
		for i, v := range strings.Split(now[k], "; ") {
			_, val, _ := strings.Cut(v, " ")
			old := i < len(was) && was[i] != ""
			if old && was[i] == v || !old && slices.Contains([]string{"0", "false", "[]", "[0 0]", "0 0", "0 0 0", "[0 0 0]", ""}, val) {
				continue
			}
			changed = append(changed, v)
		}
		if len(changed) > 0 {
			fmt.Fprintf(&s.out, "  %s: %s\n", k, strings.Join(changed, "; "))
		}
	}
	var gone []string
	for k := range s.before {
		if _, ok := now[k]; !ok {
			gone = append(gone, k)
		}
	}
	slices.Sort(gone)
	for _, k := range gone {
		fmt.Fprintf(&s.out, "  %s: gone\n", k)
	}
	s.before = now
	for _, err := range set.Check() {
		fmt.Fprintf(&s.out, "  CONTRADICTION %v\n", err)
	}
}

// counts prints a record's fields, of a list those that are not zero.
func counts(r any) string {
	var out []string
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if f.Kind() != reflect.Array {
			out = append(out, fmt.Sprintf("%s %v", name, f))
			continue
		}
		all := []string{}
		for k := range f.Len() {
			if !f.Index(k).IsZero() {
				all = append(all, fmt.Sprintf("%d:%v", k, f.Index(k)))
			}
		}
		out = append(out, fmt.Sprintf("%s %v", name, all))
	}
	return strings.Join(out, "; ")
}
