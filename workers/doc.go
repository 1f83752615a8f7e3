// Package workers runs one policy on several cores: a packet's fate, bytes and
// counters are those of one engine.
//
// A Set has N workers, each with an engine and a tracker of its own. Which
// worker a frame belongs to follows from the frame (Steer): a symmetric keyed
// hash of its tuple, that of the packet it quotes if it is an ICMP error, and,
// once something is translated, whoever has the connection that the tuple is
// the answer of. A worker judges vectors of its own frames (Process), writes
// to nothing that others write to while connections are known, and its
// counters are added to the others' when somebody reads them.
//
// What cannot be divided is shared (conntrack.Shared: the limit of connections,
// the tuples of all connections under policies that translate, ports) or done
// by one worker while the others stand still (fragments). Policies with
// anything else that goes by the order of all packets run on one worker, and
// Why says for what reason. docs/workers.md has all of it.
//
// # Use
//
// Make a Set (New), Load a policy, and give each of Workers to a goroutine,
// best locked to a thread. Whoever reads frames from a port asks Steer, or
// deals a whole vector (Deal), and hands them to the worker. Frames of one
// connection must reach their worker in the order in which they came.
package workers
