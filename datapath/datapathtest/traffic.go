package datapathtest

import (
	"bytes"
	"fmt"
	"strings"

	"pgregory.net/rapid"

	"sluice/conntrack"
	"sluice/packet"
	"sluice/packet/packettest"
)

// Peer is one end of a conversation as the frames on its side show it.
type talk struct {
	client, server string
	cport, sport   uint16
	udp            bool
	seq            [2]uint32
	// As the server sees the client, once something has reached it.
	seen packet.Tuple
	got  []byte // by the server, last
}

// Traffic draws conversations of a client behind `uplink_rep` with a server
// behind `vf0_rep` and lets the rig judge them one packet after the other, so
// that answers go to where the client appears to be. It returns the inputs, to
// be judged again by another.
func Traffic(rt *rapid.T, r *Rig, t *Transcript, wrap func(frame []byte) []byte) (in []Input) {
	talks := make([]talk, rapid.IntRange(1, 4).Draw(rt, "conversations"))
	for i := range talks {
		talks[i] = talk{
			client: Client, server: Server, cport: uint16(1000 + i), sport: 80, seq: [2]uint32{1000, 5000},
			udp: rapid.IntRange(0, 3).Draw(rt, "udp") == 0,
		}
		if rapid.IntRange(0, 4).Draw(rt, "v6") == 0 {
			talks[i].client, talks[i].server = "fd00::1", "fd00::2"
		}
		if i > 0 && rapid.IntRange(0, 4).Draw(rt, "same") == 0 {
			talks[i].client, talks[i].cport = "10.0.0.7", talks[0].cport // their translations collide
			talks[i].server = Server
		}
		if rapid.IntRange(0, 7).Draw(rt, "with itself") == 0 {
			talks[i].server, talks[i].sport = talks[i].client, talks[i].cport
		}
	}
	at, id := r.Now+1e9, uint32(0)
	step := func(c *talk, side int, flags string) {
		at += rapid.SampledFrom([]int64{1000, 1e6, 0, 0, 1e6, 20e6, 2100e6, 31e9, 0, 0, 0}).Draw(rt, "gap")
		f := c.frame(rt, side, flags)
		dev := "uplink_rep"
		if side == 1 {
			dev = "vf0_rep"
		}
		frames := [][]byte{f}
		if rapid.IntRange(0, 14).Draw(rt, "in pieces") == 7 && len(f) > 40 && !vlan(f) {
			id++
			frames = packettest.Fragments(f, id, 8, 16, 8)
			frames = rapid.Permutation(frames).Draw(rt, "order")[:max(1, len(frames)-rapid.IntRange(0, 1).Draw(rt, "lost"))]
		}
		for _, f := range frames {
			if wrap != nil && side == 0 {
				f = wrap(f)
			}
			p := Input{Dev: dev, Frame: f, At: at}
			in = append(in, p)
			res := t.Send(r, p)
			for _, tx := range res.Tx {
				if tu := Tuple(tx.Frame); side == 0 && !tx.Up && !tx.Mirror && tu.Family != packet.FamilyNone {
					c.seen, c.got = tu, bytes.Clone(tx.Frame)
				}
			}
		}
	}
	for i := range talks {
		if c := &talks[i]; !c.udp && rapid.IntRange(0, 5).Draw(rt, "handshake") > 0 {
			step(c, 0, "S")
			step(c, 1, "SA")
			step(c, 0, "A")
		}
	}
	for range rapid.IntRange(1, 120).Draw(rt, "packets") {
		if p := happening(rt); p.Do != nil || p.Restart {
			at += 1000
			p.At = at
			in = append(in, p)
			t.Send(r, p)
			continue
		}
		c := &talks[rapid.IntRange(0, len(talks)-1).Draw(rt, "who")]
		flags := rapid.SampledFrom([]string{"A", "A", "A", "PA", "PA", "PA", "PA", "PA", "PA", "PA", "PA", "S", "FA", "R", "A", "PA", "A", "PA", "PA", "PA"}).Draw(rt, "flags")
		step(c, rapid.IntRange(0, 1).Draw(rt, "side"), flags)
	}
	return in
}

// drawChange draws a command that changes a policy of Policy, and what becomes of
// the connections that it cuts.
func drawChange(rt *rapid.T) (mode, line string) {
	mode = rapid.SampledFrom([]string{"recheck", "keep", "kill", "dry-run", "recheck"}).Draw(rt, "mode")
	place := rapid.SampledFrom([]string{"vf0_rep ingress prio 1 chain 3", "vf0_rep ingress prio 90 chain 3", "uplink_rep ingress prio 1 chain 1", "uplink_rep ingress prio 90 chain 2", "vf0_rep ingress prio 1 chain 0"}).Draw(rt, "place")
	// Filters keep their mask, so each has a handle of its own.
	match := rapid.SampledFrom([]string{"0x71 ct_state +trk+est ip_proto udp", "0x72 ct_state +trk+est-rpl", "0x73 ct_state +trk+est+rpl", "0x74 ct_state +trk+est dst_ip 10.0.0.2", "0x75 ip_proto tcp ct_state +trk+est ct_mark 7"}).Draw(rt, "change")
	if strings.HasSuffix(place, "chain 0") {
		match = "0x76 ip_proto udp src_port 80"
	}
	handle, match, _ := strings.Cut(match, " ")
	then := rapid.SampledFrom([]string{"drop", "mirred egress redirect dev tap", "mirred egress mirror dev tap pipe action continue"}).Draw(rt, "then")
	if rapid.IntRange(0, 3).Draw(rt, "nothing") == 3 {
		return mode, "filter show dev vf0_rep ingress"
	}
	return mode, fmt.Sprintf("filter replace dev %s handle %s proto ip flower %s action %s", place, handle, match, then)
}

