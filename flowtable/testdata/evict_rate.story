# The flow of the lowest rate makes room for one of at least twice as many packets.
> device nic0 prober gauge limit=2
  clock: now 1000000000
  nic0 stats: Name nic0; Limit 2
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> admission evict=2
> handshake 40000
  event 0x2000 of 40000 at 1003000000 device 0: 
  clock: now 1003000000
  conn 40000/0: status 0x400e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 1.003
  nic0 1: adds [40000 ]
  table 0: flows 1
  set: Added 1; backlog 1 0 0
> handshake 40001
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40000 at 1005000000 device 1: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  clock: now 1006000000
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: queued 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Submitted 1; Added 1
  nic0 0: patrols 1.004
  nic0 1: adds [40001 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  table 0: flows 2
  set: Added 2; inDevices 1
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 0: closed true
  nic0 1: adds []
  nic0 3: entry 40001; used 1.006; at 1.006; asked 1.006; mark 1.006; open 1 0 0
> pump
  event 0x4000 of 40001 at 1006000000 device 1: 
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 2
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
> carry nic0 40000 packets=10
> later 0.1s
  clock: now 1106000000
> carry nic0 40001 packets=100
> later 1s
  clock: now 2106000000
> read
  conn 40000/0: deadline 31006000000; packets [12 1]; bytes [1080 40]
  conn 40001/0: deadline 31106000000; packets [102 1]; bytes [10080 40]
  nic0 stats: Reads 2
  nic0 2: packets [10 0]; bytes [1000 0]; used 1.006; at 2.106; rate 9.074
  nic0 3: packets [100 0]; bytes [10000 0]; used 1.106; at 2.106; rate 90.91
  set: Carried 110
> handshake 40002
  event 0x2000 of 40002 at 2109000000 device 0: 
  clock: now 2109000000
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 32109000000; timeout 86402109000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 3.109; since 2.109; last 2.109; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40002 ]
  table 0: flows 3; sweep 2; cursor 2; due 2
  table 1: swept 2
  set: Added 3; backlog 1 0 0
> pump
  conn 40002/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40002/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40002 ]
  set: backlog 0 0 0
> later 1s
  clock: now 3109000000
> data 40002
  nic0: remove 40001
  event 0x8000 of 40001 at 3110000000 device 1: evicted for another connection
  clock: now 3110000000
  conn 40001/0: status 0x400e; flags 0x7
  conn 40001/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40001/0 record: in 0; held 0; seen 103; next 4.11; last 3.11; why [13 0 0 0 0 0 0 0]
  conn 40002/0: deadline 33110000000; packets [3 1]; bytes [130 40]
  conn 40002/0 record: seen 4; rate 0.999; next 4.11; last 3.11
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 1; Reads 18; Evicted 1
  nic0 0: leaving 1
  nic0 2: at 3.11; rate 0
  nic0 3: at 3.11; asked 3.11; rate 0; open 0 1 0; held false; gone true
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 3
  set: Hits 1; backlog 0 1 0; inDevices 1
> carry nic0 40000 packets=10
> carry nic0 40001 packets=100
  not held
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 3110000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 0; Open [0:1]; Submitted 3
  nic0 0: leaving 0; waiting 0
  nic0 1: pending []
  nic0 3: entry 40002; packets [0 0]; bytes [0 0]; used 3.11; mark 3.11; open 1 0 0; gone false
  set: backlog 1 0 0
> data 40002 x19
  event 0x4000 of 40002 at 3111000000 device 1: 
  clock: now 3129000000
  conn 40002/0: status 0xc00e; deadline 33129000000; packets [22 1]; bytes [1080 40]
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 3
  nic0 3: open 0 0 0; held true
  table 0: sweep 3; cursor 3; due 3
  set: Hits 20; backlog 0 0 0; inDevices 2
> later 0.5s
  clock: now 3629000000
> data 40002
  clock: now 3630000000
  conn 40002/0: deadline 33630000000; packets [23 1]; bytes [1130 40]
  table 0: swept 3; sweep 0; cursor 0
  set: Hits 21
> pump
> later 1s
  clock: now 4630000000
