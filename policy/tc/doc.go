// Package tc reads and writes tc(8)'s language for the parts that matter here:
// qdisc (ingress, clsact), chain, filter (flower, matchall) and actions.
//
// A Session holds a policy and runs commands on it, as tc runs them on the
// kernel: keywords may be abbreviated as in iproute2, mistakes are reported in
// iproute2's or the kernel's words with the place and what was expected, and
// show prints what tc prints, as text or JSON. Formats follow iproute2 6.1;
// newer keywords are known too.
//
// Spellings of the connection tracking offload papers that never became tc's
// (`mirrored`, `nat auto`, `ct_state +trk +est`, …) are accepted; each gives a
// Note that shows the modern form. Output is always iproute2's.
//
// How a line becomes a change: words.go cuts it into words that know their
// place; session.go finds the object and the verb; filter.go, flower*.go and
// act*.go parse into package policy's plain data; package policy applies the
// kernel's rules; show*.go and print*.go are the way back.
package tc
