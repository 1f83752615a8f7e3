package tc

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/policy"
)

// fuzzSeeds are the commands of the transcripts and some that they lack.
func fuzzSeeds(f *testing.F) (out []string) {
	f.Helper()
	files, _ := filepath.Glob("testdata/transcripts/*.txt")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, l := range strings.Split(string(text), "\n") {
			if cmd, ok := strings.CutPrefix(l, "$ tc "); ok {
				out = append(out, cmd)
			}
		}
	}
	return append(out,
		"ip link add vxlan0 address 02:00:00:00:00:01 type vxlan external dstport 4789 gbp srcport 1 9 local 192.0.2.1 dev u udp6zerocsumrx",
		"ip link add g type geneve external dstport 7 noudp6zerocsumrx", "ip link add g type ip6gretap external csum ttl 5",
		"ip link set dev u address 02:00:00:00:00:0b mtu 9000 up", "ip -6 addr add 2001:db8::1/64 dev u nodad",
		"ip route replace default via 192.0.2.9 dev u", "ip -6 route add 2001:db8::/32 dev u", "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:0a dev u nud permanent",
		"filter add dev d ingress proto ip flower ct_state \\\n +trk +est action mirrored egress redirect dev e",
		"filter add dev d egress proto ip flower action ct ct_zone 7 commit ct_label x01 nat src 10.0.0.1 10.0.0.2 chain = 4",
		"filter add dev d ingress matchall action ct commit nat auto pipe action 'drop' random netrand pass 7 cookie 00",
		"qdisc add dev d ingress_block 3 egress_block 4 clsact",
		"actions add action ct zone 5 index 7 action drop index 8",
	)
}

// pristine reports that a policy can be written with add commands: a filter
// whose protocol a `change` has left out cannot.
func pristine(p *policy.Policy) bool {
	ok := true
	look := func(b *policy.Block) {
		if b == nil {
			return
		}
		each(b, func(_ *policy.Chain, _ *policy.Proto, f *policy.Filter) {
			if f.Match != nil && f.Match.Mask.EthType != 0 && f.Match.Key.EthType == 0 {
				ok = false
			}
		})
		for _, ch := range b.Chains {
			if ch.Template != nil && ch.Template.Mask.EthType != 0 && ch.Template.Key.EthType == 0 && ch.TemplateProtocol != 0 {
				ok = false
			}
		}
	}
	for _, d := range p.Devices {
		look(d.Block[0])
		look(d.Block[1])
	}
	for _, b := range p.Blocks {
		look(b)
	}
	return ok
}

// roundTrip checks that what was accepted can be shown, checked and written,
// and that what is written makes the same policy.
func roundTrip(t *testing.T, p *policy.Policy) {
	t.Helper()
	p.Settle()
	var out bytes.Buffer
	s := &Session{Policy: p, Out: &out}
	for _, d := range p.Devices {
		for _, opt := range []string{"", "-s -j -p ", "-br "} {
			for _, dir := range []string{" ingress", " egress"} {
				if err := s.Run(opt + "filter show dev " + d.Name + dir); err != nil {
					t.Fatalf("show: %v", err)
				}
				if err := s.Run(opt + "chain show dev " + d.Name + dir); err != nil {
					t.Fatalf("show: %v", err)
				}
			}
		}
	}
	Check(p)
	if !pristine(p) {
		return
	}
	var first, second strings.Builder
	if err := Format(&first, p); err != nil {
		t.Fatal(err)
	}
	again := &policy.Policy{}
	for _, d := range p.Devices { // numbers of devices are part of a policy
		again.Declare(d.Name)
	}
	r := &Session{Policy: again}
	if err := r.Batch("format", strings.NewReader(first.String())); err != nil {
		t.Fatalf("%v in\n%s", err, first.String())
	}
	if err := Format(&second, again); err != nil {
		t.Fatal(err)
	}
	if first.String() != second.String() {
		t.Fatalf("written, read and written again:\n%s\n%s", first.String(), second.String())
	}
	if a, b := matchesOf(p), matchesOf(again); !slices.Equal(a, b) {
		t.Fatalf("keys changed on the way:\n%v\n%v\n%s", a, b, first.String())
	}
}

// matchesOf lists what the filters match, in the order in which they are
// tried, for comparison.
func matchesOf(p *policy.Policy) (out []string) {
	look := func(b *policy.Block) {
		if b == nil {
			return
		}
		for _, ch := range b.Chains {
			for _, x := range inOrder(ch) {
				m := x.f.Match
				if m == nil {
					m = &policy.Match{}
				}
				k, w := maskKey(m, &m.Mask), m.Mask
				out = append(out, string(appendWords(appendWords(nil, &k), &w)), string(m.EncOpts)+"/"+string(m.EncOptsMask))
			}
		}
	}
	for _, d := range p.Devices {
		look(d.Block[0])
		look(d.Block[1])
	}
	return out
}

func appendWords(b []byte, k *policy.Key) []byte {
	for _, w := range k.Words() {
		for range 8 {
			b = append(b, byte(w))
			w >>= 8
		}
	}
	return b
}

// FuzzRun: no command panics; a policy that is accepted survives being written
// and read again.
func FuzzRun(f *testing.F) {
	for _, s := range fuzzSeeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p := &policy.Policy{}
		s := &Session{Policy: p}
		s.Run("qdisc add dev e0 clsact")
		s.Run("filter add dev e0 ingress pref 1 handle 1 proto ip flower ip_proto tcp dst_port 80 action ct pipe action goto chain 2")
		err := s.Run(line)
		if err != nil {
			var e *Error
			if !as(err, &e) || e.Msg == "" || e.Line == 0 {
				t.Fatalf("%q: an error without a place or words: %#v", line, err)
			}
		}
		roundTrip(t, p)
	})
}

// FuzzBatch: the same for whole files, and every error names a line of them.
func FuzzBatch(f *testing.F) {
	f.Add("# a\nfilter add dev d ingress flower\n\nfilter \\\n show dev d ingress\n")
	f.Add("filter add dev d ingress flower action 'drop\n")
	for lines := range slices.Chunk(fuzzSeeds(f), 8) {
		f.Add(strings.Join(lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &Session{Policy: &policy.Policy{}, Force: true}
		err := s.Batch("f", strings.NewReader(text))
		if list, ok := err.(interface{ Unwrap() []error }); ok {
			lines := strings.Count(text, "\n") + 1
			for _, x := range list.Unwrap() {
				var e *Error
				if !as(x, &e) || e.Line < 1 || e.Line > lines || e.File != "f" {
					t.Fatalf("error %#v", x)
				}
			}
		}
		roundTrip(t, s.Policy)
	})
}
