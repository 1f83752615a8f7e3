# Admission's thresholds, lists and shares, and each one's last packet out.
> device nic0 prober
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> admission packets=6 bytes=260 age=2s retry=0.5s
> handshake 40000
  event 0x2000 of 40000 at 1003000000 device 0: 
  clock: now 1003000000
  conn 40000/0: status 0x400e; flags 0x7; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why too few packets; where [{nic0 false too few packets}]
  conn 40000/0 record: no record
  nic0 0: patrols 1.003
  table 0: flows 1
  set: Added 1
> data 40000
  clock: now 1004000000
  conn 40000/0: deadline 31004000000; packets [3 1]; bytes [130 40]
  nic0 0: patrols 1.004
  set: Hits 1
> data 40000
  clock: now 1005000000
  conn 40000/0: deadline 31005000000; packets [4 1]; bytes [180 40]
  nic0 0: patrols 1.005
  set: Hits 2
> data 40000
  clock: now 1006000000
  conn 40000/0: deadline 31006000000; packets [5 1]; bytes [230 40]
  conn 40000/0 why: why too young; where [{nic0 false too young}]
  conn 40000/0 record: queued 0; sort 3; seen 6; next 1.506; since 1.006; last 1.006; why [7 0 0 0 0 0 0 0]
  nic0 0: patrols 1.006
  set: Hits 3
> data 40000
  clock: now 1007000000
  conn 40000/0: deadline 31007000000; packets [6 1]; bytes [280 40]
  nic0 0: patrols 1.007
  set: Hits 4
> pump
> later 0.3s
  clock: now 1307000000
> data 40000
  clock: now 1308000000
  conn 40000/0: deadline 31308000000; packets [7 1]; bytes [330 40]
  nic0 0: patrols 1.308
  set: Hits 5
> later 0.3s
  clock: now 1608000000
> data 40000
  clock: now 1609000000
  conn 40000/0: deadline 31609000000; packets [8 1]; bytes [380 40]
  conn 40000/0 record: seen 9; rate 4.975; next 2.109; last 1.609
  nic0 0: patrols 1.609
  set: Hits 6
> later 1.2s
  clock: now 2809000000
> data 40000
  clock: now 2810000000
  conn 40000/0: deadline 32810000000; packets [9 1]; bytes [430 40]
  conn 40000/0 record: seen 10; rate 0.8326; next 3.006; last 2.81
  nic0 0: patrols 2.81
  table 0: swept 2; due 1
  table 1: swept 2
  set: Hits 7
> later 0.3s
  clock: now 3110000000
> data 40000
  clock: now 3111000000
  conn 40000/0: flags 0xf; deadline 33111000000; packets [10 1]; bytes [480 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; seen 11; rate 3.322; next 3.611; last 3.111; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 0: patrols 3.111
  nic0 1: adds [40000 ]
  table 0: sweep 3; cursor 1
  table 1: swept 3
  set: Hits 8; backlog 1 0 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 3111000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 1
  nic0 1: adds []
  nic0 2: entry 40000; used 3.111; at 3.111; asked 3.111; mark 3.111; open 1 0 0
> admission never=80
  table 0: replay 1
> handshake 40001
  event 0x4000 of 40000 at 3112000000 device 1: 
  event 0x2000 of 40001 at 3114000000 device 0: 
  clock: now 3114000000
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; rate 0; next 4.112; last 3.112; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0x3; table 1; deadline 33114000000; timeout 86403114000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why never offloaded by policy; where [{nic0 false never offloaded by policy}]
  conn 40001/0 record: sort 3; seen 3; next 4.114; since 3.114; last 3.114; why [8 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 1
  nic0 2: open 0 0 0; held true
  table 0: flows 2; replay 0
  set: Added 2; backlog 0 0 0; inDevices 1
> pump
> data 40000
  clock: now 3115000000
  conn 40000/0: deadline 33115000000; packets [11 1]; bytes [530 40]
  set: Hits 9
> admission never=81 share=1
  conn 40001/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  table 0: replay 2
> pump
  conn 40000/0 record: calm 1; seen 12; rate 333.3; next 5.115; last 3.115
  conn 40001/0: flags 0x7
  conn 40001/0 why: why its zone's share is used up; where [{nic0 false its zone's share is used up}]
  conn 40001/0 record: next 4.115; last 3.115; why [9 0 0 0 0 0 0 0]
  nic0 stats: Reads 1; Declined [9:1]
  nic0 2: at 3.115
  table 0: replay 0
> later 1.1s
  clock: now 4215000000
> data 40001
  clock: now 4216000000
  conn 40001/0: deadline 34216000000; packets [3 1]; bytes [130 40]
  conn 40001/0 record: seen 4; rate 0.9083; next 5.216; last 4.216
  nic0 stats: Declined [9:2]
  table 0: swept 3; sweep 0; cursor 0
  table 1: swept 4
  set: Hits 10
