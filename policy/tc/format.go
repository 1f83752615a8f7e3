package tc

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sluice/policy"
)

// Format writes a policy as the commands that make it anew, as `tc -batch`
// reads them: with all numbers
// that tc would choose, chains by index, and filters in the order in which
// the kernel tries them. Formatting what the commands make gives the same
// commands.
func Format(w io.Writer, p *policy.Policy) error {
	f := newFormatter()
	for _, l := range hostLines(p) {
		f.b.WriteString(l + "\n")
	}
	for _, d := range p.Devices {
		if d.Qdisc == "" {
			continue
		}
		line := "qdisc add dev " + d.Name
		for i, name := range [2]string{"ingress_block", "egress_block"} {
			if b := d.Block[i]; b != nil && b.Index != 0 {
				line += fmt.Sprintf(" %s %d", name, b.Index)
			}
		}
		f.line(line + " " + d.Qdisc)
	}
	for _, kind := range slices.Sorted(maps.Keys(p.Actions)) {
		for _, a := range p.ActionsOf(kind) {
			if a.Ref > a.Bind { // `tc actions` holds it
				f.line("actions add action " + f.action(a))
			}
		}
	}
	for where, b := range blocksOf(p) {
		f.block(where, b)
	}
	_, err := io.WriteString(w, f.b.String())
	return err
}

type formatter struct {
	b    strings.Builder
	seen map[*policy.Action]bool // its parameters have been written
}

func newFormatter() *formatter { return &formatter{seen: map[*policy.Action]bool{}} }

func (f *formatter) line(s string) { f.b.WriteString(s + "\n") }

func (f *formatter) block(where string, b *policy.Block) {
	for _, ch := range b.Chains {
		if ch.Explicit {
			s := fmt.Sprintf("chain add %s chain %d", where, ch.Index)
			if ch.Template != nil {
				if ch.TemplateProtocol != 0 {
					s += " protocol " + ProtocolWord(ch.TemplateProtocol)
				}
				s += " flower" + matchWords(ch.Template)
			}
			f.line(s)
		}
	}
	for _, ch := range b.Chains {
		for _, x := range inOrder(ch) {
			f.line(f.filterLine(where, ch, x.pr, x.f))
		}
	}
}

// filter writes a filter's options and actions.
func (f *formatter) filter(pr *policy.Proto, x *policy.Filter) string {
	var s string
	flag := func(on bool, word string) {
		if on {
			s += " " + word
		}
	}
	if x.Match != nil {
		s += matchWords(x.Match)
	}
	flag(x.Verbose, "verbose")
	flag(x.SkipHW, "skip_hw")
	flag(x.SkipSW, "skip_sw")
	if x.ClassID != 0 {
		s += " classid " + className(x.ClassID)
	}
	if x.HWTC != 0 {
		s += fmt.Sprintf(" hw_tc %d", x.HWTC-1)
	}
	if pr.Kind == "matchall" && s == "" && len(x.Actions) == 0 {
		s = " classid none" // tc wants a word
	}
	for _, a := range x.Actions {
		s += " action " + f.action(a)
	}
	return s
}

// action writes an action; after the first time its kind and index will do.
func (f *formatter) action(a *policy.Action) string {
	if f.seen[a] {
		return fmt.Sprintf("%s index %d", a.Kind, a.Index)
	}
	f.seen[a] = true
	s := actionWordsOf(a)
	if len(a.Cookie) > 0 {
		s += " cookie " + hex.EncodeToString(a.Cookie)
	}
	if len(a.HWStats) > 0 {
		s += " hw_stats " + a.HWStats[0]
	}
	if a.NoPercpu {
		s += " no_percpu"
	}
	if a.SkipSW {
		s += " skip_sw"
	}
	if a.SkipHW {
		s += " skip_hw"
	}
	return s
}

