package offload

import "fmt"

// Refusal is why a device does not hold a rule.
type Refusal struct {
	Device string
	// Reason is the driver's own words, as its kernel driver says them.
	Reason string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Device, r.Reason) }

// Reason is why a device or the flow table does not have a connection in a
// device.
type Reason uint8

const (
	NoReason       Reason = iota
	NoDevice              // no device uses its zone
	NotEstablished        // the flow table does not have it
	Protocol              // its protocol is never offloaded
	Helper                // a helper watches it
	Few                   // it has had fewer packets than admission asks for
	Small                 // fewer bytes
	Young                 // it has not lived long enough
	Never                 // its port or protocol is on the list of those never offloaded
	Quota                 // its zone has used up its share
	Hook                  // the embedding program's own policy says no
	QueueFull             // too many requests were waiting
	DeviceFull            // the device has no room
	Evicted               // it made room for another
	Unsupported           // the device cannot carry such flows
	LabelSpace            // the device has no room for another label
	Fault                 // the device failed
	Gone                  // the device went away
	OneWay                // the device carries nothing of connections that are not assured
	Asked                 // it is on its way into the device
	Idle                  // it was idle for too long
	Closed                // a FIN or RST was seen
	Ended                 // the connection is gone
	Flushed               // it was taken out by hand, or its flow table went
	Changed               // its mark, label or state is another now
	Waiting               // it waits for room in the device
	Uncounted             // the device cannot say when a flow was last used
	Unchecked             // the device cannot check its packets' checksums
	Untried               // the device was not asked yet, or not since it may say otherwise

	NumReasons = int(Untried) + 1
)

var reasonWords = [NumReasons]string{
	"", "no device uses its zone", "the flow table does not hold it", "its protocol is never offloaded", "a helper watches it",
	"too few packets", "too few bytes", "too young", "never offloaded by policy", "its zone's share is used up", "refused by the program's own policy",
	"the queue to the device overflowed", "the device is full", "evicted for another connection", "the device does not support it",
	"the device has no room for another label", "the device failed", "the device went away", "the device does not carry it before it is assured",
	"on its way into the device", "idle", "a FIN or RST was seen", "the connection has ended", "taken out by hand, or with its flow table",
	"its mark, label or state changed", "waiting for room in the device",
	"the device cannot tell when it was last used", "the device cannot check its checksums", "the device has not been asked to take it yet",
}

func (r Reason) String() string {
	if int(r) < NumReasons {
		return reasonWords[r]
	}
	return "unknown"
}
