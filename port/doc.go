// Package port is where frames come from and go: captures in pcap and pcapng,
// gzip of either, and pcapng out.
//
// Readers are made for replaying fast: they buffer, hand out frames in their
// own memory, and allocate nothing per packet. They trust no length in a file:
// a packet larger than any real one is corruption, not a reason to allocate.
package port
