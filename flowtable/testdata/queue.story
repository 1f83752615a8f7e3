# The queue of additions drops the oldest. What has left it is passed over.
> device nic0
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> turn nic0 dead=1
> admission queue=3
> crowd 40000 5
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  event 0x2000 of 40004 at 1015000000 device 0: 
  clock: now 1015000000
  conn 40000/0: status 0x400e; flags 0x7; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why the queue to the device overflowed; where [{nic0 false the queue to the device overflowed}]
  conn 40000/0 record: sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [11 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0x7; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why the queue to the device overflowed; where [{nic0 false the queue to the device overflowed}]
  conn 40001/0 record: sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [11 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: queued 1; sort 3; seen 3; next 2.012; since 1.012; last 1.012; why [19 0 0 0 0 0 0 0]
  conn 40004/0: status 0x400e; flags 0xf; table 1; deadline 31015000000; timeout 86401015000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40004/0 record: queued 1; sort 3; seen 3; next 2.015; since 1.015; last 1.015; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 3; Dropped 2
  nic0 0: patrols 1.015
  nic0 1: adds [40002 40003 40004 ]
  table 0: flows 5
  set: Added 5; backlog 3 0 0
> pump
> fin 40003
  event 0x8000 of 40003 at 1016000000 device 0: a FIN or RST was seen
  clock: now 1016000000
  conn 40003/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121016000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40003/0 why: why the flow table does not hold it; where []
  conn 40003/0 record: queued 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Queue 2
  nic0 0: patrols 1.016
  table 0: flows 4; stale 1
  set: Closed 1; backlog 2 0 0
> data 40000
  clock: now 1017000000
  conn 40000/0: deadline 31017000000; packets [3 1]; bytes [130 40]
  nic0 0: patrols 1.017
  nic0 1: adds [40002 40004 ]
  set: Hits 1
> later 1.1s
  clock: now 2117000000
> data 40000
  clock: now 2118000000
  conn 40000/0: flags 0xf; deadline 32118000000; packets [4 1]; bytes [180 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 5; rate 1.794; next 3.118; last 2.118; why [19 0 0 0 0 0 0 0]
  conn 40003/0: refs 0
  nic0 stats: Queue 3
  nic0 0: patrols 2.118
  nic0 1: adds [40002 40004 40000 ]
  table 0: stale 0; sweep 2; cursor 4; due 4
  table 1: swept 2
  set: Hits 2; backlog 3 0 0
> data 40001
  clock: now 2119000000
  conn 40001/0: flags 0xf; deadline 32119000000; packets [3 1]; bytes [130 40]
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; seen 4; rate 0.8985; next 3.119; last 2.119; why [19 0 0 0 0 0 0 0]
  conn 40002/0: flags 0x7
  conn 40002/0 why: why the queue to the device overflowed; where [{nic0 false the queue to the device overflowed}]
  conn 40002/0 record: queued 0; why [11 0 0 0 0 0 0 0]
  nic0 stats: Dropped 3
  nic0 0: patrols 2.119
  nic0 1: adds [40004 40000 40001 ]
  set: Hits 3
> pump
> kill 40002
  event 0x4 of 40002 at 2119000000 device 0: 
  conn 40002/0: gone
  conn 40002/0 record: gone
  conn 40002/0 why: gone
> turn nic0 dead=0
> pump
  nic0: add 40004 [10 0 0 1]/40004-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40004 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1015000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2118000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2119000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 1
  conn 40001/0 record: queued 0; in 1
  conn 40004/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:3]; Submitted 3
  nic0 1: adds []
  nic0 2: entry 40004; used 1.015; at 2.119; asked 2.119; mark 1.015; open 1 0 0
  nic0 3: entry 40000; used 2.118; at 2.119; asked 2.119; mark 2.118; open 1 0 0
  nic0 4: entry 40001; used 2.119; at 2.119; asked 2.119; mark 2.119; open 1 0 0
> admission queue=1
  table 0: replay 4
> crowd 40010 3
  nic0: add 40010 [10 0 0 1]/40010-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40010 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2122000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40011 [10 0 0 1]/40011-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40011 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2125000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40004 at 2120000000 device 1: 
  event 0x4000 of 40000 at 2120000000 device 1: 
  event 0x4000 of 40001 at 2120000000 device 1: 
  event 0x2000 of 40010 at 2122000000 device 0: 
  event 0x4000 of 40010 at 2124000000 device 1: 
  event 0x2000 of 40011 at 2125000000 device 0: 
  event 0x4000 of 40011 at 2127000000 device 1: 
  event 0x2000 of 40012 at 2128000000 device 0: 
  clock: now 2128000000
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; rate 0; next 3.12; last 2.12; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; rate 0; next 3.12; last 2.12; why [0 0 0 0 0 0 0 0]
  conn 40010/0: status 0xc00e; flags 0xf; table 1; deadline 32122000000; timeout 86402122000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40010/0 why: where [{nic0 true }]
  conn 40010/0 record: in 1; held 1; sort 3; seen 3; next 3.122; since 2.122; last 2.122; why [0 0 0 0 0 0 0 0]
  conn 40004/0: status 0xc00e
  conn 40004/0 why: why ; where [{nic0 true }]
  conn 40004/0 record: held 1; next 3.12; last 2.12; why [0 0 0 0 0 0 0 0]
  conn 40011/0: status 0xc00e; flags 0xf; table 1; deadline 32125000000; timeout 86402125000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40011/0 why: where [{nic0 true }]
  conn 40011/0 record: in 1; held 1; sort 3; seen 3; next 3.125; since 2.125; last 2.125; why [0 0 0 0 0 0 0 0]
  conn 40012/0: status 0x400e; flags 0xf; table 1; deadline 32128000000; timeout 86402128000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40012/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40012/0 record: queued 1; sort 3; seen 3; next 3.128; since 2.128; last 2.128; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 5; Queue 1; Open []; Submitted 5; Added 5
  nic0 1: adds [40012 ]
  nic0 2: open 0 0 0; held true
  nic0 3: open 0 0 0; held true
  nic0 4: open 0 0 0; held true
  nic0 5: entry 40010; used 2.122; at 2.123; asked 2.123; mark 2.122; held true
  nic0 6: entry 40011; used 2.125; at 2.126; asked 2.126; mark 2.125; held true
  table 0: flows 7; replay 0; cursor 3
  set: Added 8; backlog 1 0 0; inDevices 5
> pump
  nic0: add 40012 [10 0 0 1]/40012-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40012 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2128000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40012/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 6
  nic0 1: adds []
  nic0 7: entry 40012; used 2.128; at 2.128; asked 2.128; mark 2.128; open 1 0 0
