package conform

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sluice/packet"
)

// Where the kernel chose a port or an ICMP identifier at random, an answer may
// have another, if it lies in the range, is no other connection's, and is
// kept. Expectations are put into the answer's terms before the two are
// compared, and frames that were recorded on their way to such a port are sent
// to ours.

const (
	freePort = "nat port" // of any protocol, identifiers included
	freeID   = "nat id"   // an ICMP identifier
)

// choosesFreely reports whether the kernel chose something at random.
func choosesFreely(free []string) bool {
	return slices.Contains(free, freePort) || slices.Contains(free, freeID)
}

func isICMP(proto uint8) bool { return proto == packet.ProtoICMP || proto == packet.ProtoICMPv6 }

// chosen is a connection's reply as recorded and as answered, which differ in
// the port alone.
type chosen struct{ orig, want, got packet.Tuple }

// tupleOf reads an entry's tuple; false when it is not there.
func tupleOf(v any) (t packet.Tuple, ok bool) {
	var j struct {
		Src, Dst     netip.Addr
		Proto        uint8
		SPort, DPort uint16
		ID           uint16
		Type, Code   uint8
	}
	if v == nil || json.Unmarshal([]byte(canonical(v)), &j) != nil || !j.Src.IsValid() || !j.Dst.IsValid() {
		return t, false
	}
	t = packet.Tuple{Src: packet.AddrFrom(j.Src), Dst: packet.AddrFrom(j.Dst), Proto: j.Proto, Family: packet.IPv4, SPort: j.SPort, DPort: j.DPort}
	if j.Src.Is6() {
		t.Family = packet.IPv6
	}
	if isICMP(j.Proto) {
		t.SPort, t.DPort = j.ID, uint16(j.Type)<<8|uint16(j.Code)
	}
	return t, true
}

// choices pairs recorded and answered connections by their original tuple,
// where what differs was free.
func choices(want, got []Entry, free []string) (out []chosen) {
	ports := slices.Contains(free, freePort)
	for _, w := range want {
		orig, ok1 := tupleOf(w["orig"])
		reply, ok2 := tupleOf(w["reply"])
		if !ok1 || !ok2 || !ports && !isICMP(orig.Proto) {
			continue
		}
		for _, g := range got {
			if canonical(g["orig"]) != canonical(w["orig"]) || canonical(g["zone"]) != canonical(w["zone"]) {
				continue
			}
			if ours, ok := tupleOf(g["reply"]); ok && ours != reply {
				out = append(out, chosen{orig, reply, ours})
			}
		}
	}
	return out
}

// port is where a reply's tuple has what was chosen.
func port(t *packet.Tuple) *uint16 {
	if isICMP(t.Proto) {
		return &t.SPort
	}
	return &t.DPort
}

var portWord = regexp.MustCompile(`\bnat src addr \S+ port (\d+)(?:-(\d+))?`)

// allowed reports whether a policy could have chosen a port, or, of ICMP, an
// identifier: without a range any will do (nf_nat_core.c
// nf_nat_l4proto_unique_tuple), whereas ports stay in their class.
func allowed(policy []string, proto uint8, from, p uint16) bool {
	m := portWord.FindAllStringSubmatch(strings.Join(policy, "\n"), -1)
	for _, r := range m {
		lo, _ := strconv.ParseUint(r[1], 10, 16)
		hi := lo
		if r[2] != "" {
			hi, _ = strconv.ParseUint(r[2], 10, 16)
		}
		if uint64(p) >= lo && uint64(p) <= hi {
			return true
		}
	}
	if m != nil {
		return false
	}
	if isICMP(proto) {
		return true
	}
	class := func(p uint16) int {
		switch {
		case p < 512:
			return 0
		case p < 1024:
			return 1
		}
		return 2
	}
	return class(from) == class(p)
}