> data 40002
  clock: now 4631000000
  conn 40000/0: deadline 33110000000; packets [22 1]; bytes [2080 40]
  conn 40002/0: deadline 34631000000; packets [24 1]; bytes [1180 40]
  conn 40002/0 record: calm 1; seen 25; rate 13.81; next 6.631; last 4.631
  nic0 stats: Reads 20
  nic0 2: packets [20 0]; bytes [2000 0]; used 3.11; at 4.631; rate 6.575
  nic0 3: at 4.631
  table 0: swept 4
  table 1: swept 4
  set: Hits 22; Carried 120
> carry nic0 40000 packets=10
> carry nic0 40001 packets=100
  not held
> pump
> data 40002 x60
  clock: now 4691000000
  conn 40002/0: deadline 34691000000; packets [84 1]; bytes [4180 40]
  set: Hits 82
> later 0.95s
  clock: now 5641000000
> data 40002
  clock: now 5642000000
  conn 40002/0: deadline 35642000000; packets [85 1]; bytes [4230 40]
  table 0: swept 5
  table 1: swept 5
  set: Hits 83
> pump
> pump
> later 0.1s
  clock: now 5742000000
> pump
> pump
> later 3s
  clock: now 8742000000
> handshake 40004
  event 0x2000 of 40004 at 8745000000 device 0: 
  clock: now 8745000000
  conn 40000/0: deadline 34631000000; packets [32 1]; bytes [3080 40]
  conn 40004/0: status 0x400e; flags 0xf; table 1; deadline 38745000000; timeout 86408745000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40004/0 record: queued 1; sort 3; seen 3; next 9.745; since 8.745; last 8.745; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Reads 22
  nic0 0: patrolAt 1; patrols 8.743
  nic0 1: adds [40004 ]
  nic0 2: packets [30 0]; bytes [3000 0]; used 4.631; at 8.743; rate 2.432
  nic0 3: at 8.743
  table 0: flows 4; swept 8
  table 1: swept 8
  set: Added 4; Carried 130; backlog 1 0 0
> data 40004
  clock: now 8746000000
  conn 40004/0: deadline 38746000000; packets [3 1]; bytes [130 40]
  conn 40004/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40004/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40004 ]
  set: Hits 84; backlog 0 0 0
> pump
  nic0: remove 40002
  event 0x8000 of 40002 at 8746000000 device 1: evicted for another connection
  conn 40002/0: status 0x400e; flags 0x7
  conn 40002/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40002/0 record: in 0; held 0; seen 86; next 9.746; last 8.746; why [13 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 2; Reads 38; Evicted 2
  nic0 0: leaving 1
  nic0 2: at 8.746
  nic0 3: at 8.746; asked 8.746; open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 1
> later 1s
  clock: now 9746000000
> data 40004
  nic0: add 40004 [10 0 0 1]/40004-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40004 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 8746000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  clock: now 9747000000
  conn 40004/0: deadline 39747000000; packets [4 1]; bytes [180 40]
  conn 40004/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40004/0 record: pending 0; in 1; seen 5; rate 1.996; next 10.747; last 9.747; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 0; Open [0:1]; Submitted 4; Reads 39
  nic0 0: leaving 0; waiting 0
  nic0 1: pending []
  nic0 2: at 9.747; rate 0
  nic0 3: entry 40004; used 8.746; at 9.747; asked 9.747; mark 8.746; open 1 0 0; gone false
  table 0: swept 9; due 4
  table 1: swept 9
  set: Hits 85; backlog 1 0 0
> pump
  event 0x4000 of 40004 at 9747000000 device 1: 
  conn 40004/0: status 0xc00e
  conn 40004/0 why: why ; where [{nic0 true }]
  conn 40004/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 4
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
> handshake 40006
  event 0x2000 of 40006 at 9750000000 device 0: 
  clock: now 9750000000
  conn 40006/0: status 0x400e; flags 0xf; table 1; deadline 39750000000; timeout 86409750000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40006/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40006/0 record: queued 1; sort 3; seen 3; next 10.75; since 9.75; last 9.75; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40006 ]
  table 0: flows 5
  set: Added 5; backlog 1 0 0
