# Refusals with and without a reason, failures, and another policy.
> device nic0
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> turn nic0 refuse=15
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
  clock: now 2104000000
  conn 40000/0: flags 0x3; deadline 32104000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why the device has no room for another label; where [{nic0 false the device has no room for another label}]
  conn 40000/0 record: in 0; refused 1; why [15 0 0 0 0 0 0 0]
  nic0 stats: Open []; Refused [15:1]
  table 0: sweep 2; cursor 1; due 1
  table 1: swept 2
  set: Hits 1; backlog 0 0 0
  nic0 2: gone
> admission packets=1
  table 0: replay 1
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 2104000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 1; refused 0; seen 4; rate 0.9083; next 3.104; last 2.104; why [19 0 0 0 0 0 0 0]
  nic0 stats: Open [0:1]; Submitted 2
  nic0 2: entry 40000; used 2.104; at 2.104; asked 2.104; mark 2.104; open 1 0 0
  table 0: replay 0
  set: backlog 1 0 0
> turn nic0 refuse=0 fail=1
> admission packets=2
  table 0: replay 1
> pump
  conn 40000/0: flags 0x3
  conn 40000/0 why: why the device has no room for another label; where [{nic0 false the device has no room for another label}]
  conn 40000/0 record: in 0; refused 1; why [15 0 0 0 0 0 0 0]
  nic0 stats: Open []; Refused [15:2]
  table 0: replay 0
  set: backlog 0 0 0
  nic0 2: gone
> later 0.999s
  clock: now 3103000000
> data 40000
  clock: now 3104000000
  conn 40000/0: deadline 33104000000; packets [4 1]; bytes [180 40]
  nic0 0: patrols 3.104
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 3
  set: Hits 2
> pump
> later 0.002s
  clock: now 3106000000
> data 40000
  clock: now 3107000000
  conn 40000/0: deadline 33107000000; packets [5 1]; bytes [230 40]
  nic0 0: patrols 3.107
  table 0: sweep 3; cursor 1
  set: Hits 3
> pump
> turn nic0 fail=0 auto=0
> later 1s
  clock: now 4107000000
> data 40000
  clock: now 4108000000
  conn 40000/0: deadline 34108000000; packets [6 1]; bytes [280 40]
  nic0 0: patrols 4.108
  table 0: swept 3; sweep 0; cursor 0
  table 1: swept 4
  set: Hits 4
> pump
> complete nic0 40000 op=0 result=2
> pump
  nic0 stats: Ignored [0:1]
> admission
  table 0: replay 1
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4108000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0: flags 0xf
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: in 1; refused 0; seen 7; rate 1.497; next 5.108; last 4.108; why [19 0 0 0 0 0 0 0]
  nic0 stats: Open [0:1]; Submitted 3
  nic0 2: entry 40000; used 4.108; at 4.108; asked 4.108; mark 4.108; open 1 0 0
  table 0: replay 0
  set: backlog 1 0 0
> complete nic0 40000 op=0 result=1 reason=16
> pump
  conn 40000/0 why: why waiting for room in the device; where [{nic0 false waiting for room in the device}]
  conn 40000/0 record: pending 1; in 0; why [16 0 0 0 0 0 0 0]
  nic0 stats: Limit 1; Pending 1; Open []; Full 1
  nic0 0: full 4.108; waiting 1
  nic0 1: pending [40000 ]
  set: backlog 0 0 0
  nic0 2: gone
> later 1s
  clock: now 5108000000
> data 40000
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4108000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  clock: now 5109000000
  conn 40000/0: deadline 35109000000; packets [7 1]; bytes [330 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: pending 0; in 1; seen 8; rate 0.999; next 6.109; last 5.109; why [19 0 0 0 0 0 0 0]
  nic0 stats: Limit 0; Pending 0; Open [0:1]; Submitted 4
  nic0 0: full 0; waiting 0; patrols 5.109
  nic0 1: pending []
  nic0 2: entry 40000; used 4.108; at 5.109; asked 5.109; mark 4.108; open 1 0 0
  table 0: sweep 5; cursor 1
  table 1: swept 5
  set: Hits 5; backlog 1 0 0
> pump
> complete nic0 40000 op=0 result=3 reason=18
> pump
  conn 40000/0: flags 0x3
  conn 40000/0 why: why the device does not carry it before it is assured; where [{nic0 false the device does not carry it before it is assured}]
  conn 40000/0 record: in 0; why [18 0 0 0 0 0 0 0]
  nic0 stats: Open []; Failed 1
  set: backlog 0 0 0
  nic0 2: gone
> later 1.1s
  clock: now 6209000000
> data 40000
  clock: now 6210000000
  conn 40000/0: deadline 36210000000; packets [8 1]; bytes [380 40]
  nic0 0: patrols 6.21
  table 0: swept 5; sweep 0; cursor 0
  table 1: swept 6
  set: Hits 6
> pump
> complete nic0 40000 op=0 result=9 reason=200
> pump
  nic0 stats: Ignored [0:2]
> later 1.1s
  clock: now 7310000000
> data 40000
  clock: now 7311000000
  conn 40000/0: deadline 37311000000; packets [9 1]; bytes [430 40]
  nic0 0: patrols 7.311
  table 0: sweep 7; cursor 1
  table 1: swept 7
  set: Hits 7
> pump
> complete nic0 40000 op=0 result=1
> pump
  nic0 stats: Ignored [0:3]
> later 1s
  clock: now 8311000000
> pump
> complete nic0 40000 op=0 result=0 reason=5
> pump
  nic0 stats: Ignored [0:4]
