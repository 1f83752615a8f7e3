// Package offload is the contract between the datapath and devices that carry
// a part of its work: network cards, or what stands in for them.
//
// A device holds two kinds of things. Rules are the policy's filters, given
// and taken synchronously, one by one, each held or refused with a reason that
// listings show. Flows are established connections, given by the flow table in
// batches and asynchronously: a completion says what became of each.
//
// What a device carries must end exactly as software would have ended it:
//
//   - It tries the filters that it holds in software's order. Where a filter
//     that it does not hold could match, the packet is software's.
//   - It carries a connection's packet only while it holds the flow: from the
//     completion of its insertion to the submission of its removal. Removal is
//     effective at once; its completion says that the room is free.
//   - Packets that the flow table would hand to the tracker (fragments, options,
//     a TTL that ends, FIN, RST) are software's. After a FIN or RST the flow
//     carries nothing any more until it is inserted anew.
//   - A flow that was idle for Flow.Idle carries nothing until software has
//     seen the packet and asked for it again.
//   - A packet that it cannot finish goes to software in one of two ways: from
//     the beginning, the frame exactly as it was received and nothing counted;
//     or from the middle, with all that the device knows of it in the packet's
//     metadata and what was done so far counted (packet.Resume).
//
// A device may refuse anything, be slow, be full, and fail; it may not guess.
package offload
