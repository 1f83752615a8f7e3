# A device that holds a flow whose packets come to software: asked anew, twice as
# seldom each time, until it carries something.
> device nic0 prober
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
> later 1.1s
  clock: now 2103000000
> data 40000
  event 0x4000 of 40000 at 2104000000 device 1: 
  clock: now 2104000000
  conn 40000/0: status 0xc00e; deadline 32104000000; packets [3 1]; bytes [130 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; calm 1; seen 4; rate 0.9083; next 4.104; last 2.104; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Reads 1; Added 1
  nic0 2: at 2.104; open 0 0 0; held true
  table 0: sweep 2; cursor 1; due 1
  table 1: swept 2
  set: Hits 1; backlog 0 0 0; inDevices 1
> pump
> later 2.1s
  clock: now 4204000000
> data 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 4205000000 device 1: its mark, label or state changed
  clock: now 4205000000
  conn 40000/0: status 0x400e; deadline 34205000000; packets [4 1]; bytes [180 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; in 0; held 0; calm 2; seen 5; rate 0.476; next 8.205; last 4.205; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 1; Reads 2
  nic0 0: leaving 1
  nic0 1: adds [40000 ]
  nic0 2: at 4.205; asked 4.205; open 0 1 0; held false; gone true
  table 0: swept 2; sweep 0; cursor 0
  table 1: swept 4
  set: Hits 2; backlog 1 1 0; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 4205000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 2
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 4.205; mark 4.205; open 1 0 0; gone false
  set: backlog 1 0 0
> later 3.9s
  clock: now 8105000000
> data 40000
  event 0x4000 of 40000 at 8106000000 device 1: 
  clock: now 8106000000
  conn 40000/0: status 0xc00e; deadline 38106000000; packets [5 1]; bytes [230 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 2
  nic0 2: open 0 0 0; held true
  table 0: sweep 8; cursor 1
  table 1: swept 8
  set: Hits 3; backlog 0 0 0; inDevices 1
> later 0.2s
  clock: now 8306000000
> data 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 8307000000 device 1: its mark, label or state changed
  clock: now 8307000000
  conn 40000/0: status 0x400e; deadline 38307000000; packets [6 1]; bytes [280 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; in 0; held 0; calm 3; seen 7; rate 0.4876; next 16.307; last 8.307; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 2; Reads 3
  nic0 0: leaving 1
  nic0 1: adds [40000 ]
  nic0 2: at 8.307; asked 8.307; open 0 1 0; held false; gone true
  set: Hits 4; backlog 1 1 0; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 8307000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 3
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 8.307; mark 8.307; open 1 0 0; gone false
  set: backlog 1 0 0
> later 8.1s
  clock: now 16407000000
> data 40000
  nic0: remove 40000
  event 0x4000 of 40000 at 16408000000 device 1: 
  event 0x8000 of 40000 at 16408000000 device 1: its mark, label or state changed
  clock: now 16408000000
  conn 40000/0: deadline 46408000000; packets [7 1]; bytes [330 40]
  conn 40000/0 record: queued 1; in 0; calm 4; seen 8; rate 0.1234; next 32.408; last 16.408
  nic0 stats: Leaving 1; Queue 1; Open [1:1]; Removals 3; Reads 4; Added 3
  nic0 0: leaving 1; patrols 16.408
  nic0 1: adds [40000 ]
  nic0 2: at 16.408; asked 16.408; open 0 1 0; gone true
  table 0: swept 8; sweep 0; cursor 0
  table 1: swept 16
  set: Hits 5; backlog 1 1 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 16408000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 4
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 16.408; mark 16.408; open 1 0 0; gone false
  set: backlog 1 0 0
> later 16.1s
  clock: now 32508000000
> data 40000
  nic0: remove 40000
  event 0x4000 of 40000 at 32509000000 device 1: 
  event 0x8000 of 40000 at 32509000000 device 1: its mark, label or state changed
  clock: now 32509000000
  conn 40000/0: deadline 62509000000; packets [8 1]; bytes [380 40]
  conn 40000/0 record: queued 1; in 0; calm 5; seen 9; rate 0.06211; next 64.509; last 32.509
  nic0 stats: Leaving 1; Queue 1; Open [1:1]; Removals 4; Reads 5; Added 4
  nic0 0: leaving 1; patrols 32.509
  nic0 1: adds [40000 ]
  nic0 2: at 32.509; asked 32.509; open 0 1 0; gone true
  table 0: swept 32
  table 1: swept 32
  set: Hits 6; backlog 1 1 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 32509000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 5
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 32.509; mark 32.509; open 1 0 0; gone false
  set: backlog 1 0 0
> later 25s
  clock: now 57509000000
> data 40000
  event 0x4000 of 40000 at 57510000000 device 1: 
  clock: now 57510000000
  conn 40000/0: status 0xc00e; deadline 87510000000; packets [9 1]; bytes [430 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 5
  nic0 0: patrols 57.51
  nic0 2: at 57.51; open 0 0 0; held true
  table 0: swept 57
  table 1: swept 57
  set: Hits 7; backlog 0 0 0; inDevices 1
> later 8s
  clock: now 65510000000
> data 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 65511000000 device 1: its mark, label or state changed
  clock: now 65511000000
  conn 40000/0: status 0x400e; deadline 95511000000; packets [10 1]; bytes [480 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; in 0; held 0; calm 6; seen 11; rate 0.0606; next 129.511; last 65.511; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 5; Reads 7
  nic0 0: leaving 1
  nic0 1: adds [40000 ]
  nic0 2: at 65.511; asked 65.511; open 0 1 0; held false; gone true
  table 0: swept 65
  table 1: swept 65
  set: Hits 8; backlog 1 1 0; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 65511000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 6
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 65.511; mark 65.511; open 1 0 0; gone false
  set: backlog 1 0 0
> later 29s
  clock: now 94511000000
> data 40000
  event 0x4000 of 40000 at 94512000000 device 1: 
  clock: now 94512000000
  conn 40000/0: status 0xc00e; deadline 124512000000; packets [11 1]; bytes [530 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 6
  nic0 0: patrols 94.512
  nic0 2: at 94.512; open 0 0 0; held true
  table 0: swept 94
  table 1: swept 94
  set: Hits 9; backlog 0 0 0; inDevices 1
> later 29s
  clock: now 123512000000
> data 40000
  clock: now 123513000000
  conn 40000/0: deadline 153513000000; packets [12 1]; bytes [580 40]
  nic0 stats: Reads 8
  nic0 0: patrols 123.513
  nic0 2: at 123.513
  table 0: swept 123
  table 1: swept 123
  set: Hits 10
> later 7s
  clock: now 130513000000
> data 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 130514000000 device 1: its mark, label or state changed
  clock: now 130514000000
  conn 40000/0: status 0x400e; deadline 160514000000; packets [13 1]; bytes [630 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; in 0; held 0; seen 14; rate 0.04615; next 194.514; last 130.514; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 6; Reads 10
  nic0 0: leaving 1
  nic0 1: adds [40000 ]
  nic0 2: at 130.514; asked 130.514; open 0 1 0; held false; gone true
  table 0: swept 130
  table 1: swept 130
  set: Hits 11; backlog 1 1 0; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 130514000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 7
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: used 130.514; mark 130.514; open 1 0 0; gone false
  set: backlog 1 0 0
> carry nic0 40000
> later 29s
  clock: now 159514000000
> data 40000
  event 0x4000 of 40000 at 159515000000 device 1: 
  clock: now 159515000000
  conn 40000/0: status 0xc00e; deadline 189515000000; packets [15 1]; bytes [780 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 7
  nic0 0: patrols 159.515
  nic0 2: packets [1 0]; bytes [100 0]; at 159.515; rate 0.03448; open 0 0 0; held true
  table 0: swept 159
  table 1: swept 159
  set: Hits 12; Carried 1; backlog 0 0 0; inDevices 1
> later 29s
  clock: now 188515000000
> data 40000
  clock: now 188516000000
  conn 40000/0: deadline 218516000000; packets [16 1]; bytes [830 40]
  nic0 stats: Reads 11
  nic0 0: patrols 188.516
  nic0 2: at 188.516; rate 0
  table 0: swept 188
  table 1: swept 188
  set: Hits 13
> later 7s
  clock: now 195516000000
> data 40000
  nic0: remove 40000
  event 0x8000 of 40000 at 195517000000 device 1: its mark, label or state changed
  clock: now 195517000000
  conn 40000/0: status 0x400e; deadline 225517000000; packets [17 1]; bytes [880 40]
  conn 40000/0 why: why on its way into the device; where [{nic0 false on its way into the device}]
  conn 40000/0 record: queued 1; in 0; held 0; seen 18; rate 0.06154; next 259.517; last 195.517; why [19 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Leaving 1; Queue 1; Open [1:1]; Removals 7; Reads 13
  nic0 0: leaving 1
  nic0 1: adds [40000 ]
  nic0 2: at 195.517; asked 195.517; open 0 1 0; held false; gone true
  table 0: swept 195
  table 1: swept 195
  set: Hits 14; backlog 1 1 0; inDevices 0
> pump
  nic0: add 40000 [10 0 0 1]/40000-[10 0 0 2]/80 [10 0 0 2]/80-[10 0 0 1]/40000 zone 0 both true fresh false mark 0 label 0000 idle 30000000000 used 195517000000 chain 0 rewrite 0 0 window [{0 0 0 0} {0 0 0 0}]
  conn 40000/0 record: queued 0; in 1
  nic0 stats: Leaving 0; Queue 0; Open [0:1]; Submitted 8
  nic0 0: leaving 0
  nic0 1: adds []
  nic0 2: packets [0 0]; bytes [0 0]; used 195.517; mark 195.517; open 1 0 0; gone false
  set: backlog 1 0 0
> later 1.1s
  clock: now 196617000000
> carry nic0 40000
> data 40000
  event 0x4000 of 40000 at 196618000000 device 1: 
  clock: now 196618000000
  conn 40000/0: status 0xc00e; deadline 226618000000; packets [18 1]; bytes [930 40]
  conn 40000/0 why: why ; where [{nic0 true }]
  conn 40000/0 record: held 1; why [0 0 0 0 0 0 0 0]
  nic0 stats: Held 1; Open []; Added 8
  nic0 2: open 0 0 0; held true
  table 0: swept 196
  table 1: swept 196
  set: Hits 15; backlog 0 0 0; inDevices 1
> pump
> wait 40s
  nic0: remove 40000
  event 0x8000 of 40000 at 227518000000 device 1: idle
  event 0x8000 of 40000 at 227000000000 device 0: idle
  clock: now 236618000000
  conn 40000/0: status 0xe; flags 0x0; table 0; packets [19 1]; bytes [1030 40]; maxwin 0 0
  conn 40000/0 why: why the flow table does not hold it; where []
  conn 40000/0 record: in 0; held 0; why [20 0 0 0 0 0 0 0]
  nic0 stats: Held 0; Removals 8; Reads 42
  nic0 0: patrols 236.618
  table 0: flows 0; swept 236; due 0
  table 1: swept 236
  set: Aged 1; Carried 2; inDevices 0
  nic0 2: gone
