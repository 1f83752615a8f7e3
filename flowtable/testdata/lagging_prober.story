# A device that answers readings at once, and requests later.
> device nic0 prober manual
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
> carry nic0 40000
  not held
> mark 40000 5
  nic0: remove 40000
  conn 40000/0: flags 0x7
  conn 40000/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40000/0 record: in 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: open 1 1 0; gone true
  set: backlog 0 1 0
> pump
> answer nic0
> pump
  nic0 stats: Leaving 0; Open []; Ignored [3:1]
  nic0 0: leaving 0
  set: backlog 0 0 0
  nic0 2: gone
> pump
> later 1.1s
  clock: now 2103000000
> data 40000
  clock: now 2104000000
  conn 40000/0: flags 0xf; deadline 32104000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 4; rate 0.9083; next 3.104; last 2.104; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 2.104
  nic0 1: adds [40000 ]
  table 0: sweep 2; cursor 1; due 1
  table 1: swept 2
  set: Hits 1; backlog 1 0 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 5 label 0000 idle 30000000000 used 2104000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 1: adds []
  nic0 2: entry 40000; used 2.104; at 2.104; asked 2.104; mark 2.104; open 1 0 0
> answer nic0
> pump
  event 0x4000 of 40000 at 2104000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 1
  nic0 2: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 1
> mark 40000 6
  nic0: remove 40000
  event 0x8000 of 40000 at 2104000000 device 1: its mark, label or state changed
  conn 40000/0: status 0x400e; flags 0x7
  conn 40000/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40000/0 record: in 0; held 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 2
  nic0 0: leaving 1
  nic0 2: open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 0
> turn nic0 dead=1
> pump
> turn nic0 dead=0
> later 1.1s
  clock: now 3204000000
> data 40000
  clock: now 3205000000
  conn 40000/0: flags 0xf; deadline 33205000000; packets [4 1]; bytes [180 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 5; next 4.205; last 3.205; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40000 ]
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 3
  set: Hits 2; backlog 1 1 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 6 label 0000 idle 30000000000 used 3205000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1 1:1]; Submitted 3
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 3.205; at 3.205; asked 3.205; mark 3.205; open 1 1 0; gone false
> turn nic0 dead=1
> mark 40000 7
  conn 40000/0: flags 0x7
  conn 40000/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40000/0 record: in 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:2]
  nic0 0: leaving 1
  nic0 1: removes [40000 ]
  nic0 2: open 1 2 0; gone true
  set: backlog 0 2 0
> later 1.1s
  clock: now 4305000000
> data 40000
  clock: now 4306000000
  conn 40000/0: deadline 34306000000; packets [5 1]; bytes [230 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: seen 6; next 5.306; last 4.306; why [19 0 0 0 0 0 0 0]
  nic0 2: again true
  table 0: sweep 4; cursor 1
  table 1: swept 4
  set: Hits 3
> pump
> answer nic0
> pump
  nic0 stats: Open [1:1]; Ignored [3:2]
  nic0 2: open 0 1 0
  set: backlog 0 1 0
> turn nic0 dead=0
> pump
  nic0: remove 40000
  nic0 stats: Removals 3
  nic0 1: removes []
> answer nic0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 7 label 0000 idle 30000000000 used 4306000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 record: in 1
  nic0 stats: Leaving 0; Open [0:1]; Submitted 4
  nic0 0: leaving 0
  nic0 2: used 4.306; at 4.306; asked 4.306; mark 4.306; open 1 0 0; gone false; again false
  set: backlog 1 0 0
> handshake 40001
  event 0x2000 of 40001 at 4309000000 device 0: 
  clock: now 4309000000
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 34309000000; timeout 86404309000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 5.309; since 4.309; last 4.309; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40001 ]
  table 0: flows 2
  set: Added 2; backlog 2 0 0
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4309000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:2]; Submitted 5
  nic0 1: adds []
  nic0 3: entry 40001; used 4.309; at 4.309; asked 4.309; mark 4.309; open 1 0 0
> read
> mark 40001 3
  nic0: remove 40001
  conn 40001/0: flags 0x7
  conn 40001/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40001/0 record: in 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [0:1 1:1]; Removals 4
  nic0 0: leaving 1
  nic0 3: open 1 1 0; gone true
  set: backlog 1 1 0
> back 40001
  true
  conn 40001/0: flags 0x3
  conn 40001/0 why: why taken out by hand, or with its flow table; where [{nic0 false taken out by hand, or with its flow table}]
  conn 40001/0 record: home true
> answer nic0
> pump
  event 0x4000 of 40000 at 4309000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 0; Open []; Added 2; Ignored [3:3]
  nic0 0: leaving 0
  nic0 2: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 1
  nic0 3: gone
> pump
> handshake 40002
  event 0x2000 of 40002 at 4312000000 device 0: 
  clock: now 4312000000
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 34312000000; timeout 86404312000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 5.312; since 4.312; last 4.312; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40002 ]
  table 0: flows 3
  set: Added 3; backlog 1 0 0
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4312000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 6
  nic0 1: adds []
  nic0 3: entry 40002; used 4.312; at 4.312; asked 4.312; mark 4.312; open 1 0 0
> mark 40002 3
  nic0: remove 40002
  conn 40002/0: flags 0x7
  conn 40002/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40002/0 record: in 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:1]; Removals 5
  nic0 0: leaving 1
  nic0 3: open 1 1 0; gone true
  set: backlog 0 1 0
> later 1.1s
  clock: now 5412000000
> data 40002
  clock: now 5413000000
  conn 40002/0: deadline 35413000000; packets [3 1]; bytes [130 40]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: seen 4; rate 0.9083; next 6.413; last 5.413; why [19 0 0 0 0 0 0 0]
  nic0 3: again true
  table 0: swept 4; sweep 0; cursor 0
  table 1: swept 5
  set: Hits 4
> complete nic0 40002 op=0
> pump
  nic0 stats: Ignored [3:4]
  nic0 3: open 0 1 0
> turn nic0 dead=1
> later 1.1s
  clock: now 6513000000
> data 40002
  clock: now 6514000000
  conn 40002/0: flags 0xf; deadline 36514000000; packets [4 1]; bytes [180 40]
  conn 40002/0 record: queued 1; seen 5; next 7.514; last 6.514
  nic0 stats: Queue 1
  nic0 1: adds [40002 ]
  nic0 3: again false
  table 0: swept 6; due 3
  table 1: swept 6
  set: Hits 5; backlog 1 1 0
> pump
  nic0 3: used 6.514; at 6.514; asked 6.514; mark 6.514
> complete nic0 40002 op=1
> pump
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  set: backlog 1 0 0
  nic0 3: gone
> turn nic0 dead=0
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 3 label 0000 idle 30000000000 used 6514000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 7
  nic0 1: adds []
  nic0 3: entry 40002; used 6.514; at 6.514; asked 6.514; mark 6.514; open 1 0 0
