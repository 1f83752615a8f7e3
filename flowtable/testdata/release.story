# The last ct action of a zone: devices let go, and a tenth of a second later
# the flows are the tracker's.
> device nic0 prober
  clock: now 1000000000
  nic0 stats: Name nic0
  nic0 0: patrols 1
  table 0: refs 7; devices 1; swept 1
  table 1: zone 5; refs 3; swept 1
  set: devices [nic0]; zones 2
> release zone=0
  table 0: refs 6
> crowd 40000 3
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1003000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40001 [10 0 0 1]/40001-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40001 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1006000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x4000 of 40000 at 1005000000 device 1: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x4000 of 40001 at 1008000000 device 1: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  clock: now 1009000000
  conn 40000/0: status 0xc00e; flags 0xf; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: where [{nic0 true }]
  conn 40000/0 record: in 1; held 1; sort 3; seen 3; next 2.003; since 1.003; last 1.003; why [0 0 0 0 0 0 0 0]
  conn 40001/0: status 0xc00e; flags 0xf; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: where [{nic0 true }]
  conn 40001/0 record: in 1; held 1; sort 3; seen 3; next 2.006; since 1.006; last 1.006; why [0 0 0 0 0 0 0 0]
  conn 40002/0: status 0x400e; flags 0xf; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40002/0 record: queued 1; sort 3; seen 3; next 2.009; since 1.009; last 1.009; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Queue 1; Submitted 2; Added 2
  nic0 0: patrols 1.004
  nic0 1: adds [40002 ]
  nic0 2: entry 40000; used 1.003; at 1.004; asked 1.004; mark 1.003; held true
  nic0 3: entry 40001; used 1.006; at 1.007; asked 1.007; mark 1.006; held true
  table 0: flows 3
  set: Added 3; backlog 1 0 0; inDevices 2
> translated 41000
  nic0: add 40002 [10 0 0 1]/40002-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40002 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 1009000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  event 0x4000 of 40002 at 1011000000 device 1: 
  clock: now 1012000000
  conn 40002/0: status 0xc00e
  conn 40002/0 why: why ; where [{nic0 true }]
  conn 40002/0 record: queued 0; in 1; held 1; why [0 0 0 0 0 0 0 0]
  conn 41000/5: status 0x98; flags 0x0; timeout 121010000000; packets [1 0]; bytes [40 0]; maxwin 65535 0
  conn 41000/5 why: why the flow table does not hold it
  conn 41000/5 record: no record
  nic0 stats: Held 3; Queue 0; Submitted 3; Added 3
  nic0 1: adds []
  nic0 4: entry 40002; used 1.009; at 1.01; asked 1.01; mark 1.009; held true
  set: backlog 0 0 0; inDevices 3
> fin 40002
  nic0: remove 40002
  event 0x8000 of 40002 at 1013000000 device 1: a FIN or RST was seen
  event 0x8000 of 40002 at 1013000000 device 0: a FIN or RST was seen
  clock: now 1013000000
  conn 40002/0: status 0xe; flags 0x0; table 0; refs 1; timeout 121013000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40002/0 why: why the flow table does not hold it; where []
  conn 40002/0 record: in 0; held 0; why [21 0 0 0 0 0 0 0]
  nic0 stats: Held 2; Leaving 1; Open [1:1]; Removals 1
  nic0 0: leaving 1
  nic0 4: at 1.013; asked 1.013; open 0 1 0; held false; gone true
  table 0: flows 2; stale 1
  set: Closed 1; backlog 0 1 0; inDevices 2
> pump
  nic0 stats: Leaving 0; Open []
  nic0 0: leaving 0
  set: backlog 0 0 0
  nic0 4: gone
> carry nic0 40000
> run qdisc del dev uplink_rep ingress
  table 0: refs 4
> run qdisc del dev vf0_rep ingress
  table 0: refs 3
> run qdisc del dev a ingress
  table 0: refs 1
> run qdisc del dev b ingress
  nic0: remove 40001
  nic0: remove 40000
  event 0x8000 of 40001 at 1013000000 device 1: the device went away
  event 0x8000 of 40000 at 1013000000 device 1: the device went away
  conn 40000/0: status 0x400e; flags 0x3; deadline 1113000000; packets [3 1]; bytes [180 40]
  conn 40000/0 why: why no device uses its zone; where []
  conn 40000/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  conn 40001/0: status 0x400e; flags 0x3; deadline 1113000000
  conn 40001/0 why: why no device uses its zone; where []
  conn 40001/0 record: in 0; held 0; why [17 0 0 0 0 0 0 0]
  table 0: refs 0; devices 0; dyingAt 1.113
  set: Carried 1; inDevices 0; devices []; zones 1
  nic0 0: gone
  nic0 1: gone
  nic0 2: gone
  nic0 3: gone
  nic0 stats: gone
> release zone=0
  table 2: refs -1; swept 1.013; dyingAt 1.113
> kill 40001
  event 0x4 of 40001 at 1013000000 device 0: 
  conn 40001/0: gone
  conn 40001/0 record: gone
  conn 40001/0 why: gone
> register nic0
  nic0 stats: Name nic0
  nic0 0: patrols 1.013
  table 3: refs 1; devices 1; swept 1.013
  set: devices [nic0]; zones 2
> later 0.05s
  clock: now 1063000000
> tick 100
  nic0 stats: Ignored [0:2]
  nic0 0: patrols 1.063
> run filter add dev a ingress prio 1 chain 0 proto ip flower ct_state -trk action ct pipe action mirred egress redirect dev b
  table 3: refs 2
> later 0.05s
  clock: now 1113000000
> tick 1
  conn 40002/0: refs 0
  nic0 0: patrols 1.113
  table 0: flows 1; stale 0
  set: Vanished 1
> tick 100
  event 0x8000 of 40000 at 1113000000 device 0: taken out by hand, or with its flow table
  conn 40000/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it
  table 0: zone 5; flows 0; refs 3; dyingAt 0
  table 1: zone 0; refs -1; swept 1.013; dyingAt 1.113
  table 2: refs 2; devices 1; dyingAt 0
  set: Flushed 1
  table 3: gone
> run qdisc del dev c ingress
  table 0: refs 1
> run qdisc del dev d ingress
  table 0: refs 0; dyingAt 1.213
  set: zones 1
> later 0.2s
  clock: now 1313000000
> sync
  nic0 0: patrols 1.313
  table 0: zone 0; refs -1; swept 1.013; dyingAt 1.113
  table 1: refs 2; devices 1; dyingAt 0
  table 2: gone
