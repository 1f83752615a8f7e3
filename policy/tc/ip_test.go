package tc

import (
	"strings"
	"testing"
)

func TestIPCommands(t *testing.T) {
	const text = `ip link set dev u address 02:00:00:00:00:0b
ip address add 192.0.2.1/24 dev u
ip address add 2001:db8::1/64 dev u
ip link add vx address 02:00:00:00:99:01 type vxlan external dstport 4789 srcport 100 200 gbp udp6zerocsumrx local 192.0.2.1 dev u
ip link add gn type geneve external dstport 6081
ip link add gr type gretap external
ip link add g6 type ip6gretap external
ip route add 0.0.0.0/0 via 192.0.2.254 dev u
ip route add 2001:db8:9::/48 dev u
ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:0a dev u
`
	t.Run("survive Format", func(t *testing.T) {
		p, notes := load(t, strings.Split(strings.TrimSpace(text), "\n")...)
		if got := format(t, p); got != text || len(notes) != 0 {
			t.Errorf("notes %v, got\n%s", notes, got)
		}
	})
	t.Run("abbreviated, and with what iproute2 takes besides", func(t *testing.T) {
		p, _ := load(t, "ip l set u address 02:00:00:00:00:0b up", "ip a add 192.0.2.1/24 brd 192.0.2.255 dev u", "ip -6 a a 2001:db8::1/64 dev u nodad",
			"ip link add name vx address 02:00:00:00:99:01 mtu 1450 type vxlan dstport 4789 external nolearning srcport 100 200 gbp udp6zerocsumrx local 192.0.2.1 dev u ttl 5",
			"ip link add dev gn type geneve external", "ip link add gr type gretap external csum", "ip link add g6 type ip6gretap external hoplimit 5",
			"ip link set gn up", "ip r add default via 192.0.2.254", "ip -6 r replace 2001:db8:9::/48 dev u", "ip n replace 192.0.2.2 lladdr 02:00:00:00:00:0a dev u nud permanent")
		if got := format(t, p); got != text {
			t.Errorf("got\n%s", got)
		}
	})
	for _, c := range []struct{ line, msg, word string }{
		{"ip foo", `Object "foo" is unknown, try "ip help".`, "foo"},
		{"ip -7 link", `Option "-7" is unknown, try "ip -help".`, "-7"},
		{"ip link foo", `Command "foo" is unknown, try "ip help".`, "foo"},
		{"ip link add x", `Not enough information: "type" argument is required`, ""},
		{"ip link add x type foo", "Error: Unknown device type.", "x"},
		{"ip link add a/b type vxlan external", `Error: argument "a/b" is wrong: not a valid ifname`, "a/b"},
		{"ip link add x type vxlan", "vxlan: only external ports are part of this program", ""},
		{"ip link add x type vxlan external id 5", `vxlan: both 'external' and "id" cannot be specified`, "id"},
		{"ip link add x type vxlan external dstport z", `Error: argument "z" is wrong: port`, "z"},
		{"ip link add x type vxlan external foo", `vxlan: unknown command "foo"?`, "foo"},
		{"ip link add x type geneve external gbp", `geneve: unknown command "gbp"?`, "gbp"},
		{"ip link add x type vxlan external srcport 9 1", "RTNETLINK answers: Invalid argument", "1"},
		{"ip link add x type vxlan external local z", `Error: any valid address is expected rather than "z".`, "z"},
		{"ip link add vx type gretap external", "RTNETLINK answers: File exists", "vx"},
		{"ip link add x type vxlan external dstport 4789", "Error: A VXLAN device with the specified VNI already exists.", "x"},
		{"ip link set u address 02:00", `"02:00" is invalid lladdr.`, "02:00"},
		{"ip link set u foo", `Error: either "dev" is duplicate, or "foo" is a garbage.`, "foo"},
		{"ip addr add 192.0.2.1/33 dev u", `Error: any valid prefix is expected rather than "192.0.2.1/33".`, "192.0.2.1/33"},
		{"ip addr add 192.0.2.1/24", `Not enough information: "dev" argument is required.`, ""},
		{"ip addr add 192.0.2.1/24 dev u", "Error: Address already assigned.", "192.0.2.1/24"},
		{"ip route add 192.0.2.1/24 dev u", "Error: Invalid prefix for given prefix length.", "192.0.2.1/24"},
		{"ip route add 203.0.113.0/24 via 198.51.100.1", "Error: Nexthop has invalid gateway.", "203.0.113.0/24"},
		{"ip route add default dev u", "RTNETLINK answers: File exists", "default"},
		{"ip neigh add 192.0.2.2 dev u", "A neighbour without a MAC address says nothing here", ""},
		{"ip neigh add lladdr 02:00:00:00:00:0a dev u", "Device and destination are required arguments.", ""},
		{"ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:0a dev u", "RTNETLINK answers: File exists", "192.0.2.2"},
	} {
		t.Run(c.line, func(t *testing.T) {
			_, _, err := Load("f", strings.NewReader(strings.ReplaceAll(text, " dstport 6081", "")+c.line+"\n"))
			var e *Error
			if !as(err, &e) || e.Msg != c.msg || e.Word != c.word || e.Line != strings.Count(text, "\n")+1 || e.Col == 0 {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestTunnelKeyWords(t *testing.T) {
	for _, c := range []struct{ name, words, text string }{
		{"unset", "tunnel_key unset", "tunnel_key unset pipe index 1"},
		{"release is unset", "tunnel_key release", "tunnel_key unset pipe index 1"},
		{"everything", "tunnel_key set id 5 src_ip 10.0.0.1 dst_ip 10.0.0.2 dst_port 7 tos 0x10 ttl 3 nocsum nofrag geneve_opts 0102:80:00800022 goto chain 3 index 9",
			"tunnel_key set src_ip 10.0.0.1 dst_ip 10.0.0.2 id 5 dst_port 7 geneve_opts 0102:80:00800022 tos 0x10 ttl 3 nocsum nofrag goto chain 3 index 9"},
		{"IPv6", "tunnel_key set src_ip 2001:db8::1 dst_ip 2001:db8::2 vxlan_opts 0x10", "tunnel_key set src_ip 2001:db8::1 dst_ip 2001:db8::2 vxlan_opts 16 pipe index 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := load(t, "filter add dev d ingress pref 1 proto ip flower action "+c.words)
			if got := format(t, p); !strings.Contains(got, " action "+c.text+"\n") {
				t.Error(got)
			}
			again, _ := load(t, format(t, p))
			if a, b := format(t, p), format(t, again); a != b {
				t.Errorf("does not survive Format:\n%s\n%s", a, b)
			}
		})
	}
}