// inTermsOf puts a recorded case into the terms of an answer's free choices.
// It returns a complaint when a choice was not free.
func inTermsOf(want, got *Case) (*Case, string) {
	if !choosesFreely(want.Free) || len(want.Steps) != len(got.Steps) {
		return want, ""
	}
	var all []chosen
	lastWant, lastGot := []Entry{}, []Entry{}
	for i := range want.Steps {
		if t := want.Steps[i].Conntrack; t != nil {
			lastWant = *t
		}
		if t := got.Steps[i].Conntrack; t != nil {
			lastGot = *t
		}
		for _, c := range choices(lastWant, lastGot, want.Free) {
			same := c.want
			*port(&same) = *port(&c.got)
			if same != c.got {
				return want, fmt.Sprintf("step %d: reply of %v is %v, expected %v but for the port", i, c.orig, c.got, c.want)
			}
			if !allowed(want.Policy, c.orig.Proto, c.orig.SPort, *port(&c.got)) {
				return want, fmt.Sprintf("step %d: port %d of %v is out of range", i, *port(&c.got), c.got)
			}
			known := false
			for _, k := range all {
				if k.orig == c.orig && k.want == c.want {
					if known = true; k.got != c.got {
						return want, fmt.Sprintf("step %d: %v was not kept: %v", i, k.got, c.got)
					}
				} else if k.got == c.got {
					return want, fmt.Sprintf("step %d: %v belongs to two connections", i, c.got)
				}
			}
			if !known {
				all = append(all, c)
			}
		}
	}
	out := *want
	out.Steps = slices.Clone(want.Steps)
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Out = slices.Clone(s.Out)
		for j := range s.Out {
			s.Out[j].Frame = leaving(s.Out[j].Frame, all)
		}
		if s.Conntrack != nil {
			t := entries(*s.Conntrack, all)
			s.Conntrack = &t
		}
	}
	out.Conntrack = entries(want.Conntrack, all)
	out.Proc = slices.Clone(want.Proc)
	for i, line := range out.Proc {
		for _, c := range all {
			out.Proc[i] = procLine(line, c, out.Proc[i])
		}
	}
	return &out, ""
}

func entries(t []Entry, all []chosen) []Entry {
	out := slices.Clone(t)
	for i, e := range out {
		reply, _ := tupleOf(e["reply"])
		orig, _ := tupleOf(e["orig"])
		for _, c := range all {
			if c.orig == orig && c.want == reply {
				n := Entry{}
				for k, v := range e {
					n[k] = v
				}
				n["reply"] = tuple(&c.got)
				out[i] = n
			}
		}
	}
	return out
}

// procLine changes the second tuple of a connection's line, which has IPv6
// addresses in full.
func procLine(line string, c chosen, now string) string {
	ends := func(t *packet.Tuple) string {
		if isICMP(t.Proto) {
			return fmt.Sprintf("src=%s dst=%s type=%d code=%d id=%d ", t.Src.Netip(t.Family).StringExpanded(), t.Dst.Netip(t.Family).StringExpanded(), t.DPort>>8, t.DPort&0xff, t.SPort)
		}
		return fmt.Sprintf("src=%s dst=%s sport=%d dport=%d ", t.Src.Netip(t.Family).StringExpanded(), t.Dst.Netip(t.Family).StringExpanded(), t.SPort, t.DPort)
	}
	if strings.Contains(line, ends(&c.orig)) {
		return strings.Replace(now, ends(&c.want), ends(&c.got), 1)
	}
	return now
}

// leaving gives a recorded frame the source port that we chose.
func leaving(frame string, all []chosen) string {
	return rewritten(frame, func(t *packet.Tuple) (int, uint16, bool) {
		for _, c := range all {
			if t.Src == c.want.Dst && t.Dst == c.want.Src && t.Proto == c.want.Proto && t.SPort == *port(&c.want) {
				return packet.Source, *port(&c.got), true
			}
		}
		return 0, 0, false
	})
}

// arriving gives a recorded frame the destination port that we chose.
func arriving(frame string, all []chosen) string {
	return rewritten(frame, func(t *packet.Tuple) (int, uint16, bool) {
		for _, c := range all {
			if *t == c.want {
				return packet.Dest, *port(&c.got), true
			}
		}
		return 0, 0, false
	})
}

func rewritten(frame string, find func(*packet.Tuple) (side int, port uint16, ok bool)) string {
	b, err := hex.DecodeString(frame)
	if err != nil {
		return frame
	}
	var h packet.Headers
	packet.Parse(b, &h)
	side, p, ok := find(&h.Tuple)
	if !ok {
		return frame
	}
	addr := h.Tuple.Src
	if side == packet.Dest {
		addr = h.Tuple.Dst
	}
	packet.Rewrite(b, &h, side, &addr, p)
	return hex.EncodeToString(b)
}
