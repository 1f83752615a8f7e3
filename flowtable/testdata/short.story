# A device that takes a few requests at a time: the rest keeps its order.
> device nic0 manual
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> turn nic0 takes=2
> crowd 40000 5
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  event 0x2000 of 40004 at 1015000000 device 0: 
  clock: now 1015000000
  conn 40000/0: status 0x400e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 1; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [19 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: in 1; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [19 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: in 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: in 1; sort 3; seen 3; next 2.012; since 1.012; last 1.012; why [19 0 0 0 0 0 0 0]
  conn 40004/0: status 0x400e; flags 0xf; table 1; deadline 31015000000; timeout 86401015000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40004/0 record: queued 1; sort 3; seen 3; next 2.015; since 1.015; last 1.015; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Open [0:4]; Submitted 4
  nic0 0: patrols 1.004
  nic0 1: adds [40004 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; open 1 0 0
  nic0 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; open 1 0 0
  nic0 4: entry 40002; used 1.009; at 1.01; asked 1.01; mark 1.009; open 1 0 0
  nic0 5: entry 40003; used 1.012; at 1.013; asked 1.013; mark 1.012; open 1 0 0
  table 0: flows 5
  set: Added 5; backlog 5 0 0
> pump
  nic0: add 40004 [10 0 0 1]/40004-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40004 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1015000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40004/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:5]; Submitted 5
  nic0 1: adds []
  nic0 6: entry 40004; used 1.015; at 1.015; asked 1.015; mark 1.015; open 1 0 0
> answer nic0
> pump
  event 0x4000 of 40000 at 1015000000 device 1: 
  event 0x4000 of 40001 at 1015000000 device 1: 
  event 0x4000 of 40002 at 1015000000 device 1: 
  event 0x4000 of 40003 at 1015000000 device 1: 
  event 0x4000 of 40004 at 1015000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40003/0: status 0xc00e
  conn 40003/0 why: why ; where [{nic0 true }]
  conn 40003/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40004/0: status 0xc00e
  conn 40004/0 why: why ; where [{nic0 true }]
  conn 40004/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 5; Open []; Added 5
  nic0 2: open 0 0 0; held true
  nic0 3: open 0 0 0; held true
  nic0 4: open 0 0 0; held true
  nic0 5: open 0 0 0; held true
  nic0 6: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 5
> pump
> answer nic0
> pump
> read
  nic0: read 40004
  nic0: read 40003
  nic0 stats: Open [2:5]; Reads 2
  nic0 1: reads [40002 40001 40000 ]
  nic0 2: asked 1.015; open 0 0 1
  nic0 3: asked 1.015; open 0 0 1
  nic0 4: asked 1.015; open 0 0 1
  nic0 5: asked 1.015; open 0 0 1
  nic0 6: open 0 0 1
  set: backlog 0 0 5
> pump
  nic0: read 40002
  nic0: read 40001
  nic0 stats: Reads 4
  nic0 1: reads [40000 ]
> pump
  nic0: read 40000
  nic0 stats: Reads 5
  nic0 1: reads []
> turn nic0 dead=1
> fin 40001
  event 0x8000 of 40001 at 1016000000 device 1: a FIN or RST was seen
  event 0x8000 of 40001 at 1016000000 device 0: a FIN or RST was seen
  clock: now 1016000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121016000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it; where []
  conn 40001/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 4; Leaving 1; Open [1:1 2:5]
  nic0 0: leaving 1
  nic0 1: removes [40001 ]
  nic0 3: asked 1.016; open 0 1 1; held false; gone true
  table 0: flows 4; stale 1
  set: Closed 1; backlog 0 1 5; inDevices 4
> fin 40002
  event 0x8000 of 40002 at 1017000000 device 1: a FIN or RST was seen
  event 0x8000 of 40002 at 1017000000 device 0: a FIN or RST was seen
  clock: now 1017000000
  conn 40002/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121017000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40002/0 why: why the flow table does not hold it; where []
  conn 40002/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 3; Leaving 2; Open [1:2 2:5]
  nic0 0: leaving 2
  nic0 1: removes [40001 40002 ]
  nic0 4: asked 1.017; open 0 1 1; held false; gone true
  table 0: flows 3; stale 2
  set: Closed 2; backlog 0 2 5; inDevices 3
> fin 40003
  event 0x8000 of 40003 at 1018000000 device 1: a FIN or RST was seen
  event 0x8000 of 40003 at 1018000000 device 0: a FIN or RST was seen
  clock: now 1018000000
  conn 40003/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121018000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40003/0 why: why the flow table does not hold it; where []
  conn 40003/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 3; Open [1:3 2:5]
  nic0 0: leaving 3
  nic0 1: removes [40001 40002 40003 ]
  nic0 5: asked 1.018; open 0 1 1; held false; gone true
  table 0: flows 2; stale 3
  set: Closed 3; backlog 0 3 5; inDevices 2
> kill 40000
  event 0x8000 of 40000 at 1018000000 device 1: the connection has ended
  event 0x4 of 40000 at 1018000000 device 0: 
  nic0 stats: Held 1; Leaving 4; Open [1:4 2:5]
  nic0 0: leaving 4
  nic0 1: removes [40001 40002 40003 slot1 ]
  nic0 2: entry slot1; asked 1.018; open 0 1 1; held false; gone true
  set: backlog 0 4 5; inDevices 1
  conn 40000/0: gone
  conn 40000/0 record: gone
  conn 40000/0 why: gone
> pump
> turn nic0 dead=0
> pump
  nic0: remove 40001
  nic0: remove 40002
  nic0 stats: Removals 2
  nic0 1: removes [40003 slot1 ]
> pump
  nic0: remove 40003
  nic0: remove slot1
  nic0 stats: Removals 4
  nic0 1: removes []
> answer nic0
> pump
  nic0 stats: Leaving 0; Open []; Ignored [3:4]
  nic0 0: leaving 0
  nic0 2: entry 40004; used 1.015; at 1.018; asked 1.015; mark 1.015; open 0 0 0; held true; gone false
  set: backlog 0 0 0
  nic0 3: gone
  nic0 4: gone
  nic0 5: gone
  nic0 6: gone
> unregister nic0
  nic0: remove 40004
  event 0x8000 of 40004 at 1018000000 device 1: the device went away
  conn 40004/0: status 0x400e; flags 0x3
  conn 40004/0 why: why no device uses its zone; where []
  conn 40004/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  table 0: refs 8; devices 0
  set: inDevices 0; devices []
  nic0 0: gone
  nic0 1: gone
  nic0 2: gone
  nic0 stats: gone
> pump
