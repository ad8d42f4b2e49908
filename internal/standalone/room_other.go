//go:build !linux

package standalone

func makeRoom() {}
