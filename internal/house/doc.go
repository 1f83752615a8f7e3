// Package house holds tests of the project's own order: which room may import
// which, and how rooms may be called. It has no code.
package house
