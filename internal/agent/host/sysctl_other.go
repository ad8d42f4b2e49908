//go:build !windows && !darwin

package host

// sysctl is a text that the running kernel of a Mac tells of itself.
func sysctl(string) string { return "" }

func sysctlNumber(string) int64 { return 0 }
