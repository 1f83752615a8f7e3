# UDP: one way while nothing has answered, the tracker's while it is not assured.
> device nic0 prober
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> device nic1
  nic1 stats: Name nic1
  nic1 0: patrols 1
  table 0: refs 8; devices 11
  set: devices [nic0 nic1]
> query 1000
  event 0x2000 of 1000 at 1001000000 device 0: 
  clock: now 1001000000
  conn 1000/0: status 0x4008; flags 0xd; table 1; deadline 31001000000; timeout 86401001000000; packets [1 0]; bytes [29 0]
  conn 1000/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 1000/0 record: queued 11; seen 1; next 2.001; since 1.001; last 1.001; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 1.001
  nic0 1: adds [1000 ]
  nic1 stats: Queue 1
  nic1 0: patrols 1.001
  nic1 1: adds [1000 ]
  table 0: flows 1
  set: Added 1; backlog 2 0 0
> pump
  nic0: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both false fresh true mark 0 label 0000 idle 30000000000 used 1001000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic1: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both false fresh true mark 0 label 0000 idle 30000000000 used 1001000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 1000/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 1
  nic0 1: adds []
  nic0 2: entry 1000; used 1.001; at 1.001; asked 1.001; mark 1.001; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 1
  nic1 1: adds []
  nic1 2: entry 1000; used 1.001; at 1.001; asked 1.001; mark 1.001; open 1 0 0
> carry nic0 1000
> carry nic1 1000 packets=3
> read
  event 0x4000 of 1000 at 1001000000 device 2: 
  conn 1000/0: status 0xc008; timeout 31001000000; packets [2 0]; bytes [129 0]
  conn 1000/0 why: why ; where [{nic0 false on its way into the device} {nic1 true }]
  conn 1000/0 record: held 10; why [19 0 0 0 0 0 0 0]
  nic0 2: packets [1 0]; bytes [100 0]
  nic1 stats: Held 1; Open []; Added 1
  nic1 2: open 0 0 0; held true
  set: Carried 1; backlog 1 0 0; inDevices 1
> later 20s
  clock: now 21001000000
> query 1000
  event 0x4000 of 1000 at 21002000000 device 1: 
  clock: now 21002000000
  conn 1000/0: deadline 51002000000; timeout 51002000000; packets [3 0]; bytes [158 0]
  conn 1000/0 why: where [{nic0 true } {nic1 true }]
  conn 1000/0 record: held 11; calm 1; seen 3; rate 0.1; next 23.002; last 21.002; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Reads 1; Added 1
  nic0 0: patrols 21.002
  nic0 2: at 21.002; open 0 0 0; held true
  nic1 0: patrols 21.002
  table 0: sweep 21; cursor 1; due 1
  table 1: swept 21
  set: backlog 0 0 0
