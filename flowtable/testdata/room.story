# A device that says how much it can hold: the pending list and water marks.
> device nic0 prober gauge limit=3
  clock: now 1000000000
  nic0 stats: Name nic0; Limit 3
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> admission pending=2
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
  nic0 1: adds []
  nic0 3: entry 40001; used 1.006; at 1.006; asked 1.006; mark 1.006; open 1 0 0
> handshake 40002
  event 0x4000 of 40001 at 1007000000 device 1: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  clock: now 1009000000
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Open []; Added 2
  nic0 1: adds [40002 ]
  nic0 3: open 0 0 0; held true
  table 0: flows 3
  set: Added 3; inDevices 2
> handshake 40003
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40002 at 1011000000 device 1: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  clock: now 1012000000
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: queued 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: queued 1; sort 3; seen 3; next 2.012; since 1.012; last 1.012; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 3; Submitted 3; Added 3
  nic0 0: closed true
  nic0 1: adds [40003 ]
  nic0 4: entry 40002; used 1.009; at 1.01; asked 1.01; mark 1.009; held true
  table 0: flows 4
  set: Added 4; inDevices 3
> handshake 40004
  event 0x2000 of 40004 at 1015000000 device 0: 
  clock: now 1015000000
  conn 40003/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40003/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  conn 40004/0: status 0x400e; flags 0xf; table 1; deadline 31015000000; timeout 86401015000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40004/0 record: queued 1; sort 3; seen 3; next 2.015; since 1.015; last 1.015; why [19 0 0 0 0 0 0 0]
  nic0 stats: Pending 1
  nic0 0: waiting 1
  nic0 1: adds [40004 ]; pending [40003 ]
  table 0: flows 5
  set: Added 5
> handshake 40005
  event 0x2000 of 40005 at 1018000000 device 0: 
  clock: now 1018000000
  conn 40004/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40004/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  conn 40005/0: status 0x400e; flags 0xf; table 1; deadline 31018000000; timeout 86401018000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40005/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40005/0 record: queued 1; sort 3; seen 3; next 2.018; since 1.018; last 1.018; why [19 0 0 0 0 0 0 0]
  nic0 stats: Pending 2
  nic0 0: waiting 2
  nic0 1: adds [40005 ]; pending [40003 40004 ]
  table 0: flows 6
  set: Added 6
> pump
  conn 40005/0: flags 0x7
  conn 40005/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40005/0 record: queued 0; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Unlisted 1
  nic0 1: adds []
  set: backlog 0 0 0
> data 40005
  clock: now 1019000000
  conn 40005/0: deadline 31019000000; packets [3 1]; bytes [130 40]
  set: Hits 1
> fin 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 1020000000 device 1: a FIN or RST was seen
  event 0x8000 of 40000 at 1020000000 device 0: a FIN or RST was seen
  clock: now 1020000000
  conn 40000/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121020000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40000/0 why: why the flow table does not hold it; where []
  conn 40000/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: at 1.02; asked 1.02; open 0 1 0; held false; gone true
  table 0: flows 5; stale 1
  set: Closed 1; backlog 0 1 0; inDevices 2
> pump
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 1; Open [0:1]; Submitted 4
  nic0 0: leaving 0; waiting 1
  nic0 1: pending [40004 ]
  nic0 2: entry 40002; used 1.009; at 1.01; asked 1.01; mark 1.009; open 0 0 0; held true; gone false
  nic0 4: entry 40003; used 1.012; at 1.02; asked 1.02; mark 1.012; open 1 0 0; held false
  set: backlog 1 0 0
> later 1.1s
  clock: now 2120000000
> data 40005
  event 0x4000 of 40003 at 2121000000 device 1: 
  clock: now 2121000000
  conn 40000/0: refs 0
  conn 40003/0: status 0xc00e
  conn 40003/0 why: why ; where [{nic0 true }]
  conn 40003/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40005/0: flags 0xf; deadline 32121000000; packets [4 1]; bytes [180 40]
  conn 40005/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40005/0 record: queued 1; seen 5; rate 1.813; next 3.121; last 2.121; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 3; Queue 1; Open []; Added 4
  nic0 1: adds [40005 ]
  nic0 4: open 0 0 0; held true
  table 0: stale 0; sweep 2; cursor 4; due 5
  table 1: swept 2
  set: Hits 2; inDevices 3
> pump
  conn 40005/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40005/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 2
  nic0 0: waiting 2
  nic0 1: adds []; pending [40004 40005 ]
  set: backlog 0 0 0
