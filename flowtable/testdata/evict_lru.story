# The flow longest without a packet makes room, one idle for a second at least.
> device nic0 prober gauge limit=2
  clock: now 1000000000
  nic0 stats: Name nic0; Limit 2
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> admission evict=1
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
> later 0.5s
  clock: now 1503000000
> handshake 40001
  event 0x4000 of 40000 at 1504000000 device 1: 
  event 0x2000 of 40001 at 1506000000 device 0: 
  clock: now 1506000000
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 31506000000; timeout 86401506000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 2.506; since 1.506; last 1.506; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Queue 1; Open []; Added 1
  nic0 1: adds [40001 ]
  nic0 2: open 0 0 0; held true
  table 0: flows 2
  set: Added 2; inDevices 1
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1506000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 0: closed true
  nic0 1: adds []
  nic0 3: entry 40001; used 1.506; at 1.506; asked 1.506; mark 1.506; open 1 0 0
> handshake 40002
  event 0x4000 of 40001 at 1507000000 device 1: 
  event 0x2000 of 40002 at 1509000000 device 0: 
  clock: now 1509000000
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31509000000; timeout 86401509000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.509; since 1.509; last 1.509; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Open []; Added 2
  nic0 1: adds [40002 ]
  nic0 3: open 0 0 0; held true
  table 0: flows 3
  set: Added 3; inDevices 2
> pump
  conn 40002/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40002/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40002 ]
  set: backlog 0 0 0
> later 0.2s
  clock: now 1709000000
> pump
  nic0 stats: Reads 16
  nic0 0: evictAt 1.719
  nic0 2: at 1.709
  nic0 3: at 1.709
> later 0.3s
  clock: now 2009000000
> pump
  nic0: remove 40000
  event 0x8000 of 40000 at 2009000000 device 1: evicted for another connection
  conn 40000/0: status 0x400e; flags 0x7
  conn 40000/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40000/0 record: in 0; held 0; next 3.009; last 2.009; why [13 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 1; Reads 32; Evicted 1
  nic0 0: leaving 1
  nic0 2: at 2.009; asked 2.009; open 0 1 0; held false; gone true
  nic0 3: at 2.009
  set: backlog 0 1 0; inDevices 1
> carry nic0 40001
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1509000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 0; Open [0:1]; Submitted 3
  nic0 0: leaving 0; waiting 0
  nic0 1: pending []
  nic0 2: entry 40001; used 1.506; asked 1.506; mark 1.506; open 0 0 0; held true; gone false
  nic0 3: entry 40002; used 1.509; asked 2.009; mark 1.509; open 1 0 0; held false
  set: backlog 1 0 0
> pump
  event 0x4000 of 40002 at 2009000000 device 1: 
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 3
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
> later 0.01s
  clock: now 2019000000
> pump
> handshake 40003
  event 0x2000 of 40003 at 2022000000 device 0: 
  clock: now 2022000000
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 32022000000; timeout 86402022000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: queued 1; sort 3; seen 3; next 3.022; since 2.022; last 2.022; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40003 ]
  table 0: flows 4; sweep 2; cursor 3; due 3
  table 1: swept 2
  set: Added 4; backlog 1 0 0
> pump
  conn 40003/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40003/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40003 ]
  set: backlog 0 0 0
> later 1s
  clock: now 3022000000
> forget nic0 40001
> pump
  nic0: remove 40001
  nic0: remove 40002
  event 0x8000 of 40001 at 3022000000 device 1: the device failed
  event 0x8000 of 40002 at 3022000000 device 1: evicted for another connection
  conn 40001/0: status 0x400e; flags 0x7
  conn 40001/0 why: why the device failed; where [{nic0 false the device failed}]
  conn 40001/0 record: in 0; held 0; next 4.022; why [16 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0x7
  conn 40002/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40002/0 record: in 0; held 0; next 4.022; last 3.022; why [13 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 2; Open [1:2]; Removals 3; Reads 40; Evicted 2; Forgot 1
  nic0 0: leaving 2
  nic0 2: asked 3.022; open 0 1 0; held false; gone true
  nic0 3: at 3.022; asked 3.022; open 0 1 0; held false; gone true
  set: backlog 0 2 0; inDevices 0
> pump
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2022000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 0; Open [0:1]; Submitted 4
  nic0 0: closed false; leaving 0; waiting 0
  nic0 1: pending []
  nic0 2: entry 40003; used 2.022; at 3.022; mark 2.022; open 1 0 0; gone false
  set: backlog 1 0 0
  nic0 3: gone
> pump
  event 0x4000 of 40003 at 3022000000 device 1: 
  conn 40003/0: status 0xc00e
  conn 40003/0 why: why ; where [{nic0 true }]
  conn 40003/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 4
  nic0 2: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 1
> data 40000
  clock: now 3023000000
  conn 40000/0: flags 0xf; deadline 33023000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 4; rate 0.9862; next 4.023; last 3.023; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40000 ]
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 3
  set: Hits 1; backlog 1 0 0
> later 1.1s
  clock: now 4123000000
> data 40000
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 3023000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  clock: now 4124000000
  conn 40000/0: deadline 34124000000; packets [4 1]; bytes [180 40]
  conn 40000/0 record: queued 0; in 1; seen 5; rate 0.9083; next 5.124; last 4.124
  nic0 stats: Queue 0; Open [0:1]; Submitted 5
  nic0 0: closed true
  nic0 1: adds []
  nic0 3: entry 40000; used 3.023; at 4.124; asked 4.124; mark 3.023; open 1 0 0
  table 0: sweep 4; cursor 4; due 4
  table 1: swept 4
  set: Hits 2
> pump
  event 0x4000 of 40000 at 4124000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 5
  nic0 3: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 2
