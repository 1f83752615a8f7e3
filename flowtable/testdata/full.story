# A device that is found full: what it held is its limit until it has room.
> device nic0 limit=2
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> crowd 40000 4
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x4000 of 40000 at 1005000000 device 1: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x4000 of 40001 at 1008000000 device 1: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  clock: now 1012000000
  conn 40000/0: status 0xc00e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: where [{nic0 true }]
  conn 40000/0 record: in 1; held 1; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: where [{nic0 true }]
  conn 40001/0 record: in 1; held 1; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40002/0 record: pending 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [12 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: queued 1; sort 3; seen 3; next 2.012; since 1.012; last 1.012; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Limit 2; Queue 1; Pending 1; Submitted 3; Added 2; Full 1
  nic0 0: full 1.011; learnt 2; waiting 1; patrols 1.004
  nic0 1: adds [40003 ]; pending [40002 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  nic0 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; held true
  table 0: flows 4
  set: Added 4; backlog 1 0 0; inDevices 2
> pump
  conn 40003/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40003/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 2
  nic0 0: waiting 2
  nic0 1: adds []; pending [40002 40003 ]
  set: backlog 0 0 0
> later 0.5s
  clock: now 1512000000
> pump
> fin 40001
  nic0: remove 40001
  event 0x8000 of 40001 at 1513000000 device 1: a FIN or RST was seen
  event 0x8000 of 40001 at 1513000000 device 0: a FIN or RST was seen
  clock: now 1513000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121513000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it; where []
  conn 40001/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 3: asked 1.513; open 0 1 0; held false; gone true
  table 0: flows 3; stale 1
  set: Closed 1; backlog 0 1 0; inDevices 1
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Limit 0; Pending 0; Open [0:2]; Submitted 5
  nic0 0: full 0; leaving 0; waiting 0
  nic0 1: pending []
  nic0 3: entry 40002; used 1.009; at 1.513; mark 1.009; open 1 0 0; gone false
  nic0 4: entry 40003; used 1.012; at 1.513; asked 1.513; mark 1.012; open 1 0 0
  set: backlog 2 0 0
> later 1s
  clock: now 2513000000
> pump
  event 0x4000 of 40002 at 2513000000 device 1: 
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40003/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40003/0 record: pending 1; in 0; why [12 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Limit 2; Pending 1; Open []; Added 3; Full 2
  nic0 0: full 2.513; waiting 1
  nic0 1: pending [40003 ]
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
  nic0 4: gone
> later 0.999999999s
  clock: now 3512999999
> pump
> later 0.000000001s
  clock: now 3513000000
> pump
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Limit 0; Pending 0; Open [0:1]; Submitted 6
  nic0 0: full 0; waiting 0
  nic0 1: pending []
  nic0 4: entry 40003; used 1.012; at 3.513; asked 3.513; mark 1.012; open 1 0 0
  set: backlog 1 0 0
> turn nic0 limit=9
> later 1s
  clock: now 4513000000
> pump
  conn 40003/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40003/0 record: pending 1; in 0; why [12 0 0 0 0 0 0 0]
  nic0 stats: Limit 2; Pending 1; Open []; Full 3
  nic0 0: full 4.513; waiting 1
  nic0 1: pending [40003 ]
  set: backlog 0 0 0
  nic0 4: gone
> pump
> turn nic0 limit=1
> handshake 40010
  nic0: read 40002
  nic0: read 40000
  event 0x2000 of 40010 at 4516000000 device 0: 
  clock: now 4516000000
  conn 40001/0: refs 0
  conn 40010/0: status 0x400e; flags 0xf; table 1; deadline 34516000000; timeout 86404516000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40010/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40010/0 record: queued 1; sort 3; seen 3; next 5.516; since 4.516; last 4.516; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Reads 2
  nic0 1: adds [40010 ]
  nic0 2: at 4.514; asked 4.514
  nic0 3: at 4.514; asked 4.514
  table 0: flows 4; stale 0; swept 4; due 3
  table 1: swept 4
  set: Added 5; backlog 1 0 0
> pump
  conn 40010/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40010/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 2
  nic0 0: waiting 2
  nic0 1: adds []; pending [40003 40010 ]
  set: backlog 0 0 0
> pump
