# The same of a device that answers later, and of one without counters.
> device nic0
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
> later 1.1s
  clock: now 2103000000
> data 40000
  event 0x4000 of 40000 at 2104000000 device 1: 
  clock: now 2104000000
  conn 40000/0: status 0xc00e; deadline 32104000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; seen 4; rate 0.9083; next 3.104; last 2.104; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 1
  nic0 2: open 0 0 0; held true
  table 0: sweep 2; cursor 1; due 1
  table 1: swept 2
  set: Hits 1; backlog 0 0 0; inDevices 1
> pump
> later 20s
  clock: now 22104000000
> data 40000
  nic0: read 40000
  clock: now 22105000000
  conn 40000/0: deadline 52105000000; packets [4 1]; bytes [180 40]
  conn 40000/0 record: seen 5; rate 0.05; next 23.105; last 22.105
  nic0 stats: Open [2:1]; Reads 1
  nic0 0: patrols 22.105
  nic0 2: asked 22.105; open 0 0 1
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 22
  set: Hits 2; backlog 0 0 1
> pump
  nic0 stats: Open []
  nic0 2: at 22.105; open 0 0 0
  set: backlog 0 0 0
> later 9.5s
  clock: now 31605000000
> read
  nic0: read 40000
  nic0 stats: Reads 2
  nic0 2: at 31.605; asked 31.605
> pump
> data 40000
  nic0: read 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 31606000000 device 1: its mark, label or state changed
  clock: now 31606000000
  conn 40000/0: status 0x400e; flags 0x7; deadline 61606000000; packets [5 1]; bytes [230 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 0; held 0; calm 1; seen 6; rate 0.1053; next 33.606; last 31.606; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1 2:1]; Removals 1; Reads 3
  nic0 0: leaving 1
  nic0 2: asked 31.606; open 0 1 1; held false; gone true; again true
  table 0: swept 31
  table 1: swept 31
  set: Hits 3; backlog 0 1 1; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 31606000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 record: in 1
  nic0 stats: Leaving 0; Open [0:1]; Submitted 2; Ignored [3:1]
  nic0 0: leaving 0
  nic0 2: used 31.606; at 31.606; mark 31.606; open 1 0 0; gone false; again false
  set: backlog 1 0 0
> later 30s
  clock: now 61606000000
> data 40000
  nic0: remove 40000
  clock: now 61607000000
  conn 40000/0: flags 0x7; deadline 91607000000; packets [6 1]; bytes [280 40]
  conn 40000/0 why: why the device failed; where [{nic0 false the device failed}]
  conn 40000/0 record: in 0; next 62.607; why [16 0 0 0 0 0 0 0]
  nic0 stats: Open []; Removals 2; Lost 1; Ignored [3:2]
  nic0 0: patrols 61.607
  table 0: swept 61
  table 1: swept 61
  set: Hits 4; backlog 0 0 0
  nic0 2: gone
> pump
> later 2s
  clock: now 63607000000
