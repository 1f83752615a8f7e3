// Package outfile writes the files that a command is asked for: they are
// checked before the work begins, and written whole or not at all.
//
// A Set knows all files that a command will write and read; Check refuses what
// cannot be written, what is written twice, and what is read. Create begins a
// file beside its target and Commit renames it there, so that a reader finds
// the old file or the new one, and a failure leaves the old one. What is no
// regular file, a pipe or a device, is written as it is.
package outfile
