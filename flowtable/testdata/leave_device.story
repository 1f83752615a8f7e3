# Devices that go: their flows, the queue, the pending list, and counters.
> device nic0 limit=2
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> device nic1 settler
  nic1 stats: Name nic1
  nic1 0: patrols 1
  table 0: refs 8; devices 11
  set: devices [nic0 nic1]
> device nic2 prober
  nic2 stats: Name nic2
  nic2 0: patrols 1
  table 0: refs 9; devices 111
  set: devices [nic0 nic1 nic2]
> crowd 40000 3
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic1: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic2: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic1: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic2: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x4000 of 40000 at 1005000000 device 1: 
  event 0x4000 of 40000 at 1005000000 device 2: 
  event 0x4000 of 40000 at 1005000000 device 3: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x4000 of 40001 at 1008000000 device 1: 
  event 0x4000 of 40001 at 1008000000 device 2: 
  event 0x4000 of 40001 at 1008000000 device 3: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  clock: now 1009000000
  conn 40000/0: status 0xc00e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: where [{nic0 true } {nic1 true } {nic2 true }]
  conn 40000/0 record: in 111; held 111; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: where [{nic0 true } {nic1 true } {nic2 true }]
  conn 40001/0 record: in 111; held 111; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device} {nic2 false on its way into the device}]
  conn 40002/0 record: queued 111; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 19 19 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Submitted 2; Added 2
  nic0 0: patrols 1.004
  nic0 1: adds [40002 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  nic0 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; held true
  nic1 stats: Held 2; Queue 1; Submitted 2; Added 2
  nic1 0: patrols 1.004
  nic1 1: adds [40002 ]
  nic1 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  nic1 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; held true
  nic2 stats: Held 2; Queue 1; Submitted 2; Added 2
  nic2 0: patrols 1.004
  nic2 1: adds [40002 ]
  nic2 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  nic2 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; held true
  table 0: flows 3
  set: Added 3; backlog 3 0 0; inDevices 2
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic1: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic2: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 111
  nic0 stats: Queue 0; Open [0:1]; Submitted 3
  nic0 1: adds []
  nic0 4: entry 40002; used 1.009; at 1.009; asked 1.009; mark 1.009; open 1 0 0
  nic1 stats: Queue 0; Open [0:1]; Submitted 3
  nic1 1: adds []
  nic1 4: entry 40002; used 1.009; at 1.009; asked 1.009; mark 1.009; open 1 0 0
  nic2 stats: Queue 0; Open [0:1]; Submitted 3
  nic2 1: adds []
  nic2 4: entry 40002; used 1.009; at 1.009; asked 1.009; mark 1.009; open 1 0 0
> carry nic1 40000 packets=4
> carry nic2 40000 packets=5 dir=1
> handshake 40003
  event 0x4000 of 40002 at 1010000000 device 2: 
  event 0x4000 of 40002 at 1010000000 device 3: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  clock: now 1012000000
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 false waiting for room in the device} {nic1 true } {nic2 true }]
  conn 40002/0 record: pending 1; in 110; held 110; why [12 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0xf; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device} {nic1 false on its way into the device} {nic2 false on its way into the device}]
  conn 40003/0 record: queued 111; sort 3; seen 3; next 2.012; since 1.012; last 1.012; why [19 19 19 0 0 0 0 0]
  nic0 stats: Limit 2; Queue 1; Pending 1; Open []; Full 1
  nic0 0: full 1.01; learnt 2; waiting 1
  nic0 1: adds [40003 ]; pending [40002 ]
  nic1 stats: Held 3; Queue 1; Open []; Added 3
  nic1 1: adds [40003 ]
  nic1 4: open 0 0 0; held true
  nic2 stats: Held 3; Queue 1; Open []; Added 3
  nic2 1: adds [40003 ]
  nic2 4: open 0 0 0; held true
  table 0: flows 4
  set: Added 4; inDevices 3
  nic0 4: gone