// actionWordsOf writes an action's parameters with its index, if it has one.
func actionWordsOf(a *policy.Action) string {
	index := ""
	if a.Index != 0 {
		index = fmt.Sprintf(" index %d", a.Index)
	}
	end := controlPhrase(a.Control, a.ControlArg)
	switch {
	case a.Gact != nil:
		s := "gact " + end
		if g := a.Gact; randomly(g) {
			s += fmt.Sprintf(" random %s %s %d", g.RandomType, controlPhrase(g.RandomCtl, g.RandomArg), g.RandomVal)
		}
		return s + index
	case a.Mirred != nil:
		m := a.Mirred
		s := "mirred " + map[bool]string{true: "ingress", false: "egress"}[m.Ingress] + " " + map[bool]string{true: "mirror", false: "redirect"}[m.Mirror]
		if m.Block != 0 {
			s += fmt.Sprintf(" blockid %d", m.Block)
		} else {
			s += " dev " + m.Dev
		}
		if m.Mirror {
			s += " " + end
		}
		return s + index
	case a.CT != nil:
		return "ct" + ctWordsOf(a.CT) + index + " " + end
	case a.VLAN != nil:
		return "vlan" + vlanWordsOf(a.VLAN) + " " + end + index
	case a.MPLS != nil:
		return "mpls" + mplsWordsOf(a.MPLS) + " " + end + index
	case a.Pedit != nil:
		return "pedit" + peditWordsOf(a.Pedit) + " " + end + index
	case a.Csum != nil && a.Csum.Flags == 0: // made by its index alone
		return "csum" + index
	case a.Csum != nil:
		return "csum" + csumWordsOf(a.Csum) + " " + end + index
	case a.Skbedit != nil:
		return "skbedit" + skbeditWordsOf(a.Skbedit) + " " + end + index
	case a.Police != nil:
		s := "police" + policeWordsOf(a.Police, a.Control)
		if a.Control == policy.GotoChain && a.ControlArg != 0 {
			s += " " + end
		}
		return s + index
	case a.Sample != nil:
		return "sample" + sampleWordsOf(a.Sample) + " " + end + index
	}
	if a.TunnelKey != nil {
		return "tunnel_key" + tunnelKeyWordsOf(a.TunnelKey) + " " + end + index
	}
	return a.Kind + index
}

func ctWordsOf(c *policy.CTAction) string {
	if c.Clear {
		return " clear"
	}
	s := ""
	if c.Commit {
		s += " commit"
	}
	if c.Force {
		s += " force"
	}
	if c.MarkMask != 0 || c.Mark != 0 {
		s += fmt.Sprintf(" mark 0x%x/0x%x", c.Mark, c.MarkMask)
	}
	s += fmt.Sprintf(" zone %d", c.Zone)
	if c.LabelMask != [16]byte{} || c.Label != [16]byte{} {
		s += fmt.Sprintf(" label %x/%x", c.Label, c.LabelMask)
	}
	if c.Helper != "" {
		s += " helper " + c.Helper
	}
	if c.Clone {
		s += fmt.Sprintf(" chain %d", c.CloneChain)
	}
	if c.NAT {
		s += " nat"
		if t := natText(c); t != "" {
			s += " " + t
		}
	}
	return s
}

func controlPhrase(c policy.Control, arg uint32) string {
	switch c {
	case policy.GotoChain:
		return fmt.Sprintf("goto chain %d", arg)
	case policy.Jump:
		return fmt.Sprintf("jump %d", arg)
	}
	return controlWord(c)
}

// ProtocolWord writes an EtherType as tc reads a filter's protocol: by name, or in
// hexadecimal.
func ProtocolWord(t uint16) string {
	if s := etherName(t); !strings.HasPrefix(s, "[") {
		return s
	}
	return fmt.Sprintf("0x%04x", t)
}