> fin 40004
  event 0x8000 of 40004 at 2122000000 device 0: a FIN or RST was seen
  clock: now 2122000000
  conn 40004/0: status 0xe; flags 0x0; table 0; refs 1; timeout 122122000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40004/0 why: why the flow table does not hold it; where []
  conn 40004/0 record: pending 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Pending 1
  nic0 0: waiting 1
  table 0: flows 4; stale 1
  set: Closed 2
> wait 21s
  clock: now 23122000000
  conn 40004/0: refs 0
  nic0 stats: Reads 57
  nic0 0: patrols 21.422
  nic0 2: at 22.322
  nic0 3: at 22.422
  nic0 4: at 22.222
  table 0: stale 0; swept 22; sweep 23; due 4
  table 1: swept 23
> fin 40001
  nic0: remove 40001
  event 0x8000 of 40001 at 23123000000 device 1: a FIN or RST was seen
  event 0x8000 of 40001 at 23123000000 device 0: a FIN or RST was seen
  clock: now 23123000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 143123000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it; where []
  conn 40001/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 1; Open [1:1]; Removals 2
  nic0 0: leaving 1
  nic0 3: at 23.123; asked 23.123; open 0 1 0; held false; gone true
  table 0: flows 3; stale 1
  set: Closed 3; backlog 0 1 0; inDevices 2
> pump
  conn 40005/0: flags 0x7
  conn 40005/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40005/0 record: pending 0
  nic0 stats: Leaving 0; Pending 0; Open []
  nic0 0: closed false; leaving 0; waiting 0
  nic0 1: pending []
  nic0 3: entry 40003; used 1.012; at 22.222; asked 1.02; mark 1.012; open 0 0 0; held true; gone false
  set: backlog 0 0 0
  nic0 4: gone
> data 40005
  clock: now 23124000000
  conn 40005/0: flags 0xf; deadline 53124000000; packets [5 1]; bytes [230 40]
  conn 40005/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40005/0 record: queued 1; seen 6; rate 0.04761; next 24.124; last 23.124; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40005 ]
  set: Hits 3; backlog 1 0 0
> pump
  nic0: add 40005 [10 0 0 1]/40005-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40005 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 23124000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40005/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 5
  nic0 0: closed true
  nic0 1: adds []
  nic0 4: entry 40005; used 23.124; at 23.124; asked 23.124; mark 23.124; open 1 0 0
> turn nic0 used=1
> fin 40002
  nic0: remove 40002
  event 0x4000 of 40005 at 23125000000 device 1: 
  event 0x8000 of 40002 at 23125000000 device 1: a FIN or RST was seen
  event 0x8000 of 40002 at 23125000000 device 0: a FIN or RST was seen
  clock: now 23125000000
  conn 40002/0: status 0xe; flags 0x0; table 0; refs 1; timeout 143125000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40002/0 why: why the flow table does not hold it; where []
  conn 40002/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  conn 40005/0: status 0xc00e
  conn 40005/0 why: why ; where [{nic0 true }]
  conn 40005/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:1]; Removals 3; Added 5
  nic0 0: leaving 1
  nic0 2: at 23.125; asked 23.125; open 0 1 0; held false; gone true
  nic0 4: open 0 0 0; held true
  table 0: flows 2; stale 2; cursor 3
  set: Closed 4; backlog 0 1 0
> pump
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  nic0 2: entry 40005; used 23.124; at 23.124; asked 23.124; mark 23.124; open 0 0 0; held true; gone false
  set: backlog 0 0 0
  nic0 4: gone
> turn nic0 used=0
> pump
> admission high=67 low=34 pending=3
  nic0 0: closed false
  table 0: replay 2
> later 1.1s
  clock: now 24225000000
> handshake 40006
  event 0x2000 of 40006 at 24228000000 device 0: 
  clock: now 24228000000
  conn 40001/0: refs 0
  conn 40002/0: refs 0
  conn 40003/0 record: calm 1; next 26.226; last 24.226
  conn 40005/0 record: calm 1; rate 0; next 26.226; last 24.226
  conn 40006/0: status 0x400e; flags 0xf; table 1; deadline 54228000000; timeout 86424228000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40006/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40006/0 record: queued 1; sort 3; seen 3; next 25.228; since 24.228; last 24.228; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Reads 60
  nic0 1: adds [40006 ]
  nic0 2: at 24.226
  nic0 3: at 24.226
  table 0: flows 3; replay 0; stale 0; swept 23; sweep 24; cursor 2; due 2
  table 1: swept 24
  set: Added 7; backlog 1 0 0
