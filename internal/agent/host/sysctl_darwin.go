package host

import "golang.org/x/sys/unix"

// sysctl is a text that the running kernel tells of itself; empty where it does not.
func sysctl(name string) string {
	s, _ := unix.Sysctl(name)
	return s
}

func sysctlNumber(name string) int64 {
	n, _ := unix.SysctlUint64(name)
	return int64(n)
}
