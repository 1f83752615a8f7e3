# Devices that let go by themselves, run backwards, and answer wrongly.
> device nic0
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> device nic1 prober
  nic1 stats: Name nic1
  nic1 0: patrols 1
  table 0: refs 8; devices 11
  set: devices [nic0 nic1]
> handshake 40000
  event 0x2000 of 40000 at 1003000000 device 0: 
  clock: now 1003000000
  conn 40000/0: status 0x400e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 40000/0 record: queued 11; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 1.003
  nic0 1: adds [40000 ]
  nic1 stats: Queue 1
  nic1 0: patrols 1.003
  nic1 1: adds [40000 ]
  table 0: flows 1
  set: Added 1; backlog 2 0 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic1: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 1
  nic0 1: adds []
  nic0 2: entry 40000; used 1.003; at 1.003; asked 1.003; mark 1.003; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 1
  nic1 1: adds []
  nic1 2: entry 40000; used 1.003; at 1.003; asked 1.003; mark 1.003; open 1 0 0
> carry nic0 40000 packets=9
> read
  event 0x4000 of 40000 at 1003000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true } {nic1 false on its way into the device}]
  conn 40000/0 record: held 1; why [0 19 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 1
  nic0 2: open 0 0 0; held true
  set: backlog 1 0 0; inDevices 1
> complete nic0 40000 op=1 reason=20 packets=12 bytes=1300 used=1.5s at=1.6s
> pump
  nic0: remove 40000
  event 0x8000 of 40000 at 1003000000 device 1: idle
  event 0x4000 of 40000 at 1003000000 device 2: 
  conn 40000/0: packets [14 1]; bytes [1380 40]
  conn 40000/0 why: where [{nic0 false idle} {nic1 true }]
  conn 40000/0 record: in 10; held 10; why [20 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 1; Returned 1
  nic0 0: leaving 1
  nic0 2: packets [12 0]; bytes [1300 0]; open 0 1 0; held false; gone true
  nic1 stats: Held 1; Open []; Added 1
  nic1 2: open 0 0 0; held true
  set: Carried 12; backlog 0 1 0
> later 0.9s
  clock: now 1903000000
> data 40000
  clock: now 1904000000
  conn 40000/0: deadline 31904000000; packets [15 1]; bytes [1430 40]
  nic0 stats: Leaving 0; Open []; Ignored [4:1]
  nic0 0: leaving 0
  set: Hits 1; backlog 0 0 0
  nic0 2: gone
> later 0.2s
  clock: now 2104000000
> data 40000
  clock: now 2105000000
  conn 40000/0: deadline 32105000000; packets [16 1]; bytes [1480 40]
  conn 40000/0 why: where [{nic0 false on its way into the device} {nic1 true }]
  conn 40000/0 record: queued 1; calm 1; seen 17; rate 12.7; next 4.105; last 2.105; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 2.105
  nic0 1: adds [40000 ]
  nic1 stats: Reads 1
  nic1 2: at 2.105
  table 0: sweep 2; cursor 1; due 1
  table 1: swept 2
  set: Hits 2; backlog 1 0 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2105000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 1: adds []
  nic0 2: entry 40000; used 2.105; at 2.105; asked 2.105; mark 2.105; open 1 0 0
> complete nic0 40000 op=1 reason=0
> pump
  nic0: remove 40000
  event 0x4000 of 40000 at 2105000000 device 1: 
  event 0x8000 of 40000 at 2105000000 device 1: idle
  conn 40000/0 why: where [{nic0 false idle} {nic1 true }]
  conn 40000/0 record: in 10; why [20 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [1:1]; Removals 2; Added 2; Returned 2
  nic0 0: leaving 1
  nic0 2: open 0 1 0; gone true
  set: backlog 0 1 0
> later 1s
  clock: now 3105000000
> data 40000
  clock: now 3106000000
  conn 40000/0: deadline 33106000000; packets [17 1]; bytes [1530 40]
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 3
  set: Hits 3; backlog 0 0 0
  nic0 2: gone
> pump
> complete nic1 40000 op=1 reason=255
> pump
  nic1: remove 40000
  event 0x8000 of 40000 at 3106000000 device 2: idle
  conn 40000/0: status 0x400e; flags 0x7
  conn 40000/0 why: why idle; where [{nic0 false idle} {nic1 false idle}]
  conn 40000/0 record: in 0; held 0; next 4.106; why [20 20 0 0 0 0 0 0]
  nic1 stats: Held 0; Leaving 1; Open [1:1]; Removals 1; Returned 1
  nic1 0: leaving 1
  nic1 2: at 3.106; asked 3.106; open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 0
> later 1.1s
  clock: now 4206000000
> data 40000
  clock: now 4207000000
  conn 40000/0: flags 0xf; deadline 34207000000; packets [18 1]; bytes [1580 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 40000/0 record: queued 11; seen 19; rate 0.9515; next 5.207; last 4.207; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 4.207
  nic0 1: adds [40000 ]
  nic1 stats: Leaving 0; Queue 1; Open []
  nic1 0: leaving 0
  nic1 1: adds [40000 ]
  table 0: sweep 4; cursor 1
  table 1: swept 4
  set: Hits 4; backlog 2 0 0
  nic1 2: gone
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4207000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic1: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4207000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 3
  nic0 1: adds []
  nic0 2: entry 40000; used 4.207; at 4.207; asked 4.207; mark 4.207; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 2
  nic1 1: adds []
  nic1 2: entry 40000; used 4.207; at 4.207; asked 4.207; mark 4.207; open 1 0 0
> carry nic0 40000 packets=3
> read
  event 0x4000 of 40000 at 4207000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true } {nic1 false on its way into the device}]
  conn 40000/0 record: held 1; why [0 19 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 3
  nic0 2: open 0 0 0; held true
  set: backlog 1 0 0; inDevices 1
> complete nic0 40000 op=2 packets=1
> pump
  event 0x4000 of 40000 at 4207000000 device 2: 
  conn 40000/0 why: where [{nic0 true } {nic1 true }]
  conn 40000/0 record: held 11; why [0 0 0 0 0 0 0 0]
  nic0 stats: Ignored [2:1 4:1]
  nic1 stats: Held 1; Open []; Added 2
  nic1 2: open 0 0 0; held true
  set: backlog 0 0 0
> turn nic0 auto=0
> read
  nic0: read 40000
  nic0 stats: Open [2:1]; Reads 1
  nic0 2: open 0 0 1
  nic1 stats: Reads 2
  set: backlog 0 0 1
> complete nic0 40000 op=2 packets=1 bytes=1
> pump
  conn 40000/0: packets [19 1]; bytes [1581 40]
  nic0 stats: Open []
  nic0 2: packets [1 0]; bytes [1 0]; open 0 0 0
  set: Carried 13; backlog 0 0 0
> read
  nic0: read 40000
  nic0 stats: Open [2:1]; Reads 2
  nic0 2: open 0 0 1
  nic1 stats: Reads 3
  set: backlog 0 0 1
> complete nic0 40000 op=2 result=3
> pump
  nic0: remove 40000
  event 0x8000 of 40000 at 4207000000 device 1: the device failed
  conn 40000/0 why: where [{nic0 false the device failed} {nic1 true }]
  conn 40000/0 record: in 10; held 10; why [16 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 3; Forgot 1
  nic0 0: leaving 1
  nic0 2: open 0 1 0; held false; gone true
  set: backlog 0 1 0
> answer nic0
> pump
  conn 40000/0: packets [21 1]; bytes [1880 40]
  nic0 stats: Leaving 0; Open []; Ignored [2:3 4:1]
  nic0 0: leaving 0
  set: Carried 15; backlog 0 0 0
  nic0 2: gone
> later 1.1s
  clock: now 5307000000
> data 40000
  nic1: remove 40000
  event 0x8000 of 40000 at 5308000000 device 2: its mark, label or state changed
  clock: now 5308000000
  conn 40000/0: status 0x400e; deadline 35308000000; packets [22 1]; bytes [1930 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device}]
  conn 40000/0 record: queued 11; in 0; held 0; calm 2; seen 23; rate 3.633; next 9.308; last 5.308; why [19 19 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 5.308
  nic0 1: adds [40000 ]
  nic1 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 2; Reads 4
  nic1 0: leaving 1
  nic1 1: adds [40000 ]
  nic1 2: at 5.308; asked 5.308; open 0 1 0; held false; gone true
  table 0: swept 4; sweep 0; cursor 0
  table 1: swept 5
  set: Hits 5; backlog 2 1 0; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 5308000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  nic1: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 5308000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 11
  nic0 stats: Queue 0; Open [0:1]; Submitted 4
  nic0 1: adds []
  nic0 2: entry 40000; used 5.308; at 5.308; asked 5.308; mark 5.308; open 1 0 0
  nic1 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 3
  nic1 0: leaving 0
  nic1 1: adds []
  nic1 2: used 5.308; mark 5.308; open 1 0 0; gone false
  set: backlog 2 0 0
> answer nic0
> pump
  event 0x4000 of 40000 at 5308000000 device 1: 
  event 0x4000 of 40000 at 5308000000 device 2: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true } {nic1 true }]
  conn 40000/0 record: held 11; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 4
  nic0 2: open 0 0 0; held true
  nic1 stats: Held 1; Open []; Added 3
  nic1 2: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 1
> read
  nic0: read 40000
  nic0 stats: Open [2:1]; Reads 3
  nic0 2: open 0 0 1
  nic1 stats: Reads 5
  set: backlog 0 0 1
> complete nic0 40000 op=2 packets=8 bytes=900 used=99s at=99s
> pump
  conn 40000/0: packets [30 1]; bytes [2830 40]
  nic0 stats: Open []
  nic0 2: packets [8 0]; bytes [900 0]; open 0 0 0
  set: Carried 23; backlog 0 0 0
