# A device that answers at once: into it, counted in it, out of it.
> device nic0 prober
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
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
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 1
  nic0 1: adds []
  nic0 2: entry 40000; used 1.003; at 1.003; asked 1.003; mark 1.003; open 1 0 0
> data 40000
  event 0x4000 of 40000 at 1004000000 device 1: 
  clock: now 1004000000
  conn 40000/0: status 0xc00e; deadline 31004000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 1
  nic0 2: open 0 0 0; held true
  set: Hits 1; backlog 0 0 0; inDevices 1
> later 0.998s
  clock: now 2002000000
> data 40000
  clock: now 2003000000
  conn 40000/0: deadline 32003000000; packets [4 1]; bytes [180 40]
  conn 40000/0 record: calm 1; seen 5; rate 2; next 4.003; last 2.003
  nic0 stats: Reads 1
  nic0 2: at 2.003
  table 0: sweep 2; cursor 1; due 1
  table 1: swept 2
  set: Hits 2
> data 40000
  clock: now 2004000000
  conn 40000/0: deadline 32004000000; packets [5 1]; bytes [230 40]
  set: Hits 3
> carry nic0 40000 packets=10
> read
  conn 40000/0: packets [15 1]; bytes [1230 40]
  nic0 stats: Reads 2
  nic0 2: packets [10 0]; bytes [1000 0]; used 2.004; at 2.004
  set: Carried 10
> carry nic0 40000 packets=20 dir=1
> later 0.05s
  clock: now 2054000000
> read
  conn 40000/0: packets [15 21]; bytes [1230 2040]
  nic0 stats: Reads 3
  nic0 2: packets [10 20]; bytes [1000 2000]; at 2.054
  set: Carried 30
> wait 26s
  clock: now 28054000000
  nic0 stats: Reads 26
  nic0 0: patrols 21.054
  nic0 2: at 27.554
  table 0: swept 27; sweep 28
  table 1: swept 28
> carry nic0 40000
> wait 10s
  clock: now 38054000000
  conn 40000/0: deadline 58054000000; packets [16 21]; bytes [1330 2040]
  nic0 stats: Reads 34
  nic0 0: patrols 31.054
  nic0 2: packets [11 20]; bytes [1100 2000]; used 28.054; at 37.554
  table 0: swept 37; sweep 38
  table 1: swept 38
  set: Carried 31
> data 40000
  clock: now 38055000000
  conn 40000/0: deadline 68055000000; packets [17 21]; bytes [1380 2040]
  conn 40000/0 record: calm 0; seen 38; rate 0.9153; next 39.055; last 38.055
  nic0 stats: Reads 35
  nic0 2: at 38.055; mark 28.054
  set: Hits 4
> pump
> fin 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 38056000000 device 1: a FIN or RST was seen
  event 0x8000 of 40000 at 38056000000 device 0: a FIN or RST was seen
  clock: now 38056000000
  conn 40000/0: status 0xe; flags 0x0; table 0; refs 1; timeout 158056000000; packets [18 21]; bytes [1420 2040]; maxwin 65535 0
  conn 40000/0 why: why the flow table does not hold it; where []
  conn 40000/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: at 38.056; asked 38.056; open 0 1 0; held false; gone true
  table 0: flows 0; stale 1
  set: Closed 1; backlog 0 1 0; inDevices 0
> data 40000
  clock: now 38057000000
  conn 40000/0: timeout 98057000000; packets [19 21]; bytes [1470 2040]
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  set: backlog 0 0 0
  nic0 2: gone
> wait 2s
  clock: now 40057000000
  conn 40000/0: refs 0
  nic0 0: patrols 40.057
  table 0: stale 0; swept 40; sweep 0; cursor 0; due 0
  table 1: swept 40
> rst 40000
  clock: now 40058000000
  conn 40000/0: timeout 50058000000; packets [19 22]; bytes [1470 2080]
  nic0 0: patrols 40.058
