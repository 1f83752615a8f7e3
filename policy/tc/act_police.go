package tc

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/policy"
)

const policeUsage = "Usage: ... police [ rate BPS burst BYTES[/BYTES] ] [ pkts_rate RATE pkts_burst PACKETS ] [ mtu BYTES[/BYTES] ] " +
	"[ peakrate BPS ] [ avrate BPS ] [ overhead BYTES ] [ linklayer TYPE ] [ CONTROL ]"

const policeWords = "rate, burst, mtu, peakrate, pkts_rate, pkts_burst, mpu, overhead, linklayer, conform-exceed, index or a control"

// police reads a police action (iproute2 tc/m_police.c).
func (c *cursor) police() *policy.Action {
	s := &policy.Police{CellLog: -1, PeakCellLog: -1, Conform: policy.OK}
	a := &policy.Action{Kind: "police", Police: s, Control: policy.Reclassify}
	c.arg(policeWords)
	any := false
loop:
	for c.more() {
		w := c.text()
		switch {
		case c.is("index"):
			n, ok := u32(c.arg("a number"), 10)
			if !ok {
				c.wrong("index", "a number of 32 bits")
			}
			a.Index = n
		case c.is("burst"), w == "buffer", w == "maxburst":
			size, cell := c.sizeAndCell("buffer/burst", "buffer", s.Burst != 0)
			s.Burst, s.CellLog = size, cell
		case w == "mtu", w == "minburst":
			size, cell := c.sizeAndCell("mtu/minburst", "mtu", s.MTU != 0)
			s.MTU, s.PeakCellLog = size, cell
		case w == "mpu": // a size, of which struct tc_ratespec has 16 bits
			v, ok := byteSize(c.arg("bytes"))
			if !ok {
				c.wrong("mpu", "a size in bytes")
			}
			s.MPU = uint16(v)
		case w == "rate":
			s.Rate = c.rate("rate", s.Rate)
		case w == "avrate":
			s.AvRate = c.rate("avrate", s.AvRate)
		case c.is("peakrate"):
			s.Peak = c.rate("peakrate", s.Peak)
		case c.is("pkts_rate"):
			s.PktRate = c.packets("pkts_rate", s.PktRate)
		case c.is("pkts_burst"):
			s.PktBurst = c.packets("pkts_burst", s.PktBurst)
		case policeControl(w):
			a.Control, a.ControlArg, _ = c.policeControl()
			any = true
			continue
		case w == "conform-exceed":
			c.conformExceed(a)
			any = true
			continue
		case c.is("overhead"):
			s.Overhead = c.bytes16("overhead")
		case c.is("linklayer"):
			c.arg("ethernet, atm or adsl")
			switch {
			case c.is("ethernet"):
				s.ATM = false
			case c.is("atm", "adsl"):
				s.ATM = true
			default:
				c.wrong("linklayer", "ethernet, atm or adsl")
			}
		case w == "help":
			c.usage(policeUsage, policeWords)
		default:
			break loop
		}
		any = true
		c.skip()
	}
	if !any {
		c.fail(badParsing, policeWords)
	}
	switch {
	case s.Rate == 0 && s.AvRate == 0 && s.MTU == 0 && s.PktRate == 0 && a.Index == 0:
		c.fail("'rate' or 'avrate' or 'mtu' or 'pkts_rate' MUST be specified.", policeWords)
	case s.Rate != 0 && s.AvRate != 0: // iproute2 says no more
		c.fail(badParsing, "a rate without avrate: nothing here estimates rates")
	case s.Rate != 0 && s.Burst == 0:
		c.fail("'burst' requires 'rate'.", "burst BYTES")
	case s.PktRate != 0 && s.PktBurst == 0:
		c.fail("'pkts_burst' requires 'pkts_rate'.", "pkts_burst PACKETS")
	case s.PktRate != 0 && s.Rate != 0:
		c.fail("'rate' and 'pkts_rate' are not allowed in same action.", "one of them")
	case s.Peak != 0 && s.Rate == 0:
		c.fail("'peakrate' requires 'rate'.", "rate BPS")
	case s.Peak != 0 && s.MTU == 0:
		c.fail("'mtu' is required, if 'peakrate' is requested.", "mtu BYTES")
	}
	if s.Rate == 0 { // a burst without a rate means nothing
		s.Burst, s.CellLog, s.PeakCellLog = 0, -1, -1
	}
	return a
}