// happening draws something that an administrator does; none of it: nothing.
func happening(rt *rapid.T) Input {
	each := func(r *Rig, do func(packet.ConnRef, *conntrack.Conn)) {
		tr := r.E.Tracker()
		var refs []packet.ConnRef
		for ref := range tr.All(r.Now) {
			refs = append(refs, ref)
		}
		for _, ref := range refs {
			if c := tr.Conn(ref); c != nil {
				do(ref, c)
			}
		}
	}
	port := rapid.Uint16Range(1000, 1003).Draw(rt, "whose")
	switch rapid.IntRange(0, 119).Draw(rt, "happening") - 60 {
	case 0: // conntrack -F
		return Input{Do: func(r *Rig) { r.E.Tracker().Flush() }}
	case 1: // conntrack -D
		return Input{Do: func(r *Rig) {
			each(r, func(ref packet.ConnRef, c *conntrack.Conn) {
				if c.Orig.SPort == port {
					r.E.Tracker().Kill(ref)
				}
			})
		}}
	case 2: // conntrack -U
		return Input{Do: func(r *Rig) {
			each(r, func(ref packet.ConnRef, c *conntrack.Conn) {
				if c.Orig.SPort == port {
					r.E.Tracker().SetMark(ref, 7, 0xff)
					r.E.Tracker().Tell(r.Now, ref) // as ctnetlink does
				}
			})
		}}
	case 3, 4, 5, 6, 7: // another policy
		mode, line := drawChange(rt)
		return Input{Do: func(r *Rig) { r.Reload(mode, line) }}
	case 8, 9, 10, 11:
		return Input{Restart: true}
	}
	return Input{}
}

func vlan(f []byte) bool { return f[12] == 0x81 && f[13] == 0 }

// frame builds a conversation's next packet.
func (c *talk) frame(rt *rapid.T, side int, flags string) []byte {
	src, dst, sp, dp := c.client, c.server, c.cport, c.sport
	if side == 1 {
		src, dst, sp, dp = dst, src, dp, sp
		if s := &c.seen; s.Family != packet.FamilyNone {
			src, dst, sp, dp = addr(s.Dst, s.Family), addr(s.Src, s.Family), s.DPort, s.SPort
		}
	}
	data := strings.Repeat("x", rapid.SampledFrom([]int{0, 1, 2, 3, 40}).Draw(rt, "data"))
	if side == 1 && len(c.got) >= 42 && c.got[12] == 8 && c.got[13] == 0 && rapid.IntRange(0, 19).Draw(rt, "complains") == 10 {
		return packettest.ICMP(src, dst, 3, 1, 0, c.got[14:42])
	}
	if c.udp {
		return odd(rt, packettest.UDP(src, dst, sp, dp, data))
	}
	skew := uint32(0)
	if strings.Contains(flags, "R") {
		// What a RST does depends on how well it hits.
		skew = rapid.SampledFrom([]uint32{0, 0, 50, 300000, 1<<32 - 200, 1<<32 - 200000, -c.seq[side]}).Draw(rt, "skew")
		flags = rapid.SampledFrom([]string{"R", "RA"}).Draw(rt, "reset")
	}
	f := packettest.TCP(src, dst, sp, dp, flags, c.seq[side]+skew, c.seq[1-side], data)
	c.seq[side] += uint32(len(data))
	if strings.ContainsAny(flags, "SF") {
		c.seq[side]++
	}
	return odd(rt, f)
}

func addr(a packet.Addr, family uint8) string { return a.Netip(family).String() }

// odd makes some frames into what a device must not judge.
func odd(rt *rapid.T, f []byte) []byte {
	v4 := f[12] == 8
	switch rapid.IntRange(0, 30).Draw(rt, "odd") {
	case 0:
		f = append(f, make([]byte, 6)...) // padding
	case 1:
		if v4 {
			f[22] = 1 // the TTL ends
		} else {
			f[21] = 1
		}
		packettest.Fix(f)
	case 2:
		f[len(f)-1] ^= 1 // a wrong checksum
	case 3:
		f = append(append(append([]byte(nil), f[:12]...), 0x81, 0, 0, 7), f[12:]...) // a tag
	case 4:
		if v4 { // an option
			f = append(append(append([]byte(nil), f[:34]...), 1, 1, 1, 0), f[34:]...)
			f[14], f[17] = 0x46, f[17]+4
			packettest.Fix(f)
		}
	case 5:
		f = f[:len(f)-1] // cut short
	case 6:
		if v4 {
			f[15] = 0x10 // another class of service
			packettest.Fix(f)
		}
	}
	return f
}

