# A table looks at each of its flows once a second, spread over half of it.
> handshake 40000
  event 0x2000 of 40000 at 1003000000 device 0: 
  clock: now 1003000000
  conn 40000/0: status 0x400e; flags 0x3; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why no device uses its zone
  conn 40000/0 record: no record
  table 0: flows 1; refs 6; swept 1
  table 1: zone 5; refs 3; swept 1
  set: Added 1; zones 2
> crowd 40001 7
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  event 0x2000 of 40004 at 1015000000 device 0: 
  event 0x2000 of 40005 at 1018000000 device 0: 
  event 0x2000 of 40006 at 1021000000 device 0: 
  event 0x2000 of 40007 at 1024000000 device 0: 
  clock: now 1024000000
  conn 40001/0: status 0x400e; flags 0x3; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why no device uses its zone
  conn 40001/0 record: no record
  conn 40002/0: status 0x400e; flags 0x3; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why no device uses its zone
  conn 40002/0 record: no record
  conn 40003/0: status 0x400e; flags 0x3; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why no device uses its zone
  conn 40003/0 record: no record
  conn 40004/0: status 0x400e; flags 0x3; table 1; deadline 31015000000; timeout 86401015000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why no device uses its zone
  conn 40004/0 record: no record
  conn 40005/0: status 0x400e; flags 0x3; table 1; deadline 31018000000; timeout 86401018000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40005/0 why: why no device uses its zone
  conn 40005/0 record: no record
  conn 40006/0: status 0x400e; flags 0x3; table 1; deadline 31021000000; timeout 86401021000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40006/0 why: why no device uses its zone
  conn 40006/0 record: no record
  conn 40007/0: status 0x400e; flags 0x3; table 1; deadline 31024000000; timeout 86401024000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40007/0 why: why no device uses its zone
  conn 40007/0 record: no record
  table 0: flows 8
  set: Added 8
> later 29s
  clock: now 30024000000
> data 40000
  clock: now 30025000000
  conn 40000/0: deadline 60025000000; packets [3 1]; bytes [130 40]
  table 0: sweep 30; cursor 8; due 8
  table 1: swept 30
  set: Hits 1
> data 40004
  clock: now 30026000000
  conn 40004/0: deadline 60026000000; packets [3 1]; bytes [130 40]
  set: Hits 2
> tick 100
> later 0.991s
  clock: now 31017000000
> tick 100
  table 0: swept 30; sweep 0; cursor 0
  table 1: swept 31
> later 0.1s
  clock: now 31117000000
> tick 100
  table 0: sweep 31; cursor 7
> later 0.1s
  clock: now 31217000000
> tick 2
  table 0: cursor 5
> later 0.05s
  clock: now 31267000000
> tick 100
  table 0: cursor 4
> kill 40004
  event 0x4 of 40004 at 30026000000 device 0: 
  conn 40004/0: gone
  conn 40004/0 record: gone
  conn 40004/0 why: gone
> fin 40001
  event 0x8000 of 40001 at 31268000000 device 0: a FIN or RST was seen
  clock: now 31268000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 151268000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it
  table 0: flows 7; stale 1
  set: Closed 1
> fin 40002
  event 0x8000 of 40002 at 31269000000 device 0: a FIN or RST was seen
  clock: now 31269000000
  conn 40002/0: status 0xe; flags 0x0; table 0; refs 1; timeout 151269000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40002/0 why: why the flow table does not hold it
  table 0: flows 6; stale 2
  set: Closed 2
> later 0.2s
  clock: now 31469000000
> tick 100
  table 0: cursor 1
> later 0.5s
  clock: now 31969000000
> tick 1
  table 0: swept 31; sweep 0; cursor 0
> tick 1
> later 0.2s
  clock: now 32169000000
> tick 100
  event 0x8000 of 40005 at 32000000000 device 0: idle
  conn 40001/0: refs 0
  conn 40002/0: refs 0
  conn 40005/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40005/0 why: why the flow table does not hold it
  table 0: flows 4; stale 0; sweep 32; cursor 4; due 6
  table 1: swept 32
  set: Aged 1; Vanished 1
> later 0.3s
  clock: now 32469000000
> sync
  event 0x8000 of 40003 at 32000000000 device 0: idle
  event 0x8000 of 40006 at 32000000000 device 0: idle
  event 0x8000 of 40007 at 32000000000 device 0: idle
  conn 40003/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40003/0 why: why the flow table does not hold it
  conn 40006/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40006/0 why: why the flow table does not hold it
  conn 40007/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40007/0 why: why the flow table does not hold it
  table 0: flows 1; swept 32; sweep 0; cursor 0
  set: Aged 4
> later 31s
  clock: now 63469000000
> sync
  event 0x8000 of 40000 at 61000000000 device 0: idle
  conn 40000/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it
  table 0: flows 0; swept 63; due 1
  table 1: swept 63
  set: Aged 5
> crowd 40020 3
  event 0x2000 of 40020 at 63472000000 device 0: 
  event 0x2000 of 40021 at 63475000000 device 0: 
  event 0x2000 of 40022 at 63478000000 device 0: 
  clock: now 63478000000
  conn 40020/0: status 0x400e; flags 0x3; table 1; deadline 93472000000; timeout 86463472000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40020/0 why: why no device uses its zone
  conn 40020/0 record: no record
  conn 40021/0: status 0x400e; flags 0x3; table 1; deadline 93475000000; timeout 86463475000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40021/0 why: why no device uses its zone
  conn 40021/0 record: no record
  conn 40022/0: status 0x400e; flags 0x3; table 1; deadline 93478000000; timeout 86463478000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40022/0 why: why no device uses its zone
  conn 40022/0 record: no record
  table 0: flows 3
  set: Added 11
> fin 40020
  event 0x8000 of 40020 at 63479000000 device 0: a FIN or RST was seen
  clock: now 63479000000
  conn 40020/0: status 0xe; flags 0x0; table 0; refs 1; timeout 183479000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40020/0 why: why the flow table does not hold it
  table 0: flows 2; stale 1
  set: Closed 3
> fin 40021
  event 0x8000 of 40021 at 63480000000 device 0: a FIN or RST was seen
  clock: now 63480000000
  conn 40021/0: status 0xe; flags 0x0; table 0; refs 1; timeout 183480000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40021/0 why: why the flow table does not hold it
  table 0: flows 1; stale 2
  set: Closed 4
> later 0.3s
  clock: now 63780000000
> fin 40022
  event 0x8000 of 40022 at 63781000000 device 0: a FIN or RST was seen
  clock: now 63781000000
  conn 40022/0: status 0xe; flags 0x0; table 0; refs 1; timeout 183781000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40022/0 why: why the flow table does not hold it
  table 0: flows 0; stale 3
  set: Closed 5
> later 0.7s
  clock: now 64481000000
> tick 100
  conn 40020/0: refs 0
  conn 40021/0: refs 0
  conn 40022/0: refs 0
  table 0: stale 0; swept 64; due 0
  table 1: swept 64
> sync