> pump
> response 1000
  nic0: remove 1000
  nic1: remove 1000
  event 0x8000 of 1000 at 21003000000 device 1: its mark, label or state changed
  event 0x8000 of 1000 at 21003000000 device 2: its mark, label or state changed
  clock: now 21003000000
  conn 1000/0: status 0x400a; flags 0x1; deadline 51003000000; timeout 51003000000; packets [3 1]; bytes [158 29]
  conn 1000/0 why: why the device does not carry it before it is assured; where [{nic0 false the device does not carry it before it is assured} {nic1 false the device does not carry it before it is assured}]
  conn 1000/0 record: in 0; held 0; sort 2; calm 0; seen 4; rate 1000; next 22.003; last 21.003; why [18 18 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: at 21.003; asked 21.003; open 0 1 0; held false; gone true
  nic1 stats: Held 0; Leaving 1; Open [1:1]; Removals 1
  nic1 0: leaving 1
  nic1 2: asked 21.003; open 0 1 0; held false; gone true
  set: backlog 0 2 0; inDevices 0
> pump
  conn 1000/0: packets [6 1]; bytes [458 29]
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  nic1 stats: Leaving 0; Open []
  nic1 0: leaving 0
  set: Carried 4; backlog 0 0 0
  nic0 2: gone
  nic1 2: gone
> later 0.5s
  clock: now 21503000000
> query 1000
  clock: now 21504000000
  conn 1000/0: status 0x400e; flags 0xd; deadline 51504000000; timeout 141504000000; packets [7 1]; bytes [487 29]
  conn 1000/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 1000/0 record: queued 11; sort 3; seen 8; rate 7.984; next 22.504; last 21.504; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 21.504
  nic0 1: adds [1000 ]
  nic1 stats: Queue 1
  nic1 0: patrols 21.504
  nic1 1: adds [1000 ]
  table 0: swept 21; sweep 0; cursor 0
  set: backlog 2 0 0
> response 1000
  nic0: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 21504000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic1: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 21504000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  clock: now 21505000000
  conn 1000/0: flags 0xf; deadline 51505000000; packets [7 2]; bytes [487 58]
  conn 1000/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 0: patrols 21.505
  nic0 1: adds []
  nic0 2: entry 1000; used 21.504; at 21.505; asked 21.505; mark 21.504; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 2
  nic1 0: patrols 21.505
  nic1 1: adds []
  nic1 2: entry 1000; used 21.504; at 21.505; asked 21.505; mark 21.504; open 1 0 0
  set: Hits 1
> pump
  event 0x4000 of 1000 at 21505000000 device 1: 
  event 0x4000 of 1000 at 21505000000 device 2: 
  conn 1000/0: status 0xc00e
  conn 1000/0 why: why ; where [{nic0 true } {nic1 true }]
  conn 1000/0 record: held 11; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 2
  nic0 2: open 0 0 0; held true
  nic1 stats: Held 1; Open []; Added 2
  nic1 2: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 1
> later 3s
  clock: now 24505000000
> query 1000
  nic1: read 1000
  clock: now 24506000000
  conn 1000/0: deadline 54506000000; packets [8 2]; bytes [516 58]
  conn 1000/0 record: calm 1; seen 10; rate 0.6662; next 26.506; last 24.506
  nic0 stats: Reads 3
  nic0 2: at 24.506
  nic1 stats: Open [2:1]; Reads 1
  nic1 2: asked 24.506; open 0 0 1
  table 0: swept 24
  table 1: swept 24
  set: Hits 2; backlog 0 0 1
> pump
  nic1 stats: Open []
  nic1 2: at 24.506; open 0 0 0
  set: backlog 0 0 0
> query 1000
  clock: now 24507000000
  conn 1000/0: deadline 54507000000; packets [9 2]; bytes [545 58]
  set: Hits 3
> response 1000
  clock: now 24508000000
  conn 1000/0: deadline 54508000000; packets [9 3]; bytes [545 87]
  set: Hits 4
> later 29s
  clock: now 53508000000
> carry nic0 1000 dir=1
> wait 29s
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  nic1: read 1000
  clock: now 82508000000
  conn 1000/0: deadline 83508000000; packets [9 4]; bytes [545 187]
  nic0 stats: Reads 30
  nic0 0: patrols 73.608
  nic0 2: packets [0 1]; bytes [0 100]; used 53.508; at 82.508
  nic1 stats: Open [2:1]; Reads 28
  nic1 0: patrols 73.608
  nic1 2: at 81.508; asked 82.508; open 0 0 1
  table 0: swept 82
  table 1: swept 82
  set: Carried 5; backlog 0 0 1
> wait 2s
  nic1: read 1000
  nic0: remove 1000
  nic1: remove 1000
  event 0x8000 of 1000 at 84508000000 device 1: idle
  event 0x8000 of 1000 at 84508000000 device 2: idle
  event 0x8000 of 1000 at 84000000000 device 0: idle
  clock: now 84508000000
  conn 1000/0: status 0xe; flags 0x0; table 0; timeout 174000000000
  conn 1000/0 why: why the flow table does not hold it; where []
  conn 1000/0 record: in 0; held 0; why [20 20 0 0 0 0 0 0]
  nic0 stats: Held 0; Removals 2; Reads 33
  nic0 0: patrols 83.608
  nic1 stats: Held 0; Open []; Removals 2; Reads 29
  nic1 0: patrols 83.608
  table 0: flows 0; swept 84
  table 1: swept 84
  set: Aged 1; backlog 0 0 0; inDevices 0
  nic0 2: gone
  nic1 2: gone
> query 1001
  event 0x2000 of 1001 at 84509000000 device 0: 
  clock: now 84509000000
  conn 1001/0: status 0x4008; flags 0xd; table 1; deadline 114509000000; timeout 86484509000000; packets [1 0]; bytes [29 0]
  conn 1001/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 1001/0 record: queued 11; seen 1; next 85.509; since 84.509; last 84.509; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 84.509
  nic0 1: adds [1001 ]
  nic1 stats: Queue 1
  nic1 0: patrols 84.509
  nic1 1: adds [1001 ]
  table 0: flows 1
  set: Added 2; backlog 2 0 0
> pump
  nic0: add 1001 [10 0 0 1]/1001-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1001 zone 0 both false fresh true mark 0 label 0000 idle 30000000000 used 84509000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic1: add 1001 [10 0 0 1]/1001-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1001 zone 0 both false fresh true mark 0 label 0000 idle 30000000000 used 84509000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 1001/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 3
  nic0 1: adds []
  nic0 2: entry 1001; used 84.509; at 84.509; asked 84.509; mark 84.509; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 3
  nic1 1: adds []
  nic1 2: entry 1001; used 84.509; at 84.509; asked 84.509; mark 84.509; open 1 0 0
> wait 29s
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  nic1: read 1001
  event 0x4000 of 1001 at 84609000000 device 1: 
  event 0x4000 of 1001 at 84609000000 device 2: 
  clock: now 113509000000
  conn 1001/0: status 0xc008
  conn 1001/0 why: why ; where [{nic0 true } {nic1 true }]
  conn 1001/0 record: held 11; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Reads 59; Added 3
  nic0 0: patrols 104.509
  nic0 2: at 113.509; open 0 0 0; held true
  nic1 stats: Held 1; Open [2:1]; Reads 55; Added 3
  nic1 0: patrols 104.509
  nic1 2: at 112.509; asked 113.509; open 0 0 1; held true
  table 0: swept 113
  table 1: swept 113
  set: backlog 0 0 1; inDevices 1
> wait 2s
  nic1: read 1001
  nic0: remove 1001
  nic1: remove 1001
  event 0x8000 of 1001 at 115509000000 device 1: idle
  event 0x8000 of 1001 at 115509000000 device 2: idle
  event 0x8000 of 1001 at 115000000000 device 0: idle
  event 0x4 of 1001 at 115000000000 device 0: 
  clock: now 115509000000
  nic0 stats: Held 0; Removals 3; Reads 62
  nic0 0: patrols 114.509
  nic1 stats: Held 0; Open []; Removals 3; Reads 56
  nic1 0: patrols 114.509
  table 0: flows 0; swept 115
  table 1: swept 115
  set: Aged 2; backlog 0 0 0; inDevices 0
  conn 1001/0: gone
  conn 1001/0 record: gone
  conn 1001/0 why: gone
  nic0 2: gone
  nic1 2: gone
> behave 1
> query 1002
  event 0x2000 of 1002 at 115510000000 device 0: 
  clock: now 115510000000
  conn 1002/0: status 0x4008; flags 0x1; table 1; deadline 145510000000; timeout 86515510000000; packets [1 0]; bytes [29 0]
  conn 1002/0 why: why the device does not carry it before it is assured; where [{nic0 false the device does not carry it before it is assured} {nic1 false the device does not carry it before it is assured}]
  conn 1002/0 record: seen 1; next 116.51; since 115.51; last 115.51; why [18 18 0 0 0 0 0 0]
  nic0 0: patrols 115.51
  nic1 0: patrols 115.51
  table 0: flows 1
  set: Added 3
> pump
> response 1002
  clock: now 115511000000
  conn 1002/0: status 0x400a; deadline 145511000000; timeout 145511000000; packets [1 1]; bytes [29 29]
  conn 1002/0 record: sort 2; seen 2; rate 1000; next 116.511; last 115.511
  nic0 0: patrols 115.511
  nic1 0: patrols 115.511
> later 3s
  clock: now 118511000000
> query 1002
  clock: now 118512000000
  conn 1002/0: status 0x400e; flags 0xd; deadline 148512000000; timeout 238512000000; packets [2 1]; bytes [58 29]
  conn 1002/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 1002/0 record: queued 11; sort 3; seen 3; rate 0.3332; next 119.512; last 118.512; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 118.512
  nic0 1: adds [1002 ]
  nic1 stats: Queue 1
  nic1 0: patrols 118.512
  nic1 1: adds [1002 ]
  table 0: swept 118
  table 1: swept 118
  set: backlog 2 0 0
> pump
  nic0: add 1002 [10 0 0 1]/1002-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 118512000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic1: add 1002 [10 0 0 1]/1002-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 118512000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 1002/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 4
  nic0 1: adds []
  nic0 2: entry 1002; used 118.512; at 118.512; asked 118.512; mark 118.512; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 4
  nic1 1: adds []
  nic1 2: entry 1002; used 118.512; at 118.512; asked 118.512; mark 118.512; open 1 0 0
