//go:build unix

package host

import "syscall"

// diskSize is the size of the file system that holds dir, in bytes; 0 where it cannot be told.
func diskSize(dir string) int64 {
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil {
		return 0
	}
	return int64(st.Blocks) * int64(st.Bsize)
}
