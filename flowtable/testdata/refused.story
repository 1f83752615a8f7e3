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
  conn 40000/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
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
  conn 40000/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
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
> turn nic0 refuse=14 auto=1
> handshake 40001
  event 0x2000 of 40001 at 8314000000 device 0: 
  clock: now 8314000000
  conn 40001/0: status 0x400e; flags 0xf; table 1; deadline 38314000000; timeout 86408314000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; sort 3; seen 3; next 9.314; since 8.314; last 8.314; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 8.314
  nic0 1: adds [40001 ]
  table 0: flows 2; swept 7; sweep 8
  table 1: swept 8
  set: Added 2; backlog 1 0 0
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 8314000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 5
  nic0 1: adds []
  nic0 2: entry 40001; used 8.314; at 8.314; asked 8.314; mark 8.314; open 1 0 0
> pump
  conn 40001/0: flags 0x3
  conn 40001/0 why: why the device does not support it; where [{nic0 false the device does not support it}]
  conn 40001/0 record: in 0; refused 1; why [14 0 0 0 0 0 0 0]
  nic0 stats: Open []; Refused [14:1 15:2]
  set: backlog 0 0 0
  nic0 2: gone
> mark 40001 3
  conn 40001/0: flags 0x7
  conn 40001/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40001/0 record: refused 0; why [0 0 0 0 0 0 0 0]
> pump
> pump
> turn nic0 refuse=0 auto=0
> later 1s
  clock: now 9314000000
> data 40001
  clock: now 9315000000
  conn 40001/0: flags 0xf; deadline 39315000000; packets [3 1]; bytes [130 40]
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; seen 4; rate 0.999; next 10.315; last 9.315; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 9.315
  nic0 1: adds [40001 ]
  table 0: swept 8; sweep 0; cursor 0
  table 1: swept 9
  set: Hits 8; backlog 1 0 0
> handshake 40002
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 3 label 0000 idle 30000000000 used 9315000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x2000 of 40002 at 9318000000 device 0: 
  clock: now 9318000000
  conn 40001/0 record: queued 0; in 1
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 39318000000; timeout 86409318000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 10.318; since 9.318; last 9.318; why [19 0 0 0 0 0 0 0]
  nic0 stats: Open [0:1]; Submitted 6
  nic0 0: patrols 9.316
  nic0 1: adds [40002 ]
  nic0 2: entry 40001; used 9.315; at 9.316; asked 9.316; mark 9.315; open 1 0 0
  table 0: flows 3; sweep 9; cursor 1; due 2
  set: Added 3; backlog 2 0 0
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 9318000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:2]; Submitted 7
  nic0 1: adds []
  nic0 3: entry 40002; used 9.318; at 9.318; asked 9.318; mark 9.318; open 1 0 0
> later 0.4s
  clock: now 9718000000
> complete nic0 40002 op=0 result=3 reason=200
> pump
  conn 40002/0: flags 0x7
  conn 40002/0 why: why the device failed; where [{nic0 false the device failed}]
  conn 40002/0 record: in 0; next 10.718; why [16 0 0 0 0 0 0 0]
  nic0 stats: Open [0:1]; Failed 2
  set: backlog 1 0 0
  nic0 3: gone
> later 0.599s
  clock: now 10317000000
> data 40002
  clock: now 10318000000
  conn 40002/0: deadline 40318000000; packets [3 1]; bytes [130 40]
  table 0: swept 9; sweep 0; cursor 0
  table 1: swept 10
  set: Hits 9
> later 0.4s
  clock: now 10718000000
> data 40002
  clock: now 10719000000
  conn 40002/0: flags 0xf; deadline 40719000000; packets [4 1]; bytes [180 40]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; seen 5; rate 1.428; next 11.719; last 10.719; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40002 ]
  table 0: swept 10; due 3
  set: Hits 10; backlog 2 0 0
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 10719000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40002/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:2]; Submitted 8
  nic0 1: adds []
  nic0 3: entry 40002; used 10.719; at 10.719; asked 10.719; mark 10.719; open 1 0 0
