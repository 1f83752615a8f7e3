// Package law proves the law of the house: a packet's fate, and what is counted
// and told of it, never depend on where it was processed. One harness draws
// policies and traffic and compares software, one packet at a time, with every
// other place: vectors of any size, cards, and processes that go on from a saved
// state, while policies are loaded and connections ended. It has no code.
package law
