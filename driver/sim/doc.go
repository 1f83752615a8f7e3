// Package sim is a network card in virtual time: an offload.Driver that holds
// rules and flows within limits, takes its time, and fails on request, as real
// cards do and as their kernel drivers say it. What it carries it carries with
// the datapath's own interpreter (datapath.Pipeline), so that a packet's fate
// is software's, whatever the card's profile, speed and faults.
//
// Nothing here waits or reads a clock: every call brings the card to its time,
// and does what has come due since the last one. The same calls and the same
// seed give the same card.
package sim