> unregister nic0
  nic0: remove 40001
  nic0: remove 40000
  event 0x8000 of 40001 at 1012000000 device 1: the device went away
  event 0x8000 of 40000 at 1012000000 device 1: the device went away
  conn 40000/0 why: where [{nic1 true } {nic2 true }]
  conn 40000/0 record: in 110; held 110; why [17 0 0 0 0 0 0 0]
  conn 40001/0 why: where [{nic1 true } {nic2 true }]
  conn 40001/0 record: in 110; held 110; why [17 0 0 0 0 0 0 0]
  conn 40002/0 why: where [{nic1 true } {nic2 true }]
  conn 40002/0 record: pending 0; why [17 0 0 0 0 0 0 0]
  conn 40003/0 why: where [{nic1 false on its way into the device} {nic2 false on its way into the device}]
  conn 40003/0 record: queued 110; why [17 19 19 0 0 0 0 0]
  table 0: refs 10; devices 110
  set: backlog 2 0 0; devices [nic1 nic2]
  nic0 0: gone
  nic0 1: gone
  nic0 2: gone
  nic0 3: gone
  nic0 stats: gone
> unregister nic1
  nic1: remove 40002
  nic1: remove 40001
  nic1: remove 40000
  nic1: settle
  event 0x8000 of 40002 at 1012000000 device 2: the device went away
  event 0x8000 of 40001 at 1012000000 device 2: the device went away
  event 0x8000 of 40000 at 1012000000 device 2: the device went away
  conn 40000/0: packets [6 1]; bytes [480 40]
  conn 40000/0 why: where [{nic2 true }]
  conn 40000/0 record: in 100; held 100; why [17 17 0 0 0 0 0 0]
  conn 40001/0 why: where [{nic2 true }]
  conn 40001/0 record: in 100; held 100; why [17 17 0 0 0 0 0 0]
  conn 40002/0 why: where [{nic2 true }]
  conn 40002/0 record: in 100; held 100; why [17 17 0 0 0 0 0 0]
  conn 40003/0 why: where [{nic2 false on its way into the device}]
  conn 40003/0 record: queued 100; why [17 17 19 0 0 0 0 0]
  table 0: refs 11; devices 100
  set: Carried 4; backlog 1 0 0; devices [nic2]
  nic1 0: gone
  nic1 1: gone
  nic1 2: gone
  nic1 3: gone
  nic1 4: gone
  nic1 stats: gone
> pump
  nic2: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40003/0 record: queued 0; in 100
  nic2 stats: Queue 0; Open [0:1]; Submitted 4
  nic2 1: adds []
  nic2 5: entry 40003; used 1.012; at 1.012; asked 1.012; mark 1.012; open 1 0 0
