//go:build !linux

package conntrack

func mapHuge(int) []byte { return nil }

func unmap([]byte) {}

func populate([]byte) {}
