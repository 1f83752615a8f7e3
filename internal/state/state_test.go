package state

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc64"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/frag"
	"sluice/packet/packettest"
)

// world is a tracker that plays.
type world struct {
	t   *conntrack.Tracker
	now int64
}

// op is one thing that happens to a world.
type op struct {
	what  int
	port  uint16
	flags string
	zone  uint16
	reply bool
	nat   bool
	wait  int64
}

func genOp(t *rapid.T) op {
	return op{
		what: rapid.IntRange(0, 9).Draw(t, "what"), port: rapid.Uint16Range(1, 5).Draw(t, "port"),
		flags: rapid.SampledFrom([]string{"S", "SA", "A", "PA", "FA", "R"}).Draw(t, "flags"),
		zone:  rapid.Uint16Range(0, 1).Draw(t, "zone"), reply: rapid.Bool().Draw(t, "reply"), nat: rapid.Bool().Draw(t, "nat"),
		wait: rapid.SampledFrom([]int64{0, 1e6, 1e9, 20e9, 100e9}).Draw(t, "wait"),
	}
}

const (
	client, server, outside = "10.0.0.1", "10.9.0.1", "192.0.2.1"
)

// play does one thing and says what came of it.
func (w *world) play(o op) string {
	w.now += o.wait
	src, dst, sp, dp := client, server, 1000+o.port, uint16(80)
	if o.nat && o.reply {
		src, sp = outside, 2000+o.port
	}
	if o.reply {
		src, dst, sp, dp = dst, src, dp, sp
	}
	var frame []byte
	switch o.what {
	case 0:
		frame = packettest.UDP(src, dst, sp, dp, "x")
	case 1:
		frame = packettest.ICMP(src, dst, map[bool]byte{false: 8, true: 0}[o.reply], 0, uint32(o.port)<<16, nil)
	case 2:
		frame = packettest.IP(src, dst, packet.ProtoGRE, []byte{0, 0, 8, 0})
	case 3:
		w.t.Tick(w.now, 100)
		return "tick"
	case 4:
		n := w.t.Delete(w.now, &conntrack.Match{Zone: o.zone, Orig: conntrack.TupleMatch{SPort: conntrack.Exactly(1000 + o.port)}}, nil)
		return fmt.Sprint("deleted ", n)
	default:
		frame = packettest.TCP(src, dst, sp, dp, o.flags, 100, 100, "")
	}
	var h packet.Headers
	var ct packet.CT
	packet.Parse(frame, &h)
	h.Hash = w.t.Hash(&h.Tuple)
	res := w.t.In(w.now, frame, &h, o.zone, &ct)
	said := fmt.Sprint(res, " ", ct.Info, " ", ct.Conn)
	if ct.Conn != 0 {
		if o.nat {
			to := packet.AddrFrom(netip.MustParseAddr(outside))
			_, res := w.t.NAT(w.now, frame, &h, &ct, &conntrack.NATRange{
				Manip: conntrack.SrcNAT, HasAddr: true, Family: packet.IPv4, Min: to, Max: to, HasPort: true, MinPort: 2000, MaxPort: 2006,
			}, true)
			said += fmt.Sprint(" ", res, " ", h.Tuple)
		}
		if o.port == 2 {
			w.t.SetMark(ct.Conn, uint32(o.what), 0xff)
			w.t.SetLabel(ct.Conn, [16]byte{byte(o.what)}, [16]byte{0xff})
		}
		said += fmt.Sprint(" ", w.t.Confirm(w.now, &ct))
		if o.port != 3 { // or the next packet tells
			w.t.Tell(w.now, ct.Conn)
		}
	}
	w.t.Discard(&ct)
	return said
}

