# Sampling looks at each flow twice in the shorter timeout.
> age 1
  clock: now 1000000000
  table 0: refs 6; swept 1
  table 1: zone 5; refs 3; swept 1
  set: zones 2
> crowd 40000 8
  event 0x2000 of 40000 at 1003000000 device 0: 
  event 0x2000 of 40001 at 1006000000 device 0: 
  event 0x2000 of 40002 at 1009000000 device 0: 
  event 0x2000 of 40003 at 1012000000 device 0: 
  event 0x2000 of 40004 at 1015000000 device 0: 
  event 0x2000 of 40005 at 1018000000 device 0: 
  event 0x2000 of 40006 at 1021000000 device 0: 
  event 0x2000 of 40007 at 1024000000 device 0: 
  clock: now 1024000000
  conn 40000/0: status 0x400e; flags 0x3; table 1; deadline 31003000000; timeout 86401003000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40000/0 why: why no device uses its zone
  conn 40000/0 record: no record
  conn 40001/0: status 0x400e; flags 0x3; table 1; deadline 31006000000; timeout 86401006000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40001/0 why: why no device uses its zone
  conn 40001/0 record: no record
  conn 40002/0: status 0x400e; flags 0x3; table 1; deadline 31009000000; timeout 86401009000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40002/0 why: why no device uses its zone
  conn 40002/0 record: no record
  conn 40003/0: status 0x400e; flags 0x3; table 1; deadline 31012000000; timeout 86401012000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40003/0 why: why no device uses its zone
  conn 40003/0 record: no record
  conn 40004/0: status 0x400e; flags 0x3; table 1; deadline 31015000000; timeout 86401015000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40004/0 why: why no device uses its zone
  conn 40004/0 record: no record
  conn 40005/0: status 0x400e; flags 0x3; table 1; deadline 31018000000; timeout 86401018000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40005/0 why: why no device uses its zone
  conn 40005/0 record: no record
  conn 40006/0: status 0x400e; flags 0x3; table 1; deadline 31021000000; timeout 86401021000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40006/0 why: why no device uses its zone
  conn 40006/0 record: no record
  conn 40007/0: status 0x400e; flags 0x3; table 1; deadline 31024000000; timeout 86401024000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40007/0 why: why no device uses its zone
  conn 40007/0 record: no record
  table 0: flows 8; sampled 1.024; credit 168000000; k 30000000000
  table 1: sampled 1.024; k 30000000000
  set: Added 8
> later 1s
  clock: now 2024000000
> tick 100
  table 0: swept 2; sampled 2.024; credit 16168000000
  table 1: swept 2; sampled 2.024
> later 1s
  clock: now 3024000000
> tick 100
  table 0: swept 3; sampled 3.024; credit 2168000000; sample 7; pass 1
  table 1: swept 3; sampled 3.024
> later 0.9s
  clock: now 3924000000
> tick 100
  table 0: sampled 3.924; credit 16568000000
  table 1: sampled 3.924
> fin 40003
  event 0x8000 of 40003 at 3925000000 device 0: a FIN or RST was seen
  clock: now 3925000000
  conn 40003/0: status 0xe; flags 0x0; table 0; refs 1; timeout 123925000000; packets [3 1]; bytes [120 40]; maxwin 65535 0
  conn 40003/0 why: why the flow table does not hold it
  table 0: flows 7; stale 1; sampled 3.925; credit 16584000000
  table 1: sampled 3.925
  set: Closed 1
> kill 40005
  event 0x4 of 40005 at 3925000000 device 0: 
  conn 40005/0: gone
  conn 40005/0 record: gone
  conn 40005/0 why: gone
> later 7s
  clock: now 10925000000
> tick 100
  conn 40003/0: refs 0
  table 0: flows 6; stale 0; swept 10; sampled 10.925; credit 24584000000; sample 4
  table 1: swept 10; sampled 10.925
  set: Vanished 1
> data 40001
  clock: now 10926000000
  conn 40001/0: deadline 40926000000; packets [3 1]; bytes [130 40]
  table 0: sampled 10.926; credit 24596000000
  table 1: sampled 10.926
  set: Hits 1
