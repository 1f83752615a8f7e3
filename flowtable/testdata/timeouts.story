# The tracker's timeout of a flow: a day, topped up below five minutes; what a
# state's timeout leaves when it is handed back.
> handshake 40000
  event 0x2000 of 40000 at 1003000000 device 0: 
  clock: now 1003000000
  conn 40000/0: status 0x400e; flags 0x3; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why no device uses its zone
  conn 40000/0 record: no record
  table 0: flows 1; refs 6; swept 1
  table 1: zone 5; refs 3; swept 1
  set: Added 1; zones 2
> query 1000
  event 0x2000 of 1000 at 1004000000 device 0: 
  clock: now 1004000000
  conn 1000/0: status 0x4008; flags 0x1; table 1; deadline 31004000000; timeout 86401004000000; packets [1 0]; bytes [29 0]
  conn 1000/0 why: why no device uses its zone
  conn 1000/0 record: no record
  table 0: flows 2
  set: Added 2
> query 1001
  event 0x2000 of 1001 at 1005000000 device 0: 
  clock: now 1005000000
  conn 1001/0: status 0x4008; flags 0x1; table 1; deadline 31005000000; timeout 86401005000000; packets [1 0]; bytes [29 0]
  conn 1001/0 why: why no device uses its zone
  conn 1001/0 record: no record
  table 0: flows 3
  set: Added 3
> response 1001
  clock: now 1006000000
  conn 1001/0: status 0x400a; deadline 31006000000; timeout 31006000000; packets [1 1]; bytes [29 29]
> later 2.5s
  clock: now 3506000000
> query 1001
  clock: now 3507000000
  conn 1001/0: status 0x400e; deadline 33507000000; timeout 123507000000; packets [2 1]; bytes [58 29]
  table 0: swept 3; due 3
  table 1: swept 3
> later 29.6s
  clock: now 33107000000
> sync
  event 0x8000 of 1000 at 32000000000 device 0: idle
  event 0x8000 of 40000 at 32000000000 device 0: idle
  conn 40000/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it
  conn 1000/0: status 0x8; flags 0x0; table 0; timeout 32000000000
  conn 1000/0 why: why the flow table does not hold it
  table 0: flows 1; swept 33
  table 1: swept 33
  set: Aged 2
> behave 1
> handshake 40001
  event 0x4 of 1000 at 32000000000 device 0: 
  event 0x2000 of 40001 at 33110000000 device 0: 
  clock: now 33110000000
  conn 40001/0: status 0x400e; flags 0x3; table 1; deadline 63110000000; timeout 432033110000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why no device uses its zone
  conn 40001/0 record: no record
  table 0: flows 2
  set: Added 4
  conn 1000/0: gone
  conn 1000/0 record: gone
  conn 1000/0 why: gone
> setting nf_conntrack_tcp_timeout_established 100000
> query 1002
  event 0x2000 of 1002 at 33111000000 device 0: 
  clock: now 33111000000
  conn 1002/0: status 0x4008; flags 0x1; table 1; deadline 63111000000; timeout 86433111000000; packets [1 0]; bytes [29 0]
  conn 1002/0 why: why no device uses its zone
  conn 1002/0 record: no record
  table 0: flows 3
  set: Added 5
> wait 20s
  event 0x8000 of 1001 at 34000000000 device 0: idle
  clock: now 53111000000
  conn 1001/0: status 0xe; flags 0x0; table 0
  conn 1001/0 why: why the flow table does not hold it
  table 0: flows 2; swept 52; sweep 53; cursor 2; due 2
  table 1: swept 53
  set: Aged 3
> fin 40001
  event 0x8000 of 40001 at 53112000000 device 0: a FIN or RST was seen
  clock: now 53112000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 173112000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it
  table 0: flows 1; stale 1
  set: Closed 1
> wait 20s
  event 0x8000 of 1002 at 64000000000 device 0: idle
  event 0x4 of 1002 at 64000000000 device 0: 
  clock: now 73112000000
  conn 40001/0: refs 0
  table 0: flows 0; stale 0; swept 73; sweep 0; cursor 0; due 0
  table 1: swept 73
  set: Aged 4
  conn 1002/0: gone
  conn 1002/0 record: gone
  conn 1002/0 why: gone
> behave 0
> handshake 40002
  event 0x2000 of 40002 at 73115000000 device 0: 
  clock: now 73115000000
  conn 40002/0: status 0x400e; flags 0x3; table 1; deadline 103115000000; timeout 86473115000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why no device uses its zone
  conn 40002/0 record: no record
  table 0: flows 1
  set: Added 6
> query 1003
  event 0x2000 of 1003 at 73116000000 device 0: 
  clock: now 73116000000
  conn 1003/0: status 0x4008; flags 0x1; table 1; deadline 103116000000; timeout 86473116000000; packets [1 0]; bytes [29 0]
  conn 1003/0 why: why no device uses its zone
  conn 1003/0 record: no record
  table 0: flows 2
  set: Added 7
> response 1003
  clock: now 73117000000
  conn 1003/0: status 0x400a; deadline 103117000000; timeout 103117000000; packets [1 1]; bytes [29 29]
> setting nf_conntrack_udp_timeout 20
> setting nf_conntrack_udp_timeout_stream 40
> rst 40002
  event 0x8000 of 40002 at 73118000000 device 0: a FIN or RST was seen
  clock: now 73118000000
  conn 40002/0: status 0xe; flags 0x0; table 0; refs 1; timeout 83118000000; packets [2 2]; bytes [80 80]; maxwin 0 65535
  conn 40002/0 why: why the flow table does not hold it
  table 0: flows 1; stale 1
  set: Closed 2
> wait 32s
  event 0x4 of 40002 at 83118000000 device 0: 
  event 0x8000 of 1003 at 104000000000 device 0: idle
  clock: now 105118000000
  conn 1003/0: status 0xa; flags 0x0; table 0; timeout 114000000000
  conn 1003/0 why: why the flow table does not hold it
  table 0: flows 0; stale 0; swept 105
  table 1: swept 105
  set: Aged 5
  conn 40002/0: gone
  conn 40002/0 record: gone
  conn 40002/0 why: gone
