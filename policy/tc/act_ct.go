package tc

import (
	"bytes"
	"fmt"
	"strings"

	"sluice/policy"
)

// ctParse is a ct action being read.
type ctParse struct {
	*cursor
	at   int // the word ct
	ct   policy.CTAction
	act  policy.Action
	auto bool // `nat auto`
	nat  int  // the word nat
}

// ct reads a ct action. The keywords come in any order; like iproute2's,
// prefixes of them will do, and the first in iproute2's order wins.
func (c *cursor) ct() []*policy.Action {
	p := &ctParse{cursor: c, at: c.i, act: policy.Action{Kind: "ct"}}
	c.skip()
	for p.more() && p.word() {
	}
	p.check()
	p.controlOr(&p.act, policy.Pipe)
	p.act.CT = &p.ct
	if p.auto && p.ct.Commit {
		// The papers' `commit nat auto` is what OVS calls ct(commit,nat). tc
		// has no one action for it.
		p.note(p.nat, `"commit nat auto"`, "ct nat pipe action ct commit")
		restore := &policy.Action{Kind: "ct", Control: policy.Pipe, CT: &policy.CTAction{NAT: true, Zone: p.ct.Zone}}
		p.ct.NAT = false
		return []*policy.Action{restore, &p.act}
	}
	if p.auto {
		p.note(p.nat, `"nat auto"`, "nat")
	}
	return []*policy.Action{&p.act}
}

// word reads one keyword with its value; false at what is no part of a ct
// action.
func (p *ctParse) word() bool {
	ct := &p.ct
	switch w := p.text(); {
	case p.is("zone"), w == "ct_zone":
		p.modern(w, "zone")
		v, ok := u16(p.arg("a zone"), 0)
		if !ok {
			p.fail(`ct: Illegal "zone"`, "a number from 0 to 65535, without a mask")
		}
		ct.Zone = v
	case p.is("nat"):
		return p.natSpec()
	case p.is("clear"):
		ct.Clear = true
	case p.is("commit"):
		ct.Commit = true
	case p.is("force"):
		ct.Force = true
	case p.is("index"):
		p.act.Index = p.index("ct: ")
		return true
	case p.is("mark"), w == "ct_mark":
		p.modern(w, "mark")
		v, m, ok := maskedNumber(p.arg("a mark"), 0, 0xffffffff)
		if !ok {
			p.fail(`ct: Illegal "mark"`, "MARK[/MASK], 32 bits each")
		}
		ct.Mark, ct.MarkMask = uint32(v), uint32(m)
	case p.is("label"), w == "ct_label":
		p.modern(w, "label")
		p.arg("a label")
		ct.Label, ct.LabelMask = p.label("ct: ")
	case p.is("help"):
		p.cursor.help("ct", 255)
	case p.is("helper"):
		ct.Helper = p.helper(p.arg("a helper"))
	case w == "chain" || strings.HasPrefix(w, "chain="):
		p.clone()
	default:
		return false
	}
	p.skip()
	return true
}

// modern notes a keyword that has the papers' ct_ before it.
func (p *ctParse) modern(w, tc string) {
	if strings.HasPrefix(w, "ct_") {
		p.note(p.i, fmt.Sprintf("%q inside the ct action", w), tc)
	}
}

// clone reads the RFC's `chain K`, `chain = K` or `chain=K`.
func (p *ctParse) clone() {
	first := p.i
	s := ""
	if w := p.text(); w != "chain" {
		s = strings.TrimPrefix(w, "chain=")
	} else {
		s = p.arg("a chain's index")
		if rest, ok := strings.CutPrefix(s, "="); ok {
			s = rest
			if s == "" {
				s = p.arg("a chain's index")
			}
		}
	}
	v, ok := u32(s, 0)
	if !ok || v > policy.MaxChain {
		p.fail(`ct: Illegal "chain"`, "chain K: the chain in which the tracked copy goes on")
	}
	p.ct.Clone, p.ct.CloneChain = true, v
	p.note(first, fmt.Sprintf(`"chain %d" inside ct clones: a copy is tracked and goes on in chain %d, the packet itself goes on untracked. tc has no such action; to send the packet on itself`, v, v),
		fmt.Sprintf("action ct pipe action goto chain %d", v))
}

// natSpec reads what follows nat: src or dst with addresses and ports, or
// nothing for undoing what was done. It leaves the cursor behind it.
func (p *ctParse) natSpec() bool {
	ct := &p.ct
	p.nat = p.i
	ct.NAT = true
	p.skip() // unlike iproute2, nat may be the last word
	switch {
	case p.is("src"):
		ct.NATSrc = true
	case p.is("dst"):
		ct.NATDst = true
	case p.text() == "auto":
		p.auto = true
		p.skip()
		return true
	default:
		return true
	}
	p.arg("addr ADDRESS[-ADDRESS]")
	if p.is("addr") {
		p.natAddr(p.arg("ADDRESS[-ADDRESS]"))
	} else if _, _, ok := address(strings.Split(p.text(), "-")[0], 0); ok {
		p.natTwoWords()
	} else {
		p.usage("Usage: NAT_SPEC is {src|dst} addr addr1[-addr2] [port port1[-port2]]", "addr ADDRESS[-ADDRESS]")
	}
	p.skip()
	if p.is("port") {
		p.natPort(p.arg("PORT[-PORT]"))
		p.skip()
	}
	p.natFlags()
	return true
}