func (w *world) bytes(t interface{ Fatal(...any) }) []byte {
	var b bytes.Buffer
	s := State{Clock: Clock{Now: w.now, Vector: w.now, Seed: 5, Policy: "p"}, Tracker: w.t, Random: []byte("pcg:0123456789abcdef"),
		Fragments: waiting, Devices: []string{"left", "right"}}
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// waiting are fragments of two packets.
var waiting = &frag.Saved{Random: 1 << 63, Packets: []frag.SavedPacket{
	{
		Src: packet.Addr{10, 0, 0, 1}, Dst: packet.Addr{10, 0, 0, 2}, ID: 7, Dev: -1, Zone: 1, Proto: 17, Deadline: 1e18 + 30e9, Length: 24, Last: true,
		Max: 28, Least: 20, L3: 14, Header: 34, Counted: true, Count: 9, Seen: 8,
		Fragments: []frag.SavedFragment{{Run: true, Data: make([]byte, 42)}, {Off: 16, Run: true, Data: make([]byte, 8)}},
	},
	{IPv6: true, Src: packet.Addr{0xfe, 0x80, 15: 1}, Dst: packet.Addr{0xff, 2, 15: 5}, ID: 8, Dev: 1, Deadline: 1e18 + 60e9},
}}

func newWorld() *world {
	set := conntrack.DefaultSettings()
	set.Timestamp, set.Max = true, 64
	w := &world{t: conntrack.New(conntrack.Config{Seed: [2]uint64{5, ^uint64(5)}, Settings: set}), now: 1e18}
	w.t.Listen(20)
	return w
}

// TestSaveRestore: what is read back writes the same bytes, and behaves the
// same from then on.
func TestSaveRestore(t *testing.T) {
	t.Run("B094_C36_I6_same_bytes_same_behaviour", rapid.MakeCheck(func(t *rapid.T) {
		w := newWorld()
		for _, o := range rapid.SliceOfN(rapid.Custom(genOp), 0, 60).Draw(t, "before") {
			w.play(o)
		}
		saved := w.bytes(t)
		s, err := Read(bytes.NewReader(saved))
		if err != nil {
			t.Fatalf("%v in\n%s", err, saved)
		}
		twin := &world{t: s.Tracker, now: s.Clock.Now}
		if again := twin.bytes(t); !bytes.Equal(again, saved) {
			t.Fatalf("first\n%s\nthen\n%s", saved, again)
		}
		for i, o := range rapid.SliceOfN(rapid.Custom(genOp), 0, 60).Draw(t, "after") {
			if got, want := twin.play(o), w.play(o); got != want {
				t.Fatalf("step %d, %+v: %s, want %s", i, o, got, want)
			}
		}
		if got, want := twin.bytes(t), w.bytes(t); !bytes.Equal(got, want) {
			t.Fatalf("in the end\n%s\nwant\n%s", got, want)
		}
		if errs := twin.t.Check(); len(errs) > 0 {
			t.Fatal(errs)
		}
	}))
}

// sample is a state with something of everything that a tracker has.
func sample(t testing.TB) []byte {
	w := newWorld()
	for i := range 40 {
		w.play(op{what: i % 10, port: uint16(i%5 + 1), flags: "S", zone: uint16(i % 2), nat: i%3 == 0, wait: 1e6})
	}
	w.play(op{what: 0, port: 3})
	w.play(op{what: 0, port: 3, reply: true})
	w.play(op{what: 4, port: 1})
	return w.bytes(t)
}

// sealed puts a right end line behind a text.
func sealed(body string) string {
	return body + fmt.Sprintf("{\"kind\":\"end\",\"lines\":%d,\"crc64\":\"%016x\"}\n", strings.Count(body, "\n"), crc64.Checksum([]byte(body), table))
}

func body(t testing.TB) string {
	s := string(sample(t))
	return s[:strings.Index(s, `{"kind":"end"`)]
}

// TestDamage: no cut and no flipped bit goes unnoticed.
func TestDamage(t *testing.T) {
	good := sample(t)
	for n := 0; n < len(good)-1; n += 11 {
		_, err := Read(bytes.NewReader(good[:n]))
		var e *Error
		if !errors.As(err, &e) {
			t.Fatalf("cut at %d of %d: %v", n, len(good), err)
		}
	}
	if _, err := Read(bytes.NewReader(good[:len(good)-1])); !errors.Is(err, ErrTruncated) {
		t.Errorf("without its last line feed: %v", err)
	}
	for n := 0; n < len(good); n += 13 {
		bad := bytes.Clone(good)
		bad[n] ^= 1 << (n % 7)
		if _, err := Read(bytes.NewReader(bad)); err == nil {
			t.Fatalf("byte %d changed from %q to %q, and nobody noticed", n, good[n], bad[n])
		}
	}
	if _, err := Read(bytes.NewReader(append(bytes.Clone(good), 'x'))); err == nil {
		t.Error("something behind the end was ignored")
	}
}

// TestGrowth: what a later version adds is ignored.
func TestGrowth(t *testing.T) {
	b := strings.Replace(body(t), `"kind":"conn",`, `"kind":"conn","shape":{"round":true},`, 1)
	b += `{"kind":"weather","wind":[1,2]}` + "\n"
	s, err := Read(strings.NewReader(sealed(b)))
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := s.Write(&again); err != nil {
		t.Fatal(err)
	}
	if again.String() != string(sample(t)) {
		t.Error("the rest is not what it was")
	}
}

// TestRefusals: a state that cannot be says what is wrong and where.
func TestRefusals(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`{"format":"sluice state","version":1}`, `{"format":"other","version":1}`, "this is no state"},
		{`"version":1`, `"version":2`, "version 2; this program knows 1"},
		{`"kind":"clock"`, `"kind":"alarm"`, "missing"},
		{`"kind":"tracker"`, `"kind":"hunter"`, "missing"},
		{`"nf_conntrack_max":"64"`, `"nf_conntrack_max":"many"`, `"many" is not a number`},
		{`"nf_conntrack_max":"64"`, `"nf_conntrack_max":"2000000000"`, "more than"},
		{`"nf_conntrack_max"`, `"nf_conntrack_min"`, "unknown setting"},
		{`"kind":"conn","slot":`, `"kind":"conn","slot":400000`, "no such slot"},
		{`"kind":"conn","slot":`, `"kind":"conn","slot":0,"other":`, "slot 0: no such slot"},
		{`"slots":`, `"slots":9`, "slots hold"},
		{`"src":"10.0.0.1"`, `"src":"10.0.0"`, "line"},
		{`"src":"10.0.0.1"`, `"src":"fd00::1"`, "addresses"},
		{`"src":"10.0.0.1"`, `"src":7`, "cannot be number"},
		{`"src":"10.9.0.1"`, `"src":"10.9.0.7"`, "does not answer"},
		{`"state":"SYN_SENT"`, `"state":"SYN"`, `unknown TCP state "SYN"`},
		{`"tcp":{`, `"tpc":{`, "TCP without its state"},
		{`"status":8`, `"status":0`, "never confirmed"},
		{`"generation":`, `"generation":1`, ""},
		{`"untold":["`, `"untold":["X`, "unknown event"},
		{`"what":["`, `"what":["X`, "unknown event"},
		{`"capacity":20`, `"capacity":3`, "events kept"},
		{`"capacity":20`, `"capacity":99999999`, "room for"},
		{`"label":"`, `"label":"zz`, "32 hexadecimal digits"},
		{`"last_dir":0`, `"last_dir":9`, "of no kind"},
		{`"scale":0`, `"scale":99`, "window scale"},
		{`"kind":"conn"`, `"kind":`, "column"},
		{`"pcg":"`, `"pcg":"00`, "random"},
		{`"kind":"fragments"`, `"kind":"crumbs"`, "no line of fragments before"},
		{`"kind":"packet","src":"10.0.0.1"`, `"kind":"packet","src":"fd00::1"`, "addresses"},
		{`"kind":"packet","src":"fe80::1"`, `"kind":"packet","src":"fe80::1%eth0"`, "addresses"},
		{`"kind":"packet","src":"10.0.0.1"`, `"kind":"parcel","src":"10.0.0.1"`, "no line of a packet before"},
		{`"offset":16`, `"offset":-1`, "cannot be number"},
		{`"data":"AAAAAAAAAAA="`, `"data":"AAA"`, "base64"},
	} {
		b := body(t)
		if !strings.Contains(b, c.from) {
			t.Errorf("the sample has no %s", c.from)
			continue
		}
		_, err := Read(strings.NewReader(sealed(strings.Replace(b, c.from, c.to, 1))))
		var e *Error
		if c.want != "" && (!errors.As(err, &e) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s for %s: %v, want %q", c.to, c.from, err, c.want)
		}
	}
	long := strings.Repeat(" ", maxLine) + "\n"
	if _, err := Read(strings.NewReader(body(t) + long)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a long line: %v", err)
	}
}

