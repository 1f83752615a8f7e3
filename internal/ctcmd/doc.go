// Package ctcmd is conntrack(8)'s command line over a saved state: its
// commands, options, refusals and output, to the letter where they are known
// (conntrack-tools 1.4.7).
//
// It differs where conntrack(8) guesses: numbers that are none, ports and
// zones out of range, and words that no option takes are refused.
package ctcmd