> later 0.999s
  clock: now 11718000000
> mark 40002 9
  nic0: remove 40002
  conn 40002/0: flags 0x7
  conn 40002/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40002/0 record: in 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Leaving 1; Open [0:1 1:1]; Removals 1
  nic0 0: leaving 1
  nic0 3: open 1 1 0; gone true
  set: backlog 1 1 0
> pump
> complete nic0 40002 op=0 result=2
> pump
  nic0 stats: Ignored [0:4 3:1]
  nic0 3: open 0 1 0
> later 5s
  clock: now 16718000000
> data 40002
  clock: now 16719000000
  conn 40002/0: deadline 46719000000; packets [5 1]; bytes [230 40]
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: seen 6; rate 0.1667; next 17.719; last 16.719; why [19 0 0 0 0 0 0 0]
  nic0 0: patrolAt 1; patrols 16.719
  nic0 3: again true
  table 0: swept 16
  table 1: swept 16
  set: Hits 11
> turn nic0 auto=1 refuse=14
> query 1000
  event 0x2000 of 1000 at 16720000000 device 0: 
  clock: now 16720000000
  conn 1000/0: status 0x4008; flags 0xd; table 1; deadline 46720000000; timeout 86416720000000; packets [1 0]; bytes [29 0]
  conn 1000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 1000/0 record: queued 1; seen 1; next 17.72; since 16.72; last 16.72; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [1000 ]
  table 0: flows 4
  set: Added 4; backlog 2 1 0
> pump
  nic0: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both false fresh true mark 0 label 0000 idle 30000000000 used 16720000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 1000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:2 1:1]; Submitted 9
  nic0 1: adds []
  nic0 4: entry 1000; used 16.72; at 16.72; asked 16.72; mark 16.72; open 1 0 0
> pump
  conn 1000/0: flags 0x1
  conn 1000/0 why: why the device does not support it; where [{nic0 false the device does not support it}]
  conn 1000/0 record: in 0; refused 1; why [14 0 0 0 0 0 0 0]
  nic0 stats: Open [0:1 1:1]; Refused [14:2 15:2]
  set: backlog 1 1 0
  nic0 4: gone
> later 2s
  clock: now 18720000000
> query 1000
  clock: now 18721000000
  conn 1000/0: deadline 48721000000; timeout 48721000000; packets [2 0]; bytes [58 0]
  table 0: swept 18; due 4
  table 1: swept 18
> response 1000
  clock: now 18722000000
  conn 1000/0: status 0x400a; deadline 48722000000; timeout 48722000000; packets [2 1]; bytes [58 29]
  conn 1000/0 why: why the device does not carry it before it is assured; where [{nic0 false the device does not carry it before it is assured}]
  conn 1000/0 record: refused 0; sort 2; seen 3; rate 0.999; next 19.722; last 18.722; why [18 0 0 0 0 0 0 0]
> later 2s
  clock: now 20722000000
> query 1000
  clock: now 20723000000
  conn 1000/0: status 0x400e; flags 0xd; deadline 50723000000; timeout 140723000000; packets [3 1]; bytes [87 29]
  conn 1000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 1000/0 record: queued 1; sort 3; seen 4; rate 0.4998; next 21.723; last 20.723; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [1000 ]
  table 0: swept 20
  table 1: swept 20
  set: backlog 2 1 0
> pump
  nic0: add 1000 [10 0 0 1]/1000-[10 0 0 2]/53 [10 0 0 2]/53-[10 0 0 1]/1000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 20723000000 chain 2 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 1000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:2 1:1]; Submitted 10
  nic0 1: adds []
  nic0 4: entry 1000; used 20.723; at 20.723; asked 20.723; mark 20.723; open 1 0 0