// natFlags reads what OVS's nat() knows besides (ovs-actions(7)); tc does not.
func (p *ctParse) natFlags() {
	for {
		switch ct := &p.ct; p.text() {
		case "random":
			ct.NATRandom = true
		case "hash":
			ct.NATHash = true
		case "persistent":
			ct.NATPersistent = true
		default:
			return
		}
		if p.ct.NATRandom && p.ct.NATHash {
			p.fail("ct: nat random and hash can't be used together", "one of random and hash")
		}
		p.note(p.i, fmt.Sprintf("%q after nat is Open vSwitch's word: tc and its action in Linux have none and refuse the line", p.text()), "")
		p.skip()
	}
}

func (p *ctParse) natAddr(s string) {
	const want = "ADDRESS[-ADDRESS], both IPv4 or both IPv6"
	lo, hi, has := strings.Cut(s, "-")
	bad := func(family uint8, s string) {
		p.fail(fmt.Sprintf(`Error: %s address is expected rather than "%s".`, addressFamily[family][0], s), want)
	}
	min, fam, ok := address(lo, 0)
	if !ok {
		bad(0, lo)
	}
	max := min
	if has {
		if max, _, ok = address(hi, fam); !ok {
			bad(fam, hi)
		}
	}
	if has && bytes.Compare(min[:], max[:]) > 0 {
		// nf_nat_core.c find_best_ips_proto counts from the first to the second
		// with a carry, and so picks from nearly all addresses there are.
		p.note(p.i, fmt.Sprintf("the address range %s is the wrong way round: Linux translates to addresses outside of it", s), hi+"-"+lo)
	}
	p.ct.NATHasAddr, p.ct.NATIPv6, p.ct.NATMin, p.ct.NATMax = true, fam == 6, min, max
}

// natTwoWords reads the RFC's `nat src A B`.
func (p *ctParse) natTwoWords() {
	first := p.i
	s := p.text()
	if p.i+1 < len(p.words) {
		if _, _, ok := address(p.words[p.i+1].text, 0); ok && !strings.Contains(s, "-") {
			p.skip()
			s += "-" + p.text()
		}
	}
	p.natAddr(s)
	verb := map[bool]string{true: "src", false: "dst"}[p.ct.NATSrc]
	p.note(first, fmt.Sprintf(`"nat %s" without "addr"`, verb), fmt.Sprintf("nat %s addr %s", verb, s))
}

func (p *ctParse) natPort(s string) {
	lo, hi, has := strings.Cut(s, "-")
	min, ok := u16(lo, 10)
	max := min
	if ok && has {
		max, ok = u16(hi, 10)
	}
	if !ok {
		p.fail("ct: Illegal nat port range", "PORT[-PORT], from 0 to 65535")
	}
	p.ct.NATHasPort, p.ct.PortMin, p.ct.PortMax = true, min, max
}

// helper reads FAMILY-PROTOCOL-NAME and gives it in that form.
func (p *ctParse) helper(s string) string {
	const want = "FAMILY-PROTOCOL-NAME, such as ipv4-tcp-ftp"
	f := strings.Split(s, "-")
	if len(s) >= 32 || len(f) < 3 || f[2] == "" || f[0] != "ipv4" && f[0] != "ipv6" {
		p.fail(`ct: Illegal "helper"`, want)
	}
	proto := ""
	for name, n := range helperProtos {
		if v, ok := u8(f[1], 10); f[1] == name || ok && v == n {
			proto = name
		}
	}
	if proto == "" {
		p.fail(`ct: Illegal "helper"`, want+"; protocols: tcp, udp, dccp, sctp, udplite")
	}
	return f[0] + "-" + proto + "-" + f[2]
}

// helperProtos are the protocols that connection tracking helpers exist for.
var helperProtos = map[string]uint8{"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}

// check makes iproute2's tests of what goes together, and the kernel's rule
// that nothing but clear counts where clear stands.
func (p *ctParse) check() {
	ct := &p.ct
	bad := func(msg, want string) { panic(p.errorAt(p.at, msg, want)) }
	switch {
	case ct.Clear && (ct.Commit || ct.Force || ct.NAT || ct.Clone):
		bad("ct: clear can only be used alone", "ct clear, then another ct action")
	case ct.NATSrc && ct.NATDst:
		bad("ct: src and dst nat can't be used together", "one nat in an action; a second ct action may do the other")
	case ct.Commit && ct.NAT && !ct.NATSrc && !ct.NATDst && !p.auto:
		bad("ct: commit and nat must set src or dst", "nat src addr … or nat dst addr … (for +rel, too: it is translated as its master, whatever the address), or ct nat pipe action ct commit")
	case !ct.Commit && (ct.NATSrc || ct.NATDst) && !p.twoWordNAT():
		bad("ct: src or dst is only valid if commit is set", "ct commit nat …")
	}
	if ct.Clear {
		*ct = policy.CTAction{Clear: true}
		return
	}
	if !ct.Commit && (ct.NATSrc || ct.NATDst) {
		// The RFC's example 4 and 5: an address to translate to makes sense
		// for a connection that is committed, only.
		p.note(p.at, `"nat src" or "nat dst" without "commit"`, "ct commit nat …")
		ct.Commit = true
	}
}

// twoWordNAT reports whether nat was written as the RFC writes it.
func (p *ctParse) twoWordNAT() bool {
	return p.nat+2 < len(p.words) && !matches(p.words[p.nat+2].text, "addr")
}
