# Moved back by hand: for good, or until its next packet.
> device nic0 prober
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> crowd 40000 3
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x4000 of 40000 at 1005000000 device 1: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x4000 of 40001 at 1008000000 device 1: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  clock: now 1009000000
  conn 40000/0: status 0xc00e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: where [{nic0 true }]
  conn 40000/0 record: in 1; held 1; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: where [{nic0 true }]
  conn 40001/0 record: in 1; held 1; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Submitted 2; Added 2
  nic0 0: patrols 1.004
  nic0 1: adds [40002 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  nic0 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; held true
  table 0: flows 3
  set: Added 3; backlog 1 0 0; inDevices 2
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 3
  nic0 1: adds []
  nic0 4: entry 40002; used 1.009; at 1.009; asked 1.009; mark 1.009; open 1 0 0
> carry nic0 40000
> back 40000
  nic0: remove 40000
  true
  event 0x8000 of 40000 at 1009000000 device 1: taken out by hand, or with its flow table
  conn 40000/0: status 0x400e; flags 0x3; deadline 31009000000; packets [3 1]; bytes [180 40]
  conn 40000/0 why: why taken out by hand, or with its flow table; where [{nic0 false taken out by hand, or with its flow table}]
  conn 40000/0 record: in 0; held 0; home true; next 2.009; why [23 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [0:1 1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: packets [1 0]; bytes [100 0]; used 1.009; at 1.009; asked 1.009; open 0 1 0; held false; gone true
  set: Carried 1; backlog 1 1 0; inDevices 1
> back 40001 again
  nic0: remove 40001
  true
  event 0x8000 of 40001 at 1009000000 device 1: taken out by hand, or with its flow table
  conn 40001/0: status 0x400e; flags 0x7
  conn 40001/0 why: why taken out by hand, or with its flow table; where [{nic0 false taken out by hand, or with its flow table}]
  conn 40001/0 record: in 0; held 0; next 2.009; why [23 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 2; Open [0:1 1:2]; Removals 2
  nic0 0: leaving 2
  nic0 3: at 1.009; asked 1.009; open 0 1 0; held false; gone true
  set: backlog 1 2 0; inDevices 0
> later 0.999s
  clock: now 2008000000
> data 40000
  event 0x4000 of 40002 at 2009000000 device 1: 
  clock: now 2009000000
  conn 40000/0: deadline 32009000000; packets [4 1]; bytes [230 40]
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 0; Open []; Added 3
  nic0 0: leaving 0
  nic0 2: entry 40002; packets [0 0]; bytes [0 0]; mark 1.009; open 0 0 0; held true; gone false
  table 0: sweep 2; cursor 3; due 3
  table 1: swept 2
  set: Hits 1; backlog 0 0 0; inDevices 1
  nic0 3: gone
  nic0 4: gone
> data 40001
  clock: now 2010000000
  conn 40001/0: flags 0xf; deadline 32010000000; packets [3 1]; bytes [130 40]
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; seen 4; rate 0.996; next 3.01; last 2.01; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40001 ]
  set: Hits 2; backlog 1 0 0
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2010000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 4
  nic0 1: adds []
  nic0 3: entry 40001; used 2.01; at 2.01; asked 2.01; mark 2.01; open 1 0 0
> later 0.001s
  clock: now 2011000000
> data 40001
  event 0x4000 of 40001 at 2012000000 device 1: 
  clock: now 2012000000
  conn 40001/0: status 0xc00e; deadline 32012000000; packets [4 1]; bytes [180 40]
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 4
  nic0 3: open 0 0 0; held true
  set: Hits 3; backlog 0 0 0; inDevices 2
> data 40000
  clock: now 2013000000
  conn 40000/0: deadline 32013000000; packets [5 1]; bytes [280 40]
  set: Hits 4
> pump
> admission
  table 0: replay 3
> pump
  conn 40000/0 record: seen 6; rate 2.97; next 3.013; last 2.013
  conn 40001/0 record: calm 1; seen 5; rate 333.3; next 4.013; last 2.013
  conn 40002/0 record: calm 1; next 4.013; last 2.013
  nic0 stats: Reads 2
  nic0 2: at 2.013
  nic0 3: at 2.013
  table 0: replay 0
> later 1.1s
  clock: now 3113000000
> data 40000
  clock: now 3114000000
  conn 40000/0: deadline 33114000000; packets [6 1]; bytes [330 40]
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 3
  set: Hits 5
> pump
> mark 40000 3
> data 40000
  clock: now 3115000000
  conn 40000/0: deadline 33115000000; packets [7 1]; bytes [380 40]
  table 0: sweep 3; cursor 3
  set: Hits 6
> pump
> mark 40002 7
  nic0: remove 40002
  event 0x8000 of 40002 at 3115000000 device 1: its mark, label or state changed
  conn 40002/0: status 0x400e; flags 0x7
  conn 40002/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40002/0 record: in 0; held 0; calm 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 3
  nic0 0: leaving 1
  nic0 2: at 3.115; asked 3.115; open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 1
> pump
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  nic0 2: entry 40001; used 2.01; at 2.013; asked 2.01; mark 2.01; open 0 0 0; held true; gone false
  set: backlog 0 0 0
  nic0 3: gone
> removeif mark=4 mask=6
  0
> removeif mark=6 mask=6
  1
  event 0x8000 of 40002 at 3115000000 device 0: taken out by hand, or with its flow table
  conn 40002/0: status 0xe; flags 0x0; table 0; refs 1; maxwin 0 0
  conn 40002/0 why: why the flow table does not hold it; where []
  table 0: flows 2; stale 1
  set: Removed 1
> fin 40001
  nic0: remove 40001
  event 0x8000 of 40001 at 3116000000 device 1: a FIN or RST was seen
  event 0x8000 of 40001 at 3116000000 device 0: a FIN or RST was seen
  clock: now 3116000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 123116000000; packets [5 1]; bytes [220 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it; where []
  conn 40001/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 4
  nic0 0: leaving 1
  nic0 2: at 3.116; asked 3.116; open 0 1 0; held false; gone true
  table 0: flows 1; stale 2
  set: Closed 1; backlog 0 1 0; inDevices 0
> back 40001
  false
> later 1.1s
  clock: now 4216000000
> removeif zone=5
  0
> label 40000 9
> removeif label=8 labelmask=15
  0
> removeif label=8 labelmask=14
  1
  event 0x8000 of 40000 at 4216000000 device 0: taken out by hand, or with its flow table
  conn 40000/0: status 0xe; flags 0x0; table 0; refs 1; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it; where []
  table 0: flows 0; stale 3
  set: Removed 2
> handshake 40005
  event 0x2000 of 40005 at 4219000000 device 0: 
  clock: now 4219000000
  conn 40001/0: refs 0
  conn 40002/0: refs 0
  conn 40005/0: status 0x400e; flags 0xf; table 1; deadline 34219000000; timeout 86404219000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40005/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40005/0 record: queued 1; sort 3; seen 3; next 5.219; since 4.219; last 4.219; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Queue 1; Open []
  nic0 0: leaving 0; patrols 4.219
  nic0 1: adds [40005 ]
  table 0: flows 1; stale 1; swept 4; sweep 0; cursor 0; due 0
  table 1: swept 4
  set: Added 4; backlog 1 0 0
  nic0 2: gone
> translated 41000
  nic0: add 40005 [10 0 0 1]/40005-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40005 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4219000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40005 at 4221000000 device 1: 
  clock: now 4222000000
  conn 40005/0: status 0xc00e
  conn 40005/0 why: why ; where [{nic0 true }]
  conn 40005/0 record: queued 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 41000/5: status 0x98; flags 0x0; timeout 124220000000; packets [1 0]; bytes [40 0]; maxwin 65535 0
  conn 41000/5 why: why the flow table does not hold it
  conn 41000/5 record: no record
  nic0 stats: Held 1; Queue 0; Submitted 5; Added 5
  nic0 0: patrols 4.22
  nic0 1: adds []
  nic0 2: entry 40005; used 4.219; at 4.22; asked 4.22; mark 4.219; held true
  set: backlog 0 0 0; inDevices 1
> pump
> removeif zone=5 chain=0
  0
> removeif chain=7
  0
> removeif
  nic0: remove 40005
  1
  event 0x8000 of 40005 at 4222000000 device 1: taken out by hand, or with its flow table
  event 0x8000 of 40005 at 4222000000 device 0: taken out by hand, or with its flow table
  conn 40005/0: status 0xe; flags 0x0; table 0; refs 1; maxwin 0 0
  conn 40005/0 why: why the flow table does not hold it; where []
  conn 40005/0 record: in 0; held 0; why [23 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 5
  nic0 0: leaving 1
  nic0 2: at 4.222; asked 4.222; open 0 1 0; held false; gone true
  table 0: flows 0; stale 2
  set: Removed 3; backlog 0 1 0; inDevices 0