> handshake 40007
  event 0x2000 of 40007 at 24231000000 device 0: 
  clock: now 24231000000
  conn 40006/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40006/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  conn 40007/0: status 0x400e; flags 0xf; table 1; deadline 54231000000; timeout 86424231000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40007/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40007/0 record: queued 1; sort 3; seen 3; next 25.231; since 24.231; last 24.231; why [19 0 0 0 0 0 0 0]
  nic0 stats: Pending 1
  nic0 0: closed true; waiting 1
  nic0 1: adds [40007 ]; pending [40006 ]
  table 0: flows 4
  set: Added 8
> handshake 40008
  event 0x2000 of 40008 at 24234000000 device 0: 
  clock: now 24234000000
  conn 40007/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40007/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  conn 40008/0: status 0x400e; flags 0xf; table 1; deadline 54234000000; timeout 86424234000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40008/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40008/0 record: queued 1; sort 3; seen 3; next 25.234; since 24.234; last 24.234; why [19 0 0 0 0 0 0 0]
  nic0 stats: Pending 2
  nic0 0: waiting 2
  nic0 1: adds [40008 ]; pending [40006 40007 ]
  table 0: flows 5
  set: Added 9
> pump
  conn 40008/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40008/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 3
  nic0 0: waiting 3
  nic0 1: adds []; pending [40006 40007 40008 ]
  set: backlog 0 0 0
> fin 40005
  nic0: remove 40005
  event 0x8000 of 40005 at 24235000000 device 1: a FIN or RST was seen
  event 0x8000 of 40005 at 24235000000 device 0: a FIN or RST was seen
  clock: now 24235000000
  conn 40005/0: status 0xe; flags 0x0; table 0; refs 1; timeout 144235000000; packets [6 1]; bytes [270 40]; maxwin 65535 0
  conn 40005/0 why: why the flow table does not hold it; where []
  conn 40005/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 4
  nic0 0: leaving 1
  nic0 2: at 24.235; asked 24.235; open 0 1 0; held false; gone true
  table 0: flows 4; stale 1
  set: Closed 5; backlog 0 1 0; inDevices 1
> pump
  nic0: add 40006 [10 0 0 1]/40006-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40006 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 24228000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40006/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40006/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 2; Open [0:1]; Submitted 6
  nic0 0: leaving 0; waiting 2
  nic0 1: pending [40007 40008 ]
  nic0 2: entry 40003; used 1.012; at 24.226; asked 1.02; mark 1.012; open 0 0 0; held true; gone false
  nic0 3: entry 40006; used 24.228; at 24.235; asked 24.235; mark 24.228; open 1 0 0; held false
  set: backlog 1 0 0
> fin 40003
  nic0: remove 40003
  event 0x4000 of 40006 at 24236000000 device 1: 
  event 0x8000 of 40003 at 24236000000 device 1: a FIN or RST was seen
  event 0x8000 of 40003 at 24236000000 device 0: a FIN or RST was seen
  clock: now 24236000000
  conn 40003/0: status 0xe; flags 0x0; table 0; refs 1; timeout 144236000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40003/0 why: why the flow table does not hold it; where []
  conn 40003/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  conn 40006/0: status 0xc00e
  conn 40006/0 why: why ; where [{nic0 true }]
  conn 40006/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:1]; Removals 5; Added 6
  nic0 0: leaving 1
  nic0 2: at 24.236; asked 24.236; open 0 1 0; held false; gone true
  nic0 3: open 0 0 0; held true
  table 0: flows 3; stale 2
  set: Closed 6; backlog 0 1 0
> pump
  nic0: add 40007 [10 0 0 1]/40007-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40007 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 24231000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40007/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40007/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 1; Open [0:1]; Submitted 7
  nic0 0: leaving 0; waiting 1
  nic0 1: pending [40008 ]
  nic0 2: entry 40006; used 24.228; at 24.235; asked 24.235; mark 24.228; open 0 0 0; held true; gone false
  nic0 3: entry 40007; used 24.231; at 24.236; asked 24.236; mark 24.231; open 1 0 0; held false
  set: backlog 1 0 0