// policeControl reports whether police takes a word for a control: not every
// control there is.
func policeControl(w string) bool {
	for _, k := range []string{"reclassify", "drop", "shot", "continue", "pass", "ok", "pipe", "goto"} {
		if matches(w, k) {
			return true
		}
	}
	return false
}

// policeControl reads a control whose mistakes police reports as its own.
func (c *cursor) policeControl() (ctl policy.Control, arg uint32, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(*Error); ok && e.Msg != incomplete {
				e.code, e.final = 1, false
			}
			panic(r)
		}
	}()
	return c.control()
}

// conformExceed reads EXCEED[/CONFORM], controls by name or number (tc_util.c
// parse_action_control_slash). In one word goto and jump have no argument; with
// spaces around the slash they have.
func (c *cursor) conformExceed(a *policy.Action) {
	s := c.arg("EXCEED[/CONFORM], two controls")
	exceed, conform, has := strings.Cut(s, "/")
	if !has {
		a.Control, a.ControlArg = c.numberedControl(a)
		if c.text() == "/" {
			c.arg("a control")
			a.Police.Conform, a.Police.ConformArg = c.numberedControl(a)
		}
		return
	}
	word := func(w string) (policy.Control, uint32) {
		for _, n := range controlNames {
			if matches(w, n.name) {
				return n.control, 0
			}
		}
		n, ok := controlNumber(w)
		if !ok {
			c.fail(badParsing, controlWords)
		}
		return c.numbered(n)
	}
	a.Control, a.ControlArg = word(exceed)
	a.Police.Conform, a.Police.ConformArg = word(conform)
	c.skip()
}

// numberedControl reads a control, by name or number.
func (c *cursor) numberedControl(a *policy.Action) (policy.Control, uint32) {
	if ctl, arg, ok := c.policeControl(); ok {
		return ctl, arg
	}
	n, ok := controlNumber(c.text())
	if !ok {
		c.fail("Bad action type "+c.text(), controlWords)
	}
	switch n { // the bare kinds of what has an argument take one
	case tcActGoto:
		c.words = slices.Clone(c.words)
		c.words[c.i].text = "goto"
	case tcActJump:
		c.words = slices.Clone(c.words)
		c.words[c.i].text = "jump"
	default:
		ctl, arg := c.numbered(n)
		c.skip()
		return ctl, arg
	}
	ctl, arg, _ := c.policeControl()
	return ctl, arg
}

// TC_ACT_GOTO_CHAIN and TC_ACT_JUMP; the low 28 bits are the argument
// (include/uapi/linux/pkt_cls.h).
const (
	tcActJump = 0x10000000
	tcActGoto = 0x20000000
	tcActArg  = 0x0fffffff
)

// controlNumber reads a control's number as sscanf's %d does: decimal, cut to
// 32 bits.
func controlNumber(s string) (int32, bool) {
	v, ok := number(strings.TrimLeft(s, " \t"), 10, math.MaxUint64)
	if !ok && len(s) > 18 && strings.Trim(strings.TrimLeft(s, "+-"), "0123456789") == "" {
		return -1, true
	}
	return int32(v), ok
}

// numbered gives the control of a number. The kernel takes those from 0 to 8
// and what goto and jump make (act_api.c tcf_action_check_ctrlact).
func (c *cursor) numbered(n int32) (policy.Control, uint32) {
	for i, ctl := range controlsByNumber {
		if int(n) == i-1 {
			if ctl == noControl {
				c.fail(fmt.Sprintf("the control %d is not part of this program", n), controlWords)
			}
			return ctl, 0
		}
	}
	switch n &^ tcActArg {
	case tcActJump:
		return policy.Jump, uint32(n) & tcActArg
	case tcActGoto:
		return policy.GotoChain, uint32(n) & tcActArg
	}
	c.kernel(c.i, &policy.Error{Errno: policy.EINVAL, Msg: "invalid control action"}, talking, c.exitCode())
	return 0, 0
}

