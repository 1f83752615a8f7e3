// Package simcmd is `sluice sim`: traffic of millions of connections through
// the datapath and a model of a network card, once for each offload policy, and
// what became of it side by side.
//
// Everything but the card and the traffic is what runs live: the datapath, the
// tracker, the flow table with its admission, eviction and aging. Time is the
// workload's. How fast the machine that runs the simulation is does not enter
// into its results; what a host and a card would forward is worked out from
// the shares that were found and costs that are given (Costs).
package simcmd
