package policy

// Stats are the counters of an action instance. Times are nanoseconds on the
// packets' clock.
type Stats struct {
	Packets, Bytes, Drops, Overlimits uint64
	HWPackets, HWBytes                uint64 // of these, what a device has counted
	Installed                         int64
	FirstUsed, LastUsed               int64 // 0: never
}