// TestWriteFile replaces a file whole and keeps its mode.
func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, sample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(b, sample(t)) {
		t.Errorf("the file has changed, %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if err := s.WriteFile(filepath.Join(path, "x")); err == nil {
		t.Error("written below a file")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := ReadFile(path + "none"); err == nil {
		t.Error("read what is not there")
	}
}

// FuzzRead feeds arbitrary lines, properly sealed: nothing panics, and what is
// accepted writes, reads and writes the same, and can be used (I9).
func FuzzRead(f *testing.F) {
	b := body(f)
	f.Add(b)
	for _, line := range strings.SplitAfter(b, "\n") {
		f.Add(line)
	}
	f.Add(strings.Replace(b, `"status":8`, `"status":4294967295`, 1))
	f.Add(strings.Replace(b, "10.0.0.1", "::ffff:10.0.0.1", 1))
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "nf_conntrack_max") && !strings.Contains(text, `"nf_conntrack_max":"64"`) {
			t.Skip("a table of any size would take any memory")
		}
		s, err := Read(strings.NewReader(sealed(text)))
		if err != nil {
			return
		}
		var first, second bytes.Buffer
		if err := s.Write(&first); err != nil {
			t.Fatal(err)
		}
		again, err := Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, first.Bytes())
		}
		if err := again.Write(&second); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("first\n%s\nthen\n%s", first.Bytes(), second.Bytes())
		}
		if errs := s.Tracker.Check(); len(errs) > 0 {
			t.Fatal(errs)
		}
		if err := s.Sync(); err != nil {
			return
		}
		w := &world{t: s.Tracker, now: s.Clock.Now}
		for i := range 20 {
			w.play(op{what: i % 10, port: uint16(i%5 + 1), flags: []string{"S", "A", "R"}[i%3], reply: i%2 == 0, nat: i%4 == 0, wait: 20e9})
		}
		if errs := s.Tracker.Check(); len(errs) > 0 {
			t.Fatal(errs)
		}
	})
}
