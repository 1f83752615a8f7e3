package bench

import "time"

// Close measures connections that end as they should: both ends' FIN and the
// last acknowledgement, three packets each, from established to TIME_WAIT.
func Close(o Options) (Result, error) {
	var sum Result
	var busy time.Duration
	for !o.enough(sum.Packets, busy) {
		r, err := newRig(o.Conns)
		if err != nil {
			return Result{}, err
		}
		if err := r.establish(o.Conns); err != nil {
			return Result{}, err
		}
		res, err := r.measure(o.once(), "close", func() error {
			if err := r.each(o.Conns, fromClient, flagFIN|flagACK, 1001, 5001); err != nil {
				return err
			}
			if err := r.each(o.Conns, fromServer, flagFIN|flagACK, 5001, 1002); err != nil {
				return err
			}
			return r.each(o.Conns, fromClient, flagACK, 1002, 5002)
		})
		if err != nil {
			return Result{}, err
		}
		busy += r.busy
		res.Packets += sum.Packets
		res.AllocsPerPacket = max(res.AllocsPerPacket, sum.AllocsPerPacket)
		sum = res
	}
	sum.rate(busy)
	sum.ConnsPerSecond = sum.Mpps * 1e6 / 3
	return sum, nil
}
