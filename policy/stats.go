package policy

// Stats are the counters of an action instance. Times are nanoseconds on the
// packets' clock.
type Stats struct {
	Packets, Bytes, Drops, Overlimits uint64
	Installed                         int64
	FirstUsed, LastUsed               int64 // 0: never
}
