package tc

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/policy"
)

// TestPeditKeysSurvive: whatever keys a policy's words make, the words that
// are written for these make the same.
func TestPeditKeysSurvive(t *testing.T) {
	var heads []string
	for h := range peditFields {
		if h != "icmp" {
			heads = append(heads, h)
		}
	}
	slices.Sort(heads)
	rapid.Check(t, func(rt *rapid.T) {
		ex := rapid.Bool().Draw(rt, "ex")
		words := "pedit"
		if ex {
			words += " ex"
		}
		for range rapid.IntRange(1, 4).Draw(rt, "n") {
			cmd := rapid.SampledFrom([]string{"set", "set", "add", "clear", "invert", "preserve"}).Draw(rt, "cmd")
			if !ex && cmd == "add" {
				cmd = "set"
			}
			number := func(bits int) string {
				if cmd != "set" && cmd != "add" {
					return cmd
				}
				return fmt.Sprintf("%s %d", cmd, rapid.Uint64Range(0, 1<<bits-1).Draw(rt, "value"))
			}
			words += " munge "
			if rapid.Bool().Draw(rt, "raw") {
				bits := rapid.SampledFrom([]int{8, 16, 32}).Draw(rt, "bits")
				off := rapid.IntRange(-16, 60).Draw(rt, "off")
				if bits == 32 || bits == 16 && off&3 == 3 {
					off &^= 3
				}
				words += fmt.Sprintf("offset %d u%d", off, bits)
				if rapid.Bool().Draw(rt, "at") {
					words += fmt.Sprintf(" at %d %x %d", rapid.IntRange(0, 40).Draw(rt, "at"), rapid.Byte().Draw(rt, "mask"), rapid.IntRange(0, 40).Draw(rt, "shift"))
				}
				words += " " + number(bits)
			} else {
				head := "ip"
				if ex {
					head = rapid.SampledFrom(heads).Draw(rt, "head")
				}
				f := rapid.SampledFrom(peditFields[head].fields).Draw(rt, "field")
				if ex && head == "ip" && f.off >= 20 {
					f = peditFields["ip"].fields[0]
				}
				if f.len > 4 && cmd == "preserve" {
					cmd = "clear"
				}
				words += head + " " + f.name + " "
				verb := cmd == "set" || cmd == "add"
				switch {
				case f.kind == fieldMAC && verb:
					words += cmd + " " + macText([6]byte(rapid.SliceOfN(rapid.Byte(), 6, 6).Draw(rt, "mac")))
				case f.kind == fieldIPv4 && verb:
					words += cmd + " " + addrText([16]byte(append(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(rt, "ip"), make([]byte, 12)...)), 4)
				case f.kind == fieldIPv6 && verb:
					words += cmd + " " + addrText([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(rt, "ip6")), 6)
				default:
					words += number(8 * f.len)
				}
				if f.len > 4 {
					continue
				}
			}
			if rapid.Bool().Draw(rt, "retain") && cmd != "preserve" {
				words += fmt.Sprintf(" retain 0x%x", rapid.Uint32().Draw(rt, "mask"))
			}
		}
		read := func(words string) []policy.PeditKey {
			p := &policy.Policy{}
			s := &Session{Policy: p}
			if err := s.Run("filter add dev d ingress proto ip flower action " + words + " pipe"); err != nil {
				rt.Fatalf("%s: %v", words, err)
			}
			return p.ActionsOf("pedit")[0].Pedit.Keys
		}
		keys := read(words)
		again := "pedit" + peditWordsOf(&policy.Pedit{Extended: ex, Keys: keys})
		if got := read(again); !slices.Equal(got, keys) {
			rt.Fatalf("%s\nmakes %+v,\n%s\nmakes %+v", words, keys, again, got)
		}
	})
}