> data 40000
  clock: now 63608000000
  conn 40000/0: flags 0xf; deadline 93608000000; packets [7 1]; bytes [330 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 8; rate 0.0625; next 64.608; last 63.608; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 63.608
  nic0 1: adds [40000 ]
  table 0: swept 63
  table 1: swept 63
  set: Hits 5; backlog 1 0 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 63608000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 3
  nic0 1: adds []
  nic0 2: entry 40000; used 63.608; at 63.608; asked 63.608; mark 63.608; open 1 0 0
> handshake 40001
  event 0x4000 of 40000 at 63609000000 device 1: 
  event 0x2000 of 40001 at 63611000000 device 0: 
  clock: now 63611000000
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 93611000000; timeout 86463611000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 64.611; since 63.611; last 63.611; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Queue 1; Open []; Added 2
  nic0 1: adds [40001 ]
  nic0 2: open 0 0 0; held true
  table 0: flows 2
  set: Added 2; inDevices 1
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 63611000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 4
  nic0 1: adds []
  nic0 3: entry 40001; used 63.611; at 63.611; asked 63.611; mark 63.611; open 1 0 0
> pump
  event 0x4000 of 40001 at 63611000000 device 1: 
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 3
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
> later 15s
  clock: now 78611000000
> data 40001
  nic0: read 40001
  nic0: read 40000
  clock: now 78612000000
  conn 40001/0: deadline 108612000000; packets [3 1]; bytes [130 40]
  conn 40001/0 record: seen 4; rate 0.06666; next 79.612; last 78.612
  nic0 stats: Open [2:2]; Reads 5
  nic0 0: patrols 78.612
  nic0 2: asked 78.612; open 0 0 1
  nic0 3: asked 78.612; open 0 0 1
  table 0: swept 78; due 2
  table 1: swept 78
  set: Hits 6; backlog 0 0 2
> later 14.997s
  clock: now 93609000000
> data 40001
  clock: now 93610000000
  conn 40001/0: deadline 123610000000; packets [4 1]; bytes [180 40]
  conn 40001/0 record: seen 5; rate 0.06668; next 94.61; last 93.61
  nic0 stats: Open []
  nic0 0: patrols 93.61
  nic0 2: at 78.612; open 0 0 0
  nic0 3: at 78.612; open 0 0 0
  table 0: swept 93
  table 1: swept 93
  set: Hits 7; backlog 0 0 0
> pump
> handshake 40002
  event 0x2000 of 40002 at 93613000000 device 0: 
  clock: now 93613000000
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 123613000000; timeout 86493613000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 94.613; since 93.613; last 93.613; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40002 ]
  table 0: flows 3
  set: Added 3; backlog 1 0 0
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 93613000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 5
  nic0 1: adds []
  nic0 4: entry 40002; used 93.613; at 93.613; asked 93.613; mark 93.613; open 1 0 0
> pump
  event 0x4000 of 40002 at 93613000000 device 1: 
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 3; Open []; Added 4
  nic0 4: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 3
> later 15s
  clock: now 108613000000
> data 40002
  nic0: read 40002
  nic0: read 40001
  nic0: read 40000
  clock: now 108614000000
  conn 40002/0: deadline 138614000000; packets [3 1]; bytes [130 40]
  conn 40002/0 record: seen 4; rate 0.06666; next 109.614; last 108.614
  nic0 stats: Open [2:3]; Reads 8
  nic0 0: patrols 108.614
  nic0 2: asked 108.614; open 0 0 1
  nic0 3: asked 108.614; open 0 0 1
  nic0 4: asked 108.614; open 0 0 1
  table 0: swept 108; due 3
  table 1: swept 108
  set: Hits 8; backlog 0 0 3
> later 14.998s
  clock: now 123612000000
> data 40002
  nic0: remove 40000
  nic0: remove 40002
  event 0x8000 of 40000 at 123613000000 device 1: idle
  event 0x8000 of 40000 at 94000000000 device 0: idle
  event 0x8000 of 40002 at 123613000000 device 1: its mark, label or state changed
  clock: now 123613000000
  conn 40000/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it; where []
  conn 40000/0 record: in 0; held 0; why [20 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0x7; deadline 153613000000; packets [4 1]; bytes [180 40]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: in 0; held 0; calm 1; seen 5; rate 0.06667; next 125.613; last 123.613; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 2; Open [1:2]; Removals 4
  nic0 0: leaving 2; patrols 123.613
  nic0 2: at 108.614; asked 123.613; open 0 1 0; held false; gone true
  nic0 3: at 108.614; open 0 0 0
  nic0 4: at 108.614; asked 123.613; open 0 1 0; held false; gone true; again true
  table 0: flows 2; swept 123
  table 1: swept 123
  set: Hits 9; Aged 1; backlog 0 2 0; inDevices 1
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 123613000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40002/0: flags 0xf
  conn 40002/0 record: in 1
  nic0 stats: Leaving 0; Open [0:1]; Submitted 6
  nic0 0: leaving 0
  nic0 2: entry 40001; used 63.611; asked 108.614; mark 63.611; open 0 0 0; held true; gone false
  nic0 3: entry 40002; used 123.613; at 123.613; asked 123.613; mark 123.613; open 1 0 0; held false
  set: backlog 1 0 0
  nic0 4: gone