> fin 40006
  nic0: remove 40006
  event 0x4000 of 40007 at 24237000000 device 1: 
  event 0x8000 of 40006 at 24237000000 device 1: a FIN or RST was seen
  event 0x8000 of 40006 at 24237000000 device 0: a FIN or RST was seen
  clock: now 24237000000
  conn 40006/0: status 0xe; flags 0x0; table 0; refs 1; timeout 144237000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40006/0 why: why the flow table does not hold it; where []
  conn 40006/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  conn 40007/0: status 0xc00e
  conn 40007/0 why: why ; where [{nic0 true }]
  conn 40007/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:1]; Removals 6; Added 7
  nic0 0: leaving 1
  nic0 2: at 24.237; asked 24.237; open 0 1 0; held false; gone true
  nic0 3: open 0 0 0; held true
  table 0: flows 2; stale 3
  set: Closed 7; backlog 0 1 0
> pump
  nic0: add 40008 [10 0 0 1]/40008-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40008 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 24234000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40008/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40008/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 0; Open [0:1]; Submitted 8
  nic0 0: leaving 0; waiting 0
  nic0 1: pending []
  nic0 2: entry 40007; used 24.231; at 24.236; asked 24.236; mark 24.231; open 0 0 0; held true; gone false
  nic0 3: entry 40008; used 24.234; at 24.237; asked 24.237; mark 24.234; open 1 0 0; held false
  set: backlog 1 0 0
> admission pending=1
  nic0 0: closed false
  table 0: replay 2
> handshake 40009
  event 0x4000 of 40008 at 24238000000 device 1: 
  event 0x2000 of 40009 at 24240000000 device 0: 
  clock: now 24240000000
  conn 40007/0 record: calm 1; next 26.238; last 24.238
  conn 40008/0: status 0xc00e
  conn 40008/0 why: why ; where [{nic0 true }]
  conn 40008/0 record: held 1; next 25.238; last 24.238; why [0 0 0 0 0 0 0 0]
  conn 40009/0: status 0x400e; flags 0xf; table 1; deadline 54240000000; timeout 86424240000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40009/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40009/0 record: queued 1; sort 3; seen 3; next 25.24; since 24.24; last 24.24; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Open []; Reads 61; Added 8
  nic0 1: adds [40009 ]
  nic0 2: at 24.238
  nic0 3: open 0 0 0; held true
  table 0: flows 3; replay 0
  set: Added 10; inDevices 2
> handshake 40010
  nic0: add 40009 [10 0 0 1]/40009-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40009 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 24240000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40009 at 24242000000 device 1: 
  event 0x2000 of 40010 at 24243000000 device 0: 
  clock: now 24243000000
  conn 40009/0: status 0xc00e
  conn 40009/0 why: why ; where [{nic0 true }]
  conn 40009/0 record: queued 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 40010/0: status 0x400e; flags 0xf; table 1; deadline 54243000000; timeout 86424243000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40010/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40010/0 record: queued 1; sort 3; seen 3; next 25.243; since 24.243; last 24.243; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 3; Submitted 9; Added 9
  nic0 0: closed true
  nic0 1: adds [40010 ]
  nic0 4: entry 40009; used 24.24; at 24.241; asked 24.241; mark 24.24; held true
  table 0: flows 4
  set: Added 11; inDevices 3
> pump
  conn 40010/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40010/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40010 ]
  set: backlog 0 0 0
> admission max=2 pending=3
  nic0 stats: Limit 2
  nic0 0: closed false
  table 0: replay 4
> handshake 40011
  event 0x2000 of 40011 at 24246000000 device 0: 
  clock: now 24246000000
  conn 40007/0 record: next 26.244; last 24.244
  conn 40008/0 record: calm 1; next 26.244; last 24.244
  conn 40009/0 record: calm 1; next 26.244; last 24.244
  conn 40010/0 record: next 25.244; last 24.244; why [0 0 0 0 0 0 0 0]
  conn 40011/0: status 0x400e; flags 0xf; table 1; deadline 54246000000; timeout 86424246000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40011/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40011/0 record: queued 1; sort 3; seen 3; next 25.246; since 24.246; last 24.246; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Reads 64
  nic0 0: closed true
  nic0 1: adds [40011 ]
  nic0 2: at 24.244
  nic0 3: at 24.244
  nic0 4: at 24.244
  table 0: flows 5; replay 0
  set: Added 12; backlog 1 0 0
