# A device that answers later. Every request waits for its answer.
> device nic0 manual
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
> answer nic0
> pump
  event 0x4000 of 40000 at 1003000000 device 1: 
  conn 40000/0: status 0xc00e
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 1
  nic0 2: open 0 0 0; held true
  set: backlog 0 0 0; inDevices 1
> carry nic0 40000 packets=5
> read
  nic0: read 40000
  nic0 stats: Open [2:1]; Reads 1
  nic0 2: open 0 0 1
  set: backlog 0 0 1
> answer nic0
> pump
  conn 40000/0: packets [7 1]; bytes [580 40]
  nic0 stats: Open []
  nic0 2: packets [5 0]; bytes [500 0]; open 0 0 0
  set: Carried 5; backlog 0 0 0
> read
  nic0: read 40000
  nic0 stats: Open [2:1]; Reads 2
  nic0 2: open 0 0 1
  set: backlog 0 0 1
> read
> pump
> answer nic0
> pump
  nic0 stats: Open []
  nic0 2: open 0 0 0
  set: backlog 0 0 0
> mark 40000 7
  nic0: remove 40000
  event 0x8000 of 40000 at 1003000000 device 1: its mark, label or state changed
  conn 40000/0: status 0x400e; flags 0x7
  conn 40000/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  conn 40000/0 record: in 0; held 0; why [24 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 2: open 0 1 0; held false; gone true
  set: backlog 0 1 0; inDevices 0
> data 40000
  clock: now 1004000000
  conn 40000/0: deadline 31004000000; packets [8 1]; bytes [630 40]
  set: Hits 1
> pump
> answer nic0
> pump
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  set: backlog 0 0 0
  nic0 2: gone
> pump
> answer nic0
> pump
> rst 40000
  event 0x8000 of 40000 at 1005000000 device 0: a FIN or RST was seen
  clock: now 1005000000
  conn 40000/0: status 0xe; flags 0x0; table 0; refs 1; timeout 11005000000; packets [8 2]; bytes [630 80]; maxwin 0 65535
  conn 40000/0 why: why the flow table does not hold it; where []
  nic0 0: patrols 1.005
  table 0: flows 0; stale 1
  set: Closed 1
> handshake 40000
  event 0x2000 of 40000 at 1008000000 device 0: 
  clock: now 1008000000
  conn 40000/0: status 0x400e; flags 0x7; table 1; deadline 31008000000; timeout 86401008000000; packets [9 3]; bytes [670 120]; maxwin 65535 65535
  conn 40000/0 why: why its mark, label or state changed; where [{nic0 false its mark, label or state changed}]
  nic0 0: patrols 1.008
  table 0: flows 1
  set: Added 2
> pump
> answer nic0
> pump
> pump
> answer nic0
> pump
> read
> fin 40000
  event 0x8000 of 40000 at 1009000000 device 0: a FIN or RST was seen
  clock: now 1009000000
  conn 40000/0: status 0xe; flags 0x0; table 0; refs 2; timeout 121009000000; packets [10 3]; bytes [710 120]; maxwin 65535 0
  conn 40000/0 why: why the flow table does not hold it; where []
  nic0 0: patrols 1.009
  table 0: flows 0; stale 2
  set: Closed 2
> answer nic0
> pump
> complete nic0 40000 op=0
> complete nic0 40000 op=1
> complete nic0 40000 op=2
> complete nic0 40000 op=3
> complete nic0 40000 op=0 off=0x200000000
> complete nic0 40000 op=0 off=77
> pump
  nic0 stats: Ignored [0:6]