// matchWords writes a flower filter's matches, each with a blank before it, in
// an order in which what implies a protocol comes first.
func matchWords(m *policy.Match) string {
	var b strings.Builder
	add := func(on bool, format string, args ...any) {
		if on {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	k, w := &m.Key, &m.Mask
	add(m.InDev != "", "indev %s", m.InDev)
	add(w.NumVLANs != 0, "num_of_vlans %d", k.NumVLANs)
	add(w.VLANTCI&0xfff != 0, "vlan_id %d", k.VLANTCI&0xfff)
	add(w.VLANTCI>>13 != 0, "vlan_prio %d", k.VLANTCI>>13)
	add(w.VLANEthType != 0, "vlan_ethtype %s", ProtocolWord(k.VLANEthType))
	add(w.CVLANTCI&0xfff != 0, "cvlan_id %d", k.CVLANTCI&0xfff)
	add(w.CVLANTCI>>13 != 0, "cvlan_prio %d", k.CVLANTCI>>13)
	add(w.CVLANEthType != 0, "cvlan_ethtype %s", ProtocolWord(k.CVLANEthType))
	add(w.PPPoESID != 0, "pppoe_sid %d", k.PPPoESID)
	add(w.PPPProto != 0, "ppp_proto 0x%x", k.PPPProto)
	macWords(add, "dst_mac", k.DstMAC, w.DstMAC)
	macWords(add, "src_mac", k.SrcMAC, w.SrcMAC)
	add(w.IPProto != 0, "ip_proto %s", protoText(k.IPProto))
	add(w.IPTOS != 0, "ip_tos %d/%x", k.IPTOS, w.IPTOS)
	add(w.IPTTL != 0, "ip_ttl %d/%x", k.IPTTL, w.IPTTL)
	mplsWords(add, k, w)
	ipWords(add, "dst_ip", k.DstIP, w.DstIP, m.AddrFamily)
	ipWords(add, "src_ip", k.SrcIP, w.SrcIP, m.AddrFamily)
	if m.AddrFamily != 0 && w.DstIP == [16]byte{} && w.SrcIP == [16]byte{} {
		add(true, "dst_ip %s/0", addrText([16]byte{}, m.AddrFamily))
	}
	portWords(add, "dst_port", k.DstPort, w.DstPort, m.DstPorts)
	portWords(add, "src_port", k.SrcPort, w.SrcPort, m.SrcPorts)
	add(w.TCPFlags != 0, "tcp_flags 0x%x/0x%x", k.TCPFlags, w.TCPFlags)
	add(w.ICMPType != 0, "type %d/%d", k.ICMPType, w.ICMPType)
	add(w.ICMPCode != 0, "code %d/%d", k.ICMPCode, w.ICMPCode)
	add(w.L2TPv3SID != 0, "l2tpv3_sid %d", k.L2TPv3SID)
	add(w.SPI != 0, "spi 0x%x", k.SPI)
	arp := func(name string, a, mask [4]byte) {
		var x, y [16]byte
		copy(x[:], a[:])
		copy(y[:], mask[:])
		ipWords(add, name, x, y, 4)
	}
	arp("arp_sip", k.ARPSIP, w.ARPSIP)
	arp("arp_tip", k.ARPTIP, w.ARPTIP)
	add(w.ARPOp != 0, "arp_op %d/%d", k.ARPOp, w.ARPOp)
	macWords(add, "arp_sha", k.ARPSHA, w.ARPSHA)
	macWords(add, "arp_tha", k.ARPTHA, w.ARPTHA)
	ipWords(add, "enc_dst_ip", k.EncDstIP, w.EncDstIP, m.EncAddrFamily)
	ipWords(add, "enc_src_ip", k.EncSrcIP, w.EncSrcIP, m.EncAddrFamily)
	if m.EncAddrFamily != 0 && w.EncDstIP == [16]byte{} && w.EncSrcIP == [16]byte{} {
		add(true, "enc_dst_ip %s/0", addrText([16]byte{}, m.EncAddrFamily))
	}
	add(w.EncKeyID != 0, "enc_key_id %d", k.EncKeyID)
	add(w.EncDstPort != 0, "enc_dst_port %d", k.EncDstPort)
	add(w.EncTOS != 0, "enc_tos %d/%x", k.EncTOS, w.EncTOS)
	add(w.EncTTL != 0, "enc_ttl %d/%x", k.EncTTL, w.EncTTL)
	if m.EncOptsKind != "" {
		add(true, "%s_opts %s", m.EncOptsKind, encOptsText(m.EncOptsKind, m.EncOpts, m.EncOptsMask))
	}
	flagWords(add, "ip_flags", k.IPFlags, w.IPFlags, ipFlagNames)
	flagWords(add, "enc_flags", k.EncFlags, w.EncFlags, encFlagNames)
	add(w.L2Miss != 0, "l2_miss %d", k.L2Miss)
	add(w.CTState != 0, "ct_state %s", ctStateText(k.CTState, w.CTState))
	add(w.CTZone != 0, "ct_zone %d/0x%x", k.CTZone, w.CTZone)
	add(w.CTMark != 0, "ct_mark 0x%x/0x%x", k.CTMark, w.CTMark)
	add(w.CTLabel != [16]byte{}, "ct_label %x/%x", k.CTLabel, w.CTLabel)
	if w.CFM != 0 {
		add(true, "cfm")
		add(w.CFM>>8 != 0, "mdl %d", k.CFM>>8)
		add(w.CFM&0xff != 0, "op %d", k.CFM&0xff)
	}
	return b.String()
}

type addFunc func(on bool, format string, args ...any)

func macWords(add addFunc, name string, a, mask [6]byte) {
	add(mask != [6]byte{}, "%s %s/%s", name, macText(a), macText(mask))
}

func ipWords(add addFunc, name string, a, mask [16]byte, family uint8) {
	n := 16
	if family == 4 {
		n = 4
	}
	bits, _ := prefixBits(mask[:n])
	add(bits > 0, "%s %s/%d", name, addrText(a, family), bits)
}

func portWords(add addFunc, name string, v, mask uint16, r policy.PortRange) {
	add(mask != 0, "%s %d/0x%x", name, v, mask)
	add(r != policy.PortRange{}, "%s %d-%d", name, r.Min, r.Max)
}

func mplsWords(add addFunc, k, w *policy.Key) {
	add(w.LSEs != 0, "mpls")
	for i, mask := range w.MPLS {
		if w.LSEs>>i&1 == 0 {
			continue
		}
		v := k.MPLS[i]
		add(true, "lse depth %d", i+1)
		add(mask>>mplsLabelShift != 0, "label %d", v>>mplsLabelShift)
		add(mask>>mplsTCShift&mplsTCMask != 0, "tc %d", v>>mplsTCShift&mplsTCMask)
		add(mask>>mplsBOSShift&mplsBOSMask != 0, "bos %d", v>>mplsBOSShift&mplsBOSMask)
		add(mask&mplsTTLMask != 0, "ttl %d", v&mplsTTLMask)
	}
}

func flagWords(add addFunc, name string, v, mask uint8, names []struct {
	name string
	bit  uint8
}) {
	var parts []string
	for _, f := range names {
		switch {
		case mask&f.bit == 0:
		case v&f.bit != 0:
			parts = append(parts, f.name)
		default:
			parts = append(parts, "no"+f.name)
		}
	}
	add(len(parts) > 0, "%s %s", name, strings.Join(parts, "/"))
}

// Explain reads a fragment of a command as the papers print them, with parts
// left out: matches, actions, or both, such as `tc … action ct ct_zone 7
// commit`. It gives what tc's language has for it, and the notes on the way.
func Explain(fragment string) (modern string, notes []Note, err error) {
	words, e := split(fragment, 1)
	if e != nil {
		return "", nil, e
	}
	words = slices.DeleteFunc(words, func(w word) bool {
		t := strings.TrimPrefix(w.text, "tc")
		return strings.Trim(t, ".…") == ""
	})
	// An action alone, as the documentation's table has them: what begins with
	// ct is the action, and no abbreviation of ct_state.
	alone := len(words) > 0 && (slices.Contains(actionKinds, words[0].text) || words[0].text == "mirrored" || isControl(words[0].text))
	if alone {
		words = slices.Insert(words, 0, word{text: "action", line: words[0].line, col: words[0].col})
	}
	s := &Session{Policy: &policy.Policy{}, quiet: true}
	f := &policy.Filter{}
	parse := func() (err *Error) {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case *Error:
				err = r
			default:
				panic(r)
			}
		}()
		c := &cursor{s: s, words: words, code: 1}
		if c.text() == "flower" {
			c.skip()
		}
		s.flower(c, &head{rule: policy.Rule{Protocol: etherIP}}, f)
		return nil
	}
	if e := parse(); e != nil {
		return "", s.Notes, e
	}
	fm := &formatter{seen: map[*policy.Action]bool{}}
	modern = strings.TrimSpace(fm.filter(&policy.Proto{Kind: "flower"}, f))
	if alone {
		modern = strings.TrimPrefix(modern, "action ")
	}
	slices.SortStableFunc(s.Notes, func(a, b Note) int { return cmp.Compare(a.Col, b.Col) })
	return modern, s.Notes, nil
}
