# One-way flows make room first.
> device nic0 prober gauge limit=2
  clock: now 1000000000
  nic0 stats: Name nic0; Limit 2
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> admission evict=3
> query 1000
  event 0x2000 of 1000 at 1001000000 device 0: 
  clock: now 1001000000
  conn 1000/0: status 0x4008; flags 0xd; table 1; deadline 31001000000; timeout 86401001000000; packets [1 0]; bytes [29 0]
  conn 1000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 1000/0 record: queued 1; seen 1; next 2.001; since 1.001; last 1.001; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 1.001
  nic0 1: adds [1000 ]
  table 0: flows 1
  set: Added 1; backlog 1 0 0
> handshake 40000
  nic0: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both false fresh true mark 0 label 0000 idle 30000000000 used 1001000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  event 0x4000 of 1000 at 1003000000 device 1: 
  event 0x2000 of 40000 at 1004000000 device 0: 
  clock: now 1004000000
  conn 1000/0: status 0xc008
  conn 1000/0 why: why ; where [{nic0 true }]
  conn 1000/0 record: queued 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 40000/0: status 0x400e; flags 0xf; table 1; deadline 31004000000; timeout 86401004000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; sort 3; seen 3; next 2.004; since 1.004; last 1.004; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Submitted 1; Added 1
  nic0 0: patrols 1.002
  nic0 1: adds [40000 ]
  nic0 2: entry 1000; used 1.001; at 1.002; asked 1.002; mark 1.001; held true
  table 0: flows 2
  set: Added 2; inDevices 1
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1004000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 0: closed true
  nic0 1: adds []
  nic0 3: entry 40000; used 1.004; at 1.004; asked 1.004; mark 1.004; open 1 0 0
> later 0.5s
  clock: now 1504000000
> handshake 40001
  event 0x4000 of 40000 at 1505000000 device 1: 
  event 0x2000 of 40001 at 1507000000 device 0: 
  clock: now 1507000000
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 31507000000; timeout 86401507000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 2.507; since 1.507; last 1.507; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Open []; Added 2
  nic0 1: adds [40001 ]
  nic0 3: open 0 0 0; held true
  table 0: flows 3
  set: Added 3; inDevices 2
> pump
  conn 40001/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40001/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40001 ]
  set: backlog 0 0 0
> pump
  nic0: remove 1000
  event 0x8000 of 1000 at 1507000000 device 1: evicted for another connection
  conn 1000/0: status 0x4008; flags 0x5
  conn 1000/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 1000/0 record: in 0; held 0; next 2.507; last 1.507; why [13 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 1; Reads 16; Evicted 1
  nic0 0: leaving 1
  nic0 2: at 1.507; asked 1.507; open 0 1 0; held false; gone true
  nic0 3: at 1.507
  set: backlog 0 1 0; inDevices 1
> handshake 40002
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1507000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40001 at 1509000000 device 1: 
  event 0x2000 of 40002 at 1510000000 device 0: 
  clock: now 1510000000
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: pending 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31510000000; timeout 86401510000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.51; since 1.51; last 1.51; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 0; Queue 1; Pending 0; Open []; Submitted 3; Added 3
  nic0 0: leaving 0; waiting 0
  nic0 1: adds [40002 ]; pending []
  nic0 2: entry 40000; used 1.004; asked 1.004; mark 1.004; open 0 0 0; held true; gone false
  nic0 3: entry 40001; used 1.507; at 1.508; asked 1.508; mark 1.507
  table 0: flows 4
  set: Added 4; backlog 1 0 0; inDevices 2
> pump
  conn 40002/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40002/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40002 ]
  set: backlog 0 0 0
> later 1s
  clock: now 2510000000