> pump
> fin 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 4217000000 device 1: a FIN or RST was seen
  event 0x8000 of 40000 at 4217000000 device 0: a FIN or RST was seen
  clock: now 4217000000
  conn 40000/0: status 0xe; flags 0x0; table 0; refs 1; timeout 124217000000; packets [12 1]; bytes [570 40]; maxwin 65535 0
  conn 40000/0 why: why the flow table does not hold it; where []
  conn 40000/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: at 4.217; asked 4.217; open 0 1 0; held false; gone true
  table 0: flows 1; stale 1; sweep 4; cursor 2; due 2
  set: Closed 1; backlog 0 1 0; inDevices 0
> later 1.1s
  clock: now 5317000000
> data 40001
  clock: now 5318000000
  conn 40001/0: flags 0xf; deadline 35318000000; packets [4 1]; bytes [180 40]
  conn 40001/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40001/0 record: queued 1; seen 5; rate 0.9074; next 6.318; last 5.318; why [19 0 0 0 0 0 0 0]
  nic0 stats: Leaving 0; Queue 1; Open []
  nic0 0: leaving 0
  nic0 1: adds [40001 ]
  table 0: swept 4; sweep 0; cursor 0
  table 1: swept 5
  set: Hits 11; backlog 1 0 0
  nic0 2: gone
> pump
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 5318000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 2
  nic0 1: adds []
  nic0 2: entry 40001; used 5.318; at 5.318; asked 5.318; mark 5.318; open 1 0 0
> admission hook=2
  table 0: replay 1
> handshake 40002
  event 0x4000 of 40001 at 5319000000 device 1: 
  event 0x2000 of 40002 at 5321000000 device 0: 
  clock: now 5321000000
  conn 40000/0: refs 0
  conn 40001/0: status 0xc00e
  conn 40001/0 why: why ; where [{nic0 true }]
  conn 40001/0 record: held 1; rate 0; next 6.319; last 5.319; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0x7; table 1; deadline 35321000000; timeout 86405321000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why refused by the program's own policy; where [{nic0 false refused by the program's own policy}]
  conn 40002/0 record: sort 3; seen 3; next 6.321; since 5.321; last 5.321; why [10 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 2
  nic0 2: open 0 0 0; held true
  table 0: flows 2; replay 0; stale 0; sweep 5; cursor 1; due 1
  set: Added 3; backlog 0 0 0; inDevices 1
> pump
> admission hook=1 packets=99
  conn 40002/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  table 0: replay 2
> pump
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 5321000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40001/0 record: calm 1; next 7.321; last 5.321
  conn 40002/0: flags 0xf
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: in 1; why [19 0 0 0 0 0 0 0]
  nic0 stats: Open [0:1]; Submitted 3; Reads 2
  nic0 2: at 5.321
  nic0 3: entry 40002; used 5.321; at 5.321; asked 5.321; mark 5.321; open 1 0 0
  table 0: replay 0
  set: backlog 1 0 0
> admission hook=0 bytes=900
  table 0: replay 2
> handshake 40003
  event 0x4000 of 40002 at 5322000000 device 1: 
  event 0x2000 of 40003 at 5324000000 device 0: 
  clock: now 5324000000
  conn 40001/0 record: next 7.322; last 5.322
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: held 1; next 6.322; last 5.322; why [0 0 0 0 0 0 0 0]
  conn 40003/0: status 0x400e; flags 0x7; table 1; deadline 35324000000; timeout 86405324000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why too few bytes; where [{nic0 false too few bytes}]
  conn 40003/0 record: sort 3; seen 3; next 5.324; since 5.324; last 5.324; why [6 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Open []; Reads 3; Added 3
  nic0 2: at 5.322
  nic0 3: open 0 0 0; held true
  table 0: flows 3; replay 0
  set: Added 4; backlog 0 0 0; inDevices 2
> pump
> admission bytes=124
  table 0: replay 3
> handshake 40004
  event 0x2000 of 40004 at 5327000000 device 0: 
  clock: now 5327000000
  conn 40001/0 record: next 7.325; last 5.325
  conn 40004/0: status 0x400e; flags 0x7; table 1; deadline 35327000000; timeout 86405327000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why too few bytes; where [{nic0 false too few bytes}]
  conn 40004/0 record: no record
  nic0 stats: Reads 4
  nic0 2: at 5.325
  table 0: flows 4; replay 0
  set: Added 5
> pump
> data 40004
  clock: now 5328000000
  conn 40004/0: flags 0xf; deadline 35328000000; packets [3 1]; bytes [130 40]
  conn 40004/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40004/0 record: queued 1; sort 3; seen 4; next 6.328; since 5.328; last 5.328; why [19 0 0 0 0 0 0 0]
  nic0 stats: Queue 1
  nic0 1: adds [40004 ]
  set: Hits 12; backlog 1 0 0
> pump
  nic0: add 40004 [10 0 0 1]/40004-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40004 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 5328000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40004/0 record: queued 0; in 1
  nic0 stats: Queue 0; Open [0:1]; Submitted 4
  nic0 1: adds []
  nic0 4: entry 40004; used 5.328; at 5.328; asked 5.328; mark 5.328; open 1 0 0