// Policy draws a policy for Traffic: up to two zones one after the other, each
// with or without translation, marks and labels, mirrors, edits, drops.
// tunnel: clients come out of VXLAN.
func Policy(rt *rapid.T, tunnel bool) []string {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, what) }
	zone := pick("zone", "", " zone 1", " zone 5")
	commit := pick("mark", "", " mark 7", " mark 0x10/0xf0", " label 01020304050607080910111213141516")
	nat := pick("nat", "", "", " nat src addr 10.0.0.77", " nat dst addr 10.0.0.2 port 8080", " nat src addr 10.0.0.70-10.0.0.71 port 2000-2003")
	second := pick("second zone", "", "", " zone 9")
	nat2 := ""
	if second != "" {
		nat2 = pick("second nat", "", " nat src addr 10.0.0.99")
	}
	bare := func(n string) string {
		if n == "" {
			return ""
		}
		return " nat"
	}
	in := "uplink_rep"
	var lines []string
	if tunnel {
		lines = append(lines,
			"ip link set dev uplink_rep address 02:00:00:00:00:0b", "ip address add 192.0.2.1/24 dev uplink_rep",
			"ip link add vxlan0 address 02:00:00:00:99:01 type vxlan external dstport 4789")
		in = "vxlan0"
	}
	mirror := pick("mirror", "", " action mirred egress mirror dev tap pipe")
	edit := pick("edit", "", "", " action vlan push id 9 pipe", " action pedit ex munge ip ttl set 9 pipe action csum ip pipe", " action skbedit mark 4 pipe")
	early := pick("early", "", "", " action pedit ex munge ip tos set 8 pipe action csum ip pipe")
	unset := ""
	if tunnel {
		unset = " action tunnel_key unset pipe"
	}
	then := " action mirred egress redirect dev vf0_rep"
	to := func(chain int) string { return fmt.Sprintf(" action goto chain %d", chain) }
	add := func(dev string, chain, prio int, match, actions string) {
		for i, proto := range []string{"ip", "ipv6"} {
			a := actions
			if proto == "ipv6" { // nothing that speaks of IPv4
				for _, v4 := range []string{nat, nat2, edit, early} {
					if strings.Contains(v4, " nat ") || strings.Contains(v4, " ip ") {
						a = strings.ReplaceAll(a, v4, "")
					}
				}
			}
			lines = append(lines, fmt.Sprintf("filter add dev %s ingress prio %d chain %d proto %s flower%s%s", dev, 2*prio+i, chain, proto, match, a))
		}
	}
	ct := " action ct" + zone + bare(nat) + " pipe"
	if pick("match", "plain", "match") == "match" && early == "" {
		add(in, 0, 1, " ip_proto tcp dst_port 22", " action drop")
	}
	add(in, 0, 2, " ct_state -trk", mirror+early+ct+to(1))
	newActions := " action ct commit" + zone + commit + nat + " pipe"
	estActions := ""
	if second != "" {
		newActions += " action ct" + second + bare(nat2) + " pipe action ct commit" + second + nat2 + " pipe"
		estActions = " action ct" + second + bare(nat2) + " pipe"
	}
	add(in, 1, 1, " ct_state +trk+new", newActions+unset+then)
	add(in, 1, 2, " ct_state +trk+est", estActions+to(2))
	add(in, 1, 3, " ct_state +trk+inv", " action drop")
	if pick("specific", "no", "yes") == "yes" && commit == " mark 7" && second == "" {
		add(in, 2, 1, " ct_state +trk+est ct_mark 7", edit+unset+then)
	} else {
		add(in, 2, 1, "", edit+unset+then)
	}
	back := ct
	if second != "" {
		back = " action ct" + second + bare(nat2) + " pipe" + ct
	}
	add("vf0_rep", 0, 1, "", back+to(3))
	answer := " action mirred egress redirect dev uplink_rep"
	if pick("answers", "all", "mark", "clear") == "clear" {
		answer = " action ct clear pipe" + answer
	}
	add("vf0_rep", 3, 1, " ct_state +trk+est+rpl", answer)
	add("vf0_rep", 3, 2, " ct_state +trk+rel", answer)
	if pick("rest", "drop", "continue") == "drop" {
		add("vf0_rep", 3, 3, "", " action drop")
	}
	return lines
}

// InTunnel wraps a client's frame for Policy's tunnel.
func InTunnel(frame []byte) []byte {
	f := packettest.VXLAN("192.0.2.2", "192.0.2.1", 50000, 5, frame)
	copy(f, "\x02\x00\x00\x00\x00\x0b")
	return f
}