> unregister nic2
  nic2: remove 40003
  nic2: remove 40002
  nic2: remove 40001
  nic2: remove 40000
  event 0x8000 of 40002 at 1012000000 device 3: the device went away
  event 0x8000 of 40001 at 1012000000 device 3: the device went away
  event 0x8000 of 40000 at 1012000000 device 3: the device went away
  conn 40000/0: status 0x400e; flags 0x3; deadline 31009000000; packets [6 6]; bytes [480 540]
  conn 40000/0 why: why no device uses its zone; where []
  conn 40000/0 record: in 0; held 0; why [17 17 17 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0x3
  conn 40001/0 why: why no device uses its zone; where []
  conn 40001/0 record: in 0; held 0; why [17 17 17 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0x3
  conn 40002/0 why: why no device uses its zone; where []
  conn 40002/0 record: in 0; held 0; why [17 17 17 0 0 0 0 0]
  conn 40003/0: flags 0x3
  conn 40003/0 why: why no device uses its zone; where []
  conn 40003/0 record: in 0; why [17 17 17 0 0 0 0 0]
  table 0: refs 12; devices 0
  set: Carried 9; backlog 0 0 0; inDevices 0; devices []
  nic2 0: gone
  nic2 1: gone
  nic2 2: gone
  nic2 3: gone
  nic2 4: gone
  nic2 5: gone
  nic2 stats: gone
> unregister nic2
  table 0: refs 13
> register nic0
  conn 40000/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40001/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40002/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40003/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  nic0 stats: Name nic0
  nic0 0: patrols 1.012
  table 0: refs 14; devices 1; replay 4
  set: devices [nic0]
> register nic0
  table 0: refs 15
> pump
  nic0: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 1; seen 12; rate 1000; next 2.012; last 1.012; why [19 0 0 0 0 0 0 0]
  conn 40001/0: flags 0xf
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: in 1; next 2.012; last 1.012; why [19 0 0 0 0 0 0 0]
  conn 40002/0: flags 0xf
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: in 1; next 2.012; last 1.012; why [19 0 0 0 0 0 0 0]
  conn 40003/0: flags 0xf
  conn 40003/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40003/0 record: in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Open [0:4]; Submitted 4
  nic0 2: entry 40003; used 1.012; at 1.012; asked 1.012; mark 1.012; open 1 0 0
  nic0 3: entry 40002; used 1.009; at 1.012; asked 1.012; mark 1.009; open 1 0 0
  nic0 4: entry 40001; used 1.006; at 1.012; asked 1.012; mark 1.006; open 1 0 0
  nic0 5: entry 40000; used 1.009; at 1.012; asked 1.012; mark 1.009; open 1 0 0
  table 0: replay 0
  set: backlog 4 0 0
> later 1.1s
  clock: now 2112000000
> data 40000
  event 0x4000 of 40003 at 2113000000 device 1: 
  event 0x4000 of 40002 at 2113000000 device 1: 
  clock: now 2113000000
  conn 40000/0: deadline 32113000000; packets [7 6]; bytes [530 540]
  conn 40000/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40000/0 record: pending 1; in 0; seen 13; rate 0.9083; next 3.113; last 2.113; why [12 0 0 0 0 0 0 0]
  conn 40001/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40001/0 record: pending 1; in 0; why [12 0 0 0 0 0 0 0]
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40003/0: status 0xc00e
  conn 40003/0 why: why ; where [{nic0 true }]
  conn 40003/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Limit 2; Pending 2; Open []; Added 2; Full 2
  nic0 0: full 2.113; learnt 2; waiting 2
  nic0 1: pending [40001 40000 ]
  nic0 2: open 0 0 0; held true
  nic0 3: open 0 0 0; held true
  table 0: sweep 2; cursor 4; due 4
  table 1: swept 2
  set: Hits 1; backlog 0 0 0; inDevices 2
  nic0 4: gone
  nic0 5: gone
> data 40001
  clock: now 2114000000
  conn 40001/0: deadline 32114000000; packets [3 1]; bytes [130 40]
  conn 40001/0 record: seen 4; rate 0.9074; next 3.114; last 2.114
  set: Hits 2
> pump
> unregister nic0
  nic0: remove 40002
  nic0: remove 40003
  event 0x8000 of 40002 at 2114000000 device 1: the device went away
  event 0x8000 of 40003 at 2114000000 device 1: the device went away
  conn 40000/0: flags 0x3
  conn 40000/0 why: why no device uses its zone; where []
  conn 40000/0 record: pending 0; why [17 0 0 0 0 0 0 0]
  conn 40001/0: flags 0x3
  conn 40001/0 why: why no device uses its zone; where []
  conn 40001/0 record: pending 0; why [17 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0x3
  conn 40002/0 why: why no device uses its zone; where []
  conn 40002/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0x3
  conn 40003/0 why: why no device uses its zone; where []
  conn 40003/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  table 0: refs 16; devices 0
  set: inDevices 0; devices []
  nic0 0: gone
  nic0 1: gone
  nic0 2: gone
  nic0 3: gone
  nic0 stats: gone
> data 40000
  clock: now 2115000000
  conn 40000/0: deadline 32115000000; packets [8 6]; bytes [580 540]
  set: Hits 3
> device nic3 manual zone=5
  nic3 stats: Name nic3
  nic3 0: patrols 2.115
  table 1: refs 4; devices 1
  set: devices [nic3]
> translated 41000
  clock: now 2118000000
  conn 41000/5: status 0x98; flags 0x0; timeout 122116000000; packets [1 0]; bytes [40 0]; maxwin 65535 0
  conn 41000/5 why: why the flow table does not hold it
  conn 41000/5 record: no record
  nic3 0: patrols 2.118
> pump
> register nic3
  conn 40000/0 why: why the device has not been asked to take it yet; where [{nic3 false the device has not been asked to take it yet}]
  conn 40001/0 why: why the device has not been asked to take it yet; where [{nic3 false the device has not been asked to take it yet}]
  conn 40002/0 why: why the device has not been asked to take it yet; where [{nic3 false the device has not been asked to take it yet}]
  conn 40003/0 why: why the device has not been asked to take it yet; where [{nic3 false the device has not been asked to take it yet}]
  table 0: refs 17; devices 1; replay 4
> pump
  nic3: add 40003 [10 0 0 1]/40003-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40003 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1012000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic3: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic3: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2114000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic3: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2115000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 why: why on its way into the device; where [{nic3 false on its way into the device}]
  conn 40000/0 record: in 1; seen 14; rate 200; next 3.118; last 2.118; why [19 0 0 0 0 0 0 0]
  conn 40001/0: flags 0xf
  conn 40001/0 why: why on its way into the device; where [{nic3 false on its way into the device}]
  conn 40001/0 record: in 1; rate 0; next 3.118; last 2.118; why [19 0 0 0 0 0 0 0]
  conn 40002/0: flags 0xf
  conn 40002/0 why: why on its way into the device; where [{nic3 false on its way into the device}]
  conn 40002/0 record: in 1; next 3.118; last 2.118; why [19 0 0 0 0 0 0 0]
  conn 40003/0: flags 0xf
  conn 40003/0 why: why on its way into the device; where [{nic3 false on its way into the device}]
  conn 40003/0 record: in 1; next 3.118; last 2.118; why [19 0 0 0 0 0 0 0]
  nic3 stats: Open [0:4]; Submitted 4
  nic3 2: entry 40003; used 1.012; at 2.118; asked 2.118; mark 1.012; open 1 0 0
  nic3 3: entry 40002; used 1.009; at 2.118; asked 2.118; mark 1.009; open 1 0 0
  nic3 4: entry 40001; used 2.114; at 2.118; asked 2.118; mark 2.114; open 1 0 0
  nic3 5: entry 40000; used 2.115; at 2.118; asked 2.118; mark 2.115; open 1 0 0
  table 0: replay 0
  set: backlog 4 0 0
> pump
> answer nic3
> pump
  event 0x4000 of 40003 at 2118000000 device 4: 
  event 0x4000 of 40002 at 2118000000 device 4: 
  event 0x4000 of 40001 at 2118000000 device 4: 
  event 0x4000 of 40000 at 2118000000 device 4: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic3 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic3 true }]
  conn 40001/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic3 true }]
  conn 40002/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40003/0: status 0xc00e
  conn 40003/0 why: why ; where [{nic3 true }]
  conn 40003/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic3 stats: Held 4; Open []; Added 4
  nic3 2: open 0 0 0; held true
  nic3 3: open 0 0 0; held true
  nic3 4: open 0 0 0; held true
  nic3 5: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 4