// controlsByNumber are the controls from TC_ACT_UNSPEC (-1) to TC_ACT_TRAP (8).
// Of TC_ACT_REPEAT and TC_ACT_REDIRECT no action of this program has a use.
var controlsByNumber = [...]policy.Control{
	policy.Continue, policy.OK, policy.Reclassify, policy.Shot, policy.Pipe, policy.Stolen, policy.Stolen, noControl, noControl, policy.Trap,
}

const noControl policy.Control = 0xff

// rate reads a rate in bytes a second, 0 being as good as none.
func (c *cursor) rate(name string, old uint64) uint64 {
	s := c.arg("a rate")
	if old != 0 {
		c.twice(name)
	}
	v, ok := bitRate(s)
	if !ok {
		c.wrong(name, "a number with a unit such as bit, kbit, mbit, gbit or bps, kbps, mbps")
	}
	return v
}

func (c *cursor) packets(name string, old uint64) uint64 {
	s := c.arg("a number")
	if old != 0 {
		c.twice(name)
	}
	v, ok := number(s, 10, math.MaxUint64)
	if !ok {
		c.wrong(name, "a number")
	}
	return v
}

func (c *cursor) bytes16(name string) uint16 {
	v, ok := u16(c.arg("bytes"), 10)
	if !ok {
		c.wrong(name, "a number from 0 to 65535")
	}
	return v
}

// sizeAndCell reads SIZE[/CELL].
func (c *cursor) sizeAndCell(dup, name string, again bool) (uint32, int8) {
	const want = "a size with a unit such as b, k, m or kbit; behind a slash a cell of 1, 2, 4, … bytes"
	s := c.arg(want)
	if again {
		c.twice(dup)
	}
	size, cell, has := strings.Cut(s, "/")
	cut := func() { // iproute2 has cut the word by then
		c.words = slices.Clone(c.words)
		c.words[c.i].text = size
	}
	v, ok := byteSize(size)
	if !ok {
		cut()
		c.wrong(name, want)
	}
	if !has {
		return v, -1
	}
	n, isNumber := number(cell, 0, math.MaxUint64)
	if !isNumber || n > math.MaxInt32 && -n > 1<<31 {
		cut()
		c.wrong(name, want)
	}
	for i := range 31 {
		if n == 1<<i {
			return v, int8(i)
		}
	}
	c.wrong(name, want)
	return 0, 0
}

// bitRate is iproute2's get_rate64.
func bitRate(s string) (uint64, bool) {
	v, unit, ok := floating(s)
	if !ok {
		return 0, false
	}
	scale := 0.0
	for _, u := range rateUnits {
		if strings.EqualFold(u.name, unit) {
			scale = u.scale
		}
	}
	if v = v * scale / 8; scale == 0 || v <= -1 || v >= math.MaxUint64 {
		return 0, false
	}
	return uint64(max(v, 0)), true
}

var rateUnits = []struct {
	name  string
	scale float64 // bits a second
}{
	{"", 1}, {"bit", 1}, {"kibit", 1 << 10}, {"kbit", 1e3}, {"mibit", 1 << 20}, {"mbit", 1e6},
	{"gibit", 1 << 30}, {"gbit", 1e9}, {"tibit", 1 << 40}, {"tbit", 1e12},
	{"bps", 8}, {"kibps", 8 << 10}, {"kbps", 8e3}, {"mibps", 8 << 20}, {"mbps", 8e6},
	{"gibps", 8 << 30}, {"gbps", 8e9}, {"tibps", 8 << 40}, {"tbps", 8e12},
}

// byteSize is iproute2's get_size.
func byteSize(s string) (uint32, bool) {
	v, unit, ok := floating(s)
	if !ok {
		return 0, false
	}
	switch strings.ToLower(unit) {
	case "", "b":
	case "kb", "k":
		v *= 1 << 10
	case "gb", "g":
		v *= 1 << 30
	case "mb", "m":
		v *= 1 << 20
	case "kbit":
		v *= 1 << 10 / 8
	case "gbit":
		v *= 1 << 30 / 8
	case "mbit":
		v *= 1 << 20 / 8
	default:
		return 0, false
	}
	if v < 0 || v > math.MaxUint32 {
		return 0, false
	}
	return uint32(v), true
}

// floatForm is what C's strtod reads, but for words that are no number.
var floatForm = regexp.MustCompile(`^[ \t]*[+-]?(?:0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)(?:[pP][+-]?[0-9]+)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)`)