// TestEditsWrittenAndReadAgain: format's words for each kind of action.
func TestEditsWrittenAndReadAgain(t *testing.T) {
	for _, c := range [][2]string{
		{"vlan push id 5 priority 3 protocol 802.1AD", "vlan push id 5 protocol 802.1ad priority 3 pipe index 1"},
		{"vlan mod id 0x10 continue", "vlan modify id 16 protocol 802.1Q continue index 1"},
		{"vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02", "vlan push_eth dst_mac 02:00:00:00:00:01 src_mac 02:00:00:00:00:02 pipe index 1"},
		{"mpls push label 5 tc 2", "mpls push protocol mpls_uc label 5 tc 2 ttl 255 pipe index 1"},
		{"mpls mod ttl 3 bos 0 goto chain 4", "mpls modify bos 0 ttl 3 goto chain 4 index 1"},
		{"pedit ex munge ip ttl dec munge ip6 traffic_class set 0xb8 munge tcp dport set 80 pipe", "pedit ex munge ip ttl add 255 munge ip6 traffic_class set 184 munge tcp dport set 80 pipe index 1"},
		{"pedit munge offset 9 u8 set 0x11", "pedit munge offset 9 u8 set 0x11 pass index 1"},
		{"csum ip and tcp and sctp pipe", "csum iph and tcp and sctp pipe index 1"},
		{"skbedit mark 7/0xff priority 1:2 ptype multicast inheritdsfield", "skbedit priority 1:2 mark 7/0xff ptype multicast inheritdsfield pipe index 1"},
		{"police rate 1mbit burst 10k mtu 2k conform-exceed drop/continue", "police rate 125000bps burst 10240 mtu 2048 conform-exceed drop/continue index 1"},
		{"police pkts_rate 100 pkts_burst 10 goto chain 7", "police pkts_rate 100 pkts_burst 10 conform-exceed goto/pass goto chain 7 index 1"},
		{"sample rate 10 group 5 trunc 60 drop", "sample rate 10 group 5 trunc 60 drop index 1"},
	} {
		for _, words := range c {
			p := &policy.Policy{}
			if err := (&Session{Policy: p}).Run("filter add dev d ingress proto ip flower action " + words); err != nil {
				t.Errorf("%s: %v", words, err)
				continue
			}
			var b strings.Builder
			if err := Format(&b, p); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(b.String(), " action "+c[1]+"\n") {
				t.Errorf("%s: written as %s", words, b.String())
			}
		}
	}
}

// TestQueueMapping: only a filter at a device's own ingress cannot have it. The
// dialogue is a kernel's.
func TestQueueMapping(t *testing.T) {
	s := &Session{Policy: &policy.Policy{Devices: []*policy.Device{{Name: "d"}, {Name: "e"}, {Name: "f"}}}, Strict: true}
	const refused = `act_skbedit: "queue_mapping" option on receive side is hardware only, use skip_sw`
	for _, c := range []struct{ line, want string }{
		{"qdisc add dev d ingress_block 11 ingress", ""},
		{"qdisc add dev e clsact", ""},
		{"qdisc add dev f ingress", ""},
		{"actions add action skbedit queue_mapping 3 index 5", ""},
		{"filter add dev e egress prio 1 proto ip flower action skbedit queue_mapping 2", ""},
		{"filter add dev e ingress prio 1 proto ip flower action skbedit queue_mapping 2", refused},
		{"filter add dev f ingress prio 1 proto ip flower action skbedit queue_mapping 2", refused},
		{"filter add dev f ingress prio 2 proto ip flower action skbedit index 5", ""},
		{"filter add block 11 prio 1 proto ip flower action skbedit index 5", ""},
		{"filter add block 11 prio 2 proto ip flower action skbedit queue_mapping 5", ""},
	} {
		got := ""
		if err := s.Run(c.line); err != nil {
			got = err.Error()
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.line, got, c.want)
		}
	}
}

// TestEditMistakes: where it is, and what was expected there.
func TestEditMistakes(t *testing.T) {
	for _, c := range []struct{ words, at, msg, want string }{
		{"vlan push id 4095", "vlan", "Numerical result out of range", ""},
		{"vlan push id 5 priority 9", "9", "prio is invalid", "0 to 7"},
		{"vlan pop id 3", "id", "only valid for push/modify", "pop, push"},
		{"mpls push label 3", "mpls", "MPLS label out of range", ""},
		{"mpls push label 1048576", "1048576", "label must be <=0xFFFFF", "1048575"},
		{"pedit munge tcp dport set 80", "dport", "bad pedit parsing", "pedit ex munge tcp"},
		{"pedit ex munge ip proto set 80", "proto", "bad pedit parsing", "protocol"},
		{"pedit ex munge ip ttl set 256", "", "pack_key8 bad value", "0 to 255"},
		{"pedit ex munge ip src dec", "dec", "decrement command is not supported", "ip ttl"},
		{"csum foo", "foo", "empty <UPDATE> list", "ip4h"},
		{"skbedit queue_mapping 3", "skbedit", "receive side is hardware only", ""},
		{"skbedit ptype 3", "3", "Illegal ptype", "otherhost"},
		{"police rate 1mbit", "", "'burst' requires 'rate'", "burst"},
		{"police rate 1mbit burst 10k mtu 200", "police", "Cannot allocate memory", ""},
		{"police rate 1mbit burst 10k conform-exceed drop/goto", "police", "goto chain not allowed on fallback", ""},
		{"sample rate 0 group 1", "sample", "invalid sample rate", ""},
		{"sample rate 5", "", `param "group" not set`, "group GROUP"},
	} {
		err := (&Session{Policy: &policy.Policy{}}).Run("filter add dev d ingress proto ip flower action " + c.words)
		e, ok := err.(*Error)
		if !ok {
			t.Errorf("%s: %v", c.words, err)
			continue
		}
		var b bytes.Buffer
		e.Print(&b)
		if !e.Kernel && e.Word != c.at || !strings.Contains(b.String(), c.msg) || !strings.Contains(e.Want, c.want) {
			t.Errorf("%s: at %q:\n%s", c.words, e.Word, b.String())
		}
	}
}