> carry nic3 40001
> unregister nic3
  nic3: remove 40000
  nic3: remove 40001
  nic3: remove 40002
  nic3: remove 40003
  event 0x8000 of 40000 at 2118000000 device 4: the device went away
  event 0x8000 of 40001 at 2118000000 device 4: the device went away
  event 0x8000 of 40002 at 2118000000 device 4: the device went away
  event 0x8000 of 40003 at 2118000000 device 4: the device went away
  conn 40000/0: status 0x400e; flags 0x3
  conn 40000/0 why: why no device uses its zone; where []
  conn 40000/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0x3
  conn 40001/0 why: why no device uses its zone; where []
  conn 40001/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0x3
  conn 40002/0 why: why no device uses its zone; where []
  conn 40002/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0x3
  conn 40003/0 why: why no device uses its zone; where []
  conn 40003/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  nic3 stats: Held 0; Removals 4
  table 0: refs 18; devices 0
  set: inDevices 0
  nic3 2: gone
  nic3 3: gone
  nic3 4: gone
  nic3 5: gone
> pump
> data 40000
  clock: now 2119000000
  conn 40000/0: deadline 32119000000; packets [9 6]; bytes [630 540]
  nic3 0: patrols 2.119
  set: Hits 4
> unregister nic3 zone=5
  table 1: refs 5; devices 0
  set: devices []
  nic3 0: gone
  nic3 1: gone
  nic3 stats: gone
> pump