> pump
  nic0: remove 40000
  event 0x8000 of 40000 at 2510000000 device 1: evicted for another connection
  conn 40000/0: status 0x400e; flags 0x7
  conn 40000/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40000/0 record: in 0; held 0; next 3.51; last 2.51; why [13 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Leaving 1; Open [1:1]; Removals 2; Reads 32; Evicted 2
  nic0 0: leaving 1
  nic0 2: at 2.51; asked 2.51; open 0 1 0; held false; gone true
  nic0 3: at 2.51
  set: backlog 0 1 0; inDevices 1
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1510000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: pending 0; in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Pending 0; Open [0:1]; Submitted 4
  nic0 0: leaving 0; waiting 0
  nic0 1: pending []
  nic0 2: entry 40001; used 1.507; asked 1.508; mark 1.507; open 0 0 0; held true; gone false
  nic0 3: entry 40002; used 1.51; asked 2.51; mark 1.51; open 1 0 0; held false
  set: backlog 1 0 0
> data 40000
  event 0x4000 of 40002 at 2511000000 device 1: 
  clock: now 2511000000
  conn 40000/0: deadline 32511000000; packets [3 1]; bytes [130 40]
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Added 4
  nic0 3: open 0 0 0; held true
  table 0: swept 2; due 4
  table 1: swept 2
  set: Hits 1; backlog 0 0 0; inDevices 2
> later 1.1s
  clock: now 3611000000
> data 40000
  clock: now 3612000000
  conn 40000/0: flags 0xf; deadline 33612000000; packets [4 1]; bytes [180 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 5; rate 1.815; next 4.612; last 3.612; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40000 ]
  table 0: swept 3
  table 1: swept 3
  set: Hits 2; backlog 1 0 0
> pump
  conn 40000/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40000/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 1
  nic0 0: waiting 1
  nic0 1: adds []; pending [40000 ]
  set: backlog 0 0 0
> admission evict=1
  conn 1000/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  nic0 0: closed false
  table 0: replay 4
> pump
  nic0: remove 40001
  event 0x8000 of 40001 at 3612000000 device 1: evicted for another connection
  conn 1000/0: flags 0xd
  conn 1000/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 1000/0 record: pending 1; next 4.612; last 3.612; why [12 0 0 0 0 0 0 0]
  conn 40000/0 record: why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0x7
  conn 40001/0 why: why evicted for another connection; where [{nic0 false evicted for another connection}]
  conn 40001/0 record: in 0; held 0; calm 1; next 5.612; last 3.612; why [13 0 0 0 0 0 0 0]
  conn 40002/0 record: calm 1; next 5.612; last 3.612
  nic0 stats: Held 1; Leaving 1; Pending 2; Open [1:1]; Removals 3; Reads 50; Evicted 3
  nic0 0: closed true; leaving 1; waiting 2
  nic0 1: pending [40000 1000 ]
  nic0 2: at 3.612; asked 3.612; open 0 1 0; held false; gone true
  nic0 3: at 3.612
  table 0: replay 0
  set: backlog 0 1 0; inDevices 1
> admission evict=0
  conn 40001/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  nic0 0: closed false
  table 0: replay 4
> handshake 40003
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 3612000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40000 at 3614000000 device 1: 
  event 0x2000 of 40003 at 3615000000 device 0: 
  clock: now 3615000000
  conn 1000/0 record: next 4.613; last 3.613; why [0 0 0 0 0 0 0 0]
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: pending 0; in 1; held 1; rate 0; next 4.613; last 3.613
  conn 40001/0: flags 0xf
  conn 40001/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40001/0 record: pending 1; calm 0; next 4.613; last 3.613; why [12 0 0 0 0 0 0 0]
  conn 40002/0 record: next 5.613; last 3.613
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 33615000000; timeout 86403615000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: queued 1; sort 3; seen 3; next 4.615; since 3.615; last 3.615; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 0; Queue 1; Open []; Submitted 5; Reads 51; Added 5
  nic0 0: closed true; leaving 0
  nic0 1: adds [40003 ]; pending [1000 40001 ]
  nic0 2: entry 40002; used 1.51; at 3.613; asked 2.51; mark 1.51; open 0 0 0; held true; gone false
  nic0 3: entry 40000; used 3.612; at 3.613; asked 3.613; mark 3.612
  table 0: flows 5; replay 0
  set: Added 5; backlog 1 0 0; inDevices 2
> pump
  conn 40003/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40003/0 record: queued 0; pending 1; why [12 0 0 0 0 0 0 0]
  nic0 stats: Queue 0; Pending 3
  nic0 0: waiting 3
  nic0 1: adds []; pending [1000 40001 40003 ]
  set: backlog 0 0 0
