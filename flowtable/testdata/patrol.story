# What a device never answers is given up after thirty seconds.
> device nic0 manual
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
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  clock: now 1009000000
  conn 40000/0: status 0x400e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 1; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [19 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: in 1; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [19 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1; Open [0:2]; Submitted 2
  nic0 0: patrols 1.004
  nic0 1: adds [40002 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; open 1 0 0
  nic0 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; open 1 0 0
  table 0: flows 3
  set: Added 3; backlog 3 0 0
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:3]; Submitted 3
  nic0 1: adds []
  nic0 4: entry 40002; used 1.009; at 1.009; asked 1.009; mark 1.009; open 1 0 0
> answer nic0
> pump
  event 0x4000 of 40000 at 1009000000 device 1: 
  event 0x4000 of 40001 at 1009000000 device 1: 
  event 0x4000 of 40002 at 1009000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 3; Open []; Added 3
  nic0 2: open 0 0 0; held true
  nic0 3: open 0 0 0; held true
  nic0 4: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 3
> read
  nic0: read 40002
  nic0: read 40001
  nic0: read 40000
  nic0 stats: Open [2:3]; Reads 3
  nic0 2: asked 1.009; open 0 0 1
  nic0 3: asked 1.009; open 0 0 1
  nic0 4: open 0 0 1
  set: backlog 0 0 3
> turn nic0 auto=0
> fin 40001
  nic0: remove 40001
  event 0x8000 of 40001 at 1010000000 device 1: a FIN or RST was seen
  event 0x8000 of 40001 at 1010000000 device 0: a FIN or RST was seen
  clock: now 1010000000
  conn 40001/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121010000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40001/0 why: why the flow table does not hold it; where []
  conn 40001/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 1; Open [1:1 2:3]; Removals 1
  nic0 0: leaving 1
  nic0 3: asked 1.01; open 0 1 1; held false; gone true
  table 0: flows 2; stale 1
  set: Closed 1; backlog 0 1 3; inDevices 2
> handshake 40003
  event 0x2000 of 40003 at 1013000000 device 0: 
  clock: now 1013000000
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 31013000000; timeout 86401013000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: queued 1; sort 3; seen 3; next 2.013; since 1.013; last 1.013; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40003 ]
  table 0: flows 3
  set: Added 4; backlog 1 1 3
> pump
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1013000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40003/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1 1:1 2:3]; Submitted 4
  nic0 1: adds []
  nic0 5: entry 40003; used 1.013; at 1.013; asked 1.013; mark 1.013; open 1 0 0
> tick 100
> later 3.3s
  clock: now 4313000000
> tick 100
  conn 40001/0: refs 0
  nic0 0: patrolAt 3; patrols 4.313
  table 0: stale 0; sweep 4; cursor 2; due 3
  table 1: swept 4
> later 3.4s
  clock: now 7713000000
> tick 100
  nic0 0: patrolAt 2; patrols 7.713
  table 0: swept 4; sweep 0; cursor 0
  table 1: swept 7
> later 3.4s
  clock: now 11113000000
> tick 100
  nic0 0: patrolAt 1; patrols 11.113
  table 0: sweep 11; cursor 3
  table 1: swept 11
> later 20s
  clock: now 31113000000
