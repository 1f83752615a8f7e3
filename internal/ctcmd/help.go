package ctcmd

const help = `Looks at, and changes, the connections of a state that sluice replay --state has
written, as conntrack(8) does with the kernel's.
Usage: sluice conntrack [commands] --state FILE [options]

Commands:
  -L [table] [options]		List connections
  -G [table] parameters		Get one connection
  -D [table] parameters		Delete connections; writes the state back
  -U [table] parameters		Set the mark of connections; writes the state back
  -E [table] [options]		Show recorded events
  -F [table]			Flush table; writes the state back
  -C [table]			Show counter
  -S				Show statistics

Tables: conntrack, expect, dying, unconfirmed

Conntrack parameters and options:
  -n, --src-nat ip			source NAT ip
  -g, --dst-nat ip			destination NAT ip
  -j, --any-nat ip			source or destination NAT ip
  -m, --mark mark[/mask]		Mark; with -U the one to set
  -e, --event-mask eventmask		Event mask, eg. NEW,DESTROY;
					OFFLOAD: flow table and devices
  -z, --zero 				Zero counters while listing
  -o, --output type[,...]		extended, xml, json, save, timestamp, id,
					ktimestamp, labels
  -l, --label label[,...]		Label bits that must be set, or 0xVALUE[/0xMASK]
      --connlabel file			Names of label bits, as connlabel.conf

Common parameters and options:
  -s, --src, --orig-src ip		Source address from original direction
  -d, --dst, --orig-dst ip		Destination address from original direction
  -r, --reply-src ip			Source address from reply direction
  -q, --reply-dst ip			Destination address from reply direction
  -p, --protonum proto			Layer 4 Protocol, eg. 'tcp'
  -f, --family proto			Layer 3 Protocol, eg. 'ipv6'
  -u, --status status			Status, eg. ASSURED
  -w, --zone value			Conntrack zone
  --orig-zone value			Zone for original direction
  --reply-zone value			Zone for reply direction
  --mask-src ip				Source mask address
  --mask-dst ip				Destination mask address
  --state file, --state-file file	The state; --state stands before -p

After -p tcp, udp, udplite, sctp, dccp:
  --sport, --orig-port-src port		Source port in original direction
  --dport, --orig-port-dst port		Destination port in original direction
  --reply-port-src port			Source port in reply direction
  --reply-port-dst port			Destination port in reply direction
  --state state				TCP's, SCTP's or DCCP's, eg. ESTABLISHED
After -p icmp, icmpv6: --icmp-type, --icmp-code, --icmp-id (--icmpv6-type, ...)
After -p gre: --srckey, --dstkey, --reply-key-src, --reply-key-dst

Exit status: 0, all well; 1, nothing to get or delete, or the state is no use;
2, the command line is wrong.

Examples:
  sluice replay http.tc --in http.pcapng --split initiator=uplink_rep,vf0_rep --state http.state
  sluice conntrack -L --state http.state -p tcp --dport 80
  sluice conntrack -E --state http.state -o timestamp
  sluice conntrack -D --state http.state -w 3 -s 192.0.2.0/24
  sluice conntrack -U --state http.state -p tcp --dport 80 -m 5
`