> handshake 40012
  event 0x2000 of 40012 at 24249000000 device 0: 
  clock: now 24249000000
  conn 40011/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40011/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  conn 40012/0: status 0x400e; flags 0xf; table 1; deadline 54249000000; timeout 86424249000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40012/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40012/0 record: queued 1; sort 3; seen 3; next 25.249; since 24.249; last 24.249; why [19 0 0 0 0 0 0 0]
  nic0 stats: Pending 2
  nic0 0: waiting 2
  nic0 1: adds [40012 ]; pending [40010 40011 ]
  table 0: flows 6
  set: Added 13
> pump
  conn 40012/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40012/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 3
  nic0 0: waiting 3
  nic0 1: adds []; pending [40010 40011 40012 ]
  set: backlog 0 0 0
> admission max=9
  nic0 stats: Limit 3
  nic0 0: closed false
  table 0: replay 6
> pump
  conn 40007/0 record: next 26.249; last 24.249
  conn 40008/0 record: next 26.249; last 24.249
  conn 40009/0 record: next 26.249; last 24.249
  conn 40010/0 record: next 25.249; last 24.249
  conn 40011/0 record: next 25.249; last 24.249; why [0 0 0 0 0 0 0 0]
  conn 40012/0 record: why [0 0 0 0 0 0 0 0]
  nic0 stats: Reads 67
  nic0 0: closed true
  nic0 2: at 24.249
  nic0 3: at 24.249
  nic0 4: at 24.249
  table 0: replay 0
> admission high=1
  nic0 0: closed false
  table 0: replay 6
> pump
  nic0 stats: Reads 70
  nic0 0: closed true
  table 0: replay 0
> admission max=2 pending=9
  nic0 stats: Limit 2
  nic0 0: closed false
  table 0: replay 6
> crowd 40020 6
  event 0x2000 of 40020 at 24252000000 device 0: 
  event 0x2000 of 40021 at 24255000000 device 0: 
  event 0x2000 of 40022 at 24258000000 device 0: 
  event 0x2000 of 40023 at 24261000000 device 0: 
  event 0x2000 of 40024 at 24264000000 device 0: 
  event 0x2000 of 40025 at 24267000000 device 0: 
  clock: now 24267000000
  conn 40007/0 record: next 26.25; last 24.25
  conn 40008/0 record: next 26.25; last 24.25
  conn 40009/0 record: next 26.25; last 24.25
  conn 40010/0 record: next 25.25; last 24.25
  conn 40011/0 record: next 25.25; last 24.25
  conn 40012/0 record: next 25.25; last 24.25
  conn 40020/0: status 0x400e; flags 0xf; table 1; deadline 54252000000; timeout 86424252000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40020/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40020/0 record: pending 1; sort 3; seen 3; next 25.252; since 24.252; last 24.252; why [12 0 0 0 0 0 0 0]
  conn 40021/0: status 0x400e; flags 0xf; table 1; deadline 54255000000; timeout 86424255000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40021/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40021/0 record: pending 1; sort 3; seen 3; next 25.255; since 24.255; last 24.255; why [12 0 0 0 0 0 0 0]
  conn 40022/0: status 0x400e; flags 0xf; table 1; deadline 54258000000; timeout 86424258000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40022/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40022/0 record: pending 1; sort 3; seen 3; next 25.258; since 24.258; last 24.258; why [12 0 0 0 0 0 0 0]
  conn 40023/0: status 0x400e; flags 0xf; table 1; deadline 54261000000; timeout 86424261000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40023/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40023/0 record: pending 1; sort 3; seen 3; next 25.261; since 24.261; last 24.261; why [12 0 0 0 0 0 0 0]
  conn 40024/0: status 0x400e; flags 0xf; table 1; deadline 54264000000; timeout 86424264000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40024/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40024/0 record: pending 1; sort 3; seen 3; next 25.264; since 24.264; last 24.264; why [12 0 0 0 0 0 0 0]
  conn 40025/0: status 0x400e; flags 0xf; table 1; deadline 54267000000; timeout 86424267000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40025/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40025/0 record: queued 1; sort 3; seen 3; next 25.267; since 24.267; last 24.267; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Pending 8; Reads 73
  nic0 0: closed true; waiting 8
  nic0 1: adds [40025 ]; pending [40010 40011 40012 40020 40021 40022 40023 40024 ]
  nic0 2: at 24.25
  nic0 3: at 24.25
  nic0 4: at 24.25
  table 0: flows 12; replay 0; cursor 1
  set: Added 19; backlog 1 0 0