// floating splits a word into a number and its unit, as strtod does. Infinity
// and what is no number are refused: C has no rule for what they come to.
func floating(s string) (v float64, unit string, ok bool) {
	n := floatForm.FindString(s)
	digits := strings.ToLower(strings.TrimLeft(n, " \t"))
	if strings.Contains(digits, "0x") && !strings.Contains(digits, "p") {
		digits += "p0" // Go wants an exponent there
	}
	v, err := strconv.ParseFloat(digits, 64)
	return v, s[len(n):], err == nil
}

func (p *printer) police(a *policy.Action) {
	s := a.Police
	p.jsonStr("kind", "police")
	p.textf(" police 0x%x ", a.Index)
	p.jsonUint("index", uint64(a.Index))
	p.textf("rate %s ", rateText(s.Rate))
	p.textf("burst %s ", sizeText(policy.FromTicks(s.Rate, policy.Ticks(s.Rate, uint64(s.Burst)))))
	p.textf("mtu %s ", sizeText(uint64(s.Limit())))
	if s.Peak != 0 {
		p.textf("peakrate %s ", rateText(s.Peak))
	}
	if s.PktRate != 0 {
		p.uint("pkts_rate", "pkts_rate %d ", s.PktRate)
		p.uint("pkts_burst", "pkts_burst %d ", policy.FromTicks(s.PktRate, policy.Ticks(s.PktRate, s.PktBurst)))
	}
	p.control("action ", a.Control, a.ControlArg, "")
	if s.Conform != policy.OK {
		p.control("/", s.Conform, s.ConformArg, " ")
	} else {
		p.textf(" ")
	}
	if p.o.json {
		p.uint("overhead", "", uint64(s.Overhead))
	} else {
		p.textf("overhead %s ", sizeText(uint64(s.Overhead)))
	}
	if s.ATM {
		p.str("linklayer", "linklayer %s ", "atm")
	}
	p.nl()
}

// rateText is iproute2's tc_print_rate: bits a second in the largest unit that
// keeps three digits.
func rateText(rate uint64) string {
	rate *= 8
	units := []string{"", "K", "M", "G", "T"}
	i := 0
	for ; i < len(units)-1 && rate >= 1000; i++ {
		if rate%1000 != 0 && rate < 1000*1000 {
			break
		}
		rate /= 1000
	}
	return fmt.Sprintf("%d%sbit", rate, units[i])
}

// sizeText is iproute2's print_size.
func sizeText(n uint64) string {
	v := float64(n)
	near := func(unit, slack float64) (float64, bool) {
		m := math.RoundToEven(v / unit)
		return m, v >= unit && math.Abs(unit*m-v) < slack
	}
	if m, ok := near(1<<20, 1024); ok {
		return fmt.Sprintf("%gMb", m)
	}
	if m, ok := near(1<<10, 16); ok {
		return fmt.Sprintf("%gKb", m)
	}
	return fmt.Sprintf("%db", n)
}

func policeWordsOf(s *policy.Police, exceed policy.Control) string {
	var b strings.Builder
	size := func(name string, v uint32, cell int8) {
		if v == 0 {
			return
		}
		fmt.Fprintf(&b, " %s %d", name, v)
		if cell >= 0 {
			fmt.Fprintf(&b, "/%d", 1<<cell)
		}
	}
	if s.Rate != 0 {
		fmt.Fprintf(&b, " rate %dbps", s.Rate)
	}
	size("burst", s.Burst, s.CellLog)
	size("mtu", s.MTU, s.PeakCellLog)
	if s.Peak != 0 {
		fmt.Fprintf(&b, " peakrate %dbps", s.Peak)
	}
	if s.PktRate != 0 {
		fmt.Fprintf(&b, " pkts_rate %d pkts_burst %d", s.PktRate, s.PktBurst)
	}
	if s.MPU != 0 {
		fmt.Fprintf(&b, " mpu %d", s.MPU)
	}
	if s.Overhead != 0 {
		fmt.Fprintf(&b, " overhead %d", s.Overhead)
	}
	if s.ATM {
		b.WriteString(" linklayer atm")
	}
	fmt.Fprintf(&b, " conform-exceed %s/%s", controlWord(exceed), controlWord(s.Conform))
	return b.String()
}