> later 10s
  clock: now 20926000000
> tick 2
  table 0: swept 20; sampled 20.926; credit 84596000000; sample 2
> tick 100
  table 0: credit 24596000000; sample 0
  table 1: swept 20; sampled 20.926
> later 15s
  clock: now 35926000000
> tick 100
  event 0x8000 of 40006 at 32000000000 device 0: idle
  event 0x8000 of 40004 at 32000000000 device 0: idle
  event 0x8000 of 40007 at 32000000000 device 0: idle
  event 0x8000 of 40002 at 32000000000 device 0: idle
  event 0x8000 of 40000 at 32000000000 device 0: idle
  conn 40000/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it
  conn 40002/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40002/0 why: why the flow table does not hold it
  conn 40004/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40004/0 why: why the flow table does not hold it
  conn 40006/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40006/0 why: why the flow table does not hold it
  conn 40007/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40007/0 why: why the flow table does not hold it
  table 0: flows 1; swept 35; sampled 35.926; credit 0; pass 2
  table 1: swept 35; sampled 35.926
  set: Aged 5
> later 100s
  clock: now 135926000000
> tick 100
  event 0x8000 of 40001 at 41000000000 device 0: idle
  conn 40001/0: status 0xe; flags 0x0; table 0; maxwin 0 0
  conn 40001/0 why: why the flow table does not hold it
  table 0: flows 0; swept 135; sampled 135.926; pass 3
  table 1: swept 135; sampled 135.926
  set: Aged 6
> sync
> crowd 40010 4
  event 0x4 of 40003 at 123925000000 device 0: 
  event 0x2000 of 40010 at 135929000000 device 0: 
  event 0x2000 of 40011 at 135932000000 device 0: 
  event 0x2000 of 40012 at 135935000000 device 0: 
  event 0x2000 of 40013 at 135938000000 device 0: 
  clock: now 135938000000
  conn 40010/0: status 0x400e; flags 0x3; table 1; deadline 165929000000; timeout 86535929000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40010/0 why: why no device uses its zone
  conn 40010/0 record: no record
  conn 40011/0: status 0x400e; flags 0x3; table 1; deadline 165932000000; timeout 86535932000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40011/0 why: why no device uses its zone
  conn 40011/0 record: no record
  conn 40012/0: status 0x400e; flags 0x3; table 1; deadline 165935000000; timeout 86535935000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40012/0 why: why no device uses its zone
  conn 40012/0 record: no record
  conn 40013/0: status 0x400e; flags 0x3; table 1; deadline 165938000000; timeout 86535938000000; packets [2 1]; bytes [80 40]; maxwin 65535 65535
  conn 40013/0 why: why no device uses its zone
  conn 40013/0 record: no record
  table 0: flows 4; sampled 135.938; credit 36000000
  table 1: sampled 135.938
  set: Added 12
  conn 40003/0: gone
  conn 40003/0 record: gone
  conn 40003/0 why: gone
> setting nf_flowtable_udp_timeout 10
> device nic0 prober
  conn 40010/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40011/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40012/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  conn 40013/0 why: why the device has not been asked to take it yet; where [{nic0 false the device has not been asked to take it yet}]
  nic0 stats: Name nic0
  nic0 0: patrols 135.938
  table 0: refs 7; devices 1; replay 4
  set: devices [nic0]