> handshake 40007
  nic0: remove 40000
  nic0: add 40006 [10 0 0 1]/40006-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40006 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 9750000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x8000 of 40000 at 9752000000 device 1: evicted for another connection
  event 0x2000 of 40007 at 9753000000 device 0: 
  clock: now 9753000000
  conn 40000/0: status 0x400e; flags 0x7
  conn 40000/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40000/0 record: in 0; held 0; seen 33; next 10.752; last 9.752; why [13 0 0 0 0 0 0 0]
  conn 40006/0 record: queued 0; in 1
  conn 40007/0: status 0x400e; flags 0xf; table 1; deadline 39753000000; timeout 86409753000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40007/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40007/0 record: queued 1; sort 3; seen 3; next 10.753; since 9.753; last 9.753; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open [0:1]; Submitted 5; Removals 3; Reads 55; Evicted 3
  nic0 1: adds [40007 ]
  nic0 2: entry 40004; packets [0 0]; bytes [0 0]; used 8.746; at 9.752; asked 9.747; mark 8.746
  nic0 3: entry 40006; used 9.75; at 9.753; asked 9.753; mark 9.75; open 1 0 0; held false
  table 0: flows 6
  set: Added 6; backlog 2 0 0; inDevices 1
> pump
  event 0x4000 of 40006 at 9753000000 device 1: 
  conn 40006/0: status 0xc00e
  conn 40006/0 why: why ; where [{nic0 true }]
  conn 40006/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40007/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40007/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 0; Pending 1; Open []; Added 5
  nic0 0: waiting 1
  nic0 1: adds []; pending [40007 ]
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
> kill 40006
  nic0: remove 40006
  event 0x8000 of 40006 at 9753000000 device 1: the connection has ended
  event 0x4 of 40006 at 9753000000 device 0: 
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 4
  nic0 0: leaving 1
  nic0 3: entry slot5; open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 1
  conn 40006/0: gone
  conn 40006/0 record: gone
  conn 40006/0 why: gone
> handshake 40008
  nic0: add 40007 [10 0 0 1]/40007-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40007 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 9753000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40007 at 9755000000 device 1: 
  event 0x2000 of 40008 at 9756000000 device 0: 
  clock: now 9756000000
  conn 40008/0: status 0x400e; flags 0xf; table 1; deadline 39756000000; timeout 86409756000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40008/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40008/0 record: queued 1; sort 3; seen 3; next 10.756; since 9.756; last 9.756; why [19 0 0 0 0 0 0 0]
  conn 40007/0: status 0xc00e
  conn 40007/0 why: why ; where [{nic0 true }]
  conn 40007/0 record: pending 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 0; Queue 1; Pending 0; Open []; Submitted 6; Added 6
  nic0 0: leaving 0; waiting 0
  nic0 1: adds [40008 ]; pending []
  nic0 3: entry 40007; used 9.753; at 9.754; asked 9.754; mark 9.753; open 0 0 0; held true; gone false
  table 0: flows 7
  set: Added 7; backlog 1 0 0; inDevices 2
> pump
  conn 40008/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40008/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40008 ]
  set: backlog 0 0 0
> later 3s
  clock: now 12756000000
> handshake 40009
  nic0: remove 40004
  nic0: add 40008 [10 0 0 1]/40008-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40008 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 9756000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x8000 of 40004 at 12757000000 device 1: evicted for another connection
  event 0x4000 of 40008 at 12759000000 device 1: 
  event 0x2000 of 40009 at 12759000000 device 0: 
  clock: now 12759000000
  conn 40004/0: status 0x400e; flags 0x7
  conn 40004/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40004/0 record: in 0; held 0; next 13.757; last 12.757; why [13 0 0 0 0 0 0 0]
  conn 40008/0: status 0xc00e
  conn 40008/0 why: why ; where [{nic0 true }]
  conn 40008/0 record: pending 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 40009/0: status 0x400e; flags 0xf; table 1; deadline 42759000000; timeout 86412759000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40009/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40009/0 record: queued 1; sort 3; seen 3; next 13.759; since 12.759; last 12.759; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Pending 0; Submitted 7; Removals 5; Reads 73; Added 7; Evicted 4
  nic0 0: waiting 0
  nic0 1: adds [40009 ]; pending []
  nic0 2: entry 40007; used 9.753; at 12.757; asked 9.754; mark 9.753
  nic0 3: entry 40008; used 9.756; at 12.758; asked 12.758; mark 9.756
  table 0: swept 12; due 7
  table 1: swept 12
  set: Added 8; Vanished 1; backlog 1 0 0
> pump
  conn 40009/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40009/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40009 ]
  set: backlog 0 0 0