> pump
  conn 40025/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40025/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 9
  nic0 0: waiting 9
  nic0 1: adds []; pending [40010 40011 40012 40020 40021 40022 40023 40024 40025 ]
  set: backlog 0 0 0
> kill 40022
  event 0x4 of 40022 at 24267000000 device 0: 
  nic0 stats: Pending 8
  nic0 0: waiting 8
  nic0 1: pending [40010 40011 40012 40020 40021 slot16 40023 40024 40025 ]
  conn 40022/0: gone
  conn 40022/0 record: gone
  conn 40022/0 why: gone
> admission max=2 pending=2
  conn 40010/0: flags 0x7
  conn 40010/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40010/0 record: pending 0
  conn 40011/0: flags 0x7
  conn 40011/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40011/0 record: pending 0
  conn 40012/0: flags 0x7
  conn 40012/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40012/0 record: pending 0
  conn 40020/0: flags 0x7
  conn 40020/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40020/0 record: pending 0
  conn 40021/0: flags 0x7
  conn 40021/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40021/0 record: pending 0
  conn 40023/0: flags 0x7
  conn 40023/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40023/0 record: pending 0
  nic0 stats: Pending 2; Unlisted 7
  nic0 0: closed false; waiting 2
  nic0 1: pending [40024 40025 ]
  table 0: replay 12
> crowd 40030 5
  event 0x2000 of 40030 at 24270000000 device 0: 
  event 0x2000 of 40031 at 24273000000 device 0: 
  event 0x2000 of 40032 at 24276000000 device 0: 
  event 0x2000 of 40033 at 24279000000 device 0: 
  event 0x2000 of 40034 at 24282000000 device 0: 
  clock: now 24282000000
  conn 40007/0 record: next 26.268; last 24.268
  conn 40008/0 record: next 26.268; last 24.268
  conn 40009/0 record: next 26.268; last 24.268
  conn 40010/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40010/0 record: next 25.268; last 24.268; why [12 0 0 0 0 0 0 0]
  conn 40011/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40011/0 record: next 25.268; last 24.268; why [12 0 0 0 0 0 0 0]
  conn 40012/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40012/0 record: next 25.268; last 24.268; why [12 0 0 0 0 0 0 0]
  conn 40020/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40020/0 record: next 25.268; last 24.268
  conn 40021/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40021/0 record: next 25.268; last 24.268
  conn 40030/0: status 0x400e; flags 0x7; table 1; deadline 54270000000; timeout 86424270000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40030/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40030/0 record: sort 3; seen 3; next 25.27; since 24.27; last 24.27; why [12 0 0 0 0 0 0 0]
  conn 40023/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40023/0 record: next 25.268; last 24.268
  conn 40024/0 record: next 25.268; last 24.268; why [0 0 0 0 0 0 0 0]
  conn 40025/0 record: next 25.268; last 24.268; why [0 0 0 0 0 0 0 0]
  conn 40031/0: status 0x400e; flags 0x7; table 1; deadline 54273000000; timeout 86424273000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40031/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40031/0 record: sort 3; seen 3; next 25.273; since 24.273; last 24.273; why [12 0 0 0 0 0 0 0]
  conn 40032/0: status 0x400e; flags 0x7; table 1; deadline 54276000000; timeout 86424276000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40032/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40032/0 record: sort 3; seen 3; next 25.276; since 24.276; last 24.276; why [12 0 0 0 0 0 0 0]
  conn 40033/0: status 0x400e; flags 0x7; table 1; deadline 54279000000; timeout 86424279000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40033/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40033/0 record: sort 3; seen 3; next 25.279; since 24.279; last 24.279; why [12 0 0 0 0 0 0 0]
  conn 40034/0: status 0x400e; flags 0xf; table 1; deadline 54282000000; timeout 86424282000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40034/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40034/0 record: queued 1; sort 3; seen 3; next 25.282; since 24.282; last 24.282; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Reads 76; Unlisted 17
  nic0 0: closed true
  nic0 1: adds [40034 ]
  nic0 2: at 24.268
  nic0 3: at 24.268
  nic0 4: at 24.268
  table 0: flows 17; replay 0
  set: Added 24; backlog 1 0 0
> pump
  conn 40034/0: flags 0x7
  conn 40034/0 why: why the device is full; where [{nic0 false the device is full}]
  conn 40034/0 record: queued 0; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Unlisted 18
  nic0 1: adds []
  set: backlog 0 0 0