> pump
  nic0: add 40013 [10 0 0 1]/40013-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40013 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 135938000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40012 [10 0 0 1]/40012-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40012 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 135935000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40011 [10 0 0 1]/40011-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40011 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 135932000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  nic0: add 40010 [10 0 0 1]/40010-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40010 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 135929000000 chain 0 rewrite 0 0 window [{1001 66536 65535 0} {5001 70536 65535 0}]
  conn 40010/0: flags 0xf
  conn 40010/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40010/0 record: queued 0; in 1; sort 3; seen 3; next 136.938; since 135.938; last 135.938; why [19 0 0 0 0 0 0 0]
  conn 40011/0: flags 0xf
  conn 40011/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40011/0 record: queued 0; in 1; sort 3; seen 3; next 136.938; since 135.938; last 135.938; why [19 0 0 0 0 0 0 0]
  conn 40012/0: flags 0xf
  conn 40012/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40012/0 record: queued 0; in 1; sort 3; seen 3; next 136.938; since 135.938; last 135.938; why [19 0 0 0 0 0 0 0]
  conn 40013/0: flags 0xf
  conn 40013/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40013/0 record: queued 0; in 1; sort 3; seen 3; next 136.938; since 135.938; last 135.938; why [19 0 0 0 0 0 0 0]
  nic0 stats: Open [0:4]; Submitted 4
  nic0 2: entry 40013; used 135.938; at 135.938; asked 135.938; mark 135.938; open 1 0 0
  nic0 3: entry 40012; used 135.935; at 135.938; asked 135.938; mark 135.935; open 1 0 0
  nic0 4: entry 40011; used 135.932; at 135.938; asked 135.938; mark 135.932; open 1 0 0
  nic0 5: entry 40010; used 135.929; at 135.938; asked 135.938; mark 135.929; open 1 0 0
  table 0: replay 0
  set: backlog 4 0 0
> later 4s
  clock: now 139938000000
> tick 100
  event 0x4000 of 40013 at 139938000000 device 1: 
  event 0x4000 of 40012 at 139938000000 device 1: 
  event 0x4000 of 40011 at 139938000000 device 1: 
  event 0x4000 of 40010 at 139938000000 device 1: 
  conn 40010/0: status 0xc00e
  conn 40010/0 why: why ; where [{nic0 true }]
  conn 40010/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40011/0: status 0xc00e
  conn 40011/0 why: why ; where [{nic0 true }]
  conn 40011/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40012/0: status 0xc00e
  conn 40012/0 why: why ; where [{nic0 true }]
  conn 40012/0 record: held 1; why [0 0 0 0 0 0 0 0]
  conn 40013/0: status 0xc00e
  conn 40013/0 why: why ; where [{nic0 true }]
  conn 40013/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 4; Open []; Added 4
  nic0 0: patrolAt 3; patrols 139.938
  nic0 2: open 0 0 0; held true
  nic0 3: at 139.938; open 0 0 0; held true
  nic0 4: open 0 0 0; held true
  nic0 5: open 0 0 0; held true
  table 0: swept 139; sampled 139.938; credit 2036000000; sample 1; pass 4; k 10000000000
  table 1: swept 139; sampled 139.938; k 10000000000
  set: backlog 0 0 0; inDevices 4
> later 4s
  clock: now 143938000000
> tick 100
  nic0 0: patrolAt 2; patrols 143.938
  table 0: swept 143; sampled 143.938; credit 4036000000; sample 2; pass 5
  table 1: swept 143; sampled 143.938
> later 4s
  clock: now 147938000000
> tick 6
  nic0 stats: Reads 2
  nic0 0: patrolAt 1; patrols 147.938
  nic0 2: at 147.938
  nic0 4: at 147.938
  table 0: swept 147; sampled 147.938; credit 6036000000; sample 3; pass 6
> later 4s
  clock: now 151938000000
> tick 100
  nic0 stats: Reads 3
  nic0 0: patrolAt 0; patrols 151.938
  nic0 5: at 151.938
  table 0: swept 151; sampled 151.938; credit 8036000000; sample 0
  table 1: swept 151; sampled 151.938
> age 0
  table 0: credit 0
> age 0
> tick 100
> age 1
> setting nf_flowtable_udp_timeout 0
> later 1s
  clock: now 152938000000
> tick 100
  table 0: swept 152; sampled 152.938; pass 7; k 1000000000
  table 1: swept 152; sampled 152.938; k 1000000000
> sync
  nic0 stats: Reads 7
  nic0 2: at 152.938
  nic0 3: at 152.938
  nic0 4: at 152.938
  nic0 5: at 152.938
> age 1
> tick 100