> data 40000
  nic0: remove 40003
  nic0: read 40002
  nic0: read 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 31114000000 device 1: its mark, label or state changed
  clock: now 31114000000
  conn 40000/0: status 0x400e; flags 0x7; deadline 61114000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 0; held 0; calm 1; seen 4; rate 0.03321; next 33.114; last 31.114; why [19 0 0 0 0 0 0 0]
  conn 40003/0: flags 0x7
  conn 40003/0 why: why the device failed; where [{nic0 false the device failed}]
  conn 40003/0 record: in 0; next 32.114; why [16 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 2; Open [1:2 2:2]; Removals 3; Reads 5; Lost 5
  nic0 0: leaving 2; patrols 31.114
  nic0 2: asked 31.114; open 0 1 1; held false; gone true; again true
  nic0 3: entry 40003; used 1.013; at 1.013; asked 31.114; mark 1.013; open 1 1 0
  nic0 4: asked 31.114
  table 0: swept 11; sweep 0; cursor 0
  table 1: swept 31
  set: Hits 1; backlog 0 2 2; inDevices 1
  nic0 5: gone
> data 40002
  nic0: remove 40002
  event 0x8000 of 40002 at 31115000000 device 1: its mark, label or state changed
  clock: now 31115000000
  conn 40002/0: status 0x400e; flags 0x7; deadline 61115000000; packets [3 1]; bytes [130 40]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: in 0; held 0; calm 1; seen 4; rate 0.03322; next 33.115; last 31.115; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 3; Open [1:3 2:2]; Removals 4
  nic0 0: leaving 3
  nic0 4: asked 31.115; open 0 1 1; held false; gone true; again true
  table 0: sweep 31; cursor 3
  set: Hits 2; backlog 0 3 2; inDevices 0
> data 40003
  clock: now 31116000000
  conn 40003/0: deadline 61116000000; packets [3 1]; bytes [130 40]
  set: Hits 3
> tick 100
> later 10s
  clock: now 41116000000
> data 40000
  clock: now 41117000000
  conn 40000/0: deadline 71117000000; packets [4 1]; bytes [180 40]
  conn 40000/0 record: seen 5; rate 0.09997; next 42.117; last 41.117
  nic0 0: patrols 41.117
  table 0: swept 31; sweep 0; cursor 0
  table 1: swept 41
  set: Hits 4
> tick 100
  table 0: sweep 41; cursor 3
> data 40003
  clock: now 41118000000
  conn 40003/0: deadline 71118000000; packets [4 1]; bytes [180 40]
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: seen 5; rate 0.04987; next 42.118; last 41.118; why [19 0 0 0 0 0 0 0]
  nic0 3: again true
  set: Hits 5
> later 1s
  clock: now 42118000000
> data 40003
  clock: now 42119000000
  conn 40003/0: deadline 72119000000; packets [5 1]; bytes [230 40]
  conn 40003/0 record: seen 6; rate 0.999; next 43.119; last 42.119
  table 0: swept 41; sweep 0; cursor 0
  table 1: swept 42
  set: Hits 6
> tick 8
  table 0: sweep 42; cursor 3
> later 2s
  clock: now 44119000000
> tick 100
  table 0: swept 42; sweep 0; cursor 0
  table 1: swept 44
> later 20s
  clock: now 64119000000
> tick 100
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 41117000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 42119000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 31115000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 record: in 1
  conn 40002/0: flags 0xf
  conn 40002/0 record: in 1
  conn 40003/0: flags 0xf
  conn 40003/0 record: in 1
  nic0 stats: Leaving 0; Open [0:3]; Submitted 7; Lost 11
  nic0 0: leaving 0; patrolAt 0; patrols 64.119
  nic0 2: used 41.117; at 64.119; asked 64.119; mark 41.117; open 1 0 0; gone false; again false
  nic0 3: used 42.119; at 64.119; asked 64.119; mark 42.119; open 1 0 0; gone false; again false
  nic0 4: used 31.115; at 64.119; asked 64.119; mark 31.115; open 1 0 0; gone false; again false
  table 0: sweep 64; cursor 3
  table 1: swept 64
  set: backlog 3 0 0
> later 20s
  clock: now 84119000000
> data 40003
  nic0: remove 40002
  nic0: remove 40000
  nic0: remove 40003
  event 0x8000 of 40002 at 62000000000 device 0: idle
  event 0x8000 of 40000 at 72000000000 device 0: idle
  event 0x8000 of 40003 at 73000000000 device 0: idle
  event 0x2000 of 40003 at 84120000000 device 0: 
  clock: now 84120000000
  conn 40000/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it; where []
  conn 40000/0 record: in 0; why [20 0 0 0 0 0 0 0]
  conn 40002/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40002/0 why: why the flow table does not hold it; where []
  conn 40002/0 record: in 0; why [20 0 0 0 0 0 0 0]
  conn 40003/0: flags 0x7; deadline 114120000000; timeout 86484120000000; packets [6 1]; bytes [280 40]; maxwin 65535 0
  conn 40003/0 record: in 0; seen 7; rate 0.02381; next 85.12; last 84.12
  nic0 stats: Leaving 3; Open [1:3]; Removals 7
  nic0 0: leaving 3; patrols 84.12
  nic0 2: asked 84.12; open 1 1 0; gone true
  nic0 3: asked 84.12; open 1 1 0; gone true; again true
  nic0 4: asked 84.12; open 1 1 0; gone true
  table 0: flows 1; swept 64; sweep 0; cursor 0
  table 1: swept 84
  set: Added 5; Aged 3; backlog 0 3 0
> tick 100
  table 0: sweep 84; cursor 1; due 1