> wait 2s
  clock: now 42058000000
  nic0 0: patrols 42.058
  table 0: swept 42
  table 1: swept 42
> handshake 40001
  event 0x2000 of 40001 at 42061000000 device 0: 
  clock: now 42061000000
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 72061000000; timeout 86442061000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 43.061; since 42.061; last 42.061; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 42.061
  nic0 1: adds [40001 ]
  table 0: flows 1
  set: Added 2; backlog 1 0 0
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 42061000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 1: adds []
  nic0 2: entry 40001; used 42.061; at 42.061; asked 42.061; mark 42.061; open 1 0 0
> forget nic0 40001
> read
> later 0.5s
  clock: now 42561000000
> data 40001
  event 0x4000 of 40001 at 42562000000 device 1: 
  clock: now 42562000000
  conn 40001/0: status 0xc00e; deadline 72562000000; packets [3 1]; bytes [130 40]
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 2
  nic0 2: open 0 0 0; held true
  set: Hits 5; backlog 0 0 0; inDevices 1
> later 0.6s
  clock: now 43162000000
> data 40001
  nic0: remove 40001
  event 0x8000 of 40001 at 43163000000 device 1: the device failed
  clock: now 43163000000
  conn 40001/0: status 0x400e; deadline 73163000000; packets [4 1]; bytes [180 40]
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; in 0; held 0; seen 5; rate 1.815; next 44.163; last 43.163; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 2; Reads 36; Forgot 1
  nic0 0: leaving 1
  nic0 1: adds [40001 ]
  nic0 2: asked 43.163; open 0 1 0; held false; gone true
  table 0: sweep 43; cursor 1; due 1
  table 1: swept 43
  set: Hits 6; backlog 1 1 0; inDevices 0
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 43163000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 3
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 43.163; at 43.163; mark 43.163; open 1 0 0; gone false
  set: backlog 1 0 0
> forget nic0 40001
> later 1s
  clock: now 44163000000
> data 40001
  nic0: remove 40001
  event 0x4000 of 40001 at 44164000000 device 1: 
  event 0x8000 of 40001 at 44164000000 device 1: the device failed
  clock: now 44164000000
  conn 40001/0: deadline 74164000000; packets [5 1]; bytes [230 40]
  conn 40001/0 record: queued 1; in 0; seen 6; rate 0.999; next 45.164; last 44.164
  nic0 stats: Leaving 1; Queue 1; Open [1:1]; Removals 3; Reads 37; Added 3; Forgot 2
  nic0 0: leaving 1
  nic0 1: adds [40001 ]
  nic0 2: asked 44.164; open 0 1 0; gone true
  table 0: swept 43; sweep 0; cursor 0
  table 1: swept 44
  set: Hits 7; backlog 1 1 0
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 44164000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 4
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 44.164; at 44.164; mark 44.164; open 1 0 0; gone false
  set: backlog 1 0 0
> later 1s
  clock: now 45164000000
> data 40001
  event 0x4000 of 40001 at 45165000000 device 1: 
  clock: now 45165000000
  conn 40001/0: status 0xc00e; deadline 75165000000; packets [6 1]; bytes [280 40]
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; calm 1; seen 7; next 47.165; last 45.165; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Reads 38; Added 4
  nic0 2: at 45.165; open 0 0 0; held true
  table 0: sweep 45; cursor 1
  table 1: swept 45
  set: Hits 8; backlog 0 0 0; inDevices 1
> pump
> kill 40001
  nic0: remove 40001
  event 0x8000 of 40001 at 45165000000 device 1: the connection has ended
  event 0x4 of 40001 at 45165000000 device 0: 
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 4
  nic0 0: leaving 1
  nic0 2: entry slot2; asked 45.165; open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 0
  conn 40001/0: gone
  conn 40001/0 record: gone
  conn 40001/0 why: gone
> pump
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  set: backlog 0 0 0
  nic0 2: gone
